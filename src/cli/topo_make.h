/* topo_make: the subcommands of m3 topo that make topologies, one for each shape. */
#ifndef M3_CLI_TOPO_MAKE_H
#define M3_CLI_TOPO_MAKE_H
#include "cli/cli.h"

/* In the order of `shapes` (net/shape.h), ended by NULL. */
extern const CliCommand *const topo_make_commands[];
#endif
