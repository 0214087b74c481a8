/* features: a sample of a network's paths, each one simulated and described as a model sees it.
 *
 * The stages, which the file has in this order:
 *
 *   draw      pathset_draw takes paths in proportion to their flows; pathindex_new routes all flows
 *             and notes which of them touch a link of those paths.
 *   view      path_view gathers one path: its parking lot, and which flows use which of its links.
 *   simulate  By the kind of features: fluid simulation for the flow model (pathfluid, which
 *             leaves out what does not matter to long paths), fluid simulation of all flows, or
 *             packet simulation of all flows (pathpacket).
 *   describe  flowfeat or pathfeat makes a model's input of it; without a model the foreground's
 *             slowdowns are what is wanted.
 *   keep      What outlives the path's simulation is copied out of the worker's scratch memory.
 *
 * View to keep are one item of a parallel loop, a path per worker at a time. A path's features
 * depend on the scenario, the options and the path alone and land at the path's own place, so
 * neither the number of threads nor the other drawn paths show in them.
 *
 * Paths are independent of each other: what flows do to each other off the path is left out, which
 * is the paper's path-level decomposition. */
#include "features/features.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/units.h"
#include "features/features_share.h"
#include "features/pathfluid.h"
#include "features/pathpacket.h"
#include "features/pathranks.h"
#include "fluid/flowsim.h"
#include "model/featarrays.h"
#include "model/flowfeat_settings.h"
#include "path/path.h"
#include "path/pathset.h"
#include "traffic/sizebucket.h"

/* What one path adds to the counts of Features. */
typedef struct {
    uint64_t n_events, n_unfinished, n_packet_flows, n_path_flows, n_simulated;
} PathCounts;

/* What drawing leaves for simulating. Owned by Features.run, from features_draw to
 * features_finish. */
typedef struct FeaturesRun {
    const Scenario *scenario; /* the caller's */
    FeaturesOptions options;
    PathSet set;
    PathIndex *index;
    uint16_t *rank_of; /* [set.n_unique] the rank that simulates a path; NULL: there is one */
    uint32_t *order; /* [set.n_unique] path of `set` that stands at each place of Features.paths */
    PathCounts *counts; /* [set.n_unique] by place */
    Arena *scratch;     /* [workers] reset for every path */
    size_t first;       /* place of the first path of the present features_simulate */
    atomic_uint_fast64_t n_done;
    Progress progress;
} FeaturesRun;

/* ---- draw ---- */

/* Writes paths first..first+n−1 of the set by descending number of links into order[0..n−1]; those
 * of one length keep their order. */
static void longest_first(const PathSet *set, size_t first, size_t n, uint32_t *order) {
    uint32_t longest = 0;
    size_t at = 0;
    for (size_t i = first; i < first + n; i++)
        if (set->paths[i].n_links > longest) longest = set->paths[i].n_links;
    for (uint32_t length = longest; at < n; length--)
        for (size_t i = first; i < first + n; i++)
            if (set->paths[i].n_links == length) order[at++] = (uint32_t)i;
}

/* Announces a packet simulation that will take long, as told from a few paths. */
static void announce_packets(const FeaturesRun *r, const Log *log) {
    enum {
        N_PROBED = 8, /* paths of all lengths, since they are taken evenly from the order */
        TWO_DIGITS_OF_MINUTES_S = 5400
    };
    /* Of one thread: `bench_packet` measures 8 to 12 million. */
    static const double HOPS_PER_S = 8e6, WORTH_A_REMARK_S = 60;
    size_t n = r->set.n_unique, n_wanted = n < N_PROBED ? n : N_PROBED, n_probed = 0;
    double hops = 0;
    Arena a = {0};
    for (size_t i = 0; i < n_wanted; i++) {
        PathView path;
        uint32_t p = r->order[i * n / n_wanted];
        if (r->rank_of && r->rank_of[p] != r->options.ranks->rank) continue;
        n_probed++;
        arena_reset(&a);
        path_view(r->index, p, &a, &path);
        LotFlow *flows = ARENA_NEW(&a, LotFlow, path.n);
        path_read(&path, 0, path.n, flows);
        hops += pathpacket_hops(path.lot.n_links, flows, path.n);
    }
    arena_free(&a);
    if (n_probed == 0) return;
    hops *= (double)n / (double)n_probed;
    double s = hops / HOPS_PER_S / par_resolve(r->options.threads);
    if (s < WORTH_A_REMARK_S) return;
    bool in_minutes = s < TWO_DIGITS_OF_MINUTES_S;
    log_note(log, "%s paths at packet level: about %.*f %s; --paths takes fewer", units_count(n).s,
             !in_minutes, s / (in_minutes ? 60 : 3600), in_minutes ? "minutes" : "hours");
}

