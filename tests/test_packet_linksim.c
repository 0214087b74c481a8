/* Parsimon's link simulation: what theory says of one flow, of a full queue, of a shared source. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "packet/linksim.h"

enum { MANY = 400, ORACLE_LINKS = 600 };
static double ten_gig[MANY];

static LinkSimConf conf_of(double server_bps, uint32_t n_sources) {
    for (int i = 0; i < MANY; i++) ten_gig[i] = 10e9;
    return (LinkSimConf){.server_bps = server_bps,
                         .k_b = 1e12,
                         .window_b = 1e12,
                         .n_sources = n_sources,
                         .source_bps = ten_gig};
}

/* A flow alone takes its ideal time, whatever its size and the slower of source and server, unless
 * its window is below the bandwidth-delay product. */
static void alone(void **state) {
    (void)state;
    static const double server[] = {1e9, 10e9, 40e9, 1e12};
    static const uint64_t size[] = {1, 999, 1000, 1001, 5500, 100000, 1234567};
    LinkSim *s = linksim_new();
    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i < 7; i++) {
            LinkSimConf c = conf_of(server[k], 1);
            LinkSimFlow f = {size[i], 77, 0, 2000, 3000};
            float delay = -1;
            linksim_run(s, &c, &f, 1, &delay);
            /* Rounding to whole ns, packet by packet. */
            if (!(delay >= 0 && delay < 1)) fail_msg("%g ns a packet", (double)delay);
        }
    /* Five packets in a round trip of 2 (2 + 3) µs of distance and two transmissions. */
    LinkSimConf c = conf_of(10e9, 1);
    LinkSimFlow f = {1000000, 0, 0, 2000, 3000};
    float delay;
    c.window_b = 5000;
    assert_int_equal(linksim_run(s, &c, &f, 1, &delay), 1000);
    double round_ns = 2 * (2000 + 3000) + 2 * 838, slots_ns = round_ns / 5 - 838;
    if (fabs((double)delay / slots_ns - 1) > 0.02)
        fail_msg("%g ns a packet, expected %g", (double)delay, slots_ns);
    linksim_destroy(s);
}

/* One packet of each of MANY sources at once: the k-th waits for k packets. */
static void first_in_first_out(void **state) {
    (void)state;
    LinkSim *s = linksim_new();
    LinkSimConf c = conf_of(10e9, MANY);
    LinkSimFlow *f = MEM_NEW(LinkSimFlow, MANY);
    float *delay = MEM_NEW(float, MANY);
    for (uint32_t i = 0; i < MANY; i++) f[i] = (LinkSimFlow){1000, 5, i, 1000, 1000};
    assert_int_equal(linksim_run(s, &c, f, MANY, delay), MANY);
    for (uint32_t i = 0; i < MANY; i++)
        if (fabs((double)delay[i] - 838 * i) > 0.5 + i)
            fail_msg("packet %u waits %g ns", i, (double)delay[i]);
    free(f);
    free(delay);
    linksim_destroy(s);
}

/* Right before a faster server nothing waits: with a window that never closes the same as farther
 * from it, where the simulation takes no short cut. */
static void own_link(void **state) {
    (void)state;
    LinkSim *s = linksim_new();
    for (int window = 0; window < 2; window++) {
        LinkSimConf c = conf_of(1e12, 1);
        LinkSimFlow f[] = {
            {1000000, 0, 0, 0, 5000}, {300000, 50000, 0, 0, 5000}, {1000000, 10000000, 0, 0, 5000}};
        float near[3], far[3];
        c.window_b = window ? 18000 : 7000;
        uint64_t n = linksim_run(s, &c, f, 3, near);
        for (int i = 0; i < 3; i++) f[i].to_link_ns = 1, f[i].from_head_ns -= 1;
        assert_int_equal(linksim_run(s, &c, f, 3, far), n);
        for (int i = 0; i < 3; i++)
            if (fabs((double)near[i] - (double)far[i]) > 5)
                fail_msg("flow %d: %g ns a packet, %g", i, (double)near[i], (double)far[i]);
        assert_true(window == 0 || near[2] < 1);
    }
    linksim_destroy(s);
}

