/* topo_load: topologies from files, recognised by content.
 *
 * JSON is a Clos description if it has "clos" (clos.c), a cluster of Parsimon if it has "pods", a
 * graph if it has "nodes"; a file that doesn't begin like JSON is an HPCC topology.txt
 * (topo_hpcc.c). Every reader only collects nodes and cables in a draft; whether they make a valid
 * graph is for topo_build to say. Foreign formats may have keys that we don't know, our own ones
 * may not. */
#include "net/topo_load.h"

#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/json.h"
#include "base/units.h"
#include "net/clos.h"
#include "net/topo_private.h"

/* Above 2^53 a JSON number is not exact. */
#define MAX_NODE_ID (1ull << 53)

int topo_load_rate(const Json *j, double *bps, Err *err) {
    const char *text;
    Err why = {0};
    if (json_is_string(j)) {
        if (json_string(j, &text, err) != 0) return -1;
        if (units_parse_rate(text, "rate", bps, &why) != 0)
            return json_fail(j, err, "%s", why.msg + strlen("rate: "));
    } else {
        if (json_number(j, bps, err) != 0) return -1;
        if (units_check_bare(UNITS_RATE, *bps, "rate", &why) != 0)
            return json_fail(j, err, "%s", why.msg + strlen("rate: "));
    }
    if (!(*bps >= TOPO_MIN_RATE_BPS && *bps <= TOPO_MAX_RATE_BPS))
        return json_fail(j, err, "must be from %g to %g bit/s, got %s", TOPO_MIN_RATE_BPS,
                         TOPO_MAX_RATE_BPS, json_number_text(*bps).s);
    return 0;
}

int topo_load_delay(const Json *j, double *ns, Err *err) {
    const char *text;
    Err why = {0};
    if (json_is_string(j)) {
        if (json_string(j, &text, err) != 0) return -1;
        if (units_parse_time(text, "delay", ns, &why) != 0)
            return json_fail(j, err, "%s", why.msg + strlen("delay: "));
    } else if (json_number(j, ns, err) != 0) {
        return -1;
    }
    if (!(*ns >= 0 && *ns <= TOPO_MAX_DELAY_NS))
        return json_fail(j, err, "must be from 0 to %g ns, got %s", TOPO_MAX_DELAY_NS,
                         json_number_text(*ns).s);
    return 0;
}

/* What has been read, and what the list that is being read is a part of. */
typedef struct {
    TopoDraft *draft;
    uint32_t pod; /* of a cluster; TOPO_NONE outside of pods */
    bool hosts;   /* a cluster's nodes must be hosts; else switches */
} TopoReader;

typedef int (*ReadItem)(const Json *item, TopoReader *r, Err *err);

static int read_each(const Json *list, TopoReader *r, ReadItem read, Err *err) {
    if (json_expect_array(list, err) != 0) return -1;
    Json it;
    for (bool ok = json_first(list, &it); ok; ok = json_next(&it))
        if (read(&it, r, err) != 0) return -1;
    return 0;
}

static int need_each(const Json *j, const char *key, TopoReader *r, ReadItem read, Err *err) {
    Json list;
    return json_need(j, key, &list, err) != 0 ? -1 : read_each(&list, r, read, err);
}

/* A link's two ends, rate and delay under the given keys. */
static int read_link(const Json *j, const char *rate_key, const char *delay_key, TopoDraft *d,
                     Err *err) {
    TopoCable c = {0};
    Json rate, delay;
    if (json_need_uint(j, "a", MAX_NODE_ID, &c.a, err) != 0 ||
        json_need_uint(j, "b", MAX_NODE_ID, &c.b, err) != 0)
        return -1;
    if (json_need(j, rate_key, &rate, err) != 0 || topo_load_rate(&rate, &c.rate_bps, err) != 0)
        return -1;
    if (json_need(j, delay_key, &delay, err) != 0 || topo_load_delay(&delay, &c.delay_ns, err) != 0)
        return -1;
    topo_draft_cable(d, c);
    return 0;
}

static int read_kind(const Json *j, bool *is_host, Err *err) {
    const char *kind;
    if (json_need_string(j, "kind", &kind, err) != 0) return -1;
    *is_host = strcasecmp(kind, "host") == 0;
    if (!*is_host && strcasecmp(kind, "switch") != 0)
        return json_fail_member(j, "kind", err, "expected \"host\" or \"switch\", got \"%.40s\"",
                                kind);
    return 0;
}

/* ---- cluster ---- */

static int cluster_node(const Json *j, TopoReader *r, Err *err) {
    uint64_t id;
    bool is_host;
    if (json_need_uint(j, "id", MAX_NODE_ID, &id, err) != 0 || read_kind(j, &is_host, err) != 0)
        return -1;
    if (is_host != r->hosts)
        return json_fail(j, err, "expected a node of kind \"%s\" here",
                         r->hosts ? "Host" : "Switch");
    topo_draft_node(r->draft, id, is_host, r->pod);
    return 0;
}

static int cluster_link(const Json *j, TopoReader *r, Err *err) {
    return read_link(j, "bandwidth", "delay", r->draft, err);
}

