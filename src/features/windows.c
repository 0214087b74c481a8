/* windows: stretches of a network's own traffic, simulated packet by packet (after SMARTS,
 * Wunderlich et al., ISCA 2003, which does so with programs and processors).
 *
 *        state of all flows          warm-up      measured flows start       tail
 *   ···· fluid simulation ·········▶├─────────┤├────────────────────────┤├─────────┤
 *   start of the run                packets, with all flows that start meanwhile
 *
 * The run is cut into strata of equally many flows. In each a window lies at a random place; its
 * measured flows are the same number of consecutive ones everywhere, so every flow is as likely to
 * be measured. What was there before comes from a fluid simulation (netfluid): the flows that are
 * alive at the beginning of the warm-up go on with what is left of them, at their rates. The
 * warm-up fills queues and lets the controls settle. After the last measured flow has begun,
 * arrivals go on until all measured flows have ended, at most for the tail.
 *
 * A flow that has not ended by then is censored: the rest of it is simulated as a fluid, beside the
 * others that are alive then and large ones that begin later. Those are large ones.
 *
 * Is the state right? A fluid simulation takes controls as perfect. One that leaves links idle has
 * more flows alive, so links get only `capacity` times their rates: at first what is usual for the
 * control. On a loaded network the first windows, the pilot, are there to compare: from the same
 * state, with the same arrivals, how much do packets serve after the warm-up, and how much the
 * fluid? In the long run both serve what arrives. Where packets serve less, their flows pile up
 * until they do, and the capacity is lowered such that the fluid's own state does not drift away
 * under the packet simulation. What is usual and what was measured weigh by their variances.
 *
 * Flows that wait for others start when the fluid simulation of the whole run had these end
 * (scenario). In a window they wait for what is in it, so that packets that are slower than the
 * fluid have the next flows start later, and the capacity stays the usual one.
 *
 * Costs. A window takes (warm-up + measured time + tail) of the run's packet-hops. Measured time
 * should be as long as the other two, as then half of the work counts, and there should be many
 * windows, since flows of one window share their fate. With a small budget the tail gives way, then
 * the measured time. */
#include "features/windows.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "features/windowtraffic.h"
#include "net/wire.h"
#include "packet/pktsim.h"

/* Warm-up, and the tail at most, in round trips of the longest path when idle: chosen by measuring
 * (tests/bench/README.md). */
static const double WARM_RTTS = 20, TAIL_RTTS = 40, LEAST_TAIL_RTTS = 10;
/* The tail at most where packets are lost: five of the packet simulation's retransmission timers.
 */
static const double LOSSY_TAIL_NS = 5e6;
/* Of either, at most: on the slowest links of the longest delays, so that times stay in 64 bits. */
static const double MOST_NS = 1e15;
/* Pilot windows take this share of the first budget, at most PILOT_ROUNDS times, in windows of a
 * number between the other two. */
static const double PILOT_SHARE = 0.15;
enum { PILOT_ROUNDS = 3, PILOT_LEAST = 3, PILOT_MOST = 12 };
enum { LEAST_WINDOWS = 4, MOST_WINDOWS = 48, ENOUGH_WINDOWS = 24 };
/* The capacity before anything is measured, ORDER CC: in 60 networks, that at which the fluid
 * simulation has as many large flows alive as the packet simulation (tests/bench/README.md), and
 * the deviation of its logarithm among networks of one control. NSCC and EQDS, not among them, have
 * those of Swift and of the window alone. */
static const double USUAL_CAPACITY[CC_N] = {0.955, 0.93, 0.935, 0.97, 0.9, 0.95, 0.95, 0.9};
static const double CAPACITY_DEVIATION = 0.03;
/* At the right capacity packets serve so many times what the fluid does; of that, deviation from
 * network to network; and how much more for each percent of capacity less. As above. */
static const double SERVED = 1.005, SERVED_DEVIATION = 0.012, SERVED_SLOPE = 0.4;
/* A correction is not worth new windows below this. */
static const double LEAST_CORRECTION = 0.015;
/* A window is cut short after so many events: on links of absurd bandwidth-delay products it would
 * fill the memory with packets. Windows of real networks stay far below, being a part of the run.
 */
