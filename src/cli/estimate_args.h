/* estimate_args: values of options that estimate and sweep share. */
#ifndef M3_CLI_ESTIMATE_ARGS_H
#define M3_CLI_ESTIMATE_ARGS_H
#include "estimate/estimate.h"
#include "estimate/report.h"

/* estimate_args_method parses the name of a method. */
int estimate_args_method(const char *value, Method *method, Err *err);
/* The words of --compat and of --parsimon-ecmp, NULL-ended. */
extern const char *const estimate_args_compat_names[];
extern const char *const estimate_args_ecmp_names[];
/* estimate_args_compat parses "published", "hpcc-ns3" or both with a comma into e->published and
 * e->hpcc_ns3. */
int estimate_args_compat(const char *value, EstimateOptions *e, Err *err);
/* estimate_args_target parses an error with the quantile it is for: "2%", "0.02", "2%@p99.9". */
int estimate_args_target(const char *value, TargetError *t, Err *err);
/* estimate_args_quantile parses the name of a quantile, "p99.9", into its place in ORDER QUANTILE,
 * and estimate_args_bucket a size, or "all", into the distribution of flows of its bucket. */
int estimate_args_quantile(const char *value, int *quantile, Err *err);
int estimate_args_bucket(const char *value, int *dist, Err *err);
/* estimate_args_check parses a budget of packet windows: "off", a time ("5s"), a share of the whole
 * run ("2%") or "default". */
int estimate_args_check(const char *value, CheckBudget *b, Err *err);
/* estimate_args_ecmp parses how Parsimon gives flows to links: "polarised" or "independent". */
int estimate_args_ecmp(const char *value, bool *independent, Err *err);
/* estimate_args_ckpt puts name and digest of the checkpoint (NULL: none was used) into the head of
 * a report, which keeps pointers to both. */
void estimate_args_ckpt(ReportMeta *m, const Ckpt *ckpt, char sha256[65]);
#endif
