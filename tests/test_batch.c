/* batch: a folder of results, filled, gone on with, shared, and compared with truth.
 *
 * Oracles: results are those of estimate_run to the last digit, however the work was cut up; a
 * folder tells what it depends on; errors by hand. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "batch/batch.h"
#include "batch/batch_errors.h"
#include "batch/batch_folder.h"
#include "scratch_folder.h"

/* Mixes 3 and 5 share their traffic, 8 has another load. The topology has 16 hosts. */
static const char mixes[] =
    "[%s"
    " {\"id\": 3, \"topology\": \"%s/clos-16.json\", \"matrix\": {\"kind\": \"uniform\"},\n"
    "  \"sizes\": \"%s/sizes/webserver.txt\", \"sigma\": 1, \"max_load\": 0.4,\n"
    "  \"network\": {\"window\": \"18KB\"}},\n"
    " {\"id\": 5, \"topology\": \"%s/clos-16.json\", \"matrix\": {\"kind\": \"uniform\"},\n"
    "  \"sizes\": \"%s/sizes/webserver.txt\", \"sigma\": 1, \"max_load\": 0.4,\n"
    "  \"network\": {\"window\": \"9KB\", \"cc\": \"dcqcn\"}},\n"
    " {\"id\": 8, \"topology\": \"%s/clos-16.json\", \"matrix\": {\"kind\": \"uniform\"},\n"
    "  \"sizes\": \"%s/sizes/webserver.txt\", \"sigma\": 1, \"max_load\": 0.6,\n"
    "  \"network\": {\"window\": \"18KB\"}}]\n";

/* A folder with mixes.json in it; the batch itself is in its folder "out". */
typedef struct {
    char *dir, *file, *out;
    Ckpt ckpt;
    const char *inputs[1];
    Method methods[METHOD_N];
    BatchOptions o;
} Case;

static void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void write_mixes(const Case *c, const char *more) {
    char *spec = realpath("spec", NULL), *text;
    assert_non_null(spec);
    text = mem_printf(mixes, more, spec, spec, spec, spec, spec, spec);
    write_text(c->file, text);
    free(text);
    free(spec);
}

static Case *new_case(Method m) {
    Case *c = MEM_ZNEW(Case, 1);
    c->dir = scratch_folder("batch");
    c->file = file_join(c->dir, "mixes.json");
    c->out = file_join(c->dir, "out");
    write_mixes(c, "");
    c->inputs[0] = c->file;
    c->methods[0] = m;
    c->o = (BatchOptions){.plan = {.inputs = c->inputs, .n_inputs = 1},
                          .methods = c->methods,
                          .n_methods = 1,
                          .out = c->out,
                          .n_shards = 1,
                          .jobs = 1,
                          .memory_b = 8e9,
                          .threads = 1,
                          .command = "test"};
    c->o.plan.scenario = (ScenarioOptions){.mix_id = -1, .n_flows = 2000, .seed = 4};
    c->o.estimate = (EstimateOptions){.n_paths = 40, .seed = 4};
    return c;
}

static void free_case(Case *c) {
    assert_int_equal(scratch_folder_remove(c->dir), 0);
    ckpt_free(&c->ckpt);
    free(c->file);
    free(c->out);
    free(c);
}

static BatchInfo run(const Case *c) {
    BatchInfo info;
    Err err = {0};
    if (batch_run(&c->o, NULL, &info, &err) != 0) fail_msg("%s", err.msg);
    return info;
}

static void refused(const Case *c, const char *message) {
    BatchInfo info;
    Err err = {0};
    assert_int_equal(batch_run(&c->o, NULL, &info, &err), -1);
    if (!strstr(err.msg, message)) fail_msg("expected '%s' in '%s'", message, err.msg);
    assert_int_equal(err.kind, ERR_INPUT);
}

static BatchResults results(const Case *c) {
    BatchResults r;
    Err err = {0};
    if (batch_results_read(&r, c->out, &err) != 0) fail_msg("%s", err.msg);
    return r;
}

