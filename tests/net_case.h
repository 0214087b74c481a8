/* net_case: what tests of networks, and of traffic on them, share. To be included after cmocka.h.
 */
#ifndef M3_TESTS_NET_CASE_H
#define M3_TESTS_NET_CASE_H
#include <stdlib.h>

#include "base/mem.h"
#include "net/clos.h"
#include "net/route.h"

/* net_case_ok fails the test with the error if there is one. */
static inline void net_case_ok(int rc, const Err *err) {
    if (rc != 0) fail_msg("%s", err->msg);
}

static inline void net_case_clos(Topo *t, const Clos *c) {
    Err err = {0};
    net_case_ok(clos_build(t, c, "clos", &err), &err);
}

/* net_case_small_clos makes 2 pods × 4 racks × `hosts` hosts. */
static inline void net_case_small_clos(Topo *t, uint32_t hosts) {
    Clos c;
    Err err = {0};
    clos_default(&c);
    c.racks_per_pod = 4;
    c.hosts_per_rack = hosts;
    c.spines_per_plane = 3;
    net_case_ok(clos_build(t, &c, "small clos", &err), &err);
}

static inline Route *net_case_route(const Topo *t) {
    Err err = {0};
    Route *r = route_new(t, &err);
    if (!r) fail_msg("%s", err.msg);
    return r;
}

/* net_case_cable returns the cable that links `link` and `link ^ 1` are. */
static inline TopoCable net_case_cable(const Topo *t, uint32_t link) {
    const Link *l = &t->links[link & ~1u];
    return (TopoCable){t->node_id[l->from], t->node_id[l->to], l->rate_bps, l->delay_ns, 0};
}

/* net_case_rebuild makes a topology of the nodes of another one and of other cables. */
static inline void net_case_rebuild(Topo *t, const Topo *nodes, const TopoCable *cables,
                                    uint32_t n) {
    Err err = {0};
    net_case_ok(topo_build(t, "rebuilt", nodes->node_id, nodes->is_host, NULL, nodes->n_nodes,
                           cables, n, &err),
                &err);
}

/* net_case_no_clos makes the same network with a cable that loses packets, so that it is no Clos
 * for clos_match, while paths, rates and delays are as they were. */
static inline void net_case_no_clos(Topo *t, const Topo *clos) {
    TopoCable *cables = MEM_NEW(TopoCable, clos->n_links / 2);
    for (uint32_t l = 0; l < clos->n_links; l += 2) cables[l / 2] = net_case_cable(clos, l);
    cables[0].error_rate = 1e-6;
    net_case_rebuild(t, clos, cables, clos->n_links / 2);
    free(cables);
}

/* net_case_many_racks makes a Clos of ROUTE_MANY_RACKS racks, whose figures are used in place of a
 * search, and the same network for which they are not. */
static inline void net_case_many_racks(Topo *clos, Topo *plain) {
    Clos c;
    clos_default(&c);
    c.pods = 8, c.racks_per_pod = ROUTE_MANY_RACKS / c.pods, c.hosts_per_rack = 2;
    net_case_clos(clos, &c);
    net_case_no_clos(plain, clos);
}
#endif
