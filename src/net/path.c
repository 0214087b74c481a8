/* path: which flows cross which links, and the projection of a path onto a parking lot.
 *
 * The index is cut into chunks of 65,536 consecutive flows, so that a flow within a chunk is two bytes. Each
 * chunk is routed and sorted by link on its own, whichever thread does it:
 *
 *     chunk.begin[slot] … chunk.begin[slot+1]  →  chunk.flow[]: ascending offsets of the flows on that link
 *
 * A slot is a link that lies on some wanted path; other links are not indexed. Memory: 2 bytes per (flow, wanted
 * link) and 4 per (chunk, slot).
 *
 * Projection walks the lists of the path's links in order, chunk by chunk. Per flow of the chunk it keeps the stretch
 * [s, d) it is on; a list that continues the stretch extends it, one that does not has found a flow that left
 * and rejoined, and the stretch before is put aside. A bitmap of flows seen brings them out in order of
 * start. Nothing depends on the number of links of a path.
 *
 * Background flows reach the lot over stubs: the nearest host of a node, by delay, is found once for
 * all nodes (Dijkstra from all hosts at once). */
#include "net/path.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/par.h"
#include "net/around.h"

enum { CHUNK = 1 << 16, NO_SLOT = -1 };

typedef struct {
    uint32_t *begin; /* [n_slots + 1] */
    uint16_t *flow;
} Chunk;

struct PathIndex {
    const PathSet *set;
    const Topo *topo;
    const Flows *flows;
    size_t n_chunks;
    Chunk *chunks;
    uint32_t n_slots;
    int32_t *slot_of;      /* [topo->n_links] or NO_SLOT */
    double *stub_delay_ns; /* [topo->n_nodes] */
    double *load;          /* [topo->n_links] */
    double uniform_cap;    /* rate of every host's link; 0: they differ */
};

void lot_published(Lot *lot, uint32_t n_links, double host_rate_bps, Arena *a) {
    *lot = (Lot){.n_links = n_links, .host_rate_bps = host_rate_bps, .published = true};
    lot->rate_bps = ARENA_NEW(a, double, n_links);
    lot->delay_ns = ARENA_NEW(a, double, n_links);
    lot->stub_delay_ns = ARENA_NEW(a, double, n_links + 1);
    for (uint32_t l = 0; l < n_links; l++) {
        bool edge = l == 0 || l == n_links - 1;
        lot->rate_bps[l] = edge ? host_rate_bps : 4 * host_rate_bps;
        lot->delay_ns[l] = 1000;
    }
    /* The inner node v is min(v, n_links − v) hops of 1 µs from its nearest host: a rack switch 1, a fabric switch 2, a spine 3. */
    for (uint32_t v = 0; v <= n_links; v++) lot->stub_delay_ns[v] = 1000.0 * (v < n_links - v ? v : n_links - v);
}

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
    for (; i > 0 && f->a[(i - 1) / 2].delay_ns > x.delay_ns; i = (i - 1) / 2) f->a[i] = f->a[(i - 1) / 2];
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
    const uint16_t *sport;
    uint32_t max_links, **slots; /* [threads][CHUNK × max_links] a worker's routes: slots of wanted links, flow by flow */
    uint32_t **end;              /* [threads][CHUNK] where each flow's slots end */
    uint64_t **bits;             /* [threads][topo->n_links] what the flows a worker has routed bring to each link: sums of integers, so
                                    that it does not matter who routed which */
    Progress *progress;
    size_t n_done;
} Build;

