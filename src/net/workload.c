/* workload: draws flows from a rack matrix, a size distribution and log-normal gaps.
 *
 * A flow is three independent draws: a (source rack, destination rack) cell by alias table and a host of each; a
 * size by inverse CDF; a gap. Flows are made in chunks of CHUNK, each from streams of its own, so that any number of
 * threads draws the same flows. Within a chunk starts are sums of gaps from 0; the chunks' totals are then
 * added up and each chunk shifted to its place. Rounding down twice keeps starts ascending (within 1 ns).
 * The gaps' mean is exact for every sigma: exp(sigma·Z) is divided by its mean exp(sigma²/2). It is chosen such that
 * the link of the largest expected load carries max_load of its rate in payload (linkload).
 * Left out: dependencies between flows, and a load that varies with time other than through sigma. */
#include "net/workload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "net/linkload.h"

enum { CHUNK = 65536 };
#define MAX_START_NS (WORKLOAD_MAX_S * 1e9)

typedef struct {
    const Workload *w;
    const Topo *t;
    uint32_t n_racks; /* of the matrix */
    uint32_t *place;  /* [n_racks] rack of the topology */
    RngAlias cells;   /* source · n_racks + destination */
    double mean_gap_ns;
    Flows *out;       /* n = whole chunks, then cut */
    double *chunk_ns; /* [chunks] sum of a chunk's gaps, then where it begins */
    size_t first;     /* chunk that item 0 of a parallel loop stands for */
} Draw;

static int check(const Workload *w, Err *err) {
    if (!(w->max_load > 0 && w->max_load < 1)) return err_input(err, "max_load: must be in (0, 1), got %g", w->max_load);
    if (!(w->sigma >= 0 && w->sigma <= WORKLOAD_MAX_SIGMA))
        return err_input(err, "sigma: must be in [0, %d], got %g", WORKLOAD_MAX_SIGMA, w->sigma);
    if ((w->n_flows > 0) == (w->duration_s > 0)) return err_input(err, "expected a number of flows or a duration, and only one of them");
    if (w->n_flows > WORKLOAD_MAX_FLOWS)
        return err_input(err, "n_flows: must be at most %u, got %llu", WORKLOAD_MAX_FLOWS, (unsigned long long)w->n_flows);
    if (!(w->duration_s >= 0 && w->duration_s * 1e9 <= MAX_START_NS))
        return err_input(err, "duration: must be at most 9e9 s, got %g s", w->duration_s);
    return 0;
}

/* A pod's number of racks and its number. */
typedef struct {
    uint32_t size, pod;
} PodSize;

static int by_size(const void *pa, const void *pb) {
    const PodSize *a = pa, *b = pb;
    if (a->size != b->size) return a->size > b->size ? -1 : 1;
    return (a->pod > b->pod) - (a->pod < b->pod);
}

/* Pods, largest first; equal ones in their order. */
static PodSize *pods_by_size(const uint32_t *pod_of, uint32_t n_racks, uint32_t n_pods) {
    PodSize *p = MEM_NEW(PodSize, n_pods);
    for (uint32_t i = 0; i < n_pods; i++) p[i] = (PodSize){0, i};
    for (uint32_t i = 0; i < n_racks; i++) p[pod_of[i]].size++;
    qsort(p, n_pods, sizeof *p, by_size);
    return p;
}

static uint32_t racks_of(const uint32_t *pod_of, uint32_t n_racks, uint32_t pod, uint32_t *out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_racks; i++)
        if (pod_of[i] == pod) out[n++] = i;
    return n;
}

static int misfit(const RackMatrix *m, const Topo *t, uint32_t matrix_pod, uint32_t topo_pod, Err *err) {
    return err_input(err, "%s: does not fit %s: a pod of %u racks has no place in a pod of %u", m->name, t->name, matrix_pod, topo_pod);
}

