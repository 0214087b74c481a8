/* train_task: what a training run needs to know of its data: batches in, held-out errors out.
 * Private to train*.c. */
#ifndef M3_TRAIN_TRAIN_TASK_H
#define M3_TRAIN_TRAIN_TASK_H
#include "train/train.h"

/* Of one epoch, or of flowSim alone. NAN: nothing to tell. */
typedef struct {
    double train, held_out; /* mean loss */
    double error,
        p99; /* mean |error| of held-out networks: of all quantiles, and of p99 over all flows */
} EpochLoss;

typedef struct {
    const TorchApi *api;
    TorchTrainer *trainer;
    const ModelSpec *spec;
} TrainPlugin;
/* Hands the plug-in's message on; −1. */
int train_plugin_failed(const char *message, Err *err);

typedef struct TrainTask TrainTask;
struct TrainTask {
    const char *unit; /* "samples", "paths" */
    size_t n_train, n_held_out;
    uint64_t n_steps;   /* per epoch */
    const char *digest; /* of the data */
    EpochLoss flowsim;  /* flowSim alone, on the held-out data (on all if none) */
    /* Starting weights that depend on the data; NULL: none do. from_checkpoint: they are not fresh
     * ones. */
    void (*prepare)(TrainTask *, const ModelSpec *spec, bool from_checkpoint, float *weights);
    void (*begin_epoch)(TrainTask *, uint32_t epoch);
    int (*step)(TrainTask *, const TrainPlugin *, uint64_t step, double rate, double *loss,
                Err *err);
    int (*held_out)(TrainTask *, const TrainPlugin *, EpochLoss *out,
                    Err *err); /* all but out->train */
    void (*destroy)(TrainTask *);
};
TrainTask *train_paths_new(const TrainOptions *o, Err *err); /* NULL: error */
TrainTask *train_flows_new(const TrainOptions *o, Err *err);
/* −1 unless some samples are left to train on, and some held out if asked for. */
int train_check_split(const TrainTask *t, const TrainOptions *o, Err *err);
#endif
