/* brief: flows that fit 32 bits are copied, others marked; brief.h says what for. */
#include "net/brief.h"

#include <stdlib.h>

#include "base/mem.h"

void briefs_init(FlowBriefs *b, const Flows *flows) { *b = (FlowBriefs){.flows = flows, .flow = MEM_NEW(FlowBrief, flows->n)}; }

void briefs_fill(FlowBriefs *b, size_t chunk) {
    const Flows *f = b->flows;
    size_t first = chunk * BRIEF_CHUNK, end = f->n - first < BRIEF_CHUNK ? f->n : first + BRIEF_CHUNK;
    for (size_t i = first; i < end; i++) {
        uint64_t after_ns = (uint64_t)(f->start_ns[i] - f->start_ns[first]);
        b->flow[i] = (FlowBrief){.size_b = BRIEF_WIDE};
        if (after_ns <= UINT32_MAX && f->size_b[i] < BRIEF_WIDE) b->flow[i] = (FlowBrief){(uint32_t)after_ns, (uint32_t)f->size_b[i]};
    }
}

void briefs_free(FlowBriefs *b) { free(b->flow); }
