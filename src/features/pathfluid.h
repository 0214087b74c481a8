/* pathmap: one path from its flows to its FlowFeat. */
#ifndef M3_FEATURES_PATHFLUID_H
#define M3_FEATURES_PATHFLUID_H
#include "fluid/flowsim.h"
#include "model/flowfeat.h"

/* Plans, simulates with the fluid model and builds; at most max_flows foreground flows are
 * described. flowfeat_set_conf is still to come. All in `a`; stats may be NULL. */
void pathfluid_build(FlowFeat *m, const Lot *lot, const LotFlow *flows, size_t n, size_t max_flows,
                     FlowsimStats *stats, Arena *a);

/* The same of a long path, of which only flows that matter to what is described are simulated
 * (slices.h), and no others are ever held; all of them if that is half of them or more. Returns how
 * many; stats are those of the last run, in which no watched flow outlasted what was simulated
 * about it. */
size_t pathfluid_build_sliced(FlowFeat *m, const PathView *path, size_t max_flows,
                              FlowsimStats *stats, Arena *a);
#endif
