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
 * After `make install`: cc app.c $(pkg-config --cflags --libs m3). The same options and seed give
 * the same result, on any number of threads. Call from one thread at a time: the linear algebra's
 * thread setting belongs to the process. The library prints nothing, exits never but for want of
 * memory, and keeps no state between calls. */
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

enum { M3_ERROR_LEN = 768 };

typedef enum {
    M3_METHOD_M3,      /* fluid simulation corrected by the model */
    M3_METHOD_FLOWSIM, /* fluid simulation alone; needs no checkpoint */
    M3_METHOD_PACKET   /* packet simulation of the paths: much slower; needs no checkpoint */
} M3Method;

/* Strings stay the caller's and are read only during m3_estimate. File formats: spec/README.md. */
typedef struct {
    const char *topo;       /* topology file; NULL: the one the mix names */
    const char *mix;        /* mix file: workload and settings; NULL: flows and topo are needed */
    int64_t mix_id;         /* "id" in a file of several mixes; -1: the first */
    const char *flows;      /* flow file; NULL: flows are drawn from the mix */
    const char *const *set; /* "key=value" overrides of the mix, ended by NULL; or NULL */
    uint64_t n_flows;       /* to draw; 0: the mix's, else 1,000,000 */
    double duration_s;      /* draw flows for that long instead; 0: by count */
    uint64_t n_paths;       /* to draw; 0: all paths */
    M3Method method;
    const char
        *ckpt; /* checkpoint folder or .m3 file; NULL: ckpts/default here or beside the program */
    int published; /* 1: aggregate as the paper's notebooks do */
    uint64_t seed;
    int threads; /* 0: all cores */
} M3Options;

/* 500 paths, method m3, first mix, seed 1, all cores; everything else 0 or NULL. */
void m3_options_init(M3Options *o);

/* An estimate; immutable. m3_result_free releases it (NULL is fine). */
typedef struct M3Result M3Result;

/* NULL on bad input, unreadable files or SIGINT caught by the program's own handler: one line in
 * error. */
M3Result *m3_estimate(const M3Options *o, char error[M3_ERROR_LEN]);
void m3_result_free(M3Result *r);

/* Flow-size buckets 0..M3_N_BUCKETS-1: below 1 KB, to 10 KB, to 50 KB, above; M3_ALL: every flow.
 * Other numbers: NaN. */
enum { M3_ALL = -1, M3_N_BUCKETS = 4 };
const char *m3_bucket_label(int bucket); /* "< 1 KB", "all"; NULL if there is no such bucket */
double m3_result_share(const M3Result *r, int bucket); /* of all flows, 0..1 */
double m3_result_percentile(const M3Result *r, int bucket,
                            int p); /* slowdown, p in 1..100; NaN without flows */

/* 50, 90, 99 or 99.9, with a 95 % interval: the error of drawing paths, and with M3_METHOD_M3 that
 * of the model where the checkpoint knows it (ckpts/README.md). */
typedef struct {
    double value, lo, hi;
} M3Interval;
M3Interval m3_result_quantile(const M3Result *r, int bucket, double p);

uint64_t m3_result_n_flows(const M3Result *r);
uint64_t m3_result_n_paths(const M3Result *r); /* distinct ones that were simulated */
double m3_result_wall_s(const M3Result *r);

/* The JSON of `m3 estimate --out` (schema m3.estimate/1). 0, or -1 with one line in error. */
int m3_result_save(const M3Result *r, const char *path, char error[M3_ERROR_LEN]);

const char *m3_version(void);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
