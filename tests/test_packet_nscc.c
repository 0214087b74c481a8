/* NSCC against what its specification says of it: the four cases of an acknowledgement, fast
 * increase, quick adapt and bounds by hand; flows that share a link come to equal rates and keep
 * the queue near the target. What all controls must do (ideal lone flows, conservation) is in
 * test_packet.c, too. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packet/cc.h"
#include "packet_net.h"

/* 100 Gb/s and 12 µs, where the specification's scaling factors are 1: BDP and window 150 KB, and
 * 225 KB at most. The target is set to 9 µs. */
static CcConf conf_of(void) {
    CcConf c = {.net_rtt_ns = 12000};
    netconf_default(&c.conf);
    c.conf.cc = CC_NSCC;
    c.conf.nscc_target_qdelay_ns = 9000;
    return c;
}

static CcFlow flow_of(const CcConf *c) {
    CcFlow f = {.rate_bps = 100000000000,
                .max_rate_bps = 100000000000,
                .max_rate_window_b = 150000,
                .base_rtt_ns = 12000,
                .n_links = 4};
    cc_nscc.start(&f, c);
    return f;
}

/* cwnd, in bytes, is the first member of NSCC's state. */
static void set_cwnd(CcFlow *f, double cwnd) {
    memcpy(f->own, &cwnd, sizeof cwnd);
    f->window_b = (uint64_t)cwnd;
}
static double cwnd_of(const CcFlow *f) {
    double cwnd;
    memcpy(&cwnd, f->own, sizeof cwnd);
    return cwnd;
}

static void acked(CcFlow *f, const CcConf *c, uint64_t ack, double now_ns, double delay_ns,
                  bool marked, bool nack) {
    CcArm arm = {0};
    CcAck a = {.ack = ack,
               .nxt = ack + f->window_b,
               .now_ps = (int64_t)(1000 * now_ns),
               .rtt_ns = 12000 + delay_ns,
               .marked = marked,
               .nack = nack};
    assert_true(cc_nscc.ack(f, c, &a, &arm));
    assert_int_equal(arm.n, 0);
    assert_int_equal(f->window_b, (uint64_t)cwnd_of(f));
}

/* A flow some time after its start: the first acknowledgement has passed the first adjustment. */
static CcFlow settled(const CcConf *c, double cwnd) {
    CcFlow f = flow_of(c);
    acked(&f, c, 0, 13000, 0, true, false);
    set_cwnd(&f, cwnd);
    return f;
}

/* Nine packets in 1 µs, one more than an adjustment waits for. */
static double after_nine(const CcConf *c, double cwnd, double delay_ns, bool marked) {
    CcFlow f = settled(c, cwnd);
    for (uint64_t i = 1; i <= 9; i++)
        acked(&f, c, 1000 * i, 13000 + 100 * (double)i, delay_ns, marked, false);
    return cwnd_of(&f);
}

static void starts_with_one_and_a_half_bdp(void **state) {
    (void)state;
    CcConf c = conf_of();
    CcFlow f = flow_of(&c);
    assert_int_equal(f.window_b, 225000);
}

/* auto: the network's round trip, 12 µs, and with trimming three quarters of it. */
static void the_target_follows_the_round_trip(void **state) {
    (void)state;
    CcConf c = conf_of();
    c.conf.nscc_target_qdelay_ns = NETCONF_AUTO;
    assert_true(after_nine(&c, 100e3, 12000, false) > after_nine(&c, 100e3, 11999, false) + 400);
    c.conf.nscc_trim = true;
    assert_true(after_nine(&c, 100e3, 9000, false) > after_nine(&c, 100e3, 8999, false) + 400);
}

/* scaling_a is 1 and scaling_b 9 / 12: alpha = 4 · 1000 · 0.75 / 9 µs. At 3 µs a byte adds
 * 4000 · 0.75 · 6 / 9 = 2000 bytes · bytes, 9000 of them at a window of 100 KB 180 bytes. */
static void proportional_increase_by_hand(void **state) {
    (void)state;
    CcConf c = conf_of();
    assert_true(fabs(after_nine(&c, 100e3, 3000, false) - 100180) < 1e-6);
    /* Twice as near to the target, half as much; at the smallest delays that are not fast, all. */
    assert_true(fabs(after_nine(&c, 100e3, 6000, false) - 100090) < 1e-6);
    assert_true(fabs(after_nine(&c, 50e3, 3000, false) - 50360) < 1e-6);
}

