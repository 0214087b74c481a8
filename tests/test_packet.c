/* The packet simulation against theory: lone flows, fairness, conservation, losslessness, bounds,
 * determinism. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/par.h"
#include "base/rng.h"
#include "base/stats.h"
#include "net/clos.h"
#include "packet/cc.h"
#include "packet_net.h"

static const char *const controls[] = {"dctcp", "dcqcn", "hp",   "timely",
                                       "none",  "swift", "nscc", "eqds"};
enum { N_CONTROLS = 8 };

static void simulate(const Net *n, const Flows *f, const NetConf *conf, const PktOptions *opt,
                     double *fct, PktStats *st) {
    Err err;
    die_on(pktsim_run(n->route, f, conf, opt, fct, st, &err), &err);
}

/* ---- sizes ---- */

/* Controls that settings can name say the same sizes as net/wire, which features go by. */
static void sizes_are_the_wires(void **state) {
    (void)state;
    for (int cc = 0; cc < CC_N; cc++) {
        const CongestionControl *c = cc_find(netconf_cc_name((Cc)cc));
        assert_non_null(c);
        assert_int_equal(c->header_b, wire_header_b((Cc)cc));
        assert_int_equal(c->ack_b, wire_ack_b((Cc)cc));
    }
}

/* ---- lone flows ---- */

/* Alone in the network, a flow takes its ideal time to the picosecond, whatever sizes and rates. */
static void lone_flow_is_ideal(void **state) {
    (void)state;
    static const double rows[][4] = {{10e9, 40e9, 40e9, 10e9},
                                     {25e9, 100e9, 10e9, 100e9},
                                     {100e9, 400e9, 25e9, 40e9},
                                     {10e9, 10e9, 1e9, 100e9}};
    static const uint64_t sizes[] = {1, 999, 1000, 1001, 2500, 10000, 123456, 1000001};
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 1e7;
    conf.buffer_b = 1e8;
    conf.dctcp_k_b = 1e6;
    conf.dcqcn_kmin_b = conf.dcqcn_kmax_b = 1e7;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        Net n;
        net_row(&n, rows[r], 4);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            Flows f = flows_of(&(TestFlow){0, 1, sizes[k], 1234}, 1);
            double fct, ideal;
            pktsim_ideal(n.route, &f, false, &ideal);
            const char *const with_plain_headers[] = {"dctcp", "dcqcn", "none", "nscc"};
            for (int c = 0; c < 4; c++) {
                simulate(&n, &f, &conf, &(PktOptions){.cc = with_plain_headers[c]}, &fct, NULL);
                assert_true(fct == ideal);
            }
            flows_free(&f);
        }
        net_free(&n);
    }
}

/* The ideal time itself, by hand: 1,500 B over 10 and 40 Gb/s links of 1 µs. */
static void ideal_by_hand(void **state) {
    (void)state;
    const double rates[] = {10e9, 40e9};
    Net n;
    net_row(&n, rates, 2);
    Flows f = flows_of(&(TestFlow){0, 1, 1500, 0}, 1);
    double ideal;
    pktsim_ideal(n.route, &f, false, &ideal);
    /* Both packets over the first link, then the second one over the second. */
    assert_true(fabs(ideal - (2000 + 838.4 + 438.4 + 109.6)) < 1e-9);
    flows_free(&f);
    net_free(&n);
}

/* With a window below the bandwidth-delay product, a window a round trip. */
static void window_limits_the_rate(void **state) {
    (void)state;
    Net n;
    net_star(&n, 2, 10e9, 100000);
    Flows f = flows_of(&(TestFlow){0, 1, 1000000, 0}, 1);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 10000;
    double fct;
    simulate(&n, &f, &conf, &(PktOptions){.cc = "none"}, &fct, NULL);
    double rtt_ns = 4 * 100000 + 2 * (838.4 + 48);
    assert_true(fct > 98 * rtt_ns && fct < 100 * rtt_ns);
    flows_free(&f);
    net_free(&n);
}