static void same_slowdowns(const Slowdowns *a, const Slowdowns *b) {
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        for (int p = 0; p < STATS_N_PCT; p++)
            if (isfinite(a->dist[d].percentiles[p]) || isfinite(b->dist[d].percentiles[p]))
                assert_true(a->dist[d].percentiles[p] == b->dist[d].percentiles[p]);
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            if (isfinite(a->dist[d].q[k].value)) {
                assert_true(a->dist[d].q[k].value == b->dist[d].q[k].value);
                assert_true(a->dist[d].q[k].lo == b->dist[d].q[k].lo);
                assert_true(a->dist[d].q[k].hi == b->dist[d].q[k].hi);
            }
    }
}

/* ---- the work ---- */

static void results_are_those_of_single_estimates(void **state) {
    (void)state;
    Case *c = new_case(METHOD_M3);
    Err err = {0};
    assert_int_equal(estimate_load_ckpt(&c->ckpt, "ckpts/default", &err), 0);
    c->o.estimate.ckpt = &c->ckpt;
    c->o.ckpt_sha256 = "x";
    c->o.estimate.check = (CheckBudget){.share = 0.3};
    c->methods[1] = METHOD_FLOWSIM;
    c->o.n_methods = 2;
    BatchInfo info = run(c);
    assert_int_equal(info.n_made, 6);
    assert_int_equal(info.n_failed, 0);
    BatchResults r = results(c);
    assert_int_equal(r.n, 3);
    for (size_t i = 0; i < r.n; i++)
        for (int m = 0; m <= METHOD_FLOWSIM; m++) {
            Scenario s;
            Estimate e;
            ScenarioOptions so = c->o.plan.scenario;
            EstimateOptions eo = c->o.estimate;
            so.mix_path = c->file;
            so.mix_id = strtol(r.mix[i].name, NULL, 10);
            eo.method = (Method)m;
            eo.fall_back = true;
            eo.check.off = m == METHOD_FLOWSIM;
            assert_int_equal(scenario_load(&s, &so, NULL, &err), 0);
            assert_int_equal(estimate_run(&s, &eo, NULL, &e, &err), 0);
            assert_true(r.mix[i].by[m].there);
            same_slowdowns(&e.slowdown, &r.mix[i].by[m].slowdown);
            scenario_free(&s);
        }
    assert_true(r.mix[1].by[METHOD_M3].slowdown.dist[0].q[RESULT_P99].value !=
                r.mix[0].by[METHOD_M3].slowdown.dist[0].q[RESULT_P99].value);
    batch_results_free(&r);
    free_case(c);
}

static void packet_results_have_no_interval(void **state) {
    (void)state;
    Case *c = new_case(METHOD_PACKET);
    run(c);
    BatchResults r = results(c);
    for (size_t i = 0; i < r.n; i++) {
        const SlowdownQuantile *q = &r.mix[i].by[METHOD_PACKET].slowdown.dist[0].q[RESULT_P99];
        assert_true(q->value > 1);
        assert_true(q->lo == q->value && q->hi == q->value);
    }
    batch_results_free(&r);
    free_case(c);
}

static void what_is_there_is_kept(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    c->o.plan.ids = "3..5";
    assert_int_equal(run(c).n_made, 2);
    char *lost = batch_folder_path(c->out, "3", "flowsim", ".json");
    char *kept = batch_folder_path(c->out, "5", "flowsim", ".json");
    assert_int_equal(remove(lost), 0);
    write_text(kept, "kept as it is }\n");
    c->o.plan.ids = NULL;
    c->o.jobs = 2;
    BatchInfo info;
    Err err = {0};
    /* The one that was kept is damaged, which the summary finds. */
    assert_int_equal(batch_run(&c->o, NULL, &info, &err), -1);
    assert_non_null(strstr(err.msg, "5/flowsim.json"));
    assert_true(file_exists(lost));
    write_text(kept, "{\"schema\": "); /* cut: made again */
    info = run(c);
    assert_int_equal(info.n_made, 1);
    assert_int_equal(info.n_kept, 2);
    assert_int_equal(info.n_mixes, 3);
    free(lost);
    free(kept);
    free_case(c);
}

