/* batch: a folder of results, read back for summaries, tables and figures.
 *
 * Distributions are read as m3 compare reads them (estimate/report_read); what an estimate says
 * beside them is read here. */
#include "batch/batch_results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/stats.h"
#include "batch/batch_folder.h"
#include "estimate/report_read.h"

static int read_head(BatchResult *r, const Json *root, Method method, Err *err) {
    Json paths, wall;
    const char *name;
    if (json_need_string(root, "method", &name, err) != 0) return -1;
    if (strcmp(name, estimate_methods[method]) != 0)
        return json_fail_member(root, "method", err, "expected %s, as the file's name, got '%.60s'",
                                estimate_methods[method], name);
    if (json_need_uint(root, "n_flows", UINT64_MAX, &r->n_flows, err) != 0 ||
        json_need(root, "n_paths", &paths, err) != 0 ||
        json_need_uint(&paths, "drawn", UINT64_MAX, &r->n_paths, err) != 0 ||
        json_need_uint(&paths, "unique", UINT64_MAX, &r->n_unique, err) != 0 ||
        json_need(root, "wall_s", &wall, err) != 0)
        return -1;
    if (json_need_number(&wall, "total", &r->wall_s, err) != 0) return -1;
    return json_need_uint(root, "peak_rss_bytes", UINT64_MAX, &r->peak_rss_b, err);
}

static int read_result(BatchResult *r, const char *path, Method method, Err *err) {
    ReportResult result;
    JsonDoc *doc = json_open(path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = report_read_json(&result, &root, err);
    if (rc == 0) rc = read_head(r, &root, method, err);
    json_close(doc);
    r->slowdown = result.slowdown;
    r->there = rc == 0;
    return rc;
}

static int read_mix(BatchMix *m, const char *dir, const char *name, Err *err) {
    *m = (BatchMix){.name = mem_strdup(name)};
    int rc = batch_loads_read(&m->facts, dir, name, err);
    for (int k = 0; k < METHOD_N && rc == 0; k++) {
        bool has;
        rc = batch_folder_find(dir, name, estimate_methods[k], &has, err);
        if (rc != 0 || !has) continue;
        char *path = batch_folder_path(dir, name, estimate_methods[k], ".json");
        rc = read_result(&m->by[k], path, (Method)k, err);
        free(path);
    }
    return rc;
}

int batch_results_read(BatchResults *r, const char *dir, Err *err) {
    size_t n;
    char **names = batch_folder_names(dir, &n, err);
    *r = (BatchResults){0};
    if (!names) return -1;
    r->mix = MEM_ZNEW(BatchMix, n);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) rc = read_mix(&r->mix[r->n++], dir, names[i], err);
    batch_folder_names_free(names, n);
    if (rc != 0) batch_results_free(r);
    return rc;
}

int batch_results_need(BatchResults *r, const char *dir, Err *err) {
    if (batch_results_read(r, dir, err) != 0) return -1;
    for (size_t i = 0; i < r->n; i++)
        for (int m = 0; m < METHOD_N; m++)
            if (r->mix[i].by[m].there) return 0;
    batch_results_free(r);
    return err_input(
        err, "%s: holds no result (yet, or each failed: then ID/METHOD.error says why)", dir);
}

void batch_results_free(BatchResults *r) {
    for (size_t i = 0; i < r->n; i++) {
        free(r->mix[i].name);
        batch_facts_free(&r->mix[i].facts);
    }
    free(r->mix);
    *r = (BatchResults){0};
}

BatchTimes batch_results_times(const BatchResults *r, Method m) {
    double *x = MEM_NEW(double, r->n), sum = 0;
    BatchTimes t = {.mean_s = NAN, .median_s = NAN, .max_s = NAN};
    for (size_t i = 0; i < r->n; i++) {
        const BatchResult *b = &r->mix[i].by[m];
        if (!b->there) continue;
        sum += x[t.n++] = b->wall_s;
        if (b->n_flows > t.most_flows) t.most_flows = b->n_flows;
    }
    if (t.n > 0) {
        stats_sort(x, t.n);
        t.mean_s = sum / (double)t.n;
        t.median_s = stats_between(x, t.n, 50);
        t.max_s = x[t.n - 1];
    }
    free(x);
    return t;
}
