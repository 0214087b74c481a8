/* evaluate: errors of estimates against truth.
 *
 * The error of a cell (a sample, a size bucket, a percentile) is estimate/truth − 1. Reported are
 * its mean magnitude and its signed mean, which tells bias from scatter, for p50, p90 and p99 of
 * each bucket, equal weight for each sample that has truth there; beside them those of flowSim
 * alone: the same percentiles of the fluid simulation, before the model's correction. */
#include "evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "model/pathmodel.h"
#include "traffic/sizebucket.h"

enum { CHUNK = 256, CONF_FIRST_CC = 8 };
const int eval_percentiles[EVAL_N_PCT] = {50, 90, 99};

void evalerror_add(EvalError *e, double estimate, double truth) {
    double error = estimate / truth - 1;
    e->n++;
    e->sum_abs += fabs(error);
    e->sum_signed += error;
}

double evalerror_mean_abs(const EvalError *e) { return e->n ? e->sum_abs / (double)e->n : NAN; }
double evalerror_mean_signed(const EvalError *e) {
    return e->n ? e->sum_signed / (double)e->n : NAN;
}

void evaltable_add(EvalTable *t, const float *estimate, const float *truth,
                   const uint32_t *truth_count) {
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        if (truth_count[b] == 0) continue;
        const float *e = estimate + b * STATS_N_PCT, *w = truth + b * STATS_N_PCT;
        for (int p = 0; p < STATS_N_PCT; p++) evalerror_add(&t->loss, (double)e[p], (double)w[p]);
        for (int k = 0; k < EVAL_N_PCT; k++) {
            int p = eval_percentiles[k] - 1;
            evalerror_add(&t->cell[result_of_bucket(b)][k], (double)e[p], (double)w[p]);
            evalerror_add(&t->cell[RESULT_ALL][k], (double)e[p], (double)w[p]);
        }
    }
}

/* The congestion control whose flag is up in a sample's configuration values. */
static int cc_of(const float *conf) {
    for (int cc = 0; cc < MODELINPUT_N_CC; cc++)
        if (conf[CONF_FIRST_CC + cc] > 0.5f) return cc;
    return MODELINPUT_N_CC;
}

static void add_sample(Evaluation *out, const PathData *d, size_t i, const float *estimate) {
    int cc = cc_of(d->conf + i * PATHFEAT_N_CONF);
    EvalGroup *of[2] = {&out->group[0], cc < MODELINPUT_N_CC ? &out->group[1 + cc] : NULL};
    for (int g = 0; g < 2 && of[g]; g++) {
        of[g]->n_samples++;
        evaltable_add(&of[g]->m3, estimate, d->truth + i * PATHFEAT_N_BASE,
                      d->truth_count + i * SIZEBUCKET_N);
        evaltable_add(&of[g]->flowsim, d->base + i * PATHFEAT_N_BASE,
                      d->truth + i * PATHFEAT_N_BASE, d->truth_count + i * SIZEBUCKET_N);
    }
}

void evaluate_pathdata(const PathData *d, const uint32_t *index, size_t n, const Ckpt *c,
                       int threads, Evaluation *out) {
    *out = (Evaluation){.group[0].label = "all"};
    for (int cc = 0; cc < MODELINPUT_N_CC; cc++) out->group[1 + cc].label = netconf_cc_name((Cc)cc);
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
