/* slices: a long path is simulated in slices of time.
 *
 * A path of a network of 10 M flows carries some 600,000 flows, of which a model is told the state
 * at the arrival of a few hundred. Only time slices around those are simulated. What a flow
 * experiences depends on the flows that are active while it lasts, and through them on earlier
 * ones; a flow that has completed acts on solely through what others could not send meanwhile, and
 * what lasts from far away belongs to large flows, which are few. So there is no common warm-up
 * time; every flow has a horizon of its own:
 *
 *     a flow that starts at t takes part in slices that intersect [t − r, t + r],
 *     r = horizon · (bits + mean bits) / rate,   horizon = HORIZON / (1 − load)
 *
 * with the rate that it would have alone and the load of the path's busiest link. In processor
 * sharing at load ρ the mean slowdown is 1 / (1 − ρ) whatever the sizes (Kleinrock, Queueing
 * Systems, volume 2, 1976, chapter 4), and max-min sharing is like it on the link that limits a
 * flow: the horizon is HORIZON times the mean completion time. In front of a slice of no length the
 * expected number of flows within their horizons is 2 · horizon · load per link, some hundred in
 * all, however heavy the tail of sizes.
 *
 * The other flows cannot just be left out: without their load large flows are done too early, and
 * estimates came out 3 to 5 % too low. The load matters, not its division into flows. So bits of
 * flows that use the same links are added up, and whenever the sum reaches MERGE_SHARE of the bits
 * that a flow needs to take part at this distance from a slice, one merged flow of that size
 * starts. Far from slices merged flows are large and few, near them they are small, as flows are.
 * The same after a slice: measured flows that outlast it are large, and what matters to those are
 * flows not much smaller.
 *
 * Which flows are sampled and measured does not depend on the simulation's outcome, so the choice
 * has no bias. A pass costs a constant time per flow of the path. What is left out moves the
 * estimate: by at most 0.57 % in any quantile of twelve mixes, see tests/bench/README.md, "Long
 * paths in time slices", which also has how sensitive that is to the constants. */
#include "features/slices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/wire.h"

/* With half of HORIZON the largest difference of five mixes is 0.94 % instead of 0.33 %; with twice
 * of it 0.24 %, but 61 % of the flows are simulated instead of 41. With a MERGE_SHARE of 1/4 it is
 * 1.9 %; with 1/64 0.25 %, for 59 % of the flows. */
static const double HORIZON = 5, MERGE_SHARE = 1.0 / 16;
/* Keeps the horizon finite where a link is overloaded, at 100 times the time alone. At such loads
 * nearly all flows take part, whatever the bound. */
static const double MAX_LOAD = 0.95;

enum {
    /* Flows that are measured about a probe: with the plan's 128 probes some 16,000, of which a
     * 99th percentile is known to 1 % of ranks by 160 flows. With 32 the largest difference of five
     * mixes is 0.96 % instead of 0.33 %; 512 simulate 81 % of the flows instead of 41. */
    MEASURED_PER_PROBE = 128,
    /* Base round trips in front of a foreground flow: flowfeat describes the load of that time. */
    ROUND_TRIPS_BEFORE = 10
};

/* ---- where slices are ---- */

