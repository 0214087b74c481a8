/* check: an estimate checked against packet windows of the same network, and corrected by them. */
#ifndef M3_ESTIMATE_CHECK_H
#define M3_ESTIMATE_CHECK_H
#include "estimate/result.h"
#include "estimate/sampled.h"
#include "features/windows.h"

/* How much packet simulation is spent. At most one of the three is set; none: the default. */
typedef struct {
    bool off;
    double seconds; /* nominal ones: CHECK_HOPS_PER_S packet-hops each, whatever the machine */
    double share;   /* of the packet-hops that the whole run takes */
} CheckBudget;

/* Packet-hops in a second of a budget: what two cores do (tests/bench/README.md). A constant, so
 * that results don't depend on the machine. */
#define CHECK_HOPS_PER_S 20e6

/* What was found. */
typedef struct {
    bool done; /* else all other members are 0 */
    bool has_model, whole;
    uint32_t n_windows;
    size_t n_flows, n_censored;
    uint64_t n_unreachable; /* of the run's flows: never end, and are in no distribution */
    uint64_t n_hops, n_timeouts;
    double run_hops, drop_share; /* drop_share: of the packets */
    double capacity, capacity_error;
    double wall_s;
    Slowdowns model; /* if has_model: with its interval */
    Slowdowns sampled;
    double deviation[RESULT_N_DISTS][RESULT_N_QUANTILES]; /* of log(sampled); NAN without flows */
    double weight[RESULT_N_DISTS][RESULT_N_QUANTILES];    /* of the windows in the result, 0 to 1 */
    bool apart[RESULT_N_QUANTILES]; /* of all flows: further apart than the errors of both */
} Check;

/* check_hops returns the budget in packet-hops for a run of n_flows flows and run_hops. */
double check_hops(const CheckBudget *b, uint64_t n_flows, double run_hops);

/* check_combine makes of the model's distribution in *r (with its intervals; has_model) and what
 * the windows show one distribution with intervals, in *r, and fills *c. Without a model *r becomes
 * what the windows show. Nothing is done if no flow was measured. */
void check_combine(const Windows *w, bool has_model, uint64_t seed, int threads, Slowdowns *r,
                   Check *c);

/* check_deviation returns the standard deviation of a quantile's logarithm that its interval stands
 * for. The ends of a model's interval are made by the few networks on which it was far off: in most
 * its deviation is CHECK_TYPICAL times as large. Chosen. */
double check_deviation(const SlowdownQuantile *q);
#define CHECK_TYPICAL 0.45
/* check_shift adds shift[k] to the logarithm of quantile k, what lies between the shifts to the
 * percentiles between, and sets the intervals to those of the deviations. A distribution without
 * flows is left. */
void check_shift(SlowdownDist *dist, const double shift[RESULT_N_QUANTILES],
                 const double deviation[RESULT_N_QUANTILES]);

/* From this share of lost packets on, they are worth a remark. */
#define CHECK_REMARK_DROPS 1e-4
/* check_remark notes on the log where model and windows disagree, and losses. */
void check_remark(const Check *c, const Log *log);
#endif
