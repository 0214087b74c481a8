/* Routing against oracles: distances by a search of the test's own, the hash against an independent
 * murmur3 that passes its author's verification value, shares against conservation and against the
 * paths themselves. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "net/topo_load.h"
#include "net_case.h"

#define NS3 "../shared/ref/ns3"
#define NETS NS3 "/nets"

/* --- hash --- */

/* murmur3_x86_32 of any length, written from the description of the algorithm. */
static uint32_t murmur3(const uint8_t *key, size_t len, uint32_t seed) {
    uint32_t h = seed, k = 0;
    for (size_t i = 0; i < len; i++) {
        k |= (uint32_t)key[i] << 8 * (i % 4);
        if (i % 4 != 3 && i + 1 < len) continue;
        k *= 0xcc9e2d51u;
        k = (k << 15 | k >> 17) * 0x1b873593u;
        h ^= k;
        if (i % 4 == 3) h = (h << 13 | h >> 19) * 5 + 0xe6546b64u;
        k = 0;
    }
    h ^= (uint32_t)len;
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

static void put32(uint8_t *p, uint32_t x) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(x >> 8 * i);
}

/* SMHasher's check: hashes of {}, {0}, {0,1}, … with seeds 256, 255, …, hashed; 0xB0F57EE3 for
 * murmur3_x86_32. */
static void hash_is_murmur3(void **state) {
    (void)state;
    uint8_t key[256], hashes[1024];
    for (uint32_t i = 0; i < 256; i++) {
        key[i] = (uint8_t)i;
        put32(hashes + 4 * i, murmur3(key, i, 256 - i));
    }
    assert_int_equal(murmur3(hashes, sizeof hashes, 0), 0xB0F57EE3u);
    Rng rng = rng_stream(1, "hash", 0);
    for (int i = 0; i < 1000; i++) {
        uint32_t src = (uint32_t)rng_next(&rng), dst = (uint32_t)rng_next(&rng),
                 seed = (uint32_t)rng_next(&rng), ports = (uint32_t)rng_next(&rng);
        put32(key, src);
        put32(key + 4, dst);
        put32(key + 8, ports);
        assert_int_equal(route_hash(src, dst, (uint16_t)ports, (uint16_t)(ports >> 16), seed),
                         murmur3(key, 12, seed));
    }
}

static void addresses(void **state) {
    (void)state;
    assert_int_equal(route_node_ip(0), 0x0b000001);
    assert_int_equal(route_node_ip(4), 0x0b000401);
    assert_int_equal(route_node_ip(255), 0x0b00ff01);
    assert_int_equal(route_node_ip(256), 0x0b010001);
    assert_int_equal(route_node_ip(6143), 0x0b17ff01);
}

/* --- random graphs --- */

enum { MAX_SWITCHES = 24, MAX_HOSTS = 40, MAX_NET = MAX_SWITCHES + MAX_HOSTS, MAX_CABLES = 256 };

static void random_net(Topo *t, uint64_t seed) {
    Rng g = rng_stream(seed, "net", 0);
    uint32_t n_sw = 1 + (uint32_t)rng_below(&g, MAX_SWITCHES),
             n_hosts = 2 + (uint32_t)rng_below(&g, MAX_HOSTS - 1), n = 0, n_nodes = n_sw + n_hosts;
    uint64_t id[MAX_NET];
    uint8_t is_host[MAX_NET];
    TopoCable c[MAX_CABLES];
    uint32_t order[MAX_NET];
    for (uint32_t i = 0; i < n_nodes; i++) order[i] = i;
    rng_shuffle_u32(&g, order, n_nodes);
    for (uint32_t i = 0; i < n_nodes; i++) {
        id[i] = 3 + 7ull * order[i] + (seed % 2) * 1000000;
        is_host[i] = i >= n_sw;
    }
    for (uint32_t i = 1; i < n_sw; i++)
        c[n++] = (TopoCable){id[i], id[rng_below(&g, i)], 40e9, 1000};
    for (uint32_t i = 0; n_sw > 1 && i < 2 * n_sw; i++) {
        uint64_t a = rng_below(&g, n_sw), b = rng_below(&g, n_sw);
        if (a != b) c[n++] = (TopoCable){id[b], id[a], 40e9, 1000};
    }
    for (uint32_t h = n_sw; h < n_nodes; h++)
        for (uint64_t k = rng_below(&g, 4) == 0 ? 1 + rng_below(&g, 3) : 1; k > 0; k--)
            c[n++] = (TopoCable){id[h], id[rng_below(&g, n_sw)], 10e9, 1000};
    Err err = {0};
    if (topo_build(t, "random", id, is_host, NULL, n_nodes, c, n, &err) != 0)
        fail_msg("%s", err.msg);
}

