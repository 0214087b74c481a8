/* Credit of receivers against what EQDS says of it, and trimming: a flow sends no more than it has
 * credit for, receivers grant what their link carries, in turn; so an incast of any size keeps the
 * link busy with next to no queue once the speculative packets are through. What all controls must
 * do is in test_packet.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packet/cc.h"
#include "packet_net.h"

static NetConf conf_of(void) {
    NetConf conf;
    netconf_default(&conf);
    conf.cc = CC_EQDS;
    return conf;
}

static void simulate(const Net *n, const Flows *f, const NetConf *conf, PktOptions opt, double *fct,
                     PktStats *st) {
    Err err;
    die_on(pktsim_run(n->route, f, conf, &opt, fct, st, &err), &err);
    assert_int_equal(st->sent_b, st->received_b + st->dropped_b);
}

/* The time of so many bytes in full packets. */
static double wire_ns(double bytes, double rate_bps) {
    return bytes / WIRE_PAYLOAD_B * WIRE_FULL_B * 8e9 / rate_bps;
}

/* ---- a flow by hand ---- */

static void acked(CcFlow *f, uint64_t ack, bool nack) {
    CcConf c = {.conf = conf_of()};
    CcArm arm = {0};
    assert_true(cc_eqds.ack(f, &c, &(CcAck){.ack = ack, .nack = nack}, &arm));
    assert_int_equal(arm.n, 0);
}

static void credit_by_hand(void **state) {
    (void)state;
    CcConf c = {.conf = conf_of()};
    CcFlow f = {.max_rate_bps = 10000000000, .max_rate_window_b = 17500};
    cc_eqds.start(&f, &c);
    assert_int_equal(f.window_b, 18000); /* the BDP in whole packets */
    acked(&f, 5000, false);
    assert_int_equal(f.window_b, 13000);
    cc_eqds.credit(&f, 19000);
    assert_int_equal(f.window_b, 14000);
    cc_eqds.credit(&f, 18500); /* late: it was overtaken */
    assert_int_equal(f.window_b, 14000);
    acked(&f, 19000, false);
    assert_int_equal(f.window_b, 0);
    cc_eqds.credit(&f, 25000);
    acked(&f, 20000, true); /* all credit is gone; what comes counts from the missing byte on */
    assert_int_equal(f.window_b, 0);
    cc_eqds.credit(&f, 21000);
    assert_int_equal(f.window_b, 1000);
    cc_eqds.credit(&f, 30000);
    cc_eqds.timeout(&f, &c);
    assert_int_equal(f.window_b, 1000);
    c.conf.eqds_speculative = 0.01;
    cc_eqds.start(&f, &c);
    assert_int_equal(f.window_b, 1000); /* never none */
}

/* ---- lone flows ---- */

/* With credit at the link's rate and speculative packets for a round trip with its ACKs, ideal. */
static void lone_flow_is_ideal(void **state) {
    (void)state;
    static const double rates[][3] = {
        {10e9, 40e9, 10e9}, {25e9, 100e9, 25e9}, {100e9, 400e9, 100e9}};
    static const uint64_t sizes[] = {1, 1000, 1001, 30000, 1234567};
    NetConf conf = conf_of();
    for (int r = 0; r < 3; r++) {
        Net n;
        net_row(&n, rates[r], 3);
        for (int k = 0; k < 5; k++) {
            Flows f = flows_of(&(TestFlow){0, 1, sizes[k], 77}, 1);
            double fct, ideal;
            PktStats st;
            pktsim_ideal(n.route, &f, false, &ideal);
            conf.eqds_pull_rate = 1;
            conf.eqds_speculative = conf.eqds_max_wnd = 1.5;
            simulate(&n, &f, &conf, (PktOptions){0}, &fct, &st);
            assert_true(fct == ideal);
            conf.eqds_pull_rate = 0.99; /* as it is set: 1 % slower and the ACKs' time of the BDP */
            conf.eqds_speculative = conf.eqds_max_wnd = 1;
            simulate(&n, &f, &conf, (PktOptions){0}, &fct, &st);
            assert_true(fct >= ideal && fct <= 1.011 * ideal + 1000);
            flows_free(&f);
        }
        net_free(&n);
    }
}

/* ---- many senders ---- */

typedef struct {
    uint32_t to, from;   /* link into the receiver, and out of it */
    double quiet_ns;     /* the first round trips are over */
    double most_b;       /* queue from then on */
    double last_ns, gap; /* between credit packets, at least */
    uint64_t end[64];    /* by flow: credit that has reached the sender */
    bool within;
} Watch;

