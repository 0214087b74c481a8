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
 * The same options and seed give the same result on any number of threads. Only one thread at a
 * time may be in m3_estimate, since the number of threads of the linear algebra (OpenBLAS) belongs
 * to the process. The library prints nothing, keeps no state between calls, and ends the process
 * (exit status 1, a line on stderr) only if memory runs out.
 *
 * NULL for a pointer that is needed is an error like any other, and functions that read a result
 * return what they do for a bucket that does not exist, or 0. NULL for `error`: no message. */
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
 * spec/README.md describes the file formats. */
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
 * cores, everything else 0 or NULL. Call it first, so that members that later versions add have
 * their defaults. */
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

/* m3_result_save writes a result to the file `path` as the JSON of `m3 estimate --out` (schema
 * m3.estimate/1), which replaces an older file as a whole. It returns 0, or -1 with one line in
 * `error` if the file cannot be written; an older file is then left as it was. */
int m3_result_save(const M3Result *r, const char *path, char error[M3_ERROR_LEN]);

/* m3_version returns the library's version, "0.1.0", as a string that belongs to the library. */
const char *m3_version(void);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
