/* page_sweep: the page of a sweep, from its JSON.
 *
 * The setting that takes most different numbers is the horizontal axis; the values of the others
 * make curves. Alone, it has curves of p50, p90 and p99; with others, a curve of the quantile that
 * was ranked by for each of their combinations, the best ones if there are many. Where no setting
 * is a number, the table's bars are the picture. The best row has a ring, a mark in the table and a
 * sentence, which also says how many others are as good within the intervals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "publish/page_private.h"

/* A setting, in the order in which rows first have it. */
typedef struct {
    const char *key;
    bool is_number;
    size_t n_values; /* different ones */
} SweepAxis;

typedef struct {
    const char **values; /* [n_axes] NULL: has no effect in this row */
    double *numbers;     /* [n_axes] NAN: none */
    Slowdowns slowdown;
    size_t curve; /* that it is on */
} SweepPoint;

enum { MAX_AXES = 64, MAX_CURVES = FIGURE_N_CURVES, MAX_TABLE_ROWS = 200 };

typedef struct {
    size_t n, n_axes;
    SweepAxis axes[MAX_AXES];
    SweepPoint *rows; /* [n] */
    const char **values;
    double *numbers;
    int dist, k; /* that rows are ranked by */
    size_t best; /* n: none */
    size_t x;    /* axis; n_axes: none is a number */
} SweepView;

/* ---- reading ---- */

static size_t axis_of(const SweepView *v, const char *key) {
    size_t a = 0;
    while (a < v->n_axes && strcmp(v->axes[a].key, key) != 0) a++;
    return a;
}

static int find_axes(SweepView *v, const Json *settings, Err *err) {
    Json row, set, it;
    for (bool ok = json_first(settings, &row); ok; ok = json_next(&row)) {
        if (json_need(&row, "set", &set, err) != 0 || json_expect_object(&set, err) != 0) return -1;
        for (bool more = json_first(&set, &it); more; more = json_next(&it)) {
            if (axis_of(v, it.key) < v->n_axes) continue;
            if (v->n_axes == MAX_AXES)
                return json_fail(&set, err, "expected at most %d settings", MAX_AXES);
            v->axes[v->n_axes++] = (SweepAxis){.key = it.key};
        }
    }
    return 0;
}

/* A number, a size, a rate or a time as a number, so that they can be put in order. */
static double number_of(const char *text) {
    double x;
    if (!text) return NAN;
    if (units_parse_number(text, "", &x, NULL) == 0 || units_parse_size(text, "", &x, NULL) == 0 ||
        units_parse_rate(text, "", &x, NULL) == 0 || units_parse_time(text, "", &x, NULL) == 0)
        return x;
    return NAN;
}

static int read_row(SweepView *v, const Json *j, SweepPoint *row, Err *err) {
    Json set, it;
    if (json_need(j, "set", &set, err) != 0) return -1;
    for (bool ok = json_first(&set, &it); ok; ok = json_next(&it))
        if (json_string(&it, &row->values[axis_of(v, it.key)], err) != 0) return -1;
    for (size_t a = 0; a < v->n_axes; a++) row->numbers[a] = number_of(row->values[a]);
    return report_read_slowdown(&row->slowdown, j, err);
}

static int read_best(SweepView *v, const Json *root, Err *err) {
    Json best, setting;
    const char *bucket, *quantile;
    uint64_t i;
    if (json_need(root, "best", &best, err) != 0 ||
        json_need_string(&best, "bucket", &bucket, err) != 0 ||
        json_need_string(&best, "quantile", &quantile, err) != 0)
        return -1;
    v->dist = result_dist_named(bucket, strlen(bucket));
    if (v->dist < 0)
        return json_fail_member(&best, "bucket", err, "expected all or the label of a bucket");
    v->k = result_quantile_keyed(quantile, strlen(quantile));
    if (v->k < 0)
        return json_fail_member(&best, "quantile", err, "expected p50, p90, p99 or p99_9");
    v->best = v->n;
    if (!page_find(&best, "setting", &setting)) return 0;
    if (json_uint(&setting, v->n ? v->n - 1 : 0, &i, err) != 0) return -1;
    v->best = (size_t)i;
    return 0;
}

static int read_sweep(SweepView *v, const Json *root, Err *err) {
    Json settings, it;
    if (json_need_array(root, "settings", &settings, err) != 0 || find_axes(v, &settings, err) != 0)
        return -1;
    v->n = (size_t)json_len(&settings);
    v->rows = MEM_ZNEW(SweepPoint, v->n);
    v->values = MEM_ZNEW(const char *, v->n * v->n_axes);
    v->numbers = MEM_ZNEW(double, v->n * v->n_axes);
    size_t i = 0;
    for (bool ok = json_first(&settings, &it); ok; ok = json_next(&it), i++) {
        v->rows[i].values = v->values + i * v->n_axes;
        v->rows[i].numbers = v->numbers + i * v->n_axes;
        if (read_row(v, &it, &v->rows[i], err) != 0) return -1;
    }
    return read_best(v, root, err);
}

