/* route_private: the table of next hops, which net/route_table builds and net/route walks. */
#ifndef M3_NET_ROUTE_PRIVATE_H
#define M3_NET_ROUTE_PRIVATE_H
#include <stddef.h>

#include "net/route.h"

/* No way leads there. */
#define ROUTE_UNREACHED UINT16_MAX

/* Next hops: n of the links that belong to a node, from its link `first` on. */
typedef struct {
    uint32_t first;
    uint16_t n;
    uint16_t distance; /* links to the nearest switch of the destination's group */
} NextHops;

/* Those of a class that has or touches switches of a group. */
typedef struct {
    uint32_t class;
    NextHops hops;
} NearHops;

/* Where a class's next hops toward columns are: one a column, or one for each run of columns. */
typedef struct {
    size_t first;
    uint32_t n;
} RouteRuns;

/* A node's class, and where its links begin in link_list; a host with one link has the class
 * TOPO_NONE, and the link instead of a place. */
typedef struct {
    uint32_t class, links;
} RouteNode;

/* All that walking a path reads of a host, side by side: among a million hosts each array more
 * would be a cache miss more. */
typedef struct {
    uint32_t node, ip;
    uint32_t group, column;
    uint32_t only_switch, up_link; /* of a host with one link; TOPO_NONE for others */
} RouteHost;

struct Route {
    const Topo *topo;
    uint32_t n_groups, n_columns, n_classes, n_switch_classes; /* classes of hosts come last */
    RouteHost *host;                                           /* [n_hosts] */
    uint32_t *column_of;                                       /* [n_groups] */
    RouteNode *node;                                           /* [n_nodes] */
    uint32_t
        *link_list;  /* links of each row to switches, then its lists that are no range of them */
    RouteRuns *runs; /* [n_classes] */
    NextHops *hops;  /* of all classes, those with runs first */
    uint32_t *run_column; /* the column at which each run begins, as far as there are runs */
    size_t *near_start;   /* [n_groups + 1] */
    NearHops *near;       /* of all groups, by ascending class */
    uint32_t *link_to;    /* [n_links] a copy of what path walking reads of a Link */
    uint32_t *down_link;  /* [n_links] out_link's links in the other direction */
    uint32_t max_links;
    Clos *clos; /* or NULL */
};

/* route_skip_parallel returns the position of the next neighbour's links among a node's, after
 * position i; parallel links stand side by side. */
static inline uint32_t route_skip_parallel(const Topo *t, uint32_t i, uint32_t end) {
    uint32_t to = t->links[t->out_link[i]].to;
    while (i < end && t->links[t->out_link[i]].to == to) i++;
    return i;
}

/* route_is_linked returns whether host node `v` has a link to node `to`. */
static inline bool route_is_linked(const Topo *t, uint32_t v, uint32_t to) {
    for (uint32_t i = t->out_start[v]; i < t->out_start[v + 1]; i++)
        if (t->links[t->out_link[i]].to == to) return true;
    return false;
}

/* route_far_hops returns the next hops of a class toward a column; distances 0 and 1 stand for
 * "among the near hops of the group". */
static inline const NextHops *route_far_hops(const Route *r, uint32_t class, uint32_t column) {
    const RouteRuns *runs = &r->runs[class];
    size_t lo = runs->first, hi = lo + runs->n;
    if (runs->n == r->n_columns) return &r->hops[lo + column];
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->run_column[mid] <= column) lo = mid;
        else hi = mid;
    }
    return &r->hops[lo];
}

/* route_near_hops returns the next hops of a class that has or touches switches of a group; NULL
 * for others. */
static inline const NextHops *route_near_hops(const Route *r, uint32_t class, uint32_t group) {
    size_t lo = r->near_start[group], hi = r->near_start[group + 1];
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->near[mid].class == class) return &r->near[mid].hops;
        if (r->near[mid].class < class) lo = mid + 1;
        else hi = mid;
    }
    return NULL;
}

/* route_table_build fills in all but what is per link or host, from the topology, the groups of
 * hosts, and heads[n_groups], a host of each. −1 if the table is too large. */
int route_table_build(Route *r, const uint32_t *heads, Err *err);
#endif