/* Links from every node to dst by relaxing all links until nothing changes; hosts other than dst
 * forward nothing. */
static void distances(const Topo *t, uint32_t dst, uint32_t *dist) {
    for (uint32_t v = 0; v < t->n_nodes; v++) dist[v] = v == dst ? 0 : 1000000;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t l = 0; l < t->n_links; l++) {
            const Link *k = &t->links[l];
            if (t->is_host[k->to] && k->to != dst) continue;
            if (dist[k->to] + 1 >= dist[k->from]) continue;
            dist[k->from] = dist[k->to] + 1;
            changed = true;
        }
    }
}

/* Whether a link leads nearer to dst: over switches only. */
static bool leads_nearer(const Topo *t, const Link *k, const uint32_t *dist) {
    return dist[k->to] + 1 == dist[k->from] && (!t->is_host[k->to] || dist[k->to] == 0);
}

/* Next hops: exactly the links that lead nearer, by descending neighbour, parallel ones ascending.
 */
static void check_next_hops(const Route *r, uint32_t node, uint32_t dst_host,
                            const uint32_t *dist) {
    const Topo *t = route_topo(r);
    uint32_t n, expected = 0;
    const uint32_t *next = route_next(r, node, dst_host, &n);
    for (uint32_t l = 0; l < t->n_links; l++)
        expected += t->links[l].from == node && leads_nearer(t, &t->links[l], dist);
    assert_int_equal(n, expected);
    for (uint32_t i = 0; i < n; i++) {
        const Link *k = &t->links[next[i]];
        assert_int_equal(k->from, node);
        assert_true(leads_nearer(t, k, dist));
        if (i == 0) continue;
        uint32_t before = t->links[next[i - 1]].to;
        assert_true(k->to < before || (k->to == before && next[i - 1] < next[i]));
    }
}

/* The path goes from host to host, each step one nearer, each choice the hash's. */
static void check_path(const Route *r, uint32_t src, uint32_t dst, uint16_t sport,
                       const uint32_t *dist) {
    const Topo *t = route_topo(r);
    uint32_t links[MAX_NET], n = route_path(r, src, dst, sport, ROUTE_DPORT, links),
                             at = t->host_node[src];
    assert_int_equal(n, dist[at]);
    assert_int_equal(n, route_n_links(r, src, dst));
    assert_true(n <= route_max_links(r));
    uint32_t src_ip = route_node_ip(t->node_id[at]),
             dst_ip = route_node_ip(t->node_id[t->host_node[dst]]);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t n_next;
        const uint32_t *next = route_next(r, at, dst, &n_next);
        assert_int_equal(
            links[i],
            next[route_hash(src_ip, dst_ip, sport, ROUTE_DPORT, (uint32_t)t->node_id[at]) %
                 n_next]);
        at = t->links[links[i]].to;
        assert_int_equal(dist[at], n - 1 - i);
    }
    assert_int_equal(at, t->host_node[dst]);
}

/* Every unit that leaves the source reaches the destination, equally split at each node; scratch is
 * left clean. */
static void check_spread(const Route *r, uint32_t src, uint32_t dst, const uint32_t *dist) {
    const Topo *t = route_topo(r);
    double *load = MEM_ZNEW(double, t->n_links), *scratch = MEM_ZNEW(double, t->n_nodes),
           *in = MEM_ZNEW(double, t->n_nodes);
    route_spread(r, src, dst, 3, load, scratch);
    in[t->host_node[src]] = 3;
    for (uint32_t l = 0; l < t->n_links; l++) in[t->links[l].to] += load[l];
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        assert_true(scratch[v] == 0);
        if (v == t->host_node[dst]) continue;
        uint32_t n = 0;
        for (uint32_t l = 0; l < t->n_links; l++)
            n += t->links[l].from == v && leads_nearer(t, &t->links[l], dist);
        for (uint32_t l = 0; l < t->n_links; l++)
            if (t->links[l].from == v && load[l] > 0)
                assert_true(fabs(load[l] - in[v] / n) < 1e-12);
    }
    assert_true(fabs(in[t->host_node[dst]] - 3) < 1e-12);
    free(load);
    free(scratch);
    free(in);
}

