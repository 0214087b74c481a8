/* interval: a model's own error, measured on networks it was not trained on, and what it adds to the interval of an estimate. */
#ifndef M3_ESTIMATE_MODELERROR_H
#define M3_ESTIMATE_MODELERROR_H
#include "estimate/aggregate.h"
#include "model/ckpt.h"

enum { INTERVAL_N_DISTS = 1 + STATS_N_OUT, INTERVAL_N_QUANTILES = 4 }; /* all flows, then the buckets; p50, p90, p99, p99.9 */

/* 95 % of log(truth / estimate) lie within; NAN: not known. */
typedef struct {
    double lo, hi;
} LogRange;
typedef struct {
    size_t n_networks;
    LogRange cell[INTERVAL_N_DISTS][INTERVAL_N_QUANTILES];
} ModelInterval;

/* From n values of log(truth / estimate), which it sorts. NANs below INTERVAL_MIN_NETWORKS. */
enum { INTERVAL_MIN_NETWORKS = 8 };
LogRange interval_fit(double *log_ratio, size_t n);

/* The one in a checkpoint's recipe: 1 if there is one, 0 if not, −1 if it is damaged. */
int interval_read(ModelInterval *m, const Ckpt *c, Err *err);
/* The recipe with it, in place of one that may be there; caller frees. */
char *interval_recipe(const ModelInterval *m, const Ckpt *c);

/* Widens the intervals of r, which hold the error of sampling, by that of the model. */
void interval_widen(const ModelInterval *m, AggResult *r);
#endif
