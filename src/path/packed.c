/* packed: stores flows chunk by chunk. A start fits if it is within 4.3 s of that of the chunk's
 * first flow, a size below 4.3 GB; other flows go to the chunk's overflow list. Where fewer than
 * one flow in MOST_APART is wanted, as on networks of a million hosts, those are stored next to
 * each other, and found by counting bits. Where all hosts' links have one rate, hosts need not be
 * stored.
 */
#include "path/packed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* At one in eight, bits and counts (a tenth of a chunk of flows) still save three quarters. */
enum { MOST_APART = 8 };

/* The rate that all hosts have, or 0. */
static double uniform_rate(const Topo *t) {
    for (uint32_t h = 1; h < t->n_hosts; h++)
        if (t->host_rate_bps[h] != t->host_rate_bps[0]) return 0;
    return t->host_rate_bps[0];
}

static size_t n_chunks(const PackedFlows *p) { return (p->n + FLOW_CHUNK - 1) / FLOW_CHUNK; }

void packed_init(PackedFlows *p, size_t n, const Topo *t) {
    *p = (PackedFlows){.n = n, .host_rate_bps = t->host_rate_bps, .cap_bps = uniform_rate(t)};
    p->chunk = MEM_ZNEW(PackedChunk, n_chunks(p));
    if (p->cap_bps == 0) p->slow_host = MEM_NEW(uint32_t, n);
}

/* Copies the bits of wanted flows, if they are few, and counts them. */
static void keep_wanted(PackedChunk *chunk, const uint64_t *wanted, uint32_t n) {
    uint32_t n_wanted = 0;
    for (int w = 0; w < PACKED_WORDS; w++) n_wanted += (uint32_t)__builtin_popcountll(wanted[w]);
    if (n_wanted + 2 > n / MOST_APART) return;
    chunk->wanted = memcpy(MEM_NEW(uint64_t, PACKED_WORDS), wanted, PACKED_WORDS * sizeof *wanted);
    chunk->before = MEM_NEW(uint16_t, PACKED_WORDS);
    chunk->wanted[0] |= 1;
    chunk->wanted[(n - 1) / 64] |= (uint64_t)1 << (n - 1) % 64;
    n_wanted = 0;
    for (int w = 0; w < PACKED_WORDS; w++) {
        chunk->before[w] = (uint16_t)n_wanted;
        n_wanted += (uint32_t)__builtin_popcountll(chunk->wanted[w]);
    }
}

void packed_fill(PackedFlows *p, const FlowChunk *c, const uint64_t *wanted) {
    PackedChunk *chunk = &p->chunk[c->first >> FLOW_LOG2_CHUNK];
    uint32_t n_overflow = 0, n = 0;
    size_t cap_overflow = 0;
    *chunk = (PackedChunk){.base_ns = c->start_ns[0]};
    if (wanted) keep_wanted(chunk, wanted, c->n);
    chunk->flow = MEM_NEW(PackedFlow, chunk->wanted ? c->n / MOST_APART : c->n);
    for (uint32_t i = 0; i < c->n; i++) {
        if (chunk->wanted && !(chunk->wanted[i / 64] >> i % 64 & 1)) continue;
        uint64_t after_ns = (uint64_t)(c->start_ns[i] - chunk->base_ns);
        if (after_ns <= UINT32_MAX && c->size_b[i] < PACKED_OVERFLOW) {
            chunk->flow[n++] = (PackedFlow){(uint32_t)after_ns, (uint32_t)c->size_b[i]};
            continue;
        }
        MEM_GROW(chunk->overflow, cap_overflow, n_overflow + 1);
        chunk->overflow[n_overflow] = (PackedOverflow){c->start_ns[i], c->size_b[i]};
        chunk->flow[n++] = (PackedFlow){n_overflow++, PACKED_OVERFLOW};
    }
    chunk->flow = mem_realloc(chunk->flow, n, sizeof *chunk->flow);
    const double *rate = p->host_rate_bps;
    for (uint32_t i = 0; p->slow_host && i < c->n; i++)
        p->slow_host[c->first + i] = rate[c->src[i]] < rate[c->dst[i]] ? c->src[i] : c->dst[i];
}

void packed_free(PackedFlows *p) {
    for (size_t c = 0; p->chunk && c < n_chunks(p); c++) {
        free(p->chunk[c].flow);
        free(p->chunk[c].wanted);
        free(p->chunk[c].before);
        free(p->chunk[c].overflow);
    }
    free(p->chunk);
    free(p->slow_host);
}
