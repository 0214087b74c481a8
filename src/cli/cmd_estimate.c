/* m3 estimate: the main job, from files to a table, JSON and CSV. */
#include <string.h>

#include "cli/estimate_args.h"
#include "cli/scenario_args.h"

enum { PATHS = SCENARIO_N_ARGS, METHOD, CKPT, COMPAT, OUT, CSV };
static const CliOption options[] = {
    SCENARIO_ARGS("window=18KB, cc=dcqcn, max_load=0.5"),
    {"paths", "N|all", "paths to draw, in proportion to their flows (default 500)", "Method"},
    {"method", "NAME", "m3: fluid simulation and model (default); flowsim: fluid simulation alone; packet: packet simulation", "Method"},
    {"ckpt", "DIR", "checkpoint: a folder with model.m3, or a .m3 file (default: ckpts/default)", "Method"},
    {"compat", "LIST",
     "published: aggregate as the paper's notebooks do, pooling paths with equal weight;\n"
     "hpcc-ns3 (method packet): packets as in the HPCC authors' ns-3",
     "Method"},
    {"out", "FILE", "write the result as JSON", "Output"},
    {"csv", "FILE", "write bucket,percentile,slowdown as CSV", "Output"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    ScenarioArgs scenario;
    EstimateOptions estimate;
    const char *ckpt, *out, *csv;
} Options;

static int set(void *ctx, int index, const char *value, Err *err) {
    Options *o = ctx;
    if (index < SCENARIO_N_ARGS) return scenario_args_set(&o->scenario, index, value, err);
    switch (index) {
    case PATHS: o->estimate.n_paths = 0; return strcmp(value, "all") == 0 ? 0 : args_positive(value, "--paths", &o->estimate.n_paths, err);
    case METHOD: return estimate_parse_method(value, &o->estimate.method, err);
    case CKPT: o->ckpt = value; return 0;
    case COMPAT: return estimate_parse_compat(value, &o->estimate, err);
    case OUT: o->out = value; return 0;
    default: o->csv = value; return 0;
    }
}

static int check(const Options *o, Err *err) {
    if (scenario_args_check(&o->scenario, "estimate", err) != 0) return -1;
    if (o->estimate.hpcc_ns3 && o->estimate.method != METHOD_PACKET)
        return err_input(err, "estimate: --compat hpcc-ns3 goes with --method packet only");
    return 0;
}

static int deliver(const CliCommon *common, EstimateOutputs *f, const Estimate *e, const ReportMeta *meta, Err *err) {
    if (f->json.f) report_json(f->json.f, e, meta);
    if (f->csv.f) report_csv(f->csv.f, e);
    if (estimate_outputs_commit(f, err) != 0) return -1;
    if (f->to_stdout) return 0;
    if (common->json) report_json(stdout, e, meta);
    else report_table(stdout, e, meta);
    return 0;
}

/* From a checkpoint and open outputs to a result that is delivered. */
static int compute(Options *o, const CliCommon *common, EstimateOutputs *files, const Ckpt *ckpt, double start_s, Err *err) {
    Scenario scenario = {0};
    Estimate result;
    char sha256[65];
    ReportMeta meta = {.command = common->command,
                       .mix = o->scenario.options.mix_path,
                       .method = estimate_methods[o->estimate.method],
                       .seed = common->seed};
    o->estimate.ckpt = ckpt;
    int rc = scenario_load(&scenario, &o->scenario.options, &common->log, err);
    if (rc == 0) rc = estimate_run(&scenario, &o->estimate, &common->log, &result, err);
    if (rc == 0) {
        meta.wall_total_s = diag_now_s() - start_s;
        meta.wall_read_s = scenario.wall_read_s;
        meta.topo = o->scenario.options.topo_path ? o->scenario.options.topo_path : scenario.topo.name;
        if (o->out || common->json) estimate_meta_ckpt(&meta, o->estimate.method == METHOD_M3 ? ckpt : NULL, sha256);
        rc = deliver(common, files, &result, &meta, err);
    }
    scenario_free(&scenario);
    return rc;
}

static int estimate(Options *o, const CliCommon *common, Err *err) {
    Ckpt ckpt = {0};
    EstimateOutputs files = {0};
    double start_s = diag_now_s();
    int rc = check(o, err);
    if (rc == 0) rc = estimate_outputs_open(&files, o->out, o->csv, err);
    /* The small file first: a wrong checkpoint should not cost the reading of ten million flows. */
    if (rc == 0 && o->estimate.method == METHOD_M3) rc = estimate_load_ckpt(&ckpt, o->ckpt, err);
    if (rc == 0) rc = compute(o, common, &files, &ckpt, start_s, err);
    estimate_outputs_abort(&files);
    ckpt_free(&ckpt);
    return rc;
}

static int run(int argc, char **argv) {
    CliCommon common;
    Err err = {0};
    Options o = {.estimate = {.n_paths = 500}};
    scenario_args_init(&o.scenario);
    int rc = cli_parse(&cmd_estimate, argc, argv, &common, set, &o, NULL, 0, NULL);
    if (rc < 0) {
        o.scenario.options.seed = o.estimate.seed = common.seed;
        o.scenario.options.threads = o.estimate.threads = common.threads;
        rc = estimate(&o, &common, &err) == 0 ? 0 : cli_fail(&err);
        cli_done(&common);
    }
    scenario_args_free(&o.scenario);
    return rc;
}

const CliCommand cmd_estimate = {
    .name = "estimate",
    .summary = "slowdown distributions of a network under a workload",
    .usage = "m3 estimate --topo FILE --mix FILE [options]\n       m3 estimate --topo FILE --flows FILE [options]",
    .details = "Slowdown is a flow's completion time over its completion time alone in the idle network, by flow size\n"
               "and overall. In brackets, a 95 % interval: the error of sampling paths, and of the model if measured.\n\n"
               "  m3 estimate --topo spec/clos-256-2to1.json --mix spec/demo.json\n"
               "  m3 estimate --mix mix.json --mix-id 7 --n-flows 10M --set window=10KB --out result.json",
    .options = options,
    .run = run,
};
