/* The whole pipeline on a small network (tests/cli/net) against what must come out, and the public
 * API over it. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
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
#include "estimate/estimate.h"
#include "estimate/report.h"
#include "estimate/report_read.h"
#include "features/features_file.h"
#include "m3.h"
#include "random_checkpoint.h"
#include "traffic/sizebucket.h"

#define NET "tests/cli/net/"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g ± %g", got, want, tolerance);
}

static void load(Scenario *s, const ScenarioOptions *o) {
    Err err = {0};
    if (scenario_load(s, o, NULL, &err) != 0) fail_msg("%s", err.msg);
}

static Estimate estimate(const Scenario *s, const EstimateOptions *o) {
    Estimate e;
    Err err = {0};
    if (estimate_run(s, o, NULL, &e, &err) != 0) fail_msg("%s", err.msg);
    return e;
}

static const ScenarioOptions drawn = {.topo_path = NET "clos.json",
                                      .mix_path = NET "mix.json",
                                      .mix_id = -1,
                                      .n_flows = 20000,
                                      .seed = 3,
                                      .threads = 2};

static void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* Two flows leave one host at once for different racks and share its link, a third is alone. Bits
 * on the wire are (10⁷ + 10⁴·48)·8; shared, they take twice their time alone: slowdown (2T +
 * base)/(T + base) with base some µs. */
static void flows_that_share_a_link(void **state) {
    (void)state;
    char path[] = "/tmp/m3-test-XXXXXX";
    close(mkstemp(path));
    write_text(path,
               "flow,src,dst,size_b,start_ns\n0,0,4,10000000,0\n1,0,6,10000000,0\n2,3,2,400,0\n");
    Scenario s = {0};
    load(&s, &(ScenarioOptions){.topo_path = NET "clos.json",
                                .flows_path = path,
                                .mix_id = -1,
                                .seed = 1,
                                .threads = 1});
    Estimate e =
        estimate(&s, &(EstimateOptions){.method = METHOD_FLOWSIM, .seed = 1, .threads = 1});
    assert_int_equal(e.n_flows, 3);
    assert_int_equal(e.n_unique, 3);
    assert_true(e.exhaustive);
    double alone_ns = (1e7 + 1e4 * 48) * 8 / 10; /* at 10 Gb/s */
    near(e.slowdown.dist[4].percentiles[0], (2 * alone_ns + 8000) / (alone_ns + 8000), 2e-3);
    near(e.slowdown.dist[4].percentiles[99], (2 * alone_ns + 8000) / (alone_ns + 8000), 2e-3);
    near(e.slowdown.dist[1].q[RESULT_P50].value, 1, 1e-6);
    near(e.slowdown.dist[4].share, 2.0 / 3, 1e-12);
    scenario_free(&s);
    unlink(path);
}

/* With every path taken, each flow counts once: the shares are those of the flows themselves. */
static void all_paths_count_every_flow(void **state) {
    (void)state;
    Scenario s = {0};
    load(&s, &drawn);
    Estimate e =
        estimate(&s, &(EstimateOptions){.method = METHOD_FLOWSIM, .seed = 1, .threads = 2});
    size_t count[SIZEBUCKET_N] = {0};
    for (size_t i = 0; i < s.flows.n; i++) count[sizebucket_of(s.flows.size_b[i])]++;
    for (int b = 0; b < SIZEBUCKET_N; b++)
        near(e.slowdown.dist[1 + b].share, (double)count[b] / (double)s.flows.n, 1e-12);
    assert_int_equal(e.n_drawn, s.flows.n);
    assert_true(e.fluid_events >
                2 * s.flows.n); /* every flow also comes and goes as others' background */
    near(e.slowdown.dist[RESULT_ALL].q[RESULT_P99].lo,
         e.slowdown.dist[RESULT_ALL].q[RESULT_P99].value, 0);
    scenario_free(&s);
}

/* The mean over many small samples of paths approaches the result over all of them: the mixture is
 * unbiased. */
