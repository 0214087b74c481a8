/* cli: option parsing on getopt_long, help texts, exit statuses.
 *
 * A command is a row of data (CliCommand) with four functions on its own state. The long-option
 * table for getopt is built from the command's options plus the common ones; getopt's own messages
 * are off, since ours suggest the nearest name. Abbreviated options ("--thr") are accepted where
 * unambiguous, as getopt_long does. Parsing ends at the first mistake or at --help, whichever comes
 * first on the command line. */
#include "cli/cli.h"

#include <assert.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/process.h"
#include "base/units.h"
#include "base/words.h"
#include "cli/value.h"
#include "plugin/mpi_load.h"

enum { COMMON_JSON, COMMON_QUIET, COMMON_VERBOSE, COMMON_THREADS, COMMON_SEED, COMMON_HELP };

const CliOption cli_common_options[] = {
    [COMMON_JSON] = {"json", NULL, "print the result as JSON", "Common"},
    [COMMON_QUIET] = {"quiet", NULL, "-q: no remarks and no progress on stderr", "Common"},
    [COMMON_VERBOSE] = {"verbose", NULL, "-v: more remarks on stderr", "Common"},
    [COMMON_THREADS] = {"threads", "N",
                        "worker threads (default: all cores); never changes the result", "Common"},
    [COMMON_SEED] = {"seed", "N", "seed of everything random (default 1)", "Common"},
    [COMMON_HELP] = {"help", NULL, "-h: this text", "Common"},
    {NULL, NULL, NULL, NULL}};

/* ---- help ---- */

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
    print_options(stdout, cli_common_options);
    if (cmd->details) printf("\n%s\n", cmd->details);
}

CliSuggestion cli_suggest(const char *word, const char *const *names, const char *before,
                          const char *after) {
    CliSuggestion text = {""};
    const char *near = words_nearest(word, names);
    if (near) snprintf(text.s, sizeof text.s, ", did you mean %s%s%s?", before, near, after);
    return text;
}

const char *cli_last_word(const CliCommand *cmd) {
    const char *space = strrchr(cmd->name, ' ');
    return space ? space + 1 : cmd->name;
}

const CliCommand *cli_command(const CliCommand *const *commands, const char *name) {
    for (; *commands; commands++)
        if (strcmp((*commands)->name, name) == 0) return *commands;
    return NULL;
}

const CliCommand *cli_subcommand(const CliCommand *cmd, const char *word) {
    for (const CliCommand *const *sub = cmd->subcommands; sub && *sub; sub++)
        if (strcmp(cli_last_word(*sub), word) == 0) return *sub;
    return NULL;
}

/* A word that the command knows nothing of. */
static int unexpected(const CliCommand *cmd, const char *word, Err *err) {
    enum { MOST = 16 }; /* subcommands of a command; it is asserted that they are no more */
    const char *names[MOST + 1] = {NULL};
    for (int n = 0; cmd->subcommands && cmd->subcommands[n]; n++) {
        assert(n < MOST);
        names[n] = cli_last_word(cmd->subcommands[n]);
    }
    return err_input(err, "%s: unexpected argument '%.60s'%s; see 'm3 %s --help'", cmd->name, word,
                     cli_suggest(word, names, "'", "'").s, cmd->name);
}

int cli_help(const CliCommand *cmd, int argc, char **argv, Err *err) {
    const CliCommand *sub = argc > 0 ? cli_subcommand(cmd, argv[0]) : NULL;
    int used = sub ? 1 : 0;
    if (argc > used) return unexpected(sub ? sub : cmd, argv[used], err);
    print_help(sub ? sub : cmd);
    return 0;
}

static int status_of(const Err *err) {
    return err->kind == ERR_STOPPED ? 130 : err->kind == ERR_IO ? 1 : 2;
}

/* Whether this rank has to print an error: the first one does, with all ranks' errors behind it.
 * Before the ranks have joined, none knows of the others': then mpirun ends those that are left
 * when the first one has failed, and one that it lets be must speak for itself. */
static bool has_to_say(const Ranks *r) {
    enum { WAIT_MS = 3000, LOOK_MS = 20 };
    if (r->rank == 0 || r->via) return r->rank == 0;
    for (int ms = 0; ms < WAIT_MS && !diag_stop_requested(); ms += LOOK_MS)
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    return !diag_stop_requested();
}

