/* windowtraffic: the flows of a window: those that began before, and those that start in it. */
#ifndef M3_FEATURES_WINDOWTRAFFIC_H
#define M3_FEATURES_WINDOWTRAFFIC_H
#include <stdbool.h>

#include "fluid/netfluid.h"

/* Where the flows of a run come from. */
typedef struct {
    const FlowSource *source;
    const FlowGraph *graph;        /* what waits for what; NULL: nothing */
    const int64_t *chunk_start_ns; /* [n_chunks] */
    size_t n_chunks;
} WindowSource;

/* Flows that began before, then those that start in the window. */
typedef struct {
    Flows flows; /* with a graph if flows of the run wait for others */
    uint16_t *sport;
    double *rate_bps; /* [n_begun] */
    size_t *begun;    /* [n_begun] indices in the run, ascending */
    size_t n_begun, cap;
    size_t first_index; /* in the run, of flow n_begun */
} WindowTraffic;

/* windowtraffic_add_begun adds the flows of a state at at_ns, once, to a traffic that is all zero;
 * windowtraffic_add_starting adds, behind these, the flows that start in [from_ns, until_ns).
 * windowtraffic_keep_waiting has flows of the window that wait for others of it do so; those whose
 * others had ended before start when the fluid simulation says. windowtraffic_free releases. */
void windowtraffic_add_begun(WindowTraffic *t, const NetFluidState *state, int64_t at_ns);
void windowtraffic_add_starting(WindowTraffic *t, const WindowSource *s, int64_t from_ns,
                                int64_t until_ns);
void windowtraffic_keep_waiting(WindowTraffic *t, const WindowSource *s);
void windowtraffic_free(WindowTraffic *t);

/* windowtraffic_waits returns whether flows of the run wait for others. */
bool windowtraffic_waits(const WindowSource *s);
/* windowtraffic_as_asked puts the flows of the whole run in the list that was asked for. */
void windowtraffic_as_asked(WindowTraffic *t, const WindowSource *s);
#endif
