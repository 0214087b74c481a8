/* evaluate_nets_report: evaluations of whole networks as tables and JSON.
 *
 * First every network, then all of them by size bucket, then by kind of network over all sizes.
 * Where packet simulation shows networks in congestion collapse, whose slowdowns depend on single
 * losses, the errors by size bucket are given with and without them, and those by kind without.
 * Tables show errors in percent; JSON holds plain fractions. */
#include "evaluate/evaluate_nets_report.h"

#include <stdio.h>

#include "base/units.h"
#include "evaluate/evaluate_group.h"

enum { N_WORST = 5 }; /* networks listed as the worst: as many as one reads */

/* ---- tables ---- */

static void print_networks(const EvaluateNet *const *nets, size_t n) {
    printf("%-10s %-6s %7s %6s", "network", "cc", "flows", "paths");
    for (int k = 0; k < EVALUATE_N_SHOWN; k++)
        printf("  p%d: %-5s %7s %7s", evaluate_percentiles[k], "truth", "m3", "flowSim");
    printf("\n");
    for (size_t i = 0; i < n; i++) {
        const EvaluateNet *e = nets[i];
        printf("%-10.10s %-6s %7zu %6zu", e->name, netconf_cc_name(e->cc), e->n_flows, e->n_paths);
        for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
            const EvaluateQuantile *q = &e->q[RESULT_ALL][k];
            printf("  %10.3f %+6.1f%% %+6.1f%%", q->truth, 100 * evaluate_error_of(q->m3, q->truth),
                   100 * evaluate_error_of(q->flowsim, q->truth));
        }
        printf("%s\n", nettraits_collapsed(&e->traits) ? "  collapsed" : "");
    }
}

static void print_summary(const char *method, const EvaluateSummary *s) {
    printf(" %9s %6.1f %+7.1f %7.1f %6.1f %6.1f", method, 100 * s->mean_abs, 100 * s->mean_signed,
           100 * s->median_abs, 100 * s->p90_abs, 100 * s->max_abs);
}

static void print_group(const EvaluateGroup *g) {
    printf("\n%s (%zu): errors in %%: mean magnitude, signed mean, median, p90 and largest "
           "magnitude; networks with the truth in the "
           "95 %% interval\n",
           g->label, g->n);
    for (int i = 0; i < RESULT_N_DISTS; i++) { /* all sizes, then from the largest down */
        int dist = i == 0 ? RESULT_ALL : result_of_bucket(SIZEBUCKET_N - i);
        for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
            EvaluateCell c = evaluate_group_cell(g, dist, k);
            if (c.m3.n == 0) continue;
            printf("%-10s p%d", evaluate_report_label(dist), evaluate_percentiles[k]);
            print_summary("m3", &c.m3);
            print_summary("| flowSim", &c.flowsim);
            if (c.n_intervals > 0) printf(" | %5.1f", 100 * evaluate_group_coverage(&c));
            printf("\n");
        }
    }
}

/* One row: the estimate, and what it was made of where packet windows took part. */
static void print_stratum_row(const EvaluateGroup *g, int dist, int k) {
    EvaluateCell c = evaluate_group_cell(g, dist, k);
    if (c.m3.n == 0) return;
    printf("%-10s p%d", evaluate_report_label(dist), evaluate_percentiles[k]);
    print_summary("m3", &c.m3);
    if (c.model.n > 0) print_summary("| model", &c.model);
    if (c.sampled.n > 0) print_summary("| windows", &c.sampled);
    if (c.n_intervals > 0) printf(" | %5.1f", 100 * evaluate_group_coverage(&c));
    printf("\n");
}

static void print_strata(const EvaluateNet *nets, size_t n) {
    for (int s = 0; s < EVALUATE_N_STRATA; s++) {
        EvaluateGroup g = evaluate_group_stratum(nets, n, (EvaluateStratum)s);
        if (g.n > 0)
            printf("\n%s (%zu): errors in %%: mean magnitude, signed mean, median, p90, largest; "
                   "coverage\n",
                   g.label, g.n);
        for (int k = 0; g.n > 0 && k < EVALUATE_N_SHOWN; k++) print_stratum_row(&g, RESULT_ALL, k);
        for (int b = 0; g.n > 0 && b < SIZEBUCKET_N; b++)
            print_stratum_row(&g, result_of_bucket(b), RESULT_P99);
        evaluate_group_free(&g);
    }
}

