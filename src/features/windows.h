/* windows: stretches of a network's own traffic, simulated packet by packet. */
#ifndef M3_FEATURES_WINDOWS_H
#define M3_FEATURES_WINDOWS_H
#include <stdbool.h>

#include "base/diag.h"
#include "base/ranks.h"
#include "net/netuse.h"
#include "scenario/scenario.h"

/* A measured flow. */
typedef struct {
    uint64_t size_b;
    float slowdown;
    uint32_t window;
    bool censored; /* it had not ended when its window did: the rest of it is the fluid's */
} WindowFlow;

/* Size classes of flows: powers of two. */
enum { WINDOWS_N_CLASSES = 50 };

/* What was measured so far. */
typedef struct {
    WindowFlow *flows; /* [n_flows] by window, in a window in order of start */
    size_t n_flows, n_censored;
    uint32_t n_windows;
    bool whole; /* the one window is the whole run: not a sample but the truth, of all flows but
                   those that never end, if a host is cut off for good */
    double class_share[WINDOWS_N_CLASSES];           /* of all flows that end, by windows_class */
    uint64_t n_hops, n_packets, n_drops, n_timeouts; /* simulated, pilot windows included */
    uint64_t n_run_flows;                            /* of the whole run */
    NetUse use;            /* loads of all links; .links NULL: whole, or from a file */
    double max_load;       /* of the busiest link, on the wire; 0: whole, or not known */
    double run_hops;       /* packet-hops that simulating the whole run takes, about */
    double capacity;       /* of links in the fluid simulation, as a share of their rates, … */
    double capacity_error; /* … and the standard error of its logarithm */
    double wall_s;
    struct WindowsRun *run; /* private and owned; NULL once finished */
} Windows;

typedef struct {
    uint64_t seed; /* of where windows lie, of marks and losses */
    int threads;   /* 0: all cores */
    Ranks *ranks;  /* that share the windows; NULL: alone */
    bool hpcc_ns3; /* as the HPCC authors' ns-3 simulator behaves */
} WindowsOptions;

/* windows_class returns the size class of a flow. */
int windows_class(uint64_t size_b);

/* windows_need_all returns whether windows are no sample of a network under settings, so that all
 * flows are simulated: it changes in time, or the fluid simulation does not know its routing. */
bool windows_need_all(const Scenario *s, const NetConf *conf);

/* windows_init surveys the flows; nothing is simulated yet. The scenario stays the caller's and
 * must live until windows_finish. Release with windows_free. */
void windows_init(Windows *w, const Scenario *s, const WindowsOptions *o);

/* windows_simulate adds windows that take about max_hops packet-hops together, or simulates the
 * whole run if that takes no more, or windows_need_all; nothing if it has been. The
 * result depends on the calls' max_hops and the seed, not on threads or the time taken. Returns −1
 * if packet simulation cannot take the network, or the least windows of it take ten times max_hops,
 * and if interrupted (ERR_STOPPED). */
int windows_simulate(Windows *w, double max_hops, Err *err);

/* windows_finish forgets the scenario; windows_free releases everything. */
void windows_finish(Windows *w);
void windows_free(Windows *w);
#endif
