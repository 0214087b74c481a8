/* flows_arrays: flows from arrays, under the same rules as flows of a file.
 *
 * Every check of a row of a flow file (traffic/flows_read.h) is made here as well, so that a list
 * of flows means the same whether it comes as a file or as arrays. What is left out: completion
 * times, which only results have. */
#include "traffic/flows_arrays.h"

#include "traffic/flows_private.h"

static const char NAME[] = "flows"; /* for messages, in place of a file's */

static int take_flow(Flows *f, size_t i, const FlowArrays *a, const FlowEnds *e, size_t *n_empty,
                     Err *err) {
    f->src[i] = flows_host_of(e->topo, a->src[i]);
    f->dst[i] = flows_host_of(e->topo, a->dst[i]);
    if (f->src[i] == TOPO_NONE) return flows_fail_end(e, "flow", i, "src", a->src[i], err);
    if (f->dst[i] == TOPO_NONE) return flows_fail_end(e, "flow", i, "dst", a->dst[i], err);
    if (!flows_ends_ok(e, f->src[i], f->dst[i])) return flows_fail_ends(e, "flow", i, err);
    if (a->size_b[i] > FLOWS_MAX_SIZE_B)
        return err_input(err, "%s: flow %zu: size_b: expected bytes up to 1e15, got %llu", NAME, i,
                         (unsigned long long)a->size_b[i]);
    if (!flows_start_ok(a->start_ns[i], 0))
        return err_input(err, "%s: flow %zu: start_ns: expected 0 to 9e18, got %lld", NAME, i,
                         (long long)a->start_ns[i]);
    *n_empty += a->size_b[i] == 0;
    f->size_b[i] = a->size_b[i] > 0 ? a->size_b[i] : 1;
    f->start_ns[i] = a->start_ns[i];
    return 0;
}

static bool is_ordered(const Flows *f) {
    for (size_t i = 1; i < f->n; i++)
        if (f->start_ns[i] < f->start_ns[i - 1]) return false;
    return true;
}

int flows_from_arrays(Flows *f, const FlowArrays *a, const Topo *t, const Log *log, Err *err) {
    FlowEnds ends = {.path = NAME, .topo = t};
    size_t n_empty = 0;
    int rc = 0;
    if (a->n == 0) return err_input(err, "%s: expected at least one flow", NAME);
    flows_init(f, a->n);
    for (size_t i = 0; i < a->n && rc == 0; i++) rc = take_flow(f, i, a, &ends, &n_empty, err);
    if (rc != 0) {
        flows_free(f);
        return -1;
    }
    if (!is_ordered(f)) flows_sort_numbered(f);
    flows_note_empty(log, NAME, n_empty, f->n);
    return 0;
}
