/* port: the sending end of a link, and the switch behind it: queues, shared buffer, PFC, ECN,
 * telemetry.
 *
 * A packet that arrives at a switch is admitted to the buffer on account of the link it came by,
 * waits at its output port in queue 0 (pause frames, and ACKs of the controls that say so) or in
 * the data queue, and leaves when the port is free. Queue 0 goes first and is exempt from buffer
 * accounting, marking and pause.
 *
 * Buffer (per ingress link): a packet fills the reserve, then the shared part up to a threshold
 * that falls as the shared part fills (dynamic thresholds: Choudhury and Hahne, 1998), then the
 * headroom; it is dropped if it fits in none. PFC pauses the link's far end while headroom is in
 * use or the threshold is reached. Invariants: shared_b is the sum over ingress links of what they
 * hold above the reserve; a pause is followed by a resume once the data has left.
 *
 * Two quirks of the reference, only in compat: a threshold below 0 wraps, which makes the buffer
 * endless (otherwise it is 0, and a switch never holds more than its buffer); with PFC off, pause
 * frames are sent nevertheless, and ignored where they arrive. */
#include "packet/port.h"

#include <math.h>

#include "packet/part.h"
#include "packet/pktsim_private.h"

/* ---- set-up ---- */

/* The dynamic threshold is the free shared buffer divided by 4 for a link at the hosts' rate, by 2
 * at twice, by 1 from four times that rate up, as in the reference: faster links may hold more. */
static uint8_t threshold_shift(double rate_bps, double host_rate_bps) {
    uint8_t shift = 2;
    for (double r = rate_bps; r > host_rate_bps && shift > 0; r /= 2) shift--;
    return shift;
}

/* More headroom than the buffer is of no use, and its sum over links might overflow; the reference
 * counts in 32 bits. */
static void init_ingress(PktSim *s, Ingress *in, const Link *l, double host_rate_bps) {
    double headroom_b = s->compat ? wire_headroom_compat_b(l->rate_bps, l->delay_ns)
                                  : wire_headroom_b(l->rate_bps, l->delay_ns, s->full_wire_b);
    double most_b = s->compat ? UINT32_MAX / 2 : (double)s->switches[l->to].size_b;
    *in = (Ingress){.headroom_size_b = (uint64_t)fmin(headroom_b, most_b),
                    .sw = l->to,
                    .shift = threshold_shift(l->rate_bps, host_rate_bps)};
    s->switches[l->to].free_b -= (int64_t)in->headroom_size_b + WIRE_RESERVE_B;
}

/* Returns the kind of port for a link. Only the latest kinds are looked at: a network has few, or
 * so many that sharing gains nothing. */
static uint32_t kind_of(PktSim *s, const Link *l) {
    enum { LATEST = 16 };
    for (uint32_t i = s->n_kinds; i > 0 && i + LATEST > s->n_kinds; i--) {
        const PortKind *k = &s->kinds[i - 1];
        if (k->rate_bps == l->rate_bps && k->delay_ns == l->delay_ns) return i - 1;
    }
    PortKind *k = &s->kinds[s->n_kinds];
    *k = (PortKind){.full_ticks = pktsim_ticks(s, s->full_wire_b, l->rate_bps),
                    .ack_ticks = pktsim_ticks(s, s->ack_wire_b, l->rate_bps),
                    .delay_ticks = (int64_t)(l->delay_ns * (double)s->ticks_per_ns + 0.5),
                    .marking = {UINT64_MAX, UINT64_MAX, 0},
                    .rate_bps = l->rate_bps,
                    .delay_ns = l->delay_ns};
    if (s->cc->marking) s->cc->marking(&s->cc_conf, l->rate_bps, &k->marking);
    return s->n_kinds++;
}

void port_init(PktSim *s, uint32_t link, double host_rate_bps) {
    const Link *l = &s->topo->links[link];
    Port *p = &s->ports[link];
    *p = (Port){.free_at = -1,
                .control = {NONE, NONE},
                .data = {NONE, NONE},
                .kind = kind_of(s, l),
                .at_host = s->topo->is_host[l->from] != 0};
    s->cells[link] =
        (PktCell){.kind = CELL_PORT, .event = p->at_host ? EVENT_NIC_FREE : EVENT_PORT_FREE};
    if (p->at_host) {
        p->nic = s->n_nics++;
        s->nics[p->nic] = (Nic){.link = link, .wake = NONE};
    }
    if (s->topo->is_host[l->to]) s->ingress[link] = (Ingress){0};
    else init_ingress(s, &s->ingress[link], l, host_rate_bps);
}

