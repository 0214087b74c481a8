/* mixcdf: steps and changes of slope, sorted once; a quantile is the exact inverse of the mixed
 * distribution function.
 *
 * What is known of a path's distribution decides how it is laid out:
 *   single flows   a step of 1/c at each of c flows;
 *   percentiles    straight lines through (percentile p, p/100). A step at each percentile would be
 * wrong by half a slice: it would make the mixture's p99 its p99.5. Below percentile 1 the line of
 * the first slice goes on, but not below 1; slices of no width are steps; quantiles      the same
 * through (quantile, level); what lies beyond the outermost levels is steps there. Any choice of
 * path weights then costs one pass over the events. With equal single flows the quantile is that of
 * stats_rank: the ends of the scale are the middles of the first and the last step.
 *
 * A resample of the bootstrap is such a choice of weights, and needs four quantiles only. So the
 * curve can be marked: at a few hundred places along the events, each path's mass below and its
 * slope there are kept. A weighted sum of these is the mixture's, so the last place below a
 * quantile is found by bisection over sums of n_paths terms, and only the events from there on are
 * walked. */
#include "estimate/mixcdf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Relative width below which a slice is a step: keeps slopes, and so their rounding, bounded. */
static const double min_slice = 1e-5;

/* Rounding of the cumulated mass, as a share of the whole. */
static const double mass_tolerance = 1e-9;

enum { MAX_MARKS = 256, EVENTS_PER_MARK = 32 };

typedef enum { POINT, STEP, SLOPE } Kind; /* POINT: a step that is a single flow */

/* Before event `next`, at x of the one before it: of each path at weight 1. */
typedef struct MixCdfMark {
    size_t next;
    double x;
    double *mass, *slope; /* [n_paths], one block at mass */
} Mark;

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

static void add(MixCdf *c, float x, double amount, size_t path, Kind kind) {
    MEM_GROW(c->events, c->cap, c->n + 1);
    c->events[c->n++] =
        (MixCdfEvent){.amount = amount, .x = x, .path = (uint32_t)path & 0x3FFFFFFFu, .kind = kind};
}

void mixcdf_add_points(MixCdf *c, const float *x, size_t n, double mass, size_t path) {
    for (size_t i = 0; i < n; i++) add(c, x[i], mass / (double)n, path, POINT);
}

/* One event where a slice ends and the next begins. */
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

/* Unsigned numbers in the order of the floats. */
static uint32_t key_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

enum { DIGITS = 4, DIGIT_BITS = 8, VALUES = 1 << DIGIT_BITS };

static uint32_t digit_of(uint32_t key, int d) { return key >> (d * DIGIT_BITS) & (VALUES - 1); }

/* first[d][v]: events with a lower digit d than v. */
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

/* Digit by digit from the lowest, which keeps events at the same x in the order in which they were
 * added. */
void mixcdf_sort(MixCdf *c) {
    if (c->n < 2) return;
    size_t first[DIGITS][VALUES];
    MixCdfEvent *from = c->events, *to = MEM_NEW(MixCdfEvent, c->n);
    count_digits(from, c->n, first);
    for (int d = 0; d < DIGITS; d++) {
        size_t *at = first[d], any = digit_of(key_of(from[0].x), d);
        if (at[any] == 0 && (any + 1 == VALUES || at[any + 1] == c->n))
            continue; /* all have the same */
        for (size_t i = 0; i < c->n; i++) to[at[digit_of(key_of(from[i].x), d)]++] = from[i];
        MixCdfEvent *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != c->events) c->cap = c->n;
    c->events = from;
    free(to);
}

/* The part whose next event comes first; n_parts at the end of all. */
static size_t lowest(const MixCdf *const *part, const size_t *at, size_t n_parts) {
    size_t best = n_parts;
    float x = INFINITY;
    for (size_t p = 0; p < n_parts; p++) {
        if (at[p] >= part[p]->n || (best < n_parts && part[p]->events[at[p]].x >= x)) continue;
        best = p;
        x = part[p]->events[at[p]].x;
    }
    return best;
}

