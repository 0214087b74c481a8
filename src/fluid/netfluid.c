/* netfluid: the state of the whole network at a time, from flows as a fluid.
 *
 *   start of the run ........ large flows only ........ all flows ─▶ the time asked for
 *                             long steps                 short ones
 *
 * Every flow goes at its max-min fair rate: it is at its own limit or crosses a saturated link on
 * which no flow is faster. To know who is alive at a time T, one need not begin with the first
 * flow: one that began `reach` of its ideal completion times before T has ended. So at a distance
 * of a second only flows of megabytes take part, and just before T all do. The flows that are too
 * small to take part at a distance are there all the same: they take their mean share of each
 * link's rate. What takes part therefore hardly depends on how long the run is.
 *
 * Rates are computed anew not at every event but at steps that shrink with the distance to T: what
 * took part at a distance lives long, and an error of a step there is forgotten by T. The least
 * step is half a base round trip, since no control reacts faster. A flow that began within a step
 * is given what it would have sent since, at its first rate; if that is all of it, it holds none of
 * the rates of the next step.
 *
 * Flows that wait for others begin when these have ended, which a run of all flows finds out
 * (netfluid_follow): ends are known to within a step, and a flow that may begin within one is given
 * what it would have sent since, so that chains of flows don't grow by the steps.
 *
 * Rates: progressive filling with the saturated links in a heap (netrates). HPCC aims links at a
 * utilisation η, and its additive step carries them above, by as much as there are flows.
 *
 * Left out: queues, losses, the time that a control takes to reach its rate. */
#include "fluid/netfluid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "fluid/netrates.h"
#include "net/basebdp.h"
#include "net/wire.h"

/* Chosen by measuring (tests/bench/README.md): below BUSY_LOAD of the busiest link, twice as much
 * of either changes no state by more than the sampling of windows. Above, flows live many times
 * longer than ideal. */
static const double DEFAULT_REACH = 60, BUSY_REACH = 300, BUSY_LOAD = 0.6, DEFAULT_STEPS = 150;
/* Flows that are routed for the mean shares: enough that a link with a thousandth of all flows has
 * 1,000 of them. */
enum { PROFILE_FLOWS = 1 << 20 };
/* Links of a path, at most. */
enum { MAX_LINKS = 64 };
/* Size classes of the mean shares: powers of two. */
enum { N_CLASSES = 50 };
/* No link has less than this share left for the flows that take part, however much the others take
 * in the mean. */
static const double LEAST_SHARE = 0.05;

struct NetFluid {
    const Route *route;
    const Topo *topo;
    const FlowSource *source;
    double reach, steps;
    bool every_event;
    double header_b;  /* of a packet */
    double window_b;  /* in flight at line rate */
    double rtt_ns;    /* the longest base round trip */
    double *rate_bps; /* [n_links] for data, without the mean of ACKs */
    double target;    /* of a link, as a share of its rate; INFINITY: the control has none */
    double step_bps;  /* what it adds; 0 without target */
    double *below;    /* [N_CLASSES + 1][n_links] bits/s of flows of the classes below */
    double *load;     /* [n_links] of all flows, of links' own rates */
    double fastest_bps;
    int64_t first_ns;      /* start of the first flow */
    int64_t *chunk_end_ns; /* [n_chunks] start of a chunk's last flow */
    size_t n_chunks;
    NetFluidFlow *large; /* [n_large] flows of at least large_b bytes, ascending by index */
    size_t n_large;
    uint64_t large_b;
};

static int class_of(uint64_t size_b) {
    int k = 63 - __builtin_clzll(size_b | 1);
    return k < N_CLASSES - 1 ? k : N_CLASSES - 1;
}

static double wire_of(const NetFluid *nf, uint64_t size_b) {
    return 8 * ((double)size_b + (double)wire_packets(size_b) * nf->header_b);
}

/* ---- mean shares ---- */

typedef struct {
    const NetFluid *nf;
    size_t stride;
    double **bits; /* [workers][N_CLASSES × n_links] */
} Profile;

