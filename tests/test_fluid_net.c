/* The fluid simulation of whole networks: max-min fair rates on any links, and who is alive. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "fluid/netfluid.h"
#include "fluid/netrates.h"
#include "net/wire.h"
#include "packet_net.h"

static void near(double got, double want, double tolerance) {
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g ± %g", got, want, tolerance);
}

/* ---- rates ---- */

enum { N_LINKS = 40, MAX_PATH = 6, MAX_FLOWS = 200 };

enum { STEP = 1 };

/* Is the flow at the rate that link l gives, which carries `load` without what was used before? */
static bool holds(const NetLink *l, double load, double rate, double fastest) {
    if (rate < fastest * (1 - 1e-9)) return false;
    double u = (l->used + load) / l->target;
    return load >= l->left * (1 - 1e-9) || (u > 1 && rate >= STEP * u / (u - 1) * (1 - 1e-9));
}

/* The definition: no link is overloaded or gives flows more than goes with its utilisation, and
 * every flow is at its limit or at the rate that a link gives on which no flow is faster. */
static void assert_maxmin(const NetRates *r, const NetLink *link) {
    double load[N_LINKS] = {0}, fastest[N_LINKS] = {0};
    for (uint32_t i = 0; i < r->n; i++)
        for (uint32_t k = 0; k < r->n_links[i]; k++) {
            uint32_t l = r->links[i * r->max_links + k];
            load[l] += r->rate[i];
            fastest[l] = fmax(fastest[l], r->rate[i]);
        }
    for (int l = 0; l < N_LINKS; l++) {
        double u = (link[l].used + load[l]) / link[l].target;
        assert_true(load[l] <= link[l].left * (1 + 1e-9));
        if (u > 1 + 1e-9) assert_true(fastest[l] <= STEP * u / (u - 1) * (1 + 1e-6));
    }
    for (uint32_t i = 0; i < r->n; i++) {
        bool held = r->rate[i] >= r->limit[i] * (1 - 1e-9);
        for (uint32_t k = 0; k < r->n_links[i] && !held; k++) {
            uint32_t l = r->links[i * r->max_links + k];
            held = holds(&link[l], load[l], r->rate[i], fastest[l]);
        }
        if (!held) fail_msg("flow %u could be faster than %g", i, r->rate[i]);
    }
}

static NetLink random_link(Rng *rng) {
    double rate = 1 + 40 * rng_u01(rng), used = rate * 0.5 * rng_u01(rng);
    bool has_target = rng_below(rng, 2) == 0;
    return (NetLink){.left = rate - used,
                     .used = used,
                     .target = has_target ? rate * (0.5 + 0.5 * rng_u01(rng)) : INFINITY};
}

static void add_random(NetRates *r, Rng *rng) {
    uint32_t links[MAX_PATH], n = 1 + (uint32_t)rng_below(rng, MAX_PATH);
    uint32_t first = (uint32_t)rng_below(rng, N_LINKS);
    for (uint32_t k = 0; k < n; k++) links[k] = (first + k * 7) % N_LINKS;
    netrates_add(r, links, n, rng_below(rng, 3) == 0 ? 1 + 10 * rng_u01(rng) : 5);
}

static void rates_are_maxmin(void **state) {
    (void)state;
    Rng rng = rng_stream(1, "rates", 0);
    for (int round = 0; round < 200; round++) {
        NetRates r;
        NetLink link[N_LINKS];
        netrates_init(&r, N_LINKS, MAX_PATH);
        for (int l = 0; l < N_LINKS; l++) link[l] = random_link(&rng);
        uint32_t n = 1 + (uint32_t)rng_below(&rng, MAX_FLOWS);
        for (uint32_t i = 0; i < n; i++) add_random(&r, &rng);
        netrates_fill(&r, link, STEP);
        assert_maxmin(&r, link);
        /* Every third flow leaves; rates are those of the others alone. */
        uint32_t to = 0;
        for (uint32_t i = 0; i < n; i++)
            if (i % 3 != 0) netrates_move(&r, i, to++);
        netrates_resize(&r, to);
        netrates_fill(&r, link, STEP);
        assert_maxmin(&r, link);
        netrates_free(&r);
    }
}

