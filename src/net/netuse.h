/* netuse: how much of each link's rate traffic takes, with all that names a link. */
#ifndef M3_NET_NETUSE_H
#define M3_NET_NETUSE_H
#include "net/topo.h"

/* A directed link. Ids are those of the topology file, tiers those of topo.h. */
typedef struct {
    uint64_t from_id, to_id;
    double rate_bps, load; /* load: bits on the wire over what the rate allows, over the run */
    uint8_t from_tier, to_tier;
} LinkUse;

/* Tiers that are counted one by one; nodes beyond are counted with the last. */
enum { NETUSE_MAX_TIERS = 8 };

/* A network's links and counts of its nodes, which outlive the topology. */
typedef struct {
    uint32_t n_hosts, n_switches, n_racks, n_pods, n_links;
    uint32_t n_tiers;                      /* hosts included */
    uint32_t tier_nodes[NETUSE_MAX_TIERS]; /* number of nodes by tier */
    LinkUse *links;                        /* [n_links] owned */
    double max_load;                       /* of the busiest link */
} NetUse;

/* netuse_init fills *u from the topology and load[n_links]; netuse_free releases it ({0} is
 * allowed). */
void netuse_init(NetUse *u, const Topo *t, const double *load);
void netuse_free(NetUse *u);
#endif
