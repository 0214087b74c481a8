/* Tests of app/train and app/evaluate on a made-up data set: formulas by hand, a fresh residual
 * model is flowSim itself, and, where the training plug-in is built, that training learns, repeats
 * itself, and resumes exactly. Without it those are skipped. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/rng.h"
#include "evaluate/evaluate_paths.h"
#include "scratch_folder.h"
#include "traffic/sizebucket.h"
#include "train_case.h"

/* ---- a made-up data set: truth is 1.5 times flowSim, where there is truth ---- */

enum { N = 24, ROWS = 3 };

static void write_array(const char *dir, int k, size_t rows, const void *data) {
    const PathDataArray *a = &pathdata_arrays[k];
    char *path = mem_printf("%s/%s.npy", dir, a->name);
    NpyOut out;
    Err err = {0};
    assert_int_equal(npy_out_open(&out, path, a->type, rows, a->n_cols, &err), 0);
    npy_out_append(&out, data, rows * a->n_cols * npy_type_size(a->type));
    assert_int_equal(npy_out_commit(&out, &err), 0);
    free(path);
}

static void write_manifest(const char *dir) {
    char *path = file_join(dir, "manifest.json");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fprintf(f, "{\"schema\": \"m3.dataset/1\", \"n_samples\": %d, \"n_rows\": %d, \"samples\": [",
            N, N * ROWS);
    for (int i = 0; i < N; i++) fprintf(f, "%s[\"p%d\"]", i ? ", " : "", i);
    fprintf(f, "]}\n");
    assert_int_equal(fclose(f), 0);
    free(path);
}

static void write_dataset(const char *dir) {
    float *pct = MEM_ZNEW(float, N *ROWS *PATHFEAT_N_PCT),
          *conf = MEM_ZNEW(float, N *PATHFEAT_N_CONF);
    float *base = MEM_NEW(float, N *PATHFEAT_N_BASE), *truth = MEM_NEW(float, N *PATHFEAT_N_BASE);
    uint16_t present[N * ROWS];
    uint32_t row_start[N + 1], count[N * SIZEBUCKET_N];
    Rng r = rng_stream(3, "test", 0);
    for (size_t i = 0; i < N * ROWS; i++) {
        present[i] = (uint16_t)rng_below(&r, 1024);
        for (size_t c = 0; c < PATHFEAT_N_PCT; c++)
            pct[i * PATHFEAT_N_PCT + c] = present[i] >> c / 100 & 1 ? (float)exp(rng_u01(&r)) : 0;
    }
    for (size_t i = 0; i < N; i++) {
        row_start[i] = (uint32_t)(i * ROWS);
        conf[i * PATHFEAT_N_CONF + 8 + i % 3] = 1;
        for (size_t b = 0; b < SIZEBUCKET_N; b++)
            count[i * SIZEBUCKET_N + b] = (i + b) % 5 == 0 ? 0 : 10;
        for (size_t c = 0; c < PATHFEAT_N_BASE; c++) {
            base[i * PATHFEAT_N_BASE + c] =
                count[i * SIZEBUCKET_N + c / 100] ? 1 + (float)(c % 100) / 50 : 1;
            truth[i * PATHFEAT_N_BASE + c] =
                base[i * PATHFEAT_N_BASE + c] * (count[i * SIZEBUCKET_N + c / 100] ? 1.5f : 1);
        }
    }
    row_start[N] = N * ROWS;
    const void *data[PATHDATA_N_ARRAYS] = {pct,  present, row_start, conf,
                                           base, count,   truth,     count};
    for (int k = 0; k < PATHDATA_N_ARRAYS; k++) {
        size_t rows = pathdata_arrays[k].rows == PER_ROW
                          ? N * ROWS
                          : N + (pathdata_arrays[k].rows == PER_SAMPLE_AND_END);
        write_array(dir, k, rows, data[k]);
    }
    write_manifest(dir);
    free(pct);
    free(conf);
    free(base);
    free(truth);
}

static int setup(void **state) {
    char *dir = scratch_folder("train");
    write_dataset(dir);
    *state = dir;
    return 0;
}

static int teardown(void **state) { return scratch_folder_remove(*state); }

static void load(PathData *d, const char *dir) {
    Err err = {0};
    if (pathdata_load(d, dir, &err) != 0) fail_msg("%s", err.msg);
}

/* ---- evaluation ---- */

static void test_errors_by_hand(void **state) {
    (void)state;
    EvaluateError e = {0};
    assert_true(isnan(evaluate_error_mean_abs(&e)));
    evaluate_error_add(&e, 3, 2);   /* +0.5 */
    evaluate_error_add(&e, 3, 4);   /* −0.25 */
    evaluate_error_add(&e, 10, 10); /* 0 */
    assert_float_equal(evaluate_error_mean_abs(&e), 0.25, 1e-15);
    assert_float_equal(evaluate_error_mean_signed(&e), 0.25 / 3, 1e-15);
}

