/* estimate: scenario → paths → features → model → the network's slowdown distribution. */
#ifndef M3_ESTIMATE_ESTIMATE_H
#define M3_ESTIMATE_ESTIMATE_H
#include "estimate/aggregate.h"
#include "estimate/check.h"
#include "estimate/origin.h"
#include "features/features.h"
#include "model/ckpt.h"
#include "model/flowmodel.h"
#include "scenario/scenario.h"

/* ORDER METHOD */
typedef enum {
    METHOD_M3,       /* fluid simulation of paths, corrected by a model */
    METHOD_FLOWSIM,  /* fluid simulation of paths alone */
    METHOD_PACKET,   /* packet simulation of paths */
    METHOD_SAMPLED,  /* packet simulation of windows of the whole network's run */
    METHOD_PARSIMON, /* packet simulation of each link by itself (parsimon.h) */
    METHOD_N
} Method;

/* Names of the methods on the command line and in results, NULL-ended: ORDER METHOD. */
extern const char *const estimate_methods[];

/* The default of TargetError.max_paths. Chosen: 20 times the 500 paths of the paper, so that the
 * sampling error can fall to between a fourth and a fifth of theirs, in some 20 times the time. */
enum { ESTIMATE_MAX_PATHS = 10000 };

/* Paths are drawn until the sampling error of one quantile over all flows is at most `asked`: half
 * its 95 % interval of sampling over its value. The model's own error has no part in it, since no
 * number of paths lowers it. */
typedef struct {
    double asked;       /* 0: no target, as many paths as n_paths says */
    int quantile;       /* RESULT_P50 … */
    uint64_t max_paths; /* draws at most; a network of no more flows is taken whole */
} TargetError;

typedef struct {
    Method method;
    const Ckpt *ckpt;   /* METHOD_M3 */
    uint64_t n_paths;   /* draws; 0: all paths */
    TargetError target; /* instead of n_paths */
    uint64_t seed;      /* of draws, resamples, and of a mix's flows */
    int threads;        /* 0: all cores */
    Ranks *ranks;       /* that share paths, links and windows; NULL: alone */
    bool published;     /* --compat published */
    bool whole;         /* METHOD_FLOWSIM: the whole network at once instead of paths */
    bool own_hashes;    /* METHOD_PARSIMON: every node hashes by itself when flows are assigned */
    bool cluster;       /* METHOD_PARSIMON: one link of each cluster is simulated */
    bool exact;         /* all flows of every path are simulated, however many (slices.h) */
    bool hpcc_ns3;      /* --compat hpcc-ns3: packets as the HPCC authors' ns-3 has them */
    bool fall_back;     /* METHOD_M3: windows alone for a control that the model does not know */
    CheckBudget check;  /* METHOD_M3, METHOD_SAMPLED: windows of packet simulation */
} EstimateOptions;

typedef struct {
    Slowdowns slowdown;
    Method method;                     /* in effect */
    size_t n_flows, n_drawn, n_unique; /* flows of the network; draws; different paths among them */
    double wall_route_s, wall_fluid_s, wall_model_s, wall_aggregate_s;
    uint64_t path_flows;      /* flows of all paths, a flow once on each, … */
    uint64_t simulated_flows; /* … and those that took part in the path's simulation */
    uint64_t fluid_events;    /* of the paths' simulations, fluid or packet */
    uint64_t n_unfinished;    /* METHOD_PACKET: foreground flows that did not finish; not counted */
    uint64_t n_packet_flows;  /* METHOD_PACKET: foreground flows of the paths */
    double max_load;          /* wire load of the busiest link; 0: not known */
    double window_b,
        base_bdp_b;   /* the window in use; the network's largest base BDP, 0: not known */
    bool exhaustive;  /* every path was taken: sampling has no part in the intervals */
    bool model_error; /* the model's own error has a part in the intervals */
    double sampling_error[RESULT_N_QUANTILES]; /* half the 95 % interval of sampling over the value,
                                                  of all flows; 0 if exhaustive */
    TargetError target;                        /* as asked for */
    uint64_t n_outside; /* paths on which a flow model's inputs are out of their trained range, … */
    FlowRange range;    /* … and the input furthest out, relative to the range; name NULL: none */
    Check check;        /* METHOD_M3, METHOD_SAMPLED */
    Origin origin;      /* of the tail; of the paths' estimate, before windows correct it */
    double overflow; /* a flow model's: most windows in flight over a switch's buffer, of any path;
                        above 1 buffers may overflow, which the model does not foresee */
} Estimate;

