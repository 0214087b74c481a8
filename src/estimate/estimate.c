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
#include "estimate/parsimon.h"
#include "estimate/predict.h"
#include "features/features.h"
#include "fluid/netfluid.h"
#include "net/wire.h"
#include "packet/pktsim.h"

const char *const estimate_methods[] = {"m3", "flowsim", "packet", "sampled", "parsimon", NULL};

/* Whether packets answer where no model and no fluid does. */
static bool may_simulate_all(const EstimateOptions *o) {
    return o->method == METHOD_SAMPLED || (o->method == METHOD_M3 && o->fall_back && !o->check.off);
}

int estimate_check_conf(const void *options, const NetConf *conf, Err *err) {
    const EstimateOptions *o = options;
    if (may_simulate_all(o)) return 0;
    if (conf->routing != ROUTING_ECMP)
        return err_input(err,
                         "routing=%s: only packet simulation knows it; expected method sampled, or "
                         "m3 with packet windows",
                         netconf_routing_name(conf->routing));
    return o->method == METHOD_M3 ? ckpt_check_cc(o->ckpt, conf->cc, err) : 0;
}

int estimate_check_network(const EstimateOptions *o, const Scenario *s, Err *err) {
    if (!s->timeline || may_simulate_all(o)) return 0;
    return err_input(err,
                     "events: only packet simulation knows links that change in time; expected "
                     "method sampled, or m3 with packet windows");
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
                             .ranks = o->ranks,
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
        rc = predict_paths(&p, first, n, err);
        features_drop(&f, first, n);
    }
    features_finish(&f);
    if (rc == 0) rc = predict_finish(&p, out, err);
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
        "--method sampled or packet or m3 simulate does",
        s->topo.name, n, s->topo.n_links / 2);
}

static int run_model(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out,
                     Err *err) {
    EstimateOptions all = *o;
    bool target = o->target.asked > 0 && !estimate_has_windows(o),
         whole = target && s->source.n <= o->target.max_paths;
    if (whole) all.n_paths = 0;
    return target && !whole ? run_to_target(s, o, log, out, err)
                            : run_paths(s, &all, log, out, err);
}

/* ---- windows of packet simulation ---- */

bool estimate_has_windows(const EstimateOptions *o) {
    return o->method == METHOD_SAMPLED || (o->method == METHOD_M3 && !o->check.off);
}

/* Half the interval of the quantile that a target is for, over its value. */
static double error_reached(const Estimate *e, int k) {
    const SlowdownQuantile *q = &e->slowdown.dist[RESULT_ALL].q[k];
    return (q->hi - q->lo) / 2 / q->value;
}

/* Adds windows until the target error is reached or the whole run was simulated. The error falls
 * with the root of their number at best; the run is simulated whole where windows would take more
 * than half of it, as one core then does what two would with windows. */
static int windows_to_target(Windows *w, const EstimateOptions *o, const Estimate *model,
                             const Log *log, Estimate *out, Err *err) {
    const TargetError *t = &o->target;
    for (;;) {
        double reached = error_reached(out, t->quantile), spent = (double)w->n_hops;
        if (!(reached > t->asked) || w->whole) return 0;
        log_detail(log, "%u windows: error %.2g %%", w->n_windows, 100 * reached);
        double ratio = reached / t->asked, more = spent * fmin(fmax(ratio * ratio - 1, 0.5), 3);
        if (spent + more > w->run_hops / 2) more = w->run_hops;
        if (windows_simulate(w, more, err) != 0) return -1;
        out->slowdown = model->slowdown;
        check_combine(w, o->method == METHOD_M3, o->seed, o->threads, &out->slowdown, &out->check);
    }
}

static WindowsOptions windows_options(const EstimateOptions *o) {
    return (WindowsOptions){
        .seed = o->seed, .threads = o->threads, .ranks = o->ranks, .hpcc_ns3 = o->hpcc_ns3};
}

int estimate_windows(Windows *w, const Scenario *s, const EstimateOptions *o, const Log *log,
                     Estimate *out, Err *err) {
    WindowsOptions wo = windows_options(o);
    Estimate model = *out;
    windows_init(w, s, &wo);
    int rc = windows_simulate(w, check_hops(&o->check, w->n_run_flows, w->run_hops), err);
    if (rc == 0) {
        check_combine(w, o->method == METHOD_M3, o->seed, o->threads, &out->slowdown, &out->check);
        if (o->target.asked > 0) rc = windows_to_target(w, o, &model, log, out, err);
    }
    if (w->max_load > 0) out->max_load = w->max_load;
    if (w->use.links && out->origin.n_links == 0) origin_links(&out->origin, &w->use);
    if (rc == 0) out->sampling_error[o->target.quantile] = error_reached(out, o->target.quantile);
    windows_finish(w);
    return rc;
}

static void describe_run(const Scenario *s, Estimate *out) {
    *out = (Estimate){.n_flows = s->source.n,
                      .window_b = s->conf.line_window_b,
                      .base_bdp_b = s->base_bdp_b,
                      .wall_route_s = s->wall_route_s};
}

/* ---- the whole network as a fluid ---- */

