/* Jobs of the public API: what a caller may know of M3Job, arrays against files, several at once,
 * callbacks and interruption, sweeps and simulations. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "m3.h"

#define NET "tests/cli/net/"

int openblas_get_num_threads(void);

/* A quick job that needs no checkpoint. */
static M3Job fluid_job(void) {
    M3Job j;
    m3_job_init(&j, sizeof j);
    j.options.topo = NET "graph.json";
    j.options.mix = NET "mix.json";
    j.options.n_flows = 1000;
    j.options.n_paths = 10;
    j.options.method = M3_METHOD_FLOWSIM;
    j.options.threads = 2;
    return j;
}

static M3Result *estimate(const M3Job *j) {
    M3Error error;
    M3Result *r = m3_job_estimate(j, &error);
    if (!r) fail_msg("%s", error.text);
    return r;
}

static void refused(const M3Job *j, const char *message) {
    M3Error error = {0};
    assert_null(m3_job_estimate(j, &error));
    assert_int_equal(error.kind, M3_ERROR_INPUT);
    if (!strstr(error.text, message)) fail_msg("'%s' lacks '%s'", error.text, message);
}

static void same_results(const M3Result *a, const M3Result *b) {
    for (int bucket = M3_ALL; bucket < M3_N_BUCKETS; bucket++)
        for (int p = 1; p <= 100; p++) {
            double x = m3_result_percentile(a, bucket, p), y = m3_result_percentile(b, bucket, p);
            assert_true(x == y || (isnan(x) && isnan(y)));
        }
}

/* A caller that was built with an m3.h of fewer members, or of more. */
static void job_of_other_versions(void **state) {
    (void)state;
    M3Job whole = fluid_job();
    M3Result *want = estimate(&whole);
    struct {
        M3Job job;
        char more[16];
    } larger = {.more = "untouched before"};
    size_t small = offsetof(M3Job, check_share);

    memset(&larger.job, 0x5a, sizeof larger.job);
    m3_job_init(&larger.job, small);
    assert_int_equal(((char *)&larger.job)[small], 0x5a);
    larger.job.options = whole.options;
    M3Result *r = estimate(&larger.job);
    same_results(r, want);
    m3_result_free(r);

    m3_job_init(&larger.job, sizeof larger);
    for (size_t i = 0; i < sizeof larger.more; i++) assert_int_equal(larger.more[i], 0);
    larger.job.options = whole.options;
    r = estimate(&larger.job);
    same_results(r, want);
    m3_result_free(r);
    larger.more[3] = 1;
    refused(&larger.job, "a member is set that libm3");
    m3_result_free(want);
}

static void wrong_jobs(void **state) {
    (void)state;
    refused(NULL, "job: expected one, got NULL");
    assert_null(m3_job_estimate(NULL, NULL));
    char text[M3_ERROR_LEN] = "";
    assert_null(m3_estimate(NULL, NULL));
    assert_null(m3_estimate(NULL, text));
    assert_string_equal(text, "expected options, got NULL");
    assert_int_equal(m3_result_save(NULL, "x", NULL), -1);
    m3_options_init(NULL);
    m3_job_init(NULL, sizeof(M3Job));
    assert_true(isnan(m3_result_percentile(NULL, M3_ALL, 50)) && m3_result_n_flows(NULL) == 0);
    assert_int_equal(m3_result_times(NULL, NULL), -1);
    M3Job j = fluid_job();
    j.size = 8;
    refused(&j, "m3_job_init sets it");
    j = fluid_job();
    j.options.method = (M3Method)9;
    refused(&j, "method: unknown number 9");
    j = fluid_job();
    M3Topology t = {.n_nodes = 3};
    j.topology = &t;
    refused(&j, "a file or arrays, got both");
    j.options.topo = NULL;
    refused(&j, "expected is_host and cables, got NULL");
    j = fluid_job();
    M3Flows f = {.n = 1};
    j.flows = &f;
    refused(&j, "flows are given");
    j.options.n_flows = 0;
    refused(&j, "expected src, dst, size_b and start_ns, got NULL");
}

/* Without a target its quantile is checked as well: the model's estimate looks it up. */
static void wrong_quantiles(void **state) {
    (void)state;
    M3Job j = fluid_job();
    j.options.method = M3_METHOD_M3;
    j.options.check_s = 0.01;
    const double wrong[] = {0, 42, 99.99, (double)NAN};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        j.target_quantile = wrong[i];
        refused(&j, "target_quantile: expected 50, 90, 99 or 99.9, got");
    }
}

