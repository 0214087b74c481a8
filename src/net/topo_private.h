/* What the files of topo share with each other and with nobody else. */
#ifndef M3_NET_TOPO_PRIVATE_H
#define M3_NET_TOPO_PRIVATE_H
#include "base/json.h"
#include "net/topo.h"

/* Nodes and cables on their way to topo_build. Zero-initialise; draft_free releases. */
typedef struct {
    uint64_t *node_id;
    uint8_t *is_host;
    uint32_t *pod;
    size_t n_nodes, cap_id, cap_host, cap_pod;
    TopoCable *cables;
    size_t n_cables, cap_cables;
} Draft;
void draft_node(Draft *d, uint64_t id, bool is_host, uint32_t pod);
void draft_cable(Draft *d, TopoCable c);
int draft_build(Topo *t, const Draft *d, const char *name, Err *err);
void draft_free(Draft *d);

/* A rate or delay in JSON: a number (bit/s, ns) or text with a unit; within topo_build's bounds. */
int json_rate(const Json *j, double *bps, Err *err);
int json_delay(const Json *j, double *ns, Err *err);

/* HPCC topology.txt in memory; `name` is the file. */
int hpcc_read(Topo *t, const char *name, const char *text, size_t len, Err *err);
/* Reads the object of a "clos" key. −1 names the place. */
int clos_read(Clos *c, const Json *j, Err *err);

/* "10Gbps", "1000ns": reads back as exactly the same number. */
JsonNumber rate_text(double bps);
JsonNumber delay_text(double ns);
#endif
