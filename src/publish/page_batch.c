/* page_batch: the page of a batch's folder.
 *
 * Everything is computed from the folder's results, as m3 batch report does; figures are drawn for
 * the page, not taken from the folder, since a picture that somebody else made may hold anything.
 * Behind each figure stand its numbers, thinned to what one reads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "publish/batch_figures.h"
#include "publish/page_private.h"

/* Lines of a table behind a figure, and of the list of mixes. */
enum { MOST_LINES = 24, MOST_MIXES = 400 };

/* ---- tables ---- */

static PageText error_text(double x) {
    PageText t = {"–"};
    if (isfinite(x)) snprintf(t.s, sizeof t.s, "%.1f %%", 100 * x);
    return t;
}

static void headline(Page *p, const BatchErrors *e) {
    if (e->n_with_error == 0) return;
    static const char *const columns[] = {
        "Source", "Mixes", "Mean", "Median", "Nine in ten", "Worst", "Signed mean", "Inside", NULL};
    html_table_begin(p->f, "Magnitude of the relative error of p99 slowdown over all flows",
                     columns);
    for (int i = 0; i < e->n_series; i++) {
        const BatchSeries *s = &e->series[i];
        EvaluateSummary a = batch_errors_summary(e, s, RESULT_ALL, RESULT_P99, 0, NULL);
        size_t n, inside = batch_errors_inside(e, s, RESULT_P99, &n);
        if (a.n == 0) continue;
        html_row_begin(p->f, NULL, "%s", s->label);
        html_cell(p->f, "%zu", a.n);
        html_cell(p->f, "%s", error_text(a.mean_abs).s);
        html_cell(p->f, "%s", error_text(a.median_abs).s);
        html_cell(p->f, "%s", error_text(a.p90_abs).s);
        html_cell(p->f, "%s", error_text(a.max_abs).s);
        html_cell(p->f, "%s", page_signed(a.mean_signed).s);
        if (n > 0) html_cell(p->f, "%zu of %zu", inside, n);
        else html_cell(p->f, "–");
        html_row_end(p->f);
    }
    html_table_end(p->f);
    page_paragraph(p, "Inside: mixes whose true p99 lies in the source's 95 %% interval.");
}

static void by_bucket(Page *p, const BatchErrors *e) {
    const char *columns[RESULT_N_DISTS + 2] = {"Source and quantile"};
    for (int r = 0; r < RESULT_N_DISTS; r++) columns[r + 1] = result_label(result_table_dist(r));
    html_table_begin(p->f, "Mean error by flow size, and below it the signed mean", columns);
    for (int i = 0; i < e->n_series; i++)
        for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
            size_t n = 0;
            for (int d = 0; d < RESULT_N_DISTS; d++)
                n += batch_errors_summary(e, &e->series[i], d, k, 0, NULL).n;
            if (n == 0) continue;
            html_row_begin(p->f, NULL, "%s, %s", e->series[i].label, result_quantile_names[k]);
            for (int r = 0; r < RESULT_N_DISTS; r++) {
                EvaluateSummary a =
                    batch_errors_summary(e, &e->series[i], result_table_dist(r), k, 0, NULL);
                html_cell_small(p->f, error_text(a.mean_abs).s,
                                a.n > 0 ? page_signed(a.mean_signed).s : "");
            }
            html_row_end(p->f);
        }
    html_table_end(p->f);
}