static const double EVENTS_PER_HOP = 4, MOST_EVENTS = 1e8;
enum { LEAST_EVENTS = 1000000 };
/* Windows that take more budgets than this, even the least of them, are not begun. */
static const double MOST_BUDGETS = 10;
/* Below this load of the busiest link the capacity stays the usual one: links have room, so that it
 * hardly matters, and what differs is chance. */
static const double LEAST_LOAD = 0.6;

typedef struct {
    uint64_t round;               /* its windows lie elsewhere than those of other rounds */
    size_t n_windows, n_measured; /* flows a window */
    uint64_t max_events;          /* a window */
} Round;

/* What a window came to. */
typedef struct {
    WindowFlow *flows; /* [n] */
    size_t n;
    PktStats stats;
    double served_b, fluid_b; /* after the warm-up: by the packet simulation, by the fluid one; 0
                                 unless finds_capacity */
} WindowResult;

typedef struct WindowsRun {
    const Scenario *s;
    WindowsOptions o;
    const Topo *topo;
    int64_t *chunk_start_ns; /* [n_chunks] */
    size_t n_chunks;
    double span_ns;
    NetFluid *fluid;
    double warm_ns, tail_ns;
    double fixed_hops; /* of a window, whatever its measured time */
    bool piloted;
    bool finds_capacity; /* windows compare what both simulations serve */
    Round round;
    WindowResult *result; /* [round.n_windows] */
} WindowsRun;

/* ---- how much there is ---- */

int windows_class(uint64_t size_b) {
    int k = 63 - __builtin_clzll(size_b | 1);
    return k < WINDOWS_N_CLASSES - 1 ? k : WINDOWS_N_CLASSES - 1;
}

/* Flows that are looked at for the packet-hops of the run. */
enum { HOPS_SAMPLE = 1 << 16 };

/* What a thread has seen. All are whole numbers, so that it doesn't show which chunks. */
typedef struct {
    Flows room;
    uint64_t hops;
    size_t n_sampled, count[WINDOWS_N_CLASSES];
    int64_t last_ns; /* start of the last flow */
} SurveyWorker;

typedef struct {
    const WindowsRun *r;
    size_t stride;
    SurveyWorker *workers;
} Survey;

static void survey_chunk(void *ctx, size_t k, int worker) {
    const Survey *s = ctx;
    const Scenario *in = s->r->s;
    SurveyWorker *w = &s->workers[worker];
    FlowChunk c = flowsource_chunk(&in->source, k, &w->room);
    s->r->chunk_start_ns[k] = c.start_ns[0];
    if (k == s->r->n_chunks - 1) w->last_ns = c.start_ns[c.n - 1];
    for (uint32_t i = 0; i < c.n; i++) w->count[windows_class(c.size_b[i])]++;
    for (uint32_t i = 0; i < c.n; i += (uint32_t)s->stride, w->n_sampled++)
        w->hops += 2 * wire_packets(c.size_b[i]) * route_n_links(in->route, c.src[i], c.dst[i]);
}

static void survey(Windows *w, WindowsRun *r) {
    size_t n = r->s->source.n, n_sampled = 0, count[WINDOWS_N_CLASSES] = {0};
    int threads = par_resolve(r->o.threads);
    uint64_t hops = 0;
    int64_t last_ns = INT64_MIN;
    Survey s = {
        .r = r, .stride = n / HOPS_SAMPLE + 1, .workers = MEM_ZNEW(SurveyWorker, (size_t)threads)};
    for (int i = 0; i < threads; i++) s.workers[i].last_ns = INT64_MIN;
    par_for(r->n_chunks, threads, survey_chunk, &s);
    for (const SurveyWorker *x = s.workers; x < s.workers + threads; x++) {
        hops += x->hops;
        n_sampled += x->n_sampled;
        last_ns = x->last_ns > last_ns ? x->last_ns : last_ns;
        for (int k = 0; k < WINDOWS_N_CLASSES; k++) count[k] += x->count[k];
    }
    for (int i = 0; i < threads; i++) flows_free(&s.workers[i].room);
    free(s.workers);
    for (int k = 0; k < WINDOWS_N_CLASSES; k++) w->class_share[k] = (double)count[k] / (double)n;
    w->run_hops = (double)hops / (double)n_sampled * (double)n;
    w->n_run_flows = n;
    r->span_ns = fmax((double)(last_ns - r->chunk_start_ns[0]), 1);
}

