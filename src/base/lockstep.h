/* lockstep: threads that work on the parts of a whole in rounds, many thousand times a second. */
#ifndef M3_BASE_LOCKSTEP_H
#define M3_BASE_LOCKSTEP_H
#include <stdbool.h>

/* lockstep_run calls work(ctx, part) once for every part in [0, n) in each round, on at most n
 * threads of which the caller's is one. When all are done, next(ctx) is called, alone, and says
 * whether there is another round. What a call wrote in one round, all can read in the next one.
 *
 * A thread has a part of its own, but takes over one that is not begun, so that it waits for no
 * thread that the system doesn't let run. n ≤ LOCKSTEP_MAX. */
enum { LOCKSTEP_MAX = 64 };
typedef struct {
    int n;
    void *ctx;
    void (*work)(void *ctx, int part);
    bool (*next)(void *ctx);
} LockstepJob;
void lockstep_run(const LockstepJob *job);
#endif
