/* decomposition: what estimate --method packet loses by taking a network apart, on reference
 * networks.
 *
 *   decomposition [-c] [-n PATHS] [-j THREADS] NET_DIR…     (topo.json, scenario.json, flows.csv
 * with ns-3's times) -c: as --compat hpcc-ns3. PATHS: paths to draw (default 500).
 *
 * The whole network is simulated once, the drawn paths one by one. Foreground flows of the drawn
 * paths then have two slowdowns each, and with -c a third, the reference's. All are put together
 * alike, by draws, so that the error of a quantile is the decomposition's alone, without that of
 * sampling. Columns: error of the paths' p99 against the whole network's, of all flows and per size
 * bucket, of the mean; the share of flows within 1 % and 10 %; with -c also the p99 error against
 * the reference on the same flows, then the wall time of network and paths, and packets dropped in
 * the network. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/par.h"
#include "estimate/aggregate.h"
#include "features/pathpacket.h"
#include "packet/pktsim.h"
#include "path/path.h"
#include "traffic/sizebucket.h"

enum { OWN, WHOLE, REFERENCE, N_SIDES };

typedef struct {
    bool compat;
    int threads;
    uint64_t n_paths;
    Scenario scenario;
    PathSet set;
    PathIndex *index;
    Arena *scratch;
    double *whole, *reference; /* [flows] slowdowns, NAN unknown */
    AggregatePath *paths[N_SIDES];
    double *mean_own, *mean_whole; /* [n_unique] sums */
    atomic_size_t n_both, n_within_1, n_within_10;
} Bench;

static void put(AggregatePath *p, const uint64_t *size_b, const float *slowdown, size_t n) {
    float *out = MEM_NEW(float, n);
    size_t k = 0;
    for (int b = 0; b < SIZEBUCKET_N; b++)
        for (size_t i = 0; i < n; i++)
            if (sizebucket_of(size_b[i]) == b && !isnan(slowdown[i])) {
                out[k++] = slowdown[i];
                p->count[b]++;
            }
    p->slowdown = out;
}

static void one_path(void *ctx, size_t item, int worker) {
    Bench *b = ctx;
    Arena *a = &b->scratch[worker];
    Lot lot;
    LotFlow *flows;
    size_t n, n_fg = 0;
    uint64_t events;
    Err err = {0};
    arena_reset(a);
    path_project(b->index, item, a, &lot, &flows, &n);
    float *slowdown = ARENA_NEW(a, float, n), *side[N_SIDES];
    uint64_t *size_b = ARENA_NEW(a, uint64_t, n);
    for (int s = 0; s < N_SIDES; s++) side[s] = ARENA_NEW(a, float, n);
    PathPacket p = {&b->scenario, &b->set.paths[item], flows, n, b->compat, 1};
    if (pathpacket_run(&p, slowdown, &events, &err) != 0) diag_die("%s", err.msg);
    for (size_t i = 0; i < n; i++) {
        if (flows[i].s != 0 || flows[i].d != lot.n_links) continue;
        double own = slowdown[i], whole = b->whole[flows[i].flow];
        size_b[n_fg] = flows[i].size_b;
        side[OWN][n_fg] = slowdown[i];
        side[WHOLE][n_fg] = (float)whole;
        side[REFERENCE][n_fg++] = (float)b->reference[flows[i].flow];
        if (isnan(own) || isnan(whole)) continue;
        atomic_fetch_add(&b->n_both, 1);
        atomic_fetch_add(&b->n_within_1, fabs(own / whole - 1) <= 0.01);
        atomic_fetch_add(&b->n_within_10, fabs(own / whole - 1) <= 0.1);
        b->mean_own[item] += own * b->set.paths[item].n_draws;
        b->mean_whole[item] += whole * b->set.paths[item].n_draws;
    }
    for (int s = 0; s < N_SIDES; s++) {
        b->paths[s][item].n_draws = b->set.paths[item].n_draws;
        put(&b->paths[s][item], size_b, side[s], n_fg);
    }
}

/* The network settings of a scenario.json, as assignments; NULL-ended. */
static const char **settings(const char *dir) {
    static const char *const keys[] = {"cc", "bfsz", "window", "enable_pfc", "param_1", "param_2"};
    enum { N_KEYS = sizeof keys / sizeof *keys };
    Err err = {0};
    char *path = file_join(dir, "scenario.json");
    JsonDoc *doc = json_open(path, &err);
    if (!doc) diag_die("%s", err.msg);
    const char **set = MEM_ZNEW(const char *, N_KEYS + 1);
    for (size_t i = 0; i < N_KEYS; i++) {
        Json root = json_root(doc), v;
        const char *text;
        double x;
        if (json_need(&root, keys[i], &v, &err) != 0) diag_die("%s", err.msg);
        if (i == 0 && json_string(&v, &text, &err) == 0)
            set[i] = mem_printf("%s=%s", keys[i], text);
        else if (i > 0 && json_number(&v, &x, &err) == 0)
            set[i] = mem_printf("%s=%.10g", keys[i], x);
        else diag_die("%s", err.msg);
    }
    json_close(doc);
    free(path);
    return set;
}

