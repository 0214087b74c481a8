/* origin: where a network's slow flows come from.
 *
 * The tail is the flows at or above the p99 of all flows. Each drawn path has a part of it, which
 * aggregate_tail computes from the mixture that the p99 itself is of; the parts add up to 1. A path
 * is attributed to its most loaded link, and from there to that link's class; so the shares of the
 * classes add up to 1 as well. The share of a single link is that of all paths that cross it, which
 * overlap.
 *
 * A load is a mean over the run and no cause: a link of low load may well be where bursts meet. */
#include "estimate/origin.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* ---- links ---- */

static bool same_class(const OriginClass *c, const LinkUse *l) {
    return c->from_tier == l->from_tier && c->to_tier == l->to_tier && c->rate_bps == l->rate_bps;
}

static int by_tiers(const void *a, const void *b) {
    const OriginClass *x = a, *y = b;
    int x_low = x->from_tier < x->to_tier ? x->from_tier : x->to_tier,
        y_low = y->from_tier < y->to_tier ? y->from_tier : y->to_tier;
    if (x_low != y_low) return x_low - y_low;
    if (x->from_tier != y->from_tier) return x->from_tier - y->from_tier;
    if (x->to_tier != y->to_tier) return x->to_tier - y->to_tier;
    return (x->rate_bps > y->rate_bps) - (x->rate_bps < y->rate_bps);
}

/* Returns the class of a link; NULL if it has none. */
static OriginClass *class_of(Origin *o, const LinkUse *l) {
    for (uint32_t i = 0; i < o->n_classes; i++)
        if (same_class(&o->classes[i], l)) return &o->classes[i];
    return NULL;
}

static void add_to_class(Origin *o, const LinkUse *l) {
    OriginClass *c = class_of(o, l);
    if (!c && o->n_classes == ORIGIN_MAX_CLASSES) {
        o->n_classes_left_out++;
        return;
    }
    if (!c) {
        c = &o->classes[o->n_classes++];
        *c = (OriginClass){
            .from_tier = l->from_tier, .to_tier = l->to_tier, .rate_bps = l->rate_bps};
    }
    c->n_links++;
    c->load_mean += l->load;
    c->load_max = fmax(c->load_max, l->load);
}

/* Keeps the most loaded links; of equal ones those that come first. */
static void add_to_links(Origin *o, const NetUse *u, uint32_t index) {
    const LinkUse *l = &u->links[index];
    uint32_t at = o->n_links;
    while (at > 0 && o->links[at - 1].link.load < l->load) at--;
    if (at == ORIGIN_N_LINKS) return;
    if (o->n_links < ORIGIN_N_LINKS) o->n_links++;
    for (uint32_t i = o->n_links - 1; i > at; i--) o->links[i] = o->links[i - 1];
    o->links[at] = (OriginLink){.link = *l, .index = index};
}

void origin_links(Origin *o, const NetUse *u) {
    *o = (Origin){.net = *u};
    o->net.links = NULL;
    for (uint32_t l = 0; l < u->n_links; l++) {
        add_to_class(o, &u->links[l]);
        add_to_links(o, u, l);
    }
    for (uint32_t i = 0; i < o->n_classes; i++) o->classes[i].load_mean /= o->classes[i].n_links;
    qsort(o->classes, o->n_classes, sizeof *o->classes, by_tiers);
}

/* ---- paths ---- */

static const LinkUse *busiest_of(const NetUse *u, const PathFeatures *p) {
    const LinkUse *most = &u->links[p->links[0]];
    for (uint32_t i = 1; i < p->n_links; i++)
        if (u->links[p->links[i]].load > most->load) most = &u->links[p->links[i]];
    return most;
}

/* Keeps the paths with the largest share; of equal ones those that come first. */
static void add_to_paths(Origin *o, const NetUse *u, const PathFeatures *p, double share,
                         double p99) {
    uint32_t at = o->n_paths;
    while (at > 0 && o->paths[at - 1].tail_share < share) at--;
    if (at == ORIGIN_N_PATHS || !(share > 0)) return;
    if (o->n_paths < ORIGIN_N_PATHS) o->n_paths++;
    for (uint32_t i = o->n_paths - 1; i > at; i--) o->paths[i] = o->paths[i - 1];
    o->paths[at] = (OriginPath){.src_id = u->links[p->links[0]].from_id,
                                .dst_id = u->links[p->links[p->n_links - 1]].to_id,
                                .n_links = p->n_links,
                                .n_draws = p->n_draws,
                                .p99 = p99,
                                .tail_share = share,
                                .busiest = *busiest_of(u, p)};
    for (int b = 0; b < SIZEBUCKET_N; b++) o->paths[at].n_flows += p->bucket_n[b];
}

void origin_paths(Origin *o, const Features *f, double tail_from, const double *tail_share,
                  const double *p99) {
    const NetUse *u = &f->use;
    o->tail_from = tail_from;
    for (size_t i = 0; i < f->n_unique; i++) {
        const PathFeatures *p = &f->paths[i];
        OriginClass *c = class_of(o, busiest_of(u, p));
        if (c) c->tail_share += tail_share[i];
        for (uint32_t k = 0; k < p->n_links; k++)
            for (uint32_t j = 0; j < o->n_links; j++)
                if (p->links[k] == o->links[j].index) o->links[j].tail_share += tail_share[i];
        add_to_paths(o, u, p, tail_share[i], p99[i]);
    }
}
