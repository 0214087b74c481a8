/* What windows under some settings say of the model under others. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "estimate/transfer.h"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g ± %g", got, want, tolerance);
}

static NetConf dctcp(double window_b) {
    NetConf c;
    netconf_default(&c);
    c.cc = CC_DCTCP;
    c.line_window_b = window_b;
    return c;
}

static void alike_settings(void **state) {
    (void)state;
    NetConf a = dctcp(10e3), b = dctcp(20e3), c = dctcp(40e3), other = a;
    near(transfer_likeness(&a, &a), 1, 0);
    other.hpcc_eta = 0.5; /* has no effect */
    near(transfer_likeness(&a, &other), 1, 0);
    other.cc = CC_HPCC;
    double ab = transfer_likeness(&a, &b), ac = transfer_likeness(&a, &c);
    near(ab, transfer_likeness(&b, &a), 0);
    near(ac, ab * transfer_likeness(&b, &c), 1e-12);
    assert_true(ac < ab && ab < 1 && ac > 0);
    assert_true(transfer_likeness(&a, &other) < 1);
    other = a;
    other.pfc = !other.pfc;
    assert_true(transfer_likeness(&a, &other) < 1);
    other = a;
    other.buffer_b = 0;
    assert_true(transfer_likeness(&a, &other) > 0);
}

/* Estimates whose every quantile is 2 with a model's deviation, and windows that show factor times
 * that with an error of their own. */
static Slowdowns estimate_of(double deviation) {
    Slowdowns r;
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        r.dist[d].share = 1;
        for (int p = 0; p < STATS_N_PCT; p++) r.dist[d].percentiles[p] = 2;
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            r.dist[d].q[k] =
                (SlowdownQuantile){2, 2 * exp(-1.96 * deviation), 2 * exp(1.96 * deviation)};
    }
    return r;
}

static Check windows_of(double factor, double deviation) {
    Check c = {.done = true, .has_model = true};
    c.sampled = estimate_of(deviation);
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            c.sampled.dist[d].q[k].value *= factor;
            c.deviation[d][k] = deviation;
        }
    return c;
}

static const SlowdownQuantile *p99(const Slowdowns *r) {
    return &r->dist[RESULT_ALL].q[RESULT_P99];
}

/* One row with windows: the shift elsewhere is σ² ρ / (σ² + s²) of what they show. */
static void one_checked_row(void **state) {
    (void)state;
    enum { N = 3 };
    double sigma = 0.2, s = 0.05, y = 0.06;
    Slowdowns model = estimate_of(sigma), result[N], *out[N] = {&result[0], &result[1], &result[2]};
    Check check = windows_of(exp(y), s);
    TransferRow rows[N];
    for (int i = 0; i < N; i++)
        rows[i] = (TransferRow){.conf = dctcp(10e3 * (1 << i)), .model = &model};
    rows[0].check = &check;
    memset(&result[0], 7, sizeof result[0]);
    Slowdowns untouched = result[0];
    transfer_correct(rows, N, out);
    assert_memory_equal(&result[0], &untouched, sizeof untouched);
    for (int i = 1; i < N; i++) {
        double rho = transfer_likeness(&rows[0].conf, &rows[i].conf),
               typical = CHECK_TYPICAL * sigma * CHECK_TYPICAL * sigma,
               half = 1.96 * sigma * sqrt(1 - rho * rho * sigma * sigma / (sigma * sigma + s * s));
        near(log(p99(&result[i])->value / 2), typical * rho / (typical + s * s) * y, 1e-6);
        near(log(p99(&result[i])->hi / p99(&result[i])->value), half, 1e-5);
        near(result[i].dist[RESULT_ALL].percentiles[98], p99(&result[i])->value, 1e-9);
    }
}

/* Between two checked rows shifts lie between theirs and are surest next to them; far from the
 * model, exact windows are believed. */
