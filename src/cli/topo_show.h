/* topo_show: describes a topology to people and programs. */
#ifndef M3_CLI_TOPO_SHOW_H
#define M3_CLI_TOPO_SHOW_H
#include "base/diag.h"
#include "net/topo_load.h"

typedef enum { TOPO_SHOW_TEXT, TOPO_SHOW_JSON, TOPO_SHOW_DOT } TopoShowAs;

/* topo_show reads the topology in `path` and writes its description to out_path (NULL: standard
 * output): nodes, racks, cables by tier, rate and delay, oversubscription of each tier, longest
 * path, and whether PFC could deadlock; or a drawing (topo_dot). −1 with err. */
int topo_show(const char *path, const TopoLoadOptions *o, uint64_t seed, TopoShowAs as,
              const char *out_path, Err *err);

/* topo_show_load loads a topology and applies its faults and those of the options; it remarks on
 * what is missing. topo_free releases. */
int topo_show_load(Topo *t, const char *path, const TopoLoadOptions *o, uint64_t seed, Err *err);
#endif
