/* topo_hpcc: the HPCC authors' topology.txt.
 *
 *     n_nodes n_switches n_links
 *     ids of the switches
 *     a b 10Gbps 1000ns 0        (n_links lines: two ends, rate, delay, error rate)
 *
 * Blanks are spaces and tabs in any number; lines may end in CRLF and the last one in nothing.
 * Prose after the last link is skipped (published files explain themselves there), and so are
 * further links, with a remark, as ns-3 does. The counts of the header are promises that the file
 * must keep before memory is spent on them: lists grow as they are read, and nodes beyond what the
 * links can join are refused.
 *
 * Forks have more numbers in the header: PowerTCP's `nodes switches tors links` and perhaps two
 * rates, SimAI's `nodes gpus_per_server nvswitches switches links gpu_type`, whose NVSwitches are
 * switches like others. Such a header is taken by the reading that the rest of the file fits: as
 * many ids in the next line and as many links below, or more if only one reading fits. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "net/topo_private.h"

/* Words are cut to MAX_WORD − 1 bytes, longer than any valid one. MAX_COUNT is the most nodes or
 * links that a header may announce, so that their numbers fit 32 bits with a factor of 4 left. */
enum { MAX_WORD = 64, MAX_COUNT = 1 << 30 };

/* A place in the text; `line` is that of `at`, from 1. */
typedef struct {
    const char *name, *at, *end;
    uint64_t line;
} HpccText;

static void skip_blanks(HpccText *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r')) s->at++;
}

static void skip_lines(HpccText *s) {
    for (skip_blanks(s); s->at < s->end && *s->at == '\n'; skip_blanks(s)) {
        s->at++;
        s->line++;
    }
}

/* The next word of this line; empty at the end of the line. */
static void next_word(HpccText *s, char word[MAX_WORD]) {
    size_t n = 0;
    skip_blanks(s);
    for (; s->at < s->end && !strchr(" \t\r\n", *s->at); s->at++) {
        char c = '?'; /* of a NUL */
        if (*s->at != '\0') c = *s->at;
        if (n + 1 < MAX_WORD) word[n++] = c;
    }
    word[n] = '\0';
}

static int fail(const HpccText *s, const char *what, const char *expected, const char *got,
                Err *err) {
    if (!*got)
        return err_input(err, "%s: line %llu: %s: expected %s, %s", s->name,
                         (unsigned long long)s->line, what, expected,
                         s->at >= s->end ? "the file ends here" : "the line ends here");
    return err_input(err, "%s: line %llu: %s: expected %s, got '%s'", s->name,
                     (unsigned long long)s->line, what, expected, got);
}

static int read_whole(HpccText *s, const char *what, uint64_t below, uint64_t *out, Err *err) {
    char word[MAX_WORD], expected[64];
    next_word(s, word);
    *out = 0;
    size_t n = strspn(word, "0123456789");
    bool ok = n > 0 && n <= 18 && word[n] == '\0';
    if (ok) *out = strtoull(word, NULL, 10);
    if (ok && *out < below) return 0;
    snprintf(expected, sizeof expected, "a whole number below %llu", (unsigned long long)below);
    return fail(s, what, expected, word, err);
}

static int read_rate(HpccText *s, double *bps, Err *err) {
    char word[MAX_WORD];
    next_word(s, word);
    Err why = {0};
    if (*word && units_parse_rate(word, "rate", bps, &why) != 0)
        return err_input(err, "%s: line %llu: %s", s->name, (unsigned long long)s->line, why.msg);
    if (!*word || !(*bps >= TOPO_MIN_RATE_BPS && *bps <= TOPO_MAX_RATE_BPS))
        return fail(s, "rate", "a rate like 10Gbps, from 1 to 1e16 bit/s", word, err);
    return 0;
}

/* ns-3 takes a bare number for seconds, which is hardly meant: a delay other than 0 has to have its
 * unit. */
static int read_delay(HpccText *s, double *ns, Err *err) {
    char word[MAX_WORD];
    next_word(s, word);
    if (!*word || units_parse_time(word, "", ns, NULL) != 0 ||
        !(*ns >= 0 && *ns <= TOPO_MAX_DELAY_NS))
        return fail(s, "delay", "a time with its unit like 1000ns, at most 1e12 ns", word, err);
    return 0;
}

