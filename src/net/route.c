/* route: equal-cost multi-path over all shortest paths.
 *
 * Hosts that are joined to the same switches are one destination group: all switches treat them
 * alike until the last hop. Which links lead nearer to a group is in a table by classes of switches
 * that are alike (net/route_table). A path is walked link by link:
 *
 *     at a host with one link      it is that link
 *     at a switch of the group     one of the destination's own links, in the other direction
 *     else                         the class's next hops toward the group's column, or, next to the
 *                                  group, its next hops toward the group itself
 *
 * Next hops are in the order of topo's out_link: by descending node, parallel links side by side.
 * Hosts don't forward.
 *
 * The hash is murmur3-32 (A. Appleby, public domain description) over addresses and ports as the
 * HPCC authors' simulator computes it, seeded with the switch's node id. It is computed only where
 * there is a choice. Left out: failures, weights, flowlets. */
#include "net/route.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/stats.h"
#include "net/route_private.h"

/* ---- hash ---- */

static inline uint32_t rotl(uint32_t x, int n) { return (x << n) | (x >> (32 - n)); }

static inline uint32_t murmur_word(uint32_t w) { return rotl(w * 0xcc9e2d51u, 15) * 0x1b873593u; }

/* The three words of the key after their own mixing, which no switch's seed enters. */
typedef struct {
    uint32_t word[3];
} FlowKey;

static inline FlowKey key_of(uint32_t src_ip, uint32_t dst_ip, uint16_t sport, uint16_t dport) {
    return (FlowKey){
        {murmur_word(src_ip), murmur_word(dst_ip), murmur_word(sport | (uint32_t)dport << 16)}};
}

