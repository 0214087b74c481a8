/* Flows that wait for others, and jobs made of them: completion times of collectives on an idle
 * network follow from ideal times, to the picosecond; every flow starts when, and only when, the
 * last of those it waits for has finished and its delay is over. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "net/netconf.h"
#include "net/wire.h"
#include "packet_net.h"
#include "traffic/jobs.h"

/* Line rate, and room for everything. */
static NetConf no_control(void) {
    NetConf conf;
    netconf_default(&conf);
    conf.cc = CC_NONE;
    conf.line_window_b = 1e9;
    conf.buffer_b = 1e9;
    return conf;
}

/* Simulates, and leaves starts in f->graph->started_ns, in the order of the list. */
static double *simulate(const Net *net, Flows *f) {
    NetConf conf = no_control();
    double *fct_ns = MEM_NEW(double, f->n);
    f->graph->started_ns = MEM_NEW(double, f->n);
    PktOptions o = {.started_ns = f->graph->started_ns};
    Err err = {0};
    die_on(pktsim_run(net->route, f, &conf, &o, fct_ns, NULL, &err), &err);
    return fct_ns;
}

static double end_of(const Flows *f, const double *fct_ns) {
    double end = 0;
    for (size_t i = 0; i < f->n; i++) end = fmax(end, f->graph->started_ns[i] + fct_ns[i]);
    return end;
}

/* Start of each flow = latest end of what it waits for + delay, or its own start. */
static void check_starts(const Flows *f, const double *fct_ns) {
    const FlowGraph *g = f->graph;
    for (size_t i = 0; i < f->n; i++) {
        double ready = 0;
        for (size_t k = g->first[i]; k < g->first[i + 1]; k++)
            ready = fmax(ready, g->started_ns[g->after[k]] + fct_ns[g->after[k]]);
        if (flowgraph_waits(g, i)) ready += (double)g->delay_ns[i];
        ready = fmax(ready, (double)f->start_ns[i]);
        assert_true(fabs(g->started_ns[i] - ready) < 1e-3);
    }
}

static Flows draw(const Net *net, const char *jobs_json, uint64_t seed) {
    Flows f = {0};
    TrafficJobs jobs;
    Err err = {0};
    JsonDoc *doc = json_parse(jobs_json, strlen(jobs_json), "jobs", &err);
    if (!doc) fail_msg("%s", err.msg);
    Json root = json_root(doc);
    if (jobs_read(&jobs, &root, &err) != 0) fail_msg("%s", err.msg);
    if (jobs_draw(&jobs, &net->topo, seed, &f, &err) != 0) fail_msg("%s", err.msg);
    jobs_free(&jobs);
    json_close(doc);
    return f;
}

/* A lone flow of so many bytes between two hosts of a star. */
static double alone_ns(const Net *net, uint64_t size_b) {
    TestFlow one = {0, 1, size_b, 0};
    Flows f = flows_of(&one, 1);
    double ideal;
    pktsim_ideal(net->route, &f, false, &ideal);
    flows_free(&f);
    return ideal;
}

/* A chain of flows, each `delay` after the one before: the sum of ideal times and delays. */
static void chain_is_a_sum(void **state) {
    (void)state;
    Net net;
    net_star(&net, 4, 100e9, 700);
    enum { N = 20 };
    TestFlow list[N];
    for (uint32_t i = 0; i < N; i++) list[i] = (TestFlow){i % 4, (i + 1) % 4, 100 + 777 * i, 0};
    Flows f = flows_of(list, N);
    f.graph = flowgraph_new();
    double sum = 0;
    for (uint32_t i = 0; i < N; i++) {
        flowgraph_flow(f.graph, FLOWGRAPH_NONE, 2000);
        if (i > 0) flowgraph_wait(f.graph, i - 1);
        sum += alone_ns(&net, list[i].size_b) + (i > 0 ? 2000 : 0);
    }
    double *fct_ns = simulate(&net, &f);
    check_starts(&f, fct_ns);
    assert_true(fabs(end_of(&f, fct_ns) - sum) < 1e-3);

    /* The same from durations alone. */
    int64_t start_ns[N] = {0};
    flowgraph_starts(f.graph, fct_ns, start_ns);
    for (int i = 0; i < N; i++)
        assert_true(start_ns[i] == (int64_t)ceil(f.graph->started_ns[i] - 1e-6));
    free(fct_ns);
    flows_free(&f);
    net_free(&net);
}

