/* model: forward pass, feature maps → slowdown percentiles (docs: PIPELINE §6). */
#ifndef M3_MODEL_MODEL_H
#define M3_MODEL_MODEL_H
#include "model/ckpt.h"
#include "model/feature.h"

/* out[i × 400 ..]: 4 buckets × 100 percentiles of slowdown for maps[i], ≥ 1 and ascending within a bucket.
 * Batched: rows of up to MODEL_GROUP paths go through one matrix product; groups run on `threads` threads.
 * The result does not depend on `threads`. raw: leave the MLP's output as it is (1 + out for absolute heads), for
 * comparison with references. */
enum { MODEL_GROUP = 32 };
void model_forward(const Ckpt *c, const FeatureMap *const *maps, size_t n, float *out, bool raw, int threads);

/* The same for one path, also giving the MLP's input (dim + n_feat + extra floats): for tests. */
void model_forward_one(const Ckpt *c, const FeatureMap *map, float *mlp_in, float *out);
#endif
