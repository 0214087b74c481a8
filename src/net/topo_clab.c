/* topo_clab: containerlab's YAML, by way of libyaml: topology.nodes and topology.links.
 *
 * Such a file describes a laboratory of containers and says no rates, which options have to give.
 * Nodes of kind linux are hosts, all other kinds are switches. Ends are "node:interface". Aliases
 * are refused, since they are the way to make a small YAML file large. */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "net/topo_graph.h"

static int fail(const char *path, const yaml_node_t *at, const char *what, Err *err) {
    return err_input(err, "%s: line %zu: %s", path, at ? (size_t)at->start_mark.line + 1 : 1, what);
}

static const char *text_of(const yaml_node_t *n) {
    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

static yaml_node_t *member(yaml_document_t *d, const yaml_node_t *map, const char *key) {
    if (!map || map->type != YAML_MAPPING_NODE) return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const char *name = text_of(yaml_document_get_node(d, p->key));
        if (name && strcmp(name, key) == 0) return yaml_document_get_node(d, p->value);
    }
    return NULL;
}

static int read_link(yaml_document_t *d, const char *path, const yaml_node_t *link, TopoGraph *g,
                     Err *err) {
    yaml_node_t *ends = member(d, link, "endpoints");
    char name[2][128];
    if (!ends || ends->type != YAML_SEQUENCE_NODE ||
        ends->data.sequence.items.top - ends->data.sequence.items.start != 2)
        return fail(path, link,
                    "link: expected endpoints: [\"node:interface\", \"node:interface\"]", err);
    for (int i = 0; i < 2; i++) {
        const char *text = text_of(yaml_document_get_node(d, ends->data.sequence.items.start[i]));
        if (!text) return fail(path, link, "endpoints: expected texts", err);
        snprintf(name[i], sizeof name[i], "%.*s", (int)strcspn(text, ":"), text);
    }
    topo_graph_link(g, name[0], name[1]);
    return 0;
}

static int read_document(yaml_document_t *d, const char *path, TopoGraph *g, Err *err) {
    yaml_node_t *root = yaml_document_get_root_node(d), *topology = member(d, root, "topology"),
                *nodes = member(d, topology, "nodes"), *links = member(d, topology, "links");
    if (!nodes || nodes->type != YAML_MAPPING_NODE || !links || links->type != YAML_SEQUENCE_NODE)
        return fail(path, topology,
                    "expected topology with nodes and links, as containerlab has them "
                    "(this is other YAML)",
                    err);
    for (yaml_node_pair_t *p = nodes->data.mapping.pairs.start; p < nodes->data.mapping.pairs.top;
         p++) {
        const char *name = text_of(yaml_document_get_node(d, p->key));
        const char *kind = text_of(member(d, yaml_document_get_node(d, p->value), "kind"));
        if (!name) continue;
        topo_graph_node(g, name);
        if (kind) topo_graph_node_has(g, "kind", strcmp(kind, "linux") == 0 ? "host" : "switch");
    }
    for (yaml_node_item_t *i = links->data.sequence.items.start; i < links->data.sequence.items.top;
         i++)
        if (read_link(d, path, yaml_document_get_node(d, *i), g, err) != 0) return -1;
    return 0;
}

/* Whether a document has an alias ("*name"): then nodes would be shared. */
static bool has_alias(const char *text, size_t len) {
    yaml_parser_t parser;
    yaml_token_t token;
    bool found = false, more = true;
    if (!yaml_parser_initialize(&parser)) diag_out_of_memory("YAML");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    while (more && !found && yaml_parser_scan(&parser, &token)) {
        found = token.type == YAML_ALIAS_TOKEN;
        more = token.type != YAML_STREAM_END_TOKEN && token.type != YAML_NO_TOKEN;
        yaml_token_delete(&token);
    }
    yaml_parser_delete(&parser);
    return found;
}

int topo_clab_read(Topo *t, const char *path, const char *text, size_t len,
                   const TopoLoadOptions *o, Err *err) {
    yaml_parser_t parser;
    yaml_document_t d;
    if (has_alias(text, len)) return fail(path, NULL, "YAML with aliases is not read", err);
    if (!yaml_parser_initialize(&parser)) diag_out_of_memory("%s", path);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (!yaml_parser_load(&parser, &d)) {
        /* Where memory runs out, some functions of libyaml 0.2 fail without a word. */
        if (parser.error == YAML_MEMORY_ERROR || parser.error == YAML_NO_ERROR)
            diag_out_of_memory("%s", path);
        int rc = err_input(err, "%s: line %zu: not valid YAML: %s", path,
                           (size_t)parser.problem_mark.line + 1,
                           parser.problem ? parser.problem : "cannot be read");
        yaml_parser_delete(&parser);
        return rc;
    }
    TopoGraph *g = topo_graph_new(path, o, false);
    int rc = read_document(&d, path, g, err);
    if (rc == 0) rc = topo_graph_build(t, g, err);
    topo_graph_destroy(g);
    yaml_document_delete(&d);
    yaml_parser_delete(&parser);
    return rc;
}
