/* lotnet: the small network that a path is simulated in at packet level.
 *
 *                   host  host                     host
 *                      \  /                          |
 *           host      proxy           proxy ── … host
 *              \        |               |
 *     source ── switch ── switch ── … ── switch ── destination
 *
 * The path's own links and switches are as in the network, with every cable of those switches: to a
 * host, or to a proxy switch that stands for the switch at its other end. So a switch of the path
 * has the real number of ports, and with them the real share of its buffer; and flows that enter or
 * leave do so at the real cable's rate, over which they queue. What lies beyond a proxy is merged:
 * each host that sends or receives across it is joined to it by one link, with the least rate and
 * the summed delay of the links between. The time that a full packet and an ACK take to be stored
 * and forwarded at the merged links is part of that delay, so round trips are those of the whole
 * network. A host that is reached by different routes from one proxy has the first one's delay.
 *
 * A proxy stands for many switches and must not run out of buffer, but the packet simulator gives
 * all switches the same buffer, less each port's reserve and headroom. So the buffer is enlarged to
 * what the proxy with most ports needs, and each switch of the path gets padding: an idle cable so
 * long that its headroom takes the enlargement away again.
 *
 * Left out: all flows that share no link with the path, and their effect on the others; ACKs return
 * the way their data came. */
#include "path/lotnet.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/wire.h"

/* Delay of the padding's cables; their rate follows from it and from the headroom they are to have.
 * Any value gives the same headroom, which is rate times delay. */
static const double PADDING_DELAY_NS = 1000;

/* A node that was added behind another: a proxy for the far end of a cable (host: TOPO_NONE), or a
 * host of the network (cable: TOPO_NONE). */
typedef struct {
    uint32_t behind, cable, host; /* key: node of the small network; of the network */
    uint32_t node;                /* TOPO_NONE: the entry is empty */
    uint32_t host_index;
} AddedNode;

typedef struct {
    const Topo *real; /* the network */
    uint32_t n_nodes, n_hosts;
    uint8_t *is_host;
    size_t cap_nodes;
    TopoCable *cables;
    size_t n_cables, cap_cables;
    AddedNode *added; /* [cap_added] hash table: open addressing; a power of two, half full */
    size_t n_added, cap_added;
} LotNetBuild;

/* ---- nodes and cables ---- */

static uint32_t add_node(LotNetBuild *b, bool is_host) {
    MEM_GROW(b->is_host, b->cap_nodes, b->n_nodes + 1);
    b->is_host[b->n_nodes] = is_host;
    b->n_hosts += is_host;
    return b->n_nodes++;
}

static void add_cable(LotNetBuild *b, uint32_t from, uint32_t to, double rate_bps, double delay_ns,
                      double error_rate) {
    MEM_GROW(b->cables, b->cap_cables, b->n_cables + 1);
    b->cables[b->n_cables++] = (TopoCable){from, to, rate_bps, delay_ns, error_rate};
}

static AddedNode *find_added(LotNetBuild *b, uint32_t behind, uint32_t cable, uint32_t host) {
    uint64_t hash =
        ((uint64_t)behind << 32 ^ cable) * 0x9e3779b97f4a7c15u ^ host * 0xc2b2ae3d27d4eb4fu;
    size_t i = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u >> 32;
    for (;; i++) {
        AddedNode *p = &b->added[i & (b->cap_added - 1)];
        if (p->node == TOPO_NONE || (p->behind == behind && p->cable == cable && p->host == host))
            return p;
    }
}

static void grow_added(LotNetBuild *b) {
    size_t cap = b->cap_added;
    AddedNode *old = b->added;
    b->cap_added = cap ? 2 * cap : 256;
    b->added = MEM_NEW(AddedNode, b->cap_added);
    for (size_t i = 0; i < b->cap_added; i++) b->added[i].node = TOPO_NONE;
    for (size_t i = 0; i < cap; i++)
        if (old[i].node != TOPO_NONE)
            *find_added(b, old[i].behind, old[i].cable, old[i].host) = old[i];
    free(old);
}

/* Returns the node with that key; *is_new if it was added just now, without a cable yet. */
static const AddedNode *add_behind(LotNetBuild *b, uint32_t behind, uint32_t cable, uint32_t host,
                                   bool *is_new) {
    if (2 * (b->n_added + 1) > b->cap_added) grow_added(b);
    AddedNode *p = find_added(b, behind, cable, host);
    *is_new = p->node == TOPO_NONE;
    if (!*is_new) return p;
    b->n_added++;
    uint32_t host_index = host == TOPO_NONE ? TOPO_NONE : b->n_hosts;
    *p = (AddedNode){behind, cable, host, add_node(b, host != TOPO_NONE), host_index};
    return p;
}

/* ---- off the path ---- */

/* The links between a node of the path and a host off it, in outward order, whatever their
 * direction: link[0], link[step], … */
typedef struct {
    const uint32_t *link;
    int step; /* +1 or −1 */
    uint32_t n;
} Branch;

static double error_rate(const LotNetBuild *b, uint32_t link) {
    return b->real->error_rate ? b->real->error_rate[link] : 0;
}

static const Link *branch_link(const LotNetBuild *b, const Branch *w, uint32_t i) {
    return &b->real->links[w->link[(int)i * w->step]];
}

