/* estimate: scenario → features of its paths → model → the network's slowdown distribution.
 *
 *   features_draw ─┬─ features_simulate ─ predict_paths ─ features_drop ─┬─ predict_finish
 *                  └─ … a batch of paths at a time …                   ─┘
 *
 * Of a path only what the model predicts outlives its batch (some hundred floats), so memory beyond
 * the flows' own hardly grows with the number of paths.
 *
 * With a target error, draws are added to the first 500 until the interval of sampling is narrow
 * enough. Simulated paths are kept, and with them their feature maps (some 10 KB a path), since the
 * model runs on all paths again after each addition. */
#include "estimate/estimate.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "estimate/predict.h"
#include "features/features.h"

int estimate_check_conf(const void *options, const NetConf *conf, Err *err) {
    const EstimateOptions *o = options;
    return o->method == METHOD_M3 ? ckpt_check_cc(o->ckpt, conf->cc, err) : 0;
}

static FeaturesOptions features_options(const EstimateOptions *o) {
    FeaturesKind kind = o->method == METHOD_FLOWSIM       ? FEATURES_FLUID
                        : o->method == METHOD_PACKET      ? FEATURES_PACKETS
                        : o->ckpt->spec.head == HEAD_FLOW ? FEATURES_FLOWS
                                                          : FEATURES_PERCENTILES;
    return (FeaturesOptions){.kind = kind,
                             .n_paths = o->n_paths,
                             .seed = o->seed,
                             .threads = o->threads,
                             .exact = o->exact,
                             .hpcc_ns3 = o->hpcc_ns3};
}

/* ---- a given number of paths ---- */

static int run_paths(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out,
                     Err *err) {
    Features f = {0};
    Prediction p = {0};
    FeaturesOptions fo = features_options(o);
    int rc = features_draw(&f, s, &fo, log, err);
    if (rc == 0) rc = predict_init(&p, &f, o, err);
    for (size_t first = 0; rc == 0 && first < f.n_unique; first += FEATURES_BATCH) {
        size_t left = f.n_unique - first, n = left < FEATURES_BATCH ? left : FEATURES_BATCH;
        if ((rc = features_simulate(&f, first, n, err)) != 0) break;
        predict_paths(&p, first, n);
        features_drop(&f, first, n);
    }
    features_finish(&f);
    if (rc == 0) predict_finish(&p, out);
    predict_free(&p);
    features_free(&f);
    return rc;
}

/* ---- until a target error is reached ---- */

/* The first number of draws, the paper's, and what later numbers are rounded up to, for reading. */
enum { FIRST_PATHS = 500, ROUND_TO = 100 };

/* Returns the number of draws to go on to. The error falls with their root; 10 % more are taken,
 * since the error reached is itself an estimate (of 200 resamples), so that most runs need no
 * further round. At least a quarter more, since each round runs the model on all paths again; at
 * most four times as many, since an error estimated from few draws may be far too large. All three
 * were chosen; they decide the time taken, not when the target counts as reached. */
static uint64_t next_n_paths(uint64_t n, double reached, const TargetError *t) {
    double ratio = reached / t->asked, factor = fmin(fmax(1.1 * ratio * ratio, 1.25), 4);
    uint64_t next = ((uint64_t)((double)n * factor) / ROUND_TO + 1) * ROUND_TO;
    return next < t->max_paths ? next : t->max_paths;
}

/* Every round predicts from all paths: the model is cheap beside the simulation, and run in the
 * order of a single run it gives the same result to the bit. */
static int run_to_target(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out,
                         Err *err) {
    const TargetError *t = &o->target;
    Features f;
    FeaturesOptions fo = features_options(o);
    fo.n_paths = t->max_paths;
    fo.growing = true;
    if (features_draw(&f, s, &fo, log, err) != 0) return -1;
    uint64_t n = FIRST_PATHS < t->max_paths ? FIRST_PATHS : t->max_paths;
    double model_s = 0, aggregate_s = 0;
    int rc;
    for (;;) {
        size_t before = f.n_unique;
        features_grow(&f, n);
        if ((rc = features_simulate(&f, before, f.n_unique - before, err)) != 0) break;
        Features all = features_in_order(&f);
        rc = estimate_predict(&all, o, out, err);
        free(all.paths);
        out->wall_model_s = model_s += out->wall_model_s;
        out->wall_aggregate_s = aggregate_s += out->wall_aggregate_s;
        double reached = out->sampling_error[t->quantile];
        if (rc != 0 || !(reached > t->asked) || n >= t->max_paths) break;
        log_detail(log, "%s paths: sampling error %.2g %%", units_count(n).s, 100 * reached);
        n = next_n_paths(n, reached, t);
    }
    features_finish(&f);
    features_free(&f);
    return rc;
}

