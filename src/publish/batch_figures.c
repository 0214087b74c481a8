/* publish: figures of a batch.
 *
 * Axes, bins and names are those of the paper's notebooks, whose figures these reproduce: errors
 * are magnitudes of the relative error of p99 over all flows, in percent. Boxes reach from the
 * first to the third quartile, whiskers to the extremes. Each figure is one function that writes a
 * block of data for each curve and the script that draws them. */
#include "publish/batch_figures.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/stats.h"
#include "publish/figure.h"
#include "traffic/rackmatrix.h"

/* The figures of one report. */
typedef struct {
    const BatchErrors *e;
    const char *dir;
    const BatchFigureUser *user;
    const Log *log;
    bool can_draw;
    char *name; /* of the last one begun */
    size_t n;
} Figures;

/* ---- what all figures share ---- */

static int begin_figure(Figures *g, Figure *f, const char *name, int width, int height, Err *err) {
    free(g->name);
    g->name = mem_printf("%s%s", name, g->user ? g->user->suffix : "");
    return figure_begin(f, g->dir, g->name, width, height, err);
}

/* How a source's curve looks: published ones are thin and dashed. */
static void put_style(FILE *f, const BatchSeries *s) {
    bool parsimon = strncmp(s->label, "parsimon", 8) == 0, m3 = strncmp(s->label, "m3", 2) == 0;
    const char *colour = parsimon                     ? "@PARSIMON"
                         : m3                         ? (s->published ? "@PUBLISHED" : "@M3")
                         : s->method == METHOD_PACKET ? "@TRUTH"
                                                      : "@OTHER";
    fprintf(f, "lc rgb %s lw %s dt %d", colour, s->published ? "1.5" : "2.5",
            s->published && parsimon ? 2 : 1);
}

/* A list of curves in a plot command: a comma between them. */
typedef struct {
    FILE *f;
    int n;
} Plot;
static Plot plot_begin(FILE *f) {
    fputs("plot ", f);
    return (Plot){f, 0};
}
static void plot_next(Plot *p) {
    if (p->n++ > 0) fputs(", \\\n  ", p->f);
}

/* A figure that gnuplot can't draw is a remark; its data and script are there. */
static int draw(Figures *g, Figure *f, Err *err) {
    Err why = {0};
    f->drawn = g->can_draw && figure_draw(f->dir, f->name, &why) == 0;
    if (f->drawn || !g->can_draw) return 0;
    if (why.kind == ERR_STOPPED) return err_stopped(err);
    log_note(g->log, "%s", why.msg);
    return 0;
}

/* Puts a figure of n curves into place; one without any is left out. The user is told its title and
 * what it shows. */
static int end_figure(Figures *g, Figure *f, int n, const char *title, const char *shows,
                      Err *err) {
    if (n == 0) return figure_abort(f), 0;
    if (figure_end(f, err) != 0 || draw(g, f, err) != 0) return -1;
    g->n++;
    return g->user ? g->user->made(g->user->ctx, f, title, shows, err) : 0;
}

/* Writes the distribution function of n values, which it sorts: value, percent of them. */
static void put_cdf(FILE *f, double *x, size_t n) {
    stats_sort(x, n);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%.6g %.6g\n", x[i], 100 * (double)(i + 1) / (double)n);
}

/* Magnitudes of the errors of p99, in percent; returns their number. */
static size_t magnitudes(const BatchErrors *e, const BatchSeries *s, BatchBy by, const char *kind,
                         double *out) {
    size_t n = batch_errors_of(e, s, RESULT_ALL, RESULT_P99, by, kind, out);
    for (size_t i = 0; i < n; i++) out[i] = 100 * fabs(out[i]);
    return n;
}