static void shards_are_parts_of_the_whole(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    c->o.n_shards = 2;
    BatchInfo a = run(c);
    assert_int_equal(a.n_made, 2); /* the group of mixes 3 and 5 */
    assert_int_equal(a.n_groups, 1);
    c->o.shard = 1;
    BatchInfo b = run(c);
    assert_int_equal(b.n_made, 1);
    assert_int_equal(b.n_kept, 0);
    c->o.shard = 0;
    c->o.n_shards = 1;
    assert_int_equal(run(c).n_kept, 3);
    free_case(c);
}

static void a_mix_that_fails_is_recorded(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    char *spec = realpath("spec", NULL), *empty = file_join(c->dir, "empty.txt");
    /* A size distribution without sizes is found only when it is read. */
    char *more = mem_printf("{\"id\": 1, \"topology\": \"%s/clos-16.json\", \"matrix\": "
                            "{\"kind\": \"uniform\"}, \"sizes\": \"empty.txt\", \"sigma\": 1, "
                            "\"max_load\": 0.4},\n",
                            spec);
    write_text(empty, "");
    write_mixes(c, more);
    BatchInfo info = run(c);
    assert_int_equal(info.n_made, 3);
    assert_int_equal(info.n_failed, 1);
    assert_non_null(strstr(info.failure, "mix 1, flowsim: "));
    assert_non_null(strstr(info.failure, "empty.txt"));
    free(spec);
    free(empty);
    free(more);
    free_case(c);
}

/* ---- plans ---- */

static BatchPlan plan(const Case *c) {
    BatchPlan p;
    Err err = {0};
    if (batch_plan_load(&p, &c->o.plan, NULL, &err) != 0) fail_msg("%s", err.msg);
    return p;
}

/* Writes mixes of our form, all of one traffic but for what `differ` writes of mix i. */
static void write_many(const Case *c, size_t n, void (*differ)(FILE *f, size_t i)) {
    FILE *f = fopen(c->file, "w");
    char *spec = realpath("spec", NULL);
    for (size_t i = 0; i < n; i++) {
        fprintf(f,
                "%c{\"id\": %zu, \"topology\": \"%s/clos-16.json\", \"sizes\": "
                "\"%s/sizes/webserver.txt\"",
                i == 0 ? '[' : ',', i, spec, spec);
        differ(f, i);
        fputs("}\n", f);
    }
    fputs("]\n", f);
    assert_int_equal(fclose(f), 0);
    free(spec);
}

/* Every member that shapes traffic takes two values; so do two that don't. */
static void bits_of(FILE *f, size_t i) {
    fprintf(f, ", \"matrix\": {\"kind\": \"%c\", \"seed\": %zu}", i & 1 ? 'a' : 'b',
            1 + (i >> 1 & 1));
    fprintf(f, ", \"max_load\": %g, \"sigma\": %zu", i & 4 ? 0.4 : 0.5, 1 + (i >> 3 & 1));
    fprintf(f, i & 16 ? ", \"n_flows\": 100" : ", \"duration\": %zu", 1 + (i >> 5 & 1));
    fprintf(f, ", \"network\": {\"window\": \"%zuKB\", \"pfc\": %zu}", 9 + (i >> 6 & 1),
            i >> 7 & 1);
}

/* Groups are numbered by their first mix, and are those of comparing each mix with all before. */
static void groups_are_the_mixes_of_one_traffic(void **state) {
    (void)state;
    enum { N = 256 };
    Case *c = new_case(METHOD_FLOWSIM);
    write_many(c, N, bits_of);
    BatchPlan p = plan(c);
    size_t n_groups = 0;
    assert_int_equal(p.n, N);
    for (size_t i = 0; i < N; i++) {
        size_t first = 0;
        while (!mix_same_traffic(&p.items[first].mix, &p.items[i].mix)) first++;
        assert_int_equal(p.items[i].group, first == i ? n_groups : p.items[first].group);
        n_groups += first == i;
    }
    assert_int_equal(p.n_groups, n_groups);
    assert_int_equal(n_groups, 16 * 3); /* of n_flows mixes, two durations are the same */
    batch_plan_free(&p);
    free_case(c);
}