/* A round trip of the longest path, with a packet's transmission on each link. */
static double longest_rtt_ns(const Scenario *s) {
    const Topo *t = &s->topo;
    double hop_ns = 0;
    for (uint32_t l = 0; l < t->n_links; l++)
        hop_ns = fmax(hop_ns, wire_hop_rtt_ns(t->links[l].rate_bps, t->links[l].delay_ns,
                                              WIRE_FULL_B, WIRE_ACK_B));
    return hop_ns * route_max_links(s->route);
}

void windows_init(Windows *w, const Scenario *s, const WindowsOptions *o) {
    WindowsRun *r = MEM_ZNEW(WindowsRun, 1);
    double rtt_ns = longest_rtt_ns(s);
    *r = (WindowsRun){.s = s,
                      .o = *o,
                      .topo = &s->topo,
                      .n_chunks = flowsource_n_chunks(&s->source),
                      .warm_ns = fmin(WARM_RTTS * rtt_ns, MOST_NS),
                      .tail_ns = fmin(TAIL_RTTS * rtt_ns, MOST_NS)};
    r->chunk_start_ns = MEM_NEW(int64_t, r->n_chunks);
    *w = (Windows){.run = r, .capacity = 1};
    if (s->source.n > 0) survey(w, r);
}

void windows_finish(Windows *w) {
    if (!w->run) return;
    netfluid_destroy(w->run->fluid);
    free(w->run->chunk_start_ns);
    free(w->run);
    w->run = NULL;
}

void windows_free(Windows *w) {
    windows_finish(w);
    netuse_free(&w->use);
    free(w->flows);
    *w = (Windows){0};
}

static WindowSource source_of(const WindowsRun *r) {
    return (WindowSource){.source = &r->s->source,
                          .graph = r->s->flows.graph,
                          .chunk_start_ns = r->chunk_start_ns,
                          .n_chunks = r->n_chunks};
}

static int64_t start_of(const WindowsRun *r, size_t index) {
    Flows room = {0};
    FlowChunk c = flowsource_chunk(&r->s->source, index >> FLOW_LOG2_CHUNK, &room);
    int64_t start_ns = c.start_ns[index - c.first];
    flows_free(&room);
    return start_ns;
}

/* ---- one window ---- */

/* The flows to be measured, how long they took, and how long those that have not ended by end_ns
 * (NAN) still take. */
typedef struct {
    Flows flows; /* a view */
    const double *fct_ns, *rest_ns;
    double end_ns;
} Measured;

static WindowFlow *slowdowns(const WindowsRun *r, const Measured *m) {
    size_t n = m->flows.n;
    WindowFlow *out = MEM_NEW(WindowFlow, n);
    double *ideal_ns = MEM_NEW(double, n);
    pktsim_ideal(r->s->route, &m->flows, r->o.hpcc_ns3, ideal_ns);
    for (size_t i = 0; i < n; i++) {
        bool censored = isnan(m->fct_ns[i]);
        double took_ns =
            censored ? m->end_ns - (double)m->flows.start_ns[i] + m->rest_ns[i] : m->fct_ns[i];
        out[i] = (WindowFlow){.size_b = m->flows.size_b[i],
                              .slowdown = (float)fmax(1, took_ns / ideal_ns[i]),
                              .censored = censored};
    }
    free(ideal_ns);
    return out;
}

/* Fills rest_ns[n] of the flows from `first` that have not ended at end_ns: how long they still
 * take as a fluid, beside all others. */
