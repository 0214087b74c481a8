/* flows_read: text flow files of both kinds into Flows, straight from the mapped bytes (binary
 * files: flows_binary.c).
 *
 * A CSV begins with its header line; an HPCC flow file with the number of flows, so the first
 * character tells them apart. Both are then rows of columns that differ in separator, order and the
 * unit of the start (ns, s), and share one row reader. Numbers are scanned by hand, since sscanf
 * would be a hundred times slower; times are scaled exactly in integers and rounded half up. Only
 * rare spellings (exponents) go through strtod. Each error names line and column. Prose after the
 * last flow of an HPCC file is skipped (published files explain themselves there). Left out:
 * quoted CSV fields. */
#include "traffic/flows_read.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "traffic/flows_binary.h"
#include "traffic/flows_private.h"

typedef enum {
    COL_ID,
    COL_SRC,
    COL_DST,
    COL_SIZE,
    COL_START,
    COL_FCT,
    COL_IDEAL,
    COL_SKIP,
    COL_N = COL_SKIP
} Column;
static const char *const column_names[COL_N + 1] = {"flow",     "src",    "dst",          "size_b",
                                                    "start_ns", "fct_ns", "ideal_fct_ns", NULL};

/* A file has up to seven columns for us, and what else its makers put beside them. */
enum { MAX_COLUMNS = 64 };

typedef struct {
    FlowEnds ends;
    const char *p, *end; /* unread text */
    size_t line;
    Column columns[MAX_COLUMNS];
    int n_columns;
    bool csv;             /* else HPCC: blanks between columns, start in seconds */
    uint32_t *host_of_id; /* [n_ids] host index or TOPO_NONE, where ids are dense; else NULL */
    uint64_t n_ids;
    Flows *f;
    size_t cap;
    Progress progress;    /* in bytes */
    size_t disorder_line; /* first line that starts before the line above; 0: none */
    Err *err;
} TextReader;

/* ---- text ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static void skip_blanks(TextReader *r) {
    while (r->p < r->end && is_blank(*r->p)) r->p++;
}

static bool at_line_end(const TextReader *r) { return r->p == r->end || *r->p == '\n'; }

/* Moves to the next line that is not blank; false at the end of the file. */
static bool next_row(TextReader *r) {
    for (;;) {
        skip_blanks(r);
        if (r->p == r->end) return false;
        if (*r->p != '\n') return true;
        r->p++;
        r->line++;
    }
}

static int fail_line(TextReader *r, const char *what) {
    return err_input(r->err, "%s: line %zu: %s", r->ends.path, r->line, what);
}

static const char *name_of(const TextReader *r, Column c) {
    return c == COL_START && !r->csv ? "start" : column_names[c];
}

/* "path: line 7: dst: expected …, got 'x'"; r->p stands before or inside the field. */
static int fail_field(TextReader *r, Column c, const char *field, const char *expected) {
    const char *e = field;
    while (e < r->end && *e != '\n' && *e != '\r' && (r->csv ? *e != ',' : !is_blank(*e))) e++;
    int n = e - field < 40 ? (int)(e - field) : 40;
    return err_input(r->err, "%s: line %zu: %s: expected %s, got '%.*s'", r->ends.path, r->line,
                     name_of(r, c), expected, n, field);
}

/* ---- numbers ---- */

/* Digits at r->p, at most 19 of them, onto *v, which keeps what came before; returns how many. */
static inline int scan_digits(TextReader *r, uint64_t *v) {
    const char *p = r->p, *end = r->end - r->p > 19 ? r->p + 19 : r->end;
    uint64_t x = *v;
    unsigned d;
    while (p < end && (d = (unsigned)(unsigned char)*p - '0') <= 9) {
        x = x * 10 + d;
        p++;
    }
    int n = (int)(p - r->p);
    r->p = p;
    *v = x;
    return n;
}

