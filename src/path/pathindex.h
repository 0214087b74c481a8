/* pathindex: which flows of a network cross which links, for the links of chosen paths. */
#ifndef M3_PATH_PATHINDEX_H
#define M3_PATH_PATHINDEX_H
#include "base/diag.h"
#include "net/route.h"
#include "path/pathset.h"
#include "traffic/flowsource.h"

/* For each link that lies on a path of a set: which flows cross it, ascending. Built once for all
 * paths; immutable, shared between threads. */
typedef struct PathIndex PathIndex;

/* pathindex_new routes all flows of `source`, in parallel, and indexes those that cross a link of
 * set `ps`. Set and route must outlive the index; the source is not needed afterwards. Returns NULL
 * with `err` filled if interrupted. `log` may be NULL. pathindex_destroy releases. */
PathIndex *pathindex_new(const PathSet *ps, const Route *r, const FlowSource *source, int threads,
                         const Log *log, Err *err);
/* pathindex_new_part does so for the paths p with part_of[p] == part alone, of which path_view can
 * then be asked; the loads are those of all flows. NULL: all paths. */
PathIndex *pathindex_new_part(const PathSet *ps, const uint16_t *part_of, uint16_t part,
                              const Route *r, const FlowSource *source, int threads, const Log *log,
                              Err *err);
void pathindex_destroy(PathIndex *ix);

/* pathindex_loads returns the loads of all directed links [n_links of the topology] over the whole
 * run: bits on the wire over what a link's rate allows. They live as long as the index. */
const double *pathindex_loads(const PathIndex *ix);
#endif