/* Two equal flows of one source, round robin: both take twice as long. Two sources into one server
 * without marks: likewise. */
static void shares(void **state) {
    (void)state;
    LinkSim *s = linksim_new();
    for (uint32_t two = 0; two < 2; two++) {
        LinkSimConf c = conf_of(two ? 10e9 : 1e12, 1 + two);
        LinkSimFlow f[] = {{1000000, 0, 0, 1000, 1000}, {1000000, 0, two, 1000, 1000}};
        float delay[2];
        linksim_run(s, &c, f, 2, delay);
        for (int i = 0; i < 2; i++)
            if (fabs((double)delay[i] - 838) > 3) fail_msg("%g ns a packet", (double)delay[i]);
    }
    linksim_destroy(s);
}

/* Marks keep the queue near K: a packet that comes late waits for about that, and both long flows
 * still fill the server. */
static void marks_bound_the_queue(void **state) {
    (void)state;
    LinkSim *s = linksim_new();
    LinkSimConf c = conf_of(10e9, 3);
    LinkSimFlow f[] = {{20000000, 0, 0, 1000, 1000},
                       {20000000, 0, 1, 1000, 1000},
                       {1000, 10000000, 2, 1000, 1000}};
    float with[3], without[3];
    linksim_run(s, &c, f, 3, without);
    c.k_b = 30000;
    linksim_run(s, &c, f, 3, with);
    assert_true(without[2] > 1e6f);
    if (!(with[2] < 4 * 30000 * 0.8f)) fail_msg("%g ns in the queue", (double)with[2]);
    if (!(with[0] < 838 * 1.1f && with[1] < 838 * 1.1f))
        fail_msg("%g and %g ns a packet", (double)with[0], (double)with[1]);
    linksim_destroy(s);
}

/* The same bytes from a used simulation as from a new one; all bytes sent; nobody early. */
static void random_flows(void **state) {
    (void)state;
    enum { N = 3000 };
    LinkSim *used = linksim_new();
    LinkSimFlow *f = MEM_NEW(LinkSimFlow, N);
    float *a = MEM_NEW(float, N), *b = MEM_NEW(float, N);
    for (uint64_t seed = 0; seed < 5; seed++) {
        Rng rng = rng_stream(seed, "test", 0);
        int64_t at = 0;
        uint64_t least = 0;
        for (int i = 0; i < N; i++) {
            at += (int64_t)(8000 * rng_exponential(&rng));
            f[i] = (LinkSimFlow){1 + rng_below(&rng, i % 10 ? 3000 : 100000), at,
                                 (uint32_t)rng_below(&rng, 20), (uint32_t)rng_below(&rng, 4000),
                                 1000 + (uint32_t)rng_below(&rng, 4000)};
            least += (f[i].size_b + 999) / 1000;
        }
        LinkSimConf c = conf_of(10e9, 20);
        c.k_b = 30000;
        c.window_b = 12000;
        LinkSim *fresh = linksim_new();
        uint64_t n = linksim_run(fresh, &c, f, N, a);
        assert_int_equal(linksim_run(used, &c, f, N, b), n);
        assert_true(n >= least);
        for (int i = 0; i < N; i++) assert_true(a[i] == b[i] && a[i] >= 0 && isfinite(a[i]));
        linksim_destroy(fresh);
    }
    free(f);
    free(a);
    free(b);
    linksim_destroy(used);
}

/* ---- an oracle: the simulation as one would write it down ----
 *
 * Every event lies in one unsorted list, every packet has its acknowledgement, and whether one is
 * marked is counted over all arrivals. Events of equal time happen in the order in which they were
 * scheduled. */

