/* check: two opinions on one distribution.
 *
 * The model errs by what it was measured to err by on other networks; it does not see this one's
 * packets. The windows do, but only a sample of the run. In the logarithm both are estimates m and
 * s of the same quantile with variances Vm and Vs, independent of each other, so the best
 * combination weighs by 1/V, and its variance is 1/(1/Vm + 1/Vs). It is no worse than either in
 * expectation.
 *
 * That holds while the model is what it was measured to be. On a network of a kind that it has not
 * seen it may be off by any factor, and (m − s)² tells: its expectation is Vm + Vs. So Vm is raised
 * to (m − s)² − Vs where that is larger (DerSimonian and Laird 1986, for two studies). Far apart,
 * the windows alone count.
 *
 * Percentiles between the quantiles that have errors take the weight between theirs. */
#include "estimate/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* What the default spends, in nominal seconds: about what the rest of an estimate takes. */
static const double BASE_S = 1, PER_FLOW_S = 0.4e-6, MOST_S = 5;
/* A run that takes no more than so many budgets is simulated whole. */
static const double WHOLE_BUDGETS = 1.5;
/* Deviation of log(model / truth) where the checkpoint has no record of its error. */
static const double UNKNOWN_DEVIATION = 0.2;
/* No deviation or half width of an interval counts as more: factors beyond mean nothing, and might
 * overflow. */
static const double MOST_DEVIATION = 4;
/* The model does not foresee losses: its deviation grows with the root of the share of packets that
 * are lost in windows, twice as fast as the windows' own (sampled.c). Chosen. */
static const double PER_DROPS = 10;
/* Further apart than so many standard deviations is worth a remark. */
static const double APART = 2.5;

double check_hops(const CheckBudget *b, uint64_t n_flows, double run_hops) {
    if (b->off) return 0;
    if (b->share > 0) return b->share * run_hops;
    double s = b->seconds > 0 ? b->seconds : fmin(BASE_S + PER_FLOW_S * (double)n_flows, MOST_S);
    double hops = s * CHECK_HOPS_PER_S;
    return run_hops <= WHOLE_BUDGETS * hops ? run_hops : hops;
}

double check_deviation(const SlowdownQuantile *q) {
    double half = log(q->hi / q->lo) / 2 / 1.96;
    return half > 0 ? fmin(half, MOST_DEVIATION) : UNKNOWN_DEVIATION;
}

/* Combines a quantile. The ends of the model's interval are made by the few networks on which it
 * was far off, so that most of its errors are smaller than its deviation says. For the weight the
 * deviation is therefore taken CHECK_TYPICAL times as large: where this network is one of the few,
 * the difference tells. The interval stays that of the full deviation. */
static void combine(SlowdownQuantile *q, const SlowdownQuantile *sampled, double deviation,
                    double drop_share, double t, double *weight, bool *apart) {
    double m = log(q->value), s = log(sampled->value), vs = deviation * deviation,
           vm = check_deviation(q) * check_deviation(q), between = (m - s) * (m - s),
           drops = PER_DROPS * PER_DROPS * drop_share;
    *apart = between > APART * APART * (vm + vs);
    double typical = fmax(CHECK_TYPICAL * CHECK_TYPICAL * vm, between - vs) + drops;
    vm = fmax(vm, between - vs) + drops;
    *weight = typical / (typical + vs);
    double v = vm * vs / (vm + vs), x = exp(m + *weight * (s - m));
    /* With few windows the windows' error is itself uncertain; so is the combination's, by as much
     * as they weigh in it. */
    double half = fmin((1.96 + *weight * (t - 1.96)) * sqrt(v), MOST_DEVIATION);
    *q = (SlowdownQuantile){x, fmax(1, x * exp(-half)), x * exp(half)};
}

/* What a level between the quantiles has of something that they have. */
static double at_level(const double of[RESULT_N_QUANTILES], double level) {
    int k = 0;
    while (k < RESULT_N_QUANTILES && result_levels[k] < level) k++;
    if (k == 0) return of[0];
    if (k == RESULT_N_QUANTILES) return of[k - 1];
    double part = (level - result_levels[k - 1]) / (result_levels[k] - result_levels[k - 1]);
    return of[k - 1] + part * (of[k] - of[k - 1]);
}

static void combine_percentiles(SlowdownDist *dist, const SlowdownDist *sampled,
                                const double weight[RESULT_N_QUANTILES]) {
    double least = 1;
    for (int p = 0; p < STATS_N_PCT; p++) {
        double w = at_level(weight, (p + 1) / 100.0), m = log(dist->percentiles[p]),
               s = log(sampled->percentiles[p]);
        least = dist->percentiles[p] = fmax(least, exp(m + w * (s - m)));
    }
}

