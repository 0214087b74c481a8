/* topo_load: topologies from files, recognised by content.
 *
 * JSON is a description by figures if it has the name of a shape ("clos", net/shape), a cluster of
 * Parsimon if it has "pods", a graph if it has "nodes"; a file that doesn't begin like JSON is an
 * HPCC topology.txt (topo_hpcc.c). Every reader only collects nodes and cables in a draft; whether
 * they make a valid graph is for topo_build to say. Foreign formats may have keys that we don't
 * know, our own ones may not. */
#include "net/topo_load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"
#include "net/shape.h"
#include "net/topo_graph.h"
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

/* The links of the array `key` of j: two ends each, rate and delay under the given keys. */
static int read_links(const Json *j, const char *key, const char *rate_key, const char *delay_key,
                      const char *const *known, TopoDraft *d, Err *err) {
    Json list, it, v;
    if (json_need_array(j, key, &list, err) != 0) return -1;
    for (bool ok = json_first(&list, &it); ok; ok = json_next(&it)) {
        TopoCable c = {0};
        if (known && json_only_keys(&it, known, err) != 0) return -1;
        if (json_need_uint(&it, "a", MAX_NODE_ID, &c.a, err) != 0 ||
            json_need_uint(&it, "b", MAX_NODE_ID, &c.b, err) != 0)
            return -1;
        if (json_need(&it, rate_key, &v, err) != 0 || topo_load_rate(&v, &c.rate_bps, err) != 0)
            return -1;
        if (json_need(&it, delay_key, &v, err) != 0 || topo_load_delay(&v, &c.delay_ns, err) != 0)
            return -1;
        if (json_find(&it, "error_rate", &v) && json_number(&v, &c.error_rate, err) != 0) return -1;
        topo_draft_cable(d, c);
    }
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

/* A node that has to be a host, or a switch; `pod` may be TOPO_NONE. */
static int cluster_node(const Json *j, bool host, uint32_t pod, TopoDraft *d, Err *err) {
    uint64_t id;
    bool is_host;
    if (json_need_uint(j, "id", MAX_NODE_ID, &id, err) != 0 || read_kind(j, &is_host, err) != 0)
        return -1;
    if (is_host != host)
        return json_fail(j, err, "expected a node of kind \"%s\" here", host ? "Host" : "Switch");
    topo_draft_node(d, id, is_host, pod);
    return 0;
}

static int cluster_nodes(const Json *list, bool hosts, uint32_t pod, TopoDraft *d, Err *err) {
    Json it;
    if (json_expect_array(list, err) != 0) return -1;
    for (bool ok = json_first(list, &it); ok; ok = json_next(&it))
        if (cluster_node(&it, hosts, pod, d, err) != 0) return -1;
    return 0;
}

static int cluster_links(const Json *j, const char *key, TopoDraft *d, Err *err) {
    return read_links(j, key, "bandwidth", "delay", NULL, d, err);
}

/* planes: [[spine…]…], pods: [{fabs, racks: [{tor, hosts, host2tor}…], tor2fab}…], fab2spine */
static int read_cluster(TopoDraft *d, const Json *root, Err *err) {
    Json list, plane, pod, racks, rack, v;
    uint32_t n_pods = 0;
    if (json_need_array(root, "planes", &list, err) != 0) return -1;
    for (bool ok = json_first(&list, &plane); ok; ok = json_next(&plane))
        if (cluster_nodes(&plane, false, TOPO_NONE, d, err) != 0) return -1;

    if (json_need_array(root, "pods", &list, err) != 0) return -1;
    for (bool ok = json_first(&list, &pod); ok; ok = json_next(&pod), n_pods++) {
        if (json_need(&pod, "fabs", &v, err) != 0 || cluster_nodes(&v, false, n_pods, d, err) != 0)
            return -1;
        if (json_need_array(&pod, "racks", &racks, err) != 0) return -1;
        for (bool more = json_first(&racks, &rack); more; more = json_next(&rack)) {
            if (json_need(&rack, "tor", &v, err) != 0 ||
                cluster_node(&v, false, n_pods, d, err) != 0)
                return -1;
            if (json_need(&rack, "hosts", &v, err) != 0 ||
                cluster_nodes(&v, true, n_pods, d, err) != 0)
                return -1;
            if (cluster_links(&rack, "host2tor", d, err) != 0) return -1;
        }
        if (cluster_links(&pod, "tor2fab", d, err) != 0) return -1;
    }
    return cluster_links(root, "fab2spine", d, err);
}

/* ---- graph ---- */

static int read_graph(TopoDraft *d, const Json *root, Err *err) {
    static const char *const members[] = {"nodes", "links", "fail", "degrade", NULL},
                             *const of_node[] = {"id", "kind", "pod", "name", "label", NULL},
                             *const of_link[] = {"a", "b", "rate", "delay", "error_rate", NULL};
    Json list, it, v;
    if (json_only_keys(root, members, err) != 0 || json_need_array(root, "nodes", &list, err) != 0)
        return -1;
    for (bool ok = json_first(&list, &it); ok; ok = json_next(&it)) {
        uint64_t id, pod = TOPO_NONE;
        bool is_host;
        if (json_need_uint(&it, "id", MAX_NODE_ID, &id, err) != 0 ||
            read_kind(&it, &is_host, err) != 0 || json_only_keys(&it, of_node, err) != 0)
            return -1;
        if (json_find(&it, "pod", &v) && json_uint(&v, TOPO_NONE - 2, &pod, err) != 0) return -1;
        topo_draft_node(d, id, is_host, (uint32_t)pod);
    }
    return read_links(root, "links", "rate", "delay", of_link, d, err);
}

/* ---- node-link JSON of networkx and others ---- */

/* The text of a name or id. */
static int read_name(const Json *j, const char *key, const char *other, char name[128], Err *err) {
    Json v;
    JsonNumber number;
    const char *text;
    if (!json_find(j, key, &v) && !(other && json_find(j, other, &v)))
        return json_fail(j, err, "missing key \"%s\"", key);
    if (json_text(&v, &number, &text, err) != 0) return -1;
    if (strlen(text) >= 128) return json_fail(&v, err, "a name of more than 127 bytes");
    snprintf(name, 128, "%s", text);
    return 0;
}

/* Hands over the members that are numbers or texts; returns −1 if one of a link is refused. */
static int hand_over(TopoGraph *g, const Json *item, bool is_link, Err *err) {
    Json it;
    JsonNumber number;
    const char *text;
    for (bool ok = json_first(item, &it); ok; ok = json_next(&it)) {
        if (!json_is_number(&it) && !json_is_string(&it)) continue;
        if (json_text(&it, &number, &text, err) != 0) return -1;
        if (!is_link) topo_graph_node_has(g, it.key, text);
        else if (topo_graph_link_has(g, it.key, text, err) != 0) return -1;
    }
    return 0;
}

static int read_node_link(Topo *t, const char *path, const Json *root, const TopoLoadOptions *o,
                          bool base_units, Err *err) {
    Json list, it;
    char a[128], b[128];
    TopoGraph *g = topo_graph_new(path, o, base_units);
    const char *links = json_find(root, "links", &list) ? "links" : "edges";
    int rc = json_need_array(root, "nodes", &list, err);
    for (bool ok = rc == 0 && json_first(&list, &it); rc == 0 && ok; ok = json_next(&it)) {
        rc =
            json_expect_object(&it, err) != 0 || read_name(&it, "id", "name", a, err) != 0 ? -1 : 0;
        if (rc != 0) break;
        topo_graph_node(g, a);
        rc = hand_over(g, &it, false, err);
    }
    if (rc == 0) rc = json_need_array(root, links, &list, err);
    for (bool ok = rc == 0 && json_first(&list, &it); rc == 0 && ok; ok = json_next(&it)) {
        rc = json_expect_object(&it, err) != 0 || read_name(&it, "source", "a", a, err) != 0 ||
                     read_name(&it, "target", "b", b, err) != 0
                 ? -1
                 : 0;
        if (rc != 0) break;
        topo_graph_link(g, a, b);
        rc = hand_over(g, &it, true, err);
    }
    if (rc == 0) rc = topo_graph_build(t, g, err);
    topo_graph_destroy(g);
    return rc;
}

/* Whether nodes and links are in the form of others than ours: names as ids, other keys. Bare
 * numbers of links from a to b are in bit/s and ns, as ours and Parsimon's. */
static bool is_node_link(const Json *root, bool *base_units) {
    Json list, it, v;
    bool other = json_find(root, "directed", &v) || json_find(root, "multigraph", &v) ||
                 json_find(root, "graph", &v) || json_find(root, "edges", &v);
    *base_units = true;
    if (json_find(root, "nodes", &list) && json_is_array(&list) && json_first(&list, &it) &&
        json_is_object(&it) && json_find(&it, "id", &v))
        other |= json_is_string(&v);
    if ((json_find(root, "links", &list) || json_find(root, "edges", &list)) &&
        json_is_array(&list) && json_first(&list, &it) && json_is_object(&it)) {
        *base_units = !json_find(&it, "source", &v);
        other |= !*base_units || json_find(&it, "bandwidth", &v);
    }
    return other;
}

/* ---- faults ---- */

static int add_fault(Faults *f, FaultKind kind, const Json *j, Err *err) {
    const char *text;
    Err why = {0};
    if (json_string(j, &text, err) != 0) return -1;
    return faults_add(f, kind, text, &why) == 0 ? 0 : json_fail_named(j, err, why.msg);
}

/* "fail" and "degrade" of our own forms: a text, or several. */
static int read_faults(Topo *t, const Json *root, Err *err) {
    Json v, it;
    Faults f = {0};
    int rc = 0;
    for (int k = 0; k < N_FAULT_KINDS && rc == 0; k++) {
        if (!json_find(root, fault_names[k], &v)) continue;
        if (!json_is_array(&v)) rc = add_fault(&f, (FaultKind)k, &v, err);
        else
            for (bool ok = json_first(&v, &it); ok && rc == 0; ok = json_next(&it))
                rc = add_fault(&f, (FaultKind)k, &it, err);
    }
    if (rc != 0 || f.n == 0) {
        faults_free(&f);
        return rc;
    }
    t->faults = MEM_ZNEW(Faults, 1);
    *t->faults = f;
    return 0;
}

static int finish_ours(Topo *t, const Json *root, Err *err) {
    if (read_faults(t, root, err) == 0) return 0;
    topo_free(t);
    return -1;
}

/* ---- recognition ---- */

/* A description by figures. */
static int read_shape(Topo *t, const char *path, const Shape *s, const Json *root,
                      const Json *description, Err *err) {
    const char *const known[] = {s->name, "fail", "degrade", NULL};
    void *figures = mem_calloc(1, s->size);
    int rc = json_only_keys(root, known, err);
    if (rc == 0) rc = shape_read(s, figures, description, err);
    if (rc == 0) rc = s->build(t, figures, path, err);
    free(figures);
    return rc == 0 ? finish_ours(t, root, err) : rc;
}

static int read_json(Topo *t, const char *path, const Json *root, const TopoLoadOptions *o,
                     Err *err) {
    Json v;
    TopoDraft d = {0};
    int rc;
    bool base_units, ours = false;
    if (json_expect_object(root, err) != 0) return -1;
    for (const Shape *const *s = shapes; *s; s++)
        if (json_find(root, (*s)->name, &v)) return read_shape(t, path, *s, root, &v, err);
    if (json_find(root, "pods", &v) || json_find(root, "planes", &v))
        rc = read_cluster(&d, root, err);
    else if (json_find(root, "nodes", &v) && is_node_link(root, &base_units))
        return read_node_link(t, path, root, o, base_units, err);
    else if (json_find(root, "nodes", &v) || json_find(root, "links", &v))
        ours = true, rc = read_graph(&d, root, err);
    else
        return err_input(err,
                         "%s: expected a topology with \"clos\" or another shape, \"pods\" (a "
                         "cluster) or \"nodes\" and \"links\"",
                         path);
    if (rc == 0) rc = topo_draft_build(t, &d, path, o, err);
    topo_draft_free(&d);
    return rc == 0 && ours ? finish_ours(t, root, err) : rc;
}

/* Whether one of the first lines begins with a word, blanks in front of it left out. */
static bool has_line(const char *text, size_t len, const char *word) {
    enum { HEAD = 4096 };
    size_t n = strlen(word), most = len < HEAD ? len : HEAD;
    bool begins = true;
    for (size_t i = 0; i + n <= most; i++) {
        if (begins && memcmp(text + i, word, n) == 0) return true;
        begins = text[i] == '\n' || (begins && (text[i] == ' ' || text[i] == '\t'));
    }
    return false;
}

/* A file that is neither JSON nor begins with a number. */
static int read_other(Topo *t, const char *path, const char *text, size_t len,
                      const TopoLoadOptions *o, Err *err) {
    static const struct {
        const char *word, *what;
    } known[] = {{"Tiers ", "an htsim topology"},
                 {"Connections ", "an htsim connection matrix, which goes to --flows"},
                 {"digraph", "a graph in DOT"},
                 {"strict", "a graph in DOT"},
                 {"graph {", "a graph in DOT"},
                 {"Pods", "an htsim topology"}};
    if (*text == '<') return topo_graphml_read(t, path, text, len, o, err);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has_line(text, len, known[i].word))
            return err_input(err,
                             "%s: this is %s: expected a topology in JSON, HPCC topology.txt, "
                             "GraphML, GML or containerlab YAML",
                             path, known[i].what);
    if (has_line(text, len, "graph") || has_line(text, len, "Creator"))
        return topo_gml_read(t, path, text, len, o, err);
    if (has_line(text, len, "topology:") || has_line(text, len, "name:"))
        return topo_clab_read(t, path, text, len, o, err);
    if (has_line(text, len, "src") || has_line(text, len, "flow,") || has_line(text, len, "id,"))
        return err_input(
            err, "%s: this is a list of flows, which goes to --flows: expected a topology", path);
    return topo_hpcc_read(t, path, text, len, o, err);
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
    if (text[i] >= '0' && text[i] <= '9') return topo_hpcc_read(t, path, text, len, o, err);
    if (text[i] != '{' && text[i] != '[') return read_other(t, path, text + i, len - i, o, err);
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
    /* Nodes and links take some ten times their text. */
    size_t most = (size_t)(file_memory_b() / 16);
    int rc = v.len > most
                 ? err_input(err, "%s: expected a topology of at most %zu MiB, got %zu MiB", path,
                             most >> 20, v.len >> 20)
                 : read_text(t, path, v.data, v.len, o ? o : &standard, err);
    file_view_close(&v);
    return rc;
}
