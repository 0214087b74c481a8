/* topo_load: topologies from files of any known format. */
#ifndef M3_NET_TOPO_LOAD_H
#define M3_NET_TOPO_LOAD_H
#include "net/topo.h"

/* topo_load reads a topology file (spec/README.md, Topology), whose format it recognises by
 * content: a Clos description, a graph, a cluster of Parsimon, or the HPCC authors' topology.txt.
 * topo_free releases. −1 with an input error that names file and place. */
int topo_load(Topo *t, const char *path, Err *err);
#endif