static void profile_chunk(void *ctx, size_t item, int worker) {
    const Profile *p = ctx;
    const NetFluid *nf = p->nf;
    Flows room = {0};
    FlowChunk c = flowsource_chunk(nf->source, item, &room);
    size_t n_links = nf->topo->n_links;
    uint32_t links[MAX_LINKS];
    if (!p->bits[worker]) p->bits[worker] = MEM_ZNEW(double, N_CLASSES *n_links);
    for (uint32_t i = 0; i < c.n; i += (uint32_t)p->stride) {
        uint32_t n = route_path(nf->route, c.src[i], c.dst[i], c.sport[i], ROUTE_DPORT, links);
        double *of = p->bits[worker] + (size_t)class_of(c.size_b[i]) * n_links;
        double bits = wire_of(nf, c.size_b[i]) * (double)p->stride;
        for (uint32_t k = 0; k < n; k++) of[links[k]] += bits;
    }
    flows_free(&room);
}

static size_t chunk_stride(const NetFluid *nf) { return nf->source->n / PROFILE_FLOWS + 1; }

/* Whole numbers of bits add up to the same sum in any order (below 2^53). */
static void profile(NetFluid *nf, double span_ns, double ack_share, int threads) {
    size_t n_links = nf->topo->n_links;
    int workers = par_resolve(threads);
    Profile p = {.nf = nf, .stride = chunk_stride(nf), .bits = MEM_ZNEW(double *, (size_t)workers)};
    par_for(flowsource_n_chunks(nf->source), threads, profile_chunk, &p);
    nf->below = MEM_ZNEW(double, (N_CLASSES + 1) * n_links);
    for (size_t i = 0; i < N_CLASSES * n_links; i++) {
        double bits = 0;
        for (int w = 0; w < workers; w++) bits += p.bits[w] ? p.bits[w][i] : 0;
        nf->below[i + n_links] = nf->below[i] + bits / span_ns * 1e9;
    }
    for (int w = 0; w < workers; w++) free(p.bits[w]);
    free(p.bits);
    const double *all = nf->below + N_CLASSES * n_links;
    nf->load = MEM_NEW(double, n_links);
    for (size_t l = 0; l < n_links; l++) {
        double acks = all[l ^ 1] * ack_share;
        nf->load[l] = all[l] / nf->topo->links[l].rate_bps;
        nf->rate_bps[l] = fmax(nf->rate_bps[l] - acks, LEAST_SHARE * nf->topo->links[l].rate_bps);
    }
}

/* ---- large flows ---- */

/* Looking for the flows that take part goes through all flows near the time asked for, and through
 * the large ones alone far from it: at most so many. */
enum { MAX_LARGE = 1 << 18 };

static NetFluidFlow flow_of(const FlowChunk *c, uint32_t i) {
    return (NetFluidFlow){.index = c->first + i,
                          .src = c->src[i],
                          .dst = c->dst[i],
                          .sport = c->sport[i],
                          .size_b = c->size_b[i],
                          .start_ns = c->start_ns[i]};
}

/* Both passes over the flows are shared by threads, chunk by chunk. */
typedef struct {
    NetFluid *nf;
    Flows *room;                       /* [threads] */
    uint32_t (*n_of_class)[N_CLASSES]; /* [n_chunks] */
    int least_class;                   /* of large flows */
    size_t *place;                     /* [n_chunks] in nf->large, of a chunk's first large flow */
} LargeSearch;

static void survey_chunk(void *ctx, size_t k, int worker) {
    const LargeSearch *s = ctx;
    FlowChunk c = flowsource_chunk(s->nf->source, k, &s->room[worker]);
    if (k == 0) s->nf->first_ns = c.start_ns[0];
    s->nf->chunk_end_ns[k] = c.start_ns[c.n - 1];
    for (uint32_t i = 0; i < c.n; i++) s->n_of_class[k][class_of(c.size_b[i])]++;
}

static void list_large_of_chunk(void *ctx, size_t k, int worker) {
    const LargeSearch *s = ctx;
    size_t at = s->place[k];
    FlowChunk c = flowsource_chunk(s->nf->source, k, &s->room[worker]);
    for (uint32_t i = 0; i < c.n; i++)
        if (class_of(c.size_b[i]) >= s->least_class) s->nf->large[at++] = flow_of(&c, i);
}

/* Decides which flows are large, and where those of each chunk go. */
static void place_large(LargeSearch *s) {
    NetFluid *nf = s->nf;
    size_t n_of_class[N_CLASSES] = {0}, n = 0;
    int k = N_CLASSES;
    for (size_t c = 0; c < nf->n_chunks; c++)
        for (int i = 0; i < N_CLASSES; i++) n_of_class[i] += s->n_of_class[c][i];
    while (k > 0 && n + n_of_class[k - 1] <= MAX_LARGE) n += n_of_class[--k];
    s->least_class = k;
    nf->large_b = (uint64_t)1 << k;
    nf->large = MEM_NEW(NetFluidFlow, n);
    s->place = MEM_NEW(size_t, nf->n_chunks);
    for (size_t c = 0; c < nf->n_chunks; c++) {
        s->place[c] = nf->n_large;
        for (int i = k; i < N_CLASSES; i++) nf->n_large += s->n_of_class[c][i];
    }
}

