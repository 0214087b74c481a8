/* linksim: the link-level simulation of Parsimon (Zhao et al., NSDI 2023), by its published
 * behaviour.
 *
 *   source s ──(its rate, to_link_ns)──► queue ──(server)──► link ──(from_head_ns)──► destination
 *
 * A packet is three events: its source has sent it and looks for the next one, it reaches the
 * queue, its acknowledgement is back. The server needs none: a FIFO queue serves a packet from
 * max(its arrival, the end of the one before). Whether a packet is marked depends on what has
 * arrived when its service begins, which is known by the time that anything later happens: packets
 * that wait are kept in a ring until then. Nobody hears of the acknowledgements of a flow that has
 * sent all its bytes, so there are none; a flow within one window is sent without waiting for
 * anything. A host's own link needs less yet: its queue is the host itself.
 *
 * Most packets are sent while no other flow has any left. Such a flow soon repeats itself, window
 * by window: if at the end of one batch of acknowledgements all is as it was at the end of the one
 * before, but later and further on in the flow, then so is what follows, up to the next start or
 * the end of the flow. All windows until then are taken in one step (`repeat`), exactly.
 *
 * A source scans its flows from the one after the last served, and sends of the first that is
 * neither paced nor stopped by its window. When a flow leaves the list, the scan goes on one
 * further than its place: it skips one [quirk of the published program]. Left out, as there: loss,
 * retransmission, PFC, the sizes of acknowledgements (they reduce the rates beforehand). */
#include "packet/linksim.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/wire.h"
#include "packet/lagq.h"

#define NEVER INT64_MAX
#define MIN_RATE_BPS 1e9
#define STEP_BPS 615e6 /* additive increase */
#define GAIN (1.0 / 16)

/* A rate, and the time that it takes for a full packet. */
typedef struct {
    double ns_per_byte;
    int64_t full_ns;
} Pace;

typedef struct {
    uint64_t size_b, sent_b, acked_b;
    uint64_t batch_end_b, cut_end_b;
    double rate_bps, alpha;
    Pace pace;
    uint64_t window_b;  /* at this rate */
    int64_t allowed_ns; /* when its pace lets it send again */
    int64_t back_ns;    /* from the link's head to the destination and back to the source */
    uint32_t n_marked, n_batch;
    uint32_t source, to_link_ns;
    uint8_t to_lane, back_lane; /* of its packets and of its acknowledgements */
    bool in_cwr;
} SourceFlow;

typedef struct {
    double max_bps;
    Pace pace;
    int64_t free_ns;  /* when the last packet is sent */
    int64_t alarm_ns; /* when it will look again; NEVER: only if something happens */
    uint32_t *list;   /* [n] flows that have bytes left, in order of start */
    size_t n, cap, next;
} Source;

/* What an event is: a source looks, a packet is sent and its source looks or has nothing left, a
 * packet reaches the queue, an acknowledgement is back. */
typedef enum { LOOK, SENT_LOOK, SENT, AT_QUEUE, BACK } EventKind;
enum { LAST = 8 }; /* beside the kind: its flow has no packet after it */

/* A packet whose mark is not known yet. */
typedef struct {
    int64_t served_ns;  /* when its service begins */
    uint64_t arrived_b; /* bytes that have arrived, with it */
    uint32_t event;     /* that brings its acknowledgement back */
} Waiting;

/* The state at the end of a batch of a flow that is alone, all times from then on. */
typedef struct {
    int64_t *x; /* [n] */
    size_t n, cap;
    uint32_t flow; /* EVQ_NONE: none yet, or something has happened since */
    int64_t at_ns;
    uint64_t sent_b, n_packets;
} Snapshot;

struct LinkSim {
    const LinkSimConf *conf;
    const LinkSimFlow *in;
    size_t n;
    Lagq q;
    int64_t start_ns; /* of the next flow; NEVER: none */
    uint64_t start_seq;
    SourceFlow *flows;
    size_t cap_flows;
    Source *sources;
    size_t cap_sources;
    size_t n_active; /* flows that have bytes left */
    Waiting *ring;   /* [mask + 1] */
    size_t mask, first, end;
    uint64_t arrived_b, n_packets;
    int64_t idle_ns; /* when the server has served all */
    Pace server;
    bool direct;    /* one source, right before a server that is faster: no packet ever waits there,
                       so none is marked, and it arrives as it is sent */
    bool unbounded; /* direct, and no window ever closes: nobody waits for acknowledgements */
    Snapshot last;
    float *delay_ns;
};

