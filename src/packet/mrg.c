/* mrg: two third-order recurrences modulo primes near 2^32, combined (P. L'Ecuyer, Operations
 * Research 47(1), 1999; streams: L'Ecuyer, Simard, Chen, Kelton, Operations Research 50(6), 2002).
 *
 *   x[n] = 1403580·x[n−2] − 810728·x[n−3] mod m1,  y[n] = 527612·y[n−1] − 1370589·y[n−3] mod m2,
 *   u = ((x − y) mod m1) / (m1 + 1), with m1 in place of 0.
 *
 * k steps multiply the last three x, and the last three y, by the k-th power of the matrix of their
 * recurrence.
 * Streams start 2^127 steps apart, the runs of a stream 2^76. */
#include "packet/mrg.h"

#include <string.h>

static const uint64_t M1 = 4294967087, M2 = 4294944443; /* 2^32 − 209 and 2^32 − 22853 */
enum { LOG2_STREAM = 127, LOG2_RUN = 76 };

static void multiply(const uint64_t a[9], const uint64_t b[9], uint64_t m, uint64_t out[9]) {
    uint64_t r[9];
    for (int i = 0; i < 9; i++) {
        uint64_t sum = 0;
        for (int k = 0; k < 3; k++) sum += a[i / 3 * 3 + k] * b[k * 3 + i % 3] % m;
        r[i] = sum % m;
    }
    memcpy(out, r, sizeof r);
}

static void apply(const uint64_t a[9], uint64_t m, uint64_t v[3]) {
    uint64_t r[3];
    for (int i = 0; i < 3; i++) {
        uint64_t sum = 0;
        for (int k = 0; k < 3; k++) sum += a[i * 3 + k] * v[k] % m;
        r[i] = sum % m;
    }
    memcpy(v, r, sizeof r);
}

/* a = a^(2^log2) */
static void power_of_two(uint64_t a[9], uint64_t m, int log2) {
    while (log2-- > 0) multiply(a, a, m, a);
}

static void jump_times(uint64_t v[3], const uint64_t jump[9], uint64_t m, uint32_t times) {
    uint64_t a[9];
    for (memcpy(a, jump, sizeof a); times; times >>= 1) {
        if (times & 1) apply(a, m, v);
        multiply(a, a, m, a);
    }
}

static void start_component(uint64_t v[3], uint64_t jump[9], const uint64_t step[9], uint64_t m,
                            uint32_t stream) {
    uint64_t run[9];
    memcpy(run, step, sizeof run);
    memcpy(jump, step, sizeof run);
    power_of_two(run, m, LOG2_RUN);
    power_of_two(jump, m, LOG2_STREAM);
    v[0] = v[1] = v[2] = 1;
    apply(run, m, v);
    jump_times(v, jump, m, stream);
}

Mrg mrg_at(uint32_t stream) {
    const uint64_t step_x[9] = {0, 1, 0, 0, 0, 1, M1 - 810728, 1403580, 0},
                   step_y[9] = {0, 1, 0, 0, 0, 1, M2 - 1370589, 0, 527612};
    Mrg m = {0};
    start_component(m.x, m.jump_x, step_x, M1, stream);
    start_component(m.y, m.jump_y, step_y, M2, stream);
    return m;
}

void mrg_skip(Mrg *m) {
    apply(m->jump_x, M1, m->x);
    apply(m->jump_y, M2, m->y);
}

double mrg_next_u01(Mrg *m) {
    uint64_t x = (1403580 * m->x[1] + (M1 - 810728) * m->x[0]) % M1;
    uint64_t y = (527612 * m->y[2] + (M2 - 1370589) * m->y[0]) % M2;
    mrg_skip(m);
    return (double)(x > y ? x - y : x + M1 - y) * 2.328306549295728e-10;
}
