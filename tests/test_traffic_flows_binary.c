/* Binary flow files: what is written reads back bit for bit, whatever columns it has; every damage
 * is refused and named. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "traffic/flows_read.h"

/* Hosts 10, 11, 12 and 9000000 (host indices 0..3) and switch 20; and a network where 12 is a
 * switch or missing. */
static uint64_t ids[] = {10, 11, 12, 20, 9000000}, fewer_ids[] = {10, 11, 13, 9000000};
static uint32_t host_node[] = {0, 1, 2, 4}, node_host[] = {0, 1, 2, TOPO_NONE, 3};
static uint32_t fewer_host_node[] = {0, 1, 3}, fewer_node_host[] = {0, 1, TOPO_NONE, 2};
static char name[] = "net.json";
static const Topo topo = {.n_nodes = 5,
                          .n_hosts = 4,
                          .node_id = ids,
                          .host_node = host_node,
                          .node_host = node_host,
                          .name = name};
static Topo fewer = {.n_nodes = 4,
                     .n_hosts = 3,
                     .host_node = fewer_host_node,
                     .node_host = fewer_node_host,
                     .name = name};

static const char *scratch(char path[64]) {
    snprintf(path, 64, "/tmp/m3-test-binary-%ld.m3f", (long)getpid());
    return path;
}

/* Flows with the optional columns that the bits of `columns` ask for: id, fct_ns, ideal_fct_ns. */
static Flows random_flows(size_t n, unsigned columns) {
    Flows f;
    Rng r = rng_stream(columns, "binary", n);
    int64_t t = 0;
    flows_init(&f, n);
    if (columns & 1) f.id = MEM_NEW(uint64_t, n);
    if (columns & 2) f.fct_ns = MEM_NEW(double, n);
    if (columns & 4) f.ideal_fct_ns = MEM_NEW(double, n);
    for (size_t i = 0; i < n; i++) {
        f.src[i] = (uint32_t)rng_below(&r, 4);
        f.dst[i] = (f.src[i] + 1 + (uint32_t)rng_below(&r, 3)) % 4;
        f.size_b[i] = i == 0 ? 1000000000000000 : 1 + rng_below(&r, 1ull << rng_below(&r, 49));
        f.start_ns[i] = t;
        t += (int64_t)rng_below(&r, 1ull << rng_below(&r, 40));
        if (f.id) f.id[i] = rng_below(&r, UINT64_MAX);
        if (f.fct_ns) f.fct_ns[i] = rng_below(&r, 3) ? exp(rng_uniform(&r, -20, 60)) : NAN;
        if (f.ideal_fct_ns) f.ideal_fct_ns[i] = exp(rng_uniform(&r, -20, 60));
    }
    return f;
}

static void same_column(const void *a, const void *b, size_t bytes) {
    assert_true((a == NULL) == (b == NULL));
    if (a) assert_memory_equal(a, b, bytes);
}

static void same_flows(const Flows *f, const Flows *g) {
    assert_int_equal(f->n, g->n);
    same_column(f->src, g->src, f->n * 4);
    same_column(f->dst, g->dst, f->n * 4);
    same_column(f->size_b, g->size_b, f->n * 8);
    same_column(f->start_ns, g->start_ns, f->n * 8);
    same_column(f->id, g->id, f->n * 8);
    same_column(f->fct_ns, g->fct_ns, f->n * 8);
    same_column(f->ideal_fct_ns, g->ideal_fct_ns, f->n * 8);
}

static void written_flows_read_back(void **state) {
    (void)state;
    char path[64];
    for (unsigned columns = 0; columns < 8; columns++)
        for (size_t n = 1; n < 5000; n = n * 3 + 1) {
            Flows f = random_flows(n, columns), g;
            Err err = {0};
            assert_int_equal(flows_save(&f, scratch(path), &topo, &err), 0);
            if (flows_load(&g, path, &topo, NULL, NULL, &err) != 0) fail_msg("%s", err.msg);
            same_flows(&f, &g);
            flows_free(&g);
            flows_free(&f);
        }
    unlink(path);
}

