/* flowmap_traffic: sums over all flows of a path that take no simulation.
 *
 * They are linear in the flows and cost some ns each, so they are taken over all of them even where only some are
 * simulated: load, burstiness and the mix of sizes of a sample would be far noisier than what is made of them. */
#include <math.h>

#include "model/flowmap_private.h"

void flowmap_traffic_init(FlowmapTraffic *t, const Lot *lot, Arena *a) {
    *t = (FlowmapTraffic){.link = ARENA_NEW(a, FlowmapLinkTraffic, lot->n_links)};
    for (uint32_t l = 0; l < lot->n_links; l++) t->link[l] = (FlowmapLinkTraffic){0};
}

int flowmap_size_class(double bits, double bdp_bits) {
    int c = 0;
    for (double edge = 0.1 * bdp_bits; c < FLOWMAP_N_SIZES - 1 && bits >= edge; edge *= 10) c++;
    return c;
}

static void add_to_link(FlowmapLinkTraffic *t, uint32_t l, const Lot *lot, const LotFlow *f, double bits, int size, int bucket) {
    t->bits += bits;
    t->size_bits[size] += bits;
    if (f->s < l) t->previous_bits += bits;
    if (f->d > l + 1) t->next_bits += bits;
    if (f->s == 0 && f->d == lot->n_links) t->foreground_bits += bits;
    if (t->flows++ > 0) {
        double gap_ns = (double)(f->start_ns - t->last_start_ns);
        t->gap_ns += gap_ns;
        t->gap2 += gap_ns * gap_ns;
    }
    t->last_start_ns = f->start_ns;
    t->bucket[bucket]++;
}

void flowmap_traffic_add(FlowmapTraffic *t, const Lot *lot, const LotFlow *flows, size_t n) {
    if (n == 0) return;
    if (t->n_flows == 0) t->first_start_ns = flows[0].start_ns;
    double bdp_bits = lot->host_rate_bps * 1e-9 * flowmap_rtt_ns(lot);
    for (size_t i = 0; i < n; i++) {
        const LotFlow *f = &flows[i];
        double bits = lot_wire_bits(f->size_b);
        int size = flowmap_size_class(bits, bdp_bits), bucket = stats_bucket_out(f->size_b);
        t->bits += bits;
        for (uint32_t l = f->s; l < f->d; l++) add_to_link(&t->link[l], l, lot, f, bits, size, bucket);
    }
    t->n_flows += n;
    t->last_start_ns = flows[n - 1].start_ns;
}

double flowmap_traffic_load(const FlowmapTraffic *t, const Lot *lot) {
    double most = 0, span_ns = fmax((double)(t->last_start_ns - t->first_start_ns), 1);
    for (uint32_t l = 0; l < lot->n_links; l++) most = fmax(most, t->link[l].bits / (lot->rate_bps[l] * 1e-9 * span_ns));
    return most;
}
