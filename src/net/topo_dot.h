/* topo_dot: a topology as a drawing for Graphviz. */
#ifndef M3_NET_TOPO_DOT_H
#define M3_NET_TOPO_DOT_H
#include <stdio.h>

#include "net/topo.h"

/* topo_dot writes a graph in the DOT language: a box for each switch, its tiers in rows; an oval
 * for the hosts that have the same links; a line for the cables between two of these, with their
 * number and rate. */
void topo_dot(FILE *f, const Topo *t);
#endif
