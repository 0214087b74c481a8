/* page_slowdowns: what distributions of slowdown come to.
 *
 * The picture's vertical axis is the logarithm of the share of flows that are slower still, so that
 * the slowest flows, which are asked about, take as much room as all others: 50 %, 90 %, 99 % and
 * 99.9 % stand at nearly equal distances. Bars are 95 % intervals. Curves go through percentiles 1
 * to 99 and p99.9. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/units.h"
#include "publish/page_private.h"

/* ---- in large ---- */

static const char *const tile_names[RESULT_N_QUANTILES] = {
    "half of the flows are at most", "one in 10 is at or above", "one in 100 is at or above",
    "one in 1,000 is at or above"};

static void put_tiles(Page *p, const SlowdownDist *d) {
    fputs("<dl class=\"tiles\">\n", p->f);
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        fputs("<div><dt>", p->f);
        html_print(p->f, "%s: %s", result_quantile_names[k], tile_names[k]);
        fputs("</dt><dd class=\"value\">", p->f);
        html_text(p->f, page_value(d->q[k].value).s);
        fputs("</dd><dd class=\"range\">", p->f);
        html_text(p->f, page_range(&d->q[k]).s);
        fputs("</dd></div>\n", p->f);
    }
    fputs("</dl>\n", p->f);
}

/* ---- picture ---- */

typedef struct {
    const Slowdowns *s, *truth; /* truth NULL: none */
    bool has_intervals;
} Curves;

static double height_of(double level) { return -log10(1 - level); }

static bool has_flows(const Slowdowns *s, int dist) {
    return s && !isnan(s->dist[dist].percentiles[0]);
}

static void put_curve(Figure *f, const SlowdownDist *d) {
    fprintf(f->data, "%.5g 0\n", d->percentiles[0]);
    for (int i = 0; i < STATS_N_PCT - 1; i++)
        fprintf(f->data, "%.5g %.4f\n", d->percentiles[i], height_of((i + 1) / 100.0));
    fprintf(f->data, "%.5g %.4f\n", d->q[RESULT_P99_9].value, height_of(0.999));
}

/* Bars of several curves at one level would hide each other: they are drawn side by side. */
static void put_intervals(Figure *f, const SlowdownDist *d, int row) {
    for (int k = 0; k < RESULT_N_QUANTILES; k++)
        fprintf(f->data, "%.5g %.5g %.5g %.4f\n", d->q[k].value, d->q[k].lo, d->q[k].hi,
                height_of(result_levels[k]) + 0.035 * (row - 2));
}

static bool any_interval(const Slowdowns *s) {
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            if (s->dist[d].q[k].lo < s->dist[d].q[k].hi) return true;
    return false;
}

static double largest(const Slowdowns *s) {
    double x = 1;
    for (int d = 0; s && d < RESULT_N_DISTS; d++)
        if (has_flows(s, d))
            x = fmax(x, fmax(s->dist[d].q[RESULT_P99_9].value, s->dist[d].q[RESULT_P99_9].hi));
    return x;
}

/* By row of the table: sizes upward, then all. */
static const char *const row_colours[RESULT_N_DISTS] = {FIGURE_SIZE_1, FIGURE_SIZE_2, FIGURE_SIZE_3,
                                                        FIGURE_SIZE_4, FIGURE_INK};

/* Writes the blocks of a distribution: its curve, its intervals, the truth's curve. */
static void put_blocks(Figure *f, const Curves *c, int row) {
    int d = result_table_dist(row);
    figure_block(f, "slowdown, −log10 of the share that is slower");
    put_curve(f, &c->s->dist[d]);
    figure_block(f, "quantile, low end, high end of its interval, height");
    put_intervals(f, &c->s->dist[d], row);
    figure_block(f, "the truth's slowdown, height");
    if (has_flows(c->truth, d)) put_curve(f, &c->truth->dist[d]);
    else fputs("NaN NaN\n", f->data);
}

/* Plots the three blocks from `block` on. */
static void put_plot(Figure *f, const Curves *c, int row, int block) {
    int d = result_table_dist(row);
    const char *colour = row_colours[row];
    fprintf(f->script, "%sdata index %d with lines lw %s lc rgb '%s' title ",
            block > 0 ? ", \\\n    " : "", block, d == RESULT_ALL ? "3" : "1.8", colour);
    figure_quote(f->script, page_size_name(d));
    if (c->has_intervals)
        fprintf(f->script,
                ", \\\n    data index %d using 1:4:2:3 with xerrorbars pt 7 ps 0.35 lw 1.4 "
                "lc rgb '%s' notitle",
                block + 1, colour);
    if (has_flows(c->truth, d))
        fprintf(f->script, ", \\\n    data index %d with lines dt 2 lw 1.6 lc rgb '%s' %s",
                block + 2, colour, d == RESULT_ALL ? "title 'truth (dashed)'" : "notitle");
}

static void write_curves(Figure *f, const void *ctx) {
    const Curves *c = ctx;
    double most = fmax(largest(c->s), largest(c->truth));
    bool is_log = most > 30;
    fprintf(f->script,
            "set xlabel 'slowdown'\nset ylabel 'share of flows'\n"
            "set ytics ('0 %%%%' 0, '50 %%%%' %.5f, '90 %%%%' 1, '99 %%%%' 2, '99.9 %%%%' 3) "
            "nomirror\nset xtics nomirror\nset border 3\nset yrange [0:3.2]\n"
            "set key bottom right reverse Left samplen 1.5\nset bars small\n"
            "%sset xrange [1:%.6g]\nplot ",
            height_of(0.5), is_log ? "set logscale x\n" : "", most * (is_log ? 1.3 : 1.02));
    for (int row = 0, block = 0; row < RESULT_N_DISTS; row++) {
        if (!has_flows(c->s, result_table_dist(row))) continue;
        put_blocks(f, c, row);
        put_plot(f, c, row, block);
        block += 3;
    }
    fputc('\n', f->script);
}

