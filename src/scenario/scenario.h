/* scenario: files and command-line settings → everything a run needs, loaded and checked. */
#ifndef M3_SCENARIO_SCENARIO_H
#define M3_SCENARIO_SCENARIO_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "net/netconf.h"
#include "net/timeline.h"
#include "net/topo_load.h"
#include "scenario/mix.h"
#include "traffic/flowcolumns.h"
#include "traffic/flows_arrays.h"
#include "traffic/flowsource.h"
#include "traffic/workload.h"

/* Everything a run needs, loaded. It must not be moved, since the route points to the topology. */
typedef struct {
    Topo topo; /* without what has failed */
    Route *route;
    bool has_faults; /* then these are set: */
    Topo whole;      /* the network without faults, which traffic is drawn for */
    Route *whole_route;
    FaultsInfo faults_info;
    Faults events;          /* of all faults, those in time */
    Timeline *timeline;     /* what they make of the network; NULL: it stays as it is */
    Flows flows;            /* n = 0 if they are streamed */
    uint16_t *sport;        /* source ports of all flows, in memory or not */
    WorkloadStream *stream; /* of drawn flows that are not in memory, or NULL */
    FlowFile *file;         /* of a file's that are not, or NULL */
    FlowSource source;      /* the flows, wherever they are */
    NetConf conf;           /* the mix's, or the defaults, with `set` applied; no window of auto */
    double base_bdp_b;      /* the largest base bandwidth-delay product of the whole network */
    bool window_auto;       /* the window is that, since the settings left it to the network */
    bool has_mix;
    Mix mix;    /* as chosen, with `set` applied; without has_mix only its conf is set */
    bool drawn; /* flows were drawn from the mix; then these are set: */
    RackMatrix matrix;
    LoadRouting load; /* what max_load is meant for */
    WorkloadInfo workload;
    SizeDist sizes;
    double wall_read_s;  /* loading files and drawing flows */
    double wall_route_s; /* ECMP tables and source ports */
} Scenario;

/* Which routing max_load is the load of the most loaded link under: auto is polarised for mixes in
 * the published form, which are meant so, else routed. */
typedef enum { SCENARIO_LOAD_AUTO, SCENARIO_LOAD_ROUTED, SCENARIO_LOAD_POLARISED } ScenarioLoad;

/* What to load. */
typedef struct {
    const char *topo_path;  /* NULL: the mix's */
    TopoLoadOptions topo;   /* how to read it, and faults; its log is not used */
    const Faults *then;     /* of what those leave, in whose tiers they are named; NULL: none */
    const char *mix_path;   /* NULL: flows_path is needed */
    const char *flows_path; /* NULL: flows are drawn from the mix */
    const FlowColumns *flow_columns; /* of a flow file without names; NULL: as they look */
    const TopoArrays *topo_arrays;   /* the topology, instead of any file; or NULL */
    const FlowArrays *flow_arrays;   /* the flows, instead of flows_path; or NULL */
    int64_t mix_id; /* which mix of a file; −1: the first, with a remark if it has several */
    const Mix *mix; /* the mix of mix_path that is meant, with `set` applied; or NULL */
    const char *const *set; /* "key=value" (mix_set), ended by NULL; or NULL */
    uint64_t n_flows;       /* at most one of the two is given; both 0: as the mix says, else */
    double duration_s;      /* 1,000,000 flows */
    ScenarioLoad load;
    uint64_t seed;
    int threads;
    /* Called with the settings before topology and flows are loaded; −1 ends the loading. NULL:
     * none. */
    int (*check_conf)(const void *ctx, const NetConf *conf, Err *err);
    const void *check_ctx;
    uint64_t max_in_memory; /* more flows than that are streamed; 0: none are */
    bool closed_loop; /* flows that wait for others keep waiting, for a simulation that has them
                         start then; else they start as they would in the empty network */
} ScenarioOptions;

/* From 16 M flows on, streaming them halves a run's memory for little more time: 60 M flows
 * on 6,144 hosts take 868 MB and 20.8 s, and in memory 2,262 MB and 21.6 s (tests/bench/README.md).
 * Fewer are no burden. */
enum { SCENARIO_MAX_IN_MEMORY = 1 << 24 };

/* scenario_mix chooses the mix and applies the settings, and loads nothing else; without mix_path
 * the settings are applied to the defaults. mix_free releases, also after −1. */
int scenario_mix(Mix *m, const ScenarioOptions *o, const Log *log, Err *err);
/* scenario_load loads everything; scenario_free releases it. −1 with an input error that names the
 * option or the file and place; then nothing is to be released. */
int scenario_load(Scenario *s, const ScenarioOptions *o, const Log *log, Err *err);
/* scenario_set_conf gives a loaded scenario other settings of the network. */
void scenario_set_conf(Scenario *s, const NetConf *conf);
/* scenario_remark notes, for commands whose results depend on it, what a window of auto came to, or
 * that the window is below the bandwidth-delay product (BDP), and that PFC, where it is on, could
 * deadlock on these routes (net/deadlock.h). */
void scenario_remark(const Scenario *s, const Log *log);
/* scenario_drawn_on returns the routes that traffic is drawn for: those of the whole network. */
const Route *scenario_drawn_on(const Scenario *s);
void scenario_free(Scenario *s);
#endif
