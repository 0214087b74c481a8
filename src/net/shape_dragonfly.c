/* shape_dragonfly: dragonfly networks (Kim, Dally, Scott, Abts: Technology-Driven, Highly-Scalable
 * Dragonfly Topology, ISCA 2008).
 *
 * A group is a clique of A routers with P hosts and H global links each. Its A·H global ports are
 * numbered through; port q leads to the group 1 + q mod (G − 1) further on, so that a group has as
 * many links to every other one, floor(A·H / (G − 1)), and at most G − 2 ports stay empty. The
 * other end of a link d groups on sees this group G − d on, in the same round of its ports:
 *
 *     group i, round c, distance d:  port c·(G − 1) + d − 1  ──  port c·(G − 1) + G − d − 1 of i +
 * d
 *
 * Flows take a shortest path, as everywhere in m3: at most one local, one global and one local link
 * between routers. Left out: Valiant and adaptive routing. Ids ascend: hosts router by router,
 * routers group by group. Pods are groups. */
#include "net/shape.h"
#include "net/topo_private.h"

typedef struct {
    uint32_t groups, routers_per_group, hosts_per_router, global_links;
    double host_rate_bps, local_rate_bps, global_rate_bps;
    double host_delay_ns, local_delay_ns, global_delay_ns;
} Dragonfly;

static const ShapeFigure figures[] = {
    {"groups", FIGURE_COUNT, offsetof(Dragonfly, groups)},
    {"routers_per_group", FIGURE_COUNT, offsetof(Dragonfly, routers_per_group)},
    {"hosts_per_router", FIGURE_COUNT, offsetof(Dragonfly, hosts_per_router)},
    {"global_links", FIGURE_COUNT, offsetof(Dragonfly, global_links)},
    {"host_rate", FIGURE_RATE, offsetof(Dragonfly, host_rate_bps)},
    {"local_rate", FIGURE_RATE, offsetof(Dragonfly, local_rate_bps)},
    {"global_rate", FIGURE_RATE, offsetof(Dragonfly, global_rate_bps)},
    {"host_delay", FIGURE_DELAY, offsetof(Dragonfly, host_delay_ns)},
    {"local_delay", FIGURE_DELAY, offsetof(Dragonfly, local_delay_ns)},
    {"global_delay", FIGURE_DELAY, offsetof(Dragonfly, global_delay_ns)},
};

static void set_default(void *out) {
    *(Dragonfly *)out = (Dragonfly){.groups = 9,
                                    .routers_per_group = 4,
                                    .hosts_per_router = 2,
                                    .global_links = 2,
                                    .host_rate_bps = 100e9,
                                    .local_rate_bps = 100e9,
                                    .global_rate_bps = 100e9,
                                    .host_delay_ns = 1000,
                                    .local_delay_ns = 1000,
                                    .global_delay_ns = 1000};
}

static int check(const Dragonfly *s, const char *name, Err *err) {
    if (s->groups < 1 || s->routers_per_group < 1 || s->hosts_per_router < 1)
        return err_input(err,
                         "%s: groups, routers_per_group and hosts_per_router must be at least 1, "
                         "got %u, %u and %u",
                         name, s->groups, s->routers_per_group, s->hosts_per_router);
    double ports = (double)s->routers_per_group * s->global_links, others = s->groups - 1.0;
    if (ports < others)
        return err_input(err,
                         "%s: groups: must be at most %.0f, one more than a group's "
                         "routers_per_group × global_links = %.0f, got %u",
                         name, ports + 1, ports, s->groups);
    double routers = (double)s->groups * s->routers_per_group,
           hosts = routers * s->hosts_per_router;
    return shape_check_size(
        hosts + routers, hosts + routers * (s->routers_per_group - 1.0) / 2 + s->groups * ports / 2,
        name, err);
}

static void add_local(TopoDraft *d, const Dragonfly *s, uint32_t first, uint32_t group) {
    uint32_t a = first + group * s->routers_per_group, end = a + s->routers_per_group;
    for (uint32_t u = a; u < end; u++)
        for (uint32_t v = u + 1; v < end; v++)
            topo_draft_cable(d, (TopoCable){u, v, s->local_rate_bps, s->local_delay_ns, 0});
}

static void add_global(TopoDraft *d, const Dragonfly *s, uint32_t first, uint32_t group) {
    uint32_t n = s->groups, rounds = s->routers_per_group * s->global_links / (n - 1);
    for (uint32_t c = 0; c < rounds; c++)
        for (uint32_t other = group + 1; other < n; other++) {
            uint32_t on = other - group, port = c * (n - 1) + on - 1,
                     back = c * (n - 1) + n - on - 1;
            uint32_t u = first + group * s->routers_per_group + port / s->global_links,
                     v = first + other * s->routers_per_group + back / s->global_links;
            topo_draft_cable(d, (TopoCable){u, v, s->global_rate_bps, s->global_delay_ns, 0});
        }
}

static int build(Topo *t, const void *given, const char *name, Err *err) {
    const Dragonfly *s = given;
    *t = (Topo){0};
    if (check(s, name, err) != 0) return -1;
    TopoDraft d = {0};
    uint32_t in_group = s->routers_per_group * s->hosts_per_router, routers = s->groups * in_group,
             n_nodes = routers + s->groups * s->routers_per_group;
    for (uint32_t v = 0; v < n_nodes; v++)
        topo_draft_node(&d, v, v < routers,
                        v < routers ? v / in_group : (v - routers) / s->routers_per_group);

    for (uint32_t h = 0; h < routers; h++)
        topo_draft_cable(&d, (TopoCable){h, routers + h / s->hosts_per_router, s->host_rate_bps,
                                         s->host_delay_ns, 0});
    for (uint32_t g = 0; g < s->groups; g++) add_local(&d, s, routers, g);
    for (uint32_t g = 0; g + 1 < s->groups; g++) add_global(&d, s, routers, g);

    return topo_draft_finish(t, &d, name, err);
}

const Shape dragonfly_shape = {.name = "dragonfly",
                               .size = sizeof(Dragonfly),
                               SHAPE_FIGURES(figures),
                               .set_default = set_default,
                               .build = build};
