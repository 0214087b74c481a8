/* The page: text from files stays text, every reference on it has its target, nothing is loaded
 * from elsewhere, and it can be made without gnuplot.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "estimate/aggregate.h"
#include "estimate/report.h"
#include "publish/figure.h"
#include "publish/html.h"
#include "publish/page.h"
#include "scratch_folder.h"

/* Of 16 digits, as many as JSON numbers have. */
static const uint64_t LONG_ID = 1234567890123456;
static const char hostile[] = "<script>alert('\"1\"')</script>&amp;\x01";

/* What html_text and its like write; the caller's to free. */
static char *written(void (*write)(FILE *f)) {
    char *text;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    write(f);
    mem_stream_close(f);
    return text;
}

static void write_hostile(FILE *f) { html_text(f, hostile); }
static void write_table(FILE *f) {
    const char *const columns[] = {"a<b", NULL};
    html_table_begin(f, "\"caption\"", columns);
    html_row_begin(f, NULL, "%s", "<i>");
    html_cell_bar(f, NAN, "%s", "<b>");
    html_cell_bar(f, 7, "%d", 7);
    html_row_end(f);
    html_table_end(f);
}

static void text_is_escaped(void **state) {
    (void)state;
    char *text = written(write_hostile);
    assert_string_equal(text, "&lt;script&gt;alert(&#39;&quot;1&quot;&#39;)&lt;/script&gt;"
                              "&amp;amp;\xEF\xBF\xBD");
    free(text);
    text = written(write_table);
    assert_non_null(strstr(text, "aria-label=\"&quot;caption&quot;\""));
    assert_non_null(strstr(text, "<th scope=\"col\">a&lt;b</th>"));
    assert_non_null(strstr(text, "<th scope=\"row\">&lt;i&gt;</th>"));
    assert_non_null(strstr(text, "&lt;b&gt;<span style=\"width:0.0%\">"));
    assert_non_null(strstr(text, "7<span style=\"width:100.0%\">"));
    free(text);
}

/* An estimate of random flows, of which none is of the third bucket; names are hostile. */
static char *write_result(const char *dir) {
    enum { N = 500 };
    static Estimate e;
    uint64_t size_b[N];
    double slowdown[N];
    Rng r = rng_stream(5, "test", 0);
    for (size_t i = 0; i < N; i++) {
        size_b[i] = i % 3 == 0 ? 500 : i % 3 == 1 ? 5000 : 500000;
        slowdown[i] = 1 + 3 * rng_u01(&r);
    }
    e = (Estimate){.n_flows = N, .n_drawn = 3, .n_unique = 2};
    aggregate_flows(size_b, slowdown, N, &e.slowdown);
    e.origin = (Origin){.net = {.n_hosts = 2, .n_switches = 1, .n_racks = 1, .n_tiers = 2},
                        .n_links = 1,
                        .n_paths = 1,
                        .n_classes = 1,
                        .tail_from = 3};
    e.origin.net.tier_nodes[0] = 2;
    e.origin.net.tier_nodes[1] = 1;
    e.origin.classes[0] = (OriginClass){
        .to_tier = 1, .n_links = 2, .rate_bps = 1e10, .load_max = 0.5, .tail_share = 1};
    e.origin.links[0] =
        (OriginLink){.link = {LONG_ID, UINT64_MAX, 1e10, 0.5, 0, 1}, .tail_share = 1};
    e.origin.paths[0] = (OriginPath){.src_id = 1, .dst_id = 2, .p99 = 3, .tail_share = 1};
    e.origin.paths[0].busiest = e.origin.links[0].link;
    char *line = mem_strdup(hostile), *path = file_join(dir, "result.json");
    LogRemarks remarks = {.lines = &line, .n = 1};
    ReportMeta m = {.command = hostile,
                    .topo = hostile,
                    .mix = hostile,
                    .method = hostile,
                    .ckpt_name = hostile,
                    .ckpt_sha256 = hostile,
                    .remarks = &remarks};
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    report_json(f, &e, &m);
    assert_int_equal(fclose(f), 0);
    free(line);
    return path;
}

static char *page_of(const char *const *results, size_t n, const char *truth) {
    char *text;
    size_t len;
    Err err = {0};
    PageOptions o = {.results = results,
                     .n = n,
                     .truths = &truth,
                     .n_truths = truth != NULL,
                     .title = n == 1 ? NULL : hostile};
    FILE *f = mem_stream_open(&text, &len);
    if (page_write(f, &o, NULL, &err) != 0) fail_msg("%s", err.msg);
    mem_stream_close(f);
    assert_int_equal(strlen(text), len);
    return text;
}

static size_t count(const char *text, const char *word) {
    size_t n = 0;
    for (const char *s = text; (s = strstr(s, word)); s += strlen(word)) n++;
    return n;
}

