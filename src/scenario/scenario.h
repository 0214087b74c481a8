/* scenario: files and command-line settings → everything a run needs, loaded and checked. */
#ifndef M3_SCENARIO_SCENARIO_H
#define M3_SCENARIO_SCENARIO_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "scenario/mix.h"
#include "traffic/flowsource.h"
#include "net/netconf.h"
#include "net/topo.h"
#include "traffic/workload.h"

/* Everything a run needs, loaded. Not to be moved: route points to topo. */
typedef struct {
    Topo topo;
    Route *route;
    Flows flows; /* n = 0 where they are streamed */
    uint16_t *sport;
    WorkloadStream *stream; /* NULL: flows are held */
    FlowSource source;      /* of either */
    NetConf conf;
    bool has_mix;
    Mix mix;    /* the chosen one, settings applied; has_mix or only .conf means anything */
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
    /* Called with the settings before topology and flows are loaded; −1 ends the loading. NULL:
     * none. */
    int (*check_conf)(const void *ctx, const NetConf *conf, Err *err);
    const void *check_ctx;
    uint64_t max_in_memory; /* more flows of a mix are not held but drawn whenever they are looked
                               at; 0: all are held */
} ScenarioOptions;
/* Where drawing flows again costs less than what it takes to hold them. */
enum { SCENARIO_MAX_IN_MEMORY = 1 << 24 };
/* The mix alone, chosen and with settings applied; without mix_path, settings over the defaults.
 * mix_free releases, also after −1. */
int scenario_mix(Mix *m, const ScenarioOptions *o, const Log *log, Err *err);
int scenario_load(Scenario *s, const ScenarioOptions *o, const Log *log, Err *err);
void scenario_free(Scenario *s);
#endif
