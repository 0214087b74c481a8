/* features: what is computed of a network before a model predicts: a sample of its paths, each one
 * simulated and described. */
#ifndef M3_FEATURES_FEATURES_H
#define M3_FEATURES_FEATURES_H
#include "base/diag.h"
#include "base/ranks.h"
#include "features/windows.h"
#include "model/flowfeat.h"
#include "model/pathfeat.h"
#include "net/netuse.h"
#include "scenario/scenario.h"
#include "traffic/sizebucket.h"

/* What is kept of a path. */
typedef enum {
    FEATURES_FLOWS,       /* a FlowFeat, for the flow model */
    FEATURES_PERCENTILES, /* a PathFeat, for path models */
    FEATURES_FLUID,       /* the foreground's slowdowns in fluid simulation */
    FEATURES_PACKETS      /* the foreground's slowdowns in packet simulation */
} FeaturesKind;

typedef struct {
    uint32_t
        n_draws; /* how often it was drawn (all paths taken: its number of flows): its weight */
    uint32_t bucket_n[SIZEBUCKET_N]; /* foreground flows per bucket (FEATURES_PACKETS: those that
                                        finished) */
    FlowFeat flows; /* FEATURES_FLOWS: its arrays are one block at .link, else that is NULL */
    PathFeat *percentiles; /* FEATURES_PERCENTILES: its arrays are one block at ->pct; else NULL */
    uint32_t n_links, *links; /* of the network, in order, owned; NULL: not known (from a file) */
    float
        *slowdown; /* FEATURES_FLUID, FEATURES_PACKETS: [Σ bucket_n] grouped by bucket; else NULL */
} PathFeatures;

/* The features of a network. Paths stand in order of descending number of links: long ones take
 * longest, and one that is begun last would leave the other workers idle. */
typedef struct {
    FeaturesKind kind;
    uint64_t seed;    /* that paths were drawn with */
    uint64_t n_flows; /* of the network */
    size_t n_drawn, n_unique;
    bool exhaustive;         /* all paths were taken */
    PathFeatures *paths;     /* [n_unique] owned */
    NetConf conf;            /* the settings that the paths' values are for */
    NetUse use;              /* loads of all links; .links NULL: not known (from a file) */
    double max_load;         /* wire load of the busiest link; 0: not known (an older file) */
    double base_bdp_b;       /* the network's, for a window of auto; 0: not known (an older file) */
    double wall_route_s;     /* drawing, routing and indexing, and the scenario's routing */
    double wall_fluid_s;     /* simulation of the paths, fluid or not */
    uint64_t n_events;       /* of the simulations */
    uint64_t n_unfinished;   /* FEATURES_PACKETS: foreground flows that did not finish, so have no
                                slowdown */
    uint64_t n_packet_flows; /* FEATURES_PACKETS: all foreground flows; not kept in files */
    uint64_t n_path_flows;   /* Σ over the paths of their flows; FEATURES_PACKETS: 0 */
    uint64_t n_simulated;    /* those of them that took part in a fluid simulation */
    Windows windows;         /* packet windows of the same run, if n_flows > 0, … */
    NetConf windows_conf;    /* … under these settings */
    struct FeaturesRun *run; /* private and owned: what simulating takes; NULL once finished */
} Features;

typedef struct {
    FeaturesKind kind;
    uint64_t n_paths; /* draws; 0: all paths */
    Ranks *ranks;     /* that share the paths; NULL: alone */
    bool growing;     /* start without any path; features_grow adds draws, up to n_paths > 0 */
    uint64_t seed;
    int threads; /* 0: all cores */
    bool
        exact; /* FEATURES_FLOWS: all flows of every path are simulated, none left out (slices.h) */
    bool hpcc_ns3; /* FEATURES_PACKETS: as the HPCC authors' ns-3 simulator behaves */
} FeaturesOptions;

/* features_draw draws the paths and indexes the flows that cross them; features_simulate is still
 * to fill what is kept of each. The scenario stays the caller's and must live until
 * features_finish. Returns −1 if interrupted (ERR_STOPPED) or if the network has no flow to draw;
 * *f is then empty. Release with features_free. */
int features_draw(Features *f, const Scenario *s, const FeaturesOptions *o, const Log *log,
                  Err *err);

/* features_grow, with o.growing, adds paths for draws n_drawn so far to n_drawn − 1: together they
 * are those that n_paths = n_drawn would have given. New paths stand behind the present ones,
 * longest first, and are still to be simulated. */
void features_grow(Features *f, size_t n_drawn);

/* features_in_order returns grown features with paths in the order that a run with n_paths would
 * have: a view that shares all values with f; the caller frees its ->paths alone. */
Features features_in_order(const Features *f);

/* features_simulate simulates and describes paths first..first+n−1, in parallel. Returns −1 if
 * interrupted (ERR_STOPPED), or if packet simulation cannot take the network. The result depends
 * neither on the number of threads or ranks nor on how the paths are split into calls. */
int features_simulate(Features *f, size_t first, size_t n, Err *err);

/* features_drop releases the model's inputs of paths first..first+n−1. Weights, counts and
 * slowdowns stay. */
void features_drop(Features *f, size_t first, size_t n);

/* features_finish forgets routes and flows: no more features_simulate or features_grow. */
void features_finish(Features *f);
/* features_free releases everything. *f is then empty; may be called twice. */
void features_free(Features *f);

/* features_reusable_under says whether the simulations that were made would be the same under
 * settings `conf`. That is so for fluid ones, which know no settings. */
bool features_reusable_under(const Features *f, const NetConf *conf);
/* features_set_conf makes the features what they would have been under settings `conf`, to the bit.
 * They must be reusable under it, and none dropped. */
void features_set_conf(Features *f, const NetConf *conf, int threads);
/* features_settings fills *conf with the features' settings and the changes "key=value" of `set`
 * (NULL-ended, or NULL). Returns −1 for a setting of the traffic, and for one under which the
 * features are not reusable. */
int features_settings(const Features *f, const char *const *set, NetConf *conf, Err *err);

/* Paths to simulate before a model predicts from them and their features are dropped: enough to
 * keep a hundred cores busy to within a few percent of waiting for the last path, while their
 * features (3 to 30 KB each) take some 30 MB. */
enum { FEATURES_BATCH = 1024 };
#endif