/* Slowdowns from how long flows take to be sent, alone in what is left of the ideal time. */
static void whole_slowdowns(const Scenario *s, const double *sent_ns, Estimate *out) {
    size_t n = s->flows.n;
    double *slowdown = MEM_NEW(double, n), *ideal_ns = MEM_NEW(double, n);
    pktsim_ideal(s->route, &s->flows, false, ideal_ns);
    for (size_t i = 0; i < n; i++) {
        double line_bps =
            fmin(s->topo.host_rate_bps[s->flows.src[i]], s->topo.host_rate_bps[s->flows.dst[i]]);
        double alone_ns = wire_bits(s->flows.size_b[i]) / line_bps * 1e9,
               rest_ns = fmax(ideal_ns[i] - alone_ns, 0);
        slowdown[i] = fmax((sent_ns[i] + rest_ns) / ideal_ns[i], 1);
    }
    aggregate_flows(s->flows.size_b, slowdown, n, &out->slowdown);
    free(slowdown);
    free(ideal_ns);
}

static void describe_loads(const Scenario *s, const NetFluid *nf, Estimate *out) {
    NetUse use;
    netuse_init(&use, &s->topo, netfluid_loads(nf));
    out->max_load = use.max_load;
    origin_links(&out->origin, &use);
    netuse_free(&use);
}

static int run_whole_fluid(const Scenario *s, const EstimateOptions *o, const Log *log,
                           Estimate *out, Err *err) {
    NetFluidOptions fo = {.every_event = o->exact, .hpcc_ns3 = o->hpcc_ns3};
    double start_s = diag_now_s();
    NetFluid *nf = netfluid_new(s->route, &s->source, &s->conf, &fo, o->threads, err);
    if (!nf) return -1;
    double *sent_ns = MEM_NEW(double, s->flows.n);
    int rc = netfluid_run(nf, sent_ns, log, err);
    if (rc == 0) {
        describe_run(s, out);
        describe_loads(s, nf, out);
        out->exhaustive = true;
        whole_slowdowns(s, sent_ns, out);
        out->wall_fluid_s = diag_now_s() - start_s;
    }
    free(sent_ns);
    netfluid_destroy(nf);
    return rc;
}

/* ---- links by themselves ---- */

static int run_parsimon(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out,
                        Err *err) {
    ParsimonOptions po = {.independent = o->own_hashes,
                          .cluster = o->cluster,
                          .seed = o->seed,
                          .threads = o->threads,
                          .ranks = o->ranks};
    ParsimonInfo info;
    describe_run(s, out);
    if (s->conf.cc != CC_DCTCP)
        log_note(log, "Parsimon simulates every link under dctcp, not %s",
                 netconf_cc_name(s->conf.cc));
    if (parsimon_run(s, &po, log, &out->slowdown, &info, err) != 0) return -1;
    out->exhaustive = true;
    out->wall_fluid_s = info.wall_links_s;
    out->wall_aggregate_s = info.wall_flows_s;
    if (o->cluster)
        log_note(log, "%zu of %zu links simulated; each stands for those like it", info.n_simulated,
                 info.n_links);
    if (info.n_left_out > 0)
        log_note(log,
                 "%s flows are larger than any that one of their links has delays of; they "
                 "are left out",
                 units_count(info.n_left_out).s);
    return 0;
}

/* run_model with the features that *kept has, if they may be reused, or else with new ones, which
 * are kept. */
static int run_kept(Features *kept, const Scenario *s, const EstimateOptions *o, const Log *log,
                    Estimate *out, Err *err) {
    if (kept->n_unique == 0 || !features_reusable_under(kept, &s->conf)) {
        features_free(kept);
        if (estimate_features(kept, s, o, log, err) != 0) return -1;
    }
    features_set_conf(kept, &s->conf, o->threads);
    return estimate_predict(kept, o, out, err);
}

/* Whether the method begins with paths, whose features can be kept. */
static bool takes_paths(const EstimateOptions *o) {
    return o->method == METHOD_M3 || o->method == METHOD_PACKET ||
           (o->method == METHOD_FLOWSIM && !o->whole);
}

const char *estimate_unknown(const Scenario *s, const NetConf *conf) {
    return s->timeline                     ? "links that change in time"
           : conf->routing != ROUTING_ECMP ? "routing other than ECMP"
           : s->topo.error_rate            ? "links that lose packets"
                                           : NULL;
}

bool estimate_falls_back(const EstimateOptions *o, const Scenario *s, const NetConf *conf) {
    return o->method == METHOD_M3 && may_simulate_all(o) && estimate_unknown(s, conf);
}