static void watch(void *ctx, const PktTraceEvent *e) {
    Watch *w = ctx;
    if (e->kind == PKT_TRACE_ENQUEUE && e->link == w->to && e->time_ns > w->quiet_ns)
        w->most_b = fmax(w->most_b, (double)e->queue_b);
    if (e->type == PKT_CREDIT && e->kind == PKT_TRACE_ENQUEUE && e->link == w->from) {
        w->gap = fmin(w->gap, e->time_ns - w->last_ns);
        w->last_ns = e->time_ns;
    }
    if (e->type == PKT_CREDIT && e->kind == PKT_TRACE_RECEIVE && e->byte > w->end[e->flow])
        w->end[e->flow] = e->byte;
    if (e->kind == PKT_TRACE_SEND)
        w->within &= e->byte + e->wire_b - WIRE_HEADER_B <= w->end[e->flow];
}

/* N senders, all at once. Flows end together, when the receiver's link has carried them at the rate
 * of credit; the queue is gone with the speculative packets; no packet goes without credit. */
static void incast(uint32_t n_flows, double rate_bps, const NetConf *conf) {
    enum { SIZE = 1000000 };
    Net n;
    net_star(&n, n_flows + 1, rate_bps, 1000);
    TestFlow list[32];
    for (uint32_t i = 0; i < n_flows; i++) list[i] = (TestFlow){i, n_flows, SIZE, 0};
    Flows f = flows_of(list, n_flows);
    double fct[32], last = 0, sum = 0, squares = 0, all_ns = wire_ns(SIZE * n_flows, rate_bps);
    double spec_b = ceil((4 * 1000 + 2 * 8e12 / rate_bps) * rate_bps / 8e12) * 1000,
           less = 1 - conf->eqds_pull_rate; /* of the link's rate, by which the queue shrinks */
    Watch w = {.to = 2 * n_flows + 1,
               .from = 2 * n_flows,
               .quiet_ns = 20000 + wire_ns(n_flows * spec_b, rate_bps) / less,
               .last_ns = -INFINITY,
               .gap = INFINITY,
               .within = true};
    for (uint32_t i = 0; i < n_flows; i++) w.end[i] = (uint64_t)spec_b;
    PktStats st;
    simulate(&n, &f, conf, (PktOptions){.trace = watch, .trace_ctx = &w}, fct, &st);
    for (uint32_t i = 0; i < n_flows; i++) {
        last = fmax(last, fct[i]);
        sum += 1 / fct[i];
        squares += 1 / fct[i] / fct[i];
    }
    assert_true(sum * sum / (n_flows * squares) > 0.999);
    assert_true(last > all_ns && last < all_ns / conf->eqds_pull_rate + 20000);
    assert_true(w.most_b <= 3 * WIRE_FULL_B);
    assert_true(w.within);
    assert_true(w.gap >= wire_ns(WIRE_PAYLOAD_B, rate_bps) / conf->eqds_pull_rate - 0.01);
    assert_int_equal(st.n_drops, 0);
    flows_free(&f);
    net_free(&n);
}

static void receivers_grant_what_their_link_carries(void **state) {
    (void)state;
    NetConf conf = conf_of();
    conf.buffer_b = 2e6;
    for (uint32_t n = 2; n <= 32; n *= 2) {
        conf.eqds_pull_rate = n % 3 == 1 ? 0.99 : 0.9;
        incast(n, 10e9, &conf);
        incast(n, 100e9, &conf);
    }
}

typedef struct {
    uint64_t arrived[8], open_b; /* by flow; most that was granted and had not arrived */
} Open;

static void watch_open(void *ctx, const PktTraceEvent *e) {
    Open *o = ctx;
    if (e->type == PKT_DATA && e->kind == PKT_TRACE_RECEIVE && e->link % 2 == 1)
        o->arrived[e->flow] = e->byte + e->wire_b - WIRE_HEADER_B;
    if (e->type != PKT_CREDIT || e->kind != PKT_TRACE_ENQUEUE || e->link % 2 == 1) return;
    uint64_t open_b = e->byte - o->arrived[e->flow];
    if (open_b > o->open_b) o->open_b = open_b;
}

/* A sender that serves eight receivers cannot use what they grant together: none grants more than
 * a BDP ahead, so that the sender has no credit in store for a burst. */
static void no_credit_is_hoarded(void **state) {
    (void)state;
    enum { N = 8, SIZE = 500000 };
    Net n;
    net_star(&n, N + 1, 10e9, 1000);
    TestFlow list[N];
    for (uint32_t i = 0; i < N; i++) list[i] = (TestFlow){0, 1 + i, SIZE, 0};
    Flows f = flows_of(list, N);
    NetConf conf = conf_of();
    conf.line_window_b = 8000;
    Open o = {.open_b = 0};
    double fct[N], last = 0;
    PktStats st;
    simulate(&n, &f, &conf, (PktOptions){.trace = watch_open, .trace_ctx = &o}, fct, &st);
    for (int i = 0; i < N; i++) last = fmax(last, fct[i]);
    assert_int_equal(o.open_b, 8000);
    assert_true(last < 1.001 * wire_ns(N * SIZE, 10e9) + 10000); /* the sender's link is busy */
    flows_free(&f);
    net_free(&n);
}

