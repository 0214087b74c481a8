/* aggregate: the network's slowdown distribution as a mixture over sampled paths.
 *
 * A path drawn in proportion to its flows stands for one draw of a flow, so every draw weighs the same, and
 * within a path the buckets weigh as its own flows do: with c flows of bucket b among n, a path's
 * distribution F of that bucket enters the network's with weight n_draws · c/n. Taking all paths with
 * n_draws = n makes this the exact distribution over flows.
 *
 * What is known of F decides how it is laid out on the slowdown axis:
 *   single flows   a step of 1/c at each flow;
 *   percentiles    straight lines through (percentile p, p/100). A step at each percentile would be wrong by half
 *                  a slice: it would make the mixture's p99 its p99.5. Below percentile 1 the line of the
 *                  first slice goes on, but not below 1; slices of no width are steps;
 *   quantiles      the same through (quantile, level); what lies beyond the outermost levels is steps there.
 * Steps and changes of slope, sorted once, make a curve; any choice of path weights then costs one pass over
 * it, and a quantile is the exact inverse of the mixed distribution function. With equal single flows the
 * quantile is that of stats_rank: the ends of the scale are the middles of the first and the last step.
 *
 * Intervals: the draws are drawn again with replacement (a multinomial per resample), and the 2.5th and
 * 97.5th percentile of the quantile over the resamples bound it (Efron's percentile bootstrap). It covers
 * the sampling of paths only (the error of the model: interval.c); beyond the deepest drawn flows it is too narrow. */
#include "app/aggregate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"

enum { N_CURVES = STATS_N_OUT + 1, ALL = STATS_N_OUT, N_LEVELS = 4, DEFAULT_BOOTSTRAP = 200 };

static const double levels[N_LEVELS] = {0.5, 0.9, 0.99, 0.999};

/* Relative width below which a slice is a step: keeps slopes, and so their rounding, bounded. */
static const double min_slice = 1e-5;
const float agg_levels[AGG_N_LEVELS] = {0.001f, 0.005f, 0.01f, 0.02f,  0.03f,  0.04f,   0.06f,   0.08f,  0.1f,  0.125f, 0.15f, 0.175f,
                                        0.2f,   0.225f, 0.25f, 0.275f, 0.3f,   0.325f,  0.35f,   0.375f, 0.4f,  0.425f, 0.45f, 0.475f,
                                        0.5f,   0.525f, 0.55f, 0.575f, 0.6f,   0.625f,  0.65f,   0.675f, 0.7f,  0.725f, 0.75f, 0.775f,
                                        0.8f,   0.825f, 0.85f, 0.875f, 0.9f,   0.915f,  0.93f,   0.94f,  0.95f, 0.96f,  0.97f, 0.975f,
                                        0.98f,  0.985f, 0.99f, 0.994f, 0.997f, 0.9985f, 0.9995f, 0.9999f};

/* Rounding of the cumulated mass, as a share of the whole. */
static const double mass_tolerance = 1e-9;

typedef enum { POINT, STEP, SLOPE } Kind; /* POINT: a step that is a single flow */
typedef struct {
    double amount; /* mass, or change of mass per unit of slowdown, for path weight 1 */
    float x;
    uint32_t path : 30, kind : 2;
} Event;

typedef struct {
    Event *events; /* ascending by x */
    size_t n, cap;
    double *mass; /* [paths] of each path at weight 1 */
} Curve;

static void add(Curve *c, float x, double amount, size_t path, Kind kind) {
    MEM_GROW(c->events, c->cap, c->n + 1);
    c->events[c->n++] = (Event){.amount = amount, .x = x, .path = (uint32_t)path & 0x3FFFFFFFu, .kind = kind};
}

static void add_points(Curve *c, const float *x, size_t n, double mass, size_t path) {
    for (size_t i = 0; i < n; i++) add(c, x[i], mass / (double)n, path, POINT);
}

/* Straight lines through (x[k], level[k]), both ascending: one event where a slice ends and the next begins. */
static void add_lines(Curve *c, const float *x, const float *level, int n, double mass, size_t path) {
    double slope = 0;
    if (level[0] > 0) add(c, x[0], mass * (double)level[0], path, STEP);
    for (int k = 1; k < n; k++) {
        double width = (double)x[k] - (double)x[k - 1], slice = mass * ((double)level[k] - (double)level[k - 1]);
        double next = width > min_slice * fabs((double)x[k]) ? slice / width : 0;
        if (next != slope) add(c, x[k - 1], next - slope, path, SLOPE);
        if (next == 0) add(c, x[k], slice, path, STEP);
        slope = next;
    }
    if (slope != 0) add(c, x[n - 1], -slope, path, SLOPE);
    if (level[n - 1] < 1) add(c, x[n - 1], mass * (1 - (double)level[n - 1]), path, STEP);
}

