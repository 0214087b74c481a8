/* lot: the published shape of a parking lot, and times in the idle network.
 *
 * The ideal completion time of a flow is latency + bits / rate: while the first packet passes the
 * links one after the other (store and forward), the others follow it at the rate of the slowest
 * link. The latency therefore is Σ over the links of delay + first packet / link rate, less the
 * first packet at the flow's own rate, which bits / rate has already. Links off the lot contribute
 * their delay alone, as stubs.
 *
 * For published lots the formula of the published m3 code is kept instead, on which its models were
 * trained: a background flow that comes from or goes to an inner node takes one more link there
 * (two if both ends are inner), inner links are 4 times as fast, each link takes 1 µs, and a fabric
 * or spine switch is 1 or 2 µs farther from its nearest host than a rack's switch is. */
#include "path/lot.h"

#include <stdlib.h>

#include "net/wire.h"

static const double PUBLISHED_DELAY_NS = 1000, PUBLISHED_FABRIC_RATIO = 4;

void lot_published(Lot *lot, uint32_t n_links, double host_rate_bps, Arena *a) {
    *lot = (Lot){.n_links = n_links, .host_rate_bps = host_rate_bps, .published = true};
    lot->rate_bps = ARENA_NEW(a, double, n_links);
    lot->delay_ns = ARENA_NEW(a, double, n_links);
    lot->stub_delay_ns = ARENA_NEW(a, double, n_links + 1);
    for (uint32_t l = 0; l < n_links; l++) {
        bool edge = l == 0 || l == n_links - 1;
        lot->rate_bps[l] = edge ? host_rate_bps : PUBLISHED_FABRIC_RATIO * host_rate_bps;
        lot->delay_ns[l] = PUBLISHED_DELAY_NS;
    }
    /* The inner node v is min(v, n_links − v) links from its nearest host: a rack's switch 1, a
     * fabric switch 2, a spine 3. */
    for (uint32_t v = 0; v <= n_links; v++)
        lot->stub_delay_ns[v] = PUBLISHED_DELAY_NS * (v < n_links - v ? v : n_links - v);
}

/* ---- latency ---- */

/* How much farther than a rack's switch an inner node of the published lots is from its nearest
 * host. */
static double published_extra_ns(uint32_t n_links, uint32_t node) {
    if (n_links == 4 && node == 2) return PUBLISHED_DELAY_NS;
    if (n_links == 6 && node >= 2 && node <= 4) return (node == 3 ? 2 : 1) * PUBLISHED_DELAY_NS;
    return 0;
}

static double published_latency_ns(const Lot *lot, const LotFlow *f) {
    double p = wire_first_packet_bits(f->size_b), b = lot->host_rate_bps * 1e-9;
    bool foreground = lot_is_foreground(lot->n_links, f->s, f->d),
         inside = f->s != 0 && f->d != lot->n_links;
    double links = f->d - f->s + !foreground + inside;
    double ns = p / (PUBLISHED_FABRIC_RATIO * b) * (links - 2) + PUBLISHED_DELAY_NS * links;
    ns += published_extra_ns(lot->n_links, f->s) + published_extra_ns(lot->n_links, f->d);
    if (foreground) ns += p / b;
    if (inside) ns -= p / b;
    return ns;
}

static inline double stubs_ns(const Lot *lot, const LotFlow *f) {
    return (f->s > 0 ? lot->stub_delay_ns[f->s] : 0) +
           (f->d < lot->n_links ? lot->stub_delay_ns[f->d] : 0);
}

static double general_latency_ns(const Lot *lot, const LotFlow *f, double rate) {
    double p = wire_first_packet_bits(f->size_b), ns = stubs_ns(lot, f);
    for (uint32_t l = f->s; l < f->d; l++) ns += lot->delay_ns[l] + p * 1e9 / lot->rate_bps[l];
    return ns - p / rate;
}

double lot_latency_ns(const Lot *lot, const LotFlow *f) {
    return lot->published ? published_latency_ns(lot, f)
                          : general_latency_ns(lot, f, lot_rate(lot, f));
}

LotIdeal lot_ideal(const Lot *lot, const LotFlow *f) {
    double rate = lot_rate(lot, f), latency_ns = general_latency_ns(lot, f, rate),
           bits = wire_bits(f->size_b);
    return (LotIdeal){.size_b = (double)f->size_b,
                      .bits = bits,
                      .rate = rate,
                      .fct_ns = latency_ns + bits / rate,
                      .latency_ns = latency_ns};
}

double lot_rtt_ns(const Lot *lot) {
    double rtt_ns = 0;
    for (uint32_t l = 0; l < lot->n_links; l++)
        rtt_ns += wire_hop_rtt_ns(lot->rate_bps[l], lot->delay_ns[l], WIRE_FULL_B, 0);
    return rtt_ns;
}

/* ---- slowdown ---- */

/* Both sides of the ratio times the flow's rate: bits that it could have sent in those times. */
static inline double ratio(double rate, double latency_bits, double fct_ns, double bits) {
    double x = (fct_ns * rate + latency_bits) / (bits + latency_bits);
    return x > 1 ? x : 1;
}

double lot_slowdown(const Lot *lot, const LotFlow *f, double fct_ns) {
    double rate = lot_rate(lot, f);
    return ratio(rate, lot_latency_ns(lot, f) * rate, fct_ns, wire_bits(f->size_b));
}

void lot_slowdowns(const Lot *lot, const LotFlow *flows, size_t n, const double *fct_ns,
                   const uint8_t *wanted, float *slowdown) {
    if (lot->published) {
        for (size_t i = 0; i < n; i++)
            if (!wanted || wanted[i]) slowdown[i] = (float)lot_slowdown(lot, &flows[i], fct_ns[i]);
        return;
    }
    /* Sums over links become differences of running sums, and the only division left is the
     * ratio's. */
    double *delay_ns = MEM_NEW(double, 2 * ((size_t)lot->n_links + 1)),
           *ns_per_bit = delay_ns + lot->n_links + 1;
    delay_ns[0] = ns_per_bit[0] = 0;
    for (uint32_t l = 0; l < lot->n_links; l++) {
        delay_ns[l + 1] = delay_ns[l] + lot->delay_ns[l];
        ns_per_bit[l + 1] = ns_per_bit[l] + 1e9 / lot->rate_bps[l];
    }
    for (size_t i = 0; i < n; i++) {
        if (wanted && !wanted[i]) continue;
        const LotFlow *f = &flows[i];
        double rate = lot_rate(lot, f), p = wire_first_packet_bits(f->size_b);
        double latency_ns = stubs_ns(lot, f) + (delay_ns[f->d] - delay_ns[f->s]) +
                            p * (ns_per_bit[f->d] - ns_per_bit[f->s]);
        slowdown[i] = (float)ratio(rate, latency_ns * rate - p, fct_ns[i], wire_bits(f->size_b));
    }
    free(delay_ns);
}
