/* timely: TIMELY (Mittal et al., SIGCOMM 2015), acting once a window.
 *
 * The RTT of a packet is counted from the start of its transmission. Its smoothed differences over
 * the minimal RTT are the gradient. Below Tlow, or with no growth below Thigh: add 10 Mb/s (50
 * after five in a row; of a 10 Gb/s line). Above Thigh: multiply by 1 − β(1 − Thigh/RTT). Otherwise
 * by 1 − β·gradient, at least 0. Constants and the variant are the HPCC authors' simulator's. */
#include "packet/cc.h"

static const double NEW_SHARE = 0.875, BETA = 0.8, STEP_BPS = 10e6, HYPER_STEP_BPS = 50e6;
enum { HYPER_AFTER = 5 };

typedef struct {
    double rtt_diff_ns, rtt_ns;
    uint64_t current_bps; /* the rate of record: in compat it starts at the NIC's rate */
    uint64_t window_end;  /* bytes; 0 before the first ACK */
    uint32_t n_increases; /* in a row */
} Timely;
CC_CHECK_OWN(Timely);

static void start(CcFlow *f, const CcConf *c) {
    *CC_OWN(Timely, f) = (Timely){.current_bps = c->compat ? f->nic_rate_bps : f->rate_bps};
}

static void increase(CcFlow *f, Timely *t) {
    double step = t->n_increases < HYPER_AFTER ? STEP_BPS : HYPER_STEP_BPS;
    f->rate_bps = cc_at_most(t->current_bps + cc_rate(step * f->line_scale), f->max_rate_bps);
    t->n_increases++;
}

/* Not capped at max_rate: only matters in compat, where current_bps may start above it. */
static void decrease(CcFlow *f, Timely *t, double factor) {
    f->rate_bps = cc_at_least(cc_rate((double)t->current_bps * factor), f->min_rate_bps);
    t->n_increases = 0;
}

static void update(CcFlow *f, const CcConf *c, Timely *t, double rtt_ns) {
    double low = c->conf.timely_tlow_ns, high = c->conf.timely_thigh_ns;
    t->rtt_diff_ns = (1 - NEW_SHARE) * t->rtt_diff_ns + NEW_SHARE * (rtt_ns - t->rtt_ns);
    double gradient = t->rtt_diff_ns / f->min_rtt_ns;
    if (rtt_ns < low || (rtt_ns <= high && gradient <= 0)) {
        increase(f, t);
    } else if (rtt_ns > high) {
        decrease(f, t, 1 - BETA * (1 - high / rtt_ns));
    } else {
        double factor = 1 - BETA * gradient;
        decrease(f, t, factor > 0 ? factor : 0);
    }
    t->current_bps = f->rate_bps;
}

static bool ack(CcFlow *f, const CcConf *c, const CcAck *a, CcArm *arm) {
    (void)arm;
    Timely *t = CC_OWN(Timely, f);
    if (a->ack <= t->window_end) return false;
    bool first = t->window_end == 0;
    if (!first) update(f, c, t, a->rtt_ns);
    if (a->nxt > t->window_end) {
        t->window_end = a->nxt;
        t->rtt_ns = a->rtt_ns;
    }
    return !first;
}

const CongestionControl cc_timely = {.name = "timely",
                                     .header_b = WIRE_HEADER_B + WIRE_TIMESTAMP_B,
                                     .ack_b = WIRE_ACK_B,
                                     .ack_first = true,
                                     .start = start,
                                     .ack = ack};