LinkSim *linksim_new(void) {
    LinkSim *s = MEM_ZNEW(LinkSim, 1);
    s->mask = 1023;
    s->ring = MEM_NEW(Waiting, s->mask + 1);
    return s;
}

void linksim_destroy(LinkSim *s) {
    if (!s) return;
    for (size_t i = 0; i < s->cap_sources; i++) free(s->sources[i].list);
    free(s->sources);
    free(s->flows);
    free(s->ring);
    free(s->last.x);
    lagq_free(&s->q);
    free(s);
}

/* Nanoseconds of so many bytes, rounded; both are far below 2^52. */
static inline int64_t span_ns(double bytes, double ns_per_byte) {
    return (int64_t)(bytes * ns_per_byte + 0.5);
}

static Pace pace_of(double rate_bps) {
    Pace p = {.ns_per_byte = 8e9 / rate_bps};
    p.full_ns = span_ns(WIRE_FULL_B, p.ns_per_byte);
    return p;
}

/* The time of a packet with its headers. */
static inline int64_t packet_ns(const Pace *p, uint64_t payload_b) {
    if (payload_b == WIRE_PAYLOAD_B) return p->full_ns;
    return span_ns((double)(payload_b + WIRE_HEADER_B), p->ns_per_byte);
}

/* ---- the source ---- */

static void set_alarm(LinkSim *s, uint32_t source, int64_t at_ns) {
    uint32_t id = lagq_new(&s->q);
    s->q.events[id] = (LagEvent){.seq = s->q.seq++, .item = source, .kind = LOOK};
    s->sources[source].alarm_ns = at_ns;
    lagq_push(&s->q, LAGQ_ANY, id, at_ns);
}

static inline uint64_t usable_b(const SourceFlow *f) {
    uint64_t in_flight = f->sent_b - f->acked_b, left = f->size_b - f->sent_b;
    uint64_t open = f->window_b > in_flight ? f->window_b - in_flight : 0;
    uint64_t most = left < WIRE_PAYLOAD_B ? left : WIRE_PAYLOAD_B;
    return open < most ? open : most;
}

static void set_rate(const LinkSim *s, const Source *src, SourceFlow *f, double rate_bps) {
    f->rate_bps = rate_bps;
    f->pace = pace_of(rate_bps);
    f->window_b =
        s->unbounded ? UINT64_MAX : (uint64_t)(s->conf->window_b * rate_bps / src->max_bps + 0.5);
}

static void arrive(LinkSim *s, uint32_t id, bool last, int64_t now);

/* The flow at place i leaves the source's list. */
static void leave_list(LinkSim *s, Source *src, size_t i) {
    src->n--;
    s->n_active--;
    for (size_t k = i; k < src->n; k++) src->list[k] = src->list[k + 1];
}

/* Sends a packet of the flow at place i of the source's list; the source looks again when it is
 * sent, if any flow has bytes left. */
static void send(LinkSim *s, uint32_t source, size_t i, uint64_t payload_b, int64_t now) {
    Source *src = &s->sources[source];
    uint32_t flow = src->list[i], id = lagq_new(&s->q);
    SourceFlow *f = &s->flows[flow];
    src->free_ns = now + packet_ns(&src->pace, payload_b);
    f->allowed_ns = now + packet_ns(&f->pace, payload_b);
    f->sent_b += payload_b;
    LagEvent *e = &s->q.events[id];
    e->item = flow;
    e->payload_b = (uint16_t)payload_b;
    bool last = f->sent_b == f->size_b;
    e->marked = false;
    src->next = i + 1;
    if (last) leave_list(s, src, i);
    if (src->n == 0) src->next = 0;
    while (src->next > 0 && src->next >= src->n) src->next -= src->n;
    s->n_packets++;
    if (s->direct) {
        arrive(s, id, last, src->free_ns);
        if (src->n > 0) set_alarm(s, source, src->free_ns);
        return;
    }
    e->seq = s->q.seq++;
    e->kind = (uint8_t)((src->n > 0 ? SENT_LOOK : SENT) | (last ? LAST : 0));
    if (src->n > 0) src->alarm_ns = src->free_ns;
    lagq_push(&s->q, LAGQ_ANY, id, src->free_ns);
}

/* Takes full packets of a flow that is alone and waits for nothing, as long as there are others
 * after them and no flow starts; returns when the last one is sent. */
