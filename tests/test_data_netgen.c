/* casefolder, sizefamily, netdraw, netgen and pathgen: what is drawn keeps its ranges and
 * is a function of its index, sets are resumed and refused as they should be, and what is written
 * loads back as what it says. Tiny sets only. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/casefolder.h"
#include "data/netdir.h"
#include "data/netgen.h"
#include "data/pathgen.h"
#include "data/pathsample.h"
#include "net/clos.h"
#include "scenario/scenario.h"
#include "scratch_folder.h"

#define SIZES "spec/sizes"

static void near(double x, double expected, double tolerance) {
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%g is not within %g of %g", x, tolerance, expected);
}

static void in_range(double x, double lo, double hi) {
    if (!(x >= lo && x <= hi)) fail_msg("%g is not in [%g, %g]", x, lo, hi);
}

/* ---- sizes ---- */

static double mean_of(SizeFamily family, double theta, double scale) {
    SizeSpec s = {family, theta, scale};
    SizeDist d;
    Err err = {0};
    assert_int_equal(sizefamily_build(&d, &s, SIZES, &err), 0);
    double mean = d.mean_b;
    sizedist_free(&d);
    return mean;
}

/* Theory: with m = theta²/25,000, exponential and log-normal have mean m; a normal of mean and
 * deviation m, cut at 0, has m(1 + φ(1)/Φ(1)); a generalised Pareto of scale m/2 and shape 0.26 has
 * m/2/0.74. Tables are cut at 1 − 1e-5. */
static void families_have_their_means(void **state) {
    (void)state;
    const double thetas[] = {20e3, 35e3, 50e3};
    for (int i = 0; i < 3; i++) {
        double m = thetas[i] * thetas[i] / 25e3;
        near(mean_of(SIZES_EXPONENTIAL, thetas[i], 1) / m, 1, 0.01);
        near(mean_of(SIZES_GAUSSIAN, thetas[i], 1) / m, 1.2876, 0.01);
        near(mean_of(SIZES_LOGNORMAL, thetas[i], 1) / m, 1, 0.05);
        near(mean_of(SIZES_PARETO, thetas[i], 1) / m, 0.6757, 0.01);
    }
    for (int f = 0; f < SIZES_N; f++) near(mean_of(f, 30e3, 10) / mean_of(f, 30e3, 1), 10, 0.05);
}

/* ---- draws ---- */

enum { N_DRAWS = 400 };

static void check_conf(const NetConf *conf) {
    assert_true(conf->cc < CC_N);
    if (conf->cc == CC_DCQCN) assert_true(conf->pfc);
    in_range(conf->dctcp_k_b, 5e3, 20e3);
    in_range(conf->dcqcn_kmin_b, 20e3, 50e3);
    in_range(conf->dcqcn_kmax_b, 50e3, 100e3);
    in_range(conf->hpcc_eta, 0.70, 0.95);
    in_range(conf->hpcc_ai_bps, 500e6, 1000e6);
    in_range(conf->timely_tlow_ns, 40e3, 60e3);
    in_range(conf->timely_thigh_ns, 100e3, 150e3);
}

static void check_draw(const NetDraw *d, const NetDrawOptions *o) {
    const Clos *c = &d->clos;
    double hosts = (double)c->pods * c->racks_per_pod * c->hosts_per_rack,
           rate = c->host_rate_bps / 10e9;
    check_conf(&d->conf);
    in_range(hosts, o->shifted ? 300 : 8, o->shifted ? 500 : 256);
    in_range(rate, 1, 40);
    in_range(c->fab_rate_bps / c->host_rate_bps, 1, 4);
    in_range(c->spine_rate_bps / c->host_rate_bps, 1, 4);
    in_range(c->host_delay_ns, 200, 2000);
    in_range(c->spine_delay_ns, 200, 2000);
    for (int tier = 1; tier <= 2; tier++)
        if (clos_oversubscription(c, tier) > 0)
            in_range(clos_oversubscription(c, tier), 0.99, 8.01);
    in_range(d->conf.buffer_b, 190 * 1024 * rate, 510 * 1024 * rate + clos_set_aside_b(c));
    in_range(d->conf.line_window_b, 2000, 30e3 * fmax(rate, clos_bdp_b(c) / 18e3));
    in_range(d->max_load, 0.1, 0.9);
    in_range(d->sigma, 1, 2);
    in_range(d->sizes.scale, 1, rate);
    in_range((double)d->n_flows, (double)o->flows_lo, (double)o->flows_hi);
}

