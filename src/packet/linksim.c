/* linksim: the link-level simulation of Parsimon (Zhao et al., NSDI 2023), by its published
 * behaviour.
 *
 *   source s ──(its rate, to_link_ns)──► queue ──(server)──► link ──(from_head_ns)──► destination
 *
 * A packet is three events: its source sends it, it reaches the queue, its acknowledgement is back.
 * The server needs none: a FIFO queue serves a packet from max(its arrival, the end of the one
 * before). Whether a packet is marked depends on what has arrived when its service begins, which is
 * known by the time that anything later happens: arrivals are kept in a ring until then. Nobody
 * hears of the acknowledgements of a flow that has sent all its bytes, so there are none; a flow
 * within one window is sent without waiting for anything. A host's own link needs less yet: its
 * queue is the host itself.
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
#include "packet/evq.h"

#define NEVER INT64_MAX
#define MIN_RATE_BPS 1e9
#define STEP_BPS 615e6 /* additive increase */
#define GAIN (1.0 / 16)

typedef struct {
    uint64_t size_b, sent_b, acked_b;
    uint64_t batch_end_b, cut_end_b;
    double rate_bps, ns_per_byte, alpha;
    uint64_t window_b;  /* at this rate */
    int64_t allowed_ns; /* when its pace lets it send again */
    uint32_t n_marked, n_batch;
    bool in_cwr;
} SourceFlow;

typedef struct {
    double max_bps, ns_per_byte;
    int64_t free_ns;  /* when the last packet is sent */
    int64_t alarm_ns; /* when it will look again; NEVER: only if something happens */
    uint32_t *list;   /* [n] flows that have bytes left, in order of start */
    size_t n, cap, next;
} Source;

typedef enum { START, AT_SOURCE, AT_QUEUE, BACK } EventKind;

typedef struct {
    EvNode ev; /* its time is that of popping it, also from the heap */
    uint32_t flow, source;
    uint32_t payload_b;
    uint8_t kind;
    bool marked, last;
} Event;
_Static_assert(sizeof(Event) <= EVQ_STRIDE, "an event is one node of the queue");

/* A packet whose mark is not known yet. */
typedef struct {
    int64_t served_ns;  /* when its service begins */
    uint64_t arrived_b; /* bytes that have arrived, with it */
    uint32_t event;     /* that brings its acknowledgement back; EVQ_NONE: none */
} Waiting;

struct LinkSim {
    const LinkSimConf *conf;
    const LinkSimFlow *in;
    Evq q;
    unsigned char *events;
    size_t n_events, cap_events;
    uint32_t *unused; /* events */
    size_t n_unused, cap_unused;
    uint64_t seq;
    SourceFlow *flows;
    size_t cap_flows;
    Source *sources;
    size_t cap_sources;
    Waiting *ring; /* [mask + 1] */
    size_t mask, first, end;
    uint64_t arrived_b, n_packets;
    int64_t idle_ns; /* when the server has served all */
    double server_ns_per_byte;
    bool direct;    /* one source, right before a server that is faster: no packet ever waits there,
                       so none is marked, and it arrives as it is sent */
    bool unbounded; /* direct, and no window ever closes: nobody waits for acknowledgements */
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
    free(s->events);
    free(s->unused);
    free(s->ring);
    free(s);
}

/* Nanoseconds of so many bytes, rounded; both are far below 2^52. */
static inline int64_t span_ns(double bytes, double ns_per_byte) {
    return (int64_t)(bytes * ns_per_byte + 0.5);
}

static inline Event *event_at(const LinkSim *s, uint32_t id) {
    return (Event *)(void *)(s->events + (size_t)id * EVQ_STRIDE);
}

static uint32_t event_new(LinkSim *s) {
    if (s->n_unused > 0) return s->unused[--s->n_unused];
    if (s->n_events == s->cap_events) {
        size_t cap = s->cap_events ? 2 * s->cap_events : 256;
        s->events = mem_realloc(s->events, cap, EVQ_STRIDE);
        s->cap_events = cap;
        s->q.nodes = s->events;
    }
    return (uint32_t)s->n_events++;
}

static void event_free(LinkSim *s, uint32_t id) {
    MEM_GROW(s->unused, s->cap_unused, s->n_unused + 1);
    s->unused[s->n_unused++] = id;
}

static void set_alarm(LinkSim *s, uint32_t source, int64_t at_ns) {
    uint32_t id = event_new(s);
    Event *e = event_at(s, id);
    e->kind = AT_SOURCE;
    e->source = source;
    s->sources[source].alarm_ns = at_ns;
    evq_push(&s->q, id, at_ns, s->seq++);
}

/* ---- the source ---- */

static uint64_t usable_b(const SourceFlow *f) {
    uint64_t in_flight = f->sent_b - f->acked_b, left = f->size_b - f->sent_b;
    uint64_t open = f->window_b > in_flight ? f->window_b - in_flight : 0;
    uint64_t most = left < WIRE_PAYLOAD_B ? left : WIRE_PAYLOAD_B;
    return open < most ? open : most;
}

