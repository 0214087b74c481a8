/* Aggregation against theory: known mixtures, one path, equal weights, coverage of the intervals.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "estimate/aggregate.h"
#include "estimate/mixcdf.h"
#include "traffic/sizebucket.h"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g ± %g", got, want, tolerance);
}

/* Percentiles of a uniform distribution on [lo, hi]. */
static void uniform(float *pct, double lo, double hi) {
    for (int p = 1; p <= STATS_N_PCT; p++) pct[p - 1] = (float)(lo + (hi - lo) * p / 100);
}

static Slowdowns run(const AggregatePath *paths, size_t n, bool exhaustive) {
    Slowdowns r;
    aggregate(paths, n, &(AggregateOptions){.seed = 7, .exhaustive = exhaustive}, 2, &r);
    return r;
}

/* One path: the network has that path's percentiles, bucket by bucket, steps included. */
static void one_path_is_itself(void **state) {
    (void)state;
    float pct[SIZEBUCKET_N * STATS_N_PCT] = {0};
    for (int p = 0; p < STATS_N_PCT; p++) {
        pct[p] = (float)exp(0.03 * p);                      /* smooth */
        pct[STATS_N_PCT + p] = p < 60 ? 2 : p < 98 ? 3 : 9; /* three values */
        pct[3 * STATS_N_PCT + p] = 5;                       /* one */
    }
    AggregatePath path = {.n_draws = 3, .count = {10, 5, 0, 1}, .pct = pct};
    Slowdowns r = run(&path, 1, false);
    for (int p = 0; p < STATS_N_PCT; p++) {
        near(r.dist[1].percentiles[p], pct[p], 1e-6 * pct[p]);
        near(r.dist[2].percentiles[p], pct[STATS_N_PCT + p], 1e-5);
        near(r.dist[4].percentiles[p], 5, 0);
        assert_true(isnan(r.dist[3].percentiles[p]));
    }
    near(r.dist[1].q[RESULT_P99].value, pct[98], 1e-6 * pct[98]);
    near(r.dist[1].q[RESULT_P99_9].value, pct[98] + 0.9 * (double)(pct[99] - pct[98]),
         1e-6 * pct[99]);
    near(r.dist[1].q[RESULT_P90].lo, r.dist[1].q[RESULT_P90].value,
         0); /* one path: nothing to redraw */
    near(r.dist[1].share, 10.0 / 16, 1e-15);
    near(r.dist[3].share, 0, 0);
    near(r.dist[RESULT_ALL].share, 1, 0);
    assert_true(isnan(r.dist[3].q[RESULT_P99].value) && isnan(r.dist[3].q[RESULT_P99].hi));
}

/* ¼ U(1, 2) + ¾ U(1, 4): F(x) = (x−1)/2 up to 2, then ¼ + (x−1)/4. */
static double quantile_of_two(double q) { return q <= 0.5 ? 1 + 2 * q : 1 + 4 * (q - 0.25); }

static void mixture_of_uniforms(void **state) {
    (void)state;
    float a[SIZEBUCKET_N * STATS_N_PCT] = {0}, b[SIZEBUCKET_N * STATS_N_PCT] = {0};
    uniform(a, 1, 2);
    uniform(b, 1, 4);
    AggregatePath paths[] = {{.n_draws = 1, .count = {4}, .pct = a},
                             {.n_draws = 3, .count = {9}, .pct = b}};
    Slowdowns r = run(paths, 2, true);
    for (int p = 1; p <= STATS_N_PCT; p++) {
        near(r.dist[1].percentiles[p - 1], quantile_of_two(p / 100.0), 1e-5);
        near(r.dist[RESULT_ALL].percentiles[p - 1], quantile_of_two(p / 100.0), 1e-5);
    }
}

/* A path's bucket weighs draws · count / flows of the path: a half-mouse, half-elephant path drawn
 * once beside an all-elephant one drawn once makes elephants three quarters, of which the first
 * path is a third. */
