/* aggregate: the network's slowdown distribution as a mixture over sampled paths.
 *
 * A path drawn in proportion to its flows stands for one draw of a flow (the paper, section 3), so
 * every draw weighs the same, and within a path the buckets weigh as its own flows do: with c flows
 * of bucket b among n, the path's distribution of that bucket enters the network's with weight
 * n_draws · c/n. All paths with n_draws = n make this the exact distribution over flows.
 *
 * What is known of a path's distribution (single flows, percentiles, quantiles) becomes part of one
 * curve per bucket (mixcdf.c), which gives quantiles under any weights of the paths.
 *
 * Intervals: the draws are drawn again with replacement (a multinomial per resample), and the 2.5th
 * and 97.5th percentile of the quantile over the resamples bound it (Efron's percentile bootstrap).
 * They cover the sampling of paths only (the model's own error: modelerror.c). Left out: what no
 * drawn path shows; an interval of a quantile near the largest drawn flows is too narrow. */
#include "estimate/aggregate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "estimate/mixcdf.h"
#include "traffic/sizebucket.h"

/* Resamples. The 2.5th percentile of 200 has a standard error of a tenth of the interval's
 * half-width (of a normal distribution), and 200 cost 45 ms of one core for 500 paths
 * (tests/bench/README.md); the error falls with the root of their number, the cost grows in
 * proportion. */
enum { DEFAULT_BOOTSTRAP = 200 };

const float aggregate_levels[AGGREGATE_N_LEVELS] = {
    0.001f, 0.005f, 0.01f, 0.02f,  0.03f,  0.04f,   0.06f,   0.08f,  0.1f,  0.125f, 0.15f, 0.175f,
    0.2f,   0.225f, 0.25f, 0.275f, 0.3f,   0.325f,  0.35f,   0.375f, 0.4f,  0.425f, 0.45f, 0.475f,
    0.5f,   0.525f, 0.55f, 0.575f, 0.6f,   0.625f,  0.65f,   0.675f, 0.7f,  0.725f, 0.75f, 0.775f,
    0.8f,   0.825f, 0.85f, 0.875f, 0.9f,   0.915f,  0.93f,   0.94f,  0.95f, 0.96f,  0.97f, 0.975f,
    0.98f,  0.985f, 0.99f, 0.994f, 0.997f, 0.9985f, 0.9995f, 0.9999f};

typedef struct {
    const AggregatePath *paths;
    size_t n;
    bool published;
    MixCdf curves[RESULT_N_DISTS]; /* ORDER BUCKET */
    double *weight;                /* [n] of each path as drawn */
} PathMixture;

static uint64_t n_flows_of(const AggregatePath *p) {
    uint64_t n = 0;
    for (int b = 0; b < SIZEBUCKET_N; b++) n += p->count[b];
    return n;
}

/* Builds the curve of one size bucket. */
static void build_bucket(void *ctx, size_t b, int worker) {
    (void)worker;
    PathMixture *m = ctx;
    MixCdf *c = &m->curves[result_of_bucket((int)b)];
    mixcdf_init(c, m->n);
    for (size_t i = 0; i < m->n; i++) {
        const AggregatePath *p = &m->paths[i];
        if (p->count[b] == 0) continue;
        c->mass[i] = m->published ? 1 : (double)p->count[b] / (double)n_flows_of(p);
        size_t before = 0;
        for (size_t k = 0; k < b; k++) before += p->count[k];
        if (p->curve)
            mixcdf_add_lines(c, p->curve + b * AGGREGATE_N_LEVELS, aggregate_levels,
                             AGGREGATE_N_LEVELS, c->mass[i], i);
        else if (!p->pct) mixcdf_add_points(c, p->slowdown + before, p->count[b], c->mass[i], i);
        else if (m->published) mixcdf_add_points(c, p->pct + b * STATS_N_PCT, STATS_N_PCT, 1, i);
        else mixcdf_add_percentiles(c, p->pct + b * STATS_N_PCT, c->mass[i], i);
    }
    mixcdf_sort(c);
}

/* The share of each bucket among all flows: every draw of a path stands for one flow. Published:
 * among the flows of the paths that were drawn at all, each path counted once. */
