/* train_paths: training on a data set of paths: feature maps and the percentiles that really
 * occurred.
 *
 * Epoch e visits the training samples as shuffled by the stream (seed, "shuffle", e). The held-out
 * samples are estimated without dropout; their loss is the mean |estimate/truth − 1|, as in
 * training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "traffic/sizebucket.h"
#include "train/train_task.h"

static void reserve(TrainBatch *b, size_t n, size_t rows) {
    if (n > b->cap_n) {
        b->cap_n = n;
        b->row_start = mem_realloc(b->row_start, n + 1, sizeof *b->row_start);
        b->conf = mem_realloc(b->conf, n * PATHFEAT_N_CONF, sizeof *b->conf);
        b->base = mem_realloc(b->base, n * PATHFEAT_N_BASE, sizeof *b->base);
        b->base_count = mem_realloc(b->base_count, n * SIZEBUCKET_N, sizeof *b->base_count);
        b->truth = mem_realloc(b->truth, n * PATHFEAT_N_BASE, sizeof *b->truth);
        b->truth_present =
            mem_realloc(b->truth_present, n * SIZEBUCKET_N, sizeof *b->truth_present);
    }
    if (rows > b->cap_rows) {
        b->cap_rows = rows;
        b->pct = mem_realloc(b->pct, rows * PATHFEAT_N_PCT, sizeof *b->pct);
        b->present = mem_realloc(b->present, rows, sizeof *b->present);
    }
}

static void gather_one(TrainBatch *b, const PathData *d, size_t i, size_t k) {
    size_t from = d->row_start[i], n_rows = d->row_start[i + 1] - from, to = b->row_start[k];
    memcpy(b->pct + to * PATHFEAT_N_PCT, d->pct + from * PATHFEAT_N_PCT,
           n_rows * PATHFEAT_N_PCT * sizeof *b->pct);
    memcpy(b->present + to, d->present + from, n_rows * sizeof *b->present);
    memcpy(b->conf + k * PATHFEAT_N_CONF, d->conf + i * PATHFEAT_N_CONF,
           PATHFEAT_N_CONF * sizeof *b->conf);
    memcpy(b->base + k * PATHFEAT_N_BASE, d->base + i * PATHFEAT_N_BASE,
           PATHFEAT_N_BASE * sizeof *b->base);
    memcpy(b->truth + k * PATHFEAT_N_BASE, d->truth + i * PATHFEAT_N_BASE,
           PATHFEAT_N_BASE * sizeof *b->truth);
    for (int j = 0; j < SIZEBUCKET_N; j++) {
        b->base_count[k * SIZEBUCKET_N + (size_t)j] =
            log1pf((float)d->base_count[i * SIZEBUCKET_N + (size_t)j]);
        b->truth_present[k * SIZEBUCKET_N + (size_t)j] =
            d->truth_count[i * SIZEBUCKET_N + (size_t)j] > 0;
    }
    b->row_start[k + 1] = (uint32_t)(to + n_rows);
}

void trainbatch_gather(TrainBatch *b, const PathData *d, const uint32_t *index, size_t n) {
    size_t rows = 0;
    for (size_t k = 0; k < n; k++) rows += d->row_start[index[k] + 1] - d->row_start[index[k]];
    reserve(b, n, rows);
    b->row_start[0] = 0;
    for (size_t k = 0; k < n; k++) gather_one(b, d, index[k], k);
    b->view = (TorchBatch){.n = (uint32_t)n,
                           .row_start = b->row_start,
                           .pct = b->pct,
                           .present = b->present,
                           .conf = b->conf,
                           .base = b->base,
                           .base_count = b->base_count,
                           .truth = b->truth,
                           .truth_present = b->truth_present};
}

void trainbatch_free(TrainBatch *b) {
    free(b->row_start);
    free(b->pct);
    free(b->conf);
    free(b->base);
    free(b->base_count);
    free(b->truth);
    free(b->present);
    free(b->truth_present);
    *b = (TrainBatch){0};
}

/* Adds |estimate/truth − 1| over the cells of sample i whose bucket has truth. */
static void add_loss(const PathData *d, size_t i, const float *estimate, double *sum, size_t *n) {
    for (size_t c = 0; c < PATHFEAT_N_BASE; c++) {
        if (d->truth_count[i * SIZEBUCKET_N + c / STATS_N_PCT] == 0) continue;
        *sum += fabs((double)estimate[c] / (double)d->truth[i * PATHFEAT_N_BASE + c] - 1);
        ++*n;
    }
}

