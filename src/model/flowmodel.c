/* flowmodel: the flow model's forward pass.
 *
 *   link features ‖ path features ─ normalise ─ transformer ─ context ──┐
 *   path features ─ normalise ──────────────────────────────────────────┴─ W ──┐
 *   flow features ─ normalise ─ W ─────────────────────────────────────────────┴─ SiLU ─ MLP ─ head
 *
 * normalise: clamp to the range seen in training, subtract the mean, multiply by the scale.
 * The MLP's first layer is split: what a path's flows share is multiplied once a path. The head
 * gives, for each flow, the quantiles of the logarithm of its slowdown, ascending by construction:
 * output m, at level ½, corrects the logarithm of the fluid slowdown; each other output is a step
 * away from the neighbour nearer to the middle, a softplus times the distance of the two levels on
 * a logistic distribution. At outputs 0 that is a narrow logistic around flowSim.
 *
 * Why single flows: trained by pinball loss, each flow is an unbiased example however few there are
 * on its path, and distributions of paths and networks are mixtures of those of their flows. Inputs
 * are clamped to the range seen in training, since a network extrapolates without sense. Left out:
 * dependence between flows, which mixtures don't need. */
#include "model/flowmodel.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/modelinput.h"
#include "model/nn.h"
#include "model/nn_exp.h"
#include "model/transformer.h"

enum {
    N_Q = FLOWMODEL_N_Q,
    N_LINK = FLOWFEAT_N_LINK,
    N_PATH = FLOWFEAT_N_PATH,
    N_FLOW = FLOWFEAT_N_FLOW,
    N_TOKEN = N_LINK + N_PATH
};

/* Denser towards 1, since p99 and p99.9 are what estimates report; chosen, and part of what a
 * checkpoint was trained for. */
const float flowmodel_levels[N_Q] = {
    0.005f, 0.02f, 0.05f,  0.1f,  0.2f,   0.3f,   0.4f,   FLOWHEAD_MIDDLE_LEVEL,
    0.6f,   0.7f,  0.8f,   0.85f, 0.9f,   0.93f,  0.95f,  0.965f,
    0.975f, 0.98f, 0.985f, 0.99f, 0.994f, 0.997f, 0.999f, 0.9995f};

/* What one kind of input is clamped to and normalised by: [features] each. */
typedef struct {
    const float *lo, *hi, *mean, *scale;
} InputNorm;

/* Pointers into a checkpoint's weights. */
typedef struct {
    const ModelSpec *spec;
    Transformer transformer;
    const float *flow;  /* [h1 × N_FLOW] part of the MLP's first layer for flow features */
    const float *path;  /* [h1 × (dim + N_PATH)] its part for context and path features */
    const float *bias0; /* [h1] */
    const float *w1, *bias1, *w2, *bias2; /* [h2 × h1], [h2], [N_Q × h2], [N_Q] */
    InputNorm token_norm, flow_norm;
} FlowWeights;

/* The four vectors prefix.lo, .hi, .mean and .scale. */
static InputNorm norm_of(const CkptTensor *t, size_t n, const float *weights, const char *prefix) {
    static const char *const part[4] = {"lo", "hi", "mean", "scale"};
    const float *p[4];
    for (int k = 0; k < 4; k++) {
        char name[sizeof t->name];
        snprintf(name, sizeof name, "%s.%s", prefix, part[k]);
        p[k] = weights + ckpt_find(t, n, name)->offset;
    }
    return (InputNorm){.lo = p[0], .hi = p[1], .mean = p[2], .scale = p[3]};
}

static void weights_init(FlowWeights *w, const Ckpt *c) {
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n = ckpt_layout(&c->spec, t, CKPT_MAX_TENSORS, &n_floats);
    assert(c->spec.head == HEAD_FLOW && n <= CKPT_MAX_TENSORS && n_floats == c->n_floats);
    w->spec = &c->spec;
    transformer_init(&w->transformer, &c->spec, t, n, c->weights);
    w->flow = c->weights + ckpt_find(t, n, "mlp.flow")->offset;
    w->path = c->weights + ckpt_find(t, n, "mlp.path")->offset;
    w->bias0 = c->weights + ckpt_find(t, n, "mlp.0.bias")->offset;
    w->w1 = c->weights + ckpt_find(t, n, "mlp.1.weight")->offset;
    w->bias1 = c->weights + ckpt_find(t, n, "mlp.1.bias")->offset;
    w->w2 = c->weights + ckpt_find(t, n, "mlp.2.weight")->offset;
    w->bias2 = c->weights + ckpt_find(t, n, "mlp.2.bias")->offset;
    w->token_norm = norm_of(t, n, c->weights, "token");
    w->flow_norm = norm_of(t, n, c->weights, "flow");
}

