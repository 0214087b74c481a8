/* report: estimates and comparisons as tables, JSON and CSV; reads them back. */
#ifndef M3_ESTIMATE_REPORT_H
#define M3_ESTIMATE_REPORT_H
#include <stdio.h>

#include "estimate/estimate.h"
#include "base/json.h"
#include "traffic/sizebucket.h"

#define REPORT_SCHEMA "m3.estimate/1"

/* What the JSON says beside the numbers; docs/CLI.md. NULL strings become null. */
typedef struct {
    const char *command, *topo, *mix, *method, *ckpt_name, *ckpt_sha256;
    const char *features, *features_sha256; /* the file that the features were read from */
    uint64_t seed;
    double wall_total_s, wall_read_s;
} ReportMeta;
void report_table(FILE *f, const Estimate *e, const ReportMeta *m);
void report_json(FILE *f, const Estimate *e, const ReportMeta *m);
void report_csv(FILE *f, const Estimate *e); /* bucket,percentile,slowdown */

/* A distribution from an estimate JSON or a flow CSV (size_b, fct_ns, ideal_fct_ns), told apart by
 * content. Flows with an empty fct_ns did not finish: they are left out, with a remark. */
int report_load(Slowdowns *r, const char *path, const Log *log, Err *err);

/* Parts of that JSON, for reports of several estimates: members "out_of_range", "n_flows",
 * "n_paths", "interval" and "slowdown" of the object that is open; "checkpoint"; and "features". */
void report_put_estimate(JsonOut *o, const Estimate *e);
void report_put_checkpoint(JsonOut *o, const ReportMeta *m);
void report_put_features(JsonOut *o, const ReportMeta *m);

/* "12.34 [11.90, 12.71]"; only the value where nothing was sampled, "-" where there is none. */
typedef struct {
    char s[64];
} ReportCell;
ReportCell report_cell(const SlowdownQuantile *q);
#endif
