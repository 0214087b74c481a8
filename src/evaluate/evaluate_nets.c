/* evaluate_nets: estimates of whole networks against packet simulations of the same flows.
 *
 * Truth is the distribution of fct/ideal over all flows that finished. Beside it, for the same
 * flows and settings, the whole pipeline is run twice: with the model, and with the fluid
 * simulation alone. Both draw the same paths. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "estimate/estimate.h"
#include "evaluate/evaluate.h"
#include "data/netdir.h"
#include "estimate/report.h"

/* ---- one network ---- */

typedef struct {
    Slowdowns slowdown;
    size_t n_finished;
} Truth;

static int true_distribution(const Flows *f, const char *dir, Truth *truth, Err *err) {
    if (!f->fct_ns || !f->ideal_fct_ns)
        return err_input(err, "%s/flows.csv: expected columns fct_ns and ideal_fct_ns", dir);
    uint64_t *size_b = MEM_NEW(uint64_t, f->n);
    double *slowdown = MEM_NEW(double, f->n);
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (!(f->fct_ns[i] > 0 && f->ideal_fct_ns[i] > 0)) continue;
        size_b[n] = f->size_b[i];
        slowdown[n++] = f->fct_ns[i] / f->ideal_fct_ns[i];
    }
    int rc = n > 0 ? 0 : err_input(err, "%s/flows.csv: no flow has finished", dir);
    if (rc == 0) aggregate_flows(size_b, slowdown, n, &truth->slowdown);
    truth->n_finished = n;
    free(size_b);
    free(slowdown);
    return rc;
}

static double percentile_of(const Slowdowns *r, int row, int k) {
    const SlowdownDist *d = &r->dist[row];
    return d->share > 0 ? d->percentiles[eval_percentiles[k] - 1] : NAN;
}

static bool has_enough(const Truth *t, int row) {
    return t->slowdown.dist[row].share * (double)t->n_finished > EVAL_MIN_FLOWS - 0.5;
}

static void compare(EvalNet *out, const Truth *truth, const Estimate *m3, const Estimate *flowsim) {
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        bool enough = has_enough(truth, row);
        for (int k = 0; k < EVAL_N_PCT; k++)
            out->q[row][k] = (EvalQuantile){enough ? percentile_of(&truth->slowdown, row, k) : NAN,
                                            percentile_of(&m3->slowdown, row, k),
                                            percentile_of(&flowsim->slowdown, row, k)};
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            const SlowdownQuantile *t = &truth->slowdown.dist[row].q[k],
                                   *e = &m3->slowdown.dist[row].q[k];
            out->interval[row][k] = (EvalInterval){enough ? t->value : NAN, e->value, e->lo, e->hi};
        }
    }
    out->has_intervals = m3->model_error || !m3->exhaustive;
}

static int evaluate_one(const char *dir, const EvalNetOptions *o, const Log *log, EvalNet *out,
                        Err *err) {
    Scenario s;
    Truth truth;
    Estimate m3, flowsim;
    if (netdir_load(&s, dir, o->seed, o->threads, err) != 0) return -1;
    EstimateOptions eo = {.method = METHOD_M3,
                          .ckpt = o->ckpt,
                          .n_paths = o->n_paths,
                          .seed = o->seed,
                          .threads = o->threads};
    int rc = true_distribution(&s.flows, dir, &truth, err);
    if (rc == 0) rc = nettraits_read(&out->traits, dir, &s.topo, err);
    if (rc == 0 && (rc = estimate_run(&s, &eo, log, &m3, err)) != 0) err_wrap(err, "%s", dir);
    eo.method = METHOD_FLOWSIM;
    if (rc == 0) rc = estimate_run(&s, &eo, log, &flowsim, err);
    if (rc == 0) {
        out->cc = s.conf.cc;
        out->n_flows = s.flows.n;
        out->n_finished = truth.n_finished;
        out->n_paths = m3.n_unique;
        compare(out, &truth, &m3, &flowsim);
    }
    scenario_free(&s);
    return rc;
}

/* ---- a folder of them ---- */

static int list_networks(const char *dir, EvalNet **nets, size_t *n, Err *err) {
    char **names;
    if (netdir_list(dir, &names, n, err) != 0) return -1;
    *nets = MEM_ZNEW(EvalNet, *n);
    for (size_t i = 0; i < *n; i++) (*nets)[i].name = names[i];
    free(names);
    return 0;
}

int evaluate_networks(const char *dir, const EvalNetOptions *o, const Log *log, EvalNet **nets,
                      size_t *n, Err *err) {
    *nets = NULL;
    *n = 0;
    int rc = list_networks(dir, nets, n, err);
    Progress p;
    progress_init(&p, log, "networks", *n);
    for (size_t i = 0; rc == 0 && i < *n; i++) {
        char *sub = file_join(dir, (*nets)[i].name);
        rc =
            diag_stop_requested() ? err_stopped(err) : evaluate_one(sub, o, NULL, &(*nets)[i], err);
        free(sub);
        progress_update(&p, i + 1);
    }
    progress_finish(&p);
    if (rc == 0) return 0;
    evalnets_free(*nets, *n);
    *nets = NULL;
    *n = 0;
    return -1;
}

void evalnets_free(EvalNet *nets, size_t n) {
    for (size_t i = 0; i < n; i++) free(nets[i].name);
    free(nets);
}
