/* topo_args: the options that say how to read a topology file that leaves something open. */
#ifndef M3_CLI_TOPO_ARGS_H
#define M3_CLI_TOPO_ARGS_H
#include "net/topo_load.h"

/* Rows of a command's table of options, in this order, from row FIRST on. */
enum {
    TOPO_ARG_MERGE,
    TOPO_ARG_HOSTS,
    TOPO_ARG_LINK_RATE,
    TOPO_ARG_LINK_DELAY,
    TOPO_ARG_RATE_UNIT,
    TOPO_ARG_DELAY_UNIT,
    TOPO_ARG_FAIL,
    TOPO_ARG_DEGRADE,
    TOPO_ARG_EVENT,
    TOPO_N_ARGS
};
#define TOPO_ARGS(first)                                                                           \
    [(first) +                                                                                     \
        TOPO_ARG_MERGE] = {"merge-duplicates", NULL,                                               \
                           "join links that the file lists in both directions", "Topology"},       \
        [(first) +                                                                                 \
            TOPO_ARG_HOSTS] = {"hosts", "PATTERN",                                                 \
                               "which nodes of a graph are hosts, by name, e.g. 'server*', if "    \
                               "it doesn't say\n(default: nodes with one link)",                   \
                               "Topology"},                                                        \
        [(first) +                                                                                 \
            TOPO_ARG_LINK_RATE] = {"link-rate", "RATE", "of links without a rate", "Topology"},    \
        [(first) +                                                                                 \
            TOPO_ARG_LINK_DELAY] = {"link-delay", "TIME", "of links without a delay", "Topology"}, \
        [(first) + TOPO_ARG_RATE_UNIT] = {"rate-unit", "UNIT",                                     \
                                          "of bare rates in a graph that doesn't say, e.g. Gbps",  \
                                          "Topology"},                                             \
        [(first) + TOPO_ARG_DELAY_UNIT] = {"delay-unit", "UNIT",                                   \
                                           "of bare delays in a graph that doesn't say, e.g. us",  \
                                           "Topology"},                                            \
        [(first) + TOPO_ARG_FAIL] =                                                                \
            {"fail", "WHAT",                                                                       \
             "take out links (0-256: all between two nodes), a switch (260), or a share, drawn "   \
             "by\n--seed: 5%of:agg-spine, 2of:spine; joined by +, repeatable",                     \
             "Topology"},                                                                          \
        [(first) +                                                                                 \
            TOPO_ARG_DEGRADE] = {"degrade", "LINKS=VALUE",                                         \
                                 "give links another rate (0-256=1Gbps), or the probability that " \
                                 "they lose a packet\n(5%of:agg-spine=0.1%)",                      \
                                 "Topology"},                                                      \
        [(first) + TOPO_ARG_EVENT] = {                                                             \
            "events", "TIME:WHAT",                                                                 \
            "change links at a time of the flow list: 1ms:fail:0-256, 2ms:degrade:0-257=1Gbps,\n"  \
            "3ms:restore:0-256; joined by +, repeatable",                                          \
            "Topology"}

/* topo_args_set takes the value of option `arg`, counted from `first`. The pattern is that of the
 * command line and not copied; topo_args_free releases the faults. */
int topo_args_set(TopoLoadOptions *o, int arg, const char *value, Err *err);
void topo_args_free(TopoLoadOptions *o);
#endif
