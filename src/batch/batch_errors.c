/* batch: errors against truth, per mix, and by what kind of mix.
 *
 * Truth is a table's where it has any of the mix, else the batch's own packet simulation: the two
 * are never mixed within a mix. A packet result beside a table is a series like the others, whose
 * error says how well the two agree. */
#include "batch/batch_errors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/stats.h"

typedef double Cells[RESULT_N_DISTS][RESULT_N_QUANTILES];

static Cells *new_cells(size_t n) {
    Cells *c = MEM_NEW(Cells, n > 0 ? n : 1);
    for (size_t i = 0; i < n; i++)
        for (int d = 0; d < RESULT_N_DISTS; d++)
            for (int k = 0; k < RESULT_N_QUANTILES; k++) c[i][d][k] = NAN;
    return c;
}

/* What the tables say of a source; NULL row: nothing. */
static double said(const BatchTruthRow *row, int source, int k, bool error) {
    return row ? (error ? row->error : row->value)[source][k] : NAN;
}

/* Takes the truth of mix i from the tables; returns whether they have any. */
static bool truth_of_tables(BatchErrors *e, const BatchTruth *t, size_t i) {
    bool any = false;
    for (int d = 0; d < RESULT_N_DISTS && t->truth < t->n_sources; d++) {
        const BatchTruthRow *row = batch_truth_find(t, e->results->mix[i].name, d);
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            e->truth[i][d][k] = said(row, t->truth, k, false);
            any |= isfinite(e->truth[i][d][k]);
        }
    }
    return any;
}

static void find_truth(BatchErrors *e, const BatchTruth *t) {
    const BatchResults *r = e->results;
    for (size_t i = 0; i < r->n; i++) {
        const BatchResult *packet = &r->mix[i].by[METHOD_PACKET];
        bool take = !truth_of_tables(e, t, i) && packet->there;
        e->truth_is_packet |= take;
        for (int d = 0; d < RESULT_N_DISTS && take; d++)
            for (int k = 0; k < RESULT_N_QUANTILES; k++)
                e->truth[i][d][k] = packet->slowdown.dist[d].q[k].value;
        if (isfinite(e->truth[i][RESULT_ALL][RESULT_P99])) e->n_with_truth++;
    }
}

static BatchSeries *add_series(BatchErrors *e) {
    BatchSeries *s = &e->series[e->n_series++];
    s->value = new_cells(e->results->n);
    s->error = new_cells(e->results->n);
    return s;
}

static void add_own(BatchErrors *e, Method m) {
    const BatchResults *r = e->results;
    bool any = false;
    for (size_t i = 0; i < r->n; i++) any |= r->mix[i].by[m].there;
    if (!any || (m == METHOD_PACKET && e->truth_is_packet)) return;
    BatchSeries *s = add_series(e);
    s->method = m;
    snprintf(s->label, sizeof s->label, "%s", estimate_methods[m]);
    for (size_t i = 0; i < r->n; i++)
        for (int d = 0; d < RESULT_N_DISTS && r->mix[i].by[m].there; d++)
            for (int k = 0; k < RESULT_N_QUANTILES; k++) {
                double x = r->mix[i].by[m].slowdown.dist[d].q[k].value;
                s->value[i][d][k] = x;
                s->error[i][d][k] = evaluate_error_of(x, e->truth[i][d][k]);
            }
}

static void add_published(BatchErrors *e, const BatchTruth *t, int source) {
    const BatchResults *r = e->results;
    BatchSeries *s = add_series(e);
    s->published = true;
    snprintf(s->label, sizeof s->label, "%s (published)", t->source[source]);
    for (size_t i = 0; i < r->n; i++)
        for (int d = 0; d < RESULT_N_DISTS; d++) {
            const BatchTruthRow *row = batch_truth_find(t, r->mix[i].name, d);
            for (int k = 0; k < RESULT_N_QUANTILES; k++) {
                double x = said(row, source, k, false), error = said(row, source, k, true);
                s->value[i][d][k] = x;
                s->error[i][d][k] = isnan(error) ? evaluate_error_of(x, e->truth[i][d][k]) : error;
            }
        }
}

static int by_text(const void *pa, const void *pb) {
    return strcmp(*(const char *const *)pa, *(const char *const *)pb);
}

