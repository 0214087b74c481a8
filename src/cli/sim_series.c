/* sim_series: which links make a row, and the rows as CSV.
 *
 * A group is named after the ends of any of its links: their tiers, or their ids. Groups are in the
 * order asked for, tiers in the order in which a packet meets them, up and then down. Links join
 * nodes of the same or of neighbouring tiers, since a tier counts hops to the nearest host.
 *
 * Columns: the interval; the group; its number of links; share of their capacity in use; payload
 * that was sent, bit/s; mean and largest data queue; packets marked and dropped; share of time and
 * links under a PFC pause. */
#include "cli/sim_series.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/link_arg.h"
#include "net/tiers.h"

static const char option[] = "--series-ports";

/* ---- names ---- */

typedef struct {
    char s[48]; /* room for two ids of 64 bits */
} GroupName;

static GroupName tiers_group(const SimSeries *t, int from, int to) {
    GroupName n;
    int len = tiers_name(t->tier_names, from, n.s, sizeof n.s);
    n.s[len++] = '-';
    tiers_name(t->tier_names, to, n.s + len, sizeof n.s - (size_t)len);
    return n;
}

static GroupName group_name(const SimSeries *t, const SimSeriesGroup *g) {
    const Link *l = &t->topo->links[g->first_link];
    if (g->of_tiers) return tiers_group(t, t->topo->tier[l->from], t->topo->tier[l->to]);
    GroupName n;
    snprintf(n.s, sizeof n.s, "%llu-%llu", (unsigned long long)t->topo->node_id[l->from],
             (unsigned long long)t->topo->node_id[l->to]);
    return n;
}

/* ---- groups ---- */

static void add_link(SimSeries *t, uint32_t link) {
    MEM_GROW(t->link, t->cap_link, t->n_link + 1);
    t->link[t->n_link++] = link;
}

/* Makes a group of the links added since the last one, if there are any and it isn't there yet. */
static void end_group(SimSeries *t, bool of_tiers) {
    uint32_t n = t->spec.n_groups, first = t->start[n];
    uint8_t bit = of_tiers ? 2 : 1;
    if (t->n_link == first) return;
    if (t->taken[t->link[first]] & bit) {
        t->n_link = first;
        return;
    }
    t->taken[t->link[first]] |= bit;
    MEM_GROW(t->groups, t->cap_groups, n + 1);
    MEM_GROW(t->start, t->cap_start, n + 2);
    t->groups[n] = (SimSeriesGroup){of_tiers, t->link[first]};
    t->start[n + 1] = (uint32_t)t->n_link;
    t->spec.n_groups = n + 1;
}

static void add_tiers(SimSeries *t, int from, int to) {
    const Topo *topo = t->topo;
    for (uint32_t l = 0; l < topo->n_links; l++)
        if (topo->tier[topo->links[l].from] == from && topo->tier[topo->links[l].to] == to)
            add_link(t, l);
    end_group(t, true);
}

static void add_nodes(SimSeries *t, uint32_t from, uint32_t to) {
    const Topo *topo = t->topo;
    for (uint32_t i = topo->out_start[from]; i < topo->out_start[from + 1]; i++)
        if (topo->links[topo->out_link[i]].to == to) add_link(t, topo->out_link[i]);
    end_group(t, false);
}

static void add_all_tiers(SimSeries *t) {
    int top = topo_top_tier(t->topo);
    for (int k = 0; k <= top; k++) {
        add_tiers(t, k, k);
        add_tiers(t, k, k + 1);
    }
    for (int k = top; k > 0; k--) add_tiers(t, k, k - 1);
}

/* By ascending ids; links out of a node are in descending order of the other end. */
static void add_all_nodes(SimSeries *t) {
    const Topo *topo = t->topo;
    for (uint32_t v = 0; v < topo->n_nodes; v++)
        for (uint32_t i = topo->out_start[v + 1]; i-- > topo->out_start[v];)
            add_nodes(t, v, topo->links[topo->out_link[i]].to);
}

/* ---- what is asked for ---- */