void port_set_rate(PktSim *s, uint32_t link, double rate_bps) {
    Link l = s->topo->links[link];
    l.rate_bps = rate_bps;
    s->ports[link].kind = kind_of(s, &l);
}

/* ---- transmission ---- */

/* At the very tick that a transmission ends, what waits for that goes first: it has an event. */
static bool is_busy(const PktSim *s, const Port *p) {
    if (s->now != p->free_at) return s->now < p->free_at;
    return s->compat ? evq_rank_before(&s->q, s->now_rank, s->now_tie, p->free_sched, p->free_tie)
                     : p->free_queued;
}

static void switch_transmit(PktSim *s, Port *p, uint32_t link);

void port_kick(PktSim *s, uint32_t link) {
    Port *p = &s->ports[link];
    if (is_busy(s, p)) port_await_free(s, p, link);
    else if (p->at_host) host_transmit(s, p, link);
    else switch_transmit(s, p, link);
}

void port_on_free(PktSim *s, uint32_t link) {
    Port *p = &s->ports[link];
    p->free_queued = false;
    switch_transmit(s, p, link);
}

/* ---- shared buffer ---- */

static uint64_t threshold(const PktSim *s, const Switch *sw, const Ingress *in) {
    int64_t left = sw->free_b - (int64_t)sw->shared_b;
    if (s->compat) return (uint32_t)left >> in->shift; /* quirk: wraps below 0 */
    return left > 0 ? (uint64_t)left >> in->shift : 0;
}

static uint64_t above_reserve(const Ingress *in) {
    return in->held_b > WIRE_RESERVE_B ? in->held_b - WIRE_RESERVE_B : 0;
}

/* Admits a packet of b bytes; false: there is no room for it. */
static bool buffer_admit(PktSim *s, Ingress *in, uint32_t b) {
    Switch *sw = &s->switches[in->sw];
    uint64_t limit = threshold(s, sw, in);
    if (b + in->headroom_b > in->headroom_size_b && b + above_reserve(in) > limit) return false;
    if (!s->compat && sw->held_b + b > sw->size_b) return false;
    sw->held_b += b;
    if (sw->held_b > s->stats->peak_buffer_b) s->stats->peak_buffer_b = sw->held_b;
    uint64_t over = in->held_b + b > WIRE_RESERVE_B ? in->held_b + b - WIRE_RESERVE_B : 0;
    if (over > limit) {
        in->headroom_b += b;
    } else {
        in->held_b += b;
        sw->shared_b += over < b ? over : b;
    }
    return true;
}

/* Takes a packet of b bytes out of the buffer: from the headroom first. */
static void buffer_release(PktSim *s, Ingress *in, uint32_t b) {
    Switch *sw = &s->switches[in->sw];
    uint64_t from_headroom = in->headroom_b < b ? in->headroom_b : b, rest = b - from_headroom,
             over = above_reserve(in);
    sw->held_b -= b;
    in->headroom_b -= from_headroom;
    in->held_b -= rest;
    sw->shared_b -= rest < over ? rest : over;
}

/* True if a data packet for an idle port would only enter and leave the reserve, so that accounting
 * can be spared. */
static bool passes(const PktSim *s, const Port *p, const Ingress *in, uint32_t b) {
    if (p->paused || in->pausing || in->headroom_b > 0 || in->held_b + b > WIRE_RESERVE_B ||
        b > in->headroom_size_b)
        return false;
    return !s->compat || threshold(s, &s->switches[in->sw], in) > 0;
}

/* ---- PFC ---- */

