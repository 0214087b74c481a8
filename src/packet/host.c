/* host: senders and receivers at their NICs: round robin over flows, window, pacing, ACKs,
 * go-back-N.
 *
 * A NIC sends ACKs first, then serves its flows packet by packet, in a list in order of start: the
 * next one after the last served (by index) that has bytes left, room in its window, and whose
 * pacing time has come. Finished flows leave the list when a scan meets one; indices then shift
 * under `served`, as in the reference. When nothing can be sent the NIC sleeps until a flow's
 * pacing time: the least over the flows that could be sent then. In compat (a quirk) it is the
 * least over all flows with bytes left, those without room included, and if it has passed there is
 * no timer at all.
 *
 * The receiver takes bytes in order, acknowledges each packet, and answers a gap with a NACK (once
 * per gap, again after NACK_INTERVAL_NS); the sender then goes back to the first missing byte. In
 * compat a lost tail hangs the flow, as the reference has no retransmission timer. Otherwise a
 * timer starts when a packet of the flow is dropped, so that it never fires because of mere delay,
 * and duplicates are acknowledged, so that no flow hangs. The sender sees to it when the dropped
 * packet's cell reaches it, after the time of a longest hop and at most RTO_NS: no node acts on
 * another one at once. */
#include "packet/host.h"

#include <string.h>

#include "packet/part.h"
#include "packet/pktsim_private.h"

__extension__ typedef unsigned __int128 U128;

/* The reference's. */
static const double NACK_INTERVAL_NS = 500e3;

/* The retransmission timer: RTO_NS and four base round trips, doubled up to 2^MAX_BACKOFF times
 * while nothing is acknowledged. Chosen: 1 ms is the least that data centres set (Linux: 200 ms,
 * down to 1 ms in tuned ones) and matters only where the tail of a flow or its NACK is lost. After
 * MAX_TIMEOUTS in a row, at least 12 s, the flow is given up: it waits behind a pause that never
 * ends. */
static const double RTO_NS = 1e6;
enum { MAX_BACKOFF = 6, MAX_TIMEOUTS = 200 };

/* ---- a flow's state at its NIC ---- */

/* Brings the NIC's entry up to what the flow may send now. */
static void update_entry(PktSim *s, FlowSlot *f) {
    if (f->pos == NONE) return;
    uint8_t left = f->nxt < f->size_b ? NIC_LEFT : 0,
            room = f->nxt - f->una < f->rate_window_b ? NIC_ROOM : 0;
    s->nics[f->nic].list[f->pos].state =
        (uint8_t)(left | room | (f->una >= f->size_b ? NIC_DONE : 0));
}

/* To be called when the rate has changed: window and pacing follow it. */
static void rate_changed(const PktSim *s, FlowSlot *f) {
    const CcFlow *c = &f->cc;
    uint64_t w = s->cc->sets_window
                     ? c->window_b
                     : (uint64_t)((U128)c->max_rate_window_b * c->rate_bps / c->max_rate_bps);
    f->rate_window_b = w > 0 || s->pullers ? w : 1;
    f->pace_ticks = pktsim_ticks(s, s->full_wire_b, (double)c->rate_bps);
}

/* Returns the time between the starts of a packet of wire_b bytes and the next one. */
static int64_t pace(const PktSim *s, const FlowSlot *f, uint32_t wire_b) {
    return wire_b == s->full_wire_b ? f->pace_ticks
                                    : pktsim_ticks(s, wire_b, (double)f->cc.rate_bps);
}

static void set_wake(PktSim *s, Nic *n, int64_t time) {
    uint32_t id = pktsim_cell_new(s, CELL_NIC_WAKE);
    pktsim_cell(s, id)->link = n->link;
    n->wake = id;
    pktsim_schedule(s, id, time);
}

void host_on_wake(PktSim *s, uint32_t id) {
    uint32_t link = pktsim_cell(s, id)->link;
    Nic *n = &s->nics[s->ports[link].nic];
    bool current = n->wake == id;
    pktsim_cell_free(s, id);
    if (!current) return;
    n->wake = NONE;
    port_kick(s, link);
}

/* Appends a flow to the list of its NIC. */
static void join_list(PktSim *s, uint32_t slot, int64_t next_at) {
    FlowSlot *f = &s->flows[slot];
    Nic *n = &s->nics[f->nic];
    MEM_GROW(n->list, n->cap, n->n + 1);
    f->pos = (uint32_t)n->n;
    n->list[n->n++] = (NicEntry){.next_at = next_at, .flow = slot};
    update_entry(s, f);
}

