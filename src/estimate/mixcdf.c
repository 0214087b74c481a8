/* mixcdf: the distribution function of a weighted mixture of paths, as steps and changes of slope
 * along the slowdown axis, sorted once. A quantile is its exact inverse; any weights of the paths
 * cost one pass over the events.
 *
 * What is known of a path's distribution decides its form:
 *   single flows   a step of 1/c at each of c flows.
 *   percentiles    straight lines through (percentile p, p/100). Steps at the percentiles would be
 *                  wrong by half a slice of 1 %: the mixture's p99 would be its p99.5. Below
 *                  percentile 1 the line of the first slice continues, but not below slowdown 1.
 *                  Slices of no width are steps.
 *   quantiles      straight lines through (quantile, level); what lies beyond the outermost levels
 *                  is a step there.
 * With single flows of equal weight the quantile is that of stats_rank: levels 0 and 1 are the
 * middles of the first and the last step.
 *
 * A resample of the bootstrap is a choice of weights and needs four quantiles. For those the events
 * can be marked: at up to 256 places the mass below and the slope of each path are kept. Their
 * weighted sum is the mixture's, so the last mark below a quantile is found by bisection over sums
 * of n_paths terms, and only the events from there on are read.
 *
 * Left out: mixtures of slowdowns that span more than 10^12. The rounding of slopes at small
 * slowdowns, 1e-18 per unit, then adds up to mass at large ones: with a span of 10^12 a level is
 * off by 4e-6, with 10^15 by 0.4 %. Steps (single flows) are exact at any size. */
#include "estimate/mixcdf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Relative width below which a slice between two levels is a step. Slopes, and so what their
 * rounding adds to the mass, stay below 1e5 per unit; a quantile is off by 1e-5 of itself at
 * most. */
static const double min_slice = 1e-5;

/* Rounding of the cumulated mass, as a share of the whole: some 1e5 additions of 1e-16 each lose
 * 1e-11, so this is far above it and far below one flow among 10^8. */
static const double mass_tolerance = 1e-9;

/* With 500 paths and 114,000 events, 256 marks take 200 resamples from 160 to 20 ms. Both numbers
 * were chosen: more marks shorten the walk between two, but each takes memory for all paths, and
 * with fewer than 32 events between two the walk is the lesser part. Results depend on them by
 * rounding alone. */
enum { MAX_MARKS = 256, EVENTS_PER_MARK = 32 };

typedef enum { POINT, STEP, SLOPE } MixCdfKind; /* POINT: a step that is a single flow */

/* The distribution function just before event `next`, at x of the event before it. */
typedef struct MixCdfMark {
    size_t next;
    double x;
    double *mass, *slope; /* [n_paths] of each path at weight 1; one block at mass */
} MixCdfMark;

void mixcdf_init(MixCdf *c, size_t n_paths) {
    *c = (MixCdf){.mass = MEM_ZNEW(double, n_paths), .n_paths = n_paths};
}

void mixcdf_free(MixCdf *c) {
    for (size_t k = 0; k < c->n_marks; k++) free(c->marks[k].mass);
    free(c->marks);
    free(c->events);
    free(c->mass);
    *c = (MixCdf){0};
}

/* ---- building ---- */

static void add(MixCdf *c, float x, double amount, size_t path, MixCdfKind kind) {
    MEM_GROW(c->events, c->cap, c->n + 1);
    c->events[c->n++] =
        (MixCdfEvent){.amount = amount, .x = x, .path = (uint32_t)path & 0x3FFFFFFFu, .kind = kind};
}

void mixcdf_add_points(MixCdf *c, const float *x, size_t n, double mass, size_t path) {
    for (size_t i = 0; i < n; i++) add(c, x[i], mass / (double)n, path, POINT);
}

