/* scenario: what was asked for, loaded: topology, routes, flows, settings.
 *
 * Precedence: options over the mix over defaults. topo_path goes before the mix's topology, n_flows
 * and duration_s before the mix's, `set` before all of its settings. Flows come from a file, or are
 * drawn from the mix; with a flow file no mix is needed, and one that is given only supplies
 * settings of the network. More flows than max_in_memory are streamed (traffic/flowsource.h).
 *
 * Faults change the network and not the traffic: flows are drawn for the whole network, at the load
 * that they would have there, and a window of auto is its base BDP.
 *
 * Times are kept by what they are spent on: reading and drawing, or routing. */
#include "scenario/scenario.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "fluid/netfluid.h"
#include "net/basebdp.h"
#include "net/deadlock.h"
#include "net/wire.h"
#include "packet/pktsim.h"
#include "traffic/flows_read.h"
#include "traffic/jobs.h"

/* Enough for stable percentiles of every size bucket: the 1 % largest flows are 10,000. */
enum { DEFAULT_N_FLOWS = 1000000 };
/* Of links in the fluid simulation that says when flows start that wait: about what controls leave
 * of them (features/windows). */
static const double FLUID_CAPACITY = 0.95;
/* Flows, at most, that are simulated as a fluid for the sake of jobs alone whose flows don't wait.
 */
enum { MOST_FOR_JOBS = 4000000 };

static int choose_mix(const ScenarioOptions *o, Mix *out, const Log *log, Err *err) {
    Mix *all;
    size_t n, i = 0;
    if (mixes_load(o->mix_path, &all, &n, log, err) != 0) return -1;
    if (o->mix_id < 0 && n > 1)
        log_note(log, "%s has %zu mixes; taking the first (id %lld), choose with --mix-id",
                 o->mix_path, n, (long long)all[0].id);
    while (o->mix_id >= 0 && i < n && all[i].id != o->mix_id) i++;
    int rc =
        i < n ? 0 : err_input(err, "%s: no mix has id %lld", o->mix_path, (long long)o->mix_id);
    if (rc == 0) {
        *out = all[i];
        all[i] = (Mix){0};
    }
    mixes_free(all, n);
    return rc;
}

/* Standard input can be one of the inputs only. */
static int check_stdin(const Mix *m, const ScenarioOptions *o, Err *err) {
    bool drawn = !o->flows_path && !o->flow_arrays;
    const char *topo = o->topo_arrays ? NULL : o->topo_path ? o->topo_path : m->topo;
    const char *path[] = {o->mix_path, topo, o->flows_path, drawn ? m->matrix : NULL,
                          drawn ? m->sizes : NULL};
    static const char *const what[] = {"--mix", "--topo", "--flows", "matrix", "sizes"};
    return file_check_stdin(sizeof path / sizeof *path, path, what, err);
}

int scenario_mix(Mix *m, const ScenarioOptions *o, const Log *log, Err *err) {
    mix_init(m);
    if (o->mix) {
        mix_copy(m, o->mix);
        return 0;
    }
    if (check_stdin(m, o, err) != 0) return -1;
    if (o->mix_path && choose_mix(o, m, log, err) != 0) return -1;
    return mix_apply(m, o->set, err);
}

static int read_topo(Scenario *s, const ScenarioOptions *o, const Log *log, Err *err) {
    const char *path = o->topo_path ? o->topo_path : s->mix.topo;
    const TopoArrays *a = o->topo_arrays;
    TopoLoadOptions how = o->topo;
    how.log = log;
    if (a)
        return topo_build(&s->topo, a->name, a->node_id, a->is_host, a->pod_of, a->n_nodes,
                          a->cables, a->n_cables, err);
    if (!path && s->has_mix)
        return err_input(err, "%s: names no topology; give one with --topo", o->mix_path);
    if (!path) return err_input(err, "no topology given (--topo FILE)");
    return topo_load(&s->topo, path, &how, err);
}

/* Faults of the topology's file, of the mix, and of the options. */
static int list_faults(Faults *all, const Scenario *s, const ScenarioOptions *o, Err *err) {
    faults_add_all(all, s->topo.faults);
    for (int k = 0; k < N_FAULT_KINDS; k++)
        if (s->mix.fault[k] && faults_add(all, (FaultKind)k, s->mix.fault[k], err) != 0) return -1;
    faults_add_all(all, &o->topo.faults);
    return 0;
}

/* The topology becomes what faults leave of it; the whole network is kept beside it. */
static int apply_faults(Scenario *s, const Faults *f, uint64_t seed, FaultsInfo *info, Err *err) {
    Topo before = s->topo;
    s->topo = (Topo){0};
    int rc = faults_apply(&s->topo, &before, f, seed, info, err);
    if (s->has_faults) topo_free(&before);
    else s->whole = before;
    s->has_faults = true;
    return rc;
}

