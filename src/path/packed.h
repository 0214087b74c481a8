/* packed: starts and sizes of a network's flows in 8 bytes each. */
#ifndef M3_PATH_PACKED_H
#define M3_PATH_PACKED_H
#include "traffic/flowsource.h"

/* A flow's start and size. A path uses one flow in some fifty, so they are looked up far apart in
 * memory, and what a look-up costs is the number of cache lines that it touches: one. The few flows
 * that don't fit have size PACKED_OVERFLOW and an entry in their chunk's overflow list. */
typedef struct {
    uint32_t start_ns; /* after the start of the first flow of its chunk; PACKED_OVERFLOW: index in
                          the chunk's list */
    uint32_t size_b;
} PackedFlow;
#define PACKED_OVERFLOW UINT32_MAX

typedef struct {
    int64_t start_ns;
    uint64_t size_b;
} PackedOverflow;

/* A chunk of flows, all of them or those that were wanted: then bit i of `wanted` tells whether
 * flow i is there, and `before` how many are of earlier words. */
enum { PACKED_WORDS = FLOW_CHUNK / 64 };
typedef struct {
    int64_t base_ns; /* start of its first flow */
    PackedFlow *flow;
    uint64_t *wanted; /* [PACKED_WORDS], or NULL: all */
    uint16_t *before; /* [PACKED_WORDS] */
    PackedOverflow *overflow;
} PackedChunk;

typedef struct {
    size_t n;
    PackedChunk *chunk;          /* [n / FLOW_CHUNK, rounded up] */
    const double *host_rate_bps; /* by host */
    double cap_bps;      /* rate of every host's link; 0: they differ, and slow_host is set */
    uint32_t *slow_host; /* [n] that of the flow's two hosts whose link is slower */
} PackedFlows;

/* packed_init makes room for n flows of a network on t, which must outlive it. packed_free
 * releases. */
void packed_init(PackedFlows *p, size_t n, const Topo *t);
void packed_free(PackedFlows *p);

/* packed_fill stores the flows of a chunk, of which those are looked up later whose bit is set in
 * wanted[PACKED_WORDS], and the first and the last; NULL: all. Few are stored apart from the
 * others, at a tenth of the memory. Chunks may come in any order and from any threads. */
void packed_fill(PackedFlows *p, const FlowChunk *c, const uint64_t *wanted);

static inline const PackedFlow *packed_at(const PackedFlows *p, size_t i) {
    const PackedChunk *c = &p->chunk[i >> FLOW_LOG2_CHUNK];
    size_t k = i & (FLOW_CHUNK - 1);
    if (!c->wanted) return &c->flow[k];
    uint64_t earlier = c->wanted[k / 64] & (((uint64_t)1 << k % 64) - 1);
    return &c->flow[c->before[k / 64] + (uint32_t)__builtin_popcountll(earlier)];
}

static inline void packed_prefetch(const PackedFlows *p, size_t i) {
    __builtin_prefetch(packed_at(p, i));
}

/* packed_get looks up flow i's start and size. */
static inline void packed_get(const PackedFlows *p, size_t i, int64_t *start_ns, uint64_t *size_b) {
    PackedFlow x = *packed_at(p, i);
    const PackedChunk *c = &p->chunk[i >> FLOW_LOG2_CHUNK];
    bool overflow = x.size_b == PACKED_OVERFLOW;
    *start_ns = overflow ? c->overflow[x.start_ns].start_ns : c->base_ns + x.start_ns;
    *size_b = overflow ? c->overflow[x.start_ns].size_b : x.size_b;
}

static inline int64_t packed_start_ns(const PackedFlows *p, size_t i) {
    int64_t start_ns;
    uint64_t size_b;
    packed_get(p, i, &start_ns, &size_b);
    return start_ns;
}

static inline uint64_t packed_size_b(const PackedFlows *p, size_t i) {
    int64_t start_ns;
    uint64_t size_b;
    packed_get(p, i, &start_ns, &size_b);
    return size_b;
}

/* packed_cap_bps returns flow i's own limit: the rate of the slower of its two hosts' links. */
static inline double packed_cap_bps(const PackedFlows *p, size_t i) {
    return p->cap_bps > 0 ? p->cap_bps : p->host_rate_bps[p->slow_host[i]];
}
#endif
