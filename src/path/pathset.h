/* pathset: the paths of a network that an estimate looks at. */
#ifndef M3_PATH_PATHSET_H
#define M3_PATH_PATHSET_H
#include <stdint.h>
#include "base/diag.h"
#include "net/route.h"
#include "traffic/flowsource.h"

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
    uint32_t *draw_path; /* [n_drawn] path of each draw, for the bootstrap; NULL if all paths were
                            taken */
} PathSet;

/* n_paths = 0: every path that has a flow, weighted by its number of flows. */
int pathset_draw(PathSet *ps, const Route *r, const FlowSource *source, uint64_t n_paths,
                 uint64_t seed, Err *err);
void pathset_free(PathSet *ps);
#endif