/* estimate_run; kept NULL: no features are kept. */
static int run(Features *kept, const Scenario *s, const EstimateOptions *o, const Log *log,
               Estimate *out, Err *err) {
    Windows w = {0};
    EstimateOptions own = *o;
    *out = (Estimate){0};
    if (estimate_check_conf(o, &s->conf, err) != 0) return -1;
    if (estimate_check_network(o, s, err) != 0) return -1;
    if (o->method == METHOD_M3 && ckpt_check_cc(o->ckpt, s->conf.cc, NULL) != 0) {
        log_note(log, "checkpoint %s does not know %s: packet windows alone (--method sampled)",
                 o->ckpt->name, netconf_cc_name(s->conf.cc));
        own.method = METHOD_SAMPLED;
    } else if (estimate_falls_back(o, s, &s->conf)) {
        log_note(log, "the model does not know %s: %s (--method sampled)",
                 estimate_unknown(s, &s->conf),
                 windows_need_all(s, &s->conf) ? "packet simulation of all flows"
                                               : "packet windows alone");
        own.method = METHOD_SAMPLED;
    }
    bool keeps = kept && takes_paths(&own) && !(o->target.asked > 0);
    if (!estimate_has_windows(&own) && !keeps) remark_losses(s, o, log);
    int rc = 0;
    if (own.method == METHOD_SAMPLED) describe_run(s, out);
    else if (own.method == METHOD_FLOWSIM && own.whole)
        rc = run_whole_fluid(s, &own, log, out, err);
    else if (own.method == METHOD_PARSIMON) rc = run_parsimon(s, &own, log, out, err);
    else if (keeps) rc = run_kept(kept, s, &own, log, out, err);
    else rc = run_model(s, &own, log, out, err);
    if (rc == 0 && estimate_has_windows(&own)) {
        Err why = {0};
        rc = estimate_windows(&w, s, &own, log, out, &why);
        /* The model alone is better than nothing where packets cannot take the network. */
        if (rc != 0 && own.method == METHOD_M3 && why.kind == ERR_INPUT) {
            log_note(log, "not checked by packet windows: %s", why.msg);
            rc = 0;
        }
        if (rc != 0 && err) *err = why;
    }
    windows_free(&w);
    if (rc != 0) return -1;
    out->target = o->target;
    out->method = own.method;
    estimate_remark(out, log);
    return 0;
}

int estimate_run(const Scenario *s, const EstimateOptions *o, const Log *log, Estimate *out,
                 Err *err) {
    return run(NULL, s, o, log, out, err);
}

int estimate_rerun(Features *f, const Scenario *s, const EstimateOptions *o, const Log *log,
                   Estimate *out, Err *err) {
    return run(f, s, o, log, out, err);
}

/* Inputs further out of their trained range than 5 % of it are worth a remark. Chosen; JSON reports
 * every excess above rounding. */
static const float REMARK_EXCESS = 0.05f;
/* From this load of the busiest link on, hardly anything that piles up goes away before the run
 * ends. Fewer flows have no load worth the name: the time is that between the first start and the
 * last. */
static const double REMARK_LOAD = 0.95;
enum { REMARK_FLOWS = 1000 };

void estimate_remark(const Estimate *e, const Log *log) {
    if (flowrange_excess(&e->range) > REMARK_EXCESS)
        log_note(log,
                 "on %s of %s paths the model sees what it was not trained on; furthest out: %s is "
                 "%.3g, trained on %.3g to %.3g",
                 units_count(e->n_outside).s, units_count(e->n_unique).s, e->range.name,
                 (double)e->range.value, (double)e->range.lo, (double)e->range.hi);
    check_remark(&e->check, log);
    if (e->max_load >= REMARK_LOAD && e->n_flows >= REMARK_FLOWS && !e->check.whole)
        log_note(
            log,
            "the busiest link is offered %.3g %% of its rate: flows pile up for as long as the "
            "run lasts, which is estimated worst; --check 100%% simulates it",
            100 * e->max_load);
    if (e->target.asked > 0 && !e->check.done &&
        e->sampling_error[e->target.quantile] > e->target.asked)
        log_note(log, "the sampling error is still %.2g %% after %s paths; --max-paths allows more",
                 100 * e->sampling_error[e->target.quantile], units_count(e->n_drawn).s);
    if (e->overflow > 1 && !e->check.done)
        log_note(log,
                 "without PFC, windows in flight reach %.3g of a switch's buffer: if it overflows, "
                 "slowdowns are far above these",
                 e->overflow);
    if (e->n_unfinished > 0)
        log_note(log, "%s of the paths' %s flows did not finish; percentiles cover the others",
                 units_count(e->n_unfinished).s, units_count(e->n_packet_flows).s);
}

/* ---- in two halves ---- */

int estimate_saved_windows(Features *f, const Scenario *s, const EstimateOptions *o, Err *err) {
    WindowsOptions wo = windows_options(o);
    Windows *w = &f->windows;
    windows_init(w, s, &wo);
    int rc = windows_simulate(w, check_hops(&o->check, w->n_run_flows, w->run_hops), err);
    windows_finish(w);
    f->windows_conf = f->conf;
    return rc;
}

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
    int rc = predict_paths(&p, 0, f->n_unique, err);
    if (rc == 0) rc = predict_finish(&p, out, err);
    predict_free(&p);
    if (rc != 0) return -1;
    out->method = o->method;
    /* Under other settings packets do something else. */
    if (o->method == METHOD_M3 && !o->check.off && netconf_same(&f->conf, &f->windows_conf))
        check_combine(&f->windows, true, f->seed, o->threads, &out->slowdown, &out->check);
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
