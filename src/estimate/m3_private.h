/* m3_private: what the two files of the public interface share: a result. */
#ifndef M3_ESTIMATE_M3_PRIVATE_H
#define M3_ESTIMATE_M3_PRIVATE_H
#include "estimate/result.h"
#include "m3.h"
#include "traffic/flows.h"

struct M3Result {
    Slowdowns slowdown;
    uint64_t n_flows, n_paths; /* paths: different ones */
    double wall_s;
    char *json;          /* NULL: none */
    Flows flows;         /* of a simulation, with fct_ns, ideal_fct_ns and id; n = 0: none */
    uint64_t *src, *dst; /* [flows.n] node ids */
};
#endif
