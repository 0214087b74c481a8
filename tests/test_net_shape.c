/* Topologies of figures: each shape has the links that its definition says and no others, routes on
 * it have the lengths that follow from that, and descriptions read back as the same network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/route.h"
#include "net/shape.h"
#include "net/topo_load.h"

/* Figures by name, in the order of the shape; rates and delays keep their defaults. */
static void *figures_of(const Shape *s, const uint32_t *counts, int n) {
    void *figures = mem_calloc(1, s->size);
    s->set_default(figures);
    for (int i = 0; i < n; i++) {
        assert_int_equal(s->figures[i].kind, FIGURE_COUNT);
        memcpy((char *)figures + s->figures[i].offset, &counts[i], sizeof *counts);
    }
    return figures;
}

static Route *make(Topo *t, const Shape *s, const uint32_t *counts, int n) {
    Err err = {0};
    void *figures = figures_of(s, counts, n);
    if (s->build(t, figures, s->name, &err) != 0) fail_msg("%s", err.msg);
    free(figures);
    Route *r = route_new(t, &err);
    if (!r) fail_msg("%s", err.msg);
    return r;
}

static void drop(Topo *t, Route *r) {
    route_destroy(r);
    topo_free(t);
}

static uint32_t count_cables(const Topo *t, uint32_t a, uint32_t b) {
    uint32_t n = 0;
    for (uint32_t i = t->out_start[a]; i < t->out_start[a + 1]; i++)
        n += t->links[t->out_link[i]].to == b;
    return n;
}

static void rails_cross_one_switch(void **state) {
    (void)state;
    const uint32_t counts[][5] = {{2, 8, 8, 8, 0}, {3, 2, 4, 5, 2}, {1, 3, 1, 0, 0}};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        uint32_t units = counts[k][0], servers = counts[k][1], gpus = counts[k][2],
                 inner = counts[k][4];
        Topo t;
        Route *r = make(&t, &rail_shape, counts[k], 5);
        assert_int_equal(t.n_hosts, units * servers * gpus);
        assert_int_equal(t.n_racks, units * gpus);
        assert_int_equal(t.n_pods, units);
        assert_int_equal(t.n_links / 2, t.n_hosts * (1 + inner) + units * gpus * counts[k][3]);
        for (uint32_t a = 0; a < t.n_hosts; a++)
            for (uint32_t b = 0; b < t.n_hosts; b++) {
                bool same_rail = a % gpus == b % gpus && a / gpus / servers == b / gpus / servers,
                     same_server = inner > 0 && a / gpus == b / gpus;
                uint32_t expected = a == b ? 0 : same_rail || same_server ? 2 : 4;
                assert_int_equal(route_n_links(r, a, b), expected);
            }
        drop(&t, r);
    }
}

static void planes_meet_in_hosts_only(void **state) {
    (void)state;
    const uint32_t counts[] = {3, 4, 2, 5};
    Topo t;
    Route *r = make(&t, &multiplane_shape, counts, 4);
    assert_int_equal(t.n_hosts, 8);
    assert_int_equal(t.n_nodes - t.n_hosts, 3 * (4 + 5));
    assert_int_equal(t.n_links / 2, 8 * 3 + 3 * 4 * 5);
    for (uint32_t h = 0; h < 8; h++)
        for (uint32_t p = 0; p < 3; p++)
            for (uint32_t rack = 0; rack < 4; rack++)
                assert_int_equal(count_cables(&t, h, 8 + p * 4 + rack), rack == h / 2);
    for (uint32_t leaf = 0; leaf < 12; leaf++)
        for (uint32_t spine = 0; spine < 15; spine++)
            assert_int_equal(count_cables(&t, 8 + leaf, 20 + spine), leaf / 4 == spine / 5);

    /* A flow's links are all of the plane that its first one leads to, and every plane has some. */
    uint32_t used[3] = {0}, links[4];
    for (uint32_t port = 0; port < 300; port++) {
        assert_int_equal(route_path(r, 0, 7, (uint16_t)port, ROUTE_DPORT, links), 4);
        uint32_t plane = (t.links[links[0]].to - 8) / 4;
        assert_int_equal((t.links[links[1]].to - 20) / 5, plane);
        assert_int_equal((t.links[links[2]].to - 8) / 4, plane);
        used[plane]++;
    }
    for (int p = 0; p < 3; p++) assert_in_range(used[p], 70, 130);
    drop(&t, r);
}

