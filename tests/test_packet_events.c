/* Links that fail, degrade and come back during a run: what is lost and when flows go on follows
 * from the times of the events, and a run that no event touches is that of the network as it is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/timeline.h"
#include "net/wire.h"
#include "packet_net.h"

static Timeline *events_of(const Net *net, const char *text, double reroute_delay_ns) {
    Faults f = {0};
    Err err = {0};
    die_on(faults_add(&f, FAULT_EVENT, text, &err), &err);
    Timeline *t = timeline_new(net->route, &f, 1, reroute_delay_ns, &err);
    if (!t) fail_msg("%s", err.msg);
    faults_free(&f);
    return t;
}

static NetConf no_control(void) {
    NetConf conf;
    netconf_default(&conf);
    conf.cc = CC_NONE;
    conf.line_window_b = 1e9;
    conf.buffer_b = 1e9;
    return conf;
}

/* What a run showed. */
typedef struct {
    PktStats stats;
    double fct_ns[1000];
    double last_drop_ns, last_used_ns; /* last packet lost; last one sent over `watched` */
    uint32_t watched;
    uint64_t n_drops_of[1000];
} Seen;

static void see(void *ctx, const PktTraceEvent *e) {
    Seen *s = ctx;
    if (e->kind == PKT_TRACE_DROP) {
        s->last_drop_ns = e->time_ns;
        if (e->flow < 1000) s->n_drops_of[e->flow]++;
    }
    bool sends = e->kind == PKT_TRACE_SEND || e->kind == PKT_TRACE_DEQUEUE;
    if (sends && e->link == s->watched) s->last_used_ns = e->time_ns;
}

static void simulate(const Net *net, const Flows *f, const NetConf *conf, const Timeline *t,
                     Seen *s) {
    Err err = {0};
    PktOptions o = {.timeline = t, .trace = see, .trace_ctx = s, .seed = 7};
    uint32_t watched = s->watched;
    *s = (Seen){.watched = watched};
    die_on(pktsim_run(net->route, f, conf, &o, s->fct_ns, &s->stats, &err), &err);
}

/* The directed link between two nodes. */
static uint32_t link_between(const Net *net, uint32_t from, uint32_t to) {
    for (uint32_t l = 0; l < net->topo.n_links; l++)
        if (net->topo.links[l].from == from && net->topo.links[l].to == to) return l;
    fail_msg("no link %u-%u", from, to);
    return 0;
}

/* Events after all flows, of links without traffic and ones undone before the start change no bit:
 * switches that choose by the tables of the present choose as paths are walked. */
static void untouched_runs_are_the_same(void **state) {
    (void)state;
    Net net;
    net_clos(&net);
    for (Cc cc = 0; cc < CC_N; cc++)
        for (int k = 0; k < 3; k++) {
            NetConf conf;
            netconf_default(&conf);
            conf.cc = cc;
            Flows f = net_random_flows(&net, 300, 200e3, cc + 1);
            for (size_t i = 0; i < f.n; i++) f.start_ns[i] += 10000;
            static Seen with, without;
            char text[80];
            uint64_t host = net.topo.node_id[net.topo.host_node[3]],
                     up = net.topo.node_id[net.topo.links[topo_only_link(&net.topo, 3)].to];
            if (k == 0)
                snprintf(text, sizeof text, "1us:fail:%d-%d+2us:restore:%d-%d", (int)host, (int)up,
                         (int)host, (int)up);
            else if (k == 1)
                snprintf(text, sizeof text, "1us:degrade:%d-%d=1Gbps+2us:restore:%d-%d", (int)host,
                         (int)up, (int)host, (int)up);
            else snprintf(text, sizeof text, "5us:restore:%d+1s:fail:%d", (int)up, (int)up);
            Timeline *t = events_of(&net, text, 1000);
            simulate(&net, &f, &conf, NULL, &without);
            simulate(&net, &f, &conf, t, &with);
            assert_int_equal(with.stats.n_finished, f.n);
            assert_memory_equal(with.fct_ns, without.fct_ns, f.n * sizeof(double));
            assert_int_equal(with.stats.n_packets, without.stats.n_packets);
            assert_true(with.stats.sim_ns == without.stats.sim_ns);
            timeline_free(t);
            flows_free(&f);
        }
    net_free(&net);
}

/* A flow's only cable is down from 1 to 5 ms, and routes know that 50 us later: what the sender
 * puts on it until then is lost, the first packet after it is answered by a NACK, and from then on
 * the rest takes as long as in an idle network. */
