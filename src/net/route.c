/* route: equal-cost multi-path over all shortest paths.
 *
 * Hosts that are joined to the same switches are one destination group: all switches treat them
 * alike until the last hop. For each group a breadth-first search from its switches gives every
 * switch its distance and thus its next hops; the table is groups × rows, a row being a switch or a
 * host with several links.
 *
 *     table[group][row] = { distance, n, first }    n = 1: `first` is the link itself
 *                                                   n > 1: where its list begins in the pool
 *                                                   distance 0: the last hop is one of the host's
 *                                                               own links, in the other direction
 *
 * A row's lists repeat (to a spine, all other pods look alike), so a list equal to the row's latest
 * one is not stored again; what a path needs then stays in the nearest caches. Next hops are in the
 * order of topo's out_link: by descending node, parallel links side by side. Hosts don't forward.
 *
 * The hash is murmur3-32 (A. Appleby, public domain description) over addresses and ports as the
 * HPCC authors' simulator computes it, seeded with the switch's node id. It is computed only where
 * there is a choice. Left out: failures, weights, flowlets. */
#include "net/route.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define UNREACHED UINT16_MAX

/* A row's next hops toward a group. */
typedef struct {
    uint32_t first;
    uint16_t n;
    uint16_t distance; /* links from the row's node to the nearest switch of the group */
} NextHops;

struct Route {
    const Topo *topo;
    uint32_t n_groups, n_rows, n_switches;
    uint32_t *row_of; /* [n_nodes] switches first, then hosts with several links; TOPO_NONE: a host
                         with one */
    uint32_t *group_of; /* [n_hosts] */
    NextHops *table;    /* [n_groups × n_rows] */
    uint32_t *pool;     /* lists of next hops */
    size_t n_pool, cap_pool;
    uint32_t *link_to;   /* [n_links] a copy of what path walking reads of a Link */
    uint32_t *down_link; /* [n_links] out_link's links in the other direction */
    uint32_t *host_ip;   /* [n_hosts] */
    uint32_t max_links;
};

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

/* Returns the position of the next neighbour's links among a node's, after position i; parallel
 * links stand side by side. */
static uint32_t skip_parallel(const Topo *t, uint32_t i, uint32_t end) {
    uint32_t to = t->links[t->out_link[i]].to;
    while (i < end && t->links[t->out_link[i]].to == to) i++;
    return i;
}

static bool same_switches(const Topo *t, uint32_t host_a, uint32_t host_b) {
    uint32_t a = t->host_node[host_a], b = t->host_node[host_b];
    uint32_t i = t->out_start[a], j = t->out_start[b], end_i = t->out_start[a + 1],
             end_j = t->out_start[b + 1];
    while (i < end_i && j < end_j) {
        if (t->links[t->out_link[i]].to != t->links[t->out_link[j]].to) return false;
        i = skip_parallel(t, i, end_i);
        j = skip_parallel(t, j, end_j);
    }
    return i == end_i && j == end_j;
}

/* Groups in order of rack. `heads` receives a host of each group. */
static void group_hosts(Route *r, uint32_t *heads) {
    const Topo *t = r->topo;
    r->group_of = MEM_NEW(uint32_t, t->n_hosts);
    for (uint32_t rack = 0; rack < t->n_racks; rack++) {
        uint32_t first = r->n_groups; /* hosts of one group are of one rack */
        for (uint32_t i = t->rack_host_start[rack]; i < t->rack_host_start[rack + 1]; i++) {
            uint32_t h = t->rack_hosts[i], g = r->n_groups;
            while (g > first && !same_switches(t, heads[g - 1], h)) g--;
            if (g == first) heads[r->n_groups++] = h;
            r->group_of[h] = g == first ? r->n_groups - 1 : g - 1;
        }
    }
}

/* ---- the table ---- */

/* Links to switches, by row, which every search walks; its queue; and each row's latest list. */
typedef struct {
    uint32_t *start;             /* [n_rows + 1] where a row's links begin */
    uint32_t *link, *to_row;     /* [n_links] */
    uint32_t *queue;             /* [n_rows] */
    uint32_t *latest, *latest_n; /* [n_rows] place in the pool and length; 0: none yet */
} RouteSearch;

static void search_init(RouteSearch *s, const Route *r) {
    const Topo *t = r->topo;
    *s = (RouteSearch){MEM_ZNEW(uint32_t, r->n_rows + 1), MEM_NEW(uint32_t, t->n_links),
                       MEM_NEW(uint32_t, t->n_links),     MEM_NEW(uint32_t, r->n_rows),
                       MEM_ZNEW(uint32_t, r->n_rows),     MEM_ZNEW(uint32_t, r->n_rows)};
    uint32_t *node_of = MEM_NEW(uint32_t, r->n_rows), n = 0;
    for (uint32_t v = 0; v < t->n_nodes; v++)
        if (r->row_of[v] != TOPO_NONE) node_of[r->row_of[v]] = v;
    for (uint32_t row = 0; row < r->n_rows; row++) {
        uint32_t v = node_of[row];
        for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++) {
            uint32_t to = t->links[t->out_link[i]].to;
            if (t->is_host[to]) continue;
            s->link[n] = t->out_link[i];
            s->to_row[n++] = r->row_of[to];
        }
        s->start[row + 1] = n;
    }
    free(node_of);
}

