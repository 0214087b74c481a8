/* sweep_report: a sweep as a table, JSON and CSV. */
#ifndef M3_ESTIMATE_SWEEP_REPORT_H
#define M3_ESTIMATE_SWEEP_REPORT_H
#include "estimate/report.h"
#include "estimate/sweep.h"

#define SWEEP_SCHEMA "m3.sweep/1"

/* Of meta, all but wall_read_s counts. dist (report_dist) and k (report_quantile): what settings
 * are ranked by. */
typedef struct {
    const Sweep *sweep;
    const Grid *grid;
    ReportMeta meta;
    int dist, k;
} SweepReport;
void sweep_report_table(FILE *f, const SweepReport *r); /* of distribution dist */
void sweep_report_json(FILE *f, const SweepReport *r);
void sweep_report_csv(
    FILE *f,
    const SweepReport *r); /* the settings, then bucket,percentile,slowdown,lo,hi: all buckets */
#endif
