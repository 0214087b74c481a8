/* scenario_args: the options by which a command is told its network and traffic; shared by estimate
 * and simulate. */
#ifndef M3_CLI_SCENARIO_ARGS_H
#define M3_CLI_SCENARIO_ARGS_H
#include "scenario/scenario.h"
#include "cli/cli.h"

/* The first rows of such a command's options, in this order; `set_example` ends the help of --set.
 */
enum {
    ARG_TOPO,
    ARG_MIX,
    ARG_MIX_ID,
    ARG_FLOWS,
    ARG_N_FLOWS,
    ARG_DURATION,
    ARG_SET,
    SCENARIO_N_ARGS
};
#define SCENARIO_ARGS(set_example)                                                                 \
    [ARG_TOPO] = {"topo", "FILE",                                                                  \
                  "topology: cluster JSON, Clos or nodes/links JSON, HPCC topology.txt (default: " \
                  "the mix's)",                                                                    \
                  "Input"},                                                                        \
    [ARG_MIX] = {"mix", "FILE", "workload and network settings: mix JSON", "Input"},               \
    [ARG_MIX_ID] = {"mix-id", "N",                                                                 \
                    "which mix of a file with several: its \"id\" (default: the first)", "Input"}, \
    [ARG_FLOWS] =                                                                                  \
        {"flows", "FILE",                                                                          \
         "flows to take instead of drawing them from the mix: CSV, binary or HPCC flow file",      \
         "Input"},                                                                                 \
    [ARG_N_FLOWS] = {"n-flows", "N", "flows to draw (default: the mix's, else 1M)", "Input"},      \
    [ARG_DURATION] = {"duration", "TIME", "draw flows for that long instead, e.g. 5s", "Input"},   \
    [ARG_SET] = {"set", "KEY=VALUE",                                                               \
                 "override a setting of the mix, e.g. " set_example "; repeatable", "Input"}

/* Values stay the command line's. scenario_args_free releases the list of settings. */
typedef struct {
    ScenarioOptions options; /* all but seed and threads */
    const char **set;        /* = options.set, NULL-ended */
    size_t n_set, set_cap;
} ScenarioArgs;
void scenario_args_init(ScenarioArgs *a);
void scenario_args_free(ScenarioArgs *a);
int scenario_args_set(ScenarioArgs *a, int arg, const char *value,
                      Err *err); /* arg < SCENARIO_N_ARGS */
/* What goes together and what is missing; `command` begins the message. */
int scenario_args_check(const ScenarioArgs *a, const char *command, Err *err);
#endif
