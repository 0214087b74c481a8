/* evaluate_nets_report: evaluations of whole networks as tables and JSON.
 *
 * First every network, then all of them by size bucket, then by kind of network over all sizes.
 * Where packet simulation shows networks in congestion collapse, whose slowdowns hang on single
 * losses, all of it comes with and without them, and the kinds without. Tables show errors in
 * percent; JSON holds plain fractions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "evaluate/evaluate_report.h"
#include "evaluate/evaluate_summary.h"
#include "estimate/report.h"
#include "base/json.h"

enum { N_WORST = 5 };

static double error_of(double estimate, double truth) { return estimate / truth - 1; }

/* ---- tables ---- */

static void print_net_rows(const EvalNet *const *nets, size_t n) {
    printf("%-10s %-6s %7s %6s", "network", "cc", "flows", "paths");
    for (int k = 0; k < EVAL_N_PCT; k++)
        printf("  p%d: %-5s %7s %7s", eval_percentiles[k], "truth", "m3", "flowSim");
    printf("\n");
    for (size_t i = 0; i < n; i++) {
        const EvalNet *e = nets[i];
        printf("%-10.10s %-6s %7zu %6zu", e->name, netconf_cc_name(e->cc), e->n_flows, e->n_paths);
        for (int k = 0; k < EVAL_N_PCT; k++) {
            const EvalQuantile *q = &e->q[RESULT_ALL][k];
            printf("  %10.3f %+6.1f%% %+6.1f%%", q->truth, 100 * error_of(q->m3, q->truth),
                   100 * error_of(q->flowsim, q->truth));
        }
        printf("%s\n", nettraits_collapsed(&e->traits) ? "  collapsed" : "");
    }
}

static void print_summary(const char *method, const EvalSummary *s) {
    printf(" %9s %6.1f %+7.1f %7.1f %6.1f %6.1f", method, 100 * s->mean_abs, 100 * s->mean_signed,
           100 * s->median_abs, 100 * s->p90_abs, 100 * s->max_abs);
}

static void print_coverage(const EvalCell *c) {
    if (c->n_intervals > 0) printf(" | %5.1f", 100 * evalcell_coverage(c));
}

static void print_group(const EvalNetGroup *g) {
    printf("\n%s (%zu): errors in %%: mean magnitude, signed mean, median, p90 and largest "
           "magnitude; networks with the truth in the "
           "95 %% interval\n",
           g->label, g->n);
    for (int i = 0; i < RESULT_N_DISTS; i++) { /* all sizes, then from the largest down */
        int row = (RESULT_N_DISTS - i) % RESULT_N_DISTS;
        for (int k = 0; k < EVAL_N_PCT; k++) {
            EvalCell c = evalgroup_cell(g, row, k);
            if (c.m3.n == 0) continue;
            printf("%-10s p%d", evaluate_row_label(row), eval_percentiles[k]);
            print_summary("m3", &c.m3);
            print_summary("| flowSim", &c.flowsim);
            print_coverage(&c);
            printf("\n");
        }
    }
}

static void print_kind(const EvalNetGroup *g) {
    printf("  %-14.14s %4zu", g->label, g->n);
    for (int k = 0; k < EVAL_N_PCT; k++) {
        EvalCell c = evalgroup_cell(g, RESULT_ALL, k);
        printf(" | %5.1f %+6.1f %6.1f %8.1f", 100 * c.m3.mean_abs, 100 * c.m3.mean_signed,
               100 * c.m3.max_abs, 100 * c.flowsim.mean_abs);
        if (c.n_intervals > 0) printf(" %6.1f", 100 * evalcell_coverage(&c));
    }
    printf("\n");
}

/* A kind that no network tells of is left out. */
static bool is_known(const EvalNetGroup *kinds, size_t n, EvalBy by) {
    return n > 1 || by == EVAL_BY_CC ||
           (n == 1 && kinds[0].net[0]->traits.label[by - EVAL_BY_TRAIT][0]);
}

static void print_kinds(const EvalNetGroup *g) {
    printf("\nAll sizes by kind of network, %s: mean |m3|, signed mean, largest; mean |flowSim|; "
           "coverage, all in %%\n",
           g->label);
    printf("  %-14s %4s", "", "n");
    for (int k = 0; k < EVAL_N_PCT; k++)
        printf(" | p%d: m3               flowSim  cover", eval_percentiles[k]);
    printf("\n");
    for (int by = 0; by < EVAL_N_BY; by++) {
        EvalNetGroup *kinds;
        size_t n = evalgroup_split(g, (EvalBy)by, &kinds);
        if (is_known(kinds, n, (EvalBy)by)) {
            printf("%s\n", evalby_names[by]);
            for (size_t i = 0; i < n; i++) print_kind(&kinds[i]);
        }
        evalgroups_free(kinds, n);
    }
}

static void print_worst(const EvalNetGroup *g) {
    const EvalNet *worst[N_WORST];
    size_t n = evalgroup_worst(g, worst, N_WORST);
    printf("\nWorst at p99\n");
    print_net_rows(worst, n);
}

void evaluate_print_nets(const EvalNet *nets, size_t n, const EvalMeta *m) {
    EvalNetGroup all = evalgroup_all(nets, n), intact = evalgroup_intact(nets, n);
    printf("%s on %s: %zu networks, errors est/truth - 1\n\n", m->ckpt, m->source, n);
    print_net_rows(all.net, all.n);
    print_worst(&all);
    print_group(&all);
    if (intact.n < n) print_group(&intact);
    print_kinds(intact.n < n ? &intact : &all);
    evalgroup_free(&all);
    evalgroup_free(&intact);
}

