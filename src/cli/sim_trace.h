/* sim_trace: packet events of a simulation as CSV, of one flow or one port or all. */
#ifndef M3_CLI_SIM_TRACE_H
#define M3_CLI_SIM_TRACE_H
#include <stdio.h>

#include "traffic/flows.h"
#include "packet/pktsim.h"

typedef struct {
    FILE *f;
    const Topo *topo;
    const Flows *flows;
    uint64_t flow;     /* index in flows, UINT64_MAX: any */
    uint32_t from, to; /* nodes of the port's link, TOPO_NONE: any */
} SimTrace;

/* What --trace-flow and --trace-port name. −1 if there is no such flow, link. NULL texts: any. */
int sim_trace_init(SimTrace *t, FILE *f, const Topo *topo, const Flows *flows, const char *flow_id,
                   const char *port, Err *err);
void sim_trace_event(void *trace, const PktTraceEvent *e);
#endif
