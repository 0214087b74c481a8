/* thread_ranks: ranks without MPI: threads of this process, which carry bytes to each other through
 * memory. */
#ifndef M3_TESTS_THREAD_RANKS_H
#define M3_TESTS_THREAD_RANKS_H
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "base/ranks.h"

enum { THREAD_RANKS_MAX = 8 };

/* What the ranks' threads share, and which of them this is. */
static struct {
    pthread_barrier_t first[THREAD_RANKS_MAX + 1]; /* [n] of the first n ranks */
    pthread_mutex_t lock;
    int n;
    const void *given[THREAD_RANKS_MAX];
    void *sent[THREAD_RANKS_MAX];
    char *came[THREAD_RANKS_MAX][THREAD_RANKS_MAX];
    uint64_t loop, next;
} wire;
static _Thread_local int me;
static _Thread_local bool left_alone; /* the others stay away from the next gather or swap */

static int wire_gather(const void *mine, size_t n, void *all, bool (*stop)(void)) {
    (void)stop;
    if (left_alone) return -1;
    wire.given[me] = mine;
    pthread_barrier_wait(&wire.first[wire.n]);
    for (int i = 0; i < wire.n; i++) memcpy((char *)all + (size_t)i * n, wire.given[i], n);
    pthread_barrier_wait(&wire.first[wire.n]);
    return 0;
}

/* To one rank alone: the others don't take part. */
static void wire_send_to_one(void *data, size_t n, int from, int to) {
    if (me == from && me != to) {
        pthread_mutex_lock(&wire.lock);
        wire.sent[from] = memcpy(mem_alloc(n, 1), data, n);
        pthread_mutex_unlock(&wire.lock);
    } else if (me == to && from != to) {
        void *got = NULL;
        while (!got) {
            pthread_mutex_lock(&wire.lock);
            got = wire.sent[from];
            wire.sent[from] = NULL;
            pthread_mutex_unlock(&wire.lock);
        }
        memcpy(data, got, n);
        free(got);
    }
}

static void wire_spread(void *data, size_t n, int from, int to) {
    if (to >= 0) {
        wire_send_to_one(data, n, from, to);
        return;
    }
    if (me == from) wire.given[from] = data;
    pthread_barrier_wait(&wire.first[wire.n]);
    if (me != from) memcpy(data, wire.given[from], n);
    pthread_barrier_wait(&wire.first[wire.n]);
}

static int wire_swap(const RanksPiece *out, RanksPiece *in, int n, bool (*stop)(void)) {
    (void)stop;
    if (left_alone) return -1;
    wire.given[me] = out;
    pthread_barrier_wait(&wire.first[n]);
    for (int q = 0; q < n; q++) {
        const RanksPiece *piece = &((const RanksPiece *)wire.given[q])[me];
        size_t len = q == me ? 0 : piece->n;
        free(wire.came[me][q]);
        wire.came[me][q] = mem_alloc(len, 1);
        if (len > 0) memcpy(wire.came[me][q], piece->data, len);
        in[q] = (RanksPiece){wire.came[me][q], len};
    }
    pthread_barrier_wait(&wire.first[n]);
    return 0;
}

static uint64_t wire_take(uint64_t loop, uint64_t n, uint64_t grain, uint64_t limit,
                          uint64_t *first) {
    pthread_mutex_lock(&wire.lock);
    if (loop > wire.loop) wire.loop = loop, wire.next = 0;
    uint64_t end = n < limit ? n : limit, left = wire.next < end ? end - wire.next : 0,
             count = left < grain ? left : grain;
    *first = wire.next;
    wire.next += count;
    pthread_mutex_unlock(&wire.lock);
    return count;
}

static const RanksTransport transport = {.abi = RANKS_ABI,
                                         .gather = wire_gather,
                                         .spread = wire_spread,
                                         .swap = wire_swap,
                                         .take = wire_take};

/* Runs fn(ctx, ranks) on n threads, each of which is a rank; *ranks is the thread's alone. */
typedef void (*ThreadRanksFn)(void *ctx, Ranks *ranks);
typedef struct {
    int rank;
    void *ctx;
    ThreadRanksFn fn;
} ThreadRank;

static void *thread_rank_main(void *arg) {
    ThreadRank *t = arg;
    Ranks r = {.rank = t->rank, .size = wire.n, .n_local = wire.n, .via = &transport};
    me = t->rank;
    t->fn(t->ctx, &r);
    return NULL;
}

static void thread_ranks_run(int n, ThreadRanksFn fn, void *ctx) {
    pthread_t id[THREAD_RANKS_MAX];
    ThreadRank start[THREAD_RANKS_MAX];
    memset(&wire, 0, sizeof wire);
    wire.n = n;
    for (int k = 1; k <= n; k++) pthread_barrier_init(&wire.first[k], NULL, (unsigned)k);
    pthread_mutex_init(&wire.lock, NULL);
    for (int i = 0; i < n; i++) {
        start[i] = (ThreadRank){i, ctx, fn};
        pthread_create(&id[i], NULL, thread_rank_main, &start[i]);
    }
    for (int i = 0; i < n; i++) pthread_join(id[i], NULL);
    for (int k = 1; k <= n; k++) pthread_barrier_destroy(&wire.first[k]);
    for (int i = 0; i < n * THREAD_RANKS_MAX; i++)
        free(wire.came[i / THREAD_RANKS_MAX][i % THREAD_RANKS_MAX]);
}
#endif
