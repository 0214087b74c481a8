/* topo: the network as a graph.
 *
 * topo_build turns lists of nodes and cables, as any reader or generator delivers them, into a Topo
 * or says what is wrong with them. Invariants of a Topo: node ids strictly ascend; every host has
 * at least one link and all of them to switches; the graph is connected; each cable is two directed
 * links that differ in the lowest bit; rates and delays are within bounds that keep all later
 * arithmetic finite.
 *
 * Everything derived (links out of a node, tiers, racks, pods) takes time linear in nodes and
 * links, but for sorting ids that don't come in order: adjacency by counting sort, tiers by a
 * breadth-first search from all hosts at once, pods by a flood fill below the top tier of switches.
 * Routes are net/route.c's; formats of files those of topo_load.c, topo_save.c and topo_hpcc.c. */
#include "net/topo.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/stats.h"
#include "net/faults.h"
#include "net/topo_private.h"

/* Links are numbered in 32 bits, two a cable, and node numbers leave room for TOPO_NONE. */
#define MAX_COUNT (UINT32_MAX / 4)

/* ---- nodes ---- */

typedef struct {
    uint64_t id;
    uint32_t index; /* in the caller's order */
} IdOrder;

static int by_id(const void *a, const void *b) {
    uint64_t x = ((const IdOrder *)a)->id, y = ((const IdOrder *)b)->id;
    return (x > y) - (x < y);
}

static int take_nodes(Topo *t, const IdOrder *order, const uint8_t *is_host, uint32_t n, Err *err) {
    t->n_nodes = n;
    t->node_id = MEM_NEW(uint64_t, n);
    t->is_host = MEM_NEW(uint8_t, n);
    t->node_host = MEM_NEW(uint32_t, n);
    t->host_node = MEM_NEW(uint32_t, n);
    for (uint32_t v = 0; v < n; v++) {
        if (v > 0 && order[v].id == order[v - 1].id)
            return err_input(err, "%s: node id %llu appears twice", t->name,
                             (unsigned long long)order[v].id);
        t->node_id[v] = order[v].id;
        t->is_host[v] = is_host[order[v].index] != 0;
        t->node_host[v] = t->is_host[v] ? t->n_hosts : TOPO_NONE;
        if (t->is_host[v]) t->host_node[t->n_hosts++] = v;
    }
    if (t->n_hosts < 2)
        return err_input(err, "%s: expected at least two hosts, got %u", t->name, t->n_hosts);
    return 0;
}

uint32_t topo_node(const Topo *t, uint64_t id) {
    uint64_t first = t->node_id[0];
    if (id < first || id > t->node_id[t->n_nodes - 1]) return TOPO_NONE;
    if (id - first < t->n_nodes && t->node_id[id - first] == id) return (uint32_t)(id - first);
    uint32_t lo = 0, hi = t->n_nodes;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (t->node_id[mid] <= id) lo = mid;
        else hi = mid;
    }
    return t->node_id[lo] == id ? lo : TOPO_NONE;
}

/* ---- links ---- */

/* Checks each cable and makes two links of it. */
static int take_cables(Topo *t, const TopoCable *cables, uint32_t n, Err *err) {
    if (n > MAX_COUNT) return err_input(err, "%s: %u links are too many", t->name, n);
    t->n_links = 2 * n;
    t->links = MEM_NEW(Link, t->n_links);
    for (uint32_t k = 0; k < n; k++) {
        const TopoCable *c = &cables[k];
        unsigned long long ida = c->a, idb = c->b;
        uint32_t a = topo_node(t, c->a), b = topo_node(t, c->b);
        if (a == TOPO_NONE || b == TOPO_NONE)
            return err_input(err, "%s: link %u (%llu to %llu): there is no node %llu", t->name,
                             k + 1, ida, idb, a == TOPO_NONE ? ida : idb);
        if (a == b)
            return err_input(err, "%s: link %u: joins node %llu to itself", t->name, k + 1, ida);
        if (t->is_host[a] && t->is_host[b])
            return err_input(
                err,
                "%s: link %u: joins hosts %llu and %llu; networks in which hosts forward "
                "(rings, GPU to GPU) are not supported: a host is linked to switches only",
                t->name, k + 1, ida, idb);
        if (!(c->rate_bps >= TOPO_MIN_RATE_BPS && c->rate_bps <= TOPO_MAX_RATE_BPS))
            return err_input(
                err, "%s: link %u (%llu to %llu): rate must be from %g to %g bit/s, got %g",
                t->name, k + 1, ida, idb, TOPO_MIN_RATE_BPS, TOPO_MAX_RATE_BPS, c->rate_bps);
        if (!(c->delay_ns >= 0 && c->delay_ns <= TOPO_MAX_DELAY_NS))
            return err_input(err,
                             "%s: link %u (%llu to %llu): delay must be from 0 to %g ns, got %g",
                             t->name, k + 1, ida, idb, TOPO_MAX_DELAY_NS, c->delay_ns);
        if (!(c->error_rate >= 0 && c->error_rate < 1))
            return err_input(err,
                             "%s: link %u (%llu to %llu): error rate must be in [0, 1), got %g",
                             t->name, k + 1, ida, idb, c->error_rate);

        t->links[2 * k] = (Link){a, b, c->rate_bps, c->delay_ns};
        t->links[2 * k + 1] = (Link){b, a, c->rate_bps, c->delay_ns};
        if (c->error_rate > 0 && !t->error_rate) t->error_rate = MEM_ZNEW(double, t->n_links);
        if (c->error_rate > 0) t->error_rate[2 * k] = t->error_rate[2 * k + 1] = c->error_rate;
    }
    return 0;
}

