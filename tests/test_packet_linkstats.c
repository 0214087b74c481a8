/* What links did over a run, against theory, against a sum over the trace, and against the run's
 * own counts; the same whatever the threads, and the run is the one without. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet/linkstats_private.h"
#include "packet_net.h"

enum { FULL_B = 1048, ACK_B = 60 };
static const double PACKET_NS = 838.4; /* 1,048 B at 10 Gb/s */

static void assert_near(double x, double expected, double within) {
    if (fabs(x - expected) <= within) return;
    fail_msg("%.17g is not within %g of %.17g", x, within, expected);
}

/* Bins are in order, without gaps, and their tops are above what falls in them by less than 1/32.
 */
static void bins_round_up_by_little(void **state) {
    (void)state;
    assert_int_equal(linkstats_bin(0), 0);
    for (uint32_t b = 0; b < 64 + 40 * LINKSTATS_STEPS; b++) {
        uint64_t top = linkstats_bin_top(b);
        assert_int_equal(linkstats_bin(top), b);
        assert_int_equal(linkstats_bin(top + 1), b + 1);
        uint64_t least = b == 0 ? 0 : linkstats_bin_top(b - 1) + 1;
        assert_true((top - least) * LINKSTATS_STEPS < (least > 0 ? least : 1));
    }
}

/* ---- theory ---- */

/* A lone flow at line rate loads its first link until the last packet is sent, the others by the
 * ratio of rates, and queues nowhere. */
static void lone_flow_uses_what_it_sends(void **state) {
    (void)state;
    const double rates[] = {10e9, 40e9, 10e9};
    enum { N_PACKETS = 1000 };
    Net n;
    net_row(&n, rates, 3);
    Flows f = flows_of(&(TestFlow){0, 1, 1000 * N_PACKETS, 5000}, 1);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 1e7;
    double fct;
    LinkStats links[6];
    PktStats st;
    Err err;
    die_on(pktsim_run(n.route, &f, &conf, &(PktOptions){.cc = "none", .links = links}, &fct, &st,
                      &err),
           &err);
    for (uint32_t l = 0; l < 6; l++) {
        const LinkStats *s = &links[l];
        bool forward = l % 2 == 0;
        double wire_b = N_PACKETS * (forward ? FULL_B : ACK_B);
        assert_int_equal(s->n_sent, N_PACKETS);
        assert_int_equal(s->payload_b, forward ? 1000 * N_PACKETS : 0);
        assert_near(s->utilisation, wire_b * 8e9 / n.topo.links[l].rate_bps / st.sim_ns, 1e-9);
        assert_near(s->goodput_bps, (double)s->payload_b * 8e9 / st.sim_ns, 1);
        assert_true(s->queue_mean_b == 0 && s->queue_q_b[LINKSTATS_P99] == 0);
        assert_true(s->queue_max_b <= FULL_B && s->paused_share == 0); /* a tie, for no time */
        assert_int_equal(s->n_marked + s->n_dropped + s->n_lost, 0);
    }
    flows_free(&f);
    net_free(&n);
}

/* Two senders at line rate into one link: its queue grows to one sender's bytes and drains as fast,
 * so that all lengths last equally long: a quantile is its level times the largest. */
static void incast_queue_is_uniform(void **state) {
    (void)state;
    enum { N_PACKETS = 5000, SINK = 5 };
    Net n;
    net_star(&n, 3, 10e9, 1000);
    const TestFlow list[] = {{0, 2, 1000 * N_PACKETS, 0}, {1, 2, 1000 * N_PACKETS, 0}};
    Flows f = flows_of(list, 2);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 1e9;
    conf.buffer_b = 1e9;
    conf.pfc = false;
    double fct[2], most_b = (double)N_PACKETS * FULL_B;
    LinkStats links[6];
    PktStats st;
    Err err;
    die_on(
        pktsim_run(n.route, &f, &conf, &(PktOptions){.cc = "none", .links = links}, fct, &st, &err),
        &err);
    const LinkStats *s = &links[SINK];
    assert_near(s->utilisation, 2 * N_PACKETS * PACKET_NS / st.sim_ns, 1e-9);
    assert_near((double)s->queue_max_b, most_b, FULL_B);
    assert_near(s->queue_mean_b, most_b / 2, 2 * FULL_B);
    for (int k = 0; k < LINKSTATS_N_QUANTILES; k++) {
        double exact = linkstats_levels[k] * most_b;
        assert_in_range(s->queue_q_b[k], (uint64_t)exact - 3 * FULL_B,
                        (uint64_t)(exact * (1 + 1.0 / LINKSTATS_STEPS)) + 3 * FULL_B);
    }
    assert_int_equal(s->queue_max_b, st.peak_queue_b[1]);
    flows_free(&f);
    net_free(&n);
}

