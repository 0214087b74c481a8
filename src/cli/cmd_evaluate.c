/* m3 evaluate: a checkpoint, and flowSim alone, against truth. */
#include "evaluate/evaluate.h"

#include <stdlib.h>
#include <string.h>

#include "estimate/estimate.h"
#include "evaluate/evaluate_report.h"
#include "train/train.h"
#include "base/units.h"
#include "cli/cli.h"

enum {
    OPT_DATASET,
    OPT_NETWORKS,
    OPT_CKPT,
    OPT_HOLDOUT,
    OPT_FOLD,
    OPT_SPLIT,
    OPT_PATHS,
    OPT_CALIBRATE
};
static const CliOption options[] = {
    [OPT_DATASET] = {"dataset", "DIR", "made by m3 dataset paths or flows", "Input"},
    [OPT_NETWORKS] =
        {"networks", "DIR",
         "whole networks: each subdirectory with topo.json, scenario.json\nand flows.csv with FCTs",
         "Input"},
    [OPT_CKPT] = {"ckpt", "DIR", "checkpoint (default ckpts/default)", "Input"},
    [OPT_HOLDOUT] = {"holdout", "SHARE", "as in training (default 0.2)", "Paths of a data set"},
    [OPT_FOLD] = {"fold", "N", "as in training (default 0)", "Paths of a data set"},
    [OPT_SPLIT] = {"split", "WHICH", "held-out or all (default held-out)", "Paths of a data set"},
    [OPT_PATHS] = {"paths", "N",
                   "paths drawn in each network, or all (default 500; with\n--calibrate: all)",
                   "Networks"},
    [OPT_CALIBRATE] =
        {"calibrate", "OUT",
         "write the checkpoint with its error on these networks, which it\nshould not have been "
         "trained on, as the "
         "model's part of the\nintervals: a file if OUT ends in .m3, else a directory",
         "Networks"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    const char *dataset, *networks, *ckpt, *calibrate;
    DataSplit split;
    bool all;
    uint64_t n_paths; /* 0: all */
    bool paths_given;
} Args;

static int set_fold(Args *a, const char *value, Err *err) {
    uint64_t n;
    if (units_parse_count(value, "--fold", &n, err) != 0) return -1;
    if (n > 1000000) return err_input(err, "--fold: must be at most 1000000, got %.40s", value);
    a->split.fold = (uint32_t)n;
    return 0;
}

static int set_paths(Args *a, const char *value, Err *err) {
    a->n_paths = 0;
    a->paths_given = true;
    if (strcmp(value, "all") == 0) return 0;
    if (units_parse_count(value, "--paths", &a->n_paths, err) != 0) return -1;
    return a->n_paths > 0 ? 0 : err_input(err, "--paths: must be at least 1, or all");
}

static int set(void *ctx, int index, const char *value, Err *err) {
    Args *a = ctx;
    switch (index) {
    case OPT_DATASET: a->dataset = value; return 0;
    case OPT_NETWORKS: a->networks = value; return 0;
    case OPT_CKPT: a->ckpt = value; return 0;
    case OPT_HOLDOUT: return units_parse_number(value, "--holdout", &a->split.share, err);
    case OPT_FOLD: return set_fold(a, value, err);
    case OPT_CALIBRATE: a->calibrate = value; return 0;
    case OPT_PATHS: return set_paths(a, value, err);
    default:
        a->all = strcmp(value, "all") == 0;
        return a->all || strcmp(value, "held-out") == 0
                   ? 0
                   : err_input(err, "--split: expected held-out or all, got '%.40s'", value);
    }
}

static uint32_t *choose(const Args *a, const PathData *d, size_t *n) {
    if (!a->all) return pathdata_select(d, &a->split, true, n);
    const DataSplit none = {0};
    return pathdata_select(d, &none, false, n);
}

static int on_dataset(const Args *a, const Ckpt *c, EvalMeta *m, const CliCommon *common,
                      Err *err) {
    PathData d;
    Evaluation e;
    if (c->spec.head == HEAD_FLOW)
        return err_input(err, "%s: holds paths, and the checkpoint is a model of flows",
                         a->dataset);
    if (pathdata_load(&d, a->dataset, err) != 0) return -1;
    uint32_t *index = choose(a, &d, &m->n_chosen);
    int rc = m->n_chosen > 0
                 ? 0
                 : err_input(err, "%s: no sample is held out; --split all takes all", a->dataset);
    if (rc == 0) {
        evaluate_pathdata(&d, index, m->n_chosen, c, common->threads, &e);
        m->n_existing = d.n;
        m->dataset_sha256 = d.digest;
        if (common->json) evaluate_print_json(&e, m);
        else evaluate_print_table(&e, m);
    }
    free(index);
    pathdata_free(&d);
    return rc;
}

static int on_flows(const Args *a, const Ckpt *c, EvalMeta *m, const CliCommon *common, Err *err) {
    FlowData d;
    EvalNet *nets;
    size_t n;
    const DataSplit none = {0};
    if (c->spec.head != HEAD_FLOW)
        return err_input(err, "%s: holds flows, and the checkpoint is a model of paths",
                         a->dataset);
    if (flowdata_load(&d, a->dataset, err) != 0) return -1;
    uint32_t *index = flowdata_select(&d, a->all ? &none : &a->split, !a->all, &m->n_chosen);
    int rc = m->n_chosen > 0
                 ? 0
                 : err_input(err, "%s: no network is held out; --split all takes all", a->dataset);
    if (rc == 0) {
        evaluate_flowdata(&d, index, m->n_chosen, c, common->threads, &nets, &n);
        if (common->json) evaluate_print_nets_json(nets, n, m);
        else evaluate_print_nets(nets, n, m);
        evalnets_free(nets, n);
    }
    free(index);
    flowdata_free(&d);
    return rc;
}

static int on_networks(const Args *a, const Ckpt *c, const EvalMeta *m, const CliCommon *common,
                       Err *err) {
    EvalNetOptions o = {.ckpt = c,
                        .n_paths = a->calibrate ? 0 : a->n_paths,
                        .seed = common->seed,
                        .threads = common->threads};
    EvalNet *nets;
    size_t n;
    if (evaluate_networks(a->networks, &o, &common->log, &nets, &n, err) != 0) return -1;
    if (common->json) evaluate_print_nets_json(nets, n, m);
    else evaluate_print_nets(nets, n, m);
    int rc = a->calibrate ? evaluate_calibrate(nets, n, c, a->calibrate, err) : 0;
    evalnets_free(nets, n);
    return rc;
}

/* The error of drawing paths is not the model's. */
static int check_calibration(const Args *a, Err *err) {
    if (!a->calibrate) return 0;
    if (!a->networks) return err_input(err, "--calibrate: needs --networks");
    return a->paths_given && a->n_paths > 0
               ? err_input(err, "--calibrate: takes all paths; leave --paths out")
               : 0;
}

static int evaluate(const Args *a, const CliCommon *common, Err *err) {
    Ckpt c;
    char sha256[65];
    if (!a->dataset == !a->networks)
        return err_input(
            err, "evaluate: one of --dataset and --networks is needed; see 'm3 evaluate --help'");
    if (a->dataset && datasplit_check(&a->split, err) != 0) return -1;
    if (check_calibration(a, err) != 0) return -1;
    if (estimate_load_ckpt(&c, a->ckpt, err) != 0) return -1;
    ckpt_sha256(&c, sha256);
    EvalMeta m = {.source = a->dataset ? a->dataset : a->networks,
                  .ckpt = a->ckpt ? a->ckpt : "ckpts/default",
                  .ckpt_sha256 = sha256,
                  .split = a->split,
                  .all = a->all};
    bool flows = false;
    int rc = a->dataset ? train_is_flowdata(a->dataset, &flows, err) : 0;
    if (rc == 0 && a->networks) rc = on_networks(a, &c, &m, common, err);
    else if (rc == 0)
        rc = flows ? on_flows(a, &c, &m, common, err) : on_dataset(a, &c, &m, common, err);
    ckpt_free(&c);
    return rc;
}

static int run(int argc, char **argv) {
    Args a = {.split = {.share = 0.2}, .n_paths = 500};
    CliCommon common;
    Err err = {0};
    int rc = cli_parse(&cmd_evaluate, argc, argv, &common, set, &a, NULL, 0, NULL);
    if (rc >= 0) return rc;
    rc = evaluate(&a, &common, &err);
    cli_done(&common);
    return rc == 0 ? 0 : cli_fail(&err);
}

const CliCommand cmd_evaluate = {
    .name = "evaluate",
    .summary = "measure a checkpoint against truth",
    .usage = "m3 evaluate --dataset DIR | --networks DIR [--ckpt DIR] [options]",
    .details = "The error of a percentile is estimate/truth - 1. Paths: its mean over the paths, "
               "by size bucket and congestion control.\n"
               "Networks: of each network's slowdown distribution, over all of them, and by kind; "
               "buckets of at least 20 flows count.\n"
               "Flows: of the distributions that the data set holds of each network, which leaves "
               "out the drawing of paths.\n"
               "In all, flowSim alone (the fluid simulation without the model) stands beside m3.",
    .options = options,
    .run = run};