static void a_flow_waits_for_its_only_cable(void **state) {
    (void)state;
    Net net;
    net_star(&net, 2, 10e9, 1000);
    TestFlow list = {0, 1, 10000000, 0}, rest = {0, 1, 0, 0};
    Flows f = flows_of(&list, 1);
    NetConf conf = no_control();
    const double dies_ns = 1e6, back_ns = 5e6 + 50e3;
    Timeline *t = events_of(&net, "1ms:fail:0-2+5ms:restore:0-2", 50e3);
    static Seen s;
    simulate(&net, &f, &conf, t, &s);
    double packet_ns = (WIRE_PAYLOAD_B + WIRE_HEADER_B) * 8 / 10.0;
    assert_int_equal(s.stats.n_finished, 1);
    /* Data on the link at 1 ms, and what is sent until routes are back; and ACKs on it or before it
     * at 1 ms.
     */
    assert_true(s.stats.n_lost >= (uint64_t)((back_ns - dies_ns) / packet_ns) - 1);
    assert_true(s.stats.n_lost <= (uint64_t)((back_ns - dies_ns + 1000) / packet_ns) + 2 + 4);
    assert_true(s.last_drop_ns <= back_ns + packet_ns + 1000);
    /* What had arrived: sent and wholly received over the first link before 1 ms. */
    rest.size_b = list.size_b - (uint64_t)((dies_ns - 1000) / packet_ns) * WIRE_PAYLOAD_B;
    Flows g = flows_of(&rest, 1);
    double ideal_ns;
    pktsim_ideal(net.route, &g, false, &ideal_ns);
    double least_ns = back_ns + ideal_ns, nack_ns = 4 * 1000 + 5 * packet_ns;
    if (!(s.fct_ns[0] >= least_ns - packet_ns && s.fct_ns[0] <= least_ns + nack_ns))
        fail_msg("%g, expected %g to %g", s.fct_ns[0], least_ns, least_ns + nack_ns);
    timeline_free(t);
    flows_free(&f);
    flows_free(&g);
    net_free(&net);
}

/* Racks 4 and 5 of two hosts each, joined by spines 6 and 7. */
static void net_two_spines(Net *n) {
    static const TopoCable cables[] = {
        {0, 4, 10e9, 1000, 0}, {1, 4, 10e9, 1000, 0}, {2, 5, 10e9, 1000, 0}, {3, 5, 10e9, 1000, 0},
        {4, 6, 10e9, 1000, 0}, {4, 7, 10e9, 1000, 0}, {5, 6, 10e9, 1000, 0}, {5, 7, 10e9, 1000, 0}};
    net_build(n, 8, 4, cables, 8);
}

/* Spine 6 dies while 40 flows cross: those that cross 7 lose nothing; the others lose packets until
 * the routes change, and nothing is sent to the dead link after that. */
static void flows_move_to_the_other_spine(void **state) {
    (void)state;
    enum { N = 40 };
    const double dies_ns = 300e3, delay_ns = 100e3;
    Net net;
    net_two_spines(&net);
    TestFlow list[N];
    for (uint32_t i = 0; i < N; i++) list[i] = (TestFlow){i % 2, 2 + i / 2 % 2, 100000, i * 5000};
    Flows f = flows_of(list, N);
    NetConf conf;
    netconf_default(&conf);
    Timeline *t = events_of(&net, "300us:fail:6", delay_ns);
    static Seen s;
    s.watched = link_between(&net, 4, 6);
    simulate(&net, &f, &conf, t, &s);
    assert_int_equal(s.stats.n_finished, N);
    assert_int_equal(s.stats.n_unreachable, 0);
    assert_true(s.stats.n_lost > 0);
    uint16_t sport[N];
    route_sports(&net.topo, f.src, f.dst, N, sport);
    size_t n_over_6 = 0;
    for (size_t i = 0; i < N; i++) {
        uint32_t there[8], back[8];
        route_path(net.route, f.src[i], f.dst[i], sport[i], ROUTE_DPORT, there);
        route_path(net.route, f.dst[i], f.src[i], ROUTE_DPORT, sport[i], back);
        bool over_6 = net.topo.links[there[1]].to == 6 || net.topo.links[back[1]].to == 6;
        n_over_6 += over_6;
        if (!over_6) assert_int_equal(s.n_drops_of[i], 0);
    }
    assert_true(n_over_6 > 0 && n_over_6 < N);
    /* The port still sends what had been queued for it. */
    double queue_ns = 400 * 1024 * 8 / 10.0;
    assert_true(s.last_used_ns > dies_ns && s.last_used_ns <= dies_ns + delay_ns + queue_ns);
    timeline_free(t);
    flows_free(&f);
    net_free(&net);
}

