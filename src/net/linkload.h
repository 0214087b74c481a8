/* linkload: the load that rack-to-rack traffic is expected to put on every link. */
#ifndef M3_NET_LINKLOAD_H
#define M3_NET_LINKLOAD_H
#include "net/route.h"

/* linkload_expect fills load[n_links] with the expected share of flows that cross each directed
 * link, if a flow goes from rack i to rack j with probability p[i · n_racks + j] (between uniformly
 * drawn different hosts of them) and every node splits equally over its next hops. p[i, i] > 0 only
 * where rack i has two hosts. */
void linkload_expect(const Route *r, const double *p, double *load);
#endif
