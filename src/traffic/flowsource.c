/* flowsource: flows by the chunk.
 *
 * A decomposition goes through all flows a few times and keeps what it needs of them, so flows that
 * can be drawn or read again need not be in memory (24 bytes each). Only their source ports are: a
 * port is the number of earlier flows of the same hosts, which a chunk alone does not know. */
#include "traffic/flowsource.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/par.h"

FlowSource flowsource_in_memory(const Flows *f, const uint16_t *sport) {
    return (FlowSource){.n = f->n, .sport = sport, .in_memory = f, .threads = 1};
}

/* ---- ports ---- */

/* Chunks whose hosts are in memory at a time: 16 MiB, and work for up to 32 threads between two
 * runs of the serial numbering. */
enum { WINDOW = 32 };

/* The hosts of up to WINDOW chunks, one after the other. */
typedef struct {
    const FlowSource *source;
    size_t first;       /* item 0 is chunk list[first] */
    const size_t *list; /* NULL: chunk `first` */
    uint32_t *src, *dst;
} ChunkHosts;

static int get_pairs(void *ctx, size_t item, int worker, Err *err) {
    (void)worker, (void)err;
    const ChunkHosts *p = ctx;
    size_t chunk = p->list ? p->list[p->first + item] : p->first + item;
    uint32_t *src = p->src + item * FLOW_CHUNK, *dst = p->dst + item * FLOW_CHUNK;
    if (p->source->file) flowfile_pairs(p->source->file, chunk, src, dst);
    else workload_stream_pairs(p->source->drawn, chunk, src, dst);
    return 0;
}

static ChunkHosts pairs_new(const FlowSource *s, const size_t *list) {
    size_t n = (size_t)WINDOW * FLOW_CHUNK;
    return (ChunkHosts){
        .source = s, .list = list, .src = MEM_NEW(uint32_t, n), .dst = MEM_NEW(uint32_t, n)};
}

static void pairs_free(ChunkHosts *p) {
    free(p->src);
    free(p->dst);
}

/* Goes through the hosts of all flows: to number them (into sport), or (NULL) to look at them. */
static int count_ports(const FlowSource *s, RoutePorts *ports, uint16_t *sport, Progress *progress,
                       Err *err) {
    size_t n = s->n, n_chunks = flowsource_n_chunks(s);
    ChunkHosts p = pairs_new(s, NULL);
    int rc = 0;
    for (; p.first < n_chunks; p.first += WINDOW) {
        size_t n_here = n_chunks - p.first < WINDOW ? n_chunks - p.first : WINDOW;
        if ((rc = par_try(n_here, s->threads, get_pairs, &p, err)) != 0) break;
        size_t first = p.first * FLOW_CHUNK, most = (size_t)WINDOW * FLOW_CHUNK, left = n - first;
        if (left > most) left = most;
        if (sport) route_ports_next(ports, p.src, p.dst, left, sport + first);
        else route_ports_look(ports, p.src, p.dst, left);
        progress_update(progress, first);
    }
    pairs_free(&p);
    return rc;
}

/* Numbers the ports of a source of s->n flows that are not in memory. */
static int number_ports(FlowSource *s, const Topo *t, uint16_t **sport, const char *what,
                        const Log *log, Err *err) {
    s->sport = *sport = MEM_NEW(uint16_t, s->n);
    Progress progress;
    RoutePorts *ports = route_ports_new(t, s->n);
    int rc = 0;
    for (int pass = route_ports_looks_twice(ports) ? 0 : 1; pass < 2 && rc == 0; pass++) {
        progress_init(&progress, log, what, s->n);
        rc = count_ports(s, ports, pass == 0 ? NULL : *sport, &progress, err);
        progress_finish(&progress);
    }
    route_ports_free(ports);
    return rc;
}

