/* pathmodel: the path model's forward pass, from top to bottom.
 *
 *   rows 1..L of each path ─ transformer ──────────────────────────────┐
 *   row 0 ─────────────────────────────────────────────────────────────┼─ MLP ─ head ─ 4 × 100
 *   residual head: log of flowSim's percentiles, log1p of flow counts ─┘
 *
 * The rows of a group of paths go through the transformer together. Heads are defined in
 * modelspec.h. Left out: training, which the plug-in does. */
#include "model/pathmodel.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "model/modelinput.h"
#include "model/nn.h"
#include "model/transformer.h"
#include "traffic/sizebucket.h"

enum { N_OUT = PATHFEAT_N_BASE };

/* Pointers into a checkpoint's weights. */
typedef struct {
    const ModelSpec *spec;
    Transformer transformer;
    const float *mlp[6]; /* [h1 × mlp_in], [h1], [h2 × h1], [h2], [400 × h2], [400] */
    const float *empty;  /* [100] percentiles of a bucket without flows */
    uint32_t mlp_in;     /* n_feat + dim, and 404 with HEAD_RESIDUAL */
} PathWeights;

/* One path's inputs: its rows, filled and scaled, and what the residual head needs. */
typedef struct {
    uint32_t n_rows;
    const float *feat;     /* [n_rows × 1019] */
    const float *base;     /* [400] */
    const uint32_t *count; /* [4] */
} PathModelInput;

static void weights_init(PathWeights *w, const Ckpt *c) {
    static const char *const mlp[6] = {"mlp.0.weight", "mlp.0.bias",   "mlp.1.weight",
                                       "mlp.1.bias",   "mlp.2.weight", "mlp.2.bias"};
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n = ckpt_layout(&c->spec, t, CKPT_MAX_TENSORS, &n_floats);
    assert(c->spec.head != HEAD_FLOW && n <= CKPT_MAX_TENSORS && n_floats == c->n_floats);
    w->spec = &c->spec;
    w->mlp_in = c->spec.n_feat + c->spec.dim + c->spec.mlp_in_extra;
    transformer_init(&w->transformer, &c->spec, t, n, c->weights);
    for (size_t k = 0; k < 6; k++) w->mlp[k] = c->weights + ckpt_find(t, n, mlp[k])->offset;
    w->empty = c->weights + ckpt_find(t, n, "empty")->offset;
}

/* o: [400] outputs of the MLP → slowdowns, in place; heads are defined in modelspec.h. */
static void apply_head(const ModelSpec *s, float *o, const float *base) {
    for (size_t k = 0; k < N_OUT; k++)
        o[k] = s->head == HEAD_ABSOLUTE ? 1 + o[k] : base[k] * (o[k] + sqrtf(1 + o[k] * o[k]));
}

/* in: [n × mlp_in] → out: [n × 400]. */
static void mlp(const PathWeights *w, const float *in, float *out, size_t n, Arena *a) {
    const ModelSpec *s = w->spec;
    float *h1 = ARENA_NEW(a, float, n * s->mlp_h1), *h2 = ARENA_NEW(a, float, n * s->mlp_h2);
    nn_linear(h1, in, w->mlp[0], w->mlp[1], n, w->mlp_in, s->mlp_h1);
    nn_relu(h1, n * s->mlp_h1);
    nn_linear(h2, h1, w->mlp[2], w->mlp[3], n, s->mlp_h1, s->mlp_h2);
    nn_relu(h2, n * s->mlp_h2);
    nn_linear(out, h2, w->mlp[4], w->mlp[5], n, s->mlp_h2, N_OUT);
}

/* to: [404]. */
static void residual_inputs(float *to, const PathModelInput *in) {
    for (size_t k = 0; k < N_OUT; k++) to[k] = logf(in->base[k]);
    for (size_t b = 0; b < SIZEBUCKET_N; b++) to[N_OUT + b] = log1pf((float)in->count[b]);
}