/* Any spelling strtod knows, from a copy: the mapped file has no NUL at its end. */
static bool scan_double(TextReader *r, const char *field, double *x) {
    char text[64];
    size_t n = 0;
    while (n + 1 < sizeof text && field + n < r->end && !strchr(", \t\r\n", field[n])) {
        text[n] = field[n];
        n++;
    }
    text[n] = '\0';
    char *e;
    *x = strtod(text, &e);
    r->p = field + n;
    return n > 0 && *e == '\0' && !strpbrk(text, "xX");
}

static bool field_ended(const TextReader *r) {
    return r->p == r->end || *r->p == ',' || *r->p == '\n' || is_blank(*r->p);
}

/* A whole number below 10^19, also as "1500.0" or "1e6" (those below 2^53). */
static inline bool scan_whole(TextReader *r, uint64_t *v) {
    const char *field = r->p;
    *v = 0;
    if (scan_digits(r, v) > 0 && field_ended(r)) return true;
    double x;
    if (!scan_double(r, field, &x) || !(x >= 0 && x < 0x1p53) || x != floor(x)) return false;
    *v = (uint64_t)x;
    return true;
}

/* A decimal number times 10^shift, rounded half up, exact for plain decimals; false beyond `max`.
 */
static bool scan_scaled(TextReader *r, int shift, uint64_t max, uint64_t *out) {
    const char *field = r->p;
    uint64_t v = 0;
    int digits = scan_digits(r, &v), up = 0;
    if (digits > 0 && shift == 0 && field_ended(r)) return (*out = v) <= max;
    if (digits > 0 && r->p < r->end && *r->p == '.') r->p++;
    for (int taken = 0; digits > 0 && taken < shift; taken++) {
        int d = r->p < r->end && isdigit((unsigned char)*r->p) ? *r->p++ - '0' : 0;
        if (v > (UINT64_MAX - 9) / 10) return false;
        v = v * 10 + (unsigned)d;
    }
    if (r->p < r->end && isdigit((unsigned char)*r->p)) up = *r->p >= '5';
    while (r->p < r->end && isdigit((unsigned char)*r->p)) r->p++;
    if (digits > 0 && field_ended(r)) return (*out = v + (unsigned)up) <= max;
    double x;
    if (!scan_double(r, field, &x)) return false;
    x = round(x * pow(10, shift));
    if (!(x >= 0 && x <= (double)max)) return false;
    *out = (uint64_t)x;
    return true;
}

