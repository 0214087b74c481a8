/* flowfeat_link: features of a path's links and of the path as a whole.
 *
 * What takes no simulation (load, sizes, gaps between arrivals, where flows come from and go to) is
 * known of all flows (flowfeat_traffic.c). One pass over the simulated ones that count adds up
 * their times and counts fluid slowdowns in bins of equal width in the bit pattern of a float, 64
 * to the octave, from which percentiles are read to about 1 % without any sorting. The mean number
 * of active flows is Little's law: the sum of their times over the span; where only some were
 * simulated, the time of a class of sizes grows with its bits. Quantiles of queues are those that
 * probes, spread evenly over the flows, found on arrival, as if each window were the BDP. */
#include "model/flowfeat_private.h"
#include "net/wire.h"
#include "traffic/sizebucket.h"

#include <math.h>
#include <string.h>

/* N_PCT: percentiles of the slowdowns of a bucket; N_STATS: mean or median, p90 and p99 of what the
 * link held at sampled arrivals. The names below list them. */
enum { N_SIZES = FLOWFEAT_N_SIZES, N_PCT = 3, N_STATS = 3 };

/* Numbers of flows say how much a short run is shaped by its start and by chance; they are cut
 * where they no longer do. Chosen: at 4096 flows of a link its load is known to a few percent. */
enum { MANY = 4096, MANY_FOREGROUND = 256 };

/* Loads of several times a link's rate are cut there; chosen. */
#define MOST_LOAD 4

enum {
    RATE,
    DELAY,
    FROM_START,
    FROM_END,
    FIRST,
    LAST,
    LOAD,
    LOAD_QUEUE,
    FLOWS,
    ACTIVE_MEAN,
    ACTIVE,                         /* p50, p90, p99 */
    BEFORE_FB = ACTIVE + N_STATS,   /* mean, p90, p99 */
    AFTER_FB = BEFORE_FB + N_STATS, /* … */
    ON_WIRE = AFTER_FB + N_STATS,   /* … */
    ARRIVALS = ON_WIRE + N_STATS,
    FROM_PREVIOUS,
    TO_NEXT,
    FOREGROUND,
    SIZES,
    BUCKETS = SIZES + N_SIZES,
    SLOWDOWN = BUCKETS + SIZEBUCKET_N,
    BURSTS = SLOWDOWN + SIZEBUCKET_N * N_PCT,
    NEIGHBOURS, /* a LinkNeighbours */
    N_FEATURES = NEIGHBOURS + 5
};
_Static_assert((int)N_FEATURES == (int)FLOWFEAT_N_LINK, "every value has its place");

const char *const flowfeat_link_names[FLOWFEAT_N_LINK] = {
    [RATE] = "rate_ln",
    [DELAY] = "delay_per_rtt",
    [FROM_START] = "position_from_start",
    [FROM_END] = "position_from_end",
    [FIRST] = "is_first",
    [LAST] = "is_last",
    [LOAD] = "load",
    [LOAD_QUEUE] = "idle_share_ln",
    [FLOWS] = "flows_to_4096_ln1p",
    [ACTIVE_MEAN] = "active_mean_ln1p",
    [ACTIVE] = "active_p50_ln1p",
    [ACTIVE + 1] = "active_p90_ln1p",
    [ACTIVE + 2] = "active_p99_ln1p",
    [BEFORE_FB] = "fresh_queue_mean_per_rtt_ln1p",
    [BEFORE_FB + 1] = "fresh_queue_p90_per_rtt_ln1p",
    [BEFORE_FB + 2] = "fresh_queue_p99_per_rtt_ln1p",
    [AFTER_FB] = "old_queue_mean_per_rtt_ln1p",
    [AFTER_FB + 1] = "old_queue_p90_per_rtt_ln1p",
    [AFTER_FB + 2] = "old_queue_p99_per_rtt_ln1p",
    [ON_WIRE] = "in_flight_mean_per_rtt_ln1p",
    [ON_WIRE + 1] = "in_flight_p90_per_rtt_ln1p",
    [ON_WIRE + 2] = "in_flight_p99_per_rtt_ln1p",
    [ARRIVALS] = "arrivals_per_rtt_ln",
    [FROM_PREVIOUS] = "bits_from_previous_link",
    [TO_NEXT] = "bits_to_next_link",
    [FOREGROUND] = "bits_of_foreground",
    [SIZES] = "bits_in_flows_below_0.1_bdp",
    [SIZES + 1] = "bits_in_flows_below_1_bdp",
    [SIZES + 2] = "bits_in_flows_below_10_bdp",
    [SIZES + 3] = "bits_in_flows_below_100_bdp",
    [SIZES + 4] = "bits_in_larger_flows",
    [BUCKETS] = "flows_in_bucket_0",
    [BUCKETS + 1] = "flows_in_bucket_1",
    [BUCKETS + 2] = "flows_in_bucket_2",
    [BUCKETS + 3] = "flows_in_bucket_3",
    [SLOWDOWN] = "slowdown_p50_bucket_0_ln",
    [SLOWDOWN + 1] = "slowdown_p90_bucket_0_ln",
    [SLOWDOWN + 2] = "slowdown_p99_bucket_0_ln",
    [SLOWDOWN + 3] = "slowdown_p50_bucket_1_ln",
    [SLOWDOWN + 4] = "slowdown_p90_bucket_1_ln",
    [SLOWDOWN + 5] = "slowdown_p99_bucket_1_ln",
    [SLOWDOWN + 6] = "slowdown_p50_bucket_2_ln",
    [SLOWDOWN + 7] = "slowdown_p90_bucket_2_ln",
    [SLOWDOWN + 8] = "slowdown_p99_bucket_2_ln",
    [SLOWDOWN + 9] = "slowdown_p50_bucket_3_ln",
    [SLOWDOWN + 10] = "slowdown_p90_bucket_3_ln",
    [SLOWDOWN + 11] = "slowdown_p99_bucket_3_ln",
    [BURSTS] = "gap_variation_ln1p",
    [NEIGHBOURS] = "load_on_way_back",
    [NEIGHBOURS + 1] = "load_ahead_max",
    [NEIGHBOURS + 2] = "load_ahead_mean",
    [NEIGHBOURS + 3] = "load_beside_max",
    [NEIGHBOURS + 4] = "load_beside_mean",
};

