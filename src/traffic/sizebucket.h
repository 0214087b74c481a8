/* sizebucket: the flow-size buckets of results and of the published feature map; their only
 * definition. */
#ifndef M3_TRAFFIC_SIZEBUCKET_H
#define M3_TRAFFIC_SIZEBUCKET_H
#include <stdint.h>

/* ORDER BUCKET: by ascending size. */
enum {
    SIZEBUCKET_N = 4,      /* of results: below 1 KB, to 10 KB, to 50 KB, above */
    SIZEBUCKET_N_FINE = 10 /* of the published feature map's inputs */
};

/* Bucket of a flow size: edge[i−1] <= size < edge[i]. */
int sizebucket_fine_of(uint64_t size_b);
int sizebucket_of(uint64_t size_b);
/* Bounds of an output bucket in bytes, [lo, hi); hi of the last is UINT64_MAX. */
uint64_t sizebucket_lo(int bucket);
uint64_t sizebucket_hi(int bucket);
/* "< 1 KB", "1-10 KB", "10-50 KB", ">= 50 KB". */
const char *sizebucket_label(int bucket);
#endif
