/* maxmin and flowsim: theory first (lone flow, max-min optimality, conservation, a brute-force
 * simulation), then the published program's outputs: a few in tests/golden/fluid, all of them where
 * ../shared exists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "fluid/flowsim.h"
#include "fluid/maxmin.h"
#include "fluid_case.h"
#include "net/wire.h"

static const char *const shared = "../shared/ref/flowsim";

static double relative(double x, double y) {
    return x == y ? 0 : fabs(x - y) / fmax(fabs(x), fabs(y));
}

/* ---- maxmin ---- */

static void make_links(Rng *r, double *rate, uint32_t n) {
    static const double rates[] = {10, 10, 25, 40, 100, 7.3};
    for (uint32_t l = 0; l < n; l++) rate[l] = rates[rng_below(r, 6)];
}

static int by_cap(const void *a, const void *b) {
    double x = ((const MaxminClass *)a)->cap, y = ((const MaxminClass *)b)->cap;
    return (x > y) - (x < y);
}

static MaxminClass *make_classes(Rng *r, uint32_t n_links, uint32_t n, Arena *a) {
    static const double caps[] = {10, 10, 25, 3.3, 100};
    MaxminClass *k = ARENA_NEW(a, MaxminClass, n);
    for (uint32_t c = 0; c < n; c++) {
        uint32_t s = (uint32_t)rng_below(r, n_links);
        k[c] = (MaxminClass){.s = (uint16_t)s,
                             .d = (uint16_t)(s + 1 + rng_below(r, n_links - s)),
                             .cap = caps[rng_below(r, 5)]};
    }
    qsort(k, n, sizeof *k, by_cap);
    return k;
}

/* Every class with flows is at its cap or crosses a full link on which no flow is faster; no link
 * carries too much. */
static void check_optimal(const double *link_rate, uint32_t n_links, const MaxminClass *k,
                          uint32_t n) {
    double *carried = MEM_ZNEW(double, n_links), *fastest = MEM_ZNEW(double, n_links);
    for (uint32_t c = 0; c < n; c++)
        for (uint32_t l = k[c].s; k[c].n > 0 && l < k[c].d; l++) {
            carried[l] += k[c].n * k[c].rate;
            fastest[l] = fmax(fastest[l], k[c].rate);
        }
    for (uint32_t l = 0; l < n_links; l++) assert_true(carried[l] <= link_rate[l] * (1 + 1e-9));
    for (uint32_t c = 0; c < n; c++) {
        if (k[c].n == 0) continue;
        bool settled = k[c].rate == k[c].cap;
        assert_true(k[c].rate > 0 && k[c].rate <= k[c].cap);
        for (uint32_t l = k[c].s; l < k[c].d; l++)
            settled |=
                carried[l] >= link_rate[l] * (1 - 1e-9) && k[c].rate >= fastest[l] * (1 - 1e-9);
        assert_true(settled);
    }
    free(carried);
    free(fastest);
}

/* Flows come and go at random; after each step the allocation is optimal, also where maxmin_fill
 * says nothing changed. */
static void maxmin_is_optimal(void **state) {
    (void)state;
    Arena a = {0};
    for (uint64_t seed = 0; seed < 300; seed++) {
        Rng r = rng_stream(seed, "maxmin", 0);
        uint32_t n_links = 1 + (uint32_t)rng_below(&r, seed % 10 == 0 ? 40 : 8),
                 n = 1 + (uint32_t)rng_below(&r, seed % 10 == 0 ? 200 : 12);
        double rate[40];
        make_links(&r, rate, n_links);
        MaxminClass *k = make_classes(&r, n_links, n, &a);
        Maxmin m;
        maxmin_init(&m, rate, n_links, k, n, &a);
        for (int step = 0; step < 200; step++) {
            uint32_t c = (uint32_t)rng_below(&r, n);
            if (k[c].n > 0 && rng_below(&r, 100) < (step < 100 ? 40 : 70)) maxmin_leave(&m, c);
            else maxmin_join(&m, c);
            maxmin_fill(&m);
            check_optimal(rate, n_links, k, n);
        }
        arena_reset(&a);
    }
    arena_free(&a);
}

/* A flow that fills its link alone does not overload it, whatever rounding others left behind. */
static void idle_links_forget_rounding(void **state) {
    (void)state;
    enum { N = 8 };
    Arena a = {0};
    Rng r = rng_stream(1, "rounding", 0);
    const double rate = 1;
    MaxminClass k[N];
    Maxmin m;
    for (int c = 0; c < N; c++)
        k[c] = (MaxminClass){.s = 0, .d = 1, .cap = c + 1 == N ? rate : 0.1 * (c + 1)};
    maxmin_init(&m, &rate, 1, k, N, &a);
    for (int step = 0; step < 10000; step++) {
        uint32_t c = (uint32_t)rng_below(&r, N);
        if (k[c].n == 0 || rng_below(&r, 2)) maxmin_join(&m, c);
        else maxmin_leave(&m, c);
    }
    double left = 0;
    for (uint32_t c = 0; c < N; c++)
        for (; k[c].n > 0; maxmin_leave(&m, c)) left = m.links[0].demand - k[c].cap;
    assert_true(left != 0); /* or this tests nothing */
    assert_true(m.links[0].demand == 0 && m.links[0].count == 0);
    maxmin_fill(&m);
    maxmin_join(&m, N - 1);
    assert_false(maxmin_fill(&m));
    assert_true(k[N - 1].rate == rate);
    arena_free(&a);
}

