/* netgen: a folder of simulated networks.
 *
 * Network i is a function of the settings and i: drawn by netdraw, its flows by the workload
 * generator, their completion times by the packet simulation; casefolder does the folders, resuming
 * and threads. Flows that don't finish are kept, without a completion time.
 *
 * scenario.json serves two kinds of readers: `network`, `sizes` and `matrix` in our own names, and
 * the network settings once more under the published keys, as truth sets of other simulators have
 * them. */
#include "data/netgen.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/casefolder.h"
#include "net/clos.h"
#include "packet/pktsim.h"
#include "scenario/published.h"

void netgen_default(NetGenOptions *o) {
    *o = (NetGenOptions){
        .draw = {.seed = 1, .flows_lo = 2000, .flows_hi = 20000, .max_packet_hops = 20e6},
        .count = 1};
}

/* ---- one network, simulated ---- */

typedef struct {
    NetDraw draw;
    Topo topo;
    RackMatrix matrix;
    Route *route;
    Flows flows; /* with fct_ns and ideal_fct_ns */
    WorkloadInfo load;
    PktStats stats;
} SimulatedNet;

static int draw_flows(SimulatedNet *n, Err *err) {
    const NetDraw *d = &n->draw;
    Workload w = {.matrix = &n->matrix,
                  .sizes = &d->dist,
                  .sigma = d->sigma,
                  .max_load = d->max_load,
                  .n_flows = d->n_flows,
                  .seed = d->seed};
    return workload_draw(&w, n->route, 1, &n->flows, &n->load, err);
}

static int simulate(SimulatedNet *n, Err *err) {
    PktOptions opt = {.seed = n->draw.seed};
    n->flows.fct_ns = MEM_NEW(double, n->flows.n);
    n->flows.ideal_fct_ns = MEM_NEW(double, n->flows.n);
    pktsim_ideal(n->route, &n->flows, false, n->flows.ideal_fct_ns);
    return pktsim_run(n->route, &n->flows, &n->draw.conf, &opt, n->flows.fct_ns, &n->stats, err);
}

static int network_init(SimulatedNet *n, const NetDrawOptions *o, uint64_t index, Err *err) {
    *n = (SimulatedNet){0};
    if (netdraw_init(&n->draw, o, index, err) != 0) return -1;
    if (clos_build(&n->topo, &n->draw.clos, "network", err) != 0) return -1;
    if (netdraw_matrix(&n->matrix, &n->draw, &n->topo, err) != 0) return -1;
    if (!(n->route = route_new(&n->topo, err))) return -1;
    return draw_flows(n, err) == 0 ? simulate(n, err) : -1;
}

static void network_free(SimulatedNet *n) {
    flows_free(&n->flows);
    route_destroy(n->route);
    rackmatrix_free(&n->matrix);
    topo_free(&n->topo);
    netdraw_free(&n->draw);
}

/* ---- its files ---- */

static void put_stats(JsonOut *j, const PktStats *s) {
    json_put_object(j, "simulator");
    json_put_string(j, "name", "m3");
    json_put_string(j, "version", M3_VERSION);
    json_put_count(j, "packets", s->n_packets);
    json_put_count(j, "packet_hops", s->n_packet_hops);
    json_put_count(j, "drops", s->n_drops);
    json_put_count(j, "marks", s->n_marks);
    json_put_count(j, "pauses", s->n_pauses);
    json_put_count(j, "retransmissions", s->n_retransmissions);
    json_put_count(j, "timeouts", s->n_timeouts);
    json_put_count(j, "peak_buffer_b", s->peak_buffer_b);
    json_put_number(j, "sim_ns", s->sim_ns);
    json_out_end(j, '}');
}

static void put_workload(JsonOut *j, const SimulatedNet *n) {
    const NetDraw *d = &n->draw;
    json_put_object(j, "matrix");
    json_put_string(j, "kind", matrixkind_name(d->matrix));
    json_put_count(j, "seed", d->seed);
    json_out_end(j, '}');
    json_out_key(j, "sizes"), sizefamily_write(&d->sizes, &d->dist, j);
    json_put_number(j, "sigma", d->sigma);
    json_put_number(j, "max_load", d->max_load);
    json_put_count(j, "seed", d->seed);
    json_put_number(j, "offered_bps", n->load.offered_bps);
    json_put_count(j, "n_flows", n->flows.n);
    json_put_count(j, "n_finished", n->stats.n_finished);
}

