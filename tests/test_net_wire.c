/* Sizes on the wire against the HPCC simulator's, headroom's rules against their definitions and
 * each other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/wire.h"

static void bits_count_a_header_per_packet(void **state) {
    (void)state;
    assert_true(wire_bits(0) == 0);
    assert_true(wire_bits(1) == (1 + 48) * 8);
    assert_true(wire_bits(1000) == (1000 + 48) * 8);
    assert_true(wire_bits(1001) == (1001 + 96) * 8);
    assert_true(wire_first_packet_bits(1) == 49 * 8);
    assert_true(wire_first_packet_bits(5000) == 1048 * 8);
    for (uint64_t n = 1; n < 1000000; n *= 3)
        assert_int_equal(wire_payload_b(wire_bits(n * WIRE_PAYLOAD_B)), n * WIRE_PAYLOAD_B);
}

static void controls_differ_in_what_packets_carry(void **state) {
    (void)state;
    static const uint32_t header_b[CC_N] = {
        [CC_DCTCP] = 48, [CC_DCQCN] = 48, [CC_HPCC] = 90, [CC_TIMELY] = 56};
    for (int cc = 0; cc < CC_N; cc++) {
        if (!header_b[cc]) continue;
        assert_int_equal(wire_header_b((Cc)cc), header_b[cc]);
        assert_int_equal(wire_ack_b((Cc)cc), cc == CC_HPCC ? 88 : 60);
    }
}

/* 1250 bytes in flight at 10 Gb/s and 1 µs, 5000 at 40 Gb/s. */
static void headroom_by_rule(void **state) {
    (void)state;
    assert_true(wire_headroom_compat_b(10e9, 1000) == 3750);
    assert_true(wire_headroom_compat_b(40e9, 1000) == 15000);
    assert_true(wire_headroom_b(10e9, 1000, 1048) == 2500 + 4 * 1048);
    assert_true(wire_headroom_b(40e9, 1000, 1048) == 15000);
    assert_true(wire_headroom_b(10e9, 0, 1090) == 4 * 1090);
    Rng rng = rng_stream(3, "links", 0);
    for (int i = 0; i < 10000; i++) {
        double rate = 1e9 * exp(rng_u01(&rng) * log(400)), delay = rng_uniform(&rng, 0, 10e3);
        double whole = wire_headroom_b(rate, delay, WIRE_FULL_B),
               mean = wire_set_aside_mean_b(rate, delay) - WIRE_RESERVE_B;
        assert_true(mean - whole > -1e-6 && mean - whole < 3);
        assert_true(wire_set_aside_bound_b(rate, delay) >=
                    WIRE_RESERVE_B + wire_headroom_b(rate, delay, WIRE_MAX_PACKET_B));
        assert_true(wire_headroom_compat_b(rate, delay) <= whole);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_count_a_header_per_packet),
        cmocka_unit_test(controls_differ_in_what_packets_carry),
        cmocka_unit_test(headroom_by_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
