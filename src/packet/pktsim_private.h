/* sim: the state of one packet-level run, shared by port.c (links and switches), host.c (senders
 * and receivers) and pktsim.c (set-up, event loop, results). Private to this room.
 *
 *                        flow list ──┐                      ┌── queue 0 (control)
 *      host:  ACK queue ── NIC port ─┴─ link ─▶ switch ─────┴── data queue ── port ── link ─▶ …
 *
 * Everything that waits for a time is a Cell: a packet on its way, a port that becomes free, a
 * timer. A packet is one cell from its first transmission to its last arrival; the data packet's
 * cell becomes its ACK. A cell is in the event queue, in one port queue, or on the free list.
 *
 * Time is in ticks: ns in compat mode, ps otherwise. `rank` counts scheduled events; events of
 * equal time run by rank. A port's becoming free takes its rank when the transmission starts but is
 * queued only if somebody waits for it. */
#ifndef M3_PACKET_PKTSIM_PRIVATE_H
#define M3_PACKET_PKTSIM_PRIVATE_H
#include "base/mem.h"
#include "base/rng.h"
#include "traffic/flows.h"
#include "net/route.h"
#include "net/wire.h"
#include "packet/cc.h"
#include "packet/evq.h"
#include "packet/mrg.h"
#include "packet/pktsim.h"

#define NONE UINT32_MAX
#define PATH_END (1u << 31)
__extension__ typedef unsigned __int128 U128;
enum { MAX_LINKS = 16 };

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

/* 64 bytes: one cache line. */
typedef struct {
    EvNode ev;
    uint8_t kind;
    uint8_t n_hops; /* telemetry stamps so far; CC timers: which */
    bool marked;    /* by a switch */
    bool echo;      /* ACKs: the data packet was marked */
    bool last;      /* on the last link of its path */
    uint16_t wire_b;
    uint32_t flow;    /* slot; NONE: pause frames */
    uint32_t link;    /* on or before which it is; events of ports: that port */
    uint32_t in_link; /* by which it entered the switch it is in */
    uint32_t at;      /* place of `link` in the run's paths */
    uint64_t byte;    /* data: first payload byte; ACK: next expected; timers: index of the flow, to
                         recognise a reused slot */
    int64_t sent;     /* when the data packet's first transmission began */
} Cell;
_Static_assert(sizeof(Cell) == EVQ_STRIDE, "a cell is one cache line");

typedef struct {
    uint32_t head, tail;
} Queue;

/* The sending end of a directed link: a cache line that every packet needs, and one for some. */
typedef struct {
    _Alignas(64) int64_t free_at; /* end of the last transmission */
    uint64_t free_rank;           /* rank of that event */
    Queue first, data; /* queue 0 (strict priority) and the data queue; at a host: ACKs, unused */
    uint32_t data_b, total_b;
    bool free_queued; /* the event is in the event queue */
    bool paused;
    bool at_host;
    uint32_t nic;       /* at_host: index of the NIC */
    int64_t full_ticks; /* serialisation of a full data packet */
    int64_t ack_ticks;
    int64_t delay_ticks;
    uint64_t sent_b;
    CcMarking marking;
    uint32_t peak_b;
    double rate_bps;
} Port;
_Static_assert(sizeof(Port) == 128, "a port is two cache lines");

/* The receiving end of a directed link at a switch: the buffer its packets hold there. */
typedef struct {
    uint32_t held_b;     /* reserve and shared */
    uint32_t headroom_b; /* in use */
    uint32_t headroom_size_b;
    uint32_t sw;   /* node */
    uint8_t shift; /* of the dynamic threshold */
    bool pausing;  /* the far end was told to pause */
    bool at_switch;
} Ingress;

typedef struct {
    int64_t free_b; /* buffer − Σ headroom − Σ reserve: what can be shared; may be < 0 */
    uint64_t size_b, held_b;
    uint32_t shared_b;
} Switch;

/* A NIC's flows, in order of start. */
typedef struct {
    int64_t next_at; /* not before */
    uint32_t flow;   /* slot */
    uint8_t state;   /* bits */
} NicEntry;
enum {
    NIC_LEFT = 1,
    NIC_ROOM = 2,
    NIC_DONE = 4
}; /* bytes left to send; window not full; all acknowledged */

typedef struct {
    NicEntry *list;
    size_t n, cap;
    uint32_t served; /* index of the last entry served */
    uint32_t link;
    uint32_t wake; /* cell of the pending wake-up, or NONE */
} Nic;

