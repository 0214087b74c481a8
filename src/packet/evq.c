/* evq: set-up of the wheel, its words, and the heap.
 *
 * In a packet network nearly every event is a link's delay and one serialisation ahead, that is
 * within a known short horizon: a wheel (a calendar queue that needs no resizing; Brown, CACM 1988)
 * takes those in O(1), without a look at what its slot has. When no event is ready, those of the
 * next words of 64 slots are sorted into the ready list by insertion: they are few, and slots come
 * in order. So the memory of events to come is fetched together and ahead, and taking one out
 * touches nothing but its entry. What lies beyond the horizon (flow starts, timers of tens of µs)
 * goes to a 4-ary heap whose top is compared at each pop, and so does what would have to move far
 * in the ready list: no event ever comes back from the heap. The slot width is the horizon over the
 * number of slots and only concerns speed. An event takes a third to a ninth of what heaps alone
 * take (tests/bench/README.md). */
#include "packet/evq.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

/* Slots: four for each pending event, so that most hold one or none and a word some 16; whole
 * words of them; at most 1 MB of heads, which still lies in the second-level cache. */
enum { MIN_SLOTS = 1024, MAX_SLOTS = 1 << 18 };
/* An event moves past so many of the ready list; then it goes to the heap, where any may lie. */
enum { MOST_STEPS = 16 };
/* Words of slots are made ready until there are so many events. */
enum { ENOUGH = 12 };

void evq_init(Evq *q, int64_t horizon_ticks, size_t n_events) {
    assert(horizon_ticks > 0);
    size_t n = MIN_SLOTS;
    while (n < 4 * n_events && n < MAX_SLOTS) n *= 2;
    int shift = 0; /* beyond the horizon there is a word of slack: base is at most that much late */
    while ((horizon_ticks >> shift) + 65 > (int64_t)n) shift++;
    *q = (Evq){.shift = shift, .mask = (uint32_t)n - 1, .far.time = INT64_MAX};
    q->heads = MEM_NEW(uint32_t, n);
    for (size_t i = 0; i < n; i++) q->heads[i] = EVQ_NONE;
    q->words = MEM_ZNEW(uint64_t, n / 64);
}

void evq_free(Evq *q) {
    free(q->ready);
    free(q->heads);
    free(q->words);
    evheap_free(&q->far);
}

/* ---- ready list and wheel ---- */

static inline bool rank_before(const Evq *q, const EvNode *a, const EvNode *b) {
    return evq_rank_before(q, a->rank, a->tie, b->rank, b->tie);
}

static void push_far(Evq *q, uint32_t id, const EvNode *n) {
    evheap_push(&q->far, q, (EvFar){n->time, n->rank, id});
}

/* Puts an event in its place of the ready list, which has room, or in the heap if that is far from
 * the end. Ranks lie in the nodes: they are looked at where times are equal, and only there. */
static inline void ready_insert(Evq *q, uint32_t id, const EvNode *n) {
    EvReady *ready = q->ready;
    size_t to = q->end, least = to - q->at > MOST_STEPS ? to - MOST_STEPS : q->at;
    for (; to > least; to--) {
        const EvReady *before = &ready[to - 1];
        if (before->time < n->time) break;
        if (before->time == n->time && rank_before(q, evq_node(q, before->id), n)) break;
    }
    if (to == least && to > q->at) {
        push_far(q, id, n);
        return;
    }
    for (size_t i = q->end++; i > to; i--) ready[i] = ready[i - 1];
    ready[to] = (EvReady){n->time, id};
}

void evq_push_aside(Evq *q, uint32_t id) {
    const EvNode *n = evq_node(q, id);
    if (n->time >> q->shift < q->base) {
        MEM_GROW(q->ready, q->cap_ready, q->end + 1);
        ready_insert(q, id, n);
    } else {
        push_far(q, id, n);
    }
}

