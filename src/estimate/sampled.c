/* sampled: from windows to a distribution.
 *
 * Which sizes a window's flows have is chance, but the run's sizes are known. So flows are weighted
 * such that every size class has its share of the whole run (post-stratification: Cochran, Sampling
 * Techniques, chapter 5A); classes of few flows are joined with their neighbours.
 *
 * Flows of one window share their fate, so the error comes from drawing windows anew, not flows (a
 * block bootstrap: Künsch 1989), with the weights computed again for each draw. The standard
 * deviation of a quantile's logarithm over the resamples is its error. Two corrections: n windows
 * drawn from n vary too little by (n − 1)/n, and a quantile with few flows above it is hardly moved
 * by resampling, so that a tail of k flows counts as uncertain by at least 1/sqrt(k) of the
 * distance between neighbouring quantiles. Added to that is what windows of any number get wrong:
 * the state that they begin with (STATE_DEVIATION), the more so the higher the load. */
#include "estimate/sampled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"

enum { N_RESAMPLES = 200, LEAST_OF_CLASS = 30 };
/* With many more flows above a quantile than this, resampling says how uncertain it is. */
static const double FEW_ABOVE = 30;

/* Standard deviation of log(sampled / truth) that more windows don't lower: of any network; per
 * error of log(capacity), times load / (1 − load), with which queues grow, at most MOST_PER_ERROR;
 * per load above MUCH_LOAD, where flows pile up over longer than any window, and the more so above
 * FULL_LOAD; and per root of the share of packets lost. Chosen such that intervals cover the truth
 * of fully simulated networks (ckpts/README.md). */
static const double STATE_DEVIATION = 0.01, STATE_PER_ERROR = 0.3, MOST_PER_ERROR = 3,
                    MUCH_LOAD = 0.7, STATE_PER_LOAD = 0.4, FULL_LOAD = 0.9, STATE_PER_FULL = 1.2,
                    STATE_PER_DROPS = 5;

/* A measured flow, as the walk over ascending slowdowns needs it. */
typedef struct {
    float slowdown;
    uint32_t window;
    uint8_t group, bucket;
} SampledFlow;

typedef struct {
    const SampledFlow *flow; /* [n] ascending by slowdown */
    size_t n, n_windows;
    int n_groups;
    double group_share[WINDOWS_N_CLASSES]; /* of the run's flows */
    uint32_t *group_n;                     /* [n_windows × n_groups] flows */
    uint64_t seed;
    double *result; /* [N_RESAMPLES][RESULT_N_DISTS][RESULT_N_QUANTILES] logarithms */
} Resampling;

double sampled_t(double n) {
    /* Hill's expansion around the normal quantile; within 1 % from n = 2 on. */
    const double z = 1.959964, z3 = z * z * z, z5 = z3 * z * z;
    if (n < 1.5) return 12.706;
    return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) + (n < 3 ? 0.6 : 0);
}

/* ---- groups of size classes ---- */

static int make_groups(const Windows *w, uint8_t group_of[WINDOWS_N_CLASSES],
                       double share[WINDOWS_N_CLASSES]) {
    size_t n[WINDOWS_N_CLASSES] = {0}, in_group = 0;
    int g = 0;
    for (size_t i = 0; i < w->n_flows; i++) n[windows_class(w->flows[i].size_b)]++;
    memset(share, 0, WINDOWS_N_CLASSES * sizeof *share);
    for (int k = 0; k < WINDOWS_N_CLASSES; k++) {
        if (in_group >= LEAST_OF_CLASS && n[k] > 0) g++, in_group = 0;
        group_of[k] = (uint8_t)g;
        share[g] += w->class_share[k];
        in_group += n[k];
    }
    if (in_group < LEAST_OF_CLASS && g > 0) { /* the last one is too small */
        share[g - 1] += share[g];
        for (int k = 0; k < WINDOWS_N_CLASSES; k++)
            if (group_of[k] == g) group_of[k] = (uint8_t)(g - 1);
        g--;
    }
    return g + 1;
}

static int by_slowdown(const void *a, const void *b) {
    const SampledFlow *x = a, *y = b;
    if (x->slowdown != y->slowdown) return x->slowdown < y->slowdown ? -1 : 1;
    return x->window < y->window ? -1 : x->window > y->window;
}

