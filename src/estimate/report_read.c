/* report_read: results read back, for comparison: an estimate's JSON, or flows with their
 * completion times.
 *
 * A file whose first character that is not space is '{' is JSON; all others are lists of flows
 * (traffic/flows_read.h), so that the output of any packet simulator can be compared with an
 * estimate. The truth's quantiles have no intervals. */
#include "estimate/report_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "estimate/report.h"
#include "traffic/flows_read.h"
#include "traffic/sizebucket.h"

static int read_dist(const Json *j, SlowdownDist *d, Err *err) {
    Json pct, it, quantile;
    if (json_need_array(j, "percentiles", &pct, err) != 0) return -1;
    if (json_len(&pct) != STATS_N_PCT)
        return json_fail(&pct, err, "expected %d numbers, got %d", STATS_N_PCT, json_len(&pct));
    int p = 0;
    for (bool ok = json_first(&pct, &it); ok; ok = json_next(&it))
        if (json_number_or_null(&it, &d->percentiles[p++], err) != 0) return -1;
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        SlowdownQuantile *q = &d->q[k];
        if (json_need(j, result_quantile_keys[k], &quantile, err) != 0 ||
            json_need_number_or_null(&quantile, "value", &q->value, err) != 0 ||
            json_need_number_or_null(&quantile, "lo", &q->lo, err) != 0 ||
            json_need_number_or_null(&quantile, "hi", &q->hi, err) != 0)
            return -1;
    }
    return 0;
}

int report_read_slowdown(Slowdowns *r, const Json *j, Err *err) {
    Json slowdown, all, buckets, it;
    if (json_need(j, "slowdown", &slowdown, err) != 0) return -1;
    if (json_need(&slowdown, "all", &all, err) != 0 ||
        read_dist(&all, &r->dist[RESULT_ALL], err) != 0)
        return -1;
    if (json_need_array(&slowdown, "buckets", &buckets, err) != 0) return -1;
    if (json_len(&buckets) != SIZEBUCKET_N)
        return json_fail(&buckets, err, "expected %d buckets, got %d", SIZEBUCKET_N,
                         json_len(&buckets));
    int b = 0;
    for (bool ok = json_first(&buckets, &it); ok; ok = json_next(&it), b++) {
        SlowdownDist *d = &r->dist[result_of_bucket(b)];
        uint64_t lo_b;
        if (json_need_uint(&it, "lo_b", UINT64_MAX, &lo_b, err) != 0) return -1;
        if (lo_b != sizebucket_lo(b))
            return json_fail_member(&it, "lo_b", err, "expected %llu",
                                    (unsigned long long)sizebucket_lo(b));
        if (json_need_number(&it, "share", &d->share, err) != 0 || read_dist(&it, d, err) != 0)
            return -1;
    }
    r->dist[RESULT_ALL].share = 1;
    return 0;
}

int report_read_json(ReportResult *out, const Json *root, Err *err) {
    Json v;
    const char *name;
    *out = (ReportResult){.n_flows = 0};
    if (json_need_string(root, "schema", &name, err) != 0) return -1;
    if (strcmp(name, REPORT_SCHEMA) != 0)
        return json_fail_member(root, "schema", err, "expected \"%s\", got \"%.60s\"",
                                REPORT_SCHEMA, name);
    if (report_read_slowdown(&out->slowdown, root, err) != 0) return -1;
    if (!json_find(root, "n_packet_flows", &v)) return 0;
    if (json_uint(&v, UINT64_MAX, &out->n_flows, err) != 0) return -1;
    return json_need_uint(root, "n_unfinished", out->n_flows, &out->n_unfinished, err);
}

static int read_json(const FileView *v, const char *path, ReportResult *r, Err *err) {
    JsonDoc *doc = json_parse(v->data, v->len, path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = report_read_json(r, &root, err);
    json_close(doc);
    return rc;
}

/* The distribution over flows that finished. */
static int read_flows(const char *path, ReportResult *out, const Log *log, Err *err) {
    Flows f;
    if (flows_load_results(&f, path, log, err) != 0) return -1;
    size_t n = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < f.n; i++) { /* finished ones move to the front, in place */
        double slowdown = f.fct_ns[i] / f.ideal_fct_ns[i];
        if (isnan(f.fct_ns[i])) continue;
        if (!isfinite(slowdown))
            rc = err_input(err, "%s: flow %zu: fct_ns / ideal_fct_ns: expected a finite number",
                           path, i + 1);
        f.size_b[n] = f.size_b[i];
        f.fct_ns[n++] = slowdown;
    }
    if (rc == 0 && n == 0)
        rc = err_input(err, "%s: expected at least one finished flow, got none", path);
    if (rc == 0 && n < f.n)
        log_note(log, "%s: %s of %s flows did not finish; percentiles cover the others", path,
                 units_count(f.n - n).s, units_count(f.n).s);
    if (rc == 0) aggregate_flows(f.size_b, f.fct_ns, n, &out->slowdown);
    out->n_flows = f.n;
    out->n_unfinished = f.n - n;
    flows_free(&f);
    return rc;
}

int report_read(ReportResult *r, const char *path, const Log *log, Err *err) {
    FileView v;
    *r = (ReportResult){.n_flows = 0};
    if (file_view(&v, path, err) != 0) return -1;
    size_t at = 0;
    while (at < v.len && v.data[at] && strchr(" \t\r\n", v.data[at])) at++;
    bool json = at < v.len && v.data[at] == '{';
    int rc = 0;
    if (at == v.len)
        rc = err_input(err, "%s: expected an estimate JSON or a list of flows, got an empty file",
                       path);
    else if (json) rc = read_json(&v, path, r, err);
    file_view_close(&v);
    return rc != 0 || json ? rc : read_flows(path, r, log, err);
}
