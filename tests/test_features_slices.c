/* Long paths simulated in time slices: which flows take part and which are measured, and that what
 * is described hardly changes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "features/pathfluid.h"
#include "features/slices.h"
#include "model/flowfeat_settings.h"
#include "net/wire.h"

enum { LINKS = 4, N = 240000 };

static Lot lot_of(Arena *a) {
    Lot lot;
    lot_published(&lot, LINKS, 10e9, a);
    lot.published = false;
    return lot;
}

/* Poisson arrivals of Pareto sizes (shape 1.3) on random link ranges, one in 4,000 foreground; the
 * busiest link is at 30 %. */
static LotFlow *random_flows(Arena *a, uint64_t seed) {
    LotFlow *f = ARENA_NEW(a, LotFlow, N);
    Rng rng = rng_stream(seed, "slices test", 0);
    double now = 0;
    for (uint32_t i = 0; i < N; i++) {
        now += -log(1 - rng_u01(&rng)) * 20000;
        uint64_t size_b = (uint64_t)fmin(3000 * pow(1 - rng_u01(&rng), -1 / 1.3), 2e7);
        uint16_t s = (uint16_t)rng_below(&rng, LINKS),
                 d = (uint16_t)(s + 1 + rng_below(&rng, LINKS - s));
        if (rng_below(&rng, 4000) == 0) s = 0, d = LINKS;
        f[i] = (LotFlow){
            .start_ns = (int64_t)now, .size_b = size_b, .cap_bps = 10e9, .flow = i, .s = s, .d = d};
    }
    return f;
}

static FlowFeatTraffic traffic_of(const Lot *lot, const LotFlow *f, Arena *a) {
    FlowFeatTraffic t;
    flowfeat_traffic_init(&t, lot, NULL, a);
    flowfeat_traffic_add(&t, f, N / 3); /* in pieces as well as at once */
    flowfeat_traffic_add(&t, f + N / 3, N - N / 3);
    flowfeat_traffic_end(&t);
    return t;
}

/* Returns the load of the busiest link. */
static double load_of(const Lot *lot, const LotFlow *f) {
    double bits[LINKS] = {0}, most = 0;
    for (size_t i = 0; i < N; i++)
        for (uint32_t l = f[i].s; l < f[i].d; l++) bits[l] += wire_bits(f[i].size_b);
    for (uint32_t l = 0; l < LINKS; l++)
        most = fmax(most, bits[l] / (lot->rate_bps[l] * 1e-9 *
                                     (double)(f[N - 1].start_ns - f[0].start_ns)));
    return most;
}

/* Returns the view of a path with flows f, which are all flows of its network. */
static PathView view_of(const Lot *lot, const LotFlow *f, Arena *a) {
    static double rate_bps[2] = {10e9, 10e9};
    const Topo hosts = {.n_hosts = 2, .host_rate_bps = rate_bps};
    Flows *flows = ARENA_NEW(a, Flows, 1);
    uint16_t *sport = ARENA_NEW(a, uint16_t, N);
    PackedFlows *packed = ARENA_NEW(a, PackedFlows, 1);
    LinkRange *range = ARENA_NEW(a, LinkRange, N);
    LinkGaps *gaps = memset(ARENA_NEW(a, LinkGaps, LINKS), 0, LINKS * sizeof(LinkGaps));
    uint32_t *foreground = ARENA_NEW(a, uint32_t, N);
    int64_t last_ns[LINKS] = {0};
    double pairs = 0, bits = 0;
    *flows =
        (Flows){.n = N, .size_b = ARENA_NEW(a, uint64_t, N), .start_ns = ARENA_NEW(a, int64_t, N)};
    PathView o = {.lot = *lot,
                  .n = N,
                  .range = range,
                  .foreground = foreground,
                  .gaps = gaps,
                  .packed = packed};
    for (uint32_t i = 0; i < N; i++) {
        flows->start_ns[i] = f[i].start_ns;
        flows->size_b[i] = f[i].size_b;
        range[i] = (LinkRange){i, f[i].s, f[i].d};
        if (f[i].s == 0 && f[i].d == LINKS) foreground[o.n_foreground++] = i;
        pairs += f[i].d - f[i].s;
        bits += wire_bits(f[i].size_b) * (f[i].d - f[i].s);
        for (uint32_t l = f[i].s; l < f[i].d; l++) {
            double gap_ns = last_ns[l] > 0 ? (double)(f[i].start_ns - last_ns[l]) : 0;
            gaps[l].ns += gap_ns;
            gaps[l].ns2 += gap_ns * gap_ns;
            last_ns[l] = f[i].start_ns;
        }
    }
    FlowSource source = flowsource_in_memory(flows, sport);
    packed_init(packed, N, &hosts);
    for (size_t c = 0; c < flowsource_n_chunks(&source); c++) {
        FlowChunk chunk = flowsource_chunk(&source, c, NULL);
        packed_fill(packed, &chunk, NULL);
    }
    o.load = load_of(lot, f);
    o.mean_bits = bits / pairs;
    return o;
}

