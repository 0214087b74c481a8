/* fuzzer: damaged copies of valid inputs against every parser of the program.
 *
 *     fuzzer BINARY [ITERATIONS [SEED]]
 *
 * Each iteration takes one valid file of tests/cli/net (or a result or checkpoint made at the
 * start), damages it — cut short, bits flipped, tokens swapped for others or for hostile ones,
 * lines dropped or doubled — and runs the command that reads it. Whatever the damage, the program
 * ends by itself in time, with status 0, 1 (I/O) or 2 (input); for 2 it says exactly one line; no
 * signal, no sanitizer report. The files of a failure are kept. Iteration i depends on (seed, i)
 * only, so a failure can be run again. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/ckpt.h"
#include "model/ckpt_published.h"

enum { MAX_ARGS = 20, TIME_LIMIT_S = 20, DEFAULT_ITERATIONS = 2500 };

/* A command whose argument `file` is damaged; all run in a folder that holds the valid files. */
typedef struct {
    const char *file;
    const char *args[MAX_ARGS];
} Target;

#define ESTIMATE \
    "estimate", "-q", "--method", "flowsim", "--n-flows", "50", "--threads", "1", "--paths", "5"
static const Target targets[] = {
    {"clos.json", {"topo", "-q", "show", "clos.json"}},
    {"graph.json", {"topo", "-q", "show", "graph.json"}},
    {"cluster.json", {"topo", "-q", "show", "cluster.json", "--json"}},
    {"topology.txt", {"topo", "-q", "show", "topology.txt"}},
    {"graph.gml", {"topo", "-q", "show", "graph.gml"}},
    {"graph.graphml", {"topo", "-q", "show", "graph.graphml"}},
    {"networkx.json", {"topo", "-q", "show", "networkx.json"}},
    {"lab.yml", {"topo", "-q", "show", "lab.yml", "--link-rate", "25Gbps", "--link-delay", "1us"}},
    {"pair.cm",
     {"workload", "-q", "--topo", "graph.gml", "--flows", "pair.cm", "--out", "out.csv"}},
    {"mix.json",
     {"workload", "-q", "--topo", "clos.json", "--mix", "mix.json", "--n-flows", "20", "--out",
      "out"}},
    {"matrix.json",
     {"workload", "-q", "--topo", "clos.json", "--mix", "mix.json", "--n-flows", "20", "--out",
      "out"}},
    {"sizes.txt",
     {"workload", "-q", "--topo", "clos.json", "--mix", "mix.json", "--n-flows", "20", "--out",
      "out"}},
    {"mix.json", {ESTIMATE, "--topo", "topology.txt", "--mix", "mix.json"}},
    {"graph.json", {ESTIMATE, "--topo", "graph.json", "--mix", "mix.json"}},
    {"flows.csv",
     {"estimate", "-q", "--method", "flowsim", "--topo", "clos.json", "--flows", "flows.csv",
      "--threads", "1"}},
    {"flows.m3f",
     {"workload", "-q", "--topo", "clos.json", "--flows", "flows.m3f", "--out", "out.csv",
      "--threads", "1"}},
    {"results.m3f", {"compare", "-q", "results.csv", "results.m3f"}},
    {"flows.txt",
     {"estimate", "-q", "--method", "flowsim", "--topo", "topology.txt", "--flows", "flows.txt",
      "--threads", "1"}},
    {"path.csv", {"flowsim", "-q", "--links", "4", "--flows", "path.csv"}},
    {"model.m3", {"ckpt", "info", "model.m3"}},
    {"model.m3",
     {"estimate", "-q", "--topo", "clos.json", "--flows", "flows.csv", "--ckpt", "model.m3",
      "--threads", "1", "--paths", "3"}},
    {"llama.bin",
     {"ckpt", "import", "--llama", "llama.bin", "--mlp", "mlp.bin", "--out", "out.m3"}},
    {"mlp.bin", {"ckpt", "import", "--llama", "llama.bin", "--mlp", "mlp.bin", "--out", "out.m3"}},
    {"flows.feat",
     {"estimate", "-q", "--features", "flows.feat", "--ckpt", "flow.m3", "--threads", "1"}},
    {"flow.m3",
     {"estimate", "-q", "--features", "flows.feat", "--ckpt", "flow.m3", "--threads", "1"}},
    {"model.m3",
     {"sweep", "-q", "--features", "rows.feat", "--ckpt", "model.m3", "--threads", "1", "--set",
      "window=12KB,20KB"}},
    {"rows.feat",
     {"estimate", "-q", "--features", "rows.feat", "--ckpt", "model.m3", "--threads", "1", "--set",
      "window=12KB"}},
    {"fluid.feat",
     {"sweep", "-q", "--features", "fluid.feat", "--threads", "1", "--set", "window=12KB"}},
    {"results.csv", {"compare", "-q", "results.csv", "results.csv"}},
    {"estimate.json", {"compare", "-q", "results.csv", "estimate.json"}},
    {"estimate.json", {"report", "-q", "estimate.json"}},
    {"sweep.json", {"report", "-q", "sweep.json"}},
    {"series.csv", {"report", "-q", "series.csv"}},
};
enum { N_TARGETS = sizeof targets / sizeof *targets };

