/* slices: a path of a million flows is simulated only where somebody looks.
 *
 * What a flow meets depends on the flows that are active while it lasts, and through them on what
 * came before. But a flow that is done has no part in the fluid any more than through the backlog
 * of others, and large flows, which carry most of that from far away, are few. So there is no
 * warm-up of so many ns for all; every flow has a horizon of its own:
 *
 *     a flow that starts at t takes part in slices between t − r and t + r,   r = horizon · (bits +
 * mean bits) / rate,
 *
 * with the rate it could send at alone and horizon = HORIZON / (1 − load): in processor sharing at
 * load ρ the mean slowdown is 1/(1 − ρ) whatever the sizes (Kleinrock 1976), and max-min sharing is
 * like it on the link that limits a flow. Before a time slice of no length there are horizon · 2 ·
 * load · links of them, some hundred, however heavy the tail of sizes.
 *
 * The rest must not simply be left out: the large flows would have the links for themselves and be
 * done too early (estimates came out 5 % too low). Its load is what slows them down, not its sizes,
 * so it is lumped together: the bits of flows on the same links are added up, and whenever there
 * are MERGE_SHARE of those of a flow that would take part by itself here, one flow starts for all
 * of them. Far from slices lumps are large and few, near them small, as flows are. After a time
 * slice it is the same: flows that count and outlast it are large, and what matters to them are
 * others not much smaller.
 *
 * Which flows are looked at and which count does not depend on the outcome. How little the estimate
 * moves: bench `slices`. */
#include "features/slices.h"

#include <math.h>
#include <stdlib.h>

#include "net/wire.h"

static const double HORIZON = 5, MERGE_SHARE = 1.0 / 16, MAX_LOAD = 0.95;

enum { RUN = 128 /* flows about a probe that count */, BEFORE_RTTS = 10 };

/* ---- where is looked ---- */

