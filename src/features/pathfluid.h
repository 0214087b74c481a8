/* pathfluid: a path from its flows to its FlowFeat: what the flow model needs of it is planned,
 * simulated as fluid, and described. */
#ifndef M3_FEATURES_PATHFLUID_H
#define M3_FEATURES_PATHFLUID_H
#include "fluid/flowsim.h"
#include "model/flowfeat.h"
#include "path/path.h"

/* pathfluid_build simulates all n flows of a lot (ascending by start_ns) and describes at most
 * max_flows of its foreground. Everything is taken from `a`. What depends on the network's settings
 * is left to flowfeat_set_conf. stats may be NULL. */
void pathfluid_build(FlowFeat *m, const Lot *lot, const LotFlow *flows, size_t n, size_t max_flows,
                     FlowsimStats *stats, Arena *a);

typedef struct {
    size_t max_flows; /* foreground flows to describe at most */
    bool exact;       /* simulate all flows */
} PathFluidOptions;

/* pathfluid_build_path simulates a path whose flows are still to be read, describes at most
 * o.max_flows of its foreground in *m (from `a`, without what depends on settings), and returns how
 * many flows it simulated. Of a path of more than SLICES_MIN_FLOWS flows these are, unless o.exact
 * is set, only those that matter to what is described (slices.h), and the others are read a block
 * at a time and never kept; a path of which more than half would matter is simulated whole. *stats
 * are those of the last simulation, in which every described flow ended within what was simulated
 * for it. */
size_t pathfluid_build_path(FlowFeat *m, const PathView *path, const PathFluidOptions *o,
                            FlowsimStats *stats, Arena *a);
#endif
