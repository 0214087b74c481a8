/* grid: --set with lists and ranges.
 *
 * A range is counted in the unit of its step, whatever the units of its ends: 500KB..1MB:100KB
 * counts 500, 600, … 1000 in KB. Value i is lo + i · step, not a running sum, and is written with
 * 12 digits: so 0.7..0.95:0.05 gives 0.8 and not 0.7999…, and reads back as what the user would
 * have typed. Every value is tried on an empty mix when it is added, so that a bad one is found
 * before anything is computed; whether values of several axes fit together (netconf_check) is found
 * when they are combined. */
#include "scenario/grid.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "scenario/mix.h"

void grid_init(Grid *g) { *g = (Grid){.n = 1}; }

void grid_free(Grid *g) {
    for (size_t a = 0; a < g->n_axes; a++) {
        for (size_t i = 0; i < g->axes[a].n; i++) free(g->axes[a].values[i]);
        free(g->axes[a].values);
        free(g->axes[a].key);
    }
    free(g->axes);
    grid_init(g);
}

const char *grid_value(const Grid *g, size_t i, size_t axis) {
    for (size_t a = g->n_axes - 1; a > axis; a--) i /= g->axes[a].n;
    return g->axes[axis].values[i % g->axes[axis].n];
}

/* ---- ranges ---- */

/* A number and its unit as written ("" if there is none), which is no longer than "Gbit/s" in any
 * kind of quantity. */
typedef struct {
    double number;
    char unit[16];
} GridNumber;

/* Returns the end of the quantity that a text begins with, or NULL if it doesn't: a number, then
 * letters, % or /. */
static const char *scan_quantity(const char *s, GridNumber *q) {
    char *end;
    if (!isdigit((unsigned char)s[strspn(s, "+-.")])) return NULL;
    q->number = strtod(s, &end);
    /* Of "0.7..0.9" strtod takes "0.7", but of "5..30" it takes "5.". */
    if (end > s && end[-1] == '.' && *end == '.') end--;
    size_t n = 0;
    /* The µ of a unit is two bytes above 127. */
    while (isalpha((unsigned char)end[n]) || (end[n] & 0x80) || end[n] == '%' || end[n] == '/') n++;
    if (!isfinite(q->number) || n >= sizeof q->unit) return NULL;
    memcpy(q->unit, end, n);
    q->unit[n] = '\0';
    return end + n;
}

/* Returns how many base units (bytes, ns, bit/s) one of a unit is; 0 if it is none. */
static double unit_size(const char *unit) {
    char one[20];
    double x;
    if (*unit == '\0') return 1;
    if (strcmp(unit, "%") == 0) return 0.01;
    snprintf(one, sizeof one, "1%s", unit);
    if (units_parse_size(one, "", &x, NULL) == 0 || units_parse_time(one, "", &x, NULL) == 0 ||
        units_parse_rate(one, "", &x, NULL) == 0)
        return x;
    return 0;
}

static void add_value(GridAxis *a, char *text) {
    a->values = mem_realloc(a->values, a->n + 1, sizeof *a->values);
    a->values[a->n++] = text;
}

static int too_many(double n, Err *err) {
    return err_input(err, "%.0f combinations; at most %d", n, GRID_MAX);
}

/* Adds the values of a text that begins with a number and two dots. */
static int add_range(GridAxis *a, const char *text, Err *err) {
    /* A share of a step: (0.3 − 0.1) / 0.1 is 1.9999999999999998. */
    static const double ROUNDING = 1e-9;
    GridNumber first = {0}, last = {0}, by = {0};
    const char *s = scan_quantity(text, &first);
    s = scan_quantity(s + 2, &last);
    if (s) s = *s == ':' ? scan_quantity(s + 1, &by) : NULL;
    if (!s || *s != '\0') return err_input(err, "expected lo..hi:step, got '%.60s'", text);

    /* Both ends in the unit of the step. */
    double unit_lo = unit_size(first.unit), unit_hi = unit_size(last.unit),
           unit = unit_size(by.unit), lo = first.number, hi = last.number, step = by.number;
    bool bare = !*first.unit, same = bare == !*last.unit && bare == !*by.unit;
    if (!same || unit_lo == 0 || unit_hi == 0 || unit == 0)
        return err_input(err, "'%.60s': expected units of one kind, or none, on all three", text);
    if (strcmp(first.unit, by.unit) != 0) lo *= unit_lo / unit;
    if (strcmp(last.unit, by.unit) != 0) hi *= unit_hi / unit;

    if (step == 0) return err_input(err, "'%.60s': the step is 0", text);
    if ((hi - lo) / step < 0)
        return err_input(err, "'%.60s': the range is empty: a step goes away from its end", text);
    double n = floor((hi - lo) / step + ROUNDING) + 1;
    if (n > GRID_MAX) return too_many(n, err);
    for (size_t i = 0; (double)i < n; i++) {
        double x = lo + (double)i * step;
        if (fabs(x) < ROUNDING * fabs(step)) x = 0;
        add_value(a, mem_printf("%.12g%s", x, by.unit));
    }
    return 0;
}

/* ---- settings ---- */

/* Adds the values and ranges of a list. The values of some settings are names, where two dots are
 * nothing special. */
static int add_list(GridAxis *a, const char *list, Err *err) {
    bool names =
        strcmp(a->key, "sizes") == 0 || strcmp(a->key, "matrix") == 0 || strcmp(a->key, "cc") == 0;
    for (const char *s = list;; s++) {
        size_t n = strcspn(s, ",");
        char *item = mem_printf("%.*s", (int)n, s);
        GridNumber first;
        const char *behind = names ? NULL : scan_quantity(item, &first);
        int rc = 0;
        if (n == 0) rc = err_input(err, "expected a value, got nothing in '%.60s'", list);
        else if (behind && strncmp(behind, "..", 2) == 0) rc = add_range(a, item, err);
        else add_value(a, mem_strdup(item));
        free(item);
        if (rc != 0) return -1;
        s += n;
        if (*s == '\0') return 0;
    }
}

static int check_axis(const Grid *g, const GridAxis *a, Err *err) {
    for (size_t k = 0; k + 1 < g->n_axes; k++)
        if (strcmp(g->axes[k].key, a->key) == 0)
            return err_input(err, "set twice; give its values in one list");
    for (size_t i = 0; i < a->n; i++) {
        Mix mix;
        mix_init(&mix);
        char *assignment = mem_printf("%s=%s", a->key, a->values[i]);
        int rc = mix_set(&mix, assignment, err);
        free(assignment);
        mix_free(&mix);
        if (rc != 0) return -1;
    }
    double n = (double)g->n * (double)a->n;
    return n <= GRID_MAX ? 0 : too_many(n, err);
}

int grid_add(Grid *g, const char *assignment, Err *err) {
    const char *eq = strchr(assignment, '=');
    if (!eq || eq == assignment || eq - assignment > 60)
        return err_input(err, "expected key=value, key=a,b or key=lo..hi:step, got '%.60s'",
                         assignment);
    g->axes = mem_realloc(g->axes, g->n_axes + 1, sizeof *g->axes);
    GridAxis *a = &g->axes[g->n_axes++];
    *a = (GridAxis){.key = mem_printf("%.*s", (int)(eq - assignment), assignment)};
    if (add_list(a, eq + 1, err) != 0 || check_axis(g, a, err) != 0) return -1;
    g->n *= a->n;
    return 0;
}
