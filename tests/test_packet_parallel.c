/* Packet simulation on several threads: the same completion times, statistics, traces and series as
 * on one, bit by bit, on random networks that are full of ties. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet/cc.h"
#include "packet_net.h"
#include "thread_ranks.h"

/* Networks compared; M3_PARALLEL_NETS asks for more. */
enum { N_NETS = 240, MAX_FLOWS = 400 };

/* ---- what a run shows ---- */

typedef struct {
    double fct_ns[MAX_FLOWS];
    PktStats stats;
    uint64_t trace, series; /* hashes */
    size_t n_trace, n_series;
} Seen;

static uint64_t hash(uint64_t h, const void *data, size_t n) {
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3;
    return h;
}
#define HASH(h, x) ((h) = hash((h), &(x), sizeof(x)))

static void see_event(void *ctx, const PktTraceEvent *e) {
    Seen *s = ctx;
    s->n_trace++;
    HASH(s->trace, e->kind);
    HASH(s->trace, e->type);
    HASH(s->trace, e->time_ns);
    HASH(s->trace, e->link);
    HASH(s->trace, e->queue_b);
    HASH(s->trace, e->flow);
    HASH(s->trace, e->byte);
    HASH(s->trace, e->wire_b);
    HASH(s->trace, e->marked);
}

static void see_row(void *ctx, const SeriesRow *r) {
    Seen *s = ctx;
    s->n_series++;
    HASH(s->series, r->start_ns);
    HASH(s->series, r->end_ns);
    HASH(s->series, r->group);
    HASH(s->series, r->utilisation);
    HASH(s->series, r->payload_b);
    HASH(s->series, r->queue_mean_b);
    HASH(s->series, r->queue_max_b);
    HASH(s->series, r->n_marked);
    HASH(s->series, r->n_dropped);
    HASH(s->series, r->paused_share);
}

/* ---- random cases ---- */

typedef struct {
    Net net;
    Flows flows;
    NetConf conf;
    PktOptions opt;
    bool traced;
    double interval_ns; /* 0: no series */
} Case;

static double pick(Rng *rng, const double *of, size_t n) { return of[rng_below(rng, n)]; }

/* Switches in a random tree with a few more cables, hosts on most of them. Half of the networks
 * have equal links, so that much happens at the same time. */
static void random_net(Net *n, Rng *rng) {
    static const double rates[] = {10e9, 10e9, 25e9, 40e9},
                        delays[] = {1000, 1000, 500, 333.3, 2000};
    TopoCable cables[64];
    uint32_t n_switches = 2 + (uint32_t)rng_below(rng, 6),
             n_hosts = n_switches + (uint32_t)rng_below(rng, 2 * n_switches), n_cables = 0;
    bool alike = rng_below(rng, 2), lossy = rng_below(rng, 4) == 0;
    uint32_t n_racks = n_switches - (uint32_t)rng_below(rng, 2);
    for (uint32_t h = 0; h < n_hosts; h++) {
        uint64_t rack = h < n_racks ? h : rng_below(rng, n_racks);
        cables[n_cables++] = (TopoCable){h, n_hosts + rack, 10e9, 1000, 0};
    }
    /* Some hosts have a second link, maybe to a switch that is no host's first one. */
    for (uint64_t more = rng_below(rng, 3); more > 0; more--) {
        uint64_t h = rng_below(rng, n_hosts), v = n_hosts + rng_below(rng, n_switches);
        cables[n_cables++] = (TopoCable){h, v, 10e9, 1000, 0};
    }
    for (uint32_t v = 1; v < n_switches; v++)
        cables[n_cables++] = (TopoCable){n_hosts + v, n_hosts + rng_below(rng, v), 40e9, 1000, 0};
    for (uint64_t more = rng_below(rng, 6); more > 0; more--) {
        uint64_t a = rng_below(rng, n_switches), b = rng_below(rng, n_switches);
        if (a != b) cables[n_cables++] = (TopoCable){n_hosts + a, n_hosts + b, 40e9, 1000, 0};
    }
    for (uint32_t i = 0; i < n_cables && !alike; i++) {
        cables[i].rate_bps = pick(rng, rates, 4);
        cables[i].delay_ns = pick(rng, delays, 5);
    }
    for (uint32_t i = 0; i < n_cables && lossy; i++) cables[i].error_rate = 0.01 * rng_u01(rng);
    net_build(n, n_hosts + n_switches, n_hosts, cables, n_cables);
}

