/* lockstep: rounds of work with nothing but atomic counters between them.
 *
 * Invariant: `begun` of a part is the last round in which it was begun: who raises it from the
 * round before has the part. `round` is raised by the thread that ended the round's last part,
 * after it has called next(). A thread that comes late finds parts of its round begun, and goes on
 * to the present one.
 *
 * Where every thread has a core of its own, all end a round within microseconds of each other, and
 * spinning is far cheaper than sleeping. Where they share cores, one that spins keeps those that it
 * waits for from running: after GRACE it begins their parts itself, at once if it had to before,
 * and after SPINS it sleeps until the round has ended. */
#include "base/lockstep.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/diag.h"

enum { GRACE = 100, SPINS = 4000 }; /* some 2 and 80 µs */

typedef struct {
    _Alignas(64) atomic_ulong begun;
} LockstepPart;

typedef struct {
    const LockstepJob *job;
    const DiagStop *under;
    LockstepPart parts[LOCKSTEP_MAX];
    _Alignas(64) atomic_int n_done;
    _Alignas(64) atomic_ulong round; /* 0: there is none any more */
    atomic_int n_asleep;
    pthread_mutex_t lock;
    pthread_cond_t ended;
} Lockstep;

typedef struct {
    Lockstep *l;
    int own;
} LockstepThread;

static inline void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A thread counts as asleep before it looks at the round for the last time, and who ends the round
 * looks for sleepers afterwards: one of them sees the other. */
static void sleep_through(Lockstep *l, unsigned long round) {
    pthread_mutex_lock(&l->lock);
    atomic_fetch_add(&l->n_asleep, 1);
    while (atomic_load(&l->round) == round) pthread_cond_wait(&l->ended, &l->lock);
    atomic_fetch_sub(&l->n_asleep, 1);
    pthread_mutex_unlock(&l->lock);
}

static void end_round(Lockstep *l, unsigned long round) {
    atomic_store_explicit(&l->n_done, 0, memory_order_relaxed);
    bool more = l->job->next(l->job->ctx);
    atomic_store(&l->round, more ? round + 1 : 0);
    if (atomic_load(&l->n_asleep) == 0) return;
    pthread_mutex_lock(&l->lock);
    pthread_cond_broadcast(&l->ended);
    pthread_mutex_unlock(&l->lock);
}

/* Does a part unless another thread has begun it. */
static bool take(Lockstep *l, unsigned long round, int part) {
    unsigned long before = round - 1;
    atomic_ulong *begun = &l->parts[part].begun;
    if (atomic_load_explicit(begun, memory_order_relaxed) != before) return false;
    if (!atomic_compare_exchange_strong(begun, &before, round)) return false;
    l->job->work(l->job->ctx, part);
    if (atomic_fetch_add(&l->n_done, 1) + 1 == l->job->n) end_round(l, round);
    return true;
}

/* Takes over parts that nobody has begun, and returns how many. */
static int take_over(Lockstep *l, unsigned long round, int own) {
    int n = 0;
    for (int i = 1; i < l->job->n; i++) n += take(l, round, (own + i) % l->job->n);
    return n;
}

static void run_thread(Lockstep *l, int own) {
    int grace = GRACE;
    for (unsigned long round; (round = atomic_load(&l->round)) != 0;) {
        take(l, round, own);
        int i = 0;
        for (; i < SPINS && atomic_load_explicit(&l->round, memory_order_acquire) == round; i++) {
            if (i == grace || i == GRACE) grace = take_over(l, round, own) > 0 ? 0 : GRACE;
            pause_briefly();
        }
        if (i == SPINS) sleep_through(l, round);
    }
}

static void *start_thread(void *arg) {
    const LockstepThread *t = arg;
    diag_stop_under(t->l->under);
    run_thread(t->l, t->own);
    return NULL;
}

void lockstep_run(const LockstepJob *job) {
    Lockstep l = {.job = job,
                  .under = diag_stop_current(),
                  .lock = PTHREAD_MUTEX_INITIALIZER,
                  .ended = PTHREAD_COND_INITIALIZER};
    LockstepThread threads[LOCKSTEP_MAX];
    pthread_t ids[LOCKSTEP_MAX];
    int started = 1;
    for (int i = 0; i < job->n; i++) atomic_init(&l.parts[i].begun, 0);
    atomic_init(&l.round, 1);
    for (; started < job->n; started++) {
        threads[started] = (LockstepThread){&l, started};
        if (pthread_create(&ids[started], NULL, start_thread, &threads[started]) != 0) break;
    }
    run_thread(&l, 0);
    for (int i = 1; i < started; i++) pthread_join(ids[i], NULL);
}
