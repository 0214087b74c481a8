/* ckpt_layout: what a model consists of: its dimensions, its tensors in file order, its starting
 * weights.
 *
 * Invariant: ckpt_layout is the only place that knows the order and shapes of tensors. Files, the
 * forward pass and the training plug-in all address one flat array of floats through it. The
 * tensors wq, wk, wv of a layer lie side by side, which lets the forward take them as one matrix of
 * 3·dim rows. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "model/ckpt_layout.h"
#include "model/flowfeat.h"
#include "model/pathfeat.h"

int modelspec_preset(ModelSpec *s, const char *name, Err *err) {
    static const char *const names[] = {"paper", "compact", "flow", NULL};
    static const ModelSpec presets[] = {{.n_feat = PATHFEAT_N,
                                         .dim = 576,
                                         .hidden = 1536,
                                         .n_layers = 4,
                                         .n_heads = 4,
                                         .mlp_h1 = 512,
                                         .mlp_h2 = 512,
                                         .n_out = PATHFEAT_N_BASE},
                                        {.n_feat = PATHFEAT_N,
                                         .dim = 64,
                                         .hidden = 192,
                                         .n_layers = 2,
                                         .n_heads = 4,
                                         .mlp_in_extra = CKPT_RESIDUAL_EXTRA,
                                         .mlp_h1 = 128,
                                         .mlp_h2 = 128,
                                         .n_out = PATHFEAT_N_BASE,
                                         .head = HEAD_RESIDUAL,
                                         .log_inputs = true},
                                        {.n_feat = FLOWFEAT_N_LINK + FLOWFEAT_N_PATH,
                                         .n_path = FLOWFEAT_N_PATH,
                                         .dim = 64,
                                         .hidden = 192,
                                         .n_layers = 2,
                                         .n_heads = 4,
                                         .mlp_in_extra = FLOWFEAT_N_FLOW + FLOWFEAT_N_PATH,
                                         .mlp_h1 = 128,
                                         .mlp_h2 = 128,
                                         .n_out = CKPT_N_QUANTILES,
                                         .head = HEAD_FLOW,
                                         .bidirectional = true}};
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *s = presets[i];
        return 0;
    }
    return err_input(err, "preset: expected paper, compact or flow, got '%.40s'", name);
}

static int check_range(const char *file, const char *what, uint32_t x, uint32_t lo, uint32_t hi,
                       Err *err) {
    if (x >= lo && x <= hi) return 0;
    if (lo == hi) return err_input(err, "%s: %s: must be %u, got %u", file, what, lo, x);
    return err_input(err, "%s: %s: must be in %u..%u, got %u", file, what, lo, hi, x);
}

/* What follows from the head. */
static int check_interface(const ModelSpec *s, const char *file, Err *err) {
    bool flow = s->head == HEAD_FLOW;
    uint32_t n_feat = flow ? FLOWFEAT_N_LINK + FLOWFEAT_N_PATH : PATHFEAT_N,
             n_out = flow ? CKPT_N_QUANTILES : PATHFEAT_N_BASE;
    uint32_t n_path = flow ? FLOWFEAT_N_PATH : 0, extra = flow ? FLOWFEAT_N_FLOW + FLOWFEAT_N_PATH
                                                          : s->head == HEAD_RESIDUAL
                                                              ? CKPT_RESIDUAL_EXTRA
                                                              : 0;
    if (check_range(file, "n_feat", s->n_feat, n_feat, n_feat, err) != 0) return -1;
    if (check_range(file, "n_path", s->n_path, n_path, n_path, err) != 0) return -1;
    if (check_range(file, "mlp_in_extra", s->mlp_in_extra, extra, extra, err) != 0) return -1;
    return check_range(file, "n_out", s->n_out, n_out, n_out, err);
}

/* The bounds leave room for models a hundred times the published one, and none for products that
 * overflow. */
int modelspec_check(const ModelSpec *s, const char *file, Err *err) {
    if (check_interface(s, file, err) != 0) return -1;
    if (check_range(file, "dim", s->dim, 1, 8192, err) != 0) return -1;
    if (check_range(file, "hidden", s->hidden, 1, 32768, err) != 0) return -1;
    if (check_range(file, "n_layers", s->n_layers, 1, CKPT_MAX_LAYERS, err) != 0) return -1;
    if (check_range(file, "n_heads", s->n_heads, 1, s->dim, err) != 0) return -1;
    if (s->dim % s->n_heads != 0 || s->dim / s->n_heads % 2 != 0)
        return err_input(err, "%s: n_heads: must divide dim %u into even parts, got %u", file,
                         s->dim, s->n_heads);
    if (check_range(file, "mlp_h1", s->mlp_h1, 1, 32768, err) != 0) return -1;
    if (check_range(file, "mlp_h2", s->mlp_h2, 1, 32768, err) != 0) return -1;
    size_t n_floats;
    ckpt_layout(s, NULL, 0, &n_floats);
    if (n_floats > (size_t)1 << 31)
        return err_input(err, "%s: dimensions: make %zu weights; at most 2^31 are supported", file,
                         n_floats);
    return 0;
}

