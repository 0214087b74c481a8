/* features_args: --features: a command starts from a file of features instead of topology, mix and
 * flows. */
#ifndef M3_CLI_FEATURES_ARGS_H
#define M3_CLI_FEATURES_ARGS_H
#include "features/features_file.h"
#include "estimate/report.h"
#include "cli/scenario_args.h"

typedef struct {
    const char *file; /* NULL: not given; then nothing else counts */
    Features features;
    FeaturesSource source;
    char sha256[65];
} FeaturesArgs;
/* What does not go with --features: options that would have shaped what is in the file. `paths`,
 * `method`: --paths, --method were given. */
int features_args_check(const ScenarioArgs *a, bool paths, bool method, Err *err);
/* What is read before topology and flows, since a wrong checkpoint should not cost the reading of
 * ten million flows: the checkpoint (NULL: default) that o->method needs, if any, into o->ckpt.
 * With a->file, first that, which is checked against files and seed that were named beside it, and
 * sets o->method and o->seed. features_args_close and ckpt_free release. */
int features_args_open(FeaturesArgs *a, const ScenarioArgs *scenario, const CliCommon *common,
                       const char *ckpt_path, Ckpt *ckpt, EstimateOptions *o, Err *err);
void features_args_close(FeaturesArgs *a);
void features_args_meta(const FeaturesArgs *a, ReportMeta *m); /* topology, mix, seed and file */
#endif
