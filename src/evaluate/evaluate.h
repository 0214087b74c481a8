/* evaluate: how far estimates are from truth: per path of a data set, and for whole networks. */
#ifndef M3_EVALUATE_EVALUATE_H
#define M3_EVALUATE_EVALUATE_H
#include <stdint.h>

#include "data/pathdata.h"
#include "data/flowdata.h"
#include "data/nettraits.h"
#include "estimate/result.h"
#include "model/ckpt.h"
#include "model/modelinput.h"
#include "net/netconf.h"
#include "traffic/sizebucket.h"

/* Errors est/truth − 1 of one kind of cell. */
typedef struct {
    uint64_t n;
    double sum_abs, sum_signed;
} EvalError;
void evalerror_add(EvalError *e, double estimate, double truth);
double evalerror_mean_abs(const EvalError *e); /* NAN if n = 0 */
double evalerror_mean_signed(const EvalError *e);

enum { EVAL_N_PCT = 3 }; /* RESULT_P50, RESULT_P90 and RESULT_P99 */
extern const int eval_percentiles[EVAL_N_PCT];

/* Estimates of one method against truth; [bucket or RESULT_ALL][percentile]. */
typedef struct {
    EvalError cell[RESULT_N_DISTS][EVAL_N_PCT];
    EvalError loss; /* over all percentiles: the loss of training */
} EvalTable;
/* One sample's 4 × 100 estimates and truths; buckets with truth_count 0 don't count. */
void evaltable_add(EvalTable *t, const float *estimate, const float *truth,
                   const uint32_t *truth_count);

/* The model beside flowSim alone, over samples of one kind. */
typedef struct {
    const char *label; /* "all", "dctcp", … */
    size_t n_samples;
    EvalTable m3, flowsim;
} EvalGroup;
enum { EVAL_N_GROUPS = 1 + MODELINPUT_N_CC };
typedef struct {
    EvalGroup group[EVAL_N_GROUPS]; /* all, then by congestion control */
} Evaluation;

/* Samples `index` of the data set. */
void evaluate_pathdata(const PathData *d, const uint32_t *index, size_t n, const Ckpt *c,
                       int threads, Evaluation *out);

/* A whole network: the very flows of a packet simulation, estimated from their sizes and starts. */
typedef struct {
    double truth, m3, flowsim; /* slowdowns; NAN with fewer than EVAL_MIN_FLOWS true ones */
} EvalQuantile;
typedef struct {
    double truth, value, lo, hi; /* of m3; truth as above */
} EvalInterval;
typedef struct {
    char *name;
    Cc cc;
    NetTraits traits;
    size_t n_flows, n_finished, n_paths; /* n_paths: different ones simulated */
    EvalQuantile q[RESULT_N_DISTS][EVAL_N_PCT];
    bool has_intervals; /* lo and hi differ */
    EvalInterval interval[RESULT_N_DISTS][RESULT_N_QUANTILES];
} EvalNet;
typedef struct {
    const Ckpt *ckpt;
    uint64_t n_paths; /* 0: all */
    uint64_t seed;
    int threads;
} EvalNetOptions;
enum { EVAL_MIN_FLOWS = 20 }; /* finished ones of a bucket, for its quantiles to count as truth */
/* Every subdirectory of `dir` with topo.json, scenario.json (the mix's settings) and flows.csv
 * (with fct_ns and ideal_fct_ns), in order of name. Unfinished flows count in the estimate only. */
int evaluate_networks(const char *dir, const EvalNetOptions *o, const Log *log, EvalNet **nets,
                      size_t *n, Err *err);
void evalnets_free(EvalNet *nets, size_t n);

/* The flow model on the paths `index` of a flow data set: a network's truth is what the data set
 * holds of it, weighted by draws and by what its flows stand for, and so are the estimates. NAN
 * where a cell has fewer than EVAL_MIN_FLOWS. The networks that have a path among `index`,
 * ascending; evalnets_free releases. */
void evaluate_flowdata(const FlowData *d, const uint32_t *index, size_t n, const Ckpt *c,
                       int threads, EvalNet **nets, size_t *n_nets);
/* The checkpoint with its own error (interval.h) in the recipe, as measured on those of the
 * networks that did not collapse. Their estimates should be free of sampling: all paths. −1 if
 * there are too few. */
int evaluate_calibrate(const EvalNet *nets, size_t n, const Ckpt *c, const char *out, Err *err);

/* Mean |error| of the networks' p50, p90 and p99, over all cells or of `row` alone
 * (RESULT_ALL or a bucket) at one percentile. */
double evaluate_mean_error(const EvalNet *nets, size_t n, bool flowsim);
double evaluate_row_error(const EvalNet *nets, size_t n, int row, int percentile, bool flowsim);

/* Of n signed errors. NANs if n = 0. */
typedef struct {
    size_t n;
    double mean_abs, mean_signed, median_abs, p90_abs, max_abs;
} EvalSummary;
EvalSummary evalsummary_of(const double *errors, size_t n);
#endif
