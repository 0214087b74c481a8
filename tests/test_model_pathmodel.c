/* The forward pass: against the published program's own numbers on all reference cases (../shared,
 * skipped where absent), and against what must hold whatever the weights: attention is causal,
 * batches and threads don't show, a residual head with a zero last layer is flowSim. */
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
#include "fluid/flowsim.h"
#include "fluid_case.h"
#include "model/ckpt_published.h"
#include "model/nn.h"
#include "model/pathmodel.h"
#include "traffic/sizebucket.h"

#define REF "../shared/ref/flowsim/"

static const char *const cases[] = {"01_h3_web_200",          "02_h5_web_500",
                                    "03_h7_web_1000",         "04_h3_hadoop_1000",
                                    "05_h5_hadoop_2000",      "07_h7_websearch_1000_notiny",
                                    "08_h5_fgonly_800_hpcc",  "10_h5_bgonly_noforeground",
                                    "11_h3_single_flow",      "12_h7_burst_500_equal_start",
                                    "14_h7_edge_sizes",       "15_h5_web_1000_starts_at_0",
                                    "16_h7_hadoop_1500_bw25", "17_h3_allsmall_1500_le900B",
                                    "18_h2_single_link",      "19_h7_incast_identical"};
enum { N_CASES = sizeof cases / sizeof *cases };

