/* topo_make: m3 topo clos, rail, multiplane, dragonfly and torus.
 *
 * The subcommands differ in their tables of options alone: an option is the figure of the shape
 * whose key it has, with '-' for '_'. What they write is the description, whose defaults are all
 * filled in, or the graph that it stands for. */
#include "cli/topo_make.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/value.h"
#include "net/shape.h"
#include "net/topo_save.h"

typedef struct {
    const Shape *shape;
    const CliOption *options;
    void *figures;
    const char *out;
    int format; /* index in format_names + 1; 0: by the name of the output */
} TopoMake;

enum { DESCRIPTION, JSON, HPCC };

/* The formats of each shape; its name stands for DESCRIPTION. */
#define FORMATS(shape) static const char *const shape##_formats[] = {#shape, "json", "hpcc", NULL}
FORMATS(clos);
FORMATS(rail);
FORMATS(multiplane);
FORMATS(dragonfly);
FORMATS(torus);

/* The rows behind the figures. */
#define OUTPUT(shape)                                                                              \
    {"out", "FILE", "write there (default: standard output)", "Output", NULL}, {                   \
        "format", "FORMAT",                                                                        \
            "json: nodes and links; hpcc: topology.txt; default: hpcc for .txt, else the figures", \
            "Output", shape##_formats                                                              \
    }
#define END \
    { NULL, NULL, NULL, NULL, NULL }

static const CliOption clos_options[] = {
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
    OUTPUT(clos),
    END};

static const CliOption rail_options[] = {
    {"units", "N", "units, each with a leaf for every rail (default 2)", "Rails"},
    {"servers-per-unit", "N", "servers in a unit (default 8)", "Rails"},
    {"gpus-per-server", "N", "GPUs of a server, a host and a rail each (default 8)", "Rails"},
    {"spines", "N", "spines, each linked to all leaves (default 8)", "Rails"},
    {"server-switches", "N", "switches within a server, linked to all its GPUs (default 0)",
     "Rails"},
    {"host-rate", "RATE", "links from GPU to leaf (default 400Gbps)", "Rails"},
    {"spine-rate", "RATE", "links from leaf to spine (default 400Gbps)", "Rails"},
    {"server-rate", "RATE", "links from GPU to a switch of its server (default 3600Gbps)", "Rails"},
    {"host-delay", "TIME", "delay of GPU-to-leaf links (default 1us)", "Rails"},
    {"spine-delay", "TIME", "delay of leaf-to-spine links (default 1us)", "Rails"},
    {"server-delay", "TIME", "delay of links within a server (default 0.5us)", "Rails"},
    OUTPUT(rail),
    END};

static const CliOption multiplane_options[] = {
    {"planes", "N", "planes: every host has a link to each (default 4)", "Planes"},
    {"racks", "N", "racks, which have a leaf in each plane (default 8)", "Planes"},
    {"hosts-per-rack", "N", "hosts in a rack (default 16)", "Planes"},
    {"spines-per-plane", "N", "spines of a plane, each linked to all its leaves (default 4)",
     "Planes"},
    {"host-rate", "RATE", "links from host to leaf (default 100Gbps)", "Planes"},
    {"spine-rate", "RATE", "links from leaf to spine (default 400Gbps)", "Planes"},
    {"host-delay", "TIME", "delay of host-to-leaf links (default 1us)", "Planes"},
    {"spine-delay", "TIME", "delay of leaf-to-spine links (default 1us)", "Planes"},
    OUTPUT(multiplane),
    END};

static const CliOption dragonfly_options[] = {
    {"groups", "N", "groups (default 9); at most 1 + routers-per-group × global-links",
     "Dragonfly"},
    {"routers-per-group", "N", "routers in a group, all linked to each other (default 4)",
     "Dragonfly"},
    {"hosts-per-router", "N", "hosts of a router (default 2)", "Dragonfly"},
    {"global-links", "N", "links of a router to other groups (default 2)", "Dragonfly"},
    {"host-rate", "RATE", "links from host to router (default 100Gbps)", "Dragonfly"},
    {"local-rate", "RATE", "links within a group (default 100Gbps)", "Dragonfly"},
    {"global-rate", "RATE", "links between groups (default 100Gbps)", "Dragonfly"},
    {"host-delay", "TIME", "delay of host links (default 1us)", "Dragonfly"},
    {"local-delay", "TIME", "delay of links within a group (default 1us)", "Dragonfly"},
    {"global-delay", "TIME", "delay of links between groups (default 1us)", "Dragonfly"},
    OUTPUT(dragonfly),
    END};

