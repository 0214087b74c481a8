/* evaluate_report: evaluations on paths of a data set as tables and JSON.
 *
 * Tables show errors in percent, mean magnitude and signed mean side by side; JSON holds plain
 * fractions. */
#include "evaluate/evaluate_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "traffic/sizebucket.h"

const char *evaluate_row_label(int row) {
    return row == RESULT_ALL ? "all sizes" : result_label(row);
}

static void print_cell(const EvalError *m3, const EvalError *flowsim) {
    if (m3->n == 0) {
        printf("  %22s", "-");
        return;
    }
    printf("  %5.1f %+5.1f %5.1f %+5.1f", 100 * evalerror_mean_abs(m3),
           100 * evalerror_mean_signed(m3), 100 * evalerror_mean_abs(flowsim),
           100 * evalerror_mean_signed(flowsim));
}

static void print_group(const EvalGroup *g) {
    if (g->n_samples == 0) return;
    printf("\n%s: %zu paths; mean error over all percentiles: m3 %.1f %%, flowSim %.1f %%\n",
           g->label, g->n_samples, 100 * evalerror_mean_abs(&g->m3.loss),
           100 * evalerror_mean_abs(&g->flowsim.loss));
    printf("%-10s", "");
    for (int k = 0; k < EVAL_N_PCT; k++)
        printf("  p%d: %-17s", eval_percentiles[k], "m3      flowSim");
    printf("\n");
    for (int i = 0; i < RESULT_N_DISTS; i++) {
        int row = result_table_dist(i);
        printf("%-10s", evaluate_row_label(row));
        for (int k = 0; k < EVAL_N_PCT; k++)
            print_cell(&g->m3.cell[row][k], &g->flowsim.cell[row][k]);
        printf("\n");
    }
}

void evaluate_print_table(const Evaluation *e, const EvalMeta *m) {
    printf("%s on %s: %s, %zu of %zu paths\n", m->ckpt, m->source, m->all ? "all" : "held out",
           m->n_chosen, m->n_existing);
    printf("Errors est/truth - 1 in %%: mean magnitude, then signed mean, of m3 and of flowSim "
           "alone.\n");
    for (int g = 0; g < EVAL_N_GROUPS; g++) print_group(&e->group[g]);
}

static void json_error(JsonOut *j, const char *key, const EvalError *e) {
    json_put_object(j, key);
    json_put_count(j, "n", e->n);
    json_put_number(j, "mean_abs", evalerror_mean_abs(e));
    json_put_number(j, "mean_signed", evalerror_mean_signed(e));
    json_out_end(j, '}');
}

static void json_table(JsonOut *j, const char *key, const EvalTable *t) {
    json_put_object(j, key);
    json_error(j, "all_percentiles", &t->loss);
    json_put_array(j, "buckets");
    for (int i = 0; i < RESULT_N_DISTS; i++) {
        int row = result_table_dist(i);
        json_out_object(j);
        json_put_string(j, "label", evaluate_row_label(row));
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
    json_put_string(&j, "schema", "m3.evaluate/1");
    json_put_string(&j, "checkpoint_sha256", m->ckpt_sha256);
    json_put_string(&j, "dataset_sha256", m->dataset_sha256);
    json_put_string(&j, "split", m->all ? "all" : "held-out");
    json_put_number(&j, "holdout", m->split.share);
    json_put_int(&j, "fold", m->split.fold);
    json_put_array(&j, "groups");
    for (int g = 0; g < EVAL_N_GROUPS; g++) {
        if (e->group[g].n_samples == 0) continue;
        json_out_object(&j);
        json_put_string(&j, "label", e->group[g].label);
        json_put_count(&j, "n_paths", e->group[g].n_samples);
        json_table(&j, "m3", &e->group[g].m3);
        json_table(&j, "flowsim", &e->group[g].flowsim);
        json_out_end(&j, '}');
    }
    json_out_end(&j, ']');
    json_out_end(&j, '}');
    json_out_finish(&j);
}