static int64_t send_row(LinkSim *s, const Source *src, SourceFlow *f, int64_t now) {
    int64_t full_ns = src->pace.full_ns;
    int64_t n = (int64_t)((f->size_b - f->sent_b - 1) / WIRE_PAYLOAD_B), most;
    most = s->start_ns > now ? (s->start_ns - 1 - now) / (full_ns + 1) : 0;
    if (n > most) n = most;
    if (n == 0) return now;
    now += n * full_ns;
    f->sent_b += (uint64_t)n * WIRE_PAYLOAD_B;
    s->n_packets += (uint64_t)n;
    s->idle_ns = now + s->server.full_ns;
    return now;
}

/* The source looks for something to send; sets when it will look again. */
static void look(LinkSim *s, uint32_t source, int64_t now) {
    Source *src = &s->sources[source];
    int64_t earliest = NEVER;
    size_t i = src->next;
    src->alarm_ns = NEVER;
    for (size_t k = 0; k < src->n; k++, i = i + 1 < src->n ? i + 1 : 0) {
        SourceFlow *f = &s->flows[src->list[i]];
        uint64_t payload_b = usable_b(f);
        if (payload_b == 0) continue;
        if (f->allowed_ns > now) {
            if (f->allowed_ns < earliest) earliest = f->allowed_ns;
            continue;
        }
        if (s->unbounded && src->n == 1) {
            now = send_row(s, src, f, now);
            payload_b = usable_b(f);
        }
        send(s, source, i, payload_b, now);
        return;
    }
    if (earliest != NEVER) set_alarm(s, source, earliest);
}

/* A flow may send at t: the source looks by then. */
static void look_by(LinkSim *s, uint32_t source, int64_t t, int64_t now) {
    Source *src = &s->sources[source];
    if (t < src->free_ns) t = src->free_ns;
    if (t <= now) look(s, source, now);
    else if (t < src->alarm_ns) set_alarm(s, source, t);
}

static void await_start(LinkSim *s, size_t flow) {
    s->start_ns = flow < s->n ? s->in[flow].start_ns : NEVER;
    s->start_seq = s->q.seq++;
}

static void begin(LinkSim *s, uint32_t flow, int64_t now) {
    const LinkSimFlow *in = &s->in[flow];
    Source *src = &s->sources[in->source];
    SourceFlow *f = &s->flows[flow];
    int64_t back_ns = 2 * (int64_t)in->from_head_ns + in->to_link_ns;
    *f = (SourceFlow){.size_b = in->size_b,
                      .alpha = 1,
                      .back_ns = back_ns,
                      .source = in->source,
                      .to_link_ns = in->to_link_ns,
                      .to_lane = (uint8_t)lagq_lane(&s->q, 2 * (uint64_t)in->to_link_ns),
                      .back_lane = (uint8_t)lagq_lane(&s->q, 2 * (uint64_t)back_ns + 1)};
    set_rate(s, src, f, src->max_bps);
    if (f->window_b == 0) f->window_b = 1;
    MEM_GROW(src->list, src->cap, src->n + 1);
    src->list[src->n++] = flow;
    s->n_active++;
    s->last.flow = EVQ_NONE;
    look_by(s, in->source, now, now);
}

/* ---- the queue ---- */

/* Marks the packets whose service has begun by `now`. */
static inline void mark_until(LinkSim *s, int64_t now) {
    while (s->first < s->end) {
        const Waiting *w = &s->ring[s->first & s->mask];
        if (w->served_ns > now) return;
        s->q.events[w->event].marked = (double)(s->arrived_b - w->arrived_b) > s->conf->k_b;
        s->first++;
    }
}

static void wait_for_mark(LinkSim *s, Waiting w) {
    if (s->end - s->first > s->mask) {
        Waiting *ring = MEM_NEW(Waiting, 2 * (s->mask + 1));
        for (size_t i = s->first; i < s->end; i++)
            ring[i & (2 * s->mask + 1)] = s->ring[i & s->mask];
        free(s->ring);
        s->ring = ring;
        s->mask = 2 * s->mask + 1;
    }
    s->ring[s->end++ & s->mask] = w;
}

