/* Sweeps over grids of settings against single estimates. */
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

static Grid grid_of(const char *const *assignments) {
    Grid g;
    Err err = {0};
    grid_init(&g);
    for (; *assignments; assignments++)
        if (grid_add(&g, *assignments, &err) != 0) fail_msg("%s", err.msg);
    return g;
}

static const ScenarioOptions drawn = {.topo_path = NET "clos.json",
                                      .mix_path = NET "mix.json",
                                      .mix_id = -1,
                                      .n_flows = 3000,
                                      .seed = 3,
                                      .threads = 2};

static Sweep sweep(const Grid *g, const ScenarioOptions *so, const EstimateOptions *eo) {
    Sweep s;
    Err err = {0};
    if (sweep_run(&s, g, so, eo, (SweepRank){0, RESULT_P99}, NULL, &err) != 0)
        fail_msg("%s", err.msg);
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
        check_rows(&g, (EstimateOptions){.method = METHOD_M3,
                                         .ckpt = &ckpt,
                                         .n_paths = 25,
                                         .seed = 3,
                                         .check = {.off = true}});
        free(ckpt.weights);
    }
    grid_free(&g);
    g = grid_of((const char *const[]){"max_load=0.3..0.5:0.1", NULL});
    check_rows(&g, (EstimateOptions){
                       .method = METHOD_FLOWSIM, .n_paths = 25, .seed = 3, .check = {.off = true}});
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
    Sweep s = sweep(
        &g, &drawn,
        &(EstimateOptions){
            .method = METHOD_M3, .ckpt = &ckpt, .n_paths = 10, .seed = 3, .check = {.off = true}});
    static const SweepStage want[] = {SWEEP_TRAFFIC, SWEEP_MODEL, SWEEP_TRAFFIC, SWEEP_MODEL,
                                      SWEEP_MODEL,   SWEEP_MODEL, SWEEP_MODEL,   SWEEP_MODEL};
    assert_int_equal(s.n, 8);
    assert_int_equal(s.n_traffic, 2);
    assert_int_equal(s.n_fluid, 2);
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(s.rows[i].combination, i);
        assert_int_equal(s.rows[i].computed, want[i]);
    }
    size_t best = sweep_best(&s, (SweepRank){RESULT_ALL, RESULT_P99});
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

/* Estimates by a model, with packet windows of this share of all settings' packet-hops. */
static EstimateOptions checked(const Ckpt *ckpt, double share, int threads) {
    return (EstimateOptions){.method = METHOD_M3,
                             .ckpt = ckpt,
                             .n_paths = 10,
                             .seed = 3,
                             .threads = threads,
                             .fall_back = true,
                             .check = {.share = share}};
}

/* With a budget for everything each row is the packet simulation of the whole run, of a control
 * that the model does not know as well. */
static void all_rows_checked(void **state) {
    (void)state;
    Ckpt ckpt;
    random_checkpoint(&ckpt, "flow");
    EstimateOptions eo = checked(&ckpt, 1, 2), sampled = eo;
    sampled.method = METHOD_SAMPLED;
    Grid g = grid_of((const char *const[]){"cc=dctcp,swift", "window=5KB,20KB", NULL});
    Sweep s = sweep(&g, &drawn, &eo);
    assert_int_equal(s.n, 4);
    assert_int_equal(s.n_checked, 4);
    for (size_t i = 0; i < s.n; i++) {
        Slowdowns want = alone(&g, s.rows[i].combination, drawn, &sampled);
        assert_true(s.rows[i].estimate.check.whole);
        assert_false(s.rows[i].corrected);
        assert_memory_equal(&s.rows[i].estimate.slowdown, &want, sizeof want);
    }
    sweep_free(&s);
    grid_free(&g);
    free(ckpt.weights);
}

/* With less, some rows have windows: the one that ranks first by the model, and one of each control
 * that the model does not know. The others move toward what those show, on any number of threads
 * alike. */
static void some_rows_checked(void **state) {
    (void)state;
    Ckpt ckpt;
    random_checkpoint(&ckpt, "flow");
    EstimateOptions eo = checked(&ckpt, 0.3, 1), off = eo;
    off.check = (CheckBudget){.off = true};
    Grid g = grid_of((const char *const[]){"window=5KB..25KB:5KB", "cc=dctcp,hp", NULL});
    Sweep s = sweep(&g, &drawn, &eo), model = sweep(&g, &drawn, &off);
    eo.threads = 3;
    Sweep again = sweep(&g, &drawn, &eo);
    assert_int_equal(s.n, 10);
    assert_int_equal(s.n_checked, 3);
    assert_int_equal(model.n_checked, 0);
    size_t best = sweep_best(&model, (SweepRank){RESULT_ALL, RESULT_P99});
    assert_true(s.rows[best].estimate.check.done);
    for (size_t i = 0; i < s.n; i++) {
        const SweepRow *row = &s.rows[i];
        Slowdowns *m = &model.rows[i].estimate.slowdown;
        assert_memory_equal(&row->estimate.slowdown, &again.rows[i].estimate.slowdown,
                            sizeof(Slowdowns));
        assert_true(row->corrected != row->estimate.check.done);
        assert_memory_not_equal(&row->estimate.slowdown, m, sizeof *m);
        if (row->estimate.check.done) assert_memory_equal(&row->estimate.check.model, m, sizeof *m);
    }
    sweep_free(&s);
    sweep_free(&again);
    sweep_free(&model);
    grid_free(&g);
    free(ckpt.weights);
}

static void refuse_sweep(const char *const *set, ScenarioOptions so, const EstimateOptions *eo,
                         const char *why) {
    Grid g = grid_of(set);
    Sweep s;
    Err err = {0};
    assert_int_equal(sweep_run(&s, &g, &so, eo, (SweepRank){0, RESULT_P99}, NULL, &err), -1);
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
        cmocka_unit_test(rows_equal_estimates),    cmocka_unit_test(shared_work),
        cmocka_unit_test(settings_without_effect), cmocka_unit_test(all_rows_checked),
        cmocka_unit_test(some_rows_checked),       cmocka_unit_test(bad_sweeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
