/* flows_read: flow files of every kind into lists of flows. */
#ifndef M3_TRAFFIC_FLOWS_READ_H
#define M3_TRAFFIC_FLOWS_READ_H
#include "traffic/flowcolumns.h"
#include "traffic/flowfile.h"
#include "traffic/flows.h"

/* flows_load reads a list of flows: a text file with a header (CSV and its kin; src, dst, size and
 * start, optionally flow, fct and ideal_fct, in any order and the usual spellings; others are
 * ignored), a flow file of the HPCC authors' family, an htsim connection matrix, or a binary file
 * of flows_binary_save, told apart by their contents. `columns` (NULL: none) says what the columns
 * of a text file without a header are. src and dst are the node ids of hosts of `t`. Starts are
 * rounded to ns; those of text files may be out of order, and are sorted. Sizes are up to 1e15
 * bytes, 0 is taken as 1; starts 0 to 9e18 ns. What was assumed, sorted or left out is noted in
 * `log`. Errors name the line and the column: "flows.csv: line 7: dst: …". Measured: 250 MB/s of
 * text, 1.3 GB/s of binary (tests/bench/README.md). flows_free releases. */
int flows_load(Flows *f, const char *path, const Topo *t, const FlowColumns *columns,
               const Log *log, Err *err);
/* flows_open reads such a file, or (more than max_in_memory flows, roughly) leaves the flows in it:
 * then *file is not NULL, to be released with flowfile_close, and *f is empty. A binary file is
 * read in place; a text file is read once, into a temporary file of 24 bytes a flow, without the
 * flows' numbers and times taken. Files that must be sorted and htsim's matrices come to memory. */
int flows_open(Flows *f, FlowFile **file, const char *path, const Topo *t,
               const FlowColumns *columns, size_t max_in_memory, const Log *log, Err *err);
/* flows_load_positions reads such a file for one parking lot: src and dst are positions 0..n_links
 * on its path, src < dst, and are kept as they are. */
int flows_load_positions(Flows *f, const char *path, uint32_t n_links, const Log *log, Err *err);
/* flows_load_results reads sizes and completion times alone (size_b, fct_ns, ideal_fct_ns; NAN:
 * unfinished) from any file that has them, also from the fct.txt of the HPCC authors' simulator and
 * from records of a slowdown per flow, which are returned as fct_ns over an ideal_fct_ns of 1.
 * Other columns are not looked at; src, dst and start_ns are NULL or undefined. flows_free
 * releases. */
int flows_load_results(Flows *f, const char *path, const Log *log, Err *err);
#endif
