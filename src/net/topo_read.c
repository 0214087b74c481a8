/* topo_read: topologies from files, recognised by content.
 *
 * JSON is a Clos description if it has "clos", a cluster (Parsimon) if it has "pods", a generic
 * graph if it has "nodes"; a file that doesn't begin like JSON is an HPCC topology.txt
 * (topo_hpcc.c). Every reader only collects nodes and cables into a Draft; what makes a graph valid
 * is topo_build's business. Foreign formats may have keys that we don't know, our own ones may not.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "net/topo.h"
#include "net/topo_private.h"

#define MAX_NODE_ID (1ull << 53)

void draft_node(Draft *d, uint64_t id, bool is_host, uint32_t pod) {
    MEM_GROW(d->node_id, d->cap_id, d->n_nodes + 1);
    MEM_GROW(d->is_host, d->cap_host, d->n_nodes + 1);
    MEM_GROW(d->pod, d->cap_pod, d->n_nodes + 1);
    d->node_id[d->n_nodes] = id;
    d->is_host[d->n_nodes] = is_host;
    d->pod[d->n_nodes++] = pod;
}

void draft_cable(Draft *d, TopoCable c) {
    MEM_GROW(d->cables, d->cap_cables, d->n_cables + 1);
    d->cables[d->n_cables++] = c;
}

int draft_build(Topo *t, const Draft *d, const char *name, Err *err) {
    if (d->n_nodes >= UINT32_MAX / 4 || d->n_cables >= UINT32_MAX / 4)
        return err_input(err, "%s: %zu nodes and %zu links are too many", name, d->n_nodes,
                         d->n_cables);
    return topo_build(t, name, d->node_id, d->is_host, d->pod, (uint32_t)d->n_nodes, d->cables,
                      (uint32_t)d->n_cables, err);
}

void draft_free(Draft *d) {
    free(d->node_id);
    free(d->is_host);
    free(d->pod);
    free(d->cables);
    *d = (Draft){0};
}

int json_rate(const Json *j, double *bps, Err *err) {
    const char *text;
    if (json_is_string(j)) {
        if (json_string(j, &text, err) != 0) return -1;
        if (units_parse_rate(text, "", bps, NULL) != 0)
            return json_fail(j, err, "expected a rate like 10Gbps, got \"%.60s\"", text);
    } else if (json_number(j, bps, err) != 0) {
        return -1;
    }
    if (!(*bps > 0 && *bps <= TOPO_MAX_RATE_BPS))
        return json_fail(j, err, "must be above 0 and at most %g bit/s, got %s", TOPO_MAX_RATE_BPS,
                         json_number_text(*bps).s);
    return 0;
}

int json_delay(const Json *j, double *ns, Err *err) {
    const char *text;
    if (json_is_string(j)) {
        if (json_string(j, &text, err) != 0) return -1;
        if (units_parse_time(text, "", ns, NULL) != 0)
            return json_fail(j, err, "expected a time like 1us, got \"%.60s\"", text);
    } else if (json_number(j, ns, err) != 0) {
        return -1;
    }
    if (!(*ns >= 0 && *ns <= TOPO_MAX_DELAY_NS))
        return json_fail(j, err, "must be from 0 to %g ns, got %s", TOPO_MAX_DELAY_NS,
                         json_number_text(*ns).s);
    return 0;
}

static int need_id(const Json *j, const char *key, uint64_t *id, Err *err) {
    return json_need_uint(j, key, MAX_NODE_ID, id, err);
}

/* A link's two ends, rate and delay under the given keys. */
static int read_link(const Json *j, const char *rate_key, const char *delay_key, Draft *d,
                     Err *err) {
    TopoCable c;
    Json rate, delay;
    if (need_id(j, "a", &c.a, err) != 0 || need_id(j, "b", &c.b, err) != 0) return -1;
    if (json_need(j, rate_key, &rate, err) != 0 || json_rate(&rate, &c.rate_bps, err) != 0)
        return -1;
    if (json_need(j, delay_key, &delay, err) != 0 || json_delay(&delay, &c.delay_ns, err) != 0)
        return -1;
    draft_cable(d, c);
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

/* ---- cluster JSON ---- */

typedef struct {
    Draft *draft;
    uint32_t pod;
    bool hosts; /* what the nodes of the list being read must be */
} ClusterPlace;

typedef int (*ReadItem)(const Json *item, ClusterPlace *place, Err *err);

static int each(const Json *list, ClusterPlace *place, ReadItem read, Err *err) {
    if (json_expect_array(list, err) != 0) return -1;
    Json it;
    for (bool ok = json_first(list, &it); ok; ok = json_next(&it))
        if (read(&it, place, err) != 0) return -1;
    return 0;
}

static int need_each(const Json *j, const char *key, ClusterPlace *place, ReadItem read, Err *err) {
    Json list;
    return json_need(j, key, &list, err) != 0 ? -1 : each(&list, place, read, err);
}

static int cluster_node(const Json *j, ClusterPlace *place, Err *err) {
    uint64_t id;
    bool is_host;
    if (need_id(j, "id", &id, err) != 0 || read_kind(j, &is_host, err) != 0) return -1;
    if (is_host != place->hosts)
        return json_fail(j, err, "expected a node of kind \"%s\" here",
                         place->hosts ? "Host" : "Switch");
    draft_node(place->draft, id, is_host, place->pod);
    return 0;
}

static int cluster_link(const Json *j, ClusterPlace *place, Err *err) {
    return read_link(j, "bandwidth", "delay", place->draft, err);
}

static int cluster_rack(const Json *j, ClusterPlace *place, Err *err) {
    Json tor;
    if (json_need(j, "tor", &tor, err) != 0 || cluster_node(&tor, place, err) != 0) return -1;
    place->hosts = true;
    int rc = need_each(j, "hosts", place, cluster_node, err);
    place->hosts = false;
    return rc != 0 ? -1 : need_each(j, "host2tor", place, cluster_link, err);
}

static int cluster_pod(const Json *j, ClusterPlace *place, Err *err) {
    place->pod++;
    if (need_each(j, "fabs", place, cluster_node, err) != 0) return -1;
    if (need_each(j, "racks", place, cluster_rack, err) != 0) return -1;
    return need_each(j, "tor2fab", place, cluster_link, err);
}

static int cluster_plane(const Json *j, ClusterPlace *place, Err *err) {
    return each(j, place, cluster_node, err);
}

static int read_cluster(Draft *d, const Json *root, Err *err) {
    ClusterPlace place = {.draft = d,
                          .pod = TOPO_NONE}; /* spines are in no pod; the first pod is 0 */
    if (need_each(root, "planes", &place, cluster_plane, err) != 0) return -1;
    if (need_each(root, "pods", &place, cluster_pod, err) != 0) return -1;
    return need_each(root, "fab2spine", &place, cluster_link, err);
}

/* ---- generic nodes and links ---- */

static int graph_node(const Json *j, ClusterPlace *place, Err *err) {
    static const char *const known[] = {"id", "kind", "pod", NULL};
    uint64_t id, pod = TOPO_NONE;
    bool is_host;
    Json v;
    if (need_id(j, "id", &id, err) != 0 || read_kind(j, &is_host, err) != 0 ||
        json_only_keys(j, known, err) != 0)
        return -1;
    if (json_find(j, "pod", &v) && json_uint(&v, TOPO_NONE - 2, &pod, err) != 0) return -1;
    draft_node(place->draft, id, is_host, (uint32_t)pod);
    return 0;
}

static int graph_link(const Json *j, ClusterPlace *place, Err *err) {
    static const char *const known[] = {"a", "b", "rate", "delay", NULL};
    return json_only_keys(j, known, err) != 0 ? -1
                                              : read_link(j, "rate", "delay", place->draft, err);
}

static int read_graph(Draft *d, const Json *root, Err *err) {
    static const char *const known[] = {"nodes", "links", NULL};
    ClusterPlace place = {.draft = d};
    if (json_only_keys(root, known, err) != 0) return -1;
    if (need_each(root, "nodes", &place, graph_node, err) != 0) return -1;
    return need_each(root, "links", &place, graph_link, err);
}

/* ---- which of them ---- */

static int read_clos(Topo *t, const char *path, const Json *root, Err *err) {
    static const char *const known[] = {"clos", NULL};
    Clos c;
    Json j;
    if (json_only_keys(root, known, err) != 0 || json_need(root, "clos", &j, err) != 0 ||
        clos_read(&c, &j, err) != 0)
        return -1;
    return clos_build(t, &c, path, err);
}

static int read_json(Topo *t, const char *path, const Json *root, Err *err) {
    Json v;
    Draft d = {0};
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
    if (rc == 0) rc = draft_build(t, &d, path, err);
    draft_free(&d);
    return rc;
}

static int read_text(Topo *t, const char *path, const char *text, size_t len, Err *err) {
    size_t bom = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0, i = 0;
    text += bom;
    len -= bom;
    while (i < len && text[i] && strchr(" \t\r\n", text[i])) i++;
    if (i == len)
        return err_input(
            err, "%s: expected a topology (JSON or HPCC topology.txt), got an empty file", path);
    if (text[i] != '{' && text[i] != '[') return hpcc_read(t, path, text, len, err);
    JsonDoc *doc = json_parse(text, len, path, err);
    if (!doc) return -1;
    Json root = json_root(doc);
    int rc = read_json(t, path, &root, err);
    json_close(doc);
    return rc;
}

int topo_load(Topo *t, const char *path, Err *err) {
    FileView v;
    *t = (Topo){0};
    if (file_view(&v, path, err) != 0) return -1;
    int rc = read_text(t, path, v.data, v.len, err);
    file_view_close(&v);
    return rc;
}