/* Finds when chunks end, and the large flows. */
static void survey(NetFluid *nf, int threads) {
    int workers = par_resolve(threads);
    LargeSearch s = {.nf = nf, .room = MEM_ZNEW(Flows, (size_t)workers)};
    s.n_of_class = mem_calloc(nf->n_chunks, sizeof *s.n_of_class);
    par_for(nf->n_chunks, threads, survey_chunk, &s);
    place_large(&s);
    if (nf->n_large > 0) par_for(nf->n_chunks, threads, list_large_of_chunk, &s);
    for (int w = 0; w < workers; w++) flows_free(&s.room[w]);
    free(s.room);
    free(s.n_of_class);
    free(s.place);
}

/* ---- set-up ---- */

static double longest_rtt(const NetFluid *nf, double ack_b) {
    double ns = 0;
    const Topo *t = nf->topo;
    for (uint32_t l = 0; l < t->n_links; l++)
        ns = fmax(ns, wire_hop_rtt_ns(t->links[l].rate_bps, t->links[l].delay_ns,
                                      WIRE_PAYLOAD_B + nf->header_b, ack_b));
    return ns * route_max_links(nf->route);
}

static double max_load(const NetFluid *nf) {
    double load = 0;
    for (uint32_t l = 0; l < nf->topo->n_links; l++) load = fmax(load, nf->load[l]);
    return load;
}

NetFluid *netfluid_new(const Route *r, const FlowSource *source, const NetConf *conf,
                       const NetFluidOptions *o, int threads, Err *err) {
    const Topo *t = route_topo(r);
    if (route_max_links(r) > MAX_LINKS) {
        err_input(err, "%s: paths of %u links: windows take at most %d", t->name,
                  route_max_links(r), MAX_LINKS);
        return NULL;
    }
    NetFluid *nf = MEM_ZNEW(NetFluid, 1);
    double ack_b = wire_ack_b(conf->cc);
    *nf = (NetFluid){.route = r,
                     .topo = t,
                     .source = source,
                     .reach = o->reach,
                     .steps = o->steps > 0 ? o->steps : DEFAULT_STEPS,
                     .every_event = o->every_event,
                     .target = INFINITY,
                     .header_b = wire_header_b(conf->cc),
                     .rate_bps = MEM_NEW(double, t->n_links),
                     .n_chunks = flowsource_n_chunks(source)};
    nf->chunk_end_ns = MEM_NEW(int64_t, nf->n_chunks);
    survey(nf, threads);
    /* A packet is sent while there is less than a window in flight: whole packets, rounded up. */
    double window_b =
        conf->line_window_b == NETCONF_AUTO ? basebdp_largest(r) : conf->line_window_b;
    nf->window_b = fmax(1, ceil(window_b / WIRE_PAYLOAD_B)) * WIRE_PAYLOAD_B;
    nf->rtt_ns = longest_rtt(nf, ack_b);
    for (uint32_t l = 0; l < t->n_links; l++) nf->rate_bps[l] = t->links[l].rate_bps;
    for (uint32_t h = 0; h < t->n_hosts; h++)
        nf->fastest_bps = fmax(nf->fastest_bps, t->host_rate_bps[h]);
    if (conf->cc == CC_HPCC) {
        nf->target = conf->hpcc_eta;
        nf->step_bps = conf->hpcc_ai_bps * (o->hpcc_ns3 ? 1 : nf->fastest_bps / WIRE_REF_BPS);
    }
    double span_ns = (double)(nf->chunk_end_ns[nf->n_chunks - 1] - nf->first_ns);
    profile(nf, fmax(fmax(span_ns, o->least_span_ns), 1), ack_b / (WIRE_PAYLOAD_B + nf->header_b),
            threads);
    if (!(nf->reach > 0)) nf->reach = max_load(nf) < BUSY_LOAD ? DEFAULT_REACH : BUSY_REACH;
    if (!diag_stop_requested()) return nf;
    err_stopped(err);
    netfluid_destroy(nf);
    return NULL;
}

