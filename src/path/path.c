/* path: which flows cross which links, and the projection of a path onto a parking lot.
 *
 * The index is cut into chunks of 65,536 consecutive flows, so that a flow within a chunk is two
 * bytes. Each chunk is routed and sorted by link on its own, whichever thread does it:
 *
 *     chunk.begin[slot] … chunk.begin[slot+1]  →  chunk.flow[]: ascending offsets of the flows on
 * that link
 *
 * A slot is a link that lies on some wanted path; other links are not indexed. Memory: 2 bytes per
 * (flow, wanted link) and 4 per (chunk, slot).
 *
 * A path view walks the lists of the path's links in order, chunk by chunk, and a bitmap of flows
 * seen brings them out in order of start. Which links a flow of the chunk is on are the bits of a
 * byte, and runs of ones its stretches: no branch depends on where flows come and go. On a path of
 * more than eight links it keeps the range [s, d) the flow is on instead; a list that continues the
 * range extends it, one that does not has found a flow that left and rejoined, and the range before
 * is put aside.
 *
 * Starts and sizes are looked up afterwards, for as many flows at a time as whoever asks can use
 * while they are in the cache: a path's flows are far apart in memory, and all of them together are
 * many megabytes.
 *
 * Background flows reach the lot over stubs: the nearest host of a node, by delay, is found once
 * for all nodes (Dijkstra from all hosts at once). */
#include "path/path.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/par.h"
#include "net/wire.h"
#include "path/neighbours.h"

enum { CHUNK = FLOW_CHUNK, NO_SLOT = -1, PATTERN_LINKS = 8 /* bits of a byte */ };

typedef struct {
    uint32_t *begin; /* [n_slots + 1] */
    uint16_t *flow;
    double *gap_ns2; /* [n_slots] Σ of squares of the gaps between starts within the chunk; while
                        the index is built */
} Chunk;

struct PathIndex {
    const PathSet *set;
    const Topo *topo;
    PackedFlows packed;
    size_t n_chunks;
    Chunk *chunks;
    uint32_t n_slots;
    int32_t *slot_of;      /* [topo->n_links] or NO_SLOT */
    double *stub_delay_ns; /* [topo->n_nodes] */
    LinkGaps *gaps;        /* [n_slots] */
    double *load;          /* [topo->n_links] */
    uint64_t *bits;        /* [topo->n_links] on the wire, of all flows */
};

/* ---- stubs ---- */

typedef struct {
    double delay_ns;
    uint32_t node;
} Reach;

/* A heap with the least delay on top. */
typedef struct {
    Reach *a;
    size_t n, cap;
} Frontier;

static void frontier_push(Frontier *f, Reach x) {
    MEM_GROW(f->a, f->cap, f->n + 1);
    size_t i = f->n++;
    for (; i > 0 && f->a[(i - 1) / 2].delay_ns > x.delay_ns; i = (i - 1) / 2)
        f->a[i] = f->a[(i - 1) / 2];
    f->a[i] = x;
}

static Reach frontier_pop(Frontier *f) {
    Reach top = f->a[0], last = f->a[--f->n];
    size_t i = 0;
    for (size_t c; (c = 2 * i + 1) < f->n; i = c) {
        if (c + 1 < f->n && f->a[c + 1].delay_ns < f->a[c].delay_ns) c++;
        if (last.delay_ns <= f->a[c].delay_ns) break;
        f->a[i] = f->a[c];
    }
    f->a[i] = last;
    return top;
}