/* Moves the events of a word to the ready list, which has room. Mostly they come in order. */
static void take_word(Evq *q, uint64_t *word, uint32_t *heads) {
    EvReady *ready = q->ready;
    size_t end = q->end, n_taken = 0;
    int64_t last = end > 0 ? ready[end - 1].time : -1;
    for (uint64_t bits = *word; bits; bits &= bits - 1) {
        uint32_t *head = &heads[__builtin_ctzll(bits)], id = *head;
        *head = EVQ_NONE;
        do {
            const EvNode *n = evq_node(q, id);
            n_taken++;
            if (n->time > last) {
                ready[end++] = (EvReady){last = n->time, id};
            } else {
                q->end = end;
                ready_insert(q, id, n);
                end = q->end;
            }
            id = n->next;
        } while (id != EVQ_NONE);
    }
    *word = 0;
    q->end = end;
    q->n_wheel -= n_taken;
}

/* An event of the heap that comes before the next word of the wheel is not waited for: events may
 * yet be pushed between the two, and belong in the wheel. */
bool evq_refill(Evq *q) {
    q->at = q->end = 0;
    MEM_GROW(q->ready, q->cap_ready, q->n_wheel);
    while (q->n_wheel > 0 && q->end < ENOUGH) {
        int64_t first = q->base;
        while (!q->words[(first & q->mask) >> 6]) first += 64;
        if (q->far.time >> q->shift < first) break;
        q->base = first + 64;
        take_word(q, &q->words[(first & q->mask) >> 6], &q->heads[first & q->mask]);
    }
    if (q->end > 0) return true;
    int64_t word = q->far.time >> q->shift & ~63LL;
    if (q->far.n > 0 && word > q->base) q->base = word;
    return false;
}

bool evq_far_is_first(const Evq *q, const EvReady *e) {
    return q->far.time < e->time ||
           rank_before(q, evq_node(q, q->far.events[0].id), evq_node(q, e->id));
}

void evq_list(const Evq *q, uint32_t *ids) {
    for (size_t i = q->at; i < q->end; i++) *ids++ = q->ready[i].id;
    for (size_t i = 0; i < q->far.n; i++) *ids++ = q->far.events[i].id;
    for (size_t i = 0; i <= q->mask && q->n_wheel > 0; i++)
        for (uint32_t id = q->heads[i]; id != EVQ_NONE; id = evq_node(q, id)->next) *ids++ = id;
}

uint32_t evq_pop_far(Evq *q) {
    EvFar top = evheap_pop(&q->far, q);
    q->now = top.time;
    return top.id;
}

/* ---- heap ---- */

static bool far_before(const Evq *q, const EvFar *a, const EvFar *b) {
    if (a->time != b->time) return a->time < b->time;
    if (a->rank != b->rank) return a->rank < b->rank;
    return q && rank_before(q, evq_node(q, a->id), evq_node(q, b->id));
}

void evheap_push(EvHeap *h, const Evq *q, EvFar e) {
    MEM_GROW(h->events, h->cap, h->n + 1);
    size_t i = h->n++;
    for (size_t up; i > 0 && far_before(q, &e, &h->events[up = (i - 1) / 4]); i = up)
        h->events[i] = h->events[up];
    h->events[i] = e;
    h->time = h->events[0].time;
}

EvFar evheap_pop(EvHeap *h, const Evq *q) {
    EvFar top = h->events[0], last = h->events[--h->n];
    size_t i = 0, n = h->n;
    for (size_t child; (child = 4 * i + 1) < n;) {
        size_t end = child + 4 < n ? child + 4 : n, least = child;
        for (size_t k = child + 1; k < end; k++) {
            if (far_before(q, &h->events[k], &h->events[least])) least = k;
        }
        if (!far_before(q, &h->events[least], &last)) break;
        h->events[i] = h->events[least];
        i = least;
    }
    h->events[i] = last;
    h->time = n > 0 ? h->events[0].time : INT64_MAX;
    return top;
}

void evheap_free(EvHeap *h) { free(h->events); }
