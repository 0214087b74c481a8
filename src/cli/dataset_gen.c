/* dataset_gen: m3 dataset networks and m3 dataset paths: simulated truth to train on and to be
 * measured against. */
#include "cli/dataset_gen.h"

#include <stdio.h>
#include <string.h>

#include "data/netgen.h"
#include "data/pathgen.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/value.h"

enum { MAX_INDEX = 10000000 };

/* "2000..20000", or one number for both. */
static int parse_range(const char *value, const char *what, uint64_t *lo, uint64_t *hi, Err *err) {
    char text[80];
    snprintf(text, sizeof text, "%s", value);
    char *dots = strstr(text, "..");
    if (dots) *dots = '\0';
    if (value_count(text, what, 0, UINT32_MAX, lo, err) != 0) return -1;
    if (value_count(dots ? dots + 2 : text, what, 0, UINT32_MAX, hi, err) != 0) return -1;
    return *lo >= 1 && *lo <= *hi
               ? 0
               : err_input(err, "%s: expected LO..HI with 1 <= LO <= HI, got %.40s", what, value);
}

static void begin_result(JsonOut *j, const char *out, uint64_t n_made, uint64_t n_kept) {
    json_out_init(j, stdout);
    json_out_object(j);
    json_put_string(j, "out", out);
    json_put_count(j, "n_made", n_made);
    json_put_count(j, "n_kept", n_kept);
}

/* ---- networks ---- */

enum { NET_OUT, NET_COUNT, NET_FIRST, NET_FLOWS, NET_HOPS, NET_SHIFTED, NET_SIZES };
static const CliOption net_options[] = {
    [NET_OUT] = {"out", "DIR",
                 "where netNNNNN/{topo.json,scenario.json,flows.csv} and manifest.json go",
                 "Output"},
    [NET_COUNT] = {"count", "N", "how many networks (default 1)", "Output"},
    [NET_FIRST] = {"first", "I", "number of the first (default 0): a set can be made in pieces",
                   "Output"},
    [NET_FLOWS] = {"n-flows", "LO..HI", "flows of a network (default 2000..20000)", "Draw"},
    [NET_HOPS] = {"max-hops", "N",
                  "fewer flows, down to LO, where simulating them would take more\npacket-hops "
                  "(default 20M)",
                  "Draw"},
    [NET_SHIFTED] = {"shifted", NULL,
                     "sizes of flows and networks and matrices that training doesn't see", "Draw"},
    [NET_SIZES] = {"sizes-dir", "DIR",
                   "where webserver.txt, hadoop.txt, cachefollower.txt are (default: spec/sizes)",
                   "Draw"},
    {NULL, NULL, NULL, NULL}};

static int set_net(void *state, int option, const char *value, Err *err) {
    NetGenOptions *o = state;
    uint64_t n;
    switch (option) {
    case NET_OUT: o->out = value; return 0;
    case NET_COUNT: return value_count(value, "--count", 0, MAX_INDEX, &o->count, err);
    case NET_FIRST: return value_count(value, "--first", 0, MAX_INDEX, &o->first, err);
    case NET_FLOWS:
        return parse_range(value, "--n-flows", &o->draw.flows_lo, &o->draw.flows_hi, err);
    case NET_HOPS:
        if (value_count(value, "--max-hops", 0, UINT32_MAX, &n, err) != 0) return -1;
        o->draw.max_packet_hops = (double)n;
        return 0;
    case NET_SHIFTED: o->draw.shifted = true; return 0;
    default: o->draw.sizes_dir = value; return 0;
    }
}

static void print_networks(const NetGenInfo *i, const char *out, bool json) {
    if (!json) {
        printf("%s: %llu networks made, %llu kept; %s flows, %s unfinished, %s packet-hops in %.1f "
               "s of simulation\n",
               out, (unsigned long long)i->n_made, (unsigned long long)i->n_kept,
               units_count(i->n_flows).s, units_count(i->n_unfinished).s,
               units_count(i->n_packet_hops).s, i->sim_s);
        return;
    }
    JsonOut j;
    begin_result(&j, out, i->n_made, i->n_kept);
    json_put_count(&j, "n_flows", i->n_flows);
    json_put_count(&j, "n_unfinished", i->n_unfinished);
    json_put_count(&j, "packet_hops", i->n_packet_hops);
    json_put_number(&j, "sim_s", i->sim_s);
    json_out_end(&j, '}');
    json_out_finish(&j);
}