/* How many of each kind came: nothing that should occur is missing. */
typedef struct {
    int cc[CC_N], matrix[MATRIX_N], sizes[SIZES_N], tiers[4], published;
} Tally;

static void tally(Tally *t, const NetDraw *d) {
    const Clos *c = &d->clos;
    t->cc[d->conf.cc]++;
    t->matrix[d->matrix]++;
    t->sizes[d->sizes.family]++;
    t->tiers[1 + (c->fabs_per_pod > 0) + (c->spines_per_plane > 0)]++;
    t->published += c->host_rate_bps == 10e9 && c->fab_rate_bps == 40e9 &&
                    c->spine_rate_bps == 40e9 && c->host_delay_ns == 1000;
}

static void draw_many(bool shifted, Tally *t) {
    NetGenOptions o;
    Err err = {0};
    netgen_default(&o);
    o.draw.shifted = shifted;
    o.draw.sizes_dir = SIZES;
    for (uint64_t i = 0; i < N_DRAWS; i++) {
        NetDraw d;
        assert_int_equal(netdraw_init(&d, &o.draw, i, &err), 0);
        check_draw(&d, &o.draw);
        tally(t, &d);
        netdraw_free(&d);
    }
}

static void draws_keep_their_ranges(void **state) {
    (void)state;
    Tally t = {0};
    draw_many(false, &t);
    for (int i = CC_DCTCP; i <= CC_TIMELY; i++) in_range(t.cc[i], N_DRAWS * 0.18, N_DRAWS * 0.32);
    for (int i = 0; i < MATRIX_N; i++)
        in_range(t.matrix[i], i < MATRIX_PERMUTATION ? N_DRAWS * 0.18 : 0,
                 i < MATRIX_PERMUTATION ? N_DRAWS * 0.32 : 0);
    for (int i = 0; i < SIZES_N; i++)
        in_range(t.sizes[i], i < SIZES_FIRST_UNSEEN ? 1 : 0, i < SIZES_FIRST_UNSEEN ? N_DRAWS : 0);
    for (int i = 1; i <= 3; i++) in_range(t.tiers[i], N_DRAWS * 0.04, N_DRAWS * 0.75);
    in_range(t.published, N_DRAWS * 0.33, N_DRAWS * 0.5);
}

static void shifted_draws_are_others(void **state) {
    (void)state;
    Tally t = {0};
    draw_many(true, &t);
    for (int i = 0; i < MATRIX_N; i++) assert_int_equal(t.matrix[i] > 0, i >= MATRIX_PERMUTATION);
    for (int i = 0; i < SIZES_N; i++) assert_int_equal(t.sizes[i] > 0, i >= SIZES_FIRST_UNSEEN);
}

static void draws_depend_on_seed_and_index_alone(void **state) {
    (void)state;
    NetGenOptions o;
    NetDraw a, b, c;
    Err err = {0};
    netgen_default(&o);
    o.draw.sizes_dir = SIZES;
    assert_int_equal(netdraw_init(&a, &o.draw, 17, &err), 0);
    assert_int_equal(netdraw_init(&b, &o.draw, 17, &err), 0);
    o.draw.seed = 2;
    assert_int_equal(netdraw_init(&c, &o.draw, 17, &err), 0);
    assert_memory_equal(&a.clos, &b.clos, sizeof a.clos);
    assert_true(a.seed == b.seed && a.n_flows == b.n_flows && a.max_load == b.max_load &&
                a.conf.line_window_b == b.conf.line_window_b);
    assert_true(a.seed != c.seed && a.max_load != c.max_load);
    netdraw_free(&a);
    netdraw_free(&b);
    netdraw_free(&c);
}

/* A set of one control: the same networks but for the control and its parameters. */
static void a_given_control_leaves_the_rest(void **state) {
    (void)state;
    NetGenOptions o;
    Err err = {0};
    netgen_default(&o);
    o.draw.sizes_dir = SIZES;
    for (uint64_t i = 0; i < 20; i++) {
        NetDraw a, b;
        o.draw.one_cc = false;
        assert_int_equal(netdraw_init(&a, &o.draw, i, &err), 0);
        o.draw.one_cc = true;
        o.draw.cc = CC_SWIFT;
        assert_int_equal(netdraw_init(&b, &o.draw, i, &err), 0);
        assert_int_equal(b.conf.cc, CC_SWIFT);
        assert_int_equal(netconf_check(&b.conf, &err), 0);
        assert_memory_equal(&a.clos, &b.clos, sizeof a.clos);
        assert_true(a.conf.buffer_b == b.conf.buffer_b && a.seed == b.seed &&
                    a.conf.line_window_b == b.conf.line_window_b && a.conf.pfc == b.conf.pfc &&
                    a.max_load == b.max_load && a.n_flows == b.n_flows && a.sigma == b.sigma);
        netdraw_free(&a);
        netdraw_free(&b);
    }
}

