/* rackmatrix: which racks send how much to which. */
#ifndef M3_TRAFFIC_RACKMATRIX_H
#define M3_TRAFFIC_RACKMATRIX_H
#include <stddef.h>

#include "base/diag.h"
#include "net/topo.h"

/* Rack-to-rack weights, row = source. `pod_of` groups racks into pods. Rows and columns of a file
 * beyond its named racks must be empty and are left out. A uniform one of more than
 * RACKMATRIX_MAX_UNIFORM racks has no weights: all are RACKMATRIX_MEAN. No other one has more than
 * RACKMATRIX_MAX_RACKS. */
enum { RACKMATRIX_MAX_RACKS = 16384, RACKMATRIX_MAX_UNIFORM = 4096, RACKMATRIX_MEAN = 10000 };
typedef struct {
    uint32_t n_racks, n_pods;
    double *weight;   /* [n_racks²], ≥ 0, sum > 0; or NULL */
    uint32_t *pod_of; /* [n_racks] */
    char *name;
} RackMatrix;
/* rackmatrix_load reads, and rackmatrix_save writes, the published JSON form (spec/README.md).
 * rackmatrix_free releases. */
int rackmatrix_load(RackMatrix *m, const char *path, Err *err);
int rackmatrix_save(const RackMatrix *m, const char *path, Err *err);
void rackmatrix_free(RackMatrix *m);
/* The kinds that can be generated, NULL-ended: "a", "b" and "c" in the character of the three
 * published matrices, and "uniform". */
extern const char *const rackmatrix_kinds[];
/* rackmatrix_generate draws a matrix of a kind for the topology's racks and pods; the same seed
 * gives the same matrix. For more than RACKMATRIX_MAX_RACKS racks it draws one of 1,024, in at most
 * 32 pods, unless it is uniform. −1 where it has more weights than the machine's memory holds. */
int rackmatrix_generate(RackMatrix *m, const char *kind, const Topo *t, uint64_t seed, Err *err);
/* rackmatrix_weight returns what rack i sends to rack j. */
static inline double rackmatrix_weight(const RackMatrix *m, uint32_t i, uint32_t j) {
    return m->weight ? m->weight[(size_t)i * m->n_racks + j] : RACKMATRIX_MEAN;
}
/* The shares of all traffic on the diagonal, within a pod off the diagonal, in the top tenth of
 * rows and of columns, and the Gini coefficient of cells. */
typedef struct {
    double diagonal, within_pod, top_rows, top_cols, gini;
} RackMatrixStats;
RackMatrixStats rackmatrix_stats(const RackMatrix *m);
#endif
