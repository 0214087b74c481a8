/* lagq: the event queue of a simulation whose events lie one of few lags ahead: a FIFO lane for
 * each lag, a heap for the rest. Private to this room.
 *
 * Order is (time, seq): seq is the rank at which an event was scheduled. */
#ifndef M3_PACKET_LAGQ_H
#define M3_PACKET_LAGQ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/evq.h"

/* Lanes that take any order: the heap, and a list that is quick where events mostly go to its end.
 * LAGQ_MAX lanes in all. */
enum { LAGQ_HEAP, LAGQ_ANY, LAGQ_FIFO, LAGQ_MAX = 8 };

/* An event: what it is about is the user's. */
typedef struct {
    int64_t time; /* ticks */
    uint64_t seq;
    uint32_t next, prev; /* in its lane; prev is for LAGQ_ANY alone */
    uint32_t item;
    uint16_t payload_b;
    uint8_t kind;
    bool marked;
} LagEvent;

/* Invariant: the events of a lane ascend; lane LAGQ_HEAP shows the top of the heap. */
typedef struct {
    int64_t time[LAGQ_MAX];  /* of the first event of each lane; INT64_MAX: none */
    uint32_t head[LAGQ_MAX]; /* first event */
    uint32_t tail[LAGQ_MAX]; /* last event, but for the heap */
    uint64_t key[LAGQ_MAX];
    uint32_t n_lanes;
    LagEvent *events;
    size_t n_events, cap_events;
    uint32_t *unused; /* events */
    size_t n_unused, cap_unused;
    uint64_t seq;
    EvHeap far;
} Lagq;

/* lagq_reset empties the queue; a zeroed Lagq may be reset. lagq_free releases its memory. */
void lagq_reset(Lagq *q);
void lagq_free(Lagq *q);

/* lagq_lane returns the lane of the events of that key, which must be pushed in their order. When
 * there are many keys it is LAGQ_ANY, which takes any order. */
uint32_t lagq_lane(Lagq *q, uint64_t key);

static inline bool lagq_before(const LagEvent *a, const LagEvent *b) {
    return a->time < b->time || (a->time == b->time && a->seq < b->seq);
}

/* lagq_new returns the number of an event that is not in use, at events[]; lagq_release gives it
 * back. */
uint32_t lagq_grow(Lagq *q);
static inline uint32_t lagq_new(Lagq *q) {
    return q->n_unused > 0 ? q->unused[--q->n_unused] : lagq_grow(q);
}
static inline void lagq_release(Lagq *q, uint32_t id) { q->unused[q->n_unused++] = id; }

/* For lagq_push and lagq_pop: an event into the heap, and the heap's first one out; an event into
 * list LAGQ_ANY, before its last one, or into the heap if its place is not near. */
void lagq_heap_push(Lagq *q, uint32_t id);
void lagq_heap_pop(Lagq *q);
void lagq_insert(Lagq *q, uint32_t id);

/* lagq_push adds event id, whose seq is set, at that time. */
static inline void lagq_push(Lagq *q, uint32_t lane, uint32_t id, int64_t time) {
    LagEvent *e = &q->events[id];
    e->time = time;
    e->next = e->prev = EVQ_NONE;
    if (q->time[lane] == INT64_MAX) {
        q->time[lane] = time;
        q->head[lane] = q->tail[lane] = id;
    } else if (lane >= LAGQ_FIFO || !lagq_before(e, &q->events[q->tail[lane]])) {
        e->prev = q->tail[lane];
        q->events[q->tail[lane]].next = id;
        q->tail[lane] = id;
    } else {
        lagq_insert(q, id);
    }
}

static inline uint64_t lagq_seq(const Lagq *q, uint32_t lane) {
    return q->events[q->head[lane]].seq;
}

/* lagq_first returns the lane of the first event; its time is INT64_MAX if there is none. */
static inline uint32_t lagq_first(const Lagq *q) {
    uint32_t first = 0;
    int64_t time = q->time[0];
#pragma GCC unroll 8
    for (uint32_t i = 1; i < LAGQ_MAX; i++) {
        if (q->time[i] > time) continue;
        if (q->time[i] == time && (time == INT64_MAX || lagq_seq(q, i) > lagq_seq(q, first)))
            continue;
        time = q->time[i];
        first = i;
    }
    return first;
}

/* lagq_pop takes the first event out of a lane that has one, and returns its number. */
static inline uint32_t lagq_pop(Lagq *q, uint32_t lane) {
    uint32_t id = q->head[lane], next = q->events[id].next;
    if (lane == LAGQ_HEAP) {
        lagq_heap_pop(q);
    } else if (next == EVQ_NONE) {
        q->time[lane] = INT64_MAX;
    } else {
        q->events[next].prev = EVQ_NONE;
        q->head[lane] = next;
        q->time[lane] = q->events[next].time;
    }
    return id;
}

/* lagq_delay puts off all events by so many ticks. */
void lagq_delay(Lagq *q, int64_t ticks);
#endif
