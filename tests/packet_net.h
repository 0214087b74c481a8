/* packet_net: small networks and flow lists for the tests of the packet simulation. An error ends
 * the test program. */
#ifndef M3_TESTS_PACKET_NET_H
#define M3_TESTS_PACKET_NET_H
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/clos.h"
#include "packet/pktsim.h"

typedef struct {
    Topo topo;
    Route *route;
} Net;

static inline void die_on(int rc, const Err *err) {
    if (rc == 0) return;
    fprintf(stderr, "%s\n", err->msg);
    abort();
}

static inline void net_build(Net *n, uint32_t n_nodes, uint32_t n_hosts, const TopoCable *cables,
                             uint32_t n_cables) {
    uint64_t ids[64];
    uint8_t is_host[64];
    Err err;
    for (uint32_t i = 0; i < n_nodes; i++) {
        ids[i] = i;
        is_host[i] = i < n_hosts;
    }
    die_on(topo_build(&n->topo, "test", ids, is_host, NULL, n_nodes, cables, n_cables, &err), &err);
    n->route = route_new(&n->topo, &err);
    die_on(n->route ? 0 : -1, &err);
}

/* Hosts 0..n−1 on switch n. */
static inline void net_star(Net *n, uint32_t n_hosts, double rate_bps, double delay_ns) {
    TopoCable cables[64];
    for (uint32_t i = 0; i < n_hosts; i++) cables[i] = (TopoCable){i, n_hosts, rate_bps, delay_ns};
    net_build(n, n_hosts + 1, n_hosts, cables, n_hosts);
}

/* Hosts 0 and 1 at the ends of a row of n links with these rates, 1 µs each. */
static inline void net_row(Net *n, const double *rate_bps, uint32_t n_links) {
    TopoCable cables[16];
    for (uint32_t i = 0; i < n_links; i++) {
        uint64_t a = i == 0 ? 0 : 1 + i, b = i + 1 == n_links ? 1 : 2 + i;
        cables[i] = (TopoCable){a, b, rate_bps[i], 1000};
    }
    net_build(n, n_links + 1, 2, cables, n_links);
}

/* The reference's parking lot of four links: hosts 0..4 on switches 5, 5, 6, 7, 7; inner hosts on
 * 100 Tb/s. */
static inline void net_lot(Net *n) {
    static const TopoCable cables[] = {{0, 5, 10e9, 1000}, {1, 5, 1e14, 1000}, {2, 6, 1e14, 2000},
                                       {3, 7, 1e14, 1000}, {4, 7, 10e9, 1000}, {5, 6, 40e9, 1000},
                                       {6, 7, 40e9, 1000}};
    net_build(n, 8, 5, cables, 7);
}

static inline void net_clos(Net *n) {
    Clos c;
    Err err;
    clos_default(&c);
    c.pods = 2;
    c.racks_per_pod = 2;
    c.hosts_per_rack = 4;
    c.spines_per_plane = 2;
    die_on(clos_build(&n->topo, &c, "clos", &err), &err);
    n->route = route_new(&n->topo, &err);
    die_on(n->route ? 0 : -1, &err);
}

static inline void net_free(Net *n) {
    route_destroy(n->route);
    topo_free(&n->topo);
}

typedef struct {
    uint32_t src, dst;
    uint64_t size_b;
    int64_t start_ns;
} TestFlow;

static inline Flows flows_of(const TestFlow *list, size_t n) {
    Flows f;
    flows_init(&f, n);
    for (size_t i = 0; i < n; i++) {
        f.src[i] = list[i].src;
        f.dst[i] = list[i].dst;
        f.size_b[i] = list[i].size_b;
        f.start_ns[i] = list[i].start_ns;
    }
    return f;
}

/* Flows between random hosts, sizes from 100 B to 200 KB, at random within span_ns. */
static inline Flows net_random_flows(const Net *n, size_t count, double span_ns, uint64_t seed) {
    Flows f;
    flows_init(&f, count);
    Rng rng = rng_stream(seed, "test flows", 0);
    for (size_t i = 0; i < count; i++) {
        f.src[i] = (uint32_t)rng_below(&rng, n->topo.n_hosts);
        f.dst[i] =
            (f.src[i] + 1 + (uint32_t)rng_below(&rng, n->topo.n_hosts - 1)) % n->topo.n_hosts;
        f.size_b[i] = (uint64_t)(100 * pow(2000, rng_u01(&rng)));
        f.start_ns[i] = (int64_t)(span_ns * rng_u01(&rng));
    }
    flows_sort(&f);
    return f;
}
#endif
