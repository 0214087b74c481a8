/* batch: tables of truth, as CSV.
 *
 * A table may have been made by anyone, so columns are found by name, and a quantile may be given
 * as it is or as an error against the truth. Rows for one mix and bucket, of one table or several,
 * are joined: all rows are sorted after each table, then equal ones merged. */
#include "batch/batch_truth.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/units.h"

enum { MAX_COLUMNS = 64, MAX_CELL = 256, MAX_NAME = 20 };

/* What a column holds. */
typedef enum { OTHER, ID, BUCKET, VALUE, ERROR } ColumnKind;
typedef struct {
    ColumnKind kind;
    int source, quantile;
} Column;

typedef struct {
    const char *path;
    const char *next, *end; /* what is left of the text */
    size_t line;
    char cell[MAX_COLUMNS][MAX_CELL];
    bool cut[MAX_COLUMNS]; /* the cell is longer */
    int n_cells;
    Column column[MAX_COLUMNS];
    int n_columns;
} Table;

/* ---- lines ---- */

/* Copies a cell, without quotes and the spaces around it; longer ones are cut, which is returned.
 */
static bool put_cell(char cell[MAX_CELL], const char *s, const char *end) {
    size_t n = 0;
    bool quoted = false, cut = false;
    while (s < end && (*s == ' ' || *s == '\t')) s++;
    while (s < end && strchr(" \t\r", end[-1])) end--;
    for (; s < end; s++) {
        bool twice = quoted && *s == '"' && s + 1 < end && s[1] == '"';
        if (*s == '"') quoted = !quoted || twice;
        if (*s == '"' && !twice) continue;
        if (n + 1 == MAX_CELL) cut = true;
        else cell[n++] = *s;
        s += twice;
    }
    cell[n] = '\0';
    return cut;
}

/* Reads the next line that isn't blank into cells; 0 at the end. */
static int read_line(Table *t, Err *err) {
    while (t->next < t->end) {
        const char *stop = memchr(t->next, '\n', (size_t)(t->end - t->next)), *s = t->next;
        if (!stop) stop = t->end;
        t->next = stop < t->end ? stop + 1 : stop;
        t->line++;
        t->n_cells = 0;
        bool quoted = false;
        for (const char *c = s;; c++) {
            if (c < stop && *c == '"') quoted = !quoted;
            if (c < stop && (*c != ',' || quoted)) continue;
            if (t->n_cells == MAX_COLUMNS)
                return err_input(err, "%s: line %zu: more than %d columns", t->path, t->line,
                                 MAX_COLUMNS);
            t->cut[t->n_cells] = put_cell(t->cell[t->n_cells], s, c);
            t->n_cells++;
            s = c + 1;
            if (c >= stop) break;
        }
        if (t->n_cells > 1 || t->cell[0][0]) return 1;
    }
    return 0;
}

/* ---- columns ---- */

/* The number of a source, a new one if need be; −1 if there are too many, or its name is too long.
 * The published programs' names for Parsimon and m3 are pmn_m and mlsys. */
static int source_of(BatchTruth *t, const char *name, size_t n) {
    char label[sizeof t->source[0]];
    if (n > MAX_NAME) return -1;
    snprintf(label, sizeof label, "%.*s", (int)n, name);
    if (strcmp(label, "pmn_m") == 0) strcpy(label, "parsimon");
    if (strcmp(label, "mlsys") == 0) strcpy(label, "m3");
    if (strcmp(label, "ns3") == 0) memcpy(label, "truth", sizeof "truth");
    for (int i = 0; i < t->n_sources; i++)
        if (strcmp(t->source[i], label) == 0) return i;
    if (t->n_sources == BATCH_MAX_SOURCES) return -1;
    if (t->truth == t->n_sources && strcmp(label, "truth") != 0) t->truth++;
    snprintf(t->source[t->n_sources], sizeof t->source[0], "%s", label);
    return t->n_sources++;
}

