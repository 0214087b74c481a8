/* The packet simulation at the ends of what topologies, flows and settings allow: every control
 * finishes every flow, no sooner than ideal and no later than the slowest it may be. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/wire.h"
#include "packet/cc.h"
#include "packet_net.h"

static const char *const controls[] = {"dctcp", "dcqcn", "hp",   "timely",
                                       "none",  "swift", "nscc", "eqds"};
enum { N_CONTROLS = sizeof controls / sizeof *controls };

/* ---- stamps of one ns ---- */

/* HPCC's rate after ACKs whose only hop says these times, bytes sent and queues. */
static uint64_t hpcc_rate(const uint64_t (*stamp)[3], int n) {
    NetConf net;
    netconf_default(&net);
    CcConf conf = cc_conf(&net, false);
    CcFlow f = {.rate_bps = (uint64_t)1e14,
                .max_rate_bps = (uint64_t)1e14,
                .min_rate_bps = (uint64_t)1e13,
                .nic_rate_bps = (uint64_t)1e14,
                .max_rate_window_b = 1000000,
                .line_scale = 1e4,
                .base_rtt_ns = 4000,
                .min_rtt_ns = 4000};
    double hop_rate_bps = 1e14;
    uint64_t before = 0;
    cc_hpcc.start(&f, &conf);
    for (int i = 0; i < n; i++) {
        CcArm arm = {0};
        uint64_t hop = cc_hop_pack(stamp[i][0], stamp[i][1], stamp[i][2]);
        CcAck ack = {.ack = 1000 * (uint64_t)(i + 1),
                     .nxt = 1000000,
                     .rtt_ns = 4000,
                     .n_hops = 1,
                     .hops = &hop,
                     .hops_before = &before,
                     .hop_rate_bps = &hop_rate_bps};
        cc_hpcc.ack(&f, &conf, &ack, &arm);
    }
    return f.rate_bps;
}

/* Two stamps of one ns say nothing about a rate: what counts is the interval to the next one. */
static void hpcc_passes_over_stamps_of_one_ns(void **state) {
    (void)state;
    const uint64_t with[][3] = {{7, 0, 0}, {7, 1280, 0}, {7, 2560, 8000}, {1007, 128000, 0}},
                   without[][3] = {{7, 0, 0}, {1007, 128000, 0}},
                   all_one[][3] = {{7, 0, 0}, {7, 1280, 0}};
    uint64_t rate = hpcc_rate(without, 2);
    assert_int_equal(hpcc_rate(with, 4), rate);
    assert_true(rate > (uint64_t)1e13 && rate <= (uint64_t)1e14);
    /* of a link taken to be full, as at the start: Rc · 0.9 + AI */
    assert_int_equal(hpcc_rate(all_one, 2), (uint64_t)(0.9 * 1e14 + 500e6 * 1e4));
}

/* ---- lone flows ---- */

static void simulate(const Net *n, const Flows *f, const NetConf *conf, const char *cc, double *fct,
                     PktStats *st) {
    Err err;
    die_on(pktsim_run(n->route, f, conf, &(PktOptions){.cc = cc, .seed = 1}, fct, st, &err), &err);
}

/* Two hosts and a switch. */
static void net_pair(Net *n, double rate_a_bps, double rate_b_bps, double delay_ns) {
    const TopoCable cables[] = {{0, 2, rate_a_bps, delay_ns}, {1, 2, rate_b_bps, delay_ns}};
    net_build(n, 3, 2, cables, 2);
}

/* The longest that flows may take over a link: controls go down to a tenth of the line rate, and to
 * one packet in flight (Swift) or a tenth of the window, which is 1,500 bytes or more here. */
static double slowest_ns(double size_b, double rate_bps, double rtt_ns) {
    double packets = ceil(size_b / WIRE_PAYLOAD_B);
    return (packets + 2) * (rtt_ns + WIRE_MAX_PACKET_B * 8e9 / (0.1 * rate_bps));
}

static void check_lone(double rate_a_bps, double rate_b_bps, double delay_ns, uint64_t size_b,
                       const NetConf *conf) {
    Net n;
    net_pair(&n, rate_a_bps, rate_b_bps, delay_ns);
    Flows f = flows_of(&(TestFlow){0, 1, size_b, 5}, 1);
    double fct, ideal, slower_bps = fmin(rate_a_bps, rate_b_bps),
                       rtt_ns = wire_hop_rtt_ns(rate_a_bps, delay_ns, WIRE_MAX_PACKET_B, 100) +
                                wire_hop_rtt_ns(rate_b_bps, delay_ns, WIRE_MAX_PACKET_B, 100);
    pktsim_ideal(n.route, &f, false, &ideal);
    for (int c = 0; c < N_CONTROLS; c++) {
        PktStats st;
        simulate(&n, &f, conf, controls[c], &fct, &st);
        double limit = slowest_ns((double)size_b, slower_bps, rtt_ns);
        if (!(fct >= ideal && fct <= limit))
            fail_msg("%s, %g and %g bit/s, %g ns, %llu bytes: %.10g ns, ideal %.10g, at most %.10g",
                     controls[c], rate_a_bps, rate_b_bps, delay_ns, (unsigned long long)size_b, fct,
                     ideal, limit);
        assert_int_equal(st.n_drops, 0);
        assert_int_equal(st.received_b, size_b);
    }
    flows_free(&f);
    net_free(&n);
}

