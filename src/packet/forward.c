/* forward: networks whose switches decide packet by packet: as links fail, degrade and come back,
 * and as routings other than ECMP ask for.
 *
 *     links   whole ─────▶ 1 ms: 0-256 dead ──────────────────▶ 3 ms: whole ───────────────
 *     routes  whole ────────────── 1 ms + delay: around it ─────────── 3 ms + delay: whole
 *
 * A change of links (net/timeline) has two events: at its time ports and links are as they are
 * then; reroute_delay later so are routes. In between, packets go on to a dead link. Its port sends
 * them, and what was waiting for it, at its rate, and they are lost, as is what was on the way when
 * the link died. A link that dies or comes back is not paused and pauses nobody.
 *
 * At a switch the next link is chosen when a packet arrives, by the hash that paths are walked by
 * (net/route), so that without a change a run has the packets of one that follows fixed paths. At
 * hosts the first link of a flow's path is looked up when routes change: the flow moves to that
 * NIC, and its ACKs with it.
 *
 * A flow whose host is cut off sends until its timer gives up, or something changes; once no change
 * of routes is to come it ends at once, unfinished, and is counted.
 *
 * Routings (NetConf.routing) choose among the same next hops, for data; ACKs and credit take their
 * flow's hash, and hosts with several links choose one for a flow.
 *
 *     ecmp       the flow's hash
 *     wcmp       the same, next hops weighted with the rates of their links
 *     spray      at random
 *     spray-rr   in turn, whatever the flow
 *     flowlet    the hash of flow and flowlet: a packet that leaves its host more than flowlet_gap
 *                after the one before begins the next
 *     adaptive   the shortest data queue; of equal ones in turn
 *
 * Where packets of a flow may overtake each other, the receiver keeps those that come early, up to
 * reorder_window bytes beyond the first missing one, acknowledges each with the byte that it
 * expects, and refuses what lies further ahead as it does without. A gap alone is no loss to it: a
 * lost packet is found out by the sender's timer, from which on what the receiver has is sent again
 * only until its ACK comes.
 *
 * Left out: a change of one switch's routes before another's, and with it loops; selective
 * retransmission. */
#include "packet/forward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "packet/pktsim_private.h"

/* ---- the choice of a next hop ---- */

/* From the flow's sender to its receiver. */
static bool goes_forth(const PktCell *c) { return c->kind == CELL_DATA || c->kind == CELL_TRIMMED; }

static uint32_t hash_of(const PktSim *s, const PktCell *c, uint32_t at, uint32_t flowlet) {
    const Topo *t = s->topo;
    uint32_t flow = s->sinks[c->flow].index, from = s->in->src[flow], to = s->in->dst[flow];
    uint16_t sport = s->sport[flow], dport = ROUTE_DPORT;
    if (!goes_forth(c)) {
        uint32_t swap = from;
        from = to;
        to = swap;
        dport = sport;
        sport = ROUTE_DPORT;
    }
    return route_hash(route_node_ip(t->node_id[t->host_node[from]]),
                      route_node_ip(t->node_id[t->host_node[to]]), sport, dport,
                      (uint32_t)t->node_id[at] + flowlet * 0x9e3779b9u);
}

/* Each next hop in proportion to its rate. */
static uint32_t by_weight(const PktSim *s, const uint32_t *next, uint32_t n, uint32_t hash) {
    const TimelinePhase *p = s->forward->ways;
    double sum = 0, at;
    for (uint32_t i = 0; i < n; i++) sum += p->rate_bps[timeline_link(p, next[i])];
    at = hash / 4294967296.0 * sum;
    for (uint32_t i = 0; i + 1 < n; i++) {
        at -= p->rate_bps[timeline_link(p, next[i])];
        if (at < 0) return i;
    }
    return n - 1;
}