/* The time that a flow takes alone. */
static int64_t alone_ns(const LinkSim *s, const LinkSimFlow *in) {
    const Source *src = &s->sources[in->source];
    double first_b = (double)(in->size_b < WIRE_PAYLOAD_B ? in->size_b : WIRE_PAYLOAD_B),
           slow = fmax(src->pace.ns_per_byte, s->server.ns_per_byte);
    uint64_t rest_b = in->size_b - (uint64_t)first_b, full = rest_b / WIRE_PAYLOAD_B,
             end_b = rest_b % WIRE_PAYLOAD_B;
    int64_t ns = span_ns(first_b + WIRE_HEADER_B, src->pace.ns_per_byte) +
                 span_ns(first_b + WIRE_HEADER_B, s->server.ns_per_byte) +
                 (int64_t)full * span_ns(WIRE_FULL_B, slow);
    if (end_b > 0) ns += span_ns((double)(end_b + WIRE_HEADER_B), slow);
    return ns + in->to_link_ns + in->from_head_ns;
}

static void finish(LinkSim *s, uint32_t flow, int64_t served_ns) {
    const LinkSimFlow *in = &s->in[flow];
    int64_t fct_ns = served_ns + in->from_head_ns - in->start_ns,
            over_ns = fct_ns - alone_ns(s, in);
    s->delay_ns[flow] =
        over_ns > 0 ? (float)((double)over_ns / (double)wire_packets(in->size_b)) : 0;
}

static void arrive(LinkSim *s, uint32_t id, bool last, int64_t now) {
    LagEvent *e = &s->q.events[id];
    const SourceFlow *f = &s->flows[e->item];
    if (!s->direct) mark_until(s, now);
    int64_t served_ns = s->idle_ns > now ? s->idle_ns : now;
    s->idle_ns = served_ns + packet_ns(&s->server, e->payload_b);
    s->arrived_b += e->payload_b + WIRE_HEADER_B;
    if (last) finish(s, e->item, s->idle_ns);
    /* Is there anyone to hear of it? */
    if (f->sent_b == f->size_b || s->unbounded) {
        lagq_release(&s->q, id);
        return;
    }
    if (served_ns > now && !s->direct) wait_for_mark(s, (Waiting){served_ns, s->arrived_b, id});
    e->kind = BACK;
    e->seq = s->q.seq++;
    lagq_push(&s->q, f->back_lane, id, s->idle_ns + f->back_ns);
}

/* A packet is sent: it is on its way to the queue. */
static void depart(LinkSim *s, uint32_t id, int64_t now) {
    LagEvent *e = &s->q.events[id];
    const SourceFlow *f = &s->flows[e->item];
    bool last = e->kind & LAST;
    e->kind = (uint8_t)(AT_QUEUE | (e->kind & LAST));
    if (f->to_link_ns == 0) arrive(s, id, last, now);
    else lagq_push(&s->q, f->to_lane, id, now + f->to_link_ns);
}

/* ---- acknowledgements: DCTCP ---- */

static bool end_of_batch(SourceFlow *f) {
    if (f->acked_b <= f->batch_end_b) return false;
    if (f->batch_end_b == 0) {
        f->n_batch = (uint32_t)(f->sent_b / WIRE_PAYLOAD_B + 1);
    } else {
        uint64_t in_flight = f->sent_b - f->acked_b;
        double share =
            f->n_marked >= f->n_batch ? (f->n_marked > 0) : (double)f->n_marked / f->n_batch;
        f->alpha = (1 - GAIN) * f->alpha + GAIN * share;
        f->n_marked = 0;
        f->n_batch = in_flight > 0 ? (uint32_t)(in_flight / WIRE_PAYLOAD_B + 1) : 0;
    }
    f->batch_end_b = f->sent_b;
    return true;
}

/* ---- windows that repeat ---- */

static void note(Snapshot *l, int64_t x, bool *same) {
    MEM_GROW(l->x, l->cap, l->n + 1);
    *same &= l->x[l->n] == x;
    l->x[l->n++] = x;
}

static void note_event(LinkSim *s, uint32_t id, int64_t now, bool *same) {
    const LagEvent *e = &s->q.events[id];
    note(&s->last, e->time - now, same);
    note(&s->last, (int64_t)(s->q.seq - e->seq), same);
    note(&s->last, e->item, same);
    note(&s->last, e->kind << 16 | e->payload_b | e->marked << 24, same);
}

