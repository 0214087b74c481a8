/* m3 simulate: packet-level simulation of a network, from files to per-flow completion times.
 *
 * Flows go to --out with two more columns, fct_ns and ideal_fct_ns; a summary goes to stdout, or to
 * stderr where stdout has the flows, the trace or the series. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/units.h"
#include "cli/scenario_args.h"
#include "cli/sim_series.h"
#include "cli/sim_trace.h"
#include "cli/value.h"
#include "estimate/sim_links.h"
#include "estimate/sim_report.h"
#include "packet/pktsim.h"
#include "scenario/scenario.h"

enum {
    CC = SCENARIO_N_ARGS,
    COMPAT,
    STOP,
    OUT,
    TRACE,
    TRACE_FLOW,
    TRACE_PORT,
    SERIES,
    SERIES_OUT,
    SERIES_PORTS,
    LINKS,
    LINKS_TOP
};
static const CliOption options[] = {
    SCENARIO_ARGS("window=18KB, cc=dcqcn, pfc=off"),
    {"cc", "NAME", "congestion control (default: the mix's): a name of 'm3 help settings'",
     "Simulation"},
    {"compat", "hpcc-ns3", "behave as the HPCC authors' ns-3 in every detail, quirks included",
     "Simulation"},
    {"stop", "TIME",
     "end at that time after the first flow's start (default: when no event is left)",
     "Simulation"},
    {"out", "FILE",
     "flows with fct_ns and ideal_fct_ns as CSV (- is stdout),\nor binary if FILE ends in .m3f",
     "Output"},
    {"trace", "FILE", "packet events as CSV: large; narrow it down with the next two", "Output"},
    {"trace-flow", "ID", "only packets of that flow", "Output"},
    {"trace-port", "FROM-TO", "only packets on the link between these nodes, in that direction",
     "Output"},
    {"series", "INTERVAL",
     "a row of CSV for each such time and group of links: utilisation, goodput,\nqueue, marks, "
     "drops, pauses",
     "Output"},
    {"series-out", "FILE", "where these go (default: stdout)", "Output"},
    {"series-ports", "LIST",
     "tiers: a row for each direction between tiers, as host-tor (default);\nall: for each two "
     "linked nodes; or of these, e.g. tor-host,0-256 (FROM-TO)",
     "Output"},
    {"links", "FILE",
     "a row of CSV for each link: utilisation, queue percentiles, marks, losses, pauses", "Output"},
    {"links-top", "N|all",
     "busiest links and longest queues to list in the summary and --json\n(default with --links: "
     "10); needs no --links",
     "Output"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    ScenarioArgs scenario;
    PktOptions sim;
    const char *out, *trace, *trace_flow, *trace_port;
    FileOut trace_file;
    SimTrace tracer;
    double series_ns; /* 0: no series */
    const char *series_out, *series_ports;
    FileOut series_file;
    SimSeries series;
    const char *links_out;
    FileOut links_file;
    bool links; /* what each link did is asked for: */
    LinkStats *link_stats;
    uint32_t n_top_links;
} SimulateCmd;

static void init(void *state) {
    SimulateCmd *o = state;
    scenario_args_init(&o->scenario);
    o->n_top_links = 10;
}

static void release(void *state) {
    SimulateCmd *o = state;
    file_out_abort(&o->trace_file);
    file_out_abort(&o->series_file);
    file_out_abort(&o->links_file);
    free(o->link_stats);
    sim_series_free(&o->series);
    scenario_args_free(&o->scenario);
}

/* An interval is at least a tick of any run, 1 ns in compat. */
static int set_interval(SimulateCmd *o, const char *value, Err *err) {
    if (value_span(value, "--series", &o->series_ns, err) != 0) return -1;
    return o->series_ns >= 1 ? 0
                             : err_input(err, "--series: must be at least 1ns, got %.40s", value);
}

static int set_links_top(SimulateCmd *o, const char *value, Err *err) {
    size_t n;
    o->links = true;
    if (value_count_or_all(value, "--links-top", UINT32_MAX, &n, err) != 0) return -1;
    o->n_top_links = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    return 0;
}

static int set(void *state, int option, const char *value, Err *err) {
    SimulateCmd *o = state;
    if (option < SCENARIO_N_ARGS) return scenario_args_set(&o->scenario, option, value, err);
    switch (option) {
    case CC: o->sim.cc = value; return pktsim_check_cc(value, err);
    case COMPAT:
        o->sim.compat = true;
        return strcmp(value, "hpcc-ns3") == 0
                   ? 0
                   : err_input(err, "--compat: expected hpcc-ns3, got '%.40s'", value);
    case STOP: return value_span(value, "--stop", &o->sim.stop_ns, err);
    case OUT: o->out = value; return 0;
    case TRACE: o->trace = value; return 0;
    case TRACE_FLOW: o->trace_flow = value; return 0;
    case TRACE_PORT: o->trace_port = value; return 0;
    case SERIES: return set_interval(o, value, err);
    case SERIES_OUT: o->series_out = value; return 0;
    case SERIES_PORTS: o->series_ports = value; return 0;
    case LINKS:
        o->links = true;
        o->links_out = value;
        return 0;
    default: return set_links_top(o, value, err);
    }
}

