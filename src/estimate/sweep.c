/* sweep: the combinations of a grid, each estimated, in the order in which most is shared.
 *
 *   plan: combination → mix with its settings; combinations equal in effect become one row
 *   for each traffic:            scenario_load
 *     for each fluid simulation:   estimate_features
 *       for each setting:            features_set_conf, estimate_predict
 *     under some settings:         packet windows, which correct all (sweep_check)
 *
 * Rows come out in the grid's order, in whatever order they were computed. All have the same seed:
 * paths, flows and resamples are common to them, so that differences between rows are those of the
 * settings. One traffic's flows and features are in memory at a time. */
#include "estimate/sweep.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "estimate/sweep_check.h"
#include "estimate/transfer.h"
#include "features/features.h"

bool sweep_applies(const SweepRow *row, const GridAxis *axis) {
    return mix_key_applies(axis->key, &row->conf);
}

/* ---- plan ---- */

/* A row that is to be computed. */
typedef struct {
    Mix mix;
    bool done;
} SweepPlan;

typedef struct {
    const Grid *grid;
    const ScenarioOptions *scenario; /* or, NULL: */
    Features *given;                 /* features that were computed before */
    const EstimateOptions *estimate;
    SweepRank rank;
    const Log *log;
    Progress progress;
    SweepPlan *planned; /* [n], as out->rows */
    size_t n, n_done;
    Sweep *out;
} SweepRun;

/* Returns the combination as a list for ScenarioOptions.set; free_settings releases it. */
static const char **settings_of(const Grid *g, size_t combination) {
    const char **set = MEM_NEW(const char *, g->n_axes + 1);
    for (size_t a = 0; a < g->n_axes; a++)
        set[a] = mem_printf("%s=%s", g->axes[a].key, grid_value(g, combination, a));
    set[g->n_axes] = NULL;
    return set;
}

static void free_settings(const char **set) {
    for (const char **s = set; *s; s++) free((char *)*s);
    free(set);
}

static int plan_mix(const SweepRun *r, size_t combination, Mix *m, Err *err) {
    const char **set = settings_of(r->grid, combination);
    int rc;
    mix_init(m);
    if (r->given) {
        rc = features_settings(r->given, set, &m->conf, err);
    } else {
        assert(r->scenario);
        ScenarioOptions o = *r->scenario;
        o.set = set;
        rc = scenario_mix(m, &o, NULL, err);
        /* A missing file is found before any work is done. */
        bool draws = o.mix_path && !o.flows_path;
        if (rc == 0 && draws && m->matrix && !file_exists(m->matrix))
            rc = err_input(err, "matrix: %s does not exist", m->matrix);
        else if (rc == 0 && draws && !file_exists(m->sizes))
            rc = err_input(err, "sizes: %s does not exist", m->sizes);
    }
    free_settings(set);
    return rc == 0 ? estimate_check_conf(r->estimate, &m->conf, err) : rc;
}

/* Plans the rows in grid order; a combination that equals an earlier one in effect is left out. */
static int plan(SweepRun *r, Err *err) {
    r->planned = MEM_ZNEW(SweepPlan, r->grid->n);
    r->out->rows = MEM_ZNEW(SweepRow, r->grid->n);
    for (size_t c = 0; c < r->grid->n; c++) {
        Mix *m = &r->planned[r->n].mix;
        if (plan_mix(r, c, m, err) != 0) {
            mix_free(m);
            return -1;
        }
        size_t i = 0;
        while (i < r->n && !(mix_same_traffic(&r->planned[i].mix, m) &&
                             netconf_same(&r->planned[i].mix.conf, &m->conf)))
            i++;
        if (i < r->n) mix_free(m);
        else r->out->rows[r->n++] = (SweepRow){.combination = c, .conf = m->conf};
    }
    r->out->n = r->n;
    return 0;
}

/* ---- checks ---- */

/* Refuses an axis whose values could make no difference: equal rows would look like a finding. */
static int check_axes(const SweepRun *r, Err *err) {
    const ScenarioOptions *so = r->scenario;
    for (size_t i = 0; i < r->grid->n_axes; i++) {
        const GridAxis *a = &r->grid->axes[i];
        bool traffic = mix_key_is_traffic(a->key);
        bool amount = strcmp(a->key, "n_flows") == 0 || strcmp(a->key, "duration") == 0;
        if (a->n == 1) continue;
        if (!traffic && r->estimate->method == METHOD_FLOWSIM)
            return err_input(err,
                             "--set %s: method flowsim does not depend on the network's settings, "
                             "only on its traffic",
                             a->key);
        if (!so) continue; /* features_settings refuses traffic */
        if (traffic && so->flows_path && !mix_key_is_fault(a->key))
            return err_input(err, "--set %s: the flows come from %s; only a mix draws others",
                             a->key, so->flows_path);
        if (amount && (so->n_flows > 0 || so->duration_s > 0))
            return err_input(err, "--set %s: --n-flows and --duration go before it; leave them out",
                             a->key);
    }
    return 0;
}