void netfluid_destroy(NetFluid *nf) {
    if (!nf) return;
    free(nf->rate_bps);
    free(nf->below);
    free(nf->load);
    free(nf->chunk_end_ns);
    free(nf->large);
    free(nf);
}

const double *netfluid_loads(const NetFluid *nf) { return nf->load; }

/* ---- which flows take part ---- */

typedef struct {
    NetFluidFlow *flow; /* [n] ascending by index */
    size_t n, cap;
} FlowList;

/* Returns the least size of a flow that takes part if it began distance_ns before the time asked
 * for. */
static double least_size(const NetFluid *nf, double distance_ns) {
    double ideal_ns = distance_ns / nf->reach - nf->rtt_ns;
    return ideal_ns <= 0 ? 0 : ideal_ns * 1e-9 / 8 * nf->fastest_bps;
}

static void list_add(FlowList *list, NetFluidFlow f) {
    MEM_GROW(list->flow, list->cap, list->n + 1);
    list->flow[list->n++] = f;
}

/* Flows whose distance is looked at together: the smallest of the last one's is taken. */
enum { BLOCK = 64 };

static void gather_chunk(const NetFluid *nf, const FlowChunk *c, int64_t at_ns, FlowList *list) {
    for (uint32_t begin = 0; begin < c->n; begin += BLOCK) {
        uint32_t end = begin + BLOCK < c->n ? begin + BLOCK : c->n;
        if (c->start_ns[begin] >= at_ns) return;
        double least = least_size(nf, (double)(at_ns - c->start_ns[end - 1]));
        for (uint32_t i = begin; i < end && c->start_ns[i] < at_ns; i++)
            if ((double)c->size_b[i] >= least) list_add(list, flow_of(c, i));
    }
}

/* Large flows of the chunks in whose time no small one takes part, then all flows of the others. */
static void gather(const NetFluid *nf, int64_t at_ns, FlowList *list) {
    Flows room = {0};
    size_t chunk = 0;
    while (chunk < nf->n_chunks &&
           least_size(nf, (double)(at_ns - nf->chunk_end_ns[chunk])) >= (double)nf->large_b)
        chunk++;
    for (size_t i = 0; i < nf->n_large; i++) {
        const NetFluidFlow *f = &nf->large[i];
        if (f->index >= chunk << FLOW_LOG2_CHUNK) break;
        if ((double)f->size_b >= least_size(nf, (double)(at_ns - f->start_ns))) list_add(list, *f);
    }
    for (; chunk < nf->n_chunks; chunk++) {
        FlowChunk c = flowsource_chunk(nf->source, chunk, &room);
        if (c.start_ns[0] >= at_ns) break;
        gather_chunk(nf, &c, at_ns, list);
    }
    flows_free(&room);
}

/* ---- stepping ---- */

/* Flows that wait for others. */
typedef struct {
    double ns;
    uint32_t flow;
} Due;
typedef struct {
    const FlowGraph *graph;
    const double *rest_ns; /* [n] from a flow's last bit until its end */
    size_t *start;         /* flowgraph_followers */
    uint32_t *followers;
    uint32_t *left;   /* [n] that have not ended, of those a flow waits for */
    double *ready_ns; /* [n] the last end of those that have */
    double *end_ns;   /* [n] out */
    Due *due;         /* [n_due] a heap, by time and then by flow: they begin at theirs */
    size_t n_due, cap_due;
} Follow;

typedef struct {
    const NetFluid *nf;
    NetRates rates;
    FlowList all;
    size_t next;     /* of `all`, to begin */
    uint32_t *alive; /* [n_alive] indices in `all`, ascending */
    double *left;    /* [n_alive] bits on the wire */
    uint32_t n_alive;
    NetLink *links;  /* [n_links] for the flows that take part */
    int links_class; /* that they are computed for */
    double capacity;
    double *sent_ns; /* [n of the source] filled for flows that end; NULL: not wanted */
    Follow *follow;  /* of a whole run; NULL: no flow waits */
} Stepper;

static double base_rtt_ns(const NetFluid *nf, const uint32_t *links, uint32_t n) {
    double ns = 0;
    for (uint32_t i = 0; i < n; i++) {
        const Link *l = &nf->topo->links[links[i]];
        ns += wire_hop_rtt_ns(l->rate_bps, l->delay_ns, WIRE_PAYLOAD_B + nf->header_b, WIRE_ACK_B);
    }
    return ns;
}

/* Adds a flow of the list, with its limit: the slower of its line rate and of a window in a round
 * trip. */
