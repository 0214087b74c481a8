/* basebdp: the bandwidth-delay product of an idle network.
 *
 * Hosts that are linked to the same switch at the same rate and delay see the same paths, so one of
 * each such class stands for all; with one class a rack, pairs of classes are few. Toward one class
 * the round trip from every switch follows from those of its next hops, which are nearer, so each
 * is computed once, by recursion, and shared by all sources. */
#include "net/basebdp.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/wire.h"

/* What a stretch of links adds: its part of a round trip, and its slowest rate. */
typedef struct {
    double rtt_ns, rate_bps; /* rtt_ns < 0: not computed yet */
} BaseStretch;

static BaseStretch join(BaseStretch a, double rate_bps, double delay_ns) {
    return (BaseStretch){a.rtt_ns + 2 * delay_ns + WIRE_PAYLOAD_B * 8e9 / rate_bps,
                         fmin(a.rate_bps, rate_bps)};
}

/* In whole bytes, rounded up but for what arithmetic adds. */
static double product(BaseStretch s) { return ceil(s.rtt_ns * 1e-9 * s.rate_bps / 8 - 1e-6); }

double basebdp_of(const double *rate_bps, const double *delay_ns, uint32_t n) {
    BaseStretch s = {0, INFINITY};
    for (uint32_t i = 0; i < n; i++) s = join(s, rate_bps[i], delay_ns[i]);
    return product(s);
}

typedef struct {
    const Route *route;
    const Topo *topo;
    BaseStretch *from; /* [n_nodes] from each node to the present destination */
} BaseSearch;

static BaseStretch stretch(BaseSearch *s, uint32_t node, uint32_t dst) {
    if (s->from[node].rtt_ns >= 0) return s->from[node];
    BaseStretch longest = {0, INFINITY};
    uint32_t n;
    if (node != s->topo->host_node[dst]) {
        const uint32_t *next = route_next(s->route, node, dst, &n);
        for (uint32_t i = 0; i < n; i++) {
            const Link *l = &s->topo->links[next[i]];
            BaseStretch via = join(stretch(s, l->to, dst), l->rate_bps, l->delay_ns);
            if (via.rtt_ns > longest.rtt_ns) longest = via;
        }
    }
    return s->from[node] = longest;
}

/* The link of a host with one; NULL with several. */
static const Link *only_link(const Topo *t, uint32_t host) {
    uint32_t v = t->host_node[host];
    return t->out_start[v + 1] - t->out_start[v] == 1 ? &t->links[t->out_link[t->out_start[v]]]
                                                      : NULL;
}

/* Two hosts of each class, since the largest product may be that of a pair within a class; all of
 * those with several links. Returns how many. */
static uint32_t choose_hosts(const Topo *t, uint32_t *chosen) {
    uint32_t n = 0;
    for (uint32_t r = 0; r < t->n_racks; r++) {
        uint32_t first = n;
        for (uint32_t k = t->rack_host_start[r]; k < t->rack_host_start[r + 1]; k++) {
            uint32_t h = t->rack_hosts[k], n_alike = 0;
            const Link *l = only_link(t, h);
            for (uint32_t i = first; l && i < n; i++) {
                const Link *m = only_link(t, chosen[i]);
                n_alike += m && l->rate_bps == m->rate_bps && l->delay_ns == m->delay_ns;
            }
            if (n_alike < 2) chosen[n++] = h;
        }
    }
    return n;
}

double basebdp_largest(const Route *r) {
    const Topo *t = route_topo(r);
    BaseSearch s = {r, t, MEM_NEW(BaseStretch, t->n_nodes)};
    uint32_t *hosts = MEM_NEW(uint32_t, t->n_hosts), n = choose_hosts(t, hosts);
    double largest = 0;
    for (uint32_t d = 0; d < n; d++) {
        for (uint32_t v = 0; v < t->n_nodes; v++) s.from[v].rtt_ns = -1;
        for (uint32_t h = 0; h < n; h++)
            if (h != d)
                largest = fmax(largest, product(stretch(&s, t->host_node[hosts[h]], hosts[d])));
    }
    free(hosts);
    free(s.from);
    return largest;
}
