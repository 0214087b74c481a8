/* sampled: the slowdown distribution that packet windows show, with the error of sampling them. */
#ifndef M3_ESTIMATE_SAMPLED_H
#define M3_ESTIMATE_SAMPLED_H
#include "estimate/result.h"
#include "features/windows.h"

typedef struct {
    Slowdowns slowdown; /* lo, hi: 95 % */
    /* Standard deviation of the logarithm of each quantile; 0 if the whole run was simulated, NAN
     * without flows. ORDER BUCKET */
    double deviation[RESULT_N_DISTS][RESULT_N_QUANTILES];
} Sampled;

/* sampled_of fills *out from windows of at least one flow. Flows weigh such that size classes have
 * the shares of the whole run. The result depends on the seed of the resamples, not on threads. */
void sampled_of(const Windows *w, uint64_t seed, int threads, Sampled *out);

/* sampled_t returns the 97.5 % quantile of Student's t distribution, n ≥ 1 degrees of freedom. */
double sampled_t(double n);
#endif