static void put_shape(JsonOut *j, const SimulatedNet *n) {
    const Clos *c = &n->draw.clos;
    json_put_count(j, "n_hosts", n->topo.n_hosts);
    json_put_count(j, "max_links", route_max_links(n->route));
    json_put_array_compact(j, "oversubscription");
    for (int tier = 1; tier <= 2; tier++)
        if (clos_oversubscription(c, tier) > 0) json_out_number(j, clos_oversubscription(c, tier));
    json_out_end(j, ']');
    json_put_number(j, "bdp_b", clos_bdp_b(c));
    json_put_number(j, "set_aside_b", clos_set_aside_b(c));
}

static int write_scenario(const SimulatedNet *n, uint64_t index, const char *dir, Err *err) {
    JsonFile file;
    if (json_file_open(&file, dir, "scenario.json", err) != 0) return -1;
    JsonOut *j = &file.j;
    json_put_count(j, "id", index);
    netconf_put_json(j, &n->draw.conf);
    put_workload(j, n);
    put_shape(j, n);
    published_put_mix(j, &n->draw.conf);
    put_stats(j, &n->stats);
    return json_file_commit(&file, err);
}

static int write_files(const SimulatedNet *n, uint64_t index, const char *dir, Err *err) {
    char *topo = file_join(dir, "topo.json"), *flows = file_join(dir, "flows.csv");
    int rc = clos_save(&n->draw.clos, topo, err);
    if (rc == 0) rc = flows_save_csv(&n->flows, flows, &n->topo, err);
    if (rc == 0) rc = write_scenario(n, index, dir, err);
    free(topo);
    free(flows);
    return rc;
}

/* ---- the set ---- */

typedef struct {
    const NetGenOptions *o;
    NetGenInfo *info;
    pthread_mutex_t lock; /* of info */
} NetGenRun;

static void count_in(NetGenRun *job, const SimulatedNet *n) {
    pthread_mutex_lock(&job->lock);
    job->info->n_flows += n->flows.n;
    job->info->n_unfinished += n->stats.n_unfinished;
    job->info->n_packet_hops += n->stats.n_packet_hops;
    job->info->sim_s += n->stats.wall_s;
    pthread_mutex_unlock(&job->lock);
}

static int make(void *ctx, uint64_t index, const char *dir, Err *err) {
    NetGenRun *job = ctx;
    SimulatedNet n;
    int rc = network_init(&n, &job->o->draw, index, err);
    if (rc == 0) rc = write_files(&n, index, dir, err);
    if (rc == 0) count_in(job, &n);
    network_free(&n);
    return rc;
}

static void put_manifest(const void *ctx, JsonOut *j) {
    const NetDrawOptions *d = &((const NetGenRun *)ctx)->o->draw;
    json_put_string(j, "schema", "m3.networks/1");
    json_put_string(j, "version", M3_VERSION);
    json_put_count(j, "seed", d->seed);
    if (d->one_cc) json_put_string(j, "cc", netconf_cc_name(d->cc));
    json_put_bool(j, "shifted", d->shifted);
    json_put_array_compact(j, "n_flows");
    json_out_int(j, (int64_t)d->flows_lo);
    json_out_int(j, (int64_t)d->flows_hi);
    json_out_end(j, ']');
    json_put_number(j, "max_packet_hops", d->max_packet_hops);
}

/* What all ranks have made. */
static int sum_up(Ranks *r, NetGenInfo *info, Err *err) {
    double x[] = {(double)info->n_flows, (double)info->n_unfinished, (double)info->n_packet_hops,
                  info->sim_s};
    if (ranks_sum(r, x, sizeof x / sizeof *x, err) != 0) return -1;
    info->n_flows = (uint64_t)x[0];
    info->n_unfinished = (uint64_t)x[1];
    info->n_packet_hops = (uint64_t)x[2];
    info->sim_s = x[3];
    return 0;
}

int netgen_run(const NetGenOptions *o, const Log *log, NetGenInfo *info, Err *err) {
    *info = (NetGenInfo){0};
    if (o->draw.flows_lo < 1 || o->draw.flows_lo > o->draw.flows_hi)
        return err_input(err, "--n-flows: expected LO..HI with 1 <= LO <= HI");
    NetGenRun job = {.o = o, .info = info, .lock = PTHREAD_MUTEX_INITIALIZER};
    CaseFolder set = {.out = o->out,
                      .prefix = "net",
                      .what = "networks",
                      .first = o->first,
                      .count = o->count,
                      .threads = o->threads,
                      .ranks = o->ranks,
                      .manifest = put_manifest,
                      .make = make,
                      .ctx = &job};
    CaseFolderInfo counts;
    int rc = casefolder_run(&set, log, &counts, err);
    info->n_made = counts.n_made;
    info->n_kept = counts.n_kept;
    return rc == 0 ? sum_up(o->ranks, info, err) : -1;
}
