/* result: slowdown distributions, as estimates, comparisons and evaluations have them. */
#ifndef M3_ESTIMATE_RESULT_H
#define M3_ESTIMATE_RESULT_H
#include "base/stats.h"
#include "traffic/sizebucket.h"

/* ORDER BUCKET: distribution 0 is of all flows, 1 + b of bucket b (traffic/sizebucket.h). */
enum { RESULT_ALL = 0, RESULT_N_DISTS = 1 + SIZEBUCKET_N };
static inline int result_of_bucket(int bucket) { return 1 + bucket; }

/* ORDER QUANTILE: the quantiles that have intervals. */
enum { RESULT_P50, RESULT_P90, RESULT_P99, RESULT_P99_9, RESULT_N_QUANTILES };
extern const double result_levels[RESULT_N_QUANTILES];              /* 0.5, 0.9, 0.99, 0.999 */
extern const char *const result_quantile_names[RESULT_N_QUANTILES]; /* "p50" … "p99.9" */
extern const char *const result_quantile_keys[RESULT_N_QUANTILES];  /* in JSON: "p99_9" */

/* A quantile of slowdown with its 95 % interval; NAN without flows, lo = hi = value where nothing
 * is uncertain. */
typedef struct {
    double value, lo, hi;
} SlowdownQuantile;

/* The distribution of one bucket's slowdowns, or of all. */
typedef struct {
    double share;                    /* of the flows, 0 to 1 */
    double percentiles[STATS_N_PCT]; /* 1 to 100; NAN without flows */
    SlowdownQuantile q[RESULT_N_QUANTILES];
} SlowdownDist;

/* A network's slowdowns, in ORDER BUCKET. */
typedef struct {
    SlowdownDist dist[RESULT_N_DISTS];
} Slowdowns;

/* result_quantile_of returns the place of a quantile in ORDER QUANTILE by its number in percent,
 * 99.9 for RESULT_P99_9; result_quantile_named by its name in result_quantile_names, of n
 * characters, and result_quantile_keyed by that in result_quantile_keys. All return −1 for any
 * other. */
int result_quantile_of(double percent);
int result_quantile_named(const char *name, size_t n);
int result_quantile_keyed(const char *key, size_t n);

/* result_label returns "all" or the bucket's label of distribution `dist`. */
const char *result_label(int dist);
/* result_dist_named returns the distribution of that label, of n characters and with or without its
 * spaces: "1-10KB"; −1: none. */
int result_dist_named(const char *label, size_t n);

/* Tables show the buckets first and all flows last: result_table_dist returns the distribution in
 * row 0..RESULT_N_DISTS−1. */
static inline int result_table_dist(int row) { return (row + 1) % RESULT_N_DISTS; }
#endif
