/* netconf: the network's settings: congestion control and its parameters, buffer, window, PFC. */
#ifndef M3_NET_NETCONF_H
#define M3_NET_NETCONF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/json.h"

/* ORDER CC: the congestion controls. Models know the first four, in this order, by their place in a
 * row of flags (modelinput.h); so new ones go behind. Names and aliases: a row in netconf.c. */
typedef enum {
    CC_DCTCP,
    CC_DCQCN,
    CC_HPCC,
    CC_TIMELY,
    CC_NONE,
    CC_SWIFT,
    CC_NSCC,
    CC_EQDS,
    CC_N
} Cc;

/* ORDER ROUTING: how flows and packets are spread over next hops of equal distance. By flow: its
 * hash (ecmp), or its hash with weights (wcmp). By packet: at random (spray), in turn (spray-rr),
 * by the hash of flow and flowlet (flowlet), the least queue (adaptive). packet/forward does it,
 * and ACKs take the hash of their flow always. */
typedef enum {
    ROUTING_ECMP,
    ROUTING_WCMP,
    ROUTING_SPRAY,
    ROUTING_SPRAY_RR,
    ROUTING_FLOWLET,
    ROUTING_ADAPTIVE,
    ROUTING_N
} Routing;

/* Settings of one network; what each means, its unit, default and limits: netconf_rows. */
typedef struct {
    Cc cc;
    double buffer_b;
    double line_window_b; /* a flow's window at its host's line rate, payload bytes; NETCONF_AUTO:
                             the network's largest base bandwidth-delay product (basebdp.h) */
    bool pfc;
    bool nscc_trim, eqds_trim;
    Routing routing;
    double reorder_window_b; /* payload bytes; NETCONF_AUTO: twice the largest window of a flow */
    double flowlet_gap_ns;
    double dctcp_k_b;
    double dcqcn_kmin_b, dcqcn_kmax_b;
    double hpcc_eta;
    double hpcc_ai_bps;
    double timely_tlow_ns, timely_thigh_ns;
    double swift_base_target_ns, swift_hop_scaling_ns;
    double swift_fs_range_ns, swift_fs_min_cwnd, swift_fs_max_cwnd; /* flow scaling; packets */
    double swift_ai, swift_beta, swift_max_mdf;
    double nscc_target_qdelay_ns, nscc_qa_threshold_ns; /* or NETCONF_AUTO */
    double nscc_alpha, nscc_fi, nscc_eta;               /* packets a round trip, before scaling */
    double nscc_fi_scale, nscc_gamma, nscc_max_md, nscc_qa_gate, nscc_delay_alpha;
    double nscc_max_wnd, nscc_ecn_low, nscc_ecn_high; /* BDPs */
    double eqds_speculative, eqds_max_wnd;            /* BDPs */
    double eqds_pull_rate, eqds_credit_per_pull;
} NetConf;

typedef enum {
    NETCONF_CC,       /* a congestion control's name */
    NETCONF_ROUTING,  /* a routing's name */
    NETCONF_FLAG,     /* on or off */
    NETCONF_SIZE,     /* bytes */
    NETCONF_TIME,     /* ns */
    NETCONF_RATE,     /* bit/s */
    NETCONF_FRACTION, /* 0.9 or 90% */
    NETCONF_PACKETS   /* a number of packets, not whole */
} NetConfType;

/* A number that stands for "auto", where a setting may be that. */
#define NETCONF_AUTO 0.0

/* One setting. Reading and writing it, its checks, help and documentation follow from its row. */
typedef struct {
    const char *key; /* in a mix's "network" and in --set */
    NetConfType type;
    size_t offset;         /* in NetConf */
    double lo, hi;         /* limits, both allowed, in the type's unit */
    const char *standard;  /* default, as text that netconf_set reads */
    Cc of;                 /* whose parameter it is; CC_N: every control's */
    const char *help;      /* what it means, at which reference rate */
    const char *published; /* key in a published mix ("bfsz", "param_1"); NULL: none */
    double published_unit; /* what 1 stands for there, in the type's unit */
    bool may_be_auto;      /* "auto" is a value, too, kept as NETCONF_AUTO: the network decides */
    unsigned routings;     /* whose parameter it is, as bits 1 << Routing; 0: every routing's */
} NetConfRow;

/* ORDER of --help, of spec/README.md and of files; ended by a row whose key is NULL. */
extern const NetConfRow netconf_rows[];
/* netconf_row returns the row of a key, or NULL. */
const NetConfRow *netconf_row(const char *key);
/* netconf_keys returns all keys in the order of the rows, ended by NULL. */
enum { NETCONF_MAX_KEYS = 63 };
typedef struct {
    const char *key[NETCONF_MAX_KEYS + 1];
} NetConfKeys;
NetConfKeys netconf_keys(void);
/* netconf_published_row returns the row that a published key stands for under a congestion control
 * (param_1 and param_2 mean something else for each), or NULL. */
const NetConfRow *netconf_published_row(const char *published, Cc cc);

