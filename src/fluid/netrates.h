/* netrates: max-min fair rates of single flows on any links of a network. */
#ifndef M3_FLUID_NETRATES_H
#define M3_FLUID_NETRATES_H
#include <stdint.h>

/* A directed link. A control may aim at less than all of it: each flow then goes at the rate at
 * which what the control takes away, by how far the link is above its target, is what it adds, the
 * step. Flows whose busiest link is at u times its target go at r = step × u / (u − 1). So n flows
 * that nothing else holds back, alone on the link, fill target + n × step of it, or all. */
typedef struct {
    double left;   /* > 0: for the flows */
    double used;   /* ≥ 0: by what is not among the flows */
    double target; /* > 0: of flows and used; INFINITY: none */
} NetLink;

/* Flows 0 … n − 1, each with the links that it crosses and a limit of its own. */
typedef struct {
    uint32_t n, cap, max_links;
    uint32_t *links;                 /* [n × max_links] of a flow, n_links of them */
    uint8_t *n_links;                /* [n] at least 1 */
    double *limit;                   /* [n] > 0 */
    double *rate;                    /* [n] what netrates_fill found; 0 before */
    struct NetRatesScratch *scratch; /* private */
} NetRates;

/* netrates_init begins without flows, on n_links links, of which a flow crosses at most max_links.
 * netrates_free releases. */
void netrates_init(NetRates *r, uint32_t n_links, uint32_t max_links);
void netrates_free(NetRates *r);

/* netrates_add appends a flow. */
void netrates_add(NetRates *r, const uint32_t *links, uint32_t n, double limit);
/* netrates_move makes flow `to` what flow `from` ≥ to is; netrates_resize keeps the first n. */
void netrates_move(NetRates *r, uint32_t from, uint32_t to);
void netrates_resize(NetRates *r, uint32_t n);

/* netrates_fill sets all rates to the max-min fair ones for these links [n_links]: every flow is at
 * its limit, or crosses a link on which no flow is faster and which is saturated or, with a target,
 * at the utilisation that goes with the flow's rate. step ≥ 0: what a control adds. */
void netrates_fill(NetRates *r, const NetLink *links, double step);
#endif
