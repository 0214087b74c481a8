/* transformer: the Llama-2-style decoder over a path's links, shared by the path model and the flow
 * model. */
#ifndef M3_MODEL_TRANSFORMER_H
#define M3_MODEL_TRANSFORMER_H
#include "base/mem.h"
#include "model/ckpt.h"

typedef struct {
    const float *attn_norm, *wqkv, *wo; /* [dim], [3 dim × dim], [dim × dim] */
    const float *ffn_norm;              /* [dim] */
    const float *w1, *w2, *w3;          /* [hidden × dim], [dim × hidden], [hidden × dim] */
} TransformerLayer;

/* Pointers into a checkpoint's weights. */
typedef struct {
    const ModelSpec *spec;
    const float *embed, *embed_bias;  /* [dim × n_feat], [dim] */
    const float *final_norm, *output; /* [dim], [dim × dim] */
    TransformerLayer layer[CKPT_MAX_LAYERS];
} Transformer;

/* transformer_init points *x to a checkpoint's weights; t: the n tensors of ckpt_layout(s). */
void transformer_init(Transformer *x, const ModelSpec *s, const CkptTensor *t, size_t n,
                      const float *weights);

/* transformer_forward maps feat[first[n_seq] × n_feat] to out[n_seq × dim]; rows
 * first[i]..first[i+1]−1 are sequence i, which may be empty. */
void transformer_forward(const Transformer *x, const float *feat, const size_t *first, size_t n_seq,
                         float *out, Arena *a);
#endif
