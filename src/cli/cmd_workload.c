/* m3 workload: draws the flows of a mix, or takes those of a file, and describes their load.
 *
 * The flows go to a CSV or binary file. The summary (table, or JSON with --json) compares the load
 * that the most loaded link was drawn for with the load that the flows, routed one by one, put on
 * it. Heavy tails of the size distribution make the two differ in short traces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/scenario_args.h"
#include "scenario/scenario.h"

enum { SIZES = SCENARIO_N_ARGS, OUT, MATRIX_OUT };
static const CliOption options[] = {
    SCENARIO_ARGS("max_load=0.8, sizes=FILE, matrix=c"),
    {"sizes", "FILE", "only describe a file of flow sizes: its mean and percentiles", "Input"},
    {"out", "FILE",
     "flows as CSV: flow,src,dst,size_b,start_ns, or binary if FILE ends in .m3f\n(default: only "
     "the summary; - is stdout)",
     "Output"},
    {"matrix-out", "FILE", "the rack matrix as JSON", "Output"},
    {NULL, NULL, NULL, NULL},
};

typedef struct {
    ScenarioArgs scenario;
    const char *sizes, *out, *matrix_out;
} WorkloadCmd;

static void init(void *state) { scenario_args_init(&((WorkloadCmd *)state)->scenario); }
static void release(void *state) { scenario_args_free(&((WorkloadCmd *)state)->scenario); }

static int set(void *state, int option, const char *value, Err *err) {
    WorkloadCmd *o = state;
    if (option < SCENARIO_N_ARGS) return scenario_args_set(&o->scenario, option, value, err);
    if (option == SIZES) o->sizes = value;
    else if (option == OUT) o->out = value;
    else o->matrix_out = value;
    return 0;
}

static int check(const WorkloadCmd *o, Err *err) {
    if (scenario_args_check(&o->scenario, "workload", err) != 0) return -1;
    if (o->matrix_out && o->scenario.options.flows_path)
        return err_input(err,
                         "workload: --matrix-out is for drawn flows; it doesn't go with --flows");
    return 0;
}

typedef struct {
    double span_s, mean_gap_ns, mean_size_b, offered_bps;
    const Link *busiest; /* of drawn flows, the link that is expected to be the most loaded */
    double load;         /* payload on it over its rate */
} LoadSummary;

/* Payload on each link; caller frees. */
static double *bytes_by_link(const Scenario *s) {
    const Flows *f = &s->flows;
    double *bytes = MEM_ZNEW(double, s->topo.n_links);
    uint32_t *links = MEM_NEW(uint32_t, route_max_links(s->route));
    for (size_t i = 0; i < f->n; i++) {
        uint32_t n = route_path(s->route, f->src[i], f->dst[i], s->sport[i], ROUTE_DPORT, links);
        for (uint32_t k = 0; k < n; k++) bytes[links[k]] += (double)f->size_b[i];
    }
    free(links);
    return bytes;
}

/* The link with the highest load, payload over rate. */
static uint32_t find_busiest(const Topo *t, const double *bytes) {
    uint32_t at = 0;
    for (uint32_t l = 1; l < t->n_links; l++)
        if (bytes[l] * t->links[at].rate_bps > bytes[at] * t->links[l].rate_bps) at = l;
    return at;
}

/* Whether the load of the network's busiest link is the mix's: not where links have failed, since
 * traffic is drawn for the whole network. */
static bool expects_load(const Scenario *s) { return s->drawn && !s->has_faults; }

static LoadSummary summarise(const Scenario *s) {
    const Flows *f = &s->flows;
    double total = 0, *bytes = bytes_by_link(s);
    for (size_t i = 0; i < f->n; i++) total += (double)f->size_b[i];
    uint32_t busiest = expects_load(s) ? s->workload.busiest_link : find_busiest(&s->topo, bytes);
    /* A drawn trace begins a gap before its first flow, any other one with its first flow. */
    double span_s = (double)(f->start_ns[f->n - 1] - (s->drawn ? 0 : f->start_ns[0])) / 1e9;
    LoadSummary sum = {
        .span_s = span_s,
        .mean_size_b = total / (double)f->n,
        .mean_gap_ns = s->drawn   ? s->workload.mean_gap_ns
                       : f->n > 1 ? span_s * 1e9 / (double)(f->n - 1)
                                  : NAN,
        .offered_bps = s->drawn     ? s->workload.offered_bps
                       : span_s > 0 ? total * 8 / span_s
                                    : NAN,
        .busiest = &s->topo.links[busiest],
        .load = span_s > 0 ? bytes[busiest] * 8 / span_s / s->topo.links[busiest].rate_bps : NAN};
    free(bytes);
    return sum;
}

static void print_table(FILE *f, const Scenario *s, const LoadSummary *sum) {
    const Topo *t = &s->topo;
    fprintf(f, "flows         %s in %s", units_count(s->flows.n).s,
            units_time(sum->span_s * 1e9).s);
    if (!isnan(sum->mean_gap_ns)) fprintf(f, ", mean gap %s", units_time(sum->mean_gap_ns).s);
    putc('\n', f);
    if (s->drawn)
        fprintf(f, "size          mean %s drawn, %s expected\n", units_size(sum->mean_size_b).s,
                units_size(s->sizes.mean_b).s);
    else fprintf(f, "size          mean %s\n", units_size(sum->mean_size_b).s);
    if (!(sum->span_s > 0)) return; /* a rate needs time */
    fprintf(f, "offered       %s payload in the whole network\n", units_rate(sum->offered_bps).s);
    fprintf(f, "busiest link  %llu -> %llu, %s: load ",
            (unsigned long long)t->node_id[sum->busiest->from],
            (unsigned long long)t->node_id[sum->busiest->to], units_rate(sum->busiest->rate_bps).s);
    if (expects_load(s)) fprintf(f, "%.4g expected, %.4g drawn\n", s->mix.max_load, sum->load);
    else fprintf(f, "%.4g\n", sum->load);
}

