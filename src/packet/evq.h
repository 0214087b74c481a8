/* evq: the event queue: a wheel of slots for the near future, a heap for the rest. Private to this
 * room.
 *
 * Nodes are elements of the user's array, EVQ_STRIDE bytes each, that begin with an EvNode; the
 * queue links them by 32-bit index and owns no memory per event. Order is (time, rank, tie),
 * whatever the order of pushing. `tie` is a count that may wrap: those of events of one time and
 * rank are less than 2^31 apart. */
#ifndef M3_PACKET_EVQ_H
#define M3_PACKET_EVQ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVQ_STRIDE = 64 }; /* a cache line */
#define EVQ_NONE UINT32_MAX

typedef struct {
    int64_t time;  /* ticks, ≥ 0 */
    int64_t rank;  /* orders those of equal time */
    uint32_t tie;  /* orders those of equal time and rank */
    uint32_t next; /* in its slot's list */
} EvNode;

typedef struct {
    int64_t time;
    uint32_t id;
} EvReady;

/* A 4-ary heap of events, for what has no quicker place. To begin with, all zero but for `time`. */
typedef struct {
    int64_t time, rank;
    uint32_t id;
} EvFar;
typedef struct {
    EvFar *events; /* [n] */
    size_t n, cap;
    int64_t time; /* of its first event; INT64_MAX: none */
} EvHeap;
/* evheap_push adds an event, and evheap_pop takes out the first one, of a heap that has some, by
 * (time, rank) and, unless q is NULL, by the ties in its nodes: those may be renumbered in
 * between. evheap_free releases. */
typedef struct Evq Evq;
void evheap_push(EvHeap *h, const Evq *q, EvFar e);
EvFar evheap_pop(EvHeap *h, const Evq *q);
void evheap_free(EvHeap *h);

/* Invariants: an event is in the ready list if its slot, time >> shift, is before `base` (and in
 * the heap if it found no place there); in the wheel, if its slot is in [base, base + mask]; in the
 * heap if that is later. base is a multiple of 64, so that a word of slots is of one turn. */
struct Evq {
    unsigned char *nodes; /* the user's array; set by the user, again after each move of it */
    /* How ties of events of equal time and rank are ordered, set by the user after evq_init; NULL:
     * by number. */
    bool (*tie_before)(const void *ctx, int64_t rank, uint32_t a, uint32_t b);
    const void *ctx;
    int64_t now;    /* time of the last event popped */
    int64_t base;   /* first slot that is not in the ready list */
    EvReady *ready; /* [cap_ready] ascending; what is to come are [at, end) */
    size_t at, end, cap_ready;
    uint32_t *heads; /* [mask + 1] lists, latest push first; EVQ_NONE: empty */
    uint64_t *words; /* [(mask + 1) / 64] bit per slot: not empty */
    uint32_t mask;
    int shift;
    size_t n_wheel;
    EvHeap far;
};

/* evq_init makes a queue for about n_events pending events that are mostly less than horizon_ticks
 * ahead; more events, or farther ones, only take longer. evq_free releases. */
void evq_init(Evq *q, int64_t horizon_ticks, size_t n_events);
void evq_free(Evq *q);

/* For evq_push: puts in an event whose slot is before `base` or after the wheel. For evq_pop: fills
 * the empty ready list, false if the next event is in the heap or there is none; says whether the
 * heap's first event comes before a ready one; takes it out. */
void evq_push_aside(Evq *q, uint32_t id);
bool evq_refill(Evq *q);
bool evq_far_is_first(const Evq *q, const EvReady *e);
uint32_t evq_pop_far(Evq *q);

static inline EvNode *evq_node(const Evq *q, uint32_t id) {
    return (EvNode *)(void *)(q->nodes + (size_t)id * EVQ_STRIDE);
}
/* evq_rank_before says whether an event comes before another one of equal time. */
static inline bool evq_rank_before(const Evq *q, int64_t rank_a, uint32_t tie_a, int64_t rank_b,
                                   uint32_t tie_b) {
    if (rank_a != rank_b) return rank_a < rank_b;
    return q->tie_before ? q->tie_before(q->ctx, rank_a, tie_a, tie_b)
                         : (int32_t)(tie_a - tie_b) < 0;
}
/* evq_list writes the nodes of all events, in no order, to ids[evq_len]. */
void evq_list(const Evq *q, uint32_t *ids);
static inline size_t evq_len(const Evq *q) { return q->n_wheel + (q->end - q->at) + q->far.n; }

/* evq_push adds node id with time ≥ now and a rank that no other pending event of that time has. */
static inline void evq_push(Evq *q, uint32_t id, int64_t time, int64_t rank, uint32_t tie) {
    EvNode *n = evq_node(q, id);
    n->time = time;
    n->rank = rank;
    n->tie = tie;
    int64_t slot = time >> q->shift;
    if ((uint64_t)(slot - q->base) > q->mask) { /* earlier, too */
        evq_push_aside(q, id);
        return;
    }
    uint32_t i = (uint32_t)slot & q->mask;
    n->next = q->heads[i];
    q->heads[i] = id;
    q->words[i >> 6] |= 1ull << (i & 63);
    q->n_wheel++;
}

/* evq_next_time returns the time of the first event, INT64_MAX if there is none. */
static inline int64_t evq_next_time(Evq *q) {
    if (q->at == q->end && !evq_refill(q)) return q->far.time;
    int64_t time = q->ready[q->at].time;
    return time < q->far.time ? time : q->far.time;
}

/* evq_pop takes out the first event and moves `now` to its time. Returns its node, EVQ_NONE if
 * there is none. */
static inline uint32_t evq_pop(Evq *q) {
    if (q->at == q->end && !evq_refill(q)) return q->far.n ? evq_pop_far(q) : EVQ_NONE;
    const EvReady *e = &q->ready[q->at];
    if (e->time >= q->far.time && evq_far_is_first(q, e)) return evq_pop_far(q);
    q->at++;
    q->now = e->time;
    return e->id;
}
#endif
