/* features: scenario → drawn paths → simulation of each → what a model sees of it.
 *
 *   flows ─ pathset_draw ─ pathindex_new ─┬─ path_view ─ flowsim_run ─ pathfeat_build ─┬─ kept
 *                                         └─ … one path per worker at a time …           ┘
 *
 * Paths are independent, so each is one item of a parallel loop; what is kept lands at the path's
 * own place, which keeps the number of threads out of the result. Of a path only its map outlives
 * its item (some 10 KB), and whoever does not need all maps at once drops them batch by batch.
 *
 * For a flow model pathfluid_build stands in place of pathfeat_build, and long paths are simulated
 * in part (slices.h). With FEATURES_FLUID the foreground's fluid slowdowns are kept as they are.
 * With FEATURES_PACKETS the path is simulated packet by packet instead (estimate_packet.c). */
#include "features/features.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "features/pathpacket.h"
#include "model/featarrays.h"
#include "features/pathfluid.h"
#include "features/slices.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/units.h"
#include "fluid/flowsim.h"
#include "traffic/sizebucket.h"

/* Foreground flows of a path that are looked at: enough for drawing them to matter little beside
 * drawing paths, and few enough that a model answers in a fraction of a second. More where there
 * cannot be many paths. */
enum { PAIRS_FLOWS = 65536, LEAST_FLOWS = 128, MOST_FLOWS = 512 };

typedef struct FeaturesRun {
    const Scenario *scenario;
    FeaturesOptions options;
    PathSet set;
    PathIndex *index;
    uint32_t *order;                   /* [n_unique] paths, those with most links first */
    Arena *scratch;                    /* [workers] */
    uint64_t *n_events, *n_unfinished; /* [n_unique] */
    uint64_t *n_flows, *n_simulated;   /* [n_unique] */
    atomic_uint_fast64_t n_done;
    Progress progress;
} Run;

/* ---- keeping ---- */

static bool is_foreground(const Lot *lot, const LotFlow *f) {
    return lot_is_foreground(lot->n_links, f->s, f->d);
}

/* The foreground's slowdowns (of flows that have one), grouped by size bucket; counts into count.
 */
static float *group_foreground(const Lot *lot, const LotFlow *flows, const float *slowdown,
                               size_t n, uint32_t count[SIZEBUCKET_N]) {
    size_t at[SIZEBUCKET_N] = {0}, total = 0;
    for (size_t i = 0; i < n; i++)
        if (is_foreground(lot, &flows[i]) && !isnan(slowdown[i]))
            count[sizebucket_of(flows[i].size_b)]++;
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        at[b] = total;
        total += count[b];
    }
    float *out = MEM_NEW(float, total);
    for (size_t i = 0; i < n; i++)
        if (is_foreground(lot, &flows[i]) && !isnan(slowdown[i]))
            out[at[sizebucket_of(flows[i].size_b)]++] = slowdown[i];
    return out;
}

/* ---- one path ---- */

/* A path on its way through a worker. */
typedef struct {
    size_t place; /* in `order` */
    int worker;
    PathFeatures *to;
    PathView path;
    size_t n;       /* flows */
    LotFlow *flows; /* [n] NULL until read_flows */
} Task;

static void read_flows(const Run *r, Task *t) {
    t->flows = ARENA_NEW(&r->scratch[t->worker], LotFlow, t->n);
    path_read(&t->path, 0, t->n, t->flows);
}

static void keep_foreground(const Task *t, const float *slowdown) {
    t->to->slowdown = group_foreground(&t->path.lot, t->flows, slowdown, t->n, t->to->bucket_n);
}

/* Does not depend on the draws: a path's map is the same whichever others are drawn. */
static size_t flows_per_path(const Run *r) {
    size_t n_hosts = r->scenario->topo.n_hosts, share = PAIRS_FLOWS / (n_hosts * n_hosts + 1);
    return share < LEAST_FLOWS ? LEAST_FLOWS : share > MOST_FLOWS ? MOST_FLOWS : share;
}

