/* m3 estimate: slowdown distributions of a network, from files to a table, JSON and CSV.
 *
 *     check ─ open the output files ─ checkpoint or features ─┬─ from_scenario ─┬─ deliver
 *                                                             └─ from_features ─┘
 *
 * Output files are opened before the work begins, since an unwritable name should not cost minutes
 * of computing; they are renamed into place when the result is complete. */
#include "cli/estimate_args.h"
#include "cli/features_args.h"
#include "cli/outputs.h"
#include "cli/scenario_args.h"
#include "cli/value.h"
#include "path/pathset.h"

enum {
    PATHS = SCENARIO_N_ARGS,
    TARGET_ERROR,
    MAX_PATHS,
    METHOD,
    CHECK,
    EXACT,
    WHOLE,
    PARSIMON_ECMP,
    PARSIMON_CLUSTER,
    CKPT,
    COMPAT,
    FEATURES,
    SAVE_FEATURES,
    OUT,
    CSV
};
static const CliOption options[] = {
    SCENARIO_ARGS("window=18KB, cc=dcqcn, max_load=0.5"),
    {"paths", "N|all", "paths to draw, in proportion to their flows (default 500)", "Method"},
    {"target-error", "E[@Q]",
     "add packet windows until a quantile of all flows is known to that: 2% (of p99), 5%@p99.9;\n"
     "half its 95 % interval over the value. With --check off or method flowsim or packet: draw\n"
     "paths until their sampling error is at most that; the model's own error comes on top",
     "Method"},
    {"max-paths", "N", "with --target-error of paths: draw no more than that (default 10000)",
     "Method"},
    {"method", "NAME",
     "m3: fluid simulation and model, corrected by packet windows (default); sampled: packet\n"
     "windows alone; flowsim: fluid simulation alone; packet: packet simulation of paths;\n"
     "parsimon: packet simulation of every link by itself, under dctcp",
     "Method", estimate_methods},
    {"check", "BUDGET",
     "simulate stretches of the run packet by packet, and correct the estimate by them: 5s (20 M\n"
     "packet-hops a second on any machine), 2% (of the run's packet-hops) or off (default: 1s and\n"
     "0.4s per million flows, at most 5s; a run that takes up to 1.5 times that is simulated "
     "whole)",
     "Method"},
    {"exact", NULL, "simulate every flow of long paths, too, instead of time slices", "Method"},
    {"whole", NULL,
     "method flowsim: the whole network at once, all flows, instead of paths (--exact: rates anew\n"
     "at every event, not only every half round trip)",
     "Method"},
    {"parsimon-ecmp", "KIND",
     "method parsimon: flows are given to links by a hash that all nodes share (polarised, as\n"
     "published; default) or by one of each node (independent)",
     "Method", estimate_args_ecmp_names},
    {"parsimon-cluster", NULL,
     "method parsimon: simulate one link of each group of links that carry alike flows", "Method"},
    {"ckpt", "DIR", "checkpoint: a folder with model.m3, or a .m3 file (default: ckpts/default)",
     "Method"},
    {"compat", "LIST",
     "published: aggregate as the paper's notebooks do, pooling percentiles of draws;\n"
     "hpcc-ns3: packets (of windows, or of method packet) as in the HPCC authors' ns-3",
     "Method", estimate_args_compat_names},
    {"features", "FILE",
     "start from features that --save-features wrote (- is standard input); with --set for other\n"
     "settings of the network",
     "Features"},
    {"save-features", "FILE", "write what was computed before the model ran", "Features"},
    {"out", "FILE", "write the result as JSON", "Output"},
    {"csv", "FILE", "write bucket,percentile,slowdown as CSV", "Output"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    ScenarioArgs scenario;
    EstimateOptions estimate;
    bool ecmp_given, paths_given, method_given, max_paths_given, check_given;
    const char *ckpt_path, *save_features, *out, *csv;
    FeaturesArgs features;
    Ckpt ckpt;
    Outputs files;
    FileOut saved; /* save_features */
} EstimateCmd;

static void init(void *state) {
    EstimateCmd *o = state;
    scenario_args_init(&o->scenario);
    o->estimate.n_paths = 500;
    o->estimate.target = (TargetError){.quantile = RESULT_P99, .max_paths = ESTIMATE_MAX_PATHS};
}

static void release(void *state) {
    EstimateCmd *o = state;
    outputs_abort(&o->files);
    file_out_abort(&o->saved);
    features_args_close(&o->features);
    ckpt_free(&o->ckpt);
    scenario_args_free(&o->scenario);
}

static int set(void *state, int option, const char *value, Err *err) {
    EstimateCmd *o = state;
    if (option < SCENARIO_N_ARGS) return scenario_args_set(&o->scenario, option, value, err);
    switch (option) {
    case PATHS:
        o->paths_given = true;
        return value_count_or_all(value, "--paths", PATHSET_MAX_DRAWS, &o->estimate.n_paths, err);
    case TARGET_ERROR: return estimate_args_target(value, &o->estimate.target, err);
    case MAX_PATHS:
        o->max_paths_given = true;
        return value_count(value, "--max-paths", 1, UINT64_MAX, &o->estimate.target.max_paths, err);
    case METHOD:
        o->method_given = true;
        return estimate_args_method(value, &o->estimate.method, err);
    case CHECK: o->check_given = true; return estimate_args_check(value, &o->estimate.check, err);
    case EXACT: o->estimate.exact = true; return 0;
    case WHOLE: o->estimate.whole = true; return 0;
    case PARSIMON_ECMP:
        o->ecmp_given = true;
        return estimate_args_ecmp(value, &o->estimate.own_hashes, err);
    case PARSIMON_CLUSTER: o->estimate.cluster = true; return 0;
    case CKPT: o->ckpt_path = value; return 0;
    case COMPAT: return estimate_args_compat(value, &o->estimate, err);
    case FEATURES: o->features.file = value; return 0;
    case SAVE_FEATURES: o->save_features = value; return 0;
    case OUT: o->out = value; return 0;
    default: o->csv = value; return 0;
    }
}

static int check_target(const EstimateCmd *o, Err *err) {
    bool target = o->estimate.target.asked > 0;
    bool windows = estimate_has_windows(&o->estimate);
    if (target && o->paths_given && !windows)
        return err_input(err, "estimate: expected --paths or --target-error, not both");
    if (target && (o->features.file || o->save_features) && !windows)
        return err_input(err, "estimate: --target-error draws as it goes on; it doesn't go with "
                              "--features and --save-features");
    if (target && o->features.file)
        return err_input(err, "--target-error does not go with --features: windows need the flows");
    if (o->max_paths_given && (!target || windows))
        return err_input(err, "estimate: --max-paths goes with --target-error and --check off");
    return 0;
}

static int check_windows(const EstimateCmd *o, Err *err) {
    Method m = o->estimate.method;
    if (o->check_given && !o->estimate.check.off && m != METHOD_M3 && m != METHOD_SAMPLED)
        return err_input(err, "estimate: --check goes with --method m3 and sampled only");
    if (o->estimate.whole && m != METHOD_FLOWSIM)
        return err_input(err, "estimate: --whole goes with --method flowsim only");
    if (o->estimate.whole && (o->estimate.target.asked > 0 || o->paths_given || o->save_features))
        return err_input(err, "estimate: --whole takes all flows; --paths, --target-error and "
                              "--save-features don't go with it");
    if (m == METHOD_SAMPLED && o->estimate.check.off)
        return err_input(err, "estimate: --method sampled is nothing but --check; expected a "
                              "budget, got off");
    if (m == METHOD_SAMPLED && o->save_features)
        return err_input(err, "estimate: --method sampled has no features to save");
    return features_args_check_budget(&o->features, &o->estimate.check, o->check_given, err);
}

static int check_parsimon(const EstimateCmd *o, Err *err) {
    if (o->estimate.method != METHOD_PARSIMON)
        return o->ecmp_given || o->estimate.cluster
                   ? err_input(err, "estimate: --parsimon-ecmp and --parsimon-cluster go with "
                                    "--method parsimon only")
                   : 0;
    if (o->estimate.target.asked > 0 || o->paths_given || o->save_features || o->features.file ||
        o->estimate.published)
        return err_input(err, "estimate: --method parsimon takes all flows; --paths, "
                              "--target-error, --features, --save-features and --compat "
                              "published don't go with it");
    return 0;
}

static int check(const EstimateCmd *o, Err *err) {
    if (check_parsimon(o, err) != 0) return -1;
    if (check_target(o, err) != 0 || check_windows(o, err) != 0) return -1;
    if (o->features.file && o->save_features)
        return err_input(err, "estimate: --save-features does not go with --features");
    if (o->features.file && o->estimate.exact)
        return err_input(err,
                         "--exact does not go with --features: what was simulated is in the file");
    if (o->features.file)
        return features_args_check(&o->scenario, o->paths_given, o->method_given, err);
    if (scenario_args_check(&o->scenario, "estimate", err) != 0) return -1;
    if (o->estimate.hpcc_ns3 && o->estimate.method != METHOD_PACKET &&
        !estimate_has_windows(&o->estimate))
        return err_input(err, "estimate: --compat hpcc-ns3 goes with --check or --method packet");
    return 0;
}

/* Writes the result to the files asked for, and to stdout unless one of them is. */
static int deliver(EstimateCmd *o, const CliCommon *common, const Estimate *e, ReportMeta *meta,
                   Err *err) {
    Outputs *f = &o->files;
    meta->wall_total_s = diag_now_s() - common->start_s;
    if (f->json.f) report_json(f->json.f, e, meta);
    if (f->csv.f) report_csv(f->csv.f, e);
    if (outputs_commit(f, err) != 0) return -1;
    if (f->to_stdout) return 0;
    if (common->json) report_json(stdout, e, meta);
    else report_table(stdout, e, meta);
    return 0;
}

static int save(EstimateCmd *o, const CliCommon *common, const Scenario *s, const Features *f,
                Err *err) {
    FeaturesSource source;
    if (features_source_init(&source, s, &o->scenario.options, common->command, err) != 0)
        return -1;
    features_write(o->saved.f, f, &source);
    features_source_free(&source);
    return file_out_commit(&o->saved, err);
}

/* estimate_run in two halves, with the features written between them. */
static int run_and_save(EstimateCmd *o, const CliCommon *common, const Scenario *s, Estimate *e,
                        Err *err) {
    Features f;
    if (estimate_features(&f, s, &o->estimate, &common->log, err) != 0) return -1;
    if (estimate_has_windows(&o->estimate) &&
        estimate_saved_windows(&f, s, &o->estimate, err) != 0) {
        features_free(&f);
        return -1;
    }
    int rc = ranks_first(common->ranks) ? save(o, common, s, &f, err) : 0;
    if (rc == 0) rc = estimate_predict(&f, &o->estimate, e, err);
    if (rc == 0) estimate_remark(e, &common->log);
    features_free(&f);
    return rc;
}

static int from_scenario(EstimateCmd *o, const CliCommon *common, const ReportMeta *meta,
                         Err *err) {
    ScenarioOptions *so = &o->scenario.options;
    Scenario s;
    Estimate e;
    o->estimate.fall_back = !o->save_features;
    so->check_conf = estimate_check_conf;
    so->check_ctx = &o->estimate;
    if (scenario_load(&s, so, &common->log, err) != 0) return -1;
    if (o->estimate.method != METHOD_FLOWSIM) {
        scenario_remark(&s, &common->log);
    }
    int rc = o->save_features ? run_and_save(o, common, &s, &e, err)
                              : estimate_run(&s, &o->estimate, &common->log, &e, err);
    if (rc == 0) {
        ReportMeta m = *meta;
        m.mix = so->mix_path;
        m.method = estimate_methods[e.method];
        report_meta_scenario(&m, &s, so->topo_path);
        rc = deliver(o, common, &e, &m, err);
    }
    scenario_free(&s);
    return rc;
}

static int from_features(EstimateCmd *o, const CliCommon *common, ReportMeta *meta, Err *err) {
    NetConf conf;
    Estimate e;
    Features *f = &o->features.features;
    if (features_settings(f, o->scenario.options.set, &conf, err) != 0) return -1;
    features_set_conf(f, &conf, common->threads);
    if (estimate_predict(f, &o->estimate, &e, err) != 0) return -1;
    estimate_remark(&e, &common->log);
    features_args_meta(&o->features, meta);
    meta->conf = &f->conf;
    return deliver(o, common, &e, meta, err);
}

/* What a job of several ranks leaves out. */
static int check_ranks(const EstimateCmd *o, const CliCommon *common, Err *err) {
    if (ranks_several(common->ranks) && o->estimate.whole)
        return err_input(err, "estimate: --whole does not run on several ranks; start it without "
                              "mpirun");
    return features_args_check_ranks(&o->features, &o->scenario, common, err);
}

/* Opens the files that the result goes to. */
static int open_files(EstimateCmd *o, Err *err) {
    if (outputs_open(&o->files, o->out, o->csv, err) != 0) return -1;
    return o->save_features ? file_out_open(&o->saved, o->save_features, err) : 0;
}

static int run(void *state, const CliCommon *common, Err *err) {
    EstimateCmd *o = state;
    char sha256[65];
    ReportMeta meta = {
        .command = common->command, .seed = common->seed, .remarks = common->log.remarks};
    o->scenario.options.seed = o->estimate.seed = common->seed;
    o->scenario.options.threads = o->estimate.threads = common->threads;
    o->estimate.ranks = common->ranks;
    o->scenario.options.max_in_memory =
        o->estimate.whole
            ? 0
            : scenario_args_in_memory(estimate_max_in_memory(o->estimate.method), common);
    if (check(o, err) != 0 || check_ranks(o, common, err) != 0) return -1;
    int rc = ranks_first(common->ranks) ? open_files(o, err) : 0;
    if (ranks_agree(common->ranks, rc, err) != 0) return -1;
    if (features_args_open(&o->features, &o->scenario, common, o->ckpt_path, &o->ckpt, &o->estimate,
                           err) != 0)
        return -1;
    meta.method = estimate_methods[o->estimate.method];
    if (o->out || common->json) estimate_args_ckpt(&meta, o->estimate.ckpt, sha256);
    return o->features.file ? from_features(o, common, &meta, err)
                            : from_scenario(o, common, &meta, err);
}

const CliCommand cmd_estimate = {
    .name = "estimate",
    .summary = "slowdown distributions of a network under a workload",
    .usage = "m3 estimate --topo FILE --mix FILE [options]\n       m3 estimate --topo FILE --flows "
             "FILE [options]\n       m3 estimate "
             "--features FILE [--set KEY=VALUE] [options]",
    .details = "Slowdown is a flow's completion time over its completion time alone in the idle "
               "network, by flow size\n"
               "and overall. The model's estimate is checked against stretches of the run that are "
               "simulated packet\n"
               "by packet, and corrected by them; a small network is simulated whole. In brackets, "
               "a 95 % interval.\n\n"
               "  m3 estimate --topo spec/clos-256-2to1.json --mix spec/demo.json\n"
               "  m3 estimate --mix mix.json --mix-id 7 --n-flows 10M --set window=10KB --out "
               "result.json\n"
               "  m3 estimate --mix mix.json --target-error 1%@p99 --max-paths 20k",
    .options = options,
    .on_ranks = true,
    .state_size = sizeof(EstimateCmd),
    .init = init,
    .set = set,
    .run = run,
    .free = release,
};
