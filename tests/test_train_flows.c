/* Training on data of flows, with a made-up data set and where the training plug-in is built: it
 * learns what the data say, an interrupted run resumes exactly, and a model of paths is refused. */
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

#include "flowset_case.h"
#include "scratch_folder.h"
#include "train_case.h"

static int setup(void **state) {
    char *dir = scratch_folder("flowset");
    flowset_case_write(dir);
    *state = dir;
    return 0;
}

static int teardown(void **state) { return scratch_folder_remove(*state); }

static void options(TrainOptions *o, const char *dir, const char *out) {
    train_defaults(o);
    o->spec = flowset_case_spec();
    o->dataset = dir;
    o->out = out;
    o->epochs = 40;
    o->batch = 16;
    o->n_flows = 6;
    o->lr = 0.02;
    o->dropout = 0;
    o->average = 0.9;
    o->split.share = 0.4;
    o->threads = 1;
    o->device = "cpu";
    o->dtype = CKPT_F32;
}

static void test_learns_and_resumes(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *a = mem_printf("%s/a", (char *)*state), *b = mem_printf("%s/b", (char *)*state);
    TrainOptions o;
    TrainResult r, again;
    Err err = {0};
    options(&o, *state, b);
    train_case_interrupted(&o);
    o.resume = true;
    if (train_case_run(&o, &r, &err) != 0) fail_msg("%s", err.msg);
    options(&o, *state, a);
    if (train_case_run(&o, &again, &err) != 0) fail_msg("%s", err.msg);
    assert_true(again.flowsim_error > 0.1 && again.held_out_error < 0.3 * again.flowsim_error);
    assert_true(again.held_out_loss < 0.2 * again.flowsim_loss);
    assert_true(r.held_out_loss == again.held_out_loss && r.held_out_error == again.held_out_error);
    train_case_same(a, b);
    free(a);
    free(b);
}

static void test_models_of_paths_are_refused(void **state) {
    if (!plugin_exists()) skip(); /* built where libtorch is */
    char *out = mem_printf("%s/c", (char *)*state);
    TrainOptions o;
    TrainResult r;
    Err err = {0};
    options(&o, *state, out);
    assert_int_equal(modelspec_preset(&o.spec, "compact", NULL), 0);
    assert_int_equal(train_case_run(&o, &r, &err), -1);
    assert_non_null(strstr(err.msg, "holds flows, and the model is one of paths"));
    free(out);
}

int main(void) {
    plugin_name();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_learns_and_resumes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_models_of_paths_are_refused, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
