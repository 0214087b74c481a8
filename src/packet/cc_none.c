/* none: no congestion control: line rate, limited by the window alone. A baseline, and the smallest
 * example of a control: it has no state, ignores ACKs and has packets marked by no switch. */
#include "packet/cc.h"

static void start(CcFlow *f, const CcConf *c) {
    (void)f;
    (void)c;
}

const CongestionControl cc_none = {.name = "none",
                                   .header_b = WIRE_HEADER_B,
                                   .ack_b = WIRE_ACK_B,
                                   .ack_first = true,
                                   .start = start};