/* Sends a pause or resume frame back to where link in_link comes from. */
static void send_pause_frame(PktSim *s, uint32_t in_link, CellKind kind) {
    uint32_t id = pktsim_cell_new(s, kind), out = in_link ^ 1;
    PktCell *c = pktsim_cell(s, id);
    c->flow = NONE;
    c->ev.tie = out;
    c->wire_b = WIRE_PAUSE_B;
    c->link = out;
    c->at = s->no_path;
    Port *p = &s->ports[out];
    if (s->compat) mrg_skip(&s->mrg); /* a pause frame uses up a random stream in the reference */
    port_queue_put(s, &p->control, id);
    pktsim_trace(s, PKT_TRACE_ENQUEUE, out, c);
    port_kick(s, out);
}

static void pause_if_full(PktSim *s, Ingress *in, uint32_t in_link) {
    if (in->pausing || (!s->cc_conf.conf.pfc && !s->compat)) return;
    uint64_t shared = above_reserve(in);
    if (in->headroom_b == 0 &&
        (shared < threshold(s, &s->switches[in->sw], in) || (shared == 0 && !s->compat)))
        return;
    in->pausing = true;
    s->stats->n_pauses++;
    send_pause_frame(s, in_link, CELL_PAUSE);
}

static void resume_if_drained(PktSim *s, Ingress *in, uint32_t in_link) {
    if (!in->pausing) return;
    uint64_t shared = above_reserve(in);
    if (in->headroom_b > 0 ||
        (shared > 0 && shared + WIRE_RESUME_MARGIN_B > threshold(s, &s->switches[in->sw], in)))
        return;
    in->pausing = false;
    s->stats->n_resumes++;
    send_pause_frame(s, in_link, CELL_RESUME);
}

void port_on_pause(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    uint32_t link = c->link ^ 1;
    bool pause = c->kind == CELL_PAUSE;
    pktsim_trace(s, PKT_TRACE_RECEIVE, c->link, c);
    pktsim_cell_free(s, id);
    if (!s->cc_conf.conf.pfc) return;
    s->ports[link].paused = pause;
    if (s->series) series_pause(s->series, link, pause, s->now);
    if (s->link_records) linkstats_pause(s->link_records, link, pause, s->now);
    if (!pause) port_kick(s, link);
}

/* ---- switch ---- */

/* A number from 0 to 1. */
static double draw(const PktSim *s, const PktCell *c) {
    return (double)(pktsim_draw(s, s->mark_seed, c) >> 11) * 0x1p-53;
}

/* Decides by the bytes that a departing packet leaves behind in the data queue. */
static bool should_mark(PktSim *s, const Port *p, const PktCell *c, const CcMarking *m) {
    if (p->data_b > m->kmax_b) return true;
    if (p->data_b <= m->kmin_b) return false;
    double chance = m->pmax * (double)(p->data_b - m->kmin_b) / (double)(m->kmax_b - m->kmin_b);
    return (s->compat ? mrg_next_u01(&s->mrg) : draw(s, c)) < chance;
}

static void leave_data_queue(PktSim *s, Port *p, PktCell *c) {
    Ingress *in = &s->ingress[c->in_link];
    buffer_release(s, in, c->wire_b);
    p->data_b -= c->wire_b;
    const CcMarking *m = &s->kinds[p->kind].marking;
    if (p->data_b > m->kmin_b && should_mark(s, p, c, m)) {
        s->stats->n_marks++;
        if (s->series) series_mark(s->series, c->link);
        if (s->link_records) linkstats_mark(s->link_records, c->link);
        c->marked = true;
    }
    resume_if_drained(s, in, c->in_link);
}

/* Writes a port's telemetry into a packet that leaves. Queue 0 is counted anew: where there is
 * telemetry it is but for pause frames. */
static void stamp(PktSim *s, const Port *p, uint32_t id, PktCell *c) {
    if (c->kind != CELL_DATA || c->n_hops >= s->max_stamps) return;
    uint64_t waiting_b = p->data_b;
    for (uint32_t i = p->control.head; i != NONE; i = pktsim_cell(s, i)->ev.next)
        waiting_b += pktsim_cell(s, i)->wire_b;
    s->hops[(size_t)id * s->max_stamps + c->n_hops++] =
        cc_hop_pack((uint64_t)(s->now / s->ticks_per_ns), p->sent_b, waiting_b);
}

