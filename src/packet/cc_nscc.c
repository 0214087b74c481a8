/* nscc: the network-signal-based control of the Ultra Ethernet transport (Ultra Ethernet
 * specification 1.0, "NSCC"), which grew from SMaRTT (Bonato et al., arXiv 2404.01630).
 *
 * An acknowledgement has two signals: was its packet marked, and is its delay (the time since its
 * transmission less the path's base round trip) below target_qdelay. They choose what newly
 * acknowledged bytes do:
 *
 *                  below the target                        at or above it
 *   not marked     proportional increase:                  fair increase:
 *                  inc += alpha · bytes · (target − delay)  inc += fi · bytes
 *   marked         nothing                                 multiplicative decrease: once a base
 *                                                          round trip, if the average delay is
 *                                                          above the target, too
 *
 * The window takes inc / cwnd after ADJUST_PACKETS or a round trip, and eta a round trip, so that
 * alpha, fi and eta are packets a round trip; they grow with the network's BDP over that of
 * 100 Gb/s and 12 µs. Fast increase: delays below FAST_DELAY_NS for a whole window add fi_scale of
 * what is acknowledged from then on. Quick adapt: where in base round trip and target together less
 * than qa_gate of the largest window arrived, and a packet was lost or delayed by more than
 * qa_threshold, the window becomes what arrived, and signals of what was in flight are ignored.
 *
 * A flow starts with the largest window, max_wnd times the setting `window`, which counts as the
 * network's BDP; its round trip is that BDP at the line rate. Delays are of the path's own base
 * round trip. As with other windows here, a packet is sent while there is less than a window in
 * flight. A NACK and a timeout stand for one lost packet.
 *
 * Left out: path selection (entropy values and their feedback), selective acknowledgements and
 * SLEEK (hosts here go back N), a base round trip that is measured, and probes. */
#include <math.h>

#include "packet/cc.h"

enum { ADJUST_PACKETS = 8 };
static const double FAST_DELAY_NS = 1000, REF_BDP_B = 150e3, REF_RTT_NS = 12e3,
                    TRIM_TARGET = 0.75, /* network's round trips */
    UNMARKED_DELAY = 0.25,              /* base round trips */
    MOST_PS = 1e17;                     /* so that sums of times stay in 64 bits */

/* Counts of bytes are floats: multiples of 1,000, exact up to gigabytes. */
typedef struct {
    double cwnd;                           /* bytes */
    double inc;                            /* bytes · bytes */
    double avg_delay_ns;                   /* of marked packets; what others say of it is less */
    int64_t qa_end, last_dec, last_adjust; /* ps */
    uint64_t acked;                        /* bytes */
    float received_b, achieved_b, fast_b, ignore_b; /* since an adjustment, since qa_end was set,
                                                       without delay; still to be ignored */
    bool fast, lost;
} Nscc;
CC_CHECK_OWN(Nscc);

static double max_wnd(const CcFlow *f, const NetConf *conf) {
    return fmax((double)f->max_rate_window_b * conf->nscc_max_wnd, WIRE_PAYLOAD_B);
}

static void set_cwnd(CcFlow *f, const CcConf *c, double cwnd) {
    Nscc *w = CC_OWN(Nscc, f);
    w->cwnd = fmax(fmin(cwnd, max_wnd(f, &c->conf)), WIRE_PAYLOAD_B);
    f->window_b = (uint64_t)w->cwnd;
}

static double target_ns(const CcConf *c) {
    if (c->conf.nscc_target_qdelay_ns != NETCONF_AUTO) return c->conf.nscc_target_qdelay_ns;
    return c->conf.nscc_trim ? TRIM_TARGET * c->net_rtt_ns : c->net_rtt_ns;
}

static double qa_threshold_ns(const CcConf *c) {
    return c->conf.nscc_qa_threshold_ns == NETCONF_AUTO ? 4 * target_ns(c)
                                                        : c->conf.nscc_qa_threshold_ns;
}