static inline uint32_t hash_key(const FlowKey *k, uint32_t seed) {
    uint32_t h = seed;
    for (int i = 0; i < 3; i++) h = rotl(h ^ k->word[i], 13) * 5 + 0xe6546b64u;
    h ^= 12; /* the key's length */
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

uint32_t route_hash(uint32_t src_ip, uint32_t dst_ip, uint16_t sport, uint16_t dport,
                    uint32_t seed) {
    FlowKey k = key_of(src_ip, dst_ip, sport, dport);
    return hash_key(&k, seed);
}

uint32_t route_node_ip(uint64_t node_id) {
    return 0x0b000001u + (uint32_t)(node_id / 256 << 16) + (uint32_t)(node_id % 256 << 8);
}

/* ---- groups ---- */

static bool same_switches(const Topo *t, uint32_t host_a, uint32_t host_b) {
    uint32_t a = t->host_node[host_a], b = t->host_node[host_b];
    uint32_t i = t->out_start[a], j = t->out_start[b], end_i = t->out_start[a + 1],
             end_j = t->out_start[b + 1];
    while (i < end_i && j < end_j) {
        if (t->links[t->out_link[i]].to != t->links[t->out_link[j]].to) return false;
        i = route_skip_parallel(t, i, end_i);
        j = route_skip_parallel(t, j, end_j);
    }
    return i == end_i && j == end_j;
}

/* Groups in order of rack. `heads` receives a host of each group. */
static void group_hosts(Route *r, uint32_t *heads) {
    const Topo *t = r->topo;
    for (uint32_t rack = 0; rack < t->n_racks; rack++) {
        uint32_t first = r->n_groups; /* hosts of one group are of one rack */
        for (uint32_t i = t->rack_host_start[rack]; i < t->rack_host_start[rack + 1]; i++) {
            uint32_t h = t->rack_hosts[i], g = r->n_groups;
            while (g > first && !same_switches(t, heads[g - 1], h)) g--;
            if (g == first) heads[r->n_groups++] = h;
            r->host[h].group = g == first ? r->n_groups - 1 : g - 1;
        }
    }
}

/* ---- single steps ---- */

static inline bool is_last_switch(const Route *r, uint32_t node, const RouteHost *to) {
    if (to->only_switch != TOPO_NONE) return to->only_switch == node;
    return route_is_linked(r->topo, to->node, node);
}

/* Next hops of a node that is neither of the target's switches nor a host with one link. */
static inline const NextHops *hops_of(const Route *r, uint32_t class, const RouteHost *to) {
    const NextHops *hops = route_far_hops(r, class, to->column);
    if (hops->distance > 1 && class < r->n_switch_classes) return hops;
    const NextHops *near = route_near_hops(r, class, to->group);
    return near ? near : hops;
}

/* Distance from a host to the nearest switch of a group, in links; ROUTE_UNREACHED if there is no
 * way. */
static uint32_t host_distance(const Route *r, uint32_t host, const RouteHost *to) {
    uint32_t only = r->host[host].only_switch;
    if (only == TOPO_NONE) return hops_of(r, r->node[r->host[host].node].class, to)->distance;
    if (is_last_switch(r, only, to)) return 1;
    uint32_t d = hops_of(r, r->node[only].class, to)->distance;
    return d == ROUTE_UNREACHED ? ROUTE_UNREACHED : d + 1;
}

/* ---- reach ---- */

/* Of each class the number of its switches with hosts of one link, or 1 for hosts with several. */
static uint32_t *count_sources(const Route *r, const uint32_t *heads) {
    uint32_t *n = MEM_ZNEW(uint32_t, r->n_classes);
    for (uint32_t g = 0; g < r->n_groups; g++) {
        const RouteHost *h = &r->host[heads[g]];
        if (h->only_switch != TOPO_NONE) n[r->node[h->only_switch].class]++;
        else n[r->node[h->node].class] = 1;
    }
    return n;
}

/* Of each class how many of a group's switches have hosts of one link; `sign` −1 takes them away
 * again. */
static void count_own(const Route *r, uint32_t head, const uint8_t *has_hosts, uint32_t *n_own,
                      int sign) {
    const Topo *t = r->topo;
    uint32_t v = t->host_node[head], end = t->out_start[v + 1];
    for (uint32_t i = t->out_start[v]; i < end; i = route_skip_parallel(t, i, end)) {
        uint32_t sw = t->links[t->out_link[i]].to;
        if (has_hosts[sw]) n_own[r->node[sw].class] += (uint32_t)sign;
    }
}

static void take_distance(uint32_t distance, bool from_switch, uint32_t *longest) {
    uint32_t links = distance == ROUTE_UNREACHED ? ROUTE_UNREACHED : distance + 1u + from_switch;
    if (links > *longest) *longest = links;
}

/* Raises *longest to the most links from hosts next to a group. Counts in n_sharing the groups that
 * each class of hosts shares switches with. */
static void near_distances(const Route *r, uint32_t g, const uint32_t *n_sources,
                           const uint32_t *n_own, uint32_t *n_sharing, uint32_t *longest) {
    for (size_t i = r->near_start[g]; i < r->near_start[g + 1]; i++) {
        uint32_t class = r->near[i].class;
        bool is_switch = class < r->n_switch_classes;
        n_sharing[class] += !is_switch;
        if (n_sources[class] > n_own[class])
            take_distance(r->near[i].hops.distance, is_switch, longest);
    }
}

/* The most links of any path between hosts; ROUTE_UNREACHED or more if some don't reach each
 * other. Groups of a column are taken together: `order` lists them by column. */
static uint32_t longest_path(const Route *r, const uint32_t *heads, const uint32_t *order) {
    const Topo *t = r->topo;
    uint32_t *n_sources = count_sources(r, heads), *n_own = MEM_ZNEW(uint32_t, r->n_classes),
             *n_sharing = MEM_ZNEW(uint32_t, r->n_classes), longest = 2;
    uint8_t *has_hosts = MEM_ZNEW(uint8_t, t->n_nodes);
    for (uint32_t h = 0; h < t->n_hosts; h++)
        if (r->host[h].only_switch != TOPO_NONE) has_hosts[r->host[h].only_switch] = 1;
    for (uint32_t i = 0, column = 0; column < r->n_columns; column++) {
        uint32_t first = i;
        for (; i < r->n_groups && r->column_of[order[i]] == column; i++) {
            uint32_t head = heads[order[i]];
            count_own(r, head, has_hosts, n_own, 1);
            near_distances(r, order[i], n_sources, n_own, n_sharing, &longest);
            count_own(r, head, has_hosts, n_own, -1);
        }
        for (uint32_t c = 0; c < r->n_classes; c++) {
            const NextHops *hops = route_far_hops(r, c, column);
            bool is_switch = c < r->n_switch_classes;
            bool counts = is_switch ? hops->distance > 1 : n_sharing[c] < i - first;
            n_sharing[c] = 0;
            if (n_sources[c] > 0 && counts) take_distance(hops->distance, is_switch, &longest);
        }
    }
    free(n_sources);
    free(n_own);
    free(n_sharing);
    free(has_hosts);
    return longest;
}

/* Groups in order of column. */
static uint32_t *groups_by_column(const Route *r) {
    uint32_t *start = MEM_NEW(uint32_t, r->n_columns + (size_t)1),
             *order = MEM_NEW(uint32_t, r->n_groups);
    stats_group(r->column_of, r->n_groups, r->n_columns, start, order);
    free(start);
    return order;
}

/* Names the first two hosts that don't reach each other. */
static int fail_reach(const Route *r, const uint32_t *heads, Err *err) {
    const Topo *t = r->topo;
    for (uint32_t g = 0; g < r->n_groups; g++) {
        const RouteHost *to = &r->host[heads[g]];
        for (uint32_t from = 0; from < r->n_groups; from++)
            if (host_distance(r, heads[from], to) == ROUTE_UNREACHED)
                return err_input(err,
                                 "%s: no path from host %llu to host %llu (hosts don't forward)",
                                 t->name, (unsigned long long)t->node_id[t->host_node[heads[from]]],
                                 (unsigned long long)t->node_id[to->node]);
    }
    return err_input(err, "%s: some hosts don't reach each other", t->name);
}

/* Checks that all hosts reach each other, and finds the longest path. */
static int check_reach(Route *r, const uint32_t *heads, Err *err) {
    uint32_t *order = groups_by_column(r);
    r->max_links = longest_path(r, heads, order);
    free(order);
    return r->max_links < ROUTE_UNREACHED ? 0 : fail_reach(r, heads, err);
}

static void find_clos(Route *r) {
    Clos c;
    if (r->topo->n_racks < ROUTE_MANY_RACKS || !clos_match(&c, r->topo)) return;
    r->clos = MEM_NEW(Clos, 1);
    *r->clos = c;
}

Route *route_new(const Topo *t, Err *err) {
    Route *r = MEM_ZNEW(Route, 1);
    r->topo = t;

    /* What walking a path reads of links and hosts. */
    r->link_to = MEM_NEW(uint32_t, t->n_links);
    r->down_link = MEM_NEW(uint32_t, t->n_links);
    r->host = MEM_NEW(RouteHost, t->n_hosts);
    for (uint32_t l = 0; l < t->n_links; l++) {
        r->link_to[l] = t->links[l].to;
        r->down_link[l] = t->out_link[l] ^ 1;
    }
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        uint32_t v = t->host_node[h], up_link = topo_only_link(t, h);
        r->host[h] =
            (RouteHost){.node = v,
                        .ip = route_node_ip(t->node_id[v]),
                        .only_switch = up_link == TOPO_NONE ? TOPO_NONE : t->links[up_link].to,
                        .up_link = up_link};
    }

    uint32_t *heads = MEM_NEW(uint32_t, t->n_hosts);
    group_hosts(r, heads);
    int rc = route_table_build(r, heads, err);
    for (uint32_t h = 0; rc == 0 && h < t->n_hosts; h++)
        r->host[h].column = r->column_of[r->host[h].group];
    if (rc == 0) rc = check_reach(r, heads, err);
    free(heads);
    if (rc == 0) find_clos(r);
    if (rc == 0) return r;
    route_destroy(r);
    return NULL;
}

