/* outputs: the JSON and CSV files that a command writes besides what it prints. */
#ifndef M3_CLI_OUTPUTS_H
#define M3_CLI_OUTPUTS_H
#include <stdbool.h>

#include "base/file.h"

typedef struct {
    FileOut json, csv; /* .f NULL: not asked for */
    bool to_stdout;    /* one of them is stdout, which the table must not be mixed into */
} Outputs;

/* outputs_open opens both files for writing (path NULL: not asked for, "-": stdout). Commands do so
 * before they begin to compute, since an unwritable name should not cost minutes. −1 with err; what
 * was opened is released by outputs_abort. */
int outputs_open(Outputs *o, const char *json, const char *csv, Err *err);
/* outputs_commit renames the files into place; −1 with err if one can't be written. */
int outputs_commit(Outputs *o, Err *err);
/* outputs_abort removes what has not been committed. */
void outputs_abort(Outputs *o);
#endif
