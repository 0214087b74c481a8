/* evaluate_flows: the flow model against truth, on a data set of flows. */
#ifndef M3_EVALUATE_EVALUATE_FLOWS_H
#define M3_EVALUATE_EVALUATE_FLOWS_H
#include "data/flowdata.h"
#include "evaluate/evaluate_nets.h"

/* evaluate_flows runs the flow model c on the paths index[0..n), ascending, of the data set, and
 * compares each network's distribution with what the data set holds of it, both weighted by draws
 * and by the flows that a recorded one stands for. Fills *nets with the networks that have a path
 * among `index`, ascending, without traits and intervals; NAN where a cell has fewer than
 * EVALUATE_MIN_FLOWS flows. The caller frees them with evaluate_nets_free. */
void evaluate_flows(const FlowData *d, const uint32_t *index, size_t n, const Ckpt *c, int threads,
                    EvaluateNet **nets, size_t *n_nets);
#endif
