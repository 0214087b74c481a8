/* Workloads against theory: drawn sizes follow their curve, gaps their log-normal law, cells their
 * weights, routed flows load the busiest link as asked; thread counts agree; what makes no sense is
 * refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/stats.h"
#include "net/clos.h"
#include "net/linkload.h"
#include "traffic/flowsource.h"
#include "traffic/workload.h"

#define SHARED "../shared/paper"

/* ---- helpers ---- */

static void ok(int rc, const Err *err) {
    if (rc != 0) fail_msg("%s", err->msg);
}

static const char *scratch(char path[64]) {
    snprintf(path, 64, "/tmp/m3-test-workload-%ld", (long)getpid());
    return path;
}

static const char *write_scratch(char path[64], const char *text) {
    FILE *f = fopen(scratch(path), "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

static int sizes_from(SizeDist *d, const char *text, Err *err) {
    char path[64];
    int rc = sizedist_load(d, write_scratch(path, text), NULL, err);
    unlink(path);
    return rc;
}

static int matrix_from(RackMatrix *m, const char *text, Err *err) {
    char path[64];
    int rc = rackmatrix_load(m, write_scratch(path, text), err);
    unlink(path);
    return rc;
}

/* 2 pods × 4 racks × `hosts` hosts. */
static void small_clos(Topo *t, uint32_t hosts) {
    Clos c;
    Err err;
    clos_default(&c);
    c.racks_per_pod = 4;
    c.hosts_per_rack = hosts;
    c.spines_per_plane = 3;
    ok(clos_build(t, &c, "small clos", &err), &err);
}

/* The curve's value at x, by search. */
static double cdf_at(const SizeDist *d, double x) {
    if (x < d->size_b[0]) return 0;
    for (uint32_t i = d->n - 1; i-- > 0;)
        if (x >= d->size_b[i] && d->size_b[i + 1] > d->size_b[i])
            return fmin(1, d->cdf[i] + (x - d->size_b[i]) / (d->size_b[i + 1] - d->size_b[i]) *
                                           (d->cdf[i + 1] - d->cdf[i]));
    return 1;
}

/* ---- sizes ---- */

static void guided_draws_equal_a_plain_search(void **state) {
    (void)state;
    SizeDist d;
    Err err = {0};
    Rng r = rng_stream(1, "test", 0);
    ok(sizes_from(&d,
                  "# an atom at 10, a gap from 20 to 30\n1 0\n10 25\n10 40\n20 60\r\n\n30 60\n1000 "
                  "99.99\n5000 100\n",
                  &err),
       &err);
    double mean = .25 * 5.5 + .15 * 10 + .2 * 15 + .3999 * 515 + .0001 * 3000;
    assert_true(fabs(d.mean_b - mean) < 1e-9);
    for (int k = 0; k < 200000; k++) {
        double u = k < 4096 ? k / 4096.0 : rng_u01(&r);
        uint32_t i = 0;
        while (d.cdf[i + 1] <= u) i++;
        double x = d.size_b[i] +
                   (u - d.cdf[i]) / (d.cdf[i + 1] - d.cdf[i]) * (d.size_b[i + 1] - d.size_b[i]);
        assert_int_equal(sizedist_draw(&d, u), (uint64_t)(x + 0.5));
        assert_false(x > 20.5 && x < 30);
    }
    assert_int_equal(sizedist_draw(&d, 0), 1);
    assert_int_equal(sizedist_draw(&d, 0.3), 10);
    sizedist_free(&d);
}

/* Kolmogorov–Smirnov at the 0.1 % level, and the mean. */
static void drawn_sizes_follow_the_curve(void **state) {
    (void)state;
    enum { N = 200000 };
    SizeDist d;
    Err err = {0};
    Rng r = rng_stream(2, "test", 0);
    ok(sizedist_load(&d, "spec/sizes/hadoop.txt", NULL, &err), &err);
    double *x = MEM_NEW(double, N), worst = 0;
    for (size_t i = 0; i < N; i++) x[i] = (double)sizedist_draw(&d, rng_u01(&r));
    stats_sort(x, N);
    for (size_t i = 0; i + 1 < N;
         i++) { /* between two values of a whole-byte sample the curve is at the half byte */
        if (x[i] == x[i + 1]) continue;
        worst = fmax(worst, fabs((double)(i + 1) / N - cdf_at(&d, x[i] + 0.5)));
    }
    assert_true(worst < 1.95 / sqrt(N));
    free(x);
    sizedist_free(&d);
}

static void shipped_sizes_resemble_the_published(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double mean_b;
    } curves[] = {{"webserver", 91.3e3}, {"hadoop", 568.8e3}, {"cachefollower", 609.9e3}};
    for (int i = 0; i < 3; i++) {
        char path[96];
        SizeDist ours, theirs;
        Err err = {0};
        snprintf(path, sizeof path, "spec/sizes/%s.txt", curves[i].name);
        ok(sizedist_load(&ours, path, NULL, &err), &err);
        assert_true(fabs(ours.mean_b / curves[i].mean_b - 1) < 0.01);
        snprintf(path, sizeof path, SHARED "/size/%s-all.txt", curves[i].name);
        if (file_exists(path)) {
            ok(sizedist_load(&theirs, path, NULL, &err), &err);
            double worst = 0;
            for (uint32_t k = 0; k < ours.n; k++)
                worst = fmax(worst,
                             fabs(cdf_at(&ours, ours.size_b[k]) - cdf_at(&theirs, ours.size_b[k])));
            for (uint32_t k = 0; k < theirs.n; k++)
                worst = fmax(worst, fabs(cdf_at(&ours, theirs.size_b[k]) -
                                         cdf_at(&theirs, theirs.size_b[k])));
            assert_true(worst <= 0.01);
            sizedist_free(&theirs);
        }
        sizedist_free(&ours);
    }
}

/* One curve in every dialect: mean 0.5 · 350 + 0.5 · 4,850. */
static void dialects_of_size_files(void **state) {
    (void)state;
    static const char *const texts[] = {"0 0\n700 50\n9000 100\n",
                                        "0 0\n700 0.5\n9000 1\n",
                                        "\xEF\xBB\xBF"
                                        "0 0\n700 50\n9000 100",
                                        "0,0\r\n700,50\r\n9000,100\r\n",
                                        "0;0\n700; .5\n9000;1.0\n",
                                        "0\t0\n# x\n700\t50\n9000\t99.98\n",
                                        "\"bytes\",\"percent\"\n0,0\n700,50\n9000,100.05\n",
                                        "0 1 0\n700 1 0.5\n9000 1 1\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        SizeDist d;
        Err err = {0};
        ok(sizes_from(&d, texts[i], &err), &err);
        assert_int_equal(d.n, 3);
        if (fabs(d.mean_b - 2600) > 1e-9) fail_msg("%zu: mean %g", i, d.mean_b);
        sizedist_free(&d);
    }
}

static void bad_size_files_are_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"", "empty file"},
        {"# only\n", "empty file"},
        {"1 0\n", "must end at 100"},
        {"1 0\n100 50\n", "line 2: percent: must end at 100 (or at 1, if fractions), got 50"},
        {"1 10\n100 100\n", "line 1: percent: must begin at 0, got 10"},
        {"1 0\n100 60\n200 50\n300 100\n", "line 3: percent: must not decrease, got 50 after 60"},
        {"1 0\n100 60\n50 80\n300 100\n", "line 3: bytes: must not decrease, got 50 after 100"},
        {"1 0\n100\n", "line 2: expected `bytes percent`, got '100'"},
        {"1 0\n100 100 7\n", "line 2: expected `bytes percent`"},
        {"size cdf\n", "expected lines of `bytes percent`"},
        {"1 0\nsize cdf\n", "line 2: expected `bytes percent`, got 'size cdf'"},
        {"0 0\n700 50\n9000 99.8\n", "must end at 100 (or at 1, if fractions), got 99.8"},
        {"0 0\n700 50\n9000 100.2\n", "must be in [0, 100], got 100.2"},
        {"0 0\n9000 0.99\n", "got 0.99"},
        {"-1 0\n100 100\n", "line 1: bytes: must be in [0, 1e15], got -1"},
        {"1 0\n1e300 100\n", "line 2: bytes: must be in [0, 1e15]"},
        {"1 0\nnan 100\n", "line 2: bytes: "},
        {"1 0\n10 nan\n", "line 2: percent: "},
        {"1 0\n10 100.2\n", "line 2: percent: must be in [0, 100], got 100.2"},
        {"0 0\n0 100\n", "mean size: must be at least 1 byte"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        SizeDist d;
        Err err = {0};
        assert_int_equal(sizes_from(&d, bad[i][0], &err), -1);
        if (err.kind != ERR_INPUT || !strstr(err.msg, bad[i][1]))
            fail_msg("expected \"%s\", got \"%s\"", bad[i][1], err.msg);
    }
}

