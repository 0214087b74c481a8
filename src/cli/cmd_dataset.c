/* m3 dataset: training data from path scenarios with known completion times, and the subcommands
 * that make networks, paths and training data for the flow model. */
#include "cli/cli.h"
#include "cli/value.h"
#include "data/pathdata.h"

#include <stdio.h>

#include "base/json.h"

enum { OPT_SCENARIOS, OPT_OUT, OPT_SKIP_CC, OPT_VIEWS };
static const CliOption options[] = {
    [OPT_SCENARIOS] = {"scenarios", "DIR",
                       "each subdirectory with scenario.json and flows.csv is one path", "Input"},
    [OPT_SKIP_CC] = {"skip-cc", "CC", "leave scenarios of this congestion control out", "Input"},
    [OPT_OUT] = {"out", "DIR", "where the arrays and manifest.json go", "Output"},
    [OPT_VIEWS] = {"views", "N",
                   "further samples from each scenario: random spans of time, random\nshares "
                   "of its foreground (default 0)",
                   "Output"},
    {NULL, NULL, NULL, NULL}};

static int set(void *state, int option, const char *value, Err *err) {
    PathDataOptions *o = state;
    switch (option) {
    case OPT_SCENARIOS: o->scenarios = value; return 0;
    case OPT_OUT: o->out = value; return 0;
    case OPT_SKIP_CC: o->skip_cc = value; return 0;
    default: return value_count32(value, "--views", 0, 10000, &o->views, err);
    }
}

static void print_result(const PathDataInfo *info, const char *out, bool json) {
    if (!json) {
        printf("%s: %zu samples in %zu rows, from %zu scenarios (%zu left out, %zu kept from "
               "before)\n",
               out, info->n_samples, info->n_rows, info->n_scenarios, info->n_skipped,
               info->n_reused);
        return;
    }
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    json_put_string(&j, "out", out);
    json_put_count(&j, "n_samples", info->n_samples);
    json_put_count(&j, "n_rows", info->n_rows);
    json_put_count(&j, "n_scenarios", info->n_scenarios);
    json_put_count(&j, "n_skipped", info->n_skipped);
    json_put_count(&j, "n_reused", info->n_reused);
    json_out_end(&j, '}');
    json_out_finish(&j);
}

static int run(void *state, const CliCommon *common, Err *err) {
    PathDataOptions *o = state;
    PathDataInfo info = {0};
    o->seed = common->seed;
    o->threads = common->threads;
    o->ranks = common->ranks;
    if (!o->scenarios || !o->out)
        return err_input(err, "dataset: --scenarios and --out are needed; see 'm3 dataset --help'");
    if (pathdata_make(o, &common->log, &info, err) != 0) return -1;
    print_result(&info, o->out, common->json);
    return 0;
}

extern const CliCommand dataset_networks, dataset_paths, dataset_flows;
static const CliCommand *const subcommands[] = {&dataset_networks, &dataset_paths, &dataset_flows,
                                                NULL};

const CliCommand cmd_dataset = {
    .name = "dataset",
    .summary = "make training data",
    .usage = "m3 dataset --scenarios DIR --out DIR [options]\n       m3 dataset networks --help\n"
             "       m3 dataset paths --help\n       m3 dataset flows --help",
    .details = "A scenario is a parking lot of n_hosts positions, 10 Gb/s at its ends and 40 Gb/s "
               "between, 1 us a link. scenario.json: n_hosts, "
               "cc,\n"
               "enable_pfc, buffer_kb (KiB), window_b, param_1, param_2 (units as in published "
               "mixes). flows.csv:\n"
               "flow,src,dst,size_b,start_ns,fct_ns,ideal_fct_ns with positions 0..n_hosts-1; the "
               "foreground runs from the first to the last.\n"
               "The arrays are .npy files that numpy opens; manifest.json says what they are. An "
               "interrupted run goes on where it stopped.",
    .options = options,
    .on_ranks = true,
    .subcommands = subcommands,
    .state_size = sizeof(PathDataOptions),
    .set = set,
    .run = run};
