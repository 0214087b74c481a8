/* flows_htsim: htsim's connection matrices.
 *
 *     Nodes 16
 *     Connections 3
 *     Triggers 1
 *     0->7 id 1 start 0 size 60000 send_done_trigger 5
 *     5->1 id 2 start 1500000 size 800 recv_done_trigger 5
 *     7->3 id 3 trigger 5 size 60000
 *     trigger id 5 barrier count 2
 *
 * A connection is its two ends and then words in pairs: id, start (ps) or trigger, size (bytes),
 * prio, msg, and the triggers that it activates when it is done. A trigger starts its connections
 * when it is activated (oneshot), or for the count-th time (barrier). That is a flow that waits for
 * others if the trigger needs as many activations as there are connections that activate it; other
 * triggers, multishot ones among them, are refused by name. Both kinds of activation are taken to
 * come when the last byte has arrived; htsim's send_done comes when it is acknowledged.
 *
 * Left out, and refused: connections without a size, which htsim lets run for ever; failures. */
#include "traffic/flows_htsim.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum { MAX_WORD = 32 }; /* longer than any word of the format and any number */

/* The triggers of a connection; 0: none. */
typedef struct {
    uint64_t starts, done[2];
    size_t line;
} HtsimWaits;

typedef enum { TRIGGER_ONESHOT, TRIGGER_MULTISHOT, TRIGGER_BARRIER, N_TRIGGER_KINDS } HtsimKind;
static const char *const trigger_kinds[N_TRIGGER_KINDS] = {"oneshot", "multishot", "barrier"};

typedef struct {
    uint64_t id, count; /* count: activations that it takes */
    HtsimKind kind;
    size_t line;
    uint32_t *from; /* [n_from] flows that activate it */
    size_t n_from, cap_from;
} HtsimTrigger;

typedef struct {
    const char *p, *end;
    size_t line, disorder_line;
    const FlowEnds *ends;
    uint64_t n_nodes;
    HtsimWaits *waits; /* [cap_waits] by flow */
    size_t cap_waits;
    HtsimTrigger *triggers; /* [n_triggers] */
    size_t n_triggers, cap_triggers;
    Err *err;
} HtsimMatrix;

bool flows_htsim_is(const char *text, const char *end) {
    static const char word[] = "Nodes";
    size_t n = sizeof word - 1;
    return (size_t)(end - text) > n && memcmp(text, word, n) == 0 &&
           (text[n] == ' ' || text[n] == '\t');
}

static int fail(const HtsimMatrix *m, const char *what, const char *expected, const char *got) {
    return err_input(m->err, "%s: line %zu: %s: expected %s, got '%s'", m->ends->path, m->line,
                     what, expected, got);
}

/* The next word of the line, cut to MAX_WORD − 1 bytes; false at its end. */
static bool next_word(HtsimMatrix *m, char word[MAX_WORD]) {
    size_t n = 0;
    while (m->p < m->end && (*m->p == ' ' || *m->p == '\t' || *m->p == '\r')) m->p++;
    while (m->p < m->end && *m->p && !isspace((unsigned char)*m->p)) {
        if (n + 1 < MAX_WORD) word[n++] = *m->p;
        m->p++;
    }
    if (m->p < m->end && *m->p == '\0') m->p = m->end; /* no text any more */
    word[n] = '\0';
    return n > 0;
}

static bool next_line(HtsimMatrix *m) {
    while (m->p < m->end && *m->p != '\n') m->p++;
    if (m->p >= m->end) return false;
    m->p++;
    m->line++;
    return true;
}

static int parse_whole(const HtsimMatrix *m, const char *what, const char *word, uint64_t most,
                       uint64_t *out) {
    char expected[64];
    size_t n = strspn(word, "0123456789");
    *out = n > 0 && n <= 19 && word[n] == '\0' ? strtoull(word, NULL, 10) : UINT64_MAX;
    if (*out <= most) return 0;
    snprintf(expected, sizeof expected, "a whole number up to %llu", (unsigned long long)most);
    return fail(m, what, expected, word);
}

static int read_end(const HtsimMatrix *m, const char *what, const char *word, uint32_t *out) {
    uint64_t n, most = m->ends->topo ? m->ends->topo->n_hosts : m->ends->n_links + 1ull;
    if (m->n_nodes < most) most = m->n_nodes;
    if (parse_whole(m, what, word, most - 1, &n) != 0) return -1;
    *out = (uint32_t)n;
    return 0;
}

/* Where a word's number goes; NULL: it is no word of a connection. */
static uint64_t *place_of(const char *key, uint64_t *start_ps, uint64_t *size_b, HtsimWaits *w,
                          uint64_t *ignored) {
    if (strcmp(key, "start") == 0) return start_ps;
    if (strcmp(key, "size") == 0) return size_b;
    if (strcmp(key, "trigger") == 0) return &w->starts;
    if (strcmp(key, "send_done_trigger") == 0) return &w->done[0];
    if (strcmp(key, "recv_done_trigger") == 0) return &w->done[1];
    bool known = strcmp(key, "id") == 0 || strcmp(key, "prio") == 0 || strcmp(key, "msg") == 0;
    return known ? ignored : NULL;
}