/* mlp_in: [n × mlp_in], out: [n × 400], raw. */
static void forward(const PathWeights *w, const PathModelInput *in, size_t n, float *mlp_in,
                    float *out, Arena *a) {
    const ModelSpec *s = w->spec;
    size_t dim = s->dim, n_feat = s->n_feat;
    size_t *first = ARENA_NEW(a, size_t, n + 1);
    first[0] = 0;
    for (size_t i = 0; i < n; i++) first[i + 1] = first[i] + in[i].n_rows - 1;
    float *feat = ARENA_NEW(a, float, first[n] * n_feat), *seq = ARENA_NEW(a, float, n *dim);
    for (size_t i = 0; i < n; i++)
        memcpy(feat + first[i] * n_feat, in[i].feat + n_feat,
               (first[i + 1] - first[i]) * n_feat * sizeof *feat);
    transformer_forward(&w->transformer, feat, first, n, seq, a);
    for (size_t i = 0; i < n; i++) {
        float *row = mlp_in + i * w->mlp_in;
        memcpy(row, in[i].feat, n_feat * sizeof *row);
        memcpy(row + n_feat, seq + i * dim, dim * sizeof *row);
        if (s->head == HEAD_RESIDUAL) residual_inputs(row + n_feat + dim, &in[i]);
    }
    mlp(w, mlp_in, out, n, a);
    for (size_t i = 0; i < n; i++) apply_head(s, out + i * N_OUT, in[i].base);
}

/* A map's rows as the model sees them. */
static PathModelInput input_of(const PathWeights *w, const PathFeat *m, Arena *a) {
    const ModelSpec *s = w->spec;
    float *feat = ARENA_NEW(a, float, (size_t)m->n_rows * s->n_feat);
    for (uint32_t r = 0; r < m->n_rows; r++) {
        float *row = feat + (size_t)r * s->n_feat;
        pathfeat_row(m, r, w->empty, s->zero_rows, row);
        if (!s->log_inputs) continue;
        modelinput_scale_pct(row, m->present[r]);
        modelinput_scale_conf(row + PATHFEAT_N_PCT);
    }
    return (PathModelInput){
        .n_rows = m->n_rows, .feat = feat, .base = m->base, .count = m->base_count};
}

/* What percentiles are by definition: at least 1, and ascending. NaN stays. */
static void make_ascending(float *out) {
    for (size_t b = 0; b < SIZEBUCKET_N; b++) {
        float floor = 1;
        for (size_t k = 0; k < STATS_N_PCT; k++) {
            float *x = out + b * STATS_N_PCT + k;
            if (!(*x <= floor)) floor = *x;
            *x = floor;
        }
    }
}

typedef struct {
    const PathWeights *w;
    const PathFeat *const *maps;
    float *out;
    bool raw;
} PathBatch;

static void forward_group(void *ctx, size_t first, size_t n, Arena *a) {
    const PathBatch *b = ctx;
    PathModelInput *in = ARENA_NEW(a, PathModelInput, n);
    for (size_t i = 0; i < n; i++) in[i] = input_of(b->w, b->maps[first + i], a);
    float *out = b->out + first * N_OUT;
    forward(b->w, in, n, ARENA_NEW(a, float, n * b->w->mlp_in), out, a);
    for (size_t i = 0; i < n && !b->raw; i++) make_ascending(out + i * N_OUT);
}

void pathmodel_forward(const Ckpt *c, const PathFeat *const *maps, size_t n, float *out, bool raw,
                       int threads) {
    PathWeights w;
    weights_init(&w, c);
    PathBatch b = {.w = &w, .maps = maps, .out = out, .raw = raw};
    nn_batched(n, PATHMODEL_GROUP, threads, forward_group, &b);
}

static void forward_alone(const PathWeights *w, const PathModelInput *in, float *mlp_in, float *out,
                          Arena *a) {
    nn_begin();
    forward(w, in, 1, mlp_in, out, a);
    nn_end();
}

void pathmodel_forward_one(const Ckpt *c, const PathFeat *map, float *mlp_in, float *out) {
    PathWeights w;
    Arena a = {0};
    weights_init(&w, c);
    PathModelInput in = input_of(&w, map, &a);
    forward_alone(&w, &in, mlp_in, out, &a);
    arena_free(&a);
}

void pathmodel_forward_rows(const Ckpt *c, const float *feat, uint32_t n_rows, const float *base,
                            const uint32_t *count, float *mlp_in, float *out) {
    PathWeights w;
    Arena a = {0};
    weights_init(&w, c);
    PathModelInput in = {.n_rows = n_rows, .feat = feat, .base = base, .count = count};
    forward_alone(&w, &in, mlp_in, out, &a);
    arena_free(&a);
}
