/* pathgen: random parking lots, simulated at packet level.
 *
 *      host 0 ─10G─ switch 1 ─40G─ switch 2 ─ … ─ switch n−2 ─10G─ host n−1
 *                    │││            │││              │││
 *                   stubs          stubs            stubs
 *
 * Families and ranges are those of the published training: 3, 5 or 7 positions; the foreground from
 * the first to the last and some of the other pairs of positions as background, shares at random;
 * sizes of four synthetic families or measured; load of the most loaded link 20 to 80 %; settings
 * as netdraw_published_conf draws them. Lots with little foreground get more flows.
 *
 * A background flow that enters or leaves at an inner position does so over one of N_STUBS hosts
 * there, at host rate: many links that are lightly loaded, as the other ports of a real switch are.
 * (The published lots have one host of 100 Tb/s, which breaks congestion controls that start at
 * line rate, and the buffer's accounting.) Ideal times are those of each flow's whole way, stubs
 * included. Path i is a function of (seed, i) alone. */
#include "data/pathgen.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/casefolder.h"
#include "data/netdraw.h"
#include "packet/pktsim.h"
#include "scenario/published.h"

enum {
    MAX_POSITIONS = 7,
    MAX_PAIRS = MAX_POSITIONS * (MAX_POSITIONS - 1) / 2,
    N_STUBS = 8 /* hosts at an inner position */
};
/* Three hundred foreground flows give the larger size buckets a tail; the ceiling bounds the work.
 */
enum { FEWEST_FLOWS = 1500, MOST_FLOWS = 7000, WANTED_FOREGROUND = 300 };
/* As drawn above. */
#define HOST_RATE_BPS 10e9
#define INNER_RATE_BPS 40e9
#define DELAY_NS 1000

/* Flows from position `from` to `to`; `share` of all. pair[0] is the foreground. */
typedef struct {
    uint32_t from, to;
    double share;
} LotPair;

typedef struct {
    uint32_t n_positions, n_pairs, n_flows;
    LotPair pair[MAX_PAIRS];
    NetConf conf;
    SizeSpec sizes;
    SizeDist dist;
    double sigma, max_load;
    uint64_t seed; /* of marking */
    Topo topo;
    Route *route;
    Flows flows; /* between hosts, with fct_ns and ideal_fct_ns */
    uint64_t n_finished;
} ParkingLot;

/* ---- draws ---- */

static uint32_t list_pairs(uint32_t n_positions, LotPair *out) {
    uint32_t n = 1;
    out[0] = (LotPair){0, n_positions - 1, 0};
    for (uint32_t from = 0; from < n_positions; from++)
        for (uint32_t to = from + 1; to < n_positions; to++)
            if (to - from < n_positions - 1) out[n++] = (LotPair){from, to, 0};
    return n;
}

/* The foreground and a random choice of the others, in random order, with random shares; the
 * foreground keeps at least 3 %. */
static void draw_pairs(ParkingLot *l, Rng *rng) {
    uint32_t n_all = list_pairs(l->n_positions, l->pair);
    l->n_pairs = 2 + (uint32_t)rng_below(rng, n_all - 1);
    for (uint32_t i = 1; i < l->n_pairs; i++) {
        uint32_t k = i + (uint32_t)rng_below(rng, n_all - i);
        LotPair swap = l->pair[i];
        l->pair[i] = l->pair[k];
        l->pair[k] = swap;
    }
    double sum = 0;
    for (uint32_t i = 0; i < l->n_pairs; i++) sum += l->pair[i].share = rng_exponential(rng);
    for (uint32_t i = 0; i < l->n_pairs; i++)
        l->pair[i].share = 0.97 * l->pair[i].share / sum + (i == 0 ? 0.03 : 0);
}

static int lot_draw(ParkingLot *l, const PathGenOptions *o, Rng *rng, Err *err) {
    l->n_positions = 3 + 2 * (uint32_t)rng_below(rng, 3);
    draw_pairs(l, rng);
    netdraw_published_conf(&l->conf, rng);
    bool measured = rng_u01(rng) < 0.15;
    l->sizes = measured ? sizefamily_draw(rng, SIZES_WEBSERVER, SIZES_FIRST_SYNTHETIC)
                        : sizefamily_draw(rng, SIZES_FIRST_SYNTHETIC, SIZES_FIRST_UNSEEN);
    l->max_load = rng_uniform(rng, 0.2, 0.8);
    l->sigma = rng_uniform(rng, 1, 2);
    l->seed = rng_next(rng);
    l->n_flows =
        (uint32_t)fmin(fmax(WANTED_FOREGROUND / l->pair[0].share, FEWEST_FLOWS), MOST_FLOWS);
    return sizefamily_build(&l->dist, &l->sizes, o->sizes_dir, err);
}

