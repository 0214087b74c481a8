/* batch_truth: tables of quantiles of slowdown that a batch is compared with. */
#ifndef M3_BATCH_BATCH_TRUTH_H
#define M3_BATCH_BATCH_TRUTH_H
#include <stddef.h>

#include "base/diag.h"
#include "estimate/result.h"

enum { BATCH_MAX_SOURCES = 8 };

/* What a table says of one mix and distribution (ORDER BUCKET): of each source, quantiles or
 * relative errors against truth; NAN where it says nothing. */
typedef struct {
    char *id;
    int dist;
    double value[BATCH_MAX_SOURCES][RESULT_N_QUANTILES];
    double error[BATCH_MAX_SOURCES][RESULT_N_QUANTILES];
    size_t line; /* of the table that is being read; 0: of one before */
} BatchTruthRow;

/* Tables read so far. {0} is empty. */
typedef struct {
    char source[BATCH_MAX_SOURCES][24]; /* "truth", "parsimon", … */
    int n_sources, truth;               /* truth: which of them is; n_sources: none */
    BatchTruthRow *row;                 /* ascending by id and distribution */
    size_t n, cap;
} BatchTruth;

/* batch_truth_add reads a CSV table with a header. Columns: id; bucket (all, or a label with or
 * without spaces; no such column: all); pQ, quantile Q of the truth (p50, p90, p99, p99_9);
 * NAME_pQ, of a source NAME (ns3 or truth is the truth, others are further results);
 * pQ__TRUTH__NAME, the relative error of NAME, as published tables have it. Other columns are not
 * read; a cell without a number, or with NaN, says nothing. −1 with an input error that names file,
 * line and expectation: also where two columns of a table mean the same, or two rows, of one table
 * or of several, differ in what they say of one mix, bucket and column. batch_truth_free releases.
 */
int batch_truth_add(BatchTruth *t, const char *path, Err *err);
void batch_truth_free(BatchTruth *t);
/* batch_truth_find returns the row of a mix and distribution, or NULL. */
const BatchTruthRow *batch_truth_find(const BatchTruth *t, const char *id, int dist);
#endif
