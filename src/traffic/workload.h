/* workload: who talks to whom, how much, how often; draws flows from it. */
#ifndef M3_TRAFFIC_WORKLOAD_H
#define M3_TRAFFIC_WORKLOAD_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "net/route.h"
#include "net/topo.h"
#include "traffic/flows.h"
#include "traffic/rackmatrix.h"
#include "traffic/sizedist.h"

typedef struct {
    const RackMatrix *matrix;
    const SizeDist *sizes;
    double sigma;      /* shape of the log-normal gaps, ≥ 0 */
    double max_load;   /* in (0, 1): of the most loaded directed link */
    uint64_t n_flows;  /* 0: by duration_s */
    double duration_s; /* 0: by n_flows */
    uint64_t seed;
    const Log *log; /* NULL: no progress is shown */
} Workload;

/* Draws the flows: docs/PIPELINE.md §2. Racks of the matrix are placed on the topology's racks pod
 * by pod, the largest pod of one on the largest of the other, at random within a pod; a matrix fits
 * if both have as many pods and no pod has more racks than its partner. Exactly one of n_flows and
 * duration_s is given. Same seed same flows whatever `threads`. `info` may be NULL. */
typedef struct {
    double mean_gap_ns;
    uint32_t busiest_link; /* directed, by expectation */
    double offered_bps;    /* payload, whole network */
} WorkloadInfo;
/* Limits: flows, seconds, and where the mean of gaps stops meaning anything. */
#define WORKLOAD_MAX_FLOWS 4000000000u
#define WORKLOAD_MAX_S 9e9
#define WORKLOAD_MAX_SIGMA 10
int workload_draw(const Workload *w, const Route *r, int threads, Flows *out, WorkloadInfo *info,
                  Err *err);

/* The same flows, not held: FLOW_CHUNK at a time, drawn whenever they are asked for, by any thread.
 * The workload's sizes and the route's topology are to outlive it. */
typedef struct WorkloadStream WorkloadStream;
/* Either: a stream if more than max_in_memory flows are to come (in a duration: are expected), else
 * *stream = NULL and the flows. */
int workload_draw_or_stream(const Workload *w, const Route *r, int threads, uint64_t max_in_memory,
                            Flows *out, WorkloadStream **stream, WorkloadInfo *info, Err *err);
void workload_stream_free(WorkloadStream *s);
size_t workload_stream_n(const WorkloadStream *s);
/* Flows of a chunk into room for FLOW_CHUNK of them, whose n is left alone; of the last chunk those
 * beyond the stream's end, too. */
void workload_stream_read(const WorkloadStream *s, size_t chunk, const Flows *room);
/* Their hosts alone, at a third of the cost. */
void workload_stream_pairs(const WorkloadStream *s, size_t chunk, uint32_t *src, uint32_t *dst);
#endif
