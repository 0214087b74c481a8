/* predict: features of paths → model → the network's distribution.
 *
 * Nothing here looks at flows or links: what the features hold is all it takes, so one network can
 * be asked about again under other settings. Where the checkpoint knows its own error
 * (modelerror.c), the bootstrap's intervals are widened by it. */
#include "estimate/predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "estimate/flowcurve.h"
#include "base/mem.h"
#include "base/par.h"
#include "model/pathmodel.h"

/* The published aggregation is not what the model's error was measured with. */
static int load_interval(Prediction *q, Err *err) {
    if (!q->options.ckpt || q->options.published) return 0;
    int found = modelerror_read(&q->interval, q->options.ckpt, err);
    q->model_error = found == 1;
    return found < 0 ? -1 : 0;
}

static size_t outputs_per_path(FeaturesKind kind) {
    return kind == FEATURES_FLOWS         ? FLOWCURVE_N
           : kind == FEATURES_PERCENTILES ? PATHFEAT_N_BASE
                                          : 0;
}

int predict_init(Prediction *q, const Features *f, const PredictOptions *o, Err *err) {
    *q = (Prediction){.features = f, .options = *o, .n_out = outputs_per_path(f->kind)};
    if (load_interval(q, err) != 0) return -1;
    q->out = MEM_NEW(float, f->n_unique * q->n_out);
    q->range = MEM_ZNEW(FlowRange, f->n_unique);
    q->overflow = MEM_ZNEW(double, f->n_unique);
    return 0;
}

void predict_free(Prediction *q) {
    free(q->out);
    free(q->range);
    free(q->overflow);
    *q = (Prediction){0};
}

/* ---- the model ---- */

typedef struct {
    Prediction *query;
    size_t first;
} Ranges;

static void find_range(void *ctx, size_t item, int worker) {
    (void)worker;
    const Ranges *r = ctx;
    const Prediction *q = r->query;
    size_t i = r->first + item;
    q->range[i] = flowmodel_range(q->options.ckpt, &q->features->paths[i].flows);
    q->overflow[i] = flowfeat_overflow(&q->features->paths[i].flows, &q->features->conf);
}

static void ask_flow_model(Prediction *q, size_t first, size_t n) {
    const FlowFeat **maps = MEM_NEW(const FlowFeat *, n);
    for (size_t i = 0; i < n; i++) maps[i] = &q->features->paths[first + i].flows;
    flowcurve_make(q->options.ckpt, maps, n, q->out + first * q->n_out, q->options.threads);
    Ranges ranges = {.query = q, .first = first};
    par_for(n, q->options.threads, find_range, &ranges);
    free(maps);
}

static void ask_path_model(Prediction *q, size_t first, size_t n) {
    const PathFeat **maps = MEM_NEW(const PathFeat *, n);
    for (size_t i = 0; i < n; i++) maps[i] = q->features->paths[first + i].percentiles;
    pathmodel_forward(q->options.ckpt, maps, n, q->out + first * q->n_out, false,
                      q->options.threads);
    free(maps);
}

void predict_paths(Prediction *q, size_t first, size_t n) {
    double start_s = diag_now_s();
    if (q->features->kind == FEATURES_FLOWS) ask_flow_model(q, first, n);
    else if (q->features->kind == FEATURES_PERCENTILES) ask_path_model(q, first, n);
    q->wall_model_s += diag_now_s() - start_s;
}

/* ---- the network ---- */

/* A checkpoint in half precision rounds its ranges: what is outside by less than that does not
 * count. */
static void sum_up_ranges(const Prediction *q, Estimate *out) {
    static const float ROUNDING = 0.01f;
    for (size_t i = 0; i < q->features->n_unique; i++) {
        float x = flowrange_excess(&q->range[i]);
        out->n_outside += x > ROUNDING;
        if (x > ROUNDING && x > flowrange_excess(&out->range)) out->range = q->range[i];
        out->overflow = fmax(out->overflow, q->overflow[i]);
    }
}

static AggPath *paths_of(const Prediction *q) {
    const Features *f = q->features;
    AggPath *paths = MEM_ZNEW(AggPath, f->n_unique);
    for (size_t i = 0; i < f->n_unique; i++) {
        const PathFeatures *p = &f->paths[i];
        paths[i] = (AggPath){.n_draws = p->n_draws, .slowdown = p->slowdown};
        memcpy(paths[i].count, p->bucket_n, sizeof p->bucket_n);
        if (f->kind == FEATURES_FLOWS) paths[i].curve = q->out + i * q->n_out;
        if (f->kind == FEATURES_PERCENTILES) paths[i].pct = q->out + i * q->n_out;
    }
    return paths;
}

static void describe_features(const Features *f, Estimate *out) {
    *out = (Estimate){.n_flows = f->n_flows,
                      .n_drawn = f->n_drawn,
                      .n_unique = f->n_unique,
                      .exhaustive = f->exhaustive,
                      .fluid_events = f->n_events,
                      .n_unfinished = f->n_unfinished,
                      .path_flows = f->n_path_flows,
                      .simulated_flows = f->n_simulated,
                      .wall_route_s = f->wall_route_s,
                      .wall_fluid_s = f->wall_fluid_s};
}

static void keep_sampling_errors(Estimate *out) {
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        const SlowdownQuantile *q = &out->slowdown.dist[RESULT_ALL].q[k];
        out->sampling_error[k] = (q->hi - q->lo) / 2 / q->value;
    }
}

void predict_finish(Prediction *q, Estimate *out) {
    const Features *f = q->features;
    double start_s = diag_now_s();
    describe_features(f, out);
    sum_up_ranges(q, out);
    AggPath *paths = paths_of(q);
    AggOptions agg = {
        .published = q->options.published, .seed = f->seed, .exhaustive = f->exhaustive};
    aggregate(paths, f->n_unique, &agg, q->options.threads, &out->slowdown);
    free(paths);
    keep_sampling_errors(out);
    out->model_error = q->model_error;
    if (q->model_error) modelerror_widen(&q->interval, &out->slowdown);
    out->wall_model_s = q->wall_model_s;
    out->wall_aggregate_s = diag_now_s() - start_s;
}
