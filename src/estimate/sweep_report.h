/* sweep_report: a sweep as a table, JSON and CSV. */
#ifndef M3_ESTIMATE_SWEEP_REPORT_H
#define M3_ESTIMATE_SWEEP_REPORT_H
#include "estimate/report.h"
#include "estimate/sweep.h"

#define SWEEP_SCHEMA "m3.sweep/1"

typedef struct {
    const Sweep *sweep;
    const Grid *grid;
    ReportMeta meta; /* all but wall_read_s */
    SweepRank rank;
} SweepReport;
/* sweep_report_table prints a line for each setting with p50, p90 and p99 of the
 * distribution that they are ranked by. */
void sweep_report_table(FILE *f, const SweepReport *r);
/* sweep_report_json prints all that is known, schema m3.sweep/1. */
void sweep_report_json(FILE *f, const SweepReport *r);
/* sweep_report_csv prints the settings, then bucket, percentile, slowdown, lo and hi, of all
 * distributions. */
void sweep_report_csv(FILE *f, const SweepReport *r);
#endif
