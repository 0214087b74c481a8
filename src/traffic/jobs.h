/* jobs: work that sends flows in a pattern: incasts, remote procedure calls, collectives. */
#ifndef M3_TRAFFIC_JOBS_H
#define M3_TRAFFIC_JOBS_H
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "net/topo.h"
#include "traffic/flows.h"

/* ORDER JOB: names in jobs.c. */
typedef enum { JOB_INCAST, JOB_RPC, JOB_COLLECTIVE, N_JOB_KINDS } JobKind;
/* ORDER COLLECTIVE */
typedef enum {
    COLLECTIVE_ALL_REDUCE,
    COLLECTIVE_ALL_GATHER,
    COLLECTIVE_REDUCE_SCATTER,
    COLLECTIVE_ALL_TO_ALL,
    N_COLLECTIVES
} Collective;
/* ORDER ALGORITHM */
typedef enum {
    ALGORITHM_RING,
    ALGORITHM_TREE,
    ALGORITHM_HALVING_DOUBLING,
    ALGORITHM_DIRECT,
    N_ALGORITHMS
} CollectiveAlgorithm;
/* ORDER PLACEMENT */
typedef enum { PLACEMENT_PACKED, PLACEMENT_SPREAD, PLACEMENT_RAIL, PLACEMENT_RANDOM } JobPlacement;

/* One entry of a mix's "jobs". */
typedef struct {
    JobKind kind;
    char *name;
    uint32_t n;      /* senders, servers, or ranks */
    uint32_t count;  /* queries or iterations */
    uint64_t size_b; /* of a sender, a request, or all that a rank has */
    uint64_t reply_b;
    int64_t start_ns, jitter_ns, think_ns; /* think: from a request to its reply */
    bool has_period;
    int64_t period_ns, gap_ns; /* between starts; or from the end of one to the start of the next */
    Collective collective;
    CollectiveAlgorithm algorithm;
    JobPlacement placement;
    bool has_end; /* the receiver or client is given, by id */
    uint64_t end;
    uint64_t *hosts; /* [n] ids, instead of a placement; NULL: none */
} TrafficJob;
typedef struct {
    TrafficJob *list;
    size_t n;
} TrafficJobs;

/* jobs_read reads an array of jobs (spec/README.md, Jobs). −1 with an input error that names the
 * place. jobs_free releases, also after −1. */
int jobs_read(TrafficJobs *jobs, const Json *array, Err *err);
void jobs_free(TrafficJobs *jobs);

/* jobs_draw adds the flows of all jobs to *f, which has f->n others (or is all zero), and puts the
 * list in order of start; f->graph says what waits for what. Who takes part is drawn by `seed`. −1
 * with an input error if the network has too few hosts or lacks one that is named. */
int jobs_draw(const TrafficJobs *jobs, const Topo *t, uint64_t seed, Flows *f, Err *err);
#endif