static void test_table_by_hand(void **state) {
    (void)state;
    float estimate[PATHFEAT_N_BASE], truth[PATHFEAT_N_BASE];
    uint32_t count[SIZEBUCKET_N] = {1, 0, 0, 7};
    for (int i = 0; i < PATHFEAT_N_BASE; i++) estimate[i] = truth[i] = 2;
    estimate[98] = 3;        /* p99 of the first bucket */
    estimate[100] = 1000;    /* in a bucket without truth */
    estimate[300 + 49] = 1;  /* p50 of the last */
    estimate[300 + 10] = 12; /* p11: only in the loss */
    EvaluateTable t = {0};
    evaluate_paths_add(&t, estimate, truth, count);
    assert_float_equal(evaluate_error_mean_abs(&t.cell[1][RESULT_P99]), 0.5, 1e-15);
    assert_float_equal(evaluate_error_mean_signed(&t.cell[4][RESULT_P50]), -0.5, 1e-15);
    assert_int_equal(t.cell[2][RESULT_P50].n, 0);
    assert_int_equal(t.cell[RESULT_ALL][RESULT_P99].n, 2);
    assert_float_equal(evaluate_error_mean_abs(&t.cell[RESULT_ALL][RESULT_P99]), 0.25, 1e-15);
    assert_int_equal(t.loss.n, 200);
    assert_float_equal(evaluate_error_mean_abs(&t.loss), (0.5 + 0.5 + 5) / 200, 1e-15);
}

static void test_summary_by_hand(void **state) {
    (void)state;
    const double errors[] = {0.1, -0.5, 0.2, -0.2};
    EvaluateSummary s = evaluate_error_summary(errors, 4);
    assert_int_equal(s.n, 4);
    assert_float_equal(s.mean_abs, 0.25, 1e-15);
    assert_float_equal(s.mean_signed, -0.1, 1e-15);
    assert_float_equal(s.median_abs, 0.2,
                       1e-15); /* rank floor(3·0.5 + 0.5) = 2 of 0.1 0.2 0.2 0.5 */
    assert_float_equal(s.p90_abs, 0.5, 1e-15);
    assert_float_equal(s.max_abs, 0.5, 1e-15);
    assert_true(isnan(evaluate_error_summary(errors, 0).mean_abs));
}

static void fresh_compact(Ckpt *c) {
    *c = (Ckpt){0};
    assert_int_equal(modelspec_preset(&c->spec, "compact", NULL), 0);
    ckpt_layout(&c->spec, NULL, 0, &c->n_floats);
    c->weights = MEM_NEW(float, c->n_floats);
    ckpt_init_weights(&c->spec, 1, c->weights);
}

static void test_fresh_residual_model_is_flowsim(void **state) {
    PathData d;
    Ckpt c;
    EvaluatePaths e;
    uint32_t index[N];
    load(&d, *state);
    fresh_compact(&c);
    for (uint32_t i = 0; i < N; i++) index[i] = i;
    evaluate_paths(&d, index, N, &c, 2, &e);
    const EvaluateControl *all = &e.control[0];
    assert_int_equal(all->n_samples, N);
    assert_int_equal(e.control[1].n_samples, N / 3); /* dctcp */
    assert_int_equal(e.control[1 + CC_TIMELY].n_samples, 0);
    assert_float_equal(evaluate_error_mean_signed(&all->flowsim.loss), -1.0f / 3, 1e-6);
    for (int k = 0; k < EVALUATE_N_SHOWN; k++)
        assert_float_equal(evaluate_error_mean_abs(&all->m3.cell[RESULT_ALL][k]),
                           evaluate_error_mean_abs(&all->flowsim.cell[RESULT_ALL][k]), 1e-5);
    free(c.weights);
    pathdata_free(&d);
}

/* ---- training, without the plug-in ---- */

static void test_rate(void **state) {
    (void)state;
    TrainOptions o;
    train_defaults(&o);
    o.lr = 0.5;
    o.warmup = 0.1;
    assert_float_equal(train_rate(&o, 0, 1000), 0.5 / 100, 1e-12);
    assert_float_equal(train_rate(&o, 49, 1000), 0.25, 1e-12);
    assert_float_equal(train_rate(&o, 99, 1000), 0.5, 1e-12);
    assert_float_equal(train_rate(&o, 100, 1000), 0.5, 1e-12);
    assert_float_equal(train_rate(&o, 550, 1000), 0.25, 1e-12);
    assert_true(train_rate(&o, 999, 1000) > 0 && train_rate(&o, 999, 1000) < 1e-5);
    o.warmup = 0;
    assert_float_equal(train_rate(&o, 0, 1), 0.5, 1e-12);
}

