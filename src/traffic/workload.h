/* workload: draws flows from a rack matrix, a size distribution and a load. */
#ifndef M3_TRAFFIC_WORKLOAD_H
#define M3_TRAFFIC_WORKLOAD_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "net/linkload.h"
#include "net/route.h"
#include "traffic/flows.h"
#include "traffic/rackmatrix.h"
#include "traffic/sizedist.h"

/* What is drawn from (as in the evaluation of the paper: a rack matrix, sizes, log-normal gaps).
 * Exactly one of n_flows and duration_s is given, the other is 0. */
typedef struct {
    const RackMatrix *matrix;
    const SizeDist *sizes;
    double sigma;     /* shape of the log-normal gaps, 0 (equal gaps) to WORKLOAD_MAX_SIGMA */
    double max_load;  /* in (0, 1): payload of the most loaded directed link over its rate, */
    LoadRouting load; /* if flows choose their routes like this */
    bool
        both_loads; /* tell in WorkloadInfo what it is if they choose as simulated, and polarised */
    uint64_t n_flows;  /* at most WORKLOAD_MAX_FLOWS */
    double duration_s; /* at most WORKLOAD_MAX_S */
    uint64_t seed;
    const Log *log; /* NULL: no progress is shown */
} Workload;

/* Limits. Flows: path indices keep flow numbers in 32 bits. Seconds: FLOWS_MAX_START_NS. Sigma:
 * gaps beyond the longest of n draws, exp(sigma·sqrt(2·ln n)) medians, hold most of the law's mean
 * once sigma > sqrt(2·ln n). At 5, a million gaps come to 60 % of what they should, so that the
 * load is 1.7 times what was asked for; at 10 they come to a millionth, and a duration for which
 * 9000 flows are expected takes 600 million. */
#define WORKLOAD_MAX_FLOWS 4000000000u
#define WORKLOAD_MAX_S 9e9
#define WORKLOAD_MAX_SIGMA 5

/* What a workload comes to. */
typedef struct {
    double mean_gap_ns;
    uint32_t busiest_link; /* directed, by expected load */
    double offered_bps;    /* payload of the whole network */
    /* [LoadRouting] what the most loaded link carries of its rate; NAN: not computed, as polarised
     * loads take many passes */
    double max_load[2];
} WorkloadInfo;

/* workload_draw draws the flows. Racks of the matrix are placed on the topology's racks pod by pod,
 * the largest pod of one on the largest of the other, at random within a pod; a matrix fits if both
 * have as many pods and no pod has more racks than its partner. The same seed gives the same flows
 * whatever `threads`. `info` may be NULL. flows_free releases. */
int workload_draw(const Workload *w, const Route *r, int threads, Flows *out, WorkloadInfo *info,
                  Err *err);

/* workload_pairs fills p[n_racks²] of the topology's racks with the probability that a flow goes
 * from one rack to another, as the matrix was placed: what linkload_expect takes. */
int workload_pairs(const Workload *w, const Route *r, double *p, Err *err);

/* A stream: the flows of a workload, a chunk of FLOW_CHUNK at a time, each drawn anew whenever it
 * is read, by any thread. The workload's sizes and the route's topology must outlive it. */
typedef struct WorkloadStream WorkloadStream;
/* workload_draw_or_stream gives a stream where more than max_in_memory flows will be drawn (for a
 * duration: are expected), else *stream = NULL and the flows. */
int workload_draw_or_stream(const Workload *w, const Route *r, int threads, uint64_t max_in_memory,
                            Flows *out, WorkloadStream **stream, WorkloadInfo *info, Err *err);
void workload_stream_free(WorkloadStream *s);
/* workload_stream_n returns the number of flows. */
size_t workload_stream_n(const WorkloadStream *s);
/* workload_stream_read draws a chunk into `room`, which has space for FLOW_CHUNK flows and whose n
 * is left as it is. The last chunk is drawn whole: flows beyond the stream's end are to be ignored.
 */
void workload_stream_read(const WorkloadStream *s, size_t chunk, const Flows *room);
/* workload_stream_pairs draws the hosts of a chunk alone, at a third of the cost. */
void workload_stream_pairs(const WorkloadStream *s, size_t chunk, uint32_t *src, uint32_t *dst);
#endif
