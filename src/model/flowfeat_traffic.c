/* flowfeat_traffic: sums over all flows of a path that take no simulation.
 *
 * They cost a few ns a flow, so they are taken over all flows even where only some are simulated:
 * load, burstiness and the mix of sizes of a sample would be far noisier than what is made of them.
 * Flows are added up by the links s … d − 1 that they use, from which sums per link follow; bits
 * are whole numbers, so that the order of adding doesn't show (below 2^53). Only gaps between
 * starts belong to a link alone. */
#include <math.h>

#include "model/flowfeat_private.h"
#include "net/wire.h"
#include "traffic/sizebucket.h"

/* Flows on links s … d − 1. */
typedef struct FlowFeatGroup {
    double size_bits[FLOWFEAT_N_SIZES];
    uint32_t bucket[SIZEBUCKET_N];
} FlowFeatGroup;

static size_t group_of(const FlowFeatTraffic *t, uint32_t s, uint32_t d) {
    return (size_t)s * (t->n_links + 1) + d;
}

void flowfeat_traffic_init(FlowFeatTraffic *t, const Lot *lot, const LinkGaps *gaps, Arena *a) {
    size_t n_groups = ((size_t)lot->n_links + 1) * (lot->n_links + 1);
    *t = (FlowFeatTraffic){.n_links = lot->n_links, .gaps_known = gaps != NULL};
    t->link = ARENA_NEW(a, FlowFeatLinkTraffic, lot->n_links);
    t->group = ARENA_NEW(a, FlowFeatGroup, n_groups);
    for (uint32_t l = 0; l < lot->n_links; l++)
        t->link[l] = (FlowFeatLinkTraffic){.gaps = gaps ? gaps[l] : (LinkGaps){0}};
    for (size_t g = 0; g < n_groups; g++) t->group[g] = (FlowFeatGroup){0};
}

int flowfeat_size_class(double bits, double bdp_bits) {
    int c = 0;
    for (double edge = 0.1 * bdp_bits; c < FLOWFEAT_N_SIZES - 1 && bits >= edge; edge *= 10) c++;
    return c;
}

/* Where classes and buckets begin. Counting the edges that a flow reaches is faster than looking
 * for its own: no branch to guess. */
typedef struct {
    double size_bits[FLOWFEAT_N_SIZES - 1];
    uint64_t bucket_b[SIZEBUCKET_N - 1];
} SizeEdges;

static SizeEdges edges_of(double bdp_bits) {
    SizeEdges e;
    double edge = 0.1 * bdp_bits;
    for (int k = 0; k < FLOWFEAT_N_SIZES - 1; k++, edge *= 10) e.size_bits[k] = edge;
    for (int b = 0; b < SIZEBUCKET_N - 1; b++) e.bucket_b[b] = sizebucket_lo(b + 1);
    return e;
}

static inline void add_to_group(FlowFeatGroup *g, uint64_t size_b, const SizeEdges *e) {
    double bits = wire_bits(size_b);
    int size = 0, bucket = 0;
#pragma GCC unroll 8
    for (int k = 0; k < FLOWFEAT_N_SIZES - 1; k++) size += bits >= e->size_bits[k];
#pragma GCC unroll 8
    for (int b = 0; b < SIZEBUCKET_N - 1; b++) bucket += size_b >= e->bucket_b[b];
    g->size_bits[size] += bits;
    g->bucket[bucket]++;
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
    for (int k = 0; k < FLOWFEAT_N_SIZES; k++) bits += g->size_bits[k];
    t->bits += bits;
    for (uint32_t l = s; l < d; l++) {
        FlowFeatLinkTraffic *to = &t->link[l];
        to->bits += bits;
        if (s < l) to->previous_bits += bits;
        if (d > l + 1) to->next_bits += bits;
        if (lot_is_foreground(t->n_links, s, d)) to->foreground_bits += bits;
        for (int k = 0; k < FLOWFEAT_N_SIZES; k++) to->size_bits[k] += g->size_bits[k];
        for (int b = 0; b < SIZEBUCKET_N; b++) {
            to->bucket[b] += g->bucket[b];
            to->flows += g->bucket[b];
        }
    }
}

/* Hands the groups' sums on to the links. */
static void settle(FlowFeatTraffic *t) {
    for (uint32_t s = 0; s < t->n_links; s++)
        for (uint32_t d = s + 1; d <= t->n_links; d++) {
            FlowFeatGroup *g = &t->group[group_of(t, s, d)];
            add_group(t, s, d, g);
            *g = (FlowFeatGroup){0};
        }
}

void flowfeat_traffic_add(FlowFeatTraffic *t, const Lot *lot, const LotFlow *flows, size_t n) {
    if (n == 0) return;
    if (t->n_flows == 0) t->first_start_ns = flows[0].start_ns;
    const SizeEdges edges = edges_of(lot->host_rate_bps * 1e-9 * lot_rtt_ns(lot));
    for (size_t i = 0; i < n; i++)
        add_to_group(&t->group[group_of(t, flows[i].s, flows[i].d)], flows[i].size_b, &edges);
    if (!t->gaps_known) add_gaps(t, flows, n);
    settle(t);
    t->n_flows += n;
    t->last_start_ns = flows[n - 1].start_ns;
}
