/* workload: draws flows from a rack matrix, a size distribution and log-normal gaps.
 *
 * A flow is three independent draws: a (source rack, destination rack) cell by alias table and a
 * host of each; a size by inverse CDF; a gap. Flows are made in chunks of CHUNK, each from streams
 * of its own, so that any number of threads draws the same flows. Within a chunk starts are sums of
 * gaps from 0; the chunks' totals are then added up and each chunk shifted to its place; starts are
 * rounded down to whole nanoseconds twice, which keeps them ascending. The gaps' mean is exact for
 * every sigma: exp(sigma·Z) is divided by its mean exp(sigma²/2). It is chosen such that the link
 * of the largest expected load carries max_load of its rate in payload (linkload). A stream keeps
 * only where each chunk begins and draws a chunk anew whenever it is asked for: gaps are drawn once
 * more than for flows in memory. Of a uniform matrix without weights cells are drawn as from an
 * alias table of equal ones, and no table is made. Left out: dependencies between flows, and a load
 * that varies with time other than through sigma. */
#include "traffic/workload.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "base/stats.h"
#include "base/units.h"
#include "net/linkload.h"

enum { CHUNK = FLOW_CHUNK };
#define MAX_START_NS (WORKLOAD_MAX_S * 1e9)

struct WorkloadStream {
    Workload w;
    const Topo *t;
    uint32_t n_rows;  /* of the matrix */
    uint32_t *row_of; /* [t->n_racks] row that a rack has; n_rows: none */
    uint32_t *start; /* [n_rows + 2] racks with a row: racks[start[row]] to [start[row + 1] − 1] */
    uint32_t *racks;    /* [t->n_racks] of a row, those of two hosts or more come first */
    uint32_t *n_of_row; /* [n_rows] how many have it, */
    uint32_t *n_local;  /* and how many of them have two hosts or more */
    bool all_alike;     /* the matrix has no weights; else: */
    RngAlias cells;     /* source · n_rows + destination */
    double mean_gap_ns;
    double *chunk_ns; /* [n_chunks] sum of a chunk's gaps, then where it begins */
    size_t n_chunks, n;
};

static int check(const Workload *w, Err *err) {
    if (!(w->max_load > 0 && w->max_load < 1))
        return err_input(err, "max_load: must be in (0, 1), got %g", w->max_load);
    if (!(w->sigma >= 0 && w->sigma <= WORKLOAD_MAX_SIGMA))
        return err_input(err, "sigma: must be in [0, %d], got %g", WORKLOAD_MAX_SIGMA, w->sigma);
    if ((w->n_flows > 0) == (w->duration_s > 0))
        return err_input(err, "expected a number of flows or a duration, and only one of them");
    if (w->n_flows > WORKLOAD_MAX_FLOWS)
        return err_input(err, "n_flows: must be at most %u, got %llu", WORKLOAD_MAX_FLOWS,
                         (unsigned long long)w->n_flows);
    if (!(w->duration_s >= 0 && w->duration_s * 1e9 <= MAX_START_NS))
        return err_input(err, "duration: must be at most 9e9 s, got %g s", w->duration_s);
    return 0;
}

/* ---- matrix onto topology ---- */

/* A pod's number of racks and its number. */
typedef struct {
    uint32_t size, pod;
} PodSize;

static int by_size(const void *pa, const void *pb) {
    const PodSize *a = pa, *b = pb;
    if (a->size != b->size) return a->size > b->size ? -1 : 1;
    return (a->pod > b->pod) - (a->pod < b->pod);
}

/* Pods in descending order of size; equal ones in their order. */
static PodSize *pods_by_size(const uint32_t *pod_of, uint32_t n_racks, uint32_t n_pods) {
    PodSize *p = MEM_NEW(PodSize, n_pods);
    for (uint32_t i = 0; i < n_pods; i++) p[i] = (PodSize){0, i};
    for (uint32_t i = 0; i < n_racks; i++) p[pod_of[i]].size++;
    qsort(p, n_pods, sizeof *p, by_size);
    return p;
}