/* 5 packets a window's worth: 9 of 100 packets add 450 bytes, whatever the delay. */
static void fair_increase_by_hand(void **state) {
    (void)state;
    CcConf c = conf_of();
    assert_true(fabs(after_nine(&c, 100e3, 9000, false) - 100450) < 1e-6);
    assert_true(fabs(after_nine(&c, 100e3, 30000, false) - 100450) < 1e-6);
}

static void marks_below_the_target_do_nothing(void **state) {
    (void)state;
    CcConf c = conf_of();
    assert_true(after_nine(&c, 100e3, 8000, true) == 100e3);
}

/* eta: 0.15 packets once a round trip of the network, beside what came together. */
static void constant_increase_by_hand(void **state) {
    (void)state;
    CcConf c = conf_of();
    CcFlow f = settled(&c, 100e3);
    acked(&f, &c, 1000, 24000, 8000, true, false);
    assert_true(cwnd_of(&f) == 100e3);
    acked(&f, &c, 2000, 25001, 8000, true, false);
    assert_true(fabs(cwnd_of(&f) - 100150) < 1e-6);
    acked(&f, &c, 3000, 25100, 8000, true, false);
    assert_true(fabs(cwnd_of(&f) - 100150) < 1e-6);
}

/* The average takes a part in 80 of each delay. With delay_alpha 1 it is the delay: at 18 µs, twice
 * the target, the window falls by 0.8 · 0.5; far above, by max_md; once a round trip. */
static void multiplicative_decrease_by_hand(void **state) {
    (void)state;
    CcConf c = conf_of();
    CcFlow f = settled(&c, 100e3);
    acked(&f, &c, 1000, 13100, 18000, true, false); /* the average is 0.225 µs */
    assert_true(cwnd_of(&f) == 100e3);
    c.conf.nscc_delay_alpha = 1;
    acked(&f, &c, 2000, 13200, 18000, true, false);
    assert_true(fabs(cwnd_of(&f) - 60e3) < 1e-6);
    acked(&f, &c, 3000, 13200 + 11900, 18000, true, false);
    assert_true(fabs(cwnd_of(&f) - 60150) < 1e-6); /* eta alone */
    set_cwnd(&f, 60e3);
    c.conf.nscc_qa_threshold_ns = 1e9;
    acked(&f, &c, 5000, 60000, 90000, true, false);
    assert_true(fabs(cwnd_of(&f) - 30150) < 1e-6);
}

/* A window's worth without delay, then a quarter of every byte. */
static void fast_increase_by_hand(void **state) {
    (void)state;
    CcConf c = conf_of();
    c.conf.nscc_eta = c.conf.nscc_alpha = 0;
    CcFlow f = settled(&c, 10e3);
    uint64_t i = 1;
    for (; i <= 10; i++) acked(&f, &c, 1000 * i, 13000 + 10 * (double)i, 999, false, false);
    assert_true(cwnd_of(&f) == 10e3);
    for (; i <= 14; i++) acked(&f, &c, 1000 * i, 13000 + 10 * (double)i, 999, false, false);
    assert_true(cwnd_of(&f) == 11e3);
    acked(&f, &c, 1000 * i, 13200, 1000, false, false); /* some delay: over */
    i++;
    acked(&f, &c, 1000 * i, 13300, 999, false, false);
    assert_true(cwnd_of(&f) == 11e3);
    c.conf.nscc_fi_scale = 1; /* every byte */
    for (uint64_t k = 1; k <= 11; k++) acked(&f, &c, 1000 * (i + k), 13400, 999, false, false);
    assert_true(cwnd_of(&f) == 12e3);
}

/* 12 + 9 µs after the last look: 5 packets arrived, less than an eighth of 225, and a packet is
 * later than 36 µs or lost. What was in flight then is not listened to. */
