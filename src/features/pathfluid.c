/* pathfluid: one path through the fluid simulation to the flow model's features.
 *
 *   plan       flowfeat_plan: which arrivals the simulation has to record
 *   choose     all flows of the path; of long paths those that slices.h lets take part
 *   simulate   flowsim: completion times, and the state of the links at the sampled arrivals
 *   describe   flowfeat_build, with sums over all flows of the path whatever was simulated
 *
 * This is where fluid simulation and features meet, which do not know each other.
 *
 * A slice has to contain the whole of a described flow, whose end is known only after simulation.
 * It is guessed; where a flow lasts longer its slice is extended and everything simulated again,
 * until all slices suffice. Every round at least one end moves by half of the flow's completion
 * time, and once half of the flows take part the path is simulated whole, so this ends. */
#include "features/pathfluid.h"

#include <math.h>
#include <string.h>

#include "features/slices.h"
#include "net/wire.h"

/* The first guess of a described flow's completion time, over the time that it takes alone at the
 * slower of its host links. Guessing 5 or 80 moves no estimate: it is a trade of rounds against
 * flows simulated (39 and 46 % instead of 41 %, mean of five mixes of tests/bench/slices.c). */
static const double GUESSED_SLOWDOWN = 20;

/* Flows of a long path that are read at a time: 4 KB, which stay in the first-level cache while
 * sums and slices go over them. Meanwhile the next ones' cache lines arrive (path_read). */
enum { BLOCK = 128 };

void pathfluid_build(FlowFeat *m, const Lot *lot, const LotFlow *flows, size_t n, size_t max_flows,
                     FlowsimStats *stats, Arena *a) {
    FlowFeatPlan plan;
    double *fct_ns = ARENA_NEW(a, double, n);
    float *slowdown = ARENA_NEW(a, float, n);
    flowfeat_plan(&plan, lot, flows, n, max_flows, a);
    flowsim_run_sampled(lot, flows, n, fct_ns, &plan.arrivals, stats, a);
    lot_slowdowns(lot, flows, n, fct_ns, NULL, slowdown);
    flowfeat_build(m, lot, flows, n, fct_ns, slowdown, &plan, NULL, a);
}

/* ---- long paths ---- */

/* After the start of every flow: the traffic room's readers allow starts up to 9e18 ns. A slice
 * that ends there need not be extended. */
static const int64_t LAST_NS = 9100000000000000000;

static int64_t end_after(int64_t start_ns, double by_ns) {
    return by_ns < (double)(LAST_NS - start_ns) ? start_ns + (int64_t)by_ns : LAST_NS;
}

/* Plans which arrivals are recorded; returns a guess of when each of those flows ends. */
static int64_t *plan_ends(FlowFeatPlan *plan, const PathView *path, size_t max_flows, Arena *a) {
    size_t n = path->n_foreground;
    uint64_t *size_b = ARENA_NEW(a, uint64_t, n);
    for (size_t k = 0; k < n; k++)
        size_b[k] = packed_size_b(path->packed, path->range[path->foreground[k]].flow);
    FlowFeatForeground fg = {n, path->foreground, size_b};
    flowfeat_plan_for(plan, &path->lot, path->n, &fg, max_flows, a);

    int64_t *end_ns = ARENA_NEW(a, int64_t, plan->arrivals.n);
    for (size_t k = 0; k < plan->arrivals.n; k++) {
        LotFlow f;
        path_read(path, plan->arrivals.flow[k], 1, &f);
        double rate = fmin(f.cap_bps, path->lot.host_rate_bps) * 1e-9;
        end_ns[k] = end_after(f.start_ns, GUESSED_SLOWDOWN * wire_bits(f.size_b) / rate);
    }
    return end_ns;
}

/* Moves the ends of described flows that lasted longer than assumed, and says whether there were
 * any. plan->arrivals.flow are indices into `flows`. */
