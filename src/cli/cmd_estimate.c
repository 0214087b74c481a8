/* m3 estimate: the main job, from files to a table, JSON and CSV. */
#include <string.h>

#include "cli/estimate_args.h"
#include "cli/features_args.h"
#include "cli/scenario_args.h"

enum {
    PATHS = SCENARIO_N_ARGS,
    TARGET_ERROR,
    MAX_PATHS,
    METHOD,
    EXACT,
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
     "draw paths until the sampling error of a quantile of all flows is at most that: 2% (of p99), "
     "5%@p99.9;\n"
     "half its 95 % interval over the value; the model's own error comes on top",
     "Method"},
    {"max-paths", "N", "with --target-error: draw no more than that (default 10000)", "Method"},
    {"method", "NAME",
     "m3: fluid simulation and model (default); flowsim: fluid simulation alone; packet: packet "
     "simulation",
     "Method"},
    {"exact", NULL,
     "simulate every flow of long paths, too, where the fluid is needed only in spells", "Method"},
    {"ckpt", "DIR", "checkpoint: a folder with model.m3, or a .m3 file (default: ckpts/default)",
     "Method"},
    {"compat", "LIST",
     "published: aggregate as the paper's notebooks do, pooling paths with equal weight;\n"
     "hpcc-ns3 (method packet): packets as in the HPCC authors' ns-3",
     "Method"},
    {"features", "FILE",
     "ask about features that --save-features wrote; with --set for other settings of the network",
     "Features"},
    {"save-features", "FILE", "write what was computed before the model was asked", "Features"},
    {"out", "FILE", "write the result as JSON", "Output"},
    {"csv", "FILE", "write bucket,percentile,slowdown as CSV", "Output"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    ScenarioArgs scenario;
    EstimateOptions estimate;
    bool paths_given, method_given, max_paths_given;
    FeaturesArgs features;
    FileOut saved; /* for save_features */
    const char *ckpt, *save_features, *out, *csv;
} Options;

static int set(void *ctx, int index, const char *value, Err *err) {
    Options *o = ctx;
    if (index < SCENARIO_N_ARGS) return scenario_args_set(&o->scenario, index, value, err);
    switch (index) {
    case PATHS:
        o->paths_given = true;
        o->estimate.n_paths = 0;
        return strcmp(value, "all") == 0
                   ? 0
                   : args_positive(value, "--paths", &o->estimate.n_paths, err);
    case TARGET_ERROR: return estimate_parse_target(value, &o->estimate.target, err);
    case MAX_PATHS:
        o->max_paths_given = true;
        return args_positive(value, "--max-paths", &o->estimate.target.max_paths, err);
    case METHOD:
        o->method_given = true;
        return estimate_parse_method(value, &o->estimate.method, err);
    case EXACT: o->estimate.exact = true; return 0;
    case CKPT: o->ckpt = value; return 0;
    case COMPAT: return estimate_parse_compat(value, &o->estimate, err);
    case FEATURES: o->features.file = value; return 0;
    case SAVE_FEATURES: o->save_features = value; return 0;
    case OUT: o->out = value; return 0;
    default: o->csv = value; return 0;
    }
}

static int check_target(const Options *o, Err *err) {
    bool target = o->estimate.target.asked > 0;
    if (target && o->paths_given)
        return err_input(err, "estimate: expected --paths or --target-error, not both");
    if (target && (o->features.file || o->save_features))
        return err_input(err, "estimate: --target-error draws as it goes on; it doesn't go with "
                              "--features and --save-features");
    if (o->max_paths_given && !target)
        return err_input(err, "estimate: --max-paths goes with --target-error only");
    return 0;
}

static int check(const Options *o, Err *err) {
    if (check_target(o, err) != 0) return -1;
    if (o->features.file && o->save_features)
        return err_input(err, "estimate: --save-features does not go with --features");
    if (o->features.file && o->estimate.exact)
        return err_input(err,
                         "--exact does not go with --features: what was simulated is in the file");
    if (o->features.file)
        return features_args_check(&o->scenario, o->paths_given, o->method_given, err);
    if (scenario_args_check(&o->scenario, "estimate", err) != 0) return -1;
    if (o->estimate.hpcc_ns3 && o->estimate.method != METHOD_PACKET)
        return err_input(err, "estimate: --compat hpcc-ns3 goes with --method packet only");
    return 0;
}

static int deliver(const CliCommon *common, EstimateOutputs *f, const Estimate *e,
                   const ReportMeta *meta, Err *err) {
    if (f->json.f) report_json(f->json.f, e, meta);
    if (f->csv.f) report_csv(f->csv.f, e);
    if (estimate_outputs_commit(f, err) != 0) return -1;
    if (f->to_stdout) return 0;
    if (common->json) report_json(stdout, e, meta);
    else report_table(stdout, e, meta);
    return 0;
}

static int save(Options *o, const CliCommon *common, const Scenario *s, const Features *f,
                Err *err) {
    FeaturesSource source;
    if (features_source(&source, s, &o->scenario.options, common->command, err) != 0) return -1;
    features_write(o->saved.f, f, &source);
    features_source_free(&source);
    return file_out_commit(&o->saved, err);
}

