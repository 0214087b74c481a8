/* path: a path's flows in order of start, and the projection onto a parking lot.
 *
 * A view merges the index's lists of the path's links, chunk by chunk: a bitmap of the flows seen
 * brings them out in order of start. On a path of at most PATTERN_LINKS links, the links that a
 * flow of the chunk uses are the bits of a byte, and runs of ones its link ranges: no branch
 * depends on where flows enter and leave, which none could predict. On a longer path the flow's
 * latest range [s, d) is kept instead; a list that continues the range extends it, one that does
 * not has found a flow that left and rejoined, and the range before is put aside.
 *
 * Starts and sizes are looked up afterwards, for as many flows at a time as the caller uses while
 * they are in the cache: a path's flows are far apart in memory, and all of them together are many
 * megabytes. */
#include "path/path.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "path/neighbours.h"
#include "path/pathindex_private.h"

enum { PATTERN_LINKS = 8 /* bits of a byte; three tiers have paths of 6 */ };

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

/* ---- the walk along a path's flows ---- */

/* Links s..d−1 of the path; d = 0: none. */
typedef struct {
    uint16_t s, d;
} LinkSpan;

/* An earlier span of the flow at `offset` of a chunk, which has left and rejoined since. */
typedef struct {
    uint32_t offset;
    uint16_t s, d;
} EarlierSpan;

/* What a walk keeps of a chunk is all 0 between chunks. */
typedef struct {
    uint64_t seen[FLOW_CHUNK / 64]; /* bit per flow of the chunk that uses any of the links */
    uint8_t *pattern; /* [FLOW_CHUNK] of each flow: bit i for link i; NULL: the path is longer */
    uint16_t *offset; /* [FLOW_CHUNK + 1] flows of a link, then all flows seen, ascending */
    LinkSpan *last;   /* [FLOW_CHUNK] the latest span of each flow; without patterns */
    EarlierSpan *earlier;
    size_t n_earlier, cap_earlier;
    uint32_t n_links;
    LinkRange *out; /* results, as in PathView */
    uint32_t *foreground;
    size_t n_out, n_foreground;
} PathWalk;

/* Room for n_pairs ranges, of which n_first begin on the first link. `out` is the last allocation:
 * a flow has fewer ranges than links, and what they leave is given back. */
static PathWalk *walk_new(uint32_t n_links, size_t n_pairs, size_t n_first, Arena *a) {
    PathWalk *w = memset(ARENA_NEW(a, PathWalk, 1), 0, sizeof(PathWalk));
    w->n_links = n_links;
    w->offset = ARENA_NEW(a, uint16_t, FLOW_CHUNK + 1); /* one is written beyond the last */
    if (n_links <= PATTERN_LINKS) {
        w->pattern = memset(ARENA_NEW(a, uint8_t, FLOW_CHUNK), 0, FLOW_CHUNK);
    } else {
        w->last = memset(ARENA_NEW(a, LinkSpan, FLOW_CHUNK), 0, FLOW_CHUNK * sizeof(LinkSpan));
    }
    w->foreground = ARENA_NEW(a, uint32_t, n_first + 1); /* one is written beyond the last */
    w->out = ARENA_NEW(a, LinkRange, n_pairs);
    return w;
}

static inline void see(PathWalk *w, uint32_t offset) {
    w->seen[offset / 64] |= 1ull << (offset % 64);
}

/* ---- paths of few links ---- */

static void add_to_patterns(PathWalk *w, const uint16_t *flow, size_t n, uint32_t link) {
    uint8_t *pattern = w->pattern, bit = (uint8_t)(1u << link);
    for (size_t k = 0; k < n; k++) {
        pattern[flow[k]] |= bit;
        see(w, flow[k]);
    }
}

/* Takes out the chunk's ranges in order of start and clears the patterns. A run of ones in a
 * pattern is a range: adding its lowest one carries to where the run ends. */
static void take_patterns(size_t first, PathWalk *w) {
    uint8_t *pattern = w->pattern;
    LinkRange *out = w->out;
    uint32_t *foreground = w->foreground, whole = (1u << w->n_links) - 1;
    size_t n_out = w->n_out, n_foreground = w->n_foreground;
    for (uint32_t i = 0; i < FLOW_CHUNK / 64; i++) {
        uint64_t word = w->seen[i];
        w->seen[i] = 0;
        for (; word; word &= word - 1) {
            uint32_t offset = i * 64 + (uint32_t)__builtin_ctzll(word), p = pattern[offset];
            pattern[offset] = 0;
            foreground[n_foreground] = (uint32_t)n_out;
            n_foreground += p == whole;
            do {
                uint32_t carried = p + (p & -p);
                out[n_out++] = (LinkRange){(uint32_t)first + offset, (uint16_t)__builtin_ctz(p),
                                           (uint16_t)__builtin_ctz(carried)};
                p &= carried;
            } while (p);
        }
    }
    w->n_out = n_out;
    w->n_foreground = n_foreground;
}

/* ---- paths of any number of links ---- */

static inline void add_to_spans(PathWalk *w, uint32_t offset, uint16_t link) {
    LinkSpan x = w->last[offset];
    bool goes_on = x.d == link;
    if (x.d > 0 && !goes_on) {
        MEM_GROW(w->earlier, w->cap_earlier, w->n_earlier + 1);
        w->earlier[w->n_earlier++] = (EarlierSpan){offset, x.s, x.d};
    }
    see(w, offset);
    w->last[offset] = (LinkSpan){goes_on ? x.s : link, (uint16_t)(link + 1)};
}

