/* pktsim: set-up of a run, the event loop, results.
 *
 * The loop takes events in order of time and rank until nothing can move any more: no packet is on
 * its way, no NIC is due to look for one, no flow is to come. (Timers of congestion controls alone
 * move nothing.) Packets may still sit in queues then, behind a pause that is never lifted. Memory
 * follows the active flows and the packets in the network, not the list of flows.
 *
 * Left out: link errors, several priority classes of data, TCP. */
#include "packet/pktsim.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/basebdp.h"
#include "packet/compat.h"
#include "packet/ideal.h"
#include "packet/parallel.h"
#include "packet/part.h"

/* Events between two looks at the clock and at requests to stop: some 5 ms. */
enum { EVENTS_PER_UPDATE = 1 << 16 };
/* Random streams that the reference has used up before the first packet: COMPAT_STREAMS and
 * COMPAT_STREAMS_PER_NODE. Found by comparing its marks; exact on all its cases with DCQCN. */
enum { COMPAT_STREAMS = 2, COMPAT_STREAMS_PER_NODE = 6 };
/* Limits. Serialisation at a tenth of the least rate, the longest round trip backed off, and the
 * span of starts are each below 2^63 ps; the least buffer holds more than one packet. */
static const double MIN_LINK_BPS = 1e3, MAX_DELAY_NS = 1e12, MAX_SPAN_NS = 8e15,
                    MIN_BUFFER_B = 4000, MAX_TICKS = 9e18; /* below 2^63 */

/* ---- cells ---- */

static void grow_cells(PktSim *s, uint32_t need) {
    size_t cap = 2 * (size_t)s->cap_cells + need;
    PktCell *cells = cap < NONE ? aligned_alloc(sizeof *cells, cap * sizeof *cells) : NULL;
    if (!cells) diag_out_of_memory("%zu packets at once", cap);
    if (s->cells) memcpy(cells, s->cells, s->n_cells * sizeof *cells);
    free(s->cells);
    s->cells = cells;
    s->n_stock += (uint32_t)cap - s->cap_cells;
    s->cap_cells = (uint32_t)cap;
    s->q.nodes = (unsigned char *)s->cells;
    if (s->max_stamps) s->hops = mem_realloc(s->hops, cap * s->max_stamps, sizeof *s->hops);
}

void pktsim_reserve_cells(PktSim *s, uint32_t need) {
    if (s->n_stock < need) grow_cells(s, need);
}

uint32_t pktsim_cell_take(PktSim *s) {
    uint32_t id = s->spare_cells;
    assert(s->n_stock > 0);
    s->n_stock--;
    if (id != NONE) s->spare_cells = s->cells[id].ev.next;
    else id = s->n_cells++;
    return id;
}

void pktsim_cell_give_back(PktSim *s, uint32_t id) {
    s->cells[id].ev.next = s->spare_cells;
    s->spare_cells = id;
    s->n_stock++;
}

uint32_t pktsim_cell_new(PktSim *s, CellKind kind) {
    uint32_t id = pktsim_cell_take(s);
    if (s->part) part_count_cell(s, 1);
    s->cells[id].kind = (uint8_t)kind;
    s->cells[id].event = EVENT_OTHER;
    return id;
}

void pktsim_cell_free(PktSim *s, uint32_t id) {
    if (s->part) part_count_cell(s, -1);
    pktsim_cell_give_back(s, id);
}

void pktsim_packet_free(PktSim *s, uint32_t id) {
    uint32_t slot = s->cells[id].flow;
    pktsim_cell_free(s, id);
    if (s->part && part_packet_gone(s, slot)) return;
    s->flows[slot].n_packets--;
    flowslot_release(s, slot);
}

void pktsim_count_unreachable(PktSim *s, uint32_t index) {
    if (!isnan(s->fct_ns[index])) return;
    if (s->stats->n_unreachable++ == 0) s->stats->first_unreachable = index;
}

/* Feeds the series and the records of links with what changes a link's queue or begins a
 * transmission. */
