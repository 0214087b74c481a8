/* flowfile: flows that stay in a file.
 *
 * Two layouts, one way to read: column k of chunk c begins at place[k] + c · stride[k]. In a binary
 * flow file a column has all flows; in the temporary file that a text file is turned into, a chunk
 * has its four columns side by side, since it is written while the text is read. Chunks are read
 * with pread into the caller's memory and not mapped: mapped pages would count as the program's and
 * stay until somebody takes them away. Left out: what flows took, and their numbers in the file,
 * which those who read by the chunk don't need. */
#include "traffic/flowfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

static const size_t width[FLOWFILE_N] = {4, 4, 8, 8};
enum { CHUNK_B = FLOW_CHUNK * (4 + 4 + 8 + 8) };

struct FlowFile {
    char *path;
    int fd;
    size_t n;
    uint64_t place[FLOWFILE_N], stride[FLOWFILE_N];
    uint32_t *host_of; /* NULL: src and dst are hosts */
};

FlowFile *flowfile_columns(const char *path, size_t n, const FlowFilePlaces *places,
                           uint32_t *host_of, Err *err) {
    int fd = file_open_at(path, err);
    if (fd < 0) {
        free(host_of);
        return NULL;
    }
    FlowFile *f = MEM_ZNEW(FlowFile, 1);
    *f = (FlowFile){.path = mem_strdup(path), .fd = fd, .n = n, .host_of = host_of};
    for (int k = 0; k < FLOWFILE_N; k++) {
        f->place[k] = places->at[k];
        f->stride[k] = FLOW_CHUNK * width[k];
    }
    return f;
}

FlowFile *flowfile_spool(Err *err) {
    int fd = file_open_temporary(err);
    if (fd < 0) return NULL;
    FlowFile *f = MEM_ZNEW(FlowFile, 1);
    *f = (FlowFile){.path = mem_strdup("temporary file of flows"), .fd = fd};
    for (int k = 0; k < FLOWFILE_N; k++) {
        f->stride[k] = CHUNK_B;
        if (k > 0) f->place[k] = f->place[k - 1] + FLOW_CHUNK * width[k - 1];
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
    return f->place[column] + chunk * f->stride[column];
}

int flowfile_append(FlowFile *f, const Flows *chunk, size_t n, Err *err) {
    const void *column[FLOWFILE_N] = {chunk->src, chunk->dst, chunk->size_b, chunk->start_ns};
    for (int k = 0; k < FLOWFILE_N; k++)
        if (file_write_at(f->fd, column[k], n * width[k],
                          place_of(f, k, f->n >> FLOW_LOG2_CHUNK)) != 0)
            return err_io(err, "%s: cannot write: %s", f->path, strerror(errno));
    f->n += n;
    return 0;
}

static void read_column(const FlowFile *f, int column, size_t chunk, void *out) {
    size_t first = chunk * FLOW_CHUNK, n = f->n - first < FLOW_CHUNK ? f->n - first : FLOW_CHUNK;
    if (file_read_at(f->fd, out, n * width[column], place_of(f, column, chunk)) != 0)
        diag_die("%s: cannot be read any more: %s", f->path, strerror(errno));
    if (column > FLOWFILE_DST || !f->host_of) return;
    uint32_t *host = out;
    for (size_t i = 0; i < n; i++) host[i] = f->host_of[host[i]];
}

void flowfile_pairs(const FlowFile *f, size_t chunk, uint32_t *src, uint32_t *dst) {
    read_column(f, FLOWFILE_SRC, chunk, src);
    read_column(f, FLOWFILE_DST, chunk, dst);
}

void flowfile_read(const FlowFile *f, size_t chunk, const Flows *room) {
    flowfile_pairs(f, chunk, room->src, room->dst);
    read_column(f, FLOWFILE_SIZE, chunk, room->size_b);
    read_column(f, FLOWFILE_START, chunk, room->start_ns);
}
