/* transfer: one network under many settings, a few of them checked by packet windows.
 *
 * The model's error, log(model / truth), is taken as a random function of the settings: of
 * deviation σ where the model says so, and of the more correlation between two settings the more
 * alike they are (transfer_likeness). Windows observe it with an error of their own. What is then
 * expected elsewhere is a weighted mean of what was observed, kriging in geostatistics, and what
 * stays uncertain follows too:
 *
 *   K_ij = σ_i σ_j ρ_ij     N_ij = s_i s_j ρ_ij     shift_i = k_i (K + N)⁻¹ y
 *   variance_i = σ_i² − k_i (K + N)⁻¹ k_iᵀ
 *
 * with y = log(windows / model). The windows' errors are as correlated as the model's, since they
 * lie at the same times of the same traffic. The product of exponentials of distances that ρ is
 * makes shifts between two settings lie between theirs: no overshoot.
 *
 * As for a single estimate (check), σ is CHECK_TYPICAL times what the model's interval says where
 * shifts are weighed, the whole where intervals are made; both grow where observed differences are
 * larger than they allow. Each quantile of each distribution is on its own. */
#include "estimate/transfer.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* Correlations and distances were chosen such that they agree with what whole simulations of
 * networks under grids of settings show (tests/bench/README.md). */
static const double OTHER_CC = 0.5, OTHER_FLAG = 0.7;
/* Correlation falls by e where a setting grows by so many times e, … */
static const double LOG_RANGE = 1.2, LOG_RANGE_OF_RATES = 10;
/* … and is not below this for any single setting. */
static const double LEAST_LIKENESS = 0.1;
/* Added to the diagonal, relative to it: keeps matrices of settings that are nearly equal regular.
 */
static const double NUGGET = 1e-6;

/* ---- likeness ---- */

/* A setting on an axis on which equal distances mean equal effects, more or less. */
static double place(const NetConfRow *row, double x) {
    if (row->type == NETCONF_FRACTION) {
        double y = fmin(fmax(x, 1e-3), 1 - 1e-3);
        return log(y / (1 - y));
    }
    return log(fmax(x, 0));
}

double transfer_likeness(const NetConf *a, const NetConf *b) {
    double rho = a->cc == b->cc ? 1 : OTHER_CC;
    for (const NetConfRow *row = netconf_rows; row->key; row++) {
        double x = netconf_number(a, row), y = netconf_number(b, row);
        if (row->type == NETCONF_CC || x == y) continue;
        if (!netconf_applies(row->key, a) || !netconf_applies(row->key, b)) continue;
        if (row->type == NETCONF_ROUTING) {
            rho *= OTHER_FLAG;
            continue;
        }
        double range = row->type == NETCONF_RATE ? LOG_RANGE_OF_RATES : LOG_RANGE,
               d = fabs(place(row, x) - place(row, y)) / range; /* infinite if one is 0 */
        rho *= row->type == NETCONF_FLAG ? OTHER_FLAG : fmax(exp(-d), LEAST_LIKENESS);
    }
    return rho;
}

/* ---- choice ---- */

static double model_deviation(const TransferRow *r, int dist, int k) {
    const SlowdownQuantile *q = &r->model->dist[dist].q[k];
    return isnan(q->value) ? 0 : check_deviation(q);
}

/* A row is added to a partial Cholesky factorisation of K + N with pivots: variance[i] is what is
 * left of row i's, factor[t] the column of the t-th row chosen. */
typedef struct {
    const TransferRow *rows;
    size_t n, n_factors;
    double *sigma, *variance; /* [n] */
    double **factor;          /* [n_factors][n] */
    double noise;
} Choice;

static void observe(Choice *c, size_t pivot) {
    double *column = MEM_NEW(double, c->n), scale = sqrt(c->variance[pivot] + c->noise * c->noise);
    for (size_t i = 0; i < c->n; i++) {
        double left = c->sigma[i] * c->sigma[pivot] *
                      transfer_likeness(&c->rows[i].conf, &c->rows[pivot].conf);
        for (size_t t = 0; t < c->n_factors; t++) left -= c->factor[t][i] * c->factor[t][pivot];
        column[i] = scale > 0 ? left / scale : 0;
    }
    for (size_t i = 0; i < c->n; i++)
        c->variance[i] = fmax(c->variance[i] - column[i] * column[i], 0);
    c->factor[c->n_factors++] = column;
}

