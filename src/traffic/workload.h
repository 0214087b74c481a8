/* workload: who talks to whom, how much, how often; draws flows from it. */
#ifndef M3_TRAFFIC_WORKLOAD_H
#define M3_TRAFFIC_WORKLOAD_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "traffic/flows.h"
#include "net/route.h"
#include "net/topo.h"

/* Flow sizes: a CDF with linear interpolation between points (first at percentile 0, last at 100). */
typedef struct {
    uint32_t n;
    double *size_b, *cdf; /* ascending; cdf from 0 to 1 */
    double mean_b;        /* exact, of the interpolated curve */
    uint32_t *guide;      /* where to begin the search for u: by its first bits */
    char *name;
} SizeDist;
/* Text: `bytes percent` a line, both ascending, percent from 0 to 100; '#' begins a comment. */
int sizedist_load(SizeDist *d, const char *path, Err *err);
/* From n points in memory, which are copied; cdf from 0 to 1. */
int sizedist_init(SizeDist *d, const char *name, const double *size_b, const double *cdf, uint32_t n, Err *err);
void sizedist_free(SizeDist *d);
uint64_t sizedist_draw(const SizeDist *d, double u); /* u in [0, 1) → whole bytes, at least 1 */

/* Rack-to-rack weights, row = source. `pod_of` groups racks into pods. Rows and columns of a file beyond its
 * named racks must be empty and are left out. */
typedef struct {
    uint32_t n_racks, n_pods;
    double *weight;   /* [n_racks²], ≥ 0, sum > 0 */
    uint32_t *pod_of; /* [n_racks] */
    char *name;
} RackMatrix;
int rackmatrix_load(RackMatrix *m, const char *path, Err *err); /* published JSON form */
/* Our generator: kinds in the character of the three published matrices ("a", "b", "c") and "uniform",
 * sized to the topology's racks and pods, drawn from `seed`. */
extern const char *const rackmatrix_kinds[]; /* NULL-ended */
int rackmatrix_generate(RackMatrix *m, const char *kind, const Topo *t, uint64_t seed, Err *err);
int rackmatrix_save(const RackMatrix *m, const char *path, Err *err);
void rackmatrix_free(RackMatrix *m);
/* Share on the diagonal, within a pod off the diagonal, of the top tenth of rows and of columns, and skew (Gini) of cells. */
typedef struct {
    double diagonal, within_pod, top_rows, top_cols, gini;
} RackMatrixStats;
RackMatrixStats rackmatrix_stats(const RackMatrix *m);

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

/* Draws the flows: docs/PIPELINE.md §2. Racks of the matrix are placed on the topology's racks pod by
 * pod, the largest pod of one on the largest of the other, at random within a pod; a matrix fits if both have as
 * many pods and no pod has more racks than its partner. Exactly one of n_flows and duration_s is given.
 * Same seed same flows whatever `threads`. `info` may be NULL. */
typedef struct {
    double mean_gap_ns;
    uint32_t busiest_link; /* directed, by expectation */
    double offered_bps;    /* payload, whole network */
} WorkloadInfo;
/* Limits: flows, seconds, and where the mean of gaps stops meaning anything. */
#define WORKLOAD_MAX_FLOWS 4000000000u
#define WORKLOAD_MAX_S 9e9
#define WORKLOAD_MAX_SIGMA 10
int workload_draw(const Workload *w, const Route *r, int threads, Flows *out, WorkloadInfo *info, Err *err);

/* The same flows, not held: FLOW_CHUNK at a time, drawn whenever they are asked for, by any thread. The workload's sizes and the
 * route's topology are to outlive it. */
typedef struct WorkloadStream WorkloadStream;
/* Either: a stream if more than most_held flows are to come (in a duration: are expected), else *stream = NULL and the flows. */
int workload_draw_most(const Workload *w, const Route *r, int threads, uint64_t most_held, Flows *out, WorkloadStream **stream,
                       WorkloadInfo *info, Err *err);
void workload_stream_free(WorkloadStream *s);
size_t workload_stream_n(const WorkloadStream *s);
/* Flows of a chunk into room for FLOW_CHUNK of them, whose n is left alone; of the last chunk those beyond the stream's end, too. */
void workload_stream_read(const WorkloadStream *s, size_t chunk, const Flows *room);
/* Their hosts alone, at a third of the cost. */
void workload_stream_pairs(const WorkloadStream *s, size_t chunk, uint32_t *src, uint32_t *dst);
#endif
