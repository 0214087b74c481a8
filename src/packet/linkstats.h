/* linkstats: what each link did over a whole run: use, queue, marks, losses, pauses: what a caller
 * of pktsim asks for and gets. */
#ifndef M3_PACKET_LINKSTATS_H
#define M3_PACKET_LINKSTATS_H
#include <stdint.h>

/* Queue lengths up to this are told apart; longer ones are rounded up, by less than one part in
 * LINKSTATS_STEPS. The mean and the largest are exact. */
enum { LINKSTATS_STEPS = 32, LINKSTATS_EXACT_B = 2 * LINKSTATS_STEPS - 1 };

/* ORDER LINKSTATS QUANTILE */
enum { LINKSTATS_P50, LINKSTATS_P90, LINKSTATS_P99, LINKSTATS_N_QUANTILES };
extern const double linkstats_levels[LINKSTATS_N_QUANTILES];

/* A directed link, from the first flow's start to the run's last event, or to its stop. */
typedef struct {
    double utilisation;  /* share of its capacity that bytes on the wire took */
    double goodput_bps;  /* payload_b over that time */
    double paused_share; /* of that time, in which PFC barred data from being sent */
    double queue_mean_b; /* in the data queue of the sending port, over time */
    /* The share of that time in which the queue was at most so long is the quantile's level. */
    double queue_q_b[LINKSTATS_N_QUANTILES];
    uint64_t queue_max_b;
    uint64_t payload_b; /* of data packets whose transmission ended */
    uint64_t n_sent;    /* packets whose transmission began, pause frames left out */
    uint64_t n_marked;  /* by the sending port */
    uint64_t n_dropped; /* that found no room at the port's switch */
    uint64_t n_lost;    /* on the link */
} LinkStats;

/* linkstats_loss returns the share of the packets that came to links to be sent which did not reach
 * their ends, given the sums of these counts. */
double linkstats_loss(uint64_t n_sent, uint64_t n_dropped, uint64_t n_lost);
#endif
