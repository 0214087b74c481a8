/* pathsample: path scenarios with known completion times → samples for training.
 *
 * A scenario is a parking lot of the published shape (10 Gb/s ends, 40 Gb/s inner links, 1 µs), its
 * settings and its flows with the completion times that a packet simulator (or a network) gave. A
 * sample is the feature map of its fluid simulation, made by the very function that inference uses,
 * and the percentiles of the true slowdowns of the foreground.
 *
 * Views. Real decompositions also give paths with few foreground flows, which whole scenarios never
 * show. A view of a scenario is what one would have seen of the same simulation in a random range
 * of time, counting only a random share of the foreground; the others become background that leaves
 * one link early or joins one link late. Every flow keeps its true and its fluid completion time,
 * so a view is as true as the whole. */
#include "data/pathsample.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fluid/flowsim.h"
#include "scenario/published.h"
#include "traffic/flows_read.h"
#include "traffic/sizebucket.h"

/* 63 links: far beyond any path; positions fit 16 bits. A view holds at least 4 foreground flows,
 * fewer than which say nothing of a distribution. */
enum { MAX_LINKS = 63, MIN_VIEW_FLOWS = 4 };
static const double host_rate_bps = 10e9; /* of the published shape */

static int read_settings(const Json *root, PathScenario *s, Err *err) {
    uint64_t n_hosts;
    if (json_need_uint(root, "n_hosts", MAX_LINKS + 1, &n_hosts, err) != 0) return -1;
    if (n_hosts < 3)
        return json_fail_member(root, "n_hosts", err, "must be at least 3, got %" PRIu64, n_hosts);
    s->n_links = (uint32_t)n_hosts - 1;
    return published_read_path(&s->conf, root, err);
}

