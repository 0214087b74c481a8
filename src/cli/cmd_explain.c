/* m3 explain: which flows and links make the tail, and what faster links would gain.
 *
 * The estimates are estimate/explain's; here is what they come to, as a table and as JSON. */
#include <math.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/estimate_args.h"
#include "cli/scenario_args.h"
#include "cli/value.h"
#include "estimate/explain.h"
#include "path/pathset.h"

enum { PATHS = SCENARIO_N_ARGS, METHOD, CKPT, LINKS, QUANTILE, BUCKET };
static const CliOption options[] = {
    SCENARIO_ARGS("window=10KB or cc=hp"),
    {"paths", "N|all", "paths to draw, in proportion to their flows (default 500)", "Method"},
    {"method", "NAME", "m3: fluid simulation and model (default); flowsim: fluid simulation alone",
     "Method"},
    {"ckpt", "DIR", "checkpoint: a folder with model.m3, or a .m3 file (default: ckpts/default)",
     "Method"},
    {"links", "N", "single links to ask about, at most 10 (default 5)", "Output"},
    {"quantile", "NAME", "what is to be lower: p50, p90, p99 (default) or p99.9", "Output",
     result_quantile_names},
    {"bucket", "SIZE", "of flows of this size, e.g. 20KB for 10-50 KB (default: all)", "Output"},
    {NULL, NULL, NULL, NULL}};

typedef struct {
    ScenarioArgs scenario;
    EstimateOptions estimate;
    const char *ckpt_path;
    Ckpt ckpt;
    int dist, k;
    uint32_t n_links;
} ExplainCmd;

static void init(void *state) {
    ExplainCmd *o = state;
    scenario_args_init(&o->scenario);
    o->estimate.n_paths = 500;
    o->estimate.check.off = true;
    o->k = RESULT_P99;
    o->n_links = 5;
}

static void release(void *state) {
    ExplainCmd *o = state;
    ckpt_free(&o->ckpt);
    scenario_args_free(&o->scenario);
}

static int set_method(ExplainCmd *o, const char *value, Err *err) {
    if (estimate_args_method(value, &o->estimate.method, err) != 0) return -1;
    if (o->estimate.method == METHOD_M3 || o->estimate.method == METHOD_FLOWSIM) return 0;
    return err_input(err, "--method: explain has m3 and flowsim, got '%s'", value);
}

static int set(void *state, int option, const char *value, Err *err) {
    ExplainCmd *o = state;
    if (option < SCENARIO_N_ARGS) return scenario_args_set(&o->scenario, option, value, err);
    switch (option) {
    case PATHS:
        return value_count_or_all(value, "--paths", PATHSET_MAX_DRAWS, &o->estimate.n_paths, err);
    case METHOD: return set_method(o, value, err);
    case CKPT: o->ckpt_path = value; return 0;
    case LINKS: return value_count32(value, "--links", 0, EXPLAIN_MAX_LINKS, &o->n_links, err);
    case QUANTILE: return estimate_args_quantile(value, &o->k, err);
    default: return estimate_args_bucket(value, &o->dist, err);
    }
}

/* ---- output ---- */

static void print_links(const Explain *x, const ExplainLinks *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const ExplainLinks *r = &rows[i];
        printf("%-16s %7s %8.1f %% %12.1f %%    %.2f %+7.1f %%\n", r->what,
               units_count(r->n_links).s, 100 * r->load_max, 100 * r->tail_share, r->value,
               100 * (r->value / x->value - 1));
    }
}

static void print_table(const Explain *x) {
    printf("%s of %s flows: %.2f\n", result_quantile_names[x->k], result_label(x->dist), x->value);
    printf("\n%-16s %9s %14s\n", "flows", "share", "of the tail");
    for (int row = 0; row < RESULT_N_DISTS; row++) {
        int d = result_table_dist(row);
        if (d == RESULT_ALL) continue;
        printf("%-16s %7.1f %% %12.1f %%\n", result_label(d), 100 * x->flows[d].share,
               100 * x->flows[d].tail_share);
    }
    printf("\n%-16s %7s %10s %14s    %s if twice as fast\n", "links", "number", "busiest",
           "of the tail", result_quantile_names[x->k]);
    print_links(x, x->tiers, x->n_tiers);
    print_links(x, x->links, x->n_links);
    printf("the tail: flows at or above the p99 of all\n");
}

