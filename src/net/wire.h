/* wire: sizes of packets and frames, what a switch sets aside for a port, round trips, and the
 * rates that thresholds are given for. */
#ifndef M3_NET_WIRE_H
#define M3_NET_WIRE_H
#include <stdint.h>

#include "net/netconf.h"

/* Bytes on the wire, as the HPCC authors' ns-3 simulator has them. All packets of a flow but its
 * last carry WIRE_PAYLOAD_B. */
enum {
    WIRE_PAYLOAD_B = 1000,
    WIRE_HEADER_B = 48, /* of a data packet: link 14, IPv4 20, UDP 8, sequence and priority 6 */
    WIRE_FULL_B = WIRE_PAYLOAD_B + WIRE_HEADER_B,
    WIRE_TIMESTAMP_B = 8,     /* TIMELY's, in every data packet */
    WIRE_TELEMETRY_HOP_B = 8, /* a switch's stamp (HPCC) */
    WIRE_TELEMETRY_HOPS = 5,  /* stamps that a packet has room for on paths of at most 6 links */
    WIRE_TELEMETRY_B = 2 + WIRE_TELEMETRY_HOPS * WIRE_TELEMETRY_HOP_B, /* in data and its ACK */
    WIRE_ACK_B = 60, /* an ACK or NACK: link 14, IPv4 20, fields 12, padded to Ethernet's least */
    WIRE_TELEMETRY_ACK_B = 14 + 20 + 12 + WIRE_TELEMETRY_B, /* needs no padding */
    WIRE_PAUSE_B = 43                                       /* a PFC frame: 14, 20 and fields 9 */
};

/* Line rate of hosts in the published networks. Buffers, windows and the additive steps of
 * congestion controls are published for it, as is DCTCP's marking threshold; DCQCN's are for
 * WIRE_DCQCN_REF_BPS. */
#define WIRE_REF_BPS 10e9
#define WIRE_DCTCP_REF_BPS WIRE_REF_BPS
#define WIRE_DCQCN_REF_BPS 25e9

/* Returns the number of packets that a payload of size_b bytes takes. */
static inline uint64_t wire_packets(uint64_t size_b) {
    return (size_b + WIRE_PAYLOAD_B - 1) / WIRE_PAYLOAD_B;
}

/* Returns the bits on the wire of a payload of size_b bytes in packets with WIRE_HEADER_B. The
 * number is converted as a signed one, for which processors have an instruction. */
static inline double wire_bits(uint64_t size_b) {
    return (double)(int64_t)((size_b + wire_packets(size_b) * WIRE_HEADER_B) * 8);
}

/* Returns the bits on the wire of a flow's first packet, the flow's size being size_b bytes. */
static inline double wire_first_packet_bits(uint64_t size_b) {
    return (double)((size_b < WIRE_PAYLOAD_B ? size_b : WIRE_PAYLOAD_B) + WIRE_HEADER_B) * 8;
}

/* Returns the payload in bytes that full packets of so many bits on the wire carry. */
uint64_t wire_payload_b(double bits);

/* Returns the bytes of a data packet's header and of an ACK under a congestion control, on paths of
 * at most 6 links. */
uint32_t wire_header_b(Cc cc);
uint32_t wire_ack_b(Cc cc);

/* Returns the bytes at a port of rate_bps of a threshold that is given as k_b bytes at a port of
 * ref_bps. */
static inline double wire_threshold_b(double k_b, double ref_bps, double rate_bps) {
    return k_b * rate_bps / ref_bps;
}

/* Returns what a link in both directions adds to a round trip in an empty network, in ns: its delay
 * twice, and the transmission of a data packet and of its ACK, in bytes on the wire. */
static inline double wire_hop_rtt_ns(double rate_bps, double delay_ns, double packet_b,
                                     double ack_b) {
    return 2 * delay_ns + (packet_b + ack_b) * 8e9 / rate_bps;
}

/* What a switch keeps of its buffer for each link that ends at it: the reserve, which only packets
 * from that link may use, and with PFC the headroom, for what still arrives after it asked the
 * link's far end to pause. The far end is told to resume when what the link holds of the shared
 * part is 0 or WIRE_RESUME_MARGIN_B below the threshold. Sizes as in the HPCC authors' simulator.
 */
enum {
    WIRE_RESERVE_B = 4096,
    WIRE_RESUME_MARGIN_B = 3072,
    WIRE_HEADROOM_DELAYS = 3, /* headroom per bytes in flight on the link */
    WIRE_HEADROOM_PACKETS = 4,
    WIRE_MAX_PACKET_B = 1200 /* above 1170, HPCC's full packets on paths of 16 links */
};

/* The four rules for headroom differ in the packet they count and in rounding, which outputs depend
 * on. Rates in bit/s, delays in ns, results in bytes; x stands for the bytes in flight on the link,
 * rate · delay. */

/* wire_headroom_compat_b returns the HPCC authors' simulator's headroom: 3 x, in whole bytes. */
double wire_headroom_compat_b(double rate_bps, double delay_ns);
/* wire_headroom_b returns the packet simulator's headroom for full packets of packet_b on the wire:
 * the larger of 3 x and 2 x + 4 packets, with x in whole bytes. Three times x falls short on slow,
 * short links: what arrives after the decision to pause is both ways' delay, a packet being sent at
 * either end, and up to one more before the frame. */
double wire_headroom_b(double rate_bps, double delay_ns, double packet_b);
/* wire_set_aside_mean_b returns reserve and wire_headroom_b together for packets of WIRE_FULL_B and
 * without rounding: for drawing a network's buffer before its congestion control is known. */
double wire_set_aside_mean_b(double rate_bps, double delay_ns);
/* wire_set_aside_bound_b returns a bound on reserve and headroom together for all congestion
 * controls, in compat or not: reserve, 3 x and 4 packets of WIRE_MAX_PACKET_B. */
double wire_set_aside_bound_b(double rate_bps, double delay_ns);
#endif
