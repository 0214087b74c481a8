/* m3: how much slower than ideal flows finish in a data-centre network. For programs that embed m3.
 *
 *     M3Options o;
 *     m3_options_init(&o);
 *     o.topo = "topo.json";
 *     o.mix = "mix.json";
 *     char error[M3_ERROR_LEN];
 *     M3Result *r = m3_estimate(&o, error);
 *     if (!r) { fprintf(stderr, "%s\n", error); return 1; }
 *     printf("p99 %.2f\n", m3_result_percentile(r, M3_ALL, 99));
 *     m3_result_free(r);
 *
 * After `make install`: cc app.c $(pkg-config --cflags --libs m3).
 *
 * M3Job, further down, is what M3Options has and more: networks and flows as arrays, callbacks,
 * interruption, sweeps, and packet simulation.
 *
 * The same options and seed give the same result on any number of threads. Any number of threads
 * may be in the library at once, each with a job and results of its own. While one of them applies
 * a model, OpenBLAS runs on one thread in the whole process. The library prints nothing, keeps no
 * state between calls, and ends the process (exit status 1, a line on stderr) only if memory runs
 * out.
 *
 * NULL for a pointer that is needed is an error like any other. Of no result and no sweep, figures
 * are NaN, counts 0, and strings and results NULL. NULL for `error`: no message. */
#ifndef M3_H
#define M3_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default) /* the library hides every other name */
#endif

enum { M3_ERROR_LEN = 768 }; /* bytes of the longest message and its NUL */

typedef enum {
    M3_METHOD_M3,      /* fluid simulation corrected by the model */
    M3_METHOD_FLOWSIM, /* fluid simulation alone; needs no checkpoint */
    M3_METHOD_PACKET,  /* packet simulation of the paths: much slower; needs no checkpoint */
    M3_METHOD_SAMPLED, /* packet simulation of stretches of the run; needs no checkpoint */
    M3_METHOD_PARSIMON /* packet simulation of every link by itself; needs no checkpoint */
} M3Method;

/* What to estimate and how. The strings stay the caller's and are read during m3_estimate only.
 * spec/README.md describes the file formats. A topology or mix that is not there is looked for
 * among those that come with m3, as "spec/demo.json" or "demo.json". */
typedef struct {
    const char *topo;       /* topology file; NULL: the one that the mix names */
    const char *mix;        /* mix file: workload and settings; NULL: flows and topo are needed */
    int64_t mix_id;         /* "id" in a file of several mixes; -1: the first */
    const char *flows;      /* flow file; NULL: flows are drawn from the mix */
    const char *const *set; /* "key=value" overrides of the mix, ended by NULL; or NULL */
    uint64_t n_flows;       /* flows to draw; 0: the mix's number, else 1,000,000 */
    double duration_s;      /* seconds of flows to draw instead of n_flows, which is then 0 */
    uint64_t n_paths;       /* paths to draw, at most 100,000,000; 0: all paths */
    M3Method method;
    const char *ckpt; /* checkpoint folder or .m3 file; NULL: ckpts/default in the working
                         directory, near the program or near the installed library */
    int published;    /* 1: aggregate as the paper's notebooks do */
    uint64_t seed;    /* of everything random */
    int threads;      /* 0: all cores; at most 1,024 */
    double check_s;   /* M3_METHOD_M3, M3_METHOD_SAMPLED: budget of packet windows, by which the
                         estimate is corrected, in seconds of 20 million packet-hops; 0: as `m3
                         estimate` has it, 1 s and more; below 0: none */
} M3Options;

/* m3_options_init fills *o with the defaults: 500 paths, method m3, the first mix, seed 1, all
 * cores, everything else 0 or NULL. Call it first and set what differs. */
void m3_options_init(M3Options *o);

/* The result of an estimate. It does not change once it is made, so any number of threads may read
 * it. */
typedef struct M3Result M3Result;

