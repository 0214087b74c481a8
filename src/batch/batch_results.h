/* batch_results: all results of a batch's folder, read back. */
#ifndef M3_BATCH_BATCH_RESULTS_H
#define M3_BATCH_BATCH_RESULTS_H
#include "batch/batch_loads.h"
#include "estimate/estimate.h"

/* A mix by a method. */
typedef struct {
    bool there; /* else all is zero */
    Slowdowns slowdown;
    uint64_t n_flows, n_paths, n_unique; /* paths: drawn, different ones; 0 without paths */
    double wall_s;
    uint64_t peak_rss_b;
} BatchResult;

typedef struct {
    char *name;
    BatchFacts facts;
    BatchResult by[METHOD_N]; /* ORDER METHOD */
} BatchMix;

typedef struct {
    BatchMix *mix;
    size_t n;
} BatchResults;

/* batch_results_read reads a folder that batch_run has filled or is filling: what is not there yet
 * is left out. −1 with an input error: no batch's folder, or a damaged file. batch_results_free
 * releases. */
int batch_results_read(BatchResults *r, const char *dir, Err *err);
/* batch_results_need reads a folder as batch_results_read does, and refuses one without any result.
 */
int batch_results_need(BatchResults *r, const char *dir, Err *err);
void batch_results_free(BatchResults *r);

/* What a method took. n: mixes that have a result by it; 0: all else is NAN or 0. */
typedef struct {
    size_t n;
    double mean_s, median_s, max_s; /* wall times of a mix */
    uint64_t most_flows;            /* of a mix */
} BatchTimes;
/* batch_results_times returns what the results of a method took. */
BatchTimes batch_results_times(const BatchResults *r, Method m);
#endif
