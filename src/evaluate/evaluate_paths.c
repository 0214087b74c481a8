/* evaluate_paths: a path model against truth, on paths of a data set.
 *
 * A cell is a sample, a size bucket and a percentile. Every sample that has true flows in a bucket
 * weighs the same there, however many they are. Beside the model's errors stand those of flowSim
 * alone: the percentiles of the fluid simulation, which are the model's input. */
#include "evaluate/evaluate_paths.h"

#include <stdlib.h>

#include "model/pathmodel.h"

/* Samples per call of the model: as many as keep its matrix products large, while the estimates
 * (1.6 KB a sample) stay in the cache. Results do not depend on it. */
enum { CHUNK = 256 };

void evaluate_paths_add(EvaluateTable *t, const float *estimate, const float *truth,
                        const uint32_t *truth_count) {
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        if (truth_count[b] == 0) continue;
        const float *e = estimate + b * STATS_N_PCT, *w = truth + b * STATS_N_PCT;
        for (int p = 0; p < STATS_N_PCT; p++)
            evaluate_error_add(&t->loss, (double)e[p], (double)w[p]);
        for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
            int p = evaluate_percentiles[k] - 1;
            evaluate_error_add(&t->cell[result_of_bucket(b)][k], (double)e[p], (double)w[p]);
            evaluate_error_add(&t->cell[RESULT_ALL][k], (double)e[p], (double)w[p]);
        }
    }
}

static void add_sample(EvaluatePaths *out, const PathData *d, size_t i, const float *estimate) {
    int cc = pathfeat_cc(d->conf + i * PATHFEAT_N_CONF);
    EvaluateControl *of[2] = {&out->control[0],
                              cc < MODELINPUT_N_CC ? &out->control[1 + cc] : NULL};
    const float *truth = d->truth + i * PATHFEAT_N_BASE;
    const uint32_t *count = d->truth_count + i * SIZEBUCKET_N;
    for (int g = 0; g < 2 && of[g]; g++) {
        of[g]->n_samples++;
        evaluate_paths_add(&of[g]->m3, estimate, truth, count);
        evaluate_paths_add(&of[g]->flowsim, d->base + i * PATHFEAT_N_BASE, truth, count);
    }
}

void evaluate_paths(const PathData *d, const uint32_t *index, size_t n, const Ckpt *c, int threads,
                    EvaluatePaths *out) {
    *out = (EvaluatePaths){.control[0].label = "all"};
    for (int cc = 0; cc < MODELINPUT_N_CC; cc++)
        out->control[1 + cc].label = netconf_cc_name((Cc)cc);
    PathFeat *maps = MEM_NEW(PathFeat, CHUNK);
    const PathFeat *of[CHUNK];
    float *estimates = MEM_NEW(float, CHUNK *PATHFEAT_N_BASE);
    for (size_t first = 0; first < n; first += CHUNK) {
        size_t m = n - first < CHUNK ? n - first : CHUNK;
        for (size_t k = 0; k < m; k++) {
            maps[k] = pathdata_map(d, index[first + k]);
            of[k] = &maps[k];
        }
        pathmodel_forward(c, of, m, estimates, false, threads);
        for (size_t k = 0; k < m; k++)
            add_sample(out, d, index[first + k], estimates + k * PATHFEAT_N_BASE);
    }
    free(maps);
    free(estimates);
}
