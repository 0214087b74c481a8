/* flowcolumns: what the columns of a text flow file are.
 *
 * With names it is a matter of spelling: a name is compared without its case and without its unit,
 * which may follow an underscore or stand in brackets, with the names that common tools use.
 *
 * Files of the HPCC authors' family have no names, and what seven numbers are differs from one fork
 * of their simulator to the next. Each known layout is held against the first rows: ends are hosts
 * and differ, priorities are below 8 (802.1p has no more) and ports below 65536, sizes are whole,
 * and a flow stops after its start. One layout must fit all rows, and only one; there is no order
 * of preference, since a wrong reading is a list of other flows. Seven columns, for instance: read
 * as `src dst pg dport size start stop`, what really is `id src dst pg dport size start` would
 * start a flow after as many seconds as it has bytes and stop it before; the other way round a
 * destination port would be a priority. */
#include "traffic/flowcolumns.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* ORDER FLOWCOL. The first is ours, in files that we write and in messages. */
static const char *const names[FLOWCOL_N][12] = {
    [FLOWCOL_ID] = {"flow", "id", "flow_id", "flowid", "index", "fid"},
    [FLOWCOL_SRC] = {"src", "source", "src_id", "srcid", "source_id", "src_host", "src_node",
                     "source_node", "from", "sender"},
    [FLOWCOL_DST] = {"dst", "dest", "destination", "dst_id", "dstid", "dest_id", "destination_id",
                     "dst_host", "dst_node", "to", "receiver"},
    [FLOWCOL_SIZE] = {"size", "bytes", "flow_size", "flowsize", "flow_bytes", "num_bytes", "nbytes",
                      "length"},
    [FLOWCOL_START] = {"start", "start_time", "starttime", "flowstart", "flow_start", "arrival",
                       "arrival_time"},
    [FLOWCOL_FCT] = {"fct", "completion_time", "flow_completion_time"},
    [FLOWCOL_IDEAL] = {"ideal_fct", "ideal", "basefct", "base_fct", "standalone_fct", "standalone",
                       "standalone_time"},
    [FLOWCOL_SLOWDOWN] = {"slowdown"},
    [FLOWCOL_SRC_IP] = {"sip", "src_ip", "source_ip"},
    [FLOWCOL_DST_IP] = {"dip", "dst_ip", "destination_ip"},
    [FLOWCOL_PACKETS] = {"packets", "n_packets", "num_packets", "pkts"},
    [FLOWCOL_PRIORITY] = {"pg", "priority", "prio"},
    [FLOWCOL_PORT] = {"dport", "sport", "port", "dst_port", "src_port"},
    [FLOWCOL_STOP] = {"stop", "stop_time", "end", "end_time"},
    [FLOWCOL_AFTER] = {"after", "depends_on"},
    [FLOWCOL_DELAY] = {"delay"},
    [FLOWCOL_JOB] = {"job"},
};

static bool is_time(FlowColumnKind kind) {
    return kind == FLOWCOL_START || kind == FLOWCOL_FCT || kind == FLOWCOL_IDEAL ||
           kind == FLOWCOL_STOP || kind == FLOWCOL_DELAY;
}

/* Sets the unit that a column's numbers are in; false if there is no such unit of its kind. */
static bool set_unit(FlowColumn *c, const char *unit) {
    static const struct {
        const char *name;
        bool time;
        int shift;
        uint32_t factor;
    } units[] = {{"ps", true, -3, 0},     {"ns", true, 0, 0},        {"us", true, 3, 0},
                 {"ms", true, 6, 0},      {"s", true, 9, 0},         {"sec", true, 9, 0},
                 {"seconds", true, 9, 0}, {"b", false, 0, 1},        {"byte", false, 0, 1},
                 {"bytes", false, 0, 1},  {"kb", false, 0, 1000},    {"mb", false, 0, 1000000},
                 {"kib", false, 0, 1024}, {"mib", false, 0, 1 << 20}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].name, unit) != 0) continue;
        if (units[i].time ? !is_time(c->kind) : c->kind != FLOWCOL_SIZE) continue;
        c->has_unit = true;
        c->ns_shift = units[i].shift;
        if (!units[i].time) c->factor = units[i].factor;
        return true;
    }
    return false;
}

static FlowColumn of_kind(FlowColumnKind kind) { return (FlowColumn){.kind = kind, .factor = 1}; }

static FlowColumnKind kind_of(const char *name) {
    for (int kind = 0; kind < FLOWCOL_N; kind++)
        for (size_t k = 0; k < sizeof *names / sizeof **names && names[kind][k]; k++)
            if (strcmp(names[kind][k], name) == 0) return (FlowColumnKind)kind;
    return FLOWCOL_OTHER;
}

