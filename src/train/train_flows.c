/* train_flows: training on a data set of flows: every foreground flow of a path of a simulated
 * network is an example.
 *
 * Epoch e visits the training paths as shuffled by the stream (seed, "shuffle", e). Of a path with
 * more flows than asked for a random sample is taken, anew each time. Training and held-out paths
 * are apart by network.
 *
 * Weights: what matters in the end are the quantiles of whole networks, overall and in each bucket.
 * So a network's flows weigh as they do in its distribution, half for the whole and half for their
 * bucket's own, which makes rare sizes count. The square root of that weight is taken: the order of
 * importance stays, and the variance of the gradient, which extreme weights raise, is smaller. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "evaluate/evaluate_flows.h"
#include "model/flowmodel.h"
#include "traffic/sizebucket.h"
#include "train/train_task.h"

enum { N_Q = FLOWMODEL_N_Q };

typedef struct {
    TorchFlowBatch view;
    uint32_t *link_start, *flow_path;
    float *link, *path, *flow, *base, *truth, *weight;
    size_t cap_links, cap_flows;
    uint32_t *chosen; /* scratch: flows of one path */
    size_t cap_chosen;
} TrainFlowBatch;

typedef struct {
    TrainTask task;
    const TrainOptions *o;
    FlowData data;
    float *weight;                      /* [flows] */
    uint32_t *train, *held_out, *order; /* paths; order: of the epoch under way */
    uint32_t epoch;
    float level_weight[N_Q];
    TrainFlowBatch batch;
} FlowTask;

/* ---- weights ---- */

typedef struct {
    double all, bucket[SIZEBUCKET_N];
} NetWeight;

static NetWeight *net_weights(const FlowData *d) {
    NetWeight *net = MEM_ZNEW(NetWeight, d->n_networks);
    for (size_t i = 0; i < d->n_paths; i++) {
        double w[SIZEBUCKET_N];
        NetWeight *n = &net[d->net[i]];
        flowdata_weights(d, i, w);
        for (uint32_t f = d->flow_start[i]; f < d->flow_start[i + 1]; f++) {
            n->all += w[d->bucket[f]];
            n->bucket[d->bucket[f]] += w[d->bucket[f]];
        }
    }
    return net;
}

static float *flow_weights(const FlowData *d) {
    float *weight = MEM_NEW(float, d->n_flows);
    NetWeight *net = net_weights(d);
    double sum = 0;
    for (size_t i = 0; i < d->n_paths; i++) {
        double w[SIZEBUCKET_N];
        const NetWeight *n = &net[d->net[i]];
        flowdata_weights(d, i, w);
        for (uint32_t f = d->flow_start[i]; f < d->flow_start[i + 1]; f++) {
            int b = d->bucket[f];
            weight[f] =
                (float)sqrt(0.5 * w[b] / n->all + 0.5 * w[b] / (SIZEBUCKET_N * n->bucket[b]));
            sum += (double)weight[f];
        }
    }
    for (size_t f = 0; f < d->n_flows; f++) weight[f] *= (float)((double)d->n_flows / sum);
    free(net);
    return weight;
}

/* ---- batches ---- */

static void reserve(TrainFlowBatch *b, size_t n_links, size_t n_flows) {
    if (n_links > b->cap_links) {
        b->cap_links = n_links;
        b->link = mem_realloc(b->link, n_links * FLOWFEAT_N_LINK, sizeof *b->link);
    }
    if (n_flows > b->cap_flows) {
        b->cap_flows = n_flows;
        b->flow_path = mem_realloc(b->flow_path, n_flows, sizeof *b->flow_path);
        b->flow = mem_realloc(b->flow, n_flows * FLOWFEAT_N_FLOW, sizeof *b->flow);
        b->base = mem_realloc(b->base, n_flows, sizeof *b->base);
        b->truth = mem_realloc(b->truth, n_flows, sizeof *b->truth);
        b->weight = mem_realloc(b->weight, n_flows, sizeof *b->weight);
    }
}

static void batch_free(TrainFlowBatch *b) {
    free(b->link_start);
    free(b->flow_path);
    free(b->link);
    free(b->path);
    free(b->flow);
    free(b->base);
    free(b->truth);
    free(b->weight);
    free(b->chosen);
}

