/* hpcc: HPCC (Li et al., SIGCOMM 2019), single rate, multiplicative at every ACK (no additive-only
 * stages).
 *
 * Switches stamp time, bytes sent and queue; from two stamps of a hop follow its sending rate and
 * standing queue, so its utilisation u = txRate/line + min(q, q')·max_rate/line/window. The largest
 * over the hops moves an average over the base RTT, and the rate becomes Rc/(U/η) + W_AI. Rc is
 * committed once a window; other ACKs react from Rc. */
#include "packet/cc.h"

typedef struct {
    double u; /* averaged utilisation */
    uint64_t committed_bps;
    uint64_t window_end; /* bytes; 0 before the first ACK */
} Hpcc;
CC_CHECK_OWN(Hpcc);

static void start(CcFlow *f, const CcConf *c) {
    *CC_OWN(Hpcc, f) = (Hpcc){.u = 1, .committed_bps = c->compat ? f->nic_rate_bps : f->rate_bps};
}

static void go_on(CcFlow *f, const CcConf *c) {
    (void)c;
    CC_OWN(Hpcc, f)->committed_bps = f->rate_bps;
}

/* Time between two stamps of a hop, modulo the 24 bits they have. */
static uint64_t between_ns(CcHop now, CcHop before) {
    return (now.time_ns - before.time_ns) & 0xffffff;
}

/* Utilisation of one hop between two of its stamps, which are tau_ns > 0 apart. */
static double utilisation(const CcFlow *f, CcHop now, CcHop before, double line_bps,
                          uint64_t tau_ns) {
    uint64_t sent_b = (uint64_t)((now.sent_128 - before.sent_128) & 0xfffff) * 128;
    uint64_t queue_b =
        (uint64_t)(now.queue_80 < before.queue_80 ? now.queue_80 : before.queue_80) * 80;
    double tx_bps = (double)(sent_b * 8) / ((double)tau_ns * 1e-9);
    return tx_bps / line_bps +
           (double)queue_b * (double)f->max_rate_bps / line_bps / (double)f->max_rate_window_b;
}

/* Moves the average by the busiest hop of this ACK. A hop whose two stamps are of the same ns (a
 * packet takes less on links above 8 Tb/s) says nothing yet: its older stamp is kept for the next
 * ACK. */
static void measure(CcFlow *f, Hpcc *h, const CcAck *a) {
    double u_max = 0;
    uint64_t tau_max = 0;
    for (int i = 0; i < a->n_hops; i++) {
        CcHop now = cc_hop_unpack(a->hops[i]), before = cc_hop_unpack(a->hops_before[i]);
        uint64_t tau = between_ns(now, before);
        if (tau == 0) continue;
        double u = utilisation(f, now, before, a->hop_rate_bps[i], tau);
        if (u > u_max) {
            u_max = u;
            tau_max = tau;
        }
        a->hops_before[i] = a->hops[i];
    }
    double base = f->base_rtt_ns, tau = (double)tau_max < base ? (double)tau_max : base;
    h->u = (h->u * (base - tau) + u_max * tau) / base;
}

static bool ack(CcFlow *f, const CcConf *c, const CcAck *a, CcArm *arm) {
    (void)arm;
    Hpcc *h = CC_OWN(Hpcc, f);
    if (h->window_end == 0) {
        for (int i = 0; i < a->n_hops; i++) a->hops_before[i] = a->hops[i];
        h->window_end = a->nxt;
        return false;
    }
    bool commit = a->ack > h->window_end;
    measure(f, h, a);
    uint64_t step = cc_rate(c->conf.hpcc_ai_bps * f->line_scale);
    uint64_t rate = cc_rate((double)h->committed_bps / (h->u / c->conf.hpcc_eta)) + step;
    f->rate_bps = cc_at_most(cc_at_least(rate, f->min_rate_bps), f->max_rate_bps);
    if (!commit) return true;
    h->committed_bps = f->rate_bps;
    if (a->nxt > h->window_end) h->window_end = a->nxt;
    return true;
}

const CongestionControl cc_hpcc = {.name = "hp",
                                   .header_b = WIRE_HEADER_B + WIRE_TELEMETRY_B,
                                   .ack_b = WIRE_TELEMETRY_ACK_B,
                                   .telemetry = true,
                                   .retimes = true,
                                   .start = start,
                                   .go_on = go_on,
                                   .ack = ack};