/* ---- histogram of slowdowns ---- */

/* A bin is what floats have in common in all but their lowest 17 bits: 64 bins between powers of
 * two, at most 1.6 % wide, finer than the model's errors of several per cent. They go from 1 (whose
 * bits these are) to 2^20; slowdowns above count as that. */
enum {
    BIN_SHIFT = 17,
    BINS_PER_OCTAVE = 64,
    N_BINS = 20 * BINS_PER_OCTAVE,
    BITS_OF_ONE = 0x3F800000
};

/* Bit patterns of positive floats order like the floats. */
static uint32_t bin_of(float slowdown) {
    uint32_t bits;
    memcpy(&bits, &slowdown, sizeof bits);
    bits = bits > BITS_OF_ONE ? (bits - BITS_OF_ONE) >> BIN_SHIFT : 0;
    return bits < N_BINS ? bits : N_BINS - 1;
}

static float lower_edge(uint32_t bin) {
    uint32_t bits = BITS_OF_ONE + (bin << BIN_SHIFT);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The p-th percentile to the width of a bin, its lower edge: so a slowdown of 1 stays 1. */
static float percentile_of(const uint32_t *bins, uint32_t count, double p) {
    uint32_t rank = (uint32_t)stats_rank(count, p), bin = 0;
    for (uint32_t below = bins[0]; below <= rank; below += bins[bin]) bin++;
    return lower_edge(bin);
}

/* ---- sums ---- */

/* Of the simulated flows of a link that count. */
typedef struct {
    double flow_ns;                              /* Σ of the flows' times, */
    double size_ns[N_SIZES], size_bits[N_SIZES]; /* by size class, and Σ of their bits */
    uint32_t bucket[SIZEBUCKET_N];
    uint32_t *bins; /* [SIZEBUCKET_N × N_BINS] slowdowns */
} LinkFluid;

static void add_flow(LinkFluid *s, double bits, double fct_ns, int size, int bucket, uint32_t bin) {
    s->flow_ns += fct_ns;
    s->size_ns[size] += fct_ns;
    s->size_bits[size] += bits;
    s->bucket[bucket]++;
    s->bins[(uint32_t)bucket * N_BINS + bin]++;
}

static LinkFluid *sum_up(const Lot *lot, const FlowFeatFluid *f, double bdp_bits, Arena *a) {
    LinkFluid *sums = ARENA_NEW(a, LinkFluid, lot->n_links);
    size_t n_bins = (size_t)SIZEBUCKET_N * N_BINS;
    uint32_t *bins = ARENA_NEW(a, uint32_t, n_bins * lot->n_links);
    memset(bins, 0, n_bins * lot->n_links * sizeof *bins);
    for (uint32_t l = 0; l < lot->n_links; l++) sums[l] = (LinkFluid){.bins = bins + l * n_bins};
    for (size_t i = 0; i < f->n; i++) {
        if (f->counted && !f->counted[i]) continue;
        const LotFlow *flow = &f->flows[i];
        double bits = wire_bits(flow->size_b);
        int size = flowfeat_size_class(bits, bdp_bits), bucket = sizebucket_of(flow->size_b);
        uint32_t bin = bin_of(f->slowdown[i]);
        for (uint32_t l = flow->s; l < flow->d; l++)
            add_flow(&sums[l], bits, f->fct_ns[i], size, bucket, bin);
    }
    return sums;
}

/* Σ of the times of all flows of a link from those that count: in each class time per bit; in one
 * of which none counts, as overall. */
static double all_flow_ns(const LinkFluid *counted, const FlowFeatLinkTraffic *all) {
    double ns = 0, known_bits = 0;
    for (int k = 0; k < N_SIZES; k++) {
        if (counted->size_bits[k] == 0) continue;
        ns += counted->size_ns[k] * (all->size_bits[k] / counted->size_bits[k]);
        known_bits += all->size_bits[k];
    }
    return known_bits > 0 ? ns * (all->bits / known_bits) : 0;
}

/* ---- features ---- */

static void describe_position(const Lot *lot, uint32_t l, const FlowFeatScale *s, float *out) {
    out[RATE] = flowfeat_ln(lot->rate_bps[l] * 1e-9 / s->b, 2);
    out[DELAY] = (float)(lot->delay_ns[l] / s->rtt_ns);
    /* 8 links: the longest path that the shipped model serves. */
    out[FROM_START] = (float)l / 8;
    out[FROM_END] = (float)(lot->n_links - 1 - l) / 8;
    out[FIRST] = l == 0 ? 1 : 0;
    out[LAST] = l + 1 == lot->n_links ? 1 : 0;
}

static void describe_neighbours(const LinkNeighbours *x, float *out) {
    const float load[] = {x->reverse, x->next_max, x->next_mean, x->sibling_max, x->sibling_mean};
    for (size_t k = 0; k < sizeof load / sizeof *load; k++) out[k] = fminf(load[k], MOST_LOAD);
}

static void describe_traffic(const FlowFeatLinkTraffic *t, double flow_ns, double rate,
                             const FlowFeatScale *s, float *out) {
    double bits = fmax(t->bits, 1), flows = fmax(t->flows, 1), load = t->bits / (rate * s->span_ns),
           gaps = fmax(t->flows - 1.0, 1);
    double mean_gap_ns = t->gaps.ns / gaps;
    out[LOAD] = (float)fmin(load, MOST_LOAD);
    out[LOAD_QUEUE] = flowfeat_ln(fmax(1 - load, FLOWFEAT_LEAST_IDLE), -2);
    out[FLOWS] = flowfeat_ln1p(fmin(t->flows, MANY), 8);
    out[ACTIVE_MEAN] = flowfeat_ln1p(flow_ns / s->span_ns, 2);
    out[ARRIVALS] = flowfeat_ln(t->flows * s->rtt_ns / s->span_ns, 4);
    out[FROM_PREVIOUS] = (float)(t->previous_bits / bits);
    out[TO_NEXT] = (float)(t->next_bits / bits);
    out[FOREGROUND] = (float)(t->foreground_bits / bits);
    out[BURSTS] =
        mean_gap_ns > 0
            ? flowfeat_ln1p(fmax(t->gaps.ns2 / gaps / (mean_gap_ns * mean_gap_ns) - 1, 0), 2)
            : 0;
    for (int k = 0; k < N_SIZES; k++) out[SIZES + k] = (float)(t->size_bits[k] / bits);
    for (int b = 0; b < SIZEBUCKET_N; b++) out[BUCKETS + b] = (float)(t->bucket[b] / flows);
}

static void describe_slowdowns(const LinkFluid *t, float *out) {
    static const double p[N_PCT] = {50, 90, 99};
    for (int b = 0; b < SIZEBUCKET_N; b++)
        for (int k = 0; k < N_PCT; k++)
            out[b * N_PCT + k] =
                t->bucket[b]
                    ? flowfeat_ln(percentile_of(t->bins + b * N_BINS, t->bucket[b], p[k]), 2)
                    : 0;
}

static void three_of(float *values, size_t n, bool mean_first, float out[N_STATS]) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    stats_sort_f32(values, n);
    for (int k = 0; k < N_STATS; k++)
        out[k] = n ? values[stats_rank(n, k == 0 ? 50 : k == 1 ? 90 : 99)] : 0;
    if (mean_first && n) out[0] = (float)(sum / (double)n);
}

