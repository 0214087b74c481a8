/* Flows that stay in files against the same flows in memory: binary files, text files, and those
 * that have to be sorted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "traffic/flows_read.h"
#include "traffic/flowsource.h"
#include "workload_case.h"

/* More than three chunks, and more chunks than one. */
enum { N = 3 * FLOW_CHUNK + 1234 };

static Flows random_flows(const Topo *t) {
    Flows f;
    Rng r = rng_stream(4, "flow file", 0);
    int64_t now = 0;
    flows_init(&f, N);
    for (size_t i = 0; i < N; i++) {
        f.src[i] = (uint32_t)rng_below(&r, t->n_hosts);
        f.dst[i] = (f.src[i] + 1 + (uint32_t)rng_below(&r, t->n_hosts - 1)) % t->n_hosts;
        f.size_b[i] = 1 + rng_below(&r, 100000);
        f.start_ns[i] = now += (int64_t)rng_below(&r, 3);
    }
    return f;
}

static void same_flows(const Flows *f, const FlowFile *file, const Topo *t) {
    uint16_t *sport = MEM_NEW(uint16_t, f->n), *of_file;
    Err err = {0};
    route_sports(t, f->src, f->dst, f->n, sport);
    FlowSource in_memory = flowsource_in_memory(f, sport), source;
    net_case_ok(flowsource_file(&source, file, t, 2, &of_file, NULL, &err), &err);
    assert_int_equal(source.n, f->n);
    Flows none = {0}, room = {0};
    for (size_t k = flowsource_n_chunks(&source); k-- > 0;) {
        FlowChunk a = flowsource_chunk(&in_memory, k, &none),
                  b = flowsource_chunk(&source, k, &room);
        assert_true(a.first == b.first && a.n == b.n);
        assert_memory_equal(a.src, b.src, a.n * sizeof *a.src);
        assert_memory_equal(a.dst, b.dst, a.n * sizeof *a.dst);
        assert_memory_equal(a.size_b, b.size_b, a.n * sizeof *a.size_b);
        assert_memory_equal(a.start_ns, b.start_ns, a.n * sizeof *a.start_ns);
        assert_memory_equal(a.sport, b.sport, a.n * sizeof *a.sport);
    }
    uint64_t pick[] = {N - 1, 0, FLOW_CHUNK, 77, FLOW_CHUNK - 1};
    uint32_t src[5], dst[5];
    net_case_ok(flowsource_hosts(&source, pick, 5, src, dst, &err), &err);
    for (int i = 0; i < 5; i++) assert_true(src[i] == f->src[pick[i]] && dst[i] == f->dst[pick[i]]);
    flows_free(&room);
    free(sport);
    free(of_file);
}

/* Node ids are not host indices: hosts come after the switches. */
static void topology(Topo *t) {
    enum { HOSTS = 9 };
    uint64_t id[HOSTS + 1];
    uint8_t is_host[HOSTS + 1];
    TopoCable cables[HOSTS];
    Err err = {0};
    for (uint32_t i = 0; i <= HOSTS; i++) {
        id[i] = 100 + 3 * i;
        is_host[i] = i > 0;
        if (i > 0) cables[i - 1] = (TopoCable){id[i], id[0], 1e9, 1000, 0};
    }
    net_case_ok(topo_build(t, "star", id, is_host, NULL, HOSTS + 1, cables, HOSTS, &err), &err);
}

static void files_have_the_flows_of_memory(void **state) {
    (void)state;
    static const char *const endings[] = {".m3f", ".csv"};
    Topo t;
    Err err = {0};
    topology(&t);
    Flows f = random_flows(&t);
    for (int k = 0; k < 2; k++) {
        char base[64], path[80];
        snprintf(path, sizeof path, "%s%s", workload_case_scratch(base), endings[k]);
        net_case_ok(flows_save(&f, path, &t, &err), &err);
        Flows g;
        FlowFile *file;
        net_case_ok(flows_open(&g, &file, path, &t, NULL, 1000, NULL, &err), &err);
        unlink(path); /* what is open stays */
        assert_true(file && g.n == 0 && flowfile_n(file) == N);
        same_flows(&f, file, &t);
        flowfile_close(file);
    }
    flows_free(&f);
    topo_free(&t);
}

