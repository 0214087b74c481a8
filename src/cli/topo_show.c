/* topo_show: describes a topology to people and programs.
 *
 * Everything is measured on the graph, whatever format it came from; the line about a Clos appears
 * only if the graph is exactly one. */
#include "cli/topo_show.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "net/clos.h"
#include "net/deadlock.h"
#include "net/route.h"
#include "net/topo.h"
#include "net/topo_dot.h"
#include "net/topo_load.h"

/* Cables that join the same tiers at the same rate and delay. */
typedef struct {
    int lo, hi; /* tiers */
    double rate_bps, delay_ns;
    uint32_t n;
} CableClass;

static int by_class(const void *a, const void *b) {
    const CableClass *x = a, *y = b;
    if (x->lo != y->lo) return x->lo - y->lo;
    if (x->hi != y->hi) return x->hi - y->hi;
    if (x->rate_bps != y->rate_bps) return x->rate_bps < y->rate_bps ? -1 : 1;
    return (x->delay_ns > y->delay_ns) - (x->delay_ns < y->delay_ns);
}

/* Returns the classes in ascending order; caller frees. */
static CableClass *classify(const Topo *t, uint32_t *n_classes) {
    uint32_t n_cables = t->n_links / 2, n = 0;
    CableClass *c = MEM_NEW(CableClass, n_cables);
    for (uint32_t k = 0; k < n_cables; k++) {
        const Link *l = &t->links[2 * k];
        int a = t->tier[l->from], b = t->tier[l->to];
        c[k] = (CableClass){a < b ? a : b, a < b ? b : a, l->rate_bps, l->delay_ns, 1};
    }
    qsort(c, n_cables, sizeof *c, by_class);
    for (uint32_t k = 0; k < n_cables; k++) {
        if (n > 0 && by_class(&c[n - 1], &c[k]) == 0) c[n - 1].n++;
        else c[n++] = c[k];
    }
    *n_classes = n;
    return c;
}

/* Number of cables beyond the first between the same two nodes. */
static uint32_t count_parallel(const Topo *t) {
    uint32_t n = 0;
    for (uint32_t v = 0; v < t->n_nodes; v++)
        for (uint32_t i = t->out_start[v] + 1; i < t->out_start[v + 1]; i++)
            n += t->links[t->out_link[i]].to == t->links[t->out_link[i - 1]].to;
    return n / 2;
}

static uint32_t count_tier(const Topo *t, int tier) {
    uint32_t n = 0;
    for (uint32_t v = 0; v < t->n_nodes; v++) n += t->tier[v] == tier;
    return n;
}

static const char *tier_name(int tier, char text[16]) {
    snprintf(text, 16, tier == 0 ? "host" : "tier %d", tier);
    return text;
}

static const char *plural(uint32_t n, const char *one, const char *more) {
    return n == 1 ? one : more;
}

typedef struct {
    const Topo *topo;
    uint32_t max_links, n_parallel, n_classes;
    CableClass *classes;
    bool is_clos;
    Clos clos;
    Deadlock deadlock;
} TopoDescription;

static void print_deadlock(FILE *f, const TopoDescription *d) {
    char *cycle = deadlock_text(&d->deadlock, d->topo);
    if (d->deadlock.kind == DEADLOCK_CYCLE)
        fprintf(f, "  PFC             could deadlock: %u links can wait for each other: %s\n",
                d->deadlock.n, cycle);
    else if (d->deadlock.kind == DEADLOCK_UNKNOWN)
        fputs("  PFC             not checked for deadlocks: the network is too large\n", f);
    free(cycle);
}

static void print_text(FILE *f, const TopoDescription *d) {
    const Topo *t = d->topo;
    char a[16], b[16];
    fprintf(f, "%s\n", t->name);
    if (d->is_clos)
        fprintf(f,
                "  Clos            %u pods × %u racks × %u hosts, %u fabric switches a pod, %u "
                "spines a plane\n",
                d->clos.pods, d->clos.racks_per_pod, d->clos.hosts_per_rack, d->clos.fabs_per_pod,
                d->clos.spines_per_plane);
    uint32_t n_switches = t->n_nodes - t->n_hosts;
    fprintf(f, "  nodes           %s hosts, %s %s\n", units_count(t->n_hosts).s,
            units_count(n_switches).s, plural(n_switches, "switch", "switches"));
    fprintf(f, "  racks           %s in %s %s\n", units_count(t->n_racks).s,
            units_count(t->n_pods).s, plural(t->n_pods, "pod", "pods"));
    fprintf(f, "  cables          %s", units_count(t->n_links / 2).s);
    if (d->n_parallel > 0) fprintf(f, ", %s of them beside another", units_count(d->n_parallel).s);
    fputc('\n', f);
    for (uint32_t i = 0; i < d->n_classes; i++) {
        const CableClass *c = &d->classes[i];
        fprintf(f, "    %-6s – %-6s %8s × %s, %s\n", tier_name(c->lo, a), tier_name(c->hi, b),
                units_count(c->n).s, units_rate(c->rate_bps).s, units_time(c->delay_ns).s);
    }
    for (int tier = 1, top = topo_top_tier(t); tier <= top; tier++) {
        double ratio = topo_oversubscription(t, tier);
        uint32_t n = count_tier(t, tier);
        fprintf(f, "  tier %d          %s %s", tier, units_count(n).s,
                plural(n, "switch", "switches"));
        if (ratio > 0) fprintf(f, ", oversubscribed %.4g:1", ratio);
        fputc('\n', f);
    }
    fprintf(f, "  longest path    %u links\n", d->max_links);
    print_deadlock(f, d);
}