/* The words behind a connection's ends. */
static int read_pairs(HtsimMatrix *m, uint64_t *start_ps, uint64_t *size_b, HtsimWaits *w) {
    char key[MAX_WORD], value[MAX_WORD];
    uint64_t ignored;
    *start_ps = UINT64_MAX;
    *size_b = 0;
    *w = (HtsimWaits){.line = m->line};
    while (next_word(m, key)) {
        uint64_t *place = place_of(key, start_ps, size_b, w, &ignored);
        if (!place)
            return fail(m, "connection", "id, start, trigger, size, prio, msg or a done trigger",
                        key);
        if (!next_word(m, value)) return fail(m, key, "a number behind it", "the end of the line");
        uint64_t most = place == size_b ? FLOWS_MAX_SIZE_B : UINT64_MAX - 1;
        if (parse_whole(m, key, value, most, place) != 0) return -1;
    }
    if (w->starts && *start_ps != UINT64_MAX)
        return fail(m, "connection", "start or trigger", "both");
    if (*start_ps == UINT64_MAX) *start_ps = 0;
    return *size_b > 0 ? 0 : fail(m, "size", "a size above 0 bytes", "none");
}

/* Appends the connection whose ends are the word `ends`; `cap` flows have room. */
static int read_connection(HtsimMatrix *m, char *ends, Flows *f, size_t *cap) {
    flows_reserve(f, cap, f->n + 1);
    MEM_GROW(m->waits, m->cap_waits, f->n + 1);
    char *arrow = strstr(ends, "->");
    uint64_t start_ps;
    if (!arrow) return fail(m, "connection", "ends like 0->7", ends);
    *arrow = '\0';
    if (read_end(m, "source", ends, &f->src[f->n]) != 0 ||
        read_end(m, "destination", arrow + 2, &f->dst[f->n]) != 0 ||
        read_pairs(m, &start_ps, &f->size_b[f->n], &m->waits[f->n]) != 0)
        return -1;
    if (!flows_ends_ok(m->ends, f->src[f->n], f->dst[f->n]))
        return flows_fail_ends(m->ends, "line", m->line, m->err);
    f->start_ns[f->n] = (int64_t)(start_ps / 1000 + (start_ps % 1000 >= 500));
    if (f->n > 0 && f->start_ns[f->n] < f->start_ns[f->n - 1] && m->disorder_line == 0)
        m->disorder_line = m->line;
    f->n++;
    return 0;
}

/* ---- triggers ---- */

/* A line "trigger id 5 barrier count 2". */
static int read_trigger(HtsimMatrix *m) {
    char key[MAX_WORD], value[MAX_WORD];
    HtsimTrigger t = {.kind = N_TRIGGER_KINDS, .count = 1, .line = m->line};
    while (next_word(m, key)) {
        bool id = strcmp(key, "id") == 0;
        if (id || strcmp(key, "count") == 0) {
            if (!next_word(m, value))
                return fail(m, key, "a number behind it", "the end of the line");
            if (parse_whole(m, key, value, UINT32_MAX, id ? &t.id : &t.count) != 0) return -1;
            continue;
        }
        int kind = 0;
        while (kind < N_TRIGGER_KINDS && strcmp(key, trigger_kinds[kind]) != 0) kind++;
        if (kind == N_TRIGGER_KINDS)
            return fail(m, "trigger", "id, oneshot, barrier or count", key);
        t.kind = (HtsimKind)kind;
    }
    if (t.id == 0) return fail(m, "trigger", "an id above 0", "none");
    if (t.kind != TRIGGER_ONESHOT && t.kind != TRIGGER_BARRIER)
        return fail(m, "trigger", "oneshot or barrier",
                    t.kind == N_TRIGGER_KINDS ? "neither" : trigger_kinds[t.kind]);
    MEM_GROW(m->triggers, m->cap_triggers, m->n_triggers + 1);
    m->triggers[m->n_triggers++] = t;
    return 0;
}

static int by_trigger(const void *a, const void *b) {
    const HtsimTrigger *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

/* Of a connection on line m->line, which names it. */
static HtsimTrigger *find_trigger(HtsimMatrix *m, uint64_t id) {
    size_t lo = 0, hi = m->n_triggers;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->triggers[mid].id < id) lo = mid + 1;
        else hi = mid;
    }
    if (lo < m->n_triggers && m->triggers[lo].id == id) return &m->triggers[lo];
    err_input(m->err, "%s: line %zu: trigger %llu: expected a line 'trigger id %llu oneshot'",
              m->ends->path, m->line, (unsigned long long)id, (unsigned long long)id);
    return NULL;
}

