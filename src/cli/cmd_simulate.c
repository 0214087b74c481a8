/* m3 simulate: packet-level simulation of a network, from files to per-flow completion times. */
#include <stdlib.h>
#include <string.h>

#include "app/spec.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/sim_report.h"
#include "cli/sim_trace.h"
#include "packet/pktsim.h"

enum { TOPO, MIX, MIX_ID, FLOWS, N_FLOWS, DURATION, SET, CC, COMPAT, STOP, OUT, TRACE, TRACE_FLOW, TRACE_PORT };
static const CliOption options[] = {
    {"topo", "FILE", "topology: cluster JSON, Clos or nodes/links JSON, HPCC topology.txt (default: the mix's)", "Input"},
    {"mix", "FILE", "workload and network settings: mix JSON", "Input"},
    {"mix-id", "N", "which mix of a file with several: its \"id\" (default: the first)", "Input"},
    {"flows", "FILE", "flows to take instead of drawing them from the mix: CSV or HPCC flow file", "Input"},
    {"n-flows", "N", "flows to draw (default: the mix's, else 1M)", "Input"},
    {"duration", "TIME", "draw flows for that long instead, e.g. 5s", "Input"},
    {"set", "KEY=VALUE", "override a setting of the mix, e.g. window=18KB, cc=dcqcn, pfc=off; repeatable", "Input"},
    {"cc", "NAME", "congestion control: dctcp, dcqcn, hp, timely, or none, limited by\nthe window alone (default: the mix's)",
     "Simulation"},
    {"compat", "hpcc-ns3", "behave as the HPCC authors' ns-3 in every detail, accidents included", "Simulation"},
    {"stop", "TIME", "end at that time after the first flow's start (default: when nothing moves any more)", "Simulation"},
    {"out", "FILE", "flows with fct_ns and ideal_fct_ns as CSV; - is stdout", "Output"},
    {"trace", "FILE", "packet events as CSV: large; narrow it down with the next two", "Output"},
    {"trace-flow", "ID", "only packets of that flow", "Output"},
    {"trace-port", "FROM-TO", "only packets on the link between these nodes, in that direction", "Output"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    ScenarioOptions scenario;
    PktOptions sim;
    const char *out, *trace, *trace_flow, *trace_port;
    const char **set; /* NULL-ended once parsed */
    size_t n_set, set_cap;
} Options;

static int parse_positive(const char *value, const char *what, uint64_t *n, Err *err) {
    if (units_parse_count(value, what, n, err) != 0) return -1;
    return *n > 0 ? 0 : err_input(err, "%s: must be at least 1, got %.40s", what, value);
}

/* A bare number would be in nanoseconds, which nobody means here. */
static int parse_span(const char *value, const char *what, double *ns, Err *err) {
    if (strspn(value, "0123456789.eE+-") == strlen(value))
        return err_input(err, "%s: expected a time with a unit like 5s, got '%.40s'", what, value);
    if (units_parse_time(value, what, ns, err) != 0) return -1;
    return *ns > 0 ? 0 : err_input(err, "%s: must be above 0, got %.40s", what, value);
}

static int add_setting(Options *o, const char *value) {
    MEM_GROW(o->set, o->set_cap, o->n_set + 2);
    o->set[o->n_set++] = value;
    o->set[o->n_set] = NULL;
    return 0;
}

static int set(void *ctx, int index, const char *value, Err *err) {
    Options *o = ctx;
    uint64_t id;
    double ns;
    switch (index) {
    case TOPO: o->scenario.topo_path = value; return 0;
    case MIX: o->scenario.mix_path = value; return 0;
    case MIX_ID:
        if (units_parse_count(value, "--mix-id", &id, err) != 0) return -1;
        o->scenario.mix_id = (int64_t)id;
        return 0;
    case FLOWS: o->scenario.flows_path = value; return 0;
    case N_FLOWS: return parse_positive(value, "--n-flows", &o->scenario.n_flows, err);
    case DURATION:
        if (parse_span(value, "--duration", &ns, err) != 0) return -1;
        o->scenario.duration_s = ns / 1e9;
        return 0;
    case SET: return add_setting(o, value);
    case CC: o->sim.cc = value; return pktsim_check_cc(value, err);
    case COMPAT:
        o->sim.compat = true;
        return strcmp(value, "hpcc-ns3") == 0 ? 0 : err_input(err, "--compat: expected hpcc-ns3, got '%.40s'", value);
    case STOP: return parse_span(value, "--stop", &o->sim.stop_ns, err);
    case OUT: o->out = value; return 0;
    case TRACE: o->trace = value; return 0;
    case TRACE_FLOW: o->trace_flow = value; return 0;
    default: o->trace_port = value; return 0;
    }
}

static bool is_stdout(const char *path) { return path && strcmp(path, "-") == 0; }

static int check(const Options *o, const CliCommon *common, Err *err) {
    const ScenarioOptions *s = &o->scenario;
    if (!s->mix_path && !s->flows_path) return err_input(err, "simulate: expected --mix FILE or --flows FILE; see 'm3 simulate --help'");
    if (!s->topo_path && !s->mix_path) return err_input(err, "simulate: expected --topo FILE beside --flows; see 'm3 simulate --help'");
    if (s->flows_path && (s->n_flows || s->duration_s > 0))
        return err_input(err, "simulate: --n-flows and --duration are for drawn flows; they don't go with --flows");
    if (s->n_flows && s->duration_s > 0) return err_input(err, "simulate: expected --n-flows or --duration, not both");
    if ((o->trace_flow || o->trace_port) && !o->trace) return err_input(err, "simulate: --trace-flow and --trace-port need --trace FILE");
    if (common->json + is_stdout(o->out) + is_stdout(o->trace) > 1)
        return err_input(err, "simulate: only one of --json, --out - and --trace - can have stdout");
    return 0;
}

/* An unwritable name should not cost a simulation. */
static int check_out(const char *path, Err *err) {
    FileOut probe;
    if (!path || is_stdout(path)) return 0;
    if (file_out_open(&probe, path, err) != 0) return -1;
    file_out_abort(&probe);
    return 0;
}

static void report(const Options *o, const SimReport *r) {
    bool stdout_taken = is_stdout(o->out) || is_stdout(o->trace);
    if (r->common->json) sim_report_json(stdout, r);
    else if (!stdout_taken) sim_report_table(stdout, r);
    else if (r->common->log.level > LOG_QUIET) sim_report_table(stderr, r);
}

/* The columns of the result go into the flows. */
static void keep_times(Scenario *s, bool compat, double *fct_ns) {
    free(s->flows.fct_ns);
    s->flows.fct_ns = fct_ns;
    if (!s->flows.ideal_fct_ns) s->flows.ideal_fct_ns = MEM_NEW(double, s->flows.n);
    pktsim_ideal(s->route, &s->flows, compat, s->flows.ideal_fct_ns);
}

static int simulate_scenario(Options *o, const CliCommon *common, Scenario *s, double start_s, Err *err) {
    FileOut trace_file = {0};
    SimTrace trace;
    PktStats stats;
    if (o->trace) {
        if (file_out_open(&trace_file, o->trace, err) != 0) return -1;
        o->sim.trace = sim_trace_event;
        o->sim.trace_ctx = &trace;
    }
    double *fct_ns = MEM_NEW(double, s->flows.n);
    int rc = o->trace ? sim_trace_init(&trace, trace_file.f, &s->topo, &s->flows, o->trace_flow, o->trace_port, err) : 0;
    if (rc == 0) rc = pktsim_run(s->route, &s->flows, &s->net, &o->sim, fct_ns, &stats, err);
    keep_times(s, o->sim.compat, fct_ns);
    if (rc == 0 && o->trace) rc = file_out_commit(&trace_file, err);
    else file_out_abort(&trace_file);
    if (rc == 0 && o->out) rc = flows_save_csv(&s->flows, o->out, &s->topo, err);
    if (rc != 0) return -1;
    report(o, &(SimReport){.scenario = s,
                           .stats = &stats,
                           .common = common,
                           .cc = o->sim.cc ? o->sim.cc : cc_name(s->net.cc),
                           .compat = o->sim.compat,
                           .wall_total_s = diag_now_s() - start_s});
    return 0;
}

static int simulate(Options *o, const CliCommon *common, Err *err) {
    Scenario scenario = {0};
    double start_s = diag_now_s();
    if (check(o, common, err) != 0 || check_out(o->out, err) != 0) return -1;
    int rc = scenario_load(&scenario, &o->scenario, &common->log, err);
    if (rc == 0) rc = simulate_scenario(o, common, &scenario, start_s, err);
    scenario_free(&scenario);
    return rc;
}

static int run(int argc, char **argv) {
    CliCommon common;
    Err err = {0};
    Options o = {.scenario = {.mix_id = -1}};
    int rc = cli_parse(&cmd_simulate, argc, argv, &common, set, &o, NULL, 0, NULL);
    if (rc < 0) {
        o.scenario.set = o.set;
        o.scenario.seed = o.sim.seed = common.seed;
        o.scenario.threads = common.threads;
        o.sim.log = &common.log;
        rc = simulate(&o, &common, &err) == 0 ? 0 : cli_fail(&err);
        cli_done(&common);
    }
    free(o.set);
    return rc;
}

const CliCommand cmd_simulate = {
    .name = "simulate",
    .summary = "packet-level simulation: the truth, where there are minutes for it",
    .usage = "m3 simulate --topo FILE --flows FILE [options]\n       m3 simulate --topo FILE --mix FILE [options]",
    .details = "Every packet and ACK, queue, mark and pause; one core. Per-flow times go to --out, a summary to stdout.\n\n"
               "  m3 simulate --topo spec/clos-256-2to1.json --mix spec/demo.json --n-flows 100k --out flows.csv\n"
               "  m3 simulate --topo topology.txt --flows flows.csv --set cc=hp --compat hpcc-ns3 --json\n"
               "  m3 simulate --topo topology.txt --flows flows.csv --trace t.csv --trace-flow 7",
    .options = options,
    .run = run,
};
