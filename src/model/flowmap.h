/* flowmap: what the flow-level model sees of one path: facts per link, per path and per foreground flow.
 *
 * The published feature map (feature.h) describes the foreground by percentiles, which teaches little on a path of ten flows. Here
 * every foreground flow is an example of its own: its size, its fluid slowdown and what it met when it arrived, beside
 * tokens for the path's links. All values are free of scale (over the path's host rate, round trip, BDP),
 * so that one model serves any line rate and hop count. */
#ifndef M3_MODEL_FLOWMAP_H
#define M3_MODEL_FLOWMAP_H
#include <stdint.h>

#include "base/mem.h"
#include "net/netconf.h"
#include "net/path.h"

enum {
    FLOWMAP_N_LINK = 48, /* per link token */
    FLOWMAP_N_PATH = 32, /* per path: settings and scale */
    FLOWMAP_N_FLOW = 24  /* per foreground flow */
};
extern const char *const flowmap_link_names[FLOWMAP_N_LINK];
extern const char *const flowmap_path_names[FLOWMAP_N_PATH];
extern const char *const flowmap_flow_names[FLOWMAP_N_FLOW];

typedef struct {
    uint32_t n_links, n_flows;
    float *link; /* [n_links × FLOWMAP_N_LINK] */
    float *path; /* [FLOWMAP_N_PATH] */
    float *flow; /* [n_flows × FLOWMAP_N_FLOW] foreground flows (all, or a sample of them) in order of start */
    float *base; /* [n_flows] fluid slowdown, ≥ 1 */
    uint32_t *index; /* [n_flows] index into the network's flows */
    uint8_t *bucket; /* [n_flows] output bucket */
    uint32_t bucket_count[4]; /* foreground flows per bucket before sampling */
} FlowMap;
#endif