static void test_gather(void **state) {
    PathData d;
    TrainBatch b = {0};
    const uint32_t index[] = {7, 2, 7};
    load(&d, *state);
    trainbatch_gather(&b, &d, index, 1);
    trainbatch_gather(&b, &d, index, 3); /* grows */
    assert_int_equal(b.view.n, 3);
    for (size_t k = 0; k < 3; k++) {
        size_t i = index[k];
        assert_int_equal(b.view.row_start[k + 1], ROWS * (k + 1));
        assert_memory_equal(b.view.pct + k * ROWS * PATHFEAT_N_PCT,
                            d.pct + i * ROWS * PATHFEAT_N_PCT, ROWS * PATHFEAT_N_PCT * 4);
        assert_memory_equal(b.view.truth + k * PATHFEAT_N_BASE, d.truth + i * PATHFEAT_N_BASE,
                            PATHFEAT_N_BASE * 4);
        for (size_t j = 0; j < SIZEBUCKET_N; j++) {
            assert_float_equal(b.view.base_count[k * 4 + j], log1p(d.base_count[i * 4 + j]), 1e-6);
            assert_int_equal(b.view.truth_present[k * 4 + j], d.truth_count[i * 4 + j] > 0);
        }
    }
    trainbatch_free(&b);
    pathdata_free(&d);
}

/* ---- training, with it ---- */

static void options(TrainOptions *o, const char *dir, const char *out) {
    train_defaults(o);
    assert_int_equal(modelspec_preset(&o->spec, "compact", NULL), 0);
    o->spec.dim = 8;
    o->spec.hidden = 8;
    o->spec.n_layers = 1;
    o->spec.n_heads = 2;
    o->spec.mlp_h1 = o->spec.mlp_h2 = 16;
    o->dataset = dir;
    o->out = out;
    o->epochs = 12;
    o->batch = 5;
    o->lr = 0.01;
    o->threads = 1;
    o->device = "cpu";
    o->dtype = CKPT_F32;
}

static void test_learns_repeats_resumes(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *a = mem_printf("%s/a", (char *)*state), *b = mem_printf("%s/b", (char *)*state),
         *c = mem_printf("%s/c", (char *)*state);
    TrainOptions o;
    TrainResult r, again;
    Err err = {0};
    options(&o, *state, b);
    train_case_interrupted(&o);
    o.resume = true;
    if (train_case_run(&o, &r, &err) != 0) fail_msg("%s", err.msg);
    options(&o, *state, a);
    if (train_case_run(&o, &again, &err) != 0) fail_msg("%s", err.msg);
    assert_float_equal(again.flowsim_loss, 1.0f / 3, 1e-6);
    assert_true(again.held_out_loss < 0.5 * again.flowsim_loss);
    assert_true(again.train_loss < 0.5 * again.flowsim_loss);
    assert_true(r.held_out_loss == again.held_out_loss && r.best_epoch == again.best_epoch);
    train_case_same(a, b);
    options(&o, *state, c);
    o.seed = 2;
    if (train_case_run(&o, &r, &err) != 0) fail_msg("%s", err.msg);
    assert_true(r.held_out_loss != again.held_out_loss); /* the seed is used */
    free(a);
    free(b);
    free(c);
}

static void test_refuses_to_mix_runs(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *out = mem_printf("%s/d", (char *)*state);
    TrainOptions o;
    TrainResult r;
    Err err = {0};
    options(&o, *state, out);
    o.epochs = 1;
    if (train_case_run(&o, &r, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(train_case_run(&o, &r, &err), -1);
    assert_non_null(strstr(err.msg, "a run is there already"));
    o.resume = true;
    assert_int_equal(train_case_run(&o, &r, &err), 0); /* nothing left to do */
    o.lr *= 2;
    assert_int_equal(train_case_run(&o, &r, &err), -1);
    assert_non_null(strstr(err.msg, "other options"));
    free(out);
}

int main(void) {
    plugin_name();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_by_hand),
        cmocka_unit_test(test_table_by_hand),
        cmocka_unit_test(test_summary_by_hand),
        cmocka_unit_test_setup_teardown(test_fresh_residual_model_is_flowsim, setup, teardown),
        cmocka_unit_test(test_rate),
        cmocka_unit_test_setup_teardown(test_gather, setup, teardown),
        cmocka_unit_test_setup_teardown(test_learns_repeats_resumes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_to_mix_runs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
