/* parallel: a run on several threads, each with a partition of the network. Private to this room.
 */
#ifndef M3_PACKET_PARALLEL_H
#define M3_PACKET_PARALLEL_H
#include "base/ranks.h"
#include "packet/partition.h"

/* parallel_run simulates what `s` is set up for, until tick `stop`, in the partitions of p: all of
 * s, its results and its statistics are as one thread would leave them. Returns 1, with s as it
 * was, if the system refuses the memory; −1 if interrupted. */
int parallel_run(PktSim *s, const Partition *p, int64_t stop, Err *err);

/* parallel_add_stats adds the counts of one partition to those of another. */
void parallel_add_stats(PktStats *to, const PktStats *from);

/* parallel_run_on_ranks does so with a partition on each of the first p->n ranks, each with its own
 * `s` of the same flows; the results are in that of rank 0. Not for compat, traces and series. */
int parallel_run_on_ranks(PktSim *s, const Partition *p, int64_t stop, Ranks *ranks, Err *err);
#endif
