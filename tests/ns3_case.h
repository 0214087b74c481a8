/* ns3_case: reads the settings and the topology of a network that was simulated with ns-3: a folder
 * with scenario.json, in which the buffer stands in any of three keys. Used by tests and benches.
 */
#ifndef M3_TESTS_NS3_CASE_H
#define M3_TESTS_NS3_CASE_H
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "net/netconf.h"

/* Settings and topology of a case folder; topo_path is the caller's to free. */
typedef struct {
    NetConf conf;
    char *topo_path;
} Ns3Case;

static inline double ns3_number(const Json *j, const char *key, double otherwise) {
    Json v;
    double x = otherwise;
    Err err;
    if (json_find(j, key, &v) && json_number(&v, &x, &err) != 0) diag_die("%s", err.msg);
    return x;
}

static inline char *ns3_topo_path(const Json *j, const char *topologies, const char *dir) {
    Json v;
    const char *name = NULL;
    Err err;
    char *own = file_join(dir, "topology.txt");
    if (file_exists(own)) return own;
    free(own);
    if (json_find(j, "topology", &v) && json_string(&v, &name, &err) == 0)
        return file_join(topologies, name);
    char lot[40];
    snprintf(lot, sizeof lot, "topo-pl-%d.txt", (int)ns3_number(j, "n_hosts", 0));
    return file_join(topologies, lot);
}

static inline void ns3_params(NetConf *conf, double p1, double p2) {
    switch (conf->cc) {
    case CC_DCTCP: conf->dctcp_k_b = p1 * 1000; break;
    case CC_DCQCN:
        conf->dcqcn_kmin_b = p1 * 1000;
        conf->dcqcn_kmax_b = p2 * 1000;
        break;
    case CC_HPCC:
        conf->hpcc_eta = p1 / 100;
        conf->hpcc_ai_bps = p2 * 10e6;
        break;
    default: conf->timely_tlow_ns = p1 * 1000; conf->timely_thigh_ns = p2 * 1000;
    }
}

/* Topologies that a case only names are in folder `topologies`. */
static inline int ns3_case_read(Ns3Case *c, const char *topologies, const char *dir, Err *err) {
    char *path = file_join(dir, "scenario.json");
    JsonDoc *doc = json_open(path, err);
    free(path);
    if (!doc) return -1;
    Json j = json_root(doc), v;
    const char *cc;
    netconf_default(&c->conf);
    if (json_need(&j, "cc", &v, err) != 0 || json_string(&v, &cc, err) != 0 ||
        netconf_parse_cc(cc, &c->conf.cc, err) != 0)
        return -1;
    c->conf.buffer_b =
        ns3_number(&j, "buffer_kib", ns3_number(&j, "buffer_kb", ns3_number(&j, "bfsz", 0) * 10)) *
        1024;
    c->conf.line_window_b = ns3_number(&j, "window_b", ns3_number(&j, "window", 0));
    c->conf.pfc = ns3_number(&j, "enable_pfc", 1) != 0;
    ns3_params(&c->conf, ns3_number(&j, "param_1", 0), ns3_number(&j, "param_2", 0));
    c->topo_path = ns3_topo_path(&j, topologies, dir);
    json_close(doc);
    return 0;
}
#endif
