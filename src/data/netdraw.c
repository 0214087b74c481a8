/* netdraw: random networks with their workload and settings.
 *
 * Everything comes from one stream per network, (seed, "network", index), so that a set can be made
 * in pieces and again. The draws: a shape (one rack, leaf and spine, three tiers; by rejection
 * until hosts and both oversubscriptions are in range), rates and delays (a good share as
 * published: 10 and 40 Gb/s, 1 µs), who talks to whom, sizes, load and burstiness, settings in the
 * published ranges.
 *
 * Buffers and windows were published for 10 Gb/s. At other rates operators scale them or do not:
 * buffers grow with the host rate, and mostly leave space for what the switch sets aside for PFC;
 * windows grow with the bandwidth-delay product, with the rate, or (at moderate rates) not at all.
 * Flow sizes grow with the rate in half of the networks.
 *
 * The number of flows is the most that max_packet_hops allows, by the mean size and the longest
 * path; sizes are scaled less where even the fewest flows would exceed it.
 *
 * Ranges and probabilities are choices, not measurements. What is published (controls, parameters,
 * buffers, windows, 10 and 40 Gb/s, 1 us) is drawn as published; the rest is to cover the fabrics
 * that users describe (spec/README.md lists all ranges) with a fair share of each kind. A
 * checkpoint trained on other shares differs little as long as every kind occurs (ckpts/README.md,
 * "What it was trained on" and the table of runs). Changing a draw changes every network after it.
 */
#include "data/netdraw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/clos.h"
#include "net/wire.h"

/* clos_bdp_b of the published fabric: six links of 1 us, 10 and 40 Gb/s */
#define REF_BDP_B 18.3e3
#define MAX_OVERSUBSCRIPTION \
    8 /* of a tier; published fabrics have 1 to 4, operators report up to 8 */

/* ---- ways to draw ---- */

static bool chance(Rng *rng, double p) { return rng_u01(rng) < p; }
static double pick(Rng *rng, const double *a, size_t n) { return a[rng_below(rng, n)]; }
#define PICK(rng, a) pick((rng), (a), sizeof(a) / sizeof *(a))

static double log_uniform(Rng *rng, double lo, double hi) {
    return lo * exp(rng_u01(rng) * log(hi / lo));
}

/* Whole number in [lo, hi], in proportion to 1/n. */
static uint32_t log_count(Rng *rng, uint32_t lo, uint32_t hi) {
    return (uint32_t)fmin(floor(log_uniform(rng, lo, (double)hi + 1)), hi);
}

static double whole(Rng *rng, int lo, int hi) {
    return lo + (double)rng_below(rng, (uint64_t)hi - (uint64_t)lo + 1);
}
static double to_decimals(double x, double unit) { return round(x / unit) * unit; }

/* ---- shape ---- */

static void draw_links(Clos *c, bool published, Rng *rng) {
    static const double host_rates[] = {10e9, 25e9, 40e9, 100e9, 200e9, 400e9},
                        ratios[] = {1, 2, 2.5, 4};
    clos_default(c);
    if (published) return;
    /* Rates that network cards are sold with, and uplinks 1 to 4 times as fast. */
    c->host_rate_bps = PICK(rng, host_rates);
    c->fab_rate_bps = c->host_rate_bps * PICK(rng, ratios);
    c->spine_rate_bps = chance(rng, 0.5) ? c->fab_rate_bps : c->host_rate_bps * PICK(rng, ratios);
    if (chance(rng, 0.3)) return; /* the published delays at other rates */
    /* 200 ns: a cable within a rack and a cut-through switch; 2 us: 200 m of fibre and a slow one.
     */
    c->host_delay_ns = to_decimals(log_uniform(rng, 200, 2000), 10);
    c->fab_delay_ns = to_decimals(log_uniform(rng, 200, 2000), 10);
    c->spine_delay_ns = to_decimals(log_uniform(rng, 200, 2000), 10);
}

