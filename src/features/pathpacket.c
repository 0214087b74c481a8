/* pathpacket: a path as a small network of its own (path/lotnet), through the packet simulator, to
 * its foreground's slowdowns.
 *
 * Against a simulation of the whole network the decomposition is all that is lost: queues off the
 * path, and what flows that never touch the path do to those that do. Foreground flows keep their
 * hosts and links, so their completion times in the idle network, which slowdowns are relative to,
 * are those of the whole network. */
#include "features/pathpacket.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/wire.h"
#include "packet/pktsim.h"
#include "path/lotnet.h"

int pathpacket_run(const PathPacket *p, float *slowdown, uint64_t *n_events, Err *err) {
    const Scenario *s = p->scenario;
    LotNet net;
    PktStats stats = {0};
    if (lotnet_init(&net, p->path, p->flows, p->n_flows, s->route, &s->flows, s->sport, err) != 0)
        return -1;
    double *fct_ns = MEM_NEW(double, p->n_flows), *ideal_ns = MEM_NEW(double, p->n_flows);
    NetConf conf = s->conf;
    conf.buffer_b += net.extra_buffer_b;
    PktOptions options = {.compat = p->compat, .seed = p->seed};
    int rc = pktsim_run(net.route, &net.flows, &conf, &options, fct_ns, &stats, err);
    if (rc == 0) {
        pktsim_ideal(net.route, &net.flows, p->compat, ideal_ns);
        for (size_t i = 0; i < p->n_flows; i++) {
            const LotFlow *f = &p->flows[i];
            slowdown[i] = lot_is_foreground(p->path->n_links, f->s, f->d)
                              ? (float)(fct_ns[i] / ideal_ns[i])
                              : NAN;
        }
    }
    *n_events = stats.n_events;
    free(fct_ns);
    free(ideal_ns);
    lotnet_free(&net);
    return rc;
}

double pathpacket_hops(uint32_t n_links, const LotFlow *flows, size_t n) {
    double hops = 0;
    for (size_t i = 0; i < n; i++) {
        const LotFlow *f = &flows[i];
        /* lotnet puts two links between an inner node and a background flow's host. */
        uint32_t links = f->d - f->s + 2u * (f->s > 0) + 2u * (f->d < n_links);
        hops += 2 * (double)wire_packets(f->size_b) * links;
    }
    return hops;
}