void host_start_flow(PktSim *s, uint32_t slot) {
    if (slot == NONE) return;
    rate_changed(s, &s->flows[slot]);
    join_list(s, slot, s->now);
    port_kick(s, s->nics[s->flows[slot].nic].link);
}

/* Takes an entry out of its NIC's list, whose others keep their order. */
static void leave_list(PktSim *s, FlowSlot *f) {
    Nic *n = &s->nics[f->nic];
    for (size_t i = f->pos + (size_t)1; i < n->n; i++) {
        n->list[i - 1] = n->list[i];
        s->flows[n->list[i].flow].pos--;
    }
    n->n--;
    if (n->served > f->pos) n->served--;
    f->pos = NONE;
}

void host_change_path(PktSim *s, uint32_t slot) {
    FlowSlot *f = &s->flows[slot];
    uint32_t nic = s->ports[s->paths[pktsim_path(s, slot, 0)]].nic;
    f->path_since = f->nxt_max;
    if (nic == f->nic || f->pos == NONE) return;
    int64_t next_at = s->nics[f->nic].list[f->pos].next_at;
    leave_list(s, f);
    f->nic = nic;
    join_list(s, slot, next_at);
    port_kick(s, s->nics[nic].link);
}

void host_give_up(PktSim *s, uint32_t slot) {
    FlowSlot *f = &s->flows[slot];
    if (f->pos == NONE) return;
    pktsim_count_unreachable(s, f->index);
    leave_list(s, f);
    for (int i = 0; i < CC_N_TIMERS; i++) f->timer[i] = NONE;
    f->rto = NONE;
    flowslot_release(s, slot);
}

/* ---- sending ---- */

/* Takes finished entries from index `first` on out of the list. Returns where entry `keep` went. */
static uint32_t purge(PktSim *s, Nic *n, uint32_t first, uint32_t keep) {
    uint32_t to = first, kept = keep;
    for (uint32_t i = first; i < n->n; i++) {
        NicEntry *e = &n->list[i];
        FlowSlot *f = &s->flows[e->flow];
        if (e->state & NIC_DONE) {
            f->pos = NONE;
            flowslot_release(s, e->flow);
            continue;
        }
        if (i == keep) kept = to;
        f->pos = to;
        n->list[to++] = *e;
    }
    n->n = to;
    return kept;
}

/* Returns the index of the entry to serve, or NONE. */
static uint32_t pick(PktSim *s, Nic *n, bool paused) {
    uint32_t found = NONE, done = NONE, count = (uint32_t)n->n,
             i = n->served < count ? n->served : n->served % count;
    for (uint32_t k = 0; k < count; k++) {
        if (++i >= count) i = 0;
        const NicEntry *e = &n->list[i];
        if ((e->state & (NIC_LEFT | NIC_ROOM)) == (NIC_LEFT | NIC_ROOM) && !paused) {
            if (e->next_at > s->now) continue;
            found = i;
            break;
        }
        if ((e->state & NIC_DONE) && i < done) done = i;
    }
    return done == NONE ? found : purge(s, n, done, found);
}

/* Counts the pauses of a flow that are longer than the gap between flowlets. */
static uint32_t flowlet_of(const PktSim *s, FlowSlot *f) {
    if (s->now - f->last_sent > s->forward->gap) f->flowlet++;
    f->last_sent = s->now;
    return f->flowlet;
}

static void send_data(PktSim *s, Port *p, Nic *n, uint32_t pos) {
    NicEntry *e = &n->list[pos];
    FlowSlot *f = &s->flows[e->flow];
    uint64_t left = f->size_b - f->nxt;
    uint32_t payload = left < WIRE_PAYLOAD_B ? (uint32_t)left : WIRE_PAYLOAD_B,
             id = pktsim_cell_new(s, CELL_DATA);
    PktCell *c = pktsim_cell(s, id);
    c->flow = e->flow;
    c->n_hops = 0;
    pktsim_enter(s, c, pktsim_path(s, e->flow, 0));
    if (s->forward) c->at = flowlet_of(s, f);
    c->marked = false;
    c->echo = f->asks;
    f->asks = false;
    c->wire_b = (uint16_t)(payload + s->header_b);
    c->byte = f->nxt;
    c->ev.tie = f->index;
    c->sent = s->now;
    s->stats->n_packets++;
    s->stats->sent_b += payload;
    s->stats->n_retransmissions += f->nxt < f->nxt_max;
    f->nxt += payload;
    if (f->nxt > f->nxt_max) f->nxt_max = f->nxt;
    f->n_packets++;
    f->last_wire_b = c->wire_b;
    n->served = pos;
    pktsim_trace(s, PKT_TRACE_SEND, n->link, c);
    port_transmit(s, p, n->link, id, true);
    e->next_at = s->now + pace(s, f, c->wire_b);
    update_entry(s, f);
}

