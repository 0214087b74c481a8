/* packed: flows that fit 32 bits are copied, others put aside; packed.h says what for. */
#include "path/packed.h"

#include <stdlib.h>

#include "base/mem.h"

/* The rate that all hosts have, or 0. */
static double uniform_rate(const Topo *t) {
    for (uint32_t h = 1; h < t->n_hosts; h++)
        if (t->host_rate_bps[h] != t->host_rate_bps[0]) return 0;
    return t->host_rate_bps[0];
}

void packed_init(PackedFlows *b, size_t n, const Topo *t) {
    *b = (PackedFlows){.n = n, .host_rate_bps = t->host_rate_bps, .cap_bps = uniform_rate(t)};
    b->flow = MEM_NEW(PackedFlow, n);
    b->chunk = MEM_ZNEW(PackedChunk, (n + FLOW_CHUNK - 1) / FLOW_CHUNK);
    if (b->cap_bps == 0) b->slow_host = MEM_NEW(uint32_t, n);
}

void packed_fill(PackedFlows *b, const FlowChunk *c) {
    PackedChunk *chunk = &b->chunk[c->first >> FLOW_LOG2_CHUNK];
    uint32_t n_wide = 0;
    size_t cap_wide = 0;
    *chunk = (PackedChunk){.base_ns = c->start_ns[0]};
    for (uint32_t i = 0; i < c->n; i++) {
        uint64_t after_ns = (uint64_t)(c->start_ns[i] - chunk->base_ns);
        if (after_ns <= UINT32_MAX && c->size_b[i] < PACKED_OVERFLOW) {
            b->flow[c->first + i] = (PackedFlow){(uint32_t)after_ns, (uint32_t)c->size_b[i]};
            continue;
        }
        MEM_GROW(chunk->wide, cap_wide, n_wide + 1);
        chunk->wide[n_wide] = (PackedOverflow){c->start_ns[i], c->size_b[i]};
        b->flow[c->first + i] = (PackedFlow){n_wide++, PACKED_OVERFLOW};
    }
    const double *rate = b->host_rate_bps;
    for (uint32_t i = 0; b->slow_host && i < c->n; i++)
        b->slow_host[c->first + i] = rate[c->src[i]] < rate[c->dst[i]] ? c->src[i] : c->dst[i];
}

void packed_free(PackedFlows *b) {
    for (size_t c = 0; b->chunk && c < (b->n + FLOW_CHUNK - 1) / FLOW_CHUNK; c++)
        free(b->chunk[c].wide);
    free(b->chunk);
    free(b->flow);
    free(b->slow_host);
}