/* Refuses an axis that has no effect in any of the planned rows, and notes how many combinations
 * have none of their own. */
static int check_rows(const SweepRun *r, Err *err) {
    for (size_t k = 0; k < r->grid->n_axes; k++) {
        const GridAxis *a = &r->grid->axes[k];
        size_t i = 0;
        while (i < r->n && !sweep_applies(&r->out->rows[i], a)) i++;
        if (a->n > 1 && i == r->n)
            return err_input(err, "--set %s: has no effect under any cc of this sweep", a->key);
    }
    size_t merged = r->grid->n - r->n;
    if (merged > 0)
        log_note(r->log,
                 "%s of %s combinations have the effect of another (a parameter of a cc not in use "
                 "has none): left out",
                 units_count(merged).s, units_count(r->grid->n).s);
    return 0;
}

/* ---- work ---- */

/* Predicts row i from features that may be reused under its settings. */
static int predict_row(SweepRun *r, size_t i, Features *f, SweepStage computed, Err *err) {
    SweepRow *row = &r->out->rows[i];
    double start_s = diag_now_s();
    if (diag_stop_requested()) return err_stopped(err);
    features_set_conf(f, &row->conf, r->estimate->threads);
    if (estimate_predict(f, r->estimate, &row->estimate, err) != 0) return -1;
    row->computed = computed;
    row->wall_s = diag_now_s() - start_s;
    r->out->wall_predict_s += row->wall_s;
    r->planned[i].done = true;
    progress_update(&r->progress, ++r->n_done);
    return 0;
}

/* Whether the checkpoint knows the row's congestion control; else only packet windows do. */
static bool has_model(const SweepRun *r, size_t i) {
    return r->estimate->method != METHOD_M3 ||
           ckpt_check_cc(r->estimate->ckpt, r->out->rows[i].conf.cc, NULL) == 0;
}

/* Row i, of which nothing is predicted. */
static void describe_row(SweepRun *r, size_t i, const Scenario *s, SweepStage computed) {
    SweepRow *row = &r->out->rows[i];
    double window_b = row->conf.line_window_b;
    row->estimate = (Estimate){.method = METHOD_SAMPLED,
                               .n_flows = s->source.n,
                               .window_b = window_b == NETCONF_AUTO ? s->base_bdp_b : window_b,
                               .base_bdp_b = s->base_bdp_b};
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            row->estimate.slowdown.dist[d].q[k] = (SlowdownQuantile){NAN, NAN, NAN};
    row->computed = computed;
    r->planned[i].done = true;
    progress_update(&r->progress, ++r->n_done);
}

/* Simulates the paths of row `first` and predicts all rows of its traffic that may reuse them. */
static int share_fluid(SweepRun *r, size_t first, Scenario *s, SweepStage computed, Err *err) {
    Features f;
    scenario_set_conf(s, &r->out->rows[first].conf);
    if (estimate_features(&f, s, r->estimate, r->log, err) != 0) return -1;
    r->out->n_fluid++;
    r->out->wall_fluid_s += f.wall_fluid_s;
    int rc = 0;
    for (size_t i = first; i < r->n && rc == 0; i++) {
        bool mine = !r->planned[i].done &&
                    !estimate_falls_back(r->estimate, s, &r->out->rows[i].conf) &&
                    mix_same_traffic(&r->planned[i].mix, &r->planned[first].mix);
        if (mine && has_model(r, i) && features_reusable_under(&f, &r->out->rows[i].conf))
            rc = predict_row(r, i, &f, i == first ? computed : SWEEP_MODEL, err);
    }
    features_free(&f);
    return rc;
}

/* Loads the traffic of row `first` and computes all rows that have it. */
static int share_traffic(SweepRun *r, size_t first, Err *err) {
    Scenario s;
    ScenarioOptions o = *r->scenario;
    const char **set = settings_of(r->grid, r->out->rows[first].combination);
    double start_s = diag_now_s();
    o.set = set;
    int rc = scenario_load(&s, &o, r->out->n_traffic == 0 ? r->log : NULL, err);
    free_settings(set);
    if (rc != 0) return -1;
    r->out->n_traffic++;
    r->out->wall_traffic_s += diag_now_s() - start_s;
    if (!r->out->topo) r->out->topo = mem_strdup(o.topo_path ? o.topo_path : s.topo.name);
    SweepRow **rows = MEM_NEW(SweepRow *, r->n);
    size_t n_rows = 0;
    rc = estimate_check_network(r->estimate, &s, err);
    for (size_t i = first; i < r->n && rc == 0; i++) {
        if (!mix_same_traffic(&r->planned[i].mix, &r->planned[first].mix)) continue;
        SweepStage stage = i == first ? SWEEP_TRAFFIC : SWEEP_FLUID;
        rows[n_rows++] = &r->out->rows[i];
        if (r->planned[i].done) continue;
        const NetConf *conf = &r->out->rows[i].conf;
        if (has_model(r, i) && !estimate_falls_back(r->estimate, &s, conf))
            rc = share_fluid(r, i, &s, stage, err);
        else describe_row(r, i, &s, stage);
    }
    if (rc == 0 && estimate_has_windows(r->estimate))
        rc = sweep_check_rows(r->out, rows, n_rows, &s, r->estimate, r->rank, r->log, err);
    free(rows);
    scenario_free(&s);
    return rc;
}