static void print_classes(JsonOut *o, const TopoDescription *d) {
    json_put_array(o, "links");
    for (uint32_t i = 0; i < d->n_classes; i++) {
        const CableClass *c = &d->classes[i];
        json_out_object(o);
        json_put_count(o, "tier_a", (uint32_t)c->lo);
        json_put_count(o, "tier_b", (uint32_t)c->hi);
        json_put_count(o, "cables", c->n);
        json_put_number(o, "rate_bps", c->rate_bps);
        json_put_number(o, "delay_ns", c->delay_ns);
        json_out_end(o, '}');
    }
    json_out_end(o, ']');
}

static void print_tiers(JsonOut *o, const Topo *t) {
    json_put_array(o, "tiers");
    for (int tier = 1, top = topo_top_tier(t); tier <= top; tier++) {
        double ratio = topo_oversubscription(t, tier);
        json_out_object(o);
        json_put_count(o, "tier", (uint32_t)tier);
        json_put_count(o, "switches", count_tier(t, tier));
        if (ratio > 0) json_put_number(o, "oversubscription", ratio);
        else json_put_null(o, "oversubscription");
        json_out_end(o, '}');
    }
    json_out_end(o, ']');
}

/* The ids of the nodes of the cycle; null: there is none, or the search would take too long. */
static void put_cycle(JsonOut *o, const TopoDescription *d) {
    const Deadlock *c = &d->deadlock;
    json_put_bool(o, "pfc_checked", c->kind != DEADLOCK_UNKNOWN);
    if (c->kind != DEADLOCK_CYCLE) {
        json_put_null(o, "pfc_cycle");
        return;
    }
    json_put_array_compact(o, "pfc_cycle");
    for (uint32_t i = 0; i < c->n; i++)
        json_out_count(o, d->topo->node_id[d->topo->links[c->links[i]].from]);
    json_out_end(o, ']');
}

static void print_json(FILE *f, const TopoDescription *d) {
    const Topo *t = d->topo;
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    json_put_string(&o, "topo", t->name);
    json_put_count(&o, "hosts", t->n_hosts);
    json_put_count(&o, "switches", t->n_nodes - t->n_hosts);
    json_put_count(&o, "racks", t->n_racks);
    json_put_count(&o, "pods", t->n_pods);
    json_put_count(&o, "cables", t->n_links / 2);
    json_put_count(&o, "parallel_cables", d->n_parallel);
    json_put_count(&o, "longest_path_links", d->max_links);
    print_classes(&o, d);
    print_tiers(&o, t);
    put_cycle(&o, d);
    json_out_end(&o, '}');
    json_out_finish(&o);
}

static int describe(const Topo *t, TopoShowAs as, FileOut *out, Err *err) {
    Route *r = route_new(t, err);
    if (!r) return -1;
    TopoDescription d = {.topo = t,
                         .max_links = route_max_links(r),
                         .n_parallel = count_parallel(t),
                         .deadlock = deadlock_find(r)};
    d.is_clos = clos_match(&d.clos, t);
    d.classes = classify(t, &d.n_classes);
    (as == TOPO_SHOW_JSON ? print_json : print_text)(out->f, &d);
    free(d.classes);
    deadlock_free(&d.deadlock);
    route_destroy(r);
    return 0;
}

int topo_show_load(Topo *t, const char *path, const TopoLoadOptions *o, uint64_t seed, Err *err) {
    Topo whole;
    Faults all = {0};
    FaultsInfo info;
    if (topo_load(&whole, path, o, err) != 0) return -1;
    faults_add_all(&all, whole.faults);
    faults_add_all(&all, &o->faults);
    size_t n_events = faults_count(&all, FAULT_EVENT);
    if (n_events > 0)
        log_note(o->log, "events: the network is taken as it is before the first of them");
    if (all.n == n_events) {
        faults_free(&all);
        *t = whole;
        return 0;
    }
    int rc = faults_apply(t, &whole, &all, seed, &info, err);
    if (rc == 0) faults_remark(&info, &whole, o->log);
    faults_free(&all);
    topo_free(&whole);
    return rc;
}

int topo_show(const char *path, const TopoLoadOptions *o, uint64_t seed, TopoShowAs as,
              const char *out_path, Err *err) {
    Topo t;
    FileOut out;
    if (topo_show_load(&t, path, o, seed, err) != 0) return -1;
    int rc = file_out_open(&out, out_path ? out_path : "-", err);
    if (rc == 0) {
        if (as == TOPO_SHOW_DOT) topo_dot(out.f, &t);
        else rc = describe(&t, as, &out, err);
        if (rc == 0) rc = file_out_commit(&out, err);
        else file_out_abort(&out);
    }
    topo_free(&t);
    return rc;
}
