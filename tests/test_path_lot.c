/* A parking lot's arithmetic: latency, ideal time, slowdown, round trip. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/wire.h"
#include "path/lot.h"

static double relative(double x, double y) { return fabs(x - y) / fmax(fabs(y), 1e-300); }

/* A lot of random rates and delays, and a random flow on it. */
static LotFlow random_case(Lot *lot, Rng *r, Arena *a) {
    static const double rates[] = {1e9, 10e9, 25e9, 400e9};
    uint32_t n = 1 + (uint32_t)rng_below(r, 9);
    lot_published(lot, n, rates[rng_below(r, 4)], a);
    lot->published = false;
    for (uint32_t l = 0; l < n; l++) {
        lot->rate_bps[l] = rates[rng_below(r, 4)];
        lot->delay_ns[l] = rng_uniform(r, 0, 1e4);
        lot->stub_delay_ns[l + 1] = rng_uniform(r, 0, 1e4);
    }
    uint16_t s = (uint16_t)rng_below(r, n);
    return (LotFlow){.size_b = (uint64_t)exp(rng_uniform(r, 0, 16)),
                     .cap_bps = rates[rng_below(r, 4)],
                     .s = s,
                     .d = (uint16_t)(s + 1 + rng_below(r, n - s))};
}

/* One packet takes its delays and its transmissions; each full one more takes one at the slowest of
 * links, host rate and the flow's limit. Stubs are delay. */
static void ideal_time_by_hand(void **state) {
    (void)state;
    Arena a = {0};
    Lot lot;
    lot_published(&lot, 3, 10e9, &a);
    lot.published = false;
    lot.rate_bps[1] = 5e9;
    lot.stub_delay_ns[1] = 700;
    LotFlow f = {.size_b = 1000, .cap_bps = 10e9, .s = 0, .d = 3};
    double p = 1048 * 8;
    assert_true(relative(lot_ideal(&lot, &f).fct_ns, 3000 + p / 10 + p / 5 + p / 10) < 1e-12);
    f.size_b = 5000;
    assert_true(relative(lot_ideal(&lot, &f).fct_ns, 3000 + p / 10 + 5 * p / 5 + p / 10) < 1e-12);
    f.s = 1;
    assert_true(relative(lot_ideal(&lot, &f).fct_ns, 2700 + 5 * p / 5 + p / 10) < 1e-12);
    f.cap_bps = 1e9;
    assert_true(relative(lot_ideal(&lot, &f).rate, 1) < 1e-12);
    assert_true(relative(lot_rtt_ns(&lot), 6000 + p / 10 + p / 5 + p / 10) < 1e-12);
    arena_free(&a);
}

static void parts_agree(void **state) {
    (void)state;
    Arena a = {0};
    Rng r = rng_stream(1, "lots", 0);
    for (int i = 0; i < 2000; i++) {
        Lot lot;
        LotFlow f = random_case(&lot, &r, &a);
        LotIdeal x = lot_ideal(&lot, &f);
        float slowdown, some[2] = {7};
        assert_true(x.rate == lot_rate(&lot, &f) && x.latency_ns == lot_latency_ns(&lot, &f));
        assert_true(relative(x.fct_ns, x.latency_ns + wire_bits(f.size_b) / x.rate) < 1e-15);
        double fluid_ns = x.bits / x.rate, slow = exp(rng_uniform(&r, 0, 5));
        assert_true(relative(lot_slowdown(&lot, &f, fluid_ns), 1) < 1e-12);
        assert_true(lot_slowdown(&lot, &f, fluid_ns / 2) == 1);
        assert_true(relative(lot_slowdown(&lot, &f, slow * fluid_ns),
                             (slow * fluid_ns + x.latency_ns) / x.fct_ns) < 1e-12);
        lot.published = i % 2;
        lot_slowdowns(&lot, &f, 1, &(double){slow * fluid_ns}, NULL, &slowdown);
        assert_true(relative(slowdown, lot_slowdown(&lot, &f, slow * fluid_ns)) < 1e-7);
        lot_slowdowns(&lot, (LotFlow[]){f, f}, 2, (double[]){fluid_ns, slow * fluid_ns},
                      (uint8_t[]){0, 1}, some);
        assert_true(some[0] == 7 && some[1] == slowdown); /* the one that is wanted */
        arena_reset(&a);
    }
    arena_free(&a);
}

/* The published formula and the general one are the same on the published lots of 2, 4 and 6 links.
 * They part on one link, where the published formula has −p/4b (it presumes two end links), and on
 * 3 and 5, where it has no extra delay at all. */
static void general_latency_equals_published(void **state) {
    (void)state;
    Arena a = {0};
    for (uint32_t n_links = 1; n_links <= 7; n_links++) {
        Lot lot;
        lot_published(&lot, n_links, 10e9, &a);
        Lot general = lot;
        general.published = false;
        int differ = 0;
        for (uint16_t s = 0; s < n_links; s++)
            for (uint16_t d = (uint16_t)(s + 1); d <= n_links; d++)
                for (uint64_t size = 0; size <= 3000; size += 500) {
                    LotFlow f = {.size_b = size, .cap_bps = 10e9, .s = s, .d = d};
                    differ +=
                        relative(lot_latency_ns(&lot, &f), lot_latency_ns(&general, &f)) > 1e-12;
                }
        if (n_links == 2 || n_links == 4 || n_links == 6) assert_int_equal(differ, 0);
        if (n_links == 1) assert_true(differ > 0);
    }
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ideal_time_by_hand),
        cmocka_unit_test(parts_agree),
        cmocka_unit_test(general_latency_equals_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