/* One allocation of mmf_vectors.txt: flows in single file, each its own class. */
static int check_vector(FILE *f) {
    int n_hosts, n, iterations;
    double gbps;
    Arena a = {0};
    if (fscanf(f, " case %d %lf %d %d", &n_hosts, &gbps, &n, &iterations) != 4) return 0;
    Lot lot;
    lot_published(&lot, (uint32_t)n_hosts - 1, gbps, &a);
    MaxminClass *k = ARENA_NEW(&a, MaxminClass, (size_t)n);
    double *expected = ARENA_NEW(&a, double, (size_t)n);
    for (int i = 0; i < n; i++) {
        int s, d;
        assert_int_equal(fscanf(f, "%d %d %lf", &s, &d, &expected[i]), 3);
        k[i] = (MaxminClass){.s = (uint16_t)s, .d = (uint16_t)d, .cap = gbps};
    }
    Maxmin m;
    maxmin_init(&m, lot.rate_bps, lot.n_links, k, (uint32_t)n, &a);
    for (int i = 0; i < n; i++) maxmin_join(&m, (uint32_t)i);
    maxmin_fill(&m);
    for (int i = 0; i < n; i++) assert_true(relative(k[i].rate, expected[i]) < 1e-9);
    arena_free(&a);
    return 1;
}

static void maxmin_agrees_with_reference(void **state) {
    (void)state;
    char *path = file_join(shared, "mmf_vectors.txt");
    FILE *f = fopen(path, "r");
    free(path);
    if (!f) skip();
    int c, done = 0;
    while ((c = fgetc(f)) == '#')
        while ((c = fgetc(f)) != '\n' && c != EOF) {}
    ungetc(c, f);
    while (check_vector(f)) done++;
    fclose(f);
    assert_int_equal(done, 160);
}

/* ---- flowsim against theory ---- */

static void random_lot(Lot *lot, Rng *r, uint32_t n_links, Arena *a) {
    lot_published(lot, n_links, 10e9, a);
    lot->published = false;
    make_links(r, lot->rate_bps, n_links);
    for (uint32_t l = 0; l < n_links; l++) {
        lot->rate_bps[l] *= 1e9;
        lot->delay_ns[l] = (double)rng_below(r, 5000);
    }
    lot->host_rate_bps = fmin(lot->rate_bps[0], lot->rate_bps[n_links - 1]);
}

/* Starts fall on a coarse grid and sizes repeat, so that ties are common. */
static LotFlow *random_flows(Rng *r, uint32_t n_links, size_t n, double gap_ns, Arena *a) {
    static const double caps[] = {10e9, 10e9, 25e9, 3.3e9};
    LotFlow *f = ARENA_NEW(a, LotFlow, n);
    double t = (double)rng_below(r, 1000000000);
    for (size_t i = 0; i < n; i++) {
        uint32_t s = (uint32_t)rng_below(r, n_links);
        if (rng_below(r, 3) > 0) t += rng_exponential(r) * gap_ns;
        f[i] =
            (LotFlow){.start_ns = (int64_t)(t / 100) * 100,
                      .size_b = rng_below(r, 4) == 0 ? 1000 : (uint64_t)exp(rng_uniform(r, 0, 13)),
                      .cap_bps = caps[rng_below(r, 4)],
                      .flow = (uint32_t)i,
                      .s = (uint16_t)s,
                      .d = (uint16_t)(s + 1 + rng_below(r, n_links - s))};
    }
    return f;
}

static void lone_flow_runs_at_the_slowest_rate(void **state) {
    (void)state;
    Arena a = {0};
    for (uint64_t seed = 0; seed < 200; seed++) {
        Rng r = rng_stream(seed, "lone", 0);
        uint32_t n_links = 1 + (uint32_t)rng_below(&r, 10);
        Lot lot;
        random_lot(&lot, &r, n_links, &a);
        LotFlow *f = random_flows(&r, n_links, 1, 1, &a);
        double rate = f->cap_bps, fct;
        for (uint32_t l = f->s; l < f->d; l++) rate = fmin(rate, lot.rate_bps[l]);
        flowsim_run(&lot, f, 1, &fct, NULL, &a);
        assert_true(relative(fct, wire_bits(f->size_b) / (rate * 1e-9)) < 1e-12);
        arena_reset(&a);
    }
    arena_free(&a);
}

