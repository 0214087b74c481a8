/* main: the table of commands. A command is one row here and one file cmd_*.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/words.h"
#include "cli/cli.h"
#include "model/nn.h"

#ifndef M3_VERSION
#error "M3_VERSION comes from the Makefile"
#endif

/* In the order a newcomer meets them. */
static const CliCommand *const commands[] = {
    &cmd_estimate, &cmd_sweep, &cmd_simulate, &cmd_workload, &cmd_topo,    &cmd_flowsim,
    &cmd_dataset,  &cmd_train, &cmd_evaluate, &cmd_ckpt,     &cmd_compare, NULL,
};

static void print_usage(FILE *f) {
    fputs("m3 estimates how much slower than ideal flows finish in a data-centre "
          "network.\n\nUsage: m3 COMMAND [options]\n\nCommands:\n",
          f);
    for (const CliCommand *const *c = commands; *c; c++)
        fprintf(f, "  %-10s %s\n", (*c)->name, (*c)->summary);
    fputs("\n'm3 COMMAND --help' lists a command's options; 'm3 --version' prints versions.\n", f);
}

static int print_version(void) {
    printf("m3 %s\nbuild: %s\ncJSON %s\n%s\n", M3_VERSION, M3_BUILD, json_library_version(),
           nn_library());
    return 0;
}

/* What a command printed may still fail to arrive: a full disk behind stdout. A failed command has
 * said so already. */
static int flush_stdout(int status) {
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || status != 0) return status;
    fprintf(stderr, "m3: standard output: cannot write: %s\n", strerror(errno ? errno : EIO));
    return 1;
}

int main(int argc, char **argv) {
    diag_catch_signals();
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--version") == 0) return flush_stdout(print_version());
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return flush_stdout(0);
    }
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    const char *names[32];
    int n = 0;
    for (const CliCommand *const *c = commands; *c; c++) {
        if (strcmp((*c)->name, name) == 0) return flush_stdout((*c)->run(argc - 1, argv + 1));
        names[n++] = (*c)->name;
    }
    names[n] = NULL;
    const char *near = words_nearest(name, names);
    fprintf(stderr, "m3: unknown command '%.60s'%s%s%s; see 'm3 --help'\n", name,
            near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
    return 2;
}
