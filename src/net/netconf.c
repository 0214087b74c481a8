/* netconf: the network's settings, by name.
 *
 * A row per setting says all there is to say of it: key, type, place in NetConf, limits, default,
 * whose parameter it is, what it means, and its key and unit in published mixes. Reading from text
 * and JSON, writing, checks, comparing, help and the table of spec/README.md (a test compares)
 * follow from the rows; nothing below the tables knows a setting by name. To add a setting, add its
 * member to NetConf and its row here; to add a congestion control, its entry to Cc, its names to
 * `controls` and rows for its parameters; likewise a routing.
 *
 * Limits are wide on purpose (what a switch could have), not those that a model was trained on:
 * estimates say themselves when they leave that range. Defaults are values of the paper's
 * experiments, or the middle of what its training draws. Published keys and units are those of the
 * mix files that the paper's authors published. */
#include "net/netconf.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "base/words.h"

/* A window is at most a buffer, and a buffer at most gigabytes: 1 TB is far beyond both, and still
 * so small that a sum over all ports is exact in a double. The same goes for 1000 s and 1000 Tb/s.
 * HPCC divides by its target utilisation, which therefore stays away from 0. */
#define MAX_B 1e12
#define MAX_NS 1e12
#define MAX_BPS 1e15
#define MIN_ETA 0.01

#define AT(member) offsetof(NetConf, member)
#define BY_PACKET \
    (1u << ROUTING_SPRAY | 1u << ROUTING_SPRAY_RR | 1u << ROUTING_FLOWLET | 1u << ROUTING_ADAPTIVE)
