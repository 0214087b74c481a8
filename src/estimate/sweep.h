/* sweep: one network under many settings; what they share is computed once. */
#ifndef M3_ESTIMATE_SWEEP_H
#define M3_ESTIMATE_SWEEP_H
#include "estimate/estimate.h"
#include "scenario/grid.h"

/* ORDER STAGE: the most that had to be computed for a setting, which includes all before it. */
typedef enum {
    SWEEP_MODEL,  /* the model ran */
    SWEEP_FLUID,  /* the paths were simulated */
    SWEEP_TRAFFIC /* the flows were loaded or drawn, and paths drawn */
} SweepStage;

/* What makes one row better than another: quantile k (RESULT_P50 …) of distribution `dist` (ORDER
 * BUCKET) is lower. */
typedef struct {
    int dist, k;
} SweepRank;

typedef struct {
    size_t combination; /* in the grid */
    NetConf conf;
    SweepStage computed;
    Estimate estimate; /* with its check, if packet windows were simulated under this setting */
    bool corrected;    /* by what windows under other settings show */
    double wall_s;     /* of applying the setting and predicting */
} SweepRow;

typedef struct {
    SweepRow *rows; /* [n] in the grid's order, without those that equal an earlier one in effect */
    size_t n;
    char *topo;       /* file or name; NULL: from features */
    size_t n_traffic; /* times that flows were loaded or drawn */
    size_t n_fluid;   /* times that paths were simulated */
    size_t n_checked; /* rows with packet windows */
    double wall_traffic_s, wall_fluid_s, wall_predict_s, wall_check_s;
} Sweep;

/* sweep_run fills *s with every combination of the grid on top of `so`, whose own `set` is not
 * used. Without windows of packet simulation each row is estimated as estimate_run would with the
 * same settings, to the bit; windows are simulated under a few settings, those that rank first or
 * are least certain, and correct the others as well (sweep_check.h). Settings
 * that differ in traffic get flows of their own; of the others, those that may share a fluid
 * simulation (features_reusable_under) share it. A combination that has the effect of an earlier
 * one (it differs in a parameter of another congestion control) makes no row. Returns −1 on
 * METHOD_PACKET, on an axis that could make no difference, on bad input, and if interrupted. The
 * caller frees *s with sweep_free, also after −1. */
int sweep_run(Sweep *s, const Grid *g, const ScenarioOptions *so, const EstimateOptions *eo,
              SweepRank rank, const Log *log, Err *err);
/* sweep_features does as sweep_run from features that were computed before, and with the windows
 * that are in them; the grid may vary settings of the network only. *f is left with the settings of
 * the last row. */
int sweep_features(Sweep *s, const Grid *g, Features *f, const EstimateOptions *eo, const Log *log,
                   Err *err);
/* sweep_free releases the rows. */
void sweep_free(Sweep *s);
/* sweep_applies returns whether the key of this axis has an effect in the row. */
bool sweep_applies(const SweepRow *row, const GridAxis *axis);
/* sweep_best returns the index of the row that ranks first, the first of equal ones; s->n if no row
 * has flows there. */
size_t sweep_best(const Sweep *s, SweepRank rank);
#endif
