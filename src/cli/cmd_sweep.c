/* m3 sweep: many settings of one network, to a table, JSON and CSV.
 *
 * The values of all --set form a grid (scenario/grid); sweep_run estimates each of its rows and
 * shares what the rows have in common. Starting from a file of features, only settings of the
 * network can vary. */
#include "base/json.h"
#include "cli/estimate_args.h"
#include "cli/features_args.h"
#include "cli/outputs.h"
#include "cli/scenario_args.h"
#include "cli/value.h"
#include "estimate/sweep.h"
#include "estimate/sweep_report.h"
#include "path/pathset.h"

enum { PATHS = SCENARIO_N_ARGS, METHOD, CHECK, CKPT, COMPAT, FEATURES, QUANTILE, BUCKET, OUT, CSV };
static const char *const methods[] = {"m3", "flowsim", NULL};
static const CliOption options[] = {
    SCENARIO_ARGS("window=5KB..30KB:1KB, cc=dctcp,hp"),
    {"paths", "N|all", "paths to draw, in proportion to their flows (default 500)", "Method"},
    {"method", "NAME",
     "m3: fluid simulation and model (default); flowsim: fluid simulation alone, for traffic only",
     "Method", methods},
    {"check", "BUDGET",
     "simulate stretches of the run packet by packet under the best settings and those that the\n"
     "model is least sure of, and correct all by them; together: 5s (20 M packet-hops a second on\n"
     "any machine), 10% (of all settings' packet-hops) or off (default: 60 ms a setting, at least\n"
     "1.4 s)",
     "Method"},
    {"ckpt", "DIR", "checkpoint: a folder with model.m3, or a .m3 file (default: ckpts/default)",
     "Method"},
    {"compat", "LIST",
     "published: aggregate as the paper's notebooks do, pooling paths with equal weight;\n"
     "hpcc-ns3: packets of windows as in the HPCC authors' ns-3",
     "Method", estimate_args_compat_names},
    {"features", "FILE",
     "start from features that m3 estimate --save-features wrote (- is standard input): settings\n"
     "of the network only",
     "Features"},
    {"quantile", "NAME", "what settings are ranked by: p50, p90, p99 (default) or p99.9", "Output"},
    {"bucket", "SIZE",
     "of flows of this size: show and rank by their bucket, e.g. 20KB for 10-50 KB (default: all)",
     "Output"},
    {"out", "FILE", "write the result as JSON", "Output"},
    {"csv", "FILE", "write the settings, bucket,percentile,slowdown,lo,hi as CSV", "Output"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    ScenarioArgs scenario;
    EstimateOptions estimate;
    Grid grid;
    SweepRank rank;
    bool paths_given, method_given, check_given;
    const char *ckpt_path, *out, *csv;
    FeaturesArgs features;
    Ckpt ckpt;
    Outputs files;
} SweepCmd;

static void init(void *state) {
    SweepCmd *o = state;
    scenario_args_init(&o->scenario);
    grid_init(&o->grid);
    o->estimate.n_paths = 500;
    o->rank.k = RESULT_P99;
}

static void release(void *state) {
    SweepCmd *o = state;
    outputs_abort(&o->files);
    features_args_close(&o->features);
    ckpt_free(&o->ckpt);
    grid_free(&o->grid);
    scenario_args_free(&o->scenario);
}

static int add_setting(Grid *g, const char *value, Err *err) {
    return grid_add(g, value, err) == 0 ? 0 : err_wrap(err, "--set %.60s", value);
}

static int set(void *state, int option, const char *value, Err *err) {
    SweepCmd *o = state;
    if (option == ARG_SET) return add_setting(&o->grid, value, err);
    if (option < SCENARIO_N_ARGS) return scenario_args_set(&o->scenario, option, value, err);
    switch (option) {
    case PATHS:
        o->paths_given = true;
        return value_count_or_all(value, "--paths", PATHSET_MAX_DRAWS, &o->estimate.n_paths, err);
    case METHOD:
        o->method_given = true;
        return estimate_args_method(value, &o->estimate.method, err);
    case CHECK: o->check_given = true; return estimate_args_check(value, &o->estimate.check, err);
    case CKPT: o->ckpt_path = value; return 0;
    case COMPAT: return estimate_args_compat(value, &o->estimate, err);
    case FEATURES: o->features.file = value; return 0;
    case QUANTILE: return estimate_args_quantile(value, &o->rank.k, err);
    case BUCKET: return estimate_args_bucket(value, &o->rank.dist, err);
    case OUT: o->out = value; return 0;
    default: o->csv = value; return 0;
    }
}

static int check(const SweepCmd *o, Err *err) {
    int rc = o->features.file
                 ? features_args_check(&o->scenario, o->paths_given, o->method_given, err)
                 : scenario_args_check(&o->scenario, "sweep", err);
    if (rc != 0) return -1;
    if (o->check_given && !o->estimate.check.off && o->estimate.method != METHOD_M3)
        return err_input(err, "sweep: --check goes with --method m3 only");
    if (features_args_check_budget(&o->features, &o->estimate.check, o->check_given, err) != 0)
        return -1;
    if (o->estimate.hpcc_ns3 && !estimate_has_windows(&o->estimate))
        return err_input(err, "sweep: --compat hpcc-ns3 goes with --check");
    return o->grid.n_axes > 0
               ? 0
               : err_input(err, "sweep: expected --set KEY=VALUES; see 'm3 sweep --help'");
}

/* Writes the result to the files asked for, and to stdout unless one of them is. */
static int deliver(SweepCmd *o, const CliCommon *common, const SweepReport *r, Err *err) {
    Outputs *f = &o->files;
    if (f->json.f) sweep_report_json(f->json.f, r);
    if (f->csv.f) sweep_report_csv(f->csv.f, r);
    if (outputs_commit(f, err) != 0) return -1;
    if (f->to_stdout) return 0;
    if (common->json) sweep_report_json(stdout, r);
    else sweep_report_table(stdout, r);
    return 0;
}

static int compute(SweepCmd *o, const CliCommon *common, Err *err) {
    Sweep sweep;
    char sha256[65];
    int rc = o->features.file ? sweep_features(&sweep, &o->grid, &o->features.features,
                                               &o->estimate, &common->log, err)
                              : sweep_run(&sweep, &o->grid, &o->scenario.options, &o->estimate,
                                          o->rank, &common->log, err);
    if (rc == 0) {
        SweepReport r = {.sweep = &sweep, .grid = &o->grid, .rank = o->rank};
        r.meta = (ReportMeta){.command = common->command,
                              .topo = sweep.topo,
                              .mix = o->scenario.options.mix_path,
                              .method = estimate_methods[o->estimate.method],
                              .seed = common->seed,
                              .remarks = common->log.remarks,
                              .wall_total_s = diag_now_s() - common->start_s};
        if (o->features.file) features_args_meta(&o->features, &r.meta);
        if (o->out || common->json) estimate_args_ckpt(&r.meta, o->estimate.ckpt, sha256);
        rc = deliver(o, common, &r, err);
    }
    sweep_free(&sweep);
    return rc;
}

static int run(void *state, const CliCommon *common, Err *err) {
    SweepCmd *o = state;
    o->scenario.options.seed = o->estimate.seed = common->seed;
    o->scenario.options.threads = o->estimate.threads = common->threads;
    o->estimate.fall_back = !o->features.file;
    o->scenario.options.max_in_memory =
        scenario_args_in_memory(estimate_max_in_memory(o->estimate.method), common);
    o->estimate.ranks = common->ranks;
    if (check(o, err) != 0 ||
        features_args_check_ranks(&o->features, &o->scenario, common, err) != 0)
        return -1;
    int rc = ranks_first(common->ranks) ? outputs_open(&o->files, o->out, o->csv, err) : 0;
    if (ranks_agree(common->ranks, rc, err) != 0) return -1;
    if (features_args_open(&o->features, &o->scenario, common, o->ckpt_path, &o->ckpt, &o->estimate,
                           err) != 0)
        return -1;
    return compute(o, common, err);
}

const CliCommand cmd_sweep = {
    .name = "sweep",
    .summary = "the same network under many settings, each in a fraction of a second",
    .usage = "m3 sweep --topo FILE --mix FILE --set KEY=VALUES [--set ...] [options]\n       m3 "
             "sweep --features FILE --set KEY=VALUES "
             "[--set ...] [options]",
    .details = "Every combination of the values of all --set is estimated: a value, a list a,b,c, "
               "or a range lo..hi:step, both ends\n"
               "included. What settings share is computed once; the column 'computed' says what a "
               "row took anew: 'model' alone, the\n"
               "'fluid' simulation of the paths, or the 'traffic' (max_load, sigma, sizes, matrix, "
               "duration, n_flows). A parameter\n"
               "of a congestion control that a row does not use has no effect there ('-') and "
               "makes no further rows.\n\n"
               "  m3 sweep --topo spec/clos-256-2to1.json --mix spec/demo.json --set "
               "window=5KB..30KB:5KB\n"
               "  m3 sweep --mix mix.json --set cc=dctcp,hp --set dctcp_k=5KB,10KB --set "
               "hpcc_eta=0.8..0.95:0.05 --csv all.csv",
    .options = options,
    .on_ranks = true,
    .state_size = sizeof(SweepCmd),
    .init = init,
    .set = set,
    .run = run,
    .free = release,
};
