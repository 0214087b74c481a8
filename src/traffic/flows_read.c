/* flows_read: text flow files of every kind into Flows, straight from the mapped bytes (binary
 * files: flows_binary.c; htsim's connection matrices: flows_htsim.c).
 *
 * A file with a header says what its columns are, one that begins with a number of flows has them
 * by layout (flowcolumns.c), and --flow-columns goes before both. All are then rows of columns that
 * differ in separator, order and units, and share one row reader. Numbers are scanned by hand,
 * since sscanf would be a hundred times slower; times are scaled exactly in integers and rounded
 * half up. Only rare spellings (exponents) go through strtod. Each error names line and column.
 * Lines that begin with # are skipped, and so is prose after the last flow of a file that announces
 * their number (published files explain themselves there). No CSV library of Debian reads more than
 * half as fast. Left out: line ends within quoted fields. */
#include "traffic/flows_read.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/units.h"
#include "net/route.h"
#include "traffic/flowcolumns.h"
#include "traffic/flows_after.h"
#include "traffic/flows_binary.h"
#include "traffic/flows_htsim.h"
#include "traffic/flows_private.h"

typedef struct {
    FlowEnds ends;
    const char *p, *end; /* unread text */
    size_t line;
    FlowColumns columns;
    char sep;             /* between columns; ' ': blanks, any number of them */
    bool results;         /* sizes and completion times are wanted, and nothing else */
    uint32_t *host_of_id; /* [n_ids] host index or TOPO_NONE, where ids are dense; else NULL */
    uint64_t n_ids;
    Flows *f;
    size_t cap;
    FlowFile *spool; /* NULL: all flows are kept in *f; else the present chunk alone */
    const FileView *view;
    int64_t last_start_ns; /* of the line above */
    bool noted;            /* what is assumed of columns was noted by an earlier reading */
    const Log *log;
    Progress progress;    /* in bytes */
    size_t disorder_line; /* first line that starts before the line above; 0: none */
    uint64_t n_empty;     /* flows of 0 bytes */
    bool needs_memory;    /* flows wait for others, so that they can't stay in a file */
    FlowAfterRows after;  /* of the columns after, delay_ns and job, if there are such */
    Err *err;
} TextReader;

/* ---- text ---- */

/* A tab that separates columns is no blank, since fields may be empty. */
static inline bool is_blank(const TextReader *r, char c) {
    return c == ' ' || c == '\r' || (c == '\t' && r->sep != '\t');
}

static inline void skip_blanks(TextReader *r) {
    while (r->p < r->end && is_blank(r, *r->p)) r->p++;
}

static bool at_line_end(const TextReader *r) { return r->p == r->end || *r->p == '\n'; }

/* Moves to the next line that is neither blank nor a comment; false at the end of the file. */
static bool next_row(TextReader *r) {
    for (;;) {
        skip_blanks(r);
        if (r->p == r->end) return false;
        if (*r->p == '#')
            while (!at_line_end(r)) r->p++;
        else if (*r->p != '\n') return true;
        if (r->p == r->end) return false;
        r->p++;
        r->line++;
    }
}

static int fail_line(TextReader *r, const char *what) {
    return err_input(r->err, "%s: line %zu: %s", r->ends.path, r->line, what);
}

/* What a column is called in messages: as we write it, but start where the file has no names. */
static const char *name_of(const TextReader *r, FlowColumnKind kind) {
    static const char *const names[FLOWCOL_N] = {
        [FLOWCOL_ID] = "flow",         [FLOWCOL_SRC] = "src",
        [FLOWCOL_DST] = "dst",         [FLOWCOL_SIZE] = "size_b",
        [FLOWCOL_START] = "start",     [FLOWCOL_FCT] = "fct_ns",
        [FLOWCOL_SRC_IP] = "sip",      [FLOWCOL_IDEAL] = "ideal_fct_ns",
        [FLOWCOL_DST_IP] = "dip",      [FLOWCOL_SLOWDOWN] = "slowdown",
        [FLOWCOL_PACKETS] = "packets", [FLOWCOL_AFTER] = "after",
        [FLOWCOL_DELAY] = "delay_ns",  [FLOWCOL_JOB] = "job"};
    int k = flowcolumns_find(&r->columns, kind);
    if (kind == FLOWCOL_START && k >= 0 && r->columns.column[k].ns_shift == 0) return "start_ns";
    return names[kind];
}