static int put_picture(Page *p, const Slowdowns *s, bool has_intervals, Err *err) {
    Curves c = {s, p->truth ? &p->truth->slowdown : NULL, has_intervals};
    char *name = mem_printf("slowdown_%zu", p->result + 1);
    char *description = mem_printf(
        "Curves of the share of flows that are at most so slow, for each flow size and for all. Of "
        "all flows half are below %s, 90 %% below %s, 99 %% below %s.%s",
        page_value(s->dist[RESULT_ALL].q[RESULT_P50].value).s,
        page_value(s->dist[RESULT_ALL].q[RESULT_P90].value).s,
        page_value(s->dist[RESULT_ALL].q[RESULT_P99].value).s,
        c.truth ? " The truth is dashed." : "");
    PictureText t = {name,
                     has_intervals ? "How slow flows are, by size; bars are 95 % intervals"
                                   : "How slow flows are, by size",
                     description, 520, 380};
    int rc = picture_put(p, &t, write_curves, &c, err);
    free(name);
    free(description);
    return rc;
}

/* ---- tables ---- */

static void put_table(Page *p, const Slowdowns *s, bool has_intervals) {
    static const char *const columns[] = {"Flow size", "Share", "p50", "p90", "p99", "p99.9", NULL};
    html_table_begin(p->f,
                     has_intervals ? "Slowdown by flow size, with 95 % intervals"
                                   : "Slowdown by flow size",
                     columns);
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        int d = result_table_dist(row);
        html_row_begin(p->f, d == RESULT_ALL ? "all" : NULL, "%s", page_size_name(d));
        html_cell(p->f, "%s", page_percent(s->dist[d].share).s);
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            html_cell_small(p->f, page_value(s->dist[d].q[k].value).s,
                            page_range(&s->dist[d].q[k]).s);
        html_row_end(p->f);
    }
    html_table_end(p->f);
}

/* The numbers of the curves, a part of their points. */
static void put_numbers(Page *p, const Slowdowns *s) {
    static const char *const columns[] = {"Percentile", "< 1 KB",    "1-10 KB", "10-50 KB",
                                          ">= 50 KB",   "all flows", NULL};
    static const int shown[] = {1, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95, 98, 99};
    html_details_begin(p->f, "The curves’ numbers");
    html_table_begin(p->f, "Slowdown at percentiles, by flow size", columns);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        html_row_begin(p->f, NULL, "p%d", shown[i]);
        for (int row = 0; row < RESULT_N_DISTS; row++)
            html_cell(p->f, "%s",
                      page_value(s->dist[result_table_dist(row)].percentiles[shown[i] - 1]).s);
        html_row_end(p->f);
    }
    html_row_begin(p->f, NULL, "p99.9");
    for (int row = 0; row < RESULT_N_DISTS; row++)
        html_cell(p->f, "%s", page_value(s->dist[result_table_dist(row)].q[RESULT_P99_9].value).s);
    html_row_end(p->f);
    html_table_end(p->f);
    html_details_end(p->f);
}

/* ---- against the truth ---- */

static void put_error(Page *p, const SlowdownQuantile *q, double truth, bool has_interval,
                      int *inside, int *n) {
    double error = (q->value - truth) / truth;
    char detail[96] = "";
    if (!isnan(q->value) && !isnan(truth)) {
        bool in = q->lo <= truth && truth <= q->hi;
        snprintf(detail, sizeof detail, "truth %s%s", page_value(truth).s,
                 !has_interval ? ""
                 : in          ? ", inside"
                               : ", outside");
        *inside += in;
        ++*n;
    }
    html_cell_small(p->f, page_signed(error).s, detail);
}

static void put_errors(Page *p, const Slowdowns *s, bool has_intervals) {
    static const char *const columns[] = {"Flow size", "p50", "p90", "p99", "p99.9", NULL};
    const Slowdowns *truth = &p->truth->slowdown;
    int inside = 0, n = 0;
    page_section(p, "Error against the truth");
    page_paragraph(p,
                   "The truth is %s. An error is the result’s quantile over the truth’s, less 1.",
                   p->options->truths[0]);
    html_table_begin(p->f,
                     has_intervals ? "Errors, and whether the truth is inside the 95 % interval"
                                   : "Errors",
                     columns);
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        int d = result_table_dist(row);
        html_row_begin(p->f, d == RESULT_ALL ? "all" : NULL, "%s", page_size_name(d));
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            put_error(p, &s->dist[d].q[k], truth->dist[d].q[k].value, has_intervals, &inside, &n);
        html_row_end(p->f);
    }
    html_table_end(p->f);
    if (has_intervals) page_paragraph(p, "%d of %d intervals hold the truth.", inside, n);
    if (p->truth->n_unfinished > 0)
        page_paragraph(p,
                       "%s of the truth’s %s flows did not finish; its percentiles cover the "
                       "others.",
                       units_count(p->truth->n_unfinished).s, units_count(p->truth->n_flows).s);
}

int page_slowdowns(Page *p, const Slowdowns *s, Err *err) {
    bool has_intervals = any_interval(s);
    page_section(p, "How slow flows are");
    put_tiles(p, &s->dist[RESULT_ALL]);
    if (has_flows(s, RESULT_ALL) && put_picture(p, s, has_intervals, err) != 0) return -1;
    put_numbers(p, s);
    put_table(p, s, has_intervals);
    if (p->truth) put_errors(p, s, has_intervals);
    return 0;
}