/* Where a slice ends and the next begins, one event holds the change of slope. */
void mixcdf_add_lines(MixCdf *c, const float *x, const float *level, int n, double mass,
                      size_t path) {
    double slope = 0;
    if (level[0] > 0) add(c, x[0], mass * (double)level[0], path, STEP);
    for (int k = 1; k < n; k++) {
        double width = (double)x[k] - (double)x[k - 1],
               slice = mass * ((double)level[k] - (double)level[k - 1]);
        double next = width > min_slice * fabs((double)x[k]) ? slice / width : 0;
        if (next != slope) add(c, x[k - 1], next - slope, path, SLOPE);
        if (next == 0) add(c, x[k], slice, path, STEP);
        slope = next;
    }
    if (slope != 0) add(c, x[n - 1], -slope, path, SLOPE);
    if (level[n - 1] < 1) add(c, x[n - 1], mass * (1 - (double)level[n - 1]), path, STEP);
}

void mixcdf_add_percentiles(MixCdf *c, const float pct[STATS_N_PCT], double mass, size_t path) {
    float x[STATS_N_PCT + 1], level[STATS_N_PCT + 1];
    x[0] = fmaxf(fminf(1, pct[0]), 2 * pct[0] - pct[1]);
    memcpy(x + 1, pct, STATS_N_PCT * sizeof *pct);
    for (int p = 0; p <= STATS_N_PCT; p++) level[p] = (float)p / STATS_N_PCT;
    mixcdf_add_lines(c, x, level, STATS_N_PCT + 1, mass, path);
}

/* Maps floats to unsigned numbers of the same order. */
static uint32_t key_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* Bytes: a million events of 16 bytes take 9.8 ms, with digits of 11 bits 12.7 ms, since the places
 * that a pass writes to no longer fit the first-level cache. */
enum { DIGITS = 4, DIGIT_BITS = 8, VALUES = 1 << DIGIT_BITS };

static uint32_t digit_of(uint32_t key, int d) { return key >> (d * DIGIT_BITS) & (VALUES - 1); }

/* Sets first[d][v] to the number of events whose digit d is lower than v. */
static void count_digits(const MixCdfEvent *e, size_t n, size_t first[DIGITS][VALUES]) {
    memset(first, 0, DIGITS * sizeof *first);
    for (size_t i = 0; i < n; i++) {
        uint32_t key = key_of(e[i].x);
        for (int d = 0; d < DIGITS; d++) first[d][digit_of(key, d)]++;
    }
    for (int d = 0; d < DIGITS; d++)
        for (size_t v = 0, sum = 0, count; v < VALUES; v++, sum += count) {
            count = first[d][v];
            first[d][v] = sum;
        }
}

/* A radix sort, digit by digit from the lowest, which keeps events at the same x in the order in
 * which they were added. */
void mixcdf_sort(MixCdf *c) {
    if (c->n < 2) return;
    size_t first[DIGITS][VALUES];
    MixCdfEvent *from = c->events, *to = MEM_NEW(MixCdfEvent, c->n);
    count_digits(from, c->n, first);
    for (int d = 0; d < DIGITS; d++) {
        size_t *at = first[d], any = digit_of(key_of(from[0].x), d);
        if (at[any] == 0 && (any + 1 == VALUES || at[any + 1] == c->n))
            continue; /* one value in all events: nothing to sort */
        for (size_t i = 0; i < c->n; i++) to[at[digit_of(key_of(from[i].x), d)]++] = from[i];
        MixCdfEvent *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != c->events) c->cap = c->n;
    c->events = from;
    free(to);
}

void mixcdf_merge(MixCdf *c, const MixCdf *const *part, const double *scale, size_t n_parts) {
    size_t *at = MEM_ZNEW(size_t, n_parts), total = 0;
    for (size_t p = 0; p < n_parts; p++) {
        total += part[p]->n;
        for (size_t i = 0; i < c->n_paths; i++) c->mass[i] += scale[p] * part[p]->mass[i];
    }
    MEM_GROW(c->events, c->cap, total);
    while (c->n < total) {
        size_t first = n_parts; /* the part whose next event comes first */
        float x = INFINITY;
        for (size_t p = 0; p < n_parts; p++) {
            if (at[p] >= part[p]->n || (first < n_parts && part[p]->events[at[p]].x >= x)) continue;
            first = p;
            x = part[p]->events[at[p]].x;
        }
        MixCdfEvent e = part[first]->events[at[first]++];
        e.amount *= scale[first];
        c->events[c->n++] = e;
    }
    free(at);
}

