/* feature: against plain sorting on random flows, then against the published program's feature
 * maps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "fluid/flowsim.h"
#include "fluid_case.h"
#include "model/pathfeat.h"
#include "traffic/sizebucket.h"

static const char *const shared = "../shared/ref/flowsim";

/* The values of one (row, bucket), ascending; row 0 with `out` set: by output bucket. */
static size_t collect(const Lot *lot, const LotFlow *f, const float *sldn, size_t n, uint32_t row,
                      int bucket, bool out, float *values) {
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        bool foreground = f[i].s == 0 && f[i].d == lot->n_links;
        bool in_row = row == 0 ? foreground : !foreground && f[i].s < row && row <= f[i].d;
        int b = out ? sizebucket_of(f[i].size_b) : sizebucket_fine_of(f[i].size_b);
        if (in_row && b == bucket) values[k++] = sldn[i];
    }
    stats_sort_f32(values, k);
    return k;
}

static void check_cell(const float *got, uint32_t count, const float *values, size_t n) {
    float expected[STATS_N_PCT];
    assert_int_equal(count, n);
    if (n == 0) return;
    stats_percentiles_f32(values, n, expected);
    assert_memory_equal(got, expected, sizeof expected);
}

static void check_map(const PathFeat *m, const Lot *lot, const LotFlow *f, const float *sldn,
                      size_t n, Arena *a) {
    float *values = ARENA_NEW(a, float, n);
    assert_int_equal(m->n_rows, lot->n_links + 1);
    for (uint32_t row = 0; row < m->n_rows; row++)
        for (int b = 0; b < SIZEBUCKET_N_FINE; b++) {
            uint32_t count = m->count[row * SIZEBUCKET_N_FINE + (uint32_t)b];
            size_t k = collect(lot, f, sldn, n, row, b, false, values);
            check_cell(m->pct + (row * SIZEBUCKET_N_FINE + (uint32_t)b) * STATS_N_PCT, count,
                       values, k);
            assert_int_equal(m->present[row] >> b & 1, count > 0);
        }
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        size_t k = collect(lot, f, sldn, n, 0, b, true, values);
        check_cell(m->base + b * STATS_N_PCT, m->base_count[b], values, k);
        if (k == 0)
            assert_true(m->base[b * STATS_N_PCT] == 1 && m->base[b * STATS_N_PCT + 99] == 1);
    }
}

/* Slowdowns: many ones, ties, narrow clusters, long tails. */
static float random_slowdown(Rng *r, uint64_t kind) {
    switch (kind % 4) {
    case 0: return rng_below(r, 2) ? 1 : (float)exp(rng_exponential(r));
    case 1: return 1 + (float)rng_below(r, 4) / 4;
    case 2: return rng_below(r, 100) ? 2 + (float)rng_u01(r) * 1e-5f : 1e6f;
    default: return (float)exp(rng_uniform(r, 0, 40));
    }
}

static void equals_plain_sorting(void **state) {
    (void)state;
    Arena a = {0};
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 15e3;
    for (uint64_t seed = 0; seed < 60; seed++) {
        Rng r = rng_stream(seed, "feature", 0);
        uint32_t n_links = 1 + (uint32_t)rng_below(&r, seed % 10 == 0 ? 20 : 6);
        size_t n = seed % 15 == 0 ? 60000 : rng_below(&r, 3000);
        Lot lot;
        lot_published(&lot, n_links, 10e9, &a);
        LotFlow *f = ARENA_NEW(&a, LotFlow, n);
        float *sldn = ARENA_NEW(&a, float, n);
        for (size_t i = 0; i < n; i++) {
            uint32_t s = (uint32_t)rng_below(&r, n_links);
            f[i] = (LotFlow){.size_b = (uint64_t)exp(rng_uniform(&r, 0, 14)),
                             .s = (uint16_t)s,
                             .d = (uint16_t)(s + 1 + rng_below(&r, n_links - s))};
            if (rng_below(&r, 10) == 0) f[i].size_b = 250 * rng_below(&r, 202);
            sldn[i] = random_slowdown(&r, seed);
        }
        PathFeat m;
        pathfeat_build(&m, &lot, f, sldn, n, &conf, &a);
        check_map(&m, &lot, f, sldn, n, &a);
        arena_reset(&a);
    }
    arena_free(&a);
}

static void conf_values_have_their_units(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot;
    NetConf conf;
    float v[PATHFEAT_N_CONF];
    netconf_default(&conf);
    conf.line_window_b = 15e3;
    conf.cc = CC_TIMELY;
    conf.buffer_b = 307200;
    conf.timely_tlow_ns = 50000;
    conf.timely_thigh_ns = 120000;
    conf.pfc = false;
    lot_published(&lot, 4, 10e9, &a);
    pathfeat_conf(&lot, &conf, v);
    const float timely[PATHFEAT_N_CONF] = {0, 1, 0, 10, 30, 15, 0, 1,  0,  0,
                                           0, 1, 0, 0,  0,  0,  0, 50, 120};
    assert_memory_equal(v, timely, sizeof timely);
    conf.cc = CC_HPCC;
    conf.hpcc_eta = 0.85;
    conf.hpcc_ai_bps = 700e6;
    conf.pfc = true;
    pathfeat_conf(&lot, &conf, v);
    const float hpcc[PATHFEAT_N_CONF] = {0, 1, 0, 10, 30, 15, 1,  0, 0, 0,
                                         1, 0, 0, 0,  0,  85, 70, 0, 0};
    assert_memory_equal(v, hpcc, sizeof hpcc);
    for (uint32_t n_links = 1; n_links < 20;
         n_links++) { /* exactly one shape is named, the nearest */
        lot_published(&lot, n_links, 10e9, &a);
        pathfeat_conf(&lot, &conf, v);
        assert_true(v[0] + v[1] + v[2] == 1 &&
                    v[n_links <= 2   ? 0
                      : n_links <= 4 ? 1
                                     : 2] == 1 &&
                    v[3] == 2.5f * (float)n_links);
    }
    arena_free(&a);
}

