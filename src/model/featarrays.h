/* featarrays: a path's map as a list of arrays: to copy it out of scratch memory, to write it down
 * and to read it back. */
#ifndef M3_MODEL_FEATARRAYS_H
#define M3_MODEL_FEATARRAYS_H
#include "model/flowfeat.h"
#include "model/pathfeat.h"

typedef enum { FEATARRAY_FLOATS, FEATARRAY_DOUBLES, FEATARRAY_INTEGERS } FeatArrayType;
typedef struct {
    void *at; /* where the map keeps its pointer to it */
    size_t bytes;
    FeatArrayType numbers;
} FeatArray;
enum { FEATARRAYS_MAX = 12 };

/* What a model reads of a map and what its settings are applied to: arrays in a fixed order, sizes
 * from n_links and n_flows (n_rows). Of a FlowFeat, `index` is left out. Returns how many there
 * are. */
size_t featarrays_flow_arrays(FlowFeat *m, FeatArray out[FEATARRAYS_MAX]);
size_t featarrays_feature_arrays(PathFeat *m, FeatArray out[FEATARRAYS_MAX]);

/* Memory for the arrays in one block, which is the first array's, each aligned for any number. */
void featarrays_alloc(const FeatArray *arrays, size_t n);

void *featarrays_pointer(const FeatArray *a);

/* Copies in blocks of their own. free(m.link); free(m->pct), then free(m). */
FlowFeat featarrays_keep_flows(const FlowFeat *m);
PathFeat *featarrays_keep_features(const PathFeat *m);
#endif
