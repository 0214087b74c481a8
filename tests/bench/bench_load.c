/* Speed of drawing flows and of reading and writing flow files. Prints one line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "net/clos.h"
#include "net/linkload.h"
#include "row.h"
#include "traffic/flows_read.h"
#include "traffic/workload.h"

static void must(int rc, const Err *err) {
    if (rc == 0) return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

static double megabytes(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
}

/* MB/s at which fresh memory is filled from memory, as reading has to at least. The best of
 * several, as of reading: a virtual machine may have to ask for memory it has not used before. */
static double memcpy_rate(size_t n) {
    char *from = MEM_NEW(char, n), *to;
    double best_s = 1e9;
    memset(from, 1, n);
    for (int i = 0; i < 3; i++) {
        double start = diag_now_s();
        memcpy(to = MEM_NEW(char, n), from, n);
        double s = diag_now_s() - start;
        if (s < best_s) best_s = s;
        free(to);
    }
    free(from);
    return (double)n / 1e6 / best_s;
}

static void bench_file(const Flows *f, const Topo *t, const char *suffix) {
    char path[64];
    Err err;
    Flows g;
    snprintf(path, sizeof path, "/tmp/m3-bench-%ld.%s", (long)getpid(), suffix);
    double t0 = diag_now_s();
    must(flows_save(f, path, t, &err), &err);
    double t1 = diag_now_s(), mb = megabytes(path), best_s = 1e9;
    for (int i = 0; i < 3; i++) {
        double start = diag_now_s();
        must(flows_load(&g, path, t, NULL, NULL, &err), &err);
        double s = diag_now_s() - start;
        if (s < best_s) best_s = s;
        flows_free(&g);
    }
    char what[64];
    double copy = memcpy_rate((size_t)(mb * 1e6));
    snprintf(what, sizeof what, "read %s of %zu flows, %.0f MB", suffix, f->n, mb);
    bench_row(what, bench_cell("%.2f s", best_s),
              bench_cell("%.1f M flows/s", (double)f->n / best_s / 1e6), bench_none(),
              bench_cell("%.0f %% of memcpy", 100 * mb / best_s / copy));
    snprintf(what, sizeof what, "write it as %s", suffix);
    bench_row(what, bench_cell("%.2f s", t1 - t0), bench_cell("%.0f MB/s", mb / (t1 - t0)),
              bench_none(), bench_cell("%.0f %% of memcpy", 100 * mb / (t1 - t0) / copy));
    unlink(path);
}

static void bench_draw(const Topo *t, const char *sizes, uint64_t n, int threads) {
    Err err;
    Flows f;
    RackMatrix m;
    SizeDist d;
    double t0 = diag_now_s();
    Route *r = route_new(t, &err);
    must(r ? 0 : -1, &err);
    must(rackmatrix_generate(&m, "b", t, 1, &err), &err);
    must(sizedist_load(&d, sizes, NULL, &err), &err);
    double t2 = diag_now_s(), *p = MEM_NEW(double, (size_t)t->n_racks * t->n_racks),
           *load = MEM_NEW(double, t->n_links);
    for (size_t i = 0; i < (size_t)t->n_racks * t->n_racks; i++)
        p[i] = 1.0 / t->n_racks / t->n_racks;
    double t3 = diag_now_s();
    const LoadMatrix shares = {.n = t->n_racks, .share = p};
    linkload_expect(r, LOAD_ROUTED, &shares, load);
    double t4 = diag_now_s();
    Workload w = {.matrix = &m, .sizes = &d, .sigma = 2, .max_load = 0.5, .n_flows = n, .seed = 1};
    must(workload_draw(&w, r, threads, &f, NULL, &err), &err);
    double t5 = diag_now_s();
    char what[64];
    snprintf(what, sizeof what, "draw %zu flows of %u hosts, %d thread%s", f.n, t->n_hosts, threads,
             threads > 1 ? "s" : "");
    /* The published generator took 23 s for 10 M flows of 256 hosts. */
    bench_row(what, bench_cell("%.2f s", t5 - t4),
              bench_cell("%.1f M flows/s", (double)f.n / (t5 - t4) / 1e6),
              bench_published(t->n_hosts == 256 ? 23e3 * (double)f.n / 1e7 : 0, (t5 - t4) * 1e3),
              bench_none());
    snprintf(what, sizeof what, "  tables, matrix, expected loads");
    bench_row(what, bench_cell("%.0f ms", (t4 - t3 + t2 - t0) * 1e3), bench_none(), bench_none(),
              bench_none());
    if (threads == 1) {
        bench_file(&f, t, "csv");
        bench_file(&f, t, "m3f");
    }
    flows_free(&f);
    rackmatrix_free(&m);
    sizedist_free(&d);
    route_destroy(r);
    free(p);
    free(load);
}

int main(void) {
    Topo t;
    Clos c;
    Err err;
    clos_default(&c);
    must(clos_build(&t, &c, "256 hosts", &err), &err);
    bench_draw(&t, "spec/sizes/webserver.txt", 10000000, 1);
    bench_draw(&t, "spec/sizes/webserver.txt", 10000000, 2);
    topo_free(&t);
    c.pods = 8;
    c.racks_per_pod = 48;
    c.hosts_per_rack = 16;
    must(clos_build(&t, &c, "6,144 hosts", &err), &err);
    bench_draw(&t, "spec/sizes/webserver.txt", 1000000, 2);
    topo_free(&t);
    return 0;
}
