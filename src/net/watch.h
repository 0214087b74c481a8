/* watch: what chosen flows of a lot meet when they arrive. Filled by a simulation of the lot, read by features. */
#ifndef M3_NET_WATCH_H
#define M3_NET_WATCH_H
#include <stddef.h>
#include <stdint.h>

/* One link as an arriving flow finds it, itself not counted. `queue`: bits that flows have injected and the link
 * has not served, split by whether their senders can have heard of it yet (older than two round trips) or not. */
typedef struct {
    uint32_t n_active;    /* flows crossing the link */
    float in_flight_bits; /* Σ over them of min(window, what is left of the flow) */
    float fresh_queue_bits, old_queue_bits;
} LinkSeen;

typedef struct {
    size_t n;
    const uint32_t *flow;       /* [n] indices into the lot's flows, ascending */
    double window_bits, rtt_ns; /* what a sender may have in flight; base round trip */
    LinkSeen *seen;             /* [n × n_links] out */
} LotWatch;
#endif