/* Least delay from each node to any host. */
static double *nearest_hosts(const Topo *t) {
    double *delay_ns = MEM_NEW(double, t->n_nodes);
    Frontier f = {0};
    for (uint32_t v = 0; v < t->n_nodes; v++) delay_ns[v] = t->is_host[v] ? 0 : INFINITY;
    for (uint32_t h = 0; h < t->n_hosts; h++) frontier_push(&f, (Reach){0, t->host_node[h]});
    while (f.n > 0) {
        Reach at = frontier_pop(&f);
        if (at.delay_ns > delay_ns[at.node]) continue;
        for (uint32_t i = t->out_start[at.node]; i < t->out_start[at.node + 1]; i++) {
            const Link *toward = &t->links[t->out_link[i] ^ 1];
            double d = at.delay_ns + toward->delay_ns;
            if (d >= delay_ns[toward->from]) continue;
            delay_ns[toward->from] = d;
            frontier_push(&f, (Reach){d, toward->from});
        }
    }
    free(f.a);
    return delay_ns;
}

/* ---- index ---- */

static void number_slots(PathIndex *ix) {
    ix->slot_of = MEM_NEW(int32_t, ix->topo->n_links);
    for (uint32_t l = 0; l < ix->topo->n_links; l++) ix->slot_of[l] = NO_SLOT;
    for (size_t p = 0; p < ix->set->n_unique; p++)
        for (uint32_t i = 0; i < ix->set->paths[p].n_links; i++) {
            int32_t *slot = &ix->slot_of[ix->set->paths[p].links[i]];
            if (*slot == NO_SLOT) *slot = (int32_t)ix->n_slots++;
        }
}

typedef struct {
    PathIndex *ix;
    const Route *route;
    const FlowSource *source;
    Flows *buffer;               /* [threads] */
    uint32_t max_links, **slots; /* [threads][CHUNK × max_links] a worker's routes: slots of wanted
                                    links, flow by flow */
    uint32_t **end;              /* [threads][CHUNK] where each flow's slots end */
    uint64_t **bits; /* [threads][topo->n_links] what the flows a worker has routed bring to each
                        link: sums of integers, so that it does not matter who routed which */
    Progress *progress;
    size_t n_done;
} Build;

/* Routes a chunk; returns the number of (flow, wanted link) pairs, begin[slot + 1] counts them by
 * slot. */
static uint32_t route_chunk(const Build *b, const FlowChunk *f, int worker, uint32_t *begin) {
    uint64_t *bits = b->bits[worker];
    uint32_t at = 0, *slots = b->slots[worker], *end = b->end[worker],
             *links = slots + (size_t)CHUNK * b->max_links;
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t n_links =
            route_path(b->route, f->src[i], f->dst[i], f->sport[i], ROUTE_DPORT, links);
        uint64_t flow_bits = (uint64_t)wire_bits(f->size_b[i]);
        for (uint32_t l = 0; l < n_links; l++) {
            bits[links[l]] += flow_bits;
            int32_t slot = b->ix->slot_of[links[l]];
            if (slot == NO_SLOT) continue;
            slots[at++] = (uint32_t)slot;
            begin[slot + 1]++;
        }
        end[i] = at;
    }
    return at;
}

/* By slot, of the flows of a chunk. */
static double *gaps_within(const PathIndex *ix, const int64_t *start_ns, const uint32_t *begin,
                           const uint16_t *flow) {
    double *gap_ns2 = MEM_ZNEW(double, ix->n_slots);
    for (uint32_t s = 0; s < ix->n_slots; s++)
        for (uint32_t k = begin[s] + 1; k < begin[s + 1]; k++) {
            double gap_ns = (double)(start_ns[flow[k]] - start_ns[flow[k - 1]]);
            gap_ns2[s] += gap_ns * gap_ns;
        }
    return gap_ns2;
}

