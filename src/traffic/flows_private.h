/* flows_private: what the readers and writers of flow files share. */
#ifndef M3_TRAFFIC_FLOWS_PRIVATE_H
#define M3_TRAFFIC_FLOWS_PRIVATE_H
#include "traffic/flows.h"

#define FLOWS_MAX_SIZE_B 1000000000000000u
#define FLOWS_MAX_START_NS 9000000000000000000u

/* The host with this node id, or TOPO_NONE; *is_node: there is a node of that id (then a switch).
 */
uint32_t flows_host_of(const Topo *t, uint64_t id, bool *is_node);

/* Where a flow's ends are: hosts of a topology, positions 0..n_links on a path (topo NULL), or not
 * looked at (`no_endpoints`). */
typedef struct {
    const char *path; /* for messages */
    const Topo *topo;
    uint32_t n_links;
    bool no_endpoints;
} FlowEnds;

int flows_binary_read(Flows *f, const FileView *v, const FlowEnds *ends, Err *err);
#endif