/* Flows keep their hosts, not their indices. */
static void another_network_has_its_own_indices(void **state) {
    (void)state;
    char path[64];
    Err err = {0};
    Flows f, g;
    static uint64_t shifted_ids[] = {9, 10, 11, 12, 9000000};
    static uint32_t shifted_host[] = {0, 1, 2, 3, 4};
    Topo shifted = {.n_nodes = 5,
                    .n_hosts = 5,
                    .node_id = shifted_ids,
                    .host_node = shifted_host,
                    .node_host = shifted_host,
                    .name = name};
    f = random_flows(50, 0);
    assert_int_equal(flows_save(&f, scratch(path), &topo, &err), 0);
    assert_int_equal(flows_load(&g, path, &shifted, NULL, NULL, &err), 0);
    for (size_t i = 0; i < f.n; i++)
        assert_true(shifted.node_id[g.src[i]] == ids[host_node[f.src[i]]] &&
                    shifted.node_id[g.dst[i]] == ids[host_node[f.dst[i]]]);
    flows_free(&g);
    flows_free(&f);
    unlink(path);
}

static void positions_of_a_path(void **state) {
    (void)state;
    char path[64];
    Err err = {0};
    Flows f, g;
    flows_init(&f, 1);
    f.src[0] = 1, f.dst[0] = 4, f.size_b[0] = 7, f.start_ns[0] = 3;
    assert_int_equal(flows_save(&f, scratch(path), NULL, &err), 0);
    assert_int_equal(flows_load_positions(&g, path, 4, NULL, &err), 0);
    same_flows(&f, &g);
    flows_free(&g);
    assert_int_equal(flows_load_positions(&g, path, 3, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "row 0: dst: expected a position from 0 to 3, got 4"));
    f.src[0] = 4;
    assert_int_equal(flows_save(&f, path, NULL, &err), 0);
    assert_int_equal(flows_load_positions(&g, path, 4, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "expected src < dst"));
    flows_free(&f);
    unlink(path);
}

/* ---- damage ---- */

typedef struct {
    char *p;
    size_t n;
} Bytes;

static Bytes file_of(const Flows *f) {
    char path[64];
    FileView v;
    assert_int_equal(flows_save(f, scratch(path), &topo, NULL), 0);
    assert_int_equal(file_view(&v, path, NULL), 0);
    Bytes b = {MEM_NEW(char, v.len), v.len};
    memcpy(b.p, v.data, v.len);
    file_view_close(&v);
    unlink(path);
    return b;
}

/* Reading n bytes must fail as bad input with one line that holds `why`. */
static void refused(const char *p, size_t n, const Topo *t, const char *why) {
    char path[64];
    Flows g;
    Err err = {0};
    FILE *out = fopen(scratch(path), "wb");
    assert_non_null(out);
    fwrite(p, 1, n, out);
    fclose(out);
    assert_int_equal(flows_load(&g, path, t, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.msg, path));
    assert_null(strchr(err.msg, '\n'));
    if (!strstr(err.msg, why)) fail_msg("'%s' does not say '%s'", err.msg, why);
    assert_true(g.n == 0 && !g.src);

    /* The same of flows that stay in the file, where times taken are not read. */
    FlowFile *file;
    Err again = {0};
    if (!strstr(why, "fct_ns")) {
        assert_int_equal(flows_open(&g, &file, path, t, NULL, 0, NULL, &again), -1);
        assert_string_equal(again.msg, err.msg);
        assert_null(file);
    }
    unlink(path);
}

static void files_cut_anywhere_are_refused(void **state) {
    (void)state;
    Flows f = random_flows(40, 7);
    Bytes b = file_of(&f);
    for (size_t n = 0; n < b.n; n++) refused(b.p, n, &topo, n >= 8 ? "cut short" : "");
    char *longer = MEM_ZNEW(char, b.n + 1);
    memcpy(longer, b.p, b.n);
    refused(longer, b.n + 1, &topo, "longer than it says");
    free(longer);
    free(b.p);
    flows_free(&f);
}