/* ---- sharing ---- */

/* Two equal long flows over one link end within 1 % of each other, and together keep it busy (hp
 * carries 4 % of telemetry). */
static void equal_flows_share(void **state) {
    (void)state;
    Net n;
    net_star(&n, 3, 10e9, 1000);
    const TestFlow list[] = {{0, 2, 100000000, 0}, {1, 2, 100000000, 0}};
    Flows f = flows_of(list, 2);
    NetConf conf;
    netconf_default(&conf);
    for (int c = 0; c < N_CONTROLS; c++) {
        double fct[2];
        simulate(&n, &f, &conf, &(PktOptions){.cc = controls[c], .seed = 1}, fct, NULL);
        double both_ns = 200000 * 1048 * 0.8, last = fmax(fct[0], fct[1]),
               first = fmin(fct[0], fct[1]);
        assert_true(last >= both_ns);
        assert_true(last < 1.05 * both_ns);
        assert_true(first > (c == 1 || c == 6 ? 0.98 : 0.99) *
                                last); /* dcqcn adds 2 Mb/s at a time, nscc 1/40 packet */
    }
    flows_free(&f);
    net_free(&n);
}

/* N senders to one receiver: the last one ends no earlier than the link can carry all bytes. */
static void incast_is_bound_by_the_link(void **state) {
    (void)state;
    enum { N = 20 };
    Net n;
    net_star(&n, N + 1, 10e9, 1000);
    TestFlow list[N];
    for (uint32_t i = 0; i < N; i++) list[i] = (TestFlow){i, N, 100000, 0};
    Flows f = flows_of(list, N);
    NetConf conf;
    netconf_default(&conf);
    for (int c = 0; c < N_CONTROLS; c++) {
        double fct[N], last = 0;
        PktStats st;
        simulate(&n, &f, &conf, &(PktOptions){.cc = controls[c], .seed = 1}, fct, &st);
        for (int i = 0; i < N; i++) last = fmax(last, fct[i]);
        assert_true(last >= N * 100 * 1048 * 0.8);
        assert_int_equal(st.n_unfinished, 0);
    }
    flows_free(&f);
    net_free(&n);
}

/* ---- conservation ---- */

static void check_run(const Net *n, const Flows *f, const NetConf *conf, const char *cc,
                      PktStats *st) {
    double *fct = MEM_NEW(double, f->n), *ideal = MEM_NEW(double, f->n);
    simulate(n, f, conf, &(PktOptions){.cc = cc, .seed = 3}, fct, st);
    pktsim_ideal(n->route, f, false, ideal);
    uint64_t size_b = 0;
    for (size_t i = 0; i < f->n; i++) {
        assert_true(fct[i] >= ideal[i]); /* none hangs (NaN) */
        size_b += f->size_b[i];
    }
    assert_int_equal(st->n_finished, f->n);
    assert_int_equal(st->sent_b, st->received_b + st->dropped_b);
    assert_true(st->received_b >= size_b);
    assert_int_equal(st->n_pauses, st->n_resumes);
    assert_true(st->peak_buffer_b <= conf->buffer_b);
    if (st->n_drops == 0) {
        assert_int_equal(st->sent_b, size_b);
        assert_int_equal(st->n_retransmissions, 0);
    }
    free(fct);
    free(ideal);
}

/* With PFC nothing is dropped, pauses pair up, and a Clos does not deadlock; every byte arrives
 * once. */
static void pfc_is_lossless(void **state) {
    (void)state;
    Net n;
    net_clos(&n);
    Flows f = net_random_flows(&n, 3000, 3e6, 11);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 60e3;
    uint64_t n_pauses = 0;
    for (int c = 0; c < N_CONTROLS; c++) {
        PktStats st;
        check_run(&n, &f, &conf, controls[c], &st);
        assert_int_equal(st.n_drops, 0);
        n_pauses += st.n_pauses;
    }
    assert_true(n_pauses > 100); /* there was something to survive */
    flows_free(&f);
    net_free(&n);
}

