/* path: decomposition of a network into paths, and their projection onto parking lots. */
#ifndef M3_PATH_PATH_H
#define M3_PATH_PATH_H
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "path/packed.h"
#include "traffic/flows.h"
#include "net/route.h"

/* How busy it is around a link of a lot, over the whole run: load of the link on the way back, and the largest and mean load of the
 * other links out of the switch at its end, and out of the one at its start. They share buffers with the path, and pauses spread. */
typedef struct {
    float back, ahead_max, ahead_mean, beside_max, beside_mean;
} LotAround;

/* A parking lot: nodes 0..n_links in a row, link i from node i to i+1. A flow [s, d) uses links s..d−1.
 * Foreground flows go from 0 to n_links. Background flows that enter or leave at an inner node do so
 * over links that never limit them; `stub_delay_ns[v]` is how far (in delay) the nearest host is from node v. */
typedef struct {
    uint32_t n_links;
    double *rate_bps, *delay_ns; /* [n_links] */
    double *stub_delay_ns;       /* [n_links+1] */
    double host_rate_bps;        /* rate b to which slowdowns are normalised: the slower end's host link */
    LotAround *around;           /* [n_links]; NULL: a lot without a network around it */
    bool published;              /* base delay exactly as the published formula (docs: PIPELINE §4) */
} Lot;
/* The published special case: first and last link at host_rate, inner ones at 4×, 1 µs links, `published` set. */
void lot_published(Lot *lot, uint32_t n_links, double host_rate_bps, Arena *a);

/* A flow on a lot: 32 bytes, ascending by start_ns. */
typedef struct {
    int64_t start_ns;
    uint64_t size_b;
    double cap_bps; /* the flow's own limit: slower of its two hosts' links */
    uint32_t flow;  /* index into the network's Flows */
    uint16_t s, d;  /* 0 ≤ s < d ≤ n_links */
} LotFlow;

/* Bits on the wire for a payload: 48 bytes of header to each 1000 bytes of it. */
static inline double lot_wire_bits(uint64_t size_b) {
    uint64_t packets = (size_b + 999) / 1000;
    return (double)(int64_t)((size_b + packets * 48) * 8); /* signed: processors convert that at once */
}

/* For each link that lies on a wanted path: which flows cross it, ascending. Built once for all paths. */
typedef struct PathIndex PathIndex;

/* Paths drawn with replacement in proportion to their flows; unique ones in order of first draw. */
typedef struct {
    uint32_t n_links;
    const uint32_t *links; /* directed, into the set's pool */
    uint32_t n_draws;      /* how often drawn; with all paths: its number of flows */
    uint32_t src_host, dst_host;
} NetPath;
typedef struct {
    size_t n_unique, n_drawn;
    NetPath *paths;
    uint32_t *pool;
    uint32_t *draw_path; /* [n_drawn] path of each draw, for the bootstrap; NULL if all paths were taken */
} PathSet;

/* n_paths = 0: every path that has a flow, weighted by its number of flows. */
int pathset_draw(PathSet *ps, const Route *r, const FlowSource *source, uint64_t n_paths, uint64_t seed, Err *err);
void pathset_free(PathSet *ps);

/* Routes all flows (in parallel) and indexes those that touch a link of the set. The source is not needed afterwards. */
PathIndex *pathindex_new(const PathSet *ps, const Route *r, const FlowSource *source, int threads, const Log *log, Err *err);
void pathindex_destroy(PathIndex *ix);

/* Which links of a path flow `flow` of the network uses: s..d−1. */
typedef struct {
    uint32_t flow;
    uint16_t s, d;
} LotStretch;

/* Between the starts of all flows that use a link: Σ of the gaps and of their squares. */
typedef struct {
    double ns, ns2;
} LinkGaps;

/* A path before its flows are looked up: which they are, and what is known of their sums. `briefs` are the network's. */
typedef struct {
    Lot lot;
    size_t n;
    const LotStretch *stretch; /* [n] ascending by start; a flow that leaves and rejoins has several */
    size_t n_foreground;
    const uint32_t *foreground; /* [n_foreground] which of them use the whole path, ascending */
    const LinkGaps *gaps;       /* [lot.n_links] */
    const FlowBriefs *briefs;
    double load;      /* of the busiest of the path's links, over the network's whole run */
    double mean_bits; /* on the wire, of the flows of its links */
} PathOutline;
/* The outline of path p, in `a`. Thread safe with one arena per thread. */
void path_outline(const PathIndex *ix, size_t p, Arena *a, PathOutline *o);
static inline int64_t path_start_ns(const PathOutline *o, size_t i) { return briefs_start_ns(o->briefs, o->stretch[i].flow); }
/* Flows first..first+n−1 of the outline into flows[0..n−1]. */
void path_read(const PathOutline *o, size_t first, size_t n, LotFlow *flows);

/* Both: the lot of path p and all its flows by start time, in `a`. A flow that leaves and rejoins becomes one
 * LotFlow per contiguous stretch. */
void path_project(const PathIndex *ix, size_t p, Arena *a, Lot *lot, LotFlow **flows, size_t *n_flows);
#endif
