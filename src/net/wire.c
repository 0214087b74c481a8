/* wire: packet sizes by congestion control, and the rules for PFC headroom.
 *
 * These numbers are facts of the packet simulator, of the features that describe its networks, and
 * of the networks drawn to train on; nothing else in the sources holds them. They are those of the
 * HPCC authors' modified ns-3, which the paper's ground truth comes from. Left out: preambles,
 * checksums and gaps between frames, which that simulator doesn't count either. */
#include "net/wire.h"

#include <assert.h>
#include <math.h>

/* ORDER CC: what a control's packets carry. Those not listed have plain headers and ACKs. */
typedef struct {
    uint16_t extra_b; /* in a data packet's header */
    uint16_t ack_b;   /* 0: WIRE_ACK_B */
} WireExtra;
static const WireExtra carried[CC_N] = {
    [CC_HPCC] = {.extra_b = WIRE_TELEMETRY_B, .ack_b = WIRE_TELEMETRY_ACK_B},
    [CC_TIMELY] = {.extra_b = WIRE_TIMESTAMP_B},
    [CC_SWIFT] = {.extra_b = WIRE_TIMESTAMP_B}};

uint32_t wire_header_b(Cc cc) {
    assert((unsigned)cc < CC_N);
    return WIRE_HEADER_B + (uint32_t)carried[cc].extra_b;
}

uint32_t wire_ack_b(Cc cc) {
    assert((unsigned)cc < CC_N);
    return carried[cc].ack_b ? carried[cc].ack_b : WIRE_ACK_B;
}

uint64_t wire_payload_b(double bits) { return (uint64_t)(bits / 8 * WIRE_PAYLOAD_B / WIRE_FULL_B); }

/* Bytes in flight on a link; the reference divides by the 8 bits and by the 1e9 ns in turn, and
 * cuts both quotients. */
static double whole_in_flight_b(double rate_bps, double delay_ns) {
    return floor(floor(rate_bps * delay_ns / 8) / 1e9);
}

double wire_headroom_compat_b(double rate_bps, double delay_ns) {
    return WIRE_HEADROOM_DELAYS * whole_in_flight_b(rate_bps, delay_ns);
}

double wire_headroom_b(double rate_bps, double delay_ns, double packet_b) {
    double in_flight_b = whole_in_flight_b(rate_bps, delay_ns);
    return fmax(WIRE_HEADROOM_DELAYS * in_flight_b,
                2 * in_flight_b + WIRE_HEADROOM_PACKETS * packet_b);
}

double wire_set_aside_mean_b(double rate_bps, double delay_ns) {
    double in_flight_b = rate_bps * delay_ns * 1e-9 / 8;
    return fmax(WIRE_HEADROOM_DELAYS * in_flight_b,
                2 * in_flight_b + WIRE_HEADROOM_PACKETS * WIRE_FULL_B) +
           WIRE_RESERVE_B;
}

double wire_set_aside_bound_b(double rate_bps, double delay_ns) {
    return WIRE_RESERVE_B + WIRE_HEADROOM_PACKETS * WIRE_MAX_PACKET_B +
           WIRE_HEADROOM_DELAYS * rate_bps * delay_ns / 8e9;
}