typedef struct {
    uint64_t n_nodes, n_switches, n_links;
    uint64_t *switches;
    size_t cap_switches;
} HpccCounts;

/* ---- headers of forks ---- */

enum { MAX_HEADER = 8 };

/* Counts the words of the next line, and the lines behind it that begin with a digit. */
static void count_body(HpccText s, uint64_t *n_ids, uint64_t *n_links) {
    char word[MAX_WORD];
    *n_ids = *n_links = 0;
    skip_lines(&s);
    while (next_word(&s, word), *word) ++*n_ids;
    for (skip_lines(&s); s.at < s.end && *s.at >= '0' && *s.at <= '9'; skip_lines(&s)) {
        ++*n_links;
        while (s.at < s.end && *s.at != '\n') s.at++;
    }
}

/* A header of 4 to 6 words, of which `s` stands behind the line. */
static int read_long_header(const HpccText *s, char word[MAX_HEADER][MAX_WORD], int n,
                            HpccCounts *h, Err *err) {
    /* Where nodes, links and up to two numbers of switches stand. */
    static const struct {
        int least, most, nodes, switches[2], links;
    } forms[] = {{4, 6, 0, {1, -1}, 3}, {5, 6, 0, {2, 3}, 4}};
    uint64_t number[MAX_HEADER] = {0}, n_ids, n_links;
    char found[200] = "";
    int n_fitting = 0, n_exact = 0, n_numbers = 0;
    for (int i = 0; i < n; i++) {
        size_t len = strlen(found), digits = strspn(word[i], "0123456789");
        snprintf(found + len, sizeof found - len, "%s%.20s", i ? " " : "", word[i]);
        bool whole = digits > 0 && digits <= 18 && word[i][digits] == '\0';
        if (whole && n_numbers == i) number[n_numbers++] = strtoull(word[i], NULL, 10);
    }
    count_body(*s, &n_ids, &n_links);
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (n < forms[f].least || n > forms[f].most || n_numbers <= forms[f].links) continue;
        uint64_t switches = number[forms[f].switches[0]] +
                            (forms[f].switches[1] < 0 ? 0 : number[forms[f].switches[1]]);
        uint64_t links = number[forms[f].links];
        if (switches != n_ids || links > n_links || links == 0) continue;
        bool exact = links == n_links;
        n_fitting++;
        n_exact += exact;
        if (exact || n_exact == 0)
            *h = (HpccCounts){.n_nodes = number[0], .n_switches = switches, .n_links = links};
    }
    if (n_exact == 1 || (n_exact == 0 && n_fitting == 1)) return 0;
    return err_input(err,
                     "%s: line %llu: expected nodes, switches and links, as the %llu ids and %llu "
                     "links below, got %d words: %s",
                     s->name, (unsigned long long)s->line, (unsigned long long)n_ids,
                     (unsigned long long)n_links, n, found);
}

/* ---- the file ---- */

static int check_counts(const HpccText *s, const HpccCounts *h, Err *err) {
    if (h->n_nodes >= MAX_COUNT || h->n_links >= MAX_COUNT)
        return err_input(err, "%s: line %llu: %llu nodes and %llu links are too many", s->name,
                         (unsigned long long)s->line, (unsigned long long)h->n_nodes,
                         (unsigned long long)h->n_links);
    if (h->n_switches > h->n_nodes)
        return err_input(
            err, "%s: line %llu: expected at most as many switches as nodes, got %llu of %llu",
            s->name, (unsigned long long)s->line, (unsigned long long)h->n_switches,
            (unsigned long long)h->n_nodes);
    if (h->n_nodes - h->n_switches > h->n_links) /* each host has one; a switch may have none */
        return err_input(err, "%s: line %llu: %llu links cannot join %llu nodes", s->name,
                         (unsigned long long)s->line, (unsigned long long)h->n_links,
                         (unsigned long long)h->n_nodes);
    return 0;
}

