/* part: what a partition of a parallel run does beside simulating its nodes: it keeps a log of each
 * window of time, hands over packets that leave it, and takes in those that come. Private to this
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
    int64_t time; /* when, and a tie of that time */
    uint32_t tie;
    uint32_t slot;
    uint32_t change; /* drops: place in `cells` of `from` where the retransmission timer counts */
    int from;        /* partition, and its step */
    uint32_t step;
    bool drop; /* the sender's timer is to be set */
} PartNote;

/* What goes from one partition to another in a window, in order. */
typedef struct {
    PktCell *cells; /* [n] packets on a link; ev.next: the step that sent them there */
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

typedef struct Part {
    PktSim *sim;
    int me, n_parts;
    struct Part *all;       /* [n_parts] */
    const uint8_t *of_node; /* [n_nodes] partition */
    uint32_t first_slot, n_slots;
    OrderLog logs[2], *log; /* of this window, `log`, and of the one before */
    Order order;
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

void part_begin(Part *p, int64_t begin);
void part_end(Part *p);
void part_receive(Part *p);
void part_free(Part *p);

/* part_reserve makes room in the log for one event, or the start of a flow. part_step begins a
 * step: the event that s->now is about, or the start of one of its flows. */
enum { PART_MAX_TIES = 32 }; /* of one step and of one that follows it */
void part_grow(PktSim *s);
static inline void part_reserve(PktSim *s) {
    const OrderLog *l = s->part->log;
    if (l->n + 3 > l->cap || s->tie + PART_MAX_TIES > l->cap_scheduled) part_grow(s);
}
static inline void part_step(PktSim *s, uint32_t sub) {
    order_log_step(s->part->log, s->now, (OrderStep){s->now_sched, s->now_tie, sub, s->tie++});
}
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
