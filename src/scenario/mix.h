/* mix: a workload and the settings of a network, as written in a mix file or on the command line.
 */
#ifndef M3_SCENARIO_MIX_H
#define M3_SCENARIO_MIX_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "net/faults.h"
#include "net/netconf.h"

/* One mix: values checked, files looked up but not loaded. It owns its strings. */
typedef struct {
    char *file;        /* the mix file; NULL: none */
    bool published;    /* was written in the published form */
    int64_t id;        /* "id", or the position in the file */
    char *topo;        /* topology file, or NULL */
    char *matrix;      /* matrix file, or NULL if matrix_kind is set */
    char *matrix_kind; /* kind of the generator: "a", "b", "c", "uniform"; or NULL */
    uint64_t matrix_seed;
    char *sizes;             /* file of a size distribution */
    double sigma, max_load;  /* NAN: not given */
    double duration_s;       /* 0: not given */
    uint64_t n_flows;        /* 0: not given */
    char *jobs;              /* JSON of the array of jobs (traffic/jobs.h); NULL: none. A mix with
                                jobs may have no matrix, sizes, sigma and max_load */
    double reroute_delay_ns; /* after events (net/timeline.h) */
    char *fault[N_FAULT_KINDS]; /* faults of each kind, joined by '+' (net/faults.h); NULL: none */
    NetConf conf;
} Mix;

/* mixes_load loads a mix file: one object or an array, in our form or the published one
 * (spec/README.md, Mix). Paths are resolved from the mix file's folder, then from the working
 * directory; last, a file of the same name near the mix file is taken (scenario/lookup.h), with a
 * remark. mixes_free releases. −1 with an input error that names the place. */
int mixes_load(const char *path, Mix **out, size_t *n, const Log *log, Err *err);
void mixes_free(Mix *m, size_t n);
/* mix_init makes a mix without workload, with the network's settings at their defaults; mix_free
 * releases what was set. */
void mix_init(Mix *m);
void mix_free(Mix *m);
/* mix_copy makes *to a mix of its own with all that `from` has. */
void mix_copy(Mix *to, const Mix *from);

/* mix_set applies "key=value": any setting of the network (netconf_set); max_load, sigma, sizes,
 * matrix, duration, n_flows; fail and degrade; and the published bfsz, enable_pfc, param_1,
 * param_2, of which the last two mean what they mean for the mix's congestion control at that
 * moment. Paths are resolved from the working directory, then from the mix file's folder. −1 with
 * an input error that names the key. */
int mix_set(Mix *m, const char *assignment, Err *err);
/* mix_apply applies all of `set`, which is ended by NULL, or NULL, and checks the network's
 * settings as a whole. −1 with an input error that begins with --set. */
int mix_apply(Mix *m, const char *const *set, Err *err);

/* The keys of mix_set that shape the traffic or the topology, ended by NULL. */
extern const char *const mix_traffic_keys[];
/* mix_key_is_traffic returns whether a key of mix_set shapes the traffic or, as
 * mix_key_is_fault tells, the topology; else it is a setting of the network. */
bool mix_key_is_traffic(const char *key);
bool mix_key_is_fault(const char *key);
/* mix_key_applies returns false for a parameter that has no effect under cc. */
bool mix_key_applies(const char *key, const NetConf *conf);
/* mix_same_traffic returns whether two mixes draw the same flows, given the same seed, in a network
 * with the same faults. mix_compare_traffic returns 0 then, else a negative or positive number: an
 * order to sort by. */
bool mix_same_traffic(const Mix *a, const Mix *b);
int mix_compare_traffic(const Mix *a, const Mix *b);
#endif
