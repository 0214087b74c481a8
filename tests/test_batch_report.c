/* batch: tables of truth as anyone writes them, and what errors against them come to. Mixes and
 * results are made up here, so that every error is known; test_batch has those of real runs.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "batch/batch_report.h"
#include "batch/batch_results.h"
#include "scratch_folder.h"

/* ---- tables ---- */

static int read_table(BatchTruth *t, const char *text, size_t n, Err *err) {
    char *dir = scratch_folder("truth"), *path = file_join(dir, "t.csv");
    FILE *f = fopen(path, "w");
    fwrite(text, 1, n, f);
    fclose(f);
    int rc = batch_truth_add(t, path, err);
    free(path);
    assert_int_equal(scratch_folder_remove(dir), 0);
    return rc;
}

static void add(BatchTruth *t, const char *text) {
    Err err = {0};
    if (read_table(t, text, strlen(text), &err) != 0) fail_msg("%s", err.msg);
}

static void refused(BatchTruth *t, const char *text, const char *message) {
    Err err = {0};
    assert_int_equal(read_table(t, text, strlen(text), &err), -1);
    if (!strstr(err.msg, message)) fail_msg("expected '%s' in '%s'", message, err.msg);
    assert_int_equal(err.kind, ERR_INPUT);
    batch_truth_free(t);
}

static void same(double x, double y) { assert_true(fabs(x - y) < 1e-12); }

static void tables_may_say_a_thing_once(void **state) {
    (void)state;
    BatchTruth t = {0};
    refused(&t, "id,p99\n7,2\n8,1\n7,3\n", "line 4: mix 7, all: expected p99 of truth once, got 2");
    refused(&t, "id,p99__ns3__mlsys\n7,0.5\n7,0.25\n", "line 3: mix 7, all: expected p99 of m3");
    add(&t, "id,p99\n7,2\n");
    refused(&t, "id,ns3_p99\n8,2\n7,4\n",
            "line 3: mix 7, all: expected p99 of truth once, got 2 and");
    refused(&t, "id,p99,ns3_p99\n7,2,3\n", "columns 'p99' and 'ns3_p99' mean the same");
    refused(&t, "id,id,p99\n7,8,2\n", "columns 'id' and 'id' mean the same");
    /* Rows that complete each other are joined, and so are those that say the same. */
    add(&t, "id,p50,p99\n7,,2\n7,1.5,\n8,NaN,3\n");
    add(&t, "id,ns3_p99,fast_p99\n7,2,2.5\n");
    assert_int_equal(t.n, 2);
    const BatchTruthRow *row = batch_truth_find(&t, "7", RESULT_ALL);
    same(row->value[0][RESULT_P50], 1.5);
    same(row->value[0][RESULT_P99], 2);
    same(row->value[1][RESULT_P99], 2.5);
    batch_truth_free(&t);
}

static void long_names_are_refused(void **state) {
    (void)state;
    BatchTruth t = {0};
    char id[300] = {0}, *text;
    memset(id, 'x', sizeof id - 1);
    refused(&t, "id,abcdefghijklmnopqrstuvwx_p99\n7,2\n", "at most 20 characters");
    text = mem_printf("id,p99\n%s,2\n", id);
    refused(&t, text, "line 2: expected at most 255 characters, got 'xxxx");
    free(text);
    text = mem_printf("id,p99\n%s,2\n%.*sy,3\n", id + 99, 199, id);
    add(&t, text);
    assert_int_equal(t.n, 2);
    assert_non_null(batch_truth_find(&t, id + 99, RESULT_ALL));
    free(text);
    batch_truth_free(&t);
}