/* The same simulation without classes, heaps or lazy updates: all flows' remaining bits are reduced
 * at each event, and rates come from an independent progressive filling, flow by flow. */
typedef struct {
    const Lot *lot;
    const LotFlow *flows;
    double *left, *rate, *fct;
    bool *active, *settled;
    size_t n;
    ArrivalSample sample; /* of every flow; .state NULL: none */
    Backlog *waiting;     /* [n × 2] over all links, before and after feedback */
    float total_bits;
} Brute;

static void brute_fill(Brute *b) {
    for (size_t i = 0; i < b->n; i++) b->settled[i] = !b->active[i];
    for (;;) {
        double least = INFINITY;
        int64_t link = -1;
        size_t capped = b->n;
        for (uint32_t l = 0; l < b->lot->n_links; l++) {
            double rest = b->lot->rate_bps[l] * 1e-9, sharers = 0;
            for (size_t i = 0; i < b->n; i++) {
                if (!b->active[i] || b->flows[i].s > l || b->flows[i].d <= l) continue;
                if (b->settled[i]) rest -= b->rate[i];
                else sharers++;
            }
            if (sharers > 0 && rest / sharers < least) {
                least = rest / sharers;
                link = l;
            }
        }
        for (size_t i = 0; i < b->n; i++)
            if (!b->settled[i] && b->flows[i].cap_bps * 1e-9 <= least)
                least = b->flows[capped = i].cap_bps * 1e-9;
        if (link < 0) return;
        for (size_t i = 0; i < b->n; i++)
            if (!b->settled[i] &&
                (capped < b->n ? i == capped : b->flows[i].s <= link && b->flows[i].d > link)) {
                b->rate[i] = least;
                b->settled[i] = true;
            }
    }
}

static void brute_advance(Brute *b, double dt) {
    for (size_t i = 0; i < b->n; i++)
        if (b->active[i]) {
            b->left[i] -= dt * b->rate[i];
            b->fct[i] += dt;
        }
}

/* Records the state of the links at the arrival of flow i from each flow's own numbers. */
static void brute_record(const Brute *b, size_t i) {
    LinkState *state = b->sample.state + i * b->lot->n_links;
    memset(state, 0, b->lot->n_links * sizeof *state);
    b->waiting[2 * i] = b->waiting[2 * i + 1] = (Backlog){0, 0, 0};
    for (size_t k = 0; k < b->n; k++) {
        if (!b->active[k]) continue;
        double cap = b->flows[k].cap_bps * 1e-9;
        for (uint32_t l = b->flows[k].s; l < b->flows[k].d; l++) {
            state[l].n_active++;
            state[l].left_bits += (float)b->left[k];
            cap = fmin(cap, b->lot->rate_bps[l] * 1e-9);
        }
        double sent = fmin(cap * b->fct[k], wire_bits(b->flows[k].size_b)),
               served = wire_bits(b->flows[k].size_b) - b->left[k];
        Backlog *w = &b->waiting[2 * i + (b->fct[k] < 2 * b->sample.rtt_ns ? 0 : 1)];
        if (sent - served < 1) continue;
        w->bits += (float)(sent - served);
        w->n++;
        w->rate += (float)b->rate[k];
    }
}

static void brute_run(Brute *b) {
    size_t next = 0, n_active = 0;
    double t = 0; /* since the last arrival */
    while (next < b->n || n_active > 0) {
        double to_arrival =
            next < b->n
                ? (double)(b->flows[next].start_ns - (next ? b->flows[next - 1].start_ns : 0)) - t
                : INFINITY;
        double to_done = INFINITY;
        size_t done = b->n;
        brute_fill(b);
        for (size_t i = 0; i < b->n; i++)
            if (b->active[i] && b->left[i] / b->rate[i] < to_done)
                to_done = b->left[done = i] / b->rate[i];
        if (next == 0) to_arrival = 0;
        if (to_done <= to_arrival) {
            brute_advance(b, to_done);
            b->active[done] = false;
            n_active--;
            t += to_done;
        } else {
            brute_advance(b, to_arrival);
            if (b->sample.state) brute_record(b, next);
            b->active[next] = true;
            b->fct[next] = 0;
            b->left[next] = wire_bits(b->flows[next].size_b);
            n_active++;
            next++;
            t = 0;
        }
    }
}

static Brute brute_new(const Lot *lot, const LotFlow *f, size_t n, Arena *a) {
    Brute b = {.lot = lot,
               .flows = f,
               .left = ARENA_NEW(a, double, n),
               .rate = ARENA_NEW(a, double, n),
               .n = n};
    b.fct = ARENA_NEW(a, double, n);
    b.active = ARENA_NEW(a, bool, n);
    b.settled = ARENA_NEW(a, bool, n);
    memset(b.active, 0, n * sizeof *b.active);
    return b;
}

