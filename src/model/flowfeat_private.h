/* flowfeat_private: what the parts of flowfeat share. */
#ifndef M3_MODEL_FLOWFEAT_PRIVATE_H
#define M3_MODEL_FLOWFEAT_PRIVATE_H
#include <math.h>

#include "model/flowfeat.h"
#include "model/flowfeat_settings.h"
#include "model/flowfeat_traffic.h"
#include "model/modelinput.h"
#include "traffic/sizebucket.h"

/* Places of a flow's features. */
enum {
    SIZE_MTU,
    SIZE_BDP,
    SIZE_WINDOW,
    SINGLE_PACKET,
    FLUID_SLOWDOWN,
    FLUID_WAIT,
    LATENCY_SHARE,
    IDEAL,
    ACTIVE_FIRST,
    ACTIVE_LAST,
    ACTIVE_INNER,
    BEFORE_FB_SUM,
    BEFORE_FB_LAST,
    AFTER_FB_SUM,
    AFTER_FB_LAST,
    BEFORE_FB_WAIT,
    AFTER_FB_WAIT,
    MARKED_WAIT,
    IN_FLIGHT,
    ROUND_ROBIN_WAIT,
    FAIR_SHARE,
    LIFE_ARRIVALS,
    LIFE_LOAD,
    RECENT_1,
    RECENT_10,
    NEXT_1,
    ELAPSED,
    BUCKET,
    LIFE_MEAN_SIZE = BUCKET + SIZEBUCKET_N,
    WINDOW_SLOWDOWN,
    MARKED_LAST,
    QUEUE_PER_BUFFER,
    BEFORE_FB_FLOWS,
    N_FLOW_FEATURES
};

/* Places of a path's features. */
enum {
    P_LINKS,
    P_HOST_RATE,
    P_RTT,
    P_BDP,
    P_CC,
    P_PFC = P_CC + MODELINPUT_N_CC,
    P_WINDOW,
    P_BUFFER,
    P_DCTCP_K,
    P_DCQCN_KMIN,
    P_DCQCN_KMAX,
    P_HPCC_ETA,
    P_HPCC_AI,
    P_TIMELY_TLOW,
    P_TIMELY_THIGH,
    P_SLOWEST,
    P_FASTEST,
    P_FLOWS,
    P_BUCKETS,
    P_FOREGROUND = P_BUCKETS + SIZEBUCKET_N,
    P_LOAD,
    P_ACTIVE,
    P_SLOWDOWN,
    P_OVERFLOW = P_SLOWDOWN + SIZEBUCKET_N, /* p50, p99 */
    P_IDLE = P_OVERFLOW + 2,
    N_PATH_FEATURES
};

/* flowfeat_ln returns ln(x) / scale, x clipped to 1e-6..1e9, far outside of what occurs;
 * flowfeat_ln1p returns ln(1 + x) / scale, x clipped to 0..1e9. scale is 1, 2, 4 or 8: the more
 * decades a quantity spans, the larger, so that features are of order 1. Training normalises them
 * by mean and deviation, too, so that its choice matters little; a change needs a new checkpoint.
 */
float flowfeat_ln(double x, double scale);
float flowfeat_ln1p(double x, double scale);
/* x as it comes back from flowfeat_ln1p(x, scale): rounded as a feature rounds it. Two quantities
 * are kept that way, since the shipped checkpoint and all feature files were made with them. */
static inline double rounded_ln1p(double x, double scale) {
    return expm1(scale * (double)flowfeat_ln1p(x, scale));
}

/* A link's idle share is cut at 1 %, where its logarithm would tend to infinity; chosen. */
#define FLOWFEAT_LEAST_IDLE 0.01

/* flowfeat_queue_bits returns the part of a backlog that waits at the link if each of its flows may
 * have a window in flight: the windows less what the link serves in a round trip, at most all. */
double flowfeat_queue_bits(const Backlog *b, double window_bits, double rtt_ns);

/* Classes of flows by bits with headers: below 0.1, 1, 10 and 100 BDP of the path, and larger. How
 * long a flow lasts depends on that ratio. Chosen; names of features state the edges. */
enum { FLOWFEAT_N_SIZES = 5 };
int flowfeat_size_class(double bits, double bdp_bits);

/* Of all flows that start on a link. */
typedef struct FlowFeatLinkTraffic {
    double bits, previous_bits, next_bits, foreground_bits, size_bits[FLOWFEAT_N_SIZES];
    LinkGaps gaps; /* between starts */
    int64_t last_start_ns;
    uint32_t n_starts, flows, bucket[SIZEBUCKET_N];
} FlowFeatLinkTraffic;

/* The flows of a path that were simulated, and the sums over all of them. */
typedef struct {
    const LotFlow *flows;
    size_t n;
    const double *fct_ns;
    const float *slowdown;
    const uint8_t *counted; /* NULL: all of the path's flows were simulated, and count */
    const FlowFeatTraffic *all;
} FlowFeatFluid;

/* flowfeat_links fills m->link and m->scale's active and load from m->scale's other members. */
void flowfeat_links(FlowFeat *m, const Lot *lot, const FlowFeatFluid *f, const FlowFeatPlan *plan,
                    Arena *a);
/* flowfeat_path fills m->path but for what depends on settings, from m->link. */
void flowfeat_path(FlowFeat *m, const Lot *lot, const FlowFeatFluid *f, const FlowFeatPlan *plan);
#endif
