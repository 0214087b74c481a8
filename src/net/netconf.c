/* netconf: the network's settings, by name.
 *
 * One table row per setting: its key, the dimension its text is read in, its place in NetConf and
 * the range in which it means anything. Reading, checking and the list of keys all come from that
 * table. Ranges are generous on purpose (what a switch could have), not those the model was trained
 * on. The defaults are values the paper's experiments use, or the middle of what it draws. */
#include "base/words.h"
#include "net/netconf.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/units.h"

typedef enum { KIND_CC, KIND_SWITCH, KIND_SIZE, KIND_TIME, KIND_RATE, KIND_FRACTION } Kind;

typedef struct {
    const char *key;
    Kind kind;
    size_t offset;
    double lo, hi; /* both allowed */
    Cc of;         /* whose parameter it is; CC_N: of all */
} Setting;

#define AT(field) offsetof(NetConf, field)
static const Setting settings[] = {
    {"cc", KIND_CC, AT(cc), 0, 0, CC_N},
    {"buffer", KIND_SIZE, AT(buffer_b), 1, 1e12, CC_N},
    {"window", KIND_SIZE, AT(line_window_b), 1, 1e12, CC_N},
    {"pfc", KIND_SWITCH, AT(pfc), 0, 1, CC_N},
    {"dctcp_k", KIND_SIZE, AT(dctcp_k_b), 1, 1e12, CC_DCTCP},
    {"dcqcn_kmin", KIND_SIZE, AT(dcqcn_kmin_b), 1, 1e12, CC_DCQCN},
    {"dcqcn_kmax", KIND_SIZE, AT(dcqcn_kmax_b), 1, 1e12, CC_DCQCN},
    {"hpcc_eta", KIND_FRACTION, AT(hpcc_eta), 0.01, 1, CC_HPCC},
    {"hpcc_ai", KIND_RATE, AT(hpcc_ai_bps), 1, 1e15, CC_HPCC},
    {"timely_tlow", KIND_TIME, AT(timely_tlow_ns), 1, 1e12, CC_TIMELY},
    {"timely_thigh", KIND_TIME, AT(timely_thigh_ns), 1, 1e12, CC_TIMELY},
};
enum { N_SETTINGS = sizeof settings / sizeof *settings };

const char *const netconf_keys[] = {"cc",      "buffer",      "window",       "pfc",
                                    "dctcp_k", "dcqcn_kmin",  "dcqcn_kmax",   "hpcc_eta",
                                    "hpcc_ai", "timely_tlow", "timely_thigh", NULL};
_Static_assert(sizeof netconf_keys / sizeof *netconf_keys == N_SETTINGS + 1,
               "every setting has its key in the list");

void netconf_default(NetConf *c) {
    *c = (NetConf){.cc = CC_DCTCP,
                   .buffer_b = 400 * 1024,
                   .line_window_b = 15e3,
                   .pfc = true,
                   .dctcp_k_b = 10e3,
                   .dcqcn_kmin_b = 35e3,
                   .dcqcn_kmax_b = 75e3,
                   .hpcc_eta = 0.9,
                   .hpcc_ai_bps = 500e6,
                   .timely_tlow_ns = 50e3,
                   .timely_thigh_ns = 125e3};
}

const char *cc_name(Cc cc) {
    static const char *const names[CC_N] = {"dctcp", "dcqcn", "hp", "timely"};
    return names[cc];
}

int cc_parse(const char *name, Cc *cc, Err *err) {
    static const struct {
        const char *name;
        Cc cc;
    } known[] = {{"dctcp", CC_DCTCP},       {"dcqcn", CC_DCQCN}, {"dcqcn_paper_vwin", CC_DCQCN},
                 {"hp", CC_HPCC},           {"hpcc", CC_HPCC},   {"timely", CC_TIMELY},
                 {"timely_vwin", CC_TIMELY}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(known[i].name, name) == 0) {
            *cc = known[i].cc;
            return 0;
        }
    return err_input(err, "cc: expected dctcp, dcqcn, hp or timely, got '%.60s'", name);
}

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