/* Half of an incast matrix's traffic ends at one rack; a permutation gives every rack one partner
 * each way. */
static void unseen_matrices(void **state) {
    (void)state;
    NetDraw d = {.seed = 5, .matrix = MATRIX_INCAST};
    Topo t;
    RackMatrix m;
    Err err = {0};
    clos_default(&d.clos);
    assert_int_equal(clos_build(&t, &d.clos, "test", &err), 0);
    assert_int_equal(netdraw_matrix(&m, &d, &t, &err), 0);
    double sum = 0, most = 0, n = m.n_racks;
    for (uint32_t j = 0; j < m.n_racks; j++) {
        double column = 0;
        for (uint32_t i = 0; i < m.n_racks; i++) column += m.weight[i * m.n_racks + j];
        sum += column;
        most = fmax(most, column);
    }
    near(most / sum, (n + 1) / (2 * n), 1e-12);
    rackmatrix_free(&m);
    d.matrix = MATRIX_PERMUTATION;
    assert_int_equal(netdraw_matrix(&m, &d, &t, &err), 0);
    for (uint32_t i = 0; i < m.n_racks; i++) {
        double row = 0, column = 0;
        for (uint32_t j = 0; j < m.n_racks; j++)
            row += m.weight[i * m.n_racks + j], column += m.weight[j * m.n_racks + i];
        assert_true(row == 1 && column == 1 && m.weight[i * m.n_racks + i] == 0);
    }
    rackmatrix_free(&m);
    topo_free(&t);
}

/* ---- sets ---- */

typedef struct {
    atomic_int calls;
    uint64_t bad; /* this case fails */
    int setting;
} Maker;

static void maker_manifest(const void *ctx, JsonOut *j) {
    json_put_count(j, "setting", (uint64_t)((const Maker *)ctx)->setting);
}

static int maker_make(void *ctx, uint64_t index, const char *dir, Err *err) {
    Maker *m = ctx;
    atomic_fetch_add(&m->calls, 1);
    char *path = file_join(dir, "x");
    FILE *f = fopen(path, "wb");
    fprintf(f, "%llu\n", (unsigned long long)index);
    fclose(f);
    free(path);
    return index == m->bad ? err_io(err, "no luck") : 0;
}

static int run_set(const char *dir, Maker *m, uint64_t first, uint64_t count, CaseFolderInfo *info,
                   Err *err) {
    CaseFolder s = {.out = dir,
                    .prefix = "c",
                    .what = "cases",
                    .first = first,
                    .count = count,
                    .threads = 2,
                    .manifest = maker_manifest,
                    .make = maker_make,
                    .ctx = m};
    return casefolder_run(&s, NULL, info, err);
}

static bool has(const char *dir, const char *name) {
    char *path = file_join(dir, name);
    bool yes = file_exists(path);
    free(path);
    return yes;
}

static void sets_resume(void **state) {
    (void)state;
    char *dir = scratch_folder("netgen");
    Maker m = {.bad = UINT64_MAX};
    CaseFolderInfo info;
    Err err = {0};
    assert_int_equal(run_set(dir, &m, 3, 4, &info, &err), 0);
    assert_true(info.n_made == 4 && info.n_kept == 0 && m.calls == 4);
    assert_true(has(dir, "c00003/x") && has(dir, "c00006/x") && !has(dir, "c00002") &&
                !has(dir, "c00007"));
    assert_int_equal(run_set(dir, &m, 0, 8, &info, &err), 0);
    assert_true(info.n_made == 4 && info.n_kept == 4 && m.calls == 8);
    m.setting = 1;
    assert_int_equal(run_set(dir, &m, 0, 9, &info, &err), -1);
    assert_non_null(strstr(err.msg, "other settings"));
    assert_int_equal(m.calls, 8);
    scratch_folder_remove(dir);
}