static void sampling_is_unbiased(void **state) {
    (void)state;
    enum { SEEDS = 60 };
    Scenario s = {0};
    load(&s, &drawn);
    Estimate all =
        estimate(&s, &(EstimateOptions){.method = METHOD_FLOWSIM, .seed = 1, .threads = 2});
    double sum = 0, squares = 0, share = 0;
    int held = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        Estimate e =
            estimate(&s, &(EstimateOptions){
                             .method = METHOD_FLOWSIM, .n_paths = 30, .seed = seed, .threads = 2});
        SlowdownQuantile q = e.slowdown.dist[RESULT_ALL].q[RESULT_P90];
        assert_int_equal(e.n_drawn, 30);
        sum += q.value;
        squares += q.value * q.value;
        share += e.slowdown.dist[3].share / SEEDS;
        held += q.lo <= all.slowdown.dist[RESULT_ALL].q[RESULT_P90].value &&
                all.slowdown.dist[RESULT_ALL].q[RESULT_P90].value <= q.hi;
    }
    double mean = sum / SEEDS, sd = sqrt(squares / SEEDS - mean * mean);
    near(mean, all.slowdown.dist[RESULT_ALL].q[RESULT_P90].value, 4 * sd / sqrt(SEEDS) + 0.01);
    near(share, all.slowdown.dist[3].share, 0.01);
    assert_in_range(held, SEEDS * 8 / 10, SEEDS);
    scenario_free(&s);
}

/* Where flows are not in memory but drawn again, nothing differs: not with drawn paths, not with
 * all. */
static void streamed_flows_give_the_same(void **state) {
    (void)state;
    for (int k = 0; k < 3; k++) {
        ScenarioOptions so = drawn;
        if (k == 2) so.n_flows = 200000; /* several chunks */
        Scenario in_memory = {0}, streamed = {0};
        load(&in_memory, &so);
        so.max_in_memory = so.n_flows - 1;
        load(&streamed, &so);
        assert_true(streamed.flows.n == 0 && streamed.stream &&
                    streamed.source.n == in_memory.flows.n);
        EstimateOptions o = {
            .method = METHOD_FLOWSIM, .n_paths = k == 1 ? 0 : 50, .seed = 2, .threads = 2};
        Estimate a = estimate(&in_memory, &o), b = estimate(&streamed, &o);
        assert_memory_equal(&a.slowdown, &b.slowdown, sizeof a.slowdown);
        assert_true(a.n_unique == b.n_unique && a.fluid_events == b.fluid_events &&
                    a.n_flows == b.n_flows);
        scenario_free(&in_memory);
        scenario_free(&streamed);
    }
}

/* Whatever the weights: slowdowns of at least 1, ascending, the same bytes on any number of
 * threads. */
static void check_model(const char *preset) {
    Scenario s = {0};
    Ckpt ckpt;
    load(&s, &drawn);
    random_checkpoint(&ckpt, preset);
    EstimateOptions o = {
        .method = METHOD_M3, .ckpt = &ckpt, .n_paths = 40, .seed = 1, .threads = 1};
    Estimate one = estimate(&s, &o);
    o.threads = 5;
    Estimate five = estimate(&s, &o);
    assert_memory_equal(&one.slowdown, &five.slowdown, sizeof one.slowdown);
    double before = 1;
    for (int p = 0; p < STATS_N_PCT; p++) {
        assert_true(one.slowdown.dist[RESULT_ALL].percentiles[p] >= before);
        before = one.slowdown.dist[RESULT_ALL].percentiles[p];
    }
    free(ckpt.weights);
    scenario_free(&s);
}

static void model_method(void **state) {
    (void)state;
    check_model("compact");
    check_model("flow");
}

/* Weights that are finite and make no sense: the checkpoint is named, whatever comes of them, large
 * numbers or sums of infinities. */