/* Per direction: half of what a full packet and its ACK take. */
static double store_and_forward_ns(double rate_bps) {
    return wire_hop_rtt_ns(rate_bps, 0, WIRE_FULL_B, WIRE_ACK_B) / 2;
}

/* Joins two nodes by one cable for all links of a branch. Its own rate makes packets wait once. */
static void add_stub(LotNetBuild *b, uint32_t from, uint32_t to, const Branch *w) {
    double rate = INFINITY, delay = 0, passed = 1;
    for (uint32_t i = 0; i < w->n; i++) {
        const Link *l = branch_link(b, w, i);
        passed *= 1 - error_rate(b, (uint32_t)(l - b->real->links));
        rate = fmin(rate, l->rate_bps);
        delay += l->delay_ns + store_and_forward_ns(l->rate_bps);
    }
    add_cable(b, from, to, rate, delay - store_and_forward_ns(rate), 1 - passed);
}

/* Returns the proxy for the far end of `link`, a link of the network at node `behind`. */
static uint32_t proxy(LotNetBuild *b, uint32_t behind, uint32_t link) {
    bool is_new;
    const Link *l = &b->real->links[link];
    uint32_t node = add_behind(b, behind, link >> 1, TOPO_NONE, &is_new)->node;
    if (is_new) add_cable(b, behind, node, l->rate_bps, l->delay_ns, error_rate(b, link));
    return node;
}

/* Returns the host index of the network's host `host`, at the end of a branch from node `at`. */
static uint32_t host_behind(LotNetBuild *b, uint32_t at, Branch w, uint32_t host) {
    if (w.n > 1) {
        at = proxy(b, at, *w.link);
        w.link += w.step;
        w.n--;
    }
    bool is_new;
    const AddedNode *p = add_behind(b, at, TOPO_NONE, host, &is_new);
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
} FlowLookup;

static void add_flow(LotNetBuild *b, const FlowLookup *s, const LotFlow *f, uint32_t *src,
                     uint32_t *dst) {
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
    if (first > 0) *src = host_behind(b, f->s, (Branch){s->links + first - 1, -1, first}, end_src);
    if (after < n) *dst = host_behind(b, f->d, (Branch){s->links + after, 1, n - after}, end_dst);
}

static void add_path(LotNetBuild *b, const NetPath *path) {
    for (uint32_t v = 0; v <= path->n_links; v++) add_node(b, v == 0 || v == path->n_links);
    for (uint32_t v = 0; v < path->n_links; v++) {
        const Link *l = &b->real->links[path->links[v]];
        add_cable(b, v, v + 1, l->rate_bps, l->delay_ns, error_rate(b, path->links[v]));
    }
}

/* Adds the cables of the path's switches that no flow uses: their ports, too, have reserve and
 * headroom. */
static void add_idle_cables(LotNetBuild *b, const NetPath *path) {
    const Topo *t = b->real;
    for (uint32_t v = 1; v < path->n_links; v++) {
        uint32_t node = t->links[path->links[v]].from;
        for (uint32_t i = t->out_start[node]; i < t->out_start[node + 1]; i++) {
            uint32_t link = t->out_link[i], to = t->links[link].to;
            if (link >> 1 == path->links[v - 1] >> 1 || link >> 1 == path->links[v] >> 1) continue;
            if (t->is_host[to]) host_behind(b, v, (Branch){&link, 1, 1}, t->node_host[to]);
            else proxy(b, v, link);
        }
    }
}

/* Returns the most that a proxy sets aside for its ports, at most. */
static double largest_proxy_b(const LotNetBuild *b, const NetPath *path) {
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

/* Adds the padding; returns how much more buffer switches are to have for it. */
static double add_padding(LotNetBuild *b, const NetPath *path) {
    double largest = largest_proxy_b(b, path), in_flight_b = ceil(largest / WIRE_HEADROOM_DELAYS);
    if (largest == 0) return 0;
    for (uint32_t v = 1; v < path->n_links; v++)
        add_cable(b, v, add_node(b, true), in_flight_b * (8e9 / PADDING_DELAY_NS), PADDING_DELAY_NS,
                  0);
    return WIRE_RESERVE_B + WIRE_HEADROOM_DELAYS * in_flight_b;
}

static int build_topo(LotNet *n, const LotNetBuild *b, Err *err) {
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
    LotNetBuild b = {.real = route_topo(route)};
    FlowLookup s = {path, route, flows, sport, MEM_NEW(uint32_t, route_max_links(route))};
    *n = (LotNet){0};
    flows_init(&n->flows, n_flows);
    add_path(&b, path);
    for (size_t i = 0; i < n_flows; i++) {
        n->flows.size_b[i] = lot_flows[i].size_b;
        n->flows.start_ns[i] = lot_flows[i].start_ns;
        add_flow(&b, &s, &lot_flows[i], &n->flows.src[i], &n->flows.dst[i]);
    }
    add_idle_cables(&b, path);
    n->extra_buffer_b = add_padding(&b, path);
    int rc = build_topo(n, &b, err);
    if (rc != 0) lotnet_free(n);
    free(s.links);
    free(b.is_host);
    free(b.cables);
    free(b.added);
    return rc;
}

void lotnet_free(LotNet *n) {
    route_destroy(n->route);
    topo_free(&n->topo);
    flows_free(&n->flows);
    *n = (LotNet){0};
}