/* ---- matrices ---- */

#define TAIL                                                                                      \
    ",\"idx2name\":[\"r\",\"s\"]},\"pod2tors\":{\"p\":[\"s\",\"r\"]},\"nr_pods\":1,\"nr_racks\":" \
    "2}"

static void bad_matrices_are_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"", "empty file"},
        {"{\"matrix\":{\"inner\":[[1,2],", "not valid JSON"},
        {"[]", "expected an object"},
        {"{\"matrix\":{\"idx2name\":[\"r\"]},\"pod2tors\":{}}", ".matrix: missing key \"inner\""},
        {"{\"matrix\":{\"inner\":[[1]],\"idx2name\":[\"r\"]}}", "missing key \"pod2tors\""},
        {"{\"matrix\":{\"inner\":[[1]],\"idx2name\":[]},\"pod2tors\":{}}",
         ".matrix.idx2name: expected 1 to"},
        {"{\"matrix\":{\"inner\":7" TAIL, ".matrix.inner: expected an array"},
        {"{\"matrix\":{\"inner\":[[1,2]]" TAIL, ".matrix.inner: expected at least 2 rows"},
        {"{\"matrix\":{\"inner\":[[1,2],[3]]" TAIL, ".matrix.inner[1]: expected 2 counts"},
        {"{\"matrix\":{\"inner\":[[1,2],[3,\"4\"]]" TAIL, ".matrix.inner[1][1]: expected a number"},
        {"{\"matrix\":{\"inner\":[[1,2],[3,-4]]" TAIL,
         ".matrix.inner[1][1]: must be in [0, 1e15], got -4"},
        {"{\"matrix\":{\"inner\":[[1,2],[3,1e300]]" TAIL,
         ".matrix.inner[1][1]: must be in [0, 1e15], got 1e+300"},
        {"{\"matrix\":{\"inner\":[[1,2],[3,NaN]]" TAIL, "not valid JSON"},
        {"{\"matrix\":{\"inner\":[[0,0],[0,0]]" TAIL, "expected some traffic"},
        {"{\"matrix\":{\"inner\":[[1,2,0],[3,4,0],[0,5,0]]" TAIL,
         ".matrix.inner[2][1]: traffic of a rack without a name"},
        {"{\"matrix\":{\"inner\":[[1,2],[3,4]],\"idx2name\":[\"r\",\"r\"]},\"pod2tors\":{\"p\":["
         "\"r\"]}}",
         "\"r\" appears twice"},
        {"{\"matrix\":{\"inner\":[[1,2],[3,4]],\"idx2name\":[\"r\",\"s\"]},\"pod2tors\":{\"p\":["
         "\"r\"]}}",
         "rack \"s\" is in no pod"},
        {"{\"matrix\":{\"inner\":[[1,2],[3,4]],\"idx2name\":[\"r\",\"s\"]},\"pod2tors\":{\"p\":["
         "\"r\",\"q\"]}}",
         ".pod2tors.p[1]: rack \"q\" is not in .matrix.idx2name"},
        {"{\"matrix\":{\"inner\":[[1,2],[3,4]],\"idx2name\":[\"r\",\"s\"]},\"pod2tors\":{\"p\":["
         "\"r\",\"s\"],\"q\":[\"s\"]}}",
         "rack \"s\" is in two pods"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        RackMatrix m;
        Err err = {0};
        assert_int_equal(matrix_from(&m, bad[i][0], &err), -1);
        if (err.kind != ERR_INPUT || !strstr(err.msg, bad[i][1]))
            fail_msg("expected \"%s\", got \"%s\"", bad[i][1], err.msg);
    }
}

