/* port: the sending end of a link, and the switch behind it: queues, shared buffer, PFC, ECN,
 * telemetry.
 *
 * A packet that arrives at a switch is admitted to the buffer on account of the link it came by,
 * waits at its output port in queue 0 (control: pause frames, and ACKs of the controls that say so)
 * or the data queue, and leaves when the port is free. Queue 0 goes first and is exempt from buffer
 * accounting, marking and pause.
 *
 * Buffer (per ingress link): a packet fills the reserve, then the shared part up to a threshold
 * that falls as the shared part fills (dynamic thresholds: Choudhury and Hahne, 1998), then the
 * headroom; it is dropped if it fits in none. PFC pauses the link's far end while headroom is in
 * use or the threshold is reached. Invariants: shared_b is the sum over ingress links of what they
 * hold above the reserve; a pause is followed by a resume once the data has left.
 *
 * Only in compat: a threshold below 0 wraps, which makes the buffer endless (otherwise it is 0, and
 * a switch never holds more than its buffer); with PFC off, pause frames are sent all the same, and
 * heeded by nobody. */
#include "packet/pktsim_private.h"

void queue_put(Sim *s, Queue *q, uint32_t id) {
    sim_cell(s, id)->ev.next = NONE;
    if (q->head == NONE) q->head = id;
    else sim_cell(s, q->tail)->ev.next = id;
    q->tail = id;
}

uint32_t queue_take(Sim *s, Queue *q) {
    uint32_t id = q->head;
    q->head = sim_cell(s, id)->ev.next;
    return id;
}

/* ---- transmission ---- */

static bool is_busy(const Sim *s, const Port *p) {
    return evq_before(s->now, s->now_rank, p->free_at, p->free_rank);
}

static void queue_free_event(Sim *s, Port *p, uint32_t link) {
    if (p->free_queued) return;
    p->free_queued = true;
    s->n_live++;
    evq_push(&s->q, link, p->free_at, p->free_rank);
}

static int64_t serialisation(const Sim *s, const Port *p, uint32_t wire_b) {
    if (wire_b == s->full_wire_b) return p->full_ticks;
    if (wire_b == s->ack_wire_b) return p->ack_ticks;
    return sim_ticks(s, wire_b, p->rate_bps);
}

void port_transmit(Sim *s, Port *p, uint32_t link, uint32_t id, bool must_free) {
    Cell *c = sim_cell(s, id);
    p->free_at = s->now + serialisation(s, p, c->wire_b);
    p->free_rank = s->rank++;
    c->link = link;
    if (must_free) queue_free_event(s, p, link);
    sim_schedule(s, id, p->free_at + p->delay_ticks);
}

static void switch_transmit(Sim *s, Port *p, uint32_t link);

void port_kick(Sim *s, uint32_t link) {
    Port *p = &s->ports[link];
    if (is_busy(s, p)) queue_free_event(s, p, link);
    else if (p->at_host) host_transmit(s, p, link);
    else switch_transmit(s, p, link);
}

void port_on_free(Sim *s, uint32_t id) {
    Port *p = &s->ports[id];
    p->free_queued = false;
    if (p->at_host) host_transmit(s, p, id);
    else switch_transmit(s, p, id);
}

/* ---- shared buffer ---- */

static uint64_t threshold(const Sim *s, const Switch *sw, const Ingress *in) {
    int64_t left = sw->free_b - sw->shared_b;
    if (s->compat)
        return (uint32_t)left >> in->shift; /* below 0 it wraps there: an endless buffer */
    return left > 0 ? (uint64_t)left >> in->shift : 0;
}

static uint32_t above_reserve(const Ingress *in) {
    return in->held_b > WIRE_RESERVE_B ? in->held_b - WIRE_RESERVE_B : 0;
}

static bool buffer_admit(Sim *s, Ingress *in, uint32_t b) {
    Switch *sw = &s->switches[in->sw];
    uint64_t limit = threshold(s, sw, in);
    if (b + in->headroom_b > in->headroom_size_b && b + above_reserve(in) > limit) return false;
    if (!s->compat && sw->held_b + b > sw->size_b) return false;
    sw->held_b += b;
    if (sw->held_b > s->stats->peak_buffer_b) s->stats->peak_buffer_b = (uint32_t)sw->held_b;
    uint32_t over = in->held_b + b > WIRE_RESERVE_B ? in->held_b + b - WIRE_RESERVE_B : 0;
    if (over > limit) {
        in->headroom_b += b;
    } else {
        in->held_b += b;
        sw->shared_b += over < b ? over : b;
    }
    return true;
}

static void buffer_release(Sim *s, Ingress *in, uint32_t b) {
    Switch *sw = &s->switches[in->sw];
    uint32_t from_headroom = in->headroom_b < b ? in->headroom_b : b, rest = b - from_headroom,
             over = above_reserve(in);
    sw->held_b -= b;
    in->headroom_b -= from_headroom;
    in->held_b -= rest;
    sw->shared_b -= rest < over ? rest : over;
}

/* ---- PFC ---- */

static void send_pause_frame(Sim *s, uint32_t in_link, CellKind kind) {
    uint32_t id = sim_cell_new(s, kind), out = in_link ^ 1;
    Cell *c = sim_cell(s, id);
    c->flow = NONE;
    c->wire_b = WIRE_PAUSE_B;
    c->link = out;
    Port *p = &s->ports[out];
    if (s->compat) mrg_skip(&s->mrg); /* a pause frame uses up a stream there */
    queue_put(s, &p->first, id);
    p->total_b += WIRE_PAUSE_B;
    sim_trace(s, PKT_TRACE_ENQUEUE, out, c);
    port_kick(s, out);
}

