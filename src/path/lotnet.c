/* lotnet: the small network that a path is simulated in at packet level.
 *
 *                   host  host                     host
 *                      \  /                          |
 *           host      proxy           proxy ── … host
 *              \        |               |
 *     source ── switch ── switch ── … ── switch ── destination
 *
 * The path's own links and switches are as they are, with every cable of those switches: to a host,
 * or to a proxy that stands for the switch at its other end. So a switch of the path has the real
 * number of ports, and with them the real share of its buffer; and flows that enter or leave come
 * and go at the real cable's rate, over which they queue. What lies beyond a proxy is drawn
 * together: each host that sends or receives across it hangs on it by one link with the least rate
 * and the summed delay of its way. The time that a full packet and an ACK take to be stored and
 * forwarded at the links drawn together is part of that delay, so round trips are those of the
 * whole network. A host that is reached by different ways from one proxy has the first one's delay.
 *
 * A proxy stands for many switches and must not run out of buffer, which the packet simulator gives
 * in equal parts to all switches and lessens by each port's reserve and headroom. So there is to be
 * more of it, enough for the proxy with most ports, and each switch of the path gets an idle cable
 * so long that its headroom takes the surplus away again.
 *
 * Left out: all flows that share no link with the path, and what they do to the others; ACKs return
 * the way their data came. */
#include "path/lotnet.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/wire.h"

/* Delay of the idle cables whose headroom takes surplus buffer away; their rate follows from it.
 * Any value does. */
static const double IDLE_DELAY_NS = 1000;

/* What was put behind a node: a proxy behind a cable (host: TOPO_NONE), or a real host (cable:
 * TOPO_NONE). */
typedef struct {
    uint32_t behind, cable, host;
    uint32_t node; /* TOPO_NONE: the place is empty */
    uint32_t host_index;
} Place;

typedef struct {
    const Topo *real;
    uint32_t n_nodes, n_hosts;
    uint8_t *is_host;
    size_t cap_nodes;
    TopoCable *cables;
    size_t n_cables, cap_cables;
    Place *places; /* open addressing; a power of two */
    size_t n_places, cap_places;
} Build;

/* ---- nodes and cables ---- */

static uint32_t add_node(Build *b, bool is_host) {
    MEM_GROW(b->is_host, b->cap_nodes, b->n_nodes + 1);
    b->is_host[b->n_nodes] = is_host;
    b->n_hosts += is_host;
    return b->n_nodes++;
}

static void add_cable(Build *b, uint32_t from, uint32_t to, double rate_bps, double delay_ns) {
    MEM_GROW(b->cables, b->cap_cables, b->n_cables + 1);
    b->cables[b->n_cables++] = (TopoCable){from, to, rate_bps, delay_ns};
}

static Place *find_place(Build *b, uint32_t behind, uint32_t cable, uint32_t host) {
    uint64_t hash =
        ((uint64_t)behind << 32 ^ cable) * 0x9e3779b97f4a7c15u ^ host * 0xc2b2ae3d27d4eb4fu;
    size_t i = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u >> 32;
    for (;; i++) {
        Place *p = &b->places[i & (b->cap_places - 1)];
        if (p->node == TOPO_NONE || (p->behind == behind && p->cable == cable && p->host == host))
            return p;
    }
}

static void grow_places(Build *b) {
    size_t cap = b->cap_places;
    Place *old = b->places;
    b->cap_places = cap ? 2 * cap : 256;
    b->places = MEM_NEW(Place, b->cap_places);
    for (size_t i = 0; i < b->cap_places; i++) b->places[i].node = TOPO_NONE;
    for (size_t i = 0; i < cap; i++)
        if (old[i].node != TOPO_NONE)
            *find_place(b, old[i].behind, old[i].cable, old[i].host) = old[i];
    free(old);
}

/* The place with that key; `*is_new` if it was made just now, with a node but no cable. */
static const Place *take_place(Build *b, uint32_t behind, uint32_t cable, uint32_t host,
                               bool *is_new) {
    if (2 * (b->n_places + 1) > b->cap_places) grow_places(b);
    Place *p = find_place(b, behind, cable, host);
    *is_new = p->node == TOPO_NONE;
    if (!*is_new) return p;
    b->n_places++;
    uint32_t host_index = host == TOPO_NONE ? TOPO_NONE : b->n_hosts;
    *p = (Place){behind, cable, host, add_node(b, host != TOPO_NONE), host_index};
    return p;
}

/* ---- ways off the path ---- */

/* Links from a node of the path outward to a host, whatever their direction. */
typedef struct {
    const uint32_t *link;
    int step; /* +1 or −1 */
    uint32_t n;
} Way;

static const Link *way_link(const Build *b, const Way *w, uint32_t i) {
    return &b->real->links[w->link[(int)i * w->step]];
}

static double store_and_forward_ns(double rate_bps) {
    return wire_hop_rtt_ns(rate_bps, 0, WIRE_FULL_B, WIRE_ACK_B) / 2;
}

static void add_stub(Build *b, uint32_t from, uint32_t to, const Way *w) {
    double rate = INFINITY, delay = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        const Link *l = way_link(b, w, i);
        rate = fmin(rate, l->rate_bps);
        delay += l->delay_ns + store_and_forward_ns(l->rate_bps);
    }
    add_cable(b, from, to, rate, delay - store_and_forward_ns(rate));
}

static uint32_t proxy(Build *b, uint32_t behind, uint32_t link) {
    bool is_new;
    const Link *l = &b->real->links[link];
    uint32_t node = take_place(b, behind, link >> 1, TOPO_NONE, &is_new)->node;
    if (is_new) add_cable(b, behind, node, l->rate_bps, l->delay_ns);
    return node;
}

