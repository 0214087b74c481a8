/* pktsim_private: the state of one packet-level run, which port.c (links and switches), host.c
 * (senders and receivers), flowslot.c (active flows) and pktsim.c (set-up, event loop, results)
 * share. Private to this room.
 *
 *                        flow list ──┐                      ┌── queue 0 (control)
 *      host:  ACK queue ── NIC port ─┴─ link ─▶ switch ─────┴── data queue ── port ── link ─▶ …
 *
 * Everything that waits for a time is a cell: a packet on its way, a port that becomes free, a
 * timer. A packet is one cell from its first transmission to its last arrival; the data packet's
 * cell becomes its ACK. A cell is in the event queue, in one port queue, or on the free list.
 *
 * Time is in ticks: ns in compat mode, ps otherwise. A port's becoming free is queued only if
 * something waits for it.
 *
 * Events of equal time. In compat they run in the order scheduled, as the reference has it: by when
 * that was, then by `tie`, which counts scheduled events. Otherwise their order depends on nothing
 * but themselves: transmissions end first, then packets arrive, then timers expire, then the list's
 * flows start; among these it is that of their flows, which is drawn anew for each time, so that
 * none is preferred in the long run. Nodes act on each other only by links, so that is all that
 * they need to agree on, wherever each is simulated and however links are numbered. What a NIC or a
 * flow has scheduled itself twice for one time runs in the order scheduled. */
#ifndef M3_PACKET_PKTSIM_PRIVATE_H
#define M3_PACKET_PKTSIM_PRIVATE_H
#include "base/mem.h"
#include "base/rng.h"
#include "net/route.h"
#include "net/wire.h"
#include "packet/after.h"
#include "packet/cc.h"
#include "packet/credit.h"
#include "packet/evq.h"
#include "packet/flowslot.h"
#include "packet/forward.h"
#include "packet/host.h"
#include "packet/linkstats_private.h"
#include "packet/mrg.h"
#include "packet/pktsim.h"
#include "packet/port.h"
#include "packet/series_private.h"
#include "traffic/flows.h"

#define NONE UINT32_MAX /* no cell, slot, NIC, … */

/* ORDER CELL: packets on a flow's path first, then pause frames. */
typedef enum {
    CELL_DATA,
    CELL_ACK,
    CELL_NACK,
    CELL_CREDIT,  /* tells a sender up to which byte it may send */
    CELL_TRIMMED, /* a data packet without its payload */
    CELL_PAUSE,
    CELL_RESUME,
    CELL_PORT,       /* a port's own, for the ends of its transmissions */
    CELL_CREDIT_DUE, /* a NIC grants the next credit */
    CELL_NIC_WAKE,   /* a NIC looks for a packet to send */
    CELL_FLOW_DUE,   /* the next flow of the list */
    CELL_FLOW_SETUP, /* compat: the reference starts a flow in three steps of equal time */
    CELL_FLOW_START,
    CELL_CC_TIMER,
    CELL_CHANGE, /* of links or routes (forward.h) */
    CELL_RTO,
    CELL_GONE /* not in compat: tells the sender that a packet is gone */
} CellKind;

/* What the loop does when a cell's time comes: known when it is scheduled, so that the loop has one
 * byte to look at instead of kind, place and port in turn. */
typedef enum {
    EVENT_OTHER = 0,     /* see `kind` */
    EVENT_ARRIVAL = 1,   /* a packet reaches a switch */
    EVENT_DELIVERY = 2,  /* a packet reaches its host */
    EVENT_PORT_FREE = 4, /* a transmission ends at a switch; the cell is the link's own */
    EVENT_NIC_FREE = 8   /* or at a host */
} CellEvent;

struct PktCell {
    EvNode ev;      /* tie of a packet, not in compat: its flow's index; pause frames: a link */
    uint8_t kind;   /* CellKind */
    uint8_t n_hops; /* telemetry stamps so far; of a congestion control's timer: which */
    bool marked;    /* by a switch; CELL_GONE: it was dropped */
    bool echo;      /* of an ACK: the data packet was marked; of data: the sender's timer expired,
                       credit counts from here on */
    uint8_t event;  /* CellEvent */
    uint16_t wire_b;
    uint32_t flow; /* slot; NONE: pause frames */
    uint32_t link; /* on or before which it is; events of ports: that port */
    union {
        uint32_t in_link;   /* in a switch: by which it entered */
        uint32_t next_link; /* on a link: the one after it; NONE: it is the last */
    };
    uint32_t at;   /* place of `link` in PktSim.paths */
    uint64_t byte; /* data: first payload byte; ACK: next expected; credit: its end; timers: index
                      of the flow, to recognise a reused slot */
    int64_t sent;  /* when the data packet's first transmission began */
};
_Static_assert(sizeof(PktCell) == EVQ_STRIDE, "a cell is one cache line");