/* The wall times of a method, of mixes of one kind; returns their number. */
static size_t wall_times(const BatchErrors *e, Method m, BatchBy by, const char *kind,
                         double *out) {
    size_t n = 0;
    for (size_t i = 0; i < e->results->n; i++) {
        const BatchMix *mix = &e->results->mix[i];
        if (!mix->by[m].there) continue;
        if (kind && strcmp(batch_kinds_of(&mix->facts, by).s, kind) != 0) continue;
        out[n++] = fmax(mix->by[m].wall_s, 1e-3);
    }
    return n;
}

static const char *method_colour(int m) {
    return m == METHOD_M3         ? "@M3"
           : m == METHOD_PARSIMON ? "@PARSIMON"
           : m == METHOD_PACKET   ? "@TRUTH"
                                  : "@OTHER";
}

/* ---- errors and times over all mixes ---- */

static int cdf(Figures *g, Err *err) {
    Figure f;
    double *x = MEM_NEW(double, g->e->results->n);
    if (begin_figure(g, &f, "sensitivity_cdf", 480, 360, err) != 0) return free(x), -1;
    fputs("set xlabel 'magnitude of relative error of p99 slowdown (%)'\nset ylabel 'mixes (%)'\n"
          "set key bottom right\nset yrange [0:100]\nset xrange [0:*<145]\n",
          f.script);
    Plot p = plot_begin(f.script);
    for (int i = 0; i < g->e->n_series; i++) {
        const BatchSeries *s = &g->e->series[i];
        size_t n = magnitudes(g->e, s, 0, NULL, x);
        if (n == 0) continue;
        figure_block(&f, s->label);
        put_cdf(f.data, x, n);
        plot_next(&p);
        fprintf(f.script, "data index %d with steps ", p.n - 1);
        put_style(f.script, s);
        fputs(" title ", f.script);
        figure_quote(f.script, s->label);
    }
    fputc('\n', f.script);
    free(x);
    return end_figure(
        g, &f, p.n, "Errors of p99",
        "the distribution over mixes of the magnitude of the error of p99 slowdown, by source",
        err);
}

static int cdf_time(Figures *g, Err *err) {
    Figure f;
    double *x = MEM_NEW(double, g->e->results->n);
    if (begin_figure(g, &f, "sensitivity_cdf_time", 480, 360, err) != 0) return free(x), -1;
    fputs("set xlabel 'wall time of a mix (s)'\nset ylabel 'mixes (%)'\nset logscale x\n"
          "set key bottom right\nset yrange [0:100]\n",
          f.script);
    Plot p = plot_begin(f.script);
    for (int m = 0; m < METHOD_N; m++) {
        size_t n = wall_times(g->e, (Method)m, 0, NULL, x);
        if (n == 0) continue;
        figure_block(&f, estimate_methods[m]);
        put_cdf(f.data, x, n);
        plot_next(&p);
        fprintf(f.script, "data index %d with steps lc rgb %s lw 2.5 title '%s'", p.n - 1,
                method_colour(m), estimate_methods[m]);
    }
    fputc('\n', f.script);
    free(x);
    return end_figure(g, &f, p.n, "Wall times",
                      "the distribution of the mixes' wall times, by method", err);
}

