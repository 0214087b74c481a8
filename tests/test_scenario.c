/* Mixes and scenarios: both forms of a mix mean the same, paths are found, every bad value is named
 * by its place. */
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
#include "base/json.h"
#include "scenario/published.h"
#include "scenario/scenario.h"

#define SHARED "../shared/paper"

static void ok(int rc, const Err *err) {
    if (rc != 0) fail_msg("%s", err->msg);
}

static const char *scratch(char path[64]) {
    snprintf(path, 64, "/tmp/m3-test-spec-%ld", (long)getpid());
    return path;
}

static int mixes_from(const char *text, Mix **m, size_t *n, Err *err) {
    char path[64];
    FILE *f = fopen(scratch(path), "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    int rc = mixes_load(path, m, n, NULL, err);
    unlink(path);
    return rc;
}

static void our_keys(void **state) {
    (void)state;
    Mix *m;
    size_t n;
    Err err = {0};
    ok(mixes_from("[{\"id\": 7, \"topology\": \"t.json\", \"matrix\": {\"kind\": \"c\", \"seed\": "
                  "5}, \"sizes\": \"/dev/null\", \"sigma\": 1.5,"
                  "\"max_load\": 0.3, \"duration\": \"20ms\", \"network\": {\"cc\": \"hp\", "
                  "\"buffer\": \"300KiB\", \"window\": 12000,"
                  "\"pfc\": false, \"hpcc_eta\": \"90%\", \"hpcc_ai\": \"700Mbps\"}},"
                  "{\"matrix\": \"m.json\", \"sizes\": \"s.txt\", \"sigma\": 0, \"max_load\": 0.9, "
                  "\"n_flows\": 5000}]",
                  &m, &n, &err),
       &err);
    assert_int_equal(n, 2);
    assert_int_equal(m[0].id, 7);
    assert_string_equal(m[0].matrix_kind, "c");
    assert_null(m[0].matrix);
    assert_int_equal(m[0].matrix_seed, 5);
    assert_string_equal(m[0].sizes, "/dev/null");
    assert_string_equal(m[0].topo, "/tmp/t.json"); /* nowhere: beside the mix */
    assert_true(m[0].sigma == 1.5 && m[0].max_load == 0.3 && fabs(m[0].duration_s - 0.02) < 1e-15 &&
                m[0].n_flows == 0);
    assert_int_equal(m[0].conf.cc, CC_HPCC);
    assert_true(m[0].conf.buffer_b == 307200 && m[0].conf.line_window_b == 12000 && !m[0].conf.pfc);
    assert_true(fabs(m[0].conf.hpcc_eta - 0.9) < 1e-12 && m[0].conf.hpcc_ai_bps == 700e6);
    assert_int_equal(m[1].id, 1);
    assert_string_equal(m[1].matrix, "/tmp/m.json");
    assert_null(m[1].matrix_kind);
    assert_int_equal(m[1].n_flows, 5000);
    assert_null(m[1].topo);
    NetConf d;
    netconf_default(&d);
    assert_true(m[1].conf.cc == d.cc && m[1].conf.line_window_b == d.line_window_b);
    mixes_free(m, n);
}

/* "param_1" before "cc" on purpose: its meaning must not depend on the order of keys. */
#define PUBLISHED(cc, p1, p2)                                                               \
    "{\"id\": 3, \"param_id\": 2, \"param_1\": " p1 ", \"param_2\": " p2                    \
    ", \"spatial\": \"x/a.json\", \"size_dist\": \"s.txt\","                                \
    "\"lognorm_sigma\": 2.0, \"max_load\": 0.65, \"cluster\": \"c.json\", \"bfsz\": 40.0, " \
    "\"window\": 16515, \"enable_pfc\": 1.0,"                                               \
    "\"duration\": 5, \"cc\": \"" cc "\"}"

static void published_mixes(void **state) {
    (void)state;
    static const char *const text[] = {
        PUBLISHED("dctcp", "10.5", "0.0"), PUBLISHED("dcqcn_paper_vwin", "20", "60"),
        PUBLISHED("hp", "70", "50"), PUBLISHED("timely", "45", "110")};
    for (int cc = CC_DCTCP; cc <= CC_TIMELY; cc++) {
        Mix *m;
        size_t n;
        Err err = {0};
        ok(mixes_from(text[cc], &m, &n, &err), &err);
        assert_int_equal(n, 1);
        assert_int_equal(m->id, 3);
        assert_int_equal(m->conf.cc, cc);
        assert_true(m->conf.buffer_b == 409600 && m->conf.line_window_b == 16515 && m->conf.pfc &&
                    m->duration_s == 5);
        if (cc == CC_DCTCP) assert_true(m->conf.dctcp_k_b == 10500);
        if (cc == CC_DCQCN)
            assert_true(m->conf.dcqcn_kmin_b == 20e3 && m->conf.dcqcn_kmax_b == 60e3);
        if (cc == CC_HPCC)
            assert_true(fabs(m->conf.hpcc_eta - 0.7) < 1e-12 && m->conf.hpcc_ai_bps == 500e6);
        if (cc == CC_TIMELY)
            assert_true(m->conf.timely_tlow_ns == 45e3 && m->conf.timely_thigh_ns == 110e3);
        mixes_free(m, n);
    }
}

static void published_keys_keep_their_units(void **state) {
    (void)state;
    static const struct {
        Cc cc;
        const char *key, *text, *ours;
        double x;
    } known[] = {{CC_DCTCP, "bfsz", "20", "buffer", 204800},
                 {CC_DCTCP, "param_1", "12", "dctcp_k", 12e3},
                 {CC_DCQCN, "param_1", "30", "dcqcn_kmin", 30e3},
                 {CC_DCQCN, "param_2", "80", "dcqcn_kmax", 80e3},
                 {CC_HPCC, "param_1", "95", "hpcc_eta", 95 * 0.01},
                 {CC_HPCC, "param_2", "60", "hpcc_ai", 600e6},
                 {CC_TIMELY, "param_1", "45", "timely_tlow", 45e3},
                 {CC_TIMELY, "param_2", "110", "timely_thigh", 110e3}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        NetConf conf;
        Err err;
        netconf_default(&conf);
        conf.cc = known[i].cc;
        assert_int_equal(published_set(&conf, known[i].key, known[i].text, &err), 0);
        assert_true(netconf_number(&conf, netconf_row(known[i].ours)) == known[i].x);
        assert_true(fabs(netconf_published_number(&conf, known[i].key) - atof(known[i].text)) <
                    1e-9);
    }
    assert_false(published_applies("param_2", CC_DCTCP));
    assert_false(published_applies("param_1", CC_NONE));
    assert_true(published_applies("bfsz", CC_NONE));
}

/* What published_put_mix and published_put_path write reads back, in both forms. */
static void published_settings_are_written(void **state) {
    (void)state;
    static const char *const set[][3] = {{"dctcp_k=12KB"},
                                         {"dcqcn_kmin=20KB", "dcqcn_kmax=60KB"},
                                         {"hpcc_eta=0.8", "hpcc_ai=700Mbps"},
                                         {"timely_tlow=45us", "timely_thigh=110us"}};
    for (int cc = 0; cc < 4; cc++) {
        Mix a, *b;
        size_t n, len;
        Err err = {0};
        NetConf back;
        mix_init(&a);
        a.conf.cc = (Cc)cc;
        a.conf.pfc = cc % 2 == 0;
        ok(mix_set(&a, "buffer=300KiB", &err), &err);
        ok(mix_set(&a, "window=16515", &err), &err);
        for (int i = 0; set[cc][i]; i++) ok(mix_set(&a, set[cc][i], &err), &err);
        for (int form = 0; form < 2; form++) {
            char *text = NULL;
            FILE *f = open_memstream(&text, &len);
            JsonOut out;
            json_out_init(&out, f);
            json_out_object(&out);
            if (form == 0) {
                json_put_string(&out, "spatial", "m.json");
                json_put_string(&out, "size_dist", "s.txt");
                json_put_number(&out, "lognorm_sigma", 1);
                json_put_number(&out, "max_load", 0.5);
            }
            (form == 0 ? published_put_mix : published_put_path)(&out, &a.conf);
            json_out_end(&out, '}');
            fclose(f);
            if (form == 0) {
                ok(mixes_from(text, &b, &n, &err), &err);
                back = b->conf;
                mixes_free(b, n);
            } else {
                JsonDoc *doc = json_parse(text, len, "path", &err);
                assert_non_null(doc);
                Json root = json_root(doc);
                ok(published_read_path(&back, &root, &err), &err);
                json_close(doc);
            }
            assert_true(netconf_same(&back, &a.conf));
            free(text);
        }
        mix_free(&a);
    }
}

/* The published form has no generator: "b" is a file there. */
static void a_published_matrix_is_a_file(void **state) {
    (void)state;
    Mix *m;
    size_t n;
    Err err = {0};
    ok(mixes_from("{\"spatial\": \"b\", \"size_dist\": \"s\", \"lognorm_sigma\": 1, "
                  "\"max_load\": 0.5}",
                  &m, &n, &err),
       &err);
    assert_null(m->matrix_kind);
    assert_string_equal(m->matrix, "/tmp/b");
    mixes_free(m, n);
}

/* Everything at the least and the greatest that is allowed, and just beyond. */
static void limits_of_the_workload(void **state) {
    (void)state;
    static const char *const good[] = {"max_load=5e-324",  "max_load=0.9999999999999999",
                                       "sigma=0",          "sigma=5",
                                       "n_flows=1",        "n_flows=4000000000",
                                       "duration=5e-324",  "duration=9e9",
                                       "duration=0.001ns", "duration=9e9s"},
                             *const bad[] = {"max_load=0",    "max_load=1",
                                             "sigma=-5e-324", "sigma=5.000000000000001",
                                             "n_flows=0",     "n_flows=4000000001",
                                             "duration=0",    "duration=9000000000.000002",
                                             "duration=0ns",  "duration=9000000001s"};
    Mix m;
    Err err = {0};
    mix_init(&m);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) ok(mix_set(&m, good[i], &err), &err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (mix_set(&m, bad[i], &err) == 0) fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(err.msg, "must be in"));
    }
    mix_free(&m);
}

