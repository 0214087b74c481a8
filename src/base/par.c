/* par: parallel loops on POSIX threads.
 *
 * Workers draw the next item from one atomic counter, so items are begun in ascending order. Hence
 * when an item fails, all items below it have been begun, and the lowest failing item is known once
 * all workers have returned: its error is the answer of par_try, whatever the number of threads.
 *
 * Plain threads rather than OpenMP: the loops here are coarse, and ThreadSanitizer understands
 * pthreads but not GCC's OpenMP runtime. If the system refuses a thread, the loop runs on those
 * that did start. */
#include "base/par.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

typedef struct {
    ParFn fn;        /* par_for */
    ParTryFn try_fn; /* par_try */
    void *ctx;
    const DiagStop *under; /* of the thread that started the loop */
    size_t n;
    atomic_size_t next;
    atomic_size_t failed; /* the lowest failing item so far; n: none */
    atomic_bool stopped;
    pthread_mutex_t lock; /* of err, and of lowering `failed` */
    Err err;              /* of item `failed` */
} ParLoop;

typedef struct {
    ParLoop *loop;
    int worker;
} ParWorker;

static void note_failure(ParLoop *l, size_t item, const Err *err) {
    if (err->kind == ERR_STOPPED) {
        atomic_store(&l->stopped, true);
        return;
    }
    pthread_mutex_lock(&l->lock);
    if (item < atomic_load(&l->failed)) {
        atomic_store(&l->failed, item);
        l->err = *err;
    }
    pthread_mutex_unlock(&l->lock);
}

static void *work(void *arg) {
    ParWorker *w = arg;
    ParLoop *l = w->loop;
    diag_stop_under(l->under);
    for (size_t i; (i = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed)) < l->n;) {
        if (!l->try_fn) {
            l->fn(l->ctx, i, w->worker);
            continue;
        }
        if (diag_stop_requested()) atomic_store(&l->stopped, true);
        if (atomic_load(&l->stopped) || i > atomic_load(&l->failed)) break;
        Err err = {0};
        if (l->try_fn(l->ctx, i, w->worker, &err) != 0) note_failure(l, i, &err);
    }
    return NULL;
}

int par_resolve(int threads) {
    if (threads > 0) return threads;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 1024 ? 1024 : (int)n;
}

/* Runs `work` on the calling thread as worker 0 and on up to threads − 1 further ones. */
static void run(ParLoop *loop, int threads) {
    threads = par_resolve(threads);
    if ((size_t)threads > loop->n) threads = (int)loop->n;
    atomic_init(&loop->next, 0);
    ParWorker first = {loop, 0};
    if (threads <= 1) {
        work(&first);
        return;
    }
    pthread_t *ids = MEM_NEW(pthread_t, (size_t)threads);
    ParWorker *ws = MEM_NEW(ParWorker, (size_t)threads);
    int started = 1;
    for (; started < threads; started++) {
        ws[started] = (ParWorker){loop, started};
        if (pthread_create(&ids[started], NULL, work, &ws[started]) != 0) break;
    }
    work(&first);
    for (int i = 1; i < started; i++) pthread_join(ids[i], NULL);
    free(ids);
    free(ws);
}

void par_for(size_t n, int threads, ParFn fn, void *ctx) {
    ParLoop loop = {.fn = fn, .ctx = ctx, .under = diag_stop_current(), .n = n};
    run(&loop, threads);
}

int par_try(size_t n, int threads, ParTryFn fn, void *ctx, Err *err) {
    ParLoop loop = {.try_fn = fn,
                    .ctx = ctx,
                    .under = diag_stop_current(),
                    .n = n,
                    .lock = PTHREAD_MUTEX_INITIALIZER};
    atomic_init(&loop.failed, n);
    atomic_init(&loop.stopped, false);
    run(&loop, threads);
    if (loop.failed < n) {
        if (err) *err = loop.err;
        return -1;
    }
    return loop.stopped ? err_stopped(err) : 0;
}