/* How often there was a choice, and at how many hosts. */
typedef struct {
    uint32_t n, n_multihomed;
} Choices;

/* Next hops from every node to every host, paths, shares, and the longest path. */
static Choices check_routes(const Topo *t) {
    Choices choices = {0};
    Route *r = net_case_route(t);
    uint32_t *dist = MEM_NEW(uint32_t, t->n_nodes), longest = 0;
    for (uint32_t dst = 0; dst < t->n_hosts; dst++) {
        distances(t, t->host_node[dst], dist);
        for (uint32_t v = 0; v < t->n_nodes; v++) {
            if (v == t->host_node[dst]) continue;
            uint32_t n;
            check_next_hops(r, v, dst, dist);
            route_next(r, v, dst, &n);
            choices.n += n > 1;
            choices.n_multihomed += n > 1 && t->is_host[v];
        }
        for (uint32_t src = 0; src < t->n_hosts; src++) {
            if (src == dst) continue;
            if (dist[t->host_node[src]] > longest) longest = dist[t->host_node[src]];
            for (uint16_t port = 10000; port < 10003; port++) check_path(r, src, dst, port, dist);
            if (dst < 3) check_spread(r, src, dst, dist);
        }
    }
    assert_int_equal(route_max_links(r), longest);
    route_destroy(r);
    free(dist);
    return choices;
}

static void random_graphs_route_by_shortest_paths(void **state) {
    (void)state;
    Choices sum = {0};
    for (uint64_t seed = 0; seed < 60; seed++) {
        Topo t;
        random_net(&t, seed);
        Choices c = check_routes(&t);
        sum.n += c.n;
        sum.n_multihomed += c.n_multihomed;
        topo_free(&t);
    }
    /* The graphs do test what they are meant to. */
    assert_true(sum.n > 1000 && sum.n_multihomed > 100);
}

/* --- symmetric networks, and damaged ones --- */

/* Collects cables between nodes that were numbered 0, 1, 2, …: with node ids in random order if
 * asked, some cables missing, doubled, or of another rate. */
typedef struct {
    Rng g;
    uint64_t *id;
    TopoCable cables[4 * MAX_CABLES];
    uint32_t n, damage; /* of 100 cables so many are not as the others */
} Wiring;

static void wire(Wiring *w, uint32_t a, uint32_t b) {
    TopoCable c = {w->id[a], w->id[b], 40e9, 1000, 0};
    uint64_t what = rng_below(&w->g, 100) < w->damage ? rng_below(&w->g, 3) : 3;
    if (what == 0) return;
    if (what == 1) c.rate_bps = 10e9;
    w->cables[w->n++] = c;
    if (what == 2) w->cables[w->n++] = c;
}

/* A folded Clos of 2 to 4 pods of 2 to 4 racks, with 1 to 3 fabric switches and spines a plane.
 * Hosts have one link, or (every other seed) some of them 2 or 3 to racks of their pod. Returns
 * false if damage has cut a node off. */