/* Without PFC and with little buffer packets are lost, but no flow hangs, and what is sent has
 * arrived or was dropped. */
static void losses_are_repaired(void **state) {
    (void)state;
    Net n;
    net_star(&n, 8, 10e9, 1000);
    Flows f = net_random_flows(&n, 1500, 3e6, 12);
    NetConf conf;
    netconf_default(&conf);
    conf.pfc = false;
    conf.line_window_b = 60e3;
    conf.buffer_b = 100e3;
    for (int c = 0; c < N_CONTROLS; c++) {
        PktStats st;
        check_run(&n, &f, &conf, controls[c], &st);
        assert_true(st.n_drops > 0);
        assert_true(st.n_retransmissions > 0);
        assert_int_equal(st.n_pauses, 0);
    }
    flows_free(&f);
    net_free(&n);
}

/* A lost tail hangs a flow in compat, and the timer repairs it otherwise. */
static void lost_tails_need_the_timer(void **state) {
    (void)state;
    Net n;
    net_star(&n, 8, 10e9, 1000);
    Flows f = net_random_flows(&n, 1500, 2e6, 12);
    NetConf conf;
    netconf_default(&conf);
    conf.pfc = false;
    conf.line_window_b = 60e3;
    conf.buffer_b = 100e3;
    double *fct = MEM_NEW(double, f.n);
    PktStats st;
    simulate(&n, &f, &conf, &(PktOptions){.cc = "none", .compat = true}, fct, &st);
    assert_true(st.n_unfinished > 0);
    simulate(&n, &f, &conf, &(PktOptions){.cc = "none"}, fct, &st);
    assert_int_equal(st.n_unfinished, 0);
    assert_true(st.n_timeouts > 0);
    free(fct);
    flows_free(&f);
    net_free(&n);
}

/* ---- determinism ---- */

typedef struct {
    const Net *net;
    const Flows *flows;
    const NetConf *conf;
    double *fct; /* [run][flow] */
} Parallel;

static void one_run(void *ctx, size_t item, int worker) {
    (void)worker;
    const Parallel *p = ctx;
    simulate(p->net, p->flows, p->conf, &(PktOptions){.cc = "dcqcn", .seed = 5},
             p->fct + item * p->flows->n, NULL);
}

/* Runs side by side give the same bytes; another seed gives others. */
static void same_seed_same_bytes(void **state) {
    (void)state;
    enum { RUNS = 4 };
    Net n;
    net_star(&n, 8, 10e9, 1000);
    Flows f = net_random_flows(&n, 1000, 2e6, 13);
    NetConf conf;
    netconf_default(&conf);
    conf.dcqcn_kmin_b = 5e3;
    double *fct = MEM_NEW(double, (RUNS + 1) * f.n);
    par_for(RUNS, RUNS, one_run, &(Parallel){&n, &f, &conf, fct});
    for (int r = 1; r < RUNS; r++)
        assert_memory_equal(fct, fct + (size_t)r * f.n, f.n * sizeof *fct);
    simulate(&n, &f, &conf, &(PktOptions){.cc = "dcqcn", .seed = 6}, fct + RUNS * f.n, NULL);
    assert_memory_not_equal(fct, fct + RUNS * f.n, f.n * sizeof *fct);
    free(fct);
    flows_free(&f);
    net_free(&n);
}

