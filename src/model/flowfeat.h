/* flowfeat: what the flow-level model sees of one path: features per link, per path and per
 * foreground flow.
 *
 * The published feature map (model/pathfeat.h) describes the foreground by percentiles, of which a
 * path with ten flows gives few examples. Here every foreground flow is an example of its own: its
 * size, its fluid slowdown and the links' state at its arrival, beside one token per link. Values
 * are ratios (over the path's host rate, round trip, BDP), so that one model serves any line rate
 * and hop count, and of order 1. */
#ifndef M3_MODEL_FLOWFEAT_H
#define M3_MODEL_FLOWFEAT_H
#include <stdint.h>

#include "base/mem.h"
#include "base/stats.h"
#include "model/flowfeat_plan.h"
#include "model/flowfeat_traffic.h"
#include "path/arrivals.h"
#include "path/path.h"
#include "traffic/sizebucket.h"

enum {
    FLOWFEAT_N_LINK = 53, /* per link token */
    FLOWFEAT_N_PATH = 35, /* per path: settings and scale */
    FLOWFEAT_N_FLOW = 36  /* per foreground flow */
};
/* Names of the features, as data sets and checkpoints list them; each in the place of its value. */
extern const char *const flowfeat_link_names[FLOWFEAT_N_LINK];
extern const char *const flowfeat_path_names[FLOWFEAT_N_PATH];
extern const char *const flowfeat_flow_names[FLOWFEAT_N_FLOW];
enum { FLOWFEAT_FINGERPRINT = 17 }; /* 16 hexadecimal digits and a NUL */
/* flowfeat_fingerprint writes a hash of all feature names and of a revision number. It changes
 * whenever the meaning of a feature does, so that data sets and checkpoints made with other
 * features are refused. */
void flowfeat_fingerprint(char hex[FLOWFEAT_FINGERPRINT]);

/* What features of a path are relative to. */
typedef struct {
    double b;         /* host rate, bits/ns */
    double rtt_ns;    /* base round trip of a full packet */
    double bdp_bits;  /* b · rtt_ns */
    double span_ns;   /* from the first to the last start, and a round trip */
    double delays_ns; /* propagation of all links, both ways */
    double active[2]; /* flows active on the link with the most: p50, p99 over time */
    double load;      /* of the busiest link but the host's own */
} FlowFeatScale;

/* The features of one path. Memory belongs to the arena given to flowfeat_build. */
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
    /* What flowfeat_set_conf computes from; NULL where features were read from a data set, whose
     * settings are fixed. */
    float *fluid;     /* [n_flows] fluid slowdown, ≥ 1 */
    LinkState *state; /* [n_flows × n_links] */
    LotIdeal *ideal;  /* [n_flows] */
    double *rate;     /* [n_links] bits/ns */
    FlowFeatScale scale;
} FlowFeat;

/* Given where only some of a path's flows were simulated. Percentiles and times of a link's flows
 * are those of the counted flows (times extrapolated in proportion to bits, by size class); all
 * other values are of all flows. */
typedef struct {
    const FlowFeatTraffic *all;
    const uint8_t
        *counted; /* [n] 1: simulated flow i is one of an even sample of the path's flows */
} FlowFeatSample;

/* flowfeat_build fills *m but for what depends on the network's settings, of which the fluid
 * simulation knows nothing: flowfeat_set_conf (model/flowfeat_settings.h) adds that.
 * fct_ns, slowdown: [n], of flows[i], from the fluid simulation that filled plan->arrivals. sample
 * NULL: these are all flows of the path; else those simulated: at least all that start from ten
 * round trips before a sampled foreground flow to one round trip after its end. All memory is taken
 * from `a`. */
void flowfeat_build(FlowFeat *m, const Lot *lot, const LotFlow *flows, size_t n,
                    const double *fct_ns, const float *slowdown, const FlowFeatPlan *plan,
                    const FlowFeatSample *sample, Arena *a);

#endif