/* Two flows on a link of 10, one of which is limited to 3 elsewhere: 3 and 7. */
static void what_one_leaves_the_other_gets(void **state) {
    (void)state;
    NetRates r;
    const NetLink link[] = {{.left = 10, .target = INFINITY}, {.left = 3, .target = INFINITY}};
    const uint32_t both[] = {0, 1};
    netrates_init(&r, 2, 2);
    netrates_add(&r, both, 1, 100);
    netrates_add(&r, both, 2, 100);
    netrates_fill(&r, link, 0);
    near(r.rate[0], 7, 1e-12);
    near(r.rate[1], 3, 1e-12);
    netrates_free(&r);
}

/* Flows alone on a link fill its target and a step each, at most all of it. */
static void flows_fill_the_target_and_steps(void **state) {
    (void)state;
    NetLink link = {.left = 100, .target = 70};
    NetRates r;
    netrates_init(&r, 1, 1);
    for (uint32_t n = 1; n <= 12; n++) {
        netrates_add(&r, (const uint32_t[]){0}, 1, 1000);
        netrates_fill(&r, &link, 5);
        for (uint32_t i = 0; i < n; i++) near(r.rate[i], fmin(70 + 5.0 * n, 100) / n, 1e-9);
    }
    netrates_free(&r);
}

/* ---- states ---- */

typedef struct {
    Net net;
    Flows flows;
    uint16_t *sport;
    FlowSource source;
    NetConf conf;
} Case;

/* Hosts of 10 Gb/s on one switch; a window that never limits. */
static void case_init(Case *c, size_t n) {
    net_star(&c->net, 8, 10e9, 1000);
    flows_init(&c->flows, n);
    c->sport = MEM_ZNEW(uint16_t, n);
    netconf_default(&c->conf);
    c->conf.line_window_b = 1e6;
}

static void case_ready(Case *c) {
    route_sports(&c->net.topo, c->flows.src, c->flows.dst, c->flows.n, c->sport);
    c->source = flowsource_in_memory(&c->flows, c->sport);
}

static void case_free(Case *c) {
    flows_free(&c->flows);
    free(c->sport);
    route_destroy(c->net.route);
    topo_free(&c->net.topo);
}

static void set_flow(Case *c, size_t i, uint32_t src, uint32_t dst, uint64_t size_b, int64_t at) {
    c->flows.src[i] = src;
    c->flows.dst[i] = dst;
    c->flows.size_b[i] = size_b;
    c->flows.start_ns[i] = at;
}

static NetFluidState state_at(const Case *c, int64_t at_ns, bool every_event) {
    NetFluidOptions o = {.every_event = every_event};
    Err err;
    NetFluidState s;
    NetFluid *nf = netfluid_new(c->net.route, &c->source, &c->conf, &o, 2, &err);
    if (!nf) fail_msg("%s", err.msg);
    netfluid_state(nf, at_ns, 1, &s);
    netfluid_destroy(nf);
    return s;
}

/* A flow alone has sent what its line rate gives, headers included, and is gone when all is sent.
 * The second flow only makes the run long, so that the mean shares are small. */
static void alone_at_line_rate(void **state) {
    (void)state;
    Case c = {0};
    case_init(&c, 2);
    set_flow(&c, 0, 0, 1, 10000000, 0);
    set_flow(&c, 1, 2, 3, 100, 1000000000000);
    case_ready(&c);
    for (int every = 0; every < 2; every++) {
        NetFluidState s = state_at(&c, 4000000, every);
        assert_int_equal(s.n, 1);
        double sent_b = 4e-3 * 10e9 / 8 / (1 + WIRE_HEADER_B / 1000.0);
        near(s.flows[0].left_b, 10e6 - sent_b, 0.001 * sent_b);
        near(s.flows[0].rate_bps, 10e9, 1e7);
        netfluid_state_free(&s);
        s = state_at(&c, 9000000, every);
        assert_int_equal(s.n, 0);
        netfluid_state_free(&s);
    }
    case_free(&c);
}

