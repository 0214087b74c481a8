/* lotnet: a path with all flows that cross it, as a small network of its own for the packet
 * simulator. */
#ifndef M3_PATH_LOTNET_H
#define M3_PATH_LOTNET_H
#include "path/path.h"

/* Host 0 is the path's source, host 1 its destination. flows: one per LotFlow, in that order. There
 * is one way between any two hosts. lotnet_free releases. */
typedef struct {
    Topo topo;
    Route *route;
    Flows flows;
    double extra_buffer_b; /* to simulate with on top of a switch's buffer: the path's switches are
                              as real then */
} LotNet;

/* The path's flows as path_project gives them, of the network `route` with its `flows` and source
 * ports. */
int lotnet_init(LotNet *n, const NetPath *path, const LotFlow *lot_flows, size_t n_flows,
                const Route *route, const Flows *flows, const uint16_t *sport, Err *err);
void lotnet_free(LotNet *n);
#endif
