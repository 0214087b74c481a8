/* lot: a parking lot, its flows and their arithmetic. */
#ifndef M3_PATH_LOT_H
#define M3_PATH_LOT_H
#include <stdbool.h>
#include <stdint.h>
#include "base/mem.h"

/* How busy it is around a link of a lot, over the whole run: load of the link on the way back, and
 * the largest and mean load of the other links out of the switch at its end, and out of the one at
 * its start. They share buffers with the path, and pauses spread. */
typedef struct {
    float reverse, next_max, next_mean, sibling_max, sibling_mean;
} LinkNeighbours;

/* A parking lot: nodes 0..n_links in a row, link i from node i to i+1. A flow [s, d) uses links
 * s..d−1. Foreground flows go from 0 to n_links. Background flows that enter or leave at an inner
 * node do so over links that never limit them; `stub_delay_ns[v]` is how far (in delay) the nearest
 * host is from node v. */
typedef struct {
    uint32_t n_links;
    double *rate_bps, *delay_ns; /* [n_links] */
    double *stub_delay_ns;       /* [n_links+1] */
    double host_rate_bps; /* rate b to which slowdowns are normalised: the slower end's host link */
    LinkNeighbours *neighbours; /* [n_links]; NULL: a lot without a network around it */
    bool published; /* base delay exactly as the published formula (docs: PIPELINE §4) */
} Lot;
/* The published special case: first and last link at host_rate, inner ones at 4×, 1 µs links,
 * `published` set. */
void lot_published(Lot *lot, uint32_t n_links, double host_rate_bps, Arena *a);

/* A flow on a lot: 32 bytes, ascending by start_ns. */
typedef struct {
    int64_t start_ns;
    uint64_t size_b;
    double cap_bps; /* the flow's own limit: slower of its two hosts' links */
    uint32_t flow;  /* index into the network's Flows */
    uint16_t s, d;  /* 0 ≤ s < d ≤ n_links */
} LotFlow;
#endif
