/* series: a run cut into intervals of equal length, each summed up by groups of links.
 *
 * Every link has one record of the current interval, to which the simulation adds as it goes. When
 * the first event after an interval comes up, the records are closed at its end, added up by group
 * and reported, and begin again: memory follows the links, not the length of the run. An interval
 * does not hold its start but holds its end, so that what happens at the very last moment of a run
 * is in an interval of a length above 0; the first one holds its start, too.
 *
 * Invariant: queue_area covers the interval up to queue_since, as does `paused` up to paused_since;
 * `busy` and payload_b have whole transmissions, of which at most the last one goes beyond the end
 * of the interval: that part of its time is left to the next interval, and all of its payload.
 *
 * Left out: flows that wait at their hosts (a host's flows are its queue, in no port), and pause
 * frames and prioritised ACKs in queues; both are in `busy` once they are sent. */
#include "packet/series.h"

#include <math.h>

#include "base/diag.h"
#include "packet/series_private.h"

/* Of an interval: two of them are below 2^63. */
static const double MAX_TICKS = 4e18;

Series *series_new(Arena *a, const SeriesSpec *spec, const Topo *t, double first_ns,
                   double ticks_per_ns) {
    Series *s = ARENA_NEW(a, Series, 1);
    *s = (Series){.spec = spec,
                  .links = ARENA_NEW(a, SeriesLink, t->n_links),
                  .n_lost = ARENA_NEW(a, uint32_t, t->n_links),
                  .rate_bps = ARENA_NEW(a, double, t->n_links),
                  .n_links = t->n_links,
                  .interval = (int64_t)fmin(spec->interval_ns * ticks_per_ns + 0.5, MAX_TICKS),
                  .first_ns = first_ns,
                  .ticks_per_ns = ticks_per_ns};
    if (s->interval < 1) s->interval = 1;
    s->end = s->interval;
    for (uint32_t l = 0; l < t->n_links; l++) {
        s->links[l] = (SeriesLink){.paused_since = -1};
        s->n_lost[l] = 0;
        s->rate_bps[l] = t->links[l].rate_bps;
    }
    return s;
}

void series_pause(Series *s, uint32_t link, bool paused, int64_t now) {
    SeriesLink *l = &s->links[link];
    if (l->paused_since >= 0) l->paused += now - l->paused_since;
    l->paused_since = paused ? now : -1;
}

/* Time of transmissions that goes beyond tick `end`, and payload that is not sent by then. */
static int64_t busy_after(const SeriesLink *l, int64_t end) {
    return l->free_at > end ? l->free_at - end : 0;
}
static uint64_t payload_after(const SeriesLink *l, int64_t end) {
    return l->free_at > end ? l->last_payload_b : 0;
}

static void report_group(const Series *s, uint32_t g, int64_t end) {
    const uint32_t *link = s->spec->link + s->spec->start[g];
    double ticks = (double)(end - s->start), sent = 0, capacity = 0, area = 0, paused = 0;
    SeriesRow r = {.start_ns = s->first_ns + (double)s->start / s->ticks_per_ns,
                   .end_ns = s->first_ns + (double)end / s->ticks_per_ns,
                   .group = g,
                   .n_links = s->spec->start[g + 1] - s->spec->start[g]};
    for (uint32_t i = 0; i < r.n_links; i++) {
        const SeriesLink *l = &s->links[link[i]];
        sent += (double)(l->busy - busy_after(l, end)) * s->rate_bps[link[i]];
        capacity += ticks * s->rate_bps[link[i]];
        area += l->queue_area;
        paused += (double)l->paused;
        r.payload_b += l->payload_b - payload_after(l, end);
        r.n_marked += l->n_marked;
        r.n_dropped += l->n_dropped + s->n_lost[link[i]];
        if (l->queue_max_b > r.queue_max_b) r.queue_max_b = l->queue_max_b;
    }
    r.utilisation = sent / capacity;
    r.goodput_bps = 8 * (double)r.payload_b * (1e9 * s->ticks_per_ns / ticks);
    r.queue_mean_b = area / (ticks * r.n_links);
    r.paused_share = paused / (ticks * r.n_links);
    s->spec->row(s->spec->ctx, &r);
}

/* Ends the current interval at tick `end` and begins the next one there. */
static void end_interval(Series *s, int64_t end) {
    for (uint32_t i = 0; i < s->n_links; i++) {
        series_add_area(&s->links[i], end);
        series_pause(s, i, s->links[i].paused_since >= 0, end);
    }
    for (uint32_t g = 0; g < s->spec->n_groups; g++) report_group(s, g, end);
    for (uint32_t i = 0; i < s->n_links; i++) {
        const SeriesLink *l = &s->links[i];
        s->links[i] = (SeriesLink){.queue_since = end,
                                   .queue_b = l->queue_b,
                                   .queue_max_b = l->queue_b,
                                   .busy = busy_after(l, end),
                                   .free_at = l->free_at,
                                   .payload_b = payload_after(l, end),
                                   .last_payload_b = l->last_payload_b,
                                   .paused_since = l->paused_since};
        s->n_lost[i] = 0;
    }
    s->start = end;
    s->end = end + s->interval;
}

int series_advance(Series *s, int64_t now) {
    while (now > s->end) {
        if (diag_stop_requested()) return -1;
        end_interval(s, s->end);
    }
    return 0;
}

int series_finish(Series *s, int64_t end) {
    if (series_advance(s, end) != 0) return -1;
    if (end > s->start) end_interval(s, end);
    return 0;
}
