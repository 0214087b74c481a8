/* m3 estimate: the main job, from files to a table, JSON and CSV. */
#include <stdlib.h>
#include <string.h>

#include "app/estimate.h"
#include "app/report.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
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

static const char *const methods[] = {"m3", "flowsim", "packet", NULL}; /* in the order of Method */

typedef struct {
    ScenarioArgs scenario;
    EstimateOptions estimate;
    const char *ckpt, *out, *csv;
} Options;

static int parse_method(const char *value, Method *method, Err *err) {
    for (int i = 0; methods[i]; i++)
        if (strcmp(value, methods[i]) == 0) {
            *method = (Method)i;
            return 0;
        }
    const char *near = json_nearest(value, methods);
    return err_input(err, "--method: expected m3, flowsim or packet, got '%.40s'%s%s%s", value, near ? ", did you mean " : "",
                     near ? near : "", near ? "?" : "");
}

static bool is_word(const char *s, size_t n, const char *word) { return n == strlen(word) && strncmp(s, word, n) == 0; }

/* "published", "hpcc-ns3" or both, with a comma. */
static int parse_compat(const char *value, EstimateOptions *e, Err *err) {
    for (const char *s = value;; s++) {
        size_t n = strcspn(s, ",");
        if (is_word(s, n, "published")) e->published = true;
        else if (is_word(s, n, "hpcc-ns3")) e->hpcc_ns3 = true;
        else return err_input(err, "--compat: expected published or hpcc-ns3, got '%.*s'", n < 40 ? (int)n : 40, s);
        s += n;
        if (*s == '\0') return 0;
    }
}

static int set(void *ctx, int index, const char *value, Err *err) {
    Options *o = ctx;
    if (index < SCENARIO_N_ARGS) return scenario_args_set(&o->scenario, index, value, err);
    switch (index) {
    case PATHS: o->estimate.n_paths = 0; return strcmp(value, "all") == 0 ? 0 : args_positive(value, "--paths", &o->estimate.n_paths, err);
    case METHOD: return parse_method(value, &o->estimate.method, err);
    case CKPT: o->ckpt = value; return 0;
    case COMPAT: return parse_compat(value, &o->estimate, err);
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

static bool to_stdout(const char *path) { return path && strcmp(path, "-") == 0; }

/* Opened before the work begins: an unwritable name should not cost a minute's computing. */
typedef struct {
    FileOut json, csv;
} Outputs;

static int outputs_open(Outputs *f, const Options *o, Err *err) {
    if (o->out && file_out_open(&f->json, o->out, err) != 0) return -1;
    if (o->csv && file_out_open(&f->csv, o->csv, err) != 0) return -1;
    return 0;
}

static int outputs_write(Outputs *f, const Estimate *e, const ReportMeta *meta, Err *err) {
    if (f->json.f) report_json(f->json.f, e, meta);
    if (f->csv.f) report_csv(f->csv.f, e);
    if (f->json.f && file_out_commit(&f->json, err) != 0) return -1;
    return f->csv.f ? file_out_commit(&f->csv, err) : 0;
}

static void print_result(const Options *o, const CliCommon *common, const Estimate *e, const ReportMeta *meta) {
    if (to_stdout(o->out) || to_stdout(o->csv)) return;
    if (common->json) report_json(stdout, e, meta);
    else report_table(stdout, e, meta);
}

/* From a checkpoint and open outputs to a result that is delivered. */
static int compute(Options *o, const CliCommon *common, Outputs *files, const Ckpt *ckpt, double start_s, Err *err) {
    Scenario scenario = {0};
    Estimate result;
    char sha256[65];
    ReportMeta meta = {
        .command = common->command, .mix = o->scenario.options.mix_path, .method = methods[o->estimate.method], .seed = common->seed};
    o->estimate.ckpt = ckpt;
    int rc = scenario_load(&scenario, &o->scenario.options, &common->log, err);
    if (rc == 0) rc = estimate_run(&scenario, &o->estimate, &common->log, &result, err);
    if (rc == 0) {
        meta.wall_total_s = diag_now_s() - start_s;
        meta.wall_read_s = scenario.wall_read_s;
        meta.topo = o->scenario.options.topo_path ? o->scenario.options.topo_path : scenario.topo.name;
        if (o->estimate.method == METHOD_M3 && (o->out || common->json)) {
            ckpt_sha256(ckpt, sha256);
            meta.ckpt_name = ckpt->name;
            meta.ckpt_sha256 = sha256;
        }
        rc = outputs_write(files, &result, &meta, err);
    }
    if (rc == 0) print_result(o, common, &result, &meta);
    scenario_free(&scenario);
    return rc;
}

static int estimate(Options *o, const CliCommon *common, Err *err) {
    Ckpt ckpt = {0};
    Outputs files = {0};
    double start_s = diag_now_s();
    int rc = check(o, err);
    if (rc == 0) rc = outputs_open(&files, o, err);
    /* The small file first: a wrong checkpoint should not cost the reading of ten million flows. */
    if (rc == 0 && o->estimate.method == METHOD_M3) rc = estimate_load_ckpt(&ckpt, o->ckpt, err);
    if (rc == 0) rc = compute(o, common, &files, &ckpt, start_s, err);
    file_out_abort(&files.json);
    file_out_abort(&files.csv);
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
