/* batch: kinds of mixes.
 *
 * A kind is a text that is made of one property of a mix. Kinds that begin with a number are in the
 * order of the numbers, all others in that of their texts. Loads, which hardly two mixes share, are
 * put into bins. */
#include "batch/batch_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *const batch_kinds_by_names[BATCH_N_BY] = {
    "matrix", "sizes", "sigma", "oversubscription", "pfc", "cc", "load"};

/* A bin of 5 % of load; facts may hold any number. */
static BatchKind load_kind(double max_load) {
    enum { MOST = 10 /* times the capacity */ };
    BatchKind kind = {"unknown"};
    if (max_load >= MOST) snprintf(kind.s, sizeof kind.s, "%d+ %%", 100 * MOST);
    else if (max_load >= 0) {
        int bin = (int)(max_load * 20 + 1e-9);
        snprintf(kind.s, sizeof kind.s, "%d-%d %%", 5 * bin, 5 * bin + 5);
    }
    return kind;
}

BatchKind batch_kinds_of(const BatchFacts *f, BatchBy by) {
    BatchKind kind;
    switch (by) {
    case BATCH_BY_MATRIX: snprintf(kind.s, sizeof kind.s, "%s", f->matrix); break;
    case BATCH_BY_SIZES: snprintf(kind.s, sizeof kind.s, "%s", f->sizes); break;
    case BATCH_BY_SIGMA: snprintf(kind.s, sizeof kind.s, "%g", f->sigma); break;
    case BATCH_BY_OVERSUBSCRIPTION:
        snprintf(kind.s, sizeof kind.s, "%.3g:1", f->oversubscription);
        break;
    case BATCH_BY_PFC: snprintf(kind.s, sizeof kind.s, "%s", f->conf.pfc ? "on" : "off"); break;
    case BATCH_BY_CC: snprintf(kind.s, sizeof kind.s, "%s", netconf_cc_name(f->conf.cc)); break;
    default: return load_kind(f->max_load);
    }
    return kind;
}

/* The number that a kind begins with; 0: none. Names like "nan" and "inf" are none. */
static double number_of(const char *s) { return strspn(s, "0123456789") ? strtod(s, NULL) : 0; }

/* Numbers by value, then by text. */
static int by_kind_name(const void *pa, const void *pb) {
    const char *a = ((const BatchKind *)pa)->s, *b = ((const BatchKind *)pb)->s;
    double x = number_of(a), y = number_of(b);
    if (x < y || x > y) return x < y ? -1 : 1;
    return strcmp(a, b);
}

BatchKind *batch_kinds_all(const BatchResults *r, BatchBy by, size_t *n) {
    BatchKind *kind = MEM_NEW(BatchKind, r->n);
    *n = 0;
    for (size_t i = 0; i < r->n; i++) kind[i] = batch_kinds_of(&r->mix[i].facts, by);
    qsort(kind, r->n, sizeof *kind, by_kind_name);
    for (size_t i = 0; i < r->n; i++)
        if (*n == 0 || strcmp(kind[*n - 1].s, kind[i].s) != 0) kind[(*n)++] = kind[i];
    return kind;
}
