/* predict: features of paths → model → the network's slowdown distribution.
 *
 *   predict_paths   runs the model on a batch of paths and keeps a distribution per path and bucket
 *   predict_finish  mixes these over the paths (aggregate.c) and widens the intervals by the
 * model's own error where the checkpoint has a record of it (modelerror.c)
 *
 * The features hold all that is needed; flows and links are not read, so that one network can be
 * predicted again under other settings.
 *
 * A flow model predicts the distribution of every flow it is given, which are all flows of a path
 * or an even sample of them. A bucket's distribution on a path is their equal-weight mixture, kept
 * as quantiles at fixed levels, so that the mixture over paths costs the same however many flows
 * there are. A path model predicts the percentiles of every bucket itself. */
#include "estimate/predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "model/flowfeat_settings.h"
#include "model/pathmodel.h"

enum { N_CURVES = SIZEBUCKET_N * AGGREGATE_N_LEVELS };

int predict_init(Prediction *p, const Features *f, const EstimateOptions *o, Err *err) {
    *p = (Prediction){.features = f, .options = o};
    /* The error was measured with our aggregation, not with the published one. */
    if (o->method == METHOD_M3 && !o->published) {
        int found = modelerror_read(&p->error, o->ckpt, err);
        if (found < 0) return -1;
        p->has_error = found == 1;
    }
    if (f->kind == FEATURES_FLOWS) p->n_out = N_CURVES;
    if (f->kind == FEATURES_PERCENTILES) p->n_out = PATHFEAT_N_BASE;
    p->out = MEM_NEW(float, f->n_unique * p->n_out);
    p->range = MEM_ZNEW(FlowRange, f->n_unique);
    p->corrected = MEM_ZNEW(float, f->n_unique);
    p->overflow = MEM_ZNEW(double, f->n_unique);
    return 0;
}

void predict_free(Prediction *p) {
    free(p->out);
    free(p->range);
    free(p->corrected);
    free(p->overflow);
    *p = (Prediction){0};
}

/* ---- paths ---- */

typedef struct {
    Prediction *prediction;
    size_t first;           /* path that item 0 is */
    const size_t *at;       /* [items + 1] first flow of an item */
    const float *quantiles; /* [flows × FLOWMODEL_N_Q] */
} PredictBatch;

/* Of one path: the mixture over its flows per bucket, nothing where a bucket is empty. */
static void mix_flows(void *ctx, size_t item, int worker) {
    (void)worker;
    const PredictBatch *batch = ctx;
    Prediction *p = batch->prediction;
    size_t i = batch->first + item;
    const FlowFeat *m = &p->features->paths[i].flows;
    const float **of = MEM_NEW(const float *, m->n_flows);
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        size_t n = 0;
        for (size_t k = 0; k < m->n_flows; k++)
            if (m->bucket[k] == b)
                of[n++] = batch->quantiles + (batch->at[item] + k) * FLOWMODEL_N_Q;
        float *curve = p->out + i * p->n_out + b * AGGREGATE_N_LEVELS;
        if (n > 0) aggregate_mix(of, n, flowmodel_levels, FLOWMODEL_N_Q, curve);
    }
    free(of);
}

static void predict_flow_paths(Prediction *p, size_t first, size_t n) {
    const FlowFeat **maps = MEM_NEW(const FlowFeat *, n);
    size_t *at = MEM_NEW(size_t, n + 1);
    at[0] = 0;
    for (size_t i = 0; i < n; i++) {
        maps[i] = &p->features->paths[first + i].flows;
        at[i + 1] = at[i] + maps[i]->n_flows;
    }
    float *quantiles = MEM_NEW(float, at[n] * FLOWMODEL_N_Q);
    flowmodel_forward(p->options->ckpt, maps, n, quantiles, false, p->options->threads);
    PredictBatch batch = {.prediction = p, .first = first, .at = at, .quantiles = quantiles};
    par_for(n, p->options->threads, mix_flows, &batch);
    free(quantiles);
    free(at);
    free(maps);
}

static void predict_percentiles(Prediction *p, size_t first, size_t n) {
    const PathFeat **maps = MEM_NEW(const PathFeat *, n);
    for (size_t i = 0; i < n; i++) maps[i] = p->features->paths[first + i].percentiles;
    pathmodel_forward(p->options->ckpt, maps, n, p->out + first * p->n_out, false,
                      p->options->threads);
    free(maps);
}

