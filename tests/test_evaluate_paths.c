/* Evaluation on data of paths: formulas by hand, and a fresh residual model, which is flowSim
 * itself, on a made-up data set. */
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

#include "evaluate/evaluate_paths.h"
#include "pathset_case.h"
#include "scratch_folder.h"

static int setup(void **state) {
    char *dir = scratch_folder("pathset");
    pathset_case_write(dir);
    *state = dir;
    return 0;
}

static int teardown(void **state) { return scratch_folder_remove(*state); }

static void errors_by_hand(void **state) {
    (void)state;
    EvaluateError e = {0};
    assert_true(isnan(evaluate_error_mean_abs(&e)));
    evaluate_error_add(&e, 3, 2);   /* +0.5 */
    evaluate_error_add(&e, 3, 4);   /* −0.25 */
    evaluate_error_add(&e, 10, 10); /* 0 */
    assert_float_equal(evaluate_error_mean_abs(&e), 0.25, 1e-15);
    assert_float_equal(evaluate_error_mean_signed(&e), 0.25 / 3, 1e-15);
}

static void table_by_hand(void **state) {
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

static void summary_by_hand(void **state) {
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

static void fresh_residual_model_is_flowsim(void **state) {
    PathData d;
    Ckpt c;
    EvaluatePaths e;
    uint32_t index[PATHSET_N];
    pathset_case_load(&d, *state);
    fresh_compact(&c);
    for (uint32_t i = 0; i < PATHSET_N; i++) index[i] = i;
    evaluate_paths(&d, index, PATHSET_N, &c, 2, &e);
    const EvaluateControl *all = &e.control[0];
    assert_int_equal(all->n_samples, PATHSET_N);
    assert_int_equal(e.control[1].n_samples, PATHSET_N / 3); /* dctcp */
    assert_int_equal(e.control[1 + CC_TIMELY].n_samples, 0);
    assert_float_equal(evaluate_error_mean_signed(&all->flowsim.loss), -1.0f / 3, 1e-6);
    for (int k = 0; k < EVALUATE_N_SHOWN; k++)
        assert_float_equal(evaluate_error_mean_abs(&all->m3.cell[RESULT_ALL][k]),
                           evaluate_error_mean_abs(&all->flowsim.cell[RESULT_ALL][k]), 1e-5);
    free(c.weights);
    pathdata_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_by_hand),
        cmocka_unit_test(table_by_hand),
        cmocka_unit_test(summary_by_hand),
        cmocka_unit_test_setup_teardown(fresh_residual_model_is_flowsim, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
