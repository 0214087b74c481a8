/* topo_show: describes a topology to people and programs. */
#ifndef M3_CLI_TOPO_SHOW_H
#define M3_CLI_TOPO_SHOW_H
#include <stdbool.h>

#include "base/diag.h"
#include "net/topo_load.h"

/* topo_show reads the topology in `path` and writes its description, text or JSON, to out_path
 * (NULL: standard output): nodes, racks, cables by tier, rate and delay, oversubscription of each
 * tier, longest path. −1 with err. */
int topo_show(const char *path, const TopoLoadOptions *o, bool json, const char *out_path,
              Err *err);
#endif