static void draw_counts(Clos *c, int tiers, bool shifted, Rng *rng) {
    c->pods = tiers < 3 ? 1 : log_count(rng, 2, 8);
    c->racks_per_pod = tiers < 2 ? 1 : log_count(rng, 2, shifted ? 48 : 24);
    c->hosts_per_rack = tiers < 2 ? log_count(rng, 8, 64) : log_count(rng, 2, 32);
    c->fabs_per_pod = tiers < 2 ? 0 : log_count(rng, 1, 8);
    c->spines_per_plane = tiers < 3 ? 0 : log_count(rng, 1, 16);
}

static bool in_range(const Clos *c, double hosts_lo, double hosts_hi) {
    double hosts = clos_hosts(c);
    if (hosts < hosts_lo || hosts > hosts_hi) return false;
    for (int tier = 1; tier < clos_tiers(c); tier++) {
        double o = clos_oversubscription(c, tier);
        if (o < 0.99 || o > MAX_OVERSUBSCRIPTION + 0.01) return false;
    }
    return true;
}

/* Draws the links, then shapes until one has about the number of hosts drawn first and both
 * oversubscriptions in range: drawing the number first keeps rejection from favouring small
 * fabrics. The search ends, since whatever the links some shape of at most 16 hosts fits three
 * tiers and one of 8 fits two. One network in twelve is a single rack, one in four leaf and spine.
 */
static void draw_clos(Clos *c, bool shifted, Rng *rng) {
    double u = rng_u01(rng);
    int tiers = u < 0.08 && !shifted ? 1 : u < 0.35 ? 2 : 3;
    double aim = shifted      ? rng_uniform(rng, 300, 500)
                 : tiers == 1 ? rng_uniform(rng, 8, 64)
                              : log_uniform(rng, tiers == 2 ? 10 : 20, 256);
    double lo = fmax(aim * 0.8, shifted ? 300 : 8), hi = fmin(aim * 1.25, shifted ? 500 : 256);
    draw_links(c, chance(rng, 0.4), rng);
    do draw_counts(c, tiers, shifted, rng);
    while (!in_range(c, lo, hi));
}

/* ---- settings ---- */

/* The controls of the published training, the first in ORDER CC; others are drawn only for sets
 * that ask for one (NetDrawOptions.one_cc), since no model knows them yet. */
enum { N_DRAWN_CC = 4 };

/* The parameters of conf->cc, in ORDER CC. The four published ranges are those of the paper's
 * training data. */
static void draw_parameters(NetConf *conf, Rng *rng) {
    switch (conf->cc) {
    case CC_DCTCP: conf->dctcp_k_b = 1e3 * whole(rng, 5, 20); break;
    case CC_DCQCN:
        conf->dcqcn_kmin_b = 1e3 * whole(rng, 20, 50);
        conf->dcqcn_kmax_b = 1e3 * whole(rng, 50, 100);
        break;
    case CC_HPCC:
        conf->hpcc_eta = to_decimals(rng_uniform(rng, 0.70, 0.95), 1e-4);
        conf->hpcc_ai_bps = to_decimals(rng_uniform(rng, 500e6, 1000e6), 1e5);
        break;
    case CC_TIMELY:
        conf->timely_tlow_ns = 1e3 * whole(rng, 40, 60);
        conf->timely_thigh_ns = 1e3 * whole(rng, 100, 150);
        break;
    case CC_SWIFT:
        conf->swift_base_target_ns = 1e3 * whole(rng, 20, 50);
        conf->swift_hop_scaling_ns = 100 * whole(rng, 10, 40);
        conf->swift_fs_range_ns = 1e3 * whole(rng, 20, 100);
        conf->swift_beta = to_decimals(rng_uniform(rng, 0.4, 0.9), 1e-4);
        conf->swift_max_mdf = to_decimals(rng_uniform(rng, 0.3, 0.6), 1e-4);
        break;
    case CC_NSCC:
        conf->nscc_gamma = to_decimals(rng_uniform(rng, 0.5, 1), 1e-4);
        conf->nscc_ecn_low = to_decimals(rng_uniform(rng, 0.1, 0.4), 1e-4);
        conf->nscc_ecn_high = to_decimals(rng_uniform(rng, 0.5, 1), 1e-4);
        break;
    case CC_EQDS: conf->eqds_speculative = to_decimals(rng_uniform(rng, 0.5, 1.5), 1e-4); break;
    default: break; /* no parameters */
    }
}