static int place_racks(Draw *d, Err *err) {
    const RackMatrix *m = d->w->matrix;
    const Topo *t = d->t;
    if (m->n_pods != t->n_pods)
        return err_input(err, "%s: does not fit %s: %u racks in %u pods, but the topology has %u racks in %u pods", m->name, t->name,
                         m->n_racks, m->n_pods, t->n_racks, t->n_pods);
    PodSize *from = pods_by_size(m->pod_of, m->n_racks, m->n_pods), *to = pods_by_size(t->rack_pod, t->n_racks, t->n_pods);
    uint32_t *theirs = MEM_NEW(uint32_t, m->n_racks), *ours = MEM_NEW(uint32_t, t->n_racks);
    int rc = 0;
    for (uint32_t p = 0; p < m->n_pods && rc == 0; p++) {
        uint32_t n_theirs = racks_of(m->pod_of, m->n_racks, from[p].pod, theirs),
                 n_ours = racks_of(t->rack_pod, t->n_racks, to[p].pod, ours);
        Rng rng = rng_stream(d->w->seed, "rack placement", p);
        rng_shuffle_u32(&rng, ours, n_ours);
        if (n_theirs > n_ours) rc = misfit(m, t, n_theirs, n_ours, err);
        else
            for (uint32_t k = 0; k < n_theirs; k++) d->place[theirs[k]] = ours[k];
    }
    free(from);
    free(to);
    free(theirs);
    free(ours);
    return rc;
}

static uint32_t hosts_in(const Topo *t, uint32_t rack) { return t->rack_host_start[rack + 1] - t->rack_host_start[rack]; }

/* Probabilities of cells, and of pairs of the topology's racks. A rack of one host has no pair within. */
static int cell_probabilities(const Draw *d, double *cells, double *pairs, Err *err) {
    uint32_t n = d->n_racks;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            size_t k = (size_t)i * n + j;
            cells[k] = i == j && hosts_in(d->t, d->place[i]) < 2 ? 0 : d->w->matrix->weight[k];
            sum += cells[k];
        }
    if (sum <= 0)
        return err_input(err, "%s: all traffic stays within racks, and no such rack of %s has two hosts", d->w->matrix->name, d->t->name);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            cells[(size_t)i * n + j] /= sum;
            pairs[(size_t)d->place[i] * d->t->n_racks + d->place[j]] = cells[(size_t)i * n + j];
        }
    return 0;
}

/* Seconds that a flow's expected bits take on the link they fill most, over max_load. */
static void choose_gap(Draw *d, const Route *r, const double *pairs, WorkloadInfo *info) {
    double *load = MEM_NEW(double, d->t->n_links), worst = 0, bits = d->w->sizes->mean_b * 8;
    linkload_expect(r, pairs, load);
    for (uint32_t l = 0; l < d->t->n_links; l++)
        if (load[l] / d->t->links[l].rate_bps > worst) {
            worst = load[l] / d->t->links[l].rate_bps;
            info->busiest_link = l;
        }
    d->mean_gap_ns = bits * worst / d->w->max_load * 1e9;
    info->mean_gap_ns = d->mean_gap_ns;
    info->offered_bps = bits / d->mean_gap_ns * 1e9;
    free(load);
}

static uint32_t draw_host(const Topo *t, uint32_t rack, Rng *rng) {
    return t->rack_hosts[t->rack_host_start[rack] + (uint32_t)rng_below(rng, hosts_in(t, rack))];
}

static void draw_pairs(const Draw *d, size_t chunk, uint32_t *src, uint32_t *dst) {
    Rng rng = rng_stream(d->w->seed, "host pairs", chunk);
    for (size_t i = 0; i < CHUNK; i++) {
        uint32_t cell = rng_alias_draw(&d->cells, &rng), from = d->place[cell / d->n_racks], to = d->place[cell % d->n_racks];
        do {
            src[i] = draw_host(d->t, from, &rng);
            dst[i] = draw_host(d->t, to, &rng);
        } while (src[i] == dst[i]);
    }
}

/* Starts relative to the chunk's beginning; returns its length. */
static double draw_starts(const Draw *d, size_t chunk, int64_t *start_ns) {
    Rng rng = rng_stream(d->w->seed, "gaps", chunk);
    double sigma = d->w->sigma, mu = log(d->mean_gap_ns) - sigma * sigma / 2, now = 0;
    for (size_t i = 0; i < CHUNK; i++) {
        now += sigma > 0 ? exp(mu + sigma * rng_normal(&rng)) : d->mean_gap_ns;
        start_ns[i] = now < MAX_START_NS ? (int64_t)now : (int64_t)MAX_START_NS;
    }
    return now;
}

static void draw_chunk(void *ctx, size_t item, int worker) {
    (void)worker;
    const Draw *d = ctx;
    size_t chunk = d->first + item, at = chunk * CHUNK;
    draw_pairs(d, chunk, d->out->src + at, d->out->dst + at);
    Rng rng = rng_stream(d->w->seed, "sizes", chunk);
    for (size_t i = at; i < at + CHUNK; i++) d->out->size_b[i] = sizedist_draw(d->w->sizes, rng_u01(&rng));
    d->chunk_ns[chunk] = draw_starts(d, chunk, d->out->start_ns + at);
}

