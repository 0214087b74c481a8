/* path: decomposition of a network into paths, and their projection onto parking lots. */
#ifndef M3_PATH_PATH_H
#define M3_PATH_PATH_H
#include <stdint.h>

#include "base/mem.h"
#include "path/lot.h"
#include "path/packed.h"
#include "path/pathindex.h"
#include "path/pathset.h"

/* A link range: flow `flow` of the network uses links s..d−1 of a path. */
typedef struct {
    uint32_t flow;
    uint16_t s, d;
} LinkRange;

/* Gaps between the starts of successive flows that use a link: their sum and that of their squares,
 * in ns and ns². */
typedef struct {
    double ns, ns2;
} LinkGaps;

/* A path view: a path's lot and which flows cross it, before their starts and sizes are looked up,
 * and what is known of their sums. */
typedef struct {
    Lot lot;
    size_t n;
    const LinkRange *range; /* [n] ascending by start; a flow that leaves and rejoins has several */
    size_t n_foreground;
    const uint32_t *foreground; /* [n_foreground] indices of the ranges that are all of the path */
    const LinkGaps *gaps;       /* [lot.n_links] */
    const PackedFlows *packed;  /* the network's flows */
    double load;      /* of the busiest of the path's links, over the network's whole run */
    double mean_bits; /* on the wire, of the flows of its links */
} PathView;

/* path_view makes the view of path p of the index's set. Arrays are taken from `a` or belong to the
 * index. Thread safe with one arena per thread. */
void path_view(const PathIndex *ix, size_t p, Arena *a, PathView *v);

/* path_start_ns returns the start of the flow of range i. */
static inline int64_t path_start_ns(const PathView *v, size_t i) {
    return packed_start_ns(v->packed, v->range[i].flow);
}

/* path_read looks up the flows of ranges first..first+n−1, into flows[n]. */
void path_read(const PathView *v, size_t first, size_t n, LotFlow *flows);

/* path_project makes the lot of path p and all its flows by start, in `a`: a view, read whole. A
 * flow that leaves and rejoins becomes one LotFlow per range. */
void path_project(const PathIndex *ix, size_t p, Arena *a, Lot *lot, LotFlow **flows,
                  size_t *n_flows);
#endif