static void marks_quotes_and_nan_are_understood(void **state) {
    (void)state;
    BatchTruth t = {0};
    add(&t, "\xEF\xBB\xBFid,p99,p90\r\n\"a,\"\"b\"\"\",2,NAN\r\nc,nan,NaN\r\n");
    const BatchTruthRow *row = batch_truth_find(&t, "a,\"b\"", RESULT_ALL);
    assert_non_null(row);
    same(row->value[0][RESULT_P99], 2);
    assert_true(isnan(row->value[0][RESULT_P90]));
    assert_true(isnan(batch_truth_find(&t, "c", RESULT_ALL)->value[0][RESULT_P99]));
    batch_truth_free(&t);
}

static void bad_tables_are_refused(void **state) {
    (void)state;
    BatchTruth t = {0};
    refused(&t, "", "t.csv: is empty");
    refused(&t, "a,b\n1,2\n", "line 1: expected columns id, bucket and p99");
    refused(&t, "id,bucket,p99\n1,all\n", "line 2: expected 3 columns, got 2");
    refused(&t, "id,bucket,p99\n1,huge,2\n", "line 2: expected all or a bucket");
    refused(&t, "id,bucket,p99\n\n1,all,two\n", "line 3");
    refused(&t, "id,bucket,p99\n1,all,-2\n", "line 2: expected a slowdown above 0");
}

/* Lines in falling order, which insertion one by one would take minutes for. */
static void many_lines_are_quick(void **state) {
    (void)state;
    enum { N = 100000 };
    char *text;
    size_t n;
    BatchTruth t = {0};
    Err err = {0};
    FILE *f = mem_stream_open(&text, &n);
    fputs("id,p99\n", f);
    for (int i = N; i > 0; i--) fprintf(f, "%d,%d\n", i, 1 + i % 7);
    mem_stream_close(f);
    double start_s = diag_now_s();
    assert_int_equal(read_table(&t, text, n, &err), 0);
    assert_true(diag_now_s() - start_s < 10);
    assert_int_equal(t.n, N);
    same(batch_truth_find(&t, "50000", RESULT_ALL)->value[0][RESULT_P99], 1 + 50000 % 7);
    batch_truth_free(&t);
    free(text);
}

/* ---- errors ---- */

enum { N_MIXES = 3 };
static const char *const names[N_MIXES] = {"0", "1", "a,b"};

/* Mixes whose flowsim says 2 and, if asked for, packet simulation 4, everywhere. */
static BatchResults made_up(bool packet) {
    BatchResults r = {.mix = MEM_ZNEW(BatchMix, N_MIXES), .n = N_MIXES};
    for (size_t i = 0; i < r.n; i++) {
        BatchMix *m = &r.mix[i];
        m->name = mem_strdup(names[i]);
        m->facts.matrix = mem_strdup("a");
        m->facts.sizes = mem_strdup("b");
        m->facts.matrix_file = mem_strdup("");
        m->facts.sizes_file = mem_strdup("");
        m->facts.max_load = 0.1 * (double)(i + 1);
        m->by[METHOD_FLOWSIM].there = true;
        m->by[METHOD_PACKET].there = packet;
        for (int d = 0; d < RESULT_N_DISTS; d++)
            for (int k = 0; k < RESULT_N_QUANTILES; k++) {
                m->by[METHOD_FLOWSIM].slowdown.dist[d].q[k].value = 2;
                m->by[METHOD_PACKET].slowdown.dist[d].q[k].value = packet ? 4 : 0;
            }
    }
    return r;
}

static char *table_of(const BatchErrors *e, void (*print)(FILE *, const BatchErrors *)) {
    char *text;
    size_t n;
    FILE *f = mem_stream_open(&text, &n);
    print(f, e);
    mem_stream_close(f);
    return text;
}

