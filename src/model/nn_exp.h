/* nn_exp: exponentials over arrays, in place, [n]; right to about two units in the last place. */
#ifndef M3_MODEL_NN_EXP_H
#define M3_MODEL_NN_EXP_H
#include <stddef.h>

/* nn_exp computes exp(x), x clipped to ±87, where floats end. */
void nn_exp(float *x, size_t n);
/* nn_silu computes x · sigmoid(x). */
void nn_silu(float *x, size_t n);
/* nn_softplus computes log(1 + exp(x)). */
void nn_softplus(float *x, size_t n);
#endif
