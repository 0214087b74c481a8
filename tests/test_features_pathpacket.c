/* Paths at packet level (path/lotnet, features/pathpacket) against whole
 * networks. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "features/features.h"
#include "features/pathpacket.h"
#include "packet/pktsim.h"
#include "path/lotnet.h"

/* A scenario made by hand. Hosts are 0..n_hosts−1, switches follow. */
static void make(Scenario *s, uint32_t n_hosts, uint32_t n_switches, const TopoCable *cables,
                 uint32_t n_cables) {
    uint64_t id[64];
    uint8_t is_host[64];
    Err err = {0};
    *s = (Scenario){0};
    assert_true(n_hosts + n_switches <= 64);
    for (uint32_t v = 0; v < n_hosts + n_switches; v++) {
        id[v] = v;
        is_host[v] = v < n_hosts;
    }
    if (topo_build(&s->topo, "test", id, is_host, NULL, n_hosts + n_switches, cables, n_cables,
                   &err) != 0)
        fail_msg("%s", err.msg);
    s->route = route_new(&s->topo, &err);
    if (!s->route) fail_msg("%s", err.msg);
    netconf_default(&s->conf);
    s->conf.line_window_b = 15e3;
}

/* n flows from a host of [0, n_src) to one of [first_dst, first_dst + n_dst), a few packets each,
 * mean gap gap_ns. */
static void make_flows(Scenario *s, size_t n, uint32_t n_src, uint32_t first_dst, uint32_t n_dst,
                       double gap_ns) {
    Rng r = rng_stream(7, "test", 0);
    Flows *f = &s->flows;
    double t = 0;
    flows_init(f, n);
    for (size_t i = 0; i < n; i++) {
        f->src[i] = (uint32_t)rng_below(&r, n_src);
        do f->dst[i] = first_dst + (uint32_t)rng_below(&r, n_dst);
        while (f->dst[i] == f->src[i]);
        f->size_b[i] = 1 + rng_below(&r, 40000);
        f->start_ns[i] = (int64_t)(t += rng_exponential(&r) * gap_ns);
    }
    s->sport = MEM_NEW(uint16_t, n);
    route_sports(&s->topo, f->src, f->dst, n, s->sport);
    s->source = flowsource_in_memory(f, s->sport);
}

/* Slowdowns of all flows in the whole network; the caller's to free. */
static double *whole(const Scenario *s, PktStats *stats) {
    double *slowdown = MEM_NEW(double, s->flows.n), *ideal = MEM_NEW(double, s->flows.n);
    Err err = {0};
    if (pktsim_run(s->route, &s->flows, &s->conf, &(PktOptions){.seed = 1}, slowdown, stats,
                   &err) != 0)
        fail_msg("%s", err.msg);
    pktsim_ideal(s->route, &s->flows, false, ideal);
    for (size_t i = 0; i < s->flows.n; i++) slowdown[i] /= ideal[i];
    free(ideal);
    return slowdown;
}

/* Calls `each` for every path of the scenario. */
typedef void (*EachPath)(const Scenario *s, const NetPath *p, const LotFlow *flows, size_t n,
                         void *ctx);
static void every_path(const Scenario *s, EachPath each, void *ctx) {
    PathSet set;
    Err err = {0};
    Arena a = {0};
    if (pathset_draw(&set, s->route, &s->source, 0, 1, &err) != 0) fail_msg("%s", err.msg);
    PathIndex *index = pathindex_new(&set, s->route, &s->source, 1, NULL, &err);
    for (size_t p = 0; p < set.n_unique; p++) {
        Lot lot;
        LotFlow *flows;
        size_t n;
        arena_reset(&a);
        path_project(index, p, &a, &lot, &flows, &n);
        each(s, &set.paths[p], flows, n, ctx);
    }
    arena_free(&a);
    pathindex_destroy(index);
    pathset_free(&set);
}