static int build_chunk(void *ctx, size_t item, int worker, Err *err) {
    (void)err;
    Build *b = ctx;
    PathIndex *ix = b->ix;
    FlowChunk f = flowsource_chunk(b->source, item, &b->buffer[worker]);
    if (!b->slots[worker]) {
        b->slots[worker] = MEM_NEW(uint32_t, ((size_t)CHUNK + 1) * b->max_links);
        b->end[worker] = MEM_NEW(uint32_t, CHUNK);
        b->bits[worker] = MEM_ZNEW(uint64_t, ix->topo->n_links);
    }
    uint32_t *slots = b->slots[worker], *end = b->end[worker],
             *begin = MEM_ZNEW(uint32_t, ix->n_slots + 1);
    uint32_t n_pairs = route_chunk(b, &f, worker, begin);
    uint16_t *flow = MEM_NEW(uint16_t, n_pairs);
    uint32_t *at = MEM_NEW(uint32_t, ix->n_slots + 1);
    for (uint32_t s = 0; s < ix->n_slots; s++) {
        at[s] = begin[s];
        begin[s + 1] += begin[s];
    }
    for (uint32_t i = 0, k = 0; i < f.n; i++)
        for (; k < end[i]; k++) flow[at[slots[k]]++] = (uint16_t)i;
    free(at);
    packed_fill(&ix->packed, &f);
    ix->chunks[item] = (Chunk){begin, flow, gaps_within(ix, f.start_ns, begin, flow)};
    progress_update(b->progress, __atomic_add_fetch(&b->n_done, f.n, __ATOMIC_RELAXED));
    return 0;
}

static void sum_loads(PathIndex *ix, const Build *b, int threads) {
    uint64_t *sum = MEM_ZNEW(uint64_t, ix->topo->n_links);
    for (int w = 0; w < threads; w++)
        for (uint32_t l = 0; b->bits[w] && l < ix->topo->n_links; l++) sum[l] += b->bits[w][l];
    ix->load = MEM_NEW(double, ix->topo->n_links);
    ix->bits = sum;
    size_t n = ix->packed.n;
    neighbours_loads(
        ix->topo, n > 0 ? packed_start_ns(&ix->packed, n - 1) - packed_start_ns(&ix->packed, 0) : 0,
        sum, ix->load);
}

