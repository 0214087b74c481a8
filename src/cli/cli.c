/* cli: option parsing on getopt_long, help, exit statuses.
 *
 * A command is a row of data (CliCommand) and a function. The long-option table for getopt is built
 * from the command's options plus the common ones; getopt's own messages are off, since ours
 * suggest the nearest name. Abbreviated options ("--thr") are accepted by getopt_long where
 * unambiguous. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "base/words.h"

enum { OPT_COMMON = 1000 };
enum { COMMON_JSON, COMMON_QUIET, COMMON_VERBOSE, COMMON_THREADS, COMMON_SEED, COMMON_HELP };

static const CliOption common_options[] = {
    {"json", NULL, "print the result as JSON", "Common"},
    {"quiet", NULL, "-q: no remarks and no progress on stderr", "Common"},
    {"verbose", NULL, "-v: more remarks on stderr", "Common"},
    {"threads", "N", "worker threads (default: all cores); never changes the result", "Common"},
    {"seed", "N", "seed of everything random (default 1)", "Common"},
    {"help", NULL, "-h: this text", "Common"},
    {NULL, NULL, NULL, NULL}};

static void print_options(FILE *f, const CliOption *o) {
    const char *group = "";
    for (; o->name; o++) {
        if (strcmp(group, o->group) != 0) fprintf(f, "\n%s:\n", group = o->group);
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        fprintf(f, "  %-26s ", left);
        for (const char *c = o->help; *c; c++) {
            fputc(*c, f);
            if (*c == '\n') fprintf(f, "%29s", "");
        }
        fputc('\n', f);
    }
}

static void print_help(const CliCommand *cmd) {
    printf("m3 %s: %s\n\nUsage: %s\n", cmd->name, cmd->summary, cmd->usage);
    print_options(stdout, cmd->options);
    print_options(stdout, common_options);
    if (cmd->details) printf("\n%s\n", cmd->details);
}

static int count(const CliOption *o) {
    int n = 0;
    while (o[n].name) n++;
    return n;
}

static int set_common(CliCommon *c, int which, const char *value, Err *err) {
    uint64_t n;
    switch (which) {
    case COMMON_JSON: c->json = true; return 0;
    case COMMON_QUIET: c->log.level = LOG_QUIET; return 0;
    case COMMON_VERBOSE: c->log.level = LOG_VERBOSE; return 0;
    case COMMON_THREADS:
        if (units_parse_count(value, "--threads", &n, err) != 0) return -1;
        if (n < 1 || n > 1024)
            return err_input(err, "--threads: must be in 1..1024, got %.40s", value);
        c->threads = (int)n;
        return 0;
    case COMMON_SEED:
        c->seed_given = true;
        return units_parse_count(value, "--seed", &c->seed, err);
    default: return 0;
    }
}

static int unknown_option(const CliCommand *cmd, const char *given, Err *err) {
    char word[64];
    const char *names[64];
    int n = 0;
    snprintf(word, sizeof word, "%s", given + strspn(given, "-"));
    word[strcspn(word, "=")] = '\0';
    for (const CliOption *o = cmd->options; o->name && n < 56; o++) names[n++] = o->name;
    for (const CliOption *o = common_options; o->name; o++) names[n++] = o->name;
    names[n] = NULL;
    const char *near = words_nearest(word, names);
    return err_input(err, "%s: unknown option '%.60s'%s%s%s; see 'm3 %s --help'", cmd->name, given,
                     near ? ", did you mean --" : "", near ? near : "", near ? "?" : "", cmd->name);
}

static char *joined(int argc, char **argv) {
    size_t len = 4;
    for (int i = 0; i < argc; i++) len += strlen(argv[i]) + 1;
    char *s = mem_alloc(len, 1);
    strcpy(s, "m3");
    for (int i = 0; i < argc; i++) strcat(strcat(s, " "), argv[i]);
    return s;
}

/* The option getopt_long stopped at, as the user wrote it. */
static const char *offender(char **argv, int short_option, char text[3]) {
    if (short_option == 0 || optind == 0) return argv[optind > 0 ? optind - 1 : 0];
    text[0] = '-';
    text[1] = (char)short_option;
    text[2] = '\0';
    return text;
}

int cli_parse(const CliCommand *cmd, int argc, char **argv, CliCommon *common, CliSet set,
              void *ctx, const char **args, int max_args, int *n_args) {
    *common = (CliCommon){.log = {.level = LOG_NORMAL, .tty = isatty(STDERR_FILENO) != 0},
                          .seed = 1,
                          .command = joined(argc, argv)};
    int n_own = count(cmd->options), n_common = count(common_options), rc = -1, n_pos = 0;
    struct option *longs = MEM_ZNEW(struct option, (size_t)(n_own + n_common + 1));
    for (int i = 0; i < n_own + n_common; i++) {
        const CliOption *o = i < n_own ? &cmd->options[i] : &common_options[i - n_own];
        longs[i] = (struct option){o->name, o->arg ? required_argument : no_argument, NULL,
                                   i < n_own ? 256 + i : OPT_COMMON + i - n_own};
    }
    Err err = {0};
    bool failed = false;
    opterr = 0;
    optind = 0; /* restart GNU getopt */
    for (int c; rc < 0 && !failed && (c = getopt_long(argc, argv, "-:qvh", longs, NULL)) != -1;) {
        char text[3];
        if (c == 'h' || c == OPT_COMMON + COMMON_HELP) {
            print_help(cmd);
            rc = 0;
        } else if (c == 'q' || c == 'v') {
            set_common(common, c == 'q' ? COMMON_QUIET : COMMON_VERBOSE, NULL, &err);
        } else if (c == 1) {
            if (n_pos >= max_args)
                failed = err_input(&err, "%s: unexpected argument '%.60s'; see 'm3 %s --help'",
                                   cmd->name, optarg, cmd->name) != 0;
            else args[n_pos++] = optarg;
        } else if (c == ':') {
            failed = err_input(&err, "%s: option %.60s needs a value", cmd->name,
                               offender(argv, optopt < 256 ? optopt : 0, text)) != 0;
        } else if (c == '?') {
            failed =
                unknown_option(cmd, offender(argv, optopt < 256 ? optopt : 0, text), &err) != 0;
        } else if (c >= OPT_COMMON) {
            failed = set_common(common, c - OPT_COMMON, optarg, &err) != 0;
        } else {
            failed = set(ctx, c - 256, optarg, &err) != 0;
        }
    }
    for (; rc < 0 && !failed && optind < argc; optind++) { /* after "--" */
        if (n_pos >= max_args)
            failed =
                err_input(&err, "%s: unexpected argument '%.60s'", cmd->name, argv[optind]) != 0;
        else args[n_pos++] = argv[optind];
    }
    free(longs);
    if (n_args) *n_args = n_pos;
    if (failed) rc = cli_fail(&err);
    if (rc >= 0) cli_done(common);
    return rc;
}

void cli_done(CliCommon *common) {
    free(common->command);
    common->command = NULL;
}

int cli_fail(const Err *err) {
    fprintf(stderr, "m3: %s\n", err->msg);
    return err->kind == ERR_STOPPED ? 130 : err->kind == ERR_IO ? 1 : 2;
}