/* to, from: [n], values first … first + n − 1 of the vectors of *norm. */
static void normalise(float *to, const float *from, const InputNorm *norm, size_t first, size_t n) {
    for (size_t k = 0; k < n; k++) {
        size_t i = first + k;
        float x = from[k] > norm->lo[i] ? from[k] : norm->lo[i];
        to[k] = ((x < norm->hi[i] ? x : norm->hi[i]) - norm->mean[i]) * norm->scale[i];
    }
}

/* q[N_Q]: outputs of the MLP → logarithms of slowdown. */
static void apply_head(float *q, const float *step, float base) {
    float middle = q[FLOWHEAD_MIDDLE] + logf(base);
    nn_softplus(q, N_Q);
    q[FLOWHEAD_MIDDLE] = middle;
    for (size_t k = FLOWHEAD_MIDDLE + 1; k < N_Q; k++) q[k] = q[k - 1] + step[k] * q[k];
    for (size_t k = FLOWHEAD_MIDDLE; k-- > 0;) q[k] = q[k + 1] - step[k] * q[k];
}

/* Distance of level k from its neighbour nearer to the middle. */
static void head_steps(float step[N_Q]) {
    for (int k = 0; k < N_Q; k++) {
        int near = k > FLOWHEAD_MIDDLE ? k - 1 : k < FLOWHEAD_MIDDLE ? k + 1 : k;
        double p = (double)flowmodel_levels[k], q = (double)flowmodel_levels[near];
        step[k] = (float)(FLOWHEAD_SPREAD * fabs(log(p / (1 - p)) - log(q / (1 - q))));
    }
}

/* context: [n × (dim + N_PATH)], of each path: the transformer's output ‖ its normalised features.
 */
static void context_of(const FlowWeights *w, const FlowFeat *const *maps, size_t n, float *context,
                       Arena *a) {
    size_t *first = ARENA_NEW(a, size_t, n + 1), dim = w->spec->dim, width = dim + N_PATH;
    first[0] = 0;
    for (size_t i = 0; i < n; i++) first[i + 1] = first[i] + maps[i]->n_links;
    float *token = ARENA_NEW(a, float, first[n] * N_TOKEN), *seq = ARENA_NEW(a, float, n *dim);
    for (size_t i = 0; i < n; i++) {
        float *path = context + i * width + dim;
        normalise(path, maps[i]->path, &w->token_norm, N_LINK, N_PATH);
        for (size_t l = 0; l < maps[i]->n_links; l++) {
            float *to = token + (first[i] + l) * N_TOKEN;
            normalise(to, maps[i]->link + l * N_LINK, &w->token_norm, 0, N_LINK);
            memcpy(to + N_LINK, path, N_PATH * sizeof *to);
        }
    }
    transformer_forward(&w->transformer, token, first, n, seq, a);
    for (size_t i = 0; i < n; i++) memcpy(context + i * width, seq + i * dim, dim * sizeof *seq);
}

/* out: [flows of all maps × N_Q] logarithms of slowdown. */
static void forward(const FlowWeights *w, const FlowFeat *const *maps, size_t n, float *out,
                    Arena *a) {
    size_t h1 = w->spec->mlp_h1, h2 = w->spec->mlp_h2, width = w->spec->dim + N_PATH, n_flows = 0,
           at = 0;
    for (size_t i = 0; i < n; i++) n_flows += maps[i]->n_flows;
    float *context = ARENA_NEW(a, float, n *width), *shared = ARENA_NEW(a, float, n *h1), step[N_Q];
    float *flow = ARENA_NEW(a, float, n_flows *N_FLOW), *x = ARENA_NEW(a, float, n_flows *h1),
          *y = ARENA_NEW(a, float, n_flows *h2);
    context_of(w, maps, n, context, a);
    nn_linear(shared, context, w->path, w->bias0, n, width, h1);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < maps[i]->n_flows; k++, at++) {
            normalise(flow + at * N_FLOW, maps[i]->flow + k * N_FLOW, &w->flow_norm, 0, N_FLOW);
            memcpy(x + at * h1, shared + i * h1, h1 * sizeof *x);
        }
    nn_linear_add(x, flow, w->flow, n_flows, N_FLOW, h1);
    nn_silu(x, n_flows * h1);
    nn_linear(y, x, w->w1, w->bias1, n_flows, h1, h2);
    nn_silu(y, n_flows * h2);
    nn_linear(out, y, w->w2, w->bias2, n_flows, h2, N_Q);
    head_steps(step);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < maps[i]->n_flows; k++, out += N_Q)
            apply_head(out, step, maps[i]->base[k]);
}

