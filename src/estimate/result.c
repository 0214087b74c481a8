/* result: names of what a result consists of. */
#include "estimate/result.h"

#include <string.h>

const double result_levels[RESULT_N_QUANTILES] = {0.50, 0.90, 0.99, 0.999};
const char *const result_quantile_names[RESULT_N_QUANTILES] = {"p50", "p90", "p99", "p99.9"};
const char *const result_quantile_keys[RESULT_N_QUANTILES] = {"p50", "p90", "p99", "p99_9"};

int result_quantile_of(double percent) {
    for (int k = 0; k < RESULT_N_QUANTILES; k++)
        if (percent == 100 * result_levels[k]) return k;
    return -1;
}

int result_quantile_named(const char *name, size_t n) {
    for (int k = 0; k < RESULT_N_QUANTILES; k++)
        if (strlen(result_quantile_names[k]) == n &&
            strncmp(result_quantile_names[k], name, n) == 0)
            return k;
    return -1;
}

const char *result_label(int dist) {
    return dist == RESULT_ALL ? "all" : sizebucket_label(dist - result_of_bucket(0));
}
