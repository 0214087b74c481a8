/* m3 flowsim: the fluid simulation and the feature map of one parking-lot path, on their own.
 *
 * The path has the shape of the published training data (lot_published): end links at the host
 * rate, inner links four times as fast, 1 µs each. With --json standard output holds a summary, and
 * the CSV of the flows is written only where --out says. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/value.h"
#include "data/npy.h"
#include "fluid/flowsim.h"
#include "model/modelinput.h"
#include "model/pathfeat.h"
#include "net/basebdp.h"
#include "traffic/flows_read.h"

enum { MAX_LINKS = 1000 }; /* far beyond any network; positions are 16 bits wide */

typedef struct {
    uint64_t n_links;
    double host_rate_bps;
    const char *flows, *out, *features;
    NetConf conf;
} FlowsimCmd;

enum { LINKS, FLOWS, HOST_RATE, OUT, FEATURES, SET };
static const CliOption options[] = {
    {"links", "L", "links of the path; positions are 0..L", "Path"},
    {"flows", "FILE",
     "flows: CSV with flow,src,dst,size_b,start_ns, or an HPCC flow file; src < dst are "
     "positions;\n"
     "- is standard input",
     "Path"},
    {"host-rate", "RATE",
     "rate of the first and the last link and of every flow's host (default 10Gbps);\ninner links "
     "are four times as fast",
     "Path"},
    {"out", "FILE", "write the CSV flow,fct_ns,slowdown there (default: standard output)",
     "Output"},
    {"features", "FILE",
     "write the feature map, (L+1) × 1019 float32 little endian: numpy array if FILE ends in "
     ".npy,\n"
     "otherwise the bare numbers; buckets without flows are 0",
     "Output"},
    {"set", "KEY=VALUE",
     "network setting for the map's configuration values: cc=dctcp, buffer=300KiB, window=18KB, …",
     "Output"},
    {NULL, NULL, NULL, NULL}};

static int set_conf(NetConf *conf, const char *value, Err *err) {
    char key[64];
    const char *eq = strchr(value, '=');
    if (!eq || eq == value || (size_t)(eq - value) >= sizeof key)
        return err_input(err, "--set: expected KEY=VALUE, got '%.60s'", value);
    memcpy(key, value, (size_t)(eq - value));
    key[eq - value] = '\0';
    return netconf_set(conf, key, eq + 1, err) == 0 ? 0 : err_wrap(err, "--set");
}

static void init(void *state) {
    FlowsimCmd *o = state;
    o->host_rate_bps = 10e9;
    netconf_default(&o->conf);
}

static int set(void *state, int option, const char *value, Err *err) {
    FlowsimCmd *o = state;
    switch (option) {
    case LINKS: return value_count(value, "--links", 1, MAX_LINKS, &o->n_links, err);
    case FLOWS: o->flows = value; return 0;
    case HOST_RATE:
        if (units_parse_rate(value, "--host-rate", &o->host_rate_bps, err) != 0) return -1;
        if (o->host_rate_bps >= 1 && o->host_rate_bps <= 1e15) return 0;
        return err_input(err, "--host-rate: must be in 1 bit/s..1 Pbit/s, got %.40s", value);
    case OUT: o->out = value; return 0;
    case FEATURES: o->features = value; return 0;
    default: return set_conf(&o->conf, value, err);
    }
}

/* ---- simulation ---- */

typedef struct {
    Lot lot;
    Flows flows;
    LotFlow *lot_flows;
    double *fct_ns;
    float *slowdown;
    FlowsimStats stats;
    double wall_s;
    Arena arena;
} FlowsimRun;

static int simulate(FlowsimRun *r, const FlowsimCmd *o, const Log *log, Err *err) {
    if (flows_load_positions(&r->flows, o->flows, (uint32_t)o->n_links, log, err) != 0) return -1;
    const Flows *f = &r->flows;
    lot_published(&r->lot, (uint32_t)o->n_links, o->host_rate_bps, &r->arena);
    r->lot_flows = ARENA_NEW(&r->arena, LotFlow, f->n);
    r->fct_ns = ARENA_NEW(&r->arena, double, f->n);
    r->slowdown = ARENA_NEW(&r->arena, float, f->n);
    for (size_t i = 0; i < f->n; i++)
        r->lot_flows[i] = (LotFlow){.start_ns = f->start_ns[i],
                                    .size_b = f->size_b[i],
                                    .cap_bps = o->host_rate_bps,
                                    .flow = (uint32_t)i,
                                    .s = (uint16_t)f->src[i],
                                    .d = (uint16_t)f->dst[i]};
    double start = diag_now_s();
    flowsim_run(&r->lot, r->lot_flows, f->n, r->fct_ns, &r->stats, &r->arena);
    lot_slowdowns(&r->lot, r->lot_flows, f->n, r->fct_ns, NULL, r->slowdown);
    r->wall_s = diag_now_s() - start;
    log_detail(log, "%zu flows, %llu events in %.3f s, at most %u active", f->n,
               (unsigned long long)r->stats.events, r->wall_s, r->stats.max_active);
    return 0;
}