/* A refused run leaves the flows as they were; one that goes through leaves times and starts. */
static void flows_keep_what_a_run_finds(void **state) {
    (void)state;
    Net net;
    net_star(&net, 4, 100e9, 700);
    TestFlow list[] = {{0, 1, 50000, 0}, {2, 3, 90000, 10}, {1, 2, 3000, 20}};
    Flows f = flows_of(list, 3);
    f.graph = flowgraph_new();
    for (uint32_t i = 0; i < 3; i++) flowgraph_flow(f.graph, FLOWGRAPH_NONE, 0);
    flowgraph_wait(f.graph, 1);
    NetConf conf = no_control();
    PktOptions refused = {.compat = true}, plain = {0};
    Err err = {0};
    assert_int_equal(pktsim_simulate(net.route, &f, &conf, &refused, NULL, &err), -1);
    assert_null(f.fct_ns);
    assert_null(f.ideal_fct_ns);
    assert_null(f.graph->started_ns);
    for (int i = 0; i < 3; i++) assert_int_equal(f.start_ns[i], list[i].start_ns);

    die_on(pktsim_simulate(net.route, &f, &conf, &plain, NULL, &err), &err);
    for (int i = 0; i < 3; i++) assert_true(f.fct_ns[i] >= f.ideal_fct_ns[i] - 1e-3);
    check_starts(&f, f.fct_ns);
    assert_true(f.start_ns[2] > 1000);
    flows_free(&f);
    net_free(&net);
}

/* 2 (N − 1) steps of B / N bytes: each takes the ideal time, and from the second one on the ACK of
 * the packet that it waited for goes first. */
static void ring_all_reduce_of_single_packets(void **state) {
    (void)state;
    for (uint32_t n = 2; n <= 9; n++) {
        Net net;
        char text[200];
        net_star(&net, n, 100e9, 1000);
        snprintf(
            text, sizeof text,
            "[{\"kind\": \"collective\", \"op\": \"all-reduce\", \"ranks\": %u, \"size\": %u}]", n,
            n * 1000);
        Flows f = draw(&net, text, 1);
        assert_int_equal(f.n, 2 * n * (n - 1));
        double *fct_ns = simulate(&net, &f), ack_ns = WIRE_ACK_B * 8e9 / 100e9,
               steps = 2.0 * (n - 1);
        check_starts(&f, fct_ns);
        double expected = steps * alone_ns(&net, 1000) + (steps - 1) * ack_ns;
        if (fabs(end_of(&f, fct_ns) - expected) > 1e-3)
            fail_msg("%u ranks: %.3f for %.3f", n, end_of(&f, fct_ns), expected);
        free(fct_ns);
        flows_free(&f);
        net_free(&net);
    }
}

/* Of many packets: between the ideal times of the steps and these with an ACK for each packet. */
static void ring_all_reduce_at_line_rate(void **state) {
    (void)state;
    Net net;
    net_star(&net, 8, 100e9, 1000);
    Flows f = draw(&net,
                   "[{\"kind\": \"collective\", \"op\": \"all-reduce\", \"ranks\": 8, "
                   "\"size\": \"8MB\"}]",
                   1);
    double *fct_ns = simulate(&net, &f), least = 14 * alone_ns(&net, 1000000),
           end = end_of(&f, fct_ns);
    check_starts(&f, fct_ns);
    assert_true(end >= least && end <= least * (1 + 2.0 * WIRE_ACK_B / 1048));
    free(fct_ns);
    flows_free(&f);
    net_free(&net);
}

/* Other collectives against theory: steps one after the other, each of the time of its bytes at
 * line rate and one way; what a link serves of several flows at once counts as one. */
