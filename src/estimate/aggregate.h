/* aggregate: distributions of paths → the network's (docs: PIPELINE §7). */
#ifndef M3_ESTIMATE_AGGREGATE_H
#define M3_ESTIMATE_AGGREGATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "estimate/result.h"

/* Levels at which a path's distribution is kept when it is a mixture of its flows': finer toward
 * the tail. */
enum { AGG_N_LEVELS = 56 };
extern const float agg_levels[AGG_N_LEVELS];

/* One simulated path: percentiles per bucket, quantiles at agg_levels (both from a model), or
 * single flows (from simulation). */
typedef struct {
    uint32_t n_draws;             /* weight */
    uint32_t count[SIZEBUCKET_N]; /* foreground flows per bucket: the shares within the path */
    const float *pct;             /* [4 × 100] or NULL */
    const float *curve;           /* [4 × AGG_N_LEVELS] or NULL */
    const float *slowdown;        /* [Σ count] grouped by bucket, or NULL */
} AggPath;

typedef struct {
    bool published;  /* pool buckets with equal weight, re-draw by global shares */
    int n_bootstrap; /* resamples of the drawn paths; 0: 200 */
    uint64_t seed;
    bool exhaustive; /* all paths were taken: no sampling error, lo = hi = value */
} AggOptions;
/* Quantiles at agg_levels of the equal-weight mixture of n > 0 distributions: x[i] holds the
 * quantiles of one at the given levels. */
void aggregate_mix(const float *const *x, size_t n, const float *level, int n_levels,
                   float out[AGG_N_LEVELS]);

/* The flow-weighted mixture of the paths with 95 % bootstrap intervals over the draws. Fewer than
 * 2^30 paths. The result depends on seed (intervals only), not on threads. published: every path of
 * a bucket weighs the same, its 100 percentiles are pooled as points, and `all` mixes the buckets
 * by their shares of the flows. */
void aggregate(const AggPath *paths, size_t n, const AggOptions *o, int threads, Slowdowns *out);
/* Exact distribution of single flows (truth, per-flow CSV): no intervals. */
void aggregate_flows(const uint64_t *size_b, const double *slowdown, size_t n, Slowdowns *out);
#endif
