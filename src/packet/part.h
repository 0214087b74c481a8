/* part: what a partition of a parallel run does beside simulating its nodes: it hands over packets
 * that leave it, takes in those that come, and keeps what has to be put in order with others'.
 * Private to this room.
 *
 * A round: part_begin_round; windows, with part_receive before each; part_end_round; all partitions
 * wait for each other. Within a round a partition may begin a window when all others have ended the
 * one that is `apart` before. Functions without a Part are for the simulation, where PktSim.part is
 * not NULL. */
#ifndef M3_PACKET_PART_H
#define M3_PACKET_PART_H
#include <stdatomic.h>

#include "packet/order.h"
#include "packet/pktsim_private.h"

/* Windows that partitions may be apart; what goes from one to another takes at least as long. More
 * of them spare some waiting, and cost more in messages. */
enum { PART_APART = 2, PART_BOXES = 2 * PART_APART };

/* When something happened in a partition: a tick, and what tells events of equal time apart, which
 * is the event's rank, or in compat the step of the partition's log. */
typedef struct {
    int64_t time, rank;
} PartMoment;

/* part_is_later says whether a comes after b; in compat, by time alone. */
static inline bool part_is_later(PartMoment a, PartMoment b) {
    return a.time != b.time ? a.time > b.time : a.rank > b.rank;
}

/* News for the partition that a flow is of (its sender's): a packet of it has left the network, in
 * compat; else credit has been sent to it. */
typedef struct {
    PartMoment at;
    uint32_t slot;
    int from; /* partition */
} PartNote;

/* What goes from one partition to another in a window, in order: cells, each of which is an event
 * of its time and rank there. In cache lines of its own. */
typedef struct {
    _Alignas(64) PktCell *cells; /* [n] */
    uint64_t *hops;              /* [n][max_stamps] */
    PartNote *notes;
    size_t n, cap, cap_hops, n_notes, cap_notes;
    int64_t next; /* no cell is due before that tick */
} PartBox;

/* A count that changes. */
typedef struct {
    PartMoment at;
    int by, from; /* partition */
} PartChange;
typedef struct {
    PartChange *list; /* [n] of this round */
    size_t n, cap;
    int64_t sum, most; /* of all of them; of the first ones, or 0 */
} PartChanges;

/* What is told of a round when it has ended. */
typedef struct {
    int64_t next;      /* no event or packet on a link is before that tick */
    uint64_t n_events; /* of the round */
    int64_t cells_sum, cells_most, flows_sum, flows_most; /* of its changes; most: or less */
    int64_t n_noted;  /* flows that notes of the round before have ended */
    uint64_t n_to_do; /* events and packets on links that are no timers of controls */
    PartMoment moved; /* when there was the last such event */
} PartTold;

/* A line of the trace. */
typedef struct {
    PartMoment at;
    PktTraceEvent e;
} PartTrace;

/* An event that is to come, of a cell, or of a port for which nothing waits. */
typedef struct {
    int64_t time, rank;
    uint32_t tie, id;
} PartPending;

/* A cache line goes back and forth between cores if one writes what another reads, which takes as
 * long as several events. So what others read is apart from what changes all the time. */
typedef struct Part {
    /* Set once. */
    PktSim *sim;
    struct Part *all;       /* [n_parts] */
    const uint8_t *of_node; /* [n_nodes] partition */
    const uint8_t *of_link; /* [n_links] partition of a link's end */
    int me, n_parts;
    uint32_t first_slot, n_slots;
    uint32_t apart;             /* PART_APART; in compat 1 */
    PartBox *boxes[PART_BOXES]; /* [n_parts] to each partition, of the latest windows */

    _Alignas(64) uint32_t window; /* windows that have ended, of all rounds */
    uint32_t received;            /* windows of which all has been received */
    uint32_t first_window;        /* of the round */
    bool begun;                   /* the round */
    uint64_t first_event;         /* of the round */
    PartTrace *trace;             /* [n_trace] of this round */
    size_t n_trace, cap_trace;
    PartChanges cells, flows; /* in use; active */
    uint64_t n_messages;
    /* Compat: events of equal time in the order in which they were scheduled, wherever that was. */
    OrderLog log;
    Order order;
    PartPending *pending; /* [n_pending] at the end of an epoch */
    size_t n_pending, cap_pending;
    size_t most_steps; /* of an epoch: then a new one is due */
    PartNote *notes;   /* all that came */
    size_t cap_notes;
    PartChanges noted;  /* flows that they ended */
    int64_t n_noted;    /* of the window before */
    PartMoment moved;   /* of PartTold */
    PartMoment *timers; /* [n_timers] of controls that went off in this round */
    size_t n_timers, cap_timers;
    _Alignas(64) PartTold told;
    _Alignas(64) atomic_uint ended; /* as `window`, for others to see */
} Part;