static void find_rest(const WindowsRun *r, double capacity, const WindowTraffic *t, size_t first,
                      size_t n, const double *fct_ns, const double *received_b, double end_ns,
                      double *rest_ns) {
    size_t n_alive = 0, n_wanted = 0;
    NetFluidFlow *alive = MEM_NEW(NetFluidFlow, t->flows.n);
    size_t *of = MEM_NEW(size_t, n);
    double *rest = MEM_NEW(double, n);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < t->flows.n; i++) {
            bool wanted = i >= first && i < first + n;
            if (!isnan(fct_ns[i]) || (double)t->flows.start_ns[i] >= end_ns) continue;
            if (wanted != (pass == 0)) continue;
            if (wanted) of[n_wanted++] = i - first;
            double size_b = (double)t->flows.size_b[i];
            alive[n_alive++] = (NetFluidFlow){.src = t->flows.src[i],
                                              .dst = t->flows.dst[i],
                                              .sport = t->sport[i],
                                              .size_b = t->flows.size_b[i],
                                              .left_b = fmax(size_b - received_b[i], 1)};
        }
    netfluid_rest(r->fluid, (int64_t)end_ns, capacity, alive, n_alive, n_wanted, rest);
    for (size_t k = 0; k < n_wanted; k++) rest_ns[of[k]] = rest[k];
    free(alive);
    free(of);
    free(rest);
}

static double left_b(const NetFluid *nf, double at_ns, double capacity) {
    NetFluidState s;
    double sum = 0;
    netfluid_state(nf, (int64_t)at_ns, capacity, &s);
    for (size_t i = 0; i < s.n; i++) sum += s.flows[i].left_b;
    netfluid_state_free(&s);
    return sum;
}

/* What both simulations have served since the warm-up. */
static void compare_served(const WindowsRun *r, double capacity, const WindowTraffic *t,
                           const PktStretch *x, WindowResult *out) {
    double start_ns = (double)t->flows.start_ns[0], end_ns = start_ns + out->stats.sim_ns,
           settled_ns = fmin(start_ns + r->warm_ns, end_ns), arrived_b = 0;
    for (size_t i = 0; i < t->flows.n; i++) {
        double at_ns = (double)t->flows.start_ns[i];
        out->served_b += x->received_b[i] - x->settled_b[i];
        if (at_ns >= settled_ns && at_ns < end_ns) arrived_b += (double)t->flows.size_b[i];
    }
    out->fluid_b =
        left_b(r->fluid, settled_ns, capacity) + arrived_b - left_b(r->fluid, end_ns, capacity);
}

/* Starts as they were; one that did not start has INT64_MAX. */
static void put_starts(const WindowTraffic *t, const double *started_ns) {
    for (size_t i = t->n_begun; i < t->flows.n; i++)
        t->flows.start_ns[i] = isnan(started_ns[i]) ? INT64_MAX : (int64_t)started_ns[i];
}

/* Leaves out flows that did not start, for what they waited for took longer than in the fluid. */
static size_t drop_unstarted(WindowFlow *flows, const int64_t *start_ns, size_t n) {
    size_t to = 0;
    for (size_t i = 0; i < n; i++)
        if (start_ns[i] < INT64_MAX) flows[to++] = flows[i];
    return to;
}

/* Simulates the traffic, of which n flows from `first` are measured, for stop_ns. */
static int simulate(const WindowsRun *r, double capacity, const WindowTraffic *t, size_t first,
                    size_t n, double stop_ns, uint64_t max_events, uint64_t seed, WindowResult *out,
                    Err *err) {
    size_t n_all = t->flows.n;
    double *fct_ns = MEM_NEW(double, n_all), *received_b = MEM_NEW(double, n_all),
           *settled_b = MEM_NEW(double, n_all), *rest_ns = MEM_ZNEW(double, n),
           *started_ns = t->flows.graph ? MEM_NEW(double, n_all) : NULL;
    PktStretch x = {.sport = t->sport,
                    .n_begun = t->n_begun,
                    .rate_bps = t->rate_bps,
                    .measured_first = first,
                    .n_measured = n,
                    .max_events = max_events,
                    .received_b = received_b,
                    .settled_ns = r->warm_ns,
                    .settled_b = settled_b};
    PktOptions po = {.compat = r->o.hpcc_ns3,
                     .seed = seed,
                     .stop_ns = stop_ns,
                     .stretch = &x,
                     .started_ns = started_ns};
    int rc = pktsim_run(r->s->route, &t->flows, &r->s->conf, &po, fct_ns, &out->stats, err);
    if (rc == 0) {
        if (started_ns) put_starts(t, started_ns);
        Measured m = {.flows = {.n = n,
                                .src = t->flows.src + first,
                                .dst = t->flows.dst + first,
                                .size_b = t->flows.size_b + first,
                                .start_ns = t->flows.start_ns + first},
                      .fct_ns = fct_ns + first,
                      .rest_ns = rest_ns,
                      .end_ns = (double)t->flows.start_ns[0] + out->stats.sim_ns};
        find_rest(r, capacity, t, first, n, fct_ns, received_b, m.end_ns, rest_ns);
        out->flows = slowdowns(r, &m);
        out->n = drop_unstarted(out->flows, m.flows.start_ns, n);
        if (r->finds_capacity) compare_served(r, capacity, t, &x, out);
    }
    free(fct_ns);
    free(received_b);
    free(settled_b);
    free(rest_ns);
    free(started_ns);
    return rc;
}