void mixcdf_merge(MixCdf *c, const MixCdf *const *part, const double *scale, size_t n_parts) {
    size_t *at = MEM_ZNEW(size_t, n_parts), total = 0;
    for (size_t p = 0; p < n_parts; p++) {
        total += part[p]->n;
        for (size_t i = 0; i < c->n_paths; i++) c->mass[i] += scale[p] * part[p]->mass[i];
    }
    MEM_GROW(c->events, c->cap, total);
    for (size_t p; (p = lowest(part, at, n_parts)) < n_parts;) {
        MixCdfEvent e = part[p]->events[at[p]++];
        e.amount *= scale[p];
        c->events[c->n++] = e;
    }
    free(at);
}

/* ---- marks ---- */

/* A path's distribution function as far as it has come. */
typedef struct {
    double mass, slope, x;
} MixCdfProgress;

static Mark mark_at(const MixCdf *c, const MixCdfProgress *p, size_t next) {
    Mark m = {
        .next = next, .x = (double)c->events[next - 1].x, .mass = MEM_NEW(double, 2 * c->n_paths)};
    m.slope = m.mass + c->n_paths;
    for (size_t i = 0; i < c->n_paths; i++) {
        m.mass[i] = p[i].mass + p[i].slope * (m.x - p[i].x);
        m.slope[i] = p[i].slope;
    }
    return m;
}

void mixcdf_mark(MixCdf *c) {
    size_t n_marks = c->n / EVENTS_PER_MARK, affordable = c->n_paths ? 2 * c->n / c->n_paths : 0;
    if (n_marks > affordable) n_marks = affordable;
    if (n_marks > MAX_MARKS) n_marks = MAX_MARKS;
    if (n_marks == 0) return;
    MixCdfProgress *p = MEM_ZNEW(MixCdfProgress, c->n_paths);
    c->marks = MEM_NEW(Mark, n_marks);
    for (size_t i = 0; i < c->n; i++) {
        const MixCdfEvent *e = &c->events[i];
        MixCdfProgress *q = &p[e->path];
        if (c->n_marks < n_marks && i == (c->n_marks + 1) * c->n / (n_marks + 1)) {
            c->marks[c->n_marks] = mark_at(c, p, i);
            c->n_marks++;
        }
        q->mass += q->slope * ((double)e->x - q->x);
        q->x = (double)e->x;
        if (e->kind == SLOPE) q->slope += e->amount;
        else q->mass += e->amount;
    }
    free(p);
}

/* Four sums side by side: one would wait for itself. */
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

/* ---- asking ---- */

/* The mixture's distribution function just before event `next`. */
typedef struct {
    size_t next;
    double mass, slope, x;
    size_t mark; /* marks up to here are behind */
} MixCdfPosition;

/* To the last mark with no more than `target` below it, if that is ahead. */
static void jump(const MixCdf *c, const double *weight, double target, MixCdfPosition *at) {
    size_t lo = at->mark,
           hi = c->n_marks; /* marks below lo hold at most the target, from hi on more */
    double mass = 0, found = 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        mass = dot(weight, c->marks[mid].mass, c->n_paths);
        if (mass <= target) lo = mid + 1, found = mass;
        else hi = mid;
    }
    if (lo == at->mark) return;
    at->mark = lo;
    const Mark *m = &c->marks[lo - 1];
    if (m->next <= at->next) return;
    *at = (MixCdfPosition){.next = m->next,
                           .mass = found,
                           .slope = dot(weight, m->slope, c->n_paths),
                           .x = m->x,
                           .mark = lo};
}

/* Half the first step where that is a single flow, from either end; 0 otherwise. */
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
    /* A single flow begins at its lower edge (stats_rank rounds half up); a line ends at its upper
     * one. */
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
            continue; /* the same event, or one further on, may hold the next level, too */
        }
        at.mass += gain + step;
        at.slope += w * e->amount - step;
        at.x = x;
        at.next++;
    }
    for (; k < n_level; k++) out[k] = at.x; /* the top of the scale, but for rounding */
}