static void add_percentiles(Curve *c, const float pct[STATS_N_PCT], double mass, size_t path) {
    float x[STATS_N_PCT + 1], level[STATS_N_PCT + 1];
    x[0] = fmaxf(fminf(1, pct[0]), 2 * pct[0] - pct[1]);
    memcpy(x + 1, pct, STATS_N_PCT * sizeof *pct);
    for (int p = 0; p <= STATS_N_PCT; p++) level[p] = (float)p / STATS_N_PCT;
    add_lines(c, x, level, STATS_N_PCT + 1, mass, path);
}

/* A total order up to equality, so that the sorted curve does not depend on the sort. */
static int by_x(const void *a, const void *b) {
    const Event *e = a, *f = b;
    if (e->x != f->x) return e->x < f->x ? -1 : 1;
    if (e->path != f->path) return e->path < f->path ? -1 : 1;
    return (e->amount > f->amount) - (e->amount < f->amount);
}

typedef struct {
    const AggPath *paths;
    size_t n;
    bool published;
    Curve curves[N_CURVES];
    double *weight; /* [n] of each path as drawn */
} Mix;

static uint64_t n_flows_of(const AggPath *p) {
    uint64_t n = 0;
    for (int b = 0; b < STATS_N_OUT; b++) n += p->count[b];
    return n;
}

/* The curve of one bucket. */
static void build_bucket(void *ctx, size_t b, int worker) {
    (void)worker;
    Mix *m = ctx;
    Curve *c = &m->curves[b];
    c->mass = MEM_ZNEW(double, m->n);
    for (size_t i = 0; i < m->n; i++) {
        const AggPath *p = &m->paths[i];
        if (p->count[b] == 0) continue;
        c->mass[i] = m->published ? 1 : (double)p->count[b] / (double)n_flows_of(p);
        size_t before = 0;
        for (size_t k = 0; k < b; k++) before += p->count[k];
        if (p->curve) add_lines(c, p->curve + b * AGG_N_LEVELS, agg_levels, AGG_N_LEVELS, c->mass[i], i);
        else if (!p->pct) add_points(c, p->slowdown + before, p->count[b], c->mass[i], i);
        else if (m->published) add_points(c, p->pct + b * STATS_N_PCT, STATS_N_PCT, 1, i);
        else add_percentiles(c, p->pct + b * STATS_N_PCT, c->mass[i], i);
    }
    if (c->n) qsort(c->events, c->n, sizeof *c->events, by_x);
}

static double weighted_mass(const Curve *c, const double *weight, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += weight[i] * c->mass[i];
    return sum;
}

/* The bucket whose next event comes first; -1 at the end of all. */
static int lowest(const Mix *m, const size_t at[STATS_N_OUT]) {
    int best = -1;
    float x = INFINITY;
    for (int b = 0; b < STATS_N_OUT; b++) {
        const Curve *c = &m->curves[b];
        if (at[b] >= c->n || (best >= 0 && c->events[at[b]].x >= x)) continue;
        best = b;
        x = c->events[at[b]].x;
    }
    return best;
}

/* All buckets together: a merge of their curves, bucket b scaled by scale[b]. */
static void build_all(Mix *m, const double scale[STATS_N_OUT]) {
    Curve *all = &m->curves[ALL];
    size_t at[STATS_N_OUT] = {0}, total = 0;
    all->mass = MEM_ZNEW(double, m->n);
    for (int b = 0; b < STATS_N_OUT; b++) {
        total += m->curves[b].n;
        for (size_t i = 0; i < m->n; i++) all->mass[i] += scale[b] * m->curves[b].mass[i];
    }
    MEM_GROW(all->events, all->cap, total);
    for (int b; (b = lowest(m, at)) >= 0;) {
        Event e = m->curves[b].events[at[b]++];
        e.amount *= scale[b];
        all->events[all->n++] = e;
    }
}

/* Share of each bucket among all flows, as the paths tell. */
static void bucket_shares(const Mix *m, double share[STATS_N_OUT]) {
    double sum = 0;
    memset(share, 0, STATS_N_OUT * sizeof *share);
    for (size_t i = 0; i < m->n; i++) {
        uint64_t n = n_flows_of(&m->paths[i]);
        if (n == 0) continue;
        for (int b = 0; b < STATS_N_OUT; b++) share[b] += m->paths[i].n_draws * ((double)m->paths[i].count[b] / (double)n);
        sum += m->paths[i].n_draws;
    }
    for (int b = 0; b < STATS_N_OUT; b++) share[b] = sum > 0 ? share[b] / sum : 0;
}