/* Most flows start at a few times, and some of those go to one host. */
static Flows random_flows(const Net *n, Rng *rng) {
    size_t count = 1 + rng_below(rng, MAX_FLOWS / 4);
    uint32_t n_hosts = n->topo.n_hosts, victim = (uint32_t)rng_below(rng, n_hosts);
    Flows f;
    flows_init(&f, count);
    for (size_t i = 0; i < count; i++) {
        f.src[i] = (uint32_t)rng_below(rng, n_hosts);
        f.dst[i] = rng_below(rng, 3) ? (uint32_t)rng_below(rng, n_hosts) : victim;
        if (f.dst[i] == f.src[i]) f.dst[i] = (f.src[i] + 1) % n_hosts;
        f.size_b[i] =
            rng_below(rng, 2) ? 1000 * (1 + rng_below(rng, 30)) : 1 + rng_below(rng, 20000);
        f.start_ns[i] =
            (int64_t)(rng_below(rng, 3) ? 5000 * rng_below(rng, 4) : rng_below(rng, 50000));
    }
    flows_sort(&f);
    return f;
}

static void random_case(Case *c, uint64_t seed) {
    static const char *const controls[] = {"dctcp", "hp",   "timely", "none",
                                           "swift", "nscc", "dcqcn",  "eqds"};
    static const double buffers[] = {20e3, 60e3, 100e3, 400e3};
    Rng rng = rng_stream(seed, "parallel cases", 0);
    *c = (Case){0};
    random_net(&c->net, &rng);
    c->flows = random_flows(&c->net, &rng);
    netconf_default(&c->conf);
    c->conf.pfc = rng_below(&rng, 2);
    c->conf.buffer_b = pick(&rng, buffers, 4);
    c->conf.line_window_b = rng_below(&rng, 2) ? 18e3 : 60e3;
    size_t control = rng_below(&rng, 14);
    c->opt = (PktOptions){.cc = controls[control < 11 ? control % 5 : control - 6],
                          .compat = rng_below(&rng, 3) == 0,
                          .seed = seed,
                          .stop_ns = rng_below(&rng, 4) ? 0 : 1 + 60e3 * rng_u01(&rng),
                          .any_size = true};
    if (cc_find(c->opt.cc)->own_design) c->opt.compat = false;
    c->conf.nscc_trim = rng_below(&rng, 2);
    if (rng_below(&rng, 2)) c->conf.nscc_ecn_high = c->conf.nscc_ecn_low;
    if (!c->opt.compat && rng_below(&rng, 2)) c->conf.routing = (Routing)rng_below(&rng, ROUTING_N);
    if (netconf_by_packet(c->conf.routing) && strcmp(c->opt.cc, "hp") == 0) c->opt.cc = "dctcp";
    c->conf.flowlet_gap_ns = 2000 * rng_u01(&rng);
    c->traced = rng_below(&rng, 3) == 0;
    c->interval_ns = rng_below(&rng, 3) ? 0 : 100 + 20e3 * rng_u01(&rng);
}

static void free_case(Case *c) {
    flows_free(&c->flows);
    net_free(&c->net);
}

/* ---- the comparison ---- */

static int run_case(const Case *c, int threads, Seen *seen) {
    uint32_t n_links = c->net.topo.n_links, links[129];
    for (uint32_t l = 0; l <= n_links; l++) links[l] = l;
    SeriesSpec spec = {c->interval_ns, n_links, links, links, see_row, seen};
    PktOptions opt = c->opt;
    Err err;
    *seen = (Seen){.trace = 1, .series = 1};
    opt.threads = threads;
    opt.series = c->interval_ns > 0 ? &spec : NULL;
    opt.trace = c->traced ? see_event : NULL;
    opt.trace_ctx = seen;
    die_on(pktsim_run(c->net.route, &c->flows, &c->conf, &opt, seen->fct_ns, &seen->stats, &err),
           &err);
    int used = seen->stats.parallel.n_threads;
    seen->stats.wall_s = 0;
    seen->stats.parallel = (PktParallel){0};
    return used;
}

