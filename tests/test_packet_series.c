/* Time series of links against theory, against a sum over the trace, and against the run's own
 * counts; a run with a series is the run without. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet_net.h"

enum { FULL_B = 1048, ACK_B = 60 };
static const double PACKET_NS = 838.4; /* 1,048 B at 10 Gb/s */

/* ---- helpers ---- */

/* All rows of a run, in the order in which they came. */
typedef struct {
    SeriesRow *rows;
    size_t n, cap;
} Rows;

static void keep(void *ctx, const SeriesRow *row) {
    Rows *r = ctx;
    MEM_GROW(r->rows, r->cap, r->n + 1);
    r->rows[r->n++] = *row;
}

/* Simulates with a series of groups start, link. */
static Rows series_of(const Net *n, const Flows *f, const NetConf *conf, PktOptions opt,
                      double interval_ns, uint32_t n_groups, const uint32_t *start,
                      const uint32_t *link, double *fct, PktStats *st) {
    Rows r = {0};
    Err err;
    SeriesSpec spec = {.interval_ns = interval_ns,
                       .n_groups = n_groups,
                       .start = start,
                       .link = link,
                       .row = keep,
                       .ctx = &r};
    opt.series = &spec;
    die_on(pktsim_run(n->route, f, conf, &opt, fct, st, &err), &err);
    assert_int_equal(r.n % n_groups, 0);
    return r;
}

/* The same with each link a group of its own: group g is link g. */
static Rows series_of_links(const Net *n, const Flows *f, const NetConf *conf, PktOptions opt,
                            double interval_ns, double *fct, PktStats *st) {
    uint32_t n_links = n->topo.n_links, *start = MEM_NEW(uint32_t, n_links + 1);
    for (uint32_t l = 0; l <= n_links; l++) start[l] = l;
    Rows r = series_of(n, f, conf, opt, interval_ns, n_links, start, start, fct, st);
    free(start);
    return r;
}

static double length_ns(const SeriesRow *r) { return r->end_ns - r->start_ns; }

/* Sums over the run of a link's group. */
typedef struct {
    double wire_b, goodput_b, paused_ns, queue_area;
    uint64_t payload_b, n_marked, n_dropped, queue_max_b;
} Total;

static Total total_of(const Net *n, const Rows *rows, uint32_t link) {
    Total t = {0};
    for (size_t i = 0; i < rows->n; i++) {
        const SeriesRow *r = &rows->rows[i];
        if (r->group != link) continue;
        t.wire_b += r->utilisation * length_ns(r) * n->topo.links[link].rate_bps / 8e9;
        t.goodput_b += r->goodput_bps * length_ns(r) / 8e9;
        t.paused_ns += r->paused_share * length_ns(r);
        t.queue_area += r->queue_mean_b * length_ns(r);
        t.payload_b += r->payload_b;
        t.n_marked += r->n_marked;
        t.n_dropped += r->n_dropped;
        if (r->queue_max_b > t.queue_max_b) t.queue_max_b = r->queue_max_b;
    }
    return t;
}

static void assert_near(double x, double expected, double within) {
    if (fabs(x - expected) <= within) return;
    fail_msg("%.17g is not within %g of %.17g", x, within, expected);
}

/* ---- theory ---- */

/* A lone flow at line rate fills its first link, loads the others by the ratio of rates, and queues
 * nowhere; its ACKs load the way back. */