static void shares_within_a_path(void **state) {
    (void)state;
    float a[SIZEBUCKET_N * STATS_N_PCT] = {0}, b[SIZEBUCKET_N * STATS_N_PCT] = {0};
    uniform(a, 1, 2);
    uniform(a + 3 * STATS_N_PCT, 10, 13);
    uniform(b + 3 * STATS_N_PCT, 20, 26);
    AggregatePath paths[] = {{.n_draws = 1, .count = {50, 0, 0, 50}, .pct = a},
                             {.n_draws = 1, .count = {0, 0, 0, 7}, .pct = b}};
    Slowdowns r = run(paths, 2, true);
    near(r.dist[4].share, 0.75, 1e-12);
    near(r.dist[4].percentiles[49], 20 + 6 * 0.25,
         1e-5); /* (0.5 − 1/3)/(2/3) = ¼ into the second path */
    near(r.dist[RESULT_ALL].percentiles[24], 2, 1e-5);
    near(r.dist[RESULT_ALL].percentiles[74], 20 + 6 * 0.5, 1e-5);
}

/* Many paths of few exponential flows each are one sample of the exponential: percentile vectors
 * must not shift it. */
static void no_bias_from_slices(void **state) {
    (void)state;
    enum { PATHS = 400 };
    float *pct = MEM_ZNEW(float, PATHS *SIZEBUCKET_N *STATS_N_PCT);
    AggregatePath *paths = MEM_ZNEW(AggregatePath, PATHS);
    for (int i = 0; i < PATHS; i++) {
        double scale =
            exp(-1.5 + 3.0 * i / (PATHS - 1)); /* quantiles of exponentials of different means */
        for (int p = 1; p <= STATS_N_PCT; p++)
            pct[i * SIZEBUCKET_N * STATS_N_PCT + p - 1] =
                (float)(1 + scale * -log(1 - (p == 100 ? 0.9995 : p / 100.0)));
        paths[i] = (AggregatePath){
            .n_draws = 1, .count = {100}, .pct = pct + i * SIZEBUCKET_N * STATS_N_PCT};
    }
    Slowdowns r = run(paths, PATHS, true);
    for (int p = 10; p <= 90; p += 20) {
        double x = r.dist[RESULT_ALL].percentiles[p - 1] - 1,
               f = 0; /* the mixture's true distribution function there */
        for (int i = 0; i < PATHS; i++)
            f += (1 - exp(-x / exp(-1.5 + 3.0 * i / (PATHS - 1)))) / PATHS;
        near(f, p / 100.0, 1e-3); /* steps at the percentiles would be off by 5e-3 */
    }
    free(paths);
    free(pct);
}

/* Single flows of equal weight: exactly stats_rank, whichever way they are spread over paths. */
static void flows_follow_stats_rank(void **state) {
    (void)state;
    for (size_t n = 1; n <= 260; n += n < 12 ? 1 : 31) {
        Rng rng = rng_stream(5, "test", n);
        float x[260];
        double sorted[260];
        uint64_t size[260];
        for (size_t i = 0; i < n; i++) {
            x[i] = (float)(1 + rng_exponential(&rng));
            if (rng_below(&rng, 4) == 0) x[i] = 1; /* ties */
            sorted[i] = x[i];
            size[i] = 2000;
        }
        AggregatePath paths[2] = {
            {.n_draws = (uint32_t)(n / 3), .count = {0, (uint32_t)(n / 3)}, .slowdown = x},
            {.n_draws = (uint32_t)(n - n / 3),
             .count = {0, (uint32_t)(n - n / 3)},
             .slowdown = x + n / 3}};
        Slowdowns r = run(paths, 2, true), flows;
        aggregate_flows(size, sorted, n, &flows);
        stats_sort(sorted, n);
        for (int p = 1; p <= STATS_N_PCT; p++) {
            near(r.dist[2].percentiles[p - 1], sorted[stats_rank(n, p)], 0);
            near(flows.dist[2].percentiles[p - 1], sorted[stats_rank(n, p)], 0);
        }
        near(flows.dist[RESULT_ALL].q[RESULT_P99_9].value, sorted[stats_rank(n, 99.9)], 0);
        near(flows.dist[2].share, 1, 0);
        assert_true(isnan(flows.dist[1].q[RESULT_P50].value));
    }
}

