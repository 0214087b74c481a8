/* flowsource: the flows of a network, a chunk at a time: from memory, a file, or drawn again. */
#ifndef M3_TRAFFIC_FLOWSOURCE_H
#define M3_TRAFFIC_FLOWSOURCE_H
#include "traffic/flowfile.h"
#include "traffic/flows.h"
#include "traffic/workload.h"

/* Flows that are in memory, in a file or drawn chunk by chunk: one of the three. What it is made
 * from must outlive it. */
typedef struct {
    size_t n;
    const uint16_t *sport; /* [n] source ports */
    const Flows *in_memory;
    const FlowFile *file;
    const WorkloadStream *drawn;
    int threads; /* for drawing or reading them */
} FlowSource;

/* flowsource_in_memory returns the source of flows that are in memory, with their ports sport[n].
 */
FlowSource flowsource_in_memory(const Flows *f, const uint16_t *sport);
/* flowsource_drawn makes a source of flows that are drawn, flowsource_file one of those of a file.
 * A port is the number of earlier flows of the same hosts, so the hosts of all flows are drawn or
 * read once to number them; the ports are put into *sport, to be released with free(). −1 if
 * interrupted. */
int flowsource_drawn(FlowSource *s, const WorkloadStream *w, const Topo *t, int threads,
                     uint16_t **sport, const Log *log, Err *err);
int flowsource_file(FlowSource *s, const FlowFile *file, const Topo *t, int threads,
                    uint16_t **sport, const Log *log, Err *err);

/* Flows first … first + n − 1, an array a member. */
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
/* flowsource_chunk returns a chunk. `room` (zero at first, one per thread, to be released with
 * flows_free) holds the chunk if it is drawn or read: it is valid until room is used again. */
FlowChunk flowsource_chunk(const FlowSource *s, size_t chunk, Flows *room);

/* flowsource_hosts writes the hosts of the n flows pick[], in any order, to src[n] and dst[n].
 * Every chunk that one of them lies in is drawn or read once. −1 if interrupted. */
int flowsource_hosts(const FlowSource *s, const uint64_t *pick, size_t n, uint32_t *src,
                     uint32_t *dst, Err *err);
#endif