static void describe_flows(Run *r, Task *t) {
    FlowFeat map;
    FlowsimStats stats;
    Arena *a = &r->scratch[t->worker];
    size_t max_flows = flows_per_path(r);
    if (r->options.exact || t->n <= SLICES_MIN_FLOWS) {
        read_flows(r, t);
        pathfluid_build(&map, &t->path.lot, t->flows, t->n, max_flows, &stats, a);
    } else {
        r->n_simulated[t->place] = pathfluid_build_sliced(&map, &t->path, max_flows, &stats, a);
    }
    flowfeat_set_conf(&map, &r->scenario->conf);
    r->n_events[t->place] = stats.events;
    t->to->flows = featarrays_keep_flows(&map);
    memcpy(t->to->bucket_n, map.bucket_count, sizeof map.bucket_count);
}

static void simulate_fluid(Run *r, Task *t) {
    read_flows(r, t);
    Arena *a = &r->scratch[t->worker];
    FlowsimStats stats;
    double *fct_ns = ARENA_NEW(a, double, t->n);
    float *slowdown = ARENA_NEW(a, float, t->n);
    flowsim_run(&t->path.lot, t->flows, t->n, fct_ns, &stats, a);
    lot_slowdowns(&t->path.lot, t->flows, t->n, fct_ns, slowdown);
    r->n_events[t->place] = stats.events;
    if (r->options.kind == FEATURES_FLUID) {
        keep_foreground(t, slowdown);
        return;
    }
    PathFeat map;
    pathfeat_build(&map, &t->path.lot, t->flows, slowdown, t->n, &r->scenario->conf, a);
    t->to->percentiles = featarrays_keep_features(&map);
    memcpy(t->to->bucket_n, map.base_count, sizeof map.base_count);
}

static PathPacket packet_path(const Run *r, const Task *t) {
    return (PathPacket){.scenario = r->scenario,
                        .path = &r->set.paths[r->order[t->place]],
                        .flows = t->flows,
                        .n_flows = t->n,
                        .compat = r->options.hpcc_ns3,
                        .seed = r->options.seed};
}

static int simulate_packets(Run *r, Task *t, Err *err) {
    read_flows(r, t);
    float *slowdown = ARENA_NEW(&r->scratch[t->worker], float, t->n);
    PathPacket p = packet_path(r, t);
    if (pathpacket_run(&p, slowdown, &r->n_events[t->place], err) != 0) return -1;
    keep_foreground(t, slowdown);
    for (size_t i = 0; i < t->n; i++)
        r->n_unfinished[t->place] +=
            is_foreground(&t->path.lot, &t->flows[i]) && isnan(slowdown[i]);
    return 0;
}

static Task view(Run *r, size_t place, int worker) {
    Task t = {.place = place, .worker = worker};
    arena_reset(&r->scratch[worker]);
    path_view(r->index, r->order[place], &r->scratch[worker], &t.path);
    t.n = t.path.n;
    return t;
}

/* ---- all paths ---- */

typedef struct {
    Run *run;
    PathFeatures *paths;
    size_t first;
} Batch;

static int simulate_path(void *ctx, size_t item, int worker, Err *err) {
    const Batch *b = ctx;
    Run *r = b->run;
    Task t = view(r, b->first + item, worker);
    t.to = &b->paths[t.place];
    if (r->options.kind != FEATURES_PACKETS) r->n_flows[t.place] = r->n_simulated[t.place] = t.n;
    int rc = 0;
    if (r->options.kind == FEATURES_PACKETS) rc = simulate_packets(r, &t, err);
    else if (r->options.kind == FEATURES_FLOWS) describe_flows(r, &t);
    else simulate_fluid(r, &t);
    progress_update(&r->progress, atomic_fetch_add(&r->n_done, 1) + 1);
    return rc;
}