/* ---- output ---- */

static int write_csv(const FlowsimRun *r, const char *path, Err *err) {
    FileOut out;
    if (file_out_open(&out, path, err) != 0) return -1;
    fputs("flow,fct_ns,slowdown\n", out.f);
    for (size_t i = 0; i < r->flows.n; i++) {
        double slowdown = lot_slowdown(&r->lot, &r->lot_flows[i], r->fct_ns[i]);
        fprintf(out.f, "%llu,%s,%s\n", (unsigned long long)(r->flows.id ? r->flows.id[i] : i),
                json_number_text(r->fct_ns[i]).s, json_number_text(slowdown).s);
    }
    return file_out_commit(&out, err);
}

static int write_features(FlowsimRun *r, const FlowsimCmd *o, Err *err) {
    PathFeat m;
    NetConf conf = o->conf;
    if (conf.line_window_b == NETCONF_AUTO)
        conf.line_window_b = basebdp_of(r->lot.rate_bps, r->lot.delay_ns, r->lot.n_links);
    pathfeat_build(&m, &r->lot, r->lot_flows, r->slowdown, r->flows.n, &conf, &r->arena);
    float *rows = ARENA_NEW(&r->arena, float, (size_t)m.n_rows *PATHFEAT_N);
    for (uint32_t row = 0; row < m.n_rows; row++)
        pathfeat_row(&m, row, NULL, false, rows + (size_t)row * PATHFEAT_N);
    size_t bytes = (size_t)m.n_rows * PATHFEAT_N * sizeof *rows, n = strlen(o->features);
    if (n > 4 && strcmp(o->features + n - 4, ".npy") == 0) {
        NpyOut out;
        if (npy_out_open(&out, o->features, NPY_F32, m.n_rows, PATHFEAT_N, err) != 0) return -1;
        npy_out_append(&out, rows, bytes);
        return npy_out_commit(&out, err);
    }
    FileOut out;
    if (file_out_open(&out, o->features, err) != 0) return -1;
    fwrite(rows, 1, bytes, out.f);
    return file_out_commit(&out, err);
}

static int write_summary(FlowsimRun *r, const FlowsimCmd *o, const CliCommon *common, Err *err) {
    static const int percentiles[] = {50, 90, 99};
    JsonFile file;
    if (json_file_open(&file, NULL, "-", err) != 0) return -1;
    JsonOut *j = &file.j;
    stats_sort_f32(r->slowdown, r->flows.n);
    json_put_string(j, "schema", "m3.flowsim/1");
    json_put_string(j, "command", common->command);
    json_put_int(j, "n_links", r->lot.n_links);
    json_put_number(j, "host_rate_bps", o->host_rate_bps);
    json_put_count(j, "n_flows", r->flows.n);
    json_put_int(j, "max_active", r->stats.max_active);
    json_put_number(j, "wall_s", r->wall_s);
    json_put_object(j, "slowdown");
    for (int i = 0; i < 3; i++) {
        char key[8];
        snprintf(key, sizeof key, "p%d", percentiles[i]);
        json_put_number(j, key,
                        r->flows.n > 0 ? (double)r->slowdown[stats_rank(r->flows.n, percentiles[i])]
                                       : NAN);
    }
    json_out_end(j, '}');
    return json_file_commit(&file, err);
}

static int run(void *state, const CliCommon *common, Err *err) {
    const FlowsimCmd *o = state;
    if (o->n_links == 0)
        return err_input(err, "flowsim: --links is missing; see 'm3 flowsim --help'");
    if (!o->flows) return err_input(err, "flowsim: --flows is missing; see 'm3 flowsim --help'");
    if (common->json && file_is_stdout(o->out))
        return err_input(err, "flowsim: --json and --out - both want standard output");
    if (netconf_check(&o->conf, err) != 0) return err_wrap(err, "--set");
    if (o->features && (int)o->conf.cc >= MODELINPUT_N_CC)
        return err_input(err, "--set cc=%s: feature maps know %s", netconf_cc_name(o->conf.cc),
                         netconf_cc_list(MODELINPUT_N_CC).s);
    FlowsimRun r = {0};
    int rc = simulate(&r, o, &common->log, err);
    if (rc == 0 && o->features) rc = write_features(&r, o, err);
    if (rc == 0 && (o->out || !common->json)) rc = write_csv(&r, o->out ? o->out : "-", err);
    if (rc == 0 && common->json) rc = write_summary(&r, o, common, err);
    flows_free(&r.flows);
    arena_free(&r.arena);
    return rc;
}

const CliCommand cmd_flowsim = {
    .name = "flowsim",
    .summary = "fluid (max-min fair) simulation of one path",
    .usage = "m3 flowsim --links L --flows FILE [options]",
    .details = "Prints flow,fct_ns,slowdown; --json prints a summary instead.\n\nExample:\n"
               "  m3 flowsim --links 4 --flows path.csv --features map.npy --set cc=dcqcn --set "
               "window=18KB",
    .options = options,
    .state_size = sizeof(FlowsimCmd),
    .init = init,
    .set = set,
    .run = run,
};