static void search_free(RouteSearch *s) {
    free(s->start);
    free(s->link);
    free(s->to_row);
    free(s->queue);
    free(s->latest);
    free(s->latest_n);
}

/* Fills in the distances of all rows from the switches of a group, of which host `head` is one. */
static void measure(const Route *r, const RouteSearch *s, uint32_t head, NextHops *hops) {
    const Topo *t = r->topo;
    uint32_t v = t->host_node[head], begin = 0, end = 0;
    for (uint32_t row = 0; row < r->n_rows; row++) hops[row] = (NextHops){.distance = UNREACHED};
    for (uint32_t i = t->out_start[v], stop = t->out_start[v + 1]; i < stop;
         i = skip_parallel(t, i, stop)) {
        uint32_t row = r->row_of[t->links[t->out_link[i]].to];
        hops[row].distance = 0;
        s->queue[end++] = row;
    }
    while (begin < end) {
        uint32_t row = s->queue[begin++], next = hops[row].distance + 1u;
        if (next >= UNREACHED) continue;
        for (uint32_t i = s->start[row]; i < s->start[row + 1]; i++) {
            NextHops *h = &hops[s->to_row[i]];
            if (h->distance != UNREACHED) continue;
            h->distance = (uint16_t)next;
            s->queue[end++] = s->to_row[i];
        }
    }
}

/* Next hops of a row: its links to rows that are one nearer. A host with several links has no
 * distance of its own yet, since nothing is forwarded by hosts: it goes to the nearest of its
 * switches. */
static int find_hops(Route *r, RouteSearch *s, uint32_t row, NextHops *hops, Err *err) {
    uint32_t begin = s->start[row], end = s->start[row + 1], nearest = UNREACHED, n = 0;
    bool is_host = row >= r->n_switches;
    if (!is_host && hops[row].distance == 0) return 0;
    for (uint32_t i = begin; i < end; i++)
        if (hops[s->to_row[i]].distance < nearest) nearest = hops[s->to_row[i]].distance;
    if (nearest == UNREACHED) return 0;

    /* They are collected at the pool's end, where they stay only if the row has no equal list. */
    MEM_GROW(r->pool, r->cap_pool, r->n_pool + (end - begin));
    uint32_t *list = r->pool + r->n_pool;
    for (uint32_t i = begin; i < end; i++)
        if (hops[s->to_row[i]].distance == nearest) list[n++] = s->link[i];
    if (n >= UINT16_MAX || r->n_pool + n >= UINT32_MAX)
        return err_input(
            err, "%s: a switch has more than %d next hops, or all of them more than 4 billion",
            r->topo->name, UINT16_MAX - 1);
    hops[row] = (NextHops){.n = (uint16_t)n, .distance = (uint16_t)(nearest + 1)};
    if (n == 1) {
        hops[row].first = list[0];
    } else if (s->latest_n[row] == n &&
               memcmp(r->pool + s->latest[row], list, n * sizeof *list) == 0) {
        hops[row].first = s->latest[row];
    } else {
        hops[row].first = s->latest[row] = (uint32_t)r->n_pool;
        s->latest_n[row] = n;
        r->n_pool += n;
    }
    return 0;
}

static int fill_table(Route *r, const uint32_t *heads, Err *err) {
    RouteSearch s;
    int rc = 0;
    search_init(&s, r);
    r->table = MEM_NEW(NextHops, (size_t)r->n_groups * r->n_rows);
    for (uint32_t g = 0; g < r->n_groups && rc == 0; g++) {
        NextHops *hops = r->table + (size_t)g * r->n_rows;
        measure(r, &s, heads[g], hops);
        for (uint32_t row = 0; row < r->n_rows && rc == 0; row++)
            rc = find_hops(r, &s, row, hops, err);
    }
    search_free(&s);
    return rc;
}

/* Distance from a host to the nearest switch of a group, in links; UNREACHED if there is no way. */
static uint32_t host_distance(const Route *r, uint32_t host, uint32_t group) {
    const Topo *t = r->topo;
    const NextHops *hops = r->table + (size_t)group * r->n_rows;
    uint32_t v = t->host_node[host], row = r->row_of[v];
    if (row != TOPO_NONE) return hops[row].distance;
    uint32_t d = hops[r->row_of[t->links[t->out_link[t->out_start[v]]].to]].distance;
    return d == UNREACHED ? UNREACHED : d + 1;
}