/* ---- marks ---- */

/* A path's distribution function up to x. */
typedef struct {
    double mass, slope, x;
} MixCdfProgress;

void mixcdf_mark(MixCdf *c) {
    size_t n = c->n_paths, n_marks = c->n / EVENTS_PER_MARK;
    size_t affordable = n ? 2 * c->n / n : 0; /* 4 doubles an event in all */
    if (n_marks > affordable) n_marks = affordable;
    if (n_marks > MAX_MARKS) n_marks = MAX_MARKS;
    if (n_marks == 0) return;
    MixCdfProgress *p = MEM_ZNEW(MixCdfProgress, n);
    c->marks = MEM_NEW(MixCdfMark, n_marks);
    for (size_t i = 0; i < c->n; i++) {
        const MixCdfEvent *e = &c->events[i];
        MixCdfProgress *q = &p[e->path];
        if (c->n_marks < n_marks && i == (c->n_marks + 1) * c->n / (n_marks + 1)) {
            MixCdfMark *m = &c->marks[c->n_marks++];
            *m = (MixCdfMark){.next = i, .x = (double)e[-1].x, .mass = MEM_NEW(double, 2 * n)};
            m->slope = m->mass + n;
            for (size_t k = 0; k < n; k++) {
                m->mass[k] = p[k].mass + p[k].slope * (m->x - p[k].x);
                m->slope[k] = p[k].slope;
            }
        }
        q->mass += q->slope * ((double)e->x - q->x);
        q->x = (double)e->x;
        if (e->kind == SLOPE) q->slope += e->amount;
        else q->mass += e->amount;
    }
    free(p);
}

/* Sums four products at a time: with a single sum each addition would wait for the one before. */
static double dot(const double *a, const double *b, size_t n) {
    double sum[4] = {0, 0, 0, 0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) sum[k] += a[i + (size_t)k] * b[i + (size_t)k];
    for (; i < n; i++) sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

double mixcdf_mass(const MixCdf *c, const double *weight) {
    return dot(weight, c->mass, c->n_paths);
}

/* ---- quantiles ---- */

/* The mixture's distribution function just before event `next`. */
typedef struct {
    size_t next;
    double mass, slope, x;
    size_t mark; /* number of marks at or before `next` */
} MixCdfPosition;

/* Moves to the last mark with no more than `target` below it, if that is further on. */
static void jump(const MixCdf *c, const double *weight, double target, MixCdfPosition *at) {
    /* Marks below lo have at most the target below them, those from hi on have more. */
    size_t lo = at->mark, hi = c->n_marks;
    double mass = 0, found = 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        mass = dot(weight, c->marks[mid].mass, c->n_paths);
        if (mass <= target) lo = mid + 1, found = mass;
        else hi = mid;
    }
    if (lo == at->mark) return;
    at->mark = lo;
    const MixCdfMark *m = &c->marks[lo - 1];
    if (m->next <= at->next) return;
    *at = (MixCdfPosition){.next = m->next,
                           .mass = found,
                           .slope = dot(weight, m->slope, c->n_paths),
                           .x = m->x,
                           .mark = lo};
}

/* Returns half the first (or the last) step if that is a single flow, otherwise 0. */
static double half_end_step(const MixCdf *c, const double *weight, bool last) {
    for (size_t k = 0; k < c->n; k++) {
        const MixCdfEvent *e = &c->events[last ? c->n - 1 - k : k];
        if (weight[e->path] > 0) return e->kind == POINT ? weight[e->path] * e->amount / 2 : 0;
    }
    return 0;
}

