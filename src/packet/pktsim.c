/* pktsim: set-up of a run, the event loop, flows coming and going, results.
 *
 * The loop takes events in order of (time, rank) until nothing can move any more: no packet is on
 * its way, no NIC is due to look for one, no flow is to come. (Timers of congestion controls alone
 * move nothing.) Packets may still sit in queues then, behind a pause that is never lifted.
 *
 * Flow state is kept in slots, taken at a flow's start and given back when both ends are done and
 * no packet refers to it. Memory follows the active flows and packets, not the trace. Paths are
 * looked up once a flow.
 *
 * Left out: link errors, several priority classes of data, TCP. */
#include "packet/pktsim.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "packet/compat.h"
#include "packet/ideal.h"
#include "packet/pktsim_private.h"

enum { STOCK = 16, EVENTS_PER_LOOK = 1 << 16 };
enum {
    COMPAT_STREAMS = 2,
    COMPAT_STREAMS_PER_NODE = 6
}; /* random streams in use there before the first packet */
static const double COMPAT_BASE_RTT_NS = 14400, COMPAT_MIN_RTT_NS = 20000, MIN_RATE_SHARE = 0.1;
static const double MIN_LINK_BPS = 1e3, MAX_DELAY_NS = 1e12, MIN_BUFFER_B = 4000;

/* ---- time ---- */

int64_t sim_ticks(const Sim *s, double bytes, double rate_bps) {
    return pkt_ticks(s->compat, bytes, rate_bps);
}

/* ---- cells ---- */

static void grow_cells(Sim *s, uint32_t need) {
    size_t cap = 2 * (size_t)s->cap_cells + need;
    Cell *cells = cap < NONE ? aligned_alloc(sizeof *cells, cap * sizeof *cells) : NULL;
    if (!cells) diag_die("out of memory: %zu packets at once", cap);
    if (s->n_cells) memcpy(cells, s->cells, s->n_cells * sizeof *cells);
    free(s->cells);
    s->cells = cells;
    s->cap_cells = (uint32_t)cap;
    s->q.nodes = (unsigned char *)s->cells;
    if (s->max_stamps) s->hops = mem_realloc(s->hops, cap * s->max_stamps, sizeof *s->hops);
}

void sim_stock_cells(Sim *s, uint32_t need) {
    if (s->cap_cells - s->n_cells + s->n_spare < need) grow_cells(s, need);
}

uint32_t sim_cell_new(Sim *s, CellKind kind) {
    uint32_t id = s->spare_cells;
    if (id != NONE) {
        s->spare_cells = s->cells[id].ev.next;
        s->n_spare--;
    } else {
        assert(s->n_cells < s->cap_cells);
        id = s->n_cells++;
    }
    s->cells[id].kind = (uint8_t)kind;
    return id;
}

void sim_cell_drop(Sim *s, uint32_t id) {
    s->cells[id].ev.next = s->spare_cells;
    s->spare_cells = id;
    s->n_spare++;
}

void sim_packet_drop(Sim *s, uint32_t id) {
    uint32_t slot = s->cells[id].flow;
    sim_cell_drop(s, id);
    s->flows[slot].n_about--;
    flow_release(s, slot);
}

void sim_trace_out(Sim *s, PktTraceKind kind, uint32_t link, const Cell *c) {
    static const PktType type_of[] = {[CELL_DATA] = PKT_DATA,
                                      [CELL_ACK] = PKT_ACK,
                                      [CELL_NACK] = PKT_NACK,
                                      [CELL_PAUSE] = PKT_PAUSE,
                                      [CELL_RESUME] = PKT_RESUME};
    bool frame = c->flow == NONE;
    PktTraceEvent e = {.kind = kind,
                       .type = type_of[c->kind],
                       .time_ns =
                           (double)s->first_start_ns + (double)s->now / (double)s->ticks_per_ns,
                       .link = link,
                       .queue_b = s->ports[link].data_b,
                       .flow = frame ? UINT64_MAX : s->flows[c->flow].index,
                       .byte = frame ? 0 : c->byte,
                       .wire_b = c->wire_b,
                       .marked = !frame && c->marked};
    s->opt->trace(s->opt->trace_ctx, &e);
}

/* ---- flows ---- */