static void check_equal(const Scenario *s, const NetPath *path, const LotFlow *flows, size_t n,
                        void *ctx) {
    const double *want = ctx;
    float *slowdown = MEM_NEW(float, n);
    uint64_t events;
    Err err = {0};
    PathPacket p = {.scenario = s, .path = path, .flows = flows, .n_flows = n, .seed = 1};
    if (pathpacket_run(&p, slowdown, &events, &err) != 0) fail_msg("%s", err.msg);
    for (size_t i = 0; i < n; i++) {
        bool foreground = flows[i].s == 0 && flows[i].d == path->n_links;
        if (!foreground) assert_true(isnan(slowdown[i]));
        else if (slowdown[i] != (float)want[flows[i].flow])
            fail_msg("flow %u: %.9g on its path, %.9g in the network", flows[i].flow,
                     (double)slowdown[i], want[flows[i].flow]);
    }
    free(slowdown);
}

static double mean(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] / (double)n;
    return sum;
}

/* Where all flows meet on every path, nothing is left out, and each flow does exactly what it does
 * in the network. */
static void check_network_is_its_own_lot(Scenario *s) {
    for (Cc cc = 0; cc < CC_N; cc++) {
        s->conf.cc = cc;
        double *want = whole(s, NULL);
        assert_true(mean(want, s->flows.n) > 1.1); /* there is something to get wrong */
        every_path(s, check_equal, want);
        free(want);
    }
    scenario_free(s);
}

static void lone_path_is_the_network(void **state) {
    (void)state;
    Scenario s;
    const TopoCable cables[] = {
        {0, 2, 25e9, 700}, {2, 3, 10e9, 1500}, {3, 4, 40e9, 20}, {4, 1, 10e9, 1000}};
    make(&s, 2, 3, cables, 4);
    make_flows(&s, 2000, 1, 1, 1, 17000);
    check_network_is_its_own_lot(&s);
}

/* Three hosts on each side of one link, of different speed. */
static void dumbbell_is_its_own_lot(void **state) {
    (void)state;
    Scenario s;
    const TopoCable cables[] = {{0, 6, 10e9, 1000}, {1, 6, 10e9, 500}, {2, 6, 25e9, 1000},
                                {3, 7, 10e9, 1000}, {4, 7, 25e9, 300}, {5, 7, 10e9, 1000},
                                {6, 7, 10e9, 1000}};
    make(&s, 6, 2, cables, 7);
    make_flows(&s, 2000, 3, 3, 3, 20000);
    check_network_is_its_own_lot(&s);
}

/* Switches 5 and 6, the sources' and the sinks', on two more: half of the flows reach a path by a
 * proxy and leave by one. The second time, packets are dropped where the sources' ways meet: the
 * switch there has the real buffer, not a proxy's, and host 4, which is silent, has its share of
 * that. */
static void proxies_are_the_switches_they_stand_for(void **state) {
    (void)state;
    Scenario s;
    const TopoCable cables[] = {{0, 5, 10e9, 1000}, {1, 6, 10e9, 1000},  {2, 7, 10e9, 1000},
                                {3, 8, 10e9, 1000}, {4, 9, 10e9, 1000},  {5, 9, 10e9, 1000},
                                {6, 9, 10e9, 1000}, {9, 10, 10e9, 1000}, {10, 7, 10e9, 1000},
                                {10, 8, 10e9, 1000}};
    make(&s, 5, 6, cables, 10);
    make_flows(&s, 2000, 2, 2, 2, 20000);
    s.conf.pfc = false;
    for (int lossy = 0; lossy < 2; lossy++) {
        s.conf.buffer_b = lossy ? 56e3 : 1e6;
        s.conf.cc = lossy ? CC_TIMELY : CC_DCTCP;
        PktStats stats;
        double *want = whole(&s, &stats);
        assert_int_equal(stats.n_drops > 0, lossy);
        every_path(&s, check_equal, want);
        free(want);
    }
    scenario_free(&s);
}

