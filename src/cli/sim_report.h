/* sim_report: what m3 simulate says about a run, as a table and as JSON. */
#ifndef M3_CLI_SIM_REPORT_H
#define M3_CLI_SIM_REPORT_H
#include <stdio.h>

#include "scenario/scenario.h"
#include "cli/cli.h"
#include "packet/pktsim.h"

typedef struct {
    const Scenario *scenario; /* flows with fct_ns and ideal_fct_ns */
    const PktStats *stats;
    const CliCommon *common;
    const char *cc;
    bool compat;
    double wall_total_s;
} SimReport;

void sim_report_table(FILE *f, const SimReport *r);
void sim_report_json(FILE *f, const SimReport *r);
#endif