void flow_release(Sim *s, uint32_t slot) {
    FlowSlot *f = &s->flows[slot];
    if (f->pos != NONE || f->n_about > 0) return;
    f->index = NONE;
    f->timer[0] = s->spare_slot;
    s->spare_slot = slot;
    s->n_active--;
}

static void grow_slots(Sim *s) {
    size_t cap = s->cap_slots;
    MEM_GROW(s->flows, cap, (size_t)s->n_slots + 1);
    s->cap_slots = (uint32_t)cap;
    s->paths = mem_realloc(s->paths, cap * 2 * s->max_links, sizeof *s->paths);
    if (!s->max_stamps) return;
    s->hops_before = mem_realloc(s->hops_before, cap * s->max_stamps, sizeof *s->hops_before);
    s->hop_rates = mem_realloc(s->hop_rates, cap * s->max_stamps, sizeof *s->hop_rates);
}

static uint32_t new_slot(Sim *s) {
    if (++s->n_active > s->stats->peak_active_flows) s->stats->peak_active_flows = s->n_active;
    uint32_t slot = s->spare_slot;
    if (slot != NONE) {
        s->spare_slot = s->flows[slot].timer[0];
        return slot;
    }
    if (s->n_slots == s->cap_slots) grow_slots(s);
    return s->n_slots++;
}

/* Out and back of a full packet and its ACK, in an empty network. */
static double base_rtt_ns(const Sim *s, const uint32_t *links, uint32_t n) {
    double ns = 0;
    for (uint32_t i = 0; i < n; i++) {
        const Link *l = &s->topo->links[links[i]];
        ns += wire_hop_rtt_ns(l->rate_bps, l->delay_ns, s->full_wire_b, s->ack_wire_b);
    }
    return ns;
}

static void init_cc(Sim *s, FlowSlot *f, uint32_t slot, const uint32_t *path, uint32_t n_links) {
    double nic = s->topo->links[path[0]].rate_bps, line = s->compat ? WIRE_REF_BPS : nic,
           rtt = base_rtt_ns(s, path, n_links);
    f->cc = (CcFlow){.rate_bps = (uint64_t)(nic < line ? nic : line),
                     .max_rate_bps = (uint64_t)line,
                     .min_rate_bps = (uint64_t)(line * MIN_RATE_SHARE),
                     .nic_rate_bps = (uint64_t)nic,
                     .max_rate_window_b = (uint64_t)s->cc_conf.conf.line_window_b,
                     .n_links = n_links,
                     .line_scale = s->compat ? 1 : line / WIRE_REF_BPS,
                     .base_rtt_ns = s->compat ? COMPAT_BASE_RTT_NS : rtt,
                     .min_rtt_ns = s->compat ? COMPAT_MIN_RTT_NS : rtt};
    s->cc->start(&f->cc, &s->cc_conf);
    for (uint32_t i = 0; i < s->max_stamps && i + 1 < n_links; i++) {
        s->hop_rates[(size_t)slot * s->max_stamps + i] = s->topo->links[path[i + 1]].rate_bps;
    }
}

static void start_flow(Sim *s, uint32_t index) {
    uint32_t slot = new_slot(s), src = s->in->src[index], dst = s->in->dst[index];
    FlowSlot *f = &s->flows[slot];
    *f = (FlowSlot){.size_b = s->in->size_b[index],
                    .started = s->now,
                    .index = index,
                    .pos = NONE,
                    .rto = NONE};
    for (int i = 0; i < CC_N_TIMERS; i++) f->timer[i] = NONE;
    uint32_t *path = &s->paths[sim_path(s, slot, 0)], *back = &s->paths[sim_path(s, slot, 1)];
    uint32_t n = pkt_path(s->route, s->compat, src, dst, s->sport[index], ROUTE_DPORT, path);
    uint32_t n_back = pkt_path(s->route, s->compat, dst, src, ROUTE_DPORT, s->sport[index], back);
    f->nic = s->ports[path[0]].nic;
    init_cc(s, f, slot, path, n);
    path[n - 1] |= PATH_END;
    back[n_back - 1] |= PATH_END;
    host_start_flow(s, slot);
}

static int64_t start_ns(const Sim *s, size_t index) {
    int64_t ns = s->in->start_ns[index];
    if (!s->compat) return ns;
    bool not_in_output =
        s->in->fct_ns && isnan(s->in->fct_ns[index]); /* unfinished there: as asked for */
    return s->asked_starts || not_in_output || compat_is_never_start(ns) ? compat_start_ns(ns) : ns;
}

