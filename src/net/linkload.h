/* linkload: the load that rack-to-rack traffic is expected to put on every link. */
#ifndef M3_NET_LINKLOAD_H
#define M3_NET_LINKLOAD_H
#include "net/route.h"

/* How flows are taken to choose among equal next hops. ORDER LOAD: linkload_routing_names.
 * Routed: every node splits equally, which is what hashes that differ from node to node come to.
 * Polarised: a flow has one hash, and every node takes next hop number (hash mod count), so that
 * nodes below one that has split by it see only some residues, and use only some of their links:
 * what the published programs put max_load on (Parsimon's routing). */
typedef enum { LOAD_ROUTED, LOAD_POLARISED } LoadRouting;
extern const char *const linkload_routing_names[]; /* ended by NULL */

/* linkload_expect fills load[n_links] with the expected share of flows that cross each directed
 * link, if a flow goes from rack i to rack j with probability p[i · n_racks + j] (between uniformly
 * drawn different hosts of them) and nodes choose next hops as `how` says. p[i, i] > 0 only where
 * rack i has two hosts. Costs racks × links. p NULL: all pairs alike; where every host has one
 * link that costs classes of racks (route_class) × links, and nothing on a large Clos (route_clos),
 * if routed. */
void linkload_expect(const Route *r, LoadRouting how, const double *p, double *load);
/* linkload_clos fills in the same of uniform traffic on a folded Clos, routed. */
void linkload_clos(const Topo *t, const Clos *c, double *load);
#endif
