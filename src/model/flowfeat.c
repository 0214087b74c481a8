/* flowfeat: features of a path's foreground flows, for the flow model.
 *
 * What a packet network has and a fluid one lacks are queues. Senders start at line rate and may
 * have a window in flight, so a shared link holds what its senders have put on the wire and it has
 * not served. For a small flow that backlog at its arrival is nearly the whole slowdown; for a
 * large one the fluid rate is, and what else arrives while it lasts. So a flow is described by
 *   - its size over a packet, over the window and over the path's BDP, and its fluid slowdown;
 *   - the state of the links at its arrival (path/arrivals.h): backlogs, numbers of flows, and the
 *     part of a buffer that they fill. The first link stands apart: it is the host's own and serves
 *     its flows round-robin, so its number of flows matters, not its backlog;
 *   - the traffic that starts on its links shortly before it, just after it, and while it lasts,
 *     from one sweep over the flows in order of start, with running sums per link.
 *
 * What depends on the network's settings is filled in by flowfeat_settings.c, so that one fluid
 * simulation serves all of them.
 *
 * Units: rates over the host rate b, times over the base round trip T, sizes over b·T; logarithms
 * where a value spans decades, divided so that it is of order 1, and clipped far outside of what
 * occurs (flowfeat_ln). Features of links and of the path are in flowfeat_link.c. Left out: traffic
 * on the reverse path, and where background flows queue outside of the path. */
#include "model/flowfeat.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/flowfeat_private.h"
#include "net/wire.h"
#include "traffic/sizebucket.h"

/* Round trips after which a run's empty start no longer shows in a flow's slowdown; chosen. */
enum { WARM_RTTS = 1000 };

_Static_assert((int)N_FLOW_FEATURES == (int)FLOWFEAT_N_FLOW, "every value has its place");

const char *const flowfeat_flow_names[FLOWFEAT_N_FLOW] = {
    [SIZE_MTU] = "size_per_packet_ln",
    [SIZE_BDP] = "size_per_bdp_ln",
    [SIZE_WINDOW] = "size_per_window_ln",
    [SINGLE_PACKET] = "single_packet",
    [FLUID_SLOWDOWN] = "fluid_slowdown_ln",
    [FLUID_WAIT] = "fluid_wait_per_rtt_ln1p",
    [LATENCY_SHARE] = "latency_share",
    [IDEAL] = "ideal_fct_per_rtt_ln",
    [ACTIVE_FIRST] = "active_first_link_ln1p",
    [ACTIVE_LAST] = "active_last_link_ln1p",
    [ACTIVE_INNER] = "active_inner_links_max_ln1p",
    [BEFORE_FB_SUM] = "fresh_queue_sum_per_rtt_ln1p",
    [BEFORE_FB_LAST] = "fresh_queue_last_link_per_rtt_ln1p",
    [AFTER_FB_SUM] = "old_queue_sum_per_rtt_ln1p",
    [AFTER_FB_LAST] = "old_queue_last_link_per_rtt_ln1p",
    [BEFORE_FB_WAIT] = "fresh_queue_per_ideal_fct_ln1p",
    [AFTER_FB_WAIT] = "old_queue_per_ideal_fct_ln1p",
    [MARKED_WAIT] = "queue_at_threshold_per_ideal_fct_ln1p",
    [IN_FLIGHT] = "in_flight_max_per_bdp_ln1p",
    [ROUND_ROBIN_WAIT] = "turns_at_host_per_ideal_fct_ln1p",
    [FAIR_SHARE] = "fair_share_ln",
    [LIFE_ARRIVALS] = "arrivals_in_life_max_ln1p",
    [LIFE_LOAD] = "load_in_life_max_ln1p",
    [RECENT_1] = "load_last_rtt_max_ln1p",
    [RECENT_10] = "load_last_10_rtt_max_ln1p",
    [NEXT_1] = "load_next_rtt_max_ln1p",
    [ELAPSED] = "elapsed_to_1000_rtts_ln1p",
    [BUCKET] = "bucket_0",
    [BUCKET + 1] = "bucket_1",
    [BUCKET + 2] = "bucket_2",
    [BUCKET + 3] = "bucket_3",
    [LIFE_MEAN_SIZE] = "mean_size_in_life_per_bdp_ln",
    [WINDOW_SLOWDOWN] = "window_slowdown_ln",
    [MARKED_LAST] = "queue_at_threshold_last_link_per_rtt_ln1p",
    [QUEUE_PER_BUFFER] = "queue_max_per_buffer_ln1p",
    [BEFORE_FB_FLOWS] = "fresh_flows_max_ln1p",
};

