/* ideal: a packet's path and times on the wire, which the simulation and the ideal completion time
 * share. Private to this room. */
#ifndef M3_PACKET_IDEAL_H
#define M3_PACKET_IDEAL_H
#include <stdbool.h>
#include <stdint.h>

#include "net/route.h"

/* Serialisation in ticks: ns in compat, ps otherwise. */
int64_t ideal_ticks(bool compat, double bytes, double rate_bps);
/* Directed links of a flow's path, room for route_max_links; how many. */
uint32_t ideal_path(const Route *r, bool compat, uint32_t src_host, uint32_t dst_host,
                    uint16_t sport, uint16_t dport, uint32_t *links);
#endif