struct PktSim {
    Evq q;
    PktCell *cells;
    uint32_t n_cells, cap_cells; /* ever used; allocated */
    uint32_t spare_cells;        /* free list through ev.next */
    uint32_t n_stock;            /* cells that can be had without growing: spare or never used */
    uint32_t tie;                /* of the next event scheduled */
    int64_t now;
    int64_t now_rank; /* of the event of now */
    uint32_t now_tie;
    size_t n_timers; /* events queued that are timers of congestion controls, or changes */
    bool changes_to_come;
    bool ack_first; /* of the congestion control */
    bool trims;     /* switches take off the payload rather than drop a packet */
    int64_t ticks_per_ns;
    int64_t news_ticks; /* after which a sender knows that a packet is gone */
    bool compat;
    bool tracing, observed; /* there is a trace; a trace, a series, or records of links */
    uint32_t full_wire_b, header_b, ack_wire_b;
    const CongestionControl *cc;
    CcConf cc_conf;

    const Topo *topo;
    const Route *route;
    const Flows *in;
    const uint16_t *sport;
    Arena arena;     /* what lasts for the run */
    Port *ports;     /* [n_links] */
    PortKind *kinds; /* [n_kinds] */
    uint32_t n_kinds;
    Ingress *ingress; /* [n_links] */
    Switch *switches; /* [n_nodes] */
    Nic *nics;        /* [n_nics] one for each directed link out of a host */
    uint32_t n_nics;
    uint64_t credit_wnd_b; /* most of a flow that is granted and has not arrived */
    Puller *pullers;       /* [n_nics] of the receivers behind them; NULL: they grant no credit */

    struct Part *part; /* of a parallel run (part.h); NULL: the whole network is here */

    FlowSlot *flows;                         /* [n_slots] */
    FlowSink *sinks;                         /* [n_slots] */
    uint32_t n_slots, cap_slots, spare_slot; /* spare: free list through timer[0] */
    size_t n_active;
    uint32_t *paths; /* [n_slots][2][max_links + 1] links of data and of ACKs, then NONE */
    uint32_t max_links, no_path; /* no_path: place in `paths` for what is on none */
    uint64_t *hops;              /* [n_cells][max_stamps] telemetry, if any */
    uint64_t *hops_before;       /* [n_slots][max_stamps] */
    double *hop_rates;           /* [n_slots][max_stamps] */
    uint32_t max_stamps;
    size_t next_due;  /* index of the next flow to start */
    PktAfter *after;  /* flows that wait for others; NULL: none does */
    size_t n_awaited; /* flows of PktStretch that the run has to wait for */
    int64_t first_start_ns;
    bool asked_starts; /* compat: start times are as asked for, not as the reference printed them */
    uint64_t mark_seed;
    Mrg mrg;                   /* marking, in compat */
    Rng *loss;                 /* [n_links] losses on links; NULL: none loses packets */
    const double *error_rate;  /* [n_links] if `loss` */
    Forward *forward;          /* NULL: the network stays as it is */
    Series *series;            /* NULL: none asked for */
    LinkRecords *link_records; /* the same */

    double *fct_ns;
    PktStats *stats;
    const PktOptions *opt;
};

enum { PKTSIM_MAX_LINKS = 16 }; /* of a path: WIRE_MAX_PACKET_B has room for their stamps */

/* ---- runs ---- */

/* pktsim_new_network gives a copy of a simulation that has not begun its own network, queue, cells
 * and place in the list of flows, and shares the rest. pktsim_free_network releases them. */
void pktsim_new_network(PktSim *s);
void pktsim_free_network(PktSim *s);

/* pktsim_start_tick returns when a flow of the list starts, if it waits for no other. */
int64_t pktsim_start_tick(const PktSim *s, size_t index);

