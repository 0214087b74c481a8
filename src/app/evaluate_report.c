/* evaluate_report: evaluations as tables and JSON.
 *
 * Tables show errors in percent, mean magnitude and signed mean side by side; JSON holds plain fractions. */
#include "app/evaluate_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

/* ---- data sets ---- */

static const char *row_label(int row) { return row == EVAL_ALL_BUCKETS ? "all sizes" : stats_out_label(row); }

static void print_cell(const EvalError *m3, const EvalError *flowsim) {
    if (m3->n == 0) {
        printf("  %22s", "-");
        return;
    }
    printf("  %5.1f %+5.1f %5.1f %+5.1f", 100 * evalerror_mean_abs(m3), 100 * evalerror_mean_signed(m3), 100 * evalerror_mean_abs(flowsim),
           100 * evalerror_mean_signed(flowsim));
}

static void print_group(const EvalGroup *g) {
    if (g->n_samples == 0) return;
    printf("\n%s: %zu paths; mean error over all percentiles: m3 %.1f %%, flowSim %.1f %%\n", g->label, g->n_samples,
           100 * evalerror_mean_abs(&g->m3.loss), 100 * evalerror_mean_abs(&g->flowsim.loss));
    printf("%-10s", "");
    for (int k = 0; k < EVAL_N_PCT; k++) printf("  p%d: %-17s", eval_percentiles[k], "m3      flowSim");
    printf("\n");
    for (int row = 0; row <= EVAL_ALL_BUCKETS; row++) {
        printf("%-10s", row_label(row));
        for (int k = 0; k < EVAL_N_PCT; k++) print_cell(&g->m3.cell[row][k], &g->flowsim.cell[row][k]);
        printf("\n");
    }
}

void evaluate_print_table(const Evaluation *e, const EvalMeta *m) {
    printf("%s on %s: %s, %zu of %zu paths\n", m->ckpt, m->source, m->all ? "all" : "held out", m->n_chosen, m->n_existing);
    printf("Errors est/truth - 1 in %%: mean magnitude, then signed mean, of m3 and of flowSim alone.\n");
    for (int g = 0; g < EVAL_N_GROUPS; g++) print_group(&e->group[g]);
}

static void json_error(JsonOut *j, const char *key, const EvalError *e) {
    json_out_key(j, key);
    json_out_object(j);
    json_out_key(j, "n"), json_out_int(j, (int64_t)e->n);
    json_out_key(j, "mean_abs"), json_out_number(j, evalerror_mean_abs(e));
    json_out_key(j, "mean_signed"), json_out_number(j, evalerror_mean_signed(e));
    json_out_end(j, '}');
}

static void json_table(JsonOut *j, const char *key, const EvalTable *t) {
    json_out_key(j, key);
    json_out_object(j);
    json_error(j, "all_percentiles", &t->loss);
    json_out_key(j, "buckets");
    json_out_array(j);
    for (int row = 0; row <= EVAL_ALL_BUCKETS; row++) {
        json_out_object(j);
        json_out_key(j, "label"), json_out_string(j, row_label(row));
        for (int k = 0; k < EVAL_N_PCT; k++) {
            char name[8];
            snprintf(name, sizeof name, "p%d", eval_percentiles[k]);
            json_error(j, name, &t->cell[row][k]);
        }
        json_out_end(j, '}');
    }
    json_out_end(j, ']');
    json_out_end(j, '}');
}

void evaluate_print_json(const Evaluation *e, const EvalMeta *m) {
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    json_out_key(&j, "schema"), json_out_string(&j, "m3.evaluate/1");
    json_out_key(&j, "checkpoint_sha256"), json_out_string(&j, m->ckpt_sha256);
    json_out_key(&j, "dataset_sha256"), json_out_string(&j, m->dataset_sha256);
    json_out_key(&j, "split"), json_out_string(&j, m->all ? "all" : "held-out");
    json_out_key(&j, "holdout"), json_out_number(&j, m->split.share);
    json_out_key(&j, "fold"), json_out_int(&j, m->split.fold);
    json_out_key(&j, "groups");
    json_out_array(&j);
    for (int g = 0; g < EVAL_N_GROUPS; g++) {
        if (e->group[g].n_samples == 0) continue;
        json_out_object(&j);
        json_out_key(&j, "label"), json_out_string(&j, e->group[g].label);
        json_out_key(&j, "n_paths"), json_out_int(&j, (int64_t)e->group[g].n_samples);
        json_table(&j, "m3", &e->group[g].m3);
        json_table(&j, "flowsim", &e->group[g].flowsim);
        json_out_end(&j, '}');
    }
    json_out_end(&j, ']');
    json_out_end(&j, '}');
    json_out_finish(&j);
}

/* ---- networks ---- */

static double error_of(double estimate, double truth) { return estimate / truth - 1; }

static void print_net_rows(const EvalNet *nets, size_t n) {
    printf("%-10s %-6s %7s %6s", "network", "cc", "flows", "paths");
    for (int k = 0; k < EVAL_N_PCT; k++) printf("  p%d: %-5s %7s %7s", eval_percentiles[k], "truth", "m3", "flowSim");
    printf("\n");
    for (size_t i = 0; i < n; i++) {
        const EvalNet *e = &nets[i];
        printf("%-10.10s %-6s %7zu %6zu", e->name, cc_name(e->cc), e->n_flows, e->n_paths);
        for (int k = 0; k < EVAL_N_PCT; k++) {
            const EvalQuantile *q = &e->q[EVAL_ALL_BUCKETS][k];
            printf("  %10.3f %+6.1f%% %+6.1f%%", q->truth, 100 * error_of(q->m3, q->truth), 100 * error_of(q->flowsim, q->truth));
        }
        printf("\n");
    }
}