const NetConfRow netconf_rows[] = {
    {"cc", NETCONF_CC, AT(cc), 0, CC_N - 1, "dctcp", CC_N, "congestion control", "cc", 1},
    {"buffer", NETCONF_SIZE, AT(buffer_b), 1, MAX_B, "400KiB", CC_N, "shared buffer of a switch",
     "bfsz", 10240},
    {"window", NETCONF_SIZE, AT(line_window_b), 1, MAX_B, "auto", CC_N,
     "initial and largest window of a flow; auto: the largest base BDP", "window", 1, true},
    {"pfc", NETCONF_FLAG, AT(pfc), 0, 1, "on", CC_N,
     "priority flow control: switches pause senders rather than drop packets", "enable_pfc", 1},
    {"routing", NETCONF_ROUTING, AT(routing), 0, ROUTING_N - 1, "ecmp", CC_N,
     "which of several next hops a packet takes", NULL, 0},
    {"reorder_window", NETCONF_SIZE, AT(reorder_window_b), 1, MAX_B, "auto", CC_N,
     "bytes after a missing one that receivers keep; auto: twice the largest window of a flow",
     NULL, 0, true, BY_PACKET},
    {"flowlet_gap", NETCONF_TIME, AT(flowlet_gap_ns), 0, MAX_NS, "10us", CC_N,
     "a flow's pause after which its packets may take another path", NULL, 0, false,
     1u << ROUTING_FLOWLET},
    {"dctcp_k", NETCONF_SIZE, AT(dctcp_k_b), 1, MAX_B, "10KB", CC_DCTCP,
     "marking threshold at 10 Gb/s; scales with the rate", "param_1", 1e3},
    {"dcqcn_kmin", NETCONF_SIZE, AT(dcqcn_kmin_b), 1, MAX_B, "35KB", CC_DCQCN,
     "queue above which packets are marked, at 25 Gb/s; scales with the rate", "param_1", 1e3},
    {"dcqcn_kmax", NETCONF_SIZE, AT(dcqcn_kmax_b), 1, MAX_B, "75KB", CC_DCQCN,
     "queue above which every packet is marked, at 25 Gb/s; scales with the rate", "param_2", 1e3},
    {"hpcc_eta", NETCONF_FRACTION, AT(hpcc_eta), MIN_ETA, 1, "0.9", CC_HPCC,
     "target utilisation of a link", "param_1", 0.01},
    {"hpcc_ai", NETCONF_RATE, AT(hpcc_ai_bps), 1, MAX_BPS, "500Mbps", CC_HPCC, "additive increase",
     "param_2", 10e6},
    {"timely_tlow", NETCONF_TIME, AT(timely_tlow_ns), 1, MAX_NS, "50us", CC_TIMELY,
     "round trips below it always raise the rate", "param_1", 1e3},
    {"timely_thigh", NETCONF_TIME, AT(timely_thigh_ns), 1, MAX_NS, "125us", CC_TIMELY,
     "round trips above it always lower the rate", "param_2", 1e3},
    {"swift_base_target", NETCONF_TIME, AT(swift_base_target_ns), 1, MAX_NS, "25us", CC_SWIFT,
     "target delay before scaling; above the path's idle round trip", NULL, 0},
    {"swift_hop_scaling", NETCONF_TIME, AT(swift_hop_scaling_ns), 0, MAX_NS, "2us", CC_SWIFT,
     "added to the target for each switch on the path", NULL, 0},
    {"swift_fs_range", NETCONF_TIME, AT(swift_fs_range_ns), 0, MAX_NS, "50us", CC_SWIFT,
     "flow scaling: the most that a small window adds to the target", NULL, 0},
    {"swift_fs_min_cwnd", NETCONF_PACKETS, AT(swift_fs_min_cwnd), 0.001, 1e5, "0.1", CC_SWIFT,
     "window at which flow scaling is at its most", NULL, 0},
    {"swift_fs_max_cwnd", NETCONF_PACKETS, AT(swift_fs_max_cwnd), 0.001, 1e5, "100", CC_SWIFT,
     "window from which there is no flow scaling", NULL, 0},
    {"swift_ai", NETCONF_PACKETS, AT(swift_ai), 0.001, 1e5, "1", CC_SWIFT,
     "additive increase a round trip", NULL, 0},
    {"swift_beta", NETCONF_FRACTION, AT(swift_beta), 0.001, 1, "0.8", CC_SWIFT,
     "multiplicative decrease: share of the relative excess delay", NULL, 0},
    {"swift_max_mdf", NETCONF_FRACTION, AT(swift_max_mdf), 0.001, 0.999, "0.5", CC_SWIFT,
     "largest multiplicative decrease a round trip", NULL, 0},
    {"nscc_target_qdelay", NETCONF_TIME, AT(nscc_target_qdelay_ns), 1, MAX_NS, "auto", CC_NSCC,
     "target queuing delay; auto: the network's round trip, 3/4 of it with nscc_trim", NULL, 0,
     true},
    {"nscc_alpha", NETCONF_PACKETS, AT(nscc_alpha), 0, 1e5, "4", CC_NSCC,
     "proportional increase without delay, a round trip at 100 Gb/s and 12 us; scales with BDP and "
     "target",
     NULL, 0},
    {"nscc_fi", NETCONF_PACKETS, AT(nscc_fi), 0, 1e5, "5", CC_NSCC,
     "fair increase a round trip at 100 Gb/s and 12 us; scales with the BDP", NULL, 0},
    {"nscc_eta", NETCONF_PACKETS, AT(nscc_eta), 0, 1e5, "0.15", CC_NSCC,
     "constant increase a round trip at 100 Gb/s and 12 us; scales with the BDP", NULL, 0},
    {"nscc_fi_scale", NETCONF_FRACTION, AT(nscc_fi_scale), 0, 100, "0.25", CC_NSCC,
     "fast increase: share of acknowledged bytes at 100 Gb/s and 12 us; scales with the BDP", NULL,
     0},
    {"nscc_gamma", NETCONF_FRACTION, AT(nscc_gamma), 0, 1, "0.8", CC_NSCC,
     "multiplicative decrease: share of the relative excess delay", NULL, 0},
    {"nscc_max_md", NETCONF_FRACTION, AT(nscc_max_md), 0, 0.999, "0.5", CC_NSCC,
     "largest multiplicative decrease a round trip", NULL, 0},
    {"nscc_qa_threshold", NETCONF_TIME, AT(nscc_qa_threshold_ns), 1, MAX_NS, "auto", CC_NSCC,
     "delay above which quick adapt acts; auto: four times the target", NULL, 0, true},
    {"nscc_qa_gate", NETCONF_FRACTION, AT(nscc_qa_gate), 0, 1, "0.125", CC_NSCC,
     "quick adapt: only if less than this share of the largest window arrived", NULL, 0},
    {"nscc_delay_alpha", NETCONF_FRACTION, AT(nscc_delay_alpha), 0.0001, 1, "0.0125", CC_NSCC,
     "weight of a new delay in their average", NULL, 0},
    {"nscc_max_wnd", NETCONF_FRACTION, AT(nscc_max_wnd), 0.001, 1000, "1.5", CC_NSCC,
     "initial and largest window, in units of the setting window", NULL, 0},
    {"nscc_ecn_low", NETCONF_FRACTION, AT(nscc_ecn_low), 0, 1000, "0.2", CC_NSCC,
     "queue above which packets are marked, in BDPs at the port's rate", NULL, 0},
    {"nscc_ecn_high", NETCONF_FRACTION, AT(nscc_ecn_high), 0, 1000, "0.8", CC_NSCC,
     "queue above which every packet is marked, in BDPs at the port's rate", NULL, 0},
    {"nscc_trim", NETCONF_FLAG, AT(nscc_trim), 0, 1, "off", CC_NSCC,
     "switches drop the payload of packets that find no buffer, and send their headers on first",
     NULL, 0},
    {"eqds_speculative", NETCONF_FRACTION, AT(eqds_speculative), 0.001, 1000, "1", CC_EQDS,
     "what a flow sends before it has credit, in units of the setting window", NULL, 0},
    {"eqds_max_wnd", NETCONF_FRACTION, AT(eqds_max_wnd), 0.001, 1000, "1", CC_EQDS,
     "most of a flow that is granted and has not arrived, in units of the setting window", NULL, 0},
    {"eqds_pull_rate", NETCONF_FRACTION, AT(eqds_pull_rate), 0.01, 1, "0.99", CC_EQDS,
     "credit that a receiver grants: share of its link's rate", NULL, 0},
    {"eqds_credit_per_pull", NETCONF_PACKETS, AT(eqds_credit_per_pull), 0.001, 1000, "1", CC_EQDS,
     "credit that a pull grants, rounded up to whole packets", NULL, 0},
    {"eqds_trim", NETCONF_FLAG, AT(eqds_trim), 0, 1, "off", CC_EQDS,
     "switches drop the payload of packets that find no buffer, and send their headers on first",
     NULL, 0},
    {0},
};
enum { N_ROWS = sizeof netconf_rows / sizeof *netconf_rows - 1 };

