/* partition: which partition of a parallel run has which node. Private to this room. */
#ifndef M3_PACKET_PARTITION_H
#define M3_PACKET_PARTITION_H
#include "packet/pktsim_private.h"

enum { PARTITION_MAX = 32 };

typedef struct {
    int n;             /* partitions; 1: a parallel run would not be faster */
    uint8_t *of_node;  /* [n_nodes] owned; NULL if n is 1 */
    int64_t lookahead; /* ticks that a packet to another partition takes at least */
} Partition;

/* partition_find divides a run's network among at most n threads, or ranks, as is estimated to be
 * fastest; with PktOptions.any_size among as many as can be. partition_free releases. */
void partition_find(const PktSim *s, int n, bool on_ranks, Partition *p);
void partition_free(Partition *p);
#endif