/* Racks by pod, those of pod p from start[p] on, in their order. */
typedef struct {
    uint32_t *start, *racks;
} PodRacks;

static PodRacks racks_by_pod(const uint32_t *pod_of, uint32_t n_racks, uint32_t n_pods) {
    PodRacks p = {MEM_NEW(uint32_t, n_pods + (size_t)1), MEM_NEW(uint32_t, n_racks)};
    stats_group(pod_of, n_racks, n_pods, p.start, p.racks);
    return p;
}

static void pod_racks_free(PodRacks *p) {
    free(p->start);
    free(p->racks);
}

/* Gives each row of the matrix to one rack: pods of the matrix and of the topology in descending
 * order, racks at random. */
static int place_rows(WorkloadStream *d, Err *err) {
    const RackMatrix *m = d->w.matrix;
    const Topo *t = d->t;
    if (m->n_pods != t->n_pods)
        return err_input(
            err,
            "%s: does not fit %s: %u racks in %u pods, but the topology has %u racks in %u pods",
            m->name, t->name, m->n_racks, m->n_pods, t->n_racks, t->n_pods);
    PodSize *from = pods_by_size(m->pod_of, m->n_racks, m->n_pods),
            *to = pods_by_size(t->rack_pod, t->n_racks, t->n_pods);
    PodRacks of_matrix = racks_by_pod(m->pod_of, m->n_racks, m->n_pods),
             of_topo = racks_by_pod(t->rack_pod, t->n_racks, t->n_pods);
    int rc = 0;
    for (uint32_t p = 0; p < m->n_pods && rc == 0; p++) {
        uint32_t n_rows = from[p].size, n_racks = to[p].size,
                 *rows = of_matrix.racks + of_matrix.start[from[p].pod],
                 *racks = of_topo.racks + of_topo.start[to[p].pod];
        Rng rng = rng_stream(d->w.seed, "rack placement", p);
        rng_shuffle_u32(&rng, racks, n_racks);
        if (n_rows > n_racks)
            rc =
                err_input(err, "%s: does not fit %s: a pod of %u racks has no place in a pod of %u",
                          m->name, t->name, n_rows, n_racks);
        for (uint32_t k = 0; rc == 0 && k < n_rows; k++) d->row_of[racks[k]] = rows[k];
    }
    free(from);
    free(to);
    pod_racks_free(&of_matrix);
    pod_racks_free(&of_topo);
    return rc;
}

/* Gives each rack a row, in turn: a pod those of every n-th pod of the matrix from its own number
 * on, where n is the fewer of the pods of both; its racks go on where the pod before with the same
 * rows has ended, at random. */
static void deal_rows(WorkloadStream *d) {
    const RackMatrix *m = d->w.matrix;
    const Topo *t = d->t;
    uint32_t n_groups = m->n_pods < t->n_pods ? m->n_pods : t->n_pods;
    uint32_t *group_of = MEM_NEW(uint32_t, m->n_racks), *next = MEM_ZNEW(uint32_t, n_groups);
    for (uint32_t i = 0; i < m->n_racks; i++) group_of[i] = m->pod_of[i] % n_groups;
    PodRacks rows = racks_by_pod(group_of, m->n_racks, n_groups),
             racks = racks_by_pod(t->rack_pod, t->n_racks, t->n_pods);
    for (uint32_t p = 0; p < t->n_pods; p++) {
        uint32_t group = p % n_groups, first = rows.start[group],
                 n_rows = rows.start[group + 1] - first, n = racks.start[p + 1] - racks.start[p],
                 *of_pod = racks.racks + racks.start[p];
        Rng rng = rng_stream(d->w.seed, "rack placement", p);
        rng_shuffle_u32(&rng, of_pod, n);
        for (uint32_t k = 0; k < n; k++)
            d->row_of[of_pod[k]] = rows.racks[first + next[group]++ % n_rows];
    }
    free(group_of);
    free(next);
    pod_racks_free(&rows);
    pod_racks_free(&racks);
}