_Static_assert((int)N_ROWS <= (int)NETCONF_MAX_KEYS, "every key has its place in a list");

/* Pairs of which the first must not exceed the second; apart: nor equal it. */
static const struct {
    const char *low, *high;
    bool apart;
} orders[] = {
    {"dcqcn_kmin", "dcqcn_kmax", false},
    {"timely_tlow", "timely_thigh", false},
    {"swift_fs_min_cwnd", "swift_fs_max_cwnd", true},
    {"nscc_ecn_low", "nscc_ecn_high", false},
};
enum { N_ORDERS = sizeof orders / sizeof *orders };

/* ORDER CC. Aliases are the names that the HPCC authors' configurations use. */
static const struct {
    const char *name, *aliases[2];
} controls[CC_N] = {
    [CC_DCTCP] = {"dctcp", {NULL}}, [CC_DCQCN] = {"dcqcn", {"dcqcn_paper_vwin"}},
    [CC_HPCC] = {"hp", {"hpcc"}},   [CC_TIMELY] = {"timely", {"timely_vwin"}},
    [CC_NONE] = {"none", {NULL}},   [CC_SWIFT] = {"swift", {NULL}},
    [CC_NSCC] = {"nscc", {NULL}},   [CC_EQDS] = {"eqds", {NULL}},
};