/* The specification's scaling_factor_a. */
static double scaling_a(const CcFlow *f) { return (double)f->max_rate_window_b / REF_BDP_B; }

static void start(CcFlow *f, const CcConf *c) {
    *CC_OWN(Nscc, f) = (Nscc){0};
    set_cwnd(f, c, INFINITY);
}

/* The window that gives the rate with the target's queue; rate_bps itself stays the line's. */
static void go_on(CcFlow *f, const CcConf *c) {
    double bits = (double)f->rate_bps * 1e-9 * (f->base_rtt_ns + target_ns(c));
    set_cwnd(f, c, (double)wire_payload_b(bits));
    f->rate_bps = f->max_rate_bps;
}

/* A late packet that was not marked left an empty queue behind. */
static void update_delay(Nscc *w, const CcConf *c, double delay_ns, bool marked, double base_ns) {
    double alpha = c->conf.nscc_delay_alpha,
           sample = !marked && delay_ns > target_ns(c) ? UNMARKED_DELAY * base_ns : delay_ns;
    w->avg_delay_ns += alpha * (sample - w->avg_delay_ns);
}

/* Returns true if it set the window or if these signals are to be ignored. */
static bool quick_adapt(CcFlow *f, const CcConf *c, const CcAck *a, bool marked, double delay_ns) {
    Nscc *w = CC_OWN(Nscc, f);
    bool done = false;
    if (w->ignore_b > 0 && marked) {
        done = true;
    } else if (a->now_ps > w->qa_end) {
        if (w->qa_end != 0 && (w->lost || delay_ns > qa_threshold_ns(c)) &&
            w->achieved_b < max_wnd(f, &c->conf) * c->conf.nscc_qa_gate) {
            set_cwnd(f, c, w->achieved_b);
            w->ignore_b = (float)(a->nxt - a->ack);
            w->lost = false;
            done = true;
        }
        w->achieved_b = 0;
        w->qa_end = a->now_ps + (int64_t)fmin(1000 * (f->base_rtt_ns + target_ns(c)), MOST_PS);
    }
    if (done) w->inc = 0, w->received_b = 0;
    return done;
}

/* Returns true while acknowledged bytes widen the window at once. */
static bool fast_increase(CcFlow *f, const CcConf *c, double acked_b, double delay_ns) {
    Nscc *w = CC_OWN(Nscc, f);
    bool was = w->fast;
    w->fast = false;
    w->fast_b = delay_ns < FAST_DELAY_NS ? w->fast_b + (float)acked_b : 0;
    if (w->fast_b == 0 || (w->fast_b <= w->cwnd && !was)) return false;
    set_cwnd(f, c, w->cwnd + acked_b * c->conf.nscc_fi_scale * scaling_a(f));
    return w->fast = true;
}

static void proportional_increase(CcFlow *f, const CcConf *c, double acked_b, double delay_ns) {
    if (fast_increase(f, c, acked_b, delay_ns)) return;
    double alpha = c->conf.nscc_alpha * WIRE_PAYLOAD_B * scaling_a(f) * (target_ns(c) / REF_RTT_NS);
    CC_OWN(Nscc, f)->inc += alpha * acked_b * (target_ns(c) - delay_ns) / target_ns(c);
}

static void multiplicative_decrease(CcFlow *f, const CcConf *c, int64_t now_ps) {
    Nscc *w = CC_OWN(Nscc, f);
    w->fast = false;
    w->fast_b = 0;
    if (w->avg_delay_ns <= target_ns(c)) return;
    if ((double)(now_ps - w->last_dec) <= 1000 * f->base_rtt_ns) return;
    double excess = (w->avg_delay_ns - target_ns(c)) / w->avg_delay_ns;
    set_cwnd(f, c, w->cwnd * fmax(1 - c->conf.nscc_gamma * excess, 1 - c->conf.nscc_max_md));
    w->last_dec = now_ps;
}