FlowColumn flowcolumns_named(const char *name, size_t len) {
    char text[40];
    size_t n = 0;
    for (size_t i = 0; i < len; i++) { /* blanks and closing brackets go, others divide words */
        unsigned char c = (unsigned char)name[i];
        if (n + 1 >= sizeof text) return of_kind(FLOWCOL_OTHER);
        if (c == ')' || c == ']' || (isspace(c) && n > 0 && text[n - 1] == '_')) continue;
        if (c == '(' || c == '[' || c == '-' || c == '.' || isspace(c)) c = '_';
        if (c == '_' && n > 0 && text[n - 1] == '_') continue;
        text[n++] = (char)tolower(c);
    }
    while (n > 0 && text[n - 1] == '_') n--;
    text[n] = '\0';
    FlowColumn whole = of_kind(kind_of(text));
    if (whole.kind != FLOWCOL_OTHER) {
        if (strcmp(text, "bytes") == 0 || strstr(text, "_bytes") || strcmp(text, "nbytes") == 0)
            whole.has_unit = true;
        return whole;
    }
    char *unit = strrchr(text, '_');
    if (!unit) return whole;
    *unit++ = '\0';
    FlowColumn c = of_kind(kind_of(text));
    return c.kind != FLOWCOL_OTHER && set_unit(&c, unit) ? c : whole;
}

int flowcolumns_find(const FlowColumns *c, FlowColumnKind kind) {
    for (int k = 0; k < c->n; k++)
        if (c->column[k].kind == kind) return k;
    return -1;
}

/* Our name of a column, with the unit that we write. */
static const char *own_name(FlowColumnKind kind) {
    switch (kind) {
    case FLOWCOL_SIZE: return "size_b";
    case FLOWCOL_START: return "start_ns";
    case FLOWCOL_FCT: return "fct_ns";
    case FLOWCOL_IDEAL: return "ideal_fct_ns";
    default: return names[kind][0];
    }
}

int flowcolumns_add(FlowColumns *c, FlowColumn column, const char *place, Err *err) {
    bool once = column.kind < FLOWCOL_PRIORITY;
    if (once && flowcolumns_find(c, column.kind) >= 0)
        return err_input(err, "%s: column %s appears twice", place, own_name(column.kind));
    if (c->n == FLOWCOLUMNS_MAX)
        return err_input(err, "%s: more than %d columns", place, FLOWCOLUMNS_MAX);
    c->column[c->n++] = column;
    return 0;
}

int flowcolumns_check(const FlowColumns *c, bool results, const char *place, Err *err) {
    static const FlowColumnKind flow[] = {FLOWCOL_SRC, FLOWCOL_DST, FLOWCOL_SIZE, FLOWCOL_START},
                                result[] = {FLOWCOL_SIZE, FLOWCOL_FCT, FLOWCOL_IDEAL};
    const FlowColumnKind *needed = results ? result : flow;
    size_t n = results ? 3 : 4;
    for (size_t i = 0; i < n; i++) {
        FlowColumnKind k = needed[i];
        if (flowcolumns_find(c, k) >= 0) continue;
        if (k == FLOWCOL_SIZE && flowcolumns_find(c, FLOWCOL_PACKETS) >= 0) continue;
        if (k == FLOWCOL_SRC && flowcolumns_find(c, FLOWCOL_SRC_IP) >= 0) continue;
        if (k == FLOWCOL_DST && flowcolumns_find(c, FLOWCOL_DST_IP) >= 0) continue;
        if (results && k != FLOWCOL_SIZE && flowcolumns_find(c, FLOWCOL_SLOWDOWN) >= 0) continue;
        if (results)
            return err_input(err,
                             "%s: expected an estimate JSON, or columns size_b, fct_ns and "
                             "ideal_fct_ns (no %s here)",
                             place, own_name(k));
        return err_input(err,
                         "%s: expected a header with flow,src,dst,size_b,start_ns (or an HPCC flow "
                         "file): no column %s",
                         place, own_name(k));
    }
    return 0;
}

int flowcolumns_parse(FlowColumns *c, const char *list, Err *err) {
    *c = (FlowColumns){.n = 0};
    for (const char *s = list;; s++) {
        size_t n = strcspn(s, ",");
        FlowColumn column = flowcolumns_named(s, n);
        if (n == 0) return err_input(err, "--flow-columns: expected names, got '%.60s'", list);
        if (is_time(column.kind) && !column.has_unit) column.ns_shift = 9;
        column.has_unit = true;
        if (flowcolumns_add(c, column, "--flow-columns", err) != 0) return -1;
        s += n;
        if (*s == '\0') break;
    }
    Err why = {0};
    if (flowcolumns_check(c, false, "", &why) == 0) return 0;
    return err_input(err,
                     "--flow-columns: expected src, dst, size and start among the names, got "
                     "'%.60s'",
                     list);
}

/* ---- columns without names ---- */

/* Numbers are bytes and s, but in files of completion times, where all times are ns. */
typedef struct {
    const char *text; /* as in messages and for --flow-columns, with blanks for commas */
    bool in_ns;
} FlowLayout;
static const FlowLayout layouts[] = {
    {"src dst pg size start", false},            /* ConWeave's */
    {"src dst pg dport size start", false},      /* the HPCC authors' */
    {"src dst pg packets start end", false},     /* its predecessor's, of the DCQCN authors */
    {"id src dst pg dport size start", false},   /* of Parsimon's and m3's fork */
    {"src dst pg dport size start stop", false}, /* of forks whose flows may be ended */
    {"sip dip sport dport size start fct standalone", true}, /* fct.txt, which all of them write */
};
enum { N_LAYOUTS = sizeof layouts / sizeof *layouts };