/* Flows of all sizes: each bucket has the ranks of its own flows alone, and the whole those of all;
 * shares are of flows, not of bytes. */
static void flows_of_all_sizes(void **state) {
    (void)state;
    enum { N = 400 };
    static const uint64_t edge_b[] = {1, 999, 1000, 9999, 10000, 49999, 50000, 1000000};
    Rng rng = rng_stream(6, "test", 0);
    uint64_t size_b[N];
    double slowdown[N], all[N], bucket[SIZEBUCKET_N][N];
    size_t n[SIZEBUCKET_N] = {0};
    for (size_t i = 0; i < N; i++) {
        size_t edge = rng_below(&rng, 8), b = edge / 2;
        size_b[i] = edge_b[edge];
        slowdown[i] = all[i] = bucket[b][n[b]++] = 1 + (double)(b + 1) * rng_exponential(&rng);
    }
    Slowdowns r;
    aggregate_flows(size_b, slowdown, N, &r);
    stats_sort(all, N);
    for (int p = 1; p <= STATS_N_PCT; p++)
        near(r.dist[RESULT_ALL].percentiles[p - 1], all[stats_rank(N, p)], 0);
    near(r.dist[RESULT_ALL].share, 1, 0);
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        const SlowdownDist *d = &r.dist[result_of_bucket(b)];
        assert_true(n[b] > 0);
        stats_sort(bucket[b], n[b]);
        for (int p = 1; p <= STATS_N_PCT; p++)
            near(d->percentiles[p - 1], bucket[b][stats_rank(n[b], p)], 0);
        near(d->share, (double)n[b] / N, 1e-15);
    }
}

static void random_paths(AggregatePath *paths, float *pct, size_t n, uint64_t seed) {
    Rng rng = rng_stream(seed, "paths", 0);
    for (size_t i = 0; i < n; i++) {
        paths[i] = (AggregatePath){.n_draws = 1 + (uint32_t)rng_below(&rng, 2),
                                   .pct = pct + i * SIZEBUCKET_N * STATS_N_PCT};
        double scale = exp(rng_normal(&rng) * 0.5);
        for (int b = 0; b < SIZEBUCKET_N; b++) {
            paths[i].count[b] = (uint32_t)rng_below(&rng, 30);
            for (int p = 1; p <= STATS_N_PCT; p++)
                pct[(i * SIZEBUCKET_N + (size_t)b) * STATS_N_PCT + (size_t)p - 1] =
                    (float)(1 + (b + 1) * scale * pow(p / 100.0, 4));
        }
        paths[i].count[3]++;
    }
}

static void order_and_threads_do_not_show(void **state) {
    (void)state;
    enum { N = 60 };
    static float pct[N * SIZEBUCKET_N * STATS_N_PCT];
    AggregatePath paths[N], turned[N];
    random_paths(paths, pct, N, 3);
    for (int i = 0; i < N; i++) turned[i] = paths[N - 1 - i];
    Slowdowns one, eight, back, other_seed;
    AggregateOptions many = {.seed = 1, .n_bootstrap = 1000}; /* threads get in each other's way */
    aggregate(paths, N, &many, 1, &one);
    aggregate(paths, N, &many, 8, &eight);
    aggregate(turned, N, &(AggregateOptions){.seed = 1}, 8, &back);
    aggregate(paths, N, &(AggregateOptions){.seed = 2}, 8, &other_seed);
    assert_memory_equal(&one, &eight, sizeof one);
    for (int p = 0; p < STATS_N_PCT; p++)
        near(back.dist[RESULT_ALL].percentiles[p], one.dist[RESULT_ALL].percentiles[p], 1e-7);
    near(other_seed.dist[RESULT_ALL].q[RESULT_P99].value, one.dist[RESULT_ALL].q[RESULT_P99].value,
         0);
    assert_true(
        other_seed.dist[RESULT_ALL].q[RESULT_P99].lo != one.dist[RESULT_ALL].q[RESULT_P99].lo ||
        other_seed.dist[RESULT_ALL].q[RESULT_P99].hi != one.dist[RESULT_ALL].q[RESULT_P99].hi);
    assert_true(one.dist[RESULT_ALL].q[RESULT_P99].lo < one.dist[RESULT_ALL].q[RESULT_P99].value &&
                one.dist[RESULT_ALL].q[RESULT_P99].value < one.dist[RESULT_ALL].q[RESULT_P99].hi);
}

