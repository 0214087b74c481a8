/* flows_binary: binary flow files (.m3f; spec/README.md describes the layout). */
#ifndef M3_TRAFFIC_FLOWS_BINARY_H
#define M3_TRAFFIC_FLOWS_BINARY_H
#include <stdbool.h>

#include "base/file.h"
#include "traffic/flows.h"

/* flows_binary_is returns whether a file is a binary flow file, by its first bytes. */
bool flows_binary_is(const FileView *v);
/* flows_binary_save writes a binary flow file. Hosts are written as the node ids of `t` (NULL: as
 * they are). */
int flows_binary_save(const Flows *f, const char *path, const Topo *t, Err *err);
#endif
