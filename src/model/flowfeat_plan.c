/* flowfeat_plan: which of a path's flows the fluid simulation samples.
 *
 * Foreground flows are described to the model, all of a size bucket or an even sample of them; the
 * buckets share the most that may be described, what a small bucket leaves going to the larger
 * ones. Probes, flows of any kind, are there to measure the state of links. Both are spread evenly
 * over the flows in order of start, without random numbers: a path's plan depends on its flows
 * alone. One walk over both lists of indices writes the plan in order of start. */
#include "model/flowfeat_plan.h"

#include "traffic/sizebucket.h"

/* Flows whose arrivals describe each link's states: with 128 the 99th percentile of a queue is
 * between its two largest values, and the walk over active flows that each costs is some 5 % of a
 * path's simulation. Chosen; a checkpoint is trained with it, so a change needs a new one. */
enum { N_PROBES = 128 };

/* The largest number of flows that may be sampled of each bucket so that together they are at most
 * `max`. */
static size_t fair_limit(const uint32_t count[SIZEBUCKET_N], size_t max) {
    size_t limit = 0, left = max;
    for (size_t open = SIZEBUCKET_N, share; (share = open ? left / open : 0) > 0; limit += share) {
        open = 0;
        for (int b = 0; b < SIZEBUCKET_N; b++) {
            size_t more = count[b] > limit ? count[b] - limit : 0;
            left -= more < share ? more : share;
            open += more > share;
        }
    }
    return limit;
}

/* `keep` of `count` flows, evenly spread: every time that a sum of `keep` reaches `count`. */
typedef struct {
    size_t keep, count, sum;
} EvenSample;

static bool takes(EvenSample *e) {
    if (e->keep >= e->count) return true;
    e->sum += e->keep;
    if (e->sum < e->count) return false;
    e->sum -= e->count;
    return true;
}

/* The place of the k-th of the flows kept, k < keep. */
static size_t place_of(const EvenSample *e, size_t k) {
    return e->keep >= e->count ? k : ((k + 1) * e->count - 1) / e->keep;
}

static void sample_flow(FlowFeatPlan *plan, uint32_t *flow, size_t i, int role) {
    if (role == 0) return;
    plan->n_probes += role & FLOWFEAT_PROBE ? 1 : 0;
    plan->n_foreground += role & FLOWFEAT_FOREGROUND ? 1 : 0;
    plan->role[plan->arrivals.n] = (uint8_t)role;
    flow[plan->arrivals.n++] = (uint32_t)i;
}

void flowfeat_plan_for(FlowFeatPlan *plan, const Lot *lot, size_t n, const FlowFeatForeground *fg,
                       size_t max_flows, Arena *a) {
    *plan = (FlowFeatPlan){0};
    for (size_t k = 0; k < fg->n; k++) plan->bucket_count[sizebucket_of(fg->size_b[k])]++;
    size_t limit = fair_limit(plan->bucket_count, max_flows),
           most = SIZEBUCKET_N * limit + N_PROBES, capacity = most < n ? most : n;
    EvenSample probes = {.keep = n < N_PROBES ? n : N_PROBES, .count = n}, foreground[SIZEBUCKET_N];
    for (int b = 0; b < SIZEBUCKET_N; b++)
        foreground[b] = (EvenSample){.keep = limit, .count = plan->bucket_count[b]};
    uint32_t *flow = ARENA_NEW(a, uint32_t, capacity);
    plan->role = ARENA_NEW(a, uint8_t, capacity);
    for (size_t p = 0, k = 0; p < probes.keep || k < fg->n;) {
        size_t probe = p < probes.keep ? place_of(&probes, p) : n,
               next = k < fg->n ? fg->flow[k] : n, i = probe < next ? probe : next;
        int role = probe == i ? FLOWFEAT_PROBE : 0;
        if (next == i && takes(&foreground[sizebucket_of(fg->size_b[k])]))
            role |= FLOWFEAT_FOREGROUND;
        p += probe == i;
        k += next == i;
        sample_flow(plan, flow, i, role);
    }
    plan->arrivals.flow = flow;
    plan->arrivals.rtt_ns = lot_rtt_ns(lot);
    plan->arrivals.state = ARENA_NEW(a, LinkState, plan->arrivals.n * lot->n_links);
}

void flowfeat_plan(FlowFeatPlan *plan, const Lot *lot, const LotFlow *flows, size_t n,
                   size_t max_flows, Arena *a) {
    uint32_t *flow = ARENA_NEW(a, uint32_t, n);
    uint64_t *size_b = ARENA_NEW(a, uint64_t, n);
    FlowFeatForeground fg = {.flow = flow, .size_b = size_b};
    for (size_t i = 0; i < n; i++) {
        if (!lot_is_foreground(lot->n_links, flows[i].s, flows[i].d)) continue;
        flow[fg.n] = (uint32_t)i;
        size_b[fg.n++] = flows[i].size_b;
    }
    flowfeat_plan_for(plan, lot, n, &fg, max_flows, a);
}
