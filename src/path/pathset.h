/* pathset: the paths of a network that an estimate samples. */
#ifndef M3_PATH_PATHSET_H
#define M3_PATH_PATHSET_H
#include <stdint.h>

#include "base/diag.h"
#include "net/route.h"
#include "traffic/flowsource.h"

/* A path: a sequence of directed links from one host to another. */
typedef struct {
    uint32_t n_links;
    const uint32_t *links; /* [n_links] in the set's pool */
    uint32_t n_draws;      /* how often drawn; if all paths were taken: its number of flows */
    uint32_t src_host, dst_host;
} NetPath;

/* Paths drawn with replacement, each with probability proportional to its number of flows. */
typedef struct {
    size_t n_unique, n_drawn;
    NetPath *paths; /* [n_unique] in order of first draw */
    uint32_t *pool;
    uint32_t *draw_path; /* [n_drawn] path of each draw; NULL if all paths were taken */
} PathSet;

/* The most draws, at 8 bytes each; with so many, sampling errors are below any other. */
enum { PATHSET_MAX_DRAWS = 100000000 };

/* pathset_draw draws n_paths paths with the seed's stream; 0: takes every path that has a flow.
 * Returns −1 if there are no flows, more draws or flows than 32-bit numbers have, or the source
 * fails. pathset_free releases; links belong to the set. */
int pathset_draw(PathSet *ps, const Route *r, const FlowSource *source, uint64_t n_paths,
                 uint64_t seed, Err *err);
void pathset_free(PathSet *ps);
#endif