/* Networks of paths drawn from one population: the interval around p90 must hold the population's
 * own p90 about 95 times in 100. 200 networks of 40 paths; a binomial of 0.95 leaves 180..199 once
 * in a thousand. */
static void intervals_cover(void **state) {
    (void)state;
    enum { POPULATION = 1000, DRAWS = 40, TRIALS = 200 };
    float *pct = MEM_NEW(float, POPULATION *SIZEBUCKET_N *STATS_N_PCT);
    AggregatePath *population = MEM_NEW(AggregatePath, POPULATION), drawn[DRAWS];
    random_paths(population, pct, POPULATION, 11);
    for (int i = 0; i < POPULATION; i++) population[i].n_draws = 1;
    Slowdowns truth = run(population, POPULATION, true);
    int hits = 0;
    for (int t = 0; t < TRIALS; t++) {
        Rng rng = rng_stream(17, "trial", (uint64_t)t);
        for (int i = 0; i < DRAWS; i++) drawn[i] = population[rng_below(&rng, POPULATION)];
        Slowdowns r;
        aggregate(drawn, DRAWS, &(AggregateOptions){.n_bootstrap = 100, .seed = (uint64_t)t}, 2,
                  &r);
        hits += r.dist[RESULT_ALL].q[RESULT_P90].lo <= truth.dist[RESULT_ALL].q[RESULT_P90].value &&
                truth.dist[RESULT_ALL].q[RESULT_P90].value <= r.dist[RESULT_ALL].q[RESULT_P90].hi;
    }
    if (hits < 180 || hits > 199) fail_msg("%d of %d intervals hold the truth", hits, TRIALS);
    free(population);
    free(pct);
}

/* A path weighs by its draws, whatever its flows; pooled percentiles; overall by the buckets'
 * shares of the paths' flows, each path counted once. */
static void published_pooling(void **state) {
    (void)state;
    float a[SIZEBUCKET_N * STATS_N_PCT] = {0}, b[SIZEBUCKET_N * STATS_N_PCT] = {0};
    for (int p = 0; p < STATS_N_PCT; p++) a[p] = 2, b[p] = 4, b[STATS_N_PCT + p] = 8;
    AggregatePath paths[] = {{.n_draws = 5, .count = {7}, .pct = a},
                             {.n_draws = 15, .count = {1, 1}, .pct = b}};
    Slowdowns r;
    aggregate(paths, 2, &(AggregateOptions){.published = true, .exhaustive = true}, 1, &r);
    near(r.dist[1].percentiles[23], 2, 0);
    near(r.dist[1].percentiles[25], 4, 0);
    near(r.dist[1].share, 0.625, 1e-12);
    near(r.dist[RESULT_ALL].percentiles[20], 2, 0); /* a quarter of bucket 0's 8/9 */
    near(r.dist[RESULT_ALL].percentiles[22], 4, 0);
    near(r.dist[RESULT_ALL].percentiles[87], 4, 0);
    near(r.dist[RESULT_ALL].percentiles[89], 8, 0);
}

static void nothing_at_all(void **state) {
    (void)state;
    Slowdowns r = run(NULL, 0, false);
    assert_true(isnan(r.dist[RESULT_ALL].q[RESULT_P50].value) && isnan(r.dist[4].percentiles[0]));
    for (int d = 1; d < RESULT_N_DISTS; d++) near(r.dist[d].share, 0, 0);
    aggregate_flows(NULL, NULL, 0, &r);
    assert_true(isnan(r.dist[RESULT_ALL].q[RESULT_P50].value));
    for (int d = 1; d < RESULT_N_DISTS; d++) near(r.dist[d].share, 0, 0);
}