void route_destroy(Route *r) {
    if (!r) return;
    void *arrays[] = {r->host,       r->column_of, r->node,       r->link_list,
                      r->runs,       r->hops,      r->run_column, r->near,
                      r->near_start, r->link_to,   r->down_link,  r->clos};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    free(r);
}

/* ---- paths ---- */

const Topo *route_topo(const Route *r) { return r->topo; }

const Clos *route_clos(const Route *r) { return r->clos; }

uint32_t route_max_links(const Route *r) { return r->max_links; }

uint32_t route_class(const Route *r, uint32_t node) { return r->node[node].class; }

uint32_t route_group(const Route *r, uint32_t host) { return r->host[host].group; }

uint32_t route_column(const Route *r, uint32_t host) { return r->host[host].column; }

uint32_t route_n_links(const Route *r, uint32_t src_host, uint32_t dst_host) {
    return src_host == dst_host ? 0 : host_distance(r, src_host, &r->host[dst_host]) + 1;
}

/* The links from a switch to one of its hosts: a range of the host's own. */
static const uint32_t *last_hop(const Route *r, uint32_t node, uint32_t dst_node, uint32_t *n) {
    const Topo *t = r->topo;
    uint32_t i = t->out_start[dst_node], end = t->out_start[dst_node + 1];
    *n = 1;
    if (end - i == 1) return &r->down_link[i];
    while (r->link_to[t->out_link[i]] != node) i++;
    *n = route_skip_parallel(t, i, end) - i;
    return &r->down_link[i];
}

