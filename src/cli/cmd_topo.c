/* m3 topo: makes, describes, draws and converts topologies.
 *
 * Making one is a subcommand a shape (topo_make). The verbs 'show' and 'convert' share one table of
 * options; reading and writing are net/topo's, the description is topo_show's. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/topo_args.h"
#include "cli/topo_make.h"
#include "cli/topo_show.h"
#include "cli/value.h"
#include "net/clos.h"
#include "net/topo.h"
#include "net/topo_save.h"

typedef enum { FORMAT_AUTO, FORMAT_CLOS, FORMAT_JSON, FORMAT_HPCC } TopoFormat;
static const char *const format_names[] = {"clos", "json", "hpcc", NULL}; /* from FORMAT_CLOS on */

typedef struct {
    const char *out;
    TopoFormat format;
    bool dot;
    TopoLoadOptions read;
} TopoCmd;

enum { OUT, FORMAT, DOT, READ };

static const CliOption options[] = {
    {"out", "FILE", "write there (default: standard output)", "Output"},
    {"format", "FORMAT",
     "of 'convert': clos, json (nodes and links) or hpcc (topology.txt); default: hpcc for .txt,\n"
     "otherwise json",
     "Output", format_names},
    {"dot", NULL, "of 'show': a drawing for Graphviz instead of the description", "Output"},
    TOPO_ARGS(READ),
    {NULL, NULL, NULL, NULL}};

static int set(void *state, int option, const char *value, Err *err) {
    TopoCmd *o = state;
    int format;
    if (option >= READ) return topo_args_set(&o->read, option - READ, value, err);
    if (option == OUT) o->out = value;
    else if (option == DOT) o->dot = true;
    else if (value_choice(value, "--format", format_names, &format, err) != 0) return -1;
    else o->format = (TopoFormat)(format + 1);
    return 0;
}

static void release(void *state) { topo_args_free(&((TopoCmd *)state)->read); }

static TopoFormat choose_format(TopoFormat given, const char *path) {
    if (given != FORMAT_AUTO) return given;
    return topo_save_is_hpcc(path) ? FORMAT_HPCC : FORMAT_JSON;
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

static int run_convert(const TopoCmd *o, const char *from, const char *to, uint64_t seed,
                       Err *err) {
    Topo t;
    if (topo_show_load(&t, from, &o->read, seed, err) != 0) return -1;
    int rc = save(&t, to, choose_format(o->format, to), err);
    topo_free(&t);
    return rc;
}

static int run_show(const TopoCmd *o, const char *from, bool json, uint64_t seed, Err *err) {
    if (o->dot && json) return err_input(err, "topo show: expected --dot or --json, not both");
    TopoShowAs as = o->dot ? TOPO_SHOW_DOT : json ? TOPO_SHOW_JSON : TOPO_SHOW_TEXT;
    return topo_show(from, &o->read, seed, as, o->out, err);
}

/* Shows the topology args[1], or converts it to args[2]; either may come with m3. */
static int run_on_file(const TopoCmd *o, const CliCommon *common, bool show, Err *err) {
    const char *const *args = common->args;
    char *from = value_spec(args[1]);
    int rc = value_check_spec(from, err);
    if (rc == 0)
        rc = show ? run_show(o, from, common->json, common->seed, err)
                  : run_convert(o, from, args[2], common->seed, err);
    free(from);
    return rc;
}

/* A word that is neither a verb nor a subcommand, with the nearest of both. */
static int unknown_verb(const char *word, const char *const *verbs, Err *err) {
    const char *names[16] = {NULL};
    int n = 0;
    for (; topo_make_commands[n]; n++) names[n] = cli_last_word(topo_make_commands[n]);
    for (; *verbs; verbs++) names[n++] = *verbs;
    return err_input(err, "topo: expected a shape to make, 'show' or 'convert', got '%.40s'%s",
                     word, cli_suggest(word, names, "'", "'").s);
}

static const char *const verbs[] = {"show", "convert", NULL};

static int run(void *state, const CliCommon *common, Err *err) {
    enum { SHOW, CONVERT, N_VERBS };
    static const char *const takes[N_VERBS] = {"one file", "two files"};
    TopoCmd *o = state;
    const char *const *args = common->args;
    int which = 0;
    if (common->n_args == 0)
        return err_input(err, "topo: expected a shape to make ('clos', 'rail', 'multiplane', "
                              "'dragonfly', 'torus'), 'show FILE' or 'convert A B'; see 'm3 topo "
                              "--help'");
    while (which < N_VERBS && strcmp(args[0], verbs[which]) != 0) which++;
    if (which == N_VERBS) return unknown_verb(args[0], verbs, err);
    if (common->n_args != which + 2)
        return err_input(err, "topo %s: expected %s; see 'm3 topo --help'", verbs[which],
                         takes[which]);
    if (o->dot && which != SHOW) return err_input(err, "topo convert: --dot goes with 'show'");
    o->read.log = &common->log;
    return run_on_file(o, common, which == SHOW, err);
}

const CliCommand cmd_topo = {
    .name = "topo",
    .summary = "make, describe, draw and convert topologies",
    .usage = "m3 topo clos|rail|multiplane|dragonfly|torus [options] [--out FILE]\n       m3 topo "
             "show FILE [--json|--dot]\n       m3 topo convert A B [--format FORMAT]",
    .details = "'m3 help topo SHAPE' has the options of a shape: clos (folded Clos), rail "
               "(rail-optimised GPU\n"
               "servers), multiplane (leaf-spine planes side by side), dragonfly, torus (2D and "
               "3D).\n\n"
               "Files are recognised by content: our descriptions of these, cluster JSON "
               "(Parsimon), graphs (nodes and\n"
               "links in JSON, GraphML, GML, containerlab YAML), HPCC topology.txt; FILE and A "
               "may be -, standard input.\n\nExamples:\n"
               "  m3 topo clos --pods 4 --racks-per-pod 8 --out clos.json\n"
               "  m3 topo dragonfly --groups 5 --out dragonfly.json\n"
               "  m3 topo show spec/clos-256-2to1.json\n"
               "  m3 topo show dragonfly.json --dot | dot -Tsvg >dragonfly.svg\n"
               "  m3 topo convert cluster.json topology.txt",
    .options = options,
    .subcommands = topo_make_commands,
    .verbs = verbs,
    .state_size = sizeof(TopoCmd),
    .max_args = 3,
    .set = set,
    .run = run,
    .free = release,
};