/* Median with least and largest of each bin of load. */
static int error_over_load(Figures *g, Err *err) {
    Figure f;
    size_t n_bins;
    double *x = MEM_NEW(double, g->e->results->n);
    if (begin_figure(g, &f, "sensitivity_error_over_load", 480, 360, err) != 0) return free(x), -1;
    BatchKind *bin = batch_kinds_all(g->e->results, BATCH_BY_LOAD, &n_bins);
    fputs("set xlabel 'max load (%)'\nset ylabel 'magnitude of error of p99 slowdown (%)'\n"
          "set yrange [0:*<60]\nset style fill transparent solid 0.15 noborder\nset key top left\n",
          f.script);
    Plot p = plot_begin(f.script);
    for (int i = 0, block = 0; i < g->e->n_series; i++) {
        const BatchSeries *s = &g->e->series[i];
        if (magnitudes(g->e, s, 0, NULL, x) == 0) continue;
        figure_block(&f, s->label);
        for (size_t b = 0; b < n_bins; b++) {
            size_t n = magnitudes(g->e, s, BATCH_BY_LOAD, bin[b].s, x);
            if (n == 0 || !isdigit((unsigned char)bin[b].s[0])) continue;
            stats_sort(x, n);
            fprintf(f.data, "%g %.6g %.6g %.6g\n", strtod(bin[b].s, NULL) + 2.5,
                    stats_between(x, n, 50), x[0], x[n - 1]);
        }
        plot_next(&p);
        fprintf(f.script, "data index %d using 1:3:4 with filledcurves ", block);
        put_style(f.script, s);
        fprintf(f.script, " notitle, \\\n  data index %d using 1:2 with linespoints ", block++);
        put_style(f.script, s);
        fputs(" title ", f.script);
        figure_quote(f.script, s->label);
    }
    fputc('\n', f.script);
    free(bin);
    free(x);
    return end_figure(
        g, &f, p.n, "Errors of p99 by load",
        "the median magnitude of the error of p99 slowdown in bins of max load, with the least and "
        "the largest as a band",
        err);
}

static int time_over_sizes(Figures *g, Err *err) {
    Figure f;
    size_t n_kinds;
    double *x = MEM_NEW(double, g->e->results->n);
    if (begin_figure(g, &f, "sensitivity_time_over_load", 480, 360, err) != 0) return free(x), -1;
    BatchKind *kind = batch_kinds_all(g->e->results, BATCH_BY_SIZES, &n_kinds);
    fputs("set xlabel 'size distribution'\nset ylabel 'median wall time of a mix (s)'\n"
          "set logscale y\nset style data histograms\nset style fill solid 0.8 noborder\n"
          "set boxwidth 0.9\nset key top left\nset xtics noenhanced\n",
          f.script);
    Plot p = plot_begin(f.script);
    for (int m = 0; m < METHOD_N; m++) {
        if (wall_times(g->e, (Method)m, 0, NULL, x) == 0) continue;
        figure_block(&f, estimate_methods[m]);
        for (size_t c = 0; c < n_kinds && c < BATCH_MOST_KINDS; c++) {
            size_t n = wall_times(g->e, (Method)m, BATCH_BY_SIZES, kind[c].s, x);
            if (n > 0) stats_sort(x, n);
            figure_cell(&f, kind[c].s);
            fprintf(f.data, " %.6g\n", n > 0 ? stats_between(x, n, 50) : NAN);
        }
        plot_next(&p);
        fprintf(f.script, "data index %d using 2:xtic(1) lc rgb %s title '%s'", p.n - 1,
                method_colour(m), estimate_methods[m]);
    }
    fputc('\n', f.script);
    free(kind);
    free(x);
    return end_figure(g, &f, p.n, "Wall times by flow sizes",
                      "the median wall time of a mix by distribution of flow sizes and method",
                      err);
}

/* ---- boxes ---- */

