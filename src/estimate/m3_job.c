/* m3_job: jobs of the public interface (include/m3.h): estimates, simulations and sweeps.
 *
 *     check the job ─ Call: options of the rooms, log, request to stop ─ work ─ result ─ end
 *
 * Everything that a call needs lives in a Call on its own stack, so that calls share nothing. The
 * caller's callbacks are reached through the log's sink under the call's lock, so that they never
 * overlap; what interrupts the call is a request to stop that its threads are under (base/diag).
 * The caller may know fewer members of M3Job than we do, or more, which then must be 0. */
#include "m3.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/par.h"
#include "estimate/estimate.h"
#include "estimate/m3_private.h"
#include "estimate/report.h"
#include "estimate/report_read.h"
#include "estimate/sim_report.h"
#include "estimate/sweep.h"
#include "estimate/sweep_report.h"
#include "packet/pktsim.h"
#include "path/pathset.h"

_Static_assert((int)M3_METHOD_M3 == (int)METHOD_M3 &&
                   (int)M3_METHOD_FLOWSIM == (int)METHOD_FLOWSIM &&
                   (int)M3_METHOD_PACKET == (int)METHOD_PACKET &&
                   (int)M3_METHOD_SAMPLED == (int)METHOD_SAMPLED &&
                   (int)M3_METHOD_PARSIMON == (int)METHOD_PARSIMON,
               "same methods");
_Static_assert((int)M3_ERROR_NONE == (int)ERR_NONE && (int)M3_ERROR_INPUT == (int)ERR_INPUT &&
                   (int)M3_ERROR_IO == (int)ERR_IO && (int)M3_ERROR_STOPPED == (int)ERR_STOPPED,
               "same kinds of errors");
_Static_assert((int)M3_ERROR_LEN == (int)sizeof(((Err *)NULL)->msg), "every message fits");

/* As --threads of the command line: far more than any machine's cores, so that a wrong number is an
 * error instead of some thousand threads. */
enum { MAX_THREADS = 1024 };

struct M3Sweep {
    Sweep sweep;
    Grid grid;
    SweepRank rank;
    M3Result *rows; /* [sweep.n] */
    char *json;
};

/* One call, from begin to end. */
typedef struct {
    M3Job job;
    pthread_mutex_t callbacks; /* held while one of the job's runs */
    LogSink sink;
    LogRemarks remarks;
    Log log;
    DiagStop stop;
    const DiagStop *stop_before; /* what the thread was under */
    TopoArrays topo;
    uint64_t *node_id; /* owned: 0, 1, 2, … or NULL */
    TopoCable *cables; /* owned */
    FlowArrays flows;
    char *topo_path, *mix_path; /* owned, where they come with m3 */
    ScenarioOptions scenario;
    EstimateOptions estimate;
    Ckpt ckpt;
    char ckpt_sha256[65];
    double start_s;
    Err err;
} Call;

static M3Job defaults(void) {
    M3Job job = {.size = sizeof job,
                 .target_quantile = 99,
                 .max_paths = ESTIMATE_MAX_PATHS,
                 .rank_bucket = M3_ALL,
                 .rank_quantile = 99};
    m3_options_init(&job.options);
    return job;
}

void m3_job_init(M3Job *job, size_t size) {
    M3Job ours = defaults();
    if (!job) return;
    memset(job, 0, size);
    memcpy(job, &ours, size < sizeof ours ? size : sizeof ours);
    job->size = size;
}

/* ---- what the job asks for ---- */

static int read_job(M3Job *out, const M3Job *in, Err *err) {
    if (!in) return err_input(err, "job: expected one, got NULL");
    size_t least = offsetof(M3Job, options) + sizeof(M3Options), size = in->size;
    if (size < least)
        return err_input(err, "job: size: expected at least %zu, got %zu (m3_job_init sets it)",
                         least, size);
    *out = defaults();
    memcpy(out, in, size < sizeof *out ? size : sizeof *out);
    for (size_t i = sizeof *out; i < size; i++)
        if (((const unsigned char *)in)[i])
            return err_input(err, "job: a member is set that libm3 %s does not know", M3_VERSION);
    return 0;
}

