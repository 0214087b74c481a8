/* whatif: does a changed setting move the estimate the way packet simulation shows?
 *
 *   whatif [CKPT]
 *
 * One fabric of 64 hosts and one set of flows, under HPCC: first the window goes from 5 to 30 KB,
 * then η from 0.70 to 0.95. Each setting is estimated from all paths and simulated packet by
 * packet; per size bucket and quantile, Spearman's rank correlation over the settings says whether
 * the order is right. Ties in truth of less than a thousandth are no order to be right about: where
 * truth varies by less than 1 % over the sweep the row says "flat". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "estimate/estimate.h"
#include "estimate/report.h"
#include "packet/pktsim.h"

enum { N_SETTINGS = 6 };

typedef struct {
    const char *name;
    const char *values[N_SETTINGS];
} Sweep;

static const Sweep sweeps[] = {
    {"window", {"5KB", "10KB", "15KB", "20KB", "25KB", "30KB"}},
    {"hpcc_eta", {"0.70", "0.75", "0.80", "0.85", "0.90", "0.95"}},
};

static void must(int rc, const Err *err) {
    if (rc == 0) return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

static void truth(const Scenario *s, Slowdowns *out) {
    Err err = {0};
    size_t n = s->flows.n;
    double *fct = MEM_NEW(double, n), *ideal = MEM_NEW(double, n);
    PktOptions opt = {.seed = 1};
    must(pktsim_run(s->route, &s->flows, &s->conf, &opt, fct, NULL, &err), &err);
    pktsim_ideal(s->route, &s->flows, false, ideal);
    for (size_t i = 0; i < n; i++) fct[i] /= ideal[i];
    aggregate_flows(s->flows.size_b, fct, n, out);
    free(fct);
    free(ideal);
}

static double rank(const double *x, int i) {
    double below = 0, equal = 0;
    for (int k = 0; k < N_SETTINGS; k++) {
        bool same = fabs(x[k] / x[i] - 1) < 1e-3;
        equal += same;
        below += !same && x[k] < x[i];
    }
    return below + (equal - 1) / 2;
}

static double spearman(const double *x, const double *y) {
    double sxy = 0, sxx = 0, syy = 0, mean = (N_SETTINGS - 1) / 2.0;
    for (int i = 0; i < N_SETTINGS; i++) {
        double a = rank(x, i) - mean, b = rank(y, i) - mean;
        sxy += a * b;
        sxx += a * a;
        syy += b * b;
    }
    return sxx > 0 && syy > 0 ? sxy / sqrt(sxx * syy) : 0;
}

static void print_row(const char *label, const char *quantile, const double *t, const double *e) {
    double lo = t[0], hi = t[0];
    for (int i = 1; i < N_SETTINGS; i++) {
        lo = fmin(lo, t[i]);
        hi = fmax(hi, t[i]);
    }
    printf("%-9s %-5s", label, quantile);
    for (int i = 0; i < N_SETTINGS; i++) printf("  %6.3f/%6.3f", t[i], e[i]);
    if (hi < 1.01 * lo) printf("   flat\n");
    else printf("  %+5.2f\n", spearman(t, e));
}

static void run(const Sweep *sweep, const Ckpt *ckpt) {
    Slowdowns t[N_SETTINGS], e[N_SETTINGS];
    printf("%s: truth/estimate at", sweep->name);
    for (int i = 0; i < N_SETTINGS; i++) {
        char assignment[64];
        snprintf(assignment, sizeof assignment, "%s=%s", sweep->name, sweep->values[i]);
        const char *set[] = {"cc=hp", "matrix=c", assignment, NULL};
        ScenarioOptions so = {.topo_path = "tests/bench/whatif-topo.json",
                              .mix_path = "spec/demo.json",
                              .mix_id = -1,
                              .set = set,
                              .n_flows = 40000,
                              .seed = 1};
        EstimateOptions eo = {.method = METHOD_M3, .ckpt = ckpt, .seed = 1, .check = {.off = true}};
        Scenario s;
        Estimate est;
        Err err = {0};
        must(scenario_load(&s, &so, NULL, &err), &err);
        truth(&s, &t[i]);
        must(estimate_run(&s, &eo, NULL, &est, &err), &err);
        e[i] = est.slowdown;
        scenario_free(&s);
        printf(" %s", sweep->values[i]);
        fflush(stdout);
    }
    printf("; rank correlation\n");
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < 3; k++) {
            double x[N_SETTINGS], y[N_SETTINGS];
            for (int i = 0; i < N_SETTINGS; i++) {
                x[i] = t[i].dist[d].q[k].value;
                y[i] = e[i].dist[d].q[k].value;
            }
            print_row(result_label(d), result_quantile_names[k], x, y);
        }
}

int main(int argc, char **argv) {
    Ckpt ckpt;
    Err err = {0};
    must(estimate_load_ckpt(&ckpt, argc > 1 ? argv[1] : NULL, &err), &err);
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) run(&sweeps[i], &ckpt);
    ckpt_free(&ckpt);
    return 0;
}