static const char *const routings[ROUTING_N] = {
    [ROUTING_ECMP] = "ecmp",         [ROUTING_WCMP] = "wcmp",       [ROUTING_SPRAY] = "spray",
    [ROUTING_SPRAY_RR] = "spray-rr", [ROUTING_FLOWLET] = "flowlet", [ROUTING_ADAPTIVE] = "adaptive",
};

/* ---- congestion controls and routings ---- */

const char *netconf_cc_name(Cc cc) { return controls[cc].name; }

const char *netconf_routing_name(Routing routing) { return routings[routing]; }

/* Appends the i-th of n names. */
static void add_to_list(NetConfText *list, int i, int n, const char *name) {
    size_t at = strlen(list->s);
    int len = snprintf(list->s + at, sizeof list->s - at, "%s%s",
                       i == 0       ? ""
                       : i == n - 1 ? " or "
                                    : ", ",
                       name);
    assert((size_t)len < sizeof list->s - at);
    (void)len;
}

NetConfText netconf_cc_list(int n) {
    NetConfText list = {""};
    for (int cc = 0; cc < n; cc++) add_to_list(&list, cc, n, controls[cc].name);
    return list;
}

NetConfText netconf_routing_list(void) {
    NetConfText list = {""};
    for (int i = 0; i < ROUTING_N; i++) add_to_list(&list, i, ROUTING_N, routings[i]);
    return list;
}

int netconf_parse_routing(const char *name, Routing *routing, Err *err) {
    for (int i = 0; i < ROUTING_N; i++) {
        if (strcasecmp(routings[i], name) != 0) continue;
        *routing = (Routing)i;
        return 0;
    }
    return err_input(err, "routing: expected %s, got '%.60s'", netconf_routing_list().s, name);
}

int netconf_parse_cc(const char *name, Cc *cc, Err *err) {
    for (int i = 0; i < CC_N; i++) {
        bool found = strcasecmp(controls[i].name, name) == 0;
        for (int k = 0; k < 2 && controls[i].aliases[k]; k++)
            found |= strcasecmp(controls[i].aliases[k], name) == 0;
        if (!found) continue;
        *cc = (Cc)i;
        return 0;
    }
    return err_input(err, "cc: expected %s, got '%.60s'", netconf_cc_list(CC_N).s, name);
}

/* ---- rows and values ---- */

const NetConfRow *netconf_row(const char *key) {
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (strcmp(r->key, key) == 0) return r;
    return NULL;
}

NetConfKeys netconf_keys(void) {
    NetConfKeys keys = {{NULL}};
    for (int i = 0; i < N_ROWS; i++) keys.key[i] = netconf_rows[i].key;
    return keys;
}

static bool is_name(const NetConfRow *r) {
    return r->type == NETCONF_CC || r->type == NETCONF_ROUTING;
}

static bool of_cc(const NetConfRow *r, Cc cc) { return r->of == CC_N || r->of == cc; }

static bool applies(const NetConfRow *r, const NetConf *conf) {
    return of_cc(r, conf->cc) && (r->routings == 0 || (r->routings >> conf->routing & 1));
}

bool netconf_applies(const char *key, const NetConf *conf) {
    const NetConfRow *r = netconf_row(key);
    return !r || applies(r, conf);
}

double netconf_number(const NetConf *conf, const NetConfRow *row) {
    const char *at = (const char *)conf + row->offset;
    double x;
    Cc cc;
    Routing routing;
    bool on;
    switch (row->type) {
    case NETCONF_CC: return memcpy(&cc, at, sizeof cc), cc;
    case NETCONF_ROUTING: return memcpy(&routing, at, sizeof routing), routing;
    case NETCONF_FLAG: return memcpy(&on, at, sizeof on), on;
    default: return memcpy(&x, at, sizeof x), x;
    }
}

