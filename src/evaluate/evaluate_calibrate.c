/* evaluate_calibrate: log(truth / estimate) over networks, per distribution and quantile, into the
 * recipe of a copy of the checkpoint.
 *
 * Networks in congestion collapse are left out: their slowdowns depend on single losses, which no
 * model of this kind foresees, and a few of them would widen the intervals of all others. */
#include "evaluate/evaluate_calibrate.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "estimate/modelerror.h"
#include "evaluate/evaluate_group.h"

/* Of which networks: all, or those below or above MODELERROR_LOAD. */
typedef enum { ANY_LOAD, LOW_LOAD, HIGH_LOAD } Loads;

static LogRange measure(const EvaluateGroup *g, Loads loads, int dist, int k) {
    double *log_ratio = MEM_NEW(double, g->n);
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        const EvaluateQuantile *q = &g->net[i]->q[dist][k];
        bool high = g->net[i]->max_load >= MODELERROR_LOAD;
        if (loads != ANY_LOAD && high != (loads == HIGH_LOAD)) continue;
        if (isfinite(q->truth) && isfinite(q->m3)) log_ratio[n++] = log(q->truth / q->m3);
    }
    LogRange r = modelerror_fit(log_ratio, n);
    free(log_ratio);
    return r;
}

int evaluate_calibrate(const EvaluateNet *nets, size_t n, const Ckpt *c, const char *out,
                       Err *err) {
    EvaluateGroup g = evaluate_group_intact(nets, n);
    ModelError m = {.n_networks = g.n};
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            m.cell[d][k] = measure(&g, ANY_LOAD, d, k);
            m.by_load[0][d][k] = measure(&g, LOW_LOAD, d, k);
            m.by_load[1][d][k] = measure(&g, HIGH_LOAD, d, k);
        }
    evaluate_group_free(&g);
    if (m.n_networks < MODELERROR_MIN_NETWORKS)
        return err_input(
            err, "%s: %zu networks are too few to measure the model's error; expected at least %d",
            out, m.n_networks, MODELERROR_MIN_NETWORKS);
    Ckpt calibrated = *c; /* borrows everything but the recipe */
    calibrated.recipe = modelerror_recipe(&m, c);
    int rc = ckpt_save(&calibrated, out, c->dtype, err);
    free(calibrated.recipe);
    return rc;
}