/* One panel: boxes of every kind, the sources side by side. */
static void box_panel(const Figures *g, Figure *f, BatchBy by, int *block, double *x) {
    size_t n_kinds;
    const BatchErrors *e = g->e;
    BatchKind *kind = batch_kinds_all(e->results, by, &n_kinds);
    double width = 0.8 / e->n_series;
    if (n_kinds > BATCH_MOST_KINDS) n_kinds = BATCH_MOST_KINDS;
    fprintf(f->script, "set title '%s'\nset xrange [-0.6:%g]\nset xtics noenhanced (",
            batch_kinds_by_names[by], (double)n_kinds - 0.4);
    for (size_t c = 0; c < n_kinds; c++) {
        if (c > 0) fputs(", ", f->script);
        figure_quote(f->script, kind[c].s);
        fprintf(f->script, " %zu", c);
    }
    fputs(")\n", f->script);
    Plot p = plot_begin(f->script);
    for (int i = 0; i < e->n_series; i++) {
        const BatchSeries *s = &e->series[i];
        if (magnitudes(e, s, 0, NULL, x) == 0) continue;
        figure_block(f, s->label);
        for (size_t c = 0; c < n_kinds; c++) {
            size_t n = magnitudes(e, s, by, kind[c].s, x);
            if (n == 0) continue;
            stats_sort(x, n);
            fprintf(f->data, "%g %.6g %.6g %.6g %.6g %.6g\n",
                    (double)c + (i - (e->n_series - 1) / 2.0) * width, x[0],
                    stats_between(x, n, 25), stats_between(x, n, 50), stats_between(x, n, 75),
                    x[n - 1]);
        }
        plot_next(&p);
        fprintf(f->script, "data index %d using 1:3:2:6:5:(%g) with candlesticks whiskerbars ",
                *block, 0.8 * width);
        put_style(f->script, s);
        fputs(" title ", f->script);
        figure_quote(f->script, s->label);
        fprintf(f->script, ", \\\n  data index %d using 1:4:4:4:4:(%g) with candlesticks ", *block,
                0.8 * width);
        put_style(f->script, s);
        fputs(" notitle", f->script);
        ++*block;
    }
    fputc('\n', f->script);
    free(kind);
}

static int boxes(Figures *g, Err *err) {
    static const BatchBy panels[] = {BATCH_BY_MATRIX, BATCH_BY_OVERSUBSCRIPTION, BATCH_BY_SIZES,
                                     BATCH_BY_SIGMA};
    Figure f;
    int block = 0;
    double *x = MEM_NEW(double, g->e->results->n);
    if (begin_figure(g, &f, "sensitivity_boxplot", 860, 640, err) != 0) return free(x), -1;
    fputs("set multiplot layout 2,2\nset ylabel 'magnitude of error of p99 (%)'\n"
          "set yrange [0:*]\nset style fill solid 0.25\nset key top right font ',10'\n",
          f.script);
    for (size_t i = 0; i < sizeof panels / sizeof *panels; i++) {
        box_panel(g, &f, panels[i], &block, x);
        fputs("unset key\n", f.script);
    }
    fputs("unset multiplot\n", f.script);
    free(x);
    return end_figure(
        g, &f, block, "Errors of p99 by kind of mix",
        "quartiles and extremes of the magnitude of the error of p99 slowdown by matrix, "
        "oversubscription, flow sizes and sigma",
        err);
}

/* ---- distributions of single mixes ---- */

enum { MOST_MIXES = 4 };

static int distribution(Figures *g, size_t i, int bucket, Err *err) {
    const BatchMix *mix = &g->e->results->mix[i];
    int d = result_of_bucket(bucket);
    Figure f;
    char *safe = figure_safe_name(mix->name);
    char *name = g->e->results->n == 1 ? mem_printf("eva_large_scale_%d", bucket)
                                       : mem_printf("eva_large_scale_%s_%d", safe, bucket);
    int rc = begin_figure(g, &f, name, 420, 320, err);
    free(safe);
    free(name);
    if (rc != 0) return -1;
    fprintf(f.script, "set title '%s' noenhanced\n", result_label(d));
    fputs("set xlabel 'slowdown'\nset ylabel 'flows (%)'\nset yrange [80:100]\n"
          "set xrange [1:10]\nset key bottom right\n",
          f.script);
    Plot p = plot_begin(f.script);
    for (int m = 0; m < METHOD_N; m++) {
        const SlowdownDist *dist = &mix->by[m].slowdown.dist[d];
        if (!mix->by[m].there || !isfinite(dist->percentiles[0])) continue;
        figure_block(&f, estimate_methods[m]);
        for (int k = 0; k < STATS_N_PCT; k++)
            fprintf(f.data, "%.6g %d\n", dist->percentiles[k], k + 1);
        plot_next(&p);
        fprintf(f.script, "data index %d with lines lc rgb %s lw 2.5 title '%s'", p.n - 1,
                method_colour(m), estimate_methods[m]);
    }
    fputc('\n', f.script);
    return end_figure(g, &f, p.n, "Slowdown of a mix by flow size",
                      "the upper fifth of the distribution of slowdown in a size bucket, by method",
                      err);
}