static void load_of(FILE *f, size_t i) {
    fprintf(f, ", \"matrix\": {\"kind\": \"a\"}, \"sigma\": 1, \"max_load\": %.9g",
            0.1 + 1e-6 * (double)i);
}

/* Comparing each with all others would take half a minute. */
static void large_plans_are_quick(void **state) {
    (void)state;
    enum { N = 60000 };
    Case *c = new_case(METHOD_FLOWSIM);
    write_many(c, N, load_of);
    clock_t start = clock();
    BatchPlan p = plan(c);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 10);
    assert_int_equal(p.n_groups, N);
    batch_plan_free(&p);
    free_case(c);
}

/* ---- several processes ---- */

/* Writes the lock of a mix, as process `pid` of this host would, and returns its path. */
static char *put_lock(const Case *c, const char *name, pid_t pid) {
    char host[65] = "", *folder = file_join(c->out, name);
    assert_int_equal(file_mkdirs(folder, NULL), 0);
    gethostname(host, 64);
    char *text = mem_printf("%ld %s\n", (long)pid, host), *path = file_join(folder, "lock");
    write_text(path, text);
    free(text);
    free(folder);
    return path;
}

static void locks_of_the_living_hold(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    c->o.plan.ids = "3";
    run(c);
    c->o.plan.ids = NULL;
    free(put_lock(c, "8", getppid()));
    BatchInfo info = run(c);
    assert_int_equal(info.n_elsewhere, 1);
    assert_int_equal(info.n_made, 1);

    pid_t dead = fork();
    if (dead == 0) _exit(0);
    assert_int_equal(waitpid(dead, NULL, 0), dead);
    char *lock = put_lock(c, "8", dead);
    info = run(c);
    assert_int_equal(info.n_elsewhere, 0);
    assert_int_equal(info.n_made, 1);
    assert_false(file_exists(lock));
    free(lock);
    free_case(c);
}

static void processes_share_a_folder(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    enum { N = 4 };
    pid_t pid[N];
    for (int i = 0; i < N; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            BatchInfo info;
            _exit(batch_run(&c->o, NULL, &info, NULL) == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < N; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(run(c).n_kept, 3);
    free_case(c);
}

/* Its number may be another process's by now: a lock that nobody touches is dead, too. */
static void locks_grow_stale(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    c->o.plan.ids = "3,5";
    run(c);
    c->o.plan.ids = NULL;
    char *lock = put_lock(c, "8", getppid());
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, lock, old, 0), 0);
    assert_int_equal(run(c).n_made, 1);
    free(lock);
    free_case(c);
}

/* One mix is being made elsewhere, another fails: that is a failure. */
static void failures_are_not_elsewhere(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    char *blocked = batch_folder_path(c->out, "3", "flowsim", ".json");
    c->o.plan.ids = "5";
    run(c);
    c->o.plan.ids = NULL;
    free(put_lock(c, "8", getppid()));
    assert_int_equal(file_mkdirs(blocked, NULL), 0); /* a folder where the result should be */
    BatchInfo info = run(c);
    assert_int_equal(info.n_elsewhere, 1);
    assert_int_equal(info.n_failed, 1);
    assert_int_equal(info.n_kept, 1);
    assert_non_null(strstr(info.failure, "mix 3, flowsim: "));
    free(blocked);
    free_case(c);
}

/* Runs the batch where no file may have more than 45 bytes: locks do not, messages do. */
static void run_on_a_full_disk(const Case *c) {
    BatchInfo info;
    Err err = {0};
    struct rlimit few = {45, 45};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &few) != 0) _exit(1);
    if (batch_run(&c->o, NULL, &info, &err) == 0 || err.kind != ERR_IO) _exit(2);
    if (!strstr(err.msg, "/3/flowsim.error: cannot write: File too large")) _exit(3);
    _exit(info.n_groups_made == 1 ? 0 : 4);
}

