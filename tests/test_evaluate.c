/* Errors, groups of networks and calibration, by hand. */
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

#include "base/mem.h"
#include "estimate/modelerror.h"
#include "evaluate/evaluate_calibrate.h"
#include "evaluate/evaluate_group.h"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g ± %g", got, want, tolerance);
}

enum { N_NETS = 60 };

/* Network i overestimates by i per cent; every third is hpcc; network 50 collapsed. All alike in
 * all cells. */
static void make_nets(EvaluateNet nets[N_NETS], char name[N_NETS][16]) {
    for (int i = 0; i < N_NETS; i++) {
        snprintf(name[i], sizeof name[i], "net%d", i);
        nets[i] = (EvaluateNet){
            .name = name[i], .cc = i % 3 == 0 ? CC_HPCC : CC_DCTCP, .has_intervals = true};
        if (i == 50) nets[i].traits.lost_share = 0.02;
        strcpy(nets[i].traits.label[NET_RATE], i < 10 ? "10 Gb/s" : "400 Gb/s");
        for (int row = 0; row < RESULT_N_DISTS; row++) {
            for (int k = 0; k < RESULT_N_QUANTILES; k++)
                nets[i].q[row][k] = (EvaluateQuantile){.truth = 2,
                                                       .flowsim = 1,
                                                       .m3 = 2 * (1 + i / 100.0),
                                                       .lo = 1.9 + i / 100.0,
                                                       .hi = 9};
        }
    }
    nets[7].q[1][RESULT_P50].truth = NAN; /* too few flows */
}

static void networks_by_hand(void **state) {
    (void)state;
    EvaluateNet nets[N_NETS];
    char name[N_NETS][16];
    make_nets(nets, name);
    EvaluateGroup all = evaluate_group_all(nets, N_NETS),
                  intact = evaluate_group_intact(nets, N_NETS), *kinds;
    assert_int_equal(intact.n, N_NETS - 1);
    EvaluateCell c = evaluate_group_cell(&all, RESULT_ALL, RESULT_P99);
    near(c.m3.mean_abs, 0.295, 1e-12);
    near(c.m3.max_abs, 0.59, 1e-12);
    near(c.flowsim.mean_signed, -0.5, 1e-12);
    near(evaluate_group_coverage(&c), 11.0 / 60, 1e-12); /* lower ends 1.9, 1.91, … up to 2 */
    c = evaluate_group_cell(&all, 1, RESULT_P50);
    assert_int_equal(c.m3.n, 59);
    assert_int_equal(c.n_intervals, 59);
    assert_int_equal(evaluate_group_split(&all, EVALUATE_BY_CC, &kinds), 2);
    assert_string_equal(kinds[0].label, "dctcp");
    assert_int_equal(kinds[1].n, 20);
    evaluate_group_free_all(kinds, 2);
    assert_int_equal(evaluate_group_split(&all, (EvaluateBy)(EVALUATE_BY_TRAIT + NET_RATE), &kinds),
                     2);
    assert_string_equal(kinds[0].label, "10 Gb/s");
    assert_int_equal(kinds[0].n, 10);
    evaluate_group_free_all(kinds, 2);
    const EvaluateNet *worst[3];
    assert_int_equal(evaluate_group_worst(&all, worst, 3), 3);
    for (int i = 0; i < 3; i++) assert_ptr_equal(worst[i], &nets[59 - i]);
    evaluate_group_free(&all);
    evaluate_group_free(&intact);
}

/* Of 59 intact networks the outermost: 2.5 % of 60 is 1.5, rounded down. */
static void calibrates_a_checkpoint(void **state) {
    (void)state;
    EvaluateNet nets[N_NETS];
    char name[N_NETS][16], out[] = "/tmp/m3-test-XXXXXX";
    make_nets(nets, name);
    assert_non_null(mkdtemp(out));
    ModelError m;
    Ckpt c = {0}, back;
    Err err = {0};
    assert_int_equal(modelspec_preset(&c.spec, "flow", &err), 0);
    ckpt_layout(&c.spec, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    ckpt_init_weights(&c.spec, 1, c.weights);
    if (evaluate_calibrate(nets, N_NETS, &c, out, &err) != 0 || ckpt_load(&back, out, &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(modelerror_read(&m, &back, &err), 1);
    assert_int_equal(m.n_networks, 59);
    near(m.cell[0][2].lo, -log(1.59), 1e-5);
    near(m.cell[0][2].hi, 0, 1e-5);
    near(m.cell[1][0].lo, -log(1.59), 1e-5);
    assert_memory_equal(back.weights, c.weights, c.n_floats * sizeof(float));
    assert_int_equal(evaluate_calibrate(nets, MODELERROR_MIN_NETWORKS - 1, &c, out, &err), -1);
    assert_non_null(strstr(err.msg, "7 networks are too few"));
    unlink(back.path);
    rmdir(out);
    ckpt_free(&back);
    ckpt_free(&c);
}

/* Slowdowns of 1e30, one network, cells without truth or without an estimate. */
static void extremes(void **state) {
    (void)state;
    EvaluateNet net = {.name = (char *)"lone"};
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            net.q[d][k] = (EvaluateQuantile){NAN, NAN, NAN, NAN, NAN};
    net.q[RESULT_ALL][RESULT_P99] =
        (EvaluateQuantile){.truth = 1e30, .flowsim = 1, .m3 = 2e30, .lo = 1, .hi = 3e30};
    net.q[RESULT_ALL][RESULT_P50] = (EvaluateQuantile){1, NAN, 1e30, 1, 1e30};
    net.has_intervals = true;
    EvaluateGroup g = evaluate_group_all(&net, 1), *kinds;
    EvaluateCell c = evaluate_group_cell(&g, RESULT_ALL, RESULT_P99);
    near(c.m3.mean_abs, 1, 1e-15);
    near(c.flowsim.mean_signed, -1, 1e-15);
    near(evaluate_group_coverage(&c), 1, 0);
    c = evaluate_group_cell(&g, RESULT_ALL, RESULT_P50); /* no flowSim: no error, but an interval */
    assert_int_equal(c.m3.n, 0);
    assert_int_equal(c.n_intervals, 1);
    c = evaluate_group_cell(&g, result_of_bucket(0), RESULT_P99);
    assert_true(c.m3.n == 0 && isnan(c.m3.mean_abs) && isnan(evaluate_group_coverage(&c)));
    near(evaluate_nets_mean_error(&net, 1, true), 1, 1e-15); /* p99 alone has truth and estimate */
    near(evaluate_nets_mean_error(&net, 1, false), (1 + 1e30) / 2, 1e15);
    EvaluateBy by = (EvaluateBy)(EVALUATE_BY_TRAIT + NET_LOAD);
    size_t n = evaluate_group_split(&g, by, &kinds);
    assert_int_equal(n, 1);
    assert_string_equal(kinds[0].label, "unknown");
    assert_false(evaluate_group_is_known(kinds, n, by));
    evaluate_group_free_all(kinds, n);
    evaluate_group_free(&g);
    g = evaluate_group_all(NULL, 0);
    c = evaluate_group_cell(&g, RESULT_ALL, RESULT_P99);
    assert_int_equal(c.m3.n, 0);
    evaluate_group_free(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(networks_by_hand),
                                       cmocka_unit_test(calibrates_a_checkpoint),
                                       cmocka_unit_test(extremes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