/* The shortest queue; of equal ones, in turn. */
static uint32_t by_queue(const PktSim *s, const uint32_t *next, uint32_t n, uint32_t first) {
    const TimelinePhase *p = s->forward->ways;
    uint32_t best = first % n;
    uint64_t least = s->ports[timeline_link(p, next[best])].data_b;
    for (uint32_t k = 1; k < n; k++) {
        uint32_t i = (first + k) % n;
        uint64_t queue_b = s->ports[timeline_link(p, next[i])].data_b;
        if (queue_b < least) least = queue_b, best = i;
    }
    return best;
}

static uint32_t at_random(const PktSim *s, const PktCell *c, uint32_t n) {
    return (uint32_t)((pktsim_draw(s, s->forward->seed, c) >> 32) * n >> 32);
}

/* Which of n > 1 next hops a packet takes at node `at`. */
static uint32_t choose(PktSim *s, const PktCell *c, uint32_t at, const uint32_t *next, uint32_t n) {
    Forward *f = s->forward;
    Routing routing = f->routing;
    if (!goes_forth(c) && netconf_by_packet(routing)) routing = ROUTING_ECMP;
    switch (routing) {
    case ROUTING_WCMP: return by_weight(s, next, n, hash_of(s, c, at, 0));
    case ROUTING_SPRAY: return at_random(s, c, n);
    case ROUTING_SPRAY_RR: return f->turn[at]++ % n;
    case ROUTING_FLOWLET: return hash_of(s, c, at, c->at) % n;
    case ROUTING_ADAPTIVE: return by_queue(s, next, n, f->turn[at]++);
    default: return hash_of(s, c, at, 0) % n;
    }
}

/* ---- paths ---- */

uint32_t forward_next(PktSim *s, const PktCell *c, uint32_t in_link) {
    const TimelinePhase *p = s->forward->ways;
    uint32_t flow = s->sinks[c->flow].index, at = s->topo->links[in_link].to, n,
             to = goes_forth(c) ? s->in->dst[flow] : s->in->src[flow];
    uint32_t node = timeline_node(p, at), host = timeline_host(p, to);
    if (node == TOPO_NONE || host == TOPO_NONE) return NONE;
    const uint32_t *next = route_next(p->route, node, host, &n);
    if (n == 0) return NONE;
    return timeline_link(p, next[n > 1 ? choose(s, c, at, next, n) : 0]);
}

bool forward_path(const PktSim *s, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport,
                  uint32_t *links, uint32_t *n) {
    const TimelinePhase *p = s->forward->ways;
    uint32_t a = timeline_host(p, src), b = timeline_host(p, dst);
    if (a == TOPO_NONE || b == TOPO_NONE) {
        *n = route_path(s->route, src, dst, sport, dport, links);
        return false;
    }
    *n = route_path(p->route, a, b, sport, dport, links);
    for (uint32_t i = 0; i < *n; i++) links[i] = timeline_link(p, links[i]);
    return true;
}

bool forward_is_hopeless(const PktSim *s, uint32_t src, uint32_t dst) {
    const Forward *f = s->forward;
    return f->final &&
           (timeline_host(f->ways, src) == TOPO_NONE || timeline_host(f->ways, dst) == TOPO_NONE);
}

/* ---- receivers ---- */

void forward_grow(PktSim *s) {
    Forward *f = s->forward;
    f->held = mem_realloc(f->held, s->cap_slots, f->n_words * sizeof *f->held);
}

bool forward_reserve(Forward *f, size_t n) {
    f->held = mem_reserve(n * f->n_words, sizeof *f->held);
    return f->held != NULL;
}

void forward_release(Forward *f, size_t n) {
    mem_release(f->held, n * f->n_words, sizeof *f->held);
    f->held = NULL;
}

void forward_start(PktSim *s, uint32_t slot) {
    const Forward *f = s->forward;
    memset(&f->held[(size_t)slot * f->n_words], 0, f->n_words * sizeof *f->held);
}

bool forward_holds(PktSim *s, uint32_t slot, uint64_t byte, uint64_t expected) {
    const Forward *f = s->forward;
    uint64_t ahead = (byte - expected) / WIRE_PAYLOAD_B, k = byte / WIRE_PAYLOAD_B % f->n_held;
    if (ahead >= f->n_held) return false;
    f->held[(size_t)slot * f->n_words + k / 64] |= (uint64_t)1 << k % 64;
    return true;
}