static void begin_flow(Stepper *s, size_t i) {
    const NetFluid *nf = s->nf;
    const NetFluidFlow *f = &s->all.flow[i];
    uint32_t links[MAX_LINKS],
        n = route_path(nf->route, f->src, f->dst, f->sport, ROUTE_DPORT, links);
    double full_b = WIRE_PAYLOAD_B + nf->header_b,
           window_bits = nf->window_b * 8 * full_b / WIRE_PAYLOAD_B,
           limit = fmin(nf->topo->links[links[0]].rate_bps,
                        window_bits / base_rtt_ns(nf, links, n) * 1e9);
    s->alive[s->n_alive] = (uint32_t)i;
    s->left[s->n_alive++] = wire_of(nf, f->size_b);
    netrates_add(&s->rates, links, n, limit);
}

/* Sets the links to what flows too small to take part leave at this distance. */
static void set_links(Stepper *s, double distance_ns) {
    const NetFluid *nf = s->nf;
    double least = least_size(nf, distance_ns);
    int k = least < 1 ? 0 : class_of((uint64_t)least);
    if (k == s->links_class) return;
    s->links_class = k;
    const double *below = nf->below + (size_t)k * nf->topo->n_links;
    for (uint32_t l = 0; l < nf->topo->n_links; l++) {
        double rate_bps = s->capacity * nf->rate_bps[l],
               left_bps = fmax(rate_bps - below[l], LEAST_SHARE * rate_bps);
        /* A host's queue to the network reports nothing to its control. */
        bool aims = !nf->topo->is_host[nf->topo->links[l].from];
        s->links[l] = (NetLink){.left = left_bps,
                                .used = rate_bps - left_bps,
                                .target = aims ? nf->target * rate_bps : INFINITY};
    }
}

/* How long an ending flow took. One that began and ended within the last step did so at its first
 * rate. */
static double took_ns(const Stepper *s, uint32_t i, double now_ns) {
    const NetFluidFlow *f = &s->all.flow[s->alive[i]];
    return s->left[i] > 0 ? now_ns + s->left[i] / s->rates.rate[i] * 1e9 - (double)f->start_ns
                          : wire_of(s->nf, f->size_b) / s->rates.rate[i] * 1e9;
}

static bool is_due_before(const Due *a, const Due *b) {
    return a->ns < b->ns || (a->ns == b->ns && a->flow < b->flow);
}

static void push_due(Follow *w, Due d) {
    MEM_GROW(w->due, w->cap_due, w->n_due + 1);
    size_t i = w->n_due++;
    for (; i > 0 && is_due_before(&d, &w->due[(i - 1) / 2]); i = (i - 1) / 2)
        w->due[i] = w->due[(i - 1) / 2];
    w->due[i] = d;
}

static uint32_t pop_due(Follow *w) {
    uint32_t flow = w->due[0].flow;
    Due last = w->due[--w->n_due];
    size_t i = 0;
    for (;;) {
        size_t least = 2 * i + 1;
        if (least >= w->n_due) break;
        if (least + 1 < w->n_due && is_due_before(&w->due[least + 1], &w->due[least])) least++;
        if (!is_due_before(&w->due[least], &last)) break;
        w->due[i] = w->due[least];
        i = least;
    }
    if (w->n_due > 0) w->due[i] = last;
    return flow;
}

/* Has the flows start for which this one, sent after took_ns, was the last to end. */
static void end_for_followers(Stepper *s, uint32_t flow, double took) {
    Follow *w = s->follow;
    double end_ns = (double)s->all.flow[flow].start_ns + took + w->rest_ns[flow];
    w->end_ns[flow] = end_ns;
    for (size_t k = w->start[flow]; k < w->start[flow + 1]; k++) {
        uint32_t f = w->followers[k];
        w->ready_ns[f] = fmax(w->ready_ns[f], end_ns);
        if (--w->left[f] > 0) continue;
        double ns =
            fmax(w->ready_ns[f] + (double)w->graph->delay_ns[f], (double)w->graph->earliest_ns[f]);
        s->all.flow[f].start_ns = (int64_t)ceil(ns);
        push_due(w, (Due){ceil(ns), f});
    }
}

