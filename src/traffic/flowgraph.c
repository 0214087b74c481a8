/* flowgraph: which flows wait for others, and which piece of work each flow is part of.
 *
 * Lists of what a flow waits for lie one behind the other (compressed rows), in the order in which
 * flows were added; a permutation renumbers both rows and entries. Order is that of Kahn: flows
 * whose predecessors are all placed are placed next, so that what is left at the end waits in a
 * circle. Groups are found by name in a table of open addressing, at most half full. */
#include "traffic/flowgraph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

FlowGraph *flowgraph_new(void) {
    FlowGraph *g = MEM_ZNEW(FlowGraph, 1);
    MEM_GROW(g->first, g->cap_first, 1);
    g->first[0] = 0;
    return g;
}

void flowgraph_destroy(FlowGraph *g) {
    if (!g) return;
    for (uint32_t k = 0; k < g->n_groups; k++) free(g->name[k]);
    free(g->first);
    free(g->after);
    free(g->delay_ns);
    free(g->job);
    free(g->started_ns);
    free(g->earliest_ns);
    free(g->place);
    free(g->job_begin_ns);
    free(g->job_end_ns);
    free(g->group);
    free(g->number);
    free(g->name);
    free(g->slot);
    free(g);
}

/* ---- groups by name ---- */

/* FNV-1a; its high bits are mixed by a multiplication. */
static size_t slot_of(const FlowGraph *g, const char *name, size_t len) {
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < len; i++) h = (h ^ (uint8_t)name[i]) * 0x100000001B3u;
    return (size_t)((h * 0x9E3779B97F4A7C15u) >> 32) & (g->n_slots - 1);
}

/* The slot that has the group of that name, or the empty one where it would be. */
static size_t find_slot(const FlowGraph *g, const char *name, size_t len) {
    size_t at = slot_of(g, name, len);
    for (; g->slot[at] != 0; at = (at + 1) & (g->n_slots - 1)) {
        const char *other = g->name[g->slot[at] - 1];
        if (strlen(other) == len && memcmp(other, name, len) == 0) break;
    }
    return at;
}

static void grow_slots(FlowGraph *g) {
    free(g->slot);
    g->n_slots = g->n_slots > 0 ? 4 * g->n_slots : 64;
    g->slot = MEM_ZNEW(uint32_t, g->n_slots);
    for (uint32_t k = 0; k < g->n_groups; k++)
        g->slot[find_slot(g, g->name[k], strlen(g->name[k]))] = k + 1;
}

uint32_t flowgraph_group(FlowGraph *g, const char *name, size_t len) {
    if (2 * ((size_t)g->n_groups + 1) > g->n_slots) grow_slots(g);
    size_t at = find_slot(g, name, len);
    if (g->slot[at] != 0) return g->slot[at] - 1;
    MEM_GROW(g->name, g->cap_groups, g->n_groups + (size_t)1);
    g->name[g->n_groups] = mem_printf("%.*s", (int)len, name);
    g->slot[at] = ++g->n_groups;
    return g->n_groups - 1;
}

/* ---- jobs, flows and what they wait for ---- */

uint32_t flowgraph_job(FlowGraph *g, uint32_t group, uint32_t number) {
    size_t cap = g->cap_jobs;
    MEM_GROW(g->group, cap, g->n_jobs + (size_t)1);
    if (cap != g->cap_jobs) g->number = mem_realloc(g->number, cap, sizeof *g->number);
    g->cap_jobs = cap;
    g->group[g->n_jobs] = group;
    g->number[g->n_jobs] = number;
    return g->n_jobs++;
}

void flowgraph_flow(FlowGraph *g, uint32_t job, int64_t delay_ns) {
    size_t cap = g->cap;
    MEM_GROW(g->delay_ns, cap, g->n + 1);
    if (cap != g->cap) g->job = mem_realloc(g->job, cap, sizeof *g->job);
    g->cap = cap;
    MEM_GROW(g->first, g->cap_first, g->n + 2);
    g->delay_ns[g->n] = delay_ns;
    g->job[g->n] = job;
    g->first[g->n + 1] = g->first[g->n];
    g->n++;
}

void flowgraph_wait(FlowGraph *g, uint32_t on) {
    size_t at = g->first[g->n]++;
    MEM_GROW(g->after, g->cap_after, at + 1);
    g->after[at] = on;
}

