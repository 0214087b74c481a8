/* deadlock: whether links that PFC pauses can wait for each other in a circle. */
#ifndef M3_NET_DEADLOCK_H
#define M3_NET_DEADLOCK_H
#include "net/route.h"

typedef enum { DEADLOCK_NONE, DEADLOCK_CYCLE, DEADLOCK_UNKNOWN } DeadlockKind;

/* A cycle of links, each of which leads to where the next one begins, and the last to the first. */
typedef struct {
    DeadlockKind kind;
    uint32_t n;      /* 0 unless there is a cycle */
    uint32_t *links; /* [n] */
} Deadlock;

/* deadlock_find looks for a cyclic buffer dependency: links that can all wait for each other, since
 * on some shortest path between hosts each is followed by the next. Without one, PFC can't
 * deadlock. Of the cycles found it keeps a short one. UNKNOWN: the network is too large for the
 * search, and has paths that go down and up again. deadlock_free releases. */
Deadlock deadlock_find(const Route *r);
void deadlock_free(Deadlock *d);

/* deadlock_text returns the cycle as the ids of its nodes, "32>33>34>32", of long ones the first
 * and the last; caller frees. */
char *deadlock_text(const Deadlock *d, const Topo *t);
#endif
