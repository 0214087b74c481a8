/* Routings: how flows and packets are spread over next hops, and what receivers make of packets
 * that overtake each other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/wire.h"
#include "packet_net.h"

enum { MOST_LINKS = 100, MOST_FLOWS = 4000 };

/* What a run showed. */
typedef struct {
    const Net *net;
    PktStats stats;
    double fct_ns[MOST_FLOWS];
    uint64_t sent[MOST_LINKS];    /* data packets over each link */
    uint64_t queue_b[MOST_LINKS]; /* now */
    bool shortest;                /* every packet joins the shortest of the queues to spines */
} Seen;

static bool goes_up(const Net *net, uint32_t link) {
    const Link *l = &net->topo.links[link];
    return net->topo.tier[l->from] == 1 && net->topo.tier[l->to] == 2;
}

static void see(void *ctx, const PktTraceEvent *e) {
    Seen *s = ctx;
    if (e->kind == PKT_TRACE_ENQUEUE && e->type == PKT_DATA && goes_up(s->net, e->link))
        for (uint32_t l = 0; l < s->net->topo.n_links; l++)
            if (s->net->topo.links[l].from == s->net->topo.links[e->link].from &&
                goes_up(s->net, l) && s->queue_b[l] < s->queue_b[e->link])
                s->shortest = false;
    if (e->kind == PKT_TRACE_DEQUEUE && e->type == PKT_DATA) s->sent[e->link]++;
    if (e->kind == PKT_TRACE_ENQUEUE || e->kind == PKT_TRACE_DEQUEUE)
        s->queue_b[e->link] = e->queue_b;
}

static void simulate(const Net *net, const Flows *f, const NetConf *conf, Seen *s) {
    Err err = {0};
    PktOptions o = {.trace = see, .trace_ctx = s, .seed = 3};
    *s = (Seen){.net = net, .shortest = true};
    die_on(pktsim_run(net->route, f, conf, &o, s->fct_ns, &s->stats, &err), &err);
}

/* Two racks of n_hosts hosts at 40 Gb/s and k spines, whose links have these rates. */
static void net_spines(Net *n, uint32_t n_hosts, uint32_t k, const double *rate_bps, double loss) {
    TopoCable cables[60];
    uint32_t n_cables = 0, rack = 2 * n_hosts;
    for (uint32_t h = 0; h < 2 * n_hosts; h++)
        cables[n_cables++] = (TopoCable){h, rack + h / n_hosts, 40e9, 1000, 0};
    for (uint32_t i = 0; i < k; i++)
        for (uint32_t r = 0; r < 2; r++)
            cables[n_cables++] = (TopoCable){rack + r, rack + 2 + i, rate_bps[i], 1000, loss};
    net_build(n, rack + 2 + k, rack, cables, n_cables);
}

static NetConf conf_of(Cc cc, Routing routing) {
    NetConf conf;
    netconf_default(&conf);
    conf.cc = cc;
    conf.routing = routing;
    return conf;
}

static uint32_t up_link(const Net *net, uint32_t spine, uint32_t n_hosts) {
    for (uint32_t l = 0; l < net->topo.n_links; l++)
        if (net->topo.links[l].from == 2 * n_hosts &&
            net->topo.links[l].to == 2 * n_hosts + 2 + spine)
            return l;
    fail_msg("no such link");
    return 0;
}

static const double tens[] = {10e9, 10e9, 10e9, 10e9, 10e9, 10e9, 10e9, 10e9};

/* Two equal flows over k spines fill k links: they take twice a flow's bytes at k times a link's
 * rate, and nothing is sent twice. By flow, each has the rate of one link at most. */