/* A case that fails or is cut off leaves nothing, and comes in the next run. */
static void sets_hold_whole_cases(void **state) {
    (void)state;
    char *dir = scratch_folder("netgen"), *left = mem_printf("%s/.c00001.tmp999999999", dir);
    Maker m = {.bad = 2};
    CaseFolderInfo info;
    Err err = {0};
    assert_int_equal(file_mkdirs(left, &err), 0);
    assert_int_equal(run_set(dir, &m, 2, 1, &info, &err), -1);
    assert_non_null(strstr(err.msg, "c00002: no luck"));
    assert_true(!has(dir, "c00002") && !file_exists(left));
    m.bad = UINT64_MAX;
    assert_int_equal(run_set(dir, &m, 2, 1, &info, &err), 0);
    assert_true(has(dir, "c00002/x"));
    free(left);
    scratch_folder_remove(dir);
}

/* ---- networks ---- */

static int make_networks(const char *dir, uint64_t first, uint64_t count, int threads,
                         NetGenInfo *info, Err *err) {
    NetGenOptions o;
    netgen_default(&o);
    o.draw.flows_lo = 40;
    o.draw.flows_hi = 60;
    o.draw.max_packet_hops = 1e5;
    o.draw.sizes_dir = SIZES;
    o.out = dir;
    o.first = first;
    o.count = count;
    o.threads = threads;
    return netgen_run(&o, NULL, info, err);
}

enum { N_NETS = 4 };

static void networks_dont_depend_on_pieces_and_threads(void **state) {
    (void)state;
    char *whole = scratch_folder("netgen"), *pieces = scratch_folder("netgen");
    NetGenInfo info;
    Err err = {0};
    assert_int_equal(make_networks(whole, 0, N_NETS, 1, &info, &err), 0);
    assert_int_equal(info.n_made, N_NETS);
    assert_int_equal(make_networks(pieces, 2, 2, 2, &info, &err), 0);
    assert_int_equal(make_networks(pieces, 0, N_NETS, 2, &info, &err), 0);
    assert_int_equal(info.n_kept, 2);
    for (int i = 0; i < N_NETS; i++) {
        const char *const files[] = {"topo.json", "scenario.json", "flows.csv"};
        for (int k = 0; k < 3; k++) {
            char *name = mem_printf("net%05d/%s", i, files[k]);
            scratch_folder_same(whole, pieces, name);
            free(name);
        }
    }
    scratch_folder_same(whole, pieces, "manifest.json");
    scratch_folder_remove(whole);
    scratch_folder_remove(pieces);
}

static void assert_same_settings(const NetConf *a, const NetConf *b) {
    assert_true(a->cc == b->cc && a->pfc == b->pfc);
    near(a->buffer_b, b->buffer_b, 1e-6);
    near(a->line_window_b, b->line_window_b, 1e-6);
    near(a->dctcp_k_b, b->dctcp_k_b, 1e-6);
    near(a->dcqcn_kmin_b, b->dcqcn_kmin_b, 1e-6);
    near(a->dcqcn_kmax_b, b->dcqcn_kmax_b, 1e-6);
    near(a->hpcc_eta, b->hpcc_eta, 1e-12);
    near(a->hpcc_ai_bps, b->hpcc_ai_bps, 1e-3);
    near(a->timely_tlow_ns, b->timely_tlow_ns, 1e-6);
    near(a->timely_thigh_ns, b->timely_thigh_ns, 1e-6);
}

/* "network" in our own names. */
static void read_ours(const Json *root, NetConf *conf) {
    Json network;
    Err err = {0};
    netconf_default(conf);
    assert_int_equal(json_need(root, "network", &network, &err), 0);
    assert_int_equal(netconf_read_json(conf, &network, &err), 0);
}

static uint64_t count_at(const Json *root, const char *key) {
    Json j;
    uint64_t n;
    Err err = {0};
    assert_true(json_need(root, key, &j, &err) == 0 && json_uint(&j, UINT64_MAX, &n, &err) == 0);
    return n;
}