static void add_to_sums(PktSim *s, PktTraceKind kind, uint32_t link, const PktCell *c) {
    const Port *p = &s->ports[link];
    bool sends = kind == PKT_TRACE_SEND || kind == PKT_TRACE_DEQUEUE;
    uint32_t payload_b = c->kind == CELL_DATA ? c->wire_b - s->header_b : 0;
    int64_t free_at = s->now + (sends ? port_ticks(s, p, c->wire_b) : 0);
    if (s->series) {
        series_queue(s->series, link, p->data_b, s->now);
        if (sends) series_send(s->series, link, payload_b, s->now, free_at);
    }
    if (s->link_records) {
        linkstats_queue(s->link_records, link, p->data_b, s->now);
        if (sends)
            linkstats_send(s->link_records, link, payload_b, s->now, free_at, c->flow != NONE);
    }
}

/* Not in line: sums alone need none of its registers. */
__attribute__((noinline)) static void put_trace(PktSim *s, PktTraceKind kind, uint32_t link,
                                                const PktCell *c) {
    static const PktType type_of[] = {
        [CELL_DATA] = PKT_DATA,     [CELL_ACK] = PKT_ACK,         [CELL_NACK] = PKT_NACK,
        [CELL_CREDIT] = PKT_CREDIT, [CELL_TRIMMED] = PKT_TRIMMED, [CELL_PAUSE] = PKT_PAUSE,
        [CELL_RESUME] = PKT_RESUME};
    bool frame = c->flow == NONE;
    PktTraceEvent e = {.kind = kind,
                       .type = type_of[c->kind],
                       .time_ns =
                           (double)s->first_start_ns + (double)s->now / (double)s->ticks_per_ns,
                       .link = link,
                       .queue_b = s->ports[link].data_b,
                       .flow = frame ? UINT64_MAX : s->sinks[c->flow].index,
                       .byte = frame ? 0 : c->byte,
                       .wire_b = c->wire_b,
                       .marked = !frame && c->marked};
    if (s->part) part_trace(s, &e);
    else s->opt->trace(s->opt->trace_ctx, &e);
}

void pktsim_trace_event(PktSim *s, PktTraceKind kind, uint32_t link, const PktCell *c) {
    if (!pktsim_is_arrival(kind)) add_to_sums(s, kind, link, c);
    if (s->tracing) put_trace(s, kind, link, c);
}

/* ---- starts of flows ---- */

/* In compat a flow starts when the reference starts it: list times may be as asked for, which it
 * rounds, or as it printed them. Flows that it did not finish are listed as asked for. */
static int64_t start_ns(const PktSim *s, size_t index) {
    int64_t ns = s->in->start_ns[index];
    if (!s->compat) return ns;
    bool unfinished = s->in->fct_ns && isnan(s->in->fct_ns[index]);
    return s->asked_starts || unfinished || compat_is_never_start(ns) ? compat_start_ns(ns) : ns;
}

int64_t pktsim_start_tick(const PktSim *s, size_t index) {
    return (start_ns(s, index) - s->first_start_ns) * s->ticks_per_ns;
}

static void start_flow(PktSim *s, uint32_t index) {
    pktsim_reserve_cells(s, 2 * PKTSIM_STOCK);
    if (!s->compat) {
        host_start_flow(s, flowslot_start(s, index));
        return;
    }
    uint32_t setup = pktsim_cell_new(s, CELL_FLOW_SETUP);
    pktsim_cell(s, setup)->byte = index;
    pktsim_schedule(s, setup, s->now);
}

static void push_flow_due(PktSim *s, uint32_t id) {
    int64_t rank = s->compat ? s->now : pktsim_due_rank(0);
    uint32_t tie = s->compat && s->part ? part_common_tie(s) : s->tie++;
    evq_push(&s->q, id, pktsim_start_tick(s, s->next_due), rank, tie);
}

/* Starts all flows of this instant; `id` is the one cell that stands for the rest of the list. The
 * partitions of a parallel run all go through the list; one of them counts the event. */
static void on_flow_due(PktSim *s, uint32_t id) {
    bool counts = !s->part || part_is_first(s);
    if (!counts) s->stats->n_events--;
    while (s->next_due < s->in->n && pktsim_start_tick(s, s->next_due) == s->now) {
        uint32_t index = (uint32_t)s->next_due++;
        if (s->part) {
            if (!part_owns_flow(s, index)) continue;
            part_step(s, index + 1);
        }
        start_flow(s, index);
    }
    if (s->part) part_step(s, UINT32_MAX);
    if (s->next_due < s->in->n) push_flow_due(s, id);
    else if (counts) pktsim_cell_free(s, id);
    else pktsim_cell_give_back(s, id);
}

/* ---- the loop ---- */