/* estimate_run estimates a scenario, which stays the caller's, and notes on the log what a user
 * should know of the result (estimate_remark). The result depends on the seed, not on threads or
 * ranks. With a target it is, to the bit, that of n_paths = out->n_drawn (n_paths = 0 if
 * out->exhaustive). Returns −1 if the method cannot answer for the settings, if METHOD_PACKET
 * cannot take the network, or if interrupted (ERR_STOPPED). */
int estimate_run(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out,
                 Err *err);

/* estimate_rerun does as estimate_run, to the bit, and keeps the features of the paths in *f, empty
 * at first, so that the next run of the same scenario under other settings need not simulate the
 * paths anew where it may not differ (features_reusable_under). The caller ends with
 * features_free. */
int estimate_rerun(Features *f, const Scenario *s, const EstimateOptions *o, const Log *log,
                   Estimate *out, Err *err);

/* estimate_check_conf returns 0, or −1 with an input error if the method cannot answer for these
 * settings: the checkpoint was not trained on the congestion control, or neither model nor fluid
 * knows the routing. For ScenarioOptions.check_conf, with the EstimateOptions as ctx, so that this
 * is found before flows are drawn; estimate_run, estimate_features and estimate_predict check it as
 * well. */
int estimate_check_conf(const void *options, const NetConf *conf, Err *err);

/* estimate_unknown returns what no model knows of a network under settings, as "links that lose
 * packets"; NULL: nothing. estimate_falls_back returns whether packets alone are simulated for that
 * reason, and estimate_check_network −1 with an input error if the network changes in time and the
 * options ask for no packets. */
const char *estimate_unknown(const Scenario *s, const NetConf *conf);
bool estimate_falls_back(const EstimateOptions *o, const Scenario *s, const NetConf *conf);
int estimate_check_network(const EstimateOptions *o, const Scenario *s, Err *err);

/* estimate_has_windows returns whether the options ask for windows of packet simulation. */
bool estimate_has_windows(const EstimateOptions *o);

/* estimate_windows does the second half of an estimate with windows: it simulates them and corrects
 * *out, which has the model's estimate, by what they show. *w is left for windows_free. Returns −1
 * as windows_simulate does. */
int estimate_windows(Windows *w, const Scenario *s, const EstimateOptions *o, const Log *log,
                     Estimate *out, Err *err);

/* estimate_saved_windows simulates windows and keeps them in the features, so that estimate_predict
 * corrects by them. Returns −1 as windows_simulate does. */
int estimate_saved_windows(Features *f, const Scenario *s, const EstimateOptions *o, Err *err);

/* estimate_max_in_memory returns ScenarioOptions.max_in_memory for a method: packet simulation
 * reads flows at random, the others route each once. */
static inline uint64_t estimate_max_in_memory(Method m) {
    return m == METHOD_PACKET || m == METHOD_PARSIMON ? 0 : SCENARIO_MAX_IN_MEMORY;
}

/* estimate_features computes the first half of an estimate, all that is needed of every path before
 * the model; estimate_predict does the rest, any number of times. The caller frees *f with
 * features_free. Returns −1 as estimate_run does; then *f is empty. */
int estimate_features(Features *f, const Scenario *s, const EstimateOptions *o, const Log *log,
                      Err *err);
/* estimate_predict fills *out from features whose maps are all in memory. Of the options ckpt,
 * method, published and threads are read; the rest is in the features. Returns −1 if the checkpoint
 * cannot answer for their settings or its record of its own error is damaged. */
int estimate_predict(const Features *f, const EstimateOptions *o, Estimate *out, Err *err);
/* estimate_method_of fills *method with the one whose features these are. Returns −1 if that is
 * METHOD_M3 and the checkpoint takes other features; `name` is what the message calls them. */
int estimate_method_of(const Features *f, const char *name, const Ckpt *ckpt, Method *method,
                       Err *err);
/* estimate_remark notes on the log: inputs out of the trained range, buffers that may overflow,
 * flows that did not finish, and a target that was not reached. */
void estimate_remark(const Estimate *e, const Log *log);

/* estimate_load_ckpt is ckpt_load; path NULL: the shipped ckpts/default (file_find_shipped). */
int estimate_load_ckpt(Ckpt *ckpt, const char *path, Err *err);
#endif