/* Called when nothing can be sent: wakes the NIC when pacing lets some flow send. */
static void sleep_until_paced(PktSim *s, Nic *n, bool paused) {
    int64_t first = INT64_MAX;
    uint8_t need = s->compat ? NIC_LEFT : NIC_LEFT | NIC_ROOM;
    if (paused && !s->compat) return;
    for (size_t i = 0; i < n->n; i++) {
        const NicEntry *e = &n->list[i];
        if ((e->state & need) == need && e->next_at < first) {
            first = e->next_at;
            if (first <= s->now) return; /* compat: a flow without room */
        }
    }
    if (first == INT64_MAX) return;
    if (n->wake != NONE) {
        if (s->compat || pktsim_cell(s, n->wake)->ev.time <= first) return;
    }
    set_wake(s, n, first);
}

void host_transmit(PktSim *s, Port *p, uint32_t link) {
    Nic *n = &s->nics[p->nic];
    if (p->control.head != NONE && !(p->paused && !s->cc->ack_first)) {
        uint32_t id = port_queue_take(s, &p->control);
        pktsim_trace(s, PKT_TRACE_DEQUEUE, link, pktsim_cell(s, id));
        port_transmit(s, p, link, id, n->n > 0 || p->control.head != NONE);
        return;
    }
    if (n->n == 0) return;
    uint32_t pos = pick(s, n, p->paused);
    if (pos != NONE) send_data(s, p, n, pos);
    else sleep_until_paced(s, n, p->paused);
}

void host_on_free(PktSim *s, uint32_t link) {
    Port *p = &s->ports[link];
    p->free_queued = false;
    host_transmit(s, p, link);
}

/* ---- receiving data ---- */

/* Turns an arrived data packet into its ACK or NACK and sends that. */
static void answer(PktSim *s, uint64_t expected, uint32_t id, CellKind kind) {
    PktCell *c = pktsim_cell(s, id);
    c->kind = (uint8_t)kind;
    c->wire_b = (uint16_t)s->ack_wire_b;
    c->byte = expected;
    c->echo = c->marked;
    c->marked = false;
    pktsim_enter(s, c, pktsim_path(s, c->flow, 1));
    Port *p = &s->ports[c->link];
    port_queue_put(s, &p->control, id);
    pktsim_trace(s, PKT_TRACE_ENQUEUE, c->link, c);
    port_kick(s, c->link);
}

/* Takes the next bytes in order; the last one completes the flow. */
static void take_in_order(PktSim *s, uint32_t slot, uint32_t payload) {
    FlowSink *f = &s->sinks[slot];
    f->expected += payload;
    if (f->expected < f->size_b) return;
    s->fct_ns[f->index] = (double)(s->now - f->started) / (double)s->ticks_per_ns;
    s->stats->n_finished++;
    if (s->pullers) credit_leave(s, slot);
    const PktStretch *x = s->opt->stretch;
    if (x && f->index - x->measured_first < x->n_measured) s->n_awaited--;
    if (s->after) after_finish(s, f->index);
}

/* Takes the packets after the last one that have come before it. */
static void take_held(PktSim *s, uint32_t slot) {
    const FlowSink *f = &s->sinks[slot];
    while (f->expected < f->size_b && forward_take(s, slot, f->expected)) {
        uint64_t left = f->size_b - f->expected;
        take_in_order(s, slot, left < WIRE_PAYLOAD_B ? (uint32_t)left : WIRE_PAYLOAD_B);
    }
}

/* Answers by a NACK: the sender is to go back to what is expected. */
static void refuse(PktSim *s, FlowSink *f, uint32_t id) {
    f->nack_after = s->now + (int64_t)NACK_INTERVAL_NS * s->ticks_per_ns;
    f->nack_for = f->expected;
    f->trimmed = UINT64_MAX;
    if (s->pullers) credit_restart(s, pktsim_cell(s, id)->flow, f->expected);
    answer(s, f->expected, id, CELL_NACK);
}