void mixcdf_quantiles(const MixCdf *c, const double *weight, const double *level, int n_level,
                      double *out) {
    double whole = mixcdf_mass(c, weight), first = half_end_step(c, weight, false),
           last = half_end_step(c, weight, true);
    /* A level on the border of two single flows gives the upper one (stats_rank rounds half up),
     * one at the end of a line gives that end: so the target moves past the border or stays before
     * it. */
    double nudge = (first > 0 || last > 0 ? 1 : -1) * mass_tolerance * whole;
    MixCdfPosition at = {.x = c->n ? (double)c->events[0].x : 0};
    int k = 0;
    if (!(whole > 0)) {
        for (; k < n_level; k++) out[k] = NAN;
        return;
    }
    double target = first + level[0] * (whole - first - last) + nudge;
    jump(c, weight, target, &at);
    while (at.next < c->n && k < n_level) {
        const MixCdfEvent *e = &c->events[at.next];
        double w = weight[e->path], x = e->x, step = e->kind == SLOPE ? 0 : w * e->amount,
               gain = at.slope > 0 ? at.slope * (x - at.x) : 0;
        if (at.mass + gain + step > target) {
            out[k] =
                at.mass + gain > target ? fmin(at.x + fmax(target - at.mass, 0) / at.slope, x) : x;
            if (++k < n_level) {
                target = first + level[k] * (whole - first - last) + nudge;
                jump(c, weight, target, &at);
            }
            continue; /* the next level may lie before the same event */
        }
        at.mass += gain + step;
        at.slope += w * e->amount - step;
        at.x = x;
        at.next++;
    }
    for (; k < n_level; k++) out[k] = at.x; /* level 1, or rounding */
}

/* ---- paths by themselves ---- */

/* Half of a path's first and last step, if these are single flows. */
static void half_steps(const MixCdf *c, double *first, double *last) {
    for (size_t k = 0; k < c->n; k++) {
        const MixCdfEvent *e = &c->events[k];
        double half = e->kind == POINT ? e->amount / 2 : 0;
        if (isnan(first[e->path])) first[e->path] = half;
        last[e->path] = half;
    }
}

/* Moves a path's distribution function over an event. Takes the quantile where the mass passes
 * `target`, unless it was taken before. */
static void pass_event(MixCdfProgress *p, const MixCdfEvent *e, double target, double *quantile) {
    double x = (double)e->x, step = e->kind == SLOPE ? 0 : e->amount,
           gain = p->slope > 0 ? p->slope * (x - p->x) : 0;
    if (isnan(*quantile) && p->mass + gain + step > target)
        *quantile =
            p->mass + gain > target ? fmin(p->x + fmax(target - p->mass, 0) / p->slope, x) : x;
    p->mass += gain + step;
    p->slope += e->amount - step;
    p->x = x;
}

void mixcdf_paths(const MixCdf *c, double x, double level, double *above, double *quantile) {
    size_t n = c->n_paths;
    MixCdfProgress *p = MEM_ZNEW(MixCdfProgress, n);
    double *first = MEM_NEW(double, n), *last = MEM_ZNEW(double, n), *below = MEM_NEW(double, n);
    for (size_t i = 0; i < n; i++) first[i] = below[i] = quantile[i] = NAN;
    half_steps(c, first, last);
    for (size_t k = 0; k < c->n; k++) {
        const MixCdfEvent *e = &c->events[k];
        size_t i = e->path;
        double nudge = (first[i] > 0 || last[i] > 0 ? 1 : -1) * mass_tolerance * c->mass[i];
        double target = first[i] + level * (c->mass[i] - first[i] - last[i]) + nudge;
        /* Up to x the mass grows along the line that the path's last event below x began. */
        if (isnan(below[i]) && (double)e->x >= x)
            below[i] = p[i].mass + (p[i].slope > 0 ? p[i].slope * (x - p[i].x) : 0);
        pass_event(&p[i], e, target, &quantile[i]);
    }
    for (size_t i = 0; i < n; i++) {
        above[i] = isnan(below[i]) ? 0 : fmax(c->mass[i] - below[i], 0);
        if (isnan(quantile[i]) && c->mass[i] > 0) quantile[i] = p[i].x; /* level 1, or rounding */
    }
    free(p);
    free(first);
    free(last);
    free(below);
}
