/* eqds: receiver-granted credit as in EQDS (Olteanu et al., "An edge-queued datagram service for
 * all datacenter traffic", NSDI 2022), which the Ultra Ethernet specification 1.0 takes up as its
 * receiver-credit control (RCCC).
 *
 * A sender begins at line rate with speculative packets, eqds_speculative times the setting
 * `window` (the BDP). What is beyond needs credit, which the receiver grants its senders in turn,
 * at the pace of its own link (credit.c): whatever their number, what arrives is what its link
 * carries, and queues are those of the first round trip. Credit is the byte up to which a flow may
 * send; window_b is what of it lies beyond the first byte that is not acknowledged.
 *
 * A NACK takes back all credit: the receiver grants it anew, in turn with others, from the missing
 * byte on. A timeout leaves the credit of one packet, by which the sender asks for more. With the
 * setting `eqds_trim`, as in EQDS, switches do not drop packets but their payload, so that a
 * receiver hears of losses at once.
 *
 * Left out: selective retransmission and spraying (hosts go back N on one path), a lower threshold
 * of switches for speculative packets, credit before a first packet (RTS), and the sharing of a
 * congested core (EQDS has windows of DCTCP beside credit for that, RCCC none). */
#include <math.h>

#include "packet/cc.h"

typedef struct {
    uint64_t credit, acked; /* bytes */
} Eqds;
CC_CHECK_OWN(Eqds);

static void set_window(CcFlow *f) {
    const Eqds *e = CC_OWN(Eqds, f);
    f->window_b = e->credit > e->acked ? e->credit - e->acked : 0;
}

/* Credit is for whole packets. */
static void set_credit(CcFlow *f, double bytes) {
    double packets = fmin(fmax(ceil(bytes / WIRE_PAYLOAD_B), 1), 1e15);
    *CC_OWN(Eqds, f) = (Eqds){.credit = (uint64_t)packets * WIRE_PAYLOAD_B};
    set_window(f);
}

static void start(CcFlow *f, const CcConf *c) {
    set_credit(f, (double)f->max_rate_window_b * c->conf.eqds_speculative);
}

/* A round trip of credit at the rate; rate_bps itself stays the line's. */
static void go_on(CcFlow *f, const CcConf *c) {
    (void)c;
    set_credit(f, (double)wire_payload_b((double)f->rate_bps * 1e-9 * f->base_rtt_ns));
    f->rate_bps = f->max_rate_bps;
}

static bool ack(CcFlow *f, const CcConf *c, const CcAck *a, CcArm *arm) {
    (void)c;
    (void)arm;
    Eqds *e = CC_OWN(Eqds, f);
    if (a->ack > e->acked) e->acked = a->ack;
    if (a->nack) e->credit = e->acked;
    set_window(f);
    return true;
}

static void credit(CcFlow *f, uint64_t end_b) {
    Eqds *e = CC_OWN(Eqds, f);
    if (end_b > e->credit) e->credit = end_b;
    set_window(f);
}

static void timeout(CcFlow *f, const CcConf *c) {
    (void)c;
    Eqds *e = CC_OWN(Eqds, f);
    e->credit = e->acked + WIRE_PAYLOAD_B;
    set_window(f);
}

static bool trims(const NetConf *conf) { return conf->eqds_trim; }

const CongestionControl cc_eqds = {.name = "eqds",
                                   .header_b = WIRE_HEADER_B,
                                   .ack_b = WIRE_ACK_B,
                                   .ack_first = true,
                                   .sets_window = true,
                                   .own_design = true,
                                   .start = start,
                                   .go_on = go_on,
                                   .ack = ack,
                                   .credit = credit,
                                   .timeout = timeout,
                                   .trims = trims};
