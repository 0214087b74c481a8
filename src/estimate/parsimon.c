/* parsimon: the link-level decomposition of Parsimon (Zhao et al., NSDI 2023; "pmn-m" of the m3
 * paper), the baseline that m3 is compared with.
 *
 *   flows ─ assign ─► each link's flows ─ packet/linksim ─► delays by size ─┐
 *   flows ───────────────── a path anew, a delay of each link ──────────────┴─► slowdowns
 *
 * Assign: at every node a flow takes next hop number (hash mod count), of one hash that all nodes
 * share [the published programs' routing], or of one for each node. Acknowledgements take rate from
 * links and from sources: 60 B a packet on the reverse link, over the time between the first and
 * the last start there. A host's own link has its queue in the host, so its server gets 100 times
 * the rate.
 *
 * A delay is that of a packet: a flow's excess over its time alone, over its packets. A link's
 * delays are kept by sizes of flows: a bucket is closed when it has 100 flows and its largest is
 * twice its smallest. A flow's delay is the sum over the links of a path drawn anew of one delay
 * each of its bucket, times its packets: links are taken to be independent.
 *
 * With clusters, a link whose flows look like those of one before has the delays of that one
 * (linkcluster). Memory is 8 bytes for each flow and link: the path of each flow, and the list of
 * each link's flows, which becomes its delays. */
#include "estimate/parsimon.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "estimate/aggregate.h"
#include "estimate/linkcluster.h"
#include "net/wire.h"
#include "packet/linksim.h"

enum { MIN_BUCKET = 100, OWN_SERVER = 100 };
#define BUCKET_RATIO 2

/* A bucket of a link: sizes below `end_b`, and where its delays end. */
typedef struct {
    uint64_t end_b;
    uint32_t end;
} DelayBucket;

typedef struct {
    uint32_t like; /* the link whose delays stand for this one's */
    size_t first;  /* in `entry` */
    uint32_t n;    /* flows */
    uint32_t n_buckets;
    DelayBucket *bucket; /* ascending; NULL: no flow */
    uint64_t n_packets;
    double ack_bits; /* that its flows cause on the reverse link */
    double span_s;   /* between its first and its last start */
} LinkDelays;

/* A link and the packets that it will take. */
typedef struct {
    uint64_t n_packets;
    uint32_t link;
} LinkJob;

typedef struct {
    const Scenario *s;
    const ParsimonOptions *o;
    const Topo *t;
    LinkDelays *link;    /* [n_links] */
    uint32_t *path;      /* [n × most_links] links of each flow */
    uint32_t most_links; /* of a path */
    uint32_t *entry;     /* flows of each link in order of start; later its delays, as float */
    LinkJob *job;        /* [n_jobs] links that have flows, most packets first */
    size_t n_jobs;
    int n_parts;           /* into which flows are cut for assignment */
    uint32_t *part_n;      /* [n_parts × n_links] flows, then where they go */
    struct LinkWork *work; /* [workers] */
    LinkShape *shape;      /* of each job */
    Progress progress;
    atomic_size_t n_done;
    float *slowdown; /* [n] NAN: left out */
} Parsimon;

/* What a worker needs for a link. */
typedef struct LinkWork {
    LinkSim *sim;
    LinkSimFlow *flows;
    size_t cap_flows;
    double *source_bps;
    size_t cap_sources;
    uint32_t *source_of; /* [n_hosts] number among the link's sources; TOPO_NONE */
    uint32_t *hosts;     /* [n_hosts] of the sources */
    float *delay_ns;
    size_t cap_delays;
    struct SizedDelay *sized;
    size_t cap_sized;
} LinkWork;

typedef struct SizedDelay {
    uint64_t size_b;
    uint32_t flow;
    float delay_ns;
} SizedDelay;

/* ---- which links a flow crosses ---- */

/* The links of flow f by its hash, and TOPO_NONE where they are fewer than most. */
static void assign_path(Parsimon *p, size_t f) {
    const Topo *t = p->t;
    uint32_t dst = p->s->flows.dst[f], *links = p->path + f * p->most_links, n_links = 0, n;
    uint64_t hash = rng_mix((uint64_t)f + 0x9E3779B97F4A7C15u);
    for (uint32_t v = t->host_node[p->s->flows.src[f]]; v != t->host_node[dst];) {
        const uint32_t *next = route_next(p->s->route, v, dst, &n);
        uint64_t h = p->o->independent ? rng_mix(hash + v) : hash;
        uint32_t l = next[n > 1 ? h % n : 0];
        links[n_links++] = l;
        v = t->links[l].to;
    }
    while (n_links < p->most_links) links[n_links++] = TOPO_NONE;
}