/* The options that every kind of job reads. */
static int check_options(const M3Options *o, Err *err) {
    if (o->mix_id < -1)
        return err_input(err, "mix_id: expected an id, or -1 for the first mix, got %lld",
                         (long long)o->mix_id);
    if (o->threads < 0 || o->threads > MAX_THREADS)
        return err_input(err, "threads: must be in 0..%d, got %d", MAX_THREADS, o->threads);
    if (!isfinite(o->duration_s) || o->duration_s < 0)
        return err_input(err, "duration_s: expected seconds, or 0, got %g", o->duration_s);
    if (o->duration_s > 0 && o->n_flows > 0)
        return err_input(err, "expected n_flows or duration_s, got %llu and %g",
                         (unsigned long long)o->n_flows, o->duration_s);
    return 0;
}

static int check_inputs(const M3Job *j, Err *err) {
    const M3Options *o = &j->options;
    const M3Topology *t = j->topology;
    const M3Flows *f = j->flows;
    bool topo = t || o->topo, flows = f || o->flows;
    if (!o->mix && !(flows && topo))
        return err_input(err, "expected a mix, or flows and a topology");
    if (t && o->topo) return err_input(err, "topology: expected a file or arrays, got both");
    if (f && o->flows) return err_input(err, "flows: expected a file or arrays, got both");
    if (flows && (o->n_flows > 0 || o->duration_s > 0))
        return err_input(err,
                         "n_flows and duration_s are of flows that are drawn; flows are given");
    if (t && (!t->is_host || !t->cables))
        return err_input(err, "topology: expected is_host and cables, got NULL");
    if (f && f->n > 0 && (!f->src || !f->dst || !f->size_b || !f->start_ns))
        return err_input(err, "flows: expected src, dst, size_b and start_ns, got NULL");
    return 0;
}

static int check_quantile(double percent, const char *member, Err *err) {
    return result_quantile_of(percent) >= 0
               ? 0
               : err_input(err, "%s: expected 50, 90, 99 or 99.9, got %g", member, percent);
}

/* The options that estimates and sweeps read, and simulations do not. */
static int check_method(const M3Options *o, Err *err) {
    if ((int)o->method < 0 || o->method > M3_METHOD_PARSIMON)
        return err_input(err, "method: unknown number %d", (int)o->method);
    if (isnan(o->check_s) || (o->method == M3_METHOD_SAMPLED && o->check_s < 0))
        return err_input(err, "check_s: expected seconds%s, got %g",
                         o->method == M3_METHOD_SAMPLED ? " of packet windows" : "", o->check_s);
    if (o->n_paths > PATHSET_MAX_DRAWS)
        return err_input(err, "n_paths: must be in 0..%d, got %llu", PATHSET_MAX_DRAWS,
                         (unsigned long long)o->n_paths);
    return 0;
}

static int check_estimate(const M3Job *j, Err *err) {
    M3Method m = j->options.method;
    bool windows = m == M3_METHOD_M3 || m == M3_METHOD_SAMPLED;
    if (check_method(&j->options, err) != 0) return -1;
    if (!(j->check_share >= 0 && j->check_share <= 1))
        return err_input(err, "check_share: must be in 0..1, got %g", j->check_share);
    if (j->check_share > 0 && (j->options.check_s != 0 || !windows))
        return err_input(err, "check_share goes with methods m3 and sampled, and without check_s");
    if (!(j->target_error >= 0 && j->target_error < 1))
        return err_input(err, "target_error: must be 0 or more, and below 1, got %g",
                         j->target_error);
    if (check_quantile(j->target_quantile, "target_quantile", err) != 0) return -1;
    if (j->target_error > 0 && j->max_paths == 0)
        return err_input(err, "max_paths: expected 1 or more, got 0");
    if (j->whole && (m != M3_METHOD_FLOWSIM || j->target_error > 0))
        return err_input(err, "whole goes with method flowsim, and without target_error");
    bool hashes = j->parsimon_independent || j->parsimon_cluster;
    if (hashes && m != M3_METHOD_PARSIMON)
        return err_input(err, "parsimon_independent and parsimon_cluster go with method parsimon");
    if (m == M3_METHOD_PARSIMON && (j->target_error > 0 || j->options.published))
        return err_input(err, "target_error and published do not go with method parsimon");
    if (j->hpcc_ns3 && m != M3_METHOD_PACKET && !(windows && j->options.check_s >= 0))
        return err_input(err, "hpcc_ns3 goes with packet windows or method packet");
    return 0;
}

