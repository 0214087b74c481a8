/* batch_summary: summary.csv, a line for each mix, method and bucket. */
#ifndef M3_BATCH_BATCH_SUMMARY_H
#define M3_BATCH_BATCH_SUMMARY_H
#include "base/diag.h"

/* batch_summary_write rewrites DIR/summary.csv from all results that are in the folder. −1 with err
 * if one of them is damaged or the file can't be written. */
int batch_summary_write(const char *dir, Err *err);
#endif