bool forward_take(PktSim *s, uint32_t slot, uint64_t byte) {
    const Forward *f = s->forward;
    uint64_t k = byte / WIRE_PAYLOAD_B % f->n_held, bit = (uint64_t)1 << k % 64,
             *word = &f->held[(size_t)slot * f->n_words + k / 64];
    bool has = (*word & bit) != 0;
    *word &= ~bit;
    return has;
}

/* ---- links ---- */

bool forward_loses(const PktSim *s, const PktCell *c) {
    const Port *p = &s->ports[c->link];
    int64_t began = s->now - s->kinds[p->kind].delay_ticks - port_ticks(s, p, c->wire_b);
    return began < s->forward->lost_until[c->link];
}

static bool is_dead(const TimelinePhase *p, uint32_t link) { return p->dead && p->dead[link]; }

/* Neither end of a link that dies or comes back knows of a pause. */
static void forget_pause(PktSim *s, uint32_t link) {
    s->ingress[link].pausing = false;
    if (!s->ports[link].paused) return;
    s->ports[link].paused = false;
    if (s->series) series_pause(s->series, link, false, s->now);
    if (s->link_records) linkstats_pause(s->link_records, link, false, s->now);
    port_kick(s, link);
}

static void change_link(PktSim *s, uint32_t link, const TimelinePhase *now) {
    Forward *f = s->forward;
    bool was = is_dead(f->links, link), is = is_dead(now, link);
    if (now->rate_bps[link] != f->links->rate_bps[link])
        port_set_rate(s, link, now->rate_bps[link]);
    if (was == is) return;
    f->lost_until[link] = is ? INT64_MAX : s->now;
    forget_pause(s, link);
}

static void change_links(PktSim *s) {
    Forward *f = s->forward;
    const TimelinePhase *now = &f->timeline->phases[f->next_links++];
    for (uint32_t l = 0; l < s->topo->n_links; l++) {
        pktsim_reserve_cells(s, PKTSIM_STOCK);
        change_link(s, l, now);
    }
    f->links = now;
    s->error_rate = now->error_rate;
    for (uint32_t i = 0; s->max_stamps && i < s->n_slots; i++)
        if (s->flows[i].index != NONE) flowslot_set_hop_rates(s, i);
}

/* ---- routes ---- */

static void change_flow(PktSim *s, uint32_t slot) {
    uint32_t flow = s->flows[slot].index, src = s->in->src[flow], dst = s->in->dst[flow];
    if (forward_is_hopeless(s, src, dst)) host_give_up(s, slot);
    else if (flowslot_find_paths(s, slot)) host_change_path(s, slot);
}

static void change_ways(PktSim *s) {
    Forward *f = s->forward;
    f->ways = &f->timeline->phases[f->next_ways++];
    f->final = f->next_ways == f->timeline->n;
    for (uint32_t i = 0; i < s->n_slots; i++) {
        pktsim_reserve_cells(s, PKTSIM_STOCK);
        if (s->flows[i].index != NONE) change_flow(s, i);
    }
}

/* ---- time ---- */

/* When a phase begins, in ticks of the run; INT64_MAX: there is none, or long after all flows. */
static int64_t phase_tick(const PktSim *s, size_t i, int64_t delay) {
    const Timeline *t = s->forward->timeline;
    if (i >= t->n) return INT64_MAX;
    double ticks = (t->phases[i].at_ns - (double)s->first_start_ns) * (double)s->ticks_per_ns;
    return ticks < 4e18 ? (int64_t)ceil(fmax(ticks, -4e18)) + delay : INT64_MAX;
}

/* Applies the next change if it is not after `now`. */
static bool pass(PktSim *s, int64_t now) {
    const Forward *f = s->forward;
    int64_t links = phase_tick(s, f->next_links, 0), ways = phase_tick(s, f->next_ways, f->delay);
    if (links > now && ways > now) return false;
    if (links <= ways) change_links(s);
    else change_ways(s);
    return true;
}

