/* modelerror: a model's own error, measured on networks it was not trained on, and what it adds to
 * the interval of an estimate. */
#ifndef M3_ESTIMATE_MODELERROR_H
#define M3_ESTIMATE_MODELERROR_H
#include "estimate/aggregate.h"
#include "model/ckpt.h"

/* 95 % of log(truth / estimate) lie within; NAN: not known. */
typedef struct {
    double lo, hi;
} LogRange;
typedef struct {
    size_t n_networks;
    LogRange cell[RESULT_N_DISTS][RESULT_N_QUANTILES];
} ModelError;

/* From n values of log(truth / estimate), which it sorts. NANs below MODELERROR_MIN_NETWORKS. */
enum { MODELERROR_MIN_NETWORKS = 8 };
LogRange modelerror_fit(double *log_ratio, size_t n);

/* The one in a checkpoint's recipe: 1 if there is one, 0 if not, −1 if it is damaged. */
int modelerror_read(ModelError *m, const Ckpt *c, Err *err);
/* The recipe with it, in place of one that may be there; caller frees. */
char *modelerror_recipe(const ModelError *m, const Ckpt *c);

/* Widens the intervals of r, which hold the error of sampling, by that of the model. */
void modelerror_widen(const ModelError *m, Slowdowns *r);
#endif
