/* explain: which flows and links make the tail, and what faster links would gain. */
#ifndef M3_ESTIMATE_EXPLAIN_H
#define M3_ESTIMATE_EXPLAIN_H
#include "estimate/estimate.h"
#include "scenario/scenario.h"

/* Links that are asked about: all between two tiers, or between two nodes. */
typedef struct {
    char what[48];     /* as a fault names them in the network as it is, with its own faults:
                          "tor-fabric", "256-288" */
    uint32_t n_links;  /* directed */
    double load_max;   /* bits on the wire over what the rate allows */
    double tail_share; /* of paths whose busiest link is one of these; of a single pair of nodes, of
                          paths across it */
    double value;      /* the quantile asked for, if these links were twice as fast */
} ExplainLinks;

/* Flows of a size: their share of all, and of those at or above the p99 of all. */
typedef struct {
    double share, tail_share;
} ExplainFlows;

enum { EXPLAIN_MAX_LINKS = 10 };
typedef struct {
    Slowdowns slowdown;
    int dist, k; /* the distribution and quantile asked for */
    double value;
    ExplainFlows flows[RESULT_N_DISTS];    /* in ORDER BUCKET */
    ExplainLinks *tiers;                   /* from the hosts up */
    ExplainLinks links[EXPLAIN_MAX_LINKS]; /* by descending part of the tail */
    size_t n_tiers, n_links;
} Explain;

/* explain_run estimates the scenario as it is and with each group of links twice as fast, under the
 * same traffic. At most n_links pairs of nodes are asked about. explain_free releases. Returns −1
 * as scenario_load and estimate_run do. */
int explain_run(Explain *x, const ScenarioOptions *so, const EstimateOptions *eo, int dist, int k,
                uint32_t n_links, const Log *log, Err *err);
void explain_free(Explain *x);
#endif
