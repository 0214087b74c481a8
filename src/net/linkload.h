/* linkload: the traffic that every link is to expect from rack-to-rack traffic. */
#ifndef M3_NET_LINKLOAD_H
#define M3_NET_LINKLOAD_H
#include "net/route.h"

/* load[l] = expected share of the flows that cross directed link l, if a flow goes from rack i to
 * rack j with probability p[i·n_racks + j] (a host of each uniformly, different ones) and every
 * node splits equally over its next hops. p[i,i] > 0 only where rack i has two hosts. `load` has
 * n_links elements. */
void linkload_expect(const Route *r, const double *p, double *load);
#endif
