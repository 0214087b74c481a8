/* flowslot: flows come and go.
 *
 * A starting flow's paths, of data and of ACKs, are looked up once and kept beside its slot, so
 * that a packet's next link is one load. Its congestion control starts at line rate (there is no
 * slow start), in compat at 10 Gb/s, the line rate of all hosts that the reference was made for.
 *
 * Invariant: a slot is in use exactly while its flow is in its NIC's list or has packets in the
 * network. Timers may outlive it: they name the flow's index, which a reused slot no longer has. */
#include "packet/flowslot.h"

#include <string.h>

#include "packet/ideal.h"
#include "packet/part.h"
#include "packet/pktsim_private.h"

/* What the reference has as fixed numbers: HPCC's base round trip and TIMELY's least one, in ns.
 * Outside compat both are the path's. */
static const double COMPAT_BASE_RTT_NS = 14400, COMPAT_MIN_RTT_NS = 20000;
/* No control goes below this share of the line rate: the reference's 1 of 10 Gb/s. */
static const double MIN_RATE_SHARE = 0.1;

static void grow(PktSim *s) {
    size_t cap = s->cap_slots;
    MEM_GROW(s->flows, cap, (size_t)s->n_slots + 1);
    s->cap_slots = (uint32_t)cap;
    s->sinks = mem_realloc(s->sinks, cap, sizeof *s->sinks);
    s->paths = mem_realloc(s->paths, cap * 2 * (s->max_links + 1), sizeof *s->paths);
    if (forward_reorders(s->forward)) forward_grow(s);
    if (!s->max_stamps) return;
    s->hops_before = mem_realloc(s->hops_before, cap * s->max_stamps, sizeof *s->hops_before);
    s->hop_rates = mem_realloc(s->hop_rates, cap * s->max_stamps, sizeof *s->hop_rates);
}

static uint32_t take(PktSim *s) {
    if (++s->n_active > s->stats->peak_active_flows) s->stats->peak_active_flows = s->n_active;
    if (s->part) part_count_flow(s, 1);
    uint32_t slot = s->spare_slot;
    if (slot != NONE) {
        s->spare_slot = s->flows[slot].timer[0];
        return slot;
    }
    if (s->n_slots == s->cap_slots) grow(s);
    return s->n_slots++;
}

void flowslot_release(PktSim *s, uint32_t slot) {
    const FlowSlot *f = &s->flows[slot];
    if (s->part && s->compat) part_touch(s, slot);
    if (f->pos != NONE || f->n_packets > 0) return;
    if (s->part) part_count_flow(s, -1);
    flowslot_give_back(s, slot);
}

void flowslot_give_back(PktSim *s, uint32_t slot) {
    FlowSlot *f = &s->flows[slot];
    f->index = NONE;
    f->timer[0] = s->spare_slot;
    s->spare_slot = slot;
    s->n_active--;
}

/* The round trip of a full packet and its ACK in the empty network. */
static double base_rtt_ns(const PktSim *s, const uint32_t *links, uint32_t n) {
    double ns = 0;
    for (uint32_t i = 0; i < n; i++) {
        const Link *l = &s->topo->links[links[i]];
        ns += wire_hop_rtt_ns(l->rate_bps, l->delay_ns, s->full_wire_b, s->ack_wire_b);
    }
    return ns;
}

/* Both ends know what the sender may send at first. */
static void start_control(PktSim *s, uint32_t slot, uint32_t n_links) {
    const uint32_t *path = &s->paths[pktsim_path(s, slot, 0)];
    uint32_t index = s->sinks[slot].index;
    double nic = s->topo->links[path[0]].rate_bps, line = s->compat ? WIRE_REF_BPS : nic,
           rtt = base_rtt_ns(s, path, n_links);
    CcFlow *cc = &s->flows[slot].cc;
    *cc = (CcFlow){.rate_bps = (uint64_t)(nic < line ? nic : line),
                   .max_rate_bps = (uint64_t)line,
                   .min_rate_bps = (uint64_t)(line * MIN_RATE_SHARE),
                   .nic_rate_bps = (uint64_t)nic,
                   .max_rate_window_b = (uint64_t)s->cc_conf.conf.line_window_b,
                   .n_links = n_links,
                   .line_scale = s->compat ? 1 : line / WIRE_REF_BPS,
                   .base_rtt_ns = s->compat ? COMPAT_BASE_RTT_NS : rtt,
                   .min_rtt_ns = s->compat ? COMPAT_MIN_RTT_NS : rtt};
    s->cc->start(cc, &s->cc_conf);
    const PktStretch *x = s->opt->stretch;
    if (x && index < x->n_begun) cc_go_on(s->cc, cc, &s->cc_conf, x->rate_bps[index]);
    s->sinks[slot].granted = cc->window_b;
    flowslot_set_hop_rates(s, slot);
}