static void agrees_with_brute_force(void **state) {
    (void)state;
    Arena a = {0};
    for (uint64_t seed = 0; seed < 120; seed++) {
        Rng r = rng_stream(seed, "brute", 0);
        uint32_t n_links = 1 + (uint32_t)rng_below(&r, seed % 8 == 0 ? 30 : 7);
        size_t n = 1 + rng_below(&r, 120);
        Lot lot;
        random_lot(&lot, &r, n_links, &a);
        LotFlow *f = random_flows(&r, n_links, n, (double)(1 << rng_below(&r, 18)), &a);
        double *fct = ARENA_NEW(&a, double, n);
        FlowsimStats st;
        flowsim_run(&lot, f, n, fct, &st, &a);
        assert_int_equal(st.events, 2 * n);
        assert_true(st.fills <= st.events);
        Brute b = brute_new(&lot, f, n, &a);
        brute_run(&b);
        for (size_t i = 0; i < n; i++) assert_true(fabs(fct[i] - b.fct[i]) <= 1e-9 * fct[i] + 1e-9);
        arena_reset(&a);
    }
    arena_free(&a);
}

/* A sample of all flows. Rates in between flows that start together are not defined, so backlogs
 * are compared only for the first of them. */
static ArrivalSample sample_all(uint32_t n_links, size_t n, double rtt_ns, Arena *a) {
    uint32_t *flow = ARENA_NEW(a, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) flow[i] = i;
    return (ArrivalSample){
        .n = n, .flow = flow, .rtt_ns = rtt_ns, .state = ARENA_NEW(a, LinkState, n * n_links)};
}

static void sum_backlog(Backlog *sum, const Backlog *b) {
    sum->bits += b->bits;
    sum->n += b->n;
    sum->rate += b->rate;
}

/* A flow of which next to nothing waits counts or doesn't, by rounding: it brings its rate, and no
 * bits. */
static void same_backlog(const Backlog *x, const Backlog *y, float scale) {
    assert_true(fabsf(x->bits - y->bits) <= scale);
    if (x->n == y->n) assert_true(fabsf(x->rate - y->rate) <= 1e-3f * (1 + y->rate));
    else assert_true(fabsf(x->n - y->n) <= 2);
}

static int compare_state(const ArrivalSample *w, const Brute *b, size_t i) {
    Backlog before = {0, 0, 0}, after = {0, 0, 0};
    float scale = 1e-5f * b->total_bits;
    for (uint32_t l = 0; l < b->lot->n_links; l++) {
        const LinkState *x = &w->state[i * b->lot->n_links + l],
                        *y = &b->sample.state[i * b->lot->n_links + l];
        assert_true(x->n_active == y->n_active);
        assert_true(fabsf(x->left_bits - y->left_bits) <= scale);
        sum_backlog(&before, &x->before_feedback);
        sum_backlog(&after, &x->after_feedback);
    }
    if (i > 0 && b->flows[i].start_ns == b->flows[i - 1].start_ns) return 0;
    same_backlog(&before, &b->waiting[2 * i], scale);
    same_backlog(&after, &b->waiting[2 * i + 1], scale);
    return (before.bits > scale) + 2 * (after.bits > scale);
}

static void arrivals_agree_with_brute_force(void **state) {
    (void)state;
    Arena a = {0};
    int n_of[4] = {0};
    for (uint64_t seed = 0; seed < 60; seed++) {
        Rng r = rng_stream(seed, "arrivals test", 0);
        uint32_t n_links = 1 + (uint32_t)rng_below(&r, 7);
        size_t n = 1 + rng_below(&r, 120);
        Lot lot;
        random_lot(&lot, &r, n_links, &a);
        LotFlow *f = random_flows(&r, n_links, n, (double)(1 << rng_below(&r, 14)), &a);
        double *fct = ARENA_NEW(&a, double, n), *plain = ARENA_NEW(&a, double, n);
        double rtt_ns = rng_uniform(&r, 3e3, 2e4);
        ArrivalSample w = sample_all(n_links, n, rtt_ns, &a);
        flowsim_run_sampled(&lot, f, n, fct, &w, NULL, &a);
        flowsim_run(&lot, f, n, plain, NULL, &a);
        assert_memory_equal(fct, plain, n * sizeof *fct);
        Brute b = brute_new(&lot, f, n, &a);
        b.sample = sample_all(n_links, n, rtt_ns, &a);
        b.waiting = ARENA_NEW(&a, Backlog, 2 * n);
        for (size_t i = 0; i < n; i++) b.total_bits += (float)wire_bits(f[i].size_b);
        brute_run(&b);
        for (size_t i = 0; i < n; i++) n_of[compare_state(&w, &b, i)]++;
        arena_reset(&a);
    }
    assert_true(n_of[0] > 30 && n_of[1] > 30 && n_of[2] > 30 && n_of[3] > 30);
    arena_free(&a);
}

