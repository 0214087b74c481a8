/* netrates: max-min fair rates of single flows on any links of a network. */
#ifndef M3_FLUID_NETRATES_H
#define M3_FLUID_NETRATES_H
#include <stdint.h>

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

/* netrates_fill sets all rates to the max-min fair ones for links of these rates [n_links] > 0:
 * every flow is at its limit or crosses a link that is saturated and on which no flow is faster. */
void netrates_fill(NetRates *r, const double *link_rate);
#endif
