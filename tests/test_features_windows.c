/* Packet windows: the whole run is the simulation itself; windows of a part of it are the same on
 * any number of threads, and
 * near the budget. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/stats.h"
#include "features/windows.h"
#include "packet/pktsim.h"

#define NET "tests/cli/net/"

static void load(Scenario *s, uint64_t n_flows, const char *const *set) {
    Err err = {0};
    ScenarioOptions o = {.topo_path = NET "clos.json",
                         .mix_path = NET "mix.json",
                         .mix_id = -1,
                         .set = set,
                         .n_flows = n_flows,
                         .seed = 1};
    if (scenario_load(s, &o, NULL, &err) != 0) fail_msg("%s", err.msg);
}

static Windows windows(const Scenario *s, double share, int threads) {
    WindowsOptions o = {.seed = 3, .threads = threads};
    Windows w;
    Err err = {0};
    windows_init(&w, s, &o);
    if (windows_simulate(&w, share * w.run_hops, &err) != 0) fail_msg("%s", err.msg);
    windows_finish(&w);
    return w;
}

/* Ten times the budget and more, for the least windows, is not begun. */
static void budgets_far_too_small_are_refused(void **state) {
    (void)state;
    Scenario s;
    WindowsOptions o = {.seed = 3, .threads = 1};
    Windows w;
    Err err = {0};
    load(&s, 20000, NULL);
    windows_init(&w, &s, &o);
    assert_int_equal(windows_simulate(&w, 1e-4 * w.run_hops, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_non_null(strstr(err.msg, "clos.json: packet windows of "));
    assert_int_equal(w.n_windows, 0);
    assert_int_equal(w.n_hops, 0);
    windows_free(&w);
    scenario_free(&s);
}

static double quantile(const float *x, size_t n, double p) {
    float *sorted = MEM_NEW(float, n);
    memcpy(sorted, x, n * sizeof *x);
    stats_sort_f32(sorted, n);
    double q = (double)sorted[stats_rank(n, p)];
    free(sorted);
    return q;
}

static double measured_quantile(const Windows *w, double p) {
    float *x = MEM_NEW(float, w->n_flows);
    for (size_t i = 0; i < w->n_flows; i++) x[i] = w->flows[i].slowdown;
    double q = quantile(x, w->n_flows, p);
    free(x);
    return q;
}

static double true_quantile(const Scenario *s, double p) {
    size_t n = s->flows.n, k = 0;
    double *fct = MEM_NEW(double, n), *ideal = MEM_NEW(double, n);
    float *x = MEM_NEW(float, n);
    PktOptions o = {.seed = 3};
    Err err = {0};
    if (pktsim_run(s->route, &s->flows, &s->conf, &o, fct, NULL, &err) != 0)
        fail_msg("%s", err.msg);
    pktsim_ideal(s->route, &s->flows, false, ideal);
    for (size_t i = 0; i < n; i++)
        if (fct[i] > 0) x[k++] = (float)fmax(1, fct[i] / ideal[i]);
    double q = quantile(x, k, p);
    free(fct);
    free(ideal);
    free(x);
    return q;
}

static void a_budget_for_all_is_the_simulation(void **state) {
    (void)state;
    Scenario s;
    load(&s, 3000, NULL);
    Windows w = windows(&s, 1, 1);
    assert_true(w.whole);
    assert_int_equal(w.n_flows, s.flows.n);
    assert_int_equal(w.n_censored, 0);
    assert_true(fabs((double)w.n_hops / w.run_hops - 1) < 0.02);
    for (int p = 50; p < 100; p += 49)
        assert_float_equal(measured_quantile(&w, p), true_quantile(&s, p), 1e-6);
    windows_free(&w);
    scenario_free(&s);
}

static void threads_do_not_show(void **state) {
    (void)state;
    Scenario s;
    load(&s, 40000, NULL);
    Windows a = windows(&s, 0.1, 1), b = windows(&s, 0.1, 3);
    assert_false(a.whole);
    assert_true(a.n_windows >= 4);
    assert_int_equal(a.n_flows, b.n_flows);
    assert_int_equal(a.n_hops, b.n_hops);
    assert_true(a.capacity == b.capacity);
    for (size_t i = 0; i < a.n_flows; i++) {
        assert_true(a.flows[i].slowdown == b.flows[i].slowdown);
        assert_int_equal(a.flows[i].window, b.flows[i].window);
        assert_true(a.flows[i].slowdown >= 1);
        assert_true(a.flows[i].window < a.n_windows);
    }
    windows_free(&a);
    windows_free(&b);
    scenario_free(&s);
}

static void the_budget_is_kept(void **state) {
    (void)state;
    Scenario s;
    load(&s, 100000, NULL);
    double share[] = {0.05, 0.1, 0.2};
    for (int i = 0; i < 3; i++) {
        Windows w = windows(&s, share[i], 0);
        double spent = (double)w.n_hops / w.run_hops;
        assert_true(spent > 0.6 * share[i] && spent < 1.5 * share[i]);
        windows_free(&w);
    }
    scenario_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(budgets_far_too_small_are_refused),
                                       cmocka_unit_test(a_budget_for_all_is_the_simulation),
                                       cmocka_unit_test(threads_do_not_show),
                                       cmocka_unit_test(the_budget_is_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
