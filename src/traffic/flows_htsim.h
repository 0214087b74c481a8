/* flows_htsim: htsim's connection matrices (.cm). */
#ifndef M3_TRAFFIC_FLOWS_HTSIM_H
#define M3_TRAFFIC_FLOWS_HTSIM_H
#include <stdbool.h>
#include <stddef.h>

#include "traffic/flows.h"
#include "traffic/flows_private.h"

/* flows_htsim_is returns whether text is a connection matrix: it begins with the word Nodes. */
bool flows_htsim_is(const char *text, const char *end);
/* flows_htsim_read reads the text of the file e->path from its line `line` on. Node n is host n of
 * the topology, or position n of the path. Starts are in ps and rounded to ns, sizes in bytes. −1
 * with an input error that names the line; flows that wait for others are refused. Flows are in the
 * order of the file, and *disorder_line is the first line that starts before the flow above it (0:
 * none); flows_free releases, also after −1. */
int flows_htsim_read(Flows *f, const char *text, const char *end, size_t line, const FlowEnds *e,
                     size_t *disorder_line, Err *err);
#endif
