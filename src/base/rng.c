/* rng: xoshiro256++ streams, a few distributions, the alias method.
 *
 * A stream's state is splitmix64 (Steele, Lea and Flood 2014) of a hash over (seed, purpose,
 * index), so that work split over threads or resumed half way draws the same numbers. Normals come
 * from Marsaglia's polar method without keeping the second one: a stream has no hidden state beyond
 * its four words. The constants are those of the published algorithms: splitmix64's increment (2^64
 * / golden ratio) and multipliers, FNV-1a's offset and prime, xoshiro256++'s shifts and rotations.
 * Recorded results depend on all of them. */
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* ---- streams ---- */

uint64_t rng_mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static uint64_t splitmix64(uint64_t *state) { return rng_mix(*state += 0x9E3779B97F4A7C15u); }

Rng rng_stream(uint64_t seed, const char *purpose, uint64_t index) {
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a */
    for (const char *c = purpose; *c; c++) h = (h ^ (unsigned char)*c) * 0x100000001B3u;
    uint64_t state = seed;
    state = splitmix64(&state) ^ h;
    state = splitmix64(&state) ^ index;
    Rng r;
    for (int i = 0; i < 4; i++) r.s[i] = splitmix64(&state);
    return r;
}

static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

uint64_t rng_next(Rng *r) {
    uint64_t *s = r->s, out = rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

double rng_u01(Rng *r) { return (double)(rng_next(r) >> 11) * 0x1p-53; }

/* Below 2^32 by Lemire's multiply and reject (2019), which needs no division in most draws; beyond,
 * by rejecting the incomplete last multiple of n. */
uint64_t rng_below(Rng *r, uint64_t n) {
    assert(n > 0);
    if (n <= UINT32_MAX) {
        uint64_t m = (rng_next(r) >> 32) * n;
        if ((uint32_t)m < n) {
            uint32_t floor = (uint32_t)(-(uint32_t)n % (uint32_t)n);
            while ((uint32_t)m < floor) m = (rng_next(r) >> 32) * n;
        }
        return m >> 32;
    }
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
    do x = rng_next(r);
    while (x >= limit);
    return x % n;
}

/* ---- distributions ---- */

double rng_uniform(Rng *r, double lo, double hi) { return lo + (hi - lo) * rng_u01(r); }

double rng_normal(Rng *r) {
    double u, v, q;
    do {
        u = 2 * rng_u01(r) - 1;
        v = 2 * rng_u01(r) - 1;
        q = u * u + v * v;
    } while (q >= 1 || q == 0);
    return u * sqrt(-2 * log(q) / q);
}

double rng_exponential(Rng *r) { return -log1p(-rng_u01(r)); }

void rng_shuffle_u32(Rng *r, uint32_t *a, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)rng_below(r, i);
        uint32_t t = a[i - 1];
        a[i - 1] = a[j];
        a[j] = t;
    }
}

/* ---- alias method ---- */

/* Columns of height weights[i]·n/sum are cut and joined to n columns of height 1: one that is too
 * low is filled up from one that is too high, until none of one kind is left. */
void rng_alias_init(RngAlias *a, const double *weights, uint32_t n) {
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        assert(weights[i] >= 0 && isfinite(weights[i]));
        sum += weights[i];
    }
    assert(n > 0 && sum > 0);
    a->n = n;
    a->alias = MEM_NEW(uint32_t, n);
    a->keep = MEM_NEW(double, n);
    uint32_t *todo = MEM_NEW(uint32_t, n), n_small = 0, n_large = 0; /* small from the left, large
                                                                       from the right */
    for (uint32_t i = 0; i < n; i++) {
        a->keep[i] = weights[i] * (double)n / sum;
        a->alias[i] = i;
        if (a->keep[i] < 1) todo[n_small++] = i;
        else todo[n - ++n_large] = i;
    }
    while (n_small > 0 && n_large > 0) {
        uint32_t s = todo[--n_small], l = todo[n - n_large];
        a->alias[s] = l;
        a->keep[l] -= 1 - a->keep[s];
        if (a->keep[l] < 1) {
            n_large--;
            todo[n_small++] = l;
        }
    }
    while (n_large > 0) a->keep[todo[n - n_large--]] = 1;
    while (n_small > 0) { /* left by rounding: nearly of height 1; a weight of 0 is never drawn */
        uint32_t i = todo[--n_small];
        if (weights[i] > 0) a->keep[i] = 1;
    }
    free(todo);
}

void rng_alias_free(RngAlias *a) {
    free(a->alias);
    free(a->keep);
    a->alias = NULL;
    a->keep = NULL;
}

uint32_t rng_alias_draw(const RngAlias *a, Rng *r) {
    uint32_t i = (uint32_t)rng_below(r, a->n);
    return rng_u01(r) < a->keep[i] ? i : a->alias[i];
}
