/* evaluate_calibrate: measures a checkpoint's own error, for the intervals of its estimates. */
#ifndef M3_EVALUATE_EVALUATE_CALIBRATE_H
#define M3_EVALUATE_EVALUATE_CALIBRATE_H
#include "evaluate/evaluate_nets.h"

/* evaluate_calibrate writes checkpoint c to the folder `out` with its own error in the recipe
 * (estimate/modelerror.h), as measured on those of the n networks that did not collapse. Their
 * estimates should be free of sampling: of all paths. Returns −1 if there are fewer than
 * MODELERROR_MIN_NETWORKS, or if `out` cannot be written. */
int evaluate_calibrate(const EvaluateNet *nets, size_t n, const Ckpt *c, const char *out, Err *err);
#endif