static inline const uint32_t *next_hops(const Route *r, uint32_t node, const RouteHost *to,
                                        uint32_t *n) {
    const RouteNode *at = &r->node[node];
    *n = 1;
    if (at->class == TOPO_NONE) return &at->links;
    if (is_last_switch(r, node, to)) return last_hop(r, node, to->node, n);
    const NextHops *hops = hops_of(r, at->class, to);
    *n = hops->n;
    return r->link_list + at->links + hops->first;
}

const uint32_t *route_next(const Route *r, uint32_t node, uint32_t dst_host, uint32_t *n) {
    return next_hops(r, node, &r->host[dst_host], n);
}

void route_prefetch(const Route *r, uint32_t src_host, uint32_t dst_host) {
    __builtin_prefetch(&r->host[src_host]);
    __builtin_prefetch(&r->host[dst_host]);
}

uint32_t route_path(const Route *r, uint32_t src_host, uint32_t dst_host, uint16_t sport,
                    uint16_t dport, uint32_t *links) {
    assert(src_host != dst_host);
    const Topo *t = r->topo;
    const RouteHost *from = &r->host[src_host], *to = &r->host[dst_host];
    FlowKey key = key_of(from->ip, to->ip, sport, dport);
    uint32_t n_links = 0, node = from->node;
    if (from->only_switch != TOPO_NONE) {
        links[n_links++] = from->up_link;
        node = from->only_switch;
    }
    while (node != to->node) {
        uint32_t n, pick = 0;
        if (node == to->only_switch) {
            links[n_links++] = to->up_link ^ 1;
            break;
        }
        const uint32_t *next = next_hops(r, node, to, &n);
        if (n > 1) pick = hash_key(&key, (uint32_t)t->node_id[node]) % n;
        links[n_links++] = next[pick];
        node = r->link_to[next[pick]];
    }
    return n_links;
}

/* Walks the nodes on shortest paths nearest the source first: shares are complete when a node's
 * turn comes. */
void route_spread(const Route *r, uint32_t src_host, uint32_t dst_host, double weight, double *load,
                  double *scratch) {
    assert(weight >= 0);
    if (weight == 0 || src_host == dst_host) return;
    uint32_t *queue = MEM_NEW(uint32_t, r->topo->n_nodes), begin = 0, end = 0,
             dst_node = r->topo->host_node[dst_host];
    queue[end++] = r->topo->host_node[src_host];
    scratch[queue[0]] = weight;
    while (begin < end) {
        uint32_t node = queue[begin++], n;
        double share = scratch[node];
        scratch[node] = 0;
        if (node == dst_node) continue;
        const uint32_t *next = route_next(r, node, dst_host, &n);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t to = r->link_to[next[i]];
            load[next[i]] += share / n;
            if (scratch[to] == 0) queue[end++] = to;
            scratch[to] += share / n;
        }
    }
    free(queue);
}