int features_draw(Features *f, const Scenario *s, const FeaturesOptions *o, const Log *log,
                  Err *err) {
    double start_s = diag_now_s();
    FeaturesRun *r = MEM_ZNEW(FeaturesRun, 1);
    r->scenario = s;
    r->options = *o;
    *f = (Features){.kind = o->kind,
                    .seed = o->seed,
                    .n_flows = s->source.n,
                    .exhaustive = o->n_paths == 0,
                    .conf = s->conf,
                    .base_bdp_b = s->base_bdp_b,
                    .run = r};
    int rc = pathset_draw(&r->set, s->route, &s->source, o->n_paths, o->seed, err);
    if (rc == 0 && ranks_several(o->ranks))
        r->rank_of = pathranks_new(&r->set, &s->topo, o->ranks->size);
    if (rc == 0)
        r->index = pathindex_new_part(&r->set, r->rank_of, o->ranks ? (uint16_t)o->ranks->rank : 0,
                                      s->route, &s->source, o->threads, log, err);
    if (!r->index) {
        features_free(f);
        return -1;
    }
    netuse_init(&f->use, &s->topo, pathindex_loads(r->index));
    f->max_load = f->use.max_load;
    f->wall_route_s = s->wall_route_s + (diag_now_s() - start_s);
    size_t n = r->set.n_unique;
    f->paths = MEM_ZNEW(PathFeatures, n);
    r->order = MEM_NEW(uint32_t, n);
    r->counts = MEM_ZNEW(PathCounts, n);
    r->scratch = MEM_ZNEW(Arena, (size_t)par_resolve(o->threads));
    progress_init(&r->progress, log, "paths", n);
    if (o->growing) return 0;
    longest_first(&r->set, 0, n, r->order);
    f->n_drawn = r->set.n_drawn;
    f->n_unique = n;
    for (size_t i = 0; i < n; i++) f->paths[i].n_draws = r->set.paths[r->order[i]].n_draws;
    if (o->kind == FEATURES_PACKETS) announce_packets(r, log);
    return 0;
}

/* ---- draw more ---- */

/* Returns the place of each of the run's first n paths; the caller's to free. */
static uint32_t *places_of(const FeaturesRun *r, size_t n) {
    uint32_t *place = MEM_NEW(uint32_t, n);
    for (size_t i = 0; i < n; i++) place[r->order[i]] = (uint32_t)i;
    return place;
}

void features_grow(Features *f, size_t n_drawn) {
    FeaturesRun *r = f->run;
    const PathSet *set = &r->set;
    size_t n_unique = f->n_unique;
    /* Unique paths are numbered in order of first draw, so those of the first draws are the first.
     */
    for (size_t i = f->n_drawn; i < n_drawn; i++)
        if (set->draw_path[i] >= n_unique) n_unique = set->draw_path[i] + 1;
    longest_first(set, f->n_unique, n_unique - f->n_unique, r->order + f->n_unique);
    uint32_t *place = places_of(r, n_unique);
    for (size_t i = f->n_drawn; i < n_drawn; i++) f->paths[place[set->draw_path[i]]].n_draws++;
    free(place);
    f->n_drawn = n_drawn;
    f->n_unique = n_unique;
    r->progress.total = n_unique;
}

