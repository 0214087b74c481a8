/* spells: which flows of a long path have to be simulated for what somebody looks at. */
#ifndef M3_APP_SPELLS_H
#define M3_APP_SPELLS_H
#include "model/flowmap.h"

/* A path of at most this many flows is simulated whole, as is one of whose flows more than half would take part. */
enum { SPELLS_WHOLE = 32768 };

typedef struct {
    int64_t begin_ns, end_ns; /* both included */
} Spell;

/* Of a long path only spells of time are looked at: around the foreground flows that are watched, from ten round trips before
 * each until a round trip after its end; and around the probes, where the slowdowns of a run of successive flows count
 * for the links. */
typedef struct {
    size_t n_looked, n_counted;
    Spell *looked, *counted; /* ascending, apart from each other; counted ones lie within looked at ones */
    double reach;            /* of a flow: how often the time it takes alone */
    double mean_bits;        /* of the path's flows */
} Spells;

/* end_ns[k]: until when watched flow k of the plan is looked at, if it is a foreground flow. `all`: of these flows. In `a`. */
void spells_make(Spells *s, const Lot *lot, const LotFlow *flows, size_t n, const FlowmapPlan *plan, const int64_t *end_ns,
                 const FlowmapTraffic *all, Arena *a);

/* What is simulated instead of a path's flows: those near spells as they are, of those between some, and lumps of the rest. */
typedef struct {
    size_t n;
    LotFlow *flows;   /* [n] ascending by start_ns */
    uint32_t *index;  /* [n] into the path's flows; ascending but for SPELLS_LUMP */
    uint8_t *counted; /* [n] 1: slowdown counts for the links */
} SpellFlows;
#define SPELLS_LUMP UINT32_MAX

/* out: room for n flows is the caller's. */
void spells_take(const Spells *s, const Lot *lot, const LotFlow *flows, size_t n, SpellFlows *out);
#endif