static size_t part_begin(const Parsimon *p, size_t part) {
    return p->s->flows.n * part / (size_t)p->n_parts;
}

static void count_part(void *ctx, size_t part, int worker) {
    (void)worker;
    Parsimon *p = ctx;
    uint32_t *n = p->part_n + part * p->t->n_links;
    for (size_t f = part_begin(p, part); f < part_begin(p, part + 1); f++) {
        const uint32_t *links = p->path + f * p->most_links;
        assign_path(p, f);
        for (uint32_t k = 0; k < p->most_links && links[k] != TOPO_NONE; k++) n[links[k]]++;
    }
}

static void fill_part(void *ctx, size_t part, int worker) {
    (void)worker;
    Parsimon *p = ctx;
    uint32_t *at = p->part_n + part * p->t->n_links;
    for (size_t f = part_begin(p, part); f < part_begin(p, part + 1); f++) {
        const uint32_t *links = p->path + f * p->most_links;
        for (uint32_t k = 0; k < p->most_links && links[k] != TOPO_NONE; k++)
            p->entry[p->link[links[k]].first + at[links[k]]++] = (uint32_t)f;
    }
}

static void sum_link(void *ctx, size_t l, int worker) {
    (void)worker;
    Parsimon *p = ctx;
    LinkDelays *d = &p->link[l];
    const Flows *f = &p->s->flows;
    const uint32_t *own = p->entry + d->first;
    if (d->n == 0) return;
    for (uint32_t i = 0; i < d->n; i++) d->n_packets += wire_packets(f->size_b[own[i]]);
    d->ack_bits = (double)d->n_packets * WIRE_ACK_B * 8;
    d->span_s = (double)(f->start_ns[own[d->n - 1]] - f->start_ns[own[0]]) / 1e9;
}

/* Gives every link its flows in order of start. */
static void assign(Parsimon *p) {
    uint32_t n_links = p->t->n_links;
    p->most_links = route_max_links(p->s->route);
    p->path = MEM_NEW(uint32_t, p->s->flows.n * p->most_links);
    p->n_parts = par_resolve(p->o->threads);
    p->part_n = MEM_ZNEW(uint32_t, (size_t)p->n_parts * n_links);
    par_for((size_t)p->n_parts, p->o->threads, count_part, p);
    size_t sum = 0;
    for (uint32_t l = 0; l < n_links; l++) {
        LinkDelays *d = &p->link[l];
        d->first = sum;
        for (int k = 0; k < p->n_parts; k++) {
            uint32_t *n = &p->part_n[(size_t)k * n_links + l], own = *n;
            *n = d->n;
            d->n += own;
        }
        sum += d->n;
    }
    p->entry = MEM_NEW(uint32_t, sum);
    par_for((size_t)p->n_parts, p->o->threads, fill_part, p);
    par_for(n_links, p->o->threads, sum_link, p);
    free(p->part_n);
}

/* ---- one link ---- */

/* What acknowledgements of the flows on the reverse link leave of a link's rate. */
static double available_bps(const Parsimon *p, uint32_t l) {
    const LinkDelays *back = &p->link[l ^ 1];
    double rate_bps = p->t->links[l].rate_bps;
    if (!(back->span_s > 0)) return rate_bps;
    return fmax(rate_bps - back->ack_bits / back->span_s, rate_bps / 100);
}

static uint32_t ns_of(double ns) { return (uint32_t)(ns + 0.5); }

/* Describes the link's flows and sources to the simulation; returns the number of sources. */
static uint32_t describe_link(Parsimon *p, LinkWork *w, uint32_t l) {
    const Topo *t = p->t;
    const Flows *f = &p->s->flows;
    const LinkDelays *d = &p->link[l];
    bool own = t->is_host[t->links[l].from];
    int64_t first_ns = f->start_ns[p->entry[d->first]];
    uint32_t n_sources = 0;
    MEM_GROW(w->flows, w->cap_flows, d->n);
    for (uint32_t i = 0; i < d->n; i++) {
        uint32_t flow = p->entry[d->first + i], src = f->src[flow], k = 0;
        const uint32_t *links = p->path + (size_t)flow * p->most_links;
        double to_ns = 0, from_ns = 0;
        while (links[k] != l) to_ns += t->links[links[k++]].delay_ns;
        while (k < p->most_links && links[k] != TOPO_NONE) from_ns += t->links[links[k++]].delay_ns;
        if (w->source_of[src] == TOPO_NONE) {
            MEM_GROW(w->source_bps, w->cap_sources, n_sources + 1);
            w->source_bps[n_sources] = available_bps(p, links[0]);
            w->hosts[n_sources] = src;
            w->source_of[src] = n_sources++;
        }
        w->flows[i] = (LinkSimFlow){.size_b = f->size_b[flow],
                                    .start_ns = f->start_ns[flow] - first_ns,
                                    .source = w->source_of[src],
                                    .to_link_ns = own ? 0 : ns_of(to_ns),
                                    .from_head_ns = ns_of(from_ns)};
    }
    for (uint32_t i = 0; i < n_sources; i++) w->source_of[w->hosts[i]] = TOPO_NONE;
    return n_sources;
}