/* Copies the racks with two hosts or more (`local`), or the others; returns how many. */
static uint32_t copy_racks(const Topo *t, const uint32_t *racks, uint32_t n, bool local,
                           uint32_t *out) {
    uint32_t n_out = 0;
    for (uint32_t k = 0; k < n; k++)
        if ((topo_rack_size(t, racks[k]) > 1) == local) out[n_out++] = racks[k];
    return n_out;
}

/* Lists the racks of each row. */
static void list_racks(WorkloadStream *d) {
    const Topo *t = d->t;
    uint32_t *all = MEM_NEW(uint32_t, t->n_racks);
    d->start = MEM_NEW(uint32_t, d->n_rows + (size_t)2);
    d->racks = MEM_NEW(uint32_t, t->n_racks);
    d->n_of_row = MEM_NEW(uint32_t, d->n_rows);
    d->n_local = MEM_NEW(uint32_t, d->n_rows);
    stats_group(d->row_of, t->n_racks, d->n_rows + 1, d->start, all);
    for (uint32_t row = 0; row < d->n_rows; row++) {
        uint32_t first = d->start[row], n = d->start[row + 1] - first,
                 n_local = copy_racks(t, all + first, n, true, d->racks + first);
        copy_racks(t, all + first, n, false, d->racks + first + n_local);
        d->n_of_row[row] = n;
        d->n_local[row] = n_local;
    }
    free(all);
}

/* The matrix as shares of its cells; a row without racks sends nothing, and one whose racks have
 * one host nothing to itself. */
static int cell_shares(const WorkloadStream *d, double *cells, Err *err) {
    uint32_t n = d->n_rows;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            size_t k = (size_t)i * n + j;
            bool can = i == j ? d->n_local[i] > 0 : d->n_of_row[i] > 0 && d->n_of_row[j] > 0;
            cells[k] = can ? rackmatrix_weight(d->w.matrix, i, j) : 0;
            sum += cells[k];
        }
    if (sum <= 0)
        return err_input(err,
                         "%s: all traffic stays within racks, and no such rack of %s has two hosts",
                         d->w.matrix->name, d->t->name);
    for (size_t k = 0; k < (size_t)n * n; k++) cells[k] /= sum;
    return 0;
}

static LoadMatrix load_matrix(const WorkloadStream *d, const double *cells) {
    return (LoadMatrix){.n = d->n_rows,
                        .share = cells,
                        .row_of = d->row_of,
                        .n_racks = d->n_of_row,
                        .n_local = d->n_local};
}

/* The largest expected time in s that a link takes for one bit of a flow, and which link it is. */
static double worst_link(const WorkloadStream *d, const Route *r, LoadRouting how,
                         const LoadMatrix *m, uint32_t *link) {
    const Topo *t = d->t;
    double *load = MEM_NEW(double, t->n_links), worst = 0;
    linkload_expect(r, how, m, load);
    for (uint32_t l = 0; l < t->n_links; l++)
        if (load[l] / t->links[l].rate_bps > worst) {
            worst = load[l] / t->links[l].rate_bps;
            *link = l;
        }
    free(load);
    return worst;
}

/* The mean gap for max_load: the time that a flow's expected bits take on the link that they load
 * most, over max_load. */
static void choose_gap(WorkloadStream *d, const Route *r, const LoadMatrix *m, WorkloadInfo *info) {
    double worst[2] = {NAN, NAN}, bits = d->w.sizes->mean_b * 8;
    uint32_t link[2] = {0, 0};
    for (int how = LOAD_ROUTED; how <= LOAD_POLARISED; how++)
        if ((int)d->w.load == how || d->w.both_loads)
            worst[how] = worst_link(d, r, (LoadRouting)how, m, &link[how]);
    info->busiest_link = link[d->w.load];
    d->mean_gap_ns = bits * worst[d->w.load] / d->w.max_load * 1e9;
    info->mean_gap_ns = d->mean_gap_ns;
    info->offered_bps = bits / d->mean_gap_ns * 1e9;
    for (int how = LOAD_ROUTED; how <= LOAD_POLARISED; how++)
        info->max_load[how] = worst[how] / worst[d->w.load] * d->w.max_load;
}