/* The kind of a column by its name. */
static Column column_of(BatchTruth *t, const char *name) {
    Column c = {OTHER, 0, 0};
    const char *bars = strstr(name, "__"), *last = bars ? strstr(bars + 2, "__") : NULL;
    if (strcmp(name, "id") == 0) c.kind = ID;
    else if (strcmp(name, "bucket") == 0) c.kind = BUCKET;
    else if (last && (c.quantile = result_quantile_keyed(name, (size_t)(bars - name))) >= 0) {
        c.kind = ERROR;
        c.source = source_of(t, last + 2, strlen(last + 2));
    } else if ((c.quantile = result_quantile_keyed(name, strlen(name))) >= 0) {
        c.kind = VALUE;
        c.source = source_of(t, "truth", 5);
    } else {
        for (const char *s = strchr(name, '_'); s && c.kind == OTHER; s = strchr(s + 1, '_'))
            if (s > name && (c.quantile = result_quantile_keyed(s + 1, strlen(s + 1))) >= 0) {
                c.kind = VALUE;
                c.source = source_of(t, name, (size_t)(s - name));
            }
    }
    return c;
}

/* Refuses column i: a name that is too long, or means the same as a column before it. */
static int check_column(const Table *t, int i, Err *err) {
    const Column *c = &t->column[i];
    if (t->cut[i])
        return err_input(err,
                         "%s: line %zu: expected names of columns of at most %d characters, "
                         "got '%.40s…'",
                         t->path, t->line, MAX_CELL - 1, t->cell[i]);
    if (c->source < 0)
        return err_input(err,
                         "%s: line %zu: column '%.80s': expected at most %d sources, with names of "
                         "at most %d characters",
                         t->path, t->line, t->cell[i], BATCH_MAX_SOURCES, MAX_NAME);
    for (int k = 0; k < i && c->kind != OTHER; k++)
        if (t->column[k].kind == c->kind && t->column[k].source == c->source &&
            t->column[k].quantile == c->quantile)
            return err_input(err, "%s: line %zu: columns '%.40s' and '%.40s' mean the same",
                             t->path, t->line, t->cell[k], t->cell[i]);
    return 0;
}

static int read_header(Table *t, BatchTruth *truth, Err *err) {
    bool has_id = false, has_numbers = false;
    int rc = read_line(t, err);
    if (rc < 0) return -1;
    if (rc == 0) return err_input(err, "%s: is empty; expected a table with a header", t->path);
    t->n_columns = t->n_cells;
    for (int i = 0; i < t->n_cells; i++) {
        t->column[i] = column_of(truth, t->cell[i]);
        if (check_column(t, i, err) != 0) return -1;
        has_id |= t->column[i].kind == ID;
        has_numbers |= t->column[i].kind >= VALUE;
    }
    if (has_id && has_numbers) return 0;
    return err_input(err,
                     "%s: line 1: expected columns id, bucket and p99 (or NAME_p99, "
                     "p99__TRUTH__NAME), got '%.40s, …'",
                     t->path, t->cell[0]);
}

/* ---- rows ---- */

static int compare(const char *id, int dist, const BatchTruthRow *b) {
    int c = strcmp(id, b->id);
    return c ? c : (dist > b->dist) - (dist < b->dist);
}