static void absurd_models_are_refused(void **state) {
    (void)state;
    static const char *const presets[] = {"compact", "flow"};
    static const float factors[] = {1e12F, 1e30F};
    for (int i = 0; i < 4; i++) {
        Scenario s = {0};
        Ckpt ckpt;
        Estimate e;
        Err err = {0};
        load(&s, &drawn);
        random_checkpoint(&ckpt, presets[i % 2]);
        for (size_t k = 0; k < ckpt.n_floats; k++) ckpt.weights[k] *= factors[i / 2];
        EstimateOptions o = {.method = METHOD_M3, .ckpt = &ckpt, .n_paths = 5, .seed = 1};
        assert_int_equal(estimate_run(&s, &o, NULL, &e, &err), -1);
        assert_int_equal(err.kind, ERR_IO);
        assert_ptr_equal(strstr(err.msg, "checkpoint random: its weights make no sense"), err.msg);
        free(ckpt.weights);
        scenario_free(&s);
    }
}

/* With outputs of 0 the flow model is a narrow distribution about what the fluid simulation says of
 * each flow. */
static void untrained_flow_model(void **state) {
    (void)state;
    Scenario s = {0};
    Ckpt ckpt;
    load(&s, &drawn);
    random_checkpoint(&ckpt, "flow");
    ckpt_init_weights(&ckpt.spec, 1, ckpt.weights);
    EstimateOptions o = {
        .method = METHOD_M3, .ckpt = &ckpt, .n_paths = 200, .seed = 1, .check = {.off = true}};
    Estimate flow = estimate(&s, &o);
    o.method = METHOD_FLOWSIM;
    Estimate fluid = estimate(&s, &o);
    for (int p = 20; p < STATS_N_PCT; p += 10) {
        double want = fluid.slowdown.dist[RESULT_ALL].percentiles[p];
        near(flow.slowdown.dist[RESULT_ALL].percentiles[p], want, 0.25 * want);
    }
    for (int b = 0; b < SIZEBUCKET_N; b++)
        near(flow.slowdown.dist[1 + b].share, fluid.slowdown.dist[1 + b].share, 1e-12);
    free(ckpt.weights);
    scenario_free(&s);
}

/* What is written as JSON reads back as it was. */
static void report_round_trip(void **state) {
    (void)state;
    Scenario s = {0};
    load(&s, &drawn);
    Estimate e = estimate(
        &s, &(EstimateOptions){.method = METHOD_FLOWSIM, .n_paths = 20, .seed = 1, .threads = 1});
    for (int p = 0; p < STATS_N_PCT; p++)
        e.slowdown.dist[2].percentiles[p] = NAN; /* as if without flows */
    e.slowdown.dist[2].q[RESULT_P90] = (SlowdownQuantile){NAN, NAN, NAN};
    char path[] = "/tmp/m3-test-XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    report_json(f, &e, &(ReportMeta){.command = "a \"quoted\" command", .method = "flowsim"});
    assert_int_equal(fclose(f), 0);
    ReportResult back;
    Err err = {0};
    if (report_read(&back, path, NULL, &err) != 0) fail_msg("%s", err.msg);
    for (int i = 0; i < RESULT_N_DISTS; i++) {
        const SlowdownDist *want = &e.slowdown.dist[i], *got = &back.slowdown.dist[i];
        near(got->share, want->share, 0);
        for (int p = 0; p < STATS_N_PCT; p++)
            assert_true(got->percentiles[p] == want->percentiles[p] ||
                        (isnan(got->percentiles[p]) && isnan(want->percentiles[p])));
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            SlowdownQuantile a = want->q[k], b = got->q[k];
            if (isnan(a.value)) assert_true(isnan(b.value));
            else assert_true(a.value == b.value && a.lo == b.lo && a.hi == b.hi);
        }
    }
    assert_true(isnan(back.slowdown.dist[2].percentiles[7]));
    unlink(path);
    scenario_free(&s);
}

