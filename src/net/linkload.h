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

/* Rack-to-rack traffic, as a matrix of which every rack of the network takes a row, and several
 * racks may take the same one. A flow goes from row i to row j with probability share[i · n + j],
 * and between racks of the two that are drawn uniformly; from a row to itself it stays within one
 * rack, drawn among those of two hosts or more. */
typedef struct {
    uint32_t n;
    const double *share;     /* [n²] 0 where a row has no such racks */
    const uint32_t *row_of;  /* [n_racks] of the network; n: none. NULL: rack i has row i */
    const uint32_t *n_racks; /* [n] that have a row; NULL: 1 each */
    const uint32_t *n_local; /* [n] of those, the ones of two hosts or more; NULL: 1 each */
} LoadMatrix;

/* linkload_share returns the probability that a flow goes from rack i to rack j. */
double linkload_share(const Topo *t, const LoadMatrix *m, uint32_t i, uint32_t j);

/* linkload_expect fills load[n_links] with the expected share of flows that cross each directed
 * link, if they go between racks as in `m` (between uniformly drawn different hosts of them) and
 * nodes choose next hops as `how` says. Costs racks × links, times residues of hashes if polarised;
 * nothing on a Clos of more than LINKLOAD_MANY_RACKS racks. m NULL: all pairs of racks alike; where
 * every host has one link that costs classes of racks (route_class) × links, and nothing on a large
 * Clos (route_clos), if routed. */
enum { LINKLOAD_MANY_RACKS = 16384 };
void linkload_expect(const Route *r, LoadRouting how, const LoadMatrix *m, double *load);
/* linkload_clos fills in the same of a folded Clos. */
void linkload_clos(const Topo *t, const Clos *c, LoadRouting how, const LoadMatrix *m,
                   double *load);
#endif