/* m3_estimate estimates what *o asks for and returns the result, which is the caller's to release
 * with m3_result_free. It returns NULL, with one line in `error` (no newline), if an option or
 * input is wrong, a file cannot be read, or the checkpoint makes no sense or does not know the
 * congestion control; otherwise `error` is left as it is. */
M3Result *m3_estimate(const M3Options *o, char error[M3_ERROR_LEN]);
/* m3_result_free releases a result and everything that belongs to it. It does nothing if r is NULL.
 */
void m3_result_free(M3Result *r);

/* Buckets of flow size, 0 to M3_N_BUCKETS-1: below 1 KB, to 10 KB, to 50 KB, above; M3_ALL stands
 * for all flows. */
enum { M3_ALL = -1, M3_N_BUCKETS = 4 };
/* m3_bucket_label returns the name of a bucket, "< 1 KB" or "all", as a string that belongs to the
 * library; NULL if there is no such bucket. */
const char *m3_bucket_label(int bucket);
/* m3_result_share returns a bucket's share of all flows by number, 0 to 1; NaN if there is no such
 * bucket. */
double m3_result_share(const M3Result *r, int bucket);
/* m3_result_percentile returns the p-th percentile (p from 1 to 100) of the slowdown of a bucket's
 * flows: a ratio, completion time over ideal time. It returns NaN if the bucket has no flows, or if
 * there is no such bucket or percentile. */
double m3_result_percentile(const M3Result *r, int bucket, int p);

/* A quantile of slowdown and its 95 % interval, lo to hi: the error of drawing paths and, with
 * M3_METHOD_M3, that of the model where the checkpoint knows it (ckpts/README.md). All three are
 * ratios. */
typedef struct {
    double value, lo, hi;
} M3Interval;
/* m3_result_quantile returns a quantile of the slowdown of a bucket's flows; p is 50, 90, 99 or
 * 99.9 (percent). All three members are NaN if p is another number, if the bucket has no flows, or
 * if there is no such bucket. */
M3Interval m3_result_quantile(const M3Result *r, int bucket, double p);

/* m3_result_n_flows returns the number of flows of the network. */
uint64_t m3_result_n_flows(const M3Result *r);
/* m3_result_n_paths returns the number of different paths that were simulated; a path that was
 * drawn several times counts once. */
uint64_t m3_result_n_paths(const M3Result *r);
/* m3_result_wall_s returns how long m3_estimate took, in seconds of wall time. */
double m3_result_wall_s(const M3Result *r);

/* m3_result_save writes a result to the file `path` as JSON (m3_result_json), which replaces an
 * older file as a whole. It returns 0, or -1 with one line in `error` if the file cannot be written
 * or the result has no JSON; an older file is then left as it was. */
int m3_result_save(const M3Result *r, const char *path, char error[M3_ERROR_LEN]);

/* ---- jobs ---- */

/* Why a call failed: its kind, and one line that names what is wrong and what was expected. */
typedef enum {
    M3_ERROR_NONE,
    M3_ERROR_INPUT, /* an option or an input is wrong, or an input cannot be opened */
    M3_ERROR_IO,    /* a file cannot be written, was changed while it was read, or makes no sense as
                       a checkpoint */
    M3_ERROR_STOPPED /* interrupted by `progress` or `stop` of the job */
} M3ErrorKind;
typedef struct {
    M3ErrorKind kind;
    char text[M3_ERROR_LEN];
} M3Error;

/* A cable between two nodes, by their ids. error_rate: probability that a packet is lost on it, 0
 * and more, below 1. */
typedef struct {
    uint64_t a, b;
    double rate_bps, delay_ns, error_rate;
} M3Cable;

/* A network. Hosts are linked to switches only, and everything is connected. All arrays stay the
 * caller's and are read during the call only. */