/* Slowdowns of any finite size: the table's cells hold them whole, and JSON reads back the same. */
static void huge_slowdowns_are_reported_whole(void **state) {
    (void)state;
    static const double sizes[] = {1, 99.994, 999.94, 1e6, 9.9e14, 1e15, 6e37, 1e30, 1.7e308};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double x = sizes[i];
        ReportCell c = report_cell(&(SlowdownQuantile){x, x * 0.98, x * 1.02});
        char *end;
        near(strtod(c.s, &end) / x, 1, 0.006);
        assert_memory_equal(end, " [", 2);
        near(strtod(end + 2, &end) / x, 0.98, 0.006);
        assert_memory_equal(end, ", ", 2);
        near(strtod(end + 2, &end) / x, 1.02, 0.006);
        assert_string_equal(end, "]");
        c = report_cell(&(SlowdownQuantile){-x, -1.1 * x, (double)INFINITY});
        assert_true(strlen(c.s) <= 56);
    }
    uint64_t size_b[] = {100, 2000, 20000, 90000};
    double slowdown[] = {1, 1e30, 6e37, 1e15};
    Estimate e = {.n_flows = 4};
    aggregate_flows(size_b, slowdown, 4, &e.slowdown);
    char path[] = "/tmp/m3-test-XXXXXX", *table = NULL;
    size_t len;
    FILE *f = fdopen(mkstemp(path), "w"), *t = open_memstream(&table, &len);
    report_json(f, &e, &(ReportMeta){.method = "flowsim"});
    assert_int_equal(fclose(f), 0);
    report_table(t, &e, &(ReportMeta){.method = "flowsim"});
    fclose(t);
    assert_non_null(strstr(table, "6e+37"));
    ReportResult back;
    Err err = {0};
    if (report_read(&back, path, NULL, &err) != 0) fail_msg("%s", err.msg);
    for (int i = 0; i < RESULT_N_DISTS; i++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            assert_true(back.slowdown.dist[i].q[k].value == e.slowdown.dist[i].q[k].value);
    free(table);
    unlink(path);
}

static void quantiles_have_numbers_and_names(void **state) {
    (void)state;
    const double percent[RESULT_N_QUANTILES] = {50, 90, 99, 99.9};
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        const char *name = result_quantile_names[k];
        assert_int_equal(result_quantile_of(percent[k]), k);
        assert_int_equal(result_quantile_named(name, strlen(name)), k);
    }
    assert_int_equal(result_quantile_of(0.99), -1);
    assert_int_equal(result_quantile_of((double)NAN), -1);
    assert_int_equal(result_quantile_named("p99.9", 4), -1);
    assert_int_equal(result_quantile_named("p99.9=", 3), RESULT_P99);
    assert_int_equal(result_quantile_named("P50", 3), -1);
    assert_int_equal(result_quantile_named("", 0), -1);
}

static void public_api(void **state) {
    (void)state;
    char error[M3_ERROR_LEN] = "";
    M3Options o;
    m3_options_init(&o);
    assert_null(m3_estimate(&o, error));
    assert_non_null(strstr(error, "expected a mix"));
    o.mix = NET "mix.json";
    o.n_paths = 100000001;
    assert_null(m3_estimate(&o, error));
    assert_non_null(strstr(error, "n_paths: must be in 0..100000000, got 100000001"));
    o.topo = NET "graph.json";
    o.mix = NET "mix.json";
    o.method = M3_METHOD_FLOWSIM;
    o.n_flows = 3000;
    o.set = (const char *const[]){"max_load=0.3", NULL};
    o.n_paths = 10;
    M3Result *r = m3_estimate(&o, error);
    if (!r) fail_msg("%s", error);
    assert_int_equal(m3_result_n_flows(r), 3000);
    assert_in_range(m3_result_n_paths(r), 1, 10);
    double shares = 0;
    for (int b = 0; b < M3_N_BUCKETS; b++) shares += m3_result_share(r, b);
    near(shares, 1, 1e-12);
    M3Interval q = m3_result_quantile(r, M3_ALL, 99);
    near(q.value, m3_result_percentile(r, M3_ALL, 99), 1e-12);
    assert_true(q.lo <= q.hi && q.value >= 1);
    assert_true(isnan(m3_result_percentile(r, 4, 50)) && isnan(m3_result_percentile(r, 0, 0)) &&
                isnan(m3_result_quantile(r, 0, 98).value));
    assert_null(m3_bucket_label(-2));
    assert_string_equal(m3_bucket_label(M3_ALL), "all");
    char path[] = "/tmp/m3-test-XXXXXX";
    close(mkstemp(path));
    assert_int_equal(m3_result_save(r, path, error), 0);
    ReportResult back;
    assert_int_equal(report_read(&back, path, NULL, NULL), 0);
    near(back.slowdown.dist[RESULT_ALL].q[RESULT_P99].value, q.value, 0);
    assert_int_equal(m3_result_save(r, "/no/such/folder/x", error), -1);
    assert_non_null(strstr(error, "/no/such/folder/x"));
    unlink(path);
    m3_result_free(r);
    m3_result_free(NULL);
}

