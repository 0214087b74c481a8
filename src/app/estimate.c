/* estimate: scenario → paths → fluid simulation → feature maps → model → the network's distribution.
 *
 *   flows ─ pathset_draw ─ pathindex_new ─┬─ path_project ─ flowsim_run ─ feature_build ─┬─ model_forward ─ aggregate
 *                                         └─ … one path per worker at a time …           ┘
 *
 * Paths are independent, so each is one item of a parallel loop; results land at the path's own place and are
 * reduced in that order, which keeps the number of threads out of the result. Of a path only its feature map
 * outlives its item (some 30 KB), and a map only its batch: memory beyond the flows' own does not grow with
 * the number of paths but for 400 percentiles each. Long paths start first: they carry most background
 * traffic, and a big one started last would leave the other workers idle.
 *
 * A flow model (HEAD_FLOW) takes pathmap_make and flowcurve_make in place of feature_build and model_forward.
 * Where the checkpoint knows its own error (interval.c), the bootstrap's intervals are widened by it.
 * With METHOD_FLOWSIM the foreground's fluid slowdowns are the result as they are. With METHOD_PACKET the path is
 * simulated packet by packet instead (estimate_packet.c), and its foreground's slowdowns are the result. */
#include "app/estimate.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/estimate_packet.h"
#include "app/flowcurve.h"
#include "app/interval.h"
#include "app/pathmap.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/units.h"
#include "fluid/flowsim.h"
#include "model/model.h"
#include "net/path.h"

/* Paths between two calls of the model: a multiple of MODEL_GROUP, enough to keep any machine busy; and foreground flows of a
 * path that are looked at, enough for drawing them to matter little beside drawing paths. */
enum { BATCH = 32 * MODEL_GROUP, MAX_FLOWS = 512 };

typedef struct {
    const Scenario *scenario;
    const EstimateOptions *options;
    PathSet set;
    PathIndex *index;
    uint32_t *order;  /* [n_unique] paths, those with most links first */
    size_t first;     /* of the batch, in `order` */
    Arena *scratch;   /* [workers] */
    bool flow_model;  /* METHOD_M3 with HEAD_FLOW */
    bool model_error; /* … and its error has been measured: */
    ModelInterval interval;
    FeatureMap *maps;   /* [BATCH] each one block, at ->pct */
    FlowMap *flow_maps; /* [BATCH] a flow model's instead, at ->link */
    float *pct;         /* [n_unique × n_out] the model's percentiles (400) or curves (FLOWCURVE_N), in `order` */
    size_t n_out;
    FlowRange *range;       /* [n_unique] a flow model's inputs that are out of range */
    AggPath *results;       /* [n_unique] in `order` */
    float **slowdown;       /* [n_unique] not METHOD_M3: of the foreground, grouped by bucket */
    uint64_t *n_events;     /* [n_unique] */
    uint64_t *n_unfinished; /* [n_unique] */
    Err *errors;            /* [workers] METHOD_PACKET */
    atomic_bool failed;     /* one of them is set: the rest is in vain */
    atomic_uint_fast64_t n_done;
    Progress progress;
} Run;

/* Copies a map out of the scratch arena into one block. */
static FeatureMap keep_map(const FeatureMap *m) {
    size_t n_pct = (size_t)m->n_rows * FEATURE_N_PCT, n_count = (size_t)m->n_rows * STATS_N_IN;
    FeatureMap kept = *m;
    kept.pct = mem_alloc(n_pct * sizeof *m->pct + n_count * sizeof *m->count + m->n_rows * sizeof *m->present, 1);
    kept.count = (uint32_t *)(void *)(kept.pct + n_pct);
    kept.present = (uint16_t *)(void *)(kept.count + n_count);
    memcpy(kept.pct, m->pct, n_pct * sizeof *m->pct);
    memcpy(kept.count, m->count, n_count * sizeof *m->count);
    memcpy(kept.present, m->present, m->n_rows * sizeof *m->present);
    return kept;
}

static bool is_foreground(const Lot *lot, const LotFlow *f) { return f->s == 0 && f->d == lot->n_links; }

/* The foreground's slowdowns (of flows that have one), grouped by size bucket; counts into count. */
static float *group_foreground(const Lot *lot, const LotFlow *flows, const float *slowdown, size_t n, uint32_t count[STATS_N_OUT]) {
    size_t at[STATS_N_OUT] = {0}, total = 0;
    for (size_t i = 0; i < n; i++)
        if (is_foreground(lot, &flows[i]) && !isnan(slowdown[i])) count[stats_bucket_out(flows[i].size_b)]++;
    for (int b = 0; b < STATS_N_OUT; b++) {
        at[b] = total;
        total += count[b];
    }
    float *out = MEM_NEW(float, total);
    for (size_t i = 0; i < n; i++)
        if (is_foreground(lot, &flows[i]) && !isnan(slowdown[i])) out[at[stats_bucket_out(flows[i].size_b)]++] = slowdown[i];
    return out;
}

