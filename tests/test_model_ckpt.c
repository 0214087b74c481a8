/* Checkpoint files: what is written is read back, and nothing else is read. The published pair
 * comes from ../shared (skipped where that is absent); its damaged variants are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/ckpt.h"
#include "model/ckpt_published.h"
#include "model/flowfeat.h"
#include "scratch_folder.h"

#define TINY "../shared/ref/flowsim/ckpts_tiny/"

static const ModelSpec small = {.n_feat = 1019,
                                .dim = 2,
                                .hidden = 1,
                                .n_layers = 1,
                                .n_heads = 1,
                                .mlp_in_extra = 404,
                                .mlp_h1 = 1,
                                .mlp_h2 = 1,
                                .n_out = 400,
                                .head = HEAD_RESIDUAL,
                                .log_inputs = true};

static Ckpt make(const ModelSpec *s) {
    Ckpt c = {.spec = *s};
    ckpt_layout(s, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    ckpt_init_weights(s, 7, c.weights);
    return c;
}

static void write_bytes(const char *path, const void *data, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void assert_refused(const char *path, const char *expected) {
    Ckpt c;
    Err err = {0};
    assert_int_equal(ckpt_load(&c, path, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.msg, path));
    if (!strstr(err.msg, expected)) fail_msg("expected '%s' in '%s'", expected, err.msg);
    assert_null(strchr(err.msg, '\n'));
    assert_null(c.weights);
}

static void test_layout_is_contiguous(void **state) {
    (void)state;
    ModelSpec s;
    Err err = {0};
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, at = 0;
    assert_int_equal(modelspec_preset(&s, "paper", &err), 0);
    assert_int_equal(modelspec_check(&s, "paper", &err), 0);
    size_t n = ckpt_layout(&s, t, CKPT_MAX_TENSORS, &n_floats);
    assert_int_equal(n, CKPT_N_SHARED_TENSORS + 4 * CKPT_N_LAYER_TENSORS);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(t[i].offset, at);
        at += (size_t)t[i].rows * t[i].cols;
    }
    assert_int_equal(at, n_floats);
    assert_in_range(n_floats, 17500000, 18500000); /* "about 18 M" */
    assert_int_equal(modelspec_preset(&s, "compact", &err), 0);
    assert_int_equal(modelspec_check(&s, "compact", &err), 0);
    ckpt_layout(&s, NULL, 0, &n_floats);
    assert_in_range(n_floats, 200000, 600000);
    assert_int_equal(modelspec_preset(&s, "huge", &err), -1);
}

static void test_save_load(void **state) {
    (void)state;
    char *dir = scratch_folder("ckpt"), *path = file_join(dir, "small");
    Ckpt a = make(&small), b;
    Err err = {0};
    a.recipe = mem_strdup("{\"epochs\": 3, \"lr\": 0.0001, \"parts\": [{\"n\": 1}, {\"n\": 2}], "
                          "\"bits\": [1, 2.5], \"note\": \"a \\\"b\\\"\", \"x\": null}");
    assert_int_equal(ckpt_save(&a, path, CKPT_F32, &err), 0);
    assert_int_equal(ckpt_load(&b, path, &err), 0);
    assert_string_equal(b.name, "small");
    assert_memory_equal(&a.spec, &b.spec, sizeof a.spec);
    assert_int_equal(a.n_floats, b.n_floats);
    assert_memory_equal(a.weights, b.weights, a.n_floats * sizeof(float));
    assert_int_equal((uintptr_t)b.weights % 64, 0);
    assert_non_null(strstr(b.recipe, "\"lr\": 0.0001"));
    /* Saved again, the same bytes: the recipe survives, too. */
    char *again = file_join(dir, "again.m3"), hex_a[65], hex_b[65];
    Ckpt c;
    assert_int_equal(ckpt_save(&b, again, CKPT_F32, &err), 0);
    assert_int_equal(ckpt_load(&c, again, &err), 0);
    ckpt_sha256(&b, hex_a);
    ckpt_sha256(&c, hex_b);
    assert_string_equal(hex_a, hex_b);
    ckpt_free(&a);
    ckpt_free(&b);
    ckpt_free(&c);
    free(again);
    free(path);
    scratch_folder_remove(dir);
}

