/* page: results of any kind as one HTML page.
 *
 *     page_write ─ a result after the other ─ its kind, by content ─ its sections
 *
 * The body is written to memory first, since the contents, which stand above it, list its sections.
 * There is no JavaScript, and nothing is loaded from elsewhere: a policy in the head forbids both,
 * also to what a hostile name might smuggle in. Nothing tells when or where the page was made, so
 * that the same results make the same bytes. */
#include "publish/page.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "estimate/report.h"
#include "estimate/sweep_report.h"
#include "publish/page_private.h"

/* ---- parts ---- */

static void add_heading(Page *p, char *id, const char *text, bool is_result) {
    MEM_GROW(p->headings, p->headings_cap, p->n_headings + 1);
    p->headings[p->n_headings++] = (PageHeading){id, mem_strdup(text), is_result};
}

void page_section_end(Page *p) {
    if (p->section > 0) fputs("</section>\n", p->f);
    p->section = 0;
}

void page_section(Page *p, const char *heading) {
    size_t section = p->section + 1;
    int level = p->options->n > 1 ? 3 : 2;
    page_section_end(p);
    p->section = section;
    char *id = mem_printf("r%zu-%zu", p->result + 1, section);
    fprintf(p->f, "<section aria-labelledby=\"%s\">\n<h%d id=\"%s\">", id, level, id);
    html_text(p->f, heading);
    fprintf(p->f, "</h%d>\n", level);
    add_heading(p, id, heading, false);
}

void page_paragraph(Page *p, const char *fmt, ...) {
    va_list ap;
    char text[1024];
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fputs("<p>", p->f);
    html_text(p->f, text);
    fputs("</p>\n", p->f);
}

PageText page_value(double x) {
    PageText t = {"–"};
    if (!isnan(x)) snprintf(t.s, sizeof t.s, x < 1e6 ? "%.*f" : "%.*e", x < 100 ? 2 : 0, x);
    return t;
}

PageText page_percent(double share) {
    PageText t = {"–"};
    double percent = 100 * share;
    if (!isnan(percent))
        snprintf(t.s, sizeof t.s, "%.*f %%", percent < 10 && percent > 0 ? 1 : 0, percent);
    return t;
}

PageText page_signed(double share) {
    PageText t = {"–"};
    if (isfinite(share)) snprintf(t.s, sizeof t.s, "%+.1f %%", 100 * share);
    return t;
}

const char *page_size_name(int dist) {
    return dist == RESULT_ALL ? "all flows" : result_label(dist);
}

PageRange page_range(const SlowdownQuantile *q) {
    PageRange t = {""};
    if (isnan(q->value) || (q->lo == q->value && q->hi == q->value)) return t;
    snprintf(t.s, sizeof t.s, "%s to %s", page_value(q->lo).s, page_value(q->hi).s);
    return t;
}

bool page_find(const Json *j, const char *key, Json *out) {
    return json_find(j, key, out) && !json_is_null(out);
}

int page_number(const Json *j, const char *key, double *x, Err *err) {
    Json v;
    *x = NAN;
    return page_find(j, key, &v) ? json_number(&v, x, err) : 0;
}

/* ---- one result ---- */

static const struct {
    const char *schema;
    int (*put)(Page *p, const Json *root, Err *err);
} kinds[] = {
    {REPORT_SCHEMA, page_estimate},
    {SWEEP_SCHEMA, page_sweep},
    {"m3.compare/1", page_compare},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* "demo on clos-256-2to1", of the mix and the topology. */
static int read_subject(Page *p, const Json *root, Err *err) {
    Json v;
    const char *topo = NULL, *mix = NULL;
    if (page_find(root, "topo", &v) && json_string(&v, &topo, err) != 0) return -1;
    if (page_find(root, "mix", &v) && json_string(&v, &mix, err) != 0) return -1;
    if (!topo) return 0;
    char *a = mix ? file_stem(mix) : mem_strdup(""), *b = file_stem(topo);
    free(p->subject);
    p->subject = mem_printf("%s%s%s", a, mix ? " on " : "", b);
    free(a);
    free(b);
    return 0;
}

static int put_json(Page *p, const FileView *v, Err *err) {
    JsonDoc *doc = json_parse(v->data, v->len, p->path, err);
    const char *schema;
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = json_need_string(&root, "schema", &schema, err), k = 0;
    if (rc == 0) rc = read_subject(p, &root, err);
    while (rc == 0 && k < N_KINDS && strcmp(kinds[k].schema, schema) != 0) k++;
    if (rc == 0 && k == N_KINDS)
        rc = json_fail_member(&root, "schema", err,
                              "expected a result of m3 estimate, sweep or compare, got \"%.60s\"",
                              schema);
    if (rc == 0) rc = kinds[k].put(p, &root, err);
    json_close(doc);
    return rc;
}

/* What is no JSON is read as a list of flows. */
static int put_result(Page *p, Err *err) {
    FileView v;
    if (file_is_dir(p->path)) return page_batch(p, err);
    if (file_view(&v, p->path, err) != 0) return -1;
    size_t at = 0;
    while (at < v.len && v.data[at] && strchr(" \t\r\n", v.data[at])) at++;
    int rc;
    if (at == v.len) rc = err_input(err, "%s: expected a result, got an empty file", p->path);
    else if (v.data[at] == '{') rc = put_json(p, &v, err);
    else if (page_is_series(v.data + at, v.len - at)) rc = page_series(p, &v, err);
    else if (page_is_links(v.data + at, v.len - at)) rc = page_links(p, &v, err);
    else rc = page_flows(p, err);
    file_view_close(&v);
    return rc;
}

static int put_results(Page *p, Err *err) {
    const PageOptions *o = p->options;
    for (p->result = 0; p->result < o->n; p->result++) {
        p->path = o->results[p->result];
        p->is_sweep = p->is_series = p->is_links = false;
        if (o->n > 1) {
            char *id = mem_printf("r%zu", p->result + 1);
            fprintf(p->f, "<h2 class=\"result\" id=\"%s\">", id);
            html_text(p->f, p->path);
            fputs("</h2>\n", p->f);
            add_heading(p, id, p->path, true);
        }
        if (put_result(p, err) != 0) return -1;
        page_section_end(p);
    }
    return 0;
}

/* ---- the whole ---- */

static void put_head(FILE *f, const char *title, bool has_slowdowns) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; img-src data:\">\n<title>",
          f);
    html_text(f, title);
    fputs("</title>\n<style>\n", f);
    for (const char *const *line = page_style; *line; line++) fprintf(f, "%s\n", *line);
    fputs("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n",
          f);
    fputs("<header>\n<h1>", f);
    html_text(f, title);
    fputs("</h1>\n", f);
    if (has_slowdowns)
        fputs(
            "<p class=\"lead\">Slowdown is a flow’s completion time over its completion time alone "
            "in the idle network: 1 is ideal.</p>\n",
            f);
    fputs("</header>\n", f);
}

