/* clos: folded Clos networks from a handful of figures. */
#ifndef M3_NET_CLOS_H
#define M3_NET_CLOS_H
#include <stdbool.h>
#include <stdint.h>

#include "net/topo.h"

/* Three tiers of switches: each of `pods` pods has racks_per_pod racks of hosts_per_rack hosts, and
 * fabs_per_pod fabric switches, each linked to every rack of the pod; fabric switch i of every pod
 * is linked to all spines_per_plane spines of plane i. Two tiers: pods 1 and spines_per_plane 0, so
 * that the fabric switches are the spines. One tier: fabs_per_pod 0 as well, one rack. Ids ascend
 * from 0: hosts, then racks, then fabric switches, each pod by pod, then spines plane by plane. */
typedef struct {
    uint32_t pods, racks_per_pod, hosts_per_rack, fabs_per_pod, spines_per_plane;
    double host_rate_bps, fab_rate_bps, spine_rate_bps; /* links host–rack, rack–fab, fab–spine */
    double host_delay_ns, fab_delay_ns, spine_delay_ns;
} Clos;

/* clos_default gives 2 pods of 16 racks of 8 hosts, 2 fabric switches a pod and 8 spines a plane;
 * hosts at 10 Gb/s, the others at 40 Gb/s, 1 µs each: 256 hosts, 2:1 oversubscribed between fabric
 * switches and spines, as in the paper's section 5. */
void clos_default(Clos *c);
/* clos_build makes the topology; topo_free releases. −1 with an input error that begins with `name`
 * if the figures fit no network or one of more than 16 M nodes or 64 M cables. */
int clos_build(Topo *t, const Clos *c, const char *name, Err *err);
/* clos_match returns whether a topology is exactly what clos_build makes of some Clos, ids
 * included, and then fills in *c. */
bool clos_match(Clos *c, const Topo *t);

/* clos_save writes a file with the figures under the key "clos" (shape_save). */
int clos_save(const Clos *c, const char *path, Err *err);

/* clos_hosts returns the number of hosts, clos_tiers that of tiers of switches, 1 to 3. */
uint32_t clos_hosts(const Clos *c);
int clos_tiers(const Clos *c);
/* clos_oversubscription returns a switch's capacity toward hosts over that toward spines, of racks
 * (tier 1) or fabric switches (2); 0 where nothing is above. */
double clos_oversubscription(const Clos *c, int tier);
/* clos_bdp_b returns the bytes that a host sends at its rate during a round trip of a full packet
 * and its ACK over a longest path (WIRE_FULL_B, WIRE_ACK_B of net/wire.h). */
double clos_bdp_b(const Clos *c);
/* clos_set_aside_b returns the most bytes of its buffer that any switch sets aside for its links'
 * reserves and PFC headroom (wire_set_aside_mean_b). */
double clos_set_aside_b(const Clos *c);
#endif