/* Largest error relative to the format's spacing: half a unit in the last place when rounding is to
 * nearest. */
static double round_trip_error(CkptDtype d, const float *x, size_t n, double ulp) {
    char *dir = scratch_folder("ckpt"), *path = file_join(dir, "m.m3");
    Ckpt a = make(&small), b;
    Err err = {0};
    double worst = 0;
    memcpy(a.weights, x, n * sizeof *x);
    if (ckpt_save(&a, path, d, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(ckpt_load(&b, path, &err), 0);
    assert_int_equal(b.dtype, d);
    for (size_t i = 0; i < n; i++) {
        int e;
        frexp((double)x[i], &e);
        if (d == CKPT_F16 && e < -13) e = -13; /* subnormals */
        double unit = ldexp(ulp, e - 1), diff = fabs((double)b.weights[i] - (double)x[i]);
        worst = fmax(worst, diff / unit);
    }
    ckpt_free(&a);
    ckpt_free(&b);
    free(path);
    scratch_folder_remove(dir);
    return worst;
}

static void test_half_precision_rounds_to_nearest(void **state) {
    (void)state;
    static const float x[] = {0,        -0.0f,    1,          -1,         0.1f,     3.14159f,
                              65504,    -65504,   6.1e-5f,    6e-5f,      1e-6f,    5.9e-8f,
                              2e-8f,    1.0005f,  2048.5f,    1e-10f,     0.33333f, 1000.3f,
                              0x1p-14f, 0x1p-24f, 0x1.004p0f, 0x1.00cp0f, -7.77f};
    size_t n = sizeof x / sizeof *x;
    assert_true(round_trip_error(CKPT_F16, x, n, 0x1p-10) <= 0.5);
    assert_true(round_trip_error(CKPT_BF16, x, n, 0x1p-7) <= 0.5);
    assert_true(round_trip_error(CKPT_F32, x, n, 0x1p-23) == 0);
}

static void test_weights_that_do_not_fit_are_refused(void **state) {
    (void)state;
    char *dir = scratch_folder("ckpt"), *path = file_join(dir, "m.m3");
    Ckpt a = make(&small);
    Err err = {0};
    a.weights[2038 + 1] = 65520; /* embed.bias[1]: rounds to infinity in f16 */
    assert_int_equal(ckpt_save(&a, path, CKPT_F16, &err), -1);
    assert_non_null(strstr(err.msg, "embed.bias[1]: expected a number that is finite in f16"));
    assert_int_equal(ckpt_save(&a, path, CKPT_BF16, &err), 0);
    a.weights[2038 + 1] = NAN;
    assert_int_equal(ckpt_save(&a, path, CKPT_F32, &err), -1);
    assert_non_null(strstr(err.msg, "embed.bias[1]"));
    ckpt_free(&a);
    free(path);
    scratch_folder_remove(dir);
}

static void test_every_cut_and_every_flipped_byte_is_refused(void **state) {
    (void)state;
    char *dir = scratch_folder("ckpt"), *path = file_join(dir, "m.m3");
    Ckpt a = make(&small);
    Err err = {0};
    FileView v;
    assert_int_equal(ckpt_save(&a, path, CKPT_BF16, &err), 0);
    assert_int_equal(file_view(&v, path, &err), 0);
    size_t len = v.len;
    char *bytes = mem_alloc(len + 1, 1);
    memcpy(bytes, v.data, len);
    bytes[len] = 0;
    file_view_close(&v);
    /* All of the header, and then every 7th place, which meets all residues of 8. */
    for (size_t cut = 0; cut < len; cut += cut < 700 ? 1 : 7) {
        write_bytes(path, bytes, cut);
        assert_refused(path, "");
    }
    write_bytes(path, bytes, len + 1);
    assert_refused(path, "length");
    for (size_t i = 0; i < len; i += i < 700 || i + 9 > len ? 1 : 7) {
        bytes[i] ^= (char)(1 << i % 8);
        write_bytes(path, bytes, len);
        assert_refused(path, i < 8               ? "not an m3 checkpoint"
                             : i < 12            ? "version"
                             : i >= 16 && i < 24 ? "length"
                                                 : "checksum");
        bytes[i] ^= (char)(1 << i % 8);
    }
    assert_refused("/nonexistent/model.m3", "cannot open");
    free(bytes);
    ckpt_free(&a);
    free(path);
    scratch_folder_remove(dir);
}

/* Saves `a` with one text of its header changed for another of the same length, under a checksum
 * that holds. */
static void save_lying(const Ckpt *a, const char *path, const char *from, const char *to) {
    FileView v;
    Err err = {0};
    assert_int_equal(ckpt_save(a, path, CKPT_BF16, &err), 0);
    assert_int_equal(file_view(&v, path, &err), 0);
    size_t len = v.len;
    char *bytes = mem_alloc(len, 1), *at;
    memcpy(bytes, v.data, len);
    file_view_close(&v);
    at = memmem(bytes, len, from, strlen(from));
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    uint64_t sum = file_checksum(bytes, len - 8);
    memcpy(bytes + len - 8, &sum, 8);
    write_bytes(path, bytes, len);
    free(bytes);
}

static void test_lying_headers_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *expected;
    } lies[] = {{"\"dim\": 2", "\"dim\": 4", "length"},
                {"\"dim\": 2", "\"dim\": 0", "dim: must be in"},
                {"\"n_heads\": 1", "\"n_heads\": 2", "n_heads"},
                {"\"n_layers\": 1", "\"n_layers\": 9", "length"},
                {"\"n_out\": 400", "\"n_out\": 401", "n_out: must be 400"},
                {"\"hidden\": 1", "\"hidden\": -", "model.m3"},
                {"residual", "residuum", ".spec.head: unknown value"},
                {"bf16", "f32 ", ".dtype: unknown value"},
                {"\"recipe\"", "\"recipi\"", "missing key \"recipe\""}};
    char *dir = scratch_folder("ckpt"), *path = file_join(dir, "model.m3");
    Ckpt a = make(&small);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        save_lying(&a, path, lies[i].from, lies[i].to);
        assert_refused(path, lies[i].expected);
    }
    ckpt_free(&a);
    free(path);
    scratch_folder_remove(dir);
}