/* Lossy links are simulated at packet level alone. */
static void remark_losses(const Scenario *s, const EstimateOptions *o, const Log *log) {
    uint32_t n = 0;
    if (!s->topo.error_rate || o->method == METHOD_PACKET) return;
    for (uint32_t l = 0; l < s->topo.n_links; l += 2) n += s->topo.error_rate[l] > 0;
    log_note(
        log,
        "%s: %u of %u links lose packets; the model and the fluid simulation don't know of it: "
        "--method packet or m3 simulate does",
        s->topo.name, n, s->topo.n_links / 2);
}

int estimate_run(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out,
                 Err *err) {
    EstimateOptions all = *o;
    bool target = o->target.asked > 0, whole = target && s->source.n <= o->target.max_paths;
    *out = (Estimate){0};
    if (whole) all.n_paths = 0;
    if (estimate_check_conf(o, &s->conf, err) != 0) return -1;
    remark_losses(s, o, log);
    int rc =
        target && !whole ? run_to_target(s, o, log, out, err) : run_paths(s, &all, log, out, err);
    if (rc != 0) return -1;
    out->target = o->target;
    estimate_remark(out, log);
    return 0;
}

/* Inputs further out of their trained range than 5 % of it are worth a remark. Chosen; JSON reports
 * every excess above rounding. */
static const float REMARK_EXCESS = 0.05f;

void estimate_remark(const Estimate *e, const Log *log) {
    if (flowrange_excess(&e->range) > REMARK_EXCESS)
        log_note(log,
                 "on %s of %s paths the model sees what it was not trained on; furthest out: %s is "
                 "%.3g, trained on %.3g to %.3g",
                 units_count(e->n_outside).s, units_count(e->n_unique).s, e->range.name,
                 (double)e->range.value, (double)e->range.lo, (double)e->range.hi);
    if (e->target.asked > 0 && e->sampling_error[e->target.quantile] > e->target.asked)
        log_note(log, "the sampling error is still %.2g %% after %s paths; --max-paths allows more",
                 100 * e->sampling_error[e->target.quantile], units_count(e->n_drawn).s);
    if (e->overflow > 1)
        log_note(log,
                 "without PFC, windows in flight reach %.3g of a switch's buffer: if it overflows, "
                 "slowdowns are far above these",
                 e->overflow);
    if (e->n_unfinished > 0)
        log_note(log, "%s of the paths' %s flows did not finish; percentiles cover the others",
                 units_count(e->n_unfinished).s, units_count(e->n_packet_flows).s);
}

/* ---- in two halves ---- */

int estimate_features(Features *f, const Scenario *s, const EstimateOptions *o, const Log *log,
                      Err *err) {
    FeaturesOptions fo = features_options(o);
    if (estimate_check_conf(o, &s->conf, err) != 0) return -1;
    remark_losses(s, o, log);
    if (features_draw(f, s, &fo, log, err) != 0) return -1;
    int rc = features_simulate(f, 0, f->n_unique, err);
    features_finish(f);
    if (rc != 0) features_free(f);
    return rc;
}

int estimate_predict(const Features *f, const EstimateOptions *o, Estimate *out, Err *err) {
    Prediction p;
    *out = (Estimate){0};
    if (estimate_check_conf(o, &f->conf, err) != 0) return -1;
    if (predict_init(&p, f, o, err) != 0) return -1;
    predict_paths(&p, 0, f->n_unique);
    predict_finish(&p, out);
    predict_free(&p);
    return 0;
}

int estimate_method_of(const Features *f, const char *name, const Ckpt *ckpt, Method *method,
                       Err *err) {
    bool flows = f->kind == FEATURES_FLOWS, model = flows || f->kind == FEATURES_PERCENTILES;
    *method = model ? METHOD_M3 : f->kind == FEATURES_FLUID ? METHOD_FLOWSIM : METHOD_PACKET;
    if (!model || flows == (ckpt->spec.head == HEAD_FLOW)) return 0;
    return err_input(err, "%s: features for a %s model, but checkpoint %s is a %s model", name,
                     flows ? "flow" : "path", ckpt->name, flows ? "path" : "flow");
}

/* ---- checkpoint ---- */

int estimate_load_ckpt(Ckpt *ckpt, const char *path, Err *err) {
    if (path) return ckpt_load(ckpt, path, err);
    char *found = file_find_shipped("ckpts/default");
    int rc = found ? ckpt_load(ckpt, found, err)
                   : err_input(err, "no checkpoint: none was named, and there is no ckpts/default "
                                    "here or beside the program (method flowsim needs none)");
    free(found);
    return rc;
}
