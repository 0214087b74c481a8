/* pathindex_private: the index as path.c walks it. Private to this room. */
#ifndef M3_PATH_PATHINDEX_PRIVATE_H
#define M3_PATH_PATHINDEX_PRIVATE_H
#include "path/flowlist.h"
#include "path/packed.h"
#include "path/path.h"

/* FLOW_CHUNK consecutive flows, by link: the list of a slot's flows (path/flowlist) is at
 * list + begin[slot] up to begin[slot + 1]. A slot is a link that lies on a path of the set; other
 * links are not indexed. */
typedef struct {
    uint32_t *begin; /* [n_slots + 1] in bytes */
    uint8_t *list;
    double *gap_ns2; /* [n_slots] Σ of squares of the gaps between starts within the chunk; NULL
                        once the index is built */
} IndexChunk;

struct PathIndex {
    const PathSet *set;
    const Topo *topo;
    PackedFlows packed;
    size_t n_chunks;
    IndexChunk *chunks;
    uint32_t n_slots;
    int32_t *slot_of;      /* [topo->n_links] −1: none */
    double *stub_delay_ns; /* [topo->n_nodes] from a node to its nearest host */
    LinkGaps *gaps;        /* [n_slots] */
    double *load;          /* [topo->n_links] shares of their rates, over the whole run */
    uint64_t *bits;        /* [topo->n_links] on the wire, of all flows */
};

/* pathindex_list returns the list of a slot's flows in a chunk, of *bytes. */
static inline const uint8_t *pathindex_list(const PathIndex *ix, size_t chunk, uint32_t slot,
                                            size_t *bytes) {
    const IndexChunk *c = &ix->chunks[chunk];
    *bytes = c->begin[slot + 1] - c->begin[slot];
    return c->list + c->begin[slot];
}
#endif
