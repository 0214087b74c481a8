/* aggregate: slowdown distributions of paths → the network's. */
#ifndef M3_ESTIMATE_AGGREGATE_H
#define M3_ESTIMATE_AGGREGATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "estimate/result.h"

/* Levels at which the distribution of a path is kept when it is a mixture of its flows': 2.5 %
 * apart in the middle and finer toward both ends, with p99.9 between two of them (0.9985 and
 * 0.9995). Chosen: with twice as many the p99 of spec/demo.json on spec/clos-256-2to1.json moves by
 * 0.3 % at most in any bucket, the p99.9 by 0.5 %, while their number is what mixing costs. */
enum { AGGREGATE_N_LEVELS = 56 };
extern const float aggregate_levels[AGGREGATE_N_LEVELS];

/* One simulated path. Of pct, curve and slowdown exactly one is set; all are the caller's. */
typedef struct {
    uint32_t n_draws;             /* weight */
    uint32_t count[SIZEBUCKET_N]; /* foreground flows per bucket: the shares within the path */
    const float *pct;             /* [4 × 100] percentiles by bucket, from a path model */
    const float *curve;           /* [4 × AGGREGATE_N_LEVELS] quantiles, from a flow model */
    const float *slowdown;        /* [Σ count] single flows grouped by bucket, from simulation */
} AggregatePath;

typedef struct {
    bool published;  /* as the published notebooks: see aggregate() */
    int n_bootstrap; /* resamples of the drawn paths; 0: the default of 200 */
    uint64_t seed;   /* of the resamples */
    bool exhaustive; /* all paths were taken: no sampling error, lo = hi = value */
} AggregateOptions;

/* aggregate fills *out with the flow-weighted mixture of fewer than 2^30 paths and its 95 %
 * bootstrap intervals over the draws; without paths all values are NAN. The result depends on the
 * seed (its intervals alone), not on threads. With `published`, every draw of a path weighs the
 * same in a bucket, the path's 100 percentiles are pooled as points, and the distribution of all
 * flows mixes the buckets by their shares of the drawn paths' flows, each path counted once, as the
 * notebooks published with the paper do. */
void aggregate(const AggregatePath *paths, size_t n, const AggregateOptions *o, int threads,
               Slowdowns *out);

/* Where the tail of all flows comes from: those at or above the p99. */
typedef struct {
    double *share; /* [n] of the tail's flows, those on a path: 1 in all; 0 if there are no flows */
    double *p99;   /* [n] of all flows of a path; NAN without flows */
} AggregateTail;
/* aggregate_tail does as aggregate, and fills in the tail, whose arrays are the caller's. */
void aggregate_tail(const AggregatePath *paths, size_t n, const AggregateOptions *o, int threads,
                    Slowdowns *out, AggregateTail *tail);

/* aggregate_mix writes the quantiles at aggregate_levels of the equal-weight mixture of n > 0
 * distributions: x[i] holds n_levels ascending quantiles of one, at the given ascending levels. */
void aggregate_mix(const float *const *x, size_t n, const float *level, int n_levels,
                   float out[AGGREGATE_N_LEVELS]);

/* aggregate_flows fills *out with the exact distribution of n single flows (a simulation's truth,
 * or a CSV of flows): lo = hi = value; NAN in buckets without flows. */
void aggregate_flows(const uint64_t *size_b, const double *slowdown, size_t n, Slowdowns *out);
#endif