static double link_rate(const ParkingLot *l, uint32_t link) {
    return link == 0 || link == l->n_positions - 2 ? HOST_RATE_BPS : INNER_RATE_BPS;
}

/* Mean gap at which the most loaded link carries max_load of its rate. */
static double mean_gap_ns(const ParkingLot *l) {
    double worst = 0;
    for (uint32_t link = 0; link + 1 < l->n_positions; link++) {
        double share = 0;
        for (uint32_t i = 0; i < l->n_pairs; i++)
            if (l->pair[i].from <= link && link < l->pair[i].to) share += l->pair[i].share;
        worst = fmax(worst, share / link_rate(l, link));
    }
    return l->dist.mean_b * 8 * worst / l->max_load * 1e9;
}

/* ---- the network: hosts 0 … stubs … last, then switches 1 … n−2 ---- */

static uint32_t n_hosts(const ParkingLot *l) { return 2 + (l->n_positions - 2) * N_STUBS; }
static uint32_t switch_of(const ParkingLot *l, uint32_t position) {
    return n_hosts(l) + position - 1;
}

/* A host at the position: the end's own, or one of the stubs. */
static uint32_t host_at(const ParkingLot *l, uint32_t position, uint32_t stub) {
    if (position == 0) return 0;
    return position == l->n_positions - 1 ? n_hosts(l) - 1 : 1 + (position - 1) * N_STUBS + stub;
}

static uint32_t position_of(const ParkingLot *l, uint32_t host) {
    if (host == 0) return 0;
    return host == n_hosts(l) - 1 ? l->n_positions - 1 : 1 + (host - 1) / N_STUBS;
}

static int build_topo(ParkingLot *l, Err *err) {
    uint32_t hosts = n_hosts(l), n_nodes = hosts + l->n_positions - 2, n_cables = 0;
    uint64_t *id = MEM_NEW(uint64_t, n_nodes);
    uint8_t *is_host = MEM_NEW(uint8_t, n_nodes);
    TopoCable *cables = MEM_NEW(TopoCable, n_nodes);
    for (uint32_t v = 0; v < n_nodes; v++) {
        id[v] = v;
        is_host[v] = v < hosts;
    }
    for (uint32_t h = 0; h < hosts; h++) {
        uint32_t at = position_of(l, h), inner = at == 0                    ? 1
                                                 : at == l->n_positions - 1 ? at - 1
                                                                            : at;
        cables[n_cables++] = (TopoCable){h, switch_of(l, inner), HOST_RATE_BPS, DELAY_NS};
    }
    for (uint32_t p = 1; p + 2 < l->n_positions; p++)
        cables[n_cables++] =
            (TopoCable){switch_of(l, p), switch_of(l, p + 1), INNER_RATE_BPS, DELAY_NS};
    int rc = topo_build(&l->topo, "parking lot", id, is_host, NULL, n_nodes, cables, n_cables, err);
    free(id);
    free(is_host);
    free(cables);
    return rc;
}

static void draw_flows(ParkingLot *l, Rng *rng) {
    double weights[MAX_PAIRS], now = 0, mu = log(mean_gap_ns(l)) - l->sigma * l->sigma / 2;
    RngAlias alias;
    Flows *f = &l->flows;
    for (uint32_t i = 0; i < l->n_pairs; i++) weights[i] = l->pair[i].share;
    rng_alias_init(&alias, weights, l->n_pairs);
    flows_init(f, l->n_flows);
    for (size_t i = 0; i < f->n; i++) {
        const LotPair *p = &l->pair[rng_alias_draw(&alias, rng)];
        f->src[i] = host_at(l, p->from, (uint32_t)rng_below(rng, N_STUBS));
        f->dst[i] = host_at(l, p->to, (uint32_t)rng_below(rng, N_STUBS));
        f->size_b[i] = sizedist_draw(&l->dist, rng_u01(rng));
        now += exp(mu + l->sigma * rng_normal(rng));
        f->start_ns[i] = (int64_t)now;
    }
    rng_alias_free(&alias);
}

