/* lockstep: threads that work on the parts of a whole in rounds, many thousand times a second. */
#ifndef M3_BASE_LOCKSTEP_H
#define M3_BASE_LOCKSTEP_H
#include <stdbool.h>

/* lockstep_run has work(ctx, part) done for every part in [0, n) in each round, on at most n
 * threads of which the caller's is one. Work that isn't done yet waits for other parts' and is
 * called again; it says whether it moved on since the last call, as one part always can. When all
 * are done, next(ctx) is called, alone, and says whether there is another round. What a call wrote,
 * all later ones of the part and of the next rounds can read.
 *
 * A thread has a part of its own, but takes over one that nobody works on, so that it waits for no
 * thread that the system doesn't let run. n ≤ LOCKSTEP_MAX. */
enum { LOCKSTEP_MAX = 64 };
typedef enum { LOCKSTEP_STUCK, LOCKSTEP_MOVED, LOCKSTEP_DONE } LockstepWork;
typedef struct {
    int n;
    void *ctx;
    LockstepWork (*work)(void *ctx, int part);
    bool (*next)(void *ctx);
} LockstepJob;
void lockstep_run(const LockstepJob *job);
#endif
