/* pathmap: joins the fluid engine and the model's features, which don't know each other.
 *
 * The fluid engine knows neither windows nor headers, so it is given flows and links as the settings leave them:
 *   - a flow larger than the window sends at most a window per round trip. Its first window leaves at line rate, so what
 *     the fluid charges for that is taken off again: a round trip less the window's transmission;
 *   - links are slower by what a congestion control's header is longer than the 48 bytes that sizes are counted with.
 * Slowdowns are taken over the flow as it is: alone in the idle network but for its window it has one above 1. */
#include "app/pathmap.h"

#include <math.h>
#include <string.h>

#include "app/spells.h"

enum { PAYLOAD_B = 1000, HEADER_B = 48 };

/* Bytes on the wire of a full packet and of an ACK (docs: PACKET-SIM). */
static double packet_b(Cc cc) { return PAYLOAD_B + (cc == CC_HPCC ? 90 : cc == CC_TIMELY ? 56 : HEADER_B); }
static double ack_b(Cc cc) { return cc == CC_HPCC ? 88 : 60; }

/* Round trip of a flow's packet and its ACK; over stubs at the host's rate. */
static double rtt_ns(const Lot *lot, const LotFlow *f, Cc cc) {
    double bits = 8 * (packet_b(cc) + ack_b(cc)), ns = 0;
    for (uint32_t l = f->s; l < f->d; l++) ns += 2 * lot->delay_ns[l] + bits * 1e9 / lot->rate_bps[l];
    if (f->s > 0) ns += 2 * lot->stub_delay_ns[f->s] + bits * 1e9 / f->cap_bps;
    if (f->d < lot->n_links) ns += 2 * lot->stub_delay_ns[f->d] + bits * 1e9 / f->cap_bps;
    return ns;
}

static Lot slower_links(const Lot *lot, double share, Arena *a) {
    Lot slow = *lot;
    slow.rate_bps = ARENA_NEW(a, double, lot->n_links);
    for (uint32_t l = 0; l < lot->n_links; l++) slow.rate_bps[l] = share * lot->rate_bps[l];
    return slow;
}

/* Per stretch of links and cap, flows have the same limit: this is asked for each flow, but worked out once in a row. */
typedef struct {
    LotFlow of;
    double cap_bps, credit_ns;
} Limit;

static Limit window_limit(const Lot *lot, const LotFlow *f, const NetConf *conf) {
    double packets = ceil(conf->window_b / PAYLOAD_B), bits = 8 * packets * packet_b(conf->cc), rtt = rtt_ns(lot, f, conf->cc);
    return (Limit){.of = *f, .cap_bps = fmin(bits / rtt * 1e9, f->cap_bps), .credit_ns = fmax(rtt - bits * 1e9 / f->cap_bps, 0)};
}

/* credit_ns[i]: what the fluid charges flow i too much if its window limits it. */
static LotFlow *limited_flows(const Lot *lot, const LotFlow *flows, size_t n, const NetConf *conf, double share, double *credit_ns,
                              Arena *a) {
    LotFlow *out = ARENA_NEW(a, LotFlow, n);
    uint32_t n_nodes = lot->n_links + 1;
    Limit *known = ARENA_NEW(a, Limit, (size_t)n_nodes * n_nodes);
    memset(known, 0, (size_t)n_nodes * n_nodes * sizeof *known);
    for (size_t i = 0; i < n; i++) {
        out[i] = flows[i];
        out[i].cap_bps *= share;
        credit_ns[i] = 0;
        if ((double)flows[i].size_b <= conf->window_b) continue;
        Limit *w = &known[flows[i].s * n_nodes + flows[i].d];
        if (w->of.cap_bps != flows[i].cap_bps) *w = window_limit(lot, &flows[i], conf);
        out[i].cap_bps = fmin(out[i].cap_bps, w->cap_bps * share);
        credit_ns[i] = w->credit_ns;
    }
    return out;
}

/* Flows of a path on their way through the fluid. */
typedef struct {
    const LotFlow *flows;
    size_t n;
    double *fct_ns;  /* [n] */
    float *slowdown; /* [n] */
} Fluid;

static Fluid simulate(const Lot *lot, const LotFlow *flows, size_t n, const NetConf *conf, const LotWatch *watch, FlowsimStats *stats,
                      Arena *a) {
    double share = (PAYLOAD_B + HEADER_B) / packet_b(conf->cc), *credit_ns = ARENA_NEW(a, double, n);
    Fluid f = {flows, n, ARENA_NEW(a, double, n), ARENA_NEW(a, float, n)};
    Lot slow = slower_links(lot, share, a);
    const LotFlow *limited = limited_flows(lot, flows, n, conf, share, credit_ns, a);
    flowsim_watch(&slow, limited, n, f.fct_ns, watch, stats, a);
    for (size_t i = 0; i < n; i++) f.fct_ns[i] = fmax(f.fct_ns[i] - credit_ns[i], flowsim_bits(flows[i].size_b) / flows[i].cap_bps * 1e9);
    flowsim_slowdowns(lot, flows, n, f.fct_ns, f.slowdown);
    return f;
}

void pathmap_make(FlowMap *m, const Lot *lot, const LotFlow *flows, size_t n, const NetConf *conf, size_t max_flows, FlowsimStats *stats,
                  Arena *a) {
    FlowmapPlan plan;
    flowmap_plan(&plan, lot, flows, n, conf, max_flows, a);
    Fluid f = simulate(lot, flows, n, conf, &plan.watch, stats, a);
    flowmap_build(m, lot, flows, n, f.fct_ns, f.slowdown, &plan, NULL, conf, a);
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

size_t pathmap_sample(FlowMap *m, const Lot *lot, const LotFlow *flows, size_t n, const NetConf *conf, size_t max_flows,
                      FlowsimStats *stats, Arena *a) {
    FlowmapPlan plan;
    FlowmapTraffic all;
    flowmap_plan(&plan, lot, flows, n, conf, max_flows, a);
    flowmap_traffic_init(&all, lot, a);
    flowmap_traffic_add(&all, lot, flows, n);
    int64_t *end_ns = guess_ends(lot, flows, &plan, a);
    SpellFlows some = {.flows = ARENA_NEW(a, LotFlow, n), .index = ARENA_NEW(a, uint32_t, n), .counted = ARENA_NEW(a, uint8_t, n)};
    for (;;) {
        Spells spells;
        spells_make(&spells, lot, flows, n, &plan, end_ns, &all, a);
        spells_take(&spells, lot, flows, n, &some);
        if (some.n > n / 2) { /* not worth it: spells are extended and simulated again until they suffice */
            pathmap_make(m, lot, flows, n, conf, max_flows, stats, a);
            return n;
        }
        FlowmapPlan among = plan_among(&plan, &some, a);
        Fluid f = simulate(lot, some.flows, some.n, conf, &among.watch, stats, a);
        if (extend_ends(end_ns, &among, &f)) continue;
        FlowmapSample sample = {&all, some.counted};
        flowmap_build(m, lot, f.flows, f.n, f.fct_ns, f.slowdown, &among, &sample, conf, a);
        return some.n;
    }
}
