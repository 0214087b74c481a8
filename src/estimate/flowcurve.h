/* flowcurve: FlowFeats of paths → the flow model → one distribution per path and size bucket. */
#ifndef M3_ESTIMATE_FLOWCURVE_H
#define M3_ESTIMATE_FLOWCURVE_H
#include "estimate/aggregate.h"
#include "model/flowmodel.h"
#include "traffic/sizebucket.h"

enum { FLOWCURVE_N = SIZEBUCKET_N * AGG_N_LEVELS };
/* curve[i × FLOWCURVE_N ..]: quantiles at agg_levels of the mixture over the flows of each bucket
 * of *maps[i]; not written where the bucket is empty. */
void flowcurve_make(const Ckpt *c, const FlowFeat *const *maps, size_t n, float *curve,
                    int threads);
#endif