/* A path's flows, on their way through a worker. */
typedef struct {
    size_t place, item; /* in `order`; in the batch */
    int worker;
    Lot lot;
    LotFlow *flows;
    size_t n;
} Task;

static void keep_foreground(Run *r, const Task *t, const float *slowdown) {
    AggPath *p = &r->results[t->place];
    p->slowdown = r->slowdown[t->place] = group_foreground(&t->lot, t->flows, slowdown, t->n, p->count);
}

static void describe_flows(Run *r, const Task *t) {
    Arena *a = &r->scratch[t->worker];
    FlowMap map;
    FlowsimStats stats;
    AggPath *p = &r->results[t->place];
    pathmap_make(&map, &t->lot, t->flows, t->n, &r->scenario->net, MAX_FLOWS, &stats, a);
    r->n_events[t->place] = stats.events;
    r->flow_maps[t->item] = flowcurve_keep(&map);
    r->range[t->place] = flowmodel_range(r->options->ckpt, &map);
    p->curve = r->pct + t->place * r->n_out;
    memcpy(p->count, map.bucket_count, sizeof p->count);
}

static void simulate_fluid(Run *r, const Task *t) {
    Arena *a = &r->scratch[t->worker];
    FlowsimStats stats;
    double *fct_ns = ARENA_NEW(a, double, t->n);
    float *slowdown = ARENA_NEW(a, float, t->n);
    flowsim_run(&t->lot, t->flows, t->n, fct_ns, &stats, a);
    flowsim_slowdowns(&t->lot, t->flows, t->n, fct_ns, slowdown);
    r->n_events[t->place] = stats.events;
    if (r->options->method == METHOD_FLOWSIM) {
        keep_foreground(r, t, slowdown);
        return;
    }
    FeatureMap map;
    AggPath *p = &r->results[t->place];
    feature_build(&map, &t->lot, t->flows, slowdown, t->n, &r->scenario->net, a);
    r->maps[t->item] = keep_map(&map);
    p->pct = r->pct + t->place * r->n_out;
    memcpy(p->count, map.base_count, sizeof p->count);
}

static PacketPath packet_path(const Run *r, const Task *t) {
    return (PacketPath){.scenario = r->scenario,
                        .path = &r->set.paths[r->order[t->place]],
                        .flows = t->flows,
                        .n_flows = t->n,
                        .compat = r->options->hpcc_ns3,
                        .seed = r->options->seed};
}

static void simulate_packets(Run *r, const Task *t) {
    float *slowdown = ARENA_NEW(&r->scratch[t->worker], float, t->n);
    PacketPath p = packet_path(r, t);
    if (packet_path_run(&p, slowdown, &r->n_events[t->place], &r->errors[t->worker]) != 0) {
        atomic_store(&r->failed, true);
        return;
    }
    keep_foreground(r, t, slowdown);
    for (size_t i = 0; i < t->n; i++) r->n_unfinished[t->place] += is_foreground(&t->lot, &t->flows[i]) && isnan(slowdown[i]);
}

static Task project(Run *r, size_t item, int worker) {
    Task t = {.place = r->first + item, .item = item, .worker = worker};
    arena_reset(&r->scratch[worker]);
    path_project(r->index, r->order[t.place], &r->scratch[worker], &t.lot, &t.flows, &t.n);
    return t;
}

static void simulate_path(void *ctx, size_t item, int worker) {
    Run *r = ctx;
    if (diag_stop_requested() || atomic_load(&r->failed)) return;
    Task t = project(r, item, worker);
    r->results[t.place].n_draws = r->set.paths[r->order[t.place]].n_draws;
    if (r->options->method == METHOD_PACKET) simulate_packets(r, &t);
    else if (r->flow_model) describe_flows(r, &t);
    else simulate_fluid(r, &t);
    progress_update(&r->progress, atomic_fetch_add(&r->n_done, 1) + 1);
}

/* Before hours of work: what is to come, from a few paths. */
static void announce_packets(Run *r, const Log *log) {
    enum { LOOK_AT = 8 };
    static const double HOPS_PER_S = 8e6, WORTH_A_REMARK_S = 60;
    size_t n = r->set.n_unique, n_seen = n < LOOK_AT ? n : LOOK_AT;
    double hops = 0;
    for (size_t i = 0; i < n_seen; i++) {
        Task t = project(r, i * n / n_seen, 0);
        PacketPath p = packet_path(r, &t);
        hops += packet_path_hops(&p);
    }
    hops *= (double)n / (double)n_seen;
    double s = hops / HOPS_PER_S / par_resolve(r->options->threads);
    if (s < WORTH_A_REMARK_S) return;
    bool in_minutes = s < 5400;
    log_note(log, "%s paths at packet level: about %.*f %s; --paths takes fewer", units_count(n).s, !in_minutes,
             s / (in_minutes ? 60 : 3600), in_minutes ? "minutes" : "hours");
}