static void by_kind(Page *p, const BatchErrors *e) {
    if (e->n_with_error == 0) return;
    const char *columns[METHOD_N + BATCH_MAX_SOURCES + 2] = {"Kind of mix"};
    for (int i = 0; i < e->n_series; i++) columns[i + 1] = e->series[i].label;
    html_details_begin(p->f, "Errors by kind of mix");
    html_table_begin(p->f, "Mean magnitude of the error of p99 over all flows", columns);
    for (int by = 0; by < BATCH_N_BY; by++) {
        size_t n;
        BatchKind *kind = batch_kinds_all(e->results, (BatchBy)by, &n);
        for (size_t c = 0; n > 1 && c < n && c < BATCH_MOST_KINDS; c++) {
            html_row_begin(p->f, NULL, "%s %s", batch_kinds_by_names[by], kind[c].s);
            for (int i = 0; i < e->n_series; i++) {
                EvaluateSummary a = batch_errors_summary(e, &e->series[i], RESULT_ALL, RESULT_P99,
                                                         (BatchBy)by, kind[c].s);
                html_cell(p->f, "%s", error_text(a.mean_abs).s);
            }
            html_row_end(p->f);
        }
        if (n > BATCH_MOST_KINDS) {
            html_row_begin(p->f, NULL, "%s: %zu more", batch_kinds_by_names[by],
                           n - (size_t)BATCH_MOST_KINDS);
            for (int i = 0; i < e->n_series; i++) html_cell(p->f, "–");
            html_row_end(p->f);
        }
        free(kind);
    }
    html_table_end(p->f);
    html_details_end(p->f);
}

static void list_mixes(Page *p, const BatchErrors *e) {
    const BatchResults *r = e->results;
    const char *columns[METHOD_N + BATCH_MAX_SOURCES + 4] = {"Mix"};
    int n = 1;
    columns[n++] = "Max load";
    if (e->n_with_truth > 0) columns[n++] = "True p99";
    for (int i = 0; i < e->n_series; i++) columns[n++] = e->series[i].label;
    html_details_begin(p->f, "Each mix");
    html_table_begin(p->f, "p99 slowdown over all flows of each mix, and its error", columns);
    for (size_t i = 0; i < r->n && i < MOST_MIXES; i++) {
        const BatchFacts *a = &r->mix[i].facts;
        html_row_begin(p->f, NULL, "%s: %s, %s", r->mix[i].name, a->matrix, a->sizes);
        html_cell(p->f, "%s", page_percent(a->max_load).s);
        if (e->n_with_truth > 0)
            html_cell(p->f, "%s", page_value(e->truth[i][RESULT_ALL][RESULT_P99]).s);
        for (int s = 0; s < e->n_series; s++) {
            double x = e->series[s].value[i][RESULT_ALL][RESULT_P99],
                   error = e->series[s].error[i][RESULT_ALL][RESULT_P99];
            html_cell_small(p->f, isfinite(x) ? page_value(x).s : "–",
                            isfinite(error) ? page_signed(error).s : "");
        }
        html_row_end(p->f);
    }
    html_table_end(p->f);
    if (r->n > MOST_MIXES) page_paragraph(p, "And %zu more.", r->n - MOST_MIXES);
    html_details_end(p->f);
}

static void times(Page *p, const BatchResults *r) {
    static const char *const columns[] = {"Method",         "Mixes",   "Flows of a mix",
                                          "Mean wall time", "Longest", NULL};
    html_table_begin(p->f, "What it took", columns);
    for (int m = 0; m < METHOD_N; m++) {
        BatchTimes t = batch_results_times(r, (Method)m);
        if (t.n == 0) continue;
        html_row_begin(p->f, NULL, "%s", estimate_methods[m]);
        html_cell(p->f, "%zu", t.n);
        html_cell(p->f, "%s", units_count(t.most_flows).s);
        html_cell(p->f, "%.3g s", t.mean_s);
        html_cell(p->f, "%.3g s", t.max_s);
        html_row_end(p->f);
    }
    html_table_end(p->f);
}

/* ---- figures ---- */

/* The numbers of one block of a figure's data, which ends at `end`: every line of few, or of many
 * some that are evenly apart, with the last. */