/* ---- p99 over a setting ---- */

static bool differs(const BatchResults *r, const NetConfRow *row) {
    double first = netconf_number(&r->mix[0].facts.conf, row);
    for (size_t i = 1; i < r->n; i++) {
        double x = netconf_number(&r->mix[i].facts.conf, row);
        if (x < first || x > first) return true;
    }
    return false;
}

static bool same_traffic(const BatchFacts *a, const BatchFacts *b) {
    return strcmp(a->matrix, b->matrix) == 0 && strcmp(a->sizes, b->sizes) == 0 &&
           !(a->sigma < b->sigma || a->sigma > b->sigma) &&
           !(a->max_load < b->max_load || a->max_load > b->max_load) &&
           !(a->oversubscription < b->oversubscription ||
             a->oversubscription > b->oversubscription) &&
           a->n_flows == b->n_flows;
}

/* The one setting in which all mixes differ, if they differ in nothing else; or NULL. */
static const NetConfRow *only_difference(const BatchResults *r) {
    const NetConfRow *found = NULL;
    for (size_t i = 1; i < r->n; i++)
        if (!same_traffic(&r->mix[0].facts, &r->mix[i].facts)) return NULL;
    for (const NetConfRow *row = netconf_rows; row->key; row++) {
        if (!differs(r, row)) continue;
        if (found || row->type == NETCONF_CC || row->type == NETCONF_ROUTING ||
            row->type == NETCONF_FLAG)
            return NULL;
        found = row;
    }
    return found;
}

typedef struct {
    double x, y;
} Point;
static int by_x(const void *pa, const void *pb) {
    double a = ((const Point *)pa)->x, b = ((const Point *)pb)->x;
    return (a > b) - (a < b);
}

/* The setting's unit on the axis, and how many of its own units that is. */
static double axis_unit(const NetConfRow *row, const char **unit) {
    switch (row->type) {
    case NETCONF_SIZE: return *unit = " (KB)", 1e3;
    case NETCONF_TIME: return *unit = " (µs)", 1e3;
    case NETCONF_RATE: return *unit = " (Gb/s)", 1e9;
    case NETCONF_FRACTION: return *unit = " (%)", 0.01;
    default: return *unit = "", 1;
    }
}

static bool has_flows(const BatchResults *r, int dist) {
    for (size_t i = 0; i < r->n; i++)
        for (int m = 0; m < METHOD_N; m++)
            if (r->mix[i].by[m].there &&
                isfinite(r->mix[i].by[m].slowdown.dist[dist].q[RESULT_P99].value))
                return true;
    return false;
}

/* gnuplot refuses to plot nothing: a line that is out of sight stands for it. */
static void empty_panel(FILE *script) {
    fputs("set label 1 'no flows' at graph 0.5,0.5 center\nset format ''\n"
          "plot [0:1] [0:1] 2 notitle\nunset label 1\nset format\n",
          script);
}

static void setting_panel(const Figures *g, Figure *f, const NetConfRow *row, int bucket,
                          int *block) {
    const BatchResults *r = g->e->results;
    int d = result_of_bucket(bucket);
    const char *unit;
    double scale = axis_unit(row, &unit);
    fprintf(f->script, "set title '%s' noenhanced\nset xlabel '%s%s' noenhanced\n", result_label(d),
            row->key, unit);
    if (!has_flows(r, d)) {
        empty_panel(f->script);
        return;
    }
    Point *p = MEM_NEW(Point, r->n);
    Plot plot = plot_begin(f->script);
    for (int m = 0; m < METHOD_N; m++) {
        size_t n = 0;
        for (size_t i = 0; i < r->n; i++) {
            double y = r->mix[i].by[m].slowdown.dist[d].q[RESULT_P99].value;
            if (r->mix[i].by[m].there && isfinite(y))
                p[n++] = (Point){netconf_number(&r->mix[i].facts.conf, row) / scale, y};
        }
        if (n == 0) continue;
        qsort(p, n, sizeof *p, by_x);
        figure_block(f, estimate_methods[m]);
        for (size_t i = 0; i < n; i++) fprintf(f->data, "%.6g %.6g\n", p[i].x, p[i].y);
        plot_next(&plot);
        fprintf(f->script, "data index %d with %s lc rgb %s lw 2.5 dt %d title '%s'", (*block)++,
                m == METHOD_PACKET ? "linespoints" : "lines", method_colour(m),
                m == METHOD_PACKET ? 1 : 2, estimate_methods[m]);
    }
    fputc('\n', f->script);
    free(p);
}

