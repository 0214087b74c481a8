/* flowfeat_plan: which of a path's flows the fluid simulation samples, and why. */
#ifndef M3_MODEL_FLOWFEAT_PLAN_H
#define M3_MODEL_FLOWFEAT_PLAN_H
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "path/arrivals.h"
#include "path/lot.h"
#include "traffic/sizebucket.h"

/* Which flows the fluid simulation samples at their arrival: foreground flows, whose features are
 * wanted, and flows of any kind, evenly spread, as probes that measure the state of the links. All
 * foreground flows of a size bucket are taken, or an even sample of them; buckets with many flows
 * are thinned first. */
typedef struct {
    ArrivalSample arrivals;              /* for flowsim_run_sampled */
    uint8_t *role;                       /* [arrivals.n] FLOWFEAT_FOREGROUND | FLOWFEAT_PROBE */
    uint32_t bucket_count[SIZEBUCKET_N]; /* all foreground flows */
    uint32_t n_foreground, n_probes;     /* sampled */
} FlowFeatPlan;
enum { FLOWFEAT_FOREGROUND = 1, FLOWFEAT_PROBE = 2 };
/* flowfeat_plan chooses at most max_flows foreground flows of a path's n flows, and the probes.
 * Memory is taken from `a`. */
void flowfeat_plan(FlowFeatPlan *plan, const Lot *lot, const LotFlow *flows, size_t n,
                   size_t max_flows, Arena *a);

/* A path's foreground flows, where its other flows are not in memory. */
typedef struct {
    size_t n;
    const uint32_t *flow;   /* [n] indices into the path's flows, ascending */
    const uint64_t *size_b; /* [n] */
} FlowFeatForeground;
/* flowfeat_plan_for makes the plan that flowfeat_plan makes for a path of n flows, from its
 * foreground flows alone. */
void flowfeat_plan_for(FlowFeatPlan *plan, const Lot *lot, size_t n, const FlowFeatForeground *fg,
                       size_t max_flows, Arena *a);
#endif
