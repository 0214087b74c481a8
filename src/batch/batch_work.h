/* batch_work: the results of one group of mixes, which share their traffic. */
#ifndef M3_BATCH_BATCH_WORK_H
#define M3_BATCH_BATCH_WORK_H
#include "batch/batch.h"

/* What is to be done: the items of one group that are locked by us. */
typedef struct {
    const BatchOptions *options;
    int threads;
    const BatchItem *const *items;
    size_t n;
    int progress_fd; /* a byte is written to it for every result: made or failed */
} BatchWork;

enum { BATCH_WORK_MADE = '.', BATCH_WORK_FAILED = '!' };

/* batch_work makes all missing results: flows are drawn, routed and, for methods that begin with
 * paths, simulated as a fluid once; remarks go to NAME/METHOD.log, through stderr; what fails is
 * recorded in NAME/METHOD.error, and the rest goes on. To be called in a process of its own.
 * Returns the exit status: 0; 1 if neither a result nor an .error could be written, after which the
 * rest would be in vain; or 130 if interrupted. */
int batch_work(const BatchWork *w);
/* batch_work_record writes NAME/METHOD.error. −1 with err. */
int batch_work_record(const char *dir, const char *name, Method m, const char *message, Err *err);
#endif
