/* flowmap_private: what the two halves of flowmap share. */
#ifndef M3_MODEL_FLOWMAP_PRIVATE_H
#define M3_MODEL_FLOWMAP_PRIVATE_H
#include "model/flowmap.h"

/* Bits and nanoseconds throughout; b in bits/ns. span: first to last start, and a round trip. */
typedef struct {
    double b, rtt_ns, bdp_bits, window_bits, span_ns;
} FlowmapScale;
FlowmapScale flowmap_scale(const Lot *lot, const FlowmapTraffic *all, const NetConf *conf);

/* ln(x) / scale and ln(1 + x) / scale, x clipped to 1e-6..1e9 and 0..1e9. */
float flowmap_ln(double x, double scale);
float flowmap_ln1p(double x, double scale);

/* Backlog at which the congestion control certainly reacts: the marking threshold, or what delays a round trip to
 * Thigh; 0 for HPCC, which aims at none. */
double flowmap_marking_bits(const NetConf *conf, double rate_bps, double rtt_ns);

/* Classes of flows by bits on the wire, in decades of the path's BDP. */
enum { FLOWMAP_N_SIZES = 5 };
int flowmap_size_class(double bits, double bdp_bits);

/* Of all flows that start on a link. */
typedef struct FlowmapLinkTraffic {
    double bits, previous_bits, next_bits, foreground_bits, size_bits[FLOWMAP_N_SIZES];
    double gap_ns, gap2; /* Σ of gaps between starts and of their squares */
    int64_t last_start_ns;
    uint32_t n_starts, flows, bucket[STATS_N_OUT];
} FlowmapLinkTraffic;

/* The flows of a path that were simulated, and the sums over all of them. */
typedef struct {
    const LotFlow *flows;
    size_t n;
    const double *fct_ns;
    const float *slowdown;
    const uint8_t *counted; /* NULL: they are all there are */
    const FlowmapTraffic *all;
} FlowmapFluid;

void flowmap_links(FlowMap *m, const Lot *lot, const FlowmapFluid *f, const FlowmapPlan *plan, const FlowmapScale *s, Arena *a);
/* After flowmap_links. */
void flowmap_path(FlowMap *m, const Lot *lot, const FlowmapFluid *f, const FlowmapPlan *plan, const NetConf *conf, const FlowmapScale *s);
#endif