/* -- damage
 * ---------------------------------------------------------------------------------------------
 */

typedef struct {
    char *p;
    size_t n;
} Bytes;

static const char *const hostile[] = {"-1",         "0",          "1e300",  "-1e300",
                                      "nan",        "inf",        "1e-300", "99999999999999999999",
                                      "4294967296", "2147483648", "null",   "true",
                                      "\"x\"",      "{}",         "[]",     "[[[[",
                                      "",           "\"",         ",",      "\n",
                                      "\xff",       "10Gbps",     "1e9999"};
enum { N_HOSTILE = sizeof hostile / sizeof *hostile };

static void replace(Bytes *b, size_t at, size_t len, const char *with, size_t n) {
    char *p = MEM_NEW(char, b->n - len + n);
    memcpy(p, b->p, at);
    memcpy(p + at, with, n);
    memcpy(p + at + n, b->p + at + len, b->n - at - len);
    free(b->p);
    b->p = p;
    b->n = b->n - len + n;
}

static bool is_token(char c) { return !strchr(" \t\r\n,:[]{}", c) || c == '\0'; }

/* A run of token characters around a random place; false if the place is between tokens. */
static bool pick_token(const Bytes *b, Rng *rng, size_t *at, size_t *len) {
    size_t i = rng_below(rng, b->n), end = i;
    if (!is_token(b->p[i])) return false;
    while (i > 0 && is_token(b->p[i - 1])) i--;
    while (end < b->n && is_token(b->p[end])) end++;
    *at = i;
    *len = end - i;
    return true;
}

static void swap_token(Bytes *b, Rng *rng) {
    size_t at, len, other, other_len;
    if (!pick_token(b, rng, &at, &len)) return;
    if (rng_below(rng, 3) == 0 && pick_token(b, rng, &other, &other_len)) {
        char *copy = MEM_NEW(char, other_len);
        memcpy(copy, b->p + other, other_len);
        replace(b, at, len, copy, other_len);
        free(copy);
    } else {
        const char *with = hostile[rng_below(rng, N_HOSTILE)];
        replace(b, at, len, with, strlen(with));
    }
}

/* Drops or doubles a line. */
static void line_damage(Bytes *b, Rng *rng) {
    size_t at = rng_below(rng, b->n), end;
    while (at > 0 && b->p[at - 1] != '\n') at--;
    for (end = at; end < b->n && b->p[end] != '\n';) end++;
    if (end < b->n) end++;
    if (rng_below(rng, 2)) {
        replace(b, at, end - at, "", 0);
        return;
    }
    char *copy = MEM_NEW(char, end - at);
    memcpy(copy, b->p + at, end - at);
    replace(b, at, 0, copy, end - at);
    free(copy);
}

static void damage(Bytes *b, Rng *rng) {
    for (uint64_t n = 1 + rng_below(rng, 3); n > 0 && b->n > 0; n--) switch (rng_below(rng, 8)) {
        case 0: b->n = rng_below(rng, b->n); break;
        case 1:
        case 2: b->p[rng_below(rng, b->n)] ^= (char)(1u << rng_below(rng, 8)); break;
        case 3: line_damage(b, rng); break;
        default: swap_token(b, rng);
        }
}

/* Length and checksum of a checkpoint or features file made right again, so that what they guard is
 * reached. */
static void seal(Bytes *b) {
    uint64_t len = b->n, sum;
    if (b->n < 40 || memcmp(b->p, "m3", 2) != 0 || memcmp(b->p + 6, "\r\n", 2) != 0) return;
    memcpy(b->p + 16, &len, sizeof len);
    sum = file_checksum(b->p, b->n - sizeof sum);
    memcpy(b->p + b->n - sizeof sum, &sum, sizeof sum);
}

/* -- files
 * ---------------------------------------------------------------------------------------------
 */

static void fail_setup(const char *what, const char *why) {
    fprintf(stderr, "fuzzer: %s: %s\n", what, why);
    exit(2);
}

static Bytes read_file(const char *path) {
    FileView v;
    Err err = {0};
    if (file_view(&v, path, &err) != 0) fail_setup(path, err.msg);
    Bytes b = {MEM_NEW(char, v.len), v.len};
    if (v.len) memcpy(b.p, v.data, v.len);
    file_view_close(&v);
    return b;
}

