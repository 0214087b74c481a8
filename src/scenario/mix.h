/* mix: a workload and the settings of a network, as written in a mix file or on the command line.
 */
#ifndef M3_SCENARIO_MIX_H
#define M3_SCENARIO_MIX_H
#include <stdbool.h>
#include <stdint.h>
#include "base/diag.h"
#include "net/netconf.h"

/* One mix as written: paths resolved, values checked; nothing loaded yet. Strings owned. */
typedef struct {
    char *file;        /* the mix file */
    int64_t id;        /* "id", or its position */
    char *topo;        /* topology file or NULL */
    char *matrix;      /* matrix file, or NULL with matrix_kind set */
    char *matrix_kind; /* generator preset ("a", "b", "c", "uniform") or NULL */
    uint64_t matrix_seed;
    char *sizes;                        /* size distribution file */
    double sigma, max_load, duration_s; /* duration_s 0: not given */
    uint64_t n_flows;                   /* 0: not given */
    NetConf conf;
} Mix;

/* Loads a mix file: one object or an array of them, published keys or ours (spec/README.md).
 * Relative paths resolve from the mix file, then the working directory; last, a published path that
 * no longer exists is looked up by its file name beside the mix file and in the folders beside its
 * folder (with a remark). */
int mixes_load(const char *path, Mix **out, size_t *n, const Log *log, Err *err);
void mixes_free(Mix *m, size_t n);
/* A mix without workload: default network settings only. mix_free releases. */
void mix_init(Mix *m);
void mix_free(Mix *m);

/* "key=value" on a mix: every key of netconf_set, the published ones (bfsz, window, enable_pfc,
 * param_1, param_2, cc), and max_load, sigma, sizes, matrix, duration, n_flows. param_1 and param_2
 * mean what they mean for the mix's cc at that moment. Relative paths resolve from the working
 * directory, then from the mix file. */
int mix_set(Mix *m, const char *assignment, Err *err);

/* Whether a key of mix_set shapes the traffic; else it is a setting of the network. */
bool mix_key_is_traffic(const char *key);
/* False for a parameter of another congestion control: it has no effect under cc. */
bool mix_key_applies(const char *key, Cc cc);
bool mix_same_traffic(const Mix *a, const Mix *b);
#endif