/* Results that can be written nowhere aren't computed one after the other. */
static void a_full_disk_ends_the_batch(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    c->o.plan.ids = "5";
    run(c);
    c->o.plan.ids = NULL;
    int status;
    pid_t pid = fork();
    if (pid == 0) run_on_a_full_disk(c);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(run(c).n_made, 2);
    free_case(c);
}

/* A run that is killed leaves whole results, and its locks to be taken over. */
static void a_killed_run_is_gone_on_with(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    c->o.plan.scenario.n_flows = 200000;
    pid_t pid = fork();
    if (pid == 0) {
        BatchInfo info;
        _exit(batch_run(&c->o, NULL, &info, NULL));
    }
    char *lock = batch_folder_path(c->out, "3", "lock", "");
    for (int i = 0; i < 2000 && !file_exists(lock); i++) usleep(1000);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    BatchInfo info = run(c);
    assert_int_equal(info.n_made + info.n_kept, 3);
    assert_int_equal(info.n_elsewhere, 0);
    free(lock);
    free_case(c);
}

/* ---- what a folder depends on ---- */

static void another_batch_is_refused(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    run(c);
    c->o.estimate.seed = 5;
    refused(c, "holds a batch with seed '4', this one has '5'");
    c->o.estimate.seed = 4;
    c->o.estimate.n_paths = 41;
    refused(c, "holds a batch with paths '40', this one has '41'");
    c->o.estimate.n_paths = 40;
    write_mixes(c, " ");
    refused(c, "made with another");
    write_mixes(c, "");
    run(c);
    char *manifest = file_join(c->out, "manifest.json");
    assert_int_equal(remove(manifest), 0);
    refused(c, "isn't empty and holds no batch");
    free(manifest);
    free_case(c);
}

static void ids_must_exist(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    c->o.plan.ids = "3,9";
    refused(c, "--ids: no mix has id 9");
    c->o.plan.ids = "10..20";
    refused(c, "--ids: no mix has an id from 10 to 20");
    c->o.plan.ids = "5..3";
    refused(c, "--ids: expected LO..HI");
    c->o.plan.ids = "x";
    refused(c, "--ids");
    assert_false(file_exists(c->out));
    free_case(c);
}

/* ---- truth ---- */

/* Errors of −50 %, 0 and +100 % by tables made of the results. */
static void errors_are_relative_to_the_table(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    run(c);
    BatchResults r = results(c);
    char *table = file_join(c->dir, "truth.csv"), *other = file_join(c->dir, "other.csv");
    FILE *f = fopen(table, "w");
    fputs("id,bucket,ns3_p99,fast_p99\n", f);
    static const double factor[] = {2, 1, 0.5};
    for (size_t i = 0; i < 3; i++) {
        double p99 = r.mix[i].by[METHOD_FLOWSIM].slowdown.dist[0].q[RESULT_P99].value;
        fprintf(f, "%s,all,%.17g,%.17g\n", r.mix[i].name, p99 * factor[i], p99 * 2 * factor[i]);
    }
    fclose(f);
    write_text(other, "id,p99__ns3__mlsys\n3,-0.25\n8,0.125\n");
    BatchTruth t = {0};
    BatchErrors e;
    Err err = {0};
    assert_int_equal(batch_truth_add(&t, table, &err), 0);
    assert_int_equal(batch_truth_add(&t, other, &err), 0);
    assert_int_equal(batch_errors_init(&e, &r, &t, c->out, &err), 0);
    assert_int_equal(e.n_series, 3);
    assert_int_equal(e.n_with_truth, 3);
    double x[3];
    assert_string_equal(e.series[0].label, "flowsim");
    assert_int_equal(batch_errors_of(&e, &e.series[0], 0, RESULT_P99, 0, NULL, x), 3);
    assert_true(fabs(x[0] - (-0.5)) < 1e-12);
    assert_true(fabs(x[1] - (0)) < 1e-12);
    assert_true(fabs(x[2] - (1)) < 1e-12);
    assert_string_equal(e.series[1].label, "fast (published)");
    assert_int_equal(batch_errors_of(&e, &e.series[1], 0, RESULT_P99, 0, NULL, x), 3);
    assert_true(fabs(x[1] - (1)) < 1e-12);
    assert_string_equal(e.series[2].label, "m3 (published)");
    assert_int_equal(batch_errors_of(&e, &e.series[2], 0, RESULT_P99, 0, NULL, x), 2);
    assert_true(fabs(x[1] - (0.125)) < 1e-12);
    /* Mix 8 alone has load 0.6. */
    assert_int_equal(batch_errors_of(&e, &e.series[0], 0, RESULT_P99, BATCH_BY_LOAD, "60-65 %", x),
                     1);
    assert_true(fabs(x[0] - (1)) < 1e-12);
    assert_int_equal(batch_errors_of(&e, &e.series[0], 0, RESULT_P50, 0, NULL, x), 0);
    batch_errors_free(&e);
    batch_truth_free(&t);
    batch_results_free(&r);
    free(table);
    free(other);
    free_case(c);
}

