/* par: a parallel loop on POSIX threads.
 *
 * Workers draw the next item from one atomic counter. Plain threads rather than OpenMP: the loops
 * here are coarse, and ThreadSanitizer understands pthreads but not GCC's OpenMP runtime. */
#include "base/par.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/mem.h"

#include <stdlib.h>

typedef struct {
    ParFn fn;
    void *ctx;
    size_t n;
    atomic_size_t next;
} Loop;

typedef struct {
    Loop *loop;
    int worker;
} Worker;

static void *work(void *arg) {
    Worker *w = arg;
    Loop *l = w->loop;
    for (size_t i; (i = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed)) < l->n;)
        l->fn(l->ctx, i, w->worker);
    return NULL;
}

int par_n_cores(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 1024 ? 1024 : (int)n;
}

int par_resolve(int threads) { return threads > 0 ? threads : par_n_cores(); }

void par_for(size_t n, int threads, ParFn fn, void *ctx) {
    threads = par_resolve(threads);
    if ((size_t)threads > n) threads = (int)n;
    Loop loop = {.fn = fn, .ctx = ctx, .n = n};
    atomic_init(&loop.next, 0);
    if (threads <= 1) {
        Worker w = {&loop, 0};
        work(&w);
        return;
    }
    pthread_t *ids = MEM_NEW(pthread_t, (size_t)threads);
    Worker *ws = MEM_NEW(Worker, (size_t)threads);
    int started = 1;
    for (; started < threads; started++) {
        ws[started] = (Worker){&loop, started};
        if (pthread_create(&ids[started], NULL, work, &ws[started]) != 0) break;
    }
    ws[0] = (Worker){&loop, 0};
    work(&ws[0]);
    for (int i = 1; i < started; i++) pthread_join(ids[i], NULL);
    free(ids);
    free(ws);
}
