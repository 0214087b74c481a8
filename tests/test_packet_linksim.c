/* Parsimon's link simulation: what theory says of one flow, of a full queue, of a shared source. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "packet/linksim.h"

enum { MANY = 400 };
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone),
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(own_link),
        cmocka_unit_test(shares),
        cmocka_unit_test(marks_bound_the_queue),
        cmocka_unit_test(random_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
