/* netuse: a network's links by name, with their loads.
 *
 * Results tell of links long after the topology was released, so names, tiers and rates are copied:
 * 40 bytes a link. Left out: delays and losses, which no load depends on. */
#include "net/netuse.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

static uint32_t tier_of(const Topo *t, uint32_t node) {
    return t->tier[node] < NETUSE_MAX_TIERS ? t->tier[node] : NETUSE_MAX_TIERS - 1;
}

void netuse_init(NetUse *u, const Topo *t, const double *load) {
    *u = (NetUse){.n_hosts = t->n_hosts,
                  .n_switches = t->n_nodes - t->n_hosts,
                  .n_racks = t->n_racks,
                  .n_pods = t->n_pods,
                  .n_links = t->n_links,
                  .links = MEM_NEW(LinkUse, t->n_links)};
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        u->tier_nodes[tier_of(t, v)]++;
        if (tier_of(t, v) >= u->n_tiers) u->n_tiers = tier_of(t, v) + 1;
    }
    for (uint32_t l = 0; l < t->n_links; l++) {
        const Link *link = &t->links[l];
        u->links[l] = (LinkUse){.from_id = t->node_id[link->from],
                                .to_id = t->node_id[link->to],
                                .rate_bps = link->rate_bps,
                                .load = load[l],
                                .from_tier = (uint8_t)tier_of(t, link->from),
                                .to_tier = (uint8_t)tier_of(t, link->to)};
        u->max_load = fmax(u->max_load, load[l]);
    }
}

void netuse_free(NetUse *u) {
    free(u->links);
    *u = (NetUse){0};
}