/* Has the window take what the increases have come to, if it is time. */
static void fulfill_adjustment(CcFlow *f, const CcConf *c, int64_t now_ps) {
    Nscc *w = CC_OWN(Nscc, f);
    bool period = (double)(now_ps - w->last_adjust) > 1000 * c->net_rtt_ns;
    if (w->received_b <= ADJUST_PACKETS * WIRE_PAYLOAD_B && !period) return;
    double cwnd = w->cwnd + w->inc / w->cwnd;
    if (period) {
        cwnd += c->conf.nscc_eta * WIRE_PAYLOAD_B * scaling_a(f);
        w->last_adjust = now_ps;
    }
    w->inc = 0;
    w->received_b = 0;
    set_cwnd(f, c, cwnd);
}

static void take_in(Nscc *w, double acked_b) {
    w->received_b += (float)acked_b;
    w->achieved_b += (float)acked_b;
    w->ignore_b = fmaxf(w->ignore_b - (float)acked_b, 0);
}

/* A NACK is the signal of a delay of the network's round trip. */
static void nacked(CcFlow *f, const CcConf *c, const CcAck *a) {
    Nscc *w = CC_OWN(Nscc, f);
    w->ignore_b = fmaxf(w->ignore_b - WIRE_PAYLOAD_B, 0);
    update_delay(w, c, c->net_rtt_ns, true, f->base_rtt_ns);
    w->lost = true;
    if (!quick_adapt(f, c, a, true, 0)) set_cwnd(f, c, w->cwnd - WIRE_PAYLOAD_B);
}

static bool ack(CcFlow *f, const CcConf *c, const CcAck *a, CcArm *arm) {
    (void)arm;
    Nscc *w = CC_OWN(Nscc, f);
    double acked_b = a->ack > w->acked ? (double)(a->ack - w->acked) : 0,
           delay_ns = fmax(a->rtt_ns - f->base_rtt_ns, 0);
    w->acked += (uint64_t)acked_b;
    take_in(w, acked_b);
    if (a->nack) {
        nacked(f, c, a);
        return true;
    }
    update_delay(w, c, delay_ns, a->marked, f->base_rtt_ns);
    if (quick_adapt(f, c, a, a->marked, delay_ns)) return true;
    bool late = delay_ns >= target_ns(c);
    if (!a->marked && late) w->inc += c->conf.nscc_fi * WIRE_PAYLOAD_B * scaling_a(f) * acked_b;
    else if (!a->marked) proportional_increase(f, c, acked_b, delay_ns);
    else if (late) multiplicative_decrease(f, c, a->now_ps);
    fulfill_adjustment(f, c, a->now_ps);
    return true;
}

static void timeout(CcFlow *f, const CcConf *c) {
    CC_OWN(Nscc, f)->lost = true;
    set_cwnd(f, c, CC_OWN(Nscc, f)->cwnd - WIRE_PAYLOAD_B);
}

/* Between two shares of the port's BDP. */
static void marking(const CcConf *c, double port_rate_bps, CcMarking *m) {
    double bdp_b = fmin(c->net_rtt_ns * port_rate_bps / 8e9, 0x1p62);
    *m = (CcMarking){(uint64_t)(c->conf.nscc_ecn_low * bdp_b),
                     (uint64_t)(c->conf.nscc_ecn_high * bdp_b), 1};
}

static bool trims(const NetConf *conf) { return conf->nscc_trim; }

const CongestionControl cc_nscc = {.name = "nscc",
                                   .header_b = WIRE_HEADER_B,
                                   .ack_b = WIRE_ACK_B,
                                   .ack_first = true,
                                   .sets_window = true,
                                   .own_design = true,
                                   .start = start,
                                   .go_on = go_on,
                                   .ack = ack,
                                   .timeout = timeout,
                                   .marking = marking,
                                   .trims = trims};
