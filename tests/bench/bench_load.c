/* Speed of drawing flows and of reading and writing flow files. Prints one line each. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "net/flows.h"
#include "net/linkload.h"
#include "net/workload.h"

static void must(int rc, const Err *err) {
    if (rc == 0) return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

static double megabytes(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
}

static void bench_csv(const Flows *f, const Topo *t) {
    char path[64];
    Err err;
    Flows g;
    snprintf(path, sizeof path, "/tmp/m3-bench-%ld.csv", (long)getpid());
    double t0 = diag_now_s();
    must(flows_save_csv(f, path, t, &err), &err);
    double t1 = diag_now_s(), mb = megabytes(path);
    must(flows_load(&g, path, t, NULL, &err), &err);
    double t2 = diag_now_s();
    printf("CSV of %zu flows, %.0f MB: write %.0f MB/s, read %.0f MB/s\n", g.n, mb, mb / (t1 - t0), mb / (t2 - t1));
    flows_free(&g);
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
    double t1 = diag_now_s();
    must(rackmatrix_generate(&m, "b", t, 1, &err), &err);
    must(sizedist_load(&d, sizes, &err), &err);
    double t2 = diag_now_s(), *p = MEM_NEW(double, (size_t)t->n_racks * t->n_racks), *load = MEM_NEW(double, t->n_links);
    for (size_t i = 0; i < (size_t)t->n_racks * t->n_racks; i++) p[i] = 1.0 / t->n_racks / t->n_racks;
    double t3 = diag_now_s();
    linkload_expect(r, p, load);
    double t4 = diag_now_s();
    Workload w = {.matrix = &m, .sizes = &d, .sigma = 2, .max_load = 0.5, .n_flows = n, .seed = 1};
    must(workload_draw(&w, r, threads, &f, NULL, &err), &err);
    double t5 = diag_now_s();
    printf("%u hosts: tables %.0f ms, matrix and sizes %.0f ms, link loads %.0f ms; %zu flows drawn in %.2f s on %d threads\n", t->n_hosts,
           (t1 - t0) * 1e3, (t2 - t1) * 1e3, (t4 - t3) * 1e3, f.n, t5 - t4, threads);
    if (n >= 1000000 && t->n_hosts < 1000) bench_csv(&f, t);
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