static SlicedFlows take(const Slices *s, const Lot *lot, const LotFlow *f, size_t capacity,
                        size_t piece, Arena *a) {
    SlicedFlows some;
    SliceWalk w;
    slices_flows_init(&some, capacity, a);
    slices_walk_init(&w, s, lot, a);
    for (size_t i = 0; i < N; i += piece)
        if (!slices_walk_add(&w, f + i, N - i < piece ? N - i : piece, &some)) break;
    return some;
}

static double all_bits(const LotFlow *f, size_t n) {
    double bits = 0;
    for (size_t i = 0; i < n; i++) bits += wire_bits(f[i].size_b) * (f[i].d - f[i].s);
    return bits;
}

/* Two slices in a long run: every flow of them takes part as it was, most others do not, large ones
 * from far away do, and merged flows make up for the load of the rest. */
static void takes_what_matters(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot = lot_of(&a);
    LotFlow *f = random_flows(&a, 1);
    FlowFeatTraffic all = traffic_of(&lot, f, &a);
    double load = load_of(&lot, f);
    assert_true(load > 0.2 && load < 0.8);
    TimeSlice simulated[2] = {{f[20000].start_ns, f[20100].start_ns},
                              {f[40000].start_ns, f[40000].start_ns}},
              measured[1] = {simulated[0]};
    Slices s = {.n_simulated = 2,
                .n_measured = 1,
                .simulated = simulated,
                .measured = measured,
                .horizon = 10,
                .mean_bits = all.bits / N};
    SlicedFlows some = take(&s, &lot, f, N, N, &a), pieces = take(&s, &lot, f, some.n, 777, &a),
                few = take(&s, &lot, f, some.n - 1, 777, &a);
    assert_int_equal(pieces.n,
                     some.n); /* in pieces as well as at once, and in no more room than it takes */
    assert_memory_equal(pieces.flows, some.flows, some.n * sizeof *f);
    assert_memory_equal(pieces.index, some.index, some.n * sizeof *some.index);
    assert_memory_equal(pieces.measured, some.measured, some.n);
    assert_int_equal(few.n, few.most);
    assert_in_range(some.n, 300, N / 10);
    size_t inside = 0, n_measured = 0, merged = 0;
    for (size_t k = 0; k < some.n; k++) {
        if (k > 0) assert_true(some.flows[k].start_ns >= some.flows[k - 1].start_ns);
        n_measured += some.measured[k];
        if (some.index[k] == SLICES_MERGED) {
            merged++;
            assert_false(some.measured[k]);
            continue;
        }
        assert_memory_equal(&some.flows[k], &f[some.index[k]], sizeof *f);
        inside += some.index[k] >= 20000 && some.index[k] <= 20100;
    }
    assert_int_equal(inside, 101);
    assert_int_equal(n_measured, 101);
    assert_true(merged > 100);
    size_t begin = 0,
           end = 0; /* load over the middle, since at the end the last flows are not merged yet */
    while (some.flows[begin].start_ns < f[15000].start_ns) begin++;
    for (end = begin; some.flows[end].start_ns < f[45000].start_ns;) end++;
    double want = all_bits(f + 15000, 30000), got = all_bits(some.flows + begin, end - begin);
    if (fabs(got / want - 1) > 0.03) fail_msg("bits simulated %g, of the flows %g", got, want);
    arena_free(&a);
}