static void empty_rows_beyond_the_names_are_left_out(void **state) {
    (void)state;
    RackMatrix m;
    Err err = {0};
    ok(matrix_from(&m, "{\"matrix\":{\"inner\":[[1,2,0],[3,4,0],[0,0,0]]" TAIL, &err), &err);
    assert_int_equal(m.n_racks, 2);
    assert_int_equal(m.n_pods, 1);
    assert_true(m.weight[0] == 1 && m.weight[1] == 2 && m.weight[2] == 3 && m.weight[3] == 4);
    rackmatrix_free(&m);
}

static void matrices_survive_saving(void **state) {
    (void)state;
    Topo t;
    small_clos(&t, 4);
    for (const char *const *kind = rackmatrix_kinds; *kind; kind++) {
        RackMatrix m, again, back;
        Err err = {0};
        char path[64];
        ok(rackmatrix_generate(&m, *kind, &t, 7, &err), &err);
        ok(rackmatrix_generate(&again, *kind, &t, 7, &err), &err);
        ok(rackmatrix_save(&m, scratch(path), &err), &err);
        ok(rackmatrix_load(&back, path, &err), &err);
        unlink(path);
        assert_int_equal(back.n_racks, 8);
        assert_int_equal(back.n_pods, 2);
        assert_memory_equal(m.weight, back.weight, 64 * sizeof *m.weight);
        assert_memory_equal(m.weight, again.weight, 64 * sizeof *m.weight);
        assert_memory_equal(m.pod_of, back.pod_of, 8 * sizeof *m.pod_of);
        rackmatrix_free(&m);
        rackmatrix_free(&again);
        rackmatrix_free(&back);
    }
    RackMatrix m;
    Err err = {0};
    assert_int_equal(rackmatrix_generate(&m, "d", &t, 1, &err), -1);
    topo_free(&t);
}

static void statistics_of_a_known_matrix(void **state) {
    (void)state;
    /* Racks 0, 1 in one pod, 2 alone; sum 20. */
    double w[] = {4, 2, 1, 2, 0, 1, 0, 10, 0};
    uint32_t pod_of[] = {0, 0, 1};
    RackMatrix m = {.n_racks = 3, .n_pods = 2, .weight = w, .pod_of = pod_of};
    RackMatrixStats s = rackmatrix_stats(&m);
    assert_true(fabs(s.diagonal - 0.2) < 1e-12 && fabs(s.within_pod - 0.2) < 1e-12);
    assert_true(fabs(s.top_rows - 0.5) < 1e-12 && fabs(s.top_cols - 0.6) < 1e-12);
    /* sorted 0 0 0 1 1 2 2 4 10: Σ rank·value = 4+5+12+14+32+90 = 157 */
    assert_true(fabs(s.gini - (2 * 157 / (9.0 * 20) - 10 / 9.0)) < 1e-12);
}

/* Averages over seeds against what the published matrices of the same size measure
 * (spec/README.md). */