/* What packet windows cost. */
static void print_cost(const EvaluateNet *nets, size_t n) {
    double share = 0, most = 0, wall_s = 0;
    size_t checked = 0;
    for (size_t i = 0; i < n; i++) {
        if (!nets[i].checked) continue;
        checked++;
        share += nets[i].hops_share;
        most = nets[i].hops_share > most ? nets[i].hops_share : most;
        wall_s += nets[i].wall_s;
    }
    if (checked > 0)
        printf("\nPacket windows in %zu networks: %.1f %% of the run's packet-hops in the mean, "
               "%.1f %% at most; %.2f s an estimate\n",
               checked, 100 * share / (double)checked, 100 * most, wall_s / (double)checked);
}

static void print_kind(const EvaluateGroup *g) {
    printf("  %-14.14s %4zu", g->label, g->n);
    for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
        EvaluateCell c = evaluate_group_cell(g, RESULT_ALL, k);
        printf(" | %5.1f %+6.1f %6.1f %8.1f", 100 * c.m3.mean_abs, 100 * c.m3.mean_signed,
               100 * c.m3.max_abs, 100 * c.flowsim.mean_abs);
        if (c.n_intervals > 0) printf(" %6.1f", 100 * evaluate_group_coverage(&c));
    }
    printf("\n");
}

static void print_kinds(const EvaluateGroup *g) {
    printf("\nAll sizes by kind of network, %s: mean |m3|, signed mean, largest; mean |flowSim|; "
           "coverage, all in %%\n",
           g->label);
    printf("  %-14s %4s", "", "n");
    for (int k = 0; k < EVALUATE_N_SHOWN; k++)
        printf(" | p%d: m3               flowSim  cover", evaluate_percentiles[k]);
    printf("\n");
    for (int by = 0; by < EVALUATE_N_BY; by++) {
        EvaluateGroup *kinds;
        size_t n = evaluate_group_split(g, (EvaluateBy)by, &kinds);
        if (evaluate_group_is_known(kinds, n, (EvaluateBy)by)) {
            printf("%s\n", evaluate_by_names[by]);
            for (size_t i = 0; i < n; i++) print_kind(&kinds[i]);
        }
        evaluate_group_free_all(kinds, n);
    }
}

void evaluate_nets_report_table(const EvaluateNet *nets, size_t n, const EvaluateMeta *m) {
    EvaluateGroup all = evaluate_group_all(nets, n), intact = evaluate_group_intact(nets, n);
    const EvaluateNet *worst[N_WORST];
    size_t n_worst = evaluate_group_worst(&all, worst, N_WORST);
    printf("%s on %s: %zu networks, errors est/truth - 1\n\n", m->ckpt, m->source, n);
    print_networks(all.net, all.n);
    printf("\nWorst at p99\n");
    print_networks(worst, n_worst);
    print_group(&all);
    if (intact.n < n) print_group(&intact);
    print_strata(nets, n);
    print_cost(nets, n);
    print_kinds(intact.n < n ? &intact : &all);
    size_t n_flows = 0, n_finished = 0;
    for (size_t i = 0; i < n; i++) {
        n_flows += nets[i].n_flows;
        n_finished += nets[i].n_finished;
    }
    if (n_finished < n_flows)
        printf("\n%s of %s flows did not finish; the truth's percentiles cover the others\n",
               units_count(n_flows - n_finished).s, units_count(n_flows).s);
    evaluate_group_free(&all);
    evaluate_group_free(&intact);
}

/* ---- JSON ---- */

/* Null if there is no text. */
static void put_text(JsonOut *j, const char *key, const char *s) {
    json_put_string(j, key, s && s[0] ? s : NULL);
}

static void put_quantiles(JsonOut *j, const EvaluateNet *e, int dist) {
    for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
        const EvaluateQuantile *q = &e->q[dist][k];
        json_put_object(j, result_quantile_keys[k]);
        json_put_number(j, "truth", q->truth);
        json_put_number(j, "m3", q->m3);
        if (e->has_intervals) {
            json_put_number(j, "m3_lo", q->lo);
            json_put_number(j, "m3_hi", q->hi);
        }
        json_put_number(j, "flowsim", q->flowsim);
        if (e->checked) {
            json_put_number(j, "model", q->model);
            json_put_number(j, "sampled", q->sampled);
        }
        json_out_end(j, '}');
    }
}

