/* Training on data of paths, with a made-up data set: the learning rate and batches by hand, and,
 * where the training plug-in is built, that training learns, repeats itself, and resumes exactly.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pathset_case.h"
#include "scratch_folder.h"
#include "train_case.h"

static int setup(void **state) {
    char *dir = scratch_folder("pathset");
    pathset_case_write(dir);
    *state = dir;
    return 0;
}

static int teardown(void **state) { return scratch_folder_remove(*state); }

/* ---- training, without the plug-in ---- */

static void test_rate(void **state) {
    (void)state;
    TrainOptions o;
    train_defaults(&o);
    o.lr = 0.5;
    o.warmup = 0.1;
    assert_float_equal(train_rate(&o, 0, 1000), 0.5 / 100, 1e-12);
    assert_float_equal(train_rate(&o, 49, 1000), 0.25, 1e-12);
    assert_float_equal(train_rate(&o, 99, 1000), 0.5, 1e-12);
    assert_float_equal(train_rate(&o, 100, 1000), 0.5, 1e-12);
    assert_float_equal(train_rate(&o, 550, 1000), 0.25, 1e-12);
    assert_true(train_rate(&o, 999, 1000) > 0 && train_rate(&o, 999, 1000) < 1e-5);
    o.warmup = 0;
    assert_float_equal(train_rate(&o, 0, 1), 0.5, 1e-12);
}

static void test_gather(void **state) {
    PathData d;
    TrainBatch b = {0};
    const uint32_t index[] = {7, 2, 7};
    pathset_case_load(&d, *state);
    trainbatch_gather(&b, &d, index, 1);
    trainbatch_gather(&b, &d, index, 3); /* grows */
    assert_int_equal(b.view.n, 3);
    for (size_t k = 0; k < 3; k++) {
        size_t i = index[k];
        assert_int_equal(b.view.row_start[k + 1], PATHSET_N_ROWS * (k + 1));
        assert_memory_equal(b.view.pct + k * PATHSET_N_ROWS * PATHFEAT_N_PCT,
                            d.pct + i * PATHSET_N_ROWS * PATHFEAT_N_PCT,
                            PATHSET_N_ROWS * PATHFEAT_N_PCT * 4);
        assert_memory_equal(b.view.truth + k * PATHFEAT_N_BASE, d.truth + i * PATHFEAT_N_BASE,
                            PATHFEAT_N_BASE * 4);
        for (size_t j = 0; j < SIZEBUCKET_N; j++) {
            assert_float_equal(b.view.base_count[k * 4 + j], log1p(d.base_count[i * 4 + j]), 1e-6);
            assert_int_equal(b.view.truth_present[k * 4 + j], d.truth_count[i * 4 + j] > 0);
        }
    }
    trainbatch_free(&b);
    pathdata_free(&d);
}

/* ---- training, with it ---- */

static void options(TrainOptions *o, const char *dir, const char *out) {
    train_defaults(o);
    assert_int_equal(modelspec_preset(&o->spec, "compact", NULL), 0);
    o->spec.dim = 8;
    o->spec.hidden = 8;
    o->spec.n_layers = 1;
    o->spec.n_heads = 2;
    o->spec.mlp_h1 = o->spec.mlp_h2 = 16;
    o->dataset = dir;
    o->out = out;
    o->epochs = 12;
    o->batch = 5;
    o->lr = 0.01;
    o->threads = 1;
    o->device = "cpu";
    o->dtype = CKPT_F32;
}