/* To be raised with any change of a value that keeps its name. */
static const char REVISION[] = "flowmap 2";

void flowfeat_fingerprint(char hex[FLOWFEAT_FINGERPRINT]) {
    static const struct {
        const char *const *names;
        size_t n;
    } sets[] = {{flowfeat_link_names, FLOWFEAT_N_LINK},
                {flowfeat_path_names, FLOWFEAT_N_PATH},
                {flowfeat_flow_names, FLOWFEAT_N_FLOW}};
    char sha[65], text[8192];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", REVISION);
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (size_t k = 0; k < sets[s].n; k++) {
            assert(len < sizeof text);
            len += (size_t)snprintf(text + len, sizeof text - len, "\n%s", sets[s].names[k]);
        }
    assert(len < sizeof text);
    file_sha256(text, len, sha);
    memcpy(hex, sha, FLOWFEAT_FINGERPRINT - 1);
    hex[FLOWFEAT_FINGERPRINT - 1] = '\0';
}

/* ---- scale ---- */

static FlowFeatScale scale_of(const Lot *lot, const FlowFeatTraffic *all) {
    FlowFeatScale s = {.b = lot->host_rate_bps * 1e-9, .rtt_ns = lot_rtt_ns(lot)};
    for (uint32_t l = 0; l < lot->n_links; l++) s.delays_ns += 2 * lot->delay_ns[l];
    s.bdp_bits = s.b * s.rtt_ns;
    s.span_ns = s.rtt_ns + (double)(all->last_start_ns - all->first_start_ns);
    return s;
}

float flowfeat_ln(double x, double scale) { return (float)(log(fmin(fmax(x, 1e-6), 1e9)) / scale); }
float flowfeat_ln1p(double x, double scale) {
    return (float)(log1p(fmin(fmax(x, 0), 1e9)) / scale);
}

/* ---- traffic before and during a flow ---- */

/* Times at which the running sums are noted for a flow that starts at t and takes x: ten round
 * trips and one before t, t, a round trip after t, and one after t + x. */
typedef enum { BEFORE_10, BEFORE_1, START, AFTER_1, END, N_TIMES } FlowFeatMoment;

typedef struct {
    double bits, flows; /* that have started on a link */
} LinkArrived;

typedef struct {
    int64_t time_ns;
    size_t place; /* of the sums to be noted */
} LinkArrivedAt;

static int by_time(const void *a, const void *b) {
    const LinkArrivedAt *x = a, *y = b;
    return x->time_ns != y->time_ns ? (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns)
                                    : (x->place > y->place) - (x->place < y->place);
}

static int64_t later(int64_t t_ns, double by_ns) {
    return t_ns + (int64_t)llround(fmin(fmax(by_ns, -1e17), 1e17));
}

/* Sums per link over all flows that started before an instant: out[place × n_links + link]. */
static void sweep(const Lot *lot, const LotFlow *flows, size_t n, const LinkArrivedAt *instants,
                  size_t n_instants, LinkArrived *out, Arena *a) {
    LinkArrived *now = ARENA_NEW(a, LinkArrived, lot->n_links);
    memset(now, 0, lot->n_links * sizeof *now);
    for (size_t q = 0, i = 0; q < n_instants; q++) {
        for (; i < n && flows[i].start_ns < instants[q].time_ns; i++) {
            double bits = wire_bits(flows[i].size_b);
            for (uint32_t l = flows[i].s; l < flows[i].d; l++) {
                now[l].bits += bits;
                now[l].flows++;
            }
        }
        memcpy(out + instants[q].place * lot->n_links, now, lot->n_links * sizeof *now);
    }
}

/* The sums of all sampled foreground flows: [n_foreground × N_TIMES × n_links]. */
static LinkArrived *traffic(const Lot *lot, const LotFlow *flows, size_t n, const double *fct_ns,
                            const FlowFeatPlan *plan, Arena *a) {
    double rtt_ns = plan->arrivals.rtt_ns;
    size_t n_instants = 0;
    LinkArrivedAt *instants = ARENA_NEW(a, LinkArrivedAt, (size_t)plan->n_foreground * N_TIMES);
    for (size_t k = 0; k < plan->arrivals.n; k++) {
        if (!(plan->role[k] & FLOWFEAT_FOREGROUND)) continue;
        uint32_t i = plan->arrivals.flow[k];
        const double at_ns[N_TIMES] = {[BEFORE_10] = -10 * rtt_ns,
                                       [BEFORE_1] = -rtt_ns,
                                       [START] = 0,
                                       [AFTER_1] = rtt_ns,
                                       [END] = fct_ns[i] + rtt_ns};
        for (int m = 0; m < N_TIMES; m++, n_instants++)
            instants[n_instants] = (LinkArrivedAt){later(flows[i].start_ns, at_ns[m]), n_instants};
    }
    qsort(instants, n_instants, sizeof *instants, by_time);
    LinkArrived *sums = ARENA_NEW(a, LinkArrived, n_instants * lot->n_links);
    sweep(lot, flows, n, instants, n_instants, sums, a);
    return sums;
}