static void bucket_shares(const PathMixture *m, bool published, double share[SIZEBUCKET_N]) {
    double sum = 0;
    memset(share, 0, SIZEBUCKET_N * sizeof *share);
    for (size_t i = 0; i < m->n; i++) {
        double n = (double)n_flows_of(&m->paths[i]), weight = published ? n : m->weight[i];
        if (n == 0) continue;
        for (int b = 0; b < SIZEBUCKET_N; b++)
            share[b] += weight * ((double)m->paths[i].count[b] / n);
        sum += weight;
    }
    for (int b = 0; b < SIZEBUCKET_N; b++) share[b] = sum > 0 ? share[b] / sum : 0;
}

void aggregate_mix(const float *const *x, size_t n, const float *level, int n_levels,
                   float out[AGGREGATE_N_LEVELS]) {
    MixCdf c;
    double weight = 1, at[AGGREGATE_N_LEVELS], value[AGGREGATE_N_LEVELS];
    mixcdf_init(&c, 1);
    c.mass[0] = 1;
    for (size_t i = 0; i < n; i++) mixcdf_add_lines(&c, x[i], level, n_levels, 1 / (double)n, 0);
    mixcdf_sort(&c);
    for (int k = 0; k < AGGREGATE_N_LEVELS; k++) at[k] = (double)aggregate_levels[k];
    mixcdf_quantiles(&c, &weight, at, AGGREGATE_N_LEVELS, value);
    for (int k = 0; k < AGGREGATE_N_LEVELS; k++) out[k] = (float)value[k];
    mixcdf_free(&c);
}

typedef struct {
    const PathMixture *mix;
    const uint32_t *draw_path; /* [n_draws] */
    uint64_t n_draws, seed;
    double *weight; /* [workers × n] */
    double *result; /* [resamples × RESULT_N_DISTS × RESULT_N_QUANTILES] */
} Bootstrap;

static void resample(void *ctx, size_t r, int worker) {
    const Bootstrap *s = ctx;
    size_t n = s->mix->n;
    double *w = s->weight + (size_t)worker * n;
    Rng rng = rng_stream(s->seed, "bootstrap", r);
    memset(w, 0, n * sizeof *w);
    for (uint64_t i = 0; i < s->n_draws; i++) w[s->draw_path[rng_below(&rng, s->n_draws)]]++;
    for (int c = 0; c < RESULT_N_DISTS; c++)
        mixcdf_quantiles(&s->mix->curves[c], w, result_levels, RESULT_N_QUANTILES,
                         s->result + (r * RESULT_N_DISTS + (size_t)c) * RESULT_N_QUANTILES);
}

/* Sets [lo, hi] of quantile k of distribution c from the resamples that have flows of it. */
static void interval(const double *result, size_t n_resamples, size_t c, size_t k, double *column,
                     SlowdownQuantile *q) {
    size_t n = 0;
    for (size_t r = 0; r < n_resamples; r++) {
        double x = result[(r * RESULT_N_DISTS + c) * RESULT_N_QUANTILES + k];
        if (!isnan(x)) column[n++] = x;
    }
    if (n == 0) return;
    stats_sort(column, n);
    q->lo = column[stats_rank(n, 2.5)];
    q->hi = column[stats_rank(n, 97.5)];
}

static void mark_curve(void *ctx, size_t c, int worker) {
    (void)worker;
    PathMixture *m = ctx;
    mixcdf_mark(&m->curves[c]);
}

