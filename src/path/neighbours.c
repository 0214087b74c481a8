/* around: how busy a network's links are, and those around a path.
 *
 * A path's own links don't tell why a packet waits: a switch shares its buffer among ports, pauses
 * its neighbours on behalf of any of them, and acknowledgements queue on the way back. The loads
 * there, over the whole run, say how likely that is. Left out: when. */
#include "path/neighbours.h"

#include <math.h>

void neighbours_loads(const Topo *t, int64_t between_ns, const uint64_t *bits, double *load) {
    double span_ns = fmax((double)between_ns, 1);
    for (uint32_t l = 0; l < t->n_links; l++)
        load[l] = (double)bits[l] * 1e9 / (span_ns * t->links[l].rate_bps);
}

/* Of the links out of a node, but for one. */
static void look_out(const Topo *t, const double *load, uint32_t node, uint32_t but, float *max,
                     float *mean) {
    double sum = 0, most = 0, n = 0;
    for (uint32_t i = t->out_start[node]; i < t->out_start[node + 1]; i++) {
        uint32_t link = t->out_link[i];
        if (link == but) continue;
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
        out[i].reverse = (float)load[links[i] ^ 1];
        look_out(t, load, l->to, i + 1 < n ? links[i + 1] : TOPO_NONE, &out[i].next_max,
                 &out[i].next_mean);
        look_out(t, load, l->from, links[i], &out[i].sibling_max, &out[i].sibling_mean);
    }
}