void flowgraph_keep_list(FlowGraph *g, const int64_t *start_ns) {
    g->earliest_ns = MEM_NEW(int64_t, g->n);
    g->place = MEM_NEW(uint32_t, g->n);
    for (size_t i = 0; i < g->n; i++) {
        g->earliest_ns[i] = start_ns[i];
        g->place[i] = (uint32_t)i;
    }
}

void flowgraph_permute(FlowGraph *g, const size_t *order) {
    size_t n = g->n, *first = MEM_NEW(size_t, n + 1), at = 0;
    uint32_t *place = MEM_NEW(uint32_t, n), *after = MEM_NEW(uint32_t, g->first[n]),
             *job = MEM_NEW(uint32_t, n);
    int64_t *delay_ns = MEM_NEW(int64_t, n);
    double *started_ns = g->started_ns ? MEM_NEW(double, n) : NULL;
    int64_t *earliest_ns = g->earliest_ns ? MEM_NEW(int64_t, n) : NULL;
    uint32_t *kept = g->place ? MEM_NEW(uint32_t, n) : NULL;
    for (size_t i = 0; i < n; i++) place[order[i]] = (uint32_t)i;
    for (size_t i = 0; i < n; i++) {
        size_t from = order[i];
        first[i] = at;
        for (size_t k = g->first[from]; k < g->first[from + 1]; k++)
            after[at++] = place[g->after[k]];
        delay_ns[i] = g->delay_ns[from];
        job[i] = g->job[from];
        if (started_ns) started_ns[i] = g->started_ns[from];
        if (earliest_ns) earliest_ns[i] = g->earliest_ns[from];
        if (kept) kept[i] = g->place[from];
    }
    first[n] = at;
    free(place);
    free(g->first), free(g->after), free(g->job), free(g->delay_ns), free(g->started_ns);
    free(g->earliest_ns), free(g->place);
    g->first = first, g->after = after, g->job = job, g->delay_ns = delay_ns;
    g->started_ns = started_ns, g->earliest_ns = earliest_ns, g->place = kept;
    g->cap = n, g->cap_first = n + 1, g->cap_after = at;
}

void flowgraph_followers(const FlowGraph *g, size_t **start, uint32_t **list) {
    size_t n = g->n, *first = MEM_ZNEW(size_t, n + 1), *at = MEM_NEW(size_t, n + 1);
    for (size_t k = 0; k < g->first[n]; k++) first[g->after[k] + 1]++;
    for (size_t i = 0; i < n; i++) first[i + 1] += first[i];
    memcpy(at, first, (n + 1) * sizeof *at);
    *list = MEM_NEW(uint32_t, g->first[n]);
    for (size_t i = 0; i < n; i++)
        for (size_t k = g->first[i]; k < g->first[i + 1]; k++)
            (*list)[at[g->after[k]]++] = (uint32_t)i;
    free(at);
    *start = first;
}

size_t flowgraph_order(const FlowGraph *g, uint32_t *order) {
    size_t n = g->n, begin = 0, end = 0, *start;
    uint32_t *left = MEM_NEW(uint32_t, n), *followers;
    flowgraph_followers(g, &start, &followers);
    for (size_t i = 0; i < n; i++) {
        left[i] = (uint32_t)(g->first[i + 1] - g->first[i]);
        if (left[i] == 0) order[end++] = (uint32_t)i;
    }
    for (; begin < end; begin++)
        for (size_t k = start[order[begin]]; k < start[order[begin] + 1]; k++)
            if (--left[followers[k]] == 0) order[end++] = followers[k];
    if (end < n) {
        uint32_t stuck = 0;
        while (left[stuck] == 0) stuck++;
        order[end] = stuck;
    }
    free(start);
    free(left);
    free(followers);
    return end;
}

void flowgraph_starts(const FlowGraph *g, const double *took_ns, int64_t *start_ns) {
    uint32_t *order = MEM_NEW(uint32_t, g->n);
    double *end_ns = MEM_NEW(double, g->n);
    flowgraph_order(g, order);
    for (size_t i = 0; i < g->n; i++) {
        uint32_t f = order[i];
        double start = (double)start_ns[f], ready = 0;
        for (size_t k = g->first[f]; k < g->first[f + 1]; k++)
            ready = fmax(ready, end_ns[g->after[k]] + (double)g->delay_ns[f]);
        start = fmax(start, ready);
        end_ns[f] = start + took_ns[f];
        start_ns[f] = (int64_t)ceil(start);
    }
    free(order);
    free(end_ns);
}