/* Paths without flows have no part of the tail, which is nobody's, and no p99. */
static void no_flows_make_no_tail(void **state) {
    (void)state;
    AggregatePath paths[2] = {{.n_draws = 2}, {.n_draws = 1}};
    double share[2] = {-1, -1}, p99[2] = {-1, -1};
    Slowdowns r;
    aggregate_tail(paths, 2, &(AggregateOptions){.seed = 1}, 1, &r,
                   &(AggregateTail){.share = share, .p99 = p99});
    for (int i = 0; i < 2; i++) {
        near(share[i], 0, 0);
        assert_true(isnan(p99[i]));
    }
    for (int d = 1; d < RESULT_N_DISTS; d++) near(r.dist[d].share, 0, 0);
}

/* One path, one flow, one bucket, slowdowns up to 1e30: quantiles are finite, ascending and between
 * the least and the largest value, whatever form the path's distribution has. */
static void extremes(void **state) {
    (void)state;
    float flow = 1e30f, pct[SIZEBUCKET_N * STATS_N_PCT] = {0},
          curve[SIZEBUCKET_N * AGGREGATE_N_LEVELS] = {0};
    AggregatePath lone = {.n_draws = 1, .count = {0, 0, 1, 0}, .slowdown = &flow};
    Slowdowns r = run(&lone, 1, false);
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        bool has_flows = d == RESULT_ALL || d == result_of_bucket(2);
        near(r.dist[d].share, has_flows, 0);
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            SlowdownQuantile q = r.dist[d].q[k];
            if (has_flows)
                assert_true(q.value == (double)flow && q.lo == q.value && q.hi == q.value);
            else assert_true(isnan(q.value) && isnan(q.lo) && isnan(q.hi));
        }
    }
    for (int p = 0; p < STATS_N_PCT; p++)
        pct[3 * STATS_N_PCT + p] = p < 99 ? (float)pow(10, 0.3 * p) : 1e30f;
    for (int k = 0; k < AGGREGATE_N_LEVELS; k++)
        curve[3 * AGGREGATE_N_LEVELS + k] = (float)pow(10, 30 * (double)aggregate_levels[k]);
    AggregatePath paths[] = {{.n_draws = 1, .count = {0, 0, 0, UINT32_MAX}, .pct = pct},
                             {.n_draws = 1, .count = {0, 0, 0, 1}, .curve = curve}};
    for (size_t i = 0; i < 2; i++) {
        r = run(paths + i, 1, false);
        const SlowdownDist *all = &r.dist[RESULT_ALL], *bucket = &r.dist[result_of_bucket(3)];
        for (int p = 0; p < STATS_N_PCT; p++) {
            double x = all->percentiles[p];
            assert_true(x >= 1 && x <= (double)1e30f);
            assert_true(p == 0 || x >= all->percentiles[p - 1]);
            assert_true(x == bucket->percentiles[p]);
        }
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            assert_true(all->q[k].lo == all->q[k].value && all->q[k].hi == all->q[k].value);
    }
}

/* The distribution function of a path given by percentiles, at x. */
static double cdf_of(const float *pct, double x) {
    if (x >= (double)pct[STATS_N_PCT - 1]) return 1;
    int p = 0;
    while ((double)pct[p] <= x) p++;
    double lo = p > 0 ? (double)pct[p - 1]
                      : fmax(fmin(1, (double)pct[0]), 2 * (double)pct[0] - (double)pct[1]);
    return fmax(0, p + (x - lo) / ((double)pct[p] - lo)) / STATS_N_PCT;
}

/* A quantile of two paths whose slowdowns span up to ten powers of ten inverts the mean of their
 * distribution functions; 1e-7 is the rounding of levels as floats. */
