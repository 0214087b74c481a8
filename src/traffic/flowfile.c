/* flowfile: flows that stay in a file.
 *
 * Two layouts, one way to read: column k of chunk c begins at begin_b[k] + c · stride_b[k]. In a
 * binary flow file a column has all flows; in the temporary file that a text file is turned into, a
 * chunk has its four columns side by side, since it is written while the text is read. Chunks are
 * read with pread into the caller's memory and not mapped: mapped pages would count as the
 * program's and stay until somebody takes them away.
 *
 * Others may change or cut a binary file while it is open, so what is read is checked each time.
 * If it is good no more, the process ends with a line that says so, as it does for a mapped file
 * that was cut (base/cleanup): it is too late for the flows of earlier chunks. Left out: what flows
 * took, and their numbers in the file, which those who read by the chunk don't need. */
#include "traffic/flowfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "traffic/flows_private.h"

static const size_t width_b[FLOWFILE_N] = {4, 4, 8, 8};
enum { CHUNK_B = FLOW_CHUNK * (4 + 4 + 8 + 8) };

struct FlowFile {
    char *path;
    int fd;
    size_t n;
    uint64_t begin_b[FLOWFILE_N], stride_b[FLOWFILE_N];
    uint32_t *host_of; /* [n_numbers] or TOPO_NONE; NULL: src and dst are hosts */
    uint32_t n_numbers;
};

FlowFile *flowfile_open(const char *path, size_t n, const uint64_t begin_b[FLOWFILE_N],
                        uint32_t *host_of, uint32_t n_numbers, Err *err) {
    int fd = file_open_at(path, err);
    if (fd < 0) {
        free(host_of);
        return NULL;
    }
    FlowFile *f = MEM_ZNEW(FlowFile, 1);
    *f = (FlowFile){
        .path = mem_strdup(path), .fd = fd, .n = n, .host_of = host_of, .n_numbers = n_numbers};
    for (int k = 0; k < FLOWFILE_N; k++) {
        f->begin_b[k] = begin_b[k];
        f->stride_b[k] = FLOW_CHUNK * width_b[k];
    }
    return f;
}

FlowFile *flowfile_new(Err *err) {
    int fd = file_open_temporary(err);
    if (fd < 0) return NULL;
    FlowFile *f = MEM_ZNEW(FlowFile, 1);
    *f = (FlowFile){.path = mem_strdup("temporary file of flows"), .fd = fd};
    for (int k = 0; k < FLOWFILE_N; k++) {
        f->stride_b[k] = CHUNK_B;
        if (k > 0) f->begin_b[k] = f->begin_b[k - 1] + FLOW_CHUNK * width_b[k - 1];
    }
    return f;
}

void flowfile_close(FlowFile *f) {
    if (!f) return;
    file_close_at(f->fd);
    free(f->path);
    free(f->host_of);
    free(f);
}

size_t flowfile_n(const FlowFile *f) { return f->n; }

static uint64_t place_of(const FlowFile *f, int column, size_t chunk) {
    return f->begin_b[column] + chunk * f->stride_b[column];
}

int flowfile_append(FlowFile *f, const Flows *chunk, size_t n, Err *err) {
    const void *column[FLOWFILE_N] = {chunk->src, chunk->dst, chunk->size_b, chunk->start_ns};
    for (int k = 0; k < FLOWFILE_N; k++)
        if (file_write_at(f->fd, column[k], n * width_b[k],
                          place_of(f, k, f->n >> FLOW_LOG2_CHUNK)) != 0)
            return err_io(err, "%s: cannot write: %s", f->path, strerror(errno));
    f->n += n;
    return 0;
}

/* ---- reading ---- */

static _Noreturn void end_unread(const FlowFile *f) {
    char line[768];
    snprintf(line, sizeof line, "m3: %.600s: was cut or cannot be read any more: %s\n", f->path,
             strerror(errno));
    cleanup_exit(line);
}

static _Noreturn void end_changed(const FlowFile *f, size_t flow, const char *what) {
    char line[768];
    snprintf(line, sizeof line, "m3: %.600s: was changed while it was read: flow %zu: %s\n",
             f->path, flow, what);
    cleanup_exit(line);
}

/* The number of a chunk's flows. */
static size_t count(const FlowFile *f, size_t chunk) {
    size_t left = f->n - chunk * FLOW_CHUNK;
    return left < FLOW_CHUNK ? left : FLOW_CHUNK;
}

static void read_bytes(const FlowFile *f, void *out, size_t n, uint64_t at) {
    if (file_read_at(f->fd, out, n, at) != 0) end_unread(f);
}

static void read_column(const FlowFile *f, FlowFileColumn column, size_t chunk, void *out) {
    read_bytes(f, out, count(f, chunk) * width_b[column], place_of(f, column, chunk));
}

/* The start of the flow before a chunk. */
static int64_t start_before(const FlowFile *f, size_t chunk) {
    int64_t start_ns = 0;
    if (chunk > 0)
        read_bytes(f, &start_ns, sizeof start_ns,
                   place_of(f, FLOWFILE_START, chunk - 1) + (FLOW_CHUNK - 1) * sizeof start_ns);
    return start_ns;
}

/* Turns the file's numbers into hosts. */
static void find_hosts(const FlowFile *f, size_t chunk, uint32_t *src, uint32_t *dst) {
    for (size_t i = 0, n = count(f, chunk); i < n; i++) {
        bool known = src[i] < f->n_numbers && dst[i] < f->n_numbers;
        src[i] = known ? f->host_of[src[i]] : TOPO_NONE;
        dst[i] = known ? f->host_of[dst[i]] : TOPO_NONE;
        if (src[i] == TOPO_NONE || dst[i] == TOPO_NONE || src[i] == dst[i])
            end_changed(f, chunk * FLOW_CHUNK + i, "no such hosts");
    }
}

void flowfile_pairs(const FlowFile *f, size_t chunk, uint32_t *src, uint32_t *dst) {
    read_column(f, FLOWFILE_SRC, chunk, src);
    read_column(f, FLOWFILE_DST, chunk, dst);
    if (f->host_of) find_hosts(f, chunk, src, dst);
}

void flowfile_read(const FlowFile *f, size_t chunk, const Flows *room) {
    flowfile_pairs(f, chunk, room->src, room->dst);
    read_column(f, FLOWFILE_SIZE, chunk, room->size_b);
    read_column(f, FLOWFILE_START, chunk, room->start_ns);
    int64_t before_ns = start_before(f, chunk);
    for (size_t i = 0, n = count(f, chunk); i < n; i++) {
        if (!flows_size_ok(room->size_b[i]))
            end_changed(f, chunk * FLOW_CHUNK + i, "size out of range");
        if (!flows_start_ok(room->start_ns[i], before_ns))
            end_changed(f, chunk * FLOW_CHUNK + i, "start out of order");
        before_ns = room->start_ns[i];
    }
}