static void write_file(const char *path, const Bytes *b) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(b->p, 1, b->n, f) != b->n || fclose(f) != 0) fail_setup(path, strerror(errno));
}

static void copy_file(const char *from, const char *to) {
    Bytes b = read_file(from);
    write_file(to, &b);
    free(b.p);
}

static void random_weights(Ckpt *c) {
    Rng rng = rng_stream(1, "weights", 0);
    ckpt_layout(&c->spec, NULL, 0, &c->n_floats);
    c->weights = MEM_NEW(float, c->n_floats);
    for (size_t i = 0; i < c->n_floats; i++) c->weights[i] = (float)(0.02 * rng_normal(&rng));
}

/* A flow model of the usual size. */
static void make_flow_checkpoint(void) {
    Ckpt c = {0};
    Err err = {0};
    if (modelspec_preset(&c.spec, "flow", &err) != 0) fail_setup("preset", err.msg);
    random_weights(&c);
    if (ckpt_save(&c, "flow.m3", CKPT_F16, &err) != 0) fail_setup("checkpoint", err.msg);
    free(c.weights);
}

/* A path model of a few thousand weights in our format and as the published pair. */
static void make_checkpoints(void) {
    Ckpt c = {.spec = {.n_feat = 1019,
                       .dim = 8,
                       .hidden = 16,
                       .n_layers = 1,
                       .n_heads = 2,
                       .mlp_h1 = 8,
                       .mlp_h2 = 8,
                       .n_out = 400}};
    Err err = {0};
    char recipe[] = "{}", name[] = "tiny";
    random_weights(&c);
    c.recipe = recipe;
    c.name = name;
    if (ckpt_save(&c, "model.m3", CKPT_F16, &err) != 0 ||
        ckpt_export(&c, "llama.bin", "mlp.bin", &err) != 0)
        fail_setup("checkpoint", err.msg);
    free(c.weights);
}

/* -- running
 * ---------------------------------------------------------------------------------------------
 */

/* Runs BINARY with args, stdout dropped, stderr to the file "stderr"; the wait status, or −1 if it
 * took too long. */
static int run(const char *binary, const char *const *args) {
    char *argv[MAX_ARGS + 2];
    int n = 0;
    argv[n++] = (char *)(uintptr_t)binary;
    for (int i = 0; i < MAX_ARGS && args[i]; i++) argv[n++] = (char *)(uintptr_t)args[i];
    argv[n] = NULL;
    pid_t pid = fork();
    if (pid < 0) fail_setup("fork", strerror(errno));
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR),
            err = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(null, 0);
        dup2(null, 1);
        dup2(err, 2);
        alarm(TIME_LIMIT_S); /* survives exec; ends the program with SIGALRM */
        execv(binary, argv);
        _exit(127);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) fail_setup("waitpid", strerror(errno));
    return status;
}

static size_t count_lines(const Bytes *b) {
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) n += b->p[i] == '\n';
    return n;
}

/* What is wrong with an outcome, or NULL. */
static const char *verdict(int status, const Bytes *messages) {
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? "took too long" : "died of a signal";
    int code = WEXITSTATUS(status);
    if (code != 0 && code != 1 && code != 2) return "unexpected exit status";
    for (size_t i = 0; i + 9 <= messages->n; i++)
        if (memcmp(messages->p + i, "Sanitizer", 9) == 0 ||
            memcmp(messages->p + i, "runtime e", 9) == 0)
            return "sanitizer report";
    if (code == 2 && count_lines(messages) != 1) return "not exactly one line for exit 2";
    return NULL;
}

static void report(uint64_t iteration, const Target *t, const char *why, int status,
                   const Bytes *messages) {
    char kept[64];
    snprintf(kept, sizeof kept, "failed-%llu-%s", (unsigned long long)iteration, t->file);
    copy_file(t->file, kept);
    printf("iteration %llu: %s (wait status %d): m3", (unsigned long long)iteration, why, status);
    for (int i = 0; i < MAX_ARGS && t->args[i]; i++) printf(" %s", t->args[i]);
    printf("\n  %s is kept as %s\n  %.*s\n", t->file, kept,
           (int)(messages->n < 600 ? messages->n : 600), messages->p);
}

/* One file of each kind of features. */
static void make_features(const char *binary) {
    static const char *const made[][3] = {{"flow.m3", "m3", "flows.feat"},
                                          {"model.m3", "m3", "rows.feat"},
                                          {"model.m3", "flowsim", "fluid.feat"}};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        run(binary,
            (const char *const[]){"estimate", "-q", "--topo", "clos.json", "--flows", "flows.csv",
                                  "--paths", "3", "--ckpt", made[i][0], "--method", made[i][1],
                                  "--save-features", made[i][2], NULL});
}

