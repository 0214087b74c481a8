/* evaluate_summary: what many networks' errors come to.
 *
 * Every network weighs the same. Cells without flows enough (EVAL_MIN_FLOWS) are left out one by
 * one, so a network may count in one bucket and not in another. Coverage is the share of networks
 * whose truth lies within the estimate's 95 % interval. */
#include "evaluate/evaluate_summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "estimate/modelerror.h"
#include "base/mem.h"

const char *const evalby_names[EVAL_N_BY] = {"cc", "load", "oversubscription", "sizes",
                                             "host rate"};

EvalSummary evalsummary_of(const double *errors, size_t n) {
    if (n == 0) return (EvalSummary){0, NAN, NAN, NAN, NAN, NAN};
    EvalSummary s = {.n = n};
    double *abs_error = MEM_NEW(double, n);
    for (size_t i = 0; i < n; i++) {
        abs_error[i] = fabs(errors[i]);
        s.mean_abs += abs_error[i] / (double)n;
        s.mean_signed += errors[i] / (double)n;
    }
    stats_sort(abs_error, n);
    s.median_abs = abs_error[stats_rank(n, 50)];
    s.p90_abs = abs_error[stats_rank(n, 90)];
    s.max_abs = abs_error[n - 1];
    free(abs_error);
    return s;
}

/* ---- groups ---- */

EvalNetGroup evalgroup_all(const EvalNet *nets, size_t n) {
    EvalNetGroup g = {.label = "all networks", .n = n, .net = MEM_NEW(const EvalNet *, n)};
    for (size_t i = 0; i < n; i++) g.net[i] = &nets[i];
    return g;
}

EvalNetGroup evalgroup_intact(const EvalNet *nets, size_t n) {
    EvalNetGroup g = {.label = "without those in congestion collapse",
                      .net = MEM_NEW(const EvalNet *, n)};
    for (size_t i = 0; i < n; i++)
        if (!nettraits_collapsed(&nets[i].traits)) g.net[g.n++] = &nets[i];
    return g;
}

static const char *kind_of(const EvalNet *net, EvalBy by) {
    if (by == EVAL_BY_CC) return netconf_cc_name(net->cc);
    const char *label = net->traits.label[by - EVAL_BY_TRAIT];
    return label[0] ? label : "unknown";
}

static int by_label(const void *a, const void *b) {
    const char *x = ((const EvalNetGroup *)a)->label, *y = ((const EvalNetGroup *)b)->label;
    return strverscmp(x, y);
}

size_t evalgroup_split(const EvalNetGroup *g, EvalBy by, EvalNetGroup **kinds) {
    size_t n = 0;
    *kinds = MEM_NEW(EvalNetGroup, g->n);
    for (size_t i = 0; i < g->n; i++) {
        const char *label = kind_of(g->net[i], by);
        size_t k = 0;
        while (k < n && strcmp((*kinds)[k].label, label) != 0) k++;
        if (k == n)
            (*kinds)[n++] = (EvalNetGroup){.label = label, .net = MEM_NEW(const EvalNet *, g->n)};
        (*kinds)[k].net[(*kinds)[k].n++] = g->net[i];
    }
    qsort(*kinds, n, sizeof **kinds, by_label);
    return n;
}

void evalgroup_free(EvalNetGroup *g) { free(g->net); }

void evalgroups_free(EvalNetGroup *g, size_t n) {
    for (size_t i = 0; i < n; i++) evalgroup_free(&g[i]);
    free(g);
}

/* ---- cells ---- */

static double error_of(double estimate, double truth) { return estimate / truth - 1; }

static void add_interval(EvalCell *c, const EvalNet *net, const EvalInterval *i) {
    if (!net->has_intervals || !isfinite(i->truth) || !isfinite(i->value)) return;
    c->n_intervals++;
    c->n_covered += i->lo <= i->truth && i->truth <= i->hi;
}

EvalCell evalgroup_cell(const EvalNetGroup *g, int row, int percentile) {
    EvalCell c = {0};
    double *m3 = MEM_NEW(double, g->n), *flowsim = MEM_NEW(double, g->n);
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        const EvalQuantile *q = &g->net[i]->q[row][percentile];
        add_interval(&c, g->net[i], &g->net[i]->interval[row][percentile]);
        if (!isfinite(q->truth) || !isfinite(q->m3) || !isfinite(q->flowsim)) continue;
        m3[n] = error_of(q->m3, q->truth);
        flowsim[n++] = error_of(q->flowsim, q->truth);
    }
    c.m3 = evalsummary_of(m3, n);
    c.flowsim = evalsummary_of(flowsim, n);
    free(m3);
    free(flowsim);
    return c;
}

double evalcell_coverage(const EvalCell *c) {
    return c->n_intervals ? (double)c->n_covered / (double)c->n_intervals : NAN;
}

static double badness(const EvalNet *net) {
    const EvalQuantile *q = &net->q[RESULT_ALL][RESULT_P99];
    double error = fabs(error_of(q->m3, q->truth));
    return isfinite(error) ? error : -1;
}

size_t evalgroup_worst(const EvalNetGroup *g, const EvalNet **worst, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        size_t at = n < cap ? n++ : cap;
        while (at > 0 && badness(g->net[i]) > badness(worst[at - 1])) {
            if (at < cap) worst[at] = worst[at - 1];
            at--;
        }
        if (at < cap) worst[at] = g->net[i];
    }
    return n;
}

/* ---- calibration ---- */

static LogRange measure(const EvalNetGroup *g, int row, int k) {
    double *log_ratio = MEM_NEW(double, g->n);
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        const EvalInterval *e = &g->net[i]->interval[row][k];
        if (isfinite(e->truth) && isfinite(e->value)) log_ratio[n++] = log(e->truth / e->value);
    }
    LogRange r = modelerror_fit(log_ratio, n);
    free(log_ratio);
    return r;
}

int evaluate_calibrate(const EvalNet *nets, size_t n, const Ckpt *c, const char *out, Err *err) {
    EvalNetGroup g = evalgroup_intact(nets, n);
    ModelError m = {.n_networks = g.n};
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++) m.cell[d][k] = measure(&g, d, k);
    evalgroup_free(&g);
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
