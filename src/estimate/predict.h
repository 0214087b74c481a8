/* predict: what a model, asked about a network's features, says of its slowdowns. */
#ifndef M3_ESTIMATE_PREDICT_H
#define M3_ESTIMATE_PREDICT_H
#include "estimate/estimate.h"
#include "features/features.h"
#include "estimate/modelerror.h"

typedef struct {
    const Ckpt *ckpt; /* of the head that the features are for; NULL with FEATURES_FLUID and
                         FEATURES_PACKETS */
    bool published;   /* --compat published */
    int threads;
} PredictOptions;

typedef struct {
    const Features *features;
    PredictOptions options;
    size_t n_out;     /* values per path: the model's percentiles (400) or curves (FLOWCURVE_N); 0
                         without a model */
    float *out;       /* [n_unique × n_out] */
    FlowRange *range; /* [n_unique] a flow model's inputs that are out of range */
    double *overflow; /* [n_unique] flowfeat_overflow */
    ModelError interval;
    bool model_error; /* the checkpoint knows its own error: `interval` is set */
    double wall_model_s;
} Prediction;

/* Features and checkpoint stay the caller's. −1: the checkpoint's own record of its error is
 * damaged. predict_free releases. */
int predict_init(Prediction *q, const Features *f, const PredictOptions *o, Err *err);
/* Asks the model about paths first..first+n−1, whose maps must be there; nothing to do without a
 * model. */
void predict_paths(Prediction *q, size_t first, size_t n);
/* After all paths: the network's distribution with intervals, and what is known of paths, flows and
 * times. */
void predict_finish(Prediction *q, Estimate *out);
void predict_free(Prediction *q);
#endif
