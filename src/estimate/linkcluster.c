/* linkcluster: the clusters of Parsimon (Zhao et al., NSDI 2023; "pmn-mc" of the m3 paper).
 *
 * Greedy: links come in the order given, and each joins the first leader that is like it, or
 * becomes a leader. Comparing with all leaders takes links × leaders × quantiles in the worst case;
 * loads alone tell most apart. Links that differ in rate, delay or kind of ends are never alike,
 * which the published program leaves to sizes, gaps and load. */
#include "estimate/linkcluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/stats.h"

#define MOST_APART 0.1
#define MOST_LOAD_APART 0.005

void linkcluster_quantiles(float *values, size_t n, float *out) {
    memset(out, 0, LINKCLUSTER_QUANTILES * sizeof *out);
    if (n == 0) return;
    stats_sort_f32(values, n);
    for (size_t i = 0; i < LINKCLUSTER_QUANTILES; i++)
        out[i] = values[(n - 1) * i / (LINKCLUSTER_QUANTILES - 1)];
}

static bool near(const float *of, const float *other) {
    double apart = 0, sum = 0;
    for (size_t i = 0; i < LINKCLUSTER_QUANTILES; i++) {
        apart += fabs((double)of[i] - (double)other[i]);
        sum += (double)of[i];
    }
    return apart == 0 || apart < MOST_APART * sum;
}

bool linkcluster_alike(const LinkShape *leader, const LinkShape *other) {
    return leader->rate_bps == other->rate_bps && leader->delay_ns == other->delay_ns &&
           leader->from_host == other->from_host && leader->to_host == other->to_host &&
           fabs(leader->load - other->load) < MOST_LOAD_APART &&
           near(leader->size_b, other->size_b) && near(leader->gap_ns, other->gap_ns);
}

size_t linkcluster_group(const LinkShape *shape, size_t n, uint32_t *leader) {
    uint32_t *leaders = MEM_NEW(uint32_t, n);
    size_t n_leaders = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < n_leaders && !linkcluster_alike(&shape[leaders[k]], &shape[i])) k++;
        if (k == n_leaders) leaders[n_leaders++] = i;
        leader[i] = leaders[k];
    }
    free(leaders);
    return n_leaders;
}