static void put_links(JsonOut *j, const char *key, const Explain *x, const ExplainLinks *rows,
                      size_t n) {
    json_put_array(j, key);
    for (size_t i = 0; i < n; i++) {
        json_out_object(j);
        json_put_string(j, "links", rows[i].what);
        json_put_count(j, "n_links", rows[i].n_links);
        json_put_number(j, "load_max", rows[i].load_max);
        json_put_number(j, "tail_share", rows[i].tail_share);
        json_put_number(j, "if_twice_as_fast", rows[i].value);
        json_put_number(j, "change", rows[i].value / x->value - 1);
        json_out_end(j, '}');
    }
    json_out_end(j, ']');
}

static void print_json(const Explain *x, const CliCommon *common) {
    JsonOut j;
    json_out_init(&j, stdout);
    json_out_object(&j);
    json_put_string(&j, "schema", "m3.explain/1");
    json_put_string(&j, "command", common->command);
    json_put_count(&j, "seed", common->seed);
    json_put_string(&j, "bucket", result_label(x->dist));
    json_put_string(&j, "quantile", result_quantile_names[x->k]);
    json_put_number(&j, "value", x->value);
    json_put_array(&j, "flows");
    for (int d = 1; d < RESULT_N_DISTS; d++) {
        json_out_object(&j);
        json_put_string(&j, "label", result_label(d));
        json_put_number(&j, "share", x->flows[d].share);
        json_put_number(&j, "tail_share", x->flows[d].tail_share);
        json_out_end(&j, '}');
    }
    json_out_end(&j, ']');
    put_links(&j, "tiers", x, x->tiers, x->n_tiers);
    put_links(&j, "links", x, x->links, x->n_links);
    json_out_end(&j, '}');
    json_out_finish(&j);
}

static int run(void *state, const CliCommon *common, Err *err) {
    ExplainCmd *o = state;
    ScenarioOptions *so = &o->scenario.options;
    Explain x;
    so->seed = o->estimate.seed = common->seed;
    so->threads = o->estimate.threads = common->threads;
    so->max_in_memory = estimate_max_in_memory(o->estimate.method);
    if (scenario_args_check(&o->scenario, "explain", err) != 0) return -1;
    if (o->estimate.method == METHOD_M3) {
        o->estimate.ckpt = &o->ckpt;
        if (estimate_load_ckpt(&o->ckpt, o->ckpt_path, err) != 0) return -1;
    }
    so->check_conf = estimate_check_conf;
    so->check_ctx = &o->estimate;
    if (explain_run(&x, so, &o->estimate, o->dist, o->k, o->n_links, &common->log, err) != 0)
        return -1;
    if (common->json) print_json(&x, common);
    else print_table(&x);
    explain_free(&x);
    return 0;
}

const CliCommand cmd_explain = {
    .name = "explain",
    .summary = "which flows and links make the tail, and what faster links would gain",
    .usage = "m3 explain --topo FILE --mix FILE [options]",
    .details = "The same traffic is estimated again with all links between two tiers, or between "
               "two nodes, at twice\n"
               "their rate. Gains don't add up: bottlenecks move. Estimates are the model's, "
               "without packet windows.\n\n"
               "  m3 explain --topo spec/clos-256-2to1.json --mix spec/demo.json\n"
               "  m3 explain --mix mix.json --fail 288 --bucket 20KB --links 10",
    .options = options,
    .state_size = sizeof(ExplainCmd),
    .init = init,
    .set = set,
    .run = run,
    .free = release,
};
