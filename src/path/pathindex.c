/* pathindex: routes all flows and files them by the links of chosen paths.
 *
 * The index is cut into chunks of FLOW_CHUNK consecutive flows. Each chunk is routed and sorted by
 * link on its own, whichever thread does it: a counting sort, whose lists are then coded
 * (flowlist). Memory: some 1.2 bytes per (flow, link of a path), 4 per (chunk, link), and starts
 * and sizes packed, of few flows those that are on a path.
 *
 * What is known of all flows of a link is summed up on the way: bits, hence loads, and gaps between
 * starts. Bits are integers, so that it does not show which thread routed which flow; gaps are
 * summed within chunks first and then from chunk to chunk in their order.
 *
 * Background flows reach a lot over stubs: the delay from each node to its nearest host is found
 * once for all nodes. */
#include "path/pathindex.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "net/wire.h"
#include "path/neighbours.h"
#include "path/pathindex_private.h"

enum { NO_SLOT = -1 };
/* Flows are routed so many behind those whose hosts are prefetched: 11 % less CPU with a million
 * hosts, for 100 M flows; nothing with 256. */
enum { AHEAD = 8 };

/* ---- stub delays ---- */

typedef struct {
    double delay_ns;
    uint32_t node;
} HostDistance;

/* A binary heap with the least delay on top. */
typedef struct {
    HostDistance *a;
    size_t n, cap;
} DistanceHeap;

static void heap_push(DistanceHeap *f, HostDistance x) {
    MEM_GROW(f->a, f->cap, f->n + 1);
    size_t i = f->n++;
    for (; i > 0 && f->a[(i - 1) / 2].delay_ns > x.delay_ns; i = (i - 1) / 2)
        f->a[i] = f->a[(i - 1) / 2];
    f->a[i] = x;
}

static HostDistance heap_pop(DistanceHeap *f) {
    HostDistance top = f->a[0], last = f->a[--f->n];
    size_t i = 0;
    for (size_t c; (c = 2 * i + 1) < f->n; i = c) {
        if (c + 1 < f->n && f->a[c + 1].delay_ns < f->a[c].delay_ns) c++;
        if (last.delay_ns <= f->a[c].delay_ns) break;
        f->a[i] = f->a[c];
    }
    f->a[i] = last;
    return top;
}

/* Returns the least delay from each node to any host: Dijkstra from all hosts at once, over links
 * taken backwards. */
static double *nearest_hosts(const Topo *t) {
    double *delay_ns = MEM_NEW(double, t->n_nodes);
    DistanceHeap f = {0};
    for (uint32_t v = 0; v < t->n_nodes; v++) delay_ns[v] = t->is_host[v] ? 0 : INFINITY;
    for (uint32_t h = 0; h < t->n_hosts; h++) heap_push(&f, (HostDistance){0, t->host_node[h]});
    while (f.n > 0) {
        HostDistance at = heap_pop(&f);
        if (at.delay_ns > delay_ns[at.node]) continue;
        for (uint32_t i = t->out_start[at.node]; i < t->out_start[at.node + 1]; i++) {
            const Link *toward = &t->links[t->out_link[i] ^ 1];
            double d = at.delay_ns + toward->delay_ns;
            if (d >= delay_ns[toward->from]) continue;
            delay_ns[toward->from] = d;
            heap_push(&f, (HostDistance){d, toward->from});
        }
    }
    free(f.a);
    return delay_ns;
}

/* ---- index ---- */

static void number_slots(PathIndex *ix, const uint16_t *part_of, uint16_t part) {
    ix->slot_of = MEM_NEW(int32_t, ix->topo->n_links);
    for (uint32_t l = 0; l < ix->topo->n_links; l++) ix->slot_of[l] = NO_SLOT;
    for (size_t p = 0; p < ix->set->n_unique; p++) {
        if (part_of && part_of[p] != part) continue;
        for (uint32_t i = 0; i < ix->set->paths[p].n_links; i++) {
            int32_t *slot = &ix->slot_of[ix->set->paths[p].links[i]];
            if (*slot == NO_SLOT) *slot = (int32_t)ix->n_slots++;
        }
    }
}

/* What a thread needs to index a chunk, and its part of the sums. All 0 until it gets one. */
typedef struct {
    Flows flows;     /* the chunk, where the source draws it */
    uint32_t *slots; /* [FLOW_CHUNK × max_links] of each flow's links, flow by flow */
    uint32_t *end;   /* [FLOW_CHUNK] where each flow's slots end */
    uint32_t *begin; /* [n_slots + 1] where each slot's flows begin in `flow` */
    uint32_t *at;    /* [n_slots] */
    uint16_t *flow;  /* [FLOW_CHUNK × max_links] offsets of flows, slot by slot */
    uint32_t *links; /* [max_links] of one flow */
    uint64_t *bits;  /* [topo->n_links] that its flows bring to each link */
} IndexWorker;

typedef struct {
    PathIndex *ix;
    const Route *route;
    const FlowSource *source;
    IndexWorker *workers; /* [threads] */
    Progress *progress;
    size_t n_done;
} IndexBuild;