/* ---- one chunk ---- */

static uint32_t draw_host(const Topo *t, uint32_t rack, Rng *rng) {
    return t
        ->rack_hosts[t->rack_host_start[rack] + (uint32_t)rng_below(rng, topo_rack_size(t, rack))];
}

/* A cell of the matrix; if all are alike, one that a rack of one host would send itself is drawn
 * again. */
static uint64_t draw_cell(const WorkloadStream *d, Rng *rng) {
    uint64_t n = d->n_rows, cell;
    if (!d->all_alike) return rng_alias_draw(&d->cells, rng);
    do {
        cell = rng_below(rng, n * n);
        rng_next(rng);
    } while (cell % (n + 1) == 0 && d->n_local[cell / n] == 0);
    return cell;
}

/* One of the first n racks of a row. */
static uint32_t draw_rack(const WorkloadStream *d, uint64_t row, uint32_t n, Rng *rng) {
    return d->racks[d->start[row] + (n > 1 ? (uint32_t)rng_below(rng, n) : 0)];
}

static void draw_pairs(const WorkloadStream *d, size_t chunk, uint32_t *src, uint32_t *dst) {
    Rng rng = rng_stream(d->w.seed, "host pairs", chunk);
    for (size_t k = 0; k < CHUNK; k++) {
        uint64_t cell = draw_cell(d, &rng), i = cell / d->n_rows, j = cell % d->n_rows;
        uint32_t from = draw_rack(d, i, i == j ? d->n_local[i] : d->n_of_row[i], &rng),
                 to = i == j ? from : draw_rack(d, j, d->n_of_row[j], &rng);
        do {
            src[k] = draw_host(d->t, from, &rng);
            dst[k] = draw_host(d->t, to, &rng);
        } while (src[k] == dst[k]);
    }
}

static int64_t whole_ns(double ns) { return (int64_t)fmin(ns, MAX_START_NS); }

/* Draws starts relative to the chunk's beginning (NULL: they are not stored); returns the chunk's
 * length in ns. */
static double draw_starts(const WorkloadStream *d, size_t chunk, int64_t *start_ns) {
    Rng rng = rng_stream(d->w.seed, "gaps", chunk);
    double sigma = d->w.sigma, mu = log(d->mean_gap_ns) - sigma * sigma / 2, now = 0;
    for (size_t i = 0; i < CHUNK; i++) {
        now += sigma > 0 ? exp(mu + sigma * rng_normal(&rng)) : d->mean_gap_ns;
        if (start_ns) start_ns[i] = whole_ns(now);
    }
    return now;
}

/* Draws a chunk into the first CHUNK flows of `out`; returns the chunk's length in ns. */
static double draw_chunk(const WorkloadStream *d, size_t chunk, const Flows *out) {
    draw_pairs(d, chunk, out->src, out->dst);
    Rng rng = rng_stream(d->w.seed, "sizes", chunk);
    for (size_t i = 0; i < CHUNK; i++) out->size_b[i] = sizedist_draw(d->w.sizes, rng_u01(&rng));
    return draw_starts(d, chunk, out->start_ns);
}

/* Makes starts count from the beginning of the workload. */
static void shift_chunk(const WorkloadStream *d, size_t chunk, int64_t *start_ns) {
    int64_t by = whole_ns(d->chunk_ns[chunk]), latest = whole_ns(MAX_START_NS) - by;
    for (size_t i = 0; i < CHUNK; i++)
        start_ns[i] = by + (start_ns[i] < latest ? start_ns[i] : latest);
}

