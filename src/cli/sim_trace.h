/* sim_trace: packet events of a simulation as CSV, of one flow, one port or all. */
#ifndef M3_CLI_SIM_TRACE_H
#define M3_CLI_SIM_TRACE_H
#include <stdio.h>

#include "packet/pktsim.h"
#include "traffic/flows.h"

typedef struct {
    FILE *f;
    const Topo *topo;
    const Flows *flows;
    uint64_t flow;     /* index in flows; UINT64_MAX: every flow */
    uint32_t from, to; /* nodes of the port's link; TOPO_NONE: every port */
} SimTrace;

/* sim_trace_init writes the CSV's header to f and finds the flow that --trace-flow names
 * (`flow_id`) and the link that --trace-port names (`port`, "FROM-TO"); NULL: all. Topology and
 * flows must outlive t. −1 with err if there is no such flow or link. */
int sim_trace_init(SimTrace *t, FILE *f, const Topo *topo, const Flows *flows, const char *flow_id,
                   const char *port, Err *err);
/* sim_trace_event writes one event if it is of that flow and port; it is PktOptions.trace, with the
 * SimTrace as its context. */
void sim_trace_event(void *trace, const PktTraceEvent *e);
#endif
