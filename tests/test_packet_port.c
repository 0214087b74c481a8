/* A port to the byte: what the shared buffer admits, what leaves at once, and where marking begins.
 *
 * A host sends full packets of 1048 bytes, at 8 Gb/s one every 1048 ns, into a slower link. All
 * links have 1048 bytes in flight, so that the headroom is the larger of three such and of two and
 * four packets: six packets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/wire.h"
#include "packet_net.h"

enum { HEADROOM_PACKETS = 6, SET_ASIDE_B = HEADROOM_PACKETS * WIRE_FULL_B + WIRE_RESERVE_B };

/* Host 0, switches 2 and 3, host 1, and the rates of the links between them. */
static void build(Net *n, double first_bps, double inner_bps) {
    TopoCable cables[] = {{0, 2, first_bps, 0}, {2, 3, inner_bps, 0}, {3, 1, 8e9, 0}};
    for (int i = 0; i < 3; i++) cables[i].delay_ns = WIRE_FULL_B * 8e9 / cables[i].rate_bps;
    net_build(n, 4, 2, cables, 3);
}

static PktStats run(const Net *n, const NetConf *conf, const char *cc, uint64_t n_packets,
                    uint64_t seed, bool compat) {
    Flows f = flows_of(&(TestFlow){0, 1, n_packets * WIRE_PAYLOAD_B, 0}, 1);
    double fct_ns;
    PktStats st;
    Err err;
    PktOptions opt = {.cc = cc, .seed = seed, .compat = compat, .stop_ns = 1e8};
    die_on(pktsim_run(n->route, &f, conf, &opt, &fct_ns, &st, &err), &err);
    flows_free(&f);
    return st;
}

static NetConf plain(void) {
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 1e7;
    conf.buffer_b = 1e8;
    conf.pfc = false;
    return conf;
}

/* The k-th packet of those a link has in the buffer lies over the reserve by 1048 k − 4096 bytes,
 * and may do so up to a quarter of the shared buffer that the k − 1 before it leave: the tenth, if
 * that buffer has 4 · 6384 + 5336 = 30872 bytes. Those that may not fill the headroom. */
static void the_buffer_fills_to_the_byte(void **state) {
    (void)state;
    Net n;
    build(&n, 8e9, 4e9);
    NetConf conf = plain();
    static const struct {
        double buffer_b;
        uint64_t packets;
    } cases[] = {
        {30872 + 2 * SET_ASIDE_B, 10 + HEADROOM_PACKETS},
        {30871 + 2 * SET_ASIDE_B, 9 + HEADROOM_PACKETS},
        /* Nothing is shared: three packets fit into the reserve, and the rest is headroom, in a
         * buffer that they fill, that has a packet more, or that lacks a byte of them. */
        {9 * WIRE_FULL_B, 9},
        {10 * WIRE_FULL_B, 9},
        {9 * WIRE_FULL_B - 1, 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        conf.buffer_b = cases[i].buffer_b;
        PktStats st = run(&n, &conf, "none", 100, 1, false);
        assert_int_equal(st.peak_buffer_b, cases[i].packets * WIRE_FULL_B);
        assert_true(st.n_drops > 0);
        assert_int_equal(st.n_finished, 1);
    }
    net_free(&n);
}

/* What finds its port free is never held, with the reference's quirks or without. */
static void a_lone_flow_fills_no_buffer(void **state) {
    (void)state;
    Net n;
    build(&n, 4e9, 8e9);
    NetConf conf = plain();
    for (int compat = 0; compat < 2; compat++)
        for (int pfc = 0; pfc < 2; pfc++) {
            conf.pfc = pfc;
            PktStats st = run(&n, &conf, "none", 50, 1, compat);
            assert_int_equal(st.n_finished, 1);
            assert_int_equal(st.peak_buffer_b, 0);
            assert_int_equal(st.n_pauses + st.n_drops, 0);
        }
    net_free(&n);
}

/* Over a link of 5 Gb/s packets leave at 1.6 j packet times, when floor(1.6 j) + 1 of 30 have
 * come: j = 17, 18 and 19 leave ten packets behind, no other one as many. Marking begins above the
 * least threshold, and is certain above the largest; there, it has a chance of a fifth. */
static void marking_begins_above_its_threshold(void **state) {
    (void)state;
    enum { SEEDS = 200 };
    Net n;
    build(&n, 8e9, 5e9);
    NetConf conf = plain();
    double here = WIRE_DCQCN_REF_BPS / 5e9, most_b = 10 * WIRE_FULL_B;
    static const struct {
        double below_kmin_b, below_kmax_b, chance;
    } cases[] = {{0, 0, 0}, {1, 1, 1}, {1, 0, 0.2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        conf.dcqcn_kmin_b = here * (most_b - cases[i].below_kmin_b);
        conf.dcqcn_kmax_b = here * (most_b - cases[i].below_kmax_b);
        double marks = 0, chance = cases[i].chance;
        for (uint64_t seed = 0; seed < SEEDS; seed++)
            marks += (double)run(&n, &conf, "dcqcn", 30, seed, false).n_marks;
        /* Four standard deviations of a binomial. */
        double draws = 3 * SEEDS, off = 4 * sqrt(draws * chance * (1 - chance));
        if (!(fabs(marks - chance * draws) <= off))
            fail_msg("%g marks, expected %g ± %g", marks, chance * draws, off);
    }
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_buffer_fills_to_the_byte),
        cmocka_unit_test(a_lone_flow_fills_no_buffer),
        cmocka_unit_test(marking_begins_above_its_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