static void load(Bench *b, const char *dir) {
    Err err = {0};
    const char **set = settings(dir);
    char *topo = file_join(dir, "topo.json"), *flows = file_join(dir, "flows.csv");
    ScenarioOptions o = {.topo_path = topo,
                         .flows_path = flows,
                         .mix_id = -1,
                         .set = set,
                         .seed = 1,
                         .threads = b->threads};
    const Scenario *s = &b->scenario;
    if (scenario_load(&b->scenario, &o, NULL, &err) != 0 ||
        pathset_draw(&b->set, s->route, &s->source, b->n_paths, 1, &err) != 0 ||
        !(b->index = pathindex_new(&b->set, s->route, &s->source, b->threads, NULL, &err)))
        diag_die("%s", err.msg);
    for (size_t i = 0; set[i]; i++) free((void *)(uintptr_t)set[i]);
    free(set);
    free(topo);
    free(flows);
}

static PktStats simulate_whole(Bench *b) {
    const Flows *f = &b->scenario.flows;
    PktStats stats;
    Err err = {0};
    PktOptions o = {.compat = b->compat, .seed = 1};
    double *ideal = MEM_NEW(double, f->n);
    b->whole = MEM_NEW(double, f->n);
    b->reference = MEM_NEW(double, f->n);
    if (pktsim_run(b->scenario.route, f, &b->scenario.conf, &o, b->whole, &stats, &err) != 0)
        diag_die("%s", err.msg);
    pktsim_ideal(b->scenario.route, f, b->compat, ideal);
    for (size_t i = 0; i < f->n; i++) {
        b->whole[i] /= ideal[i];
        b->reference[i] = f->fct_ns[i] / f->ideal_fct_ns[i];
    }
    free(ideal);
    return stats;
}

static double error_of(const SlowdownDist *got, const SlowdownDist *want) {
    return 100 * (got->q[RESULT_P99].value / want->q[RESULT_P99].value - 1);
}

static void report(Bench *b, const char *dir, const PktStats *stats, double paths_s) {
    Slowdowns r[N_SIDES];
    AggregateOptions o = {.n_bootstrap = 1};
    double own = 0, whole = 0;
    for (int s = 0; s < N_SIDES; s++)
        aggregate(b->paths[s], b->set.n_unique, &o, b->threads, &r[s]);
    for (size_t i = 0; i < b->set.n_unique; i++) {
        own += b->mean_own[i];
        whole += b->mean_whole[i];
    }
    size_t n = b->n_both;
    printf("%-8.8s %-6s %5zu %6zu  %7.2f %+6.1f ", strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir,
           netconf_cc_name(b->scenario.conf.cc), b->set.n_unique, n,
           r[WHOLE].dist[RESULT_ALL].q[RESULT_P99].value,
           error_of(&r[OWN].dist[RESULT_ALL], &r[WHOLE].dist[RESULT_ALL]));
    for (int k = 0; k < SIZEBUCKET_N; k++)
        printf(" %+6.1f",
               error_of(&r[OWN].dist[result_of_bucket(k)], &r[WHOLE].dist[result_of_bucket(k)]));
    printf("  %+5.1f  %3.0f %3.0f ", 100 * (own / whole - 1),
           100.0 * (double)b->n_within_1 / (double)n, 100.0 * (double)b->n_within_10 / (double)n);
    if (b->compat)
        printf(" %+6.1f", error_of(&r[OWN].dist[RESULT_ALL], &r[REFERENCE].dist[RESULT_ALL]));
    printf("  %6.1f %6.1f %llu\n", stats->wall_s, paths_s, (unsigned long long)stats->n_drops);
    fflush(stdout);
}

static void one_net(bool compat, uint64_t n_paths, int threads, const char *dir) {
    Bench b = {.compat = compat, .threads = threads, .n_paths = n_paths};
    load(&b, dir);
    PktStats stats = simulate_whole(&b);
    size_t n = b.set.n_unique;
    b.scratch = MEM_ZNEW(Arena, (size_t)par_resolve(threads));
    b.mean_own = MEM_ZNEW(double, n);
    b.mean_whole = MEM_ZNEW(double, n);
    for (int s = 0; s < N_SIDES; s++) b.paths[s] = MEM_ZNEW(AggregatePath, n);
    double start = diag_now_s();
    par_for(n, threads, one_path, &b);
    report(&b, dir, &stats, diag_now_s() - start);
    for (int s = 0; s < N_SIDES; s++) {
        for (size_t i = 0; i < n; i++) free((void *)(uintptr_t)b.paths[s][i].slowdown);
        free(b.paths[s]);
    }
    for (int w = 0; w < par_resolve(threads); w++) arena_free(&b.scratch[w]);
    free(b.scratch);
    free(b.mean_own);
    free(b.mean_whole);
    free(b.whole);
    free(b.reference);
    pathindex_destroy(b.index);
    pathset_free(&b.set);
    scenario_free(&b.scenario);
}

int main(int argc, char **argv) {
    bool compat = false;
    uint64_t n_paths = 500;
    int threads = 0, i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (argv[i][1] == 'c') compat = true;
        else if (argv[i][1] == 'n' && i + 1 < argc) n_paths = strtoull(argv[++i], NULL, 10);
        else if (argv[i][1] == 'j' && i + 1 < argc) threads = atoi(argv[++i]);
    }
    if (i == argc) {
        fprintf(stderr, "usage: decomposition [-c] [-n PATHS] [-j THREADS] NET_DIR...\n");
        return 2;
    }
    printf("net      cc     paths  flows      p99    err     <1K  1-10K 10-50K  >50K   mean   1%% "
           "10%%  %s whole_s paths_s drops\n",
           compat ? "vs_ns3" : "");
    for (; i < argc; i++) one_net(compat, n_paths, threads, argv[i]);
    return 0;
}