static FileView view_f32(const char *name, const char *which) {
    FileView v;
    Err err = {0};
    char *path = mem_printf(REF "cases/%s/%s.f32", name, which);
    if (file_view(&v, path, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(v.len % sizeof(float), 0);
    free(path);
    return v;
}

static void assert_close(const float *got, const FileView *want, const char *name,
                         const char *what) {
    const float *w = (const float *)(const void *)want->data;
    for (size_t i = 0; i < want->len / sizeof *w; i++)
        if (!(fabsf(got[i] - w[i]) <= 1e-4f * (1 + fabsf(w[i]))))
            fail_msg("%s: %s[%zu]: expected %g, got %g", name, what, i, (double)w[i],
                     (double)got[i]);
}

/* The reference's feature maps already hold the learned vector, or zeros in rows without flows. */
static void check_case(const Ckpt *c, const char *name, const char *size) {
    char which[32];
    snprintf(which, sizeof which, "%s_feat_map", size);
    FileView feat = view_f32(name, which);
    snprintf(which, sizeof which, "%s_concat", size);
    FileView concat = view_f32(name, which);
    snprintf(which, sizeof which, "%s_out", size);
    FileView out = view_f32(name, which);
    float *mlp_in = MEM_NEW(float, PATHFEAT_N + c->spec.dim), got[PATHFEAT_N_BASE];
    assert_int_equal(feat.len % (PATHFEAT_N * sizeof(float)), 0);
    assert_int_equal(concat.len, (PATHFEAT_N + c->spec.dim) * sizeof(float));
    assert_int_equal(out.len, sizeof got);
    pathmodel_forward_rows(c, (const float *)(const void *)feat.data,
                           (uint32_t)(feat.len / sizeof(float) / PATHFEAT_N), NULL, NULL, mlp_in,
                           got);
    assert_close(mlp_in, &concat, name, "MLP input");
    assert_close(got, &out, name, "slowdown");
    free(mlp_in);
    file_view_close(&feat);
    file_view_close(&concat);
    file_view_close(&out);
}

static Ckpt import_tiny(void) {
    Ckpt c;
    Err err = {0};
    if (ckpt_import(&c, REF "ckpts_tiny/tiny_llama.bin", REF "ckpts_tiny/tiny_mlp.bin", &err) != 0)
        fail_msg("%s", err.msg);
    return c;
}

static void test_reference_cases_tiny(void **state) {
    (void)state;
    if (!file_exists(REF "ckpts_tiny/tiny_llama.bin")) skip();
    Ckpt c = import_tiny();
    for (int i = 0; i < N_CASES; i++) check_case(&c, cases[i], "tiny");
    ckpt_free(&c);
}

/* From flows to slowdowns. Left out: what the published program gives other settings for than ours
 * (25 Gb/s, one link). */
static void check_chain(FluidCase *f, void *ctx) {
    const Ckpt *c = ctx;
    if (f->host_gbps != 10 || f->lot.n_links == 1) return;
    const char *name = strrchr(f->dir, '/') + 1;
    FileView concat = view_f32(name, "tiny_concat"), out = view_f32(name, "tiny_out");
    double *fct = ARENA_NEW(&f->arena, double, f->n);
    float *sldn = ARENA_NEW(&f->arena, float, f->n),
          *mlp_in = ARENA_NEW(&f->arena, float, PATHFEAT_N + c->spec.dim), got[PATHFEAT_N_BASE];
    NetConf conf = fluid_case_conf(f);
    PathFeat m;
    flowsim_run(&f->lot, f->flows, f->n, fct, NULL, &f->arena);
    lot_slowdowns(&f->lot, f->flows, f->n, fct, NULL, sldn);
    pathfeat_build(&m, &f->lot, f->flows, sldn, f->n, &conf, &f->arena);
    pathmodel_forward_one(c, &m, mlp_in, got);
    assert_close(mlp_in, &concat, name, "MLP input");
    assert_close(got, &out, name, "slowdown");
    file_view_close(&concat);
    file_view_close(&out);
}

static void test_whole_chain(void **state) {
    (void)state;
    if (!file_exists(REF "ckpts_tiny/tiny_llama.bin")) skip();
    Ckpt c = import_tiny();
    assert_int_equal(fluid_case_each(REF "cases", check_chain, &c), N_CASES);
    ckpt_free(&c);
}

/* The published size: weights made by the reference's own generator; also the largest import and
 * export. */
static void test_reference_cases_full(void **state) {
    (void)state;
    if (!file_exists(REF "genckpt.c")) skip();
    char dir[] = "/tmp/m3-full-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *cmd = mem_printf("cd %s && cc -O2 -o genckpt \"$OLDPWD/" REF
                           "genckpt.c\" -lm && ./genckpt l.bin m.bin >/dev/null",
                           dir);
    char *clean = mem_printf("rm -r %s", dir), *llama = file_join(dir, "l.bin"),
         *mlp = file_join(dir, "m.bin");
    assert_int_equal(system(cmd), 0);
    Ckpt c;
    Err err = {0};
    if (ckpt_import(&c, llama, mlp, &err) != 0) fail_msg("%s", err.msg);
    for (int i = 0; i < N_CASES; i += 4) check_case(&c, cases[i], "full");
    check_case(&c, cases[N_CASES - 1], "full");
    ckpt_free(&c);
    assert_int_equal(system(clean), 0);
    free(cmd);
    free(clean);
    free(llama);
    free(mlp);
}

static const ModelSpec residual = {.n_feat = PATHFEAT_N,
                                   .dim = 16,
                                   .hidden = 24,
                                   .n_layers = 2,
                                   .n_heads = 2,
                                   .mlp_in_extra = 404,
                                   .mlp_h1 = 12,
                                   .mlp_h2 = 12,
                                   .n_out = PATHFEAT_N_BASE,
                                   .head = HEAD_RESIDUAL,
                                   .log_inputs = true};

static Ckpt make_ckpt(const ModelSpec *s) {
    Ckpt c = {.spec = *s};
    ckpt_layout(s, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    ckpt_init_weights(s, 9, c.weights);
    return c;
}

/* Opens the zero-initialised last layer. */
static void disturb(Ckpt *c) {
    Rng rng = rng_stream(1, "disturb", 0);
    for (size_t i = 0; i < c->n_floats; i++) c->weights[i] += (float)(0.1 * rng_normal(&rng));
}

/* n paths of 1..7 rows in `a`. */
static const PathFeat **make_maps(size_t n, Arena *a) {
    PathFeat *m = ARENA_NEW(a, PathFeat, n);
    const PathFeat **maps = ARENA_NEW(a, const PathFeat *, n);
    Rng rng = rng_stream(2, "maps", 0);
    for (size_t i = 0; i < n; i++) {
        uint32_t rows = 1 + (uint32_t)(i % 7);
        m[i] = (PathFeat){.n_rows = rows};
        m[i].pct = ARENA_NEW(a, float, rows *PATHFEAT_N_PCT);
        m[i].present = ARENA_NEW(a, uint16_t, rows);
        m[i].count = ARENA_NEW(a, uint32_t, rows * SIZEBUCKET_N_FINE);
        for (uint32_t r = 0; r < rows; r++) m[i].present[r] = (uint16_t)rng_below(&rng, 1024);
        for (uint32_t k = 0; k < rows * PATHFEAT_N_PCT; k++)
            m[i].pct[k] = m[i].present[k / PATHFEAT_N_PCT] >> k % PATHFEAT_N_PCT / 100 & 1
                              ? (float)(1 + rng_exponential(&rng))
                              : 0;
        for (uint32_t k = 0; k < rows * SIZEBUCKET_N_FINE; k++)
            m[i].count[k] = m[i].present[k / SIZEBUCKET_N_FINE] >> k % SIZEBUCKET_N_FINE & 1;
        for (int k = 0; k < PATHFEAT_N_CONF; k++) m[i].conf[k] = (float)rng_uniform(&rng, 0, 30);
        for (int k = 0; k < PATHFEAT_N_BASE; k++)
            m[i].base[k] = (float)(1 + k % 100 * 0.01 + (k % 100 == 99));
        for (int b = 0; b < SIZEBUCKET_N; b++) m[i].base_count[b] = (uint32_t)rng_below(&rng, 1000);
        maps[i] = &m[i];
    }
    return maps;
}

static void test_zero_last_layer_is_flowsim(void **state) {
    (void)state;
    Arena a = {0};
    Ckpt c = make_ckpt(&residual);
    const PathFeat **maps = make_maps(9, &a);
    float *out = ARENA_NEW(&a, float, 9 * PATHFEAT_N_BASE);
    for (int raw = 0; raw < 2; raw++) {
        pathmodel_forward(&c, maps, 9, out, raw, 1);
        for (size_t i = 0; i < 9; i++)
            assert_memory_equal(out + i * PATHFEAT_N_BASE, maps[i]->base, sizeof maps[i]->base);
    }
    ckpt_free(&c);
    arena_free(&a);
}

static void test_threads_do_not_show(void **state) {
    (void)state;
    enum { N = 5 * PATHMODEL_GROUP + 3 };
    Arena a = {0};
    Ckpt c = make_ckpt(&residual);
    disturb(&c);
    const PathFeat **maps = make_maps(N, &a);
    size_t bytes = N * PATHFEAT_N_BASE * sizeof(float);
    float *one = arena_alloc(&a, bytes, 1), *many = arena_alloc(&a, bytes, 1),
          alone[PATHFEAT_N_BASE];
    float *mlp_in = ARENA_NEW(&a, float, PATHFEAT_N + 16 + 404);
    pathmodel_forward(&c, maps, N, one, true, 1);
    for (int threads = 2; threads <= 8; threads += 3) {
        memset(many, 0, bytes);
        pathmodel_forward(&c, maps, N, many, true, threads);
        assert_memory_equal(one, many, bytes);
    }
    for (size_t i = 0; i < N; i += 13) { /* and neighbours only in the last bits */
        pathmodel_forward_one(&c, maps[i], mlp_in, alone);
        for (size_t k = 0; k < PATHFEAT_N_BASE; k++)
            assert_true(fabsf(alone[k] - one[i * PATHFEAT_N_BASE + k]) <= 1e-4f * fabsf(alone[k]));
    }
    ckpt_free(&c);
    arena_free(&a);
}

static void test_result_is_a_distribution(void **state) {
    (void)state;
    Arena a = {0};
    Ckpt c = make_ckpt(&residual);
    disturb(&c);
    const PathFeat **maps = make_maps(40, &a);
    float *out = ARENA_NEW(&a, float, 40 * PATHFEAT_N_BASE),
          *raw = ARENA_NEW(&a, float, 40 * PATHFEAT_N_BASE);
    pathmodel_forward(&c, maps, 40, out, false, 2);
    pathmodel_forward(&c, maps, 40, raw, true, 2);
    size_t below = 0, falling = 0;
    for (size_t i = 0; i < 40 * PATHFEAT_N_BASE; i++) {
        assert_true(out[i] >= 1 && out[i] >= raw[i]);
        if (i % 100 > 0) assert_true(out[i] >= out[i - 1]);
        below += raw[i] < 1;
        falling += i % 100 > 0 && raw[i] < raw[i - 1];
    }
    assert_true(below > 0 && falling > 0); /* there was something to mend */
    ckpt_free(&c);
    arena_free(&a);
}

/* A group without one background row between them, and no path at all. */
static void test_paths_without_background(void **state) {
    (void)state;
    Arena a = {0};
    Ckpt c = make_ckpt(&residual);
    disturb(&c);
    const PathFeat **maps = make_maps(8, &a);
    const PathFeat *lonely[2] = {maps[0], maps[7]};
    float out[2 * PATHFEAT_N_BASE];
    assert_int_equal(lonely[0]->n_rows, 1);
    assert_int_equal(lonely[1]->n_rows, 1);
    pathmodel_forward(&c, lonely, 2, out, true, 1);
    for (size_t i = 0; i < 2 * PATHFEAT_N_BASE; i++) assert_true(isfinite(out[i]) && out[i] > 0);
    pathmodel_forward(&c, NULL, 0, out, true, 4);
    ckpt_free(&c);
    arena_free(&a);
}

/* Position i sees positions 0..i only, and equal keys average the values. */
static void test_attention(void **state) {
    (void)state;
    enum { N = 5, HEADS = 2, HEAD_DIM = 4, DIM = HEADS * HEAD_DIM };
    float qkv[N * 3 * DIM], out[N * DIM], changed[N * DIM], score[N];
    Rng rng = rng_stream(4, "attention", 0);
    for (int i = 0; i < N * 3 * DIM; i++) qkv[i] = (float)rng_normal(&rng);
    nn_attention(out, qkv, score, N, HEADS, HEAD_DIM, true);
    for (int k = 0; k < 3 * DIM; k++) qkv[3 * 3 * DIM + k] += 1;
    nn_attention(changed, qkv, score, N, HEADS, HEAD_DIM, true);
    assert_memory_equal(out, changed, 3 * DIM * sizeof *out);
    for (int i = 3; i < N; i++)
        assert_memory_not_equal(out + i * DIM, changed + i * DIM, DIM * sizeof *out);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < DIM; k++) qkv[i * 3 * DIM + DIM + k] = 0.5f;
    nn_attention(out, qkv, score, N, HEADS, HEAD_DIM, true);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < DIM; k++) {
            float mean = 0;
            for (int j = 0; j <= i; j++) mean += qkv[j * 3 * DIM + 2 * DIM + k] / (float)(i + 1);
            assert_true(fabsf(out[i * DIM + k] - mean) < 1e-5f);
        }
}

