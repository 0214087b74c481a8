/* evaluate_nets: estimates of whole networks against packet simulations of the same flows.
 *
 * Truth is the distribution of fct_ns / ideal_fct_ns over all flows that finished. For the same
 * flows and settings the whole pipeline runs twice, with the model and with the fluid simulation
 * alone; both draw the same paths. */
#include "evaluate/evaluate_nets.h"

#include <math.h>
#include <stdlib.h>

#include "data/netdir.h"
#include "estimate/estimate.h"

/* ---- one network ---- */

static int true_distribution(const Flows *f, const char *dir, Slowdowns *truth, size_t *n_finished,
                             Err *err) {
    if (!f->fct_ns || !f->ideal_fct_ns)
        return err_input(err, "%s/flows.csv: expected columns fct_ns and ideal_fct_ns", dir);
    uint64_t *size_b = MEM_NEW(uint64_t, f->n);
    double *slowdown = MEM_NEW(double, f->n);
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (!(f->fct_ns[i] > 0 && f->ideal_fct_ns[i] > 0)) continue;
        size_b[n] = f->size_b[i];
        slowdown[n++] = f->fct_ns[i] / f->ideal_fct_ns[i];
    }
    int rc = n > 0 ? 0 : err_input(err, "%s/flows.csv: no flow has finished", dir);
    if (rc == 0) aggregate_flows(size_b, slowdown, n, truth);
    *n_finished = n;
    free(size_b);
    free(slowdown);
    return rc;
}

/* Fills the quantiles of a network whose finished flows were counted. */
static void compare(EvaluateNet *out, const Slowdowns *truth, const Estimate *m3,
                    const Estimate *flowsim) {
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        const SlowdownDist *t = &truth->dist[d];
        /* share × n_finished is a count but for rounding. */
        bool enough = t->share * (double)out->n_finished > EVALUATE_MIN_FLOWS - 0.5;
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            const SlowdownQuantile *e = &m3->slowdown.dist[d].q[k];
            out->q[d][k] = (EvaluateQuantile){.truth = enough ? t->q[k].value : NAN,
                                              .flowsim = flowsim->slowdown.dist[d].q[k].value,
                                              .m3 = e->value,
                                              .lo = e->lo,
                                              .hi = e->hi,
                                              .model = NAN,
                                              .sampled = NAN};
            if (!m3->check.done) continue;
            out->q[d][k].sampled = m3->check.sampled.dist[d].q[k].value;
            if (m3->check.has_model) out->q[d][k].model = m3->check.model.dist[d].q[k].value;
        }
    }
    out->max_load = m3->max_load;
    out->checked = m3->check.done;
    if (out->checked) out->hops_share = (double)m3->check.n_hops / m3->check.run_hops;
    out->has_intervals = out->checked ? !m3->check.whole : m3->model_error || !m3->exhaustive;
}

static int evaluate_one(const char *dir, const EvaluateNetOptions *o, const Log *log,
                        EvaluateNet *out, Err *err) {
    Scenario s;
    Slowdowns truth;
    Estimate m3, flowsim;
    if (netdir_load(&s, dir, o->seed, o->threads, err) != 0) return -1;
    EstimateOptions eo = {.method = o->sampled ? METHOD_SAMPLED : METHOD_M3,
                          .ckpt = o->ckpt,
                          .check = o->check,
                          .fall_back = true,
                          .hpcc_ns3 = o->hpcc_ns3,
                          .n_paths = o->n_paths,
                          .seed = o->seed,
                          .threads = o->threads};
    int rc = true_distribution(&s.flows, dir, &truth, &out->n_finished, err);
    if (rc == 0) rc = nettraits_read(&out->traits, dir, &s.topo, err);
    double start_s = diag_now_s();
    if (rc == 0 && (rc = estimate_run(&s, &eo, log, &m3, err)) != 0) err_wrap(err, "%s", dir);
    out->wall_s = diag_now_s() - start_s;
    eo.method = METHOD_FLOWSIM;
    if (rc == 0) rc = estimate_run(&s, &eo, log, &flowsim, err);
    if (rc == 0) {
        out->cc = s.conf.cc;
        out->n_flows = s.flows.n;
        out->n_paths = m3.n_unique;
        compare(out, &truth, &m3, &flowsim);
    }
    scenario_free(&s);
    return rc;
}

