/* Tests of base/ranks: threads of this process stand for the ranks, and carry bytes to each other
 * through memory. The oracle is par_try on one process: same results, same errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "thread_ranks.h"

enum { N_RANKS = 3, N_ITEMS = 40 };

/* What a rank did, for the test to look at once all have ended. */
typedef struct {
    int rank, rc;
    Ranks ranks;
    Err err;
    double square[N_ITEMS]; /* results */
    int n_run;              /* items that this rank ran */
    bool failing[N_ITEMS];
    bool first_only, placed, out_fails;
    double x[2];
    size_t taken[N_ITEMS], n_taken;
} Rank;

typedef void (*RankFn)(Rank *r);
typedef struct {
    Rank *rank;
    RankFn fn;
} RankStart;

static void rank_main(void *ctx, Ranks *ranks) {
    RankStart *s = ctx;
    Rank *r = &s->rank[ranks->rank];
    r->rank = ranks->rank;
    r->ranks = *ranks;
    s->fn(r);
}

static void run_ranks(Rank *rank, RankFn fn) {
    RankStart start = {rank, fn};
    thread_ranks_run(N_RANKS, rank_main, &start);
}

static int square(void *ctx, size_t item, int worker, Err *err) {
    (void)worker;
    Rank *r = ctx;
    if (r->failing[item]) return err_input(err, "item %zu", item);
    r->square[item] = (double)(item * item);
    __atomic_fetch_add(&r->n_run, 1, __ATOMIC_RELAXED);
    return 0;
}

/* As many bytes as the item's number, so that lengths differ. */
static void pack(void *ctx, size_t item, RanksOut *out) {
    Rank *r = ctx;
    char filler[N_ITEMS] = {0};
    ranks_put(out, &r->square[item], sizeof r->square[item]);
    ranks_put(out, filler, item);
}

static void unpack(void *ctx, size_t item, RanksIn *in) {
    Rank *r = ctx;
    char filler[N_ITEMS];
    ranks_get(in, &r->square[item], sizeof r->square[item]);
    ranks_get(in, filler, item);
}

/* Rank 0 has every other item, the last rank none. */
static void loop_of_squares(Rank *r) {
    uint16_t rank_of[N_ITEMS];
    for (size_t k = 0; k < N_ITEMS; k++) rank_of[k] = k % 2;
    RanksLoop l = {.n = N_ITEMS,
                   .grain = 4,
                   .threads = 1,
                   .run = square,
                   .pack = pack,
                   .unpack = unpack,
                   .first_only = r->first_only,
                   .rank_of = r->placed ? rank_of : NULL,
                   .ctx = r};
    r->rc = ranks_run(&r->ranks, &l, &r->err);
}

static void test_results_are_known_to_all(void **state) {
    (void)state;
    Rank r[N_RANKS] = {0};
    run_ranks(r, loop_of_squares);
    for (int i = 0; i < N_RANKS; i++) {
        assert_int_equal(r[i].rc, 0);
        for (size_t k = 0; k < N_ITEMS; k++) assert_true(r[i].square[k] == (double)(k * k));
    }
    assert_int_equal(r[0].n_run + r[1].n_run + r[2].n_run, N_ITEMS); /* none twice */
}

static void test_results_for_the_first_alone(void **state) {
    (void)state;
    Rank r[N_RANKS] = {0};
    for (int i = 0; i < N_RANKS; i++) r[i].first_only = true;
    run_ranks(r, loop_of_squares);
    for (size_t k = 0; k < N_ITEMS; k++) assert_true(r[0].square[k] == (double)(k * k));
    for (int i = 0; i < N_RANKS; i++) assert_int_equal(r[i].rc, 0);
}

static void test_items_of_certain_ranks(void **state) {
    (void)state;
    Rank r[N_RANKS] = {0};
    for (int i = 0; i < N_RANKS; i++) r[i].placed = true;
    run_ranks(r, loop_of_squares);
    for (int i = 0; i < N_RANKS; i++) {
        assert_int_equal(r[i].rc, 0);
        assert_int_equal(r[i].n_run, i < 2 ? N_ITEMS / 2 : 0);
        for (size_t k = 0; k < N_ITEMS; k++) assert_true(r[i].square[k] == (double)(k * k));
    }
}

/* The lowest failing item's error is everybody's, and all items below it are run. */
static void test_lowest_failure_wins(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        Rank r[N_RANKS] = {0};
        bool first_only = kind & 1;
        for (int i = 0; i < N_RANKS; i++) {
            r[i].placed = kind & 2;
            r[i].failing[13] = r[i].failing[14] = r[i].failing[37] = true;
            r[i].first_only = first_only;
        }
        run_ranks(r, loop_of_squares);
        for (int i = 0; i < N_RANKS; i++) {
            assert_int_equal(r[i].rc, -1);
            assert_int_equal(r[i].err.kind, ERR_INPUT);
        }
        assert_string_equal(r[0].err.msg, "item 13");
        for (size_t k = 0; k < 13; k++) assert_true(r[0].square[k] == (double)(k * k));
    }
}

static void agree(Rank *r) {
    int rc = r->rank == 1 ? err_io(&r->err, "disk full") : 0;
    r->rc = ranks_agree(&r->ranks, rc, &r->err);
}