static int by_begin(const void *a, const void *b) {
    const TimeSlice *x = a, *y = b;
    if (x->begin_ns != y->begin_ns) return x->begin_ns < y->begin_ns ? -1 : 1;
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

/* Sorts and merges those that overlap; returns how many are left. */
static size_t merge(TimeSlice *s, size_t n) {
    size_t k = 0;
    qsort(s, n, sizeof *s, by_begin);
    for (size_t i = 0; i < n; i++)
        if (k == 0 || s[i].begin_ns > s[k - 1].end_ns) s[k++] = s[i];
        else if (s[i].end_ns > s[k - 1].end_ns) s[k - 1].end_ns = s[i].end_ns;
    return k;
}

static TimeSlice run_about(const PathView *path, size_t probe) {
    size_t first = probe > RUN / 2 ? probe - RUN / 2 : 0,
           last = probe + RUN / 2 - 1 < path->n ? probe + RUN / 2 - 1 : path->n - 1;
    return (TimeSlice){path_start_ns(path, first), path_start_ns(path, last)};
}

void slices_plan(Slices *s, const PathView *path, const FlowFeatPlan *plan, const int64_t *end_ns,
                 Arena *a) {
    double load = fmin(path->load, MAX_LOAD), rtt_ns = plan->arrivals.rtt_ns;
    int64_t before_ns = (int64_t)ceil(BEFORE_RTTS * rtt_ns), after_ns = (int64_t)ceil(rtt_ns);
    *s = (Slices){.horizon = HORIZON / (1 - load), .mean_bits = path->mean_bits};
    s->looked = ARENA_NEW(a, TimeSlice, 2 * plan->arrivals.n);
    s->counted = ARENA_NEW(a, TimeSlice, plan->arrivals.n);
    for (size_t k = 0; k < plan->arrivals.n; k++) {
        size_t i = plan->arrivals.flow[k];
        if (plan->role[k] & FLOWFEAT_FOREGROUND)
            s->looked[s->n_simulated_slices++] =
                (TimeSlice){path_start_ns(path, i) - before_ns, end_ns[k] + after_ns};
        if (plan->role[k] & FLOWFEAT_PROBE)
            s->looked[s->n_simulated_slices++] = s->counted[s->n_measured_slices++] =
                run_about(path, i);
    }
    s->n_simulated_slices = merge(s->looked, s->n_simulated_slices);
    s->n_measured_slices = merge(s->counted, s->n_measured_slices);
}

/* ---- which flows take part ---- */

/* Flows on links s … d − 1. */
typedef struct SliceGroup {
    double rate;      /* bits/ns of the slowest of the links */
    double left_bits; /* of flows that took no part and are in no lump yet */
} Group;

/* At [s · (n_links + 1) + d]. */
static Group *groups_new(const Lot *lot, Arena *a) {
    uint32_t n_nodes = lot->n_links + 1;
    Group *g = ARENA_NEW(a, Group, (size_t)n_nodes * n_nodes);
    for (uint32_t s = 0; s < n_nodes; s++) {
        double least = INFINITY;
        for (uint32_t d = s + 1; d < n_nodes; d++) {
            least = fmin(least, lot->rate_bps[d - 1] * 1e-9);
            g[s * n_nodes + d] = (Group){.rate = least};
        }
    }
    return g;
}

/* Between which slices the walk is: since the end of one until the begin of the next, and when that
 * is over. ns; a double is exact for 100 days, and what differs then is where a time slice ends by
 * less than it takes to send a bit. */
typedef struct {
    double since, until, over;
} Place;

static Place place_of(const SliceWalk *w) {
    const Slices *s = w->slices;
    bool more = w->looked < s->n_simulated_slices;
    return (Place){.since = w->looked > 0 ? (double)s->looked[w->looked - 1].end_ns : -INFINITY,
                   .until = more ? (double)s->looked[w->looked].begin_ns : INFINITY,
                   .over = more ? (double)s->looked[w->looked].end_ns : INFINITY};
}

/* Returns the time to the nearest time slice, before or after; 0 in one. Starts ascend. */
static inline double distance_ns(SliceWalk *w, Place *p, int64_t start_ns) {
    double now = (double)start_ns;
    while (now > p->over) {
        w->looked++;
        *p = place_of(w);
    }
    double until = p->until - now, since = now - p->since, nearest = until < since ? until : since;
    return nearest > 0 ? nearest : 0;
}

static bool counts(SliceWalk *w, int64_t start_ns) {
    const Slices *s = w->slices;
    while (w->counted < s->n_measured_slices && s->counted[w->counted].end_ns < start_ns)
        w->counted++;
    return w->counted < s->n_measured_slices && s->counted[w->counted].begin_ns <= start_ns;
}

void slicedflows_init(SlicedFlows *out, size_t room, Arena *a) {
    *out = (SlicedFlows){.capacity = room};
    out->flows = ARENA_NEW(a, LotFlow, room);
    out->index = ARENA_NEW(a, uint32_t, room);
    out->counted = ARENA_NEW(a, uint8_t, room);
}

void slicewalk_init(SliceWalk *w, const Slices *s, const Lot *lot, Arena *a) {
    *w = (SliceWalk){.slices = s, .lot = lot, .groups = groups_new(lot, a)};
}

bool slicewalk_add(SliceWalk *w, const LotFlow *flows, size_t n, SlicedFlows *out) {
    double per_horizon = 1 / w->slices->horizon, mean_bits = w->slices->mean_bits;
    uint32_t n_nodes = w->lot->n_links + 1;
    Place place = place_of(w);
    for (size_t i = 0; i < n; i++) {
        const LotFlow *f = &flows[i];
        Group *g = &w->groups[f->s * n_nodes + f->d];
        double rate = f->cap_bps * 1e-9 < g->rate ? f->cap_bps * 1e-9 : g->rate,
               bits = wire_bits(f->size_b);
        double least_bits = distance_ns(w, &place, f->start_ns) * rate * per_horizon - mean_bits;
        bool lump = bits < least_bits;
        if (lump && (g->left_bits += bits) < MERGE_SHARE * least_bits) continue;
        if (out->n == out->capacity) return false;
        out->flows[out->n] = *f;
        out->index[out->n] = lump ? SLICES_MERGED : (uint32_t)(w->n_passed + i);
        out->counted[out->n] = counts(w, f->start_ns);
        if (lump) {
            out->flows[out->n].size_b = wire_payload_b(g->left_bits);
            g->left_bits = 0;
        }
        out->n++;
    }
    w->n_passed += n;
    return true;
}
