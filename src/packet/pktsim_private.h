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
 * Time is in ticks: ns in compat mode, ps otherwise. `rank` counts scheduled events; events of
 * equal time run by rank. A port's becoming free takes its rank when the transmission starts but is
 * queued only if something waits for it. */
#ifndef M3_PACKET_PKTSIM_PRIVATE_H
#define M3_PACKET_PKTSIM_PRIVATE_H
#include "base/mem.h"
#include "base/rng.h"
#include "net/route.h"
#include "net/wire.h"
#include "packet/cc.h"
#include "packet/evq.h"
#include "packet/flowslot.h"
#include "packet/host.h"
#include "packet/mrg.h"
#include "packet/pktsim.h"
#include "packet/port.h"
#include "traffic/flows.h"

#define NONE UINT32_MAX /* no cell, slot, NIC, … */

/* ORDER CELL: packets on a flow's path first, then pause frames. */
typedef enum {
    CELL_DATA,
    CELL_ACK,
    CELL_NACK,
    CELL_PAUSE,
    CELL_RESUME,
    CELL_PORT_FREE,  /* a port's transmission ends */
    CELL_NIC_WAKE,   /* a NIC looks for a packet to send */
    CELL_FLOW_DUE,   /* the next flow of the list */
    CELL_FLOW_SETUP, /* compat: the reference starts a flow in three steps of equal time */
    CELL_FLOW_START,
    CELL_CC_TIMER,
    CELL_RTO
} CellKind;

struct PktCell {
    EvNode ev;
    uint8_t kind;   /* CellKind */
    uint8_t n_hops; /* telemetry stamps so far; of a congestion control's timer: which */
    bool marked;    /* by a switch */
    bool echo;      /* of an ACK: the data packet was marked */
    bool last;      /* on the last link of its path */
    uint16_t wire_b;
    uint32_t flow;    /* slot; NONE: pause frames */
    uint32_t link;    /* on or before which it is; events of ports: that port */
    uint32_t in_link; /* by which it entered the switch it is in */
    uint32_t at;      /* place of `link` in PktSim.paths */
    uint64_t byte;    /* data: first payload byte; ACK: next expected; timers: index of the flow,
                         to recognise a reused slot */
    int64_t sent;     /* when the data packet's first transmission began */
};
_Static_assert(sizeof(PktCell) == EVQ_STRIDE, "a cell is one cache line");

struct PktSim {
    Evq q;
    PktCell *cells;
    uint32_t n_cells, cap_cells, spare_cells, n_spare; /* spare: free list through ev.next */
    uint64_t rank;
    int64_t now;
    uint64_t now_rank;
    size_t n_live; /* events queued other than timers of congestion controls */
    int64_t ticks_per_ns;
    bool compat;
    bool tracing, observed; /* there is a trace; a trace or a series */
    uint32_t full_wire_b, header_b, ack_wire_b;
    const CongestionControl *cc;
    CcConf cc_conf;

    const Topo *topo;
    const Route *route;
    const Flows *in;
    const uint16_t *sport;
    Arena arena;      /* what lasts for the run */
    Port *ports;      /* [n_links] */
    Ingress *ingress; /* [n_links] */
    Switch *switches; /* [n_nodes] */
    Nic *nics;        /* [n_nics] one for each directed link out of a host */
    uint32_t n_nics;

    FlowSlot *flows;                         /* [n_slots] */
    uint32_t n_slots, cap_slots, spare_slot; /* spare: free list through timer[0] */
    size_t n_active;
    uint32_t *paths; /* [n_slots][2][max_links] links of data and of ACKs; the last with PATH_END */
    uint32_t max_links;
    uint64_t *hops;        /* [n_cells][max_stamps] telemetry, if any */
    uint64_t *hops_before; /* [n_slots][max_stamps] */
    double *hop_rates;     /* [n_slots][max_stamps] */
    uint32_t max_stamps;
    size_t next_due;  /* index of the next flow to start */
    size_t n_awaited; /* flows of PktStretch that the run has to wait for */
    int64_t first_start_ns;
    bool asked_starts; /* compat: start times are as asked for, not as the reference printed them */
    Rng rng;           /* marking */
    Mrg mrg;           /* marking, in compat */
    Rng *loss;         /* [n_links] losses on links; NULL: none loses packets */
    Series *series;    /* NULL: none asked for */

    double *fct_ns;
    PktStats *stats;
    const PktOptions *opt;
};

/* ---- cells ---- */

/* A pointer to a cell is valid until pktsim_reserve_cells is called, that is while an event is
 * handled: the loop keeps as many cells in stock as an event may take. */
static inline PktCell *pktsim_cell(PktSim *s, uint32_t id) { return &s->cells[id]; }
uint32_t pktsim_cell_new(PktSim *s, CellKind kind);
void pktsim_cell_free(PktSim *s, uint32_t id);
void pktsim_reserve_cells(PktSim *s, uint32_t need);

/* Frees the cell of a packet that leaves the network, and its flow's slot if it was the last. */
void pktsim_packet_free(PktSim *s, uint32_t id);

/* ---- paths ---- */

#define PATH_END (1u << 31) /* marks the last link of a path */

/* Returns where in PktSim.paths the path of a flow's data (0) or ACKs (1) begins. */
static inline uint32_t pktsim_path(const PktSim *s, uint32_t slot, uint32_t of_acks) {
    return (slot * 2 + of_acks) * s->max_links;
}
/* Puts a packet before the link at place `at` of PktSim.paths; returns that link. */
static inline uint32_t pktsim_step(const PktSim *s, PktCell *c, uint32_t at) {
    uint32_t step = s->paths[c->at = at];
    c->last = step >> 31;
    return c->link = step & ~PATH_END;
}

/* ---- time ---- */

static inline void pktsim_schedule(PktSim *s, uint32_t id, int64_t time) {
    s->n_live++;
    evq_push(&s->q, id, time, s->rank++);
}
/* Returns the serialisation of so many bytes, in ticks. */
int64_t pktsim_ticks(const PktSim *s, double bytes, double rate_bps);

/* ---- tracing ---- */

/* Tells the trace and the series, where there are, what happens to a packet at a link. A series
 * needs no arrivals. */
void pktsim_trace_event(PktSim *s, PktTraceKind kind, uint32_t link, const PktCell *c);
static inline void pktsim_trace(PktSim *s, PktTraceKind kind, uint32_t link, const PktCell *c) {
    bool arrival = kind == PKT_TRACE_RECEIVE || kind == PKT_TRACE_DROP;
    if (arrival ? s->tracing : s->observed) pktsim_trace_event(s, kind, link, c);
}
#endif
