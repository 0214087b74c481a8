/* topo_gml: GML (M. Himsolt, 1996), as networkx and Topology Zoo write it.
 *
 * A file is pairs of a key and a value, which is a number, a text in quotation marks or a list of
 * pairs in brackets. Of that only `graph [ node [ id … ] edge [ source … target … ] ]` counts, and
 * within nodes and edges the pairs that are no lists. Written here since no small library of Debian
 * reads GML (igraph does, with linear algebra behind it), and the language is forty lines. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/topo_graph.h"

/* A longer token is cut: names and numbers are shorter, and longer texts do not matter. Lists nest
 * three deep in Topology Zoo's files; more than 32 levels are taken for damage. */
enum { MAX_TOKEN = 256, MAX_DEPTH = 32 };

typedef struct {
    const char *p, *end, *path;
    size_t line;
    TopoGraph *g;
    Err *err;
} Gml;

typedef enum { GML_END, GML_OPEN, GML_CLOSE, GML_WORD, GML_TEXT, GML_BAD } GmlToken;

static int fail(const Gml *x, const char *what, const char *got) {
    return err_input(x->err, "%s: line %zu: expected %s%s%.40s%s", x->path, x->line, what,
                     *got ? ", got '" : "", got, *got ? "'" : "");
}

/* Takes the next token; blanks and comments (# to the end of the line) are passed over. */
static GmlToken next(Gml *x, char token[MAX_TOKEN]) {
    size_t n = 0;
    token[0] = '\0';
    for (; x->p < x->end; x->p++) {
        if (*x->p == '\n') x->line++;
        else if (*x->p == '#')
            while (x->p + 1 < x->end && x->p[1] != '\n') x->p++;
        else if (!isspace((unsigned char)*x->p)) break;
    }
    if (x->p == x->end || *x->p == '\0') return GML_END;
    if (*x->p == '[' || *x->p == ']') return *x->p++ == '[' ? GML_OPEN : GML_CLOSE;
    if (*x->p == '"') {
        for (x->p++; x->p < x->end && *x->p != '"'; x->p++) {
            if (*x->p == '\n') x->line++;
            if (n + 1 < MAX_TOKEN) token[n++] = *x->p;
        }
        token[n] = '\0';
        if (x->p == x->end) return GML_BAD;
        x->p++;
        return GML_TEXT;
    }
    while (x->p < x->end && *x->p && !isspace((unsigned char)*x->p) && !strchr("[]\"", *x->p)) {
        if (n + 1 < MAX_TOKEN) token[n++] = *x->p;
        x->p++;
    }
    token[n] = '\0';
    return GML_WORD;
}

/* Passes over a list whose bracket was taken. */
static int skip_list(Gml *x) {
    char token[MAX_TOKEN];
    for (int depth = 1; depth > 0;) {
        GmlToken t = next(x, token);
        if (t == GML_END || t == GML_BAD)
            return fail(x, "a closing bracket, the file ends here", "");
        if (t == GML_OPEN && ++depth > MAX_DEPTH) return fail(x, "at most 32 nested lists", "");
        if (t == GML_CLOSE) depth--;
    }
    return 0;
}

typedef struct {
    char key[MAX_TOKEN], value[MAX_TOKEN];
} GmlPair;

/* A node's or an edge's list: ends first, whatever their order in the file, then what else it has.
 */
static int read_item(Gml *x, bool is_node) {
    GmlPair *pairs = NULL;
    size_t n = 0, cap = 0;
    const char *id = NULL, *source = NULL, *target = NULL;
    char token[MAX_TOKEN];
    int rc = 0;
    for (;;) {
        GmlToken t = next(x, token);
        if (t == GML_CLOSE) break;
        if (t != GML_WORD) {
            rc = fail(x, t == GML_END ? "a closing bracket, the file ends here" : "a key", token);
            break;
        }
        MEM_GROW(pairs, cap, n + 1);
        memcpy(pairs[n].key, token, sizeof token);
        t = next(x, pairs[n].value);
        if (t == GML_OPEN) {
            if ((rc = skip_list(x)) != 0) break;
            continue;
        }
        if (t != GML_WORD && t != GML_TEXT) {
            rc = fail(x, "a value", pairs[n].value);
            break;
        }
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(pairs[i].key, "id") == 0) id = pairs[i].value;
        if (strcmp(pairs[i].key, "source") == 0) source = pairs[i].value;
        if (strcmp(pairs[i].key, "target") == 0) target = pairs[i].value;
    }
    if (rc == 0 && is_node) {
        if (id) topo_graph_node(x->g, id);
        else rc = fail(x, "an id in each node", "");
    } else if (rc == 0) {
        if (source && target) topo_graph_link(x->g, source, target);
        else rc = fail(x, "source and target in each edge", "");
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (is_node) topo_graph_node_has(x->g, pairs[i].key, pairs[i].value);
        else rc = topo_graph_link_has(x->g, pairs[i].key, pairs[i].value, x->err);
    }
    free(pairs);
    return rc;
}

static int read_graph(Gml *x) {
    char token[MAX_TOKEN], value[MAX_TOKEN];
    for (;;) {
        GmlToken t = next(x, token);
        if (t == GML_CLOSE) return 0;
        if (t != GML_WORD)
            return fail(x, t == GML_END ? "a closing bracket, the file ends here" : "a key", token);
        bool node = strcmp(token, "node") == 0, edge = strcmp(token, "edge") == 0;
        t = next(x, value);
        if (t == GML_OPEN) {
            if ((node || edge ? read_item(x, node) : skip_list(x)) != 0) return -1;
        } else if (node || edge || (t != GML_WORD && t != GML_TEXT)) {
            return fail(x, node || edge ? "a list in brackets" : "a value", value);
        }
    }
}

int topo_gml_read(Topo *t, const char *path, const char *text, size_t len, const TopoLoadOptions *o,
                  Err *err) {
    Gml x = {text, text + len, path, 1, topo_graph_new(path, o, false), err};
    char token[MAX_TOKEN], value[MAX_TOKEN];
    int rc = 0, n_graphs = 0;
    for (GmlToken k; rc == 0 && (k = next(&x, token)) != GML_END;) {
        if (k != GML_WORD) {
            rc = fail(&x, "a key", token);
            break;
        }
        bool graph = strcmp(token, "graph") == 0;
        k = next(&x, value);
        if (k == GML_OPEN) rc = graph && n_graphs++ == 0 ? read_graph(&x) : skip_list(&x);
        else if (k != GML_WORD && k != GML_TEXT) rc = fail(&x, "a value", value);
    }
    if (rc == 0 && n_graphs != 1)
        rc = err_input(err, "%s: expected one graph, got %d", path, n_graphs);
    if (rc == 0) rc = topo_graph_build(t, x.g, err);
    topo_graph_destroy(x.g);
    return rc;
}