/* Where the row of a mix and distribution is or belongs. */
static size_t lower_bound(const BatchTruth *t, const char *id, int dist) {
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (compare(id, dist, &t->row[mid]) > 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

const BatchTruthRow *batch_truth_find(const BatchTruth *t, const char *id, int dist) {
    size_t i = lower_bound(t, id, dist);
    return i < t->n && compare(id, dist, &t->row[i]) == 0 ? &t->row[i] : NULL;
}

static BatchTruthRow *new_row(BatchTruth *t, const char *id, int dist, size_t line) {
    MEM_GROW(t->row, t->cap, t->n + 1);
    BatchTruthRow *r = &t->row[t->n++];
    *r = (BatchTruthRow){.id = mem_strdup(id), .dist = dist, .line = line};
    for (int s = 0; s < BATCH_MAX_SOURCES; s++)
        for (int k = 0; k < RESULT_N_QUANTILES; k++) r->value[s][k] = r->error[s][k] = NAN;
    return r;
}

static int add_row(Table *t, BatchTruth *truth, Err *err) {
    const char *id = NULL;
    int dist = RESULT_ALL;
    char what[64];
    if (t->n_cells != t->n_columns)
        return err_input(err, "%s: line %zu: expected %d columns, got %d", t->path, t->line,
                         t->n_columns, t->n_cells);
    for (int i = 0; i < t->n_cells; i++) {
        if (t->cut[i] && t->column[i].kind != OTHER)
            return err_input(err, "%s: line %zu: expected at most %d characters, got '%.40s…'",
                             t->path, t->line, MAX_CELL - 1, t->cell[i]);
        if (t->column[i].kind == ID) id = t->cell[i];
        if (t->column[i].kind == BUCKET &&
            (dist = result_dist_named(t->cell[i], strlen(t->cell[i]))) < 0)
            return err_input(err, "%s: line %zu: expected all or a bucket like 1-10KB, got '%.40s'",
                             t->path, t->line, t->cell[i]);
    }
    BatchTruthRow *r = new_row(truth, id, dist, t->line);
    for (int i = 0; i < t->n_cells; i++) {
        const Column *c = &t->column[i];
        double x;
        if (c->kind < VALUE || !t->cell[i][0] || strcasecmp(t->cell[i], "nan") == 0) continue;
        snprintf(what, sizeof what, "line %zu", t->line);
        if (units_parse_number(t->cell[i], what, &x, err) != 0) return err_wrap(err, "%s", t->path);
        if (c->kind == VALUE && !(x > 0))
            return err_input(err, "%s: line %zu: expected a slowdown above 0, got '%.40s'", t->path,
                             t->line, t->cell[i]);
        (c->kind == VALUE ? r->value : r->error)[c->source][c->quantile] = x;
    }
    return 0;
}

static int by_mix(const void *pa, const void *pb) {
    const BatchTruthRow *a = pa, *b = pb;
    return compare(a->id, a->dist, b);
}

static int by_row(const void *pa, const void *pb) {
    const BatchTruthRow *a = pa, *b = pb;
    int c = by_mix(a, b);
    return c ? c : (a->line > b->line) - (a->line < b->line);
}

/* Adds what row b, which stands further down, says to a; both may say the same. */
static int join(const BatchTruth *t, BatchTruthRow *a, const BatchTruthRow *b, const char *path,
                Err *err) {
    for (int i = 0; i < 2 * t->n_sources * RESULT_N_QUANTILES; i++) {
        int s = i / 2 / RESULT_N_QUANTILES, k = i / 2 % RESULT_N_QUANTILES;
        double *x = i % 2 ? &a->error[s][k] : &a->value[s][k],
               y = i % 2 ? b->error[s][k] : b->value[s][k];
        if (*x < y || *x > y)
            return err_input(err,
                             "%s: line %zu: mix %.60s, %s: expected %s of %s once, got %s and %s",
                             path, b->line, b->id, result_label(b->dist), result_quantile_names[k],
                             t->source[s], json_number_text(*x).s, json_number_text(y).s);
        if (isnan(*x)) *x = y;
    }
    return 0;
}

/* Puts rows into order, and one in the place of several of a mix and distribution. */
static int merge(BatchTruth *t, const char *path, Err *err) {
    size_t n = 0;
    int rc = 0;
    if (t->n > 0) qsort(t->row, t->n, sizeof *t->row, by_row);
    for (size_t i = 0; i < t->n; i++) {
        assert(t->row);
        BatchTruthRow *last = n > 0 ? &t->row[n - 1] : NULL, *r = &t->row[i];
        if (!last || by_mix(last, r) != 0) {
            t->row[n++] = *r;
            continue;
        }
        if (rc == 0) rc = join(t, last, r, path, err);
        free(r->id);
    }
    t->n = n;
    for (size_t i = 0; i < n; i++) t->row[i].line = 0;
    return rc;
}

int batch_truth_add(BatchTruth *t, const char *path, Err *err) {
    FileView v;
    if (file_view(&v, path, err) != 0) return -1;
    Table *table = MEM_ZNEW(Table, 1);
    table->path = path;
    table->next = v.data;
    table->end = v.data + v.len;
    if (v.len >= 3 && memcmp(v.data, "\xEF\xBB\xBF", 3) == 0) table->next += 3;
    int rc = read_header(table, t, err), more = 0;
    while (rc == 0 && (more = read_line(table, err)) > 0) rc = add_row(table, t, err);
    if (rc == 0 && more == 0) rc = merge(t, path, err);
    free(table);
    file_view_close(&v);
    return rc == 0 && more == 0 ? 0 : -1;
}

void batch_truth_free(BatchTruth *t) {
    for (size_t i = 0; i < t->n; i++) free(t->row[i].id);
    free(t->row);
    *t = (BatchTruth){0};
}