/* Puts `take` of the n flows in front of b->chosen, at random. */
static void choose(TrainFlowBatch *b, Rng *rng, size_t n, size_t take) {
    MEM_GROW(b->chosen, b->cap_chosen, n);
    for (size_t k = 0; k < n; k++) b->chosen[k] = (uint32_t)k;
    for (size_t k = 0; k < take && take < n; k++) {
        size_t other = k + rng_below(rng, n - k);
        uint32_t x = b->chosen[k];
        b->chosen[k] = b->chosen[other];
        b->chosen[other] = x;
    }
}

static void add_path(FlowTask *t, Rng *rng, size_t path, uint32_t slot, size_t *n_flows) {
    const FlowData *d = &t->data;
    TrainFlowBatch *b = &t->batch;
    size_t link = d->link_start[path], n_links = d->link_start[path + 1] - link,
           flow = d->flow_start[path];
    size_t n = d->flow_start[path + 1] - flow, take = n < t->o->n_flows ? n : t->o->n_flows;
    memcpy(b->link + (size_t)b->link_start[slot] * FLOWFEAT_N_LINK,
           d->link + link * FLOWFEAT_N_LINK, n_links * FLOWFEAT_N_LINK * sizeof *b->link);
    memcpy(b->path + (size_t)slot * FLOWFEAT_N_PATH, d->path + path * FLOWFEAT_N_PATH,
           FLOWFEAT_N_PATH * sizeof *b->path);
    b->link_start[slot + 1] = b->link_start[slot] + (uint32_t)n_links;
    choose(b, rng, n, take);
    for (size_t k = 0; k < take; k++) {
        size_t from = flow + b->chosen[k], to = (*n_flows)++;
        memcpy(b->flow + to * FLOWFEAT_N_FLOW, d->flow + from * FLOWFEAT_N_FLOW,
               FLOWFEAT_N_FLOW * sizeof *b->flow);
        b->flow_path[to] = slot;
        b->base[to] = d->base[from];
        b->truth[to] = fmaxf(d->truth[from], 1);
        b->weight[to] = t->weight[from] * (float)n / (float)take;
    }
}

static void gather(FlowTask *t, Rng *rng, const uint32_t *paths, uint32_t n) {
    const FlowData *d = &t->data;
    TrainFlowBatch *b = &t->batch;
    size_t n_links = 0, n_flows = 0;
    for (uint32_t i = 0; i < n; i++)
        n_links += d->link_start[paths[i] + 1] - d->link_start[paths[i]];
    reserve(b, n_links, (size_t)n * t->o->n_flows);
    b->link_start[0] = 0;
    for (uint32_t i = 0; i < n; i++) add_path(t, rng, paths[i], i, &n_flows);
    b->view = (TorchFlowBatch){.n_paths = n,
                               .n_flows = (uint32_t)n_flows,
                               .link_start = b->link_start,
                               .link = b->link,
                               .path = b->path,
                               .flow_path = b->flow_path,
                               .flow = b->flow,
                               .base = b->base,
                               .truth = b->truth,
                               .weight = b->weight,
                               .level = flowmodel_levels,
                               .level_weight = t->level_weight};
}

/* ---- the task ---- */

static void begin_epoch(TrainTask *task, uint32_t epoch) {
    FlowTask *t = (FlowTask *)task;
    t->epoch = epoch;
    memcpy(t->order, t->train, task->n_train * sizeof *t->order);
    Rng rng = rng_stream(t->o->seed, "shuffle", epoch);
    rng_shuffle_u32(&rng, t->order, task->n_train);
}

static int step(TrainTask *task, const TrainPlugin *p, uint64_t step, double rate, double *loss,
                Err *err) {
    FlowTask *t = (FlowTask *)task;
    char message[512] = "";
    size_t first = (size_t)step * t->o->batch,
           n = task->n_train - first < t->o->batch ? task->n_train - first : t->o->batch;
    Rng rng = rng_stream(t->o->seed, "flows", t->epoch * task->n_steps + step);
    gather(t, &rng, t->order + first, (uint32_t)n);
    int rc = p->api->step_flows(p->trainer, &t->batch.view, rate, loss, message, sizeof message);
    return rc == 0 ? 0 : train_plugin_failed(message, err);
}

