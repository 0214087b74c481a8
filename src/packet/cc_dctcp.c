/* dctcp: rate-based DCTCP (Alizadeh et al., SIGCOMM 2010) as the HPCC authors' simulator has it.
 *
 * Per batch of about one window the share of marked packets moves α (gain 1/16). A mark cuts the
 * rate by α/2, at most once until the data sent by then is acknowledged (CWR); a batch that ends
 * outside CWR adds a step of 615 Mb/s at 10 Gb/s. The first acknowledgement only opens a batch. No
 * slow start. The constants are that simulator's. */
#include "packet/cc.h"

static const double GAIN = 1.0 / 16, STEP_BPS = 615e6; /* step: of a 10 Gb/s line */

typedef struct {
    double alpha;
    uint64_t batch_end, cwr_end; /* bytes */
    uint32_t n_marked, n_batch;  /* packets */
    bool in_cwr;
} Dctcp;
CC_CHECK_OWN(Dctcp);

static void start(CcFlow *f, const CcConf *c) {
    (void)c;
    *CC_OWN(Dctcp, f) = (Dctcp){.alpha = 1};
}

/* True if this ACK ends a batch. */
static bool batch_step(Dctcp *d, const CcAck *a) {
    if (a->ack <= d->batch_end) return false;
    if (d->batch_end == 0) {
        d->n_batch = (uint32_t)(a->nxt / WIRE_PAYLOAD_B + 1);
    } else {
        double share = (double)d->n_marked / d->n_batch;
        d->alpha = (1 - GAIN) * d->alpha + GAIN * (share < 1 ? share : 1);
        d->n_marked = 0;
        d->n_batch = (uint32_t)((a->nxt - a->ack) / WIRE_PAYLOAD_B + 1);
    }
    d->batch_end = a->nxt;
    return true;
}

static bool ack(CcFlow *f, const CcConf *c, const CcAck *a, CcArm *arm) {
    (void)c;
    (void)arm;
    Dctcp *d = CC_OWN(Dctcp, f);
    d->n_marked += a->marked;
    bool new_batch = batch_step(d, a);
    if (d->in_cwr && a->ack > d->cwr_end) d->in_cwr = false;
    if (a->marked && !d->in_cwr) {
        f->rate_bps =
            cc_at_least(cc_rate((double)f->rate_bps * (1 - d->alpha / 2)), f->min_rate_bps);
        d->in_cwr = true;
        d->cwr_end = a->nxt;
    }
    if (new_batch && !d->in_cwr)
        f->rate_bps = cc_at_most(f->rate_bps + cc_rate(STEP_BPS * f->line_scale), f->max_rate_bps);
    return true;
}

static void marking(const CcConf *c, double port_rate_bps, CcMarking *m) {
    m->kmin_b = m->kmax_b = cc_threshold_b(c, c->conf.dctcp_k_b, WIRE_DCTCP_REF_BPS, port_rate_bps);
    m->pmax = 1;
}

const CongestionControl cc_dctcp = {.name = "dctcp",
                                    .header_b = WIRE_HEADER_B,
                                    .ack_b = WIRE_ACK_B,
                                    .ack_first = true,
                                    .start = start,
                                    .ack = ack,
                                    .marking = marking};
