/* jobs: patterns of flows that belong together and wait for each other.
 *
 *     incast       n senders → a receiver, all at once (within `jitter`)
 *     rpc          a client → n servers, each of which replies `think` after its request
 *     collective   ranks on hosts; what a rank sends waits for what it needs to have received,
 *                  and in a ring and halving-doubling for what it has sent before:
 *                    ring                rank i → i + 1, a part of size/n a step; n − 1 steps, and
 *                                        as many again for all-reduce
 *                    tree                all-reduce: up a binary tree, and down again, all of it
 *                    halving-doubling    all-reduce: with rank i ⊕ n/2, n/4, …, 1, halves of what
 *                                        is left; then back
 *                    direct              all-to-all: each to each, size/n
 *
 * Queries and iterations either start every `period`, or each starts `gap` after the last one of
 * the same job has ended; of a collective, a rank goes on `gap` after it has received its part,
 * whatever others still do. Parts of a size that n does not divide differ by a byte.
 *
 * Who takes part in an incast or a call is drawn anew for each one; ranks stay where they are.
 * Placements: packed is by id, spread leaves equal gaps between ids, rail is by rack, where racks
 * are leaves of rails (net/shape_rail): neighbours in a ring then share a switch. */
#include "traffic/jobs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/units.h"
#include "traffic/flowgraph.h"

/* A typing error in a count ends here, not in memory: the largest job takes some GB. Flows of a
 * tree, which wait for 1.5 others on average, may be as many as there may be flows. */
enum { MAX_JOB_FLOWS = 100000000, MAX_JOB_WAITS = 400000000, MAX_N = 65536, MAX_NAME = 40 };

static const char *const kinds[] = {"incast", "rpc", "collective", NULL},
                         *const collectives[] = {"all-reduce", "all-gather", "reduce-scatter",
                                                 "all-to-all", NULL},
                         *const algorithms[] = {"ring", "tree", "halving-doubling", "direct", NULL},
                         *const placements[] = {"packed", "spread", "rail", "random", NULL};

/* ---- reading ---- */

static int read_choice(const Json *j, const char *key, const char *const *names, int otherwise,
                       int *out, Err *err) {
    Json v;
    const char *text;
    *out = otherwise;
    if (!json_find(j, key, &v)) {
        if (otherwise >= 0) return 0;
        json_need(j, key, &v, err); /* says what is missing */
        return -1;
    }
    if (json_string(&v, &text, err) != 0) return -1;
    for (*out = 0; names[*out]; ++*out)
        if (strcmp(names[*out], text) == 0) return 0;
    char known[80] = "";
    for (int i = 0; names[i]; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 names[i]);
    return json_fail(&v, err, "expected one of %s, got \"%.40s\"", known, text);
}

static int read_count(const Json *j, const char *key, uint32_t least, uint32_t otherwise,
                      uint32_t *out, Err *err) {
    Json v;
    uint64_t n = otherwise;
    bool given = json_find(j, key, &v);
    if (!given && otherwise == 0) return json_need(j, key, &v, err);
    if (given && json_uint(&v, MAX_JOB_FLOWS, &n, err) != 0) return -1;
    if (n < least)
        return json_fail(&v, err, "must be at least %u, got %llu", least, (unsigned long long)n);
    *out = (uint32_t)n;
    return 0;
}

static int read_size(const Json *j, const char *key, uint64_t *out, Err *err) {
    Json v;
    JsonNumber buffer;
    const char *text;
    double b;
    Err why = {0};
    if (json_need(j, key, &v, err) != 0 || json_text(&v, &buffer, &text, err) != 0) return -1;
    if (units_parse_size(text, key, &b, &why) != 0) return json_fail_named(&v, err, why.msg);
    if (!(b >= 1 && b <= (double)FLOWS_MAX_SIZE_B))
        return json_fail(&v, err, "must be from 1 B to 1 PB, got %s", text);
    *out = (uint64_t)floor(b + 0.5);
    return 0;
}

