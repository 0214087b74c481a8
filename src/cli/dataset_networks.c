/* m3 dataset networks: whole networks, drawn and simulated, to train on and to be measured against.
 *
 * What is drawn is data/netdraw's, what is written data/netgen's. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/value.h"
#include "data/netgen.h"

enum { MAX_INDEX = 10000000 }; /* catches typing errors: so many would take years */

/* Parses "2000..20000", or one number for both ends. */
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

enum { OPT_OUT, OPT_COUNT, OPT_FIRST, OPT_FLOWS, OPT_HOPS, OPT_CC, OPT_SHIFTED, OPT_SIZES };
static const CliOption options[] = {
    [OPT_OUT] = {"out", "DIR",
                 "where netNNNNN/{topo.json,scenario.json,flows.csv} and manifest.json go",
                 "Output"},
    [OPT_COUNT] = {"count", "N", "how many networks (default 1)", "Output"},
    [OPT_FIRST] = {"first", "I", "number of the first (default 0): a set can be made in pieces",
                   "Output"},
    [OPT_FLOWS] = {"n-flows", "LO..HI", "flows of a network (default 2000..20000)", "Draw"},
    [OPT_HOPS] = {"max-hops", "N",
                  "fewer flows, down to LO, where simulating them would take more\npacket-hops "
                  "(default 20M)",
                  "Draw"},
    [OPT_CC] = {"cc", "NAME",
                "this congestion control in every network (default: one of those that models know)",
                "Draw"},
    [OPT_SHIFTED] = {"shifted", NULL,
                     "sizes of flows and networks and matrices that training doesn't see", "Draw"},
    [OPT_SIZES] = {"sizes-dir", "DIR",
                   "where webserver.txt, hadoop.txt, cachefollower.txt are (default: spec/sizes)",
                   "Draw"},
    {NULL, NULL, NULL, NULL}};

static int set(void *state, int option, const char *value, Err *err) {
    NetGenOptions *o = state;
    uint64_t n;
    switch (option) {
    case OPT_OUT: o->out = value; return 0;
    case OPT_COUNT: return value_count(value, "--count", 0, MAX_INDEX, &o->count, err);
    case OPT_FIRST: return value_count(value, "--first", 0, MAX_INDEX, &o->first, err);
    case OPT_FLOWS:
        return parse_range(value, "--n-flows", &o->draw.flows_lo, &o->draw.flows_hi, err);
    case OPT_HOPS:
        if (value_count(value, "--max-hops", 0, UINT32_MAX, &n, err) != 0) return -1;
        o->draw.max_packet_hops = (double)n;
        return 0;
    case OPT_CC: o->draw.one_cc = true; return netconf_parse_cc(value, &o->draw.cc, err);
    case OPT_SHIFTED: o->draw.shifted = true; return 0;
    default: o->draw.sizes_dir = value; return 0;
    }
}

static void print_result(const NetGenInfo *i, const char *out, bool json) {
    if (!json) {
        printf("%s: %llu networks made, %llu kept; %s flows, %s unfinished, %s packet-hops in %.1f "
               "s of simulation\n",
               out, (unsigned long long)i->n_made, (unsigned long long)i->n_kept,
               units_count(i->n_flows).s, units_count(i->n_unfinished).s,
               units_count(i->n_packet_hops).s, i->sim_s);
        return;
    }
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    json_put_string(&j, "out", out);
    json_put_count(&j, "n_made", i->n_made);
    json_put_count(&j, "n_kept", i->n_kept);
    json_put_count(&j, "n_flows", i->n_flows);
    json_put_count(&j, "n_unfinished", i->n_unfinished);
    json_put_count(&j, "packet_hops", i->n_packet_hops);
    json_put_number(&j, "sim_s", i->sim_s);
    json_out_end(&j, '}');
    json_out_finish(&j);
}

static void init(void *state) { netgen_default(state); }

static int run(void *state, const CliCommon *common, Err *err) {
    NetGenOptions *o = state;
    NetGenInfo info;
    o->draw.seed = common->seed;
    o->threads = common->threads;
    o->ranks = common->ranks;
    if (!o->out)
        return err_input(err,
                         "dataset networks: --out is needed; see 'm3 dataset networks --help'");
    if (netgen_run(o, &common->log, &info, err) != 0) return -1;
    print_result(&info, o->out, common->json);
    return 0;
}

const CliCommand dataset_networks = {
    .name = "dataset networks",
    .summary = "make random networks with simulated completion times",
    .usage = "m3 dataset networks --out DIR --count N [options]",
    .details = "Each network is drawn from --seed and its number alone: Clos shape, rates, delays, "
               "matrix, flow sizes, load, burstiness and all\n"
               "settings; its flows are simulated at packet level. Networks that exist already "
               "are kept, so an interrupted run\n"
               "is resumed, and several runs may make different ranges of one set. 'm3 evaluate "
               "--networks DIR' "
               "measures estimates against it.\n\nExample:\n"
               "  m3 dataset networks --out held --count 120 --seed 1001",
    .options = options,
    .on_ranks = true,
    .state_size = sizeof(NetGenOptions),
    .init = init,
    .set = set,
    .run = run};