static int check_range(const Setting *s, double x, Err *err) {
    if (x >= s->lo && x <= s->hi) return 0; /* false for NaN */
    return err_input(err, "%s: must be in [%s, %s], got %s", s->key, json_number_text(s->lo).s,
                     json_number_text(s->hi).s, json_number_text(x).s);
}

static int parse_quantity(const Setting *s, const char *value, double *x, Err *err) {
    switch (s->kind) {
    case KIND_SIZE: return units_parse_size(value, s->key, x, err);
    case KIND_TIME: return units_parse_time(value, s->key, x, err);
    case KIND_RATE: return units_parse_rate(value, s->key, x, err);
    default: return parse_fraction(value, s->key, x, err);
    }
}

int netconf_set(NetConf *c, const char *key, const char *value, Err *err) {
    const Setting *s = settings;
    while (s < settings + N_SETTINGS && strcmp(s->key, key) != 0) s++;
    if (s == settings + N_SETTINGS) {
        const char *near = words_nearest(key, netconf_keys);
        return err_input(err, "unknown setting '%.60s'%s%s%s", key, near ? ", did you mean '" : "",
                         near ? near : "", near ? "'?" : "");
    }
    if (s->kind == KIND_CC) return cc_parse(value, &c->cc, err);
    if (s->kind == KIND_SWITCH) return parse_switch(value, s->key, &c->pfc, err);
    double x;
    if (parse_quantity(s, value, &x, err) != 0 || check_range(s, x, err) != 0) return -1;
    memcpy((char *)c + s->offset, &x, sizeof x);
    return 0;
}

NetConfText netconf_text(const NetConf *c, const char *key) {
    NetConfText t;
    double x;
    const Setting *s = settings;
    while (s < settings + N_SETTINGS && strcmp(s->key, key) != 0) s++;
    assert(s < settings + N_SETTINGS);
    if (s->kind == KIND_CC) {
        snprintf(t.s, sizeof t.s, "%s", cc_name(c->cc));
    } else if (s->kind == KIND_SWITCH) {
        snprintf(t.s, sizeof t.s, "%s", c->pfc ? "on" : "off");
    } else {
        memcpy(&x, (const char *)c + s->offset, sizeof x);
        snprintf(t.s, sizeof t.s, "%s", json_number_text(x).s);
    }
    return t;
}

bool netconf_applies(const char *key, Cc cc) {
    for (const Setting *s = settings; s < settings + N_SETTINGS; s++)
        if (strcmp(s->key, key) == 0) return s->of == CC_N || s->of == cc;
    return true;
}

bool netconf_same(const NetConf *a, const NetConf *b) {
    if (a->cc != b->cc || a->pfc != b->pfc) return false;
    for (const Setting *s = settings; s < settings + N_SETTINGS; s++) {
        double x, y;
        if (s->kind == KIND_CC || s->kind == KIND_SWITCH || !netconf_applies(s->key, a->cc))
            continue;
        memcpy(&x, (const char *)a + s->offset, sizeof x);
        memcpy(&y, (const char *)b + s->offset, sizeof y);
        if (x != y) return false;
    }
    return true;
}

int netconf_check(const NetConf *c, Err *err) {
    if ((unsigned)c->cc >= CC_N)
        return err_input(err, "cc: expected one of %d congestion controls, got number %u", CC_N,
                         (unsigned)c->cc);
    for (const Setting *s = settings; s < settings + N_SETTINGS; s++) {
        double x;
        if (s->kind == KIND_CC || s->kind == KIND_SWITCH) continue;
        memcpy(&x, (const char *)c + s->offset, sizeof x);
        if (check_range(s, x, err) != 0) return -1;
    }
    if (c->dcqcn_kmin_b > c->dcqcn_kmax_b)
        return err_input(err, "dcqcn_kmin: must be at most dcqcn_kmax (%s), got %s",
                         units_size(c->dcqcn_kmax_b).s, units_size(c->dcqcn_kmin_b).s);
    if (c->timely_tlow_ns > c->timely_thigh_ns)
        return err_input(err, "timely_tlow: must be at most timely_thigh (%s), got %s",
                         units_time(c->timely_thigh_ns).s, units_time(c->timely_tlow_ns).s);
    return 0;
}
