/* flows_htsim: htsim's connection matrices.
 *
 *     Nodes 16
 *     Connections 2
 *     0->7 start 0 size 60000
 *     5->1 id 2 start 1500000 size 800
 *
 * A connection is its two ends and then words in pairs: id, start (ps), size (bytes), prio. What
 * makes a connection wait for another (trigger, send_done_trigger, recv_done_trigger, Triggers) is
 * refused by name, since flows here start at given times; so is a connection without a size, which
 * htsim lets run for ever. */
#include "traffic/flows_htsim.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

enum { MAX_WORD = 32 }; /* longer than any word of the format and any number */

typedef struct {
    const char *p, *end;
    size_t line, disorder_line;
    const FlowEnds *ends;
    uint64_t n_nodes;
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

/* The words behind a connection's ends. */
static int read_pairs(HtsimMatrix *m, uint64_t *start_ps, uint64_t *size_b) {
    char key[MAX_WORD], value[MAX_WORD];
    uint64_t ignored;
    *start_ps = 0;
    *size_b = 0;
    while (next_word(m, key)) {
        if (strstr(key, "trigger"))
            return err_input(m->err,
                             "%s: line %zu: %s: flows that wait for others are not supported",
                             m->ends->path, m->line, key);
        if (!next_word(m, value)) return fail(m, key, "a number behind it", "the end of the line");
        bool start = strcmp(key, "start") == 0, size = strcmp(key, "size") == 0;
        if (!start && !size && strcmp(key, "id") != 0 && strcmp(key, "prio") != 0)
            return fail(m, "connection", "id, start, size or prio", key);
        if (parse_whole(m, key, value, size ? FLOWS_MAX_SIZE_B : UINT64_MAX - 1,
                        start  ? start_ps
                        : size ? size_b
                               : &ignored) != 0)
            return -1;
    }
    return *size_b > 0 ? 0 : fail(m, "size", "a size above 0 bytes", "none");
}

/* Appends the connection whose ends are the word `ends`; `cap` flows have room. */
static int read_connection(HtsimMatrix *m, char *ends, Flows *f, size_t *cap) {
    if (f->n == *cap) {
        *cap = *cap ? *cap * 2 : 1024;
        f->src = mem_realloc(f->src, *cap, sizeof *f->src);
        f->dst = mem_realloc(f->dst, *cap, sizeof *f->dst);
        f->size_b = mem_realloc(f->size_b, *cap, sizeof *f->size_b);
        f->start_ns = mem_realloc(f->start_ns, *cap, sizeof *f->start_ns);
    }
    char *arrow = strstr(ends, "->");
    uint64_t start_ps;
    if (!arrow) return fail(m, "connection", "ends like 0->7", ends);
    *arrow = '\0';
    if (read_end(m, "source", ends, &f->src[f->n]) != 0 ||
        read_end(m, "destination", arrow + 2, &f->dst[f->n]) != 0 ||
        read_pairs(m, &start_ps, &f->size_b[f->n]) != 0)
        return -1;
    if (!flows_ends_ok(m->ends, f->src[f->n], f->dst[f->n]))
        return flows_fail_ends(m->ends, "line", m->line, m->err);
    f->start_ns[f->n] = (int64_t)(start_ps / 1000 + (start_ps % 1000 >= 500));
    if (f->n > 0 && f->start_ns[f->n] < f->start_ns[f->n - 1] && m->disorder_line == 0)
        m->disorder_line = m->line;
    f->n++;
    return 0;
}

int flows_htsim_read(Flows *f, const char *text, const char *end, size_t line, const FlowEnds *e,
                     size_t *disorder_line, Err *err) {
    HtsimMatrix m = {.p = text, .end = end, .line = line, .ends = e, .err = err};
    char word[MAX_WORD], value[MAX_WORD];
    uint64_t n_connections = UINT64_MAX;
    size_t cap = 0;
    do {
        if (diag_stop_requested()) return err_stopped(err);
        if (!next_word(&m, word) || word[0] == '#') continue;
        bool nodes = strcmp(word, "Nodes") == 0;
        if (nodes || strcmp(word, "Connections") == 0) {
            next_word(&m, value);
            if (parse_whole(&m, word, value, UINT32_MAX - 1, nodes ? &m.n_nodes : &n_connections) !=
                0)
                return -1;
        } else if (strcasecmp(word, "triggers") == 0 || strcmp(word, "trigger") == 0) {
            next_word(&m, value);
            if (strcmp(value, "0") != 0)
                return err_input(err,
                                 "%s: line %zu: %s: flows that wait for others are not supported",
                                 e->path, m.line, word);
        } else if (read_connection(&m, word, f, &cap) != 0) {
            return -1;
        }
    } while (next_line(&m));
    *disorder_line = m.disorder_line;
    if (n_connections != UINT64_MAX && f->n != n_connections)
        return err_input(err, "%s: expected %llu connections, got %zu", e->path,
                         (unsigned long long)n_connections, f->n);
    return f->n > 0 ? 0 : err_input(err, "%s: expected at least one connection", e->path);
}