/* ---- one flow ---- */

typedef struct {
    const Lot *lot;
    FlowFeatScale scale;
    int64_t first_start_ns;
} FlowFeatPath;

static void describe_flow(const FlowFeatPath *c, const LotFlow *f, const LotIdeal *own,
                          double slowdown, float *out) {
    const FlowFeatScale *s = &c->scale;
    out[SIZE_MTU] = flowfeat_ln((double)f->size_b / WIRE_PAYLOAD_B, 4);
    out[SIZE_BDP] = flowfeat_ln(own->bits / s->bdp_bits, 4);
    out[SINGLE_PACKET] = f->size_b <= WIRE_PAYLOAD_B ? 1 : 0;
    out[FLUID_SLOWDOWN] = flowfeat_ln(slowdown, 2);
    out[FLUID_WAIT] = flowfeat_ln1p((slowdown - 1) * own->fct_ns / s->rtt_ns, 2);
    out[LATENCY_SHARE] = (float)(own->latency_ns / own->fct_ns);
    out[IDEAL] = flowfeat_ln(own->fct_ns / s->rtt_ns, 4);
    out[ELAPSED] =
        flowfeat_ln1p(fmin((double)(f->start_ns - c->first_start_ns) / s->rtt_ns, WARM_RTTS), 8);
    for (int b = 0; b < SIZEBUCKET_N; b++) out[BUCKET + b] = sizebucket_of(f->size_b) == b ? 1 : 0;
}

static void describe_arrival(const FlowFeatPath *c, const LinkState *state, const LotIdeal *own,
                             float *out) {
    uint32_t n_links = c->lot->n_links;
    double share = own->rate, before = 0, inner = 0;
    for (uint32_t l = 0; l < n_links; l++) {
        share = fmin(share, c->lot->rate_bps[l] * 1e-9 / ((double)state[l].n_active + 1));
        before = fmax(before, (double)state[l].before_feedback.n);
        if (l > 0 && l + 1 < n_links) inner = fmax(inner, (double)state[l].n_active);
    }
    out[ACTIVE_FIRST] = flowfeat_ln1p((double)state[0].n_active, 2);
    out[ACTIVE_LAST] = flowfeat_ln1p((double)state[n_links - 1].n_active, 2);
    out[ACTIVE_INNER] = flowfeat_ln1p(inner, 2);
    out[BEFORE_FB_FLOWS] = flowfeat_ln1p(before, 2);
    out[ROUND_ROBIN_WAIT] = flowfeat_ln1p(
        (double)state[0].n_active * wire_bits(WIRE_PAYLOAD_B) / c->scale.b / own->fct_ns, 1);
    out[FAIR_SHARE] = flowfeat_ln(share / c->scale.b, 2);
}

/* Load of the busiest link between two moments, the flow itself left out if it starts between them.
 */
static double load_between(const Lot *lot, const LinkArrived *sums, FlowFeatMoment from,
                           FlowFeatMoment to, double own_bits, double time_ns) {
    double most = 0;
    for (uint32_t l = 0; l < lot->n_links; l++) {
        double bits =
            sums[to * lot->n_links + l].bits - sums[from * lot->n_links + l].bits - own_bits;
        most = fmax(most, bits / (lot->rate_bps[l] * 1e-9 * time_ns));
    }
    return most;
}

static void describe_traffic(const FlowFeatPath *c, const LotFlow *f, double fct_ns,
                             const LinkArrived *sums, float *out) {
    uint32_t n_links = c->lot->n_links;
    double rtt_ns = c->scale.rtt_ns, bits = wire_bits(f->size_b), arrivals = 0, arrived_bits = 0;
    for (uint32_t l = 0; l < n_links; l++) {
        const LinkArrived *start = &sums[START * n_links + l], *end = &sums[END * n_links + l];
        if (end->flows - start->flows - 1 <= arrivals) continue;
        arrivals = end->flows - start->flows - 1;
        arrived_bits = end->bits - start->bits - bits;
    }
    out[LIFE_ARRIVALS] = flowfeat_ln1p(arrivals, 4);
    out[LIFE_MEAN_SIZE] =
        arrivals > 0 ? flowfeat_ln(arrived_bits / arrivals / c->scale.bdp_bits, 4) : 0;
    out[LIFE_LOAD] =
        flowfeat_ln1p(load_between(c->lot, sums, START, END, bits, fct_ns + rtt_ns), 1);
    out[RECENT_1] = flowfeat_ln1p(load_between(c->lot, sums, BEFORE_1, START, 0, rtt_ns), 2);
    out[RECENT_10] = flowfeat_ln1p(load_between(c->lot, sums, BEFORE_10, START, 0, 10 * rtt_ns), 2);
    out[NEXT_1] = flowfeat_ln1p(load_between(c->lot, sums, START, AFTER_1, bits, rtt_ns), 2);
}