/* Two flows to one host share its link; the one that began first has less left. */
static void two_share_a_link(void **state) {
    (void)state;
    Case c = {0};
    case_init(&c, 3);
    set_flow(&c, 0, 0, 2, 10000000, 0);
    set_flow(&c, 1, 1, 2, 10000000, 2000000);
    set_flow(&c, 2, 4, 5, 100, 1000000000000);
    case_ready(&c);
    NetFluidState s = state_at(&c, 6000000, true);
    double rate_b = 10e9 / 8 / (1 + WIRE_HEADER_B / 1000.0);
    assert_int_equal(s.n, 2);
    near(s.flows[0].left_b, 10e6 - 4e-3 * rate_b, 0.002 * 10e6);
    near(s.flows[1].left_b, 10e6 - 2e-3 * rate_b, 0.002 * 10e6);
    netfluid_state_free(&s);
    case_free(&c);
}

/* The star of `case_init` whose switch has the least of all ids. */
static void switch_first(Case *c) {
    uint64_t id[9];
    uint8_t is_host[9];
    TopoCable cables[8];
    Err err;
    for (uint32_t i = 0; i < 9; i++) {
        id[i] = i;
        is_host[i] = i > 0;
        if (i > 0) cables[i - 1] = (TopoCable){i, 0, 10e9, 1000};
    }
    route_destroy(c->net.route);
    topo_free(&c->net.topo);
    die_on(topo_build(&c->net.topo, "star", id, is_host, NULL, 9, cables, 8, &err), &err);
    c->net.route = route_new(&c->net.topo, &err);
    die_on(c->net.route ? 0 : -1, &err);
}

/* All flows begin together and are equal, so that fluid flows end together, packets' nearly so. */
static void assert_as_long_as_packets(const Case *c) {
    double sent_ns[8], fct_ns[8], longest_ns = 0;
    PktStats stats;
    PktOptions po = {0};
    Err err;
    NetFluid *nf = netfluid_new(c->net.route, &c->source, &c->conf, &(NetFluidOptions){0}, 1, &err);
    die_on(netfluid_run(nf, sent_ns, &(Log){0}, &err), &err);
    die_on(pktsim_run(c->net.route, &c->flows, &c->conf, &po, fct_ns, &stats, &err), &err);
    for (size_t i = 0; i < c->flows.n; i++) longest_ns = fmax(longest_ns, fct_ns[i]);
    near(sent_ns[0] / longest_ns, 1, 0.05);
    netfluid_destroy(nf);
}

/* What HPCC's packets take of a link to a host: the target utilisation, and a step a flow. */
static void hpcc_fills_its_target_and_steps(void **state) {
    (void)state;
    for (size_t n = 1; n <= 7; n += 2)
        for (int renumbered = 0; renumbered < 2; renumbered++) {
            Case c;
            case_init(&c, n);
            if (renumbered) switch_first(&c);
            c.conf.cc = CC_HPCC;
            c.conf.hpcc_eta = 0.7;
            c.conf.hpcc_ai_bps = 400e6;
            for (size_t i = 0; i < n; i++) set_flow(&c, i, (uint32_t)i + 1, 0, 4000000, 0);
            case_ready(&c);
            assert_as_long_as_packets(&c);
            case_free(&c);
        }
}

