/* page_series: the page of a series of what ports did over time, as CSV.
 *
 * The first line names the columns, in any order: start_ns, end_ns and port must be there; of
 * utilisation, queue_mean_b, queue_max_b, marked, dropped and paused_share those that are there are
 * shown, others are not looked at. A row is an interval at a port. The pictures have the ports of
 * highest utilisation, thinned to what can be seen: neighbouring intervals become one, with the
 * mean of their utilisations and the largest of their queues. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "publish/page_private.h"

/* Columns that are read, in the order of a row's values. */
enum { START, END, UTILISATION, QUEUE_MEAN, QUEUE_MAX, MARKED, DROPPED, PAUSED, N_VALUES };
static const char *const value_names[N_VALUES] = {"start_ns",     "end_ns",      "utilisation",
                                                  "queue_mean_b", "queue_max_b", "marked",
                                                  "dropped",      "paused_share"};

typedef struct {
    const char *port; /* [port_len] in the file */
    size_t port_len;
    double values[N_VALUES]; /* NAN: no such column, or an empty field */
} PortRow;

/* Rows first..first+n−1 are one port's, in order of time. */
typedef struct {
    size_t first, n;
    double values[N_VALUES]; /* of all its time: means, the largest queue, sums of counts */
} SeriesPort;

enum { MAX_COLUMNS = 64, MAX_DRAWN = FIGURE_N_CURVES, MAX_POINTS = 240, MAX_PORTS = 100 };

typedef struct {
    PortRow *rows;
    size_t n, cap;
    SeriesPort *ports;
    size_t n_ports, ports_cap;
    int n_columns, port_column, value_of[MAX_COLUMNS]; /* value_of: −1: not looked at */
    bool has[N_VALUES];
} PortSeries;

bool page_is_series(const char *text, size_t len) {
    static const char start[] = "start_ns,";
    if (len < sizeof start || memcmp(text, start, sizeof start - 1) != 0) return false;
    const char *line_end = memchr(text, '\n', len);
    return memmem(text, line_end ? (size_t)(line_end - text) : len, ",port", 5) != NULL;
}

/* ---- reading ---- */

/* The next field of a line: up to a comma or the end. */
static const char *next_field(const char **at, const char *end, size_t *len) {
    const char *field = *at, *comma = memchr(field, ',', (size_t)(end - field));
    *len = (size_t)((comma ? comma : end) - field);
    *at = comma ? comma + 1 : end + 1;
    return field;
}

static bool is_word(const char *field, size_t len, const char *word) {
    return strlen(word) == len && memcmp(field, word, len) == 0;
}

static int read_header(PortSeries *s, const char *line, const char *end, const char *path,
                       Err *err) {
    s->port_column = -1;
    while (line <= end) {
        size_t len;
        const char *field = next_field(&line, end, &len);
        if (s->n_columns == MAX_COLUMNS)
            return err_input(err, "%s: line 1: expected at most %d columns", path, MAX_COLUMNS);
        int *value = &s->value_of[s->n_columns];
        *value = -1;
        if (is_word(field, len, "port")) s->port_column = s->n_columns;
        for (int v = 0; v < N_VALUES; v++)
            if (is_word(field, len, value_names[v])) *value = v;
        if (*value >= 0) s->has[*value] = true;
        s->n_columns++;
    }
    if (s->port_column < 0 || !s->has[START] || !s->has[END])
        return err_input(err, "%s: line 1: expected columns start_ns, end_ns and port", path);
    return 0;
}

static int read_number(const char *field, size_t len, double *x) {
    char text[64], *end;
    *x = NAN;
    if (len == 0) return 0;
    if (len >= sizeof text) return -1;
    memcpy(text, field, len);
    text[len] = '\0';
    *x = strtod(text, &end);
    return *end == '\0' && isfinite(*x) && *x >= 0 ? 0 : -1;
}

static int read_row(PortSeries *s, const char *line, const char *end, size_t number,
                    const char *path, Err *err) {
    MEM_GROW(s->rows, s->cap, s->n + 1);
    PortRow *row = &s->rows[s->n++];
    int column = 0;
    for (int v = 0; v < N_VALUES; v++) row->values[v] = NAN;
    for (; line <= end; column++) {
        size_t len;
        const char *field = next_field(&line, end, &len);
        if (column >= s->n_columns) continue;
        int v = s->value_of[column];
        if (column == s->port_column) row->port = field, row->port_len = len;
        if (v >= 0 && read_number(field, len, &row->values[v]) != 0)
            return err_input(err, "%s: line %zu: %s: expected a number of at least 0, got '%.*s'",
                             path, number, value_names[v], (int)(len < 40 ? len : 40), field);
    }
    if (column != s->n_columns)
        return err_input(err, "%s: line %zu: expected %d columns, got %d", path, number,
                         s->n_columns, column);
    if (!(row->values[END] > row->values[START]))
        return err_input(err, "%s: line %zu: expected end_ns above start_ns", path, number);
    return 0;
}

