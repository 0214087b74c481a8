/* Speed of the fluid simulation and the feature map, beside the published program's on the same
 * paths (../shared/ref/flowsim/README.md, CPU ms on one core). CPU time, best of several runs. */
#include <stdio.h>

#include "../fluid_case.h"
#include "base/rng.h"
#include "fluid/flowsim.h"
#include "model/pathfeat.h"
#include "row.h"

enum { RUNS = 9 };

/* Best times in seconds. */
typedef struct {
    double sim, slowdown, feature;
} Times;

static Times best_times(const Lot *lot, const LotFlow *flows, size_t n, FlowsimStats *st) {
    Times best = {INFINITY, INFINITY, INFINITY};
    Arena a = {0};
    NetConf conf;
    netconf_default(&conf);
    double *fct = MEM_NEW(double, n);
    float *slowdown = MEM_NEW(float, n);
    for (int i = 0; i < RUNS; i++) {
        PathFeat m;
        double t0 = bench_cpu_s();
        flowsim_run(lot, flows, n, fct, st, &a);
        double t1 = bench_cpu_s();
        lot_slowdowns(lot, flows, n, fct, NULL, slowdown);
        double t2 = bench_cpu_s();
        pathfeat_build(&m, lot, flows, slowdown, n, &conf, &a);
        double t3 = bench_cpu_s();
        best = (Times){fmin(best.sim, t1 - t0), fmin(best.slowdown, t2 - t1),
                       fmin(best.feature, t3 - t2)};
        arena_reset(&a);
    }
    free(fct);
    free(slowdown);
    arena_free(&a);
    return best;
}

/* `published`: its CPU ms for max-min and features; 0: not known. */
static void report(const char *name, const Lot *lot, const LotFlow *flows, size_t n,
                   double published_sim_ms, double published_feature_ms) {
    FlowsimStats st;
    Times t = best_times(lot, flows, n, &st);
    char what[80];
    snprintf(what, sizeof what, "fluid: %s, %zu flows", name, n);
    bench_row(what, bench_cell("%.2f ms", t.sim * 1e3),
              bench_cell("%.0f ns an event", t.sim * 1e9 / (double)st.events),
              bench_published(published_sim_ms, t.sim * 1e3),
              bench_cell("%u active", st.max_active));
    double feature_ms = (t.feature + t.slowdown) * 1e3;
    snprintf(what, sizeof what, "  features");
    bench_row(what, bench_cell("%.2f ms", feature_ms),
              bench_cell("%.0f ns a flow", feature_ms * 1e6 / (double)n),
              bench_published(published_feature_ms, feature_ms), bench_none());
}

static void report_case(FluidCase *c, void *ctx) {
    (void)ctx;
    const char *slash = strrchr(c->dir, '/');
    c->lot.published = false; /* as in m3 estimate */
    report(slash ? slash + 1 : c->dir, &c->lot, c->flows, c->n, 0, 0);
}

/* n flows of random intervals at load `load` of the end links (load 0: all at once). */
static void synthetic(uint32_t n_links, size_t n, double load, double published_sim_ms,
                      double published_feature_ms) {
    Arena a = {0};
    Lot lot;
    lot_published(&lot, n_links, 10e9, &a);
    LotFlow *f = ARENA_NEW(&a, LotFlow, n);
    Rng r = rng_stream(1, "bench", n);
    double t = 0, mean_b = 5000;
    for (size_t i = 0; i < n; i++) {
        uint32_t s = (uint32_t)rng_below(&r, n_links),
                 d = s + 1 + (uint32_t)rng_below(&r, n_links - s);
        f[i] = (LotFlow){.start_ns = (int64_t)t,
                         .size_b = 1 + (uint64_t)(mean_b * exp(1.5 * rng_normal(&r) - 1.125)),
                         .cap_bps = 10e9,
                         .flow = (uint32_t)i,
                         .s = (uint16_t)s,
                         .d = (uint16_t)d};
        /* The first link sees 1 flow in n_links, the last one about twice as many. */
        if (load > 0) t += rng_exponential(&r) * mean_b * 8 / 10 / load * 2.45 / n_links;
    }
    char name[64];
    snprintf(name, sizeof name, load > 0 ? "%u links, load %.1f" : "%u links, burst", n_links,
             load);
    report(name, &lot, f, n, published_sim_ms, published_feature_ms);
    arena_free(&a);
}

int main(void) {
    fluid_case_each("../shared/ref/flowsim/large", report_case, NULL);
    synthetic(2, 200000, 0.7, 65, 60);
    synthetic(4, 200000, 0.7, 140, 95);
    synthetic(6, 200000, 0.7, 197, 117);
    synthetic(6, 50000, 0.7, 60, 26);
    synthetic(6, 10000, 0.7, 11, 4.5);
    synthetic(6, 20000, 2.0, 108, 0);
    synthetic(6, 1000, 0, 31, 0);
    synthetic(6, 2000, 0, 122, 0);
    synthetic(6, 4000, 0, 479, 0);
    synthetic(6, 8000, 0, 1720, 0);
    return 0;
}
