/* evq: the event queue: a wheel of sorted slots for the near future, a heap for the rest. Private
 * to this room.
 *
 * Nodes are elements of the user's array, EVQ_STRIDE bytes each, that begin with an EvNode; the
 * queue links them by 32-bit index and owns no memory per event. Order is (time, seq): seq is the
 * rank at which the event was scheduled, so events of equal time run in the order scheduled,
 * whatever the order of pushing. */
#ifndef M3_PACKET_EVQ_H
#define M3_PACKET_EVQ_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVQ_STRIDE = 64 }; /* a cache line */
/* A list is searched for so long; then the event goes to the heap, where any may lie. */
enum { EVQ_MOST_STEPS = 16 };
#define EVQ_NONE UINT32_MAX

typedef struct {
    int64_t time; /* ticks, ≥ 0 */
    uint64_t seq;
    uint32_t next;
    uint32_t tail; /* of the head of a slot's list: its last node */
} EvNode;

typedef struct {
    int64_t time;
    uint64_t seq;
    uint32_t id;
} EvFar;

/* Invariant: every node in the wheel has time >> shift in [now >> shift, now >> shift + n_slots),
 * so that slots hold ascending times in cyclic order from now's slot on; within a slot the list is
 * sorted. */
typedef struct {
    unsigned char *nodes; /* the user's array; set by the user, again after each move of it */
    int64_t now;          /* time of the last event popped */
    uint32_t *heads;      /* [mask + 1] lists: index of the first node; valid if not empty */
    uint64_t *words;      /* bit per slot: not empty */
    uint64_t *summary;    /* bit per word: not 0 */
    uint32_t mask, word_mask, sum_mask;
    int shift;
    size_t n_near;
    EvFar *far; /* 4-ary heap */
    size_t n_far, cap_far;
} Evq;

/* evq_init makes a queue for about n_events pending events that are mostly less than horizon_ticks
 * ahead; more events, or farther ones, only take longer. evq_free releases. */
void evq_init(Evq *q, int64_t horizon_ticks, size_t n_events);
void evq_free(Evq *q);

/* The heap of far events: for evq_push and evq_pop, or by itself in a zeroed Evq. */
void evq_far_push(Evq *q, uint32_t id, int64_t time, uint64_t seq);
uint32_t evq_far_pop(Evq *q);

static inline EvNode *evq_node(const Evq *q, uint32_t id) {
    return (EvNode *)(void *)(q->nodes + (size_t)id * EVQ_STRIDE);
}
/* evq_before says whether (time, seq) a comes before b. */
static inline bool evq_before(int64_t ta, uint64_t sa, int64_t tb, uint64_t sb) {
    return ta < tb || (ta == tb && sa < sb);
}
static inline size_t evq_len(const Evq *q) { return q->n_near + q->n_far; }

/* evq_list_insert puts a node in its place of a list that is not empty, unless that is far from
 * both ends: then it returns false. For evq_push alone. */
static inline bool evq_list_insert(Evq *q, uint32_t *list, uint32_t id, EvNode *n) {
    EvNode *head = evq_node(q, *list), *tail = evq_node(q, head->tail);
    if (!evq_before(n->time, n->seq, tail->time, tail->seq)) {
        n->next = EVQ_NONE;
        tail->next = head->tail = id;
        return true;
    }
    uint32_t *link = list;
    int steps = 0;
    for (EvNode *at = head; evq_before(at->time, at->seq, n->time, n->seq);
         at = evq_node(q, *link)) {
        if (++steps > EVQ_MOST_STEPS) return false;
        link = &at->next;
    }
    if (link == list) n->tail = head->tail;
    n->next = *link;
    *link = id;
    return true;
}

/* evq_push adds node id with time ≥ now and a seq that no other pending event has. */
static inline void evq_push(Evq *q, uint32_t id, int64_t time, uint64_t seq) {
    EvNode *n = evq_node(q, id);
    n->time = time;
    n->seq = seq;
    if ((time >> q->shift) - (q->now >> q->shift) > (int64_t)q->mask) {
        evq_far_push(q, id, time, seq);
        return;
    }
    uint32_t i = (uint32_t)(time >> q->shift) & q->mask, w = i >> 6;
    if (q->words[w] >> (i & 63) & 1) {
        if (evq_list_insert(q, &q->heads[i], id, n)) q->n_near++;
        else evq_far_push(q, id, time, seq);
        return;
    }
    q->n_near++;
    n->next = EVQ_NONE;
    q->heads[i] = n->tail = id;
    q->words[w] |= 1ull << (i & 63);
    q->summary[w >> 6] |= 1ull << (w & 63);
}

/* evq_first_slot returns the first slot in use at or after now's, cyclically; n_near > 0. */
static inline uint32_t evq_first_slot(const Evq *q) {
    uint32_t from = (uint32_t)(q->now >> q->shift) & q->mask, w = from >> 6;
    uint64_t bits = q->words[w] & (~0ull << (from & 63));
    if (bits) return w << 6 | (uint32_t)__builtin_ctzll(bits);
    w = (w + 1) & q->word_mask;
    uint32_t s = w >> 6;
    bits = q->summary[s] & (~0ull << (w & 63));
    while (!bits) bits = q->summary[s = (s + 1) & q->sum_mask];
    w = s << 6 | (uint32_t)__builtin_ctzll(bits);
    return w << 6 | (uint32_t)__builtin_ctzll(q->words[w]);
}

/* evq_pop takes out the first event and moves `now` to its time. Returns its node, EVQ_NONE if
 * there is none. */
static inline uint32_t evq_pop(Evq *q) {
    if (q->n_near == 0) return q->n_far ? evq_far_pop(q) : EVQ_NONE;
    uint32_t i = evq_first_slot(q);
    uint32_t id = q->heads[i];
    EvNode *n = evq_node(q, id);
    if (q->n_far && evq_before(q->far[0].time, q->far[0].seq, n->time, n->seq))
        return evq_far_pop(q);
    q->n_near--;
    q->now = n->time;
    if (n->next != EVQ_NONE) {
        q->heads[i] = n->next;
        evq_node(q, n->next)->tail = n->tail;
        return id;
    }
    uint32_t w = i >> 6;
    q->words[w] &= ~(1ull << (i & 63));
    if (!q->words[w]) q->summary[w >> 6] &= ~(1ull << (w & 63));
    return id;
}
#endif