static void receive_data(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    FlowSink *f = &s->sinks[c->flow];
    uint32_t payload = c->wire_b - s->header_b;
    s->stats->received_b += payload;
    if (s->pullers) credit_on_data(s, c, payload);
    if (c->byte == f->expected) {
        take_in_order(s, c->flow, payload);
        if (forward_reorders(s->forward)) take_held(s, c->flow);
        if (s->pullers) credit_join(s, c->flow);
        if (f->expected == f->trimmed) refuse(s, f, id);
        else answer(s, f->expected, id, CELL_ACK);
    } else if ((c->byte < f->expected && !s->compat) ||
               (c->byte > f->expected && forward_reorders(s->forward) &&
                forward_holds(s, c->flow, c->byte, f->expected))) {
        answer(s, f->expected, id, CELL_ACK);
    } else if (c->byte > f->expected && (s->now >= f->nack_after || f->nack_for != f->expected)) {
        refuse(s, f, id);
    } else {
        host_on_gone(s, id, false);
    }
}

/* Headers overtake the data before them: a packet that lost its payload is refused when all before
 * it has come. */
static void receive_trimmed(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    FlowSink *f = &s->sinks[c->flow];
    if (s->pullers) credit_on_data(s, c, 0);
    if (c->byte == f->expected) {
        refuse(s, f, id);
    } else if (c->byte < f->expected) {
        answer(s, f->expected, id, CELL_ACK);
    } else {
        if (c->byte < f->trimmed) f->trimmed = c->byte;
        host_on_gone(s, id, false);
    }
}

/* ---- congestion control and ACKs ---- */

static void arm_timers(PktSim *s, uint32_t slot, FlowSlot *f, const CcArm *arm) {
    for (int i = 0; i < arm->n; i++) {
        uint32_t id = pktsim_cell_new(s, CELL_CC_TIMER);
        PktCell *c = pktsim_cell(s, id);
        c->flow = slot;
        c->byte = f->index;
        c->n_hops = (uint8_t)arm->t[i].which;
        f->timer[arm->t[i].which] = id;
        s->n_timers++;
        pktsim_schedule(s, id, s->now + (int64_t)(arm->t[i].delay_ns * (double)s->ticks_per_ns));
    }
}

void host_on_cc_timer(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    uint32_t slot = c->flow, which = c->n_hops;
    FlowSlot *f = &s->flows[slot];
    bool current = f->index == c->byte && f->timer[which] == id;
    s->n_timers--;
    pktsim_cell_free(s, id);
    if (!current) return;
    f->timer[which] = NONE;
    CcArm arm = {0};
    s->cc->timer(&f->cc, &s->cc_conf, (int)which, &arm);
    arm_timers(s, slot, f, &arm);
    rate_changed(s, f);
    update_entry(s, f);
}

/* Moves the next packet's time, and an earlier wake-up with it, to what a changed rate asks for. */
static void retime(PktSim *s, FlowSlot *f, uint64_t old_rate_bps) {
    if (f->pos == NONE) return;
    Nic *n = &s->nics[f->nic];
    NicEntry *e = &n->list[f->pos];
    e->next_at +=
        pace(s, f, f->last_wire_b) - pktsim_ticks(s, f->last_wire_b, (double)old_rate_bps);
    if (n->wake == NONE || e->next_at >= pktsim_cell(s, n->wake)->ev.time) return;
    set_wake(s, n, e->next_at > s->now ? e->next_at : s->now);
}

/* Stamps of a path that a flow has left say nothing beside those of the present one: an ACK that
 * may have either is as if no time had passed since the last one. */
static void keep_stamps(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    memcpy(&s->hops_before[(size_t)c->flow * s->max_stamps], &s->hops[(size_t)id * s->max_stamps],
           c->n_hops * sizeof *s->hops);
}

/* Tells the congestion control of an ACK or NACK. */
static void control(PktSim *s, FlowSlot *f, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    uint64_t old_rate = f->cc.rate_bps;
    CcAck a = {.ack = c->byte,
               .nxt = f->nxt,
               .now_ps = s->now,
               .rtt_ns = (double)(s->now - c->sent) / (double)s->ticks_per_ns,
               .marked = c->echo,
               .nack = c->kind == CELL_NACK};
    if (s->max_stamps) {
        if (s->forward && c->byte <= f->path_since) keep_stamps(s, id);
        a.n_hops = c->n_hops;
        a.hops = &s->hops[(size_t)id * s->max_stamps];
        a.hops_before = &s->hops_before[(size_t)c->flow * s->max_stamps];
        a.hop_rate_bps = &s->hop_rates[(size_t)c->flow * s->max_stamps];
    }
    CcArm arm = {0};
    bool set = s->cc->ack(&f->cc, &s->cc_conf, &a, &arm);
    if (f->una < f->size_b) arm_timers(s, c->flow, f, &arm);
    if (!set) return;
    if (f->cc.rate_bps != old_rate || s->cc->sets_window) rate_changed(s, f);
    if (s->cc->retimes) retime(s, f, old_rate);
}

