/* slices: how far estimates are from those with --exact, where long paths are simulated in time
 * slices (features/slices.c).
 *
 *   slices [N] [PATHS] [CKPT]
 *
 * Twelve mixes of N flows (default 3,000,000) on fabrics of 256 hosts, PATHS (150) paths of each. A
 * row has the differences of p50, p90 and p99 in percent, over all flows and in each size bucket;
 * the largest of them; the share of the paths' flows that was simulated; and the seconds that the
 * paths took, in slices and exactly. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "estimate/estimate.h"
#include "estimate/report.h"

typedef struct {
    const char *topo, *set[5];
} Case;

static const Case cases[] = {
    {"spec/clos-256-2to1.json",
     {"sizes=spec/sizes/webserver.txt", "max_load=0.5", "sigma=2", "matrix=b"}},
    {"spec/clos-256-2to1.json",
     {"sizes=spec/sizes/webserver.txt", "max_load=0.8", "sigma=2", "matrix=b"}},
    {"spec/clos-256-1to1.json",
     {"sizes=spec/sizes/webserver.txt", "max_load=0.65", "sigma=1", "matrix=a"}},
    {"spec/clos-256-4to1.json",
     {"sizes=spec/sizes/webserver.txt", "max_load=0.35", "sigma=1.5", "matrix=c"}},
    {"spec/clos-256-1to1.json",
     {"sizes=spec/sizes/hadoop.txt", "max_load=0.2", "sigma=1", "matrix=uniform"}},
    {"spec/clos-256-2to1.json",
     {"sizes=spec/sizes/hadoop.txt", "max_load=0.5", "sigma=2", "matrix=a"}},
    {"spec/clos-256-4to1.json",
     {"sizes=spec/sizes/hadoop.txt", "max_load=0.7", "sigma=1.5", "matrix=b"}},
    {"spec/clos-256-4to1.json",
     {"sizes=spec/sizes/hadoop.txt", "max_load=0.85", "sigma=1", "matrix=c"}},
    {"spec/clos-256-1to1.json",
     {"sizes=spec/sizes/cachefollower.txt", "max_load=0.4", "sigma=2", "matrix=b"}},
    {"spec/clos-256-2to1.json",
     {"sizes=spec/sizes/cachefollower.txt", "max_load=0.6", "sigma=1", "matrix=c"}},
    {"spec/clos-256-4to1.json",
     {"sizes=spec/sizes/cachefollower.txt", "max_load=0.85", "sigma=2", "matrix=a"}},
    {"spec/clos-256-2to1.json",
     {"sizes=spec/sizes/cachefollower.txt", "max_load=0.3", "sigma=1.5", "matrix=uniform"}},
};

static void must(int rc, const Err *err) {
    if (rc == 0) return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

/* Prints the differences of a distribution's p50, p90 and p99 in percent; returns the largest. */
static double print_differences(const Estimate *whole, const Estimate *part, int dist) {
    double most = 0;
    for (int k = 0; k < 3; k++) {
        const SlowdownQuantile *x = &whole->slowdown.dist[dist].q[k],
                               *y = &part->slowdown.dist[dist].q[k];
        double off = 100 * (y->value / x->value - 1);
        printf("%s%+.2f", k ? " " : " | ", off);
        most = fmax(most, fabs(off));
    }
    return most;
}

static double compare(const Case *c, uint64_t n_flows, uint64_t n_paths, const Ckpt *ckpt) {
    Scenario s;
    Estimate whole, part;
    Err err = {0};
    ScenarioOptions so = {.mix_path = "spec/default.json",
                          .mix_id = -1,
                          .topo_path = c->topo,
                          .set = c->set,
                          .n_flows = n_flows,
                          .seed = 1};
    EstimateOptions eo = {
        .method = METHOD_M3, .ckpt = ckpt, .n_paths = n_paths, .seed = 1, .check = {.off = true}};
    must(scenario_load(&s, &so, NULL, &err), &err);
    must(estimate_run(&s, &eo, NULL, &part, &err), &err);
    eo.exact = true;
    must(estimate_run(&s, &eo, NULL, &whole, &err), &err);
    double most = 0;
    printf("| %.4s %s %s %s %s", c->topo + 14, c->set[0] + 17, c->set[1] + 9, c->set[2] + 6,
           c->set[3] + 7);
    for (int i = 0; i < RESULT_N_DISTS; i++) most = fmax(most, print_differences(&whole, &part, i));
    printf(" | %.2f | %.1f | %.2f of %.2f |\n", most,
           100 * (double)part.simulated_flows / (double)part.path_flows, part.wall_fluid_s,
           whole.wall_fluid_s);
    fflush(stdout);
    scenario_free(&s);
    return most;
}

int main(int argc, char **argv) {
    uint64_t n_flows = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000000,
             n_paths = argc > 2 ? strtoull(argv[2], NULL, 10) : 150;
    Ckpt ckpt;
    Err err = {0};
    double most = 0;
    must(estimate_load_ckpt(&ckpt, argc > 3 ? argv[3] : NULL, &err), &err);
    printf("| mix: fabric, sizes, load, sigma, matrix | all flows: p50 p90 p99, %% | < 1 KB | 1-10 "
           "KB | 10-50 KB | >= 50 KB | most | "
           "simulated %% | "
           "s |\n|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        most = fmax(most, compare(&cases[i], n_flows, n_paths, &ckpt));
    printf("\nlargest difference: %.2f %%\n", most);
    ckpt_free(&ckpt);
    return 0;
}