/* A link that loses packets with a probability has that loss, within its standard error. */
static void loss_is_the_links_rate(void **state) {
    (void)state;
    const double p = 0.02;
    enum { N_PACKETS = 20000 };
    Net n;
    const TopoCable cables[] = {{0, 2, 10e9, 1000, 0}, {1, 2, 10e9, 1000, p}};
    net_build(&n, 3, 2, cables, 2);
    Flows f = flows_of(&(TestFlow){0, 1, 1000 * N_PACKETS, 0}, 1);
    NetConf conf;
    netconf_default(&conf);
    double fct;
    LinkStats links[4];
    PktStats st;
    Err err;
    die_on(pktsim_run(n.route, &f, &conf, &(PktOptions){.cc = "none", .links = links}, &fct, &st,
                      &err),
           &err);
    for (uint32_t l = 0; l < 4; l++) {
        const LinkStats *s = &links[l];
        double loss = linkstats_loss(s->n_sent, s->n_dropped, s->n_lost);
        if (n.topo.links[l].from == 1 || n.topo.links[l].to == 1)
            assert_near(loss, p, 4 * sqrt(p / (double)s->n_sent));
        else assert_true(loss == 0);
    }
    assert_int_equal(links[2].n_lost + links[3].n_lost, st.n_lost);
    flows_free(&f);
    net_free(&n);
}

/* ---- brute force ---- */

/* Times at which queues have which length, from the trace. */
typedef struct {
    double ns;
    uint64_t queue_b;
} Step;
typedef struct {
    Step *steps[64];
    size_t n[64], cap[64];
} Steps;

static void keep_step(void *ctx, const PktTraceEvent *e) {
    Steps *s = ctx;
    uint32_t l = e->link;
    if (e->kind == PKT_TRACE_RECEIVE || e->kind == PKT_TRACE_DROP) return;
    MEM_GROW(s->steps[l], s->cap[l], s->n[l] + 1);
    s->steps[l][s->n[l]++] = (Step){e->time_ns, e->queue_b};
}

static int by_length(const void *a, const void *b) {
    const Step *x = a, *y = b;
    return (x->queue_b > y->queue_b) - (x->queue_b < y->queue_b);
}

/* Turns times into spans, and returns the least length that is not exceeded for that share. */
static double exact_quantile(Step *s, size_t n, double level, double first_ns, double end_ns) {
    Step *spans = MEM_NEW(Step, n + 1);
    spans[0] = (Step){(n > 0 ? s[0].ns : end_ns) - first_ns, 0};
    for (size_t i = 0; i < n; i++)
        spans[i + 1] = (Step){(i + 1 < n ? s[i + 1].ns : end_ns) - s[i].ns, s[i].queue_b};
    qsort(spans, n + 1, sizeof *spans, by_length);
    double sum = 0, q = 0;
    for (size_t i = 0; i <= n && sum < level * (end_ns - first_ns); i++) {
        sum += spans[i].ns;
        q = (double)spans[i].queue_b;
    }
    free(spans);
    return q;
}

typedef struct {
    double *fct;
    LinkStats *links;
    PktStats st;
} Run;

static Run run_of(const Net *n, const Flows *f, const NetConf *conf, PktOptions opt) {
    Run r = {.fct = MEM_NEW(double, f->n), .links = MEM_NEW(LinkStats, n->topo.n_links)};
    Err err;
    opt.links = r.links;
    die_on(pktsim_run(n->route, f, conf, &opt, r.fct, &r.st, &err), &err);
    return r;
}