/* Links at half their rate take twice as long. */
static void capacity_scales_time(void **state) {
    (void)state;
    Case c = {0};
    case_init(&c, 2);
    set_flow(&c, 0, 0, 1, 10000000, 0);
    set_flow(&c, 1, 2, 3, 100, 1000000000000);
    case_ready(&c);
    NetFluidOptions o = {0};
    Err err;
    NetFluidState s;
    NetFluid *nf = netfluid_new(c.net.route, &c.source, &c.conf, &o, 1, &err);
    netfluid_state(nf, 4000000, 0.5, &s);
    assert_int_equal(s.n, 1);
    near(s.flows[0].rate_bps, 5e9, 1e7);
    netfluid_state_free(&s);
    netfluid_destroy(nf);
    case_free(&c);
}

static void random_flows(Case *c, size_t n) {
    Rng rng = rng_stream(7, "flows", 0);
    double at = 0;
    case_init(c, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t src = (uint32_t)rng_below(&rng, 8), dst = (uint32_t)rng_below(&rng, 7);
        double u = rng_u01(&rng);
        at += 12000 * rng_exponential(&rng); /* some half of the hosts' rates */
        set_flow(c, i, src, dst >= src ? dst + 1 : dst, (uint64_t)(200 + 400000 * u * u * u * u),
                 (int64_t)at);
    }
    case_ready(c);
}

/* Steps come to nearly the same as rates at every event, and the state forgets where it began: the
 * flows' reach in the past does not matter. */
static void steps_and_reach_hardly_matter(void **state) {
    (void)state;
    Case c = {0};
    Err err;
    random_flows(&c, 20000);
    NetFluidOptions exact = {.every_event = true, .reach = 500}, usual = {0};
    NetFluid *a = netfluid_new(c.net.route, &c.source, &c.conf, &exact, 1, &err),
             *b = netfluid_new(c.net.route, &c.source, &c.conf, &usual, 2, &err);
    double left_a = 0, left_b = 0, n_a = 0, n_b = 0;
    for (int k = 1; k <= 40; k++) {
        NetFluidState s, t;
        netfluid_state(a, (int64_t)k * 5000000, 1, &s);
        netfluid_state(b, (int64_t)k * 5000000, 1, &t);
        for (size_t i = 0; i < s.n; i++) left_a += s.flows[i].left_b;
        for (size_t i = 0; i < t.n; i++) {
            left_b += t.flows[i].left_b;
            assert_true(t.flows[i].left_b > 0 && t.flows[i].left_b <= (double)t.flows[i].size_b);
            assert_true(i == 0 || t.flows[i].index > t.flows[i - 1].index);
        }
        n_a += (double)s.n;
        n_b += (double)t.n;
        netfluid_state_free(&s);
        netfluid_state_free(&t);
    }
    assert_true(n_a > 40); /* there is something to compare */
    near(left_b / left_a, 1, 0.08);
    near(n_b / n_a, 1, 0.2); /* flows of a few packets come and go within a step */
    netfluid_destroy(a);
    netfluid_destroy(b);
    case_free(&c);
}

/* A run of all flows and the state at a time are two ways to ask who is alive then. */
static void run_and_states_agree(void **state) {
    (void)state;
    Case c = {0};
    Err err;
    random_flows(&c, 4000);
    NetFluidOptions o = {.every_event = true, .reach = 1e6};
    NetFluid *nf = netfluid_new(c.net.route, &c.source, &c.conf, &o, 1, &err);
    double *sent_ns = MEM_NEW(double, c.flows.n);
    assert_int_equal(netfluid_run(nf, sent_ns, NULL, &err), 0);
    int n_alive = 0, n_different = 0;
    for (int k = 1; k <= 20; k++) {
        NetFluidState s;
        int64_t at_ns = (int64_t)k * 2000000;
        netfluid_state(nf, at_ns, 1, &s);
        size_t next = 0;
        for (size_t i = 0; i < c.flows.n && c.flows.start_ns[i] < at_ns; i++) {
            bool in_state = next < s.n && s.flows[next].index == i;
            bool in_run = (double)c.flows.start_ns[i] + sent_ns[i] > (double)at_ns;
            next += in_state;
            n_alive += in_run;
            n_different += in_state != in_run;
        }
        netfluid_state_free(&s);
    }
    assert_true(n_alive > 20);
    assert_true(n_different <= 1 + n_alive / 20);
    for (size_t i = 0; i < c.flows.n; i++) /* no flow is faster than its line */
        assert_true(sent_ns[i] >= wire_bits(c.flows.size_b[i]) / 10e9 * 1e9 * (1 - 1e-6) - 1);
    free(sent_ns);
    netfluid_destroy(nf);
    case_free(&c);
}

