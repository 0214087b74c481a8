/* route: ECMP over all shortest paths, with the hash of docs/PACKET-SIM.md. */
#ifndef M3_NET_ROUTE_H
#define M3_NET_ROUTE_H
#include <stdint.h>

#include "base/diag.h"
#include "net/topo.h"

/* Next hops per (node, destination group). Hosts hanging on the same set of switches are one group,
 * so a table for 6,144 hosts stays small. Immutable; shared between threads. */
typedef struct Route Route;
/* −1 if some pair of hosts is not connected. The topo must outlive the route. Hosts don't forward.
 */
Route *route_new(const Topo *t, Err *err);
void route_destroy(Route *r);
const Topo *route_topo(const Route *r);
/* Most links on any shortest path between hosts. */
uint32_t route_max_links(const Route *r);
/* Links on every shortest path from host src to host dst (0 if equal). */
uint32_t route_n_links(const Route *r, uint32_t src_host, uint32_t dst_host);

/* The directed links of a flow's path into `links` (room for route_max_links); returns how many.
 * At each node with several next hops (in descending order of node id, parallel links side by side)
 * it takes number route_hash(...) % n, seeded with the node's id. src ≠ dst. */
uint32_t route_path(const Route *r, uint32_t src_host, uint32_t dst_host, uint16_t sport,
                    uint16_t dport, uint32_t *links);

/* The next hops (directed links) from `node` toward host `dst`; count in *n. For the packet engine.
 */
const uint32_t *route_next(const Route *r, uint32_t node, uint32_t dst_host, uint32_t *n);

/* murmur3-32 of the 12 bytes (src ip, dst ip, sport | dport << 16). */
uint32_t route_hash(uint32_t src_ip, uint32_t dst_ip, uint16_t sport, uint16_t dport,
                    uint32_t seed);
/* 0x0b000001 + (id / 256) << 16 + (id % 256) << 8 */
uint32_t route_node_ip(uint64_t node_id);

enum { ROUTE_FIRST_SPORT = 10000, ROUTE_DPORT = 100 };
/* Source ports in order of the flows: sport[i] = 10000 + (number of earlier flows of the same
 * pair), mod 2^16. */
void route_sports(const Topo *t, const uint32_t *src_host, const uint32_t *dst_host, size_t n,
                  uint16_t *sport);
/* The same piece by piece. */
typedef struct RoutePorts RoutePorts;
RoutePorts *route_ports_new(const Topo *t);
void route_ports_next(RoutePorts *p, const uint32_t *src_host, const uint32_t *dst_host, size_t n,
                      uint16_t *sport);
void route_ports_free(RoutePorts *p);

/* Share of a (src, dst) pair's traffic on each link if every node splits equally over its next
 * hops: adds weight · share to load[link]. Expectation of ECMP over many flows. scratch: n_nodes
 * doubles, all 0, left 0. */
void route_spread(const Route *r, uint32_t src_host, uint32_t dst_host, double weight, double *load,
                  double *scratch);
#endif