typedef struct {
    uint64_t size_b, sent_b, acked_b, batch_end_b, cut_end_b, window_b;
    double rate_bps, alpha;
    int64_t allowed_ns;
    uint32_t n_marked, n_batch;
    bool in_cwr;
} OracleFlow;

typedef struct {
    int64_t free_ns, alarm_ns;
    uint32_t list[MANY], n, next;
} OracleSource;

typedef enum { ORACLE_START, ORACLE_LOOK, ORACLE_ARRIVE, ORACLE_BACK } OracleKind;

typedef struct {
    int64_t time;
    uint64_t seq;
    OracleKind kind;
    uint32_t flow, source, payload_b;
    size_t arrival;
    bool last;
} OracleEvent;

typedef struct {
    int64_t at_ns, served_ns;
    uint32_t wire_b;
} OracleArrival;

typedef struct {
    const LinkSimConf *c;
    const LinkSimFlow *in;
    OracleFlow flow[MANY];
    OracleSource source[MANY];
    OracleEvent *event;
    size_t n_events, cap_events;
    OracleArrival *arrival;
    size_t n_arrivals, cap_arrivals;
    uint64_t seq, n_packets;
    int64_t idle_ns;
    bool own; /* packets reach the queue while they are sent */
    float *delay_ns;
} Oracle;

static int64_t oracle_ns(double bytes, double rate_bps) {
    return (int64_t)(bytes * (8e9 / rate_bps) + 0.5);
}

static void oracle_push(Oracle *o, OracleEvent e) {
    MEM_GROW(o->event, o->cap_events, o->n_events + 1);
    e.seq = o->seq++;
    o->event[o->n_events++] = e;
}

static bool oracle_pop(Oracle *o, OracleEvent *e) {
    size_t first = 0;
    if (o->n_events == 0) return false;
    for (size_t i = 1; i < o->n_events; i++) {
        const OracleEvent *a = &o->event[i], *b = &o->event[first];
        if (a->time < b->time || (a->time == b->time && a->seq < b->seq)) first = i;
    }
    *e = o->event[first];
    o->event[first] = o->event[--o->n_events];
    return true;
}

static uint64_t oracle_usable_b(const OracleFlow *f) {
    uint64_t in_flight = f->sent_b - f->acked_b, usable = f->size_b - f->sent_b;
    if (usable > 1000) usable = 1000;
    if (f->window_b <= in_flight) return 0;
    return usable < f->window_b - in_flight ? usable : f->window_b - in_flight;
}

static void oracle_arrive(Oracle *o, const OracleEvent *e) {
    const LinkSimFlow *in = &o->in[e->flow];
    uint32_t wire_b = e->payload_b + 48;
    int64_t served_ns = o->idle_ns > e->time ? o->idle_ns : e->time;
    o->idle_ns = served_ns + oracle_ns(wire_b, o->c->server_bps);
    MEM_GROW(o->arrival, o->cap_arrivals, o->n_arrivals + 1);
    o->arrival[o->n_arrivals] = (OracleArrival){e->time, served_ns, wire_b};
    oracle_push(o, (OracleEvent){.time = o->idle_ns + 2 * (int64_t)in->from_head_ns +
                                         (int64_t)in->to_link_ns,
                                 .kind = ORACLE_BACK,
                                 .flow = e->flow,
                                 .payload_b = e->payload_b,
                                 .arrival = o->n_arrivals++});
    if (!e->last) return;
    double rate = o->c->source_bps[in->source], slow = fmin(rate, o->c->server_bps),
           head_b = in->size_b < 1000 ? (double)in->size_b : 1000;
    uint64_t rest_b = in->size_b - (uint64_t)head_b;
    int64_t alone_ns = oracle_ns(head_b + 48, rate) + oracle_ns(head_b + 48, o->c->server_bps) +
                       (int64_t)(rest_b / 1000) * oracle_ns(1048, slow) + in->to_link_ns +
                       in->from_head_ns;
    if (rest_b % 1000) alone_ns += oracle_ns((double)(rest_b % 1000 + 48), slow);
    int64_t over_ns = o->idle_ns + in->from_head_ns - in->start_ns - alone_ns;
    double n_packets = (double)((in->size_b + 999) / 1000);
    o->delay_ns[e->flow] = over_ns > 0 ? (float)((double)over_ns / n_packets) : 0;
}