/* Two hosts at a switch, where everything is known: a flow of one packet alone. */
static void arrays(void **state) {
    (void)state;
    const M3Cable cables[] = {{0, 2, 10e9, 1000, 0}, {1, 2, 10e9, 1000, 0}};
    const M3Topology t = {.name = "pair",
                          .n_nodes = 3,
                          .n_cables = 2,
                          .is_host = (const uint8_t[]){1, 1, 0},
                          .cables = cables};
    const M3Flows f = {.n = 2,
                       .src = (const uint64_t[]){1, 0},
                       .dst = (const uint64_t[]){0, 1},
                       .size_b = (const uint64_t[]){1000, 500},
                       .start_ns = (const int64_t[]){1000000, 0}};
    M3Job j;
    M3Error error;
    M3Times times;
    m3_job_init(&j, sizeof j);
    j.topology = &t;
    j.flows = &f;
    M3Result *r = m3_job_simulate(&j, &error);
    if (!r) fail_msg("%s", error.text);
    assert_int_equal(m3_result_times(r, &times), 0);
    assert_int_equal(times.n, 2);
    assert_int_equal(times.flow[0], 1); /* in order of start */
    assert_int_equal(times.src[0], 0);
    assert_int_equal(times.size_b[0], 500);
    assert_true(fabs(times.fct_ns[1] - 2 * (1048 * 0.8 + 1000)) < 1);
    assert_true(times.fct_ns[1] == times.ideal_fct_ns[1]);
    assert_true(m3_result_percentile(r, M3_ALL, 99) == 1);
    assert_non_null(strstr(m3_result_json(r), "\"schema\": \"m3.simulate/1\""));
    assert_non_null(strstr(m3_result_json(r), "\"topo\": \"pair\""));
    m3_result_free(r);
}

/* What only estimates and sweeps read may hold anything. */
static void simulations_read_no_options_of_estimates(void **state) {
    (void)state;
    M3Job j = fluid_job(), odd = fluid_job();
    j.options.n_flows = odd.options.n_flows = 200;
    odd.options.method = (M3Method)9;
    odd.options.check_s = (double)NAN;
    odd.options.n_paths = UINT64_MAX;
    odd.options.ckpt = "no/such/checkpoint";
    odd.options.published = 1;
    odd.check_share = -1;
    odd.target_error = odd.target_quantile = -1;
    odd.max_paths = 0;
    odd.exact = odd.whole = odd.parsimon_independent = odd.parsimon_cluster = 1;
    odd.rank_bucket = 99;
    M3Error error = {0};
    M3Result *want = m3_job_simulate(&j, &error), *got = m3_job_simulate(&odd, &error);
    if (!want || !got) fail_msg("%s", error.text);
    same_results(want, got);
    m3_result_free(want);
    m3_result_free(got);
    j.options.threads = -1;
    assert_null(m3_job_simulate(&j, &error));
    assert_non_null(strstr(error.text, "threads: must be in"));
}

/* ---- several at once ---- */

static void *model_estimate(void *arg) {
    const char *const set[] = {arg, NULL};
    M3Job j = fluid_job();
    j.options.method = M3_METHOD_M3;
    j.options.set = set;
    j.options.check_s = 0.01;
    return m3_job_estimate(&j, NULL);
}

static void jobs_at_once(void **state) {
    (void)state;
    enum { N = 3 };
    static char settings[N][16] = {"window=10000", "cc=hp", "cc=dcqcn"};
    pthread_t ids[N];
    int blas_threads = openblas_get_num_threads();
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, model_estimate, settings[i]), 0);
    for (int i = 0; i < N; i++) {
        void *at_once;
        pthread_join(ids[i], &at_once);
        M3Result *alone = model_estimate(settings[i]);
        assert_non_null(alone);
        assert_non_null(at_once);
        same_results(at_once, alone);
        m3_result_free(alone);
        m3_result_free(at_once);
    }
    assert_int_equal(openblas_get_num_threads(), blas_threads);
}

/* ---- callbacks ---- */

typedef struct {
    int n_lines, n_progress, stop_at;
} Calls;

static void on_line(void *user, int level, const char *line) {
    assert_true(level == 1 || level == 2);
    assert_null(strchr(line, '\n'));
    ((Calls *)user)->n_lines++;
}

static int on_progress(void *user, const char *what, uint64_t done, uint64_t total) {
    Calls *c = user;
    assert_true(strlen(what) > 0 && (total == 0 || done <= total));
    return ++c->n_progress == c->stop_at;
}

static void callbacks_and_interruption(void **state) {
    (void)state;
    const char *const set[] = {"window=1KB", NULL};
    Calls calls = {0};
    M3Job j = fluid_job();
    M3Error error;
    j.options.set = set;
    j.user = &calls;
    j.log = on_line;
    j.progress = on_progress;
    m3_result_free(m3_job_simulate(&j, &error));
    assert_true(calls.n_lines > 0 && calls.n_progress > 0);
    for (int at = 1; at <= 2; at++) {
        calls = (Calls){.stop_at = at};
        assert_null(m3_job_simulate(&j, &error));
        assert_int_equal(error.kind, M3_ERROR_STOPPED);
        assert_int_equal(calls.n_progress, at); /* not called again */
    }
    int flag = 1;
    j.stop = &flag;
    assert_null(m3_job_estimate(&j, &error));
    assert_int_equal(error.kind, M3_ERROR_STOPPED);
    flag = 0;
    calls = (Calls){0};
    m3_result_free(estimate(&j)); /* what stopped others holds no longer */
}