static void bad_headers_are_refused(void **state) {
    (void)state;
    Flows f = random_flows(40, 7);
    Bytes b = file_of(&f);
    static const struct {
        size_t at;
        uint64_t value; /* 8 bytes */
        const char *why;
    } damage[] = {{8, 2, "version: expected 1, got 2"},
                  {8, 1 | 1ull << 63, "unknown columns"},
                  {16, UINT64_MAX, "cannot hold"},
                  {16, UINT64_MAX / 24 + 2, "cannot hold"},
                  {16, 0, "longer than it says"},
                  {16, 41, "take"},
                  {24, UINT64_MAX / 8, "cannot hold"},
                  {24, 5, "damaged"}, /* the same length */
                  {40, 1, "damaged"},
                  {64, 12, "damaged"}};
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        char *copy = memcpy(MEM_NEW(char, b.n), b.p, b.n);
        memcpy(copy + damage[i].at, &damage[i].value, 8);
        refused(copy, b.n, &topo, damage[i].why);
        free(copy);
    }
    free(b.p);
    flows_free(&f);
}

/* One bad value among good ones: the row and the column are named. */
static void bad_values_are_named(void **state) {
    (void)state;
    enum { N = 300, ROW = 217 };
    const struct {
        size_t column; /* place of the column in Flows */
        uint64_t value;
        const char *why;
    } damage[] = {{offsetof(Flows, size_b), 0, "row 217: size_b: expected 1 to 1e15 bytes, got 0"},
                  {offsetof(Flows, size_b), 1000000000000001, "row 217: size_b"},
                  {offsetof(Flows, start_ns), 0,
                   "row 217: start_ns: expected 0 to 9e18, and not before the row above"},
                  {offsetof(Flows, start_ns), (uint64_t)INT64_MIN, "row 217: start_ns"},
                  {offsetof(Flows, start_ns), 9000000000000000001, "row 217: start_ns"},
                  {offsetof(Flows, fct_ns), 0, "row 217: fct_ns: expected a positive time"},
                  {offsetof(Flows, fct_ns), 0x7FF0000000000000, "row 217: fct_ns"}, /* infinity */
                  {offsetof(Flows, ideal_fct_ns), 0xBFF0000000000000, "row 217: ideal_fct_ns"}};
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        Flows f = random_flows(N, 7);
        uint64_t *column;
        memcpy(&column, (char *)&f + damage[i].column, sizeof(void *));
        column[ROW] = damage[i].value;
        Bytes b = file_of(&f);
        refused(b.p, b.n, &topo, damage[i].why);
        free(b.p);
        flows_free(&f);
    }
}

static void bad_hosts_are_named(void **state) {
    (void)state;
    Flows f = random_flows(300, 0);
    f.src[0] = 2, f.dst[0] = 0;
    Bytes b = file_of(&f);
    size_t src = 64 + 64, dst = src + (300 * 4 + 63) / 64 * 64;
    uint32_t beyond = 4, same = f.src[9];
    char *copy = memcpy(MEM_NEW(char, b.n), b.p, b.n);
    memcpy(copy + dst + 9 * 4, &beyond, 4);
    refused(copy, b.n, &topo, "row 9: dst: expected one of 4 hosts, got number 4");
    memcpy(copy + dst + 9 * 4, &same, 4);
    refused(copy, b.n, &topo, "row 9: src and dst: expected two different hosts");
    fewer.node_id = ids;
    refused(b.p, b.n, &fewer, "got 12 (a switch in net.json)");
    fewer.node_id = fewer_ids;
    refused(b.p, b.n, &fewer, "got 12 (no such node in net.json)");
    free(copy);
    free(b.p);
    flows_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_flows_read_back),
        cmocka_unit_test(another_network_has_its_own_indices),
        cmocka_unit_test(positions_of_a_path),
        cmocka_unit_test(files_cut_anywhere_are_refused),
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(bad_hosts_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