typedef struct {
    const char *name; /* for messages and reports; NULL: "topology" */
    uint32_t n_nodes, n_cables;
    const uint64_t *node_id;     /* [n_nodes] all different; NULL: 0, 1, 2, … */
    const uint8_t *is_host;      /* [n_nodes] 1: host, 0: switch */
    const uint32_t *pod_of_node; /* [n_nodes] UINT32_MAX: none; NULL: pods are found by m3 */
    const M3Cable *cables;       /* [n_cables] */
} M3Topology;

/* Flows, in any order. All arrays stay the caller's and are read during the call only. */
typedef struct {
    size_t n;
    const uint64_t *src, *dst; /* [n] node ids of hosts */
    const uint64_t *size_b;    /* [n] payload, up to 1e15; 0 is taken as 1 */
    const int64_t *start_ns;   /* [n] 0 and more */
} M3Flows;

/* What to do, how, and what to tell meanwhile. Later versions add members at the end; `size` tells
 * the library which of them the caller knows. M3Options does not grow any more. */
typedef struct {
    size_t size; /* as m3_job_init was told */
    M3Options options;
    const M3Topology *topology; /* instead of options.topo; or NULL */
    const M3Flows *flows;       /* instead of options.flows; or NULL */
    /* Estimates and sweeps; sweeps take neither target_error nor whole. */
    double check_share;       /* instead of options.check_s: budget of packet windows as a share of
                                 the run's packet-hops, above 0, up to 1; 0: none given */
    double target_error;      /* add packet windows, or draw paths if there are none, until half the
                                 95 % interval of a quantile over its value is at most that; 0: no
                                 target */
    double target_quantile;   /* which: 50, 90, 99 (default) or 99.9 */
    uint64_t max_paths;       /* of a target that draws paths */
    int exact;                /* 1: simulate every flow of long paths instead of time slices */
    int whole;                /* 1: M3_METHOD_FLOWSIM, the whole network at once */
    int hpcc_ns3;             /* 1: packets as in the HPCC authors' ns-3, quirks included */
    int parsimon_independent; /* 1: M3_METHOD_PARSIMON, a hash for each node (else polarised) */
    int parsimon_cluster;     /* 1: M3_METHOD_PARSIMON, one link of each group of alike ones */
    /* Sweeps: what settings are ranked by, hence which ones get packet windows. */
    int rank_bucket;      /* default: M3_ALL */
    double rank_quantile; /* default: 99 */
    /* Packet simulation; not read for others. */
    double stop_ns; /* end at that time after the first flow's start; 0: when nothing moves */
    /* Callbacks, any of them NULL. They may come from any thread, but of one job never two at once.
     * `user` is handed to them. */
    void *user;
    /* log gets remarks as they are made: level 1 is worth a user's attention, 2 is detail. */
    void (*log)(void *user, int level, const char *line);
    /* progress gets how far a part of the job is, in units of `what` ("paths", "flows"), when the
     * part begins and then at most ten times a second; total is 0 if it is not known. A value other
     * than 0 interrupts this job; neither callback is called after that. */
    int (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
    /* Another thread, or a signal handler, interrupts this job by setting *stop, 0 at first, to
     * another value. */
    const int *stop;
} M3Job;

/* m3_job_init fills *job, of `size` bytes, with the defaults: those of m3_options_init, everything
 * else as said above, 0 or NULL. Call it as m3_job_init(&job, sizeof job). */
void m3_job_init(M3Job *job, size_t size);

/* m3_job_estimate does as m3_estimate. It returns NULL, with *error filled, if that fails or is
 * interrupted; `error` may be NULL. m3_result_free releases. */
M3Result *m3_job_estimate(const M3Job *job, M3Error *error);

/* m3_job_simulate simulates the whole network packet by packet, on one core, under the congestion
 * control of the settings. Of the options it does not read method, n_paths, ckpt, published and
 * check_s, and of the job's members for estimates and sweeps none but hpcc_ns3: these may hold
 * anything. The result's quantiles are of the flows that finished, and their intervals the values
 * themselves. It returns NULL as m3_job_estimate does. */
M3Result *m3_job_simulate(const M3Job *job, M3Error *error);

/* A flow each, in order of start: what m3_result_times tells. */
typedef struct {
    size_t n;
    const uint64_t *flow; /* [n] index in the caller's arrays, id in the file, or 0, 1, 2, … */
    const uint64_t *src, *dst, *size_b; /* [n] as in M3Flows */
    const int64_t *start_ns;            /* [n] */
    const double *fct_ns;               /* [n] completion time; NaN: did not finish */
    const double *ideal_fct_ns;         /* [n] alone in the idle network */
} M3Times;
/* m3_result_times fills *times with the flows of a simulation; the arrays belong to the result. It
 * returns −1, with times->n 0, if the result is none of m3_job_simulate. */
int m3_result_times(const M3Result *r, M3Times *times);

/* m3_result_read reads a result from a file: the JSON of an estimate, or a list of flows with
 * completion times and ideal ones, of any form that `m3 compare` takes. Such a result has shares,
 * percentiles and quantiles only. It returns NULL, with *error filled (may be NULL), if the file is
 * none of these. */
M3Result *m3_result_read(const char *path, M3Error *error);

/* m3_result_error returns by how much a quantile of b is off that of the reference a, (b − a) / a;
 * NaN where m3_result_quantile of either is. */
double m3_result_error(const M3Result *a, const M3Result *b, int bucket, double p);

/* m3_result_json returns a result as JSON text, as `m3 estimate --json` (schema m3.estimate/1) or
 * `m3 simulate --json` (m3.simulate/1) print it. It belongs to the result. It returns NULL for rows
 * of sweeps and for results of m3_result_read. */
const char *m3_result_json(const M3Result *r);

/* The rows of a sweep; does not change once it is made. */
typedef struct M3Sweep M3Sweep;

/* m3_job_sweep estimates one network under many settings and computes once what they share. Each of
 * options.set is an axis, "key=a,b,c" or "key=lo..hi:step" or a list of both, and every combination
 * of their values is a row, the last axis varying fastest; a combination that has the effect of an
 * earlier one makes none. It returns NULL as m3_job_estimate does; m3_sweep_free releases. */
M3Sweep *m3_job_sweep(const M3Job *job, M3Error *error);
/* m3_sweep_free releases a sweep and its rows. It does nothing if s is NULL. */
void m3_sweep_free(M3Sweep *s);
/* m3_sweep_n_rows returns the number of rows. */
size_t m3_sweep_n_rows(const M3Sweep *s);
/* m3_sweep_row returns a row's result, which belongs to the sweep; NULL if there is no such row. */
const M3Result *m3_sweep_row(const M3Sweep *s, size_t row);
/* m3_sweep_n_axes returns the number of axes. */
size_t m3_sweep_n_axes(const M3Sweep *s);
/* m3_sweep_key returns the name of an axis' setting, which belongs to the sweep; NULL if there is
 * no such axis. */
const char *m3_sweep_key(const M3Sweep *s, size_t axis);
/* m3_sweep_value returns the text of a setting's value in a row, which belongs to the sweep; NULL
 * if the setting has no effect there, or if there is no such row or axis. */
const char *m3_sweep_value(const M3Sweep *s, size_t row, size_t axis);
/* m3_sweep_best returns the row that ranks first; m3_sweep_n_rows if no row has flows there. */
size_t m3_sweep_best(const M3Sweep *s);
/* m3_sweep_json returns the sweep as JSON text, as `m3 sweep --json` prints it (schema m3.sweep/1).
 * It belongs to the sweep. */
const char *m3_sweep_json(const M3Sweep *s);

/* m3_version returns the library's version, "0.1.0", as a string that belongs to the library. */
const char *m3_version(void);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