static int over_setting(Figures *g, const NetConfRow *row, Err *err) {
    Figure f;
    int block = 0;
    char *name =
        mem_printf("counterfactual_%s", strcmp(row->key, "hpcc_eta") == 0 ? "hpeta" : row->key);
    int rc = begin_figure(g, &f, name, 1040, 300, err);
    free(name);
    if (rc != 0) return -1;
    fputs("set multiplot layout 1,4\nset ylabel 'p99 slowdown'\nset yrange [1:*]\n"
          "set key top right font ',10'\n",
          f.script);
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        setting_panel(g, &f, row, b, &block);
        fputs("unset key\nunset ylabel\n", f.script);
    }
    fputs("unset multiplot\n", f.script);
    return end_figure(
        g, &f, block, "p99 over a setting",
        "p99 slowdown in each size bucket over the one setting in which the mixes differ", err);
}

/* ---- inputs ---- */

/* Whether mix i is the first with this file. */
static bool is_first(const BatchResults *r, size_t i, bool matrix) {
    for (size_t k = 0; k < i; k++)
        if (strcmp(matrix ? r->mix[k].facts.matrix_file : r->mix[k].facts.sizes_file,
                   matrix ? r->mix[i].facts.matrix_file : r->mix[i].facts.sizes_file) == 0)
            return false;
    return true;
}

/* A figure isn't made of a part of the inputs: an older one, of all, may be there. */
static int leave_out(Figures *g, Figure *f, const Err *why) {
    figure_abort(f);
    log_note(g->log, "no figure %s: %s", f->name, why->msg);
    return 0;
}

static int flow_sizes(Figures *g, Err *err) {
    const BatchResults *r = g->e->results;
    Figure f;
    Err why = {0};
    if (begin_figure(g, &f, "flow-sizes", 480, 360, err) != 0) return -1;
    fputs("set xlabel 'flow size (B)'\nset ylabel 'flows (%)'\nset logscale x\n"
          "set format x '10^{%L}'\nset yrange [0:100]\nset key bottom right\n",
          f.script);
    Plot p = plot_begin(f.script);
    for (size_t i = 0; i < r->n; i++) {
        SizeDist d;
        const BatchFacts *a = &r->mix[i].facts;
        if (!a->sizes_file[0] || !is_first(r, i, false)) continue;
        if (sizedist_load(&d, a->sizes_file, NULL, &why) != 0) return leave_out(g, &f, &why);
        figure_block(&f, a->sizes);
        for (uint32_t k = 0; k < d.n; k++)
            fprintf(f.data, "%.9g %.6g\n", fmax(d.size_b[k], 1), 100 * d.cdf[k]);
        sizedist_free(&d);
        plot_next(&p);
        fprintf(f.script, "data index %d with lines lw 2.5 title ", p.n - 1);
        figure_quote(f.script, a->sizes);
    }
    fputc('\n', f.script);
    return end_figure(g, &f, p.n, "Flow sizes", "the distributions of flow sizes", err);
}

/* Shares of all traffic, in percent, as a matrix of numbers. */
static void put_matrix(FILE *f, const RackMatrix *m) {
    double sum = 0;
    size_t n = m->n_racks;
    for (size_t i = 0; i < n * n; i++) sum += m->weight[i];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            fprintf(f, "%.6g%c", 100 * m->weight[i * n + j] / sum, j + 1 < n ? ' ' : '\n');
}

