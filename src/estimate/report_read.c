/* report_read: results read back, for comparison: an estimate's JSON, or flows with their
 * completion times as CSV or in the binary form.
 *
 * A file whose first character that is not space is '{' is JSON; a binary flow file begins with its
 * mark (traffic/flows_binary.h). The CSV needs a header with size_b, fct_ns and ideal_fct_ns, in
 * any order and among other columns, so that the output of any packet simulator can be compared
 * with an estimate. The truth's quantiles have no intervals. */
#include "estimate/report_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "estimate/report.h"
#include "traffic/flows.h"
#include "traffic/flows_binary.h"
#include "traffic/sizebucket.h"

/* Reads a number; null, of a bucket without flows, gives NAN. */
static int read_value(const Json *j, double *out, Err *err) {
    *out = NAN;
    return json_is_null(j) ? 0 : json_number(j, out, err);
}

static int read_quantile(const Json *dist, int k, SlowdownQuantile *q, Err *err) {
    Json j, v;
    if (json_need(dist, result_quantile_keys[k], &j, err) != 0) return -1;
    if (json_need(&j, "value", &v, err) != 0 || read_value(&v, &q->value, err) != 0) return -1;
    if (json_need(&j, "lo", &v, err) != 0 || read_value(&v, &q->lo, err) != 0) return -1;
    if (json_need(&j, "hi", &v, err) != 0 || read_value(&v, &q->hi, err) != 0) return -1;
    return 0;
}

static int read_dist(const Json *j, SlowdownDist *d, Err *err) {
    Json pct, it;
    if (json_need_array(j, "percentiles", &pct, err) != 0) return -1;
    if (json_len(&pct) != STATS_N_PCT)
        return json_fail(&pct, err, "expected %d numbers, got %d", STATS_N_PCT, json_len(&pct));
    int p = 0;
    for (bool ok = json_first(&pct, &it); ok; ok = json_next(&it))
        if (read_value(&it, &d->percentiles[p++], err) != 0) return -1;
    for (int k = 0; k < RESULT_N_QUANTILES; k++)
        if (read_quantile(j, k, &d->q[k], err) != 0) return -1;
    return 0;
}

static int read_bucket(const Json *j, int b, SlowdownDist *d, Err *err) {
    uint64_t lo_b;
    if (json_need_uint(j, "lo_b", UINT64_MAX, &lo_b, err) != 0) return -1;
    if (lo_b != sizebucket_lo(b))
        return json_fail_member(j, "lo_b", err, "expected %llu",
                                (unsigned long long)sizebucket_lo(b));
    if (json_need_number(j, "share", &d->share, err) != 0) return -1;
    return read_dist(j, d, err);
}

static int read_root(const Json *root, Slowdowns *r, Err *err) {
    Json slowdown, all, buckets, it;
    const char *name;
    if (json_need_string(root, "schema", &name, err) != 0) return -1;
    if (strcmp(name, REPORT_SCHEMA) != 0)
        return json_fail_member(root, "schema", err, "expected \"%s\", got \"%.60s\"",
                                REPORT_SCHEMA, name);
    if (json_need(root, "slowdown", &slowdown, err) != 0) return -1;
    if (json_need(&slowdown, "all", &all, err) != 0 ||
        read_dist(&all, &r->dist[RESULT_ALL], err) != 0)
        return -1;
    if (json_need_array(&slowdown, "buckets", &buckets, err) != 0) return -1;
    if (json_len(&buckets) != SIZEBUCKET_N)
        return json_fail(&buckets, err, "expected %d buckets, got %d", SIZEBUCKET_N,
                         json_len(&buckets));
    int b = 0;
    for (bool ok = json_first(&buckets, &it); ok; ok = json_next(&it), b++)
        if (read_bucket(&it, b, &r->dist[result_of_bucket(b)], err) != 0) return -1;
    r->dist[RESULT_ALL].share = 1;
    return 0;
}

