/* Cyclic buffer dependencies: found exactly where enumerating all paths and closing their
 * dependencies finds one, and what is named is a cycle of them; shapes whose answer is known. */
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
#include "net/deadlock.h"
#include "net/shape.h"

/* Marks what follows what on all shortest paths from `node` to host dst: follows[l · n_links + m].
 */
static void enumerate(const Route *r, uint32_t node, uint32_t dst, uint32_t before, bool *follows) {
    const Topo *t = route_topo(r);
    uint32_t n;
    if (node == t->host_node[dst]) return;
    const uint32_t *next = route_next(r, node, dst, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (before != TOPO_NONE) follows[(size_t)before * t->n_links + next[i]] = true;
        enumerate(r, t->links[next[i]].to, dst, next[i], follows);
    }
}

static bool *all_dependencies(const Route *r) {
    const Topo *t = route_topo(r);
    bool *follows = MEM_ZNEW(bool, (size_t)t->n_links * t->n_links);
    for (uint32_t src = 0; src < t->n_hosts; src++)
        for (uint32_t dst = 0; dst < t->n_hosts; dst++)
            if (src != dst) enumerate(r, t->host_node[src], dst, TOPO_NONE, follows);
    return follows;
}

/* Whether some link follows itself in any number of steps (Warshall). */
static bool has_cycle(const bool *follows, uint32_t n) {
    bool *reach = MEM_NEW(bool, (size_t)n *n), cyclic = false;
    memcpy(reach, follows, (size_t)n * n * sizeof *reach);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; reach[i * n + k] && j < n; j++) reach[i * n + j] |= reach[k * n + j];
    for (size_t i = 0; i < n; i++) cyclic |= reach[i * n + i];
    free(reach);
    return cyclic;
}

/* Compares with the enumeration; returns whether there is a cycle. */
static bool agrees(const Topo *t) {
    Err err = {0};
    Route *r = route_new(t, &err);
    if (!r) fail_msg("%s", err.msg);
    bool *follows = all_dependencies(r), cyclic = has_cycle(follows, t->n_links);
    Deadlock d = deadlock_find(r);
    assert_int_equal(d.kind, cyclic ? DEADLOCK_CYCLE : DEADLOCK_NONE);
    assert_int_equal(d.n > 0, cyclic);
    for (uint32_t i = 0; i < d.n; i++) {
        uint32_t l = d.links[i], m = d.links[(i + 1) % d.n];
        assert_true(follows[(size_t)l * t->n_links + m]);
        for (uint32_t k = 0; k < i; k++) assert_int_not_equal(d.links[k], l);
    }
    free(follows);
    deadlock_free(&d);
    route_destroy(r);
    return cyclic;
}

/* Switches in a random connected graph, of which the first have hosts; some hosts have two links.
 */
static void random_network(Topo *t, uint64_t seed) {
    enum { MOST = 16 };
    Rng g = rng_stream(seed, "network", 0);
    uint32_t n_switches = 3 + (uint32_t)rng_below(&g, 7), n_hosts = n_switches, n = 0;
    uint64_t id[2 * MOST];
    uint8_t is_host[2 * MOST];
    TopoCable c[8 * MOST];
    for (uint32_t v = 0; v < n_hosts + n_switches; v++) id[v] = v, is_host[v] = v < n_hosts;
    for (uint32_t h = 0; h < n_hosts; h++) {
        uint32_t sw = (uint32_t)rng_below(&g, n_switches);
        c[n++] = (TopoCable){h, n_hosts + sw, 1e9, 1000, 0};
        if (rng_below(&g, 4) == 0)
            c[n++] = (TopoCable){h, n_hosts + (sw + 1) % n_switches, 1e9, 1000, 0};
    }
    for (uint32_t s = 1; s < n_switches; s++)
        c[n++] = (TopoCable){n_hosts + s, n_hosts + rng_below(&g, s), 1e9, 1000, 0};
    for (uint64_t k = rng_below(&g, n_switches + 1); k > 0; k--) {
        uint64_t a = rng_below(&g, n_switches), b = rng_below(&g, n_switches);
        if (a != b) c[n++] = (TopoCable){n_hosts + a, n_hosts + b, 1e9, 1000, 0};
    }
    Err err = {0};
    if (topo_build(t, "random", id, is_host, NULL, n_hosts + n_switches, c, n, &err) != 0)
        fail_msg("%s", err.msg);
}

