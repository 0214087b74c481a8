/* sweep: one network under many settings; what they share is computed once. */
#ifndef M3_ESTIMATE_SWEEP_H
#define M3_ESTIMATE_SWEEP_H
#include "estimate/estimate.h"
#include "scenario/grid.h"

/* What a setting took to answer; each includes those before it. */
typedef enum {
    SWEEP_MODEL,  /* the model was asked */
    SWEEP_FLUID,  /* the paths were simulated */
    SWEEP_TRAFFIC /* the flows were loaded or drawn, and paths drawn */
} SweepStage;
const char *sweep_stage_name(SweepStage s); /* "model", "fluid", "traffic" */

typedef struct {
    size_t combination; /* in the grid */
    NetConf conf;
    SweepStage computed;
    Estimate estimate;
    double wall_s; /* of applying the setting and asking */
} SweepRow;

typedef struct {
    SweepRow *rows; /* [n] in the grid's order, without those that equal an earlier one in effect */
    size_t n;
    char *topo;       /* file or name; NULL: from features */
    size_t n_traffic; /* times that flows were loaded or drawn */
    size_t n_fluid;   /* times that paths were simulated */
    double wall_traffic_s, wall_fluid_s, wall_ask_s;
} Sweep;

/* Every combination of the grid on top of `so`, whose own `set` is not used, estimated as
 * estimate_run would with the same settings, to the bit. Settings that differ in traffic get flows
 * of their own; of the others, those that share their fluid simulation (features_reusable_under)
 * share it. A setting without effect (another congestion control's) does not make a row of its own.
 * METHOD_PACKET is refused, and what could only be the same in all rows. sweep_free releases, also
 * after −1. */
int sweep_run(Sweep *s, const Grid *g, const ScenarioOptions *so, const EstimateOptions *eo,
              const Log *log, Err *err);
/* The same from features that are there: settings of the network only. *f is left with the settings
 * of the last row. */
int sweep_features(Sweep *s, const Grid *g, Features *f, const EstimateOptions *eo, const Log *log,
                   Err *err);
void sweep_free(Sweep *s);
/* Whether the key of this axis has an effect in the row. */
bool sweep_applies(const SweepRow *row, const GridAxis *axis);
/* The row with the smallest quantile k (report_quantile) of distribution `dist` (report_dist); the
 * first of equal ones; n if none has any.
 */
size_t sweep_best(const Sweep *s, int dist, int k);
#endif
