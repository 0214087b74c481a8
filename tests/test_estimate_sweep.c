/* Grids of settings, and sweeps over them against single estimates. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "estimate/sweep.h"
#include "random_checkpoint.h"

#define NET "tests/cli/net/"

/* ---- grids ---- */

static Grid grid_of(const char *const *assignments) {
    Grid g;
    Err err = {0};
    grid_init(&g);
    for (; *assignments; assignments++)
        if (grid_add(&g, *assignments, &err) != 0) fail_msg("%s", err.msg);
    return g;
}

/* The values of one --set, joined by blanks. */
static void expect_values(const char *assignment, const char *want) {
    Grid g = grid_of((const char *const[]){assignment, NULL});
    char got[512] = "";
    for (size_t i = 0; i < g.n; i++) {
        if (i > 0) strcat(got, " ");
        strcat(got, grid_value(&g, i, 0));
    }
    assert_string_equal(got, want);
    grid_free(&g);
}

static void values_lists_and_ranges(void **state) {
    (void)state;
    expect_values("window=18KB", "18KB");
    expect_values("cc=dctcp,hp", "dctcp hp");
    expect_values("window=5KB..8KB:1KB", "5KB 6KB 7KB 8KB");
    expect_values("window=5KB..8KB:2KB", "5KB 7KB");
    expect_values("window=8KB..5KB:-1KB", "8KB 7KB 6KB 5KB");
    expect_values("window=5KB..5KB:1KB", "5KB");
    expect_values("window=1KB,5KB..7KB:1KB,30000", "1KB 5KB 6KB 7KB 30000");
    expect_values("buffer=900KB..1.1MB:100KB", "900KB 1000KB 1100KB");
    expect_values("hpcc_ai=900Mbps..1.1Gbps:100Mb/s", "900Mb/s 1000Mb/s 1100Mb/s");
    expect_values("timely_tlow=40us..0.06ms:10us", "40us 50us 60us");
    expect_values("timely_tlow=40µs..50µs:10µs", "40µs 50µs");
    expect_values("n_flows=1M..2M:500k", "1000k 1500k 2000k");
    expect_values("max_load=5e-1..0.7:0.1", "0.5 0.6 0.7");
    expect_values("hpcc_eta=80%..90%:5%", "80% 85% 90%");
    expect_values("dctcp_k=5000..7000:1000", "5000 6000 7000");
    expect_values("sizes=../a.txt,b..c:1", "../a.txt b..c:1"); /* file names are no ranges */
}

/* Sums of 0.05 would drift and lose the last value; every text reads back as the decimal fraction
 * it shows. */
static void ranges_do_not_drift(void **state) {
    (void)state;
    expect_values("hpcc_eta=0.7..0.95:0.05", "0.7 0.75 0.8 0.85 0.9 0.95");
    Grid g = grid_of((const char *const[]){"max_load=0.001..0.999:0.001", NULL});
    assert_int_equal(g.n, 999);
    for (size_t i = 0; i < g.n; i++)
        assert_true(strtod(grid_value(&g, i, 0), NULL) == (double)(i + 1) / 1000);
    grid_free(&g);
}

static void last_axis_is_fastest(void **state) {
    (void)state;
    Grid g = grid_of((const char *const[]){"cc=dctcp,hp", "pfc=on", "window=1KB,2KB,3KB", NULL});
    assert_int_equal(g.n, 6);
    assert_string_equal(grid_value(&g, 4, 0), "hp");
    assert_string_equal(grid_value(&g, 4, 1), "on");
    assert_string_equal(grid_value(&g, 4, 2), "2KB");
    assert_string_equal(grid_value(&g, 2, 0), "dctcp");
    assert_string_equal(grid_value(&g, 2, 2), "3KB");
    grid_free(&g);
}