/* The pinball loss of one flow's quantiles q of log slowdown, as the plug-in computes it. */
static double pinball(const float q[N_Q], double truth, const float level_weight[N_Q]) {
    double sum = 0, total = 0;
    for (int k = 0; k < N_Q; k++) {
        double above = truth - (double)q[k], p = (double)flowmodel_levels[k],
               w = (double)level_weight[k];
        sum += w * (above > 0 ? p * above : (p - 1) * above);
        total += w;
    }
    return sum / total;
}

static double held_out_loss(const FlowTask *t, const Ckpt *c) {
    const FlowData *d = &t->data;
    double sum = 0, total = 0;
    size_t cap = N_Q;
    float *q = MEM_NEW(float, cap);
    for (size_t i = 0, n; i < t->task.n_held_out; i += n) {
        enum { CHUNK = 8 * FLOWMODEL_GROUP }; /* paths at a time: some work for eight threads */
        FlowFeat maps[CHUNK];
        const FlowFeat *of[CHUNK];
        size_t n_flows = 0;
        n = t->task.n_held_out - i < CHUNK ? t->task.n_held_out - i : CHUNK;
        for (size_t k = 0; k < n; k++) {
            maps[k] = flowdata_map(d, t->held_out[i + k]);
            of[k] = &maps[k];
            n_flows += maps[k].n_flows;
        }
        MEM_GROW(q, cap, n_flows * N_Q);
        flowmodel_forward(c, of, n, q, true, t->o->threads);
        const float *next = q;
        for (size_t k = 0; k < n; k++)
            for (size_t f = d->flow_start[t->held_out[i + k]];
                 f < d->flow_start[t->held_out[i + k] + 1]; f++, next += N_Q) {
                sum += (double)t->weight[f] *
                       pinball(next, log(fmax((double)d->truth[f], 1)), t->level_weight);
                total += (double)t->weight[f];
            }
    }
    free(q);
    return sum / total;
}

static int held_out(TrainTask *task, const TrainPlugin *p, EpochLoss *out, Err *err) {
    FlowTask *t = (FlowTask *)task;
    char message[512] = "";
    Ckpt c = {.spec = *p->spec};
    EvaluateNet *nets;
    size_t n_nets;
    ckpt_layout(&c.spec, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    int rc = p->api->average(p->trainer, c.weights, message, sizeof message);
    if (rc == 0) {
        evaluate_flows(&t->data, t->held_out, task->n_held_out, &c, t->o->threads, &nets, &n_nets);
        out->held_out = held_out_loss(t, &c);
        out->error = evaluate_nets_mean_error(nets, n_nets, false);
        out->p99 = evaluate_nets_cell_error(nets, n_nets, RESULT_ALL, RESULT_P99, false);
        task->flowsim.error = evaluate_nets_mean_error(nets, n_nets, true);
        task->flowsim.p99 = evaluate_nets_cell_error(nets, n_nets, RESULT_ALL, RESULT_P99, true);
        evaluate_nets_free(nets, n_nets);
    }
    ckpt_free(&c);
    return rc == 0 ? 0 : train_plugin_failed(message, err);
}

static void set_range(float *lo, float *hi, float *mean, float *scale, const FlowDataRange *r,
                      size_t n, bool keep) {
    for (size_t k = 0; k < n; k++) {
        lo[k] = keep ? fminf(lo[k], (float)r[k].min) : (float)r[k].min;
        hi[k] = keep ? fmaxf(hi[k], (float)r[k].max) : (float)r[k].max;
        if (keep) continue;
        mean[k] = (float)r[k].mean;
        scale[k] = r[k].std > 1e-6 ? (float)(1 / r[k].std) : 0;
    }
}

/* Inputs are normalised by the data's mean and deviation, and clamped to its range; another run's
 * range is widened. */
static void prepare(TrainTask *task, const ModelSpec *spec, bool from_checkpoint, float *weights) {
    const FlowData *d = &((FlowTask *)task)->data;
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n = ckpt_layout(spec, t, CKPT_MAX_TENSORS, &n_floats);
    static const char *const name[8] = {"token.lo", "token.hi", "token.mean", "token.scale",
                                        "flow.lo",  "flow.hi",  "flow.mean",  "flow.scale"};
    float *p[8];
    for (size_t k = 0; k < 8; k++) p[k] = weights + ckpt_find(t, n, name[k])->offset;
    set_range(p[0], p[1], p[2], p[3], d->link_range, FLOWFEAT_N_LINK, from_checkpoint);
    set_range(p[0] + FLOWFEAT_N_LINK, p[1] + FLOWFEAT_N_LINK, p[2] + FLOWFEAT_N_LINK,
              p[3] + FLOWFEAT_N_LINK, d->path_range, FLOWFEAT_N_PATH, from_checkpoint);
    set_range(p[4], p[5], p[6], p[7], d->flow_range, FLOWFEAT_N_FLOW, from_checkpoint);
}

static void destroy(TrainTask *task) {
    FlowTask *t = (FlowTask *)task;
    flowdata_free(&t->data);
    batch_free(&t->batch);
    free(t->weight);
    free(t->train);
    free(t->held_out);
    free(t->order);
    free(t);
}

/* flowSim alone: all quantiles at the fluid slowdown. */
static double flowsim_loss(const FlowTask *t, const uint32_t *paths, size_t n) {
    const FlowData *d = &t->data;
    double sum = 0, total = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t f = d->flow_start[paths[i]]; f < d->flow_start[paths[i] + 1]; f++) {
            float q[N_Q];
            for (int k = 0; k < N_Q; k++) q[k] = logf(d->base[f]);
            sum += (double)t->weight[f] *
                   pinball(q, log(fmax((double)d->truth[f], 1)), t->level_weight);
            total += (double)t->weight[f];
        }
    return sum / total;
}

