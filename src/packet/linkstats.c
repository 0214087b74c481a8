/* linkstats: what each link did over a whole run.
 *
 * Every link has a record, to which the simulation adds as it goes: sums, and a histogram of how
 * long its data queue had which length. Bins are one byte wide up to LINKSTATS_EXACT_B and then
 * grow with the length, LINKSTATS_STEPS of them to a doubling (as in HdrHistogram), so that a
 * quantile, the largest length of the bin that it falls in, is at most one part in LINKSTATS_STEPS
 * above the exact one. A record has bins up to the longest queue that its link has had: one that
 * never has a queue takes 64 numbers.
 *
 * Invariant: the times of all bins add up to queue_since; queue_area and `paused` cover the run up
 * to queue_since and paused_since; of the transmissions begun only the last may go beyond the
 * present. A record is written by whoever simulates the sending end alone, n_lost by whoever
 * simulates the receiving end, so that parallel partitions need no order.
 *
 * Left out: as in packet/series, flows that wait at their hosts, and pause frames and prioritised
 * ACKs in queues. */
#include "packet/linkstats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "packet/linkstats_private.h"

const double linkstats_levels[LINKSTATS_N_QUANTILES] = {0.5, 0.9, 0.99};

LinkRecords *linkstats_new(uint32_t n_links) {
    LinkRecords *r = MEM_NEW(LinkRecords, 1);
    *r = (LinkRecords){
        .links = MEM_NEW(LinkRecord, n_links), .n_lost = MEM_ZNEW(uint64_t, n_links), .n = n_links};
    for (uint32_t l = 0; l < n_links; l++) {
        r->links[l] = (LinkRecord){.paused_since = -1};
        linkstats_grow(&r->links[l]);
    }
    return r;
}

void linkstats_free(LinkRecords *r) {
    if (!r) return;
    for (uint32_t l = 0; l < r->n; l++) free(r->links[l].time);
    free(r->links);
    free(r->n_lost);
    free(r);
}

/* Makes room for the present bin, up to the next doubling. */
void linkstats_grow(LinkRecord *l) {
    uint32_t n = (l->bin / LINKSTATS_STEPS + 2) * LINKSTATS_STEPS;
    l->time = mem_realloc(l->time, n, sizeof *l->time);
    memset(l->time + l->n_bins, 0, (n - l->n_bins) * sizeof *l->time);
    l->n_bins = n;
}

void linkstats_pause(LinkRecords *r, uint32_t link, bool paused, int64_t now) {
    LinkRecord *l = &r->links[link];
    if (l->paused_since >= 0) l->paused += now - l->paused_since;
    l->paused_since = paused ? now : -1;
}

/* The least length that the queue did not exceed for at least that share of the time. */
static double queue_quantile(const LinkRecord *l, double level, int64_t end) {
    double need = level * (double)end, sum = 0;
    for (uint32_t b = 0; b < l->n_bins; b++) {
        sum += (double)l->time[b];
        if (sum >= need) return fmin((double)linkstats_bin_top(b), (double)l->queue_max_b);
    }
    return (double)l->queue_max_b;
}

static LinkStats stats_of(const LinkRecord *l, double ticks_per_ns, int64_t end) {
    bool cut = l->free_at > end;
    double ticks = (double)end;
    LinkStats s = {.queue_max_b = l->queue_max_b,
                   .payload_b = l->payload_b - (cut ? l->last_payload_b : 0),
                   .n_sent = l->n_sent,
                   .n_marked = l->n_marked,
                   .n_dropped = l->n_dropped};
    if (end == 0) return s;
    s.utilisation = (double)(l->busy - (cut ? l->free_at - end : 0)) / ticks;
    s.goodput_bps = 8e9 * (double)s.payload_b * ticks_per_ns / ticks;
    s.paused_share = (double)l->paused / ticks;
    s.queue_mean_b = l->queue_area / ticks;
    for (int k = 0; k < LINKSTATS_N_QUANTILES; k++)
        s.queue_q_b[k] = queue_quantile(l, linkstats_levels[k], end);
    return s;
}

void linkstats_finish(LinkRecords *r, const Topo *t, double ticks_per_ns, int64_t end,
                      LinkStats *out) {
    for (uint32_t l = 0; l < t->n_links; l++) {
        linkstats_add_time(&r->links[l], end);
        linkstats_pause(r, l, false, end);
        out[l] = stats_of(&r->links[l], ticks_per_ns, end);
        out[l].n_lost = r->n_lost[l];
    }
}

double linkstats_loss(uint64_t n_sent, uint64_t n_dropped, uint64_t n_lost) {
    double all = (double)n_sent + (double)n_dropped; /* what was lost was sent */
    return all > 0 ? ((double)n_dropped + (double)n_lost) / all : 0;
}
