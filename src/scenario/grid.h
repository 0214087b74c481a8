/* grid: the settings of a sweep: all combinations of the values that each --set names. */
#ifndef M3_SCENARIO_GRID_H
#define M3_SCENARIO_GRID_H
#include <stddef.h>

#include "base/diag.h"

/* One setting and the values it takes, as texts that mix_set reads. */
typedef struct {
    char *key;
    char **values; /* [n], n ≥ 1 */
    size_t n;
} GridAxis;

/* Combinations are numbered from 0, the last axis varying fastest. */
typedef struct {
    GridAxis *axes;
    size_t n_axes;
    size_t n; /* combinations: the product of the axes' numbers of values; 1 without axes */
} Grid;

/* The most combinations. Each is a row of a table that people read; a step mistyped as much
 * too small is refused. */
enum { GRID_MAX = 4096 };

/* grid_init makes a grid without axes; grid_free releases what was added, and leaves one again. */
void grid_init(Grid *g);
void grid_free(Grid *g);
/* grid_add adds an axis: "key=value", "key=a,b,…", "key=lo..hi:step", or a list of both. A range
 * holds lo, lo + step, … up to hi, and hi itself if a step hits it: window=5KB..30KB:1KB,
 * hpcc_eta=0.7..0.95:0.05; a negative step goes down. −1 with an input error: an unknown key or bad
 * value (as mix_set says), a key that has an axis already, a range that is none, or more than
 * GRID_MAX combinations. The grid is then good for grid_free only. */
int grid_add(Grid *g, const char *assignment, Err *err);
/* grid_value returns the value of axis `axis` in combination i < n. */
const char *grid_value(const Grid *g, size_t i, size_t axis);
#endif
