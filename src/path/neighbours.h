/* around: how busy a network's links are, and those around a path. */
#ifndef M3_PATH_NEIGHBOURS_H
#define M3_PATH_NEIGHBOURS_H
#include "traffic/flows.h"
#include "path/lot.h"
#include "net/topo.h"

/* bits[link] → load[link], both [n_links]: shares of the link's rate between first and last start.
 */
void neighbours_loads(const Topo *t, int64_t between_ns, const uint64_t *bits, double *load);
/* out[i] for links[i] of a path of n links in a row. */
void neighbours_path(const Topo *t, const double *load, const uint32_t *links, uint32_t n,
                     LinkNeighbours *out);
#endif