static void lone_flow_uses_what_it_sends(void **state) {
    (void)state;
    const double rates[] = {10e9, 40e9, 10e9};
    enum { N_PACKETS = 1000, PAYLOAD_B = 1000 * N_PACKETS };
    Net n;
    net_row(&n, rates, 3);
    Flows f = flows_of(&(TestFlow){0, 1, PAYLOAD_B, 5000}, 1);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 1e7;
    double fct;
    Rows rows = series_of_links(&n, &f, &conf, (PktOptions){.cc = "none"}, 100e3, &fct, NULL);
    assert_int_equal(rows.n, 9 * 6); /* 838.4 µs, and some µs for the way */
    for (uint32_t l = 0; l < 6; l++) {
        Total t = total_of(&n, &rows, l);
        bool forward = l % 2 == 0;
        assert_int_equal(t.payload_b, forward ? PAYLOAD_B : 0);
        assert_near(t.goodput_b, forward ? PAYLOAD_B : 0, 1e-6);
        assert_near(t.wire_b, N_PACKETS * (forward ? FULL_B : ACK_B), 1e-3);
        assert_true(t.queue_area == 0 && t.queue_max_b <= FULL_B); /* a tie, for no time */
        assert_int_equal(t.n_marked + t.n_dropped, 0);
    }
    for (size_t i = 6; i < 8 * 6; i += 6) { /* inner intervals */
        assert_near(rows.rows[i].utilisation, 1, 1e-9);
        assert_near(rows.rows[i + 2].utilisation, 0.25, 0.25 / 119);
        assert_near(rows.rows[i].goodput_bps, 10e9 * 1000 / 1048, 1000 * 8 / 100e-6);
    }
    free(rows.rows);
    flows_free(&f);
    net_free(&n);
}

/* Two senders at line rate into one link: a packet more waits for each one sent, and the queue's
 * mean over an interval is its height in the middle. Then it drains as fast. */
static void incast_queue_grows_linearly(void **state) {
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
    double fct[2], first = PACKET_NS + 1000, full = first + N_PACKETS * PACKET_NS,
                   empty = full + N_PACKETS * PACKET_NS;
    PktStats st;
    Rows rows = series_of_links(&n, &f, &conf, (PktOptions){.cc = "none"}, 70e3, fct, &st);
    assert_int_equal(n.topo.links[SINK].to, 2);
    size_t n_growing = 0, n_draining = 0;
    for (size_t i = SINK; i < rows.n; i += n.topo.n_links) {
        const SeriesRow *r = &rows.rows[i];
        double middle = (r->start_ns + r->end_ns) / 2, packets = r->queue_mean_b / FULL_B,
               most = (double)r->queue_max_b / FULL_B;
        if (r->start_ns > first && r->end_ns < full) {
            assert_near(packets, (middle - first) / PACKET_NS + 0.5, 0.5);
            assert_near(most, (r->end_ns - first) / PACKET_NS + 1, 1);
            assert_near(r->utilisation, 1, 1e-9);
            n_growing++;
        }
        if (r->start_ns > full && r->end_ns < empty) {
            assert_near(packets, (empty - middle) / PACKET_NS - 0.5, 0.5);
            assert_near(most, (empty - r->start_ns) / PACKET_NS - 0.5, 1);
            n_draining++;
        }
    }
    assert_true(n_growing > 50 && n_draining > 50);
    Total t = total_of(&n, &rows, SINK);
    assert_int_equal(t.payload_b, 2 * 1000 * N_PACKETS);
    assert_int_equal(t.queue_max_b, st.peak_queue_b[1]);
    free(rows.rows);
    flows_free(&f);
    net_free(&n);
}

/* ---- sums ---- */

/* What enters a switch leaves it, on the wire and as payload; hosts send and get what was counted.
 * The largest queue of a tier is the run's peak. */
