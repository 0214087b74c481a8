/* packed: what paths want of a network's flows, in 8 bytes each, for whoever looks at many of them
 * here and there. */
#ifndef M3_PATH_PACKED_H
#define M3_PATH_PACKED_H
#include "traffic/flowsource.h"

/* Flows are far apart in memory for a path that takes one in fifty: what counts is how many lines
 * of the cache each touches, and this is one. The few that don't fit are PACKED_OVERFLOW and stand
 * in a list of their chunk. */
typedef struct {
    uint32_t start_ns; /* after that of the first flow of its chunk; of a wide one: its number in
                          the chunk's list */
    uint32_t size_b;
} PackedFlow;
#define PACKED_OVERFLOW UINT32_MAX

typedef struct {
    int64_t start_ns;
    uint64_t size_b;
} PackedOverflow;

typedef struct {
    int64_t base_ns; /* start of its first flow */
    PackedOverflow *wide;
} PackedChunk;

typedef struct {
    size_t n;
    PackedFlow *flow;            /* [n] */
    PackedChunk *chunk;          /* [chunks] */
    const double *host_rate_bps; /* by host */
    double cap_bps;              /* rate of every host's link; 0: they differ, and then */
    uint32_t *slow_host;         /* [n] that of the flow's two hosts whose link is slower */
} PackedFlows;

/* Room for n flows; the chunks are still to be filled, in any order and by any threads. t is to
 * outlive it. */
void packed_init(PackedFlows *b, size_t n, const Topo *t);
void packed_fill(PackedFlows *b, const FlowChunk *c);
void packed_free(PackedFlows *b);

static inline void packed_prefetch(const PackedFlows *b, size_t i) {
    __builtin_prefetch(&b->flow[i]);
}

static inline void packed_get(const PackedFlows *b, size_t i, int64_t *start_ns, uint64_t *size_b) {
    PackedFlow x = b->flow[i];
    const PackedChunk *c = &b->chunk[i >> FLOW_LOG2_CHUNK];
    bool wide = x.size_b == PACKED_OVERFLOW;
    *start_ns = wide ? c->wide[x.start_ns].start_ns : c->base_ns + x.start_ns;
    *size_b = wide ? c->wide[x.start_ns].size_b : x.size_b;
}

static inline int64_t packed_start_ns(const PackedFlows *b, size_t i) {
    int64_t start_ns;
    uint64_t size_b;
    packed_get(b, i, &start_ns, &size_b);
    return start_ns;
}

static inline uint64_t packed_size_b(const PackedFlows *b, size_t i) {
    int64_t start_ns;
    uint64_t size_b;
    packed_get(b, i, &start_ns, &size_b);
    return size_b;
}

/* The flow's own limit: the slower of its two hosts' links. */
static inline double packed_cap_bps(const PackedFlows *b, size_t i) {
    return b->cap_bps > 0 ? b->cap_bps : b->host_rate_bps[b->slow_host[i]];
}
#endif
