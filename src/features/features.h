/* features: what is computed of a network before a model is asked: drawn paths, each simulated, and
 * what a model sees of it. */
#ifndef M3_FEATURES_FEATURES_H
#define M3_FEATURES_FEATURES_H
#include "scenario/scenario.h"
#include "base/diag.h"
#include "model/pathfeat.h"
#include "model/flowfeat.h"
#include "path/path.h"
#include "traffic/sizebucket.h"

/* What is kept of a path. */
typedef enum {
    FEATURES_FLOWS,       /* a FlowFeat, for the flow model */
    FEATURES_PERCENTILES, /* a PathFeat, for path models */
    FEATURES_FLUID,       /* the foreground's slowdowns in the fluid simulation */
    FEATURES_PACKETS      /* … in packet simulation */
} FeaturesKind;

typedef struct {
    uint32_t n_draws; /* weight */
    uint32_t
        bucket_n[SIZEBUCKET_N]; /* foreground flows per bucket (FEATURES_PACKETS: that finished) */
    FlowFeat flows;             /* FEATURES_FLOWS: one block at ->link; else that is NULL */
    PathFeat *percentiles;      /* FEATURES_PERCENTILES; its arrays one block at ->pct */
    float *slowdown; /* [Σ bucket_n] grouped by bucket: FEATURES_FLUID, FEATURES_PACKETS */
} PathFeatures;

/* Paths stand in order of descending length: those cost most, and one begun last would leave
 * workers idle. */
typedef struct {
    FeaturesKind kind;
    uint64_t seed, n_flows; /* of the drawing of paths; in the network */
    size_t n_drawn, n_unique;
    bool exhaustive;     /* all paths were taken */
    PathFeatures *paths; /* [n_unique] */
    NetConf conf;        /* the settings that the paths' values are for */
    double wall_route_s,
        wall_fluid_s; /* scenario's share included; simulation of paths, fluid or not */
    uint64_t n_events,
        n_unfinished; /* of simulation; FEATURES_PACKETS: foreground flows without a slowdown */
    uint64_t n_path_flows,
        n_simulated; /* a flow once on each path; those that took part in its fluid simulation */
    struct FeaturesRun
        *run; /* private: what simulating further paths takes; NULL: nothing is left to do */
} Features;

typedef struct {
    FeaturesKind kind;
    uint64_t n_paths; /* 0: all */
    bool growing; /* none at first; features_grow takes the draws one after the other, up to n_paths
                     > 0 */
    uint64_t seed;
    int threads;
    bool exact; /* FEATURES_FLOWS: all flows of every path are simulated, however many (slices.h) */
    bool hpcc_ns3; /* FEATURES_PACKETS: as the HPCC authors' ns-3 has it */
} FeaturesOptions;

/* Draws the paths. The scenario stays the caller's and must live until features_finish. −1: *f is
 * empty. */
int features_draw(Features *f, const Scenario *s, const FeaturesOptions *o, const Log *log,
                  Err *err);
/* Where growing: goes on to the first n_drawn draws, which are those that n_paths = n_drawn would
 * have made. New paths stand behind those that are there, longest first, and are to be simulated.
 */
void features_grow(Features *f, size_t n_drawn);
/* Grown features in the order of such a run with n_paths: a view that shares all values; free its
 * ->paths. */
Features features_in_order(const Features *f);
/* Fills paths first..first+n−1, in parallel. −1 if interrupted (ERR_STOPPED), or if packet
 * simulation cannot take the network. The result does not depend on threads. */
int features_simulate(Features *f, size_t first, size_t n, Err *err);
/* Releases what a model has seen of paths first..first+n−1. Weights, counts and slowdowns stay. */
void features_drop(Features *f, size_t first, size_t n);
void features_finish(Features *f); /* after the last features_simulate: forgets routes and flows */
void features_free(Features *f);

/* Whether the simulations that were made hold under settings c, too. Then features_set_conf makes
 * the maps what they would have been with c from the start, to the bit; all maps must be there. */
bool features_reusable_under(const Features *f, const NetConf *conf);
void features_set_conf(Features *f, const NetConf *conf, int threads);

/* The worth of a good batch: enough paths to keep any machine busy, few enough that their maps
 * hardly take memory. */
enum { FEATURES_BATCH = 1024 };
#endif
