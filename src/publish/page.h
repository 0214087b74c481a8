/* page: results as one HTML page that needs nothing beside it. */
#ifndef M3_PUBLISH_PAGE_H
#define M3_PUBLISH_PAGE_H
#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"

typedef struct {
    const char *const *results; /* [n] JSON of an estimate, sweep or comparison; flows with
                                   completion times; a series of a simulation's ports; what its
                                   links did; a batch's folder */
    size_t n;
    const char *title; /* NULL: made from the results */
    /* What results are compared with, [n_truths]: of batches, tables (batch_truth.h); of estimates
     * and flows, one other result. */
    const char *const *truths;
    size_t n_truths;
    const char *figures; /* a folder that keeps the pictures with data and scripts, or NULL */
} PageOptions;

/* page_write writes the page to f. Pictures are drawn by gnuplot; without it there are none, which
 * the page and the log say. The same results give the same bytes. Returns −1 with err if a file is
 * no result, cut, or of another schema (an input error), or if pictures can't be drawn; what is in
 * f is then worthless. */
int page_write(FILE *f, const PageOptions *o, const Log *log, Err *err);
#endif
