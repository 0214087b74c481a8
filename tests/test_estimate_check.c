/* What packet windows say, how sure they are, and what is made of them and the model. */
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
#include "estimate/check.h"
#include "net/topo_save.h"
#include "packet/pktsim.h"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g ± %g", got, want, tolerance);
}

/* n windows of m flows each, of 500 and 100,000 bytes in turn; slowdown 1 + an exponential of mean
 * 1, or of mean `large` for large flows, times the window's own factor of spread `sigma`. */
static Windows some_windows(uint32_t n, size_t m, double large, double sigma, uint64_t seed) {
    Windows w = {.flows = MEM_NEW(WindowFlow, n * m),
                 .n_flows = n * m,
                 .n_windows = n,
                 .capacity = 1,
                 .run_hops = 1e9,
                 .n_hops = 10000000,
                 .n_packets = 1000};
    Rng rng = rng_stream(seed, "windows", 0);
    for (uint32_t k = 0; k < n; k++) {
        double factor = exp(sigma * rng_normal(&rng));
        for (size_t i = 0; i < m; i++) {
            bool big = i % 2;
            w.flows[k * m + i] = (WindowFlow){
                .size_b = big ? 100000 : 500,
                .slowdown = (float)(1 + (big ? large : 1) * factor * rng_exponential(&rng)),
                .window = k};
        }
    }
    w.class_share[windows_class(500)] = w.class_share[windows_class(100000)] = 0.5;
    return w;
}

/* Quantiles of an exponential; the interval is as wide as repetitions scatter. */
static void windows_give_quantiles_and_errors(void **state) {
    (void)state;
    enum { N = 60 };
    double sum = 0, sum2 = 0, deviation = 0;
    int covered = 0;
    for (uint64_t seed = 0; seed < N; seed++) {
        Windows w = some_windows(30, 200, 1, 0.15, seed);
        Sampled s;
        sampled_of(&w, 1, 1, &s);
        const SlowdownQuantile *q = &s.slowdown.dist[RESULT_ALL].q[RESULT_P90];
        double x = log(q->value);
        sum += x;
        sum2 += x * x;
        deviation += s.deviation[RESULT_ALL][RESULT_P90] / N;
        covered += q->lo < 1 + log(10) && 1 + log(10) < q->hi;
        near(q->value, 1 + log(10), 0.6);
        windows_free(&w);
    }
    double scatter = sqrt((sum2 - sum * sum / N) / (N - 1));
    /* The error of the state comes on top of what scatters. */
    near(deviation / hypot(scatter, 0.015), 1, 0.35);
    assert_true(covered >= N * 85 / 100);
}

/* A class has its share of the run, however often it was measured. */
static void classes_have_their_shares(void **state) {
    (void)state;
    Windows w = some_windows(20, 200, 30, 0, 1);
    w.class_share[windows_class(500)] = 0.95;
    w.class_share[windows_class(100000)] = 0.05;
    Sampled s;
    sampled_of(&w, 1, 2, &s);
    near(s.slowdown.dist[RESULT_ALL].share, 1, 1e-12);
    near(s.slowdown.dist[1].share, 0.95, 1e-9);
    near(s.slowdown.dist[RESULT_N_DISTS - 1].share, 0.05, 1e-9);
    /* 5 % of the flows are ten times as slow: the p90 is nearly that of small ones. */
    assert_true(s.slowdown.dist[RESULT_ALL].q[RESULT_P90].value < 5.5);
    assert_true(isnan(s.slowdown.dist[2].q[0].value)); /* no flows of 1-10 KB */
    windows_free(&w);
}

static Slowdowns a_model(double p99, double deviation) {
    Slowdowns r = {0};
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        for (int p = 0; p < STATS_N_PCT; p++)
            r.dist[d].percentiles[p] = 1 + (p + 1) * (p99 - 1) / 99;
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            double x = fmin(1 + result_levels[k] * (p99 - 1) / 0.99, p99);
            r.dist[d].q[k] =
                (SlowdownQuantile){x, x * exp(-1.96 * deviation), x * exp(1.96 * deviation)};
        }
        r.dist[d].share = d == RESULT_ALL ? 1 : 0.25;
    }
    return r;
}

