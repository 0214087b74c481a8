/* evaluate_flows: the flow model against truth on a data set of flows, network by network.
 *
 * A network's distribution is the mixture over its drawn paths of the mixtures over their flows;
 * flowdata_weights gives each flow its weight. The true slowdowns of the very same flows have the
 * same weights, so the errors are those of the model alone: neither the drawing of paths nor that
 * of flows is in them. Chance is, since the truth is one outcome of each flow. A quantile of the
 * mixture is found by bisection of its distribution function, in the logarithm of slowdown. */
#include "evaluate/evaluate_flows.h"

#include <math.h>
#include <stdlib.h>

#include "base/par.h"
#include "model/flowfeat_settings.h"
#include "model/flowmodel.h"

/* Halvings of [1, largest quantile] in the logarithm: at most ln(3.4e38) = 89, so the last
 * interval is 1e-7 of a slowdown wide, the precision of a float. */
enum { N_Q = FLOWMODEL_N_Q, BISECTIONS = 30 };

typedef struct {
    double value, weight;
} WeightedPoint;

/* The flows of one network in one size bucket, or in all. */
typedef struct {
    size_t n;
    const float **quantiles; /* [n] logarithms */
    double *weight, total;
    WeightedPoint *truth, *flowsim; /* [n] ascending */
} FlowSample;

typedef struct {
    const FlowData *d;
    const uint32_t *index; /* paths, grouped by network */
    const size_t *first;   /* [networks + 1] into index */
    const size_t *at;      /* [paths + 1] first flow of a chosen path in `quantiles` */
    const float *quantiles;
    EvaluateNet *nets;
} EvaluateFlowsJob;

static int by_value(const void *a, const void *b) {
    double x = ((const WeightedPoint *)a)->value, y = ((const WeightedPoint *)b)->value;
    return (x > y) - (x < y);
}

/* The smallest value that the share p of the weight is at or below. */
static double point_quantile(const WeightedPoint *x, size_t n, double total, double p) {
    double below = 0;
    for (size_t i = 0; i < n; i++) {
        below += x[i].weight;
        if (below >= p * total) return x[i].value;
    }
    return x[n - 1].value;
}

/* The quantile of the mixture of the flows' modelled distributions. */
static double mixture_quantile(const FlowSample *s, double p) {
    double lo = 0, hi = 0;
    for (size_t i = 0; i < s->n; i++) hi = fmax(hi, (double)s->quantiles[i][N_Q - 1]);
    for (int k = 0; k < BISECTIONS; k++) {
        double mid = (lo + hi) / 2, below = 0;
        for (size_t i = 0; i < s->n; i++)
            below += s->weight[i] * (double)flowmodel_cdf(s->quantiles[i], (float)mid);
        if (below < p * s->total) lo = mid;
        else hi = mid;
    }
    return exp((lo + hi) / 2);
}

/* p50, p90 and p99 of the sample, whose points it sorts; p99.9 is not shown and stays NAN. */
static void measure(FlowSample *s, EvaluateQuantile q[RESULT_N_QUANTILES]) {
    for (int k = 0; k < RESULT_N_QUANTILES; k++) q[k] = (EvaluateQuantile){NAN, NAN, NAN, NAN, NAN};
    if (s->n < EVALUATE_MIN_FLOWS) return;
    qsort(s->truth, s->n, sizeof *s->truth, by_value);
    qsort(s->flowsim, s->n, sizeof *s->flowsim, by_value);
    for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
        q[k].truth = point_quantile(s->truth, s->n, s->total, result_levels[k]);
        q[k].m3 = mixture_quantile(s, result_levels[k]);
        q[k].flowsim = point_quantile(s->flowsim, s->n, s->total, result_levels[k]);
    }
}

/* Makes s hold the flows of distribution `dist` on the paths index[from..to); it has room for
 * them. */
static void collect(const EvaluateFlowsJob *j, size_t from, size_t to, int dist, FlowSample *s) {
    const FlowData *d = j->d;
    s->n = 0;
    s->total = 0;
    for (size_t i = from; i < to; i++) {
        size_t path = j->index[i], begin = d->flow_start[path], end = d->flow_start[path + 1];
        double weight[SIZEBUCKET_N];
        flowdata_weights(d, path, weight);
        for (size_t f = begin; f < end; f++) {
            int b = d->bucket[f];
            if (dist != RESULT_ALL && dist != result_of_bucket(b)) continue;
            s->quantiles[s->n] = j->quantiles + (j->at[i] + f - begin) * N_Q;
            s->weight[s->n] = weight[b];
            s->truth[s->n] = (WeightedPoint){(double)d->truth[f], weight[b]};
            s->flowsim[s->n++] = (WeightedPoint){(double)d->base[f], weight[b]};
            s->total += weight[b];
        }
    }
}

static void run_network(void *ctx, size_t k, int worker) {
    (void)worker;
    const EvaluateFlowsJob *j = ctx;
    size_t from = j->first[k], to = j->first[k + 1], n = j->at[to] - j->at[from];
    EvaluateNet *net = &j->nets[k];
    FlowSample s = {.quantiles = MEM_NEW(const float *, n),
                    .weight = MEM_NEW(double, n),
                    .truth = MEM_NEW(WeightedPoint, n),
                    .flowsim = MEM_NEW(WeightedPoint, n)};
    *net = (EvaluateNet){.name = mem_strdup(j->d->network[j->d->net[j->index[from]]]),
                         .cc = flowfeat_cc(j->d->path + j->index[from] * FLOWFEAT_N_PATH),
                         .n_flows = n,
                         .n_finished = n,
                         .n_paths = to - from};
    for (int dist = 0; dist < RESULT_N_DISTS; dist++) {
        collect(j, from, to, dist, &s);
        measure(&s, net->q[dist]);
    }
    free(s.quantiles);
    free(s.weight);
    free(s.truth);
    free(s.flowsim);
}

static float *forward(const FlowData *d, const uint32_t *index, size_t n, size_t n_flows,
                      const Ckpt *c, int threads) {
    FlowFeat *maps = MEM_NEW(FlowFeat, n);
    const FlowFeat **of = MEM_NEW(const FlowFeat *, n);
    float *quantiles = MEM_NEW(float, n_flows *N_Q);
    for (size_t i = 0; i < n; i++) {
        maps[i] = flowdata_map(d, index[i]);
        of[i] = &maps[i];
    }
    flowmodel_forward(c, of, n, quantiles, true, threads);
    free(maps);
    free(of);
    return quantiles;
}

void evaluate_flows(const FlowData *d, const uint32_t *index, size_t n, const Ckpt *c, int threads,
                    EvaluateNet **nets, size_t *n_nets) {
    size_t *at = MEM_NEW(size_t, n + 1), *first = MEM_NEW(size_t, n + 1), k = 0;
    at[0] = 0;
    for (size_t i = 0; i < n; i++) {
        at[i + 1] = at[i] + d->flow_start[index[i] + 1] - d->flow_start[index[i]];
        if (i == 0 || d->net[index[i]] != d->net[index[i - 1]]) first[k++] = i;
    }
    first[k] = n;
    float *quantiles = forward(d, index, n, at[n], c, threads);
    *nets = MEM_ZNEW(EvaluateNet, k);
    *n_nets = k;
    EvaluateFlowsJob job = {
        .d = d, .index = index, .first = first, .at = at, .quantiles = quantiles, .nets = *nets};
    par_for(k, threads, run_network, &job);
    free(quantiles);
    free(at);
    free(first);
}
