/* Swift against what its paper says of it: the target grows with hops and as windows shrink, delay
 * stays near the target, the window falls at most once a round trip; and its settings matter. What
 * all controls must do (ideal lone flows, fairness, conservation) is in test_packet.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packet/cc.h"
#include "packet_net.h"

/* A flow of Swift by hand, without a simulator: 30 packets of window, six links. */
static CcFlow flow_of(const CcConf *c, uint32_t n_links) {
    CcFlow f = {.rate_bps = 10000000000,
                .max_rate_bps = 10000000000,
                .max_rate_window_b = 30000,
                .n_links = n_links};
    cc_swift.start(&f, c);
    return f;
}

/* cwnd, in packets, is the first member of Swift's state. */
static void set_cwnd(CcFlow *f, double cwnd) { memcpy(f->own, &cwnd, sizeof cwnd); }

static CcConf conf_of(void) {
    CcConf c = {.compat = false};
    netconf_default(&c.conf);
    c.conf.cc = CC_SWIFT;
    return c;
}

static void acked(CcFlow *f, const CcConf *c, uint64_t ack, uint64_t nxt, double rtt_ns,
                  bool nack) {
    CcArm arm = {0};
    cc_swift.ack(f, c, &(CcAck){.ack = ack, .nxt = nxt, .rtt_ns = rtt_ns, .nack = nack}, &arm);
    assert_int_equal(arm.n, 0);
}

/* The delay at which the window stops growing and begins to fall: the target, found by bisection.
 */
static double target_of(const CcConf *c, uint32_t n_links, double cwnd) {
    double lo = 0, hi = 1e9;
    while (hi - lo > 1) {
        double mid = (lo + hi) / 2;
        CcFlow f = flow_of(c, n_links);
        f.max_rate_window_b = 1000000;
        set_cwnd(&f, cwnd);
        acked(&f, c, 1000, 2000, mid, false);
        if ((double)f.window_b > 1000 * cwnd) lo = mid;
        else hi = mid;
    }
    return hi;
}

static void the_target_is_the_papers(void **state) {
    (void)state;
    CcConf c = conf_of();
    const NetConf *n = &c.conf;
    double most = 1 / sqrt(n->swift_fs_min_cwnd), least = 1 / sqrt(n->swift_fs_max_cwnd),
           alpha = n->swift_fs_range_ns / (most - least);
    for (uint32_t n_links = 2; n_links <= 6; n_links += 2)
        for (double cwnd = 1; cwnd < 200; cwnd *= 3) {
            double scaling = fmax(0, alpha / sqrt(cwnd) - alpha * least),
                   want =
                       n->swift_base_target_ns + (n_links - 1) * n->swift_hop_scaling_ns + scaling;
            assert_true(fabs(target_of(&c, n_links, cwnd) - want) < 2);
        }
    /* Hops and small windows raise it; from fs_max_cwnd on windows don't. */
    assert_true(target_of(&c, 6, 10) > target_of(&c, 2, 10) + 7000);
    assert_true(target_of(&c, 2, 2) > target_of(&c, 2, 20) + 1000);
    assert_true(fabs(target_of(&c, 2, 100) - target_of(&c, 2, 150)) < 2);
}

/* ai packets a round trip: a window's worth of acknowledgements adds one packet. */
static void increase_is_additive(void **state) {
    (void)state;
    CcConf c = conf_of();
    CcFlow f = flow_of(&c, 2);
    f.max_rate_window_b = 1000000;
    set_cwnd(&f, 20);
    for (uint64_t i = 1; i <= 20; i++) acked(&f, &c, 1000 * i, 1000 * (i + 20), 1000, false);
    assert_true(f.window_b > 20900 && f.window_b < 21000);
}

/* The first late acknowledgement cuts the window; others until what was in flight then is
 * acknowledged do not. Never by more than max_mdf, never below a packet. */
