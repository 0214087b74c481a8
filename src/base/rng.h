/* rng: seeded random streams. One stream per (seed, purpose, index); same seed, same bytes. */
#ifndef M3_BASE_RNG_H
#define M3_BASE_RNG_H
#include <stddef.h>
#include <stdint.h>

/* xoshiro256++ (Blackman and Vigna), state filled by splitmix64. */
typedef struct {
    uint64_t s[4];
} Rng;

/* `purpose` names what the numbers are for ("sizes", "gaps"); streams of different purposes or
 * indices are independent. */
Rng rng_stream(uint64_t seed, const char *purpose, uint64_t index);
uint64_t rng_next(Rng *r);
double rng_u01(Rng *r);                 /* uniform in [0, 1), 53 bits */
uint64_t rng_below(Rng *r, uint64_t n); /* uniform in [0, n), n > 0, unbiased */
double rng_uniform(Rng *r, double lo, double hi);
double rng_normal(Rng *r);      /* mean 0, variance 1 */
double rng_exponential(Rng *r); /* mean 1 */
void rng_shuffle_u32(Rng *r, uint32_t *a, size_t n);

/* O(1) draws from n weights (Vose's alias method). */
typedef struct {
    uint32_t n;
    uint32_t *alias;
    double *keep;
} RngAlias;
/* Weights are finite, ≥ 0, with a positive sum (asserted). rng_alias_free releases. */
void rng_alias_init(RngAlias *a, const double *weights, uint32_t n);
void rng_alias_free(RngAlias *a);
uint32_t rng_alias_draw(const RngAlias *a, Rng *r);
#endif