size_t transfer_choose(const TransferRow *rows, size_t n, int dist, int k, double noise,
                       size_t *chosen, size_t n_chosen, size_t n_want) {
    Choice c = {.rows = rows,
                .n = n,
                .sigma = MEM_NEW(double, n),
                .variance = MEM_NEW(double, n),
                .factor = MEM_NEW(double *, n_want + 1),
                .noise = noise};
    bool *taken = MEM_ZNEW(bool, n);
    for (size_t i = 0; i < n; i++) {
        c.sigma[i] = model_deviation(&rows[i], dist, k);
        c.variance[i] = c.sigma[i] * c.sigma[i];
    }
    for (size_t i = 0; i < n_chosen; i++) {
        taken[chosen[i]] = true;
        observe(&c, chosen[i]);
    }
    while (n_chosen < n_want) {
        size_t best = n;
        for (size_t i = 0; i < n; i++)
            if (!taken[i] && (best == n || c.variance[i] > c.variance[best])) best = i;
        if (best == n || !(c.variance[best] > 0)) break;
        taken[best] = true;
        chosen[n_chosen++] = best;
        if (n_chosen < n_want) observe(&c, best);
    }
    for (size_t t = 0; t < c.n_factors; t++) free(c.factor[t]);
    free(c.factor);
    free(c.sigma);
    free(c.variance);
    free(taken);
    return n_chosen;
}

/* ---- correction ---- */

/* What was observed of one quantile. */
typedef struct {
    const TransferRow *rows;
    size_t n_rows;
    const size_t *at; /* [n] the rows with windows */
    size_t n;
    const double *rho;         /* [n_rows][n] likeness of any row and those */
    double *sigma, *y, *s;     /* [n] the model's deviation; what was observed, and its deviation */
    double grown;              /* variance of the model over what it says */
    double *l, *solved, *work; /* [n][n] Cholesky factor of K + N; [n] (K + N)⁻¹ y; [n] */
} Observed;

/* l l^T = a, in place of the lower triangle of a. */
static void cholesky(double *a, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (size_t t = 0; t < j; t++) sum -= a[i * n + t] * a[j * n + t];
            a[i * n + j] = i == j ? sqrt(fmax(sum, NUGGET * a[i * n + i])) : sum / a[j * n + j];
        }
}

/* x ← l⁻¹ x, and x ← l⁻ᵀ x. */
static void solve_lower(const double *l, size_t n, double *x) {
    for (size_t i = 0; i < n; i++) {
        for (size_t t = 0; t < i; t++) x[i] -= l[i * n + t] * x[t];
        x[i] /= l[i * n + i];
    }
}

static void solve_upper(const double *l, size_t n, double *x) {
    for (size_t i = n; i-- > 0;) {
        for (size_t t = i + 1; t < n; t++) x[i] -= l[t * n + i] * x[t];
        x[i] /= l[i * n + i];
    }
}

/* Sets up the observations for a model whose deviation is `scale` times what it says. */
static void weigh(Observed *o, double scale) {
    double grown = 0;
    for (size_t i = 0; i < o->n; i++) {
        double v = scale * o->sigma[i] * scale * o->sigma[i];
        grown += (o->y[i] * o->y[i] - o->s[i] * o->s[i]) / v / (double)o->n;
    }
    o->grown = scale * scale * fmax(grown, 1);
    for (size_t i = 0; i < o->n; i++)
        for (size_t j = 0; j <= i; j++) {
            double k = o->grown * o->sigma[i] * o->sigma[j] + o->s[i] * o->s[j];
            o->l[i * o->n + j] = o->rho[o->at[i] * o->n + j] * k * (i == j ? 1 + NUGGET : 1);
        }
    cholesky(o->l, o->n);
}

static void solve(Observed *o) {
    for (size_t i = 0; i < o->n; i++) o->solved[i] = o->y[i];
    solve_lower(o->l, o->n, o->solved);
    solve_upper(o->l, o->n, o->solved);
}

