/* neighbours: loads of the links next to a path.
 *
 * A path's own links don't tell why a packet waits: a switch shares its buffer among all ports,
 * pauses its neighbours on behalf of any of them, and ACKs queue in the opposite direction. The
 * loads of those links, over the whole run, say how likely that is. Left out: when. */
#include "path/neighbours.h"

#include <math.h>

void neighbours_loads(const Topo *t, int64_t span_ns, const uint64_t *bits, double *load) {
    double ns = fmax((double)span_ns, 1);
    for (uint32_t l = 0; l < t->n_links; l++)
        load[l] = (double)bits[l] * 1e9 / (ns * t->links[l].rate_bps);
}

/* Largest and mean load of the links out of a node, except link `except`. */
static void loads_out_of(const Topo *t, const double *load, uint32_t node, uint32_t except,
                         float *max, float *mean) {
    double sum = 0, most = 0, n = 0;
    for (uint32_t i = t->out_start[node]; i < t->out_start[node + 1]; i++) {
        uint32_t link = t->out_link[i];
        if (link == except) continue;
        sum += load[link];
        most = fmax(most, load[link]);
        n++;
    }
    *max = (float)most;
    *mean = (float)(n > 0 ? sum / n : 0);
}

void neighbours_path(const Topo *t, const double *load, const uint32_t *links, uint32_t n,
                     LinkNeighbours *out) {
    for (uint32_t i = 0; i < n; i++) {
        const Link *l = &t->links[links[i]];
        LinkNeighbours *x = &out[i];
        x->reverse = (float)load[links[i] ^ 1];
        loads_out_of(t, load, l->to, i + 1 < n ? links[i + 1] : TOPO_NONE, &x->next_max,
                     &x->next_mean);
        loads_out_of(t, load, l->from, links[i], &x->sibling_max, &x->sibling_mean);
    }
}
