/* evaluate_report: evaluations on paths of a data set as tables and JSON.
 *
 * Tables show errors in percent, mean magnitude and signed mean side by side; JSON holds plain
 * fractions. Both list the size buckets first and all sizes last. */
#include "evaluate/evaluate_report.h"

#include <stdio.h>

const char *evaluate_report_label(int dist) {
    return dist == RESULT_ALL ? "all sizes" : result_label(dist);
}

static void print_cell(const EvaluateError *m3, const EvaluateError *flowsim) {
    if (m3->n == 0) {
        printf("  %22s", "-");
        return;
    }
    printf("  %5.1f %+5.1f %5.1f %+5.1f", 100 * evaluate_error_mean_abs(m3),
           100 * evaluate_error_mean_signed(m3), 100 * evaluate_error_mean_abs(flowsim),
           100 * evaluate_error_mean_signed(flowsim));
}

void evaluate_report_table(const EvaluatePaths *e, const EvaluateMeta *m) {
    printf("%s on %s: %s, %zu of %zu paths\n", m->ckpt, m->source, m->all ? "all" : "held out",
           m->n_chosen, m->n_existing);
    printf("Errors est/truth - 1 in %%: mean magnitude, then signed mean, of m3 and of flowSim "
           "alone.\n");
    for (int i = 0; i < EVALUATE_N_CONTROLS; i++) {
        const EvaluateControl *c = &e->control[i];
        if (c->n_samples == 0) continue;
        printf("\n%s: %zu paths; mean error over all percentiles: m3 %.1f %%, flowSim %.1f %%\n",
               c->label, c->n_samples, 100 * evaluate_error_mean_abs(&c->m3.loss),
               100 * evaluate_error_mean_abs(&c->flowsim.loss));
        printf("%-10s", "");
        for (int k = 0; k < EVALUATE_N_SHOWN; k++)
            printf("  p%d: %-17s", evaluate_percentiles[k], "m3      flowSim");
        printf("\n");
        for (int row = 0; row < RESULT_N_DISTS; row++) {
            int dist = result_table_dist(row);
            printf("%-10s", evaluate_report_label(dist));
            for (int k = 0; k < EVALUATE_N_SHOWN; k++)
                print_cell(&c->m3.cell[dist][k], &c->flowsim.cell[dist][k]);
            printf("\n");
        }
    }
}

/* ---- JSON ---- */

void evaluate_report_begin(JsonOut *j, const char *schema, const EvaluateMeta *m) {
    json_out_init(j, stdout);
    json_out_object(j);
    json_put_string(j, "schema", schema);
    json_put_string(j, "checkpoint_sha256", m->ckpt_sha256);
}

void evaluate_report_end(JsonOut *j) {
    json_out_end(j, '}');
    json_out_finish(j);
}

static void put_error(JsonOut *j, const char *key, const EvaluateError *e) {
    json_put_object(j, key);
    json_put_count(j, "n", e->n);
    json_put_number(j, "mean_abs", evaluate_error_mean_abs(e));
    json_put_number(j, "mean_signed", evaluate_error_mean_signed(e));
    json_out_end(j, '}');
}

static void put_table(JsonOut *j, const char *key, const EvaluateTable *t) {
    json_put_object(j, key);
    put_error(j, "all_percentiles", &t->loss);
    json_put_array(j, "buckets");
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        int dist = result_table_dist(row);
        json_out_object(j);
        json_put_string(j, "label", evaluate_report_label(dist));
        for (int k = 0; k < EVALUATE_N_SHOWN; k++)
            put_error(j, result_quantile_keys[k], &t->cell[dist][k]);
        json_out_end(j, '}');
    }
    json_out_end(j, ']');
    json_out_end(j, '}');
}

void evaluate_report_json(const EvaluatePaths *e, const EvaluateMeta *m) {
    JsonOut j;
    evaluate_report_begin(&j, "m3.evaluate/1", m);
    json_put_string(&j, "dataset_sha256", m->dataset_sha256);
    json_put_string(&j, "split", m->all ? "all" : "held-out");
    json_put_number(&j, "holdout", m->split.share);
    json_put_int(&j, "fold", m->split.fold);
    json_put_array(&j, "groups");
    for (int i = 0; i < EVALUATE_N_CONTROLS; i++) {
        if (e->control[i].n_samples == 0) continue;
        json_out_object(&j);
        json_put_string(&j, "label", e->control[i].label);
        json_put_count(&j, "n_paths", e->control[i].n_samples);
        put_table(&j, "m3", &e->control[i].m3);
        put_table(&j, "flowsim", &e->control[i].flowsim);
        json_out_end(&j, '}');
    }
    json_out_end(&j, ']');
    evaluate_report_end(&j);
}
