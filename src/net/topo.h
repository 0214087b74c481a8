/* topo: the network as a graph of hosts, switches and directed links; Clos generator; readers,
 * writers. */
#ifndef M3_NET_TOPO_H
#define M3_NET_TOPO_H
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/* A directed link. Cable k is links 2k (a → b) and 2k+1 (b → a); `link ^ 1` is the way back. */
typedef struct {
    uint32_t from, to; /* nodes */
    double rate_bps;   /* > 0, finite */
    double delay_ns;   /* ≥ 0, finite */
} Link;

#define TOPO_NONE UINT32_MAX

/* Nodes are numbered 0..n_nodes−1 in ascending order of their id in the file; hosts and switches
 * are mixed. Hosts are also numbered 0..n_hosts−1 in that order ("host index": what flows refer
 * to). Racks are the switches that hosts hang on (a host on several: the one of smallest id),
 * numbered in order of pod, then of switch id. Immutable after loading; topo_free releases. */
typedef struct Topo {
    uint32_t n_nodes, n_hosts, n_links; /* n_links directed = 2 × cables */
    uint64_t *node_id;                  /* [n_nodes] as in the file */
    uint8_t *is_host;                   /* [n_nodes] */
    uint32_t *host_node;                /* [n_hosts] node of a host index */
    uint32_t *node_host;                /* [n_nodes] host index or TOPO_NONE */
    Link *links;                        /* [n_links] parallel cables kept, in file order */
    uint32_t *out_start,
        *out_link; /* CSR [n_nodes+1], [n_links]: links out of a node, by descending id
                      of the neighbour, parallel ones by ascending link */
    uint32_t n_racks, n_pods;
    uint32_t *rack_switch;                  /* [n_racks] node */
    uint32_t *rack_pod;                     /* [n_racks] */
    uint32_t *rack_host_start, *rack_hosts; /* CSR [n_racks+1], [n_hosts]: host indices of a rack */
    uint32_t *host_rack;                    /* [n_hosts] */
    uint8_t *tier; /* [n_nodes] 0 host, 1 top of rack, 2, 3 … = hops to the nearest host */
    double *host_rate_bps; /* [n_hosts] fastest link of the host */
    char *name;            /* file or description, for messages */
} Topo;

/* What a link may be: the fastest in use are 100 Tb/s stand-ins for "no limit". */
#define TOPO_MAX_RATE_BPS 1e16
#define TOPO_MAX_DELAY_NS 1e12

/* Recognises cluster JSON (Parsimon), our Clos description, generic nodes/links JSON and HPCC
 * topology.txt by content. −1 with one line on anything wrong (docs: PIPELINE §2, spec/README.md).
 */
int topo_load(Topo *t, const char *path, Err *err);
void topo_free(Topo *t);
/* The node of a file's id, or TOPO_NONE. O(1) where ids are contiguous. */
uint32_t topo_node(const Topo *t, uint64_t id);

/* Builds the derived arrays from nodes and cables. `node_id` need not be sorted or contiguous;
 * `pod_of` (per node, TOPO_NONE: derive) may be NULL: then pods are the connected parts left when
 * the top tier of switches is taken out (one pod if there are fewer than three tiers of switches).
 * Only the labels of racks count: the switch's own, or else its hosts'; all racks have one or none
 * has. Checks ids, rates, delays, that there are two hosts, that hosts are linked to switches only,
 * the graph is connected, and copies everything. `name` appears in messages. */
typedef struct {
    uint64_t a, b; /* node ids */
    double rate_bps, delay_ns;
} TopoCable;
int topo_build(Topo *t, const char *name, const uint64_t *node_id, const uint8_t *is_host,
               const uint32_t *pod_of, uint32_t n_nodes, const TopoCable *cables, uint32_t n_cables,
               Err *err);

/* A folded Clos. Three tiers: `pods` pods of `racks_per_pod` racks of `hosts_per_rack` hosts; each
 * pod has `fabs_per_pod` fabric switches, each linked to every rack of the pod; fabric switch i of
 * each pod is linked to all `spines_per_plane` spines of plane i. Two tiers: pods = 1 and
 * spines_per_plane = 0 (the fabric switches are the spines). One: fabs_per_pod = 0, one rack. Ids:
 * hosts, then tors, then fabs, then spines, ascending. */
typedef struct {
    uint32_t pods, racks_per_pod, hosts_per_rack, fabs_per_pod, spines_per_plane;
    double host_rate_bps, fab_rate_bps, spine_rate_bps; /* links host–rack, rack–fab, fab–spine */
    double host_delay_ns, fab_delay_ns, spine_delay_ns;
} Clos;
void clos_default(
    Clos *c); /* 2 × 16 × 8 hosts, 2 fabs, 8 spines a plane; 10/40/40 Gb/s, 1 µs: 256 hosts, 2:1 */
int clos_build(Topo *t, const Clos *c, const char *name, Err *err);

/* True and *c filled if the topology is exactly what clos_build makes of some Clos (ids included).
 */
bool clos_match(Clos *c, const Topo *t);

/* Write. Formats of `topo_save`: by extension .txt = HPCC topology.txt, otherwise generic JSON. */
int topo_save(const Topo *t, const char *path, Err *err);
int topo_save_json(const Topo *t, const char *path, Err *err);
int topo_save_hpcc(const Topo *t, const char *path,
                   Err *err); /* −1 unless ids are 0..n−1, as that format demands */
int clos_save(const Clos *c, const char *path, Err *err); /* our compact description */

/* Capacity toward the hosts over capacity toward the spines, of all switches of a tier (1: racks):
 * links to tier − 1 over links to tier + 1. 0 if there is no such tier or nothing above it. */
double topo_oversubscription(const Topo *t, int tier);
#endif