static bool series_to_stdout(const SimulateCmd *o) {
    return o->series_ns > 0 && (!o->series_out || file_is_stdout(o->series_out));
}

static int check(const SimulateCmd *o, const CliCommon *common, Err *err) {
    if (scenario_args_check(&o->scenario, "simulate", err) != 0 ||
        scenario_args_check_ranks(&o->scenario, common, NULL, err) != 0)
        return -1;
    if ((o->trace_flow || o->trace_port) && !o->trace)
        return err_input(err, "simulate: --trace-flow and --trace-port need --trace FILE");
    if ((o->series_out || o->series_ports) && o->series_ns == 0)
        return err_input(err, "simulate: --series-out and --series-ports need --series INTERVAL");
    if (common->json + file_is_stdout(o->out) + file_is_stdout(o->trace) +
            file_is_stdout(o->links_out) + series_to_stdout(o) >
        1)
        return err_input(err,
                         "simulate: only one of --json, --out -, --trace -, --links - and --series "
                         "(without --series-out FILE) can have stdout");
    return 0;
}

/* Refuses a name that can't be written before the simulation rather than after it. */
static int check_out(const char *path, Err *err) {
    FileOut probe;
    if (!path || file_is_stdout(path)) return 0;
    if (file_out_open(&probe, path, err) != 0) return -1;
    file_out_abort(&probe);
    return 0;
}

static void report(const SimulateCmd *o, const CliCommon *common, const SimReport *r) {
    bool stdout_taken = file_is_stdout(o->out) || file_is_stdout(o->trace) ||
                        file_is_stdout(o->links_out) || series_to_stdout(o);
    if (common->json) sim_report_json(stdout, r);
    else if (!stdout_taken) sim_report_table(stdout, r);
    else if (common->log.level > LOG_QUIET) sim_report_table(stderr, r);
}

/* Opens the trace, if one is asked for, and finds what it is narrowed down to. */
static int open_trace(SimulateCmd *o, const Scenario *s, Err *err) {
    if (!o->trace) return 0;
    o->sim.trace = sim_trace_event;
    o->sim.trace_ctx = &o->tracer;
    if (file_out_open(&o->trace_file, o->trace, err) != 0) return -1;
    return sim_trace_init(&o->tracer, o->trace_file.f, &s->topo, &s->flows, o->trace_flow,
                          o->trace_port, err);
}

/* Opens the series' file; its links are found when the network is known. */
static int open_series(SimulateCmd *o, Err *err) {
    if (o->series_ns == 0) return 0;
    return file_out_open(&o->series_file, series_to_stdout(o) ? "-" : o->series_out, err);
}

static int begin_series(SimulateCmd *o, const Topo *topo, Err *err) {
    if (o->series_ns == 0) return 0;
    o->sim.series = &o->series.spec;
    return sim_series_init(&o->series, o->series_file.f, o->series_ns, topo,
                           o->series_ports ? o->series_ports : "tiers", err);
}

/* Opens the file for what links did before the simulation, which may take long. */
static int open_links(SimulateCmd *o, Err *err) {
    return o->links_out ? file_out_open(&o->links_file, o->links_out, err) : 0;
}

static int write_links(SimulateCmd *o, const Topo *topo, Err *err) {
    if (!o->links_out) return 0;
    sim_links_csv(o->links_file.f, topo, o->link_stats);
    return file_out_commit(&o->links_file, err);
}

/* Says on how many of its threads or ranks the run was, if not on all. */
static void remark_share(const CliCommon *common, const PktParallel *p) {
    int used = p->n_threads > 0 ? p->n_threads : 1;
    if (ranks_several(common->ranks)) {
        if (p->n_ranks < common->ranks->size)
            log_note(&common->log, "simulated on %d of %d ranks: %s", p->n_ranks,
                     common->ranks->size, p->why_fewer);
    } else if (common->threads > used && p->why_fewer) {
        log_note(&common->log, "simulated on %d of %d threads: %s", used, common->threads,
                 p->why_fewer);
    }
}