typedef struct {
    const WindowsRun *r;
    double capacity;
} RoundRun;

static int simulate_window(void *ctx, size_t item, int worker, Err *err) {
    (void)worker;
    const RoundRun *rr = ctx;
    const WindowsRun *r = rr->r;
    const Round *q = &r->round;
    size_t n_flows = r->s->source.n, lo = n_flows * item / q->n_windows,
           hi = n_flows * (item + 1) / q->n_windows;
    size_t n = q->n_measured < hi - lo ? q->n_measured : hi - lo;
    uint64_t seed = r->o.seed ^ q->round << 32;
    Rng rng = rng_stream(seed, "window", item);
    size_t first = lo + (size_t)rng_below(&rng, hi - lo - n + 1);
    int64_t begin_ns = start_of(r, first) - (int64_t)r->warm_ns,
            until_ns = start_of(r, first + n - 1) + 1 + (int64_t)r->tail_ns;
    if (begin_ns < r->chunk_start_ns[0]) begin_ns = r->chunk_start_ns[0];
    WindowTraffic t = {0};
    NetFluidState state;
    netfluid_state(r->fluid, begin_ns, rr->capacity, &state);
    WindowSource from = source_of(r);
    windowtraffic_add_begun(&t, &state, begin_ns);
    windowtraffic_add_starting(&t, &from, begin_ns, until_ns);
    windowtraffic_keep_waiting(&t, &from);
    int rc = simulate(r, rr->capacity, &t, t.n_begun + first - t.first_index, n,
                      (double)(until_ns - t.flows.start_ns[0]), q->max_events, seed + item,
                      &r->result[item], err);
    netfluid_state_free(&state);
    windowtraffic_free(&t);
    return rc;
}

static void put_result(const WindowResult *x, RanksOut *out) {
    ranks_put(out, x, sizeof *x);
    ranks_put(out, x->flows, x->n * sizeof *x->flows);
}

static void get_result(WindowResult *x, RanksIn *in) {
    ranks_get(in, x, sizeof *x);
    x->flows = MEM_NEW(WindowFlow, x->n);
    ranks_get(in, x->flows, x->n * sizeof *x->flows);
}

static void tell_window(void *ctx, size_t item, RanksOut *out) {
    put_result(&((const RoundRun *)ctx)->r->result[item], out);
}

static void hear_window(void *ctx, size_t item, RanksIn *in) {
    get_result(&((const RoundRun *)ctx)->r->result[item], in);
}

/* ---- rounds of windows ---- */

static void count(Windows *w, const PktStats *s) {
    w->n_hops += s->n_packet_hops;
    w->n_packets += s->n_packets;
    w->n_drops += s->n_drops;
    w->n_timeouts += s->n_timeouts;
}

static int simulate_round(Windows *w, Err *err) {
    WindowsRun *r = w->run;
    RoundRun rr = {r, w->capacity};
    if (r->round.n_windows > r->s->source.n) r->round.n_windows = r->s->source.n;
    r->round.max_events =
        LEAST_EVENTS +
        (uint64_t)fmin(EVENTS_PER_HOP * w->run_hops / (double)r->round.n_windows, MOST_EVENTS);
    r->round.round++;
    r->result = MEM_ZNEW(WindowResult, r->round.n_windows);
    RanksLoop loop = {.n = r->round.n_windows,
                      .grain = 1,
                      .threads = r->o.threads,
                      .run = simulate_window,
                      .pack = tell_window,
                      .unpack = hear_window,
                      .ctx = &rr};
    int rc = ranks_run(r->o.ranks, &loop, err);
    for (size_t i = 0; i < r->round.n_windows; i++) count(w, &r->result[i].stats);
    return rc;
}

