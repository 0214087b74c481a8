/* clos: folded Clos networks from a handful of figures.
 *
 * The generator numbers hosts, rack switches, fabric switches, spines, each pod by pod (spines
 * plane by plane), and adds cables in the same order. clos_match goes the other way: it reads the
 * figures off a graph and accepts them only if clos_build makes the very same graph of them, so
 * that it needs no reasoning of its own about what a Clos is. */
#include "net/clos.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "net/shape.h"
#include "net/topo_private.h"
#include "net/wire.h"

void clos_default(Clos *c) {
    *c = (Clos){.pods = 2,
                .racks_per_pod = 16,
                .hosts_per_rack = 8,
                .fabs_per_pod = 2,
                .spines_per_plane = 8,
                .host_rate_bps = 10e9,
                .fab_rate_bps = 40e9,
                .spine_rate_bps = 40e9,
                .host_delay_ns = 1000,
                .fab_delay_ns = 1000,
                .spine_delay_ns = 1000};
}

static int check_shape(const Clos *c, const char *name, Err *err) {
    if (c->pods < 1 || c->racks_per_pod < 1 || c->hosts_per_rack < 1)
        return err_input(
            err, "%s: pods, racks_per_pod and hosts_per_rack must be at least 1, got %u, %u and %u",
            name, c->pods, c->racks_per_pod, c->hosts_per_rack);
    if (c->fabs_per_pod == 0 && (c->pods > 1 || c->racks_per_pod > 1))
        return err_input(err, "%s: fabs_per_pod: must be at least 1 to join %u pods of %u racks",
                         name, c->pods, c->racks_per_pod);
    if (c->spines_per_plane == 0 && c->pods > 1)
        return err_input(err, "%s: spines_per_plane: must be at least 1 to join %u pods", name,
                         c->pods);
    if (c->spines_per_plane > 0 && c->fabs_per_pod == 0)
        return err_input(err, "%s: fabs_per_pod: must be at least 1 where there are spines", name);
    double racks = (double)c->pods * c->racks_per_pod, hosts = racks * c->hosts_per_rack,
           fabs = (double)c->pods * c->fabs_per_pod,
           spines = (double)c->fabs_per_pod * c->spines_per_plane;
    double nodes = hosts + racks + fabs + spines,
           cables = hosts + racks * c->fabs_per_pod + fabs * c->spines_per_plane;
    return shape_check_size(nodes, cables, name, err);
}

/* ---- to a graph ---- */

int clos_build(Topo *t, const Clos *c, const char *name, Err *err) {
    *t = (Topo){0};
    if (check_shape(c, name, err) != 0) return -1;
    TopoDraft d = {0};

    /* Where the ids of each kind begin; hosts begin at 0. */
    uint32_t n_racks = c->pods * c->racks_per_pod, n_fabs = c->pods * c->fabs_per_pod,
             tors = clos_hosts(c), fabs = tors + n_racks, spines = fabs + n_fabs,
             n_nodes = spines + c->fabs_per_pod * c->spines_per_plane;
    for (uint32_t v = 0; v < n_nodes; v++) {
        uint32_t pod = TOPO_NONE;
        if (v < tors) pod = v / (c->racks_per_pod * c->hosts_per_rack);
        else if (v < fabs) pod = (v - tors) / c->racks_per_pod;
        else if (v < spines) pod = (v - fabs) / c->fabs_per_pod;
        topo_draft_node(&d, v, v < tors, pod);
    }

    for (uint32_t h = 0; h < tors; h++) {
        uint32_t tor = tors + h / c->hosts_per_rack;
        topo_draft_cable(&d, (TopoCable){h, tor, c->host_rate_bps, c->host_delay_ns, 0});
    }
    for (uint32_t r = 0; r < n_racks; r++)
        for (uint32_t f = 0; f < c->fabs_per_pod; f++) {
            uint32_t fab = fabs + r / c->racks_per_pod * c->fabs_per_pod + f;
            topo_draft_cable(&d, (TopoCable){tors + r, fab, c->fab_rate_bps, c->fab_delay_ns, 0});
        }
    for (uint32_t f = 0; f < n_fabs; f++)
        for (uint32_t s = 0; s < c->spines_per_plane; s++) {
            uint32_t spine = spines + f % c->fabs_per_pod * c->spines_per_plane + s;
            topo_draft_cable(&d,
                             (TopoCable){fabs + f, spine, c->spine_rate_bps, c->spine_delay_ns, 0});
        }

    return topo_draft_finish(t, &d, name, err);
}

/* ---- from a graph ---- */

static bool same_graph(const Topo *a, const Topo *b) {
    bool same = !a->error_rate && a->n_nodes == b->n_nodes && a->n_links == b->n_links &&
                a->n_racks == b->n_racks && a->n_pods == b->n_pods &&
                memcmp(a->node_id, b->node_id, a->n_nodes * sizeof *a->node_id) == 0 &&
                memcmp(a->is_host, b->is_host, a->n_nodes) == 0 &&
                memcmp(a->rack_pod, b->rack_pod, a->n_racks * sizeof *a->rack_pod) == 0;
    if (!same) return false;

    /* Links out of every node: their order does not depend on that of the cables. */
    for (uint32_t i = 0; i < a->n_links; i++) {
        const Link *x = &a->links[a->out_link[i]], *y = &b->links[b->out_link[i]];
        if (x->from != y->from || x->to != y->to || x->rate_bps != y->rate_bps ||
            x->delay_ns != y->delay_ns)
            return false;
    }
    return true;
}

