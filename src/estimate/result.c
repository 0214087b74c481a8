/* result: names of what a result consists of. */
#include "estimate/result.h"

#include <stdbool.h>
#include <string.h>

const double result_levels[RESULT_N_QUANTILES] = {0.50, 0.90, 0.99, 0.999};
const char *const result_quantile_names[RESULT_N_QUANTILES] = {"p50", "p90", "p99", "p99.9"};
const char *const result_quantile_keys[RESULT_N_QUANTILES] = {"p50", "p90", "p99", "p99_9"};

int result_quantile_of(double percent) {
    for (int k = 0; k < RESULT_N_QUANTILES; k++)
        if (percent == 100 * result_levels[k]) return k;
    return -1;
}

static int find(const char *const names[RESULT_N_QUANTILES], const char *name, size_t n) {
    for (int k = 0; k < RESULT_N_QUANTILES; k++)
        if (strlen(names[k]) == n && strncmp(names[k], name, n) == 0) return k;
    return -1;
}

int result_quantile_named(const char *name, size_t n) {
    return find(result_quantile_names, name, n);
}

int result_quantile_keyed(const char *key, size_t n) { return find(result_quantile_keys, key, n); }

const char *result_label(int dist) {
    return dist == RESULT_ALL ? "all" : sizebucket_label(dist - result_of_bucket(0));
}

static bool same_but_spaces(const char *label, const char *s, const char *end) {
    for (;; label++, s++) {
        while (*label == ' ') label++;
        while (s < end && *s == ' ') s++;
        if (!*label || s == end) return !*label && s == end;
        if (*label != *s) return false;
    }
}

int result_dist_named(const char *label, size_t n) {
    int d = RESULT_N_DISTS - 1;
    while (d >= 0 && !same_but_spaces(result_label(d), label, label + n)) d--;
    return d;
}