static void compare_round_trips(const Scenario *s, const NetPath *path, const LotFlow *flows,
                                size_t n, void *ctx) {
    double *sums = ctx;
    LotNet lot;
    Err err = {0};
    if (lotnet_init(&lot, path, flows, n, s->route, &s->flows, s->sport, &err) != 0)
        fail_msg("%s", err.msg);
    double *ideal = MEM_NEW(double, n), *ack = MEM_NEW(double, n);
    for (size_t i = 0; i < n; i++) lot.flows.size_b[i] = 1000;
    pktsim_ideal(lot.route, &lot.flows, false, ideal);
    for (size_t i = 0; i < n; i++) lot.flows.size_b[i] = 12;
    pktsim_ideal(lot.route, &lot.flows, false, ack);
    for (size_t i = 0; i < n; i++) {
        double got = ideal[i] + ack[i], want = sums[flows[i].flow];
        if (fabs(got - want) > 0.01)
            fail_msg("flow %u: round trip of %.3f ns, in the network %.3f", flows[i].flow, got,
                     want);
    }
    free(ideal);
    free(ack);
    lotnet_free(&lot);
}

/* The small Clos network of tests/cli/net with its mix. */
static void load_clos(Scenario *s, uint64_t n_flows) {
    Err err = {0};
    ScenarioOptions o = {.topo_path = "tests/cli/net/clos.json",
                         .mix_path = "tests/cli/net/mix.json",
                         .mix_id = -1,
                         .n_flows = n_flows,
                         .seed = 3};
    if (scenario_load(s, &o, NULL, &err) != 0) fail_msg("%s", err.msg);
}

/* A full packet (1,048 bytes) there and an ACK (60) back take as long as in the network, wherever a
 * flow comes from. */
static void round_trips_are_the_networks(void **state) {
    (void)state;
    Scenario s = {0};
    load_clos(&s, 400);
    size_t n = s.flows.n;
    double *sum = MEM_NEW(double, n), *ack = MEM_NEW(double, n);
    for (size_t i = 0; i < n; i++) s.flows.size_b[i] = 1000;
    pktsim_ideal(s.route, &s.flows, false, sum);
    for (size_t i = 0; i < n; i++) s.flows.size_b[i] = 12;
    pktsim_ideal(s.route, &s.flows, false, ack);
    for (size_t i = 0; i < n; i++) sum[i] += ack[i];
    every_path(&s, compare_round_trips, sum);
    free(sum);
    free(ack);
    scenario_free(&s);
}

/* Paths simulated at packet level; n_paths 0: all. Release with features_free. */
static Features simulated(const Scenario *s, uint64_t n_paths, int threads, bool hpcc_ns3) {
    FeaturesOptions o = {.kind = FEATURES_PACKETS,
                         .n_paths = n_paths,
                         .seed = 1,
                         .threads = threads,
                         .hpcc_ns3 = hpcc_ns3};
    Features f;
    Err err = {0};
    if (features_draw(&f, s, &o, NULL, &err) != 0 ||
        features_simulate(&f, 0, f.n_unique, &err) != 0)
        fail_msg("%s", err.msg);
    features_finish(&f);
    return f;
}

/* The number of foreground flows of path i. */
static size_t n_foreground(const Features *f, size_t i) {
    size_t n = 0;
    for (int b = 0; b < SIZEBUCKET_N; b++) n += f->paths[i].bucket_n[b];
    return n;
}

static void refuse(const Scenario *s, ErrKind kind, const char *why) {
    FeaturesOptions o = {.kind = FEATURES_PACKETS, .seed = 1, .threads = 2};
    Features f;
    Err err = {0};
    if (features_draw(&f, s, &o, NULL, &err) == 0) {
        assert_int_equal(features_simulate(&f, 0, f.n_unique, &err), -1);
        features_free(&f);
    }
    assert_int_equal(err.kind, kind);
    if (!strstr(err.msg, why)) fail_msg("expected \"%s\", got \"%s\"", why, err.msg);
}

