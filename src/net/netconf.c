/* netconf: the network's settings, by name.
 *
 * A row per setting says all there is to say of it: key, type, place in NetConf, limits, default,
 * whose parameter it is, what it means, and its key and unit in published mixes. Reading from text
 * and JSON, writing, checks, --help and the table of spec/README.md (a test compares) follow from
 * the rows. To add a setting, add its member to NetConf and its row here; to add a congestion
 * control, its name in `controls` and rows for its parameters.
 *
 * Limits are generous on purpose (what a switch could have), not those that a model was trained on:
 * estimates say themselves when they leave that range. Defaults are values of the paper's
 * experiments, or the middle of what it draws. */
#include "net/netconf.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "base/words.h"

#define AT(member) offsetof(NetConf, member)
const NetConfRow netconf_rows[] = {
    {"cc", NETCONF_CC, AT(cc), 0, 0, "dctcp", CC_N, "congestion control", "cc", 1},
    {"buffer", NETCONF_SIZE, AT(buffer_b), 1, 1e12, "400KiB", CC_N, "shared buffer of a switch",
     "bfsz", 10240},
    {"window", NETCONF_SIZE, AT(line_window_b), 1, 1e12, "15KB", CC_N,
     "initial and largest window of a flow", "window", 1},
    {"pfc", NETCONF_SWITCH, AT(pfc), 0, 1, "on", CC_N,
     "priority flow control: switches pause "
     "senders rather than drop packets",
     "enable_pfc", 1},
    {"dctcp_k", NETCONF_SIZE, AT(dctcp_k_b), 1, 1e12, "10KB", CC_DCTCP,
     "marking threshold at 10 Gb/s; scales with the rate", "param_1", 1e3},
    {"dcqcn_kmin", NETCONF_SIZE, AT(dcqcn_kmin_b), 1, 1e12, "35KB", CC_DCQCN,
     "marking begins, at 25 Gb/s; scales with the rate", "param_1", 1e3},
    {"dcqcn_kmax", NETCONF_SIZE, AT(dcqcn_kmax_b), 1, 1e12, "75KB", CC_DCQCN,
     "every packet is marked beyond, at 25 Gb/s; scales with the rate", "param_2", 1e3},
    {"hpcc_eta", NETCONF_FRACTION, AT(hpcc_eta), 0.01, 1, "0.9", CC_HPCC,
     "target utilisation of a link", "param_1", 0.01},
    {"hpcc_ai", NETCONF_RATE, AT(hpcc_ai_bps), 1, 1e15, "500Mbps", CC_HPCC, "additive increase",
     "param_2", 10e6},
    {"timely_tlow", NETCONF_TIME, AT(timely_tlow_ns), 1, 1e12, "50us", CC_TIMELY,
     "round trips below it always raise the rate", "param_1", 1e3},
    {"timely_thigh", NETCONF_TIME, AT(timely_thigh_ns), 1, 1e12, "125us", CC_TIMELY,
     "round trips above it always lower the rate", "param_2", 1e3},
    {"swift_base_target", NETCONF_TIME, AT(swift_base_target_ns), 1, 1e12, "25us", CC_SWIFT,
     "target delay before scaling; above the path's idle round trip", NULL, 0},
    {"swift_hop_scaling", NETCONF_TIME, AT(swift_hop_scaling_ns), 0, 1e12, "2us", CC_SWIFT,
     "added to the target for each switch on the path", NULL, 0},
    {"swift_fs_range", NETCONF_TIME, AT(swift_fs_range_ns), 0, 1e12, "50us", CC_SWIFT,
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
    {0},
};
enum { N_ROWS = sizeof netconf_rows / sizeof *netconf_rows - 1 };

const char *const netconf_keys[] = {"cc",
                                    "buffer",
                                    "window",
                                    "pfc",
                                    "dctcp_k",
                                    "dcqcn_kmin",
                                    "dcqcn_kmax",
                                    "hpcc_eta",
                                    "hpcc_ai",
                                    "timely_tlow",
                                    "timely_thigh",
                                    "swift_base_target",
                                    "swift_hop_scaling",
                                    "swift_fs_range",
                                    "swift_fs_min_cwnd",
                                    "swift_fs_max_cwnd",
                                    "swift_ai",
                                    "swift_beta",
                                    "swift_max_mdf",
                                    NULL};
_Static_assert(sizeof netconf_keys / sizeof *netconf_keys == N_ROWS + 1, "a key for every row");

/* ORDER CC. Aliases are the names that the HPCC authors' configurations use. */
static const struct {
    const char *name, *aliases[2];
} controls[CC_N] = {
    [CC_DCTCP] = {"dctcp", {NULL}}, [CC_DCQCN] = {"dcqcn", {"dcqcn_paper_vwin"}},
    [CC_HPCC] = {"hp", {"hpcc"}},   [CC_TIMELY] = {"timely", {"timely_vwin"}},
    [CC_NONE] = {"none", {NULL}},   [CC_SWIFT] = {"swift", {NULL}},
};

/* ---- congestion controls ---- */

const char *netconf_cc_name(Cc cc) { return controls[cc].name; }

NetConfCcList netconf_cc_list(int n) {
    NetConfCcList list = {""};
    size_t at = 0;
    for (int cc = 0; cc < n; cc++)
        at += (size_t)snprintf(list.s + at, sizeof list.s - at, "%s%s",
                               cc == 0       ? ""
                               : cc == n - 1 ? " or "
                                             : ", ",
                               controls[cc].name);
    assert(at < sizeof list.s);
    return list;
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

/* ---- rows ---- */

const NetConfRow *netconf_row(const char *key) {
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (strcmp(r->key, key) == 0) return r;
    return NULL;
}

static bool of_cc(const NetConfRow *r, Cc cc) { return r->of == CC_N || r->of == cc; }

const NetConfRow *netconf_published_row(const char *published, Cc cc) {
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (r->published && strcmp(r->published, published) == 0 && of_cc(r, cc)) return r;
    return NULL;
}

static bool is_quantity(const NetConfRow *r) {
    return r->type != NETCONF_CC && r->type != NETCONF_SWITCH;
}

double netconf_number(const NetConf *conf, const NetConfRow *row) {
    double x;
    assert(is_quantity(row));
    memcpy(&x, (const char *)conf + row->offset, sizeof x);
    return x;
}

void netconf_put_number(NetConf *conf, const NetConfRow *row, double x) {
    assert(is_quantity(row));
    memcpy((char *)conf + row->offset, &x, sizeof x);
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

bool netconf_applies(const char *key, Cc cc) {
    const NetConfRow *r = netconf_row(key);
    return !r || of_cc(r, cc);
}

bool netconf_same(const NetConf *a, const NetConf *b) {
    if (a->cc != b->cc || a->pfc != b->pfc) return false;
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (is_quantity(r) && of_cc(r, a->cc) && netconf_number(a, r) != netconf_number(b, r))
            return false;
    return true;
}

/* ---- text to setting ---- */

static int parse_switch(const char *text, const char *key, bool *on, Err *err) {
    static const char *const words[] = {"off", "on", "false", "true", "no",
                                        "yes", "0",  "1",     "0.0",  "1.0"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i], text) == 0) {
            *on = i % 2 == 1;
            return 0;
        }
    return err_input(err, "%s: expected on or off, got '%.60s'", key, text);
}

/* "0.9" or "90%". */
static int parse_fraction(const char *text, const char *key, double *x, Err *err) {
    char number[64] = "";
    size_t n = strlen(text);
    bool percent = n > 1 && text[n - 1] == '%' && n < sizeof number;
    if (percent) {
        memcpy(number, text, n - 1);
        number[n - 1] = '\0';
    }
    if (units_parse_number(percent ? number : text, key, x, err) != 0) return -1;
    if (percent) *x /= 100;
    return 0;
}

static int check_limits(const NetConfRow *r, double x, Err *err) {
    if (x >= r->lo && x <= r->hi) return 0; /* false for NaN */
    return err_input(err, "%s: must be in [%s, %s], got %s", r->key, json_number_text(r->lo).s,
                     json_number_text(r->hi).s, json_number_text(x).s);
}

static int parse_quantity(const NetConfRow *r, const char *value, double *x, Err *err) {
    switch (r->type) {
    case NETCONF_SIZE: return units_parse_size(value, r->key, x, err);
    case NETCONF_TIME: return units_parse_time(value, r->key, x, err);
    case NETCONF_RATE: return units_parse_rate(value, r->key, x, err);
    case NETCONF_PACKETS: return units_parse_number(value, r->key, x, err);
    default: return parse_fraction(value, r->key, x, err);
    }
}

static int set_row(NetConf *conf, const NetConfRow *r, const char *value, Err *err) {
    double x;
    if (r->type == NETCONF_CC) return netconf_parse_cc(value, &conf->cc, err);
    if (r->type == NETCONF_SWITCH)
        return parse_switch(value, r->key, (bool *)((char *)conf + r->offset), err);
    if (parse_quantity(r, value, &x, err) != 0 || check_limits(r, x, err) != 0) return -1;
    netconf_put_number(conf, r, x);
    return 0;
}

int netconf_set(NetConf *conf, const char *key, const char *value, Err *err) {
    const NetConfRow *r = netconf_row(key);
    if (r) return set_row(conf, r, value, err);
    const char *near = words_nearest(key, netconf_keys);
    return err_input(err, "unknown setting '%.60s'%s%s%s", key, near ? ", did you mean '" : "",
                     near ? near : "", near ? "'?" : "");
}

void netconf_default(NetConf *conf) {
    *conf = (NetConf){0};
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        int rc = set_row(conf, r, r->initial, NULL);
        assert(rc == 0);
        (void)rc;
    }
}

