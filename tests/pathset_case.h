/* pathset_case: a made-up data set of paths. To be included after cmocka.h. */
#ifndef M3_TESTS_PATHSET_CASE_H
#define M3_TESTS_PATHSET_CASE_H
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/pathdata.h"
#include "traffic/sizebucket.h"

/* Truth is 1.5 times flowSim, where there is truth. Each path has as many rows of percentiles. */
enum { PATHSET_N = 24, PATHSET_N_ROWS = 3 };

static inline void pathset_case_array(const char *dir, int k, size_t rows, const void *data) {
    const PathDataArray *a = &pathdata_arrays[k];
    char *path = mem_printf("%s/%s.npy", dir, a->name);
    NpyOut out;
    Err err = {0};
    assert_int_equal(npy_out_open(&out, path, a->type, rows, a->n_cols, &err), 0);
    npy_out_append(&out, data, rows * a->n_cols * npy_type_size(a->type));
    assert_int_equal(npy_out_commit(&out, &err), 0);
    free(path);
}

static inline void pathset_case_manifest(const char *dir) {
    char *path = file_join(dir, "manifest.json");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fprintf(f, "{\"schema\": \"m3.dataset/1\", \"n_samples\": %d, \"n_rows\": %d, \"samples\": [",
            PATHSET_N, PATHSET_N * PATHSET_N_ROWS);
    for (int i = 0; i < PATHSET_N; i++) fprintf(f, "%s[\"p%d\"]", i ? ", " : "", i);
    fprintf(f, "]}\n");
    assert_int_equal(fclose(f), 0);
    free(path);
}

/* pathset_case_write writes the data set into a folder that exists; pathset_case_load loads one. */
static inline void pathset_case_write(const char *dir) {
    float *pct = MEM_ZNEW(float, PATHSET_N *PATHSET_N_ROWS *PATHFEAT_N_PCT),
          *conf = MEM_ZNEW(float, PATHSET_N *PATHFEAT_N_CONF);
    float *base = MEM_NEW(float, PATHSET_N *PATHFEAT_N_BASE),
          *truth = MEM_NEW(float, PATHSET_N *PATHFEAT_N_BASE);
    uint16_t present[PATHSET_N * PATHSET_N_ROWS];
    uint32_t row_start[PATHSET_N + 1], count[PATHSET_N * SIZEBUCKET_N];
    Rng r = rng_stream(3, "test", 0);
    for (size_t i = 0; i < PATHSET_N * PATHSET_N_ROWS; i++) {
        present[i] = (uint16_t)rng_below(&r, 1024);
        for (size_t c = 0; c < PATHFEAT_N_PCT; c++)
            pct[i * PATHFEAT_N_PCT + c] = present[i] >> c / 100 & 1 ? (float)exp(rng_u01(&r)) : 0;
    }
    for (size_t i = 0; i < PATHSET_N; i++) {
        row_start[i] = (uint32_t)(i * PATHSET_N_ROWS);
        conf[i * PATHFEAT_N_CONF + 8 + i % 3] = 1;
        for (size_t b = 0; b < SIZEBUCKET_N; b++)
            count[i * SIZEBUCKET_N + b] = (i + b) % 5 == 0 ? 0 : 10;
        for (size_t c = 0; c < PATHFEAT_N_BASE; c++) {
            base[i * PATHFEAT_N_BASE + c] =
                count[i * SIZEBUCKET_N + c / 100] ? 1 + (float)(c % 100) / 50 : 1;
            truth[i * PATHFEAT_N_BASE + c] =
                base[i * PATHFEAT_N_BASE + c] * (count[i * SIZEBUCKET_N + c / 100] ? 1.5f : 1);
        }
    }
    row_start[PATHSET_N] = PATHSET_N * PATHSET_N_ROWS;
    const void *data[PATHDATA_N_ARRAYS] = {pct,  present, row_start, conf,
                                           base, count,   truth,     count};
    for (int k = 0; k < PATHDATA_N_ARRAYS; k++) {
        size_t rows = pathdata_arrays[k].rows == PER_ROW
                          ? PATHSET_N * PATHSET_N_ROWS
                          : PATHSET_N + (pathdata_arrays[k].rows == PER_SAMPLE_AND_END);
        pathset_case_array(dir, k, rows, data[k]);
    }
    pathset_case_manifest(dir);
    free(pct);
    free(conf);
    free(base);
    free(truth);
}

static inline void pathset_case_load(PathData *d, const char *dir) {
    Err err = {0};
    if (pathdata_load(d, dir, &err) != 0) fail_msg("%s", err.msg);
}

#endif
