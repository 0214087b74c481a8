/* origin: where a network's slow flows come from: its tiers, its most loaded links, its worst
 * paths. */
#ifndef M3_ESTIMATE_ORIGIN_H
#define M3_ESTIMATE_ORIGIN_H
#include <stdbool.h>

#include "features/features.h"
#include "net/netuse.h"

enum { ORIGIN_MAX_CLASSES = 24, ORIGIN_N_LINKS = 10, ORIGIN_N_PATHS = 10 };

/* Links of one rate from one tier to another, in one direction. */
typedef struct {
    int from_tier, to_tier;
    uint32_t n_links;
    double rate_bps, load_mean, load_max;
    double tail_share; /* of paths whose most loaded link is one of these */
} OriginClass;

typedef struct {
    LinkUse link;
    uint32_t index;    /* in NetUse.links; parallel cables are alike in all else */
    double tail_share; /* of paths that cross it */
} OriginLink;

typedef struct {
    uint64_t src_id, dst_id; /* hosts, as in the topology file */
    uint32_t n_links, n_draws;
    uint64_t n_flows;  /* of the network, on exactly this path */
    double p99;        /* of its own flows */
    double tail_share; /* of all flows at or above the network's p99, those on this path */
    LinkUse busiest;   /* its most loaded link */
} OriginPath;

/* All zero: nothing is known. */
typedef struct {
    NetUse net; /* links NULL: counts alone */
    uint32_t n_classes, n_links, n_paths;
    uint32_t n_classes_left_out;             /* beyond ORIGIN_MAX_CLASSES */
    OriginClass classes[ORIGIN_MAX_CLASSES]; /* by tiers, from the hosts up, then by rate */
    OriginLink links[ORIGIN_N_LINKS];        /* the most loaded ones, by descending load */
    OriginPath paths[ORIGIN_N_PATHS]; /* by descending tail_share; none where no paths were drawn */
    double tail_from;                 /* the slowdown that the tail begins at; 0: no paths */
} Origin;

/* origin_links fills *o from the loads of all links; tail shares are 0. */
void origin_links(Origin *o, const NetUse *u);
/* origin_paths adds paths, given the share of the tail and the p99 of each of the features' paths,
 * and attributes the tail to the links they cross, which the features have to know (use.links).
 * Sums are taken in the order of the paths. */
void origin_paths(Origin *o, const Features *f, double tail_from, const double *tail_share,
                  const double *p99);
#endif
