/* flowsource: a network's flows by the chunk: those in memory, or drawn anew whenever they are
 * asked for. */
#ifndef M3_TRAFFIC_FLOWSOURCE_H
#define M3_TRAFFIC_FLOWSOURCE_H
#include "traffic/flows.h"
#include "net/route.h"
#include "traffic/workload.h"

/* One of the two. What it is made from is to outlive it. */
typedef struct {
    size_t n;
    const uint16_t *sport;       /* [n] source ports */
    const Flows *in_memory;      /* all flows, or NULL: */
    const WorkloadStream *drawn; /* chunk by chunk */
    int threads;                 /* for drawing them */
} FlowSource;

FlowSource flowsource_in_memory(const Flows *f, const uint16_t *sport);
/* Numbers the ports, which takes all flows' hosts once, into new memory: *sport, for free(). −1 if
 * interrupted. */
int flowsource_drawn(FlowSource *s, const WorkloadStream *w, const Topo *t, int threads,
                     uint16_t **sport, const Log *log, Err *err);

/* Flows first … first + n − 1. */
typedef struct {
    size_t first;
    uint32_t n;
    const uint32_t *src, *dst;
    const uint64_t *size_b;
    const int64_t *start_ns;
    const uint16_t *sport;
} FlowChunk;
static inline size_t flowsource_n_chunks(const FlowSource *s) {
    return (s->n + FLOW_CHUNK - 1) / FLOW_CHUNK;
}
/* `room` is what drawn flows are put into: zero at first, one per thread, flows_free. Good until it
 * is used again. */
FlowChunk flowsource_chunk(const FlowSource *s, size_t chunk, Flows *room);

/* The hosts of flows pick[0..n−1], in any order; at most all flows are drawn for it. */
void flowsource_hosts(const FlowSource *s, const uint64_t *pick, size_t n, uint32_t *src,
                      uint32_t *dst);
#endif