int features_simulate(Features *f, size_t first, size_t n, Err *err) {
    Run *r = f->run;
    double start_s = diag_now_s();
    Batch b = {.run = r, .paths = f->paths, .first = first};
    int rc = par_try(n, r->options.threads, simulate_path, &b, err);
    f->wall_fluid_s += diag_now_s() - start_s;
    for (size_t i = first; i < first + n; i++) {
        f->n_events += r->n_events[i];
        f->n_unfinished += r->n_unfinished[i];
        f->n_path_flows += r->n_flows[i];
        f->n_simulated += r->n_simulated[i];
    }
    return rc;
}

/* Before hours of work: what is to come, from a few paths. */
static void announce_packets(Run *r, const Log *log) {
    enum { LOOK_AT = 8 };
    static const double HOPS_PER_S = 8e6, WORTH_A_REMARK_S = 60;
    size_t n = r->set.n_unique, n_seen = n < LOOK_AT ? n : LOOK_AT;
    double hops = 0;
    for (size_t i = 0; i < n_seen; i++) {
        Task t = view(r, i * n / n_seen, 0);
        read_flows(r, &t);
        PathPacket p = packet_path(r, &t);
        hops += pathpacket_hops(&p);
    }
    hops *= (double)n / (double)n_seen;
    double s = hops / HOPS_PER_S / par_resolve(r->options.threads);
    if (s < WORTH_A_REMARK_S) return;
    bool in_minutes = s < 5400;
    log_note(log, "%s paths at packet level: about %.*f %s; --paths takes fewer", units_count(n).s,
             !in_minutes, s / (in_minutes ? 60 : 3600), in_minutes ? "minutes" : "hours");
}

/* Paths first..first+n−1 by descending number of links into order[0..n−1]; a counting sort, so ties
 * keep their order. */
static void longest_first(const PathSet *set, size_t first, size_t n, uint32_t *order) {
    uint32_t longest = 0;
    size_t at = 0;
    for (size_t i = first; i < first + n; i++)
        if (set->paths[i].n_links > longest) longest = set->paths[i].n_links;
    for (uint32_t length = longest; at < n; length--)
        for (size_t i = first; i < first + n; i++)
            if (set->paths[i].n_links == length) order[at++] = (uint32_t)i;
}

static int decompose(Run *r, const Log *log, Err *err) {
    const Scenario *s = r->scenario;
    const FeaturesOptions *o = &r->options;
    if (pathset_draw(&r->set, s->route, &s->source, o->n_paths, o->seed, err) != 0) return -1;
    r->index = pathindex_new(&r->set, s->route, &s->source, o->threads, log, err);
    return r->index ? 0 : -1;
}

static void run_init(Run *r, const Log *log) {
    size_t n = r->set.n_unique, n_workers = (size_t)par_resolve(r->options.threads);
    r->order = MEM_NEW(uint32_t, n);
    if (!r->options.growing) longest_first(&r->set, 0, n, r->order);
    r->scratch = MEM_ZNEW(Arena, n_workers);
    r->n_events = MEM_ZNEW(uint64_t, n);
    r->n_unfinished = MEM_ZNEW(uint64_t, n);
    r->n_flows = MEM_ZNEW(uint64_t, n);
    r->n_simulated = MEM_ZNEW(uint64_t, n);
    atomic_init(&r->n_done, 0);
    progress_init(&r->progress, log, "paths", n);
}

static void run_free(Run *r) {
    for (int w = 0; r->scratch && w < par_resolve(r->options.threads); w++)
        arena_free(&r->scratch[w]);
    free(r->order);
    free(r->scratch);
    free(r->n_events);
    free(r->n_unfinished);
    free(r->n_flows);
    free(r->n_simulated);
    pathindex_destroy(r->index);
    pathset_free(&r->set);
    free(r);
}

static void describe_draw(Features *f, const Run *r) {
    f->kind = r->options.kind;
    f->seed = r->options.seed;
    f->n_flows = r->scenario->source.n;
    f->exhaustive = r->options.n_paths == 0;
    f->conf = r->scenario->conf;
    f->paths = MEM_ZNEW(PathFeatures, r->set.n_unique);
    if (r->options.growing) return;
    f->n_drawn = r->set.n_drawn;
    f->n_unique = r->set.n_unique;
    for (size_t i = 0; i < f->n_unique; i++)
        f->paths[i].n_draws = r->set.paths[r->order[i]].n_draws;
}