static void published_files_load_and_find_their_parts(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t n;
    } files[] = {{"sec5.2-dctcp-1", 1}, {"sec5.2-dctcp-192", 192}, {"sec5.3-large-0", 1},
                 {"sec5.3-large-1", 1}, {"sec5.4-hpcc", 26},       {"sec5.4-window", 26}};
    if (!file_is_dir(SHARED)) skip();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[96];
        Mix *m;
        size_t n;
        Err err = {0};
        snprintf(path, sizeof path, SHARED "/mix/%s.json", files[i].name);
        ok(mixes_load(path, &m, &n, NULL, &err), &err);
        assert_int_equal(n, files[i].n);
        for (size_t k = 0; k < n; k++) {
            if (n > 1) assert_int_equal(m[k].id, k);
            assert_true(file_exists(m[k].topo) && file_exists(m[k].matrix) &&
                        file_exists(m[k].sizes));
        }
        mixes_free(m, n);
    }
}

#define OURS(rest) "{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1, \"max_load\": 0.5" rest "}"

static void bad_mixes_are_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"", "empty file"},
        {"{\"matrix\": \"b\", \"siz", "not valid JSON"},
        {"[]", "expected at least one mix"},
        {"[3]", "[0]: expected an object, got a number"},
        {"{}", "missing key \"matrix\""},
        {"{\"matrix\": \"b\"}", "missing key \"sizes\""},
        {"{\"matrix\": \"b\", \"sizes\": \"s\"}", "missing key \"sigma\""},
        {"{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1}", "missing key \"max_load\""},
        {"{\"cluster\": \"b\"}", "missing key \"spatial\""},
        {OURS(", \"max_laod\": 1"), "unknown key \"max_laod\", did you mean \"max_load\"?"},
        {OURS(", \"network\": {\"windw\": 1}"),
         ".network: unknown key \"windw\", did you mean \"window\"?"},
        {OURS(", \"network\": {\"cc\": \"cubic\"}"),
         ".network.cc: expected dctcp, dcqcn, hp, timely, none, swift, nscc or eqds, got 'cubic'"},
        {OURS(", \"network\": {\"cc\": 7}"), ".network.cc: expected a string, got a number"},
        {OURS(", \"network\": 7"), ".network: expected an object, got a number"},
        {OURS(", \"network\": {\"window\": 0}"), ".network.window: must be in [1, 1e+12], got 0"},
        {OURS(", \"network\": {\"window\": -5}"), ".network.window: must be in [1, 1e+12]"},
        {OURS(", \"network\": {\"window\": 1e300}"), ".network.window: must be in"},
        {OURS(", \"network\": {\"window\": null}"), ".network.window: expected a number, got null"},
        {OURS(", \"network\": {\"buffer\": \"big\"}"),
         ".network.buffer: expected a size like 18KB or 400KiB, got 'big'"},
        {OURS(", \"network\": {\"pfc\": 0.5}"), ".network.pfc: expected on or off"},
        {OURS(", \"network\": {\"dcqcn_kmin\": \"90KB\", \"dcqcn_kmax\": \"80KB\"}"),
         "dcqcn_kmin: must be at most dcqcn_kmax"},
        {OURS(", \"n_flows\": 0"), ".n_flows: must be in [1, 4000000000], got 0"},
        {OURS(", \"n_flows\": 1.5"), ".n_flows: expected a whole number"},
        {OURS(", \"n_flows\": 1e300"), ".n_flows: "},
        {OURS(", \"duration\": 0"), ".duration: must be in (0, 9e9] s, got 0 s"},
        {OURS(", \"duration\": -1"), ".duration: must be in"},
        {OURS(", \"duration\": \"soon\""), ".duration: expected a time"},
        {OURS(", \"duration\": 1, \"n_flows\": 5"), "expected n_flows or duration, got both"},
        {"{\"matrix\": {\"kind\": \"z\"}, \"sizes\": \"s\", \"sigma\": 1, \"max_load\": 0.5}",
         ".matrix.kind: expected a, b, c or uniform, got \"z\""},
        {"{\"matrix\": {\"sede\": 1, \"kind\": \"a\"}, \"sizes\": \"s\", \"sigma\": 1, "
         "\"max_load\": 0.5}",
         ".matrix: unknown key \"sede\""},
        {"{\"matrix\": 3, \"sizes\": \"s\", \"sigma\": 1, \"max_load\": 0.5}",
         ".matrix: expected a string, got a number"},
        {"{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": -1, \"max_load\": 0.5}",
         ".sigma: must be in [0, 5], got -1"},
        {"{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1, \"max_load\": 1}",
         ".max_load: must be in (0, 1), got 1"},
        {"{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1, \"max_load\": 0}",
         ".max_load: must be in (0, 1), got 0"},
        {"{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1, \"max_load\": -0.5}",
         ".max_load: must be in"},
        {"{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1, \"max_load\": 1e300}",
         ".max_load: must be in (0, 1), got 1e+300"},
        {"{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1, \"max_load\": 1e999}",
         ".max_load: expected a finite number"},
        {"{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1, \"max_load\": NaN}",
         "not valid JSON"},
        {"{\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1, \"max_load\": \"high\"}",
         ".max_load: expected a number, got a string"},
        {"[" OURS("") ", {\"matrix\": \"b\", \"sizes\": \"s\", \"sigma\": 1, \"max_load\": 1.7}]",
         "[1].max_load: must be in (0, 1), got 1.7"},
        {PUBLISHED("reno", "1", "1"),
         ".cc: expected dctcp, dcqcn, hp, timely, none, swift, nscc or eqds, got 'reno'"},
        {PUBLISHED("dctcp", "-3", "0"), ".param_1: dctcp_k: must be in [1, 1e+12]"},
        {PUBLISHED("hp", "90", "1e300"), ".param_2: hpcc_ai: "},
        {PUBLISHED("hp", "900", "50"), ".param_1: hpcc_eta: must be in"},
        {PUBLISHED("dcqcn", "60", "20"), "dcqcn_kmin: must be at most dcqcn_kmax"},
        {"{\"spatial\": \"a\", \"size_dist\": \"s\", \"lognorm_sigma\": 1, \"max_load\": 0.5, "
         "\"bfsz\": -1}",
         ".bfsz: must be above 0 (in units of 10 KiB)"},
        {"{\"spatial\": \"a\", \"size_dist\": \"s\", \"lognorm_sigma\": -2}",
         ".lognorm_sigma: sigma: must be in"},
        {"{\"spatial\": \"a\", \"size_dist\": \"s\", \"enable_pfc\": 2}",
         ".enable_pfc: pfc: expected on or off"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Mix *m;
        size_t n;
        Err err = {0};
        if (mixes_from(bad[i][0], &m, &n, &err) == 0) fail_msg("accepted: %s", bad[i][0]);
        if (err.kind != ERR_INPUT || !strstr(err.msg, bad[i][1]) ||
            !strstr(err.msg, "/tmp/m3-test-spec"))
            fail_msg("expected \"%s\", got \"%s\"", bad[i][1], err.msg);
    }
}

