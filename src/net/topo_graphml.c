/* topo_graphml: GraphML, as networkx and Topology Zoo write it, by way of expat.
 *
 * A <key id="d1" attr.name="bandwidth"> gives the data elements of that key their name. Nested
 * graphs, ports and hyperedges are refused. Document types are, too: entities are the way to make a
 * small XML file large, and GraphML has no use for them. */
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/topo_graph.h"

typedef enum { IN_OTHER, IN_NODE, IN_LINK } GraphmlPlace;
enum { MAX_VALUE = 256 }; /* a longer value is cut: those that count are names and numbers */

typedef struct {
    XML_Parser parser;
    const char *path;
    TopoGraph *g;
    GraphmlPlace place;
    char **keys; /* id, name, id, name … */
    size_t n_keys, cap_keys;
    const char *data; /* name of the open data element; NULL: none is open */
    char value[MAX_VALUE];
    size_t n_value;
    bool is_graphml;
    int n_graphs;
    Err *err;
    int rc;
} Graphml;

static void fail(Graphml *x, const char *what) {
    if (x->rc == 0)
        err_input(x->err, "%s: line %lu: %s", x->path,
                  (unsigned long)XML_GetCurrentLineNumber(x->parser), what);
    x->rc = -1;
    XML_StopParser(x->parser, XML_FALSE);
}

static const char *attribute(const char **list, const char *name) {
    for (; list[0]; list += 2)
        if (strcmp(list[0], name) == 0) return list[1];
    return NULL;
}

static void XMLCALL on_start(void *ctx, const char *element, const char **list) {
    Graphml *x = ctx;
    const char *name = strrchr(element, ':');
    name = name ? name + 1 : element;
    const char *id = attribute(list, "id"), *source = attribute(list, "source"),
               *target = attribute(list, "target"), *key = attribute(list, "key");
    if (!x->is_graphml && strcmp(name, "graphml") != 0) {
        fail(x, "expected GraphML, got other XML");
    } else if (strcmp(name, "graphml") == 0) {
        x->is_graphml = true;
    } else if (strcmp(name, "graph") == 0) {
        if (x->n_graphs++ > 0) fail(x, "expected one graph, got several");
    } else if (strcmp(name, "key") == 0) {
        const char *attr = attribute(list, "attr.name");
        if (id && attr) {
            MEM_GROW(x->keys, x->cap_keys, x->n_keys + 2);
            x->keys[x->n_keys++] = mem_strdup(id);
            x->keys[x->n_keys++] = mem_strdup(attr);
        }
    } else if (strcmp(name, "node") == 0) {
        if (!id) fail(x, "node: expected an id");
        else topo_graph_node(x->g, id);
        x->place = IN_NODE;
    } else if (strcmp(name, "edge") == 0) {
        if (!source || !target) fail(x, "edge: expected source and target");
        else topo_graph_link(x->g, source, target);
        x->place = IN_LINK;
    } else if (strcmp(name, "hyperedge") == 0) {
        fail(x, "hyperedge: not supported");
    } else if (strcmp(name, "data") == 0 && key && x->place != IN_OTHER) {
        x->data = key;
        for (size_t k = 0; k < x->n_keys; k += 2)
            if (strcmp(x->keys[k], key) == 0) x->data = x->keys[k + 1];
        /* The parser's own text of an unknown key does not last. */
        if (x->data == key) x->data = NULL;
        x->n_value = 0;
    }
}

static void XMLCALL on_text(void *ctx, const char *text, int len) {
    Graphml *x = ctx;
    if (!x->data) return;
    for (int i = 0; i < len && x->n_value + 1 < MAX_VALUE; i++) x->value[x->n_value++] = text[i];
}

static void XMLCALL on_end(void *ctx, const char *element) {
    Graphml *x = ctx;
    const char *name = strrchr(element, ':');
    name = name ? name + 1 : element;
    if (strcmp(name, "node") == 0 || strcmp(name, "edge") == 0) x->place = IN_OTHER;
    if (strcmp(name, "data") != 0 || !x->data) return;
    x->value[x->n_value] = '\0';
    if (x->place == IN_NODE) topo_graph_node_has(x->g, x->data, x->value);
    else if (topo_graph_link_has(x->g, x->data, x->value, x->err) != 0) {
        x->rc = -1;
        XML_StopParser(x->parser, XML_FALSE);
    }
    x->data = NULL;
}

static void XMLCALL on_doctype(void *ctx, const char *name, const char *system, const char *public,
                               int has_subset) {
    (void)name, (void)system, (void)public, (void)has_subset;
    fail(ctx, "document type declarations are not read");
}

int topo_graphml_read(Topo *t, const char *path, const char *text, size_t len,
                      const TopoLoadOptions *o, Err *err) {
    Graphml x = {.parser = XML_ParserCreate(NULL),
                 .path = path,
                 .g = topo_graph_new(path, o, false),
                 .err = err};
    if (!x.parser) diag_out_of_memory("%s", path);
    XML_SetUserData(x.parser, &x);
    XML_SetElementHandler(x.parser, on_start, on_end);
    XML_SetCharacterDataHandler(x.parser, on_text);
    XML_SetStartDoctypeDeclHandler(x.parser, on_doctype);
    /* expat takes its lengths as int. */
    enum { PIECE = 1 << 20 };
    for (size_t at = 0; x.rc == 0 && at <= len; at += PIECE) {
        size_t n = len - at < PIECE ? len - at : PIECE;
        if (XML_Parse(x.parser, text + at, (int)n, at + n == len) != XML_STATUS_ERROR) {
            if (at + n == len) break;
            continue;
        }
        if (XML_GetErrorCode(x.parser) == XML_ERROR_NO_MEMORY) diag_out_of_memory("%s", path);
        if (x.rc == 0) fail(&x, XML_ErrorString(XML_GetErrorCode(x.parser)));
    }
    int rc = x.rc == 0 ? topo_graph_build(t, x.g, err) : -1;
    for (size_t k = 0; k < x.n_keys; k++) free(x.keys[k]);
    free(x.keys);
    topo_graph_destroy(x.g);
    XML_ParserFree(x.parser);
    return rc;
}
