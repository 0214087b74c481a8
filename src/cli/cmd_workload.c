/* m3 workload: draws the flows of a mix and says what load they put where.
 *
 * The flows go to a CSV file; the summary (table, or JSON with --json) compares the load that the most loaded link
 * was drawn for with what the flows, routed one by one, really put on it. Heavy tails make the two differ
 * in short traces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/spec.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"

enum { OPT_TOPO, OPT_MIX, OPT_MIX_ID, OPT_SET, OPT_N_FLOWS, OPT_DURATION, OPT_OUT, OPT_MATRIX_OUT };

static const CliOption options[] = {
    {"topo", "FILE", "topology (default: the mix's)", "Input"},
    {"mix", "FILE", "mix of matrix, sizes, load and settings (needed)", "Input"},
    {"mix-id", "N", "which mix of a file with several (default: the first)", "Input"},
    {"set", "KEY=VALUE", "change a setting of the mix: max_load, sigma,\nsizes, matrix, …; may be given several times", "Input"},
    {"n-flows", "N", "number of flows (default: the mix's, or 1M)", "Length"},
    {"duration", "TIME", "flows that start within TIME, like 5s", "Length"},
    {"out", "FILE", "flows as CSV: flow,src,dst,size_b,start_ns\n(default: only the summary; - is stdout)", "Output"},
    {"matrix-out", "FILE", "the rack matrix as JSON", "Output"},
    {NULL, NULL, NULL, NULL},
};

enum { MAX_SET = 64 };

typedef struct {
    ScenarioOptions scenario;
    const char *set[MAX_SET + 1];
    int n_set;
    const char *out, *matrix_out;
} Args;

static int set_mix_id(Args *a, const char *value, Err *err) {
    uint64_t id;
    if (units_parse_count(value, "--mix-id", &id, err) != 0) return -1;
    a->scenario.mix_id = (int64_t)id;
    return 0;
}

static int add_setting(Args *a, const char *value, Err *err) {
    if (a->n_set == MAX_SET) return err_input(err, "--set: at most %d settings", MAX_SET);
    a->set[a->n_set++] = value;
    return 0;
}

static int set_n_flows(Args *a, const char *value, Err *err) {
    if (units_parse_count(value, "--n-flows", &a->scenario.n_flows, err) != 0) return -1;
    return a->scenario.n_flows > 0 ? 0 : err_input(err, "--n-flows: must be at least 1");
}

static int set_duration(Args *a, const char *value, Err *err) {
    double ns;
    if (units_parse_time(value, "--duration", &ns, err) != 0) return -1;
    a->scenario.duration_s = ns / 1e9;
    return ns > 0 ? 0 : err_input(err, "--duration: must be above 0");
}

static int set_option(void *ctx, int index, const char *value, Err *err) {
    Args *a = ctx;
    switch (index) {
    case OPT_TOPO: a->scenario.topo_path = value; return 0;
    case OPT_MIX: a->scenario.mix_path = value; return 0;
    case OPT_MIX_ID: return set_mix_id(a, value, err);
    case OPT_SET: return add_setting(a, value, err);
    case OPT_N_FLOWS: return set_n_flows(a, value, err);
    case OPT_DURATION: return set_duration(a, value, err);
    case OPT_OUT: a->out = value; return 0;
    default: a->matrix_out = value; return 0;
    }
}

typedef struct {
    double span_s, mean_size_b, load; /* load: payload on the busiest link over its rate */
    uint32_t from, to;
    const Topo *topo;
} Summary;

static Summary summarise(const Scenario *s) {
    const Flows *f = &s->flows;
    uint32_t busiest = s->workload.busiest_link, *links = MEM_NEW(uint32_t, route_max_links(s->route));
    const Link *link = &s->topo.links[busiest];
    double bytes = 0, on_link = 0;
    for (size_t i = 0; i < f->n; i++) {
        bytes += (double)f->size_b[i];
        uint32_t n = route_path(s->route, f->src[i], f->dst[i], s->sport[i], ROUTE_DPORT, links);
        for (uint32_t k = 0; k < n; k++)
            if (links[k] == busiest) on_link += (double)f->size_b[i];
    }
    free(links);
    double span_s = (double)f->start_ns[f->n - 1] / 1e9;
    return (Summary){.span_s = span_s,
                     .mean_size_b = bytes / (double)f->n,
                     .load = span_s > 0 ? on_link * 8 / span_s / link->rate_bps : NAN,
                     .from = link->from,
                     .to = link->to,
                     .topo = &s->topo};
}

