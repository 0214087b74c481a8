/* pathdata: reads data sets of paths: what the arrays are, and their validation.
 *
 * All arrays are mapped, not read. Loading checks every claim that later code relies on: types and
 * shapes against the manifest's counts, ascending row numbers, finite features, truths above zero.
 */
#include "data/pathdata.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "traffic/sizebucket.h"

const PathDataArray pathdata_arrays[PATHDATA_N_ARRAYS] = {
    [PATHDATA_PCT] = {"pct", NPY_F32, PATHFEAT_N_PCT, PER_ROW},
    [PATHDATA_PRESENT] = {"present", NPY_U16, 1, PER_ROW},
    [PATHDATA_ROW_START] = {"row_start", NPY_U32, 1, PER_SAMPLE_AND_END},
    [PATHDATA_CONF] = {"conf", NPY_F32, PATHFEAT_N_CONF, PER_SAMPLE},
    [PATHDATA_BASE] = {"base", NPY_F32, PATHFEAT_N_BASE, PER_SAMPLE},
    [PATHDATA_BASE_COUNT] = {"base_count", NPY_U32, SIZEBUCKET_N, PER_SAMPLE},
    [PATHDATA_TRUTH] = {"truth", NPY_F32, PATHFEAT_N_BASE, PER_SAMPLE},
    [PATHDATA_TRUTH_COUNT] = {"truth_count", NPY_U32, SIZEBUCKET_N, PER_SAMPLE},
};

/* ---- loading ---- */

static int read_names(PathData *d, const Json *root, Err *err) {
    Json list, item, name;
    if (json_need_array(root, "samples", &list, err) != 0) return -1;
    if ((size_t)json_len(&list) != d->n)
        return json_fail(&list, err, "expected %zu samples, got %d", d->n, json_len(&list));
    d->name = MEM_ZNEW(char *, d->n);
    size_t i = 0;
    for (bool ok = json_first(&list, &item); ok; ok = json_next(&item), i++) {
        const char *s;
        if (json_expect_array(&item, err) != 0) return -1;
        if (!json_first(&item, &name)) return json_fail(&item, err, "expected a name");
        if (json_string(&name, &s, err) != 0) return -1;
        d->name[i] = mem_strdup(s);
    }
    return 0;
}