/* Says what there is: the first n of `list`, which has room for two more and a NULL. */
static int refuse(const char *name, const char **list, uint32_t n, Err *err) {
    char known[160] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < n && len + strlen(list[i]) + 8 < sizeof known; i++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s, ", list[i]);
    list[n] = "tiers";
    list[n + 1] = "all";
    return err_input(err, "%s: expected tiers, all, %sor FROM-TO (two node ids), got '%.40s'%s",
                     option, known, name, cli_suggest(name, list, "", "").s);
}

/* Adds the group of tiers of that name, or fails with the nearest name there is. */
static int add_named_tiers(SimSeries *t, const char *name, Err *err) {
    SimSeries all = {.topo = t->topo, .tier_names = t->tier_names};
    all.start = MEM_ZNEW(uint32_t, all.cap_start = 1);
    all.taken = MEM_ZNEW(uint8_t, t->topo->n_links);
    add_all_tiers(&all);
    uint32_t n = all.spec.n_groups;
    GroupName *names = MEM_NEW(GroupName, n);
    const char **list = MEM_ZNEW(const char *, n + 3);
    int rc = -1;
    for (uint32_t g = 0; g < n && rc != 0; g++) {
        names[g] = group_name(&all, &all.groups[g]);
        list[g] = names[g].s;
        if (strcmp(name, list[g]) != 0) continue;
        const Link *l = &t->topo->links[all.groups[g].first_link];
        add_tiers(t, t->topo->tier[l->from], t->topo->tier[l->to]);
        rc = 0;
    }
    if (rc != 0) refuse(name, list, n, err);
    free(list);
    free(names);
    sim_series_free(&all);
    return rc;
}

static int add_item(SimSeries *t, const char *item, Err *err) {
    uint32_t from, to;
    if (strcmp(item, "tiers") == 0) add_all_tiers(t);
    else if (strcmp(item, "all") == 0) add_all_nodes(t);
    else if (!isdigit((unsigned char)*item)) return add_named_tiers(t, item, err);
    else if (link_arg_find(t->topo, item, option, &from, &to, err) != 0) return -1;
    else add_nodes(t, from, to);
    return 0;
}

static int add_list(SimSeries *t, const char *ports, Err *err) {
    char *text = mem_strdup(ports);
    int rc = 0;
    for (char *item = text, *next; item && rc == 0; item = next) {
        next = strchr(item, ',');
        if (next) *next++ = 0;
        rc = add_item(t, item, err);
    }
    free(text);
    return rc;
}

/* ---- rows ---- */

static void write_row(void *series, const SeriesRow *r) {
    const SimSeries *t = series;
    fprintf(t->f, "%s,", json_number_text(r->start_ns).s);
    fprintf(t->f, "%s,%s,%u,", json_number_text(r->end_ns).s, group_name(t, &t->groups[r->group]).s,
            r->n_links);
    fprintf(t->f, "%s,", json_number_text(r->utilisation).s);
    fprintf(t->f, "%s,", json_number_text(r->goodput_bps).s);
    fprintf(t->f, "%s,%llu,%llu,%llu,", json_number_text(r->queue_mean_b).s,
            (unsigned long long)r->queue_max_b, (unsigned long long)r->n_marked,
            (unsigned long long)r->n_dropped);
    fprintf(t->f, "%s\n", json_number_text(r->paused_share).s);
}

int sim_series_init(SimSeries *t, FILE *f, double interval_ns, const Topo *topo, const char *ports,
                    Err *err) {
    *t = (SimSeries){.f = f, .topo = topo, .tier_names = tiers_names(topo)};
    t->start = MEM_ZNEW(uint32_t, t->cap_start = 1);
    t->taken = MEM_ZNEW(uint8_t, topo->n_links);
    if (add_list(t, ports, err) != 0) return -1;
    t->spec.interval_ns = interval_ns;
    t->spec.start = t->start;
    t->spec.link = t->link;
    t->spec.row = write_row;
    t->spec.ctx = t;
    fputs("start_ns,end_ns,port,links,utilisation,goodput_bps,queue_mean_b,queue_max_b,marked,"
          "dropped,paused_share\n",
          f);
    return 0;
}

void sim_series_free(SimSeries *t) {
    free(t->groups);
    free(t->start);
    free(t->link);
    free(t->taken);
    *t = (SimSeries){0};
}