/* True if the program behaved. */
static bool fuzz_once(const char *binary, uint64_t seed, uint64_t iteration, const Bytes *valid,
                      unsigned exits[3]) {
    const Target *t = &targets[iteration % N_TARGETS];
    Rng rng = rng_stream(seed, "fuzz", iteration);
    Bytes original = valid[iteration % N_TARGETS], b = {MEM_NEW(char, original.n), original.n};
    memcpy(b.p, original.p, original.n);
    damage(&b, &rng);
    if (rng_below(&rng, 4) > 0) seal(&b);
    write_file(t->file, &b);
    int status = run(binary, t->args);
    Bytes messages = read_file("stderr");
    const char *why = verdict(status, &messages);
    if (why) report(iteration, t, why, status, &messages);
    else exits[WEXITSTATUS(status)]++;
    write_file(t->file, &original);
    free(messages.p);
    free(b.p);
    return !why;
}

/* Every target must work before its input is damaged; otherwise nothing would be tested. */
static void check_undamaged(const char *binary) {
    for (size_t i = 0; i < N_TARGETS; i++) {
        int status = run(binary, targets[i].args);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
        Bytes messages = read_file("stderr");
        fprintf(stderr, "fuzzer: the undamaged 'm3 %s %s' fails: %.*s\n", targets[i].args[0],
                targets[i].file, (int)messages.n, messages.p);
        exit(2);
    }
}

static void write_series(void) {
    static char text[] = "start_ns,end_ns,port,utilisation,queue_max_b\n0,1000,1>2,0.5,400\n"
                         "1000,4000,1>2,0.9,200\n0,1000,2>3,0.1,0\n";
    write_file("series.csv", &(Bytes){text, sizeof text - 1});
}

int main(int argc, char **argv) {
    if (argc < 2) fail_setup("usage", "fuzzer BINARY [ITERATIONS [SEED]]");
    uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : DEFAULT_ITERATIONS,
             seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    char *binary = realpath(argv[1], NULL), *net = realpath("tests/cli/net", NULL),
         dir[] = "/tmp/m3-fuzz-XXXXXX";
    if (!binary || !net || !mkdtemp(dir) || chdir(dir) != 0) fail_setup(argv[1], strerror(errno));
    static const char *const copied[] = {
        "clos.json",     "graph.json",    "cluster.json", "topology.txt",
        "mix.json",      "matrix.json",   "sizes.txt",    "flows.csv",
        "flows.txt",     "path.csv",      "results.csv",  "graph.gml",
        "graph.graphml", "networkx.json", "lab.yml",      "pair.cm"};
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        char *from = file_join(net, copied[i]);
        copy_file(from, copied[i]);
        free(from);
    }
    make_checkpoints();
    make_flow_checkpoint();
    run(binary, (const char *const[]){ESTIMATE, "--topo", "clos.json", "--mix", "mix.json", "--out",
                                      "estimate.json", NULL});
    make_features(binary);
    run(binary, (const char *const[]){"workload", "-q", "--topo", "clos.json", "--flows",
                                      "flows.csv", "--out", "flows.m3f", NULL});
    run(binary, (const char *const[]){"workload", "-q", "--topo", "clos.json", "--flows",
                                      "results.csv", "--out", "results.m3f", NULL});
    run(binary, (const char *const[]){"sweep", "-q", "--topo", "clos.json", "--mix", "mix.json",
                                      "--n-flows", "500", "--method", "flowsim", "--set",
                                      "max_load=0.3,0.4", "--out", "sweep.json", NULL});
    write_series();
    check_undamaged(binary);
    Bytes valid[N_TARGETS];
    for (size_t i = 0; i < N_TARGETS; i++) valid[i] = read_file(targets[i].file);
    unsigned exits[3] = {0}, failed = 0;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (uint64_t i = 0; i < n; i++) failed += !fuzz_once(binary, seed, i, valid, exits);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("fuzz: %llu damaged inputs in %.0f s: %u accepted, %u refused, %u i/o errors, %u "
           "failures%s%s\n",
           (unsigned long long)n, (double)(end.tv_sec - start.tv_sec), exits[0], exits[2], exits[1],
           failed, failed ? ", kept in " : "", failed ? dir : "");
    for (size_t i = 0; i < N_TARGETS; i++) free(valid[i].p);
    free(binary);
    free(net);
    if (failed) return 1;
    char *remove = mem_printf("rm -rf %s", dir);
    int rc = system(remove);
    free(remove);
    return rc != 0;
}