/* A limit above the number of flows; starts out of order; a bad line in the last chunk. */
static void what_is_not_streamed(void **state) {
    (void)state;
    Topo t;
    Err err = {0};
    char path[64];
    topology(&t);
    Flows f = random_flows(&t), g;
    FlowFile *file;
    net_case_ok(flows_save(&f, workload_case_scratch(path), &t, &err), &err);
    net_case_ok(flows_open(&g, &file, path, &t, NULL, 2 * N, NULL, &err), &err);
    assert_true(!file && g.n == N);
    flows_free(&g);

    FILE *out = fopen(path, "a");
    assert_non_null(out);
    fputs("7,103,106,10,0\n", out);
    fclose(out);
    net_case_ok(flows_open(&g, &file, path, &t, NULL, 1000, NULL, &err), &err);
    assert_true(!file && g.n == N + 1 && g.id && g.start_ns[1] >= g.start_ns[0]);
    flows_free(&g);

    out = fopen(path, "a");
    assert_non_null(out);
    fputs("7,103,107,10,0\n", out);
    fclose(out);
    assert_int_equal(flows_open(&g, &file, path, &t, NULL, 1000, NULL, &err), -1);
    assert_true(!file && g.n == 0 && strstr(err.msg, "line 197845: dst"));
    unlink(path);
    flows_free(&f);
    topo_free(&t);
}

/* Starts a process that writes a file into a pipe; returns the end to read from. */
static int pipe_of(const char *path, pid_t *writer) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *writer = fork();
    assert_true(*writer >= 0);
    if (*writer > 0) {
        close(ends[1]);
        return ends[0];
    }
    char buffer[1 << 16];
    FILE *in = fopen(path, "rb"), *out = fdopen(ends[1], "wb");
    size_t n;
    close(ends[0]);
    while (in && (n = fread(buffer, 1, sizeof buffer, in)) > 0) fwrite(buffer, 1, n, out);
    fclose(out);
    _exit(0);
}

/* What comes from a pipe can be read only once, so its flows cannot stay there. */
static void a_pipe_is_read_once(void **state) {
    (void)state;
    static const char *const endings[] = {".m3f", ".csv"};
    Topo t;
    Err err = {0};
    topology(&t);
    Flows f = random_flows(&t);
    for (int k = 0; k < 2; k++) {
        char base[64], path[80], name[32];
        snprintf(path, sizeof path, "%s%s", workload_case_scratch(base), endings[k]);
        net_case_ok(flows_save(&f, path, &t, &err), &err);
        Flows g;
        FlowFile *file;
        pid_t writer;
        int fd = pipe_of(path, &writer);
        snprintf(name, sizeof name, "/dev/fd/%d", fd);
        net_case_ok(flows_open(&g, &file, name, &t, NULL, 1000, NULL, &err), &err);
        close(fd);
        assert_int_equal(waitpid(writer, NULL, 0), writer);
        if (k == 0) {
            assert_true(!file && g.n == N);
            assert_memory_equal(g.dst, f.dst, N * sizeof *f.dst);
            assert_memory_equal(g.start_ns, f.start_ns, N * sizeof *f.start_ns);
        } else {
            assert_true(file && g.n == 0);
            same_flows(&f, file, &t);
        }
        flowfile_close(file);
        flows_free(&g);
        unlink(path);
    }
    flows_free(&f);
    topo_free(&t);
}

/* Reads all chunks in a process of its own, whose message is put into `line`; returns how it
 * ended. */