/* The number of different ids of the tables that are no mixes. */
static size_t strangers(const BatchResults *r, const BatchTruth *t) {
    const char **name = MEM_NEW(const char *, r->n);
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) name[i] = r->mix[i].name;
    qsort(name, r->n, sizeof *name, by_text);
    for (size_t i = 0; i < t->n; i++) {
        const char *id = t->row[i].id;
        if (i > 0 && strcmp(id, t->row[i - 1].id) == 0) continue;
        n += bsearch(&id, name, r->n, sizeof *name, by_text) == NULL;
    }
    free(name);
    return n;
}

void batch_errors_note_strangers(const BatchResults *r, const BatchTruth *t, const char *dir,
                                 const Log *log) {
    size_t n = strangers(r, t);
    if (n == 1) log_note(log, "1 id of the tables is no mix of %s", dir);
    if (n > 1) log_note(log, "%zu ids of the tables are no mixes of %s", n, dir);
}

/* Tables of another batch would leave all errors empty without a word. */
static int check_ids(const BatchResults *r, const BatchTruth *t, const char *dir, Err *err) {
    for (size_t i = 0; i < r->n; i++)
        for (int d = 0; d < RESULT_N_DISTS; d++)
            if (batch_truth_find(t, r->mix[i].name, d)) return 0;
    if (t->n_sources == 0 || r->n == 0) return 0;
    return err_input(err, "--truth: none of its ids (%s, …) is a mix of %s (%s, …)",
                     t->n > 0 ? t->row[0].id : "none", dir, r->mix[0].name);
}

int batch_errors_init(BatchErrors *e, const BatchResults *results, const BatchTruth *t,
                      const char *dir, Err *err) {
    *e = (BatchErrors){.results = results};
    if (check_ids(results, t, dir, err) != 0) return -1;
    e->truth = new_cells(results->n);
    find_truth(e, t);
    for (int m = 0; m < METHOD_N; m++) add_own(e, (Method)m);
    for (int s = 0; s < t->n_sources; s++)
        if (s != t->truth) add_published(e, t, s);
    for (size_t i = 0; i < results->n; i++) {
        bool any = false;
        for (int s = 0; s < e->n_series; s++)
            any |= isfinite(e->series[s].error[i][RESULT_ALL][RESULT_P99]);
        e->n_with_error += any;
    }
    return 0;
}

void batch_errors_free(BatchErrors *e) {
    for (int s = 0; s < e->n_series; s++) {
        free(e->series[s].value);
        free(e->series[s].error);
    }
    free(e->truth);
    *e = (BatchErrors){0};
}

/* ---- what is asked of them ---- */

size_t batch_errors_of(const BatchErrors *e, const BatchSeries *s, int dist, int quantile,
                       BatchBy by, const char *kind, double *out) {
    size_t n = 0;
    for (size_t i = 0; i < e->results->n; i++) {
        double x = s->error[i][dist][quantile];
        bool mine = !kind || strcmp(batch_kinds_of(&e->results->mix[i].facts, by).s, kind) == 0;
        if (mine && isfinite(x)) out[n++] = x;
    }
    return n;
}

bool batch_errors_any(const BatchErrors *e) {
    for (int s = 0; s < e->n_series; s++)
        for (size_t i = 0; i < e->results->n; i++)
            for (int d = 0; d < RESULT_N_DISTS; d++)
                for (int k = 0; k < EVALUATE_N_SHOWN; k++)
                    if (isfinite(e->series[s].error[i][d][k])) return true;
    return false;
}

EvaluateSummary batch_errors_summary(const BatchErrors *e, const BatchSeries *s, int dist,
                                     int quantile, BatchBy by, const char *kind) {
    double *x = MEM_NEW(double, e->results->n);
    size_t n = batch_errors_of(e, s, dist, quantile, by, kind, x);
    EvaluateSummary a = evaluate_error_summary(x, n);
    for (size_t i = 0; i < n; i++) x[i] = fabs(x[i]);
    stats_sort(x, n);
    if (n > 0) {
        a.median_abs = stats_between(x, n, 50);
        a.p90_abs = stats_between(x, n, 90);
    }
    free(x);
    return a;
}

size_t batch_errors_inside(const BatchErrors *e, const BatchSeries *s, int quantile, size_t *n) {
    size_t inside = 0;
    *n = 0;
    for (size_t i = 0; i < e->results->n; i++) {
        const BatchResult *r = &e->results->mix[i].by[s->method];
        double truth = e->truth[i][RESULT_ALL][quantile];
        if (s->published || !r->there || !isfinite(truth)) continue;
        const SlowdownQuantile *q = &r->slowdown.dist[RESULT_ALL].q[quantile];
        ++*n;
        inside += truth >= q->lo && truth <= q->hi;
    }
    return inside;
}
