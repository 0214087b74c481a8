/* mixcdf: distribution functions of weighted mixtures of paths: built once, then quantiles under
 * any weights. */
#ifndef M3_ESTIMATE_MIXCDF_H
#define M3_ESTIMATE_MIXCDF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stats.h"

/* A step of the distribution function, or a change of its slope, at slowdown x. */
typedef struct {
    double amount; /* mass, or mass per unit of slowdown, at path weight 1 */
    float x;
    uint32_t path : 30, kind : 2; /* kind: private to mixcdf.c */
} MixCdfEvent;

typedef struct {
    MixCdfEvent *events; /* [n], ascending by x after mixcdf_sort */
    size_t n, cap;
    double *mass; /* [n_paths] of each path at weight 1; the caller fills it in */
    size_t n_paths;
    struct MixCdfMark *marks; /* [n_marks] private: mixcdf_mark */
    size_t n_marks;
} MixCdf;

/* mixcdf_init begins a mixture of n_paths < 2^30 paths, all of mass 0. */
void mixcdf_init(MixCdf *c, size_t n_paths);
/* mixcdf_free releases what the mixture holds. */
void mixcdf_free(MixCdf *c);

/* mixcdf_add_points adds n single flows, which share `mass` evenly, to a path. */
void mixcdf_add_points(MixCdf *c, const float *x, size_t n, double mass, size_t path);
/* mixcdf_add_lines adds a distribution of total `mass` to a path: straight lines through n
 * ascending values at ascending levels (0 to 1); what lies beyond the outermost levels is a step
 * there. */
void mixcdf_add_lines(MixCdf *c, const float *x, const float *level, int n, double mass,
                      size_t path);
/* mixcdf_add_percentiles adds a distribution of total `mass` to a path: straight lines through the
 * percentiles 1 to 100, extended down to level 0. */
void mixcdf_add_percentiles(MixCdf *c, const float pct[STATS_N_PCT], double mass, size_t path);
/* mixcdf_sort brings the events into order; required before all that follows. */
void mixcdf_sort(MixCdf *c);
/* mixcdf_merge adds the events and masses of n_parts sorted mixtures over the same paths, those of
 * part p scaled by scale[p], to the empty mixture c, which is then sorted. */
void mixcdf_merge(MixCdf *c, const MixCdf *const *part, const double *scale, size_t n_parts);
/* mixcdf_mark makes many calls of mixcdf_quantiles cheap: each then reads few events. The marks
 * take about as much memory as the events. */
void mixcdf_mark(MixCdf *c);

/* mixcdf_mass returns the mass under these weights [n_paths]. */
double mixcdf_mass(const MixCdf *c, const double *weight);
/* mixcdf_quantiles writes out[k], the quantile at level[k] (ascending, 0 to 1), under these weights
 * [n_paths]; NAN if there is no mass. Threads may share a mixture. */
void mixcdf_quantiles(const MixCdf *c, const double *weight, const double *level, int n_level,
                      double *out);
/* mixcdf_paths writes for each path, by itself at weight 1, its mass at or above slowdown x, and
 * its quantile at `level` (NAN without mass): both [n_paths], in one pass over the events. */
void mixcdf_paths(const MixCdf *c, double x, double level, double *above, double *quantile);
#endif
