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

/* FCT over ideal FCT, clipped below at 1: (fct + base) / (bits/b + base), b = the least of the
 * lot's host_rate_bps, the flow's own cap and the rates of its links. `base` is the unloaded
 * latency of the first packet: published formula if lot->published, else from the lot's rates and
 * delays. */
double flowsim_slowdown(const Lot *lot, const LotFlow *f, double fct_ns);
double flowsim_base_ns(const Lot *lot, const LotFlow *f);
/* slowdown[i] of flows[i] with fct_ns[i], for a whole lot at a time. */
void flowsim_slowdowns(const Lot *lot, const LotFlow *flows, size_t n, const double *fct_ns,
                       float *slowdown);
#endif
