/* evaluate_flows: the flow model on a data set of flows, network by network.
 *
 * A network's distribution is the mixture over its drawn paths of the mixtures over their flows.
 * The same weights go to the true slowdowns of the very same flows, so what is compared is the
 * model alone: neither the drawing of paths nor that of flows shows, but chance does, since the
 * truth is one outcome of each flow. Quantiles of a mixture are found by bisection of its
 * distribution function, in the logarithm of slowdown. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/evaluate.h"
#include "base/par.h"
#include "model/flowmodel.h"
#include "traffic/sizebucket.h"

/* Halvings of [1, largest quantile], enough for the last bit of a float. */
enum { N_Q = FLOWMODEL_N_Q, BISECTIONS = 30 };

typedef struct {
    double value, weight;
} Point;

/* The flows of one network in one row of the table. */
typedef struct {
    size_t n;
    const float **quantiles; /* [n] logarithms */
    double *weight, total;
    Point *truth, *flowsim; /* [n] ascending */
} Sample;

typedef struct {
    const FlowData *d;
    const uint32_t *index; /* paths, grouped by network */
    const size_t *first;   /* [networks + 1] into index */
    const size_t *at;      /* [paths + 1] first flow of a chosen path in `quantiles` */
    const float *quantiles;
    EvalNet *nets;
} EvalFlowsJob;

static int by_value(const void *a, const void *b) {
    double x = ((const Point *)a)->value, y = ((const Point *)b)->value;
    return (x > y) - (x < y);
}

/* The smallest value that the share p of the weight is at or below. */
static double point_quantile(const Point *x, size_t n, double total, double p) {
    double below = 0;
    for (size_t i = 0; i < n; i++) {
        below += x[i].weight;
        if (below >= p * total) return x[i].value;
    }
    return x[n - 1].value;
}

static double mixture_quantile(const Sample *s, double p) {
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

static void measure(Sample *s, EvalQuantile q[EVAL_N_PCT]) {
    for (int k = 0; k < EVAL_N_PCT; k++) q[k] = (EvalQuantile){NAN, NAN, NAN};
    if (s->n < EVAL_MIN_FLOWS) return;
    qsort(s->truth, s->n, sizeof *s->truth, by_value);
    qsort(s->flowsim, s->n, sizeof *s->flowsim, by_value);
    for (int k = 0; k < EVAL_N_PCT; k++) {
        double p = eval_percentiles[k] / 100.0;
        q[k] = (EvalQuantile){.truth = point_quantile(s->truth, s->n, s->total, p),
                              .m3 = mixture_quantile(s, p),
                              .flowsim = point_quantile(s->flowsim, s->n, s->total, p)};
    }
}

static void add_flow(Sample *s, const FlowData *d, size_t flow, const float *quantiles,
                     double weight) {
    s->quantiles[s->n] = quantiles;
    s->weight[s->n] = weight;
    s->truth[s->n] = (Point){(double)d->truth[flow], weight};
    s->flowsim[s->n++] = (Point){(double)d->base[flow], weight};
    s->total += weight;
}

/* The flows of the paths index[from..to) that are in `row`, into s, which has room for them. */
static void collect(const EvalFlowsJob *j, size_t from, size_t to, int row, Sample *s) {
    const FlowData *d = j->d;
    s->n = 0;
    s->total = 0;
    for (size_t i = from; i < to; i++) {
        size_t path = j->index[i], begin = d->flow_start[path], end = d->flow_start[path + 1];
        double weight[SIZEBUCKET_N];
        flowdata_weights(d, path, weight);
        for (size_t f = begin; f < end; f++) {
            int b = d->bucket[f];
            if (row == RESULT_ALL || row == result_of_bucket(b))
                add_flow(s, d, f, j->quantiles + (j->at[i] + f - begin) * N_Q, weight[b]);
        }
    }
}

static void run_network(void *ctx, size_t k, int worker) {
    (void)worker;
    const EvalFlowsJob *j = ctx;
    size_t from = j->first[k], to = j->first[k + 1], n = j->at[to] - j->at[from];
    EvalNet *net = &j->nets[k];
    Sample s = {.quantiles = MEM_NEW(const float *, n),
                .weight = MEM_NEW(double, n),
                .truth = MEM_NEW(Point, n),
                .flowsim = MEM_NEW(Point, n)};
    *net = (EvalNet){.name = mem_strdup(j->d->network[j->d->net[j->index[from]]]),
                     .cc = flowfeat_cc(j->d->path + j->index[from] * FLOWFEAT_N_PATH),
                     .n_flows = n,
                     .n_finished = n,
                     .n_paths = to - from};
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        collect(j, from, to, row, &s);
        measure(&s, net->q[row]);
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

void evaluate_flowdata(const FlowData *d, const uint32_t *index, size_t n, const Ckpt *c,
                       int threads, EvalNet **nets, size_t *n_nets) {
    size_t *at = MEM_NEW(size_t, n + 1), *first = MEM_NEW(size_t, n + 1), k = 0;
    at[0] = 0;
    for (size_t i = 0; i < n; i++) {
        at[i + 1] = at[i] + d->flow_start[index[i] + 1] - d->flow_start[index[i]];
        if (i == 0 || d->net[index[i]] != d->net[index[i - 1]]) first[k++] = i;
    }
    first[k] = n;
    float *quantiles = forward(d, index, n, at[n], c, threads);
    *nets = MEM_ZNEW(EvalNet, k);
    *n_nets = k;
    EvalFlowsJob job = {
        .d = d, .index = index, .first = first, .at = at, .quantiles = quantiles, .nets = *nets};
    par_for(k, threads, run_network, &job);
    free(quantiles);
    free(at);
    free(first);
}

static void add_cell(EvalError *e, const EvalQuantile *q, bool flowsim) {
    double estimate = flowsim ? q->flowsim : q->m3;
    if (isfinite(q->truth) && isfinite(estimate)) evalerror_add(e, estimate, q->truth);
}

double evaluate_mean_error(const EvalNet *nets, size_t n, bool flowsim) {
    EvalError e = {0};
    for (size_t i = 0; i < n; i++)
        for (int row = 0; row < RESULT_N_DISTS; row++)
            for (int k = 0; k < EVAL_N_PCT; k++)
                add_cell(&e, &nets[i].q[result_table_dist(row)][k], flowsim);
    return evalerror_mean_abs(&e);
}

double evaluate_row_error(const EvalNet *nets, size_t n, int row, int percentile, bool flowsim) {
    EvalError e = {0};
    for (size_t i = 0; i < n; i++) add_cell(&e, &nets[i].q[row][percentile], flowsim);
    return evalerror_mean_abs(&e);
}
