/* mapblock: a path's map as a list of arrays: to copy it out of scratch memory, to write it down and to read it back. */
#ifndef M3_MODEL_FEATARRAYS_H
#define M3_MODEL_FEATARRAYS_H
#include "model/pathfeat.h"
#include "model/flowfeat.h"

typedef enum { MAP_FLOATS, MAP_DOUBLES, MAP_WHOLE } MapNumbers;
typedef struct {
    void *at; /* where the map keeps its pointer to it */
    size_t bytes;
    MapNumbers numbers;
} MapArray;
enum { MAPBLOCK_MAX = 12 };

/* What a model reads of a map and what its settings are applied to: arrays in a fixed order, sizes from n_links and n_flows (n_rows). Of a
 * FlowMap, `index` is left out. Returns how many there are. */
size_t mapblock_flow_arrays(FlowMap *m, MapArray out[MAPBLOCK_MAX]);
size_t mapblock_feature_arrays(FeatureMap *m, MapArray out[MAPBLOCK_MAX]);

/* Memory for the arrays in one block, which is the first array's, each aligned for any number. */
void mapblock_alloc(const MapArray *arrays, size_t n);

void *mapblock_pointer(const MapArray *a);

/* Copies in blocks of their own. free(m.link); free(m->pct), then free(m). */
FlowMap mapblock_keep_flows(const FlowMap *m);
FeatureMap *mapblock_keep_features(const FeatureMap *m);
#endif
