/* flows: memory, order and the CSV writer of flow lists.
 *
 * Invariant of a finished list: start_ns ascending, ties in the order of the source. Sorting makes
 * a permutation of (start, index) pairs, which gives the stable order, and applies it column by
 * column, so that only one spare column exists at a time. The writer formats integers by hand into
 * a block buffer, since printf would take most of the time; a completion time is written with at
 * most three decimals if that reads back exactly (the packet engine counts picoseconds), otherwise
 * in its shortest exact form. */
#include "traffic/flows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "traffic/flows_binary.h"

void flows_init(Flows *f, size_t n) {
    *f = (Flows){.n = n,
                 .src = MEM_NEW(uint32_t, n),
                 .dst = MEM_NEW(uint32_t, n),
                 .size_b = MEM_NEW(uint64_t, n),
                 .start_ns = MEM_NEW(int64_t, n)};
}

void flows_reserve(Flows *f, size_t *cap, size_t n) {
    enum { LEAST = 64 };
    if (n <= *cap) return;
    *cap = n > 2 * *cap ? n : 2 * *cap;
    if (*cap < LEAST) *cap = LEAST;
    f->src = mem_realloc(f->src, *cap, sizeof *f->src);
    f->dst = mem_realloc(f->dst, *cap, sizeof *f->dst);
    f->size_b = mem_realloc(f->size_b, *cap, sizeof *f->size_b);
    f->start_ns = mem_realloc(f->start_ns, *cap, sizeof *f->start_ns);
}

void flows_free(Flows *f) {
    free(f->src);
    free(f->dst);
    free(f->size_b);
    free(f->start_ns);
    free(f->id);
    free(f->fct_ns);
    free(f->ideal_fct_ns);
    flowgraph_destroy(f->graph);
    *f = (Flows){0};
}

/* ---- order ---- */

typedef struct {
    int64_t start_ns;
    size_t index;
} SortKey;

static int by_start(const void *pa, const void *pb) {
    const SortKey *a = pa, *b = pb;
    if (a->start_ns != b->start_ns) return a->start_ns < b->start_ns ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* The column of elements of `size` bytes in the order of the keys; frees the old one. NULL stays
 * NULL. */
static void *permuted(void *column, size_t size, const SortKey *order, size_t n) {
    if (!column) return NULL;
    char *out = mem_alloc(n, size);
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * size, (char *)column + order[i].index * size, size);
    free(column);
    return out;
}

static void permute_graph(FlowGraph *g, const SortKey *keys, size_t n) {
    size_t *order = MEM_NEW(size_t, n);
    for (size_t i = 0; i < n; i++) order[i] = keys[i].index;
    flowgraph_permute(g, order);
    free(order);
}

void flows_sort_numbered(Flows *f) {
    if (!f->id) {
        f->id = MEM_NEW(uint64_t, f->n);
        for (size_t i = 0; i < f->n; i++) f->id[i] = i;
    }
    flows_sort(f);
}

void flows_sort(Flows *f) {
    SortKey *order = MEM_NEW(SortKey, f->n);
    for (size_t i = 0; i < f->n; i++) order[i] = (SortKey){f->start_ns[i], i};
    qsort(order, f->n, sizeof *order, by_start);
    f->src = permuted(f->src, sizeof *f->src, order, f->n);
    f->dst = permuted(f->dst, sizeof *f->dst, order, f->n);
    f->size_b = permuted(f->size_b, sizeof *f->size_b, order, f->n);
    f->start_ns = permuted(f->start_ns, sizeof *f->start_ns, order, f->n);
    f->id = permuted(f->id, sizeof *f->id, order, f->n);
    f->fct_ns = permuted(f->fct_ns, sizeof *f->fct_ns, order, f->n);
    f->ideal_fct_ns = permuted(f->ideal_fct_ns, sizeof *f->ideal_fct_ns, order, f->n);
    if (f->graph) permute_graph(f->graph, order, f->n);
    free(order);
}

void flows_keep_starts(Flows *f, double *started_ns) {
    f->graph->started_ns = started_ns;
    for (size_t i = 0; i < f->n; i++)
        if (!isnan(started_ns[i])) f->start_ns[i] = (int64_t)floor(started_ns[i] + 0.5);
    flows_sort(f);
}

/* ---- CSV ---- */

/* The longest row has seven fields of at most 32 characters and their separators; blocks of 64 KiB
 * keep the number of writes out of the time. */
enum { BLOCK = 1 << 16, MAX_ROW = 256 };