/* Each quantity over the probes; n_active: flows active on the link, p50, p90 and p99 over the
 * probes; values: [4 × n_probes] scratch. */
static void describe_probes(const FlowFeatPlan *plan, uint32_t n_links, uint32_t l, double rate,
                            const FlowFeatScale *s, float *values, float n_active[N_STATS],
                            float *out) {
    size_t n = plan->n_probes, i = 0;
    float *active = values, *before = values + n, *after = values + 2 * n,
          *in_flight = values + 3 * n;
    double pipe = rate * s->rtt_ns;
    for (size_t k = 0; k < plan->arrivals.n; k++) {
        if (!(plan->role[k] & FLOWFEAT_PROBE)) continue;
        const LinkState *state = &plan->arrivals.state[k * n_links + l];
        active[i] = state->n_active;
        before[i] = flowfeat_ln1p(
            flowfeat_queue_bits(&state->before_feedback, s->bdp_bits, s->rtt_ns) / pipe, 1);
        after[i] = flowfeat_ln1p(
            flowfeat_queue_bits(&state->after_feedback, s->bdp_bits, s->rtt_ns) / pipe, 1);
        in_flight[i++] = flowfeat_ln1p(
            fmin((double)state->left_bits, (double)state->n_active * s->bdp_bits) / pipe, 2);
    }
    three_of(active, n, false, n_active);
    for (int k = 0; k < N_STATS; k++) out[ACTIVE + k] = flowfeat_ln1p((double)n_active[k], 2);
    three_of(before, n, true, out + BEFORE_FB);
    three_of(after, n, true, out + AFTER_FB);
    three_of(in_flight, n, true, out + ON_WIRE);
}

