/* m3: the public C interface (include/m3.h) over the rooms behind it.
 *
 * Options and results are copied at the boundary, so that no internal type shows and the caller's
 * strings need not outlive the call. A bucket of the interface is −1 (M3_ALL) for all flows, or a
 * size bucket; inside it is a distribution in ORDER BUCKET, one higher. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "estimate/estimate.h"
#include "estimate/report.h"
#include "m3.h"
#include "path/pathset.h"
#include "traffic/sizebucket.h"

struct M3Result {
    Estimate estimate;
    double wall_read_s, wall_total_s;
    uint64_t seed;
    char *topo, *mix, *ckpt_name; /* mix, ckpt_name: may be NULL */
    const char *method;
    char ckpt_sha256[65]; /* 64 hexadecimal digits */
};

_Static_assert((int)M3_N_BUCKETS == (int)SIZEBUCKET_N, "as many buckets outside as inside");
_Static_assert((int)M3_METHOD_M3 == (int)METHOD_M3 &&
                   (int)M3_METHOD_FLOWSIM == (int)METHOD_FLOWSIM &&
                   (int)M3_METHOD_PACKET == (int)METHOD_PACKET &&
                   (int)M3_METHOD_SAMPLED == (int)METHOD_SAMPLED &&
                   (int)M3_METHOD_PARSIMON == (int)METHOD_PARSIMON,
               "same methods");
_Static_assert((int)M3_ERROR_LEN == (int)sizeof(((Err *)NULL)->msg), "every message fits");

/* As --threads of the command line: far more than any machine's cores, so that a wrong number is an
 * error instead of some thousand threads. */
enum { MAX_THREADS = 1024 };

/* ORDER METHOD */
static const char *const method_names[] = {"m3", "flowsim", "packet", "sampled", "parsimon"};

void m3_options_init(M3Options *o) {
    if (o) *o = (M3Options){.mix_id = -1, .n_paths = 500, .seed = 1};
}

/* A caller that wants no message passes NULL. */
static void give_message(char *error, const Err *err) {
    if (error) memcpy(error, err->msg, sizeof err->msg);
}

const char *m3_version(void) { return M3_VERSION; }

static int check(const M3Options *o, Err *err) {
    if (!o) return err_input(err, "expected options, got NULL");
    if (!o->mix && !(o->flows && o->topo))
        return err_input(err, "expected a mix, or flows and a topology");
    if ((int)o->method < 0 || o->method > M3_METHOD_PARSIMON)
        return err_input(err, "method: unknown number %d", (int)o->method);
    if (o->threads < 0 || o->threads > MAX_THREADS)
        return err_input(err, "threads: must be in 0..%d, got %d", MAX_THREADS, o->threads);
    if (o->mix_id < -1)
        return err_input(err, "mix_id: expected an id, or -1 for the first mix, got %lld",
                         (long long)o->mix_id);
    if (!isfinite(o->duration_s) || o->duration_s < 0)
        return err_input(err, "duration_s: expected seconds, or 0, got %g", o->duration_s);
    if (isnan(o->check_s) || (o->method == M3_METHOD_SAMPLED && o->check_s < 0))
        return err_input(err, "check_s: expected seconds%s, got %g",
                         o->method == M3_METHOD_SAMPLED ? " of packet windows" : "", o->check_s);
    if (o->n_paths > PATHSET_MAX_DRAWS)
        return err_input(err, "n_paths: must be in 0..%d, got %llu", PATHSET_MAX_DRAWS,
                         (unsigned long long)o->n_paths);
    return 0;
}

static int run(const M3Options *o, const Ckpt *ckpt, M3Result *r, Err *err) {
    Scenario s = {0};
    ScenarioOptions so = {.topo_path = o->topo,
                          .mix_path = o->mix,
                          .flows_path = o->flows,
                          .mix_id = o->mix_id,
                          .set = o->set,
                          .n_flows = o->n_flows,
                          .duration_s = o->duration_s,
                          .seed = o->seed,
                          .threads = o->threads,
                          .max_in_memory = estimate_max_in_memory((Method)o->method)};
    EstimateOptions eo = {.method = (Method)o->method,
                          .ckpt = ckpt,
                          .n_paths = o->n_paths,
                          .seed = o->seed,
                          .threads = o->threads,
                          .published = o->published != 0,
                          .fall_back = true,
                          .check = {.off = o->check_s < 0, .seconds = fmax(o->check_s, 0)}};
    so.check_conf = estimate_check_conf;
    so.check_ctx = &eo;
    int rc = scenario_load(&s, &so, NULL, err);
    if (rc == 0) rc = estimate_run(&s, &eo, NULL, &r->estimate, err);
    if (rc == 0) {
        r->wall_read_s = s.wall_read_s;
        r->topo = mem_strdup(o->topo ? o->topo : s.topo.name);
    }
    scenario_free(&s);
    return rc;
}