static bool ends_field(const TextReader *r, char c) {
    return c == '\n' || c == '"' || is_blank(r, c) || c == r->sep;
}

/* "path: line 7: dst: expected …, got 'x'"; r->p stands before or inside the field. */
static int fail_field(TextReader *r, FlowColumnKind kind, const char *field, const char *expected) {
    const char *e = field;
    while (e < r->end && !ends_field(r, *e)) e++;
    int n = e - field < 40 ? (int)(e - field) : 40;
    return err_input(r->err, "%s: line %zu: %s: expected %s, got '%.*s'", r->ends.path, r->line,
                     name_of(r, kind), expected, n, field);
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
    while (n + 1 < sizeof text && field + n < r->end && field[n] && !ends_field(r, field[n])) {
        text[n] = field[n];
        n++;
    }
    text[n] = '\0';
    char *e;
    *x = strtod(text, &e);
    r->p = field + n;
    return n > 0 && *e == '\0' && !strpbrk(text, "xX");
}

static inline bool field_ended(const TextReader *r) {
    return r->p == r->end || ends_field(r, *r->p);
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

/* A decimal number times 10^shift, rounded half up, exact for plain decimals where shift ≥ 0; false
 * beyond `max`. */
static bool scan_scaled(TextReader *r, int shift, uint64_t max, uint64_t *out) {
    const char *field = r->p;
    uint64_t v = 0;
    int digits = shift < 0 ? 0 : scan_digits(r, &v), up = 0;
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

/* A positive number, or nothing: unknown. */
static int read_positive(TextReader *r, FlowColumnKind kind, double *out) {
    const char *field = r->p;
    if (field_ended(r)) {
        *out = NAN;
        return 0;
    }
    static const double power[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
    const char *expected =
        kind == FLOWCOL_SLOWDOWN ? "a number or nothing" : "a time in ns or nothing";
    uint64_t v = 0;
    int decimals = 0, digits = scan_digits(r, &v);
    if (digits > 0 && r->p < r->end && *r->p == '.') {
        r->p++;
        decimals = scan_digits(r, &v);
    }
    /* One division of two exact numbers: correctly rounded, as strtod would. */
    if (digits > 0 && digits + decimals <= 15 && decimals <= 6 && field_ended(r))
        *out = (double)v / power[decimals];
    else if (!scan_double(r, field, out)) return fail_field(r, kind, field, expected);
    if (!(*out > 0) || isinf(*out))
        return fail_field(r, kind, field,
                          kind == FLOWCOL_SLOWDOWN ? "a positive number or nothing"
                                                   : "a positive time in ns or nothing");
    return 0;
}

static int read_time(TextReader *r, const FlowColumn *c, double *out) {
    if (read_positive(r, c->kind, out) != 0) return -1;
    if (c->ns_shift != 0) *out = c->ns_shift > 0 ? *out * pow(10, c->ns_shift) : *out / 1000;
    return 0;
}

/* ---- ends ---- */

uint32_t flows_host_of(const Topo *t, uint64_t id) {
    uint32_t node = topo_node(t, id);
    return node == TOPO_NONE ? TOPO_NONE : t->node_host[node];
}

int flows_fail_end(const FlowEnds *e, const char *unit, size_t number, const char *column,
                   uint64_t id, Err *err) {
    if (!e->topo)
        return err_input(err, "%s: %s %zu: %s: expected a position from 0 to %u, got %llu", e->path,
                         unit, number, column, e->n_links, (unsigned long long)id);
    return err_input(err, "%s: %s %zu: %s: expected the id of a host, got %llu (%s %s)", e->path,
                     unit, number, column, (unsigned long long)id,
                     topo_node(e->topo, id) == TOPO_NONE ? "no such node in" : "a switch in",
                     e->topo->name);
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

static int host_of(TextReader *r, FlowColumnKind kind, uint64_t id, uint32_t *out) {
    const FlowEnds *e = &r->ends;
    if (!e->topo) *out = id <= e->n_links ? (uint32_t)id : TOPO_NONE;
    else if (r->host_of_id) *out = id < r->n_ids ? r->host_of_id[id] : TOPO_NONE;
    else *out = flows_host_of(e->topo, id);
    return *out == TOPO_NONE ? flows_fail_end(e, "line", r->line, name_of(r, kind), id, r->err) : 0;
}

static int read_end(TextReader *r, FlowColumnKind kind, uint32_t *out) {
    const char *field = r->p;
    uint64_t id;
    if (!scan_whole(r, &id))
        return fail_field(r, kind, field,
                          r->ends.topo ? "the id of a host" : "a position on the path");
    return host_of(r, kind, id, out);
}

/* A node's address, as route_node_ip makes it, in 8 hexadecimal digits. */
static int read_address(TextReader *r, FlowColumnKind kind, uint32_t *out) {
    const char *field = r->p;
    char text[9] = "";
    size_t n = 0;
    while (n < 8 && r->p < r->end && isxdigit((unsigned char)*r->p)) text[n++] = *r->p++;
    uint32_t ip = (uint32_t)strtoul(text, NULL, 16), base = ip - route_node_ip(0);
    if (n < 8 || !field_ended(r) || ip < route_node_ip(0) || (base & 0xff) != 0)
        return fail_field(r, kind, field, "an address like 0b000101");
    return host_of(r, kind, (uint64_t)(base >> 16) * 256 + (base >> 8 & 0xff), out);
}

/* ---- the other fields ---- */

/* A flow of 0 bytes is taken as one of 1 byte: files made from published distributions have them.
 */
static int read_size(TextReader *r, const FlowColumn *c, uint64_t *out) {
    const char *field = r->p;
    if (!scan_whole(r, out) || *out > FLOWS_MAX_SIZE_B / c->factor)
        return fail_field(r, c->kind, field,
                          c->kind == FLOWCOL_PACKETS ? "a whole number of packets"
                          : c->factor > 1            ? "a whole number up to 1e15 bytes"
                                                     : "a whole number of bytes up to 1e15");
    *out *= c->factor;
    if (*out > 0) return 0;
    *out = 1;
    r->n_empty++;
    return 0;
}

static int read_start(TextReader *r, const FlowColumn *c, int64_t *out) {
    const char *field = r->p;
    uint64_t v;
    if (!scan_scaled(r, c->ns_shift, FLOWS_MAX_START_NS, &v))
        return fail_field(r, c->kind, field,
                          c->ns_shift == 0   ? "a time from 0 to 9e18 ns"
                          : c->ns_shift == 9 ? "a time from 0 to 9e9 s"
                                             : "a time of at most 9e9 s");
    if (!c->has_unit && memchr(field, '.', (size_t)(r->p - field)))
        return fail_field(r, c->kind, field,
                          "whole ns, or a unit in the column's name, as start_s or start_us");
    *out = (int64_t)v;
    return 0;
}

/* Most files number their flows 0, 1, 2, …: memory for ids is only spent from the first that
 * differs. */
static int read_id(TextReader *r, size_t i) {
    const char *field = r->p;
    uint64_t id, **ids = &r->f->id;
    if (!scan_whole(r, &id)) return fail_field(r, FLOWCOL_ID, field, "a whole number");
    if (!*ids && id == i) return 0;
    if (!*ids) {
        *ids = MEM_NEW(uint64_t, r->cap);
        for (size_t k = 0; k < i; k++) (*ids)[k] = k;
    }
    (*ids)[i] = id;
    return 0;
}

static int skip_field(TextReader *r, bool quoted) {
    while (!at_line_end(r) &&
           (quoted ? *r->p != '"' : *r->p != r->sep && !(r->sep == ' ' && is_blank(r, *r->p))))
        r->p++;
    return 0;
}

/* The text is looked at when all flows are read. */
static int read_text_field(TextReader *r, FlowColumnKind kind, size_t i, bool quoted) {
    FlowAfterRow *row = flows_after_row(&r->after, i);
    const char *field = r->p;
    skip_field(r, quoted);
    const char *e = r->p;
    while (e > field && is_blank(r, e[-1])) e--;
    row->line = r->line;
    *(kind == FLOWCOL_AFTER ? &row->after : &row->job) = field;
    *(kind == FLOWCOL_AFTER ? &row->n_after : &row->n_job) = (uint32_t)(e - field);
    return 0;
}

/* Nothing is 0. */
static int read_delay(TextReader *r, const FlowColumn *c, size_t i) {
    FlowAfterRow *row = flows_after_row(&r->after, i);
    const char *field = r->p;
    uint64_t v = 0;
    row->line = r->line;
    if (!field_ended(r) && !scan_scaled(r, c->ns_shift, FLOWS_MAX_START_NS, &v))
        return fail_field(r, c->kind, field, "a time of at most 9e9 s, or nothing");
    row->delay_ns = (int64_t)v;
    return 0;
}

static int read_value(TextReader *r, const FlowColumn *c, size_t i, bool quoted) {
    Flows *f = r->f;
    switch (c->kind) {
    case FLOWCOL_ID: return read_id(r, i);
    case FLOWCOL_SRC: return read_end(r, c->kind, &f->src[i]);
    case FLOWCOL_DST: return read_end(r, c->kind, &f->dst[i]);
    case FLOWCOL_SRC_IP: return read_address(r, c->kind, &f->src[i]);
    case FLOWCOL_DST_IP: return read_address(r, c->kind, &f->dst[i]);
    case FLOWCOL_SIZE:
    case FLOWCOL_PACKETS: return read_size(r, c, &f->size_b[i]);
    case FLOWCOL_START: return read_start(r, c, &f->start_ns[i]);
    case FLOWCOL_FCT: return read_time(r, c, &f->fct_ns[i]);
    case FLOWCOL_IDEAL: return read_time(r, c, &f->ideal_fct_ns[i]);
    case FLOWCOL_SLOWDOWN: f->ideal_fct_ns[i] = 1; return read_positive(r, c->kind, &f->fct_ns[i]);
    case FLOWCOL_AFTER:
    case FLOWCOL_JOB: return read_text_field(r, c->kind, i, quoted);
    case FLOWCOL_DELAY: return read_delay(r, c, i);
    default: return skip_field(r, quoted);
    }
}

static bool has(const TextReader *r, FlowColumnKind kind) {
    return flowcolumns_find(&r->columns, kind) >= 0;
}

/* Makes room for flow i. */
static void grow(TextReader *r, size_t i) {
    Flows *f = r->f;
    if (i < r->cap) return;
    r->cap = r->cap ? r->cap * 2 : 1024;
    f->size_b = mem_realloc(f->size_b, r->cap, sizeof *f->size_b);
    if (!r->results) {
        f->src = mem_realloc(f->src, r->cap, sizeof *f->src);
        f->dst = mem_realloc(f->dst, r->cap, sizeof *f->dst);
        f->start_ns = mem_realloc(f->start_ns, r->cap, sizeof *f->start_ns);
    }
    if (f->id) f->id = mem_realloc(f->id, r->cap, sizeof *f->id);
    bool slowdown = has(r, FLOWCOL_SLOWDOWN);
    if (slowdown || has(r, FLOWCOL_FCT))
        f->fct_ns = mem_realloc(f->fct_ns, r->cap, sizeof *f->fct_ns);
    if (slowdown || has(r, FLOWCOL_IDEAL))
        f->ideal_fct_ns = mem_realloc(f->ideal_fct_ns, r->cap, sizeof *f->ideal_fct_ns);
}

static int read_row(TextReader *r) {
    const Flows *f = r->f;
    size_t i = r->spool ? f->n % FLOW_CHUNK : f->n;
    grow(r, i);
    for (int c = 0; c < r->columns.n; c++) {
        if (c > 0) {
            skip_blanks(r);
            if (at_line_end(r) || (r->sep != ' ' && *r->p != r->sep))
                return err_input(r->err, "%s: line %zu: expected %d columns, got %d", r->ends.path,
                                 r->line, r->columns.n, c);
            if (r->sep != ' ') r->p++;
            skip_blanks(r);
        }
        bool quoted = r->p < r->end && *r->p == '"';
        r->p += quoted;
        if (read_value(r, &r->columns.column[c], i, quoted) != 0) return -1;
        if (quoted && (r->p == r->end || *r->p != '"'))
            return fail_line(r, "expected a closing quotation mark");
        r->p += quoted;
    }
    skip_blanks(r);
    if (!at_line_end(r))
        return err_input(r->err, "%s: line %zu: more than %d columns", r->ends.path, r->line,
                         r->columns.n);
    if (!r->results) {
        if (!flows_ends_ok(&r->ends, f->src[i], f->dst[i]))
            return flows_fail_ends(&r->ends, "line", r->line, r->err);
        if (f->n > 0 && f->start_ns[i] < r->last_start_ns && r->disorder_line == 0)
            r->disorder_line = r->line;
        r->last_start_ns = f->start_ns[i];
    }
    r->f->n++;
    return 0;
}

/* ---- which columns ---- */

/* Columns of which nothing is wanted are not looked at. In results a slowdown goes before times. */
static void ignore_columns(TextReader *r) {
    bool slowdown = has(r, FLOWCOL_SLOWDOWN) && !(has(r, FLOWCOL_FCT) && has(r, FLOWCOL_IDEAL));
    for (int k = 0; k < r->columns.n; k++) {
        FlowColumnKind *kind = &r->columns.column[k].kind;
        bool time = *kind == FLOWCOL_FCT || *kind == FLOWCOL_IDEAL;
        if (r->spool && (time || *kind == FLOWCOL_ID)) *kind = FLOWCOL_OTHER;
        bool wanted = r->results ? *kind == FLOWCOL_SIZE || *kind == FLOWCOL_PACKETS ||
                                       (slowdown ? *kind == FLOWCOL_SLOWDOWN : time)
                                 : *kind != FLOWCOL_SLOWDOWN;
        bool graph = *kind == FLOWCOL_AFTER || *kind == FLOWCOL_DELAY || *kind == FLOWCOL_JOB;
        if (r->spool && graph) r->needs_memory = true;
        if (r->spool && graph) wanted = false;
        if (!wanted) *kind = FLOWCOL_OTHER;
    }
}

/* What separates the columns of the line at r->p: the first of comma, semicolon and tab that stands
 * outside of quotes, else blanks. */
static char separator(const TextReader *r) {
    static const char candidates[] = ",;\t";
    for (const char *c = candidates; *c; c++) {
        bool quoted = false;
        for (const char *p = r->p; p < r->end && *p != '\n'; p++) {
            if (*p == '"') quoted = !quoted;
            else if (*p == *c && !quoted) return *c;
        }
    }
    return ' ';
}

/* Takes the next word off a line of names or numbers; false after the last one. */
static bool next_word(TextReader *r, const char **word, size_t *len) {
    skip_blanks(r);
    if (at_line_end(r)) return false;
    bool quoted = *r->p == '"';
    r->p += quoted;
    *word = r->p;
    skip_field(r, quoted);
    const char *e = r->p;
    while (e > *word && is_blank(r, e[-1])) e--;
    *len = (size_t)(e - *word);
    r->p += quoted && !at_line_end(r);
    skip_blanks(r);
    if (r->sep != ' ' && !at_line_end(r) && *r->p == r->sep) r->p++;
    return true;
}

/* Says which units were assumed. */
static void remark_units(const TextReader *r) {
    bool size = false, time = false;
    for (int k = 0; k < r->columns.n; k++) {
        const FlowColumn *c = &r->columns.column[k];
        if (c->has_unit) continue;
        size |= c->kind == FLOWCOL_SIZE;
        time |= c->kind == FLOWCOL_START || c->kind == FLOWCOL_FCT || c->kind == FLOWCOL_IDEAL;
    }
    if ((size || time) && !r->noted)
        log_note(r->log, "%s: columns without a unit in their names: %s%s%s", r->ends.path,
                 size ? "sizes are taken in bytes" : "", size && time ? ", " : "",
                 time ? "times in ns" : "");
}

static int read_header(TextReader *r) {
    const char *name;
    size_t len;
    char *place = mem_printf("%s: line %zu", r->ends.path, r->line);
    int rc = 0;
    r->sep = separator(r);
    while (rc == 0 && next_word(r, &name, &len))
        rc = flowcolumns_add(&r->columns, flowcolumns_named(name, len), place, r->err);
    if (rc == 0) rc = flowcolumns_check(&r->columns, r->results, place, r->err);
    free(place);
    if (rc != 0) return -1;
    ignore_columns(r);
    remark_units(r);
    return 0;
}

/* Whether the text below the last flow, which explains the file, speaks of packets. */
static bool says_packets(const TextReader *r) {
    enum { TAIL = 4096 }; /* bytes: such texts have a few lines */
    const char *p = r->end - r->p > TAIL ? r->end - TAIL : r->p;
    for (; p < r->end; p++) {
        if ((p == r->p || p[-1] == '\n') && !isalpha((unsigned char)*p))
            while (p < r->end && *p != '\n') p++;
        else if (r->end - p >= 6 && strncasecmp(p, "packet", 6) == 0) return true;
    }
    return false;
}

static bool is_end(const void *ctx, uint64_t id) {
    const TextReader *r = ctx;
    const FlowEnds *e = &r->ends;
    if (e->ignored) return true;
    if (!e->topo) return id <= e->n_links;
    if (r->host_of_id) return id < r->n_ids && r->host_of_id[id] != TOPO_NONE;
    return flows_host_of(e->topo, id) != TOPO_NONE;
}

/* Columns without names: guessed from the first rows, which are read again afterwards. */
static int guess_columns(TextReader *r) {
    enum { ROWS = 256 }; /* one layout alone fits so many, unless columns are alike throughout */
    const char *p = r->p, *word, **rows = NULL;
    size_t line = r->line, len, n_rows = 0, n = 0, n_words = 0, cap = 0;
    while (n_rows < ROWS && next_row(r) && isxdigit((unsigned char)*r->p)) {
        size_t before = n_words;
        while (next_word(r, &word, &len)) {
            MEM_GROW(rows, cap, n_words + 1);
            rows[n_words++] = mem_printf("%.*s", len < 60 ? (int)len : 60, word);
        }
        if (n_rows == 0) n = n_words;
        if (n_words - before != n) break; /* read_row will name it */
        n_rows++;
    }
    FlowColumnsHints hints = {
        .is_end = is_end, .ctx = r, .packets = says_packets(r), .path = r->ends.path};
    r->p = p;
    r->line = line;
    int rc = n_rows == 0
                 ? err_input(r->err, "%s: line %zu: expected at least one flow", r->ends.path, line)
             : n > FLOWCOLUMNS_MAX
                 ? err_input(r->err, "%s: line %zu: more than %d columns", r->ends.path, line,
                             FLOWCOLUMNS_MAX)
                 : flowcolumns_guess(&r->columns, rows, n_rows, (int)n, &hints, r->err);
    for (size_t i = 0; i < n_words; i++) free((void *)(uintptr_t)rows[i]);
    free(rows);
    if (rc == 0) ignore_columns(r);
    return rc;
}

/* ---- the file ---- */

/* Writes the present chunk to the temporary file, and lets go of the text that it was. */
static int spool_chunk(TextReader *r, size_t n) {
    if (n > 0 && flowfile_append(r->spool, r->f, n, r->err) != 0) return -1;
    file_view_forget(r->view, 0, (size_t)(r->p - r->view->data));
    return 0;
}

/* Reads as many rows as the file announces (UINT64_MAX: it does not), or all. */
static int read_rows(TextReader *r, uint64_t announced) {
    const char *start = r->p;
    while (r->f->n < announced && next_row(r)) {
        if (read_row(r) != 0) return -1;
        if (r->f->n % FLOW_CHUNK > 0) continue; /* some 10 ms */
        if (diag_stop_requested()) return err_stopped(r->err);
        progress_update(&r->progress, (uint64_t)(r->p - start));
        if (r->spool && r->disorder_line > 0) break;
        if (r->spool && spool_chunk(r, FLOW_CHUNK) != 0) return -1;
    }
    if (r->spool && r->disorder_line > 0) return 0; /* read again in memory, to be sorted */
    if (r->spool && spool_chunk(r, r->f->n % FLOW_CHUNK) != 0) return -1;
    if (r->f->n == 0)
        return err_input(r->err, "%s: line %zu: expected at least one flow", r->ends.path, r->line);
    if (announced == UINT64_MAX) return 0;
    if (r->f->n < announced)
        return err_input(r->err, "%s: expected %llu flows (line 1), got %zu", r->ends.path,
                         (unsigned long long)announced, r->f->n);
    if (next_row(r) && isdigit((unsigned char)*r->p))
        log_note(r->log, "%s: line %zu: more flows than the %llu that line 1 announces; not read",
                 r->ends.path, r->line, (unsigned long long)announced);
    return 0;
}

/* A line with one number: that of the flows; then `n` is set and the line is behind. */
static bool take_count(TextReader *r, uint64_t *n) {
    const char *p = r->p;
    if (isdigit((unsigned char)*p) && scan_whole(r, n)) {
        skip_blanks(r);
        if (at_line_end(r)) return true;
    }
    r->p = p;
    return false;
}

/* fct.txt: hexadecimal addresses, no header, no count. */
static bool is_fct_txt(const TextReader *r) {
    size_t n = 0;
    while (r->p + n < r->end && isxdigit((unsigned char)r->p[n])) n++;
    return n == 8 && r->p + n < r->end && r->p[n] == ' ';
}

/* Moves to the first line that says something. */
static int find_text(TextReader *r) {
    enum { MAX_FIRST_LINE = 1 << 16 };
    if (r->end - r->p > MAX_FIRST_LINE && !memchr(r->p, '\n', MAX_FIRST_LINE))
        return fail_line(r, "expected flows, got a line of more than 64 KiB");
    if (r->end - r->p >= 3 && memcmp(r->p, "\xEF\xBB\xBF", 3) == 0) r->p += 3;
    return next_row(r) ? 0
                       : err_input(r->err, "%s: expected flows, got an empty file", r->ends.path);
}

static int read_text(TextReader *r, const FlowColumns *given) {
    uint64_t n;
    if (find_text(r) != 0) return -1;
    if (flows_htsim_is(r->p, r->end))
        return r->results ? fail_line(r, "expected completion times, got a connection matrix")
                          : flows_htsim_read(r->f, r->p, r->end, r->line, &r->ends,
                                             &r->disorder_line, r->err);
    bool counted = take_count(r, &n);
    if (counted && !next_row(r)) return fail_line(r, "expected at least one flow");
    if (given) {
        r->columns = *given;
        r->sep = separator(r);
        ignore_columns(r);
    } else if (counted || is_fct_txt(r)) {
        if (guess_columns(r) != 0) return -1;
        Err why = {0};
        if (flowcolumns_check(&r->columns, r->results, r->ends.path, &why) != 0)
            return err_input(r->err, "%s", why.msg);
    } else if (isdigit((unsigned char)*r->p)) {
        return fail_line(r, "expected a CSV header, or only the number of flows (HPCC flow file), "
                            "or --flow-columns to name the columns");
    } else if (read_header(r) != 0) {
        return -1;
    }
    return read_rows(r, counted ? n : UINT64_MAX);
}

static void sort_flows(const TextReader *r) {
    log_note(r->log, "%s: starts are out of order from line %zu on; sorted", r->ends.path,
             r->disorder_line);
    flows_sort_numbered(r->f);
}

void flows_note_empty(const Log *log, const char *path, uint64_t n_empty, size_t n) {
    if (n_empty > 0)
        log_note(log, "%s: %s of %s flows have 0 bytes; taken as 1 byte", path,
                 units_count(n_empty).s, units_count(n).s);
}

/* Flows take about as much memory as their text. */
static int check_memory(const TextReader *r, const FileView *v) {
    if (file_fits_memory((double)v->len)) return 0;
    return err_input(r->err, "%s: %s of flows do not fit into this machine's %s of memory",
                     r->ends.path, units_size((double)v->len).s,
                     units_size((double)file_memory_b()).s);
}

static void begin(TextReader *r, const FileView *v) {
    if (r->ends.topo && !r->host_of_id) index_ids(r);
    r->view = v;
    r->p = v->data;
    r->end = v->data + v->len;
    r->line = 1;
    r->sep = ' ';
    progress_init(&r->progress, r->log, "bytes of flows", v->len);
}

/* Reads all flows of a viewed file into memory. */
static int load_view(TextReader *r, const FileView *v, const FlowColumns *given) {
    Flows *f = r->f;
    *f = (Flows){0};
    if (check_memory(r, v) != 0) return -1;
    begin(r, v);
    int rc = flows_binary_is(v) ? flows_binary_read(f, v, &r->ends, r->err) : read_text(r, given);
    progress_finish(&r->progress);
    if (rc == 0 && r->after.row) rc = flows_after_graph(&r->after, f, r->ends.path, r->err);
    free(r->after.row);
    if (rc == 0 && r->disorder_line > 0) sort_flows(r);
    if (rc == 0) flows_note_empty(r->log, r->ends.path, r->n_empty, f->n);
    if (rc != 0) flows_free(f);
    free(r->host_of_id);
    return rc;
}

static int load(TextReader *r, const FlowColumns *given) {
    FileView v;
    *r->f = (Flows){0};
    if (file_view(&v, r->ends.path, r->err) != 0) return -1;
    int rc = load_view(r, &v, given);
    file_view_close(&v);
    return rc;
}

int flows_load(Flows *f, const char *path, const Topo *t, const FlowColumns *columns,
               const Log *log, Err *err) {
    TextReader r = {.ends = {.path = path, .topo = t}, .f = f, .log = log, .err = err};
    return load(&r, columns);
}

/* ---- flows that stay in a file ---- */

/* Whether the text is an htsim connection matrix, whose flows come to memory. */
static bool is_matrix(const FileView *v) {
    TextReader r = {.p = v->data, .end = v->data + v->len, .line = 1, .sep = ' '};
    return find_text(&r) == 0 && flows_htsim_is(r.p, r.end);
}

/* Turns a text file into a temporary one; *file stays NULL if its flows have to be sorted. */
static int spool_text(const TextReader *what, const FileView *v, const FlowColumns *given,
                      FlowFile **file) {
    Flows chunk = {0};
    TextReader r = *what;
    r.f = &chunk;
    if (!(r.spool = flowfile_new(r.err))) return -1;
    begin(&r, v);
    int rc = read_text(&r, given);
    progress_finish(&r.progress);
    bool whole = rc == 0 && r.disorder_line == 0 && !r.needs_memory;
    if (whole) flows_note_empty(r.log, r.ends.path, r.n_empty, chunk.n);
    if (whole) *file = r.spool;
    else flowfile_close(r.spool);
    flows_free(&chunk);
    free(r.host_of_id);
    return rc;
}

int flows_open(Flows *f, FlowFile **file, const char *path, const Topo *t,
               const FlowColumns *columns, size_t max_in_memory, const Log *log, Err *err) {
    enum { LEAST_ROW_B = 16 }; /* of text; most rows have twice as much */
    TextReader r = {.ends = {.path = path, .topo = t}, .f = f, .log = log, .err = err};
    FileView v;
    *f = (Flows){0};
    *file = NULL;
    if (file_view(&v, path, err) != 0) return -1;
    int rc = 0;
    bool binary = flows_binary_is(&v),
         large = !binary && v.len / LEAST_ROW_B > max_in_memory && !is_matrix(&v);
    if (binary && v.mapped && flows_binary_n(&v) > max_in_memory)
        rc = flows_binary_open(file, &v, &r.ends, err);
    else if (large) rc = spool_text(&r, &v, columns, file);
    r.noted = large;
    if (rc == 0 && !*file) rc = load_view(&r, &v, columns);
    file_view_close(&v);
    return rc;
}

int flows_load_positions(Flows *f, const char *path, uint32_t n_links, const Log *log, Err *err) {
    TextReader r = {.ends = {.path = path, .n_links = n_links}, .f = f, .log = log, .err = err};
    return load(&r, NULL);
}

int flows_load_results(Flows *f, const char *path, const Log *log, Err *err) {
    TextReader r = {
        .ends = {.path = path, .ignored = true}, .f = f, .results = true, .log = log, .err = err};
    if (load(&r, NULL) != 0) return -1;
    if (f->fct_ns && f->ideal_fct_ns) return 0;
    flows_free(f);
    return err_input(err, "%s: expected flows with fct_ns and ideal_fct_ns", path);
}