int netconf_check(const NetConf *conf, Err *err) {
    if ((unsigned)conf->cc >= CC_N)
        return err_input(err, "cc: expected one of %d congestion controls, got number %u", CC_N,
                         (unsigned)conf->cc);
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        if (is_quantity(r) && check_limits(r, netconf_number(conf, r), err) != 0) return -1;
    if (conf->dcqcn_kmin_b > conf->dcqcn_kmax_b)
        return err_input(err, "dcqcn_kmin: must be at most dcqcn_kmax (%s), got %s",
                         units_size(conf->dcqcn_kmax_b).s, units_size(conf->dcqcn_kmin_b).s);
    if (conf->timely_tlow_ns > conf->timely_thigh_ns)
        return err_input(err, "timely_tlow: must be at most timely_thigh (%s), got %s",
                         units_time(conf->timely_thigh_ns).s, units_time(conf->timely_tlow_ns).s);
    if (conf->swift_fs_min_cwnd >= conf->swift_fs_max_cwnd)
        return err_input(err, "swift_fs_min_cwnd: must be below swift_fs_max_cwnd (%s), got %s",
                         json_number_text(conf->swift_fs_max_cwnd).s,
                         json_number_text(conf->swift_fs_min_cwnd).s);
    return 0;
}

/* ---- setting to text and JSON ---- */

