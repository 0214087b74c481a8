/* dcqcn: DCQCN (Zhu et al., SIGCOMM 2015) in the variant of the HPCC authors' simulator.
 *
 * A marked packet's ACK is a congestion notification. The first one sets the target rate and starts
 * two 50 µs timers: one moves α (gain 1/256), the other cuts the rate by α/2 if a notification came
 * meanwhile. A cut starts a 55 µs timer that recovers half the way to the target; from its
 * second expiry on it raises the target first, by 2 then by 20 Mb/s (of a 10 Gb/s line). There is
 * no byte counter. All constants are that simulator's. */
#include "packet/cc.h"

static const double GAIN = 1.0 / 256, PMAX = 0.2;
static const double ALPHA_NS = 50e3, DECREASE_NS = 50e3, INCREASE_NS = 55e3;
static const double STEP_BPS = 2e6, HYPER_STEP_BPS = 20e6;
enum { TIMER_ALPHA, TIMER_DECREASE, TIMER_INCREASE };
_Static_assert((int)TIMER_INCREASE < (int)CC_N_TIMERS, "timers");

typedef struct {
    double alpha;
    uint64_t target_bps;
    uint32_t stage;
    bool started, notified_alpha, notified_cut;
} Dcqcn;
CC_CHECK_OWN(Dcqcn);

static void start(CcFlow *f, const CcConf *c) {
    (void)c;
    *CC_OWN(Dcqcn, f) = (Dcqcn){.alpha = 1, .target_bps = f->nic_rate_bps};
}

/* At line rate after all: nothing but a mark starts the timers that raise a rate again. */
static void go_on(CcFlow *f, const CcConf *c) {
    (void)c;
    f->rate_bps = f->nic_rate_bps;
}

static bool ack(CcFlow *f, const CcConf *c, const CcAck *a, CcArm *arm) {
    (void)c;
    if (!a->marked) return false;
    Dcqcn *d = CC_OWN(Dcqcn, f);
    d->notified_alpha = d->notified_cut = true;
    if (d->started) return false;
    d->started = true;
    d->notified_alpha = false;
    d->target_bps = f->rate_bps;
    cc_arm(arm, TIMER_ALPHA, ALPHA_NS);
    cc_arm(arm, TIMER_DECREASE, DECREASE_NS + 1); /* after α's update of the same instant */
    return false;
}

static void update_alpha(Dcqcn *d, CcArm *arm) {
    d->alpha = (1 - GAIN) * d->alpha + (d->notified_alpha ? GAIN : 0);
    d->notified_alpha = false;
    cc_arm(arm, TIMER_ALPHA, ALPHA_NS);
}

static void check_decrease(CcFlow *f, Dcqcn *d, CcArm *arm) {
    cc_arm(arm, TIMER_DECREASE, DECREASE_NS);
    if (!d->notified_cut) return;
    if (d->stage > 0) d->target_bps = f->rate_bps;
    f->rate_bps = cc_at_least(cc_rate((double)f->rate_bps * (1 - d->alpha / 2)), f->min_rate_bps);
    d->stage = 0;
    d->notified_cut = false;
    cc_arm(arm, TIMER_INCREASE, INCREASE_NS);
}

static void increase(CcFlow *f, Dcqcn *d, CcArm *arm) {
    cc_arm(arm, TIMER_INCREASE, INCREASE_NS);
    if (d->stage > 0) {
        double step = d->stage == 1 ? STEP_BPS : HYPER_STEP_BPS;
        d->target_bps = cc_at_most(d->target_bps + cc_rate(step * f->line_scale), f->nic_rate_bps);
    }
    f->rate_bps = f->rate_bps / 2 + d->target_bps / 2;
    d->stage++;
}

static void timer(CcFlow *f, const CcConf *c, int which, CcArm *arm) {
    (void)c;
    Dcqcn *d = CC_OWN(Dcqcn, f);
    if (which == TIMER_ALPHA) update_alpha(d, arm);
    else if (which == TIMER_DECREASE) check_decrease(f, d, arm);
    else increase(f, d, arm);
}

static void marking(const CcConf *c, double port_rate_bps, CcMarking *m) {
    m->kmin_b = cc_threshold_b(c, c->conf.dcqcn_kmin_b, WIRE_DCQCN_REF_BPS, port_rate_bps);
    m->kmax_b = cc_threshold_b(c, c->conf.dcqcn_kmax_b, WIRE_DCQCN_REF_BPS, port_rate_bps);
    m->pmax = PMAX;
}

const CongestionControl cc_dcqcn = {.name = "dcqcn",
                                    .header_b = WIRE_HEADER_B,
                                    .ack_b = WIRE_ACK_B,
                                    .start = start,
                                    .go_on = go_on,
                                    .ack = ack,
                                    .timer = timer,
                                    .marking = marking};
