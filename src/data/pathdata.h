/* dataset: training data: feature maps of paths and the slowdowns that really occurred on them. */
#ifndef M3_DATA_PATHDATA_H
#define M3_DATA_PATHDATA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/npy.h"
#include "model/pathfeat.h"

typedef struct {
    const char *scenarios; /* directory; each subdirectory with a scenario.json and a flows.csv is one path */
    const char *out;       /* directory to write */
    const char *skip_cc;   /* congestion control to leave out, or NULL */
    uint32_t views;        /* partial views of each scenario beside the whole one */
    uint64_t seed;         /* of the views */
    int threads;
} DatasetOptions;

typedef struct {
    size_t n_scenarios, n_skipped, n_reused; /* reused: kept from an interrupted run */
    size_t n_samples, n_rows;
} DatasetInfo;

/* Simulates every scenario with the fluid model and writes the arrays and manifest.json. An interrupted run leaves what
 * is finished under out/parts and goes on there; the result has the same bytes whatever was interrupted and however
 * many threads ran. */
int dataset_make(const DatasetOptions *o, const Log *log, DatasetInfo *info, Err *err);

/* The arrays of a data set, in <name>.npy each. */
enum { A_PCT, A_PRESENT, A_ROW_START, A_CONF, A_BASE, A_BASE_COUNT, A_TRUTH, A_TRUTH_COUNT, N_ARRAYS };
typedef struct {
    const char *name;
    NpyType type;
    uint64_t n_cols;
    enum { PER_ROW, PER_SAMPLE, PER_SAMPLE_AND_END } rows;
} DatasetArray;
extern const DatasetArray dataset_arrays[N_ARRAYS];

/* A data set, mapped. Row r of sample i is row row_start[i] + r. */
typedef struct {
    size_t n, n_rows;
    const uint32_t *row_start;   /* [n+1] */
    const float *pct;            /* [rows × 1000] */
    const uint16_t *present;     /* [rows] */
    const float *conf;           /* [n × 19] */
    const float *base;           /* [n × 400] */
    const uint32_t *base_count;  /* [n × 4] */
    const float *truth;          /* [n × 400] */
    const uint32_t *truth_count; /* [n × 4] */
    char **name;                 /* [n] "syn0003", a view of it "syn0003#1" */
    char digest[65];             /* SHA-256 of the manifest */
    Npy arrays[N_ARRAYS];        /* what is mapped */
} Dataset;
int dataset_load(Dataset *d, const char *dir, Err *err);
void dataset_free(Dataset *d);

/* Held-out or not is a property of the scenario's name: a hash in [0, 1) falls in [fold·share, (fold+1)·share). All
 * views of a scenario fall on the same side, in every data set that holds it. */
typedef struct {
    double share; /* in [0, 1); 0: nothing is held out */
    uint32_t fold;
} DatasetSplit;
bool dataset_is_held_out(const char *name, const DatasetSplit *s);
int dataset_check_split(const DatasetSplit *s, Err *err);
/* Indices of the samples on one side, ascending; caller frees. */
uint32_t *dataset_select(const Dataset *d, const DatasetSplit *s, bool held_out, size_t *n);

/* Sample i as the model reads it; points into the data set (counts per input bucket are left out). */
FeatureMap dataset_map(const Dataset *d, size_t i);
#endif
