/* par: parallel loops over independent items. */
#ifndef M3_BASE_PAR_H
#define M3_BASE_PAR_H
#include <stddef.h>

#include "base/diag.h"

/* par_for calls fn(ctx, item, worker) once for every item in [0, n), in no particular order, on at
 * most `threads` workers (0: all cores; worker in [0, threads)). Results must be stored by item, so
 * that the number of threads never shows. Items are handed out one by one: make them 10 µs or more,
 * so that drawing the next one (under 0.1 µs) does not show. */
typedef void (*ParFn)(void *ctx, size_t item, int worker);
void par_for(size_t n, int threads, ParFn fn, void *ctx);

/* par_try is par_for for items that may fail and loops that may be interrupted. fn returns 0, or −1
 * and fills its own *err (never NULL).
 *
 * Returns 0 if every item was run and none failed; else −1 and in *err (may be NULL) the error of
 * the lowest failing item. This does not depend on the number of threads, since every item below a
 * failing one is run; of those above, only the ones already begun are finished. An item that was
 * never begun because of an interruption (diag_stop_requested), or that returned ERR_STOPPED, makes
 * the answer ERR_STOPPED, unless some item failed for a reason of its own. */
typedef int (*ParTryFn)(void *ctx, size_t item, int worker, Err *err);
int par_try(size_t n, int threads, ParTryFn fn, void *ctx, Err *err);

/* par_resolve returns the number of workers that a loop may use for `threads` as asked (0: all
 * processors that are online, at most 1024): the size of arrays that are indexed by worker. */
int par_resolve(int threads);
#endif