/* Notes under how many of the checked settings packets are lost, and how many are so far from the
 * model that the windows are followed. */
static void remark_checks(const SweepRun *r) {
    size_t n_lossy = 0, n_apart = 0;
    double most = 0;
    for (size_t i = 0; i < r->n; i++) {
        const Check *c = &r->out->rows[i].estimate.check;
        if (!c->done) continue;
        n_lossy += c->drop_share > CHECK_REMARK_DROPS;
        n_apart += c->apart[RESULT_P99] && !c->whole;
        most = fmax(most, c->drop_share);
    }
    if (n_apart > 0)
        log_note(r->log,
                 "under %s of %s checked settings packet windows are further from the model's p99 "
                 "than the errors of both; there they are followed",
                 units_count(n_apart).s, units_count(r->out->n_checked).s);
    if (n_lossy > 0)
        log_note(r->log, "under %s of %s checked settings packets are lost, up to %.2g %%",
                 units_count(n_lossy).s, units_count(r->out->n_checked).s, 100 * most);
}

/* Makes the remarks of a single estimate once for all rows: on the inputs furthest out of range and
 * the fullest buffers. */
static void remark(const SweepRun *r) {
    Estimate worst = r->out->rows[0].estimate;
    for (size_t i = 1; i < r->n; i++) {
        const Estimate *e = &r->out->rows[i].estimate;
        if (flowrange_excess(&e->range) > flowrange_excess(&worst.range))
            worst.range = e->range, worst.n_outside = e->n_outside, worst.n_unique = e->n_unique;
        worst.overflow = fmax(worst.overflow, e->overflow);
    }
    worst.check = (Check){0};
    estimate_remark(&worst, r->log);
    remark_checks(r);
}

static int run(SweepRun *r, Err *err) {
    *r->out = (Sweep){0};
    Method m = r->estimate->method;
    if (m == METHOD_PACKET || m == METHOD_SAMPLED || m == METHOD_PARSIMON)
        return err_input(err,
                         "sweep: method %s has nothing to share between settings; use m3 estimate "
                         "for each",
                         m == METHOD_PACKET    ? "packet"
                         : m == METHOD_SAMPLED ? "sampled"
                                               : "parsimon");
    int rc = check_axes(r, err);
    if (rc == 0) rc = plan(r, err);
    if (rc == 0) rc = check_rows(r, err);
    progress_init(&r->progress, r->log, "settings", r->n);
    for (size_t i = 0; i < r->n && rc == 0; i++) {
        if (r->planned[i].done) continue;
        rc = r->given ? predict_row(r, i, r->given, SWEEP_MODEL, err) : share_traffic(r, i, err);
    }
    progress_finish(&r->progress);
    if (rc == 0 && r->given) rc = sweep_check_saved(r->out, r->given, r->estimate, err);
    if (rc == 0) remark(r);
    for (size_t i = 0; i < r->n; i++) mix_free(&r->planned[i].mix);
    free(r->planned);
    return rc;
}

int sweep_run(Sweep *s, const Grid *g, const ScenarioOptions *so, const EstimateOptions *eo,
              SweepRank rank, const Log *log, Err *err) {
    SweepRun r = {.grid = g, .scenario = so, .estimate = eo, .rank = rank, .log = log, .out = s};
    return run(&r, err);
}

int sweep_features(Sweep *s, const Grid *g, Features *f, const EstimateOptions *eo, const Log *log,
                   Err *err) {
    SweepRun r = {.grid = g, .given = f, .estimate = eo, .log = log, .out = s};
    return run(&r, err);
}

void sweep_free(Sweep *s) {
    free(s->rows);
    free(s->topo);
    *s = (Sweep){0};
}

size_t sweep_best(const Sweep *s, SweepRank rank) {
    size_t best = s->n;
    double least = INFINITY;
    for (size_t i = 0; i < s->n; i++) {
        double x = s->rows[i].estimate.slowdown.dist[rank.dist].q[rank.k].value;
        if (!(x < least)) continue;
        least = x;
        best = i;
    }
    return best;
}