static int by_size(const void *pa, const void *pb) {
    const SizedDelay *a = pa, *b = pb;
    if (a->size_b != b->size_b) return a->size_b < b->size_b ? -1 : 1;
    return (a->flow > b->flow) - (a->flow < b->flow);
}

/* Sorts the link's delays by size into its place of `entry`, and closes buckets. */
static void keep_delays(Parsimon *p, LinkWork *w, LinkDelays *d) {
    MEM_GROW(w->sized, w->cap_sized, d->n);
    for (uint32_t i = 0; i < d->n; i++)
        w->sized[i] = (SizedDelay){w->flows[i].size_b, i, w->delay_ns[i]};
    qsort(w->sized, d->n, sizeof *w->sized, by_size);
    size_t cap = 0;
    uint64_t lower_b = 0;
    uint32_t begin = 0;
    for (uint32_t i = 0; i < d->n; i++) {
        memcpy(&p->entry[d->first + i], &w->sized[i].delay_ns, sizeof(float));
        uint64_t size_b = w->sized[i].size_b;
        if (i + 1 < d->n && (w->sized[i + 1].size_b == size_b || i + 1 - begin < MIN_BUCKET ||
                             size_b < BUCKET_RATIO * lower_b))
            continue;
        bool closed = i + 1 - begin >= MIN_BUCKET && size_b >= BUCKET_RATIO * lower_b;
        MEM_GROW(d->bucket, cap, d->n_buckets + 1);
        d->bucket[d->n_buckets++] = (DelayBucket){closed ? size_b + 1 : UINT64_MAX, i + 1};
        lower_b = size_b + 1;
        begin = i + 1;
    }
}

static int simulate_link(void *ctx, size_t item, int worker, Err *err) {
    (void)err;
    Parsimon *p = ctx;
    LinkWork *w = &p->work[worker];
    uint32_t l = p->job[item].link;
    LinkDelays *d = &p->link[l];
    const Link *link = &p->t->links[l];
    uint32_t n_sources = describe_link(p, w, l);
    double available = available_bps(p, l);
    LinkSimConf conf = {
        .server_bps = available,
        .k_b = wire_threshold_b(p->s->conf.dctcp_k_b, WIRE_DCTCP_REF_BPS, link->rate_bps),
        .window_b = p->s->conf.line_window_b,
        .n_sources = n_sources,
        .source_bps = w->source_bps};
    if (p->t->is_host[link->from]) {
        conf.server_bps = OWN_SERVER * link->rate_bps;
        w->source_bps[0] = available;
    }
    MEM_GROW(w->delay_ns, w->cap_delays, d->n);
    d->n_packets = linksim_run(w->sim, &conf, w->flows, d->n, w->delay_ns);
    keep_delays(p, w, d);
    progress_update(&p->progress, atomic_fetch_add(&p->n_done, 1) + 1);
    return 0;
}

static void tell_link(void *ctx, size_t item, RanksOut *out) {
    const Parsimon *p = ctx;
    const LinkDelays *d = &p->link[p->job[item].link];
    ranks_put(out, d, sizeof *d);
    ranks_put(out, d->bucket, d->n_buckets * sizeof *d->bucket);
    ranks_put(out, p->entry + d->first, d->n * sizeof *p->entry);
}

static void hear_link(void *ctx, size_t item, RanksIn *in) {
    const Parsimon *p = ctx;
    LinkDelays *d = &p->link[p->job[item].link];
    ranks_get(in, d, sizeof *d);
    d->bucket = MEM_NEW(DelayBucket, d->n_buckets);
    ranks_get(in, d->bucket, d->n_buckets * sizeof *d->bucket);
    ranks_get(in, p->entry + d->first, d->n * sizeof *p->entry);
}