/* A positive time, or nothing: unknown. */
static int read_fct(TextReader *r, Column c, double *out) {
    const char *field = r->p;
    if (field_ended(r)) {
        *out = NAN;
        return 0;
    }
    static const double power[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
    uint64_t v = 0;
    int decimals = 0, digits = scan_digits(r, &v);
    if (digits > 0 && r->p < r->end && *r->p == '.') {
        r->p++;
        decimals = scan_digits(r, &v);
    }
    /* One division of two exact numbers: correctly rounded, as strtod would. */
    if (digits > 0 && digits + decimals <= 15 && decimals <= 6 && field_ended(r))
        *out = (double)v / power[decimals];
    else if (!scan_double(r, field, out)) return fail_field(r, c, field, "a time in ns or nothing");
    if (*out <= 0 || isinf(*out))
        return fail_field(r, c, field, "a positive time in ns or nothing");
    return 0;
}

/* ---- ends ---- */

static int compare_id(const void *key, const void *member) {
    uint64_t k = *(const uint64_t *)key, m = *(const uint64_t *)member;
    return (k > m) - (k < m);
}

static const uint64_t *find_node(const Topo *t, uint64_t id) {
    return bsearch(&id, t->node_id, t->n_nodes, sizeof id, compare_id);
}

uint32_t flows_host_of(const Topo *t, uint64_t id) {
    const uint64_t *node = find_node(t, id);
    return node ? t->node_host[node - t->node_id] : TOPO_NONE;
}

int flows_fail_end(const FlowEnds *e, const char *unit, size_t number, const char *column,
                   uint64_t id, Err *err) {
    if (!e->topo)
        return err_input(err, "%s: %s %zu: %s: expected a position from 0 to %u, got %llu", e->path,
                         unit, number, column, e->n_links, (unsigned long long)id);
    return err_input(err, "%s: %s %zu: %s: expected the id of a host, got %llu (%s %s)", e->path,
                     unit, number, column, (unsigned long long)id,
                     find_node(e->topo, id) ? "a switch in" : "no such node in", e->topo->name);
}

int flows_fail_ends(const FlowEnds *e, const char *unit, size_t number, Err *err) {
    return err_input(err, "%s: %s %zu: src and dst: expected %s", e->path, unit, number,
                     e->topo ? "two different hosts" : "src < dst");
}

/* Ids of most files are 0..n: one table look-up instead of a binary search, where the table is not
 * much larger than the nodes' own (8 times 4 bytes each, or 16 KiB). */
static void index_ids(TextReader *r) {
    const Topo *t = r->ends.topo;
    uint64_t top = t->n_nodes > 0 ? t->node_id[t->n_nodes - 1] : 0;
    if (top >= 8ull * t->n_nodes + 4096) return;
    r->n_ids = top + 1;
    r->host_of_id = MEM_NEW(uint32_t, r->n_ids);
    for (uint64_t i = 0; i < r->n_ids; i++) r->host_of_id[i] = TOPO_NONE;
    for (uint32_t v = 0; v < t->n_nodes; v++) r->host_of_id[t->node_id[v]] = t->node_host[v];
}

static int read_end(TextReader *r, Column c, uint32_t *out) {
    const FlowEnds *e = &r->ends;
    const char *field = r->p;
    uint64_t id;
    if (!scan_whole(r, &id))
        return fail_field(r, c, field, e->topo ? "the id of a host" : "a position on the path");
    if (!e->topo) *out = id <= e->n_links ? (uint32_t)id : TOPO_NONE;
    else if (r->host_of_id) *out = id < r->n_ids ? r->host_of_id[id] : TOPO_NONE;
    else *out = flows_host_of(e->topo, id);
    return *out == TOPO_NONE ? flows_fail_end(e, "line", r->line, name_of(r, c), id, r->err) : 0;
}

/* ---- the other fields ---- */

static int read_size(TextReader *r, uint64_t *out) {
    const char *field = r->p;
    if (scan_whole(r, out) && *out >= 1 && *out <= FLOWS_MAX_SIZE_B) return 0;
    return fail_field(r, COL_SIZE, field, "a whole number of bytes from 1 to 1e15");
}

static int read_start(TextReader *r, int64_t *out) {
    const char *field = r->p;
    uint64_t v;
    if (!scan_scaled(r, r->csv ? 0 : 9, FLOWS_MAX_START_NS, &v))
        return fail_field(r, COL_START, field,
                          r->csv ? "a time from 0 to 9e18 ns" : "a time from 0 to 9e9 s");
    *out = (int64_t)v;
    return 0;
}

/* Most files number their flows 0, 1, 2, …: memory for ids is only spent from the first that
 * differs. */
static int read_id(TextReader *r, size_t i) {
    const char *field = r->p;
    uint64_t id, **ids = &r->f->id;
    if (!scan_whole(r, &id)) return fail_field(r, COL_ID, field, "a whole number");
    if (!*ids && id == i) return 0;
    if (!*ids) {
        *ids = MEM_NEW(uint64_t, r->cap);
        for (size_t k = 0; k < i; k++) (*ids)[k] = k;
    }
    (*ids)[i] = id;
    return 0;
}

static int read_field(TextReader *r, Column c, size_t i) {
    Flows *f = r->f;
    switch (c) {
    case COL_ID: return read_id(r, i);
    case COL_SRC: return read_end(r, c, &f->src[i]);
    case COL_DST: return read_end(r, c, &f->dst[i]);
    case COL_SIZE: return read_size(r, &f->size_b[i]);
    case COL_START: return read_start(r, &f->start_ns[i]);
    case COL_FCT: return read_fct(r, c, &f->fct_ns[i]);
    case COL_IDEAL: return read_fct(r, c, &f->ideal_fct_ns[i]);
    default:
        while (!at_line_end(r) && (r->csv ? *r->p != ',' : !is_blank(*r->p))) r->p++;
        return 0;
    }
}

static int check_row(TextReader *r, size_t i) {
    const Flows *f = r->f;
    if (!flows_ends_ok(&r->ends, f->src[i], f->dst[i]))
        return flows_fail_ends(&r->ends, "line", r->line, r->err);
    if (i > 0 && f->start_ns[i] < f->start_ns[i - 1] && r->disorder_line == 0)
        r->disorder_line = r->line;
    return 0;
}

static void grow(TextReader *r) {
    Flows *f = r->f;
    if (f->n < r->cap) return;
    r->cap = r->cap ? r->cap * 2 : 1024;
    f->src = mem_realloc(f->src, r->cap, sizeof *f->src);
    f->dst = mem_realloc(f->dst, r->cap, sizeof *f->dst);
    f->size_b = mem_realloc(f->size_b, r->cap, sizeof *f->size_b);
    f->start_ns = mem_realloc(f->start_ns, r->cap, sizeof *f->start_ns);
    if (f->id) f->id = mem_realloc(f->id, r->cap, sizeof *f->id);
    for (int c = 0; c < r->n_columns; c++) {
        if (r->columns[c] == COL_FCT) f->fct_ns = mem_realloc(f->fct_ns, r->cap, sizeof *f->fct_ns);
        if (r->columns[c] == COL_IDEAL)
            f->ideal_fct_ns = mem_realloc(f->ideal_fct_ns, r->cap, sizeof *f->ideal_fct_ns);
    }
}

static int read_row(TextReader *r) {
    grow(r);
    for (int c = 0; c < r->n_columns; c++) {
        if (c > 0) {
            skip_blanks(r);
            if (at_line_end(r) || (r->csv && *r->p != ','))
                return err_input(r->err, "%s: line %zu: expected %d columns, got %d", r->ends.path,
                                 r->line, r->n_columns, c);
            if (r->csv) r->p++;
            skip_blanks(r);
        }
        if (read_field(r, r->columns[c], r->f->n) != 0) return -1;
    }
    skip_blanks(r);
    if (!at_line_end(r))
        return err_input(r->err, "%s: line %zu: more than %d columns", r->ends.path, r->line,
                         r->n_columns);
    if (check_row(r, r->f->n) != 0) return -1;
    r->f->n++;
    return 0;
}

static int add_column(TextReader *r, const char *name, size_t len) {
    char text[40];
    snprintf(text, sizeof text, "%.*s", (int)len, name);
    int c = 0;
    while (c < COL_N && strcmp(column_names[c], text) != 0) c++;
    for (int k = 0; k < r->n_columns; k++)
        if (c < COL_N && r->columns[k] == (Column)c)
            return err_input(r->err, "%s: line %zu: column %s appears twice", r->ends.path, r->line,
                             text);
    if (r->n_columns == MAX_COLUMNS)
        return err_input(r->err, "%s: line %zu: more than %d columns", r->ends.path, r->line,
                         MAX_COLUMNS);
    r->columns[r->n_columns++] = (Column)c;
    return 0;
}

static int read_header(TextReader *r) {
    static const Column needed[] = {COL_SRC, COL_DST, COL_SIZE, COL_START};
    r->csv = true;
    for (bool more = true; more;) {
        skip_blanks(r);
        const char *name = r->p;
        while (!at_line_end(r) && *r->p != ',') r->p++;
        const char *e = r->p;
        while (e > name && is_blank(e[-1])) e--;
        if (add_column(r, name, (size_t)(e - name)) != 0) return -1;
        more = !at_line_end(r);
        r->p += more;
    }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        int k = 0;
        while (k < r->n_columns && r->columns[k] != needed[i]) k++;
        if (k == r->n_columns)
            return err_input(r->err,
                             "%s: line %zu: expected a header with flow,src,dst,size_b,start_ns "
                             "(or an HPCC flow file): no column %s",
                             r->ends.path, r->line, column_names[needed[i]]);
    }
    return 0;
}

