/* flows_private: what the readers of flow files and arrays share: the ends of a flow, its limits.
 */
#ifndef M3_TRAFFIC_FLOWS_PRIVATE_H
#define M3_TRAFFIC_FLOWS_PRIVATE_H
#include "base/file.h"
#include "traffic/flowfile.h"
#include "traffic/flows.h"

/* What src and dst of a file stand for: node ids of hosts of a topology, positions 0..n_links on a
 * path (topo NULL), or nothing (`ignored`). */
typedef struct {
    const char *path; /* for messages */
    const Topo *topo;
    uint32_t n_links;
    bool ignored;
} FlowEnds;

/* flows_host_of returns the host with this node id, or TOPO_NONE. */
uint32_t flows_host_of(const Topo *t, uint64_t id);
/* flows_ends_ok returns whether a flow may go from host or position src to dst. */
static inline bool flows_ends_ok(const FlowEnds *e, uint32_t src, uint32_t dst) {
    return e->ignored || (e->topo ? src != dst : src < dst);
}
/* flows_size_ok and flows_start_ok return whether a size and a start that is not before before_ns
 * are within the limits of a flow. */
static inline bool flows_size_ok(uint64_t size_b) { return size_b - 1 < FLOWS_MAX_SIZE_B; }
static inline bool flows_start_ok(int64_t start_ns, int64_t before_ns) {
    return start_ns >= before_ns && (uint64_t)start_ns <= FLOWS_MAX_START_NS;
}
/* flows_fail_end and flows_fail_ends fill the error for an id that no end has, and for a pair that
 * flows_ends_ok refuses; `unit` and `number` are its place ("line", 7). −1. */
int flows_fail_end(const FlowEnds *e, const char *unit, size_t number, const char *column,
                   uint64_t id, Err *err);
int flows_fail_ends(const FlowEnds *e, const char *unit, size_t number, Err *err);

/* flows_note_empty remarks that n_empty of n flows had 0 bytes and were taken as ones of 1 byte, if
 * there are any. */
void flows_note_empty(const Log *log, const char *path, uint64_t n_empty, size_t n);

/* flows_binary_read reads the viewed binary file e->path. */
int flows_binary_read(Flows *f, const FileView *v, const FlowEnds *e, Err *err);
/* flows_binary_open leaves its flows in the file: *file is to be released with flowfile_close. The
 * same is checked. */
int flows_binary_open(FlowFile **file, const FileView *v, const FlowEnds *e, Err *err);
/* flows_binary_n returns the number of flows that a binary file's header tells; 0 if it is cut
 * short. */
uint64_t flows_binary_n(const FileView *v);
#endif
