/* netconf: the network's settings: congestion control and its parameters, buffer, window, PFC. */
#ifndef M3_NET_NETCONF_H
#define M3_NET_NETCONF_H
#include <stdbool.h>

#include "base/diag.h"

typedef enum { CC_DCTCP, CC_DCQCN, CC_HPCC, CC_TIMELY, CC_N } Cc;

typedef struct {
    Cc cc;
    double buffer_b;      /* shared buffer of a switch; the paper draws 200–500 KiB */
    double line_window_b; /* window of a flow at line rate, payload bytes; 5–30 KB */
    bool pfc;
    double dctcp_k_b; /* marking threshold at 10 Gb/s; scales with the rate; 5–20 KB */
    double dcqcn_kmin_b, dcqcn_kmax_b;      /* at 25 Gb/s; 20–50, 50–100 KB */
    double hpcc_eta;                        /* target utilisation, fraction; 0.70–0.95 */
    double hpcc_ai_bps;                     /* additive increase; 500 Mb/s – 1 Gb/s */
    double timely_tlow_ns, timely_thigh_ns; /* 40–60 µs, 100–150 µs */
} NetConf;

void netconf_default(
    NetConf *c); /* dctcp, 400 KiB, 15 KB, PFC on, K = 10 KB, and each CC's own defaults */
/* "cc=dctcp", "buffer=400KiB", "window=18KB", "pfc=on", "dctcp_k=10KB", "dcqcn_kmin", "dcqcn_kmax",
 * "hpcc_eta=0.9" (or 90%), "hpcc_ai=500Mbps", "timely_tlow=50us", "timely_thigh=120us". −1 names
 * the key and the nearest valid one. */
int netconf_set(NetConf *c, const char *key, const char *value, Err *err);
/* A setting as text that netconf_set reads back to the bit. The key is one of netconf_keys
 * (asserted). */
typedef struct {
    char s[32];
} NetConfText;
NetConfText netconf_text(const NetConf *c, const char *key);
int netconf_check(const NetConf *c, Err *err); /* ranges that make sense at all, kmin ≤ kmax, … */
/* False for a parameter of another congestion control than cc, which has no effect. */
bool netconf_applies(const char *key, Cc cc);
bool netconf_same(const NetConf *a, const NetConf *b); /* equal in all that has an effect */
extern const char *const netconf_keys[];               /* NULL-ended */
/* Accepts "hp" and "hpcc", "dcqcn_paper_vwin", "timely_vwin". */
int cc_parse(const char *name, Cc *cc, Err *err);
const char *cc_name(Cc cc); /* "dctcp", "dcqcn", "hp", "timely" */
#endif