/* Over the networks that have flows in the bucket. */
static void summarize(const EvalNet *nets, size_t n, int bucket, int k, EvalSummary *m3, EvalSummary *flowsim) {
    double *a = MEM_NEW(double, n), *b = MEM_NEW(double, n);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const EvalQuantile *q = &nets[i].q[bucket][k];
        if (!isfinite(q->truth) || !isfinite(q->m3) || !isfinite(q->flowsim)) continue;
        a[count] = error_of(q->m3, q->truth);
        b[count++] = error_of(q->flowsim, q->truth);
    }
    *m3 = evalsummary_of(a, count);
    *flowsim = evalsummary_of(b, count);
    free(a);
    free(b);
}

static void print_summary(const char *method, const EvalSummary *s) {
    printf(" %9s %6.1f %+7.1f %7.1f %6.1f %6.1f", method, 100 * s->mean_abs, 100 * s->mean_signed, 100 * s->median_abs, 100 * s->p90_abs,
           100 * s->max_abs);
}

void evaluate_print_nets(const EvalNet *nets, size_t n, const EvalMeta *m) {
    printf("%s on %s: %zu networks, errors est/truth - 1\n\n", m->ckpt, m->source, n);
    print_net_rows(nets, n);
    printf("\nErrors over the networks in %%: mean magnitude, signed mean, median, p90 and largest magnitude.\n");
    for (int row = EVAL_ALL_BUCKETS; row >= 0; row--) {
        for (int k = 0; k < EVAL_N_PCT; k++) {
            EvalSummary m3, flowsim;
            summarize(nets, n, row, k, &m3, &flowsim);
            if (m3.n == 0) continue;
            printf("%-10s p%d", row_label(row), eval_percentiles[k]);
            print_summary("m3", &m3);
            print_summary("| flowSim", &flowsim);
            printf("\n");
        }
    }
}

static void json_quantiles(JsonOut *j, const EvalQuantile *q) {
    for (int k = 0; k < EVAL_N_PCT; k++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", eval_percentiles[k]);
        json_out_key(j, name);
        json_out_object(j);
        json_out_key(j, "truth"), json_out_number(j, q[k].truth);
        json_out_key(j, "m3"), json_out_number(j, q[k].m3);
        json_out_key(j, "flowsim"), json_out_number(j, q[k].flowsim);
        json_out_end(j, '}');
    }
}

static void json_net(JsonOut *j, const EvalNet *e) {
    json_out_object(j);
    json_out_key(j, "name"), json_out_string(j, e->name);
    json_out_key(j, "cc"), json_out_string(j, cc_name(e->cc));
    json_out_key(j, "n_flows"), json_out_int(j, (int64_t)e->n_flows);
    json_out_key(j, "n_finished"), json_out_int(j, (int64_t)e->n_finished);
    json_out_key(j, "n_paths"), json_out_int(j, (int64_t)e->n_paths);
    json_out_key(j, "buckets");
    json_out_array(j);
    for (int row = 0; row <= EVAL_ALL_BUCKETS; row++) {
        json_out_object(j);
        json_out_key(j, "label"), json_out_string(j, row_label(row));
        json_quantiles(j, e->q[row]);
        json_out_end(j, '}');
    }
    json_out_end(j, ']');
    json_out_end(j, '}');
}

static void json_summary(JsonOut *j, const char *key, const EvalSummary *s) {
    json_out_key(j, key);
    json_out_object(j);
    json_out_key(j, "n"), json_out_int(j, (int64_t)s->n);
    json_out_key(j, "mean_abs"), json_out_number(j, s->mean_abs);
    json_out_key(j, "mean_signed"), json_out_number(j, s->mean_signed);
    json_out_key(j, "median_abs"), json_out_number(j, s->median_abs);
    json_out_key(j, "p90_abs"), json_out_number(j, s->p90_abs);
    json_out_key(j, "max_abs"), json_out_number(j, s->max_abs);
    json_out_end(j, '}');
}

static void json_summaries(JsonOut *j, const EvalNet *nets, size_t n) {
    json_out_key(j, "summary");
    json_out_array(j);
    for (int row = 0; row <= EVAL_ALL_BUCKETS; row++) {
        for (int k = 0; k < EVAL_N_PCT; k++) {
            EvalSummary m3, flowsim;
            summarize(nets, n, row, k, &m3, &flowsim);
            json_out_object(j);
            json_out_key(j, "label"), json_out_string(j, row_label(row));
            json_out_key(j, "percentile"), json_out_int(j, eval_percentiles[k]);
            json_summary(j, "m3", &m3);
            json_summary(j, "flowsim", &flowsim);
            json_out_end(j, '}');
        }
    }
    json_out_end(j, ']');
}

void evaluate_print_nets_json(const EvalNet *nets, size_t n, const EvalMeta *m) {
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    json_out_key(&j, "schema"), json_out_string(&j, "m3.evaluate-networks/1");
    json_out_key(&j, "checkpoint_sha256"), json_out_string(&j, m->ckpt_sha256);
    json_out_key(&j, "networks");
    json_out_array(&j);
    for (size_t i = 0; i < n; i++) json_net(&j, &nets[i]);
    json_out_end(&j, ']');
    json_summaries(&j, nets, n);
    json_out_end(&j, '}');
    json_out_finish(&j);
}