/* At most `most` of them. */
static int read_rows(TextReader *r, uint64_t most) {
    enum { ROWS_PER_UPDATE = 1 << 16 }; /* of progress: some 10 ms */
    const char *start = r->p;
    while (r->f->n < most && next_row(r)) {
        if (read_row(r) != 0) return -1;
        if (r->f->n % ROWS_PER_UPDATE > 0) continue;
        if (diag_stop_requested()) return err_stopped(r->err);
        progress_update(&r->progress, (uint64_t)(r->p - start));
    }
    return r->f->n > 0 ? 0
                       : err_input(r->err, "%s: line %zu: expected at least one flow", r->ends.path,
                                   r->line);
}

static int read_hpcc(TextReader *r) {
    static const Column columns[] = {COL_ID,   COL_SRC,  COL_DST,  COL_SKIP,
                                     COL_SKIP, COL_SIZE, COL_START};
    uint64_t n;
    if (!scan_whole(r, &n)) return fail_line(r, "expected a CSV header or the number of flows");
    skip_blanks(r);
    if (!at_line_end(r))
        return fail_line(r, "expected a CSV header, or only the number of flows (HPCC flow file)");
    r->n_columns = sizeof columns / sizeof *columns;
    memcpy(r->columns, columns, sizeof columns);
    if (read_rows(r, n) != 0) return -1;
    if (r->f->n < n)
        return err_input(r->err, "%s: expected %llu flows (line 1), got %zu", r->ends.path,
                         (unsigned long long)n, r->f->n);
    if (next_row(r) && isdigit((unsigned char)*r->p))
        return fail_line(r, "a flow more than line 1 announces");
    return 0;
}

