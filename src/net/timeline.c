/* timeline: a network whose links fail, degrade and come back while it is in use.
 *
 *     time      −∞          1 ms         3 ms
 *     phase     whole       0-256 dead   whole
 *
 * Events are applied in order of time to one list of cables (faults_private.h), which is looked at
 * after each time: that is a phase. Where cables are dead, what is left of the network becomes a
 * topology of its own, with next hops of its own: its nodes and cables are those of the whole one
 * in the same order, which is how its numbers are translated. Of several parts the one with most
 * hosts is taken; the others' hosts are cut off. A phase without dead cables has the whole
 * network's next hops.
 *
 * Left out: paths within the smaller parts. */
#include "net/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/faults_private.h"

typedef struct {
    double at_ns;
    const Fault *event;
    Fault what;
    size_t place; /* in the list */
} TimelineEvent;

static int by_time(const void *a, const void *b) {
    const TimelineEvent *x = a, *y = b;
    if (x->at_ns != y->at_ns) return x->at_ns < y->at_ns ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

/* Returns how many there are; *list is the caller's. */
static size_t list_events(const Faults *f, TimelineEvent **list) {
    size_t n = 0;
    *list = MEM_NEW(TimelineEvent, f->n + 1);
    for (size_t i = 0; i < f->n; i++) {
        TimelineEvent *e = &(*list)[n];
        *e = (TimelineEvent){.event = &f->list[i], .place = i};
        if (f->list[i].kind == FAULT_EVENT &&
            faults_split_event(e->event, &e->at_ns, &e->what, NULL) == 0)
            n++;
    }
    qsort(*list, n, sizeof **list, by_time);
    return n;
}

/* ---- phases ---- */

static void copy_links(TimelinePhase *p, const FaultsBuild *b) {
    uint32_t n = b->t->n_links;
    p->rate_bps = MEM_NEW(double, n);
    p->error_rate = MEM_NEW(double, n);
    for (uint32_t l = 0; l < n; l++) {
        p->rate_bps[l] = b->cables[l / 2].rate_bps;
        p->error_rate[l] = b->cables[l / 2].error_rate;
        p->n_failed += (l & 1) && b->failed[l / 2];
        p->n_degraded += (l & 1) && b->degraded[l / 2] && !b->failed[l / 2];
    }
    if (p->n_failed == 0) return;
    p->dead = MEM_NEW(uint8_t, n);
    for (uint32_t l = 0; l < n; l++) p->dead[l] = b->failed[l / 2];
}

/* The numbers of the part that is left. */
static void translate(TimelinePhase *p, const FaultsBuild *b, uint32_t rest) {
    const Topo *t = b->t;
    uint32_t n = 0;
    p->link_of = MEM_NEW(uint32_t, p->topo.n_links);
    p->node_in = MEM_NEW(uint32_t, t->n_nodes);
    p->host_in = MEM_NEW(uint32_t, t->n_hosts);
    for (uint32_t k = 0; k < t->n_links / 2; k++) {
        if (!faults_keep(b, rest, k)) continue;
        const Link *l = &p->topo.links[n];
        bool same = p->topo.node_id[l->from] == t->node_id[t->links[2 * (size_t)k].from];
        p->link_of[n++] = 2 * k + !same;
        p->link_of[n++] = 2 * k + same;
    }
    for (uint32_t v = 0; v < t->n_nodes; v++)
        p->node_in[v] = b->part[v] == rest ? topo_node(&p->topo, t->node_id[v]) : TOPO_NONE;
    for (uint32_t h = 0; h < t->n_hosts; h++) {
        uint32_t v = p->node_in[t->host_node[h]];
        p->host_in[h] = v == TOPO_NONE ? TOPO_NONE : p->topo.node_host[v];
        p->n_cut_off += v == TOPO_NONE;
    }
}

static int add_phase(TimelinePhase *p, FaultsBuild *b, const Route *whole, double at_ns, Err *err) {
    FaultsInfo info = {0};
    *p = (TimelinePhase){.at_ns = at_ns, .route = whole};
    copy_links(p, b);
    if (!p->dead) return 0;
    uint32_t rest = faults_find_parts(b), n_hosts = 0;
    for (uint32_t h = 0; h < b->t->n_hosts; h++) n_hosts += b->part[b->t->host_node[h]] == rest;
    if (n_hosts < 2) { /* none reaches another */
        p->n_cut_off = b->t->n_hosts;
        p->host_in = MEM_NEW(uint32_t, b->t->n_hosts);
        memset(p->host_in, 0xff, b->t->n_hosts * sizeof *p->host_in);
        return 0;
    }
    if (faults_build(b, rest, &p->topo, &info, err) != 0) return -1;
    translate(p, b, rest);
    p->route = p->own_route = route_new(&p->topo, err);
    return p->own_route ? 0 : -1;
}

static int build(Timeline *t, const Route *whole, const TimelineEvent *e, size_t n, uint64_t seed,
                 Err *err) {
    FaultsBuild b;
    faults_build_init(&b, route_topo(whole));
    int rc = add_phase(&t->phases[t->n++], &b, whole, -INFINITY, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = faults_hit(&b, &e[i].what, seed, err);
        if (rc != 0) err_wrap(err, "events %s", e[i].event->text);
        if (rc == 0 && (i + 1 == n || e[i + 1].at_ns > e[i].at_ns))
            rc = add_phase(&t->phases[t->n++], &b, whole, e[i].at_ns, err);
    }
    faults_build_free(&b);
    return rc;
}

Timeline *timeline_new(const Route *whole, const Faults *f, uint64_t seed, double reroute_delay_ns,
                       Err *err) {
    TimelineEvent *events;
    size_t n = list_events(f, &events);
    Timeline *t = NULL;
    if (n > 0) {
        t = MEM_NEW(Timeline, 1);
        *t = (Timeline){.phases = MEM_ZNEW(TimelinePhase, n + 1),
                        .reroute_delay_ns = reroute_delay_ns};
        if (build(t, whole, events, n, seed, err) != 0) {
            timeline_free(t);
            t = NULL;
        }
    }
    for (size_t i = 0; t && i < t->n; i++) {
        uint32_t links = route_max_links(t->phases[i].route);
        if (links > t->max_links) t->max_links = links;
    }
    free(events);
    return t;
}

void timeline_free(Timeline *t) {
    for (size_t i = 0; t && i < t->n; i++) {
        TimelinePhase *p = &t->phases[i];
        route_destroy(p->own_route);
        topo_free(&p->topo);
        void *arrays[] = {p->dead, p->rate_bps, p->error_rate, p->link_of, p->node_in, p->host_in};
        for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) free(arrays[k]);
    }
    if (t) free(t->phases);
    free(t);
}
