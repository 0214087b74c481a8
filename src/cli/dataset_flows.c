/* m3 dataset flows: training data for the flow model, from simulated networks.
 *
 * What is drawn, computed and written is data/flowdata's. */
#include "cli/cli.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/value.h"
#include "data/flowdata.h"

enum { DEFAULT_PATHS = 100, DEFAULT_MAX_FLOWS = 64, MOST = 1000000 /* catches typing errors */ };
enum { OPT_NETWORKS, OPT_OUT, OPT_PATHS, OPT_MAX_FLOWS };
static const CliOption options[] = {
    [OPT_NETWORKS] =
        {"networks", "DIR",
         "each subdirectory with topo.json, scenario.json and flows.csv is one network", "Input"},
    [OPT_OUT] = {"out", "DIR", "where the arrays and manifest.json go", "Output"},
    [OPT_PATHS] = {"paths", "N", "paths drawn per network (default 100)", "Output"},
    [OPT_MAX_FLOWS] = {"max-flows-per-path", "N", "foreground flows kept per path (default 64)",
                       "Output"},
    {NULL, NULL, NULL, NULL}};

static int set(void *state, int option, const char *value, Err *err) {
    FlowDataOptions *o = state;
    switch (option) {
    case OPT_NETWORKS: o->networks = value; return 0;
    case OPT_OUT: o->out = value; return 0;
    case OPT_PATHS: return value_count(value, "--paths", 1, MOST, &o->n_paths, err);
    default: return value_count(value, "--max-flows-per-path", 1, MOST, &o->max_flows, err);
    }
}

static void print_result(const FlowDataInfo *info, const char *out, bool json) {
    if (!json) {
        printf("%s: %zu flows on %zu paths of %zu networks", out, info->n_flows, info->n_paths,
               info->n_networks);
        printf(info->n_unfinished ? " (%zu unfinished flows left out)\n" : "\n",
               info->n_unfinished);
        return;
    }
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    json_put_string(&j, "out", out);
    json_put_count(&j, "n_networks", info->n_networks);
    json_put_count(&j, "n_paths", info->n_paths);
    json_put_count(&j, "n_links", info->n_links);
    json_put_count(&j, "n_flows", info->n_flows);
    json_put_count(&j, "n_unfinished", info->n_unfinished);
    json_out_end(&j, '}');
    json_out_finish(&j);
}

static void init(void *state) {
    *(FlowDataOptions *)state =
        (FlowDataOptions){.n_paths = DEFAULT_PATHS, .max_flows = DEFAULT_MAX_FLOWS};
}

static int run(void *state, const CliCommon *common, Err *err) {
    FlowDataOptions *o = state;
    FlowDataInfo info = {0};
    o->seed = common->seed;
    o->threads = common->threads;
    o->ranks = common->ranks;
    if (!o->networks || !o->out)
        return err_input(
            err, "dataset flows: --networks and --out are needed; see 'm3 dataset flows --help'");
    if (flowdata_make(o, &common->log, &info, err) != 0) return -1;
    print_result(&info, o->out, common->json);
    return 0;
}

const CliCommand dataset_flows = {
    .name = "dataset flows",
    .summary = "training data for the flow model",
    .usage = "m3 dataset flows --networks DIR --out DIR [options]",
    .details = "Draws paths from simulated networks. For each path: features of its links, of the "
               "whole, and of its foreground flows, and the\n"
               "flows' true slowdowns. The arrays are .npy files that numpy opens; manifest.json "
               "names the features and gives their ranges.",
    .options = options,
    .on_ranks = true,
    .state_size = sizeof(FlowDataOptions),
    .init = init,
    .set = set,
    .run = run};
