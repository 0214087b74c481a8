/* main: the table of commands and the help that belongs to none of them.
 *
 * A command is one row here and one file cmd_*.c; a help topic is one row and what it prints. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/manual.h"
#include "model/nn.h"
#include "net/netconf.h"

#ifndef M3_VERSION
#error "M3_VERSION comes from the Makefile"
#endif

extern const CliCommand cmd_estimate, cmd_sweep, cmd_simulate, cmd_workload, cmd_topo, cmd_flowsim,
    cmd_dataset, cmd_train, cmd_evaluate, cmd_ckpt, cmd_compare, cmd_batch, cmd_report, cmd_explain;

/* In the order a newcomer meets them. */
static const CliCommand *const commands[] = {
    &cmd_estimate, &cmd_sweep,    &cmd_explain, &cmd_batch,   &cmd_report,
    &cmd_simulate, &cmd_workload, &cmd_topo,    &cmd_flowsim, &cmd_dataset,
    &cmd_train,    &cmd_evaluate, &cmd_ckpt,    &cmd_compare, NULL,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands - 1 };

static void print_units(FILE *f) {
    fputs("Sizes, rates and times are a number and a unit: 18KB, 10Gbps, 5us.\n\n"
          "  size    B, KB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024);\n"
          "          a bare number is bytes\n"
          "  rate    in bits: bps, Kbps, Mbps, Gbps, Tbps, or Gb/s, Gbit/s and so on;\n"
          "          in bytes: GBps, GB/s, GiB/s and so on; a bare number is bits per second\n"
          "  time    ps, ns, us, ms, s, min, h\n"
          "  count   a bare number, or with K, M, G (powers of 1000): 1500, 200k, 10M\n\n"
          "b and bit are bits, B and byte are bytes; K, M, G, T may be lower case. A bare number "
          "that\n"
          "hardly means its unit, as a window of 18 or a rate of 10, is refused.\n",
          f);
}

static void print_settings(FILE *f) {
    fputs("What --set KEY=VALUE changes, and a mix sets.\n\n"
          "Of the network (\"network\" in a mix):\n\n",
          f);
    netconf_print_help(f);
    fputs("\nOf the traffic, where flows are drawn:\n\n"
          "max_load       payload on the most loaded link over its rate, between 0 and 1\n"
          "sigma          shape of the log-normal gaps between flows, 0 to 10; 0: equal gaps\n"
          "sizes          file with the distribution of flow sizes\n"
          "matrix         rack matrix: a file, or a, b, c or uniform\n"
          "n_flows        how many flows\n"
          "duration       for how long instead, 5s\n"
          "fail           links and switches that failed: 0-256, 260, 5%of:agg-spine, joined by +\n"
          "degrade        links with another rate or with losses: 0-256=1Gbps, 0-256=0.1%\n\n"
          "The keys of published mixes (bfsz, enable_pfc, param_1, param_2) are taken in their "
          "units;\nspec/README.md has the file formats.\n",
          f);
}

static const CliTopic topics[] = {
    {"settings", "the settings of network and traffic, their limits and defaults", print_settings},
    {"units", "how sizes, rates, times and counts are written", print_units},
    {NULL, NULL, NULL},
};
enum { N_TOPICS = sizeof topics / sizeof *topics - 1 };

static const CliProgram program = {commands, topics};

static void print_usage(FILE *f) {
    fputs("m3 estimates how much slower than ideal flows finish in a data-centre "
          "network.\n\nUsage: m3 COMMAND [options]\n\nCommands:\n",
          f);
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(f, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nHelp topics:\n", f);
    for (int i = 0; i < N_TOPICS; i++)
        fprintf(f, "  %-10s %s\n", topics[i].name, topics[i].summary);
    fputs("\n'm3 help COMMAND' or 'm3 COMMAND --help' lists a command's options, 'm3 help TOPIC' "
          "explains a topic;\n'm3 --version' prints versions.\n",
          f);
}

static int print_version(void) {
    printf("m3 %s\nbuild: %s\ncJSON %s\n%s\n", M3_VERSION, M3_BUILD, json_library_version(),
           nn_library());
    return 0;
}

/* "unknown command 'compar', did you mean 'compare'?" */
static int unknown(const char *what, const char *name, int n_topics, Err *err) {
    const char *names[N_COMMANDS + N_TOPICS + 1] = {NULL};
    for (int i = 0; i < N_COMMANDS; i++) names[i] = commands[i]->name;
    for (int i = 0; i < n_topics; i++) names[N_COMMANDS + i] = topics[i].name;
    return err_input(err, "unknown %s '%.60s'%s; see 'm3 --help'", what, name,
                     cli_suggest(name, names, "'", "'").s);
}

/* m3 help [COMMAND [SUBCOMMAND] | TOPIC]: argv is what follows "help". */
static int help(int argc, char **argv, Err *err) {
    if (argc == 0 || strcmp(argv[0], "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    const CliCommand *cmd = cli_command(commands, argv[0]);
    if (cmd) return cli_help(cmd, argc - 1, argv + 1, err);
    for (int i = 0; i < N_TOPICS; i++) {
        if (strcmp(topics[i].name, argv[0]) != 0) continue;
        if (argc > 1)
            return err_input(err, "help %s: unexpected argument '%.60s'", argv[0], argv[1]);
        topics[i].print(stdout);
        return 0;
    }
    return unknown("command or topic", argv[0], N_TOPICS, err);
}

/* m3 --man DIR: argv is what follows "--man". */
static int man(int argc, char **argv, Err *err) {
    if (argc != 1) err_input(err, "--man: expected a folder for the man pages");
    else if (manual_write(&program, argv[0], err) == 0) return 0;
    return cli_fail(err);
}

static int dispatch(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    Err err = {0};
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(name, "--version") == 0) return print_version();
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return help(0, NULL, &err);
    if (strcmp(name, "help") == 0) return help(argc - 2, argv + 2, &err) == 0 ? 0 : cli_fail(&err);
    if (strcmp(name, "--man") == 0) return man(argc - 2, argv + 2, &err);
    if (strcmp(name, "--complete") == 0) {
        complete_print(stdout, &program, argc - 2, argv + 2);
        return 0;
    }
    const CliCommand *cmd = cli_command(commands, name);
    if (cmd) return cli_run(cmd, argc - 1, argv + 1);
    unknown("command", name, 0, &err);
    return cli_fail(&err);
}

/* What a command printed may still fail to arrive: a full disk behind stdout. A failed command has
 * said what is wrong already. */
static int flush_stdout(int status) {
    Err err = {0};
    return file_finish_stdout(&err) == 0 || status != 0 ? status : cli_fail(&err);
}

int main(int argc, char **argv) {
    diag_catch_signals();
    cleanup_catch_faults();
    json_die_without_memory();
    return flush_stdout(dispatch(argc, argv));
}
