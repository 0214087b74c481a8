/* batch: tables of what a batch came to.
 *
 * Errors are relative, in percent; "mean" and "median" are of magnitudes, as the paper's headline
 * is; "signed" is the mean with its sign. A table without rows is left out with its heading. */
#include "batch/batch_report.h"

#include <math.h>
#include <stdlib.h>

#include "batch/batch_csv.h"

/* A number in percent, or "-". */
typedef struct {
    char s[24];
} Cell;
static Cell percent(double x, bool sign) {
    Cell c;
    if (isfinite(x)) snprintf(c.s, sizeof c.s, sign ? "%+.2f" : "%.2f", 100 * x);
    else snprintf(c.s, sizeof c.s, "-");
    return c;
}

/* ---- wall times ---- */

static void print_times(FILE *f, const BatchErrors *e) {
    fprintf(f, "%-10s %7s %12s %10s %10s\n", "method", "mixes", "mean wall s", "median", "max");
    for (int m = 0; m < METHOD_N; m++) {
        BatchTimes t = batch_results_times(e->results, (Method)m);
        if (t.n > 0)
            fprintf(f, "%-10s %7zu %12.3g %10.3g %10.3g\n", estimate_methods[m], t.n, t.mean_s,
                    t.median_s, t.max_s);
    }
}

/* ---- errors ---- */

static void print_headline(FILE *f, const BatchErrors *e) {
    if (e->n_with_error == 0) return;
    fprintf(f, "\nerror of p99 over all flows, %%\n%-22s %6s %8s %8s %8s %8s %8s %9s\n", "",
            "mixes", "mean", "median", "p90", "max", "signed", "inside");
    for (int i = 0; i < e->n_series; i++) {
        const BatchSeries *s = &e->series[i];
        EvaluateSummary a = batch_errors_summary(e, s, RESULT_ALL, RESULT_P99, 0, NULL);
        size_t n, inside = batch_errors_inside(e, s, RESULT_P99, &n);
        if (a.n == 0) continue;
        fprintf(f, "%-22s %6zu %8s %8s %8s %8s %8s", s->label, a.n, percent(a.mean_abs, false).s,
                percent(a.median_abs, false).s, percent(a.p90_abs, false).s,
                percent(a.max_abs, false).s, percent(a.mean_signed, true).s);
        if (n > 0) fprintf(f, " %4zu/%zu", inside, n);
        fputc('\n', f);
    }
}

static void print_buckets(FILE *f, const BatchErrors *e) {
    if (!batch_errors_any(e)) return;
    fprintf(f, "\nmean error by quantile and bucket, %% (signed)\n%-22s %-9s", "", "");
    for (int r = 0; r < RESULT_N_DISTS; r++)
        fprintf(f, " %16s", result_label(result_table_dist(r)));
    fputc('\n', f);
    for (int i = 0; i < e->n_series; i++)
        for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
            EvaluateSummary a[RESULT_N_DISTS];
            size_t n = 0;
            for (int d = 0; d < RESULT_N_DISTS; d++) {
                a[d] = batch_errors_summary(e, &e->series[i], d, k, 0, NULL);
                n += a[d].n;
            }
            if (n == 0) continue;
            fprintf(f, "%-22s %-9s", e->series[i].label, result_quantile_names[k]);
            for (int r = 0; r < RESULT_N_DISTS; r++) {
                const EvaluateSummary *c = &a[result_table_dist(r)];
                char text[64] = "-";
                if (c->n > 0)
                    snprintf(text, sizeof text, "%s (%s)", percent(c->mean_abs, false).s,
                             percent(c->mean_signed, true).s);
                fprintf(f, " %16s", text);
            }
            fputc('\n', f);
        }
}

static void print_by(FILE *f, const BatchErrors *e, BatchBy by) {
    size_t n;
    BatchKind *kind = batch_kinds_all(e->results, by, &n);
    for (size_t c = 0; n > 1 && c < n && c < BATCH_MOST_KINDS; c++) {
        fprintf(f, "%-17s %-20s", c == 0 ? batch_kinds_by_names[by] : "", kind[c].s);
        for (int i = 0; i < e->n_series; i++) {
            EvaluateSummary a =
                batch_errors_summary(e, &e->series[i], RESULT_ALL, RESULT_P99, by, kind[c].s);
            fprintf(f, " %12s %4zu", percent(a.mean_abs, false).s, a.n);
        }
        fputc('\n', f);
    }
    if (n > BATCH_MOST_KINDS) fprintf(f, "%-17s and %zu more\n", "", n - (size_t)BATCH_MOST_KINDS);
    free(kind);
}

static void print_kinds(FILE *f, const BatchErrors *e) {
    if (e->n_with_error == 0 || e->results->n < 2) return;
    fprintf(f, "\nmean error of p99 over all flows, %%, by kind of mix (number of mixes)\n%-38s",
            "");
    for (int i = 0; i < e->n_series; i++) fprintf(f, " %17.17s", e->series[i].label);
    fputc('\n', f);
    for (int by = 0; by < BATCH_N_BY; by++) print_by(f, e, (BatchBy)by);
}