/* True if the link that a packet comes by has lost it: then it is gone. */
static bool lost(PktSim *s, uint32_t id) {
    PktCell *c = pktsim_cell(s, id);
    bool dead = s->forward && forward_loses(s, c);
    if (!dead && rng_u01(&s->loss[c->link]) >= s->error_rate[c->link]) return false;
    s->stats->n_lost++;
    c->in_link = c->link;
    port_drop(s, id);
    return true;
}

static void handle_other(PktSim *s, uint32_t id) {
    PktCell *c = pktsim_cell(s, id);
    switch ((CellKind)c->kind) {
    case CELL_NIC_WAKE: host_on_wake(s, id); break;
    case CELL_CC_TIMER: host_on_cc_timer(s, id); break;
    case CELL_RTO: host_on_rto(s, id); break;
    case CELL_CREDIT_DUE: credit_on_due(s, id); break;
    case CELL_GONE: host_on_news(s, id); break;
    case CELL_CHANGE: forward_on_change(s, id); break;
    case CELL_FLOW_DUE: on_flow_due(s, id); break;
    case CELL_FLOW_SETUP:
        c->kind = CELL_FLOW_START;
        pktsim_schedule(s, id, s->now);
        break;
    case CELL_FLOW_START: {
        uint32_t index = (uint32_t)c->byte;
        pktsim_cell_free(s, id);
        host_start_flow(s, flowslot_start(s, index));
        break;
    }
    default:
        if (s->forward && forward_loses(s, c)) {
            pktsim_cell_free(s, id);
            break;
        }
        s->stats->n_packet_hops++;
        port_on_pause(s, id);
    }
}

__attribute__((always_inline)) static inline bool arrives(PktSim *s, uint32_t id) {
    if (s->loss && lost(s, id)) return false;
    s->stats->n_packet_hops++;
    return true;
}

/* What comes next is hard to predict, and a mistaken jump by a table costs more than a mistaken
 * test: tests of bits are none to the compiler. In line: the loops are little else. */
__attribute__((always_inline)) static inline void handle(PktSim *s, uint32_t id) {
    unsigned event = pktsim_cell(s, id)->event;
    if (event & EVENT_PORT_FREE) {
        port_on_free(s, id);
    } else if (!(event & (EVENT_ARRIVAL | EVENT_DELIVERY))) {
        if (event & EVENT_NIC_FREE) host_on_free(s, id);
        else handle_other(s, id);
    } else if (arrives(s, id)) {
        if (event & EVENT_ARRIVAL) port_on_arrival(s, id);
        else host_on_arrival(s, id);
    }
}

/* Fills received_b: of flows in a slot, what has arrived; of others, all or nothing. */
static void put_received(const PktSim *s, double *received_b) {
    for (size_t i = 0; i < s->in->n; i++)
        received_b[i] = isnan(s->fct_ns[i]) ? 0 : (double)s->in->size_b[i];
    for (uint32_t i = 0; i < s->n_slots; i++) {
        if (s->flows[i].index != NONE) received_b[s->flows[i].index] = (double)s->sinks[i].expected;
    }
}

/* Times, in ticks, at which the loop has more to do than to handle the event. */
typedef struct {
    int64_t stop;    /* the first tick that isn't simulated */
    int64_t settled; /* of PktStretch, until it has come */
    int64_t next;    /* the least of these and the first tick after the series' interval */
} Marks;

static void find_next_mark(const PktSim *s, Marks *m) {
    m->next = m->stop < m->settled ? m->stop : m->settled;
    if (s->series && s->series->end < m->next) m->next = s->series->end + 1;
}

static Marks first_marks(const PktSim *s) {
    const PktOptions *o = s->opt;
    double ticks = (double)s->ticks_per_ns;
    Marks m = {.stop = o->stop_ns > 0 && o->stop_ns * ticks < MAX_TICKS
                           ? (int64_t)(o->stop_ns * ticks) + 1
                           : INT64_MAX,
               .settled = o->stretch ? (int64_t)(o->stretch->settled_ns * ticks) : INT64_MAX};
    find_next_mark(s, &m);
    return m;
}

static int pass_marks(PktSim *s, Marks *m, Err *err) {
    if (s->now >= m->settled) {
        put_received(s, s->opt->stretch->settled_b);
        m->settled = INT64_MAX;
    }
    if (s->series && series_advance(s->series, s->now) != 0) return err_stopped(err);
    find_next_mark(s, m);
    return 0;
}

