/* rng: seeded random streams. One stream per (seed, purpose, index); same seed, same bytes. */
#ifndef M3_BASE_RNG_H
#define M3_BASE_RNG_H
#include <stddef.h>
#include <stdint.h>

/* The state of a stream: xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", 2021). */
typedef struct {
    uint64_t s[4];
} Rng;

/* rng_stream returns the stream of (seed, purpose, index). `purpose` names what the numbers are for
 * ("sizes", "gaps"); streams of different purposes or indices are independent. */
Rng rng_stream(uint64_t seed, const char *purpose, uint64_t index);
uint64_t rng_next(Rng *r);                        /* 64 random bits */
double rng_u01(Rng *r);                           /* uniform in [0, 1), a multiple of 2^−53 */
uint64_t rng_below(Rng *r, uint64_t n);           /* uniform in [0, n), n > 0, unbiased */
double rng_uniform(Rng *r, double lo, double hi); /* uniform in [lo, hi) */
double rng_normal(Rng *r);                        /* mean 0, variance 1 */
double rng_exponential(Rng *r);                   /* mean 1 */
/* rng_shuffle_u32 permutes a[0..n) at random, all orders alike (Fisher and Yates). */
void rng_shuffle_u32(Rng *r, uint32_t *a, size_t n);

/* rng_mix returns a hash of 64 bits, one to one: the last steps of splitmix64. */
uint64_t rng_mix(uint64_t x);

/* A table for drawing index i with probability weights[i] / sum in constant time (alias method;
 * Vose 1991). */
typedef struct {
    uint32_t n;
    uint32_t *alias; /* [n] drawn instead of i */
    double *keep;    /* [n] probability of i itself where i was drawn uniformly */
} RngAlias;
/* rng_alias_init copies what it needs of n weights: finite, ≥ 0, with a positive sum (asserted). */
void rng_alias_init(RngAlias *a, const double *weights, uint32_t n);
void rng_alias_free(RngAlias *a);
uint32_t rng_alias_draw(const RngAlias *a, Rng *r);
#endif