static int more_packets(const void *pa, const void *pb) {
    const LinkJob *a = pa, *b = pb;
    if (a->n_packets != b->n_packets) return a->n_packets < b->n_packets ? 1 : -1;
    return (a->link > b->link) - (a->link < b->link);
}

static void work_init(LinkWork *w, uint32_t n_hosts) {
    *w = (LinkWork){.sim = linksim_new(),
                    .source_of = MEM_NEW(uint32_t, n_hosts),
                    .hosts = MEM_NEW(uint32_t, n_hosts)};
    for (uint32_t i = 0; i < n_hosts; i++) w->source_of[i] = TOPO_NONE;
}

static void work_free(LinkWork *w) {
    linksim_destroy(w->sim);
    free(w->flows);
    free(w->source_bps);
    free(w->source_of);
    free(w->hosts);
    free(w->delay_ns);
    free(w->sized);
}

/* Lists the links that have flows, the longest first, so that threads end together. */
static void list_jobs(Parsimon *p) {
    p->job = MEM_NEW(LinkJob, p->t->n_links);
    for (uint32_t l = 0; l < p->t->n_links; l++) {
        p->link[l].like = l;
        if (p->link[l].n > 0) p->job[p->n_jobs++] = (LinkJob){p->link[l].n_packets, l};
    }
    qsort(p->job, p->n_jobs, sizeof *p->job, more_packets);
}

static int simulate_links(Parsimon *p, const Log *log, Err *err) {
    int n_workers = par_resolve(p->o->threads);
    p->work = MEM_NEW(LinkWork, (size_t)n_workers);
    for (int i = 0; i < n_workers; i++) work_init(&p->work[i], p->t->n_hosts);
    RanksLoop loop = {.n = p->n_jobs,
                      .grain = 1,
                      .threads = p->o->threads,
                      .run = simulate_link,
                      .pack = tell_link,
                      .unpack = hear_link,
                      .ctx = p};
    progress_init(&p->progress, log, "links", p->n_jobs);
    int rc = ranks_run(p->o->ranks, &loop, err);
    progress_finish(&p->progress);
    for (int i = 0; i < n_workers; i++) work_free(&p->work[i]);
    free(p->work);
    return rc;
}

/* ---- clusters ---- */

static void shape_link(void *ctx, size_t item, int worker) {
    (void)worker;
    Parsimon *p = ctx;
    LinkShape *shape = &p->shape[item];
    uint32_t l = p->job[item].link;
    const LinkDelays *d = &p->link[l];
    const Link *link = &p->t->links[l];
    const Flows *f = &p->s->flows;
    const uint32_t *own = p->entry + d->first;
    float *values = MEM_NEW(float, d->n);
    double bytes = (double)d->n_packets * WIRE_HEADER_B;
    *shape = (LinkShape){.rate_bps = link->rate_bps,
                         .delay_ns = link->delay_ns,
                         .from_host = p->t->is_host[link->from],
                         .to_host = p->t->is_host[link->to]};
    for (uint32_t i = 0; i < d->n; i++) bytes += (double)f->size_b[own[i]];
    if (d->span_s > 0) shape->load = 8 * bytes / d->span_s / link->rate_bps;
    for (uint32_t i = 0; i < d->n; i++) values[i] = (float)f->size_b[own[i]];
    linkcluster_quantiles(values, d->n, shape->size_b);
    for (uint32_t i = 1; i < d->n; i++)
        values[i - 1] = (float)(f->start_ns[own[i]] - f->start_ns[own[i - 1]]);
    linkcluster_quantiles(values, d->n - 1, shape->gap_ns);
    free(values);
}

/* Leaves one link of each cluster to be simulated. */
static void cluster_links(Parsimon *p) {
    size_t n = p->n_jobs;
    uint32_t *leader = MEM_NEW(uint32_t, n);
    p->shape = MEM_NEW(LinkShape, n);
    par_for(n, p->o->threads, shape_link, p);
    linkcluster_group(p->shape, n, leader);
    for (size_t i = 0; i < n; i++) p->link[p->job[i].link].like = p->job[leader[i]].link;
    p->n_jobs = 0;
    for (size_t i = 0; i < n; i++)
        if (leader[i] == i) p->job[p->n_jobs++] = p->job[i];
    free(p->shape);
    free(leader);
}

/* ---- flows ---- */