/* Takes a snapshot; returns whether all is as in the one before. */
static bool snapshot(LinkSim *s, const SourceFlow *f, int64_t now) {
    Snapshot *l = &s->last;
    const Source *src = &s->sources[f->source];
    size_t n = l->n;
    bool same = true;
    l->n = 0;
    note(l, (int64_t)(f->sent_b - f->acked_b), &same);
    note(l, f->allowed_ns - now, &same);
    note(l, src->free_ns - now, &same);
    note(l, src->alarm_ns == NEVER ? NEVER : src->alarm_ns - now, &same);
    note(l, s->idle_ns - now, &same);
    note(l, (int64_t)f->window_b, &same);
    note(l, f->n_batch, &same);
    same &= s->q.far.n == 0;
    for (uint32_t i = LAGQ_ANY; i < s->q.n_lanes; i++) {
        if (s->q.time[i] == NEVER) continue;
        for (uint32_t id = s->q.head[i]; id != EVQ_NONE; id = s->q.events[id].next)
            note_event(s, id, now, &same);
    }
    for (size_t i = s->first; i < s->end; i++) {
        note(l, s->ring[i & s->mask].served_ns - now, &same);
        note(l, (int64_t)(s->arrived_b - s->ring[i & s->mask].arrived_b), &same);
    }
    return same && n == l->n;
}

/* Puts the flow ahead by n times what has happened since the last snapshot. */
static void skip(LinkSim *s, SourceFlow *f, uint64_t n, int64_t now) {
    const Snapshot *l = &s->last;
    Source *src = &s->sources[f->source];
    int64_t ns = (int64_t)n * (now - l->at_ns);
    uint64_t b = n * (f->sent_b - l->sent_b);
    f->sent_b += b;
    f->acked_b += b;
    f->batch_end_b += b;
    f->allowed_ns += ns;
    for (double before = 0; n > 0 && f->alpha != before; n--) {
        before = f->alpha;
        f->alpha = (1 - GAIN) * f->alpha;
    }
    src->free_ns += ns;
    if (src->alarm_ns != NEVER) src->alarm_ns += ns;
    s->idle_ns += ns;
    for (size_t i = s->first; i < s->end; i++) s->ring[i & s->mask].served_ns += ns;
    lagq_delay(&s->q, ns);
}

/* How often what has happened since the last snapshot fits in before the next start, with a full
 * packet left. */
static uint64_t most_repeats(const LinkSim *s, const SourceFlow *f, int64_t now) {
    const Snapshot *l = &s->last;
    uint64_t left_b = f->size_b - f->sent_b, by_bytes, by_time;
    if (left_b < WIRE_PAYLOAD_B || s->start_ns <= now) return 0;
    by_bytes = (left_b - WIRE_PAYLOAD_B) / (f->sent_b - l->sent_b);
    if (s->start_ns == NEVER || now == l->at_ns) return by_bytes;
    by_time = (uint64_t)((s->start_ns - 1 - now) / (now - l->at_ns));
    return by_bytes < by_time ? by_bytes : by_time;
}

/* At the end of a batch without marks of a flow that is alone: takes the batches that are like it
 * in one step, if it was like the one before. */
static void repeat(LinkSim *s, uint32_t flow, int64_t now) {
    SourceFlow *f = &s->flows[flow];
    Snapshot *l = &s->last;
    bool known = l->flow == flow, same = snapshot(s, f, now);
    uint64_t n = known && same ? most_repeats(s, f, now) : 0;
    if (n > 0) {
        s->n_packets += n * (s->n_packets - l->n_packets);
        skip(s, f, n, now);
        l->flow = EVQ_NONE;
        return;
    }
    l->flow = flow;
    l->at_ns = now;
    l->sent_b = f->sent_b;
    l->n_packets = s->n_packets;
}

/* The flow's rate after an acknowledgement; sees to the state of the window's reduction. */
static double next_rate_bps(SourceFlow *f, double max_bps, bool marked, bool new_batch) {
    double rate_bps = f->rate_bps;
    if (f->in_cwr && f->acked_b > f->cut_end_b) f->in_cwr = false;
    if (f->in_cwr) return rate_bps;
    if (marked) {
        double least_bps = MIN_RATE_BPS < max_bps ? MIN_RATE_BPS : max_bps;
        rate_bps *= 1 - f->alpha / 2;
        if (rate_bps < least_bps) rate_bps = least_bps;
        f->in_cwr = true;
        f->cut_end_b = f->sent_b;
    }
    if (new_batch) rate_bps = rate_bps + STEP_BPS < max_bps ? rate_bps + STEP_BPS : max_bps;
    return rate_bps;
}