/* Lets all alive flows send for dt_ns; ended ones leave. */
static void advance(Stepper *s, double now_ns, double dt_ns) {
    uint32_t to = 0;
    for (uint32_t i = 0; i < s->n_alive; i++) {
        double left = s->left[i] - s->rates.rate[i] * dt_ns * 1e-9;
        if (left < 1) {
            if (s->sent_ns) s->sent_ns[s->all.flow[s->alive[i]].index] = took_ns(s, i, now_ns);
            if (s->follow) end_for_followers(s, s->alive[i], took_ns(s, i, now_ns));
            continue;
        }
        netrates_move(&s->rates, i, to);
        s->alive[to] = s->alive[i];
        s->left[to++] = left;
    }
    s->n_alive = to;
    netrates_resize(&s->rates, to);
}

/* Sets all rates, and gives flows `first` …, which began since the last step, what they have sent.
 * Those that ended by that leave, and what they would hold of links goes to the others. */
static void set_rates(Stepper *s, uint32_t first, double now_ns) {
    netrates_fill(&s->rates, s->links, s->nf->step_bps);
    for (uint32_t i = first; i < s->n_alive; i++) {
        double age_ns = now_ns - (double)s->all.flow[s->alive[i]].start_ns;
        s->left[i] = fmax(s->left[i] - s->rates.rate[i] * age_ns * 1e-9, 0);
    }
    uint32_t n = s->n_alive;
    advance(s, now_ns, 0);
    if (s->n_alive < n) netrates_fill(&s->rates, s->links, s->nf->step_bps);
}

/* Returns the time of the first flow to end at the present rates. */
static double first_end(const Stepper *s, double now_ns) {
    double dt_ns = INFINITY;
    for (uint32_t i = 0; i < s->n_alive; i++)
        dt_ns = fmin(dt_ns, s->left[i] / s->rates.rate[i] * 1e9);
    return now_ns + dt_ns;
}

static double next_time(const Stepper *s, double now_ns, double at_ns) {
    double start_ns = s->next < s->all.n ? (double)s->all.flow[s->next].start_ns : at_ns;
    if (s->n_alive == 0) return fmin(at_ns, start_ns);
    if (s->nf->every_event) return fmin(at_ns, fmin(start_ns, first_end(s, now_ns)));
    double step_ns = fmax((at_ns - now_ns) / s->nf->steps, s->nf->rtt_ns / 2);
    return fmin(at_ns, now_ns + step_ns);
}

static void step_until(Stepper *s, double at_ns, size_t *n_steps) {
    double now_ns = s->all.n > 0 ? (double)s->all.flow[0].start_ns : at_ns;
    while (now_ns < at_ns) {
        uint32_t before = s->n_alive;
        while (s->next < s->all.n && (double)s->all.flow[s->next].start_ns <= now_ns)
            begin_flow(s, s->next++);
        set_links(s, at_ns - now_ns);
        set_rates(s, before, now_ns);
        double then_ns = next_time(s, now_ns, at_ns);
        advance(s, now_ns, then_ns - now_ns);
        now_ns = then_ns;
        ++*n_steps;
    }
}

/* Of the flows in s->all. */
static void stepper_init(Stepper *s) {
    const NetFluid *nf = s->nf;
    netrates_init(&s->rates, nf->topo->n_links, route_max_links(nf->route));
    s->alive = MEM_NEW(uint32_t, s->all.n);
    s->left = MEM_NEW(double, s->all.n);
    s->links = MEM_NEW(NetLink, nf->topo->n_links);
}

static void stepper_free(Stepper *s) {
    free(s->links);
    free(s->left);
    free(s->alive);
    netrates_free(&s->rates);
    free(s->all.flow);
}

void netfluid_state(const NetFluid *nf, int64_t at_ns, double capacity, NetFluidState *state) {
    Stepper s = {.nf = nf, .links_class = -1, .capacity = capacity};
    *state = (NetFluidState){0};
    gather(nf, at_ns, &s.all);
    stepper_init(&s);
    step_until(&s, (double)at_ns, &state->n_steps);
    state->flows = MEM_NEW(NetFluidFlow, s.n_alive);
    for (uint32_t i = 0; i < s.n_alive; i++) {
        NetFluidFlow *f = &state->flows[state->n++];
        *f = s.all.flow[s.alive[i]];
        f->left_b = fmin((double)f->size_b, s.left[i] / wire_of(nf, f->size_b) * (double)f->size_b);
        f->rate_bps = s.rates.rate[i];
    }
    state->n_simulated = s.all.n;
    state->from_ns = s.all.n > 0 ? (double)s.all.flow[0].start_ns : (double)at_ns;
    stepper_free(&s);
}

void netfluid_state_free(NetFluidState *state) {
    free(state->flows);
    *state = (NetFluidState){0};
}

/* ---- from a given state on ---- */

