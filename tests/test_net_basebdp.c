/* The largest bandwidth-delay product against a search of its own from every host to every host. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/basebdp.h"
#include "net/wire.h"
#include "net_case.h"

typedef struct {
    double rtt_ns, rate_bps;
} Way;

/* The way from a node to host dst with the longest round trip. */
static Way longest_way(const Route *r, uint32_t node, uint32_t dst) {
    const Topo *t = route_topo(r);
    Way longest = {0, INFINITY};
    uint32_t n;
    if (node == t->host_node[dst]) return longest;
    const uint32_t *next = route_next(r, node, dst, &n);
    for (uint32_t i = 0; i < n; i++) {
        const Link *l = &t->links[next[i]];
        Way w = longest_way(r, l->to, dst);
        w.rtt_ns += 2 * l->delay_ns + WIRE_PAYLOAD_B * 8e9 / l->rate_bps;
        w.rate_bps = fmin(w.rate_bps, l->rate_bps);
        if (w.rtt_ns > longest.rtt_ns) longest = w;
    }
    return longest;
}

static double brute_force(const Route *r) {
    const Topo *t = route_topo(r);
    double largest = 0;
    for (uint32_t d = 0; d < t->n_hosts; d++)
        for (uint32_t h = 0; h < t->n_hosts; h++) {
            Way w = longest_way(r, t->host_node[h], d);
            if (h != d) largest = fmax(largest, ceil(w.rtt_ns * 1e-9 * w.rate_bps / 8 - 1e-6));
        }
    return largest;
}

/* Clos networks in which one cable in `share` has another rate or delay, and (odd seeds) one host
 * in four a second link. */
static void largest_product_is_that_of_some_pair(void **state) {
    (void)state;
    enum { N_SEEDS = 60 };
    double sum = 0;
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        Rng g = rng_stream(seed, "bdp", 0);
        Clos c;
        Topo whole, t;
        clos_default(&c);
        c.pods = 1 + (uint32_t)rng_below(&g, 3), c.racks_per_pod = 2 + (uint32_t)rng_below(&g, 4);
        c.hosts_per_rack = 1 + (uint32_t)rng_below(&g, 3), c.spines_per_plane = 2;
        net_case_clos(&whole, &c);
        TopoCable *cables = MEM_NEW(TopoCable, whole.n_links);
        uint32_t n = 0;
        uint64_t share = 4 + 20 * (seed % 3);
        for (uint32_t l = 0; l < whole.n_links; l += 2) {
            const Link *x = &whole.links[l];
            TopoCable y = net_case_cable(&whole, l);
            if (rng_below(&g, share) == 0) y.rate_bps *= 2;
            if (rng_below(&g, share) == 0) y.delay_ns *= 3;
            cables[n++] = y;
            uint32_t next_rack = x->to + 1;
            if (seed % 2 == 0 || !whole.is_host[x->from] || rng_below(&g, 4) > 0) continue;
            if (whole.tier[next_rack] != 1) continue;
            y.b = whole.node_id[next_rack];
            cables[n++] = y;
        }
        net_case_rebuild(&t, &whole, cables, n);
        Route *r = net_case_route(&t);
        assert_true(basebdp_largest(r) == brute_force(r));
        sum += brute_force(r);
        route_destroy(r);
        free(cables);
        topo_free(&t);
        topo_free(&whole);
    }
    assert_true(sum / N_SEEDS > 10000); /* bytes */
}

/* The figures of a Clos give what the search finds: all shapes with few of everything, whose
 * fastest or slowest links are those of any tier. */
static void a_clos_needs_no_search(void **state) {
    (void)state;
    static const double rate[] = {10e9, 40e9, 100e9}, delay[] = {1000, 50, 20000};
    for (uint32_t k = 0; k < 3 * 2 * 2 * 9; k++) {
        Clos c;
        Topo t;
        clos_default(&c);
        c.pods = 1 + k % 3, c.racks_per_pod = 1 + k / 3 % 2, c.hosts_per_rack = 1 + k / 6 % 2;
        c.spines_per_plane = 2;
        c.host_rate_bps = rate[k / 12 % 3], c.fab_rate_bps = rate[k / 36 % 3];
        c.spine_rate_bps = rate[(k / 12 + 1) % 3];
        c.host_delay_ns = delay[k / 36 % 3], c.spine_delay_ns = delay[k / 12 % 3];
        if (clos_hosts(&c) < 2) continue;
        net_case_clos(&t, &c);
        Route *r = net_case_route(&t);
        assert_true(basebdp_largest(r) == basebdp_of_clos(&c));
        route_destroy(r);
        topo_free(&t);
    }
}

/* From ROUTE_MANY_RACKS racks on no search is made; the same network with a cable that is unlike
 * the others is searched. */
static void many_racks_have_the_product_of_a_search(void **state) {
    (void)state;
    Topo t, plain;
    net_case_many_racks(&t, &plain);
    Route *r = net_case_route(&t), *searched = net_case_route(&plain);
    assert_non_null(route_clos(r));
    assert_null(route_clos(searched));
    assert_true(basebdp_largest(r) == basebdp_largest(searched));
    route_destroy(r);
    route_destroy(searched);
    topo_free(&t);
    topo_free(&plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(largest_product_is_that_of_some_pair),
                                       cmocka_unit_test(a_clos_needs_no_search),
                                       cmocka_unit_test(many_racks_have_the_product_of_a_search)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
