/* featarrays: features as lists of arrays.
 *
 * The one place that knows which arrays a map has and how long they are. Copying, saving and
 * loading go through the list, so an array added to a map is added here and nowhere else. */
#include "model/featarrays.h"
#include "traffic/sizebucket.h"

#include <string.h>

enum { ALIGNMENT = 8 }; /* of each array in a block: what doubles need */

size_t featarrays_flow_arrays(FlowFeat *m, FeatArray out[FEATARRAYS_MAX]) {
    size_t n_links = m->n_links, n_flows = m->n_flows;
    const FeatArray all[] = {
        {&m->link, n_links * FLOWFEAT_N_LINK * sizeof *m->link, FEATARRAY_FLOATS},
        {&m->path, FLOWFEAT_N_PATH * sizeof *m->path, FEATARRAY_FLOATS},
        {&m->flow, n_flows * FLOWFEAT_N_FLOW * sizeof *m->flow, FEATARRAY_FLOATS},
        {&m->base, n_flows * sizeof *m->base, FEATARRAY_FLOATS},
        {&m->bucket, n_flows * sizeof *m->bucket, FEATARRAY_INTEGERS},
        {&m->fluid, n_flows * sizeof *m->fluid, FEATARRAY_FLOATS},
        {&m->state, n_flows * n_links * sizeof *m->state, FEATARRAY_FLOATS},
        {&m->ideal, n_flows * sizeof *m->ideal, FEATARRAY_DOUBLES},
        {&m->rate, n_links * sizeof *m->rate, FEATARRAY_DOUBLES}};
    memcpy(out, all, sizeof all);
    return sizeof all / sizeof *all;
}

size_t featarrays_feature_arrays(PathFeat *m, FeatArray out[FEATARRAYS_MAX]) {
    size_t n_rows = m->n_rows;
    const FeatArray all[] = {
        {&m->pct, n_rows * PATHFEAT_N_PCT * sizeof *m->pct, FEATARRAY_FLOATS},
        {&m->count, n_rows * SIZEBUCKET_N_FINE * sizeof *m->count, FEATARRAY_INTEGERS},
        {&m->present, n_rows * sizeof *m->present, FEATARRAY_INTEGERS}};
    memcpy(out, all, sizeof all);
    return sizeof all / sizeof *all;
}

static size_t aligned(size_t n) { return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

void *featarrays_pointer(const FeatArray *a) {
    void *p;
    memcpy(&p, a->at, sizeof p); /* whatever it points to */
    return p;
}

void featarrays_alloc(const FeatArray *arrays, size_t n) {
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n; i++) total += aligned(arrays[i].bytes);
    char *block = mem_alloc(total, 1);
    for (size_t i = 0; i < n; i++) {
        char *p = block + at;
        memcpy(arrays[i].at, &p, sizeof p);
        at += aligned(arrays[i].bytes);
    }
}

static void copy_arrays(const FeatArray *from, const FeatArray *to, size_t n) {
    featarrays_alloc(to, n);
    for (size_t i = 0; i < n; i++)
        if (from[i].bytes > 0)
            memcpy(featarrays_pointer(&to[i]), featarrays_pointer(&from[i]), from[i].bytes);
}

FlowFeat featarrays_keep_flows(const FlowFeat *m) {
    FlowFeat old = *m, kept = *m;
    FeatArray from[FEATARRAYS_MAX], to[FEATARRAYS_MAX];
    size_t n = featarrays_flow_arrays(&old, from);
    featarrays_flow_arrays(&kept, to);
    copy_arrays(from, to, n);
    kept.index = NULL;
    return kept;
}

PathFeat *featarrays_keep_features(const PathFeat *m) {
    PathFeat old = *m, *kept = MEM_NEW(PathFeat, 1);
    FeatArray from[FEATARRAYS_MAX], to[FEATARRAYS_MAX];
    *kept = *m;
    size_t n = featarrays_feature_arrays(&old, from);
    featarrays_feature_arrays(kept, to);
    copy_arrays(from, to, n);
    return kept;
}
