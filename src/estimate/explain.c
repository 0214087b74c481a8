/* explain: what makes the tail.
 *
 * Where slow flows come from is known from an estimate (estimate/origin). What faster links would
 * gain is asked of estimates again: of the same traffic, in a network in which these links have
 * twice their rate (net/faults), both directions, all with the same seed, so that differences are
 * those of the links. Bottlenecks move: gains of different links don't add up.
 *
 * The part of a size in the tail is the share of its flows that are at or above the p99 of all,
 * read off its percentiles, times its share of the flows. */
#include "estimate/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tiers.h"

/* The share of a distribution that is at or above x. */
static double share_above(const SlowdownDist *d, double x) {
    const double *p = d->percentiles;
    int i = 0;
    if (!(d->share > 0) || isnan(p[0])) return 0;
    while (i < STATS_N_PCT && p[i] < x) i++;
    if (i == 0) return 1;
    if (i == STATS_N_PCT) return 0;
    double step = p[i] - p[i - 1], part = step > 0 ? (x - p[i - 1]) / step : 0;
    return 1 - (i + part) / STATS_N_PCT;
}

static void describe_flows(Explain *x) {
    double tail = x->slowdown.dist[RESULT_ALL].q[RESULT_P99].value, sum = 0;
    for (int d = 1; d < RESULT_N_DISTS; d++) {
        const SlowdownDist *dist = &x->slowdown.dist[d];
        double share = dist->share > 0 ? dist->share : 0;
        x->flows[d] = (ExplainFlows){share, share * share_above(dist, tail)};
        sum += x->flows[d].tail_share;
    }
    for (int d = 1; d < RESULT_N_DISTS && sum > 0; d++) x->flows[d].tail_share /= sum;
    x->flows[RESULT_ALL] = (ExplainFlows){1, 1};
}

/* ---- links ---- */

/* Rows for pairs of tiers, each for all its rates and both directions. */
static void list_tiers(Explain *x, const Origin *o, const Topo *t) {
    const char *const *names = tiers_names(t);
    x->tiers = MEM_ZNEW(ExplainLinks, o->n_classes + (size_t)1);
    for (uint32_t i = 0; i < o->n_classes; i++) {
        const OriginClass *c = &o->classes[i];
        int lo = c->from_tier < c->to_tier ? c->from_tier : c->to_tier,
            hi = c->from_tier < c->to_tier ? c->to_tier : c->from_tier;
        char what[48];
        int len = tiers_name(names, lo, what, sizeof what);
        what[len++] = '-';
        tiers_name(names, hi, what + len, sizeof what - (size_t)len);
        size_t k = 0;
        while (k < x->n_tiers && strcmp(x->tiers[k].what, what) != 0) k++;
        x->n_tiers += k == x->n_tiers;
        ExplainLinks *row = &x->tiers[k];
        memcpy(row->what, what, sizeof what);
        row->n_links += c->n_links;
        row->load_max = fmax(row->load_max, c->load_max);
        row->tail_share += c->tail_share;
    }
}

static int by_tail(const void *a, const void *b) {
    const ExplainLinks *x = a, *y = b;
    if (x->tail_share != y->tail_share) return x->tail_share > y->tail_share ? -1 : 1;
    return (x->load_max < y->load_max) - (x->load_max > y->load_max);
}

/* Of the most loaded links those that most of the tail crosses, each pair of nodes once. */
static void list_links(Explain *x, const Origin *o, uint32_t most) {
    for (uint32_t i = 0; i < o->n_links && x->n_links < EXPLAIN_MAX_LINKS; i++) {
        const OriginLink *l = &o->links[i];
        unsigned long long a = l->link.from_id, b = l->link.to_id;
        char what[48], back[48];
        snprintf(what, sizeof what, "%llu-%llu", a, b);
        snprintf(back, sizeof back, "%llu-%llu", b, a);
        size_t k = 0;
        while (k < x->n_links && strcmp(x->links[k].what, what) != 0 &&
               strcmp(x->links[k].what, back) != 0)
            k++;
        if (k < x->n_links) continue;
        ExplainLinks *row = &x->links[x->n_links++];
        *row = (ExplainLinks){.n_links = 1, .load_max = l->link.load, .tail_share = l->tail_share};
        memcpy(row->what, what, sizeof what);
    }
    qsort(x->links, x->n_links, sizeof *x->links, by_tail);
    if (x->n_links > most) x->n_links = most;
}

/* ---- estimates ---- */

/* Loads the scenario with some links twice as fast. Their tiers are those of the network that
 * faults have left, which may differ from the whole one's. */
static int load_faster(Scenario *s, const ScenarioOptions *so, const ExplainLinks *links,
                       Err *err) {
    ScenarioOptions o = *so;
    Faults faster = {0};
    char *text = mem_printf("%s=2x", links->what);
    int rc = faults_add(&faster, FAULT_DEGRADE, text, err);
    o.then = &faster;
    if (rc == 0) rc = scenario_load(s, &o, NULL, err);
    free(text);
    faults_free(&faster);
    return rc;
}

/* The quantile with some links twice as fast. */
static int ask(Explain *x, ExplainLinks *row, const ScenarioOptions *so, const EstimateOptions *eo,
               Err *err) {
    Scenario s;
    Estimate e;
    if (load_faster(&s, so, row, err) != 0) return -1;
    int rc = estimate_run(&s, eo, NULL, &e, err);
    if (rc == 0) {
        row->value = e.slowdown.dist[x->dist].q[x->k].value;
        netuse_free(&e.origin.net);
    }
    scenario_free(&s);
    return rc;
}

int explain_run(Explain *x, const ScenarioOptions *so, const EstimateOptions *eo, int dist, int k,
                uint32_t n_links, const Log *log, Err *err) {
    Scenario s;
    Estimate e;
    *x = (Explain){.dist = dist, .k = k};
    if (scenario_load(&s, so, log, err) != 0) return -1;
    int rc = estimate_run(&s, eo, log, &e, err);
    if (rc == 0) {
        x->slowdown = e.slowdown;
        x->value = e.slowdown.dist[dist].q[k].value;
        describe_flows(x);
        list_tiers(x, &e.origin, &s.topo);
        list_links(x, &e.origin, n_links);
        netuse_free(&e.origin.net);
    }
    scenario_free(&s);
    Progress progress;
    progress_init(&progress, log, "estimates", x->n_tiers + x->n_links);
    for (size_t i = 0; i < x->n_tiers + x->n_links && rc == 0; i++) {
        bool tier = i < x->n_tiers;
        rc = ask(x, tier ? &x->tiers[i] : &x->links[i - x->n_tiers], so, eo, err);
        progress_update(&progress, i + 1);
    }
    progress_finish(&progress);
    if (rc != 0) explain_free(x);
    return rc;
}

void explain_free(Explain *x) {
    free(x->tiers);
    x->tiers = NULL;
    x->n_tiers = 0;
}