static void acknowledge(LinkSim *s, uint32_t id, int64_t now) {
    const LagEvent *e = &s->q.events[id];
    uint32_t flow = e->item;
    SourceFlow *f = &s->flows[flow];
    const Source *src = &s->sources[f->source];
    bool marked = e->marked;
    f->acked_b += e->payload_b;
    lagq_release(&s->q, id);
    if (f->sent_b == f->size_b) return;
    f->n_marked += marked;
    bool unmarked = f->n_marked == 0, new_batch = end_of_batch(f);
    double rate_bps = next_rate_bps(f, src->max_bps, marked, new_batch);
    if (rate_bps != f->rate_bps) set_rate(s, src, f, rate_bps);
    if (usable_b(f) > 0) look_by(s, f->source, f->allowed_ns, now);
    if (!new_batch || s->n_active > 1 || f->sent_b == f->size_b) return;
    if (unmarked && !f->in_cwr && f->rate_bps == src->max_bps) repeat(s, flow, now);
    else s->last.flow = EVQ_NONE;
}

/* ---- all of it ---- */

static void prepare(LinkSim *s, const LinkSimConf *conf, const LinkSimFlow *flows, size_t n,
                    float *delay_ns) {
    int64_t longest_ns = 1, farthest_ns = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t round_ns = flows[i].to_link_ns + 2 * (int64_t)flows[i].from_head_ns;
        if (round_ns > longest_ns) longest_ns = round_ns;
        if (flows[i].to_link_ns > farthest_ns) farthest_ns = flows[i].to_link_ns;
    }
    s->direct =
        conf->n_sources == 1 && farthest_ns == 0 && conf->server_bps >= 2 * conf->source_bps[0];
    /* A packet's acknowledgement is back before its flow, sending on, has filled a window. */
    s->unbounded =
        s->direct && conf->window_b / WIRE_PAYLOAD_B >
                         (double)longest_ns * conf->source_bps[0] / 8e9 / WIRE_FULL_B + 3;
    s->conf = conf;
    s->in = flows;
    s->n = n;
    s->delay_ns = delay_ns;
    s->server = pace_of(conf->server_bps);
    MEM_GROW(s->flows, s->cap_flows, n);
    size_t had = s->cap_sources;
    MEM_GROW(s->sources, s->cap_sources, conf->n_sources);
    for (size_t i = had; i < s->cap_sources; i++) s->sources[i] = (Source){0};
    for (uint32_t i = 0; i < conf->n_sources; i++) {
        Source *src = &s->sources[i];
        src->max_bps = conf->source_bps[i];
        src->pace = pace_of(src->max_bps);
        src->free_ns = INT64_MIN;
        src->alarm_ns = NEVER;
        src->n = src->next = 0;
    }
    lagq_reset(&s->q);
    s->n_active = s->first = s->end = 0;
    s->arrived_b = s->n_packets = 0;
    s->idle_ns = INT64_MIN;
    s->last.flow = EVQ_NONE;
}

static void handle(LinkSim *s, uint32_t id, int64_t now) {
    const LagEvent *e = &s->q.events[id];
    uint32_t source;
    bool last = e->kind & LAST;
    switch ((EventKind)(e->kind & ~LAST)) {
    case LOOK:
        source = e->item;
        lagq_release(&s->q, id);
        if (s->sources[source].alarm_ns == now) look(s, source, now);
        break;
    case SENT_LOOK:
        source = s->flows[e->item].source;
        depart(s, id, now);
        if (s->sources[source].alarm_ns == now) look(s, source, now);
        break;
    case SENT: depart(s, id, now); break;
    case AT_QUEUE: arrive(s, id, last, now); break;
    case BACK:
        if (!s->direct) mark_until(s, now);
        acknowledge(s, id, now);
        break;
    }
}

uint64_t linksim_run(LinkSim *s, const LinkSimConf *conf, const LinkSimFlow *flows, size_t n,
                     float *delay_ns) {
    prepare(s, conf, flows, n, delay_ns);
    await_start(s, 0);
    for (size_t next = 0;;) {
        uint32_t lane = lagq_first(&s->q);
        int64_t now = s->q.time[lane];
        if (now == NEVER && next == n) return s->n_packets;
        if (s->start_ns < now ||
            (s->start_ns == now && s->start_seq < s->q.events[s->q.head[lane]].seq)) {
            begin(s, (uint32_t)next, s->start_ns);
            await_start(s, ++next);
            continue;
        }
        handle(s, lagq_pop(&s->q, lane), now);
    }
}