/* Reports the last intervals, up to the last event or the stop, and what links did until then. */
static int finish_sums(PktSim *s, int64_t stop, Err *err) {
    int64_t end = s->now < stop ? s->now : stop - 1;
    if (s->link_records)
        linkstats_finish(s->link_records, s->topo, (double)s->ticks_per_ns, end, s->opt->links);
    return s->series && series_finish(s->series, end) != 0 ? err_stopped(err) : 0;
}

/* Has the user see how far it is. Returns −1 if the run was asked to stop. */
static int report(const PktSim *s, Progress *progress, Err *err) {
    progress_update(progress, s->stats->n_finished);
    return diag_stop_requested() ? err_stopped(err) : 0;
}

/* Whether events that move nothing are all that is left, with this one: timers of congestion
 * controls; and changes of the network, unless a flow waits for one. */
static bool is_idle(const PktSim *s) {
    return evq_len(&s->q) + 1 == s->n_timers && !(s->changes_to_come && s->n_active > 0);
}

/* Takes out the next event and moves the clock to it. Returns its cell, NONE if nothing can move
 * any more. */
static inline uint32_t next_event(PktSim *s) {
    uint32_t id = evq_pop(&s->q);
    if (id == NONE) return NONE;
    const PktCell *c = pktsim_cell(s, id);
    if ((c->kind == CELL_CC_TIMER || c->kind == CELL_CHANGE) && is_idle(s)) return NONE;
    s->now = c->ev.time;
    s->now_rank = c->ev.rank;
    s->now_tie = c->ev.tie;
    return id;
}

void pktsim_run_until(PktSim *s, int64_t end) {
    for (;; s->stats->n_events++) {
        pktsim_reserve_cells(s, PKTSIM_STOCK);
        if (evq_next_time(&s->q) >= end) return;
        uint32_t id = evq_pop(&s->q);
        const PktCell *c = pktsim_cell(s, id);
        s->now = c->ev.time;
        s->now_rank = c->ev.rank;
        s->now_tie = c->ev.tie;
        if (s->compat) part_log_event(s);
        if (s->cc->timer) part_moved(s, c->kind == CELL_CC_TIMER);
        handle(s, id);
    }
}

static int loop(PktSim *s, Err *err) {
    Marks marks = first_marks(s);
    Progress progress;
    progress_init(&progress, s->opt->log, "flows", s->in->n);
    int rc = 0;
    uint64_t n = 0, max_events = s->opt->stretch ? s->opt->stretch->max_events : UINT64_MAX;
    while (rc == 0 && s->n_awaited > 0 && n < max_events) {
        pktsim_reserve_cells(s, PKTSIM_STOCK);
        uint32_t id = next_event(s);
        if (id == NONE || s->now >= marks.stop) break;
        if (s->now >= marks.next && (rc = pass_marks(s, &marks, err)) != 0) break;
        if (++n % EVENTS_PER_UPDATE == 0 && (rc = report(s, &progress, err)) != 0) break;
        handle(s, id);
    }
    s->stats->n_events = n;
    if (rc == 0) rc = finish_sums(s, marks.stop, err);
    s->stats->peak_packets = s->n_cells - s->topo->n_links;
    progress_finish(&progress);
    if (marks.settled < INT64_MAX) put_received(s, s->opt->stretch->settled_b);
    return rc;
}

/* ---- set-up ---- */

int64_t pktsim_ticks(const PktSim *s, double bytes, double rate_bps) {
    return ideal_ticks(s->compat, bytes, rate_bps);
}

