/* published: keys and units of the published mixes (JSON) and of path scenarios in their form.
 *
 * Most keys are other names for ours. Three count in units of their own: bfsz is a switch's buffer
 * in 10 KiB; param_1 and param_2 are the parameters of the congestion control, in KB, percent,
 * 10 Mb/s or microseconds. Which setting and unit that is, the rows of net/netconf say. */
#include "scenario/published.h"

#include <string.h>

#include "base/units.h"

const char *const published_keys[] = {"id",       "spatial", "size_dist", "lognorm_sigma",
                                      "max_load", "cluster", "duration",  "n_flows",
                                      "param_id", "bfsz",    "window",    "enable_pfc",
                                      "cc",       "param_1", "param_2",   NULL};

static const struct {
    const char *published, *ours;
} names[] = {{"spatial", "matrix"},
             {"size_dist", "sizes"},
             {"lognorm_sigma", "sigma"},
             {"cluster", "topology"},
             {"enable_pfc", "pfc"}};
enum { N_NAMES = sizeof names / sizeof *names };

bool published_is_mix(const Json *j) {
    Json it;
    return json_find(j, "spatial", &it) || json_find(j, "size_dist", &it) ||
           json_find(j, "cluster", &it);
}

const char *published_to_ours(const char *key) {
    for (int i = 0; i < N_NAMES; i++)
        if (strcmp(names[i].published, key) == 0) return names[i].ours;
    return NULL;
}

const char *published_from_ours(const char *key) {
    for (int i = 0; i < N_NAMES; i++)
        if (strcmp(names[i].ours, key) == 0) return names[i].published;
    return NULL;
}

bool published_is_setting(const char *key) {
    return strcmp(key, "id") != 0 && strcmp(key, "param_id") != 0;
}

bool published_depends_on_cc(const char *key) {
    return strcmp(key, "param_1") == 0 || strcmp(key, "param_2") == 0;
}

bool published_has_unit(const char *key) {
    return strcmp(key, "bfsz") == 0 || published_depends_on_cc(key);
}

bool published_applies(const char *key, Cc cc) {
    return !published_depends_on_cc(key) || netconf_published_row(key, cc);
}

static int set_bfsz(NetConf *conf, const NetConfRow *row, double x, const char *text, Err *err) {
    if (netconf_set(conf, row->key, json_number_text(x * row->published_unit).s, NULL) == 0)
        return 0;
    return err_input(err, "bfsz: must be above 0 (in units of 10 KiB), got %.40s", text);
}

int published_set(NetConf *conf, const char *key, const char *text, Err *err) {
    double x;
    const NetConfRow *row = netconf_published_row(key, conf->cc);
    if (units_parse_number(text, key, &x, err) != 0) return -1;
    if (!row) return 0;
    if (!published_depends_on_cc(key)) return set_bfsz(conf, row, x, text, err);
    if (netconf_set(conf, row->key, json_number_text(x * row->published_unit).s, err) == 0)
        return 0;
    return err_wrap(err, "%s", key);
}

void published_put(JsonOut *out, const NetConf *conf) {
    json_put_string(out, "cc", netconf_cc_name(conf->cc));
    json_put_int(out, "enable_pfc", conf->pfc);
    json_put_number(out, "param_1", netconf_published_number(conf, "param_1"));
    json_put_number(out, "param_2", netconf_published_number(conf, "param_2"));
}
