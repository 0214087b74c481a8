/* lockstep: rounds of work with nothing but atomic counters between them.
 *
 * Invariant: `begun` of a part is the last round in which it was begun: who raises it from the
 * round before has the part, and lowers it again where the part has to wait for others. `round` is
 * raised by the thread that ended the round's last part, after it has called next(). A thread that
 * comes late finds parts of its round begun, and goes on to the present one. Of parts that wait for
 * each other one can always go on, and whoever is awake comes upon it.
 *
 * Where every thread has a core of its own, all end a round within microseconds of each other, and
 * spinning is far cheaper than sleeping. Where they share cores, one that spins keeps those that it
 * waits for from running: after GRACE it begins their parts itself, at once if it had to before,
 * and after SPINS it sleeps a little between two looks, then sooner and longer until spinning helps
 * again. Not until the round has ended: its own part may go on long before. */
#include "base/lockstep.h"

#include <assert.h>
#include <stdatomic.h>
#include <time.h>

#include "base/par.h"

enum { GRACE = 100, SPINS = 4000 }; /* some 2 and 80 µs */
/* From NO_SPIN_NS on, spinning has not helped for long. */
enum { LEAST_NAP_NS = 20000, NO_SPIN_NS = 160000, MOST_NAP_NS = 1000000 };

typedef struct {
    _Alignas(64) atomic_ulong begun;
} LockstepPart;

typedef struct {
    const LockstepJob *job;
    LockstepPart parts[LOCKSTEP_MAX];
    _Alignas(64) atomic_int n_done;
    _Alignas(64) atomic_ulong round; /* 0: there is none any more */
} Lockstep;

static inline void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void end_round(Lockstep *l, unsigned long round) {
    atomic_store_explicit(&l->n_done, 0, memory_order_relaxed);
    bool more = l->job->next(l->job->ctx);
    atomic_store(&l->round, more ? round + 1 : 0);
}

/* Works on a part unless another thread does. False: nothing has moved. */
static bool take(Lockstep *l, unsigned long round, int part) {
    unsigned long before = round - 1;
    atomic_ulong *begun = &l->parts[part].begun;
    if (atomic_load_explicit(begun, memory_order_relaxed) != before) return false;
    if (!atomic_compare_exchange_strong(begun, &before, round)) return false;
    LockstepWork work = l->job->work(l->job->ctx, part);
    if (work != LOCKSTEP_DONE) atomic_store(begun, round - 1);
    else if (atomic_fetch_add(&l->n_done, 1) + 1 == l->job->n) end_round(l, round);
    return work != LOCKSTEP_STUCK;
}

/* Takes over parts that nobody works on; false: none moved. */
static bool take_over(Lockstep *l, unsigned long round, int own) {
    bool moved = false;
    for (int i = 1; i < l->job->n; i++) moved |= take(l, round, (own + i) % l->job->n);
    return moved;
}

/* How patient a thread is. */
typedef struct {
    int grace;
    long nap_ns;
} Patience;

static void nap(Patience *w) {
    nanosleep(&(struct timespec){.tv_nsec = w->nap_ns}, NULL);
    w->nap_ns = w->nap_ns < MOST_NAP_NS / 2 ? 2 * w->nap_ns : MOST_NAP_NS;
}

/* Works until the round is over. */
static void work_on(Lockstep *l, unsigned long round, int own, Patience *w) {
    for (int i = 0; atomic_load_explicit(&l->round, memory_order_acquire) == round; i++) {
        bool moved = take(l, round, own);
        int spins = w->nap_ns < NO_SPIN_NS ? SPINS : GRACE;
        if (i == w->grace || i == GRACE || i > spins) {
            bool others = take_over(l, round, own);
            w->grace = others ? 0 : GRACE;
            moved |= others;
        }
        if (moved) {
            if (i > 0 && i <= spins) w->nap_ns = LEAST_NAP_NS;
            i = -1;
        } else if (i <= spins) {
            pause_briefly();
        } else {
            nap(w);
            i = SPINS;
        }
    }
}

static void run_thread(Lockstep *l, int own) {
    Patience w = {GRACE, LEAST_NAP_NS};
    for (unsigned long round; (round = atomic_load(&l->round)) != 0;) work_on(l, round, own, &w);
}

static void run_own(void *ctx, size_t own, int worker) {
    (void)worker;
    run_thread(ctx, (int)own);
}

/* A thread that the system refuses is no matter: its part is taken over, and when par_for comes to
 * it there is no round any more. */
void lockstep_run(const LockstepJob *job) {
    Lockstep l = {.job = job};
    assert(job->n <= LOCKSTEP_MAX);
    for (int i = 0; i < job->n; i++) atomic_init(&l.parts[i].begun, 0);
    atomic_init(&l.round, 1);
    par_for((size_t)job->n, job->n, run_own, &l);
}