static void refuse(const char *assignment, const char *why) {
    Grid g;
    Err err = {0};
    grid_init(&g);
    assert_int_equal(grid_add(&g, assignment, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    if (!strstr(err.msg, why))
        fail_msg("%s: expected \"%s\", got \"%s\"", assignment, why, err.msg);
    grid_free(&g);
}

static void bad_grids(void **state) {
    (void)state;
    refuse("windw=5KB", "did you mean 'window'");
    refuse("window", "key=value");
    refuse("=5KB", "key=value");
    refuse("window=", "nothing");
    refuse("window=5KB,,6KB", "nothing");
    refuse("window=5XB", "size like");
    refuse("window=5KB..30KB", "lo..hi:step");
    refuse("window=5KB..30KB:", "lo..hi:step");
    refuse("window=5KB..30KB:1KB:2KB", "lo..hi:step");
    refuse("window=5KB..30KB:0KB", "step is 0");
    refuse("window=5KB..30KB:-1KB", "empty");
    refuse("window=30KB..5KB:1KB", "empty");
    refuse("window=5..30KB:1KB", "units");
    refuse("window=5KB..30KB:1XB", "units");
    refuse("window=0KB..2KB:1KB", "must be in");
    refuse("max_load=0.5..1.5:0.5", "must be in (0, 1)");
    refuse("buffer=1..1e12:1", "combinations");
    refuse("buffer=1..1e300:1e-300", "combinations");
    Grid g = grid_of((const char *const[]){"window=1B..100B:1B", NULL});
    Err err = {0};
    assert_int_equal(grid_add(&g, "buffer=1B..100B:1B", &err), -1);
    assert_non_null(strstr(err.msg, "10000 combinations"));
    grid_free(&g);
    g = grid_of((const char *const[]){"window=1B", NULL});
    assert_int_equal(grid_add(&g, "window=2B", &err), -1);
    assert_non_null(strstr(err.msg, "set twice"));
    grid_free(&g);
}

/* ---- sweeps ---- */

static const ScenarioOptions drawn = {.topo_path = NET "clos.json",
                                      .mix_path = NET "mix.json",
                                      .mix_id = -1,
                                      .n_flows = 3000,
                                      .seed = 3,
                                      .threads = 2};

static Sweep sweep(const Grid *g, const ScenarioOptions *so, const EstimateOptions *eo) {
    Sweep s;
    Err err = {0};
    if (sweep_run(&s, g, so, eo, NULL, &err) != 0) fail_msg("%s", err.msg);
    return s;
}

static Slowdowns alone(const Grid *g, size_t combination, ScenarioOptions so,
                       const EstimateOptions *eo) {
    char text[8][64];
    const char *set[9] = {NULL};
    Scenario s;
    Estimate e;
    Err err = {0};
    assert_true(g->n_axes <= 8);
    for (size_t a = 0; a < g->n_axes; a++) {
        snprintf(text[a], sizeof text[a], "%s=%s", g->axes[a].key, grid_value(g, combination, a));
        set[a] = text[a];
    }
    so.set = set;
    if (scenario_load(&s, &so, NULL, &err) != 0 || estimate_run(&s, eo, NULL, &e, &err) != 0)
        fail_msg("%s", err.msg);
    scenario_free(&s);
    return e.slowdown;
}

/* Each row is, to the bit, what an estimate of that setting alone gives, and so whatever was
 * computed before it; also on another number of threads. */
static void check_rows(const Grid *g, EstimateOptions eo) {
    eo.threads = 3;
    Sweep s = sweep(g, &drawn, &eo);
    eo.threads = 1;
    for (size_t i = 0; i < s.n; i++) {
        Slowdowns want = alone(g, s.rows[i].combination, drawn, &eo);
        assert_memory_equal(&s.rows[i].estimate.slowdown, &want, sizeof want);
    }
    sweep_free(&s);
}

static void rows_equal_estimates(void **state) {
    (void)state;
    static const char *const presets[] = {"flow", "compact"};
    Grid g = grid_of((const char *const[]){"max_load=0.3,0.5", "buffer=300KB", "cc=dctcp,hp",
                                           "window=5KB,20KB", "param_1=80,90", NULL});
    for (int p = 0; p < 2; p++) {
        Ckpt ckpt;
        random_checkpoint(&ckpt, presets[p]);
        check_rows(&g,
                   (EstimateOptions){.method = METHOD_M3, .ckpt = &ckpt, .n_paths = 25, .seed = 3});
        free(ckpt.weights);
    }
    grid_free(&g);
    g = grid_of((const char *const[]){"max_load=0.3..0.5:0.1", NULL});
    check_rows(&g, (EstimateOptions){.method = METHOD_FLOWSIM, .n_paths = 25, .seed = 3});
    grid_free(&g);
}

/* Flows are drawn once per traffic; path models need one simulation for all settings of the
 * network. */
static void shared_work(void **state) {
    (void)state;
    Ckpt ckpt;
    random_checkpoint(&ckpt, "compact");
    Grid g =
        grid_of((const char *const[]){"window=5KB,20KB", "max_load=0.3,0.5", "cc=dctcp,hp", NULL});
    Sweep s =
        sweep(&g, &drawn,
              &(EstimateOptions){.method = METHOD_M3, .ckpt = &ckpt, .n_paths = 10, .seed = 3});
    static const SweepStage want[] = {SWEEP_TRAFFIC, SWEEP_MODEL, SWEEP_TRAFFIC, SWEEP_MODEL,
                                      SWEEP_MODEL,   SWEEP_MODEL, SWEEP_MODEL,   SWEEP_MODEL};
    assert_int_equal(s.n, 8);
    assert_int_equal(s.n_traffic, 2);
    assert_int_equal(s.n_fluid, 2);
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(s.rows[i].combination, i);
        assert_int_equal(s.rows[i].computed, want[i]);
    }
    size_t best = sweep_best(&s, 0, 2);
    for (size_t i = 0; i < s.n; i++)
        assert_true(s.rows[best].estimate.slowdown.dist[RESULT_ALL].q[RESULT_P99].value <=
                    s.rows[i].estimate.slowdown.dist[RESULT_ALL].q[RESULT_P99].value);
    sweep_free(&s);
    grid_free(&g);
    free(ckpt.weights);
}

/* A parameter of a congestion control that a row does not use makes no row of its own; equal values
 * neither. */
static void settings_without_effect(void **state) {
    (void)state;
    Ckpt ckpt;
    random_checkpoint(&ckpt, "compact");
    EstimateOptions eo = {.method = METHOD_M3, .ckpt = &ckpt, .n_paths = 5, .seed = 3};
    Grid g = grid_of((const char *const[]){"cc=dctcp,hp,timely", "dctcp_k=5KB,10KB,10000",
                                           "hpcc_eta=0.8,0.9", NULL});
    Sweep s = sweep(&g, &drawn, &eo);
    assert_int_equal(s.n, 2 + 2 + 1);
    static const bool applies[5][3] = {{1, 1, 0}, {1, 1, 0}, {1, 0, 1}, {1, 0, 1}, {1, 0, 0}};
    for (size_t i = 0; i < s.n; i++)
        for (size_t a = 0; a < 3; a++)
            assert_int_equal(sweep_applies(&s.rows[i], &g.axes[a]), applies[i][a]);
    sweep_free(&s);
    grid_free(&g);
    g = grid_of((const char *const[]){"cc=hp", "param_2=50,60", NULL});
    s = sweep(&g, &drawn, &eo);
    assert_int_equal(s.n, 2);
    assert_true(sweep_applies(&s.rows[0], &g.axes[1]));
    sweep_free(&s);
    grid_free(&g);
    free(ckpt.weights);
}

static void refuse_sweep(const char *const *set, ScenarioOptions so, const EstimateOptions *eo,
                         const char *why) {
    Grid g = grid_of(set);
    Sweep s;
    Err err = {0};
    assert_int_equal(sweep_run(&s, &g, &so, eo, NULL, &err), -1);
    if (!strstr(err.msg, why)) fail_msg("expected \"%s\", got \"%s\"", why, err.msg);
    sweep_free(&s);
    grid_free(&g);
}

static void bad_sweeps(void **state) {
    (void)state;
    EstimateOptions fluid = {.method = METHOD_FLOWSIM, .n_paths = 5, .seed = 3}, packet = fluid;
    Ckpt ckpt;
    random_checkpoint(&ckpt, "compact");
    EstimateOptions model = {.method = METHOD_M3, .ckpt = &ckpt, .n_paths = 5, .seed = 3};
    packet.method = METHOD_PACKET;
    refuse_sweep((const char *const[]){"window=5KB,6KB", NULL}, drawn, &packet,
                 "m3 estimate for each");
    refuse_sweep((const char *const[]){"window=5KB,6KB", NULL}, drawn, &fluid,
                 "flowsim does not depend");
    refuse_sweep((const char *const[]){"cc=hp", "dctcp_k=5KB,6KB", NULL}, drawn, &model,
                 "dctcp_k: has no effect");
    refuse_sweep((const char *const[]){"n_flows=10,20", NULL}, drawn, &fluid, "leave them out");
    refuse_sweep((const char *const[]){"sizes=" NET "sizes.txt,/no/such/file", NULL}, drawn, &fluid,
                 "/no/such/file does not exist");
    refuse_sweep((const char *const[]){"cc=dcqcn", "dcqcn_kmin=50KB,90KB", NULL}, drawn, &model,
                 "must be at most dcqcn_kmax");
    ScenarioOptions given = drawn;
    given.flows_path = NET "flows.csv";
    given.n_flows = 0;
    refuse_sweep((const char *const[]){"max_load=0.3,0.4", NULL}, given, &fluid, "flows come from");
    free(ckpt.weights);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_lists_and_ranges), cmocka_unit_test(ranges_do_not_drift),
        cmocka_unit_test(last_axis_is_fastest),    cmocka_unit_test(bad_grids),
        cmocka_unit_test(rows_equal_estimates),    cmocka_unit_test(shared_work),
        cmocka_unit_test(settings_without_effect), cmocka_unit_test(bad_sweeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