/* Over all chunks, in their order: with the gaps from chunk to chunk. */
static void sum_gaps(PathIndex *ix) {
    ix->gaps = MEM_ZNEW(LinkGaps, ix->n_slots);
    int64_t *last_ns = MEM_NEW(int64_t, ix->n_slots);
    for (uint32_t s = 0; s < ix->n_slots; s++) last_ns[s] = -1;
    for (size_t c = 0; c < ix->n_chunks; c++) {
        Chunk *chunk = &ix->chunks[c];
        for (uint32_t s = 0; chunk->gap_ns2 && s < ix->n_slots; s++) {
            uint32_t begin = chunk->begin[s], end = chunk->begin[s + 1];
            if (begin == end) continue;
            int64_t first_ns = packed_start_ns(&ix->packed, c * CHUNK + chunk->flow[begin]),
                    until_ns = packed_start_ns(&ix->packed, c * CHUNK + chunk->flow[end - 1]);
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
    Build b = {.ix = ix,
               .route = r,
               .source = source,
               .max_links = route_max_links(r),
               .progress = &progress};
    b.buffer = MEM_ZNEW(Flows, (size_t)threads);
    b.slots = MEM_ZNEW(uint32_t *, (size_t)threads);
    b.end = MEM_ZNEW(uint32_t *, (size_t)threads);
    b.bits = MEM_ZNEW(uint64_t *, (size_t)threads);
    int rc = par_try(ix->n_chunks, threads, build_chunk, &b, err);
    progress_finish(&progress);
    if (rc == 0) {
        sum_loads(ix, &b, threads);
        sum_gaps(ix);
    }
    for (int w = 0; w < threads; w++) {
        flows_free(&b.buffer[w]);
        free(b.bits[w]);
        free(b.slots[w]);
        free(b.end[w]);
    }
    free(b.buffer);
    free(b.bits);
    free(b.slots);
    free(b.end);
    return rc;
}

PathIndex *pathindex_new(const PathSet *ps, const Route *r, const FlowSource *source, int threads,
                         const Log *log, Err *err) {
    PathIndex *ix = MEM_ZNEW(PathIndex, 1);
    ix->set = ps;
    ix->topo = route_topo(r);
    packed_init(&ix->packed, source->n, ix->topo);
    ix->n_chunks = flowsource_n_chunks(source);
    ix->chunks = MEM_ZNEW(Chunk, ix->n_chunks);
    ix->stub_delay_ns = nearest_hosts(ix->topo);
    number_slots(ix);
    if (build_chunks(ix, r, source, threads, log, err) == 0) return ix;
    pathindex_destroy(ix);
    return NULL;
}

void pathindex_destroy(PathIndex *ix) {
    if (!ix) return;
    for (size_t c = 0; c < ix->n_chunks; c++) {
        free(ix->chunks[c].begin);
        free(ix->chunks[c].flow);
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

/* ---- projection ---- */

static void project_links(const PathIndex *ix, const NetPath *p, Arena *a, Lot *lot) {
    *lot = (Lot){.n_links = p->n_links};
    lot->rate_bps = ARENA_NEW(a, double, p->n_links);
    lot->delay_ns = ARENA_NEW(a, double, p->n_links);
    lot->stub_delay_ns = ARENA_NEW(a, double, p->n_links + 1);
    for (uint32_t i = 0; i < p->n_links; i++) {
        const Link *l = &ix->topo->links[p->links[i]];
        lot->rate_bps[i] = l->rate_bps;
        lot->delay_ns[i] = l->delay_ns;
        lot->stub_delay_ns[i] = ix->stub_delay_ns[l->from];
        lot->stub_delay_ns[i + 1] = ix->stub_delay_ns[l->to];
    }
    lot->neighbours = ARENA_NEW(a, LinkNeighbours, p->n_links);
    neighbours_path(ix->topo, ix->load, p->links, p->n_links, lot->neighbours);
    lot->host_rate_bps = fmin(lot->rate_bps[0], lot->rate_bps[p->n_links - 1]);
}

/* A range of the flow `offset` of a chunk. */
typedef struct {
    uint32_t offset;
    uint16_t s, d;
} Left;

/* Links s..d−1 in a row; d = 0: none. */
typedef struct {
    uint16_t s, d;
} Ends;

/* A path's flows, chunk by chunk. */
typedef struct {
    uint64_t seen[CHUNK / 64];
    uint8_t *pattern; /* [CHUNK] of each flow: bit i for link i; NULL: more links than that */
    uint16_t *offset; /* [CHUNK] flows seen, ascending; for patterns */
    Ends *last;       /* [CHUNK] the latest range of each flow; where there are no patterns */
    Left *left;       /* stretches before that, of flows that came back */
    size_t n_left, cap_left;
    uint32_t n_links;
    LinkRange *out;
    uint32_t *foreground;
    size_t n_out, n_foreground;
} Walk;

static inline void see(Walk *w, uint32_t offset) { w->seen[offset / 64] |= 1ull << (offset % 64); }

/* ---- paths of a few links ---- */

static void cross_all(Walk *w, const uint16_t *flow, size_t n, uint32_t link) {
    uint8_t *pattern = w->pattern, bit = (uint8_t)(1u << link);
    for (size_t k = 0; k < n; k++) {
        pattern[flow[k]] |= bit;
        see(w, flow[k]);
    }
}

/* Lists the flows seen and forgets that they were; returns how many there are. Most words have few,
 * and how many can't be guessed: so many are always written, and those that weren't there are
 * overwritten by the next. */
static size_t list_seen(Walk *w) {
    enum { FEW = 4 };
    uint16_t *offset = w->offset;
    size_t n = 0;
    for (uint32_t i = 0; i < CHUNK / 64; i++) {
        uint64_t word = w->seen[i];
        w->seen[i] = 0;
#pragma GCC unroll 4
        for (int k = 0; k < FEW; k++) {
            offset[n] =
                (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(
                                        word | 1ull << 63)); /* of none: defined, and not kept */
            n += word != 0;
            word &= word - 1;
        }
        for (; word; word &= word - 1)
            offset[n++] = (uint16_t)(i * 64 + (uint32_t)__builtin_ctzll(word));
    }
    return n;
}

/* Takes out the chunk's stretches in order of start and forgets them. A run of ones in a pattern is
 * a range: adding its lowest one carries to where it ends. */
static void take_patterns(size_t first, Walk *w) {
    const uint16_t *offset = w->offset;
    uint8_t *pattern = w->pattern;
    LinkRange *out = w->out;
    uint32_t *foreground = w->foreground, whole = (1u << w->n_links) - 1;
    size_t n = list_seen(w), n_out = w->n_out, n_foreground = w->n_foreground;
    for (size_t k = 0; k < n; k++) {
        uint32_t p = pattern[offset[k]];
        pattern[offset[k]] = 0;
        foreground[n_foreground] = (uint32_t)n_out;
        n_foreground += p == whole;
        do {
            uint32_t carried = p + (p & -p);
            out[n_out++] = (LinkRange){(uint32_t)first + offset[k], (uint16_t)__builtin_ctz(p),
                                       (uint16_t)__builtin_ctz(carried)};
            p &= carried;
        } while (p);
    }
    w->n_out = n_out;
    w->n_foreground = n_foreground;
}

/* ---- paths of any number of links ---- */

/* Flows continue or begin in no order that a branch could be guessed by. */
static inline void cross(Walk *w, uint32_t offset, uint16_t link) {
    Ends x = w->last[offset];
    bool goes_on = x.d == link;
    if (x.d > 0 && !goes_on) {
        MEM_GROW(w->left, w->cap_left, w->n_left + 1);
        w->left[w->n_left++] = (Left){offset, x.s, x.d};
    }
    see(w, offset);
    w->last[offset] = (Ends){goes_on ? x.s : link, (uint16_t)(link + 1)};
}

static int by_offset(const void *a, const void *b) {
    const Left *x = a, *y = b;
    return x->offset != y->offset ? (x->offset > y->offset) - (x->offset < y->offset)
                                  : (x->s > y->s) - (x->s < y->s);
}

static inline void take_stretch(Walk *w, LinkRange x) {
    if ((x.s == 0) & (x.d == w->n_links)) w->foreground[w->n_foreground++] = (uint32_t)w->n_out;
    w->out[w->n_out++] = x;
}

/* Takes out the chunk's stretches in order of start and forgets them. */
static void take_stretches(size_t first, Walk *w) {
    size_t k = 0;
    if (w->n_left > 1) qsort(w->left, w->n_left, sizeof *w->left, by_offset);
    for (uint32_t i = 0; i < CHUNK / 64; i++) {
        for (uint64_t word = w->seen[i]; word; word &= word - 1) {
            uint32_t offset = i * 64 + (uint32_t)__builtin_ctzll(word),
                     flow = (uint32_t)first + offset;
            for (; k < w->n_left && w->left[k].offset == offset; k++)
                take_stretch(w, (LinkRange){flow, w->left[k].s, w->left[k].d});
            take_stretch(w, (LinkRange){flow, w->last[offset].s, w->last[offset].d});
            w->last[offset] = (Ends){0};
        }
        w->seen[i] = 0;
    }
    w->n_left = 0;
}

/* ---- outlines ---- */

/* Flows on a link. */
static size_t count_flows(const PathIndex *ix, uint32_t link) {
    size_t n = 0;
    for (size_t c = 0; c < ix->n_chunks; c++) {
        const uint32_t *begin = ix->chunks[c].begin + ix->slot_of[link];
        n += begin[1] - begin[0];
    }
    return n;
}

static void outline_sums(const PathIndex *ix, const NetPath *p, size_t n_pairs, Arena *a,
                         PathView *o) {
    double bits = 0;
    LinkGaps *gaps = ARENA_NEW(a, LinkGaps, p->n_links);
    for (uint32_t i = 0; i < p->n_links; i++) {
        gaps[i] = ix->gaps[ix->slot_of[p->links[i]]];
        o->load = fmax(o->load, ix->load[p->links[i]]);
        bits += (double)ix->bits[p->links[i]];
    }
    o->mean_bits = bits / (double)n_pairs;
    o->gaps = gaps;
}

static void walk_chunk(const PathIndex *ix, const NetPath *path, size_t c, Walk *w) {
    const Chunk *chunk = &ix->chunks[c];
    for (uint32_t i = 0; i < path->n_links; i++) {
        const uint32_t *begin = chunk->begin + ix->slot_of[path->links[i]];
        if (w->pattern) cross_all(w, chunk->flow + begin[0], begin[1] - begin[0], i);
        else
            for (uint32_t k = begin[0]; k < begin[1]; k++) cross(w, chunk->flow[k], (uint16_t)i);
    }
    if (w->pattern) take_patterns(c * CHUNK, w);
    else take_stretches(c * CHUNK, w);
}

static Walk *walk_new(uint32_t n_links, size_t n_pairs, size_t n_first, Arena *a) {
    Walk *w = memset(ARENA_NEW(a, Walk, 1), 0, sizeof(Walk));
    w->n_links = n_links;
    if (n_links <= PATTERN_LINKS) {
        w->pattern = memset(ARENA_NEW(a, uint8_t, CHUNK), 0, CHUNK);
        w->offset = ARENA_NEW(a, uint16_t, CHUNK + 1); /* one is written ahead of what is known */
    } else {
        w->last = memset(ARENA_NEW(a, Ends, CHUNK), 0, CHUNK * sizeof(Ends));
    }
    w->out = ARENA_NEW(a, LinkRange, n_pairs); /* at most a range for each link of a flow */
    w->foreground = ARENA_NEW(
        a, uint32_t, n_first + 1); /* all of it begins on the first link; one is written ahead */
    return w;
}

void path_view(const PathIndex *ix, size_t p, Arena *a, PathView *o) {
    assert(p < ix->set->n_unique && ix->set->paths[p].n_links <= UINT16_MAX);
    const NetPath *path = &ix->set->paths[p];
    size_t n_pairs = 0;
    for (uint32_t i = 0; i < path->n_links; i++) n_pairs += count_flows(ix, path->links[i]);
    *o = (PathView){.packed = &ix->packed};
    project_links(ix, path, a, &o->lot);
    outline_sums(ix, path, n_pairs, a, o);
    Walk *w = walk_new(path->n_links, n_pairs, count_flows(ix, path->links[0]), a);
    for (size_t c = 0; c < ix->n_chunks; c++) walk_chunk(ix, path, c, w);
    free(w->left);
    o->n = w->n_out;
    o->range = w->out;
    o->n_foreground = w->n_foreground;
    o->foreground = w->foreground;
}

void path_read(const PathView *o, size_t first, size_t n, LotFlow *flows) {
    enum { AHEAD = 32 };
    assert(first + n <= o->n);
    for (size_t i = first; i < first + n; i++) {
        LinkRange x = o->range[i];
        packed_prefetch(o->packed, o->range[i + AHEAD < o->n ? i + AHEAD : i].flow);
        LotFlow *out = flows++;
        *out = (LotFlow){
            .cap_bps = packed_cap_bps(o->packed, x.flow), .flow = x.flow, .s = x.s, .d = x.d};
        packed_get(o->packed, x.flow, &out->start_ns, &out->size_b);
    }
}

void path_project(const PathIndex *ix, size_t p, Arena *a, Lot *lot, LotFlow **flows,
                  size_t *n_flows) {
    PathView o;
    path_view(ix, p, a, &o);
    *lot = o.lot;
    *n_flows = o.n;
    *flows = ARENA_NEW(a, LotFlow, o.n);
    path_read(&o, 0, o.n, *flows);
}
