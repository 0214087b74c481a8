/* pathmap: joins the fluid engine and the model's features, which don't know each other. */
#include "app/pathmap.h"

void pathmap_make(FlowMap *m, const Lot *lot, const LotFlow *flows, size_t n, const NetConf *conf, size_t max_flows, FlowsimStats *stats,
                  Arena *a) {
    FlowmapPlan plan;
    double *fct_ns = ARENA_NEW(a, double, n);
    float *slowdown = ARENA_NEW(a, float, n);
    flowmap_plan(&plan, lot, flows, n, conf, max_flows, a);
    flowsim_watch(lot, flows, n, fct_ns, &plan.watch, stats, a);
    flowsim_slowdowns(lot, flows, n, fct_ns, slowdown);
    flowmap_build(m, lot, flows, n, fct_ns, slowdown, &plan, conf, a);
}