static void keep_round(Windows *w) {
    const WindowsRun *r = w->run;
    size_t n = w->n_flows;
    for (size_t i = 0; i < r->round.n_windows; i++) n += r->result[i].n;
    w->flows = mem_realloc(w->flows, n, sizeof *w->flows);
    for (size_t i = 0; i < r->round.n_windows; i++)
        for (size_t k = 0; k < r->result[i].n; k++) {
            WindowFlow f = r->result[i].flows[k];
            f.window = w->n_windows + (uint32_t)i;
            w->n_censored += f.censored;
            w->flows[w->n_flows++] = f;
        }
    w->n_windows += (uint32_t)r->round.n_windows;
}

static void drop_round(WindowsRun *r) {
    assert(r->result || r->round.n_windows == 0);
    for (size_t i = 0; i < r->round.n_windows; i++) free(r->result[i].flows);
    free(r->result);
    r->result = NULL;
}

static double hops_per_ns(const Windows *w) { return w->run_hops / w->run->span_ns; }

/* Sets the round's number of measured flows so that a window's measured time takes `hops`. */
static void set_measured(const Windows *w, double hops) {
    WindowsRun *r = w->run;
    r->round.n_measured = (size_t)fmax(1, hops / w->run_hops * (double)r->s->source.n);
}

/* ---- the capacity ---- */

/* How much packets serve over how much the fluid does, and its standard error (a ratio's, from the
 * windows' deviations). */
typedef struct {
    double value, error;
} Efficiency;

static Efficiency efficiency(const WindowsRun *r) {
    double served = 0, fluid = 0, sum = 0, n = (double)r->round.n_windows;
    assert(r->result || r->round.n_windows == 0);
    for (size_t i = 0; i < r->round.n_windows; i++) {
        served += r->result[i].served_b;
        fluid += r->result[i].fluid_b;
    }
    if (n < 2 || !(served > 0) || !(fluid > 0)) return (Efficiency){1, 1};
    double e = served / fluid;
    for (size_t i = 0; i < r->round.n_windows; i++) {
        double d = r->result[i].served_b - e * r->result[i].fluid_b;
        sum += d * d;
    }
    return (Efficiency){e, sqrt(sum * n / (n - 1)) / fluid};
}

/* What rounds of windows have said of the logarithm of the capacity: a sum weighted by 1/variance.
 */
typedef struct {
    double weight, sum;
} Search;

/* Returns the capacity to go on with, given what was measured at the present one, and the deviation
 * of its logarithm. */
static double next_capacity(Search *s, double usual, double capacity, Efficiency e, double *error) {
    double measured = log(capacity) + (e.value - SERVED) / SERVED_SLOPE,
           v = e.error / SERVED_SLOPE * (e.error / SERVED_SLOPE) + 1e-4;
    s->weight += 1 / v;
    s->sum += measured / v;
    double common = SERVED_DEVIATION / SERVED_SLOPE, of_rounds = 1 / s->weight + common * common,
           prior = CAPACITY_DEVIATION * CAPACITY_DEVIATION, w = 1 / of_rounds + 1 / prior;
    *error = sqrt(1 / w);
    double next = exp((s->sum / s->weight / of_rounds + log(usual) / prior) / w);
    return fmin(fmax(next, 0.5), 1.15);
}

/* Simulates pilot windows until the capacity and the tail stay, at most PILOT_ROUNDS times; the
 * windows of the last round are kept if they were right. */
