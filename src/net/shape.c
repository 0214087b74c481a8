/* shape: topologies that a few figures describe.
 *
 * A shape is a row of data: a struct of figures (counts, rates, delays), where each of them lies in
 * it, its defaults, and a function that makes nodes and cables of them. Files and options go by the
 * table, so that a new shape is a file of its own and a row below.
 *
 * Ids ascend from 0, hosts first, so that the same figures make the same network everywhere: ids
 * seed the ECMP hash. */
#include "net/shape.h"

#include <string.h>

#include "base/file.h"
#include "net/topo_private.h"

/* Some thousand times the paper's largest network (6,144 hosts), and 2 GB of cables while they are
 * being read: a typing error ends here, not in memory. */
enum { MAX_NODES = 1 << 24, MAX_CABLES = 1 << 26 };
enum { MAX_FIGURES = 16 };

const Shape *const shapes[] = {&clos_shape,      &rail_shape,  &multiplane_shape,
                               &dragonfly_shape, &torus_shape, NULL};

int shape_check_size(double nodes, double cables, const char *name, Err *err) {
    if (nodes > MAX_NODES || cables > MAX_CABLES)
        return err_input(err, "%s: expected at most %d nodes and %d links, got %.0f and %.0f", name,
                         MAX_NODES, MAX_CABLES, nodes, cables);
    return 0;
}

static bool same_key(const char *a, const char *b) {
    while (*a && (*a == *b || (*a == '-' && *b == '_'))) a++, b++;
    return *a == *b;
}

const ShapeFigure *shape_figure(const Shape *s, const char *key) {
    for (int i = 0; i < s->n_figures; i++)
        if (same_key(key, s->figures[i].key)) return &s->figures[i];
    return NULL;
}

static int read_figure(const ShapeFigure *f, char *at, const Json *v, Err *err) {
    if (f->kind == FIGURE_COUNT) {
        uint64_t n;
        if (json_uint(v, MAX_NODES, &n, err) != 0) return -1;
        uint32_t count = (uint32_t)n;
        memcpy(at, &count, sizeof count);
        return 0;
    }
    double x = 0;
    if ((f->kind == FIGURE_RATE ? topo_load_rate : topo_load_delay)(v, &x, err) != 0) return -1;
    memcpy(at, &x, sizeof x);
    return 0;
}

int shape_read(const Shape *s, void *figures, const Json *j, Err *err) {
    const char *known[MAX_FIGURES + 1] = {NULL};
    for (int i = 0; i < s->n_figures; i++) known[i] = s->figures[i].key;
    s->set_default(figures);
    if (json_only_keys(j, known, err) != 0) return -1;
    for (int i = 0; i < s->n_figures; i++) {
        Json v;
        char *at = (char *)figures + s->figures[i].offset;
        if (json_find(j, s->figures[i].key, &v) && read_figure(&s->figures[i], at, &v, err) != 0)
            return -1;
    }
    return 0;
}

int shape_save(const Shape *s, const void *figures, const char *path, Err *err) {
    JsonFile file;
    if (json_file_open(&file, NULL, path, err) != 0) return -1;
    JsonOut *j = &file.j;
    json_put_object(j, s->name);
    for (int i = 0; i < s->n_figures; i++) {
        const ShapeFigure *f = &s->figures[i];
        const char *at = (const char *)figures + f->offset;
        uint32_t count;
        double x;
        if (f->kind == FIGURE_COUNT) {
            memcpy(&count, at, sizeof count);
            json_put_count(j, f->key, count);
        } else {
            memcpy(&x, at, sizeof x);
            json_put_string(j, f->key,
                            (f->kind == FIGURE_RATE ? topo_save_rate : topo_save_delay)(x).s);
        }
    }
    json_out_end(j, '}');
    return json_file_commit(&file, err);
}
