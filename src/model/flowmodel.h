/* flowmodel: forward pass of the flow model: FlowFeats → quantiles of every foreground flow's
 * slowdown. */
#ifndef M3_MODEL_FLOWMODEL_H
#define M3_MODEL_FLOWMODEL_H
#include "base/stats.h"
#include "model/ckpt.h"
#include "model/flowfeat.h"

/* FLOWMODEL_GROUP paths go through one matrix product: enough rows for sgemm, and work for every
 * thread where paths are few. Chosen; a result depends on it in its last bits at most. */
enum { FLOWMODEL_N_Q = CKPT_N_QUANTILES, FLOWMODEL_GROUP = 32 };
extern const float flowmodel_levels[FLOWMODEL_N_Q]; /* of the quantiles, ascending in (0, 1) */

/* flowmodel_forward writes to out[flows × FLOWMODEL_N_Q] the quantiles of slowdown, ≥ 1 and
 * ascending, of the flows of all maps one after the other. raw: logarithms, not clipped at 0, for
 * comparison with training. Groups of FLOWMODEL_GROUP maps run on `threads` threads (0: all); the
 * result does not depend on it. The checkpoint's head is HEAD_FLOW (asserted). */
void flowmodel_forward(const Ckpt *c, const FlowFeat *const *maps, size_t n, float *out, bool raw,
                       int threads);

/* flowmodel_cdf returns the share of a distribution at or below x, given its quantiles (or their
 * logarithms, and that of x): linear between them. */
float flowmodel_cdf(const float quantiles[FLOWMODEL_N_Q], float x);

/* How far a map's inputs are outside what the checkpoint was trained on. Inputs outside are moved
 * to the range's edge. */
typedef struct {
    const char *name; /* of the feature furthest outside; NULL: all are inside */
    float value, lo, hi;
    uint32_t n_outside; /* values outside, of all links, the path and all flows */
} FlowRange;
/* flowmodel_range compares all features of *m with the ranges in the checkpoint, whose head is
 * HEAD_FLOW. */
FlowRange flowmodel_range(const Ckpt *c, const FlowFeat *m);
/* flowrange_excess returns how far the feature furthest outside is from its range, in widths of
 * that range; 0: all are inside. */
float flowrange_excess(const FlowRange *r);
#endif
