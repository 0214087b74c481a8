/* train: data set → checkpoint, through the training plug-in. */
#ifndef M3_TRAIN_TRAIN_H
#define M3_TRAIN_TRAIN_H
#include <stdbool.h>
#include <stdint.h>

#include "data/pathdata.h"
#include "model/ckpt.h"
#include "plugin/torch_shim.h"

typedef struct {
    const char *dataset, *out;
    const char *init; /* checkpoint to start from, or NULL: `spec` with fresh weights */
    ModelSpec spec;
    uint32_t epochs, batch; /* batch: samples of a step; flow data: paths */
    uint32_t n_flows; /* flow data: at most so many flows of a path a step, drawn anew each epoch */
    uint32_t patience; /* epochs without gain on the held-out samples before stopping; 0: never stop
                          early */
    double lr, weight_decay, dropout, grad_clip;
    /* Flow data: a network in which more than this share of the flows took over 20 times as long as
     * the fluid says has collapsed (losses without PFC, or storms of pauses) and is not trained on;
     * 0: all are. */
    double collapsed;
    double input_noise; /* flow data: deviation of what is added to the normalised features of links
                           and paths */
    double average;     /* share of the past in the moving average of the weights, which is what is
                           kept; 0: the weights themselves */
    double warmup; /* share of all steps in which the rate rises to lr; then it falls as a cosine */
    DataSplit split;
    uint64_t seed;
    bool resume;
    int threads;
    const char *device;
    CkptDtype dtype; /* of the checkpoint written */
} TrainOptions;
void train_defaults(TrainOptions *o);

typedef struct {
    size_t n_train, n_held_out;
    uint32_t epochs, best_epoch; /* run; counted from 1 */
    double train_loss;           /* of the best epoch */
    double held_out_loss;        /* of the best epoch; NAN if nothing is held out */
    double
        held_out_error; /* flow data: mean |error| of the held-out networks' quantiles; else NAN */
    double flowsim_loss,
        flowsim_error; /* of flowSim alone on the held-out samples (on all if none) */
    double wall_s;
} TrainResult;

/* Trains, and keeps in `out`: model.m3, the best on the held-out samples (the last, if nothing is
 * held out), with its recipe; progress.json and the state it names, from which `resume` goes on
 * exactly. ERR_STOPPED on Ctrl-C, after saving. */
int train_run(const TrainOptions *o, const TorchApi *api, const Log *log, TrainResult *result,
              Err *err);

/* Whether a data set is one of flows (m3.flowset/1), and not of paths, by its manifest. */
int train_is_flowdata(const char *dir, bool *is, Err *err);

/* Learning rate of step `step` of n_steps. */
double train_rate(const TrainOptions *o, uint64_t step, uint64_t n_steps);

/* Samples gathered side by side, as the plug-in takes them. Storage grows as needed;
 * zero-initialise. */
typedef struct {
    TorchBatch view;
    uint32_t *row_start;
    float *pct, *conf, *base, *base_count, *truth;
    uint16_t *present;
    uint8_t *truth_present;
    size_t cap_n, cap_rows;
} TrainBatch;
void trainbatch_gather(TrainBatch *b, const PathData *d, const uint32_t *index, size_t n);
void trainbatch_free(TrainBatch *b);
#endif
