/* Describes the topology in `path` to out_path (NULL: standard output), as text or JSON. */
#ifndef M3_CLI_TOPO_SHOW_H
#define M3_CLI_TOPO_SHOW_H
#include <stdbool.h>

#include "base/diag.h"

int topo_show(const char *path, bool json, const char *out_path, Err *err);
#endif
