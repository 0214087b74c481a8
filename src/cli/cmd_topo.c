/* cmd_topo: makes, describes and converts topologies. Three verbs share one table of options; what
 * each does is in net/topo, or in topo_show for the description. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "base/words.h"
#include "cli/cli.h"
#include "cli/topo_show.h"
#include "net/topo.h"

typedef enum { FORMAT_AUTO, FORMAT_CLOS, FORMAT_JSON, FORMAT_HPCC } Format;

typedef struct {
    Clos clos;
    const char *out;
    Format format;
} Options;

enum {
    N_COUNTS = 5,
    N_RATES = 3,
    FIRST_RATE = N_COUNTS,
    FIRST_DELAY = N_COUNTS + N_RATES,
    OUT = FIRST_DELAY + N_RATES,
    FORMAT
};

static const CliOption options[] = {
    {"pods", "N", "pods (default 2)", "Clos"},
    {"racks-per-pod", "N", "racks in a pod (default 16)", "Clos"},
    {"hosts-per-rack", "N", "hosts in a rack (default 8)", "Clos"},
    {"fabs-per-pod", "N", "fabric switches in a pod, each linked to all its racks (default 2)",
     "Clos"},
    {"spines-per-plane", "N",
     "spines behind fabric switch i of every pod (default 8); 0: two tiers", "Clos"},
    {"host-rate", "RATE", "links from host to rack switch (default 10Gbps)", "Clos"},
    {"fab-rate", "RATE", "links from rack to fabric switch (default 40Gbps)", "Clos"},
    {"spine-rate", "RATE", "links from fabric switch to spine (default 40Gbps)", "Clos"},
    {"host-delay", "TIME", "delay of host links (default 1us)", "Clos"},
    {"fab-delay", "TIME", "delay of rack-to-fabric links (default 1us)", "Clos"},
    {"spine-delay", "TIME", "delay of fabric-to-spine links (default 1us)", "Clos"},
    {"out", "FILE", "write there (default: standard output)", "Output"},
    {"format", "FORMAT",
     "clos, json (nodes and links) or hpcc (topology.txt); default: hpcc for .txt,\n"
     "otherwise clos for 'clos' and json for 'convert'",
     "Output"},
    {NULL, NULL, NULL, NULL}};

static int set_count(uint32_t *n, const char *name, const char *value, Err *err) {
    uint64_t x;
    char what[40];
    snprintf(what, sizeof what, "--%s", name);
    if (units_parse_count(value, what, &x, err) != 0) return -1;
    if (x > UINT32_MAX) return err_input(err, "%s: must be below 2^32, got %.40s", what, value);
    *n = (uint32_t)x;
    return 0;
}

static int set_format(Format *format, const char *value, Err *err) {
    static const char *const names[] = {"clos", "json", "hpcc", NULL};
    for (int i = 0; names[i]; i++)
        if (strcmp(value, names[i]) == 0) {
            *format = (Format)(i + 1);
            return 0;
        }
    return err_input(err, "--format: expected clos, json or hpcc, got '%.40s'", value);
}

static int set(void *ctx, int index, const char *value, Err *err) {
    Options *o = ctx;
    uint32_t *counts[N_COUNTS] = {&o->clos.pods, &o->clos.racks_per_pod, &o->clos.hosts_per_rack,
                                  &o->clos.fabs_per_pod, &o->clos.spines_per_plane};
    double *rates[N_RATES] = {&o->clos.host_rate_bps, &o->clos.fab_rate_bps,
                              &o->clos.spine_rate_bps};
    double *delays[N_RATES] = {&o->clos.host_delay_ns, &o->clos.fab_delay_ns,
                               &o->clos.spine_delay_ns};
    char what[40];
    snprintf(what, sizeof what, "--%s", options[index].name);
    if (index < FIRST_RATE) return set_count(counts[index], options[index].name, value, err);
    if (index < FIRST_DELAY) return units_parse_rate(value, what, rates[index - FIRST_RATE], err);
    if (index < OUT) return units_parse_time(value, what, delays[index - FIRST_DELAY], err);
    if (index == FORMAT) return set_format(&o->format, value, err);
    o->out = value;
    return 0;
}

static Format choose_format(Format given, const char *path, Format otherwise) {
    size_t n = strlen(path);
    if (given != FORMAT_AUTO) return given;
    return n > 4 && strcmp(path + n - 4, ".txt") == 0 ? FORMAT_HPCC : otherwise;
}

static int save(const Topo *t, const char *path, Format format, Err *err) {
    Clos c;
    if (format == FORMAT_HPCC) return topo_save_hpcc(t, path, err);
    if (format == FORMAT_JSON) return topo_save_json(t, path, err);
    if (!clos_match(&c, t))
        return err_input(err,
                         "%s: cannot be written as a Clos description: it is not a Clos with equal "
                         "pods, racks and links, or its ids are "
                         "not in order of hosts, rack, fabric and spine switches",
                         t->name);
    return clos_save(&c, path, err);
}

static int run_clos(const Options *o, Err *err) {
    Topo t;
    const char *out = o->out ? o->out : "-";
    if (clos_build(&t, &o->clos, "topo clos", err) != 0) return -1;
    Format format = choose_format(o->format, out, FORMAT_CLOS);
    int rc = format == FORMAT_CLOS ? clos_save(&o->clos, out, err) : save(&t, out, format, err);
    topo_free(&t);
    return rc;
}

static int run_convert(const char *from, const char *to, Format format, Err *err) {
    Topo t;
    if (topo_load(&t, from, err) != 0) return -1;
    int rc = save(&t, to, choose_format(format, to, FORMAT_JSON), err);
    topo_free(&t);
    return rc;
}

static int dispatch(const char **args, int n_args, const Options *o, bool json, Err *err) {
    static const char *const verbs[] = {"clos", "show", "convert", NULL};
    if (n_args == 0)
        return err_input(
            err, "topo: expected 'clos', 'show FILE' or 'convert A B'; see 'm3 topo --help'");
    if (strcmp(args[0], "clos") == 0 && n_args == 1) return run_clos(o, err);
    if (strcmp(args[0], "show") == 0 && n_args == 2) return topo_show(args[1], json, o->out, err);
    if (strcmp(args[0], "convert") == 0 && n_args == 3)
        return run_convert(args[1], args[2], o->format, err);
    for (int i = 0; verbs[i]; i++)
        if (strcmp(args[0], verbs[i]) == 0)
            return err_input(err, "topo %s: expected %s; see 'm3 topo --help'", verbs[i],
                             i == 0   ? "no further argument"
                             : i == 1 ? "one file"
                                      : "two files");
    const char *near = words_nearest(args[0], verbs);
    return err_input(err, "topo: expected 'clos', 'show' or 'convert', got '%.40s'%s%s%s", args[0],
                     near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int run(int argc, char **argv) {
    Options o = {0};
    CliCommon common;
    const char *args[3];
    int n_args;
    Err err = {0};
    clos_default(&o.clos);
    int status = cli_parse(&cmd_topo, argc, argv, &common, set, &o, args, 3, &n_args);
    if (status >= 0) return status;
    status = dispatch(args, n_args, &o, common.json, &err) == 0 ? 0 : cli_fail(&err);
    cli_done(&common);
    return status;
}

const CliCommand cmd_topo = {
    .name = "topo",
    .summary = "make, describe and convert topologies",
    .usage = "m3 topo clos [--pods N …] [--out FILE]\n       m3 topo show FILE [--json]\n       m3 "
             "topo convert A B [--format FORMAT]",
    .details = "Files are recognised by content: our Clos description, cluster JSON (Parsimon), "
               "nodes and links\n"
               "in JSON, HPCC topology.txt.\n\nExamples:\n"
               "  m3 topo clos --pods 4 --racks-per-pod 8 --out clos.json\n"
               "  m3 topo show spec/clos-256-2to1.json\n"
               "  m3 topo convert cluster.json topology.txt",
    .options = options,
    .run = run,
};