/* netconf_published_number returns a setting in the unit of its published key ("bfsz", "param_1",
 * …); 0 for a parameter that conf->cc does not have. netconf_put_published is the inverse; it does
 * not check limits. */
double netconf_published_number(const NetConf *conf, const char *published);
void netconf_put_published(NetConf *conf, const char *published, double x);

/* netconf_default fills *conf with every setting's default. */
void netconf_default(NetConf *conf);

/* netconf_set reads a setting from text: "dctcp", "400KiB", "on", "0.9" or "90%", "500Mbps",
 * "50us". −1 with an input error that names the key: no such key (and the nearest valid one),
 * unreadable, outside of its limits. */
int netconf_set(NetConf *conf, const char *key, const char *value, Err *err);
/* netconf_set_number sets a setting from a number in its type's unit, 0 or 1 for off and on. −1
 * with an input error that names the key: no such key, a name is expected, outside of its limits.
 */
int netconf_set_number(NetConf *conf, const char *key, double x, Err *err);
/* netconf_check_bare refuses a number that a person wrote without a unit, if another unit than
 * bytes or bit/s was probably meant (units_check_bare): 18 for a window. 0 or −1 with an input
 * error that names the key. */
int netconf_check_bare(const char *key, double x, Err *err);

/* netconf_number returns a setting as a number: a quantity in its type's unit, 0 or 1 for off and
 * on, a control by its place in Cc, a routing by that in Routing. */
double netconf_number(const NetConf *conf, const NetConfRow *row);
/* netconf_put_number sets a setting from such a number without checking its limits (netconf_check
 * does). */
void netconf_put_number(NetConf *conf, const NetConfRow *row, double x);

typedef struct {
    char s[128];
} NetConfText;
/* netconf_check returns 0, or −1 with an input error if a setting is outside of its limits, or two
 * contradict each other (dcqcn_kmin above dcqcn_kmax). */
int netconf_check(const NetConf *conf, Err *err);

/* netconf_applies returns false for a parameter of another congestion control or routing than those
 * of conf: it has no effect. True for keys that are no settings of the network. */
bool netconf_applies(const char *key, const NetConf *conf);

/* netconf_same tells whether two networks' settings are equal in all that has an effect. */
bool netconf_same(const NetConf *a, const NetConf *b);

/* netconf_put_json writes the member "network" of the open object, as a mix has it: the settings in
 * use (other controls' and routings' parameters are left out, and routing=ecmp, the default),
 * quantities as numbers in their types' units, with
 * the unit where netconf_check_bare would doubt the number. */
void netconf_put_json(JsonOut *out, const NetConf *conf);
/* netconf_read_json reads the value of such a member: a number, text or boolean for each setting,
 * as netconf_set takes it. Settings that are missing keep their value. −1 with an input error that
 * names the place: unknown keys (with the nearest), values that are unreadable or outside of their
 * limits. Whether settings contradict each other is for netconf_check to say. */
int netconf_read_json(NetConf *conf, const Json *j, Err *err);
/* netconf_put_texts writes the member "network" with every setting as text, in use or not (numbers
 * in their types' units), so that netconf_read_texts gets the very same NetConf back. */
void netconf_put_texts(JsonOut *out, const NetConf *conf);
/* netconf_read_texts reads what netconf_put_texts wrote from the object j: settings that are
 * missing, since they are newer than the file, have their defaults. −1 names the place. */
int netconf_read_texts(NetConf *conf, const Json *j, Err *err);

/* netconf_base_unit returns what a number of this setting counts, as units_parse_* read it: "B",
 * "ns", "bps"; "" for the others. */
const char *netconf_base_unit(const NetConfRow *row);
/* netconf_limits returns what a setting may be as people read it: "1 B to 1 TB", "on or off". */
NetConfText netconf_limits(const NetConfRow *row);
/* netconf_print_help writes the settings, with meaning, default and limits of each. */
void netconf_print_help(FILE *f);

/* netconf_parse_cc reads a congestion control's name or one of its aliases ("hpcc", "timely_vwin"),
 * in any case. −1 with an input error that lists the valid names. */
int netconf_parse_cc(const char *name, Cc *cc, Err *err);
/* netconf_cc_name returns the name in files and reports. */
const char *netconf_cc_name(Cc cc);
/* netconf_cc_list returns "dctcp, dcqcn or hp": the first n controls in ORDER CC. */
NetConfText netconf_cc_list(int n);

/* netconf_parse_routing reads a routing's name in any case; −1 with an input error that lists the
 * valid ones. netconf_routing_name returns the name in files and reports. */
int netconf_parse_routing(const char *name, Routing *routing, Err *err);
const char *netconf_routing_name(Routing routing);
/* netconf_routing_list returns "ecmp, wcmp, … or adaptive". */
NetConfText netconf_routing_list(void);

/* netconf_by_packet returns whether a routing sends packets of one flow on several paths. */
static inline bool netconf_by_packet(Routing routing) { return routing >= ROUTING_SPRAY; }
#endif