/* An active flow: from its start until both ends are done and none of its packets is about. */
typedef struct {
    uint64_t size_b, nxt, una; /* sender: next to send, first unacknowledged */
    uint64_t nxt_max;          /* what is below is a retransmission */
    int64_t started;
    uint64_t rate_window_b; /* payload bytes in flight at cc.rate_bps */
    uint64_t expected;      /* receiver: next byte */
    uint64_t nack_for;      /* last expected byte a NACK was sent for */
    int64_t nack_after;     /* or after this time anyway */
    uint32_t index;         /* in Flows; NONE: slot not in use */
    uint32_t nic, pos;      /* NIC and place in its list, NONE: left it */
    uint32_t n_about;       /* packets */
    int64_t pace_ticks;     /* of a full packet at the present rate */
    uint32_t last_wire_b;
    uint32_t timer[CC_N_TIMERS]; /* cells, NONE: not armed */
    uint32_t rto;                /* cell or NONE */
    uint64_t rto_una;            /* una when it was armed */
    uint8_t n_rto;               /* in a row without progress */
    CcFlow cc;
} FlowSlot;

typedef struct Sim {
    Evq q;
    Cell *cells;
    uint32_t n_cells, cap_cells, spare_cells, n_spare; /* spare: free list through ev.next */
    uint64_t rank;
    int64_t now;
    uint64_t now_rank;
    size_t n_live; /* events queued other than CC timers */
    int64_t ticks_per_ns;
    bool compat, tracing;
    uint32_t full_wire_b, header_b, ack_wire_b;
    const CongestionControl *cc;
    CcConf cc_conf;

    const Topo *topo;
    const Route *route;
    const Flows *in;
    uint16_t *sport;
    Arena arena;      /* what lasts for the run */
    Port *ports;      /* [n_links] */
    Ingress *ingress; /* [n_links] */
    Switch *switches; /* [n_nodes] */
    Nic *nics;        /* one per directed link out of a host */
    uint32_t n_nics;

    FlowSlot *flows;
    uint32_t n_slots, cap_slots, spare_slot; /* spare: free list through timer[0] */
    size_t n_active;
    uint32_t *paths; /* [slot][2][max_links] links forth and back */
    uint32_t max_links;
    uint64_t *hops;        /* [cell][max_stamps] telemetry, if any */
    uint64_t *hops_before; /* [slot][max_stamps] */
    double *hop_rates;     /* [slot][max_stamps] */
    uint32_t max_stamps;
    size_t next_due; /* flow */
    int64_t first_start_ns;
    bool asked_starts; /* compat: start times are as asked for, not as they came to be */
    Rng rng;           /* marking */
    Mrg mrg;           /* marking, in compat */

    double *fct_ns;
    PktStats *stats;
    const PktOptions *opt;
} Sim;

static inline Cell *sim_cell(Sim *s, uint32_t id) { return &s->cells[id]; }
/* Puts a packet before the next link of its path; returns that. */
static inline uint32_t sim_step(const Sim *s, Cell *c, uint32_t at) {
    uint32_t step = s->paths[c->at = at];
    c->last = step >> 31;
    return c->link = step & ~PATH_END;
}
/* Where in paths a flow's way forth (0) or back (1) begins. */
static inline uint32_t sim_path(const Sim *s, uint32_t slot, uint32_t back) {
    return (slot * 2 + back) * s->max_links;
}
/* Cell pointers stay valid while an event is handled: the loop keeps cells in stock for one event.
 */
uint32_t sim_cell_new(Sim *s, CellKind kind);
void sim_cell_drop(Sim *s, uint32_t id);
void sim_stock_cells(Sim *s, uint32_t need);
void sim_packet_drop(Sim *s, uint32_t id);
static inline void sim_schedule(Sim *s, uint32_t id, int64_t time) {
    s->n_live++;
    evq_push(&s->q, id, time, s->rank++);
}
int64_t sim_ticks(const Sim *s, double bytes, double rate_bps);
void sim_trace_out(Sim *s, PktTraceKind kind, uint32_t link, const Cell *c);
static inline void sim_trace(Sim *s, PktTraceKind kind, uint32_t link, const Cell *c) {
    if (s->tracing) sim_trace_out(s, kind, link, c);
}

/* port.c */
void port_kick(Sim *s, uint32_t link);
void port_on_free(Sim *s, uint32_t id);
void port_transmit(Sim *s, Port *p, uint32_t link, uint32_t id, bool must_free);
void port_on_arrival_at_switch(Sim *s, uint32_t id);
void port_on_pause(Sim *s, uint32_t id);
void queue_put(Sim *s, Queue *q, uint32_t id);
uint32_t queue_take(Sim *s, Queue *q);

/* host.c */
void host_on_arrival(Sim *s, uint32_t id);
void host_transmit(Sim *s, Port *p, uint32_t link);
void host_start_flow(Sim *s, uint32_t slot);
void host_on_wake(Sim *s, uint32_t id);
void host_on_cc_timer(Sim *s, uint32_t id);
void host_on_rto(Sim *s, uint32_t id);
/* A packet of the flow was dropped somewhere: makes sure that it is noticed (not in compat). */
void host_lost(Sim *s, uint32_t slot);
void flow_release(Sim *s, uint32_t slot);
#endif
