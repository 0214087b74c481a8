/* path: decomposition of a network into paths, and their projection onto parking lots. */
#ifndef M3_PATH_PATH_H
#define M3_PATH_PATH_H
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "path/lot.h"
#include "path/packed.h"
#include "path/pathset.h"
#include "traffic/flows.h"
#include "net/route.h"

/* For each link that lies on a wanted path: which flows cross it, ascending. Built once for all
 * paths. */
typedef struct PathIndex PathIndex;

/* Routes all flows (in parallel) and indexes those that touch a link of the set. The source is not
 * needed afterwards. */
PathIndex *pathindex_new(const PathSet *ps, const Route *r, const FlowSource *source, int threads,
                         const Log *log, Err *err);
void pathindex_destroy(PathIndex *ix);

/* Which links of a path flow `flow` of the network uses: s..d−1. */
typedef struct {
    uint32_t flow;
    uint16_t s, d;
} LinkRange;

/* Between the starts of all flows that use a link: Σ of the gaps and of their squares. */
typedef struct {
    double ns, ns2;
} LinkGaps;

/* A path before its flows are looked up: which they are, and what is known of their sums. `packed`
 * are the network's. */
typedef struct {
    Lot lot;
    size_t n;
    const LinkRange *range; /* [n] ascending by start; a flow that leaves and rejoins has several */
    size_t n_foreground;
    const uint32_t *foreground; /* [n_foreground] which of them use the whole path, ascending */
    const LinkGaps *gaps;       /* [lot.n_links] */
    const PackedFlows *packed;
    double load;      /* of the busiest of the path's links, over the network's whole run */
    double mean_bits; /* on the wire, of the flows of its links */
} PathView;
/* The view of path p, in `a`. Thread safe with one arena per thread. */
void path_view(const PathIndex *ix, size_t p, Arena *a, PathView *o);
static inline int64_t path_start_ns(const PathView *o, size_t i) {
    return packed_start_ns(o->packed, o->range[i].flow);
}
/* Flows first..first+n−1 of the view into flows[0..n−1]. */
void path_read(const PathView *o, size_t first, size_t n, LotFlow *flows);

/* Both: the lot of path p and all its flows by start time, in `a`. A flow that leaves and rejoins
 * becomes one LotFlow per contiguous range. */
void path_project(const PathIndex *ix, size_t p, Arena *a, Lot *lot, LotFlow **flows,
                  size_t *n_flows);
#endif
