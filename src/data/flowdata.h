/* flowdata: training data for the flow model: FlowFeats of paths drawn from simulated networks, and
 * what their flows really took. */
#ifndef M3_DATA_FLOWDATA_H
#define M3_DATA_FLOWDATA_H
#include <stddef.h>
#include <stdint.h>

#include "base/ranks.h"
#include "data/pathdata.h"
#include "model/flowfeat.h"
#include "traffic/sizebucket.h"

typedef struct {
    const char *networks; /* folder of simulated networks (data/netdir.h) */
    const char *out;      /* directory to write */
    uint64_t n_paths;     /* drawn per network, with replacement */
    uint64_t max_flows;   /* foreground flows kept per path */
    uint64_t seed;
    int threads;
    Ranks *ranks; /* that share the networks; NULL: alone */
} FlowDataOptions;
typedef struct {
    size_t n_networks, n_paths, n_links, n_flows; /* paths are unique ones */
    size_t n_unfinished;                          /* flows left out since they did not finish */
} FlowDataInfo;

/* Draws paths from each network, and writes the arrays and manifest.json. A network's paths are a
 * function of its files, its name and the seed; a path without a finished flow is left out. Of
 * several ranks the first writes, and it alone has *info. */
int flowdata_make(const FlowDataOptions *o, const Log *log, FlowDataInfo *info, Err *err);

/* The arrays, in <name>.npy each. Links of path p are link_start[p] … link_start[p+1] − 1, its
 * flows likewise. */
enum {
    FLOWDATA_LINK_START,
    FLOWDATA_LINK,
    FLOWDATA_PATH,
    FLOWDATA_FLOW_START,
    FLOWDATA_FLOW,
    FLOWDATA_BASE,   /* what the model corrects: fluid slowdown, or what the window alone allows */
    FLOWDATA_TRUTH,  /* true slowdown: completion time over ideal */
    FLOWDATA_BUCKET, /* output bucket of a flow */
    FLOWDATA_NET,    /* network of a path: place in the manifest's list */
    FLOWDATA_DRAWS,  /* how often a path was drawn */
    FLOWDATA_BUCKET_COUNT, /* foreground flows of a path per bucket, of which its flows here are all
                              or an even sample */
    FLOWDATA_N_ARRAYS
};
typedef struct {
    const char *name;
    NpyType type;
    uint64_t n_cols;
    enum {
        FLOWDATA_PER_PATH,
        FLOWDATA_PER_PATH_AND_END,
        FLOWDATA_PER_LINK,
        FLOWDATA_PER_FLOW
    } rows;
} FlowDataArray;
extern const FlowDataArray flowdata_arrays[FLOWDATA_N_ARRAYS];

/* A feature's values over the data set: for standardisation, and to tell what is out of range. */
typedef struct {
    double min, max, mean, std;
} FlowDataRange;

/* A data set, mapped. */
typedef struct {
    size_t n_networks, n_paths, n_links, n_flows;
    const uint32_t *link_start, *flow_start, *net, *draws, *bucket_count;
    const float *link, *path, *flow, *base, *truth;
    const uint8_t *bucket;
    char **network; /* [n_networks] names */
    FlowDataRange link_range[FLOWFEAT_N_LINK], path_range[FLOWFEAT_N_PATH],
        flow_range[FLOWFEAT_N_FLOW];
    char digest[65]; /* SHA-256 of the manifest */
    Npy arrays[FLOWDATA_N_ARRAYS];
} FlowData;
int flowdata_load(FlowData *d, const char *dir, Err *err);
void flowdata_free(FlowData *d);
/* Path i, pointing into the data set: not to be changed. ->index is NULL. */
FlowFeat flowdata_map(const FlowData *d, size_t i);
/* What one flow of path i stands for in its network's distribution, by bucket: the path weighs as
 * often as it was drawn, and within it a flow weighs as many flows of its bucket as there are for
 * each in the data. */
void flowdata_weights(const FlowData *d, size_t i, double weight[SIZEBUCKET_N]);
/* Indices of the paths of networks on one side of the split, ascending; caller frees. */
uint32_t *flowdata_select(const FlowData *d, const DataSplit *s, bool held_out, size_t *n);
#endif
