/* route: ECMP over all shortest paths, with the hash of the HPCC authors' simulator. */
#ifndef M3_NET_ROUTE_H
#define M3_NET_ROUTE_H
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "net/clos.h"
#include "net/topo.h"

/* Next hops of every node toward every host, by classes of nodes and groups of hosts that are
 * alike: of a Clos they take memory in proportion to its cables. Immutable; shared between threads.
 */
typedef struct Route Route;

/* route_new computes all next hops of a topology, which must outlive the route. Hosts don't
 * forward. Returns NULL with `err` filled if some pair of hosts is not connected. route_destroy
 * releases. */
Route *route_new(const Topo *t, Err *err);
void route_destroy(Route *r);
const Topo *route_topo(const Route *r);

/* route_clos returns the figures of a topology of ROUTE_MANY_RACKS racks or more that is a folded
 * Clos (clos_match); NULL for others. What follows from them takes seconds to find by way of next
 * hops, and with a thousand pods minutes. */
enum { ROUTE_MANY_RACKS = 4096 };
const Clos *route_clos(const Route *r);

/* route_max_links returns the most links on any shortest path between hosts. */
uint32_t route_max_links(const Route *r);

/* route_n_links returns the links on every shortest path from one host to another, 0 if equal. */
uint32_t route_n_links(const Route *r, uint32_t src_host, uint32_t dst_host);

/* route_class returns the class of a switch or a host with several links, TOPO_NONE for a host with
 * one. Nodes of a class have the same links to switches, by neighbour, rate and delay, so that
 * exchanging two of them changes no path between others but for the link to them. */
uint32_t route_class(const Route *r, uint32_t node);

/* route_group returns the number of a host's group, which all hosts have that are linked to the
 * same switches; route_column that of its group's column: groups of one column are linked to
 * switches of the same classes. Both count from 0 and are below the number of hosts. */
uint32_t route_group(const Route *r, uint32_t host);
uint32_t route_column(const Route *r, uint32_t host);

/* route_path fills `links` (room for route_max_links) with the directed links of a flow's path and
 * returns how many. At each node with n > 1 next hops (in descending order of node id, parallel
 * links side by side) it takes number route_hash(...) % n, seeded with the node's id. src ≠ dst. */
uint32_t route_path(const Route *r, uint32_t src_host, uint32_t dst_host, uint16_t sport,
                    uint16_t dport, uint32_t *links);

/* route_prefetch begins to read what route_path will need of two hosts. */
void route_prefetch(const Route *r, uint32_t src_host, uint32_t dst_host);

/* route_next returns the next hops (directed links) from `node` toward host `dst`, and how many in
 * *n. */
const uint32_t *route_next(const Route *r, uint32_t node, uint32_t dst_host, uint32_t *n);

/* route_hash returns murmur3-32 of the 12 bytes (src ip, dst ip, sport | dport << 16). */
uint32_t route_hash(uint32_t src_ip, uint32_t dst_ip, uint16_t sport, uint16_t dport,
                    uint32_t seed);
/* route_node_ip returns the address that the simulator gives a node of this id:
 * 0x0b000001 + (id / 256) << 16 + (id % 256) << 8. */
uint32_t route_node_ip(uint64_t node_id);

/* Ports of flows, as the HPCC authors' simulator numbers them. */
enum { ROUTE_FIRST_SPORT = 10000, ROUTE_DPORT = 100 };

/* route_sports fills sport[n] with the source ports of n flows in order of start:
 * ROUTE_FIRST_SPORT + (number of earlier flows of the same pair), mod 2^16. */
void route_sports(const Topo *t, const uint32_t *src_host, const uint32_t *dst_host, size_t n,
                  uint16_t *sport);
/* RoutePorts counts the flows of each pair, for lists that come in pieces: route_ports_next fills
 * the source ports of the next n flows. Of networks of more than 11,585 hosts it has to see all
 * flows before (route_ports_looks_twice): piece by piece with route_ports_look, about n_flows of
 * them. route_ports_free releases. */
typedef struct RoutePorts RoutePorts;
RoutePorts *route_ports_new(const Topo *t, size_t n_flows);
bool route_ports_looks_twice(const RoutePorts *p);
void route_ports_look(RoutePorts *p, const uint32_t *src_host, const uint32_t *dst_host, size_t n);
void route_ports_next(RoutePorts *p, const uint32_t *src_host, const uint32_t *dst_host, size_t n,
                      uint16_t *sport);
void route_ports_free(RoutePorts *p);

/* route_spread adds to load[link] the share of `weight` that a pair of hosts puts on each link if
 * every node splits equally over its next hops: the expectation of ECMP over many flows.
 * scratch[n_nodes] must be 0 and is left 0. */
void route_spread(const Route *r, uint32_t src_host, uint32_t dst_host, double weight, double *load,
                  double *scratch);
#endif
