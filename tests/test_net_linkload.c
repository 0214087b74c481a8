/* Expected loads of links against one pair of hosts at a time. */
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
#include "net/clos.h"
#include "net/linkload.h"

static void ok(int rc, const Err *err) {
    if (rc != 0) fail_msg("%s", err->msg);
}

/* 2 pods × 4 racks × `hosts` hosts. */
static void small_clos(Topo *t, uint32_t hosts) {
    Clos c;
    Err err;
    clos_default(&c);
    c.racks_per_pod = 4;
    c.hosts_per_rack = hosts;
    c.spines_per_plane = 3;
    ok(clos_build(t, &c, "small clos", &err), &err);
}

/* The same by one pair of hosts at a time. */
static void brute_force(const Route *r, const double *p, double *load) {
    const Topo *t = route_topo(r);
    double *scratch_nodes = MEM_ZNEW(double, t->n_nodes);
    memset(load, 0, t->n_links * sizeof *load);
    for (uint32_t s = 0; s < t->n_hosts; s++)
        for (uint32_t d = 0; d < t->n_hosts; d++) {
            if (s == d) continue;
            uint32_t i = t->host_rack[s], j = t->host_rack[d];
            double hi = t->rack_host_start[i + 1] - t->rack_host_start[i],
                   hj = t->rack_host_start[j + 1] - t->rack_host_start[j];
            double w = p[(size_t)i * t->n_racks + j] / (i == j ? hi * (hi - 1) : hi * hj);
            if (w > 0) route_spread(r, s, d, w, load, scratch_nodes);
        }
    free(scratch_nodes);
}

static void expect_same_loads(const Topo *t, uint64_t seed) {
    Err err = {0};
    Rng rng = rng_stream(seed, "test", 0);
    Route *r = route_new(t, &err);
    assert_non_null(r);
    double *p = MEM_NEW(double, (size_t)t->n_racks * t->n_racks), *a = MEM_NEW(double, t->n_links),
           *b = MEM_NEW(double, t->n_links);
    for (uint32_t i = 0; i < t->n_racks; i++)
        for (uint32_t j = 0; j < t->n_racks; j++) {
            bool can = i != j || t->rack_host_start[i + 1] - t->rack_host_start[i] > 1;
            p[i * t->n_racks + j] = can && rng_u01(&rng) < 0.8 ? rng_u01(&rng) : 0;
        }
    linkload_expect(r, p, a);
    brute_force(r, p, b);
    for (uint32_t l = 0; l < t->n_links; l++)
        if (fabs(a[l] - b[l]) > 1e-12 * (1 + fabs(b[l])))
            fail_msg("link %u: %.17g, one pair at a time %.17g", l, a[l], b[l]);
    free(p);
    free(a);
    free(b);
    route_destroy(r);
}

static void expected_loads_equal_brute_force(void **state) {
    (void)state;
    Topo t;
    small_clos(&t, 3);
    expect_same_loads(&t, 1);
    topo_free(&t);
    /* Hosts 0..7, switches 10..14 in a ring with a chord: host 2 on two switches, host 3 by two
     * cables, host 7 alone. */
    static const uint64_t id[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14};
    static const uint8_t is_host[] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0};
    static const TopoCable cables[] = {{0, 10, 1e10, 1},  {1, 10, 1e10, 1},  {2, 10, 1e10, 1},
                                       {2, 11, 1e10, 1},  {3, 11, 1e10, 1},  {3, 11, 1e10, 1},
                                       {4, 12, 1e10, 1},  {5, 12, 1e10, 1},  {6, 13, 1e10, 1},
                                       {7, 14, 1e10, 1},  {10, 11, 1e10, 1}, {11, 12, 1e10, 1},
                                       {12, 13, 1e10, 1}, {13, 14, 1e10, 1}, {14, 10, 1e10, 1},
                                       {11, 13, 1e10, 1}, {11, 13, 1e10, 1}};
    Err err = {0};
    ok(topo_build(&t, "ring", id, is_host, NULL, 13, cables, sizeof cables / sizeof *cables, &err),
       &err);
    for (uint64_t seed = 2; seed < 12; seed++) expect_same_loads(&t, seed);
    topo_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expected_loads_equal_brute_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
