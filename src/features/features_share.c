/* features_share: a path's features as bytes, for the other ranks.
 *
 * Ranks run the same program on machines alike, so that a struct is copied as it is, and what its
 * pointers point to goes behind it. Which arrays a feature map has, featarrays knows. */
#include "features/features_share.h"

#include "base/mem.h"
#include "model/featarrays.h"

static void put_arrays(const FeatArray *a, size_t n, RanksOut *out) {
    for (size_t i = 0; i < n; i++) ranks_put(out, featarrays_pointer(&a[i]), a[i].bytes);
}

static void get_arrays(const FeatArray *a, size_t n, RanksIn *in) {
    featarrays_alloc(a, n);
    for (size_t i = 0; i < n; i++) ranks_get(in, featarrays_pointer(&a[i]), a[i].bytes);
}

static size_t n_slowdowns(const PathFeatures *p) {
    size_t n = 0;
    for (int b = 0; b < SIZEBUCKET_N; b++) n += p->bucket_n[b];
    return n;
}

void features_share_put(const PathFeatures *p, RanksOut *out) {
    PathFeatures own = *p;
    FeatArray a[FEATARRAYS_MAX];
    ranks_put(out, p, sizeof *p);
    ranks_put(out, p->links, p->n_links * sizeof *p->links);
    if (p->flows.link) put_arrays(a, featarrays_flow_arrays(&own.flows, a), out);
    if (p->percentiles) {
        PathFeat map = *p->percentiles;
        ranks_put(out, &map, sizeof map);
        put_arrays(a, featarrays_feature_arrays(&map, a), out);
    }
    if (p->slowdown) ranks_put(out, p->slowdown, n_slowdowns(p) * sizeof *p->slowdown);
}

void features_share_get(PathFeatures *p, RanksIn *in) {
    FeatArray a[FEATARRAYS_MAX];
    ranks_get(in, p, sizeof *p);
    p->links = MEM_NEW(uint32_t, p->n_links);
    ranks_get(in, p->links, p->n_links * sizeof *p->links);
    if (p->flows.link) get_arrays(a, featarrays_flow_arrays(&p->flows, a), in);
    if (p->percentiles) {
        p->percentiles = MEM_NEW(PathFeat, 1);
        ranks_get(in, p->percentiles, sizeof *p->percentiles);
        get_arrays(a, featarrays_feature_arrays(p->percentiles, a), in);
    }
    if (p->slowdown) {
        size_t n = n_slowdowns(p);
        p->slowdown = MEM_NEW(float, n);
        ranks_get(in, p->slowdown, n * sizeof *p->slowdown);
    }
}
