/* flowcurve: what the flow model says of each flow, put together per path.
 *
 * A bucket's distribution on a path is the equal-weight mixture of its flows' distributions: those
 * flows are all the path has or an even sample. It is kept as quantiles at fixed levels, so that
 * the network's mixture over paths costs the same however many flows there are. */
#include "estimate/flowcurve.h"

#include <stdlib.h>

#include "base/par.h"
#include "traffic/sizebucket.h"

typedef struct {
    const FlowFeat *const *maps;
    const size_t *first; /* [n] first flow of a map */
    const float *quantiles;
    float *curve;
} FlowCurveJob;

static void mix_path(void *ctx, size_t i, int worker) {
    (void)worker;
    const FlowCurveJob *j = ctx;
    const FlowFeat *m = j->maps[i];
    const float **of = MEM_NEW(const float *, m->n_flows);
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        size_t n = 0;
        for (size_t k = 0; k < m->n_flows; k++)
            if (m->bucket[k] == b) of[n++] = j->quantiles + (j->first[i] + k) * FLOWMODEL_N_Q;
        if (n > 0)
            aggregate_mix(of, n, flowmodel_levels, FLOWMODEL_N_Q,
                          j->curve + (i * SIZEBUCKET_N + (size_t)b) * AGG_N_LEVELS);
    }
    free(of);
}

void flowcurve_make(const Ckpt *c, const FlowFeat *const *maps, size_t n, float *curve,
                    int threads) {
    size_t *first = MEM_NEW(size_t, n + 1);
    first[0] = 0;
    for (size_t i = 0; i < n; i++) first[i + 1] = first[i] + maps[i]->n_flows;
    float *quantiles = MEM_NEW(float, first[n] * FLOWMODEL_N_Q);
    flowmodel_forward(c, maps, n, quantiles, false, threads);
    FlowCurveJob job = {.maps = maps, .first = first, .quantiles = quantiles, .curve = curve};
    par_for(n, threads, mix_path, &job);
    free(quantiles);
    free(first);
}
