/* sim_groups: how long jobs took in a packet simulation, and how slow their flows were. */
#ifndef M3_ESTIMATE_SIM_GROUPS_H
#define M3_ESTIMATE_SIM_GROUPS_H
#include <stdio.h>

#include "base/json.h"
#include "estimate/result.h"
#include "traffic/flows.h"

/* A group of jobs of one name, or (name NULL) the flows of none. Times are from the start of a
 * job's first flow to the end of its last one, of jobs whose flows have all finished. */
typedef struct {
    const char *name;
    size_t n_jobs, n_done;
    double mean_ns, q_ns[RESULT_N_QUANTILES], max_ns; /* NaN without any */
    size_t n_flows, n_finished;
    double slowdown[RESULT_N_QUANTILES];
} SimGroup;
typedef struct {
    SimGroup *list;
    size_t n;
} SimGroups;

/* sim_groups_of sums up flows with fct_ns, ideal_fct_ns and a graph whose started_ns is known; n is
 * 0 without a graph. sim_groups_free releases; names are the graph's. */
SimGroups sim_groups_of(const Flows *f);
void sim_groups_free(SimGroups *g);

/* sim_groups_table prints a row a group, nothing without groups; sim_groups_json puts the array
 * "jobs", if there are any. */
void sim_groups_table(FILE *f, const SimGroups *g);
void sim_groups_json(JsonOut *o, const SimGroups *g);

/* sim_groups_as_fluid sums up how long jobs took in a fluid simulation, which knows nothing of
 * flows' slowdowns; n is 0 if g (NULL: no graph) has none. Only the two below print it: a row a
 * group, and the array "jobs_as_fluid" with the jobs' times alone. */
SimGroups sim_groups_as_fluid(const FlowGraph *g);
void sim_groups_fluid_table(FILE *f, const SimGroups *g);
void sim_groups_fluid_json(JsonOut *o, const SimGroups *g);
#endif
