/* rackmatrix: which racks send how much to which. */
#ifndef M3_TRAFFIC_RACKMATRIX_H
#define M3_TRAFFIC_RACKMATRIX_H
#include "base/diag.h"
#include "net/topo.h"

/* Rack-to-rack weights, row = source. `pod_of` groups racks into pods. Rows and columns of a file
 * beyond its named racks must be empty and are left out. */
typedef struct {
    uint32_t n_racks, n_pods;
    double *weight;   /* [n_racks²], ≥ 0, sum > 0 */
    uint32_t *pod_of; /* [n_racks] */
    char *name;
} RackMatrix;
int rackmatrix_load(RackMatrix *m, const char *path, Err *err); /* published JSON form */
/* Our generator: kinds in the character of the three published matrices ("a", "b", "c") and
 * "uniform", sized to the topology's racks and pods, drawn from `seed`. */
extern const char *const rackmatrix_kinds[]; /* NULL-ended */
int rackmatrix_generate(RackMatrix *m, const char *kind, const Topo *t, uint64_t seed, Err *err);
int rackmatrix_save(const RackMatrix *m, const char *path, Err *err);
void rackmatrix_free(RackMatrix *m);
/* Share on the diagonal, within a pod off the diagonal, of the top tenth of rows and of columns,
 * and skew (Gini) of cells. */
typedef struct {
    double diagonal, within_pod, top_rows, top_cols, gini;
} RackMatrixStats;
RackMatrixStats rackmatrix_stats(const RackMatrix *m);
#endif
