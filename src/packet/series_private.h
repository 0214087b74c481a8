/* series_private: how a series is kept: a record for each link, to which the simulation adds as it
 * goes. Private to this room. */
#ifndef M3_PACKET_SERIES_PRIVATE_H
#define M3_PACKET_SERIES_PRIVATE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "net/topo.h"
#include "packet/series.h"

/* A directed link in the current interval. Times are in ticks. */
typedef struct {
    double queue_area; /* bytes × ticks, until queue_since */
    int64_t queue_since;
    uint64_t queue_b, queue_max_b;
    int64_t busy, free_at;        /* time of transmissions begun; end of the last one */
    uint64_t payload_b;           /* of transmissions begun */
    int64_t paused, paused_since; /* paused_since −1: not paused */
    uint32_t n_marked, n_dropped;
    uint32_t last_payload_b; /* of the last transmission */
} SeriesLink;

typedef struct {
    const SeriesSpec *spec;
    SeriesLink *links; /* [n_links] */
    uint32_t *n_lost;  /* [n_links] packets lost on links: apart, as their receivers count them */
    double *rate_bps;  /* [n_links] */
    uint32_t n_links;
    int64_t start, end, interval; /* the current interval: after `start`, up to and with `end` */
    double first_ns, ticks_per_ns;
} Series;

/* series_new makes the series of a run whose tick 0 is first_ns; it lasts as long as the arena. */
Series *series_new(Arena *a, const SeriesSpec *spec, const Topo *t, double first_ns,
                   double ticks_per_ns);

/* series_advance reports all intervals that end before tick `now`, the time of the next event. −1
 * if that is not done because an interruption was asked for. */
int series_advance(Series *s, int64_t now);
/* series_finish reports what is left of a run that ended at tick `end`; the last interval ends
 * there. −1 as series_advance. */
int series_finish(Series *s, int64_t end);

/* The following note what happens at a link at tick `now`. */

static inline void series_add_area(SeriesLink *l, int64_t now) {
    l->queue_area += (double)l->queue_b * (double)(now - l->queue_since);
    l->queue_since = now;
}
/* series_queue: its data queue has queue_b bytes from now on. */
static inline void series_queue(Series *s, uint32_t link, uint64_t queue_b, int64_t now) {
    SeriesLink *l = &s->links[link];
    if (queue_b == l->queue_b) return;
    series_add_area(l, now);
    l->queue_b = queue_b;
    if (queue_b > l->queue_max_b) l->queue_max_b = queue_b;
}
/* series_send: a transmission begins, with so much payload of data, which lasts until free_at. */
static inline void series_send(Series *s, uint32_t link, uint32_t payload_b, int64_t now,
                               int64_t free_at) {
    SeriesLink *l = &s->links[link];
    l->busy += free_at - now;
    l->free_at = free_at;
    l->payload_b += payload_b;
    l->last_payload_b = payload_b;
}
/* series_mark: it marked a packet. series_drop: a packet found no room in its queue, or was lost on
 * it (on_link). series_pause: from now on data has to wait for a resume frame, or need not any
 * more. */
static inline void series_mark(Series *s, uint32_t link) { s->links[link].n_marked++; }
static inline void series_drop(Series *s, uint32_t link, bool on_link) {
    if (on_link) s->n_lost[link]++;
    else s->links[link].n_dropped++;
}
void series_pause(Series *s, uint32_t link, bool paused, int64_t now);
#endif
