/* flowdata: reads data sets of flows: what the arrays are, and their validation.
 *
 * All arrays are mapped, not read. Loading checks every claim that later code relies on: types and
 * shapes against the manifest's counts, the features' names and order against this program's,
 * ascending starts, finite values, slowdowns above 0. */
#include "data/flowdata.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "traffic/sizebucket.h"

const FlowDataArray flowdata_arrays[FLOWDATA_N_ARRAYS] = {
    [FLOWDATA_LINK_START] = {"link_start", NPY_U32, 1, FLOWDATA_PER_PATH_AND_END},
    [FLOWDATA_LINK] = {"link", NPY_F32, FLOWFEAT_N_LINK, FLOWDATA_PER_LINK},
    [FLOWDATA_PATH] = {"path", NPY_F32, FLOWFEAT_N_PATH, FLOWDATA_PER_PATH},
    [FLOWDATA_FLOW_START] = {"flow_start", NPY_U32, 1, FLOWDATA_PER_PATH_AND_END},
    [FLOWDATA_FLOW] = {"flow", NPY_F32, FLOWFEAT_N_FLOW, FLOWDATA_PER_FLOW},
    [FLOWDATA_BASE] = {"base", NPY_F32, 1, FLOWDATA_PER_FLOW},
    [FLOWDATA_TRUTH] = {"truth", NPY_F32, 1, FLOWDATA_PER_FLOW},
    [FLOWDATA_BUCKET] = {"bucket", NPY_U8, 1, FLOWDATA_PER_FLOW},
    [FLOWDATA_NET] = {"net", NPY_U32, 1, FLOWDATA_PER_PATH},
    [FLOWDATA_DRAWS] = {"draws", NPY_U32, 1, FLOWDATA_PER_PATH},
    [FLOWDATA_BUCKET_COUNT] = {"bucket_count", NPY_U32, SIZEBUCKET_N, FLOWDATA_PER_PATH},
};

/* ---- manifest ---- */

static int read_count(const Json *root, const char *key, size_t *out, Err *err) {
    uint64_t n;
    if (json_need_uint(root, key, UINT32_MAX, &n, err) != 0) return -1;
    *out = n;
    return n > 0 ? 0 : json_fail_member(root, key, err, "must be at least 1");
}

static int read_range(const Json *row, const char *name, FlowDataRange *out, Err *err) {
    Json j;
    const char *got;
    double *field[] = {&out->min, &out->max, &out->mean, &out->std};
    bool ok = json_first(row, &j);
    if (!ok || json_string(&j, &got, err) != 0)
        return ok ? -1 : json_fail(row, err, "expected [name, min, max, mean, std]");
    if (strcmp(got, name) != 0)
        return json_fail(&j, err, "expected the feature %s, got %.40s", name, got);
    for (int k = 0; k < 4; k++) {
        if (!json_next(&j)) return json_fail(row, err, "expected [name, min, max, mean, std]");
        if (json_number(&j, field[k], err) != 0) return -1;
    }
    return 0;
}

static int read_ranges(const Json *features, const char *key, const char *const *names, int n,
                       FlowDataRange *out, Err *err) {
    Json list, row;
    if (json_need_array(features, key, &list, err) != 0) return -1;
    if (json_len(&list) != n)
        return json_fail(&list, err, "expected %d features, got %d", n, json_len(&list));
    int k = 0;
    for (bool ok = json_first(&list, &row); ok; ok = json_next(&row), k++)
        if (read_range(&row, names[k], &out[k], err) != 0) return -1;
    return 0;
}

static int read_features(FlowData *d, const Json *root, Err *err) {
    Json j;
    if (json_need(root, "features", &j, err) != 0) return -1;
    if (read_ranges(&j, "link", flowfeat_link_names, FLOWFEAT_N_LINK, d->link_range, err) != 0)
        return -1;
    if (read_ranges(&j, "path", flowfeat_path_names, FLOWFEAT_N_PATH, d->path_range, err) != 0)
        return -1;
    return read_ranges(&j, "flow", flowfeat_flow_names, FLOWFEAT_N_FLOW, d->flow_range, err);
}

