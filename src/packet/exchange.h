/* exchange: what partitions on several ranks tell each other. Private to this room.
 *
 * Of the other ranks' partitions there are stand-ins: their boxes, changes and what they have told
 * are filled with what came from there, so that the rest of a window goes as on threads. */
#ifndef M3_PACKET_EXCHANGE_H
#define M3_PACKET_EXCHANGE_H
#include "base/ranks.h"
#include "packet/part.h"

typedef struct {
    Ranks *ranks;
    Part *parts; /* [n] that of rank q at q */
    int me, n;
    RanksOut *out; /* [n] */
    RanksPiece *in, *pieces;
    bool stop;           /* some rank was asked to stop */
    uint64_t n_finished; /* flows, on all ranks */
} Exchange;

void exchange_init(Exchange *x, Ranks *ranks, Part *parts, int n);
void exchange_free(Exchange *x);

/* exchange_window makes a window's boxes and what was told of it known, and exchange_changes the
 * changes of cells, or of flows, in it. −1 if a rank stays away. */
int exchange_window(Exchange *x, Err *err);
int exchange_changes(Exchange *x, bool cells, bool flows, Err *err);

/* exchange_results adds the other ranks' completion times, statistics and largest queues to those
 * of rank 0, and moves its clock to the last of all. Ranks without a partition call it as well. */
int exchange_results(PktSim *s, Ranks *ranks, bool has_part, uint64_t *n_messages, Err *err);
#endif