static void free_sweep(SweepView *v) {
    free(v->rows);
    free(v->values);
    free(v->numbers);
}

/* ---- axes and curves ---- */

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static size_t count_values(const SweepView *v, size_t axis) {
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        bool is_new = v->rows[i].values[axis] != NULL;
        for (size_t j = 0; j < i && is_new; j++)
            is_new = !same_text(v->rows[i].values[axis], v->rows[j].values[axis]);
        n += is_new;
    }
    return n;
}

/* The axis with most numbers, at least two. */
static void choose_x(SweepView *v) {
    v->x = v->n_axes;
    for (size_t a = 0; a < v->n_axes; a++) {
        SweepAxis *axis = &v->axes[a];
        axis->n_values = count_values(v, a);
        axis->is_number = true;
        for (size_t i = 0; i < v->n; i++)
            if (v->rows[i].values[a] && isnan(v->rows[i].numbers[a])) axis->is_number = false;
        if (!axis->is_number || axis->n_values < 2) continue;
        if (v->x == v->n_axes || axis->n_values > v->axes[v->x].n_values) v->x = a;
    }
}

static bool same_curve(const SweepView *v, size_t i, size_t j) {
    for (size_t a = 0; a < v->n_axes; a++)
        if (a != v->x && !same_text(v->rows[i].values[a], v->rows[j].values[a])) return false;
    return true;
}

static const SlowdownQuantile *ranked(const SweepView *v, size_t i) {
    return &v->rows[i].slowdown.dist[v->dist].q[v->k];
}

/* A row's values of all axes but x, or of all: "cc=dctcp, dctcp_k=10KB". The caller's to free. */
static char *setting_text(const SweepView *v, size_t i, bool with_x) {
    char *text;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    const char *between = "";
    for (size_t a = 0; a < v->n_axes; a++) {
        const char *value = v->rows[i].values[a];
        if (!value || (a == v->x && !with_x) || v->axes[a].n_values < 2) continue;
        fprintf(f, "%s%s=%s", between, v->axes[a].key, value);
        between = ", ";
    }
    mem_stream_close(f);
    return text;
}

/* Puts rows on curves, numbered in the order of their best row. Returns how many there are. */
static size_t find_curves(SweepView *v) {
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) v->rows[i].curve = SIZE_MAX;
    for (;;) {
        size_t best = v->n;
        for (size_t i = 0; i < v->n; i++) {
            if (v->rows[i].curve != SIZE_MAX || isnan(v->rows[i].numbers[v->x])) continue;
            if (best == v->n || ranked(v, i)->value < ranked(v, best)->value) best = i;
        }
        if (best == v->n) return n;
        for (size_t i = 0; i < v->n; i++)
            if (same_curve(v, i, best)) v->rows[i].curve = n;
        n++;
    }
}

/* ---- picture ---- */

typedef struct {
    const SweepView *v;
    size_t n_curves; /* 1: quantiles are the curves */
    double lo, hi;   /* of the horizontal axis, … */
    bool is_log;     /* … which is logarithmic if they are more than a factor of 10 apart */
} SweepCurves;

static int by_x(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

/* One curve: x, quantile, low, high, by ascending x. */
static void put_curve(Figure *f, const SweepCurves *c, size_t curve, int k) {
    const SweepView *v = c->v;
    double(*points)[4] = mem_alloc(v->n, sizeof *points);
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        const SlowdownQuantile *q = &v->rows[i].slowdown.dist[v->dist].q[k];
        if (v->rows[i].curve != curve || isnan(v->rows[i].numbers[v->x]) || isnan(q->value))
            continue;
        points[n][0] = v->rows[i].numbers[v->x];
        points[n][1] = q->value;
        points[n][2] = q->lo;
        points[n++][3] = q->hi;
    }
    qsort(points, n, sizeof *points, by_x);
    figure_block(f, "setting, quantile, low end, high end of its interval");
    for (size_t i = 0; i < n; i++)
        fprintf(f->data, "%.7g %.5g %.5g %.5g\n", points[i][0], points[i][1], points[i][2],
                points[i][3]);
    if (n == 0) fputs("NaN NaN NaN NaN\n", f->data);
    free(points);
}