static void forward_batch(Run *r, size_t n) {
    const FeatureMap *maps[BATCH];
    float *out = r->pct + r->first * r->n_out;
    for (size_t i = 0; i < n; i++) maps[i] = &r->maps[i];
    if (r->flow_model) flowcurve_make(r->options->ckpt, r->flow_maps, n, out, r->options->threads);
    else model_forward(r->options->ckpt, maps, n, out, false, r->options->threads);
}

static int why_stopped(const Run *r, Err *err) {
    int n = par_resolve(r->options->threads);
    for (int w = 0; w < n; w++)
        if (r->errors[w].kind != ERR_NONE && r->errors[w].kind != ERR_STOPPED) {
            if (err) *err = r->errors[w];
            return -1;
        }
    return err_stopped(err);
}

static int simulate_all(Run *r, Estimate *out, Err *err) {
    bool model = r->options->method == METHOD_M3, stopped = false;
    for (r->first = 0; r->first < r->set.n_unique && !stopped; r->first += BATCH) {
        size_t left = r->set.n_unique - r->first, n = left < BATCH ? left : BATCH;
        double start = diag_now_s();
        memset(r->maps, 0, BATCH * sizeof *r->maps);
        memset(r->flow_maps, 0, BATCH * sizeof *r->flow_maps);
        par_for(n, r->options->threads, simulate_path, r);
        double simulated = diag_now_s();
        stopped = diag_stop_requested() || atomic_load(&r->failed);
        if (model && !stopped) forward_batch(r, n);
        for (size_t i = 0; i < n; i++) {
            free(r->maps[i].pct);
            free(r->flow_maps[i].link);
        }
        out->wall_fluid_s += simulated - start;
        out->wall_model_s += diag_now_s() - simulated;
    }
    return stopped ? why_stopped(r, err) : 0;
}

/* Paths by descending number of links; a counting sort, so ties keep their order. */
static uint32_t *longest_first(const PathSet *set) {
    uint32_t *order = MEM_NEW(uint32_t, set->n_unique), longest = 0;
    size_t n = 0;
    for (size_t i = 0; i < set->n_unique; i++)
        if (set->paths[i].n_links > longest) longest = set->paths[i].n_links;
    for (uint32_t length = longest; n < set->n_unique; length--)
        for (size_t i = 0; i < set->n_unique; i++)
            if (set->paths[i].n_links == length) order[n++] = (uint32_t)i;
    return order;
}

static int decompose(Run *r, const Log *log, Estimate *out, Err *err) {
    const Scenario *s = r->scenario;
    const EstimateOptions *o = r->options;
    double start = diag_now_s();
    if (pathset_draw(&r->set, s->route, &s->flows, s->sport, o->n_paths, o->seed, err) != 0) return -1;
    r->index = pathindex_new(&r->set, s->route, &s->flows, s->sport, o->threads, log, err);
    out->wall_route_s = s->wall_route_s + (diag_now_s() - start);
    return r->index ? 0 : -1;
}

static void run_init(Run *r, const Log *log) {
    size_t n = r->set.n_unique;
    r->order = longest_first(&r->set);
    r->scratch = MEM_ZNEW(Arena, (size_t)par_resolve(r->options->threads));
    r->maps = MEM_ZNEW(FeatureMap, BATCH);
    r->flow_maps = MEM_ZNEW(FlowMap, BATCH);
    r->flow_model = r->options->method == METHOD_M3 && r->options->ckpt->spec.head == HEAD_FLOW;
    r->n_out = r->options->method != METHOD_M3 ? 0 : r->flow_model ? FLOWCURVE_N : FEATURE_N_BASE;
    r->pct = MEM_NEW(float, n * r->n_out);
    r->results = MEM_ZNEW(AggPath, n);
    r->range = MEM_ZNEW(FlowRange, n);
    r->slowdown = MEM_ZNEW(float *, n);
    r->n_events = MEM_ZNEW(uint64_t, n);
    r->n_unfinished = MEM_ZNEW(uint64_t, n);
    r->errors = MEM_ZNEW(Err, (size_t)par_resolve(r->options->threads));
    atomic_init(&r->failed, false);
    atomic_init(&r->n_done, 0);
    progress_init(&r->progress, log, "paths", n);
}