static void print_table(FILE *f, const Scenario *s, const Summary *sum) {
    fprintf(f, "flows         %s in %s, mean gap %s\n", units_count(s->flows.n).s, units_time(sum->span_s * 1e9).s,
            units_time(s->workload.mean_gap_ns).s);
    fprintf(f, "size          mean %s drawn, %s expected\n", units_size(sum->mean_size_b).s, units_size(s->mean_size_b).s);
    fprintf(f, "offered       %s payload in the whole network\n", units_rate(s->workload.offered_bps).s);
    fprintf(f, "busiest link  %llu -> %llu, %s: load %.4g expected, %.4g drawn\n", (unsigned long long)sum->topo->node_id[sum->from],
            (unsigned long long)sum->topo->node_id[sum->to], units_rate(sum->topo->links[s->workload.busiest_link].rate_bps).s,
            s->mix.max_load, sum->load);
}

static void put_link(JsonOut *o, const Scenario *s, const Summary *sum) {
    json_out_object(o);
    json_out_key(o, "from");
    json_out_int(o, (int64_t)sum->topo->node_id[sum->from]);
    json_out_key(o, "to");
    json_out_int(o, (int64_t)sum->topo->node_id[sum->to]);
    json_out_key(o, "rate_bps");
    json_out_number(o, sum->topo->links[s->workload.busiest_link].rate_bps);
    json_out_key(o, "expected_load");
    json_out_number(o, s->mix.max_load);
    json_out_key(o, "load");
    json_out_number(o, sum->load);
    json_out_end(o, '}');
}

static void print_json(FILE *f, const Scenario *s, const Summary *sum, const CliCommon *common) {
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    json_out_key(&o, "schema");
    json_out_string(&o, "m3.workload/1");
    json_out_key(&o, "command");
    json_out_string(&o, common->command);
    json_out_key(&o, "seed");
    json_out_int(&o, (int64_t)common->seed);
    json_out_key(&o, "n_flows");
    json_out_int(&o, (int64_t)s->flows.n);
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"duration_s", sum->span_s},
                   {"mean_gap_ns", s->workload.mean_gap_ns},
                   {"offered_bps", s->workload.offered_bps},
                   {"mean_size_b", sum->mean_size_b},
                   {"expected_mean_size_b", s->mean_size_b}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_out_key(&o, numbers[i].key);
        json_out_number(&o, numbers[i].value);
    }
    json_out_key(&o, "busiest_link");
    put_link(&o, s, sum);
    json_out_end(&o, '}');
    json_out_finish(&o);
}

static int write_files(const Args *a, const Scenario *s, Err *err) {
    if (a->out && flows_save_csv(&s->flows, a->out, &s->topo, err) != 0) return -1;
    return a->matrix_out ? rackmatrix_save(&s->matrix, a->matrix_out, err) : 0;
}

static int run(int argc, char **argv) {
    Args a = {.scenario = {.mix_id = -1}};
    CliCommon common;
    Err err = {0};
    Scenario s;
    int status = cli_parse(&cmd_workload, argc, argv, &common, set_option, &a, NULL, 0, NULL);
    if (status >= 0) return status;
    a.scenario.set = a.set;
    a.scenario.seed = common.seed;
    a.scenario.threads = common.threads;
    int rc = 0;
    if (!a.scenario.mix_path) rc = err_input(&err, "workload: --mix FILE is needed; see 'm3 workload --help'");
    if (rc == 0 && a.scenario.n_flows > 0 && a.scenario.duration_s > 0) rc = err_input(&err, "workload: --n-flows or --duration, not both");
    if (rc == 0 && (rc = scenario_load(&s, &a.scenario, &common.log, &err)) == 0) {
        rc = write_files(&a, &s, &err);
        /* Flows on stdout leave no room there for the summary. */
        FILE *f = a.out && strcmp(a.out, "-") == 0 ? stderr : stdout;
        if (rc == 0 && (f == stdout || common.log.level > LOG_QUIET)) {
            Summary sum = summarise(&s);
            if (common.json) print_json(f, &s, &sum, &common);
            else print_table(f, &s, &sum);
        }
        scenario_free(&s);
    }
    cli_done(&common);
    return rc == 0 ? 0 : cli_fail(&err);
}

const CliCommand cmd_workload = {
    .name = "workload",
    .summary = "draw the flows of a mix",
    .usage = "m3 workload --mix FILE [--topo FILE] [--n-flows N | --duration T] [--out FILE.csv] [options]",
    .details = "Draws flows as the mix says: racks by its matrix, hosts uniformly, sizes from its distribution, log-normal\n"
               "gaps such that the most loaded link carries max_load of its rate. Same seed, same flows.\n\n"
               "  m3 workload --mix spec/default.json --out flows.csv\n"
               "  m3 workload --mix spec/default.json --set max_load=0.8 --set matrix=c --duration 1s --json",
    .options = options,
    .run = run,
};