static void packets_leave_the_tables_truth(void **state) {
    (void)state;
    BatchResults r = made_up(true);
    BatchTruth t = {0};
    BatchErrors e;
    add(&t, "id,bucket,p50,p99\n0,all,8,\n1,1-10KB,1.5,3\n");
    assert_int_equal(batch_errors_init(&e, &r, &t, "runs", NULL), 0);
    same(e.truth[0][RESULT_ALL][RESULT_P50], 8);
    assert_true(isnan(e.truth[0][RESULT_ALL][RESULT_P99]));
    assert_true(isnan(e.truth[1][RESULT_ALL][RESULT_P99]));
    same(e.truth[2][RESULT_ALL][RESULT_P99], 4);
    assert_true(e.truth_is_packet);
    assert_int_equal(e.n_with_truth, 1);
    batch_errors_free(&e);
    batch_truth_free(&t);
    batch_results_free(&r);
}

static void relative_errors_need_no_truth(void **state) {
    (void)state;
    BatchResults r = made_up(false);
    BatchTruth t = {0};
    BatchErrors e;
    add(&t, "id,p99__ns3__mlsys\n0,0.1\n1,-0.2\n\"a,b\",0.6\n12,1\n13,1\n");
    LogRemarks remarks = {0};
    batch_errors_note_strangers(&r, &t, "runs", &(Log){LOG_QUIET, false, &remarks});
    assert_string_equal(remarks.lines[0], "2 ids of the tables are no mixes of runs");
    log_remarks_free(&remarks);
    assert_int_equal(batch_errors_init(&e, &r, &t, "runs", NULL), 0);
    assert_int_equal(e.n_with_truth, 0);
    assert_int_equal(e.n_with_error, 3);
    assert_true(batch_errors_any(&e));
    char *text = table_of(&e, batch_report_table), *csv = table_of(&e, batch_report_csv);
    assert_non_null(strstr(text, "3 mixes, 0 with a truth, 3 with an error\n"));
    assert_non_null(strstr(text, "m3 (published)              3    30.00    20.00    52.00    60.00"
                                 "   +16.67"));
    assert_non_null(strstr(csv, "\n\"a,b\",m3 (published),all,p99,,,0.6\n"));
    free(text);
    free(csv);
    batch_errors_free(&e);
    batch_truth_free(&t);
    batch_results_free(&r);
}

/* numpy.percentile of {10, 20} %, which have a middle of 15 and nine tenths at 19. */
static void medians_are_between_errors(void **state) {
    (void)state;
    BatchResults r = made_up(false);
    BatchTruth t = {0};
    BatchErrors e;
    add(&t, "id,p99__ns3__mlsys\n0,0.1\n1,-0.2\n");
    assert_int_equal(batch_errors_init(&e, &r, &t, "runs", NULL), 0);
    EvaluateSummary a =
        batch_errors_summary(&e, &e.series[1], RESULT_ALL, RESULT_P99, BATCH_BY_MATRIX, "a");
    assert_int_equal(a.n, 2);
    same(a.mean_abs, 0.15);
    same(a.median_abs, 0.15);
    same(a.p90_abs, 0.19);
    same(a.max_abs, 0.2);
    same(a.mean_signed, -0.05);
    batch_errors_free(&e);
    batch_truth_free(&t);
    batch_results_free(&r);
}

/* Packets alone are a truth of nothing. */
static void tables_without_rows_are_left_out(void **state) {
    (void)state;
    BatchResults r = made_up(true);
    BatchTruth none = {0};
    BatchErrors e;
    for (size_t i = 0; i < r.n; i++) r.mix[i].by[METHOD_FLOWSIM].there = false;
    assert_int_equal(batch_errors_init(&e, &r, &none, "runs", NULL), 0);
    assert_int_equal(e.n_with_truth, N_MIXES);
    assert_int_equal(e.n_with_error, 0);
    assert_false(batch_errors_any(&e));
    char *text = table_of(&e, batch_report_table);
    assert_null(strstr(text, "error"));
    free(text);
    batch_errors_free(&e);
    batch_results_free(&r);
}

