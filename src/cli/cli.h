/* cli: the frame that every command runs in, from options to exit status.
 *
 *     row of main's table ─ cli_run ─┬─ init   defaults of the command's options
 *                                    ├─ set    one option after the other
 *                                    ├─ run    the work
 *                                    └─ free   what set allocated
 */
#ifndef M3_CLI_CLI_H
#define M3_CLI_CLI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/ranks.h"

enum { CLI_MAX_ARGS = 256 }; /* of a command, beside options: "batch FILES…" has most */

/* What every command understands, and the arguments that belong to no option. */
typedef struct {
    Log log;
    bool json;
    int threads;  /* 0: all cores */
    Ranks *ranks; /* of mpirun; NULL: alone. Only rank 0 writes (ranks_first) */
    uint64_t seed;
    bool seed_given;     /* the command line has --seed */
    const char *command; /* the whole command line, for reports */
    char *const *argv;   /* its words after the command's name, NULL-ended */
    double start_s;      /* diag_now_s when the command began */
    const char *args[CLI_MAX_ARGS];
    int n_args;
} CliCommon;

/* One option of a command. `group` starts a heading in the help text where it differs from that of
 * the row before. */
typedef struct {
    const char *name; /* "topo" for --topo */
    const char *arg;  /* metavariable, "FILE"; NULL: a flag */
    const char *help; /* with default and unit; a new line begins at each \n */
    const char *group;
    const char *const *values; /* all there are, NULL-ended, for completion; NULL: no list */
} CliOption;

/* A command. `state` is what its options are kept in: cli_run allocates it, all zero, before `init`
 * and releases it after `free`. */
typedef struct CliCommand {
    const char *name;         /* "estimate"; a subcommand's with its command's: "dataset flows" */
    const char *summary;      /* one line, for the list of commands */
    const char *usage;        /* "m3 estimate --topo FILE --mix FILE [options]" */
    const char *details;      /* a paragraph and examples, or NULL */
    const CliOption *options; /* ended by name = NULL */
    const struct CliCommand *const
        *subcommands;         /* with options of their own; NULL-ended, or NULL */
    const char *const *verbs; /* what the first argument must be; NULL-ended, or NULL */
    size_t state_size;
    bool on_ranks;             /* mpirun may start several of it, which share its work */
    int max_args;              /* arguments that belong to no option; at most CLI_MAX_ARGS */
    void (*init)(void *state); /* fills in the defaults that aren't zero; NULL: there are none */
    /* Takes the value (NULL: a flag) of options[option]. Called in the order of the command line.
     * −1 with err refuses it. */
    int (*set)(void *state, int option, const char *value, Err *err);
    /* Does the work. Returns the exit status, 0 if all is well, or −1 with err. */
    int (*run)(void *state, const CliCommon *common, Err *err);
    void (*free)(void *state); /* NULL: set allocates nothing */
} CliCommand;

/* A text of `m3 help` that belongs to no command. */
typedef struct {
    const char *name, *summary;
    void (*print)(FILE *f);
} CliTopic;

/* All that `m3` can be asked. */
typedef struct {
    const CliCommand *const *commands; /* NULL-ended */
    const CliTopic *topics;            /* ended by name = NULL */
} CliProgram;

/* The options that every command has beside its own; ended by name = NULL. */
extern const CliOption cli_common_options[];
/* cli_command returns the one of the NULL-ended commands that is called `name`; NULL if there is
 * none. */
const CliCommand *cli_command(const CliCommand *const *commands, const char *name);
/* cli_subcommand returns the subcommand called `word`, the last word of its name; NULL if there is
 * none. cli_last_word returns that word: "flows" of "dataset flows". */
const CliCommand *cli_subcommand(const CliCommand *cmd, const char *word);
const char *cli_last_word(const CliCommand *cmd);

/* Runs cmd, or the one of its subcommands that argv[1] names, with the options and arguments from
 * argv[1] on (argv[0]: the command's name). Prints help and errors. Returns the exit status: 0
 * done, 1 an output or a library failed, 2 wrong usage or input, 130 interrupted, or what run
 * returned. */
int cli_run(const CliCommand *cmd, int argc, char **argv);
/* Prints the help text of cmd to stdout, or of its subcommand argv[0] if argc is 1. −1 with err if
 * there is no such subcommand. */
int cli_help(const CliCommand *cmd, int argc, char **argv, Err *err);
/* Prints "m3: message" to stderr and returns the exit status that belongs to the error. Of the
 * processes that mpirun started, the first prints it, or another one that mpirun lets be. */
int cli_fail(const Err *err);
/* Returns ", did you mean NAME?" with the one of the NULL-ended names that is nearest to word, put
 * between `before` and `after`, or "" if none is near. */
typedef struct {
    char s[80];
} CliSuggestion;
CliSuggestion cli_suggest(const char *word, const char *const *names, const char *before,
                          const char *after);
#endif