/* ---- sweeps and files ---- */

static void sweeps(void **state) {
    (void)state;
    const char *const set[] = {"max_load=0.3,0.5", "sigma=1", NULL};
    M3Job j = fluid_job();
    M3Error error;
    assert_null(m3_job_sweep(&j, &error));
    assert_non_null(strstr(error.text, "set: expected a setting"));
    j.options.set = set;
    j.target_error = 0.1; /* nothing adds paths or windows to a sweep */
    assert_null(m3_job_sweep(&j, &error));
    assert_non_null(strstr(error.text, "target_error and whole are of estimates"));
    j.target_error = 0;
    j.whole = 1;
    assert_null(m3_job_sweep(&j, &error));
    assert_non_null(strstr(error.text, "target_error and whole are of estimates"));
    j.whole = 0;
    j.rank_quantile = 98;
    assert_null(m3_job_sweep(&j, &error));
    assert_non_null(strstr(error.text, "rank_quantile"));
    j.rank_quantile = 99.9;
    M3Sweep *s = m3_job_sweep(&j, &error);
    if (!s) fail_msg("%s", error.text);
    assert_int_equal(m3_sweep_n_rows(s), 2);
    assert_int_equal(m3_sweep_n_axes(s), 2);
    assert_string_equal(m3_sweep_key(s, 1), "sigma");
    assert_string_equal(m3_sweep_value(s, 1, 0), "0.5");
    assert_null(m3_sweep_key(s, 2));
    assert_null(m3_sweep_value(s, 2, 0));
    assert_null(m3_sweep_row(s, 2));
    assert_null(m3_result_json(m3_sweep_row(s, 0)));
    const char *const first[] = {"max_load=0.3", "sigma=1", NULL};
    j.options.set = first;
    M3Result *alone = estimate(&j);
    same_results(m3_sweep_row(s, 0), alone);
    double a = m3_result_quantile(m3_sweep_row(s, 0), M3_ALL, 99.9).value,
           b = m3_result_quantile(m3_sweep_row(s, 1), M3_ALL, 99.9).value;
    assert_int_equal(m3_sweep_best(s), a <= b ? 0 : 1);
    assert_true(m3_result_error(m3_sweep_row(s, 0), m3_sweep_row(s, 1), M3_ALL, 99.9) ==
                (b - a) / a);
    m3_result_free(alone);
    m3_sweep_free(s);
    m3_sweep_free(NULL);
}

static void specs_that_come_with_m3_are_found(void **state) {
    (void)state;
    M3Job j = fluid_job();
    M3Result *want = NULL;
    for (int i = 0; i < 2; i++) {
        j.options.topo = i == 0 ? "spec/clos-256-2to1.json" : "clos-256-2to1.json";
        j.options.mix = i == 0 ? "spec/demo.json" : "demo.json";
        M3Result *r = estimate(&j);
        if (want) same_results(r, want);
        else want = r;
        if (r != want) m3_result_free(r);
    }
    m3_result_free(want);
    j.options.mix = "no-such-mix.json";
    refused(&j, "no-such-mix.json: cannot open: No such file");
}

static void files(void **state) {
    (void)state;
    char path[] = "/tmp/m3-test-XXXXXX", text[M3_ERROR_LEN];
    M3Error error;
    M3Times times;
    M3Job j = fluid_job();
    M3Result *r = estimate(&j);
    assert_int_equal(m3_result_times(r, &times), -1);
    assert_int_equal(times.n, 0);
    close(mkstemp(path));
    assert_int_equal(m3_result_save(r, path, text), 0);
    M3Result *back = m3_result_read(path, &error);
    if (!back) fail_msg("%s", error.text);
    same_results(r, back);
    assert_null(m3_result_json(back));
    assert_int_equal(m3_result_save(back, path, text), -1);
    m3_result_free(back);
    m3_result_free(r);
    unlink(path);
    assert_null(m3_result_read(path, &error));
    assert_non_null(strstr(error.text, path));
    assert_null(m3_result_read(NULL, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(job_of_other_versions),
        cmocka_unit_test(wrong_jobs),
        cmocka_unit_test(wrong_quantiles),
        cmocka_unit_test(simulations_read_no_options_of_estimates),
        cmocka_unit_test(arrays),
        cmocka_unit_test(jobs_at_once),
        cmocka_unit_test(callbacks_and_interruption),
        cmocka_unit_test(sweeps),
        cmocka_unit_test(specs_that_come_with_m3_are_found),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