static char *put_uint(char *p, uint64_t x) {
    char digits[20];
    int n = 0;
    do digits[n++] = (char)('0' + x % 10);
    while ((x /= 10) > 0);
    while (n > 0) *p++ = digits[--n];
    return p;
}

static char *put_time(char *p, double ns) {
    static const double MAX_EXACT = 9e12; /* thousandths of it are below 2^53 */
    if (isnan(ns)) return p;
    bool small = ns >= 0 && ns < MAX_EXACT;
    uint64_t k = small ? (uint64_t)llround(ns * 1000) : 0;
    if (small && (double)k / 1000 == ns) { /* whole thousandths */
        p = put_uint(p, k / 1000);
        unsigned rest = (unsigned)(k % 1000);
        if (rest > 0) *p++ = '.';
        for (unsigned unit = 100; rest > 0; rest %= unit, unit /= 10)
            *p++ = (char)('0' + rest / unit);
        return p;
    }
    JsonNumber text = json_number_text(ns);
    size_t n = strlen(text.s);
    memcpy(p, text.s, n);
    return p + n;
}

static uint64_t file_id(const Topo *t, uint32_t host) {
    return t ? t->node_id[t->host_node[host]] : host;
}

static char *put_row(char *p, const Flows *f, size_t i, const Topo *t) {
    p = put_uint(p, f->id ? f->id[i] : i);
    *p++ = ',';
    p = put_uint(p, file_id(t, f->src[i]));
    *p++ = ',';
    p = put_uint(p, file_id(t, f->dst[i]));
    *p++ = ',';
    p = put_uint(p, f->size_b[i]);
    *p++ = ',';
    p = put_uint(p, (uint64_t)f->start_ns[i]);
    if (f->fct_ns) {
        *p++ = ',';
        p = put_time(p, f->fct_ns[i]);
    }
    if (f->ideal_fct_ns) {
        *p++ = ',';
        p = put_time(p, f->ideal_fct_ns[i]);
    }
    *p++ = '\n';
    return p;
}

/* after,delay_ns,job of a flow: ids joined by '+', and NAME#NUMBER. */
static void print_graph(FILE *out, const Flows *f, size_t i) {
    const FlowGraph *g = f->graph;
    for (size_t k = g->first[i]; k < g->first[i + 1]; k++)
        fprintf(out, "%s%llu", k > g->first[i] ? "+" : "",
                (unsigned long long)(f->id ? f->id[g->after[k]] : g->after[k]));
    fprintf(out, ",%lld,", (long long)g->delay_ns[i]);
    if (g->job[i] == FLOWGRAPH_NONE) return;
    fputs(g->name[g->group[g->job[i]]], out);
    if (g->number[g->job[i]] != FLOWGRAPH_NONE) fprintf(out, "#%u", g->number[g->job[i]]);
}

/* Lists of what flows wait for have any length, so that such rows are not formatted in a block. */
static void print_rows(FILE *out, const Flows *f, const Topo *t) {
    char row[MAX_ROW];
    for (size_t i = 0; i < f->n && !ferror(out); i++) {
        const char *end = put_row(row, f, i, t);
        fwrite(row, 1, (size_t)(end - row - 1), out);
        fputc(',', out);
        print_graph(out, f, i);
        fputc('\n', out);
    }
}

int flows_save_csv(const Flows *f, const char *path, const Topo *t, Err *err) {
    FileOut out;
    if (file_out_open(&out, path, err) != 0) return -1;
    fprintf(out.f, "flow,src,dst,size_b,start_ns%s%s%s\n", f->fct_ns ? ",fct_ns" : "",
            f->ideal_fct_ns ? ",ideal_fct_ns" : "", f->graph ? ",after,delay_ns,job" : "");
    if (f->graph) {
        print_rows(out.f, f, t);
        return file_out_commit(&out, err);
    }
    char *block = MEM_NEW(char, BLOCK + MAX_ROW), *p = block;
    for (size_t i = 0; i < f->n && !ferror(out.f); i++) {
        p = put_row(p, f, i, t);
        if (p - block < BLOCK && i + 1 < f->n) continue;
        fwrite(block, 1, (size_t)(p - block), out.f);
        p = block;
    }
    free(block);
    return file_out_commit(&out, err);
}

int flows_save(const Flows *f, const char *path, const Topo *t, Err *err) {
    size_t n = strlen(path);
    bool binary = n > 4 && strcmp(path + n - 4, ".m3f") == 0;
    return binary ? flows_binary_save(f, path, t, err) : flows_save_csv(f, path, t, err);
}
