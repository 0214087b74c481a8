/* topo_graph: graphs as general tools write them.
 *
 * networkx, Topology Zoo, Parsimon and containerlab agree on nodes and links and on little else. So
 * each reader hands over names and attributes as text, and what they mean is settled here, once:
 * the usual names of a rate, a delay and a kind, their units, who is a host, and which ids nodes
 * get. What a file does not say is never guessed: a bare 25 may be Gbit/s or Mbit/s, so an option
 * has to say it (--rate-unit), as it has for links without a rate or delay (--link-rate,
 * --link-delay). */
#include "net/topo_graph.h"

#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/units.h"
#include "net/topo_private.h"

typedef struct {
    char *name, *label; /* label: NULL, or another name */
    int kind;           /* 1 host, 0 switch, −1 not said */
    uint32_t n_links;
    uint64_t id;
} GraphNode;

typedef struct {
    char *a, *b;
    double rate_bps, delay_ns, error_rate; /* NAN: not said */
} GraphLink;

struct TopoGraph {
    const char *path;
    const TopoLoadOptions *o;
    bool base_units, assumed_bps;
    GraphNode *nodes;
    GraphLink *links;
    size_t n_nodes, n_links, cap_nodes, cap_links;
};

TopoGraph *topo_graph_new(const char *path, const TopoLoadOptions *o, bool base_units) {
    TopoGraph *g = MEM_ZNEW(TopoGraph, 1);
    *g = (TopoGraph){.path = path, .o = o, .base_units = base_units};
    return g;
}

void topo_graph_destroy(TopoGraph *g) {
    for (size_t i = 0; i < g->n_nodes; i++) {
        free(g->nodes[i].name);
        free(g->nodes[i].label);
    }
    for (size_t i = 0; i < g->n_links; i++) {
        free(g->links[i].a);
        free(g->links[i].b);
    }
    free(g->nodes);
    free(g->links);
    free(g);
}

void topo_graph_node(TopoGraph *g, const char *name) {
    MEM_GROW(g->nodes, g->cap_nodes, g->n_nodes + 1);
    g->nodes[g->n_nodes++] = (GraphNode){.name = mem_strdup(name), .kind = -1};
}

void topo_graph_link(TopoGraph *g, const char *a, const char *b) {
    MEM_GROW(g->links, g->cap_links, g->n_links + 1);
    g->links[g->n_links++] = (GraphLink){mem_strdup(a), mem_strdup(b), NAN, NAN, 0};
}

/* ---- attributes ---- */

static bool one_of(const char *word, const char *const *list) {
    while (*list && strcasecmp(*list, word) != 0) list++;
    return *list != NULL;
}

void topo_graph_node_has(TopoGraph *g, const char *key, const char *value) {
    static const char *const kinds[] = {"kind", "type", "role", "device_type", "node_type", NULL},
                             *const hosts[] = {"host",     "server", "gpu",   "nic",
                                               "endpoint", "vm",     "linux", NULL},
                             *const switches[] = {"switch", "router", "tor",         "leaf",
                                                  "spine",  "agg",    "aggregation", "core",
                                                  "edge",   "fabric", "superspine",  "nvswitch",
                                                  NULL};
    if (g->n_nodes == 0) return;
    GraphNode *v = &g->nodes[g->n_nodes - 1];
    if (one_of(key, kinds))
        v->kind = one_of(value, hosts) ? 1 : one_of(value, switches) ? 0 : v->kind;
    if ((strcasecmp(key, "label") == 0 || strcasecmp(key, "name") == 0) && !v->label)
        v->label = mem_strdup(value);
}

static int fail_link(const TopoGraph *g, const char *key, const char *what, Err *err) {
    const GraphLink *l = &g->links[g->n_links - 1];
    return err_input(err, "%s: link %zu (%.40s to %.40s): %s%s%s", g->path, g->n_links, l->a, l->b,
                     key, *key ? ": " : "", what);
}

/* What a key is called without the unit that may end it ("bandwidth_gbps"), and how much one of the
 * unit is; 0 if there is none. */
