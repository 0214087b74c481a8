/* evaluate_group: networks by kind, and the errors and coverage over a group.
 *
 * Every network weighs the same. Cells without flows enough (EVALUATE_MIN_FLOWS) are left out one
 * by one, so a network may count in one bucket and not in another. Coverage is the share of
 * networks whose truth lies within the estimate's 95 % interval. */
#include "evaluate/evaluate_group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *const evaluate_by_names[EVALUATE_N_BY] = {"cc", "load", "oversubscription", "sizes",
                                                      "host rate"};

/* ---- groups ---- */

EvaluateGroup evaluate_group_all(const EvaluateNet *nets, size_t n) {
    EvaluateGroup g = {.label = "all networks", .n = n, .net = MEM_NEW(const EvaluateNet *, n)};
    for (size_t i = 0; i < n; i++) g.net[i] = &nets[i];
    return g;
}

EvaluateGroup evaluate_group_intact(const EvaluateNet *nets, size_t n) {
    EvaluateGroup g = {.label = "without those in congestion collapse",
                       .net = MEM_NEW(const EvaluateNet *, n)};
    for (size_t i = 0; i < n; i++)
        if (!nettraits_collapsed(&nets[i].traits)) g.net[g.n++] = &nets[i];
    return g;
}

EvaluateGroup evaluate_group_stratum(const EvaluateNet *nets, size_t n, EvaluateStratum stratum) {
    static const char *const labels[EVALUATE_N_STRATA] = {"no loss, load up to 0.65",
                                                          "no loss, load above 0.65", "with loss"};
    EvaluateGroup g = {.label = labels[stratum], .net = MEM_NEW(const EvaluateNet *, n)};
    for (size_t i = 0; i < n; i++) {
        const NetTraits *t = &nets[i].traits;
        EvaluateStratum s = t->lost_share > 0                              ? EVALUATE_LOSS
                            : strcmp(t->label[NET_LOAD], "0.65-1.00") == 0 ? EVALUATE_HIGH_LOAD
                                                                           : EVALUATE_LOW_LOAD;
        if (s == stratum) g.net[g.n++] = &nets[i];
    }
    return g;
}

static int by_label(const void *a, const void *b) {
    const char *x = ((const EvaluateGroup *)a)->label, *y = ((const EvaluateGroup *)b)->label;
    return strverscmp(x, y);
}

size_t evaluate_group_split(const EvaluateGroup *g, EvaluateBy by, EvaluateGroup **kinds) {
    size_t n = 0;
    *kinds = MEM_NEW(EvaluateGroup, g->n);
    for (size_t i = 0; i < g->n; i++) {
        const EvaluateNet *net = g->net[i];
        const char *label = by == EVALUATE_BY_CC ? netconf_cc_name(net->cc)
                                                 : net->traits.label[by - EVALUATE_BY_TRAIT];
        if (!label[0]) label = "unknown";
        size_t k = 0;
        while (k < n && strcmp((*kinds)[k].label, label) != 0) k++;
        if (k == n)
            (*kinds)[n++] =
                (EvaluateGroup){.label = label, .net = MEM_NEW(const EvaluateNet *, g->n)};
        (*kinds)[k].net[(*kinds)[k].n++] = net;
    }
    qsort(*kinds, n, sizeof **kinds, by_label);
    return n;
}

bool evaluate_group_is_known(const EvaluateGroup *kinds, size_t n, EvaluateBy by) {
    return n > 1 || by == EVALUATE_BY_CC ||
           (n == 1 && kinds[0].net[0]->traits.label[by - EVALUATE_BY_TRAIT][0]);
}

void evaluate_group_free(EvaluateGroup *g) { free(g->net); }

void evaluate_group_free_all(EvaluateGroup *g, size_t n) {
    for (size_t i = 0; i < n; i++) evaluate_group_free(&g[i]);
    free(g);
}

/* ---- cells ---- */

EvaluateCell evaluate_group_cell(const EvaluateGroup *g, int dist, int k) {
    EvaluateCell c = {0};
    double *m3 = MEM_NEW(double, g->n), *flowsim = MEM_NEW(double, g->n);
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        const EvaluateQuantile *q = &g->net[i]->q[dist][k];
        if (!isfinite(q->truth) || !isfinite(q->m3)) continue;
        if (g->net[i]->has_intervals) {
            c.n_intervals++;
            c.n_covered += q->lo <= q->truth && q->truth <= q->hi;
        }
        if (!isfinite(q->flowsim)) continue;
        m3[n] = evaluate_error_of(q->m3, q->truth);
        flowsim[n++] = evaluate_error_of(q->flowsim, q->truth);
    }
    c.m3 = evaluate_error_summary(m3, n);
    c.flowsim = evaluate_error_summary(flowsim, n);
    size_t n_model = 0, n_sampled = 0; /* in the same arrays */
    for (size_t i = 0; i < g->n; i++) {
        const EvaluateQuantile *q = &g->net[i]->q[dist][k];
        if (!g->net[i]->checked || !isfinite(q->truth)) continue;
        if (isfinite(q->model)) m3[n_model++] = evaluate_error_of(q->model, q->truth);
        if (isfinite(q->sampled)) flowsim[n_sampled++] = evaluate_error_of(q->sampled, q->truth);
    }
    c.model = evaluate_error_summary(m3, n_model);
    c.sampled = evaluate_error_summary(flowsim, n_sampled);
    free(m3);
    free(flowsim);
    return c;
}

double evaluate_group_coverage(const EvaluateCell *c) {
    return c->n_intervals ? (double)c->n_covered / (double)c->n_intervals : NAN;
}

/* −1: without truth or estimate, so that such a network is the last. */
static double error_at_p99(const EvaluateNet *net) {
    const EvaluateQuantile *q = &net->q[RESULT_ALL][RESULT_P99];
    double error = fabs(evaluate_error_of(q->m3, q->truth));
    return isfinite(error) ? error : -1;
}

/* By insertion, which keeps equal ones in the order of the group. */
size_t evaluate_group_worst(const EvaluateGroup *g, const EvaluateNet **worst, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        size_t at = n < cap ? n++ : cap;
        while (at > 0 && error_at_p99(g->net[i]) > error_at_p99(worst[at - 1])) {
            if (at < cap) worst[at] = worst[at - 1];
            at--;
        }
        if (at < cap) worst[at] = g->net[i];
    }
    return n;
}
