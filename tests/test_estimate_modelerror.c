/* The model's part of intervals: its measurement against theory, its way through a checkpoint, and
 * what it does to an estimate. */
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
#include "base/rng.h"
#include "estimate/modelerror.h"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g ± %g", got, want, tolerance);
}

/* ---- measuring ---- */

static void ranks_from_either_end(void **state) {
    (void)state;
    double x[199];
    for (int i = 0; i < 199; i++)
        x[i] = (i * 7 % 199) + 1; /* 1..199 in some order: 2.5 % of 200 is the fifth */
    LogRange r = modelerror_fit(x, 199);
    near(r.lo, 5, 0);
    near(r.hi, 195, 0);
    for (int i = 0; i < 39; i++) x[i] = i;
    r = modelerror_fit(x, 39);
    near(r.lo, 0, 0);
    near(r.hi, 38, 0);
}

static void few_networks_take_a_normal(void **state) {
    (void)state;
    double x[9] = {1, 2, 3, 4,   5,
                   6, 7, 8, 1000}; /* median 5, deviations 0 1 1 2 2 3 3 4 995: 2 is their median */
    LogRange r = modelerror_fit(x, 9);
    near(r.lo, 5 - 1.96 * 1.4826 * 2, 1e-12);
    near(r.hi, 5 + 1.96 * 1.4826 * 2, 1e-12);
    assert_true(isnan(modelerror_fit(x, MODELERROR_MIN_NETWORKS - 1).lo));
}

/* Of many sets of 100 networks, the interval of one covers a network more in 95 % or a little
 * above. */
static void covers_what_it_says(void **state) {
    (void)state;
    Rng rng = rng_stream(3, "interval", 0);
    int covered = 0, n = 4000;
    for (int t = 0; t < n; t++) {
        double x[100];
        for (int i = 0; i < 100; i++) x[i] = exp(rng_normal(&rng));
        LogRange r = modelerror_fit(x, 100);
        double next = exp(rng_normal(&rng));
        covered += r.lo <= next && next <= r.hi;
    }
    near((double)covered / n, 1 - 4.0 / 101,
         0.012); /* two values beyond either end of 101 equally likely places */
}

/* ---- in a checkpoint ---- */

static ModelError some_interval(void) {
    ModelError m = {.n_networks = 42};
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            m.cell[d][k] = (LogRange){-0.01 * (d + 1), 0.02 * (k + 1)};
    m.cell[2][1] = (LogRange){NAN, NAN};
    return m;
}

static void recipe_keeps_it(void **state) {
    (void)state;
    ModelError m = some_interval(), back;
    Ckpt c = {
        .recipe = (char[]){
            "{\"dataset\": \"d\", \"interval\": {\"old\": [1, {\"x\": null}]}, \"lr\": [0.5, 2]}"}};
    char *recipe = modelerror_recipe(&m, &c);
    assert_non_null(strstr(recipe, "\"dataset\": \"d\""));
    assert_non_null(strstr(recipe, "\"lr\": [0.5, 2]"));
    assert_null(strstr(recipe, "old"));
    c.recipe = recipe;
    assert_int_equal(modelerror_read(&back, &c, NULL), 1);
    assert_int_equal(back.n_networks, 42);
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            if (d == 2 && k == 1) continue;
            near(back.cell[d][k].lo, m.cell[d][k].lo, 1e-5);
            near(back.cell[d][k].hi, m.cell[d][k].hi, 1e-5);
        }
    assert_true(isnan(back.cell[2][1].lo) && isnan(back.cell[2][1].hi));
    free(recipe);
}

static void damaged_ones_are_refused(void **state) {
    (void)state;
    static const struct {
        char recipe[120];
        const char *message;
    } bad[] = {
        {"{\"interval\": {}}", "n_networks"},
        {"{\"interval\": {\"n_networks\": 3, \"cells\": [{}]}}", "expected 5 elements"},
        {"{\"interval\": {\"n_networks\": 3, \"cells\": [{\"p50\": [1]}, {}, {}, {}, {}]}}",
         "expected two numbers"},
        {"{\"interval\": {\"n_networks\": 3, \"cells\": [{\"p50\": [1, 0]}, {}, {}, {}, {}]}}",
         "lower end first"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ModelError m;
        Err err = {0};
        char recipe[120];
        strcpy(recipe, bad[i].recipe);
        Ckpt c = {.recipe = recipe};
        assert_int_equal(modelerror_read(&m, &c, &err), -1);
        if (!strstr(err.msg, bad[i].message))
            fail_msg("got '%s', want '%s'", err.msg, bad[i].message);
    }
    ModelError m;
    Ckpt none = {.recipe = (char[]){"{}"}};
    assert_int_equal(modelerror_read(&m, &none, NULL), 0);
}

/* ---- in an estimate ---- */

static void half_widths_add_in_quadrature(void **state) {
    (void)state;
    ModelError m = some_interval();
    m.cell[0][0] = (LogRange){-0.04, 0.12};
    m.cell[0][1] = (LogRange){-5, -0.1}; /* never above: adds nothing there */
    m.cell[0][2] = (LogRange){-0.4, 0.3};
    Slowdowns r = {.dist[RESULT_ALL].q = {{2, 2 * exp(-0.03), 2 * exp(0.05)},
                                          {3, 2.9, 3.1},
                                          {7, 7, 7}, /* all paths: the model's part is all */
                                          {NAN, NAN, NAN}}};
    r.dist[2].q[RESULT_P90] = (SlowdownQuantile){4, 4, 4}; /* not measured */
    modelerror_widen(&m, 0, &r);
    near(r.dist[RESULT_ALL].q[RESULT_P50].lo, 2 * exp(-0.05), 1e-12);
    near(r.dist[RESULT_ALL].q[RESULT_P50].hi, 2 * exp(0.13), 1e-12);
    near(r.dist[RESULT_ALL].q[RESULT_P90].lo, 1, 0);
    near(r.dist[RESULT_ALL].q[RESULT_P90].hi, 3.1, 1e-12);
    near(r.dist[RESULT_ALL].q[RESULT_P99].lo, 7 * exp(-0.4), 1e-12);
    near(r.dist[RESULT_ALL].q[RESULT_P99].hi, 7 * exp(0.3), 1e-12);
    assert_true(isnan(r.dist[RESULT_ALL].q[RESULT_P99_9].hi));
    near(r.dist[2].q[RESULT_P90].lo, 1, 0);
    near(r.dist[2].q[RESULT_P90].hi, 4, 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranks_from_either_end),
                                       cmocka_unit_test(few_networks_take_a_normal),
                                       cmocka_unit_test(covers_what_it_says),
                                       cmocka_unit_test(recipe_keeps_it),
                                       cmocka_unit_test(damaged_ones_are_refused),
                                       cmocka_unit_test(half_widths_add_in_quadrature)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