/* Slow links get few packets: DCQCN's timers run all the seconds that each takes. */
static void lone_flows_at_the_ends(void **state) {
    (void)state;
    static const double rates[] = {1e3, 10e9, 1e16}, delays[] = {0, 1000, 10e9};
    static const uint64_t sizes[] = {1, 1000, 1001, 300000};
    NetConf conf;
    netconf_default(&conf);
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            for (int d = 0; d < 3; d++)
                for (int k = 0; k < (a == 0 || b == 0 ? 3 : 4); k++)
                    check_lone(rates[a], rates[b], delays[d], sizes[k], &conf);
    check_lone(1e16, 1e16, 0, 100000000, &conf); /* as long as a test may take */
    conf.line_window_b = 1e12;
    conf.buffer_b = 1e12;
    check_lone(1e16, 1e16, 10e9, 20000000, &conf);
}

/* ---- shared links ---- */

/* Flows of hosts 1 … n to host 0 at the same time. Returns when the last one is done. */
static double incast_ns(double rate_bps, double delay_ns, uint32_t n_senders, uint64_t size_b,
                        const NetConf *conf, const char *cc) {
    Net n;
    TestFlow list[16];
    double fct[16], ideal[16], last = 0;
    PktStats st;
    net_star(&n, n_senders + 1, rate_bps, delay_ns);
    for (uint32_t i = 0; i < n_senders; i++) list[i] = (TestFlow){i + 1, 0, size_b, 0};
    Flows f = flows_of(list, n_senders);
    simulate(&n, &f, conf, cc, fct, &st);
    pktsim_ideal(n.route, &f, false, ideal);
    assert_int_equal(st.n_finished, n_senders);
    assert_int_equal(st.sent_b, st.received_b + st.dropped_b);
    for (uint32_t i = 0; i < n_senders; i++) {
        assert_true(fct[i] >= ideal[i]);
        last = fmax(last, fct[i]);
    }
    flows_free(&f);
    net_free(&n);
    return last;
}

static void incasts_at_the_ends(void **state) {
    (void)state;
    enum { N_SENDERS = 8 };
    static const double rates[] = {10e9, 1e14, 1e16}, delays[] = {0, 1000, 10e9};
    NetConf conf;
    netconf_default(&conf);
    for (int r = 0; r < 3; r++)
        for (int d = 0; d < 3; d++) {
            uint64_t size_b = d == 2 ? 31000 : 1000000; /* DCQCN's timers run for all seconds */
            double rtt_ns = 2 * wire_hop_rtt_ns(rates[r], delays[d], WIRE_MAX_PACKET_B, 100);
            double limit = slowest_ns(N_SENDERS * (double)size_b, rates[r], rtt_ns);
            for (int c = 0; c < N_CONTROLS; c++)
                assert_true(incast_ns(rates[r], delays[d], N_SENDERS, size_b, &conf, controls[c]) <=
                            limit);
        }
}

/* What is left of a window of a byte at less than the line's rate is still a packet at a time. */
static void windows_of_a_byte(void **state) {
    (void)state;
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 1;
    double rtt_ns = 2 * wire_hop_rtt_ns(10e9, 1000, WIRE_MAX_PACKET_B, 100),
           limit = slowest_ns(8 * 20000.0, 10e9, rtt_ns);
    for (int c = 0; c < N_CONTROLS; c++)
        assert_true(incast_ns(10e9, 1000, 8, 20000, &conf, controls[c]) <= limit);
}

/* 8 hosts on 100 Tb/s send 1 MB each within windows of 15 KB: the link is nearly idle, and HPCC's
 * flows take what flows without a control take. */
static void hpcc_keeps_its_rate_on_fast_links(void **state) {
    (void)state;
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 15e3;
    double none = incast_ns(1e14, 1000, 8, 1000000, &conf, "none"),
           hpcc = incast_ns(1e14, 1000, 8, 1000000, &conf, "hp");
    assert_true(hpcc < 1.01 * none);
}

/* 8 hosts send 5 GB to a ninth at once, seven eighths of which wait at the switch: more than 32
 * bits can count: nothing is dropped or paused for, the queue is as long as theory has it, and the
 * last flow takes as long as all bits. */
static void queues_beyond_4_gb(void **state) {
    (void)state;
    enum { N_SENDERS = 8 };
    const uint64_t size_b = 625000000;
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 1e12;
    conf.buffer_b = 100e9; /* a link may take a quarter of what is left */
    Net n;
    TestFlow list[N_SENDERS];
    double fct[N_SENDERS], last = 0;
    PktStats st;
    net_star(&n, N_SENDERS + 1, 100e9, 1000);
    for (uint32_t i = 0; i < N_SENDERS; i++) list[i] = (TestFlow){i + 1, 0, size_b, 0};
    Flows f = flows_of(list, N_SENDERS);
    simulate(&n, &f, &conf, "none", fct, &st);
    for (int i = 0; i < N_SENDERS; i++) last = fmax(last, fct[i]);
    double sent_b = wire_bits(size_b) / 8 * N_SENDERS;
    assert_true(st.n_drops == 0 && st.n_pauses == 0 && st.n_marks == 0 &&
                st.n_retransmissions == 0);
    assert_true(fabs((double)st.peak_queue_b[1] / (sent_b * (N_SENDERS - 1) / N_SENDERS) - 1) <
                1e-3);
    assert_true((double)st.peak_buffer_b >= (double)st.peak_queue_b[1]);
    assert_true(fabs(last / (sent_b * 8 / 100) - 1) < 1e-3);
    flows_free(&f);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hpcc_passes_over_stamps_of_one_ns),
        cmocka_unit_test(hpcc_keeps_its_rate_on_fast_links),
        cmocka_unit_test(lone_flows_at_the_ends),
        cmocka_unit_test(incasts_at_the_ends),
        cmocka_unit_test(windows_of_a_byte),
        cmocka_unit_test(queues_beyond_4_gb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