/* Rotation keeps lengths, and products of queries and keys depend on the distance of their
 * positions alone. */
static void test_rope(void **state) {
    (void)state;
    enum { N = 9, D = 8 };
    float table[N * D], q[N * D], k[N * D];
    nn_rope_table(table, N, D);
    Rng rng = rng_stream(6, "rope", 0);
    for (int i = 0; i < D; i++) q[i] = (float)rng_normal(&rng), k[i] = (float)rng_normal(&rng);
    for (int p = 1; p < N; p++)
        memcpy(q + p * D, q, D * sizeof *q), memcpy(k + p * D, k, D * sizeof *k);
    nn_rope(q, table, N, 1, D, D);
    nn_rope(k, table, N, 1, D, D);
    double first[N] = {0};
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) {
            double dot = 0;
            for (int d = 0; d < D; d++) dot += (double)q[i * D + d] * (double)k[j * D + d];
            if (j == 0) first[i] = dot;
            else assert_true(fabs(dot - first[i - j]) < 1e-5);
        }
    assert_true(fabs(first[1] - first[0]) > 1e-3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference_cases_tiny),
                                       cmocka_unit_test(test_reference_cases_full),
                                       cmocka_unit_test(test_whole_chain),
                                       cmocka_unit_test(test_zero_last_layer_is_flowsim),
                                       cmocka_unit_test(test_threads_do_not_show),
                                       cmocka_unit_test(test_result_is_a_distribution),
                                       cmocka_unit_test(test_paths_without_background),
                                       cmocka_unit_test(test_attention),
                                       cmocka_unit_test(test_rope)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
