/* modelinput: the scale of a model's inputs and constants of its head, shared by the forward in C
 * and the training plug-in. */
#ifndef M3_MODEL_MODELINPUT_H
#define M3_MODEL_MODELINPUT_H
#include <math.h>
#include <stdint.h>

/* With ModelSpec.log_inputs: slowdown percentiles enter as their logarithms, so that 1.1
 * against 1.2 and 100 against 120 weigh alike, and configuration values that are not flags (tens of
 * KB, µs or percent) in tens. Both are then of order 1, as weights initialised by fan-in expect.
 * The learned empty-bucket vector lives in the scaled domain. */
/* Congestion controls that a model can know: a flag for each, in ORDER CC. A control behind them
 * has no place in what a model sees. */
enum { MODELINPUT_N_CC = 4 };
/* The published feature map (pathfeat.h): buckets of sizes, percentiles of each, settings. */
enum { MODELINPUT_N_BUCKETS = 10, MODELINPUT_N_PCT = 100, MODELINPUT_N_CONF = 19 };

/* pct: [10 × 100]; bucket b has flows if its bit in `present` is set; other buckets stay as they
 * are. */
static inline void modelinput_scale_pct(float *pct, uint16_t present) {
    for (int b = 0; b < MODELINPUT_N_BUCKETS; b++)
        if (present >> b & 1)
            for (int i = 0; i < MODELINPUT_N_PCT; i++)
                pct[b * MODELINPUT_N_PCT + i] = logf(pct[b * MODELINPUT_N_PCT + i]);
}

/* conf: flags are 0–2 (length), 6–7 (PFC) and 8–11 (congestion control); the others are amounts. */
static inline void modelinput_scale_conf(float conf[MODELINPUT_N_CONF]) {
    for (int i = 0; i < MODELINPUT_N_CONF; i++)
        if ((i >= 3 && i <= 5) || i >= 12) conf[i] *= 0.1f;
}

/* The flow model's head (model/flowmodel.c): FLOWHEAD_MIDDLE is the output at level ½,
 * FLOWHEAD_SPREAD · ln 2 the scale of the logistic distribution of log slowdown that outputs of 0
 * stand for, so that training starts some 7 % around the fluid slowdown. Chosen. */
#define FLOWHEAD_MIDDLE_LEVEL 0.5f
#define FLOWHEAD_SPREAD 0.1
enum { FLOWHEAD_MIDDLE = 7 };
#endif