static void put_contents(FILE *f, const Page *p) {
    bool results = p->options->n > 1;
    fputs("<nav aria-label=\"Contents\"><ol>\n", f);
    for (size_t i = 0; i < p->n_headings; i++) {
        if (p->headings[i].is_result != results) continue;
        fprintf(f, "<li><a href=\"#%s\">", p->headings[i].id);
        html_text(f, p->headings[i].text);
        fputs("</a></li>\n", f);
    }
    fputs("</ol></nav>\n", f);
}

static char *title_of(const Page *p) {
    const PageOptions *o = p->options;
    if (o->title) return mem_strdup(o->title);
    if (o->n > 1) return mem_printf("Slowdown of flows: %zu results", o->n);
    if (p->is_series) return mem_strdup("What ports did over time");
    if (p->is_links) return mem_strdup("What links did");
    if (p->subject) return mem_printf("Slowdown of flows: %s", p->subject);
    char *stem = file_stem(o->results[0]), *title = strcmp(stem, "-") == 0
                                                        ? mem_strdup("Slowdown of flows")
                                                        : mem_printf("Slowdown of flows: %s", stem);
    free(stem);
    return title;
}

static void put_all(FILE *f, const Page *p, const char *body) {
    char *title = title_of(p);
    put_head(f, title, p->options->n > 1 || !(p->is_series || p->is_links));
    put_contents(f, p);
    fputs("<main id=\"main\" tabindex=\"-1\">\n", f);
    fputs(body, f);
    fputs("</main>\n<footer><p>Made by m3 " M3_VERSION " report. Small print under a value is its "
          "95 % interval.</p></footer>\n</body>\n</html>\n",
          f);
    free(title);
}

static void free_headings(Page *p) {
    for (size_t i = 0; i < p->n_headings; i++) {
        free(p->headings[i].id);
        free(p->headings[i].text);
    }
    free(p->headings);
}

/* A truth is read as what the results need, so these must be of one kind. */
static int check_truths(const PageOptions *o, Err *err) {
    size_t n_folders = 0;
    for (size_t i = 0; i < o->n; i++) n_folders += file_is_dir(o->results[i]);
    if (o->n_truths > 0 && n_folders > 0 && n_folders < o->n)
        return err_input(err, "--truth: is of batches or of other results; make two pages");
    if (o->n_truths > 1 && n_folders == 0)
        return err_input(err, "--truth: expected one; only batches are compared with several");
    return 0;
}

int page_write(FILE *f, const PageOptions *o, const Log *log, Err *err) {
    Page p = {.options = o, .log = log};
    ReportResult truth;
    char *body;
    size_t len;
    if (check_truths(o, err) != 0) return -1;
    if (o->n_truths > 0 && !file_is_dir(o->results[0])) {
        if (report_read(&truth, o->truths[0], log, err) != 0) return -1;
        p.truth = &truth;
    }
    p.f = mem_stream_open(&body, &len);
    int rc = picture_open(&p, err);
    if (rc == 0 && !p.draw)
        log_note(log, "gnuplot is not installed (Debian: gnuplot-nox): no pictures; their numbers "
                      "are in tables");
    if (rc == 0) rc = put_results(&p, err);
    picture_close(&p);
    mem_stream_close(p.f);
    if (rc == 0) put_all(f, &p, body);
    free(body);
    free_headings(&p);
    free(p.subject);
    return rc;
}