static void oracle_alarm(Oracle *o, uint32_t source, int64_t at_ns) {
    o->source[source].alarm_ns = at_ns;
    oracle_push(o, (OracleEvent){.time = at_ns, .kind = ORACLE_LOOK, .source = source});
}

static void oracle_send(Oracle *o, uint32_t source, uint32_t i, int64_t now) {
    OracleSource *src = &o->source[source];
    uint32_t flow = src->list[i];
    OracleFlow *f = &o->flow[flow];
    uint64_t b = oracle_usable_b(f);
    src->free_ns = now + oracle_ns((double)(b + 48), o->c->source_bps[source]);
    f->allowed_ns = now + oracle_ns((double)(b + 48), f->rate_bps);
    f->sent_b += b;
    o->n_packets++;
    OracleEvent e = {.time = src->free_ns + o->in[flow].to_link_ns,
                     .kind = ORACLE_ARRIVE,
                     .flow = flow,
                     .payload_b = (uint32_t)b,
                     .last = f->sent_b == f->size_b};
    src->next = i + 1;
    if (e.last) {
        src->n--;
        for (uint32_t k = i; k < src->n; k++) src->list[k] = src->list[k + 1];
    }
    src->next = src->n > 0 ? src->next % src->n : 0;
    if (o->own) oracle_arrive(o, &e);
    else oracle_push(o, e);
    if (src->n > 0) oracle_alarm(o, source, src->free_ns);
}

static void oracle_look(Oracle *o, uint32_t source, int64_t now) {
    OracleSource *src = &o->source[source];
    int64_t earliest = INT64_MAX;
    src->alarm_ns = INT64_MAX;
    for (uint32_t k = 0; k < src->n; k++) {
        uint32_t i = (src->next + k) % src->n;
        const OracleFlow *f = &o->flow[src->list[i]];
        if (oracle_usable_b(f) == 0) continue;
        if (f->allowed_ns <= now) {
            oracle_send(o, source, i, now);
            return;
        }
        if (f->allowed_ns < earliest) earliest = f->allowed_ns;
    }
    if (earliest != INT64_MAX) oracle_alarm(o, source, earliest);
}

static void oracle_look_by(Oracle *o, uint32_t source, int64_t t, int64_t now) {
    OracleSource *src = &o->source[source];
    if (t < src->free_ns) t = src->free_ns;
    if (t <= now) oracle_look(o, source, now);
    else if (t < src->alarm_ns) oracle_alarm(o, source, t);
}

static uint64_t oracle_window_b(const Oracle *o, uint32_t source, double rate_bps) {
    return (uint64_t)(o->c->window_b * rate_bps / o->c->source_bps[source] + 0.5);
}

static void oracle_start(Oracle *o, uint32_t flow, int64_t now) {
    uint32_t source = o->in[flow].source;
    OracleSource *src = &o->source[source];
    double rate = o->c->source_bps[source];
    o->flow[flow] = (OracleFlow){.size_b = o->in[flow].size_b,
                                 .rate_bps = rate,
                                 .alpha = 1,
                                 .window_b = oracle_window_b(o, source, rate)};
    if (o->flow[flow].window_b == 0) o->flow[flow].window_b = 1;
    src->list[src->n++] = flow;
    oracle_look_by(o, source, now, now);
}

static bool oracle_marked(const Oracle *o, size_t arrival) {
    double after_b = 0;
    for (size_t i = arrival + 1; i < o->n_arrivals; i++)
        if (o->arrival[i].at_ns < o->arrival[arrival].served_ns) after_b += o->arrival[i].wire_b;
    return after_b > o->c->k_b;
}