void netdraw_published_conf(NetConf *conf, Rng *rng) {
    netconf_default(conf);
    conf->cc = (Cc)rng_below(rng, N_DRAWN_CC);
    conf->pfc = chance(rng, 0.5) || conf->cc == CC_DCQCN; /* RoCE's DCQCN needs a lossless fabric */
    draw_parameters(conf, rng);
    conf->buffer_b = 1024 * whole(rng, 200, 500);
    conf->line_window_b = whole(rng, 5000, 30000);
}

static void scale_buffer(NetConf *conf, const Clos *clos, Rng *rng) {
    double set_aside = clos_set_aside_b(clos);
    conf->buffer_b *= clos->host_rate_bps / WIRE_REF_BPS;
    /* Operators mostly size the shared buffer on top of PFC's headroom; 3 of 10 do not. */
    if (chance(rng, 0.7) && set_aside > conf->buffer_b / 2) conf->buffer_b += set_aside;
    conf->buffer_b = to_decimals(conf->buffer_b, netconf_row("buffer")->published_unit);
}

static void scale_window(NetConf *conf, const Clos *clos, Rng *rng) {
    double u = rng_u01(rng), rate = clos->host_rate_bps / WIRE_REF_BPS;
    if (u < 0.5) conf->line_window_b *= clos_bdp_b(clos) / REF_BDP_B;
    else if (u < 0.75 || rate > 4)
        conf->line_window_b *= rate; /* above 40 Gb/s 30 KB would starve */
    conf->line_window_b = fmax(round(conf->line_window_b), 2000); /* two packets */
}

/* ---- workload ---- */

/* Packet-hops of a flow over the longest path, its ACKs included: half a packet more than the mean
 * size, since the last one is not full; up and down all tiers; data and ACK. */
static double hops_per_flow(const NetDraw *d) {
    return (d->dist.mean_b / WIRE_PAYLOAD_B + 0.5) * 2 * 2 * clos_tiers(&d->clos);
}

/* Draws the family and, in half of the networks faster than 10 Gb/s, multiplies its sizes by the
 * rate over 10 Gb/s, or by as much as max_packet_hops leaves for flows_lo flows. */
static int draw_sizes(NetDraw *d, const NetDrawOptions *o, Rng *rng, Err *err) {
    SizeFamily first = SIZES_WEBSERVER, end = SIZES_FIRST_SYNTHETIC;
    if (o->shifted) first = SIZES_FIRST_UNSEEN, end = SIZES_N;
    else if (chance(rng, 0.5)) first = SIZES_FIRST_SYNTHETIC, end = SIZES_FIRST_UNSEEN;
    d->sizes = sizefamily_draw(rng, first, end);
    double rate = d->clos.host_rate_bps / WIRE_REF_BPS;
    bool scaled = chance(rng, 0.5) && rate > 1;
    if (sizefamily_build(&d->dist, &d->sizes, o->sizes_dir, err) != 0) return -1;
    double affordable = o->max_packet_hops / ((double)o->flows_lo * hops_per_flow(d));
    d->sizes.scale = scaled ? fmax(1, to_decimals(fmin(rate, affordable), 0.1)) : 1;
    if (d->sizes.scale <= 1) return 0;
    sizedist_free(&d->dist);
    return sizefamily_build(&d->dist, &d->sizes, o->sizes_dir, err);
}

/* Log-uniform between a quarter of what range and max_packet_hops allow and all of it. */
static uint64_t draw_n_flows(const NetDraw *d, const NetDrawOptions *o, Rng *rng) {
    double lo = (double)o->flows_lo,
           most = fmin((double)o->flows_hi, floor(o->max_packet_hops / hops_per_flow(d)));
    return (uint64_t)fmax(lo, round(log_uniform(rng, fmax(lo, most / 4), fmax(lo, most))));
}

