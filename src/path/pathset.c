/* pathset: paths drawn in proportion to their flows.
 *
 * A path is a sequence of directed links. Drawing a flow uniformly and taking its path draws paths
 * with probability proportional to their number of flows; draws are with replacement, and equal
 * sequences are found by a hash table of path numbers, so that unique paths are numbered in order
 * of their first draw. Only drawn flows are routed. "All paths" draws
 * every flow once, in order. */
#include "path/pathset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

typedef struct {
    PathSet *set;
    size_t *first; /* [n_unique] where a path's links begin in the pool, which still moves */
    size_t cap_paths, cap_first, n_pool, cap_pool;
    uint32_t *slots; /* path + 1; 0: free; at most half full */
    size_t mask;
} PathSetBuild;

static size_t hash_links(const uint32_t *links, uint32_t n) {
    uint64_t h = n;
    for (uint32_t i = 0; i < n; i++) {
        h = (h ^ links[i]) * 0x9E3779B97F4A7C15u;
        h ^= h >> 32;
    }
    return (size_t)h;
}

/* Returns the slot of a sequence: the one that has it, or the free one for it. */
static uint32_t *find_slot(const PathSetBuild *b, const uint32_t *links, uint32_t n) {
    for (size_t i = hash_links(links, n);; i++) {
        uint32_t *slot = &b->slots[i & b->mask];
        if (*slot == 0) return slot;
        const NetPath *p = &b->set->paths[*slot - 1];
        if (p->n_links == n &&
            memcmp(b->set->pool + b->first[*slot - 1], links, n * sizeof *links) == 0)
            return slot;
    }
}

static void grow_slots(PathSetBuild *b) {
    const size_t *first = b->first;
    size_t n = b->set->n_unique;
    assert(first || n == 0);
    free(b->slots);
    b->mask = b->mask * 2 + 1;
    b->slots = MEM_ZNEW(uint32_t, b->mask + 1);
    for (size_t p = 0; p < n; p++)
        *find_slot(b, b->set->pool + first[p], b->set->paths[p].n_links) = (uint32_t)p + 1;
}

/* Returns the number of a flow's path, which is added if new. */
static uint32_t add_path(PathSetBuild *b, const Route *r, uint32_t src, uint32_t dst,
                         uint16_t sport) {
    PathSet *ps = b->set;
    MEM_GROW(ps->pool, b->cap_pool, b->n_pool + route_max_links(r));
    uint32_t *links = ps->pool + b->n_pool, n = route_path(r, src, dst, sport, ROUTE_DPORT, links);
    uint32_t *slot = find_slot(b, links, n);
    if (*slot == 0) {
        MEM_GROW(ps->paths, b->cap_paths, ps->n_unique + 1);
        MEM_GROW(b->first, b->cap_first, ps->n_unique + 1);
        ps->paths[ps->n_unique] = (NetPath){.n_links = n, .src_host = src, .dst_host = dst};
        b->first[ps->n_unique] = b->n_pool;
        b->n_pool += n;
        *slot = (uint32_t)++ps->n_unique;
    }
    uint32_t path = *slot - 1;
    ps->paths[path].n_draws++;
    if (ps->n_unique * 2 > b->mask) grow_slots(b);
    return path;
}

static void finish(PathSetBuild *b) {
    size_t n = b->set->n_unique;
    assert(b->first || n == 0);
    for (size_t p = 0; p < n; p++) b->set->paths[p].links = b->set->pool + b->first[p];
    free(b->first);
    free(b->slots);
}

/* Takes the paths of flows pick[0..n−1], in that order, as draws first … first + n − 1. */
static int add_picks(PathSetBuild *b, const Route *r, const FlowSource *source,
                     const uint64_t *pick, size_t n, size_t first, Err *err) {
    uint32_t *src = MEM_NEW(uint32_t, n), *dst = MEM_NEW(uint32_t, n);
    int rc = flowsource_hosts(source, pick, n, src, dst, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        uint32_t path = add_path(b, r, src[i], dst[i], source->sport[pick[i]]);
        if (b->set->draw_path) b->set->draw_path[first + i] = path;
    }
    free(src);
    free(dst);
    return rc;
}

static int draw_some(PathSetBuild *b, const Route *r, const FlowSource *source, uint64_t n_paths,
                     uint64_t seed, Err *err) {
    uint64_t *pick = MEM_NEW(uint64_t, n_paths);
    Rng rng = rng_stream(seed, "paths", 0);
    for (uint64_t i = 0; i < n_paths; i++) pick[i] = rng_below(&rng, source->n);
    b->set->draw_path = MEM_NEW(uint32_t, n_paths);
    int rc = add_picks(b, r, source, pick, n_paths, 0, err);
    free(pick);
    return rc;
}

static int take_all(PathSetBuild *b, const Route *r, const FlowSource *source, Err *err) {
    uint64_t *pick = MEM_NEW(uint64_t, FLOW_CHUNK);
    int rc = 0;
    for (size_t first = 0, n; rc == 0 && first < source->n; first += n) {
        n = source->n - first < FLOW_CHUNK ? source->n - first : FLOW_CHUNK;
        for (size_t i = 0; i < n; i++) pick[i] = first + i;
        rc = add_picks(b, r, source, pick, n, first, err);
    }
    free(pick);
    return rc;
}

int pathset_draw(PathSet *ps, const Route *r, const FlowSource *source, uint64_t n_paths,
                 uint64_t seed, Err *err) {
    *ps = (PathSet){0};
    if (source->n == 0) return err_input(err, "paths: there are no flows to draw from");
    if (n_paths >= UINT32_MAX || source->n >= UINT32_MAX)
        return err_input(err, "paths: at most %u draws and flows", UINT32_MAX - 1);
    PathSetBuild b = {.set = ps, .mask = 255};
    b.slots = MEM_ZNEW(uint32_t, b.mask + 1);
    ps->n_drawn = n_paths > 0 ? n_paths : source->n;
    int rc =
        n_paths > 0 ? draw_some(&b, r, source, n_paths, seed, err) : take_all(&b, r, source, err);
    finish(&b);
    if (rc != 0) pathset_free(ps);
    return rc;
}

void pathset_free(PathSet *ps) {
    free(ps->paths);
    free(ps->pool);
    free(ps->draw_path);
    *ps = (PathSet){0};
}