/* Turns counts in start[1..n] into where the items of each of n lists begin, one list behind the
 * other; start[0] is 0. */
static void prefix_sum(uint32_t *start, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) start[i + 1] += start[i];
}

/* Counting sort, twice: links by the node they lead to, then, taken by descending neighbour, by the
 * node they leave. */
static void index_out_links(Topo *t) {
    uint32_t n = t->n_nodes;
    uint32_t *in_start = MEM_ZNEW(uint32_t, n + 1), *in_link = MEM_NEW(uint32_t, t->n_links),
             *at = MEM_NEW(uint32_t, n);
    t->out_start = MEM_ZNEW(uint32_t, n + 1);
    t->out_link = MEM_NEW(uint32_t, t->n_links);
    for (uint32_t l = 0; l < t->n_links; l++) {
        in_start[t->links[l].to + 1]++;
        t->out_start[t->links[l].from + 1]++;
    }
    prefix_sum(in_start, n);
    prefix_sum(t->out_start, n);
    memcpy(at, in_start, n * sizeof *at);
    for (uint32_t l = 0; l < t->n_links; l++) in_link[at[t->links[l].to]++] = l;
    memcpy(at, t->out_start, n * sizeof *at);
    for (uint32_t v = n; v-- > 0;)
        for (uint32_t i = in_start[v]; i < in_start[v + 1]; i++)
            t->out_link[at[t->links[in_link[i]].from]++] = in_link[i];
    free(in_start);
    free(in_link);
    free(at);
}

/* Marks v and all nodes that unmarked ones (TOPO_NONE) connect it with. `queue` has room for all
 * nodes. */
static void flood(const Topo *t, uint32_t v, uint32_t part, uint32_t *mark, uint32_t *queue) {
    uint32_t head = 0, tail = 0;
    mark[v] = part;
    queue[tail++] = v;
    while (head < tail) {
        uint32_t u = queue[head++];
        for (uint32_t i = t->out_start[u]; i < t->out_start[u + 1]; i++) {
            uint32_t w = t->links[t->out_link[i]].to;
            if (mark[w] != TOPO_NONE) continue;
            mark[w] = part;
            queue[tail++] = w;
        }
    }
}

static int check_connected(const Topo *t, Err *err) {
    uint32_t *mark = MEM_NEW(uint32_t, t->n_nodes), *queue = MEM_NEW(uint32_t, t->n_nodes);
    memset(mark, 0xff, t->n_nodes * sizeof *mark);
    int rc = 0;
    flood(t, 0, 0, mark, queue);
    for (uint32_t v = 0; v < t->n_nodes && rc == 0; v++) {
        const char *what = t->is_host[v] ? "host" : "switch";
        unsigned long long id = t->node_id[v], first = t->node_id[0];
        if (t->out_start[v] == t->out_start[v + 1])
            rc = err_input(err, "%s: %s %llu has no link", t->name, what, id);
        else if (mark[v] == TOPO_NONE)
            rc = err_input(err,
                           "%s: the network is not connected: no path from node %llu to %s %llu",
                           t->name, first, what, id);
    }
    free(mark);
    free(queue);
    return rc;
}

