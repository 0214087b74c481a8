/* modelspec: a model's dimensions and variants. Plain C and C++, since the training plug-in reads it, too. */
#ifndef M3_MODEL_MODELSPEC_H
#define M3_MODEL_MODELSPEC_H
#include <stdbool.h>
#include <stdint.h>

/* What the MLP's 400 outputs o mean.
 * ABSOLUTE (published): slowdown = 1 + o.
 * RESIDUAL: slowdown = base · (o + sqrt(1 + o²)), a correction of flowSim's own percentiles `base`. At o = 0 it is
 * base exactly, and there its logarithm has slope 1 (it is base · exp(asinh o)), which suits a loss in relative error. For
 * o > 0 it grows linearly, so small flows, which the fluid model sees at exactly 1, are lifted without blowing up;
 * for o < 0 it falls towards 0, so that too high a base can be lowered. Smooth, positive, and it cannot overflow. */
typedef enum { HEAD_ABSOLUTE, HEAD_RESIDUAL } ModelHead;

typedef struct {
    uint32_t n_feat; /* 1019 */
    uint32_t dim, hidden, n_layers, n_heads;
    uint32_t mlp_in_extra;          /* inputs of the MLP beside dim + n_feat: 0, or 400 base + 4 counts with HEAD_RESIDUAL */
    uint32_t mlp_h1, mlp_h2, n_out; /* n_out 400 */
    ModelHead head;
    bool zero_rows;  /* rows without any flow are fed as zeros (published C) */
    bool log_inputs; /* inputs on a common scale: see model/input.h; false: raw values (published) */
} ModelSpec;
#endif