static int check_sweep(const M3Job *j, Err *err) {
    if (!j->options.set || !j->options.set[0])
        return err_input(err, "set: expected a setting and its values, got none");
    if (j->target_error != 0 || j->whole)
        return err_input(err, "target_error and whole are of estimates, not of sweeps");
    if (j->rank_bucket < M3_ALL || j->rank_bucket >= M3_N_BUCKETS)
        return err_input(err, "rank_bucket: must be in %d..%d, got %d", M3_ALL, M3_N_BUCKETS - 1,
                         j->rank_bucket);
    return check_quantile(j->rank_quantile, "rank_quantile", err);
}

/* ---- callbacks ---- */

static void pass_line(void *ctx, LogLevel level, const char *line) {
    Call *c = ctx;
    if (!c->job.log) return;
    pthread_mutex_lock(&c->callbacks);
    if (!diag_stop_is_requested(&c->stop)) c->job.log(c->job.user, (int)level, line);
    pthread_mutex_unlock(&c->callbacks);
}

static void pass_progress(void *ctx, const char *what, uint64_t done, uint64_t total) {
    Call *c = ctx;
    if (!c->job.progress) return;
    pthread_mutex_lock(&c->callbacks);
    if (!diag_stop_is_requested(&c->stop) && c->job.progress(c->job.user, what, done, total) != 0)
        diag_stop_request(&c->stop);
    pthread_mutex_unlock(&c->callbacks);
}

/* ---- a call's begin and end ---- */

static void take_topology(Call *c, const M3Topology *t) {
    c->cables = MEM_NEW(TopoCable, t->n_cables);
    for (uint32_t i = 0; i < t->n_cables; i++) {
        const M3Cable *from = &t->cables[i];
        c->cables[i] = (TopoCable){.a = from->a,
                                   .b = from->b,
                                   .rate_bps = from->rate_bps,
                                   .delay_ns = from->delay_ns,
                                   .error_rate = from->error_rate};
    }
    if (!t->node_id) {
        c->node_id = MEM_NEW(uint64_t, t->n_nodes);
        for (uint32_t i = 0; i < t->n_nodes; i++) c->node_id[i] = i;
    }
    c->topo = (TopoArrays){.name = t->name ? t->name : "topology",
                           .n_nodes = t->n_nodes,
                           .n_cables = t->n_cables,
                           .node_id = t->node_id ? t->node_id : c->node_id,
                           .is_host = t->is_host,
                           .pod_of = t->pod_of_node,
                           .cables = c->cables};
    c->scenario.topo_arrays = &c->topo;
}

/* Returns the file that is meant by a topology or mix. */
static const char *find_spec(const char *path, char **own) {
    *own = path ? file_find_spec(path) : NULL;
    return *own ? *own : path;
}

static void take_inputs(Call *c) {
    const M3Job *j = &c->job;
    const M3Options *o = &j->options;
    c->scenario = (ScenarioOptions){.topo_path = find_spec(o->topo, &c->topo_path),
                                    .mix_path = find_spec(o->mix, &c->mix_path),
                                    .flows_path = o->flows,
                                    .mix_id = o->mix_id,
                                    .set = o->set,
                                    .n_flows = o->n_flows,
                                    .duration_s = o->duration_s,
                                    .seed = o->seed,
                                    .threads = o->threads};
    if (j->topology) take_topology(c, j->topology);
    if (!j->flows) return;
    c->flows = (FlowArrays){.n = j->flows->n,
                            .src = j->flows->src,
                            .dst = j->flows->dst,
                            .size_b = j->flows->size_b,
                            .start_ns = j->flows->start_ns};
    c->scenario.flow_arrays = &c->flows;
}

/* Returns 0 with everything set but what estimates and sweeps need; −1 with c->err filled. In
 * either case the caller ends with `end`. */
static int begin(Call *c, const M3Job *job) {
    *c = (Call){.callbacks = PTHREAD_MUTEX_INITIALIZER, .start_s = diag_now_s()};
    c->sink = (LogSink){.line = pass_line, .progress = pass_progress, .ctx = c};
    c->log = (Log){.level = LOG_QUIET, .remarks = &c->remarks, .sink = &c->sink};
    c->stop_before = diag_stop_under(&c->stop);
    if (read_job(&c->job, job, &c->err) != 0 || check_options(&c->job.options, &c->err) != 0 ||
        check_inputs(&c->job, &c->err) != 0)
        return -1;
    c->stop.also = c->job.stop;
    take_inputs(c);
    return 0;
}

