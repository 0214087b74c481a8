/* pktsim: packet-level simulation of flows over a network.
 *
 * Store-and-forward switches with ECMP, a shared buffer with dynamic thresholds, PFC and ECN; hosts
 * that pace flows and go back N; a congestion control per run (cc.h). It follows the HPCC authors'
 * ns-3 simulator as the m3 paper uses it, "the reference", and with `compat` agrees with it to the
 * nanosecond. */
#ifndef M3_PACKET_PKTSIM_H
#define M3_PACKET_PKTSIM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "net/netconf.h"
#include "net/route.h"
#include "net/timeline.h"
#include "packet/linkstats.h"
#include "packet/series.h"
#include "traffic/flows.h"

/* Tiers of switches whose queues are told apart. A Clos has three, the largest fabrics in use have
 * five; what is deeper counts as the last. */
enum { PKT_MAX_TIERS = 8 };

/* One event of a trace. */
typedef enum {
    PKT_TRACE_SEND,
    PKT_TRACE_ENQUEUE,
    PKT_TRACE_DEQUEUE,
    PKT_TRACE_RECEIVE,
    PKT_TRACE_DROP
} PktTraceKind;
typedef enum {
    PKT_DATA,
    PKT_ACK,
    PKT_NACK,
    PKT_PAUSE,
    PKT_RESUME,
    PKT_CREDIT,
    PKT_TRIMMED
} PktType;
typedef struct {
    PktTraceKind kind;
    PktType type;
    double time_ns;
    uint32_t link;    /* directed: the one it is sent over, or came by (receive, drop) */
    uint64_t queue_b; /* bytes waiting in that link's data queue after the event */
    uint64_t flow;    /* index in Flows; UINT64_MAX for pause frames */
    uint64_t byte;    /* data: first payload byte; ACK, NACK: next byte expected */
    uint32_t wire_b;
    bool marked;
} PktTraceEvent;
typedef void (*PktTracer)(void *ctx, const PktTraceEvent *e);

/* What a stretch of a longer run takes from the rest of it: of its first flows, those that began
 * before, what is left. Arrays are by index in Flows. */
typedef struct {
    const uint16_t *sport; /* source ports, as in the longer run: they decide routes */
    size_t n_begun; /* flows 0 … n_begun − 1 began before; their sizes are what is left */
    const double *rate_bps;            /* [n_begun] the rate at which they go on, on the wire */
    size_t measured_first, n_measured; /* the run ends when these are done, … */
    uint64_t max_events;               /* … or after so many events, … */
    double *received_b; /* [n] … or with stop_ns: out, the payload received of each flow by then */
    double settled_ns;  /* in between, after the first start: … */
    double *settled_b;  /* [n] … out, the payload received by then */
} PktStretch;

typedef struct {
    bool compat;    /* the reference's behaviour with its quirks */
    uint64_t seed;  /* of marking and of losses on links */
    const char *cc; /* overrides the settings' congestion control, by name; NULL: as they say */
    double stop_ns; /* flows not finished by then stay unfinished; 0: until nothing moves */
    const Timeline *timeline;  /* how the route's network changes; NULL: it does not */
    const PktStretch *stretch; /* NULL: the flows are a run of their own */
    double *started_ns; /* [n] out: when each flow started, as its start_ns; NULL: not wanted */
    const Log *log;     /* progress; NULL: none */
    PktTracer trace;    /* NULL: none */
    void *trace_ctx;
    const SeriesSpec *series; /* NULL: none; changes no result */
    LinkStats *links; /* [n_links] out: what each did over the run, unless −1 is returned; NULL: not
                         wanted; changes no result */
    int threads; /* at most so many share the run, as far as that is faster; 0: 1. No result and no
                    statistics but wall_s and `parallel` depend on it */
    struct Ranks *ranks; /* which share it instead where that is faster, after ranks_agree; only
                            the first then has the results. NULL: this process is alone */
    bool any_size;       /* as many as can be, however slow: for tests */
} PktOptions;

/* How a run was divided among threads: no result, but what its speed depends on. */
typedef struct {
    int n_threads;           /* partitions of the network; 0, as all of it, if there was one */
    uint64_t n_windows;      /* of time, each as long as threads may be apart */
    uint64_t n_messages;     /* packets handed over */
    uint64_t critical_steps; /* events of the busiest partition between two times that all waited
                                for each other, summed up */
    const char *why_fewer;   /* threads than asked for; NULL: not fewer */
    int n_ranks;             /* 0: one, with its threads */
} PktParallel;

typedef struct {
    uint64_t n_finished, n_unfinished;
    uint64_t n_packets;     /* data packets sent by hosts, retransmissions included */
    uint64_t n_packet_hops; /* packets of all kinds arriving over a link */
    uint64_t n_drops, n_marks, n_pauses, n_resumes, n_retransmissions, n_timeouts;
    uint64_t n_lost;  /* of n_drops: on links, by their error rates */
    uint64_t n_trims; /* of n_drops: their headers went on */
    uint64_t sent_b, received_b,
        dropped_b; /* payload: sent by hosts, arrived at hosts (duplicates included), dropped */
    uint64_t n_events;
    uint64_t peak_queue_b[PKT_MAX_TIERS]; /* largest egress queue of a switch, by tier (1: top of
                                             rack) */
    uint64_t peak_buffer_b; /* most bytes a switch held of its buffer, headroom included */
    uint64_t peak_active_flows, peak_packets;
    uint64_t n_unreachable;     /* unfinished flows one of whose hosts is cut off for good, */
    uint64_t first_unreachable; /* and the index in Flows of the first found */
    double sim_ns, wall_s;
    PktParallel parallel;
} PktStats;

/* pktsim_check_cc returns −1, with `err` naming the valid ones, if no congestion control has that
 * name. */
int pktsim_check_cc(const char *name, Err *err);

/* pktsim_run simulates flows `f`, ascending by start, on the network of `r`. fct_ns[f->n] gets each
 * flow's completion time, from its start to the arrival of its last byte, NAN if it didn't finish.
 * `stats` may be NULL. Returns −1 on networks, flows or settings it cannot take, or if interrupted
 * (fct_ns is then valid as far as it went). Runs share nothing and may go on in parallel. With
 * threads, the trace and the series are called one at a time and in order, by any of the run's. */
int pktsim_run(const Route *r, const Flows *f, const NetConf *conf, const PktOptions *opt,
               double *fct_ns, PktStats *stats, Err *err);

/* pktsim_ideal fills ideal_ns[f->n] with completion times in the empty network, with WIRE_HEADER_B
 * to each packet. compat: the reference's formula, in whole ns, rates at most 10 Gb/s. Otherwise
 * exact for an unlimited window: store and forward of all packets along the flow's path. */
void pktsim_ideal(const Route *r, const Flows *f, bool compat, double *ideal_ns);

/* pktsim_simulate is pktsim_run on flows that keep what it finds, in place of what they had:
 * completion times and pktsim_ideal's ideal ones, and of flows that wait for others the starts, in
 * whose order they are from then on. After −1 the flows are as before. */
int pktsim_simulate(const Route *r, Flows *f, const NetConf *conf, const PktOptions *opt,
                    PktStats *stats, Err *err);
#endif
