/* flowsim: max-min fair fluid simulation of a parking lot. */
#ifndef M3_FLUID_FLOWSIM_H
#define M3_FLUID_FLOWSIM_H
#include "base/mem.h"
#include "path/arrivals.h"
#include "path/lot.h"

/* Counts of one run. */
typedef struct {
    uint64_t events; /* arrivals and completions: 2 n */
    uint64_t fills;  /* computations of max-min rates */
    uint32_t max_active;
} FlowsimStats;

/* flowsim_run simulates the n flows of a lot, ascending by start_ns, and fills fct_ns[n] with their
 * completion times (completion − arrival, in ns). Every flow sends wire_bits of its size and is
 * served at its max-min fair rate, which its cap_bps and its links limit; the lot's host rate and
 * delays play no part. If a flow arrives at the time at which another completes, the completion
 * goes first. Scratch memory is taken from `a`; stats may be NULL. This is the paper's flowSim;
 * flowsim.c has the algorithm. */
void flowsim_run(const Lot *lot, const LotFlow *flows, size_t n, double *fct_ns,
                 FlowsimStats *stats, Arena *a);

/* flowsim_run_sampled is flowsim_run that also fills sample->state with the state of the lot's
 * links at the arrival of the sampled flows; sample may be NULL. Each sampled flow costs a pass
 * over the flows active then. Flows that start at the same time see each other in the order of
 * `flows`, at rates from before the first of them. */
void flowsim_run_sampled(const Lot *lot, const LotFlow *flows, size_t n, double *fct_ns,
                         const ArrivalSample *sample, FlowsimStats *stats, Arena *a);
#endif