/* ---- tiers ---- */

/* Hops to the nearest host. Tiers are bytes: those from 254 up count as 254. */
static void find_tiers(Topo *t) {
    enum { UNSEEN = 255, LAST = 254 };
    uint32_t *queue = MEM_NEW(uint32_t, t->n_nodes), head = 0, tail = 0;
    t->tier = MEM_NEW(uint8_t, t->n_nodes);
    memset(t->tier, UNSEEN, t->n_nodes);
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        t->tier[t->host_node[h]] = 0;
        queue[tail++] = t->host_node[h];
    }
    while (head < tail) {
        uint32_t u = queue[head++];
        uint8_t next = t->tier[u] < LAST ? (uint8_t)(t->tier[u] + 1) : LAST;
        for (uint32_t i = t->out_start[u]; i < t->out_start[u + 1]; i++) {
            uint32_t w = t->links[t->out_link[i]].to;
            if (t->tier[w] != UNSEEN) continue;
            t->tier[w] = next;
            queue[tail++] = w;
        }
    }
    free(queue);
}

/* ---- racks and pods ---- */

/* The switch of a host's rack: its neighbour of smallest id. */
static uint32_t switch_of(const Topo *t, uint32_t host) {
    return t->links[t->out_link[t->out_start[t->host_node[host] + 1] - 1]].to;
}

int topo_top_tier(const Topo *t) {
    int top = 0;
    for (uint32_t v = 0; v < t->n_nodes; v++) top = t->tier[v] > top ? t->tier[v] : top;
    return top;
}

/* Pods as the connected parts that remain without the top tier of switches. */
static void derive_pods(const Topo *t, uint32_t *pod) {
    enum { SMALLEST_WITH_PODS = 3 }; /* tiers of switches: below two are racks and their spine */
    const uint32_t in_no_pod = TOPO_NONE - 1;
    const int top = topo_top_tier(t);
    for (uint32_t v = 0; v < t->n_nodes; v++)
        pod[v] = top < SMALLEST_WITH_PODS ? 0 : t->tier[v] == top ? in_no_pod : TOPO_NONE;
    uint32_t *queue = MEM_NEW(uint32_t, t->n_nodes), n = 0;
    for (uint32_t v = 0; v < t->n_nodes; v++)
        if (pod[v] == TOPO_NONE) flood(t, v, n++, pod, queue);
    free(queue);
}

typedef struct {
    uint32_t pod, node;
} RackKey;

/* Sets the pods of racks: the labels given for their switches or for hosts in them, if all racks
 * have one, else derived ones if none has. */
static int choose_pods(const Topo *t, RackKey *racks, const uint32_t *pod_of, const IdOrder *order,
                       Err *err) {
    uint32_t *pod = MEM_NEW(uint32_t, t->n_nodes), n_given = 0, unlabelled = TOPO_NONE;
    for (uint32_t v = 0; v < t->n_nodes; v++) pod[v] = pod_of ? pod_of[order[v].index] : TOPO_NONE;
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        uint32_t sw = switch_of(t, h);
        if (pod[sw] == TOPO_NONE) pod[sw] = pod[t->host_node[h]];
    }
    for (uint32_t r = t->n_racks; r-- > 0;) {
        n_given += pod[racks[r].node] != TOPO_NONE;
        if (pod[racks[r].node] == TOPO_NONE) unlabelled = racks[r].node;
    }
    if (n_given == 0) derive_pods(t, pod);
    for (uint32_t r = 0; r < t->n_racks; r++) racks[r].pod = pod[racks[r].node];
    free(pod);
    if (n_given == 0 || unlabelled == TOPO_NONE) return 0;
    return err_input(err, "%s: switch %llu: expected a pod, since other racks have one", t->name,
                     (unsigned long long)t->node_id[unlabelled]);
}