/* A time of less than 2^53 ns, 0 if it is left out. */
static int read_time(const Json *j, const char *key, bool *given, int64_t *out, Err *err) {
    Json v;
    JsonNumber buffer;
    const char *text;
    double ns;
    Err why = {0};
    *out = 0;
    bool there = json_find(j, key, &v);
    if (given) *given = there;
    if (!there) return 0;
    if (json_text(&v, &buffer, &text, err) != 0) return -1;
    if (units_parse_time(text, key, &ns, &why) != 0) return json_fail_named(&v, err, why.msg);
    if (!(ns >= 0 && ns < 0x1p53)) return json_fail(&v, err, "must be from 0 to 9e15 ns");
    *out = (int64_t)floor(ns + 0.5);
    return 0;
}

static int read_hosts(TrafficJob *job, const Json *j, Err *err) {
    Json list, it;
    uint32_t i = 0;
    if (!json_find(j, "hosts", &list)) return 0;
    if (json_expect_array(&list, err) != 0) return -1;
    if ((uint32_t)json_len(&list) != job->n)
        return json_fail(&list, err, "expected %u hosts, one a rank, got %d", job->n,
                         json_len(&list));
    job->hosts = MEM_NEW(uint64_t, job->n);
    for (bool ok = json_first(&list, &it); ok; ok = json_next(&it), i++)
        if (json_uint(&it, UINT64_MAX, &job->hosts[i], err) != 0) return -1;
    return 0;
}

/* What all kinds have: name, count, start, period or gap. */
static int read_common(TrafficJob *job, const Json *j, const char *count_key, Err *err) {
    Json v;
    const char *name = kinds[job->kind];
    bool gap;
    if (json_find(j, "name", &v) && json_string(&v, &name, err) != 0) return -1;
    if (!*name || strlen(name) > MAX_NAME || strpbrk(name, ",;#\"\t\n"))
        return json_fail_member(j, "name", err, "expected 1 to %d letters without , ; # \"",
                                MAX_NAME);
    job->name = mem_strdup(name);
    if (read_count(j, count_key, 1, 1, &job->count, err) != 0 ||
        read_time(j, "start", NULL, &job->start_ns, err) != 0 ||
        read_time(j, "period", &job->has_period, &job->period_ns, err) != 0 ||
        read_time(j, "gap", &gap, &job->gap_ns, err) != 0)
        return -1;
    return gap && job->has_period ? json_fail(j, err, "expected period or gap, got both") : 0;
}

static int read_end(TrafficJob *job, const Json *j, const char *key, Err *err) {
    Json v;
    job->has_end = json_find(j, key, &v);
    return job->has_end ? json_uint(&v, UINT64_MAX, &job->end, err) : 0;
}

static int read_incast(TrafficJob *job, const Json *j, Err *err) {
    static const char *const keys[] = {"kind",   "name", "senders", "size",     "count", "start",
                                       "period", "gap",  "jitter",  "receiver", NULL};
    if (json_only_keys(j, keys, err) != 0 || read_common(job, j, "count", err) != 0 ||
        read_count(j, "senders", 1, 0, &job->n, err) != 0 ||
        read_size(j, "size", &job->size_b, err) != 0 ||
        read_time(j, "jitter", NULL, &job->jitter_ns, err) != 0)
        return -1;
    return read_end(job, j, "receiver", err);
}

static int read_rpc(TrafficJob *job, const Json *j, Err *err) {
    static const char *const keys[] = {"kind",   "name",   "fan_out", "request", "reply",
                                       "think",  "count",  "start",   "period",  "gap",
                                       "jitter", "client", NULL};
    if (json_only_keys(j, keys, err) != 0 || read_common(job, j, "count", err) != 0 ||
        read_count(j, "fan_out", 1, 1, &job->n, err) != 0 ||
        read_size(j, "request", &job->size_b, err) != 0 ||
        read_size(j, "reply", &job->reply_b, err) != 0 ||
        read_time(j, "think", NULL, &job->think_ns, err) != 0 ||
        read_time(j, "jitter", NULL, &job->jitter_ns, err) != 0)
        return -1;
    return read_end(job, j, "client", err);
}