/* Asserts that each value of `attribute` is the id of exactly one element. */
static void check_targets(const char *page, const char *attribute) {
    for (const char *s = page; (s = strstr(s, attribute)); s++) {
        const char *value = s + strlen(attribute), *end = value + strcspn(value, " \"'");
        char *id = mem_printf("id=\"%.*s\"", (int)(end - value), value),
             *single = mem_printf("id='%.*s'", (int)(end - value), value);
        if (count(page, id) + count(page, single) != 1)
            fail_msg("%s: %zu times", id, count(page, id) + count(page, single));
        free(id);
        free(single);
    }
}

static void hostile_names_stay_text(void **state) {
    (void)state;
    char *dir = scratch_folder("page"), *result = write_result(dir);
    const char *const twice[] = {result, result};
    char *one = page_of(twice, 1, NULL), *again = page_of(twice, 1, NULL),
         *two = page_of(twice, 2, result);
    assert_string_equal(one, again);
    const char *const pages[] = {one, two};
    for (size_t i = 0; i < 2; i++) {
        assert_null(strstr(pages[i], "<script"));
        assert_null(strstr(pages[i], "alert('"));
        assert_non_null(strstr(pages[i], "&lt;script&gt;"));
        assert_int_equal(count(pages[i], "http"), /* namespaces and the head's policy */
                         count(pages[i], "http://www.w3.org/") + count(pages[i], "http-equiv"));
        assert_int_equal(count(pages[i], "default-src 'none'"), 1);
        assert_int_equal(count(pages[i], "<h1"), 1);
        check_targets(pages[i], "href=\"#");
        check_targets(pages[i], "href='#");
        check_targets(pages[i], "aria-labelledby=\"");
        assert_int_equal(count(pages[i], "<table"), count(pages[i], "<caption"));
        assert_int_equal(count(pages[i], "<section"), count(pages[i], "</section"));
    }
    assert_int_equal(count(two, "<h2 class=\"result\""), 2);
    assert_non_null(strstr(two, "Error against the truth"));
    free(one);
    free(again);
    free(two);
    free(result);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void names_of_links_are_whole(void **state) {
    (void)state;
    char *dir = scratch_folder("page"), *result = write_result(dir);
    const char *const results[] = {result};
    char *page = page_of(results, 1, NULL);
    assert_int_equal(count(page, "1234567890123456 → 18446744073709551615<"), 1);  /* the link */
    assert_int_equal(count(page, "1234567890123456 → 18446744073709551615 <"), 1); /* of the path */
    free(page);
    free(result);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

static void without_gnuplot_there_are_tables(void **state) {
    (void)state;
    char *dir = scratch_folder("page"), *result = write_result(dir),
         *path = mem_strdup(getenv("PATH"));
    const char *const results[] = {result};
    char *with = page_of(results, 1, NULL);
    assert_int_equal(setenv("PATH", dir, 1), 0);
    char *without = page_of(results, 1, NULL);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_null(strstr(without, "<svg class=\"plot\""));
    assert_non_null(strstr(without, "gnuplot is not installed"));
    assert_int_equal(count(with, "<table"), count(without, "<table"));
    if (figure_can_draw()) {
        assert_non_null(strstr(with, "<svg class=\"plot\""));
        assert_null(strstr(with, "rgb("));
    }
    free(with);
    free(without);
    free(path);
    free(result);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

/* A page is refused whole: every cut of a result is an input error. */
static void cut_results_are_refused(void **state) {
    (void)state;
    char *dir = scratch_folder("page"), *result = write_result(dir);
    FileView v;
    assert_int_equal(file_view(&v, result, NULL), 0);
    char *whole = mem_printf("%.*s", (int)v.len, v.data), *path = mem_strdup(getenv("PATH")), *body;
    size_t len = v.len, body_len;
    file_view_close(&v);
    assert_int_equal(setenv("PATH", dir, 1), 0); /* pictures take longest */
    for (size_t cut = 0; cut < len - 2; cut += len / 60) {
        FILE *f = fopen(result, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(whole, 1, cut, f), cut);
        assert_int_equal(fclose(f), 0);
        Err err = {0};
        PageOptions o = {.results = (const char *const[]){result}, .n = 1};
        FILE *out = mem_stream_open(&body, &body_len);
        assert_int_equal(page_write(out, &o, NULL, &err), -1);
        mem_stream_close(out);
        free(body);
        assert_int_equal(err.kind, ERR_INPUT);
        assert_non_null(strstr(err.msg, "result.json"));
    }
    assert_int_equal(setenv("PATH", path, 1), 0);
    free(path);
    free(whole);
    free(result);
    assert_int_equal(scratch_folder_remove(dir), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(hostile_names_stay_text),
        cmocka_unit_test(names_of_links_are_whole),
        cmocka_unit_test(without_gnuplot_there_are_tables),
        cmocka_unit_test(cut_results_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