/* The farthest that is looked ahead: so many times as long as the last flow would take at the rates
 * of the beginning. */
static const double LOOK_AHEAD = 4;

/* The least size as above, of flows that begin after the time asked for: a small one that comes
 * later hardly matters to those that are large enough to be there then. All that begin in
 * [at_ns, until_ns). */
static void gather_later(const NetFluid *nf, int64_t at_ns, double until_ns, FlowList *list) {
    Flows room = {0};
    size_t k = 0;
    double from_ns = (double)at_ns; /* the chunk's flows begin then or later */
    while (k < nf->n_chunks && nf->chunk_end_ns[k] < at_ns) k++;
    for (; k < nf->n_chunks && from_ns < until_ns; k++) {
        if (least_size(nf, from_ns - (double)at_ns) >= (double)nf->large_b) break;
        FlowChunk c = flowsource_chunk(nf->source, k, &room);
        for (uint32_t i = 0; i < c.n && (double)c.start_ns[i] < until_ns; i++)
            if (c.start_ns[i] >= at_ns &&
                (double)c.size_b[i] >= least_size(nf, (double)(c.start_ns[i] - at_ns)))
                list_add(list, flow_of(&c, i));
        from_ns = fmax(from_ns, (double)nf->chunk_end_ns[k]);
    }
    flows_free(&room);
    size_t lo = 0, hi = nf->n_large;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (nf->large[mid].index < k << FLOW_LOG2_CHUNK) lo = mid + 1;
        else hi = mid;
    }
    for (; lo < nf->n_large && (double)nf->large[lo].start_ns < until_ns; lo++)
        if ((double)nf->large[lo].size_b >=
            least_size(nf, (double)(nf->large[lo].start_ns - at_ns)))
            list_add(list, nf->large[lo]);
}

/* Notes those of the first n_wanted flows that end within dt_ns. Returns how many. */
static size_t note_ends(const Stepper *s, size_t n_wanted, double since_ns, double dt_ns,
                        double *rest_ns) {
    size_t n = 0;
    for (uint32_t i = 0; i < s->n_alive && s->alive[i] < n_wanted; i++) {
        double took_ns = s->left[i] / s->rates.rate[i] * 1e9;
        if (s->left[i] - s->rates.rate[i] * dt_ns * 1e-9 >= 1) continue;
        rest_ns[s->alive[i]] = since_ns + took_ns;
        n++;
    }
    return n;
}

/* Returns how long the first n_wanted flows would take at the present rates. */
static double longest_rest(const Stepper *s, size_t n_wanted, double since_ns, double *rest_ns) {
    double longest_ns = 0;
    for (uint32_t i = 0; i < s->n_alive && s->alive[i] < n_wanted; i++) {
        rest_ns[s->alive[i]] = since_ns + s->left[i] / s->rates.rate[i] * 1e9;
        longest_ns = fmax(longest_ns, rest_ns[s->alive[i]]);
    }
    return longest_ns;
}

void netfluid_rest(const NetFluid *nf, int64_t at_ns, double capacity, const NetFluidFlow *alive,
                   size_t n, size_t n_wanted, double *rest_ns) {
    Stepper s = {.nf = nf, .links_class = -1, .capacity = capacity};
    if (n_wanted == 0) return;
    for (size_t i = 0; i < n; i++) list_add(&s.all, alive[i]);
    stepper_init(&s);
    for (size_t i = 0; i < n; i++) {
        begin_flow(&s, s.next++);
        s.left[i] *= alive[i].left_b / (double)alive[i].size_b;
    }
    set_links(&s, 0);
    netrates_fill(&s.rates, s.links, nf->step_bps);
    double end_ns = LOOK_AHEAD * longest_rest(&s, n_wanted, 0, rest_ns), since_ns = 0;
    gather_later(nf, at_ns, (double)at_ns + end_ns, &s.all);
    s.alive = mem_realloc(s.alive, s.all.n, sizeof *s.alive);
    s.left = mem_realloc(s.left, s.all.n, sizeof *s.left);
    for (size_t n_left = n_wanted; n_left > 0 && since_ns < end_ns;) {
        uint32_t before = s.n_alive;
        double now_ns = (double)at_ns + since_ns;
        while (s.next < s.all.n && (double)s.all.flow[s.next].start_ns <= now_ns)
            begin_flow(&s, s.next++);
        set_links(&s, since_ns);
        set_rates(&s, before, now_ns);
        double dt_ns = fmax(since_ns / nf->steps, nf->rtt_ns / 2);
        n_left -= note_ends(&s, n_wanted, since_ns, dt_ns, rest_ns);
        advance(&s, now_ns, dt_ns);
        since_ns += dt_ns;
    }
    longest_rest(&s, n_wanted, since_ns, rest_ns);
    stepper_free(&s);
}