static void between_checked_rows(void **state) {
    (void)state;
    enum { N = 7 };
    Slowdowns model = estimate_of(0.1), result[N], *out[N];
    Check low = windows_of(0.9, 0), high = windows_of(3, 0);
    TransferRow rows[N];
    for (int i = 0; i < N; i++) {
        rows[i] = (TransferRow){.conf = dctcp(10e3 * exp(0.1 * i)), .model = &model};
        out[i] = &result[i];
    }
    rows[0].check = &low;
    rows[N - 1].check = &high;
    transfer_correct(rows, N, out);
    double last = log(0.9);
    for (int i = 1; i < N - 1; i++) {
        double shift = log(p99(&result[i])->value / 2);
        assert_true(shift > last && shift < log(3));
        last = shift;
    }
    double beside = p99(&result[1])->hi / p99(&result[1])->lo,
           middle = p99(&result[3])->hi / p99(&result[3])->lo;
    assert_true(beside < middle);
}

/* Where the model's errors are drawn from the function assumed, corrections halve them, and the
 * intervals hold the truth as often as they say. */
static void corrections_help(void **state) {
    (void)state;
    enum { N = 12, SETS = 200 };
    double before = 0, after = 0, sigma = 0.1;
    int covered = 0, n = 0;
    Slowdowns model = estimate_of(sigma), result[N], *out[N];
    for (uint64_t seed = 0; seed < SETS; seed++) {
        Rng rng = rng_stream(seed, "errors", 0);
        double error[N];
        TransferRow rows[N];
        Check check[N];
        for (int i = 0; i < N; i++) {
            rows[i] = (TransferRow){.conf = dctcp(5e3 * exp(0.15 * i)), .model = &model};
            out[i] = &result[i];
            /* An exponential correlation on a line is a Markov chain. */
            double rho = i > 0 ? transfer_likeness(&rows[i - 1].conf, &rows[i].conf) : 0;
            error[i] =
                rho * (i > 0 ? error[i - 1] : 0) + sqrt(1 - rho * rho) * sigma * rng_normal(&rng);
            if (i % 5) continue;
            check[i] = windows_of(exp(error[i] + 0.02 * rng_normal(&rng)), 0.02);
            rows[i].check = &check[i];
        }
        transfer_correct(rows, N, out);
        for (int i = 0; i < N; i++) {
            if (i % 5 == 0) continue;
            double truth = 2 * exp(error[i]);
            before += fabs(error[i]);
            after += fabs(log(p99(&result[i])->value / truth));
            covered += p99(&result[i])->lo <= truth && truth <= p99(&result[i])->hi;
            n++;
        }
    }
    if (!(after < 0.6 * before)) fail_msg("mean error %g before, %g after", before / n, after / n);
    if (covered < n * 93 / 100) fail_msg("%d of %d covered", covered, n);
}

/* The ends of a range come first, and the middle after them; what is certain is not chosen. */
static void least_certain_rows(void **state) {
    (void)state;
    enum { N = 9 };
    Slowdowns model = estimate_of(0.1);
    TransferRow rows[N];
    size_t chosen[N] = {4};
    for (int i = 0; i < N; i++)
        rows[i] = (TransferRow){.conf = dctcp(1e3 * exp(0.5 * i)), .model = &model};
    assert_int_equal(transfer_choose(rows, N, RESULT_ALL, RESULT_P99, 0, chosen, 1, 3), 3);
    assert_true((chosen[1] == 0 && chosen[2] == N - 1) || (chosen[1] == N - 1 && chosen[2] == 0));
    assert_int_equal(transfer_choose(rows, N, RESULT_ALL, RESULT_P99, 0, chosen, 3, N), N);
    bool seen[N] = {false};
    for (int i = 0; i < N; i++) seen[chosen[i]] = true;
    for (int i = 0; i < N; i++) assert_true(seen[i]);
    rows[5].conf = rows[4].conf;
    assert_int_equal(transfer_choose(rows, N, RESULT_ALL, RESULT_P99, 0, chosen, 1, N), N - 1);
    Slowdowns unsure = estimate_of(0.5);
    rows[7].model = &unsure;
    transfer_choose(rows, N, RESULT_ALL, RESULT_P99, 0.1, chosen, 0, 1);
    assert_int_equal(chosen[0], 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_settings),       cmocka_unit_test(one_checked_row),
        cmocka_unit_test(between_checked_rows), cmocka_unit_test(corrections_help),
        cmocka_unit_test(least_certain_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