static void wide_mixtures(void **state) {
    (void)state;
    for (int span = 1; span <= 10; span++) {
        float pct[2][SIZEBUCKET_N * STATS_N_PCT] = {{0}};
        AggregatePath paths[2];
        for (int i = 0; i < 2; i++) {
            for (int p = 1; p <= STATS_N_PCT; p++)
                pct[i][p - 1] = (float)pow(10, (i + span * p / 100.0));
            paths[i] = (AggregatePath){.n_draws = 1, .count = {1}, .pct = pct[i]};
        }
        Slowdowns r = run(paths, 2, true);
        for (int p = 0; p < STATS_N_PCT; p++) {
            double x = r.dist[1].percentiles[p];
            near((cdf_of(pct[0], x) + cdf_of(pct[1], x)) / 2, (p + 1) / 100.0, 1e-7);
        }
    }
}

/* Quantiles of a uniform distribution at aggregate_levels. */
static void uniform_curve(float *x, double lo, double hi) {
    for (int k = 0; k < AGGREGATE_N_LEVELS; k++)
        x[k] = (float)(lo + (hi - lo) * (double)aggregate_levels[k]);
}

/* A path given as quantiles at aggregate_levels is the same as one given by percentiles, but for
 * what lies beyond the levels. */
static void curves_are_distributions(void **state) {
    (void)state;
    float curve[2][SIZEBUCKET_N * AGGREGATE_N_LEVELS] = {{0}},
                                  pct[2][SIZEBUCKET_N * STATS_N_PCT] = {{0}};
    for (int i = 0; i < 2; i++) {
        uniform_curve(curve[i], 1, 2 + 2 * i);
        uniform(pct[i], 1, 2 + 2 * i);
    }
    AggregatePath a[2] = {{.n_draws = 1, .count = {7}, .curve = curve[0]},
                          {.n_draws = 3, .count = {2}, .curve = curve[1]}},
                  b[2];
    for (int i = 0; i < 2; i++) {
        b[i] = a[i];
        b[i].curve = NULL;
        b[i].pct = pct[i];
    }
    Slowdowns x = run(a, 2, true), y = run(b, 2, true);
    for (int p = 0; p < STATS_N_PCT - 1; p++)
        near(x.dist[RESULT_ALL].percentiles[p], y.dist[RESULT_ALL].percentiles[p], 2e-3);
    near(x.dist[1].q[RESULT_P99_9].value, y.dist[1].q[RESULT_P99_9].value, 2e-3);
}

/* Mixtures of flows: one is itself, steps included; equal ones are the same; two uniforms have a
 * known mixture. */
static void mixtures_of_flows(void **state) {
    (void)state;
    float one[AGGREGATE_N_LEVELS], two[AGGREGATE_N_LEVELS], out[AGGREGATE_N_LEVELS];
    uniform_curve(one, 1, 2);
    uniform_curve(two, 3, 4);
    const float *same[3] = {one, one, one}, *both[2] = {two, one};
    aggregate_mix(same, 1, aggregate_levels, AGGREGATE_N_LEVELS, out);
    for (int k = 0; k < AGGREGATE_N_LEVELS; k++) near(out[k], one[k], 1e-6);
    aggregate_mix(same, 3, aggregate_levels, AGGREGATE_N_LEVELS, out);
    for (int k = 0; k < AGGREGATE_N_LEVELS; k++) near(out[k], one[k], 1e-6);
    aggregate_mix(both, 2, aggregate_levels, AGGREGATE_N_LEVELS, out);
    for (int k = 0; k < AGGREGATE_N_LEVELS; k++) {
        double q = (double)aggregate_levels[k];
        if (q != 0.5) near(out[k], q < 0.5 ? 1 + 2 * q : 3 + 2 * (q - 0.5), 2e-3);
    }
    for (int k = 0; k < AGGREGATE_N_LEVELS; k++) one[k] = 1;
    aggregate_mix(both, 2, aggregate_levels, AGGREGATE_N_LEVELS, out);
    for (int k = 0; k < AGGREGATE_N_LEVELS; k++)
        if (aggregate_levels[k] < 0.5f) near(out[k], 1, 0);
}