static bool damaged_clos(Topo *t, uint64_t seed) {
    Wiring w = {.g = rng_stream(seed, "clos", 0), .damage = (uint32_t)(seed % 3) * 6};
    uint32_t pods = 2 + (uint32_t)rng_below(&w.g, 3), racks = 2 + (uint32_t)rng_below(&w.g, 3),
             fabs = 1 + (uint32_t)rng_below(&w.g, 3), spines = 1 + (uint32_t)rng_below(&w.g, 3),
             hosts = 1 + (uint32_t)rng_below(&w.g, 3), n_tors = pods * racks,
             n_hosts = n_tors * hosts, fab0 = n_hosts + n_tors, spine0 = fab0 + pods * fabs,
             n = spine0 + fabs * spines, order[MAX_CABLES];
    uint64_t id[MAX_CABLES];
    uint8_t is_host[MAX_CABLES];
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    if (seed % 4 == 1) rng_shuffle_u32(&w.g, order, n);
    for (uint32_t i = 0; i < n; i++) {
        id[i] = 5 + 2ull * order[i];
        is_host[i] = i < n_hosts;
    }
    w.id = id;
    for (uint32_t h = 0; h < n_hosts; h++) {
        uint32_t rack = h / hosts, pod = rack / racks, n_more = 0;
        if (seed % 2 == 0) n_more = (uint32_t)rng_below(&w.g, 3);
        w.cables[w.n++] = (TopoCable){id[h], id[n_hosts + rack], 10e9, 1000, 0};
        for (uint32_t k = 1; k <= n_more; k++)
            wire(&w, h, n_hosts + pod * racks + (rack + k) % racks);
    }
    for (uint32_t r = 0; r < n_tors; r++)
        for (uint32_t f = 0; f < fabs; f++) wire(&w, n_hosts + r, fab0 + r / racks * fabs + f);
    for (uint32_t f = 0; f < pods * fabs; f++)
        for (uint32_t s = 0; s < spines; s++) wire(&w, fab0 + f, spine0 + f % fabs * spines + s);
    return topo_build(t, "clos", id, is_host, NULL, n, w.cables, w.n, NULL) == 0;
}

/* Whether every host reaches every other one without hosts forwarding. */
static bool all_reach(const Topo *t) {
    uint32_t *dist = MEM_NEW(uint32_t, t->n_nodes);
    bool all = true;
    for (uint32_t dst = 0; dst < t->n_hosts && all; dst++) {
        distances(t, t->host_node[dst], dist);
        for (uint32_t h = 0; h < t->n_hosts; h++) all = all && dist[t->host_node[h]] < 1000000;
    }
    free(dist);
    return all;
}

static void symmetric_networks_route_by_shortest_paths(void **state) {
    (void)state;
    uint32_t n_routed = 0, n_cut = 0, n_multihomed = 0;
    for (uint64_t seed = 0; seed < 240; seed++) {
        Topo t;
        if (!damaged_clos(&t, seed)) continue;
        if (all_reach(&t)) {
            n_routed++;
            n_multihomed += check_routes(&t).n_multihomed > 0;
        } else {
            Err err = {0};
            n_cut++;
            assert_null(route_new(&t, &err));
            assert_non_null(strstr(err.msg, "clos: no path from host"));
        }
        topo_free(&t);
    }
    assert_true(n_routed > 150 && n_cut > 0 && n_multihomed > 50);
}

/* Switches that have hosts and are joined to each other: every one is the other's neighbour. */
static void meshes_and_rings_route_by_shortest_paths(void **state) {
    (void)state;
    for (uint32_t n_sw = 1; n_sw <= 7; n_sw++)
        for (uint32_t step = 1; step <= 3; step++) {
            uint64_t id[32];
            uint8_t is_host[32];
            TopoCable c[64];
            uint32_t n = 0, n_nodes = 3 * n_sw;
            for (uint32_t i = 0; i < n_nodes; i++) {
                id[i] = i;
                is_host[i] = i >= n_sw;
                if (is_host[i]) c[n++] = (TopoCable){i, i % n_sw, 10e9, 1000, 0};
                if (i >= 2 * n_sw && n_sw > 1) /* every second host has two links */
                    c[n++] = (TopoCable){i, (i + 1) % n_sw, 10e9, 1000, 0};
            }
            for (uint32_t i = 0; i < n_sw; i++)
                for (uint32_t j = i + 1; j < n_sw; j++)
                    if (step == 1 || (j - i) % step == 1 || j - i == n_sw - 1)
                        c[n++] = (TopoCable){i, j, 40e9, 1000, 0};
            Topo t;
            Err err = {0};
            if (topo_build(&t, "mesh", id, is_host, NULL, n_nodes, c, n, &err) != 0)
                fail_msg("%s", err.msg);
            check_routes(&t);
            topo_free(&t);
        }
}