/* Ticks at the values, as they were written, unless there are too many. */
static void put_x_axis(Figure *f, const SweepCurves *c) {
    const SweepView *v = c->v;
    const char *between = "";
    double room = 0.04 * (c->hi - c->lo);
    fputs("set xlabel ", f->script);
    figure_quote(f->script, v->axes[v->x].key);
    fputs(" noenhanced\nset xtics nomirror noenhanced\n", f->script);
    if (c->is_log)
        fprintf(f->script, "set logscale x\nset xrange [%.7g:%.7g]\n", c->lo / 1.2, 1.2 * c->hi);
    else if (room > 0) fprintf(f->script, "set xrange [%.7g:%.7g]\n", c->lo - room, c->hi + room);
    if (v->axes[v->x].n_values > 8) return;
    fputs("set xtics (", f->script);
    for (size_t i = 0; i < v->n; i++) {
        if (!v->rows[i].values[v->x]) continue;
        fputs(between, f->script);
        figure_quote(f->script, v->rows[i].values[v->x]);
        fprintf(f->script, " %.7g", v->rows[i].numbers[v->x]);
        between = ", ";
    }
    fputs(")\n", f->script);
}

/* Bars of several curves at one place would hide each other: x is moved a little for each. */
static void put_plot(Figure *f, const char *before, int block, const char *x, const char *title) {
    const char *colour = figure_curve_colours[block];
    fprintf(f->script, "%sdata index %d with lines lw 2 lc rgb '%s' title ", before, block, colour);
    figure_quote(f->script, title);
    fprintf(f->script,
            ", data index %d using %s:2:3:4 with yerrorbars pt 7 ps 0.5 lw 1 lc rgb '%s' notitle",
            block, x, colour);
}

static void write_sweep(Figure *f, const void *ctx) {
    const SweepCurves *c = ctx;
    const SweepView *v = c->v;
    bool quantiles = c->n_curves == 1;
    int n = quantiles ? RESULT_P99 + 1 : c->n_curves < MAX_CURVES ? (int)c->n_curves : MAX_CURVES;
    for (int b = 0; b < n; b++)
        put_curve(f, c, quantiles ? 0 : (size_t)b, quantiles ? RESULT_P99 - b : v->k);
    figure_block(f, "the best: setting, quantile");
    if (v->best < v->n && !isnan(v->rows[v->best].numbers[v->x]))
        fprintf(f->data, "%.7g %.5g\n", v->rows[v->best].numbers[v->x], ranked(v, v->best)->value);
    else fputs("NaN NaN\n", f->data);
    put_x_axis(f, c);
    fprintf(f->script,
            "set ylabel 'slowdown%s%s'\nset border 3\nset ytics nomirror\nset bars small\n"
            "set yrange [1:*]\nset key outside top left horizontal reverse Left samplen 1.5\nplot ",
            quantiles ? "" : ", ", quantiles ? "" : result_quantile_names[v->k]);
    for (int b = 0; b < n; b++) {
        char *title = NULL;
        for (size_t i = 0; i < v->n && !title && !quantiles; i++)
            if (v->rows[i].curve == (size_t)b) title = setting_text(v, i, false);
        char x[48] = "1";
        double aside = quantiles ? 0 : 0.008 * (b - (n - 1) / 2.0);
        if (c->is_log) snprintf(x, sizeof x, "($1*%.7g)", pow(c->hi / c->lo, aside));
        else snprintf(x, sizeof x, "($1+%.7g)", (c->hi - c->lo) * aside);
        put_plot(f, b > 0 ? ", \\\n    " : "", b, x,
                 quantiles ? result_quantile_names[RESULT_P99 - b]
                 : title   ? title
                           : "");
        free(title);
    }
    fprintf(f->script,
            ", \\\n    data index %d with points pt 6 ps 1.8 lw 2 lc rgb '" FIGURE_INK "' title "
            "'best'\n",
            n);
}

static int put_picture(Page *p, SweepView *v, Err *err) {
    if (v->x == v->n_axes) return 0;
    SweepCurves c = {.v = v, .n_curves = find_curves(v), .lo = INFINITY, .hi = -INFINITY};
    for (size_t i = 0; i < v->n; i++) {
        double x = v->rows[i].numbers[v->x];
        if (!isnan(x)) c.lo = fmin(c.lo, x), c.hi = fmax(c.hi, x);
    }
    c.is_log = c.lo > 0 && c.hi > 10 * c.lo;
    char *name = mem_printf("sweep_%zu", p->result + 1);
    char *title = mem_printf("Slowdown of %s over %s; bars are 95 %% intervals",
                             page_size_name(v->dist), v->axes[v->x].key);
    char *description = mem_printf("%s The best setting has a ring. The table has the numbers.",
                                   c.n_curves == 1 ? "Curves of p50, p90 and p99."
                                                   : "A curve for each combination of the other "
                                                     "settings.");
    PictureText t = {name, title, description, 520, 360};
    int rc = picture_put(p, &t, write_sweep, &c, err);
    if (c.n_curves > MAX_CURVES)
        page_paragraph(p, "The %d best of %zu curves are drawn.", MAX_CURVES, c.n_curves);
    free(name);
    free(title);
    free(description);
    return rc;
}

