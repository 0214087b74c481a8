/* pathpacket: one path simulated packet by packet, with all flows that cross it. */
#ifndef M3_FEATURES_PATHPACKET_H
#define M3_FEATURES_PATHPACKET_H
#include "base/diag.h"
#include "path/lot.h"
#include "path/pathset.h"
#include "scenario/scenario.h"

/* A path and what it is simulated with. */
typedef struct {
    const Scenario *scenario;
    const NetPath *path;
    const LotFlow *flows; /* [n_flows] of the path, ascending by start_ns */
    size_t n_flows;
    bool compat; /* as the HPCC authors' ns-3 simulator behaves (--compat hpcc-ns3) */
    uint64_t seed;
} PathPacket;

/* pathpacket_run fills slowdown[n_flows]: completion time over that in the idle network, of the
 * foreground flows; NAN for background flows and those that did not finish. *n_events counts the
 * simulator's events. Returns −1 if interrupted (ERR_STOPPED), or if the simulator cannot take the
 * network. */
int pathpacket_run(const PathPacket *p, float *slowdown, uint64_t *n_events, Err *err);

/* pathpacket_hops returns about how many times a data packet or an ACK goes over a link when the n
 * flows of a lot of n_links links are simulated, which a simulation's time is in proportion to. */
double pathpacket_hops(uint32_t n_links, const LotFlow *flows, size_t n);
#endif