static void other_collectives_at_line_rate(void **state) {
    (void)state;
    enum { S = 8000000 };
    Net net;
    net_star(&net, 8, 100e9, 1000);
    double eighth = alone_ns(&net, S / 8), whole = alone_ns(&net, S),
           way = whole - 8e9 / 100e9 * S * 1.048;
    const struct {
        const char *op, *algorithm;
        uint32_t ranks;
        double least;
    } cases[] = {
        {"all-gather", "ring", 8, 7 * eighth},
        {"reduce-scatter", "ring", 8, 7 * eighth},
        {"all-reduce", "halving-doubling", 8,
         2 * (alone_ns(&net, S / 2) + alone_ns(&net, S / 4) + eighth)},
        {"all-to-all", "direct", 8, 7 * (eighth - way) + way},
        {"all-reduce", "tree", 7, 4 * (2 * (whole - way) + way)},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[300];
        snprintf(text, sizeof text,
                 "[{\"kind\": \"collective\", \"op\": \"%s\", \"algorithm\": \"%s\", "
                 "\"ranks\": %u, \"size\": %d}]",
                 cases[c].op, cases[c].algorithm, cases[c].ranks, S);
        Flows f = draw(&net, text, 1);
        double *fct_ns = simulate(&net, &f), end = end_of(&f, fct_ns), least = cases[c].least;
        check_starts(&f, fct_ns);
        if (end < least - 1 || end > least * 1.1)
            fail_msg("%s %s: %.0f ns for %.0f", cases[c].op, cases[c].algorithm, end, least);
        free(fct_ns);
        flows_free(&f);
    }
    net_free(&net);
}

/* Parts that come together stay in order on a ring whose hops differ: many iterations take that
 * many times one, whatever the last packet of a part holds. */
static void parts_of_a_ring_do_not_gather(void **state) {
    (void)state;
    double took[2];
    for (int many = 0; many < 2; many++) {
        Net net;
        net_clos(&net);
        Flows f = draw(&net,
                       many ? "[{\"kind\": \"collective\", \"op\": \"all-reduce\", \"ranks\": 16, "
                              "\"size\": 500000, \"iterations\": 12}]"
                            : "[{\"kind\": \"collective\", \"op\": \"all-reduce\", \"ranks\": 16, "
                              "\"size\": 500000}]",
                       1);
        double *fct_ns = simulate(&net, &f);
        check_starts(&f, fct_ns);
        took[many] = end_of(&f, fct_ns);
        free(fct_ns);
        flows_free(&f);
        net_free(&net);
    }
    assert_true(fabs(took[1] / took[0] / 12 - 1) < 0.05);
}

/* What each operation sends in all, of a size that nothing divides. */
static void collectives_send_what_they_must(void **state) {
    (void)state;
    static const struct {
        const char *op, *algorithm;
        uint32_t n;
        uint64_t flows, bytes; /* bytes in units of the size, times n */
    } cases[] = {
        {"all-reduce", "ring", 7, 2 * 7 * 6, 2 * 7 * 6},
        {"all-gather", "ring", 7, 7 * 6, 7 * 6},
        {"reduce-scatter", "ring", 7, 7 * 6, 7 * 6},
        {"all-reduce", "tree", 7, 2 * 6, 2 * 6 * 7},
        {"all-to-all", "direct", 7, 7 * 6, 7 * 6},
        {"all-reduce", "halving-doubling", 8, 2 * 8 * 3, 2 * 8 * 7},
    };
    Net net;
    net_star(&net, 9, 100e9, 1000);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const uint64_t size = 1000003;
        char text[300];
        snprintf(
            text, sizeof text,
            "[{\"kind\": \"collective\", \"op\": \"%s\", \"algorithm\": \"%s\", \"ranks\": %u, "
            "\"size\": %llu, \"iterations\": 2, \"gap\": \"3us\"}]",
            cases[c].op, cases[c].algorithm, cases[c].n, (unsigned long long)size);
        Flows f = draw(&net, text, 1);
        uint64_t sum = 0;
        assert_int_equal(f.n, 2 * cases[c].flows);
        for (size_t i = 0; i < f.n; i++) sum += f.size_b[i];
        double expected = 2.0 * (double)cases[c].bytes * (double)size / cases[c].n;
        assert_true(fabs((double)sum - expected) <= (double)f.n); /* parts are whole bytes */
        double *fct_ns = simulate(&net, &f);
        check_starts(&f, fct_ns);

        /* No rank begins again before it has received its last flow; up a tree, leaves may. */
        bool tree = strcmp(cases[c].algorithm, "tree") == 0;
        for (size_t i = 0; i < f.n && !tree; i++)
            for (size_t k = 0; k < f.n && f.graph->job[i] == 1; k++)
                if (f.graph->job[k] == 0 && f.dst[k] == f.src[i])
                    assert_true(f.graph->started_ns[i] >=
                                f.graph->started_ns[k] + fct_ns[k] - 1e-3);
        free(fct_ns);
        flows_free(&f);
    }
    net_free(&net);
}

