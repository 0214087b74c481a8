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

typedef struct {
    GridAxis *axes;
    size_t n_axes,
        n; /* n: combinations, the product of the axes' numbers of values; 1 without axes */
} Grid;

enum { GRID_MAX = 4096 }; /* combinations */

void grid_init(Grid *g); /* no axes */
void grid_free(Grid *g);
/* "key=value", "key=a,b,…" or "key=lo..hi:step", also mixed in one list. A range holds lo, lo +
 * step, … up to hi, and hi itself if a step hits it: window=5KB..30KB:1KB, hpcc_eta=0.7..0.95:0.05.
 * A negative step goes down. −1: an unknown key or bad value (as mix_set says), a key that is there
 * already, a range that is none, or more than GRID_MAX combinations. */
int grid_add(Grid *g, const char *assignment, Err *err);
/* Value of axis `axis` in combination i < n; the last axis varies fastest. */
const char *grid_value(const Grid *g, size_t i, size_t axis);
#endif