/* ---- all chunks ---- */

typedef struct {
    WorkloadStream *draw;
    Flows *out;   /* n = whole chunks, then cut; NULL: only the lengths of chunks are drawn */
    size_t first; /* chunk that item 0 of a parallel loop stands for */
    Progress progress;
    atomic_size_t n_done;
} WorkloadFill;

static int fill_chunk(void *ctx, size_t item, int worker, Err *err) {
    (void)worker, (void)err;
    WorkloadFill *f = ctx;
    size_t chunk = f->first + item, i = chunk * CHUNK;
    double *length_ns = &f->draw->chunk_ns[chunk];
    const Flows *out = f->out;
    if (out) {
        Flows at = {.src = out->src + i,
                    .dst = out->dst + i,
                    .size_b = out->size_b + i,
                    .start_ns = out->start_ns + i};
        *length_ns = draw_chunk(f->draw, chunk, &at);
    } else {
        *length_ns = draw_starts(f->draw, chunk, NULL);
    }
    progress_update(&f->progress, CHUNK * (atomic_fetch_add(&f->n_done, 1) + 1));
    return 0;
}

static void fill_shift(void *ctx, size_t chunk, int worker) {
    (void)worker;
    const WorkloadFill *f = ctx;
    shift_chunk(f->draw, chunk, f->out->start_ns + chunk * CHUNK);
}

static void resize(Flows *f, size_t n) {
    f->n = n;
    f->src = mem_realloc(f->src, n, sizeof *f->src);
    f->dst = mem_realloc(f->dst, n, sizeof *f->dst);
    f->size_b = mem_realloc(f->size_b, n, sizeof *f->size_b);
    f->start_ns = mem_realloc(f->start_ns, n, sizeof *f->start_ns);
}

/* Flows expected after `now`. */
static double expected_flows(const WorkloadStream *d, double now) {
    double left_ns = d->w.duration_s * 1e9 - now;
    return d->w.duration_s > 0 ? fmax(left_ns / d->mean_gap_ns, 1) : (double)d->w.n_flows;
}

/* begin + length, not rounded down where a double skips nanoseconds (beyond 2^53 ns, 104 days): the
 * next chunk must not begin before the last flow of this one. */
static double end_of_chunk(double begin, double length) {
    double sum = begin + length, added = sum - begin,
           error = (begin - (sum - added)) + (length - added); /* Knuth's two-sum: exact */
    return sum >= 0x1p53 && error > 0 ? nextafter(sum, INFINITY) : sum;
}

/* The start of the last of n_flows flows. */
static double last_start_ns(const WorkloadStream *d) {
    size_t last = (size_t)d->w.n_flows - 1;
    int64_t *start_ns = MEM_NEW(int64_t, CHUNK);
    draw_starts(d, last / CHUNK, start_ns);
    double at = d->chunk_ns[last / CHUNK] + (double)start_ns[last % CHUNK];
    free(start_ns);
    return at;
}

/* Draws chunks until the wanted number or duration is covered; chunk_ns becomes where each begins.
 */