static int64_t start_tick(const Sim *s, size_t index) {
    return (start_ns(s, index) - s->first_start_ns) * s->ticks_per_ns;
}

/* Starts all flows of this instant; `id` is the one cell that stands for the rest of the list. */
static void on_flow_due(Sim *s, uint32_t id) {
    while (s->next_due < s->in->n && start_tick(s, s->next_due) == s->now) {
        uint32_t index = (uint32_t)s->next_due++;
        sim_stock_cells(s, 2 * STOCK);
        if (!s->compat) {
            start_flow(s, index);
            continue;
        }
        uint32_t setup = sim_cell_new(s, CELL_FLOW_SETUP);
        sim_cell(s, setup)->byte = index;
        sim_schedule(s, setup, s->now);
    }
    if (s->next_due < s->in->n) sim_schedule(s, id, start_tick(s, s->next_due));
    else sim_cell_drop(s, id);
}

/* ---- the loop ---- */

static void handle(Sim *s, uint32_t id) {
    Cell *c = sim_cell(s, id);
    if (c->kind <= CELL_NACK) {
        s->stats->n_packet_hops++;
        if (c->last) host_on_arrival(s, id);
        else port_on_arrival_at_switch(s, id);
        return;
    }
    switch ((CellKind)c->kind) {
    case CELL_PORT_FREE: port_on_free(s, id); break;
    case CELL_NIC_WAKE: host_on_wake(s, id); break;
    case CELL_CC_TIMER: host_on_cc_timer(s, id); break;
    case CELL_RTO: host_on_rto(s, id); break;
    case CELL_FLOW_DUE: on_flow_due(s, id); break;
    case CELL_FLOW_SETUP:
        c->kind = CELL_FLOW_START;
        sim_schedule(s, id, s->now);
        break;
    case CELL_FLOW_START: {
        uint32_t index = (uint32_t)c->byte;
        sim_cell_drop(s, id);
        start_flow(s, index);
        break;
    }
    default: s->stats->n_packet_hops++; port_on_pause(s, id);
    }
}

static int loop(Sim *s, Err *err) {
    int64_t stop =
        s->opt->stop_ns > 0 ? (int64_t)(s->opt->stop_ns * (double)s->ticks_per_ns) : INT64_MAX;
    Progress progress;
    progress_init(&progress, s->opt->log, "flows", s->in->n);
    int rc = 0;
    while (s->n_live > 0) {
        sim_stock_cells(s, STOCK);
        uint32_t id = evq_pop(&s->q);
        const Cell *c = sim_cell(s, id);
        s->now = c->ev.time;
        s->now_rank = c->ev.seq;
        if (s->now > stop) break;
        s->n_live -= c->kind != CELL_CC_TIMER;
        if (++s->stats->n_events % EVENTS_PER_LOOK == 0) {
            progress_update(&progress, s->stats->n_finished);
            if (diag_stop_requested()) {
                rc = err_stopped(err);
                break;
            }
        }
        handle(s, id);
    }
    progress_finish(&progress);
    return rc;
}

/* ---- set-up ---- */

static void init_port(Sim *s, uint32_t link) {
    const Link *l = &s->topo->links[link];
    Port *p = &s->ports[link];
    *p = (Port){.free_at = -1,
                .first = {NONE, NONE},
                .data = {NONE, NONE},
                .at_host = s->topo->is_host[l->from] != 0,
                .nic = NONE,
                .delay_ticks = (int64_t)(l->delay_ns * (double)s->ticks_per_ns + 0.5),
                .marking = {UINT32_MAX, UINT32_MAX, 0},
                .rate_bps = l->rate_bps};
    p->full_ticks = sim_ticks(s, s->full_wire_b, l->rate_bps);
    p->ack_ticks = sim_ticks(s, s->ack_wire_b, l->rate_bps);
    if (s->cc->marking) s->cc->marking(&s->cc_conf, l->rate_bps, &p->marking);
    s->cells[link].kind = CELL_PORT_FREE;
    if (!p->at_host) return;
    p->nic = s->n_nics++;
    s->nics[p->nic] = (Nic){.link = link, .wake = NONE};
}

