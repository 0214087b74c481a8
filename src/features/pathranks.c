/* pathranks: paths that share links go to the same rank.
 *
 * A rank indexes the flows on the links of its paths alone, so the fewer links its paths have, the
 * less memory it takes. Paths are put in order of the racks that they come from, then of those that
 * they go to, and cut into parts of equal work. The work of a path is in proportion to the flows on
 * its links, of which the draws are a sample: a link's share is how often it was drawn.
 *
 * Left out: handing paths to ranks that are early. Who has the flows of a path has to simulate
 * it. */
#include "features/pathranks.h"

#include <stdlib.h>

#include "base/mem.h"

typedef struct {
    uint32_t src_rack, dst_rack, path;
    double work;
} PathWork;

static int by_racks(const void *pa, const void *pb) {
    const PathWork *a = pa, *b = pb;
    if (a->src_rack != b->src_rack) return a->src_rack < b->src_rack ? -1 : 1;
    if (a->dst_rack != b->dst_rack) return a->dst_rack < b->dst_rack ? -1 : 1;
    return (a->path > b->path) - (a->path < b->path);
}

/* How often each link was drawn [n_links]; the caller frees. */
static double *count_draws(const PathSet *set, uint32_t n_links) {
    double *draws = MEM_ZNEW(double, n_links);
    for (size_t p = 0; p < set->n_unique; p++)
        for (uint32_t i = 0; i < set->paths[p].n_links; i++)
            draws[set->paths[p].links[i]] += set->paths[p].n_draws;
    return draws;
}

uint16_t *pathranks_new(const PathSet *set, const Topo *t, int n_ranks) {
    size_t n = set->n_unique;
    double *draws = count_draws(set, t->n_links), all = 0, before = 0;
    PathWork *works = MEM_NEW(PathWork, n);
    for (size_t p = 0; p < n; p++) {
        const NetPath *path = &set->paths[p];
        double work = 0;
        for (uint32_t i = 0; i < path->n_links; i++) work += draws[path->links[i]];
        works[p] = (PathWork){t->host_rack[path->src_host], t->host_rack[path->dst_host],
                              (uint32_t)p, work};
        all += work;
    }
    qsort(works, n, sizeof *works, by_racks);
    uint16_t *rank_of = MEM_NEW(uint16_t, n);
    for (size_t i = 0; i < n; i++) {
        int rank = (int)((before + works[i].work / 2) / all * n_ranks);
        rank_of[works[i].path] = (uint16_t)(rank < n_ranks ? rank : n_ranks - 1);
        before += works[i].work;
    }
    free(works);
    free(draws);
    return rank_of;
}
