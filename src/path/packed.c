/* packed: stores flows chunk by chunk. A start fits if it is within 4.3 s of that of the chunk's
 * first flow, a size below 4.3 GB; other flows go to the chunk's overflow list. Where all hosts'
 * links have one rate, hosts need not be stored. */
#include "path/packed.h"

#include <stdlib.h>

#include "base/mem.h"

/* The rate that all hosts have, or 0. */
static double uniform_rate(const Topo *t) {
    for (uint32_t h = 1; h < t->n_hosts; h++)
        if (t->host_rate_bps[h] != t->host_rate_bps[0]) return 0;
    return t->host_rate_bps[0];
}

static size_t n_chunks(const PackedFlows *p) { return (p->n + FLOW_CHUNK - 1) / FLOW_CHUNK; }

void packed_init(PackedFlows *p, size_t n, const Topo *t) {
    *p = (PackedFlows){.n = n, .host_rate_bps = t->host_rate_bps, .cap_bps = uniform_rate(t)};
    p->flow = MEM_NEW(PackedFlow, n);
    p->chunk = MEM_ZNEW(PackedChunk, n_chunks(p));
    if (p->cap_bps == 0) p->slow_host = MEM_NEW(uint32_t, n);
}

void packed_fill(PackedFlows *p, const FlowChunk *c) {
    PackedChunk *chunk = &p->chunk[c->first >> FLOW_LOG2_CHUNK];
    uint32_t n_overflow = 0;
    size_t cap_overflow = 0;
    *chunk = (PackedChunk){.base_ns = c->start_ns[0]};
    for (uint32_t i = 0; i < c->n; i++) {
        uint64_t after_ns = (uint64_t)(c->start_ns[i] - chunk->base_ns);
        if (after_ns <= UINT32_MAX && c->size_b[i] < PACKED_OVERFLOW) {
            p->flow[c->first + i] = (PackedFlow){(uint32_t)after_ns, (uint32_t)c->size_b[i]};
            continue;
        }
        MEM_GROW(chunk->overflow, cap_overflow, n_overflow + 1);
        chunk->overflow[n_overflow] = (PackedOverflow){c->start_ns[i], c->size_b[i]};
        p->flow[c->first + i] = (PackedFlow){n_overflow++, PACKED_OVERFLOW};
    }
    const double *rate = p->host_rate_bps;
    for (uint32_t i = 0; p->slow_host && i < c->n; i++)
        p->slow_host[c->first + i] = rate[c->src[i]] < rate[c->dst[i]] ? c->src[i] : c->dst[i];
}

void packed_free(PackedFlows *p) {
    for (size_t c = 0; p->chunk && c < n_chunks(p); c++) free(p->chunk[c].overflow);
    free(p->chunk);
    free(p->flow);
    free(p->slow_host);
}