static void bytes_are_conserved(void **state) {
    (void)state;
    Net n;
    net_clos(&n);
    const Topo *t = &n.topo;
    Flows f = net_random_flows(&n, 800, 1e6, 21);
    double fct[800], *wire_b = MEM_ZNEW(double, t->n_nodes);
    int64_t *payload_b = MEM_ZNEW(int64_t, t->n_nodes);
    uint64_t sent_b = 0, received_b = 0, n_marked = 0, peak_b[PKT_MAX_TIERS] = {0};
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 60e3;
    conf.buffer_b = 1e8;
    conf.pfc = false; /* pause frames go no farther than the next switch */
    PktStats st;
    Rows rows = series_of_links(&n, &f, &conf, (PktOptions){.cc = "dctcp"}, 33e3, fct, &st);
    assert_int_equal(st.n_drops, 0);
    for (uint32_t l = 0; l < t->n_links; l++) {
        Total of = total_of(&n, &rows, l);
        uint32_t from = t->links[l].from, to = t->links[l].to;
        uint64_t *peak = &peak_b[t->tier[from]];
        if (of.queue_max_b > *peak) *peak = of.queue_max_b;
        if (t->is_host[from]) sent_b += of.payload_b;
        if (t->is_host[to]) received_b += of.payload_b;
        wire_b[from] -= of.wire_b;
        wire_b[to] += of.wire_b;
        payload_b[from] -= (int64_t)of.payload_b;
        payload_b[to] += (int64_t)of.payload_b;
        n_marked += of.n_marked;
    }
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        if (t->is_host[v]) continue;
        assert_int_equal(payload_b[v], 0);
        assert_near(wire_b[v], 0, 1);
    }
    assert_int_equal(sent_b, st.sent_b);
    assert_int_equal(received_b, st.received_b);
    assert_true(st.n_marks > 0);
    assert_int_equal(n_marked, st.n_marks);
    assert_memory_equal(peak_b, st.peak_queue_b, sizeof peak_b);
    free(rows.rows);
    free(wire_b);
    free(payload_b);
    flows_free(&f);
    net_free(&n);
}

/* Without PFC, packets are dropped, where they would have waited, and none is held back. Losses on
 * links are in the series of those links. */
static void drops_are_the_runs(void **state) {
    (void)state;
    for (int lossy = 0; lossy < 2; lossy++) {
        Net n;
        TopoCable cables[8];
        for (uint32_t i = 0; i < 8; i++)
            cables[i] = (TopoCable){i, 8, 10e9, 1000, lossy && i < 2 ? 0.02 : 0};
        net_build(&n, 9, 8, cables, 8);
        Flows f = net_random_flows(&n, 500, 1e6, 12);
        double fct[500], paused_ns = 0;
        uint64_t n_dropped = 0, n_on_lossy = 0;
        NetConf conf;
        netconf_default(&conf);
        conf.pfc = false;
        conf.line_window_b = 60e3;
        conf.buffer_b = lossy ? 1e8 : 100e3;
        PktStats st;
        Rows rows = series_of_links(&n, &f, &conf, (PktOptions){.cc = "none"}, 50e3, fct, &st);
        for (uint32_t l = 0; l < n.topo.n_links; l++) {
            Total t = total_of(&n, &rows, l);
            n_dropped += t.n_dropped;
            if (l < 4) n_on_lossy += t.n_dropped;
            if (!lossy && n.topo.is_host[n.topo.links[l].from]) assert_int_equal(t.n_dropped, 0);
            paused_ns += t.paused_ns;
        }
        assert_true(st.n_drops > 0);
        assert_int_equal(n_dropped, st.n_drops);
        if (lossy) assert_int_equal(n_on_lossy, st.n_lost);
        assert_true(paused_ns == 0);
        free(rows.rows);
        flows_free(&f);
        net_free(&n);
    }
}

/* ---- brute force ---- */

/* The integrals of a trace, of each link and interval. */
typedef struct {
    const Topo *topo;
    double interval_ns, first_ns;
    size_t n_intervals;
    double *area, *paused_ns; /* [n_intervals][n_links], bytes × ns */
    uint64_t *max_b, *payload_b;
    double *queue_since, *paused_since; /* [n_links]; paused_since −1: not */
    uint64_t *queue_b;                  /* [n_links] */
} Integral;

static size_t interval_of(const Integral *g, double ns) {
    double k = ceil((ns - g->first_ns) / g->interval_ns);
    return k > 0 ? (size_t)k - 1 : 0;
}

/* Adds height × time to the intervals that since..until covers. */
static void spread(const Integral *g, double *sums, uint32_t link, double height, double since,
                   double until) {
    for (size_t k = interval_of(g, since); k <= interval_of(g, until) && k < g->n_intervals; k++) {
        double begin = g->first_ns + (double)k * g->interval_ns, end = begin + g->interval_ns;
        double from = fmax(begin, since), to = fmin(end, until);
        if (to > from) sums[k * g->topo->n_links + link] += height * (to - from);
    }
}

