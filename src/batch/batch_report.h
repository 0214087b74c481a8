/* batch_report: errors and run times of a batch, as tables, CSV and JSON. */
#ifndef M3_BATCH_BATCH_REPORT_H
#define M3_BATCH_BATCH_REPORT_H
#include <stdio.h>

#include "base/json.h"
#include "batch/batch_errors.h"

/* batch_report_table prints, for people: what is in the folder, wall times, and errors of p99
 * against truth: overall, by quantile and bucket, and by kind of mix. */
void batch_report_table(FILE *f, const BatchErrors *e);
/* batch_report_json prints the same for programs, schema m3.batch-report/1. */
void batch_report_json(FILE *f, const BatchErrors *e);
/* batch_report_csv prints a line for each mix, series, bucket and quantile that has a truth:
 * id,source,bucket,quantile,truth,value,error. */
void batch_report_csv(FILE *f, const BatchErrors *e);
#endif
