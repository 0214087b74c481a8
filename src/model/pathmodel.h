/* pathmodel: forward pass of the published form of model: feature maps → slowdown percentiles. */
#ifndef M3_MODEL_PATHMODEL_H
#define M3_MODEL_PATHMODEL_H
#include "model/ckpt.h"
#include "model/pathfeat.h"

/* pathmodel_forward writes to out[i × 400 ..] 4 buckets × 100 percentiles of slowdown for maps[i],
 * ≥ 1 and ascending within a bucket. Batched: rows of PATHMODEL_GROUP consecutive paths go through
 * one matrix product; groups run on `threads` threads (0: all). The result does not depend on
 * `threads`, and on a path's neighbours only in the last bits. raw: leave out the clipping and the
 * ordering, for comparison with references and in training. */
enum { PATHMODEL_GROUP = 32 };
void pathmodel_forward(const Ckpt *c, const PathFeat *const *maps, size_t n, float *out, bool raw,
                       int threads);

/* pathmodel_forward_one computes the raw percentiles of one path, out [400], also giving the MLP's
 * input (n_feat + dim + extra floats): for tests.
 */
void pathmodel_forward_one(const Ckpt *c, const PathFeat *map, float *mlp_in, float *out);

/* pathmodel_forward_rows computes from rows that are already filled, for tests: feat[n_rows ×
 * 1019], row 0 foreground; base[400] and count[4] only for HEAD_RESIDUAL, else may be NULL. Raw. */
void pathmodel_forward_rows(const Ckpt *c, const float *feat, uint32_t n_rows, const float *base,
                            const uint32_t *count, float *mlp_in, float *out);
#endif