/* Reads the topology and applies the faults. */
static int load_topo(Scenario *s, const ScenarioOptions *o, const Log *log, Err *err) {
    Faults all = {0};
    FaultsInfo unused;
    if (read_topo(s, o, log, err) != 0) return -1;
    int rc = list_faults(&all, s, o, err);
    for (size_t i = 0; rc == 0 && i < all.n; i++)
        if (all.list[i].kind == FAULT_EVENT)
            rc = faults_add(&s->events, FAULT_EVENT, all.list[i].text, err);
    if (rc == 0 && all.n > s->events.n) {
        rc = apply_faults(s, &all, o->seed, &s->faults_info, err);
        if (rc == 0) faults_remark(&s->faults_info, &s->whole, log);
    }
    if (rc == 0 && o->then) rc = apply_faults(s, o->then, o->seed, &unused, err);
    faults_free(&all);
    return rc;
}

/* What the network becomes in time; the longest of it is remarked on. */
static int load_events(Scenario *s, uint64_t seed, const Log *log, Err *err) {
    s->timeline = timeline_new(s->route, &s->events, seed, s->mix.reroute_delay_ns, err);
    if (!s->timeline) return -1;
    uint32_t n_failed = 0, n_degraded = 0, n_cut_off = 0;
    for (size_t i = 1; i < s->timeline->n; i++) {
        const TimelinePhase *p = &s->timeline->phases[i];
        if (p->n_failed > n_failed) n_failed = p->n_failed;
        if (p->n_degraded > n_degraded) n_degraded = p->n_degraded;
        if (p->n_cut_off > n_cut_off) n_cut_off = p->n_cut_off;
    }
    char cut_off[60] = "";
    if (n_cut_off > 0)
        snprintf(cut_off, sizeof cut_off, ", %s %s cut off", units_count(n_cut_off).s,
                 n_cut_off == 1 ? "host" : "hosts");
    size_t n = s->timeline->n - 1;
    log_note(log, "events: %zu %s; at most %s of %s links failed, %s degraded%s", n,
             n == 1 ? "change" : "changes", units_count(n_failed).s,
             units_count(s->topo.n_links / 2).s, units_count(n_degraded).s, cut_off);
    return 0;
}

const Route *scenario_drawn_on(const Scenario *s) {
    return s->has_faults ? s->whole_route : s->route;
}

/* The two meanings of max_load may be far apart: 2.53 times in a published workload. */
static void remark_load(const Scenario *s, const Log *log) {
    const double *load = s->workload.max_load;
    LoadRouting other = s->load == LOAD_ROUTED ? LOAD_POLARISED : LOAD_ROUTED;
    double ratio = load[other] / load[s->load];
    if (!(fabs(ratio - 1) > 0.01)) return;
    log_note(
        log,
        "max_load: %.4g is the busiest link's if flows are %s, %.4g if %s; --load %s draws %.3g "
        "times this traffic",
        load[s->load], linkload_routing_names[s->load], load[other], linkload_routing_names[other],
        linkload_routing_names[other], 1 / ratio);
}