static void packets_fill_all_links(void **state) {
    (void)state;
    static const Routing by_packet[] = {ROUTING_SPRAY, ROUTING_SPRAY_RR, ROUTING_ADAPTIVE};
    static Seen s;
    for (uint32_t k = 2; k <= 4; k++) {
        Net net;
        net_spines(&net, 2, k, tens, 0);
        const double size_b = 4e6;
        TestFlow list[] = {{0, 2, (uint64_t)size_b, 0}, {1, 3, (uint64_t)size_b, 0}};
        Flows f = flows_of(list, 2);
        double all_ns = 2 * size_b * (1 + WIRE_HEADER_B / 1000.0) * 8 / (10.0 * k);
        for (size_t i = 0; i < 3; i++) {
            NetConf conf = conf_of(CC_NONE, by_packet[i]);
            conf.line_window_b = conf.buffer_b = 1e9;
            simulate(&net, &f, &conf, &s);
            assert_int_equal(s.stats.n_finished, 2);
            assert_int_equal(s.stats.n_retransmissions, 0);
            assert_int_equal(s.stats.n_drops, 0);
            double last_ns = fmax(s.fct_ns[0], s.fct_ns[1]),
                   slack = by_packet[i] == ROUTING_SPRAY ? 0.05 : 0.01;
            if (!(last_ns > all_ns && last_ns < all_ns * (1 + slack) + 10e3))
                fail_msg("%s over %u spines: %g, expected %g", netconf_routing_name(by_packet[i]),
                         k, last_ns, all_ns);
        }
        NetConf conf = conf_of(CC_NONE, ROUTING_ECMP);
        conf.line_window_b = conf.buffer_b = 1e9;
        simulate(&net, &f, &conf, &s);
        assert_true(fmax(s.fct_ns[0], s.fct_ns[1]) > size_b * 8 / 10.0);
        flows_free(&f);
        net_free(&net);
    }
}

/* Packets at random: each of 4 links has its quarter, within four standard deviations. In turn:
 * exactly. */
static void shares_are_even(void **state) {
    (void)state;
    static Seen s;
    Net net;
    net_spines(&net, 1, 4, tens, 0);
    TestFlow one = {0, 1, 4000000, 0};
    Flows f = flows_of(&one, 1);
    NetConf conf = conf_of(CC_DCTCP, ROUTING_SPRAY);
    simulate(&net, &f, &conf, &s);
    for (uint32_t i = 0; i < 4; i++)
        assert_true(fabs((double)s.sent[up_link(&net, i, 1)] - 1000) < 4 * sqrt(4000 * 3 / 16.0));
    conf.routing = ROUTING_SPRAY_RR;
    simulate(&net, &f, &conf, &s);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(s.sent[up_link(&net, i, 1)], 1000);
    flows_free(&f);
    net_free(&net);
}

/* Of 2000 flows those over a link of three times the rate are three quarters, within four standard
 * deviations; by hash alone they are half. Each flow has one path. */
static void weights_are_rates(void **state) {
    (void)state;
    enum { N = 2000 };
    static const double rates[] = {10e9, 30e9};
    static Seen s;
    static TestFlow list[N];
    Net net;
    net_spines(&net, 4, 2, rates, 0);
    for (uint32_t i = 0; i < N; i++) list[i] = (TestFlow){i % 4, 4 + i / 4 % 4, 1000, i * 1000};
    Flows f = flows_of(list, N);
    for (int weighted = 0; weighted < 2; weighted++) {
        NetConf conf = conf_of(CC_DCTCP, weighted ? ROUTING_WCMP : ROUTING_ECMP);
        simulate(&net, &f, &conf, &s);
        double share = weighted ? 0.75 : 0.5, over = (double)s.sent[up_link(&net, 1, 4)];
        assert_true(fabs(over - share * N) < 4 * sqrt(N * share * (1 - share)));
    }
    flows_free(&f);
    net_free(&net);
}

/* No pause is longer than a second: flowlets are flows. All are longer than nothing: packets of one
 * flow take all links. */
