/* netfluid: a fluid simulation of the whole network: which flows are alive at a time, and what is
 * left of each. */
#ifndef M3_FLUID_NETFLUID_H
#define M3_FLUID_NETFLUID_H
#include "base/diag.h"
#include "net/netconf.h"
#include "net/route.h"
#include "traffic/flowsource.h"

typedef struct {
    double reach;     /* a flow takes part if it began at most so many of its ideal completion times
                         before the time asked for; 0: the default */
    double steps;     /* rates are computed anew at least so often while the time left shrinks by a
                         factor e; 0: the default */
    bool every_event; /* rates are computed anew whenever a flow begins or ends */
    double least_span_ns; /* how long the run lasts at least, for mean loads; otherwise they are
                             taken from the first start to the last */
    bool hpcc_ns3;        /* HPCC's additive step doesn't grow with hosts' rates, as in its ns-3 */
} NetFluidOptions;

/* What all states of a network share: how much of each link flows of each size take in the mean,
 * and where flows stand in the list. Immutable; shared between threads. */
typedef struct NetFluid NetFluid;

/* netfluid_new routes a sample of the flows of `source`, all of them if they are few. Route and
 * source must outlive it; conf is copied. The settings give the flows' limit, window / base round
 * trip, the share of links that a control aims for, and the sizes of packets. Returns NULL with
 * ERR_STOPPED if interrupted. netfluid_destroy releases. */
NetFluid *netfluid_new(const Route *r, const FlowSource *source, const NetConf *conf,
                       const NetFluidOptions *o, int threads, Err *err);
void netfluid_destroy(NetFluid *nf);

/* netfluid_loads returns the loads of all directed links [n_links of the topology] as shares of
 * their rates, of what is sent on the wire in the mean. They live as long as nf. */
const double *netfluid_loads(const NetFluid *nf);

/* A flow that is alive. */
typedef struct {
    size_t index; /* in the source */
    uint32_t src, dst;
    uint16_t sport;
    uint64_t size_b;
    int64_t start_ns;
    double left_b;   /* payload, in (0, size_b] */
    double rate_bps; /* on the wire, > 0 */
} NetFluidFlow;

typedef struct {
    NetFluidFlow *flows; /* [n] ascending by index */
    size_t n;
    size_t n_simulated, n_steps; /* flows that took part; times that rates were computed */
    double from_ns;              /* start of the first of them */
} NetFluidState;

/* netfluid_state fills *state with the flows that are alive at at_ns, those of `source` that began
 * before, if links give `capacity` times the rate that the control aims for. The caller frees it
 * with netfluid_state_free. */
void netfluid_state(const NetFluid *nf, int64_t at_ns, double capacity, NetFluidState *state);
void netfluid_state_free(NetFluidState *state);

/* netfluid_rest goes on from flows alive[n] with left_b at at_ns, which need not be a state of the
 * fluid's own, together with those of `source` that begin later. rest_ns[n_wanted] becomes how long
 * each of the first n_wanted ≤ n takes from at_ns until its last bit is sent; of one that lives
 * much longer than it would at its first rate, about. index, start_ns and rate_bps are not read. */
void netfluid_rest(const NetFluid *nf, int64_t at_ns, double capacity, const NetFluidFlow *alive,
                   size_t n, size_t n_wanted, double *rest_ns);

/* netfluid_run simulates all flows of the source and fills sent_ns[n]: how long each took from its
 * start until its last bit was sent. Every flow takes part for all of its life; 64 bytes a flow.
 * Returns −1 if interrupted (ERR_STOPPED). */
int netfluid_run(const NetFluid *nf, double *sent_ns, const Log *log, Err *err);

/* netfluid_follow simulates all flows as netfluid_run does, on links of `capacity` as for
 * netfluid_state, and has those that wait in g (of the source's flows, whose own starts are g's
 * earliest_ns) start when others have ended: rest_ns[n] after their last bit was sent. start_ns[n]
 * and end_ns[n] become when each starts and ends. Returns −1 if interrupted (ERR_STOPPED). */
int netfluid_follow(const NetFluid *nf, const FlowGraph *g, const double *rest_ns, double capacity,
                    int64_t *start_ns, double *end_ns, const Log *log, Err *err);
#endif
