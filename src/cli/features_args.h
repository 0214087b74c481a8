/* features_args: --features, by which a command starts from a file of features instead of topology,
 * mix and flows. */
#ifndef M3_CLI_FEATURES_ARGS_H
#define M3_CLI_FEATURES_ARGS_H
#include "cli/scenario_args.h"
#include "estimate/report.h"
#include "features/features_file.h"

/* All zero to begin with; features_args_close releases. */
typedef struct {
    const char *file; /* NULL: --features was not given, and the rest is not used */
    Features features;
    FeaturesSource source;
    char sha256[65];
} FeaturesArgs;

/* features_args_check refuses options that determine what is in the file already. `paths`,
 * `method`:
 * --paths, --method were given. */
int features_args_check(const ScenarioArgs *a, bool paths, bool method, Err *err);
/* features_args_check_budget refuses a budget of packet windows beside --features; `given`: --check
 * was. */
int features_args_check_budget(const FeaturesArgs *a, const CheckBudget *b, bool given, Err *err);
/* features_args_check_ranks refuses standard input as an input of several ranks, of which one only
 * has it. */
int features_args_check_ranks(const FeaturesArgs *a, const ScenarioArgs *scenario,
                              const CliCommon *common, Err *err);
/* features_args_open loads, before topology and flows are read, what may turn out to be the wrong
 * one: the file of features, if any, and the checkpoint (path NULL: the default) if the method
 * needs one. The file must fit the input files and the seed that were named beside it; it sets
 * o->method and o->seed. o->ckpt is ckpt or NULL. −1 with err. features_args_close and ckpt_free
 * release. */
int features_args_open(FeaturesArgs *a, const ScenarioArgs *scenario, const CliCommon *common,
                       const char *ckpt_path, Ckpt *ckpt, EstimateOptions *o, Err *err);
void features_args_close(FeaturesArgs *a);
/* features_args_meta puts topology, mix, seed and name of the file into the head of a report. */
void features_args_meta(const FeaturesArgs *a, ReportMeta *m);
#endif