/* scenario.json says, in both forms of the settings, what was drawn, and what is in flows.csv. */
static void check_scenario(const char *dir, const NetDraw *d, const Scenario *s) {
    Err err = {0};
    char *path = file_join(dir, "scenario.json");
    JsonDoc *doc = json_open(path, &err);
    assert_non_null(doc);
    Json root = json_root(doc);
    NetConf conf;
    read_ours(&root, &conf);
    assert_same_settings(&conf, &d->conf);
    assert_same_settings(&s->conf, &d->conf);
    uint64_t n_finished = 0;
    for (size_t i = 0; i < s->flows.n; i++) n_finished += s->flows.fct_ns[i] > 0;
    assert_int_equal(count_at(&root, "n_finished"), n_finished);
    assert_int_equal(count_at(&root, "n_flows"), s->flows.n);
    assert_int_equal(count_at(&root, "n_hosts"), s->topo.n_hosts);
    json_close(doc);
    free(path);
}

static void check_network(const char *dir, uint64_t index) {
    NetDrawOptions o = {
        .seed = 1, .flows_lo = 40, .flows_hi = 60, .max_packet_hops = 1e5, .sizes_dir = SIZES};
    NetDraw d;
    Scenario s;
    Clos c;
    Err err = {0};
    assert_int_equal(netdraw_init(&d, &o, index, &err), 0);
    assert_int_equal(netdir_load(&s, dir, 1, 1, &err), 0);
    assert_true(clos_match(&c, &s.topo));
    assert_true(c.host_rate_bps == d.clos.host_rate_bps && c.fab_rate_bps == d.clos.fab_rate_bps &&
                c.host_delay_ns == d.clos.host_delay_ns);
    assert_true(s.flows.n == d.n_flows && s.flows.fct_ns && s.flows.ideal_fct_ns);
    for (size_t i = 0; i < s.flows.n; i++)
        assert_true(s.flows.fct_ns[i] >= s.flows.ideal_fct_ns[i] * (1 - 1e-9));
    check_scenario(dir, &d, &s);
    scenario_free(&s);
    netdraw_free(&d);
}

static void networks_load_back(void **state) {
    (void)state;
    char *dir = scratch_folder("netgen");
    NetGenInfo info;
    Err err = {0};
    assert_int_equal(make_networks(dir, 0, N_NETS, 2, &info, &err), 0);
    for (uint64_t i = 0; i < N_NETS; i++) {
        char *net = mem_printf("%s/net%05llu", dir, (unsigned long long)i);
        check_network(net, i);
        free(net);
    }
    scratch_folder_remove(dir);
}

/* ---- paths ---- */

static void paths_load_back(void **state) {
    (void)state;
    char *dir = scratch_folder("netgen");
    PathGenOptions o = {.out = dir, .count = 3, .seed = 4, .sizes_dir = SIZES, .threads = 2};
    PathGenInfo info;
    Err err = {0};
    assert_int_equal(pathgen_run(&o, NULL, &info, &err), 0);
    assert_int_equal(info.n_made, 3);
    for (int i = 0; i < 3; i++) {
        char *json = mem_printf("%s/path%05d/scenario.json", dir, i),
             *csv = mem_printf("%s/path%05d/flows.csv", dir, i);
        PathScenario s = {0};
        assert_int_equal(pathscenario_settings(&s, json, &err), 0);
        assert_int_equal(pathscenario_flows(&s, csv, &err), 0);
        check_conf(&s.conf);
        in_range((double)s.flows.n, 1500, 7000);
        size_t n_foreground = 0;
        for (size_t k = 0; k < s.flows.n; k++) {
            n_foreground += s.flows.src[k] == 0 && s.flows.dst[k] == s.n_links;
            if (s.flows.fct_ns[k] > 0)
                assert_true(s.flows.fct_ns[k] >= s.flows.ideal_fct_ns[k] * (1 - 1e-9));
        }
        in_range((double)n_foreground, 100, (double)s.flows.n - 1);
        flows_free(&s.flows);
        free(json);
        free(csv);
    }
    assert_int_equal(pathgen_run(&o, NULL, &info, &err), 0);
    assert_int_equal(info.n_kept, 3);
    scratch_folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_have_their_means),
        cmocka_unit_test(draws_keep_their_ranges),
        cmocka_unit_test(shifted_draws_are_others),
        cmocka_unit_test(draws_depend_on_seed_and_index_alone),
        cmocka_unit_test(a_given_control_leaves_the_rest),
        cmocka_unit_test(unseen_matrices),
        cmocka_unit_test(sets_resume),
        cmocka_unit_test(sets_hold_whole_cases),
        cmocka_unit_test(networks_dont_depend_on_pieces_and_threads),
        cmocka_unit_test(networks_load_back),
        cmocka_unit_test(paths_load_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
