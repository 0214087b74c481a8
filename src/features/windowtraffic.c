/* windowtraffic: the flows of a window.
 *
 * The flows that are alive at its beginning come from the state of a fluid simulation, with what is
 * left of them, the others from the run's list, of which they are a stretch: an index of the run is
 * found by bisection among the former and by its distance among the latter. */
#include "features/windowtraffic.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void windowtraffic_free(WindowTraffic *t) {
    flows_free(&t->flows);
    free(t->sport);
    free(t->rate_bps);
    free(t->begun);
}

static void traffic_add(WindowTraffic *t, uint32_t src, uint32_t dst, uint64_t size_b,
                        int64_t start_ns, uint16_t sport) {
    Flows *f = &t->flows;
    if (f->n == t->cap) {
        flows_reserve(f, &t->cap, f->n + 1);
        t->sport = mem_realloc(t->sport, t->cap, sizeof *t->sport);
    }
    f->src[f->n] = src;
    f->dst[f->n] = dst;
    f->size_b[f->n] = size_b;
    f->start_ns[f->n] = start_ns;
    t->sport[f->n++] = sport;
}

void windowtraffic_add_begun(WindowTraffic *t, const NetFluidState *state, int64_t at_ns) {
    t->rate_bps = MEM_NEW(double, state->n);
    t->begun = MEM_NEW(size_t, state->n);
    for (size_t i = 0; i < state->n; i++) {
        const NetFluidFlow *a = &state->flows[i];
        t->rate_bps[i] = a->rate_bps;
        t->begun[i] = a->index;
        traffic_add(t, a->src, a->dst, (uint64_t)fmax(1, ceil(a->left_b)), at_ns, a->sport);
    }
    t->n_begun = state->n;
}

/* Returns the last chunk that begins before at_ns, or 0. */
static size_t chunk_before(const WindowSource *s, int64_t at_ns) {
    size_t lo = 0, hi = s->n_chunks;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->chunk_start_ns[mid] < at_ns) lo = mid;
        else hi = mid;
    }
    return lo;
}

/* Adds the flows that start in [from_ns, until_ns). */
void windowtraffic_add_starting(WindowTraffic *t, const WindowSource *s, int64_t from_ns,
                                int64_t until_ns) {
    Flows room = {0};
    bool first = true;
    for (size_t k = chunk_before(s, from_ns); k < s->n_chunks && s->chunk_start_ns[k] < until_ns;
         k++) {
        FlowChunk c = flowsource_chunk(s->source, k, &room);
        for (uint32_t i = 0; i < c.n; i++) {
            if (c.start_ns[i] < from_ns || c.start_ns[i] >= until_ns) continue;
            if (first) t->first_index = c.first + i;
            first = false;
            traffic_add(t, c.src[i], c.dst[i], c.size_b[i], c.start_ns[i], c.sport[i]);
        }
    }
    flows_free(&room);
}

/* ---- what waits in a window ---- */

bool windowtraffic_waits(const WindowSource *s) {
    const FlowGraph *g = s->graph;
    return g && g->earliest_ns && g->first[g->n] > 0;
}

/* The place in the window of a flow of the run; SIZE_MAX: it had ended before. */
static size_t place_of(const WindowTraffic *t, size_t index) {
    size_t lo = 0, hi = t->n_begun;
    if (index >= t->first_index && index - t->first_index < t->flows.n - t->n_begun)
        return t->n_begun + index - t->first_index;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t->begun[mid] < index) lo = mid + 1;
        else hi = mid;
    }
    return lo < t->n_begun && t->begun[lo] == index ? lo : SIZE_MAX;
}

void windowtraffic_keep_waiting(WindowTraffic *t, const WindowSource *s) {
    const FlowGraph *all = s->graph;
    if (!windowtraffic_waits(s)) return;
    FlowGraph *g = t->flows.graph = flowgraph_new();
    g->earliest_ns = MEM_NEW(int64_t, t->flows.n);
    for (size_t i = 0; i < t->flows.n; i++) {
        size_t index = i < t->n_begun ? t->begun[i] : t->first_index + i - t->n_begun;
        g->earliest_ns[i] = i < t->n_begun ? t->flows.start_ns[i] : all->earliest_ns[index];
        flowgraph_flow(g, FLOWGRAPH_NONE, all->delay_ns[index]);
        for (size_t k = all->first[index]; i >= t->n_begun && k < all->first[index + 1]; k++) {
            size_t on = place_of(t, all->after[k]);
            if (on != SIZE_MAX) flowgraph_wait(g, (uint32_t)on);
        }
    }
}

static void *placed(void *old, size_t size, const size_t *order, size_t n) {
    char *new = mem_alloc(n, size);
    for (size_t i = 0; i < n; i++) memcpy(new + i *size, (char *)old + order[i] * size, size);
    free(old);
    return new;
}

void windowtraffic_as_asked(WindowTraffic *t, const WindowSource *s) {
    Flows *f = &t->flows;
    if (!f->graph) return;
    assert(f->start_ns);
    size_t *order = MEM_NEW(size_t, f->n);
    for (size_t i = 0; i < f->n; i++) order[s->graph->place[i]] = i;
    flowgraph_permute(f->graph, order);
    f->src = placed(f->src, sizeof *f->src, order, f->n);
    f->dst = placed(f->dst, sizeof *f->dst, order, f->n);
    f->size_b = placed(f->size_b, sizeof *f->size_b, order, f->n);
    memcpy(f->start_ns, f->graph->earliest_ns, f->n * sizeof *f->start_ns);
    free(order);
}