static double split_unit(const char *key, int (*parse)(const char *, const char *, double *, Err *),
                         char name[40]) {
    char one[48];
    double unit;
    snprintf(name, 40, "%s", key);
    char *end = strrchr(name, '_');
    if (!end) return 0;
    snprintf(one, sizeof one, "1%s", end + 1);
    if (!isalpha((unsigned char)end[1]) || parse(one, "", &unit, NULL) != 0) return 0;
    *end = '\0';
    return unit;
}

static bool is_bare(const char *value, double *x) {
    return units_parse_number(value, "", x, NULL) == 0;
}

static int read_rate(TopoGraph *g, const char *key, double unit, const char *value, Err *err) {
    GraphLink *l = &g->links[g->n_links - 1];
    Err why = {0};
    double x;
    /* From 100 Mbit/s on a bare number can only be in bit/s. */
    static const double SURELY_BPS = 1e8;
    if (!is_bare(value, &x)) {
        if (units_parse_rate(value, key, &l->rate_bps, &why) == 0) return 0;
        return fail_link(g, "", why.msg, err);
    }
    if (unit == 0)
        unit = g->base_units || strcasecmp(key, "linkspeedraw") == 0 ? 1 : g->o->rate_unit_bps;
    if (unit == 0 && x < SURELY_BPS) {
        char text[120];
        snprintf(text, sizeof text, "expected a unit, got %.40s; --rate-unit says what it is in",
                 value);
        return fail_link(g, key, text, err);
    }
    g->assumed_bps |= unit == 0;
    l->rate_bps = x * (unit == 0 ? 1 : unit);
    if (g->base_units && units_check_bare(UNITS_RATE, x, key, &why) != 0)
        return fail_link(g, "", why.msg, err);
    return 0;
}

static int read_delay(TopoGraph *g, const char *key, double unit, const char *value, Err *err) {
    GraphLink *l = &g->links[g->n_links - 1];
    Err why = {0};
    double x;
    if (!is_bare(value, &x)) {
        if (units_parse_time(value, key, &l->delay_ns, &why) == 0) return 0;
        return fail_link(g, "", why.msg, err);
    }
    if (unit == 0) unit = g->base_units || x == 0 ? 1 : g->o->delay_unit_ns;
    if (unit == 0) {
        char text[120];
        snprintf(text, sizeof text, "expected a unit, got %.40s; --delay-unit says what it is in",
                 value);
        return fail_link(g, key, text, err);
    }
    l->delay_ns = x * unit;
    return 0;
}

int topo_graph_link_has(TopoGraph *g, const char *key, const char *value, Err *err) {
    static const char *const rates[] = {"rate", "bandwidth", "capacity",  "speed", "linkspeedraw",
                                        "bw",   "datarate",  "data_rate", NULL},
                             *const delays[] = {"delay", "latency", "propagation_delay",
                                                "prop_delay", NULL},
                             *const losses[] = {"error_rate", "loss", "loss_rate", NULL};
    char name[40];
    if (g->n_links == 0) return 0;
    if (one_of(key, rates)) return read_rate(g, key, 0, value, err);
    if (one_of(key, delays)) return read_delay(g, key, 0, value, err);
    double unit = split_unit(key, units_parse_rate, name);
    if (unit > 0 && one_of(name, rates)) return read_rate(g, key, unit, value, err);
    unit = split_unit(key, units_parse_time, name);
    if (unit > 0 && one_of(name, delays)) return read_delay(g, key, unit, value, err);
    if (!one_of(key, losses)) return 0;
    if (is_bare(value, &g->links[g->n_links - 1].error_rate)) return 0;
    return fail_link(g, key, "expected a number from 0 to below 1", err);
}

/* ---- names ---- */

typedef struct {
    const char *name;
    size_t node;
} GraphName;

static int by_name(const void *a, const void *b) {
    return strcmp(((const GraphName *)a)->name, ((const GraphName *)b)->name);
}

static int sort_names(const TopoGraph *g, GraphName *names, Err *err) {
    for (size_t i = 0; i < g->n_nodes; i++) names[i] = (GraphName){g->nodes[i].name, i};
    qsort(names, g->n_nodes, sizeof *names, by_name);
    for (size_t i = 1; i < g->n_nodes; i++)
        if (strcmp(names[i].name, names[i - 1].name) == 0)
            return err_input(err, "%s: node %.60s appears twice", g->path, names[i].name);
    return 0;
}