int pathscenario_settings(PathScenario *s, const char *path, Err *err) {
    JsonDoc *doc = json_open(path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = json_expect_object(&root, err) == 0 ? read_settings(&root, s, err) : -1;
    json_close(doc);
    return rc;
}

int pathscenario_flows(PathScenario *s, const char *path, Err *err) {
    if (flows_load_positions(&s->flows, path, s->n_links, NULL, err) != 0) return -1;
    size_t n_usable = 0;
    if (s->flows.fct_ns && s->flows.ideal_fct_ns)
        for (size_t i = 0; i < s->flows.n; i++)
            n_usable += lot_is_foreground(s->n_links, s->flows.src[i], s->flows.dst[i]) &&
                        s->flows.fct_ns[i] > 0 && s->flows.ideal_fct_ns[i] > 0;
    if (n_usable > 0) return 0;
    flows_free(&s->flows);
    return err_input(err,
                     "%s: expected flows from 0 to %u with fct_ns and ideal_fct_ns, found none",
                     path, s->n_links);
}

void pathsample_truth(const Flows *f, size_t first, size_t n, uint32_t n_links, const bool *keep,
                      float pct[PATHFEAT_N_BASE], uint32_t count[SIZEBUCKET_N], Arena *a) {
    float *of[SIZEBUCKET_N];
    for (int b = 0; b < SIZEBUCKET_N; b++) of[b] = ARENA_NEW(a, float, n);
    memset(count, 0, SIZEBUCKET_N * sizeof *count);
    for (size_t k = 0; k < n; k++) {
        size_t i = first + k;
        if (f->src[i] != 0 || f->dst[i] != n_links || (keep && !keep[k])) continue;
        if (!(f->fct_ns[i] > 0 && f->ideal_fct_ns[i] > 0)) continue;
        int b = sizebucket_of(f->size_b[i]);
        of[b][count[b]++] = (float)(f->fct_ns[i] / f->ideal_fct_ns[i]);
    }
    for (int b = 0; b < SIZEBUCKET_N; b++) {
        float *out = pct + b * STATS_N_PCT;
        for (int p = 0; p < STATS_N_PCT; p++) out[p] = 1;
        if (count[b] == 0) continue;
        stats_sort_f32(of[b], count[b]);
        stats_percentiles_f32(of[b], count[b], out);
    }
}

void pathsim_run(PathSim *sim, const PathScenario *s, Arena *a) {
    const Flows *f = &s->flows;
    *sim = (PathSim){.scenario = s,
                     .a = a,
                     .flows = ARENA_NEW(a, LotFlow, f->n),
                     .slowdown = ARENA_NEW(a, float, f->n)};
    lot_published(&sim->lot, s->n_links, host_rate_bps, a);
    for (size_t i = 0; i < f->n; i++)
        sim->flows[i] = (LotFlow){.start_ns = f->start_ns[i],
                                  .size_b = f->size_b[i],
                                  .cap_bps = host_rate_bps,
                                  .flow = (uint32_t)i,
                                  .s = (uint16_t)f->src[i],
                                  .d = (uint16_t)f->dst[i]};
    double *fct_ns = ARENA_NEW(a, double, f->n);
    flowsim_run(&sim->lot, sim->flows, f->n, fct_ns, NULL, a);
    for (size_t i = 0; i < f->n; i++)
        sim->slowdown[i] = (float)lot_slowdown(&sim->lot, &sim->flows[i], fct_ns[i]);
}

static bool is_foreground(const PathScenario *s, const LotFlow *f) {
    return lot_is_foreground(s->n_links, f->s, f->d);
}

SampleView sampleview_whole(const PathSim *sim) {
    size_t n = sim->scenario->flows.n;
    SampleView v = {.n = n, .flows = sim->flows, .keep = ARENA_NEW(sim->a, bool, n)};
    for (size_t i = 0; i < n; i++) v.keep[i] = true;
    return v;
}

/* A range that begins and ends with a foreground flow, log-uniform in how many it holds. */
static void draw_time_range(const PathSim *sim, Rng *rng, SampleView *v) {
    size_t n = sim->scenario->flows.n, n_fg = 0, *at = ARENA_NEW(sim->a, size_t, n);
    for (size_t i = 0; i < n; i++)
        if (is_foreground(sim->scenario, &sim->flows[i])) at[n_fg++] = i;
    double fewest = (double)(n_fg < MIN_VIEW_FLOWS ? n_fg : MIN_VIEW_FLOWS);
    size_t len = (size_t)exp(rng_uniform(rng, log(fewest), log((double)n_fg + 1)));
    if (len < 1) len = 1;
    if (len > n_fg) len = n_fg;
    size_t k = (size_t)rng_below(rng, n_fg - len + 1);
    v->first = at[k];
    v->n = at[k + len - 1] - at[k] + 1;
}

SampleView sampleview_draw(const PathSim *sim, Rng *rng) {
    SampleView v = {0};
    draw_time_range(sim, rng, &v);
    v.flows = ARENA_NEW(sim->a, LotFlow, v.n);
    v.keep = ARENA_NEW(sim->a, bool, v.n);
    memcpy(v.flows, sim->flows + v.first, v.n * sizeof *v.flows);
    /* Half of the views count all of the foreground, the others a tenth to all of it. */
    double share = rng_u01(rng) < 0.5 ? 1 : exp(rng_uniform(rng, log(0.1), 0));
    for (size_t i = 0; i < v.n; i++) {
        v.keep[i] = i == 0 || !is_foreground(sim->scenario, &v.flows[i]) || rng_u01(rng) < share;
        if (v.keep[i]) continue;
        if (rng_u01(rng) < 0.5) v.flows[i].s++;
        else v.flows[i].d--;
    }
    return v;
}

void sampleview_sample(const PathSim *sim, const SampleView *v, SampleHead *h, float **pct,
                       uint16_t **present) {
    PathFeat m;
    memset(h, 0, sizeof *h);
    pathfeat_build(&m, &sim->lot, v->flows, sim->slowdown + v->first, v->n, &sim->scenario->conf,
                   sim->a);
    h->n_rows = m.n_rows;
    memcpy(h->conf, m.conf, sizeof h->conf);
    memcpy(h->base, m.base, sizeof h->base);
    memcpy(h->base_count, m.base_count, sizeof h->base_count);
    pathsample_truth(&sim->scenario->flows, v->first, v->n, sim->scenario->n_links, v->keep,
                     h->truth, h->truth_count, sim->a);
    *pct = m.pct;
    *present = m.present;
}
