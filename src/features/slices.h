/* slices: which flows of a long path take part in its fluid simulation, so that what a model is
 * told of the path hardly changes. */
#ifndef M3_FEATURES_SLICES_H
#define M3_FEATURES_SLICES_H
#include "model/flowfeat.h"
#include "path/path.h"

/* A path of at most this many flows is simulated whole. About half as many are measured on every
 * path, and a path of whose flows more than half take part is simulated whole anyway. */
enum { SLICES_MIN_FLOWS = 32768 };

/* A span of a path's time, both ends included. */
typedef struct {
    int64_t begin_ns, end_ns;
} TimeSlice;

/* The time slices of one path. In simulated ones every flow takes part: around each foreground flow
 * that is described, and around each probe. Measured ones, around the probes, lie within simulated
 * ones: slowdowns of flows that start in them count as samples of all flows of the links. */
typedef struct {
    size_t n_simulated, n_measured;
    TimeSlice *simulated; /* [n_simulated] ascending, no two touch */
    TimeSlice *measured;  /* [n_measured] ascending, no two touch */
    double horizon;       /* of a flow, in units of the time that it takes alone */
    double mean_bits;     /* of the path's flows, on the wire */
} Slices;

/* slices_plan sets the slices of a path for what `plan` asks for; end_ns[k] is how long sampled
 * flow k of the plan is assumed to last, if it is a foreground flow (others' are not read). Arrays
 * are taken from `a`. */
void slices_plan(Slices *s, const PathView *path, const FlowFeatPlan *plan, const int64_t *end_ns,
                 Arena *a);

/* The flows that are simulated in place of all of a path's: those within the horizon of a slice as
 * they are, and merged flows that carry the bits of the others. */
typedef struct {
    size_t n, most;    /* flows that there are, and may be */
    size_t capacity;   /* that there is room for */
    LotFlow *flows;    /* [n] ascending by start_ns */
    uint32_t *index;   /* [n] into the path's flows, ascending; SLICES_MERGED: merged flow */
    uint8_t *measured; /* [n] 1: the flow starts in a measured slice */
    Arena *arena;
} SlicedFlows;
#define SLICES_MERGED UINT32_MAX

/* slices_flows_init makes *out no flows, of at most `most`. Memory is taken from `a`, and more when
 * it takes more. */
void slices_flows_init(SlicedFlows *out, size_t most, Arena *a);

/* One pass over a path's flows in order of start, any number of them at a time. */
typedef struct {
    const Slices *slices;
    const Lot *lot;
    struct SliceGroup *groups;  /* [(n_links + 1)²] flows by first and last link */
    size_t simulated, measured; /* the first slice of each kind that is not over yet */
    size_t n_passed;            /* flows so far */
} SliceWalk;

/* slices_walk_init begins a pass; memory is taken from `a`, and slices and lot must outlive it. */
void slices_walk_init(SliceWalk *w, const Slices *s, const Lot *lot, Arena *a);
/* slices_walk_add passes the path's next n flows and appends to `out` those that take part and the
 * merged flows that begin. Returns false if these are more than `out` may have; the pass is then
 * over. */
bool slices_walk_add(SliceWalk *w, const LotFlow *flows, size_t n, SlicedFlows *out);
#endif
