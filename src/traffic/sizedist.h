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
/* Text: `bytes percent` a line, both ascending, percent from 0 to 100; '#' begins a comment. */
int sizedist_load(SizeDist *d, const char *path, Err *err);
/* From n points in memory, which are copied; cdf from 0 to 1. */
int sizedist_init(SizeDist *d, const char *name, const double *size_b, const double *cdf,
                  uint32_t n, Err *err);
void sizedist_free(SizeDist *d);
uint64_t sizedist_draw(const SizeDist *d, double u); /* u in [0, 1) → whole bytes, at least 1 */
#endif