static void decrease_is_once_a_round_trip(void **state) {
    (void)state;
    CcConf c = conf_of();
    CcFlow f = flow_of(&c, 2);
    assert_int_equal(f.window_b, 30000);
    acked(&f, &c, 1000, 31000, 1e9, false);
    assert_int_equal(f.window_b, 15000);
    for (uint64_t b = 2000; b < 31000; b += 1000) acked(&f, &c, b, 40000, 1e9, b % 7000 == 0);
    assert_int_equal(f.window_b, 15000);
    acked(&f, &c, 31000, 46000, 1e9, true);
    assert_int_equal(f.window_b, 7500);
    for (uint64_t b = 46000; b < 200000; b += 46000) acked(&f, &c, b, b + 46000, 1e9, false);
    assert_int_equal(f.window_b, 1000);
    CcFlow g = flow_of(&c, 2);
    double target = target_of(&c, 2, 30), late = target * 1.1;
    acked(&g, &c, 1000, 31000, late, false); /* a little late: a little less */
    assert_true(fabs((double)g.window_b - 30000 * (1 - 0.8 * (late - target) / late)) < 5);
}

static void timeouts_reset_the_window(void **state) {
    (void)state;
    CcConf c = conf_of();
    CcFlow f = flow_of(&c, 2);
    cc_swift.timeout(&f, &c);
    assert_int_equal(f.window_b, 15000);
    acked(&f, &c, 1000, 16000, 1000, false); /* progress: counts from the start again */
    for (int i = 0; i < 4; i++) cc_swift.timeout(&f, &c);
    assert_true(f.window_b < 2000);
    set_cwnd(&f, 30);
    cc_swift.timeout(&f, &c);
    assert_int_equal(f.window_b, 1000);
}

typedef struct {
    uint32_t link;
    double sum_b, n;
} Queue;

/* The data queue of a link as packets meet it, once the windows have settled. */
static void see(void *ctx, const PktTraceEvent *e) {
    Queue *q = ctx;
    if (e->kind != PKT_TRACE_ENQUEUE || e->link != q->link || e->time_ns < 2e6) return;
    q->sum_b += (double)e->queue_b;
    q->n++;
}

/* Twelve long flows into one host: the queue is what the target leaves beside the idle round trip,
 * far below what the windows alone would fill. */
static void delay_stays_near_the_target(void **state) {
    (void)state;
    enum { N = 12 };
    Net n;
    net_star(&n, N + 1, 10e9, 1000);
    TestFlow list[N];
    for (uint32_t i = 0; i < N; i++) list[i] = (TestFlow){i, N, 5000000, 1000 * (int64_t)i};
    Flows f = flows_of(list, N);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 10000;
    double fct[N], last = 0, first = INFINITY, queue_b[2];
    for (int swift = 0; swift < 2; swift++) {
        Queue q = {.link = 2 * N + 1}; /* from the switch to host N */
        Err err;
        conf.cc = swift ? CC_SWIFT : CC_NONE;
        PktOptions opt = {.trace = see, .trace_ctx = &q};
        die_on(pktsim_run(n.route, &f, &conf, &opt, fct, NULL, &err), &err);
        assert_true(q.n > 10000);
        queue_b[swift] = q.sum_b / q.n;
    }
    for (int i = 0; i < N; i++) last = fmax(last, fct[i]), first = fmin(first, fct[i]);
    assert_true(last < 1.02 * N * 5000 * (WIRE_FULL_B + WIRE_TIMESTAMP_B) * 0.8); /* link busy */
    assert_true(first > 0.85 * last);                                             /* none starves */
    /* Windows of 3 to 4 packets: a target of about 36 µs, of which the idle round trip takes 6. */
    assert_true(queue_b[1] > 20e3 && queue_b[1] < 50e3);
    assert_true(queue_b[0] > 90e3);
    flows_free(&f);
    net_free(&n);
}

static void compat_does_not_have_it(void **state) {
    (void)state;
    Net n;
    net_star(&n, 2, 10e9, 1000);
    Flows f = flows_of(&(TestFlow){0, 1, 1000, 0}, 1);
    NetConf conf;
    double fct;
    Err err;
    netconf_default(&conf);
    conf.cc = CC_SWIFT;
    assert_int_equal(
        pktsim_run(n.route, &f, &conf, &(PktOptions){.compat = true}, &fct, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    flows_free(&f);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_the_papers),
        cmocka_unit_test(increase_is_additive),
        cmocka_unit_test(decrease_is_once_a_round_trip),
        cmocka_unit_test(timeouts_reset_the_window),
        cmocka_unit_test(delay_stays_near_the_target),
        cmocka_unit_test(compat_does_not_have_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