/* Half the first step where that is a single flow, from either end; 0 otherwise. */
static double half_end_step(const Curve *c, const double *weight, bool last) {
    for (size_t k = 0; k < c->n; k++) {
        const Event *e = &c->events[last ? c->n - 1 - k : k];
        if (weight[e->path] > 0) return e->kind == POINT ? weight[e->path] * e->amount / 2 : 0;
    }
    return 0;
}

/* out[k] = quantile at level[k] (ascending, in 0..1) of the curve under these path weights; NAN if it has no mass. */
static void quantiles(const Curve *c, const double *weight, size_t n_paths, const double *level, int n_level, double *out) {
    double whole = weighted_mass(c, weight, n_paths), first = half_end_step(c, weight, false), last = half_end_step(c, weight, true);
    /* A single flow begins at its lower edge (stats_rank rounds half up); a line ends at its upper one. */
    double nudge = (first > 0 || last > 0 ? 1 : -1) * mass_tolerance * whole;
    double mass = 0, slope = 0, x = c->n ? (double)c->events[0].x : 0;
    int k = 0;
    if (!(whole > 0)) {
        for (; k < n_level; k++) out[k] = NAN;
        return;
    }
    double target = first + level[0] * (whole - first - last) + nudge;
    for (size_t i = 0; i < c->n && k < n_level; i++) {
        const Event *e = &c->events[i];
        double w = weight[e->path], at = e->x, step = e->kind == SLOPE ? 0 : w * e->amount, gain = slope > 0 ? slope * (at - x) : 0;
        while (k < n_level && mass + gain + step > target) {
            out[k] = mass + gain > target ? fmin(x + fmax(target - mass, 0) / slope, at) : at;
            if (++k < n_level) target = first + level[k] * (whole - first - last) + nudge;
        }
        mass += gain + step;
        slope += w * e->amount - step;
        x = at;
    }
    for (; k < n_level; k++) out[k] = x; /* the top of the scale, but for rounding */
}

void aggregate_mix(const float *const *x, size_t n, const float *level, int n_levels, float out[AGG_N_LEVELS]) {
    Curve c = {.mass = MEM_NEW(double, 1)};
    double weight = 1, at[AGG_N_LEVELS], value[AGG_N_LEVELS];
    c.mass[0] = 1;
    for (size_t i = 0; i < n; i++) add_lines(&c, x[i], level, n_levels, 1 / (double)n, 0);
    qsort(c.events, c.n, sizeof *c.events, by_x);
    for (int k = 0; k < AGG_N_LEVELS; k++) at[k] = (double)agg_levels[k];
    quantiles(&c, &weight, 1, at, AGG_N_LEVELS, value);
    for (int k = 0; k < AGG_N_LEVELS; k++) out[k] = (float)value[k];
    free(c.events);
    free(c.mass);
}

typedef struct {
    const Mix *mix;
    const uint32_t *draw_path; /* [n_draws] */
    uint64_t n_draws, seed;
    double *weight; /* [workers × n] */
    double *result; /* [resamples × N_CURVES × N_LEVELS] */
} Bootstrap;

static void resample(void *ctx, size_t r, int worker) {
    const Bootstrap *s = ctx;
    size_t n = s->mix->n;
    double *w = s->weight + (size_t)worker * n;
    Rng rng = rng_stream(s->seed, "bootstrap", r);
    memset(w, 0, n * sizeof *w);
    for (uint64_t i = 0; i < s->n_draws; i++) w[s->draw_path[rng_below(&rng, s->n_draws)]]++;
    for (int c = 0; c < N_CURVES; c++)
        quantiles(&s->mix->curves[c], w, n, levels, N_LEVELS, s->result + (r * N_CURVES + (size_t)c) * N_LEVELS);
}

/* [lo, hi] of level k of curve c over the resamples that have such flows. */
static void interval(const double *result, size_t n_resamples, size_t c, size_t k, double *column, AggQuantile *q) {
    size_t n = 0;
    for (size_t r = 0; r < n_resamples; r++) {
        double x = result[(r * N_CURVES + c) * N_LEVELS + k];
        if (!isnan(x)) column[n++] = x;
    }
    if (n == 0) return;
    stats_sort(column, n);
    q->lo = column[stats_rank(n, 2.5)];
    q->hi = column[stats_rank(n, 97.5)];
}

