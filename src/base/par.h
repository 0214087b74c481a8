/* par: a parallel loop over independent items. */
#ifndef M3_BASE_PAR_H
#define M3_BASE_PAR_H
#include <stddef.h>

/* Calls fn(ctx, item, worker) once for every item in [0, n), in no particular order, on at most
 * `threads` workers (0: all cores; worker in [0, threads)). Results must be stored by item, so that
 * the number of threads never shows. Items are handed out one by one: make them 10 µs or more. */
typedef void (*ParFn)(void *ctx, size_t item, int worker);
void par_for(size_t n, int threads, ParFn fn, void *ctx);

int par_n_cores(void);
/* The number of workers par_for will use for `threads` as asked (0: all cores). */
int par_resolve(int threads);
#endif