static void test_agreement(void **state) {
    (void)state;
    Rank r[N_RANKS] = {0};
    run_ranks(r, agree);
    for (int i = 0; i < N_RANKS; i++) assert_int_equal(r[i].rc, -1);
    assert_string_equal(r[0].err.msg, "rank 1: disk full");
    assert_string_equal(r[1].err.msg, "disk full");
}

/* A rank that ends with an error before a loop: the others, in the loop, end as well. */
static void end_early(Rank *r) {
    if (r->rank == 2) r->rc = err_input(&r->err, "topo.json: cannot open");
    else loop_of_squares(r);
    r->rc = ranks_end(&r->ranks, r->rc, &r->err);
}

static void test_a_rank_that_ends_early(void **state) {
    (void)state;
    Rank r[N_RANKS] = {0};
    run_ranks(r, end_early);
    for (int i = 0; i < N_RANKS; i++) {
        assert_int_equal(r[i].rc, -1);
        assert_int_equal(r[i].err.kind, ERR_INPUT);
    }
    assert_string_equal(r[0].err.msg, "rank 2: topo.json: cannot open");
}

/* After success on all ranks the end is success; an error of any is everybody's. */
static void end_late(Rank *r) {
    loop_of_squares(r);
    if (r->out_fails) r->rc = err_io(&r->err, "out.json: disk full");
    r->rc = ranks_end(&r->ranks, r->rc, &r->err);
}

static void test_the_end(void **state) {
    (void)state;
    Rank r[N_RANKS] = {0};
    run_ranks(r, end_late);
    for (int i = 0; i < N_RANKS; i++) assert_int_equal(r[i].rc, 0);
    memset(r, 0, sizeof r);
    r[0].out_fails = true;
    run_ranks(r, end_late);
    for (int i = 0; i < N_RANKS; i++) assert_int_equal(r[i].rc, -1);
    assert_string_equal(r[0].err.msg, "out.json: disk full");
}

static void stay_away(Rank *r) {
    left_alone = true;
    loop_of_squares(r);
    r->rc = ranks_end(&r->ranks, r->rc, &r->err);
}

static void test_a_rank_that_stays_away(void **state) {
    (void)state;
    Rank r[N_RANKS] = {0};
    run_ranks(r, stay_away);
    assert_int_equal(r[0].rc, -1);
    assert_int_equal(r[0].err.kind, ERR_STOPPED);
    assert_true(r[0].ranks.lost);
}

static void sums(Rank *r) {
    r->x[0] = r->rank + 1;
    r->x[1] = -r->rank;
    r->rc = ranks_sum(&r->ranks, &r->x[0], 1, &r->err);
    if (r->rc == 0) r->rc = ranks_max(&r->ranks, &r->x[1], 1, &r->err);
}

static void test_sums(void **state) {
    (void)state;
    Rank r[N_RANKS] = {0};
    run_ranks(r, sums);
    for (int i = 0; i < N_RANKS; i++) {
        assert_true(r[i].x[0] == 6);
        assert_true(r[i].x[1] == 0);
    }
}

static void take_some(Rank *r) {
    uint64_t loop = 0;
    for (size_t item; ranks_take(&r->ranks, &loop, N_ITEMS, &item);) r->taken[r->n_taken++] = item;
    r->rc = ranks_agree(&r->ranks, 0, &r->err);
}

static void test_taking_items(void **state) {
    (void)state;
    Rank r[N_RANKS] = {0};
    int times[N_ITEMS] = {0};
    run_ranks(r, take_some);
    for (int i = 0; i < N_RANKS; i++)
        for (size_t k = 0; k < r[i].n_taken; k++) times[r[i].taken[k]]++;
    for (int k = 0; k < N_ITEMS; k++) assert_int_equal(times[k], 1);
}

/* Without ranks all of it is what one process does. */
static void test_alone(void **state) {
    (void)state;
    Rank r = {0};
    RanksLoop l = {.n = N_ITEMS, .grain = 4, .threads = 2, .run = square, .ctx = &r};
    uint64_t loop = 0;
    size_t item, n = 0;
    double x = 3;
    assert_true(ranks_first(NULL));
    assert_false(ranks_several(NULL));
    assert_int_equal(ranks_run(NULL, &l, &r.err), 0);
    assert_int_equal(r.n_run, N_ITEMS);
    while (ranks_take(NULL, &loop, 5, &item)) assert_int_equal(item, n++);
    assert_int_equal(n, 5);
    assert_int_equal(ranks_sum(NULL, &x, 1, NULL), 0);
    assert_true(x == 3);
    assert_int_equal(ranks_end(NULL, -1, &r.err), -1);
    assert_int_equal(ranks_agree(NULL, 0, &r.err), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_are_known_to_all),
        cmocka_unit_test(test_results_for_the_first_alone),
        cmocka_unit_test(test_items_of_certain_ranks),
        cmocka_unit_test(test_lowest_failure_wins),
        cmocka_unit_test(test_agreement),
        cmocka_unit_test(test_a_rank_that_ends_early),
        cmocka_unit_test(test_the_end),
        cmocka_unit_test(test_a_rank_that_stays_away),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_taking_items),
        cmocka_unit_test(test_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