/* ---- losses ---- */

/* Where there is room for a few packets and nothing pauses, senders lose most of what they send
 * first. With trimming, receivers know at once: nobody waits for a timer. */
static void trimming_tells_of_losses(void **state) {
    (void)state;
    enum { N = 24, SIZE = 200000 };
    Net n;
    net_star(&n, N + 1, 10e9, 1000);
    TestFlow list[N];
    for (uint32_t i = 0; i < N; i++) list[i] = (TestFlow){i, N, SIZE, 0};
    Flows f = flows_of(list, N);
    NetConf conf = conf_of();
    conf.pfc = false;
    conf.buffer_b = 220e3;
    conf.line_window_b = 30e3;
    double fct[N], last = 0;
    PktStats st;
    simulate(&n, &f, &conf, (PktOptions){0}, fct, &st);
    assert_int_equal(st.n_finished, N);
    assert_true(st.n_drops > 0);
    assert_int_equal(st.n_trims, 0);
    conf.eqds_trim = true;
    simulate(&n, &f, &conf, (PktOptions){0}, fct, &st);
    assert_int_equal(st.n_finished, N);
    assert_true(st.n_trims > 0);
    assert_int_equal(st.n_trims, st.n_drops);
    assert_int_equal(st.n_timeouts, 0);
    for (int i = 0; i < N; i++) last = fmax(last, fct[i]);
    assert_true(last < 1.06 * wire_ns(N * SIZE, 10e9));
    flows_free(&f);
    net_free(&n);
}

/* One packet in fifty is lost on every link, ACKs, NACKs and credit among them. */
static void all_get_through_lossy_links(void **state) {
    (void)state;
    enum { N = 12 };
    Net n;
    net_star(&n, N + 1, 10e9, 1000);
    double *rate = MEM_NEW(double, n.topo.n_links);
    for (uint32_t l = 0; l < n.topo.n_links; l++) rate[l] = 0.02;
    double *had = n.topo.error_rate;
    n.topo.error_rate = rate;
    TestFlow list[2 * N];
    for (uint32_t i = 0; i < N; i++) {
        list[2 * i] = (TestFlow){i, N, 50000, 1000 * (int64_t)i};
        list[2 * i + 1] = (TestFlow){i, (i + 1) % N, 30001, 1000 * (int64_t)i};
    }
    Flows f = flows_of(list, 2 * N);
    double fct[2 * N];
    for (int trim = 0; trim < 2; trim++) {
        NetConf conf = conf_of();
        PktStats st;
        conf.eqds_trim = trim;
        conf.pfc = !trim;
        conf.buffer_b = 150e3;
        simulate(&n, &f, &conf, (PktOptions){.seed = 3}, fct, &st);
        assert_int_equal(st.n_finished, 2 * N);
        assert_true(st.n_lost > 0);
    }
    n.topo.error_rate = had;
    free(rate);
    flows_free(&f);
    net_free(&n);
}

/* ---- settings ---- */

static void settings_matter(void **state) {
    (void)state;
    static const char *const changes[][2] = {{"eqds_speculative", "0.5"},
                                             {"eqds_pull_rate", "0.8"},
                                             {"eqds_credit_per_pull", "4"},
                                             {"eqds_max_wnd", "0.6"},
                                             {"eqds_trim", "on"}};
    Net n;
    net_star(&n, 8, 10e9, 1000);
    Flows f = net_random_flows(&n, 1500, 2e6, 14);
    double *before = MEM_NEW(double, f.n), *after = MEM_NEW(double, f.n);
    for (int i = 0; i < 5; i++) {
        NetConf conf = conf_of();
        conf.line_window_b = 40e3;
        conf.buffer_b = 100 * 1024;
        conf.pfc = false;
        Err err;
        PktStats st;
        simulate(&n, &f, &conf, (PktOptions){0}, before, &st);
        assert_int_equal(st.n_finished, f.n);
        die_on(netconf_set(&conf, changes[i][0], changes[i][1], &err), &err);
        simulate(&n, &f, &conf, (PktOptions){0}, after, &st);
        assert_memory_not_equal(before, after, f.n * sizeof *before);
    }
    free(before);
    free(after);
    flows_free(&f);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credit_by_hand),
        cmocka_unit_test(lone_flow_is_ideal),
        cmocka_unit_test(receivers_grant_what_their_link_carries),
        cmocka_unit_test(no_credit_is_hoarded),
        cmocka_unit_test(trimming_tells_of_losses),
        cmocka_unit_test(all_get_through_lossy_links),
        cmocka_unit_test(settings_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
