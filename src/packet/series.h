/* series: what links did, interval by interval: use, queue, marks, drops, pauses: what a
 * caller of pktsim asks for and gets. */
#ifndef M3_PACKET_SERIES_H
#define M3_PACKET_SERIES_H
#include <stdint.h>

/* What the links of one group did in one interval. */
typedef struct {
    double start_ns, end_ns; /* on the scale of flows' starts */
    uint32_t group, n_links;
    double utilisation;   /* share of the group's capacity that bytes on the wire took */
    double goodput_bps;   /* payload_b over the interval */
    uint64_t payload_b;   /* of data packets whose transmission ended, retransmissions included */
    double queue_mean_b;  /* in the data queues of the sending ports, over time and links */
    uint64_t queue_max_b; /* of one link */
    uint64_t n_marked;    /* packets that the sending ports marked */
    uint64_t n_dropped;   /* that found no room at the port's switch, or were lost on the link */
    double paused_share;  /* of time and links, in which PFC barred data from being sent */
} SeriesRow;

/* What is asked for. Group g is links link[start[g]] to link[start[g + 1] − 1], at least one; a
 * link may be in several groups. `row` gets the rows of all groups in order whenever an interval
 * has ended, and may not keep the pointer. */
typedef struct {
    double interval_ns;
    uint32_t n_groups;
    const uint32_t *start, *link; /* [n_groups + 1], [start[n_groups]] */
    void (*row)(void *ctx, const SeriesRow *row);
    void *ctx;
} SeriesSpec;
#endif