/* Reads the counts, in three words or in a header of a fork, and the ids of the switches. */
static int read_header(HpccText *s, HpccCounts *h, Err *err) {
    char word[MAX_HEADER][MAX_WORD];
    int n = 0;
    skip_lines(s);
    HpccText line = *s;
    while (n < MAX_HEADER && (next_word(&line, word[n]), *word[n])) n++;
    if (n > 3 && *word[0] >= '0' && *word[0] <= '9') {
        if (read_long_header(&line, word, n, h, err) != 0) return -1;
        *s = line;
    } else if (read_whole(s, "number of nodes", MAX_COUNT, &h->n_nodes, err) != 0 ||
               read_whole(s, "number of switches", MAX_COUNT, &h->n_switches, err) != 0 ||
               read_whole(s, "number of links", MAX_COUNT, &h->n_links, err) != 0) {
        return -1;
    }
    if (check_counts(s, h, err) != 0) return -1;
    for (uint64_t i = 0; i < h->n_switches; i++) {
        uint64_t id;
        skip_lines(s);
        if (read_whole(s, "switch id", h->n_nodes, &id, err) != 0) return -1;
        MEM_GROW(h->switches, h->cap_switches, i + 1);
        h->switches[i] = id;
    }
    return 0;
}

/* The last column of a link, which may be missing. */
static int read_error_rate(HpccText *s, double *rate, Err *err) {
    char word[MAX_WORD];
    next_word(s, word);
    *rate = 0;
    if (!*word) return 0;
    if (units_parse_number(word, "", rate, NULL) != 0 || !(*rate >= 0 && *rate < 1))
        return fail(s, "error rate", "a probability from 0 to below 1", word, err);
    while (next_word(s, word), *word) continue;
    return 0;
}

static int read_links(HpccText *s, const HpccCounts *h, const TopoLoadOptions *o, TopoDraft *d,
                      Err *err) {
    for (uint64_t i = 0; i < h->n_links; i++) {
        TopoCable c = {0};
        skip_lines(s);
        if (s->at >= s->end)
            return err_input(err, "%s: line %llu: the file ends after %llu of %llu links", s->name,
                             (unsigned long long)s->line, (unsigned long long)i,
                             (unsigned long long)h->n_links);
        if (read_whole(s, "node id", h->n_nodes, &c.a, err) != 0 ||
            read_whole(s, "node id", h->n_nodes, &c.b, err) != 0)
            return -1;
        if (read_rate(s, &c.rate_bps, err) != 0 || read_delay(s, &c.delay_ns, err) != 0 ||
            read_error_rate(s, &c.error_rate, err) != 0)
            return -1;
        topo_draft_cable(d, c);
    }
    skip_lines(s);
    if (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        log_note(o->log,
                 "%s: line %llu: more links than the %llu that the header announces; not read",
                 s->name, (unsigned long long)s->line, (unsigned long long)h->n_links);
    return 0;
}

static int place_nodes(const HpccText *s, const HpccCounts *h, TopoDraft *d, Err *err) {
    for (uint64_t v = 0; v < h->n_nodes; v++) topo_draft_node(d, v, true, TOPO_NONE);
    for (uint64_t i = 0; i < h->n_switches; i++) {
        assert(d->is_host);
        uint8_t *is_host = &d->is_host[h->switches[i]];
        if (!*is_host)
            return err_input(err, "%s: switch id %llu appears twice", s->name,
                             (unsigned long long)h->switches[i]);
        *is_host = false;
    }
    return 0;
}

int topo_hpcc_read(Topo *t, const char *name, const char *text, size_t len,
                   const TopoLoadOptions *o, Err *err) {
    HpccText s = {name, text, text + len, 1};
    HpccCounts h = {0};
    TopoDraft d = {0};
    int rc = read_header(&s, &h, err);
    /* Links come first: the file has to have them before memory is spent on nodes. */
    if (rc == 0) rc = read_links(&s, &h, o, &d, err);
    if (rc == 0) rc = place_nodes(&s, &h, &d, err);
    if (rc == 0) rc = topo_draft_build(t, &d, name, o, err);
    free(h.switches);
    topo_draft_free(&d);
    return rc;
}
