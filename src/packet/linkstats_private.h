/* linkstats_private: how what links do is kept: a record for each, to which the simulation adds as
 * it goes. Private to this room. */
#ifndef M3_PACKET_LINKSTATS_PRIVATE_H
#define M3_PACKET_LINKSTATS_PRIVATE_H
#include <stdbool.h>

#include "base/mem.h"
#include "net/topo.h"
#include "packet/linkstats.h"

/* A directed link. Times are in ticks. */
typedef struct {
    int64_t *time; /* [n_bins] that the queue had a length of that bin, until queue_since */
    uint32_t n_bins;
    uint32_t bin;      /* of the present length */
    double queue_area; /* bytes × ticks, until queue_since */
    int64_t queue_since;
    uint64_t queue_b, queue_max_b;
    int64_t busy, free_at;        /* time of transmissions begun; end of the last one */
    int64_t paused, paused_since; /* paused_since −1: not paused */
    uint64_t payload_b, n_sent;   /* of transmissions begun */
    uint64_t n_marked, n_dropped;
    uint32_t last_payload_b; /* of the last transmission */
} LinkRecord;

typedef struct LinkRecords {
    LinkRecord *links; /* [n] */
    uint64_t *n_lost;  /* [n] apart, as the receiving ends count them */
    uint32_t n;
} LinkRecords;

LinkRecords *linkstats_new(uint32_t n_links);
void linkstats_free(LinkRecords *r);
/* linkstats_finish fills out[n] for a run that ended at tick `end`. */
void linkstats_finish(LinkRecords *r, const Topo *t, double ticks_per_ns, int64_t end,
                      LinkStats *out);

/* linkstats_bin returns the bin of a queue length: those up to LINKSTATS_EXACT_B have one each, and
 * each further doubling has LINKSTATS_STEPS. linkstats_bin_top returns a bin's largest length. */
static inline uint32_t linkstats_bin(uint64_t queue_b) {
    if (queue_b <= LINKSTATS_EXACT_B) return (uint32_t)queue_b;
    uint32_t shift = (uint32_t)(63 - __builtin_clzll(queue_b / LINKSTATS_STEPS));
    return shift * LINKSTATS_STEPS + (uint32_t)(queue_b >> shift);
}
static inline uint64_t linkstats_bin_top(uint32_t bin) {
    if (bin <= LINKSTATS_EXACT_B) return bin;
    uint32_t shift = bin / LINKSTATS_STEPS - 1;
    return ((bin - shift * (uint64_t)LINKSTATS_STEPS + 1) << shift) - 1;
}

/* The following note what happens at a link at tick `now`. */

void linkstats_grow(LinkRecord *l);
static inline void linkstats_add_time(LinkRecord *l, int64_t now) {
    int64_t time = now - l->queue_since;
    l->time[l->bin] += time;
    l->queue_area += (double)l->queue_b * (double)time;
    l->queue_since = now;
}
/* linkstats_queue: its data queue has queue_b bytes from now on. */
static inline void linkstats_queue(LinkRecords *r, uint32_t link, uint64_t queue_b, int64_t now) {
    LinkRecord *l = &r->links[link];
    if (queue_b == l->queue_b) return;
    linkstats_add_time(l, now);
    l->queue_b = queue_b;
    l->bin = linkstats_bin(queue_b);
    if (queue_b <= l->queue_max_b) return;
    l->queue_max_b = queue_b;
    if (l->bin >= l->n_bins) linkstats_grow(l);
}
/* linkstats_send: a transmission begins, with so much payload of data, which lasts until free_at.
 * counts: it is no pause frame's. */
static inline void linkstats_send(LinkRecords *r, uint32_t link, uint32_t payload_b, int64_t now,
                                  int64_t free_at, bool counts) {
    LinkRecord *l = &r->links[link];
    l->busy += free_at - now;
    l->free_at = free_at;
    l->payload_b += payload_b;
    l->last_payload_b = payload_b;
    l->n_sent += counts;
}
/* linkstats_mark: it marked a packet. linkstats_drop: a packet found no room in its queue, or was
 * lost on it (on_link). linkstats_pause: from now on data has to wait for a resume frame, or need
 * not any more. */
static inline void linkstats_mark(LinkRecords *r, uint32_t link) { r->links[link].n_marked++; }
static inline void linkstats_drop(LinkRecords *r, uint32_t link, bool on_link) {
    if (on_link) r->n_lost[link]++;
    else r->links[link].n_dropped++;
}
void linkstats_pause(LinkRecords *r, uint32_t link, bool paused, int64_t now);
#endif
