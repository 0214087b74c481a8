/* compat: how the reference turns seconds into ns, starts flows and routes them.
 *
 * It computes time as a double in seconds, keeps it as a fixed-point number with 64 binary places,
 * and cuts it to whole ns: a serialisation of exactly 48 ns takes 47. It reads a flow's start as 1
 * s and more, so that the double's own error decides whether the flow starts 1 ns early.
 *
 * Flow lists that people keep hold either the times asked for or, copied from the reference's
 * output, the times that they became; rounding the latter again would shift some. They can be told
 * apart: a quarter or more of all ns are times that the output never has. */
#include "packet/compat.h"

#include <math.h>

__extension__ typedef unsigned __int128 FixedProduct;

int64_t compat_ns(double seconds) {
    double whole = floor(seconds);
    uint64_t fraction = (uint64_t)((seconds - whole) * 0x1p64);
    return (int64_t)whole * 1000000000 + (int64_t)((FixedProduct)fraction * 1000000000 >> 64);
}

int64_t compat_start_ns(int64_t ns) {
    return compat_ns((double)(ns + 1000000000) / 1e9) - 1000000000;
}

bool compat_is_never_start(int64_t ns) {
    return compat_start_ns(ns) != ns && compat_start_ns(ns + 1) != ns;
}

bool compat_has_asked_starts(const Flows *f) {
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) n += compat_is_never_start(f->start_ns[i]);
    return n * 16 > f->n; /* far from both 0 and a quarter */
}

/* Returns the last link to the pick-th neighbour, next hops being grouped by neighbour. */
static uint32_t link_to_neighbour(const Topo *t, const uint32_t *next, uint32_t n, uint32_t pick) {
    uint32_t at = 0;
    for (; at + 1 < n; at++) {
        if (t->links[next[at + 1]].to != t->links[next[at]].to && pick-- == 0) break;
    }
    return next[at];
}

uint32_t compat_path(const Route *r, uint32_t src_host, uint32_t dst_host, uint16_t sport,
                     uint16_t dport, uint32_t *links) {
    const Topo *t = route_topo(r);
    uint32_t n_links = 0, node = t->host_node[src_host], end = t->host_node[dst_host];
    uint32_t src_ip = route_node_ip(t->node_id[node]), dst_ip = route_node_ip(t->node_id[end]);
    while (node != end) {
        uint32_t n, n_distinct = 1, pick = 0;
        const uint32_t *next = route_next(r, node, dst_host, &n);
        for (uint32_t i = 1; i < n; i++)
            n_distinct += t->links[next[i]].to != t->links[next[i - 1]].to;
        if (n_distinct > 1)
            pick =
                route_hash(src_ip, dst_ip, sport, dport, (uint32_t)t->node_id[node]) % n_distinct;
        links[n_links] = link_to_neighbour(t, next, n, pick);
        node = t->links[links[n_links++]].to;
    }
    return n_links;
}