Features features_in_order(const Features *f) {
    Features view = *f;
    view.run = NULL;
    view.paths = MEM_NEW(PathFeatures, f->n_unique);
    uint32_t *place = places_of(f->run, f->n_unique), *order = MEM_NEW(uint32_t, f->n_unique);
    longest_first(&f->run->set, 0, f->n_unique, order);
    for (size_t i = 0; i < f->n_unique; i++) view.paths[i] = f->paths[place[order[i]]];
    free(place);
    free(order);
    return view;
}

/* ---- one path: view, simulate, describe, keep ---- */

/* Keeps the slowdowns of foreground flows that have one, grouped by size bucket, and their counts.
 * slowdown: [path->n], NAN where a flow has none. */
static void keep_slowdowns(const PathView *path, const LotFlow *flows, const float *slowdown,
                           PathFeatures *out) {
    size_t at[SIZEBUCKET_N] = {0}, total = 0;
    for (size_t k = 0; k < path->n_foreground; k++) {
        uint32_t i = path->foreground[k];
        if (!isnan(slowdown[i])) out->bucket_n[sizebucket_of(flows[i].size_b)]++;
    }
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        at[b] = total;
        total += out->bucket_n[b];
    }
    out->slowdown = MEM_NEW(float, total);
    for (size_t k = 0; k < path->n_foreground; k++) {
        uint32_t i = path->foreground[k];
        if (!isnan(slowdown[i])) out->slowdown[at[sizebucket_of(flows[i].size_b)]++] = slowdown[i];
    }
}

/* FEATURES_FLOWS. */
static void describe_flows(const FeaturesRun *r, const PathView *path, PathFeatures *out,
                           PathCounts *counts, Arena *a) {
    enum { DESCRIBED = 65536, MIN_PER_PATH = 128, MAX_PER_PATH = 512 };
    /* How many foreground flows are described at most. What a prediction costs is in proportion to
     * them: 41,000 flows on 500 paths instead of 93,000 move no quantile of any bucket by more than
     * 0.8 % (10 M flows on 256 hosts), where the intervals of sampling are 25 % wide to either
     * side. Small networks, which cannot have many different paths, get more: DESCRIBED flows over
     * all pairs of hosts. This does not depend on the draws, so that a path's features are the same
     * whichever others are drawn. */
    size_t n_hosts = r->scenario->topo.n_hosts, share = DESCRIBED / (n_hosts * n_hosts + 1),
           max_flows = share < MIN_PER_PATH   ? MIN_PER_PATH
                       : share > MAX_PER_PATH ? MAX_PER_PATH
                                              : share;
    FlowFeat features;
    FlowsimStats stats;
    PathFluidOptions o = {.max_flows = max_flows, .exact = r->options.exact};
    counts->n_simulated = pathfluid_build_path(&features, path, &o, &stats, a);
    counts->n_events = stats.events;
    flowfeat_set_conf(&features, &r->scenario->conf);
    out->flows = featarrays_keep_flows(&features);
    memcpy(out->bucket_n, features.bucket_count, sizeof features.bucket_count);
}

/* FEATURES_PERCENTILES, FEATURES_FLUID. */
static void simulate_fluid(const FeaturesRun *r, const PathView *path, PathFeatures *out,
                           PathCounts *counts, Arena *a) {
    LotFlow *flows = ARENA_NEW(a, LotFlow, path->n);
    double *fct_ns = ARENA_NEW(a, double, path->n);
    float *slowdown = ARENA_NEW(a, float, path->n);
    FlowsimStats stats;
    path_read(path, 0, path->n, flows);
    flowsim_run(&path->lot, flows, path->n, fct_ns, &stats, a);
    lot_slowdowns(&path->lot, flows, path->n, fct_ns, NULL, slowdown);
    counts->n_simulated = path->n;
    counts->n_events = stats.events;
    if (r->options.kind == FEATURES_FLUID) {
        keep_slowdowns(path, flows, slowdown, out);
        return;
    }
    PathFeat features;
    pathfeat_build(&features, &path->lot, flows, slowdown, path->n, &r->scenario->conf, a);
    out->percentiles = featarrays_keep_features(&features);
    memcpy(out->bucket_n, features.base_count, sizeof features.base_count);
}