static void packet_results_are_truth_without_a_table(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    run(c);
    c->methods[0] = METHOD_PACKET;
    c->o.plan.ids = "8";
    run(c);
    BatchResults r = results(c);
    BatchTruth none = {0};
    BatchErrors e;
    double x[3];
    assert_int_equal(batch_errors_init(&e, &r, &none, c->out, NULL), 0);
    assert_int_equal(e.n_series, 1);
    assert_int_equal(e.n_with_truth, 1);
    assert_int_equal(batch_errors_of(&e, &e.series[0], 0, RESULT_P99, 0, NULL, x), 1);
    double truth = r.mix[2].by[METHOD_PACKET].slowdown.dist[0].q[RESULT_P99].value;
    double fluid = r.mix[2].by[METHOD_FLOWSIM].slowdown.dist[0].q[RESULT_P99].value;
    assert_true(fabs(x[0] - (fluid / truth - 1)) < 1e-12);
    batch_errors_free(&e);
    batch_results_free(&r);
    free_case(c);
}

static void truth_of_other_mixes_is_refused(void **state) {
    (void)state;
    Case *c = new_case(METHOD_FLOWSIM);
    run(c);
    BatchResults r = results(c);
    char *table = file_join(c->dir, "truth.csv");
    BatchTruth t = {0};
    BatchErrors e;
    Err err = {0};
    write_text(table, "id,p99\n77,2\n");
    assert_int_equal(batch_truth_add(&t, table, &err), 0);
    assert_int_equal(batch_errors_init(&e, &r, &t, c->out, &err), -1);
    assert_non_null(strstr(err.msg, "none of its ids (77, …) is a mix of"));
    batch_truth_free(&t);
    batch_results_free(&r);
    free(table);
    free_case(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_those_of_single_estimates),
        cmocka_unit_test(packet_results_have_no_interval),
        cmocka_unit_test(what_is_there_is_kept),
        cmocka_unit_test(shards_are_parts_of_the_whole),
        cmocka_unit_test(a_mix_that_fails_is_recorded),
        cmocka_unit_test(groups_are_the_mixes_of_one_traffic),
        cmocka_unit_test(large_plans_are_quick),
        cmocka_unit_test(locks_of_the_living_hold),
        cmocka_unit_test(locks_grow_stale),
        cmocka_unit_test(failures_are_not_elsewhere),
        cmocka_unit_test(a_full_disk_ends_the_batch),
        cmocka_unit_test(processes_share_a_folder),
        cmocka_unit_test(a_killed_run_is_gone_on_with),
        cmocka_unit_test(another_batch_is_refused),
        cmocka_unit_test(ids_must_exist),
        cmocka_unit_test(errors_are_relative_to_the_table),
        cmocka_unit_test(packet_results_are_truth_without_a_table),
        cmocka_unit_test(truth_of_other_mixes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