static const CliOption torus_options[] = {
    {"x", "N", "switches in the first dimension (default 4)", "Torus"},
    {"y", "N", "in the second (default 4)", "Torus"},
    {"z", "N", "in the third (default 1)", "Torus"},
    {"hosts-per-switch", "N", "hosts of a switch (default 2)", "Torus"},
    {"host-rate", "RATE", "links from host to switch (default 100Gbps)", "Torus"},
    {"switch-rate", "RATE", "links between switches (default 100Gbps)", "Torus"},
    {"host-delay", "TIME", "delay of host links (default 1us)", "Torus"},
    {"switch-delay", "TIME", "delay of links between switches (default 1us)", "Torus"},
    OUTPUT(torus),
    END};

static void init(TopoMake *o, const Shape *shape, const CliOption *options) {
    *o = (TopoMake){.shape = shape, .options = options, .figures = mem_calloc(1, shape->size)};
    shape->set_default(o->figures);
}

static void init_clos(void *state) { init(state, &clos_shape, clos_options); }
static void init_rail(void *state) { init(state, &rail_shape, rail_options); }
static void init_multiplane(void *state) { init(state, &multiplane_shape, multiplane_options); }
static void init_dragonfly(void *state) { init(state, &dragonfly_shape, dragonfly_options); }
static void init_torus(void *state) { init(state, &torus_shape, torus_options); }

static void release(void *state) { free(((TopoMake *)state)->figures); }

static int set_figure(const TopoMake *o, const char *option, const ShapeFigure *f,
                      const char *value, Err *err) {
    char what[40], *at = (char *)o->figures + f->offset;
    uint32_t count;
    double x = 0;
    snprintf(what, sizeof what, "--%s", option);
    if (f->kind == FIGURE_COUNT) {
        if (value_count32(value, what, 0, UINT32_MAX, &count, err) != 0) return -1;
        memcpy(at, &count, sizeof count);
        return 0;
    }
    if ((f->kind == FIGURE_RATE ? units_parse_rate : units_parse_time)(value, what, &x, err) != 0)
        return -1;
    memcpy(at, &x, sizeof x);
    return 0;
}

static int set(void *state, int option, const char *value, Err *err) {
    TopoMake *o = state;
    const char *name = o->options[option].name;
    const ShapeFigure *f = shape_figure(o->shape, name);
    if (f) return set_figure(o, name, f, value, err);
    if (strcmp(name, "out") == 0) {
        o->out = value;
        return 0;
    }
    int format;
    if (value_choice(value, "--format", o->options[option].values, &format, err) != 0) return -1;
    o->format = format + 1;
    return 0;
}

static int choose_format(const TopoMake *o, const char *path) {
    if (o->format > 0) return o->format - 1;
    return topo_save_is_hpcc(path) ? HPCC : DESCRIPTION;
}

static int run(void *state, const CliCommon *common, Err *err) {
    (void)common;
    const TopoMake *o = state;
    const char *out = o->out ? o->out : "-";
    char name[40];
    Topo t;
    snprintf(name, sizeof name, "topo %s", o->shape->name);
    if (o->shape->build(&t, o->figures, name, err) != 0) return -1;
    int format = choose_format(o, out);
    int rc = format == HPCC   ? topo_save_hpcc(&t, out, err)
             : format == JSON ? topo_save_json(&t, out, err)
                              : shape_save(o->shape, o->figures, out, err);
    topo_free(&t);
    return rc;
}

#define TOPO_MAKE(shape, what)                                                            \
    {                                                                                     \
        .name = "topo " #shape, .summary = (what),                                        \
        .usage = "m3 topo " #shape " [options] [--out FILE]", .options = shape##_options, \
        .state_size = sizeof(TopoMake), .init = init_##shape, .set = set, .run = run,     \
        .free = release,                                                                  \
    }

static const CliCommand clos = TOPO_MAKE(clos, "make a folded Clos network"),
                        rail = TOPO_MAKE(rail, "make a rail-optimised cluster of GPU servers"),
                        multiplane =
                            TOPO_MAKE(multiplane, "make several leaf-spine planes side by side"),
                        dragonfly = TOPO_MAKE(dragonfly, "make a dragonfly network"),
                        torus = TOPO_MAKE(torus, "make a two- or three-dimensional torus");

const CliCommand *const topo_make_commands[] = {&clos,      &rail,  &multiplane,
                                                &dragonfly, &torus, NULL};