/* pktsim_peak_queues raises peak_b[tier] to the largest queues of switches. */
void pktsim_peak_queues(const PktSim *s, uint64_t peak_b[PKT_MAX_TIERS]);

/* pktsim_run_until handles all events before a tick, of a partition. */
void pktsim_run_until(PktSim *s, int64_t end);

/* ---- cells ---- */

/* Cells kept in stock for one event. An event takes at most 8: CC_N_TIMERS + 1 timers, a wake-up, a
 * retransmission timer, a pause frame, a data packet. */
enum { PKTSIM_STOCK = 16 };

/* A pointer to a cell is valid until pktsim_reserve_cells is called, that is while an event is
 * handled: the loop keeps as many cells in stock as an event may take. */
static inline PktCell *pktsim_cell(PktSim *s, uint32_t id) { return &s->cells[id]; }
uint32_t pktsim_cell_new(PktSim *s, CellKind kind);
void pktsim_cell_free(PktSim *s, uint32_t id);
void pktsim_reserve_cells(PktSim *s, uint32_t need);

/* pktsim_cell_take and pktsim_cell_give_back are for cells that change partitions: not counted. */
uint32_t pktsim_cell_take(PktSim *s);
void pktsim_cell_give_back(PktSim *s, uint32_t id);

/* Frees the cell of a packet that leaves the network, and its flow's slot if it was the last. */
void pktsim_packet_free(PktSim *s, uint32_t id);

/* Counts a flow that is never to finish, as a host of it is cut off. */
void pktsim_count_unreachable(PktSim *s, uint32_t index);

/* ---- paths ---- */

/* Returns where in PktSim.paths the path of a flow's data (0) or ACKs (1) begins. */
static inline uint32_t pktsim_path(const PktSim *s, uint32_t slot, uint32_t of_acks) {
    return (slot * 2 + of_acks) * (s->max_links + 1);
}
/* Puts a packet before the link at place `at` of PktSim.paths. */
static inline void pktsim_enter(const PktSim *s, PktCell *c, uint32_t at) {
    c->link = s->paths[c->at = at];
}

/* ---- time ---- */

/* Of part.h: takes over a cell that goes to another partition, where it is due at `time`. */
void part_send(PktSim *s, int to, uint32_t id, int64_t time, int64_t rank);
void part_send_packet(PktSim *s, uint32_t link, uint32_t id, int64_t arrival, int64_t rank);

/* Kinds of events in the order in which they run at equal times, other than in compat. */
enum { RANK_FREE, RANK_PAUSE, RANK_ARRIVAL, RANK_TIMER, RANK_FLOW_DUE };
enum { RANK_MAX_LINK = (1 << 27) - 1 };
static inline int64_t pktsim_due_rank(uint32_t n) { return (int64_t)RANK_FLOW_DUE << 60 | n; }
/* pktsim_rank returns the rank of an event to be scheduled: its kind, its flow (or for what is of
 * none its link) in an order that is another one at each time, then `last`, below 2^28. In compat
 * it is the present time. */
static inline int64_t pktsim_rank(const PktSim *s, unsigned kind, uint32_t flow, uint32_t last,
                                  int64_t time) {
    if (s->compat) return s->now;
    uint64_t x = (uint64_t)time * 0x9e3779b97f4a7c15u + flow * 0xd1342543de82ef95u;
    x = (x ^ x >> 32) * 0xbf58476d1ce4e5b9u >> 32;
    return (int64_t)((uint64_t)kind << 60 | x << 28 | last);
}

/* pktsim_schedule makes a cell, one of a timer, an event. */
static inline int64_t pktsim_timer_rank(const PktSim *s, const PktCell *c, int64_t time) {
    bool of_nic = c->kind == CELL_NIC_WAKE || c->kind == CELL_CREDIT_DUE;
    uint32_t flow = of_nic ? c->link : (uint32_t)c->byte;
    return pktsim_rank(s, RANK_TIMER, flow, c->kind, time);
}
static inline void pktsim_schedule(PktSim *s, uint32_t id, int64_t time) {
    evq_push(&s->q, id, time, pktsim_timer_rank(s, pktsim_cell(s, id), time), s->tie++);
}
/* Returns the serialisation of so many bytes, in ticks. */
int64_t pktsim_ticks(const PktSim *s, double bytes, double rate_bps);

