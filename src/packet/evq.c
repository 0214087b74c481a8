/* evq: set-up of the wheel, and the heap of far events.
 *
 * In a packet network nearly every event is a link's delay and one serialisation ahead, that is
 * within a known short horizon: a wheel (a calendar queue that needs no resizing; Brown, CACM 1988)
 * takes those in O(1): the slot's list is almost always empty or appended to. A two-level bitmap
 * finds the next slot in use. What lies beyond the horizon (flow starts, timers of tens of µs) goes
 * to a 4-ary heap whose top is compared at each pop: no event ever moves from heap to wheel. The
 * slot width is the horizon over the number of slots and only concerns speed: order within a slot
 * is exact. An event takes a third to a ninth of what heaps alone take (tests/bench/README.md). */
#include "packet/evq.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

/* Slots: four for each pending event, so that most hold one or none; at least what a two-level
 * bitmap of words needs; at most 1 MB of heads, which still lies in the second-level cache. */
enum { MIN_SLOTS = 4096, MAX_SLOTS = 1 << 18 };

void evq_init(Evq *q, int64_t horizon_ticks, size_t n_events) {
    assert(horizon_ticks > 0);
    size_t n = MIN_SLOTS;
    while (n < 4 * n_events && n < MAX_SLOTS) n *= 2;
    int shift = 0;
    while ((horizon_ticks >> shift) + 2 > (int64_t)n) shift++;
    *q = (Evq){.shift = shift,
               .mask = (uint32_t)n - 1,
               .word_mask = (uint32_t)(n / 64) - 1,
               .sum_mask = (uint32_t)(n / 4096) - 1};
    q->heads = MEM_NEW(uint32_t, n);
    q->words = MEM_ZNEW(uint64_t, n / 64);
    q->summary = MEM_ZNEW(uint64_t, n / 4096);
}

void evq_free(Evq *q) {
    free(q->heads);
    free(q->words);
    free(q->summary);
    free(q->far);
}

static bool far_before(const EvFar *a, const EvFar *b) {
    return evq_before(a->time, a->seq, b->time, b->seq);
}

void evq_far_push(Evq *q, uint32_t id, int64_t time, uint64_t seq) {
    MEM_GROW(q->far, q->cap_far, q->n_far + 1);
    EvFar e = {time, seq, id};
    size_t i = q->n_far++;
    for (size_t up; i > 0 && far_before(&e, &q->far[up = (i - 1) / 4]); i = up)
        q->far[i] = q->far[up];
    q->far[i] = e;
}

uint32_t evq_far_pop(Evq *q) {
    EvFar top = q->far[0], last = q->far[--q->n_far];
    size_t i = 0, n = q->n_far;
    for (size_t child; (child = 4 * i + 1) < n;) {
        size_t end = child + 4 < n ? child + 4 : n, least = child;
        for (size_t k = child + 1; k < end; k++) {
            if (far_before(&q->far[k], &q->far[least])) least = k;
        }
        if (!far_before(&q->far[least], &last)) break;
        q->far[i] = q->far[least];
        i = least;
    }
    q->far[i] = last;
    q->now = top.time;
    return top.id;
}
