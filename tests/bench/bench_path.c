/* Decomposition and fluid simulation of a whole network: 256 hosts, flows as given (default
 * 1,000,000), 500 paths drawn. bench_path [flows] [threads] */
#include <stdio.h>
#include <stdlib.h>

#include "base/par.h"
#include "fluid/flowsim.h"
#include "model/pathfeat.h"
#include "net/topo_load.h"
#include "row.h"
#include "traffic/workload.h"

enum { PATHS = 500, MAX_WORKERS = 64 };

typedef struct {
    const PathIndex *index;
    Arena arena[MAX_WORKERS];
    double project_s[MAX_WORKERS], sim_s[MAX_WORKERS], slowdown_s[MAX_WORKERS],
        feature_s[MAX_WORKERS];
    size_t n_flows[MAX_WORKERS], n_events[MAX_WORKERS];
} Job;

static void one_path(void *ctx, size_t p, int w) {
    Job *j = ctx;
    Arena *a = &j->arena[w];
    Lot lot;
    LotFlow *flows;
    size_t n;
    FlowsimStats st;
    PathFeat m;
    NetConf conf;
    netconf_default(&conf);
    arena_reset(a);
    double t0 = diag_now_s();
    path_project(j->index, p, a, &lot, &flows, &n);
    double t1 = diag_now_s(), *fct = ARENA_NEW(a, double, n);
    float *slowdown = ARENA_NEW(a, float, n);
    flowsim_run(&lot, flows, n, fct, &st, a);
    double t2 = diag_now_s();
    lot_slowdowns(&lot, flows, n, fct, NULL, slowdown);
    double t3 = diag_now_s();
    pathfeat_build(&m, &lot, flows, slowdown, n, &conf, a);
    double t4 = diag_now_s();
    j->project_s[w] += t1 - t0;
    j->sim_s[w] += t2 - t1;
    j->slowdown_s[w] += t3 - t2;
    j->feature_s[w] += t4 - t3;
    j->n_flows[w] += n;
    j->n_events[w] += st.events;
}

static void run_paths(const PathSet *ps, const PathIndex *ix, int threads) {
    Job *j = MEM_ZNEW(Job, 1);
    j->index = ix;
    double t = diag_now_s();
    par_for(ps->n_unique, threads, one_path, j);
    t = diag_now_s() - t;
    for (int w = 0; w < MAX_WORKERS; w++) arena_free(&j->arena[w]);
    for (int w = 1; w < threads; w++) {
        j->project_s[0] += j->project_s[w];
        j->sim_s[0] += j->sim_s[w];
        j->slowdown_s[0] += j->slowdown_s[w];
        j->feature_s[0] += j->feature_s[w];
        j->n_flows[0] += j->n_flows[w];
        j->n_events[0] += j->n_events[w];
    }
    double n = (double)j->n_flows[0], events = (double)j->n_events[0];
    const struct {
        const char *what;
        double s, per;
        const char *unit;
    } part[] = {{"project", j->project_s[0], n, "flow"},
                {"simulate", j->sim_s[0], events, "event"},
                {"slowdowns", j->slowdown_s[0], n, "flow"},
                {"feature maps", j->feature_s[0], n, "flow"}};
    char what[64];
    snprintf(what, sizeof what, "%zu paths, %.1f M flows on them, %d threads", ps->n_unique,
             n / 1e6, threads);
    bench_row(what, bench_cell("%.2f s", t), bench_cell("%.0f ns a flow", t * 1e9 / n),
              bench_none(), bench_none());
    for (size_t k = 0; k < sizeof part / sizeof *part; k++) {
        snprintf(what, sizeof what, "  %s", part[k].what);
        bench_row(what, bench_cell("%.2f s CPU", part[k].s),
                  bench_cell("%.0f ns a%s %s", part[k].s * 1e9 / part[k].per, k == 1 ? "n" : "",
                             part[k].unit),
                  bench_none(), bench_none());
    }
    free(j);
}

static void must(int rc, const Err *err) {
    if (rc != 0) diag_die("%s", err->msg);
}

int main(int argc, char **argv) {
    uint64_t n_flows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    int threads = par_resolve(argc > 2 ? atoi(argv[2]) : 2);
    Err err;
    Topo topo;
    SizeDist sizes;
    RackMatrix matrix;
    Flows flows;
    PathSet ps;
    if (threads > MAX_WORKERS) threads = MAX_WORKERS;
    must(topo_load(&topo, "spec/clos-256-2to1.json", NULL, &err), &err);
    must(sizedist_load(&sizes, "spec/sizes/cachefollower.txt", NULL, &err), &err);
    must(rackmatrix_generate(&matrix, "c", &topo, 1, &err), &err);
    Route *route = route_new(&topo, &err);
    Workload w = {.matrix = &matrix,
                  .sizes = &sizes,
                  .sigma = 2,
                  .max_load = 0.65,
                  .n_flows = n_flows,
                  .seed = 1};
    must(workload_draw(&w, route, threads, &flows, NULL, &err), &err);
    double t1 = diag_now_s();
    uint16_t *sport = MEM_NEW(uint16_t, flows.n);
    route_sports(&topo, flows.src, flows.dst, flows.n, sport);
    FlowSource source = flowsource_in_memory(&flows, sport);
    must(pathset_draw(&ps, route, &source, PATHS, 1, &err), &err);
    PathIndex *ix = pathindex_new(&ps, route, &source, threads, NULL, &err);
    double t4 = diag_now_s();
    char what[64];
    snprintf(what, sizeof what, "route and index %zu flows, %d threads", flows.n, threads);
    bench_row(what, bench_cell("%.2f s", t4 - t1),
              bench_cell("%.1f M flows/s", (double)flows.n / (t4 - t1) / 1e6), bench_none(),
              bench_none());
    run_paths(&ps, ix, threads);
    pathindex_destroy(ix);
    pathset_free(&ps);
    free(sport);
    flows_free(&flows);
    route_destroy(route);
    rackmatrix_free(&matrix);
    sizedist_free(&sizes);
    topo_free(&topo);
    return 0;
}
