/* Features of single flows of a path: values worked out by hand on tiny lots, and invariance under
 * a change of units. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "features/pathfluid.h"
#include "model/flowfeat_settings.h"
#include "net/wire.h"

static void near(double got, double want) {
    if (fabs(got - want) > 1e-5 * fmax(1, fabs(want)))
        fail_msg("got %.9g, expected %.9g", got, want);
}

static int index_of(const char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return i;
    fail_msg("no feature is called %s", name);
    return -1;
}

static double flow_value(const FlowFeat *m, size_t flow, const char *name) {
    return m->flow[flow * FLOWFEAT_N_FLOW +
                   (size_t)index_of(flowfeat_flow_names, FLOWFEAT_N_FLOW, name)];
}
static double link_value(const FlowFeat *m, size_t link, const char *name) {
    return m->link[link * FLOWFEAT_N_LINK +
                   (size_t)index_of(flowfeat_link_names, FLOWFEAT_N_LINK, name)];
}
static double path_value(const FlowFeat *m, const char *name) {
    return m->path[index_of(flowfeat_path_names, FLOWFEAT_N_PATH, name)];
}

/* Links of 10 Gb/s and 1 µs. */
static Lot plain_lot(uint32_t n_links, Arena *a) {
    Lot lot;
    lot_published(&lot, n_links, 10e9, a);
    lot.published = false;
    for (uint32_t l = 0; l < n_links; l++) lot.rate_bps[l] = 10e9;
    return lot;
}

/* Round trip of two such links: 4 µs, and 838.4 ns for the packet on each. */
static const double rtt_ns = 4000 + 2 * 838.4;

/* A lone flow of ten packets: it has a window for each round trip if that is small, and nothing
 * else delays it. */
static void lone_flow_by_hand(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot = plain_lot(2, &a);
    LotFlow f = {.start_ns = 777, .size_b = 10000, .cap_bps = 10e9, .flow = 42, .s = 0, .d = 2};
    NetConf conf;
    FlowFeat m;
    netconf_default(&conf);
    conf.line_window_b = 20000;
    pathfluid_build(&m, &lot, &f, 1, 10, NULL, &a);
    flowfeat_set_conf(&m, &conf);
    double ideal_ns = 2000 + 2 * 838.4 + 9 * 838.4, bdp_bits = 10 * rtt_ns;
    near(lot_rtt_ns(&lot), rtt_ns);
    assert_true(m.n_links == 2 && m.n_flows == 1 && m.index[0] == 42 && m.bucket[0] == 2 &&
                m.base[0] == 1);
    near(flow_value(&m, 0, "size_per_packet_ln"), log(10) / 4);
    near(flow_value(&m, 0, "size_per_bdp_ln"), log(10480 * 8 / bdp_bits) / 4);
    near(flow_value(&m, 0, "size_per_window_ln"), log(0.5) / 4);
    near(flow_value(&m, 0, "latency_share"), (2000 + 838.4) / ideal_ns);
    near(flow_value(&m, 0, "ideal_fct_per_rtt_ln"), log(ideal_ns / rtt_ns) / 4);
    near(flow_value(&m, 0, "bucket_2"), 1);
    const char *none[] = {"single_packet",
                          "fluid_slowdown_ln",
                          "fluid_wait_per_rtt_ln1p",
                          "active_first_link_ln1p",
                          "old_queue_sum_per_rtt_ln1p",
                          "fair_share_ln",
                          "arrivals_in_life_max_ln1p",
                          "load_last_rtt_max_ln1p",
                          "bucket_0"};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) near(flow_value(&m, 0, none[k]), 0);
    near(path_value(&m, "window_per_bdp_ln"), log(20000 * 8 / bdp_bits));
    near(path_value(&m, "cc_dctcp"), 1);
    near(path_value(&m, "dctcp_k_per_bdp_ln1p"), log1p(conf.dctcp_k_b * 8 / bdp_bits));
    near(path_value(&m, "foreground_in_bucket_2"), 1);
    near(link_value(&m, 1, "is_last"), 1);
    near(link_value(&m, 0, "load"),
         10480 * 8 / bdp_bits); /* the span of one flow is a round trip */
    arena_free(&a);
}

/* A window of 2,000 bytes: after the first, one per round trip of packet and ACK. */
static void window_limits_a_lone_flow(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot = plain_lot(2, &a);
    LotFlow f = {.size_b = 1000000, .cap_bps = 10e9, .s = 0, .d = 2};
    NetConf conf;
    FlowFeat m;
    netconf_default(&conf);
    conf.line_window_b = 2000;
    pathfluid_build(&m, &lot, &f, 1, 10, NULL, &a);
    flowfeat_set_conf(&m, &conf);
    double ack_rtt_ns = rtt_ns + 2 * 48, window_bits = 2 * 1048 * 8, bits = 1048000 * 8;
    double fct_ns = bits / window_bits * ack_rtt_ns - (ack_rtt_ns - window_bits / 10),
           base_ns = 2000 + 838.4;
    near(m.base[0], (fct_ns + base_ns) / (bits / 10 + base_ns));
    arena_free(&a);
}

/* Two flows share link 1 for long; a third, small one from the same host as the first finds them.
 */
