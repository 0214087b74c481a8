/* report: estimates and comparisons as tables, JSON and CSV; reads them back. */
#ifndef M3_APP_REPORT_H
#define M3_APP_REPORT_H
#include <stdio.h>

#include "app/estimate.h"

/* What the JSON says beside the numbers; schema m3.estimate/1, docs/CLI.md. NULL strings become null. */
typedef struct {
    const char *command, *topo, *mix, *method, *ckpt_name, *ckpt_sha256;
    uint64_t seed;
    double wall_total_s, wall_read_s;
} ReportMeta;
void report_table(FILE *f, const Estimate *e, const ReportMeta *m);
void report_json(FILE *f, const Estimate *e, const ReportMeta *m);
void report_csv(FILE *f, const Estimate *e); /* bucket,percentile,slowdown */

/* A distribution from an estimate JSON or a flow CSV with FCTs (fct_ns and ideal_fct_ns), by content. */
int report_load(AggResult *r, const char *path, Err *err);
#endif
