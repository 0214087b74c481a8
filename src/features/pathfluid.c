/* pathmap: joins the fluid engine and the model's features, which don't know each other. */
#include "features/pathfluid.h"

#include <math.h>

#include "features/slices.h"
#include "net/wire.h"

/* Flows of a path on their way through the fluid. */
typedef struct {
    const LotFlow *flows;
    size_t n;
    double *fct_ns;  /* [n] */
    float *slowdown; /* [n] */
} Fluid;

static Fluid simulate(const Lot *lot, const LotFlow *flows, size_t n, const ArrivalSample *watch,
                      FlowsimStats *stats, Arena *a) {
    Fluid f = {flows, n, ARENA_NEW(a, double, n), ARENA_NEW(a, float, n)};
    flowsim_run_sampled(lot, flows, n, f.fct_ns, watch, stats, a);
    lot_slowdowns(lot, flows, n, f.fct_ns, f.slowdown);
    return f;
}

void pathfluid_build(FlowFeat *m, const Lot *lot, const LotFlow *flows, size_t n, size_t max_flows,
                     FlowsimStats *stats, Arena *a) {
    FlowFeatPlan plan;
    flowfeat_plan(&plan, lot, flows, n, max_flows, a);
    Fluid f = simulate(lot, flows, n, &plan.arrivals, stats, a);
    flowfeat_build(m, lot, flows, n, f.fct_ns, f.slowdown, &plan, NULL, a);
}

/* ---- only where somebody looks ---- */

/* A first guess: times what the flow takes alone. */
static const double LIFE = 20;

/* Flows of a path that are read at a time: they stay in the cache while they are looked at from all
 * sides. */
enum { BLOCK = 1024 };

static void plan_outline(FlowFeatPlan *plan, const PathView *path, size_t max_flows, Arena *a) {
    size_t n = path->n_foreground;
    uint64_t *size_b = ARENA_NEW(a, uint64_t, n);
    for (size_t k = 0; k < n; k++)
        size_b[k] = packed_size_b(path->packed, path->range[path->foreground[k]].flow);
    FlowFeatForeground fg = {n, path->foreground, size_b};
    flowfeat_plan_for(plan, &path->lot, path->n, &fg, max_flows, a);
}

static int64_t *guess_ends(const PathView *path, const FlowFeatPlan *plan, Arena *a) {
    int64_t *end_ns = ARENA_NEW(a, int64_t, plan->arrivals.n);
    for (size_t k = 0; k < plan->arrivals.n; k++) {
        LotFlow f;
        path_read(path, plan->arrivals.flow[k], 1, &f);
        double rate = fmin(f.cap_bps, path->lot.host_rate_bps) * 1e-9;
        end_ns[k] = f.start_ns + (int64_t)(LIFE * wire_bits(f.size_b) / rate);
    }
    return end_ns;
}

/* Moves the ends of flows that lasted longer; true: some did. */
static bool extend_ends(int64_t *end_ns, const FlowFeatPlan *plan, const Fluid *f) {
    bool any = false;
    for (size_t k = 0; k < plan->arrivals.n; k++) {
        size_t i = plan->arrivals.flow[k];
        if (!(plan->role[k] & FLOWFEAT_FOREGROUND) ||
            (double)(end_ns[k] - f->flows[i].start_ns) >= f->fct_ns[i])
            continue;
        end_ns[k] = f->flows[i].start_ns + (int64_t)ceil(1.5 * f->fct_ns[i]);
        any = true;
    }
    return any;
}

/* The plan's watch in terms of the flows that are simulated; they contain all that are watched. */
static FlowFeatPlan plan_among(const FlowFeatPlan *plan, const SlicedFlows *among, Arena *a) {
    FlowFeatPlan p = *plan;
    uint32_t *flow = ARENA_NEW(a, uint32_t, plan->arrivals.n);
    for (size_t k = 0, j = 0; k < plan->arrivals.n; flow[k++] = (uint32_t)j)
        while (among->index[j] != plan->arrivals.flow[k]) j++;
    p.arrivals.flow = flow;
    return p;
}

/* Reads the path: what takes part into `out`, sums over all flows into `all` unless it is NULL.
 * False: `out` is full. */
static bool walk(const PathView *path, const Slices *slices, FlowFeatTraffic *all, SlicedFlows *out,
                 Arena *a) {
    LotFlow *flows = ARENA_NEW(a, LotFlow, BLOCK);
    SliceWalk w;
    slicewalk_init(&w, slices, &path->lot, a);
    out->n = 0;
    for (size_t i = 0, n; i < path->n; i += n) {
        n = path->n - i < BLOCK ? path->n - i : BLOCK;
        path_read(path, i, n, flows);
        if (all) flowfeat_traffic_add(all, &path->lot, flows, n);
        if (!slicewalk_add(&w, flows, n, out)) return false;
    }
    return true;
}

static size_t simulate_all(FlowFeat *m, const PathView *path, size_t max_flows, FlowsimStats *stats,
                           Arena *a) {
    LotFlow *flows = ARENA_NEW(a, LotFlow, path->n);
    path_read(path, 0, path->n, flows);
    pathfluid_build(m, &path->lot, flows, path->n, max_flows, stats, a);
    return path->n;
}

size_t pathfluid_build_sliced(FlowFeat *m, const PathView *path, size_t max_flows,
                              FlowsimStats *stats, Arena *a) {
    FlowFeatPlan plan;
    FlowFeatTraffic all;
    SlicedFlows some;
    plan_outline(&plan, path, max_flows, a);
    flowfeat_traffic_init(&all, &path->lot, path->gaps, a);
    slicedflows_init(&some, path->n / 2, a);
    int64_t *end_ns = guess_ends(path, &plan, a);
    for (bool first = true;; first = false) {
        Slices slices;
        slices_plan(&slices, path, &plan, end_ns, a);
        /* Where half of the flows take part, the rest is not worth leaving out: slices are extended
         * and simulated again until they suffice.
         */
        if (!walk(path, &slices, first ? &all : NULL, &some, a))
            return simulate_all(m, path, max_flows, stats, a);
        FlowFeatPlan among = plan_among(&plan, &some, a);
        Fluid f = simulate(&path->lot, some.flows, some.n, &among.arrivals, stats, a);
        if (extend_ends(end_ns, &among, &f)) continue;
        FlowFeatSample sample = {&all, some.counted};
        flowfeat_build(m, &path->lot, f.flows, f.n, f.fct_ns, f.slowdown, &among, &sample, a);
        return some.n;
    }
}