static void queues_by_hand(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot = plain_lot(2, &a);
    LotFlow f[3] = {
        {0, 10000000, 10e9, 0, 0, 2}, {0, 10000000, 10e9, 1, 1, 2}, {200000, 500, 10e9, 2, 0, 2}};
    NetConf conf;
    FlowFeat m;
    netconf_default(&conf);
    conf.line_window_b = 20000;
    conf.dctcp_k_b = 10000;
    pathfluid_build(&m, &lot, f, 3, 10, NULL, &a);
    flowfeat_set_conf(&m, &conf);
    double queue_ns = 2 * (160e3 - 5 * rtt_ns) / 10, ideal_ns = 2000 + 2 * 548 * 0.8;
    assert_int_equal(m.n_flows, 2);
    near(flow_value(&m, 1, "single_packet"), 1);
    near(flow_value(&m, 1, "active_first_link_ln1p"), log1p(1) / 2);
    near(flow_value(&m, 1, "active_last_link_ln1p"), log1p(2) / 2);
    near(flow_value(&m, 1, "old_queue_sum_per_rtt_ln1p"), log1p(queue_ns / rtt_ns));
    near(flow_value(&m, 1, "old_queue_last_link_per_rtt_ln1p"), log1p(queue_ns / rtt_ns));
    near(flow_value(&m, 1, "old_queue_per_ideal_fct_ln1p"), log1p(queue_ns / ideal_ns));
    near(flow_value(&m, 1, "queue_at_threshold_per_ideal_fct_ln1p"),
         log1p(8000 / ideal_ns)); /* K = 80 kbit */
    near(flow_value(&m, 1, "fresh_queue_sum_per_rtt_ln1p"), 0);
    near(flow_value(&m, 1, "in_flight_max_per_bdp_ln1p"), log1p(320e3 / (10 * rtt_ns)) / 2);
    near(flow_value(&m, 1, "fair_share_ln"), log(1 / 3.0) / 2);
    near(flow_value(&m, 1, "turns_at_host_per_ideal_fct_ln1p"), log1p(838.4 / ideal_ns));
    near(flow_value(&m, 0, "load_next_rtt_max_ln1p"),
         log1p(wire_bits(10000000) / (10 * rtt_ns)) / 2); /* the other starts with it */
    near(flow_value(&m, 0, "arrivals_in_life_max_ln1p"), log1p(2) / 4);
    near(link_value(&m, 1, "bits_from_previous_link"),
         (wire_bits(10000000) + 548 * 8) / (2 * wire_bits(10000000) + 548 * 8));
    near(link_value(&m, 0, "bits_of_foreground"), 1);
    arena_free(&a);
}

static LotFlow *random_flows(uint32_t n_links, size_t n, uint64_t seed, Arena *a) {
    LotFlow *f = ARENA_NEW(a, LotFlow, n);
    Rng r = rng_stream(seed, "flowmap test", 0);
    double t = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t s = (uint32_t)rng_below(&r, n_links),
                 d = s + 1 + (uint32_t)rng_below(&r, n_links - s);
        bool foreground = rng_below(&r, 3) == 0;
        t += rng_exponential(&r) * 20000;
        f[i] = (LotFlow){.start_ns = (int64_t)t * 10,
                         .size_b = (uint64_t)exp(rng_uniform(&r, 4, 13)),
                         .cap_bps = 10e9,
                         .flow = (uint32_t)i,
                         .s = (uint16_t)(foreground ? 0 : s),
                         .d = (uint16_t)(foreground ? n_links : d)};
    }
    return f;
}

/* The same network ten times as fast, with times a tenth: only the absolute scale may tell. */
static void features_are_free_of_scale(void **state) {
    (void)state;
    enum { N = 400, LINKS = 4 };
    Arena a = {0};
    for (int cc = 0; cc < CC_N; cc++) {
        Lot lot = plain_lot(LINKS, &a), fast = plain_lot(LINKS, &a);
        LotFlow *f = random_flows(LINKS, N, (uint64_t)cc, &a), *g = ARENA_NEW(&a, LotFlow, N);
        NetConf conf, quick;
        netconf_default(&conf);
        conf.cc = (Cc)cc;
        quick = conf;
        quick.dctcp_k_b /= 10, quick.dcqcn_kmin_b /= 10,
            quick.dcqcn_kmax_b /= 10; /* thresholds scale with the rate */
        quick.hpcc_ai_bps *= 10;
        quick.timely_tlow_ns /= 10, quick.timely_thigh_ns /= 10;
        fast.host_rate_bps *= 10;
        for (uint32_t l = 0; l < LINKS; l++) fast.rate_bps[l] *= 10, fast.delay_ns[l] /= 10;
        for (uint32_t v = 0; v <= LINKS; v++) fast.stub_delay_ns[v] /= 10;
        for (size_t i = 0; i < N; i++) {
            g[i] = f[i];
            g[i].start_ns /= 10;
            g[i].cap_bps *= 10;
        }
        FlowFeat m, n;
        pathfluid_build(&m, &lot, f, N, 100, NULL, &a);
        flowfeat_set_conf(&m, &conf);
        pathfluid_build(&n, &fast, g, N, 100, NULL, &a);
        flowfeat_set_conf(&n, &quick);
        assert_true(m.n_flows == n.n_flows && m.n_flows > 50);
        for (size_t i = 0; i < (size_t)m.n_flows * FLOWFEAT_N_FLOW; i++) near(n.flow[i], m.flow[i]);
        for (size_t i = 0; i < LINKS * FLOWFEAT_N_LINK; i++) near(n.link[i], m.link[i]);
        for (int i = 0; i < FLOWFEAT_N_PATH; i++) {
            bool absolute =
                strstr(flowfeat_path_names[i], "10gbps") || strstr(flowfeat_path_names[i], "10us");
            if (!absolute) near(n.path[i], m.path[i]);
            else assert_true(fabsf(n.path[i] - m.path[i]) > 0.5f);
        }
        arena_reset(&a);
    }
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lone_flow_by_hand),
        cmocka_unit_test(window_limits_a_lone_flow),
        cmocka_unit_test(queues_by_hand),
        cmocka_unit_test(features_are_free_of_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