/* Which algorithm is for which operation. */
static int check_algorithm(const TrafficJob *job, const Json *j, Err *err) {
    bool reduce = job->collective == COLLECTIVE_ALL_REDUCE,
         direct = job->collective == COLLECTIVE_ALL_TO_ALL;
    bool fits = job->algorithm == ALGORITHM_RING     ? !direct
                : job->algorithm == ALGORITHM_DIRECT ? direct
                                                     : reduce;
    if (!fits)
        return json_fail_member(j, "algorithm", err, "%s has no algorithm \"%s\"",
                                collectives[job->collective], algorithms[job->algorithm]);
    if (job->algorithm == ALGORITHM_HALVING_DOUBLING && (job->n & (job->n - 1)) != 0)
        return json_fail_member(j, "ranks", err, "halving-doubling needs a power of two, got %u",
                                job->n);
    uint64_t parts = job->algorithm == ALGORITHM_TREE ? 1 : job->n;
    if (job->size_b < parts)
        return json_fail_member(j, "size", err, "must be at least a byte for each of %u ranks",
                                job->n);
    return 0;
}

static int read_collective(TrafficJob *job, const Json *j, Err *err) {
    static const char *const keys[] = {"kind",      "name",  "op",     "algorithm", "ranks",
                                       "size",      "start", "period", "gap",       "iterations",
                                       "placement", "hosts", NULL};
    int op, algorithm, placement;
    if (json_only_keys(j, keys, err) != 0 || read_common(job, j, "iterations", err) != 0 ||
        read_choice(j, "op", collectives, -1, &op, err) != 0)
        return -1;
    int usual = op == COLLECTIVE_ALL_TO_ALL ? ALGORITHM_DIRECT : ALGORITHM_RING;
    if (read_choice(j, "algorithm", algorithms, usual, &algorithm, err) != 0 ||
        read_choice(j, "placement", placements, PLACEMENT_PACKED, &placement, err) != 0 ||
        read_count(j, "ranks", 2, 0, &job->n, err) != 0 ||
        read_size(j, "size", &job->size_b, err) != 0 || read_hosts(job, j, err) != 0)
        return -1;
    job->collective = (Collective)op;
    job->algorithm = (CollectiveAlgorithm)algorithm;
    job->placement = (JobPlacement)placement;
    return check_algorithm(job, j, err);
}

/* Flows of one query or iteration. */
static double flows_each(const TrafficJob *job) {
    double n = job->n;
    if (job->kind != JOB_COLLECTIVE) return job->kind == JOB_RPC ? 2 * n : n;
    switch (job->algorithm) {
    case ALGORITHM_RING: return (job->collective == COLLECTIVE_ALL_REDUCE ? 2 : 1) * n * (n - 1);
    case ALGORITHM_TREE: return 2 * (n - 1);
    case ALGORITHM_HALVING_DOUBLING: return 2 * n * log2(n);
    default: return n * (n - 1);
    }
}

/* How often flows of the whole job wait for another one, at most: within a query or iteration, and
 * in later ones for what came before. */
static double waits_of(const TrafficJob *job) {
    double n = job->n, within = 0, between = 0, flows = flows_each(job);
    if (job->kind == JOB_RPC) within = n;
    if (job->kind != JOB_COLLECTIVE) between = n * n;
    else if (job->algorithm == ALGORITHM_DIRECT) between = flows * (n - 1);
    else within = job->algorithm == ALGORITHM_TREE ? 1.5 * flows : 2 * flows;
    return within * job->count + (job->has_period ? 0 : between * (job->count - 1.0));
}

static int read_job(TrafficJob *job, const Json *j, Err *err) {
    int kind;
    if (json_expect_object(j, err) != 0 || read_choice(j, "kind", kinds, -1, &kind, err) != 0)
        return -1;
    job->kind = (JobKind)kind;
    int rc = kind == JOB_INCAST ? read_incast(job, j, err)
             : kind == JOB_RPC  ? read_rpc(job, j, err)
                                : read_collective(job, j, err);
    if (rc != 0) return -1;
    if (job->n > MAX_N || flows_each(job) * job->count > MAX_JOB_FLOWS)
        return json_fail(j, err, "%.0f flows are too many: at most %d",
                         flows_each(job) * job->count, MAX_JOB_FLOWS);
    if (waits_of(job) > MAX_JOB_WAITS)
        return json_fail(j, err, "flows that wait for %.0f others are too many: at most %d",
                         waits_of(job), MAX_JOB_WAITS);
    return 0;
}