bool clos_match(Clos *c, const Topo *t) {
    uint32_t n_fabs = 0, n_spines = 0;
    for (uint32_t v = 0; v < t->n_nodes; v++) {
        n_fabs += t->tier[v] == 2;
        n_spines += t->tier[v] == 3;
    }
    clos_default(c);
    c->pods = t->n_pods;
    c->racks_per_pod = t->n_racks / t->n_pods;
    c->hosts_per_rack = t->n_hosts / t->n_racks;
    c->fabs_per_pod = n_fabs / t->n_pods;
    c->spines_per_plane = c->fabs_per_pod > 0 ? n_spines / c->fabs_per_pod : 0;
    double *rate[3] = {&c->host_rate_bps, &c->fab_rate_bps, &c->spine_rate_bps};
    double *delay[3] = {&c->host_delay_ns, &c->fab_delay_ns, &c->spine_delay_ns};
    for (uint32_t l = t->n_links; l-- > 0;) { /* those of the first link up from each tier stay */
        const Link *k = &t->links[l];
        int tier = t->tier[k->from];
        if (tier > 2 || t->tier[k->to] != tier + 1) continue;
        *rate[tier] = k->rate_bps;
        *delay[tier] = k->delay_ns;
    }
    Topo made;
    if (clos_build(&made, c, t->name, NULL) != 0) return false;
    bool same = same_graph(t, &made);
    topo_free(&made);
    return same;
}

/* ---- the row of the table of shapes ---- */

static const ShapeFigure figures[] = {
    {"pods", FIGURE_COUNT, offsetof(Clos, pods)},
    {"racks_per_pod", FIGURE_COUNT, offsetof(Clos, racks_per_pod)},
    {"hosts_per_rack", FIGURE_COUNT, offsetof(Clos, hosts_per_rack)},
    {"fabs_per_pod", FIGURE_COUNT, offsetof(Clos, fabs_per_pod)},
    {"spines_per_plane", FIGURE_COUNT, offsetof(Clos, spines_per_plane)},
    {"host_rate", FIGURE_RATE, offsetof(Clos, host_rate_bps)},
    {"fab_rate", FIGURE_RATE, offsetof(Clos, fab_rate_bps)},
    {"spine_rate", FIGURE_RATE, offsetof(Clos, spine_rate_bps)},
    {"host_delay", FIGURE_DELAY, offsetof(Clos, host_delay_ns)},
    {"fab_delay", FIGURE_DELAY, offsetof(Clos, fab_delay_ns)},
    {"spine_delay", FIGURE_DELAY, offsetof(Clos, spine_delay_ns)},
};

static void set_default(void *c) { clos_default(c); }

static int build(Topo *t, const void *c, const char *name, Err *err) {
    return clos_build(t, c, name, err);
}

const Shape clos_shape = {.name = "clos",
                          .size = sizeof(Clos),
                          SHAPE_FIGURES(figures),
                          .set_default = set_default,
                          .build = build};

int clos_save(const Clos *c, const char *path, Err *err) {
    return shape_save(&clos_shape, c, path, err);
}

/* ---- figures of a Clos ---- */

uint32_t clos_hosts(const Clos *c) { return c->pods * c->racks_per_pod * c->hosts_per_rack; }

int clos_tiers(const Clos *c) { return 1 + (c->fabs_per_pod > 0) + (c->spines_per_plane > 0); }

double clos_oversubscription(const Clos *c, int tier) {
    double up =
        tier == 1 ? c->fabs_per_pod * c->fab_rate_bps : c->spines_per_plane * c->spine_rate_bps;
    double down =
        tier == 1 ? c->hosts_per_rack * c->host_rate_bps : c->racks_per_pod * c->fab_rate_bps;
    return up > 0 ? down / up : 0;
}

double clos_bdp_b(const Clos *c) {
    const double rate[] = {c->host_rate_bps, c->fab_rate_bps, c->spine_rate_bps};
    const double delay[] = {c->host_delay_ns, c->fab_delay_ns, c->spine_delay_ns};
    double rtt_ns = 0;
    for (int i = 0; i < clos_tiers(c); i++)
        rtt_ns += 2 * wire_hop_rtt_ns(rate[i], delay[i], WIRE_FULL_B, WIRE_ACK_B);
    return rtt_ns * 1e-9 * c->host_rate_bps / 8;
}

double clos_set_aside_b(const Clos *c) {
    double host = wire_set_aside_mean_b(c->host_rate_bps, c->host_delay_ns),
           fab = wire_set_aside_mean_b(c->fab_rate_bps, c->fab_delay_ns),
           spine = wire_set_aside_mean_b(c->spine_rate_bps, c->spine_delay_ns);
    double at_rack = c->hosts_per_rack * host + c->fabs_per_pod * fab;
    double at_fab = c->fabs_per_pod ? c->racks_per_pod * fab + c->spines_per_plane * spine : 0;
    double at_spine = c->spines_per_plane ? c->pods * spine : 0;
    return fmax(at_rack, fmax(at_fab, at_spine));
}