/* ---- JSON ---- */

static void put_text(JsonOut *j, const char *key, const char *s) {
    json_put_string(j, key, s && s[0] ? s : NULL);
}

static void json_quantiles(JsonOut *j, const EvalNet *e, int row) {
    for (int k = 0; k < EVAL_N_PCT; k++) {
        const EvalQuantile *q = &e->q[row][k];
        json_put_object(j, result_quantile_keys[k]);
        json_put_number(j, "truth", q->truth);
        json_put_number(j, "m3", q->m3);
        if (e->has_intervals)
            json_put_number(j, "m3_lo", e->interval[row][k].lo),
                json_put_number(j, "m3_hi", e->interval[row][k].hi);
        json_put_number(j, "flowsim", q->flowsim);
        json_out_end(j, '}');
    }
}

static void json_net(JsonOut *j, const EvalNet *e) {
    static const char *const keys[NET_N_TRAITS] = {"load", "oversubscription", "sizes",
                                                   "host_rate"};
    json_out_object(j);
    put_text(j, "name", e->name);
    put_text(j, "cc", netconf_cc_name(e->cc));
    for (int t = 0; t < NET_N_TRAITS; t++) put_text(j, keys[t], e->traits.label[t]);
    json_put_number(j, "lost_share", e->traits.lost_share);
    json_put_bool(j, "collapsed", nettraits_collapsed(&e->traits));
    json_put_count(j, "n_flows", e->n_flows);
    json_put_count(j, "n_finished", e->n_finished);
    json_put_count(j, "n_paths", e->n_paths);
    json_put_array(j, "buckets");
    for (int i = 0; i < RESULT_N_DISTS; i++) {
        int row = result_table_dist(i);
        json_out_object(j);
        put_text(j, "label", evaluate_row_label(row));
        json_quantiles(j, e, row);
        json_out_end(j, '}');
    }
    json_out_end(j, ']');
    json_out_end(j, '}');
}

static void json_summary(JsonOut *j, const char *key, const EvalSummary *s) {
    json_put_object(j, key);
    json_put_count(j, "n", s->n);
    json_put_number(j, "mean_abs", s->mean_abs);
    json_put_number(j, "mean_signed", s->mean_signed);
    json_put_number(j, "median_abs", s->median_abs);
    json_put_number(j, "p90_abs", s->p90_abs);
    json_put_number(j, "max_abs", s->max_abs);
    json_out_end(j, '}');
}

static void json_cells(JsonOut *j, const char *key, const EvalNetGroup *g) {
    json_put_array(j, key);
    for (int i = 0; i < RESULT_N_DISTS; i++) {
        int row = result_table_dist(i);
        for (int k = 0; k < EVAL_N_PCT; k++) {
            EvalCell c = evalgroup_cell(g, row, k);
            json_out_object(j);
            put_text(j, "label", evaluate_row_label(row));
            json_put_count(j, "percentile", (size_t)eval_percentiles[k]);
            json_summary(j, "m3", &c.m3);
            json_summary(j, "flowsim", &c.flowsim);
            json_put_number(j, "coverage", evalcell_coverage(&c));
            json_out_end(j, '}');
        }
    }
    json_out_end(j, ']');
}

static void json_kinds(JsonOut *j, const EvalNetGroup *g) {
    json_put_array(j, "by_kind");
    for (int by = 0; by < EVAL_N_BY; by++) {
        EvalNetGroup *kinds;
        size_t n = evalgroup_split(g, (EvalBy)by, &kinds);
        for (size_t i = 0; i < n && is_known(kinds, n, (EvalBy)by); i++) {
            json_out_object(j);
            put_text(j, "by", evalby_names[by]);
            put_text(j, "label", kinds[i].label);
            json_put_count(j, "n_networks", kinds[i].n);
            json_cells(j, "summary", &kinds[i]);
            json_out_end(j, '}');
        }
        evalgroups_free(kinds, n);
    }
    json_out_end(j, ']');
}

static void json_worst(JsonOut *j, const EvalNetGroup *g) {
    const EvalNet *worst[N_WORST];
    size_t n = evalgroup_worst(g, worst, N_WORST);
    json_put_array_compact(j, "worst");
    for (size_t i = 0; i < n; i++) json_out_string(j, worst[i]->name);
    json_out_end(j, ']');
}

void evaluate_print_nets_json(const EvalNet *nets, size_t n, const EvalMeta *m) {
    EvalNetGroup all = evalgroup_all(nets, n), intact = evalgroup_intact(nets, n);
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    put_text(&j, "schema", "m3.evaluate-networks/1");
    put_text(&j, "checkpoint_sha256", m->ckpt_sha256);
    json_put_count(&j, "n_networks", n);
    json_put_count(&j, "n_collapsed", n - intact.n);
    json_put_array(&j, "networks");
    for (size_t i = 0; i < n; i++) json_net(&j, &nets[i]);
    json_out_end(&j, ']');
    json_worst(&j, &all);
    json_cells(&j, "summary", &all);
    json_cells(&j, "summary_without_collapsed", &intact);
    json_kinds(&j, &intact);
    json_out_end(&j, '}');
    json_out_finish(&j);
    evalgroup_free(&all);
    evalgroup_free(&intact);
}