int jobs_read(TrafficJobs *jobs, const Json *array, Err *err) {
    Json it;
    *jobs = (TrafficJobs){0};
    if (json_expect_array(array, err) != 0) return -1;
    jobs->list = MEM_ZNEW(TrafficJob, (size_t)json_len(array));
    for (bool ok = json_first(array, &it); ok; ok = json_next(&it))
        if (read_job(&jobs->list[jobs->n++], &it, err) != 0) return -1;
    return jobs->n > 0 ? 0 : json_fail(array, err, "expected at least one job");
}

void jobs_free(TrafficJobs *jobs) {
    for (size_t i = 0; i < jobs->n; i++) {
        free(jobs->list[i].name);
        free(jobs->list[i].hosts);
    }
    free(jobs->list);
    *jobs = (TrafficJobs){0};
}

/* ---- drawing ---- */

/* Flows as they are added, and the hosts that the job at hand uses. */
typedef struct {
    const Topo *t;
    const TrafficJob *job;
    Flows *f;
    FlowGraph *g;
    size_t cap;
    Rng rng;
    uint32_t *host; /* [n_hosts] in random order, or ranks' */
    uint32_t index; /* of the job at hand */
    int64_t start_ns;
    uint32_t *last, *before; /* [n] flow that a rank received last: in this and in the last step */
    uint32_t *sent;          /* [n] flow that a rank of a ring or of halving-doubling sent last */
    uint32_t first_before, n_before; /* flows of the query before: all that it ends with */
} JobsDraw;

static uint32_t add(JobsDraw *d, uint32_t src, uint32_t dst, uint64_t size_b, int64_t start_ns,
                    int64_t delay_ns) {
    Flows *f = d->f;
    size_t i = f->n++;
    flows_reserve(f, &d->cap, f->n);
    f->src[i] = src;
    f->dst[i] = dst;
    f->size_b[i] = size_b;
    f->start_ns[i] = start_ns;
    flowgraph_flow(d->g, d->index, delay_ns);
    return (uint32_t)i;
}

static int find_host(const JobsDraw *d, uint64_t id, uint32_t *host, Err *err) {
    uint32_t node = topo_node(d->t, id);
    *host = node == TOPO_NONE ? TOPO_NONE : d->t->node_host[node];
    if (*host != TOPO_NONE) return 0;
    return err_input(err, "job %s: %s has no host %llu", d->job->name, d->t->name,
                     (unsigned long long)id);
}

static int check_hosts(const JobsDraw *d, uint32_t need, Err *err) {
    if (need <= d->t->n_hosts) return 0;
    return err_input(err, "job %s: needs %u hosts, %s has %u", d->job->name, need, d->t->name,
                     d->t->n_hosts);
}

/* The one and the many of a query: host[0], then host[1 … n]. */
static int draw_parties(JobsDraw *d, Err *err) {
    const TrafficJob *job = d->job;
    uint32_t n_hosts = d->t->n_hosts, fixed = 0;
    if (job->has_end && find_host(d, job->end, &fixed, err) != 0) return -1;
    for (uint32_t k = 0; k <= job->n; k++) { /* the first of a shuffle */
        uint32_t at = k + (uint32_t)rng_below(&d->rng, n_hosts - k);
        if (k == 0 && job->has_end)
            for (at = 0; d->host[at] != fixed;) at++;
        uint32_t swap = d->host[k];
        d->host[k] = d->host[at];
        d->host[at] = swap;
    }
    return 0;
}

static int64_t jitter(JobsDraw *d) {
    return d->job->jitter_ns > 0 ? (int64_t)rng_below(&d->rng, (uint64_t)d->job->jitter_ns) : 0;
}

/* The first flows of a query start with it, or after the end of the one before. */
static void add_query(JobsDraw *d) {
    const TrafficJob *job = d->job;
    bool again = d->n_before > 0 && !job->has_period;
    uint32_t first = (uint32_t)d->f->n;
    for (uint32_t k = 1; k <= job->n; k++) {
        int64_t late = jitter(d);
        bool call = job->kind == JOB_RPC;
        add(d, d->host[call ? 0 : k], d->host[call ? k : 0], job->size_b, d->start_ns + late,
            again ? job->gap_ns + late : 0);
        for (uint32_t i = 0; again && i < d->n_before; i++)
            flowgraph_wait(d->g, d->first_before + i);
    }
    if (job->kind == JOB_RPC) {
        uint32_t calls = first;
        first = (uint32_t)d->f->n;
        for (uint32_t k = 1; k <= job->n; k++) {
            add(d, d->host[k], d->host[0], job->reply_b, d->start_ns, job->think_ns);
            flowgraph_wait(d->g, calls + k - 1);
        }
    }
    d->first_before = first;
    d->n_before = job->n;
}