static void put_block(Page *p, const char *heading, const char *s, const char *end) {
    static const char *const columns[] = {"Row", "Columns", NULL};
    size_t n = 0, i = 0;
    for (const char *c = s; c < end; c++) n += *c == '\n';
    html_table_begin(p->f, heading, columns);
    while (s < end) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        size_t len = (size_t)((stop ? stop : end) - s);
        bool shown = n <= MOST_LINES || i * MOST_LINES / n != (i + 1) * MOST_LINES / n;
        if (shown && len > 0) {
            html_row_begin(p->f, NULL, "%zu", i + 1);
            html_cell(p->f, "%.*s", len < 400 ? (int)len : 400, s);
            html_row_end(p->f);
        }
        s += len + (stop != NULL);
        i++;
    }
    html_table_end(p->f);
}

static int put_numbers(Page *p, const Figure *f, Err *err) {
    char *path = mem_printf("%s/%s.dat", f->dir, f->name);
    FileView v;
    int rc = file_view(&v, path, err);
    free(path);
    if (rc != 0) return -1;
    const char *s = v.data, *all = v.data + v.len;
    html_details_begin(p->f, "Its numbers");
    while (s < all) {
        const char *line = memchr(s, '\n', (size_t)(all - s)), *end = s;
        if (!line) break;
        char *heading = mem_printf("%.*s", (int)(line - s), s);
        while (end < all && !(end + 2 < all && memcmp(end, "\n\n\n", 3) == 0)) end++;
        if (line + 1 < end) put_block(p, heading + strspn(heading, "# "), line + 1, end);
        free(heading);
        s = end + 3;
    }
    html_details_end(p->f);
    file_view_close(&v);
    return 0;
}

static int put_figure(void *ctx, const Figure *f, const char *title, const char *shows, Err *err) {
    Page *p = ctx;
    PictureText t = {f->name, title, shows, f->width, f->height};
    char *caption = mem_printf("%s: %s", title, shows);
    int rc = picture_frame(p, &t, f->drawn, caption, err);
    free(caption);
    return rc == 0 ? put_numbers(p, f, err) : rc;
}

/* ---- the page ---- */

/* What the errors are measured by. */
static const char *truth_text(const Page *p, const BatchErrors *e) {
    if (!e->truth_is_packet) return "that of the table given";
    return p->options->n_truths == 0 ? "packet simulation of the whole run"
                                     : "that of the table given, or packet simulation of the "
                                       "whole run where the table has none";
}

static int put_batch(Page *p, const BatchErrors *e, Err *err) {
    /* Names are ids on the page and files in the folder: those of two batches must differ. */
    char suffix[24] = "";
    if (p->options->n > 1) snprintf(suffix, sizeof suffix, "_%zu", p->result + 1);
    BatchFigureUser user = {put_figure, p, suffix};
    size_t n;
    if (batch_errors_any(e)) {
        page_section(p, "How far from truth");
        if (e->n_with_truth > 0)
            page_paragraph(p, "%zu of %zu mixes have a truth, which is %s.", e->n_with_truth,
                           e->results->n, truth_text(p, e));
        else page_paragraph(p, "Errors are those of the table given, without the truth itself.");
        headline(p, e);
        by_bucket(p, e);
        by_kind(p, e);
    }
    page_section(p, "The mixes");
    times(p, e->results);
    list_mixes(p, e);
    page_section(p, "Figures");
    if (p->folder) return batch_figures(e, p->folder, &user, p->log, &n, err);
    picture_missing(p);
    return 0;
}

int page_batch(Page *p, Err *err) {
    BatchResults r;
    BatchErrors e;
    BatchTruth t = {0};
    if (batch_results_need(&r, p->path, err) != 0) return -1;
    int rc = 0;
    for (size_t i = 0; i < p->options->n_truths && rc == 0; i++)
        rc = batch_truth_add(&t, p->options->truths[i], err);
    if (rc == 0) rc = batch_errors_init(&e, &r, &t, p->path, err);
    if (rc == 0) {
        batch_errors_note_strangers(&r, &t, p->path, p->log);
        free(p->subject);
        p->subject = mem_printf("%zu mix%s of %s", r.n, r.n == 1 ? "" : "es", p->path);
        rc = put_batch(p, &e, err);
        batch_errors_free(&e);
    }
    batch_truth_free(&t);
    batch_results_free(&r);
    return rc;
}
