/* lot: the published shape of a parking lot. */
#include "path/lot.h"

void lot_published(Lot *lot, uint32_t n_links, double host_rate_bps, Arena *a) {
    *lot = (Lot){.n_links = n_links, .host_rate_bps = host_rate_bps, .published = true};
    lot->rate_bps = ARENA_NEW(a, double, n_links);
    lot->delay_ns = ARENA_NEW(a, double, n_links);
    lot->stub_delay_ns = ARENA_NEW(a, double, n_links + 1);
    for (uint32_t l = 0; l < n_links; l++) {
        bool edge = l == 0 || l == n_links - 1;
        lot->rate_bps[l] = edge ? host_rate_bps : 4 * host_rate_bps;
        lot->delay_ns[l] = 1000;
    }
    /* The inner node v is min(v, n_links − v) hops of 1 µs from its nearest host: a rack switch 1,
     * a fabric switch 2, a spine 3. */
    for (uint32_t v = 0; v <= n_links; v++)
        lot->stub_delay_ns[v] = 1000.0 * (v < n_links - v ? v : n_links - v);
}