static int cluster_rack(const Json *j, TopoReader *r, Err *err) {
    Json tor;
    if (json_need(j, "tor", &tor, err) != 0 || cluster_node(&tor, r, err) != 0) return -1;
    r->hosts = true;
    int rc = need_each(j, "hosts", r, cluster_node, err);
    r->hosts = false;
    return rc != 0 ? -1 : need_each(j, "host2tor", r, cluster_link, err);
}

static int cluster_pod(const Json *j, TopoReader *r, Err *err) {
    r->pod++;
    if (need_each(j, "fabs", r, cluster_node, err) != 0) return -1;
    if (need_each(j, "racks", r, cluster_rack, err) != 0) return -1;
    return need_each(j, "tor2fab", r, cluster_link, err);
}

static int cluster_plane(const Json *j, TopoReader *r, Err *err) {
    return read_each(j, r, cluster_node, err);
}

static int read_cluster(TopoDraft *d, const Json *root, Err *err) {
    TopoReader r = {.draft = d, .pod = TOPO_NONE}; /* adding 1 gives the first pod 0 */
    if (need_each(root, "planes", &r, cluster_plane, err) != 0) return -1;
    if (need_each(root, "pods", &r, cluster_pod, err) != 0) return -1;
    return need_each(root, "fab2spine", &r, cluster_link, err);
}

/* ---- graph ---- */

static int graph_node(const Json *j, TopoReader *r, Err *err) {
    static const char *const known[] = {"id", "kind", "pod", NULL};
    uint64_t id, pod = TOPO_NONE;
    bool is_host;
    Json v;
    if (json_need_uint(j, "id", MAX_NODE_ID, &id, err) != 0 || read_kind(j, &is_host, err) != 0 ||
        json_only_keys(j, known, err) != 0)
        return -1;
    if (json_find(j, "pod", &v) && json_uint(&v, TOPO_NONE - 2, &pod, err) != 0) return -1;
    topo_draft_node(r->draft, id, is_host, (uint32_t)pod);
    return 0;
}

static int graph_link(const Json *j, TopoReader *r, Err *err) {
    static const char *const known[] = {"a", "b", "rate", "delay", NULL};
    return json_only_keys(j, known, err) != 0 ? -1 : read_link(j, "rate", "delay", r->draft, err);
}

static int read_graph(TopoDraft *d, const Json *root, Err *err) {
    static const char *const known[] = {"nodes", "links", NULL};
    TopoReader r = {.draft = d};
    if (json_only_keys(root, known, err) != 0) return -1;
    if (need_each(root, "nodes", &r, graph_node, err) != 0) return -1;
    return need_each(root, "links", &r, graph_link, err);
}

/* ---- recognition ---- */

static int read_clos(Topo *t, const char *path, const Json *root, Err *err) {
    static const char *const known[] = {"clos", NULL};
    Clos c;
    Json j;
    if (json_only_keys(root, known, err) != 0 || json_need(root, "clos", &j, err) != 0 ||
        clos_read(&c, &j, err) != 0)
        return -1;
    return clos_build(t, &c, path, err);
}

static int read_json(Topo *t, const char *path, const Json *root, const TopoLoadOptions *o,
                     Err *err) {
    Json v;
    TopoDraft d = {0};
    int rc;
    if (json_expect_object(root, err) != 0) return -1;
    if (json_find(root, "clos", &v)) return read_clos(t, path, root, err);
    if (json_find(root, "pods", &v) || json_find(root, "planes", &v))
        rc = read_cluster(&d, root, err);
    else if (json_find(root, "nodes", &v) || json_find(root, "links", &v))
        rc = read_graph(&d, root, err);
    else
        return err_input(err,
                         "%s: expected a topology with \"clos\", \"pods\" (a cluster) or \"nodes\" "
                         "and \"links\"",
                         path);
    if (rc == 0) rc = topo_draft_build(t, &d, path, o, err);
    topo_draft_free(&d);
    return rc;
}

static int read_text(Topo *t, const char *path, const char *text, size_t len,
                     const TopoLoadOptions *o, Err *err) {
    size_t bom = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, i = 0;
    text += bom;
    len -= bom;
    while (i < len && text[i] && strchr(" \t\r\n", text[i])) i++;
    if (i == len)
        return err_input(
            err, "%s: expected a topology (JSON or HPCC topology.txt), got an empty file", path);
    if (text[i] != '{' && text[i] != '[') return topo_hpcc_read(t, path, text, len, o, err);
    JsonDoc *doc = json_parse(text, len, path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = read_json(t, path, &root, o, err);
    json_close(doc);
    return rc;
}

int topo_load(Topo *t, const char *path, const TopoLoadOptions *o, Err *err) {
    static const TopoLoadOptions standard = {0};
    FileView v;
    *t = (Topo){0};
    if (file_view(&v, path, err) != 0) return -1;
    int rc = read_text(t, path, v.data, v.len, o ? o : &standard, err);
    file_view_close(&v);
    return rc;
}
