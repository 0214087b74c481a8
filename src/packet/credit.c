/* credit: pulls of receivers, one after the other, at the pace of the receiver's link.
 *
 * A receiver learns of a flow and its size by the first packet to arrive. While there are bytes
 * that the flow has no credit for, and less than eqds_max_wnd of what it was granted is still to
 * come (senders may be busy with others), it is in its NIC's list, which is served round robin:
 * every time that eqds_credit_per_pull full packets take at eqds_pull_rate of the link's rate, a
 * credit packet goes to the sender of the next one. It tells up to which byte the sender may send:
 * a sum, so that one which is lost is made up for by the next.
 *
 * Where a sender goes back, credit counts from there on again: its receiver asks it to by a NACK,
 * or its timer does, and then its first packet says so (PktCell.echo).
 *
 * Invariant: a flow is in its receiver's list exactly while it has been heard of and wants credit;
 * one that is complete does not. */
#include "packet/credit.h"

#include <math.h>
#include <stdlib.h>

#include "packet/part.h"
#include "packet/pktsim_private.h"

void credit_new(PktSim *s) {
    const NetConf *conf = &s->cc_conf.conf;
    double packets = ceil(conf->line_window_b * conf->eqds_max_wnd / WIRE_PAYLOAD_B);
    s->credit_wnd_b = (uint64_t)fmin(packets, 1e15) * WIRE_PAYLOAD_B;
    s->pullers = ARENA_NEW(&s->arena, Puller, s->n_nics);
    for (uint32_t i = 0; i < s->n_nics; i++) s->pullers[i] = (Puller){0};
}

void credit_free(PktSim *s) {
    for (uint32_t i = 0; s->pullers && i < s->n_nics; i++) free(s->pullers[i].list);
}

/* The NIC of a flow's receiver: that of the first link of its ACKs. */
static uint32_t nic_of(const PktSim *s, uint32_t slot) {
    return s->ports[s->paths[pktsim_path(s, slot, 1)]].nic;
}

static bool wants(const PktSim *s, const FlowSink *f) {
    return f->expected < f->size_b && f->granted < f->size_b &&
           f->granted < f->expected + s->credit_wnd_b;
}

static void schedule(PktSim *s, uint32_t nic) {
    Puller *p = &s->pullers[nic];
    if (p->due || p->n == 0) return;
    uint32_t id = pktsim_cell_new(s, CELL_CREDIT_DUE);
    pktsim_cell(s, id)->link = nic;
    p->due = true;
    pktsim_schedule(s, id, p->next_at > s->now ? p->next_at : s->now);
}

void credit_join(PktSim *s, uint32_t slot) {
    FlowSink *f = &s->sinks[slot];
    if (f->granted < f->expected) f->granted = f->expected;
    if (f->wants || !wants(s, f)) return;
    uint32_t nic = nic_of(s, slot);
    Puller *p = &s->pullers[nic];
    MEM_GROW(p->list, p->cap, p->n + 1);
    p->list[p->n++] = slot;
    f->wants = true;
    schedule(s, nic);
}

/* Takes out entry i; the one after it is then at its place. */
static void take_out(PktSim *s, Puller *p, size_t i) {
    s->sinks[p->list[i]].wants = false;
    p->n--;
    for (size_t k = i; k < p->n; k++) p->list[k] = p->list[k + 1];
    if (p->next > i) p->next--;
    if (p->next >= p->n) p->next = 0;
}

void credit_leave(PktSim *s, uint32_t slot) {
    if (!s->sinks[slot].wants) return;
    Puller *p = &s->pullers[nic_of(s, slot)];
    size_t i = 0;
    while (p->list[i] != slot) i++;
    take_out(s, p, i);
}

void credit_restart(PktSim *s, uint32_t slot, uint64_t from) {
    s->sinks[slot].granted = from;
    credit_join(s, slot);
}

void credit_on_data(PktSim *s, const PktCell *c, uint32_t payload_b) {
    FlowSink *f = &s->sinks[c->flow];
    uint64_t end = c->byte + payload_b;
    if (!c->echo) return;
    f->granted = end > f->expected ? end : f->expected;
    credit_join(s, c->flow);
}

static void send_credit(PktSim *s, uint32_t slot) {
    uint32_t id = pktsim_cell_new(s, CELL_CREDIT);
    PktCell *c = pktsim_cell(s, id);
    c->flow = slot;
    c->ev.tie = s->sinks[slot].index;
    c->n_hops = 0;
    c->marked = c->echo = false;
    c->wire_b = (uint16_t)s->ack_wire_b;
    c->byte = s->sinks[slot].granted;
    c->sent = s->now;
    if (!s->part || !part_credit_sent(s, slot)) s->flows[slot].n_packets++;
    pktsim_enter(s, c, pktsim_path(s, slot, 1));
    Port *p = &s->ports[c->link];
    port_queue_put(s, &p->control, id);
    pktsim_trace(s, PKT_TRACE_ENQUEUE, c->link, c);
    port_kick(s, c->link);
}

void credit_on_due(PktSim *s, uint32_t id) {
    uint32_t nic = pktsim_cell(s, id)->link;
    Puller *p = &s->pullers[nic];
    const NetConf *conf = &s->cc_conf.conf;
    pktsim_cell_free(s, id);
    p->due = false;
    if (p->n == 0) return;
    uint32_t slot = p->list[p->next];
    FlowSink *f = &s->sinks[slot];
    uint64_t packets = (uint64_t)ceil(conf->eqds_credit_per_pull);
    f->granted += packets * WIRE_PAYLOAD_B;
    double rate_bps = s->kinds[s->ports[s->nics[nic].link].kind].rate_bps * conf->eqds_pull_rate;
    p->next_at = s->now + pktsim_ticks(s, (double)packets * s->full_wire_b, rate_bps);
    if (f->granted > f->size_b) f->granted = f->size_b;
    if (!wants(s, f)) {
        take_out(s, p, p->next);
    } else {
        p->next = (p->next + 1) % p->n;
    }
    send_credit(s, slot);
    schedule(s, nic);
}
