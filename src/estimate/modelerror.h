/* modelerror: a model's own error, measured on networks it was not trained on, and what it adds to
 * the intervals of an estimate. */
#ifndef M3_ESTIMATE_MODELERROR_H
#define M3_ESTIMATE_MODELERROR_H
#include "estimate/result.h"
#include "model/ckpt.h"

/* 95 % of log(truth / estimate) lie within; NAN: not measured. */
typedef struct {
    double lo, hi;
} LogRange;
typedef struct {
    size_t n_networks;
    LogRange cell[RESULT_N_DISTS][RESULT_N_QUANTILES]; /* ORDER BUCKET */
    /* The same of networks below MODELERROR_LOAD and of those above; NAN: not measured apart. */
    LogRange by_load[2][RESULT_N_DISTS][RESULT_N_QUANTILES];
} ModelError;

/* The busiest link's load that tells the two kinds apart: a model errs more above it. */
#define MODELERROR_LOAD 0.65

/* The least number of networks that are measured. Chosen: of eight values the median absolute
 * deviation has a relative standard error of 40 %, and fewer would tell next to nothing. The
 * shipped checkpoint was measured on 176 (ckpts/README.md). */
enum { MODELERROR_MIN_NETWORKS = 8 };
/* modelerror_fit returns the range of n values of log(truth / estimate), which it sorts; NANs if n
 * < MODELERROR_MIN_NETWORKS. */
LogRange modelerror_fit(double *log_ratio, size_t n);

/* modelerror_read fills *m from the checkpoint's recipe. Returns 1, 0 if the recipe has no such
 * record, or −1 if the record is damaged. */
int modelerror_read(ModelError *m, const Ckpt *c, Err *err);
/* modelerror_recipe returns the checkpoint's recipe (JSON) with m in place of a record that it may
 * have; the caller frees it. */
char *modelerror_recipe(const ModelError *m, const Ckpt *c);

/* modelerror_widen widens the intervals of r, which cover the sampling of paths, by the model's
 * error on networks whose busiest link has about max_load (0: not known). */
void modelerror_widen(const ModelError *m, double max_load, Slowdowns *r);
#endif
