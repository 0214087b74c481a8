/* batch_errors: how far the results of a batch are from truth. */
#ifndef M3_BATCH_BATCH_ERRORS_H
#define M3_BATCH_BATCH_ERRORS_H
#include "batch/batch_kinds.h"
#include "batch/batch_results.h"
#include "batch/batch_truth.h"
#include "evaluate/evaluate_error.h"

/* The results of one method, or of one source of a table of truth. */
typedef struct {
    char label[40]; /* "m3", "parsimon (published)" */
    bool published; /* from a table; else the batch's own, by `method` */
    Method method;
    /* [n mixes], NAN: unknown; errors are (x − truth)/truth */
    double (*value)[RESULT_N_DISTS][RESULT_N_QUANTILES];
    double (*error)[RESULT_N_DISTS][RESULT_N_QUANTILES];
} BatchSeries;

typedef struct {
    const BatchResults *results;
    double (*truth)[RESULT_N_DISTS][RESULT_N_QUANTILES]; /* [n mixes], NAN: unknown */
    bool truth_is_packet;                                /* of some mix, for want of a table */
    BatchSeries series[METHOD_N + BATCH_MAX_SOURCES];
    int n_series;
    size_t n_with_truth; /* mixes whose p99 of all flows has a truth */
    size_t n_with_error; /* mixes of which a series has an error of p99 of all flows; tables of
                            errors may leave out the truth */
} BatchErrors;

/* batch_errors_init compares all results with the tables, or, for mixes of which they have no truth
 * at all, with the packet simulation if the folder has one. `results` is kept, not copied. −1 with
 * an input error if there are tables and none of their ids is a mix of the folder.
 * batch_errors_free releases. */
int batch_errors_init(BatchErrors *e, const BatchResults *results, const BatchTruth *t,
                      const char *dir, Err *err);
void batch_errors_free(BatchErrors *e);
/* batch_errors_note_strangers remarks how many ids of the tables are no mixes of the folder. */
void batch_errors_note_strangers(const BatchResults *results, const BatchTruth *t, const char *dir,
                                 const Log *log);

/* batch_errors_of collects the known errors of a series into out[n mixes], of one kind of mixes
 * (NULL: all), and returns their number. */
size_t batch_errors_of(const BatchErrors *e, const BatchSeries *s, int dist, int quantile,
                       BatchBy by, const char *kind, double *out);
/* batch_errors_any returns whether any quantile that evaluations show, of any bucket, has an error.
 */
bool batch_errors_any(const BatchErrors *e);
/* batch_errors_summary returns what these errors come to; unlike in evaluations, median and p90 are
 * between the nearest two errors (stats_between), as published ones of batches are. */
EvaluateSummary batch_errors_summary(const BatchErrors *e, const BatchSeries *s, int dist,
                                     int quantile, BatchBy by, const char *kind);
/* batch_errors_inside counts mixes whose true quantile of all flows lies within the series'
 * interval; *n is the number of those that have both. Own series only. */
size_t batch_errors_inside(const BatchErrors *e, const BatchSeries *s, int quantile, size_t *n);
#endif
