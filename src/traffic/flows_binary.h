/* flows_binary: binary flow files (.m3f; spec/README.md describes the layout). */
#ifndef M3_TRAFFIC_FLOWS_BINARY_H
#define M3_TRAFFIC_FLOWS_BINARY_H
#include <stdbool.h>

#include "base/file.h"
#include "traffic/flows.h"

/* flows_binary_is returns whether a file is a binary flow file, by its first bytes. */
bool flows_binary_is(const FileView *v);
/* flows_binary_read_sizes reads the flows of the viewed file `path` for callers that need no hosts:
 * src and dst are 0. */
int flows_binary_read_sizes(Flows *f, const FileView *v, const char *path, Err *err);
/* flows_binary_save writes a binary flow file. Hosts are written as the node ids of `t` (NULL: as
 * they are). */
int flows_binary_save(const Flows *f, const char *path, const Topo *t, Err *err);
#endif
