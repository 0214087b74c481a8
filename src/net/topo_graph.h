/* topo_graph: graphs as general tools write them, on their way to a topology: nodes have names and
 * perhaps a kind, links perhaps a rate and a delay, in one unit or another. */
#ifndef M3_NET_TOPO_GRAPH_H
#define M3_NET_TOPO_GRAPH_H
#include <stdbool.h>

#include "net/topo_load.h"

typedef struct TopoGraph TopoGraph;

/* topo_graph_new begins a graph that the file `path` describes; both arguments must outlive it.
 * base_units: bare rates are in bit/s and bare delays in ns. topo_graph_destroy releases. */
TopoGraph *topo_graph_new(const char *path, const TopoLoadOptions *o, bool base_units);
void topo_graph_destroy(TopoGraph *g);

/* topo_graph_node and topo_graph_link begin a node and a link; names are copied, and a link may
 * name nodes that come later. */
void topo_graph_node(TopoGraph *g, const char *name);
void topo_graph_link(TopoGraph *g, const char *a, const char *b);

/* topo_graph_node_has and topo_graph_link_has take an attribute of the latest node or link, as
 * text. Keys that say nothing of kind, label, rate, delay or losses are passed over. link_has: −1
 * with an input error if the value cannot be read or its unit is not known. */
void topo_graph_node_has(TopoGraph *g, const char *key, const char *value);
int topo_graph_link_has(TopoGraph *g, const char *key, const char *value, Err *err);

/* topo_graph_build makes the topology. Hosts are the nodes whose names the pattern of the options
 * matches; without one, those of that kind, and of those without a kind the ones with one link. If
 * all names are whole numbers they are the ids; else hosts are numbered from 0 in the order of the
 * file, and switches behind them. −1 with an input error that names the link or node. */
int topo_graph_build(Topo *t, TopoGraph *g, Err *err);

/* Readers of the formats, from memory. `path` is the file's name in messages. */
int topo_graphml_read(Topo *t, const char *path, const char *text, size_t len,
                      const TopoLoadOptions *o, Err *err);
int topo_gml_read(Topo *t, const char *path, const char *text, size_t len, const TopoLoadOptions *o,
                  Err *err);
int topo_clab_read(Topo *t, const char *path, const char *text, size_t len,
                   const TopoLoadOptions *o, Err *err);
#endif
