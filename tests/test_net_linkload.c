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
#include "net/linkload.h"
#include "net_case.h"

/* Puts w on the links of the path from host s to host d that the hash chooses at every node. */
static void follow_hash(const Route *r, uint32_t s, uint32_t d, uint64_t hash, double w,
                        double *load) {
    const Topo *t = route_topo(r);
    for (uint32_t v = t->host_node[s]; v != t->host_node[d];) {
        uint32_t n;
        const uint32_t *next = route_next(r, v, d, &n);
        load[next[hash % n]] += w;
        v = t->links[next[hash % n]].to;
    }
}

/* The same by one pair of hosts at a time; polarised: and by one residue modulo the multiple of all
 * counts up to 10. */
static void brute_force(const Route *r, LoadRouting how, const double *p, double *load) {
    enum { RESIDUES = 2520 };
    const Topo *t = route_topo(r);
    double *scratch_nodes = MEM_ZNEW(double, t->n_nodes);
    memset(load, 0, t->n_links * sizeof *load);
    for (uint32_t s = 0; s < t->n_hosts; s++)
        for (uint32_t d = 0; d < t->n_hosts; d++) {
            if (s == d) continue;
            uint32_t i = t->host_rack[s], j = t->host_rack[d];
            double hi = topo_rack_size(t, i), hj = topo_rack_size(t, j);
            double w = p[(size_t)i * t->n_racks + j] / (i == j ? hi * (hi - 1) : hi * hj);
            if (w > 0 && how == LOAD_ROUTED) route_spread(r, s, d, w, load, scratch_nodes);
            for (uint32_t k = 0; w > 0 && how == LOAD_POLARISED && k < RESIDUES; k++)
                follow_hash(r, s, d, k, w / RESIDUES, load);
        }
    free(scratch_nodes);
}

static void expect_same_loads(const Topo *t, uint64_t seed) {
    Rng rng = rng_stream(seed, "test", 0);
    Route *r = net_case_route(t);
    double *p = MEM_NEW(double, (size_t)t->n_racks * t->n_racks), *a = MEM_NEW(double, t->n_links),
           *b = MEM_NEW(double, t->n_links);
    for (uint32_t i = 0; i < t->n_racks; i++)
        for (uint32_t j = 0; j < t->n_racks; j++) {
            bool can = i != j || topo_rack_size(t, i) > 1;
            p[i * t->n_racks + j] = can && rng_u01(&rng) < 0.8 ? rng_u01(&rng) : 0;
        }
    const LoadMatrix m = {.n = t->n_racks, .share = p};
    for (int how = LOAD_ROUTED; how <= LOAD_POLARISED; how++) {
        linkload_expect(r, (LoadRouting)how, &m, a);
        brute_force(r, (LoadRouting)how, p, b);
        for (uint32_t l = 0; l < t->n_links; l++)
            if (fabs(a[l] - b[l]) > 1e-12 * (1 + fabs(b[l])))
                fail_msg("%s, link %u: %.17g, one pair at a time %.17g",
                         linkload_routing_names[how], l, a[l], b[l]);
    }
    free(p);
    free(a);
    free(b);
    route_destroy(r);
}

static void expected_loads_equal_brute_force(void **state) {
    (void)state;
    Topo t;
    net_case_small_clos(&t, 3);
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
    net_case_ok(
        topo_build(&t, "ring", id, is_host, NULL, 13, cables, sizeof cables / sizeof *cables, &err),
        &err);
    for (uint64_t seed = 2; seed < 12; seed++) expect_same_loads(&t, seed);
    topo_free(&t);
}

/* Uniform traffic by classes of racks against a table of equal shares, one rack at a time: a Clos,
 * the same with a cable less and one doubled, and a ring where hosts have several links. */
static void expect_same_uniform(const Topo *t) {
    Route *r = net_case_route(t);
    uint32_t n = t->n_racks;
    double *p = MEM_NEW(double, (size_t)n *n), *a = MEM_NEW(double, t->n_links),
           *b = MEM_NEW(double, t->n_links), pairs = 0;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < n * n; i++) {
            uint32_t rack = i / n;
            bool can = rack != i % n || topo_rack_size(t, rack) > 1;
            if (pass == 0) pairs += can;
            else p[i] = can ? 1 / pairs : 0;
        }
    const LoadMatrix m = {.n = n, .share = p};
    for (int how = LOAD_ROUTED; how <= LOAD_POLARISED; how++) {
        linkload_expect(r, (LoadRouting)how, NULL, a);
        linkload_expect(r, (LoadRouting)how, &m, b);
        for (uint32_t l = 0; l < t->n_links; l++)
            if (fabs(a[l] - b[l]) > 1e-12 * (1e-3 + fabs(b[l])))
                fail_msg("%s, link %u: %.17g, one rack at a time %.17g",
                         linkload_routing_names[how], l, a[l], b[l]);
    }
    free(p);
    free(a);
    free(b);
    route_destroy(r);
}