static void settings_change_a_mix(void **state) {
    (void)state;
    Mix m;
    Err err = {0};
    mix_init(&m);
    static const char *const good[] = {
        "max_load=0.7", "sigma=1",         "matrix=c",    "duration=5ms", "n_flows=10M",
        "cc=timely",    "param_1=41",      "param_2=140", "bfsz=30.5",    "window=9KB",
        "enable_pfc=0", "sizes=README.md", "hpcc_eta=80%"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) ok(mix_set(&m, good[i], &err), &err);
    assert_true(m.max_load == 0.7 && m.sigma == 1 && m.duration_s == 0 && m.n_flows == 10000000);
    assert_string_equal(m.matrix_kind, "c");
    assert_string_equal(m.sizes, "README.md");
    assert_true(m.conf.cc == CC_TIMELY && m.conf.timely_tlow_ns == 41e3 &&
                m.conf.timely_thigh_ns == 140e3);
    assert_true(m.conf.buffer_b == 30.5 * 10240 && m.conf.line_window_b == 9000 && !m.conf.pfc);
    ok(mix_set(&m, "matrix=spec/m.json", &err), &err);
    assert_null(m.matrix_kind);
    static const char *const bad[][2] = {
        {"max_load", "expected key=value"},
        {"=3", "expected key=value"},
        {"max_load=", "max_load: expected a number"},
        {"max_load=1.2", "max_load: must be in (0, 1), got 1.2"},
        {"max_load=nan", "max_load: expected a number"},
        {"maxload=0.2", "unknown setting 'maxload', did you mean 'max_load'?"},
        {"windows=2KB", "unknown setting 'windows', did you mean 'window'?"},
        {"cc=bbr", "cc: expected dctcp"},
        {"bfsz=0", "bfsz: must be above 0"},
        {"id=4", "unknown setting 'id'"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(mix_set(&m, bad[i][0], &err), -1);
        if (!strstr(err.msg, bad[i][1]))
            fail_msg("%s: expected \"%s\", got \"%s\"", bad[i][0], bad[i][1], err.msg);
    }
    mix_free(&m);
}

static void a_mix_becomes_a_scenario(void **state) {
    (void)state;
    Scenario s;
    Err err = {0};
    static const char *const set[] = {"max_load=0.25", "window=9KB", NULL};
    ScenarioOptions o = {.mix_path = "spec/demo.json",
                         .mix_id = -1,
                         .n_flows = 20000,
                         .seed = 3,
                         .threads = 2,
                         .set = set};
    ok(scenario_load(&s, &o, NULL, &err), &err);
    assert_int_equal(s.topo.n_hosts, 256);
    assert_int_equal(s.flows.n, 20000);
    assert_true(s.has_mix && s.drawn && s.mix.max_load == 0.25 && s.conf.line_window_b == 9000);
    assert_int_equal(s.matrix.n_racks, 32);
    assert_true(fabs(s.sizes.mean_b / 91.3e3 - 1) < 0.01);
    for (size_t i = 0; i < 100; i++) assert_true(s.sport[i] >= ROUTE_FIRST_SPORT);
    double gap = s.workload.mean_gap_ns;
    scenario_free(&s);
    o.set = NULL; /* the mix's own load of 0.5: twice as dense */
    o.topo_path = "spec/clos-256-1to1.json";
    ok(scenario_load(&s, &o, NULL, &err), &err);
    assert_non_null(strstr(s.topo.name, "1to1"));
    scenario_free(&s);
    o.topo_path = NULL;
    ok(scenario_load(&s, &o, NULL, &err), &err);
    assert_true(fabs(gap / s.workload.mean_gap_ns - 2) < 1e-9);
    scenario_free(&s);
    /* --duration over the mix's number of flows */
    o.n_flows = 0;
    o.duration_s = 0.01;
    ok(scenario_load(&s, &o, NULL, &err), &err);
    assert_true(s.flows.start_ns[s.flows.n - 1] < 10000000);
    scenario_free(&s);
}

static void a_flow_file_becomes_a_scenario(void **state) {
    (void)state;
    char path[64];
    Scenario s;
    Err err = {0};
    FILE *f = fopen(scratch(path), "wb");
    assert_non_null(f);
    fputs("flow,src,dst,size_b,start_ns\n5,0,255,1000,7\n6,0,255,1000,9\n", f);
    fclose(f);
    static const char *const set[] = {"cc=hp", NULL};
    ScenarioOptions o = {
        .topo_path = "spec/clos-256-2to1.json", .flows_path = path, .mix_id = -1, .set = set};
    ok(scenario_load(&s, &o, NULL, &err), &err);
    assert_true(s.flows.n == 2 && !s.has_mix && !s.drawn && s.conf.cc == CC_HPCC);
    assert_int_equal(s.sport[1], ROUTE_FIRST_SPORT + 1);
    scenario_free(&s);
    o.mix_path = "spec/default.json"; /* settings from a mix, flows from the file */
    ok(scenario_load(&s, &o, NULL, &err), &err);
    assert_true(s.flows.n == 2 && s.has_mix && s.conf.line_window_b == 18000 &&
                s.conf.cc == CC_HPCC);
    scenario_free(&s);
    unlink(path);
}

static void incomplete_scenarios_are_refused(void **state) {
    (void)state;
    static const char *const bad_set[] = {"max_load=2", NULL}, *const bad_pair[] = {
                                                                   "dcqcn_kmin=90KB",
                                                                   "dcqcn_kmax=10KB", NULL};
    static const char *const no_sizes[] = {"sizes=/nonexistent/s.txt", NULL},
                             *const no_matrix[] = {"matrix=/nonexistent/m.json", NULL};
    const struct {
        ScenarioOptions o;
        const char *message;
    } bad[] = {
        {{.mix_id = -1}, "no topology given"},
        {{.mix_id = -1, .topo_path = "spec/clos-16.json"}, "no flows given"},
        {{.mix_id = -1, .mix_path = "/nonexistent.json"}, "/nonexistent.json: cannot open"},
        {{.mix_id = 9, .mix_path = "spec/demo.json"}, "spec/demo.json: no mix has id 9"},
        {{.mix_id = -1, .mix_path = "spec/demo.json", .set = bad_set},
         "--set max_load=2: max_load: must be in (0, 1), got 2"},
        {{.mix_id = -1, .mix_path = "spec/demo.json", .set = bad_pair},
         "--set: dcqcn_kmin: must be at most"},
        {{.mix_id = -1, .mix_path = "spec/demo.json", .set = no_sizes},
         "/nonexistent/s.txt: cannot open"},
        {{.mix_id = -1, .mix_path = "spec/demo.json", .set = no_matrix},
         "/nonexistent/m.json: cannot open"},
        {{.mix_id = -1, .mix_path = "spec/demo.json", .topo_path = "/nonexistent/t.json"},
         "/nonexistent/t.json: cannot open"},
        {{.mix_id = -1, .mix_path = "spec/demo.json", .n_flows = 10, .duration_s = 1},
         "only one of them"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Scenario s;
        Err err = {0};
        if (scenario_load(&s, &bad[i].o, NULL, &err) == 0) fail_msg("accepted: %s", bad[i].message);
        if (err.kind != ERR_INPUT || !strstr(err.msg, bad[i].message))
            fail_msg("expected \"%s\", got \"%s\"", bad[i].message, err.msg);
    }
}

/* A window of auto is the largest base BDP: that of the pair with the longest round trip. */
static void an_automatic_window_is_the_largest_bdp(void **state) {
    (void)state;
    static const struct {
        const char *topo, *set[2];
        double window_b, base_bdp_b;
    } cases[] = {
        {"3 1 2\n2\n0 2 100Gbps 1us 0\n1 2 100Gbps 1us 0\n", {NULL}, 52000, 52000},
        {"3 1 2\n2\n0 2 200Gbps 1us 0\n1 2 200Gbps 1us 0\n", {"window=auto", NULL}, 102000, 102000},
        {"3 1 2\n2\n0 2 100Gbps 1us 0\n1 2 100Gbps 1us 0\n", {"window=18KB", NULL}, 18000, 52000},
        /* Hosts 0 and 1 in a rack, 2 beyond two switches: (2·14 µs + 2·80 + 2·20 ns) · 100 Gb/s. */
        {"6 3 5\n3 4 5\n0 3 100Gbps 2us 0\n1 3 100Gbps 1us 0\n3 4 400Gbps 5us 0\n4 5 400Gbps 5us "
         "0\n5 2 100Gbps 2us 0\n",
         {NULL},
         352500,
         352500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char topo[64], flows[64];
        snprintf(topo, sizeof topo, "/tmp/m3-test-window-%ld.txt", (long)getpid());
        snprintf(flows, sizeof flows, "/tmp/m3-test-window-%ld.csv", (long)getpid());
        FILE *f = fopen(topo, "w");
        fputs(cases[i].topo, f);
        fclose(f);
        f = fopen(flows, "w");
        fputs("src,dst,size_b,start_ns\n0,1,1000,0\n", f);
        fclose(f);
        Scenario s;
        Err err = {0};
        ScenarioOptions o = {.topo_path = topo,
                             .flows_path = flows,
                             .mix_id = -1,
                             .set = cases[i].set[0] ? cases[i].set : NULL,
                             .seed = 1};
        if (scenario_load(&s, &o, NULL, &err) != 0) fail_msg("%s", err.msg);
        if (s.conf.line_window_b != cases[i].window_b || s.base_bdp_b != cases[i].base_bdp_b)
            fail_msg("%zu: window %g, BDP %g", i, s.conf.line_window_b, s.base_bdp_b);
        scenario_free(&s);
        unlink(topo);
        unlink(flows);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_automatic_window_is_the_largest_bdp),
        cmocka_unit_test(our_keys),
        cmocka_unit_test(published_mixes),
        cmocka_unit_test(published_keys_keep_their_units),
        cmocka_unit_test(published_settings_are_written),
        cmocka_unit_test(a_published_matrix_is_a_file),
        cmocka_unit_test(limits_of_the_workload),
        cmocka_unit_test(published_files_load_and_find_their_parts),
        cmocka_unit_test(bad_mixes_are_refused),
        cmocka_unit_test(settings_change_a_mix),
        cmocka_unit_test(a_mix_becomes_a_scenario),
        cmocka_unit_test(a_flow_file_becomes_a_scenario),
        cmocka_unit_test(incomplete_scenarios_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