/* A star of three hosts, and n flows at the same time. */
static void load_star(Scenario *s, const char *rate, double delay_ns, int n, uint64_t size_b,
                      int64_t start_ns) {
    char topo[] = "/tmp/m3-test-XXXXXX", flows[] = "/tmp/m3-test-XXXXXX";
    FILE *t = fdopen(mkstemp(topo), "w"), *f = fdopen(mkstemp(flows), "w");
    assert_true(t && f);
    fputs("{\"nodes\": [", t);
    for (int v = 0; v < 4; v++)
        fprintf(t, "%s{\"id\": %d, \"kind\": \"%s\"}", v ? ", " : "", v, v < 3 ? "host" : "switch");
    fputs("], \"links\": [", t);
    for (int v = 0; v < 3; v++)
        fprintf(t, "%s{\"a\": %d, \"b\": 3, \"rate\": \"%s\", \"delay\": %.0f}", v ? ", " : "", v,
                rate, delay_ns);
    fputs("]}", t);
    fputs("flow,src,dst,size_b,start_ns\n", f);
    for (int i = 0; i < n; i++)
        fprintf(f, "%d,%d,%d,%llu,%lld\n", i, i % 3, (i + 1) % 3, (unsigned long long)size_b,
                (long long)start_ns);
    assert_true(fclose(t) == 0 && fclose(f) == 0);
    load(s, &(ScenarioOptions){.topo_path = topo, .flows_path = flows, .mix_id = -1, .threads = 1});
    unlink(topo);
    unlink(flows);
}

/* What topologies and flow files allow, in all combinations, by fluid simulation and by models:
 * each estimate is of finite slowdowns of at least 1. */
static void extremes_are_finite(void **state) {
    (void)state;
    static const char *const rates[] = {"1bps", "10Gbps", "10000Tbps"};
    static const double delays_ns[] = {0, 1000, 1e12};
    static const uint64_t sizes_b[] = {1, 1000, FLOWS_MAX_SIZE_B};
    static const int64_t starts_ns[] = {0, FLOWS_MAX_START_NS};
    Ckpt ckpt[2];
    random_checkpoint(&ckpt[0], "flow");
    random_checkpoint(&ckpt[1], "compact");
    for (unsigned c = 0; c < 3 * 3 * 3 * 2 * 2; c++) {
        Scenario s = {0};
        int n = c / 54 ? 7 : 1;
        load_star(&s, rates[c % 3], delays_ns[c / 3 % 3], n, sizes_b[c / 9 % 3],
                  starts_ns[c / 27 % 2]);
        for (int k = 0; k < 3; k++) {
            EstimateOptions o = {.method = METHOD_FLOWSIM, .seed = 1, .threads = 1};
            if (k > 0) o.method = METHOD_M3, o.ckpt = &ckpt[k - 1];
            /* Petabytes at 10000 Tb/s: a packet window takes seconds to its limit of events. */
            o.check.off = c % 3 == 2 && c / 9 % 3 == 2;
            Estimate e = estimate(&s, &o);
            const SlowdownDist *all = &e.slowdown.dist[RESULT_ALL];
            assert_int_equal(e.n_flows, n);
            for (int p = 0; p < STATS_N_PCT; p++)
                assert_true(isfinite(all->percentiles[p]) && all->percentiles[p] >= 1);
            for (int q = 0; q < RESULT_N_QUANTILES; q++)
                assert_true(isfinite(all->q[q].lo) && all->q[q].lo <= all->q[q].value &&
                            all->q[q].value <= all->q[q].hi && isfinite(all->q[q].hi));
        }
        scenario_free(&s);
    }
    free(ckpt[0].weights);
    free(ckpt[1].weights);
}