M3Result *m3_estimate(const M3Options *o, char error[M3_ERROR_LEN]) {
    Err err = {0};
    Ckpt ckpt = {0};
    double start_s = diag_now_s();
    M3Result *r = MEM_ZNEW(M3Result, 1);
    int rc = check(o, &err);
    if (rc == 0 && o->method == M3_METHOD_M3) rc = estimate_load_ckpt(&ckpt, o->ckpt, &err);
    if (rc == 0) rc = run(o, &ckpt, r, &err);
    if (rc == 0) {
        r->seed = o->seed;
        r->mix = o->mix ? mem_strdup(o->mix) : NULL;
        r->method = method_names[r->estimate.method];
        r->wall_total_s = diag_now_s() - start_s;
        if (o->method == M3_METHOD_M3) {
            r->ckpt_name = mem_strdup(ckpt.name);
            ckpt_sha256(&ckpt, r->ckpt_sha256);
        }
    } else {
        give_message(error, &err);
        m3_result_free(r);
        r = NULL;
    }
    ckpt_free(&ckpt);
    return r;
}

void m3_result_free(M3Result *r) {
    if (!r) return;
    free(r->topo);
    free(r->mix);
    free(r->ckpt_name);
    free(r);
}

/* Returns NULL for a bucket that does not exist, and without a result. */
static const SlowdownDist *dist_of(const M3Result *r, int bucket) {
    return r && bucket >= M3_ALL && bucket < M3_N_BUCKETS ? &r->estimate.slowdown.dist[bucket + 1]
                                                          : NULL;
}

const char *m3_bucket_label(int bucket) {
    return bucket >= M3_ALL && bucket < M3_N_BUCKETS ? result_label(bucket + 1) : NULL;
}

double m3_result_share(const M3Result *r, int bucket) {
    const SlowdownDist *d = dist_of(r, bucket);
    return d ? d->share : (double)NAN;
}

double m3_result_percentile(const M3Result *r, int bucket, int p) {
    const SlowdownDist *d = dist_of(r, bucket);
    return d && p >= 1 && p <= STATS_N_PCT ? d->percentiles[p - 1] : (double)NAN;
}

M3Interval m3_result_quantile(const M3Result *r, int bucket, double p) {
    const SlowdownDist *d = dist_of(r, bucket);
    for (int k = 0; d && k < RESULT_N_QUANTILES; k++) {
        const SlowdownQuantile *q = &d->q[k];
        if (p == 100 * result_levels[k]) return (M3Interval){q->value, q->lo, q->hi};
    }
    return (M3Interval){NAN, NAN, NAN};
}

uint64_t m3_result_n_flows(const M3Result *r) { return r ? r->estimate.n_flows : 0; }
uint64_t m3_result_n_paths(const M3Result *r) { return r ? r->estimate.n_unique : 0; }
double m3_result_wall_s(const M3Result *r) { return r ? r->wall_total_s : (double)NAN; }

static int save(const M3Result *r, const char *path, Err *err) {
    FileOut out;
    if (!r || !path) return err_input(err, "expected a %s, got NULL", r ? "path" : "result");
    ReportMeta meta = {.topo = r->topo,
                       .mix = r->mix,
                       .method = r->method,
                       .ckpt_name = r->ckpt_name,
                       .ckpt_sha256 = r->ckpt_name ? r->ckpt_sha256 : NULL,
                       .seed = r->seed,
                       .wall_total_s = r->wall_total_s,
                       .wall_read_s = r->wall_read_s};
    if (file_out_open(&out, path, err) != 0) return -1;
    report_json(out.f, &r->estimate, &meta);
    return file_out_commit(&out, err);
}

int m3_result_save(const M3Result *r, const char *path, char error[M3_ERROR_LEN]) {
    Err err = {0};
    int rc = save(r, path, &err);
    if (rc != 0) give_message(error, &err);
    return rc;
}