static MixCdf random_curve(uint64_t seed, bool points) {
    enum { PATHS = 60 };
    MixCdf c;
    Rng rng = rng_stream(seed, "curve", 0);
    mixcdf_init(&c, PATHS);
    for (size_t p = 0; p < PATHS; p++) {
        float x[STATS_N_PCT],
            at = 1 + (float)rng_below(&rng, 3); /* ties between paths, and slices of no width */
        for (int k = 0; k < STATS_N_PCT; k++)
            x[k] = at += rng_below(&rng, 2) ? 0 : (float)rng_below(&rng, 9) / 8;
        c.mass[p] = 0.25 * (double)(1 + rng_below(&rng, 4));
        if (points) mixcdf_add_points(&c, x, STATS_N_PCT, c.mass[p], p);
        else mixcdf_add_percentiles(&c, x, c.mass[p], p);
    }
    mixcdf_sort(&c);
    return c;
}

/* Marks only save work: quantiles at any levels under any weights, most of them 0 too, are those of
 * a walk over all events. */
static void marks_change_nothing(void **state) {
    (void)state;
    static const double level[] = {0, 0.001, 0.3, 0.3, 0.5, 0.9, 0.99, 0.999, 1};
    enum { LEVELS = sizeof level / sizeof *level };
    for (int points = 0; points < 2; points++) {
        MixCdf plain = random_curve(4, points == 1), marked = random_curve(4, points == 1);
        mixcdf_mark(&marked);
        assert_true(marked.n_marks > 50);
        for (uint64_t t = 0; t < 100; t++) {
            Rng rng = rng_stream(5, "weights", t);
            double w[60], a[LEVELS], b[LEVELS];
            for (int p = 0; p < 60; p++)
                w[p] = (double)(t % 2 ? rng_below(&rng, 4) : rng_below(&rng, 30) == 0);
            mixcdf_quantiles(&plain, w, level, LEVELS, a);
            mixcdf_quantiles(&marked, w, level, LEVELS, b);
            for (int k = 0; k < LEVELS; k++)
                if (!(fabs(a[k] - b[k]) <= 1e-6 * a[k]) && !(isnan(a[k]) && isnan(b[k])))
                    fail_msg("level %g: %.12g, %.12g", level[k], a[k], b[k]);
        }
        mixcdf_free(&plain);
        mixcdf_free(&marked);
    }
}

static int dist_named(const char *s) { return result_dist_named(s, strlen(s)); }
static int named(int (*find)(const char *, size_t), const char *s) { return find(s, strlen(s)); }

static void names_are_read_back(void **state) {
    (void)state;
    for (int d = 0; d < RESULT_N_DISTS; d++) assert_int_equal(dist_named(result_label(d)), d);
    assert_int_equal(dist_named("1-10KB"), dist_named("1-10 KB"));
    assert_int_equal(result_dist_named("all, as it were", 3), RESULT_ALL);
    static const char *const none[] = {"", " ", "al", "alls", "1-10", "1-10 KBs", "10-1 KB"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(dist_named(none[i]), -1);
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        assert_int_equal(named(result_quantile_named, result_quantile_names[k]), k);
        assert_int_equal(named(result_quantile_keyed, result_quantile_keys[k]), k);
    }
    assert_int_equal(named(result_quantile_named, "p99_9"), -1);
    assert_int_equal(named(result_quantile_keyed, "p99.9"), -1);
    assert_int_equal(named(result_quantile_keyed, "p9"), -1);
    assert_int_equal(named(result_quantile_keyed, ""), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes),
        cmocka_unit_test(wide_mixtures),
        cmocka_unit_test(one_path_is_itself),
        cmocka_unit_test(curves_are_distributions),
        cmocka_unit_test(mixtures_of_flows),
        cmocka_unit_test(mixture_of_uniforms),
        cmocka_unit_test(shares_within_a_path),
        cmocka_unit_test(no_bias_from_slices),
        cmocka_unit_test(flows_follow_stats_rank),
        cmocka_unit_test(flows_of_all_sizes),
        cmocka_unit_test(order_and_threads_do_not_show),
        cmocka_unit_test(intervals_cover),
        cmocka_unit_test(published_pooling),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(no_flows_make_no_tail),
        cmocka_unit_test(marks_change_nothing),
        cmocka_unit_test(names_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
