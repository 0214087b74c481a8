/* batch_csv: texts in the tables that a batch writes. */
#ifndef M3_BATCH_BATCH_CSV_H
#define M3_BATCH_BATCH_CSV_H
#include <stdio.h>

/* batch_csv_text writes one cell of a CSV table (RFC 4180): as it is, or between quotes if it has a
 * comma, a quote, a line's end, or spaces at its ends. */
void batch_csv_text(FILE *f, const char *s);
#endif