/* FEATURES_PACKETS. */
static int simulate_packets(const FeaturesRun *r, size_t place, const PathView *path,
                            PathFeatures *out, PathCounts *counts, Arena *a, Err *err) {
    LotFlow *flows = ARENA_NEW(a, LotFlow, path->n);
    float *slowdown = ARENA_NEW(a, float, path->n);
    PathPacket p = {.scenario = r->scenario,
                    .path = &r->set.paths[r->order[place]],
                    .flows = flows,
                    .n_flows = path->n,
                    .compat = r->options.hpcc_ns3,
                    .seed = r->options.seed};
    path_read(path, 0, path->n, flows);
    if (pathpacket_run(&p, slowdown, &counts->n_events, err) != 0) return -1;
    keep_slowdowns(path, flows, slowdown, out);
    counts->n_packet_flows = path->n_foreground;
    for (size_t k = 0; k < path->n_foreground; k++)
        counts->n_unfinished += isnan(slowdown[path->foreground[k]]) ? 1 : 0;
    return 0;
}

static void keep_links(const NetPath *path, PathFeatures *out) {
    out->n_links = path->n_links;
    out->links = MEM_NEW(uint32_t, path->n_links);
    memcpy(out->links, path->links, path->n_links * sizeof *out->links);
}

static int simulate_path(void *ctx, size_t item, int worker, Err *err) {
    Features *f = ctx;
    FeaturesRun *r = f->run;
    size_t place = r->first + item;
    PathFeatures *out = &f->paths[place];
    PathCounts *counts = &r->counts[place];
    Arena *a = &r->scratch[worker];
    PathView path;
    int rc = 0;
    arena_reset(a);
    path_view(r->index, r->order[place], a, &path);
    keep_links(&r->set.paths[r->order[place]], out);
    if (r->options.kind == FEATURES_PACKETS) {
        rc = simulate_packets(r, place, &path, out, counts, a, err);
    } else {
        counts->n_path_flows = path.n;
        if (r->options.kind == FEATURES_FLOWS) describe_flows(r, &path, out, counts, a);
        else simulate_fluid(r, &path, out, counts, a);
    }
    progress_update(&r->progress, atomic_fetch_add(&r->n_done, 1) + 1);
    return rc;
}

static void tell_path(void *ctx, size_t item, RanksOut *out) {
    const Features *f = ctx;
    size_t place = f->run->first + item;
    features_share_put(&f->paths[place], out);
    ranks_put(out, &f->run->counts[place], sizeof f->run->counts[place]);
}

static void hear_path(void *ctx, size_t item, RanksIn *in) {
    Features *f = ctx;
    size_t place = f->run->first + item;
    features_share_get(&f->paths[place], in);
    ranks_get(in, &f->run->counts[place], sizeof f->run->counts[place]);
}

int features_simulate(Features *f, size_t first, size_t n, Err *err) {
    enum { PATHS_AT_ONCE = 4 }; /* that a rank takes: some milliseconds of work */
    FeaturesRun *r = f->run;
    double start_s = diag_now_s();
    RanksLoop loop = {.n = n,
                      .grain = PATHS_AT_ONCE,
                      .threads = r->options.threads,
                      .run = simulate_path,
                      .pack = tell_path,
                      .unpack = hear_path,
                      .ctx = f};
    r->first = first;
    uint16_t *rank_of = r->rank_of ? MEM_NEW(uint16_t, n) : NULL;
    for (size_t i = 0; rank_of && i < n; i++) rank_of[i] = r->rank_of[r->order[first + i]];
    loop.rank_of = rank_of;
    int rc = ranks_run(r->options.ranks, &loop, err);
    free(rank_of);
    f->wall_fluid_s += diag_now_s() - start_s;
    for (const PathCounts *c = r->counts + first; c < r->counts + first + n; c++) {
        f->n_events += c->n_events;
        f->n_unfinished += c->n_unfinished;
        f->n_packet_flows += c->n_packet_flows;
        f->n_path_flows += c->n_path_flows;
        f->n_simulated += c->n_simulated;
    }
    return rc;
}

