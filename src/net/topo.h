/* topo: the network as a graph of hosts, switches and directed links. */
#ifndef M3_NET_TOPO_H
#define M3_NET_TOPO_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/* One direction of a cable. Cable k is links 2k (a → b) and 2k + 1 (b → a), so that `link ^ 1` is
 * the reverse link. */
typedef struct {
    uint32_t from, to; /* nodes */
    double rate_bps, delay_ns;
} Link;

#define TOPO_NONE UINT32_MAX

/* Bounds of a link's rate and delay, which is at least 0. Below 1 bit/s times overflow. Simulations
 * use links of up to 100 Tb/s as "not limiting"; 1e16 leaves a factor of 100. 1000 s is beyond any
 * network, and times in ns still fit 53 bits after thousands of such delays. */
#define TOPO_MIN_RATE_BPS 1.0
#define TOPO_MAX_RATE_BPS 1e16
#define TOPO_MAX_DELAY_NS 1e12

/* Nodes are numbered 0..n_nodes−1 in ascending order of their id in the file; hosts and switches
 * are mixed. Hosts are also numbered 0..n_hosts−1 in that order (the host index, which flows refer
 * to). A rack is a switch with hosts; a host that is linked to several is in the rack of smallest
 * id. Racks are numbered in order of pod, then of switch id. Nothing changes after topo_build. */
typedef struct Topo {
    uint32_t n_nodes, n_hosts, n_links; /* n_links directed ones: twice the cables */
    uint64_t *node_id;                  /* [n_nodes] as in the file, ascending */
    uint8_t *is_host;                   /* [n_nodes] */
    uint32_t *host_node;                /* [n_hosts] node of a host index */
    uint32_t *node_host;                /* [n_nodes] host index, or TOPO_NONE */
    Link *links;                        /* [n_links] in file order, parallel cables kept */
    /* Links out of node v: out_link[out_start[v]] to out_link[out_start[v + 1] − 1], by descending
     * id of the neighbour, parallel ones by ascending link. */
    uint32_t *out_start, *out_link; /* [n_nodes + 1], [n_links] */
    uint32_t n_racks, n_pods;
    uint32_t *rack_switch; /* [n_racks] node */
    uint32_t *rack_pod;    /* [n_racks] pods are 0..n_pods−1 */
    /* Host indices of rack r: rack_hosts[rack_host_start[r]] to [rack_host_start[r + 1] − 1]. */
    uint32_t *rack_host_start, *rack_hosts; /* [n_racks + 1], [n_hosts] */
    uint32_t *host_rack;                    /* [n_hosts] */
    uint8_t *tier;         /* [n_nodes] hops to the nearest host: 0 host, 1 top of rack, 2, 3 … */
    double *host_rate_bps; /* [n_hosts] of the host's fastest link */
    double *error_rate;    /* [n_links] probability that a packet is lost; NULL: all are 0 */
    char *name;            /* file or description, for messages */
    struct Faults *faults; /* that the file lists (net/faults.h), not applied; NULL: none */
} Topo;

typedef struct {
    uint64_t a, b; /* node ids */
    double rate_bps, delay_ns;
    double error_rate; /* probability that a packet is lost on it, in [0, 1) */
} TopoCable;

/* A network as arrays of a program that embeds us, whose members are arguments of topo_build. */
typedef struct {
    const char *name; /* for messages and reports */
    uint32_t n_nodes, n_cables;
    const uint64_t *node_id; /* [n_nodes] */
    const uint8_t *is_host;  /* [n_nodes] */
    const uint32_t *pod_of;  /* [n_nodes], or NULL */
    const TopoCable *cables; /* [n_cables] */
} TopoArrays;

/* topo_build makes a Topo of n_nodes nodes, in any order and with any ids, and n_cables cables; it
 * copies everything, and topo_free releases. `pod_of` has a label for each node, of which those of
 * racks count: the switch's own, or else one of its hosts'; TOPO_NONE is none, and either all racks
 * have one or none has. Without labels (pod_of may be NULL) pods are the connected parts that
 * remain without the top tier of switches, or all is one pod if there are fewer than three tiers.
 * −1 with an input error that begins with `name` unless ids differ, rates and delays are within
 * bounds, there are two hosts or more, hosts are linked to switches only, and all is connected. */
int topo_build(Topo *t, const char *name, const uint64_t *node_id, const uint8_t *is_host,
               const uint32_t *pod_of, uint32_t n_nodes, const TopoCable *cables, uint32_t n_cables,
               Err *err);
void topo_free(Topo *t);

/* topo_node returns the node of a file's id, or TOPO_NONE; in constant time where ids are
 * contiguous, else by bisection. */
uint32_t topo_node(const Topo *t, uint64_t id);

/* topo_top_tier returns the highest tier that a node has. */
int topo_top_tier(const Topo *t);

/* topo_rack_size returns the number of a rack's hosts. */
static inline uint32_t topo_rack_size(const Topo *t, uint32_t rack) {
    return t->rack_host_start[rack + 1] - t->rack_host_start[rack];
}

/* topo_only_link returns the link out of a host, by its index, that has one; TOPO_NONE with
 * several. */
static inline uint32_t topo_only_link(const Topo *t, uint32_t host) {
    uint32_t v = t->host_node[host], first = t->out_start[v];
    return t->out_start[v + 1] - first == 1 ? t->out_link[first] : TOPO_NONE;
}

/* topo_oversubscription returns the capacity toward hosts over the capacity toward spines of all
 * switches of a tier (1: racks): links to tier − 1 over links to tier + 1. 0 if there is no such
 * tier or nothing above it. */
double topo_oversubscription(const Topo *t, int tier);
#endif
