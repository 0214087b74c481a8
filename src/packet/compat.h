/* compat: arithmetic and quirks of the reference (the HPCC authors' ns-3 simulator as the m3 paper
 * uses it), as far as they are functions of their arguments. Private to this room. */
#ifndef M3_PACKET_COMPAT_H
#define M3_PACKET_COMPAT_H
#include <stdbool.h>
#include <stdint.h>

#include "net/route.h"
#include "traffic/flows.h"

/* compat_ns returns the whole ns that the reference makes of a time in seconds. */
int64_t compat_ns(double seconds);
/* compat_start_ns returns when the reference starts a flow that is to start at `ns`: then or 1 ns
 * earlier. */
int64_t compat_start_ns(int64_t ns);
/* compat_is_never_start says whether no flow of the reference ever starts at `ns`. */
bool compat_is_never_start(int64_t ns);
/* compat_has_asked_starts returns true if a list has start times as asked for, false if it has
 * those that the reference printed. */
bool compat_has_asked_starts(const Flows *f);
/* compat_path is route_path with parallel links taken for one next hop: the last of them in the
 * topology's order. */
uint32_t compat_path(const Route *r, uint32_t src_host, uint32_t dst_host, uint16_t sport,
                     uint16_t dport, uint32_t *links);
#endif
