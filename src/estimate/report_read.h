/* report_read: results read back, for comparison. */
#ifndef M3_ESTIMATE_REPORT_READ_H
#define M3_ESTIMATE_REPORT_READ_H
#include "base/diag.h"
#include "estimate/result.h"

/* report_read fills *r from an estimate's JSON (schema m3.estimate/1), a flow CSV (with columns
 * size_b, fct_ns and ideal_fct_ns) or a binary flow file that has these; content tells which. Flows
 * without a completion time (empty in CSV, NAN in binary) did not finish: they are left out, with a
 * note on the log. Returns −1 if the file cannot be read, is none of these, or has no finished
 * flow. */
int report_read(Slowdowns *r, const char *path, const Log *log, Err *err);
#endif