static void agrees_with_enumeration(void **state) {
    (void)state;
    uint32_t n_cyclic = 0, n = 400;
    for (uint64_t seed = 0; seed < n; seed++) {
        Topo t;
        random_network(&t, seed);
        n_cyclic += agrees(&t);
        topo_free(&t);
    }
    assert_in_range(n_cyclic, 10, n - 10);
}

static bool shape_is_cyclic(const Shape *s, const uint32_t *counts, int n) {
    Topo t;
    Err err = {0};
    void *figures = mem_calloc(1, s->size);
    s->set_default(figures);
    for (int i = 0; i < n; i++)
        memcpy((char *)figures + s->figures[i].offset, &counts[i], sizeof *counts);
    if (s->build(&t, figures, s->name, &err) != 0) fail_msg("%s", err.msg);
    bool cyclic = agrees(&t);
    free(figures);
    topo_free(&t);
    return cyclic;
}

static void known_shapes(void **state) {
    (void)state;
    const uint32_t clos[] = {3, 2, 1, 2, 2}, rail[] = {2, 2, 3, 2, 1}, multiplane[] = {2, 3, 2, 2},
                   dragonfly[] = {5, 4, 1, 1}, ring3[] = {3, 1, 1, 1}, ring4[] = {4, 1, 1, 1},
                   square[] = {2, 2, 1, 1}, torus[] = {3, 3, 1, 1};
    assert_false(shape_is_cyclic(&clos_shape, clos, 5));
    assert_false(shape_is_cyclic(&rail_shape, rail, 5));
    assert_false(shape_is_cyclic(&multiplane_shape, multiplane, 4));
    assert_true(shape_is_cyclic(&dragonfly_shape, dragonfly, 4));
    assert_false(shape_is_cyclic(&torus_shape, ring3, 4));
    assert_true(shape_is_cyclic(&torus_shape, ring4, 4));
    assert_true(shape_is_cyclic(&torus_shape, square, 4));
    assert_true(shape_is_cyclic(&torus_shape, torus, 4));
}

/* A Clos with lost cables, whose detours go down and up again. */
static void clos_with_detours(void **state) {
    (void)state;
    Topo t;
    Err err = {0};
    /* leaves 3, 4 and 5 in a row over two spines 6 and 7, each of which misses one leaf */
    uint64_t ids[] = {0, 1, 2, 3, 4, 5, 6, 7};
    uint8_t hosts[] = {1, 1, 1, 0, 0, 0, 0, 0};
    TopoCable c[] = {{0, 3, 1e9, 1, 0}, {1, 4, 1e9, 1, 0}, {2, 5, 1e9, 1, 0}, {3, 6, 1e9, 1, 0},
                     {4, 6, 1e9, 1, 0}, {4, 7, 1e9, 1, 0}, {5, 7, 1e9, 1, 0}};
    assert_int_equal(topo_build(&t, "detour", ids, hosts, NULL, 8, c, 7, &err), 0);
    assert_false(agrees(&t)); /* one detour closes no circle */
    topo_free(&t);
}

/* A Clos of 8,000 racks is known not to have any, one with a cable less is found so by classes, and
 * a large torus is cut short by its first cycle. */
static void large_networks(void **state) {
    (void)state;
    Clos c;
    Topo t;
    Err err = {0};
    clos_default(&c);
    c.pods = 250, c.racks_per_pod = 32, c.hosts_per_rack = 2, c.fabs_per_pod = 4,
    c.spines_per_plane = 4;
    assert_int_equal(clos_build(&t, &c, "clos", &err), 0);
    TopoCable *cables = MEM_NEW(TopoCable, t.n_links / 2);
    uint32_t n = 0, missing = t.n_hosts + 5;
    for (uint32_t l = 0; l < t.n_links; l += 2) {
        const Link *k = &t.links[l];
        if (k->from == missing && k->to == t.n_hosts + t.n_racks + 1) continue;
        cables[n++] = (TopoCable){k->from, k->to, k->rate_bps, k->delay_ns, 0};
    }
    assert_int_equal(n, t.n_links / 2 - 1);
    Topo less;
    if (topo_build(&less, "less", t.node_id, t.is_host, NULL, t.n_nodes, cables, n, &err) != 0)
        fail_msg("%s", err.msg);
    for (int i = 0; i < 2; i++) {
        Route *r = route_new(i == 0 ? &t : &less, &err);
        assert_non_null(r);
        Deadlock d = deadlock_find(r);
        assert_int_equal(d.kind, DEADLOCK_NONE);
        route_destroy(r);
    }
    free(cables);
    topo_free(&less);
    topo_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_enumeration),
        cmocka_unit_test(known_shapes),
        cmocka_unit_test(clos_with_detours),
        cmocka_unit_test(large_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