/* In a slice of the whole time all flows take part. */
static void takes_all_in_one_slice(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot = lot_of(&a);
    LotFlow *f = random_flows(&a, 2);
    TimeSlice simulated[1] = {{f[0].start_ns, f[N - 1].start_ns}};
    Slices s = {.n_simulated = 1, .simulated = simulated, .horizon = 10, .mean_bits = 1};
    SlicedFlows some = take(&s, &lot, f, N, N, &a);
    assert_int_equal(some.n, N);
    assert_memory_equal(some.flows, f, N * sizeof *f);
    arena_free(&a);
}

static size_t feature(const char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return (size_t)i;
    fail_msg("no feature is called %s", name);
    return 0;
}

/* The mean over foreground flows of a feature's difference, and of its size. */
static double mean_difference(const FlowFeat *x, const FlowFeat *y, const char *name,
                              double *mean) {
    size_t j = feature(flowfeat_flow_names, FLOWFEAT_N_FLOW, name);
    double sum = 0;
    *mean = 0;
    for (size_t i = 0; i < x->n_flows; i++) {
        sum += (double)y->flow[i * FLOWFEAT_N_FLOW + j] - (double)x->flow[i * FLOWFEAT_N_FLOW + j];
        *mean += fabs((double)x->flow[i * FLOWFEAT_N_FLOW + j]) / x->n_flows;
    }
    return sum / x->n_flows;
}

/* Against the simulation of all flows: a fraction of them, the same foreground, sums equal to the
 * bit, and what is simulated to within 4 standard deviations of chance, which are those of 22 other
 * seeds: percentiles of links stand on 16,000 of the flows, so the 99th of the large ones on the
 * 3rd largest of 200. Without merged flows the slowdown is off by 1.6 %, with a tenth of the
 * horizon by 6 %. */
static void describes_the_same(void **state) {
    (void)state;
    static const char *const sums[] = {"load",
                                       "flows_to_4096_ln1p",
                                       "bits_from_previous_link",
                                       "bits_to_next_link",
                                       "bits_of_foreground",
                                       "gap_variation_ln1p",
                                       "flows_in_bucket_2",
                                       "bits_in_flows_below_10_bdp"};
    static const struct {
        const char *name;
        double tolerance; /* of the mean over the foreground */
    } simulated[] = {{"fluid_slowdown_ln", 0.01},
                     {"active_inner_links_max_ln1p", 0.01},
                     {"old_queue_sum_per_rtt_ln1p", 0.07},
                     {"load_in_life_max_ln1p", 0.003},
                     {"arrivals_in_life_max_ln1p", 0.002}};
    Arena a = {0};
    Lot lot = lot_of(&a);
    LotFlow *f = random_flows(&a, 3);
    NetConf conf;
    FlowFeat x, y;
    FlowsimStats stats;
    netconf_default(&conf);
    conf.line_window_b = 15e3;
    pathfluid_build(&x, &lot, f, N, 512, NULL, &a);
    PathView path = view_of(&lot, f, &a);
    size_t n_simulated =
        pathfluid_build_path(&y, &path, &(PathFluidOptions){.max_flows = 512}, &stats, &a);
    packed_free((PackedFlows *)path.packed);
    flowfeat_set_conf(&x, &conf);
    flowfeat_set_conf(&y, &conf);
    assert_in_range(n_simulated, 20000, N / 2);
    assert_int_equal(stats.events, 2 * n_simulated);
    assert_int_equal(x.n_flows, y.n_flows);
    assert_memory_equal(x.index, y.index, x.n_flows * sizeof *x.index);
    for (size_t l = 0; l < LINKS; l++)
        for (size_t k = 0; k < sizeof sums / sizeof *sums; k++) {
            size_t j = l * FLOWFEAT_N_LINK + feature(flowfeat_link_names, FLOWFEAT_N_LINK, sums[k]);
            assert_memory_equal(&x.link[j], &y.link[j], sizeof *x.link);
        }
    for (size_t j = 0; j < LINKS * FLOWFEAT_N_LINK; j++) {
        double off = fabs((double)x.link[j] - (double)y.link[j]);
        const char *name = flowfeat_link_names[j % FLOWFEAT_N_LINK];
        if (off > (strncmp(name, "slowdown_", 9) == 0 ? 0.27 : 0.02))
            fail_msg("%s of a link: %g, %g", name, (double)x.link[j], (double)y.link[j]);
    }
    for (size_t k = 0; k < sizeof simulated / sizeof *simulated; k++) {
        double mean, off = mean_difference(&x, &y, simulated[k].name, &mean);
        if (!(fabs(off) < simulated[k].tolerance * mean))
            fail_msg("%s: off by %g of %g", simulated[k].name, off, mean);
    }
    arena_free(&a);
}

