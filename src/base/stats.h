/* stats: percentiles; their only definition. */
#ifndef M3_BASE_STATS_H
#define M3_BASE_STATS_H
#include <stddef.h>
#include <stdint.h>

enum { STATS_N_PCT = 100 /* percentiles 1..100 */ };

/* Index of the p-th percentile in n sorted values: floor((n−1)·p/100 + 0.5). n > 0, 0 ≤ p ≤ 100. */
size_t stats_rank(size_t n, double p);
/* out[i] = percentile i+1 of n ascending values, i in 0..99; n > 0. */
void stats_percentiles(const double *sorted, size_t n, double out[STATS_N_PCT]);
void stats_percentiles_f32(const float *sorted, size_t n, float out[STATS_N_PCT]);
/* Ascending in place. */
void stats_sort(double *a, size_t n);
void stats_sort_f32(float *a, size_t n);
#endif