/* Half a flow alone takes half its time; with one to the same host that begins later it shares from
 * then on. What is left of it is the packet simulation's word, whatever the fluid would say. */
static void rest_of_given_flows(void **state) {
    (void)state;
    Case c = {0};
    Err err;
    case_init(&c, 3);
    set_flow(&c, 0, 0, 2, 10000000, 0);
    set_flow(&c, 1, 1, 2, 10000000, 7000000);
    set_flow(&c, 2, 4, 5, 100, 1000000000000);
    case_ready(&c);
    NetFluidOptions o = {0};
    NetFluid *nf = netfluid_new(c.net.route, &c.source, &c.conf, &o, 1, &err);
    NetFluidFlow alive[2] = {{.src = 0, .dst = 2, .size_b = 10000000, .left_b = 5000000},
                             {.src = 3, .dst = 4, .size_b = 1000000, .left_b = 1000000}};
    double byte_ns = 8 * (1 + WIRE_HEADER_B / 1000.0) / 10, rest_ns[2] = {0, -1};
    netfluid_rest(nf, 1000000, 1, alive, 2, 1, rest_ns);
    near(rest_ns[0], 5e6 * byte_ns, 0.002 * 5e6 * byte_ns);
    near(rest_ns[1], -1, 0);
    /* Alone for 2 ms, then at half the rate. */
    netfluid_rest(nf, 5000000, 1, alive, 2, 2, rest_ns);
    near(rest_ns[0], 2e6 + 2 * (5e6 * byte_ns - 2e6), 0.02 * 5e6 * byte_ns);
    near(rest_ns[1], 1e6 * byte_ns, 0.01 * 1e6 * byte_ns);
    netfluid_rest(nf, 1000000, 0.5, alive, 2, 1, rest_ns);
    assert_true(rest_ns[0] > 1.9 * 5e6 * byte_ns);
    netfluid_destroy(nf);
    case_free(&c);
}

/* Going on from a state comes to when the flows of a whole run end. */
static void rest_agrees_with_run(void **state) {
    (void)state;
    Case c = {0};
    Err err;
    random_flows(&c, 4000);
    NetFluidOptions exact = {.every_event = true, .reach = 1e6}, usual = {0};
    NetFluid *run = netfluid_new(c.net.route, &c.source, &c.conf, &exact, 1, &err),
             *nf = netfluid_new(c.net.route, &c.source, &c.conf, &usual, 1, &err);
    double *sent_ns = MEM_NEW(double, c.flows.n), want = 0, got = 0;
    assert_int_equal(netfluid_run(run, sent_ns, NULL, &err), 0);
    for (int k = 1; k <= 20; k++) {
        NetFluidState s;
        int64_t at_ns = (int64_t)k * 2000000;
        netfluid_state(run, at_ns, 1, &s);
        double *rest_ns = MEM_NEW(double, s.n + 1);
        netfluid_rest(nf, at_ns, 1, s.flows, s.n, s.n, rest_ns);
        for (size_t i = 0; i < s.n; i++) {
            size_t f = s.flows[i].index;
            double end_ns = (double)c.flows.start_ns[f] + sent_ns[f] - (double)at_ns;
            assert_true(rest_ns[i] > 0);
            if (end_ns < 20000) continue; /* less than a step */
            want += end_ns;
            got += rest_ns[i];
        }
        free(rest_ns);
        netfluid_state_free(&s);
    }
    near(got / want, 1, 0.05);
    free(sent_ns);
    netfluid_destroy(run);
    netfluid_destroy(nf);
    case_free(&c);
}

