/* m3 topo: makes, describes and converts topologies.
 *
 * Three verbs share one table of options; reading, writing and the Clos are net/topo's, the
 * description is topo_show's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/topo_args.h"
#include "cli/topo_show.h"
#include "cli/value.h"
#include "net/clos.h"
#include "net/topo.h"
#include "net/topo_save.h"

typedef enum { FORMAT_AUTO, FORMAT_CLOS, FORMAT_JSON, FORMAT_HPCC } TopoFormat;
static const char *const format_names[] = {"clos", "json", "hpcc", NULL}; /* from FORMAT_CLOS on */

typedef struct {
    Clos clos;
    const char *out;
    TopoFormat format;
    TopoLoadOptions read;
} TopoCmd;

enum {
    N_COUNTS = 5,
    N_RATES = 3,
    FIRST_RATE = N_COUNTS,
    FIRST_DELAY = N_COUNTS + N_RATES,
    OUT = FIRST_DELAY + N_RATES,
    FORMAT,
    READ
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
     "Output", format_names},
    TOPO_ARGS(READ),
    {NULL, NULL, NULL, NULL}};

static void init(void *state) { clos_default(&((TopoCmd *)state)->clos); }

static int set(void *state, int option, const char *value, Err *err) {
    TopoCmd *o = state;
    uint32_t *counts[N_COUNTS] = {&o->clos.pods, &o->clos.racks_per_pod, &o->clos.hosts_per_rack,
                                  &o->clos.fabs_per_pod, &o->clos.spines_per_plane};
    double *rates[N_RATES] = {&o->clos.host_rate_bps, &o->clos.fab_rate_bps,
                              &o->clos.spine_rate_bps};
    double *delays[N_RATES] = {&o->clos.host_delay_ns, &o->clos.fab_delay_ns,
                               &o->clos.spine_delay_ns};
    char what[40];
    int format;
    if (option >= READ) return topo_args_set(&o->read, option - READ, value, err);
    snprintf(what, sizeof what, "--%s", options[option].name);
    if (option < FIRST_RATE) return value_count32(value, what, 0, UINT32_MAX, counts[option], err);
    if (option < FIRST_DELAY) return units_parse_rate(value, what, rates[option - FIRST_RATE], err);
    if (option < OUT) return units_parse_time(value, what, delays[option - FIRST_DELAY], err);
    if (option == OUT) {
        o->out = value;
        return 0;
    }
    if (value_choice(value, what, format_names, &format, err) != 0) return -1;
    o->format = (TopoFormat)(format + 1);
    return 0;
}

static TopoFormat choose_format(TopoFormat given, const char *path, TopoFormat otherwise) {
    size_t n = strlen(path);
    if (given != FORMAT_AUTO) return given;
    return n > 4 && strcmp(path + n - 4, ".txt") == 0 ? FORMAT_HPCC : otherwise;
}

static int save(const Topo *t, const char *path, TopoFormat format, Err *err) {
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

static int run_clos(const TopoCmd *o, Err *err) {
    Topo t;
    const char *out = o->out ? o->out : "-";
    if (clos_build(&t, &o->clos, "topo clos", err) != 0) return -1;
    TopoFormat format = choose_format(o->format, out, FORMAT_CLOS);
    int rc = format == FORMAT_CLOS ? clos_save(&o->clos, out, err) : save(&t, out, format, err);
    topo_free(&t);
    return rc;
}

static int run_convert(const TopoCmd *o, const char *from, const char *to, Err *err) {
    Topo t;
    if (topo_load(&t, from, &o->read, err) != 0) return -1;
    int rc = save(&t, to, choose_format(o->format, to, FORMAT_JSON), err);
    topo_free(&t);
    return rc;
}

/* Shows the topology args[1], or converts it to args[2]; either may come with m3. */
static int run_on_file(const TopoCmd *o, const char *const *args, bool show, bool json, Err *err) {
    char *from = value_spec(args[1]);
    int rc = value_check_spec(from, err);
    if (rc == 0)
        rc = show ? topo_show(from, &o->read, json, o->out, err)
                  : run_convert(o, from, args[2], err);
    free(from);
    return rc;
}

static const char *const verbs[] = {"clos", "show", "convert", NULL};

static int run(void *state, const CliCommon *common, Err *err) {
    static const char *const takes[] = {"no further argument", "one file", "two files"};
    enum { CLOS, SHOW };
    TopoCmd *o = state;
    const char *const *args = common->args;
    int which = 0;
    if (common->n_args == 0)
        return err_input(
            err, "topo: expected 'clos', 'show FILE' or 'convert A B'; see 'm3 topo --help'");
    while (verbs[which] && strcmp(args[0], verbs[which]) != 0) which++;
    if (!verbs[which])
        return err_input(err, "topo: expected 'clos', 'show' or 'convert', got '%.40s'%s", args[0],
                         cli_suggest(args[0], verbs, "'", "'").s);
    if (common->n_args != which + 1)
        return err_input(err, "topo %s: expected %s; see 'm3 topo --help'", verbs[which],
                         takes[which]);
    o->read.log = &common->log;
    if (which == CLOS) return run_clos(o, err);
    return run_on_file(o, args, which == SHOW, common->json, err);
}

const CliCommand cmd_topo = {
    .name = "topo",
    .summary = "make, describe and convert topologies",
    .usage = "m3 topo clos [--pods N …] [--out FILE]\n       m3 topo show FILE [--json]\n       m3 "
             "topo convert A B [--format FORMAT]",
    .details = "Files are recognised by content: our Clos description, cluster JSON (Parsimon), "
               "graphs (nodes and\n"
               "links in JSON, GraphML, GML, containerlab YAML), HPCC topology.txt; FILE and A "
               "may be -, standard input.\n\nExamples:\n"
               "  m3 topo clos --pods 4 --racks-per-pod 8 --out clos.json\n"
               "  m3 topo show spec/clos-256-2to1.json\n"
               "  m3 topo convert cluster.json topology.txt",
    .options = options,
    .verbs = verbs,
    .state_size = sizeof(TopoCmd),
    .max_args = 3,
    .init = init,
    .set = set,
    .run = run,
};