/* The combination lies between the two, nearer to the surer one, and is surer than either. */
static void weights_are_by_variance(void **state) {
    (void)state;
    Windows w = some_windows(40, 400, 1, 0.1, 5);
    Sampled s;
    sampled_of(&w, 1, 1, &s);
    double p99 = s.slowdown.dist[RESULT_ALL].q[RESULT_P99].value,
           vs = pow(s.deviation[RESULT_ALL][RESULT_P99], 2);
    for (int i = 0; i < 2; i++) {
        double deviation = i == 0 ? 0.05 : 0.15,
               vm = pow(0.45 * deviation, 2); /* check.c: TYPICAL */
        Slowdowns r = a_model(p99 * 1.01, deviation), model = r;
        Check c;
        check_combine(&w, true, 1, 1, &r, &c);
        const SlowdownQuantile *q = &r.dist[RESULT_ALL].q[RESULT_P99];
        near(c.weight[RESULT_ALL][RESULT_P99], vm / (vm + vs), 1e-9);
        near(log(q->value), log(p99) + log(1.01) * vs / (vm + vs), 1e-9);
        assert_true(log(q->hi / q->lo) < log(model.dist[RESULT_ALL].q[RESULT_P99].hi /
                                             model.dist[RESULT_ALL].q[RESULT_P99].lo));
        near(r.dist[RESULT_ALL].percentiles[98], q->value, 0.02 * q->value);
        assert_false(c.apart[RESULT_P99]);
    }
    windows_free(&w);
}

/* A model that is off by five is not believed, however sure it is. */
static void far_apart_windows_win(void **state) {
    (void)state;
    Windows w = some_windows(40, 400, 1, 0.1, 5);
    Slowdowns r = a_model(30, 0.01);
    Check c;
    check_combine(&w, true, 1, 1, &r, &c);
    assert_true(c.apart[RESULT_P99]);
    assert_true(c.weight[RESULT_ALL][RESULT_P99] > 0.98);
    near(r.dist[RESULT_ALL].q[RESULT_P99].value / c.sampled.dist[RESULT_ALL].q[RESULT_P99].value, 1,
         0.05);
    for (int p = 1; p < STATS_N_PCT; p++)
        assert_true(r.dist[RESULT_ALL].percentiles[p] >= r.dist[RESULT_ALL].percentiles[p - 1]);
    windows_free(&w);
}

/* A run that was simulated whole is the truth: no interval, no model. */
static void whole_runs_are_exact(void **state) {
    (void)state;
    Windows w = some_windows(1, 1000, 1, 0, 5);
    w.whole = true;
    Slowdowns r = a_model(30, 0.01);
    Check c;
    check_combine(&w, true, 1, 1, &r, &c);
    const SlowdownQuantile *q = &r.dist[RESULT_ALL].q[RESULT_P99];
    assert_true(q->lo == q->value && q->hi == q->value);
    assert_true(q->value == c.sampled.dist[RESULT_ALL].q[RESULT_P99].value);
    windows_free(&w);
}

/* ---- against full simulations ---- */

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

