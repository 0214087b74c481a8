/* modelerror: the model's share of an estimate's uncertainty.
 *
 * On networks that it was not trained on, a model is wrong by some factor truth / estimate. Its
 * spread is measured once, over many networks, for each size bucket and quantile, and travels with
 * the checkpoint as the object "interval" of its recipe, lo and hi of log(truth / estimate):
 *   {"level": 0.95, "n_networks": N, "cells": [{"label": "all", "p50": [lo, hi], …}, …]}
 *
 * Of n ≥ 39 networks lo and hi are the values of rank (n + 1) · 2.5 % from either end, which cover
 * one more network of the same kind with a probability of at least 95 % (conformal prediction: Vovk
 * et al. 2005). Fewer have no such ranks: then a normal distribution is fitted, median ± 1.96 ·
 * 1.4826 · median absolute deviation, which single outliers do not widen.
 *
 * Sampling and model err independently, so log half-widths add in quadrature, above and below
 * separately. A bucket that was not measured takes what was measured over all sizes.
 *
 * The error grows with the load, so the record has it of little and much loaded networks apart
 * ("low", "high": lists like "cells"); between LOW and HIGH their ends are interpolated. Left out:
 * all else that it grows with. */
#include "estimate/modelerror.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

/* The least n for which (n + 1) · 2.5 % is a rank: 1. */
enum { MIN_FOR_RANKS = 39 };
static const char MEMBER[] = "interval";

/* ---- measuring ---- */

LogRange modelerror_fit(double *log_ratio, size_t n) {
    if (n < MODELERROR_MIN_NETWORKS) return (LogRange){NAN, NAN};
    stats_sort(log_ratio, n);
    if (n >= MIN_FOR_RANKS) {
        size_t k = (size_t)(0.025 * (double)(n + 1)) - 1;
        return (LogRange){log_ratio[k], log_ratio[n - 1 - k]};
    }
    double median = log_ratio[stats_rank(n, 50)], *deviation = MEM_NEW(double, n);
    for (size_t i = 0; i < n; i++) deviation[i] = fabs(log_ratio[i] - median);
    stats_sort(deviation, n);
    /* 95 % of a normal distribution lie within 1.96 standard deviations, each 1.4826 median
     * absolute deviations. */
    double half = 1.96 * 1.4826 * deviation[stats_rank(n, 50)];
    free(deviation);
    return (LogRange){median - half, median + half};
}

/* ---- in the recipe ---- */

static int read_range(const Json *cell, const char *key, LogRange *r, Err *err) {
    Json pair, it;
    *r = (LogRange){NAN, NAN};
    if (!json_find(cell, key, &pair)) return 0;
    if (json_expect_array(&pair, err) != 0) return -1;
    if (json_len(&pair) != 2) return json_fail(&pair, err, "expected two numbers");
    json_first(&pair, &it);
    if (json_number(&it, &r->lo, err) != 0) return -1;
    json_next(&it);
    if (json_number(&it, &r->hi, err) != 0) return -1;
    return r->lo <= r->hi ? 0 : json_fail(&pair, err, "expected the lower end first");
}

static int read_cells(const Json *cells, LogRange of[RESULT_N_DISTS][RESULT_N_QUANTILES],
                      Err *err) {
    Json cell;
    if (json_len(cells) != RESULT_N_DISTS)
        return json_fail(cells, err, "expected %d elements", RESULT_N_DISTS);
    int d = 0;
    for (bool ok = json_first(cells, &cell); ok; ok = json_next(&cell), d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++)
            if (read_range(&cell, result_quantile_keys[k], &of[d][k], err) != 0) return -1;
    return 0;
}

static const char *const load_keys[2] = {"low", "high"};

static int read_interval(const Json *j, ModelError *m, Err *err) {
    Json cells;
    uint64_t n = 0;
    if (json_need_uint(j, "n_networks", SIZE_MAX / 2, &n, err) != 0) return -1;
    m->n_networks = (size_t)n;
    if (json_need_array(j, "cells", &cells, err) != 0 || read_cells(&cells, m->cell, err) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        for (int d = 0; d < RESULT_N_DISTS; d++)
            for (int k = 0; k < RESULT_N_QUANTILES; k++) m->by_load[i][d][k] = (LogRange){NAN, NAN};
        if (!json_find(j, load_keys[i], &cells)) continue;
        if (json_expect_array(&cells, err) != 0 || read_cells(&cells, m->by_load[i], err) != 0)
            return -1;
    }
    return 0;
}

