/* modelspec: a model's dimensions and variants. Plain C and C++, since the training plug-in reads
 * it, too. */
#ifndef M3_MODEL_MODELSPEC_H
#define M3_MODEL_MODELSPEC_H
#include <stdbool.h>
#include <stdint.h>

/* What the MLP's outputs o mean.
 * ABSOLUTE (published): 400 percentiles, slowdown = 1 + o.
 * RESIDUAL: 400 percentiles, slowdown = base · (o + sqrt(1 + o²)), a correction of flowSim's own
 * percentiles `base`. At o = 0 it is base exactly, and there its logarithm has slope 1 (it is base
 * · exp(asinh o)), which suits a loss in relative error. For o > 0 it grows linearly, so small
 * flows, which the fluid model sees at exactly 1, are lifted without blowing up; for o < 0 it falls
 * towards 0, so that too high a base can be lowered. Smooth, positive, and it cannot overflow.
 * FLOW: quantiles of one flow's slowdown, given the path's links and what the fluid model saw of
 * the flow (flowmodel.h). */
typedef enum { HEAD_ABSOLUTE, HEAD_RESIDUAL, HEAD_FLOW } ModelHead;

typedef struct {
    uint32_t n_feat; /* of a row of the transformer's input: 1019; with HEAD_FLOW: link and path
                        features */
    uint32_t n_path; /* with HEAD_FLOW: of them, at the end, those of the path; else 0 */
    uint32_t dim, hidden, n_layers, n_heads;
    /* Inputs of the MLP beside dim (+ n_feat but for HEAD_FLOW): 0; 400 base + 4 counts with
     * HEAD_RESIDUAL; flow and path features with HEAD_FLOW */
    uint32_t mlp_in_extra;
    uint32_t mlp_h1, mlp_h2, n_out; /* n_out 400; with HEAD_FLOW the number of quantiles */
    ModelHead head;
    bool zero_rows;     /* rows without any flow are fed as zeros (published C) */
    bool log_inputs;    /* inputs on a common scale: see model/modelinput.h; false: raw values
                           (published) */
    bool bidirectional; /* attention sees the whole path; false: links before and at a position
                           (published) */
} ModelSpec;
#endif
