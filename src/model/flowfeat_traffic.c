/* flowfeat_traffic: sums over all flows of a path that take no simulation.
 *
 * They cost a few ns a flow, so they are taken over all flows even where only some are simulated:
 * load, burstiness and the mix of sizes of a sample would be far noisier than what is made of them.
 * Flows are added up by the links s … d − 1 that they use and by size, from which sums per link
 * follow at the end; bits are whole numbers, so that the order of adding doesn't show (below 2^53).
 * Only gaps between starts belong to a link alone.
 *
 * Size classes and buckets end at different sizes. Between two ends, of whichever, all flows are
 * alike: a band, of which there are as many as ends, and one. */
#include <math.h>
#include <stdlib.h>

#include "model/flowfeat_private.h"
#include "net/wire.h"
#include "traffic/flows.h"
#include "traffic/sizebucket.h"

enum { N_ENDS = FLOWFEAT_N_SIZES - 1 + SIZEBUCKET_N - 1, N_BANDS = N_ENDS + 1 };

/* Flows on links s … d − 1, by band. */
typedef struct FlowFeatGroup {
    double bits[N_BANDS];
    uint32_t flows[N_BANDS];
} FlowFeatGroup;

/* Band b begins at size end_b[b − 1]. */
typedef struct FlowFeatBands {
    uint64_t end_b[N_ENDS]; /* ascending */
    uint8_t size[N_BANDS], bucket[N_BANDS];
} FlowFeatBands;

static size_t group_of(const FlowFeatTraffic *t, uint32_t s, uint32_t d) {
    return (size_t)s * (t->n_links + 1) + d;
}

int flowfeat_size_class(double bits, double bdp_bits) {
    int c = 0;
    for (double edge = 0.1 * bdp_bits; c < FLOWFEAT_N_SIZES - 1 && bits >= edge; edge *= 10) c++;
    return c;
}

/* Returns the least size of at least so many bits on the wire. */
static uint64_t least_size(double bits) {
    uint64_t lo = 0, hi = FLOWS_MAX_SIZE_B + 1;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (wire_bits(mid) >= bits) hi = mid;
        else lo = mid + 1;
    }
    return lo;
}

static int by_size(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void find_bands(FlowFeatBands *bands, double bdp_bits) {
    int n = 0;
    double edge = 0.1 * bdp_bits;
    for (int k = 0; k < FLOWFEAT_N_SIZES - 1; k++, edge *= 10) bands->end_b[n++] = least_size(edge);
    for (int b = 1; b < SIZEBUCKET_N; b++) bands->end_b[n++] = sizebucket_lo(b);
    qsort(bands->end_b, N_ENDS, sizeof *bands->end_b, by_size);
    for (int b = 0; b < N_BANDS; b++) {
        uint64_t first_b = b > 0 ? bands->end_b[b - 1] : 0;
        bands->size[b] = (uint8_t)flowfeat_size_class(wire_bits(first_b), bdp_bits);
        bands->bucket[b] = (uint8_t)sizebucket_of(first_b);
    }
}

void flowfeat_traffic_init(FlowFeatTraffic *t, const Lot *lot, const LinkGaps *gaps, Arena *a) {
    size_t n_groups = ((size_t)lot->n_links + 1) * (lot->n_links + 1);
    *t = (FlowFeatTraffic){.n_links = lot->n_links, .gaps_known = gaps != NULL};
    t->link = ARENA_NEW(a, FlowFeatLinkTraffic, lot->n_links);
    t->group = ARENA_NEW(a, FlowFeatGroup, n_groups);
    t->bands = ARENA_NEW(a, FlowFeatBands, 1);
    find_bands(t->bands, lot->host_rate_bps * 1e-9 * lot_rtt_ns(lot));
    for (uint32_t l = 0; l < lot->n_links; l++)
        t->link[l] = (FlowFeatLinkTraffic){.gaps = gaps ? gaps[l] : (LinkGaps){0}};
    for (size_t g = 0; g < n_groups; g++) t->group[g] = (FlowFeatGroup){0};
}

/* Counting the ends that a flow reaches is faster than looking for its band: no branch to guess. */
static inline void add_to_group(FlowFeatGroup *g, uint64_t size_b, const FlowFeatBands *bands) {
    int band = 0;
#pragma GCC unroll 8
    for (int k = 0; k < N_ENDS; k++) band += size_b >= bands->end_b[k];
    g->bits[band] += wire_bits(size_b);
    g->flows[band]++;
}

static void add_gap(FlowFeatLinkTraffic *t, int64_t start_ns) {
    if (t->n_starts++ > 0) {
        double gap_ns = (double)(start_ns - t->last_start_ns);
        t->gaps.ns += gap_ns;
        t->gaps.ns2 += gap_ns * gap_ns;
    }
    t->last_start_ns = start_ns;
}

static void add_gaps(FlowFeatTraffic *t, const LotFlow *flows, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (uint32_t l = flows[i].s; l < flows[i].d; l++) add_gap(&t->link[l], flows[i].start_ns);
}

static void add_group(FlowFeatTraffic *t, uint32_t s, uint32_t d, const FlowFeatGroup *g) {
    double bits = 0;
    for (int b = 0; b < N_BANDS; b++) bits += g->bits[b];
    t->bits += bits;
    for (uint32_t l = s; l < d; l++) {
        FlowFeatLinkTraffic *to = &t->link[l];
        to->bits += bits;
        if (s < l) to->previous_bits += bits;
        if (d > l + 1) to->next_bits += bits;
        if (lot_is_foreground(t->n_links, s, d)) to->foreground_bits += bits;
        for (int b = 0; b < N_BANDS; b++) {
            to->size_bits[t->bands->size[b]] += g->bits[b];
            to->bucket[t->bands->bucket[b]] += g->flows[b];
            to->flows += g->flows[b];
        }
    }
}

void flowfeat_traffic_end(FlowFeatTraffic *t) {
    for (uint32_t s = 0; s < t->n_links; s++)
        for (uint32_t d = s + 1; d <= t->n_links; d++)
            add_group(t, s, d, &t->group[group_of(t, s, d)]);
}

void flowfeat_traffic_add(FlowFeatTraffic *t, const LotFlow *flows, size_t n) {
    if (n == 0) return;
    if (t->n_flows == 0) t->first_start_ns = flows[0].start_ns;
    const FlowFeatBands bands = *t->bands;
    for (size_t i = 0; i < n; i++)
        add_to_group(&t->group[group_of(t, flows[i].s, flows[i].d)], flows[i].size_b, &bands);
    if (!t->gaps_known) add_gaps(t, flows, n);
    t->n_flows += n;
    t->last_start_ns = flows[n - 1].start_ns;
}