/* ---- collectives ---- */

/* Parts 0 to k − 1 of n. */
static uint64_t parts_b(const TrafficJob *job, uint64_t k, uint64_t n) {
    __extension__ typedef unsigned __int128 U128;
    return (uint64_t)((U128)job->size_b * k / n);
}

/* Part k of n. */
static uint64_t part_b(const TrafficJob *job, uint64_t k, uint64_t n) {
    return parts_b(job, k + 1, n) - parts_b(job, k, n);
}

/* A rank's flow to another, which waits for what the rank has received: in the step before, or, in
 * the first one of a later iteration, in the iteration before. It also waits for what the rank has
 * sent before, as of parts that came together one would hold up the other else: on a ring they
 * would gather more and more, until all of them go round behind each other. */
static void send(JobsDraw *d, uint32_t from, uint32_t to, uint64_t size_b, bool first_step) {
    bool waits = d->last[from] != FLOWGRAPH_NONE && !(first_step && d->job->has_period);
    d->before[to] = add(d, d->host[from], d->host[to], size_b, d->start_ns,
                        waits && first_step ? d->job->gap_ns : 0);
    if (waits) {
        flowgraph_wait(d->g, d->last[from]);
        flowgraph_wait(d->g, d->sent[from]);
    }
    d->sent[from] = d->before[to];
}

static void end_step(JobsDraw *d) {
    uint32_t *swap = d->last;
    d->last = d->before;
    d->before = swap;
}

static void add_ring(JobsDraw *d) {
    uint32_t n = d->job->n, steps = n - 1;
    if (d->job->collective == COLLECTIVE_ALL_REDUCE) steps *= 2;
    for (uint32_t s = 0; s < steps; s++) {
        for (uint32_t i = 0; i < n; i++)
            send(d, i, (i + 1) % n, part_b(d->job, (i + 2 * (uint64_t)n - s % n) % n, n), s == 0);
        end_step(d);
    }
}

static void add_halving_doubling(JobsDraw *d) {
    uint32_t n = d->job->n;
    for (uint32_t half = n / 2; half > 0; half /= 2) {
        for (uint32_t i = 0; i < n; i++)
            send(d, i, i ^ half, parts_b(d->job, half, n), half == n / 2);
        end_step(d);
    }
    for (uint32_t half = 1; half < n; half *= 2) {
        for (uint32_t i = 0; i < n; i++) send(d, i, i ^ half, parts_b(d->job, half, n), false);
        end_step(d);
    }
}

/* Up from the leaves, then down: last[i] is what rank i goes on from, the flow from its parent, or
 * at the root one of those from its children, both of which the way down waits for. */
static void add_tree(JobsDraw *d) {
    uint32_t n = d->job->n, *up = MEM_NEW(uint32_t, n);
    for (uint32_t i = n; i-- > 1;) {
        bool again = d->last[i] != FLOWGRAPH_NONE && !d->job->has_period;
        up[i] = add(d, d->host[i], d->host[(i - 1) / 2], d->job->size_b, d->start_ns,
                    again ? d->job->gap_ns : 0);
        if (again) flowgraph_wait(d->g, d->last[i]);
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
            flowgraph_wait(d->g, up[child]);
    }
    for (uint32_t i = 1; i < n; i++) {
        uint32_t parent = (i - 1) / 2;
        d->before[i] = add(d, d->host[parent], d->host[i], d->job->size_b, d->start_ns, 0);
        if (parent > 0) flowgraph_wait(d->g, d->before[parent]);
        for (uint32_t child = 1; parent == 0 && child <= 2 && child < n; child++)
            flowgraph_wait(d->g, up[child]);
    }
    d->before[0] = up[1];
    end_step(d);
    free(up);
}

