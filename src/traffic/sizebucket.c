/* sizebucket: the published flow-size buckets: m3's results are in four, the inputs of its model in
 * ten. There are few, so the search is linear. */
#include "traffic/sizebucket.h"

static const uint64_t fine_edges[SIZEBUCKET_N_FINE - 1] = {250,  500,  750,   1000, 2000,
                                                           5000, 7500, 10000, 50000};
static const uint64_t edges[SIZEBUCKET_N - 1] = {1000, 10000, 50000};

static int bucket_of(const uint64_t *edge, int n_edges, uint64_t size_b) {
    int b = 0;
    while (b < n_edges && size_b >= edge[b]) b++;
    return b;
}

int sizebucket_fine_of(uint64_t size_b) {
    return bucket_of(fine_edges, SIZEBUCKET_N_FINE - 1, size_b);
}
int sizebucket_of(uint64_t size_b) { return bucket_of(edges, SIZEBUCKET_N - 1, size_b); }
uint64_t sizebucket_lo(int b) { return b == 0 ? 0 : edges[b - 1]; }
uint64_t sizebucket_hi(int b) { return b == SIZEBUCKET_N - 1 ? UINT64_MAX : edges[b]; }

const char *sizebucket_label(int b) {
    static const char *const labels[SIZEBUCKET_N] = {"< 1 KB", "1-10 KB", "10-50 KB", ">= 50 KB"};
    return labels[b];
}