static int pilot(Windows *w, double hops, Err *err) {
    WindowsRun *r = w->run;
    Search search = {0};
    WindowSource from = source_of(r);
    const double usual = w->capacity;
    bool settled = false;
    /* Where flows wait for others, packets that are slower have fewer to serve. */
    r->finds_capacity = w->max_load >= LEAST_LOAD && !windowtraffic_waits(&from);
    w->capacity_error = CAPACITY_DEVIATION;
    for (int k = 0; k < PILOT_ROUNDS && !settled; k++) {
        double fixed = (r->warm_ns + r->tail_ns) * hops_per_ns(w), spent = (double)w->n_hops;
        double n = fmin(fmax(floor(hops / (1.5 * fixed)), PILOT_LEAST), PILOT_MOST);
        double measured = fmin(fmax(hops / n - fixed, 0.5 * fixed), 12 * fixed);
        r->round.n_windows = (size_t)n;
        set_measured(w, measured);
        if (simulate_round(w, err) != 0) {
            drop_round(r);
            return -1;
        }
        double each = ((double)w->n_hops - spent) / (double)r->round.n_windows;
        r->fixed_hops = fmax(each - measured, 0.2 * each);
        double next = w->capacity;
        if (r->finds_capacity)
            next = next_capacity(&search, usual, next, efficiency(r), &w->capacity_error);
        bool lossy = w->n_drops > 0 && r->tail_ns < LOSSY_TAIL_NS;
        settled = fabs(next / w->capacity - 1) < LEAST_CORRECTION && !lossy;
        if (settled) keep_round(w);
        else w->capacity = next;
        if (lossy) r->tail_ns = LOSSY_TAIL_NS;
        drop_round(r);
    }
    return 0;
}

/* ---- all of them ---- */

typedef struct {
    const WindowsRun *r;
    WindowResult result;
} WholeRun;

/* Leaves out flows that never end, as of a host that is cut off for good. */
static size_t drop_unended(WindowFlow *flows, size_t n) {
    size_t to = 0;
    for (size_t i = 0; i < n; i++)
        if (!flows[i].censored) flows[to++] = flows[i];
    return to;
}

static int keep_ended(WindowResult *x, Err *err) {
    size_t n = x->n;
    if (x->stats.n_unreachable == 0) return 0;
    x->n = drop_unended(x->flows, n);
    return x->n > 0 ? 0
                    : err_input(err, "events: none of the %zu flows ends: hosts are cut off", n);
}

static int run_whole(void *ctx, size_t item, int worker, Err *err) {
    (void)item, (void)worker;
    WholeRun *x = ctx;
    const WindowsRun *r = x->r;
    WindowTraffic t = {0};
    WindowSource from = source_of(r);
    windowtraffic_add_starting(&t, &from, INT64_MIN, INT64_MAX);
    windowtraffic_keep_waiting(&t, &from);
    windowtraffic_as_asked(&t, &from);
    double *fct_ns = MEM_NEW(double, t.flows.n), *rest_ns = MEM_ZNEW(double, t.flows.n);
    PktOptions po = {.compat = r->o.hpcc_ns3,
                     .seed = r->o.seed,
                     .timeline = r->s->timeline,
                     .threads = par_resolve(r->o.threads)};
    int rc = pktsim_run(r->s->route, &t.flows, &r->s->conf, &po, fct_ns, &x->result.stats, err);
    if (rc == 0) {
        Measured m = {.flows = t.flows,
                      .fct_ns = fct_ns,
                      .rest_ns = rest_ns,
                      .end_ns = (double)t.flows.start_ns[0] + x->result.stats.sim_ns};
        x->result.flows = slowdowns(r, &m);
        x->result.n = t.flows.n;
        rc = keep_ended(&x->result, err);
    }
    free(fct_ns);
    free(rest_ns);
    windowtraffic_free(&t);
    return rc;
}

static void tell_whole(void *ctx, size_t item, RanksOut *out) {
    (void)item;
    put_result(&((WholeRun *)ctx)->result, out);
}

static void hear_whole(void *ctx, size_t item, RanksIn *in) {
    (void)item;
    get_result(&((WholeRun *)ctx)->result, in);
}

/* Of the flows that were kept. */
static void count_classes(Windows *w) {
    memset(w->class_share, 0, sizeof w->class_share);
    for (size_t i = 0; i < w->n_flows; i++) w->class_share[windows_class(w->flows[i].size_b)]++;
    for (int k = 0; k < WINDOWS_N_CLASSES; k++) w->class_share[k] /= (double)w->n_flows;
}