static void generated_matrices_have_the_published_character(void **state) {
    (void)state;
    static const struct {
        const char *kind;
        double want[5], tolerance[5];
    } c[] = {{"a", {0.0005, 0.491, 0.203, 0.209, 0.701}, {0.0005, 0.03, 0.03, 0.03, 0.03}},
             {"b", {0.0099, 0.495, 0.217, 0.295, 0.763}, {0.003, 0.03, 0.03, 0.03, 0.03}},
             {"c", {0.505, 0.238, 0.244, 0.242, 0.542}, {0.03, 0.03, 0.03, 0.03, 0.03}}};
    Topo t;
    Clos clos;
    Err err = {0};
    clos_default(&clos);
    ok(clos_build(&t, &clos, "256 hosts", &err), &err);
    enum { SEEDS = 200 };
    for (int k = 0; k < 3; k++) {
        double mean[5] = {0};
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            RackMatrix m;
            ok(rackmatrix_generate(&m, c[k].kind, &t, seed, &err), &err);
            RackMatrixStats s = rackmatrix_stats(&m);
            double x[5] = {s.diagonal, s.within_pod, s.top_rows, s.top_cols, s.gini};
            for (int i = 0; i < 5; i++) mean[i] += x[i] / SEEDS;
            rackmatrix_free(&m);
        }
        for (int i = 0; i < 5; i++)
            if (fabs(mean[i] - c[k].want[i]) > c[k].tolerance[i])
                fail_msg("%s: statistic %d: %g, published %g", c[k].kind, i, mean[i], c[k].want[i]);
    }
    topo_free(&t);
}

static void published_matrices_load(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t racks, pods;
    } files[] = {{"cluster_a_2_16", 32, 2},
                 {"cluster_b_2_16", 32, 2},
                 {"cluster_c_2_16", 32, 2},
                 {"cluster_b", 324, 8}};
    if (!file_is_dir(SHARED)) skip();
    for (int i = 0; i < 4; i++) {
        RackMatrix m;
        Err err = {0};
        char path[96];
        snprintf(path, sizeof path, SHARED "/spatial/%s.json", files[i].name);
        ok(rackmatrix_load(&m, path, &err), &err);
        assert_int_equal(m.n_racks, files[i].racks);
        assert_int_equal(m.n_pods, files[i].pods);
        rackmatrix_free(&m);
    }
}

/* ---- link loads ---- */

/* The same by one pair of hosts at a time. */
static void brute_force(const Route *r, const double *p, double *load) {
    const Topo *t = route_topo(r);
    double *scratch_nodes = MEM_ZNEW(double, t->n_nodes);
    memset(load, 0, t->n_links * sizeof *load);
    for (uint32_t s = 0; s < t->n_hosts; s++)
        for (uint32_t d = 0; d < t->n_hosts; d++) {
            if (s == d) continue;
            uint32_t i = t->host_rack[s], j = t->host_rack[d];
            double hi = t->rack_host_start[i + 1] - t->rack_host_start[i],
                   hj = t->rack_host_start[j + 1] - t->rack_host_start[j];
            double w = p[(size_t)i * t->n_racks + j] / (i == j ? hi * (hi - 1) : hi * hj);
            if (w > 0) route_spread(r, s, d, w, load, scratch_nodes);
        }
    free(scratch_nodes);
}

static void expect_same_loads(const Topo *t, uint64_t seed) {
    Err err = {0};
    Rng rng = rng_stream(seed, "test", 0);
    Route *r = route_new(t, &err);
    assert_non_null(r);
    double *p = MEM_NEW(double, (size_t)t->n_racks * t->n_racks), *a = MEM_NEW(double, t->n_links),
           *b = MEM_NEW(double, t->n_links);
    for (uint32_t i = 0; i < t->n_racks; i++)
        for (uint32_t j = 0; j < t->n_racks; j++) {
            bool can = i != j || t->rack_host_start[i + 1] - t->rack_host_start[i] > 1;
            p[i * t->n_racks + j] = can && rng_u01(&rng) < 0.8 ? rng_u01(&rng) : 0;
        }
    linkload_expect(r, p, a);
    brute_force(r, p, b);
    for (uint32_t l = 0; l < t->n_links; l++)
        if (fabs(a[l] - b[l]) > 1e-12 * (1 + fabs(b[l])))
            fail_msg("link %u: %.17g, one pair at a time %.17g", l, a[l], b[l]);
    free(p);
    free(a);
    free(b);
    route_destroy(r);
}

