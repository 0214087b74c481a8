/* published: keys and units of the published mixes (JSON), and of path scenarios in their manner.
 *
 * Most keys are other names for ours. Three of a mix count in units of their own: bfsz is a
 * switch's buffer in 10 KiB; param_1 and param_2 are the parameters of the congestion control, in
 * KB, percent, 10 Mb/s or microseconds. Which settings and units these are, the rows of net/netconf
 * say. Path scenarios, the cases of a training set, have the same keys but for buffer_kb and
 * window_b. */
#include "scenario/published.h"

#include <string.h>

#include "base/units.h"

static const PublishedKey keys[] = {{"id", NULL, false, false},
                                    {"spatial", "matrix", false, false},
                                    {"size_dist", "sizes", false, false},
                                    {"lognorm_sigma", "sigma", false, false},
                                    {"max_load", "max_load", false, false},
                                    {"cluster", "topology", false, false},
                                    {"duration", "duration", false, false},
                                    {"n_flows", "n_flows", false, false},
                                    {"param_id", NULL, false, false},
                                    {"bfsz", NULL, true, false},
                                    {"window", "window", false, false},
                                    {"enable_pfc", "pfc", false, false},
                                    {"cc", "cc", false, false},
                                    {"param_1", NULL, true, true},
                                    {"param_2", NULL, true, true}};
enum { N_KEYS = sizeof keys / sizeof *keys };

const PublishedKey *published_key(const char *name) {
    for (int i = 0; i < N_KEYS; i++)
        if (strcmp(keys[i].name, name) == 0) return &keys[i];
    return NULL;
}

const char *published_from_ours(const char *key) {
    for (int i = 0; i < N_KEYS; i++)
        if (keys[i].ours && strcmp(keys[i].ours, key) == 0) return keys[i].name;
    return NULL;
}

bool published_is_mix(const Json *j) {
    Json it;
    return json_find(j, "spatial", &it) || json_find(j, "size_dist", &it) ||
           json_find(j, "cluster", &it);
}

bool published_applies(const char *key, Cc cc) {
    const PublishedKey *k = published_key(key);
    return !k || !k->of_cc || netconf_published_row(key, cc);
}

int published_set(NetConf *conf, const char *key, const char *text, Err *err) {
    double x;
    const NetConfRow *row = netconf_published_row(key, conf->cc);
    if (units_parse_number(text, key, &x, err) != 0) return -1;
    if (!row) return 0;
    if (netconf_set_number(conf, row->key, x * row->published_unit, err) == 0) return 0;
    if (strcmp(key, "bfsz") != 0) return err_wrap(err, "%s", key);
    return err_input(err, "bfsz: must be above 0 (in units of 10 KiB), got %.40s", text);
}

/* The keys that mixes and paths share. */
static void put_common(JsonOut *out, const NetConf *conf) {
    json_put_string(out, "cc", netconf_cc_name(conf->cc));
    json_put_int(out, "enable_pfc", conf->pfc);
    json_put_number(out, "param_1", netconf_published_number(conf, "param_1"));
    json_put_number(out, "param_2", netconf_published_number(conf, "param_2"));
}

void published_put_mix(JsonOut *out, const NetConf *conf) {
    json_put_number(out, "bfsz", netconf_published_number(conf, "bfsz"));
    json_put_number(out, "window", netconf_published_number(conf, "window"));
    put_common(out, conf);
}

/* buffer_kb counts in KiB. */
#define BUFFER_KB_B 1024

void published_put_path(JsonOut *out, const NetConf *conf) {
    json_put_number(out, "buffer_kb", conf->buffer_b / BUFFER_KB_B);
    json_put_number(out, "window_b", conf->line_window_b);
    put_common(out, conf);
}

int published_read_path(NetConf *conf, const Json *j, Err *err) {
    Json it;
    const char *cc;
    double buffer_kb, param_1, param_2 = 0;
    Err why;
    netconf_default(conf);
    if (json_need_string(j, "cc", &cc, err) != 0) return -1;
    if (netconf_parse_cc(cc, &conf->cc, &why) != 0)
        return json_fail_member(j, "cc", err, "%s", why.msg);
    if (json_need_bool(j, "enable_pfc", &conf->pfc, err) != 0) return -1;
    if (json_need_number(j, "buffer_kb", &buffer_kb, err) != 0) return -1;
    if (json_need_number(j, "window_b", &conf->line_window_b, err) != 0) return -1;
    if (json_need_number(j, "param_1", &param_1, err) != 0) return -1;
    if (json_find(j, "param_2", &it) && json_number(&it, &param_2, err) != 0) return -1;
    conf->buffer_b = buffer_kb * BUFFER_KB_B;
    netconf_put_published(conf, "param_1", param_1);
    netconf_put_published(conf, "param_2", param_2);
    return netconf_check(conf, &why) == 0 ? 0 : json_fail(j, err, "%s", why.msg);
}