/* Two links of 10 Gb/s: two long flows that share the second one get 5 Gb/s each, so half of what
 * they may send at line rate waits; until two round trips of 10 µs have passed that is before
 * feedback. */
static void queues_stand_at_the_bottleneck(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot;
    lot_published(&lot, 2, 10e9, &a);
    lot.rate_bps[0] = lot.rate_bps[1] = 10e9;
    lot.published = false;
    LotFlow f[5] = {{0, 10000000, 10e9, 0, 0, 2},
                    {0, 10000000, 10e9, 1, 1, 2},
                    {2000, 1, 10e9, 2, 0, 2},
                    {19000, 1, 10e9, 3, 0, 2},
                    {100000, 1, 10e9, 4, 0, 2}};
    double fct[5];
    ArrivalSample w = sample_all(2, 5, 10e3, &a);
    flowsim_run_sampled(&lot, f, 5, fct, &w, NULL, &a);
    const LinkState *first = w.state, *early = w.state + 4, *later = w.state + 6,
                    *late = w.state + 8;
    assert_true(first[0].n_active == 0 && first[1].left_bits == 0);
    assert_true(early[0].n_active == 1 && early[1].n_active == 2);
    assert_true(fabsf(early[1].before_feedback.bits - 20e3f) < 1 &&
                early[1].before_feedback.n == 2 && early[0].before_feedback.n == 0);
    assert_true(fabsf(early[1].before_feedback.rate - 10) < 1e-5f &&
                early[1].after_feedback.n == 0);
    assert_true(fabsf(early[1].left_bits / (float)(2 * wire_bits(10000000) - 20e3) - 1) < 1e-6f);
    assert_true(fabsf(later[1].before_feedback.bits - 190e3f) < 600 &&
                later[1].after_feedback.n == 0);
    assert_true(late[1].before_feedback.n == 0 && late[1].after_feedback.n == 2 &&
                fabsf(late[1].after_feedback.bits - 1e6f) < 2e3f && late[0].after_feedback.n == 0);
    arena_free(&a);
}

/* Two flows that cross both links wait on the one with the lower rate, and on the first of two that
 * are equally slow. */
static void flows_wait_on_the_tightest_link(void **state) {
    (void)state;
    static const double rates_bps[][2] = {{10e9, 40e9}, {40e9, 10e9}, {10e9, 10e9}};
    Arena a = {0};
    for (int c = 0; c < 3; c++) {
        Lot lot;
        lot_published(&lot, 2, 10e9, &a);
        lot.published = false;
        memcpy(lot.rate_bps, rates_bps[c], sizeof rates_bps[c]);
        LotFlow f[3] = {
            {0, 10000000, 10e9, 0, 0, 2}, {0, 10000000, 10e9, 1, 0, 2}, {4000, 1, 10e9, 2, 0, 2}};
        double fct[3];
        ArrivalSample w = sample_all(2, 3, 10e3, &a);
        flowsim_run_sampled(&lot, f, 3, fct, &w, NULL, &a);
        const LinkState *last = w.state + 4;
        int tightest = c == 1;
        assert_true(last[tightest].before_feedback.n == 2);
        assert_true(fabsf(last[tightest].before_feedback.bits - 40e3f) < 1);
        assert_true(last[!tightest].before_feedback.n == 0);
    }
    arena_free(&a);
}

/* 200 flows, each with a cap of its own. What is recorded for every third is what is recorded for
 * it among all; nothing is written after the last; and those active at an arrival are those that
 * completion times say. */
