/* stats: percentiles and flow-size buckets; their only definition (docs: PIPELINE §5). */
#ifndef M3_BASE_STATS_H
#define M3_BASE_STATS_H
#include <stddef.h>
#include <stdint.h>

enum {
    STATS_N_PCT = 100, /* percentiles 1..100 */
    STATS_N_IN = 10,   /* size buckets of the feature map */
    STATS_N_OUT = 4    /* size buckets of the result */
};

/* Index of the p-th percentile in n sorted values: floor((n−1)·p/100 + 0.5). n > 0, 0 ≤ p ≤ 100. */
size_t stats_rank(size_t n, double p);
/* out[i] = percentile i+1 of n ascending values, i in 0..99; n > 0. */
void stats_percentiles(const double *sorted, size_t n, double out[STATS_N_PCT]);
void stats_percentiles_f32(const float *sorted, size_t n, float out[STATS_N_PCT]);
/* Ascending in place. */
void stats_sort(double *a, size_t n);
void stats_sort_f32(float *a, size_t n);

/* Bucket of a flow size: edge[i−1] <= size < edge[i]. */
int stats_bucket_in(uint64_t size_b);
int stats_bucket_out(uint64_t size_b);
/* Bounds of an output bucket in bytes, [lo, hi); hi of the last is UINT64_MAX. */
uint64_t stats_out_lo(int bucket);
uint64_t stats_out_hi(int bucket);
/* "< 1 KB", "1-10 KB", "10-50 KB", ">= 50 KB". */
const char *stats_out_label(int bucket);
#endif