int modelerror_read(ModelError *m, const Ckpt *c, Err *err) {
    *m = (ModelError){0};
    if (!c->recipe) return 0;
    JsonDoc *doc = json_parse(c->recipe, strlen(c->recipe), c->path ? c->path : "recipe", err);
    if (!doc) return -1;
    Json root = json_root(doc), j;
    int rc = !json_find(&root, MEMBER, &j) ? 0 : read_interval(&j, m, err) == 0 ? 1 : -1;
    json_close(doc);
    return rc;
}

static void put_cells(JsonOut *o, const char *key,
                      const LogRange of[RESULT_N_DISTS][RESULT_N_QUANTILES]) {
    json_put_array(o, key);
    for (int d = 0; d < RESULT_N_DISTS; d++) {
        json_out_object(o);
        json_put_string(o, "label", result_label(d));
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            const LogRange *r = &of[d][k];
            if (isnan(r->lo)) continue;
            /* Five decimals: a step of 1e-5 in log(truth / estimate) is far below the error of
             * measuring it. */
            json_put_array_compact(o, result_quantile_keys[k]);
            json_out_number(o, round(r->lo * 1e5) / 1e5);
            json_out_number(o, round(r->hi * 1e5) / 1e5);
            json_out_end(o, ']');
        }
        json_out_end(o, '}');
    }
    json_out_end(o, ']');
}

static void put_interval(JsonOut *o, const ModelError *m) {
    json_put_object(o, MEMBER);
    json_put_number(o, "level", 0.95);
    json_put_count(o, "n_networks", m->n_networks);
    put_cells(o, "cells", m->cell);
    for (int i = 0; i < 2; i++)
        if (!isnan(m->by_load[i][RESULT_ALL][RESULT_P99].lo))
            put_cells(o, load_keys[i], m->by_load[i]);
    json_out_end(o, '}');
}

/* Copies the recipe's other members; a recipe that is not JSON is dropped. */
static void put_others(JsonOut *o, const char *recipe) {
    JsonDoc *doc = json_parse(recipe, strlen(recipe), "recipe", NULL);
    if (!doc) return;
    Json root = json_root(doc), it;
    for (bool ok = json_first(&root, &it); ok; ok = json_next(&it)) {
        if (strcmp(it.key, MEMBER) == 0) continue;
        json_out_key(o, it.key);
        json_copy(&it, o);
    }
    json_close(doc);
}

char *modelerror_recipe(const ModelError *m, const Ckpt *c) {
    char *text = NULL;
    size_t len;
    FILE *f = mem_stream_open(&text, &len);
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    if (c->recipe) put_others(&o, c->recipe);
    put_interval(&o, m);
    json_out_end(&o, '}');
    mem_stream_close(f);
    return text;
}

/* ---- in use ---- */

/* Loads up to which a network counts as little loaded, and from which as much. */
static const double LOW = 0.5, HIGH = 0.75;

/* The range of a cell at a load: of both kinds of networks, a part each; what was measured over all
 * networks where either is not known. */
static LogRange range_at(const ModelError *m, double max_load, int d, int k) {
    const LogRange *lo = &m->by_load[0][d][k], *hi = &m->by_load[1][d][k];
    if (isnan(m->cell[d][k].lo) && (max_load <= 0 || isnan(lo->lo)) && d != RESULT_ALL)
        return range_at(m, max_load, RESULT_ALL, k);
    if (max_load <= 0 || isnan(lo->lo) || isnan(hi->lo)) return m->cell[d][k];
    double part = fmin(fmax((max_load - LOW) / (HIGH - LOW), 0), 1);
    return (LogRange){lo->lo + part * (hi->lo - lo->lo), lo->hi + part * (hi->hi - lo->hi)};
}

void modelerror_widen(const ModelError *m, double max_load, Slowdowns *r) {
    for (int d = 0; d < RESULT_N_DISTS; d++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++) {
            SlowdownQuantile *q = &r->dist[d].q[k];
            LogRange range = range_at(m, max_load, d, k);
            if (isnan(q->value) || isnan(range.lo)) continue;
            double down = hypot(fmax(0, log(q->value / q->lo)), fmax(0, -range.lo));
            double up = hypot(fmax(0, log(q->hi / q->value)), fmax(0, range.hi));
            /* No flow is faster than alone. */
            q->lo = fmin(q->value, fmax(1, q->value * exp(-down)));
            q->hi = q->value * exp(up);
        }
}
