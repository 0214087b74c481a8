/* sweep_check: packet windows under a few settings of a sweep, which correct the others too. */
#ifndef M3_ESTIMATE_SWEEP_CHECK_H
#define M3_ESTIMATE_SWEEP_CHECK_H
#include "estimate/sweep.h"

/* sweep_check_rows checks rows[n], which share the traffic of *s: it simulates windows under some
 * of them, within the budget o->check, and corrects the estimates of all. Rows without a model
 * (estimate.method METHOD_SAMPLED) all get windows. What is done is counted in *out. Returns −1 as
 * windows_simulate does, but on a network that packet simulation cannot take only if a row has no
 * model; otherwise the rows stay as they are and the log says why. */
int sweep_check_rows(Sweep *out, SweepRow *const *rows, size_t n, const Scenario *s,
                     const EstimateOptions *o, SweepRank rank, const Log *log, Err *err);

/* sweep_check_saved corrects all rows by the windows that are in features, if there are any; they
 * may have been simulated under settings that are no row. *f is left under those. Returns −1 as
 * estimate_predict does. */
int sweep_check_saved(Sweep *out, Features *f, const EstimateOptions *o, Err *err);
#endif
