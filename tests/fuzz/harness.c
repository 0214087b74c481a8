/* harness: what the fuzz targets share.
 *
 * Commands run in this process through cli_run, with stdout dropped and stderr in a file in memory,
 * whose lines are counted. What a target's input may break is thus all that a user's file may: the
 * reader, what is computed of it, and the printed table.
 *
 * Two ends of the process are no findings. Exhausted memory is one line and exit 1 by contract: the
 * linker puts __wrap_diag_out_of_memory in the place of base/diag's, which goes back to fuzz_run;
 * what was allocated is lost, so leaks are not looked for afterwards. Sanitizers' allocations are
 * limited, so that this comes before the machine's memory is gone. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "cli/cli.h"
#include "model/ckpt.h"
#include "model/ckpt_published.h"

enum { MAX_ARGS = 40, MAX_MESSAGE = 1 << 16 };

extern const CliCommand cmd_estimate, cmd_sweep, cmd_simulate, cmd_workload, cmd_topo, cmd_flowsim,
    cmd_dataset, cmd_evaluate, cmd_ckpt, cmd_compare, cmd_batch, cmd_report, cmd_explain;
static const CliCommand *const commands[] = {
    &cmd_estimate, &cmd_sweep,   &cmd_simulate, &cmd_workload, &cmd_topo,
    &cmd_flowsim,  &cmd_dataset, &cmd_evaluate, &cmd_ckpt,     &cmd_compare,
    &cmd_batch,    &cmd_report,  &cmd_explain};

static struct {
    char folder[64];
    int messages; /* descriptor of the file that takes a command's stderr */
    int terminal; /* descriptor of the true stderr */
    jmp_buf out_of_memory;
    bool lost_memory;
} state;

/* ---- sanitizers ---- */

const char *__asan_default_options(void);
int __lsan_is_turned_off(void);
_Noreturn void __wrap_diag_out_of_memory(const char *fmt, ...);
void __sanitizer_set_report_fd(void *fd) __attribute__((weak));

const char *__asan_default_options(void) {
    return "allocator_may_return_null=1:max_allocation_size_mb=256:detect_stack_use_after_return=0";
}

int __lsan_is_turned_off(void) { return state.lost_memory; }

void __wrap_diag_out_of_memory(const char *fmt, ...) {
    (void)fmt;
    longjmp(state.out_of_memory, 1);
}

/* ---- the folder ---- */

static void fail(const char *what) {
    dprintf(state.terminal > 0 ? state.terminal : 2, "fuzz: %s: %s\n", what, strerror(errno));
    abort();
}

void fuzz_write(const char *name, const uint8_t *data, size_t n) {
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n || close(fd) != 0) fail(name);
}

void fuzz_write_sealed(const char *name, const uint8_t *data, size_t n) {
    uint8_t *copy = MEM_NEW(uint8_t, n);
    uint64_t len = n, sum;
    memcpy(copy, data, n);
    if (n >= 32 + sizeof sum) {
        memcpy(copy + 16, &len, sizeof len);
        sum = file_checksum(copy, n - sizeof sum);
        memcpy(copy + n - sizeof sum, &sum, sizeof sum);
    }
    fuzz_write(name, copy, n);
    free(copy);
}

static const char kept[] = "replaced.kept";

void fuzz_replace(const char *path, const uint8_t *data, size_t n) {
    if (rename(path, kept) != 0) fail(path);
    fuzz_write(path, data, n);
}

void fuzz_restore(const char *path) {
    if (rename(kept, path) != 0) fail(path);
}

static void copy_file(const char *from, const char *to) {
    FileView v;
    Err err = {0};
    if (file_view(&v, from, &err) != 0) fail(err.msg);
    fuzz_write(to, (const uint8_t *)v.data, v.len);
    file_view_close(&v);
}

static void remove_folder(void) {
    char *command = mem_printf("/bin/rm -rf %s", state.folder);
    int rc = system(command);
    (void)rc; /* it is under /tmp */
    free(command);
}