static void init_networks(void *state) { netgen_default(state); }

static int run_networks(void *state, const CliCommon *common, Err *err) {
    NetGenOptions *o = state;
    NetGenInfo info;
    o->draw.seed = common->seed;
    o->threads = common->threads;
    if (!o->out)
        return err_input(err,
                         "dataset networks: --out is needed; see 'm3 dataset networks --help'");
    if (netgen_run(o, &common->log, &info, err) != 0) return -1;
    print_networks(&info, o->out, common->json);
    return 0;
}

const CliCommand dataset_networks = {
    .name = "dataset networks",
    .summary = "make random networks with simulated completion times",
    .usage = "m3 dataset networks --out DIR --count N [options]",
    .details = "Each network is drawn from --seed and its number alone: Clos shape, rates, delays, "
               "matrix, flow sizes, load, burstiness and all\n"
               "settings; its flows are simulated at packet level. Networks that are there are "
               "kept, so a run goes on where the last stopped, "
               "and\n"
               "several runs may make different ranges of one set. 'm3 evaluate --networks DIR' "
               "measures estimates against it.\n\nExample:\n"
               "  m3 dataset networks --out held --count 120 --seed 1001",
    .options = net_options,
    .state_size = sizeof(NetGenOptions),
    .init = init_networks,
    .set = set_net,
    .run = run_networks};

/* ---- paths ---- */

enum { PATH_OUT, PATH_COUNT, PATH_FIRST, PATH_SIZES };
static const CliOption path_options[] = {
    [PATH_OUT] = {"out", "DIR", "where pathNNNNN/{scenario.json,flows.csv} and manifest.json go",
                  "Output"},
    [PATH_COUNT] = {"count", "N", "how many paths (default 1)", "Output"},
    [PATH_FIRST] = {"first", "I", "number of the first (default 0): a set can be made in pieces",
                    "Output"},
    [PATH_SIZES] = {"sizes-dir", "DIR",
                    "where webserver.txt, hadoop.txt, cachefollower.txt are (default: spec/sizes)",
                    "Draw"},
    {NULL, NULL, NULL, NULL}};

static int set_path(void *state, int option, const char *value, Err *err) {
    PathGenOptions *o = state;
    switch (option) {
    case PATH_OUT: o->out = value; return 0;
    case PATH_COUNT: return value_count(value, "--count", 0, MAX_INDEX, &o->count, err);
    case PATH_FIRST: return value_count(value, "--first", 0, MAX_INDEX, &o->first, err);
    default: o->sizes_dir = value; return 0;
    }
}

static void print_paths(const PathGenInfo *i, const char *out, bool json) {
    if (!json) {
        printf("%s: %llu paths made, %llu kept\n", out, (unsigned long long)i->n_made,
               (unsigned long long)i->n_kept);
        return;
    }
    JsonOut j;
    begin_result(&j, out, i->n_made, i->n_kept);
    json_out_end(&j, '}');
    json_out_finish(&j);
}

static void init_paths(void *state) { *(PathGenOptions *)state = (PathGenOptions){.count = 1}; }

static int run_paths(void *state, const CliCommon *common, Err *err) {
    PathGenOptions *o = state;
    PathGenInfo info;
    o->seed = common->seed;
    o->threads = common->threads;
    if (!o->out)
        return err_input(err, "dataset paths: --out is needed; see 'm3 dataset paths --help'");
    if (pathgen_run(o, &common->log, &info, err) != 0) return -1;
    print_paths(&info, o->out, common->json);
    return 0;
}

const CliCommand dataset_paths = {
    .name = "dataset paths",
    .summary = "make random parking lots with simulated completion times",
    .usage = "m3 dataset paths --out DIR --count N [options]",
    .details = "Parking lots of 2, 4 or 6 links in the families and ranges of the published "
               "training, each drawn from --seed and its number\n"
               "alone and simulated at packet level. 'm3 dataset --scenarios DIR' makes arrays of "
               "them. Paths that are there are kept.",
    .options = path_options,
    .state_size = sizeof(PathGenOptions),
    .init = init_paths,
    .set = set_path,
    .run = run_paths};
