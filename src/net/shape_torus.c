/* shape_torus: two- and three-dimensional tori of switches with hosts.
 *
 * Switch (i, j, k) is linked to its neighbours in each dimension, the last one to the first: a
 * dimension of length 1 has no links, one of 2 a single link, one of 3 or more a ring. Flows take
 * any shortest path; ECMP chooses the dimension at each switch. Left out: dimension-order routing
 * and virtual channels, which real tori avoid deadlocks with (net/deadlock). Ids ascend: hosts
 * switch by switch, then switches, x fastest. */
#include "net/shape.h"
#include "net/topo_private.h"

typedef struct {
    uint32_t x, y, z, hosts_per_switch;
    double host_rate_bps, link_rate_bps;
    double host_delay_ns, link_delay_ns;
} Torus;

static const ShapeFigure figures[] = {
    {"x", FIGURE_COUNT, offsetof(Torus, x)},
    {"y", FIGURE_COUNT, offsetof(Torus, y)},
    {"z", FIGURE_COUNT, offsetof(Torus, z)},
    {"hosts_per_switch", FIGURE_COUNT, offsetof(Torus, hosts_per_switch)},
    {"host_rate", FIGURE_RATE, offsetof(Torus, host_rate_bps)},
    {"switch_rate", FIGURE_RATE, offsetof(Torus, link_rate_bps)},
    {"host_delay", FIGURE_DELAY, offsetof(Torus, host_delay_ns)},
    {"switch_delay", FIGURE_DELAY, offsetof(Torus, link_delay_ns)},
};

static void set_default(void *out) {
    *(Torus *)out = (Torus){.x = 4,
                            .y = 4,
                            .z = 1,
                            .hosts_per_switch = 2,
                            .host_rate_bps = 100e9,
                            .link_rate_bps = 100e9,
                            .host_delay_ns = 1000,
                            .link_delay_ns = 1000};
}

/* Cables along a dimension, for each line of switches in it. */
static uint32_t per_line(uint32_t length) { return length > 2 ? length : length - 1; }

static int check(const Torus *s, const char *name, Err *err) {
    if (s->x < 1 || s->y < 1 || s->z < 1 || s->hosts_per_switch < 1)
        return err_input(err,
                         "%s: x, y, z and hosts_per_switch must be at least 1, got %u, %u, %u and "
                         "%u",
                         name, s->x, s->y, s->z, s->hosts_per_switch);
    double switches = (double)s->x * s->y * s->z, hosts = switches * s->hosts_per_switch;
    double cables = hosts + switches / s->x * per_line(s->x) + switches / s->y * per_line(s->y) +
                    switches / s->z * per_line(s->z);
    return shape_check_size(hosts + switches, cables, name, err);
}

/* The cables along the dimension of `length` switches that are `step` apart. */
static void add_dimension(TopoDraft *d, const Torus *s, uint32_t first, uint32_t length,
                          uint32_t step) {
    uint32_t n = s->x * s->y * s->z, last = per_line(length);
    for (uint32_t v = 0; v < n; v++) {
        uint32_t at = v / step % length, next = at + 1 < length ? v + step : v - at * step;
        if (at < last)
            topo_draft_cable(
                d, (TopoCable){first + v, first + next, s->link_rate_bps, s->link_delay_ns, 0});
    }
}

static int build(Topo *t, const void *given, const char *name, Err *err) {
    const Torus *s = given;
    *t = (Topo){0};
    if (check(s, name, err) != 0) return -1;
    TopoDraft d = {0};
    uint32_t n = s->x * s->y * s->z, switches = n * s->hosts_per_switch;
    for (uint32_t v = 0; v < switches + n; v++) topo_draft_node(&d, v, v < switches, TOPO_NONE);

    for (uint32_t h = 0; h < switches; h++)
        topo_draft_cable(&d, (TopoCable){h, switches + h / s->hosts_per_switch, s->host_rate_bps,
                                         s->host_delay_ns, 0});
    add_dimension(&d, s, switches, s->x, 1);
    add_dimension(&d, s, switches, s->y, s->x);
    add_dimension(&d, s, switches, s->z, s->x * s->y);

    return topo_draft_finish(t, &d, name, err);
}

const Shape torus_shape = {.name = "torus",
                           .size = sizeof(Torus),
                           SHAPE_FIGURES(figures),
                           .set_default = set_default,
                           .build = build};