static void columns_of(FlowColumns *c, const FlowLayout *l) {
    c->n = 0;
    for (const char *s = l->text; *s;) {
        size_t n = strcspn(s, " ");
        FlowColumn column = flowcolumns_named(s, n);
        column.has_unit = true;
        if (is_time(column.kind) && !l->in_ns) column.ns_shift = 9;
        if (column.kind == FLOWCOL_PACKETS) column.factor = 1000;
        c->column[c->n++] = column;
        s += n + (s[n] == ' ');
    }
}

/* Whether one row may be read so. */
static bool fits(const FlowColumns *c, const char *const *word, const FlowColumnsHints *hints) {
    double src = -1, start = 0;
    for (int k = 0; k < c->n; k++) {
        FlowColumnKind kind = c->column[k].kind;
        if (kind == FLOWCOL_SRC_IP || kind == FLOWCOL_DST_IP) {
            if (strlen(word[k]) != 8 || strspn(word[k], "0123456789abcdefABCDEF") != 8)
                return false;
            continue;
        }
        char *end;
        double x = strtod(word[k], &end);
        bool whole = x == floor(x);
        if (end == word[k] || *end != '\0' || !(x >= 0) || !isfinite(x)) return false;
        switch (kind) {
        case FLOWCOL_SRC:
        case FLOWCOL_DST:
            if (!whole || x >= 0x1p53 || x == src) return false;
            if (hints->is_end && !hints->is_end(hints->ctx, (uint64_t)x)) return false;
            src = kind == FLOWCOL_SRC ? x : -1;
            break;
        case FLOWCOL_PRIORITY:
            if (!whole || x > 7) return false;
            break;
        case FLOWCOL_PORT:
            if (!whole || x > 65535) return false;
            break;
        case FLOWCOL_ID:
        case FLOWCOL_SIZE:
        case FLOWCOL_PACKETS:
            if (!whole) return false;
            break;
        case FLOWCOL_START: start = x; break;
        case FLOWCOL_STOP:
            if (x < start) return false;
            break;
        default: break;
        }
    }
    return true;
}

/* The layouts of n columns that fit at least `least` of the rows; returns how many. */
static int fitting(const char *const *rows, size_t n_rows, int n, size_t least,
                   const FlowColumnsHints *hints, int found[N_LAYOUTS]) {
    int n_found = 0;
    for (int l = 0; l < N_LAYOUTS; l++) {
        FlowColumns c;
        size_t fit = 0;
        columns_of(&c, &layouts[l]);
        if (c.n != n || (hints->packets && flowcolumns_find(&c, FLOWCOL_PACKETS) < 0)) continue;
        for (size_t r = 0; r < n_rows; r++) fit += fits(&c, rows + r * (size_t)n, hints);
        if (fit >= least) found[n_found++] = l;
    }
    return n_found;
}

int flowcolumns_guess(FlowColumns *c, const char *const *rows, size_t n_rows, int n,
                      const FlowColumnsHints *hints, Err *err) {
    int found[N_LAYOUTS], n_found = fitting(rows, n_rows, n, n_rows, hints, found);
    if (n_found > 1)
        return err_input(
            err,
            "%s: columns may be '%s' or '%s': expected --flow-columns to name them, as "
            "src,dst,pg,dport,size,start",
            hints->path, layouts[found[0]].text, layouts[found[1]].text);
    if (n_found == 0) {
        /* Rows that no layout fits may have an end that is no host, or one of them is bad: then the
         * reader, which gets the only layout that comes close, can name the place. */
        FlowColumnsHints any_end = *hints;
        any_end.is_end = NULL;
        n_found = fitting(rows, n_rows, n, n_rows, &any_end, found) == 1 ||
                  fitting(rows, n_rows, n, n_rows / 2 + 1, hints, found) == 1;
    }
    if (n_found == 1) {
        columns_of(c, &layouts[found[0]]);
        if (flowcolumns_find(c, FLOWCOL_PACKETS) < 0 || hints->packets) return 0;
        return err_input(err,
                         "%s: columns look like '%s', with sizes in packets: expected sizes in "
                         "bytes, or a line below the flows that speaks of packets",
                         hints->path, layouts[found[0]].text);
    }
    n_found = fitting(rows, 0, n, 0, hints, found); /* all of so many columns */
    if (n_found == 0)
        return err_input(err,
                         "%s: %d columns, and no flow file is known with so many: expected "
                         "--flow-columns to name them, as src,dst,pg,dport,size,start",
                         hints->path, n);
    return err_input(err, "%s: expected columns '%s'%s%s%s, or --flow-columns to name them",
                     hints->path, layouts[found[0]].text, n_found > 1 ? " or '" : "",
                     n_found > 1 ? layouts[found[1]].text : "", n_found > 1 ? "'" : "");
}