static int fill_chunks(WorkloadFill *f, int threads, Err *err) {
    WorkloadStream *d = f->draw;
    double duration_ns = d->w.duration_s * 1e9, expected = expected_flows(d, 0), now = 0;
    for (size_t done = 0;;) {
        double total = (double)done * CHUNK + expected;
        if (total > WORKLOAD_MAX_FLOWS)
            return err_input(err,
                             "duration: takes about %.3g flows at this load; must be at most %u",
                             total, WORKLOAD_MAX_FLOWS);

        /* More chunks: their flows go to `out`, their lengths to chunk_ns. */
        size_t more = (size_t)ceil(expected / CHUNK);
        f->first = d->n_chunks;
        d->n_chunks += more;
        if (f->out) resize(f->out, d->n_chunks * CHUNK);
        d->chunk_ns = mem_realloc(d->chunk_ns, d->n_chunks, sizeof *d->chunk_ns);
        f->progress.total = d->n_chunks * CHUNK;
        if (par_try(more, threads, fill_chunk, f, err) != 0) return -1;

        for (; done < d->n_chunks; done++) { /* lengths to beginnings */
            double length = d->chunk_ns[done];
            d->chunk_ns[done] = now;
            now = end_of_chunk(now, length);
        }
        if (duration_ns == 0 || now >= duration_ns) break;
        expected = expected_flows(d, now);
    }
    if (duration_ns == 0 && now > MAX_START_NS && last_start_ns(d) >= MAX_START_NS)
        return err_input(err, "max_load: %g is so low that %llu flows take longer than 9e9 s",
                         d->w.max_load, (unsigned long long)d->w.n_flows);
    return 0;
}

/* The number of a chunk's flows that start before t_ns; starts ascend. */
static size_t count_before(const WorkloadStream *d, size_t chunk, double t_ns) {
    int64_t *start_ns = MEM_NEW(int64_t, CHUNK);
    draw_starts(d, chunk, start_ns);
    shift_chunk(d, chunk, start_ns);
    size_t lo = 0, hi = CHUNK;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if ((double)start_ns[mid] < t_ns) lo = mid + 1;
        else hi = mid;
    }
    free(start_ns);
    return lo;
}

/* The number of flows asked for, or that start within the duration: all chunks but those at the end
 * begin before it is over. */
static size_t count_flows(const WorkloadStream *d) {
    double t_ns = d->w.duration_s * 1e9;
    if (t_ns == 0) return (size_t)d->w.n_flows;
    size_t last = d->n_chunks - 1;
    while (last > 0 && d->chunk_ns[last] >= t_ns) last--;
    size_t n = count_before(d, last, t_ns);
    return n == 0 && last > 0 ? (last - 1) * CHUNK + count_before(d, last - 1, t_ns)
                              : last * CHUNK + n;
}

/* Draws the flows (out NULL: only where chunks begin, and how many flows there are). */
static int fill(WorkloadStream *d, Flows *out, int threads, Err *err) {
    WorkloadFill f = {.draw = d, .out = out};
    progress_init(&f.progress, d->w.log, out ? "flows drawn" : "starts of flows drawn", 0);
    atomic_init(&f.n_done, 0);
    int rc = fill_chunks(&f, threads, err);
    progress_finish(&f.progress);
    if (rc != 0) return -1;
    if (out) par_for(d->n_chunks, threads, fill_shift, &f);
    d->n = count_flows(d);
    if (d->n == 0)
        return err_input(err, "duration: no flow starts within %g s (mean gap %g s)",
                         d->w.duration_s, d->mean_gap_ns / 1e9);
    if (out) resize(out, d->n);
    return 0;
}

/* A stream whose racks have rows. */
static WorkloadStream *stream_placed(const Workload *w, const Route *r, Err *err) {
    const Topo *t = route_topo(r);
    WorkloadStream *d = MEM_ZNEW(WorkloadStream, 1);
    *d = (WorkloadStream){.w = *w,
                          .t = t,
                          .n_rows = w->matrix->n_racks,
                          .row_of = MEM_NEW(uint32_t, t->n_racks),
                          .all_alike = !w->matrix->weight};
    for (uint32_t i = 0; i < t->n_racks; i++) d->row_of[i] = d->n_rows;
    int rc = 0;
    if (d->all_alike || t->n_racks <= RACKMATRIX_MAX_RACKS) rc = place_rows(d, err);
    else deal_rows(d);
    if (rc == 0) {
        list_racks(d);
        return d;
    }
    workload_stream_free(d);
    return NULL;
}

