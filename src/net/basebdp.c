/* basebdp: the bandwidth-delay product of an idle network.
 *
 * Hosts that are linked to the same switch at the same rate and delay see the same paths, so one of
 * each such kind stands for all. So do racks whose switches are of one class (route_class) and
 * whose hosts are of the same kinds: two of them are sources, since the largest product may be that
 * of a pair among them, and one is a destination. Toward one host the round trip from every switch
 * follows from those of its next hops, which are nearer, so each is computed once, by recursion,
 * and shared by all sources. A large folded Clos has a path within a rack, one within a pod and one
 * between pods, and no search is made. */
#include "net/basebdp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/alike.h"
#include "net/clos.h"
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
    BaseStretch
        *from;       /* [n_nodes] from each node to the present destination; rtt_ns < 0 at first */
    uint32_t *known; /* [n_nodes] nodes that it is computed for */
    uint32_t n_known;
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
    s->known[s->n_known++] = node;
    return s->from[node] = longest;
}

/* The link of a host with one; NULL with several. */
static const Link *only_link(const Topo *t, uint32_t host) {
    uint32_t link = topo_only_link(t, host);
    return link == TOPO_NONE ? NULL : &t->links[link];
}

/* Two hosts of each kind in each rack, and all of those with several links; of hosts of a class
 * (route_class) two. Those of rack r begin at start[r]; returns how many. */
static uint32_t choose_hosts(const Route *route, uint32_t *chosen, uint32_t *start) {
    const Topo *t = route_topo(route);
    uint32_t n = 0;
    for (uint32_t r = 0; r < t->n_racks; r++) {
        uint32_t first = start[r] = n;
        for (uint32_t k = t->rack_host_start[r]; k < t->rack_host_start[r + 1]; k++) {
            uint32_t h = t->rack_hosts[k], n_alike = 0;
            const Link *l = only_link(t, h);
            for (uint32_t i = first; i < n; i++) {
                const Link *m = only_link(t, chosen[i]);
                n_alike += l && m && l->rate_bps == m->rate_bps && l->delay_ns == m->delay_ns;
                n_alike += !l && !m &&
                           route_class(route, t->host_node[h]) ==
                               route_class(route, t->host_node[chosen[i]]);
            }
            if (n_alike < 2) chosen[n++] = h;
        }
    }
    return start[t->n_racks] = n;
}

/* Whether some host has a link to a switch among others. */
static bool is_shared(const Topo *t, uint32_t sw) {
    for (uint32_t i = t->out_start[sw]; i < t->out_start[sw + 1]; i++) {
        uint32_t to = t->links[t->out_link[i]].to;
        if (t->is_host[to] && !only_link(t, t->node_host[to])) return true;
    }
    return false;
}

/* Racks with equal numbers are of one class, and their chosen hosts of the same kinds in the same
 * order; a rack whose switch is linked to hosts with several links is like no other. */
static uint32_t number_racks(const Route *route, const uint32_t *chosen, const uint32_t *start,
                             uint32_t *number, uint32_t *first) {
    enum { WORDS = 4 };
    const Topo *t = route_topo(route);
    uint32_t *words =
        MEM_ZNEW(uint32_t, WORDS * (size_t)start[t->n_racks] + 2 * (size_t)t->n_racks);
    size_t *at = MEM_NEW(size_t, t->n_racks + (size_t)1), n = 0;
    for (uint32_t r = 0; r < t->n_racks; r++) {
        at[r] = n;
        words[n++] = route_class(route, t->rack_switch[r]);
        words[n++] = is_shared(t, t->rack_switch[r]) ? r : TOPO_NONE;
        for (uint32_t i = start[r]; i < start[r + 1]; i++, n += WORDS) {
            const Link *l = only_link(t, chosen[i]);
            if (!l) continue;
            memcpy(words + n, &l->rate_bps, sizeof l->rate_bps);
            memcpy(words + n + 2, &l->delay_ns, sizeof l->delay_ns);
        }
    }
    at[t->n_racks] = n;
    uint32_t n_numbers = alike_number(words, at, t->n_racks, number, first);
    free(words);
    free(at);
    return n_numbers;
}

/* Keeps the hosts of two racks of each number; those of the first are marked in is_end[host]. */
static uint32_t thin_out(const Route *route, uint32_t *chosen, bool *is_end) {
    const Topo *t = route_topo(route);
    uint32_t *start = MEM_NEW(uint32_t, t->n_racks + (size_t)1), n = 0;
    uint32_t *number = MEM_NEW(uint32_t, t->n_racks), *first = MEM_NEW(uint32_t, t->n_racks);
    uint8_t *n_kept = MEM_ZNEW(uint8_t, t->n_racks);
    choose_hosts(route, chosen, start);
    number_racks(route, chosen, start, number, first);
    for (uint32_t r = 0; r < t->n_racks; r++) {
        if (n_kept[number[r]] == 2) continue;
        n_kept[number[r]]++;
        for (uint32_t i = start[r]; i < start[r + 1]; i++) {
            is_end[n] = first[number[r]] == r;
            chosen[n++] = chosen[i];
        }
    }
    free(start);
    free(number);
    free(first);
    free(n_kept);
    return n;
}

double basebdp_of_clos(const Clos *c) {
    const double rate[] = {c->host_rate_bps, c->fab_rate_bps, c->spine_rate_bps};
    const double delay[] = {c->host_delay_ns, c->fab_delay_ns, c->spine_delay_ns};
    const bool some[] = {c->hosts_per_rack > 1, c->racks_per_pod > 1, c->pods > 1};
    double largest = 0;
    for (int tiers = 1; tiers <= 3; tiers++) { /* up by so many links, and down by as many */
        double rates[6], delays[6];
        for (int k = 0; k < tiers; k++) {
            rates[k] = rates[2 * tiers - 1 - k] = rate[k];
            delays[k] = delays[2 * tiers - 1 - k] = delay[k];
        }
        if (some[tiers - 1])
            largest = fmax(largest, basebdp_of(rates, delays, 2 * (uint32_t)tiers));
    }
    return largest;
}

double basebdp_largest(const Route *r) {
    const Topo *t = route_topo(r);
    if (route_clos(r)) return basebdp_of_clos(route_clos(r));
    BaseSearch s = {r, t, MEM_NEW(BaseStretch, t->n_nodes), MEM_NEW(uint32_t, t->n_nodes), 0};
    bool *is_end = MEM_NEW(bool, t->n_hosts);
    uint32_t *hosts = MEM_NEW(uint32_t, t->n_hosts), n = thin_out(r, hosts, is_end);
    double largest = 0;
    for (uint32_t v = 0; v < t->n_nodes; v++) s.from[v].rtt_ns = -1;
    for (uint32_t d = 0; d < n; d++) {
        for (uint32_t h = 0; h < n && is_end[d]; h++)
            if (h != d)
                largest = fmax(largest, product(stretch(&s, t->host_node[hosts[h]], hosts[d])));
        while (s.n_known > 0) s.from[s.known[--s.n_known]].rtt_ns = -1;
    }
    free(hosts);
    free(is_end);
    free(s.from);
    free(s.known);
    return largest;
}