/* As many features, but others: the weights would load and be wrong. */
static void test_a_flow_model_of_other_features_is_refused(void **state) {
    (void)state;
    const ModelSpec spec = {.n_feat = FLOWFEAT_N_LINK + FLOWFEAT_N_PATH,
                            .n_path = FLOWFEAT_N_PATH,
                            .dim = 2,
                            .hidden = 1,
                            .n_layers = 1,
                            .n_heads = 1,
                            .mlp_in_extra = FLOWFEAT_N_FLOW + FLOWFEAT_N_PATH,
                            .mlp_h1 = 1,
                            .mlp_h2 = 1,
                            .n_out = CKPT_N_QUANTILES,
                            .head = HEAD_FLOW};
    char *dir = scratch_folder("ckpt"), *path = file_join(dir, "model.m3"),
         features[FLOWFEAT_FINGERPRINT], others[FLOWFEAT_FINGERPRINT];
    Ckpt a = make(&spec), b;
    Err err = {0};
    assert_int_equal(ckpt_save(&a, path, CKPT_BF16, &err), 0);
    if (ckpt_load(&b, path, &err) != 0) fail_msg("%s", err.msg);
    ckpt_free(&b);
    flowfeat_fingerprint(features);
    memcpy(others, features, sizeof features);
    others[3] = features[3] == '7' ? '8' : '7';
    save_lying(&a, path, features, others);
    assert_refused(path, ".spec.features: trained on other features");
    save_lying(&a, path, "\"features\"", "\"featured\"");
    assert_refused(path, "missing key \"features\"");
    ckpt_free(&a);
    free(path);
    scratch_folder_remove(dir);
}