int features_draw(Features *f, const Scenario *s, const FeaturesOptions *o, const Log *log,
                  Err *err) {
    double start_s = diag_now_s();
    *f = (Features){0};
    f->run = MEM_ZNEW(Run, 1);
    f->run->scenario = s;
    f->run->options = *o;
    if (decompose(f->run, log, err) != 0) {
        features_free(f);
        return -1;
    }
    f->wall_route_s = s->wall_route_s + (diag_now_s() - start_s);
    run_init(f->run, log);
    describe_draw(f, f->run);
    if (o->kind == FEATURES_PACKETS && !o->growing) announce_packets(f->run, log);
    return 0;
}

/* Unique paths are numbered in order of first draw, so those of the first draws are the first. */
void features_grow(Features *f, size_t n_drawn) {
    Run *r = f->run;
    const PathSet *set = &r->set;
    size_t n_unique = f->n_unique;
    for (size_t i = f->n_drawn; i < n_drawn; i++)
        if (set->draw_path[i] >= n_unique) n_unique = set->draw_path[i] + 1;
    longest_first(set, f->n_unique, n_unique - f->n_unique, r->order + f->n_unique);
    uint32_t *place = MEM_NEW(uint32_t, n_unique);
    for (size_t i = 0; i < n_unique; i++) place[r->order[i]] = (uint32_t)i;
    for (size_t i = f->n_drawn; i < n_drawn; i++) f->paths[place[set->draw_path[i]]].n_draws++;
    free(place);
    f->n_drawn = n_drawn;
    f->n_unique = n_unique;
    r->progress.total = n_unique;
}

Features features_in_order(const Features *f) {
    const Run *r = f->run;
    Features view = *f;
    view.run = NULL;
    view.paths = MEM_NEW(PathFeatures, f->n_unique);
    uint32_t *place = MEM_NEW(uint32_t, f->n_unique), *order = MEM_NEW(uint32_t, f->n_unique);
    for (size_t i = 0; i < f->n_unique; i++) place[r->order[i]] = (uint32_t)i;
    longest_first(&r->set, 0, f->n_unique, order);
    for (size_t i = 0; i < f->n_unique; i++) view.paths[i] = f->paths[place[order[i]]];
    free(place);
    free(order);
    return view;
}

void features_drop(Features *f, size_t first, size_t n) {
    for (PathFeatures *p = f->paths + first; p < f->paths + first + n; p++) {
        free(p->flows.link);
        if (p->percentiles) free(p->percentiles->pct);
        free(p->percentiles);
        p->flows = (FlowFeat){0};
        p->percentiles = NULL;
    }
}

void features_finish(Features *f) {
    if (!f->run) return;
    progress_finish(&f->run->progress);
    run_free(f->run);
    f->run = NULL;
}

void features_free(Features *f) {
    features_finish(f);
    features_drop(f, 0, f->n_unique);
    for (size_t i = 0; i < f->n_unique; i++) free(f->paths[i].slowdown);
    free(f->paths);
    *f = (Features){0};
}

/* ---- other settings ---- */

/* Fluid simulation knows no settings. */
bool features_reusable_under(const Features *f, const NetConf *conf) {
    return f->kind != FEATURES_PACKETS || netconf_same(&f->conf, conf);
}

typedef struct {
    PathFeatures *paths;
    const NetConf *conf;
} Apply;

static void apply_to_path(void *ctx, size_t i, int worker) {
    (void)worker;
    const Apply *a = ctx;
    if (a->paths[i].flows.link) flowfeat_set_conf(&a->paths[i].flows, a->conf);
    if (a->paths[i].percentiles) pathfeat_set_conf(a->paths[i].percentiles, a->conf);
}

void features_set_conf(Features *f, const NetConf *conf, int threads) {
    Apply a = {.paths = f->paths, .conf = conf};
    par_for(f->n_unique, threads, apply_to_path, &a);
    f->conf = *conf;
}
