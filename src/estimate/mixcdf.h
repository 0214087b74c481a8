/* mixcdf: distribution functions of weighted mixtures: built once, asked for quantiles under any
 * weights. */
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
} MixCdfEvent;

typedef struct {
    MixCdfEvent *events; /* ascending by x once sorted */
    size_t n, cap;
    double *mass; /* [n_paths] of each path at weight 1; the caller's to fill */
    size_t n_paths;
    struct MixCdfMark *marks; /* [n_marks] private: mixcdf_mark */
    size_t n_marks;
} MixCdf;

void mixcdf_init(MixCdf *c, size_t n_paths); /* masses 0 */
void mixcdf_free(MixCdf *c);

/* Adds a path's distribution of this mass: n single flows; n ascending values at ascending levels,
 * joined by straight lines, what lies beyond the outermost levels being steps there; 100
 * percentiles, joined likewise, down to level 0. */
void mixcdf_add_points(MixCdf *c, const float *x, size_t n, double mass, size_t path);
void mixcdf_add_lines(MixCdf *c, const float *x, const float *level, int n, double mass,
                      size_t path);
void mixcdf_add_percentiles(MixCdf *c, const float pct[STATS_N_PCT], double mass, size_t path);
void mixcdf_sort(MixCdf *c);
/* Events of `part`, sorted ones, with their amounts scaled, between those that are there; and its
 * masses. */
void mixcdf_merge(MixCdf *c, const MixCdf *const *part, const double *scale, size_t n_parts);
/* Makes many calls of mixcdf_quantiles cheap: each then looks at few events. Takes about as much
 * memory as the events. */
void mixcdf_mark(MixCdf *c);

double mixcdf_mass(const MixCdf *c, const double *weight);
/* out[k] = quantile at level[k] (ascending, in 0..1) under these weights [n_paths]; NAN if it has
 * no mass. Thread safe. */
void mixcdf_quantiles(const MixCdf *c, const double *weight, const double *level, int n_level,
                      double *out);
#endif