static void expected_loads_equal_brute_force(void **state) {
    (void)state;
    Topo t;
    small_clos(&t, 3);
    expect_same_loads(&t, 1);
    topo_free(&t);
    /* Hosts 0..7, switches 10..14 in a ring with a chord: host 2 on two switches, host 3 by two
     * cables, host 7 alone. */
    static const uint64_t id[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14};
    static const uint8_t is_host[] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0};
    static const TopoCable cables[] = {{0, 10, 1e10, 1},  {1, 10, 1e10, 1},  {2, 10, 1e10, 1},
                                       {2, 11, 1e10, 1},  {3, 11, 1e10, 1},  {3, 11, 1e10, 1},
                                       {4, 12, 1e10, 1},  {5, 12, 1e10, 1},  {6, 13, 1e10, 1},
                                       {7, 14, 1e10, 1},  {10, 11, 1e10, 1}, {11, 12, 1e10, 1},
                                       {12, 13, 1e10, 1}, {13, 14, 1e10, 1}, {14, 10, 1e10, 1},
                                       {11, 13, 1e10, 1}, {11, 13, 1e10, 1}};
    Err err = {0};
    ok(topo_build(&t, "ring", id, is_host, NULL, 13, cables, sizeof cables / sizeof *cables, &err),
       &err);
    for (uint64_t seed = 2; seed < 12; seed++) expect_same_loads(&t, seed);
    topo_free(&t);
}

/* ---- draws ---- */

typedef struct {
    Topo t;
    Route *r;
    RackMatrix m;
    SizeDist sizes;
} Bench;

static void bench_init(Bench *b, uint32_t hosts, const char *kind, const char *sizes) {
    Err err = {0};
    small_clos(&b->t, hosts);
    b->r = route_new(&b->t, &err);
    assert_non_null(b->r);
    ok(rackmatrix_generate(&b->m, kind, &b->t, 3, &err), &err);
    ok(sizes_from(&b->sizes, sizes, &err), &err);
}

static void bench_free(Bench *b) {
    rackmatrix_free(&b->m);
    sizedist_free(&b->sizes);
    route_destroy(b->r);
    topo_free(&b->t);
}

static void gaps_are_log_normal_of_the_given_mean(void **state) {
    (void)state;
    Bench b;
    Err err = {0};
    bench_init(&b, 4, "uniform", "900 0\n1100 100\n");
    static const double sigmas[] = {0, 0.5, 1, 2};
    for (int k = 0; k < 4; k++) {
        enum { N = 1000000 };
        double sigma = sigmas[k];
        Flows f;
        WorkloadInfo info;
        /* a load so low that rounding to ns doesn't matter */
        Workload w = {.matrix = &b.m,
                      .sizes = &b.sizes,
                      .sigma = sigma,
                      .max_load = 1e-6,
                      .n_flows = N,
                      .seed = 11};
        ok(workload_draw(&w, b.r, 0, &f, &info, &err), &err);
        double sum = 0, sum_log = 0, sum_log2 = 0, n = N - 1;
        for (size_t i = 1; i < N; i++) {
            double gap = (double)(f.start_ns[i] - f.start_ns[i - 1]),
                   z = log(fmax(gap, 1) / info.mean_gap_ns);
            sum += gap;
            sum_log += z;
            sum_log2 += z * z;
        }
        double sd_of_mean = sqrt((exp(sigma * sigma) - 1) / n), mean_log = sum_log / n,
               sd_log = sqrt(sum_log2 / n - mean_log * mean_log);
        assert_true(fabs(sum / n / info.mean_gap_ns - 1) < 4 * sd_of_mean + 1e-6);
        assert_true(fabs(mean_log + sigma * sigma / 2) < 4 * sigma / sqrt(n) + 1e-6);
        assert_true(fabs(sd_log - sigma) < 4 * sigma / sqrt(2 * n) + 1e-4);
        flows_free(&f);
    }
    bench_free(&b);
}

static void routed_flows_load_the_busiest_link_as_asked(void **state) {
    (void)state;
    Bench b;
    Err err = {0};
    Flows f;
    WorkloadInfo info;
    bench_init(&b, 4, "b", "900 0\n1100 100\n");
    Workload w = {.matrix = &b.m,
                  .sizes = &b.sizes,
                  .sigma = 0,
                  .max_load = 0.6,
                  .n_flows = 2000000,
                  .seed = 5};
    ok(workload_draw(&w, b.r, 0, &f, &info, &err), &err);
    uint16_t *sport = MEM_NEW(uint16_t, f.n);
    double *bytes = MEM_ZNEW(double, b.t.n_links), span_s = (double)f.start_ns[f.n - 1] / 1e9;
    route_sports(&b.t, f.src, f.dst, f.n, sport);
    for (size_t i = 0; i < f.n; i++) {
        uint32_t links[16], n = route_path(b.r, f.src[i], f.dst[i], sport[i], ROUTE_DPORT, links);
        for (uint32_t k = 0; k < n; k++) bytes[links[k]] += (double)f.size_b[i];
    }
    for (uint32_t l = 0; l < b.t.n_links; l++) {
        double load = bytes[l] * 8 / span_s / b.t.links[l].rate_bps;
        if (l == info.busiest_link) assert_true(fabs(load / 0.6 - 1) < 0.01);
        else assert_true(load < 0.6 * 1.02);
    }
    double total = 0;
    for (size_t i = 0; i < f.n; i++) total += (double)f.size_b[i];
    assert_true(fabs(total * 8 / span_s / info.offered_bps - 1) < 0.001);
    free(sport);
    free(bytes);
    flows_free(&f);
    bench_free(&b);
}

static void all_links_have(Topo *t, double rate_bps) {
    for (uint32_t l = 0; l < t->n_links; l++) t->links[l].rate_bps = rate_bps;
}

