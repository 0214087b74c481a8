/* batch: many mixes by many methods into a folder, resumable. */
#ifndef M3_BATCH_BATCH_H
#define M3_BATCH_BATCH_H
#include "base/ranks.h"
#include "batch/batch_plan.h"
#include "estimate/estimate.h"

typedef struct {
    BatchPlanOptions plan;    /* its scenario with seed, and max_in_memory for all methods */
    EstimateOptions estimate; /* all but the method */
    /* What is done with each mix. METHOD_PACKET is packet simulation of the whole run here: what
     * the others are compared with. */
    const Method *methods;
    size_t n_methods;
    const char *out;          /* the folder */
    uint32_t shard, n_shards; /* only groups shard, shard + n_shards, …; 0, 1: all */
    size_t max_groups;        /* that are computed; 0: all. A sample of what a batch takes */
    int jobs;                 /* groups at once */
    double memory_b;          /* that they may take together */
    int threads;              /* of all jobs together; 0: all cores */
    Ranks *ranks;             /* that share the groups, each with `jobs`; NULL: alone */
    const char *ckpt_sha256;  /* of estimate.ckpt; NULL: no method needs one */
    const char *command;      /* the command line */
} BatchOptions;

/* Results of a run; those that had been there before are `kept`, those that another process was
 * working on are `elsewhere`. */
typedef struct {
    size_t n_mixes, n_made, n_kept, n_failed, n_elsewhere;
    uint64_t peak_rss_b;            /* of the largest job */
    double wall_s;                  /* of the run */
    size_t n_groups, n_groups_made; /* in the shard; computed by this run */
    char failure[512];              /* the first one: mix, method, message; empty: none */
} BatchInfo;

/* batch_run makes the results that are missing of this shard, each whole or not at all, and
 * rewrites summary.csv. Each group of mixes is computed in a process of its own, so that one that
 * crashes or runs out of memory is a failed mix, not a failed batch. Results don't depend on jobs,
 * threads, ranks, shards or on what was there before; each equals that of m3 estimate. Of several
 * ranks the first knows all of *info. −1 with err for bad input, a folder of another batch, and if
 * interrupted; failed mixes are counted. */
int batch_run(const BatchOptions *o, const Log *log, BatchInfo *info, Err *err);
#endif