/* A completion time that far above the fluid one takes timeouts or a storm of pauses; chosen, not
 * tuned: --collapsed says how many such flows make a network a collapsed one. */
enum { FAR_FROM_FLUID = 20 };

/* Share of each network's flows that took far longer than the fluid says. */
static float *collapsed_shares(const FlowData *d) {
    float *share = MEM_ZNEW(float, d->n_networks), *n = MEM_ZNEW(float, d->n_networks);
    for (size_t i = 0; i < d->n_paths; i++)
        for (uint32_t f = d->flow_start[i]; f < d->flow_start[i + 1]; f++) {
            n[d->net[i]]++;
            share[d->net[i]] += d->truth[f] > FAR_FROM_FLUID * d->base[f] ? 1.0f : 0.0f;
        }
    for (size_t k = 0; k < d->n_networks; k++) share[k] /= fmaxf(n[k], 1);
    free(n);
    return share;
}

/* In a collapsed network slowdowns depend on single timeouts, and the few such networks would be
 * memorised. */
static void leave_out_collapsed(FlowTask *t) {
    float *share = collapsed_shares(&t->data);
    size_t n = 0;
    for (size_t i = 0; i < t->task.n_train; i++)
        if ((double)share[t->data.net[t->train[i]]] <= t->o->collapsed) t->train[n++] = t->train[i];
    t->task.n_train = n;
    free(share);
}

static int select_paths(FlowTask *t, Err *err) {
    t->train = flowdata_select(&t->data, &t->o->split, false, &t->task.n_train);
    if (t->o->collapsed > 0) leave_out_collapsed(t);
    t->held_out = flowdata_select(&t->data, &t->o->split, true, &t->task.n_held_out);
    return train_check_split(&t->task, t->o, err);
}

TrainTask *train_flows_new(const TrainOptions *o, Err *err) {
    FlowTask *t = MEM_ZNEW(FlowTask, 1);
    t->task = (TrainTask){.unit = "paths",
                          .prepare = prepare,
                          .begin_epoch = begin_epoch,
                          .step = step,
                          .held_out = held_out,
                          .destroy = destroy};
    t->o = o;
    if (flowdata_load(&t->data, o->dataset, err) != 0 || select_paths(t, err) != 0) {
        destroy(&t->task);
        return NULL;
    }
    bool some = t->task.n_held_out > 0;
    for (int k = 0; k < N_Q; k++) t->level_weight[k] = 1;
    t->weight = flow_weights(&t->data);
    t->order = MEM_NEW(uint32_t, t->task.n_train);
    t->batch.link_start = MEM_NEW(uint32_t, (size_t)o->batch + 1);
    t->batch.path = MEM_NEW(float, (size_t)o->batch *FLOWFEAT_N_PATH);
    t->task.digest = t->data.digest;
    t->task.n_steps = (t->task.n_train + o->batch - 1) / o->batch;
    t->task.flowsim =
        (EpochLoss){.held_out = flowsim_loss(t, some ? t->held_out : t->train,
                                             some ? t->task.n_held_out : t->task.n_train),
                    .error = NAN,
                    .p99 = NAN};
    return &t->task;
}