/* Paths to be predicted, in parts of whole groups that a rank predicts with all of its threads. */
typedef struct {
    Prediction *prediction;
    size_t first, n, part;
} PredictLoop;

static size_t part_size(const PredictLoop *l, size_t item) {
    size_t left = l->n - item * l->part;
    return left < l->part ? left : l->part;
}

static int predict_part(void *ctx, size_t item, int worker, Err *err) {
    (void)worker, (void)err;
    const PredictLoop *l = ctx;
    size_t first = l->first + item * l->part;
    if (l->prediction->features->kind == FEATURES_FLOWS)
        predict_flow_paths(l->prediction, first, part_size(l, item));
    else predict_percentiles(l->prediction, first, part_size(l, item));
    return 0;
}

static void tell_part(void *ctx, size_t item, RanksOut *out) {
    const PredictLoop *l = ctx;
    const Prediction *p = l->prediction;
    ranks_put(out, p->out + (l->first + item * l->part) * p->n_out,
              part_size(l, item) * p->n_out * sizeof *p->out);
}

static void hear_part(void *ctx, size_t item, RanksIn *in) {
    const PredictLoop *l = ctx;
    const Prediction *p = l->prediction;
    ranks_get(in, p->out + (l->first + item * l->part) * p->n_out,
              part_size(l, item) * p->n_out * sizeof *p->out);
}

/* Parts are whole groups of paths that go through one matrix product, so that their last bits are
 * those of one process. */
static size_t paths_of_part(const Prediction *p, size_t n) {
    _Static_assert(FEATURES_BATCH % FLOWMODEL_GROUP == 0, "a batch is whole groups");
    _Static_assert((int)PATHMODEL_GROUP == (int)FLOWMODEL_GROUP, "one size for both");
    const Ranks *r = p->options->ranks;
    if (!ranks_several(r)) return n;
    size_t groups = (n + FLOWMODEL_GROUP - 1) / FLOWMODEL_GROUP, each = groups / (size_t)r->size,
           threads = (size_t)par_resolve(p->options->threads);
    if (each > threads) each = threads;
    return (each > 0 ? each : 1) * FLOWMODEL_GROUP;
}

static float largest(const float *x, size_t n) {
    float most = 1;
    for (size_t k = 0; k < n; k++) most = fmaxf(most, x[k]);
    return most;
}

/* Of one path: what the model corrects, and how far its inputs are from what it was trained on. */
static void describe_input(void *ctx, size_t item, int worker) {
    (void)worker;
    const PredictLoop *l = ctx;
    Prediction *p = l->prediction;
    size_t i = l->first + item;
    const FlowFeat *m = &p->features->paths[i].flows;
    if (p->features->kind == FEATURES_PERCENTILES) {
        p->corrected[i] = largest(p->features->paths[i].percentiles->base, PATHFEAT_N_BASE);
        return;
    }
    p->corrected[i] = largest(m->base, m->n_flows);
    p->range[i] = flowmodel_range(p->options->ckpt, m);
    p->overflow[i] = flowfeat_overflow(m, &p->features->conf);
}

int predict_paths(Prediction *p, size_t first, size_t n, Err *err) {
    double start_s = diag_now_s();
    if (p->n_out == 0 || n == 0) return 0;
    PredictLoop l = {.prediction = p, .first = first, .n = n, .part = paths_of_part(p, n)};
    RanksLoop loop = {.n = (n + l.part - 1) / l.part,
                      .grain = 1,
                      .threads = 1, /* each part is predicted by all */
                      .run = predict_part,
                      .pack = tell_part,
                      .unpack = hear_part,
                      .ctx = &l};
    int rc = ranks_run(p->options->ranks, &loop, err);
    if (rc == 0) par_for(n, p->options->threads, describe_input, &l);
    p->wall_model_s += diag_now_s() - start_s;
    return rc;
}

/* ---- the network ---- */

/* Mixes the paths and says where the tail comes from, which takes features that know links. */
static void mix_and_trace(const Prediction *p, const AggregatePath *paths,
                          const AggregateOptions *o, Estimate *out) {
    const Features *f = p->features;
    AggregateTail tail = {MEM_NEW(double, f->n_unique), MEM_NEW(double, f->n_unique)};
    aggregate_tail(paths, f->n_unique, o, p->options->threads, &out->slowdown, &tail);
    origin_links(&out->origin, &f->use);
    origin_paths(&out->origin, f, out->slowdown.dist[RESULT_ALL].q[RESULT_P99].value, tail.share,
                 tail.p99);
    free(tail.share);
    free(tail.p99);
}