/* Host index of real host `host` at the end of a way from node `at` of the path. */
static uint32_t host_behind(Build *b, uint32_t at, Way w, uint32_t host) {
    if (w.n > 1) {
        at = proxy(b, at, *w.link);
        w.link += w.step;
        w.n--;
    }
    bool is_new;
    const Place *p = take_place(b, at, TOPO_NONE, host, &is_new);
    uint32_t host_index = p->host_index;
    if (is_new) add_stub(b, at, p->node, &w);
    return host_index;
}

/* ---- flows ---- */

typedef struct {
    const NetPath *path;
    const Route *route;
    const Flows *flows;
    const uint16_t *sport;
    uint32_t *links; /* room for a route */
} Source;

static void add_flow(Build *b, const Source *s, const LotFlow *f, uint32_t *src, uint32_t *dst) {
    const NetPath *path = s->path;
    uint32_t i = f->flow, end_src = s->flows->src[i], end_dst = s->flows->dst[i], first = 0, after;
    *src = 0;
    *dst = 1;
    if (lot_is_foreground(path->n_links, f->s, f->d)) return;
    uint32_t n = route_path(s->route, end_src, end_dst, s->sport[i], ROUTE_DPORT, s->links);
    while (s->links[first] != path->links[f->s]) {
        first++;
        assert(first < n);
    }
    after = first + (f->d - f->s);
    if (first > 0) *src = host_behind(b, f->s, (Way){s->links + first - 1, -1, first}, end_src);
    if (after < n) *dst = host_behind(b, f->d, (Way){s->links + after, 1, n - after}, end_dst);
}

static void add_path(Build *b, const NetPath *path) {
    for (uint32_t v = 0; v <= path->n_links; v++) add_node(b, v == 0 || v == path->n_links);
    for (uint32_t v = 0; v < path->n_links; v++) {
        const Link *l = &b->real->links[path->links[v]];
        add_cable(b, v, v + 1, l->rate_bps, l->delay_ns);
    }
}

/* The cables of the path's switches that no flow has asked for: they have their part of the buffer
 * all the same. */
static void add_idle_cables(Build *b, const NetPath *path) {
    const Topo *t = b->real;
    for (uint32_t v = 1; v < path->n_links; v++) {
        uint32_t node = t->links[path->links[v]].from;
        for (uint32_t i = t->out_start[node]; i < t->out_start[node + 1]; i++) {
            uint32_t link = t->out_link[i], to = t->links[link].to;
            if (link >> 1 == path->links[v - 1] >> 1 || link >> 1 == path->links[v] >> 1) continue;
            if (t->is_host[to]) host_behind(b, v, (Way){&link, 1, 1}, t->node_host[to]);
            else proxy(b, v, link);
        }
    }
}

/* The most that a proxy sets aside for its ports. */
static double largest_relay_b(const Build *b, const NetPath *path) {
    double *sum_b = MEM_ZNEW(double, b->n_nodes), largest = 0;
    for (size_t i = 0; i < b->n_cables; i++) {
        const TopoCable *c = &b->cables[i];
        double port_b = wire_set_aside_bound_b(c->rate_bps, c->delay_ns);
        sum_b[c->a] += port_b;
        sum_b[c->b] += port_b;
    }
    for (uint32_t v = path->n_links + 1; v < b->n_nodes; v++)
        if (!b->is_host[v]) largest = fmax(largest, sum_b[v]);
    free(sum_b);
    return largest;
}

/* Returns the surplus of buffer that the idle cables take away. */
static double add_ballast(Build *b, const NetPath *path) {
    double largest = largest_relay_b(b, path), on_cable_b = ceil(largest / WIRE_HEADROOM_DELAYS);
    if (largest == 0) return 0;
    for (uint32_t v = 1; v < path->n_links; v++)
        add_cable(b, v, add_node(b, true), on_cable_b * (8e9 / IDLE_DELAY_NS), IDLE_DELAY_NS);
    return WIRE_RESERVE_B + WIRE_HEADROOM_DELAYS * on_cable_b;
}

static int finish(LotNet *n, const Build *b, Err *err) {
    uint64_t *id = MEM_NEW(uint64_t, b->n_nodes);
    for (uint32_t v = 0; v < b->n_nodes; v++) id[v] = v;
    int rc = topo_build(&n->topo, b->real->name, id, b->is_host, NULL, b->n_nodes, b->cables,
                        (uint32_t)b->n_cables, err);
    free(id);
    if (rc != 0) return -1;
    n->route = route_new(&n->topo, err);
    return n->route ? 0 : -1;
}

int lotnet_init(LotNet *n, const NetPath *path, const LotFlow *lot_flows, size_t n_flows,
                const Route *route, const Flows *flows, const uint16_t *sport, Err *err) {
    Build b = {.real = route_topo(route)};
    Source s = {path, route, flows, sport, MEM_NEW(uint32_t, route_max_links(route))};
    *n = (LotNet){0};
    flows_init(&n->flows, n_flows);
    add_path(&b, path);
    for (size_t i = 0; i < n_flows; i++) {
        n->flows.size_b[i] = lot_flows[i].size_b;
        n->flows.start_ns[i] = lot_flows[i].start_ns;
        add_flow(&b, &s, &lot_flows[i], &n->flows.src[i], &n->flows.dst[i]);
    }
    add_idle_cables(&b, path);
    n->extra_buffer_b = add_ballast(&b, path);
    int rc = finish(n, &b, err);
    if (rc != 0) lotnet_free(n);
    free(s.links);
    free(b.is_host);
    free(b.cables);
    free(b.places);
    return rc;
}

void lotnet_free(LotNet *n) {
    route_destroy(n->route);
    topo_free(&n->topo);
    flows_free(&n->flows);
    *n = (LotNet){0};
}
