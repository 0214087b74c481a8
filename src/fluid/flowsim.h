/* flowsim: fluid (max-min fair) simulation of one parking lot. */
#ifndef M3_FLUID_FLOWSIM_H
#define M3_FLUID_FLOWSIM_H
#include "base/mem.h"
#include "path/path.h"
#include "path/arrivals.h"

/* Counts of one run, for benches and remarks. */
typedef struct {
    uint64_t events, fills; /* arrivals + completions; max-min allocations computed */
    uint32_t max_active;
} FlowsimStats;

/* fct_ns[i] = completion − arrival of flows[i] (ascending start_ns) under max-min fair sharing with
 * each flow capped at its cap_bps, sending wire_bits(size). An arrival and a completion at the
 * same time: the completion goes first. Cost per event does not depend on the number of active
 * flows beyond a logarithm. Scratch comes from `a` (not reset). `stats` may be NULL. Docs: PIPELINE
 * §4. */
void flowsim_run(const Lot *lot, const LotFlow *flows, size_t n, double *fct_ns,
                 FlowsimStats *stats, Arena *a);

/* The same, also filling watch->state (watch may be NULL). Each watched flow costs a walk over the
 * flows active then. */
void flowsim_run_sampled(const Lot *lot, const LotFlow *flows, size_t n, double *fct_ns,
                         const ArrivalSample *arrivals, FlowsimStats *stats, Arena *a);
#endif
