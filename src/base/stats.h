/* stats: the definitions of percentiles, and sorting. */
#ifndef M3_BASE_STATS_H
#define M3_BASE_STATS_H
#include <stddef.h>
#include <stdint.h>

enum { STATS_N_PCT = 100 /* percentiles 1..100 */ };

/* stats_rank returns the index of the p-th percentile in n ascending values: floor((n−1)·p/100 +
 * 0.5), the nearest order statistic. n > 0, 0 ≤ p ≤ 100. */
size_t stats_rank(size_t n, double p);
/* stats_between returns the p-th percentile of n ascending values by linear interpolation between
 * the two nearest order statistics: that at (n−1)·p/100, as numpy's default. n > 0, 0 ≤ p ≤ 100. */
double stats_between(const double *sorted, size_t n, double p);
/* stats_percentiles_f32 writes percentile i + 1 of n ascending values to out[i], i in 0..99; n > 0.
 */
void stats_percentiles_f32(const float *sorted, size_t n, float out[STATS_N_PCT]);
/* stats_sort put n values (not NaN) into ascending order. */
void stats_sort(double *a, size_t n);
void stats_sort_f32(float *a, size_t n);
/* stats_group lists n items by their groups, group_of[n] < n_groups: those of group g become
 * order[start[g]] to order[start[g + 1] − 1], ascending. Fills start[n_groups + 1] and order[n]. */
void stats_group(const uint32_t *group_of, uint32_t n, uint32_t n_groups, uint32_t *start,
                 uint32_t *order);
#endif