/* A copy of a network without some cables between switches, and with some new ones. */
static void rewire(Topo *out, const Topo *t, uint64_t seed, uint32_t n_less, uint32_t n_more) {
    Rng g = rng_stream(seed, "rewire", 0);
    TopoCable *c = MEM_NEW(TopoCable, t->n_links / 2 + n_more);
    uint32_t n = 0;
    for (uint32_t k = 0; k < t->n_links / 2; k++) {
        const Link *l = &t->links[2 * k];
        bool between_switches = !t->is_host[l->from] && !t->is_host[l->to];
        if (between_switches && n_less > 0 && rng_below(&g, 50) == 0) n_less--;
        else
            c[n++] =
                (TopoCable){t->node_id[l->from], t->node_id[l->to], l->rate_bps, l->delay_ns, 0};
    }
    for (uint32_t k = 0; k < n_more; k++) {
        uint32_t a, b;
        do a = (uint32_t)rng_below(&g, t->n_nodes), b = (uint32_t)rng_below(&g, t->n_nodes);
        while (t->is_host[a] || t->is_host[b] || a == b);
        c[n++] = (TopoCable){t->node_id[a], t->node_id[b], 40e9, 1000, 0};
    }
    Err err = {0};
    if (topo_build(out, "rewired", t->node_id, t->is_host, NULL, t->n_nodes, c, n, &err) != 0)
        fail_msg("%s", err.msg);
    free(c);
}

/* Tables too large to be kept in full: of pods that are nearly alike (runs of columns), and of
 * switches that are not (a column each). */
static void large_tables_route_by_shortest_paths(void **state) {
    (void)state;
    Clos c;
    clos_default(&c);
    c.pods = 180, c.racks_per_pod = 2, c.hosts_per_rack = 1, c.fabs_per_pod = 2,
    c.spines_per_plane = 2;
    uint32_t n_less[] = {0, 3, 0}, n_more[] = {0, 2, 400};
    for (int k = 0; k < 3; k++) {
        Topo whole, t;
        net_case_clos(&whole, &c);
        rewire(&t, &whole, (uint64_t)k, n_less[k], n_more[k]);
        Route *r = net_case_route(&t);
        uint32_t *dist = MEM_NEW(uint32_t, t.n_nodes);
        for (uint32_t dst = 0; dst < t.n_hosts; dst += 29) {
            distances(&t, t.host_node[dst], dist);
            for (uint32_t v = 0; v < t.n_nodes; v++)
                if (v != t.host_node[dst] && (!t.is_host[v] || v % 31 == 0))
                    check_next_hops(r, v, dst, dist);
            for (uint32_t src = 0; src < t.n_hosts; src++)
                if (src != dst) assert_int_equal(route_n_links(r, src, dst), dist[src]);
        }
        free(dist);
        route_destroy(r);
        topo_free(&t);
        topo_free(&whole);
    }
}

static void hosts_do_not_forward(void **state) {
    (void)state;
    uint64_t id[] = {0, 1, 2, 3, 4};
    uint8_t is_host[] = {1, 1, 1, 0, 0};
    TopoCable c[] = {{0, 3, 1e9, 0}, {1, 3, 1e9, 0}, {1, 4, 1e9, 0}, {2, 4, 1e9, 0}};
    Topo t;
    Err err = {0};
    assert_int_equal(topo_build(&t, "net.json", id, is_host, NULL, 5, c, 4, &err), 0);
    assert_null(route_new(&t, &err));
    assert_non_null(strstr(err.msg, "net.json: no path from host"));
    topo_free(&t);
}

/* --- Clos --- */