static double quantile(const float *x, size_t n, double p) {
    float *sorted = MEM_NEW(float, n);
    memcpy(sorted, x, n * sizeof *x);
    stats_sort_f32(sorted, n);
    double q = (double)sorted[stats_rank(n, p)];
    free(sorted);
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

/* Asserts that the windows' quantiles are within 2.4 half widths of the full simulation's: windows
 * of runs as short as these touch each other, which the interval does not know. */
static void assert_covers(const Scenario *s, const Windows *w, const char *name) {
    Sampled x;
    sampled_of(w, 1, 1, &x);
    for (int k = RESULT_P50; k <= RESULT_P99; k++) {
        const SlowdownQuantile *q = &x.slowdown.dist[RESULT_ALL].q[k];
        double want = true_quantile(s, 100 * result_levels[k]), half = log(q->hi / q->value);
        if (fabs(log(q->value / want)) > 2.4 * half)
            fail_msg("%s: %s is %.3f [%.3f, %.3f], want %.3f", name, result_quantile_names[k],
                     q->value, q->lo, q->hi, want);
        assert_true(half < 1); /* and the interval says something */
    }
}

static void every_control_is_covered(void **state) {
    (void)state;
    static const char *const sets[][4] = {{"cc=dctcp", NULL},
                                          {"cc=dcqcn", NULL},
                                          {"cc=hp", NULL},
                                          {"cc=timely", NULL},
                                          {"cc=none", NULL},
                                          {"cc=swift", NULL},
                                          {"cc=dctcp", "pfc=off", "buffer=60KB", NULL}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        Scenario s;
        load(&s, 60000, sets[i]);
        Windows w = windows(&s, 0.25, 0);
        assert_false(w.whole);
        assert_covers(&s, &w, sets[i][0]);
        windows_free(&w);
        scenario_free(&s);
    }
}

/* Each link loses one packet in a thousand: windows see it, and the tail that it makes. */
static void lossy_links_are_covered(void **state) {
    (void)state;
    Scenario s;
    load(&s, 60000, NULL);
    Windows clean = windows(&s, 0.25, 0);
    s.topo.error_rate = MEM_NEW(double, s.topo.n_links);
    for (uint32_t l = 0; l < s.topo.n_links; l++) s.topo.error_rate[l] = 0.001;
    Windows lossy = windows(&s, 0.25, 0);
    assert_int_equal(clean.n_drops, 0);
    assert_true(lossy.n_drops > lossy.n_packets / 1000);
    assert_covers(&s, &lossy, "lossy links");
    windows_free(&clean);
    windows_free(&lossy);
    scenario_free(&s);
}

/* Writes a fabric without its last cable between switches. */
static void save_with_a_cable_less(const char *path) {
    Topo t;
    Err err = {0};
    char line[256], *rest = NULL;
    size_t size;
    unsigned n_nodes, n_switches, n_cables;
    if (topo_load(&t, "spec/clos-16.json", NULL, &err) != 0 || topo_save_hpcc(&t, path, &err) != 0)
        fail_msg("%s", err.msg);
    topo_free(&t);
    FILE *f = fopen(path, "r"), *mem = open_memstream(&rest, &size);
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%u %u %u ", &n_nodes, &n_switches, &n_cables), 3);
    for (unsigned i = 0; i < n_cables && fgets(line, sizeof line, f); i++) fputs(line, mem);
    fclose(f);
    fclose(mem);
    f = fopen(path, "w");
    fprintf(f, "%u %u %u\n%s", n_nodes, n_switches, n_cables - 1, rest);
    fclose(f);
    free(rest);
}

/* A fabric that lost a cable: routes go around, and the links beside it are busier. */
static void a_removed_link_is_covered(void **state) {
    (void)state;
    Scenario s;
    Err err = {0};
    char path[64];
    snprintf(path, sizeof path, "/tmp/m3-test-check-%ld.txt", (long)getpid());
    save_with_a_cable_less(path);
    ScenarioOptions o = {.topo_path = path,
                         .mix_path = "spec/default.json",
                         .mix_id = -1,
                         .n_flows = 30000,
                         .set = (const char *const[]){"max_load=0.6", NULL},
                         .seed = 1};
    if (scenario_load(&s, &o, NULL, &err) != 0) fail_msg("%s", err.msg);
    remove(path);
    assert_int_equal(s.topo.n_links, 2 * 31);
    Windows w = windows(&s, 0.25, 0);
    assert_covers(&s, &w, "a removed link");
    windows_free(&w);
    scenario_free(&s);
}

/* Every 2 ms twelve hosts send 30 KB to one at once, beside the mix. */
static void incast_is_covered(void **state) {
    (void)state;
    Scenario s;
    load(&s, 60000, NULL);
    int64_t next = s.flows.start_ns[0];
    uint32_t k = 0;
    for (size_t i = 0; i < s.flows.n; i++) {
        if (s.flows.start_ns[i] < next) continue;
        s.flows.dst[i] = 0;
        s.flows.size_b[i] = 30000;
        s.flows.src[i] = 1 + k % (s.topo.n_hosts - 1);
        s.flows.start_ns[i] = next;
        if (++k % 12 == 0) next += 2000000;
    }
    flows_sort(&s.flows);
    route_sports(&s.topo, s.flows.src, s.flows.dst, s.flows.n, s.sport);
    Windows w = windows(&s, 0.25, 0);
    assert_covers(&s, &w, "incast");
    windows_free(&w);
    scenario_free(&s);
}

static void students_t(void **state) {
    (void)state;
    static const double want[][2] = {{1, 12.706}, {2, 4.303},  {3, 3.182},   {4, 2.776},
                                     {10, 2.228}, {30, 2.042}, {1000, 1.962}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        near(sampled_t(want[i][0]) / want[i][1], 1, 0.05);
}

static void budgets(void **state) {
    (void)state;
    CheckBudget none = {0}, off = {.off = true}, share = {.share = 0.02}, time = {.seconds = 2};
    assert_true(check_hops(&off, 1000000, 1e10) == 0);
    near(check_hops(&share, 1000000, 1e10), 2e8, 1);
    near(check_hops(&time, 1000000, 1e10), 2 * CHECK_HOPS_PER_S, 1);
    assert_true(check_hops(&none, 100000000, 1e12) == 5 * CHECK_HOPS_PER_S);
    assert_true(check_hops(&none, 10000, 1e6) == 1e6); /* small: all of it */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(windows_give_quantiles_and_errors),
                                       cmocka_unit_test(classes_have_their_shares),
                                       cmocka_unit_test(weights_are_by_variance),
                                       cmocka_unit_test(far_apart_windows_win),
                                       cmocka_unit_test(whole_runs_are_exact),
                                       cmocka_unit_test(students_t),
                                       cmocka_unit_test(budgets),
                                       cmocka_unit_test(every_control_is_covered),
                                       cmocka_unit_test(lossy_links_are_covered),
                                       cmocka_unit_test(incast_is_covered),
                                       cmocka_unit_test(a_removed_link_is_covered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