static void bootstrap(PathMixture *m, const AggregateOptions *o, int threads, Slowdowns *out) {
    Bootstrap s = {.mix = m, .seed = o->seed};
    par_for(RESULT_N_DISTS, threads, mark_curve, m);
    for (size_t i = 0; i < m->n; i++) s.n_draws += (uint64_t)m->weight[i];
    uint32_t *draw_path = MEM_NEW(uint32_t, s.n_draws);
    uint64_t at = 0;
    for (size_t i = 0; i < m->n; i++)
        for (uint64_t k = 0; k < (uint64_t)m->weight[i]; k++) draw_path[at++] = (uint32_t)i;
    size_t n = o->n_bootstrap > 0 ? (size_t)o->n_bootstrap : DEFAULT_BOOTSTRAP;
    s.draw_path = draw_path;
    s.weight = MEM_NEW(double, (size_t)par_resolve(threads) * m->n);
    s.result = MEM_NEW(double, n *RESULT_N_DISTS *RESULT_N_QUANTILES);
    double *column = MEM_NEW(double, n);
    par_for(n, threads, resample, &s);
    for (int c = 0; c < RESULT_N_DISTS; c++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            interval(s.result, n, (size_t)c, (size_t)k, column, &out->dist[c].q[k]);
    free(column);
    free(s.result);
    free(s.weight);
    free(draw_path);
}

static void find_tail(const PathMixture *m, double p99, AggregateTail *tail) {
    double sum = 0;
    mixcdf_paths(&m->curves[RESULT_ALL], p99, 0.99, tail->share, tail->p99);
    for (size_t i = 0; i < m->n; i++) sum += tail->share[i] *= m->weight[i];
    for (size_t i = 0; i < m->n; i++) tail->share[i] = sum > 0 ? tail->share[i] / sum : 0;
}

void aggregate(const AggregatePath *paths, size_t n, const AggregateOptions *o, int threads,
               Slowdowns *out) {
    aggregate_tail(paths, n, o, threads, out, NULL);
}

void aggregate_tail(const AggregatePath *paths, size_t n, const AggregateOptions *o, int threads,
                    Slowdowns *out, AggregateTail *tail) {
    assert(n < (1u << 30));
    PathMixture m = {
        .paths = paths, .n = n, .published = o->published, .weight = MEM_NEW(double, n)};
    for (size_t i = 0; i < n; i++) m.weight[i] = paths[i].n_draws;
    double share[SIZEBUCKET_N], published[SIZEBUCKET_N], scale[SIZEBUCKET_N], percent[STATS_N_PCT];
    bucket_shares(&m, false, share);
    if (o->published) bucket_shares(&m, true, published);
    par_for(SIZEBUCKET_N, threads, build_bucket, &m);

    /* The curve of all flows: bucket b scaled by scale[b]. */
    const MixCdf *part[SIZEBUCKET_N];
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        part[b] = &m.curves[result_of_bucket(b)];
        double mass = mixcdf_mass(part[b], m.weight);
        scale[b] = !o->published ? 1 : mass > 0 ? published[b] / mass : 0;
    }
    mixcdf_init(&m.curves[RESULT_ALL], n);
    mixcdf_merge(&m.curves[RESULT_ALL], part, scale, SIZEBUCKET_N);

    /* Percentiles and quantiles, as yet without intervals. */
    for (int p = 0; p < STATS_N_PCT; p++) percent[p] = (p + 1) / 100.0;
    for (int c = 0; c < RESULT_N_DISTS; c++) {
        SlowdownDist *d = &out->dist[c];
        double value[RESULT_N_QUANTILES];
        mixcdf_quantiles(&m.curves[c], m.weight, percent, STATS_N_PCT, d->percentiles);
        mixcdf_quantiles(&m.curves[c], m.weight, result_levels, RESULT_N_QUANTILES, value);
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            d->q[k] = (SlowdownQuantile){value[k], value[k], value[k]};
        d->share = c == RESULT_ALL ? 1 : share[c - 1];
    }
    if (tail) find_tail(&m, out->dist[RESULT_ALL].q[RESULT_P99].value, tail);
    if (!o->exhaustive && n > 0) bootstrap(&m, o, threads, out);
    for (int c = 0; c < RESULT_N_DISTS; c++) mixcdf_free(&m.curves[c]);
    free(m.weight);
}

static void describe_flows(double *x, size_t n, SlowdownDist *d) {
    stats_sort(x, n);
    for (int p = 0; p < STATS_N_PCT; p++) d->percentiles[p] = n ? x[stats_rank(n, p + 1)] : NAN;
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        double value = n ? x[stats_rank(n, 100 * result_levels[k])] : NAN;
        d->q[k] = (SlowdownQuantile){value, value, value};
    }
}

void aggregate_flows(const uint64_t *size_b, const double *slowdown, size_t n, Slowdowns *out) {
    double *x = MEM_NEW(double, n);
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (sizebucket_of(size_b[i]) == b) x[k++] = slowdown[i];
        SlowdownDist *d = &out->dist[result_of_bucket(b)];
        describe_flows(x, k, d);
        d->share = n ? (double)k / (double)n : 0;
    }
    if (n) memcpy(x, slowdown, n * sizeof *x);
    describe_flows(x, n, &out->dist[RESULT_ALL]);
    out->dist[RESULT_ALL].share = 1;
    free(x);
}
