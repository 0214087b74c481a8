/* Speed of the forward pass: 500 paths of 6 links, weights of both presets and the shipped flow
 * model; against what OpenBLAS does in this very run on plain products of the same inner
 * dimensions. Arithmetic counted: matrix products only. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "model/flowmodel.h"
#include "model/nn.h"
#include "model/pathmodel.h"
#include "row.h"
#include "traffic/sizebucket.h"

enum { N_PATHS = 500, N_LINKS = 6, N_ROWS = N_LINKS + 1, REPEATS = 5, N_FLOWS = 128 };

static double flop_of(const ModelSpec *s) {
    double d = s->dim, h = s->hidden, in = d + s->n_feat + s->mlp_in_extra;
    double row = s->n_feat * d + s->n_layers * (4 * d * d + 3 * d * h);
    double path =
        d * d + in * s->mlp_h1 + (double)s->mlp_h1 * s->mlp_h2 + (double)s->mlp_h2 * s->n_out;
    return 2 * N_PATHS * (N_LINKS * row + path);
}

static const PathFeat **make_maps(Arena *a) {
    const PathFeat **maps = ARENA_NEW(a, const PathFeat *, N_PATHS);
    Rng rng = rng_stream(1, "bench", 0);
    for (size_t i = 0; i < N_PATHS; i++) {
        PathFeat *m = ARENA_NEW(a, PathFeat, 1);
        *m = (PathFeat){.n_rows = N_ROWS};
        m->pct = ARENA_NEW(a, float, N_ROWS *PATHFEAT_N_PCT);
        m->present = ARENA_NEW(a, uint16_t, N_ROWS);
        m->count = ARENA_NEW(a, uint32_t, N_ROWS * SIZEBUCKET_N_FINE);
        for (int r = 0; r < N_ROWS; r++) m->present[r] = 0x3ff;
        for (int k = 0; k < N_ROWS * SIZEBUCKET_N_FINE; k++) m->count[k] = 1;
        for (int k = 0; k < N_ROWS * PATHFEAT_N_PCT; k++) m->pct[k] = (float)(1 + rng_u01(&rng));
        for (int k = 0; k < PATHFEAT_N_BASE; k++) m->base[k] = 1;
        maps[i] = m;
    }
    return maps;
}

static double forward_s(const char *preset, int threads, double *gflop, const PathFeat **maps,
                        float *out) {
    Ckpt c = {0};
    Err err = {0};
    if (modelspec_preset(&c.spec, preset, &err) != 0) diag_die("%s", err.msg);
    ckpt_layout(&c.spec, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    ckpt_init_weights(&c.spec, 1, c.weights);
    double best = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double t = diag_now_s();
        pathmodel_forward(&c, maps, N_PATHS, out, false, threads);
        t = diag_now_s() - t;
        if (t < best) best = t;
    }
    *gflop = flop_of(&c.spec) * 1e-9;
    ckpt_free(&c);
    return best;
}

/* One thread: x[n × k] · w[m × k]ᵀ, as one group of the forward sees it. */
static double sgemm_gflops(size_t n, size_t m, size_t k) {
    enum { TIMES = 50 };
    float *x = mem_calloc(n * k, sizeof *x), *w = mem_calloc(m * k, sizeof *w),
          *y = mem_calloc(n * m, sizeof *y);
    double best = 1e9;
    nn_begin();
    for (int i = 0; i < REPEATS; i++) {
        double t = diag_now_s();
        for (int j = 0; j < TIMES; j++) nn_linear(y, x, w, NULL, n, k, m);
        t = (diag_now_s() - t) / TIMES;
        if (t < best) best = t;
    }
    nn_end();
    free(x);
    free(w);
    free(y);
    return 2e-9 * (double)(n * m * k) / best;
}

static void forward_row(const char *weights, int threads, double s, double gflop,
                        double published_ms, double gemm) {
    char what[64];
    snprintf(what, sizeof what, "forward, %s weights, %d paths, %d thread%s", weights, N_PATHS,
             threads, threads > 1 ? "s" : "");
    bench_row(
        what, bench_cell("%.0f ms", s * 1e3), bench_cell("%.0f GFLOP/s", gflop / s),
        bench_published(published_ms, s * 1e3),
        bench_cell("%.0f %% of sgemm (%.0f)", 100 * gflop / s / gemm / threads, gemm * threads));
}