/* Routes a chunk's flows. Counts those on each slot in begin[slot + 1]. */
static void route_chunk(const IndexBuild *b, const FlowChunk *f, IndexWorker *w) {
    const int32_t *slot_of = b->ix->slot_of;
    uint64_t *bits = w->bits;
    uint32_t at = 0, *slots = w->slots, *end = w->end, *links = w->links, *begin = w->begin;
    memset(begin, 0, (b->ix->n_slots + (size_t)1) * sizeof *begin);
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t later = i + AHEAD < f->n ? i + AHEAD : i;
        route_prefetch(b->route, f->src[later], f->dst[later]);
        uint32_t n_links =
            route_path(b->route, f->src[i], f->dst[i], f->sport[i], ROUTE_DPORT, links);
        uint64_t flow_bits = (uint64_t)wire_bits(f->size_b[i]);
        for (uint32_t l = 0; l < n_links; l++) {
            bits[links[l]] += flow_bits;
            int32_t slot = slot_of[links[l]];
            if (slot == NO_SLOT) continue;
            slots[at++] = (uint32_t)slot;
            begin[slot + 1]++;
        }
        end[i] = at;
    }
}

/* Sorts the flows of a chunk by slot. */
static void sort_chunk(const PathIndex *ix, const FlowChunk *f, IndexWorker *w) {
    for (uint32_t s = 0; s < ix->n_slots; s++) {
        w->at[s] = w->begin[s];
        w->begin[s + 1] += w->begin[s];
    }
    for (uint32_t i = 0, k = 0; i < f->n; i++)
        for (; k < w->end[i]; k++) w->flow[w->at[w->slots[k]]++] = (uint16_t)i;
}

/* Codes the lists of all slots. */
static void code_lists(const PathIndex *ix, const IndexWorker *w, IndexChunk *chunk) {
    size_t bytes = 0;
    chunk->begin = MEM_NEW(uint32_t, ix->n_slots + (size_t)1);
    for (uint32_t s = 0; s < ix->n_slots; s++) {
        chunk->begin[s] = (uint32_t)bytes;
        bytes += flowlist_bytes(w->begin[s + 1] - w->begin[s]);
    }
    chunk->begin[ix->n_slots] = (uint32_t)bytes;
    chunk->list = MEM_ZNEW(uint8_t, bytes + FLOWLIST_SLACK_B);
    for (uint32_t s = 0; s < ix->n_slots; s++)
        flowlist_encode(w->flow + w->begin[s], w->begin[s + 1] - w->begin[s],
                        chunk->list + chunk->begin[s]);
}

/* Returns by slot the sum of the squares of the gaps between starts of a chunk's flows. */
static double *gaps_within(const PathIndex *ix, const int64_t *start_ns, const IndexWorker *w) {
    const uint32_t *begin = w->begin;
    const uint16_t *flow = w->flow;
    double *gap_ns2 = MEM_ZNEW(double, ix->n_slots);
    for (uint32_t s = 0; s < ix->n_slots; s++)
        for (uint32_t k = begin[s] + 1; k < begin[s + 1]; k++) {
            double gap_ns = (double)(start_ns[flow[k]] - start_ns[flow[k - 1]]);
            gap_ns2[s] += gap_ns * gap_ns;
        }
    return gap_ns2;
}

/* Starts and sizes of the flows that are on some slot. */
static void fill_packed(PathIndex *ix, const FlowChunk *f, const IndexWorker *w) {
    uint64_t wanted[PACKED_WORDS] = {0};
    for (uint32_t i = 0, before = 0; i < f->n; before = w->end[i++])
        if (w->end[i] > before) wanted[i / 64] |= (uint64_t)1 << i % 64;
    packed_fill(&ix->packed, f, wanted);
}

static int build_chunk(void *ctx, size_t item, int worker, Err *err) {
    (void)err;
    IndexBuild *b = ctx;
    PathIndex *ix = b->ix;
    IndexWorker *w = &b->workers[worker];
    FlowChunk f = flowsource_chunk(b->source, item, &w->flows);
    if (!w->slots) {
        uint32_t max_links = route_max_links(b->route);
        w->slots = MEM_NEW(uint32_t, (size_t)FLOW_CHUNK * max_links);
        w->end = MEM_NEW(uint32_t, FLOW_CHUNK);
        w->begin = MEM_NEW(uint32_t, ix->n_slots + (size_t)1);
        w->at = MEM_NEW(uint32_t, ix->n_slots);
        w->flow = MEM_NEW(uint16_t, (size_t)FLOW_CHUNK * max_links);
        w->links = MEM_NEW(uint32_t, max_links);
        w->bits = MEM_ZNEW(uint64_t, ix->topo->n_links);
    }
    route_chunk(b, &f, w);
    sort_chunk(ix, &f, w);
    fill_packed(ix, &f, w);
    code_lists(ix, w, &ix->chunks[item]);
    ix->chunks[item].gap_ns2 = gaps_within(ix, f.start_ns, w);
    progress_update(b->progress, __atomic_add_fetch(&b->n_done, f.n, __ATOMIC_RELAXED));
    return 0;
}