static int matrices(Figures *g, Err *err) {
    const BatchResults *r = g->e->results;
    Figure f;
    Err why = {0};
    int n = 0, block = 0;
    for (size_t i = 0; i < r->n; i++) n += r->mix[i].facts.matrix_file[0] && is_first(r, i, true);
    if (n == 0) return 0;
    if (begin_figure(g, &f, "matrices", 340 * (n < 3 ? n : 3), 320 * ((n + 2) / 3), err) != 0)
        return -1;
    fprintf(f.script,
            "set multiplot layout %d,%d\nset view map\nset size square\nunset grid\n"
            "set xlabel 'to rack'\nset ylabel 'from rack'\n"
            "set palette defined (0 '#ffffff', 1 '#9ecae1', 2 '#08306b')\n"
            "set cblabel 'share of traffic (%%)'\n",
            (n + 2) / 3, n < 3 ? n : 3);
    for (size_t i = 0; i < r->n; i++) {
        RackMatrix m;
        const BatchFacts *a = &r->mix[i].facts;
        if (!a->matrix_file[0] || !is_first(r, i, true)) continue;
        if (rackmatrix_load(&m, a->matrix_file, &why) != 0) return leave_out(g, &f, &why);
        figure_block(&f, a->matrix);
        put_matrix(f.data, &m);
        uint32_t step = (m.n_racks + 7) / 8;
        fprintf(f.script, "set xrange [-0.5:%g]\nset yrange [%g:-0.5]\n", m.n_racks - 0.5,
                m.n_racks - 0.5);
        fprintf(f.script, "set xtics 0,%u\nset ytics 0,%u\n", step, step);
        rackmatrix_free(&m);
        fputs("set title ", f.script);
        figure_quote(f.script, a->matrix);
        fprintf(f.script, " noenhanced\nplot data index %d matrix with image notitle\n", block++);
    }
    fputs("unset multiplot\n", f.script);
    return end_figure(g, &f, block, "Rack matrices",
                      "the share of traffic from each rack to each other", err);
}

/* ---- all of them ---- */

static int error_figures(Figures *g, Err *err) {
    if (g->e->n_with_error < 2) return 0;
    if (cdf(g, err) != 0 || error_over_load(g, err) != 0) return -1;
    return boxes(g, err);
}

static int time_figures(Figures *g, Err *err) {
    if (g->e->results->n < 2) return 0;
    return cdf_time(g, err) == 0 ? time_over_sizes(g, err) : -1;
}

static int distributions(Figures *g, Err *err) {
    const BatchResults *r = g->e->results;
    for (size_t i = 0; i < r->n && r->n <= MOST_MIXES; i++)
        for (int b = 0; b < SIZEBUCKET_N; b++)
            if (distribution(g, i, b, err) != 0) return -1;
    return 0;
}

int batch_figures(const BatchErrors *e, const char *dir, const BatchFigureUser *user,
                  const Log *log, size_t *n, Err *err) {
    Figures g = {.e = e, .dir = dir, .user = user, .log = log, .can_draw = figure_can_draw()};
    const NetConfRow *row = e->results->n > 1 ? only_difference(e->results) : NULL;
    *n = 0;
    if (e->results->n == 0) return 0;
    if (file_mkdirs(dir, err) != 0) return -1;
    int rc = error_figures(&g, err);
    if (rc == 0) rc = time_figures(&g, err);
    if (rc == 0) rc = distributions(&g, err);
    if (rc == 0 && row) rc = over_setting(&g, row, err);
    if (rc == 0) rc = flow_sizes(&g, err);
    if (rc == 0) rc = matrices(&g, err);
    if (rc == 0 && !g.can_draw)
        log_note(log, "gnuplot is not installed: %s has data and scripts, but no pictures", dir);
    free(g.name);
    *n = g.n;
    return rc;
}