static int read_networks(FlowData *d, const Json *root, Err *err) {
    Json list, item;
    const char *name;
    if (json_need_array(root, "networks", &list, err) != 0) return -1;
    if ((size_t)json_len(&list) != d->n_networks)
        return json_fail(&list, err, "expected %zu names, got %d", d->n_networks, json_len(&list));
    d->network = MEM_ZNEW(char *, d->n_networks);
    size_t i = 0;
    for (bool ok = json_first(&list, &item); ok; ok = json_next(&item)) {
        if (json_string(&item, &name, err) != 0) return -1;
        d->network[i++] = mem_strdup(name);
    }
    return 0;
}

static int read_manifest(FlowData *d, const char *path, Err *err) {
    JsonDoc *doc = json_open(path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    const char *schema;
    int rc = json_need_string(&root, "schema", &schema, err);
    if (rc == 0 && strcmp(schema, "m3.flowset/1") != 0)
        rc = json_fail_member(&root, "schema", err, "expected m3.flowset/1, got %.40s", schema);
    if (rc == 0) rc = read_count(&root, "n_networks", &d->n_networks, err);
    if (rc == 0) rc = read_count(&root, "n_paths", &d->n_paths, err);
    if (rc == 0) rc = read_count(&root, "n_links", &d->n_links, err);
    if (rc == 0) rc = read_count(&root, "n_flows", &d->n_flows, err);
    if (rc == 0) rc = read_features(d, &root, err);
    if (rc == 0) rc = read_networks(d, &root, err);
    json_close(doc);
    return rc;
}

/* ---- arrays ---- */

static int open_array(FlowData *d, const char *dir, int k, Err *err) {
    const FlowDataArray *a = &flowdata_arrays[k];
    const uint64_t rows[] = {[FLOWDATA_PER_PATH] = d->n_paths,
                             [FLOWDATA_PER_PATH_AND_END] = d->n_paths + 1,
                             [FLOWDATA_PER_LINK] = d->n_links,
                             [FLOWDATA_PER_FLOW] = d->n_flows};
    char *path = mem_printf("%s/%s.npy", dir, a->name);
    int rc = npy_open(&d->arrays[k], path, err);
    if (rc == 0) rc = npy_expect(&d->arrays[k], path, a->type, rows[a->rows], a->n_cols, err);
    free(path);
    return rc;
}

static void point(FlowData *d) {
    d->link_start = d->arrays[FLOWDATA_LINK_START].data;
    d->link = d->arrays[FLOWDATA_LINK].data;
    d->path = d->arrays[FLOWDATA_PATH].data;
    d->flow_start = d->arrays[FLOWDATA_FLOW_START].data;
    d->flow = d->arrays[FLOWDATA_FLOW].data;
    d->base = d->arrays[FLOWDATA_BASE].data;
    d->truth = d->arrays[FLOWDATA_TRUTH].data;
    d->bucket = d->arrays[FLOWDATA_BUCKET].data;
    d->net = d->arrays[FLOWDATA_NET].data;
    d->draws = d->arrays[FLOWDATA_DRAWS].data;
    d->bucket_count = d->arrays[FLOWDATA_BUCKET_COUNT].data;
}

static int check_starts(const char *dir, const char *name, const uint32_t *start, size_t n,
                        size_t end, Err *err) {
    if (start[0] != 0 || start[n] != end)
        return err_input(err, "%s/%s.npy: must run from 0 to %zu", dir, name, end);
    for (size_t i = 0; i < n; i++)
        if (start[i + 1] <= start[i] || start[i + 1] > end)
            return err_input(err, "%s/%s.npy: row %zu: must ascend", dir, name, i);
    return 0;
}

static int check_values(const FlowData *d, const char *dir, Err *err) {
    if (check_starts(dir, "link_start", d->link_start, d->n_paths, d->n_links, err) != 0) return -1;
    if (check_starts(dir, "flow_start", d->flow_start, d->n_paths, d->n_flows, err) != 0) return -1;
    for (size_t i = 0; i < d->n_paths; i++)
        if (d->net[i] >= d->n_networks)
            return err_input(err, "%s/net.npy: row %zu: expected less than %zu", dir, i,
                             d->n_networks);
    for (size_t i = 0; i < d->n_flows; i++)
        if (d->bucket[i] >= SIZEBUCKET_N)
            return err_input(err, "%s/bucket.npy: row %zu: expected less than %d", dir, i,
                             SIZEBUCKET_N);
    static const int features[] = {FLOWDATA_LINK, FLOWDATA_PATH, FLOWDATA_FLOW},
                     slowdowns[] = {FLOWDATA_BASE, FLOWDATA_TRUTH};
    for (size_t k = 0; k < sizeof features / sizeof *features; k++)
        if (npy_check_above(&d->arrays[features[k]], dir, flowdata_arrays[features[k]].name, -1e9f,
                            err) != 0)
            return -1;
    for (size_t k = 0; k < sizeof slowdowns / sizeof *slowdowns; k++)
        if (npy_check_above(&d->arrays[slowdowns[k]], dir, flowdata_arrays[slowdowns[k]].name, 0,
                            err) != 0)
            return -1;
    return 0;
}

int flowdata_load(FlowData *d, const char *dir, Err *err) {
    *d = (FlowData){0};
    char *manifest = file_join(dir, "manifest.json");
    int rc = read_manifest(d, manifest, err);
    if (rc == 0) rc = file_digest(manifest, d->digest, err);
    free(manifest);
    for (int k = 0; rc == 0 && k < FLOWDATA_N_ARRAYS; k++) rc = open_array(d, dir, k, err);
    point(d);
    if (rc == 0) rc = check_values(d, dir, err);
    if (rc != 0) flowdata_free(d);
    return rc;
}

void flowdata_free(FlowData *d) {
    for (int k = 0; k < FLOWDATA_N_ARRAYS; k++) npy_close(&d->arrays[k]);
    for (size_t i = 0; d->network && i < d->n_networks; i++) free(d->network[i]);
    free(d->network);
    *d = (FlowData){0};
}

FlowFeat flowdata_map(const FlowData *d, size_t i) {
    assert(i < d->n_paths);
    size_t link = d->link_start[i], flow = d->flow_start[i];
    FlowFeat m = {.n_links = d->link_start[i + 1] - d->link_start[i],
                  .n_flows = d->flow_start[i + 1] - d->flow_start[i],
                  .link = (float *)(uintptr_t)(d->link + link * FLOWFEAT_N_LINK),
                  .path = (float *)(uintptr_t)(d->path + i * FLOWFEAT_N_PATH),
                  .flow = (float *)(uintptr_t)(d->flow + flow * FLOWFEAT_N_FLOW),
                  .base = (float *)(uintptr_t)(d->base + flow),
                  .bucket = (uint8_t *)(uintptr_t)(d->bucket + flow)};
    memcpy(m.bucket_count, d->bucket_count + i * SIZEBUCKET_N, sizeof m.bucket_count);
    return m;
}

void flowdata_weights(const FlowData *d, size_t i, double weight[SIZEBUCKET_N]) {
    uint32_t here[SIZEBUCKET_N] = {0};
    double all = 0;
    for (uint32_t f = d->flow_start[i]; f < d->flow_start[i + 1]; f++) here[d->bucket[f]]++;
    for (int b = 0; b < SIZEBUCKET_N; b++)
        all += here[b] > 0 ? d->bucket_count[i * SIZEBUCKET_N + (size_t)b] : 0;
    for (int b = 0; b < SIZEBUCKET_N; b++)
        weight[b] = here[b] > 0 ? d->draws[i] * d->bucket_count[i * SIZEBUCKET_N + (size_t)b] /
                                      (all * here[b])
                                : 0;
}

uint32_t *flowdata_select(const FlowData *d, const DataSplit *s, bool held_out, size_t *n) {
    uint32_t *index = MEM_NEW(uint32_t, d->n_paths);
    *n = 0;
    for (size_t i = 0; i < d->n_paths; i++)
        if (datasplit_is_held_out(d->network[d->net[i]], s) == held_out)
            index[(*n)++] = (uint32_t)i;
    return index;
}