static void preset_rows(Arena *a) {
    static const struct {
        const char *preset;
        size_t m, k;
        double published_ms; /* the published program's transformer and MLP, a path of 6 links */
    } sizes[] = {{"compact", 192, 64, 0}, {"paper", 1536, 576, 84.4}};
    const PathFeat **maps = make_maps(a);
    float *out = ARENA_NEW(a, float, N_PATHS *PATHFEAT_N_BASE);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double gemm = sgemm_gflops((size_t)PATHMODEL_GROUP * N_LINKS, sizes[i].m, sizes[i].k);
        for (int threads = 1; threads <= par_resolve(0); threads *= 2) {
            double gflop, t = forward_s(sizes[i].preset, threads, &gflop, maps, out);
            forward_row(sizes[i].preset, threads, t, gflop, sizes[i].published_ms * N_PATHS, gemm);
        }
    }
}

/* ---- the flow model ---- */

static float *random_values(Arena *a, Rng *rng, size_t n) {
    float *x = ARENA_NEW(a, float, n);
    for (size_t i = 0; i < n; i++) x[i] = (float)rng_u01(rng);
    return x;
}

static const FlowFeat **make_flow_maps(Arena *a) {
    const FlowFeat **maps = ARENA_NEW(a, const FlowFeat *, N_PATHS);
    Rng rng = rng_stream(1, "bench", 1);
    for (size_t i = 0; i < N_PATHS; i++) {
        FlowFeat *m = ARENA_NEW(a, FlowFeat, 1);
        *m = (FlowFeat){.n_links = N_LINKS, .n_flows = N_FLOWS};
        m->link = random_values(a, &rng, (size_t)N_LINKS * FLOWFEAT_N_LINK);
        m->path = random_values(a, &rng, FLOWFEAT_N_PATH);
        m->flow = random_values(a, &rng, (size_t)N_FLOWS * FLOWFEAT_N_FLOW);
        m->base = random_values(a, &rng, N_FLOWS);
        for (int k = 0; k < N_FLOWS; k++) m->base[k] += 1;
        maps[i] = m;
    }
    return maps;
}

/* What the flows of a path share is multiplied once a path. */
static double flow_flop_of(const ModelSpec *s) {
    double d = s->dim, h = s->hidden, h1 = s->mlp_h1;
    double row = s->n_feat * d + s->n_layers * (4 * d * d + 3 * d * h);
    double path = d * d + (d + FLOWFEAT_N_PATH) * h1;
    double flow = FLOWFEAT_N_FLOW * h1 + h1 * s->mlp_h2 + (double)s->mlp_h2 * s->n_out;
    return 2 * N_PATHS * (N_LINKS * row + path + N_FLOWS * flow);
}

/* The shipped checkpoint; beside the product of the MLP's middle layer, which is most of it. */
static void shipped_rows(Arena *a) {
    Ckpt c;
    Err err = {0};
    if (ckpt_load(&c, "ckpts/default", &err) != 0) diag_die("%s", err.msg);
    if (c.spec.head != HEAD_FLOW) diag_die("ckpts/default is no flow model");
    const FlowFeat **maps = make_flow_maps(a);
    float *out = ARENA_NEW(a, float, (size_t)N_PATHS *N_FLOWS *FLOWMODEL_N_Q);
    double gemm = sgemm_gflops((size_t)FLOWMODEL_GROUP * N_FLOWS, c.spec.mlp_h2, c.spec.mlp_h1);
    for (int threads = 1; threads <= par_resolve(0); threads *= 2) {
        double best = 1e9;
        for (int i = 0; i < REPEATS; i++) {
            double t = diag_now_s();
            flowmodel_forward(&c, maps, N_PATHS, out, false, threads);
            t = diag_now_s() - t;
            if (t < best) best = t;
        }
        forward_row("shipped", threads, best, flow_flop_of(&c.spec) * 1e-9, 0, gemm);
    }
    ckpt_free(&c);
}

int main(void) {
    Arena a = {0};
    preset_rows(&a);
    shipped_rows(&a);
    arena_free(&a);
    return 0;
}