void fuzz_folder(void) {
    static const char *const copied[] = {"clos.json",   "graph.json",  "topology.txt", "graph.gml",
                                         "mix.json",    "matrix.json", "sizes.txt",    "flows.csv",
                                         "results.csv", "path.csv"};
    if (state.folder[0]) return;
    /* In the checkout, or beside the program, where OSS-Fuzz has it. */
    char *dir = file_program_dir(), *net = file_join(dir, "tests/cli/net"),
         *full = realpath(file_is_dir(net) ? net : "tests/cli/net", NULL);
    strcpy(state.folder, "/tmp/m3-fuzz-XXXXXX");
    state.terminal = dup(STDERR_FILENO);
    state.messages = memfd_create("messages", MFD_CLOEXEC);
    if (!full) fail(net);
    const char *kept_folder = getenv("M3_FUZZ_FOLDER"); /* for make-seeds, which copies the files */
    if (!kept_folder && !mkdtemp(state.folder)) fail(state.folder);
    if (chdir(kept_folder ? kept_folder : state.folder) != 0) fail(state.folder);
    if (!kept_folder) atexit(remove_folder);
    if (__sanitizer_set_report_fd) __sanitizer_set_report_fd((void *)(intptr_t)state.terminal);
    if (!freopen("/dev/null", "w", stdout)) fail("/dev/null");
    json_die_without_memory();
    setenv("PATH", "", 1); /* no gnuplot, which takes a second a picture */
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        char *from = file_join(full, copied[i]);
        copy_file(from, copied[i]);
        free(from);
    }
    free(dir);
    free(net);
    free(full);
}

static void save_random(Ckpt *c, const char *name, bool published) {
    Rng rng = rng_stream(1, "weights", 0);
    Err err = {0};
    char recipe[] = "{}", title[] = "tiny";
    ckpt_layout(&c->spec, NULL, 0, &c->n_floats);
    c->weights = MEM_NEW(float, c->n_floats);
    for (size_t i = 0; i < c->n_floats; i++) c->weights[i] = (float)(0.02 * rng_normal(&rng));
    c->recipe = recipe;
    c->name = title;
    if (ckpt_save(c, name, CKPT_F16, &err) != 0 ||
        (published && ckpt_export(c, "llama.bin", "mlp.bin", &err) != 0))
        fail(err.msg);
    free(c->weights);
}

void fuzz_checkpoints(void) {
    static bool done;
    Ckpt path = {.spec = {.n_feat = 1019,
                          .dim = 4,
                          .hidden = 4,
                          .n_layers = 1,
                          .n_heads = 2,
                          .mlp_h1 = 4,
                          .mlp_h2 = 4,
                          .n_out = 400}},
         flow = {0};
    Err err = {0};
    if (done) return;
    done = true;
    fuzz_folder();
    if (modelspec_preset(&flow.spec, "flow", &err) != 0) fail(err.msg);
    flow.spec.dim = flow.spec.hidden = flow.spec.mlp_h1 = flow.spec.mlp_h2 = 4;
    flow.spec.n_heads = 2;
    save_random(&path, "model.m3", true);
    save_random(&flow, "flow.m3", false);
}

/* ---- commands ---- */

static const CliCommand *find(const char *name) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    fail(name);
    return NULL;
}

/* Aborts unless the command's outcome is one that it may have. */
static void judge(int rc, int argc, char **argv) {
    static char text[MAX_MESSAGE];
    ssize_t n = pread(state.messages, text, sizeof text - 1, 0);
    size_t lines = 0;
    text[n > 0 ? n : 0] = '\0';
    for (ssize_t i = 0; i < n; i++) lines += text[i] == '\n';
    if (rc == 0 || ((rc == 1 || rc == 2) && lines == 1)) return;
    dprintf(state.terminal, "fuzz: exit %d and %zu lines of: m3", rc, lines);
    for (int i = 0; i < argc; i++) dprintf(state.terminal, " %s", argv[i]);
    dprintf(state.terminal, "\n%s\n", text);
    abort();
}

void fuzz_run(const char *command, ...) {
    char *argv[MAX_ARGS + 1] = {NULL}, *words[MAX_ARGS + 1];
    int argc = 0;
    va_list ap;
    va_start(ap, command);
    for (const char *s = command; s && argc < MAX_ARGS; s = va_arg(ap, const char *))
        argv[argc++] = mem_strdup(s);
    va_end(ap);
    memcpy(words, argv, sizeof words); /* getopt reorders argv */
    volatile int rc = 1;
    int before = dup(STDERR_FILENO);
    if (ftruncate(state.messages, 0) != 0 || lseek(state.messages, 0, SEEK_SET) != 0 ||
        dup2(state.messages, STDERR_FILENO) < 0)
        fail("stderr");
    if (setjmp(state.out_of_memory) == 0) {
        rc = cli_run(find(command), argc, words);
    } else {
        cleanup_remove_files();
        state.lost_memory = true;
        dprintf(STDERR_FILENO, "m3: out of memory\n");
    }
    fflush(stdout);
    dup2(before, STDERR_FILENO);
    close(before);
    judge(rc, argc, argv);
    for (int i = 0; i < argc; i++) free(argv[i]);
}