static void clos_spreads_over_all_spines(void **state) {
    (void)state;
    Topo t;
    Clos c;
    clos_default(&c);
    net_case_clos(&t, &c);
    Route *r = net_case_route(&t);
    assert_int_equal(route_max_links(r), 6);
    assert_int_equal(route_n_links(r, 0, 1), 2);
    assert_int_equal(route_n_links(r, 0, 8), 4);
    assert_int_equal(route_n_links(r, 0, 255), 6);
    assert_int_equal(route_n_links(r, 7, 7), 0);
    enum { N = 64000 };
    uint32_t links[6], *count = MEM_ZNEW(uint32_t, t.n_links);
    double *load = MEM_ZNEW(double, t.n_links), *scratch = MEM_ZNEW(double, t.n_nodes);
    for (uint32_t port = 0; port < N; port++) {
        assert_int_equal(route_path(r, 3, 200, (uint16_t)port, ROUTE_DPORT, links), 6);
        for (int i = 0; i < 6; i++) count[links[i]]++;
    }
    route_spread(r, 3, 200, N, load, scratch);
    uint32_t n_used = 0;
    for (uint32_t l = 0; l < t.n_links; l++) { /* six standard deviations of a binomial count */
        n_used += load[l] > 0;
        assert_true(fabs(count[l] - load[l]) <= 6 * sqrt(load[l]));
    }
    assert_int_equal(n_used, 1 + 2 + 16 + 16 + 2 + 1);
    free(count);
    free(load);
    free(scratch);
    route_destroy(r);
    topo_free(&t);
}

/* One choice in full, by hand: host 0 to host 255 in the default Clos leaves rack switch 256 by
 * fabric switches 289, 288. */
static void descending_order_of_next_hops(void **state) {
    (void)state;
    Topo t;
    Clos c;
    clos_default(&c);
    net_case_clos(&t, &c);
    Route *r = net_case_route(&t);
    uint32_t links[6], n;
    const uint32_t *next = route_next(r, 256, 255, &n);
    assert_int_equal(n, 2);
    assert_int_equal(t.links[next[0]].to, 289);
    assert_int_equal(t.links[next[1]].to, 288);
    route_path(r, 0, 255, 10007, 100, links);
    uint32_t hash = route_hash(0x0b000001, 0x0b00ff01, 10007, 100, 256);
    assert_int_equal(t.links[links[1]].to, hash % 2 == 0 ? 289 : 288);
    route_destroy(r);
    topo_free(&t);
}

/* 1,048,576 hosts in 32,768 racks: their full table would take 9 GB. */
static void large_clos_is_quick(void **state) {
    (void)state;
    Topo t;
    Clos c;
    clos_default(&c);
    c.pods = 256, c.racks_per_pod = 128, c.hosts_per_rack = 32, c.fabs_per_pod = 4,
    c.spines_per_plane = 32;
    double t0 = diag_now_s();
    net_case_clos(&t, &c);
    Route *r = net_case_route(&t);
    double took_s = diag_now_s() - t0;
    assert_non_null(r);
    assert_true(took_s < 60); /* 0.6 s; generous for sanitizers and busy machines */
    route_destroy(r);
    topo_free(&t);
}

/* --- ports --- */

static void ports_count_up_per_pair(void **state) {
    (void)state;
    enum { N = 300000 };
    uint32_t sizes[] = {3, 12000}; /* a counter per pair; a table of the pairs that occur */
    uint32_t *src = MEM_NEW(uint32_t, N), *dst = MEM_NEW(uint32_t, N), seen[9] = {0};
    uint16_t *sport = MEM_NEW(uint16_t, N);
    for (int k = 0; k < 2; k++) {
        Topo t;
        Clos c;
        clos_default(&c);
        c.pods = 1, c.racks_per_pod = 1, c.hosts_per_rack = sizes[k], c.fabs_per_pod = 0,
        c.spines_per_plane = 0;
        net_case_clos(&t, &c);
        Rng g = rng_stream(5, "pairs", 0);
        memset(seen, 0, sizeof seen);
        for (uint32_t i = 0; i < N; i++) {
            src[i] = (uint32_t)rng_below(&g, 3);
            dst[i] = (src[i] + 1 + (uint32_t)rng_below(&g, 8) / 7) %
                     3; /* one pair in seven eighths: wraps past 65,535 */
        }
        route_sports(&t, src, dst, N, sport);
        for (uint32_t i = 0; i < N; i++)
            assert_int_equal(sport[i], (uint16_t)(10000 + seen[3 * src[i] + dst[i]]++));
        assert_true(seen[1] > 65536);
        topo_free(&t);
    }
    free(src);
    free(dst);
    free(sport);
}

