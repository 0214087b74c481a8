/* lot: a parking lot, its flows, and what a flow on it takes in the idle network. */
#ifndef M3_PATH_LOT_H
#define M3_PATH_LOT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* Loads of the links next to a link of a lot, over the network's whole run: of the link in the
 * opposite direction; the largest and the mean of the other links out of the switch at the link's
 * end (next hops), and of those out of the switch at its start (siblings). They share switch
 * buffers with the path, and PFC pauses spread from them. */
typedef struct {
    float reverse, next_max, next_mean, sibling_max, sibling_mean;
} LinkNeighbours;

/* A parking lot: nodes 0..n_links in a row, link i from node i to i+1. A flow [s, d) uses links
 * s..d−1. Foreground flows go from node 0 to n_links, all others are background. Background flows
 * that enter or leave at an inner node do so over links that never limit them; stub_delay_ns[v] is
 * the delay from node v to its nearest host. */
typedef struct {
    uint32_t n_links;
    double *rate_bps, *delay_ns; /* [n_links] */
    double *stub_delay_ns;       /* [n_links + 1] */
    double host_rate_bps;        /* most that a foreground flow can have: the slower end's link */
    LinkNeighbours *neighbours;  /* [n_links]; NULL: a lot that is no part of a network */
    bool published;              /* latencies by the published formula, see lot_latency_ns */
} Lot;

/* lot_published makes the lot of n_links links that the published data sets consist of: first and
 * last link at host_rate_bps, inner ones at 4 times that, all of 1 µs, `published` set. Arrays are
 * taken from `a`. */
void lot_published(Lot *lot, uint32_t n_links, double host_rate_bps, Arena *a);

/* A flow on a lot: 32 bytes; lists of them ascend by start_ns. */
typedef struct {
    int64_t start_ns;
    uint64_t size_b; /* payload */
    double cap_bps;  /* the flow's own limit: slower of its two hosts' links */
    uint32_t flow;   /* index into the network's Flows */
    uint16_t s, d;   /* 0 ≤ s < d ≤ n_links */
} LotFlow;

/* lot_is_foreground says whether a flow on links s..d−1 is one of the foreground of a lot of
 * n_links links, that is whether it uses all of them. */
static inline bool lot_is_foreground(uint32_t n_links, uint32_t s, uint32_t d) {
    return s == 0 && d == n_links;
}

/* lot_rate returns the rate, in bits/ns, that flow f has when it is alone: the least of its own
 * limit, the lot's host rate and its links' rates. */
static inline double lot_rate(const Lot *lot, const LotFlow *f) {
    double rate = f->cap_bps < lot->host_rate_bps ? f->cap_bps : lot->host_rate_bps;
    for (uint32_t l = f->s; l < f->d; l++) rate = lot->rate_bps[l] < rate ? lot->rate_bps[l] : rate;
    return rate * 1e-9;
}

/* lot_latency_ns returns what flow f's completion takes, in the idle network, beyond its bits at
 * its rate: the delays, and the time its first packet takes to be stored and forwarded. Where
 * lot->published is set it is the published formula, which counts a background flow's way to its
 * nearest host in links of 1 µs. */
double lot_latency_ns(const Lot *lot, const LotFlow *f);

/* A flow alone in the idle network. fct_ns = latency_ns + bits / rate. */
typedef struct {
    double size_b, bits; /* payload; on the wire */
    double rate;         /* bits/ns */
    double fct_ns, latency_ns;
} LotIdeal;
/* lot_ideal returns flow f's ideal completion time and what it consists of, from the lot's rates
 * and delays (whether or not it is a published one). */
LotIdeal lot_ideal(const Lot *lot, const LotFlow *f);

/* lot_slowdown returns the slowdown of flow f, at least 1, whose completion takes fct_ns in a fluid
 * simulation, which knows no latency: (fct_ns + latency) / (bits / rate + latency). */
double lot_slowdown(const Lot *lot, const LotFlow *f, double fct_ns);

/* lot_slowdowns fills slowdown[n] for the n flows of a lot that complete in fct_ns[n]: lot_slowdown
 * of each to within rounding, faster. wanted: [n] 0 for those whose place is left as it is; NULL:
 * all are wanted. */
void lot_slowdowns(const Lot *lot, const LotFlow *flows, size_t n, const double *fct_ns,
                   const uint8_t *wanted, float *slowdown);

/* lot_rtt_ns returns the base round trip of the foreground: all delays twice, and one full packet's
 * transmission on every link. ACKs are left out. */
double lot_rtt_ns(const Lot *lot);
#endif