static void assert_same_file(const char *a, const char *b) {
    FileView va, vb;
    Err err = {0};
    assert_int_equal(file_view(&va, a, &err), 0);
    assert_int_equal(file_view(&vb, b, &err), 0);
    assert_int_equal(va.len, vb.len);
    assert_memory_equal(va.data, vb.data, va.len);
    file_view_close(&va);
    file_view_close(&vb);
}

static void test_export_after_import_is_identity(void **state) {
    (void)state;
    if (!file_exists(TINY "tiny_llama.bin")) skip();
    char *dir = scratch_folder("ckpt"), *m3 = file_join(dir, "tiny.m3"),
         *llama = file_join(dir, "l.bin"), *mlp = file_join(dir, "m.bin");
    Ckpt a, b;
    Err err = {0};
    if (ckpt_import(&a, TINY "tiny_llama.bin", TINY "tiny_mlp.bin", &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(ckpt_save(&a, m3, CKPT_F32, &err), 0);
    assert_int_equal(ckpt_load(&b, m3, &err), 0);
    assert_int_equal(ckpt_export(&b, llama, mlp, &err), 0);
    assert_same_file(llama, TINY "tiny_llama.bin");
    assert_same_file(mlp, TINY "tiny_mlp.bin");
    ckpt_free(&a);
    ckpt_free(&b);
    free(m3);
    free(llama);
    free(mlp);
    scratch_folder_remove(dir);
}

/* A pair of our own making, so that what follows needs no reference data: dim 2, one head, 16
 * positions. */
typedef struct {
    char *dir, *llama, *mlp, *bytes[2];
    size_t len[2];
} Pair;

static void pair_write(const Pair *p) {
    write_bytes(p->llama, p->bytes[0], p->len[0]);
    write_bytes(p->mlp, p->bytes[1], p->len[1]);
}

static Pair pair_make(void) {
    ModelSpec s = small;
    s.head = HEAD_ABSOLUTE;
    s.mlp_in_extra = 0;
    s.log_inputs = false;
    s.zero_rows = true;
    Ckpt c = make(&s);
    Pair p = {.dir = scratch_folder("ckpt")};
    Err err = {0};
    p.llama = file_join(p.dir, "llama.bin");
    p.mlp = file_join(p.dir, "mlp.bin");
    if (ckpt_export(&c, p.llama, p.mlp, &err) != 0) fail_msg("%s", err.msg);
    for (int i = 0; i < 2; i++) {
        FileView v;
        assert_int_equal(file_view(&v, i ? p.mlp : p.llama, &err), 0);
        p.bytes[i] = mem_alloc(v.len + 4, 1);
        memcpy(p.bytes[i], v.data, p.len[i] = v.len);
        file_view_close(&v);
    }
    ckpt_free(&c);
    return p;
}

static void pair_free(Pair *p) {
    free(p->bytes[0]);
    free(p->bytes[1]);
    free(p->llama);
    free(p->mlp);
    scratch_folder_remove(p->dir);
}

static void assert_pair_refused(const Pair *p, const char *expected) {
    Ckpt c;
    Err err = {0};
    pair_write(p);
    assert_int_equal(ckpt_import(&c, p->llama, p->mlp, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    if (!strstr(err.msg, expected)) fail_msg("expected '%s' in '%s'", expected, err.msg);
    assert_null(c.weights);
}

static void test_hostile_dimensions_are_refused(void **state) {
    (void)state;
    static const int32_t hostile[] = {-1, 0, INT32_MIN, INT32_MAX, 1 << 30, 3, 65537};
    Pair p = pair_make();
    Ckpt c;
    Err err = {0};
    assert_int_equal(ckpt_import(&c, p.llama, p.mlp, &err), 0);
    ckpt_free(&c);
    for (int file = 0; file < 2; file++)
        for (size_t field = 0; field < (file ? 5 : 7); field++)
            for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
                int32_t old;
                memcpy(&old, p.bytes[file] + 4 * field, 4);
                memcpy(p.bytes[file] + 4 * field, &hostile[i], 4);
                assert_pair_refused(&p, file ? "mlp.bin: " : "llama.bin: ");
                memcpy(p.bytes[file] + 4 * field, &old, 4);
            }
    pair_free(&p);
}

static void test_wrong_lengths_and_numbers_of_the_pair_are_refused(void **state) {
    (void)state;
    Pair p = pair_make();
    const float nan_value = NAN, off = 0.5f;
    for (int file = 0; file < 2; file++) {
        size_t len = p.len[file];
        for (size_t cut = 0; cut < len; cut += cut < 64 ? 1 : 509) {
            p.len[file] = cut;
            assert_pair_refused(&p, file ? "mlp.bin: length: " : "llama.bin: length: ");
        }
        p.len[file] = len + 1;
        assert_pair_refused(&p, file ? "mlp.bin: length: " : "llama.bin: length: ");
        p.len[file] = len;
    }
    memcpy(p.bytes[1] + p.len[1] - 4, &nan_value, 4);
    assert_pair_refused(&p, "empty[99]");
    memcpy(p.bytes[0] + p.len[0] - 4 * (4 + 32), &off,
           4); /* cos at position 0, before the output matrix of 4 */
    assert_pair_refused(&p, "rotary tables[0]: base 10000 has 1 there, got 0.5");
    pair_free(&p);
}

/* Tables computed by another libm: the recipe keeps their bits. */
static void test_foreign_table_bits_survive(void **state) {
    (void)state;
    Pair p = pair_make();
    Ckpt c;
    Err err = {0};
    char *original = file_join(p.dir, "original.bin");
    for (size_t i = 0; i < 32; i += 3) p.bytes[0][p.len[0] - 4 * (4 + 32) + 4 * i] ^= 1;
    pair_write(&p);
    write_bytes(original, p.bytes[0], p.len[0]);
    if (ckpt_import(&c, p.llama, p.mlp, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(ckpt_export(&c, p.llama, p.mlp, &err), 0);
    assert_same_file(p.llama, original);
    ckpt_free(&c);
    free(original);
    pair_free(&p);
}

static void test_export_needs_the_published_head(void **state) {
    (void)state;
    Ckpt a = make(&small);
    Err err = {0};
    assert_int_equal(ckpt_export(&a, "/nonexistent/a", "/nonexistent/b", &err), -1);
    assert_non_null(strstr(err.msg, "residual"));
    ckpt_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_is_contiguous),
        cmocka_unit_test(test_save_load),
        cmocka_unit_test(test_half_precision_rounds_to_nearest),
        cmocka_unit_test(test_weights_that_do_not_fit_are_refused),
        cmocka_unit_test(test_every_cut_and_every_flipped_byte_is_refused),
        cmocka_unit_test(test_lying_headers_are_refused),
        cmocka_unit_test(test_a_flow_model_of_other_features_is_refused),
        cmocka_unit_test(test_export_after_import_is_identity),
        cmocka_unit_test(test_hostile_dimensions_are_refused),
        cmocka_unit_test(test_wrong_lengths_and_numbers_of_the_pair_are_refused),
        cmocka_unit_test(test_foreign_table_bits_survive),
        cmocka_unit_test(test_export_needs_the_published_head)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