/* Each setting of each control, and those of the network, changes the result. */
static void settings_matter(void **state) {
    (void)state;
    static const struct {
        const char *cc, *key, *value;
    } changes[] = {{"dctcp", "dctcp_k", "20KB"},
                   {"dcqcn", "dcqcn_kmin", "20KB"},
                   {"dcqcn", "dcqcn_kmax", "100KB"},
                   {"hp", "hpcc_eta", "0.7"},
                   {"hp", "hpcc_ai", "1Gbps"},
                   {"timely", "timely_tlow", "20us"},
                   {"timely", "timely_thigh", "70us"},
                   {"swift", "swift_base_target", "15us"},
                   {"swift", "swift_hop_scaling", "5us"},
                   {"swift", "swift_fs_range", "100us"},
                   {"swift", "swift_fs_min_cwnd", "0.5"},
                   {"swift", "swift_fs_max_cwnd", "20"},
                   {"swift", "swift_ai", "3"},
                   {"swift", "swift_beta", "0.3"},
                   {"swift", "swift_max_mdf", "0.2"},
                   {"nscc", "nscc_target_qdelay", "15us"},
                   {"nscc", "nscc_alpha", "8"},
                   {"nscc", "nscc_fi", "2"},
                   {"nscc", "nscc_eta", "1"},
                   {"nscc", "nscc_gamma", "0.4"},
                   {"nscc", "nscc_max_md", "0.05"},
                   {"nscc", "nscc_qa_threshold", "20us"},
                   {"nscc", "nscc_qa_gate", "0.5"},
                   {"nscc", "nscc_delay_alpha", "0.1"},
                   {"nscc", "nscc_max_wnd", "1"},
                   {"nscc", "nscc_ecn_low", "0.1"},
                   {"nscc", "nscc_ecn_high", "0.4"},
                   {"dctcp", "window", "20KB"},
                   {"none", "window", "5KB"},
                   {"none", "buffer", "150KiB"},
                   {"none", "pfc", "off"}};
    Net n;
    net_star(&n, 8, 10e9, 1000);
    Flows f = net_random_flows(&n, 1500, 2e6, 14);
    double *before = MEM_NEW(double, f.n), *after = MEM_NEW(double, f.n);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        NetConf conf;
        Err err;
        netconf_default(&conf);
        conf.line_window_b = 40e3;
        conf.buffer_b = 200 * 1024;
        conf.nscc_target_qdelay_ns = 8e3; /* else most flows end with the largest window */
        conf.nscc_delay_alpha = 0.2;
        PktOptions opt = {.cc = changes[i].cc, .seed = 1};
        simulate(&n, &f, &conf, &opt, before, NULL);
        die_on(netconf_set(&conf, changes[i].key, changes[i].value, &err), &err);
        simulate(&n, &f, &conf, &opt, after, NULL);
        assert_memory_not_equal(before, after, f.n * sizeof *before);
    }
    free(before);
    free(after);
    flows_free(&f);
    net_free(&n);
}

/* The same network ten times as fast: steps and thresholds scale, so slowdowns stay alike. */
static void settings_scale_with_the_rate(void **state) {
    (void)state;
    double mean[2];
    for (int fast = 0; fast < 2; fast++) {
        Net n;
        net_star(&n, 8, fast ? 100e9 : 10e9, fast ? 100 : 1000);
        Flows f = net_random_flows(&n, 2000, fast ? 1e6 : 1e7, 15);
        NetConf conf;
        netconf_default(&conf);
        double *fct = MEM_NEW(double, f.n), *ideal = MEM_NEW(double, f.n);
        if (fast) conf.dctcp_k_b /= 10; /* bytes stay: only times shrink */
        simulate(&n, &f, &conf, &(PktOptions){.cc = "dctcp"}, fct, NULL);
        pktsim_ideal(n.route, &f, false, ideal);
        mean[fast] = 0;
        for (size_t i = 0; i < f.n; i++) mean[fast] += fct[i] / ideal[i] / (double)f.n;
        free(fct);
        free(ideal);
        flows_free(&f);
        net_free(&n);
    }
    assert_true(fabs(mean[1] / mean[0] - 1) < 0.01);
}

/* ---- traces, limits ---- */

typedef struct {
    uint64_t n_sent, n_received, bytes;
    double time_ns;
} Seen;

static void see(void *ctx, const PktTraceEvent *e) {
    Seen *s = ctx;
    assert_true(e->time_ns >= s->time_ns);
    s->time_ns = e->time_ns;
    if (e->type != PKT_DATA) return;
    s->n_sent += e->kind == PKT_TRACE_SEND;
    s->n_received += e->kind == PKT_TRACE_RECEIVE;
}