static int by_pod_then_node(const void *a, const void *b) {
    const RackKey *x = a, *y = b;
    if (x->pod != y->pod) return x->pod < y->pod ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Lists the hosts of each rack. */
static void fill_racks(Topo *t) {
    uint32_t *rack_of = MEM_NEW(uint32_t, t->n_nodes);
    for (uint32_t r = 0; r < t->n_racks; r++) rack_of[t->rack_switch[r]] = r;
    t->host_rack = MEM_NEW(uint32_t, t->n_hosts);
    t->rack_hosts = MEM_NEW(uint32_t, t->n_hosts);
    t->rack_host_start = MEM_NEW(uint32_t, t->n_racks + (size_t)1);
    for (uint32_t h = 0; h < t->n_hosts; h++) t->host_rack[h] = rack_of[switch_of(t, h)];
    stats_group(t->host_rack, t->n_hosts, t->n_racks, t->rack_host_start, t->rack_hosts);
    free(rack_of);
}

/* Racks are the switches that hosts belong to, numbered by pod and switch, and pods from 0. */
static int find_racks(Topo *t, const uint32_t *pod_of, const IdOrder *order, Err *err) {
    uint8_t *is_rack = MEM_ZNEW(uint8_t, t->n_nodes);
    for (uint32_t h = 0; h < t->n_hosts; h++) is_rack[switch_of(t, h)] = 1;
    RackKey *racks = MEM_NEW(RackKey, t->n_nodes);
    for (uint32_t v = 0; v < t->n_nodes; v++)
        if (is_rack[v]) racks[t->n_racks++].node = v;
    int rc = choose_pods(t, racks, pod_of, order, err);
    if (rc == 0) {
        qsort(racks, t->n_racks, sizeof *racks, by_pod_then_node);
        t->rack_switch = MEM_NEW(uint32_t, t->n_racks);
        t->rack_pod = MEM_NEW(uint32_t, t->n_racks);
        for (uint32_t r = 0; r < t->n_racks; r++) {
            if (r == 0 || racks[r].pod != racks[r - 1].pod) t->n_pods++;
            t->rack_switch[r] = racks[r].node;
            t->rack_pod[r] = t->n_pods - 1;
        }
        fill_racks(t);
    }
    free(is_rack);
    free(racks);
    return rc;
}

/* ---- the whole ---- */

int topo_build(Topo *t, const char *name, const uint64_t *node_id, const uint8_t *is_host,
               const uint32_t *pod_of, uint32_t n_nodes, const TopoCable *cables, uint32_t n_cables,
               Err *err) {
    *t = (Topo){.name = mem_strdup(name)};
    IdOrder *order = MEM_NEW(IdOrder, n_nodes);
    bool sorted = true;
    for (uint32_t i = 0; i < n_nodes; i++) {
        order[i] = (IdOrder){node_id[i], i};
        sorted = sorted && (i == 0 || node_id[i] > node_id[i - 1]);
    }
    if (!sorted) qsort(order, n_nodes, sizeof *order, by_id);

    int rc = take_nodes(t, order, is_host, n_nodes, err);
    if (rc == 0) rc = take_cables(t, cables, n_cables, err);
    if (rc == 0) {
        index_out_links(t);
        rc = check_connected(t, err);
    }
    if (rc == 0) {
        find_tiers(t);
        t->host_rate_bps = MEM_ZNEW(double, t->n_hosts); /* of the fastest link */
        for (uint32_t l = 0; l < t->n_links; l++) {
            uint32_t h = t->node_host[t->links[l].from];
            if (h != TOPO_NONE && t->links[l].rate_bps > t->host_rate_bps[h])
                t->host_rate_bps[h] = t->links[l].rate_bps;
        }
        rc = find_racks(t, pod_of, order, err);
    }
    free(order);
    if (rc != 0) topo_free(t);
    return rc;
}

void topo_free(Topo *t) {
    void *arrays[] = {t->node_id,  t->is_host,         t->host_node,  t->node_host,
                      t->links,    t->out_start,       t->out_link,   t->rack_switch,
                      t->rack_pod, t->rack_host_start, t->rack_hosts, t->host_rack,
                      t->tier,     t->host_rate_bps,   t->error_rate, t->name};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    if (t->faults) faults_free(t->faults);
    free(t->faults);
    *t = (Topo){0};
}

double topo_oversubscription(const Topo *t, int tier) {
    double down_bps = 0, up_bps = 0;
    for (uint32_t l = 0; l < t->n_links; l++) {
        const Link *k = &t->links[l];
        if (t->tier[k->from] != tier) continue;
        if (t->tier[k->to] == tier - 1) down_bps += k->rate_bps;
        if (t->tier[k->to] == tier + 1) up_bps += k->rate_bps;
    }
    return tier >= 1 && up_bps > 0 ? down_bps / up_bps : 0;
}