static void run_free(Run *r) {
    free(r->fct);
    free(r->links);
}

/* Queues are those of the trace, rounded up; counts are the run's; a pause is one or more. */
static void sums_are_those_of_the_trace(void **state) {
    (void)state;
    Net n;
    net_star(&n, 8, 10e9, 1000);
    const Topo *t = &n.topo;
    Flows f = net_random_flows(&n, 600, 1e6, 33);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 60e3;
    conf.buffer_b = 200e3;
    for (int pfc = 0; pfc < 2; pfc++) {
        conf.pfc = pfc;
        Steps steps = {0};
        Run r = run_of(&n, &f, &conf,
                       (PktOptions){.cc = "dctcp", .trace = keep_step, .trace_ctx = &steps});
        uint64_t n_marked = 0, n_dropped = 0;
        double paused = 0, first_ns = (double)f.start_ns[0], end_ns = first_ns + r.st.sim_ns;
        for (uint32_t l = 0; l < t->n_links; l++) {
            const LinkStats *s = &r.links[l];
            for (int k = 0; k < LINKSTATS_N_QUANTILES && !t->is_host[t->links[l].from]; k++) {
                double exact = exact_quantile(steps.steps[l], steps.n[l], linkstats_levels[k],
                                              first_ns, end_ns);
                assert_true(s->queue_q_b[k] >= exact);
                assert_true(s->queue_q_b[k] - exact <= exact / LINKSTATS_STEPS);
            }
            n_marked += s->n_marked;
            n_dropped += s->n_dropped;
            paused += s->paused_share;
            free(steps.steps[l]);
        }
        assert_true(r.st.n_marks > 0 && n_marked == r.st.n_marks);
        assert_int_equal(n_dropped, r.st.n_drops);
        assert_true((r.st.n_drops > 0) == !pfc);
        assert_true((paused > 0) == (pfc != 0));
        run_free(&r);
    }
    flows_free(&f);
    net_free(&n);
}

/* Threads, and asking at all, change nothing. */
static void threads_agree(void **state) {
    (void)state;
    Net n;
    net_clos(&n);
    Flows f = net_random_flows(&n, 800, 1e6, 21);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 60e3;
    conf.buffer_b = 300e3;
    Run one = run_of(&n, &f, &conf, (PktOptions){.cc = "hp"});
    Run two = run_of(&n, &f, &conf, (PktOptions){.cc = "hp", .threads = 2, .any_size = true});
    assert_int_equal(two.st.parallel.n_threads, 2);
    assert_memory_equal(one.links, two.links, n.topo.n_links * sizeof *one.links);
    double *fct = MEM_NEW(double, f.n);
    PktStats st;
    Err err;
    die_on(pktsim_run(n.route, &f, &conf, &(PktOptions){.cc = "hp"}, fct, &st, &err), &err);
    assert_memory_equal(fct, one.fct, f.n * sizeof *fct);
    assert_int_equal(st.n_events, one.st.n_events);
    free(fct);
    run_free(&one);
    run_free(&two);
    flows_free(&f);
    net_free(&n);
}

/* A run that is cut has what was until then: of a flow that goes on, half of its packets. */
static void a_stop_cuts(void **state) {
    (void)state;
    Net n;
    net_star(&n, 2, 10e9, 1000);
    Flows f = flows_of(&(TestFlow){0, 1, 1000000, 0}, 1);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 1e7;
    Run r = run_of(&n, &f, &conf, (PktOptions){.cc = "none", .stop_ns = 500.5 * PACKET_NS});
    assert_near(r.links[0].utilisation, 1, 1e-6);
    assert_int_equal(r.links[0].payload_b, 500 * 1000);
    run_free(&r);
    flows_free(&f);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bins_round_up_by_little),
                                       cmocka_unit_test(lone_flow_uses_what_it_sends),
                                       cmocka_unit_test(incast_queue_is_uniform),
                                       cmocka_unit_test(loss_is_the_links_rate),
                                       cmocka_unit_test(sums_are_those_of_the_trace),
                                       cmocka_unit_test(threads_agree),
                                       cmocka_unit_test(a_stop_cuts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