static int fail(const Ranks *r, const Err *err) {
    Err said = *err;
    if (has_to_say(r)) {
        if (r->rank > 0) err_wrap(&said, "rank %d", r->rank);
        fprintf(stderr, "m3: %s\n", said.msg);
    }
    return status_of(err);
}

int cli_fail(const Err *err) {
    Ranks r = {0};
    mpi_started(&r.rank);
    return fail(&r, err);
}

/* ---- options ---- */

static int set_common(CliCommon *c, int option, const char *value, Err *err) {
    uint64_t n;
    switch (option) {
    case COMMON_JSON: c->json = true; return 0;
    case COMMON_QUIET: c->log.level = LOG_QUIET; return 0;
    case COMMON_VERBOSE: c->log.level = LOG_VERBOSE; return 0;
    case COMMON_THREADS:
        if (value_count(value, "--threads", 1, 1024, &n, err) != 0) return -1;
        c->threads = (int)n;
        return 0;
    default: c->seed_given = true; return units_parse_count(value, "--seed", &c->seed, err);
    }
}

static int unknown_option(const CliCommand *cmd, const char *given, Err *err) {
    enum { MOST = 64 }; /* options of a command; one beyond would not be suggested */
    char word[64];
    const char *names[MOST + 1] = {NULL};
    int n = 0;
    snprintf(word, sizeof word, "%s", given + strspn(given, "-"));
    word[strcspn(word, "=")] = '\0';
    for (const CliOption *o = cmd->options; o->name && n < MOST; o++) names[n++] = o->name;
    for (const CliOption *o = cli_common_options; o->name && n < MOST; o++) names[n++] = o->name;
    return err_input(err, "%s: unknown option '%.60s'%s; see 'm3 %s --help'", cmd->name, given,
                     cli_suggest(word, names, "--", "").s, cmd->name);
}

static int add_argument(const CliCommand *cmd, CliCommon *c, const char *arg, Err *err) {
    if (c->n_args >= cmd->max_args) return unexpected(cmd, arg, err);
    c->args[c->n_args++] = arg;
    return 0;
}

static int count(const CliOption *o) {
    int n = 0;
    while (o[n].name) n++;
    return n;
}

/* What getopt_long returns for the long options: those of the command, then the common ones. Below
 * them are single characters. */
enum { OWN = 256, COMMON = 1000 };

/* The table for getopt_long; caller frees. */
static struct option *long_options(const CliOption *own) {
    int n_own = count(own), n_common = count(cli_common_options);
    struct option *longs = MEM_ZNEW(struct option, (size_t)(n_own + n_common + 1));
    assert(n_own < COMMON - OWN);
    for (int i = 0; i < n_own + n_common; i++) {
        const CliOption *o = i < n_own ? &own[i] : &cli_common_options[i - n_own];
        longs[i] = (struct option){o->name, o->arg ? required_argument : no_argument, NULL,
                                   i < n_own ? OWN + i : COMMON + i - n_own};
    }
    return longs;
}

/* The option getopt_long stopped at, as the user wrote it. */
static const char *offender(char **argv, char text[3]) {
    bool is_long = optopt == 0 || optopt >= OWN;
    if (is_long || optind == 0) return argv[optind > 0 ? optind - 1 : 0];
    text[0] = '-';
    text[1] = (char)optopt;
    text[2] = '\0';
    return text;
}

/* Fills common and state from the command line. Returns 0, 1 if it asks for help, or −1 with err.
 */
static int parse(const CliCommand *cmd, int argc, char **argv, CliCommon *common, void *state,
                 Err *err) {
    struct option *longs = long_options(cmd->options);
    char text[3];
    int rc = 0, c;
    opterr = 0;
    optind = 0; /* restart GNU getopt */
    while (rc == 0 && (c = getopt_long(argc, argv, "-:qvh", longs, NULL)) != -1) {
        if (c == 'h' || c == COMMON + COMMON_HELP) rc = 1;
        else if (c == 'q') rc = set_common(common, COMMON_QUIET, NULL, err);
        else if (c == 'v') rc = set_common(common, COMMON_VERBOSE, NULL, err);
        else if (c == 1) rc = add_argument(cmd, common, optarg, err);
        else if (c == '?') rc = unknown_option(cmd, offender(argv, text), err);
        else if (c == ':')
            rc = err_input(err, "%s: option %.60s needs a value", cmd->name, offender(argv, text));
        else if (c >= COMMON) rc = set_common(common, c - COMMON, optarg, err);
        else rc = cmd->set(state, c - OWN, optarg, err);
    }
    while (rc == 0 && optind < argc) /* what follows "--" */
        rc = add_argument(cmd, common, argv[optind++], err);
    free(longs);
    return rc;
}