static int simulate(ParkingLot *l, Err *err) {
    PktOptions opt = {.seed = l->seed};
    PktStats stats;
    l->flows.fct_ns = MEM_NEW(double, l->flows.n);
    l->flows.ideal_fct_ns = MEM_NEW(double, l->flows.n);
    pktsim_ideal(l->route, &l->flows, false, l->flows.ideal_fct_ns);
    int rc = pktsim_run(l->route, &l->flows, &l->conf, &opt, l->flows.fct_ns, &stats, err);
    l->n_finished = stats.n_finished;
    return rc;
}

static int lot_init(ParkingLot *l, const PathGenOptions *o, uint64_t index, Err *err) {
    Rng rng = rng_stream(o->seed, "parking lot", index);
    *l = (ParkingLot){0};
    if (lot_draw(l, o, &rng, err) != 0 || build_topo(l, err) != 0) return -1;
    if (!(l->route = route_new(&l->topo, err))) return -1;
    draw_flows(l, &rng);
    return simulate(l, err);
}

static void lot_free(ParkingLot *l) {
    flows_free(&l->flows);
    route_destroy(l->route);
    topo_free(&l->topo);
    sizedist_free(&l->dist);
}

/* ---- files ---- */

static void put_pairs(const ParkingLot *l, JsonOut *j) {
    json_put_array(j, "pairs");
    for (uint32_t i = 0; i < l->n_pairs; i++) {
        json_out_array_compact(j);
        json_out_int(j, l->pair[i].from);
        json_out_int(j, l->pair[i].to);
        json_out_end(j, ']');
    }
    json_out_end(j, ']');
    json_put_array_compact(j, "weights");
    for (uint32_t i = 0; i < l->n_pairs; i++) json_out_number(j, l->pair[i].share);
    json_out_end(j, ']');
}

static int write_scenario(const ParkingLot *l, uint64_t index, const char *dir, Err *err) {
    JsonFile file;
    if (json_file_open(&file, dir, "scenario.json", err) != 0) return -1;
    JsonOut *j = &file.j;
    json_put_count(j, "id", index);
    json_put_count(j, "n_hosts", l->n_positions);
    json_out_key(j, "sizes"), sizefamily_write(&l->sizes, &l->dist, j);
    put_pairs(l, j);
    json_put_number(j, "max_load", l->max_load);
    json_put_number(j, "sigma", l->sigma);
    json_put_count(j, "n_flows", l->flows.n);
    json_put_count(j, "n_finished", l->n_finished);
    published_put_path(j, &l->conf);
    return json_file_commit(&file, err);
}

static int write_flows(ParkingLot *l, const char *dir, Err *err) {
    char *path = file_join(dir, "flows.csv");
    for (size_t i = 0; i < l->flows.n; i++) {
        l->flows.src[i] = position_of(l, l->flows.src[i]);
        l->flows.dst[i] = position_of(l, l->flows.dst[i]);
    }
    int rc = flows_save_csv(&l->flows, path, NULL, err);
    free(path);
    return rc;
}

static int make(void *ctx, uint64_t index, const char *dir, Err *err) {
    const PathGenOptions *o = ctx;
    ParkingLot l;
    int rc = lot_init(&l, o, index, err);
    if (rc == 0) rc = write_scenario(&l, index, dir, err);
    if (rc == 0) rc = write_flows(&l, dir, err);
    lot_free(&l);
    return rc;
}

static void put_manifest(const void *ctx, JsonOut *j) {
    const PathGenOptions *o = ctx;
    json_put_string(j, "schema", "m3.paths/1");
    json_put_string(j, "version", M3_VERSION);
    json_put_count(j, "seed", o->seed);
}

int pathgen_run(const PathGenOptions *o, const Log *log, PathGenInfo *info, Err *err) {
    PathGenOptions own = *o;
    CaseFolder set = {.out = o->out,
                      .prefix = "path",
                      .what = "paths",
                      .first = o->first,
                      .count = o->count,
                      .threads = o->threads,
                      .ranks = o->ranks,
                      .manifest = put_manifest,
                      .make = make,
                      .ctx = &own};
    CaseFolderInfo counts;
    int rc = casefolder_run(&set, log, &counts, err);
    *info = (PathGenInfo){counts.n_made, counts.n_kept};
    return rc;
}