/* ---- release ---- */

void features_drop(Features *f, size_t first, size_t n) {
    for (size_t i = first; i < first + n; i++) {
        PathFeatures *p = &f->paths[i];
        free(p->flows.link);
        if (p->percentiles) free(p->percentiles->pct);
        free(p->percentiles);
        p->flows = (FlowFeat){0};
        p->percentiles = NULL;
    }
}

void features_finish(Features *f) {
    FeaturesRun *r = f->run;
    if (!r) return;
    progress_finish(&r->progress);
    for (int w = 0; r->scratch && w < par_resolve(r->options.threads); w++)
        arena_free(&r->scratch[w]);
    free(r->scratch);
    free(r->order);
    free(r->rank_of);
    free(r->counts);
    pathindex_destroy(r->index);
    pathset_free(&r->set);
    free(r);
    f->run = NULL;
}

void features_free(Features *f) {
    features_finish(f);
    windows_free(&f->windows);
    features_drop(f, 0, f->n_unique);
    for (size_t i = 0; i < f->n_unique; i++) {
        free(f->paths[i].links);
        free(f->paths[i].slowdown);
    }
    netuse_free(&f->use);
    free(f->paths);
    *f = (Features){0};
}

/* ---- other settings ---- */

bool features_reusable_under(const Features *f, const NetConf *conf) {
    return f->kind != FEATURES_PACKETS || netconf_same(&f->conf, conf);
}

static void set_conf_of_path(void *ctx, size_t i, int worker) {
    (void)worker;
    const Features *f = ctx;
    if (f->paths[i].flows.link) flowfeat_set_conf(&f->paths[i].flows, &f->conf);
    if (f->paths[i].percentiles) pathfeat_set_conf(f->paths[i].percentiles, &f->conf);
}

void features_set_conf(Features *f, const NetConf *conf, int threads) {
    f->conf = *conf;
    if (f->conf.line_window_b == NETCONF_AUTO) f->conf.line_window_b = f->base_bdp_b;
    par_for(f->n_unique, threads, set_conf_of_path, f);
}

int features_settings(const Features *f, const char *const *set, NetConf *conf, Err *err) {
    Mix m;
    mix_init(&m);
    m.conf = f->conf;
    int rc = 0;
    for (const char *const *s = set; s && *s && rc == 0; s++) {
        char key[40]; /* longer than any key: a longer text is none */
        snprintf(key, sizeof key, "%.*s", (int)strcspn(*s, "="), *s);
        rc = mix_key_is_traffic(key) ? err_input(err,
                                                 "changes the %s, which features are made from; "
                                                 "leave out --features",
                                                 mix_key_is_fault(key) ? "topology" : "traffic")
                                     : mix_set(&m, *s, err);
        if (rc != 0) err_wrap(err, "--set %.60s", *s);
    }
    if (rc == 0 && (rc = netconf_check(&m.conf, err)) != 0) err_wrap(err, "--set");
    if (rc == 0 && !features_reusable_under(f, &m.conf))
        rc = err_input(err, "--set: takes a new fluid simulation; leave out --features");
    if (rc == 0 && m.conf.line_window_b == NETCONF_AUTO && f->base_bdp_b == 0)
        rc =
            err_input(err, "window: the features do not say the network's bandwidth-delay product, "
                           "which auto needs");
    *conf = m.conf;
    mix_free(&m);
    return rc;
}