typedef struct {
    CkptTensor *out;
    size_t cap, n, n_floats;
} TensorLayout;

static void put(TensorLayout *l, const char *prefix, const char *name, uint32_t rows,
                uint32_t cols) {
    if (l->n < l->cap) {
        CkptTensor *t = &l->out[l->n];
        *t = (CkptTensor){.rows = rows, .cols = cols, .offset = l->n_floats};
        snprintf(t->name, sizeof t->name, "%s%s", prefix, name);
    }
    l->n++;
    l->n_floats += (size_t)rows * cols;
}

static void put_mlp_input(TensorLayout *l, const ModelSpec *s) {
    if (s->head == HEAD_FLOW) {
        put(l, "mlp.", "flow", s->mlp_h1, s->mlp_in_extra - s->n_path);
        put(l, "mlp.", "path", s->mlp_h1, s->dim + s->n_path);
    } else {
        put(l, "mlp.0.", "weight", s->mlp_h1, s->dim + s->n_feat + s->mlp_in_extra);
    }
    put(l, "mlp.0.", "bias", s->mlp_h1, 1);
}

static void put_normalisation(TensorLayout *l, const ModelSpec *s) {
    static const char *const names[] = {"lo", "hi", "mean", "scale"};
    for (int i = 0; i < 4; i++) put(l, "token.", names[i], s->n_feat, 1);
    for (int i = 0; i < 4; i++) put(l, "flow.", names[i], s->mlp_in_extra - s->n_path, 1);
}

size_t ckpt_layout(const ModelSpec *s, CkptTensor *out, size_t cap, size_t *n_floats) {
    TensorLayout l = {.out = out, .cap = cap};
    uint32_t dim = s->dim;
    put(&l, "embed.", "weight", dim, s->n_feat);
    put(&l, "embed.", "bias", dim, 1);
    for (uint32_t i = 0; i < s->n_layers; i++) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "l.%u.", i);
        put(&l, prefix, "attn_norm", dim, 1);
        put(&l, prefix, "wq", dim, dim);
        put(&l, prefix, "wk", dim, dim);
        put(&l, prefix, "wv", dim, dim);
        put(&l, prefix, "wo", dim, dim);
        put(&l, prefix, "ffn_norm", dim, 1);
        put(&l, prefix, "w1", s->hidden, dim);
        put(&l, prefix, "w2", dim, s->hidden);
        put(&l, prefix, "w3", s->hidden, dim);
    }
    put(&l, "", "final_norm", dim, 1);
    put(&l, "", "output", dim, dim);
    put_mlp_input(&l, s);
    put(&l, "mlp.1.", "weight", s->mlp_h2, s->mlp_h1);
    put(&l, "mlp.1.", "bias", s->mlp_h2, 1);
    put(&l, "mlp.2.", "weight", s->n_out, s->mlp_h2);
    put(&l, "mlp.2.", "bias", s->n_out, 1);
    if (s->head == HEAD_FLOW) put_normalisation(&l, s);
    else put(&l, "", "empty", CKPT_EMPTY, 1);
    *n_floats = l.n_floats;
    return l.n;
}

const CkptTensor *ckpt_find(const CkptTensor *t, size_t n, const char *name) {
    size_t i = 0;
    while (i < n && strcmp(t[i].name, name) != 0) i++;
    assert(i < n);
    return &t[i];
}

static bool ends_in(const char *name, const char *tail) {
    size_t n = strlen(name), k = strlen(tail);
    return n >= k && strcmp(name + n - k, tail) == 0;
}

/* What a vector starts as. The empty-bucket vector starts as the slowdown of an idle network. */
static float start_of_vector(const ModelSpec *s, const char *name) {
    if (ends_in(name, "norm") || ends_in(name, ".scale")) return 1;
    if (ends_in(name, ".lo")) return -65000; /* fits f16 */
    if (ends_in(name, ".hi")) return 65000;
    return strcmp(name, "empty") == 0 && !s->log_inputs ? 1 : 0;
}

void ckpt_init_weights(const ModelSpec *s, uint64_t seed, float *w) {
    CkptTensor t[CKPT_MAX_TENSORS];
    size_t n_floats, n = ckpt_layout(s, t, CKPT_MAX_TENSORS, &n_floats);
    assert(n <= CKPT_MAX_TENSORS);
    for (size_t i = 0; i < n; i++) {
        float *x = w + t[i].offset;
        size_t len = (size_t)t[i].rows * t[i].cols;
        double sd = 1 / sqrt(t[i].cols);
        if (ends_in(t[i].name, ".wo") || ends_in(t[i].name, ".w2")) sd /= sqrt(2.0 * s->n_layers);
        if (s->head != HEAD_ABSOLUTE && strcmp(t[i].name, "mlp.2.weight") == 0) sd = 0;
        Rng rng = rng_stream(seed, "weights", i);
        for (size_t k = 0; k < len; k++)
            x[k] = t[i].cols == 1 ? start_of_vector(s, t[i].name) : (float)(sd * rng_normal(&rng));
    }
}
