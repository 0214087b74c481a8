/* topo_private: what readers, writers and generators of topologies share. */
#ifndef M3_NET_TOPO_PRIVATE_H
#define M3_NET_TOPO_PRIVATE_H
#include <stddef.h>

#include "base/json.h"
#include "net/topo.h"
#include "net/topo_load.h"

/* Nodes and cables of a graph that is being read or generated, for topo_build. To begin with, all
 * zero; topo_draft_free releases. */
typedef struct {
    uint64_t *node_id;
    uint8_t *is_host;
    uint32_t *pod;
    size_t n_nodes, cap_id, cap_host, cap_pod;
    TopoCable *cables;
    size_t n_cables, cap_cables;
} TopoDraft;
void topo_draft_node(TopoDraft *d, uint64_t id, bool is_host, uint32_t pod);
void topo_draft_cable(TopoDraft *d, TopoCable c);
/* topo_draft_build makes a topology of what was added (topo_build). With `o`, what is from a file
 * is tidied first: switches without links are dropped, links in opposite directions joined if
 * asked. */
int topo_draft_build(Topo *t, TopoDraft *d, const char *name, const TopoLoadOptions *o, Err *err);
void topo_draft_free(TopoDraft *d);
/* topo_draft_finish is topo_draft_build without `o`, and releases the draft. */
int topo_draft_finish(Topo *t, TopoDraft *d, const char *name, Err *err);

/* topo_load_rate and topo_load_delay read a rate or delay in JSON: a number (bit/s, ns) or text
 * with a unit, within the bounds of topo.h. */
int topo_load_rate(const Json *j, double *bps, Err *err);
int topo_load_delay(const Json *j, double *ns, Err *err);

/* topo_hpcc_read reads the HPCC authors' topology.txt from memory; `name` is the file's. */
int topo_hpcc_read(Topo *t, const char *name, const char *text, size_t len,
                   const TopoLoadOptions *o, Err *err);

/* topo_save_rate and topo_save_delay return "10Gbps", "1us": text that reads back as exactly the
 * same number. */
JsonNumber topo_save_rate(double bps);
JsonNumber topo_save_delay(double ns);
#endif