/* ---- a folder of them ---- */

typedef struct {
    const char *dir;
    const EvaluateNetOptions *o;
    EvaluateNet *nets;
    size_t n_done;
    Progress progress;
} EvaluateNetsRun;

static int run_network(void *ctx, size_t i, int worker, Err *err) {
    (void)worker;
    EvaluateNetsRun *r = ctx;
    char *sub = file_join(r->dir, r->nets[i].name);
    int rc = evaluate_one(sub, r->o, NULL, &r->nets[i], err);
    free(sub);
    progress_update(&r->progress, ++r->n_done);
    return rc;
}

static void pack_network(void *ctx, size_t i, RanksOut *out) {
    ranks_put(out, &((EvaluateNetsRun *)ctx)->nets[i], sizeof(EvaluateNet));
}

static void unpack_network(void *ctx, size_t i, RanksIn *in) {
    EvaluateNet *net = &((EvaluateNetsRun *)ctx)->nets[i];
    char *name = net->name;
    ranks_get(in, net, sizeof *net);
    net->name = name;
}

int evaluate_nets(const char *dir, const EvaluateNetOptions *o, const Log *log, EvaluateNet **nets,
                  size_t *n, Err *err) {
    char **names;
    *nets = NULL;
    *n = 0;
    if (netdir_list(dir, &names, n, err) != 0) {
        *n = 0;
        return -1;
    }
    *nets = MEM_ZNEW(EvaluateNet, *n);
    for (size_t i = 0; i < *n; i++) (*nets)[i].name = names[i];
    free(names);
    EvaluateNetsRun r = {.dir = dir, .o = o, .nets = *nets};
    RanksLoop loop = {.n = *n,
                      .grain = 1,
                      .threads = 1, /* each network is estimated by all */
                      .run = run_network,
                      .pack = pack_network,
                      .unpack = unpack_network,
                      .ctx = &r};
    progress_init(&r.progress, log, "networks", *n);
    int rc = ranks_run(o->ranks, &loop, err);
    progress_finish(&r.progress);
    if (rc == 0) return 0;
    evaluate_nets_free(*nets, *n);
    *nets = NULL;
    *n = 0;
    return -1;
}

void evaluate_nets_free(EvaluateNet *nets, size_t n) {
    for (size_t i = 0; i < n; i++) free(nets[i].name);
    free(nets);
}

/* ---- mean errors ---- */

static void add_cell(EvaluateError *e, const EvaluateQuantile *q, bool flowsim) {
    double estimate = flowsim ? q->flowsim : q->m3;
    if (isfinite(q->truth) && isfinite(estimate)) evaluate_error_add(e, estimate, q->truth);
}

double evaluate_nets_mean_error(const EvaluateNet *nets, size_t n, bool flowsim) {
    EvaluateError e = {0};
    for (size_t i = 0; i < n; i++)
        for (int row = 0; row < RESULT_N_DISTS; row++)
            for (int k = 0; k < EVALUATE_N_SHOWN; k++)
                add_cell(&e, &nets[i].q[result_table_dist(row)][k], flowsim);
    return evaluate_error_mean_abs(&e);
}

double evaluate_nets_cell_error(const EvaluateNet *nets, size_t n, int dist, int k, bool flowsim) {
    EvaluateError e = {0};
    for (size_t i = 0; i < n; i++) add_cell(&e, &nets[i].q[dist][k], flowsim);
    return evaluate_error_mean_abs(&e);
}
