/* shape: topologies that a few figures describe, one row of a table each. */
#ifndef M3_NET_SHAPE_H
#define M3_NET_SHAPE_H
#include <stddef.h>

#include "base/json.h"
#include "net/topo.h"

/* A figure of a shape, in the struct that the shape keeps its figures in: a uint32_t, or a double
 * in bit/s or ns. */
typedef enum { FIGURE_COUNT, FIGURE_RATE, FIGURE_DELAY } FigureKind;
typedef struct {
    const char *key; /* in files; options have '-' where it has '_' */
    FigureKind kind;
    size_t offset;
} ShapeFigure;

/* A shape: `name` is the key that its description stands under in a file, and the command of
 * m3 topo that makes it. */
typedef struct {
    const char *name;
    size_t size; /* of its figures */
    int n_figures;
    const ShapeFigure *figures; /* in the order in which they are written */
    void (*set_default)(void *figures);
    /* Makes the topology; topo_free releases. −1 with an input error that begins with `name` if
     * the figures fit no network. */
    int (*build)(Topo *t, const void *figures, const char *name, Err *err);
} Shape;

#define SHAPE_FIGURES(array) .n_figures = sizeof(array) / sizeof *(array), .figures = (array)

/* All shapes, ended by NULL. */
extern const Shape *const shapes[];
extern const Shape clos_shape, rail_shape, multiplane_shape, dragonfly_shape, torus_shape;

/* shape_figure returns the figure of a key in which '-' may stand for '_', or NULL. */
const ShapeFigure *shape_figure(const Shape *s, const char *key);

/* shape_read reads the object under the key of its name; figures that are left out are as by
 * default. −1 with an input error that names the place. shape_save writes such a file. */
int shape_read(const Shape *s, void *figures, const Json *j, Err *err);
int shape_save(const Shape *s, const void *figures, const char *path, Err *err);

/* shape_check_size refuses networks of more than 16 M nodes or 64 M cables. */
int shape_check_size(double nodes, double cables, const char *name, Err *err);
#endif
