/* lotnet: a path with all flows that cross it, as a small network of its own for the packet
 * simulator. */
#ifndef M3_PATH_LOTNET_H
#define M3_PATH_LOTNET_H
#include "path/path.h"

/* A path's network. Host 0 is the path's source, host 1 its destination. There is one route between
 * any two hosts. */
typedef struct {
    Topo topo;
    Route *route;
    Flows flows;           /* one per LotFlow, in that order */
    double extra_buffer_b; /* to be added to the switches' buffer: the path's own then have what
                              they have in the network */
} LotNet;

/* lotnet_init builds the network of a path. lot_flows[n_flows] are its flows as path_project gives
 * them, of the network that `route` is of, with all its `flows` and their source ports. Returns −1
 * if the network cannot be built. lotnet_free releases. */
int lotnet_init(LotNet *n, const NetPath *path, const LotFlow *lot_flows, size_t n_flows,
                const Route *route, const Flows *flows, const uint16_t *sport, Err *err);
void lotnet_free(LotNet *n);
#endif
