/* predict: what a model predicts from a network's features: its slowdown distribution. */
#ifndef M3_ESTIMATE_PREDICT_H
#define M3_ESTIMATE_PREDICT_H
#include "estimate/estimate.h"
#include "estimate/modelerror.h"
#include "features/features.h"

/* A prediction in progress; private but for its owner. */
typedef struct {
    const Features *features;
    const EstimateOptions *options;
    size_t n_out;     /* values per path: a flow model's curves (4 × AGGREGATE_N_LEVELS), a path
                         model's percentiles (4 × 100), or 0 without a model */
    float *out;       /* [n_unique × n_out] */
    FlowRange *range; /* [n_unique] a flow model's input furthest out of its trained range */
    float *corrected; /* [n_unique] the largest slowdown that the model corrects: a fluid one */
    double *overflow; /* [n_unique] windows in flight over a switch's buffer, of a flow model */
    ModelError error; /* if has_error: the checkpoint's record of its own error */
    bool has_error;
    double wall_model_s;
} Prediction;

/* predict_init begins a prediction by the method that the features were made for (METHOD_M3: a flow
 * model for FEATURES_FLOWS, a path model for FEATURES_PERCENTILES). Features and options stay the
 * caller's and must live until predict_free. Returns −1 if the checkpoint's record of its own error
 * is damaged. */
int predict_init(Prediction *p, const Features *f, const EstimateOptions *o, Err *err);
/* predict_paths runs the model on paths first..first+n−1, whose feature maps must be in memory; it
 * does nothing where there is no model. `first` is a multiple of FEATURES_BATCH. Ranks share the
 * paths. Returns −1 if interrupted (ERR_STOPPED) or if another rank has failed. */
int predict_paths(Prediction *p, size_t first, size_t n, Err *err);
/* predict_finish fills *out, after predict_paths on all paths: the network's distribution with its
 * intervals, counts of paths and flows, and times. Returns −1 (exit 1) if the model predicts
 * slowdowns far beyond what it corrects: its weights are finite, which ckpt_load checks, but make
 * no sense.
 */
int predict_finish(Prediction *p, Estimate *out, Err *err);
/* predict_free releases what predict_init and predict_paths took; {0} is allowed. */
void predict_free(Prediction *p);
#endif
