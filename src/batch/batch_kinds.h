/* batch_kinds: kinds of mixes, by which errors and times are shown. */
#ifndef M3_BATCH_BATCH_KINDS_H
#define M3_BATCH_BATCH_KINDS_H
#include "batch/batch_results.h"

/* A property of mixes by which errors are shown. ORDER BY: batch_kinds_by_names. */
typedef enum {
    BATCH_BY_MATRIX,
    BATCH_BY_SIZES,
    BATCH_BY_SIGMA,
    BATCH_BY_OVERSUBSCRIPTION,
    BATCH_BY_PFC,
    BATCH_BY_CC,
    BATCH_BY_LOAD, /* max_load, in bins of 5 % */
    BATCH_N_BY
} BatchBy;
extern const char *const batch_kinds_by_names[BATCH_N_BY];
/* batch_kinds_of returns the kind of a mix: "matrix-a", "2:1", "55-60 %". */
typedef struct {
    char s[256];
} BatchKind;
BatchKind batch_kinds_of(const BatchFacts *f, BatchBy by);
/* Kinds of one property that tables and figures show; more are unreadable. */
enum { BATCH_MOST_KINDS = 24 };
/* batch_kinds_all returns the different kinds of all mixes in their natural order; caller frees. */
BatchKind *batch_kinds_all(const BatchResults *r, BatchBy by, size_t *n);
#endif