static int draws(const Bench *b, double sigma, uint64_t n_flows, double duration_s, Flows *f,
                 Err *err) {
    Workload w = {.matrix = &b->m,
                  .sizes = &b->sizes,
                  .sigma = sigma,
                  .max_load = 0.5,
                  .n_flows = n_flows,
                  .duration_s = duration_s,
                  .seed = 1};
    int rc = workload_draw(&w, b->r, 2, f, NULL, err);
    for (size_t i = 0; rc == 0 && i < f->n; i++) {
        assert_true(f->start_ns[i] >= (i > 0 ? f->start_ns[i - 1] : 0));
        assert_true((uint64_t)f->start_ns[i] <= FLOWS_MAX_START_NS);
    }
    return rc;
}

/* One flow, the fastest and the slowest links, the smallest and the largest sizes, and starts up to
 * the last one that can be written. */
static void extreme_workloads_are_drawn_or_refused(void **state) {
    (void)state;
    static const char *const sizes[] = {"1 0\n1 100\n", "1e15 0\n1e15 100\n"};
    for (int k = 0; k < 2; k++) {
        Bench b;
        Err err = {0};
        Flows f;
        bench_init(&b, 2, "uniform", sizes[k]);
        all_links_have(&b.t, 1e16);
        for (double sigma = 0; sigma <= WORKLOAD_MAX_SIGMA; sigma += WORKLOAD_MAX_SIGMA) {
            ok(draws(&b, sigma, 1, 0, &f, &err), &err);
            assert_int_equal(f.n, 1);
            assert_int_equal(f.size_b[0], k == 0 ? 1 : FLOWS_MAX_SIZE_B);
            flows_free(&f);
        }
        bench_free(&b);
    }
    Bench b;
    Err err = {0};
    Flows f;
    bench_init(&b, 2, "uniform", "1000 0\n1000 100\n");
    all_links_have(&b.t, 1);
    Workload w = {.matrix = &b.m, .sizes = &b.sizes, .max_load = 0.5, .n_flows = 1, .seed = 1};
    WorkloadInfo info;
    ok(workload_draw(&w, b.r, 1, &f, &info, &err), &err);
    flows_free(&f);
    all_links_have(&b.t, info.mean_gap_ns / 1e15); /* a flow every 10^15 ns */
    ok(draws(&b, 0, 8999, 0, &f, &err), &err);
    assert_true(fabs((double)f.start_ns[8998] / 8.999e18 - 1) < 1e-9);
    flows_free(&f);
    assert_int_equal(draws(&b, 0, 9001, 0, &f, &err), -1);
    assert_non_null(strstr(err.msg, "take longer than 9e9 s"));
    ok(draws(&b, 0, 0, 9e9, &f, &err), &err);
    assert_in_range(f.n, 8999, 9000);
    flows_free(&f);
    ok(draws(&b, WORKLOAD_MAX_SIGMA, 0, 9e9, &f, &err), &err);
    assert_in_range(f.n, 9000, 90000); /* not millions: the limit of sigma is there for that */
    flows_free(&f);
    bench_free(&b);
}

/* Rack i's row has weight 2^i, so that the observed row sums tell which rack of the topology it was
 * placed on. */
static void cells_are_drawn_by_weight_and_placed_by_pods(void **state) {
    (void)state;
    enum { R = 8, N = 1000000 };
    double weight[R * R], sum = 0;
    uint32_t pod_of[R] = {0, 1, 0, 1, 1, 0, 0, 1}; /* pods interleaved in the matrix */
    char name[] = "test matrix";
    RackMatrix m = {.n_racks = R, .n_pods = 2, .weight = weight, .pod_of = pod_of, .name = name};
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++)
            sum += weight[i * R + j] = i == j ? 0 : pow(2, i) * (1 + (3 * i + 5 * j) % 7);
    Bench b;
    Err err = {0};
    Flows f;
    bench_init(&b, 3, "uniform", "900 0\n1100 100\n");
    Workload w = {
        .matrix = &m, .sizes = &b.sizes, .sigma = 1, .max_load = 0.5, .n_flows = N, .seed = 21};
    ok(workload_draw(&w, b.r, 2, &f, NULL, &err), &err);
    double row[R] = {0}, count[R][R] = {{0}}, host[R * 3] = {0};
    for (size_t i = 0; i < N; i++) {
        row[b.t.host_rack[f.src[i]]]++;
        count[b.t.host_rack[f.src[i]]][b.t.host_rack[f.dst[i]]]++;
        host[f.src[i]]++;
    }
    uint32_t place[R], pod_at[2] = {TOPO_NONE, TOPO_NONE};
    for (int i = 0; i < R; i++) {
        double want = 0, best = 1e300;
        for (int j = 0; j < R; j++) want += weight[i * R + j] / sum * N;
        for (uint32_t k = 0; k < R; k++)
            if (fabs(log((row[k] + 1) / want)) < best) {
                best = fabs(log((row[k] + 1) / want));
                place[i] = k;
            }
        uint32_t *pod = &pod_at[pod_of[i]];
        if (*pod == TOPO_NONE) *pod = b.t.rack_pod[place[i]];
        assert_int_equal(*pod, b.t.rack_pod[place[i]]);
    }
    double chi2 = 0;
    int cells = 0;
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++) {
            double want = weight[i * R + j] / sum * N, got = count[place[i]][place[j]];
            if (want == 0) assert_true(got == 0);
            else chi2 += (got - want) * (got - want) / want;
            cells += want > 0;
        }
    assert_true(chi2 < cells - 1 + 4 * sqrt(2.0 * (cells - 1)));
    for (uint32_t h = 0; h < R * 3; h++) { /* hosts of a rack alike: 5 standard deviations */
        double want = row[b.t.host_rack[h]] / 3;
        assert_true(fabs(host[h] - want) < 5 * sqrt(want));
    }
    flows_free(&f);
    bench_free(&b);
}

