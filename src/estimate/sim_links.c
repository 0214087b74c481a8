/* sim_links: what links did in a packet simulation, as CSV, table and JSON.
 *
 * Links are grouped by the tiers that they join, per direction, in the order of their lowest link.
 * A group's utilisation and pause share are means over its links, its loss is of all its packets;
 * of queues it has the longest p99 and the longest of all, which say where to look. Hosts' links up
 * have no queue: a host's flows are its queue. */
#include "estimate/sim_links.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "net/tiers.h"

static const char *const quantile_keys[LINKSTATS_N_QUANTILES] = {"queue_p50_b", "queue_p90_b",
                                                                 "queue_p99_b"};

static bool has_queue(const Topo *t, uint32_t link) { return !t->is_host[t->links[link].from]; }

/* "tor-host" */
typedef struct {
    char s[32];
} PortName;

static PortName port_name(const Topo *t, uint32_t link) {
    const char *const *names = tiers_names(t);
    const Link *l = &t->links[link];
    PortName p;
    int n = tiers_name(names, t->tier[l->from], p.s, sizeof p.s);
    p.s[n++] = '-';
    tiers_name(names, t->tier[l->to], p.s + n, sizeof p.s - (size_t)n);
    return p;
}

static unsigned long long from_id(const Topo *t, uint32_t link) {
    return t->node_id[t->links[link].from];
}
static unsigned long long to_id(const Topo *t, uint32_t link) {
    return t->node_id[t->links[link].to];
}

/* ---- order ---- */

/* What links are sorted by: two keys, the largest first, and then their number. */
typedef struct {
    double key[2];
    uint32_t link;
} Ranked;

static int by_keys(const void *a, const void *b) {
    const Ranked *x = a, *y = b;
    for (int k = 0; k < 2; k++)
        if (x->key[k] != y->key[k]) return x->key[k] > y->key[k] ? -1 : 1;
    return (x->link > y->link) - (x->link < y->link);
}

/* All links in one of these orders; the caller frees. */
typedef enum { BY_IDS, BY_UTILISATION, BY_QUEUE } LinkOrder;

static Ranked *rank_links(const Topo *t, const LinkStats *links, LinkOrder order) {
    Ranked *r = MEM_NEW(Ranked, t->n_links);
    for (uint32_t l = 0; l < t->n_links; l++) {
        const LinkStats *s = &links[l];
        double use = s->utilisation, p99 = s->queue_q_b[LINKSTATS_P99];
        r[l] = (Ranked){{order == BY_QUEUE ? p99 : use, order == BY_QUEUE ? use : p99}, l};
        if (order == BY_IDS) /* ids are below 2^53 in any network that fits */
            r[l] = (Ranked){{-(double)from_id(t, l), -(double)to_id(t, l)}, l};
    }
    qsort(r, t->n_links, sizeof *r, by_keys);
    return r;
}

/* ---- groups ---- */

typedef struct {
    PortName port;
    uint32_t n_links;
    bool has_queue;
    double utilisation, utilisation_max, paused_share, queue_p99_max_b;
    uint64_t queue_max_b, n_sent, n_dropped, n_lost, n_marked;
} PortGroup;

static void add_to_group(PortGroup *g, const LinkStats *s) {
    g->n_links++;
    g->utilisation += s->utilisation;
    g->utilisation_max = fmax(g->utilisation_max, s->utilisation);
    g->paused_share += s->paused_share;
    g->queue_p99_max_b = fmax(g->queue_p99_max_b, s->queue_q_b[LINKSTATS_P99]);
    if (s->queue_max_b > g->queue_max_b) g->queue_max_b = s->queue_max_b;
    g->n_sent += s->n_sent;
    g->n_dropped += s->n_dropped;
    g->n_lost += s->n_lost;
    g->n_marked += s->n_marked;
}