/* Adds the flows of the mix's jobs. */
static int draw_jobs(Scenario *s, const ScenarioOptions *o, Err *err) {
    TrafficJobs jobs = {0};
    JsonDoc *doc = json_parse(s->mix.jobs, strlen(s->mix.jobs), s->mix.file, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = jobs_read(&jobs, &root, err);
    if (rc == 0) rc = jobs_draw(&jobs, route_topo(scenario_drawn_on(s)), o->seed, &s->flows, err);
    jobs_free(&jobs);
    json_close(doc);
    return rc;
}

/* Reads the flows, or draws those of the mix. */
static int load_flows(Scenario *s, const ScenarioOptions *o, const Log *log, Err *err) {
    if (o->flow_arrays) return flows_from_arrays(&s->flows, o->flow_arrays, &s->topo, log, err);
    bool streams = o->max_in_memory > 0 && !s->mix.jobs;
    uint64_t in_memory = streams ? o->max_in_memory : UINT64_MAX;
    if (o->flows_path)
        return flows_open(&s->flows, &s->file, o->flows_path, &s->topo, o->flow_columns, in_memory,
                          log, err);
    if (!s->has_mix) return err_input(err, "no flows given (--mix FILE or --flows FILE)");

    const Mix *m = &s->mix;
    if (!m->sizes) return draw_jobs(s, o, err);
    int rc = m->matrix_kind
                 ? rackmatrix_generate(&s->matrix, m->matrix_kind, route_topo(scenario_drawn_on(s)),
                                       m->matrix_seed, err)
                 : rackmatrix_load(&s->matrix, m->matrix, err);
    if (rc != 0 || sizedist_load(&s->sizes, m->sizes, log, err) != 0) return -1;
    s->load = o->load == SCENARIO_LOAD_POLARISED || (o->load == SCENARIO_LOAD_AUTO && m->published)
                  ? LOAD_POLARISED
                  : LOAD_ROUTED;
    Workload w = {.matrix = &s->matrix,
                  .sizes = &s->sizes,
                  .sigma = m->sigma,
                  .max_load = m->max_load,
                  .load = s->load,
                  .both_loads = m->published || s->load == LOAD_POLARISED,
                  .seed = o->seed,
                  .log = log};
    bool own_length = o->n_flows > 0 || o->duration_s > 0;
    w.n_flows = own_length ? o->n_flows : m->n_flows;
    w.duration_s = own_length ? o->duration_s : m->duration_s;
    if (w.n_flows == 0 && w.duration_s == 0) w.n_flows = DEFAULT_N_FLOWS;
    s->drawn = true;
    if (workload_draw_or_stream(&w, scenario_drawn_on(s), o->threads, in_memory, &s->flows,
                                &s->stream, &s->workload, err) != 0)
        return -1;
    remark_load(s, log);
    return m->jobs ? draw_jobs(s, o, err) : 0;
}

/* How long the last bit of each flow takes to the other end: what the ideal time has beyond the
 * transmission at line rate. */
static double *rest_times(const Scenario *s) {
    const Flows *f = &s->flows;
    double *ns = MEM_NEW(double, f->n);
    pktsim_ideal(s->route, f, false, ns);
    for (size_t i = 0; i < f->n; i++) {
        double line_bps = fmin(s->topo.host_rate_bps[f->src[i]], s->topo.host_rate_bps[f->dst[i]]);
        ns[i] = fmax(ns[i] - wire_bits(f->size_b[i]) / line_bps * 1e9, 0);
    }
    return ns;
}

/* Ports number flows in the order that was asked for. */
static uint16_t *ports_by_place(const FlowGraph *g, const uint16_t *asked_sport) {
    uint16_t *sport = MEM_NEW(uint16_t, g->n);
    for (size_t i = 0; i < g->n; i++) sport[i] = asked_sport[g->place[i]];
    return sport;
}

/* Notes when the first flow of each job starts and the last one ends. */
static void keep_spans(const Flows *f, const double *end_ns) {
    FlowGraph *g = f->graph;
    g->job_begin_ns = MEM_NEW(double, g->n_jobs);
    g->job_end_ns = MEM_NEW(double, g->n_jobs);
    for (uint32_t k = 0; k < g->n_jobs; k++) {
        g->job_begin_ns[k] = INFINITY;
        g->job_end_ns[k] = 0;
    }
    for (size_t i = 0; i < f->n; i++) {
        uint32_t k = g->job[i];
        if (k == FLOWGRAPH_NONE) continue;
        g->job_begin_ns[k] = fmin(g->job_begin_ns[k], (double)f->start_ns[i]);
        g->job_end_ns[k] = fmax(g->job_end_ns[k], end_ns[i]);
    }
}

/* Sets the starts of flows that wait to what follows as a fluid. */
static int follow_as_fluid(Scenario *s, const uint16_t *asked_sport, double span_ns, int threads,
                           const Log *log, Err *err) {
    Flows *f = &s->flows;
    uint16_t *sport = ports_by_place(f->graph, asked_sport);
    FlowSource source = flowsource_in_memory(f, sport);
    NetFluidOptions fo = {.least_span_ns = span_ns};
    NetFluid *nf = netfluid_new(s->route, &source, &s->conf, &fo, threads, err);
    double *rest_ns = rest_times(s), *end_ns = MEM_NEW(double, f->n);
    int rc =
        nf ? netfluid_follow(nf, f->graph, rest_ns, FLUID_CAPACITY, f->start_ns, end_ns, log, err)
           : -1;
    if (rc == 0) keep_spans(f, end_ns);
    free(end_ns);
    netfluid_destroy(nf);
    free(rest_ns);
    free(sport);
    flows_sort(f);
    return rc;
}

/* Flows that wait for others get the starts that follow if flows are a fluid; f->graph keeps those
 * that were asked for. The fluid simulation begins with the starts of the empty network, from which
 * it knows how long the run is, about. */
static int fix_starts(Scenario *s, int threads, const Log *log, Err *err) {
    Flows *f = &s->flows;
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) n += flowgraph_waits(f->graph, i) != 0;
    if (n == 0 && (f->graph->n_jobs == 0 || f->n > MOST_FOR_JOBS)) return 0;
    double *ideal_ns = MEM_NEW(double, f->n);
    uint16_t *sport = MEM_NEW(uint16_t, f->n);
    route_sports(&s->topo, f->src, f->dst, f->n, sport);
    pktsim_ideal(s->route, f, false, ideal_ns);
    flowgraph_keep_list(f->graph, f->start_ns);
    flowgraph_starts(f->graph, ideal_ns, f->start_ns);
    double end_ns = 0;
    for (size_t i = 0; i < f->n; i++) end_ns = fmax(end_ns, (double)f->start_ns[i] + ideal_ns[i]);
    free(ideal_ns);
    flows_sort(f);
    if (n > 0)
        log_note(log,
                 "%s flows wait for others: they start when a fluid simulation has these end, in "
                 "packet windows when packets do",
                 units_count(n).s);
    int rc = follow_as_fluid(s, sport, end_ns - (double)f->start_ns[0], threads, log, err);
    s->sport = ports_by_place(f->graph, sport);
    free(sport);
    return rc;
}

