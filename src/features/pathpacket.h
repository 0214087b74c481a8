/* estimate_packet: one path simulated packet by packet, with all flows that cross it. */
#ifndef M3_FEATURES_PATHPACKET_H
#define M3_FEATURES_PATHPACKET_H
#include "scenario/scenario.h"
#include "path/path.h"

/* A path to simulate: as path_project gave it. */
typedef struct {
    const Scenario *scenario;
    const NetPath *path;
    const LotFlow *flows;
    size_t n_flows;
    bool compat; /* --compat hpcc-ns3 */
    uint64_t seed;
} PathPacket;
/* slowdown[n_flows]: of the foreground, in the order of flows; NAN for background, and where a flow
 * did not finish. */
int pathpacket_run(const PathPacket *p, float *slowdown, uint64_t *n_events, Err *err);

/* About how many times a packet or an ACK goes over a link: what a simulation's time is made of. */
double pathpacket_hops(const PathPacket *p);
#endif
