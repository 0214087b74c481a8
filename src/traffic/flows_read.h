/* flows_read: flow files of every kind into lists of flows. */
#ifndef M3_TRAFFIC_FLOWS_READ_H
#define M3_TRAFFIC_FLOWS_READ_H
#include "traffic/flows.h"

/* flows_load reads a CSV file with a header (src, dst, size_b, start_ns, and optionally flow,
 * fct_ns, ideal_fct_ns, in any order; further columns are ignored), an HPCC flow file, or a binary
 * file of flows_binary_save, told apart by their first bytes. src and dst are the node ids of hosts
 * of `t`. Starts may have decimals and are rounded to ns; those of text files may be out of order,
 * and are sorted with a note. Sizes are 1 to 1e15 bytes, starts 0 to 9e18 ns. Errors name the line
 * and the column: "flows.csv: line 7: dst: …". Measured: 250 MB/s of text, 1.3 GB/s of binary
 * (tests/bench/README.md). flows_free releases. */
int flows_load(Flows *f, const char *path, const Topo *t, const Log *log, Err *err);
/* flows_load_positions reads such a file for one parking lot: src and dst are positions 0..n_links
 * on its path, src < dst, and are kept as they are. */
int flows_load_positions(Flows *f, const char *path, uint32_t n_links, const Log *log, Err *err);
#endif