/* Routes a chunk; returns the number of (flow, wanted link) pairs, begin[slot + 1] counts them by slot. */
static uint32_t route_chunk(const Build *b, size_t first, uint32_t n, int worker, uint32_t *begin) {
    const Flows *f = b->ix->flows;
    uint64_t *bits = b->bits[worker];
    uint32_t at = 0, *slots = b->slots[worker], *end = b->end[worker], *links = slots + (size_t)CHUNK * b->max_links;
    for (uint32_t i = 0; i < n; i++) {
        size_t flow = first + i;
        uint32_t n_links = route_path(b->route, f->src[flow], f->dst[flow], b->sport[flow], ROUTE_DPORT, links);
        uint64_t flow_bits = (uint64_t)lot_wire_bits(f->size_b[flow]);
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

static void build_chunk(void *ctx, size_t item, int worker) {
    Build *b = ctx;
    PathIndex *ix = b->ix;
    if (diag_stop_requested()) return;
    size_t first = item * CHUNK;
    uint32_t n = (uint32_t)(ix->flows->n - first < CHUNK ? ix->flows->n - first : CHUNK);
    if (!b->slots[worker]) {
        b->slots[worker] = MEM_NEW(uint32_t, ((size_t)CHUNK + 1) * b->max_links);
        b->end[worker] = MEM_NEW(uint32_t, CHUNK);
        b->bits[worker] = MEM_ZNEW(uint64_t, ix->topo->n_links);
    }
    uint32_t *slots = b->slots[worker], *end = b->end[worker], *begin = MEM_ZNEW(uint32_t, ix->n_slots + 1);
    uint32_t n_pairs = route_chunk(b, first, n, worker, begin);
    uint16_t *flow = MEM_NEW(uint16_t, n_pairs);
    uint32_t *at = MEM_NEW(uint32_t, ix->n_slots + 1);
    for (uint32_t s = 0; s < ix->n_slots; s++) {
        at[s] = begin[s];
        begin[s + 1] += begin[s];
    }
    for (uint32_t i = 0, k = 0; i < n; i++)
        for (; k < end[i]; k++) flow[at[slots[k]]++] = (uint16_t)i;
    free(at);
    ix->chunks[item] = (Chunk){begin, flow};
    progress_update(b->progress, __atomic_add_fetch(&b->n_done, n, __ATOMIC_RELAXED));
}

static void sum_loads(PathIndex *ix, const Build *b, int threads) {
    uint64_t *sum = MEM_ZNEW(uint64_t, ix->topo->n_links);
    for (int w = 0; w < threads; w++)
        for (uint32_t l = 0; b->bits[w] && l < ix->topo->n_links; l++) sum[l] += b->bits[w][l];
    ix->load = MEM_NEW(double, ix->topo->n_links);
    around_loads(ix->topo, ix->flows, sum, ix->load);
    free(sum);
}

static void build_chunks(PathIndex *ix, const Route *r, const uint16_t *sport, int threads, const Log *log) {
    Progress progress;
    progress_init(&progress, log, "flows routed", ix->flows->n);
    threads = par_resolve(threads);
    Build b = {.ix = ix, .route = r, .sport = sport, .max_links = route_max_links(r), .progress = &progress};
    b.slots = MEM_ZNEW(uint32_t *, (size_t)threads);
    b.end = MEM_ZNEW(uint32_t *, (size_t)threads);
    b.bits = MEM_ZNEW(uint64_t *, (size_t)threads);
    par_for(ix->n_chunks, threads, build_chunk, &b);
    progress_finish(&progress);
    sum_loads(ix, &b, threads);
    for (int w = 0; w < threads; w++) {
        free(b.bits[w]);
        free(b.slots[w]);
        free(b.end[w]);
    }
    free(b.bits);
    free(b.slots);
    free(b.end);
}

/* The rate that all hosts have, or 0. */
static double uniform_rate(const Topo *t) {
    for (uint32_t h = 1; h < t->n_hosts; h++)
        if (t->host_rate_bps[h] != t->host_rate_bps[0]) return 0;
    return t->host_rate_bps[0];
}

PathIndex *pathindex_new(const PathSet *ps, const Route *r, const Flows *f, const uint16_t *sport, int threads, const Log *log, Err *err) {
    PathIndex *ix = MEM_ZNEW(PathIndex, 1);
    ix->set = ps;
    ix->topo = route_topo(r);
    ix->flows = f;
    ix->n_chunks = (f->n + CHUNK - 1) / CHUNK;
    ix->chunks = MEM_ZNEW(Chunk, ix->n_chunks);
    ix->stub_delay_ns = nearest_hosts(ix->topo);
    ix->uniform_cap = uniform_rate(ix->topo);
    number_slots(ix);
    build_chunks(ix, r, sport, threads, log);
    if (!diag_stop_requested()) return ix;
    err_stopped(err);
    pathindex_destroy(ix);
    return NULL;
}

void pathindex_destroy(PathIndex *ix) {
    if (!ix) return;
    for (size_t c = 0; c < ix->n_chunks; c++) {
        free(ix->chunks[c].begin);
        free(ix->chunks[c].flow);
    }
    free(ix->chunks);
    free(ix->slot_of);
    free(ix->load);
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
    lot->around = ARENA_NEW(a, LotAround, p->n_links);
    around_path(ix->topo, ix->load, p->links, p->n_links, lot->around);
    lot->host_rate_bps = fmin(lot->rate_bps[0], lot->rate_bps[p->n_links - 1]);
}

/* Links s..d−1 in a row, of the flow `offset` of a chunk. */
typedef struct {
    uint16_t s, d;
} Stretch;
typedef struct {
    uint32_t offset;
    Stretch stretch;
} Left;

/* One chunk's flows on the path. */
typedef struct {
    const int64_t *start_ns; /* of the chunk's first flow and on */
    const uint64_t *size_b;
    uint64_t seen[CHUNK / 64];
    Stretch last[CHUNK]; /* the latest stretch of each flow seen */
    Left *left;          /* stretches before that, of flows that came back */
    size_t n_left, cap_left;
} Walk;

static inline void cross(Walk *w, uint32_t offset, uint16_t link) {
    uint64_t bit = 1ull << (offset % 64), *word = &w->seen[offset / 64];
    Stretch *last = &w->last[offset];
    if ((*word & bit) && last->d == link) {
        last->d++;
        return;
    }
    if (*word & bit) {
        MEM_GROW(w->left, w->cap_left, w->n_left + 1);
        w->left[w->n_left++] = (Left){offset, *last};
    } else { /* a path's flows are far apart in memory: ask for them before they are taken */
        __builtin_prefetch(&w->start_ns[offset]);
        __builtin_prefetch(&w->size_b[offset]);
    }
    *word |= bit;
    *last = (Stretch){link, (uint16_t)(link + 1)};
}

static int by_offset(const void *a, const void *b) {
    const Left *x = a, *y = b;
    return x->offset != y->offset ? (x->offset > y->offset) - (x->offset < y->offset)
                                  : (x->stretch.s > y->stretch.s) - (x->stretch.s < y->stretch.s);
}

static LotFlow lot_flow(const PathIndex *ix, size_t flow, Stretch x) {
    const Flows *f = ix->flows;
    const double *rate = ix->topo->host_rate_bps;
    return (LotFlow){.start_ns = f->start_ns[flow],
                     .size_b = f->size_b[flow],
                     .cap_bps = ix->uniform_cap > 0 ? ix->uniform_cap : fmin(rate[f->src[flow]], rate[f->dst[flow]]),
                     .flow = (uint32_t)flow,
                     .s = x.s,
                     .d = x.d};
}

/* Writes the chunk's flows in order of start and clears the bitmap; returns the end of what was written. */
static LotFlow *take_flows(const PathIndex *ix, size_t first, Walk *w, LotFlow *out) {
    size_t k = 0;
    if (w->n_left > 1) qsort(w->left, w->n_left, sizeof *w->left, by_offset);
    for (uint32_t i = 0; i < CHUNK / 64; i++) {
        for (uint64_t word = w->seen[i]; word; word &= word - 1) {
            uint32_t offset = i * 64 + (uint32_t)__builtin_ctzll(word);
            for (; k < w->n_left && w->left[k].offset == offset; k++) *out++ = lot_flow(ix, first + offset, w->left[k].stretch);
            *out++ = lot_flow(ix, first + offset, w->last[offset]);
        }
        w->seen[i] = 0;
    }
    w->n_left = 0;
    return out;
}

/* (flow, link) pairs of a path: at least as many as stretches. */
static size_t count_pairs(const PathIndex *ix, const NetPath *p) {
    size_t n = 0;
    for (size_t c = 0; c < ix->n_chunks; c++)
        for (uint32_t i = 0; i < p->n_links; i++) {
            const uint32_t *begin = ix->chunks[c].begin + ix->slot_of[p->links[i]];
            n += begin[1] - begin[0];
        }
    return n;
}

void path_project(const PathIndex *ix, size_t p, Arena *a, Lot *lot, LotFlow **flows, size_t *n_flows) {
    assert(p < ix->set->n_unique && ix->set->paths[p].n_links <= UINT16_MAX);
    const NetPath *path = &ix->set->paths[p];
    project_links(ix, path, a, lot);
    LotFlow *out = *flows = ARENA_NEW(a, LotFlow, count_pairs(ix, path));
    Walk *w = ARENA_NEW(a, Walk, 1);
    memset(w->seen, 0, sizeof w->seen);
    w->left = NULL;
    w->n_left = w->cap_left = 0;
    for (size_t c = 0; c < ix->n_chunks; c++) {
        const Chunk *chunk = &ix->chunks[c];
        w->start_ns = ix->flows->start_ns + c * CHUNK;
        w->size_b = ix->flows->size_b + c * CHUNK;
        for (uint32_t i = 0; i < path->n_links; i++) {
            const uint32_t *begin = chunk->begin + ix->slot_of[path->links[i]];
            for (uint32_t k = begin[0]; k < begin[1]; k++) cross(w, chunk->flow[k], (uint16_t)i);
        }
        out = take_flows(ix, c * CHUNK, w, out);
    }
    free(w->left);
    *n_flows = (size_t)(out - *flows);
}