/* ---- quantiles under weights of the windows ---- */

/* The weight of a flow of each group, given how often each window was drawn. */
static void group_weights(const Resampling *r, const double *times, double *weight) {
    for (int g = 0; g < r->n_groups; g++) {
        double n = 0;
        for (size_t k = 0; k < r->n_windows; k++)
            n += times[k] * r->group_n[k * (size_t)r->n_groups + (size_t)g];
        weight[g] = n > 0 ? r->group_share[g] / n : 0;
    }
}

static void masses(const Resampling *r, const double *times, const double *weight,
                   double mass[RESULT_N_DISTS]) {
    memset(mass, 0, RESULT_N_DISTS * sizeof *mass);
    for (size_t i = 0; i < r->n; i++) {
        double m = times[r->flow[i].window] * weight[r->flow[i].group];
        mass[RESULT_ALL] += m;
        mass[result_of_bucket(r->flow[i].bucket)] += m;
    }
}

/* Writes value[d × n_levels + k], the quantiles at ascending levels; NAN without flows. */
static void quantiles(const Resampling *r, const double *times, const double *level, int n_levels,
                      double share[RESULT_N_DISTS], double *value) {
    double weight[WINDOWS_N_CLASSES], mass[RESULT_N_DISTS], sum[RESULT_N_DISTS] = {0};
    int next[RESULT_N_DISTS] = {0};
    group_weights(r, times, weight);
    masses(r, times, weight, mass);
    for (int i = 0; i < RESULT_N_DISTS * n_levels; i++) value[i] = NAN;
    for (size_t i = 0; i < r->n; i++) {
        const SampledFlow *f = &r->flow[i];
        double m = times[f->window] * weight[f->group];
        if (m <= 0) continue;
        for (int pass = 0; pass < 2; pass++) {
            int d = pass == 0 ? RESULT_ALL : result_of_bucket(f->bucket);
            sum[d] += m;
            /* The margin: sums of weights are rounded. */
            while (next[d] < n_levels && sum[d] >= level[next[d]] * mass[d] * (1 - 1e-12))
                value[d * n_levels + next[d]++] = (double)f->slowdown;
        }
    }
    for (int d = 0; share && d < RESULT_N_DISTS; d++)
        share[d] = mass[RESULT_ALL] > 0 ? mass[d] / mass[RESULT_ALL] : 0;
}

static void resample(void *ctx, size_t item, int worker) {
    (void)worker;
    const Resampling *r = ctx;
    double *times = MEM_ZNEW(double, r->n_windows);
    Rng rng = rng_stream(r->seed, "resampled windows", item);
    for (size_t k = 0; k < r->n_windows; k++) times[rng_below(&rng, r->n_windows)]++;
    quantiles(r, times, result_levels, RESULT_N_QUANTILES, NULL,
              r->result + item * RESULT_N_DISTS * RESULT_N_QUANTILES);
    free(times);
}

/* ---- the error ---- */

/* Standard deviation of the logarithm over the resamples that have flows. */
static double resampled_deviation(const Resampling *r, int d, int k) {
    double sum = 0, sum2 = 0, n = 0;
    for (size_t i = 0; i < N_RESAMPLES; i++) {
        double x = r->result[(i * RESULT_N_DISTS + (size_t)d) * RESULT_N_QUANTILES + (size_t)k];
        if (isnan(x)) continue;
        x = log(x);
        sum += x;
        sum2 += x * x;
        n++;
    }
    if (n < 2) return 1;
    double windows = (double)r->n_windows, v = fmax(sum2 - sum * sum / n, 0) / (n - 1);
    return windows > 1 ? sqrt(v * windows / (windows - 1)) : 1;
}

/* The least error of quantile k if n flows make the distribution: see above. */
static double tail_deviation(const SlowdownDist *dist, int k, double n) {
    double above = n * (1 - result_levels[k]);
    int below = k > 0 ? k - 1 : 0;
    double step = log(dist->q[k].value / dist->q[below].value);
    if (above < 1) return fmax(step, 0.5);
    return step / 2 / sqrt(above) * fmin(1, FEW_ABOVE / above);
}