static void pause_if_full(Sim *s, Ingress *in, uint32_t in_link) {
    if (in->pausing || (!s->cc_conf.conf.pfc && !s->compat)) return;
    uint32_t shared = above_reserve(in);
    if (in->headroom_b == 0 &&
        (shared < threshold(s, &s->switches[in->sw], in) || (shared == 0 && !s->compat)))
        return;
    in->pausing = true;
    s->stats->n_pauses++;
    send_pause_frame(s, in_link, CELL_PAUSE);
}

static void resume_if_drained(Sim *s, Ingress *in, uint32_t in_link) {
    if (!in->pausing) return;
    uint32_t shared = above_reserve(in);
    if (in->headroom_b > 0 ||
        (shared > 0 && shared + WIRE_RESUME_MARGIN_B > threshold(s, &s->switches[in->sw], in)))
        return;
    in->pausing = false;
    s->stats->n_resumes++;
    send_pause_frame(s, in_link, CELL_RESUME);
}

void port_on_pause(Sim *s, uint32_t id) {
    Cell *c = sim_cell(s, id);
    uint32_t link = c->link ^ 1;
    bool pause = c->kind == CELL_PAUSE;
    sim_trace(s, PKT_TRACE_RECEIVE, c->link, c);
    sim_cell_drop(s, id);
    if (!s->cc_conf.conf.pfc) return; /* not even a NIC looks up */
    s->ports[link].paused = pause;
    if (!pause) port_kick(s, link);
}

/* ---- switch ---- */

/* By the bytes left behind in the data queue. */
static bool should_mark(Sim *s, const Port *p) {
    const CcMarking *m = &p->marking;
    if (p->data_b > m->kmax_b) return true;
    if (p->data_b <= m->kmin_b) return false;
    double chance = m->pmax * (double)(p->data_b - m->kmin_b) / (double)(m->kmax_b - m->kmin_b);
    return (s->compat ? mrg_next_u01(&s->mrg) : rng_u01(&s->rng)) < chance;
}

static void stamp(Sim *s, const Port *p, uint32_t id, Cell *c) {
    if (c->n_hops >= s->max_stamps) return;
    s->hops[(size_t)id * s->max_stamps + c->n_hops++] =
        cc_hop_pack((uint64_t)(s->now / s->ticks_per_ns), p->sent_b, p->total_b);
}

static void leave_buffer(Sim *s, Port *p, Cell *c) {
    Ingress *in = &s->ingress[c->in_link];
    buffer_release(s, in, c->wire_b);
    p->data_b -= c->wire_b;
    if (p->data_b > p->marking.kmin_b && should_mark(s, p)) {
        s->stats->n_marks++;
        c->marked = true;
    }
    resume_if_drained(s, in, c->in_link);
}

static void depart(Sim *s, Port *p, uint32_t link, uint32_t id, Cell *c) {
    if (s->cc->telemetry && c->kind == CELL_DATA) stamp(s, p, id, c);
    p->sent_b += c->wire_b;
    sim_trace(s, PKT_TRACE_DEQUEUE, link, c);
    port_transmit(s, p, link, id, p->first.head != NONE || p->data.head != NONE);
}

static void switch_transmit(Sim *s, Port *p, uint32_t link) {
    uint32_t id;
    Cell *c;
    if (p->first.head != NONE) {
        id = queue_take(s, &p->first);
        c = sim_cell(s, id);
        p->total_b -= c->wire_b;
    } else if (p->data.head != NONE && !p->paused) {
        id = queue_take(s, &p->data);
        c = sim_cell(s, id);
        p->total_b -= c->wire_b;
        leave_buffer(s, p, c);
    } else {
        return;
    }
    depart(s, p, link, id, c);
}

/* True if a data packet for an idle port would only enter and leave the reserve: accounting can be
 * spared. */
static bool passes(const Sim *s, const Port *p, const Ingress *in, uint32_t b) {
    if (p->paused || in->pausing || in->headroom_b > 0 || in->held_b + b > WIRE_RESERVE_B ||
        b > in->headroom_size_b)
        return false;
    return !s->compat || threshold(s, &s->switches[in->sw], in) > 0;
}

static void lose(Sim *s, uint32_t id, const Cell *c) {
    s->stats->n_drops++;
    if (c->kind == CELL_DATA) s->stats->dropped_b += c->wire_b - s->header_b;
    sim_trace(s, PKT_TRACE_DROP, c->in_link, c);
    host_lost(s, c->flow);
    sim_packet_drop(s, id);
}

void port_on_arrival_at_switch(Sim *s, uint32_t id) {
    Cell *c = sim_cell(s, id);
    sim_trace(s, PKT_TRACE_RECEIVE, c->link, c);
    bool first = c->kind != CELL_DATA && s->cc->ack_first;
    c->in_link = c->link;
    uint32_t link = sim_step(s, c, c->at + 1);
    Port *p = &s->ports[link];
    bool busy = is_busy(s, p), empty = p->first.head == NONE && p->data.head == NONE;
    if (!busy && empty && (first || passes(s, p, &s->ingress[c->in_link], c->wire_b))) {
        sim_trace(s, PKT_TRACE_ENQUEUE, link, c);
        depart(s, p, link, id, c);
        return;
    }
    if (!first) {
        Ingress *in = &s->ingress[c->in_link];
        if (!buffer_admit(s, in, c->wire_b)) {
            lose(s, id, c);
            return;
        }
        p->data_b += c->wire_b;
        if (p->data_b > p->peak_b) p->peak_b = p->data_b;
        pause_if_full(s, in, c->in_link);
    }
    p->total_b += c->wire_b;
    queue_put(s, first ? &p->first : &p->data, id);
    sim_trace(s, PKT_TRACE_ENQUEUE, link, c);
    if (busy) queue_free_event(s, p, link);
    else switch_transmit(s, p, link);
}
