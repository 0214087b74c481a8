/* sizedist: distributions of flow sizes. */
#ifndef M3_TRAFFIC_SIZEDIST_H
#define M3_TRAFFIC_SIZEDIST_H
#include <stdint.h>

#include "base/diag.h"

/* Flow sizes: a CDF with linear interpolation between points (first at percentile 0, last at 100).
 */
typedef struct {
    uint32_t n;
    double *size_b, *cdf; /* ascending; cdf from 0 to 1 */
    double mean_b;        /* exact, of the interpolated curve */
    uint32_t *guide;      /* where to begin the search for u: by its first bits */
    char *name;
} SizeDist;
/* sizedist_load reads a text file: `bytes percent` a line, both ascending, percent from 0 to 100,
 * or fractions from 0 to 1; bytes up to 1e15. Columns may be separated by blanks, commas or
 * semicolons, a column may stand between the two (pFabric, htsim), a line of names above them; '#'
 * begins a comment. What is not plain is noted in `log`. −1 with an input error that names the
 * line. sizedist_free releases. */
int sizedist_load(SizeDist *d, const char *path, const Log *log, Err *err);
/* sizedist_init copies n points from memory; cdf from 0 to 1. */
int sizedist_init(SizeDist *d, const char *name, const double *size_b, const double *cdf,
                  uint32_t n, Err *err);
void sizedist_free(SizeDist *d);
/* sizedist_draw returns the size in whole bytes, at least 1, that the share u in [0, 1) of flows is
 * below. */
uint64_t sizedist_draw(const SizeDist *d, double u);
#endif