/* Cliques of routers, and the same number of links between any two groups, as evenly as ports
 * allow. */
static void dragonfly_joins_all_groups(void **state) {
    (void)state;
    const uint32_t counts[][4] = {{9, 4, 2, 2}, {5, 4, 1, 2}, {2, 3, 2, 1},
                                  {7, 3, 2, 3}, {1, 4, 2, 0}, {33, 8, 1, 4}};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        uint32_t groups = counts[k][0], routers = counts[k][1], hosts = counts[k][2],
                 ports = counts[k][3], first = groups * routers * hosts;
        uint32_t each = groups > 1 ? routers * ports / (groups - 1) : 0;
        Topo t;
        Route *r = make(&t, &dragonfly_shape, counts[k], 4);
        assert_int_equal(t.n_hosts, first);
        assert_int_equal(t.n_nodes, first + groups * routers);
        assert_int_equal(t.n_pods, groups);
        uint32_t *between = MEM_ZNEW(uint32_t, groups * groups);
        for (uint32_t u = 0; u < groups * routers; u++) {
            uint32_t n_global = 0;
            for (uint32_t v = 0; v < groups * routers; v++) {
                uint32_t n = count_cables(&t, first + u, first + v);
                if (u / routers == v / routers) assert_int_equal(n, u != v);
                else n_global += n;
                between[u / routers * groups + v / routers] += n;
            }
            assert_in_range(n_global, 0, ports);
        }
        for (uint32_t i = 0; i < groups; i++)
            for (uint32_t j = 0; j < groups; j++)
                if (i != j) assert_int_equal(between[i * groups + j], each);
        assert_in_range(route_max_links(r), 2, 5);
        free(between);
        drop(&t, r);
    }
}

static uint32_t around(uint32_t a, uint32_t b, uint32_t length) {
    uint32_t d = a > b ? a - b : b - a;
    return d < length - d ? d : length - d;
}

static void torus_distances_are_of_manhattan(void **state) {
    (void)state;
    const uint32_t counts[][4] = {{4, 4, 1, 2}, {3, 5, 2, 1}, {4, 3, 3, 1},
                                  {7, 1, 1, 1}, {1, 2, 1, 2}, {1, 1, 1, 2}};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        uint32_t x = counts[k][0], y = counts[k][1], z = counts[k][2], hosts = counts[k][3];
        Topo t;
        Route *r = make(&t, &torus_shape, counts[k], 4);
        assert_int_equal(t.n_hosts, x * y * z * hosts);
        for (uint32_t a = 0; a < t.n_hosts; a++)
            for (uint32_t b = 0; b < t.n_hosts; b++) {
                uint32_t u = a / hosts, v = b / hosts;
                uint32_t hops = around(u % x, v % x, x) + around(u / x % y, v / x % y, y) +
                                around(u / x / y, v / x / y, z);
                if (a != b) assert_int_equal(route_n_links(r, a, b), 2 + hops);
                if (u != v) /* neighbours have one cable, others none */
                    assert_int_equal(count_cables(&t, t.n_hosts + u, t.n_hosts + v), hops == 1);
            }
        drop(&t, r);
    }
}