/* ---- a whole run ---- */

static bool waits(const Stepper *s, size_t flow) {
    return s->follow && flowgraph_waits(s->follow->graph, flow);
}

/* When the next flow begins; INFINITY: none is due. */
static double next_start(const Stepper *s) {
    const Follow *w = s->follow;
    double ns = s->next < s->all.n ? (double)s->all.flow[s->next].start_ns : INFINITY;
    return w && w->n_due > 0 ? fmin(ns, w->due[0].ns) : ns;
}

/* Begins all flows that start until then: those of the list, and those that others have let go. */
static void begin_due(Stepper *s, double now_ns) {
    while (s->next < s->all.n && (double)s->all.flow[s->next].start_ns <= now_ns) {
        begin_flow(s, s->next++);
        while (s->next < s->all.n && waits(s, s->next)) s->next++;
    }
    while (s->follow && s->follow->n_due > 0 && s->follow->due[0].ns <= now_ns)
        begin_flow(s, pop_due(s->follow));
}

static double next_time_of_run(const Stepper *s, double now_ns) {
    double start_ns = next_start(s);
    if (s->n_alive == 0) return fmax(now_ns, start_ns);
    if (s->nf->every_event) return fmax(now_ns, fmin(start_ns, first_end(s, now_ns)));
    /* Nothing changes before the next start or end, however far that is. */
    return fmax(now_ns + s->nf->rtt_ns / 2, fmin(start_ns, first_end(s, now_ns)));
}

static void gather_all(const NetFluid *nf, FlowList *list) {
    Flows room = {0};
    for (size_t k = 0; k < nf->n_chunks; k++) {
        FlowChunk c = flowsource_chunk(nf->source, k, &room);
        for (uint32_t i = 0; i < c.n; i++) list_add(list, flow_of(&c, i));
    }
    flows_free(&room);
}

/* Simulates all flows of the list, from the first one that waits for none. */
static int run_all(Stepper *s, const Log *log, Err *err) {
    Progress progress;
    int rc = 0;
    stepper_init(s);
    set_links(s, 0);
    while (s->next < s->all.n && waits(s, s->next)) s->next++;
    progress_init(&progress, log, "flows", s->all.n);
    double now_ns = s->next < s->all.n ? next_start(s) : 0;
    while (rc == 0 && (next_start(s) < INFINITY || s->n_alive > 0)) {
        uint32_t before = s->n_alive;
        begin_due(s, now_ns);
        set_rates(s, before, now_ns);
        double then_ns = next_time_of_run(s, now_ns);
        advance(s, now_ns, then_ns - now_ns);
        now_ns = then_ns;
        progress_update(&progress, s->next);
        if (diag_stop_requested()) rc = err_stopped(err);
    }
    progress_finish(&progress);
    return rc;
}

int netfluid_run(const NetFluid *nf, double *sent_ns, const Log *log, Err *err) {
    Stepper s = {.nf = nf, .links_class = -1, .capacity = 1, .sent_ns = sent_ns};
    gather_all(nf, &s.all);
    int rc = run_all(&s, log, err);
    stepper_free(&s);
    return rc;
}

int netfluid_follow(const NetFluid *nf, const FlowGraph *g, const double *rest_ns, double capacity,
                    int64_t *start_ns, double *end_ns, const Log *log, Err *err) {
    Follow w = {.graph = g,
                .rest_ns = rest_ns,
                .left = MEM_NEW(uint32_t, g->n),
                .ready_ns = MEM_ZNEW(double, g->n),
                .end_ns = end_ns};
    Stepper s = {.nf = nf, .links_class = -1, .capacity = capacity, .follow = &w};
    for (size_t i = 0; i < g->n; i++) w.left[i] = (uint32_t)(g->first[i + 1] - g->first[i]);
    flowgraph_followers(g, &w.start, &w.followers);
    gather_all(nf, &s.all);
    int rc = run_all(&s, log, err);
    for (size_t i = 0; i < g->n; i++) start_ns[i] = s.all.flow[i].start_ns;
    stepper_free(&s);
    free(w.start), free(w.followers), free(w.left), free(w.ready_ns), free(w.due);
    return rc;
}
