/* pathdata: training data: feature maps of paths and the slowdowns that really occurred on them. */
#ifndef M3_DATA_PATHDATA_H
#define M3_DATA_PATHDATA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ranks.h"
#include "data/datasplit.h"
#include "data/npy.h"
#include "model/pathfeat.h"

typedef struct {
    const char *scenarios; /* directory; each subdirectory with a scenario.json and a flows.csv is
                              one path */
    const char *out;       /* directory to write */
    const char *skip_cc;   /* congestion control to leave out, or NULL */
    uint32_t views;        /* partial views of each scenario beside the whole one */
    uint64_t seed;         /* of the views */
    int threads;
    Ranks *ranks; /* that share the scenarios; NULL: alone */
} PathDataOptions;

typedef struct {
    size_t n_scenarios, n_skipped, n_reused; /* reused: kept from an interrupted run */
    size_t n_samples, n_rows;
} PathDataInfo;

/* Simulates every scenario with the fluid model and writes the arrays and manifest.json. An
 * interrupted run leaves what is finished under out/parts and goes on there; the result has the
 * same bytes whatever was interrupted and however many threads ran. Of several ranks, which must
 * see the same folder, the first joins the parts, and it alone has *info. */
int pathdata_make(const PathDataOptions *o, const Log *log, PathDataInfo *info, Err *err);

/* The arrays of a data set, in <name>.npy each. */
enum {
    PATHDATA_PCT,
    PATHDATA_PRESENT,
    PATHDATA_ROW_START,
    PATHDATA_CONF,
    PATHDATA_BASE,
    PATHDATA_BASE_COUNT,
    PATHDATA_TRUTH,
    PATHDATA_TRUTH_COUNT,
    PATHDATA_N_ARRAYS
};
typedef struct {
    const char *name;
    NpyType type;
    uint64_t n_cols;
    enum { PER_ROW, PER_SAMPLE, PER_SAMPLE_AND_END } rows;
} PathDataArray;
extern const PathDataArray pathdata_arrays[PATHDATA_N_ARRAYS];

/* A data set, mapped. Row r of sample i is row row_start[i] + r. */
typedef struct {
    size_t n, n_rows;
    const uint32_t *row_start;     /* [n+1] */
    const float *pct;              /* [rows × 1000] */
    const uint16_t *present;       /* [rows] */
    const float *conf;             /* [n × 19] */
    const float *base;             /* [n × 400] */
    const uint32_t *base_count;    /* [n × 4] */
    const float *truth;            /* [n × 400] */
    const uint32_t *truth_count;   /* [n × 4] */
    char **name;                   /* [n] "syn0003", a view of it "syn0003#1" */
    char digest[65];               /* SHA-256 of the manifest */
    Npy arrays[PATHDATA_N_ARRAYS]; /* what is mapped */
} PathData;
int pathdata_load(PathData *d, const char *dir, Err *err);
void pathdata_free(PathData *d);

/* Indices of the samples on one side, ascending; caller frees. */
uint32_t *pathdata_select(const PathData *d, const DataSplit *s, bool held_out, size_t *n);

/* Sample i as the model reads it; points into the data set (counts per input bucket are left out).
 */
PathFeat pathdata_map(const PathData *d, size_t i);
#endif