void netconf_put_number(NetConf *conf, const NetConfRow *row, double x) {
    char *at = (char *)conf + row->offset;
    bool on = x != 0;
    Cc cc = x >= 0 && x < CC_N ? (Cc)x : CC_N;
    Routing routing = x >= 0 && x < ROUTING_N ? (Routing)x : ROUTING_N;
    switch (row->type) {
    case NETCONF_CC: memcpy(at, &cc, sizeof cc); break;
    case NETCONF_ROUTING: memcpy(at, &routing, sizeof routing); break;
    case NETCONF_FLAG: memcpy(at, &on, sizeof on); break;
    default: memcpy(at, &x, sizeof x);
    }
}

bool netconf_same(const NetConf *a, const NetConf *b) {
    if (a->cc != b->cc) return false;
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (applies(r, a) && netconf_number(a, r) != netconf_number(b, r)) return false;
    return true;
}

/* A quantity as people read it, perhaps rounded. */
static UnitsText quantity_text(NetConfType type, double x) {
    UnitsText t;
    switch (type) {
    case NETCONF_SIZE: return units_size(x);
    case NETCONF_TIME: return units_time(x);
    case NETCONF_RATE: return units_rate(x);
    default: snprintf(t.s, sizeof t.s, "%s", json_number_text(x).s); return t;
    }
}

/* ---- checks ---- */

static bool is_auto(const NetConfRow *r, double x) { return r->may_be_auto && x == NETCONF_AUTO; }

static int check_limits(const NetConfRow *r, double x, Err *err) {
    if (x >= r->lo && x <= r->hi) return 0; /* false for NaN */
    return err_input(err, "%s: must be in [%s, %s], got %s", r->key, json_number_text(r->lo).s,
                     json_number_text(r->hi).s, json_number_text(x).s);
}

int netconf_check(const NetConf *conf, Err *err) {
    if ((unsigned)conf->cc >= CC_N)
        return err_input(err, "cc: expected one of %d congestion controls, got number %u", CC_N,
                         (unsigned)conf->cc);
    if ((unsigned)conf->routing >= ROUTING_N)
        return err_input(err, "routing: expected one of %d routings, got number %u", ROUTING_N,
                         (unsigned)conf->routing);
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (!is_auto(r, netconf_number(conf, r)) &&
            check_limits(r, netconf_number(conf, r), err) != 0)
            return -1;
    for (int i = 0; i < N_ORDERS; i++) {
        const NetConfRow *low = netconf_row(orders[i].low), *high = netconf_row(orders[i].high);
        double x = netconf_number(conf, low), most = netconf_number(conf, high);
        if (orders[i].apart ? x < most : x <= most) continue;
        return err_input(err, "%s: must be %s %s (%s), got %s", low->key,
                         orders[i].apart ? "below" : "at most", high->key,
                         quantity_text(high->type, most).s, quantity_text(low->type, x).s);
    }
    return 0;
}

/* ---- from text ---- */

static int parse_flag(const char *text, const char *key, double *x, Err *err) {
    static const char *const words[] = {"off", "on", "false", "true", "no",
                                        "yes", "0",  "1",     "0.0",  "1.0"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i], text) == 0) {
            *x = i % 2 == 1;
            return 0;
        }
    return err_input(err, "%s: expected on or off, got '%.60s'", key, text);
}

static int parse(const NetConfRow *r, const char *text, double *x, Err *err) {
    Cc cc;
    Routing routing;
    switch (r->type) {
    case NETCONF_CC:
        if (netconf_parse_cc(text, &cc, err) != 0) return -1;
        *x = cc;
        return 0;
    case NETCONF_ROUTING:
        if (netconf_parse_routing(text, &routing, err) != 0) return -1;
        *x = routing;
        return 0;
    case NETCONF_FLAG: return parse_flag(text, r->key, x, err);
    case NETCONF_SIZE: return units_parse_size(text, r->key, x, err);
    case NETCONF_TIME: return units_parse_time(text, r->key, x, err);
    case NETCONF_RATE: return units_parse_rate(text, r->key, x, err);
    case NETCONF_FRACTION: return units_parse_share(text, r->key, x, err);
    case NETCONF_PACKETS: return units_parse_number(text, r->key, x, err);
    }
    return err_input(err, "%s: of unknown type", r->key);
}