static void figures_that_fit_no_network(void **state) {
    (void)state;
    const struct {
        const Shape *shape;
        uint32_t counts[5];
        int n;
        const char *why;
    } bad[] = {
        {&rail_shape, {0, 8, 8, 8, 0}, 5, "must be at least 1, got 0, 8 and 8"},
        {&rail_shape, {2, 8, 8, 0, 0}, 5, "spines: must be at least 1"},
        {&rail_shape, {2, 8, 8, 1 << 24, 0}, 5, "at most 16777216 nodes"},
        {&rail_shape, {1, 1, 1, 1, 0}, 5, "at least two hosts"},
        {&multiplane_shape, {1, 0, 8, 8}, 4, "must be at least 1"},
        {&multiplane_shape, {2, 8, 8, 0}, 4, "spines_per_plane: must be at least 1 to join 8"},
        {&multiplane_shape, {4096, 4096, 4096, 1}, 4, "at most 16777216 nodes"},
        {&dragonfly_shape, {10, 4, 2, 2}, 4, "groups: must be at most 9"},
        {&dragonfly_shape, {1, 1 << 23, 1, 0}, 4, "links, got"},
        {&dragonfly_shape, {2, 4, 2, 0}, 4, "groups: must be at most 1"},
        {&torus_shape, {4, 4, 0, 1}, 4, "must be at least 1"},
        {&torus_shape, {65536, 65536, 65536, 65536}, 4, "at most 16777216 nodes"},
        {&torus_shape, {UINT32_MAX, UINT32_MAX, 1, 1}, 4, "at most 16777216 nodes"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Topo t;
        Err err = {0};
        void *figures = figures_of(bad[i].shape, bad[i].counts, bad[i].n);
        assert_int_equal(bad[i].shape->build(&t, figures, bad[i].shape->name, &err), -1);
        if (!strstr(err.msg, bad[i].why)) fail_msg("%s", err.msg);
        assert_int_equal(strncmp(err.msg, bad[i].shape->name, strlen(bad[i].shape->name)), 0);
        free(figures);
    }
}

/* What is written reads back as the same figures, all of them other than the defaults. */
static void descriptions_read_back(void **state) {
    (void)state;
    for (const Shape *const *s = shapes; *s; s++) {
        char path[64];
        Topo a, b;
        Err err = {0};
        uint32_t count = 0;
        void *figures = mem_calloc(1, (*s)->size);
        (*s)->set_default(figures);
        for (int i = 0; i < (*s)->n_figures; i++) {
            const ShapeFigure *f = &(*s)->figures[i];
            char *at = (char *)figures + f->offset;
            double x = f->kind == FIGURE_RATE ? 25e9 + i : 123.5 + i;
            memcpy(&count, at, sizeof count);
            count = count > 0 ? count : 1;
            if (f->kind == FIGURE_COUNT) memcpy(at, &count, sizeof count);
            else memcpy(at, &x, sizeof x);
            assert_ptr_equal(shape_figure(*s, f->key), f);
        }
        snprintf(path, sizeof path, "/tmp/m3-test-shape-%ld.json", (long)getpid());
        assert_int_equal(shape_save(*s, figures, path, &err), 0);
        assert_int_equal((*s)->build(&a, figures, "figures", &err), 0);
        if (topo_load(&b, path, NULL, &err) != 0) fail_msg("%s", err.msg);
        assert_int_equal(a.n_links, b.n_links);
        for (uint32_t l = 0; l < a.n_links; l++) {
            assert_int_equal(a.links[l].from, b.links[l].from);
            assert_int_equal(a.links[l].to, b.links[l].to);
            assert_true(a.links[l].rate_bps == b.links[l].rate_bps);
            assert_true(a.links[l].delay_ns == b.links[l].delay_ns);
        }
        unlink(path);
        free(figures);
        topo_free(&a);
        topo_free(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rails_cross_one_switch),
        cmocka_unit_test(planes_meet_in_hosts_only),
        cmocka_unit_test(dragonfly_joins_all_groups),
        cmocka_unit_test(torus_distances_are_of_manhattan),
        cmocka_unit_test(figures_that_fit_no_network),
        cmocka_unit_test(descriptions_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
