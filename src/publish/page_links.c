/* page_links: the page of what links did over a simulation, as CSV (m3 simulate --links).
 *
 * The first line names the columns: from, to and port come first, utilisation must be there, and of
 * the others those that are there are shown. Pictures have the distribution of utilisation and of
 * the queues' p99 over the links of each port, a curve each; tables sum up the ports and list the
 * busiest links and the longest queues. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "publish/page_private.h"

/* Columns that are read as numbers, in the order of a row's values. */
enum {
    UTILISATION,
    QUEUE_P50,
    QUEUE_P99,
    QUEUE_MAX,
    PACKETS,
    MARKED,
    DROPPED,
    LOST,
    LOSS_SHARE,
    PAUSED,
    N_VALUES
};
static const char *const value_names[N_VALUES] = {
    "utilisation", "queue_p50_b", "queue_p99_b", "queue_max_b", "packets",
    "marked",      "dropped",     "lost",        "loss_share",  "paused_share"};
/* Columns that are read as texts. */
enum { FROM, TO, PORT, N_TEXTS };
static const char *const text_names[N_TEXTS] = {"from", "to", "port"};

enum { MAX_COLUMNS = 64, MAX_LISTED = 20, MAX_POINTS = 240 };

typedef struct {
    const char *at;
    size_t len;
} Text;

typedef struct {
    Text texts[N_TEXTS];
    double values[N_VALUES]; /* NAN: no such column, or an empty field */
} LinkLine;

/* Rows first..first+n−1 are one port's. */
typedef struct {
    size_t first, n;
} LinkPort;

typedef struct {
    LinkLine *rows;
    size_t n, cap;
    LinkPort *ports;
    size_t n_ports, cap_ports;
    int n_columns, column_of[MAX_COLUMNS]; /* text k: −2 − k; −1: not looked at */
    bool has[N_VALUES];
    int value; /* that rows are sorted by */
} LinkTable;

bool page_is_links(const char *text, size_t len) {
    static const char start[] = "from,to,port,";
    return len > sizeof start && memcmp(text, start, sizeof start - 1) == 0;
}

/* ---- reading ---- */

/* The next field of a line: up to a comma or the end. */
static Text next_field(const char **at, const char *end) {
    const char *field = *at, *comma = memchr(field, ',', (size_t)(end - field));
    *at = comma ? comma + 1 : end + 1;
    return (Text){field, (size_t)((comma ? comma : end) - field)};
}

static bool is_word(Text t, const char *word) {
    return strlen(word) == t.len && memcmp(t.at, word, t.len) == 0;
}

static int read_header(LinkTable *t, const char *line, const char *end, const char *path,
                       Err *err) {
    while (line <= end) {
        Text field = next_field(&line, end);
        if (t->n_columns == MAX_COLUMNS)
            return err_input(err, "%s: line 1: expected at most %d columns", path, MAX_COLUMNS);
        int *column = &t->column_of[t->n_columns++];
        *column = -1;
        for (int k = 0; k < N_TEXTS; k++)
            if (is_word(field, text_names[k])) *column = -2 - k;
        for (int v = 0; v < N_VALUES; v++)
            if (is_word(field, value_names[v])) *column = v;
        if (*column >= 0) t->has[*column] = true;
    }
    if (!t->has[UTILISATION])
        return err_input(err, "%s: line 1: expected a column utilisation", path);
    return 0;
}

static int read_number(Text field, double *x) {
    char text[64], *end;
    *x = NAN;
    if (field.len == 0) return 0;
    if (field.len >= sizeof text) return -1;
    memcpy(text, field.at, field.len);
    text[field.len] = '\0';
    *x = strtod(text, &end);
    return *end == '\0' && isfinite(*x) && *x >= 0 ? 0 : -1;
}

static int read_row(LinkTable *t, const char *line, const char *end, size_t number,
                    const char *path, Err *err) {
    MEM_GROW(t->rows, t->cap, t->n + 1);
    LinkLine *row = &t->rows[t->n++];
    int n = 0;
    for (int v = 0; v < N_VALUES; v++) row->values[v] = NAN;
    for (; line <= end; n++) {
        Text field = next_field(&line, end);
        int column = n < t->n_columns ? t->column_of[n] : -1;
        if (column <= -2) row->texts[-2 - column] = field;
        if (column >= 0 && read_number(field, &row->values[column]) != 0)
            return err_input(err, "%s: line %zu: %s: expected a number of at least 0, got '%.*s'",
                             path, number, value_names[column],
                             (int)(field.len < 40 ? field.len : 40), field.at);
    }
    if (n != t->n_columns)
        return err_input(err, "%s: line %zu: expected %d columns, got %d", path, number,
                         t->n_columns, n);
    return 0;
}

static int read_rows(LinkTable *t, const FileView *v, const char *path, Err *err) {
    const char *line = v->data, *file_end = v->data + v->len;
    for (size_t number = 1; line < file_end; number++) {
        const char *newline = memchr(line, '\n', (size_t)(file_end - line));
        const char *end = newline ? newline : file_end, *text_end = end;
        if (text_end > line && text_end[-1] == '\r') text_end--;
        int rc = number == 1        ? read_header(t, line, text_end, path, err)
                 : text_end == line ? 0
                                    : read_row(t, line, text_end, number, path, err);
        if (rc != 0) return -1;
        line = end + 1;
    }
    return t->n > 0 ? 0 : err_input(err, "%s: expected at least one row", path);
}