static void put_network(JsonOut *j, const EvaluateNet *e) {
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
    json_put_number(j, "max_link_load", e->max_load);
    json_put_number(j, "hops_share", e->hops_share);
    json_put_array(j, "buckets");
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        int dist = result_table_dist(row);
        json_out_object(j);
        put_text(j, "label", evaluate_report_label(dist));
        put_quantiles(j, e, dist);
        json_out_end(j, '}');
    }
    json_out_end(j, ']');
    json_out_end(j, '}');
}

static void put_summary(JsonOut *j, const char *key, const EvaluateSummary *s) {
    json_put_object(j, key);
    json_put_count(j, "n", s->n);
    json_put_number(j, "mean_abs", s->mean_abs);
    json_put_number(j, "mean_signed", s->mean_signed);
    json_put_number(j, "median_abs", s->median_abs);
    json_put_number(j, "p90_abs", s->p90_abs);
    json_put_number(j, "max_abs", s->max_abs);
    json_out_end(j, '}');
}

static void put_cells(JsonOut *j, const char *key, const EvaluateGroup *g) {
    json_put_array(j, key);
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        int dist = result_table_dist(row);
        for (int k = 0; k < EVALUATE_N_SHOWN; k++) {
            EvaluateCell c = evaluate_group_cell(g, dist, k);
            json_out_object(j);
            put_text(j, "label", evaluate_report_label(dist));
            json_put_int(j, "percentile", evaluate_percentiles[k]);
            put_summary(j, "m3", &c.m3);
            put_summary(j, "flowsim", &c.flowsim);
            if (c.model.n > 0) put_summary(j, "model", &c.model);
            if (c.sampled.n > 0) put_summary(j, "sampled", &c.sampled);
            json_put_number(j, "coverage", evaluate_group_coverage(&c));
            json_out_end(j, '}');
        }
    }
    json_out_end(j, ']');
}

static void put_kinds(JsonOut *j, const EvaluateGroup *g) {
    json_put_array(j, "by_kind");
    for (int by = 0; by < EVALUATE_N_BY; by++) {
        EvaluateGroup *kinds;
        size_t n = evaluate_group_split(g, (EvaluateBy)by, &kinds);
        bool known = evaluate_group_is_known(kinds, n, (EvaluateBy)by);
        for (size_t i = 0; known && i < n; i++) {
            json_out_object(j);
            put_text(j, "by", evaluate_by_names[by]);
            put_text(j, "label", kinds[i].label);
            json_put_count(j, "n_networks", kinds[i].n);
            put_cells(j, "summary", &kinds[i]);
            json_out_end(j, '}');
        }
        evaluate_group_free_all(kinds, n);
    }
    json_out_end(j, ']');
}

void evaluate_nets_report_json(const EvaluateNet *nets, size_t n, const EvaluateMeta *m) {
    EvaluateGroup all = evaluate_group_all(nets, n), intact = evaluate_group_intact(nets, n);
    const EvaluateNet *worst[N_WORST];
    size_t n_worst = evaluate_group_worst(&all, worst, N_WORST);
    JsonOut j;
    evaluate_report_begin(&j, "m3.evaluate-networks/1", m);
    json_put_count(&j, "n_networks", n);
    json_put_count(&j, "n_collapsed", n - intact.n);
    json_put_array(&j, "networks");
    for (size_t i = 0; i < n; i++) put_network(&j, &nets[i]);
    json_out_end(&j, ']');
    json_put_array_compact(&j, "worst");
    for (size_t i = 0; i < n_worst; i++) json_out_string(&j, worst[i]->name);
    json_out_end(&j, ']');
    put_cells(&j, "summary", &all);
    put_cells(&j, "summary_without_collapsed", &intact);
    for (int s = 0; s < EVALUATE_N_STRATA; s++) {
        static const char *const keys[] = {"summary_low_load", "summary_high_load", "summary_loss"};
        EvaluateGroup g = evaluate_group_stratum(nets, n, (EvaluateStratum)s);
        put_cells(&j, keys[s], &g);
        evaluate_group_free(&g);
    }
    put_kinds(&j, &intact);
    evaluate_report_end(&j);
    evaluate_group_free(&all);
    evaluate_group_free(&intact);
}
