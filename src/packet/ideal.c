/* ideal: completion times in the empty network.
 *
 * In compat by the reference's formula: all packets at the slowest link, the first one at every
 * link, in whole ns. Otherwise exact: packets that pass a row of store-and-forward links are done
 * at the longest path through the grid (packet, link), each step of which goes to the next packet
 * or to the next link; as all packets but the last are equal, that is the maximum over the link k
 * where the path changes to the last packet:
 *
 *     max_k  Σ_{h≤k} full_h + (n − 2) · max_{h≤k} full_h + Σ_{h≥k} last_h .
 *
 * Both count WIRE_HEADER_B for all controls: telemetry and timestamps of some come on top, so that
 * ideal times are the same for all of them. */
#include "packet/ideal.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/wire.h"
#include "packet/compat.h"
#include "packet/pktsim.h"

int64_t ideal_ticks(bool compat, double bytes, double rate_bps) {
    if (compat) return compat_ns(bytes * 8 / rate_bps);
    int64_t ps = (int64_t)(bytes * 8e12 / rate_bps + 0.5);
    return ps > 0 ? ps : 1;
}

uint32_t ideal_path(const Route *r, bool compat, uint32_t src_host, uint32_t dst_host,
                    uint16_t sport, uint16_t dport, uint32_t *links) {
    return (compat ? compat_path : route_path)(r, src_host, dst_host, sport, dport, links);
}

static double compat_ideal(const Topo *t, const uint32_t *links, uint32_t n, uint64_t size_b) {
    double first_b = (double)(size_b < WIRE_PAYLOAD_B ? size_b : WIRE_PAYLOAD_B), b = WIRE_REF_BPS,
           ns = 0;
    uint64_t n_more = (size_b - 1) / WIRE_PAYLOAD_B; /* packets behind the first */
    for (uint32_t i = 0; i < n; i++) {
        const Link *l = &t->links[links[i]];
        ns += l->delay_ns + floor((first_b + WIRE_HEADER_B) * 8e9 / l->rate_bps);
        b = fmin(b, l->rate_bps);
    }
    return ns + floor(((double)size_b - first_b) * 8e9 / b) +
           (double)n_more * floor(WIRE_HEADER_B * 8e9 / b);
}

static int64_t wire_ticks(const Link *l, uint64_t payload_b) {
    return ideal_ticks(false, (double)(payload_b + WIRE_HEADER_B), l->rate_bps);
}

static double exact_ideal(const Topo *t, const uint32_t *links, uint32_t n, uint64_t size_b) {
    int64_t n_packets = (int64_t)wire_packets(size_b), delay = 0, last_rest = 0;
    uint64_t last_b = size_b - (uint64_t)(n_packets - 1) * WIRE_PAYLOAD_B;
    for (uint32_t i = 0; i < n; i++) {
        delay += (int64_t)(t->links[links[i]].delay_ns * 1000 + 0.5);
        last_rest += wire_ticks(&t->links[links[i]], last_b);
    }
    int64_t longest = last_rest, full_sum = 0, full_max = 0;
    for (uint32_t k = 0; k < n && n_packets > 1; k++) {
        const Link *l = &t->links[links[k]];
        int64_t full = wire_ticks(l, WIRE_PAYLOAD_B);
        full_sum += full;
        if (full > full_max) full_max = full;
        int64_t way = full_sum + (n_packets - 2) * full_max + last_rest;
        if (way > longest) longest = way;
        last_rest -= wire_ticks(l, last_b);
    }
    return (double)(delay + longest) / 1000;
}

void pktsim_ideal(const Route *r, const Flows *f, bool compat, double *ideal_ns) {
    const Topo *t = route_topo(r);
    uint16_t *sport = MEM_NEW(uint16_t, f->n);
    uint32_t *links = MEM_NEW(uint32_t, route_max_links(r));
    route_sports(t, f->src, f->dst, f->n, sport);
    for (size_t i = 0; i < f->n; i++) {
        uint32_t n = ideal_path(r, compat, f->src[i], f->dst[i], sport[i], ROUTE_DPORT, links);
        ideal_ns[i] = (compat ? compat_ideal : exact_ideal)(t, links, n, f->size_b[i]);
    }
    free(links);
    free(sport);
}