static bool extend_ends(int64_t *end_ns, const FlowFeatPlan *plan, const LotFlow *flows,
                        const double *fct_ns) {
    static const double MARGIN = 1.5; /* since more flows take part then, it may last longer */
    bool any = false;
    for (size_t k = 0; k < plan->arrivals.n; k++) {
        size_t i = plan->arrivals.flow[k];
        if (!(plan->role[k] & FLOWFEAT_FOREGROUND) || end_ns[k] == LAST_NS ||
            (double)(end_ns[k] - flows[i].start_ns) >= fct_ns[i])
            continue;
        end_ns[k] = end_after(flows[i].start_ns, ceil(MARGIN * fct_ns[i]));
        any = true;
    }
    return any;
}

/* Reads the path block by block: flows that take part go to `sliced`, all are added to `all` unless
 * that is NULL. Returns false if `sliced` is too small. */
static bool read_sliced(const PathView *path, const Slices *slices, FlowFeatTraffic *all,
                        SlicedFlows *sliced, Arena *a) {
    LotFlow *block = ARENA_NEW(a, LotFlow, BLOCK);
    SliceWalk w;
    slices_walk_init(&w, slices, &path->lot, a);
    sliced->n = 0;
    for (size_t i = 0, n; i < path->n; i += n) {
        n = path->n - i < BLOCK ? path->n - i : BLOCK;
        path_read(path, i, n, block);
        if (all) flowfeat_traffic_add(all, block, n);
        if (!slices_walk_add(&w, block, n, sliced)) return false;
    }
    if (all) flowfeat_traffic_end(all);
    return true;
}

/* Returns how many flows were simulated; 0: more than half would take part, and nothing is built.
 */
static size_t build_sliced(FlowFeat *m, const PathView *path, size_t max_flows, FlowsimStats *stats,
                           Arena *a) {
    FlowFeatPlan plan;
    FlowFeatTraffic all;
    SlicedFlows sliced;
    int64_t *end_ns = plan_ends(&plan, path, max_flows, a);
    flowfeat_traffic_init(&all, &path->lot, path->gaps, a);
    slices_flows_init(&sliced, path->n / 2, a);
    for (bool first = true;; first = false) {
        Slices slices;
        slices_plan(&slices, path, &plan, end_ns, a);
        if (!read_sliced(path, &slices, first ? &all : NULL, &sliced, a)) return 0;

        /* The sampled flows, all of which take part, as indices into the flows that do. */
        uint32_t *flow = ARENA_NEW(a, uint32_t, plan.arrivals.n);
        for (size_t k = 0, j = 0; k < plan.arrivals.n; flow[k++] = (uint32_t)j)
            while (sliced.index[j] != plan.arrivals.flow[k]) j++;
        FlowFeatPlan among = plan;
        among.arrivals.flow = flow;

        double *fct_ns = ARENA_NEW(a, double, sliced.n);
        float *slowdown = ARENA_NEW(a, float, sliced.n);
        flowsim_run_sampled(&path->lot, sliced.flows, sliced.n, fct_ns, &among.arrivals, stats, a);
        if (extend_ends(end_ns, &among, sliced.flows, fct_ns)) continue;

        FlowFeatSample sample = {&all, sliced.measured};
        uint8_t *wanted = memcpy(ARENA_NEW(a, uint8_t, sliced.n), sliced.measured, sliced.n);
        for (size_t k = 0; k < plan.arrivals.n; k++) wanted[flow[k]] = 1;
        lot_slowdowns(&path->lot, sliced.flows, sliced.n, fct_ns, wanted, slowdown);
        flowfeat_build(m, &path->lot, sliced.flows, sliced.n, fct_ns, slowdown, &among, &sample, a);
        return sliced.n;
    }
}

size_t pathfluid_build_path(FlowFeat *m, const PathView *path, const PathFluidOptions *o,
                            FlowsimStats *stats, Arena *a) {
    if (!o->exact && path->n > SLICES_MIN_FLOWS) {
        size_t n = build_sliced(m, path, o->max_flows, stats, a);
        if (n > 0) return n;
    }
    LotFlow *flows = ARENA_NEW(a, LotFlow, path->n);
    path_read(path, 0, path->n, flows);
    pathfluid_build(m, &path->lot, flows, path->n, o->max_flows, stats, a);
    return path->n;
}