static int read_manifest(PathData *d, const char *path, Err *err) {
    JsonDoc *doc = json_open(path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    const char *schema;
    uint64_t n, n_rows;
    int rc = json_need_string(&root, "schema", &schema, err);
    if (rc == 0 && strcmp(schema, "m3.dataset/1") != 0)
        rc = json_fail_member(&root, "schema", err, "expected m3.dataset/1, got %.40s", schema);
    if (rc == 0) rc = json_need_uint(&root, "n_samples", UINT32_MAX - 1, &n, err);
    if (rc == 0 && n == 0) rc = json_fail_member(&root, "n_samples", err, "must be at least 1");
    if (rc == 0) rc = json_need_uint(&root, "n_rows", UINT32_MAX, &n_rows, err);
    if (rc == 0) d->n = n, d->n_rows = n_rows, rc = read_names(d, &root, err);
    json_close(doc);
    return rc;
}

static int open_array(PathData *d, const char *dir, int k, Err *err) {
    const PathDataArray *a = &pathdata_arrays[k];
    uint64_t rows = a->rows == PER_ROW ? d->n_rows : d->n + (a->rows == PER_SAMPLE_AND_END);
    char *path = mem_printf("%s/%s.npy", dir, a->name);
    int rc = npy_open(&d->arrays[k], path, err);
    if (rc == 0) rc = npy_expect(&d->arrays[k], path, a->type, rows, a->n_cols, err);
    free(path);
    return rc;
}

static int check_rows(const PathData *d, const char *dir, Err *err) {
    if (d->row_start[0] != 0 || d->row_start[d->n] != d->n_rows)
        return err_input(err, "%s/row_start.npy: must run from 0 to n_rows", dir);
    for (size_t i = 0; i < d->n; i++)
        if (d->row_start[i + 1] < d->row_start[i] || d->row_start[i + 1] - d->row_start[i] < 2)
            return err_input(err, "%s/row_start.npy: sample %zu: expected at least two rows", dir,
                             i);
    for (size_t r = 0; r < d->n_rows; r++)
        if (d->present[r] >> SIZEBUCKET_N_FINE)
            return err_input(err, "%s/present.npy: row %zu: expected bits below %d", dir, r,
                             SIZEBUCKET_N_FINE);
    return 0;
}

static int check_values(const PathData *d, const char *dir, Err *err) {
    if (check_rows(d, dir, err) != 0) return -1;
    if (npy_check_above(&d->arrays[PATHDATA_PCT], dir, pathdata_arrays[PATHDATA_PCT].name, -1,
                        err) != 0)
        return -1;
    if (npy_check_above(&d->arrays[PATHDATA_CONF], dir, pathdata_arrays[PATHDATA_CONF].name, -1,
                        err) != 0)
        return -1;
    if (npy_check_above(&d->arrays[PATHDATA_BASE], dir, pathdata_arrays[PATHDATA_BASE].name, 0,
                        err) != 0)
        return -1;
    return npy_check_above(&d->arrays[PATHDATA_TRUTH], dir, pathdata_arrays[PATHDATA_TRUTH].name, 0,
                           err);
}

int pathdata_load(PathData *d, const char *dir, Err *err) {
    *d = (PathData){0};
    char *manifest = file_join(dir, "manifest.json");
    int rc = read_manifest(d, manifest, err);
    if (rc == 0) rc = file_digest(manifest, d->digest, err);
    free(manifest);
    for (int k = 0; rc == 0 && k < PATHDATA_N_ARRAYS; k++) rc = open_array(d, dir, k, err);
    d->pct = d->arrays[PATHDATA_PCT].data;
    d->present = d->arrays[PATHDATA_PRESENT].data;
    d->row_start = d->arrays[PATHDATA_ROW_START].data;
    d->conf = d->arrays[PATHDATA_CONF].data;
    d->base = d->arrays[PATHDATA_BASE].data;
    d->base_count = d->arrays[PATHDATA_BASE_COUNT].data;
    d->truth = d->arrays[PATHDATA_TRUTH].data;
    d->truth_count = d->arrays[PATHDATA_TRUTH_COUNT].data;
    if (rc == 0) rc = check_values(d, dir, err);
    if (rc != 0) pathdata_free(d);
    return rc;
}

void pathdata_free(PathData *d) {
    for (int k = 0; k < PATHDATA_N_ARRAYS; k++) npy_close(&d->arrays[k]);
    for (size_t i = 0; d->name && i < d->n; i++) free(d->name[i]);
    free(d->name);
    *d = (PathData){0};
}

/* ---- samples ---- */

uint32_t *pathdata_select(const PathData *d, const DataSplit *s, bool held_out, size_t *n) {
    uint32_t *index = MEM_NEW(uint32_t, d->n);
    *n = 0;
    for (size_t i = 0; i < d->n; i++)
        if (datasplit_is_held_out(d->name[i], s) == held_out) index[(*n)++] = (uint32_t)i;
    return index;
}

PathFeat pathdata_map(const PathData *d, size_t i) {
    assert(i < d->n);
    size_t row = d->row_start[i];
    PathFeat m = {.n_rows = d->row_start[i + 1] - d->row_start[i],
                  .pct = (float *)(uintptr_t)(d->pct + row * PATHFEAT_N_PCT),
                  .present = (uint16_t *)(uintptr_t)(d->present + row)};
    memcpy(m.base, d->base + i * PATHFEAT_N_BASE, sizeof m.base);
    memcpy(m.base_count, d->base_count + i * SIZEBUCKET_N, sizeof m.base_count);
    memcpy(m.conf, d->conf + i * PATHFEAT_N_CONF, sizeof m.conf);
    return m;
}