static int by_offset(const void *a, const void *b) {
    const EarlierSpan *x = a, *y = b;
    return x->offset != y->offset ? (x->offset > y->offset) - (x->offset < y->offset)
                                  : (x->s > y->s) - (x->s < y->s);
}

static inline void take_range(PathWalk *w, LinkRange x) {
    if (lot_is_foreground(w->n_links, x.s, x.d))
        w->foreground[w->n_foreground++] = (uint32_t)w->n_out;
    w->out[w->n_out++] = x;
}

/* Takes out the chunk's ranges in order of start and clears the spans. */
static void take_spans(size_t first, PathWalk *w) {
    size_t k = 0;
    if (w->n_earlier > 1) qsort(w->earlier, w->n_earlier, sizeof *w->earlier, by_offset);
    for (uint32_t i = 0; i < FLOW_CHUNK / 64; i++) {
        for (uint64_t word = w->seen[i]; word; word &= word - 1) {
            uint32_t offset = i * 64 + (uint32_t)__builtin_ctzll(word),
                     flow = (uint32_t)first + offset;
            for (; k < w->n_earlier && w->earlier[k].offset == offset; k++)
                take_range(w, (LinkRange){flow, w->earlier[k].s, w->earlier[k].d});
            take_range(w, (LinkRange){flow, w->last[offset].s, w->last[offset].d});
            w->last[offset] = (LinkSpan){0};
        }
        w->seen[i] = 0;
    }
    w->n_earlier = 0;
}

static void walk_chunk(const PathIndex *ix, const NetPath *path, size_t c, PathWalk *w) {
    for (uint32_t i = 0; i < path->n_links; i++) {
        size_t bytes;
        const uint8_t *list = pathindex_list(ix, c, (uint32_t)ix->slot_of[path->links[i]], &bytes);
        uint32_t n = flowlist_decode(list, bytes, w->offset);
        if (w->pattern) add_to_patterns(w, w->offset, n, i);
        else
            for (uint32_t k = 0; k < n; k++) add_to_spans(w, w->offset[k], (uint16_t)i);
    }
    if (w->pattern) take_patterns(c * FLOW_CHUNK, w);
    else take_spans(c * FLOW_CHUNK, w);
}

/* ---- views ---- */

static size_t count_flows(const PathIndex *ix, uint32_t link) {
    size_t n = 0;
    for (size_t c = 0; c < ix->n_chunks; c++) {
        size_t bytes;
        const uint8_t *list = pathindex_list(ix, c, (uint32_t)ix->slot_of[link], &bytes);
        n += flowlist_n(list, bytes);
    }
    return n;
}

void path_view(const PathIndex *ix, size_t p, Arena *a, PathView *v) {
    assert(p < ix->set->n_unique && ix->set->paths[p].n_links <= UINT16_MAX);
    const NetPath *path = &ix->set->paths[p];
    size_t n_pairs = 0;
    double bits = 0, load = 0;
    LinkGaps *gaps = ARENA_NEW(a, LinkGaps, path->n_links);
    for (uint32_t i = 0; i < path->n_links; i++) {
        uint32_t link = path->links[i];
        n_pairs += count_flows(ix, link);
        gaps[i] = ix->gaps[ix->slot_of[link]];
        load = fmax(load, ix->load[link]);
        bits += (double)ix->bits[link];
    }
    PathWalk *w = walk_new(path->n_links, n_pairs, count_flows(ix, path->links[0]), a);
    for (size_t c = 0; c < ix->n_chunks; c++) walk_chunk(ix, path, c, w);
    free(w->earlier);
    arena_trim(a, w->out, w->n_out, sizeof *w->out);
    *v = (PathView){.n = w->n_out,
                    .range = w->out,
                    .n_foreground = w->n_foreground,
                    .foreground = w->foreground,
                    .gaps = gaps,
                    .packed = &ix->packed,
                    .load = load,
                    .mean_bits = bits / (double)n_pairs};
    project_links(ix, path, a, &v->lot);
}

void path_read(const PathView *v, size_t first, size_t n, LotFlow *flows) {
    /* A look-up takes some 3 ns and a miss some 100. A caller that reads a few flows at a time has
     * the next ones come while it works on those before. */
    enum { AHEAD = 128 };
    assert(first + n <= v->n);
    for (size_t i = first; i < first + n; i++) {
        LinkRange x = v->range[i];
        packed_prefetch(v->packed, v->range[i + AHEAD < v->n ? i + AHEAD : i].flow);
        LotFlow *out = flows++;
        *out = (LotFlow){
            .cap_bps = packed_cap_bps(v->packed, x.flow), .flow = x.flow, .s = x.s, .d = x.d};
        packed_get(v->packed, x.flow, &out->start_ns, &out->size_b);
    }
}

void path_project(const PathIndex *ix, size_t p, Arena *a, Lot *lot, LotFlow **flows,
                  size_t *n_flows) {
    PathView v;
    path_view(ix, p, a, &v);
    *lot = v.lot;
    *n_flows = v.n;
    *flows = ARENA_NEW(a, LotFlow, v.n);
    path_read(&v, 0, v.n, *flows);
}
