/* cli: options shared by all commands, and the table of commands. */
#ifndef M3_CLI_CLI_H
#define M3_CLI_CLI_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"

/* What every command understands. */
typedef struct {
    Log log;
    bool json;
    int threads; /* 0: all cores */
    uint64_t seed;
    bool seed_given; /* --seed was there */
    char *command;   /* the whole command line, for reports */
} CliCommon;

/* One option of a command. `group` starts a heading in --help where it differs from the row before.
 */
typedef struct {
    const char *name; /* "topo" for --topo */
    const char *arg;  /* metavariable, "FILE"; NULL: a flag */
    const char *help; /* with default and unit */
    const char *group;
} CliOption;

typedef struct {
    const char *name;                  /* "estimate" */
    const char *summary;               /* one line, for the list of commands */
    const char *usage;                 /* "m3 estimate --topo FILE --mix FILE [options]" */
    const char *details;               /* a paragraph and examples, or NULL */
    const CliOption *options;          /* ended by name = NULL */
    int (*run)(int argc, char **argv); /* argv[0] = command name; returns the exit status */
} CliCommand;

/* Called for each option in order; `index` is its row in options. −1 with err to refuse the value.
 */
typedef int (*CliSet)(void *ctx, int index, const char *value, Err *err);
/* Parses options with getopt_long (and handles the common ones and --help). Positional arguments,
 * at most max_args, go to args. Returns −1 to go on, otherwise the status to exit with at once
 * (help: 0, wrong usage: 2, one line printed). cli_done releases common. */
int cli_parse(const CliCommand *cmd, int argc, char **argv, CliCommon *common, CliSet set,
              void *ctx, const char **args, int max_args, int *n_args);
void cli_done(CliCommon *common);
/* Prints "m3: message" and returns the status: 2 input, 1 io, 130 interrupted. */
int cli_fail(const Err *err);

extern const CliCommand cmd_estimate, cmd_sweep, cmd_simulate, cmd_workload, cmd_topo, cmd_flowsim,
    cmd_dataset, cmd_train, cmd_evaluate, cmd_ckpt, cmd_compare;
#endif