static void set_queue(Integral *g, uint32_t link, uint64_t queue_b, double now) {
    spread(g, g->area, link, (double)g->queue_b[link], g->queue_since[link], now);
    for (size_t k = interval_of(g, g->queue_since[link]); k <= interval_of(g, now); k++) {
        uint64_t *max_b = &g->max_b[k * g->topo->n_links + link];
        if (g->queue_b[link] > *max_b) *max_b = g->queue_b[link];
        if (k == interval_of(g, now) && queue_b > *max_b) *max_b = queue_b;
    }
    g->queue_b[link] = queue_b;
    g->queue_since[link] = now;
}

static void set_paused(Integral *g, uint32_t link, bool paused, double now) {
    if (g->paused_since[link] >= 0) spread(g, g->paused_ns, link, 1, g->paused_since[link], now);
    g->paused_since[link] = paused ? now : -1;
}

static void integrate(void *ctx, const PktTraceEvent *e) {
    Integral *g = ctx;
    bool leaves = e->kind == PKT_TRACE_SEND || e->kind == PKT_TRACE_DEQUEUE;
    if (e->kind == PKT_TRACE_RECEIVE && e->type >= PKT_PAUSE)
        set_paused(g, e->link ^ 1, e->type == PKT_PAUSE, e->time_ns);
    if (!leaves && e->kind != PKT_TRACE_ENQUEUE) return;
    set_queue(g, e->link, e->queue_b, e->time_ns);
    double sent_ns = e->time_ns + e->wire_b * 8e9 / g->topo->links[e->link].rate_bps;
    if (leaves && e->type == PKT_DATA)
        g->payload_b[interval_of(g, sent_ns) * g->topo->n_links + e->link] +=
            e->wire_b - (FULL_B - 1000);
}

static Integral integral_new(const Topo *t, double interval_ns, double first_ns,
                             size_t n_intervals) {
    size_t n = n_intervals * t->n_links;
    Integral g = {.topo = t,
                  .interval_ns = interval_ns,
                  .first_ns = first_ns,
                  .n_intervals = n_intervals,
                  .area = MEM_ZNEW(double, n),
                  .paused_ns = MEM_ZNEW(double, n),
                  .max_b = MEM_ZNEW(uint64_t, n),
                  .payload_b = MEM_ZNEW(uint64_t, n),
                  .queue_since = MEM_NEW(double, t->n_links),
                  .paused_since = MEM_NEW(double, t->n_links),
                  .queue_b = MEM_ZNEW(uint64_t, t->n_links)};
    for (uint32_t l = 0; l < t->n_links; l++) {
        g.queue_since[l] = first_ns;
        g.paused_since[l] = -1;
    }
    return g;
}

static void integral_free(Integral *g) {
    free(g->area);
    free(g->paused_ns);
    free(g->max_b);
    free(g->payload_b);
    free(g->queue_since);
    free(g->paused_since);
    free(g->queue_b);
}