int workload_pairs(const Workload *w, const Route *r, double *p, Err *err) {
    WorkloadStream *d = stream_placed(w, r, err);
    if (!d) return -1;
    uint32_t n = d->t->n_racks;
    double *cells = MEM_NEW(double, (size_t)d->n_rows * d->n_rows);
    int rc = cell_shares(d, cells, err);
    LoadMatrix m = load_matrix(d, cells);
    for (uint32_t i = 0; rc == 0 && i < n; i++)
        for (uint32_t j = 0; j < n; j++) p[(size_t)i * n + j] = linkload_share(d->t, &m, i, j);
    free(cells);
    workload_stream_free(d);
    return rc;
}

/* Fills in the alias table of cells, if they have weights, and the mean gap. */
static int prepare(WorkloadStream *d, const Route *r, WorkloadInfo *info, Err *err) {
    if (d->all_alike) {
        choose_gap(d, r, NULL, info);
        return 0;
    }
    double *cells = MEM_NEW(double, (size_t)d->n_rows * d->n_rows);
    LoadMatrix m = load_matrix(d, cells);
    int rc = cell_shares(d, cells, err);
    if (rc == 0) {
        rng_alias_init(&d->cells, cells, d->n_rows * d->n_rows);
        choose_gap(d, r, &m, info);
    }
    free(cells);
    return rc;
}

/* A stream with all that drawing needs. */
static WorkloadStream *stream_new(const Workload *w, const Route *r, WorkloadInfo *info, Err *err) {
    WorkloadInfo unused;
    if (check(w, err) != 0) return NULL;
    WorkloadStream *d = stream_placed(w, r, err);
    if (!d || prepare(d, r, info ? info : &unused, err) == 0) return d;
    workload_stream_free(d);
    return NULL;
}

/* Whether there is memory for about n flows: in a list, with what their ports take, or drawn by the
 * chunk, where ports and what finding them takes remain. */
static int check_memory(double n, bool hold, Err *err) {
    enum { HELD_B = 28, STREAMED_B = 4 };
    double need_b = n * (hold ? HELD_B : STREAMED_B);
    if (file_fits_memory(need_b)) return 0;
    return err_input(err, "%.3g flows take %s or more, and this machine has %s of memory", n,
                     units_size(need_b).s, units_size((double)file_memory_b()).s);
}

int workload_draw_or_stream(const Workload *w, const Route *r, int threads, uint64_t max_in_memory,
                            Flows *out, WorkloadStream **stream, WorkloadInfo *info, Err *err) {
    *out = (Flows){0};
    *stream = NULL;
    WorkloadStream *d = stream_new(w, r, info, err);
    if (!d) return -1;
    bool hold = expected_flows(d, 0) <= (double)max_in_memory;
    int rc = check_memory(expected_flows(d, 0), hold, err);
    if (rc == 0) rc = fill(d, hold ? out : NULL, threads, err);
    if (rc == 0 && !hold) {
        *stream = d;
        return 0;
    }
    if (rc != 0) flows_free(out);
    workload_stream_free(d);
    return rc;
}

int workload_draw(const Workload *w, const Route *r, int threads, Flows *out, WorkloadInfo *info,
                  Err *err) {
    WorkloadStream *none;
    return workload_draw_or_stream(w, r, threads, UINT64_MAX, out, &none, info, err);
}

/* ---- chunks on demand ---- */

void workload_stream_free(WorkloadStream *s) {
    if (!s) return;
    rng_alias_free(&s->cells);
    free(s->row_of);
    free(s->start);
    free(s->racks);
    free(s->n_of_row);
    free(s->n_local);
    free(s->chunk_ns);
    free(s);
}

size_t workload_stream_n(const WorkloadStream *s) { return s->n; }

void workload_stream_pairs(const WorkloadStream *s, size_t chunk, uint32_t *src, uint32_t *dst) {
    draw_pairs(s, chunk, src, dst);
}

void workload_stream_read(const WorkloadStream *s, size_t chunk, const Flows *room) {
    draw_chunk(s, chunk, room);
    shift_chunk(s, chunk, room->start_ns);
}