static MatrixKind draw_matrix(bool shifted, Rng *rng) {
    MatrixKind first = shifted ? MATRIX_PERMUTATION : MATRIX_A,
               end = shifted ? MATRIX_N : MATRIX_PERMUTATION;
    return (MatrixKind)((int)first + (int)rng_below(rng, (uint64_t)(end - first)));
}

/* Replaces the control that was drawn, from a stream of its own: all else about the network stays.
 */
static void set_control(NetConf *conf, const NetDrawOptions *o, uint64_t index) {
    Rng rng = rng_stream(o->seed, "control", index);
    conf->cc = o->cc;
    conf->pfc |= o->cc == CC_DCQCN;
    draw_parameters(conf, &rng);
}

int netdraw_init(NetDraw *d, const NetDrawOptions *o, uint64_t index, Err *err) {
    Rng rng = rng_stream(o->seed, "network", index);
    *d = (NetDraw){.seed = rng_next(&rng) >> 12}; /* 52 bits: exact in JSON */
    draw_clos(&d->clos, o->shifted, &rng);
    netdraw_published_conf(&d->conf, &rng);
    scale_buffer(&d->conf, &d->clos, &rng);
    if (o->one_cc) set_control(&d->conf, o, index);
    if (d->clos.host_rate_bps > WIRE_REF_BPS || d->clos.host_delay_ns != 1000)
        scale_window(&d->conf, &d->clos, &rng);
    d->matrix = draw_matrix(o->shifted, &rng);
    d->max_load = to_decimals(rng_uniform(&rng, 0.10, 0.90), 1e-4);
    d->sigma = to_decimals(rng_uniform(&rng, 1, 2), 1e-4);
    if (draw_sizes(d, o, &rng, err) != 0) return -1;
    d->n_flows = draw_n_flows(d, o, &rng);
    return 0;
}

void netdraw_free(NetDraw *d) { sizedist_free(&d->dist); }

/* ---- matrices ---- */

static const char *const matrix_names[MATRIX_N] = {"a",       "b",           "c",
                                                   "uniform", "permutation", "incast"};
const char *matrixkind_name(MatrixKind k) { return matrix_names[k]; }

/* Each rack sends to one other: the next one in a random cycle. */
static void fill_permutation(RackMatrix *m, Rng *rng) {
    uint32_t n = m->n_racks, *order = MEM_NEW(uint32_t, n);
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    rng_shuffle_u32(rng, order, n);
    for (uint32_t i = 0; i < n; i++) m->weight[(size_t)order[i] * n + order[(i + 1) % n]] = 1;
    free(order);
}

/* Half of all traffic goes to one rack, the rest everywhere. */
static void fill_incast(RackMatrix *m, Rng *rng) {
    uint32_t n = m->n_racks, sink = (uint32_t)rng_below(rng, n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            m->weight[(size_t)i * n + j] = i != j ? 1 + (j == sink ? n : 0) : 0;
}

int netdraw_matrix(RackMatrix *m, const NetDraw *d, const Topo *t, Err *err) {
    if (d->matrix < MATRIX_PERMUTATION)
        return rackmatrix_generate(m, matrix_names[d->matrix], t, d->seed, err);
    size_t n = t->n_racks;
    Rng rng = rng_stream(d->seed, "rack matrix", 0);
    *m = (RackMatrix){.n_racks = t->n_racks,
                      .n_pods = t->n_pods,
                      .weight = MEM_ZNEW(double, n *n),
                      .pod_of = MEM_NEW(uint32_t, n),
                      .name = mem_strdup(matrix_names[d->matrix])};
    memcpy(m->pod_of, t->rack_pod, n * sizeof *m->pod_of);
    if (d->matrix == MATRIX_PERMUTATION) fill_permutation(m, &rng);
    else fill_incast(m, &rng);
    return 0;
}