/* Piece by piece, with pairs enough for the table to grow. */
static void ports_are_numbered_piece_by_piece(void **state) {
    (void)state;
    enum { N = 100000, AMONG = 60, PIECE = 777 };
    Topo t;
    Clos c;
    clos_default(&c);
    c.pods = 1, c.racks_per_pod = 1, c.hosts_per_rack = 12000, c.fabs_per_pod = 0,
    c.spines_per_plane = 0;
    net_case_clos(&t, &c);
    uint32_t *src = MEM_NEW(uint32_t, N), *dst = MEM_NEW(uint32_t, N),
             *seen = MEM_ZNEW(uint32_t, AMONG * AMONG);
    uint16_t *sport = MEM_NEW(uint16_t, N);
    Rng g = rng_stream(6, "pairs", 0);
    for (uint32_t i = 0; i < N; i++) {
        src[i] = (uint32_t)rng_below(&g, AMONG);
        dst[i] = (src[i] + 1 + (uint32_t)rng_below(&g, AMONG - 1)) % AMONG;
    }
    RoutePorts *ports = route_ports_new(&t, 10);
    assert_true(route_ports_looks_twice(ports));
    for (size_t i = 0; i < N; i += PIECE)
        route_ports_look(ports, src + i, dst + i, N - i < PIECE ? N - i : PIECE);
    for (size_t i = 0; i < N; i += PIECE)
        route_ports_next(ports, src + i, dst + i, N - i < PIECE ? N - i : PIECE, sport + i);
    route_ports_free(ports);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(sport[i], 10000 + seen[AMONG * src[i] + dst[i]]++);
    topo_free(&t);
    free(src);
    free(dst);
    free(seen);
    free(sport);
}

/* --- reference networks --- */

/* The same network in both published formats takes every flow over the same nodes. */
static void cluster_and_hpcc_agree(void **state) {
    (void)state;
    if (!file_is_dir(NETS)) skip();
    for (int net = 0; net < 24; net++) {
        char a_path[128], b_path[128];
        snprintf(a_path, sizeof a_path, NETS "/net%03d/topo.json", net);
        snprintf(b_path, sizeof b_path, NETS "/net%03d/topology.txt", net);
        Topo a, b;
        Err err = {0};
        if (topo_load(&a, a_path, NULL, &err) != 0 || topo_load(&b, b_path, NULL, &err) != 0)
            fail_msg("%s", err.msg);
        Route *ra = route_new(&a, &err), *rb = route_new(&b, &err);
        assert_int_equal(a.n_hosts, b.n_hosts);
        assert_int_equal(a.n_racks, b.n_racks);
        assert_int_equal(a.n_pods, b.n_pods); /* one from the file's structure, one derived */
        assert_memory_equal(a.rack_pod, b.rack_pod, a.n_racks * sizeof *a.rack_pod);
        uint32_t pa[16], pb[16];
        for (uint32_t s = 0; s < a.n_hosts; s++)
            for (uint32_t d = 0; d < a.n_hosts; d++) {
                if (s == d) continue;
                uint32_t n = route_path(ra, s, d, (uint16_t)(10000 + s), 100, pa);
                assert_int_equal(route_path(rb, s, d, (uint16_t)(10000 + s), 100, pb), n);
                for (uint32_t i = 0; i < n; i++) {
                    const Link *x = &a.links[pa[i]], *y = &b.links[pb[i]];
                    assert_true(x->from == y->from && x->to == y->to &&
                                x->rate_bps == y->rate_bps && x->delay_ns == y->delay_ns);
                }
            }
        route_destroy(ra);
        route_destroy(rb);
        topo_free(&a);
        topo_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_murmur3),
        cmocka_unit_test(addresses),
        cmocka_unit_test(random_graphs_route_by_shortest_paths),
        cmocka_unit_test(symmetric_networks_route_by_shortest_paths),
        cmocka_unit_test(meshes_and_rings_route_by_shortest_paths),
        cmocka_unit_test(large_tables_route_by_shortest_paths),
        cmocka_unit_test(hosts_do_not_forward),
        cmocka_unit_test(clos_spreads_over_all_spines),
        cmocka_unit_test(descending_order_of_next_hops),
        cmocka_unit_test(large_clos_is_quick),
        cmocka_unit_test(ports_count_up_per_pair),
        cmocka_unit_test(ports_are_numbered_piece_by_piece),
        cmocka_unit_test(cluster_and_hpcc_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