void part_begin_round(Part *p);
void part_end_round(Part *p);
/* part_run simulates the next window, until tick `end`. part_receive takes in what others sent in
 * windows before number `before`. */
void part_run(Part *p, int64_t end);
void part_receive(Part *p, uint32_t before);
void part_free(Part *p);
/* part_boxes returns the boxes to each partition of one of the latest windows. */
static inline PartBox *part_boxes(const Part *p, uint32_t window) {
    return p->boxes[window % PART_BOXES];
}

/* part_end_epoch lists the pending events that were scheduled in the epoch, in order, for their
 * ties to be set; part_begin_epoch takes up those ties and empties the log, of which nothing before
 * `begin` is needed any more. part_limit_steps decides after how many steps an epoch ends.
 * part_pending_before says whether one comes before another one. */
void part_limit_steps(Part *p);
void part_end_epoch(Part *p);
void part_begin_epoch(Part *p, int64_t begin);
bool part_pending_before(const Order *o, const PartPending *a, const PartPending *b);

/* part_step begins a step: the event that s->now is about, or the start of one of its flows, and in
 * compat adds it to the log. */
static inline void part_step(PktSim *s, uint32_t sub) {
    OrderLog *l = &s->part->log;
    if (!s->compat) {
        s->now_rank = pktsim_due_rank(sub);
        return;
    }
    s->tie = order_tie((uint32_t)s->part->me, (uint32_t)l->n);
    l->steps[l->n++] = (OrderStep){s->now, s->now_rank, s->now_tie, sub};
}
/* part_log_event does so for the event of now, in compat. */
void part_log_event(PktSim *s);
/* part_common_tie returns the tie of the event that starts the next flows. */
uint32_t part_common_tie(PktSim *s);
/* part_owns_flow says whether a flow of the list starts here. */
bool part_owns_flow(const PktSim *s, size_t index);
/* part_is_first says whether this partition counts what all of them do alike. */
bool part_is_first(const PktSim *s);
/* part_packet_gone notes in compat that a packet of a flow has left the network, and part_send_news
 * sends CELL_GONE to the sender, where it is due at `time`; false: the flow is of this partition,
 * and nothing was done. */
bool part_packet_gone(PktSim *s, uint32_t slot);
bool part_send_news(PktSim *s, uint32_t id, int64_t time);
/* part_credit_sent notes that a packet of credit is on its way to the sender; false: the flow is of
 * this partition, and nothing was done. */
bool part_credit_sent(PktSim *s, uint32_t slot);
/* part_moved tells of the event of now whether it is a timer of the control, which has some: a run
 * ends when there is nothing else left. part_forget_timers takes timers off the count of events
 * that went off after the last other event of all partitions. */
void part_moved(PktSim *s, bool is_timer);
void part_forget_timers(Part *p, PartMoment last);
/* part_count_cell and part_count_flow note by how much a count changes. */
void part_count_cell(PktSim *s, int by);
void part_count_flow(PktSim *s, int by);
/* part_touch notes in compat that a flow has left its NIC's list, or a packet of it the network. */
void part_touch(PktSim *s, uint32_t slot);
/* part_trace keeps a line of the trace. */
void part_trace(PktSim *s, const PktTraceEvent *e);
#endif