static void a_sample_of_some_is_part_of_that_of_all(void **state) {
    (void)state;
    enum { N = 200, LINKS = 3, N_SOME = N / 3 };
    Arena a = {0};
    Rng r = rng_stream(5, "some arrivals", 0);
    Lot lot;
    random_lot(&lot, &r, LINKS, &a);
    LotFlow *f = random_flows(&r, LINKS, N, 30, &a);
    for (uint32_t i = 0; i < N; i++) f[i].cap_bps *= 1 + 1e-3 * i;
    double fct[N], plain[N];
    ArrivalSample all = sample_all(LINKS, N, 10e3, &a), some = sample_all(LINKS, N_SOME, 10e3, &a);
    uint32_t flow[N_SOME + 1];
    for (uint32_t k = 0; k <= N_SOME; k++) flow[k] = 3 * k; /* the last is not sampled */
    some.flow = flow;
    some.state = ARENA_NEW(&a, LinkState, (N_SOME + 1) * LINKS);
    const LinkState untouched = {.n_active = -1};
    for (int l = 0; l < LINKS; l++) some.state[N_SOME * LINKS + l] = untouched;
    flowsim_run_sampled(&lot, f, N, fct, &all, NULL, &a);
    flowsim_run_sampled(&lot, f, N, plain, &some, NULL, &a);
    assert_memory_equal(fct, plain, sizeof fct);
    for (uint32_t k = 0; k < N_SOME; k++)
        assert_memory_equal(some.state + k * LINKS, all.state + 3 * k * LINKS,
                            LINKS * sizeof *all.state);
    for (int l = 0; l < LINKS; l++)
        assert_true(some.state[N_SOME * LINKS + l].n_active == untouched.n_active);
    for (size_t i = 0; i < N; i++)
        for (uint32_t l = 0; l < LINKS; l++) {
            int active = 0;
            for (size_t k = 0; k < i; k++)
                active += f[k].s <= l && l < f[k].d &&
                          (double)f[k].start_ns + fct[k] > (double)f[i].start_ns;
            assert_int_equal((int)all.state[i * LINKS + l].n_active, active);
        }
    arena_free(&a);
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* On one link with caps at or above its rate, the link is never idle while there is work: the last
 * completion of each busy period is known, whatever the sharing. Also, no flow is faster than
 * alone. */
static void one_link_conserves_work(void **state) {
    (void)state;
    enum { N = 5000 };
    Arena a = {0};
    Lot lot;
    lot_published(&lot, 1, 10e9, &a);
    Rng r = rng_stream(7, "work", 0);
    LotFlow *f = random_flows(&r, 1, N, 100000, &a);
    double *fct = ARENA_NEW(&a, double, N), *end = ARENA_NEW(&a, double, N);
    for (int i = 0; i < N; i++) f[i].cap_bps = 10e9;
    flowsim_run(&lot, f, N, fct, NULL, &a);
    for (int i = 0; i < N; i++) {
        end[i] = (double)(f[i].start_ns - f[0].start_ns) + fct[i];
        assert_true(fct[i] >= wire_bits(f[i].size_b) / 10 * (1 - 1e-9));
    }
    qsort(end, N, sizeof *end, by_number);
    int busy_periods = 0;
    double busy_until = 0;
    for (int i = 0; i < N; i++) {
        double start = (double)(f[i].start_ns - f[0].start_ns);
        if (i > 0 && start >= busy_until) {
            assert_true(relative(end[i - 1], busy_until) <
                        1e-9); /* all before are done, the last one just then */
            busy_periods++;
        }
        busy_until = fmax(busy_until, start) + wire_bits(f[i].size_b) / 10;
    }
    assert_true(relative(end[N - 1], busy_until) < 1e-9);
    assert_true(busy_periods > 10);
    arena_free(&a);
}

static void equal_flows_finish_together(void **state) {
    (void)state;
    enum { N = 500 };
    Arena a = {0};
    Lot lot;
    lot_published(&lot, 4, 10e9, &a);
    LotFlow f[N];
    double fct[N];
    for (uint32_t i = 0; i < N; i++)
        f[i] = (LotFlow){
            .start_ns = 5, .size_b = 1000 + i / 100, .cap_bps = 10e9, .flow = i, .s = 0, .d = 4};
    FlowsimStats st;
    flowsim_run(&lot, f, N, fct, &st, &a);
    for (int i = 0; i < N; i++) assert_true(fct[i] == fct[i / 100 * 100]);
    assert_int_equal(st.max_active, N);
    arena_free(&a);
}

/* A flow that starts when another one ends never meets it. */
static void completion_precedes_arrival(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot;
    lot_published(&lot, 2, 10e9, &a);
    uint64_t size = 10000; /* 10,480 B on the wire: 8,384 ns at 10 Gb/s */
    LotFlow f[2] = {{.start_ns = 100, .size_b = size, .cap_bps = 10e9, .d = 2},
                    {.start_ns = 100 + 8384, .size_b = 1, .cap_bps = 10e9, .d = 2}};
    double fct[2];
    FlowsimStats st;
    flowsim_run(&lot, f, 2, fct, &st, &a);
    assert_true(fct[0] == 8384 && relative(fct[1], 39.2) < 1e-12);
    assert_int_equal(st.max_active, 1);
    arena_free(&a);
}

/* Tiny flows late in a very long busy period, beside an elephant, cost no accuracy: each of them
 * gets half of the link. */
static void long_runs_stay_exact(void **state) {
    (void)state;
    enum { N = 20000 };
    Arena a = {0};
    Lot lot;
    lot_published(&lot, 1, 10e9, &a);
    LotFlow *f = ARENA_NEW(&a, LotFlow, N + 1);
    double *fct = ARENA_NEW(&a, double, N + 1);
    f[0] = (LotFlow){.start_ns = 0, .size_b = 30000000000u, .cap_bps = 10e9, .d = 1};
    for (int i = 1; i <= N; i++)
        f[i] = (LotFlow){.start_ns = (int64_t)i * 1000003, .size_b = 1, .cap_bps = 10e9, .d = 1};
    flowsim_run(&lot, f, N + 1, fct, NULL, &a);
    for (int i = 1; i <= N; i++) assert_true(relative(fct[i], 78.4) < 1e-9);
    assert_true(relative(fct[0], (wire_bits(f[0].size_b) + N * 392.0) / 10) < 1e-12);
    arena_free(&a);
}

/* ---- the ends of what is allowed ---- */

/* All flows start at one instant on links that are no slower than the first, which all of them use:
 * it is never idle, so the last completion is when all bits have passed it. */
static double last_completion_alone_at_once(const Lot *lot, const LotFlow *f, size_t n) {
    double bits = 0;
    for (size_t i = 0; i < n; i++) bits += wire_bits(f[i].size_b);
    return bits / (lot->rate_bps[0] * 1e-9);
}

/* Rates of 1 bit/s and of 1e16, sizes of 1 byte and of 1e15, delays of 0 and of 10 s, starts at 0
 * and after 285 years, one flow and many: completion times are finite, none is below that of the
 * flow alone, no service is lost or invented, and slowdowns are finite and at least 1. */
static void extremes_are_finite(void **state) {
    (void)state;
    enum { N = 200, LINKS = 3 };
    static const double rates[] = {1, 10e9, 1e16}, delays_ns[] = {0, 10e9};
    static const uint64_t sizes_b[] = {1, 1000000000000000};
    static const int64_t starts_ns[] = {0, 9000000000000000000};
    Arena a = {0};
    for (unsigned c = 0; c < 3 * 2 * 2 * 2 * 3 * 3; c++) {
        double rate = rates[c % 3], delay_ns = delays_ns[c / 3 % 2];
        int64_t start_ns = starts_ns[c / 6 % 2];
        size_t n = c / 12 % 2 ? N : 1;
        unsigned kind_of_size = c / 24 % 3, kind_of_links = c / 72 % 3;
        Lot lot;
        LotFlow f[N];
        double fct[N], last = 0;
        float slowdown[N];
        lot_published(&lot, LINKS, rate, &a);
        lot.published = false;
        for (uint32_t l = 0; l < LINKS; l++) {
            lot.delay_ns[l] = lot.stub_delay_ns[l] = delay_ns;
            lot.rate_bps[l] = kind_of_links == 0 || l == 0 ? rate : kind_of_links == 1 ? 1e16 : 1;
        }
        for (uint32_t i = 0; i < n; i++)
            f[i] = (LotFlow){.start_ns = start_ns,
                             .size_b = sizes_b[kind_of_size < 2 ? kind_of_size : i % 2],
                             .cap_bps = 1e16,
                             .flow = i,
                             .d = (uint16_t)(1 + i % LINKS)};
        ArrivalSample sample = sample_all(LINKS, n, lot_rtt_ns(&lot), &a);
        flowsim_run_sampled(&lot, f, n, fct, &sample, NULL, &a);
        lot_slowdowns(&lot, f, n, fct, NULL, slowdown);
        for (size_t i = 0; i < n; i++) {
            assert_true(isfinite(fct[i]) && fct[i] > 0);
            lot.host_rate_bps = 1e16; /* no limit of the fluid's */
            assert_true(fct[i] >= wire_bits(f[i].size_b) / lot_rate(&lot, &f[i]) * (1 - 1e-9));
            assert_true(isfinite(slowdown[i]) && slowdown[i] >= 1);
            for (uint32_t l = 0; l < LINKS; l++)
                assert_true(isfinite(sample.state[i * LINKS + l].left_bits) &&
                            sample.state[i * LINKS + l].n_active <= (float)i);
            last = fmax(last, fct[i]);
        }
        if (lot.rate_bps[1] >= rate && lot.rate_bps[2] >= rate)
            assert_true(relative(last, last_completion_alone_at_once(&lot, f, n)) < 1e-9);
        arena_reset(&a);
    }
    arena_free(&a);
}

/* A flow of 266 years on a link of 1 bit/s, one of a few minutes in the middle of it, one after it:
 * times beyond 2^53 ns and near the end of int64 are told apart. */
static void centuries_are_told_apart(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot;
    lot_published(&lot, 1, 1, &a);
    lot.published = false;
    LotFlow f[3] = {{.start_ns = 0, .size_b = 1000000000, .cap_bps = 1, .d = 1},
                    {.start_ns = 4500000000000000000, .size_b = 1, .cap_bps = 1, .d = 1},
                    {.start_ns = 9000000000000000000, .size_b = 1, .cap_bps = 1, .d = 1}};
    double fct[3];
    flowsim_run(&lot, f, 3, fct, NULL, &a);
    assert_true(relative(fct[0], (wire_bits(1000000000) + wire_bits(1)) * 1e9) < 1e-12);
    assert_true(relative(fct[1], 2 * wire_bits(1) * 1e9) < 1e-6);
    assert_true(relative(fct[2], wire_bits(1) * 1e9) < 1e-6);
    arena_free(&a);
}

/* ---- slowdown ---- */

static void lone_flow_has_slowdown_one(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot;
    lot_published(&lot, 6, 10e9, &a);
    lot.published = false;
    LotFlow f = {.size_b = 12345, .cap_bps = 10e9, .s = 0, .d = 6};
    double fct = 0;
    flowsim_run(&lot, &f, 1, &fct, NULL, &a);
    assert_true(relative(lot_slowdown(&lot, &f, fct), 1) < 1e-12);
    lot.rate_bps[3] = 2.5e9; /* a link slower than the hosts' */
    flowsim_run(&lot, &f, 1, &fct, NULL, &a);
    assert_true(relative(lot_slowdown(&lot, &f, fct), 1) < 1e-12);
    assert_true(lot_slowdown(&lot, &f, fct / 2) == 1);
    assert_true(lot_slowdown(&lot, &f, fct * 3) > 1.5);
    arena_free(&a);
}

/* ---- the published program's outputs ---- */

/* To 1e-9 relative, beside four units in the last place of the published clock, a double of
 * nanoseconds since 0: for a flow of 500 ns at 16 s these alone are 1e-8. It prints slowdowns as
 * float, half a unit of which is 6e-8. */
static void check_case(FluidCase *c, void *ctx) {
    (void)ctx;
    double *fct = ARENA_NEW(&c->arena, double, c->n);
    flowsim_run(&c->lot, c->flows, c->n, fct, NULL, &c->arena);
    for (size_t i = 0; i < c->n; i++) {
        double clock = 4 * 0x1p-52 * ((double)c->flows[i].start_ns + fct[i]);
        if (fabs(fct[i] - c->fct_ns[i]) > 1e-9 * fct[i] + clock)
            fail_msg("%s: flow %zu: %.17g, not %.17g", c->dir, i, fct[i], c->fct_ns[i]);
        double slowdown = lot_slowdown(&c->lot, &c->flows[i], fct[i]);
        if (relative(slowdown, c->slowdown[i]) > 6.5e-8)
            fail_msg("%s: flow %zu: slowdown %.9g, not %.9g", c->dir, i, slowdown, c->slowdown[i]);
    }
}

/* Inputs the published program dies of: more than 50,000 flows, buckets without flows. Nothing is
 * faster than alone. */
static void check_crasher(FluidCase *c, void *ctx) {
    (void)ctx;
    double *fct = ARENA_NEW(&c->arena, double, c->n);
    FlowsimStats st;
    flowsim_run(&c->lot, c->flows, c->n, fct, &st, &c->arena);
    assert_int_equal(st.events, 2 * c->n);
    for (size_t i = 0; i < c->n; i++)
        assert_true(fct[i] >= wire_bits(c->flows[i].size_b) / 10 * (1 - 1e-9));
}

static void agrees_with_golden(void **state) {
    (void)state;
    assert_true(fluid_case_each("tests/golden/fluid", check_case, NULL) == 4);
}

static void agrees_with_reference(void **state) {
    (void)state;
    if (!file_is_dir(shared)) skip();
    char *cases = file_join(shared, "cases"), *large = file_join(shared, "large"),
         *crashers = file_join(shared, "crashers");
    assert_int_equal(fluid_case_each(cases, check_case, NULL), 16);
    assert_int_equal(fluid_case_each(large, check_case, NULL), 5);
    assert_int_equal(fluid_case_each(crashers, check_crasher, NULL), 3);
    free(crashers);
    free(cases);
    free(large);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maxmin_is_optimal),
        cmocka_unit_test(idle_links_forget_rounding),
        cmocka_unit_test(maxmin_agrees_with_reference),
        cmocka_unit_test(lone_flow_runs_at_the_slowest_rate),
        cmocka_unit_test(agrees_with_brute_force),
        cmocka_unit_test(arrivals_agree_with_brute_force),
        cmocka_unit_test(queues_stand_at_the_bottleneck),
        cmocka_unit_test(flows_wait_on_the_tightest_link),
        cmocka_unit_test(a_sample_of_some_is_part_of_that_of_all),
        cmocka_unit_test(one_link_conserves_work),
        cmocka_unit_test(equal_flows_finish_together),
        cmocka_unit_test(completion_precedes_arrival),
        cmocka_unit_test(long_runs_stay_exact),
        cmocka_unit_test(extremes_are_finite),
        cmocka_unit_test(centuries_are_told_apart),
        cmocka_unit_test(lone_flow_has_slowdown_one),
        cmocka_unit_test(agrees_with_golden),
        cmocka_unit_test(agrees_with_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