static int read_rows(PortSeries *s, const FileView *v, const char *path, Err *err) {
    const char *line = v->data, *file_end = v->data + v->len;
    for (size_t number = 1; line < file_end; number++) {
        const char *newline = memchr(line, '\n', (size_t)(file_end - line));
        const char *end = newline ? newline : file_end, *text_end = end;
        if (text_end > line && text_end[-1] == '\r') text_end--;
        int rc = number == 1        ? read_header(s, line, text_end, path, err)
                 : text_end == line ? 0
                                    : read_row(s, line, text_end, number, path, err);
        if (rc != 0) return -1;
        line = end + 1;
    }
    if (s->n == 0) return err_input(err, "%s: expected at least one row", path);
    return 0;
}

/* ---- ports ---- */

static int compare_ports(const PortRow *a, const PortRow *b) {
    size_t shorter = a->port_len < b->port_len ? a->port_len : b->port_len;
    int order = memcmp(a->port, b->port, shorter);
    return order != 0 ? order : (a->port_len > b->port_len) - (a->port_len < b->port_len);
}

static int by_port_and_time(const void *a, const void *b) {
    const PortRow *x = a, *y = b;
    int order = compare_ports(x, y);
    if (order != 0) return order;
    return (x->values[START] > y->values[START]) - (x->values[START] < y->values[START]);
}

static bool is_count(int value) { return value == MARKED || value == DROPPED; }

/* Sums up rows first..first+n−1: counts are added, queue_max_b is the largest, all else is a mean
 * over time. */
static void sum_up(const PortSeries *s, size_t first, size_t n, double out[N_VALUES]) {
    double time[N_VALUES] = {0}; /* that a value is known for */
    for (int v = 0; v < N_VALUES; v++) out[v] = 0;
    for (size_t i = first; i < first + n; i++) {
        const double *x = s->rows[i].values;
        double span = x[END] - x[START];
        for (int v = UTILISATION; v < N_VALUES; v++) {
            if (isnan(x[v])) continue;
            time[v] += span;
            if (v == QUEUE_MAX) out[v] = fmax(out[v], x[v]);
            else out[v] += is_count(v) ? x[v] : x[v] * span;
        }
    }
    for (int v = UTILISATION; v < N_VALUES; v++) {
        if (!(time[v] > 0)) out[v] = NAN;
        else if (v != QUEUE_MAX && !is_count(v)) out[v] /= time[v];
    }
    out[START] = s->rows[first].values[START];
    out[END] = s->rows[first + n - 1].values[END];
}

/* By utilisation, then by the largest queue, the highest first; then by name. */
static int by_utilisation(const void *a, const void *b) {
    const SeriesPort *x = a, *y = b;
    for (int k = 0; k < 2; k++) {
        int v = k == 0 ? UTILISATION : QUEUE_MAX;
        if (x->values[v] != y->values[v] && !isnan(x->values[v]))
            return x->values[v] < y->values[v] ? 1 : -1;
    }
    return (x->first > y->first) - (x->first < y->first);
}

static void find_ports(PortSeries *s) {
    qsort(s->rows, s->n, sizeof *s->rows, by_port_and_time);
    for (size_t i = 0; i < s->n; i++) {
        if (i == 0 || compare_ports(&s->rows[i - 1], &s->rows[i]) != 0) {
            MEM_GROW(s->ports, s->ports_cap, s->n_ports + 1);
            s->ports[s->n_ports++] = (SeriesPort){.first = i};
        }
        s->ports[s->n_ports - 1].n++;
    }
    for (size_t k = 0; k < s->n_ports; k++)
        sum_up(s, s->ports[k].first, s->ports[k].n, s->ports[k].values);
    qsort(s->ports, s->n_ports, sizeof *s->ports, by_utilisation);
}

static char *port_name(const PortSeries *s, const SeriesPort *p) {
    const PortRow *row = &s->rows[p->first];
    return mem_printf("%.*s", (int)(row->port_len < 60 ? row->port_len : 60), row->port);
}

/* ---- pictures ---- */

typedef struct {
    const PortSeries *s;
    int value;
    double scale; /* of the vertical axis */
    const char *label;
} SeriesCurves;

static size_t n_drawn(const PortSeries *s) {
    return s->n_ports < MAX_DRAWN ? s->n_ports : MAX_DRAWN;
}

/* Sums up part `k` of n of a port's time; false if no interval is in it. */
static bool part_of(const PortSeries *s, const SeriesPort *p, size_t k, size_t n,
                    double x[N_VALUES]) {
    size_t first = p->n * k / n, end = p->n * (k + 1) / n;
    if (first == end) return false;
    sum_up(s, p->first + first, end - first, x);
    return true;
}

