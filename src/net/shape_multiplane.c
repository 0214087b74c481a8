/* shape_multiplane: multi-plane Clos networks, several leaf-spine networks side by side.
 *
 *      plane 0                       plane 1
 *      spine 0 … spine S−1           spine 0 … spine S−1
 *        │  every leaf to every        │
 *      leaf 0 … leaf R−1             leaf 0 … leaf R−1
 *        │                             │
 *      host 0 … host H−1  of rack 0: each has a link to leaf 0 of every plane
 *
 * Planes meet in the hosts only. A flow takes one plane, which its ECMP hash chooses at the
 * host. Ids ascend: hosts rack by rack, leaves plane by plane, spines plane by plane. */
#include "net/shape.h"
#include "net/topo_private.h"

typedef struct {
    uint32_t planes, racks, hosts_per_rack, spines_per_plane;
    double host_rate_bps, spine_rate_bps;
    double host_delay_ns, spine_delay_ns;
} Multiplane;

static const ShapeFigure figures[] = {
    {"planes", FIGURE_COUNT, offsetof(Multiplane, planes)},
    {"racks", FIGURE_COUNT, offsetof(Multiplane, racks)},
    {"hosts_per_rack", FIGURE_COUNT, offsetof(Multiplane, hosts_per_rack)},
    {"spines_per_plane", FIGURE_COUNT, offsetof(Multiplane, spines_per_plane)},
    {"host_rate", FIGURE_RATE, offsetof(Multiplane, host_rate_bps)},
    {"spine_rate", FIGURE_RATE, offsetof(Multiplane, spine_rate_bps)},
    {"host_delay", FIGURE_DELAY, offsetof(Multiplane, host_delay_ns)},
    {"spine_delay", FIGURE_DELAY, offsetof(Multiplane, spine_delay_ns)},
};

static void set_default(void *out) {
    *(Multiplane *)out = (Multiplane){.planes = 4,
                                      .racks = 8,
                                      .hosts_per_rack = 16,
                                      .spines_per_plane = 4,
                                      .host_rate_bps = 100e9,
                                      .spine_rate_bps = 400e9,
                                      .host_delay_ns = 1000,
                                      .spine_delay_ns = 1000};
}

static int check(const Multiplane *s, const char *name, Err *err) {
    if (s->planes < 1 || s->racks < 1 || s->hosts_per_rack < 1)
        return err_input(err,
                         "%s: planes, racks and hosts_per_rack must be at least 1, got %u, %u and "
                         "%u",
                         name, s->planes, s->racks, s->hosts_per_rack);
    if (s->spines_per_plane < 1 && s->racks > 1)
        return err_input(err, "%s: spines_per_plane: must be at least 1 to join %u racks", name,
                         s->racks);
    double hosts = (double)s->racks * s->hosts_per_rack, leaves = (double)s->planes * s->racks,
           spines = (double)s->planes * s->spines_per_plane;
    return shape_check_size(hosts + leaves + spines,
                            hosts * s->planes + leaves * s->spines_per_plane, name, err);
}

static int build(Topo *t, const void *given, const char *name, Err *err) {
    const Multiplane *s = given;
    *t = (Topo){0};
    if (check(s, name, err) != 0) return -1;
    TopoDraft d = {0};

    /* Where the ids of each kind begin; hosts begin at 0. */
    uint32_t leaves = s->racks * s->hosts_per_rack, n_leaves = s->planes * s->racks,
             spines = leaves + n_leaves, n_nodes = spines + s->planes * s->spines_per_plane;
    for (uint32_t v = 0; v < n_nodes; v++) topo_draft_node(&d, v, v < leaves, TOPO_NONE);

    for (uint32_t h = 0; h < leaves; h++)
        for (uint32_t p = 0; p < s->planes; p++) {
            uint32_t leaf = leaves + p * s->racks + h / s->hosts_per_rack;
            topo_draft_cable(&d, (TopoCable){h, leaf, s->host_rate_bps, s->host_delay_ns, 0});
        }
    for (uint32_t i = 0; i < n_leaves; i++)
        for (uint32_t k = 0; k < s->spines_per_plane; k++) {
            uint32_t spine = spines + i / s->racks * s->spines_per_plane + k;
            topo_draft_cable(
                &d, (TopoCable){leaves + i, spine, s->spine_rate_bps, s->spine_delay_ns, 0});
        }

    return topo_draft_finish(t, &d, name, err);
}

const Shape multiplane_shape = {.name = "multiplane",
                                .size = sizeof(Multiplane),
                                SHAPE_FIGURES(figures),
                                .set_default = set_default,
                                .build = build};
