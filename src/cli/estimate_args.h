/* estimate_args: what estimate and sweep have in common on the command line: method, compatibility,
 * files written. */
#ifndef M3_CLI_ESTIMATE_ARGS_H
#define M3_CLI_ESTIMATE_ARGS_H
#include "estimate/estimate.h"
#include "estimate/report.h"
#include "base/file.h"

extern const char *const estimate_methods[]; /* in the order of Method, NULL-ended */
int estimate_parse_method(const char *value, Method *method, Err *err);
int estimate_parse_compat(const char *value, EstimateOptions *e,
                          Err *err); /* "published", "hpcc-ns3" or both, with a comma */

int estimate_parse_target(const char *value, TargetError *t,
                          Err *err); /* "2%", "0.02", "2%@p99.9" */

/* Opened before the work begins: an unwritable name should not cost a minute's computing. */
typedef struct {
    FileOut json, csv;
    bool to_stdout; /* one of them is: nothing else goes there */
} EstimateOutputs;
int estimate_outputs_open(EstimateOutputs *f, const char *json, const char *csv,
                          Err *err); /* NULL: not asked for */
int estimate_outputs_commit(EstimateOutputs *f, Err *err);
void estimate_outputs_abort(EstimateOutputs *f); /* fine after commit, too */

/* Name and digest of the checkpoint into a report's head; NULL: none was used. sha256 must live as
 * long as the report. */
void estimate_meta_ckpt(ReportMeta *m, const Ckpt *ckpt, char sha256[65]);
#endif