static void mix_paths(const Prediction *p, Estimate *out) {
    const Features *f = p->features;
    AggregatePath *paths = MEM_ZNEW(AggregatePath, f->n_unique);
    for (size_t i = 0; i < f->n_unique; i++) {
        paths[i] =
            (AggregatePath){.n_draws = f->paths[i].n_draws, .slowdown = f->paths[i].slowdown};
        memcpy(paths[i].count, f->paths[i].bucket_n, sizeof paths[i].count);
        if (f->kind == FEATURES_FLOWS) paths[i].curve = p->out + i * p->n_out;
        if (f->kind == FEATURES_PERCENTILES) paths[i].pct = p->out + i * p->n_out;
    }
    AggregateOptions o = {
        .published = p->options->published, .seed = f->seed, .exhaustive = f->exhaustive};
    if (f->use.links) mix_and_trace(p, paths, &o, out);
    else aggregate(paths, f->n_unique, &o, p->options->threads, &out->slowdown);
    free(paths);
}

/* A timeout of a second instead of a microsecond is a factor of 10^6, and models extrapolate wildly
 * on networks such as no one has, but nothing comes near this factor. What isn't at least 1, but
 * for a float's rounding, is no slowdown. NaN fails both. */
static bool is_slowdown(float x, float corrected) {
    static const float MOST = 1e18F;
    return x >= 0.5F && x <= MOST * corrected;
}

static int check_output(const Prediction *p, Err *err) {
    const Features *f = p->features;
    size_t n = p->n_out / SIZEBUCKET_N;
    for (size_t i = 0; i < f->n_unique; i++)
        for (int b = 0; b < SIZEBUCKET_N; b++) {
            const float *x = p->out + i * p->n_out + (size_t)b * n;
            for (size_t k = 0; f->paths[i].bucket_n[b] > 0 && k < n; k++)
                if (!is_slowdown(x[k], p->corrected[i]))
                    return err_io(
                        err,
                        "checkpoint %s: its weights make no sense: predicts a slowdown of "
                        "%.3g where the fluid simulation has %.3g",
                        p->options->ckpt->name, (double)x[k], (double)p->corrected[i]);
        }
    return 0;
}

int predict_finish(Prediction *p, Estimate *out, Err *err) {
    /* A checkpoint in half precision rounds the ends of its trained ranges, so an excess within a
     * hundredth of the range does not count. */
    static const float ROUNDING = 0.01f;
    const Features *f = p->features;
    double start_s = diag_now_s();
    if (check_output(p, err) != 0) return -1;
    *out = (Estimate){.n_flows = f->n_flows,
                      .n_drawn = f->n_drawn,
                      .n_unique = f->n_unique,
                      .exhaustive = f->exhaustive,
                      .fluid_events = f->n_events,
                      .n_unfinished = f->n_unfinished,
                      .n_packet_flows = f->n_packet_flows,
                      .window_b = f->conf.line_window_b,
                      .base_bdp_b = f->base_bdp_b,
                      .max_load = f->max_load,
                      .path_flows = f->n_path_flows,
                      .simulated_flows = f->n_simulated,
                      .model_error = p->has_error,
                      .wall_route_s = f->wall_route_s,
                      .wall_fluid_s = f->wall_fluid_s,
                      .wall_model_s = p->wall_model_s};
    for (size_t i = 0; i < f->n_unique; i++) {
        float x = flowrange_excess(&p->range[i]);
        out->n_outside += x > ROUNDING;
        if (x > ROUNDING && x > flowrange_excess(&out->range)) out->range = p->range[i];
        out->overflow = fmax(out->overflow, p->overflow[i]);
    }
    mix_paths(p, out);
    for (int k = 0; k < RESULT_N_QUANTILES; k++) { /* before the model's error widens them */
        const SlowdownQuantile *q = &out->slowdown.dist[RESULT_ALL].q[k];
        out->sampling_error[k] = (q->hi - q->lo) / 2 / q->value;
    }
    if (p->has_error) modelerror_widen(&p->error, f->max_load, &out->slowdown);
    out->wall_aggregate_s = diag_now_s() - start_s;
    return 0;
}
