/* m3: the public C interface (include/m3.h): options and results.
 *
 * A result is copied at the boundary, so that no internal type shows. A bucket of the interface is
 * −1 (M3_ALL) for all flows, or a size bucket; inside it is a distribution in ORDER BUCKET, one
 * higher. What runs is in estimate/m3_job. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "estimate/m3_private.h"

_Static_assert((int)M3_N_BUCKETS == (int)SIZEBUCKET_N, "as many buckets outside as inside");

void m3_options_init(M3Options *o) {
    if (o) *o = (M3Options){.mix_id = -1, .n_paths = 500, .seed = 1};
}

const char *m3_version(void) { return M3_VERSION; }

/* A caller that wants no message passes NULL. */
static void give_message(char *error, const char message[M3_ERROR_LEN]) {
    if (error) memcpy(error, message, M3_ERROR_LEN);
}

M3Result *m3_estimate(const M3Options *o, char error[M3_ERROR_LEN]) {
    M3Job job;
    M3Error why = {.text = "expected options, got NULL"};
    m3_job_init(&job, sizeof job);
    if (o) job.options = *o;
    M3Result *r = o ? m3_job_estimate(&job, &why) : NULL;
    if (!r) give_message(error, why.text);
    return r;
}

void m3_result_free(M3Result *r) {
    if (!r) return;
    flows_free(&r->flows);
    free(r->src);
    free(r->dst);
    free(r->json);
    free(r);
}

/* Returns NULL for a bucket that does not exist, and without a result. */
static const SlowdownDist *dist_of(const M3Result *r, int bucket) {
    return r && bucket >= M3_ALL && bucket < M3_N_BUCKETS ? &r->slowdown.dist[bucket + 1] : NULL;
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
    int k = result_quantile_of(p);
    if (!d || k < 0) return (M3Interval){NAN, NAN, NAN};
    return (M3Interval){d->q[k].value, d->q[k].lo, d->q[k].hi};
}

uint64_t m3_result_n_flows(const M3Result *r) { return r ? r->n_flows : 0; }
uint64_t m3_result_n_paths(const M3Result *r) { return r ? r->n_paths : 0; }
double m3_result_wall_s(const M3Result *r) { return r ? r->wall_s : (double)NAN; }

static int save(const M3Result *r, const char *path, Err *err) {
    FileOut out;
    if (!r || !path) return err_input(err, "expected a %s, got NULL", r ? "path" : "result");
    if (!r->json)
        return err_input(err, "expected a result of an estimate or a simulation, got one without "
                              "JSON");
    if (file_out_open(&out, path, err) != 0) return -1;
    fputs(r->json, out.f);
    return file_out_commit(&out, err);
}

int m3_result_save(const M3Result *r, const char *path, char error[M3_ERROR_LEN]) {
    Err err = {0};
    int rc = save(r, path, &err);
    if (rc != 0) give_message(error, err.msg);
    return rc;
}