/* Writes what the run has found. */
static int put_out(SimulateCmd *o, const CliCommon *common, Scenario *s, const PktStats *stats,
                   Err *err) {
    int rc = 0;
    if (o->trace) rc = file_out_commit(&o->trace_file, err);
    if (rc == 0 && o->series_ns > 0) rc = file_out_commit(&o->series_file, err);
    if (rc == 0) rc = write_links(o, &s->topo, err);
    if (rc == 0 && o->out) rc = flows_save(&s->flows, o->out, &s->topo, err);
    if (rc != 0) return -1;
    remark_share(common, &stats->parallel);
    report(o, common,
           &(SimReport){.scenario = s,
                        .stats = stats,
                        .command = common->command,
                        .seed = common->seed,
                        .cc = o->sim.cc ? o->sim.cc : netconf_cc_name(s->conf.cc),
                        .compat = o->sim.compat,
                        .links = o->link_stats,
                        .n_top_links = o->n_top_links,
                        .parallel = common->log.level == LOG_VERBOSE,
                        .wall_total_s = diag_now_s() - common->start_s});
    return 0;
}

/* Of several ranks, only the first opens and writes files. */
static int simulate(SimulateCmd *o, const CliCommon *common, Scenario *s, Err *err) {
    PktStats stats;
    bool first = ranks_first(common->ranks);
    if (first && (open_trace(o, s, err) != 0 || begin_series(o, &s->topo, err) != 0)) return -1;
    if (!first && (o->trace || o->series_ns > 0 || o->links || s->flows.graph || s->timeline))
        return 0;
    o->sim.timeline = s->timeline;
    if (o->links) o->sim.links = o->link_stats = MEM_NEW(LinkStats, s->topo.n_links);
    int rc = pktsim_simulate(s->route, &s->flows, &s->conf, &o->sim, &stats, err);
    return rc == 0 && first ? put_out(o, common, s, &stats, err) : rc;
}

static int run(void *state, const CliCommon *common, Err *err) {
    SimulateCmd *o = state;
    Scenario scenario = {0};
    o->scenario.options.closed_loop = true;
    o->scenario.options.seed = o->sim.seed = common->seed;
    o->scenario.options.threads = common->threads;
    o->sim.threads = par_resolve(common->threads);
    o->sim.log = &common->log;
    o->sim.ranks = common->ranks;
    if (check(o, common, err) != 0) return -1;
    if (ranks_first(common->ranks) &&
        (check_out(o->out, err) != 0 || open_series(o, err) != 0 || open_links(o, err) != 0))
        return -1;
    int rc = scenario_load(&scenario, &o->scenario.options, &common->log, err);
    rc = ranks_agree(common->ranks, rc, err); /* none fails by itself from here on */
    if (rc == 0) {
        scenario_remark(&scenario, &common->log);
    }
    if (rc == 0) rc = simulate(o, common, &scenario, err);
    scenario_free(&scenario);
    return rc;
}

const CliCommand cmd_simulate = {
    .name = "simulate",
    .summary = "packet-level simulation: the truth, where there are minutes for it",
    .usage = "m3 simulate --topo FILE --flows FILE [options]\n       m3 simulate --topo FILE --mix "
             "FILE [options]",
    .details =
        "Every packet and ACK, queue, mark and pause. Per-flow times go to --out, a summary to "
        "stdout.\nThreads share the network where that is faster (not under dcqcn); -v says how. "
        "The results are the same bytes.\nSo do the ranks of mpirun, each with one thread (see "
        "README), but for --compat, --trace and\n--series.\n\n"
        "  m3 simulate --topo spec/clos-256-2to1.json --mix spec/demo.json --n-flows 100k --out "
        "flows.csv\n"
        "  m3 simulate --topo topology.txt --flows flows.csv --set cc=hp --compat hpcc-ns3 --json\n"
        "  m3 simulate --topo topology.txt --flows flows.csv --trace t.csv --trace-flow 7\n"
        "  m3 simulate --mix spec/demo.json --n-flows 20k --series 100us --series-out s.csv\n"
        "  m3 simulate --mix spec/demo.json --n-flows 20k --links l.csv --links-top 3\n\n"
        "Columns of --series (spec/README.md says more): start_ns, end_ns; port, links: the group "
        "and its size;\n"
        "utilisation: share of capacity on the wire; goodput_bps: payload sent, retransmissions "
        "included;\n"
        "queue_mean_b, queue_max_b: waiting at the sending port; marked by ECN; dropped;\n"
        "paused_share: of time and links, under a PFC pause.\n"
        "Columns of --links: from, to, port, rate_bps; utilisation; goodput_bps; queue_mean_b, "
        "queue_p50_b,\n"
        "queue_p90_b, queue_p99_b, queue_max_b, over time; payload_b; packets, marked, dropped, "
        "lost; loss_share;\n"
        "paused_share. Percentiles are rounded up by less than 1/32.",
    .options = options,
    .state_size = sizeof(SimulateCmd),
    .on_ranks = true,
    .init = init,
    .set = set,
    .run = run,
    .free = release,
};