static int read_text(TextReader *r) {
    if (r->end - r->p >= 3 && memcmp(r->p, "\xEF\xBB\xBF", 3) == 0) r->p += 3;
    if (!next_row(r))
        return err_input(r->err, "%s: expected flows, got an empty file", r->ends.path);
    if (isdigit((unsigned char)*r->p)) return read_hpcc(r);
    return read_header(r) == 0 ? read_rows(r, UINT64_MAX) : -1;
}

static void sort_if_needed(TextReader *r, const Log *log) {
    if (r->disorder_line == 0) return;
    log_note(log, "%s: starts are out of order from line %zu on; sorted", r->ends.path,
             r->disorder_line);
    if (!r->f->id) { /* the numbers stay with their flows */
        r->f->id = MEM_NEW(uint64_t, r->f->n);
        for (size_t i = 0; i < r->f->n; i++) r->f->id[i] = i;
    }
    flows_sort(r->f);
}

static int load(TextReader *r, const Log *log) {
    FileView v;
    *r->f = (Flows){0};
    if (file_view(&v, r->ends.path, r->err) != 0) return -1;
    if (r->ends.topo) index_ids(r);
    r->p = v.data;
    r->end = v.data + v.len;
    r->line = 1;
    progress_init(&r->progress, log, "bytes of flows", v.len);
    int rc = flows_binary_is(&v) ? flows_binary_read(r->f, &v, &r->ends, r->err) : read_text(r);
    progress_finish(&r->progress);
    if (rc == 0) sort_if_needed(r, log);
    else flows_free(r->f);
    free(r->host_of_id);
    file_view_close(&v);
    return rc;
}

int flows_load(Flows *f, const char *path, const Topo *t, const Log *log, Err *err) {
    TextReader r = {.ends = {.path = path, .topo = t}, .f = f, .err = err};
    return load(&r, log);
}

int flows_load_positions(Flows *f, const char *path, uint32_t n_links, const Log *log, Err *err) {
    TextReader r = {.ends = {.path = path, .n_links = n_links}, .f = f, .err = err};
    return load(&r, log);
}
