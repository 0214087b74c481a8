/* timeline: a network whose links fail, degrade and come back while it is in use. */
#ifndef M3_NET_TIMELINE_H
#define M3_NET_TIMELINE_H
#include "net/faults.h"
#include "net/route.h"

/* The network from a time on. Links, nodes and hosts are the whole network's unless it says
 * otherwise. */
typedef struct {
    double at_ns;       /* when its links become like this; −INFINITY: the first phase */
    uint8_t *dead;      /* [n_links] NULL: none is */
    double *rate_bps;   /* [n_links] */
    double *error_rate; /* [n_links] */
    const Route *route; /* of what is left; its topology has other numbers, if these are set: */
    uint32_t *link_of;  /* [its n_links] */
    uint32_t *node_in;  /* [n_nodes] a node's number there, TOPO_NONE: cut off from most hosts */
    uint32_t *host_in;  /* [n_hosts] likewise */
    uint32_t n_failed, n_degraded, n_cut_off; /* cables, and hosts */
    Topo topo;                                /* private: what is left */
    Route *own_route;
} TimelinePhase;

typedef struct {
    TimelinePhase *phases; /* [n] by time; the first is the whole network */
    size_t n;
    uint32_t max_links;      /* of any path at any time */
    double reroute_delay_ns; /* from a change of links to that of routes */
} Timeline;

/* The default of the delay: what switches take that see a port go down and take it out of their
 * groups of next hops by themselves. Routing protocols take 10 to 1000 times as long. */
#define TIMELINE_REROUTE_NS 100e3

/* timeline_new returns what the events among f (spec/README.md, Events) make of the network of a
 * route, which must outlive it; shares are drawn by `seed` as those of faults are. Of equal times,
 * events act in the order of the list, as one change. NULL with *err untouched if there are no
 * events; NULL with an input error that names an event that fits nothing. timeline_free releases.
 */
Timeline *timeline_new(const Route *whole, const Faults *f, uint64_t seed, double reroute_delay_ns,
                       Err *err);
void timeline_free(Timeline *t);

/* timeline_host and timeline_node return a host's or node's number in a phase's route, TOPO_NONE if
 * it is cut off; timeline_link returns the whole network's number of a link of that route. */
static inline uint32_t timeline_host(const TimelinePhase *p, uint32_t host) {
    return p->host_in ? p->host_in[host] : host;
}
static inline uint32_t timeline_node(const TimelinePhase *p, uint32_t node) {
    return p->node_in ? p->node_in[node] : node;
}
static inline uint32_t timeline_link(const TimelinePhase *p, uint32_t link) {
    return p->link_of ? p->link_of[link] : link;
}
#endif
