/* watch: what chosen flows of a lot meet when they arrive. Filled by a simulation of the lot, read
 * by features. */
#ifndef M3_PATH_ARRIVALS_H
#define M3_PATH_ARRIVALS_H
#include <stddef.h>
#include <stdint.h>

/* Flows that wait at a link: what they would have put on the wire at line rate and the link has not
 * served, how many they are, and what the link serves them with. What of it really waits there is
 * up to their windows. */
typedef struct {
    float bits, n, rate; /* rate in bits/ns */
} Backlog;

/* One link as an arriving flow finds it, itself not counted. Flows wait where they share most;
 * `fresh` are those whose senders cannot have heard of it yet (younger than two round trips). */
typedef struct {
    float n_active;  /* flows crossing the link */
    float left_bits; /* Σ of what is left of them */
    Backlog before_feedback, after_feedback;
} LinkState;

typedef struct {
    size_t n;
    const uint32_t *flow; /* [n] indices into the lot's flows, ascending */
    double rtt_ns;        /* base round trip */
    LinkState *state;     /* [n × n_links] out */
} ArrivalSample;
#endif