/* What the state at the windows' beginnings may be wrong by. */
static double state_deviation(const Windows *w) {
    double room = fmax(1 - w->max_load, 1e-3),
           error = fmin(STATE_PER_ERROR * w->max_load / room, MOST_PER_ERROR) * w->capacity_error,
           load = STATE_PER_LOAD * fmax(w->max_load - MUCH_LOAD, 0) +
                  STATE_PER_FULL * fmin(fmax(w->max_load - FULL_LOAD, 0), 0.2),
           drops = w->n_packets > 0
                       ? STATE_PER_DROPS * sqrt((double)w->n_drops / (double)w->n_packets)
                       : 0;
    return sqrt(STATE_DEVIATION * STATE_DEVIATION + error * error + load * load + drops * drops);
}

static void put_errors(const Windows *w, const Resampling *r, Sampled *out) {
    double t = sampled_t((double)w->n_windows - 1), state = state_deviation(w);
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        SlowdownDist *dist = &out->slowdown.dist[d];
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            SlowdownQuantile *q = &dist->q[k];
            if (isnan(q->value)) {
                out->deviation[d][k] = NAN;
                continue;
            }
            double v = fmax(resampled_deviation(r, d, k),
                            tail_deviation(dist, k, (double)w->n_flows * dist->share));
            /* A quantile at 1 or near it cannot be far off. */
            double near = fmin(1, 4 * log(q->value) + 0.05);
            v = hypot(v, near * state);
            out->deviation[d][k] = v;
            q->lo = fmax(1, q->value * exp(-t * v));
            q->hi = q->value * exp(t * v);
        }
    }
}

/* ---- all together ---- */

static void prepare(const Windows *w, Resampling *r, SampledFlow *flow) {
    uint8_t group_of[WINDOWS_N_CLASSES];
    r->n_groups = make_groups(w, group_of, r->group_share);
    r->group_n = MEM_ZNEW(uint32_t, r->n_windows * (size_t)r->n_groups);
    for (size_t i = 0; i < w->n_flows; i++) {
        const WindowFlow *f = &w->flows[i];
        uint8_t g = group_of[windows_class(f->size_b)];
        flow[i] = (SampledFlow){.slowdown = f->slowdown,
                                .window = f->window,
                                .group = g,
                                .bucket = (uint8_t)sizebucket_of(f->size_b)};
        r->group_n[f->window * (size_t)r->n_groups + g]++;
    }
    qsort(flow, w->n_flows, sizeof *flow, by_slowdown);
}

void sampled_of(const Windows *w, uint64_t seed, int threads, Sampled *out) {
    SampledFlow *flow = MEM_NEW(SampledFlow, w->n_flows);
    Resampling r = {.flow = flow, .n = w->n_flows, .n_windows = w->n_windows, .seed = seed};
    double percent[STATS_N_PCT], value[RESULT_N_DISTS * STATS_N_PCT], share[RESULT_N_DISTS],
        q[RESULT_N_DISTS * RESULT_N_QUANTILES];
    double *once = MEM_NEW(double, r.n_windows);
    prepare(w, &r, flow);
    for (size_t k = 0; k < r.n_windows; k++) once[k] = 1;
    for (int p = 0; p < STATS_N_PCT; p++) percent[p] = (p + 1) / 100.0;
    quantiles(&r, once, percent, STATS_N_PCT, share, value);
    quantiles(&r, once, result_levels, RESULT_N_QUANTILES, NULL, q);
    *out = (Sampled){0};
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        SlowdownDist *dist = &out->slowdown.dist[d];
        dist->share = share[d];
        memcpy(dist->percentiles, value + d * STATS_N_PCT, sizeof dist->percentiles);
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            double x = q[d * RESULT_N_QUANTILES + k];
            dist->q[k] = (SlowdownQuantile){x, x, x};
            out->deviation[d][k] = isnan(x) ? (double)NAN : 0;
        }
    }
    if (!w->whole) {
        r.result = MEM_NEW(double, N_RESAMPLES *RESULT_N_DISTS *RESULT_N_QUANTILES);
        par_for(N_RESAMPLES, threads, resample, &r);
        put_errors(w, &r, out);
        free(r.result);
    }
    free(once);
    free(r.group_n);
    free(flow);
}