static int find(const TopoGraph *g, const GraphName *names, size_t link, const char *name,
                size_t *node, Err *err) {
    GraphName key = {name, 0};
    const GraphName *found = bsearch(&key, names, g->n_nodes, sizeof *names, by_name);
    if (!found)
        return err_input(err, "%s: link %zu (%.40s to %.40s): there is no node %.40s", g->path,
                         link + 1, g->links[link].a, g->links[link].b, name);
    *node = found->node;
    return 0;
}

/* A name that is an id: digits alone, below 2^53. */
static bool is_id(const char *name, uint64_t *id) {
    size_t n = strspn(name, "0123456789");
    if (n == 0 || n > 16 || name[n] != '\0' || (n > 1 && name[0] == '0')) return false;
    *id = strtoull(name, NULL, 10);
    return *id < 1ull << 53;
}

/* Settles which nodes are hosts, and the ids of all nodes. */
static void settle_nodes(TopoGraph *g) {
    const char *pattern = g->o->hosts;
    size_t n_ids = 0, n_hosts = 0, n = 0;
    for (size_t i = 0; i < g->n_nodes; i++) {
        GraphNode *v = &g->nodes[i];
        if (pattern)
            v->kind = fnmatch(pattern, v->name, 0) == 0 ||
                      (v->label && fnmatch(pattern, v->label, 0) == 0);
        else if (v->kind < 0) v->kind = v->n_links == 1;
        n_ids += is_id(v->name, &v->id);
        n_hosts += v->kind == 1;
    }
    if (n_ids == g->n_nodes) return;
    for (int kind = 1; kind >= 0; kind--)
        for (size_t i = 0; i < g->n_nodes; i++)
            if (g->nodes[i].kind == kind) g->nodes[i].id = n++;
    log_note(g->o->log,
             "%s: nodes have names; hosts are numbered from 0 in the order of the file, switches "
             "from %zu",
             g->path, n_hosts);
}

int topo_graph_build(Topo *t, TopoGraph *g, Err *err) {
    GraphName *names = MEM_NEW(GraphName, g->n_nodes);
    size_t(*ends)[2] = mem_alloc(g->n_links ? g->n_links : 1, sizeof *ends);
    TopoDraft d = {0};
    int rc = sort_names(g, names, err);
    for (size_t i = 0; rc == 0 && i < g->n_links; i++) {
        GraphLink *l = &g->links[i];
        rc = find(g, names, i, l->a, &ends[i][0], err) != 0 ||
                     find(g, names, i, l->b, &ends[i][1], err) != 0
                 ? -1
                 : 0;
        if (rc != 0) break;
        if (isnan(l->rate_bps)) l->rate_bps = g->o->link_rate_bps;
        if (isnan(l->delay_ns) && g->o->has_link_delay) l->delay_ns = g->o->link_delay_ns;
        if (l->rate_bps == 0 || isnan(l->delay_ns))
            rc = err_input(err,
                           "%s: link %zu (%.40s to %.40s): no %s; --link-%s gives it to links "
                           "without one",
                           g->path, i + 1, l->a, l->b, l->rate_bps == 0 ? "rate" : "delay",
                           l->rate_bps == 0 ? "rate" : "delay");
        g->nodes[ends[i][0]].n_links++;
        g->nodes[ends[i][1]].n_links++;
    }
    if (rc == 0) {
        settle_nodes(g);
        for (size_t i = 0; i < g->n_nodes; i++)
            topo_draft_node(&d, g->nodes[i].id, g->nodes[i].kind == 1, TOPO_NONE);
        for (size_t i = 0; i < g->n_links; i++) {
            const GraphLink *l = &g->links[i];
            topo_draft_cable(&d, (TopoCable){g->nodes[ends[i][0]].id, g->nodes[ends[i][1]].id,
                                             l->rate_bps, l->delay_ns, l->error_rate});
        }
        if (g->assumed_bps)
            log_note(g->o->log, "%s: rates without a unit are taken in bit/s", g->path);
        rc = topo_draft_build(t, &d, g->path, g->o, err);
    }
    topo_draft_free(&d);
    free(ends);
    free(names);
    return rc;
}