typedef struct {
    const FlowWeights *w;
    const FlowFeat *const *maps;
    const size_t *first; /* [n] flows before a map */
    float *out;
    bool raw;
} FlowBatch;

static void forward_group(void *ctx, size_t first, size_t n, Arena *a) {
    const FlowBatch *b = ctx;
    float *out = b->out + b->first[first] * N_Q;
    forward(b->w, b->maps + first, n, out, a);
    if (b->raw) return;
    size_t n_values = (b->first[first + n] - b->first[first]) * N_Q;
    for (size_t i = 0; i < n_values; i++) out[i] = out[i] < 0 ? 0 : out[i]; /* NaN: exp(-87) */
    nn_exp(out, n_values);
}

void flowmodel_forward(const Ckpt *c, const FlowFeat *const *maps, size_t n, float *out, bool raw,
                       int threads) {
    FlowWeights w;
    weights_init(&w, c);
    size_t *first = MEM_NEW(size_t, n + 1);
    first[0] = 0;
    for (size_t i = 0; i < n; i++) first[i + 1] = first[i] + maps[i]->n_flows;
    FlowBatch b = {.w = &w, .maps = maps, .first = first, .out = out, .raw = raw};
    nn_batched(n, FLOWMODEL_GROUP, threads, forward_group, &b);
    free(first);
}

/* ---- distribution ---- */

float flowmodel_cdf(const float q[N_Q], float x) {
    if (x < q[0]) return 0;
    if (x >= q[N_Q - 1]) return 1;
    int lo = 0, hi = N_Q - 1; /* q[lo] <= x < q[hi] */
    while (hi - lo > 1) {
        int mid = (lo + hi) / 2;
        if (x >= q[mid]) lo = mid;
        else hi = mid;
    }
    return flowmodel_levels[lo] +
           (flowmodel_levels[hi] - flowmodel_levels[lo]) * (x - q[lo]) / (q[hi] - q[lo]);
}

/* ---- range ---- */

static void check_value(FlowRange *r, float *worst, float x, float lo, float hi, float scale,
                        const char *name) {
    if (x >= lo && x <= hi) return;
    float out = fmaxf(lo - x, x - hi) *
                (scale > 0 ? scale : 1); /* in standard deviations; 0: a constant in training */
    if (!(out > 0)) return;
    r->n_outside++;
    if (out <= *worst) return;
    *worst = out;
    r->name = name;
    r->value = x;
    r->lo = lo;
    r->hi = hi;
}

FlowRange flowmodel_range(const Ckpt *c, const FlowFeat *m) {
    CkptTensor layout[CKPT_MAX_TENSORS];
    size_t n_floats, n = ckpt_layout(&c->spec, layout, CKPT_MAX_TENSORS, &n_floats);
    InputNorm token = norm_of(layout, n, c->weights, "token"),
              flow = norm_of(layout, n, c->weights, "flow");
    FlowRange r = {0};
    float worst = 0;
    const InputNorm *t = &token, *f = &flow;
    for (size_t k = 0; k < (size_t)m->n_links * N_LINK; k++) {
        size_t i = k % N_LINK;
        check_value(&r, &worst, m->link[k], t->lo[i], t->hi[i], t->scale[i],
                    flowfeat_link_names[i]);
    }
    for (size_t k = 0; k < N_PATH; k++) {
        size_t i = N_LINK + k;
        check_value(&r, &worst, m->path[k], t->lo[i], t->hi[i], t->scale[i],
                    flowfeat_path_names[k]);
    }
    for (size_t k = 0; k < (size_t)m->n_flows * N_FLOW; k++) {
        size_t i = k % N_FLOW;
        check_value(&r, &worst, m->flow[k], f->lo[i], f->hi[i], f->scale[i],
                    flowfeat_flow_names[i]);
    }
    return r;
}

float flowrange_excess(const FlowRange *r) {
    if (!r->name) return 0;
    float width = r->hi - r->lo;
    return fmaxf(r->lo - r->value, r->value - r->hi) / (width > 0 ? width : 1);
}
