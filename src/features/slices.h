/* slices: which flows of a long path have to be simulated for what somebody looks at. */
#ifndef M3_FEATURES_SLICES_H
#define M3_FEATURES_SLICES_H
#include "model/flowfeat.h"
#include "path/path.h"

/* A path of at most this many flows is simulated whole, as is one of whose flows more than half
 * would take part. */
enum { SLICES_MIN_FLOWS = 32768 };

typedef struct {
    int64_t begin_ns, end_ns; /* both included */
} TimeSlice;

/* Of a long path only slices of time are looked at: around the foreground flows that are watched,
 * from ten round trips before each until a round trip after its end; and around the probes, where
 * the slowdowns of a run of successive flows count for the links. */
typedef struct {
    size_t n_simulated_slices, n_measured_slices;
    TimeSlice *looked,
        *counted;     /* ascending, apart from each other; counted ones lie within looked at ones */
    double horizon;   /* of a flow: how often the time it takes alone */
    double mean_bits; /* of the path's flows */
} Slices;

/* end_ns[k]: until when watched flow k of the plan is looked at, if it is a foreground flow. In
 * `a`. */
void slices_plan(Slices *s, const PathView *path, const FlowFeatPlan *plan, const int64_t *end_ns,
                 Arena *a);

/* What is simulated instead of a path's flows: those near slices as they are, of those between
 * some, and lumps of the rest. */
typedef struct {
    size_t n, capacity;
    LotFlow *flows;   /* [room] ascending by start_ns */
    uint32_t *index;  /* [room] into the path's flows; ascending but for SLICES_MERGED */
    uint8_t *counted; /* [room] 1: slowdown counts for the links */
} SlicedFlows;
#define SLICES_MERGED UINT32_MAX

/* All in `a`; n = 0. */
void slicedflows_init(SlicedFlows *out, size_t room, Arena *a);

/* A walk along a path's flows, any number at a time. */
typedef struct {
    const Slices *slices;
    const Lot *lot;
    struct SliceGroup *groups; /* [(n_links + 1)²] */
    size_t looked, counted;    /* the first time slice not over yet */
    size_t n_passed;           /* flows so far */
} SliceWalk;

/* In `a`; slices and lot are to outlive it. */
void slicewalk_init(SliceWalk *w, const Slices *s, const Lot *lot, Arena *a);
/* Passes the path's next n flows and appends what takes part; false: there was no room for it, and
 * the walk is over. */
bool slicewalk_add(SliceWalk *w, const LotFlow *flows, size_t n, SlicedFlows *out);
#endif