static void set_rate(const LinkSim *s, const Source *src, SourceFlow *f, double rate_bps) {
    f->rate_bps = rate_bps;
    f->ns_per_byte = 8e9 / rate_bps;
    f->window_b =
        s->unbounded ? UINT64_MAX : (uint64_t)(s->conf->window_b * rate_bps / src->max_bps + 0.5);
}

static void arrive(LinkSim *s, uint32_t id, int64_t now);

/* Sends a packet of the flow at place i of the source's list. */
static void send(LinkSim *s, uint32_t source, size_t i, uint64_t payload_b, int64_t now) {
    Source *src = &s->sources[source];
    uint32_t flow = src->list[i], id = event_new(s);
    SourceFlow *f = &s->flows[flow];
    double wire_b = (double)(payload_b + WIRE_HEADER_B);
    src->free_ns = now + span_ns(wire_b, src->ns_per_byte);
    f->allowed_ns = now + span_ns(wire_b, f->ns_per_byte);
    f->sent_b += payload_b;
    Event *e = event_at(s, id);
    e->kind = AT_QUEUE;
    e->flow = flow;
    e->source = source;
    e->payload_b = (uint32_t)payload_b;
    e->last = f->sent_b == f->size_b;
    e->marked = false;
    src->next = i + 1;
    if (e->last) {
        src->n--;
        for (size_t k = i; k < src->n; k++) src->list[k] = src->list[k + 1];
    }
    if (src->next >= src->n) src->next = src->n > 0 ? src->next % src->n : 0;
    s->n_packets++;
    if (s->direct) arrive(s, id, src->free_ns);
    else evq_push(&s->q, id, src->free_ns + s->in[flow].to_link_ns, s->seq++);
}

