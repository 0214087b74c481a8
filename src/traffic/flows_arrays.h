/* flows_arrays: flows from arrays of a program that embeds us. */
#ifndef M3_TRAFFIC_FLOWS_ARRAYS_H
#define M3_TRAFFIC_FLOWS_ARRAYS_H
#include "traffic/flows.h"

/* Flows in any order; src and dst are node ids of hosts. */
typedef struct {
    size_t n;
    const uint64_t *src, *dst, *size_b; /* [n] */
    const int64_t *start_ns;            /* [n] */
} FlowArrays;

/* flows_from_arrays fills *f with the flows of `a`, as flows_load with those of a file: checked,
 * sorted by start, flows of 0 bytes as ones of 1 byte with a remark. Their ids are the indices in
 * `a`, which is copied. −1 with an input error that names the flow and the array; then nothing is
 * to be released. */
int flows_from_arrays(Flows *f, const FlowArrays *a, const Topo *t, const Log *log, Err *err);
#endif
