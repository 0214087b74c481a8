/* flows_after: what flows of a text file wait for, and which jobs they are of. Private to the
 * readers of flow files. */
#ifndef M3_TRAFFIC_FLOWS_AFTER_H
#define M3_TRAFFIC_FLOWS_AFTER_H
#include "traffic/flows.h"

/* What stands in the columns after, delay_ns and job of a row; texts lie in the file. */
typedef struct {
    const char *after, *job;
    uint32_t n_after, n_job; /* bytes */
    int64_t delay_ns;
    size_t line;
} FlowAfterRow;
typedef struct {
    FlowAfterRow *row;
    size_t cap;
} FlowAfterRows;

/* flows_after_row returns the row of flow i, all zero at first. */
FlowAfterRow *flows_after_row(FlowAfterRows *r, size_t i);

/* flows_after_graph makes f->graph of the rows of all flows, and releases them. −1 with an input
 * error that names the line: an id that no flow or several have, or flows that wait for each other
 * in a circle. */
int flows_after_graph(FlowAfterRows *r, Flows *f, const char *path, Err *err);
#endif