/* 2 at host rate, one less per doubling, as in the reference. */
static uint8_t threshold_shift(double rate_bps, double host_rate_bps) {
    uint8_t shift = 2;
    for (double r = rate_bps; r > host_rate_bps && shift > 0; r /= 2) shift--;
    return shift;
}

static uint32_t headroom_size(const Sim *s, const Link *l) {
    double b = s->compat ? wire_headroom_compat_b(l->rate_bps, l->delay_ns)
                         : wire_headroom_b(l->rate_bps, l->delay_ns, s->full_wire_b);
    return (uint32_t)fmin(b, UINT32_MAX / 2);
}

static void init_ingress(Sim *s, uint32_t link, double host_rate_bps) {
    const Link *l = &s->topo->links[link];
    Ingress *in = &s->ingress[link];
    *in = (Ingress){0};
    if (s->topo->is_host[l->to]) return;
    in->headroom_size_b = headroom_size(s, l);
    in->sw = l->to;
    in->shift = threshold_shift(l->rate_bps, host_rate_bps);
    s->switches[l->to].free_b -= (int64_t)in->headroom_size_b + WIRE_RESERVE_B;
}

static double slowest_host_rate(const Topo *t) {
    double r = t->host_rate_bps[0];
    for (uint32_t h = 1; h < t->n_hosts; h++) r = fmin(r, t->host_rate_bps[h]);
    return r;
}

static void init_network(Sim *s) {
    const Topo *t = s->topo;
    int64_t horizon = 1;
    s->ports = ARENA_NEW(&s->arena, Port, t->n_links);
    s->ingress = ARENA_NEW(&s->arena, Ingress, t->n_links);
    s->switches = ARENA_NEW(&s->arena, Switch, t->n_nodes);
    s->nics = ARENA_NEW(&s->arena, Nic, t->n_links);
    grow_cells(s, t->n_links + STOCK);
    s->n_cells = t->n_links; /* cell i < n_links is the free event of port i */
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        s->switches[v] = (Switch){.size_b = (uint64_t)s->cc_conf.conf.buffer_b,
                                  .free_b = (int64_t)s->cc_conf.conf.buffer_b};
    }
    double host_rate = slowest_host_rate(t);
    for (uint32_t l = 0; l < t->n_links; l++) {
        init_port(s, l);
        init_ingress(s, l, host_rate);
        int64_t ahead = s->ports[l].full_ticks + s->ports[l].delay_ticks;
        if (ahead > horizon) horizon = ahead;
    }
    evq_init(&s->q, horizon, t->n_links);
    s->q.nodes = (unsigned char *)s->cells;
}

static void init_sizes(Sim *s) {
    uint32_t longest = route_max_links(s->route);
    s->max_links = longest;
    s->header_b = s->cc->header_b;
    s->ack_wire_b = s->cc->ack_b;
    if (s->cc->telemetry) {
        s->max_stamps = longest > 1 ? longest - 1 : 1;
        uint32_t extra = s->max_stamps > WIRE_TELEMETRY_HOPS
                             ? (s->max_stamps - WIRE_TELEMETRY_HOPS) * WIRE_TELEMETRY_HOP_B
                             : 0;
        s->header_b += extra;
        s->ack_wire_b += extra;
    }
    s->full_wire_b = WIRE_PAYLOAD_B + s->header_b;
}

static void init(Sim *s, const Route *r, const Flows *f, const NetConf *conf, const PktOptions *opt,
                 double *fct_ns, PktStats *stats) {
    *s = (Sim){.spare_cells = NONE,
               .spare_slot = NONE,
               .route = r,
               .topo = route_topo(r),
               .in = f,
               .opt = opt,
               .fct_ns = fct_ns};
    s->stats = stats;
    s->compat = opt->compat;
    s->tracing = opt->trace != NULL;
    s->ticks_per_ns = opt->compat ? 1 : 1000;
    s->cc_conf = cc_conf(conf, opt->compat);
    s->cc = cc_find(opt->cc ? opt->cc : netconf_cc_name(conf->cc));
    s->rng = rng_stream(opt->seed, "marking", 0);
    if (s->compat) s->mrg = mrg_at(COMPAT_STREAMS + COMPAT_STREAMS_PER_NODE * s->topo->n_nodes);
    init_sizes(s);
    init_network(s);
    s->sport = ARENA_NEW(&s->arena, uint16_t, f->n);
    if (s->compat) s->asked_starts = compat_has_asked_starts(f);
    if (f->n > 0) s->first_start_ns = start_ns(s, 0);
    route_sports(s->topo, f->src, f->dst, f->n, s->sport);
    if (f->n > 0) sim_schedule(s, sim_cell_new(s, CELL_FLOW_DUE), 0);
}