/* ---- flows that wait for others ---- */

/* Runs a case whose flows have a graph; start_ns[n]. */
static void follow(Case *c, const double *rest_ns, int64_t *start_ns) {
    Err err;
    FlowGraph *g = c->flows.graph;
    case_ready(c);
    flowgraph_keep_list(g, c->flows.start_ns);
    NetFluid *nf = netfluid_new(c->net.route, &c->source, &c->conf,
                                &(NetFluidOptions){.least_span_ns = 1e9}, 1, &err);
    double *end_ns = MEM_NEW(double, c->flows.n);
    die_on(netfluid_follow(nf, g, rest_ns, 1, start_ns, end_ns, NULL, &err), &err);
    for (size_t i = 0; i < c->flows.n; i++) assert_true(end_ns[i] > (double)start_ns[i]);
    free(end_ns);
    netfluid_destroy(nf);
}

/* Two flows share a link; a third one waits for both, a fourth for the third and for its time. */
static void followers_start_at_ends(void **state) {
    (void)state;
    Case c;
    case_init(&c, 4);
    c.flows.graph = flowgraph_new();
    set_flow(&c, 0, 1, 0, 1000000, 5000);
    set_flow(&c, 1, 2, 0, 1000000, 5000);
    set_flow(&c, 2, 0, 3, 1000, 5000);
    set_flow(&c, 3, 3, 4, 1000, 9000000);
    for (uint32_t i = 0; i < 4; i++) {
        flowgraph_flow(c.flows.graph, FLOWGRAPH_NONE, i == 2 ? 700 : 0);
        if (i == 2) flowgraph_wait(c.flows.graph, 0), flowgraph_wait(c.flows.graph, 1);
        if (i == 3) flowgraph_wait(c.flows.graph, 2);
    }
    const double rest_ns[4] = {100, 300, 0, 0};
    int64_t start_ns[4];
    follow(&c, rest_ns, start_ns);
    near((double)start_ns[2], 5000 + 2 * 1000 * 1048 * 8e9 / 10e9 + 300 + 700, 3000);
    assert_int_equal(start_ns[3], 9000000);
    case_free(&c);
}

/* A chain of flows shorter than a step takes the sum of their times, however many there are. */
static void chains_do_not_grow_by_steps(void **state) {
    (void)state;
    enum { N = 500 };
    Case c;
    case_init(&c, N);
    c.flows.graph = flowgraph_new();
    double rest_ns[N], wire_ns = 1048 * 8e9 / 10e9;
    int64_t start_ns[N];
    for (uint32_t i = 0; i < N; i++) {
        set_flow(&c, i, i % 8, (i + 1) % 8, 1000, 0);
        flowgraph_flow(c.flows.graph, FLOWGRAPH_NONE, 0);
        if (i > 0) flowgraph_wait(c.flows.graph, i - 1);
        rest_ns[i] = 2000 + wire_ns;
    }
    follow(&c, rest_ns, start_ns);
    double expected = (N - 1) * (2 * wire_ns + 2000);
    near((double)start_ns[N - 1] / expected, 1, 0.01);
    case_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rates_are_maxmin),
                                       cmocka_unit_test(what_one_leaves_the_other_gets),
                                       cmocka_unit_test(alone_at_line_rate),
                                       cmocka_unit_test(two_share_a_link),
                                       cmocka_unit_test(flows_fill_the_target_and_steps),
                                       cmocka_unit_test(hpcc_fills_its_target_and_steps),
                                       cmocka_unit_test(capacity_scales_time),
                                       cmocka_unit_test(steps_and_reach_hardly_matter),
                                       cmocka_unit_test(run_and_states_agree),
                                       cmocka_unit_test(rest_of_given_flows),
                                       cmocka_unit_test(rest_agrees_with_run),
                                       cmocka_unit_test(followers_start_at_ends),
                                       cmocka_unit_test(chains_do_not_grow_by_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
