/* transformer: embedding, layers, mean over positions, output matrix (as in Llama 2,
 * Touvron et al. 2023).
 *
 *   rows ─ embed ─ n_layers × (attention, SwiGLU) ─ norm ─ mean over a sequence's rows ─ output
 * matrix
 *
 * Sequences differ in length; the rows of all lie one after the other in one matrix, and only
 * attention looks at where one begins and ends. The output matrix is applied after the mean: both
 * are linear, and there are fewer sequences than rows. Left out: training, which the plug-in does.
 */
#include "model/transformer.h"

#include <assert.h>
#include <stdio.h>

#include "model/nn.h"

/* The weights of layer l's tensor of that name. */
static const float *of_layer(const CkptTensor *t, size_t n, const float *weights, uint32_t l,
                             const char *name) {
    char full[sizeof t->name];
    snprintf(full, sizeof full, "l.%u.%s", l, name);
    return weights + ckpt_find(t, n, full)->offset;
}

void transformer_init(Transformer *x, const ModelSpec *s, const CkptTensor *t, size_t n,
                      const float *weights) {
    x->spec = s;
    x->embed = weights + ckpt_find(t, n, "embed.weight")->offset;
    x->embed_bias = weights + ckpt_find(t, n, "embed.bias")->offset;
    x->final_norm = weights + ckpt_find(t, n, "final_norm")->offset;
    x->output = weights + ckpt_find(t, n, "output")->offset;
    for (uint32_t l = 0; l < s->n_layers; l++) {
        TransformerLayer *y = &x->layer[l];
        *y = (TransformerLayer){.attn_norm = of_layer(t, n, weights, l, "attn_norm"),
                                .wqkv = of_layer(t, n, weights, l, "wq"),
                                .wo = of_layer(t, n, weights, l, "wo"),
                                .ffn_norm = of_layer(t, n, weights, l, "ffn_norm"),
                                .w1 = of_layer(t, n, weights, l, "w1"),
                                .w2 = of_layer(t, n, weights, l, "w2"),
                                .w3 = of_layer(t, n, weights, l, "w3")};
        /* One product takes the three: they stand side by side. */
        size_t square = (size_t)s->dim * s->dim;
        assert(of_layer(t, n, weights, l, "wk") == y->wqkv + square);
        assert(of_layer(t, n, weights, l, "wv") == y->wqkv + 2 * square);
    }
}

/* x[n × dim] → x. */
static void run_layers(const Transformer *t, float *x, const size_t *first, size_t n_seq,
                       Arena *a) {
    const ModelSpec *s = t->spec;
    size_t dim = s->dim, hidden = s->hidden, head_dim = dim / s->n_heads, n = first[n_seq],
           longest = 1;
    for (size_t i = 0; i < n_seq; i++)
        if (first[i + 1] - first[i] > longest) longest = first[i + 1] - first[i];
    float *h = ARENA_NEW(a, float, n *dim), *qkv = ARENA_NEW(a, float, n * 3 * dim),
          *att = ARENA_NEW(a, float, n *dim);
    float *gate = ARENA_NEW(a, float, n *hidden), *up = ARENA_NEW(a, float, n *hidden);
    float *score = ARENA_NEW(a, float, longest), *rope = ARENA_NEW(a, float, longest *head_dim);
    nn_rope_table(rope, longest, head_dim);
    for (uint32_t l = 0; l < s->n_layers; l++) {
        const TransformerLayer *y = &t->layer[l];
        nn_rmsnorm(h, x, y->attn_norm, n, dim);
        nn_linear(qkv, h, y->wqkv, NULL, n, dim, 3 * dim);
        for (size_t i = 0; i < n_seq; i++) {
            size_t len = first[i + 1] - first[i];
            float *q = qkv + first[i] * 3 * dim;
            nn_rope(q, rope, len, s->n_heads, head_dim, 3 * dim);
            nn_rope(q + dim, rope, len, s->n_heads, head_dim, 3 * dim);
            nn_attention(att + first[i] * dim, q, score, len, s->n_heads, head_dim,
                         !s->bidirectional);
        }
        nn_linear_add(x, att, y->wo, n, dim, dim);
        nn_rmsnorm(h, x, y->ffn_norm, n, dim);
        nn_linear(gate, h, y->w1, NULL, n, dim, hidden);
        nn_linear(up, h, y->w3, NULL, n, dim, hidden);
        nn_swiglu(gate, up, n * hidden);
        nn_linear_add(x, gate, y->w2, n, hidden, dim);
    }
    nn_rmsnorm(x, x, t->final_norm, n, dim);
}

void transformer_forward(const Transformer *t, const float *feat, const size_t *first, size_t n_seq,
                         float *out, Arena *a) {
    size_t dim = t->spec->dim, n = first[n_seq];
    float *x = ARENA_NEW(a, float, n *dim), *mean = ARENA_NEW(a, float, n_seq *dim);
    nn_linear(x, feat, t->embed, t->embed_bias, n, t->spec->n_feat, dim);
    run_layers(t, x, first, n_seq, a);
    for (size_t i = 0; i < n_seq; i++)
        nn_mean(mean + i * dim, x + first[i] * dim, first[i + 1] - first[i], dim);
    nn_linear(out, mean, t->output, NULL, n_seq, dim, dim);
}