static void quick_adapt_by_hand(void **state) {
    (void)state;
    CcConf c = conf_of();
    for (int lost = 0; lost < 2; lost++) {
        CcFlow f = settled(&c, 200e3);
        for (uint64_t i = 1; i <= 4; i++) acked(&f, &c, 1000 * i, 14000, 0, true, false);
        f.window_b = 200e3;
        set_cwnd(&f, 200e3);
        CcArm arm = {0};
        CcAck a = {.ack = 5000, .nxt = 205000, .now_ps = 34001000, .rtt_ns = 12000 + 36001};
        if (lost) a.rtt_ns = 12000, a.nack = true;
        a.marked = true;
        cc_nscc.ack(&f, &c, &a, &arm);
        assert_true(cwnd_of(&f) == 5000);
        assert_int_equal(f.window_b, 5000);
        a.nack = false;
        a.now_ps += 1000000000; /* far beyond any period; still of what was in flight */
        a.ack = 100000;
        cc_nscc.ack(&f, &c, &a, &arm);
        assert_true(cwnd_of(&f) == 5000);
    }
    /* Enough arrived: none. */
    CcFlow f = settled(&c, 200e3);
    acked(&f, &c, 29000, 34001, 36001, true, false);
    assert_true(cwnd_of(&f) > 150e3);
}

/* A NACK takes a packet off, a timeout, too; never below one packet, never above the largest. */
static void bounds_hold(void **state) {
    (void)state;
    CcConf c = conf_of();
    CcFlow f = settled(&c, 100e3);
    acked(&f, &c, 0, 13100, 0, false, true);
    assert_true(cwnd_of(&f) == 99e3);
    cc_nscc.timeout(&f, &c);
    assert_true(cwnd_of(&f) == 98e3);
    for (int i = 0; i < 200; i++) cc_nscc.timeout(&f, &c);
    assert_int_equal(f.window_b, 1000);
    Rng rng = rng_stream(1, "nscc", 0);
    uint64_t at = 0;
    for (int i = 0; i < 100000; i++) {
        at += 1000 * rng_below(&rng, 3);
        acked(&f, &c, at, 20000 + 300.0 * i, 60e3 * rng_u01(&rng) * rng_u01(&rng),
              rng_below(&rng, 3) == 0, rng_below(&rng, 50) == 0);
        assert_in_range(f.window_b, 1000, 225000);
        if (rng_below(&rng, 1000) == 0) cc_nscc.timeout(&f, &c);
    }
}

/* ---- in the network ---- */

typedef struct {
    uint32_t link;
    double from_ns, sum_b, n;
} Queue;

static void see(void *ctx, const PktTraceEvent *e) {
    Queue *q = ctx;
    if (e->kind != PKT_TRACE_ENQUEUE || e->link != q->link || e->time_ns < q->from_ns) return;
    q->sum_b += (double)e->queue_b;
    q->n++;
}

/* N equal long flows into one host, at the same time. Returns Jain's index of their rates. */
static double share(uint32_t n_flows, double rate_bps, Queue *q, double *last_ns, PktStats *st) {
    Net n;
    net_star(&n, n_flows + 1, rate_bps, 2000);
    TestFlow list[8];
    for (uint32_t i = 0; i < n_flows; i++)
        list[i] = (TestFlow){i, n_flows, 20000000, 1000 * (int64_t)i};
    Flows f = flows_of(list, n_flows);
    NetConf conf;
    netconf_default(&conf);
    conf.cc = CC_NSCC;
    double fct[8], sum = 0, squares = 0;
    *q = (Queue){.link = 2 * n_flows + 1, .from_ns = 2e6};
    PktOptions opt = {.trace = see, .trace_ctx = q, .seed = 1};
    Err err;
    die_on(pktsim_run(n.route, &f, &conf, &opt, fct, st, &err), &err);
    *last_ns = 0;
    for (uint32_t i = 0; i < n_flows; i++) {
        sum += 1 / fct[i];
        squares += 1 / fct[i] / fct[i];
        *last_ns = fmax(*last_ns, fct[i]);
    }
    flows_free(&f);
    net_free(&n);
    return sum * sum / (n_flows * squares);
}

/* Long flows into one host come to equal rates, keep its link busy and lose nothing. Their queue
 * stays about the target, a base round trip of 8 µs and two packets; where the thresholds of
 * marking are coarser than windows, from half of it on. */