static AggQuantile *quantile_of(AggDist *d, int k) {
    AggQuantile *const q[N_LEVELS] = {&d->p50, &d->p90, &d->p99, &d->p99_9};
    return q[k];
}

static AggDist *dist_of(AggResult *r, int c) { return c == ALL ? &r->all : &r->bucket[c]; }

static void bootstrap(const Mix *m, const AggOptions *o, int threads, AggResult *out) {
    Bootstrap s = {.mix = m, .seed = o->seed};
    for (size_t i = 0; i < m->n; i++) s.n_draws += (uint64_t)m->weight[i];
    uint32_t *draw_path = MEM_NEW(uint32_t, s.n_draws);
    uint64_t at = 0;
    for (size_t i = 0; i < m->n; i++)
        for (double k = 0; k < m->weight[i]; k++) draw_path[at++] = (uint32_t)i;
    size_t n = o->n_bootstrap > 0 ? (size_t)o->n_bootstrap : DEFAULT_BOOTSTRAP;
    s.draw_path = draw_path;
    s.weight = MEM_NEW(double, (size_t)par_resolve(threads) * m->n);
    s.result = MEM_NEW(double, n *N_CURVES *N_LEVELS);
    double *column = MEM_NEW(double, n);
    par_for(n, threads, resample, &s);
    for (int c = 0; c < N_CURVES; c++)
        for (int k = 0; k < N_LEVELS; k++) interval(s.result, n, (size_t)c, (size_t)k, column, quantile_of(dist_of(out, c), k));
    free(column);
    free(s.result);
    free(s.weight);
    free(draw_path);
}

/* Percentiles and quantiles without intervals. */
static void describe(const Mix *m, int c, AggDist *d) {
    double percent[STATS_N_PCT], value[N_LEVELS];
    for (int p = 0; p < STATS_N_PCT; p++) percent[p] = (p + 1) / 100.0;
    quantiles(&m->curves[c], m->weight, m->n, percent, STATS_N_PCT, d->percentiles);
    quantiles(&m->curves[c], m->weight, m->n, levels, N_LEVELS, value);
    for (int k = 0; k < N_LEVELS; k++) *quantile_of(d, k) = (AggQuantile){value[k], value[k], value[k]};
}

void aggregate(const AggPath *paths, size_t n, const AggOptions *o, int threads, AggResult *out) {
    assert(n < (1u << 30));
    Mix m = {.paths = paths, .n = n, .published = o->published, .weight = MEM_NEW(double, n)};
    for (size_t i = 0; i < n; i++) m.weight[i] = o->published ? 1 : paths[i].n_draws;
    double share[STATS_N_OUT], scale[STATS_N_OUT];
    bucket_shares(&m, share);
    par_for(STATS_N_OUT, threads, build_bucket, &m);
    for (int b = 0; b < STATS_N_OUT; b++) {
        double mass = weighted_mass(&m.curves[b], m.weight, n);
        scale[b] = !o->published ? 1 : mass > 0 ? share[b] / mass : 0;
    }
    build_all(&m, scale);
    for (int c = 0; c < N_CURVES; c++) {
        describe(&m, c, dist_of(out, c));
        dist_of(out, c)->share = c == ALL ? 1 : share[c];
    }
    if (!o->exhaustive && n > 0) bootstrap(&m, o, threads, out);
    for (int c = 0; c < N_CURVES; c++) {
        free(m.curves[c].events);
        free(m.curves[c].mass);
    }
    free(m.weight);
}

static void describe_flows(double *x, size_t n, AggDist *d) {
    stats_sort(x, n);
    for (int p = 0; p < STATS_N_PCT; p++) d->percentiles[p] = n ? x[stats_rank(n, p + 1)] : NAN;
    for (int k = 0; k < N_LEVELS; k++) {
        double value = n ? x[stats_rank(n, 100 * levels[k])] : NAN;
        *quantile_of(d, k) = (AggQuantile){value, value, value};
    }
}

void aggregate_flows(const uint64_t *size_b, const double *slowdown, size_t n, AggResult *out) {
    double *x = MEM_NEW(double, n);
    for (int b = 0; b < STATS_N_OUT; b++) {
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (stats_bucket_out(size_b[i]) == b) x[k++] = slowdown[i];
        describe_flows(x, k, &out->bucket[b]);
        out->bucket[b].share = n ? (double)k / (double)n : 0;
    }
    if (n) memcpy(x, slowdown, n * sizeof *x);
    describe_flows(x, n, &out->all);
    out->all.share = 1;
    free(x);
}