static PortGroup *group_links(const Topo *t, const LinkStats *links, size_t *n) {
    PortGroup *g = NULL;
    size_t cap = 0;
    *n = 0;
    for (uint32_t l = 0; l < t->n_links; l++) {
        PortName port = port_name(t, l);
        size_t k = 0;
        while (k < *n && strcmp(g[k].port.s, port.s) != 0) k++;
        if (k == *n) {
            MEM_GROW(g, cap, *n + 1);
            g[(*n)++] = (PortGroup){.port = port, .has_queue = has_queue(t, l)};
        }
        add_to_group(&g[k], &links[l]);
    }
    for (size_t k = 0; k < *n; k++) {
        g[k].utilisation /= g[k].n_links;
        g[k].paused_share /= g[k].n_links;
    }
    return g;
}

/* ---- CSV ---- */

static void put_number(FILE *f, double x) { fprintf(f, ",%s", json_number_text(x).s); }

static void csv_row(FILE *f, const Topo *t, const LinkStats *links, uint32_t l) {
    const LinkStats *s = &links[l];
    fprintf(f, "%llu,%llu,%s", from_id(t, l), to_id(t, l), port_name(t, l).s);
    put_number(f, t->links[l].rate_bps);
    put_number(f, s->utilisation);
    put_number(f, s->goodput_bps);
    if (has_queue(t, l)) {
        put_number(f, s->queue_mean_b);
        for (int k = 0; k < LINKSTATS_N_QUANTILES; k++) put_number(f, s->queue_q_b[k]);
        put_number(f, (double)s->queue_max_b);
    } else {
        fputs(",,,,,", f);
    }
    fprintf(f, ",%llu,%llu,%llu,%llu,%llu", (unsigned long long)s->payload_b,
            (unsigned long long)s->n_sent, (unsigned long long)s->n_marked,
            (unsigned long long)s->n_dropped, (unsigned long long)s->n_lost);
    put_number(f, linkstats_loss(s->n_sent, s->n_dropped, s->n_lost));
    put_number(f, s->paused_share);
    fputc('\n', f);
}

void sim_links_csv(FILE *f, const Topo *t, const LinkStats *links) {
    Ranked *order = rank_links(t, links, BY_IDS);
    fputs("from,to,port,rate_bps,utilisation,goodput_bps,queue_mean_b", f);
    for (int k = 0; k < LINKSTATS_N_QUANTILES; k++) fprintf(f, ",%s", quantile_keys[k]);
    fputs(",queue_max_b,payload_b,packets,marked,dropped,lost,loss_share,paused_share\n", f);
    for (uint32_t i = 0; i < t->n_links; i++) csv_row(f, t, links, order[i].link);
    free(order);
}

/* ---- table ---- */

static void print_queue(FILE *f, bool has_queue, double queue_b) {
    if (has_queue) fprintf(f, " %9s", units_size(queue_b).s);
    else fprintf(f, " %9s", "-");
}

void sim_links_table(FILE *f, const Topo *t, const LinkStats *links, uint32_t n_top) {
    size_t n;
    PortGroup *g = group_links(t, links, &n);
    fprintf(f, "%-15s %6s %12s %9s %9s %9s %8s %8s\n", "links", "number", "utilisation", "busiest",
            "p99 queue", "longest", "loss", "paused");
    for (size_t k = 0; k < n; k++) {
        fprintf(f, "%-15s %6s %10.1f %% %7.1f %%", g[k].port.s, units_count(g[k].n_links).s,
                100 * g[k].utilisation, 100 * g[k].utilisation_max);
        print_queue(f, g[k].has_queue, g[k].queue_p99_max_b);
        print_queue(f, g[k].has_queue, (double)g[k].queue_max_b);
        fprintf(f, " %6.2f %% %6.2f %%\n",
                100 * linkstats_loss(g[k].n_sent, g[k].n_dropped, g[k].n_lost),
                100 * g[k].paused_share);
    }
    free(g);
    Ranked *order = rank_links(t, links, BY_UTILISATION);
    for (uint32_t i = 0; i < n_top && i < t->n_links; i++) {
        uint32_t l = order[i].link;
        const LinkStats *s = &links[l];
        char *name = mem_printf("%llu-%llu", from_id(t, l), to_id(t, l));
        fprintf(f, "%-15s %6s %10.1f %% %9s", name, "", 100 * s->utilisation, "");
        print_queue(f, has_queue(t, l), s->queue_q_b[LINKSTATS_P99]);
        print_queue(f, has_queue(t, l), (double)s->queue_max_b);
        fprintf(f, " %6.2f %% %6.2f %%\n", 100 * linkstats_loss(s->n_sent, s->n_dropped, s->n_lost),
                100 * s->paused_share);
        free(name);
    }
    free(order);
}

