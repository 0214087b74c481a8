/* mixcurve: distribution functions of weighted mixtures: built once, asked for quantiles under any weights. */
#ifndef M3_ESTIMATE_MIXCDF_H
#define M3_ESTIMATE_MIXCDF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"

/* A step, or a change of slope, on the slowdown axis. */
typedef struct {
    double amount; /* mass, or change of mass per unit of slowdown, for path weight 1 */
    float x;
    uint32_t path : 30, kind : 2;
} MixEvent;

typedef struct {
    MixEvent *events; /* ascending by x once sorted */
    size_t n, cap;
    double *mass; /* [n_paths] of each path at weight 1; the caller's to fill */
    size_t n_paths;
    struct MixMark *marks; /* [n_marks] private: mixcurve_mark */
    size_t n_marks;
} MixCurve;

void mixcurve_init(MixCurve *c, size_t n_paths); /* masses 0 */
void mixcurve_free(MixCurve *c);

/* Adds a path's distribution of this mass: n single flows; n ascending values at ascending levels, joined by straight lines, what lies
 * beyond the outermost levels being steps there; 100 percentiles, joined likewise, down to level 0. */
void mixcurve_add_points(MixCurve *c, const float *x, size_t n, double mass, size_t path);
void mixcurve_add_lines(MixCurve *c, const float *x, const float *level, int n, double mass, size_t path);
void mixcurve_add_percentiles(MixCurve *c, const float pct[STATS_N_PCT], double mass, size_t path);
void mixcurve_sort(MixCurve *c);
/* Events of `part`, sorted ones, with their amounts scaled, between those that are there; and its masses. */
void mixcurve_merge(MixCurve *c, const MixCurve *const *part, const double *scale, size_t n_parts);
/* Makes many calls of mixcurve_quantiles cheap: each then looks at few events. Takes about as much memory as the events. */
void mixcurve_mark(MixCurve *c);

double mixcurve_mass(const MixCurve *c, const double *weight);
/* out[k] = quantile at level[k] (ascending, in 0..1) under these weights [n_paths]; NAN if it has no mass. Thread safe. */
void mixcurve_quantiles(const MixCurve *c, const double *weight, const double *level, int n_level, double *out);
#endif
