/* m3 dataset paths: parking lots, drawn and simulated, in the families and ranges of the published
 * training.
 *
 * What is drawn and written is data/pathgen's. */
#include "cli/cli.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/value.h"
#include "data/pathgen.h"

enum { MAX_INDEX = 10000000 }; /* catches typing errors: so many would take years */

enum { OPT_OUT, OPT_COUNT, OPT_FIRST, OPT_SIZES };
static const CliOption options[] = {
    [OPT_OUT] = {"out", "DIR", "where pathNNNNN/{scenario.json,flows.csv} and manifest.json go",
                 "Output"},
    [OPT_COUNT] = {"count", "N", "how many paths (default 1)", "Output"},
    [OPT_FIRST] = {"first", "I", "number of the first (default 0): a set can be made in pieces",
                   "Output"},
    [OPT_SIZES] = {"sizes-dir", "DIR",
                   "where webserver.txt, hadoop.txt, cachefollower.txt are (default: spec/sizes)",
                   "Draw"},
    {NULL, NULL, NULL, NULL}};

static int set(void *state, int option, const char *value, Err *err) {
    PathGenOptions *o = state;
    switch (option) {
    case OPT_OUT: o->out = value; return 0;
    case OPT_COUNT: return value_count(value, "--count", 0, MAX_INDEX, &o->count, err);
    case OPT_FIRST: return value_count(value, "--first", 0, MAX_INDEX, &o->first, err);
    default: o->sizes_dir = value; return 0;
    }
}

static void print_result(const PathGenInfo *i, const char *out, bool json) {
    if (!json) {
        printf("%s: %llu paths made, %llu kept\n", out, (unsigned long long)i->n_made,
               (unsigned long long)i->n_kept);
        return;
    }
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    json_put_string(&j, "out", out);
    json_put_count(&j, "n_made", i->n_made);
    json_put_count(&j, "n_kept", i->n_kept);
    json_out_end(&j, '}');
    json_out_finish(&j);
}

static void init(void *state) { *(PathGenOptions *)state = (PathGenOptions){.count = 1}; }

static int run(void *state, const CliCommon *common, Err *err) {
    PathGenOptions *o = state;
    PathGenInfo info;
    o->seed = common->seed;
    o->threads = common->threads;
    o->ranks = common->ranks;
    if (!o->out)
        return err_input(err, "dataset paths: --out is needed; see 'm3 dataset paths --help'");
    if (pathgen_run(o, &common->log, &info, err) != 0) return -1;
    print_result(&info, o->out, common->json);
    return 0;
}

const CliCommand dataset_paths = {
    .name = "dataset paths",
    .summary = "make random parking lots with simulated completion times",
    .usage = "m3 dataset paths --out DIR --count N [options]",
    .details = "Parking lots of 2, 4 or 6 links in the families and ranges of the published "
               "training, each drawn from --seed and its number\n"
               "alone and simulated at packet level. 'm3 dataset --scenarios DIR' makes arrays of "
               "them. Paths that exist already are kept.",
    .options = options,
    .on_ranks = true,
    .state_size = sizeof(PathGenOptions),
    .init = init,
    .set = set,
    .run = run};