/* Sends a packet that is in no queue any more; the port is free. In line: every hop takes it. */
__attribute__((always_inline)) static inline void depart(PktSim *s, Port *p, uint32_t link,
                                                         uint32_t id, PktCell *c) {
    if (s->max_stamps) stamp(s, p, id, c);
    p->sent_b += c->wire_b;
    pktsim_trace(s, PKT_TRACE_DEQUEUE, link, c);
    port_transmit(s, p, link, id, p->control.head != NONE || p->data.head != NONE);
}

static void switch_transmit(PktSim *s, Port *p, uint32_t link) {
    uint32_t id;
    PktCell *c;
    if (p->control.head != NONE) {
        id = port_queue_take(s, &p->control);
        c = pktsim_cell(s, id);
    } else if (p->data.head != NONE && !p->paused) {
        id = port_queue_take(s, &p->data);
        c = pktsim_cell(s, id);
        leave_data_queue(s, p, c);
    } else {
        return;
    }
    depart(s, p, link, id, c);
}

static void count_drop(PktSim *s, const PktCell *c) {
    s->stats->n_drops++;
    bool on_link = c->link == c->in_link;
    if (s->series) series_drop(s->series, c->link, on_link);
    if (s->link_records) linkstats_drop(s->link_records, c->link, on_link);
    if (c->kind == CELL_DATA) s->stats->dropped_b += c->wire_b - s->header_b;
    pktsim_trace(s, PKT_TRACE_DROP, c->in_link, c);
}

void port_drop(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    count_drop(s, c);
    host_on_gone(s, id, true);
}

/* Takes a packet's payload off if switches do that: counted as a drop. */
static bool trim(PktSim *s, PktCell *c) {
    if (!s->trims || c->kind != CELL_DATA) return false;
    count_drop(s, c);
    s->stats->n_trims++;
    c->kind = CELL_TRIMMED;
    c->wire_b = (uint16_t)s->header_b;
    return true;
}

/* Queues a packet that cannot leave at once, or drops it. Not in line: it would burden those that
 * can. */
__attribute__((noinline)) static void wait_at_port(PktSim *s, uint32_t link, uint32_t id,
                                                   bool control) {
    PktCell *c = pktsim_cell(s, id);
    Port *p = &s->ports[link];
    Ingress *in = &s->ingress[c->in_link];
    if (!control && !buffer_admit(s, in, c->wire_b)) {
        if (!trim(s, c)) {
            port_drop(s, id);
            return;
        }
        control = true;
    }
    if (!control) {
        p->data_b += c->wire_b;
        if (p->data_b > p->peak_b) p->peak_b = p->data_b;
        pause_if_full(s, in, c->in_link);
    }
    port_queue_put(s, control ? &p->control : &p->data, id);
    pktsim_trace(s, PKT_TRACE_ENQUEUE, link, c);
    port_kick(s, link);
}

/* Of a packet that came by c->link: drops it if there is no way on, and returns NONE then. */
__attribute__((noinline)) static uint32_t choose_link(PktSim *s, uint32_t id) {
    PktCell *c = pktsim_cell(s, id);
    uint32_t link = forward_next(s, c, c->link);
    if (link != NONE) return link;
    s->stats->n_lost++;
    c->in_link = c->link;
    port_drop(s, id);
    return NONE;
}

void port_on_arrival(PktSim *s, uint32_t id) {
    PktCell *c = pktsim_cell(s, id);
    pktsim_trace(s, PKT_TRACE_RECEIVE, c->link, c);
    bool control = c->kind != CELL_DATA && s->ack_first;
    uint32_t in_link = c->link, link = c->next_link;
    if (!s->forward) c->at++;
    else if ((link = choose_link(s, id)) == NONE) return;
    c->in_link = in_link;
    c->link = link;
    Port *p = &s->ports[link];
    Ingress *in = &s->ingress[in_link];
    bool busy = is_busy(s, p), empty = p->control.head == NONE && p->data.head == NONE;
    if (!busy && empty && (control || passes(s, p, in, c->wire_b))) {
        pktsim_trace(s, PKT_TRACE_ENQUEUE, link, c);
        depart(s, p, link, id, c);
        return;
    }
    wait_at_port(s, link, id, control);
}