static NetConfText row_text(const NetConf *conf, const NetConfRow *r) {
    NetConfText t;
    snprintf(t.s, sizeof t.s, "%s",
             r->type == NETCONF_CC       ? netconf_cc_name(conf->cc)
             : r->type == NETCONF_SWITCH ? (conf->pfc ? "on" : "off")
                                         : json_number_text(netconf_number(conf, r)).s);
    return t;
}

NetConfText netconf_text(const NetConf *conf, const char *key) {
    const NetConfRow *r = netconf_row(key);
    assert(r);
    return row_text(conf, r);
}

void netconf_put_json(JsonOut *out, const NetConf *conf) {
    json_put_object(out, "network");
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        if (!of_cc(r, conf->cc)) continue;
        if (r->type == NETCONF_CC) json_put_string(out, r->key, netconf_cc_name(conf->cc));
        else if (r->type == NETCONF_SWITCH) json_put_bool(out, r->key, conf->pfc);
        else json_put_number(out, r->key, netconf_number(conf, r));
    }
    json_out_end(out, '}');
}

void netconf_put_texts(JsonOut *out, const NetConf *conf) {
    json_put_object(out, "network");
    for (const NetConfRow *r = netconf_rows; r->key; r++)
        json_put_string(out, r->key, row_text(conf, r).s);
    json_out_end(out, '}');
}

int netconf_read_texts(NetConf *conf, const Json *j, Err *err) {
    Json it;
    Err why = {0};
    const char *text;
    netconf_default(conf);
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        if (!json_find(j, r->key, &it)) continue;
        if (json_string(&it, &text, err) != 0) return -1;
        if (set_row(conf, r, text, &why) != 0) return json_fail(j, err, "%s", why.msg);
    }
    return netconf_check(conf, &why) == 0 ? 0 : json_fail(j, err, "%s", why.msg);
}

/* ---- help ---- */

static UnitsText quantity_text(NetConfType type, double x) {
    UnitsText t;
    if (type == NETCONF_SIZE) return units_size(x);
    if (type == NETCONF_TIME) return units_time(x);
    if (type == NETCONF_RATE) return units_rate(x);
    if (type == NETCONF_PACKETS) {
        snprintf(t.s, sizeof t.s, "%s packets", json_number_text(x).s);
        return t;
    }
    snprintf(t.s, sizeof t.s, "%s", json_number_text(x).s);
    return t;
}

NetConfLimits netconf_limits(const NetConfRow *row) {
    NetConfLimits t;
    if (row->type == NETCONF_CC) snprintf(t.s, sizeof t.s, "a name");
    else if (row->type == NETCONF_SWITCH) snprintf(t.s, sizeof t.s, "on or off");
    else
        snprintf(t.s, sizeof t.s, "%s to %s", quantity_text(row->type, row->lo).s,
                 quantity_text(row->type, row->hi).s);
    return t;
}

void netconf_print_help(FILE *f) {
    size_t key = 0, initial = strlen("default"), limits = 0; /* widths of columns */
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        size_t n_key = strlen(r->key), n_limits = strlen(netconf_limits(r).s);
        if (n_key > key) key = n_key;
        if (strlen(r->initial) > initial) initial = strlen(r->initial);
        if (n_limits > limits) limits = n_limits;
    }
    fprintf(f, "%-*s  %-*s  %-*s  %s\n", (int)key, "setting", (int)initial, "default", (int)limits,
            "limits", "meaning");
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        fprintf(f, "%-*s  %-*s  %-*s  %s", (int)key, r->key, (int)initial, r->initial, (int)limits,
                netconf_limits(r).s, r->help);
        if (r->type == NETCONF_CC) fprintf(f, ": %s", netconf_cc_list(CC_N).s);
        fputc('\n', f);
    }
}
