/* lagq: set-up of the lanes, and those of them that take any order: the list and the heap.
 *
 * What happens a fixed lag after events that come in order of time comes in order itself: it needs
 * no sorting, but a list to append to. A link's packets arrive a distance after their source has
 * sent them, and their acknowledgements return a distance after a FIFO server is done with them; a
 * network of switches in tiers has one to three distances of each kind. Comparing the first events
 * of so few lanes is cheaper than any queue for all. Sources look and send at no fixed lag, yet
 * mostly in order: their events, and those of a lag beyond the first few, go to a list that is
 * searched from its end, or to the heap if they would move far. */
#include "packet/lagq.h"

#include <stdlib.h>

#include "base/mem.h"

enum { MOST_STEPS = 16 };

void lagq_reset(Lagq *q) {
    q->n_lanes = LAGQ_FIFO;
    for (int i = 0; i < LAGQ_MAX; i++) q->time[i] = INT64_MAX;
    q->n_events = q->n_unused = 0;
    q->seq = 0;
    q->far.n = 0;
    q->far.time = INT64_MAX;
}

void lagq_free(Lagq *q) {
    free(q->events);
    free(q->unused);
    evheap_free(&q->far);
}

uint32_t lagq_lane(Lagq *q, uint64_t key) {
    for (uint32_t i = LAGQ_FIFO; i < q->n_lanes; i++)
        if (q->key[i] == key) return i;
    if (q->n_lanes == LAGQ_MAX) return LAGQ_ANY;
    q->key[q->n_lanes] = key;
    return q->n_lanes++;
}

uint32_t lagq_grow(Lagq *q) {
    MEM_GROW(q->events, q->cap_events, q->n_events + 1);
    MEM_GROW(q->unused, q->cap_unused, q->cap_events);
    return (uint32_t)q->n_events++;
}

static void show_top(Lagq *q) {
    q->time[LAGQ_HEAP] = q->far.time;
    if (q->far.n > 0) q->head[LAGQ_HEAP] = q->far.events[0].id;
}

void lagq_heap_push(Lagq *q, uint32_t id) {
    const LagEvent *e = &q->events[id];
    evheap_push(&q->far, NULL, (EvFar){e->time, (int64_t)e->seq, id});
    show_top(q);
}

void lagq_heap_pop(Lagq *q) {
    evheap_pop(&q->far, NULL);
    show_top(q);
}

void lagq_insert(Lagq *q, uint32_t id) {
    LagEvent *e = &q->events[id];
    uint32_t at = q->tail[LAGQ_ANY];
    for (int steps = 0; at != EVQ_NONE && lagq_before(e, &q->events[at]); at = q->events[at].prev)
        if (++steps > MOST_STEPS) {
            lagq_heap_push(q, id);
            return;
        }
    e->prev = at;
    uint32_t *link = at == EVQ_NONE ? &q->head[LAGQ_ANY] : &q->events[at].next;
    e->next = *link;
    *link = id;
    q->events[e->next].prev = id;
    if (at == EVQ_NONE) q->time[LAGQ_ANY] = e->time;
}

void lagq_delay(Lagq *q, int64_t ticks) {
    for (size_t i = 0; i < q->far.n; i++) {
        q->far.events[i].time += ticks;
        q->events[q->far.events[i].id].time += ticks;
    }
    if (q->far.n > 0) q->far.time += ticks;
    for (uint32_t i = 0; i < q->n_lanes; i++) {
        if (q->time[i] == INT64_MAX) continue;
        q->time[i] += ticks;
        if (i == LAGQ_HEAP) continue;
        for (uint32_t id = q->head[i]; id != EVQ_NONE; id = q->events[id].next)
            q->events[id].time += ticks;
    }
}
