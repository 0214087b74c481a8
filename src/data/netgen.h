/* netgen: a folder of simulated networks: truth for training and evaluation. */
#ifndef M3_DATA_NETGEN_H
#define M3_DATA_NETGEN_H
#include "base/ranks.h"
#include "data/netdraw.h"

typedef struct {
    NetDrawOptions draw;
    const char *out;       /* folder to write */
    uint64_t first, count; /* networks first … first + count − 1 of the set */
    int threads;
    Ranks *ranks; /* that share the networks; NULL: alone */
} NetGenOptions;
void netgen_default(NetGenOptions *o);

typedef struct {
    uint64_t n_made, n_kept;                       /* kept: there already */
    uint64_t n_flows, n_unfinished, n_packet_hops; /* of those made */
    double sim_s;                                  /* summed over networks */
} NetGenInfo;

/* Makes out/netNNNNN/{topo.json, scenario.json, flows.csv} for each network that isn't there yet,
 * and out/manifest.json (layout: spec/README.md). Several runs may work on different ranges of one
 * folder; a manifest made with other settings is refused. A network appears whole or not at all;
 * same settings same bytes. */
int netgen_run(const NetGenOptions *o, const Log *log, NetGenInfo *info, Err *err);
#endif
