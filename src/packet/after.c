/* after: flows that start when others have finished.
 *
 * A flow that waits is held when the list of flows comes to its time. Each of those it waits for
 * counts down when its last byte has arrived, and the last one schedules the start: after the
 * flow's delay, and not before its own time. Should the list come to it at that very time, whoever
 * is first starts it. Flows that wait for one that never finishes never start. Left out: compat,
 * whose reference has no such flows. */
#include "packet/after.h"

#include <stdlib.h>

#include "base/mem.h"
#include "packet/pktsim_private.h"

struct PktAfter {
    const FlowGraph *graph;
    uint32_t *left; /* [n] flows that have not finished yet, of those it waits for */
    int64_t
        *ready;    /* [n] tick of its start, once none is left; then INT64_MAX, as it has started */
    size_t *start; /* flowgraph_followers */
    uint32_t *followers;
};

PktAfter *after_new(const Flows *f) {
    const FlowGraph *g = f->graph;
    if (!g || g->first[g->n] == 0) return NULL;
    PktAfter *a = MEM_NEW(PktAfter, 1);
    *a = (PktAfter){.graph = g, .left = MEM_NEW(uint32_t, g->n), .ready = MEM_NEW(int64_t, g->n)};
    for (size_t i = 0; i < g->n; i++) {
        a->left[i] = (uint32_t)(g->first[i + 1] - g->first[i]);
        a->ready[i] = a->left[i] > 0 ? INT64_MAX : INT64_MIN;
    }
    flowgraph_followers(g, &a->start, &a->followers);
    return a;
}

void after_free(PktAfter *a) {
    if (!a) return;
    free(a->left);
    free(a->ready);
    free(a->start);
    free(a->followers);
    free(a);
}

bool after_holds(PktAfter *a, uint32_t index, int64_t now) {
    if (now < a->ready[index]) return true;
    a->ready[index] = INT64_MAX;
    return false;
}

/* The reserve beyond what the event itself may take is the caller's. */
static void schedule_start(PktSim *s, uint32_t flow) {
    int64_t delay = s->after->graph->delay_ns[flow] * s->ticks_per_ns,
            asked_ns = s->after->graph->earliest_ns ? s->after->graph->earliest_ns[flow]
                                                    : s->in->start_ns[flow],
            own = (asked_ns - s->first_start_ns) * s->ticks_per_ns, time = s->now + delay;
    pktsim_reserve_cells(s, PKTSIM_STOCK + 1);
    uint32_t id = pktsim_cell_new(s, CELL_FLOW_START);
    pktsim_cell(s, id)->byte = flow;
    if (time < own) time = own;
    s->after->ready[flow] = time;
    pktsim_schedule(s, id, time);
}

void after_finish(PktSim *s, uint32_t index) {
    PktAfter *a = s->after;
    for (size_t k = a->start[index]; k < a->start[index + 1]; k++)
        if (--a->left[a->followers[k]] == 0) schedule_start(s, a->followers[k]);
}