/* A delay of the link in ns a packet for a flow of that size; −1: it has none. */
static double draw_delay(const Parsimon *p, uint32_t l, uint64_t size_b, Rng *rng) {
    const LinkDelays *d = &p->link[p->link[l].like];
    if (d->n == 0) return 0;
    uint32_t lo = 0, hi = d->n_buckets;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (d->bucket[mid].end_b > size_b) hi = mid;
        else lo = mid + 1;
    }
    if (lo == d->n_buckets) return -1;
    uint32_t begin = lo > 0 ? d->bucket[lo - 1].end : 0;
    float ns;
    memcpy(&ns, &p->entry[d->first + begin + rng_below(rng, d->bucket[lo].end - begin)], sizeof ns);
    return (double)ns;
}

/* The slowdown of a flow on a path drawn anew; NAN: left out. */
static float flow_slowdown(const Parsimon *p, size_t f, Rng *rng) {
    const Topo *t = p->t;
    const Flows *flows = &p->s->flows;
    uint64_t size_b = flows->size_b[f];
    uint32_t dst = flows->dst[f], n;
    double first_b = (double)(size_b < WIRE_PAYLOAD_B ? size_b : WIRE_PAYLOAD_B), ideal_ns = 0,
           delay_ns = 0, slowest_bps = INFINITY,
           rest_b = (double)size_b - first_b + (double)(wire_packets(size_b) - 1) * WIRE_HEADER_B;
    for (uint32_t v = t->host_node[flows->src[f]]; v != t->host_node[dst];) {
        const uint32_t *next = route_next(p->s->route, v, dst, &n);
        uint32_t l = next[n > 1 ? rng_below(rng, n) : 0];
        double d = draw_delay(p, l, size_b, rng);
        if (d < 0) return NAN;
        delay_ns += d;
        ideal_ns += t->links[l].delay_ns + (first_b + WIRE_HEADER_B) * 8e9 / t->links[l].rate_bps;
        slowest_bps = fmin(slowest_bps, t->links[l].rate_bps);
        v = t->links[l].to;
    }
    ideal_ns += rest_b * 8e9 / slowest_bps;
    return (float)(1 + floor(delay_ns * (double)wire_packets(size_b)) / ideal_ns);
}

static void chunk_slowdowns(void *ctx, size_t chunk, int worker) {
    (void)worker;
    Parsimon *p = ctx;
    Rng rng = rng_stream(p->o->seed, "parsimon delays", chunk);
    size_t first = chunk * FLOW_CHUNK, end = first + FLOW_CHUNK;
    if (end > p->s->flows.n) end = p->s->flows.n;
    for (size_t f = first; f < end; f++) p->slowdown[f] = flow_slowdown(p, f, &rng);
}

/* Slowdowns of all flows that are not left out, as distributions; returns how many are. */
static uint64_t describe_flows(const Parsimon *p, Slowdowns *out) {
    const Flows *f = &p->s->flows;
    uint64_t *size_b = MEM_NEW(uint64_t, f->n);
    double *slowdown = MEM_NEW(double, f->n);
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (isnan(p->slowdown[i])) continue;
        size_b[n] = f->size_b[i];
        slowdown[n++] = (double)p->slowdown[i];
    }
    aggregate_flows(size_b, slowdown, n, out);
    free(size_b);
    free(slowdown);
    return f->n - n;
}

int parsimon_run(const Scenario *s, const ParsimonOptions *o, const Log *log, Slowdowns *out,
                 ParsimonInfo *info, Err *err) {
    Parsimon p = {.s = s, .o = o, .t = &s->topo};
    double t0 = diag_now_s();
    *info = (ParsimonInfo){0};
    p.link = MEM_ZNEW(LinkDelays, p.t->n_links);
    atomic_init(&p.n_done, 0);
    assign(&p);
    list_jobs(&p);
    info->n_links = p.n_jobs;
    if (o->cluster) cluster_links(&p);
    info->n_simulated = p.n_jobs;
    int rc = simulate_links(&p, log, err);
    info->wall_links_s = diag_now_s() - t0;
    if (rc == 0) {
        size_t n_chunks = (s->flows.n + FLOW_CHUNK - 1) / FLOW_CHUNK;
        p.slowdown = MEM_NEW(float, s->flows.n);
        par_for(n_chunks, o->threads, chunk_slowdowns, &p);
        info->n_left_out = describe_flows(&p, out);
        for (size_t i = 0; i < p.n_jobs; i++) info->n_packets += p.link[p.job[i].link].n_packets;
        info->wall_flows_s = diag_now_s() - t0 - info->wall_links_s;
    }
    for (uint32_t l = 0; l < p.t->n_links; l++) free(p.link[l].bucket);
    free(p.job);
    free(p.link);
    free(p.path);
    free(p.entry);
    free(p.slowdown);
    return rc;
}
