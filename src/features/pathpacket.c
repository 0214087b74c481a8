/* estimate_packet: a path as a small network (net/lotnet), through the packet simulator, to its
 * foreground's slowdowns.
 *
 * What is lost against the whole network is the decomposition alone: queues off the path, and what
 * flows that never meet the path do to those that do. Completion times are divided by those of the
 * idle network, as `m3 simulate` has them; foreground flows have their real hosts and links, so
 * theirs are the whole network's. */
#include "features/pathpacket.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/wire.h"
#include "path/lotnet.h"
#include "packet/pktsim.h"

static bool is_foreground(const PathPacket *p, size_t i) {
    return lot_is_foreground(p->path->n_links, p->flows[i].s, p->flows[i].d);
}

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
        for (size_t i = 0; i < p->n_flows; i++)
            slowdown[i] = is_foreground(p, i) ? (float)(fct_ns[i] / ideal_ns[i]) : NAN;
    }
    *n_events = stats.n_events;
    free(fct_ns);
    free(ideal_ns);
    lotnet_free(&net);
    return rc;
}

double pathpacket_hops(const PathPacket *p) {
    double hops = 0;
    for (size_t i = 0; i < p->n_flows; i++) {
        uint32_t off_path = 2u * (p->flows[i].s > 0) + 2u * (p->flows[i].d < p->path->n_links);
        hops += 2 * (double)wire_packets(p->flows[i].size_b) *
                (p->flows[i].d - p->flows[i].s + off_path);
    }
    return hops;
}
