/* nn: the kernels of the forward pass. The sole user of CBLAS. Matrices are row-major. */
#ifndef M3_MODEL_NN_H
#define M3_MODEL_NN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* OpenBLAS runs on one thread from begin to end, since paths are what we run in parallel. Its
 * setting is the process's: of several that overlap, the first begin changes it and the last end
 * restores it. nn_begin takes what one thread needs for products, which nn_end gives back; it waits
 * where others have all that memory has room for, so that a thread must not begin twice. It ends
 * the process (diag_out_of_memory) if there is no room at all. */
void nn_begin(void);
void nn_end(void);

/* nn_batched calls fn(ctx, first, n, a) for consecutive groups of up to `group` of n_items items,
 * on at most `threads` threads (0: all cores), with OpenBLAS on one thread each; `a` is the
 * worker's scratch memory, reset before each call. Results must be stored by item: then threads
 * don't show. It calls nn_begin and nn_end itself, and uses fewer threads where memory for
 * OpenBLAS is short. fn must not begin another loop. */
typedef void (*NnGroupFn)(void *ctx, size_t first, size_t n, Arena *a);
void nn_batched(size_t n_items, size_t group, int threads, NnGroupFn fn, void *ctx);

/* nn_library returns "OpenBLAS 0.3.21 DYNAMIC_ARCH Haswell …": the library and the kernels it
 * picked for this machine.
 */
const char *nn_library(void);

/* nn_linear computes y[n × out] = x[n × in] · w[out × in]ᵀ + bias[out]; bias NULL: none. */
void nn_linear(float *y, const float *x, const float *w, const float *bias, size_t n, size_t in,
               size_t out);
/* nn_linear_add computes y[n × out] += x[n × in] · w[out × in]ᵀ. */
void nn_linear_add(float *y, const float *x, const float *w, size_t n, size_t in, size_t out);
/* nn_rmsnorm computes y[i] = x[i] · gain / sqrt(mean(x[i]²) + 1e-5) for n rows of dim (Zhang and
 * Sennrich 2019; 1e-5 as in Llama 2 and the published m3). y may be x. */
void nn_rmsnorm(float *y, const float *x, const float *gain, size_t n, size_t dim);
/* nn_rope_table fills the cos and sin of rotary embedding (Su et al. 2021), base 10000: table[p ×
 * head_dim + 2k] = cos, + 1 = sin, for n_pos positions. */
void nn_rope_table(float *table, size_t n_pos, size_t head_dim);
/* nn_rope rotates the interleaved pairs of n rows (positions 0..n−1) of n_heads heads; rows are
 * `stride` floats apart. */
void nn_rope(float *x, const float *table, size_t n, size_t n_heads, size_t head_dim,
             size_t stride);
/* nn_attention computes softmax(q·kᵀ/√head_dim)·v over one sequence of n positions; causal: a
 * position attends to itself and those before it, else to all. qkv
 * rows hold q, k, v side by side (3 × n_heads × head_dim); out rows n_heads × head_dim. score:
 * scratch of n floats. */
void nn_attention(float *out, const float *qkv, float *score, size_t n, size_t n_heads,
                  size_t head_dim, bool causal);
/* nn_swiglu computes a = silu(a) · b, both [n]. */
void nn_swiglu(float *a, const float *b, size_t n);
/* nn_relu computes x = max(x, 0), [n]. */
void nn_relu(float *x, size_t n);
/* nn_mean computes the mean[dim] of n rows of dim; zeros for n = 0. */
void nn_mean(float *mean, const float *x, size_t n, size_t dim);
#endif
