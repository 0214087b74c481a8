/* ckpt_layout: what a model consists of: its dimensions, its tensors by name, its starting weights.
 */
#ifndef M3_MODEL_CKPT_LAYOUT_H
#define M3_MODEL_CKPT_LAYOUT_H
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "model/modelspec.h"

enum {
    CKPT_RESIDUAL_EXTRA =
        404,               /* MLP inputs that HEAD_RESIDUAL adds: 400 log base, 4 log1p counts */
    CKPT_N_QUANTILES = 24, /* outputs with HEAD_FLOW */
    CKPT_EMPTY = 100,      /* length of the vector for buckets without flows */
    CKPT_MAX_LAYERS = 64,  /* far above any model in use; bounds the tables on the stack */
    CKPT_N_LAYER_TENSORS = 9,
    CKPT_N_SHARED_TENSORS = 11, /* beside those of layers, of the path model … */
    CKPT_N_FLOW_TENSORS = 19,   /* … and of the flow model, which has more */
    CKPT_MAX_TENSORS = CKPT_MAX_LAYERS * CKPT_N_LAYER_TENSORS + CKPT_N_FLOW_TENSORS
};

/* modelspec_preset fills *s with named dimensions: "paper", as published (576 wide, 1536 hidden, 4
 * layers, 4 heads, MLP 512-512); "compact", with a residual head and small enough for a few hundred
 * samples; "flow", the flow model. −1 with an input error for another name. */
int modelspec_preset(ModelSpec *s, const char *name, Err *err);
/* modelspec_check returns 0 if the dimensions are plausible and no product overflows, else −1 with
 * an input error that names `file` and the dimension. */
int modelspec_check(const ModelSpec *s, const char *file, Err *err);

/* A tensor, row-major, rows = outputs × cols = inputs. In file order a model has: embed.weight
 * [dim, n_feat], embed.bias; for each layer N: l.N.attn_norm, l.N.wq, .wk, .wv, .wo [dim, dim],
 * l.N.ffn_norm, l.N.w1 [hidden, dim], .w2 [dim, hidden], .w3 [hidden, dim]; final_norm, output
 * [dim, dim]; mlp.0.weight [h1, in], mlp.0.bias, mlp.1.*, mlp.2.*; empty [100]. With HEAD_FLOW
 * there are mlp.flow [h1, flow features] and mlp.path [h1, dim + path features] in place of
 * mlp.0.weight, and in place of `empty` what inputs are clamped to and normalised by: token.lo,
 * .hi, .mean, .scale [n_feat], flow.lo, .hi, .mean, .scale [flow features]. */
typedef struct {
    char name[32];
    uint32_t rows, cols; /* cols 1: a vector of `rows` */
    size_t offset;       /* in floats from the start of the weights */
} CkptTensor;

/* ckpt_layout fills up to `cap` tensors of a model in file order (out may be NULL if cap is 0),
 * sets *n_floats to the number of all weights, and returns the number of tensors. */
size_t ckpt_layout(const ModelSpec *s, CkptTensor *out, size_t cap, size_t *n_floats);
/* ckpt_find returns the tensor of that name among the n of a layout, which must hold it (asserted).
 */
const CkptTensor *ckpt_find(const CkptTensor *t, size_t n, const char *name);

/* ckpt_init_weights fills w, [n_floats of ckpt_layout], with the weights that training starts from:
 * normal with deviation 1/sqrt(inputs), smaller where a layer adds to the residual stream; norms 1,
 * biases 0, and the last layer 0 with HEAD_RESIDUAL and HEAD_FLOW, so that training starts at the
 * fluid simulation. Inputs are neither clamped nor scaled until training sets the ranges of its
 * data. */
void ckpt_init_weights(const ModelSpec *s, uint64_t seed, float *w);
#endif