/* A host with links to two switches goes on by the second NIC. */
static void a_host_changes_its_nic(void **state) {
    (void)state;
    static const TopoCable cables[] = {{0, 3, 10e9, 1000, 0}, {0, 4, 10e9, 1000, 0},
                                       {1, 3, 10e9, 1000, 0}, {1, 4, 10e9, 1000, 0},
                                       {2, 3, 10e9, 1000, 0}, {2, 4, 10e9, 1000, 0}};
    Net net;
    net_build(&net, 5, 3, cables, 6);
    TestFlow list[] = {{0, 1, 2000000, 0}, {0, 2, 2000000, 0}, {1, 0, 2000000, 0},
                       {0, 1, 2000000, 5}, {2, 0, 2000000, 9}, {0, 2, 2000000, 11}};
    Flows f = flows_of(list, 6);
    for (Cc cc = 0; cc < CC_N; cc++) {
        NetConf conf;
        netconf_default(&conf);
        conf.cc = cc;
        Timeline *t = events_of(&net, "200us:fail:0-3+900us:restore:0-3+1ms:fail:0-4", 20e3);
        static Seen s;
        simulate(&net, &f, &conf, t, &s);
        assert_int_equal(s.stats.n_finished, 6);
        assert_true(s.stats.n_lost > 0);
        timeline_free(t);
    }
    flows_free(&f);
    net_free(&net);
}

/* Of hosts that are cut off for good flows end at once, and later ones never begin. */
static void cut_off_flows_are_counted(void **state) {
    (void)state;
    Net net;
    net_star(&net, 4, 10e9, 1000);
    TestFlow list[] = {
        {0, 1, 10000000, 0}, {2, 3, 10000000, 0}, {0, 2, 10000, 3000000}, {2, 3, 10000, 4000000}};
    Flows f = flows_of(list, 4);
    NetConf conf = no_control();
    Timeline *t = events_of(&net, "1ms:fail:0-4", 50e3);
    static Seen s;
    simulate(&net, &f, &conf, t, &s);
    assert_true(isnan(s.fct_ns[0]) && isnan(s.fct_ns[2]));
    assert_true(s.fct_ns[1] > 0 && s.fct_ns[3] > 0);
    assert_int_equal(s.stats.n_unreachable, 2);
    assert_int_equal(s.stats.first_unreachable, 0);
    assert_true(s.stats.sim_ns < 20e6);
    timeline_free(t);
    flows_free(&f);
    net_free(&net);
}

/* ---- random events ---- */

static const Link *random_cable(const Net *net, Rng *rng) {
    return &net->topo.links[rng_below(rng, net->topo.n_links)];
}

/* Several events, after which all links are as they were built. */
static void random_events(const Net *net, Rng *rng, char *text, size_t room) {
    size_t len = 0;
    char undo[600] = "";
    for (uint64_t n = 1 + rng_below(rng, 6); n > 0; n--) {
        const Link *l = random_cable(net, rng);
        unsigned long long a = net->topo.node_id[l->from], b = net->topo.node_id[l->to];
        static const char *const what[] = {"fail:%llu-%llu", "degrade:%llu-%llu=0.3x",
                                           "degrade:%llu-%llu=2%%", "restore:%llu-%llu"};
        char one[60], again[80];
        snprintf(one, sizeof one, what[rng_below(rng, 4)], a, b);
        len += (size_t)snprintf(text + len, room - len, "%uus:%s+", (unsigned)rng_below(rng, 400),
                                one);
        snprintf(again, sizeof again, "%s%uus:restore:%llu-%llu", *undo ? "+" : "",
                 500 + (unsigned)rng_below(rng, 300), a, b);
        strncat(undo, again, sizeof undo - strlen(undo) - 1);
    }
    snprintf(text + len, room - len, "%s", undo);
}

/* With every control, with and without PFC: all flows finish in the end, no byte is lost track of,
 * and the same run gives the same times. */
static void random_events_end_well(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        Rng rng = rng_stream(seed, "events", 0);
        Net net;
        if (seed % 2) net_two_spines(&net);
        else net_clos(&net);
        NetConf conf;
        netconf_default(&conf);
        conf.cc = (Cc)(seed % CC_N);
        conf.pfc = rng_below(&rng, 2);
        conf.buffer_b = 100e3;
        Flows f = net_random_flows(&net, 100, 400e3, seed);
        char text[1400];
        random_events(&net, &rng, text, sizeof text);
        Timeline *t = events_of(&net, text, (double)rng_below(&rng, 100000));
        static Seen a, b;
        simulate(&net, &f, &conf, t, &a);
        simulate(&net, &f, &conf, t, &b);
        if (a.stats.n_finished != f.n)
            fail_msg("%s: seed %d: %d of %d flows finished", text, (int)seed,
                     (int)a.stats.n_finished, (int)f.n);
        assert_memory_equal(a.fct_ns, b.fct_ns, f.n * sizeof(double));
        assert_int_equal(a.stats.sent_b, a.stats.received_b + a.stats.dropped_b);
        assert_int_equal(a.stats.n_unreachable, 0);
        timeline_free(t);
        flows_free(&f);
        net_free(&net);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_runs_are_the_same),
        cmocka_unit_test(a_flow_waits_for_its_only_cable),
        cmocka_unit_test(flows_move_to_the_other_spine),
        cmocka_unit_test(a_host_changes_its_nic),
        cmocka_unit_test(cut_off_flows_are_counted),
        cmocka_unit_test(random_events_end_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
