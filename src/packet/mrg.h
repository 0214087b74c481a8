/* mrg: L'Ecuyer's MRG32k3a with its streams, for compat mode alone: the reference takes the first
 * number of a new stream, 2^127 steps further on, for each draw. Private to this room. */
#ifndef M3_PACKET_MRG_H
#define M3_PACKET_MRG_H
#include <stdint.h>

typedef struct {
    uint64_t x[3], y[3];           /* where the next draw's stream starts */
    uint64_t jump_x[9], jump_y[9]; /* to the stream after it */
} Mrg;

/* mrg_at returns the generator with seed 1 and run 1, which the reference leaves as they are; the
 * first draw is from stream `stream`. */
Mrg mrg_at(uint32_t stream);
/* mrg_next_u01 returns a number in (0, 1), the first of its stream. */
double mrg_next_u01(Mrg *m);
/* mrg_skip leaves out a stream. */
void mrg_skip(Mrg *m);
#endif