static void empty_buckets_take_the_given_vector(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot;
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 15e3;
    lot_published(&lot, 2, 10e9, &a);
    LotFlow f = {.size_b = 600, .s = 0, .d = 1};
    float sldn = 3, empty[STATS_N_PCT], row[PATHFEAT_N];
    for (int i = 0; i < STATS_N_PCT; i++) empty[i] = (float)-i;
    PathFeat m;
    pathfeat_build(&m, &lot, &f, &sldn, 1, &conf, &a);
    pathfeat_row(&m, 1, empty, true, row);
    assert_true(row[200] == 3 && row[299] == 3 && row[150] == -50 && row[999] == -99 &&
                row[PATHFEAT_N_PCT] == 1);
    pathfeat_row(&m, 2, empty, true, row);
    assert_true(row[0] == 0 && row[999] == 0 && row[PATHFEAT_N_PCT] == 1);
    pathfeat_row(&m, 2, empty, false, row);
    assert_true(row[1] == -1 && row[999] == -99);
    pathfeat_row(&m, 1, NULL, false, row);
    assert_true(row[200] == 3 && row[150] == 0);
    arena_free(&a);
}

/* ---- the published program's feature maps ---- */

/* Floats that end the file dir/name. */
static float *read_floats(const char *dir, const char *name, size_t n, Arena *a) {
    char *path = file_join(dir, name);
    FileView v;
    Err err;
    if (file_view(&v, path, &err) != 0) diag_die("%s", err.msg);
    assert_true(v.len >= n * sizeof(float));
    float *x =
        memcpy(ARENA_NEW(a, float, n), v.data + v.len - n * sizeof(float), n * sizeof(float));
    file_view_close(&v);
    free(path);
    return x;
}

/* Slowdowns may round to the neighbouring float where the FCTs differ by 1e-10. The published map
 * has constants for the bandwidth-delay product, right for 10 Gb/s only, and neither a shape nor a
 * product for one link. */
static void check_case(FluidCase *c, void *ctx) {
    const float *empty = ctx;
    uint32_t n_links = c->lot.n_links;
    const float *expected =
        read_floats(c->dir, "tiny_feat_map.f32", (size_t)(n_links + 1) * PATHFEAT_N, &c->arena);
    double *fct = ARENA_NEW(&c->arena, double, c->n);
    float *sldn = ARENA_NEW(&c->arena, float, c->n), row[PATHFEAT_N];
    NetConf conf = fluid_case_conf(c);
    PathFeat m;
    flowsim_run(&c->lot, c->flows, c->n, fct, NULL, &c->arena);
    lot_slowdowns(&c->lot, c->flows, c->n, fct, NULL, sldn);
    pathfeat_build(&m, &c->lot, c->flows, sldn, c->n, &conf, &c->arena);
    for (uint32_t r = 0; r <= n_links; r++, expected += PATHFEAT_N) {
        pathfeat_row(&m, r, empty, true, row);
        if (n_links == 1) row[0 + PATHFEAT_N_PCT] = row[3 + PATHFEAT_N_PCT] = 0;
        row[3 + PATHFEAT_N_PCT] *= (float)(10 / c->host_gbps);
        for (int i = 0; i < PATHFEAT_N; i++)
            if (fabsf(row[i] - expected[i]) > 1.2e-7f * fabsf(expected[i]))
                fail_msg("%s: row %u, column %d: %.9g, not %.9g", c->dir, r, i, (double)row[i],
                         (double)expected[i]);
    }
}

static void agrees_with_golden(void **state) {
    (void)state;
    Arena a = {0};
    float *empty = read_floats("tests/golden/fluid", "tiny_empty.f32", STATS_N_PCT, &a);
    assert_int_equal(fluid_case_each("tests/golden/fluid", check_case, empty), 4);
    arena_free(&a);
}

static void agrees_with_reference(void **state) {
    (void)state;
    if (!file_is_dir(shared)) skip();
    Arena a = {0};
    char *ckpt = file_join(shared, "ckpts_tiny"), *cases = file_join(shared, "cases"),
         *large = file_join(shared, "large");
    float *empty = read_floats(ckpt, "tiny_mlp.bin", STATS_N_PCT, &a);
    assert_int_equal(fluid_case_each(cases, check_case, empty), 16);
    assert_int_equal(fluid_case_each(large, check_case, empty), 5);
    free(ckpt);
    free(cases);
    free(large);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_plain_sorting),
        cmocka_unit_test(conf_values_have_their_units),
        cmocka_unit_test(empty_buckets_take_the_given_vector),
        cmocka_unit_test(agrees_with_golden),
        cmocka_unit_test(agrees_with_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
