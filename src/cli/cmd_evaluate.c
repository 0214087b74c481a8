/* m3 evaluate: a checkpoint, and flowSim alone, against simulated or measured completion times.
 *
 * Three kinds of truth: a data set of paths, a data set of flows, whole networks. Of a data set the
 * samples that training held out are taken, by the same split (data/datasplit). */

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/estimate_args.h"
#include "cli/value.h"
#include "estimate/estimate.h"
#include "evaluate/evaluate_calibrate.h"
#include "evaluate/evaluate_flows.h"
#include "evaluate/evaluate_nets_report.h"
#include "path/pathset.h"
#include "train/train.h"

enum {
    OPT_DATASET,
    OPT_NETWORKS,
    OPT_CKPT,
    OPT_HOLDOUT,
    OPT_FOLD,
    OPT_SPLIT,
    OPT_PATHS,
    OPT_CHECK,
    OPT_METHOD,
    OPT_COMPAT,
    OPT_CALIBRATE
};
static const char *const splits[] = {"held-out", "all", NULL};
static const char *const methods[] = {"m3", "sampled", NULL};
static const char *const modes[] = {"hpcc-ns3", NULL};
static const CliOption options[] = {
    [OPT_DATASET] = {"dataset", "DIR", "made by m3 dataset --scenarios or m3 dataset flows",
                     "Input"},
    [OPT_NETWORKS] =
        {"networks", "DIR",
         "whole networks: each subdirectory with topo.json, scenario.json\nand flows.csv with FCTs",
         "Input"},
    [OPT_CKPT] = {"ckpt", "DIR", "checkpoint (default ckpts/default)", "Input"},
    [OPT_HOLDOUT] = {"holdout", "SHARE", "as in training (default 0.2)", "Paths of a data set"},
    [OPT_FOLD] = {"fold", "N", "as in training (default 0)", "Paths of a data set"},
    [OPT_SPLIT] = {"split", "WHICH", "held-out or all (default held-out)", "Paths of a data set",
                   splits},
    [OPT_PATHS] = {"paths", "N",
                   "paths drawn in each network, or all (default 500; with\n--calibrate: all)",
                   "Networks"},
    [OPT_CHECK] = {"check", "BUDGET",
                   "packet windows, as in m3 estimate: 5s, 2%, default or off (default off: the\n"
                   "model alone)",
                   "Networks"},
    [OPT_METHOD] = {"method", "NAME", "m3 (default) or sampled: packet windows alone", "Networks",
                    methods},
    [OPT_COMPAT] = {"compat", "hpcc-ns3", "packets of windows as in the HPCC authors' ns-3",
                    "Networks", modes},
    [OPT_CALIBRATE] =
        {"calibrate", "OUT",
         "write the checkpoint with its error on these networks, which it\nshould not have been "
         "trained on, as the "
         "model's part of the\nintervals: a file if OUT ends in .m3, else a directory",
         "Networks"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    const char *dataset, *networks, *ckpt_path, *calibrate;
    Ckpt ckpt;
    DataSplit split;
    bool all;
    uint64_t n_paths; /* 0: all */
    CheckBudget check;
    bool paths_given, check_given, sampled, hpcc_ns3;
} EvaluateCmd;

static int set_split(EvaluateCmd *o, const char *value, Err *err) {
    int which;
    if (value_choice(value, "--split", splits, &which, err) != 0) return -1;
    o->all = which == 1;
    return 0;
}

static void init(void *state) {
    *(EvaluateCmd *)state =
        (EvaluateCmd){.split = {.share = 0.2}, .n_paths = 500, .check = {.off = true}};
}

static void release(void *state) { ckpt_free(&((EvaluateCmd *)state)->ckpt); }

static int set(void *state, int option, const char *value, Err *err) {
    EvaluateCmd *o = state;
    switch (option) {
    case OPT_DATASET: o->dataset = value; return 0;
    case OPT_NETWORKS: o->networks = value; return 0;
    case OPT_CKPT: o->ckpt_path = value; return 0;
    case OPT_HOLDOUT: return units_parse_number(value, "--holdout", &o->split.share, err);
    case OPT_FOLD: return value_count32(value, "--fold", 0, 1000000, &o->split.fold, err);
    case OPT_CALIBRATE: o->calibrate = value; return 0;
    case OPT_PATHS:
        o->paths_given = true;
        return value_count_or_all(value, "--paths", PATHSET_MAX_DRAWS, &o->n_paths, err);
    case OPT_CHECK: o->check_given = true; return estimate_args_check(value, &o->check, err);
    case OPT_METHOD: {
        int which;
        if (value_choice(value, "--method", methods, &which, err) != 0) return -1;
        o->sampled = which == 1;
        return 0;
    }
    case OPT_COMPAT: {
        int which;
        o->hpcc_ns3 = true;
        return value_choice(value, "--compat", modes, &which, err);
    }
    default: return set_split(o, value, err);
    }
}

static uint32_t *choose(const EvaluateCmd *o, const PathData *d, size_t *n) {
    if (!o->all) return pathdata_select(d, &o->split, true, n);
    const DataSplit none = {0};
    return pathdata_select(d, &none, false, n);
}

static int on_dataset(const EvaluateCmd *o, const Ckpt *c, EvaluateMeta *m, const CliCommon *common,
                      Err *err) {
    PathData d;
    EvaluatePaths e;
    if (c->spec.head == HEAD_FLOW)
        return err_input(err, "%s: holds paths, and the checkpoint is a model of flows",
                         o->dataset);
    if (pathdata_load(&d, o->dataset, err) != 0) return -1;
    uint32_t *index = choose(o, &d, &m->n_chosen);
    int rc = m->n_chosen > 0
                 ? 0
                 : err_input(err, "%s: no sample is held out; --split all takes all", o->dataset);
    if (rc == 0) {
        evaluate_paths(&d, index, m->n_chosen, c, common->threads, &e);
        m->n_existing = d.n;
        m->dataset_sha256 = d.digest;
        if (common->json) evaluate_report_json(&e, m);
        else evaluate_report_table(&e, m);
        m->dataset_sha256 = NULL;
    }
    free(index);
    pathdata_free(&d);
    return rc;
}

static int on_flows(const EvaluateCmd *o, const Ckpt *c, EvaluateMeta *m, const CliCommon *common,
                    Err *err) {
    FlowData d;
    EvaluateNet *nets;
    size_t n;
    const DataSplit none = {0};
    if (c->spec.head != HEAD_FLOW)
        return err_input(err, "%s: holds flows, and the checkpoint is a model of paths",
                         o->dataset);
    if (flowdata_load(&d, o->dataset, err) != 0) return -1;
    uint32_t *index = flowdata_select(&d, o->all ? &none : &o->split, !o->all, &m->n_chosen);
    int rc = m->n_chosen > 0
                 ? 0
                 : err_input(err, "%s: no network is held out; --split all takes all", o->dataset);
    if (rc == 0) {
        evaluate_flows(&d, index, m->n_chosen, c, common->threads, &nets, &n);
        if (common->json) evaluate_nets_report_json(nets, n, m);
        else evaluate_nets_report_table(nets, n, m);
        evaluate_nets_free(nets, n);
    }
    free(index);
    flowdata_free(&d);
    return rc;
}

static int on_networks(const EvaluateCmd *o, const Ckpt *c, const EvaluateMeta *m,
                       const CliCommon *common, Err *err) {
    EvaluateNetOptions eo = {.ckpt = c,
                             .n_paths = o->calibrate && !o->paths_given ? 0 : o->n_paths,
                             .check = o->check,
                             .sampled = o->sampled,
                             .hpcc_ns3 = o->hpcc_ns3,
                             .seed = common->seed,
                             .threads = common->threads,
                             .ranks = common->ranks};
    EvaluateNet *nets;
    size_t n;
    if (evaluate_nets(o->networks, &eo, &common->log, &nets, &n, err) != 0) return -1;
    if (common->json) evaluate_nets_report_json(nets, n, m);
    else evaluate_nets_report_table(nets, n, m);
    int rc = o->calibrate && ranks_first(common->ranks)
                 ? evaluate_calibrate(nets, n, c, o->calibrate, err)
                 : 0;
    evaluate_nets_free(nets, n);
    return rc;
}

/* The error of drawing paths is not the model's. */
static int check_calibration(const EvaluateCmd *o, Err *err) {
    if ((o->check_given || o->sampled || o->hpcc_ns3) && !o->networks)
        return err_input(err, "--check, --method and --compat go with --networks only");
    if (o->sampled && o->check_given && o->check.off)
        return err_input(err,
                         "--method sampled is nothing but --check; expected a budget, got off");
    if (!o->calibrate) return 0;
    if (!o->networks) return err_input(err, "--calibrate: needs --networks");
    return o->sampled || !o->check.off
               ? err_input(err, "--calibrate: measures the model alone; leave --check out")
               : 0;
}

static int run(void *state, const CliCommon *common, Err *err) {
    EvaluateCmd *o = state;
    const Ckpt *c = &o->ckpt;
    char sha256[65];
    bool flows = false;
    if (!o->dataset == !o->networks)
        return err_input(
            err, "evaluate: one of --dataset and --networks is needed; see 'm3 evaluate --help'");
    if (o->dataset && ranks_several(common->ranks))
        return err_input(err, "evaluate: --dataset does not run on several ranks; start it without "
                              "mpirun");
    if (o->sampled && !o->check_given) o->check = (CheckBudget){0};
    if (o->dataset && datasplit_check(&o->split, err) != 0) return -1;
    if (check_calibration(o, err) != 0) return -1;
    if (estimate_load_ckpt(&o->ckpt, o->ckpt_path, err) != 0) return -1;
    ckpt_sha256(c, sha256);
    EvaluateMeta m = {.source = o->dataset ? o->dataset : o->networks,
                      .ckpt = o->ckpt_path ? o->ckpt_path : "ckpts/default",
                      .ckpt_sha256 = sha256,
                      .split = o->split,
                      .all = o->all};
    if (o->networks) return on_networks(o, c, &m, common, err);
    if (train_is_flowdata(o->dataset, &flows, err) != 0) return -1;
    return flows ? on_flows(o, c, &m, common, err) : on_dataset(o, c, &m, common, err);
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
    .on_ranks = true,
    .state_size = sizeof(EvaluateCmd),
    .init = init,
    .set = set,
    .run = run,
    .free = release,
};
