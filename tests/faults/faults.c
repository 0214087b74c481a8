/* faults: each command under failing allocations and system calls.
 *
 *     faults BINARY INJECT.so FOLDER all|some [COMMAND]
 *
 * For each command of the table and each kind of fault the command runs once with its first
 * allocation (or write, read, …) failing, once with its second, and so on until a run needs fewer
 * of them ("some": the 1st, 2nd, 5th, 14th, 41st and so on). Whatever fails,
 *
 *   - the command ends by itself: exit 0, 1 or, for what cannot be read, 2; with one line for 1
 *     and 2;
 *   - each output file is the old one or the whole new one, and no other file is left;
 *   - exit 0 means that all outputs are there; short reads and writes end so;
 *   - a folder that is made in pieces is as if nothing had happened after the same command once
 *     more.
 *
 * FOLDER is an empty one to work in; the working folder is the checkout. inject.c is what fails. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { MAX_ARGS = 24, MAX_OUT = 3, TIME_LIMIT_S = 60, MAX_POINTS = 1000000, REPORT_FD = 99 };

typedef struct {
    const char *args[MAX_ARGS];
    const char *out[MAX_OUT]; /* files that it writes */
    const char *folder;       /* or a folder that it makes in pieces */
} Command;

#define Q "-q", "--threads", "1"
static const Command commands[] = {
    {{"topo", "show", "clos.json", Q}, {NULL}, NULL},
    {{"topo", "show", "graph.gml", Q}, {NULL}, NULL},
    {{"topo", "show", "graph.graphml", Q}, {NULL}, NULL},
    {{"topo", "show", "networkx.json", "--json", Q}, {NULL}, NULL},
    {{"topo", "show", "lab.yml", "--link-rate", "25Gbps", "--link-delay", "1us", Q}, {NULL}, NULL},
    {{"topo", "convert", "cluster.json", "out.json", Q}, {"out.json"}, NULL},
    {{"topo", "convert", "clos.json", "out.txt", Q}, {"out.txt"}, NULL},
    {{"topo", "dragonfly", "--groups", "3", "--out", "out.json", Q}, {"out.json"}, NULL},
    {{"workload", "--topo", "clos.json", "--mix", "mix.json", "--n-flows", "50", "--matrix-out",
      "out.json", Q},
     {"out.json"},
     NULL},
    {{"workload", "--topo", "clos.json", "--mix", "mix.json", "--n-flows", "50", "--out", "out.csv",
      Q},
     {"out.csv"},
     NULL},
    {{"workload", "--topo", "clos.json", "--flows", "flows.csv", "--out", "out.m3f", Q},
     {"out.m3f"},
     NULL},
    {{"workload", "--topo", "topology.txt", "--flows", "flows.txt", Q}, {NULL}, NULL},
    {{"estimate", "--topo", "clos.json", "--mix", "mix.json", "--n-flows", "50", "--paths", "3",
      "--method", "flowsim", "--out", "out.json", "--csv", "out.csv", Q},
     {"out.json", "out.csv"},
     NULL},
    {{"estimate", "--topo", "clos.json", "--flows", "flows.csv", "--paths", "3", "--ckpt",
      "flow.m3", "--check", "off", "--save-features", "out.feat", "--json", Q},
     {"out.feat"},
     NULL},
    {{"estimate", "--topo", "clos.json", "--flows", "flows.csv", "--method", "packet", "--out",
      "out.json", Q},
     {"out.json"},
     NULL},
    {{"estimate", "--topo", "clos.json", "--flows", "flows.csv", "--method", "sampled", "--paths",
      "3", "--check", "30s", Q},
     {NULL},
     NULL},
    {{"estimate", "--topo", "clos.json", "--flows", "flows.csv", "--method", "parsimon", Q},
     {NULL},
     NULL},
    {{"estimate", "--topo", "clos.json", "--flows", "flows.csv", "--method", "parsimon",
      "--parsimon-cluster", "--degrade", "0-8=1Gbps", Q},
     {NULL},
     NULL},
    {{"estimate", "--features", "paths.feat", "--ckpt", "model.m3", Q}, {NULL}, NULL},
    {{"sweep",     "--topo",   "clos.json", "--mix",   "mix.json",
      "--n-flows", "50",       "--ckpt",    "flow.m3", "--check",
      "off",       "--paths",  "3",         "--set",   "window=12KB,20KB",
      "--out",     "out.json", "--csv",     "out.csv", Q},
     {"out.json", "out.csv"},
     NULL},
    {{"explain", "--topo", "clos.json", "--flows", "flows.csv", "--paths", "3", "--ckpt", "flow.m3",
      "--links", "1", Q},
     {NULL},
     NULL},
    {{"explain", "--topo", "clos.json", "--mix", "jobs.json", "--method", "flowsim", "--links", "2",
      "--paths", "3", "--json", Q},
     {NULL},
     NULL},
    {{"simulate", "--topo", "clos.json", "--flows", "flows.csv", "--out", "out.csv", Q},
     {"out.csv"},
     NULL},
    {{"simulate", "--topo", "clos.json", "--mix", "jobs.json", "--out", "out.csv", "--json", Q},
     {"out.csv"},
     NULL},
    {{"simulate", "--topo", "clos.json", "--flows", "flows.csv", "--series", "1us", "--series-out",
      "out.csv", Q},
     {"out.csv"},
     NULL},
    {{"simulate", "--topo", "clos.json", "--flows", "chain.cm", "--events",
      "2us:fail:8-12+9us:restore:8-12", "--set", "routing=flowlet", "--set", "cc=nscc", "--trace",
      "out.csv", "--links", "out2.csv", Q},
     {"out.csv", "out2.csv"},
     NULL},
    {{"flowsim", "--links", "4", "--flows", "path.csv", "--out", "out.csv", "--features", "out.npy",
      Q},
     {"out.csv", "out.npy"},
     NULL},
    {{"ckpt", "info", "model.m3", Q}, {NULL}, NULL},
    {{"ckpt", "export", "model.m3", "--llama", "out.l", "--mlp", "out.m", Q},
     {"out.l", "out.m"},
     NULL},
    {{"ckpt", "convert", "flow.m3", "--dtype", "f32", "--out", "out.m3", Q}, {"out.m3"}, NULL},
    {{"compare", "results.csv", "estimate.json", "--json", Q}, {NULL}, NULL},
    {{"compare", "results.csv", "estimate.json", "--max-error", "p99=9", "--allow-unfinished",
      "--junit", "out.xml", Q},
     {"out.xml"},
     NULL},
    {{"report", "estimate.json", "--out", "out.html", Q}, {"out.html"}, NULL},
    {{"report", "batch", "--out", "out.html", Q}, {"out.html"}, NULL},
    {{"report", "estimate.json", "--out", "out.html", "--figures", "dir", Q}, {"out.html"}, "dir"},
    {{"evaluate", "--networks", "nets", "--ckpt", "flow.m3", "--paths", "3", Q}, {NULL}, NULL},
    {{"evaluate", "--dataset", "set", "--split", "all", "--ckpt", "flow.m3", Q}, {NULL}, NULL},
    {{"dataset", "networks", "--out", "dir", "--count", "2", "--n-flows", "60", Q}, {NULL}, "dir"},
    {{"dataset", "flows", "--networks", "nets", "--out", "dir", "--paths", "2", Q}, {NULL}, "dir"},
    {{"dataset", "--scenarios", "paths", "--out", "dir", Q}, {NULL}, "dir"},
    {{"batch", "mix.json", "--topo", "clos.json", "--n-flows", "50", "--method", "flowsim,packet",
      "--paths", "3", "--out", "dir", Q},
     {NULL},
     "dir"},
    {{"batch", "report", "batch", Q}, {NULL}, "batch/figures"},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

typedef struct {
    const char *name;
    int error;        /* 0: short, or an allocation */
    const char *more; /* "+": all later ones fail, too */
    bool harmless;    /* must not show */
} Fault;
static const Fault faults[] = {
    {"alloc", 0, "", false},       {"alloc", 0, "+", false},       {"write", ENOSPC, "+", false},
    {"write", EIO, "", false},     {"write", EINTR, "", false},    {"write", 0, "+", true},
    {"pwrite", ENOSPC, "", false}, {"pwrite", 0, "+", true},       {"pwrite", EINTR, "", true},
    {"read", EIO, "", false},      {"read", 0, "+", true},         {"read", EINTR, "", true},
    {"pread", EIO, "", false},     {"pread", 0, "+", true},        {"pread", EINTR, "", true},
    {"open", EMFILE, "", false},   {"open", EIO, "+", false},      {"mmap", ENOMEM, "+", true},
    {"rename", EIO, "", false},    {"rename", EACCES, "+", false}, {"close", EIO, "", false},
    {"mkdir", ENOSPC, "", false},  {"ftruncate", EIO, "", false},  {"fsync", EIO, "", false},
};
enum { N_FAULTS = sizeof faults / sizeof *faults };

static struct {
    const char *binary, *inject;
    int report; /* descriptor of the file that the injection writes to */
    unsigned long points, exits[3], failures;
} state;

/* ---- files ---- */

static void die(const char *what) {
    fprintf(stderr, "faults: %s: %s\n", what, strerror(errno));
    exit(2);
}

static char *slurp(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    char *text = NULL;
    size_t cap = 0;
    *n = 0;
    for (size_t got = 1; got > 0; *n += got) {
        MEM_GROW(text, cap, *n + 4096);
        got = fread(text + *n, 1, cap - *n - 1, f);
    }
    text[*n] = '\0';
    fclose(f);
    return text;
}

static size_t count_lines(const char *text) {
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static void write_old(const char *path) {
    FILE *f = fopen(path, "w");
    if (!f || fputs("old\n", f) < 0 || fclose(f) != 0) die(path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}
static void remove_tree(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

/* Texts that say how long something took have the same lines only. */
static bool tells_times(const char *path) {
    return ends_with(path, ".json") || ends_with(path, ".html") || ends_with(path, ".log") ||
           ends_with(path, "summary.csv") || ends_with(path, "stdout");
}

static bool same(const char *a, const char *b) {
    size_t n = 0, m = 0;
    char *x = slurp(a, &n), *y = slurp(b, &m);
    bool ok = x && y &&
              (tells_times(a) ? count_lines(x) == count_lines(y) && (n == 0) == (m == 0)
                              : n == m && memcmp(x, y, n) == 0);
    free(x);
    free(y);
    return ok;
}

static bool is_old(const char *path) {
    size_t n = 0;
    char *text = slurp(path, &n);
    bool old = text && strcmp(text, "old\n") == 0;
    free(text);
    return old;
}

/* Whether folders a and b hold the same files; `lock`s come and go. */
static bool same_tree(const char *a, const char *b) {
    struct dirent **x, **y;
    int n = scandir(a, &x, NULL, alphasort), m = scandir(b, &y, NULL, alphasort);
    bool ok = n >= 0 && n == m;
    for (int i = 0; ok && i < n; i++) {
        char *p = file_join(a, x[i]->d_name), *q = file_join(b, y[i]->d_name);
        ok = strcmp(x[i]->d_name, y[i]->d_name) == 0 &&
             (x[i]->d_name[0] == '.' || (file_is_dir(p) ? same_tree(p, q) : same(p, q)));
        if (!ok) fprintf(stderr, "  %s differs from %s\n", p, q);
        free(p);
        free(q);
    }
    for (int i = 0; i < n; i++) free(x[i]);
    for (int i = 0; i < m; i++) free(y[i]);
    if (n >= 0) free(x);
    if (m >= 0) free(y);
    return ok;
}

/* ---- running ---- */

/* Runs the command with M3_FAULT=fault (NULL: none); the exit status, or −1 if it was killed. */
static int run(const Command *c, const char *fault) {
    char *argv[MAX_ARGS + 2] = {(char *)(uintptr_t)state.binary};
    for (int i = 0; i < MAX_ARGS && c->args[i]; i++) argv[i + 1] = (char *)(uintptr_t)c->args[i];
    if (ftruncate(state.report, 0) != 0) die("report");
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY),
            out = open("../stdout", O_WRONLY | O_CREAT | O_TRUNC, 0666),
            err = open("../stderr", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(null, 0);
        dup2(out, 1);
        dup2(err, 2);
        dup2(state.report, REPORT_FD);
        if (fault) {
            setenv("M3_FAULT", fault, 1);
            setenv("LD_PRELOAD", state.inject, 1);
        }
        alarm(TIME_LIMIT_S);
        execv(state.binary, argv);
        _exit(127);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) die("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool was_struck(void) {
    struct stat st;
    return fstat(state.report, &st) == 0 && st.st_size > 0;
}

/* Before a run: no output, or old ones. */
static void prepare(const Command *c, bool old) {
    for (int i = 0; i < MAX_OUT && c->out[i]; i++) {
        unlink(c->out[i]);
        if (old) write_old(c->out[i]);
    }
    if (c->folder) remove_tree(c->folder);
}

/* Whether a temporary file was left in the working folder. */
static bool is_littered(void) {
    DIR *dir = opendir(".");
    bool found = false;
    for (struct dirent *e; dir && (e = readdir(dir));) found |= strstr(e->d_name, ".tmp") != NULL;
    if (dir) closedir(dir);
    return found;
}

static const char *check_outputs(const Command *c, int rc, bool old) {
    char ref[64];
    for (int i = 0; i < MAX_OUT && c->out[i]; i++) {
        snprintf(ref, sizeof ref, "../ref/%s", c->out[i]);
        if (same(c->out[i], ref)) continue;
        if (rc == 0) return "exit 0 without its output";
        if (old ? !is_old(c->out[i]) : access(c->out[i], F_OK) == 0) return "half an output";
    }
    if (is_littered()) return "a temporary file was left";
    if (rc == 0 && !same("../stdout", "../ref/stdout")) return "exit 0 and another output";
    return NULL;
}

static const char *check_resumed(const Command *c) {
    int rc = run(c, NULL);
    if (rc != 0) return "the same command once more failed";
    return same_tree(c->folder, "../ref/dir") ? NULL : "resumed to another result";
}

/* What is wrong with a run that ended with rc, or NULL. */
static const char *verdict(const Command *c, const Fault *f, int rc, bool old) {
    size_t n = 0;
    char *said = slurp("../stderr", &n);
    size_t lines = said ? count_lines(said) : 0;
    bool sanitizer = said && strstr(said, "Sanitizer");
    free(said);
    if (rc < 0) return "killed by a signal";
    if (sanitizer) return "sanitizer report";
    if (rc > 2) return "unexpected exit status";
    if (rc == 2 && strcmp(f->name, "alloc") == 0) return "exhausted memory is called bad input";
    if (rc != 0 && f->harmless) return "a short or interrupted call shows";
    /* A batch has a remark for each result that failed. */
    if (rc != 0 && lines != 1 && strcmp(c->args[0], "batch") != 0) return "not one line";
    const char *why = check_outputs(c, rc, old);
    return why || !c->folder ? why : check_resumed(c);
}

static void complain(const Command *c, const char *fault, const char *why, int rc) {
    size_t n = 0;
    char *said = slurp("../stderr", &n);
    printf("%s: %s (exit %d): m3", fault, why, rc);
    for (int i = 0; i < MAX_ARGS && c->args[i]; i++) printf(" %s", c->args[i]);
    printf("\n  %.500s", said ? said : "");
    fflush(stdout);
    free(said);
    state.failures++;
}

/* All points of one kind of fault; `all`: none left out. */
static void strike(const Command *c, const Fault *f, bool all) {
    for (long n = 1; n < MAX_POINTS; n += all ? 1 : 2 * n - 1) {
        char fault[64];
        bool old = n % 2;
        snprintf(fault, sizeof fault, "%s:%ld:%d%s", f->name, n, f->error, f->more);
        prepare(c, old);
        int rc = run(c, fault);
        if (!was_struck()) return;
        state.points++;
        const char *why = verdict(c, f, rc, old);
        if (why) complain(c, fault, why, rc);
        else state.exits[rc]++;
    }
}

/* Keeps what the command makes undisturbed in ../ref. */
static void make_reference(const Command *c) {
    prepare(c, false);
    remove_tree("../ref");
    if (run(c, NULL) != 0) complain(c, "undisturbed", "fails", 1), exit(2);
    if (mkdir("../ref", 0777) != 0) die("ref");
    for (int i = 0; i < MAX_OUT && c->out[i]; i++) {
        char to[64];
        snprintf(to, sizeof to, "../ref/%s", c->out[i]);
        if (rename(c->out[i], to) != 0) die(to);
    }
    if (c->folder && rename(c->folder, "../ref/dir") != 0) die(c->folder);
    if (rename("../stdout", "../ref/stdout") != 0) die("stdout");
}

/* The inputs: tests/cli/net, the fuzzers' small checkpoints, and what m3 makes of them. */
static void make_inputs(const char *folder) {
    static const char script[] =
        "set -e; mkdir $to/work; cp tests/cli/net/* tests/fuzz/seeds/ckpt/*.m3 "
        "tests/fuzz/seeds/features/paths.feat $to/work; cd $to/work; "
        "$m estimate -q --topo clos.json --flows flows.csv --method flowsim --out estimate.json; "
        "$m batch mix.json -q --topo clos.json --n-flows 50 --method flowsim,packet --paths 3 "
        "--out batch; "
        "$m dataset networks -q --out nets --count 2 --n-flows 60; "
        "$m dataset flows -q --networks nets --out set --paths 2; mkdir -p paths/p0; "
        "echo '{\"n_hosts\": 3, \"cc\": \"dctcp\", \"enable_pfc\": 1, \"buffer_kb\": 300, "
        "\"window_b\": 18000, \"param_1\": 30, \"param_2\": 0}' >paths/p0/scenario.json; "
        "printf '%s\\n' 'Nodes 8' 'Connections 2' 'Triggers 1' "
        "'0->1 id 1 start 0 size 6000 send_done_trigger 1' '2->5 id 2 trigger 1 size 6000' "
        "'trigger id 1 oneshot' >chain.cm; "
        "{ echo flow,src,dst,size_b,start_ns,fct_ns,ideal_fct_ns; "
        "echo 0,0,2,1000,0,5300,5000; echo 1,0,1,400,200,2600,2300; } >paths/p0/flows.csv; "
        "echo '{\"jobs\": [{\"kind\": \"incast\", \"senders\": 3, \"size\": \"2KB\", \"count\": 2, "
        "\"period\": \"20us\"}, {\"kind\": \"collective\", \"op\": \"all-reduce\", \"algorithm\": "
        "\"ring\", \"ranks\": 4, \"size\": \"8KB\", \"iterations\": 1}]}' >jobs.json;";
    char *quiet = mem_printf("m=%s to=%s; { %s } >$to/made 2>&1", state.binary, folder, script);
    if (system(quiet) != 0) die(quiet);
    free(quiet);
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: faults BINARY INJECT.so FOLDER all|some [COMMAND]\n");
        return 2;
    }
    state.binary = realpath(argv[1], NULL);
    state.inject = realpath(argv[2], NULL);
    state.report = memfd_create("report", MFD_CLOEXEC);
    if (!state.binary || !state.inject) die("binary or library");
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    make_inputs(argv[3]);
    setenv("PATH", "", 1); /* no gnuplot for m3 report, which would be struck as well */
    char *work = file_join(argv[3], "work");
    if (chdir(work) != 0) die(work);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (argc > 5 && strcmp(commands[i].args[0], argv[5]) != 0) continue;
        make_reference(&commands[i]);
        for (size_t f = 0; f < N_FAULTS; f++)
            strike(&commands[i], &faults[f], strcmp(argv[4], "all") == 0);
    }
    printf("faults: %lu injected: %lu survived, %lu exit 1, %lu exit 2, %lu failures\n",
           state.points, state.exits[0], state.exits[1], state.exits[2], state.failures);
    free(work);
    return state.failures != 0;
}
