/* report_read: results read back, for comparison. */
#ifndef M3_ESTIMATE_REPORT_READ_H
#define M3_ESTIMATE_REPORT_READ_H
#include "base/diag.h"
#include "base/json.h"
#include "estimate/result.h"

typedef struct {
    Slowdowns slowdown;
    uint64_t n_flows, n_unfinished; /* simulated, and of those not finished: percentiles cover the
                                       others; both 0 where nothing was simulated by packets */
} ReportResult;
/* report_read fills *r from an estimate's JSON (schema m3.estimate/1) or from a list of flows with
 * completion times of any form (flows_load_results); content tells which. Flows without a
 * completion time did not finish: they are left out, counted, and noted in the log. Returns −1 if
 * the file cannot be read, is none of these, or has no finished flow. */
int report_read(ReportResult *r, const char *path, const Log *log, Err *err);
/* report_read_json fills *r from an estimate's JSON that is open; report_read_slowdown fills *s
 * from an object with the member "slowdown", such as a row of a sweep. −1 names the place. */
int report_read_json(ReportResult *r, const Json *root, Err *err);
int report_read_slowdown(Slowdowns *s, const Json *j, Err *err);
#endif