static int no_such_setting(const char *key, Err *err) {
    const char *near = words_nearest(key, netconf_keys().key);
    return err_input(err, "unknown setting '%.60s'%s%s%s", key, near ? ", did you mean '" : "",
                     near ? near : "", near ? "'?" : "");
}

int netconf_set(NetConf *conf, const char *key, const char *value, Err *err) {
    const NetConfRow *r = netconf_row(key);
    double x;
    if (!r) return no_such_setting(key, err);
    if (r->may_be_auto && strcasecmp(value, "auto") == 0) x = NETCONF_AUTO;
    else if (parse(r, value, &x, err) != 0 || check_limits(r, x, err) != 0) return -1;
    netconf_put_number(conf, r, x);
    return 0;
}

int netconf_set_number(NetConf *conf, const char *key, double x, Err *err) {
    const NetConfRow *r = netconf_row(key);
    if (!r) return no_such_setting(key, err);
    if (is_name(r)) return err_input(err, "%s: expected a string, got a number", key);
    if (r->type == NETCONF_FLAG && x != 0 && x != 1)
        return err_input(err, "%s: expected on or off, got %s", key, json_number_text(x).s);
    if (check_limits(r, x, err) != 0) return -1;
    netconf_put_number(conf, r, x);
    return 0;
}

int netconf_check_bare(const char *key, double x, Err *err) {
    const NetConfRow *r = netconf_row(key);
    if (!r || (r->type != NETCONF_SIZE && r->type != NETCONF_RATE)) return 0;
    return units_check_bare(r->type == NETCONF_SIZE ? UNITS_SIZE : UNITS_RATE, x, key, err);
}

void netconf_default(NetConf *conf) {
    *conf = (NetConf){0};
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (netconf_set(conf, r->key, r->standard, NULL) != 0)
            assert(false && "a default is a valid text");
}

/* ---- to text and JSON ---- */

void netconf_put_json(JsonOut *out, const NetConf *conf) {
    json_put_object(out, "network");
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        double x = netconf_number(conf, r);
        if (!applies(r, conf)) continue;
        if (r->type == NETCONF_CC) json_put_string(out, r->key, netconf_cc_name(conf->cc));
        else if (r->type == NETCONF_ROUTING && conf->routing == ROUTING_ECMP) continue;
        else if (r->type == NETCONF_ROUTING)
            json_put_string(out, r->key, netconf_routing_name(conf->routing));
        else if (r->type == NETCONF_FLAG) json_put_bool(out, r->key, x != 0);
        else if (is_auto(r, x)) json_put_string(out, r->key, "auto");
        else if (netconf_check_bare(r->key, x, NULL) == 0) json_put_number(out, r->key, x);
        else {
            NetConfText t;
            snprintf(t.s, sizeof t.s, "%s%s", json_number_text(x).s, netconf_base_unit(r));
            json_put_string(out, r->key, t.s);
        }
    }
    json_out_end(out, '}');
}

int netconf_read_json(NetConf *conf, const Json *j, Err *err) {
    Json it;
    if (json_only_keys(j, netconf_keys().key, err) != 0) return -1;
    for (bool ok = json_first(j, &it); ok; ok = json_next(&it)) {
        const char *text;
        double x;
        Err why = {0};
        int rc;
        if (json_is_number(&it)) {
            if (json_number(&it, &x, err) != 0) return -1;
            rc = netconf_check_bare(it.key, x, &why) != 0
                     ? -1
                     : netconf_set_number(conf, it.key, x, &why);
        } else {
            JsonNumber buffer;
            if (json_text(&it, &buffer, &text, err) != 0) return -1;
            rc = netconf_set(conf, it.key, text, &why);
        }
        if (rc != 0) return json_fail_named(&it, err, why.msg);
    }
    return 0;
}