static bool same_flows(const Flows *a, const Flows *b, size_t n) {
    return memcmp(a->src, b->src, n * sizeof *a->src) == 0 &&
           memcmp(a->dst, b->dst, n * sizeof *a->dst) == 0 &&
           memcmp(a->size_b, b->size_b, n * sizeof *a->size_b) == 0 &&
           memcmp(a->start_ns, b->start_ns, n * sizeof *a->start_ns) == 0;
}

static void same_seed_same_flows_on_any_number_of_threads(void **state) {
    (void)state;
    enum { N = 300001 };
    Bench b;
    Err err = {0};
    Flows one, four, other;
    bench_init(&b, 4, "c", "1 0\n500 50\n100000 100\n");
    Workload w = {
        .matrix = &b.m, .sizes = &b.sizes, .sigma = 2, .max_load = 0.5, .n_flows = N, .seed = 9};
    ok(workload_draw(&w, b.r, 1, &one, NULL, &err), &err);
    ok(workload_draw(&w, b.r, 4, &four, NULL, &err), &err);
    assert_int_equal(one.n, N);
    assert_true(same_flows(&one, &four, N));
    for (size_t i = 0; i < N; i++) {
        assert_true(one.src[i] != one.dst[i]);
        assert_true(i == 0 || one.start_ns[i] >= one.start_ns[i - 1]);
    }
    w.seed = 10;
    ok(workload_draw(&w, b.r, 4, &other, NULL, &err), &err);
    assert_false(same_flows(&one, &other, N));
    flows_free(&other);
    /* A duration takes the flows that start within it. */
    w.seed = 9;
    w.n_flows = 0;
    w.duration_s = ((double)one.start_ns[200000] + 0.5) / 1e9;
    ok(workload_draw(&w, b.r, 2, &other, NULL, &err), &err);
    assert_in_range(other.n, 200001, 200003);
    assert_true(same_flows(&one, &other, 200001));
    assert_true((double)other.start_ns[other.n - 1] < w.duration_s * 1e9);
    flows_free(&one);
    flows_free(&four);
    flows_free(&other);
    bench_free(&b);
}

/* A source that draws its chunks gives what one in memory gives, whichever chunk is asked for
 * first. */
static void same_source(const FlowSource *in_memory, const FlowSource *drawn) {
    Flows buffer = {0}, none = {0};
    assert_int_equal(in_memory->n, drawn->n);
    for (size_t k = flowsource_n_chunks(in_memory); k-- > 0;) {
        FlowChunk a = flowsource_chunk(in_memory, k, &none),
                  b = flowsource_chunk(drawn, k, &buffer);
        assert_true(a.first == b.first && a.n == b.n);
        assert_memory_equal(a.src, b.src, a.n * sizeof *a.src);
        assert_memory_equal(a.dst, b.dst, a.n * sizeof *a.dst);
        assert_memory_equal(a.size_b, b.size_b, a.n * sizeof *a.size_b);
        assert_memory_equal(a.start_ns, b.start_ns, a.n * sizeof *a.start_ns);
        assert_memory_equal(a.sport, b.sport, a.n * sizeof *a.sport);
    }
    flows_free(&buffer);
}

static void same_hosts(const FlowSource *in_memory, const FlowSource *drawn) {
    enum { PICKS = 1000 };
    uint64_t pick[PICKS];
    uint32_t src[2][PICKS], dst[2][PICKS];
    Rng r = rng_stream(1, "picks", 0);
    for (int i = 0; i < PICKS; i++)
        pick[i] = i % 10 == 9 ? pick[i - 1] : rng_below(&r, in_memory->n); /* some twice */
    assert_int_equal(flowsource_hosts(in_memory, pick, PICKS, src[0], dst[0], NULL), 0);
    assert_int_equal(flowsource_hosts(drawn, pick, PICKS, src[1], dst[1], NULL), 0);
    assert_memory_equal(src[0], src[1], sizeof src[0]);
    assert_memory_equal(dst[0], dst[1], sizeof dst[0]);
}