/* ---- all features of a path ---- */

static void build_flows(FlowFeat *m, const FlowFeatPath *c, const FlowFeatFluid *fluid,
                        const FlowFeatPlan *plan, Arena *a) {
    const LinkArrived *sums = traffic(c->lot, fluid->flows, fluid->n, fluid->fct_ns, plan, a);
    uint32_t n_links = m->n_links;
    size_t j = 0;
    for (size_t k = 0; k < plan->arrivals.n; k++) {
        if (!(plan->role[k] & FLOWFEAT_FOREGROUND)) continue;
        uint32_t i = plan->arrivals.flow[k];
        const LotFlow *f = &fluid->flows[i];
        const LinkState *state = memcpy(m->state + j * n_links, plan->arrivals.state + k * n_links,
                                        n_links * sizeof *state);
        float *out = m->flow + j * FLOWFEAT_N_FLOW;
        m->ideal[j] = lot_ideal(c->lot, f);
        describe_flow(c, f, &m->ideal[j], fluid->slowdown[i], out);
        describe_arrival(c, state, &m->ideal[j], out);
        describe_traffic(c, f, fluid->fct_ns[i], sums + j * N_TIMES * n_links, out);
        m->fluid[j] = fluid->slowdown[i];
        m->index[j] = f->flow;
        m->bucket[j++] = (uint8_t)sizebucket_of(f->size_b);
    }
}

static FlowFeatTraffic whole_traffic(const Lot *lot, const LotFlow *flows, size_t n, Arena *a) {
    FlowFeatTraffic t;
    flowfeat_traffic_init(&t, lot, NULL, a);
    flowfeat_traffic_add(&t, flows, n);
    flowfeat_traffic_end(&t);
    return t;
}

void flowfeat_build(FlowFeat *m, const Lot *lot, const LotFlow *flows, size_t n,
                    const double *fct_ns, const float *slowdown, const FlowFeatPlan *plan,
                    const FlowFeatSample *sample, Arena *a) {
    const FlowFeatTraffic all = sample ? *sample->all : whole_traffic(lot, flows, n, a);
    const FlowFeatFluid fluid = {flows, n, fct_ns, slowdown, sample ? sample->counted : NULL, &all};
    FlowFeatPath c = {
        .lot = lot, .scale = scale_of(lot, &all), .first_start_ns = all.first_start_ns};
    uint32_t n_links = lot->n_links, n_flows = plan->n_foreground;
    *m = (FlowFeat){.n_links = n_links, .n_flows = n_flows, .scale = c.scale};
    m->link = ARENA_NEW(a, float, (size_t)n_links *FLOWFEAT_N_LINK);
    m->path = memset(ARENA_NEW(a, float, FLOWFEAT_N_PATH), 0, FLOWFEAT_N_PATH * sizeof(float));
    m->flow = memset(ARENA_NEW(a, float, (size_t)n_flows *FLOWFEAT_N_FLOW), 0,
                     (size_t)n_flows * FLOWFEAT_N_FLOW * sizeof(float));
    m->base = ARENA_NEW(a, float, n_flows);
    m->index = ARENA_NEW(a, uint32_t, n_flows);
    m->bucket = ARENA_NEW(a, uint8_t, n_flows);
    m->fluid = ARENA_NEW(a, float, n_flows);
    m->state = ARENA_NEW(a, LinkState, (size_t)n_flows * n_links);
    m->ideal = ARENA_NEW(a, LotIdeal, n_flows);
    m->rate = ARENA_NEW(a, double, n_links);
    for (uint32_t l = 0; l < n_links; l++) m->rate[l] = lot->rate_bps[l] * 1e-9;
    memcpy(m->bucket_count, plan->bucket_count, sizeof m->bucket_count);
    build_flows(m, &c, &fluid, plan, a);
    flowfeat_links(m, lot, &fluid, plan, a);
    flowfeat_path(m, lot, &fluid, plan);
}
