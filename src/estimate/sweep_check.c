/* sweep_check: which settings of a sweep are checked by packet windows, and what that changes.
 *
 *   rows without a model      all of them
 *   the best row              since it is what will be acted on
 *   the least certain rows    one by one, given those before: ends of ranges, other controls
 *   the best row again        as corrections may have made another one best
 *
 * A checked row is what a single estimate with as many windows would say; the others are corrected
 * by what the checked ones show (transfer). The budget is divided equally: fewer rows where windows
 * would otherwise be too few to say anything, all rows where it suffices. Networks small enough are
 * simulated whole, a row per core. */
#include "estimate/sweep_check.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/units.h"
#include "estimate/transfer.h"

/* The default budget of a traffic, in nominal seconds: so much a row, and at least, … */
static const double ROW_S = 0.06, LEAST_S = 1.4;
/* … and the least of a checked row: some 4 to 8 windows. */
static const double LEAST_ROW_S = 0.7;
/* A row at least so alike one that is checked is not worth windows of its own. */
static const double ALIKE = 0.9;
/* Deviation of the logarithm of what so few windows show, for choosing rows. */
static const double NOISE = 0.06;
/* Of the rows that may be checked, these are kept for the best row when corrections change it: one
 * in three, at most two. */
enum { KEPT_PART = 3, KEPT_MOST = 2 };

typedef struct {
    SweepRow *const *rows; /* [n] */
    size_t n;
    const Scenario *scenario;
    const EstimateOptions *o;
    SweepRank rank;
    double row_share; /* a row's budget, of the run's packet-hops */
    bool whole;       /* it is enough to simulate the run whole */
    Slowdowns *model; /* [n] before corrections */
    size_t *chosen;   /* [n_chosen] */
    size_t n_chosen, n_done;
} Checks;

static NetConf conf_of(const SweepRow *row) {
    NetConf conf = row->conf;
    conf.line_window_b = row->estimate.window_b; /* not "auto" */
    return conf;
}

static bool has_model(const SweepRow *row) { return row->estimate.method == METHOD_M3; }

/* ---- windows ---- */

/* The row becomes what a single estimate with its budget would be. Several rows at once leave the
 * ranks alone. */
static int check_row(const Checks *c, size_t i, int threads, Ranks *ranks, Err *err) {
    SweepRow *row = c->rows[i];
    Scenario s = *c->scenario; /* shares all but the settings */
    EstimateOptions o = *c->o;
    Windows w;
    s.conf = conf_of(row);
    o.method = row->estimate.method;
    o.threads = threads;
    o.ranks = ranks;
    o.check = (CheckBudget){.share = c->row_share};
    row->estimate.slowdown = c->model[i];
    int rc = estimate_windows(&w, &s, &o, NULL, &row->estimate, err);
    windows_free(&w);
    return rc;
}

static int check_item(void *ctx, size_t item, int worker, Err *err) {
    (void)worker;
    const Checks *c = ctx;
    return check_row(c, c->chosen[c->n_done + item], 1, NULL, err);
}

/* Checks the rows that are chosen but not done. */
static int check_chosen(Checks *c, Err *err) {
    int rc = 0;
    if (c->whole) rc = par_try(c->n_chosen - c->n_done, c->o->threads, check_item, c, err);
    else
        for (size_t k = c->n_done; k < c->n_chosen && rc == 0; k++)
            rc = check_row(c, c->chosen[k], c->o->threads, c->o->ranks, err);
    c->n_done = c->n_chosen;
    return rc;
}

/* ---- which rows ---- */

static bool is_chosen(const Checks *c, size_t row) {
    for (size_t k = 0; k < c->n_chosen; k++)
        if (c->chosen[k] == row) return true;
    return false;
}

/* Whether the row, or one that is hardly different, is chosen. */
static bool is_covered(const Checks *c, size_t row) {
    NetConf a = conf_of(c->rows[row]);
    for (size_t k = 0; k < c->n_chosen; k++) {
        NetConf b = conf_of(c->rows[c->chosen[k]]);
        if (c->chosen[k] == row || transfer_likeness(&a, &b) >= ALIKE) return true;
    }
    return false;
}

/* Returns the row that ranks first, c->n if none has flows. */
static size_t best_row(const Checks *c) {
    size_t best = c->n;
    double least = INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        double x = c->rows[i]->estimate.slowdown.dist[c->rank.dist].q[c->rank.k].value;
        if (!(x < least)) continue;
        least = x;
        best = i;
    }
    return best;
}

/* The rows with a model, and their places; returns their number. */
static size_t modelled(const Checks *c, TransferRow *rows, size_t *place) {
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const SweepRow *row = c->rows[i];
        if (!has_model(row)) continue;
        rows[n] = (TransferRow){
            .conf = conf_of(row), .model = &c->model[i], .check = &row->estimate.check};
        place[n++] = i;
    }
    return n;
}

/* Chooses up to n_want rows in all. */
static void choose(Checks *c, size_t n_want) {
    TransferRow *rows = MEM_NEW(TransferRow, c->n);
    size_t *place = MEM_NEW(size_t, c->n), *chosen = MEM_NEW(size_t, c->n), n_given = 0,
           n = modelled(c, rows, place), n_others = 0;
    for (size_t k = 0; k < c->n_chosen; k++) n_others += !has_model(c->rows[c->chosen[k]]);
    for (size_t i = 0; i < n; i++)
        if (is_chosen(c, place[i])) chosen[n_given++] = i;
    size_t want = n_want > n_others ? n_want - n_others : 0;
    size_t got = transfer_choose(rows, n, c->rank.dist, c->rank.k, c->whole ? 0 : NOISE, chosen,
                                 n_given, want < n ? want : n);
    for (size_t k = n_given; k < got; k++) c->chosen[c->n_chosen++] = place[chosen[k]];
    free(rows);
    free(place);
    free(chosen);
}

