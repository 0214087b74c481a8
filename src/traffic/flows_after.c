/* flows_after: what flows of a text file wait for.
 *
 * A field `after` is ids of flows joined by '+' ("3+4"), which may stand above or below in the
 * file, so they are looked up when all rows are read: by bisection of the ids in order, or directly
 * where ids are the positions. A field `job` is NAME#NUMBER or NAME; rows with the same text are
 * one job, and jobs of the same NAME a group. */
#include "traffic/flows_after.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

FlowAfterRow *flows_after_row(FlowAfterRows *r, size_t i) {
    size_t before = r->cap;
    MEM_GROW(r->row, r->cap, i + 1);
    if (r->cap > before) memset(r->row + before, 0, (r->cap - before) * sizeof *r->row);
    return &r->row[i];
}

typedef struct {
    uint64_t id;
    uint32_t flow;
} FlowId;

typedef struct {
    FlowAfterRows *rows;
    Flows *f;
    FlowId *ids; /* [n] ascending; NULL: an id is the position */
    const char *path;
} AfterReader;

static int by_id(const void *a, const void *b) {
    const FlowId *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->flow > y->flow) - (x->flow < y->flow);
}

static void index_ids(AfterReader *r) {
    const Flows *f = r->f;
    if (!f->id) return;
    r->ids = MEM_NEW(FlowId, f->n);
    for (size_t i = 0; i < f->n; i++) r->ids[i] = (FlowId){f->id[i], (uint32_t)i};
    qsort(r->ids, f->n, sizeof *r->ids, by_id);
}

/* The number of flows with an id, and one of them. */
static uint32_t find(const AfterReader *r, uint64_t id, uint32_t *flow) {
    size_t lo = 0, hi = r->f->n;
    *flow = (uint32_t)id;
    if (!r->ids) return id < r->f->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (r->ids[mid].id < id) lo = mid + 1;
        else hi = mid;
    }
    if (lo == r->f->n || r->ids[lo].id != id) return 0;
    *flow = r->ids[lo].flow;
    return lo + 1 < r->f->n && r->ids[lo + 1].id == id ? 2 : 1;
}

/* The ids that a row lists. */
static int read_after(AfterReader *r, const FlowAfterRow *row, size_t self, Err *err) {
    const char *p = row->after, *end = p + row->n_after;
    while (p < end) {
        uint64_t id = 0;
        uint32_t flow, n;
        const char *word = p;
        while (p < end && isdigit((unsigned char)*p) && p - word < 19)
            id = id * 10 + (unsigned)(*p++ - '0');
        if (p == word || (p < end && *p != '+') || p + 1 == end)
            return err_input(err, "%s: line %zu: after: expected ids of flows like 3+4, got '%.*s'",
                             r->path, row->line, (int)(row->n_after < 40 ? row->n_after : 40),
                             row->after);
        if (p < end) p++;
        n = find(r, id, &flow);
        if (n != 1 || flow == self)
            return err_input(err, "%s: line %zu: after: %s %llu", r->path, row->line,
                             n == 0   ? "there is no flow"
                             : n == 1 ? "a flow waits for itself,"
                                      : "several flows have the id",
                             (unsigned long long)id);
        flowgraph_wait(r->f->graph, flow);
    }
    return 0;
}

/* ---- jobs ---- */

static int compare_jobs(const FlowAfterRow *a, const FlowAfterRow *b) {
    if (a->n_job != b->n_job) return a->n_job < b->n_job ? -1 : 1;
    return a->n_job ? memcmp(a->job, b->job, a->n_job) : 0;
}

static int by_job(const void *a, const void *b) {
    const FlowAfterRow *x = *(const FlowAfterRow *const *)a, *y = *(const FlowAfterRow *const *)b;
    int c = compare_jobs(x, y);
    return c ? c : (x->line > y->line) - (x->line < y->line);
}

static int by_line(const void *a, const void *b) {
    const FlowAfterRow *x = *(const FlowAfterRow *const *)a, *y = *(const FlowAfterRow *const *)b;
    return (x->line > y->line) - (x->line < y->line);
}

/* NAME#NUMBER, or a name alone. */
static uint32_t add_job(const AfterReader *r, const FlowAfterRow *row) {
    const char *end = row->job + row->n_job, *digit = end;
    uint64_t number = 0;
    while (digit > row->job && isdigit((unsigned char)digit[-1])) digit--;
    bool numbered = digit < end && end - digit <= 9 && digit > row->job && digit[-1] == '#';
    for (const char *p = digit; numbered && p < end; p++)
        number = number * 10 + (unsigned)(*p - '0');
    size_t len = numbered ? (size_t)(digit - 1 - row->job) : row->n_job;
    return flowgraph_job(r->f->graph, flowgraph_group(r->f->graph, row->job, len),
                         numbered ? (uint32_t)number : FLOWGRAPH_NONE);
}

/* Numbers jobs in order of their first line; job[i] of each flow. */
static void number_jobs(AfterReader *r, uint32_t *job) {
    size_t n = r->f->n, n_first = 0;
    FlowAfterRow **sorted = MEM_NEW(FlowAfterRow *, n), **first = MEM_NEW(FlowAfterRow *, n);
    uint32_t *number = MEM_NEW(uint32_t, n);
    for (size_t i = 0; i < n; i++) sorted[i] = &r->rows->row[i];
    qsort(sorted, n, sizeof *sorted, by_job);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || compare_jobs(sorted[i - 1], sorted[i]) != 0) first[n_first++] = sorted[i];
    qsort(first, n_first, sizeof *first, by_line);
    for (size_t k = 0; k < n_first; k++)
        number[first[k] - r->rows->row] = first[k]->n_job ? add_job(r, first[k]) : FLOWGRAPH_NONE;
    for (size_t i = 0, head = 0; i < n; i++) {
        if (i > 0 && compare_jobs(sorted[i - 1], sorted[i]) != 0) head = i;
        job[sorted[i] - r->rows->row] = number[sorted[head] - r->rows->row];
    }
    free(sorted), free(first), free(number);
}

/* ---- the whole ---- */

static int check_circles(const AfterReader *r, Err *err) {
    uint32_t *order = MEM_NEW(uint32_t, r->f->n);
    size_t n = flowgraph_order(r->f->graph, order);
    int rc = n == r->f->n
                 ? 0
                 : err_input(err, "%s: line %zu: after: flows wait for each other in a circle",
                             r->path, r->rows->row[order[n]].line);
    free(order);
    return rc;
}

int flows_after_graph(FlowAfterRows *rows, Flows *f, const char *path, Err *err) {
    AfterReader r = {.rows = rows, .f = f, .path = path};
    uint32_t *job = MEM_NEW(uint32_t, f->n);
    int rc = 0;
    f->graph = flowgraph_new();
    index_ids(&r);
    number_jobs(&r, job);
    for (size_t i = 0; i < f->n && rc == 0; i++) {
        flowgraph_flow(f->graph, job[i], rows->row[i].delay_ns);
        rc = read_after(&r, &rows->row[i], i, err);
    }
    if (rc == 0) rc = check_circles(&r, err);
    free(job);
    free(r.ids);
    free(rows->row);
    *rows = (FlowAfterRows){0};
    return rc;
}
