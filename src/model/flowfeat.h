/* flowfeat: what the flow model sees of one path: features per link, per path and per foreground
 * flow.
 *
 * The published feature map (pathfeat.h) describes the foreground by percentiles, which teaches
 * little on a path of ten flows. Here every foreground flow is an example of its own: its size, its
 * fluid slowdown and the state of the links at its arrival, beside tokens for the path's links. All
 * values are free of scale (relative to the path's host rate, round trip and BDP) and of order 1,
 * so that one model serves any line rate and number of links. */
#ifndef M3_MODEL_FLOWFEAT_H
#define M3_MODEL_FLOWFEAT_H
#include <stdint.h>

#include "base/mem.h"
#include "base/stats.h"
#include "net/netconf.h"
#include "path/path.h"
#include "path/arrivals.h"
#include "traffic/sizebucket.h"

enum {
    FLOWFEAT_N_LINK = 53, /* per link token */
    FLOWFEAT_N_PATH = 35, /* per path: settings and scale */
    FLOWFEAT_N_FLOW = 36  /* per foreground flow */
};
extern const char *const flowfeat_link_names[FLOWFEAT_N_LINK];
extern const char *const flowfeat_path_names[FLOWFEAT_N_PATH];
extern const char *const flowfeat_flow_names[FLOWFEAT_N_FLOW];
/* flowfeat_fingerprint gives 16 hex digits and a NUL that depend on all features' names and on how
 * they are computed: checkpoints and feature files of another fingerprint are refused. */
enum { FLOWFEAT_FINGERPRINT = 17 };
void flowfeat_fingerprint(char hex[FLOWFEAT_FINGERPRINT]);

/* What a path's features are relative to. b: the host rate, bits/ns; rtt_ns: base round trip;
 * bdp_bits: their product; span_ns: first to last start and a round trip; delays_ns: of all links,
 * both ways; active: flows active on the link that has most, median and 99th percentile over time;
 * load: of the busiest link but the host's own. */
typedef struct {
    double b, rtt_ns, bdp_bits, span_ns, delays_ns, active[2], load;
} FlowFeatScale;

/* A path's features. Of the caller's arena (flowfeat_build), or one block at ->link (featarrays.h).
 */
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

/* Which flows' arrivals the fluid simulation samples: at most max_flows foreground flows, and some
 * flows of any kind as probes of the links' states. Of a bucket all foreground flows are taken, or
 * an even sample of them; buckets with many are thinned first. */
typedef struct {
    ArrivalSample arrivals;              /* for flowsim_run_sampled */
    uint8_t *role;                       /* [arrivals.n] FLOWFEAT_FOREGROUND | FLOWFEAT_PROBE */
    uint32_t bucket_count[SIZEBUCKET_N]; /* all foreground flows */
    uint32_t n_foreground, n_probes;     /* sampled flows that are one or the other; or both */
} FlowFeatPlan;
enum { FLOWFEAT_FOREGROUND = 1, FLOWFEAT_PROBE = 2 };
/* flowfeat_plan plans for the n flows of a lot, ascending by start. Everything is taken from `a`.
 */
void flowfeat_plan(FlowFeatPlan *plan, const Lot *lot, const LotFlow *flows, size_t n,
                   size_t max_flows, Arena *a);

/* A path's foreground flows where its flows are not in memory. */
typedef struct {
    size_t n;
    const uint32_t *flow;   /* [n] indices into the path's flows, ascending */
    const uint64_t *size_b; /* [n] */
} FlowFeatForeground;
/* flowfeat_plan_for plans for a path of n flows of which only the foreground is known. */
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
/* flowfeat_traffic_init begins the sums of a path without flows. gaps: [n_links] of all flows that
 * are to come, where they are known already; else NULL. Everything is taken from `a`. */
void flowfeat_traffic_init(FlowFeatTraffic *t, const Lot *lot, const LinkGaps *gaps, Arena *a);
/* flowfeat_traffic_add adds n flows, ascending by start and none before those added earlier. */
void flowfeat_traffic_add(FlowFeatTraffic *t, const Lot *lot, const LotFlow *flows, size_t n);

/* What a path of which only some flows were simulated needs beside them. Percentiles and times of a
 * link's flows are then those of the counted ones (times in proportion to bits, by size class); all
 * else comes from the sums over all flows. */
typedef struct {
    const FlowFeatTraffic *all;
    const uint8_t
        *counted; /* [n] 1: simulated flow i is one of an even sample of the path's flows */
} FlowFeatSample;

/* flowfeat_build fills *m from a path's n flows, their fluid completion times and slowdowns (of
 * flows[i] at i) and the plan whose arrivals that simulation filled. sample NULL: these are all
 * flows of the path; else those simulated: at least all that start from ten round trips before a
 * sampled foreground flow to one after its end. Everything is taken from `a`. What depends on the
 * network's settings is missing until flowfeat_set_conf. */
void flowfeat_build(FlowFeat *m, const Lot *lot, const LotFlow *flows, size_t n,
                    const double *fct_ns, const float *slowdown, const FlowFeatPlan *plan,
                    const FlowFeatSample *sample, Arena *a);

/* flowfeat_set_conf fills in all that depends on the settings; it may be called again with others.
 */
void flowfeat_set_conf(FlowFeat *m, const NetConf *conf);

/* flowfeat_overflow returns what the flows that are active on the path's fullest link 1 % of the
 * time may have in flight, over a switch's buffer; 0 with PFC, which keeps it from overflowing.
 * Without PFC about a third of the networks with a path above 1 lose over 1 % of their packets
 * (ckpts/README.md). */
double flowfeat_overflow(const FlowFeat *m, const NetConf *conf);

/* flowfeat_cc returns the congestion control whose flag is set among a path's features
 * [FLOWFEAT_N_PATH], which is all that a data set keeps of it. */
Cc flowfeat_cc(const float *path);
#endif
