/* estimate: the main job: scenario → paths → fluid simulation → model → distribution (docs:
 * PIPELINE §1). */
#ifndef M3_ESTIMATE_ESTIMATE_H
#define M3_ESTIMATE_ESTIMATE_H
#include "estimate/aggregate.h"
#include "features/features.h"
#include "scenario/scenario.h"
#include "model/ckpt.h"
#include "model/flowmodel.h"

typedef enum { METHOD_M3, METHOD_FLOWSIM, METHOD_PACKET } Method;

enum { ESTIMATE_MAX_PATHS = 10000 };

/* Paths are drawn until the 95 % interval of sampling of a quantile over all flows is at most that
 * wide: half its width over the value. The model's own error has no part in it, since no number of
 * paths makes it smaller. */
typedef struct {
    double asked; /* 0: no target, as many paths as n_paths says */
    int quantile;
    uint64_t
        max_paths; /* more are not drawn; a network of no more flows than that is taken whole */
} TargetError;

typedef struct {
    Method method;
    const Ckpt *ckpt;   /* METHOD_M3 */
    uint64_t n_paths;   /* 0: all */
    TargetError target; /* instead of n_paths */
    uint64_t seed;
    int threads;
    bool published; /* --compat published */
    bool exact;     /* all flows of every path are simulated, however many (slices.h) */
    bool hpcc_ns3;  /* --compat hpcc-ns3: METHOD_PACKET as the HPCC authors' ns-3 has it */
} EstimateOptions;

typedef struct {
    Slowdowns slowdown;
    size_t n_flows, n_drawn, n_unique;
    double wall_route_s, wall_fluid_s, wall_model_s, wall_aggregate_s;
    uint64_t path_flows, simulated_flows; /* of all paths, a flow once on each; those that took part
                                             in their simulation */
    uint64_t fluid_events;                /* of the paths' simulation, fluid or not */
    uint64_t n_unfinished; /* METHOD_PACKET: foreground flows without a slowdown, which are not
                              counted */
    bool exhaustive;       /* every path was taken: sampling has no part in the intervals */
    bool model_error;      /* the model's own error has a part in the intervals */
    double sampling_error[RESULT_N_QUANTILES]; /* half the 95 % interval of sampling over the
                                                    value, of all flows; 0: exhaustive */
    TargetError target;                        /* what was asked for; .asked 0: nothing */
    uint64_t n_outside; /* a flow model's inputs: paths on which some are outside of what it was
                           trained on, … */
    FlowRange
        range; /* … and the one furthest outside, relative to the trained range; name NULL: none */
    double overflow; /* a flow model's: largest flowfeat_overflow of a path; above 1 buffers may
                        overflow, which it does not foresee */
} Estimate;
/* −1 if interrupted (ERR_STOPPED), or if METHOD_PACKET cannot take the network. The scenario stays
 * the caller's. Same seed, same result, whatever `threads`. With a target: the result of n_paths =
 * out->n_drawn, to the bit (n_paths = 0 if out->exhaustive). */
int estimate_run(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out,
                 Err *err);

/* estimate_check_conf returns 0, or −1 with an input error if the method cannot answer for these
 * settings: the checkpoint was not trained on the congestion control. For
 * ScenarioOptions.check_conf, with the EstimateOptions as ctx, so that this is found before flows
 * are drawn; estimate_run, estimate_features and estimate_predict check it as well. */
int estimate_check_conf(const void *options, const NetConf *conf, Err *err);

/* For ScenarioOptions: packet simulation looks flows up, the others only route them once. */
static inline uint64_t estimate_max_in_memory(Method m) {
    return m == METHOD_PACKET ? 0 : SCENARIO_MAX_IN_MEMORY;
}

/* The same in two halves, for who asks more than once. What method and checkpoint ask about is kept
 * of all paths; release with features_free. −1 as estimate_run, *f is empty. */
int estimate_features(Features *f, const Scenario *s, const EstimateOptions *o, const Log *log,
                      Err *err);
/* The method whose features these are; −1 if the checkpoint (METHOD_M3) takes others. `name`: what
 * the features are called. */
int estimate_method_of(const Features *f, const char *name, const Ckpt *ckpt, Method *method,
                       Err *err);
/* Of the options, ckpt, published and threads count; the rest is in the features. */
int estimate_predict(const Features *f, const EstimateOptions *o, Estimate *out, Err *err);
/* What estimate_run remarks: inputs out of the trained range, flows that did not finish, a target
 * that was not reached. */
void estimate_remark(const Estimate *e, const Log *log);

/* estimate_load_ckpt is ckpt_load; path NULL: the shipped ckpts/default (file_find_shipped). */
int estimate_load_ckpt(Ckpt *ckpt, const char *path, Err *err);
#endif