static void any_load_has_a_kind(void **state) {
    (void)state;
    static const double load[] = {0, 0.55, 9.99, 10, 1e300, INFINITY, -1, NAN};
    static const char *const kind[] = {"0-5 %",   "55-60 %", "995-1000 %", "1000+ %",
                                       "1000+ %", "1000+ %", "unknown",    "unknown"};
    for (size_t i = 0; i < sizeof load / sizeof *load; i++) {
        BatchFacts f = {.max_load = load[i]};
        assert_string_equal(batch_kinds_of(&f, BATCH_BY_LOAD).s, kind[i]);
    }
}

static void kinds_are_capped(void **state) {
    (void)state;
    BatchResults r = {.mix = MEM_ZNEW(BatchMix, 30), .n = 30};
    BatchTruth t = {0};
    BatchErrors e;
    for (size_t i = 0; i < r.n; i++) {
        BatchMix *m = &r.mix[i];
        m->name = mem_printf("%zu", i);
        m->facts = (BatchFacts){
            .matrix = mem_printf("m%02zu", i), .sizes = mem_strdup("b"), .max_load = 0.5};
    }
    add(&t, "id,p99__ns3__mlsys\n0,0.1\n");
    assert_int_equal(batch_errors_init(&e, &r, &t, "runs", NULL), 0);
    char *text = table_of(&e, batch_report_table);
    assert_non_null(strstr(text, " m23 "));
    assert_null(strstr(text, " m24 "));
    assert_non_null(strstr(text, " and 6 more\n"));
    free(text);
    batch_errors_free(&e);
    batch_truth_free(&t);
    batch_results_free(&r);
}

/* ---- loads.json ---- */

static void facts_refused(const char *sizes_file, const char *load, const char *network,
                          const char *message) {
    char *dir = scratch_folder("loads"), *sub = file_join(dir, "7"),
         *path = file_join(sub, "loads.json");
    BatchFacts f;
    Err err = {0};
    assert_int_equal(file_mkdirs(sub, &err), 0);
    FILE *out = fopen(path, "w");
    fprintf(out,
            "{\"matrix\": \"a\", \"matrix_file\": null, \"sizes\": \"b\", \"sizes_file\": \"%s\", "
            "\"sigma\": 1, \"max_load\": 0.5, \"load\": \"%s\", \"loads\": {\"routed\": "
            "{\"max\": 0.5, \"top10pct\": 0.2}, \"polarised\": {\"max\": null, \"top10pct\": "
            "null}}, \"oversubscription\": 1, \"n_flows\": 10, \"network\": %s}",
            sizes_file, load, network);
    fclose(out);
    int rc = batch_loads_read(&f, dir, "7", &err);
    assert_int_equal(rc, message ? -1 : 0);
    if (message && !strstr(err.msg, message)) fail_msg("expected '%s' in '%s'", message, err.msg);
    if (rc == 0) batch_facts_free(&f);
    free(sub);
    free(path);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void damaged_facts_are_refused(void **state) {
    (void)state;
    facts_refused("b.txt", "routed", "{}", NULL);
    facts_refused("b.txt", "routed", "[]", "loads.json: .network: expected an object");
    facts_refused("b.txt", "mean", "{}", "loads.json: .load: expected routed or polarised");
    facts_refused("-", "routed", "{}", "loads.json: .sizes_file: expected a file, got '-'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_may_say_a_thing_once),
        cmocka_unit_test(long_names_are_refused),
        cmocka_unit_test(marks_quotes_and_nan_are_understood),
        cmocka_unit_test(bad_tables_are_refused),
        cmocka_unit_test(many_lines_are_quick),
        cmocka_unit_test(packets_leave_the_tables_truth),
        cmocka_unit_test(relative_errors_need_no_truth),
        cmocka_unit_test(medians_are_between_errors),
        cmocka_unit_test(tables_without_rows_are_left_out),
        cmocka_unit_test(any_load_has_a_kind),
        cmocka_unit_test(kinds_are_capped),
        cmocka_unit_test(damaged_facts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