/* Queues, goodput and pauses are those that one gets from the trace, the long way. */
static void series_agree_with_the_trace(void **state) {
    (void)state;
    Net n;
    net_clos(&n);
    Flows f = net_random_flows(&n, 600, 1e6, 5);
    double fct[600], paused_ns = 0;
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 60e3;
    Integral g = integral_new(&n.topo, 41e3, (double)f.start_ns[0], 200);
    PktOptions opt = {.cc = "none", .trace = integrate, .trace_ctx = &g};
    PktStats st;
    Rows rows = series_of_links(&n, &f, &conf, opt, 41e3, fct, &st);
    size_t n_intervals = rows.n / n.topo.n_links;
    assert_true(n_intervals > 20 && n_intervals <= g.n_intervals);
    for (uint32_t l = 0; l < n.topo.n_links; l++) {
        set_queue(&g, l, 0, rows.rows[rows.n - 1].end_ns);
        set_paused(&g, l, false, rows.rows[rows.n - 1].end_ns);
    }
    for (size_t i = 0; i < rows.n; i++) {
        const SeriesRow *r = &rows.rows[i];
        assert_int_equal(i % n.topo.n_links, r->group);
        assert_near(r->queue_mean_b * length_ns(r), g.area[i], 1e-6 * (1 + g.area[i]));
        assert_near(r->paused_share * length_ns(r), g.paused_ns[i], 1e-3);
        assert_int_equal(r->queue_max_b, g.max_b[i]);
        assert_int_equal(r->payload_b, g.payload_b[i]);
        paused_ns += g.paused_ns[i];
    }
    assert_true(st.n_pauses > 10 && paused_ns > 1000);
    integral_free(&g);
    free(rows.rows);
    flows_free(&f);
    net_free(&n);
}

/* ---- groups and intervals ---- */

/* A group's shares are weighted by capacity and time, its queue is averaged over links, its counts
 * and goodput are sums; a link may be in several groups. */
static void groups_are_sums_of_links(void **state) {
    (void)state;
    Net n;
    net_lot(&n); /* rates differ */
    Flows f = net_random_flows(&n, 200, 1e6, 3);
    double fct[200];
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 60e3;
    static const uint32_t start[] = {0, 4, 5, 6, 7, 8}, link[] = {1, 9, 10, 13, 1, 9, 10, 13};
    PktOptions opt = {.cc = "dcqcn"};
    Rows rows = series_of(&n, &f, &conf, opt, 100e3, 5, start, link, fct, NULL);
    bool queued = false;
    for (size_t i = 0; i < rows.n; i += 5) {
        const SeriesRow *all = &rows.rows[i];
        double used = 0, capacity = 0, queue_b = 0, goodput_bps = 0, paused = 0;
        uint64_t max_b = 0, n_marked = 0;
        assert_int_equal(all->n_links, 4);
        for (size_t k = 1; k <= 4; k++) {
            const SeriesRow *one = all + k;
            double rate_bps = n.topo.links[link[k - 1]].rate_bps;
            assert_int_equal(one->n_links, 1);
            used += one->utilisation * rate_bps;
            capacity += rate_bps;
            queue_b += one->queue_mean_b / 4;
            paused += one->paused_share / 4;
            goodput_bps += one->goodput_bps;
            n_marked += one->n_marked;
            if (one->queue_max_b > max_b) max_b = one->queue_max_b;
        }
        assert_near(all->utilisation, used / capacity, 1e-12);
        assert_near(all->queue_mean_b, queue_b, 1e-9 * (1 + queue_b));
        assert_near(all->paused_share, paused, 1e-12);
        assert_near(all->goodput_bps, goodput_bps, 1e-9 * (1 + goodput_bps));
        assert_int_equal(all->queue_max_b, max_b);
        assert_int_equal(all->n_marked, n_marked);
        queued |= queue_b > 0;
    }
    assert_true(queued);
    free(rows.rows);
    flows_free(&f);
    net_free(&n);
}

/* Intervals begin with the first flow, follow each other without a gap, silent ones included, are
 * all of the length asked for but the last, and end with the last event or the stop. Shares are
 * shares, however short the intervals. */