/* pktsim_draw returns 64 random bits for a packet and the present time: no draw waits for another
 * one, as it would for its turn in a stream. */
static inline uint64_t pktsim_draw(const PktSim *s, uint64_t seed, const PktCell *c) {
    uint64_t packet = (uint64_t)c->ev.tie << 32 ^ c->byte;
    return rng_mix(seed ^ rng_mix(packet ^ rng_mix((uint64_t)s->now)));
}

/* ---- tracing ---- */

/* Tells the trace, the series and the records of links, where there are, what happens to a packet
 * at a link. Only a trace needs arrivals. */
void pktsim_trace_event(PktSim *s, PktTraceKind kind, uint32_t link, const PktCell *c);
static inline bool pktsim_is_arrival(PktTraceKind kind) {
    return kind == PKT_TRACE_RECEIVE || kind == PKT_TRACE_DROP;
}
static inline void pktsim_trace(PktSim *s, PktTraceKind kind, uint32_t link, const PktCell *c) {
    if (pktsim_is_arrival(kind) ? s->tracing : s->observed) pktsim_trace_event(s, kind, link, c);
}

/* ---- ports: what both ends of a path do, in line as every hop takes it ---- */

/* port_queue_put appends a packet; port_queue_take removes the first of a queue that has one. */
static inline void port_queue_put(PktSim *s, PortQueue *q, uint32_t id) {
    pktsim_cell(s, id)->ev.next = NONE;
    if (q->head == NONE) q->head = id;
    else pktsim_cell(s, q->tail)->ev.next = id;
    q->tail = id;
}
static inline uint32_t port_queue_take(PktSim *s, PortQueue *q) {
    uint32_t id = q->head;
    q->head = pktsim_cell(s, id)->ev.next;
    return id;
}

/* port_ticks returns the serialisation of so many bytes at a port. */
static inline int64_t port_ticks(const PktSim *s, const Port *p, uint32_t wire_b) {
    const PortKind *k = &s->kinds[p->kind];
    if (wire_b == s->full_wire_b) return k->full_ticks;
    if (wire_b == s->ack_wire_b) return k->ack_ticks;
    return pktsim_ticks(s, wire_b, k->rate_bps);
}

/* port_await_free makes the end of the present transmission an event: something waits for it. */
static inline void port_await_free(PktSim *s, Port *p, uint32_t link) {
    if (p->free_queued) return;
    p->free_queued = true;
    uint32_t last = link & RANK_MAX_LINK;
    if (s->compat) evq_push(&s->q, link, p->free_at, p->free_sched, p->free_tie);
    else
        evq_push(&s->q, link, p->free_at, pktsim_rank(s, RANK_FREE, p->free_tie, last, p->free_at),
                 0);
}

/* port_transmit puts packet `id` on link `link`, whose port is p and free. `more`: something else
 * waits. */
__attribute__((always_inline)) static inline void port_transmit(PktSim *s, Port *p, uint32_t link,
                                                                uint32_t id, bool more) {
    PktCell *c = pktsim_cell(s, id);
    p->free_at = s->now + port_ticks(s, p, c->wire_b);
    if (s->compat) {
        p->free_sched = s->now;
        p->free_tie = s->tie++;
    } else {
        p->free_tie = c->ev.tie;
    }
    c->link = link;
    c->next_link = !s->forward                                 ? s->paths[c->at + 1]
                   : s->topo->is_host[s->topo->links[link].to] ? NONE
                                                               : 0;
    c->event =
        (uint8_t)(c->kind >= CELL_PAUSE ? EVENT_OTHER : EVENT_ARRIVAL + (c->next_link == NONE));
    if (more) port_await_free(s, p, link);
    int64_t arrival = p->free_at + s->kinds[p->kind].delay_ticks;
    unsigned kind = c->kind >= CELL_PAUSE ? RANK_PAUSE : RANK_ARRIVAL;
    bool is_data = c->kind == CELL_DATA || c->kind == CELL_TRIMMED;
    uint32_t last = (is_data ? 0 : RANK_MAX_LINK + 1) | (link & RANK_MAX_LINK);
    int64_t rank = pktsim_rank(s, kind, c->ev.tie, last, arrival);
    if (p->away) part_send_packet(s, link, id, arrival, rank);
    else evq_push(&s->q, id, arrival, rank, s->compat ? s->tie++ : c->ev.tie);
}
#endif
