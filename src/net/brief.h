/* brief: starts and sizes of a network's flows in 8 bytes each, for whoever looks at many of them here and there. */
#ifndef M3_NET_BRIEF_H
#define M3_NET_BRIEF_H
#include "net/flows.h"

/* Flows are far apart in memory for a path that takes one in fifty: what counts is how many lines of the cache each touches, and
 * this is one, not two. The few that don't fit, BRIEF_WIDE, are looked up in `flows`. */
typedef struct {
    uint32_t start_ns; /* after that of the first flow of its BRIEF_CHUNK */
    uint32_t size_b;
} FlowBrief;
enum { BRIEF_LOG2_CHUNK = 16, BRIEF_CHUNK = 1 << BRIEF_LOG2_CHUNK };
#define BRIEF_WIDE UINT32_MAX

typedef struct {
    const Flows *flows;
    FlowBrief *flow; /* [flows->n] */
} FlowBriefs;

/* Room for all; the chunks are still to be filled, in any order and by any threads. flows is to outlive it. */
void briefs_init(FlowBriefs *b, const Flows *flows);
void briefs_fill(FlowBriefs *b, size_t chunk);
void briefs_free(FlowBriefs *b);

static inline void briefs_prefetch(const FlowBriefs *b, size_t i) { __builtin_prefetch(&b->flow[i]); }

static inline void briefs_get(const FlowBriefs *b, size_t i, int64_t *start_ns, uint64_t *size_b) {
    FlowBrief x = b->flow[i];
    bool wide = x.size_b == BRIEF_WIDE;
    *start_ns = wide ? b->flows->start_ns[i] : b->flows->start_ns[i >> BRIEF_LOG2_CHUNK << BRIEF_LOG2_CHUNK] + x.start_ns;
    *size_b = wide ? b->flows->size_b[i] : x.size_b;
}
#endif