void flowslot_set_hop_rates(PktSim *s, uint32_t slot) {
    const uint32_t *path = &s->paths[pktsim_path(s, slot, 0)];
    for (uint32_t i = 0; i < s->max_stamps && path[i + 1] != NONE; i++)
        s->hop_rates[(size_t)slot * s->max_stamps + i] =
            s->kinds[s->ports[path[i + 1]].kind].rate_bps;
}

/* Returns how many links the path of data has. */
static uint32_t find_paths(PktSim *s, uint32_t slot) {
    uint32_t index = s->sinks[slot].index, src = s->in->src[index], dst = s->in->dst[index], n,
             n_back;
    uint32_t *path = &s->paths[pktsim_path(s, slot, 0)], *back = &s->paths[pktsim_path(s, slot, 1)];
    uint16_t sport = s->sport[index];
    if (s->forward) {
        forward_path(s, src, dst, sport, ROUTE_DPORT, path, &n);
        forward_path(s, dst, src, ROUTE_DPORT, sport, back, &n_back);
    } else {
        n = ideal_path(s->route, s->compat, src, dst, sport, ROUTE_DPORT, path);
        n_back = ideal_path(s->route, s->compat, dst, src, ROUTE_DPORT, sport, back);
    }
    path[n] = back[n_back] = NONE;
    return n;
}

/* Of both paths, what follows the NONE at their ends is not looked at. */
bool flowslot_find_paths(PktSim *s, uint32_t slot) {
    uint32_t before[2][PKTSIM_MAX_LINKS + 1], n_room = s->max_links + 1;
    for (uint32_t d = 0; d < 2; d++)
        memcpy(before[d], &s->paths[pktsim_path(s, slot, d)], n_room * sizeof **before);
    find_paths(s, slot);
    bool same = true;
    for (uint32_t d = 0; d < 2; d++) {
        const uint32_t *now = &s->paths[pktsim_path(s, slot, d)];
        uint32_t i = 0;
        while (now[i] != NONE && now[i] == before[d][i]) i++;
        same = same && now[i] == before[d][i];
    }
    if (!same) flowslot_set_hop_rates(s, slot);
    return !same;
}

static FlowSink new_sink(const PktSim *s, uint32_t index, int64_t started) {
    return (FlowSink){
        .size_b = s->in->size_b[index], .trimmed = UINT64_MAX, .started = started, .index = index};
}

/* Slots that have had no flow here are all zero. */
void flowslot_meet(PktSim *s, uint32_t slot, uint32_t index) {
    FlowSink *f = &s->sinks[slot];
    if (f->index == index && f->size_b > 0) return;
    *f = new_sink(s, index, pktsim_start_tick(s, index));
    uint32_t n = find_paths(s, slot);
    if (s->pullers) start_control(s, slot, n);
    if (forward_reorders(s->forward)) forward_start(s, slot);
}

uint32_t flowslot_start(PktSim *s, uint32_t index) {
    if (s->after && after_holds(s->after, index, s->now)) return NONE;
    if (s->forward && forward_is_hopeless(s, s->in->src[index], s->in->dst[index])) {
        pktsim_count_unreachable(s, index);
        return NONE;
    }
    uint32_t slot = take(s);
    FlowSlot *f = &s->flows[slot];
    *f = (FlowSlot){.size_b = s->in->size_b[index], .index = index, .pos = NONE, .rto = NONE};
    s->sinks[slot] = new_sink(s, index, s->now);
    for (int i = 0; i < CC_N_TIMERS; i++) f->timer[i] = NONE;
    if (forward_reorders(s->forward)) forward_start(s, slot);
    if (s->opt->started_ns)
        s->opt->started_ns[index] =
            (double)s->first_start_ns + (double)s->now / (double)s->ticks_per_ns;
    uint32_t n = find_paths(s, slot);
    f->nic = s->ports[s->paths[pktsim_path(s, slot, 0)]].nic;
    start_control(s, slot, n);
    return slot;
}