/* An incast of n to 1: the receiver's link is busy without a break from the first packet's arrival
 * on, so that the query takes its serialisation and one way more. */
static void incast_fills_the_receivers_link(void **state) {
    (void)state;
    Net net;
    net_star(&net, 9, 100e9, 1000);
    Flows f = draw(&net,
                   "[{\"kind\": \"incast\", \"senders\": 8, \"size\": \"20KB\", \"count\": 3, "
                   "\"period\": \"1ms\", \"receiver\": 4}]",
                   5);
    assert_int_equal(f.n, 24);
    double *fct_ns = simulate(&net, &f), packet_ns = 1048 * 8e9 / 100e9;
    for (uint32_t q = 0; q < 3; q++) {
        double end = 0;
        for (size_t i = 0; i < f.n; i++) {
            if (f.graph->job[i] != q) continue;
            assert_int_equal(f.dst[i], 4);
            assert_int_equal(f.start_ns[i], q * 1000000);
            end = fmax(end, f.graph->started_ns[i] + fct_ns[i] - q * 1e6);
        }
        assert_true(fabs(end - (160 * packet_ns + packet_ns + 2000)) < 1e-3);
    }
    free(fct_ns);
    flows_free(&f);
    net_free(&net);
}

/* Calls one after the other: the next one `gap` after the last reply, each reply `think` after its
 * request; the same parties with the same seed, others with another. */
static void calls_wait_for_replies(void **state) {
    (void)state;
    const char *text =
        "[{\"kind\": \"rpc\", \"fan_out\": 3, \"request\": \"500B\", \"reply\": \"9KB\", "
        "\"think\": \"7us\", \"count\": 4, \"gap\": \"50us\"}]";
    Net net;
    net_star(&net, 9, 100e9, 1000);
    Flows f = draw(&net, text, 5), again = draw(&net, text, 5), other = draw(&net, text, 6);
    assert_int_equal(f.n, 24);
    assert_memory_equal(f.src, again.src, f.n * sizeof *f.src);
    assert_memory_not_equal(f.src, other.src, f.n * sizeof *f.src);
    double *fct_ns = simulate(&net, &f), last_end = 0;
    check_starts(&f, fct_ns);
    for (uint32_t q = 0; q < 4; q++) {
        double first = INFINITY, end = 0;
        for (size_t i = 0; i < f.n; i++) {
            if (f.graph->job[i] != q) continue;
            first = fmin(first, f.graph->started_ns[i]);
            end = fmax(end, f.graph->started_ns[i] + fct_ns[i]);
        }
        assert_true(fabs(first - (q > 0 ? last_end + 50000 : 0)) < 1e-3);
        last_end = end;
    }
    free(fct_ns);
    flows_free(&f), flows_free(&again), flows_free(&other);
    net_free(&net);
}

/* --- graphs --- */

/* Random graphs without circles: an order puts each behind all that it waits for, also after a
 * permutation; one wait back closes a circle, which is noticed. */
static void orders_and_circles(void **state) {
    (void)state;
    enum { N = 60 };
    for (uint64_t seed = 0; seed < 50; seed++) {
        Rng r = rng_stream(seed, "graph", 0);
        FlowGraph *g = flowgraph_new();
        for (uint32_t i = 0; i < N; i++) {
            flowgraph_flow(g, i % 3, i);
            for (uint32_t k = (uint32_t)rng_below(&r, 4); i > 0 && k > 0; k--)
                flowgraph_wait(g, (uint32_t)rng_below(&r, i));
        }
        size_t perm[N];
        uint32_t shuffled[N], order[N], at[N];
        for (uint32_t i = 0; i < N; i++) shuffled[i] = i;
        rng_shuffle_u32(&r, shuffled, N);
        for (uint32_t i = 0; i < N; i++) perm[i] = shuffled[i];
        flowgraph_permute(g, perm);
        for (uint32_t i = 0; i < N; i++) {
            assert_int_equal(g->delay_ns[i], shuffled[i]);
            assert_int_equal(g->job[i], shuffled[i] % 3);
        }
        assert_int_equal(flowgraph_order(g, order), N);
        for (uint32_t i = 0; i < N; i++) at[order[i]] = i;
        for (uint32_t i = 0; i < N; i++)
            for (size_t k = g->first[i]; k < g->first[i + 1]; k++)
                assert_true(at[g->after[k]] < at[i]);
        flowgraph_flow(g, 0, 0);
        flowgraph_wait(g, N);
        assert_true(flowgraph_order(g, (uint32_t[N + 1]){0}) == N);
        flowgraph_destroy(g);
    }
}

