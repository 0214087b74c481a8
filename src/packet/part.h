/* part: what a partition of a parallel run does beside simulating its nodes: it keeps a log of its
 * steps, hands over packets that leave it, and takes in those that come. Private to this
 * room.
 *
 * A window: part_begin; events; part_end; all partitions wait; part_receive, while others may be in
 * their next window. Functions without a Part are for the simulation, where PktSim.part is not
 * NULL. */
#ifndef M3_PACKET_PART_H
#define M3_PACKET_PART_H
#include "packet/order.h"
#include "packet/pktsim_private.h"

/* A packet of a flow that ended in a partition that isn't the flow's (its sender's). */
typedef struct {
    int64_t time; /* when, and the tie of the retransmission timer's event */
    uint32_t tie;
    uint32_t slot;
    uint32_t change; /* drops: place in `cells` of `from` where the retransmission timer counts */
    int from;        /* partition, and its step */
    uint32_t step;
    bool drop; /* the sender's timer is to be set */
} PartNote;

/* What goes from one partition to another in a window, in order. */
typedef struct {
    PktCell *cells; /* [n] packets on a link */
    uint64_t *hops; /* [n][max_stamps] */
    PartNote *notes;
    size_t n, cap, cap_hops, n_notes, cap_notes;
    int64_t next; /* no packet arrives, and no timer that a note sets expires, before that tick */
} PartBox;

/* A count that changes in a step. */
typedef struct {
    int by, from; /* partition, and its step */
    uint32_t step;
} PartChange;
typedef struct {
    PartChange *list; /* [n] of this window */
    size_t n, cap;
    int64_t sum, most; /* of all of them; of the first ones, or 0 */
    int64_t late;      /* of those that notes have added */
} PartChanges;

/* What is told of a window when it has ended. */
typedef struct {
    int64_t next;     /* no event or packet on a link is before that tick */
    uint64_t n_steps; /* of the window */
    int64_t cells_sum, cells_most, flows_sum, flows_most; /* of its changes; most: or less */
    int64_t cells_late, flows_late; /* changes of the window before, not told of then */
} PartTold;

/* A sender's state before a step changed it. */
typedef struct {
    uint32_t slot, step, rto;
    uint8_t n_rto;
    uint64_t una;
} PartBefore;

/* A line of the trace. */
typedef struct {
    uint32_t step;
    PktTraceEvent e;
} PartTrace;

/* An event that is to come, of a cell, or of a port for which nothing waits. */
typedef struct {
    int64_t time, sched;
    uint32_t tie, id;
} PartPending;

typedef struct Part {
    PktSim *sim;
    int me, n_parts;
    struct Part *all;       /* [n_parts] */
    const uint8_t *of_node; /* [n_nodes] partition */
    uint32_t first_slot, n_slots;
    OrderLog log;
    Order order;
    PartPending *pending; /* [n_pending] at the end of an epoch */
    size_t n_pending, cap_pending;
    size_t most_steps; /* of an epoch: then a new one is due */
    size_t first_step; /* of the window */
    size_t n_common;   /* flows of the list: steps that one event may have */
    uint32_t window;   /* counts windows */
    PartBox *boxes[2]; /* [n_parts] to each partition: of this window and of the one before */
    PartNote *notes;   /* all that came */
    size_t cap_notes;
    PartBefore *before; /* [n_before] of this window */
    size_t n_before, cap_before;
    PartTrace *trace;
    size_t n_trace, cap_trace;
    PartChanges cells, flows; /* in use; active */
    size_t n_drops;           /* of the window */
    PartChange *timers;       /* [n_timers] set by notes; step: place in `cells` of `from` */
    size_t n_timers, cap_timers;
    uint64_t n_messages;
    _Alignas(64) PartTold told;
} Part;

void part_begin(Part *p);
void part_end(Part *p);
void part_receive(Part *p);
void part_free(Part *p);

/* part_end_epoch lists the pending events that were scheduled in the epoch, in order, for their
 * ties to be set; part_begin_epoch takes up those ties and empties the log, of which nothing before
 * `begin` is needed any more. part_limit_steps decides after how many steps an epoch ends.
 * part_pending_before says whether one comes before another one. */
void part_limit_steps(Part *p);
void part_end_epoch(Part *p);
void part_begin_epoch(Part *p, int64_t begin);
bool part_pending_before(const Order *o, const PartPending *a, const PartPending *b);

/* part_step begins a step: the event that s->now is about, or the start of one of its flows.
 * part_is_full says whether there is no room for those of another event. */
static inline void part_step(PktSim *s, uint32_t sub) {
    OrderLog *l = &s->part->log;
    s->tie = order_tie((uint32_t)s->part->me, (uint32_t)l->n);
    l->steps[l->n++] = (OrderStep){s->now, s->now_sched, s->now_tie, sub};
}
static inline bool part_is_full(const PktSim *s) { return s->part->log.n >= s->part->log.cap; }
/* part_common_tie returns the tie of the event that starts the next flows. */
uint32_t part_common_tie(PktSim *s);
/* part_owns_flow says whether a flow of the list starts here. */
bool part_owns_flow(const PktSim *s, size_t index);
/* part_is_first says whether this partition counts what all of them do alike. */
bool part_is_first(const PktSim *s);
/* part_packet_gone notes that a packet of a flow has left the network; false: the flow is of this
 * partition, and nothing was noted. part_drop does so for a drop, always. */
bool part_packet_gone(PktSim *s, uint32_t slot);
void part_drop(PktSim *s, uint32_t slot);
/* part_note_sender keeps a sender's state, which is about to change. */
void part_note_sender(PktSim *s, uint32_t slot);
/* part_count_cell and part_count_flow note by how much a count changes. */
void part_count_cell(PktSim *s, int by);
void part_count_flow(PktSim *s, int by);
/* part_touch notes that a flow has left its NIC's list, or one of its packets the network. */
void part_touch(PktSim *s, uint32_t slot);
/* part_trace keeps a line of the trace. */
void part_trace(PktSim *s, const PktTraceEvent *e);
#endif