static void give_error(M3Error *error, const Err *err) {
    if (!error) return;
    error->kind = (M3ErrorKind)err->kind;
    memcpy(error->text, err->msg, sizeof err->msg);
}

/* Returns rc, or −1 if the call was interrupted after its last loop. */
static int end(Call *c, int rc, M3Error *error) {
    if (rc == 0 && diag_stop_is_requested(&c->stop)) rc = err_stopped(&c->err);
    diag_stop_under(c->stop_before);
    log_remarks_free(&c->remarks);
    pthread_mutex_destroy(&c->callbacks);
    ckpt_free(&c->ckpt);
    free(c->node_id);
    free(c->cables);
    free(c->topo_path);
    free(c->mix_path);
    if (rc != 0) give_error(error, &c->err);
    return rc;
}

/* Fills the options of estimates and loads the checkpoint. */
static int prepare(Call *c) {
    const M3Job *j = &c->job;
    const M3Options *o = &j->options;
    Method method = (Method)o->method;
    if (check_estimate(j, &c->err) != 0) return -1;
    c->estimate = (EstimateOptions){
        .method = method,
        .n_paths = o->n_paths,
        .target = {.asked = j->target_error,
                   .quantile = result_quantile_of(j->target_quantile),
                   .max_paths = j->max_paths},
        .seed = o->seed,
        .threads = o->threads,
        .published = o->published != 0,
        .whole = j->whole != 0,
        .own_hashes = j->parsimon_independent != 0,
        .cluster = j->parsimon_cluster != 0,
        .exact = j->exact != 0,
        .hpcc_ns3 = j->hpcc_ns3 != 0,
        .fall_back = true,
        .check = {.off = o->check_s < 0, .seconds = fmax(o->check_s, 0), .share = j->check_share}};
    c->scenario.max_in_memory = j->whole ? 0 : estimate_max_in_memory(method);
    if (method != METHOD_M3) return 0;
    c->estimate.ckpt = &c->ckpt;
    if (estimate_load_ckpt(&c->ckpt, o->ckpt, &c->err) != 0) return -1;
    ckpt_sha256(&c->ckpt, c->ckpt_sha256);
    return 0;
}

static ReportMeta meta_of(const Call *c, Method method) {
    bool model = c->estimate.ckpt != NULL;
    return (ReportMeta){.mix = c->scenario.mix_path,
                        .method = estimate_methods[method],
                        .ckpt_name = model ? c->ckpt.name : NULL,
                        .ckpt_sha256 = model ? c->ckpt_sha256 : NULL,
                        .remarks = &c->remarks,
                        .seed = c->job.options.seed,
                        .wall_total_s = diag_now_s() - c->start_s};
}

/* ---- estimate ---- */

static char *estimate_json(const Call *c, const Scenario *s, const Estimate *e) {
    char *text;
    size_t len;
    ReportMeta meta = meta_of(c, e->method);
    report_meta_scenario(&meta, s, c->scenario.topo_path);
    FILE *f = mem_stream_open(&text, &len);
    report_json(f, e, &meta);
    mem_stream_close(f);
    return text;
}

static int estimate(Call *c, M3Result *r) {
    Scenario s;
    Estimate e;
    if (prepare(c) != 0) return -1;
    c->scenario.check_conf = estimate_check_conf;
    c->scenario.check_ctx = &c->estimate;
    if (scenario_load(&s, &c->scenario, &c->log, &c->err) != 0) return -1;
    if (c->estimate.method != METHOD_FLOWSIM) {
        scenario_remark(&s, &c->log);
    }
    int rc = estimate_run(&s, &c->estimate, &c->log, &e, &c->err);
    if (rc == 0) {
        r->slowdown = e.slowdown;
        r->n_flows = e.n_flows;
        r->n_paths = e.n_unique;
        r->json = estimate_json(c, &s, &e);
        r->wall_s = diag_now_s() - c->start_s;
    }
    scenario_free(&s);
    return rc;
}