int flowsource_drawn(FlowSource *s, const WorkloadStream *w, const Topo *t, int threads,
                     uint16_t **sport, const Log *log, Err *err) {
    *s = (FlowSource){.n = workload_stream_n(w), .drawn = w, .threads = threads};
    return number_ports(s, t, sport, "hosts of flows drawn", log, err);
}

int flowsource_file(FlowSource *s, const FlowFile *file, const Topo *t, int threads,
                    uint16_t **sport, const Log *log, Err *err) {
    *s = (FlowSource){.n = flowfile_n(file), .file = file, .threads = threads};
    return number_ports(s, t, sport, "hosts of flows read", log, err);
}

/* ---- chunks ---- */

FlowChunk flowsource_chunk(const FlowSource *s, size_t chunk, Flows *room) {
    size_t first = chunk * FLOW_CHUNK, left = s->n - first, at = s->in_memory ? first : 0;
    const Flows *f = s->in_memory ? s->in_memory : room;
    if (!s->in_memory) {
        if (!room->src) flows_init(room, FLOW_CHUNK);
        if (s->file) flowfile_read(s->file, chunk, room);
        else workload_stream_read(s->drawn, chunk, room);
    }
    return (FlowChunk){.first = first,
                       .n = (uint32_t)(left < FLOW_CHUNK ? left : FLOW_CHUNK),
                       .src = f->src + at,
                       .dst = f->dst + at,
                       .size_b = f->size_b + at,
                       .start_ns = f->start_ns + at,
                       .sport = s->sport + first};
}

/* ---- hosts of single flows ---- */

typedef struct {
    uint64_t flow;
    size_t index; /* in the caller's list */
} FlowPick;

static int by_flow(const void *a, const void *b) {
    const FlowPick *x = a, *y = b;
    return (x->flow > y->flow) - (x->flow < y->flow);
}

static int hosts_by_chunk(const FlowSource *s, const uint64_t *pick, size_t n, uint32_t *src,
                          uint32_t *dst, Err *err) {
    FlowPick *p = MEM_NEW(FlowPick, n);
    for (size_t i = 0; i < n; i++) p[i] = (FlowPick){pick[i], i};
    qsort(p, n, sizeof *p, by_flow);

    /* The chunks that the picks lie in, ascending. */
    size_t *chunk = MEM_NEW(size_t, n), n_chunks = 0, i = 0;
    for (size_t k = 0; k < n; k++)
        if (n_chunks == 0 || chunk[n_chunks - 1] != p[k].flow >> FLOW_LOG2_CHUNK)
            chunk[n_chunks++] = p[k].flow >> FLOW_LOG2_CHUNK;

    /* Their hosts, WINDOW chunks at a time; of each those of its picks. */
    ChunkHosts pairs = pairs_new(s, chunk);
    int rc = 0;
    for (; pairs.first < n_chunks; pairs.first += WINDOW) {
        size_t n_here = n_chunks - pairs.first < WINDOW ? n_chunks - pairs.first : WINDOW;
        if ((rc = par_try(n_here, s->threads, get_pairs, &pairs, err)) != 0) break;
        for (size_t c = 0; c < n_here; c++)
            for (; i < n && p[i].flow >> FLOW_LOG2_CHUNK == chunk[pairs.first + c]; i++) {
                size_t at = c * FLOW_CHUNK + p[i].flow % FLOW_CHUNK;
                src[p[i].index] = pairs.src[at];
                dst[p[i].index] = pairs.dst[at];
            }
    }
    pairs_free(&pairs);
    free(chunk);
    free(p);
    return rc;
}

int flowsource_hosts(const FlowSource *s, const uint64_t *pick, size_t n, uint32_t *src,
                     uint32_t *dst, Err *err) {
    if (!s->in_memory) return hosts_by_chunk(s, pick, n, src, dst, err);
    for (size_t i = 0; i < n; i++) {
        src[i] = s->in_memory->src[pick[i]];
        dst[i] = s->in_memory->dst[pick[i]];
    }
    return 0;
}
