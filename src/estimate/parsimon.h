/* parsimon: slowdowns of a network's flows from independent simulations of its links. */
#ifndef M3_ESTIMATE_PARSIMON_H
#define M3_ESTIMATE_PARSIMON_H
#include "base/ranks.h"
#include "estimate/result.h"
#include "scenario/scenario.h"

typedef struct {
    bool independent; /* flows are given to links by a hash of their own at every node, instead of
                         one that all nodes share */
    bool cluster;     /* of links that are alike one is simulated */
    uint64_t seed;
    int threads;
    Ranks *ranks; /* that share the links; NULL: alone */
} ParsimonOptions;

/* What it came to. */
typedef struct {
    uint64_t n_left_out; /* flows larger than any that a link of theirs has delays of */
    uint64_t n_packets;  /* simulated, over all links */
    size_t n_links;      /* that have flows */
    size_t n_simulated;  /* of these: fewer with clusters */
    double wall_links_s, wall_flows_s;
} ParsimonInfo;

/* parsimon_run simulates every link that has flows, or one of each cluster, and fills *out with the
 * slowdowns of all flows, which must be in memory. Congestion control is DCTCP with the scenario's
 * threshold and window, whatever the scenario's; buffers are unlimited. The same bytes for any
 * number of threads. −1 if interrupted. */
int parsimon_run(const Scenario *s, const ParsimonOptions *o, const Log *log, Slowdowns *out,
                 ParsimonInfo *info, Err *err);
#endif
