/* Speed of the forward pass: 500 paths of 6 links, weights of both presets; against what OpenBLAS does in this
 * very run on plain products of the same inner dimensions. Arithmetic counted: matrix products only. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "model/model.h"
#include "model/nn.h"
#include "row.h"

enum { N_PATHS = 500, N_LINKS = 6, N_ROWS = N_LINKS + 1, REPEATS = 5 };

static double flop_of(const ModelSpec *s) {
    double d = s->dim, h = s->hidden, in = d + s->n_feat + s->mlp_in_extra;
    double row = s->n_feat * d + s->n_layers * (4 * d * d + 3 * d * h);
    double path = d * d + in * s->mlp_h1 + (double)s->mlp_h1 * s->mlp_h2 + (double)s->mlp_h2 * s->n_out;
    return 2 * N_PATHS * (N_LINKS * row + path);
}

static const FeatureMap **make_maps(Arena *a) {
    const FeatureMap **maps = ARENA_NEW(a, const FeatureMap *, N_PATHS);
    Rng rng = rng_stream(1, "bench", 0);
    for (size_t i = 0; i < N_PATHS; i++) {
        FeatureMap *m = ARENA_NEW(a, FeatureMap, 1);
        *m = (FeatureMap){.n_rows = N_ROWS};
        m->pct = ARENA_NEW(a, float, N_ROWS *FEATURE_N_PCT);
        m->present = ARENA_NEW(a, uint16_t, N_ROWS);
        m->count = ARENA_NEW(a, uint32_t, N_ROWS * STATS_N_IN);
        for (int r = 0; r < N_ROWS; r++) m->present[r] = 0x3ff;
        for (int k = 0; k < N_ROWS * STATS_N_IN; k++) m->count[k] = 1;
        for (int k = 0; k < N_ROWS * FEATURE_N_PCT; k++) m->pct[k] = (float)(1 + rng_u01(&rng));
        for (int k = 0; k < FEATURE_N_BASE; k++) m->base[k] = 1;
        maps[i] = m;
    }
    return maps;
}

static double forward_s(const char *preset, int threads, double *gflop, const FeatureMap **maps, float *out) {
    Ckpt c = {0};
    Err err = {0};
    if (modelspec_preset(&c.spec, preset, &err) != 0) diag_die("%s", err.msg);
    ckpt_layout(&c.spec, NULL, 0, &c.n_floats);
    c.weights = MEM_NEW(float, c.n_floats);
    ckpt_init_weights(&c.spec, 1, c.weights);
    double best = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double t = diag_now_s();
        model_forward(&c, maps, N_PATHS, out, false, threads);
        t = diag_now_s() - t;
        if (t < best) best = t;
    }
    *gflop = flop_of(&c.spec) * 1e-9;
    ckpt_free(&c);
    return best;
}

/* One thread: x[192 × k] · w[m × k]ᵀ, as one group of the forward sees it. */
static double sgemm_gflops(size_t m, size_t k) {
    enum { N = MODEL_GROUP * N_LINKS, TIMES = 50 };
    float *x = mem_calloc(N * k, sizeof *x), *w = mem_calloc(m * k, sizeof *w), *y = mem_calloc(N * m, sizeof *y);
    double best = 1e9;
    int before = nn_begin();
    for (int i = 0; i < REPEATS; i++) {
        double t = diag_now_s();
        for (int j = 0; j < TIMES; j++) nn_linear(y, x, w, NULL, N, k, m);
        t = (diag_now_s() - t) / TIMES;
        if (t < best) best = t;
    }
    nn_end(before);
    free(x);
    free(w);
    free(y);
    return 2e-9 * N * (double)(m * k) / best;
}

int main(void) {
    static const struct {
        const char *preset;
        size_t m, k;
    } sizes[] = {{"compact", 192, 64}, {"paper", 1536, 576}};
    Arena a = {0};
    const FeatureMap **maps = make_maps(&a);
    float *out = ARENA_NEW(&a, float, N_PATHS *FEATURE_N_BASE);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double gemm = sgemm_gflops(sizes[i].m, sizes[i].k);
        for (int threads = 1; threads <= par_n_cores(); threads *= 2) {
            double gflop, t = forward_s(sizes[i].preset, threads, &gflop, maps, out);
            char what[64];
            snprintf(what, sizeof what, "forward, %s weights, %d paths, %d thread%s", sizes[i].preset, N_PATHS, threads,
                     threads > 1 ? "s" : "");
            /* The published program's transformer and MLP: 84.4 ms a path of 6 links. */
            bench_row(what, bench_cell("%.0f ms", t * 1e3), bench_cell("%.0f GFLOP/s", gflop / t),
                      bench_published(sizes[i].k > 64 ? 84.4 * N_PATHS : 0, t * 1e3),
                      bench_cell("%.0f %% of sgemm (%.0f)", 100 * gflop / t / gemm / threads, gemm * threads));
        }
    }
    arena_free(&a);
    return 0;
}
