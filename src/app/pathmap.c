/* pathmap: joins the fluid engine and the model's features, which don't know each other. */
#include "app/pathmap.h"

#include <math.h>

#include "app/spells.h"

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

static int64_t *guess_ends(const Lot *lot, const LotFlow *flows, const FlowmapPlan *plan, Arena *a) {
    int64_t *end_ns = ARENA_NEW(a, int64_t, plan->watch.n);
    for (size_t k = 0; k < plan->watch.n; k++) {
        const LotFlow *f = &flows[plan->watch.flow[k]];
        double rate = fmin(f->cap_bps, lot->host_rate_bps) * 1e-9;
        end_ns[k] = f->start_ns + (int64_t)(LIFE * flowsim_bits(f->size_b) / rate);
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

size_t pathmap_sample(FlowMap *m, const Lot *lot, const LotFlow *flows, size_t n, size_t max_flows, FlowsimStats *stats, Arena *a) {
    FlowmapPlan plan;
    FlowmapTraffic all;
    flowmap_plan(&plan, lot, flows, n, max_flows, a);
    flowmap_traffic_init(&all, lot, a);
    flowmap_traffic_add(&all, lot, flows, n);
    int64_t *end_ns = guess_ends(lot, flows, &plan, a);
    SpellFlows some = {.flows = ARENA_NEW(a, LotFlow, n), .index = ARENA_NEW(a, uint32_t, n), .counted = ARENA_NEW(a, uint8_t, n)};
    for (;;) {
        Spells spells;
        spells_make(&spells, lot, flows, n, &plan, end_ns, &all, a);
        spells_take(&spells, lot, flows, n, &some);
        if (some.n > n / 2) { /* not worth it: spells are extended and simulated again until they suffice */
            pathmap_make(m, lot, flows, n, max_flows, stats, a);
            return n;
        }
        FlowmapPlan among = plan_among(&plan, &some, a);
        Fluid f = simulate(lot, some.flows, some.n, &among.watch, stats, a);
        if (extend_ends(end_ns, &among, &f)) continue;
        FlowmapSample sample = {&all, some.counted};
        flowmap_build(m, lot, f.flows, f.n, f.fct_ns, f.slowdown, &among, &sample, a);
        return some.n;
    }
}