static void a_stream_draws_the_same_flows_as_memory(void **state) {
    (void)state;
    enum { CASES = 4, N = 3000001 /* more chunks than have their ports numbered at a time */ };
    Bench b;
    Err err = {0};
    bench_init(&b, 4, "b", "1 0\n500 50\n100000 100\n");
    for (int k = 0; k < CASES; k++) {
        Workload w = {.matrix = &b.m,
                      .sizes = &b.sizes,
                      .sigma = k % 2 ? 2 : 0,
                      .max_load = 0.5,
                      .n_flows = k < 2 ? N : 0,
                      .seed = 9};
        Flows f, none;
        WorkloadStream *stream;
        FlowSource drawn;
        uint16_t *ports;
        WorkloadInfo info;
        if (k == 2) w.duration_s = 0.0101; /* a few flows */
        if (k == 3) w.duration_s = 0.6;
        ok(workload_draw(&w, b.r, 2, &f, &info, &err), &err);
        ok(workload_draw_or_stream(&w, b.r, 2, k < 2 ? N - 1 : 0, &none, &stream, &info, &err),
           &err);
        assert_true(stream && none.n == 0);
        ok(flowsource_drawn(&drawn, stream, &b.t, 2, &ports, NULL, &err), &err);
        uint16_t *sport = MEM_NEW(uint16_t, f.n);
        route_sports(&b.t, f.src, f.dst, f.n, sport);
        FlowSource in_memory = flowsource_in_memory(&f, sport);
        same_source(&in_memory, &drawn);
        same_hosts(&in_memory, &drawn);
        workload_stream_free(stream);
        flows_free(&f);
        free(sport);
        free(ports);
    }
    bench_free(&b);
}

static void racks_of_one_host_do_not_hang(void **state) {
    (void)state;
    Bench b;
    Err err = {0};
    Flows f;
    bench_init(&b, 1, "c", "900 0\n1100 100\n"); /* half of c's weight is on the diagonal */
    Workload w = {.matrix = &b.m,
                  .sizes = &b.sizes,
                  .sigma = 1,
                  .max_load = 0.5,
                  .n_flows = 10000,
                  .seed = 1};
    ok(workload_draw(&w, b.r, 1, &f, NULL, &err), &err);
    for (size_t i = 0; i < f.n; i++) assert_true(f.src[i] != f.dst[i]);
    flows_free(&f);
    for (uint32_t i = 0; i < 64; i++) b.m.weight[i] = i % 9 == 0;
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "all traffic stays within racks"));
    bench_free(&b);
}

static void misfits_and_nonsense_are_refused(void **state) {
    (void)state;
    Bench b;
    Err err = {0};
    Flows f;
    bench_init(&b, 2, "uniform", "900 0\n1100 100\n");
    const Workload good = {
        .matrix = &b.m, .sizes = &b.sizes, .sigma = 1, .max_load = 0.5, .n_flows = 10, .seed = 1};
    static const double loads[] = {0, -0.5, 1, 1.7, NAN, INFINITY, 1e300},
                        sigmas[] = {-1, NAN, 1e300, 11}, durations[] = {-1, NAN, 1e300, 1e9, 1e-30};
    for (size_t i = 0; i < 7; i++) {
        Workload w = good;
        w.max_load = loads[i];
        assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    }
    for (size_t i = 0; i < 4; i++) {
        Workload w = good;
        w.sigma = sigmas[i];
        assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    }
    for (size_t i = 0; i < 5; i++) {
        Workload w = good;
        w.n_flows = 0;
        w.duration_s = durations[i];
        assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    }
    Workload w = good;
    w.duration_s = 1; /* both */
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    w = good;
    w.max_load = 1e-300; /* never ends */
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    w = good;
    b.m.pod_of[0] = 1; /* 3 + 5 racks on 4 + 4 */
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    assert_non_null(
        strstr(err.msg, "does not fit small clos: a pod of 5 racks has no place in a pod of 4"));
    b.m.n_pods = 3;
    assert_int_equal(workload_draw(&w, b.r, 1, &f, NULL, &err), -1);
    assert_non_null(strstr(err.msg, "8 racks in 3 pods, but the topology has 8 racks in 2 pods"));
    bench_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guided_draws_equal_a_plain_search),
        cmocka_unit_test(drawn_sizes_follow_the_curve),
        cmocka_unit_test(shipped_sizes_resemble_the_published),
        cmocka_unit_test(dialects_of_size_files),
        cmocka_unit_test(bad_size_files_are_refused),
        cmocka_unit_test(bad_matrices_are_refused),
        cmocka_unit_test(empty_rows_beyond_the_names_are_left_out),
        cmocka_unit_test(matrices_survive_saving),
        cmocka_unit_test(statistics_of_a_known_matrix),
        cmocka_unit_test(generated_matrices_have_the_published_character),
        cmocka_unit_test(published_matrices_load),
        cmocka_unit_test(expected_loads_equal_brute_force),
        cmocka_unit_test(gaps_are_log_normal_of_the_given_mean),
        cmocka_unit_test(routed_flows_load_the_busiest_link_as_asked),
        cmocka_unit_test(extreme_workloads_are_drawn_or_refused),
        cmocka_unit_test(cells_are_drawn_by_weight_and_placed_by_pods),
        cmocka_unit_test(same_seed_same_flows_on_any_number_of_threads),
        cmocka_unit_test(a_stream_draws_the_same_flows_as_memory),
        cmocka_unit_test(racks_of_one_host_do_not_hang),
        cmocka_unit_test(misfits_and_nonsense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