static int read_apart(const FlowFile *file, size_t n_chunks, char *line, size_t cap) {
    int ends[2], status = -1;
    assert_int_equal(pipe(ends), 0);
    pid_t reader = fork();
    assert_true(reader >= 0);
    if (reader == 0) {
        Flows room;
        dup2(ends[1], STDERR_FILENO);
        flows_init(&room, FLOW_CHUNK);
        for (size_t k = 0; k < n_chunks; k++) flowfile_read(file, k, &room);
        _exit(0);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    size_t n = fread(line, 1, cap - 1, in);
    line[n] = '\0';
    fclose(in);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    return status;
}

/* A file that others change or cut after it was checked ends the program with a line that names it,
 * whatever stands there then. */
static void changed_files_end_the_program(void **state) {
    (void)state;
    enum {
        HOSTS = 64, /* where columns begin */
        SRC = HOSTS + (9 * 8 + 63) / 64 * 64,
        DST = SRC + (N * 4 + 63) / 64 * 64,
        SIZE = DST + (N * 4 + 63) / 64 * 64,
        START = SIZE + (N * 8 + 63) / 64 * 64
    };
    static const struct {
        long at;
        uint32_t value;
        const char *expected;
    } changes[] = {
        {SRC, 9, "flow 0: no such host"},
        {DST + 4 * (N - 1), UINT32_MAX, "flow 197841: no such host"},
        {SIZE, 0, "flow 0: size"},
        {START + 8 * FLOW_CHUNK, 0, "flow 65536: start"}, /* before the flow above it */
        {0, 0, "cut"},
    };
    Topo t;
    Err err = {0};
    char base[64], path[80], line[256];
    topology(&t);
    Flows f = random_flows(&t);
    snprintf(path, sizeof path, "%s.m3f", workload_case_scratch(base));
    for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
        Flows g;
        FlowFile *file;
        net_case_ok(flows_save(&f, path, &t, &err), &err);
        net_case_ok(flows_open(&g, &file, path, &t, NULL, 1000, NULL, &err), &err);
        size_t n_chunks = (N + FLOW_CHUNK - 1) / FLOW_CHUNK;
        assert_int_equal(read_apart(file, n_chunks, line, sizeof line), 0);
        FILE *out = fopen(path, "rb+");
        assert_non_null(out);
        fseek(out, changes[k].at, SEEK_SET);
        fwrite(&changes[k].value, sizeof changes[k].value, 1, out);
        fclose(out);
        if (changes[k].at == 0) assert_int_equal(truncate(path, SIZE), 0);
        int status = read_apart(file, n_chunks, line, sizeof line);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 || !strstr(line, path) ||
            !strstr(line, changes[k].expected))
            fail_msg("change %zu: status %d: %s", k, status, line);
        flowfile_close(file);
    }
    unlink(path);
    flows_free(&f);
    topo_free(&t);
}

static void ignore_progress(void *ctx, const char *what, uint64_t done, uint64_t total) {
    (void)ctx, (void)what, (void)done, (void)total;
}

static void count_line(void *ctx, LogLevel level, const char *line) {
    (void)level;
    *(int *)ctx += strstr(line, "more flows than") != NULL;
}

/* A file that is read twice, since its flows have to be sorted, is remarked on once. */
static void remarks_are_made_once(void **state) {
    (void)state;
    Topo t;
    Err err = {0};
    char path[64];
    int n_remarks = 0;
    LogSink sink = {.line = count_line, .progress = ignore_progress, .ctx = &n_remarks};
    Log log = {.sink = &sink};
    topology(&t);
    workload_case_write(path,
                        "2\n103 106 3 100 10 0.5\n106 103 3 100 10 0.25\n103 106 3 100 10 2\n");
    Flows g;
    FlowFile *file;
    net_case_ok(flows_open(&g, &file, path, &t, NULL, 1, &log, &err), &err);
    assert_true(!file && g.n == 2 && g.start_ns[0] == 250000000);
    assert_int_equal(n_remarks, 1);
    unlink(path);
    flows_free(&g);
    topo_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_have_the_flows_of_memory),
        cmocka_unit_test(what_is_not_streamed),
        cmocka_unit_test(a_pipe_is_read_once),
        cmocka_unit_test(changed_files_end_the_program),
        cmocka_unit_test(remarks_are_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
