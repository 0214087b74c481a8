/* evaluate_paths: a path model against truth, on paths of a data set. */
#ifndef M3_EVALUATE_EVALUATE_PATHS_H
#define M3_EVALUATE_EVALUATE_PATHS_H
#include "data/pathdata.h"
#include "estimate/result.h"
#include "evaluate/evaluate_error.h"
#include "model/ckpt.h"
#include "model/modelinput.h"

/* Errors of one method; {0} is empty. */
typedef struct {
    EvaluateError cell[RESULT_N_DISTS][EVALUATE_N_SHOWN]; /* ORDER BUCKET */
    EvaluateError loss; /* over all percentiles of all buckets: the loss of training */
} EvaluateTable;
/* evaluate_paths_add adds one sample: estimates and truths are [4 × 100], percentiles by size
 * bucket; buckets whose truth_count is 0 do not count. */
void evaluate_paths_add(EvaluateTable *t, const float *estimate, const float *truth,
                        const uint32_t *truth_count);

/* The model beside flowSim alone, over samples of one kind. */
typedef struct {
    const char *label; /* "all", "dctcp", … */
    size_t n_samples;
    EvaluateTable m3, flowsim;
} EvaluateControl;
enum { EVALUATE_N_CONTROLS = 1 + MODELINPUT_N_CC };
typedef struct {
    EvaluateControl control[EVALUATE_N_CONTROLS]; /* all, then by congestion control, ORDER CC */
} EvaluatePaths;

/* evaluate_paths runs the path model c on samples index[0..n) of the data set and fills *out. */
void evaluate_paths(const PathData *d, const uint32_t *index, size_t n, const Ckpt *c, int threads,
                    EvaluatePaths *out);
#endif