void batch_report_table(FILE *f, const BatchErrors *e) {
    fprintf(f, "%zu mix%s, %zu with a truth", e->results->n, e->results->n == 1 ? "" : "es",
            e->n_with_truth);
    if (e->n_with_error > e->n_with_truth) fprintf(f, ", %zu with an error", e->n_with_error);
    fputs("\n\n", f);
    print_times(f, e);
    print_headline(f, e);
    print_buckets(f, e);
    print_kinds(f, e);
}

void batch_report_csv(FILE *f, const BatchErrors *e) {
    fputs("id,source,bucket,quantile,truth,value,error\n", f);
    for (size_t i = 0; i < e->results->n; i++)
        for (int s = 0; s < e->n_series; s++)
            for (int d = 0; d < RESULT_N_DISTS; d++)
                for (int k = 0; k < RESULT_N_QUANTILES; k++) {
                    double x = e->series[s].error[i][d][k], v = e->series[s].value[i][d][k],
                           t = e->truth[i][d][k];
                    if (!isfinite(x)) continue;
                    batch_csv_text(f, e->results->mix[i].name);
                    fputc(',', f);
                    batch_csv_text(f, e->series[s].label);
                    fprintf(f, ",%s,%s,%s,%s,%s\n", result_label(d), result_quantile_names[k],
                            isfinite(t) ? json_number_text(t).s : "",
                            isfinite(v) ? json_number_text(v).s : "", json_number_text(x).s);
                }
}

static void put_summary(JsonOut *o, const EvaluateSummary *a) {
    json_put_count(o, "n", a->n);
    json_put_number(o, "mean_abs", a->mean_abs);
    json_put_number(o, "median_abs", a->median_abs);
    json_put_number(o, "p90_abs", a->p90_abs);
    json_put_number(o, "max_abs", a->max_abs);
    json_put_number(o, "mean_signed", a->mean_signed);
}

static void put_buckets(JsonOut *o, const BatchErrors *e, const BatchSeries *s) {
    json_put_array(o, "buckets");
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            EvaluateSummary a = batch_errors_summary(e, s, d, k, 0, NULL);
            if (a.n == 0) continue;
            json_out_object(o);
            json_put_string(o, "bucket", result_label(d));
            json_put_string(o, "quantile", result_quantile_names[k]);
            put_summary(o, &a);
            json_out_end(o, '}');
        }
    json_out_end(o, ']');
}

static void put_kinds(JsonOut *o, const BatchErrors *e, const BatchSeries *s) {
    json_put_array(o, "by");
    for (int by = 0; by < BATCH_N_BY; by++) {
        size_t n;
        BatchKind *kind = batch_kinds_all(e->results, (BatchBy)by, &n);
        for (size_t c = 0; c < n; c++) {
            EvaluateSummary a =
                batch_errors_summary(e, s, RESULT_ALL, RESULT_P99, (BatchBy)by, kind[c].s);
            if (a.n == 0) continue;
            json_out_object(o);
            json_put_string(o, "by", batch_kinds_by_names[by]);
            json_put_string(o, "class", kind[c].s);
            put_summary(o, &a);
            json_out_end(o, '}');
        }
        free(kind);
    }
    json_out_end(o, ']');
}

void batch_report_json(FILE *f, const BatchErrors *e) {
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    json_put_string(&o, "schema", "m3.batch-report/1");
    json_put_count(&o, "n_mixes", e->results->n);
    json_put_count(&o, "n_with_truth", e->n_with_truth);
    json_put_array(&o, "methods");
    for (int m = 0; m < METHOD_N; m++) {
        BatchTimes t = batch_results_times(e->results, (Method)m);
        if (t.n == 0) continue;
        json_out_object(&o);
        json_put_string(&o, "method", estimate_methods[m]);
        json_put_count(&o, "n", t.n);
        json_put_number(&o, "mean_wall_s", t.mean_s);
        json_put_number(&o, "median_wall_s", t.median_s);
        json_put_number(&o, "max_wall_s", t.max_s);
        json_out_end(&o, '}');
    }
    json_out_end(&o, ']');
    json_put_array(&o, "sources");
    for (int i = 0; i < e->n_series; i++) {
        const BatchSeries *s = &e->series[i];
        size_t n, inside = batch_errors_inside(e, s, RESULT_P99, &n);
        json_out_object(&o);
        json_put_string(&o, "source", s->label);
        json_put_count(&o, "inside", inside);
        json_put_count(&o, "with_interval", n);
        put_buckets(&o, e, s);
        put_kinds(&o, e, s);
        json_out_end(&o, '}');
    }
    json_out_end(&o, ']');
    json_out_end(&o, '}');
    json_out_finish(&o);
}