static void oracle_back(Oracle *o, const OracleEvent *e) {
    uint32_t source = o->in[e->flow].source;
    double max_bps = o->c->source_bps[source], rate_bps;
    OracleFlow *f = &o->flow[e->flow];
    bool marked = oracle_marked(o, e->arrival), new_batch;
    f->acked_b += e->payload_b;
    if (f->sent_b == f->size_b) return;
    f->n_marked += marked;
    new_batch = f->acked_b > f->batch_end_b;
    if (new_batch) {
        uint64_t in_flight = f->sent_b - f->acked_b;
        if (f->batch_end_b == 0) {
            f->n_batch = (uint32_t)(f->sent_b / 1000 + 1);
        } else {
            double share =
                f->n_batch > 0 ? fmin(1, (double)f->n_marked / f->n_batch) : f->n_marked > 0;
            f->alpha = (1 - 1.0 / 16) * f->alpha + 1.0 / 16 * share;
            f->n_marked = 0;
            f->n_batch = in_flight > 0 ? (uint32_t)(in_flight / 1000 + 1) : 0;
        }
        f->batch_end_b = f->sent_b;
    }
    if (f->in_cwr && f->acked_b > f->cut_end_b) f->in_cwr = false;
    rate_bps = f->rate_bps;
    if (!f->in_cwr && marked) {
        rate_bps = fmax(rate_bps * (1 - f->alpha / 2), fmin(1e9, max_bps));
        f->cut_end_b = f->sent_b;
    }
    if (!f->in_cwr && new_batch) rate_bps = fmin(rate_bps + 615e6, max_bps);
    if (!f->in_cwr && marked) f->in_cwr = true;
    if (rate_bps != f->rate_bps) f->window_b = oracle_window_b(o, source, rate_bps);
    f->rate_bps = rate_bps;
    if (oracle_usable_b(f) > 0) oracle_look_by(o, source, f->allowed_ns, e->time);
}

static uint64_t oracle_run(const LinkSimConf *c, const LinkSimFlow *in, uint32_t n, float *delay) {
    Oracle *o = MEM_ZNEW(Oracle, 1);
    OracleEvent e;
    *o = (Oracle){.c = c, .in = in, .idle_ns = INT64_MIN, .own = true, .delay_ns = delay};
    for (uint32_t i = 0; i < n; i++) o->own &= in[i].to_link_ns == 0;
    o->own &= c->n_sources == 1 && c->server_bps >= 2 * c->source_bps[0];
    for (uint32_t i = 0; i < c->n_sources; i++)
        o->source[i] = (OracleSource){.free_ns = INT64_MIN, .alarm_ns = INT64_MAX};
    oracle_push(o, (OracleEvent){.time = in[0].start_ns, .kind = ORACLE_START});
    while (oracle_pop(o, &e)) switch (e.kind) {
        case ORACLE_START:
            oracle_start(o, e.flow, e.time);
            e.flow++;
            if (e.flow < n) {
                e.time = in[e.flow].start_ns;
                oracle_push(o, e);
            }
            break;
        case ORACLE_LOOK:
            if (o->source[e.source].alarm_ns == e.time) oracle_look(o, e.source, e.time);
            break;
        case ORACLE_ARRIVE: oracle_arrive(o, &e); break;
        case ORACLE_BACK: oracle_back(o, &e); break;
        }
    uint64_t n_packets = o->n_packets;
    free(o->event);
    free(o->arrival);
    free(o);
    return n_packets;
}

/* ---- against the oracle ---- */

