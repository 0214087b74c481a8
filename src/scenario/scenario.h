/* spec: files and command-line settings → a validated scenario. Legacy key names end here. */
#ifndef M3_SCENARIO_SCENARIO_H
#define M3_SCENARIO_SCENARIO_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "traffic/flowsource.h"
#include "net/netconf.h"
#include "net/topo.h"
#include "traffic/workload.h"

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
    NetConf net;
} Mix;

/* Loads a mix file: one object or an array of them, published keys or ours (spec/README.md). Relative
 * paths resolve from the mix file, then the working directory; last, a published path that no longer
 * exists is looked up by its file name beside the mix file and in the folders beside its folder (with a remark). */
int mixes_load(const char *path, Mix **out, size_t *n, const Log *log, Err *err);
void mixes_free(Mix *m, size_t n);
/* A mix without workload: default network settings only. mix_free releases. */
void mix_init(Mix *m);
void mix_free(Mix *m);

/* "key=value" on a mix: every key of netconf_set, the published ones (bfsz, window, enable_pfc, param_1, param_2,
 * cc), and max_load, sigma, sizes, matrix, duration, n_flows. param_1 and param_2 mean what they mean for the mix's cc
 * at that moment. Relative paths resolve from the working directory, then from the mix file. */
int mix_set(Mix *m, const char *assignment, Err *err);

/* Whether a key of mix_set shapes the traffic; else it is a setting of the network. */
bool mix_key_is_traffic(const char *key);
/* False for a parameter of another congestion control: it has no effect under cc. */
bool mix_key_applies(const char *key, Cc cc);
bool mix_same_traffic(const Mix *a, const Mix *b);

/* Everything a run needs, loaded. Not to be moved: route points to topo. */
typedef struct {
    Topo topo;
    Route *route;
    Flows flows; /* n = 0 where they are streamed */
    uint16_t *sport;
    WorkloadStream *stream; /* NULL: flows are held */
    FlowSource source;      /* of either */
    NetConf net;
    bool has_mix;
    Mix mix;    /* the chosen one, settings applied; has_mix or only .net means anything */
    bool drawn; /* flows were drawn from the mix; then: */
    RackMatrix matrix;
    WorkloadInfo workload;
    SizeDist sizes;
    double wall_read_s, wall_route_s; /* loading + generating; ECMP tables and ports */
} Scenario;

typedef struct {
    const char *topo_path;  /* NULL: the mix's */
    const char *mix_path;   /* NULL: flows_path needed */
    const char *flows_path; /* NULL: drawn from the mix */
    int64_t mix_id;         /* −1: the first (with a remark if there are several) */
    const char *const *set; /* "key=value", NULL-ended, or NULL */
    uint64_t n_flows;       /* 0: the mix's number or duration, else 1,000,000 */
    double duration_s;      /* 0: likewise; at most one of the two */
    uint64_t seed;
    int threads;
    uint64_t most_held; /* more flows of a mix are not held but drawn whenever they are looked at; 0: all are held */
} ScenarioOptions;
/* Where drawing flows again costs less than what it takes to hold them. */
enum { SCENARIO_MOST_HELD = 1 << 24 };
/* The mix alone, chosen and with settings applied; without mix_path, settings over the defaults. mix_free releases, also after −1. */
int scenario_mix(Mix *m, const ScenarioOptions *o, const Log *log, Err *err);
int scenario_load(Scenario *s, const ScenarioOptions *o, const Log *log, Err *err);
void scenario_free(Scenario *s);
#endif