void flowfeat_links(FlowFeat *m, const Lot *lot, const FlowFeatFluid *f, const FlowFeatPlan *plan,
                    Arena *a) {
    const FlowFeatScale *s = &m->scale;
    const LinkFluid *sums = sum_up(lot, f, s->bdp_bits, a);
    float *values = ARENA_NEW(a, float, 4 * (size_t)plan->n_probes);
    for (uint32_t l = 0; l < lot->n_links; l++) {
        const FlowFeatLinkTraffic *all = &f->all->link[l];
        float *out = m->link + (size_t)l * FLOWFEAT_N_LINK;
        double rate = lot->rate_bps[l] * 1e-9;
        describe_position(lot, l, s, out);
        describe_traffic(all, f->counted ? all_flow_ns(&sums[l], all) : sums[l].flow_ns, rate, s,
                         out);
        float n_active[N_STATS];
        describe_probes(plan, lot->n_links, l, rate, s, values, n_active, out);
        for (int k = 0; k < 2; k++) /* p50 and p99 */
            m->scale.active[k] = fmax(m->scale.active[k], rounded_ln1p((double)n_active[2 * k], 2));
        describe_slowdowns(&sums[l], out + SLOWDOWN);
        if (l > 0) m->scale.load = fmax(m->scale.load, (double)out[LOAD]);
        describe_neighbours(lot->neighbours ? &lot->neighbours[l] : &(LinkNeighbours){0},
                            out + NEIGHBOURS);
    }
}

/* ---- the path ---- */

_Static_assert((int)N_PATH_FEATURES == (int)FLOWFEAT_N_PATH, "every value has its place");