/* The figures of a Clos give what passes over it do. */
static void expect_same_of_clos(const Topo *t, const Clos *c) {
    Route *r = net_case_route(t);
    double *a = MEM_NEW(double, t->n_links), *b = MEM_NEW(double, t->n_links);
    linkload_clos(t, c, LOAD_ROUTED, NULL, a);
    linkload_expect(r, LOAD_ROUTED, NULL, b);
    for (uint32_t l = 0; l < t->n_links; l++)
        if (fabs(a[l] - b[l]) > 1e-12 * (1e-3 + fabs(b[l])))
            fail_msg("link %u: %.17g of figures, %.17g by passes", l, a[l], b[l]);
    free(a);
    free(b);
    route_destroy(r);
}

static void uniform_loads_equal_those_of_a_table(void **state) {
    (void)state;
    for (uint32_t k = 0; k < 6; k++) {
        Clos c;
        Topo t, damaged;
        clos_default(&c);
        c.pods = 1 + k % 3, c.racks_per_pod = 1 + k, c.hosts_per_rack = 1 + k % 2;
        c.fabs_per_pod = 1 + k % 4, c.spines_per_plane = 3;
        if (c.pods == 1 && k % 2 == 0) c.spines_per_plane = 0;
        if (c.pods * c.racks_per_pod * c.hosts_per_rack < 2) c.hosts_per_rack = 3;
        net_case_clos(&t, &c);
        expect_same_uniform(&t);
        expect_same_of_clos(&t, &c);
        TopoCable *cables = MEM_NEW(TopoCable, t.n_links);
        uint32_t n = 0, n_missing = 0;
        for (uint32_t l = 0; l < t.n_links; l += 2) {
            TopoCable y = net_case_cable(&t, l);
            bool core = !t.is_host[t.links[l].from];
            if (core && c.fabs_per_pod > 1 && n_missing++ == 2) continue;
            cables[n++] = y;
            if (core && l % 10 == 0) cables[n++] = y;
        }
        net_case_rebuild(&damaged, &t, cables, n);
        expect_same_uniform(&damaged);
        free(cables);
        topo_free(&t);
        topo_free(&damaged);
    }
    static const uint64_t id[] = {0, 1, 2, 3, 4, 10, 11, 12};
    static const uint8_t is_host[] = {1, 1, 1, 1, 1, 0, 0, 0};
    static const TopoCable ring[] = {{0, 10, 1e10, 1}, {1, 10, 1e10, 1},  {1, 11, 1e10, 1},
                                     {2, 11, 1e10, 1}, {3, 12, 1e10, 1},  {4, 12, 1e10, 1},
                                     {4, 12, 1e10, 1}, {10, 11, 1e10, 1}, {11, 12, 1e10, 1},
                                     {12, 10, 1e10, 1}};
    Topo t;
    Err err = {0};
    net_case_ok(
        topo_build(&t, "ring", id, is_host, NULL, 8, ring, sizeof ring / sizeof *ring, &err), &err);
    expect_same_uniform(&t);
    topo_free(&t);
}

/* Racks that share rows of a matrix, and some without a row, against the matrix of all their pairs
 * by one pair of hosts at a time, and by the figures of the Clos. */
static void racks_may_share_rows(void **state) {
    (void)state;
    enum { ROWS = 3, RACKS = 12 };
    for (uint32_t seed = 0; seed < 8; seed++) {
        Clos c;
        Topo t;
        Rng rng = rng_stream(seed, "rows", 0);
        clos_default(&c);
        c.pods = 3, c.racks_per_pod = RACKS / 3, c.hosts_per_rack = 1 + seed % 2;
        c.fabs_per_pod = 2 + seed % 3, c.spines_per_plane = 2 + 2 * (seed / 3);
        net_case_clos(&t, &c);
        Route *r = net_case_route(&t);
        double share[ROWS * ROWS], p[RACKS * RACKS], sum = 0, *a = MEM_NEW(double, t.n_links),
                                                     *b = MEM_NEW(double, t.n_links);
        uint32_t rows[RACKS], n_racks[ROWS] = {0};
        for (uint32_t i = 0; i < RACKS; i++) {
            rows[i] = i < ROWS ? i : (uint32_t)rng_below(&rng, ROWS + 1);
            if (rows[i] < ROWS) n_racks[rows[i]]++;
        }
        for (uint32_t k = 0; k < ROWS * ROWS; k++)
            share[k] = k % (ROWS + 1) == 0 && c.hosts_per_rack < 2 ? 0 : rng_u01(&rng);
        const LoadMatrix m = {
            .n = ROWS, .share = share, .row_of = rows, .n_racks = n_racks, .n_local = n_racks};
        for (uint32_t i = 0; i < RACKS * RACKS; i++)
            sum += p[i] = linkload_share(&t, &m, i / RACKS, i % RACKS);
        for (uint32_t k = 0; k < ROWS * ROWS; k++) {
            uint32_t i = k / ROWS, j = k % ROWS;
            double of_cell = 0;
            for (uint32_t q = 0; q < RACKS * RACKS; q++)
                if (rows[q / RACKS] == i && rows[q % RACKS] == j) of_cell += p[q];
            assert_true(fabs(of_cell - share[k]) < 1e-12);
        }
        for (int how = LOAD_ROUTED; how <= LOAD_POLARISED; how++) {
            linkload_expect(r, (LoadRouting)how, &m, a);
            brute_force(r, (LoadRouting)how, p, b);
            for (uint32_t l = 0; l < t.n_links; l++) assert_true(fabs(a[l] - b[l]) < 1e-12 * sum);
            linkload_clos(&t, &c, (LoadRouting)how, &m, a);
            for (uint32_t l = 0; l < t.n_links; l++) assert_true(fabs(a[l] - b[l]) < 1e-12 * sum);
        }
        free(a);
        free(b);
        route_destroy(r);
        topo_free(&t);
    }
}