/* "m3" and the arguments as a shell takes them; caller frees. */
static char *join(int argc, char **argv) {
    char *s;
    size_t len;
    FILE *f = mem_stream_open(&s, &len);
    fputs("m3", f);
    for (int i = 0; i < argc; i++) {
        fputc(' ', f);
        process_put_word(f, argv[i]);
    }
    mem_stream_close(f);
    return s;
}

/* ---- ranks ---- */

/* Only rank 0 is heard. */
static void silence_stdout(void) {
    int null = open("/dev/null", O_WRONLY);
    if (null < 0) return;
    dup2(null, STDOUT_FILENO);
    close(null);
}

/* Threads of a rank for which none were asked for: the processors that mpirun lets it use, shared
 * out where ranks of one machine may use the same. */
static int threads_of_rank(const Ranks *r) {
    cpu_set_t set;
    int all = par_resolve(0), ours = all / r->n_local;
    int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : all;
    if (allowed < all && allowed < ours) ours = allowed;
    return ours < 1 ? 1 : ours;
}

/* Joins the other ranks, if mpirun started some. */
static int join_ranks(const CliCommand *cmd, CliCommon *common, Ranks *r, Err *err) {
    if (r->size == 1) return 0;
    if (r->rank > 0) common->log.level = LOG_QUIET;
    if (!cmd->on_ranks)
        return err_input(err,
                         "%s: does not run on several ranks, but on one machine with --threads; "
                         "start it without mpirun",
                         cmd->name);
    if (mpi_join(r, r->size, err) != 0) return -1;
    common->ranks = r;
    if (common->threads == 0) common->threads = threads_of_rank(r);
    return 0;
}

/* Ends the job, if there is one: what happened to any rank is known to all. */
static int leave_ranks(Ranks *r, int rc, Err *err) {
    return rc > 0 ? ranks_end(r, 0, err) == 0 ? rc : -1 : ranks_end(r, rc, err);
}

int cli_run(const CliCommand *cmd, int argc, char **argv) {
    char *command = join(argc, argv);
    const CliCommand *sub = argc > 1 ? cli_subcommand(cmd, argv[1]) : NULL;
    if (sub) cmd = sub, argc--, argv++;
    /* getopt puts options before arguments in argv itself */
    char **words = MEM_ZNEW(char *, (size_t)argc + 1);
    memcpy(words, argv + 1, (size_t)(argc - 1) * sizeof *words);
    LogRemarks remarks = {0};
    Ranks ranks = {0};
    ranks.size = mpi_started(&ranks.rank);
    if (ranks.rank > 0) silence_stdout();
    CliCommon common = {
        .log = {.level = LOG_NORMAL, .tty = isatty(STDERR_FILENO) != 0, .remarks = &remarks},
        .seed = 1,
        .command = command,
        .argv = words,
        .start_s = diag_now_s()};
    Err err = {0};
    void *state = mem_calloc(1, cmd->state_size);
    if (cmd->init) cmd->init(state);
    int rc = parse(cmd, argc, argv, &common, state, &err);
    if (rc == 1) {
        print_help(cmd);
        rc = 0;
    } else if (rc == 0) {
        rc = join_ranks(cmd, &common, &ranks, &err);
        if (rc == 0) rc = leave_ranks(common.ranks, cmd->run(state, &common, &err), &err);
    }
    if (cmd->free) cmd->free(state);
    free(state);
    free(words);
    free(command);
    log_remarks_free(&remarks);
    int status = rc < 0 ? fail(&ranks, &err) : rc;
    mpi_leave(&ranks, status);
    return status;
}