static uint64_t pick(Rng *rng, const uint64_t *of, size_t n) { return of[rng_below(rng, n)]; }
#define PICK(rng, ...) \
    pick(rng, (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* A link like a host's own, like one between switches, or like nothing on earth; times that are
 * multiples of a packet's, so that much happens at once, or any. */
static uint32_t random_link(Rng *rng, LinkSimConf *c, double *rate, LinkSimFlow *f) {
    static const uint64_t kinds[] = {1, 2, 3, 8, 20, 100};
    bool own = rng_below(rng, 4) == 0, odd = rng_below(rng, 3) == 0;
    uint64_t tick = PICK(rng, 1, 1, 419, 838, 1676), sources = own ? 1 : pick(rng, kinds, 6);
    uint64_t longest = PICK(rng, 1000, 3000, 30000, 300000);
    uint32_t n = 1 + (uint32_t)rng_below(rng, longest > 30000 ? 6 : 60);
    double gap_ns = (double)PICK(rng, 0, 300, 3000, 30000, 300000);
    bool instant = rng_below(rng, 16) == 0; /* packets take no time at all */
    int64_t at = 0;
    for (uint64_t i = 0; i < sources; i++) rate[i] = odd ? rng_uniform(rng, 2e9, 40e9) : 10e9;
    *c = (LinkSimConf){.server_bps = own   ? (double)PICK(rng, 80, 1000) * 1e9
                                     : odd ? rng_uniform(rng, 2e9, 40e9)
                                           : (double)PICK(rng, 5, 10, 10, 40) * 1e9,
                       .k_b = (double)PICK(rng, 0, 2000, 10840, 30000, 1000000000),
                       .window_b =
                           (double)PICK(rng, 0, 700, 5000, 12810, 16515, 18000, 29742, 1000000),
                       .n_sources = (uint32_t)sources,
                       .source_bps = rate};
    for (uint64_t i = 0; i < sources && instant; i++) rate[i] = 1e16;
    if (instant) c->server_bps = 1e18;
    for (uint32_t i = 0; i < n; i++) {
        at += (int64_t)(gap_ns * rng_exponential(rng) / (double)tick) * (int64_t)tick;
        f[i] = (LinkSimFlow){
            .size_b = 1 + rng_below(rng, i % (longest > 30000 ? 2 : 4) ? 3000 : longest),
            .start_ns = at,
            .source = (uint32_t)rng_below(rng, sources),
            .to_link_ns = own ? 0 : (uint32_t)PICK(rng, 0, 1000, 3000),
            .from_head_ns = (uint32_t)PICK(rng, 1000, 3000, 5000),
        };
        if (rng_below(rng, 4) == 0) f[i].size_b += 1000 - f[i].size_b % 1000;
        if (tick > 1)
            f[i].to_link_ns = own ? 0 : (uint32_t)tick, f[i].from_head_ns = (uint32_t)tick;
        if (odd) f[i].from_head_ns = (uint32_t)rng_below(rng, 5000);
        if (odd && !own) f[i].to_link_ns = (uint32_t)rng_below(rng, 5000);
        if (instant) f[i].to_link_ns = f[i].from_head_ns = 0;
    }
    return n;
}

static void agrees_with_oracle(void **state) {
    (void)state;
    LinkSim *s = linksim_new();
    double rate[MANY];
    LinkSimFlow f[MANY];
    float got[MANY], expected[MANY];
    for (uint64_t seed = 0; seed < ORACLE_LINKS; seed++) {
        Rng rng = rng_stream(seed, "link", 0);
        LinkSimConf c;
        uint32_t n = random_link(&rng, &c, rate, f);
        uint64_t packets = oracle_run(&c, f, n, expected);
        assert_int_equal(linksim_run(s, &c, f, n, got), packets);
        for (uint32_t i = 0; i < n; i++)
            if (got[i] != expected[i])
                fail_msg("link %d, flow %u of %u: %.9g ns a packet, expected %.9g", (int)seed, i, n,
                         (double)got[i], (double)expected[i]);
    }
    linksim_destroy(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone),
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(own_link),
        cmocka_unit_test(shares),
        cmocka_unit_test(marks_bound_the_queue),
        cmocka_unit_test(random_flows),
        cmocka_unit_test(agrees_with_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