static void release(Sim *s) {
    for (uint32_t i = 0; i < s->n_nics; i++) free(s->nics[i].list);
    evq_free(&s->q);
    free(s->cells);
    free(s->flows);
    free(s->paths);
    free(s->hops);
    free(s->hops_before);
    free(s->hop_rates);
    arena_free(&s->arena);
}

int pktsim_check_cc(const char *name, Err *err) {
    char known[128];
    if (cc_find(name)) return 0;
    cc_list(known, sizeof known);
    return err_input(err, "--cc: expected %s, got '%.40s'", known, name);
}

static int check(const Route *r, const Flows *f, const PktOptions *opt, const NetConf *conf,
                 Err *err) {
    const Topo *t = route_topo(r);
    if (netconf_check(conf, err) != 0) return -1;
    if (opt->cc && pktsim_check_cc(opt->cc, err) != 0) return -1;
    if (opt->compat && cc_find(opt->cc ? opt->cc : netconf_cc_name(conf->cc))->own_design)
        return err_input(err, "cc=%s: the HPCC authors' ns-3 does not have it; leave out --compat",
                         opt->cc ? opt->cc : netconf_cc_name(conf->cc));
    if (route_max_links(r) > MAX_LINKS) {
        return err_input(err, "%s: paths of %u links: the packet simulation takes at most %d",
                         t->name, route_max_links(r), MAX_LINKS);
    }
    for (uint32_t l = 0; l < t->n_links; l++) {
        if (t->links[l].rate_bps < MIN_LINK_BPS || t->links[l].delay_ns > MAX_DELAY_NS) {
            return err_input(err,
                             "%s: link %llu to %llu: the packet simulation takes rates from 1 "
                             "kbit/s and delays up to 1000 s",
                             t->name, (unsigned long long)t->node_id[t->links[l].from],
                             (unsigned long long)t->node_id[t->links[l].to]);
        }
    }
    if (conf->buffer_b < MIN_BUFFER_B)
        return err_input(err,
                         "buffer: the packet simulation needs at least 4 KB, to hold a packet");
    if (f->n >= NONE) return err_input(err, "flows: at most %u, got %zu", NONE - 1, f->n);
    if (f->n > 0 && (double)f->start_ns[f->n - 1] - (double)f->start_ns[0] > 8e15) {
        return err_input(err, "flows: start times must lie within 8e15 ns of each other");
    }
    return 0;
}

static void finish_stats(const Sim *s, double wall_s) {
    PktStats *st = s->stats;
    st->n_unfinished = s->in->n - st->n_finished;
    st->peak_packets = s->n_cells - s->topo->n_links;
    st->sim_ns = (double)s->now / (double)s->ticks_per_ns;
    st->wall_s = wall_s;
    for (uint32_t l = 0; l < s->topo->n_links; l++) {
        uint8_t tier = s->topo->tier[s->topo->links[l].from];
        if (tier >= PKT_MAX_TIERS) tier = PKT_MAX_TIERS - 1;
        if (s->ports[l].peak_b > st->peak_queue_b[tier])
            st->peak_queue_b[tier] = s->ports[l].peak_b;
    }
}

int pktsim_run(const Route *r, const Flows *f, const NetConf *conf, const PktOptions *opt,
               double *fct_ns, PktStats *stats, Err *err) {
    if (check(r, f, opt, conf, err) != 0) return -1;
    PktStats own = {0};
    Sim s;
    double begin = diag_now_s();
    stats = stats ? stats : &own;
    *stats = (PktStats){0};
    for (size_t i = 0; i < f->n; i++) fct_ns[i] = NAN;
    init(&s, r, f, conf, opt, fct_ns, stats);
    int rc = loop(&s, err);
    finish_stats(&s, diag_now_s() - begin);
    release(&s);
    return rc;
}