static int ascending(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* On a star a path misses only what the far ends' other flows do to its background. */
static void star_is_close_to_the_network(void **state) {
    (void)state;
    enum { HOSTS = 6, N = 4000 };
    Scenario s;
    TopoCable cables[HOSTS];
    for (uint32_t h = 0; h < HOSTS; h++) cables[h] = (TopoCable){h, HOSTS, 10e9, 1000};
    make(&s, HOSTS, 1, cables, HOSTS);
    make_flows(&s, N, HOSTS, 0, HOSTS, 6000);
    double *want = whole(&s, NULL);
    qsort(want, N, sizeof *want, ascending);
    Features f = simulated(&s, 0, 2, false);
    assert_int_equal(f.n_unfinished, 0);
    double *got = MEM_NEW(double, N);
    size_t n = 0;
    for (size_t i = 0; i < f.n_unique; i++)
        for (size_t k = 0; k < n_foreground(&f, i); k++) got[n++] = (double)f.paths[i].slowdown[k];
    assert_int_equal(n, N);
    qsort(got, N, sizeof *got, ascending);
    for (int p = 50; p <= 99; p += 49) {
        size_t rank = (size_t)((N - 1) * p / 100.0 + 0.5);
        if (fabs(got[rank] / want[rank] - 1) > 0.05)
            fail_msg("p%d: %g, in the network %g", p, got[rank], want[rank]);
    }
    free(got);
    features_free(&f);
    free(want);
    scenario_free(&s);
}

static void threads_agree(void **state) {
    (void)state;
    Scenario s = {0};
    load_clos(&s, 3000);
    Features one = simulated(&s, 20, 1, false), five = simulated(&s, 20, 5, false),
             compat = simulated(&s, 20, 2, true);
    bool differs = false;
    assert_int_equal(one.n_events, five.n_events);
    assert_int_equal(one.n_unique, five.n_unique);
    for (size_t i = 0; i < one.n_unique; i++) {
        size_t bytes = n_foreground(&one, i) * sizeof(float);
        assert_int_equal(n_foreground(&five, i), n_foreground(&one, i));
        assert_int_equal(n_foreground(&compat, i), n_foreground(&one, i));
        assert_memory_equal(one.paths[i].slowdown, five.paths[i].slowdown, bytes);
        differs = differs || memcmp(one.paths[i].slowdown, compat.paths[i].slowdown, bytes) != 0;
    }
    assert_true(differs);
    features_free(&one);
    features_free(&five);
    features_free(&compat);
    scenario_free(&s);
}

/* What the packet simulator does not take is refused with its own words. */
static void too_long_a_path_is_refused(void **state) {
    (void)state;
    enum { SWITCHES = 30 };
    Scenario s;
    TopoCable cables[SWITCHES + 1];
    for (uint32_t i = 0; i + 1 < SWITCHES; i++) cables[i] = (TopoCable){2 + i, 3 + i, 10e9, 1000};
    cables[SWITCHES - 1] = (TopoCable){0, 2, 10e9, 1000};
    cables[SWITCHES] = (TopoCable){1, 1 + SWITCHES, 10e9, 1000};
    make(&s, 2, SWITCHES, cables, SWITCHES + 1);
    make_flows(&s, 10, 1, 1, 1, 1000);
    refuse(&s, ERR_INPUT, "paths of 31 links");
    scenario_free(&s);
}

/* Last, since the request stays. */
static void interruption(void **state) {
    (void)state;
    Scenario s;
    const TopoCable cables[] = {{0, 2, 10e9, 1000}, {2, 1, 10e9, 1000}};
    make(&s, 2, 1, cables, 2);
    make_flows(&s, 100, 1, 1, 1, 1000);
    diag_catch_signals();
    raise(SIGINT);
    refuse(&s, ERR_STOPPED, "");
    scenario_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lone_path_is_the_network),
        cmocka_unit_test(dumbbell_is_its_own_lot),
        cmocka_unit_test(proxies_are_the_switches_they_stand_for),
        cmocka_unit_test(round_trips_are_the_networks),
        cmocka_unit_test(star_is_close_to_the_network),
        cmocka_unit_test(threads_agree),
        cmocka_unit_test(too_long_a_path_is_refused),
        cmocka_unit_test(interruption),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