static void sum_loads(PathIndex *ix, const IndexWorker *workers, int threads) {
    size_t n = ix->packed.n;
    int64_t span_ns =
        n > 0 ? packed_start_ns(&ix->packed, n - 1) - packed_start_ns(&ix->packed, 0) : 0;
    ix->bits = MEM_ZNEW(uint64_t, ix->topo->n_links);
    ix->load = MEM_NEW(double, ix->topo->n_links);
    for (int w = 0; w < threads; w++)
        for (uint32_t l = 0; workers[w].bits && l < ix->topo->n_links; l++)
            ix->bits[l] += workers[w].bits[l];
    neighbours_loads(ix->topo, span_ns, ix->bits, ix->load);
}

/* Over all chunks in their order: the gaps within them, and those from chunk to chunk. */
static void sum_gaps(PathIndex *ix) {
    ix->gaps = MEM_ZNEW(LinkGaps, ix->n_slots);
    int64_t *last_ns = MEM_NEW(int64_t, ix->n_slots);
    for (uint32_t s = 0; s < ix->n_slots; s++) last_ns[s] = -1;
    for (size_t c = 0; c < ix->n_chunks; c++) {
        IndexChunk *chunk = &ix->chunks[c];
        for (uint32_t s = 0; chunk->gap_ns2 && s < ix->n_slots; s++) {
            size_t bytes;
            uint16_t first, last;
            const uint8_t *list = pathindex_list(ix, c, s, &bytes);
            if (bytes == 0) continue;
            flowlist_ends(list, bytes, &first, &last);
            int64_t first_ns = packed_start_ns(&ix->packed, c * FLOW_CHUNK + first),
                    until_ns = packed_start_ns(&ix->packed, c * FLOW_CHUNK + last);
            double between_ns = last_ns[s] < 0 ? 0 : (double)(first_ns - last_ns[s]);
            ix->gaps[s].ns += between_ns + (double)(until_ns - first_ns);
            ix->gaps[s].ns2 += between_ns * between_ns + chunk->gap_ns2[s];
            last_ns[s] = until_ns;
        }
        free(chunk->gap_ns2);
        chunk->gap_ns2 = NULL;
    }
    free(last_ns);
}

static int build_chunks(PathIndex *ix, const Route *r, const FlowSource *source, int threads,
                        const Log *log, Err *err) {
    Progress progress;
    progress_init(&progress, log, "flows routed", source->n);
    threads = par_resolve(threads);
    IndexBuild b = {.ix = ix,
                    .route = r,
                    .source = source,
                    .workers = MEM_ZNEW(IndexWorker, (size_t)threads),
                    .progress = &progress};
    int rc = par_try(ix->n_chunks, threads, build_chunk, &b, err);
    progress_finish(&progress);
    if (rc == 0) {
        sum_loads(ix, b.workers, threads);
        sum_gaps(ix);
    }
    for (int w = 0; w < threads; w++) {
        flows_free(&b.workers[w].flows);
        free(b.workers[w].slots);
        free(b.workers[w].end);
        free(b.workers[w].begin);
        free(b.workers[w].at);
        free(b.workers[w].flow);
        free(b.workers[w].links);
        free(b.workers[w].bits);
    }
    free(b.workers);
    return rc;
}

PathIndex *pathindex_new(const PathSet *ps, const Route *r, const FlowSource *source, int threads,
                         const Log *log, Err *err) {
    return pathindex_new_part(ps, NULL, 0, r, source, threads, log, err);
}

PathIndex *pathindex_new_part(const PathSet *ps, const uint16_t *part_of, uint16_t part,
                              const Route *r, const FlowSource *source, int threads, const Log *log,
                              Err *err) {
    PathIndex *ix = MEM_ZNEW(PathIndex, 1);
    ix->set = ps;
    ix->topo = route_topo(r);
    packed_init(&ix->packed, source->n, ix->topo);
    ix->n_chunks = flowsource_n_chunks(source);
    ix->chunks = MEM_ZNEW(IndexChunk, ix->n_chunks);
    ix->stub_delay_ns = nearest_hosts(ix->topo);
    number_slots(ix, part_of, part);
    if (build_chunks(ix, r, source, threads, log, err) == 0) return ix;
    pathindex_destroy(ix);
    return NULL;
}

const double *pathindex_loads(const PathIndex *ix) { return ix->load; }

void pathindex_destroy(PathIndex *ix) {
    if (!ix) return;
    for (size_t c = 0; c < ix->n_chunks; c++) {
        free(ix->chunks[c].begin);
        free(ix->chunks[c].list);
        free(ix->chunks[c].gap_ns2);
    }
    free(ix->chunks);
    free(ix->slot_of);
    packed_free(&ix->packed);
    free(ix->gaps);
    free(ix->load);
    free(ix->bits);
    free(ix->stub_delay_ns);
    free(ix);
}
