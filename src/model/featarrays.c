/* mapblock: maps as lists of arrays.
 *
 * The one place that knows which arrays a map has and how long they are. Copying, saving and loading go through the list, so an
 * array added to a map is added here and nowhere else. */
#include "model/featarrays.h"

#include <string.h>

enum { ALIGNMENT = 8 };

size_t mapblock_flow_arrays(FlowMap *m, MapArray out[MAPBLOCK_MAX]) {
    size_t n_links = m->n_links, n_flows = m->n_flows;
    const MapArray all[] = {{&m->link, n_links * FLOWMAP_N_LINK * sizeof *m->link, MAP_FLOATS},
                            {&m->path, FLOWMAP_N_PATH * sizeof *m->path, MAP_FLOATS},
                            {&m->flow, n_flows * FLOWMAP_N_FLOW * sizeof *m->flow, MAP_FLOATS},
                            {&m->base, n_flows * sizeof *m->base, MAP_FLOATS},
                            {&m->bucket, n_flows * sizeof *m->bucket, MAP_WHOLE},
                            {&m->fluid, n_flows * sizeof *m->fluid, MAP_FLOATS},
                            {&m->seen, n_flows * n_links * sizeof *m->seen, MAP_FLOATS},
                            {&m->alone, n_flows * sizeof *m->alone, MAP_DOUBLES},
                            {&m->rate, n_links * sizeof *m->rate, MAP_DOUBLES}};
    memcpy(out, all, sizeof all);
    return sizeof all / sizeof *all;
}

size_t mapblock_feature_arrays(FeatureMap *m, MapArray out[MAPBLOCK_MAX]) {
    size_t n_rows = m->n_rows;
    const MapArray all[] = {{&m->pct, n_rows * FEATURE_N_PCT * sizeof *m->pct, MAP_FLOATS},
                            {&m->count, n_rows * STATS_N_IN * sizeof *m->count, MAP_WHOLE},
                            {&m->present, n_rows * sizeof *m->present, MAP_WHOLE}};
    memcpy(out, all, sizeof all);
    return sizeof all / sizeof *all;
}

static size_t aligned(size_t n) { return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

void *mapblock_pointer(const MapArray *a) {
    void *p;
    memcpy(&p, a->at, sizeof p); /* whatever it points to */
    return p;
}

void mapblock_alloc(const MapArray *arrays, size_t n) {
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++) total += aligned(arrays[i].bytes);
    char *block = mem_alloc(total, 1);
    for (size_t i = 0; i < n; i++) {
        char *p = block + at;
        memcpy(arrays[i].at, &p, sizeof p);
        at += aligned(arrays[i].bytes);
    }
}

static void copy_arrays(const MapArray *from, const MapArray *to, size_t n) {
    mapblock_alloc(to, n);
    for (size_t i = 0; i < n; i++)
        if (from[i].bytes > 0) memcpy(mapblock_pointer(&to[i]), mapblock_pointer(&from[i]), from[i].bytes);
}

FlowMap mapblock_keep_flows(const FlowMap *m) {
    FlowMap old = *m, kept = *m;
    MapArray from[MAPBLOCK_MAX], to[MAPBLOCK_MAX];
    size_t n = mapblock_flow_arrays(&old, from);
    mapblock_flow_arrays(&kept, to);
    copy_arrays(from, to, n);
    kept.index = NULL;
    return kept;
}

FeatureMap *mapblock_keep_features(const FeatureMap *m) {
    FeatureMap old = *m, *kept = MEM_NEW(FeatureMap, 1);
    MapArray from[MAPBLOCK_MAX], to[MAPBLOCK_MAX];
    *kept = *m;
    size_t n = mapblock_feature_arrays(&old, from);
    mapblock_feature_arrays(kept, to);
    copy_arrays(from, to, n);
    return kept;
}
