/* The event queue: events come out by time, and by rank where times are equal. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "packet/evq.h"

/* The rank of an event as one number. */
static int64_t ranks(const EvNode *n) { return n->rank * 5 + (int32_t)(n->tie + 2); }

/* Pushes near and far, many of equal time, come out by (time, rank), whatever part of the pushes
 * the wheel takes: with a horizon of 300 most, with a long one those few beyond its first word. */
static void check_order(int64_t horizon_ticks, size_t n_events) {
    enum { N = 3000 };
    static unsigned char cells[N][EVQ_STRIDE] __attribute__((aligned(64)));
    Evq q;
    evq_init(&q, horizon_ticks, n_events);
    q.nodes = cells[0];
    Rng rng = rng_stream(7, "events", 0);
    uint32_t n_free = N, spare[N];
    for (uint32_t i = 0; i < N; i++) spare[i] = i;
    int64_t time = 0;
    int64_t rank = 0, seq = 1;
    for (int step = 0; step < 200000; step++) {
        if (n_free > 0 && (evq_len(&q) == 0 || rng_below(&rng, 100) < 52)) {
            int64_t ahead = (int64_t)rng_below(&rng, rng_below(&rng, 10) ? 300 : 5000000);
            /* times of scheduling repeat, and ties wrap around */
            evq_push(&q, spare[--n_free], q.now + ahead, seq / 5, (uint32_t)(seq % 5) - 2);
            seq++;
            continue;
        }
        uint32_t id = evq_pop(&q);
        const EvNode *n = evq_node(&q, id);
        assert_true(n->time > time || (n->time == time && ranks(n) > rank));
        time = n->time;
        rank = ranks(n);
        spare[n_free++] = id;
    }
    while (evq_len(&q) > 0) {
        const EvNode *n = evq_node(&q, evq_pop(&q));
        assert_true(n->time >= time);
        time = n->time;
    }
    assert_int_equal(evq_pop(&q), EVQ_NONE);
    evq_free(&q);
}

static void events_come_in_order(void **state) {
    (void)state;
    check_order(300, 10);
    check_order(300, 5000);
    check_order(5000, 10);
    check_order(100000, 10);
    check_order(1 << 24, 10);
}

/* Ranks given out before, pushed later: equal times still come by rank. */
static void equal_times_come_by_rank(void **state) {
    (void)state;
    enum { N = 100 };
    static unsigned char cells[N][EVQ_STRIDE] __attribute__((aligned(64)));
    Evq q;
    evq_init(&q, 1000, 10);
    q.nodes = cells[0];
    for (uint32_t i = 0; i < N; i++) evq_push(&q, i, 500, 0, (i * 37) % N);
    for (uint32_t i = 0; i < N; i++) assert_int_equal(evq_node(&q, evq_pop(&q))->tie, i);
    evq_free(&q);
}

/* A slot with more events than are sorted by insertion, pushed from both ends inwards: order stays
 * exact, and what would move far goes to the heap. */
static void crowded_slots_keep_order(void **state) {
    (void)state;
    enum { N = 1000 };
    static unsigned char cells[N][EVQ_STRIDE] __attribute__((aligned(64)));
    Evq q;
    evq_init(&q, 1 << 24, 10);
    q.nodes = cells[0];
    for (uint32_t i = 0; i < N; i++) {
        int64_t t = i % 2 ? i : 2 * N - i;
        evq_push(&q, i, t, 0, i);
    }
    assert_true(q.far.n == 0 && evq_len(&q) == N);
    int64_t time = -1;
    while (evq_len(&q) > 0) {
        size_t left = evq_len(&q);
        const EvNode *n = evq_node(&q, evq_pop(&q));
        if (left == N) assert_true(q.far.n > 0);
        assert_true(n->time >= time && evq_len(&q) == left - 1);
        time = n->time;
    }
    evq_free(&q);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(equal_times_come_by_rank),
        cmocka_unit_test(crowded_slots_keep_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