/* The whole run is one simulation, of one rank. */
static int simulate_whole(Windows *w, Err *err) {
    WholeRun x = {.r = w->run};
    RanksLoop loop = {.n = 1,
                      .grain = 1,
                      .threads = 1,
                      .run = run_whole,
                      .pack = tell_whole,
                      .unpack = hear_whole,
                      .ctx = &x};
    int rc = ranks_run(w->run->o.ranks, &loop, err);
    if (rc == 0) {
        free(w->flows);
        w->flows = x.result.flows;
        w->n_flows = x.result.n;
        w->n_censored = 0;
        for (size_t i = 0; i < w->n_flows; i++) w->n_censored += w->flows[i].censored;
        w->n_windows = 1;
        w->whole = true;
        if (w->n_flows < w->n_run_flows) count_classes(w);
    } else {
        free(x.result.flows);
    }
    count(w, &x.result.stats);
    return rc;
}

/* The least that windows of this network take: a pilot round of short ones, and the least number.
 */
static double least_hops(const Windows *w) {
    const WindowsRun *r = w->run;
    double fixed_ns = r->warm_ns + r->tail_ns * LEAST_TAIL_RTTS / TAIL_RTTS,
           each = fmin(fixed_ns * hops_per_ns(w), w->run_hops);
    return (1.5 * PILOT_LEAST + 1.2 * LEAST_WINDOWS) * each;
}

/* A budget is there to be kept, by and large: networks of 100,000 hosts would take it many times
 * over. */
static int check_budget(const Windows *w, double max_hops, Err *err) {
    double least = least_hops(w);
    if (least <= MOST_BUDGETS * max_hops) return 0;
    return err_input(
        err,
        "%s: packet windows of %u hosts take at least %.2g packet-hops, %.3g times the "
        "budget; give them a larger one with --check",
        w->run->topo->name, w->run->topo->n_hosts, least, least / max_hops);
}

/* Shortens the tail where it would leave room for few windows. */
static void fit_tail(Windows *w, double max_hops) {
    WindowsRun *r = w->run;
    double fixed_ns = max_hops / (2 * ENOUGH_WINDOWS) / hops_per_ns(w),
           least_ns = r->tail_ns * LEAST_TAIL_RTTS / TAIL_RTTS;
    r->tail_ns = fmin(fmax(fixed_ns - r->warm_ns, least_ns), r->tail_ns);
}

static int simulate_windows(Windows *w, double max_hops, Err *err) {
    WindowsRun *r = w->run;
    double spent = (double)w->n_hops;
    if (!r->fluid) {
        if (check_budget(w, max_hops, err) != 0) return -1;
        NetFluidOptions fo = {.hpcc_ns3 = r->o.hpcc_ns3};
        r->fluid = netfluid_new(r->s->route, &r->s->source, &r->s->conf, &fo, r->o.threads, err);
        if (!r->fluid) return -1;
        netuse_init(&w->use, &r->s->topo, netfluid_loads(r->fluid));
        w->max_load = w->use.max_load;
        w->capacity = USUAL_CAPACITY[r->s->conf.cc];
        fit_tail(w, max_hops);
    }
    if (!r->piloted && pilot(w, PILOT_SHARE * max_hops, err) != 0) return -1;
    r->piloted = true;
    r->finds_capacity = false;
    double left = max_hops - ((double)w->n_hops - spent);
    if (left < PILOT_SHARE / 2 * max_hops && w->n_windows > 0) return 0;
    left = fmax(left, PILOT_SHARE * max_hops);
    double n = floor(fmin(fmax(left / (2 * r->fixed_hops), LEAST_WINDOWS), MOST_WINDOWS));
    r->round.n_windows = (size_t)n;
    set_measured(w, fmax(left / n - r->fixed_hops, 0.2 * r->fixed_hops));
    int rc = simulate_round(w, err);
    if (rc == 0) keep_round(w);
    drop_round(r);
    return rc;
}

bool windows_need_all(const Scenario *s, const NetConf *conf) {
    return s->timeline || conf->routing != ROUTING_ECMP;
}

int windows_simulate(Windows *w, double max_hops, Err *err) {
    double start_s = diag_now_s();
    int rc = 0;
    if (w->whole || w->n_run_flows == 0) return 0;
    const Scenario *s = w->run->s;
    if (w->run_hops <= max_hops || windows_need_all(s, &s->conf)) rc = simulate_whole(w, err);
    else rc = simulate_windows(w, max_hops, err);
    w->wall_s += diag_now_s() - start_s;
    return rc;
}
