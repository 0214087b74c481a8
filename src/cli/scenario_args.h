/* scenario_args: the options that name network and traffic, the same for every command that takes
 * them. */
#ifndef M3_CLI_SCENARIO_ARGS_H
#define M3_CLI_SCENARIO_ARGS_H
#include "cli/cli.h"
#include "cli/topo_args.h"
#include "scenario/scenario.h"

/* The first rows of the options of such a command, in this order. set_example is part of the help
 * text of --set. */
enum {
    ARG_TOPO,
    ARG_MIX,
    ARG_MIX_ID,
    ARG_FLOWS,
    ARG_FLOW_COLUMNS,
    ARG_N_FLOWS,
    ARG_DURATION,
    ARG_LOAD,
    ARG_SET,
    ARG_TOPO_FIRST,
    SCENARIO_N_ARGS = ARG_TOPO_FIRST + TOPO_N_ARGS
};
#define SCENARIO_ARGS(set_example)                                                                 \
    [ARG_TOPO] =                                                                                   \
        {"topo", "FILE",                                                                           \
         "topology: Clos, cluster or graph JSON, HPCC topology.txt, GraphML, GML, or - for "       \
         "standard input\n(default: the mix's)",                                                   \
         "Input"},                                                                                 \
    [ARG_MIX] = {"mix", "FILE",                                                                    \
                 "workload and network settings: mix JSON, or - for standard input", "Input"},     \
    [ARG_MIX_ID] = {"mix-id", "N",                                                                 \
                    "which mix of a file with several: its \"id\" (default: the first)", "Input"}, \
    [ARG_FLOWS] = {"flows", "FILE",                                                                \
                   "flows to take instead of drawing them from the mix: CSV, binary, HPCC flow "   \
                   "file or\nhtsim matrix, or - for standard input",                               \
                   "Input"},                                                                       \
    [ARG_FLOW_COLUMNS] = {"flow-columns", "NAMES",                                                 \
                          "columns of a flow file without a header, e.g. "                         \
                          "src,dst,pg,dport,size,start",                                           \
                          "Input"},                                                                \
    [ARG_N_FLOWS] = {"n-flows", "N", "flows to draw (default: the mix's, else 1M)", "Input"},      \
    [ARG_DURATION] = {"duration", "TIME", "draw flows for that long instead, e.g. 5s", "Input"},   \
    [ARG_LOAD] = {"load", "KIND",                                                                  \
                  "max_load is on the busiest link of: routed flows, or polarised ones, as "       \
                  "published programs\nhave it (default: polarised for published mixes)",          \
                  "Input", linkload_routing_names},                                                \
    [ARG_SET] = {"set", "KEY=VALUE",                                                               \
                 "override a setting of the mix, e.g. " set_example                                \
                 "; repeatable;\n'm3 help settings' lists them",                                   \
                 "Input"},                                                                         \
    TOPO_ARGS(ARG_TOPO_FIRST)

/* What the options say. The texts are those of the command line and not copied, but for the paths
 * of topology and mix, which may be names of specs that come with m3. */
typedef struct {
    ScenarioOptions options; /* all but seed and threads */
    FlowColumns columns;     /* options.flow_columns, if given */
    char *topo, *mix;        /* = options.topo_path, options.mix_path */
    const char **set;        /* = options.set, NULL-ended */
    size_t n_set, set_cap;
} ScenarioArgs;

void scenario_args_init(ScenarioArgs *a);
void scenario_args_free(ScenarioArgs *a);
/* scenario_args_set takes the value of option `arg`, which is below SCENARIO_N_ARGS. */
int scenario_args_set(ScenarioArgs *a, int arg, const char *value, Err *err);
/* scenario_args_check refuses missing options, those that exclude each other, and a topology or mix
 * that is not there. `command` begins
 * the message. */
int scenario_args_check(const ScenarioArgs *a, const char *command, Err *err);
/* scenario_args_check_ranks refuses standard input as an input of several ranks, of which one only
 * has it; `more` is another input, or NULL. */
int scenario_args_check_ranks(const ScenarioArgs *a, const CliCommon *common, const char *more,
                              Err *err);
/* scenario_args_in_memory makes of the most flows that one process holds in memory what each of
 * several ranks on its machine does. 0 (all) stays 0. */
uint64_t scenario_args_in_memory(uint64_t most, const CliCommon *common);
#endif