/* Covariance of the errors of a row, whose model has deviation sigma, and of the i-th observed. */
static double covariance(const Observed *o, size_t row, double sigma, size_t i) {
    return o->grown * sigma * o->sigma[i] * o->rho[row * o->n + i];
}

/* The expected error of a row. */
static double expected(const Observed *o, size_t row, double sigma) {
    double shift = 0;
    for (size_t i = 0; i < o->n; i++) shift += covariance(o, row, sigma, i) * o->solved[i];
    return shift;
}

/* Its variance. */
static double remaining(const Observed *o, size_t row, double sigma) {
    double known = 0;
    for (size_t i = 0; i < o->n; i++) o->work[i] = covariance(o, row, sigma, i);
    solve_lower(o->l, o->n, o->work);
    for (size_t i = 0; i < o->n; i++) known += o->work[i] * o->work[i];
    return fmax(o->grown * sigma * sigma - known, 0);
}

typedef struct {
    double shift[RESULT_N_DISTS][RESULT_N_QUANTILES], deviation[RESULT_N_DISTS][RESULT_N_QUANTILES];
} RowShift;

/* Returns false if not all rows with windows have this quantile. */
static bool observe_quantile(Observed *o, int dist, int k) {
    for (size_t i = 0; i < o->n; i++) {
        const TransferRow *r = &o->rows[o->at[i]];
        const SlowdownQuantile *m = &r->model->dist[dist].q[k];
        double s = r->check->sampled.dist[dist].q[k].value;
        if (isnan(m->value) || isnan(s)) return false;
        o->sigma[i] = check_deviation(m);
        o->y[i] = log(s / m->value);
        o->s[i] = r->check->deviation[dist][k];
    }
    return true;
}

/* Without observations the model's word stands. */
static void shift_quantile(Observed *o, int dist, int k, RowShift *out) {
    bool observed = observe_quantile(o, dist, k);
    if (observed) {
        weigh(o, CHECK_TYPICAL);
        solve(o);
    }
    for (size_t i = 0; i < o->n_rows; i++)
        out[i].shift[dist][k] =
            observed ? expected(o, i, model_deviation(&o->rows[i], dist, k)) : 0;
    if (observed) weigh(o, 1);
    for (size_t i = 0; i < o->n_rows; i++) {
        double sigma = model_deviation(&o->rows[i], dist, k);
        out[i].deviation[dist][k] = observed ? sqrt(remaining(o, i, sigma)) : sigma;
    }
}

static bool has_windows(const TransferRow *r) { return r->check && r->check->done; }

void transfer_correct(const TransferRow *rows, size_t n, Slowdowns **out) {
    size_t *at = MEM_NEW(size_t, n), n_at = 0;
    for (size_t i = 0; i < n; i++)
        if (has_windows(&rows[i])) at[n_at++] = i;
    if (n_at > 0 && n_at < n) {
        double *room = MEM_NEW(double, n_at *(n_at + n + 5)), *rho = room + n_at * n_at,
               *rest = rho + n * n_at;
        RowShift *shift = MEM_NEW(RowShift, n);
        Observed o = {.rows = rows,
                      .n_rows = n,
                      .at = at,
                      .n = n_at,
                      .rho = rho,
                      .l = room,
                      .sigma = rest,
                      .y = rest + n_at,
                      .s = rest + 2 * n_at,
                      .solved = rest + 3 * n_at,
                      .work = rest + 4 * n_at};
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n_at; j++)
                rho[i * n_at + j] = transfer_likeness(&rows[i].conf, &rows[at[j]].conf);
        for (int d = 0; d < RESULT_N_DISTS; d++)
            for (int k = 0; k < RESULT_N_QUANTILES; k++) shift_quantile(&o, d, k, shift);
        for (size_t i = 0; i < n; i++) {
            if (has_windows(&rows[i])) continue;
            *out[i] = *rows[i].model;
            for (int d = 0; d < RESULT_N_DISTS; d++)
                check_shift(&out[i]->dist[d], shift[i].shift[d], shift[i].deviation[d]);
        }
        free(shift);
        free(room);
    }
    free(at);
}
