/* pathsample: one path scenario with known completion times → samples for training. */
#ifndef M3_DATA_PATHSAMPLE_H
#define M3_DATA_PATHSAMPLE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "model/pathfeat.h"
#include "traffic/sizebucket.h"

/* A parking lot of the published shape, its settings and its flows, with fct_ns and ideal_fct_ns.
 */
typedef struct {
    uint32_t n_links;
    NetConf conf;
    Flows flows;
} PathScenario;
/* scenario.json: n_links and conf. Then flows.csv, of which at least one foreground flow must have
 * finished. */
int pathscenario_settings(PathScenario *s, const char *path, Err *err);
int pathscenario_flows(PathScenario *s, const char *path, Err *err); /* release with flows_free */

/* A scenario after fluid simulation. */
typedef struct {
    const PathScenario *scenario;
    Lot lot;
    LotFlow *flows;
    float *slowdown;
    Arena *a;
} PathSim;
void pathsim_run(PathSim *sim, const PathScenario *s, Arena *a);

/* What is seen of a simulation: flows [first, first + n), as they count in the feature map. `keep`
 * false: a foreground flow that is not counted as such. */
typedef struct {
    size_t first, n;
    LotFlow *flows; /* [n] */
    bool *keep;     /* [n] */
} SampleView;
SampleView sampleview_whole(const PathSim *sim);
SampleView sampleview_draw(const PathSim *sim, Rng *rng);

/* Everything of one sample but its rows. All fields are 4 bytes wide: no padding, so that it may be
 * written as it is. */
typedef struct {
    uint32_t n_rows;
    float conf[PATHFEAT_N_CONF], base[PATHFEAT_N_BASE], truth[PATHFEAT_N_BASE];
    uint32_t base_count[SIZEBUCKET_N], truth_count[SIZEBUCKET_N];
} SampleHead;
/* *pct [n_rows × 1000] and *present [n_rows] are taken from sim->a. */
void sampleview_sample(const PathSim *sim, const SampleView *v, SampleHead *h, float **pct,
                       uint16_t **present);

/* Percentiles of the true slowdown fct/ideal per output bucket, over the flows [first, first + n)
 * that run from position 0 to n_links and finished. Empty buckets have count 0 and ones. keep
 * (NULL: all) as above. */
void pathsample_truth(const Flows *f, size_t first, size_t n, uint32_t n_links, const bool *keep,
                      float pct[PATHFEAT_N_BASE], uint32_t count[SIZEBUCKET_N], Arena *a);
#endif