/* Flows of 1 byte and of 1e15 on links of 1 bit/s and of 1e16, all from one instant on or late:
 * what lasts longer than time does is cut off, and fluid slowdowns are finite and at least 1. */
static void extremes_are_finite(void **state) {
    (void)state;
    static const double rates[] = {1, 1e16}, delays_ns[] = {0, 10e9};
    Arena a = {0};
    for (unsigned c = 0; c < 2 * 2 * 2; c++) {
        Lot lot;
        FlowFeat m;
        FlowsimStats stats;
        lot_published(&lot, LINKS, rates[c % 2], &a);
        lot.published = false;
        for (uint32_t l = 0; l < LINKS; l++) {
            lot.rate_bps[l] = rates[c % 2];
            lot.delay_ns[l] = delays_ns[c / 2 % 2];
        }
        LotFlow *f = random_flows(&a, 4);
        for (uint32_t i = 0; i < N; i++) {
            f[i].size_b = i % 1000 == 0 ? 1000000000000000 : 1;
            f[i].cap_bps = rates[c % 2];
            f[i].start_ns = c / 4 % 2 ? 5 : 9000000000000000000 - N + i;
        }
        PathView path = view_of(&lot, f, &a);
        size_t n =
            pathfluid_build_path(&m, &path, &(PathFluidOptions){.max_flows = 100}, &stats, &a);
        packed_free((PackedFlows *)path.packed);
        assert_int_equal(stats.events, 2 * n);
        assert_int_equal(m.n_flows, path.n_foreground < 100 ? path.n_foreground : 100);
        for (uint32_t i = 0; i < m.n_flows; i++)
            assert_true(isfinite(m.fluid[i]) && m.fluid[i] >= 1);
        arena_reset(&a);
    }
    arena_free(&a);
}

/* A described flow that starts late and lasts longer than time is: 285 years on a link of 1 bit/s,
 * and 2e9 bits from the 250th year on. Its slice is to reach to the end. */
static void slices_end_with_time(void **state) {
    (void)state;
    enum { LATE = N / 8 * 7 };
    Arena a = {0};
    Lot lot;
    FlowFeat m;
    FlowsimStats stats;
    lot_published(&lot, LINKS, 1, &a);
    lot.published = false;
    for (uint32_t l = 0; l < LINKS; l++) lot.rate_bps[l] = 1;
    LotFlow *f = random_flows(&a, 5);
    for (uint32_t i = 0; i < N; i++) {
        f[i].size_b = 1;
        f[i].cap_bps = 1;
        f[i].start_ns = (int64_t)i * (9000000000000000000 / N);
    }
    f[LATE].s = 0;
    f[LATE].d = LINKS;
    f[LATE].size_b = 250000000;
    PathView path = view_of(&lot, f, &a);
    size_t n = pathfluid_build_path(&m, &path, &(PathFluidOptions){.max_flows = 4}, &stats, &a);
    packed_free((PackedFlows *)path.packed);
    assert_in_range(n, N - LATE, N / 2);
    assert_int_equal(m.n_flows, 4);
    for (uint32_t i = 0; i < m.n_flows; i++) assert_true(isfinite(m.fluid[i]) && m.fluid[i] >= 1);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_matters),   cmocka_unit_test(takes_all_in_one_slice),
        cmocka_unit_test(describes_the_same),   cmocka_unit_test(extremes_are_finite),
        cmocka_unit_test(slices_end_with_time),
    };
    return cmocka_run_group_tests_name("slices", tests, NULL, NULL);
}
