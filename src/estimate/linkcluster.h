/* linkcluster: groups of links whose flows look alike, of which one stands for all. */
#ifndef M3_ESTIMATE_LINKCLUSTER_H
#define M3_ESTIMATE_LINKCLUSTER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINKCLUSTER_QUANTILES = 1000 };

/* What a link and its flows look like. */
typedef struct {
    double rate_bps, delay_ns;
    bool from_host, to_host;
    double load; /* of the rate, between its first and its last start */
    float size_b[LINKCLUSTER_QUANTILES];
    float gap_ns[LINKCLUSTER_QUANTILES]; /* between starts */
} LinkShape;

/* linkcluster_quantiles fills out[LINKCLUSTER_QUANTILES], from least to greatest, from n values,
 * which it sorts; zeros if n is 0. */
void linkcluster_quantiles(float *values, size_t n, float *out);

/* linkcluster_alike says whether the leader can stand for the other link: same rate, delay and kind
 * of ends; loads less than 0.005 apart; quantiles of sizes and of gaps each less than 0.1 apart:
 * the sum of their differences over the leader's sum. */
bool linkcluster_alike(const LinkShape *leader, const LinkShape *other);

/* linkcluster_group sets leader[i] to the first link that stands for link i and is not itself stood
 * for: i itself if there is none before it. Returns the number of leaders. */
size_t linkcluster_group(const LinkShape *shape, size_t n, uint32_t *leader);
#endif