static int read_json(const FileView *v, const char *path, Slowdowns *r, Err *err) {
    JsonDoc *doc = json_parse(v->data, v->len, path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = read_root(&root, r, err);
    json_close(doc);
    return rc;
}

enum { SIZE, FCT, IDEAL, N_COLUMNS };
static const char *const column_names[N_COLUMNS] = {"size_b", "fct_ns", "ideal_fct_ns"};

/* The rest of a file or of a line. */
typedef struct {
    const char *p, *end;
} CsvText;
/* A field of a line. */
typedef struct {
    const char *p;
    size_t len;
} CsvField;

/* Takes the next line off the text, without its line end; false at the end of the text. */
static bool next_line(CsvText *t, CsvText *line) {
    if (t->p >= t->end) return false;
    const char *nl = memchr(t->p, '\n', (size_t)(t->end - t->p));
    *line = (CsvText){t->p, nl ? nl : t->end};
    t->p = nl ? nl + 1 : t->end;
    if (line->end > line->p && line->end[-1] == '\r') line->end--;
    return true;
}

/* Takes the next field off a line; false after the last one. */
static bool next_field(CsvText *line, CsvField *f) {
    if (!line->p) return false;
    const char *comma =
        line->end > line->p ? memchr(line->p, ',', (size_t)(line->end - line->p)) : NULL;
    const char *stop = comma ? comma : line->end;
    *f = (CsvField){line->p, (size_t)(stop - line->p)};
    line->p = comma ? comma + 1 : NULL;
    return true;
}

static int read_header(CsvText line, const char *path, int column[N_COLUMNS], Err *err) {
    CsvField f;
    for (int c = 0; c < N_COLUMNS; c++) column[c] = -1;
    for (int i = 0; next_field(&line, &f); i++)
        for (int c = 0; c < N_COLUMNS; c++)
            if (f.len == strlen(column_names[c]) && memcmp(f.p, column_names[c], f.len) == 0)
                column[c] = i;
    for (int c = 0; c < N_COLUMNS; c++)
        if (column[c] < 0)
            return err_input(err,
                             "%s: expected an estimate JSON, or a CSV with columns size_b, fct_ns "
                             "and ideal_fct_ns (no %s here)",
                             path, column_names[c]);
    return 0;
}

/* Reads a positive finite number, NAN if the field is empty. The shortest form of any double that
 * reads back has at most 24 characters. */
static int read_number(CsvField f, double *x) {
    char text[40], *end;
    *x = NAN;
    if (f.len == 0) return 0;
    if (f.len >= sizeof text) return -1;
    memcpy(text, f.p, f.len);
    text[f.len] = '\0';
    *x = strtod(text, &end);
    return *end == '\0' && end != text && *x > 0 && isfinite(*x) ? 0 : -1;
}

/* Flows that finished. */
typedef struct {
    uint64_t *size_b;
    double *slowdown;
    size_t n, size_cap, slowdown_cap, n_unfinished;
} FlowResults;

static int read_flow(CsvText line, const char *path, size_t line_no, const int column[N_COLUMNS],
                     FlowResults *r, Err *err) {
    CsvField f, field[N_COLUMNS] = {{0}};
    bool present[N_COLUMNS] = {false};
    for (int i = 0; next_field(&line, &f); i++)
        for (int c = 0; c < N_COLUMNS; c++)
            if (column[c] == i) field[c] = f, present[c] = true;
    double x[N_COLUMNS];
    for (int c = 0; c < N_COLUMNS; c++) {
        if (!present[c])
            return err_input(err, "%s: line %zu: %s: missing", path, line_no, column_names[c]);
        if (read_number(field[c], &x[c]) != 0 || (c != FCT && isnan(x[c])) ||
            (c == SIZE && (x[c] < 1 || x[c] >= 0x1p63)))
            return err_input(err, "%s: line %zu: %s: expected a number above 0, got '%.*s'", path,
                             line_no, column_names[c], (int)(field[c].len < 40 ? field[c].len : 40),
                             field[c].p);
    }
    if (isnan(x[FCT])) {
        r->n_unfinished++;
        return 0;
    }
    if (!isfinite(x[FCT] / x[IDEAL]))
        return err_input(err, "%s: line %zu: fct_ns / ideal_fct_ns: expected a finite number", path,
                         line_no);
    MEM_GROW(r->size_b, r->size_cap, r->n + 1);
    MEM_GROW(r->slowdown, r->slowdown_cap, r->n + 1);
    r->size_b[r->n] = (uint64_t)x[SIZE];
    r->slowdown[r->n++] = x[FCT] / x[IDEAL];
    return 0;
}

static int sum_up(const FlowResults *r, const char *path, Slowdowns *out, const Log *log,
                  Err *err) {
    if (r->n == 0) return err_input(err, "%s: expected at least one finished flow, got none", path);
    if (r->n_unfinished)
        log_note(log, "%s: %s of %s flows did not finish and are left out", path,
                 units_count(r->n_unfinished).s, units_count(r->n + r->n_unfinished).s);
    aggregate_flows(r->size_b, r->slowdown, r->n, out);
    return 0;
}

static int read_csv(const FileView *v, const char *path, Slowdowns *out, const Log *log, Err *err) {
    CsvText text = {v->data, v->data + v->len}, line = {0};
    FlowResults r = {0};
    int column[N_COLUMNS];
    if (v->len == 0)
        return err_input(err, "%s: expected an estimate JSON or a flow CSV, got an empty file",
                         path);
    next_line(&text, &line);
    int rc = read_header(line, path, column, err);
    for (size_t no = 2; rc == 0 && next_line(&text, &line); no++)
        if (line.end > line.p) rc = read_flow(line, path, no, column, &r, err);
    if (rc == 0) rc = sum_up(&r, path, out, log, err);
    free(r.size_b);
    free(r.slowdown);
    return rc;
}

static int read_binary(const FileView *v, const char *path, Slowdowns *out, const Log *log,
                       Err *err) {
    Flows f;
    if (flows_binary_read_sizes(&f, v, path, err) != 0) return -1;
    int rc = f.fct_ns && f.ideal_fct_ns
                 ? 0
                 : err_input(err, "%s: expected flows with fct_ns and ideal_fct_ns", path);
    FlowResults r = {.size_b = f.size_b,
                     .slowdown = f.fct_ns}; /* finished ones move to the front, in place */
    for (size_t i = 0; rc == 0 && i < f.n; i++) {
        double slowdown = f.fct_ns[i] / f.ideal_fct_ns[i];
        if (isnan(f.fct_ns[i])) {
            r.n_unfinished++;
            continue;
        }
        if (!isfinite(slowdown))
            rc = err_input(err, "%s: row %zu: fct_ns / ideal_fct_ns: expected a finite number",
                           path, i);
        r.size_b[r.n] = f.size_b[i];
        r.slowdown[r.n++] = slowdown;
    }
    if (rc == 0) rc = sum_up(&r, path, out, log, err);
    flows_free(&f);
    return rc;
}

int report_read(Slowdowns *r, const char *path, const Log *log, Err *err) {
    FileView v;
    if (file_view(&v, path, err) != 0) return -1;
    size_t at = 0;
    while (at < v.len && v.data[at] && strchr(" \t\r\n", v.data[at])) at++;
    int rc = flows_binary_is(&v)               ? read_binary(&v, path, r, log, err)
             : at < v.len && v.data[at] == '{' ? read_json(&v, path, r, err)
                                               : read_csv(&v, path, r, log, err);
    file_view_close(&v);
    return rc;
}
