/* train_case: what tests of training share: the plug-in where it was built, runs with it, one that
 * is interrupted, and the comparison of two models. To be included after cmocka.h. */
#ifndef M3_TESTS_TRAIN_CASE_H
#define M3_TESTS_TRAIN_CASE_H
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "model/ckpt.h"
#include "plugin.h"
#include "train/train.h"

static inline int train_case_run(const TrainOptions *o, TrainResult *r, Err *err) {
    const TorchApi *api = torch_load(err);
    return api ? train_run(o, api, NULL, r, err) : -1;
}

/* train_case_interrupted runs until just after the first step, in a process of its own, since a
 * request to stop cannot be taken back. */
static inline void train_case_interrupted(const TrainOptions *o) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        TrainResult r;
        Err err = {0};
        diag_catch_signals();
        raise(SIGINT);
        _exit(train_case_run(o, &r, &err) == -1 && err.kind == ERR_STOPPED ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* train_case_same asserts that the checkpoints of two folders have the same weights and recipe. */
static inline void train_case_same(const char *a, const char *b) {
    Ckpt c[2];
    Err err = {0};
    if (ckpt_load(&c[0], a, &err) != 0 || ckpt_load(&c[1], b, &err) != 0) fail_msg("%s", err.msg);
    assert_int_equal(c[0].n_floats, c[1].n_floats);
    assert_memory_equal(c[0].weights, c[1].weights, c[0].n_floats * sizeof(float));
    assert_string_equal(c[0].recipe, c[1].recipe);
    ckpt_free(&c[0]);
    ckpt_free(&c[1]);
}
#endif