static void correct(const Checks *c) {
    TransferRow *rows = MEM_NEW(TransferRow, c->n);
    Slowdowns **out = MEM_NEW(Slowdowns *, c->n);
    size_t *place = MEM_NEW(size_t, c->n), n = modelled(c, rows, place);
    for (size_t i = 0; i < n; i++) out[i] = &c->rows[place[i]]->estimate.slowdown;
    transfer_correct(rows, n, out);
    for (size_t i = 0; i < n; i++)
        c->rows[place[i]]->corrected = c->n_done > 0 && !rows[i].check->done;
    free(rows);
    free(out);
    free(place);
}

/* Checks rows in the order of the page's top, n_checks of them or all without a model. */
static int check_rows(Checks *c, size_t n_checks, Err *err) {
    for (size_t i = 0; i < c->n; i++)
        if (!has_model(c->rows[i])) c->chosen[c->n_chosen++] = i;
    size_t kept = n_checks / KEPT_PART < KEPT_MOST ? n_checks / KEPT_PART : KEPT_MOST,
           best = best_row(c);
    if (c->n_chosen < n_checks && best < c->n && has_model(c->rows[best]))
        c->chosen[c->n_chosen++] = best;
    choose(c, n_checks - kept);
    if (check_chosen(c, err) != 0) return -1;
    correct(c);
    while (c->n_chosen < n_checks) {
        size_t before = c->n_chosen;
        best = best_row(c);
        if (best < c->n && !is_covered(c, best)) c->chosen[c->n_chosen++] = best;
        else choose(c, c->n_chosen + 1);
        if (c->n_chosen == before) break; /* the others are certain */
        if (check_chosen(c, err) != 0) return -1;
        correct(c);
    }
    return 0;
}

/* ---- budget ---- */

/* Returns the number of rows to check, and sets what each gets. */
static size_t divide(Checks *c, double run_hops) {
    const CheckBudget *b = &c->o->check;
    double n = (double)c->n, hops = b->share > 0     ? b->share * run_hops * n
                                    : b->seconds > 0 ? b->seconds * CHECK_HOPS_PER_S
                                                     : fmax(ROW_S * n, LEAST_S) * CHECK_HOPS_PER_S;
    double least = fmin(run_hops, LEAST_ROW_S * CHECK_HOPS_PER_S),
           rows = fmin(fmax(floor(hops / least * (1 + 1e-9)), 1), n);
    c->row_share = hops / rows / run_hops;
    c->whole = c->row_share >= 1 - 1e-9;
    if (c->whole) c->row_share = 1;
    return (size_t)rows;
}

/* Returns the packet-hops that the whole run takes, about. */
static double run_hops(const Scenario *s, const EstimateOptions *o) {
    Windows w;
    WindowsOptions wo = {.seed = o->seed, .threads = o->threads};
    windows_init(&w, s, &wo);
    double hops = w.run_hops;
    windows_free(&w);
    return hops;
}

int sweep_check_rows(Sweep *out, SweepRow *const *rows, size_t n, const Scenario *s,
                     const EstimateOptions *o, SweepRank rank, const Log *log, Err *err) {
    double start_s = diag_now_s();
    Err why = {0};
    Checks c = {.rows = rows, .n = n, .scenario = s, .o = o, .rank = rank};
    if (n == 0 || s->source.n == 0) return 0;
    c.model = MEM_NEW(Slowdowns, n);
    c.chosen = MEM_NEW(size_t, n);
    bool all_modelled = true;
    for (size_t i = 0; i < n; i++) {
        c.model[i] = rows[i]->estimate.slowdown;
        all_modelled = all_modelled && has_model(rows[i]);
    }
    int rc = check_rows(&c, divide(&c, run_hops(s, o)), &why);
    if (rc != 0 && all_modelled && why.kind == ERR_INPUT) {
        log_note(log, "not checked by packet windows: %s", why.msg);
        rc = 0;
    }
    if (rc != 0 && err) *err = why;
    for (size_t i = 0; i < n; i++) out->n_checked += rows[i]->estimate.check.done;
    out->wall_check_s += diag_now_s() - start_s;
    free(c.model);
    free(c.chosen);
    return rc;
}

int sweep_check_saved(Sweep *out, Features *f, const EstimateOptions *o, Err *err) {
    Estimate saved;
    if (f->windows.n_flows == 0 || o->method != METHOD_M3 || o->check.off) return 0;
    NetConf conf = f->windows_conf;
    features_set_conf(f, &conf, o->threads);
    if (estimate_predict(f, o, &saved, err) != 0) return -1;
    size_t n = 0;
    TransferRow *rows = MEM_NEW(TransferRow, out->n + 1);
    Slowdowns *model = MEM_NEW(Slowdowns, out->n), **to = MEM_NEW(Slowdowns *, out->n + 1);
    for (size_t i = 0; i < out->n; i++) {
        SweepRow *row = &out->rows[i];
        out->n_checked += row->estimate.check.done;
        if (row->estimate.check.done) continue; /* under the settings of the windows */
        row->corrected = true;
        model[n] = row->estimate.slowdown;
        rows[n] = (TransferRow){.conf = conf_of(row), .model = &model[n]};
        to[n++] = &row->estimate.slowdown;
    }
    conf.line_window_b = saved.window_b;
    rows[n] = (TransferRow){.conf = conf, .model = &saved.check.model, .check = &saved.check};
    to[n++] = &saved.slowdown;
    transfer_correct(rows, n, to);
    free(rows);
    free(model);
    free(to);
    return 0;
}
