/* nn_exp: exponentials over arrays, eight at a time.
 *
 * The C library's expf and log1pf, called one by one, took longer than the matrix products of the
 * flow model. GCC's vector types compile to what the machine has: SSE2 on any x86-64, AVX2 where
 * the machine has it, which is asked at run time. Both do the same operations in the same order (no
 * fused ones), so they give the same bits.
 *
 *   exp(x) = 2^n · exp(r), n = round(x / ln 2), |r| ≤ ln 2 / 2: the exponential series to r^7,
 * whose rest is below 6e-9; log(1 + y) = 2 · artanh(y / (2 + y)), for y in 0..1: the series to the
 * 13th power, whose rest is below 1e-8. Both are right to about two units in the last place. x is
 * clipped to ±87, where floats end: no infinities, no subnormals. */
#include "model/nn_exp.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#define HAVE_AVX2 __builtin_cpu_supports("avx2")
#define WITH_AVX2 __attribute__((target("avx2")))
#else
#define HAVE_AVX2 0
#define WITH_AVX2
#endif
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8 }; /* floats of an AVX2 register; without it the compiler takes two of four */
typedef float V __attribute__((vector_size(4 * LANES)));
typedef int32_t I __attribute__((vector_size(4 * LANES)));

/* By pointer, since how vectors are passed by value depends on the machine. In place. */

INLINE void clip(V *x, float lo, float hi) {
    I above = *x > lo;
    I kept = (above & (I)*x) | (~above & (I)(lo + (V){0})); /* NaN: lo */
    I below = (V)kept < hi;
    *x = (V)((below & kept) | (~below & (I)(hi + (V){0})));
}

INLINE void exp_of(V *x) {
    static const float ROUND = 0x1.8p23f; /* adding it leaves whole numbers only */
    static const float LN2_HI = 0x1.62ep-1f, LN2_LO = 0x1.0bfbe8p-15f;
    clip(x, -87, 87);
    V shifted = *x * 1.44269504f + ROUND, n = shifted - ROUND;
    V r = *x - n * LN2_HI - n * LN2_LO;
    V p = 1 +
          r * (1 + r * (0.5f + r * (1.0f / 6 +
                                    r * (1.0f / 24 + r * (1.0f / 120 +
                                                          r * (1.0f / 720 + r * (1.0f / 5040)))))));
    I exponent = ((I)shifted - (I)(ROUND + (V){0})) << 23;
    *x = (V)((I)p + exponent);
}

/* y in 0..1 */
INLINE void log1p_of(V *y) {
    V s = *y / (2 + *y), t = s * s;
    V sum =
        1 +
        t * (1.0f / 3 +
             t * (1.0f / 5 + t * (1.0f / 7 + t * (1.0f / 9 + t * (1.0f / 11 + t * (1.0f / 13))))));
    *y = 2 * s * sum;
}

INLINE void silu_of(V *x) {
    V e = -*x;
    exp_of(&e);
    *x /= 1 + e;
}

INLINE void softplus_of(V *x) {
    I positive = *x > 0;
    V ramp = (V)(positive & (I)*x), e = *x - 2 * ramp; /* −|x| */
    exp_of(&e);
    log1p_of(&e);
    *x = ramp + e;
}

/* The last lanes of an array that is no multiple of eight go through the same instructions. */
#define OVER_ARRAY(x, n, f)                         \
    size_t i = 0;                                   \
    for (; i + LANES <= (n); i += LANES) {          \
        V v;                                        \
        memcpy(&v, (x) + i, sizeof v);              \
        f(&v);                                      \
        memcpy((x) + i, &v, sizeof v);              \
    }                                               \
    if (i < (n)) {                                  \
        V v = {0};                                  \
        memcpy(&v, (x) + i, ((n)-i) * sizeof *(x)); \
        f(&v);                                      \
        memcpy((x) + i, &v, ((n)-i) * sizeof *(x)); \
    }

#define KERNEL(name, f)                                                           \
    WITH_AVX2 static void name##_avx2(float *x, size_t n) { OVER_ARRAY(x, n, f) } \
    static void name##_any(float *x, size_t n) { OVER_ARRAY(x, n, f) }            \
    void name(float *x, size_t n) {                                               \
        if (HAVE_AVX2) name##_avx2(x, n);                                         \
        else name##_any(x, n);                                                    \
    }

KERNEL(nn_exp, exp_of)
KERNEL(nn_silu, silu_of)
KERNEL(nn_softplus, softplus_of)
