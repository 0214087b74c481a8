/* fluid_case: reads one case of the published program's reference outputs: case.json,
 * flows.txt[.gz], flowsim.txt and feature maps (tests/golden/fluid/README.md says where they are
 * from). Used by tests and benches. */
#ifndef M3_TESTS_FLUID_CASE_H
#define M3_TESTS_FLUID_CASE_H
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "net/netconf.h"
#include "path/path.h"

typedef struct {
    char *dir;
    Lot lot;
    LotFlow *flows; /* flow: as in the file */
    size_t n;
    double *fct_ns, *slowdown; /* the reference's; NULL if there is no flowsim.txt */
    double host_gbps, buffer_units, window_b, pfc, cc, x, y; /* case.json: b, f, k, p, c, x, y */
    Arena arena;
} FluidCase;

/* The text of dir/name, or of dir/name.gz unpacked; NULL if there is neither. */
static inline char *fluid_case_text(const char *dir, const char *name, Arena *a) {
    char *path = file_join(dir, name), *command = mem_printf("gzip -dc '%s.gz' 2>/dev/null", path),
         *text = NULL;
    FILE *f = file_exists(path) ? fopen(path, "r") : popen(command, "r");
    size_t len = 0, cap = 0;
    do {
        MEM_GROW(text, cap, len + 65536);
        len += fread(text + len, 1, cap - len - 1, f);
    } while (!feof(f));
    char *copy = len > 0 ? memcpy(ARENA_NEW(a, char, len + 1), text, len) : NULL;
    if (copy) copy[len] = '\0';
    if (file_exists(path)) fclose(f);
    else pclose(f);
    free(text);
    free(path);
    free(command);
    return copy;
}

/* The numbers of a text file, row by row, without its first line, which is a heading or a count. */
static inline double *fluid_case_table(const char *dir, const char *name, size_t columns,
                                       size_t *rows, Arena *a) {
    char *text = fluid_case_text(dir, name, a), *p;
    *rows = 0;
    if (!text) return NULL;
    for (p = text; *p; p++) *rows += *p == '\n' && p[1] != '\0';
    double *table = ARENA_NEW(a, double, *rows *columns);
    p = strchr(text, '\n');
    for (size_t i = 0; i < *rows * columns; i++) {
        char *end;
        table[i] = strtod(p, &end);
        if (end == p) diag_die("%s/%s: number %zu is missing", dir, name, i);
        p = end;
    }
    return table;
}

static inline double fluid_case_number(const Json *j, const char *key) {
    Json v;
    double x;
    Err err;
    if (json_need(j, key, &v, &err) != 0 || json_number(&v, &x, &err) != 0) diag_die("%s", err.msg);
    return x;
}

/* Settings from case.json; without one (crashers): 10 Gb/s. */
static inline void fluid_case_args(FluidCase *c) {
    char *path = file_join(c->dir, "case.json");
    Err err;
    c->host_gbps = 10;
    if (!file_exists(path)) {
        free(path);
        return;
    }
    JsonDoc *doc = json_open(path, &err);
    if (!doc) diag_die("%s", err.msg);
    Json root = json_root(doc), args;
    if (json_need(&root, "args", &args, &err) != 0) diag_die("%s", err.msg);
    c->host_gbps = fluid_case_number(&args, "b");
    c->buffer_units = fluid_case_number(&args, "f");
    c->window_b = fluid_case_number(&args, "k");
    c->pfc = fluid_case_number(&args, "p");
    c->cc = fluid_case_number(&args, "c");
    c->x = fluid_case_number(&args, "x");
    c->y = fluid_case_number(&args, "y");
    json_close(doc);
    free(path);
}

static inline void fluid_case_reference(FluidCase *c) {
    size_t rows;
    const double *ref = fluid_case_table(c->dir, "flowsim.txt", 7, &rows, &c->arena);
    if (!ref) return;
    if (rows != c->n) diag_die("%s/flowsim.txt: %zu rows for %zu flows", c->dir, rows, c->n);
    c->fct_ns = ARENA_NEW(&c->arena, double, c->n);
    c->slowdown = ARENA_NEW(&c->arena, double, c->n);
    for (size_t i = 0; i < rows; i++, ref += 7) {
        if ((uint32_t)ref[0] != c->flows[i].flow)
            diag_die("%s/flowsim.txt: row %zu is of another flow", c->dir, i);
        c->fct_ns[i] = ref[5];
        c->slowdown[i] = ref[6];
    }
}

static inline void fluid_case_load(FluidCase *c, const char *dir) {
    uint32_t n_links = 1;
    *c = (FluidCase){.dir = mem_strdup(dir)};
    fluid_case_args(c);
    const double *t = fluid_case_table(dir, "flows.txt", 7, &c->n, &c->arena);
    c->flows = ARENA_NEW(&c->arena, LotFlow, c->n);
    for (size_t i = 0; i < c->n; i++, t += 7) {
        c->flows[i] = (LotFlow){.start_ns = llround(t[6] * 1e9),
                                .size_b = (uint64_t)t[5],
                                .cap_bps = c->host_gbps * 1e9,
                                .flow = (uint32_t)t[0],
                                .s = (uint16_t)t[1],
                                .d = (uint16_t)t[2]};
        if (c->flows[i].d > n_links) n_links = c->flows[i].d;
    }
    lot_published(&c->lot, n_links, c->host_gbps * 1e9, &c->arena);
    fluid_case_reference(c);
}

static inline void fluid_case_free(FluidCase *c) {
    arena_free(&c->arena);
    free(c->dir);
}

/* Calls fn for every case in a folder, in order of name; returns how many. */
static inline int fluid_case_each(const char *folder, void (*fn)(FluidCase *c, void *ctx),
                                  void *ctx) {
    struct dirent **names;
    int n = scandir(folder, &names, NULL, alphasort), done = 0;
    for (int i = 0; i < n; i++) {
        char *dir = file_join(folder, names[i]->d_name), *plain = file_join(dir, "flows.txt"),
             *packed = file_join(dir, "flows.txt.gz");
        if (file_exists(plain) || file_exists(packed)) {
            FluidCase c;
            fluid_case_load(&c, dir);
            fn(&c, ctx);
            fluid_case_free(&c);
            done++;
        }
        free(plain);
        free(packed);
        free(dir);
        free(names[i]);
    }
    if (n >= 0) free(names);
    return done;
}

/* fluid_case_conf returns the defaults with the settings that the case gives. */
static inline NetConf fluid_case_conf(const FluidCase *c) {
    NetConf conf;
    netconf_default(&conf);
    conf.cc = (Cc)c->cc;
    conf.buffer_b = c->buffer_units * 10240;
    conf.line_window_b = c->window_b;
    conf.pfc = c->pfc != 0;
    conf.dctcp_k_b = conf.dcqcn_kmin_b = c->x * 1000;
    conf.dcqcn_kmax_b = c->y * 1000;
    return conf;
}
#endif
