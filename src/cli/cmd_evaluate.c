/* m3 evaluate: a checkpoint, and flowSim alone, against truth. */
#include "app/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/cli.h"

enum { OPT_DATASET, OPT_CKPT, OPT_HOLDOUT, OPT_FOLD, OPT_SPLIT };
static const CliOption options[] = {[OPT_DATASET] = {"dataset", "DIR", "made by m3 dataset", "Input"},
                                    [OPT_CKPT] = {"ckpt", "DIR", "checkpoint (default ckpts/default)", "Input"},
                                    [OPT_HOLDOUT] = {"holdout", "SHARE", "as in training (default 0.2)", "Samples"},
                                    [OPT_FOLD] = {"fold", "N", "as in training (default 0)", "Samples"},
                                    [OPT_SPLIT] = {"split", "WHICH", "held-out or all (default held-out)", "Samples"},
                                    {NULL, NULL, NULL, NULL}};

typedef struct {
    const char *dataset, *ckpt;
    DatasetSplit split;
    bool all;
} Args;

static int set(void *ctx, int index, const char *value, Err *err) {
    Args *a = ctx;
    uint64_t n;
    switch (index) {
    case OPT_DATASET: a->dataset = value; return 0;
    case OPT_CKPT: a->ckpt = value; return 0;
    case OPT_HOLDOUT: return units_parse_number(value, "--holdout", &a->split.share, err);
    case OPT_FOLD:
        if (units_parse_count(value, "--fold", &n, err) != 0) return -1;
        if (n > 1000000) return err_input(err, "--fold: must be at most 1000000, got %.40s", value);
        a->split.fold = (uint32_t)n;
        return 0;
    default:
        a->all = strcmp(value, "all") == 0;
        return a->all || strcmp(value, "held-out") == 0 ? 0 : err_input(err, "--split: expected held-out or all, got '%.40s'", value);
    }
}

/* ---- human output ---- */

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

static void print_table(const Evaluation *e, const Args *a, size_t n, size_t n_all) {
    printf("%s on %s: %s, %zu of %zu paths\n", a->ckpt, a->dataset, a->all ? "all" : "held out", n, n_all);
    printf("Errors est/truth - 1 in %%: mean magnitude, then signed mean, of m3 and of flowSim alone.\n");
    for (int g = 0; g < EVAL_N_GROUPS; g++) print_group(&e->group[g]);
}

/* ---- JSON ---- */

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

static void print_json(const Evaluation *e, const Args *a, const Dataset *d, const char *sha256) {
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    json_out_key(&j, "schema"), json_out_string(&j, "m3.evaluate/1");
    json_out_key(&j, "checkpoint_sha256"), json_out_string(&j, sha256);
    json_out_key(&j, "dataset_sha256"), json_out_string(&j, d->digest);
    json_out_key(&j, "split"), json_out_string(&j, a->all ? "all" : "held-out");
    json_out_key(&j, "holdout"), json_out_number(&j, a->split.share);
    json_out_key(&j, "fold"), json_out_int(&j, a->split.fold);
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

static uint32_t *choose(const Args *a, const Dataset *d, size_t *n) {
    if (!a->all) return dataset_select(d, &a->split, true, n);
    const DatasetSplit none = {0};
    return dataset_select(d, &none, false, n);
}

static int on_dataset(const Args *a, const CliCommon *common, Err *err) {
    Dataset d;
    Ckpt c;
    if (dataset_check_split(&a->split, err) != 0 || dataset_load(&d, a->dataset, err) != 0) return -1;
    int rc = ckpt_load(&c, a->ckpt, err);
    if (rc == 0) {
        size_t n;
        Evaluation e;
        char sha256[65];
        uint32_t *index = choose(a, &d, &n);
        if (n == 0) rc = err_input(err, "%s: no sample is held out; --split all takes all", a->dataset);
        else evaluate_dataset(&d, index, n, &c, common->threads, &e);
        ckpt_sha256(&c, sha256);
        if (rc == 0 && common->json) print_json(&e, a, &d, sha256);
        else if (rc == 0) print_table(&e, a, n, d.n);
        free(index);
        ckpt_free(&c);
    }
    dataset_free(&d);
    return rc;
}

static int run(int argc, char **argv) {
    Args a = {.ckpt = "ckpts/default", .split = {.share = 0.2}};
    CliCommon common;
    Err err = {0};
    int rc = cli_parse(&cmd_evaluate, argc, argv, &common, set, &a, NULL, 0, NULL);
    if (rc >= 0) return rc;
    if (!a.dataset) rc = err_input(&err, "evaluate: --dataset is needed; see 'm3 evaluate --help'");
    else rc = on_dataset(&a, &common, &err);
    cli_done(&common);
    return rc == 0 ? 0 : cli_fail(&err);
}

const CliCommand cmd_evaluate = {.name = "evaluate",
                                 .summary = "measure a checkpoint against truth",
                                 .usage = "m3 evaluate --dataset DIR [--ckpt DIR] [options]",
                                 .details = NULL,
                                 .options = options,
                                 .run = run};