/* ---- JSON ---- */

/* A number of a queue; null: there is none. */
static void put_queue(JsonOut *o, const char *key, bool has_queue, double queue_b) {
    json_put_number(o, key, has_queue ? queue_b : NAN);
}

static void put_losses(JsonOut *o, uint64_t n_sent, uint64_t n_marked, uint64_t n_dropped,
                       uint64_t n_lost) {
    json_put_count(o, "packets", n_sent);
    json_put_count(o, "marked", n_marked);
    json_put_count(o, "dropped", n_dropped);
    json_put_count(o, "lost", n_lost);
    json_put_number(o, "loss_share", linkstats_loss(n_sent, n_dropped, n_lost));
}

static void put_group(JsonOut *o, const PortGroup *g) {
    json_out_object(o);
    json_put_string(o, "port", g->port.s);
    json_put_count(o, "links", g->n_links);
    json_put_number(o, "utilisation", g->utilisation);
    json_put_number(o, "utilisation_max", g->utilisation_max);
    put_queue(o, "queue_p99_max_b", g->has_queue, g->queue_p99_max_b);
    put_queue(o, "queue_max_b", g->has_queue, (double)g->queue_max_b);
    put_losses(o, g->n_sent, g->n_marked, g->n_dropped, g->n_lost);
    json_put_number(o, "paused_share", g->paused_share);
    json_out_end(o, '}');
}

static void put_link(JsonOut *o, const Topo *t, uint32_t l, const LinkStats *s) {
    bool queue = has_queue(t, l);
    json_out_object(o);
    json_put_count(o, "from", from_id(t, l));
    json_put_count(o, "to", to_id(t, l));
    json_put_string(o, "port", port_name(t, l).s);
    json_put_number(o, "rate_bps", t->links[l].rate_bps);
    json_put_number(o, "utilisation", s->utilisation);
    json_put_number(o, "goodput_bps", s->goodput_bps);
    put_queue(o, "queue_mean_b", queue, s->queue_mean_b);
    for (int k = 0; k < LINKSTATS_N_QUANTILES; k++)
        put_queue(o, quantile_keys[k], queue, s->queue_q_b[k]);
    put_queue(o, "queue_max_b", queue, (double)s->queue_max_b);
    put_losses(o, s->n_sent, s->n_marked, s->n_dropped, s->n_lost);
    json_put_number(o, "paused_share", s->paused_share);
    json_out_end(o, '}');
}

static void put_top(JsonOut *o, const char *key, const Topo *t, const LinkStats *links,
                    LinkOrder order, uint32_t n_top) {
    Ranked *r = rank_links(t, links, order);
    json_put_array(o, key);
    for (uint32_t i = 0; i < n_top && i < t->n_links; i++)
        put_link(o, t, r[i].link, &links[r[i].link]);
    json_out_end(o, ']');
    free(r);
}

void sim_links_json(JsonOut *o, const Topo *t, const LinkStats *links, uint32_t n_top) {
    size_t n;
    PortGroup *g = group_links(t, links, &n);
    json_put_object(o, "links");
    json_put_count(o, "n_links", t->n_links);
    json_put_number(o, "queue_rounded_up_by", 1.0 / LINKSTATS_STEPS);
    json_put_array(o, "tiers");
    for (size_t k = 0; k < n; k++) put_group(o, &g[k]);
    json_out_end(o, ']');
    put_top(o, "busiest", t, links, BY_UTILISATION, n_top);
    put_top(o, "longest_queues", t, links, BY_QUEUE, n_top);
    json_out_end(o, '}');
    free(g);
}