/* ---- words and table ---- */

/* How many other rows' intervals reach down to the best one's. */
static size_t count_as_good(const SweepView *v) {
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++)
        n += i != v->best && ranked(v, i)->lo <= ranked(v, v->best)->hi;
    return n;
}

static void put_best(Page *p, const SweepView *v) {
    if (v->best == v->n) {
        page_paragraph(p, "No setting has flows of that size.");
        return;
    }
    char *setting = setting_text(v, v->best, true);
    PageRange range = page_range(ranked(v, v->best));
    fputs("<p class=\"best\"><strong>", p->f);
    html_text(p->f, *setting ? setting : "The only setting");
    fputs("</strong> ", p->f);
    html_print(p->f, "has the lowest %s of %s: %s%s%s%s.", result_quantile_names[v->k],
               page_size_name(v->dist), page_value(ranked(v, v->best)->value).s,
               *range.s ? " (" : "", range.s, *range.s ? ")" : "");
    size_t n = count_as_good(v);
    if (n > 0)
        html_print(p->f,
                   " %zu of the %zu other settings may be as good: their 95 %% intervals "
                   "overlap with its.",
                   n, v->n - 1);
    fputs("</p>\n", p->f);
    free(setting);
}

static double largest(const SweepView *v) {
    double most = 0;
    for (size_t i = 0; i < v->n; i++)
        if (ranked(v, i)->value > most) most = ranked(v, i)->value;
    return most;
}

static void put_row(Page *p, const SweepView *v, size_t i, double most) {
    bool best = i == v->best;
    char *setting = setting_text(v, i, true);
    html_row_begin(p->f, best ? "best" : NULL, "%s%s", *setting ? setting : "as it is",
                   best ? " ★ best" : "");
    for (int k = 0; k <= RESULT_P99; k++) {
        const SlowdownQuantile *q = &v->rows[i].slowdown.dist[v->dist].q[k];
        html_cell_small(p->f, page_value(q->value).s, page_range(q).s);
    }
    html_cell_bar(p->f, ranked(v, i)->value / most, "%s", page_value(ranked(v, i)->value).s);
    html_row_end(p->f);
    free(setting);
}

/* Whether row i is among the n that rank first; equal ones by their order. */
static bool among_first(const SweepView *v, size_t i, size_t n) {
    size_t before = 0;
    double own = ranked(v, i)->value;
    for (size_t j = 0; j < v->n && before < n; j++) {
        double other = ranked(v, j)->value;
        before += other < own || (other == own && j < i) || (isnan(own) && !isnan(other));
    }
    return before < n;
}

static void put_table(Page *p, const SweepView *v) {
    char *ranking = mem_printf("Ranked: %s", result_quantile_names[v->k]);
    char *caption = mem_printf("Slowdown of %s under each setting", page_size_name(v->dist));
    const char *const columns[] = {"Setting", "p50", "p90", "p99", ranking, NULL};
    double most = largest(v);
    html_table_begin(p->f, caption, columns);
    for (size_t i = 0; i < v->n; i++)
        if (v->n <= MAX_TABLE_ROWS || among_first(v, i, MAX_TABLE_ROWS)) put_row(p, v, i, most);
    html_table_end(p->f);
    if (v->n > MAX_TABLE_ROWS)
        page_paragraph(p, "These are the best %d of %zu settings.", MAX_TABLE_ROWS, v->n);
    free(ranking);
    free(caption);
}

static int put_sections(Page *p, SweepView *v, const Json *root, Err *err) {
    page_section(p, "Which setting is best");
    choose_x(v);
    put_best(p, v);
    if (put_picture(p, v, err) != 0) return -1;
    put_table(p, v);
    if (page_remarks(p, root, err) != 0 || page_origin(p, root, err) != 0) return -1;
    return page_asked(p, root, err) == 0 ? page_command(p, root, err) : -1;
}

int page_sweep(Page *p, const Json *root, Err *err) {
    SweepView v = {0};
    p->is_sweep = true;
    int rc = read_sweep(&v, root, err);
    if (rc == 0) rc = put_sections(p, &v, root, err);
    free_sweep(&v);
    return rc;
}
