/* flows: a list of flows: memory, order, and writing it to a file. */
#ifndef M3_TRAFFIC_FLOWS_H
#define M3_TRAFFIC_FLOWS_H
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "net/topo.h"
#include "traffic/flowgraph.h"

/* Flows are drawn, routed and indexed in chunks of so many consecutive ones: the number of a flow
 * in its chunk fits into 16 bits, which the path index keeps per flow and link, and a chunk takes
 * milliseconds, which leaves work for all threads from a million flows on. Drawn flows depend on
 * it: each chunk has a random stream of its own. */
enum { FLOW_LOG2_CHUNK = 16, FLOW_CHUNK = 1 << FLOW_LOG2_CHUNK };

/* Limits of a flow: 1 PB, of which 1,000 fit into 64 bits in bits; 285 years in ns, just below the
 * largest int64_t, so that starts can be told apart from an overflow. */
#define FLOWS_MAX_SIZE_B 1000000000000000u
#define FLOWS_MAX_START_NS 9000000000000000000u

/* Flows as a struct of arrays, ascending by start_ns (ties in the order of their file). src, dst:
 * host indices, src ≠ dst. size_b: payload bytes, 1 to FLOWS_MAX_SIZE_B. id: as in the file; NULL:
 * the index. fct_ns, ideal_fct_ns: completion times; NULL, or per flow with NAN = unknown or
 * unfinished. */
typedef struct {
    size_t n;
    uint32_t *src, *dst;
    uint64_t *size_b;
    int64_t *start_ns;
    uint64_t *id;
    double *fct_ns, *ideal_fct_ns;
    FlowGraph *graph; /* what waits for what; NULL: nothing, and starts are as they are */
} Flows;

/* flows_init makes room for n flows without the optional columns; contents are undefined. */
void flows_init(Flows *f, size_t n);
void flows_free(Flows *f);
/* flows_reserve gives the four columns room for at least n flows if it is now for *cap: doubling.
 */
void flows_reserve(Flows *f, size_t *cap, size_t n);
/* flows_sort puts flows into ascending order of start_ns, ties as they were. flows_sort_numbered
 * lets their numbers stay with them: those without ids get their indices first. */
void flows_sort(Flows *f);
void flows_sort_numbered(Flows *f);

/* flows_keep_starts takes the starts that a simulation found for flows of which some wait for
 * others, NAN: none, rounded to ns, and puts the flows in their order. It owns started_ns[n] then.
 */
void flows_keep_starts(Flows *f, double *started_ns);

/* flows_save writes a binary file (flows_binary_save) if the name ends in .m3f, else CSV. */
int flows_save(const Flows *f, const char *path, const Topo *t, Err *err);
/* flows_save_csv writes flow,src,dst,size_b,start_ns, after,delay_ns,job if there is a graph, and
 * those of the columns fct_ns and ideal_fct_ns that there are; NAN is an empty field. Hosts are
 * written as the node ids of `t` (NULL: as they are). "-": on stdout. */
int flows_save_csv(const Flows *f, const char *path, const Topo *t, Err *err);
#endif