/* Runs `work` on a job and returns its result. */
static M3Result *run(const M3Job *job, int (*work)(Call *c, M3Result *r), M3Error *error) {
    Call c;
    M3Result *r = MEM_ZNEW(M3Result, 1);
    int rc = begin(&c, job);
    if (rc == 0) rc = work(&c, r);
    if (end(&c, rc, error) == 0) return r;
    m3_result_free(r);
    return NULL;
}

M3Result *m3_job_estimate(const M3Job *job, M3Error *error) { return run(job, estimate, error); }

/* ---- simulate ---- */

/* The distribution over the flows that finished. */
static void measure(M3Result *r) {
    const Flows *f = &r->flows;
    uint64_t *size_b = MEM_NEW(uint64_t, f->n);
    double *slowdown = MEM_NEW(double, f->n);
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (isnan(f->fct_ns[i])) continue;
        size_b[n] = f->size_b[i];
        slowdown[n++] = f->fct_ns[i] / f->ideal_fct_ns[i];
    }
    aggregate_flows(size_b, slowdown, n, &r->slowdown);
    free(size_b);
    free(slowdown);
}

/* Moves the scenario's flows into the result, their ends as node ids. */
static void take_flows(M3Result *r, Scenario *s) {
    Flows *f = &r->flows;
    const Topo *t = &s->topo;
    *f = s->flows;
    s->flows = (Flows){0};
    r->n_flows = f->n;
    r->src = MEM_NEW(uint64_t, f->n);
    r->dst = MEM_NEW(uint64_t, f->n);
    bool numbered = f->id != NULL;
    if (!numbered) f->id = MEM_NEW(uint64_t, f->n);
    for (size_t i = 0; i < f->n; i++) {
        r->src[i] = t->node_id[t->host_node[f->src[i]]];
        r->dst[i] = t->node_id[t->host_node[f->dst[i]]];
        if (!numbered) f->id[i] = i;
    }
}

static char *simulation_json(const Call *c, const Scenario *s, const PktStats *stats) {
    char *text;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    sim_report_json(f, &(SimReport){.scenario = s,
                                    .stats = stats,
                                    .seed = c->job.options.seed,
                                    .cc = netconf_cc_name(s->conf.cc),
                                    .compat = c->job.hpcc_ns3 != 0,
                                    .wall_total_s = diag_now_s() - c->start_s});
    mem_stream_close(f);
    return text;
}

static int simulate_flows(Call *c, Scenario *s, M3Result *r) {
    PktStats stats;
    PktOptions o = {.compat = c->job.hpcc_ns3 != 0,
                    .timeline = s->timeline,
                    .seed = c->job.options.seed,
                    .stop_ns = c->job.stop_ns,
                    .log = &c->log,
                    .threads = par_resolve(c->job.options.threads)};
    if (pktsim_simulate(s->route, &s->flows, &s->conf, &o, &stats, &c->err) != 0) return -1;
    r->json = simulation_json(c, s, &stats);
    take_flows(r, s);
    measure(r);
    r->wall_s = diag_now_s() - c->start_s;
    return 0;
}

static int simulate(Call *c, M3Result *r) {
    Scenario s;
    if (!(c->job.stop_ns >= 0 && isfinite(c->job.stop_ns)))
        return err_input(&c->err, "stop_ns: expected 0 or more, got %g", c->job.stop_ns);
    c->scenario.closed_loop = true;
    if (scenario_load(&s, &c->scenario, &c->log, &c->err) != 0) return -1;
    scenario_remark(&s, &c->log);
    int rc = simulate_flows(c, &s, r);
    scenario_free(&s);
    return rc;
}

M3Result *m3_job_simulate(const M3Job *job, M3Error *error) { return run(job, simulate, error); }

int m3_result_times(const M3Result *r, M3Times *times) {
    if (!times) return -1;
    *times = (M3Times){0};
    if (!r || !r->src) return -1;
    const Flows *f = &r->flows;
    *times = (M3Times){.n = f->n,
                       .flow = f->id,
                       .src = r->src,
                       .dst = r->dst,
                       .size_b = f->size_b,
                       .start_ns = f->start_ns,
                       .fct_ns = f->fct_ns,
                       .ideal_fct_ns = f->ideal_fct_ns};
    return 0;
}

/* ---- results of files, and comparison ---- */

