/* swift: Swift (Kumar et al., "Swift: Delay is Simple and Effective for Congestion Control in the
 * Datacenter", SIGCOMM 2020), its fabric part.
 *
 * The delay of a packet is the time from its transmission to its acknowledgement. It is compared
 * with a target,
 *
 *     target = base_target + hops · hop_scaling + flow scaling,
 *     flow scaling = max(0, min(α / sqrt(cwnd) + β, fs_range)),
 *     α = fs_range / (1 / sqrt(fs_min_cwnd) − 1 / sqrt(fs_max_cwnd)),  β = −α / sqrt(fs_max_cwnd),
 *
 * which grows with the switches on the path, and as the window shrinks, since many flows on a link
 * make for a longer queue. Below the target an acknowledged packet adds ai / cwnd packets to the
 * window (ai an RTT); at or above it the window is multiplied by
 * max(1 − beta · (delay − target) / delay, 1 − max_mdf), at most once an RTT: not before all that
 * was in flight at the last decrease is acknowledged. A loss multiplies it by 1 − max_mdf under the
 * same rule, and RETX_RESET_THRESHOLD timeouts in a row without an acknowledgement between reset it
 * to the least.
 *
 * The window starts at the setting `window` and never exceeds it, as with the other controls: flows
 * start at line rate. If the target is below the path's round trip in the idle network, a flow
 * cannot reach its ideal time.
 *
 * Left out: windows below one packet, which Swift paces (the least window is one packet, so an
 * incast of more flows than fit the target's queue stays above it); and the endpoint's delay with a
 * window of its own, since hosts here acknowledge at once. */
#include <math.h>

#include "packet/cc.h"

enum { RETX_RESET_THRESHOLD = 5 };
static const double MIN_CWND = 1;

typedef struct {
    double cwnd;           /* packets */
    double alpha, beta;    /* of flow scaling, ns */
    uint64_t acked;        /* bytes acknowledged so far */
    uint64_t decrease_end; /* bytes: no further decrease until they are acknowledged */
    uint32_t n_timeouts;   /* in a row */
} Swift;
CC_CHECK_OWN(Swift);

/* Swift has alpha and beta in ns for a window in packets; they depend on settings alone. */
static void set_flow_scaling(Swift *w, const NetConf *conf) {
    double most = 1 / sqrt(conf->swift_fs_min_cwnd), least = 1 / sqrt(conf->swift_fs_max_cwnd);
    w->alpha = conf->swift_fs_range_ns / (most - least);
    w->beta = -w->alpha * least;
}

static double max_cwnd(const CcFlow *f) {
    return fmax((double)f->max_rate_window_b / WIRE_PAYLOAD_B, MIN_CWND);
}

static void set_cwnd(CcFlow *f, double cwnd) {
    Swift *w = CC_OWN(Swift, f);
    w->cwnd = fmin(fmax(cwnd, MIN_CWND), max_cwnd(f));
    f->window_b = (uint64_t)(w->cwnd * WIRE_PAYLOAD_B);
}

static void start(CcFlow *f, const CcConf *c) {
    *CC_OWN(Swift, f) = (Swift){0};
    set_flow_scaling(CC_OWN(Swift, f), &c->conf);
    set_cwnd(f, max_cwnd(f));
}

static double target_ns(const CcFlow *f, const Swift *w, const NetConf *conf) {
    double scaling = w->alpha / sqrt(w->cwnd) + w->beta;
    return conf->swift_base_target_ns + (f->n_links - 1) * conf->swift_hop_scaling_ns +
           fmax(0, fmin(scaling, conf->swift_fs_range_ns));
}

/* The window that gives the rate at the target delay, where a flow of several on a full link stays;
 * rate_bps itself stays the line's. */
static void go_on(CcFlow *f, const CcConf *c) {
    Swift *w = CC_OWN(Swift, f);
    double packets_ns = (double)f->rate_bps / 8e9 / WIRE_PAYLOAD_B;
    set_cwnd(f, packets_ns * f->base_rtt_ns);
    set_cwnd(f, packets_ns * fmax(f->base_rtt_ns, target_ns(f, w, &c->conf)));
    f->rate_bps = f->max_rate_bps;
}

/* Multiplies the window by a factor below 1, unless it was decreased less than an RTT ago. */
static void decrease(CcFlow *f, const CcAck *a, double factor) {
    Swift *w = CC_OWN(Swift, f);
    if (a->ack < w->decrease_end) return;
    w->decrease_end = a->nxt;
    set_cwnd(f, w->cwnd * factor);
}

static bool ack(CcFlow *f, const CcConf *c, const CcAck *a, CcArm *arm) {
    (void)arm;
    Swift *w = CC_OWN(Swift, f);
    const NetConf *conf = &c->conf;
    double n_acked = a->ack > w->acked ? (double)(a->ack - w->acked) / WIRE_PAYLOAD_B : 0;
    double target = target_ns(f, w, conf);
    if (a->ack > w->acked) w->acked = a->ack, w->n_timeouts = 0;
    if (a->nack) {
        decrease(f, a, 1 - conf->swift_max_mdf);
    } else if (a->rtt_ns < target) {
        set_cwnd(f, w->cwnd + conf->swift_ai * n_acked / w->cwnd);
    } else {
        double excess = (a->rtt_ns - target) / a->rtt_ns;
        decrease(f, a, fmax(1 - conf->swift_beta * excess, 1 - conf->swift_max_mdf));
    }
    return true;
}

static void timeout(CcFlow *f, const CcConf *c) {
    Swift *w = CC_OWN(Swift, f);
    bool reset = ++w->n_timeouts >= RETX_RESET_THRESHOLD;
    set_cwnd(f, reset ? MIN_CWND : w->cwnd * (1 - c->conf.swift_max_mdf));
}

const CongestionControl cc_swift = {.name = "swift",
                                    .header_b = WIRE_HEADER_B + WIRE_TIMESTAMP_B,
                                    .ack_b = WIRE_ACK_B,
                                    .ack_first = true,
                                    .sets_window = true,
                                    .own_design = true,
                                    .start = start,
                                    .go_on = go_on,
                                    .ack = ack,
                                    .timeout = timeout};
