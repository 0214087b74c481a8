/* netdir: reads a simulated network back in. Of scenario.json only the published settings count
 * (cc, bfsz, window, enable_pfc, param_1, param_2), and the parameters in `network` of controls
 * that those cannot tell; how the network was made is not needed to estimate it. */
#include "data/netdir.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

/* Published keys, read in this order: cc comes before the parameters, whose meaning depends on it.
 */
enum { N_PUBLISHED = 6, MAX_SETTINGS = 32 };
static const char *const published[N_PUBLISHED] = {"cc",         "bfsz",    "window",
                                                   "enable_pfc", "param_1", "param_2"};

/* Settings as "key=value". */
typedef struct {
    char *text[MAX_SETTINGS + 1]; /* ended by NULL */
    int n;
} NetDirSettings;

static int read_setting(const Json *root, const char *key, char **out, Err *err) {
    Json j;
    const char *text;
    double x;
    if (json_need(root, key, &j, err) != 0) return -1;
    if (json_is_string(&j)) {
        if (json_string(&j, &text, err) != 0) return -1;
        *out = mem_printf("%s=%s", key, text);
    } else {
        const NetConfRow *row = netconf_row(key);
        if (json_number(&j, &x, err) != 0) return -1;
        *out = mem_printf("%s=%s%s", key, json_number_text(x).s, row ? netconf_base_unit(row) : "");
    }
    return 0;
}

static int add_setting(NetDirSettings *s, const Json *object, const char *key, Err *err) {
    assert(s->n < MAX_SETTINGS);
    if (read_setting(object, key, &s->text[s->n], err) != 0) return -1;
    s->n++;
    return 0;
}

/* The parameters that published keys cannot tell: of controls that were never published. */
static int add_own_parameters(NetDirSettings *s, const Json *root, Err *err) {
    Json network;
    const char *name;
    Cc cc;
    Err why;
    if (json_need_string(root, "cc", &name, err) != 0) return -1;
    if (netconf_parse_cc(name, &cc, &why) != 0)
        return json_fail_member(root, "cc", err, "%s", why.msg);
    for (const NetConfRow *r = netconf_rows; r->key; r++) {
        if (r->of != cc || r->published) continue;
        if (json_need(root, "network", &network, err) != 0) return -1;
        if (add_setting(s, &network, r->key, err) != 0) return -1;
    }
    return 0;
}

static int read_settings(NetDirSettings *s, const char *path, Err *err) {
    JsonDoc *doc = json_open(path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = 0;
    for (int i = 0; rc == 0 && i < N_PUBLISHED; i++) rc = add_setting(s, &root, published[i], err);
    if (rc == 0) rc = add_own_parameters(s, &root, err);
    json_close(doc);
    return rc;
}

/* Flows with their completion times: our CSV, or what the HPCC authors' simulator writes. */
static char *flows_of(const char *dir) {
    char *csv = file_join(dir, "flows.csv"), *fct = file_join(dir, "fct.txt");
    bool other = !file_exists(csv) && file_exists(fct);
    free(other ? csv : fct);
    return other ? fct : csv;
}

int netdir_load(Scenario *s, const char *dir, uint64_t seed, int threads, Err *err) {
    NetDirSettings settings = {0};
    char *json = file_join(dir, "scenario.json"), *topo = file_join(dir, "topo.json"),
         *flows = flows_of(dir);
    int rc = read_settings(&settings, json, err);
    if (rc == 0) {
        ScenarioOptions o = {.topo_path = topo,
                             .flows_path = flows,
                             .mix_id = -1,
                             .set = (const char *const *)settings.text,
                             .seed = seed,
                             .threads = threads};
        rc = scenario_load(s, &o, NULL, err);
        if (rc != 0) err_wrap(err, "%s", dir);
    }
    for (int i = 0; i < settings.n; i++) free(settings.text[i]);
    free(json);
    free(topo);
    free(flows);
    return rc;
}

/* ---- a folder of them ---- */

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool holds_network(const char *dir, const char *name) {
    char *net = file_join(dir, name), *flows = flows_of(net), *topo = file_join(net, "topo.json");
    bool yes = file_exists(flows) && file_exists(topo);
    free(net);
    free(flows);
    free(topo);
    return yes;
}

int netdir_list(const char *dir, char ***names, size_t *n, Err *err) {
    *names = NULL;
    *n = 0;
    DIR *d = file_folder_open(dir);
    if (!d) return file_folder_failed(dir, err);
    size_t cap = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.' || !holds_network(dir, e->d_name)) continue;
        MEM_GROW(*names, cap, *n + 1);
        (*names)[(*n)++] = mem_strdup(e->d_name);
    }
    closedir(d);
    if (*n == 0)
        return err_input(err, "%s: no subdirectory holds a topo.json and a flows.csv", dir);
    qsort(*names, *n, sizeof **names, by_name);
    return 0;
}

void netdir_free(char **names, size_t n) {
    for (size_t i = 0; i < n; i++) free(names[i]);
    free(names);
}