/* A flow file has no expected size or load: only a mix does. */
static void print_json(FILE *f, const Scenario *s, const LoadSummary *sum,
                       const CliCommon *common) {
    const Link *busiest = sum->busiest;
    JsonOut o;
    json_out_init(&o, f);
    json_out_object(&o);
    json_put_string(&o, "schema", "m3.workload/1");
    json_put_string(&o, "command", common->command);
    json_put_count(&o, "seed", common->seed);
    json_put_count(&o, "n_flows", s->flows.n);
    json_put_number(&o, "duration_s", sum->span_s);
    json_put_number(&o, "mean_gap_ns", sum->mean_gap_ns);
    json_put_number(&o, "offered_bps", sum->offered_bps);
    json_put_number(&o, "mean_size_b", sum->mean_size_b);
    if (s->drawn) json_put_number(&o, "expected_mean_size_b", s->sizes.mean_b);
    json_put_object(&o, "busiest_link");
    json_put_count(&o, "from", s->topo.node_id[busiest->from]);
    json_put_count(&o, "to", s->topo.node_id[busiest->to]);
    json_put_number(&o, "rate_bps", busiest->rate_bps);
    if (expects_load(s)) json_put_number(&o, "expected_load", s->mix.max_load);
    json_put_number(&o, "load", sum->load);
    json_out_end(&o, '}');
    json_out_end(&o, '}');
    json_out_finish(&o);
}

static int write_files(const WorkloadCmd *o, const Scenario *s, Err *err) {
    if (o->out && flows_save(&s->flows, o->out, &s->topo, err) != 0) return -1;
    return o->matrix_out ? rackmatrix_save(&s->matrix, o->matrix_out, err) : 0;
}

/* The mean and some percentiles of a size file, so that its reading can be checked. */
static int describe_sizes(const char *path, const CliCommon *common, Err *err) {
    static const double percent[] = {1, 10, 25, 50, 75, 90, 99, 100};
    enum { N = sizeof percent / sizeof *percent };
    SizeDist d;
    if (sizedist_load(&d, path, &common->log, err) != 0) return -1;
    JsonOut o;
    if (common->json) {
        json_out_init(&o, stdout);
        json_out_object(&o);
        json_put_string(&o, "schema", "m3.sizes/1");
        json_put_number(&o, "mean_b", d.mean_b);
        json_put_count(&o, "n_points", d.n);
    } else {
        printf("sizes  mean %s (%.10g B), %u points\n", units_size(d.mean_b).s, d.mean_b, d.n);
    }
    for (int k = 0; k < N; k++) {
        char key[16];
        double b = (double)sizedist_draw(&d, fmin(percent[k] / 100, nextafter(1, 0)));
        snprintf(key, sizeof key, "p%g_b", percent[k]);
        if (common->json) json_put_number(&o, key, b);
        else printf("p%-5g %s\n", percent[k], units_size(b).s);
    }
    if (common->json) {
        json_out_end(&o, '}');
        json_out_finish(&o);
    }
    sizedist_free(&d);
    return 0;
}

static int run(void *state, const CliCommon *common, Err *err) {
    WorkloadCmd *o = state;
    Scenario s;
    if (o->sizes) return describe_sizes(o->sizes, common, err);
    o->scenario.options.closed_loop = true; /* the flows are written as they are */
    o->scenario.options.seed = common->seed;
    o->scenario.options.threads = common->threads;
    if (check(o, err) != 0 || scenario_load(&s, &o->scenario.options, &common->log, err) != 0)
        return -1;
    int rc = write_files(o, &s, err);
    /* The summary must not be mixed into flows on stdout. */
    FILE *f = file_is_stdout(o->out) ? stderr : stdout;
    if (rc == 0 && (f == stdout || common->log.level > LOG_QUIET)) {
        LoadSummary sum = summarise(&s);
        if (common->json) print_json(f, &s, &sum, common);
        else print_table(f, &s, &sum);
    }
    scenario_free(&s);
    return rc;
}

const CliCommand cmd_workload = {
    .name = "workload",
    .summary = "draw the flows of a mix, or describe and convert flow files",
    .usage =
        "m3 workload --mix FILE [--topo FILE] [--n-flows N | --duration T] [--out FILE] [options]\n"
        "       m3 workload --flows FILE --topo FILE [--out FILE] [options]\n"
        "       m3 workload --sizes FILE",
    .details = "Draws flows as the mix says: racks by its matrix, hosts uniformly, sizes from its "
               "distribution, log-normal\n"
               "gaps such that the most loaded link carries max_load of its rate. Same seed, same "
               "flows. With --flows it takes\n"
               "them from a file; --out then converts it: a binary file (.m3f) is read some ten "
               "times as fast as a CSV.\n\n"
               "  m3 workload --mix spec/default.json --out flows.csv\n"
               "  m3 workload --mix spec/default.json --set max_load=0.8 --set matrix=c --duration "
               "1s --json\n"
               "  m3 workload --topo topology.txt --flows flows.csv --out flows.m3f",
    .options = options,
    .state_size = sizeof(WorkloadCmd),
    .init = init,
    .set = set,
    .run = run,
    .free = release,
};
