/* Time to aggregate 500 model paths with 200 resamples; to be well under a second. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "estimate/aggregate.h"
#include "row.h"
#include "traffic/sizebucket.h"

enum { PATHS = 500, OUT = SIZEBUCKET_N * STATS_N_PCT };

int main(void) {
    float *pct = MEM_NEW(float, PATHS *OUT);
    AggregatePath paths[PATHS];
    Rng rng = rng_stream(1, "bench", 0);
    for (int i = 0; i < PATHS; i++) {
        paths[i] = (AggregatePath){.n_draws = 1, .count = {40, 30, 20, 10}, .pct = pct + i * OUT};
        double scale = exp(rng_normal(&rng) * 0.5);
        for (int k = 0; k < OUT; k++)
            pct[i * OUT + k] =
                (float)(1 + scale * (1 + k / STATS_N_PCT) * pow((k % STATS_N_PCT + 1) / 100.0, 4));
    }
    for (int threads = 1; threads <= 2; threads++) {
        Slowdowns r;
        double start = diag_now_s();
        aggregate(paths, PATHS, &(AggregateOptions){.seed = 1}, threads, &r);
        double s = diag_now_s() - start;
        char what[64];
        snprintf(what, sizeof what, "aggregate %d paths, 200 resamples, %d thread%s", PATHS,
                 threads, threads > 1 ? "s" : "");
        bench_row(what, bench_cell("%.0f ms", s * 1e3), bench_none(), bench_none(), bench_none());
    }
    free(pct);
    return 0;
}