/* From ROUTE_MANY_RACKS racks on the figures of a Clos are taken; the same network with a cable
 * that is unlike the others goes by passes. */
static void many_racks_have_the_loads_of_passes(void **state) {
    (void)state;
    Topo t, plain;
    net_case_many_racks(&t, &plain);
    Route *r = net_case_route(&t), *by_passes = net_case_route(&plain);
    double *a = MEM_NEW(double, t.n_links), *b = MEM_NEW(double, t.n_links);
    assert_non_null(route_clos(r));
    assert_null(route_clos(by_passes));
    linkload_expect(r, LOAD_ROUTED, NULL, a);
    linkload_expect(by_passes, LOAD_ROUTED, NULL, b);
    for (uint32_t l = 0; l < t.n_links; l++)
        if (fabs(a[l] - b[l]) > 1e-9 * b[l])
            fail_msg("link %u: %.17g of figures, %.17g by passes", l, a[l], b[l]);
    free(a);
    free(b);
    route_destroy(r);
    route_destroy(by_passes);
    topo_free(&t);
    topo_free(&plain);
}

/* F fabrics a pod and S spines a plane: what has reached a fabric by residue f modulo F chooses
 * spines f, f + gcd(F, S), …: S / gcd(F, S) of them, each with gcd(F, S) times its equal part. */
static void polarised_hashes_use_a_part_of_the_spines(void **state) {
    (void)state;
    static const uint32_t shape[][3] = {{4, 4, 4}, {4, 6, 2}, {4, 3, 1}, {2, 8, 2}};
    for (size_t k = 0; k < sizeof shape / sizeof *shape; k++) {
        Clos c;
        Topo t;
        clos_default(&c);
        c.fabs_per_pod = shape[k][0];
        c.spines_per_plane = shape[k][1];
        net_case_clos(&t, &c);
        Route *r = net_case_route(&t);
        double *p = MEM_NEW(double, (size_t)t.n_racks *t.n_racks),
               *routed = MEM_NEW(double, t.n_links), *polarised = MEM_NEW(double, t.n_links);
        for (uint32_t i = 0; i < t.n_racks * t.n_racks; i++) p[i] = 1.0 / (t.n_racks * t.n_racks);
        const LoadMatrix m = {.n = t.n_racks, .share = p};
        linkload_expect(r, LOAD_ROUTED, &m, routed);
        linkload_expect(r, LOAD_POLARISED, &m, polarised);
        uint32_t n_used = 0, n_core = 0;
        for (uint32_t l = 0; l < t.n_links; l++) {
            bool core = t.tier[t.links[l].from] == 2 && t.tier[t.links[l].to] == 3;
            double ratio = polarised[l] / routed[l];
            n_core += core;
            if (core && polarised[l] > 0) n_used++;
            double expected = core ? (polarised[l] > 0 ? shape[k][2] : 0) : 1;
            bool down = t.tier[t.links[l].from] == 3;
            if (!down && fabs(ratio - expected) > 1e-9)
                fail_msg("link %u: %g times its equal part, not %g", l, ratio, expected);
        }
        assert_int_equal(n_used * shape[k][2], n_core);
        free(p);
        free(routed);
        free(polarised);
        route_destroy(r);
        topo_free(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expected_loads_equal_brute_force),
        cmocka_unit_test(uniform_loads_equal_those_of_a_table),
        cmocka_unit_test(racks_may_share_rows),
        cmocka_unit_test(many_racks_have_the_loads_of_passes),
        cmocka_unit_test(polarised_hashes_use_a_part_of_the_spines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