static void receive_ack(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    FlowSlot *f = &s->flows[c->flow];
    if (c->byte > f->una) f->una = c->byte;
    if (c->kind == CELL_NACK) f->nxt = f->una;
    if (!s->compat && f->nxt < f->una)
        f->nxt = f->una; /* quirk in compat: what is in flight wraps, and the flow hangs */
    if (f->una >= f->size_b) {
        for (int i = 0; i < CC_N_TIMERS; i++) f->timer[i] = NONE;
        f->rto = NONE;
    }
    if (s->cc->ack) control(s, f, id);
    update_entry(s, f);
    uint32_t link = s->nics[f->nic].link;
    pktsim_packet_free(s, id);
    port_kick(s, link);
}

static void receive_credit(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    FlowSlot *f = &s->flows[c->flow];
    uint32_t link = s->nics[f->nic].link;
    s->cc->credit(&f->cc, c->byte);
    rate_changed(s, f);
    update_entry(s, f);
    pktsim_packet_free(s, id);
    port_kick(s, link);
}

void host_on_arrival(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    pktsim_trace(s, PKT_TRACE_RECEIVE, c->link, c);
    if (c->kind == CELL_DATA) receive_data(s, id);
    else if (c->kind <= CELL_NACK) receive_ack(s, id);
    else if (c->kind == CELL_CREDIT) receive_credit(s, id);
    else receive_trimmed(s, id);
}

/* ---- the retransmission timer (not in compat) ---- */

int64_t host_news_ticks(const PktSim *s, int64_t longest_hop) {
    int64_t rto = (int64_t)(RTO_NS * (double)s->ticks_per_ns);
    return longest_hop < rto ? longest_hop : rto;
}

/* Sets the timer as of tick `since`. */
static void arm_rto(PktSim *s, uint32_t slot, FlowSlot *f, int64_t since) {
    uint32_t id = f->rto = pktsim_cell_new(s, CELL_RTO);
    PktCell *c = pktsim_cell(s, id);
    c->flow = slot;
    c->byte = f->index;
    f->rto_una = f->una;
    int backoff = f->n_rto < MAX_BACKOFF ? f->n_rto : MAX_BACKOFF;
    double delay_ns = (RTO_NS + 4 * f->cc.base_rtt_ns) * (double)(1 << backoff);
    pktsim_schedule(s, id, since + (int64_t)(delay_ns * (double)s->ticks_per_ns));
}

void host_on_gone(PktSim *s, uint32_t id, bool dropped) {
    if (s->compat) {
        pktsim_packet_free(s, id);
        return;
    }
    PktCell *c = pktsim_cell(s, id);
    c->kind = CELL_GONE;
    c->event = EVENT_OTHER;
    c->byte = c->ev.tie;
    c->marked = dropped;
    int64_t time = s->now + s->news_ticks;
    if (!s->part || !part_send_news(s, id, time)) pktsim_schedule(s, id, time);
}

void host_on_news(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    FlowSlot *f = &s->flows[c->flow];
    if (c->marked && f->rto == NONE && f->una < f->size_b && f->pos != NONE)
        arm_rto(s, c->flow, f, s->now - s->news_ticks);
    pktsim_packet_free(s, id);
}

void host_on_rto(PktSim *s, uint32_t id) {
    const PktCell *c = pktsim_cell(s, id);
    uint32_t slot = c->flow;
    FlowSlot *f = &s->flows[slot];
    bool current = f->index == c->byte && f->rto == id;
    pktsim_cell_free(s, id);
    if (!current) return;
    f->rto = NONE;
    if (f->una > f->rto_una) {
        f->n_rto = 0;
        arm_rto(s, slot, f, s->now);
        return;
    }
    s->stats->n_timeouts++;
    f->n_rto++;
    f->nxt = f->una;
    f->asks = s->pullers != NULL;
    if (s->cc->timeout) {
        s->cc->timeout(&f->cc, &s->cc_conf);
        rate_changed(s, f);
    }
    update_entry(s, f);
    if (f->n_rto < MAX_TIMEOUTS) arm_rto(s, slot, f, s->now);
    port_kick(s, s->nics[f->nic].link);
}