static void shift_chunk(void *ctx, size_t chunk, int worker) {
    (void)worker;
    const Draw *d = ctx;
    int64_t by = (int64_t)d->chunk_ns[chunk], *start = d->out->start_ns + chunk * CHUNK;
    for (size_t i = 0; i < CHUNK; i++) start[i] += by;
}

/* Appends `more` chunks. */
static void extend(Draw *d, size_t more, int threads) {
    Flows *f = d->out;
    size_t chunks = d->first + more;
    f->n = chunks * CHUNK;
    f->src = mem_realloc(f->src, f->n, sizeof *f->src);
    f->dst = mem_realloc(f->dst, f->n, sizeof *f->dst);
    f->size_b = mem_realloc(f->size_b, f->n, sizeof *f->size_b);
    f->start_ns = mem_realloc(f->start_ns, f->n, sizeof *f->start_ns);
    d->chunk_ns = mem_realloc(d->chunk_ns, chunks, sizeof *d->chunk_ns);
    par_for(more, threads, draw_chunk, d);
    d->first = chunks;
}

/* Chunks until the wanted number or duration is covered; chunk_ns becomes where each begins. */
static int draw_all(Draw *d, int threads, Err *err) {
    double duration_ns = d->w->duration_s * 1e9, expected = duration_ns > 0 ? duration_ns / d->mean_gap_ns : (double)d->w->n_flows;
    double now = 0;
    for (size_t done = 0;;) {
        if (expected > WORKLOAD_MAX_FLOWS)
            return err_input(err, "duration: takes about %.3g flows at this load; must be at most %u", expected, WORKLOAD_MAX_FLOWS);
        extend(d, (size_t)ceil(expected / CHUNK), threads);
        for (; done < d->first; done++) {
            double length = d->chunk_ns[done];
            d->chunk_ns[done] = now;
            now += length;
        }
        if (duration_ns == 0 || now >= duration_ns) break;
        expected = fmax((duration_ns - now) / d->mean_gap_ns, 1);
        if (diag_stop_requested()) return err_stopped(err);
    }
    if (duration_ns == 0 && now > MAX_START_NS)
        return err_input(err, "max_load: %g is so low that %llu flows take longer than 9e9 s", d->w->max_load,
                         (unsigned long long)d->w->n_flows);
    return 0;
}

/* Flows that start before t_ns; starts ascend. */
static size_t count_before(const Flows *f, double t_ns) {
    size_t lo = 0, hi = f->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if ((double)f->start_ns[mid] < t_ns) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

static void cut(Flows *f, size_t n) {
    f->n = n;
    f->src = mem_realloc(f->src, n, sizeof *f->src);
    f->dst = mem_realloc(f->dst, n, sizeof *f->dst);
    f->size_b = mem_realloc(f->size_b, n, sizeof *f->size_b);
    f->start_ns = mem_realloc(f->start_ns, n, sizeof *f->start_ns);
}

static int draw_flows(Draw *d, int threads, Err *err) {
    if (draw_all(d, threads, err) != 0) return -1;
    par_for(d->first, threads, shift_chunk, d);
    size_t n = d->w->duration_s > 0 ? count_before(d->out, d->w->duration_s * 1e9) : (size_t)d->w->n_flows;
    if (n == 0) return err_input(err, "duration: no flow starts within %g s (mean gap %g s)", d->w->duration_s, d->mean_gap_ns / 1e9);
    cut(d->out, n);
    return 0;
}

int workload_draw(const Workload *w, const Route *r, int threads, Flows *out, WorkloadInfo *info, Err *err) {
    WorkloadInfo unused;
    *out = (Flows){0};
    if (check(w, err) != 0) return -1;
    const Topo *t = route_topo(r);
    uint32_t n = w->matrix->n_racks;
    Draw d = {.w = w, .t = t, .n_racks = n, .place = MEM_NEW(uint32_t, n), .out = out};
    double *cells = MEM_NEW(double, (size_t)n *n), *pairs = MEM_ZNEW(double, (size_t)t->n_racks * t->n_racks);
    int rc = place_racks(&d, err);
    if (rc == 0) rc = cell_probabilities(&d, cells, pairs, err);
    if (rc == 0) {
        rng_alias_init(&d.cells, cells, n * n);
        choose_gap(&d, r, pairs, info ? info : &unused);
        rc = draw_flows(&d, threads, err);
        rng_alias_free(&d.cells);
    }
    if (rc != 0) flows_free(out);
    free(cells);
    free(pairs);
    free(d.place);
    free(d.chunk_ns);
    return rc;
}