/* The trace shows each packet at each link, in order of time. */
static void trace_shows_every_packet(void **state) {
    (void)state;
    const double rates[] = {10e9, 40e9, 10e9};
    Net n;
    net_row(&n, rates, 3);
    Flows f = flows_of(&(TestFlow){0, 1, 50500, 0}, 1);
    NetConf conf;
    netconf_default(&conf);
    Seen seen = {0};
    double fct;
    PktStats st;
    simulate(&n, &f, &conf, &(PktOptions){.trace = see, .trace_ctx = &seen}, &fct, &st);
    assert_int_equal(seen.n_sent, 51);
    assert_int_equal(seen.n_received, 3 * 51);
    assert_int_equal(st.n_packet_hops, 2 * 3 * 51);
    flows_free(&f);
    net_free(&n);
}

static void refuses_what_it_cannot_do(void **state) {
    (void)state;
    Net n;
    double rates[16], fct;
    for (int i = 0; i < 16; i++) rates[i] = 10e9;
    net_row(&n, rates, 16);
    Flows f = flows_of(&(TestFlow){0, 1, 5000, 0}, 1);
    NetConf conf;
    Err err;
    netconf_default(&conf);
    for (int c = 0; c < N_CONTROLS; c++) { /* sixteen links are fine, with telemetry, too */
        simulate(&n, &f, &conf, &(PktOptions){.cc = controls[c]}, &fct, NULL);
        assert_true(fct > 0);
    }
    assert_int_equal(pktsim_run(n.route, &f, &conf, &(PktOptions){.cc = "cubic"}, &fct, NULL, &err),
                     -1);
    assert_string_equal(
        err.msg, "--cc: expected dctcp, dcqcn, hp, timely, none, swift, nscc or eqds, got 'cubic'");
    conf.line_window_b = -1;
    assert_int_equal(pktsim_run(n.route, &f, &conf, &(PktOptions){0}, &fct, NULL, &err), -1);
    flows_free(&f);
    net_free(&n);
}

/* No flows: nothing happens. A time limit leaves the rest unfinished. */
static void empty_and_stopped(void **state) {
    (void)state;
    Net n;
    net_star(&n, 2, 10e9, 1000);
    const TestFlow list[] = {{0, 1, 1000, 0}, {0, 1, 1000, 1000000}};
    Flows none = {0}, f = flows_of(list, 2);
    NetConf conf;
    netconf_default(&conf);
    double fct[2];
    PktStats st;
    simulate(&n, &none, &conf, &(PktOptions){0}, fct, &st);
    assert_int_equal(st.n_events, 0);
    simulate(&n, &f, &conf, &(PktOptions){.stop_ns = 500000}, fct, &st);
    assert_true(fct[0] > 0);
    assert_true(isnan(fct[1]) != 0);
    assert_int_equal(st.n_unfinished, 1);
    flows_free(&f);
    net_free(&n);
}

/* Each packet is lost with its link's probability, data and ACKs alike, and everything arrives all
 * the same. */