/* ---- order ---- */

static int compare_texts(Text a, Text b) {
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Of values, the highest first, and those that are not known last. */
static int compare_values(double x, double y) {
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return (x < y) - (x > y);
}

static int by_port(const void *a, const void *b) {
    const LinkLine *x = a, *y = b;
    int order = compare_texts(x->texts[PORT], y->texts[PORT]);
    if (order == 0) order = compare_values(x->values[UTILISATION], y->values[UTILISATION]);
    return order != 0 ? order : (x->texts[FROM].at > y->texts[FROM].at ? 1 : -1);
}
static int by_utilisation(const void *a, const void *b) {
    const LinkLine *x = a, *y = b;
    int order = compare_values(x->values[UTILISATION], y->values[UTILISATION]);
    if (order == 0) order = compare_values(x->values[QUEUE_P99], y->values[QUEUE_P99]);
    return order != 0 ? order : (x->texts[FROM].at > y->texts[FROM].at ? 1 : -1);
}
static int by_queue(const void *a, const void *b) {
    const LinkLine *x = a, *y = b;
    int order = compare_values(x->values[QUEUE_P99], y->values[QUEUE_P99]);
    return order != 0 ? order : by_utilisation(a, b);
}

static int descending(const void *a, const void *b) {
    return compare_values(*(const double *)a, *(const double *)b);
}

static void find_ports(LinkTable *t) {
    qsort(t->rows, t->n, sizeof *t->rows, by_port);
    for (size_t i = 0; i < t->n; i++) {
        if (i == 0 || compare_texts(t->rows[i - 1].texts[PORT], t->rows[i].texts[PORT]) != 0) {
            MEM_GROW(t->ports, t->cap_ports, t->n_ports + 1);
            t->ports[t->n_ports++] = (LinkPort){.first = i};
        }
        t->ports[t->n_ports - 1].n++;
    }
}

/* ---- pictures ---- */

static char *port_name(const LinkTable *t, const LinkPort *p) {
    Text name = t->rows[p->first].texts[PORT];
    return mem_printf("%.*s", (int)(name.len < 60 ? name.len : 60), name.at);
}

/* A port's values, the highest first; the caller frees. */
static double *sorted_values(const LinkTable *t, const LinkPort *p, int value, size_t *n) {
    double *x = MEM_NEW(double, p->n);
    *n = 0;
    for (size_t i = p->first; i < p->first + p->n; i++)
        if (!isnan(t->rows[i].values[value])) x[(*n)++] = t->rows[i].values[value];
    qsort(x, *n, sizeof *x, descending);
    return x;
}

/* Writes one port's curve: the share of links that have at least so much. */
static void write_curve(Figure *f, const LinkTable *t, const LinkPort *p, double scale) {
    size_t n;
    double *x = sorted_values(t, p, t->value, &n);
    figure_block(f, "value, share of the port's links with at least that");
    for (size_t k = 0; k < MAX_POINTS && n > 0; k++) {
        size_t i = k * n / MAX_POINTS;
        if (k > 0 && i == (k - 1) * n / MAX_POINTS) continue;
        fprintf(f->data, "%.6g %.6g\n", x[i] * scale, (double)(i + 1) / (double)n);
    }
    free(x);
}

static bool has_curve(const LinkTable *t, const LinkPort *p) {
    return !isnan(t->rows[p->first].values[t->value]);
}

static void write_curves(Figure *f, const void *ctx) {
    const LinkTable *t = ctx;
    bool queue = t->value == QUEUE_P99;
    int n = 0;
    fprintf(f->script,
            "set xlabel '%s'\nset ylabel 'share of links with at least that'\nset border 3\n"
            "set tics nomirror\nset xrange [0:*]\nset yrange [0:1]\n"
            "set key outside top left horizontal reverse Left samplen 1.5\nplot ",
            queue ? "p99 of the queue, KB" : "utilisation, %");
    for (size_t k = 0; k < t->n_ports && n < FIGURE_N_CURVES; k++) {
        if (!has_curve(t, &t->ports[k])) continue;
        char *name = port_name(t, &t->ports[k]);
        write_curve(f, t, &t->ports[k], queue ? 1e-3 : 100);
        fprintf(f->script, "%sdata index %d with linespoints pt 7 ps 0.3 lw 1.6 lc rgb '%s' title ",
                n > 0 ? ", \\\n    " : "", n, figure_curve_colours[n]);
        figure_quote(f->script, name);
        free(name);
        n++;
    }
    fputc('\n', f->script);
}

static int put_picture(Page *p, LinkTable *t, int value, const char *title, Err *err) {
    bool any = false;
    t->value = value;
    for (size_t k = 0; k < t->n_ports; k++) any |= has_curve(t, &t->ports[k]);
    if (!any) return 0;
    char *name = mem_printf("links_%s_%zu", value_names[value], p->result + 1);
    PictureText text = {name, title,
                        "A curve for each pair of tiers: the share of its links that have at "
                        "least so much. The tables have the ports' and the highest links' values.",
                        520, 320};
    int rc = picture_put(p, &text, write_curves, t, err);
    free(name);
    return rc;
}

/* ---- tables ---- */

static void put_value(Page *p, int value, double x) {
    if (isnan(x)) html_cell(p->f, "–");
    else if (value == UTILISATION) html_cell_bar(p->f, x, "%s", page_percent(x).s);
    else if (value == PAUSED || value == LOSS_SHARE) html_cell(p->f, "%s", page_percent(x).s);
    else if (value <= QUEUE_MAX) html_cell(p->f, "%s", units_size(x).s);
    else html_cell(p->f, "%s", units_count((uint64_t)x).s);
}

/* Mean, sum or largest of a port's values; NAN: none is known. */
static double sum_up(const LinkTable *t, const LinkPort *p, int value) {
    double sum = 0, most = NAN;
    size_t n = 0;
    for (size_t i = p->first; i < p->first + p->n; i++) {
        double x = t->rows[i].values[value];
        if (isnan(x)) continue;
        n++;
        sum += x;
        most = n == 1 ? x : fmax(most, x);
    }
    if (n == 0) return NAN;
    if (value == QUEUE_P50 || value == QUEUE_P99 || value == QUEUE_MAX) return most;
    return value == UTILISATION || value == PAUSED ? sum / (double)n : sum;
}

static double port_loss(const LinkTable *t, const LinkPort *p) {
    double sent = sum_up(t, p, PACKETS), dropped = sum_up(t, p, DROPPED), lost = sum_up(t, p, LOST);
    return sent + dropped > 0 ? (dropped + lost) / (sent + dropped) : 0;
}

static void put_ports(Page *p, const LinkTable *t) {
    static const char *const columns[] = {"Links",   "Number",          "Mean utilisation",
                                          "Busiest", "p99 queue, most", "Longest queue",
                                          "Loss",    "Paused",          NULL};
    html_table_begin(p->f, "Links by the tiers that they join", columns);
    for (size_t k = 0; k < t->n_ports; k++) {
        const LinkPort *g = &t->ports[k];
        char *name = port_name(t, g);
        html_row_begin(p->f, NULL, "%s", name);
        free(name);
        html_cell(p->f, "%s", units_count(g->n).s);
        put_value(p, UTILISATION, sum_up(t, g, UTILISATION));
        put_value(p, UTILISATION, t->rows[g->first].values[UTILISATION]);
        put_value(p, QUEUE_P99, sum_up(t, g, QUEUE_P99));
        put_value(p, QUEUE_MAX, sum_up(t, g, QUEUE_MAX));
        put_value(p, LOSS_SHARE, port_loss(t, g));
        put_value(p, PAUSED, sum_up(t, g, PAUSED));
        html_row_end(p->f);
    }
    html_table_end(p->f);
}

static void put_links(Page *p, LinkTable *t, const char *caption,
                      int (*order)(const void *, const void *)) {
    static const char *const headings[N_VALUES] = {
        "Utilisation", "p50 queue", "p99 queue", "Longest queue", "Packets",
        "Marked",      "Dropped",   "Lost",      "Loss",          "Paused"};
    const char *columns[N_VALUES + 2] = {"Link"};
    size_t n = 1;
    for (int v = 0; v < N_VALUES; v++)
        if (t->has[v]) columns[n++] = headings[v];
    columns[n] = NULL;
    qsort(t->rows, t->n, sizeof *t->rows, order);
    html_table_begin(p->f, caption, columns);
    for (size_t i = 0; i < t->n && i < MAX_LISTED; i++) {
        const LinkLine *r = &t->rows[i];
        html_row_begin(p->f, NULL, "%.*s–%.*s", (int)r->texts[FROM].len, r->texts[FROM].at,
                       (int)r->texts[TO].len, r->texts[TO].at);
        for (int v = 0; v < N_VALUES; v++)
            if (t->has[v]) put_value(p, v, r->values[v]);
        html_row_end(p->f);
    }
    html_table_end(p->f);
}

int page_links(Page *p, const FileView *v, Err *err) {
    LinkTable t = {0};
    int rc = read_rows(&t, v, p->path, err);
    if (rc == 0) {
        find_ports(&t);
        p->is_links = true;
        page_section(p, "What links did");
        page_paragraph(p, "%s directed links, over the whole run.", units_count(t.n).s);
        put_ports(p, &t);
        rc = put_picture(p, &t, UTILISATION, "Utilisation of links", err);
    }
    if (rc == 0) rc = put_picture(p, &t, QUEUE_P99, "Queues of links", err);
    if (rc == 0) {
        put_links(p, &t, "The busiest links", by_utilisation);
        if (t.has[QUEUE_P99]) put_links(p, &t, "The longest queues, by p99", by_queue);
    }
    free(t.rows);
    free(t.ports);
    return rc;
}
