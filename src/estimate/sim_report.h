/* sim_report: what m3 simulate says about a run, as a table and as JSON. */
#ifndef M3_ESTIMATE_SIM_REPORT_H
#define M3_ESTIMATE_SIM_REPORT_H
#include <stdio.h>

#include "base/diag.h"
#include "packet/pktsim.h"
#include "scenario/scenario.h"

/* What there is to say; everything stays the caller's. */
typedef struct {
    const Scenario *scenario; /* its flows have fct_ns and ideal_fct_ns */
    const PktStats *stats;
    const char *command; /* NULL: none */
    uint64_t seed;
    const char *cc; /* congestion control */
    bool compat;    /* --compat hpcc-ns3 */
    double wall_total_s;
    const LinkStats *links; /* [n_links] NULL: none asked for */
    uint32_t n_top_links;   /* to list one by one */
    bool parallel; /* say how the run was divided among threads: no result, as speed is none */
} SimReport;

/* sim_report_table prints slowdowns by flow size and the counts of the run for people;
 * sim_report_json the same as one JSON object, schema m3.simulate/1. */
void sim_report_table(FILE *f, const SimReport *r);
void sim_report_json(FILE *f, const SimReport *r);
#endif