static void lossy_links_lose_their_share(void **state) {
    (void)state;
    static const double rates[] = {0.001, 0.02, 0.2};
    enum { N = 40 };
    for (int k = 0; k < 3; k++) {
        Net n;
        Err err = {0};
        const TopoCable cables[] = {{0, 2, 10e9, 1000, rates[k]}, {1, 2, 10e9, 1000}};
        net_build(&n, 3, 2, cables, 2);
        Flows f;
        flows_init(&f, N);
        for (uint32_t i = 0; i < N; i++) {
            f.src[i] = i % 2;
            f.dst[i] = 1 - i % 2;
            f.size_b[i] = 500000;
            f.start_ns[i] = (int64_t)i * 1000000;
        }
        double fct[N], again[N];
        PktStats st;
        NetConf conf;
        netconf_default(&conf);
        conf.line_window_b = 30e3;
        PktOptions o = {.seed = 7};
        die_on(pktsim_run(n.route, &f, &conf, &o, fct, &st, &err), &err);
        die_on(pktsim_run(n.route, &f, &conf, &o, again, NULL, &err), &err);
        assert_memory_equal(fct, again, sizeof fct);
        assert_int_equal(st.n_finished, N);
        assert_int_equal(st.n_lost, st.n_drops);
        assert_int_equal(st.sent_b, st.received_b + st.dropped_b);
        /* What crossed the lossy cable is what arrived over it and what was lost there; the other
         * cable has what left the switch, to within what is under way. Half of all hops, then. */
        double crossings = (double)(st.n_packet_hops + st.n_lost) / 2,
               sigma = sqrt(crossings * rates[k] * (1 - rates[k]));
        assert_true(fabs((double)st.n_lost - crossings * rates[k]) <
                    6 * sigma + 0.15 * rates[k] * crossings);
        o.seed = 8;
        die_on(pktsim_run(n.route, &f, &conf, &o, again, NULL, &err), &err);
        assert_memory_not_equal(fct, again, sizeof fct);
        flows_free(&f);
        route_destroy(n.route);
        topo_free(&n.topo);
    }
}

/* ---- ties ---- */

/* Hosts 1 … n of a star send as much each to host 0, at the same time, again and again. Returns the
 * largest and the smallest of the senders' mean completion times over the mean of all. */
static void incast_spread(const char *cc, double *most, double *least) {
    enum { SENDERS = 15, ROUNDS = 100 };
    Net n;
    NetConf conf;
    net_star(&n, SENDERS + 1, 10e9, 1000);
    netconf_default(&conf);
    Flows f;
    flows_init(&f, SENDERS * ROUNDS);
    for (uint32_t i = 0; i < f.n; i++) {
        f.src[i] = 1 + i % SENDERS;
        f.dst[i] = 0;
        f.size_b[i] = 20000;
        f.start_ns[i] = (int64_t)(i / SENDERS) * 1000003;
    }
    double *fct = MEM_NEW(double, f.n), mean[SENDERS] = {0}, all = 0;
    simulate(&n, &f, &conf, &(PktOptions){.cc = cc, .seed = 1}, fct, NULL);
    for (size_t i = 0; i < f.n; i++) {
        mean[i % SENDERS] += fct[i] / ROUNDS;
        all += fct[i] / (double)f.n;
    }
    *most = *least = mean[0] / all;
    for (int i = 1; i < SENDERS; i++) {
        *most = fmax(*most, mean[i] / all);
        *least = fmin(*least, mean[i] / all);
    }
    free(fct);
    flows_free(&f);
    net_free(&n);
}

/* Packets that arrive at one time take turns in coming first: no link is preferred. */
static void senders_in_step_are_treated_alike(void **state) {
    (void)state;
    static const char *const names[] = {"dctcp", "none", "hp", "swift"};
    for (size_t i = 0; i < 4; i++) {
        double most, least;
        incast_spread(names[i], &most, &least);
        assert_true(most < 1.01 && least > 0.99); /* in the order scheduled: 1.02 to 1.05 */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lossy_links_lose_their_share),
        cmocka_unit_test(sizes_are_the_wires),
        cmocka_unit_test(lone_flow_is_ideal),
        cmocka_unit_test(ideal_by_hand),
        cmocka_unit_test(window_limits_the_rate),
        cmocka_unit_test(equal_flows_share),
        cmocka_unit_test(incast_is_bound_by_the_link),
        cmocka_unit_test(pfc_is_lossless),
        cmocka_unit_test(losses_are_repaired),
        cmocka_unit_test(lost_tails_need_the_timer),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(settings_matter),
        cmocka_unit_test(settings_scale_with_the_rate),
        cmocka_unit_test(trace_shows_every_packet),
        cmocka_unit_test(refuses_what_it_cannot_do),
        cmocka_unit_test(empty_and_stopped),
        cmocka_unit_test(senders_in_step_are_treated_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
