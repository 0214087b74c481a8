/* pathranks: which rank of a job simulates which path. */
#ifndef M3_FEATURES_PATHRANKS_H
#define M3_FEATURES_PATHRANKS_H
#include <stdint.h>

#include "net/topo.h"
#include "path/pathset.h"

/* pathranks_new returns the rank of each path of a set [n_unique], the same on all ranks; the
 * caller frees. */
uint16_t *pathranks_new(const PathSet *set, const Topo *t, int n_ranks);
#endif
