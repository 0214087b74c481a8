/* pathmap: joins the fluid engine and the model's features, which don't know each other. */
#include "features/pathfluid.h"

#include <math.h>

#include "features/slices.h"

/* Flows of a path on their way through the fluid. */
typedef struct {
    const LotFlow *flows;
    size_t n;
    double *fct_ns;  /* [n] */
    float *slowdown; /* [n] */
} Fluid;

static Fluid simulate(const Lot *lot, const LotFlow *flows, size_t n, const LotWatch *watch, FlowsimStats *stats, Arena *a) {
    Fluid f = {flows, n, ARENA_NEW(a, double, n), ARENA_NEW(a, float, n)};
    flowsim_watch(lot, flows, n, f.fct_ns, watch, stats, a);
    flowsim_slowdowns(lot, flows, n, f.fct_ns, f.slowdown);
    return f;
}

void pathmap_make(FlowMap *m, const Lot *lot, const LotFlow *flows, size_t n, size_t max_flows, FlowsimStats *stats, Arena *a) {
    FlowmapPlan plan;
    flowmap_plan(&plan, lot, flows, n, max_flows, a);
    Fluid f = simulate(lot, flows, n, &plan.watch, stats, a);
    flowmap_build(m, lot, flows, n, f.fct_ns, f.slowdown, &plan, NULL, a);
}

/* ---- only where somebody looks ---- */

/* A first guess: times what the flow takes alone. */
static const double LIFE = 20;

/* Flows of a path that are read at a time: they stay in the cache while they are looked at from all sides. */
enum { BLOCK = 1024 };

static void plan_outline(FlowmapPlan *plan, const PathOutline *path, size_t max_flows, Arena *a) {
    size_t n = path->n_foreground;
    uint64_t *size_b = ARENA_NEW(a, uint64_t, n);
    for (size_t k = 0; k < n; k++) size_b[k] = briefs_size_b(path->briefs, path->stretch[path->foreground[k]].flow);
    FlowmapForeground fg = {n, path->foreground, size_b};
    flowmap_plan_for(plan, &path->lot, path->n, &fg, max_flows, a);
}

static int64_t *guess_ends(const PathOutline *path, const FlowmapPlan *plan, Arena *a) {
    int64_t *end_ns = ARENA_NEW(a, int64_t, plan->watch.n);
    for (size_t k = 0; k < plan->watch.n; k++) {
        LotFlow f;
        path_read(path, plan->watch.flow[k], 1, &f);
        double rate = fmin(f.cap_bps, path->lot.host_rate_bps) * 1e-9;
        end_ns[k] = f.start_ns + (int64_t)(LIFE * flowsim_bits(f.size_b) / rate);
    }
    return end_ns;
}

/* Moves the ends of flows that lasted longer; true: some did. */
static bool extend_ends(int64_t *end_ns, const FlowmapPlan *plan, const Fluid *f) {
    bool any = false;
    for (size_t k = 0; k < plan->watch.n; k++) {
        size_t i = plan->watch.flow[k];
        if (!(plan->role[k] & FLOWMAP_FOREGROUND) || (double)(end_ns[k] - f->flows[i].start_ns) >= f->fct_ns[i]) continue;
        end_ns[k] = f->flows[i].start_ns + (int64_t)ceil(1.5 * f->fct_ns[i]);
        any = true;
    }
    return any;
}

/* The plan's watch in terms of the flows that are simulated; they contain all that are watched. */
static FlowmapPlan plan_among(const FlowmapPlan *plan, const SpellFlows *among, Arena *a) {
    FlowmapPlan p = *plan;
    uint32_t *flow = ARENA_NEW(a, uint32_t, plan->watch.n);
    for (size_t k = 0, j = 0; k < plan->watch.n; flow[k++] = (uint32_t)j)
        while (among->index[j] != plan->watch.flow[k]) j++;
    p.watch.flow = flow;
    return p;
}

/* Reads the path: what takes part into `out`, sums over all flows into `all` unless it is NULL. False: `out` is full. */
static bool walk(const PathOutline *path, const Spells *spells, FlowmapTraffic *all, SpellFlows *out, Arena *a) {
    LotFlow *flows = ARENA_NEW(a, LotFlow, BLOCK);
    SpellWalk w;
    spells_begin(&w, spells, &path->lot, a);
    out->n = 0;
    for (size_t i = 0, n; i < path->n; i += n) {
        n = path->n - i < BLOCK ? path->n - i : BLOCK;
        path_read(path, i, n, flows);
        if (all) flowmap_traffic_add(all, &path->lot, flows, n);
        if (!spells_take(&w, flows, n, out)) return false;
    }
    return true;
}

static size_t simulate_all(FlowMap *m, const PathOutline *path, size_t max_flows, FlowsimStats *stats, Arena *a) {
    LotFlow *flows = ARENA_NEW(a, LotFlow, path->n);
    path_read(path, 0, path->n, flows);
    pathmap_make(m, &path->lot, flows, path->n, max_flows, stats, a);
    return path->n;
}

size_t pathmap_sample(FlowMap *m, const PathOutline *path, size_t max_flows, FlowsimStats *stats, Arena *a) {
    FlowmapPlan plan;
    FlowmapTraffic all;
    SpellFlows some;
    plan_outline(&plan, path, max_flows, a);
    flowmap_traffic_init(&all, &path->lot, path->gaps, a);
    spells_room(&some, path->n / 2, a);
    int64_t *end_ns = guess_ends(path, &plan, a);
    for (bool first = true;; first = false) {
        Spells spells;
        spells_make(&spells, path, &plan, end_ns, a);
        /* Where half of the flows take part, the rest is not worth leaving out: spells are extended and simulated again until they suffice.
         */
        if (!walk(path, &spells, first ? &all : NULL, &some, a)) return simulate_all(m, path, max_flows, stats, a);
        FlowmapPlan among = plan_among(&plan, &some, a);
        Fluid f = simulate(&path->lot, some.flows, some.n, &among.watch, stats, a);
        if (extend_ends(end_ns, &among, &f)) continue;
        FlowmapSample sample = {&all, some.counted};
        flowmap_build(m, &path->lot, f.flows, f.n, f.fct_ns, f.slowdown, &among, &sample, a);
        return some.n;
    }
}