/* Packets have room for the stamps of the longest path, at least WIRE_TELEMETRY_HOPS. */
static void init_sizes(PktSim *s) {
    const Timeline *timeline = s->opt->timeline;
    uint32_t longest = timeline ? timeline->max_links : route_max_links(s->route);
    s->max_links = longest;
    s->header_b = s->cc->header_b;
    s->ack_wire_b = s->cc->ack_b;
    s->ack_first = s->cc->ack_first;
    s->trims = s->cc->trims && s->cc->trims(&s->cc_conf.conf);
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

static void init_network(PktSim *s) {
    const Topo *t = s->topo;
    double buffer_b = s->cc_conf.conf.buffer_b, host_rate_bps = INFINITY;
    s->ports = ARENA_NEW(&s->arena, Port, t->n_links);
    s->kinds = ARENA_NEW(&s->arena, PortKind,
                         s->opt->timeline ? forward_n_kinds(s->opt->timeline) : t->n_links);
    s->ingress = ARENA_NEW(&s->arena, Ingress, t->n_links);
    s->switches = ARENA_NEW(&s->arena, Switch, t->n_nodes);
    s->nics = ARENA_NEW(&s->arena, Nic, t->n_links);
    grow_cells(s, t->n_links + PKTSIM_STOCK);
    s->n_cells = t->n_links; /* cell i < n_links is the free event of port i */
    s->n_stock -= t->n_links;
    for (uint32_t v = 0; v < t->n_nodes; v++)
        s->switches[v] = (Switch){.size_b = (uint64_t)buffer_b, .free_b = (int64_t)buffer_b};
    for (uint32_t h = 0; h < t->n_hosts; h++)
        host_rate_bps = fmin(host_rate_bps, t->host_rate_bps[h]);
    int64_t horizon = 1;
    for (uint32_t l = 0; l < t->n_links; l++) {
        port_init(s, l, host_rate_bps);
        const PortKind *k = &s->kinds[s->ports[l].kind];
        int64_t ahead = k->full_ticks + k->delay_ticks;
        if (ahead > horizon) horizon = ahead;
    }
    s->news_ticks = host_news_ticks(s, horizon);
    evq_init(&s->q, horizon, t->n_links);
    if (s->cc->credit) credit_new(s);
    s->q.nodes = (unsigned char *)s->cells;
    if (s->in->n > 0) evq_push(&s->q, pktsim_cell_new(s, CELL_FLOW_DUE), 0, -1, 0);
}

void pktsim_new_network(PktSim *s) {
    s->arena = (Arena){0};
    s->cells = NULL;
    s->hops = NULL;
    s->cap_cells = s->n_stock = s->n_kinds = s->n_nics = 0;
    s->spare_cells = NONE;
    init_network(s);
}

void pktsim_free_network(PktSim *s) {
    for (uint32_t i = 0; i < s->n_nics; i++) free(s->nics[i].list);
    credit_free(s);
    evq_free(&s->q);
    free(s->cells);
    free(s->hops);
    arena_free(&s->arena);
}

static const uint16_t *number_ports(PktSim *s) {
    uint16_t *sport = ARENA_NEW(&s->arena, uint16_t, s->in->n);
    route_sports(s->topo, s->in->src, s->in->dst, s->in->n, sport);
    return sport;
}

/* A stream of random numbers for each link. */
static Rng *new_streams(PktSim *s, const char *name) {
    Rng *rng = ARENA_NEW(&s->arena, Rng, s->topo->n_links);
    for (uint32_t l = 0; l < s->topo->n_links; l++) rng[l] = rng_stream(s->opt->seed, name, l);
    return rng;
}

/* Whether some queue lengths mark a share of packets. */
static bool draws_marks(const PktSim *s) {
    for (uint32_t k = 0; k < s->n_kinds; k++)
        if (s->kinds[k].marking.kmin_b < s->kinds[k].marking.kmax_b) return true;
    return false;
}

/* Whether switches decide packet by packet. */
static bool forwards(const PktOptions *opt, const NetConf *conf) {
    return opt->timeline || conf->routing != ROUTING_ECMP;
}

static void init(PktSim *s, const Route *r, const Flows *f, const NetConf *conf,
                 const PktOptions *opt, double *fct_ns, PktStats *stats) {
    *s = (PktSim){.route = r,
                  .topo = route_topo(r),
                  .in = f,
                  .opt = opt,
                  .fct_ns = fct_ns,
                  .stats = stats,
                  .compat = opt->compat,
                  .tracing = opt->trace != NULL,
                  .observed = opt->trace || opt->series || opt->links,
                  .ticks_per_ns = opt->compat ? 1 : 1000,
                  .cc_conf = cc_conf(conf, opt->compat),
                  .cc = cc_find(opt->cc ? opt->cc : netconf_cc_name(conf->cc)),
                  .spare_cells = NONE,
                  .spare_slot = NONE};
    if (s->topo->error_rate || opt->timeline) s->loss = new_streams(s, "link errors");
    s->error_rate = s->topo->error_rate;
    Rng seed = rng_stream(opt->seed, "marking", 0);
    s->mark_seed = rng_next(&seed);
    if (s->compat) s->mrg = mrg_at(COMPAT_STREAMS + COMPAT_STREAMS_PER_NODE * s->topo->n_nodes);
    if (s->cc_conf.conf.line_window_b == NETCONF_AUTO)
        s->cc_conf.conf.line_window_b = basebdp_largest(r);
    double fastest_bps = 0;
    for (uint32_t h = 0; h < s->topo->n_hosts; h++)
        fastest_bps = fmax(fastest_bps, s->topo->host_rate_bps[h]);
    s->cc_conf.net_rtt_ns = s->cc_conf.conf.line_window_b * 8e9 / fastest_bps;
    init_sizes(s);
    init_network(s);
    if (opt->links) s->link_records = linkstats_new(s->topo->n_links);
    if (f->n == 0) return;
    s->sport = opt->stretch ? opt->stretch->sport : number_ports(s);
    s->n_awaited = opt->stretch ? opt->stretch->n_measured : SIZE_MAX;
    s->after = after_new(f);
    if (s->compat) s->asked_starts = compat_has_asked_starts(f);
    s->first_start_ns = start_ns(s, 0);
    if (forwards(opt, conf)) forward_init(s);
    if (opt->series)
        s->series = series_new(&s->arena, opt->series, s->topo, (double)s->first_start_ns,
                               (double)s->ticks_per_ns);
}

static void release(PktSim *s) {
    forward_free(s->forward);
    pktsim_free_network(s);
    linkstats_free(s->link_records);
    free(s->flows);
    free(s->sinks);
    free(s->paths);
    free(s->hops_before);
    free(s->hop_rates);
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
    const char *cc = opt->cc ? opt->cc : netconf_cc_name(conf->cc);
    if (opt->compat && cc_find(cc)->own_design)
        return err_input(err, "cc=%s: the HPCC authors' ns-3 does not have it; leave out --compat",
                         cc);
    if (opt->compat && opt->timeline)
        return err_input(err, "events: the HPCC authors' ns-3 does not have them; leave out "
                              "--compat");
    if (opt->compat && conf->routing != ROUTING_ECMP)
        return err_input(err,
                         "routing=%s: the HPCC authors' ns-3 does not have it; leave out "
                         "--compat",
                         netconf_routing_name(conf->routing));
    if (netconf_by_packet(conf->routing) && cc_find(cc)->telemetry)
        return err_input(err,
                         "routing=%s: cc=%s measures the links of one path; expected another "
                         "routing or control",
                         netconf_routing_name(conf->routing), cc);
    uint32_t longest = opt->timeline ? opt->timeline->max_links : route_max_links(r);
    if (longest > PKTSIM_MAX_LINKS) {
        return err_input(err, "%s: paths of %u links: the packet simulation takes at most %d",
                         t->name, longest, PKTSIM_MAX_LINKS);
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
    if (opt->compat && f->graph && f->graph->first[f->n] > 0)
        return err_input(err, "flows: the HPCC authors' ns-3 has none that wait for others; leave "
                              "out --compat");
    if (f->n >= NONE) return err_input(err, "flows: at most %u, got %zu", NONE - 1, f->n);
    if (f->n > 0 && (double)f->start_ns[f->n - 1] - (double)f->start_ns[0] > MAX_SPAN_NS) {
        return err_input(err, "flows: start times must lie within 8e15 ns of each other");
    }
    return 0;
}

/* The most flows that start at one ns. */
static size_t most_at_once(const Flows *f) {
    size_t most = 0;
    for (size_t i = 0, first = 0; i < f->n; i++) {
        if (f->start_ns[i] != f->start_ns[first]) first = i;
        if (i - first + 1 > most) most = i - first + 1;
    }
    return most;
}

/* Whether one thread has to take the run: flows that start when others have finished, links that
 * change and, in compat, the order of draws are of all the network. */
static bool needs_one_thread(const PktSim *s) {
    return s->opt->stretch || s->after || s->opt->timeline ||
           (s->compat && (s->cc->timer || s->cc->credit || draws_marks(s) ||
                          most_at_once(s->in) > ORDER_MAX_STEPS / 8));
}

/* Simulates on several threads if that is wanted and faster, else on this one. */
static int run_here(PktSim *s, Err *err) {
    Partition p = {.n = 1};
    int rc = 1;
    if (s->opt->threads > 1 && s->in->n > 0) {
        bool one = needs_one_thread(s);
        if (!one) partition_find(s, s->opt->threads, false, &p);
        if (p.n < s->opt->threads)
            s->stats->parallel.why_fewer =
                one ? "events, flows that wait for others, and marks in compat need one order"
                    : "more would not be faster here";
    }
    if (p.n > 1) {
        int64_t stop = first_marks(s).stop;
        rc = parallel_run(s, &p, stop, err);
        if (rc == 0) rc = finish_sums(s, stop, err);
    }
    if (rc == 1) rc = loop(s, err);
    partition_free(&p);
    return rc;
}

/* What keeps a run from being shared by ranks, beside needs_one_thread: the order of its events, or
 * of what it puts out, is only known where all of them are. */
static bool needs_one_rank(const PktSim *s) {
    return needs_one_thread(s) || s->compat || s->tracing || s->series || s->opt->links ||
           s->opt->started_ns;
}

/* Simulates on several ranks if that is faster, else on the first one. */
static int run(PktSim *s, Err *err) {
    Partition p = {.n = 1};
    Ranks *ranks = s->opt->ranks;
    if (!ranks_several(ranks)) return run_here(s, err);
    bool one = s->in->n == 0 || needs_one_rank(s);
    if (!one) partition_find(s, ranks->size, true, &p);
    int rc = p.n > 1              ? parallel_run_on_ranks(s, &p, first_marks(s).stop, ranks, err)
             : ranks_first(ranks) ? run_here(s, err)
                                  : 0;
    s->stats->parallel.n_ranks = p.n;
    if (p.n < ranks->size)
        s->stats->parallel.why_fewer =
            one ? "compat, traces, events and flows that wait need all of the network in one place"
                : "more would not be faster here";
    partition_free(&p);
    return rc;
}

void pktsim_peak_queues(const PktSim *s, uint64_t peak_b[PKT_MAX_TIERS]) {
    for (uint32_t l = 0; l < s->topo->n_links; l++) {
        uint8_t tier = s->topo->tier[s->topo->links[l].from];
        if (tier >= PKT_MAX_TIERS) tier = PKT_MAX_TIERS - 1;
        if (s->ports[l].peak_b > peak_b[tier]) peak_b[tier] = s->ports[l].peak_b;
    }
}

static void finish_stats(const PktSim *s, double wall_s) {
    PktStats *st = s->stats;
    st->n_unfinished = s->in->n - st->n_finished;
    st->sim_ns = (double)s->now / (double)s->ticks_per_ns;
    st->wall_s = wall_s;
    pktsim_peak_queues(s, st->peak_queue_b);
}

int pktsim_run(const Route *r, const Flows *f, const NetConf *conf, const PktOptions *opt,
               double *fct_ns, PktStats *stats, Err *err) {
    if (check(r, f, opt, conf, err) != 0) return -1;
    PktStats own = {0};
    PktSim s;
    double begin = diag_now_s();
    stats = stats ? stats : &own;
    *stats = (PktStats){0};
    for (size_t i = 0; i < f->n; i++) fct_ns[i] = NAN;
    for (size_t i = 0; opt->started_ns && i < f->n; i++) opt->started_ns[i] = NAN;
    init(&s, r, f, conf, opt, fct_ns, stats);
    int rc = run(&s, err);
    finish_stats(&s, diag_now_s() - begin);
    if (opt->stretch) put_received(&s, opt->stretch->received_b);
    release(&s);
    after_free(s.after);
    return rc;
}

int pktsim_simulate(const Route *r, Flows *f, const NetConf *conf, const PktOptions *opt,
                    PktStats *stats, Err *err) {
    PktOptions own = *opt;
    double *fct_ns = MEM_NEW(double, f->n);
    own.started_ns = f->graph ? MEM_NEW(double, f->n) : NULL;
    if (pktsim_run(r, f, conf, &own, fct_ns, stats, err) != 0) {
        free(fct_ns);
        free(own.started_ns);
        return -1;
    }
    free(f->fct_ns);
    f->fct_ns = fct_ns;
    if (!f->ideal_fct_ns) f->ideal_fct_ns = MEM_NEW(double, f->n);
    pktsim_ideal(r, f, opt->compat, f->ideal_fct_ns);
    if (f->graph) flows_keep_starts(f, own.started_ns);
    return 0;
}