/* estimate_run in two halves, with the features written between them. */
static int run_and_save(Options *o, const CliCommon *common, const Scenario *s, Estimate *e,
                        Err *err) {
    Features f;
    if (estimate_features(&f, s, &o->estimate, &common->log, err) != 0) return -1;
    int rc = save(o, common, s, &f, err);
    if (rc == 0) rc = estimate_predict(&f, &o->estimate, e, err);
    if (rc == 0) estimate_remark(e, &common->log);
    features_free(&f);
    return rc;
}

static int from_scenario(Options *o, const CliCommon *common, EstimateOutputs *files,
                         ReportMeta *meta, double start_s, Err *err) {
    Scenario s;
    Estimate e;
    if (scenario_load(&s, &o->scenario.options, &common->log, err) != 0) return -1;
    int rc = o->save_features ? run_and_save(o, common, &s, &e, err)
                              : estimate_run(&s, &o->estimate, &common->log, &e, err);
    if (rc == 0) {
        meta->mix = o->scenario.options.mix_path;
        meta->topo = o->scenario.options.topo_path ? o->scenario.options.topo_path : s.topo.name;
        meta->wall_read_s = s.wall_read_s;
        meta->wall_total_s = diag_now_s() - start_s;
        rc = deliver(common, files, &e, meta, err);
    }
    scenario_free(&s);
    return rc;
}

static int from_features(Options *o, const CliCommon *common, EstimateOutputs *files,
                         ReportMeta *meta, double start_s, Err *err) {
    NetConf conf;
    Estimate e;
    Features *f = &o->features.features;
    if (features_settings(f, o->scenario.options.set, &conf, err) != 0) return -1;
    features_set_conf(f, &conf, common->threads);
    if (estimate_predict(f, &o->estimate, &e, err) != 0) return -1;
    estimate_remark(&e, &common->log);
    features_args_meta(&o->features, meta);
    meta->wall_total_s = diag_now_s() - start_s;
    return deliver(common, files, &e, meta, err);
}

static int estimate(Options *o, const CliCommon *common, Err *err) {
    Ckpt ckpt = {0};
    EstimateOutputs files = {0};
    char sha256[65];
    ReportMeta meta = {.command = common->command, .seed = common->seed};
    double start_s = diag_now_s();
    int rc = check(o, err);
    if (rc == 0) rc = estimate_outputs_open(&files, o->out, o->csv, err);
    if (rc == 0 && o->save_features) rc = file_out_open(&o->saved, o->save_features, err);
    if (rc == 0)
        rc = features_args_open(&o->features, &o->scenario, common, o->ckpt, &ckpt, &o->estimate,
                                err);
    if (rc == 0) {
        meta.method = estimate_methods[o->estimate.method];
        if (o->out || common->json) estimate_meta_ckpt(&meta, o->estimate.ckpt, sha256);
        rc = o->features.file ? from_features(o, common, &files, &meta, start_s, err)
                              : from_scenario(o, common, &files, &meta, start_s, err);
    }
    estimate_outputs_abort(&files);
    file_out_abort(&o->saved);
    features_args_close(&o->features);
    ckpt_free(&ckpt);
    return rc;
}

static int run(int argc, char **argv) {
    CliCommon common;
    Err err = {0};
    Options o = {
        .estimate = {.n_paths = 500,
                     .target = {.quantile = ESTIMATE_P99, .max_paths = ESTIMATE_MAX_PATHS}}};
    scenario_args_init(&o.scenario);
    int rc = cli_parse(&cmd_estimate, argc, argv, &common, set, &o, NULL, 0, NULL);
    if (rc < 0) {
        o.scenario.options.seed = o.estimate.seed = common.seed;
        o.scenario.options.threads = o.estimate.threads = common.threads;
        o.scenario.options.max_in_memory = estimate_max_in_memory(o.estimate.method);
        rc = estimate(&o, &common, &err) == 0 ? 0 : cli_fail(&err);
        cli_done(&common);
    }
    scenario_args_free(&o.scenario);
    return rc;
}

const CliCommand cmd_estimate = {
    .name = "estimate",
    .summary = "slowdown distributions of a network under a workload",
    .usage = "m3 estimate --topo FILE --mix FILE [options]\n       m3 estimate --topo FILE --flows "
             "FILE [options]\n       m3 estimate "
             "--features FILE [--set KEY=VALUE] [options]",
    .details = "Slowdown is a flow's completion time over its completion time alone in the idle "
               "network, by flow size\n"
               "and overall. In brackets, a 95 % interval: the error of sampling paths, and of the "
               "model if measured.\n\n"
               "  m3 estimate --topo spec/clos-256-2to1.json --mix spec/demo.json\n"
               "  m3 estimate --mix mix.json --mix-id 7 --n-flows 10M --set window=10KB --out "
               "result.json\n"
               "  m3 estimate --mix mix.json --target-error 1%@p99 --max-paths 20k",
    .options = options,
    .run = run,
};