const char *const flowfeat_path_names[FLOWFEAT_N_PATH] = {
    [P_LINKS] = "links_ln",
    [P_HOST_RATE] = "host_rate_per_10gbps_ln",
    [P_RTT] = "rtt_per_10us_ln",
    [P_BDP] = "bdp_per_10kb_ln",
    [P_CC + CC_DCTCP] = "cc_dctcp",
    [P_CC + CC_DCQCN] = "cc_dcqcn",
    [P_CC + CC_HPCC] = "cc_hpcc",
    [P_CC + CC_TIMELY] = "cc_timely",
    [P_PFC] = "pfc",
    [P_WINDOW] = "window_per_bdp_ln",
    [P_BUFFER] = "buffer_per_bdp_ln",
    [P_DCTCP_K] = "dctcp_k_per_bdp_ln1p",
    [P_DCQCN_KMIN] = "dcqcn_kmin_per_bdp_ln1p",
    [P_DCQCN_KMAX] = "dcqcn_kmax_per_bdp_ln1p",
    [P_HPCC_ETA] = "hpcc_eta",
    [P_HPCC_AI] = "hpcc_ai_per_tenth_of_host_rate",
    [P_TIMELY_TLOW] = "timely_tlow_per_rtt_ln1p",
    [P_TIMELY_THIGH] = "timely_thigh_per_rtt_ln1p",
    [P_SLOWEST] = "slowest_link_ln",
    [P_FASTEST] = "fastest_link_ln",
    [P_FLOWS] = "foreground_flows_to_256_ln1p",
    [P_BUCKETS] = "foreground_in_bucket_0",
    [P_BUCKETS + 1] = "foreground_in_bucket_1",
    [P_BUCKETS + 2] = "foreground_in_bucket_2",
    [P_BUCKETS + 3] = "foreground_in_bucket_3",
    [P_FOREGROUND] = "bits_of_foreground_max",
    [P_LOAD] = "load_max",
    [P_ACTIVE] = "active_mean_max_ln1p",
    [P_SLOWDOWN] = "foreground_slowdown_bucket_0_mean_ln",
    [P_SLOWDOWN + 1] = "foreground_slowdown_bucket_1_mean_ln",
    [P_SLOWDOWN + 2] = "foreground_slowdown_bucket_2_mean_ln",
    [P_SLOWDOWN + 3] = "foreground_slowdown_bucket_3_mean_ln",
    [P_OVERFLOW] = "windows_of_active_p50_per_buffer_ln1p",
    [P_OVERFLOW + 1] = "windows_of_active_p99_per_buffer_ln1p",
    [P_IDLE] = "idle_share_below_target_ln",
};

static void describe_shape(const FlowFeat *m, const Lot *lot, float *out) {
    const FlowFeatScale *s = &m->scale;
    double slowest = INFINITY, fastest = 0;
    for (uint32_t l = 0; l < lot->n_links; l++) {
        const float *link = m->link + (size_t)l * FLOWFEAT_N_LINK;
        slowest = fmin(slowest, lot->rate_bps[l]);
        fastest = fmax(fastest, lot->rate_bps[l]);
        out[P_FOREGROUND] = fmaxf(out[P_FOREGROUND], link[FOREGROUND]);
        out[P_LOAD] = fmaxf(out[P_LOAD], link[LOAD]);
        out[P_ACTIVE] = fmaxf(out[P_ACTIVE], link[ACTIVE_MEAN]);
    }
    out[P_LINKS] = flowfeat_ln(lot->n_links, 2);
    out[P_HOST_RATE] = flowfeat_ln(s->b / 10, 2);
    out[P_RTT] = flowfeat_ln(s->rtt_ns / 10e3, 2);
    out[P_BDP] = flowfeat_ln(s->bdp_bits / 80e3, 2);
    out[P_SLOWEST] = flowfeat_ln(slowest * 1e-9 / s->b, 2);
    out[P_FASTEST] = flowfeat_ln(fastest * 1e-9 / s->b, 2);
}

/* Means per bucket of the logarithm of the foreground's slowdown: of all of it, or of the sampled
 * flows if only some are simulated. */
static void describe_foreground(const Lot *lot, const FlowFeatFluid *f, const FlowFeatPlan *plan,
                                float *out) {
    double sum[SIZEBUCKET_N] = {0};
    uint32_t n[SIZEBUCKET_N] = {0};
    size_t n_candidates = f->counted ? plan->arrivals.n : f->n;
    for (size_t k = 0; k < n_candidates; k++) {
        size_t i = f->counted ? plan->arrivals.flow[k] : k;
        if (f->counted ? !(plan->role[k] & FLOWFEAT_FOREGROUND)
                       : !lot_is_foreground(lot->n_links, f->flows[i].s, f->flows[i].d))
            continue;
        int b = sizebucket_of(f->flows[i].size_b);
        sum[b] += log(f->slowdown[i]);
        n[b]++;
    }
    for (int b = 0; b < SIZEBUCKET_N; b++)
        out[P_SLOWDOWN + b] = (float)(sum[b] / fmax(n[b], 1) / 2);
}

void flowfeat_path(FlowFeat *m, const Lot *lot, const FlowFeatFluid *f, const FlowFeatPlan *plan) {
    float *out = m->path;
    double total = 0;
    describe_shape(m, lot, out);
    describe_foreground(lot, f, plan, out);
    for (int b = 0; b < SIZEBUCKET_N; b++) total += m->bucket_count[b];
    out[P_FLOWS] = flowfeat_ln1p(fmin(total, MANY_FOREGROUND), 8);
    for (int b = 0; b < SIZEBUCKET_N; b++)
        out[P_BUCKETS + b] = (float)(m->bucket_count[b] / fmax(total, 1));
}