static void run_free(Run *r) {
    for (int w = 0; r->scratch && w < par_resolve(r->options->threads); w++) arena_free(&r->scratch[w]);
    for (size_t i = 0; r->slowdown && i < r->set.n_unique; i++) free(r->slowdown[i]);
    free(r->order);
    free(r->scratch);
    free(r->maps);
    free(r->flow_maps);
    free(r->pct);
    free(r->results);
    free(r->slowdown);
    free(r->range);
    free(r->n_events);
    free(r->n_unfinished);
    free(r->errors);
    pathindex_destroy(r->index);
    pathset_free(&r->set);
}

/* How far outside, in widths of the trained range. */
static float excess(const FlowRange *r) {
    if (!r->name) return 0;
    float width = r->hi - r->lo;
    return fmaxf(r->lo - r->value, r->value - r->hi) / (width > 0 ? width : 1);
}

/* A checkpoint in half precision rounds its ranges: what is outside by less than that does not count. */
static void sum_up_ranges(const Run *r, Estimate *out) {
    static const float ROUNDING = 0.01f;
    for (size_t i = 0; i < r->set.n_unique; i++) {
        float x = excess(&r->range[i]);
        out->n_outside += x > ROUNDING;
        if (x > ROUNDING && x > excess(&out->range)) out->range = r->range[i];
    }
}

static void note_range(const Log *log, const Estimate *e) {
    static const float WORTH_A_REMARK = 0.05f;
    if (excess(&e->range) > WORTH_A_REMARK)
        log_note(log, "on %s of %s paths the model sees what it was not trained on; furthest out: %s is %.3g, trained on %.3g to %.3g",
                 units_count(e->n_outside).s, units_count(e->n_unique).s, e->range.name, (double)e->range.value, (double)e->range.lo,
                 (double)e->range.hi);
}

static void conclude(Run *r, Estimate *out) {
    const EstimateOptions *o = r->options;
    double start = diag_now_s();
    out->n_flows = r->scenario->flows.n;
    out->n_drawn = r->set.n_drawn;
    out->n_unique = r->set.n_unique;
    out->exhaustive = o->n_paths == 0;
    for (size_t i = 0; i < out->n_unique; i++) {
        out->fluid_events += r->n_events[i];
        out->n_unfinished += r->n_unfinished[i];
    }
    sum_up_ranges(r, out);
    AggOptions agg = {.published = o->published, .seed = o->seed, .exhaustive = out->exhaustive};
    aggregate(r->results, out->n_unique, &agg, o->threads, &out->slowdown);
    out->model_error = r->model_error;
    if (r->model_error) interval_widen(&r->interval, &out->slowdown);
    out->wall_aggregate_s = diag_now_s() - start;
}

/* The published aggregation is not what the model's error was measured with. */
static int load_interval(Run *r, Err *err) {
    if (r->options->method != METHOD_M3 || r->options->published) return 0;
    int found = interval_read(&r->interval, r->options->ckpt, err);
    r->model_error = found == 1;
    return found < 0 ? -1 : 0;
}

int estimate_run(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out, Err *err) {
    Run r = {.scenario = s, .options = o};
    *out = (Estimate){0};
    int rc = load_interval(&r, err) == 0 ? decompose(&r, log, out, err) : -1;
    if (rc == 0) {
        run_init(&r, log);
        if (o->method == METHOD_PACKET) announce_packets(&r, log);
        rc = simulate_all(&r, out, err);
        progress_finish(&r.progress);
    }
    if (rc == 0) conclude(&r, out);
    if (rc == 0) note_range(log, out);
    if (rc == 0 && out->n_unfinished > 0)
        log_note(log, "%s flows of the paths did not finish; they have no slowdown", units_count(out->n_unfinished).s);
    run_free(&r);
    return rc;
}

/* In the working directory, beside the binary's folder, or in PREFIX/share/m3 when installed; NULL: nowhere. */
static char *find_default_ckpt(void) {
    static const char *const beside[] = {"../ckpts/default", "../../ckpts/default", "../share/m3/ckpts/default"};
    if (file_is_dir("ckpts/default")) return mem_strdup("ckpts/default");
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) return NULL;
    exe[n] = '\0';
    char *dir = file_dirname(exe), *found = NULL;
    for (size_t i = 0; i < sizeof beside / sizeof *beside && !found; i++) {
        char *path = file_join(dir, beside[i]);
        if (file_is_dir(path)) found = path;
        else free(path);
    }
    free(dir);
    return found;
}

int estimate_load_ckpt(Ckpt *ckpt, const char *path, Err *err) {
    if (path) return ckpt_load(ckpt, path, err);
    char *found = find_default_ckpt();
    int rc =
        found ? ckpt_load(ckpt, found, err)
              : err_input(
                    err,
                    "no checkpoint: none was named, and there is no ckpts/default here or beside the program (method flowsim needs none)");
    free(found);
    return rc;
}
