/* basebdp: the bandwidth-delay product of an idle network, which windows are set by. */
#ifndef M3_NET_BASEBDP_H
#define M3_NET_BASEBDP_H
#include "net/route.h"

/* basebdp_of returns the bandwidth-delay product of a path in whole bytes, as the HPCC authors'
 * simulator computes it for its windows: the slowest of n links' rates (bit/s), times a round trip,
 * which is the delays (ns) both ways and one way the transmission of a packet of WIRE_PAYLOAD_B on
 * each link. On the published networks the longest paths' is 18,000. */
double basebdp_of(const double *rate_bps, const double *delay_ns, uint32_t n);

/* basebdp_largest returns the largest one among all pairs of hosts of a network. Of several
 * shortest paths between switches the one of the longest round trip counts. Takes some milliseconds
 * for thousands of hosts. basebdp_of_clos returns the same of a folded Clos. */
double basebdp_largest(const Route *r);
double basebdp_of_clos(const Clos *c);
#endif