static int64_t next_tick(const PktSim *s) {
    int64_t links = phase_tick(s, s->forward->next_links, 0),
            ways = phase_tick(s, s->forward->next_ways, s->forward->delay);
    return links < ways ? links : ways;
}

/* Before all else of that time. */
static void schedule(PktSim *s, uint32_t id) { evq_push(&s->q, id, next_tick(s), -1, 0); }

void forward_on_change(PktSim *s, uint32_t id) {
    while (pass(s, s->now)) continue;
    if (next_tick(s) < INT64_MAX) {
        schedule(s, id);
        return;
    }
    s->n_timers--;
    s->changes_to_come = false;
    pktsim_cell_free(s, id);
}

/* ---- set-up ---- */

uint32_t forward_n_kinds(const Timeline *t) {
    const Topo *topo = route_topo(t->phases[0].route);
    uint32_t n = topo->n_links;
    for (size_t i = 1; i < t->n; i++)
        for (uint32_t l = 0; l < topo->n_links; l++)
            n += t->phases[i].rate_bps[l] != t->phases[i - 1].rate_bps[l];
    return n;
}

/* The network as it is, for a run without a timeline. */
static void init_whole(PktSim *s, Forward *f) {
    const Topo *t = s->topo;
    f->whole = (TimelinePhase){.at_ns = -INFINITY,
                               .rate_bps = ARENA_NEW(&s->arena, double, t->n_links),
                               .error_rate = t->error_rate,
                               .route = s->route};
    for (uint32_t l = 0; l < t->n_links; l++) f->whole.rate_bps[l] = t->links[l].rate_bps;
    f->own = (Timeline){.phases = &f->whole, .n = 1, .max_links = route_max_links(s->route)};
    f->timeline = &f->own;
}

/* A reordering window of auto is twice the largest window of a flow: what is in flight, and what
 * credit grants ahead. */
static void init_routing(PktSim *s, Forward *f) {
    const NetConf *conf = &s->cc_conf.conf;
    f->routing = conf->routing;
    f->turn = ARENA_NEW(&s->arena, uint32_t, s->topo->n_nodes);
    memset(f->turn, 0, s->topo->n_nodes * sizeof *f->turn);
    Rng rng = rng_stream(s->opt->seed, "spraying", 0);
    f->seed = rng_next(&rng);
    f->gap = (int64_t)(conf->flowlet_gap_ns * (double)s->ticks_per_ns);
    if (!netconf_by_packet(conf->routing)) return;
    double window_b =
        conf->reorder_window_b == NETCONF_AUTO ? 2 * conf->line_window_b : conf->reorder_window_b;
    double most = (double)(1u << 20); /* packets: 1 GB of each flow */
    f->n_held = (uint32_t)fmin(ceil(window_b / WIRE_PAYLOAD_B), most) + 1;
    f->n_words = f->n_held / 64 + 1;
}

void forward_init(PktSim *s) {
    Forward *f = s->forward = ARENA_NEW(&s->arena, Forward, 1);
    *f = (Forward){.timeline = s->opt->timeline};
    if (!f->timeline) init_whole(s, f);
    const Timeline *t = f->timeline;
    f->delay = (int64_t)(t->reroute_delay_ns * (double)s->ticks_per_ns + 0.5);
    f->next_links = f->next_ways = 1;
    f->links = f->ways = t->phases;
    f->final = t->n == 1;
    f->lost_until = ARENA_NEW(&s->arena, int64_t, s->topo->n_links);
    for (uint32_t l = 0; l < s->topo->n_links; l++) f->lost_until[l] = INT64_MIN;
    init_routing(s, f);
    s->error_rate = f->links->error_rate;
    while (pass(s, 0)) continue;
    if (next_tick(s) == INT64_MAX) return;
    s->n_timers++;
    s->changes_to_come = true;
    schedule(s, pktsim_cell_new(s, CELL_CHANGE));
}

void forward_free(Forward *f) {
    if (f) free(f->held);
}