void netconf_put_texts(JsonOut *out, const NetConf *conf) {
    json_put_object(out, "network");
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        double x = netconf_number(conf, r);
        switch (r->type) {
        case NETCONF_CC: json_put_string(out, r->key, netconf_cc_name((Cc)x)); break;
        case NETCONF_ROUTING: json_put_string(out, r->key, netconf_routing_name((Routing)x)); break;
        case NETCONF_FLAG: json_put_string(out, r->key, x != 0 ? "on" : "off"); break;
        default: json_put_string(out, r->key, is_auto(r, x) ? "auto" : json_number_text(x).s);
        }
    }
    json_out_end(out, '}');
}

int netconf_read_texts(NetConf *conf, const Json *j, Err *err) {
    Json it;
    Err why = {0};
    const char *text;
    netconf_default(conf);
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        double x;
        if (!json_find(j, r->key, &it)) continue;
        if (json_string(&it, &text, err) != 0) return -1;
        bool named = is_name(r) || r->type == NETCONF_FLAG;
        int rc = named || units_parse_number(text, r->key, &x, &why) != 0
                     ? netconf_set(conf, r->key, text, &why)
                     : netconf_set_number(conf, r->key, x, &why);
        if (rc != 0) return json_fail(j, err, "%s", why.msg);
    }
    return netconf_check(conf, &why) == 0 ? 0 : json_fail(j, err, "%s", why.msg);
}

/* ---- published keys ---- */

const NetConfRow *netconf_published_row(const char *published, Cc cc) {
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (r->published && strcmp(r->published, published) == 0 && of_cc(r, cc)) return r;
    return NULL;
}

double netconf_published_number(const NetConf *conf, const char *published) {
    const NetConfRow *r = netconf_published_row(published, conf->cc);
    if (!r) return 0;
    double x = netconf_number(conf, r), unit = r->published_unit;
    return unit < 1 ? x * (1 / unit) : x / unit; /* 0.01 is not exact, but 1 / 0.01 is 100 */
}

void netconf_put_published(NetConf *conf, const char *published, double x) {
    const NetConfRow *r = netconf_published_row(published, conf->cc);
    if (r) netconf_put_number(conf, r, x * r->published_unit);
}

/* ---- help ---- */

const char *netconf_base_unit(const NetConfRow *row) {
    switch (row->type) {
    case NETCONF_SIZE: return "B";
    case NETCONF_TIME: return "ns";
    case NETCONF_RATE: return "bps";
    default: return "";
    }
}

NetConfText netconf_limits(const NetConfRow *row) {
    NetConfText t;
    if (is_name(row)) snprintf(t.s, sizeof t.s, "a name");
    else if (row->type == NETCONF_FLAG) snprintf(t.s, sizeof t.s, "on or off");
    else
        snprintf(t.s, sizeof t.s, "%s to %s%s%s", quantity_text(row->type, row->lo).s,
                 quantity_text(row->type, row->hi).s,
                 row->type == NETCONF_PACKETS ? " packets" : "",
                 row->may_be_auto ? ", or auto" : "");
    return t;
}

void netconf_print_help(FILE *f) {
    size_t key = 0, standard = strlen("default"), limits = 0; /* widths of columns */
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        size_t n_key = strlen(r->key), n_limits = strlen(netconf_limits(r).s);
        if (n_key > key) key = n_key;
        if (strlen(r->standard) > standard) standard = strlen(r->standard);
        if (n_limits > limits) limits = n_limits;
    }
    fprintf(f, "%-*s  %-*s  %-*s  %s\n", (int)key, "setting", (int)standard, "default", (int)limits,
            "limits", "meaning");
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        fprintf(f, "%-*s  %-*s  %-*s  %s", (int)key, r->key, (int)standard, r->standard,
                (int)limits, netconf_limits(r).s, r->help);
        if (r->type == NETCONF_CC) fprintf(f, ": %s", netconf_cc_list(CC_N).s);
        if (r->type == NETCONF_ROUTING) fprintf(f, ": %s", netconf_routing_list().s);
        fputc('\n', f);
    }
}
