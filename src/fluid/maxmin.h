/* maxmin: max-min fair rates of classes of flows on a parking lot. */
#ifndef M3_FLUID_MAXMIN_H
#define M3_FLUID_MAXMIN_H
#include <stdint.h>

/* A class: n flows that use links s..d−1 and are each capped at cap_bps. n = 0: no flow, rate unused. */
typedef struct {
    uint16_t s, d;
    uint32_t n;
    double cap_bps;
    double rate_bps; /* out: of each flow of the class */
} MaxminClass;

/* Progressive filling. Exact: every flow is at its cap or has a saturated link on which no flow is
 * faster. scratch: 3 × n_links doubles. */
void maxmin_fill(const double *link_bps, uint32_t n_links, MaxminClass *classes, uint32_t n_classes, double *scratch);
#endif