static int by_begin(const void *a, const void *b) {
    const TimeSlice *x = a, *y = b;
    if (x->begin_ns != y->begin_ns) return x->begin_ns < y->begin_ns ? -1 : 1;
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

/* Sorts n slices and joins those that overlap; returns how many are left. */
static size_t sort_and_join(TimeSlice *s, size_t n) {
    size_t k = 0;
    qsort(s, n, sizeof *s, by_begin);
    for (size_t i = 0; i < n; i++)
        if (k == 0 || s[i].begin_ns > s[k - 1].end_ns) s[k++] = s[i];
        else if (s[i].end_ns > s[k - 1].end_ns) s[k - 1].end_ns = s[i].end_ns;
    return k;
}

void slices_plan(Slices *s, const PathView *path, const FlowFeatPlan *plan, const int64_t *end_ns,
                 Arena *a) {
    enum { HALF = MEASURED_PER_PROBE / 2 };
    const ArrivalSample *sample = &plan->arrivals;
    static const double MAX_NS = 1e17; /* three years; far below where int64 ends */
    int64_t before_ns = (int64_t)ceil(fmin(ROUND_TRIPS_BEFORE * sample->rtt_ns, MAX_NS)),
            after_ns = (int64_t)ceil(fmin(sample->rtt_ns, MAX_NS));
    *s = (Slices){.horizon = HORIZON / (1 - fmin(path->load, MAX_LOAD)),
                  .mean_bits = path->mean_bits};
    s->simulated = ARENA_NEW(a, TimeSlice, 2 * sample->n);
    s->measured = ARENA_NEW(a, TimeSlice, sample->n);
    for (size_t k = 0; k < sample->n; k++) {
        size_t i = sample->flow[k];
        if (plan->role[k] & FLOWFEAT_FOREGROUND)
            s->simulated[s->n_simulated++] =
                (TimeSlice){path_start_ns(path, i) - before_ns, end_ns[k] + after_ns};
        if (plan->role[k] & FLOWFEAT_PROBE) { /* the flows about it are measured */
            size_t first = i > HALF ? i - HALF : 0,
                   last = i + HALF - 1 < path->n ? i + HALF - 1 : path->n - 1;
            s->simulated[s->n_simulated++] = s->measured[s->n_measured++] =
                (TimeSlice){path_start_ns(path, first), path_start_ns(path, last)};
        }
    }
    s->n_simulated = sort_and_join(s->simulated, s->n_simulated);
    s->n_measured = sort_and_join(s->measured, s->n_measured);
}

/* ---- which flows take part ---- */

/* Flows on links s..d−1 of the lot; stands at [s · (n_links + 1) + d]. */
typedef struct SliceGroup {
    double rate;         /* bits/ns of the slowest of the links */
    double waiting_bits; /* of flows that take no part and are in no merged flow yet */
} SliceGroup;

/* The time between two slices in which the pass is: since the end of the one, until the begin of
 * the next, which ends at `over`; infinite where there is none. In ns as doubles, which are exact
 * for 100 days; beyond, what is lost is less than it takes to send a bit. */
typedef struct {
    double since, until, over;
} SliceGap;

static SliceGap gap_of(const SliceWalk *w) {
    const Slices *s = w->slices;
    bool more = w->simulated < s->n_simulated;
    return (SliceGap){.since = w->simulated > 0 ? (double)s->simulated[w->simulated - 1].end_ns
                                                : -INFINITY,
                      .until = more ? (double)s->simulated[w->simulated].begin_ns : INFINITY,
                      .over = more ? (double)s->simulated[w->simulated].end_ns : INFINITY};
}

/* Moves on to start_ns, no earlier than before, and returns the time from there to the nearest
 * slice, before or after; 0 within one. */
static inline double distance_ns(SliceWalk *w, SliceGap *gap, int64_t start_ns) {
    double now = (double)start_ns;
    while (now > gap->over) {
        w->simulated++;
        *gap = gap_of(w);
    }
    double until = gap->until - now, since = now - gap->since,
           nearest = until < since ? until : since;
    return nearest > 0 ? nearest : 0;
}

static void give_room(SlicedFlows *out, size_t capacity) {
    SlicedFlows old = *out;
    out->capacity = capacity < out->most ? capacity : out->most;
    out->flows = ARENA_NEW(out->arena, LotFlow, out->capacity);
    out->index = ARENA_NEW(out->arena, uint32_t, out->capacity);
    out->measured = ARENA_NEW(out->arena, uint8_t, out->capacity);
    if (old.n == 0) return;
    memcpy(out->flows, old.flows, old.n * sizeof *old.flows);
    memcpy(out->index, old.index, old.n * sizeof *old.index);
    memcpy(out->measured, old.measured, old.n * sizeof *old.measured);
}

void slices_flows_init(SlicedFlows *out, size_t most, Arena *a) {
    /* Of paths of 600,000 flows some 90,000 take part, of those of 6 million 230,000. */
    enum { MANY = 1 << 17 };
    *out = (SlicedFlows){.most = most, .arena = a};
    give_room(out, MANY);
}

void slices_walk_init(SliceWalk *w, const Slices *s, const Lot *lot, Arena *a) {
    uint32_t n_nodes = lot->n_links + 1;
    *w = (SliceWalk){.slices = s, .lot = lot};
    w->groups = ARENA_NEW(a, SliceGroup, (size_t)n_nodes * n_nodes);
    for (uint32_t first = 0; first < n_nodes; first++) {
        double least = INFINITY;
        for (uint32_t d = first + 1; d < n_nodes; d++) {
            least = fmin(least, lot->rate_bps[d - 1] * 1e-9);
            w->groups[first * n_nodes + d] = (SliceGroup){.rate = least};
        }
    }
}

bool slices_walk_add(SliceWalk *w, const LotFlow *flows, size_t n, SlicedFlows *out) {
    const Slices *s = w->slices;
    double per_horizon = 1 / s->horizon, mean_bits = s->mean_bits;
    uint32_t n_nodes = w->lot->n_links + 1;
    SliceGap gap = gap_of(w);
    for (size_t i = 0; i < n; i++) {
        const LotFlow *f = &flows[i];
        SliceGroup *g = &w->groups[f->s * n_nodes + f->d];
        double rate = f->cap_bps * 1e-9 < g->rate ? f->cap_bps * 1e-9 : g->rate,
               bits = wire_bits(f->size_b);
        /* The bits of a flow whose horizon just reaches the nearest slice. */
        double least_bits = distance_ns(w, &gap, f->start_ns) * rate * per_horizon - mean_bits;
        bool beyond = bits < least_bits;
        if (beyond && (g->waiting_bits += bits) < MERGE_SHARE * least_bits) continue;
        if (out->n == out->most) return false;
        if (out->n == out->capacity) give_room(out, 2 * out->capacity);
        out->flows[out->n] = *f;
        out->index[out->n] = beyond ? SLICES_MERGED : (uint32_t)(w->n_passed + i);
        while (w->measured < s->n_measured && s->measured[w->measured].end_ns < f->start_ns)
            w->measured++;
        out->measured[out->n] =
            w->measured < s->n_measured && s->measured[w->measured].begin_ns <= f->start_ns;
        if (beyond) {
            out->flows[out->n].size_b = wire_payload_b(g->waiting_bits);
            g->waiting_bits = 0;
        }
        out->n++;
    }
    w->n_passed += n;
    return true;
}