M3Result *m3_result_read(const char *path, M3Error *error) {
    Err err = {0};
    ReportResult read;
    int rc = path ? report_read(&read, path, NULL, &err)
                  : err_input(&err, "path: expected a file, got NULL");
    if (rc != 0) {
        give_error(error, &err);
        return NULL;
    }
    M3Result *r = MEM_ZNEW(M3Result, 1);
    r->slowdown = read.slowdown;
    r->n_flows = read.n_flows;
    return r;
}

double m3_result_error(const M3Result *a, const M3Result *b, int bucket, double p) {
    double reference = m3_result_quantile(a, bucket, p).value;
    return (m3_result_quantile(b, bucket, p).value - reference) / reference;
}

const char *m3_result_json(const M3Result *r) { return r ? r->json : NULL; }

/* ---- sweep ---- */

static char *sweep_json(const Call *c, const M3Sweep *s) {
    char *text;
    size_t len;
    SweepReport r = {.sweep = &s->sweep,
                     .grid = &s->grid,
                     .meta = meta_of(c, c->estimate.method),
                     .rank = s->rank};
    r.meta.topo = s->sweep.topo;
    FILE *f = mem_stream_open(&text, &len);
    sweep_report_json(f, &r);
    mem_stream_close(f);
    return text;
}

static void take_rows(M3Sweep *s) {
    s->rows = MEM_ZNEW(M3Result, s->sweep.n);
    for (size_t i = 0; i < s->sweep.n; i++) {
        const Estimate *e = &s->sweep.rows[i].estimate;
        s->rows[i].slowdown = e->slowdown;
        s->rows[i].n_flows = e->n_flows;
        s->rows[i].n_paths = e->n_unique;
        s->rows[i].wall_s = s->sweep.rows[i].wall_s;
    }
}

static int sweep(Call *c, M3Sweep *s) {
    if (check_sweep(&c->job, &c->err) != 0) return -1;
    for (const char *const *a = c->scenario.set; *a; a++)
        if (grid_add(&s->grid, *a, &c->err) != 0) return err_wrap(&c->err, "--set %.60s", *a);
    if (prepare(c) != 0) return -1;
    c->scenario.set = NULL;
    s->rank =
        (SweepRank){.dist = c->job.rank_bucket + 1, .k = result_quantile_of(c->job.rank_quantile)};
    if (sweep_run(&s->sweep, &s->grid, &c->scenario, &c->estimate, s->rank, &c->log, &c->err) != 0)
        return -1;
    take_rows(s);
    s->json = sweep_json(c, s);
    return 0;
}

M3Sweep *m3_job_sweep(const M3Job *job, M3Error *error) {
    Call c;
    M3Sweep *s = MEM_ZNEW(M3Sweep, 1);
    grid_init(&s->grid);
    int rc = begin(&c, job);
    if (rc == 0) rc = sweep(&c, s);
    if (end(&c, rc, error) == 0) return s;
    m3_sweep_free(s);
    return NULL;
}

void m3_sweep_free(M3Sweep *s) {
    if (!s) return;
    sweep_free(&s->sweep);
    grid_free(&s->grid);
    free(s->rows);
    free(s->json);
    free(s);
}

size_t m3_sweep_n_rows(const M3Sweep *s) { return s ? s->sweep.n : 0; }

const M3Result *m3_sweep_row(const M3Sweep *s, size_t row) {
    return row < m3_sweep_n_rows(s) ? &s->rows[row] : NULL;
}

size_t m3_sweep_n_axes(const M3Sweep *s) { return s ? s->grid.n_axes : 0; }

const char *m3_sweep_key(const M3Sweep *s, size_t axis) {
    return axis < m3_sweep_n_axes(s) ? s->grid.axes[axis].key : NULL;
}

const char *m3_sweep_value(const M3Sweep *s, size_t row, size_t axis) {
    if (row >= m3_sweep_n_rows(s) || axis >= m3_sweep_n_axes(s)) return NULL;
    const SweepRow *r = &s->sweep.rows[row];
    return sweep_applies(r, &s->grid.axes[axis]) ? grid_value(&s->grid, r->combination, axis)
                                                 : NULL;
}

size_t m3_sweep_best(const M3Sweep *s) { return s ? sweep_best(&s->sweep, s->rank) : 0; }

const char *m3_sweep_json(const M3Sweep *s) { return s ? s->json : NULL; }
