/* shape_rail: rail-optimised clusters of servers with several accelerators (GPUs).
 *
 *      unit 0                                 unit 1
 *      leaf 0    leaf 1  … leaf G−1           leaf 0 …         each leaf is linked to all spines
 *        │ │       │ │        │ │
 *        │ └───────┼─┴────────┼─┴─ server 1: GPU 0 … GPU G−1
 *        └─────────┴──────────┴─── server 0: GPU 0 … GPU G−1, one network interface each
 *
 * GPU g of every server of a unit is linked to leaf g of that unit, its rail: what stays on a rail
 * crosses one switch. With server_switches each GPU also has a link to each of so many switches of
 * its server (NVLink); hosts don't forward, so what changes rails between servers goes by a spine.
 * A GPU is a host. Ids ascend: GPUs server by server, leaves unit by unit, spines, then server
 * switches, so that racks are leaves. Pods are units. */
#include "net/shape.h"
#include "net/topo_private.h"

typedef struct {
    uint32_t units, servers_per_unit, gpus_per_server, spines, server_switches;
    double host_rate_bps, spine_rate_bps, server_rate_bps;
    double host_delay_ns, spine_delay_ns, server_delay_ns;
} Rail;

static const ShapeFigure figures[] = {
    {"units", FIGURE_COUNT, offsetof(Rail, units)},
    {"servers_per_unit", FIGURE_COUNT, offsetof(Rail, servers_per_unit)},
    {"gpus_per_server", FIGURE_COUNT, offsetof(Rail, gpus_per_server)},
    {"spines", FIGURE_COUNT, offsetof(Rail, spines)},
    {"server_switches", FIGURE_COUNT, offsetof(Rail, server_switches)},
    {"host_rate", FIGURE_RATE, offsetof(Rail, host_rate_bps)},
    {"spine_rate", FIGURE_RATE, offsetof(Rail, spine_rate_bps)},
    {"server_rate", FIGURE_RATE, offsetof(Rail, server_rate_bps)},
    {"host_delay", FIGURE_DELAY, offsetof(Rail, host_delay_ns)},
    {"spine_delay", FIGURE_DELAY, offsetof(Rail, spine_delay_ns)},
    {"server_delay", FIGURE_DELAY, offsetof(Rail, server_delay_ns)},
};

static void set_default(void *out) {
    *(Rail *)out = (Rail){.units = 2,
                          .servers_per_unit = 8,
                          .gpus_per_server = 8,
                          .spines = 8,
                          .host_rate_bps = 400e9,
                          .spine_rate_bps = 400e9,
                          .server_rate_bps = 3600e9,
                          .host_delay_ns = 1000,
                          .spine_delay_ns = 1000,
                          .server_delay_ns = 500};
}

static int check(const Rail *s, const char *name, Err *err) {
    if (s->units < 1 || s->servers_per_unit < 1 || s->gpus_per_server < 1)
        return err_input(err,
                         "%s: units, servers_per_unit and gpus_per_server must be at least 1, got "
                         "%u, %u and %u",
                         name, s->units, s->servers_per_unit, s->gpus_per_server);
    if (s->spines < 1 && (s->units > 1 || s->gpus_per_server > 1))
        return err_input(err, "%s: spines: must be at least 1 to join several rails or units",
                         name);
    double servers = (double)s->units * s->servers_per_unit, gpus = servers * s->gpus_per_server,
           leaves = (double)s->units * s->gpus_per_server;
    return shape_check_size(gpus + leaves + s->spines + servers * s->server_switches,
                            gpus * (1.0 + s->server_switches) + leaves * s->spines, name, err);
}

static int build(Topo *t, const void *given, const char *name, Err *err) {
    const Rail *s = given;
    *t = (Topo){0};
    if (check(s, name, err) != 0) return -1;
    TopoDraft d = {0};

    /* Where the ids of each kind begin; GPUs begin at 0. */
    uint32_t rails = s->gpus_per_server, per_unit = s->servers_per_unit * rails,
             leaves = s->units * per_unit, spines = leaves + s->units * rails,
             switches = spines + s->spines,
             n_nodes = switches + s->units * s->servers_per_unit * s->server_switches;
    for (uint32_t v = 0; v < n_nodes; v++) {
        uint32_t unit = v < leaves ? v / per_unit : v < spines ? (v - leaves) / rails : TOPO_NONE;
        topo_draft_node(&d, v, v < leaves, unit);
    }

    for (uint32_t g = 0; g < leaves; g++) {
        uint32_t leaf = leaves + g / per_unit * rails + g % rails;
        topo_draft_cable(&d, (TopoCable){g, leaf, s->host_rate_bps, s->host_delay_ns, 0});
    }
    for (uint32_t leaf = leaves; leaf < spines; leaf++)
        for (uint32_t spine = spines; spine < switches; spine++)
            topo_draft_cable(&d, (TopoCable){leaf, spine, s->spine_rate_bps, s->spine_delay_ns, 0});
    for (uint32_t g = 0; g < leaves; g++)
        for (uint32_t k = 0; k < s->server_switches; k++) {
            uint32_t own = switches + g / rails * s->server_switches + k;
            topo_draft_cable(&d, (TopoCable){g, own, s->server_rate_bps, s->server_delay_ns, 0});
        }

    return topo_draft_finish(t, &d, name, err);
}

const Shape rail_shape = {.name = "rail",
                          .size = sizeof(Rail),
                          SHAPE_FIGURES(figures),
                          .set_default = set_default,
                          .build = build};