static void bad_jobs_are_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"[]", "at least one job"},
        {"[{}]", "missing key \"kind\""},
        {"[{\"kind\": \"icast\"}]", "expected one of incast, rpc, collective"},
        {"[{\"kind\": \"incast\", \"size\": 3}]", "missing key \"senders\""},
        {"[{\"kind\": \"incast\", \"senders\": 0, \"size\": \"3KB\"}]", "must be at least 1"},
        {"[{\"kind\": \"incast\", \"senders\": 3, \"size\": 0}]", "from 1 B"},
        {"[{\"kind\": \"incast\", \"senders\": 3, \"size\": \"3KB\", \"gap\": \"1us\", \"period\": "
         "\"1us\"}]",
         "period or gap"},
        {"[{\"kind\": \"incast\", \"senders\": 3, \"size\": \"3KB\", \"jiter\": \"1us\"}]",
         "did you mean \"jitter\""},
        {"[{\"kind\": \"incast\", \"senders\": 3, \"size\": \"3KB\", \"start\": \"-1us\"}]",
         "[0].start"},
        {"[{\"kind\": \"collective\", \"op\": \"all-reduce\", \"ranks\": 1, \"size\": 9000}]",
         "at least 2"},
        {"[{\"kind\": \"collective\", \"op\": \"all-reduce\", \"ranks\": 6, \"size\": 9000, "
         "\"algorithm\": \"halving-doubling\"}]",
         "power of two"},
        {"[{\"kind\": \"collective\", \"op\": \"all-gather\", \"ranks\": 6, \"size\": 9000, "
         "\"algorithm\": \"tree\"}]",
         "all-gather has no algorithm"},
        {"[{\"kind\": \"collective\", \"op\": \"all-reduce\", \"ranks\": 4, \"size\": 9000, "
         "\"hosts\": [1, 2]}]",
         "expected 4 hosts"},
        {"[{\"kind\": \"collective\", \"op\": \"all-to-all\", \"ranks\": 60000, \"size\": "
         "\"1MB\"}]",
         "too many"},
        {"[{\"kind\": \"incast\", \"senders\": 20001, \"size\": \"3KB\", \"count\": 2}]",
         "flows that wait for 400040001 others are too many"},
        {"[{\"kind\": \"rpc\", \"fan_out\": 2000, \"request\": \"9B\", \"reply\": \"9B\", "
         "\"count\": 101}]",
         "flows that wait for 400202000 others are too many"},
        {"[{\"kind\": \"collective\", \"op\": \"all-to-all\", \"ranks\": 1000, \"size\": \"1MB\", "
         "\"iterations\": 2}]",
         "flows that wait for 998001000 others are too many"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Err err = {0};
        TrafficJobs jobs;
        JsonDoc *doc = json_parse(bad[i][0], strlen(bad[i][0]), "jobs", &err);
        Json root = json_root(doc);
        assert_int_equal(jobs_read(&jobs, &root, &err), -1);
        if (!strstr(err.msg, bad[i][1])) fail_msg("%s: %s", bad[i][0], err.msg);
        jobs_free(&jobs);
        json_close(doc);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_is_a_sum),
        cmocka_unit_test(flows_keep_what_a_run_finds),
        cmocka_unit_test(ring_all_reduce_of_single_packets),
        cmocka_unit_test(ring_all_reduce_at_line_rate),
        cmocka_unit_test(other_collectives_at_line_rate),
        cmocka_unit_test(parts_of_a_ring_do_not_gather),
        cmocka_unit_test(collectives_send_what_they_must),
        cmocka_unit_test(incast_fills_the_receivers_link),
        cmocka_unit_test(calls_wait_for_replies),
        cmocka_unit_test(orders_and_circles),
        cmocka_unit_test(bad_jobs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
