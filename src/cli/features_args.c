/* features_args: what --features replaces, and what it does not go with. */
#include "cli/features_args.h"

#include <string.h>

#include "base/file.h"

int features_args_check(const ScenarioArgs *a, bool paths, bool method, Err *err) {
    const ScenarioOptions *o = &a->options;
    const char *other = o->n_flows > 0         ? "--n-flows"
                        : o->duration_s > 0    ? "--duration"
                        : paths                ? "--paths"
                        : method               ? "--method"
                        : o->topo.faults.n > 0 ? "--fail or --degrade"
                                               : NULL;
    return other ? err_input(err, "%s does not go with --features: it is in the file", other) : 0;
}

static int check_seed(const FeaturesArgs *a, const CliCommon *common, Err *err) {
    if (!common->seed_given || common->seed == a->features.seed) return 0;
    return err_input(err, "%s: made with seed %llu, got --seed %llu", a->file,
                     (unsigned long long)a->features.seed, (unsigned long long)common->seed);
}

static int open_file(FeaturesArgs *a, const ScenarioArgs *scenario, const CliCommon *common,
                     const char *ckpt_path, Ckpt *ckpt, EstimateOptions *o, Err *err) {
    const ScenarioOptions *so = &scenario->options;
    const char *path[] = {a->file, so->topo_path, so->mix_path, so->flows_path};
    static const char *const what[] = {"--features", "--topo", "--mix", "--flows"};
    if (file_check_stdin(sizeof path / sizeof *path, path, what, err) != 0) return -1;
    if (features_read(&a->features, &a->source, a->file, err) != 0) return -1;
    if (features_source_check(&a->source, &scenario->options, a->file, err) != 0 ||
        check_seed(a, common, err) != 0)
        return -1;
    bool model = a->features.kind == FEATURES_FLOWS || a->features.kind == FEATURES_PERCENTILES;
    if (model && estimate_load_ckpt(ckpt, ckpt_path, err) != 0) return -1;
    if (estimate_method_of(&a->features, a->file, ckpt, &o->method, err) != 0) return -1;
    o->ckpt = model ? ckpt : NULL;
    o->seed = a->features.seed;
    return file_digest(a->file, a->sha256, err);
}

int features_args_check_budget(const FeaturesArgs *a, const CheckBudget *b, bool given, Err *err) {
    if (!a->file || !given || b->off) return 0;
    return err_input(err, "--check does not go with --features: windows need the flows; those that "
                          "were saved are used");
}

int features_args_check_ranks(const FeaturesArgs *a, const ScenarioArgs *scenario,
                              const CliCommon *common, Err *err) {
    return scenario_args_check_ranks(scenario, common, a->file, err);
}

int features_args_open(FeaturesArgs *a, const ScenarioArgs *scenario, const CliCommon *common,
                       const char *ckpt_path, Ckpt *ckpt, EstimateOptions *o, Err *err) {
    if (a->file) return open_file(a, scenario, common, ckpt_path, ckpt, o, err);
    if (o->method != METHOD_M3) return 0;
    o->ckpt = ckpt;
    return estimate_load_ckpt(ckpt, ckpt_path, err);
}

void features_args_close(FeaturesArgs *a) {
    features_free(&a->features);
    features_source_free(&a->source);
}

void features_args_meta(const FeaturesArgs *a, ReportMeta *m) {
    m->topo = a->source.topo;
    m->mix = a->source.mix;
    m->seed = a->features.seed;
    m->features = a->file;
    m->features_sha256 = a->sha256;
}