/* The source looks for something to send; sets when it will look again. */
static void look(LinkSim *s, uint32_t source, int64_t now) {
    Source *src = &s->sources[source];
    int64_t earliest = NEVER;
    size_t i = src->next;
    src->alarm_ns = NEVER;
    for (size_t k = 0; k < src->n; k++, i = i + 1 < src->n ? i + 1 : 0) {
        const SourceFlow *f = &s->flows[src->list[i]];
        uint64_t payload_b = usable_b(f);
        if (payload_b == 0) continue;
        if (f->allowed_ns > now) {
            if (f->allowed_ns < earliest) earliest = f->allowed_ns;
            continue;
        }
        send(s, source, i, payload_b, now);
        if (src->n > 0) set_alarm(s, source, src->free_ns);
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

static void begin(LinkSim *s, uint32_t flow, int64_t now) {
    uint32_t source = s->in[flow].source;
    Source *src = &s->sources[source];
    SourceFlow *f = &s->flows[flow];
    *f = (SourceFlow){.size_b = s->in[flow].size_b, .alpha = 1};
    set_rate(s, src, f, src->max_bps);
    if (f->window_b == 0) f->window_b = 1;
    MEM_GROW(src->list, src->cap, src->n + 1);
    src->list[src->n++] = flow;
    look_by(s, source, now, now);
}

/* ---- the queue ---- */

/* Marks the packets whose service has begun by `now`. */
static void mark_until(LinkSim *s, int64_t now) {
    while (s->first < s->end) {
        const Waiting *w = &s->ring[s->first & s->mask];
        if (w->served_ns > now) return;
        if (w->event != EVQ_NONE)
            event_at(s, w->event)->marked = (double)(s->arrived_b - w->arrived_b) > s->conf->k_b;
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
           slow = fmax(src->ns_per_byte, s->server_ns_per_byte);
    uint64_t rest_b = in->size_b - (uint64_t)first_b, full = rest_b / WIRE_PAYLOAD_B,
             end_b = rest_b % WIRE_PAYLOAD_B;
    int64_t ns = span_ns(first_b + WIRE_HEADER_B, src->ns_per_byte) +
                 span_ns(first_b + WIRE_HEADER_B, s->server_ns_per_byte) +
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

static void arrive(LinkSim *s, uint32_t id, int64_t now) {
    Event *e = event_at(s, id);
    uint32_t wire_b = e->payload_b + WIRE_HEADER_B, flow = e->flow;
    if (!s->direct) mark_until(s, now);
    int64_t served_ns = s->idle_ns > now ? s->idle_ns : now;
    s->idle_ns = served_ns + span_ns(wire_b, s->server_ns_per_byte);
    s->arrived_b += wire_b;
    /* Is there anyone to hear of it? */
    bool heard = s->flows[flow].sent_b < s->flows[flow].size_b && !s->unbounded;
    if (!s->direct) wait_for_mark(s, (Waiting){served_ns, s->arrived_b, heard ? id : EVQ_NONE});
    if (e->last) finish(s, flow, s->idle_ns);
    if (!heard) {
        event_free(s, id);
        return;
    }
    const LinkSimFlow *in = &s->in[flow];
    e->kind = BACK;
    evq_push(&s->q, id, s->idle_ns + 2 * (int64_t)in->from_head_ns + in->to_link_ns, s->seq++);
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

static void acknowledge(LinkSim *s, uint32_t id, int64_t now) {
    const Event *e = event_at(s, id);
    uint32_t source = e->source;
    const Source *src = &s->sources[source];
    SourceFlow *f = &s->flows[e->flow];
    bool marked = e->marked;
    f->acked_b += e->payload_b;
    event_free(s, id);
    if (f->sent_b == f->size_b) return;
    f->n_marked += marked;
    bool new_batch = end_of_batch(f);
    if (f->in_cwr && f->acked_b > f->cut_end_b) f->in_cwr = false;
    if (!f->in_cwr && (marked || new_batch)) {
        double rate_bps = f->rate_bps;
        if (marked) {
            rate_bps = fmax(rate_bps * (1 - f->alpha / 2), fmin(MIN_RATE_BPS, src->max_bps));
            f->in_cwr = true;
            f->cut_end_b = f->sent_b;
        }
        if (new_batch) rate_bps = fmin(rate_bps + STEP_BPS, src->max_bps);
        if (rate_bps != f->rate_bps) set_rate(s, src, f, rate_bps);
    }
    if (usable_b(f) > 0) look_by(s, source, f->allowed_ns, now);
}

/* ---- all of it ---- */

static void prepare(LinkSim *s, const LinkSimConf *conf, const LinkSimFlow *flows, size_t n,
                    float *delay_ns) {
    int64_t horizon_ns = 1, farthest_ns = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t round_ns = flows[i].to_link_ns + 2 * (int64_t)flows[i].from_head_ns;
        if (round_ns > horizon_ns) horizon_ns = round_ns;
        if (flows[i].to_link_ns > farthest_ns) farthest_ns = flows[i].to_link_ns;
    }
    s->direct =
        conf->n_sources == 1 && farthest_ns == 0 && conf->server_bps >= 2 * conf->source_bps[0];
    /* A packet's acknowledgement is back before its flow, sending on, has filled a window. */
    s->unbounded =
        s->direct && conf->window_b / WIRE_PAYLOAD_B >
                         (double)horizon_ns * conf->source_bps[0] / 8e9 / WIRE_FULL_B + 3;
    s->conf = conf;
    s->in = flows;
    s->delay_ns = delay_ns;
    s->server_ns_per_byte = 8e9 / conf->server_bps;
    MEM_GROW(s->flows, s->cap_flows, n);
    size_t had = s->cap_sources;
    MEM_GROW(s->sources, s->cap_sources, conf->n_sources);
    for (size_t i = had; i < s->cap_sources; i++) s->sources[i] = (Source){0};
    for (uint32_t i = 0; i < conf->n_sources; i++) {
        Source *src = &s->sources[i];
        src->max_bps = conf->source_bps[i];
        src->ns_per_byte = 8e9 / src->max_bps;
        src->free_ns = INT64_MIN;
        src->alarm_ns = NEVER;
        src->n = src->next = 0;
    }
    s->n_events = s->n_unused = s->first = s->end = 0;
    s->seq = s->arrived_b = s->n_packets = 0;
    s->idle_ns = INT64_MIN;
    evq_init(&s->q, horizon_ns + span_ns(64 * WIRE_FULL_B, s->server_ns_per_byte),
             2 * (size_t)conf->n_sources);
    s->q.nodes = s->events;
}

/* The start of the next flow is an event like others. */
static void await_start(LinkSim *s, uint32_t flow) {
    uint32_t id = event_new(s);
    Event *e = event_at(s, id);
    e->kind = START;
    e->flow = flow;
    evq_push(&s->q, id, s->in[flow].start_ns, s->seq++);
}

uint64_t linksim_run(LinkSim *s, const LinkSimConf *conf, const LinkSimFlow *flows, size_t n,
                     float *delay_ns) {
    if (n == 0) return 0;
    prepare(s, conf, flows, n, delay_ns);
    await_start(s, 0);
    for (uint32_t id; (id = evq_pop(&s->q)) != EVQ_NONE;) {
        const Event *e = event_at(s, id);
        int64_t now = e->ev.time;
        uint32_t source = e->source, flow = e->flow;
        bool stale;
        switch ((EventKind)e->kind) {
        case START:
            event_free(s, id);
            begin(s, flow, now);
            if (flow + 1 < n) await_start(s, flow + 1);
            break;
        case AT_SOURCE:
            stale = s->sources[source].alarm_ns != now;
            event_free(s, id);
            if (!stale) look(s, source, now);
            break;
        case AT_QUEUE: arrive(s, id, now); break;
        case BACK:
            if (!s->direct) mark_until(s, now);
            acknowledge(s, id, now);
            break;
        }
    }
    evq_free(&s->q);
    return s->n_packets;
}