/* Checks that all hosts reach each other, and finds the longest path. */
static int check_reach(Route *r, const uint32_t *heads, Err *err) {
    const Topo *t = r->topo;
    for (uint32_t g = 0; g < r->n_groups; g++)
        for (uint32_t from = 0; from < r->n_groups; from++) {
            uint32_t d = host_distance(r, heads[from], g);
            if (d == UNREACHED)
                return err_input(err,
                                 "%s: no path from host %llu to host %llu (hosts don't forward)",
                                 t->name, (unsigned long long)t->node_id[t->host_node[heads[from]]],
                                 (unsigned long long)t->node_id[t->host_node[heads[g]]]);
            if (d + 1 > r->max_links) r->max_links = d + 1;
        }
    return 0;
}

Route *route_new(const Topo *t, Err *err) {
    Route *r = MEM_ZNEW(Route, 1);
    r->topo = t;

    /* What walking a path reads of links and hosts. */
    r->link_to = MEM_NEW(uint32_t, t->n_links);
    r->down_link = MEM_NEW(uint32_t, t->n_links);
    r->host_ip = MEM_NEW(uint32_t, t->n_hosts);
    for (uint32_t l = 0; l < t->n_links; l++) {
        r->link_to[l] = t->links[l].to;
        r->down_link[l] = t->out_link[l] ^ 1;
    }
    for (uint32_t h = 0; h < t->n_hosts; h++)
        r->host_ip[h] = route_node_ip(t->node_id[t->host_node[h]]);

    /* Rows: switches, then hosts with several links. */
    r->row_of = MEM_NEW(uint32_t, t->n_nodes);
    for (uint32_t v = 0; v < t->n_nodes; v++)
        r->row_of[v] = t->is_host[v] ? TOPO_NONE : r->n_switches++;
    r->n_rows = r->n_switches;
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        uint32_t v = t->host_node[h];
        if (t->out_start[v + 1] - t->out_start[v] > 1) r->row_of[v] = r->n_rows++;
    }

    uint32_t *heads = MEM_NEW(uint32_t, t->n_hosts);
    group_hosts(r, heads);
    int rc = fill_table(r, heads, err);
    if (rc == 0) rc = check_reach(r, heads, err);
    free(heads);
    if (rc == 0) return r;
    route_destroy(r);
    return NULL;
}

void route_destroy(Route *r) {
    if (!r) return;
    free(r->row_of);
    free(r->group_of);
    free(r->table);
    free(r->pool);
    free(r->link_to);
    free(r->down_link);
    free(r->host_ip);
    free(r);
}

/* ---- paths ---- */

const Topo *route_topo(const Route *r) { return r->topo; }

uint32_t route_max_links(const Route *r) { return r->max_links; }

uint32_t route_n_links(const Route *r, uint32_t src_host, uint32_t dst_host) {
    return src_host == dst_host ? 0 : host_distance(r, src_host, r->group_of[dst_host]) + 1;
}

/* The links from a switch to one of its hosts: a range of the host's own. */
static const uint32_t *last_hop(const Route *r, uint32_t node, uint32_t dst_node, uint32_t *n) {
    const Topo *t = r->topo;
    uint32_t i = t->out_start[dst_node], end = t->out_start[dst_node + 1];
    *n = 1;
    if (end - i == 1) return &r->down_link[i];
    while (r->link_to[t->out_link[i]] != node) i++;
    *n = skip_parallel(t, i, end) - i;
    return &r->down_link[i];
}

static inline const uint32_t *next_hops(const Route *r, const NextHops *hops, uint32_t node,
                                        uint32_t dst_node, uint32_t *n) {
    uint32_t row = r->row_of[node];
    if (row == TOPO_NONE) {
        *n = 1;
        return &r->topo->out_link[r->topo->out_start[node]];
    }
    const NextHops *h = &hops[row];
    if (h->distance == 0) return last_hop(r, node, dst_node, n);
    *n = h->n;
    return h->n == 1 ? &h->first : r->pool + h->first;
}

const uint32_t *route_next(const Route *r, uint32_t node, uint32_t dst_host, uint32_t *n) {
    return next_hops(r, r->table + (size_t)r->group_of[dst_host] * r->n_rows, node,
                     r->topo->host_node[dst_host], n);
}

uint32_t route_path(const Route *r, uint32_t src_host, uint32_t dst_host, uint16_t sport,
                    uint16_t dport, uint32_t *links) {
    assert(src_host != dst_host);
    const Topo *t = r->topo;
    const NextHops *hops = r->table + (size_t)r->group_of[dst_host] * r->n_rows;
    FlowKey key = key_of(r->host_ip[src_host], r->host_ip[dst_host], sport, dport);
    uint32_t n_links = 0, node = t->host_node[src_host], dst_node = t->host_node[dst_host];
    while (node != dst_node) {
        uint32_t n, pick = 0;
        const uint32_t *next = next_hops(r, hops, node, dst_node, &n);
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
    uint32_t *queue = MEM_NEW(uint32_t, r->n_switches + 2), begin = 0, end = 0,
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
