/* Size distributions: drawn sizes follow their curve, the shipped curves resemble the published
 * ones, bad files are refused. */
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
#include "base/stats.h"
#include "workload_case.h"

#define SHARED "../shared/paper"

/* The curve's value at x, by search. */
static double cdf_at(const SizeDist *d, double x) {
    if (x < d->size_b[0]) return 0;
    for (uint32_t i = d->n - 1; i-- > 0;)
        if (x >= d->size_b[i] && d->size_b[i + 1] > d->size_b[i])
            return fmin(1, d->cdf[i] + (x - d->size_b[i]) / (d->size_b[i + 1] - d->size_b[i]) *
                                           (d->cdf[i + 1] - d->cdf[i]));
    return 1;
}

static void guided_draws_equal_a_plain_search(void **state) {
    (void)state;
    SizeDist d;
    Err err = {0};
    Rng r = rng_stream(1, "test", 0);
    net_case_ok(
        workload_case_sizes(
            &d,
            "# an atom at 10, a gap from 20 to 30\n1 0\n10 25\n10 40\n20 60\r\n\n30 60\n1000 "
            "99.99\n5000 100\n",
            &err),
        &err);
    double mean = .25 * 5.5 + .15 * 10 + .2 * 15 + .3999 * 515 + .0001 * 3000;
    assert_true(fabs(d.mean_b - mean) < 1e-9);
    for (int k = 0; k < 200000; k++) {
        double u = k < 4096 ? k / 4096.0 : rng_u01(&r);
        uint32_t i = 0;
        while (d.cdf[i + 1] <= u) i++;
        double x = d.size_b[i] +
                   (u - d.cdf[i]) / (d.cdf[i + 1] - d.cdf[i]) * (d.size_b[i + 1] - d.size_b[i]);
        assert_int_equal(sizedist_draw(&d, u), (uint64_t)(x + 0.5));
        assert_false(x > 20.5 && x < 30);
    }
    assert_int_equal(sizedist_draw(&d, 0), 1);
    assert_int_equal(sizedist_draw(&d, 0.3), 10);
    sizedist_free(&d);
}

/* Kolmogorov–Smirnov at the 0.1 % level, and the mean. */
static void drawn_sizes_follow_the_curve(void **state) {
    (void)state;
    enum { N = 200000 };
    SizeDist d;
    Err err = {0};
    Rng r = rng_stream(2, "test", 0);
    net_case_ok(sizedist_load(&d, "spec/sizes/hadoop.txt", NULL, &err), &err);
    double *x = MEM_NEW(double, N), worst = 0;
    for (size_t i = 0; i < N; i++) x[i] = (double)sizedist_draw(&d, rng_u01(&r));
    stats_sort(x, N);
    for (size_t i = 0; i + 1 < N;
         i++) { /* between two values of a whole-byte sample the curve is at the half byte */
        if (x[i] == x[i + 1]) continue;
        worst = fmax(worst, fabs((double)(i + 1) / N - cdf_at(&d, x[i] + 0.5)));
    }
    assert_true(worst < 1.95 / sqrt(N));
    free(x);
    sizedist_free(&d);
}

static void shipped_sizes_resemble_the_published(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double mean_b;
    } curves[] = {{"webserver", 91.3e3}, {"hadoop", 568.8e3}, {"cachefollower", 609.9e3}};
    for (int i = 0; i < 3; i++) {
        char path[96];
        SizeDist ours, theirs;
        Err err = {0};
        snprintf(path, sizeof path, "spec/sizes/%s.txt", curves[i].name);
        net_case_ok(sizedist_load(&ours, path, NULL, &err), &err);
        assert_true(fabs(ours.mean_b / curves[i].mean_b - 1) < 0.01);
        snprintf(path, sizeof path, SHARED "/size/%s-all.txt", curves[i].name);
        if (file_exists(path)) {
            net_case_ok(sizedist_load(&theirs, path, NULL, &err), &err);
            double worst = 0;
            for (uint32_t k = 0; k < ours.n; k++)
                worst = fmax(worst,
                             fabs(cdf_at(&ours, ours.size_b[k]) - cdf_at(&theirs, ours.size_b[k])));
            for (uint32_t k = 0; k < theirs.n; k++)
                worst = fmax(worst, fabs(cdf_at(&ours, theirs.size_b[k]) -
                                         cdf_at(&theirs, theirs.size_b[k])));
            assert_true(worst <= 0.01);
            sizedist_free(&theirs);
        }
        sizedist_free(&ours);
    }
}

static void bad_size_files_are_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"", "empty file"},
        {"# only\n", "empty file"},
        {"1 0\n", "must end at 100"},
        {"1 0\n100 50\n", "line 2: percent: must end at 100 (or at 1, if fractions), got 50"},
        {"1 10\n100 100\n", "line 1: percent: must begin at 0, got 10"},
        {"1 0\n100 60\n200 50\n300 100\n", "line 3: percent: must not decrease, got 50 after 60"},
        {"1 0\n100 60\n50 80\n300 100\n", "line 3: bytes: must not decrease, got 50 after 100"},
        {"1 0\n100\n", "line 2: expected `bytes percent`, got '100'"},
        {"1 0\n100 100 7\n", "line 2: expected `bytes percent`"},
        {"size cdf\n", "expected lines of `bytes percent`"},
        {"1 0\nsize cdf\n", "line 2: expected `bytes percent`, got 'size cdf'"},
        {"0 0\n700 50\n9000 99.8\n", "must end at 100 (or at 1, if fractions), got 99.8"},
        {"0 0\n700 50\n9000 100.2\n", "must be in [0, 100], got 100.2"},
        {"0 0\n9000 0.99\n", "got 0.99"},
        {"-1 0\n100 100\n", "line 1: bytes: must be in [0, 1e15], got -1"},
        {"1 0\n1e300 100\n", "line 2: bytes: must be in [0, 1e15]"},
        {"1 0\nnan 100\n", "line 2: bytes: "},
        {"1 0\n10 nan\n", "line 2: percent: "},
        {"1 0\n10 100.2\n", "line 2: percent: must be in [0, 100], got 100.2"},
        {"0 0\n0 100\n", "mean size: must be at least 1 byte"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        SizeDist d;
        Err err = {0};
        assert_int_equal(workload_case_sizes(&d, bad[i][0], &err), -1);
        if (err.kind != ERR_INPUT || !strstr(err.msg, bad[i][1]))
            fail_msg("expected \"%s\", got \"%s\"", bad[i][1], err.msg);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guided_draws_equal_a_plain_search),
        cmocka_unit_test(drawn_sizes_follow_the_curve),
        cmocka_unit_test(shipped_sizes_resemble_the_published),
        cmocka_unit_test(bad_size_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
