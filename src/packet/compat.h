/* compat: the reference's arithmetic and accidents, as far as they are functions of their
 * arguments. Private to this room. */
#ifndef M3_PACKET_COMPAT_H
#define M3_PACKET_COMPAT_H
#include <stdbool.h>
#include <stdint.h>

#include "traffic/flows.h"
#include "net/route.h"

/* A time computed in seconds as it becomes whole ns there. */
int64_t compat_ns(double seconds);
/* When a flow asked for at `ns` starts: 0 or 1 ns early. */
int64_t compat_start_ns(int64_t ns);
/* A time at which no flow starts, whatever is asked for. */
bool compat_is_never_start(int64_t ns);
/* True if the list holds the times asked for, false if they are from the reference's own output. */
bool compat_has_asked_starts(const Flows *f);
/* As route_path, but parallel links are one next hop: the last of them in the file. */
uint32_t compat_path(const Route *r, uint32_t src_host, uint32_t dst_host, uint16_t sport,
                     uint16_t dport, uint32_t *links);
#endif