/* ---- the task ---- */

typedef struct {
    TrainTask task;
    const TrainOptions *o;
    PathData data;
    uint32_t *train, *held_out, *order; /* sample indices; order: of the epoch under way */
    TrainBatch batch;
    float *estimates; /* [batch × 400] */
} PathTask;

static void begin_epoch(TrainTask *task, uint32_t epoch) {
    PathTask *t = (PathTask *)task;
    memcpy(t->order, t->train, task->n_train * sizeof *t->order);
    Rng rng = rng_stream(t->o->seed, "shuffle", epoch);
    rng_shuffle_u32(&rng, t->order, task->n_train);
}

static int step(TrainTask *task, const TrainPlugin *p, uint64_t step, double rate, double *loss,
                Err *err) {
    PathTask *t = (PathTask *)task;
    char message[512] = "";
    size_t first = (size_t)step * t->o->batch,
           n = task->n_train - first < t->o->batch ? task->n_train - first : t->o->batch;
    trainbatch_gather(&t->batch, &t->data, t->order + first, n);
    int rc = p->api->step(p->trainer, &t->batch.view, rate, loss, message, sizeof message);
    return rc == 0 ? 0 : train_plugin_failed(message, err);
}

static int held_out(TrainTask *task, const TrainPlugin *p, EpochLoss *out, Err *err) {
    PathTask *t = (PathTask *)task;
    char message[512] = "";
    double sum = 0;
    size_t n = 0;
    for (size_t k = 0; k < task->n_held_out; k += t->o->batch) {
        size_t m = task->n_held_out - k < t->o->batch ? task->n_held_out - k : t->o->batch;
        trainbatch_gather(&t->batch, &t->data, t->held_out + k, m);
        if (p->api->forward(p->trainer, &t->batch.view, t->estimates, message, sizeof message) != 0)
            return train_plugin_failed(message, err);
        for (size_t i = 0; i < m; i++)
            add_loss(&t->data, t->held_out[k + i], t->estimates + i * PATHFEAT_N_BASE, &sum, &n);
    }
    out->held_out = n > 0 ? sum / (double)n : NAN;
    return 0;
}

static void destroy(TrainTask *task) {
    PathTask *t = (PathTask *)task;
    pathdata_free(&t->data);
    trainbatch_free(&t->batch);
    free(t->train);
    free(t->held_out);
    free(t->order);
    free(t->estimates);
    free(t);
}

static int select_samples(PathTask *t, Err *err) {
    TrainTask *task = &t->task;
    t->train = pathdata_select(&t->data, &t->o->split, false, &task->n_train);
    t->held_out = pathdata_select(&t->data, &t->o->split, true, &task->n_held_out);
    if (train_check_split(task, t->o, err) != 0) return -1;
    double sum = 0;
    size_t n = 0, n_of = task->n_held_out ? task->n_held_out : task->n_train;
    const uint32_t *of = task->n_held_out ? t->held_out : t->train;
    for (size_t k = 0; k < n_of; k++)
        add_loss(&t->data, of[k], t->data.base + (size_t)of[k] * PATHFEAT_N_BASE, &sum, &n);
    task->flowsim.held_out = n > 0 ? sum / (double)n : NAN;
    return 0;
}

TrainTask *train_paths_new(const TrainOptions *o, Err *err) {
    PathTask *t = MEM_ZNEW(PathTask, 1);
    t->task = (TrainTask){.unit = "samples",
                          .begin_epoch = begin_epoch,
                          .step = step,
                          .held_out = held_out,
                          .destroy = destroy};
    t->o = o;
    if (pathdata_load(&t->data, o->dataset, err) != 0 || select_samples(t, err) != 0) {
        destroy(&t->task);
        return NULL;
    }
    t->task.digest = t->data.digest;
    t->task.n_steps = (t->task.n_train + o->batch - 1) / o->batch;
    t->order = MEM_NEW(uint32_t, t->task.n_train);
    t->estimates = MEM_NEW(float, (size_t)o->batch *PATHFEAT_N_BASE);
    return &t->task;
}