static void test_learns_repeats_resumes(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *a = mem_printf("%s/a", (char *)*state), *b = mem_printf("%s/b", (char *)*state),
         *c = mem_printf("%s/c", (char *)*state);
    TrainOptions o;
    TrainResult r, again;
    Err err = {0};
    options(&o, *state, b);
    train_case_interrupted(&o);
    o.resume = true;
    if (train_case_run(&o, &r, &err) != 0) fail_msg("%s", err.msg);
    options(&o, *state, a);
    if (train_case_run(&o, &again, &err) != 0) fail_msg("%s", err.msg);
    assert_float_equal(again.flowsim_loss, 1.0f / 3, 1e-6);
    assert_true(again.held_out_loss < 0.5 * again.flowsim_loss);
    assert_true(again.train_loss < 0.5 * again.flowsim_loss);
    assert_true(r.held_out_loss == again.held_out_loss && r.best_epoch == again.best_epoch);
    train_case_same(a, b);
    options(&o, *state, c);
    o.seed = 2;
    if (train_case_run(&o, &r, &err) != 0) fail_msg("%s", err.msg);
    assert_true(r.held_out_loss != again.held_out_loss); /* the seed is used */
    free(a);
    free(b);
    free(c);
}

static void test_refuses_to_mix_runs(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *out = mem_printf("%s/d", (char *)*state);
    TrainOptions o;
    TrainResult r;
    Err err = {0};
    options(&o, *state, out);
    o.epochs = 1;
    if (train_case_run(&o, &r, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(train_case_run(&o, &r, &err), -1);
    assert_non_null(strstr(err.msg, "a run is there already"));
    o.resume = true;
    assert_int_equal(train_case_run(&o, &r, &err), 0); /* nothing left to do */
    o.lr *= 2;
    assert_int_equal(train_case_run(&o, &r, &err), -1);
    assert_non_null(strstr(err.msg, "other options"));
    free(out);
}

/* Waits until the file is there; false: not within ten seconds. */
static bool appears(const char *path) {
    for (int i = 0; i < 1000 && !file_exists(path); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return file_exists(path);
}

/* A run of so many epochs doesn't end by itself. */
static void test_killed_at_once_can_be_resumed(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *out = mem_printf("%s/e", (char *)*state), *progress = file_join(out, "progress.json");
    TrainOptions o;
    TrainResult r;
    Err err = {0};
    options(&o, *state, out);
    o.epochs = 100000;
    pid_t pid = fork();
    if (pid == 0) _exit(train_case_run(&o, &r, &err) != 0);
    bool saved = appears(progress);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(saved);
    o.resume = true;
    train_case_interrupted(&o); /* goes on, until it is interrupted */
    free(progress);
    free(out);
}

typedef struct {
    const char *progress; /* the file */
    int n_lines;
} Listener;

static void on_line(void *ctx, LogLevel level, const char *line) {
    Listener *l = ctx;
    (void)level, (void)line;
    l->n_lines++;
    assert_true(file_exists(l->progress));
}

static void on_progress(void *ctx, const char *what, uint64_t done, uint64_t total) {
    (void)ctx, (void)what, (void)done, (void)total;
}

/* What a kill left beside the state is removed when the run goes on. */
static void whatever_is_said_of_a_run_it_can_be_resumed(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *out = mem_printf("%s/f", (char *)*state);
    Listener l = {.progress = file_join(out, "progress.json")};
    const LogSink sink = {on_line, on_progress, &l};
    const Log log = {.sink = &sink};
    TrainOptions o;
    TrainResult r;
    Err err = {0};
    const TorchApi *api = torch_load(&err);
    options(&o, *state, out);
    if (train_run(&o, api, &log, &r, &err) != 0) fail_msg("%s", err.msg);
    assert_true(l.n_lines >= 3);
    char *left = file_join(out, "state-0-1.pt.tmp");
    FILE *f = fopen(left, "w");
    assert_non_null(f);
    fclose(f);
    o.resume = true;
    if (train_run(&o, api, &log, &r, &err) != 0) fail_msg("%s", err.msg);
    assert_false(file_exists(left));
    free(left);
    free((char *)(uintptr_t)l.progress);
    free(out);
}

int main(void) {
    plugin_name();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),
        cmocka_unit_test_setup_teardown(test_gather, setup, teardown),
        cmocka_unit_test_setup_teardown(test_learns_repeats_resumes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_to_mix_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_at_once_can_be_resumed, setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_is_said_of_a_run_it_can_be_resumed, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