static void flowlets_begin_after_gaps(void **state) {
    (void)state;
    static Seen by_flow, by_flowlet;
    Net net;
    net_spines(&net, 4, 4, tens, 0);
    Flows f = net_random_flows(&net, 200, 300e3, 5);
    NetConf conf = conf_of(CC_DCTCP, ROUTING_ECMP);
    simulate(&net, &f, &conf, &by_flow);
    conf.routing = ROUTING_FLOWLET;
    conf.flowlet_gap_ns = 1e9;
    simulate(&net, &f, &conf, &by_flowlet);
    assert_memory_equal(by_flow.fct_ns, by_flowlet.fct_ns, f.n * sizeof(double));
    assert_memory_equal(by_flow.sent, by_flowlet.sent, sizeof by_flow.sent);
    flows_free(&f);
    TestFlow one = {0, 4, 1000000, 0};
    f = flows_of(&one, 1);
    simulate(&net, &f, &conf, &by_flowlet);
    uint32_t n_used[2] = {0};
    for (uint32_t i = 0; i < 4; i++) n_used[0] += by_flowlet.sent[up_link(&net, i, 4)] > 0;
    conf.flowlet_gap_ns = 0;
    simulate(&net, &f, &conf, &by_flowlet);
    for (uint32_t i = 0; i < 4; i++) n_used[1] += by_flowlet.sent[up_link(&net, i, 4)] > 0;
    assert_int_equal(n_used[0], 1);
    assert_int_equal(n_used[1], 4);
    flows_free(&f);
    net_free(&net);
}

static void adaptive_takes_the_shortest_queue(void **state) {
    (void)state;
    static Seen s;
    Net net;
    net_spines(&net, 4, 3, tens, 0);
    Flows f = net_random_flows(&net, 300, 100e3, 9);
    NetConf conf = conf_of(CC_NONE, ROUTING_ADAPTIVE);
    simulate(&net, &f, &conf, &s);
    assert_true(s.shortest);
    conf.routing = ROUTING_SPRAY;
    simulate(&net, &f, &conf, &s);
    assert_false(s.shortest);
    flows_free(&f);
    net_free(&net);
}

/* On lossy links, with small buffers and without PFC, every flow finishes under every routing and
 * control, bytes are accounted for, and the same run gives the same times. */
static void all_flows_finish(void **state) {
    (void)state;
    static Seen a, b;
    Net net;
    net_spines(&net, 3, 3, tens, 0.01);
    for (Cc cc = 0; cc < CC_N; cc++)
        for (Routing r = 0; r < ROUTING_N; r++) {
            if (cc == CC_HPCC && netconf_by_packet(r)) continue;
            Flows f = net_random_flows(&net, 100, 200e3, cc * 10 + r);
            NetConf conf = conf_of(cc, r);
            conf.pfc = false;
            conf.buffer_b = 60e3;
            if (r == ROUTING_SPRAY) conf.reorder_window_b = 5000;
            simulate(&net, &f, &conf, &a);
            simulate(&net, &f, &conf, &b);
            if (a.stats.n_finished != f.n)
                fail_msg("%s, %s: %d of %d finished", netconf_cc_name(cc), netconf_routing_name(r),
                         (int)a.stats.n_finished, (int)f.n);
            assert_int_equal(a.stats.sent_b, a.stats.received_b + a.stats.dropped_b);
            assert_memory_equal(a.fct_ns, b.fct_ns, f.n * sizeof(double));
            flows_free(&f);
        }
    net_free(&net);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    Net net;
    net_spines(&net, 1, 2, tens, 0);
    TestFlow one = {0, 1, 1000, 0};
    Flows f = flows_of(&one, 1);
    double fct_ns;
    Err err = {0};
    NetConf conf = conf_of(CC_HPCC, ROUTING_SPRAY);
    assert_int_equal(pktsim_run(net.route, &f, &conf, &(PktOptions){0}, &fct_ns, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "one path"));
    conf = conf_of(CC_DCTCP, ROUTING_WCMP);
    assert_int_equal(
        pktsim_run(net.route, &f, &conf, &(PktOptions){.compat = true}, &fct_ns, NULL, &err), -1);
    flows_free(&f);
    net_free(&net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_fill_all_links),
        cmocka_unit_test(shares_are_even),
        cmocka_unit_test(weights_are_rates),
        cmocka_unit_test(flowlets_begin_after_gaps),
        cmocka_unit_test(adaptive_takes_the_shortest_queue),
        cmocka_unit_test(all_flows_finish),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
