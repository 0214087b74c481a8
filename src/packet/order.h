/* order: in which order a whole run would take steps that several partitions have taken at the same
 * time. Private to this room.
 *
 * A step is an event that was handled, or one of the flows that start in such an event. A partition
 * logs its steps and how many events each of them scheduled. */
#ifndef M3_PACKET_ORDER_H
#define M3_PACKET_ORDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORDER_MAX_LOGS = 64 };

typedef struct {
    int64_t sched;  /* when the step's event was scheduled */
    uint32_t tie;   /* and its tie */
    uint32_t sub;   /* orders steps of one event */
    uint32_t first; /* tie of the step itself; the events it scheduled have the next ones */
} OrderStep;

/* A partition's steps of one window of time, in its order. */
typedef struct {
    int64_t begin;    /* tick: no step is earlier */
    uint32_t *after;  /* [n] ticks after `begin` */
    OrderStep *steps; /* [n + 1] the last one has but `first` */
    size_t n, cap;
    uint32_t *scheduled; /* [ties] cell of the event of that tie, UINT32_MAX: it has none here */
    size_t cap_scheduled;
} OrderLog;

/* order_log_begin empties a log for a window that begins at a tick; ties count from 0 then.
 * order_log_grow makes room for another step and for ties up to n_ties. order_log_step adds a step,
 * whose tie is `first`, and order_log_end says where the ties of the last one end; both need room.
 */
void order_log_begin(OrderLog *l, int64_t begin);
void order_log_grow(OrderLog *l, size_t n_ties);
static inline void order_log_step(OrderLog *l, int64_t now, OrderStep step) {
    l->after[l->n] = (uint32_t)(now - l->begin);
    l->steps[l->n++] = step;
}
static inline void order_log_end(OrderLog *l, uint32_t first) { l->steps[l->n].first = first; }
void order_log_free(OrderLog *l);

/* One partition's view of all logs of a window. */
typedef struct {
    const OrderLog *logs[ORDER_MAX_LOGS];
    int n_logs;
    uint32_t window; /* of which numbers hold */
    struct {
        uint64_t *of; /* [n of the log] window << 32 | number */
        size_t cap;
    } numbers[ORDER_MAX_LOGS];
    struct {
        uint32_t *at; /* pairs: places of a time in the log of `me` and in this one */
        size_t n, cap, next;
    } shared[ORDER_MAX_LOGS];
} Order;

/* Steps of one time, in each log: steps[q] to steps[q] + n[q] − 1. */
typedef struct {
    size_t first[ORDER_MAX_LOGS], n[ORDER_MAX_LOGS];
} OrderGroup;

/* order_begin takes up o->logs, of the next window, and finds the times that log `me` shares with
 * others. order_next_group then gives them, ascending, with their steps numbered; false: no more.
 * order_free releases. */
void order_begin(Order *o, int me);
bool order_next_group(Order *o, int me, OrderGroup *g);
void order_free(Order *o);

/* order_tie returns the tie that a whole run's order gives a step of a log. Ties of steps and
 * events of equal time are in that order if they are the result of this, or of one log. */
uint32_t order_tie(Order *o, int log, size_t step);

/* order_event_tie returns the same for an event that a step of a log scheduled with a tie. */
uint32_t order_event_tie(Order *o, int log, size_t step, uint32_t tie);

/* order_before says whether a step comes before another one. */
bool order_before(Order *o, int log_a, size_t a, int log_b, size_t b);
#endif
