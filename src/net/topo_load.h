/* topo_load: topologies from files of any known format. */
#ifndef M3_NET_TOPO_LOAD_H
#define M3_NET_TOPO_LOAD_H
#include "net/faults.h"
#include "net/topo.h"

/* How to read a file that leaves something open. All zero is the default. */
typedef struct {
    const Log *log;        /* what was dropped, joined or not read; NULL: no remarks */
    bool merge_duplicates; /* join cables that stand in the file twice, in opposite directions */
    const char *hosts;    /* graphs whose nodes have no kind: a shell pattern of the names of hosts;
                             NULL:    nodes with one link are hosts */
    double link_rate_bps; /* of links without a rate; 0: they are refused */
    double link_delay_ns; /* of links without a delay, if has_link_delay */
    bool has_link_delay;
    double rate_unit_bps, delay_unit_ns; /* of bare numbers in files that don't say; 0: refused */
    Faults faults; /* beside the file's: for the caller to apply (net/faults.h) */
} TopoLoadOptions;

/* topo_load reads a topology file (spec/README.md, Topology), whose format it recognises by
 * content. `o` may be NULL. Switches without links are dropped with a remark. topo_free releases.
 * −1 with an input error that names file and place. */
int topo_load(Topo *t, const char *path, const TopoLoadOptions *o, Err *err);
#endif
