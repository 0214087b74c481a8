/* ideal: a packet's path and serialisation, which the simulation and ideal completion times share.
 * Private to this room; pktsim.h declares pktsim_ideal. */
#ifndef M3_PACKET_IDEAL_H
#define M3_PACKET_IDEAL_H
#include <stdbool.h>
#include <stdint.h>

#include "net/route.h"

/* ideal_ticks returns the serialisation of so many bytes in ticks: ns in compat, ps otherwise. */
int64_t ideal_ticks(bool compat, double bytes, double rate_bps);
/* ideal_path fills links (room for route_max_links) with the directed links of a flow's path;
 * returns how many. */
uint32_t ideal_path(const Route *r, bool compat, uint32_t src_host, uint32_t dst_host,
                    uint16_t sport, uint16_t dport, uint32_t *links);
#endif
