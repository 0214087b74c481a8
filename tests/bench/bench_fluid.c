/* Speed of the fluid simulation and the feature map, beside the published program's on the same paths
 * (../shared/ref/flowsim/README.md, CPU ms on one core of a machine like the one used here). Best of several runs. */
#include <stdio.h>

#include "../fluid_case.h"
#include "base/rng.h"
#include "fluid/flowsim.h"

enum { RUNS = 5 };

/* Simulates RUNS times; returns the best time in seconds. */
static double best_run(const Lot *lot, const LotFlow *flows, size_t n, double *fct_ns, FlowsimStats *st, Arena *a) {
    double best = INFINITY;
    for (int i = 0; i < RUNS; i++) {
        arena_reset(a);
        double t = diag_now_s();
        flowsim_run(lot, flows, n, fct_ns, st, a);
        best = fmin(best, diag_now_s() - t);
    }
    return best;
}

static void report(const char *name, const Lot *lot, const LotFlow *flows, size_t n, double published_ms) {
    Arena a = {0};
    FlowsimStats st;
    double *fct = MEM_NEW(double, n);
    float *sldn = MEM_NEW(float, n);
    double s = best_run(lot, flows, n, fct, &st, &a);
    double t = diag_now_s();
    flowsim_slowdowns(lot, flows, n, fct, sldn);
    double t_sldn = diag_now_s() - t;
    printf("%-34s %7zu flows  %7.2f ms  %6.1f ns/event  %5.1f ns/flow slowdown  max active %5u", name, n, s * 1e3,
           s * 1e9 / (double)st.events, t_sldn * 1e9 / (double)n, st.max_active);
    if (published_ms > 0) printf("  published %7.1f ms: x%.1f", published_ms, published_ms / (s * 1e3));
    putchar('\n');
    free(fct);
    free(sldn);
    arena_free(&a);
}

static void report_case(FluidCase *c, void *ctx) {
    (void)ctx;
    const char *slash = strrchr(c->dir, '/');
    report(slash ? slash + 1 : c->dir, &c->lot, c->flows, c->n, 0);
}

/* n flows of random intervals at load `load` of the end links (load 0: all at once). */
static void synthetic(uint32_t n_links, size_t n, double load, double published_ms) {
    Arena a = {0};
    Lot lot;
    lot_published(&lot, n_links, 10e9, &a);
    LotFlow *f = ARENA_NEW(&a, LotFlow, n);
    Rng r = rng_stream(1, "bench", n);
    double t = 0, mean_b = 5000;
    for (size_t i = 0; i < n; i++) {
        uint32_t s = (uint32_t)rng_below(&r, n_links), d = s + 1 + (uint32_t)rng_below(&r, n_links - s);
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
    snprintf(name, sizeof name, load > 0 ? "%u links, load %.1f" : "%u links, burst", n_links, load);
    report(name, &lot, f, n, published_ms);
    arena_free(&a);
}

int main(void) {
    fluid_case_each("../shared/ref/flowsim/large", report_case, NULL);
    synthetic(2, 200000, 0.7, 65);
    synthetic(4, 200000, 0.7, 140);
    synthetic(6, 200000, 0.7, 197);
    synthetic(6, 20000, 2.0, 108);
    synthetic(6, 1000, 0, 31);
    synthetic(6, 2000, 0, 122);
    synthetic(6, 4000, 0, 479);
    synthetic(6, 8000, 0, 1720);
    return 0;
}
