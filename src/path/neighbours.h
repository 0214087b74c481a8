/* neighbours: loads of a network's links, and of those next to a path. */
#ifndef M3_PATH_NEIGHBOURS_H
#define M3_PATH_NEIGHBOURS_H
#include "net/topo.h"
#include "path/lot.h"

/* neighbours_loads fills load[n_links] with the share of each link's rate that bits[n_links] are,
 * sent within span_ns (0 counts as 1). */
void neighbours_loads(const Topo *t, int64_t span_ns, const uint64_t *bits, double *load);

/* neighbours_path fills out[n] for a path of n links in a row, from the loads of all links. */
void neighbours_path(const Topo *t, const double *load, const uint32_t *links, uint32_t n,
                     LinkNeighbours *out);
#endif