/* Quantiles ascend: a combination of two distributions by different weights might not. */
static void make_ascend(SlowdownDist *dist) {
    for (int k = 1; k < RESULT_N_QUANTILES; k++) {
        SlowdownQuantile *q = &dist->q[k];
        double least = dist->q[k - 1].value;
        if (q->value >= least) continue;
        q->value = least;
        q->hi = fmax(q->hi, least);
        q->lo = fmin(q->lo, least);
    }
}

void check_shift(SlowdownDist *dist, const double shift[RESULT_N_QUANTILES],
                 const double deviation[RESULT_N_QUANTILES]) {
    double least = 1;
    if (isnan(dist->q[0].value)) return;
    for (int p = 0; p < STATS_N_PCT; p++) {
        double factor = exp(at_level(shift, (p + 1) / 100.0));
        least = dist->percentiles[p] = fmax(least, dist->percentiles[p] * factor);
    }
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        double x = fmax(1, dist->q[k].value * exp(shift[k])),
               half = fmin(1.96 * deviation[k], MOST_DEVIATION);
        dist->q[k] = (SlowdownQuantile){x, fmax(1, x * exp(-half)), x * exp(half)};
    }
    make_ascend(dist);
}

static void combine_dist(SlowdownDist *dist, const Sampled *s, int d, double t, Check *c) {
    const SlowdownDist *sampled = &s->slowdown.dist[d];
    if (isnan(sampled->q[0].value)) return; /* no measured flows */
    if (isnan(dist->q[0].value) || !c->has_model || c->whole) {
        double share = c->has_model && !c->whole ? dist->share : sampled->share;
        *dist = *sampled;
        dist->share = share;
        for (int k = 0; k < RESULT_N_QUANTILES; k++) c->weight[d][k] = 1;
        return;
    }
    for (int k = 0; k < RESULT_N_QUANTILES; k++) {
        bool apart;
        combine(&dist->q[k], &sampled->q[k], s->deviation[d][k], c->drop_share, t, &c->weight[d][k],
                &apart);
        if (d == RESULT_ALL) c->apart[k] = apart;
    }
    combine_percentiles(dist, sampled, c->weight[d]);
    make_ascend(dist);
}

void check_combine(const Windows *w, bool has_model, uint64_t seed, int threads, Slowdowns *r,
                   Check *c) {
    Sampled s;
    *c = (Check){0};
    if (w->n_flows == 0) return;
    *c = (Check){.done = true,
                 .has_model = has_model,
                 .whole = w->whole,
                 .n_windows = w->n_windows,
                 .n_flows = w->n_flows,
                 .n_censored = w->n_censored,
                 .n_unreachable = w->whole ? w->n_run_flows - w->n_flows : 0,
                 .n_hops = w->n_hops,
                 .n_timeouts = w->n_timeouts,
                 .run_hops = w->run_hops,
                 .drop_share = w->n_packets > 0 ? (double)w->n_drops / (double)w->n_packets : 0,
                 .capacity = w->capacity,
                 .capacity_error = w->capacity_error,
                 .wall_s = w->wall_s};
    sampled_of(w, seed, threads, &s);
    if (has_model) c->model = *r;
    c->sampled = s.slowdown;
    memcpy(c->deviation, s.deviation, sizeof c->deviation);
    double t = sampled_t(fmax((double)w->n_windows - 1, 1));
    for (int d = 0; d < RESULT_N_DISTS; d++) combine_dist(&r->dist[d], &s, d, t, c);
}

void check_remark(const Check *c, const Log *log) {
    if (!c->done) return;
    for (int k = RESULT_P99; k >= RESULT_P50; k--) {
        if (!c->apart[k] || c->whole) continue;
        const SlowdownQuantile *m = &c->model.dist[RESULT_ALL].q[k],
                               *s = &c->sampled.dist[RESULT_ALL].q[k];
        log_note(log,
                 "the model says a %s of %.3g [%.3g, %.3g], packet windows %.3g [%.3g, %.3g]: "
                 "further apart than their errors; the windows are followed",
                 result_quantile_names[k], m->value, m->lo, m->hi, s->value, s->lo, s->hi);
        break;
    }
    if (c->n_unreachable > 0)
        log_note(
            log,
            "unreachable: %s of %s flows, as a host is cut off for good; the result is that of "
            "the others",
            units_count(c->n_unreachable).s, units_count(c->n_unreachable + c->n_flows).s);
    if (c->drop_share > CHECK_REMARK_DROPS)
        log_note(log, "%.2g %% of the packets are lost in the %s, %s retransmission timeouts%s",
                 100 * c->drop_share, c->whole ? "packet simulation" : "packet windows",
                 units_count(c->n_timeouts).s,
                 c->whole ? ""
                          : "; a run may collapse by and by, which windows may not show: --check "
                            "100% tells");
}