static void flows_share_a_link(void **state) {
    (void)state;
    for (uint32_t n_flows = 2; n_flows <= 8; n_flows *= 2) {
        for (int fast = 0; fast < 2; fast++) {
            double rate_bps = fast ? 100e9 : 10e9, last_ns,
                   target_b = rate_bps / 8e9 * (8000 + 2 * 8000e9 / rate_bps);
            Queue q;
            PktStats st;
            double jain = share(n_flows, rate_bps, &q, &last_ns, &st);
            double least_ns = n_flows * 20000. * WIRE_FULL_B * 8e9 / rate_bps;
            assert_true(jain > 0.99);
            assert_true(last_ns > least_ns && last_ns < 1.005 * least_ns);
            assert_true(q.n > 10000);
            assert_true(q.sum_b / q.n > (fast ? 0.5 : 0.9) * target_b);
            assert_true(q.sum_b / q.n < 1.1 * target_b);
            assert_int_equal(st.n_drops, 0);
        }
    }
}

/* Where buffers are short and nothing pauses, all flows get through and bytes are conserved. */
static void all_get_through_losses(void **state) {
    (void)state;
    enum { N = 24 };
    Net n;
    net_star(&n, N + 1, 10e9, 2000);
    TestFlow list[N];
    for (uint32_t i = 0; i < N; i++) list[i] = (TestFlow){i, N, 200000, 0};
    Flows f = flows_of(list, N);
    NetConf conf;
    netconf_default(&conf);
    conf.cc = CC_NSCC;
    conf.pfc = false;
    conf.buffer_b = 250e3;
    double fct[N];
    PktStats st;
    Err err;
    die_on(pktsim_run(n.route, &f, &conf, &(PktOptions){.seed = 1}, fct, &st, &err), &err);
    assert_int_equal(st.n_finished, N);
    assert_true(st.n_drops > 0);
    assert_int_equal(st.sent_b, st.received_b + st.dropped_b);
    conf.nscc_trim = true; /* receivers tell of every loss */
    die_on(pktsim_run(n.route, &f, &conf, &(PktOptions){.seed = 1}, fct, &st, &err), &err);
    assert_int_equal(st.n_finished, N);
    assert_true(st.n_trims > 0);
    assert_int_equal(st.n_trims, st.n_drops);
    assert_int_equal(st.n_timeouts, 0);
    assert_int_equal(st.sent_b, st.received_b + st.dropped_b);
    flows_free(&f);
    net_free(&n);
}

static void half_the_target_is_half_the_queue(void **state) {
    (void)state;
    Net n;
    net_star(&n, 5, 10e9, 2000);
    TestFlow list[4];
    for (uint32_t i = 0; i < 4; i++) list[i] = (TestFlow){i, 4, 10000000, 0};
    Flows f = flows_of(list, 4);
    NetConf conf;
    netconf_default(&conf);
    conf.cc = CC_NSCC;
    double fct[4], queue_b[2];
    for (int half = 0; half < 2; half++) {
        Queue q = {.link = 9, .from_ns = 2e6};
        PktOptions opt = {.trace = see, .trace_ctx = &q, .seed = 1};
        Err err;
        conf.nscc_target_qdelay_ns = half ? 4800 : 9600;
        die_on(pktsim_run(n.route, &f, &conf, &opt, fct, NULL, &err), &err);
        queue_b[half] = q.sum_b / q.n;
    }
    assert_true(queue_b[1] > 0.4 * queue_b[0] && queue_b[1] < 0.7 * queue_b[0]);
    flows_free(&f);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_with_one_and_a_half_bdp),
        cmocka_unit_test(the_target_follows_the_round_trip),
        cmocka_unit_test(proportional_increase_by_hand),
        cmocka_unit_test(fair_increase_by_hand),
        cmocka_unit_test(marks_below_the_target_do_nothing),
        cmocka_unit_test(constant_increase_by_hand),
        cmocka_unit_test(multiplicative_decrease_by_hand),
        cmocka_unit_test(fast_increase_by_hand),
        cmocka_unit_test(quick_adapt_by_hand),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(flows_share_a_link),
        cmocka_unit_test(half_the_target_is_half_the_queue),
        cmocka_unit_test(all_get_through_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