static bool is_same(const Seen *a, const Seen *b) {
    return memcmp(a->fct_ns, b->fct_ns, sizeof a->fct_ns) == 0 &&
           memcmp(&a->stats, &b->stats, sizeof a->stats) == 0 && a->trace == b->trace &&
           a->series == b->series && a->n_trace == b->n_trace && a->n_series == b->n_series;
}

static void say_what_differs(const Seen *a, const Seen *b, uint64_t seed, int threads) {
    fprintf(stderr, "network %llu, %d threads:", (unsigned long long)seed, threads);
    for (size_t i = 0; i < MAX_FLOWS; i++)
        if (memcmp(&a->fct_ns[i], &b->fct_ns[i], sizeof a->fct_ns[i]) != 0)
            fprintf(stderr, " flow %zu: %.17g, %.17g;", i, a->fct_ns[i], b->fct_ns[i]);
    for (size_t i = 0; i < sizeof a->stats / 8; i++) {
        const uint64_t *x = (const uint64_t *)(const void *)&a->stats,
                       *y = (const uint64_t *)(const void *)&b->stats;
        if (x[i] != y[i])
            fprintf(stderr, " statistic %zu: %llu, %llu;", i, (unsigned long long)x[i],
                    (unsigned long long)y[i]);
    }
    fprintf(stderr, " trace %zu, %zu%s; series %zu, %zu%s\n", a->n_trace, b->n_trace,
            a->trace == b->trace ? "" : " differ", a->n_series, b->n_series,
            a->series == b->series ? "" : " differ");
}

/* Runs random cases from a seed on, each on one thread and by `run` on 2 to 4 threads or ranks;
 * `limit` leaves out what these cannot do. */
static void no_byte_changes(uint64_t first_seed, void (*limit)(Case *c),
                            int (*run)(const Case *c, int n, Seen *seen)) {
    const char *asked = getenv("M3_PARALLEL_NETS");
    uint64_t n = asked ? strtoull(asked, NULL, 10) : N_NETS, n_parallel[5] = {0}, n_drops = 0,
             n_pauses = 0, n_timeouts = 0, n_differ = 0;
    Seen *one = MEM_NEW(Seen, 1), *more = MEM_NEW(Seen, 1);
    for (uint64_t seed = first_seed; seed < first_seed + n; seed++) {
        Case c;
        random_case(&c, seed);
        if (limit) limit(&c);
        run_case(&c, 1, one);
        n_drops += one->stats.n_drops > 0;
        n_pauses += one->stats.n_pauses > 0;
        n_timeouts += one->stats.n_timeouts > 0;
        for (int parts = 2; parts <= 4; parts++) {
            int used = run(&c, parts, more);
            assert_true(used <= parts);
            n_parallel[used]++;
            if (is_same(one, more)) continue;
            n_differ++;
            say_what_differs(one, more, seed, parts);
        }
        free_case(&c);
    }
    assert_int_equal(n_differ, 0);
    /* The cases are what they are meant to be. */
    assert_true(n_parallel[2] > n / 2 && n_parallel[3] > n / 3 && n_parallel[4] > n / 4);
    assert_true(n_drops > n / 10 && n_pauses > n / 20 && n_timeouts > n / 50);
    free(one);
    free(more);
}

static void threads_change_no_byte(void **state) {
    (void)state;
    no_byte_changes(0, NULL, run_case);
}

/* ---- ranks ---- */

typedef struct {
    const Case *c;
    Seen *seen; /* of rank 0 */
    int n_ranks;
} RankedCase;

static void run_rank(void *ctx, Ranks *ranks) {
    RankedCase *r = ctx;
    Case own = *r->c;
    Seen *seen = MEM_NEW(Seen, 1);
    own.opt.ranks = ranks;
    int used = run_case(&own, 1, seen);
    if (ranks->rank == 0) {
        *r->seen = *seen;
        r->n_ranks = used;
    }
    free(seen);
}

static int run_on_ranks(const Case *c, int n, Seen *seen) {
    RankedCase r = {c, seen, 0};
    thread_ranks_run(n, run_rank, &r);
    return r.n_ranks;
}

static void leave_to_one(Case *c) {
    c->opt.compat = c->traced = false;
    c->interval_ns = 0;
}

static void ranks_change_no_byte(void **state) {
    (void)state;
    no_byte_changes(1000, leave_to_one, run_on_ranks);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_change_no_byte),
                                       cmocka_unit_test(ranks_change_no_byte)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
