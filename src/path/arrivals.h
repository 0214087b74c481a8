/* arrivals: what sampled flows of a lot find on its links when they arrive. Filled by a simulation
 * of the lot, read by features. */
#ifndef M3_PATH_ARRIVALS_H
#define M3_PATH_ARRIVALS_H
#include <stddef.h>
#include <stdint.h>

/* Flows that wait at a link: the bits that they would have put on the wire at line rate and the
 * link has not served, how many flows they are, and the rate at which the link serves them,
 * bits/ns. How much of that really waits at the link, their windows limit. */
typedef struct {
    float bits, n, rate;
} Backlog;

/* One link at the arrival of a flow, which is not counted. A flow waits at the link of its range
 * that is overloaded most. before_feedback: flows whose senders cannot have reacted to congestion
 * yet, as they are younger than two round trips. */
typedef struct {
    float n_active;  /* flows that use the link */
    float left_bits; /* Σ of what they have still to send */
    Backlog before_feedback, after_feedback;
} LinkState;

/* An arrival sample: flows whose arrival is recorded. */
typedef struct {
    size_t n;
    const uint32_t *flow; /* [n] indices into the lot's flows, ascending */
    double rtt_ns;        /* base round trip */
    LinkState *state;     /* [n × n_links] filled in by the simulation */
} ArrivalSample;
#endif
