/* flows: a list of flows, and the files it comes from and goes to. */
#ifndef M3_TRAFFIC_FLOWS_H
#define M3_TRAFFIC_FLOWS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/file.h"
#include "net/topo.h"

/* What is made of flows by the chunk is made of so many consecutive ones. */
enum { FLOW_LOG2_CHUNK = 16, FLOW_CHUNK = 1 << FLOW_LOG2_CHUNK };

/* Struct of arrays, ascending by start_ns (ties in file order). src, dst: host indices, src ≠ dst.
 * size_b ≥ 1. id: as in the file; NULL means the index. fct_ns, ideal_fct_ns: NULL, or per flow
 * with NAN = unknown or unfinished (for files with those columns). flows_free releases. */
typedef struct {
    size_t n;
    uint32_t *src, *dst;
    uint64_t *size_b;
    int64_t *start_ns;
    uint64_t *id;
    double *fct_ns, *ideal_fct_ns;
} Flows;

/* A binary file of flows_save_binary, CSV with a header
 * (flow,src,dst,size_b,start_ns[,fct_ns,ideal_fct_ns]; any order, further columns ignored) or HPCC
 * flow file, recognised by content. Node ids are translated with `t`. Out of order starts of text
 * files are sorted, with a note. Starts may have decimals and are rounded to ns; limits: size_b 1
 * to 1e15, start 0 to 9e18 ns. Bad lines: "flows.csv: line 7: dst: …". Text at several hundred
 * MB/s, binary files at the speed of memory. */
int flows_load(Flows *f, const char *path, const Topo *t, const Log *log, Err *err);
/* As above for one parking lot: src, dst are positions 0..n_links, src < dst; kept as they are in
 * src, dst. */
int flows_load_positions(Flows *f, const char *path, uint32_t n_links, const Log *log, Err *err);
/* Whether a file is a binary flow file, and its flows where nobody asks for hosts: src and dst are
 * 0. */
bool flows_binary_is(const FileView *v);
int flows_read_no_endpoints(Flows *f, const FileView *v, const char *path, Err *err);
/* Binary if the name ends in .m3f, else CSV with header; the optional columns only if there. Node
 * ids by `t` (NULL: written as they are). "-": CSV on stdout. */
int flows_save(const Flows *f, const char *path, const Topo *t, Err *err);
int flows_save_csv(const Flows *f, const char *path, const Topo *t, Err *err);
int flows_save_binary(const Flows *f, const char *path, const Topo *t, Err *err);
/* Room for n flows without the optional columns; contents undefined. */
void flows_init(Flows *f, size_t n);
/* Into ascending order of start_ns, ties as they are. */
void flows_sort(Flows *f);
void flows_free(Flows *f);
#endif
