/* flowfeat_traffic: sums over all flows of a path that take no simulation. */
#ifndef M3_MODEL_FLOWFEAT_TRAFFIC_H
#define M3_MODEL_FLOWFEAT_TRAFFIC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "path/path.h"

/* What starts on a path's links, when, and where it comes from and goes to. */
typedef struct {
    uint32_t n_links;
    size_t n_flows;
    int64_t first_start_ns, last_start_ns; /* 0 without flows */
    double bits;                           /* of all flows, with headers */
    bool gaps_known;                       /* by the caller of flowfeat_traffic_init */
    struct FlowFeatLinkTraffic *link;      /* private: [n_links] */
    struct FlowFeatGroup *group;           /* private: [(n_links + 1)²] by first and last link */
    struct FlowFeatBands *bands;           /* private */
} FlowFeatTraffic;

/* flowfeat_traffic_init makes *t the sums over no flows of `lot`. gaps: [n_links], sums over the
 * times between starts of all flows that will be added, where the caller has them already; NULL:
 * flowfeat_traffic_add computes them. All memory is taken from `a`. */
void flowfeat_traffic_init(FlowFeatTraffic *t, const Lot *lot, const LinkGaps *gaps, Arena *a);

/* flowfeat_traffic_add adds n flows, ascending in start, none of which starts before those that an
 * earlier call has added. Costs a few ns a flow. flowfeat_traffic_end is called once, after all:
 * the sums are not there before. */
void flowfeat_traffic_add(FlowFeatTraffic *t, const LotFlow *flows, size_t n);
void flowfeat_traffic_end(FlowFeatTraffic *t);
#endif
