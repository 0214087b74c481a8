/* sizefamily: families of flow-size distributions, as tables of their quantiles.
 *
 * Every distribution becomes a piecewise linear curve, the only form that a workload takes: 100
 * equal steps, then ever finer ones into the tail, cut at 1 − 1e-5. No flow is below MIN_SIZE_B.
 *
 * The synthetic families and the ranges of their parameter are those of the published training,
 * read off its output: one knob, theta, uniform in [5,000, 50,000], with nominal mean m =
 * theta²/25,000 B. Exponential: mean m. Gaussian: mean and deviation m, above 0. Log-normal: mean
 * m, sigma from 1 to 2 as theta goes up. Pareto: generalised, of shape 0.26 and scale m/2. For
 * tests beyond what training saw: bimodal (requests of m/20, transfers of 4·m, nothing between) and
 * heavy-tailed (a Pareto of index 1.1 from 200 B + m/50, cut at 2,000·m). */
#include "data/sizefamily.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

enum {
    MIN_SIZE_B = 50,           /* curves that begin at 0 would give flows without a byte */
    BODY_STEPS = 100,          /* up to the quantile 0.99 */
    TAIL_STEPS_PER_DECADE = 8, /* of 1 − u, which then falls by a quarter a step */
    TAIL_DECADES = 3,          /* from 1e-2 to 1e-5 */
    MAX_POINTS = 200           /* the steps above make 125 at most */
};
#define THETA_LO 5e3
#define THETA_HI 50e3
#define PARETO_SHAPE 0.26

static const char *const names[SIZES_N] = {"webserver",   "hadoop",   "cachefollower",
                                           "exponential", "gaussian", "lognormal",
                                           "pareto",      "bimodal",  "heavy_tail"};

const char *sizefamily_name(SizeFamily f) { return names[f]; }

SizeSpec sizefamily_draw(Rng *rng, SizeFamily first, SizeFamily end) {
    SizeSpec s = {.family = (SizeFamily)((int)first + (int)rng_below(rng, (uint64_t)(end - first))),
                  .scale = 1};
    double theta = round(rng_uniform(rng, THETA_LO, THETA_HI));
    if (s.family >= SIZES_FIRST_SYNTHETIC) s.theta = theta;
    return s;
}

/* Standard normal distribution and, by bisection, its inverse. */
static double normal_cdf(double x) { return 0.5 * erfc(-x / sqrt(2)); }

static double normal_quantile(double u) {
    double lo = -9, hi = 9;
    while (hi - lo > 1e-12) {
        double mid = (lo + hi) / 2;
        if (normal_cdf(mid) < u) lo = mid;
        else hi = mid;
    }
    return lo;
}

static double gaussian_quantile(double u, double mean) {
    double below = normal_cdf(-1);
    return mean * (1 + normal_quantile(below + u * (1 - below)));
}

static double lognormal_quantile(double u, double mean, double theta) {
    double sigma = 1 + (theta - THETA_LO) / (THETA_HI - THETA_LO);
    return mean * exp(sigma * normal_quantile(u) - sigma * sigma / 2);
}

/* Four of five flows are requests, each kind within a factor of two. */
static double bimodal_quantile(double u, double mean) {
    return u < 0.8 ? mean / 20 * exp2(u / 0.8) : 4 * mean * exp2((u - 0.8) / 0.2);
}

static double heavy_tail_quantile(double u, double mean) {
    double index = 1.1, least = 200 + mean / 50, most = 2000 * mean,
           cut = 1 - pow(least / most, index);
    return least * pow(1 - u * cut, -1 / index);
}

static double quantile(const SizeSpec *s, double u) {
    double mean = s->theta * s->theta / 25e3;
    switch (s->family) {
    case SIZES_EXPONENTIAL: return -mean * log1p(-u);
    case SIZES_GAUSSIAN: return gaussian_quantile(u, mean);
    case SIZES_LOGNORMAL: return lognormal_quantile(u, mean, s->theta);
    case SIZES_PARETO: return mean / 2 * (pow(1 - u, -PARETO_SHAPE) - 1) / PARETO_SHAPE;
    case SIZES_BIMODAL: return bimodal_quantile(u, mean);
    default: return heavy_tail_quantile(u, mean);
    }
}

/* Where the curve is sampled: n shares below 1. */
static uint32_t sample_points(double *u) {
    uint32_t n = 0;
    for (; n < BODY_STEPS; n++) u[n] = (double)n / BODY_STEPS;
    for (int k = 1; k <= TAIL_STEPS_PER_DECADE * TAIL_DECADES; k++)
        u[n++] = 1 - pow(10, -(double)k / TAIL_STEPS_PER_DECADE) / BODY_STEPS;
    return n;
}

static int build_synthetic(SizeDist *d, const SizeSpec *s, Err *err) {
    double u[MAX_POINTS], size_b[MAX_POINTS];
    uint32_t n = sample_points(u);
    for (uint32_t i = 0; i < n; i++)
        size_b[i] = round(fmax(quantile(s, u[i]) * s->scale, MIN_SIZE_B));
    u[n - 1] = 1; /* the last sample stands for all beyond it */
    return sizedist_init(d, names[s->family], size_b, u, n, err);
}

static int build_measured(SizeDist *d, const SizeSpec *s, const char *dir, Err *err) {
    char *shipped = dir ? NULL : file_find_shipped("spec/sizes"),
         *path = mem_printf("%s/%s.txt",
                            dir       ? dir
                            : shipped ? shipped
                                      : "spec/sizes",
                            names[s->family]);
    SizeDist whole;
    int rc = sizedist_load(&whole, path, NULL, err);
    if (rc == 0) {
        for (uint32_t i = 0; i < whole.n; i++) whole.size_b[i] = round(whole.size_b[i] * s->scale);
        rc = sizedist_init(d, names[s->family], whole.size_b, whole.cdf, whole.n, err);
        sizedist_free(&whole);
    }
    free(shipped);
    free(path);
    return rc;
}

int sizefamily_build(SizeDist *d, const SizeSpec *s, const char *dir, Err *err) {
    return s->family < SIZES_FIRST_SYNTHETIC ? build_measured(d, s, dir, err)
                                             : build_synthetic(d, s, err);
}

void sizefamily_write(const SizeSpec *s, const SizeDist *d, JsonOut *j) {
    json_out_object(j);
    json_put_string(j, "family", names[s->family]);
    if (s->family >= SIZES_FIRST_SYNTHETIC) json_put_number(j, "theta", s->theta);
    json_put_number(j, "scale", s->scale);
    json_put_number(j, "mean_b", d->mean_b);
    json_put_array_compact(j, "size_b");
    for (uint32_t i = 0; i < d->n; i++) json_out_number(j, d->size_b[i]);
    json_out_end(j, ']');
    json_put_array_compact(j, "percent");
    for (uint32_t i = 0; i < d->n; i++) json_out_number(j, d->cdf[i] * 100);
    json_out_end(j, ']');
    json_out_end(j, '}');
}
