/* order: in which order one run in compat would take events and steps that several partitions have
 * at the same time. Private to this room.
 *
 * A step is an event that was handled, or one of the flows that start in such an event. A partition
 * logs its steps, and an event's tie tells which step of which partition scheduled it. */
#ifndef M3_PACKET_ORDER_H
#define M3_PACKET_ORDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A tie: 6 bits partition, 21 bits step, 5 bits count of the events that the step scheduled.
 * ORDER_COMMON in place of the partition: the event that starts flows, which all partitions have
 * alike, counted in place of the step. */
enum { ORDER_COMMON = 63, ORDER_MAX_STEPS = 1 << 21 };
static inline uint32_t order_tie(uint32_t partition, uint32_t step) {
    return partition << 26 | step << 5;
}

typedef struct {
    int64_t time, sched; /* of the step's event */
    uint32_t tie;
    uint32_t sub; /* orders steps of one event */
} OrderStep;

/* The steps of a partition since a tick, `epoch`, in order. Steps are added at the end and never
 * move, so that others may read what they know of meanwhile. */
typedef struct {
    OrderStep *steps; /* [n] */
    size_t n, cap;
    uint32_t *common; /* [n_common] steps that scheduled the event of that count which all have */
    uint32_t n_common;
} OrderLog;

/* A partition's view of all logs. Of events scheduled before the epoch, those of equal time that
 * were scheduled at one time have ties that are simply ordered. */
typedef struct {
    OrderLog *const *logs; /* by partition */
    int me;
    int64_t epoch;
} Order;

/* order_tie_before says whether the event of tie a, scheduled at the same time as the one of tie b,
 * comes before it. */
bool order_tie_before(const Order *o, int64_t sched, uint32_t a, uint32_t b);

/* order_compare returns less than 0, 0 or more, as step i of a log comes before, is the same as or
 * comes after step j of another one. */
int order_compare(const Order *o, int log_i, size_t i, int log_j, size_t j);
#endif
