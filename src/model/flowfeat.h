/* flowfeat: what the flow-level model sees of one path: facts per link, per path and per foreground
 * flow.
 *
 * The published feature map (feature.h) describes the foreground by percentiles, which teaches
 * little on a path of ten flows. Here every foreground flow is an example of its own: its size, its
 * fluid slowdown and what it met when it arrived, beside tokens for the path's links. All values
 * are free of scale (over the path's host rate, round trip, BDP), so that one model serves any line
 * rate and hop count, and of order 1. */
#ifndef M3_MODEL_FLOWFEAT_H
#define M3_MODEL_FLOWFEAT_H
#include <stdint.h>

#include "base/mem.h"
#include "base/stats.h"
#include "net/netconf.h"
#include "path/arrivals.h"
#include "path/path.h"
#include "traffic/sizebucket.h"

enum {
    FLOWFEAT_N_LINK = 53, /* per link token */
    FLOWFEAT_N_PATH = 35, /* per path: settings and scale */
    FLOWFEAT_N_FLOW = 36  /* per foreground flow */
};
extern const char *const flowfeat_link_names[FLOWFEAT_N_LINK];
extern const char *const flowfeat_path_names[FLOWFEAT_N_PATH];
extern const char *const flowfeat_flow_names[FLOWFEAT_N_FLOW];
/* Of all names and what is behind them: changes whenever a checkpoint trained before would be
 * misled. */
enum { FLOWFEAT_FINGERPRINT = 17 };
void flowfeat_fingerprint(char hex[FLOWFEAT_FINGERPRINT]);

/* Bits and nanoseconds; b, the host rate, in bits/ns. delays: both ways; span: first to last start,
 * and a round trip; active: the most flows active on a link, median and 99th percentile over time;
 * load: of the busiest link but the host's own. */
typedef struct {
    double b, rtt_ns, bdp_bits, span_ns, delays_ns, active[2], load;
} FlowFeatScale;

typedef struct {
    uint32_t n_links, n_flows;
    float *link; /* [n_links × FLOWFEAT_N_LINK] */
    float *path; /* [FLOWFEAT_N_PATH] */
    float *flow; /* [n_flows × FLOWFEAT_N_FLOW] foreground flows (all, or a sample of them) in order
                    of start */
    float *base; /* [n_flows] what the model corrects, ≥ 1: fluid slowdown, or what the window alone
                    allows */
    uint32_t *index;                     /* [n_flows] index into the network's flows */
    uint8_t *bucket;                     /* [n_flows] output bucket */
    uint32_t bucket_count[SIZEBUCKET_N]; /* foreground flows per bucket before sampling */
    /* For flowfeat_set_conf; NULL where the settings cannot be changed any more: */
    float *fluid;     /* [n_flows] fluid slowdown, ≥ 1 */
    LinkState *state; /* [n_flows × n_links] */
    LotIdeal *ideal;  /* [n_flows] */
    double *rate;     /* [n_links] bits/ns */
    FlowFeatScale scale;
} FlowFeat;

/* What is to be watched in the fluid simulation: at most max_flows foreground flows, and some flows
 * of any kind as probes of the links. All foreground flows of a bucket are taken or an even sample
 * of them; buckets with many give way first. */
typedef struct {
    ArrivalSample arrivals;              /* for flowsim_run_sampled */
    uint8_t *role;                       /* [watch.n] FLOWFEAT_FOREGROUND | FLOWFEAT_PROBE */
    uint32_t bucket_count[SIZEBUCKET_N]; /* all foreground flows */
    uint32_t n_foreground, n_probes;     /* watched */
} FlowFeatPlan;
enum { FLOWFEAT_FOREGROUND = 1, FLOWFEAT_PROBE = 2 };
void flowfeat_plan(FlowFeatPlan *plan, const Lot *lot, const LotFlow *flows, size_t n,
                   size_t max_flows, Arena *a);

/* The same of a path whose flows are not at hand: n of them, of which the foreground is known. */
typedef struct {
    size_t n;
    const uint32_t *flow;   /* [n] indices into the path's flows, ascending */
    const uint64_t *size_b; /* [n] */
} FlowFeatForeground;
void flowfeat_plan_for(FlowFeatPlan *plan, const Lot *lot, size_t n, const FlowFeatForeground *fg,
                       size_t max_flows, Arena *a);

/* Sums over all flows of a path that take no simulation: what starts on its links, when, and where
 * it comes from and goes to. */
typedef struct {
    uint32_t n_links;
    size_t n_flows;
    int64_t first_start_ns, last_start_ns;
    double bits; /* on the wire */
    bool gaps_known;
    struct FlowFeatLinkTraffic *link; /* [n_links] */
    struct FlowFeatGroup *group;      /* private: by first and last link, while flows are added */
} FlowFeatTraffic;
/* gaps: [n_links] between the starts of all flows to come, if somebody has added them up; or NULL.
 */
void flowfeat_traffic_init(FlowFeatTraffic *t, const Lot *lot, const LinkGaps *gaps, Arena *a);
/* Adds flows, which start no earlier than those before. */
void flowfeat_traffic_add(FlowFeatTraffic *t, const Lot *lot, const LotFlow *flows, size_t n);

/* For where only some of a path's flows were simulated. Percentiles and times of a link's flows are
 * those of the counted ones (times in proportion to bits, by size class); all else is known of all
 * flows. */
typedef struct {
    const FlowFeatTraffic *all;
    const uint8_t
        *counted; /* [n] 1: simulated flow i is one of an even sample of the path's flows */
} FlowFeatSample;

/* slowdown[i] and fct_ns[i] belong to flows[i] and come from the fluid simulation that filled
 * plan->arrivals. sample NULL: these are all flows of the path; else those simulated: at least all
 * that start from ten round trips before a watched foreground flow to one after its end. Everything
 * is taken from `a`. The fluid knows nothing of the network's settings, nor does the map before
 * flowfeat_set_conf. */
void flowfeat_build(FlowFeat *m, const Lot *lot, const LotFlow *flows, size_t n,
                    const double *fct_ns, const float *slowdown, const FlowFeatPlan *plan,
                    const FlowFeatSample *sample, Arena *a);

/* Fills in all that depends on the settings: any number of times, the last one counts. */
void flowfeat_set_conf(FlowFeat *m, const NetConf *conf);

/* What the flows active on the path's fullest link 1 % of the time may have in flight, over a
 * switch's buffer; 0 with PFC, which keeps it from overflowing. After flowfeat_set_conf. Without
 * PFC, about a third of the networks with a path above 1 lose over 1 % of their packets.
 */
double flowfeat_overflow(const FlowFeat *m, const NetConf *conf);

/* flowfeat_cc returns the congestion control whose flag is set among a path's features
 * [FLOWFEAT_N_PATH], which is all that a data set keeps of it. */
Cc flowfeat_cc(const float *path);
#endif