static void write_series(Figure *f, const void *ctx) {
    const SeriesCurves *c = ctx;
    const PortSeries *s = c->s;
    size_t n = n_drawn(s);
    for (size_t k = 0; k < n; k++) {
        const SeriesPort *p = &s->ports[k];
        figure_block(f, "middle of the interval in ms, value");
        for (size_t point = 0; point < MAX_POINTS; point++) {
            double x[N_VALUES];
            if (!part_of(s, p, point, MAX_POINTS, x)) continue;
            fprintf(f->data, "%.7g %.5g\n", (x[START] + x[END]) / 2e6, x[c->value] * c->scale);
        }
    }
    fputs("set xlabel 'time, ms'\nset ylabel ", f->script);
    figure_quote(f->script, c->label);
    fputs("\nset border 3\nset tics nomirror\nset yrange [0:*]\n"
          "set key outside top left horizontal reverse Left samplen 1.5\nplot ",
          f->script);
    for (size_t k = 0; k < n; k++) {
        char *name = port_name(s, &s->ports[k]);
        fprintf(f->script, "%sdata index %zu with lines lw 1.6 lc rgb '%s' title ",
                k > 0 ? ", \\\n    " : "", k, figure_curve_colours[k]);
        figure_quote(f->script, name);
        free(name);
    }
    fputc('\n', f->script);
}

/* ---- table ---- */

static void put_value(Page *p, int value, double x) {
    if (isnan(x)) html_cell(p->f, "–");
    else if (value == PAUSED) html_cell(p->f, "%s", page_percent(x).s);
    else if (value == UTILISATION) html_cell_bar(p->f, x, "%s", page_percent(x).s);
    else if (value == QUEUE_MEAN || value == QUEUE_MAX) html_cell(p->f, "%s", units_size(x).s);
    else html_cell(p->f, "%.0f", x);
}

/* The curves' numbers, in parts of the time. */
static void put_numbers(Page *p, const PortSeries *s, int value, const char *caption) {
    enum { PARTS = 20 };
    const char *columns[MAX_DRAWN + 2] = {"Part of the time"};
    char *names[MAX_DRAWN];
    size_t n = n_drawn(s);
    for (size_t k = 0; k < n; k++) columns[k + 1] = names[k] = port_name(s, &s->ports[k]);
    html_details_begin(p->f, "The curves’ numbers");
    html_table_begin(p->f, caption, columns);
    for (size_t part = 0; part < PARTS; part++) {
        html_row_begin(p->f, NULL, "%zu to %zu %%", 100 * part / PARTS, 100 * (part + 1) / PARTS);
        for (size_t k = 0; k < n; k++) {
            double x[N_VALUES];
            put_value(p, value, part_of(s, &s->ports[k], part, PARTS, x) ? x[value] : NAN);
        }
        html_row_end(p->f);
    }
    html_table_end(p->f);
    html_details_end(p->f);
    for (size_t k = 0; k < n; k++) free(names[k]);
}

static int put_picture(Page *p, const PortSeries *s, int value, double scale, const char *label,
                       const char *title, Err *err) {
    SeriesCurves c = {s, value, scale, label};
    if (!s->has[value]) return 0;
    char *name = mem_printf("%s_%zu", value_names[value], p->result + 1);
    PictureText t = {name, title,
                     "Curves over time of the ports with the highest utilisation. The "
                     "table has each port's mean and largest values.",
                     520, 320};
    int rc = picture_put(p, &t, write_series, &c, err);
    free(name);
    if (rc == 0) put_numbers(p, s, value, title);
    return rc;
}

static void put_table(Page *p, const PortSeries *s) {
    static const char *const headings[N_VALUES] = {
        NULL, NULL, "Utilisation", "Mean queue", "Largest queue", "Marked", "Dropped", "Paused"};
    const char *columns[N_VALUES + 1] = {"Port"};
    size_t n = 1;
    for (int v = UTILISATION; v < N_VALUES; v++)
        if (s->has[v]) columns[n++] = headings[v];
    columns[n] = NULL;
    html_table_begin(p->f, "Ports over the whole time, by utilisation", columns);
    for (size_t k = 0; k < s->n_ports && k < MAX_PORTS; k++) {
        char *name = port_name(s, &s->ports[k]);
        html_row_begin(p->f, NULL, "%s", name);
        for (int v = UTILISATION; v < N_VALUES; v++)
            if (s->has[v]) put_value(p, v, s->ports[k].values[v]);
        html_row_end(p->f);
        free(name);
    }
    html_table_end(p->f);
    if (s->n_ports > MAX_PORTS)
        page_paragraph(p, "These are the first %d of %zu ports.", MAX_PORTS, s->n_ports);
}

int page_series(Page *p, const FileView *v, Err *err) {
    PortSeries s = {0};
    int rc = read_rows(&s, v, p->path, err);
    if (rc == 0) {
        find_ports(&s);
        p->is_series = true;
        page_section(p, "What ports did over time");
        page_paragraph(p, "%s intervals of %s ports.", units_count(s.n).s,
                       units_count(s.n_ports).s);
        rc = put_picture(p, &s, UTILISATION, 100, "utilisation, %", "Utilisation of ports", err);
    }
    if (rc == 0)
        rc = put_picture(p, &s, QUEUE_MAX, 1e-3, "largest queue, KB", "Queues of ports", err);
    if (rc == 0) put_table(p, &s);
    free(s.rows);
    free(s.ports);
    return rc;
}