static int load_all(Scenario *s, const ScenarioOptions *o, const Log *log, Err *err) {
    double t0 = diag_now_s();
    if (scenario_mix(&s->mix, o, log, err) != 0) return -1;
    s->has_mix = o->mix_path != NULL;
    if (o->check_conf && o->check_conf(o->check_ctx, &s->mix.conf, err) != 0) return -1;
    if (check_stdin(&s->mix, o, err) != 0 || load_topo(s, o, log, err) != 0) return -1;

    double t1 = diag_now_s();
    if (!(s->route = route_new(&s->topo, err))) return -1;
    if (s->has_faults && !(s->whole_route = route_new(&s->whole, err))) return -1;
    if (s->events.n > 0 && load_events(s, o->seed, log, err) != 0) return -1;

    s->base_bdp_b = basebdp_largest(scenario_drawn_on(s));
    scenario_set_conf(s, &s->mix.conf);
    double t2 = diag_now_s();
    if (load_flows(s, o, log, err) != 0) return -1;
    if (s->flows.graph && !o->closed_loop && fix_starts(s, o->threads, log, err) != 0) return -1;

    double t3 = diag_now_s(); /* then the ports, which decide the flows' routes */
    if (s->stream) {
        if (flowsource_drawn(&s->source, s->stream, &s->topo, o->threads, &s->sport, log, err) != 0)
            return -1;
    } else if (s->file) {
        if (flowsource_file(&s->source, s->file, &s->topo, o->threads, &s->sport, log, err) != 0)
            return -1;
    } else {
        if (!s->sport) {
            s->sport = MEM_NEW(uint16_t, s->flows.n);
            route_sports(&s->topo, s->flows.src, s->flows.dst, s->flows.n, s->sport);
        }
        s->source = flowsource_in_memory(&s->flows, s->sport);
    }
    s->wall_read_s = (t1 - t0) + (t3 - t2);
    s->wall_route_s = (t2 - t1) + (diag_now_s() - t3);
    return 0;
}

int scenario_load(Scenario *s, const ScenarioOptions *o, const Log *log, Err *err) {
    *s = (Scenario){0};
    if (load_all(s, o, log, err) == 0) return 0;
    scenario_free(s);
    return -1;
}

void scenario_set_conf(Scenario *s, const NetConf *conf) {
    s->conf = *conf;
    s->window_auto = s->conf.line_window_b == NETCONF_AUTO;
    if (s->window_auto) s->conf.line_window_b = s->base_bdp_b;
}

static void remark_window(const Scenario *s, const Log *log) {
    if (s->window_auto)
        log_note(log, "window: auto is %s, the network's largest base BDP",
                 units_size(s->base_bdp_b).s);
    else if (s->conf.line_window_b < s->base_bdp_b)
        log_note(
            log,
            "window: %s is below the network's largest base BDP, %s, and slows down flows even "
            "when alone; window=auto takes the BDP",
            units_size(s->conf.line_window_b).s, units_size(s->base_bdp_b).s);
}

static void remark_deadlock(const Scenario *s, const Log *log) {
    if (!s->conf.pfc) return;
    Deadlock d = deadlock_find(s->route);
    char *cycle = deadlock_text(&d, &s->topo);
    if (d.kind == DEADLOCK_CYCLE)
        log_note(log, "pfc: could deadlock on these routes: %u links can wait for each other: %s",
                 d.n, cycle);
    free(cycle);
    deadlock_free(&d);
}

void scenario_remark(const Scenario *s, const Log *log) {
    remark_window(s, log);
    remark_deadlock(s, log);
}

void scenario_free(Scenario *s) {
    free(s->sport);
    flows_free(&s->flows);
    workload_stream_free(s->stream);
    flowfile_close(s->file);
    sizedist_free(&s->sizes);
    rackmatrix_free(&s->matrix);
    route_destroy(s->route);
    timeline_free(s->timeline);
    faults_free(&s->events);
    route_destroy(s->whole_route);
    topo_free(&s->topo);
    topo_free(&s->whole);
    mix_free(&s->mix);
    *s = (Scenario){0};
}
