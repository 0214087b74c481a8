/* evaluate_nets: estimates of whole networks against packet simulations of the same flows.
 *
 * Truth is the distribution of fct/ideal over all flows that finished. Beside it, for the same flows and settings, the
 * whole pipeline is run twice: with the model, and with the fluid simulation alone. Both draw the same paths. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/estimate.h"
#include "app/evaluate.h"
#include "base/json.h"

EvalSummary evalsummary_of(const double *errors, size_t n) {
    if (n == 0) return (EvalSummary){0, NAN, NAN, NAN, NAN, NAN};
    EvalSummary s = {.n = n};
    double *abs_error = MEM_NEW(double, n);
    for (size_t i = 0; i < n; i++) {
        abs_error[i] = fabs(errors[i]);
        s.mean_abs += abs_error[i] / (double)n;
        s.mean_signed += errors[i] / (double)n;
    }
    stats_sort(abs_error, n);
    s.median_abs = abs_error[stats_rank(n, 50)];
    s.p90_abs = abs_error[stats_rank(n, 90)];
    s.max_abs = abs_error[n - 1];
    free(abs_error);
    return s;
}

/* ---- one network ---- */

/* The settings of scenario.json as assignments; cc comes before the parameters whose meaning hangs on it. */
enum { N_SETTINGS = 6 };
static const char *const setting_keys[N_SETTINGS] = {"cc", "bfsz", "window", "enable_pfc", "param_1", "param_2"};

static int read_settings(const char *path, char *settings[N_SETTINGS], Err *err) {
    JsonDoc *doc = json_open(path, err);
    if (!doc) return -1;
    Json root = json_root(doc), j;
    int rc = 0;
    for (int i = 0, n = 0; rc == 0 && i < N_SETTINGS; i++) {
        const char *text;
        double x;
        rc = json_need(&root, setting_keys[i], &j, err);
        if (rc != 0) break;
        if (json_is_string(&j)) rc = json_string(&j, &text, err);
        else if ((rc = json_number(&j, &x, err)) == 0) settings[n++] = mem_printf("%s=%s", setting_keys[i], json_number_text(x).s);
        if (rc == 0 && json_is_string(&j)) settings[n++] = mem_printf("%s=%s", setting_keys[i], text);
    }
    json_close(doc);
    return rc;
}

static int load_network(Scenario *s, const char *dir, const EvalNetOptions *o, Err *err) {
    char *settings[N_SETTINGS + 1] = {0};
    char *json = file_join(dir, "scenario.json"), *topo = file_join(dir, "topo.json"), *flows = file_join(dir, "flows.csv");
    int rc = read_settings(json, settings, err);
    if (rc == 0) {
        ScenarioOptions so = {.topo_path = topo,
                              .flows_path = flows,
                              .mix_id = -1,
                              .set = (const char *const *)settings,
                              .seed = o->seed,
                              .threads = o->threads};
        rc = scenario_load(s, &so, NULL, err);
        if (rc != 0) err_wrap(err, "%s", dir);
    }
    for (int i = 0; i < N_SETTINGS; i++) free(settings[i]);
    free(json);
    free(topo);
    free(flows);
    return rc;
}

static int true_distribution(const Flows *f, const char *dir, AggResult *truth, size_t *n_finished, Err *err) {
    if (!f->fct_ns || !f->ideal_fct_ns) return err_input(err, "%s/flows.csv: expected columns fct_ns and ideal_fct_ns", dir);
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

static const AggDist *dist_of(const AggResult *r, int row) { return row == EVAL_ALL_BUCKETS ? &r->all : &r->bucket[row]; }

static double quantile_of(const AggResult *r, int row, int k) {
    const AggDist *d = dist_of(r, row);
    return d->share > 0 ? d->percentiles[eval_percentiles[k] - 1] : NAN;
}

static int evaluate_one(const char *dir, const EvalNetOptions *o, const Log *log, EvalNet *out, Err *err) {
    Scenario s;
    AggResult truth;
    Estimate m3, flowsim;
    if (load_network(&s, dir, o, err) != 0) return -1;
    EstimateOptions eo = {.method = METHOD_M3, .ckpt = o->ckpt, .n_paths = o->n_paths, .seed = o->seed, .threads = o->threads};
    int rc = true_distribution(&s.flows, dir, &truth, &out->n_finished, err);
    if (rc == 0) rc = estimate_run(&s, &eo, log, &m3, err);
    eo.method = METHOD_FLOWSIM;
    if (rc == 0) rc = estimate_run(&s, &eo, log, &flowsim, err);
    if (rc == 0) {
        out->cc = s.net.cc;
        out->n_flows = s.flows.n;
        out->n_paths = m3.n_unique;
        for (int row = 0; row <= EVAL_ALL_BUCKETS; row++)
            for (int k = 0; k < EVAL_N_PCT; k++)
                out->q[row][k] =
                    (EvalQuantile){quantile_of(&truth, row, k), quantile_of(&m3.slowdown, row, k), quantile_of(&flowsim.slowdown, row, k)};
    }
    scenario_free(&s);
    return rc;
}

/* ---- a folder of them ---- */

static int by_name(const void *a, const void *b) { return strcmp(((const EvalNet *)a)->name, ((const EvalNet *)b)->name); }

static bool holds_network(const char *dir, const char *name) {
    char *flows = mem_printf("%s/%s/flows.csv", dir, name), *topo = mem_printf("%s/%s/topo.json", dir, name);
    bool yes = file_exists(flows) && file_exists(topo);
    free(flows);
    free(topo);
    return yes;
}

static int list_networks(const char *dir, EvalNet **nets, size_t *n, Err *err) {
    DIR *d = opendir(dir);
    if (!d) return err_input(err, "%s: cannot open directory: %s", dir, strerror(errno));
    size_t cap = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.' || !holds_network(dir, e->d_name)) continue;
        MEM_GROW(*nets, cap, *n + 1);
        (*nets)[(*n)++] = (EvalNet){.name = mem_strdup(e->d_name)};
    }
    closedir(d);
    if (*n == 0) return err_input(err, "%s: no subdirectory holds a topo.json and a flows.csv", dir);
    qsort(*nets, *n, sizeof **nets, by_name);
    return 0;
}

int evaluate_networks(const char *dir, const EvalNetOptions *o, const Log *log, EvalNet **nets, size_t *n, Err *err) {
    *nets = NULL;
    *n = 0;
    int rc = list_networks(dir, nets, n, err);
    Progress p;
    progress_init(&p, log, "networks", *n);
    for (size_t i = 0; rc == 0 && i < *n; i++) {
        char *sub = file_join(dir, (*nets)[i].name);
        rc = diag_stop_requested() ? err_stopped(err) : evaluate_one(sub, o, NULL, &(*nets)[i], err);
        free(sub);
        progress_update(&p, i + 1);
    }
    progress_finish(&p);
    if (rc == 0) return 0;
    evalnets_free(*nets, *n);
    *nets = NULL;
    *n = 0;
    return -1;
}

void evalnets_free(EvalNet *nets, size_t n) {
    for (size_t i = 0; i < n; i++) free(nets[i].name);
    free(nets);
}