static void intervals_tile_the_run(void **state) {
    (void)state;
    Net n;
    net_star(&n, 4, 10e9, 1000);
    const TestFlow list[] = {{0, 3, 50000, 1000}, {1, 3, 50000, 2000}, {2, 3, 3000, 3000000}};
    Flows f = flows_of(list, 3);
    static const double intervals[] = {100, 999.5, 100e3, 1e6, 1e9, 1e30};
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 60e3;
    for (int k = 0; k < 6 * 3; k++) {
        double fct[3], interval = intervals[k / 3];
        PktStats st;
        PktOptions opt = {.stop_ns = k % 3 == 1 ? 50e3 : 0, .compat = k % 3 == 2};
        Rows rows = series_of_links(&n, &f, &conf, opt, interval, fct, &st);
        if (opt.compat) interval = floor(interval + 0.5);
        double first = opt.compat ? 999 : 1000, at = first; /* quirk: starts are cut to ns */
        for (size_t i = 0; i < rows.n; i += n.topo.n_links) {
            const SeriesRow *r = &rows.rows[i];
            bool last = i + n.topo.n_links == rows.n;
            assert_true(r->start_ns == at);
            assert_true(last || fabs(length_ns(r) - interval) < 1e-6);
            assert_true(length_ns(r) > 0 && length_ns(r) < interval + 1e-6);
            at = r->end_ns;
            for (uint32_t l = 0; l < n.topo.n_links; l++) {
                assert_true(r[l].start_ns == r->start_ns && r[l].end_ns == at);
                assert_true(r[l].utilisation >= 0 && r[l].utilisation <= 1);
            }
        }
        assert_near(at, first + (opt.stop_ns > 0 ? opt.stop_ns : st.sim_ns), 1e-6);
        free(rows.rows);
    }
    flows_free(&f);
    net_free(&n);
}

/* ---- no side effects ---- */

static void series_change_no_result(void **state) {
    (void)state;
    static const char *const controls[] = {"dctcp", "dcqcn", "hp",   "timely",
                                           "none",  "swift", "nscc", "eqds"};
    Net n;
    net_clos(&n);
    Flows f = net_random_flows(&n, 300, 5e5, 8), none = flows_of(NULL, 0);
    NetConf conf;
    netconf_default(&conf);
    conf.line_window_b = 60e3;
    for (int k = 0; k < 13; k++) { /* Swift, NSCC and EQDS are not in compat */
        double with[300], without[300];
        PktStats a, b;
        Err err;
        PktOptions opt = {.cc = controls[k % 8], .compat = k >= 8, .seed = 3};
        die_on(pktsim_run(n.route, &f, &conf, &opt, without, &b, &err), &err);
        Rows rows = series_of_links(&n, &f, &conf, opt, 10e3, with, &a);
        a.wall_s = b.wall_s;
        assert_memory_equal(with, without, sizeof with);
        assert_memory_equal(&a, &b, sizeof a);
        free(rows.rows);
    }
    Rows rows = series_of_links(&n, &none, &conf, (PktOptions){0}, 10e3, NULL, NULL);
    assert_int_equal(rows.n, 0);
    flows_free(&none);
    flows_free(&f);
    net_free(&n);
}

/* A run that is interrupted says so even where it has hardly an event and very many intervals. */
static void silence_can_be_interrupted(void **state) {
    (void)state;
    Net n;
    net_star(&n, 2, 10e9, 1000);
    const TestFlow list[] = {{0, 1, 1000, 0}, {1, 0, 1000, 4000000000000000}};
    Flows f = flows_of(list, 2);
    NetConf conf;
    netconf_default(&conf);
    double fct[2];
    static const uint32_t start[] = {0, 1}, link[] = {0};
    Rows rows = {0};
    SeriesSpec spec = {
        .interval_ns = 1, .n_groups = 1, .start = start, .link = link, .row = keep, .ctx = &rows};
    Err err = {0};
    diag_catch_signals();
    raise(SIGINT);
    assert_int_equal(
        pktsim_run(n.route, &f, &conf, &(PktOptions){.series = &spec}, fct, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_STOPPED);
    free(rows.rows);
    flows_free(&f);
    net_free(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lone_flow_uses_what_it_sends),
        cmocka_unit_test(incast_queue_grows_linearly),
        cmocka_unit_test(bytes_are_conserved),
        cmocka_unit_test(drops_are_the_runs),
        cmocka_unit_test(series_agree_with_the_trace),
        cmocka_unit_test(groups_are_sums_of_links),
        cmocka_unit_test(intervals_tile_the_run),
        cmocka_unit_test(series_change_no_result),
        cmocka_unit_test(silence_can_be_interrupted), /* last: the request stays */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
