/* evaluate_nets: estimates of whole networks against packet simulations of the same flows. */
#ifndef M3_EVALUATE_EVALUATE_NETS_H
#define M3_EVALUATE_EVALUATE_NETS_H
#include "base/ranks.h"
#include "data/nettraits.h"
#include "estimate/check.h"
#include "estimate/result.h"
#include "evaluate/evaluate_error.h"
#include "model/ckpt.h"
#include "net/netconf.h"

/* A quantile of slowdown. NAN: truth of fewer than EVALUATE_MIN_FLOWS flows, or no estimate. */
typedef struct {
    double truth, flowsim; /* flowsim: of the fluid simulation alone */
    double m3, lo, hi;     /* the estimate and its 95 % interval */
    double model, sampled; /* what model and packet windows say each; NAN: not asked */
} EvaluateQuantile;

/* One network. */
typedef struct {
    char *name;
    Cc cc;
    NetTraits traits;
    size_t n_flows, n_finished, n_paths;                    /* n_paths: different ones simulated */
    EvaluateQuantile q[RESULT_N_DISTS][RESULT_N_QUANTILES]; /* ORDER BUCKET */
    double max_load;                                        /* wire load of the busiest link */
    bool checked;                                           /* by packet windows, … */
    double hops_share;                                      /* … of the run's packet-hops */
    double wall_s;                                          /* of the estimate */
    bool has_intervals;                                     /* lo and hi mean something */
} EvaluateNet;

typedef struct {
    const Ckpt *ckpt;
    uint64_t n_paths; /* 0: all */
    uint64_t seed;
    int threads;
    Ranks *ranks;      /* that share the networks; NULL: alone */
    CheckBudget check; /* off: the model alone */
    bool sampled;      /* packet windows alone: METHOD_SAMPLED */
    bool hpcc_ns3;     /* packets of windows as in the HPCC authors' ns-3 */
} EvaluateNetOptions;

/* Finished flows that a bucket needs for its quantiles to count as truth: the p90 of 20 flows has
 * two above it. A p99 of so few is their largest, and as uncertain; a higher minimum would empty
 * the buckets of small networks, and all networks weigh the same. */
enum { EVALUATE_MIN_FLOWS = 20 };

/* evaluate_nets estimates every network of the folder `dir`: its subdirectories with topo.json,
 * scenario.json (the settings) and flows.csv (with fct_ns and ideal_fct_ns), in order of name.
 * Unfinished flows count in the estimate only. The caller frees *nets with evaluate_nets_free.
 * Returns −1 if a network cannot be read or estimated, and if interrupted; then *nets is NULL. */
int evaluate_nets(const char *dir, const EvaluateNetOptions *o, const Log *log, EvaluateNet **nets,
                  size_t *n, Err *err);
/* evaluate_nets_free frees n networks and the array itself; NULL is allowed. */
void evaluate_nets_free(EvaluateNet *nets, size_t n);

/* evaluate_nets_mean_error returns the mean |error| of p50, p90 and p99 over all networks and
 * distributions that have truth: of flowSim alone, or of the model. */
double evaluate_nets_mean_error(const EvaluateNet *nets, size_t n, bool flowsim);
/* evaluate_nets_cell_error returns the mean |error| over the networks of distribution `dist` at
 * quantile k (RESULT_P50 …). */
double evaluate_nets_cell_error(const EvaluateNet *nets, size_t n, int dist, int k, bool flowsim);
#endif