/* All at once; in a later iteration a rank waits for all that it has received. */
static void add_direct(JobsDraw *d) {
    uint32_t n = d->job->n, first = (uint32_t)d->f->n;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 1; k < n; k++) {
            bool again = d->n_before > 0 && !d->job->has_period;
            add(d, d->host[i], d->host[(i + k) % n], part_b(d->job, (i + k) % n, n), d->start_ns,
                again ? d->job->gap_ns : 0);
            /* from rank j: its flow number (i − j) mod n */
            for (uint32_t j = 0; again && j < n; j++)
                if (j != i)
                    flowgraph_wait(d->g, d->first_before + j * (n - 1) + (i + n - j) % n - 1);
        }
    d->first_before = first;
    d->n_before = n * (n - 1);
}

static int place_ranks(JobsDraw *d, Err *err) {
    const TrafficJob *job = d->job;
    uint32_t n_hosts = d->t->n_hosts, n = job->n;
    for (uint32_t i = 0; job->hosts && i < n; i++) {
        if (find_host(d, job->hosts[i], &d->host[i], err) != 0) return -1;
        for (uint32_t k = 0; k < i; k++)
            if (d->host[k] == d->host[i])
                return err_input(err, "job %s: host %llu has two ranks", job->name,
                                 (unsigned long long)job->hosts[i]);
    }
    if (job->hosts) return 0;
    if (job->placement == PLACEMENT_RANDOM) rng_shuffle_u32(&d->rng, d->host, n_hosts);
    for (uint32_t i = 0; i < n; i++) {
        if (job->placement == PLACEMENT_SPREAD) d->host[i] = (uint32_t)((uint64_t)i * n_hosts / n);
        if (job->placement == PLACEMENT_RAIL) d->host[i] = d->t->rack_hosts[i];
    }
    return 0;
}

static void add_iteration(JobsDraw *d) {
    switch (d->job->algorithm) {
    case ALGORITHM_RING: add_ring(d); break;
    case ALGORITHM_TREE: add_tree(d); break;
    case ALGORITHM_HALVING_DOUBLING: add_halving_doubling(d); break;
    default: add_direct(d);
    }
}

/* ---- the whole ---- */

static int draw_job(JobsDraw *d, Err *err) {
    const TrafficJob *job = d->job;
    bool collective = job->kind == JOB_COLLECTIVE;
    uint32_t group = flowgraph_group(d->g, job->name, strlen(job->name));
    if (check_hosts(d, job->n + !collective, err) != 0) return -1;
    for (uint32_t h = 0; h < d->t->n_hosts; h++) d->host[h] = h;
    if (collective && place_ranks(d, err) != 0) return -1;
    d->n_before = 0;
    d->last = MEM_NEW(uint32_t, job->n);
    d->before = MEM_NEW(uint32_t, job->n);
    d->sent = MEM_NEW(uint32_t, job->n);
    for (uint32_t i = 0; i < job->n; i++) d->last[i] = FLOWGRAPH_NONE;
    int rc = 0;
    for (uint32_t k = 0; k < job->count && rc == 0; k++) {
        d->start_ns = job->start_ns + (int64_t)k * job->period_ns;
        d->index = flowgraph_job(d->g, group, k);
        if (collective) add_iteration(d);
        else if ((rc = draw_parties(d, err)) == 0) add_query(d);
    }
    free(d->last);
    free(d->before);
    free(d->sent);
    return rc;
}

int jobs_draw(const TrafficJobs *jobs, const Topo *t, uint64_t seed, Flows *f, Err *err) {
    FlowGraph *g = f->graph = flowgraph_new();
    JobsDraw d = {.t = t, .f = f, .g = g, .cap = f->n, .host = MEM_NEW(uint32_t, t->n_hosts)};
    int rc = 0;
    for (size_t i = 0; i < f->n; i++) flowgraph_flow(g, FLOWGRAPH_NONE, 0);
    for (size_t i = 0; i < jobs->n && rc == 0; i++) {
        d.job = &jobs->list[i];
        d.rng = rng_stream(seed, "jobs", i);
        rc = draw_job(&d, err);
    }
    free(d.host);
    if (rc == 0) flows_sort(f);
    return rc;
}