/* An estimate from features that were written and read back, to the bit that of those in memory. */
static void check_features_on_disk(const Scenario *s, const EstimateOptions *o) {
    Features f, back;
    FeaturesSource src, src_back;
    Estimate e, e_back;
    Err err = {0};
    char path[] = "/tmp/m3-test-XXXXXX";
    FILE *out = fdopen(mkstemp(path), "wb");
    assert_non_null(out);
    if (estimate_features(&f, s, o, NULL, &err) != 0 ||
        features_source_init(&src, s, &drawn, "m3 test", &err) != 0)
        fail_msg("%s", err.msg);
    features_write(out, &f, &src);
    assert_int_equal(fclose(out), 0);
    if (features_read(&back, &src_back, path, &err) != 0 ||
        estimate_predict(&f, o, &e, &err) != 0 || estimate_predict(&back, o, &e_back, &err) != 0)
        fail_msg("%s", err.msg);
    assert_memory_equal(&e.slowdown, &e_back.slowdown, sizeof e.slowdown);
    unlink(path);
    features_free(&f);
    features_free(&back);
    features_source_free(&src);
    features_source_free(&src_back);
}

static void features_on_disk_give_the_same(void **state) {
    (void)state;
    static const char *const presets[] = {"flow", "compact"};
    Scenario s = {0};
    load(&s, &drawn);
    for (int p = 0; p < 2; p++) {
        Ckpt ckpt;
        random_checkpoint(&ckpt, presets[p]);
        check_features_on_disk(
            &s, &(EstimateOptions){.method = METHOD_M3, .ckpt = &ckpt, .n_paths = 20, .seed = 5});
        free(ckpt.weights);
    }
    check_features_on_disk(&s,
                           &(EstimateOptions){.method = METHOD_FLOWSIM, .n_paths = 20, .seed = 5});
    scenario_free(&s);
}

/* Last, since the request stays: an interrupted run says so and leaks nothing. */
static void interruption(void **state) {
    (void)state;
    Scenario s = {0};
    Estimate e;
    Err err = {0};
    load(&s, &drawn);
    diag_catch_signals();
    raise(SIGINT);
    assert_int_equal(
        estimate_run(&s, &(EstimateOptions){.method = METHOD_FLOWSIM, .n_paths = 20, .threads = 2},
                     NULL, &e, &err),
        -1);
    assert_int_equal(err.kind, ERR_STOPPED);
    scenario_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_that_share_a_link),
        cmocka_unit_test(all_paths_count_every_flow),
        cmocka_unit_test(sampling_is_unbiased),
        cmocka_unit_test(model_method),
        cmocka_unit_test(absurd_models_are_refused),
        cmocka_unit_test(untrained_flow_model),
        cmocka_unit_test(report_round_trip),
        cmocka_unit_test(huge_slowdowns_are_reported_whole),
        cmocka_unit_test(quantiles_have_numbers_and_names),
        cmocka_unit_test(public_api),
        cmocka_unit_test(streamed_flows_give_the_same),
        cmocka_unit_test(extremes_are_finite),
        cmocka_unit_test(features_on_disk_give_the_same),
        cmocka_unit_test(interruption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
