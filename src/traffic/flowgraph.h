/* flowgraph: which flows wait for others, and which piece of work each flow is part of. */
#ifndef M3_TRAFFIC_FLOWGRAPH_H
#define M3_TRAFFIC_FLOWGRAPH_H
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

#define FLOWGRAPH_NONE UINT32_MAX

/* Beside a list of n flows. A flow starts delay_ns after all that it waits for have finished, and
 * not before its start_ns; one that waits for none starts then. A job is one piece of work (a
 * query, an iteration of a collective operation), and jobs of one name are a group. */
typedef struct FlowGraph {
    size_t n, cap;
    size_t *first;     /* [n + 1] flow i waits for after[first[i]] to after[first[i + 1] − 1] */
    uint32_t *after;   /* indices of flows */
    int64_t *delay_ns; /* [n] */
    uint32_t *job;     /* [n] or FLOWGRAPH_NONE */
    /* Where starts in the list are what followed from waiting, what was asked for: starts, and the
     * places that flows had in a list in order of these. Else both are NULL. */
    int64_t *earliest_ns; /* [n] */
    uint32_t *place;      /* [n] */
    double *started_ns;   /* [n] when a simulation had them start, NAN: never; NULL: none did */
    size_t cap_after, cap_first;
    double *job_begin_ns, *job_end_ns; /* [n_jobs] in a fluid simulation; NULL: there was none */
    uint32_t n_jobs, n_groups;
    uint32_t *group;  /* [n_jobs] */
    uint32_t *number; /* [n_jobs] among the jobs of the group, or FLOWGRAPH_NONE */
    char **name;      /* [n_groups] */
    size_t cap_jobs, cap_groups;
    uint32_t *slot; /* [n_slots] groups + 1 by the hash of their names, 0: empty; a power of two */
    size_t n_slots;
} FlowGraph;

/* flowgraph_new makes an empty one; flowgraph_destroy releases (NULL: nothing to do). */
FlowGraph *flowgraph_new(void);
void flowgraph_destroy(FlowGraph *g);

/* flowgraph_group returns the number of the group of that name (`len` bytes), which it adds if it
 * is new; flowgraph_job adds a job to a group and returns its index. */
uint32_t flowgraph_group(FlowGraph *g, const char *name, size_t len);
uint32_t flowgraph_job(FlowGraph *g, uint32_t group, uint32_t number);

/* flowgraph_flow appends a flow that waits for none; flowgraph_wait has the last one wait for flow
 * `on` as well. */
void flowgraph_flow(FlowGraph *g, uint32_t job, int64_t delay_ns);
void flowgraph_wait(FlowGraph *g, uint32_t on);

/* flowgraph_keep_list keeps the starts and places that flows have. */
void flowgraph_keep_list(FlowGraph *g, const int64_t *start_ns);

/* flowgraph_permute puts the flows in another order: the one that was at order[i] comes to i. */
void flowgraph_permute(FlowGraph *g, const size_t *order);

/* flowgraph_waits returns whether a flow waits for others. */
static inline int flowgraph_waits(const FlowGraph *g, size_t flow) {
    return g->first[flow + 1] > g->first[flow];
}

/* flowgraph_followers lists the other way round: flows (*list)[(*start)[i]] to
 * [(*start)[i + 1] − 1] wait for flow i. The caller frees both. */
void flowgraph_followers(const FlowGraph *g, size_t **start, uint32_t **list);

/* flowgraph_order fills order[n] with the flows so that each comes behind all that it waits for.
 * Returns the number of those that can be put so: less than n if some wait in a circle, and then
 * order[that] is one of the flows that can't. */
size_t flowgraph_order(const FlowGraph *g, uint32_t *order);

/* flowgraph_starts replaces start_ns[n] by the starts that follow if flow i takes took_ns[i],
 * rounded up to whole ns. There must be no circle. */
void flowgraph_starts(const FlowGraph *g, const double *took_ns, int64_t *start_ns);
#endif