/* Puts triggers in order, and notes which flows activate them. */
static int note_activations(HtsimMatrix *m, size_t n) {
    if (m->n_triggers > 1) qsort(m->triggers, m->n_triggers, sizeof *m->triggers, by_trigger);
    for (size_t k = 1; k < m->n_triggers; k++) {
        m->line = m->triggers[k].line;
        if (m->triggers[k].id == m->triggers[k - 1].id)
            return fail(m, "trigger", "an id of its own", "one that is there");
    }
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            if (!m->waits[i].done[k]) continue;
            m->line = m->waits[i].line;
            HtsimTrigger *t = find_trigger(m, m->waits[i].done[k]);
            if (!t) return -1;
            MEM_GROW(t->from, t->cap_from, t->n_from + 1);
            t->from[t->n_from++] = (uint32_t)i;
        }
    return 0;
}

/* What flow i waits for. A trigger with too few activations would never start it. */
static int wait_for(HtsimMatrix *m, Flows *f, size_t i) {
    flowgraph_flow(f->graph, FLOWGRAPH_NONE, 0);
    if (!m->waits[i].starts) return 0;
    m->line = m->waits[i].line;
    const HtsimTrigger *t = find_trigger(m, m->waits[i].starts);
    if (!t) return -1;
    if (t->n_from != t->count || t->count == 0)
        return err_input(m->err,
                         "%s: line %zu: trigger %llu: expected as many activations as it takes, "
                         "%llu, got %zu",
                         m->ends->path, m->line, (unsigned long long)t->id,
                         (unsigned long long)t->count, t->n_from);
    for (size_t k = 0; k < t->n_from; k++) flowgraph_wait(f->graph, t->from[k]);
    return 0;
}

/* Makes f->graph if a connection waits for others. */
static int make_graph(HtsimMatrix *m, Flows *f) {
    assert(m->waits || f->n == 0);
    bool any = false;
    for (size_t i = 0; i < f->n; i++) any |= m->waits[i].starts != 0;
    if (note_activations(m, f->n) != 0) return -1;
    if (!any) return 0;
    f->graph = flowgraph_new();
    for (size_t i = 0; i < f->n; i++)
        if (wait_for(m, f, i) != 0) return -1;
    uint32_t *order = MEM_NEW(uint32_t, f->n);
    size_t n = flowgraph_order(f->graph, order);
    m->line = n < f->n ? m->waits[order[n]].line : 0;
    free(order);
    if (n == f->n) return 0;
    return err_input(m->err, "%s: line %zu: trigger: flows wait for each other in a circle",
                     m->ends->path, m->line);
}

/* ---- the whole ---- */

/* The number of lines that a header announces: UINT64_MAX if it doesn't. */
typedef struct {
    uint64_t connections, triggers;
} HtsimCounts;

static int read_line(HtsimMatrix *m, char *word, HtsimCounts *counts, Flows *f, size_t *cap) {
    char value[MAX_WORD];
    bool nodes = strcmp(word, "Nodes") == 0, triggers = strcasecmp(word, "Triggers") == 0;
    if (strcmp(word, "trigger") == 0) return read_trigger(m);
    if (strcasecmp(word, "failures") == 0 || strcmp(word, "failure") == 0) {
        next_word(m, value);
        return strcmp(value, "0") == 0
                   ? 0
                   : err_input(m->err, "%s: line %zu: %s: name failed links by --fail",
                               m->ends->path, m->line, word);
    }
    if (!nodes && !triggers && strcmp(word, "Connections") != 0)
        return read_connection(m, word, f, cap);
    next_word(m, value);
    return parse_whole(m, word, value, UINT32_MAX - 1,
                       nodes      ? &m->n_nodes
                       : triggers ? &counts->triggers
                                  : &counts->connections);
}

static int read_lines(HtsimMatrix *m, HtsimCounts *counts, Flows *f) {
    char word[MAX_WORD];
    size_t cap = 0;
    do {
        if (diag_stop_requested()) return err_stopped(m->err);
        if (!next_word(m, word) || word[0] == '#') continue;
        if (read_line(m, word, counts, f, &cap) != 0) return -1;
    } while (next_line(m));
    const char *path = m->ends->path;
    if (counts->connections != UINT64_MAX && f->n != counts->connections)
        return err_input(m->err, "%s: expected %llu connections, got %zu", path,
                         (unsigned long long)counts->connections, f->n);
    if (counts->triggers != UINT64_MAX && m->n_triggers != counts->triggers)
        return err_input(m->err, "%s: expected %llu triggers, got %zu", path,
                         (unsigned long long)counts->triggers, m->n_triggers);
    if (f->n == 0) return err_input(m->err, "%s: expected at least one connection", path);
    return make_graph(m, f);
}

int flows_htsim_read(Flows *f, const char *text, const char *end, size_t line, const FlowEnds *e,
                     size_t *disorder_line, Err *err) {
    HtsimMatrix m = {.p = text, .end = end, .line = line, .ends = e, .err = err};
    HtsimCounts counts = {UINT64_MAX, UINT64_MAX};
    int rc = read_lines(&m, &counts, f);
    *disorder_line = m.disorder_line;
    for (size_t k = 0; k < m.n_triggers; k++) free(m.triggers[k].from);
    free(m.triggers);
    free(m.waits);
    return rc;
}
